/*
 * csv_scan: a port a row, whatever other formats group. A host that somebody calls unreachable has
 * one row without a port. Of an open port found early there is no row before the host's: nothing
 * would take it back.
 */
#include "report/csv_private.h"

const char *const csv_scan_columns[] = {"addr",	  "name",   "port", "proto", "state", "reason",
					"origin", "rtt_us", "ttl",  "tries", "from",  NULL};

static bool shows(const struct csv_report *r, enum port_state s)
{
	return !r->style.show_given || host_shows(&r->style, s);
}

static void put_who(struct csv_report *r, const struct addr *a, const char *name)
{
	char buf[ADDR_TEXT];

	csv_put(r, host_addr(r->run, a, buf));
	csv_put_foreign(r, name);
}

static void put_from(struct csv_report *r, const struct addr *from)
{
	char buf[ADDR_TEXT];

	csv_put(r, from && from->family ? host_addr(r->run, from, buf) : NULL);
}

void csv_host_begin(void *ctx, const struct host_record *h)
{
	struct csv_report *r = ctx;

	(void)h;
	csv_carry_end(r);
	r->from = (struct addr){0};
}

void csv_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	const struct verdict *v = p->verdict;
	struct csv_report *r = ctx;

	if (h->unreachable) {
		if (p->from)
			r->from = *p->from;
		return;
	}
	if (!shows(r, v->state))
		return;
	put_who(r, p->addr, p->name);
	csv_put_u64(r, p->port);
	csv_put(r, "tcp");
	csv_put(r, state_name(v->state));
	csv_put(r, v->reason);
	csv_put(r, origin_name(v->origin));
	if (v->decider && v->decider->rtt_us != UINT32_MAX)
		csv_put_u64(r, v->decider->rtt_us);
	else
		csv_put(r, NULL);
	if (v->decider)
		csv_put_u64(r, v->decider->ttl);
	else
		csv_put(r, NULL);
	csv_put_u64(r, p->tries);
	put_from(r, p->from);
	csv_end_row(r);
	csv_flush(r);
}

/* What most of its ports came to. */
static enum port_state state_of(const struct host_record *h)
{
	int most = STATE_NOT_PROBED;

	for (int s = 0; s < PORT_STATES; s++)
		if (h->counts[s] > h->counts[most])
			most = s;
	return (enum port_state)most;
}

void csv_host_end(void *ctx, const struct host_record *h)
{
	struct csv_report *r = ctx;

	if (!h->unreachable || !shows(r, state_of(h)))
		return;
	put_who(r, h->addr, h->name);
	csv_put(r, NULL);
	csv_put(r, "tcp");
	csv_put(r, state_name(state_of(h)));
	csv_put(r, h->down_reason);
	for (int empty = 0; empty < 4; empty++)
		csv_put(r, NULL);
	put_from(r, &r->from);
	csv_end_row(r);
	csv_flush(r);
}
