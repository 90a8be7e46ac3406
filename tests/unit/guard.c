/* guard: an anonymous mapping whose last page is taken its rights. */
#include "config.h"

#include "unit/guard.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void guard_open(struct guard *g, size_t cap)
{
	g->cap = (cap + page() - 1) / page() * page();
	g->map =
	    mmap(NULL, g->cap + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(g->map != MAP_FAILED);
	assert(mprotect(g->map + g->cap, page(), PROT_NONE) == 0);
}

void guard_close(struct guard *g)
{
	munmap(g->map, g->cap + page());
}

uint8_t *guard_put(struct guard *g, const void *data, size_t len)
{
	uint8_t *at = g->map + g->cap - len;

	assert(len <= g->cap);
	if (len)
		memcpy(at, data, len);
	return at;
}

char *guard_text(struct guard *g, const void *data, size_t len)
{
	char *at = (char *)g->map + g->cap - len - 1;

	assert(len < g->cap);
	if (len)
		memcpy(at, data, len);
	at[len] = '\0';
	return at;
}
