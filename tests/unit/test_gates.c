/*
 * test_gates: caps and reset limits on simulated hosts, in virtual time: who is found to ration his
 * RSTs and how fast all his closed ports are complete then, who is not, and what clocks may do.
 */
#include "unit/unit.h"

#include <math.h>

#include "engine/gates.h"

static const uint64_t MS = 1000000, S = 1000000000;

/* --- simulated hosts -------------------------------------------------------------------------- */

enum ration { ANY, TOKENS, BY_SECOND };

struct stack {
	enum ration ration;
	double limit, burst;
	double loss;   /* each way */
	double closed; /* share of the ports; the others are filtered */
	unsigned open; /* of the closed ones, these listen */
	uint64_t rtt_ns;
	/* private: */
	double tokens;
	uint64_t at_ns, second;
};

struct answer {
	uint64_t at_ns, sent_ns;
	uint32_t host, port;
	bool rst;
};

enum { QUEUE = 1 << 18, HOSTS_MAX = 64, PASSES_MAX = 60 };

struct sim {
	struct targets targets;
	struct ports *ports;
	struct space space;
	struct gates *gates;
	struct stack stack[HOSTS_MAX];
	uint32_t n_ports;
	uint8_t *closed[HOSTS_MAX], *done[HOSTS_MAX]; /* a byte a port */
	uint32_t *order[HOSTS_MAX], n_order[HOSTS_MAX], cursor[HOSTS_MAX];
	struct answer *queue;
	bool ever_limited;
	uint64_t jump_at, jump; /* of the clock, once */
	uint32_t in, out;
	double rate;	       /* packets/s we send in all */
	uint64_t settle_ns;    /* of silence, between passes */
	uint64_t now, last_ns; /* last_ns: sent or answered */
	uint64_t sent[HOSTS_MAX], ended[HOSTS_MAX], start[HOSTS_MAX];
	uint64_t missing, rnd;
	unsigned pass;
};

static double chance(struct sim *s)
{
	s->rnd ^= s->rnd << 13;
	s->rnd ^= s->rnd >> 7;
	s->rnd ^= s->rnd << 17;
	return (double)(s->rnd >> 11) / 9007199254740992.0;
}

static struct sim *sim_new(const char *target, const char *ports, bool capped,
			   const struct stack *stack, size_t n)
{
	static const struct target_help help = {0};
	struct sim *s = calloc(1, sizeof(*s));
	struct err e;

	assert_non_null(s);
	targets_init(&s->targets);
	assert_int_equal(targets_add(&s->targets, target, &help, &e), TARGET_OK);
	s->ports = ports_parse(ports, NULL, &e);
	assert_non_null(s->ports);
	assert_int_equal(space_build(&s->space, &s->targets, s->ports, NULL, &e), 0);
	s->rnd = 88172645463325252;
	s->now = 1000 * S;
	s->gates = gates_new(&s->space, capped, s->now, &e);
	assert_non_null(s->gates);
	s->n_ports = ports_count(s->ports);
	s->rate = 500000;
	s->settle_ns = 100 * MS;
	s->queue = calloc(QUEUE, sizeof(*s->queue));
	assert_true(s->space.hosts <= HOSTS_MAX);
	for (size_t h = 0; h < s->space.hosts; h++) {
		s->stack[h] = stack[h < n ? h : n - 1];
		s->stack[h].at_ns = s->now;
		s->stack[h].tokens = s->stack[h].burst;
		s->closed[h] = calloc(s->n_ports, 1);
		s->done[h] = calloc(s->n_ports, 1);
		s->order[h] = calloc(s->n_ports, sizeof(**s->order));
		for (uint32_t i = 0; i < s->n_ports; i++) {
			s->closed[h][i] = i < s->stack[h].open ? 2 : chance(s) < s->stack[h].closed;
			s->missing += s->closed[h][i] > 0;
			s->order[h][i] = i;
		}
		for (uint32_t i = s->n_ports; i-- > 1;) { /* a permutation, as the sweep's */
			uint32_t j = (uint32_t)(chance(s) * (i + 1)), x = s->order[h][i];

			s->order[h][i] = s->order[h][j];
			s->order[h][j] = x;
		}
		s->n_order[h] = s->n_ports;
	}
	return s;
}

