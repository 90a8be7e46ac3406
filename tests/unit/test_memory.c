/*
 * test_memory: memory runs out at every allocation there is, one after the other: whoever was asked
 * says so by his return value, leaves nothing behind, and nothing half made is used. Who never
 * needs so much must do without.
 */
#include "unit.h"

#include <errno.h>

#include "base/bytes.h"
#include "engine/audit.h"
#include "engine/gates.h"
#include "engine/hosts.h"
#include "engine/interrogate.h"
#include "engine/lanes.h"
#include "engine/policy.h"
#include "engine/policy_record.h"
#include "engine/slab.h"
#include "engine/sweep.h"
#include "engine/walk.h"
#include "judge/around.h"
#include "judge/changes.h"
#include "judge/explain.h"
#include "judge/flow.h"
#include "judge/join.h"
#include "judge/pairs.h"
#include "judge/witness.h"
#include "packet/checksum.h"
#include "packet/craft.h"
#include "packet/pcapng.h"
#include "packet/segment.h"

/* --- memory (the linker's --wrap) ------------------------------------------------------------- */

static long left = -1; /* allocations that still succeed; -1: all */
static long owned;     /* not freed yet */
static bool counting;

static bool may(void)
{
	if (left > 0)
		left--;
	return left != 0;
}

static void *counted(void *p)
{
	owned += counting && p;
	return p;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *s);
void __real_free(void *p);

