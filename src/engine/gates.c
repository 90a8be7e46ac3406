/*
 * gates: which hosts and networks have a gate, and whether a probe may pass now. A host's ports are
 * consecutive indices and a network's hosts too, so that a span says where its gates begin, and the
 * place of the host in it which one is meant. What a gate may get is gates_cap's to say, and
 * gates_limit's where RSTs are rationed.
 */
#include "engine/gates.h"

#include <math.h>
#include <stdlib.h>

#include "engine/gates_private.h"

static const uint64_t STEP_MAX_NS = 1000000000; /* what a jump of the clock counts at most */
static const double BURST_S = 0.001;
static const double LATE_S = 0.005; /* at a limit: what the caller is late by is made good */
static const double OPEN_ONLY_RATE = 10000;
enum { NET_SHARE = 2000, NONE = UINT32_MAX };

struct bucket {
	double credit;
	uint64_t at_ns;
};

struct gate {
	struct bucket bucket;
	struct cap cap;
};

struct host_gate {
	struct gate gate;
	struct limit limit;
	uint64_t hold_ns; /* the caller's time */
};

/* Where the gates of a span are: NONE for none. */
struct span_gates {
	uint32_t host;		    /* of its first address */
	uint32_t head, inner, tail; /* its first network, the second and following, the last */
};

struct gates {
	const struct space *space;
	bool capped, open_only, first_pass;
	struct span_gates *spans; /* NULL where nobody has a gate */
	struct host_gate *hosts;
	struct gate *nets;
	uint32_t n_hosts, n_nets;
	uint32_t n_limited;
	uint64_t caller_ns; /* time of the last call */
	uint64_t lag_ns;    /* what came later than so long ago has not been read */
	uint64_t t;	    /* our own */
	uint64_t next;	    /* our own; when one of those that refused opens */
	uint64_t next_hold; /* the caller's */
};

/* --- which gates there are -------------------------------------------------------------------- */

static unsigned net_bits(const struct span *x)
{
	return x->first.family == ADDR_V4 ? 24 : 64;
}

/* Addresses of a whole network that lie before the span's first; of IPv6 the low half. */
static uint64_t before_first(const struct span *x)
{
	uint64_t low = 0;

	if (x->first.family == ADDR_V4)
		return x->first.b[3];
	for (unsigned i = 8; i < 16; i++)
		low = low << 8 | x->first.b[i];
	return low;
}

/* Which network of the span its nth address is in: of IPv6, a span reaches into two at most. */
static uint64_t net_of(const struct span *x, uint64_t nth)
{
	uint64_t low = before_first(x);

	if (x->first.family == ADDR_V4)
		return (low + nth) >> 8;
	return low + nth < low;
}

static uint64_t in_head(const struct span *x)
{
	uint64_t n = (x->first.family == ADDR_V4 ? 256 : 0) - before_first(x);

	return net_of(x, x->count - 1) ? n : x->count;
}

static bool has_share(const struct gates *g, uint64_t indices, uint64_t share)
{
	return indices >= (g->space->total + share - 1) / share;
}

static bool same_net(const struct span *a, const struct span *b)
{
	struct addr last = addr_first(addr_add(a->first, a->count - 1), net_bits(a));
	struct addr first = addr_first(b->first, net_bits(b));

	return addr_equal(&last, &first);
}

/* A network that reaches from span to span, still open at its end. */
struct open_net {
	size_t first;
	bool tail;
	uint64_t indices, hosts;
};

static void widen_net(struct open_net *o, const struct span *x, uint64_t hosts)
{
	o->hosts += hosts;
	o->indices += hosts * ports_count(x->ports);
}

static void close_net(struct gates *g, const struct open_net *o, size_t last)
{
	if (o->hosts < 2 || !has_share(g, o->indices, NET_SHARE)) /* one host has its own gate */
		return;
	if (o->tail)
		g->spans[o->first].tail = g->n_nets;
	for (size_t i = o->first + o->tail; i <= last; i++)
		g->spans[i].head = g->n_nets;
	g->n_nets++;
}

