/*
 * err: one message that says what failed, on what, why, and the fix.
 * It is passed last and filled by the callee; it owns nothing, never leaks and never fails.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char msg[256];
};

/* Both fill `e` (which may be NULL) and return -1, so that `return err_set(e, ...)` reads well. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, with ": " and the text of `errnum` (an errno value) behind it. */
int err_sys(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