void *__wrap_malloc(size_t n)
{
	return may() ? counted(__real_malloc(n)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return may() ? counted(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
	if (!may())
		return NULL;
	return p ? __real_realloc(p, n) : counted(__real_malloc(n));
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	if (!may())
		return NULL;
	return p ? __real_reallocarray(p, n, size) : counted(__real_calloc(n, size));
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return may() ? counted(__real_aligned_alloc(align, n)) : NULL;
}

char *__wrap_strdup(const char *s)
{
	return may() ? counted(__real_strdup(s)) : NULL;
}

void __wrap_free(void *p)
{
	owned -= counting && p;
	__real_free(p);
}

static struct err why;

enum { ALLOCATIONS_MAX = 4000 };

/* `fn` returns 0, or -1 with `why` where `says`; and frees what it made in both cases. */
static void runs_out(int (*fn)(void), bool says)
{
	int rc = -1;

	for (long n = 0; rc < 0; n++) {
		assert_true(n < ALLOCATIONS_MAX);
		why.msg[0] = '\0';
		owned = 0;
		counting = true;
		left = n + 1; /* that which brings it to 0 fails, and all after it */
		rc = fn();
		left = -1;
		counting = false;
		if (owned)
			fail_msg("%ld blocks are left where allocation %ld fails", owned, n + 1);
		if (rc < 0 && says && !strstr(why.msg, "memory"))
			fail_msg("where allocation %ld fails: \"%s\"", n + 1, why.msg);
	}
}

/* --- what is made at once --------------------------------------------------------------------- */

static void never(void *ctx, const struct finding *f)
{
	(void)ctx;
	(void)f;
}

static int an_explain(void)
{
	struct explain *x = explain_new(&explain_limits_live, never, NULL);

	explain_free(x);
	return x ? 0 : -1;
}

static int a_witness(void)
{
	struct addr a = addr_v4(192, 0, 2, 7);
	struct witness *w = witness_new(&a, 80, 7);

	witness_free(w);
	return w ? 0 : -1;
}

static int around(void)
{
	struct around *a = around_new(64, 7);

	around_free(a);
	return a ? 0 : -1;
}

static int flows(void)
{
	struct flows *f = flows_new(64, 7, 1000);

	flows_free(f);
	return f ? 0 : -1;
}

static int a_join(void)
{
	struct join *j = join_new(64);

	join_free(j);
	return j ? 0 : -1;
}

static int pairs(void)
{
	struct pairs *p = pairs_new(40000, 4);

	pairs_free(p);
	return p ? 0 : -1;
}

static int a_reader(void)
{
	struct pcapng *p = pcapng_new();

	pcapng_free(p);
	return p ? 0 : -1;
}

static int an_interrogation(void)
{
	static const uint16_t ports[] = {80, 443};
	struct interrogate_config c = {.family = ADDR_V4, .candidates = ports, .n_candidates = 2};
	struct interrogation *i = interrogate_new(&c);

	interrogate_free(i);
	return i ? 0 : -1;
}

static void whole_or_not_at_all(void **state)
{
	(void)state;
	runs_out(an_explain, false);
	runs_out(a_witness, false);
	runs_out(around, false);
	runs_out(flows, false);
	runs_out(a_join, false);
	runs_out(pairs, false);
	runs_out(a_reader, false);
	runs_out(an_interrogation, false);
}

/* --- what grows ------------------------------------------------------------------------------- */

static int a_slab(void)
{
	struct slab s;
	struct reply r = {.reaction = REACTION_SYN_ACK};
	int rc = 0;

	slab_init(&s, 5000);
	for (uint32_t i = 0; i < 5000 && rc == 0; i++)
		rc = slab_add(&s, i, &r) < 0 ? -1 : 0;
	/* all that went in is there still */
	for (uint32_t i = 0; i < s.n_accs; i++)
		assert_int_equal(s.accs[i].place, i);
	slab_free(&s);
	return rc;
}

/* Then it forgets them, and needs no more memory for as many others. */
static int some_hosts(void)
{
	struct hosts h = {0};
	uint64_t n = 0;

	while (n < 3000 && hosts_get(&h, 7 * n))
		n++;
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(hosts_find(&h, 7 * i)->number, 7 * i);
	if (n == 3000) {
		left = 1;
		hosts_clear(&h);
		assert_null(hosts_find(&h, 7));
		for (uint64_t i = 0; i < 3000; i++)
			assert_int_equal(hosts_get(&h, 5 * i)->answers, 0);
	}
	hosts_free(&h);
	return n == 3000 ? 0 : -1;
}

static void what_was_there_stays(void **state)
{
	(void)state;
	runs_out(a_slab, false);
	runs_out(some_hosts, false);
}

/* --- words and files -------------------------------------------------------------------------- */

static int resolve(void *ctx, const char *name, struct addr *v, size_t max, struct err *e)
{
	(void)ctx;
	(void)max;
	if (strcmp(name, "gone.example") == 0) {
		err_set(e, "gone.example: no such name");
		return TARGET_UNKNOWN;
	}
	v[0] = addr_v4(198, 51, 100, 77);
	return 1;
}

static int piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run, uint16_t *path,
		 struct err *e)
{
	(void)ctx;
	(void)e;
	/* each /27 by a path of its own */
	*run = 32 - first->b[3] % 32;
	*run = *run < count ? *run : count;
	*path = 0;
	return 0;
}

static int a_space(void)
{
	static const char *const words[] = {"192.0.2.0/24", "192.0.2.128-192.0.2.255",
					    "198.51.100.7:81", "shop.example:443", "2001:db8::7"};
	struct target_help help = {.resolve = resolve};
	struct targets t, none;
	struct space s = {0};
	struct gates *g = NULL;
	struct ports *p = ports_parse("22,80-90", NULL, &why);
	int rc = p ? 0 : -1;

	targets_init(&t);
	targets_init(&none);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && rc == 0; i++)
		rc = targets_add(&t, words[i], &help, &why) == TARGET_OK ? 0 : -1;
	if (rc == 0)
		rc = targets_add(&none, "192.0.2.5", &help, &why) == TARGET_OK ? 0 : -1;
	if (rc == 0)
		rc = space_build(&s, &t, p, &none, &why);
	if (rc == 0) {
		rc = space_route(&s, piece, NULL, &why);
		if (rc == 0) {
			g = gates_new(&s, true, 0, &why);
			rc = g ? 0 : -1;
		}
		gates_free(g);
		space_free(&s);
	}
	targets_free(&none);
	targets_free(&t);
	ports_free(p);
	return rc;
}

static char *included(void *ctx, const char *path, struct err *e)
{
	static const char text[] = "group db 192.0.2.40-192.0.2.50\ndb: 5432 open warning\n";
	char *copy = malloc(sizeof(text));

	(void)ctx;
	(void)path;
	if (copy)
		memcpy(copy, text, sizeof(text));
	else
		err_set(e, "out of memory");
	return copy;
}