static void lay_nets(struct gates *g)
{
	const struct span *v = g->space->spans;
	struct open_net o = {0};

	for (size_t i = 0; i < g->space->n; i++) {
		uint64_t nets = net_of(&v[i], v[i].count - 1);
		uint64_t inner = nets > 1 ? nets - 1 : 0, head = in_head(&v[i]);

		if (i && !same_net(&v[i - 1], &v[i])) {
			close_net(g, &o, i - 1);
			o = (struct open_net){.first = i};
		}
		widen_net(&o, &v[i], head);
		if (!nets)
			continue;
		close_net(g, &o, i);
		if (inner && has_share(g, 256 * (uint64_t)ports_count(v[i].ports), NET_SHARE)) {
			g->spans[i].inner = g->n_nets;
			g->n_nets += (uint32_t)inner;
		}
		o = (struct open_net){.first = i, .tail = true};
		widen_net(&o, &v[i], v[i].count - head - (inner << 8));
	}
	close_net(g, &o, g->space->n - 1);
}

static void lay_hosts(struct gates *g)
{
	for (size_t i = 0; i < g->space->n; i++) {
		const struct span *x = &g->space->spans[i];

		g->spans[i] = (struct span_gates){NONE, NONE, NONE, NONE};
		if (!has_share(g, ports_count(x->ports), GATE_SHARE))
			continue;
		g->spans[i].host = g->n_hosts;
		g->n_hosts += (uint32_t)x->count;
	}
}

static void gate_init(struct gate *x, bool capped, uint64_t t)
{
	x->bucket = (struct bucket){.credit = 1, .at_ns = t};
	cap_init(&x->cap, capped, t);
}

struct gates *gates_new(const struct space *s, bool capped, uint64_t now_ns, struct err *e)
{
	struct gates *g = calloc(1, sizeof(*g)), *made = NULL;

	if (!g)
		goto out;
	*g = (struct gates){.space = s, .capped = capped, .first_pass = true, .caller_ns = now_ns};
	g->next = g->next_hold = UINT64_MAX;
	g->spans = calloc(s->n, sizeof(*g->spans));
	if (!g->spans)
		goto out;
	lay_hosts(g);
	if (capped)
		lay_nets(g);
	g->hosts = calloc((size_t)g->n_hosts + 1, sizeof(*g->hosts));
	g->nets = calloc((size_t)g->n_nets + 1, sizeof(*g->nets));
	if (!g->hosts || !g->nets)
		goto out;
	for (uint32_t i = 0; i < g->n_hosts; i++)
		gate_init(&g->hosts[i].gate, capped, 0);
	for (uint32_t i = 0; i < g->n_nets; i++)
		gate_init(&g->nets[i], capped, 0);
	if (!g->n_hosts && !g->n_nets) {
		free(g->spans);
		g->spans = NULL;
	}
	made = g;
out:
	if (!made) {
		err_set(e, "out of memory");
		gates_free(g);
	}
	return made;
}

void gates_free(struct gates *g)
{
	if (!g)
		return;
	free(g->spans);
	free(g->hosts);
	free(g->nets);
	free(g);
}

void gates_open_only(struct gates *g)
{
	g->open_only = true;
}

static struct host_gate *host_of(const struct gates *g, const struct point *at)
{
	const struct span *x = at->span;
	uint32_t first = g->spans ? g->spans[x - g->space->spans].host : NONE;

	return first == NONE ? NULL : &g->hosts[first + (at->host - x->host)];
}

static struct gate *net_gate_of(const struct gates *g, const struct point *at)
{
	const struct span *x = at->span;
	const struct span_gates *s;
	uint64_t nth = at->host - x->host, k;
	uint32_t i;