static void sim_free(struct sim *s)
{
	for (size_t h = 0; h < s->space.hosts; h++) {
		free(s->closed[h]);
		free(s->done[h]);
		free(s->order[h]);
	}
	gates_free(s->gates);
	space_free(&s->space);
	targets_free(&s->targets);
	ports_free(s->ports);
	free(s->queue);
	free(s);
}

static struct point point_of(const struct sim *s, uint32_t host, uint32_t port)
{
	struct point at;

	space_at(&s->space, (uint64_t)host * s->n_ports + port, &at);
	return at;
}

static bool rationed(struct stack *k, uint64_t now)
{
	if (k->ration == TOKENS) {
		k->tokens += k->limit * (double)(now - k->at_ns) / 1e9;
		k->tokens = fmin(k->tokens, k->burst);
		k->at_ns = now;
	} else if (k->ration == BY_SECOND && now / S != k->second) {
		k->second = now / S;
		k->tokens = k->limit;
	}
	if (k->ration == ANY)
		return false;
	if (k->tokens < 1)
		return true;
	k->tokens -= 1;
	return false;
}

static void ask(struct sim *s, uint32_t host, uint32_t port)
{
	struct stack *k = &s->stack[host];
	unsigned closed = s->closed[host][port];

	s->sent[host]++;
	s->last_ns = s->now;
	if (!closed || chance(s) < k->loss)
		return;
	if (closed == 1 && rationed(k, s->now + k->rtt_ns / 2))
		return;
	if (chance(s) < k->loss)
		return;
	s->queue[s->in++ % QUEUE] = (struct answer){
	    .at_ns = s->now + k->rtt_ns,
	    .sent_ns = s->now,
	    .host = host,
	    .port = port,
	    .rst = closed == 1,
	};
	assert_true(s->in - s->out < QUEUE);
}

static void hear(struct sim *s)
{
	for (; s->out != s->in && s->queue[s->out % QUEUE].at_ns <= s->now; s->out++) {
		const struct answer *a = &s->queue[s->out % QUEUE];
		struct point at = point_of(s, a->host, a->port);

		if (s->done[a->host][a->port])
			continue;
		s->done[a->host][a->port] = 1;
		s->missing--;
		s->last_ns = a->at_ns;
		s->ended[a->host] = a->at_ns;
		gates_answered(s->gates, &at, a->rst, a->at_ns - a->sent_ns, a->at_ns);
	}
}

/* The next port of the host that is to be asked in this pass; n_ports for none. */
static uint32_t next_port(struct sim *s, uint32_t h)
{
	while (s->cursor[h] < s->n_order[h] && s->done[h][s->order[h][s->cursor[h]]])
		s->cursor[h]++;
	return s->cursor[h] < s->n_order[h] ? s->order[h][s->cursor[h]] : s->n_ports;
}

/* One probe to each host that lets it. Is anybody left to ask? */
static bool go_round(struct sim *s, bool *sent)
{
	bool left = false;

	*sent = false;
	for (uint32_t h = 0; h < s->space.hosts; h++) {
		uint32_t port = next_port(s, h);
		struct point at;

		if (port == s->n_ports)
			continue;
		left = true;
		at = point_of(s, h, port);
		if (!gates_pass(s->gates, &at, s->now))
			continue;
		*sent = true;
		gates_left(s->gates, &at, s->now);
		s->cursor[h]++;
		ask(s, h, port);
		s->now += (uint64_t)(1e9 / s->rate);
		hear(s);
	}
	return left;
}

static void sleep_until(struct sim *s, uint64_t until)
{
	if (s->out != s->in && s->queue[s->out % QUEUE].at_ns < until)
		until = s->queue[s->out % QUEUE].at_ns;
	assert_true(until > s->now);
	s->now = until;
	if (s->jump && s->now > s->jump_at) {
		s->now += s->jump;
		s->jump = 0;
	}
	hear(s);
}

static void run_pass(struct sim *s)
{
	bool sent;

	gates_begin_pass(s->gates, s->pass, s->now);
	for (uint32_t h = 0; h < s->space.hosts; h++)
		s->cursor[h] = 0;
	while (go_round(s, &sent))
		if (!sent)
			/* a loop is late by a little */
			sleep_until(s,
				    gates_next(s->gates, s->now) + (uint64_t)(chance(s) * 200000));
	while (s->missing && s->now < s->last_ns + s->settle_ns)
		sleep_until(s, s->last_ns + s->settle_ns);
}

