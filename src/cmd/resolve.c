/*
 * resolve: asks the system's resolver and databases. It refuses to read targets: engine/targets
 * splits the words and narrows the families.
 */
#include "config.h"

#include "cmd/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "wire/route.h"

static struct addr addr_of(const struct sockaddr *sa)
{
	struct addr a = {0};

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)sa;

		a.family = ADDR_V4;
		memcpy(a.b, &v4->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)sa;

		a.family = ADDR_V6;
		memcpy(a.b, &v6->sin6_addr, 16);
		a.zone = v6->sin6_scope_id;
	}
	return a;
}

static bool has(const struct addr *v, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++) {
		if (addr_equal(&v[i], a))
			return true;
	}
	return false;
}

static int tell(int rc, const char *name, struct err *e)
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
		err_sys(e, errno, "%s: the resolver failed", name);
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
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	size_t n = 0;
	int rc;

	(void)ctx;
	if (is_invalid(name))
		return tell(EAI_NONAME, name, e);
	rc = getaddrinfo(name, NULL, &hints, &list);
	if (rc != 0)
		return tell(rc, name, e);
	for (const struct addrinfo *ai = list; ai && n < max; ai = ai->ai_next) {
		struct addr a = addr_of(ai->ai_addr);

		if (a.family && !has(out, n, &a))
			out[n++] = a;
	}
	freeaddrinfo(list);
	if (n > 0)
		return (int)n;
	err_set(e, "%s: the name has no address", name);
	return TARGET_UNKNOWN;
}

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

void resolve_services(void)
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
	qsort(services, n_services, sizeof(*services), service_cmp);
}

const char *resolve_service_name(uint16_t port, char buf[32])
{
	const struct service key = {.port = port}, *found;

	resolve_services();
	found = services ? bsearch(&key, services, n_services, sizeof(key), service_cmp) : NULL;
	if (!found)
		return NULL;
	snprintf(buf, 32, "%s", found->name);
	return buf;
}

const char *resolve_zone_name(uint32_t zone, char buf[16])
{
	return route_ifname(zone, buf);
}
