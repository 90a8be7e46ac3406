/*
 * script: keeps a bounded number of hosts under way, gives each its turn when its pace allows, and
 * hands every frame to the talk that it belongs to. What talks do is in script_talk.
 */
#include "engine/script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/script_private.h"

enum {
	PARTIES_MAX = 1024, /* hosts under way at once */
	PROGRESS_NS = 200000000,
	LINGER_NS = 100000000, /* looked at again at the latest */
};
#define NS_PER_S 1000000000ULL

uint32_t script_random(struct script *s)
{
	/* SplitMix64 from a secret seed: an answer proves that its sender saw the segment */
	uint64_t z = s->rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

/* --- hosts by address --------------------------------------------------------------------- */

static size_t hash_of(const struct addr *a)
{
	uint64_t h = a->family;

	for (size_t i = 0; i < addr_len(a); i++)
		h = (h ^ a->b[i]) * 0x100000001b3ULL;
	return (size_t)(h ^ h >> 29);
}

static void table_put(struct script *s, size_t place)
{
	size_t i = hash_of(&s->parties[place].host->addr) & (s->table_size - 1);

	while (s->table[i])
		i = (i + 1) & (s->table_size - 1);
	s->table[i] = (uint32_t)place + 1;
}

/* After a place changed its host: rare against frames, so no deletion within the table. */
static void table_make(struct script *s)
{
	memset(s->table, 0, s->table_size * sizeof(s->table[0]));
	for (size_t i = 0; i < s->n_places; i++)
		if (s->parties[i].host)
			table_put(s, i);
}

static struct party *find_party(struct script *s, const struct addr *a)
{
	size_t i = hash_of(a) & (s->table_size - 1);

	for (; s->table[i]; i = (i + 1) & (s->table_size - 1)) {
		struct party *p = &s->parties[s->table[i] - 1];

		if (p->host && addr_same(&p->host->addr, a))
			return p;
	}
	return NULL;
}

/* --- sending ------------------------------------------------------------------------------ */

bool script_send(struct script *s, struct party *p, const struct segment *seg)
{
	uint8_t room[WIRE_HEADROOM + SEGMENT_MAX], *bytes = room + WIRE_HEADROOM;
	struct wire_out out = {.ip = bytes, .path = p->host->path};
	_Atomic uint64_t at_ns = 0;
	struct err e;
	int len = craft_build(s->craft, seg, bytes, SEGMENT_MAX, &e);

	assert(len > 0); /* forms are bounded */
	out.len = (uint16_t)len;
	if (s->w->ops->send(s->w, 0, &out, 1, &at_ns) != 1) {
		s->stats->send_errors++;
		return false;
	}
	s->stats->sent++;
	if (s->c->evidence)
		s->c->evidence(s->c->evidence_ctx, at_ns, bytes, (size_t)len, (size_t)len);
	return true;
}

uint64_t script_gap(const struct script *s, const struct party *p)
{
	if (p->gap_ns)
		return p->gap_ns;
	return s->c->pace_ns ? s->c->pace_ns : SCRIPT_PACE_NS;
}

/* --- a host's turn ------------------------------------------------------------------------ */

static void finish(struct script *s, struct party *p, enum run_end end)
{
	for (size_t i = 0; i < p->n; i++)
		talk_drop(s, p, &p->talks[i]);
	free(p->talks);
	s->c->program->over(p->host->ctx, end);
	*p = (struct party){0};
	s->n_active--;
	s->n_over++;
}

static void skip_ended(struct party *p)
{
	while (p->first_open < p->n && !p->talks[p->first_open].step)
		p->first_open++;
}

/* What is due within the talks. True where a paced segment left. */
static bool run_talks(struct script *s, struct party *p, uint64_t now, bool may_send)
{
	bool sent = false;

	for (size_t i = p->first_open; i < p->n; i++) {
		if (talk_run(s, p, &p->talks[i], now, may_send && !sent))
			sent = true;
	}
	skip_ended(p);
	return sent;
}

/* Asks the program for talks until one has sent, or it has none. False: the host is over. */
static bool ask_program(struct script *s, struct party *p, uint64_t now)
{
	struct talk_wish wish;
	bool over = false;

	while (p->ask_ns <= now) {
		wish = (struct talk_wish){0};
		if (!s->c->program->next(p->host->ctx, now, &wish, &p->ask_ns, &over))
			break;
		p->ask_ns = 0;
		p->gap_ns = wish.gap_ns;
		if (!talk_begin(s, p, &wish)) {
			s->c->program->done(p->host->ctx, wish.tag, TALK_FAILED,
					    &(struct exchange){0}, false);
			continue;
		}
		p->talks[p->n - 1].due_ns = now;
		if (talk_run(s, p, &p->talks[p->n - 1], now, true)) {
			p->paced_ns = now;
			break;
		}
	}
	return !over;
}

static void next_wake(const struct script *s, struct party *p, uint64_t now)
{
	uint64_t slot = p->paced_ns ? p->paced_ns + script_gap(s, p) : now;

	p->wake_ns = p->ask_ns > slot ? p->ask_ns : slot;
	for (size_t i = p->first_open; i < p->n; i++) {
		const struct talk *t = &p->talks[i];
		uint64_t due = t->due_ns;

		if (!t->step)
			continue;
		if (due <= now) /* it waits for its slot */
			due = slot > now ? slot : now + 1;
		if (due < p->wake_ns)
			p->wake_ns = due;
	}
}

static void serve(struct script *s, struct party *p, uint64_t now)
{
	bool may = !p->paced_ns || now - p->paced_ns >= script_gap(s, p);

	if (run_talks(s, p, now, may)) {
		p->paced_ns = now;
		may = false;
	}
	if (may && !ask_program(s, p, now)) {
		finish(s, p, END_COMPLETE);
		table_make(s);
		return;
	}
	next_wake(s, p, now);
}

static void fill_places(struct script *s, uint64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < s->n_places && s->next_host < s->c->n_hosts; i++) {
		struct party *p = &s->parties[i];

		if (p->host)
			continue;
		*p = (struct party){.host = &s->c->hosts[s->next_host++],
				    .wake_ns = now > s->rested_ns ? now : s->rested_ns};
		s->n_active++;
		changed = true;
	}
	if (changed)
		table_make(s);
}