/* Passes until nothing that answers is missing. The time that took. */
static double run(struct sim *s)
{
	uint64_t start = s->now;

	for (s->pass = 0; s->missing; s->pass++) {
		assert_true(s->pass < PASSES_MAX);
		run_pass(s);
		s->ever_limited |= gates_any_limited(s->gates);
	}
	return (double)(s->now - start) / 1e9;
}

static struct gate_limit limit_of(const struct sim *s, uint32_t host)
{
	struct point at = point_of(s, host, 0);

	return gates_limit(s->gates, &at);
}

static double closed_of(const struct sim *s, uint32_t host)
{
	double n = 0;

	for (uint32_t i = 0; i < s->n_ports; i++)
		n += s->closed[host][i] == 1;
	return n;
}

/* --- reset limits ----------------------------------------------------------------------------- */

#define TOKENS_OF(l, b) .ration = TOKENS, .limit = (l), .burst = (b), .rtt_ns = 100000
#define SECOND_OF(l) .ration = BY_SECOND, .limit = (l), .rtt_ns = 100000

static void test_limited(void **state)
{
	static const struct {
		const char *name;
		struct stack stack;
		const char *ports;
		bool capped;
		double within; /* of the floor */
	} cases[] = {
	    {"nft 1000/s burst 5", {TOKENS_OF(1000, 5), .closed = 1, .open = 50}, "-", false, 1.1},
	    {"the same, auto", {TOKENS_OF(1000, 5), .closed = 1, .open = 50}, "-", true, 1.1},
	    {"burst 100", {TOKENS_OF(1000, 100), .closed = 1}, "-", false, 1.1},
	    {"loss", {TOKENS_OF(1000, 5), .closed = 1, .loss = 0.05}, "-", false, 1.2},
	    {"loss, auto", {TOKENS_OF(1000, 5), .closed = 1, .loss = 0.05}, "-", true, 1.2},
	    {"FreeBSD", {SECOND_OF(200), .closed = 1}, "-20000", false, 1.1},
	    {"FreeBSD, auto", {SECOND_OF(200), .closed = 1}, "-20000", true, 1.1},
	    {"illumos", {SECOND_OF(40), .closed = 1}, "-5000", false, 1.1},
	    {"illumos, auto", {SECOND_OF(40), .closed = 1}, "-5000", true, 1.15},
	    {"a few ports", {SECOND_OF(200), .closed = 1}, "-2000", false, 1.5},
	    {"filtered too", {TOKENS_OF(1000, 5), .closed = 0.1}, "-", false, 4},
	    {"filtered by half", {TOKENS_OF(1000, 5), .closed = 0.5}, "-", false, 2},
	    {"far",
	     {.ration = TOKENS, .limit = 1000, .burst = 5, .rtt_ns = 50 * 1000000, .closed = 1},
	     "-",
	     false,
	     1.1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim *s =
		    sim_new("192.0.2.1", cases[i].ports, cases[i].capped, &cases[i].stack, 1);
		double floor = closed_of(s, 0) / cases[i].stack.limit, took = run(s);
		struct gate_limit l = limit_of(s, 0);
		double lossless = cases[i].stack.limit * (1 - cases[i].stack.loss);

		if (getenv("TEST_VERBOSE"))
			print_message("%s: %.1f s of %.1f, %u passes, %lu sent, limit %u\n",
				      cases[i].name, took, floor, s->pass,
				      (unsigned long)s->sent[0], l.rate);
		assert_true(s->pass <= 10);
		assert_true(took < cases[i].within * floor);
		assert_true(l.limited && gates_any_limited(s->gates));
		assert_true(fabs(l.rate - lossless) < 0.15 * lossless);
		sim_free(s);
	}
}

/* Few ports are asked in no time, and what was saved up is most of what the first pass draws. */
static const struct way {
	double rate;
	uint64_t settle_ns;
	bool capped;
} ways[] = {
    {500000, 40000000, false}, {500000, 10000000, false}, {500000, 100000000, false},
    {20000, 40000000, false},  {500000, 40000000, true},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), FEW_SIZES = 5 };

