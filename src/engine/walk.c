/*
 * walk: which walks there are and in which order: those that were asked for, side by side, then
 * copies within a connection, then what judge/trace wants to know beside. It sends nothing itself.
 */
#include "engine/walk.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/walk_private.h"

enum {
	TIMEOUT_NS = 1000000000,
	TRIES = 3,
	HIGH_PORTS = 49152, /* the canary's: RFC 6335, 6 */
};

/* --- walks ---------------------------------------------------------------------------------- */

struct trace_walk *walk_add(struct walker *k, enum trace_role role, const struct probe *probe,
			    uint16_t sport, uint16_t dport)
{
	struct trace_walk *w;

	if (k->f->n_walks == TRACE_WALKS_MAX)
		return NULL;
	w = &k->f->walks[k->f->n_walks++];
	*w = (struct trace_walk){.role = role, .probe = probe, .sport = sport, .dport = dport};
	return w;
}

bool walk_port_beside(struct walker *k, uint16_t *sport)
{
	if (k->n_beside == WALK_PORTS_BESIDE)
		return false;
	*sport = (uint16_t)(k->c->sport_first + k->c->flows + k->n_beside++);
	return true;
}

void walk_tell(const struct walker *k, const struct trace_walk *w, const struct trace_hop *h)
{
	if (k->c->hop)
		k->c->hop(k->c->hop_ctx, w, h);
}

static void begin_course(struct walker *k, struct turns *t, struct trace_walk *w, uint8_t first)
{
	size_t i = (size_t)(w - k->f->walks);
	struct course *c = &k->courses[i];

	*c = (struct course){.w = w, .steps = k->steps + i * WALK_STEPS};
	k->by_port[(uint16_t)(w->sport - k->c->sport_first)] = c;
	course_begin(k, t, c, first);
}

static void begin_main(struct walker *k, struct turns *t)
{
	for (unsigned i = 0; i < k->c->flows; i++) {
		struct trace_walk *w = walk_add(k, WALK_MAIN, k->probe,
						(uint16_t)(k->c->sport_first + i), k->c->dport);

		w->flow = (uint16_t)i;
		begin_course(k, t, w, k->c->first_ttl);
	}
}

/* Only what lies beyond the main answer matters, or beyond the last hop heard before silence. */
static uint8_t first_beside(const struct walker *k)
{
	const struct course *main = &k->courses[0];
	uint8_t first = main->end;

	for (uint8_t ttl = main->w->last; !first && ttl >= main->w->first; ttl--)
		if (main->w->hops[ttl].expired)
			first = ttl;
	return first > k->c->first_ttl ? first : k->c->first_ttl;
}

static bool has_role(const struct walker *k, enum trace_role role)
{
	for (size_t i = 0; i < k->f->n_walks; i++)
		if (k->f->walks[i].role == role)
			return true;
	return false;
}

static uint16_t canary_port(const struct walker *k, struct turns *t)
{
	uint16_t port = (uint16_t)(HIGH_PORTS + turns_random(t) % (65536 - HIGH_PORTS));

	return port == k->c->dport ? (uint16_t)(port ^ 1) : port;
}

static bool begin_role(struct walker *k, struct turns *t, enum trace_role role)
{
	bool syn = probe_class_of(k->probe->flags) == PROBE_SYN;
	struct trace_walk *w = NULL;
	uint16_t sport;

	if (has_role(k, role) || !walk_port_beside(k, &sport))
		return false;
	if (role == WALK_OTHER)
		w = walk_add(k, role, probe_find(syn ? "ack" : "syn"), sport, k->c->dport);
	else
		w = walk_add(k, role, probe_find("syn"), sport, canary_port(k, t));
	if (!w)
		return false;
	begin_course(k, t, w, first_beside(k));
	return true;
}

/* Where nothing answered, what the other class draws is most likely silence too, and takes long to
 * be believed: the canary is not kept waiting for it. */
static bool begin_beside(struct walker *k, struct turns *t)
{
	enum trace_want want = trace_wants(k->f);

	if (want == WANT_NOTHING)
		return false;
	if (want == WANT_CANARY)
		return begin_role(k, t, WALK_CANARY);
	if (!begin_role(k, t, WALK_OTHER))
		return false;
	if (!k->courses[0].end)
		begin_role(k, t, WALK_CANARY);
	return true;
}

/* --- as an actor ---------------------------------------------------------------------------- */

static uint64_t serve_courses(struct walker *k, struct turns *t, uint64_t now)
{
	uint64_t first = WALK_NEVER, next;

	for (size_t i = 0; i < k->f->n_walks; i++) {
		if (!k->courses[i].w || k->courses[i].w->over)
			continue;
		next = course_serve(k, t, &k->courses[i], now);
		first = next < first ? next : first;
	}
	return first;
}