static void complain(void *ctx, const struct err *e)
{
	(void)ctx;
	why = *e;
}

static const char text_of_policy[] = "group web shop.example gone.example 192.0.2.7 2001:db8::7\n"
				     "include \"more/db.policy\"\n"
				     "web: 80,443 open within 100ms\n"
				     "web: 22 closed or blocked\n"
				     "web: else not-open\n"
				     "db: else silent\n"
				     "web: listen-rst on 443\n"
				     "web: style rst\n";

static const struct policy_help policy_help = {
    .targets = {.resolve = resolve},
    .read = included,
    .fail = complain,
};

static int a_policy(struct policy *p)
{
	policy_init(p);
	return policy_read(p, "p", text_of_policy, &policy_help) < 0
		   ? -1
		   : policy_settle(p, &policy_help);
}

static int only_a_policy(void)
{
	struct policy p;
	int rc = a_policy(&p);

	policy_free(&p);
	return rc < 0 ? -1 : 0;
}

static void words_and_files(void **state)
{
	(void)state;
	runs_out(a_space, true);
	runs_out(only_a_policy, true);
}

/* --- results ---------------------------------------------------------------------------------- */

static int one_result(struct changes *c, size_t side, unsigned odd)
{
	static const struct port_span spans[] = {{1, 100}, {443, 443}};
	struct changes_end end = {.complete = true};
	struct addr a, b;
	uint32_t host;
	char text[32];

	changes_begin(c, side, 0);
	if (changes_addr(c, "192.0.2.0", &a, &why) < 0 ||
	    changes_addr(c, "192.0.2.99", &b, &why) < 0 ||
	    changes_cover(c, side, &a, &b, spans, 2, &why) < 0)
		return -1;
	for (unsigned i = odd; i < 60; i += 1 + odd) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		if (changes_host(c, text, i % 3 ? NULL : "host.example", &host, &why) < 0 ||
		    changes_up(c, side, host, true, NULL, &why) < 0)
			return -1;
		for (uint16_t port = 1; port < 12; port = (uint16_t)(port + 2))
			if (changes_ports(c, side, host, (struct port_span){port, port},
					  port % 4 == 1 ? STATE_OPEN : STATE_CLOSED, "said-so",
					  &why) < 0)
				return -1;
	}
	return changes_end(c, side, &end, &why);
}

static int a_comparison(void)
{
	struct record_sink nobody = {0};
	struct diff_record sum = {0};
	struct changes *c = changes_new();
	int rc = -1;

	if (!c) {
		err_set(&why, "no memory");
		return -1;
	}
	if (one_result(c, SIDE_OLD, 0) == 0 && one_result(c, SIDE_NEW, 1) == 0)
		rc = changes_compare(c, UINT32_MAX, &nobody, &sum, &why) < 0 ? -1 : 0;
	changes_free(c);
	return rc;
}

static void drop_line(void *ctx, const char *line)
{
	(void)ctx;
	assert_non_null(line);
}

static int a_recording(void)
{
	struct policy_record_how how = {.today = 20000, .put = drop_line};
	struct policy_record *w = policy_record_new();
	struct record_sink sink;
	int rc;

	if (!w) {
		err_set(&why, "no memory");
		return -1;
	}
	sink = policy_record_sink(w);
	for (unsigned i = 0; i < 24; i++) {
		struct addr a = addr_v4(192, 0, 2, (uint8_t)(i / 2));
		struct host_record h = {.addr = &a, .name = "host.example", .up = true};

		/* each host in two pieces, as two windows of a sweep would tell it */
		sink.host_begin(sink.ctx, &h);
		for (uint16_t port = 0; port < 10; port++) {
			struct verdict v = {.state = port % 3 ? STATE_CLOSED : STATE_OPEN};
			struct port_record r = {.addr = &a, .verdict = &v};

			r.port = (uint16_t)(1 + 2 * port + i % 2);
			sink.port(sink.ctx, &h, &r);
		}
		if (sink.host_end)
			sink.host_end(sink.ctx, &h);
	}
	rc = policy_record_write(w, &how, &why);
	policy_record_free(w);
	return rc < 0 ? -1 : 0;
}

