/*
 * space: laid intervals against a model that lists every (address, port), both directions, the
 * routing, what is refused, and that large inputs stay small.
 */
#include "unit.h"

#include "engine/space.h"

static uint64_t rnd = 88172645463325252;

static unsigned dice(unsigned n)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return (unsigned)((rnd >> 20) % n);
}

static uint32_t fake_zone(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "eth0") ? 0 : 2;
}

static int fake_resolve(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	(void)ctx;
	(void)max;
	(void)e;
	return addr_parse(strcmp(name, "web1") ? "10.0.0.9" : "10.0.0.5", out) ? -1 : 1;
}

static const struct target_help help = {.resolve = fake_resolve, .zone = fake_zone};

static void add_words(struct targets *t, const char *words)
{
	char word[TARGET_WORD];
	unsigned line = 1;
	struct err e = {""};

	targets_init(t);
	while (targets_next_word(&words, word, sizeof(word), &line))
		if (targets_add(t, word, &help, &e))
			fail_msg("%s", e.msg);
}

struct fixture {
	struct targets targets, exclude;
	struct ports *ports;
	struct space space;
	struct err e;
};

static int build(struct fixture *f, const char *words, const char *exclude, const char *ports)
{
	f->e.msg[0] = '\0';
	add_words(&f->targets, words);
	add_words(&f->exclude, exclude);
	f->ports = ports_parse(ports, NULL, NULL);
	assert_non_null(f->ports);
	return space_build(&f->space, &f->targets, f->ports, &f->exclude, &f->e);
}

static void drop(struct fixture *f)
{
	space_free(&f->space);
	targets_free(&f->targets);
	targets_free(&f->exclude);
	ports_free(f->ports);
}

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* --- the model: four short rows of addresses, every pair listed -------------------------- */

enum { ROWS = 4, PER_ROW = 24, PORTS = 70 };

struct model {
	bool asked[ROWS][PER_ROW][PORTS];
	uint32_t order[ROWS][PER_ROW];
	const char *name[ROWS][PER_ROW];
};

static struct addr row_addr(unsigned row, unsigned i)
{
	static const char *const first[ROWS] = {"10.255.255.244", "2001:db8::fff8", "fe80::1",
						"fe80::1"};
	struct addr a = addr_add(addr_of(first[row]), i);

	a.zone = row == 2 ? 2 : row == 3 ? 9 : 0;
	return a;
}

static void random_target(struct targets *t, struct model *m, const struct ports *dflt,
			  struct ports *const *own, bool exclude)
{
	static const char *const names[] = {"a", "b", "c"};
	unsigned row = dice(ROWS), lo = dice(PER_ROW), hi = lo;
	const struct ports *p = dice(2) ? own[dice(6)] : NULL;
	struct target *x = &t->v[t->n];

	if (dice(3))
		hi += dice(PER_ROW - lo);
	*x = (struct target){.first = row_addr(row, lo), .last = row_addr(row, hi), .ports = p};
	if (lo == hi && dice(2))
		x->name = names[dice(3)];
	for (unsigned i = lo; i <= hi; i++) {
		if (exclude) {
			memset(m->asked[row][i], 0, sizeof(m->asked[row][i]));
			continue;
		}
		if (m->order[row][i] == UINT32_MAX)
			m->order[row][i] = (uint32_t)t->n;
		if (!m->name[row][i])
			m->name[row][i] = x->name;
		for (uint32_t k = 0; k < ports_count(p ? p : dflt); k++)
			m->asked[row][i][ports_at(p ? p : dflt, k)] = true;
	}
	t->n++;
}

static void check_against(const struct space *s, const struct model *m)
{
	uint64_t index = 0, host = 0, got, got_host;

	for (unsigned row = 0; row < ROWS; row++) {
		for (unsigned i = 0; i < PER_ROW; i++) {
			struct addr a = row_addr(row, i), there;
			uint64_t before = index;

			for (uint16_t port = 0; port < PORTS; port++) {
				struct point pt;

				if (!m->asked[row][i][port]) {
					assert_false(space_find(s, &a, port, &got, NULL));
					continue;
				}
				assert_true(space_find(s, &a, port, &got, &got_host));
				assert_int_equal(got, index);
				assert_int_equal(got_host, host);
				assert_true(index < s->total);
				space_at(s, index, &pt);
				assert_true(addr_equal(&pt.addr, &a));
				assert_int_equal(pt.port, port);
				assert_int_equal(pt.host, host);
				assert_int_equal(pt.span->order, m->order[row][i]);
				assert_ptr_equal(pt.span->name, m->name[row][i]);
				index++;
			}
			if (index == before)
				continue;
			assert_int_equal(space_host_index(s, host), before);
			there = space_host_addr(s, host++);
			assert_true(addr_equal(&there, &a));
		}
	}
	assert_int_equal(index, s->total);
	assert_int_equal(host, s->hosts);
}

/* A path for every 5 addresses, told in pieces no longer than 7; every third has no route. */
static uint16_t path_of(const struct addr *a)
{
	unsigned n = a->b[a->family == ADDR_V4 ? 3 : 15] / 5;

	return n % 3 ? (uint16_t)(n % 2 + a->zone) : 0xffff;
}