static const uint32_t few_sizes[FEW_SIZES] = {200, 500, 1000, 3000, 5000};

static struct sim *sim_of_few(uint32_t n_ports, const struct stack *stack, const struct way *way)
{
	char ports[16];
	struct sim *s;

	snprintf(ports, sizeof(ports), "-%u", n_ports);
	s = sim_new("192.0.2.1", ports, way->capped, stack, 1);
	s->rate = way->rate;
	s->settle_ns = way->settle_ns;
	return s;
}

static void try_few(uint32_t n_ports, const struct stack *stack, const struct way *way)
{
	struct sim *s = sim_of_few(n_ports, stack, way);
	double floor = fmax(n_ports - stack->burst, 0) / stack->limit, took = run(s);
	struct gate_limit l = limit_of(s, 0);

	if (getenv("TEST_VERBOSE"))
		print_message("%5u, %4.0f/s %s %3.0f, %6.0f/s%s, %3u ms: %6.2f s + %5.2f, "
			      "%2u passes, %6lu sent, limit %4u\n",
			      n_ports, stack->limit, stack->ration == TOKENS ? "burst" : "second",
			      stack->burst, way->rate, way->capped ? " auto" : "",
			      (unsigned)(way->settle_ns / MS), floor, took - floor, s->pass,
			      (unsigned long)s->sent[0], l.rate);
	assert_true(took < floor + 2);
	assert_true(s->pass <= 20);
	assert_true(s->sent[0] < 12 * n_ports);
	if (floor > 2.5)
		assert_true(fabs(l.rate - stack->limit) < 0.1 * stack->limit);
	sim_free(s);
}