static uint64_t serve(void *ctx, struct turns *t, uint64_t now)
{
	struct walker *k = ctx;
	uint64_t next;

	if (!k->f->n_walks)
		begin_main(k, t);
	do {
		next = serve_courses(k, t, now);
		if (next == WALK_NEVER && k->in.stage != INSIDE_NOT)
			next = inside_serve(k, t, now);
		if (k->failed)
			return TURNS_OVER;
		if (next != WALK_NEVER)
			return next;
	} while (begin_beside(k, t) || inside_begin(k, t));
	return TURNS_OVER;
}

static bool is_port(const struct walker *k, uint16_t port)
{
	return (uint16_t)(port - k->c->sport_first) < k->c->flows + WALK_PORTS_BESIDE;
}

/* Where both ways are captured: for the evidence, it answers nothing. */
static bool is_ours(const struct walker *k, const struct packet *pk)
{
	const struct segment *g = &pk->seg;
	const struct course *c;

	if (pk->kind != PACKET_TCP || !addr_same(&g->dst, &k->c->dst) || !is_port(k, g->sport))
		return false;
	c = k->by_port[g->sport - k->c->sport_first];
	return g->dport == (c ? c->w->dport : k->c->dport);
}

static bool take(void *ctx, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct walker *k = ctx;
	struct turns_ends ends = turns_ends_of(pk);
	struct course *c;

	if (is_ours(k, pk))
		return true;
	if (!is_port(k, ends.ours) || !addr_same(ends.far, &k->c->dst))
		return false;
	c = k->by_port[ends.ours - k->c->sport_first];
	if (k->in.stage != INSIDE_NOT && ends.ours == k->in.sport && ends.theirs == k->c->dport &&
	    !(c && course_owns(k, c, pk)))
		return inside_take(k, t, pk, at_ns);
	return c && ends.theirs == c->w->dport && course_take(k, t, c, pk, at_ns);
}

static void idle(void *ctx, struct turns *t)
{
	struct walker *k = ctx;

	if (!turns_path_up(t, k->c->path))
		k->failed = true;
}

static void progress(void *ctx, struct turns *t, bool asked)
{
	struct walker *k = ctx;

	if (k->c->progress)
		k->c->progress(k->c->progress_ctx, t->stats->sent, asked);
}

static void over(void *ctx, struct turns *t)
{
	struct walker *k = ctx;

	inside_drop(k, t);
	k->f->stopped = t->stats->end != END_COMPLETE;
}

/* --- the run -------------------------------------------------------------------------------- */

static void set_up(struct walker *k, const struct walk_config *c, const struct wire *w,
		   struct trace_facts *out)
{
	struct trace_walk *walks = out->walks;

	assert(c->flows >= 1 && c->flows <= TRACE_FLOWS_MAX);
	assert(c->first_ttl >= 1 && c->first_ttl <= c->max_ttl && c->max_ttl <= TRACE_TTL_MAX);
	k->c = c;
	k->f = out;
	k->probe = c->inside ? probe_find("syn") : c->probe;
	k->tries = c->tries ? c->tries : TRIES;
	if (k->tries > WALK_TRIES_MAX)
		k->tries = WALK_TRIES_MAX;
	k->timeout_ns = c->timeout_ns ? c->timeout_ns : TIMEOUT_NS;
	k->in.conn = -1;
	*out = (struct trace_facts){
	    .addr = c->dst,
	    .src = w->paths[c->path].src,
	    .port = c->dport,
	    .probe = k->probe,
	    .max_ttl = c->max_ttl,
	    .flows = c->flows,
	    .walks = walks,
	    .inside = {.wanted = c->inside, .content = c->inside && c->data},
	};
}

int walk_run(const struct walk_config *c, const struct turns_config *t, struct wire *w,
	     struct trace_facts *out, struct turns_stats *stats, struct err *e)
{
	static const struct turns_actor actor = {serve, take, idle, progress, over};
	struct walker *k = calloc(1, sizeof(*k));
	int rc = -1;

	*stats = (struct turns_stats){.end = END_COMPLETE};
	if (k)
		k->steps = calloc((size_t)TRACE_WALKS_MAX * WALK_STEPS, sizeof(*k->steps));
	if (!k || !k->steps) {
		err_set(e, "out of memory");
		goto out;
	}
	set_up(k, c, w, out);
	rc = turns_run(t, w, &actor, k, stats, e);
out:
	if (k)
		free(k->steps);
	free(k);
	return rc;
}
