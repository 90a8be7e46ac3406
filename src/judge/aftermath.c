/*
 * aftermath: what the packets after a RST say of it: its sender goes on, and so never sent it; its
 * receiver challenges it or goes on, and so never took it. It adds facts and names no cause.
 */
#include "base/seq.h"
#include "judge/explain_private.h"

enum {
	REORDER_US = 100, /* what comes sooner may have been sent before */
	ALIVE_MS = 150,	  /* and a retransmission comes later than that */
	CHALLENGE_MS = 1000,
};

static void x_goes_on(struct rst_case *c, const struct seen *n)
{
	fact_set(&c->facts, C_GOES_ON, true);
	if (!c->facts.shown_by)
		c->facts.shown_by = n->frame;
}

/* Was this segment of X sent after the RST, by a connection that lives? */
static void of_x(struct rst_case *c, const struct seen *n, uint64_t later)
{
	bool newer = n->ip_id && c->rst.ip_id && (uint16_t)(n->ip_id - c->rst.ip_id) < 1024;

	if (n->flags & TCP_SYN) {
		if (!(n->flags & TCP_ACK))
			c->after |= AFTER_X_SYN;
		/* a newer SYN may have found a listener, unless no stack sends such a RST at all */
		bool odd = c->rst.ack != c->trigger_end || fact_has(&c->facts, C_COPIED);

		if (n->flags & TCP_ACK && fact_has(&c->facts, T_SYN) && n->ack == c->trigger_end &&
		    (odd || !(c->after & AFTER_Y_SYN))) {
			fact_set(&c->facts, C_SYN_ACK_LATER, true);
			c->facts.shown_by = n->frame;
		}
		return;
	}
	/* what follows a new SYN is another connection, also where the number is the same */
	if (!fact_has(&c->facts, X_SEEN) || c->after & AFTER_X_SYN ||
	    (later < REORDER_US * 1000 && !newer))
		return;
	if (seq_gt(seen_end(n), c->x_nxt) || later > ALIVE_MS * MS ||
	    (!n->len && seq_gt(n->ack, c->x_acked)))
		x_goes_on(c, n);
}

/* RFC 5961, 3.2: what is in the window and not exact is answered by an ACK. */
static void of_y(struct rst_case *c, const struct seen *n, uint64_t later)
{
	bool first = !(c->after & AFTER_Y_SPOKE);
	bool pure = !n->len && (n->flags & (TCP_SYN | TCP_FIN | TCP_ACK)) == TCP_ACK;

	c->after |= AFTER_Y_SPOKE;
	if (n->flags & TCP_SYN) {
		c->after |= AFTER_Y_SYN;
		return;
	}
	if (first && pure && c->rst.seq != c->y_acked && n->seq == c->y_nxt &&
	    n->ack == c->y_acked && later < CHALLENGE_MS * MS)
		c->after |= AFTER_CHALLENGED;
	else if (later > ALIVE_MS * MS + 2 * (uint64_t)c->y_rtt_us * 1000)
		c->after |= AFTER_IGNORED;
}

void aftermath_segment(struct rst_case *c, uint8_t side, const struct seen *n)
{
	uint64_t later = n->wall_ns > c->rst.wall_ns ? n->wall_ns - c->rst.wall_ns : 0;

	if (c->n_after < AFTER_NOTES) {
		struct seen *to = &c->notes[FLOW_NOTES + c->n_after++];

		*to = *n;
		to->from_x = side == c->x;
		to->after = 1;
	}
	if (n->duplicate)
		return;
	if (n->flags & TCP_SYN && !(c->isn_known >> side & 1)) {
		c->isn[side] = n->seq;
		c->isn_known |= (uint8_t)(1u << side);
	}
	if (side == c->x)
		of_x(c, n, later);
	else
		of_y(c, n, later);
}
