/* sweepkit: scans of addresses that their last octet tells apart. */
#include "unit/unit.h"

#include "sim/sweepkit.h"

static void keep_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	struct kept *k = ctx;
	struct kept_port *p = &k->v[k->n++];

	(void)h;
	assert_true(k->n < KEPT_MAX);
	*p = (struct kept_port){
	    .host = r->addr->b[3],
	    .port = r->port,
	    .state = r->verdict->state,
	    .weak = r->verdict->weak,
	    .tries = r->tries,
	    .rtt_us = r->verdict->decider ? r->verdict->decider->rtt_us : UINT32_MAX,
	    .origin = r->verdict->origin,
	    .against = r->verdict->against != NULL,
	    .window = k->windows,
	};
	snprintf(p->reason, sizeof(p->reason), "%s", r->verdict->reason);
	for (unsigned i = 0; i < r->verdict->n_clues; i++) {
		enum clue_id id = r->verdict->clues[i].id;

		if (id >= CLUE_RST_NEARER && id <= CLUE_ACK_ELSEWHERE)
			p->rst_clues |= 1U << (id - CLUE_RST_NEARER);
		else if (id < 32)
			p->clues |= 1U << id;
	}
}

static void keep_host(void *ctx, const struct host_record *h)
{
	struct kept *k = ctx;

	k->host = *h;
	k->hosts[h->addr->b[3]] = *h;
}

static void keep_found(void *ctx, const struct port_record *r)
{
	assert_int_equal(r->verdict->state, STATE_OPEN);
	((struct kept *)ctx)->found++;
}

static void keep_window(void *ctx, const struct window_record *w)
{
	struct kept *k = ctx;

	k->windows++;
	k->complete_windows += w->complete;
	k->covered += w->last - w->first + 1;
}

void trial_init(struct trial *t, const char *target, const char *ports, const char *kinds)
{
	static const struct target_help help;
	struct targets none = {0};
	char list[64], *save = NULL;
	struct err e;

	memset(t, 0, sizeof(*t));
	targets_init(&t->targets);
	targets_init(&none);
	assert_int_equal(targets_add(&t->targets, target, &help, &e), TARGET_OK);
	t->ports = ports_parse(ports, NULL, &e);
	assert_non_null(t->ports);
	assert_int_equal(space_build(&t->space, &t->targets, t->ports, &none, &e), 0);
	snprintf(list, sizeof(list), "%s", kinds);
	for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		t->kinds[t->c.n_kinds] = probe_find(w);
		assert_non_null(t->kinds[t->c.n_kinds++]);
	}
	t->c.space = &t->space;
	t->c.kinds = t->kinds;
	t->c.seed = 7;
	memcpy(t->c.key, "0123456789abcdef", 16);
	t->c.sport_first = 40000;
	t->c.retries = RETRIES_AUTO;
	t->c.rto_max_ns = 1000000000;
	t->c.enumerate_silent = true;
	t->c.want_closed = true;
	t->c.wish.layout = SYN_LAYOUT_LINUX;
	t->kept.v = calloc(KEPT_MAX, sizeof(*t->kept.v));
}

void trial_run_on(struct trial *t, struct wire *w)
{
	struct record_sink sink = {
	    .ctx = &t->kept,
	    .port = keep_port,
	    .host_end = keep_host,
	    .open_found = keep_found,
	    .window = keep_window,
	};
	struct kept_port *v = t->kept.v;
	struct err e;

	t->kept = (struct kept){.v = v};
	assert_int_equal(sweep_run(&t->c, w, &sink, &t->kept.sum, &e), 0);
}

void trial_run(struct trial *t, struct peer *p)
{
	trial_run_on(t, &p->wire);
}

void trial_free(struct trial *t)
{
	space_free(&t->space);
	targets_free(&t->targets);
	ports_free(t->ports);
	free(t->kept.v);
}