	if (!g->n_nets)
		return NULL;
	s = &g->spans[x - g->space->spans];
	k = net_of(x, nth);
	if (!k)
		i = s->head;
	else if (k == net_of(x, x->count - 1))
		i = s->tail;
	else
		i = s->inner == NONE ? NONE : s->inner + (uint32_t)(k - 1);
	return i == NONE ? NULL : &g->nets[i];
}

/* --- time ------------------------------------------------------------------------------------- */

static void advance(struct gates *g, uint64_t now_ns)
{
	uint64_t ns = now_ns - g->caller_ns;

	/* what has left is told of later than the caller's next probe: time must not be counted
	 * twice */
	if (now_ns <= g->caller_ns && g->caller_ns - now_ns < STEP_MAX_NS)
		return;
	if (now_ns < g->caller_ns)
		ns = 0;
	g->t += ns < STEP_MAX_NS ? ns : STEP_MAX_NS;
	g->caller_ns = now_ns;
}

/* Our time of something that came at `at_ns`, a little before the last call perhaps. */
static uint64_t time_of(struct gates *g, uint64_t at_ns)
{
	uint64_t ago;

	if (at_ns >= g->caller_ns) {
		advance(g, at_ns);
		return g->t;
	}
	ago = g->caller_ns - at_ns;
	return ago < STEP_MAX_NS && ago < g->t ? g->t - ago : g->t;
}

/* The earliest counts, but for one that lies behind us: that gate was open, and has been used. */
static void note_next(uint64_t *next, uint64_t at, uint64_t t)
{
	if (*next <= t || at < *next)
		*next = at;
}

uint64_t gates_next(const struct gates *g, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	if (g->next == UINT64_MAX && g->next_hold == UINT64_MAX)
		return UINT64_MAX;
	if (g->next > g->t && g->next != UINT64_MAX)
		next = now_ns + (g->next - g->t);
	if (g->next_hold > now_ns && g->next_hold < next)
		next = g->next_hold;
	return next == UINT64_MAX ? now_ns + 1 : next;
}

/* --- passing ---------------------------------------------------------------------------------- */

static bool filled(struct gates *g, struct bucket *b, double rate, double most)
{
	if (isinf(rate)) {
		*b = (struct bucket){.credit = 2, .at_ns = g->t};
		return true;
	}
	b->credit = fmin(b->credit + rate * (double)(g->t - b->at_ns) / 1e9, most);
	b->at_ns = g->t;
	if (b->credit >= 1)
		return true;
	note_next(&g->next, g->t + (uint64_t)ceil((1 - b->credit) / rate * 1e9) + 1, g->t);
	return false;
}

static bool cap_lets(struct gates *g, struct gate *x, double rate)
{
	bool lets = filled(g, &x->bucket, rate, fmax(1, rate * BURST_S));

	x->cap.refused |= !lets && rate >= x->cap.rate;
	return lets;
}

static void limit_turn(struct gates *g, struct host_gate *h)
{
	bool before = h->limit.mode == LIMIT_ON;

	limit_tick(&h->limit, g->t, h->gate.cap.srtt_us * UINT64_C(1000));
	g->n_limited += h->limit.mode == LIMIT_ON;
	g->n_limited -= before;
}

static void cap_turn(struct gates *g, struct gate *x)
{
	if (g->first_pass && g->capped)
		cap_tick(&x->cap, g->t, g->lag_ns,
			 g->open_only && x->cap.heard ? OPEN_ONLY_RATE : GATE_RATE);
}

static bool host_lets(struct gates *g, struct host_gate *h)
{
	double rate = h->gate.cap.rate;

	if (g->caller_ns < h->hold_ns) {
		note_next(&g->next_hold, h->hold_ns, g->caller_ns);
		return false;
	}
	if (h->limit.mode != LIMIT_NONE)
		limit_turn(g, h);
	cap_turn(g, &h->gate);
	if (h->limit.mode == LIMIT_ON && !g->open_only) {
		rate = (double)h->limit.rate;
		return filled(g, &h->gate.bucket, rate, 1 + rate * LATE_S);
	}
	if (h->limit.mode == LIMIT_TEST && (double)h->limit.rate < rate)
		rate = (double)h->limit.rate;
	return cap_lets(g, &h->gate, rate);
}

