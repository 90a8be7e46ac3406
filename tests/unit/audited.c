/* audited: see its header. */
#include "audited.h"

static const char *service_name(uint16_t port, char buf[32])
{
	(void)buf;
	return port == 22 ? "ssh" : port == 80 ? "http" : NULL;
}

static void measures(struct audited *a)
{
	a->is_open = (struct measure){.reason = "syn-ack",
				      .rtt_us = 412,
				      .state = STATE_OPEN,
				      .reaction = REACTION_SYN_ACK,
				      .ttl = 61,
				      .tries = 1,
				      .probings = 2,
				      .bits = MEASURE_CONFIRMED};
	a->is_closed = (struct measure){.reason = "rst-ack",
					.rtt_us = 52,
					.state = STATE_CLOSED,
					.reaction = REACTION_RST_ACK_OF_SEQ,
					.ttl = 64,
					.tries = 1,
					.probings = 1};
	a->is_silent = (struct measure){.reason = "no-response",
					.rtt_us = MEASURE_NO_RTT,
					.state = STATE_FILTERED,
					.tries = 3,
					.probings = 2,
					.bits = MEASURE_CONFIRMED};
	a->is_rejected = (struct measure){.reason = "icmp-admin-prohibited",
					  .rtt_us = 900,
					  .state = STATE_REJECTED,
					  .reaction = REACTION_ICMP_ADMIN,
					  .icmp_type = 3,
					  .icmp_code = 13,
					  .ttl = 64,
					  .tries = 1,
					  .probings = 2,
					  .bits = MEASURE_CONFIRMED};
	a->is_late = a->is_mute = a->is_two = a->is_open;
	a->is_late.rtt_us = 312400;
	a->is_mute.bits |= MEASURE_ASKED_STRAY | MEASURE_STRAY_CONFIRMED;
	a->is_mute.stray_tries = 3;
	a->is_mute.stray_probings = 2;
	a->is_two.bits = MEASURE_DIFFERS;
	a->is_two.other = STATE_CLOSED;
	a->is_unasked = (struct measure){
	    .reason = "not-probed", .state = STATE_NOT_PROBED, .rtt_us = MEASURE_NO_RTT};
}

static const char *const policies[] = {"web.policy", "db.policy"};

void audited_init(struct audited *a)
{
	*a = (struct audited){
	    .run = {.command = "audit",
		    .files = policies,
		    .n_files = 2,
		    .version = "0.1.0",
		    .started_wall_ns = AUDITED_TODAY * UINT64_C(86400) * 1000000000,
		    .service_name = service_name},
	    .gateway = addr_v4(192, 0, 2, 1),
	    .spans = {{20, 25}, {80, 80}, {1000, 1112}},
	    .within = {.within_ns = 200000000},
	    .listen_rst = {.kind = EXPECT_LISTEN_RST},
	    .style_rst = {.kind = EXPECT_STYLE},
	    .sum = {.complete = true, .elapsed_s = 0.81},
	};
	for (uint8_t i = 0; i < 6; i++)
		a->addr[i] = addr_v4(192, 0, 2, (uint8_t)(7 + i));
	assert_true(expect_add(&a->open, "open"));
	assert_true(expect_add(&a->closed, "closed") && expect_add(&a->closed, "blocked"));
	assert_true(expect_add(&a->within, "open"));
	assert_true(expect_add(&a->style_rst, "rst"));
	assert_true(expect_add(&a->not_open, "not-open"));
	measures(a);
	a->sum.audit = &a->counts;
	a->counts.lines = 9;
	a->counts.hosts = 6;
}

struct check_record *audited_add(struct audited *a, const struct expectation *x,
				 const struct measure *seen, enum check_outcome o)
{
	struct check_record *c = &a->v[a->n++];

	assert_true(a->n <= AUDITED_MAX);
	*c = (struct check_record){
	    .policy = "web.policy",
	    .line = (unsigned)a->n,
	    .group = "web",
	    .addr = &a->addr[0],
	    .port = 22,
	    .expect = x,
	    .outcome = o,
	    .seen = seen,
	    .level = LEVEL_WARNING,
	    .until_day = DAY_NEVER,
	};
	return c;
}

void audited_fill(struct audited *a)
{
	struct check_record *c;

	c = audited_add(a, &a->open, &a->is_rejected, CHECK_FAILED);
	c->addr = &a->addr[2];
	c->from = &a->gateway;
	c = audited_add(a, &a->closed, &a->is_open, CHECK_FAILED);
	c->name = "web1";
	c->level = LEVEL_CRITICAL;
	c->owner = "ops";
	audited_add(a, &a->closed, &a->is_closed, CHECK_PASSED)->addr = &a->addr[1];
	c = audited_add(a, &a->within, &a->is_late, CHECK_FAILED);
	c->port = 80;
	c->note = "shop, #1";
	c->until_day = AUDITED_TODAY + 9;
	audited_add(a, &a->listen_rst, &a->is_mute, CHECK_FAILED)->level = LEVEL_INFO;
	c = audited_add(a, &a->style_rst, NULL, CHECK_FAILED);
	c->port = 0;
	c->style = STYLE_SILENT;
	c = audited_add(a, &a->not_open, &a->is_open, CHECK_FAILED);
	c->port = 0;
	c->count = 120;
	c->spans = a->spans;
	c->n_spans = 3;
	c->rest = true;
	c = audited_add(a, &a->open, &a->is_two, CHECK_UNDECIDED);
	c->policy = "db.policy";
	c->group = "db";
	c = audited_add(a, &a->open, NULL, CHECK_UNDECIDED);
	c->policy = "db.policy";
	c->group = "db";
	c->addr = NULL;
	c->name = "db2.example.org";
	c->why = "no address for the name";
}

static void count(struct audited *a)
{
	a->counts.checks = 0;
	memset(a->counts.outcomes, 0, sizeof(a->counts.outcomes));
	memset(a->counts.failed, 0, sizeof(a->counts.failed));
	for (size_t i = 0; i < a->n; i++) {
		const struct check_record *c = &a->v[i];
		uint32_t n = c->count ? c->count : 1;

		a->counts.checks += n;
		a->counts.outcomes[c->outcome] += n;
		if (c->outcome == CHECK_FAILED)
			a->counts.failed[c->level] += n;
	}
}

void audited_pick(struct audited *a, const size_t *which, size_t n)
{
	audited_init(a);
	audited_fill(a);
	for (size_t i = 0; i < n; i++)
		a->v[i] = a->v[which[i]];
	a->n = n;
}

char *audited_write(struct audited *a, paper_new_fn *make, bool summed)
{
	const struct record_sink *sink;

	count(a);
	paper_open(&a->paper, make, &a->run, &a->style);
	sink = &a->paper.report->sink;
	for (size_t i = 0; i < a->n; i++)
		sink->check(sink->ctx, &a->v[i]);
	if (summed)
		sink->summary(sink->ctx, &a->sum);
	paper_end(&a->paper);
	return a->paper.text;
}

void audited_is(struct audited *a, paper_new_fn *make, bool summed, const char *want)
{
	char *got = audited_write(a, make, summed);

	/* longer than a message of cmocka's may be */
	if (strcmp(got, want) != 0)
		fprintf(stderr, "got:\n%s\nwant:\n%s\n", got, want);
	assert_true(strcmp(got, want) == 0);
	free(got);
}
