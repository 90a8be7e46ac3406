/*
 * doctor_trial: opens a wire as a scan would, for one address, and has it asked. What went wrong on
 * the way is a fact like any other.
 */
#include "config.h"

#include "cmd/doctor_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/hold.h"
#include "wire/live.h"
#include "wire/system.h"

#define SECOND UINT64_C(1000000000)

static const uint16_t usual_ports[DOCTOR_ASKS] = {443, 80, 22};

/* --- opening ---------------------------------------------------------------------------------- */

static int open_wire(struct trial *t, unsigned ports, bool *denied, struct err *e)
{
	struct live_config c = {
	    .paths = &t->path,
	    .n_paths = 1,
	    .expected_replies = 16,
	    .tx = TX_RAW,
	    .lanes = 1,
	    .conns_max = t->c.connect ? t->c.n : 0,
	    .both_ways = true,
	    .user = t->user,
	};

	t->hold = hold_ports(ports, 0, t->user, e);
	if (!t->hold)
		return -1;
	if (getentropy(&t->c.seed, sizeof(t->c.seed)) < 0)
		return err_sys(e, errno, "no randomness");
	t->c.sport_first = hold_first(t->hold);
	c.sport_first = t->c.sport_first;
	c.sport_last = (uint16_t)(t->c.sport_first + ports - 1);
	t->wire = live_open(&c, denied, e);
	return t->wire ? 0 : -1;
}

void trial_close(struct trial *t)
{
	if (t->wire)
		t->wire->ops->close(t->wire);
	hold_free(t->hold);
	if (t->listener >= 0)
		close(t->listener);
	*t = (struct trial){.listener = -1, .user = t->user};
}

/* --- loopback --------------------------------------------------------------------------------- */

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A listener on a free port of loopback. Its port, or 0 with `e`. */
static uint16_t listen_there(struct trial *t, const struct addr *a, struct err *e)
{
	union address at = {0};
	socklen_t len = sizeof(at);
	bool v4 = a->family == ADDR_V4;

	at.sa.sa_family = v4 ? AF_INET : AF_INET6;
	memcpy(v4 ? (void *)&at.v4.sin_addr : (void *)&at.v6.sin6_addr, a->b, addr_len(a));
	t->listener = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->listener < 0 || bind(t->listener, &at.sa, sizeof(at)) < 0 ||
	    listen(t->listener, 1) < 0 || getsockname(t->listener, &at.sa, &len) < 0) {
		err_sys(e, errno, "no listener can have it");
		return 0;
	}
	return ntohs(v4 ? at.v4.sin_port : at.v6.sin6_port);
}

static bool find_way(struct trial *t, const struct addr *a, struct err *e)
{
	struct route *r = route_open(NULL, e);
	bool found = r && route_to(r, a, &t->path, e) > 0;

	route_close(r);
	return found;
}

void trial_open_loop(struct trial *t, struct doctor_loop *l, unsigned family)
{
	enum { AT_LISTENER, AT_CLOSED, PORTS };
	bool denied;

	addr_parse(family == DOCTOR_V4 ? "127.0.0.1" : "::1", &t->c.dst);
	l->wanted = true;
	l->down = !system_is_up("lo");
	t->c.ports[AT_LISTENER] = listen_there(t, &t->c.dst, &l->why);
	l->listens = t->c.ports[AT_LISTENER] != 0;
	if (!l->listens)
		return;
	t->c.n = PORTS;
	t->c.patience_ns = 2 * SECOND;
	t->c.tail_ns = SECOND;
	/* one more port than are sent from: it is held, so it is closed */
	l->opened =
	    find_way(t, &t->c.dst, &l->why) && open_wire(t, PORTS + 1, &denied, &l->why) == 0;
	if (l->opened)
		t->c.ports[AT_CLOSED] = (uint16_t)(t->c.sport_first + PORTS);
}

void trial_run_loop(struct trial *t, struct doctor_loop *l)
{
	struct doctor_asked out[DOCTOR_ASKS];

	if (!t->wire)
		return;
	if (tryout_run(t->wire, &t->c, out, &l->why) < 0) {
		l->opened = false;
		return;
	}
	l->listener = out[0];
	l->closed = out[1];
}

/* --- the way to a target ---------------------------------------------------------------------- */

void trial_open_path(struct trial *t, struct doctor_path *p, const struct addr *dst, uint16_t port,
		     bool ask)
{
	t->c.dst = *dst;
	t->c.n = port ? 1 : DOCTOR_ASKS;
	memcpy(t->c.ports, port ? &port : usual_ports, t->c.n * sizeof(port));
	t->c.connect = ask;
	t->c.patience_ns = 7 * SECOND / 2;
	t->c.tail_ns = 3 * SECOND / 2;
	p->tried = true;
	p->captures = open_wire(t, (unsigned)t->c.n * 2, &p->denied, &p->capture_why) == 0;
	if (!ask && t->wire) {
		t->wire->ops->close(t->wire);
		t->wire = NULL;
	}
}

void trial_run_path(struct trial *t, struct doctor_path *p)
{
	if (!t->wire)
		return;
	p->n_asked = t->c.n;
	if (tryout_run(t->wire, &t->c, p->asked, &p->capture_why) < 0) {
		p->captures = false;
		p->n_asked = 0;
	}
}
