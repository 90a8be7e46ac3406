/*
 * sweep_send: slots become segments, segments leave in batches, and paths that cannot carry them
 * are buried. When to send is sweep.c's to say, how fast the pace's.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/sweep_private.h"
#include "judge/match.h"

static const uint8_t default_payload[] = {'r', 's', 't', 'p', 'r', 'o', 'b', 'e'};

unsigned sweep_tries_max(const struct sweep_config *c)
{
	return (unsigned)(c->retries == RETRIES_AUTO ? RETRIES_MAX : c->retries) + 1;
}

unsigned sweep_sports(size_t n_kinds, int retries, bool fixed)
{
	struct sweep_config c = {.retries = retries};

	return fixed ? 1 : (unsigned)n_kinds * sweep_tries_max(&c);
}

uint16_t sweep_sport(const struct sweep_config *c, unsigned kind, unsigned try)
{
	if (c->sport_fixed)
		return c->sport_first;
	return (uint16_t)(c->sport_first + kind * sweep_tries_max(c) + try);
}

static uint32_t payload_len(const struct sweep_config *c, unsigned kind)
{
	uint32_t len = c->kinds[kind]->payload_len;

	return len && c->wish.data ? c->wish.data_len : len;
}

void sweep_sent(const struct sweep_config *c, const struct addr *dst, uint16_t dport,
		uint16_t sport, unsigned kind, struct sent *out)
{
	struct cookie cookie = cookie_make(c->key, dst, dport, sport, (uint8_t)kind);
	uint16_t flags = c->kinds[kind]->flags;

	out->flags = flags;
	out->seq = c->wish.has_seq ? c->wish.seq : cookie.seq;
	out->ack = c->wish.has_ack ? c->wish.ack : flags & TCP_ACK ? cookie.ack : 0;
	out->len = payload_len(c, kind) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
}

uint32_t sweep_now_us(const struct sweep *s, uint64_t ns)
{
	return (uint32_t)((ns - s->start_ns) / 1000);
}

static void make_segment(const struct sweep *s, const struct point *at, unsigned kind, unsigned try,
			 struct segment *out)
{
	const struct sweep_config *c = s->c;
	const struct path *path = &s->w->paths[at->span->path];
	struct sent sent;
	uint32_t headers = path->src.family == ADDR_V4 ? 40 : 60;

	memset(out, 0, sizeof(*out));
	out->src = path->src;
	out->dst = at->addr;
	out->sport = sweep_sport(c, kind, try);
	out->dport = at->port;
	sweep_sent(c, &at->addr, at->port, out->sport, kind, &sent);
	out->seq = sent.seq;
	out->ack = sent.ack;
	out->flags = sent.flags;
	out->ttl = c->wish.ttl ? c->wish.ttl : 64;
	out->df = true;
	out->ip_id = (uint16_t)(sent.seq >> 16 ^ sent.seq);
	out->payload_len = payload_len(c, kind);
	assert(c->wish.data || out->payload_len <= sizeof(default_payload));
	out->payload = c->wish.data && out->payload_len ? c->wish.data : default_payload;
	out->win = 64240;
	if (probe_class_of(sent.flags) == PROBE_SYN ||
	    probe_class_of(sent.flags) == PROBE_SYN_ODD) {
		uint32_t mtu = path->mtu > headers + 536 ? path->mtu : 1500;
		uint32_t mss = mtu - headers;

		out->win = syn_layout_win(c->wish.layout);
		out->options_len = (uint8_t)options_build_syn(c->wish.layout,
							      (uint16_t)(mss > 65495 ? 65495 : mss),
							      s->ts_base + try, out->options);
	}
	if (c->wish.has_win)
		out->win = c->wish.win;
}

/* --- paths ------------------------------------------------------------------------------------ */

static void bury_path(struct sweep *s, uint16_t path, const struct err *why)
{
	struct path_fate *fate = &s->fates[path];

	if (fate->dead)
		return;
	*fate = (struct path_fate){.dead = true, .pass = s->pass, .slot = s->cursor};
	s->sum.end = END_LINK;
	if (!s->sum.why[0])
		memcpy(s->sum.why, why->msg, sizeof(s->sum.why));
}

