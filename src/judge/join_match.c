/*
 * join_match: of one flow with its ends and clocks known, which segment is which: retransmissions
 * are alike but for IP ID and time. What is left over was lost on the way, or came from nobody;
 * but for octets that cross in segments of other sizes, as offloading cuts and merges them.
 */
#include "judge/join_private.h"

/* How far the next one of an IP ID is looked for among its like. */
enum { LOOK_AHEAD = 256 };
/* How much later than it arrived a segment may seem to have been sent: the clocks are aligned to
 * within half a round trip, and retransmissions are further apart. */
static const int64_t slack_ns = 50000000;
/* What was sent so soon after the other capture's last packet still counts as lost. */
static const int64_t tail_ns = 1000000000;

/* --- one to one ----------------------------------------------------------------------------- */

/* The captures of one segment at its sender's end and at its receiver's. */
struct copies {
	struct join *j;
	const struct join_flow *f;
	size_t sent, n_sent, got, n_got;
};

static struct spot *sent_at(const struct copies *c, size_t i)
{
	return &c->j->spots[c->sent + i];
}

static struct spot *got_at(const struct copies *c, size_t i)
{
	return &c->j->spots[c->got + i];
}

static void pair(const struct copies *c, size_t sent, size_t got)
{
	sent_at(c, sent)->peer = (uint32_t)(c->got + got + 1);
	got_at(c, got)->peer = (uint32_t)(c->sent + sent + 1);
}

/* Two IP IDs are two segments, unless something on the way gives them new ones. */
static bool may_be(const struct copies *c, const struct spot *sent, const struct spot *got)
{
	bool differ = sent->ip_id && got->ip_id && sent->ip_id != got->ip_id;

	return !(differ && c->f->ids_hold[sent->dir]);
}

static void pair_by_id(const struct copies *c)
{
	size_t from = 0;

	for (size_t g = 0; g < c->n_got; g++) {
		const struct spot *got = got_at(c, g);

		if (!got->ip_id || !spot_free(got))
			continue;
		for (size_t s = from; s < c->n_sent && s < from + LOOK_AHEAD; s++) {
			if (sent_at(c, s)->ip_id != got->ip_id || !spot_free(sent_at(c, s)))
				continue;
			pair(c, s, g);
			from = s + 1;
			break;
		}
	}
}

/* From the last one back: what arrived is the latest that had been sent by then. */
static void pair_by_time(const struct copies *c)
{
	size_t s = c->n_sent;

	for (size_t g = c->n_got; g-- > 0 && s > 0;) {
		const struct spot *got = got_at(c, g);
		int64_t by = spot_time(c->f, got) + slack_ns;

		if (!spot_free(got))
			continue;
		while (s > 0 &&
		       (!spot_free(sent_at(c, s - 1)) || spot_time(c->f, sent_at(c, s - 1)) > by ||
			!may_be(c, sent_at(c, s - 1), got)))
			s--;
		if (s > 0)
			pair(c, --s, g);
	}
}

/* What time could not pair: clocks may have been set meanwhile, and the same is the same. */
static void pair_in_order(const struct copies *c)
{
	size_t s = 0;

	for (size_t g = 0; g < c->n_got; g++) {
		if (!spot_free(got_at(c, g)))
			continue;
		while (s < c->n_sent &&
		       (!spot_free(sent_at(c, s)) || !may_be(c, sent_at(c, s), got_at(c, g))))
			s++;
		if (s < c->n_sent)
			pair(c, s, g);
	}
}

static void match_group(struct join *j, const struct join_flow *f, size_t from, size_t to)
{
	bool client_sends = f->near[j->spots[from].dir] == JOIN_CLIENT;
	size_t middle = from;
	struct copies c = {.j = j, .f = f};

	while (middle < to && j->spots[middle].end == JOIN_CLIENT)
		middle++;
	c.sent = client_sends ? from : middle;
	c.n_sent = client_sends ? middle - from : to - middle;
	c.got = client_sends ? middle : from;
	c.n_got = client_sends ? to - middle : middle - from;
	if (!c.n_sent || !c.n_got)
		return;
	pair_by_id(&c);
	pair_by_time(&c);
	pair_in_order(&c);
}

/* --- cut otherwise -------------------------------------------------------------------------- */

/* Octets that lie together in segments of one end and direction that have no peer. */
struct stretch {
	size_t next;
	int64_t low, high;
	bool any;
};

static void next_stretch(const struct join *j, size_t to, uint8_t end, struct stretch *st)
{
	st->any = false;
	for (; st->next < to; st->next++) {
		const struct spot *s = &j->spots[st->next];
		int64_t high = (int64_t)s->rel + s->len;

		if (s->end != end || !s->len || !spot_free(s))
			continue;
		if (st->any && s->rel > st->high)
			return;
		if (!st->any)
			st->low = s->rel;
		if (!st->any || high > st->high)
			st->high = high;
		st->any = true;
	}
}

static void find_within(struct join *j, size_t from, size_t to, uint8_t asked)
{
	struct stretch st = {.next = from};

	next_stretch(j, to, !asked, &st);
	for (size_t i = from; i < to; i++) {
		struct spot *s = &j->spots[i];

		if (s->end != asked || !s->len || !spot_free(s))
			continue;
		while (st.any && st.high <= s->rel)
			next_stretch(j, to, !asked, &st);
		s->within = st.any && st.low <= s->rel && (int64_t)s->rel + s->len <= st.high;
	}
}

/* --- what is left over ---------------------------------------------------------------------- */

static bool heard_then(const struct join *j, const struct join_flow *f, const struct spot *s,
		       int64_t tail)
{
	const struct span *o = &j->span[!s->end];
	int64_t t = spot_time(f, s) + (s->end == JOIN_CLIENT ? f->offset : 0);

	return o->any && t >= (int64_t)o->first_ns && t <= (int64_t)o->last_ns + tail;
}

static void count_lost(const struct join *j, struct join_flow *f, const struct spot *s)
{
	int64_t t = spot_time(f, s);

	if (!heard_then(j, f, s, tail_ns))
		return;
	f->lost[s->dir]++;
	if (!f->first_lost || t < f->first_lost_t) {
		f->first_lost = s->frame;
		f->first_lost_t = t;
	}
}

static void count_left_over(const struct join *j, struct join_flow *f)
{
	for (size_t i = f->first; i < (size_t)f->first + f->n; i++) {
		const struct spot *s = &j->spots[i];

		if (!spot_free(s) || s->within || s->flags & TCP_RST)
			continue;
		if (s->end == f->near[s->dir])
			count_lost(j, f, s);
		else if (heard_then(j, f, s, 0))
			f->strangers[s->dir] = true;
	}
}

void join_match(struct join *j, struct join_flow *f)
{
	size_t from = f->first, to = (size_t)f->first + f->n, middle = from;

	for (size_t i = from, next; i < to; i = next) {
		next = join_group(j, i, to);
		match_group(j, f, i, next);
	}
	while (middle < to && j->spots[middle].dir == 0)
		middle++;
	for (unsigned end = 0; end < JOIN_ENDS; end++) {
		find_within(j, from, middle, (uint8_t)end);
		find_within(j, middle, to, (uint8_t)end);
	}
	count_left_over(j, f);
}