static void test_few_ports(void **state)
{
	static const struct stack stacks[] = {
	    {TOKENS_OF(1000, 5), .closed = 1},	{TOKENS_OF(200, 5), .closed = 1},
	    {TOKENS_OF(40, 5), .closed = 1},	{TOKENS_OF(1000, 100), .closed = 1},
	    {TOKENS_OF(200, 100), .closed = 1}, {TOKENS_OF(40, 100), .closed = 1},
	    {SECOND_OF(1000), .closed = 1},	{SECOND_OF(200), .closed = 1},
	    {SECOND_OF(40), .closed = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		for (size_t k = 0; k < FEW_SIZES * WAYS; k++)
			try_few(few_sizes[k / WAYS], &stacks[i], &ways[k % WAYS]);
}

/* Loss and filters, each often enough to meet what is rare: never a limit, and soon done. */
static void test_few_not_limited(void **state)
{
	static const struct stack stacks[] = {
	    {.closed = 1, .loss = 0.05, .rtt_ns = 100000},
	    {.closed = 1, .loss = 0.2, .rtt_ns = 100000},
	    {.closed = 0.5, .loss = 0.2, .rtt_ns = 100000},
	    {.closed = 0.1, .rtt_ns = 100000},
	    {.closed = 0.1, .loss = 0.1, .rtt_ns = 100000},
	    {.closed = 0.1, .loss = 0.2, .rtt_ns = 30000000},
	    {.closed = 0.03, .loss = 0.2, .rtt_ns = 100000},
	};
	double longest[2] = {0, 0}, took;

	(void)state;
	for (uint64_t i = 0; i < 7 * FEW_SIZES * WAYS * 8; i++) {
		const struct way *way = &ways[i / 8 % WAYS];
		uint32_t n_ports = few_sizes[i / 8 / WAYS % FEW_SIZES];
		struct sim *s = sim_of_few(n_ports, &stacks[i / 8 / WAYS / FEW_SIZES], way);

		s->rnd += i * 0x9e3779b97f4a7c15;
		took = run(s) - (double)(s->pass * way->settle_ns) / 1e9;
		assert_false(s->ever_limited);
		assert_false(s->ever_limited);
		longest[way->capped] = fmax(longest[way->capped], took);
		sim_free(s);
	}
	if (getenv("TEST_VERBOSE"))
		print_message("nobody limited: %.2f s at most, auto %.2f\n", longest[0],
			      longest[1]);
	assert_true(longest[0] < 3.5);
	assert_true(longest[1] < 5000. / GATE_RATE + 3);
}

/* Whose silence is none of a limiter's making. */
static void test_not_limited(void **state)
{
	static const struct {
		const char *name;
		struct stack stack;
		const char *ports;
		bool capped;
		double rate, within;
	} cases[] = {
	    {"nothing lost", {.closed = 1, .rtt_ns = 100000}, "-", false, 500000, 0.2},
	    {"nothing lost, auto", {.closed = 1, .rtt_ns = 100000}, "-", true, 500000, 0.6},
	    {"5 %", {.closed = 1, .loss = 0.05, .rtt_ns = 100000}, "-", false, 500000, 1},
	    {"5 %, auto", {.closed = 1, .loss = 0.05, .rtt_ns = 100000}, "-", true, 500000, 1.4},
	    {"20 %", {.closed = 1, .loss = 0.2, .rtt_ns = 100000}, "-", false, 500000, 3},
	    {"20 %, auto", {.closed = 1, .loss = 0.2, .rtt_ns = 100000}, "-", true, 500000, 4},
	    {"20 %, far", {.closed = 1, .loss = 0.2, .rtt_ns = 50000000}, "-", false, 500000, 4},
	    {"filtered", {.closed = 0.085, .rtt_ns = 100000}, "-", false, 500000, 0.4},
	    {"filtered, lossy",
	     {.closed = 0.085, .loss = 0.1, .rtt_ns = 100000},
	     "-",
	     false,
	     500000,
	     3},
	    {"filtered by half", {.closed = 0.5, .rtt_ns = 100000}, "-", false, 500000, 0.4},
	    {"slowly", {TOKENS_OF(1000, 5), .closed = 1}, "-2000", false, 100, 20.5},
	    {"slowly, filtered", {TOKENS_OF(1000, 5), .closed = 0.5}, "-2000", false, 100, 20.5},
	    {"slowly, lossy",
	     {TOKENS_OF(1000, 5), .closed = 1, .loss = 0.1},
	     "-2000",
	     false,
	     100,
	     35},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim *s =
		    sim_new("192.0.2.1", cases[i].ports, cases[i].capped, &cases[i].stack, 1);
		double took;

		s->rate = cases[i].rate;
		took = run(s);
		if (getenv("TEST_VERBOSE"))
			print_message("%s: %.2f s, %u passes, limited %d\n", cases[i].name, took,
				      s->pass, s->ever_limited);
		assert_true(took < cases[i].within);
		for (unsigned k = 0; k < 3; k++, s->pass++) { /* over what keeps silent for good */
			run_pass(s);
			assert_false(gates_any_limited(s->gates));
		}
		assert_false(s->ever_limited);
		sim_free(s);
	}
}

/* Each host by itself, of both families: who is limited holds nobody else up. */
static void test_hosts_apart(void **state)
{
	static const struct stack stacks[] = {
	    {TOKENS_OF(1000, 5), .closed = 1}, {SECOND_OF(200), .closed = 1},
	    {.closed = 1, .rtt_ns = 100000},   {.closed = 1, .loss = 0.05, .rtt_ns = 100000},
	    {.closed = 0.1, .rtt_ns = 100000}, {.closed = 0, .rtt_ns = 100000},
	};
	static const char *const targets[] = {"192.0.2.1-6", "2001:db8::1-2001:db8::6"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sim *s = sim_new(targets[i], "-10000", false, stacks, 6);
		uint64_t start = s->now;

		assert_true(run(s) < 1.1 * 50);
		assert_int_equal(limit_of(s, 0).rate / 100, 10);
		assert_int_equal((limit_of(s, 1).rate + 10) / 20, 10);
		assert_true(s->ended[2] - start < S / 2);
		assert_true(s->ended[4] - start < S / 2);
		for (uint32_t h = 2; h < 6; h++)
			assert_false(limit_of(s, h).limited);
		sim_free(s);
	}
}

/* Silence counts where the limiter had room to spare, and only there. */
static void test_clean_passes(void **state)
{
	struct stack stack = {TOKENS_OF(1000, 5), .closed = 0.5};
	struct sim *s = sim_new("192.0.2.1", "-20000", false, &stack, 1);

	(void)state;
	for (s->pass = 0; limit_of(s, 0).clean < 2; s->pass++) {
		assert_true(s->pass < 20);
		run_pass(s);
		if (limit_of(s, 0).clean)
			assert_true(s->missing < 20);
	}
	assert_int_equal(s->missing, 0);
	sim_free(s);
}

/* Who asks for open ports alone is told of the limit, and not held up by it. */
static void test_open_only(void **state)
{
	struct stack stack = {TOKENS_OF(1000, 5), .closed = 1, .open = 50};

	(void)state;
	for (int capped = 0; capped < 2; capped++) {
		struct sim *s = sim_new("192.0.2.1", "-", capped, &stack, 1);
		uint64_t start = s->now;

		gates_open_only(s->gates);
		for (s->pass = 0; s->pass < 3; s->pass++)
			run_pass(s);
		assert_true(limit_of(s, 0).limited);
		assert_true(s->now - start < (capped ? 25 : 2) * S);
		sim_free(s);
	}
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void test_clock_jumps(void **state)
{
	static const struct stack stacks[] = {
	    {TOKENS_OF(1000, 5), .closed = 1},
	    {SECOND_OF(200), .closed = 1},
	    {.closed = 1, .loss = 0.1, .rtt_ns = 100000},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int capped = 0; capped < 2; capped++) {
			struct sim *s = sim_new("192.0.2.1", "-6000", capped, &stacks[i], 1);
			double floor = i == 2 ? 2 : closed_of(s, 0) / stacks[i].limit;

			s->jump_at = s->now + (i == 2 ? 5 * MS : 3 * S);
			s->jump = 3600 * S;
			assert_true(run(s) - 3600 < 1.1 * floor + 2);
			assert_int_equal(limit_of(s, 0).limited, i < 2);
			sim_free(s);
		}
}

static void test_clock_stands(void **state)
{
	struct stack stack = {.closed = 1};
	struct sim *s = sim_new("192.0.2.1", "-", true, &stack, 1);
	struct point at = point_of(s, 0, 7);
	unsigned passed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		passed += gates_pass(s->gates, &at, s->now);
	assert_int_equal(passed, 1);
	assert_in_range(gates_next(s->gates, s->now), s->now + 1, s->now + 2 * MS);
	assert_in_range(gates_next(s->gates, s->now), s->now + 1, s->now + 2 * MS);
	assert_false(gates_pass(s->gates, &at, s->now - 5 * S)); /* back */
	assert_false(gates_pass(s->gates, &at, s->now - 5 * S));
	assert_true(gates_pass(s->gates, &at, s->now + 3600 * S));
	assert_false(gates_pass(s->gates, &at, s->now + 3600 * S));
	gates_begin_pass(s->gates, 1, 0);
	gates_answered(s->gates, &at, true, 10 * S, 1);
	gates_answered(s->gates, &at, true, 0, UINT64_MAX);
	gates_begin_pass(s->gates, 2, UINT64_MAX);
	sim_free(s);
}

/* --- caps ------------------------------------------------------------------------------------- */

/* Probes that pass in `ns`, round robin over the hosts from `first` to `last`. */
static unsigned passed_in(struct sim *s, uint32_t first, uint32_t last, uint64_t ns)
{
	uint64_t until = s->now + ns;
	uint32_t port = 0;
	unsigned n = 0;

	while (s->now < until) {
		for (uint32_t h = first; h <= last; h++) {
			struct point at = point_of(s, h, port);

			n += gates_pass(s->gates, &at, s->now);
		}
		port = (port + 1) % s->n_ports;
		s->now += 20000;
	}
	return n;
}

static void test_cap_silent(void **state)
{
	struct stack stack = {.closed = 0};
	struct sim *s = sim_new("192.0.2.1-40", "-1000", true, &stack, 1);

	(void)state;
	assert_in_range(passed_in(s, 0, 39, S), 990, 1010); /* the network in all */
	assert_in_range(passed_in(s, 3, 3, S), 990, 1010);
	sim_free(s);
	s = sim_new("192.0.2.1", "-", false, &stack, 1);
	assert_in_range(passed_in(s, 0, 0, S), 49990, 50010); /* the user's rate is the user's */
	sim_free(s);
}

/* Networks are 24 bits of IPv4 and 64 of IPv6, wherever spans begin. */
static void test_cap_networks(void **state)
{
	static const struct {
		const char *target;
		uint32_t first, last, next; /* hosts of one network, and the first of the next */
	} cases[] = {
	    {"10.0.0.250-10.0.1.20", 0, 5, 6},
	    {"10.0.0.250-10.0.1.20", 6, 26, 5},
	    {"2001:db8:0:1:ffff:ffff:ffff:fff0-2001:db8:0:2::f", 0, 15, 16},
	};
	struct stack stack = {.closed = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim *s = sim_new(cases[i].target, "-1000", true, &stack, 1);
		struct point at;

		assert_in_range(passed_in(s, cases[i].first, cases[i].last, S), 990, 1010);
		at = point_of(s, cases[i].first, 0);
		while (gates_pass(s->gates, &at, s->now))
			;
		at = point_of(s, cases[i].next, 0);
		assert_true(gates_pass(s->gates, &at, s->now));
		sim_free(s);
	}
}

/* While a pass of one host runs: how much is let through in its last part? */
static void test_cap_grows_and_shrinks(void **state)
{
	static const struct stack fast = {.closed = 1, .rtt_ns = 1000000};
	static const struct stack narrow = {
	    .ration = TOKENS, .limit = 20000, .burst = 20, .closed = 1, .rtt_ns = 1000000};
	struct sim *s = sim_new("192.0.2.1", "-", true, &fast, 1);

	(void)state;
	assert_true(run(s) < 0.8);
	sim_free(s);
	/* a way that carries 20,000/s is filled, and not flooded */
	s = sim_new("192.0.2.1", "-", true, &narrow, 1);
	run_pass(s);
	assert_true(s->now - 1000 * S > 2500 * MS);
	assert_true(s->now - 1000 * S < 7000 * MS);
	assert_true(s->missing < 65535 / 4);
	sim_free(s);
}

static void test_hold_and_refund(void **state)
{
	struct stack stack = {.closed = 0};
	struct sim *s = sim_new("192.0.2.1-2", "-1000", true, &stack, 1);
	struct point at = point_of(s, 0, 1), other = point_of(s, 1, 1);

	(void)state;
	gates_hold(s->gates, &at, s->now + S);
	assert_false(gates_pass(s->gates, &at, s->now));
	assert_true(gates_next(s->gates, s->now) == s->now + S);
	assert_true(gates_pass(s->gates, &other, s->now));
	gates_refund(s->gates, &other);
	assert_true(gates_pass(s->gates, &other, s->now));
	assert_false(gates_pass(s->gates, &other, s->now));
	assert_true(gates_pass(s->gates, &at, s->now + S));
	sim_free(s);
}

/* Whose share is small has no gate, however many they are. */
static void test_bounded(void **state)
{
	static const struct target_help help = {0};
	struct targets targets;
	struct ports *ports = ports_parse("80", NULL, NULL);
	struct space space;
	struct gates *g;
	struct point at;
	struct err e;

	(void)state;
	targets_init(&targets);
	assert_int_equal(targets_add(&targets, "10.0.0.0/8", &help, &e), TARGET_OK);
	assert_int_equal(space_build(&space, &targets, ports, NULL, &e), 0);
	g = gates_new(&space, true, 0, &e);
	assert_non_null(g);
	space_at(&space, 12345678, &at);
	for (int i = 0; i < 100; i++)
		assert_true(gates_pass(g, &at, 0));
	assert_true(gates_next(g, 0) == UINT64_MAX);
	gates_answered(g, &at, true, 1000, 5000);
	assert_false(gates_limit(g, &at).limited);
	gates_free(g);
	space_free(&space);
	targets_free(&targets);
	ports_free(ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limited),	    cmocka_unit_test(test_few_ports),
	    cmocka_unit_test(test_few_not_limited), cmocka_unit_test(test_not_limited),
	    cmocka_unit_test(test_hosts_apart),	    cmocka_unit_test(test_clean_passes),
	    cmocka_unit_test(test_open_only),	    cmocka_unit_test(test_clock_jumps),
	    cmocka_unit_test(test_clock_stands),    cmocka_unit_test(test_cap_silent),
	    cmocka_unit_test(test_cap_networks),    cmocka_unit_test(test_cap_grows_and_shrinks),
	    cmocka_unit_test(test_hold_and_refund), cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}
