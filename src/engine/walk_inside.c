/*
 * walk_inside: copies of one segment of a connection that a kernel socket holds, one TTL at a time,
 * since a RST does not say which of them drew it; then the same TTL once more in connections of its
 * own. What the frames say is read in walk_inside_take.
 */
#include "engine/formed.h"
#include "engine/walk_private.h"

enum {
	CONNECT_NS_TIMES = 8,	  /* timeouts: our kernel repeats its SYN after 1, 2 and 4 s */
	SERVICE_NS_TIMES = 3,	  /* it repeats the octets, too */
	OPEN_AGAIN_NS = 50000000, /* until the pair of ends, or a descriptor, may be free */
	FULL_TTL = 64,
};

/* --- rounds: one connection each ------------------------------------------------------------ */

static bool begin_round(struct walker *k, struct turns *t, uint8_t first, uint8_t last)
{
	struct inside *in = &k->in;

	in->stage = INSIDE_CONNECT;
	in->known = in->has_ts = false;
	in->drawn = 0;
	in->n_steps = 0;
	in->ttl = first;
	in->last = last;
	in->ip_id = (uint16_t)turns_random(t);
	in->due_ns = 0;
	in->open_ns = 0;
	in->w->first = first;
	in->w->last = (uint8_t)(first - 1);
	for (unsigned ttl = 0; ttl <= TRACE_TTL_MAX; ttl++)
		in->w->hops[ttl] = (struct trace_hop){.ttl = (uint8_t)ttl};
	return true;
}

/* New octets must not reach the target before the kernel has sent them; an old one may. */
bool inside_begin(struct walker *k, struct turns *t)
{
	struct inside *in = &k->in;
	const struct course *main = &k->courses[0];
	unsigned last;

	if (!k->c->inside || in->begun || !main->end || !k->c->probe || !t->w->conns_max)
		return false;
	if (main->w->hops[main->end].reply.reaction != REACTION_SYN_ACK)
		return false;
	in->begun = true;
	in->sport = main->w->sport;
	in->distance = main->end;
	in->w = in->main = walk_add(k, WALK_INSIDE, k->c->probe, in->sport, k->c->dport);
	if (!in->w)
		return false;
	last = k->f->inside.content ? in->distance - 1U : in->distance + 1U;
	return begin_round(k, t, k->c->first_ttl,
			   (uint8_t)(last < k->c->max_ttl ? last : k->c->max_ttl));
}

static void close_conn(struct walker *k, struct turns *t)
{
	struct inside *in = &k->in;

	if (in->conn >= 0)
		t->w->ops->conn_close(t->w, in->conn, true);
	in->conn = -1;
}

void inside_drop(struct walker *k, struct turns *t)
{
	close_conn(k, t);
	k->in.stage = INSIDE_NOT;
}

static void inside_end(struct walker *k, struct turns *t)
{
	struct trace_inside *out = &k->f->inside;

	inside_drop(k, t);
	if (out->reset_ttl) {
		out->unstable =
		    out->confirmed ? k->in.candidate > out->reset_ttl : k->in.contradicted;
		out->reset_ttl = k->in.candidate;
	}
}

static bool begin_confirm(struct walker *k, struct turns *t)
{
	struct inside *in = &k->in;
	uint8_t first = k->c->first_ttl, last = (uint8_t)(in->candidate + 1);

	if (k->f->inside.confirmed || in->round == WALK_CONFIRMS ||
	    !walk_port_beside(k, &in->sport))
		return false;
	in->round++;
	in->spare = (struct trace_walk){.role = WALK_INSIDE, .probe = k->c->probe};
	in->w = &in->spare;
	return begin_round(k, t, in->candidate > first ? (uint8_t)(in->candidate - 1) : first,
			   last < k->c->max_ttl ? last : k->c->max_ttl);
}

/* What else the hop has drawn stays. */
static void drop_rst(struct trace_hop *h)
{
	bool other = h->replied_otherwise && !exchange_is_rst(&h->other);

	if (h->replied && exchange_is_rst(&h->reply)) {
		h->replied = other;
		h->reply = h->other;
	}
	h->replied_otherwise = false;
	h->resets = 0;
}

