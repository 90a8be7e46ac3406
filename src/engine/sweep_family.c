/*
 * sweep_family: a scan's own replies as cells of the battery, so that the judge of `stack` can say
 * of a scanned host what its few probes show. It asks nothing of its own.
 */
#include <string.h>

#include "base/seq.h"
#include "engine/sweep_private.h"
#include "judge/stack.h"

void sweep_fill_exchange(const struct sweep *s, const struct addr *addr, uint16_t port,
			 const struct reply *r, struct exchange *x)
{
	const struct sweep_config *c = s->c;
	uint16_t sport = (uint16_t)(c->sport_first + r->kind * sweep_tries_max(c) + r->try);

	*x = (struct exchange){
	    .tries = (uint8_t)(r->try + 1),
	    .answered_by = (uint8_t)(r->try + 1),
	    .reaction = r->reaction,
	    .fit = r->fit,
	    .port = port,
	    .rtt_us = r->rtt_us,
	    .seq = r->seq,
	    .ack = r->ack,
	    .flags = r->flags,
	    .win = r->win,
	    .ip_id = r->ip_id,
	    .ttl = r->ttl,
	    .from = *addr,
	    .sent_win = c->wish.has_win ? c->wish.win : syn_layout_win(c->wish.layout),
	};
	sweep_sent(c, addr, port, c->sport_fixed ? c->sport_first : sport, r->kind, &x->sent);
	x->sent_ip_id = probing_ip_id(&x->sent);
}

/* What a struct reply has no room for is known of the host's first SYN-ACK and RST. */
static void fill_reply(const struct sweep *s, const struct host *h, const struct addr *addr,
		       uint16_t port, const struct reply *r, struct exchange *x)
{
	sweep_fill_exchange(s, addr, port, r, x);
	if (r->reaction == REACTION_SYN_ACK) {
		x->df = h->syn_ack_df;
		x->mss = h->mss;
		memcpy(x->layout, h->layout, sizeof(x->layout));
	} else {
		x->df = h->rst_df;
	}
}

void sweep_find_cells(struct sweep *s)
{
	for (size_t k = 0; k < s->c->n_kinds; k++) {
		s->listen_cell[k] = (int8_t)battery_find(IN_LISTEN, s->c->kinds[k]->name);
		s->closed_cell[k] = (int8_t)battery_find(IN_CLOSED, s->c->kinds[k]->name);
	}
}

void sweep_note_port(const struct sweep *s, const struct host *h, const struct addr *addr,
		     uint16_t port, const struct observation *o, const struct verdict *v,
		     struct stack_facts *facts)
{
	const int8_t *cells = v->state == STATE_OPEN ? s->listen_cell : s->closed_cell;

	if (v->weak || (v->state != STATE_OPEN && v->state != STATE_CLOSED))
		return;
	for (size_t i = 0; i < o->n_replies; i++) {
		const struct reply *r = o->replies[i];
		int cell = cells[r->kind];

		if (cell < 0 || r->from || r->fit != FIT_EXACT || r->try >= TRIES_MAX ||
		    exchange_answered(&facts->cells[cell]))
			continue;
		fill_reply(s, h, addr, port, r, &facts->cells[cell]);
		/* an option layout that wasn't offered can't be shown */
		if (s->c->wish.layout != SYN_LAYOUT_LINUX)
			memcpy(facts->cells[cell].layout, "?", 2);
	}
	facts->has_open = facts->has_open || v->state == STATE_OPEN;
	facts->has_closed = facts->has_closed || v->state == STATE_CLOSED;
}

/* --- the same again ----------------------------------------------------------------------------
 */

/* What the judge looks at of one exchange: numbers that are drawn anew each time only by how they
 * stand to ours. */
static struct exchange in_kind(const struct exchange *x)
{
	struct exchange k = *x;

	k.tries = k.answered_by = exchange_answered(x);
	k.port = 0;
	k.asked_ns = k.answered_ns = 0;
	k.rtt_us = 0;
	k.from = (struct addr){0};
	k.sent = (struct sent){.flags = x->sent.flags, .len = x->sent.len};
	k.seq = x->seq == 0 ? 0 : x->seq == x->sent.ack ? 1 : 2;
	k.ack = x->ack == 0				 ? 0
		: seq_in_window(x->ack, x->sent.seq, 64) ? x->ack - x->sent.seq + 1
							 : 100;
	k.ip_id = x->ip_id != 0;
	k.sent_ip_id = 0;
	return k;
}

static void shape_of(const struct sweep *s, const struct stack_facts *facts,
		     struct family_shape *out)
{
	const int cells[2] = {s->listen_cell[0], s->closed_cell[0]};

	memset(out, 0, sizeof(*out)); /* it is compared by its octets */
	out->family = facts->family;
	for (int i = 0; i < 2; i++)
		if (cells[i] >= 0)
			out->cells[i] = in_kind(&facts->cells[cells[i]]);
	out->has[0] = facts->has_open;
	out->has[1] = facts->has_closed;
}

/* In a large sweep most hosts are of few stacks: with one kind of probe two cells are all there is,
 * and what was judged of their like need not be judged again. */
static struct family_memo *memo_of(struct sweep *s, const struct family_shape *shape)
{
	for (unsigned i = 0; i < FAMILY_MEMOS; i++)
		if (s->memos[i].known && memcmp(&s->memos[i].shape, shape, sizeof(*shape)) == 0)
			return &s->memos[i];
	return NULL;
}

static void judge_anew(struct stack_facts *facts, struct host_record *rec)
{
	struct stack_verdict v;
	bool stray = false;

	stack_judge_family(facts, &v);
	rec->family = v.family;
	rec->confidence = v.confidence;
	for (size_t k = 0; k < 2 * (size_t)BATTERY_STRAY; k++)
		stray =
		    stray || (battery[k].segment == RFC_ACK && exchange_is_rst(&facts->cells[k]));
	/* who borrowed a SYN-ACK's shape is told by its other resets alone */
	if (!stray && rec->confidence == CONFIDENCE_HIGH)
		rec->confidence = CONFIDENCE_MEDIUM;
}

void sweep_judge_family(struct sweep *s, struct stack_facts *facts, struct host_record *rec)
{
	struct family_shape shape;
	struct family_memo *m;

	facts->family = rec->addr->family;
	if (s->c->n_kinds > 1) {
		judge_anew(facts, rec);
		return;
	}
	shape_of(s, facts, &shape);
	m = memo_of(s, &shape);
	if (m) {
		rec->family = m->family;
		rec->confidence = m->confidence;
		return;
	}
	judge_anew(facts, rec);
	m = &s->memos[s->next_memo++ % FAMILY_MEMOS];
	m->shape = shape;
	m->family = rec->family;
	m->confidence = rec->confidence;
	m->known = true;
}