bool sweep_all_paths_dead(const struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++)
		if (!s->fates[i].dead)
			return false;
	return s->w->n_paths > 0;
}

void sweep_check_paths(struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++) {
		struct err why = {{0}};

		if (!s->fates[i].dead && !s->w->ops->path_up(s->w, (uint16_t)i, &why))
			bury_path(s, (uint16_t)i, &why);
	}
	if (sweep_all_paths_dead(s))
		s->stopped = true;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The next slot at or after the cursor that is not done; slots where there is none. */
uint64_t sweep_next_slot(const struct sweep *s)
{
	uint64_t i = s->cursor;

	while (i < s->slots) {
		uint64_t rest = ~s->done[i / 64] >> (i % 64);

		if (rest) {
			i += (unsigned)__builtin_ctzll(rest);
			return i < s->slots ? i : s->slots;
		}
		i = (i / 64 + 1) * 64;
	}
	return s->slots;
}

static void fill_batch(struct sweep *s, struct batch *b, unsigned budget)
{
	b->n = 0;
	while (b->n < budget) {
		uint64_t slot = sweep_next_slot(s);
		struct segment seg;
		struct point at;
		struct err e;
		int len;

		s->cursor = slot;
		if (slot == s->slots)
			break;
		s->cursor++;
		space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
		if (at.span->path == PATH_NONE) {
			bit_set(s->done, slot);
			bit_set(s->unsent, slot);
			s->undone--;
			s->pathless += slot % s->c->n_kinds == 0;
			continue;
		}
		if (s->fates[at.span->path].dead) {
			if (s->pass == 0)
				bit_set(s->unsent, slot);
			continue;
		}
		make_segment(s, &at, (unsigned)(slot % s->c->n_kinds), s->pass, &seg);
		len = craft_build(s->craft, &seg, b->bytes[b->n], sizeof(b->bytes[0]), &e);
		assert(len > 0); /* the options and the payload were bounded when they were made */
		b->v[b->n] = (struct wire_out){
		    .ip = b->bytes[b->n], .len = (uint16_t)len, .path = at.span->path};
		b->slot[b->n++] = slot;
	}
}

static bool error_of_link(int error)
{
	return error == ENETDOWN || error == ENODEV || error == ENXIO;
}

static void account_sent(struct sweep *s, struct batch *b, uint64_t at_ns)
{
	for (unsigned i = 0; i < b->n; i++) {
		uint64_t slot = b->slot[i];

		if (b->v[i].error) {
			struct err why;

			s->sum.send_errors++;
			if (s->pass == 0)
				bit_set(s->unsent, slot);
			err_sys(&why, b->v[i].error, "sending by %s",
				s->w->paths[b->v[i].path].ifname);
			if (error_of_link(b->v[i].error))
				bury_path(s, b->v[i].path, &why);
			else if (!s->sum.why[0])
				memcpy(s->sum.why, why.msg, sizeof(s->sum.why));
			continue;
		}
		bit_clear(s->unsent, slot);
		s->times[s->pass & 1][slot >> s->times_shift] = sweep_now_us(s, at_ns);
		s->sum.sent++;
		s->sum.retried += s->pass > 0;
		if (s->c->evidence)
			s->c->evidence(s->c->evidence_ctx, at_ns, b->v[i].ip, b->v[i].len,
				       b->v[i].len);
	}
}

void sweep_send_some(struct sweep *s, struct batch *b, uint64_t now)
{
	uint64_t at_ns = now;
	unsigned budget = pace_budget(&s->pace, now);

	if (!budget)
		return;
	fill_batch(s, b, budget);
	if (b->n) {
		s->w->ops->send(s->w, 0, b->v, b->n, &at_ns);
		account_sent(s, b, at_ns);
		pace_spend(&s->pace, b->n);
		s->last_send_ns = at_ns;
	}
	/* Closing the window early: what has been asked becomes all of it. */
	if (s->pass == 0 && slab_nearly_full(&s->slab) && s->cursor < s->slots) {
		uint64_t places = (s->cursor + s->c->n_kinds - 1) / s->c->n_kinds;

		if (places < s->size) {
			s->undone -= (s->size - places) * s->c->n_kinds;
			s->size = places;
			s->slots = places * s->c->n_kinds;
		}
	}
}
