/*
 * array: by doubling, so that what is put in costs the same however many there are. It never
 * shrinks, and knows no element.
 */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

bool array_grow(void *array_ptr, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *old, *grown;

	if (n < *cap)
		return true;
	/* void * and the array's own pointer type need not alias */
	memcpy(&old, array_ptr, sizeof(old));
	if (want > SIZE_MAX / size)
		return false;
	grown = realloc(old, want * size);
	if (!grown)
		return false;
	memcpy(array_ptr, &grown, sizeof(grown));
	*cap = want;
	/* cppcheck-suppress memleak ; the array has it, by the memcpy above */
	return true;
}

void *array_zeroed(uint64_t n, size_t size)
{
	/* numbers of ports and hosts have 64 bits everywhere, what calloc takes has not; and it
	 * need not be asked for what no object can be */
	return n > PTRDIFF_MAX / size ? NULL : calloc((size_t)n, size);
}