static int fake_piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run,
		      uint16_t *path, struct err *e)
{
	unsigned *fail_at = ctx;

	if (*fail_at && !--*fail_at)
		return err_set(e, "netlink: gone");
	*path = path_of(first);
	for (*run = 1; *run < count && *run < 7; ++*run) {
		struct addr next = addr_add(*first, *run);

		if (path_of(&next) != *path)
			break;
	}
	return 0;
}

static void check_routes(const struct space *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct span *x = &s->spans[i], *y = x + 1;

		for (uint64_t k = 0; k < x->count; k++) {
			struct addr a = addr_add(x->first, k);

			assert_int_equal(x->path, path_of(&a));
		}
		if (i + 1 == s->n || x->path != y->path || x->ports != y->ports ||
		    x->order != y->order || x->name || y->name || x->first.zone != y->first.zone ||
		    x->first.family != y->first.family)
			continue;
		assert_true(addr_diff(&x->first, &y->first) > x->count);
	}
}

static void one_round(const struct ports *dflt, struct ports *const *own)
{
	static struct model m;
	struct target v[12], out[4];
	struct targets t = {.v = v}, exclude = {.v = out};
	unsigned n = 1 + dice(12), n_out = dice(5), fail_at = 1 + dice(4);
	struct space s;
	struct err e = {""};

	memset(&m, 0, sizeof(m));
	memset(m.order, 0xff, sizeof(m.order));
	while (n--)
		random_target(&t, &m, dflt, own, false);
	while (n_out--)
		random_target(&exclude, &m, dflt, own, true);
	if (space_build(&s, &t, dflt, &exclude, &e) < 0) {
		assert_string_equal(e.msg, "no targets left: every one of them is excluded");
		check_against(&s, &m);
		return;
	}
	check_against(&s, &m);
	if (space_route(&s, fake_piece, &fail_at, &e) < 0) {
		assert_string_equal(e.msg, "netlink: gone");
		check_against(&s, &m);
		fail_at = 0;
		assert_int_equal(space_route(&s, fake_piece, &fail_at, &e), 0);
	}
	check_against(&s, &m);
	check_routes(&s);
	space_free(&s);
}

static void random_intervals_agree_with_the_model(void **state)
{
	static const char *const lists[] = {"22", "60,22", "1-69", "0-63", "64", "5,6,7,8,9-30"};
	struct ports *own[6], *dflt = ports_parse("3,4", NULL, NULL);

	(void)state;
	for (size_t i = 0; i < 6; i++)
		own[i] = ports_parse(lists[i], NULL, NULL);
	for (unsigned round = 0; round < 1500; round++)
		one_round(dflt, own);
	for (size_t i = 0; i < 6; i++)
		ports_free(own[i]);
	ports_free(dflt);
}

/* --- by hand ------------------------------------------------------------------------------- */

static void a_name_inside_a_block_keeps_its_name(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(build(&f, "10.0.0.0/28 web1 web1:8080", "10.0.0.15", "22,80"), 0);
	assert_int_equal(f.space.n, 3);
	assert_int_equal(f.space.hosts, 15);
	assert_int_equal(f.space.total, 14 * 2 + 3);
	assert_string_equal(f.space.spans[1].name, "web1");
	assert_int_equal(f.space.spans[1].count, 1);
	assert_int_equal(ports_count(f.space.spans[1].ports), 3);
	assert_null(f.space.spans[0].name);
	assert_ptr_equal(f.space.spans[0].ports, f.ports);
	drop(&f);
}

static void a_captured_address_has_no_zone(void **state)
{
	struct addr bare = addr_of("fe80::1"), other = bare;
	uint64_t index, host;
	struct point pt;
	struct fixture f;

	(void)state;
	assert_int_equal(build(&f, "[fe80::1%5]:22 [fe80::1%eth0]:80,443 [fe80::1%7]:22", "", "1"),
			 0);
	assert_true(space_find(&f.space, &bare, 22, &index, &host));
	space_at(&f.space, index, &pt);
	assert_int_equal(pt.addr.zone, 5); /* the first of two */
	assert_int_equal(pt.host, host);
	assert_true(space_find(&f.space, &bare, 443, &index, NULL));
	space_at(&f.space, index, &pt);
	assert_int_equal(pt.addr.zone, 2);
	other.zone = 7;
	assert_true(space_find(&f.space, &other, 22, &index, NULL));
	space_at(&f.space, index, &pt);
	assert_int_equal(pt.addr.zone, 7);
	other.zone = 6;
	assert_false(space_find(&f.space, &other, 22, &index, NULL));
	drop(&f);
}

static void refuse(const char *words, const char *exclude, const char *want)
{
	struct fixture f;

	assert_int_equal(build(&f, words, exclude, "22"), -1);
	if (strcmp(f.e.msg, want))
		fail_msg("got \"%s\", want \"%s\"", f.e.msg, want);
	assert_int_equal(f.space.n, 0);
	drop(&f);
}

