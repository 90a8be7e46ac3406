/* array: arrays that grow as they are filled. What is in them, and who frees it, is the caller's.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Makes room for one more in the array at `*array_ptr`, of `*cap` elements of which `n` are taken:
 * where it is full it doubles. False where memory is out; what there is stays.
 */
bool array_grow(void *array_ptr, size_t n, size_t *cap, size_t size);

/* `n` elements, all zero, for free(); NULL where they need more memory than there is to address,
 * too. */
void *array_zeroed(uint64_t n, size_t size);

#endif