static void results(void **state)
{
	(void)state;
	runs_out(a_comparison, true);
	runs_out(a_recording, true);
}

/* --- runs ------------------------------------------------------------------------------------- */

enum { ANSWERS = 512, OCTETS = 40 };

/* A wire that owns no memory: even ports listen, odd ones are closed, at once. */
struct mirror {
	struct wire w; /* first */
	struct path path;
	uint64_t now_ns;
	uint8_t answer[ANSWERS][OCTETS];
	size_t n;
};

static void put_checksums(uint8_t *ip)
{
	struct addr src = addr_v4(ip[12], ip[13], ip[14], ip[15]);
	struct addr dst = addr_v4(ip[16], ip[17], ip[18], ip[19]);
	uint64_t sum = checksum_pseudo(&src, &dst, 6, 20);

	bytes_put_be16(ip + 10, checksum_finish(checksum_add(0, ip, 20)));
	bytes_put_be16(ip + 36, checksum_finish(checksum_add(sum, ip + 20, 20)));
}

static void reflect(struct mirror *m, const uint8_t *ip)
{
	uint8_t *to = m->answer[m->n];
	bool open = !(ip[23] & 1), ack = ip[33] & TCP_ACK;
	uint32_t seq;

	if (m->n == ANSWERS || ip[0] != 0x45 || ip[33] & TCP_RST)
		return;
	m->n++;
	seq = (uint32_t)ip[24] << 24 | (uint32_t)ip[25] << 16 | (uint32_t)ip[26] << 8 | ip[27];
	memset(to, 0, OCTETS);
	to[0] = 0x45;
	bytes_put_be16(to + 2, OCTETS);
	to[8] = 64;
	to[9] = 6;
	memcpy(to + 12, ip + 16, 4);
	memcpy(to + 16, ip + 12, 4);
	memcpy(to + 20, ip + 22, 2);
	memcpy(to + 22, ip + 20, 2);
	to[32] = 5 << 4;
	to[33] = ack ? TCP_RST : open ? TCP_SYN | TCP_ACK : TCP_RST | TCP_ACK;
	if (ack)
		memcpy(to + 24, ip + 28, 4);
	else
		bytes_put_be32(to + 28, seq + 1);
	put_checksums(to);
}

static size_t mirror_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			  _Atomic uint64_t *at_ns)
{
	struct mirror *m = (struct mirror *)w;

	(void)lane;
	*at_ns = m->now_ns;
	for (size_t i = 0; i < n; i++) {
		v[i].error = 0;
		reflect(m, v[i].ip);
	}
	m->now_ns += 1000;
	return n;
}

static int mirror_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		       struct err *e)
{
	struct mirror *m = (struct mirror *)w;
	int n = (int)m->n;

	(void)e;
	if (!n)
		m->now_ns = deadline_ns > m->now_ns ? deadline_ns : m->now_ns + 1000;
	for (size_t i = 0; i < m->n; i++) {
		struct wire_in in = {m->answer[i], OCTETS, OCTETS, LINKTYPE_RAW, 1, m->now_ns};

		fn(ctx, &in);
	}
	m->n = 0;
	return n;
}

static uint64_t mirror_now(struct wire *w)
{
	return ((struct mirror *)w)->now_ns;
}

static unsigned mirror_events(struct wire *w)
{
	(void)w;
	return 0;
}

static void mirror_stats(struct wire *w, struct wire_stats *out)
{
	(void)w;
	*out = (struct wire_stats){0};
}

static bool mirror_up(struct wire *w, uint16_t path, struct err *e)
{
	(void)w;
	(void)path;
	(void)e;
	return true;
}

static struct mirror mirror;

static struct wire *begin_wire(void)
{
	static const struct wire_ops ops = {.send = mirror_send,
					    .recv = mirror_recv,
					    .now = mirror_now,
					    .events = mirror_events,
					    .stats = mirror_stats,
					    .path_up = mirror_up};

	mirror = (struct mirror){.now_ns = 1000000000};
	mirror.path = (struct path){
	    .ifname = "veth0", .ifindex = 1, .src = addr_v4(192, 0, 2, 1), .mtu = 1500};
	mirror.w = (struct wire){.ops = &ops, .paths = &mirror.path, .n_paths = 1, .lanes = 1};
	return &mirror.w;
}

