/*
 * aims: a small space, expanded: one walk or scene each, so that many are a mistake, and a list of
 * common ports is no answer. What lies there, and whether it can be reached, is for others.
 */
#include "cmd/aims.h"

#include <stdlib.h>

#include "base/array.h"

static int refuse(struct run *r, const struct err *e)
{
	return run_fail(r, STATUS_USAGE, e);
}

static const char *command_of(const struct run *r)
{
	return r->o.count ? "scan --count" : r->line->argv[0];
}

/* Targets that bring a port of their own need no -p; the list of common ports is no answer. */
static int check_ports(struct run *r, bool connects)
{
	const struct space *space = &r->ask.space;
	struct err e;

	for (size_t i = 0; i < space->n; i++) {
		const struct ports *ports = space->spans[i].ports;

		if (!r->o.ports && ports_equal(ports, r->ask.ports)) {
			err_set(&e, "%s: which port? name it by -p, as in -p 443", command_of(r));
			return refuse(r, &e);
		}
		if (connects && ports_rank(ports, 0) >= 0) {
			err_set(&e, "-p: port 0: no connection can be made to it");
			return refuse(r, &e);
		}
	}
	return 0;
}

int aims_list(struct aims *a, struct run *r, size_t most, bool connects)
{
	const struct space *space = &r->ask.space;
	struct err e;

	*a = (struct aims){0};
	if (check_ports(r, connects) < 0)
		return -1;
	if (space->total > most) {
		err_set(&e,
			"%llu ports of %llu addresses: %s takes at most %zu in one run; name fewer "
			"targets, or fewer ports by -p",
			(unsigned long long)space->total, (unsigned long long)space->hosts,
			command_of(r), most);
		return refuse(r, &e);
	}
	a->v = array_zeroed(space->total + 1, sizeof(*a->v));
	if (!a->v) {
		err_set(&e, "out of memory for %llu ports", (unsigned long long)space->total);
		return run_fail(r, STATUS_CANNOT, &e);
	}
	for (uint64_t i = 0; i < space->total; i++) {
		struct point p;

		space_at(space, i, &p);
		if (p.span->path == PATH_NONE)
			a->unroutable++;
		else
			a->v[a->n++] = (struct aim){.addr = p.addr,
						    .name = p.span->name,
						    .port = p.port,
						    .path = p.span->path};
	}
	return 0;
}

void aims_free(struct aims *a)
{
	free(a->v);
}
