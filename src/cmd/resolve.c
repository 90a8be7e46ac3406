/*
 * resolve: asks wire/resolver and the system's databases. It refuses to read targets:
 * engine/targets splits the words and narrows the families. What it keeps is static, since the
 * databases are the machine's, and who prints a port's name has no run at hand.
 */
#include "config.h"

#include "cmd/resolve.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd/names.h"
#include "wire/resolver.h"
#include "wire/route.h"

enum { PATIENCE_MS = 180000 }; /* the C library's is shorter, with any sane configuration */

/* --- names ------------------------------------------------------------------------------------ */

static struct resolver *resolver; /* NULL: not yet wanted */
static struct privilege_user resolver_user;

void resolve_as(const struct privilege_user *u)
{
	resolve_end();
	resolver_user = *u;
}

void resolve_end(void)
{
	resolver_end(resolver);
	resolver = NULL;
}

static bool start(struct err *e)
{
	if (!resolver)
		resolver = resolver_start(&resolver_user, NULL, e);
	return resolver != NULL;
}

struct names *resolve_names(void)
{
	struct names *n = start(NULL) ? names_by(resolver) : NULL;

	if (n)
		resolver = NULL;
	return n;
}

static int tell(int rc, int errnum, const char *name, struct err *e)
{
	switch (rc) {
	case EAI_AGAIN:
	case EAI_FAIL:
	case EAI_MEMORY:
		err_set(e,
			"%s: the resolver gives no answer now: %s (try again, or give the address)",
			name, gai_strerror(rc));
		return TARGET_TRY_AGAIN;
	case EAI_SYSTEM:
		err_sys(e, errnum, "%s: the resolver failed", name);
		return TARGET_TRY_AGAIN;
	default: err_set(e, "%s: no such name: %s", name, gai_strerror(rc)); return TARGET_UNKNOWN;
	}
}

/* RFC 6761, 6.4: no name below "invalid" exists, and no resolver need be asked. */
static bool is_invalid(const char *name)
{
	static const char top[] = ".invalid";
	size_t len = strlen(name), skip = sizeof(top) - 1;

	len -= len && name[len - 1] == '.';
	return len > skip && strncasecmp(name + len - skip, top, skip) == 0;
}

int resolve_name(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	struct resolver_answer a;
	struct err why;

	(void)ctx;
	if (is_invalid(name))
		return tell(EAI_NONAME, 0, name, e);
	if (!start(&why) || !resolver_addrs(resolver, name, PATIENCE_MS, &a, &why)) {
		resolve_end(); /* the next name gets another */
		err_set(e, "%s: the resolver failed: %s", name, why.msg);
		return TARGET_TRY_AGAIN;
	}
	if (a.failure != 0)
		return tell(a.failure, a.errnum, name, e);
	if (a.n == 0) {
		err_set(e, "%s: the name has no address", name);
		return TARGET_UNKNOWN;
	}
	if (a.n > max)
		a.n = max;
	memcpy(out, a.addrs, a.n * sizeof(*out));
	return (int)a.n;
}

/* --- zones ------------------------------------------------------------------------------------ */

uint32_t resolve_zone(void *ctx, const char *name)
{
	uint32_t index = route_ifindex(name);
	char buf[16], *end;
	unsigned long n;

	(void)ctx;
	if (index || name[0] < '0' || name[0] > '9')
		return index;
	/* by number, as a capture or another tool prints it */
	errno = 0;
	n = strtoul(name, &end, 10);
	if (errno || *end || n > UINT32_MAX || !route_ifname((uint32_t)n, buf))
		return 0;
	return (uint32_t)n;
}

/* Taken before privilege is dropped: a socket would be needed to ask. */
static struct if_nameindex *zones;

const char *resolve_zone_name(uint32_t zone, char buf[16])
{
	if (!zones)
		return route_ifname(zone, buf);
	for (const struct if_nameindex *z = zones; z->if_index; z++) {
		if (z->if_index == zone) {
			snprintf(buf, 16, "%s", z->if_name);
			return buf;
		}
	}
	return NULL;
}

/* --- services --------------------------------------------------------------------------------- */

int resolve_service(const char *name)
{
	const struct servent *s = getservbyname(name, "tcp");

	return s ? ntohs((uint16_t)s->s_port) : -1;
}

/* The services database, read once: the C library would read it anew for every port. */
struct service {
	uint16_t port;
	char name[32];
};

static struct service *services;
static size_t n_services;
static bool services_read; /* found or not */

static int service_cmp(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return (x->port > y->port) - (x->port < y->port);
}

static void load_services(void)
{
	const struct servent *s;
	size_t cap = 0;

	if (services_read)
		return;
	services_read = true;
	setservent(1);
	while ((s = getservent())) {
		if (strcmp(s->s_proto, "tcp") != 0)
			continue;
		if (n_services == cap) {
			size_t more = cap ? 2 * cap : 512;
			struct service *v = reallocarray(services, more, sizeof(*v));

			if (!v)
				break;
			services = v;
			cap = more;
		}
		services[n_services].port = ntohs((uint16_t)s->s_port);
		snprintf(services[n_services++].name, sizeof(services->name), "%s", s->s_name);
	}
	endservent();
	if (n_services)
		qsort(services, n_services, sizeof(*services), service_cmp);
}

const char *resolve_service_name(uint16_t port, char buf[32])
{
	const struct service key = {.port = port}, *found;

	load_services();
	found = services ? bsearch(&key, services, n_services, sizeof(key), service_cmp) : NULL;
	if (!found)
		return NULL;
	snprintf(buf, 32, "%s", found->name);
	return buf;
}

/* --- what must be there before privilege is dropped ------------------------------------------- */

void resolve_prepare(bool service_names)
{
	resolve_end();
	tzset();
	if (!zones)
		zones = if_nameindex();
	if (service_names)
		load_services();
}