/* The first round goes on soon after an error, so that a RST which comes late is taken for that of
 * a copy sent meanwhile. Where each TTL was waited for, it is known whose it is. */
static void correct_main(const struct inside *in, uint8_t was)
{
	struct trace_hop *late = &in->main->hops[was], *right = &in->main->hops[in->drawn];
	const struct trace_hop *seen = &in->w->hops[in->drawn];

	if (in->drawn >= was)
		return;
	right->reply = seen->reply;
	right->replied = seen->replied;
	right->other = seen->other;
	right->replied_otherwise = seen->replied_otherwise;
	right->resets = seen->resets;
	drop_rst(late);
}

/* One TTL less drew none, and this one did: then it is this one. */
static void judge_round(struct walker *k)
{
	struct inside *in = &k->in;
	struct trace_inside *out = &k->f->inside;

	if (in->round == 0) {
		in->candidate = out->reset_ttl = in->drawn;
		return;
	}
	if (!in->known)
		return; /* no connection: nothing was asked */
	if (in->drawn == in->candidate)
		out->confirmed = in->w->first < in->drawn || in->drawn == k->c->first_ttl;
	else
		in->contradicted = true;
	if (out->confirmed)
		correct_main(in, out->reset_ttl);
	if (in->drawn)
		in->candidate = in->drawn;
}

/* A box that resets us alone leaves the target with a connection that nobody has: it goes, too. */
static void tidy(struct walker *k, struct turns *t)
{
	const struct inside *in = &k->in;
	const struct trace_inside *f = &k->f->inside;
	bool reset = in->drawn || reaction_is_rst((enum reaction)f->service.reaction);
	struct segment seg = {
	    .src = t->w->paths[k->c->path].src,
	    .dst = k->c->dst,
	    .sport = in->sport,
	    .dport = k->c->dport,
	    .seq = in->nxt,
	    .flags = TCP_RST,
	    .ttl = FULL_TTL,
	    .df = true,
	    .ip_id = course_ip_id(in->ip_id, in->n_steps),
	};

	if (!in->known || !reset)
		return;
	turns_send(t, k->c->path, &seg, NULL);
	if (f->written) { /* it may have the octets, too */
		seg.seq += f->service.sent.len;
		turns_send(t, k->c->path, &seg, NULL);
	}
}

static void write_octets(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;
	ssize_t n = t->w->ops->conn_write(t->w, in->conn, k->c->data, k->c->data_len);

	if (n <= 0) {
		inside_end(k, t);
		return;
	}
	k->f->inside.written = true;
	in->written_ns = now;
	in->stage = INSIDE_SERVICE;
	in->due_ns = now + SERVICE_NS_TIMES * k->timeout_ns;
	k->f->inside.service = (struct exchange){
	    .tries = 1,
	    .port = k->c->dport,
	    .asked_ns = now,
	    .rtt_us = UINT32_MAX,
	    .sent = {in->nxt, in->peer_nxt, TCP_PSH | TCP_ACK, (uint32_t)n},
	};
}

static void tell(struct walker *k, uint8_t ttl)
{
	if (k->in.round || ttl <= k->in.told)
		return;
	k->in.told = ttl;
	walk_tell(k, k->in.w, &k->in.w->hops[ttl]);
}

static void inside_end_round(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;

	for (uint8_t ttl = in->w->first; ttl <= in->w->last; ttl++)
		in->w->hops[ttl].settled = true;
	if (in->w->last >= in->w->first)
		tell(k, in->w->last);
	if (in->round == 0)
		k->f->inside.connected = in->w->over = in->known;
	judge_round(k);
	if (!in->drawn && in->round == 0 && in->known && k->f->inside.content) {
		write_octets(k, t, now);
		return;
	}
	tidy(k, t);
	close_conn(k, t);
	if (!k->f->inside.reset_ttl || !begin_confirm(k, t))
		inside_end(k, t);
}

/* --- copies --------------------------------------------------------------------------------- */

/* As new as the kernel's own: older is refused (PAWS), newer would have the kernel's refused. */
static void add_timestamps(struct inside *in, struct turns *t, struct segment *seg)
{
	uint32_t now;

	if (in->has_ts && t->w->ops->conn_tsval(t->w, in->conn, &now))
		in->tsval = now;
	formed_timestamps(
	    seg, &(struct numbers){.has_ts = in->has_ts, .tsval = in->tsval, .tsecr = in->tsecr});
}

