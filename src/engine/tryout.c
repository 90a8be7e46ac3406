/*
 * tryout: raw SYNs, three at most a port and a second apart, as the kernel sends its own; the first
 * answer to each counts. It refuses to compare.
 */
#include "engine/tryout.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "engine/formed.h"
#include "judge/exchange.h"
#include "packet/craft.h"
#include "packet/decode.h"

enum { TRIES = 3, SHUT = -1 };
#define AGAIN_NS UINT64_C(1000000000)
#define RST_NS UINT64_C(1000000000)
#define LOOK_NS UINT64_C(20000000) /* a connection tells nobody that it is there */

struct tryout {
	struct wire *wire;
	const struct tryout_config *c;
	struct doctor_asked *out;
	struct craft *craft;
	struct exchange x[DOCTOR_ASKS];
	unsigned tries[DOCTOR_ASKS];
	uint64_t sent_ns[DOCTOR_ASKS], answered_ns[DOCTOR_ASKS];
	int conn[DOCTOR_ASKS];
	bool rejected[DOCTOR_ASKS]; /* an ICMP error about the connection was seen */
	uint64_t deadline_ns;
};

static uint16_t raw_sport(const struct tryout *t, size_t i)
{
	return (uint16_t)(t->c->sport_first + i);
}

static uint16_t conn_sport(const struct tryout *t, size_t i)
{
	return (uint16_t)(t->c->sport_first + t->c->n + i);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void heed(struct tryout *t, uint64_t now_ns)
{
	if (now_ns + t->c->tail_ns < t->deadline_ns)
		t->deadline_ns = now_ns + t->c->tail_ns;
}

static enum doctor_reply reply_of(enum reaction r)
{
	if (r == REACTION_SYN_ACK)
		return REPLY_OPEN;
	if (reaction_is_rst(r))
		return REPLY_CLOSED;
	return reaction_is_icmp(r) ? REPLY_REJECTED : REPLY_SILENT;
}

/* An ICMP error of our own kernel's, where we aren't the target. */
static bool is_ours(const struct tryout *t, const struct addr *a)
{
	const struct path *path = &t->wire->paths[t->c->path];

	return !path->loopback && addr_same(a, &path->src);
}

static void take_raw(struct tryout *t, size_t i, const struct packet *p, uint64_t at_ns)
{
	struct doctor_try *raw = &t->out[i].raw;
	struct exchange x = t->x[i];

	if (raw->reply != REPLY_SILENT || exchange_take(&x, p) == FIT_NONE ||
	    reply_of((enum reaction)x.reaction) == REPLY_SILENT)
		return;
	raw->reply = reply_of((enum reaction)x.reaction);
	if (raw->reply == REPLY_REJECTED && is_ours(t, &p->seg.src))
		raw->reply = REPLY_NOBODY;
	raw->captured = true;
	raw->ttl = p->kind == PACKET_TCP ? p->seg.ttl : 0;
	raw->rtt_us = at_ns > t->sent_ns[i] ? (uint32_t)((at_ns - t->sent_ns[i]) / 1000) : 0;
	t->answered_ns[i] = t->wire->ops->now(t->wire);
	heed(t, t->answered_ns[i]);
}

/* Only its first: what comes later may be somebody else's. */
static void take_conn(struct tryout *t, size_t i, const struct packet *p)
{
	struct doctor_try *conn = &t->out[i].conn;

	t->rejected[i] |= p->kind == PACKET_ICMP_ERROR;
	if (conn->captured)
		return;
	conn->captured = true;
	conn->ttl = p->kind == PACKET_TCP ? p->seg.ttl : 0;
}

static void take_of(struct tryout *t, size_t i, const struct packet *p, uint64_t at_ns)
{
	bool icmp = p->kind == PACKET_ICMP_ERROR;
	uint16_t theirs = icmp ? p->quoted.dport : p->seg.sport;
	uint16_t ours = icmp ? p->quoted.sport : p->seg.dport;
	bool from_them =
	    icmp ? addr_same(&p->quoted.dst, &t->c->dst) : addr_same(&p->seg.src, &t->c->dst);

	if (from_them && theirs == t->c->ports[i] && ours == raw_sport(t, i))
		take_raw(t, i, p, at_ns);
	else if (from_them && theirs == t->c->ports[i] && t->c->connect && ours == conn_sport(t, i))
		take_conn(t, i, p);
	else if (!icmp && addr_same(&p->seg.dst, &t->c->dst) && (p->seg.flags & TCP_RST) &&
		 p->seg.dport == t->c->ports[i] && p->seg.sport == raw_sport(t, i))
		t->out[i].rst_left = true;
}

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct tryout *t = ctx;
	struct packet p;

	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK)
		return;
	for (size_t i = 0; i < t->c->n; i++)
		take_of(t, i, &p, in->at_ns);
}

/* --- asking ----------------------------------------------------------------------------------- */

static int send_syn(struct tryout *t, size_t i, struct err *e)
{
	const struct path *path = &t->wire->paths[t->c->path];
	uint8_t room[WIRE_HEADROOM + SEGMENT_MAX];
	_Atomic uint64_t sent_ns = 0;
	struct wire_out out = {.ip = room + WIRE_HEADROOM, .path = t->c->path};
	struct segment seg = {
	    .src = path->src,
	    .dst = t->c->dst,
	    .sport = raw_sport(t, i),
	    .dport = t->c->ports[i],
	    .flags = TCP_SYN,
	    .seq = t->x[i].sent.seq,
	    .ttl = 64,
	    .df = true,
	};
	int len;

	formed_syn_options(&seg, path, t->c->seed ^ t->tries[i]);
	t->x[i].sent_win = seg.win;
	len = craft_build(t->craft, &seg, out.ip, SEGMENT_MAX, e);
	if (len < 0)
		return -1;
	out.len = (uint16_t)len;
	if (t->wire->ops->send(t->wire, 0, &out, 1, &sent_ns) == 1)
		t->out[i].raw.reply = REPLY_SILENT;
	else if (t->out[i].raw.reply == REPLY_NONE || t->out[i].raw.reply == REPLY_REFUSED) {
		t->out[i].raw.reply = REPLY_REFUSED;
		err_sys(&t->out[i].raw.why, out.error, "sending a raw SYN");
	}
	t->sent_ns[i] = sent_ns ? sent_ns : t->wire->ops->now(t->wire);
	t->tries[i]++;
	return 0;
}

