/*
 * judge: one port, probes of any kinds, and whatever comes back for them: which of it is an answer,
 * and what all of it means. A number that fits was really ours, order and repetition change
 * nothing, and every verdict can be told.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/seq.h"
#include "engine/probing.h"
#include "fuzz/memwire.h"
#include "fuzz/telling.h"

enum { SPORT = 40000, PORT = 80, KINDS = 5, TURNS = 200 };

struct asked {
	struct memwire m;
	struct addr dst;
	const struct probe *kinds[KINDS];
	struct sent sent[KINDS];
	uint8_t tries[KINDS];
	struct reply replies[2 * PROBE_KINDS_MAX];
	struct addr from[2 * PROBE_KINDS_MAX];
	struct observation o;
};

/* --- what came back --------------------------------------------------------------------------- */

/* FIT_EXACT: some number of it can only come from who saw our segment. */
static void check_fit(const struct sent *sent, const struct packet *p, enum fit fit,
		      enum reaction reaction)
{
	/* of a RST the field counts, with or without the bit */
	bool ack = p->seg.flags & (TCP_ACK | TCP_RST) &&
		   seq_in_window(p->seg.ack, sent->seq, sent->len + 1);
	bool seq = p->seg.flags & TCP_RST && p->seg.seq == sent->ack;

	assert(reaction > REACTION_NONE && reaction < REACTIONS && reaction_token(reaction));
	assert(reaction_is_icmp(reaction) == (p->kind == PACKET_ICMP_ERROR));
	if (fit != FIT_EXACT)
		return;
	if (p->kind == PACKET_ICMP_ERROR)
		assert(p->quoted.has_seq && p->quoted.seq == sent->seq);
	else
		assert(ack || seq);
}

/* One of each (kind, reaction, fit), as a sweep keeps them. */
static bool is_new(const struct observation *o, const struct reply *r)
{
	for (size_t i = 0; i < o->n_replies; i++)
		if (o->replies[i]->kind == r->kind && o->replies[i]->reaction == r->reaction &&
		    o->replies[i]->fit == r->fit)
			return false;
	return o->n_replies < 2 * PROBE_KINDS_MAX;
}

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct asked *a = ctx;
	struct packet p;
	enum reaction reaction;
	struct reply *r = &a->replies[a->o.n_replies];
	unsigned kind;
	enum fit fit;

	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK ||
	    match_is_broken(&p))
		return;
	kind = (p.kind == PACKET_TCP ? p.seg.dport : p.quoted.sport) - SPORT;
	if (kind >= a->o.n_kinds)
		return;
	fit = match_reply(&a->sent[kind], &p, &reaction);
	if (fit == FIT_NONE || a->o.n_replies == 2 * PROBE_KINDS_MAX)
		return;
	check_fit(&a->sent[kind], &p, fit, reaction);
	probing_reply(r, &p, kind, 0, reaction, fit);
	r->from = !addr_same(&p.seg.src, &a->dst);
	if (!is_new(&a->o, r))
		return;
	a->from[a->o.n_replies] = p.seg.src;
	a->o.replies[a->o.n_replies++] = r;
}

/* --- what it means ---------------------------------------------------------------------------- */

static void check_verdict(const struct asked *a, const struct verdict *v)
{
	assert(v->state < PORT_STATES && state_name(v->state) && v->reason && v->reason[0]);
	assert(v->n_clues <= VERDICT_CLUES_MAX);
	assert(v->state != STATE_OPEN || v->decider->fit == FIT_EXACT);
	assert(v->state != STATE_INCONSISTENT || (v->decider && v->against));
	assert(!v->decider || v->reaction == (enum reaction)v->decider->reaction);
	if (a->o.n_replies == 0)
		assert(!v->decider && v->state != STATE_OPEN && v->state != STATE_CLOSED);
}

static void check_same(const struct verdict *v, const struct verdict *w)
{
	assert(v->state == w->state && v->weak == w->weak && v->reaction == w->reaction);
	assert(v->decider == w->decider && v->against == w->against && v->rule == w->rule);
	assert(strcmp(v->reason, w->reason) == 0 && v->origin == w->origin);
	assert(v->n_clues == w->n_clues);
	for (unsigned i = 0; i < v->n_clues; i++)
		assert(v->clues[i].id == w->clues[i].id && v->clues[i].a == w->clues[i].a &&
		       v->clues[i].b == w->clues[i].b);
}

