/*
 * stage_send: segments of ours, raw or beside a connection of the kernel's, with the line's
 * numbers. What they ask, and whether they may go now, is the acts' affair.
 */
#include "engine/formed.h"
#include "engine/stage_private.h"

enum { WIN = 1021 /* and up: windows that nobody else would choose */ };

void stage_line_begins(struct stage *s, struct line *l, bool quiet)
{
	struct line_facts *f = &s->out->lines[l - s->lines];

	if (l->f)
		return;
	*l = (struct line){.f = f, .conn = -1, .quiet = quiet};
	f->raw = true; /* until a socket is there */
	if (quiet)
		f->sport = (uint16_t)(s->t->w->quiet_first + s->next_quiet++ % s->t->w->n_quiet);
	else
		f->sport = (uint16_t)(s->c->sport_first + s->next_held++ % STAGE_PORTS);
	l->ts_base = turns_random(s->t) | 1;
}

static struct segment blank(const struct stage *s, const struct line *l)
{
	return (struct segment){
	    .src = s->t->w->paths[s->c->path].src,
	    .dst = s->c->dst,
	    .sport = l->f->sport,
	    .dport = s->c->dport,
	    .win = (uint16_t)(WIN + l->f->sport % 512),
	    .ttl = s->c->ttl ? s->c->ttl : 64,
	    .df = true,
	};
}

/* As new as the kernel's own: older is refused (PAWS), newer would have the kernel's refused. A raw
 * line has a clock of its own, of milliseconds as Linux'. */
static void refresh_timestamps(struct stage *s, struct line *l)
{
	struct wire *w = s->t->w;
	uint32_t now;

	if (l->conn < 0 && l->f->raw)
		l->tsval = l->ts_base + (uint32_t)(w->ops->now(w) / NS_PER_MS);
	else if (l->has_ts && l->conn >= 0 && w->ops->conn_tsval(w, l->conn, &now))
		l->tsval = now;
}

static struct numbers numbers_of(struct stage *s, struct line *l)
{
	refresh_timestamps(s, l);
	return (struct numbers){
	    .nxt = l->una,
	    .peer_nxt = l->rcv_nxt,
	    .has_ts = l->has_ts,
	    .tsval = l->tsval,
	    .tsecr = l->tsecr,
	};
}

/* The capture will show it among the kernel's own. */
static void remember(struct line *l, const struct trail *sent, uint64_t at_ns)
{
	l->injected[l->n_injected++ % STAGE_INJECTED] = *sent;
	l->last = *sent;
	l->last_ns = at_ns;
	if (sent->sent.flags & TCP_ACK)
		l->ack_sent = sent->sent.ack;
}

static bool leaves(struct stage *s, struct line *l, const struct segment *seg, struct trail *out,
		   uint64_t *at_ns)
{
	struct trail sent = {{seg->seq, seg->ack, seg->flags, segment_len(seg)}, seg->win};
	uint64_t left_ns = 0;

	if (!turns_send(s->t, s->c->path, seg, &left_ns)) {
		s->down = s->down || !turns_path_up(s->t, s->c->path);
		return false;
	}
	remember(l, &sent, left_ns);
	if (out)
		*out = sent;
	if (at_ns)
		*at_ns = left_ns;
	return true;
}

bool stage_send_form(struct stage *s, struct line *l, const struct form *f, uint32_t random_seq,
		     uint32_t random_ack, struct trail *out, uint64_t *at_ns)
{
	struct segment seg = blank(s, l);
	struct numbers n = numbers_of(s, l);

	formed_fill(&seg, f, &n, random_seq, random_ack);
	if (f->options)
		formed_syn_options(&seg, &s->t->w->paths[s->c->path], l->tsval);
	return leaves(s, l, &seg, out, at_ns);
}

/* Every try repeats the number: another one would kill what is half-open. */
bool stage_send_syn(struct stage *s, struct line *l, struct trail *out, uint64_t *at_ns)
{
	struct segment seg = blank(s, l);

	refresh_timestamps(s, l);
	seg.flags = TCP_SYN;
	seg.seq = l->iss;
	formed_syn_options(&seg, &s->t->w->paths[s->c->path], l->tsval);
	return leaves(s, l, &seg, out, at_ns);
}

bool stage_send_ack(struct stage *s, struct line *l, uint32_t seq, const uint8_t *octets,
		    size_t len, struct trail *out, uint64_t *at_ns)
{
	struct segment seg = blank(s, l);
	struct numbers n = numbers_of(s, l);

	seg.flags = (uint16_t)(TCP_ACK | (len > 1 ? TCP_PSH : 0));
	seg.seq = seq;
	seg.ack = n.peer_nxt;
	seg.payload = len ? octets : NULL;
	seg.payload_len = (uint32_t)len;
	formed_timestamps(&seg, &n);
	return leaves(s, l, &seg, out, at_ns);
}

/* The service's end goes at once, not by its timers. Before the SYN-ACK the number is known as
 * well: what would come is taken back before it comes, or soon after. */
void stage_tidy(struct stage *s, struct line *l)
{
	struct segment seg;

	if (!l->f || !l->quiet || !l->half_open)
		return;
	l->half_open = false;
	seg = blank(s, l);
	seg.flags = TCP_RST;
	seg.seq = l->una;
	seg.win = 0;
	leaves(s, l, &seg, NULL, &l->f->closed_ns);
}

size_t stage_room(const struct stage *s)
{
	size_t mss = formed_mss(&s->t->w->paths[s->c->path], s->c->dst.family);
	size_t ours = SEGMENT_MAX - (s->c->dst.family == ADDR_V4 ? 40 : 60);

	return (mss < ours ? mss : ours) - 12; /* the time stamps' */
}