/* What the kernel makes of it. Writing nothing asks without saying anything. */
static void look_at_conn(struct tryout *t, size_t i)
{
	struct doctor_try *conn = &t->out[i].conn;
	ssize_t n;

	if (t->conn[i] == SHUT || conn->reply != REPLY_SILENT)
		return;
	n = t->wire->ops->conn_write(t->wire, t->conn[i], "", 0);
	if (n >= 0)
		conn->reply = REPLY_OPEN;
	else if (!t->rejected[i] && (n == -EAGAIN || n == -ETIMEDOUT))
		return;
	else if (t->rejected[i] || /* the kernel would try again */ n == -EHOSTUNREACH ||
		 n == -ENETUNREACH)
		conn->reply = REPLY_REJECTED;
	else if (n == -ECONNREFUSED || n == -ECONNRESET || n == -EPIPE)
		conn->reply = REPLY_CLOSED;
	else {
		conn->reply = REPLY_REFUSED;
		err_sys(&conn->why, (int)-n, "connection");
	}
	heed(t, t->wire->ops->now(t->wire));
}

static void open_conn(struct tryout *t, size_t i)
{
	struct doctor_try *conn = &t->out[i].conn;
	const struct wire_conn_to to = {
	    .path = t->c->path,
	    .dst = t->c->dst,
	    .sport = conn_sport(t, i),
	    .dport = t->c->ports[i],
	};
	bool full;

	t->conn[i] = t->wire->ops->conn_open(t->wire, &to, &full, &conn->why);
	conn->reply = t->conn[i] < 0 ? REPLY_REFUSED : REPLY_SILENT;
}

/* The kernel resets a SYN-ACK in the moment that it comes: one second is for a slow capture. */
static bool is_settled(const struct tryout *t, size_t i, uint64_t now_ns)
{
	const struct doctor_asked *a = &t->out[i];

	if (a->raw.reply == REPLY_REFUSED)
		return t->tries[i] > 1;
	if (a->raw.reply == REPLY_SILENT)
		return false;
	if (a->raw.reply == REPLY_OPEN && !a->rst_left && now_ns < t->answered_ns[i] + RST_NS)
		return false;
	return !t->c->connect || a->conn.reply != REPLY_SILENT;
}

/* Of several ports an open one, settled, says all there is. */
static bool is_over(const struct tryout *t, uint64_t now_ns)
{
	size_t settled = 0;
	bool all_wanted = !t->c->connect;

	for (size_t i = 0; i < t->c->n; i++) {
		bool s = is_settled(t, i, now_ns);

		if (s && !all_wanted && t->out[i].raw.reply == REPLY_OPEN)
			return true;
		settled += s;
	}
	return settled == t->c->n;
}

static int ask_again(struct tryout *t, uint64_t now_ns, struct err *e)
{
	for (size_t i = 0; i < t->c->n; i++) {
		if (t->out[i].raw.reply > REPLY_SILENT || t->tries[i] == TRIES)
			continue;
		if (t->tries[i] && now_ns < t->sent_ns[i] + AGAIN_NS)
			continue;
		if (send_syn(t, i, e) < 0)
			return -1;
	}
	return 0;
}

static int turn(struct tryout *t, struct err *e)
{
	uint64_t now = t->wire->ops->now(t->wire);
	bool late = false;

	while (!is_over(t, now) && !late) {
		uint64_t until = now + LOOK_NS < t->deadline_ns ? now + LOOK_NS : t->deadline_ns;

		/* what came while this process stood still is looked at all the same */
		late = now >= t->deadline_ns;
		if ((!late && ask_again(t, now, e) < 0) ||
		    t->wire->ops->recv(t->wire, until, on_frame, t, e) < 0)
			return -1;
		for (size_t i = 0; i < t->c->n; i++)
			look_at_conn(t, i);
		now = t->wire->ops->now(t->wire);
	}
	return 0;
}

int tryout_run(struct wire *w, const struct tryout_config *c, struct doctor_asked *out,
	       struct err *e)
{
	struct tryout t = {.wire = w, .c = c, .out = out};
	int rc = -1;

	assert(c->n > 0 && c->n <= DOCTOR_ASKS);
	t.deadline_ns = w->ops->now(w) + c->patience_ns;
	for (size_t i = 0; i < c->n; i++) {
		t.conn[i] = SHUT;
		out[i] = (struct doctor_asked){.port = c->ports[i]};
		t.x[i].sent = (struct sent){
		    .seq = c->seed + (uint32_t)i * 0x01000193U, .flags = TCP_SYN, .len = 1};
	}
	t.craft = craft_new(e);
	if (!t.craft)
		return -1;
	if (ask_again(&t, w->ops->now(w), e) == 0) {
		for (size_t i = 0; c->connect && i < c->n; i++)
			open_conn(&t, i);
		rc = turn(&t, e);
	}
	for (size_t i = 0; i < c->n; i++)
		if (t.conn[i] != SHUT)
			w->ops->conn_close(w, t.conn[i], true);
	craft_free(t.craft);
	return rc;
}