static bool net_lets(struct gates *g, struct gate *net)
{
	cap_turn(g, net);
	return cap_lets(g, net, net->cap.rate);
}

bool gates_pass(struct gates *g, const struct point *at, uint64_t now_ns)
{
	struct host_gate *h = host_of(g, at);
	struct gate *net = net_gate_of(g, at);

	if (!h && !net)
		return true;
	advance(g, now_ns);
	if ((h && !host_lets(g, h)) || (net && !net_lets(g, net)))
		return false;
	if (h) {
		h->gate.bucket.credit -= 1;
		limit_sent(&h->limit, g->t);
	}
	if (net)
		net->bucket.credit -= 1;
	return true;
}

void gates_left(struct gates *g, const struct point *at, uint64_t at_ns)
{
	struct host_gate *h = host_of(g, at);
	struct gate *net = net_gate_of(g, at);
	uint64_t t;

	if (!g->capped || (!h && !net))
		return;
	t = time_of(g, at_ns);
	if (h)
		cap_sent(&h->gate.cap, t);
	if (net)
		cap_sent(&net->cap, t);
}

void gates_heard(struct gates *g, uint64_t lag_ns)
{
	g->lag_ns = lag_ns;
}

void gates_refund(struct gates *g, const struct point *at)
{
	struct host_gate *h = host_of(g, at);
	struct gate *net = net_gate_of(g, at);

	if (h) {
		h->gate.bucket.credit += 1;
		limit_refund(&h->limit);
	}
	if (net)
		net->bucket.credit += 1;
}

void gates_hold(struct gates *g, const struct point *at, uint64_t until_ns)
{
	struct host_gate *h = host_of(g, at);

	if (h)
		h->hold_ns = until_ns;
}

void gates_answered(struct gates *g, const struct point *at, bool rst, uint64_t rtt_ns,
		    uint64_t now_ns)
{
	struct host_gate *h = host_of(g, at);
	struct gate *net = net_gate_of(g, at);
	uint64_t t, sent;

	if (!h && !net)
		return;
	t = time_of(g, now_ns);
	sent = t > rtt_ns ? t - rtt_ns : 0;
	if (net)
		cap_answered(&net->cap, sent, rtt_ns);
	if (!h)
		return;
	cap_answered(&h->gate.cap, sent, rtt_ns);
	limit_answered(&h->limit, rst, t, sent);
	if (h->limit.mode != LIMIT_NONE)
		limit_turn(g, h);
}

/* --- passes, and what is known ---------------------------------------------------------------- */

void gates_begin_pass(struct gates *g, unsigned pass, uint64_t now_ns)
{
	advance(g, now_ns);
	g->first_pass = !pass;
	g->n_limited = 0;
	for (uint32_t i = 0; i < g->n_hosts; i++) {
		cap_restart(&g->hosts[i].gate.cap, g->t);
		limit_begin_pass(&g->hosts[i].limit, pass, g->t);
		g->n_limited += g->hosts[i].limit.mode == LIMIT_ON;
	}
	for (uint32_t i = 0; i < g->n_nets; i++)
		cap_restart(&g->nets[i].cap, g->t);
}

struct gate_limit gates_limit(const struct gates *g, const struct point *at)
{
	const struct host_gate *h = host_of(g, at);

	if (!h || h->limit.mode != LIMIT_ON)
		return (struct gate_limit){0};
	return (struct gate_limit){
	    .limited = true,
	    .rate = (uint32_t)lround((double)limit_rate(&h->limit)),
	    .clean = h->limit.clean,
	};
}

bool gates_any_limited(const struct gates *g)
{
	return g->n_limited > 0;
}