/* The other way round, and begun anywhere. */
static void check_orders(const struct asked *a, const struct verdict *v)
{
	size_t n = a->o.n_replies;

	for (size_t from = 0; from < n; from++) {
		struct observation o = a->o;
		struct verdict w;

		for (size_t i = 0; i < n; i++)
			o.replies[i] = a->o.replies[(from + n - i) % n];
		verdict_judge(&o, &w);
		check_same(v, &w);
	}
}

static void tell(const struct asked *a, const struct verdict *v, bool verbose)
{
	struct host_record h = {.addr = &a->dst, .up = true};
	struct port_record r = {
	    .addr = &a->dst, .port = PORT, .verdict = v, .seen = &a->o, .tries = 2};
	struct telling t;

	h.counts[v->state] = 1;
	if (v->decider)
		r.from = &a->from[v->decider - a->replies];
	telling_open(&t, "scan", verbose);
	t.tee->sink.host_begin(t.tee->sink.ctx, &h);
	t.tee->sink.port(t.tee->sink.ctx, &h, &r);
	t.tee->sink.host_end(t.tee->sink.ctx, &h);
	telling_close(&t);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static void ask(struct asked *a, unsigned kind, const struct probe_wish *wish)
{
	uint8_t bytes[SEGMENT_MAX];
	struct wire_out out = {.ip = bytes};
	struct segment s;
	_Atomic uint64_t at;
	int len;

	a->sent[kind] = probing_sent(wish, a->kinds[kind], 0xfffffff8U + kind, 0x1000 + kind);
	probing_segment(wish, a->kinds[kind], &a->m.path, &a->dst, 7, &s);
	s.sport = (uint16_t)(SPORT + kind);
	s.dport = PORT;
	s.seq = a->sent[kind].seq;
	s.ack = a->sent[kind].ack;
	len = craft_build(a->m.craft, &s, bytes, sizeof(bytes), NULL);
	assert(len > 0);
	out.len = (uint16_t)len;
	assert(a->m.wire.ops->send(&a->m.wire, 0, &out, 1, &at) == 1);
}

static void set_up(struct asked *a, bool six)
{
	a->dst = addr_v4(192, 0, 2, 2);
	a->m.path.src = addr_v4(192, 0, 2, 1);
	if (six) {
		assert(addr_parse("2001:db8::1", &a->m.path.src) == 0);
		assert(addr_parse("2001:db8::2", &a->dst) == 0);
	}
	a->o = (struct observation){
	    .kinds = a->kinds, .tries = a->tries, .family = a->dst.family, .min_tries = 2};
}

/* The first octet: how; the second: how many kinds from which on, in the table's order. */
int fuzz_judge(const uint8_t *data, size_t len)
{
	struct probe_wish wish = {.layout = SYN_LAYOUT_LINUX};
	static struct asked a;
	struct verdict v;

	if (len < 2)
		return 0;
	memset(&a, 0, sizeof(a));
	memwire_init(&a.m, data + 2, len - 2);
	set_up(&a, data[0] & 1);
	a.o.cut_short = data[0] & 2;
	wish.has_ack = data[0] & 4; /* to 0 */
	a.o.n_kinds = 1 + data[1] % KINDS;
	for (unsigned i = 0; i < a.o.n_kinds; i++) {
		a.kinds[i] = &probe_table[(data[1] / KINDS + i) % probe_count];
		a.tries[i] = data[0] >> (3 + i) & 1 ? 1 : 2;
		ask(&a, i, &wish);
	}
	for (int i = 0; i < TURNS && a.m.script.left; i++)
		a.m.wire.ops->recv(&a.m.wire, a.m.now_ns, on_frame, &a, NULL);
	verdict_judge(&a.o, &v);
	check_verdict(&a, &v);
	check_orders(&a, &v);
	tell(&a, &v, data[0] & 8);
	memwire_free(&a.m);
	return 0;
}