static void fill_copy(struct walker *k, struct turns *t, struct segment *out)
{
	struct inside *in = &k->in;
	bool content = k->f->inside.content;

	*out = (struct segment){
	    .src = t->w->paths[k->c->path].src,
	    .dst = k->c->dst,
	    .sport = in->sport,
	    .dport = k->c->dport,
	    .seq = content ? in->nxt : in->nxt - 1,
	    .ack = in->peer_nxt,
	    .flags = content ? TCP_PSH | TCP_ACK : TCP_ACK,
	    .win = WALK_INSIDE_WINDOW,
	    .ttl = in->ttl,
	    .df = true,
	    .ip_id = course_ip_id(in->ip_id, in->n_steps),
	    .payload = content ? k->c->data : formed_old_octet,
	    .payload_len = content ? k->c->data_len : sizeof(formed_old_octet),
	};
	if (out->payload_len > k->payload_max)
		out->payload_len = k->payload_max;
	add_timestamps(in, t, out);
}

static bool send_copy(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;
	struct trace_hop *h = &in->w->hops[in->ttl];
	struct segment seg;
	uint64_t at_ns;

	fill_copy(k, t, &seg);
	if (!turns_send(t, k->c->path, &seg, &at_ns)) {
		in->due_ns = now + OPEN_AGAIN_NS;
		return false;
	}
	in->sent = (struct sent){seg.seq, seg.ack, seg.flags, seg.payload_len};
	in->steps[in->n_steps++] =
	    (struct walk_step){.at_ns = at_ns, .ttl = in->ttl, .try = h->tries};
	t->stats->retried += h->tries > 0;
	in->due_ns = at_ns + walk_wait(k, in->ttl, h->tries);
	h->tries++;
	in->w->last = in->ttl;
	walk_spend(k, in->ttl, now);
	return true;
}

static void inside_next_ttl(struct walker *k)
{
	struct inside *in = &k->in;
	struct trace_hop *h = &in->w->hops[in->ttl];

	h->settled = true;
	if (in->ttl < in->last)
		tell(k, in->ttl);
	in->ttl++;
	in->due_ns = 0;
}

/* One step of INSIDE_ASK, whose time has come. */
static void ask(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;
	const struct trace_hop *h = &in->w->hops[in->ttl];
	uint64_t at;

	if (in->ttl > in->last) {
		inside_end_round(k, t, now);
	} else if (h->expired || h->tries >= k->tries) {
		inside_next_ttl(k);
	} else if (!walk_may(k, in->ttl, now, &at)) {
		in->w->limited = true;
		in->due_ns = at;
	} else {
		send_copy(k, t, now);
	}
}

/* --- the connection ------------------------------------------------------------------------- */

static void connect_it(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;
	struct wire_conn_to to = {
	    .path = k->c->path, .dst = k->c->dst, .sport = in->sport, .dport = k->c->dport};
	bool full = false;
	struct err e;

	if (!in->open_ns)
		in->open_ns = now;
	in->due_ns = in->open_ns + CONNECT_NS_TIMES * k->timeout_ns;
	if (now >= in->due_ns) {
		inside_end_round(k, t, now);
		return;
	}
	if (in->conn >= 0)
		return;
	in->conn = t->w->ops->conn_open(t->w, &to, &full, &e);
	if (in->conn < 0 && full)
		in->due_ns = now + OPEN_AGAIN_NS;
	else if (in->conn < 0)
		inside_end_round(k, t, now);
}

uint64_t inside_serve(struct walker *k, struct turns *t, uint64_t now)
{
	struct inside *in = &k->in;

	while (in->stage != INSIDE_NOT && in->due_ns <= now) {
		switch (in->stage) {
		case INSIDE_CONNECT: connect_it(k, t, now); break;
		case INSIDE_ASK: ask(k, t, now); break;
		case INSIDE_REST: inside_end_round(k, t, now); break;
		case INSIDE_SERVICE:
			tidy(k, t);
			inside_end(k, t);
			break;
		case INSIDE_NOT: break;
		}
	}
	return in->stage == INSIDE_NOT ? WALK_NEVER : in->due_ns;
}