void trial_begin(struct trial *t, struct peer *p, const char *target, const char *ports,
		 peer_fn *fn)
{
	trial_init(t, target, ports, "syn");
	peer_init(p, fn, NULL);
}

void trial_end(struct trial *t, struct peer *p)
{
	trial_free(t);
	peer_free(p);
}

void fifty(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	peer_rfc(probe, probe->seg.dport % 20 == 0, out);
}

const struct kept_port *port_of(const struct trial *t, uint16_t port)
{
	const struct kept_port *found = NULL;

	for (size_t i = 0; i < t->kept.n; i++)
		if (t->kept.v[i].port == port)
			found = &t->kept.v[i];
	assert_non_null(found);
	return found;
}

const struct kept_port *port_at(const struct trial *t, uint8_t host, uint16_t port)
{
	const struct kept_port *found = NULL;

	for (size_t i = 0; i < t->kept.n; i++)
		if (t->kept.v[i].host == host && t->kept.v[i].port == port)
			found = &t->kept.v[i];
	assert_non_null(found);
	return found;
}

uint64_t count_state(const struct trial *t, enum port_state s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->kept.n; i++)
		n += t->kept.v[i].state == s;
	return n;
}

uint64_t count_state_of(const struct trial *t, uint8_t host, enum port_state s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->kept.n; i++)
		n += t->kept.v[i].host == host && t->kept.v[i].state == s;
	return n;
}

/* Their port is behind those of the others. */
bool is_canary(const struct trial *t, const struct peer_sent *sent)
{
	unsigned n = sweep_sports(t->c.n_kinds, t->c.retries, false);

	return !t->c.sport_fixed && sent->sport + 1U == t->c.sport_first + n;
}

uint64_t sent_to(const struct trial *t, const struct peer *p, uint8_t host)
{
	uint64_t n = 0;

	assert_true(p->n_sent <= PEER_LOG);
	for (uint64_t i = 0; i < p->n_sent; i++)
		n += p->sent[i].dst_last == host && !is_canary(t, &p->sent[i]);
	return n;
}

/* --- of every scan ---------------------------------------------------------------------------- */

/* Where the wire refuses, a try that left may go untold, but none is told that did not. */
static void check_tries(const struct kept_port *k, unsigned left, bool refused)
{
	bool silent = !strcmp(k->reason, "no-response") || k->state == STATE_NOT_PROBED ||
		      !strcmp(k->reason, "reset-limited");

	if (silent && (k->tries > left || (k->tries < left && !refused)))
		fail_msg("host %u port %u: %u tries told, %u left", k->host, k->port, k->tries,
			 left);
}

void trial_check(const struct trial *t, const struct peer *p)
{
	const struct summary_record *s = &t->kept.sum;
	uint8_t *left = calloc(1 << 24, 1), *told = calloc(1 << 24, 1);
	uint64_t answered = 0, gone = 0;

	assert_true(left && told && p->n_sent <= PEER_LOG);
	for (uint64_t i = 0; i < p->n_sent; i++)
		if (!is_canary(t, &p->sent[i]))
			left[p->sent[i].dst_last << 16 | p->sent[i].dport]++;
	for (size_t i = 0; i < t->kept.n; i++) {
		const struct kept_port *k = &t->kept.v[i];
		size_t at = (size_t)k->host << 16 | k->port;

		if (told[at]++)
			fail_msg("host %u port %u is told twice", k->host, k->port);
		if (t->c.n_kinds == 1)
			check_tries(k, left[at], p->refuse || p->down_at_ns);
		gone += k->state == STATE_NOT_PROBED && !strcmp(k->reason, "host-unreachable");
	}
	for (int i = 0; i < PORT_STATES; i++)
		if (i != STATE_NOT_PROBED)
			answered += s->counts[i];
	if (!t->c.known)
		assert_int_equal(answered + s->silent + s->skipped + s->not_probed + gone,
				 s->indices);
	assert_true(s->hosts_given_up + s->hosts_up <= s->hosts_total);
	free(left);
	free(told);
}