static int some_lanes(void)
{
	struct lanes *l = lanes_new(begin_wire(), 1, 60, &why);

	lanes_free(l);
	return l ? 0 : -1;
}

static struct {
	struct targets targets;
	struct ports *ports;
	struct space space;
	struct policy policy;
} given;

static void give(const char *target, const char *ports)
{
	static const struct target_help help;
	struct err e;

	targets_init(&given.targets);
	given.ports = ports_parse(ports, NULL, &e);
	assert_non_null(given.ports);
	if (target)
		assert_int_equal(targets_add(&given.targets, target, &help, &e), TARGET_OK);
	else
		assert_int_equal(audit_targets(&given.policy, 20000, &given.targets, &e), 0);
	assert_int_equal(space_build(&given.space, &given.targets, given.ports, NULL, &e), 0);
	assert_int_equal(space_route(&given.space, piece, NULL, &e), 0);
}

static void take_back(void)
{
	space_free(&given.space);
	ports_free(given.ports);
	targets_free(&given.targets);
}

static const struct sweep_config sweep_config = {
    .seed = 7, .sport_first = 40000, .retries = 1, .rto_max_ns = 1000000000, .want_closed = true};

/* A run that has begun ends by its summary: it says that it is not whole, and why. */
static int a_sweep(void)
{
	static const struct probe *kinds[2];
	struct sweep_config c = sweep_config;
	struct record_sink nobody = {0};
	struct summary_record sum = {0};

	kinds[0] = probe_find("syn");
	kinds[1] = probe_find("ack");
	c.space = &given.space;
	c.kinds = kinds;
	c.n_kinds = 2;
	if (sweep_run(&c, begin_wire(), &nobody, &sum, &why) < 0)
		return -1;
	if (sum.complete)
		return 0;
	/* what it had to forget was no less measured: that is one word for both its reasons */
	assert_non_null(strstr(sum.why, "room for"));
	err_set(&why, "no memory");
	return -1;
}

static int an_audit(void)
{
	struct audit_config c = {.policy = &given.policy,
				 .today = 20000,
				 .space = &given.space,
				 .retry_failed = 1,
				 .sweep = sweep_config};
	struct record_sink nobody = {0};
	struct summary_record sum = {0};
	struct audit_counts counts;

	if (audit_run(&c, begin_wire(), &nobody, &counts, &sum, &why) < 0)
		return -1;
	if (sum.complete)
		return 0;
	err_set(&why, "%s", sum.why);
	return -1;
}

static int a_walk(void)
{
	static struct trace_walk walks[TRACE_WALKS_MAX];
	struct walk_config c = {.dst = addr_v4(198, 51, 100, 7),
				.dport = 80,
				.sport_first = 40000,
				.probe = probe_find("syn"),
				.flows = 1,
				.first_ttl = 1,
				.max_ttl = 4};
	struct turns_config t = {.seed = 11};
	struct trace_facts facts = {.walks = walks};
	struct turns_stats stats;

	memset(walks, 0, sizeof(walks));
	return walk_run(&c, &t, begin_wire(), &facts, &stats, &why);
}

static void runs(void **state)
{
	(void)state;
	runs_out(some_lanes, true);
	runs_out(a_walk, true);
	give("198.51.100.0/28", "1-9");
	runs_out(a_sweep, true);
	take_back();
}

static void audits(void **state)
{
	static const char text[] = "group web 198.51.100.0/29\nweb: 80 open\nweb: 81-90 closed\n"
				   "web: else not-open\nweb: style rst\n";
	struct policy_help help = {.fail = complain};

	(void)state;
	policy_init(&given.policy);
	assert_int_equal(policy_read(&given.policy, "p", text, &help), 0);
	assert_int_equal(policy_settle(&given.policy, &help), 0);
	give(NULL, "80");
	runs_out(an_audit, true);
	take_back();
	policy_free(&given.policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_or_not_at_all),
	    cmocka_unit_test(what_was_there_stays),
	    cmocka_unit_test(words_and_files),
	    cmocka_unit_test(results),
	    cmocka_unit_test(runs),
	    cmocka_unit_test(audits),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