/* Serves whom it is time for; when to look again. */
static uint64_t serve_all(struct script *s, uint64_t now)
{
	uint64_t first = now + LINGER_NS;

	for (size_t i = 0; i < s->n_places; i++) {
		struct party *p = &s->parties[i];

		if (p->host && p->wake_ns <= now)
			serve(s, p, now);
		if (p->host && p->wake_ns < first)
			first = p->wake_ns;
	}
	return first;
}

/* --- receiving ---------------------------------------------------------------------------- */

/* Whose answer: the newest talk on the pair of ports; a connection's before a stray's. */
static struct talk *find_talk(struct party *p, uint16_t ours, uint16_t theirs)
{
	for (size_t i = p->n; i > 0; i--) {
		struct talk *t = &p->talks[i - 1];

		if (t->sport == ours && t->dport == theirs)
			return t;
	}
	return NULL;
}

static bool take_packet(struct script *s, const struct packet *pk, uint64_t at_ns)
{
	bool icmp = pk->kind == PACKET_ICMP_ERROR;
	const struct addr *far = icmp ? &pk->quoted.dst : &pk->seg.src;
	uint16_t ours = icmp ? pk->quoted.sport : pk->seg.dport;
	uint16_t theirs = icmp ? pk->quoted.dport : pk->seg.sport;
	struct party *p;
	struct talk *t;

	if (pk->kind == PACKET_NONE || (icmp && !pk->quoted.has_ports))
		return false;
	p = find_party(s, far);
	t = p ? find_talk(p, ours, theirs) : NULL;
	if (!t || !talk_take(s, p, t, pk, at_ns))
		return false;
	p->wake_ns = at_ns < p->wake_ns ? at_ns : p->wake_ns;
	skip_ended(p);
	return true;
}

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct script *s = ctx;
	struct packet pk;

	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &pk) != DECODE_OK)
		return;
	if (!take_packet(s, &pk, in->at_ns)) {
		s->stats->foreign++;
		return;
	}
	if (s->c->evidence)
		s->c->evidence(s->c->evidence_ctx, in->at_ns, in->frame + pk.l3_offset,
			       in->captured - pk.l3_offset, in->len - pk.l3_offset);
}

