/*
 * log: lines for people on stderr, "rstprobe: ..." each. Verbosity is the one global of its kind.
 * Only cmd/ and wire/ call it; the pure rooms return values.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* -1 quiet (errors only), 0 as usual (warnings too), 1 or more -v */
void log_set_verbosity(int level);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* from -v on */

#endif