static void what_is_never_probed_is_refused_by_name(void **state)
{
	(void)state;
	refuse("10.0.0.1 224.0.0.5", "", "224.0.0.5: multicast addresses are never probed");
	refuse("239.1.0.0/24", "", "239.1.0.0/24: multicast addresses are never probed");
	refuse("ff02::1%eth0", "", "ff02::1%2: multicast addresses are never probed");
	refuse("255.255.255.255", "", "255.255.255.255: broadcast addresses are never probed");
	refuse("0.0.0.0", "", "0.0.0.0: unspecified addresses are never probed");
	refuse("::", "", "::: unspecified addresses are never probed");
	refuse("0.0.0.0/0", "",
	       "0.0.0.0/0: holds unspecified addresses, which are never probed: add --exclude "
	       "0.0.0.0/8");
	refuse("200.0.0.1-230.0.0.1", "",
	       "200.0.0.1-230.0.0.1: holds multicast addresses, which are never probed: add "
	       "--exclude 224.0.0.0/4");
	refuse("::/120", "",
	       "::/120: holds unspecified addresses, which are never probed: add --exclude ::");
}

static void nothing_left_is_refused(void **state)
{
	(void)state;
	refuse("", "", "no targets: name an address, a range, a block or a host");
	refuse("10.0.0.1 10.0.0.2", "10.0.0.0/8", "no targets left: every one of them is excluded");
}

static void the_whole_internet_but_what_is_never_probed(void **state)
{
	struct fixture f;
	struct addr last = addr_of("255.255.255.254"), beyond = addr_of("255.255.255.255");
	uint64_t index;

	(void)state;
	assert_int_equal(build(&f, "0.0.0.0/0", "0.0.0.0/8,224.0.0.0/4,255.255.255.255", "-"), 0);
	assert_int_equal(f.space.n, 2);
	assert_int_equal(f.space.hosts, 4294967296 - 16777216 - 268435456 - 1);
	assert_int_equal(f.space.total, f.space.hosts * 65535);
	assert_true(space_find(&f.space, &last, 65535, &index, NULL));
	assert_int_equal(index, f.space.total - 1);
	assert_false(space_find(&f.space, &beyond, 65535, &index, NULL));
	drop(&f);
}

static void too_many_pairs_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(build(&f, "2001:db8::/96 2001:db8:1::/96", "", "-"), -1);
	assert_string_equal(f.e.msg,
			    "more than 2^48 pairs of target and port: name fewer of either");
	drop(&f);
}

static void public_addresses_are_counted(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(build(&f,
			       "10.0.0.0/8 9.255.255.250-10.0.0.3 8.8.8.8 2001:db8::/112 "
			       "2a00::/111 2a00:1::5",
			       "", "1"),
			 0);
	assert_int_equal(space_public(&f.space), 6 + 1 + 131072 + 1);
	drop(&f);
}

/* A file of 300,000 lines: one span each, no more, whatever lies over it. */
static void many_single_addresses_stay_small(void **state)
{
	enum { N = 300000 };
	struct target *v = calloc(N + 1, sizeof(*v));
	struct targets t = {.v = v, .n = N};
	struct ports *ports = ports_default();
	struct space s;
	uint64_t index;

	(void)state;
	assert_non_null(v);
	for (uint32_t i = 0; i < N; i++) /* all different: 7919 is coprime to N */
		v[i].first = v[i].last = addr_add(addr_v4(10, 0, 0, 0), i * 7919ULL % N * 3);
	assert_int_equal(space_build(&s, &t, ports, NULL, NULL), 0);
	assert_int_equal(s.n, N);
	for (uint32_t i = 0; i < N; i += 997) {
		assert_true(space_find(&s, &v[i].first, 443, &index, NULL));
		assert_int_equal(space_span_of_host(&s, index / ports_count(ports))->order, i);
	}
	space_free(&s);
	/* The block named first owns every address: one span. Named last: what is between, too. */
	memmove(v + 1, v, N * sizeof(*v));
	v[0] = (struct target){.first = addr_v4(10, 0, 0, 0), .last = addr_v4(10, 255, 255, 255)};
	t.n = N + 1;
	assert_int_equal(space_build(&s, &t, ports, NULL, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.hosts, 1 << 24);
	space_free(&s);
	v[N] = v[0];
	v[0] = v[1];
	assert_int_equal(space_build(&s, &t, ports, NULL, NULL), 0);
	assert_true(s.n <= 2 * N + 1);
	assert_int_equal(s.hosts, 1 << 24);
	space_free(&s);
	ports_free(ports);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_intervals_agree_with_the_model),
	    cmocka_unit_test(a_name_inside_a_block_keeps_its_name),
	    cmocka_unit_test(a_captured_address_has_no_zone),
	    cmocka_unit_test(what_is_never_probed_is_refused_by_name),
	    cmocka_unit_test(nothing_left_is_refused),
	    cmocka_unit_test(the_whole_internet_but_what_is_never_probed),
	    cmocka_unit_test(too_many_pairs_are_refused),
	    cmocka_unit_test(public_addresses_are_counted),
	    cmocka_unit_test(many_single_addresses_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