/* --- the run ------------------------------------------------------------------------------ */

static void tell_progress(struct script *s, uint64_t now)
{
	bool asked = s->events & WIRE_STATUS;

	if (!s->c->progress || (now < s->progress_ns && !asked))
		return;
	s->progress_ns = now + PROGRESS_NS;
	s->c->progress(s->c->progress_ctx, s->n_over, s->c->n_hosts, s->stats->sent, asked);
}

/* A link that is down answers nothing: its hosts are over, and it is said. */
static void check_paths(struct script *s)
{
	struct err why;

	for (size_t i = 0; i < s->n_places; i++) {
		struct party *p = &s->parties[i];

		if (!p->host || s->w->ops->path_up(s->w, p->host->path, &why))
			continue;
		s->stats->end = END_LINK;
		snprintf(s->stats->why, sizeof(s->stats->why), "%s", why.msg);
		finish(s, p, END_LINK);
		table_make(s);
	}
}

static bool must_stop(struct script *s, uint64_t now)
{
	s->events = s->w->ops->events(s->w);
	if (s->events & WIRE_STOP) {
		s->stats->end = END_INTERRUPTED;
		snprintf(s->stats->why, sizeof(s->stats->why), "interrupted");
		return true;
	}
	if (s->c->deadline_ns && now - s->began_ns >= s->c->deadline_ns) {
		s->stats->end = END_DEADLINE;
		snprintf(s->stats->why, sizeof(s->stats->why), "the deadline came first");
		return true;
	}
	return false;
}

static void run(struct script *s)
{
	uint64_t now = s->w->ops->now(s->w), until;
	struct err e;
	int n;

	while (s->n_over < s->c->n_hosts && !must_stop(s, now)) {
		fill_places(s, now);
		until = serve_all(s, now);
		if (s->c->deadline_ns && until > s->began_ns + s->c->deadline_ns)
			until = s->began_ns + s->c->deadline_ns;
		tell_progress(s, now);
		n = s->w->ops->recv(s->w, until, on_frame, s, &e);
		if (n < 0) {
			s->stats->end = END_CAPTURE;
			snprintf(s->stats->why, sizeof(s->stats->why), "%s", e.msg);
			return;
		}
		if (n == 0)
			check_paths(s);
		now = s->w->ops->now(s->w);
	}
}

/* The hosts that the end of the run found under way, and those that never began. */
static void end_all(struct script *s)
{
	for (size_t i = 0; i < s->n_places; i++)
		if (s->parties[i].host)
			finish(s, &s->parties[i], s->stats->end);
	for (; s->next_host < s->c->n_hosts; s->next_host++)
		s->c->program->over(s->c->hosts[s->next_host].ctx, s->stats->end);
}

int script_run(const struct script_config *c, struct wire *w, struct script_stats *out,
	       struct err *e)
{
	struct script s = {.c = c, .w = w, .stats = out, .rng = c->seed};
	int rc = -1;

	*out = (struct script_stats){.end = END_COMPLETE};
	s.n_places = c->n_hosts < PARTIES_MAX ? c->n_hosts : PARTIES_MAX;
	for (s.table_size = 16; s.table_size < 4 * s.n_places;)
		s.table_size *= 2;
	s.parties = calloc(s.n_places + 1, sizeof(*s.parties));
	s.table = calloc(s.table_size, sizeof(*s.table));
	s.craft = craft_new(e);
	if (!s.craft)
		goto out;
	if (!s.parties || !s.table) {
		err_set(e, "out of memory");
		goto out;
	}
	s.began_ns = w->ops->now(w);
	s.rested_ns = s.began_ns + c->rest_ns;
	run(&s);
	end_all(&s);
	out->elapsed_s = (double)(w->ops->now(w) - s.began_ns) / (double)NS_PER_S;
	w->ops->stats(w, &out->wire);
	rc = 0;
out:
	craft_free(s.craft);
	free(s.table);
	free(s.parties);
	return rc;
}
