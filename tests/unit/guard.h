/*
 * guard: memory that ends where nothing may be read any more: a page without rights follows the
 * last octet. A step too far is a crash, with any compiler and without a sanitizer.
 */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct guard {
	uint8_t *map;
	size_t cap; /* octets before the page */
};

/* Aborts where memory is out. */
void guard_open(struct guard *g, size_t cap);
void guard_close(struct guard *g);
/* A copy that ends at the page; at most cap octets, until the next call. */
uint8_t *guard_put(struct guard *g, const void *data, size_t len);
/* The same of len octets and a NUL, which is the last that may be read. */
char *guard_text(struct guard *g, const void *data, size_t len);

#endif
