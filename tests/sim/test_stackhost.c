/* test_stackhost: the fake hosts answer as they are described, before anything is judged by them;
 * and the local kernel of the scripted peer is a TCP of its own. */
#include "unit/unit.h"

#include "fake/stackfile.h"
#include "fake/stackhost.h"
#include "sim/kernel.h"
#include "sim/peer.h"

enum { SEQ = 1000000, ACK = 77000000, MS = 1000000, CLIENT = 40000 };
#define SECOND (1000 * (uint64_t)MS)

struct bench {
	struct stackfile *file;
	struct stackhost *host;
	struct craft *craft;
	bool six;
	uint64_t now;
	uint16_t sport;
	struct stackhost_out out[FAKE_OUT];
	size_t n;
	struct segment sent;
	/* of a connection: what we send next, and what it does */
	uint32_t nxt, peer_nxt, tsval;
};

static void bench_begin(struct bench *b, const char *variant)
{
	struct stackhost_config c = {.open = {80}, .n_open = 1, .seed = 5};
	struct fake_variant v;
	char path[512];
	struct err e = {0};

	memset(b, 0, sizeof(*b));
	snprintf(path, sizeof(path), "%s/tests/fake/stacks.conf",
		 getenv("srcdir") ? getenv("srcdir") : "..");
	b->file = stackfile_read(path, &e);
	if (!b->file)
		fail_msg("%s", e.msg);
	if (stackfile_variant(b->file, variant, &v) < 0)
		fail_msg("no such variant: %s", variant);
	b->six = v.family == ADDR_V6;
	c.stack = v.stack;
	c.env = v.env;
	c.addr = b->six ? (struct addr){ADDR_V6, {0x20, 1, 0xd, 0xb8, [15] = 7}, 0}
			: addr_v4(192, 0, 2, 7);
	b->host = stackhost_new(&c);
	b->craft = craft_new(NULL);
	b->now = 5 * SECOND;
	b->sport = CLIENT;
	assert_non_null(b->host);
	assert_non_null(b->craft);
}

static void bench_end(struct bench *b)
{
	stackhost_free(b->host);
	craft_free(b->craft);
	stackfile_free(b->file);
}

static void put(struct bench *b, const struct segment *s)
{
	uint8_t bytes[200];
	struct packet p;
	int len = craft_build(b->craft, s, bytes, sizeof(bytes), NULL);

	assert_true(len > 0);
	assert_int_equal(decode_frame(bytes, (size_t)len, (size_t)len, LINKTYPE_RAW, &p),
			 DECODE_OK);
	b->sent = *s;
	b->n = stackhost_take(b->host, &p, b->now, b->out);
}

static void ask(struct bench *b, uint16_t port, uint16_t flags, uint32_t seq, uint32_t ack,
		uint32_t len)
{
	static const uint8_t data[] = "12345678";
	struct segment s = {
	    .src = b->six ? (struct addr){ADDR_V6, {0x20, 1, 0xd, 0xb8, [15] = 1}, 0}
			  : addr_v4(192, 0, 2, 1),
	    .dst = b->six ? (struct addr){ADDR_V6, {0x20, 1, 0xd, 0xb8, [15] = 7}, 0}
			  : addr_v4(192, 0, 2, 7),
	    .sport = b->sport,
	    .dport = port,
	    .seq = seq,
	    .ack = ack,
	    .flags = flags,
	    .win = 1021,
	    .ttl = 64,
	    .payload = len ? data : NULL,
	    .payload_len = len,
	};

	if (flags == TCP_SYN)
		s.options_len =
		    (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, 1460, ++b->tsval, s.options);
	put(b, &s);
}

/* The answer in the words of stacks.conf. */
static const char *said(const struct bench *b, char buf[32])
{
	const struct segment *s = &b->out[0].seg, *in = &b->sent;
	uint32_t n = in->seq + segment_len(in);
	const char *seq, *ack;

	if (!b->n)
		return ".";
	if (b->out[0].icmp)
		return "ICMP";
	if (!(s->flags & TCP_RST))
		return s->flags & TCP_SYN ? "SA" : s->flags & TCP_FIN ? "F" : "A";
	seq = s->seq == 0 ? "0" : s->seq == in->ack ? "a" : s->seq == in->ack + 1 ? "a+1" : "?";
	ack = s->ack == 0	  ? "0"
	      : s->ack == in->ack ? "a"
	      : s->ack == n	  ? "n"
	      : s->ack == n - 1	  ? "n-"
				  : "?";
	snprintf(buf, 32, "%s,%s,%s", s->flags & TCP_ACK ? "RA" : "R", seq, ack);
	return buf;
}

static void expect(struct bench *b, const char *where, const char *want)
{
	char buf[32];
	const char *got = said(b, buf);

	if (strcmp(got, want))
		fail_msg("%s: %s, not %s", where, got, want);
}

/* --- LISTEN and CLOSED, as they were measured ------------------------------------------------- */

static const struct {
	uint16_t flags;
	uint32_t len;
} strays[] = {
    {TCP_ACK, 0},
    {TCP_ACK | TCP_PSH, 8},
    {TCP_SYN | TCP_ACK, 0},
    {TCP_FIN | TCP_ACK, 0},
    {0, 0},
    {TCP_FIN, 0},
    {TCP_FIN | TCP_PSH | TCP_URG, 0},
    {TCP_SYN | TCP_FIN, 0},
    {TCP_RST, 0},
    {TCP_RST | TCP_ACK, 0},
    {TCP_SYN, 0},
    {TCP_SYN, 8},
};
enum { STRAYS = sizeof(strays) / sizeof(strays[0]) };

static const struct {
	const char *variant;
	uint16_t port;
	const char *answers[STRAYS];
} tables[] = {
    {"linux6/none",
     80,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/none",
     81,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", ".", ".",
      "RA,0,n", "RA,0,n"}},
    {"lwip21/none",
     80,
     {"RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n", ".", ".", ".", "SA", ".", ".", "SA", "SA"}},
    {"lwip21/none/v6",
     81,
     {"RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n", "RA,a,n-", ".", ".",
      "RA,a,n", "RA,a,n"}},
    {"lwipv6/none",
     80,
     {"RA,a+1,n", "RA,a+1,n", "RA,a+1,n", "RA,a+1,n", ".", ".", ".", "SA", ".", "RA,a+1,n", "SA",
      "SA"}},
    {"gvisor/none",
     80,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", ".", ".", ".", "SA", ".", ".", "SA", "SA"}},
    {"slirp/none",
     80,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", "RA,0,n-", "RA,0,n-", "RA,0,n-", "RA,0,n",
      "R,a,0", "SA", "SA"}},
    {"pasta/none", 80, {".", ".", ".", ".", ".", ".", ".", "SA", ".", ".", "SA", "SA"}},
    {"windows-10/none",
     80,
     {"R,a,a", "R,a,a", "R,a,a", "R,a,a", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", ".", ".", "SA",
      "SA"}},
    {"windows-xp/none/v6",
     80,
     {"R,a,a", "R,a,a", "R,a,a", "R,a,a", "RA,0,n", "RA,0,n", "RA,0,n", "SA", ".", ".", "SA",
      "SA"}},
    {"macos/none",
     81,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", "RA,0,n-", "RA,0,n-", "RA,0,n-", ".", ".",
      "RA,0,n", "RA,0,n"}},
    {"solaris/none",
     81,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", ".", ".", "RA,0,n", ".", ".", "RA,0,n",
      "RA,0,n"}},
    /* the environments of the lab, the listener on 80 */
    {"linux6/policy-drop",
     80,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/policy-drop", 81, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."}},
    {"windows-10/stealth", 81, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."}},
    {"linux6/strict", 80, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/loose", 80, {"R,a,0", "R,a,0", ".", ".", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/loose", 81, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."}},
    {"windows-10/reject-router",
     81,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", ".", ".",
      "RA,0,n", "RA,0,n"}},
    {"linux6/reject-icmp",
     81,
     {"ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP", "ICMP",
      "ICMP"}},
    {"linux6/synproxy", 81, {".", ".", "SA", ".", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/tarpit", 81, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
    {"linux6/all-silent", 80, {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."}},
    {"linux6/syn-ack-all",
     81,
     {"SA", "SA", "SA", "SA", "SA", "SA", "SA", "SA", ".", ".", "SA", "SA"}},
    {"linux6/no-open",
     80,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", ".", ".",
      "RA,0,n", "RA,0,n"}},
    {"linux6/no-closed",
     81,
     {"R,a,0", "R,a,0", "R,a,0", "R,a,0", ".", ".", ".", ".", ".", ".", "SA", "SA"}},
};

static void test_strays(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		struct bench b;

		bench_begin(&b, tables[t].variant);
		for (size_t i = 0; i < STRAYS; i++) {
			char where[96];

			snprintf(where, sizeof(where), "%s, port %u, flags %02x, %u octets",
				 tables[t].variant, tables[t].port, strays[i].flags, strays[i].len);
			b.sport++;
			ask(&b, tables[t].port, strays[i].flags, SEQ, ACK, strays[i].len);
			expect(&b, where, tables[t].answers[i]);
		}
		bench_end(&b);
	}
}

static void test_shapes(void **state)
{
	struct bench b;
	struct tcp_options o;

	(void)state;
	bench_begin(&b, "linux6/hops-9");
	ask(&b, 80, TCP_SYN, SEQ, ACK, 0);
	options_parse(b.out[0].seg.options, b.out[0].seg.options_len, &o);
	assert_string_equal(o.layout, "MSTNW");
	assert_int_equal(o.tsecr, b.tsval);
	assert_int_equal(b.out[0].seg.ttl, 55);
	assert_int_equal(b.out[0].seg.ip_id, 0);
	assert_true(b.out[0].seg.df);
	assert_int_equal(b.out[0].seg.win, 65160);
	bench_end(&b);

	bench_begin(&b, "windows-xp/none");
	ask(&b, 80, TCP_SYN, SEQ, ACK, 0);
	options_parse(b.out[0].seg.options, b.out[0].seg.options_len, &o);
	assert_string_equal(o.layout, "MNWNNTNNS");
	assert_int_not_equal(b.out[0].seg.ip_id, 0);
	assert_true(b.out[0].seg.df);
	ask(&b, 81, TCP_SYN, SEQ, ACK, 0);
	assert_false(b.out[0].seg.df);
	assert_int_equal(b.out[0].seg.ttl, 128);
	bench_end(&b);

	bench_begin(&b, "macos/none/v6");
	ask(&b, 80, TCP_SYN, SEQ, ACK, 0);
	options_parse(b.out[0].seg.options, b.out[0].seg.options_len, &o);
	assert_int_equal(o.mss, 1440);
	assert_false(b.out[0].seg.df);
	bench_end(&b);

	bench_begin(&b, "embedded-echo/ttl-64");
	ask(&b, 81, TCP_SYN, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.win, 1021);
	bench_end(&b);

	bench_begin(&b, "slirp/none");
	ask(&b, 81, TCP_SYN, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.ttl, 64);
	ask(&b, 81, TCP_ACK, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.ttl, 255);
	bench_end(&b);

	bench_begin(&b, "hpux/none");
	ask(&b, 81, TCP_SYN, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.payload_len, 6);
	bench_end(&b);
}

static void test_reject_distance(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/reject-router");
	ask(&b, 80, TCP_SYN, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.ttl, 62);
	ask(&b, 81, TCP_SYN, SEQ, ACK, 0);
	assert_int_equal(b.out[0].seg.ttl, 63);
	bench_end(&b);
}

/* --- connections, as they were measured ------------------------------------------------------- */

static void handshake(struct bench *b)
{
	b->sport++;
	b->nxt = SEQ + 1;
	ask(b, 80, TCP_SYN, SEQ, 0, 0);
	expect(b, "SYN", "SA");
	b->peer_nxt = b->out[0].seg.seq + 1;
}

static void connect_to(struct bench *b)
{
	handshake(b);
	ask(b, 80, TCP_ACK, b->nxt, b->peer_nxt, 0);
	assert_int_equal(b->n, 0);
}

static void is_alive(struct bench *b, const char *where, bool alive)
{
	char buf[32];

	ask(b, 80, TCP_ACK, b->nxt - 1, b->peer_nxt, 1);
	if ((said(b, buf)[0] == 'A') != alive)
		fail_msg("%s: %s", where, alive ? "dead" : "alive");
}

static const char *const conn_stacks[] = {"linux6", "linux61", "lwip21", "lwipv6",
					  "gvisor", "slirp",   "pasta"};
enum { CONN_STACKS = sizeof(conn_stacks) / sizeof(conn_stacks[0]) };

/* The columns are conn_stacks; a '+' behind: alive, '-': gone. */
static const struct {
	const char *what;
	bool received; /* SYN-RECEIVED, else ESTABLISHED */
	uint16_t flags;
	int32_t seq, ack; /* against the numbers of the connection */
	uint32_t len;
	const char *answers[CONN_STACKS];
} conn_tables[] = {
    {"SYN-RECEIVED, ACK of unsent",
     true,
     TCP_ACK,
     0,
     100000,
     0,
     {"R,a,0+", "R,a,0+", "RA,a,n+", "RA,a,n+", "R,a,0+", "R,a,0+", ".+"}},
    {"SYN-RECEIVED, RST in window",
     true,
     TCP_RST,
     1,
     0,
     0,
     {"A+", ".-", "A+", ".-", ".-", ".-", "A+"}},
    {"SYN-RECEIVED, SYN in window",
     true,
     TCP_SYN,
     1,
     0,
     0,
     {"RA,0,n-", "RA,0,n-", ".+", ".+", "RA,0,n-", "RA,0,n-", "R,?,n-"}},
    {"RST exact", false, TCP_RST, 0, 0, 0, {".-", ".-", ".-", ".-", ".-", ".-", ".-"}},
    {"RST in window", false, TCP_RST, 1, 0, 0, {"A+", "A+", "A+", ".-", ".-", ".-", "A+"}},
    {"RST outside", false, TCP_RST, 3 << 29, 0, 0, {".+", ".+", ".+", ".+", ".+", ".+", ".+"}},
    {"SYN in window", false, TCP_SYN, 1, 0, 0, {"A+", "A+", "A+", "A+", "A+", "RA,0,n-", "A+"}},
    {"data without ACK", false, 0, 0, 0, 8, {".+", ".+", "A+", "A+", ".+", ".+", "A+"}},
    {"FIN without ACK", false, TCP_FIN, 0, 0, 0, {".+", ".+", "A+", "A+", ".+", ".+", "A+"}},
    {"ACK of unsent", false, TCP_ACK, 0, 100000, 0, {"A+", ".+", "A+", "A+", ".+", ".+", ".+"}},
    {"data, old ACK", false, TCP_ACK, 0, -(1 << 30), 8, {"A+", "A+", "A+", "A+", "A+", "A+", "A+"}},
};

static void one_connection(const char *stack, size_t row)
{
	const char *want = conn_tables[row].answers[0];
	struct bench b;
	char where[96], variant[48], answer[32];

	for (size_t i = 0; i < CONN_STACKS; i++)
		if (!strcmp(conn_stacks[i], stack))
			want = conn_tables[row].answers[i];
	snprintf(variant, sizeof(variant), "%s/none", stack);
	snprintf(where, sizeof(where), "%s, %s", stack, conn_tables[row].what);
	snprintf(answer, sizeof(answer), "%.*s", (int)strlen(want) - 1, want);
	bench_begin(&b, variant);
	if (conn_tables[row].received)
		handshake(&b);
	else
		connect_to(&b);
	ask(&b, 80, conn_tables[row].flags, b.nxt + (uint32_t)conn_tables[row].seq,
	    b.peer_nxt + (uint32_t)conn_tables[row].ack, conn_tables[row].len);
	expect(&b, where, answer);
	b.now += 700 * (uint64_t)MS;
	if (strcmp(stack, "pasta") || want[strlen(want) - 1] == '+')
		is_alive(&b, where, want[strlen(want) - 1] == '+');
	bench_end(&b);
}

static void test_connections(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof(conn_tables) / sizeof(conn_tables[0]); row++)
		for (size_t i = 0; i < CONN_STACKS; i++)
			one_connection(conn_stacks[i], row);
}

static void test_data_is_taken_or_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "lwip21/none");
	connect_to(&b);
	ask(&b, 80, 0, b.nxt, b.peer_nxt, 8);
	assert_int_equal(b.out[0].seg.ack, b.nxt + 8);
	bench_end(&b);

	bench_begin(&b, "linux6/none");
	connect_to(&b);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt - (1U << 30), 8);
	assert_int_equal(b.out[0].seg.ack, b.nxt);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 8);
	assert_int_equal(b.out[0].seg.ack, b.nxt + 8);
	bench_end(&b);
}

static void test_challenge_limit(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/none");
	connect_to(&b);
	ask(&b, 80, TCP_RST, b.nxt + 1, 0, 0);
	expect(&b, "first", "A");
	b.now += 400 * (uint64_t)MS;
	ask(&b, 80, TCP_RST, b.nxt + 1, 0, 0);
	expect(&b, "within 500 ms", ".");
	b.now += 200 * (uint64_t)MS;
	ask(&b, 80, TCP_RST, b.nxt + 1, 0, 0);
	expect(&b, "after 500 ms", "A");
	bench_end(&b);
}

/* --- time and services ------------------------------------------------------------------------ */

static void pass_until(struct bench *b, uint64_t at)
{
	b->n = 0;
	assert_true(stackhost_wake(b->host) <= at);
	b->now = stackhost_wake(b->host);
	b->n = stackhost_tick(b->host, b->now, b->out);
}

static void test_syn_ack_again(void **state)
{
	struct bench b;
	uint32_t iss;

	(void)state;
	bench_begin(&b, "linux6/none");
	handshake(&b);
	iss = b.out[0].seg.seq;
	pass_until(&b, b.now + SECOND);
	expect(&b, "after a second", "SA");
	assert_int_equal(b.out[0].seg.seq, iss);
	pass_until(&b, b.now + 2 * SECOND);
	expect(&b, "two later", "SA");
	while (stackhost_wake(b.host) != UINT64_MAX)
		pass_until(&b, UINT64_MAX);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 0);
	expect(&b, "forgotten", "R,a,0");
	bench_end(&b);
}

static void test_service_closes(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/closes");
	connect_to(&b);
	pass_until(&b, b.now + 50 * (uint64_t)MS);
	expect(&b, "the service", "F");
	b.peer_nxt++;
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 0);
	is_alive(&b, "FIN-WAIT-2", true);
	ask(&b, 80, TCP_FIN | TCP_ACK, b.nxt, b.peer_nxt, 0);
	expect(&b, "our FIN", "A");
	b.nxt++;
	is_alive(&b, "TIME-WAIT", true);
	ask(&b, 80, TCP_SYN, b.nxt + 70000, 0, 0);
	expect(&b, "a new SYN in TIME-WAIT", "SA");
	bench_end(&b);
}

static void test_close_wait(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/none/v6");
	connect_to(&b);
	ask(&b, 80, TCP_FIN | TCP_ACK, b.nxt, b.peer_nxt, 0);
	expect(&b, "FIN", "A");
	b.nxt++;
	is_alive(&b, "CLOSE-WAIT", true);
	ask(&b, 80, TCP_RST, b.nxt, 0, 0);
	is_alive(&b, "CLOSE-WAIT, RST", false);
	bench_end(&b);

	bench_begin(&b, "linux6/follows");
	connect_to(&b);
	ask(&b, 80, TCP_FIN | TCP_ACK, b.nxt, b.peer_nxt, 0);
	b.nxt++;
	pass_until(&b, b.now + 50 * (uint64_t)MS);
	expect(&b, "LAST-ACK", "F");
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt + 1, 0);
	is_alive(&b, "after LAST-ACK", false);
	bench_end(&b);
}

static void test_banner(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/banner");
	handshake(&b);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 0);
	assert_int_equal(b.out[0].seg.payload_len, 11);
	pass_until(&b, b.now + SECOND);
	assert_int_equal(b.out[0].seg.payload_len, 11);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt + 11, 0);
	assert_int_equal(stackhost_wake(b.host), UINT64_MAX);
	bench_end(&b);
}

/* A TSval from ahead makes what comes after it old (RFC 7323, 5.3). */
static void test_paws(void **state)
{
	struct bench b;
	struct segment s;

	(void)state;
	bench_begin(&b, "linux6/none");
	b.tsval = 1000;
	connect_to(&b);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 0);
	s = b.sent;
	s.options_len = 12;
	memcpy(s.options, (const uint8_t[]){1, 1, 8, 10, 0, 1, 0, 0, 0, 0, 0, 0}, 12);
	put(&b, &s);
	s.options[5] = 0;
	s.options[6] = 4;
	s.payload = (const uint8_t *)"late";
	s.payload_len = 4;
	put(&b, &s);
	expect(&b, "behind", "A");
	assert_int_equal(b.out[0].seg.ack, b.nxt);
	bench_end(&b);
}

/* --- environments ----------------------------------------------------------------------------- */

static unsigned answers_to_acks(struct bench *b, unsigned n, uint64_t gap_ns)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++) {
		b->sport++;
		b->now += gap_ns;
		ask(b, 81, TCP_ACK, SEQ, ACK, 0);
		got += (unsigned)b->n;
	}
	return got;
}

static void test_limit_loss_and_death(void **state)
{
	struct bench b;
	unsigned got;

	(void)state;
	bench_begin(&b, "freebsd/rst-limit-10");
	assert_in_range(answers_to_acks(&b, 200, 10 * MS), 20, 30);
	assert_int_equal(answers_to_acks(&b, 20, 200 * MS), 20);
	bench_end(&b);

	bench_begin(&b, "freebsd/loss-10");
	got = answers_to_acks(&b, 1000, 10 * MS);
	assert_in_range(got, 770, 850);
	bench_end(&b);
	bench_begin(&b, "freebsd/loss-10");
	assert_int_equal(answers_to_acks(&b, 1000, 10 * MS), got);
	bench_end(&b);

	bench_begin(&b, "freebsd/dies-12");
	assert_int_equal(answers_to_acks(&b, 100, 10 * MS), 12);
	bench_end(&b);
}

/* A tracker passes what belongs to a connection, and not what is invalid in it. */
static void test_tracked_connection(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/strict");
	connect_to(&b);
	is_alive(&b, "strict", true);
	ask(&b, 80, TCP_RST, b.nxt + 1, 0, 0);
	expect(&b, "RST in window", "A");
	ask(&b, 80, 0, b.nxt, b.peer_nxt, 8);
	expect(&b, "data without ACK", ".");
	ask(&b, 80, TCP_RST, b.nxt, 0, 0);
	is_alive(&b, "RST", false);
	expect(&b, "the tracker remembers, and the host resets", "R,a,0");
	bench_end(&b);
}

static void test_synproxy_connects(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b, "linux6/synproxy");
	handshake(&b);
	assert_int_equal(b.out[0].seg.win, 0);
	ask(&b, 80, TCP_ACK, b.nxt, b.peer_nxt, 0);
	expect(&b, "window update", "A");
	assert_int_not_equal(b.out[0].seg.win, 0);
	is_alive(&b, "through the proxy", true);
	bench_end(&b);
}

/* --- the file --------------------------------------------------------------------------------- */

static void test_file(void **state)
{
	struct bench b;
	struct fake_variant v;
	size_t families[2] = {0};

	(void)state;
	bench_begin(&b, "linux6/none");
	for (size_t i = 0; i < b.file->n_variants; i++)
		families[b.file->variants[i].family == ADDR_V6]++;
	assert_true(families[0] >= 120 && families[1] >= 120);
	assert_int_equal(stackfile_variant(b.file, "windows-10/stealth+hops-9", &v), 0);
	assert_string_equal(v.expect.style, "silent");
	assert_string_equal(v.expect.firewall, "stealth");
	assert_int_equal(v.env.hops, 9);
	assert_int_equal(stackfile_variant(b.file, "linux6/stealth/v6", &v), 0);
	assert_string_equal(v.expect.firewall, "stateless");
	assert_string_equal(v.expect.confidence, "medium"); /* of IPv6; IPv4: */
	assert_int_equal(stackfile_variant(b.file, "linux6/stealth", &v), 0);
	assert_string_equal(v.expect.confidence, "high");
	assert_int_equal(stackfile_variant(b.file, "freebsd/dies-12", &v), 0);
	assert_string_equal(v.expect.family, "bsd macos other embedded unknown");
	assert_int_equal(stackfile_variant(b.file, "nobody/none", &v), -1);
	assert_int_equal(stackfile_variant(b.file, "linux6/nowhere", &v), -1);
	assert_true(fake_word("bsd macos", "macos") && !fake_word("bsd macos", "mac"));
	bench_end(&b);
}

static void test_file_errors(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"stack a\n\topen syn SA,0\n", ":2: open: not understood"},
	    {"stack a\n\topen ack R,a\n", ":2: open"},
	    {"stack a\n\topen nosuch .\n", ":2: open"},
	    {"stack a\nstack a\n", ":2: stack NAME"},
	    {"stack a like b\n", ":1: stack NAME"},
	    {"\topen syn SA\n", ":1: open: neither"},
	    {"env e\n\tloss 101\n", ":2: loss"},
	    {"env e\n\tfilter some\n", ":2: filter"},
	    {"stack a\nenv e\nplay a : f : 4\n", ":3: no such variant: a/f"},
	    {"stack a\nenv e\nplay a : e : 4\nplay a : e : 4\n", ":4: twice"},
	    {"stack a\n\tecn yes\n", ":2: ecn: words too many"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char path[] = "stacks.XXXXXX";
		int fd = mkstemp(path);
		struct err e = {0};
		FILE *f;

		assert_true(fd >= 0);
		f = fdopen(fd, "w");
		fputs(bad[i].text, f);
		fclose(f);
		assert_null(stackfile_read(path, &e));
		remove(path);
		if (!strstr(e.msg, bad[i].why))
			fail_msg("%s, not %s", e.msg, bad[i].why);
	}
	assert_null(stackfile_read("no/such/file", NULL));
}

/* --- the local kernel of the peer against a fake host ----------------------------------------- */

struct net {
	struct bench b; /* its host only */
	struct peer peer;
	unsigned frames, syn_acks, rsts;
};

static void copy_out(struct peer_answer *to, const struct stackhost_out *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		peer_put(to, &out[i].seg, out[i].delay_ns);
}

static void host_answers(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct net *w = p->ctx;

	w->b.n = stackhost_take(w->b.host, probe, p->now_ns, w->b.out);
	copy_out(out, w->b.out, w->b.n);
}

static uint64_t host_wake(struct peer *p)
{
	return stackhost_wake(((struct net *)p->ctx)->b.host);
}

static void host_tick(struct peer *p, struct peer_answer *out)
{
	struct net *w = p->ctx;

	w->b.n = stackhost_tick(w->b.host, p->now_ns, w->b.out);
	copy_out(out, w->b.out, w->b.n);
}

static void net_begin(struct net *w, const char *variant)
{
	memset(w, 0, sizeof(*w));
	bench_begin(&w->b, variant);
	peer_init(&w->peer, host_answers, w);
	w->peer.wake = host_wake;
	w->peer.tick = host_tick;
}

static void net_end(struct net *w)
{
	peer_free(&w->peer);
	bench_end(&w->b);
}

static void count_frame(void *ctx, const struct wire_in *in)
{
	struct net *w = ctx;
	struct packet p;

	assert_int_equal(decode_frame(in->frame, in->captured, in->len, in->linktype, &p),
			 DECODE_OK);
	w->frames++;
	w->syn_acks += (p.seg.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	w->rsts += !!(p.seg.flags & TCP_RST);
}

static void pass(struct net *w, uint64_t ns)
{
	uint64_t end = w->peer.now_ns + ns;

	while (w->peer.now_ns < end)
		assert_true(w->peer.wire.ops->recv(&w->peer.wire, end, count_frame, w, NULL) >= 0);
}

static int dial(struct net *w, uint16_t port)
{
	struct wire_conn_to to = {.dst = addr_v4(192, 0, 2, 7), .sport = 41000, .dport = port};
	bool full;
	struct err e = {0};
	int conn = w->peer.wire.ops->conn_open(&w->peer.wire, &to, &full, &e);

	assert_false(full);
	return conn;
}

static void test_kernel_connects(void **state)
{
	struct net w;
	int conn;

	(void)state;
	net_begin(&w, "linux6/none");
	conn = dial(&w, 80);
	assert_true(conn >= 0);
	assert_int_equal(dial(&w, 80), -1);
	pass(&w, 3 * SECOND);
	assert_int_equal(w.syn_acks, 1); /* the ACK came: no repetition */
	w.peer.wire.ops->conn_shutdown(&w.peer.wire, conn);
	pass(&w, SECOND);
	assert_int_equal(w.frames, 2);
	w.peer.wire.ops->conn_close(&w.peer.wire, conn, true);
	pass(&w, 20 * SECOND);
	assert_int_equal(w.frames, 2);
	assert_int_equal(kernel_conns(w.peer.kernel), 0);
	assert_int_equal(kernel_handles(w.peer.kernel), 0);
	net_end(&w);
}

static void test_kernel_is_refused(void **state)
{
	struct net w;
	int conn;

	(void)state;
	net_begin(&w, "linux6/none");
	conn = dial(&w, 81);
	pass(&w, 10 * SECOND);
	assert_int_equal(w.frames, 1);
	assert_int_equal(w.rsts, 1);
	assert_int_equal(kernel_conns(w.peer.kernel), 0);
	assert_int_equal(kernel_handles(w.peer.kernel), 1);
	w.peer.wire.ops->conn_close(&w.peer.wire, conn, false);
	assert_int_equal(kernel_handles(w.peer.kernel), 0);
	net_end(&w);
}

/* Whatever is lost is repeated, by either side. */
static void test_kernel_under_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct net w;
		int conn;

		net_begin(&w, "linux6/closes");
		w.peer.loss_percent = 10;
		w.peer.rng = seed * 77777;
		conn = dial(&w, 80);
		pass(&w, 10 * SECOND);
		w.peer.wire.ops->conn_close(&w.peer.wire, conn, false);
		pass(&w, 20 * SECOND);
		assert_int_equal(w.rsts, 0);
		pass(&w, 100 * SECOND);
		assert_int_equal(kernel_conns(w.peer.kernel), 0);
		net_end(&w);
	}
}

static void raw_syn(struct net *w, uint16_t sport)
{
	struct segment s = {
	    .src = addr_v4(192, 0, 2, 1),
	    .dst = addr_v4(192, 0, 2, 7),
	    .sport = sport,
	    .dport = 80,
	    .seq = SEQ,
	    .flags = TCP_SYN,
	    .ttl = 64,
	};
	uint8_t room[WIRE_HEADROOM + 64], *bytes = room + WIRE_HEADROOM;
	int len = craft_build(w->b.craft, &s, bytes, 64, NULL);
	struct wire_out out = {.ip = bytes, .len = (uint16_t)len};
	_Atomic uint64_t at = 0;

	assert_int_equal(w->peer.wire.ops->send(&w->peer.wire, 0, &out, 1, &at), 1);
}

static void test_kernel_resets_what_is_nobodys(void **state)
{
	struct net w;

	(void)state;
	net_begin(&w, "linux6/none");
	raw_syn(&w, 42000); /* no kernel yet: the peer repeats its SYN-ACK */
	pass(&w, 4 * SECOND);
	assert_int_equal(w.syn_acks, 3);
	net_end(&w);

	net_begin(&w, "linux6/none");
	peer_kernel(&w.peer);
	raw_syn(&w, 42000);
	pass(&w, 40 * SECOND);
	assert_int_equal(w.syn_acks, 1);
	net_end(&w);

	net_begin(&w, "linux6/none");
	peer_kernel(&w.peer);
	w.peer.wire.quiet_first = 42000;
	w.peer.wire.n_quiet = 1;
	raw_syn(&w, 42000);
	pass(&w, 4 * SECOND);
	assert_int_equal(w.syn_acks, 3);
	net_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_strays),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_reject_distance),
	    cmocka_unit_test(test_connections),
	    cmocka_unit_test(test_data_is_taken_or_refused),
	    cmocka_unit_test(test_challenge_limit),
	    cmocka_unit_test(test_syn_ack_again),
	    cmocka_unit_test(test_service_closes),
	    cmocka_unit_test(test_close_wait),
	    cmocka_unit_test(test_banner),
	    cmocka_unit_test(test_paws),
	    cmocka_unit_test(test_limit_loss_and_death),
	    cmocka_unit_test(test_tracked_connection),
	    cmocka_unit_test(test_synproxy_connects),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_file_errors),
	    cmocka_unit_test(test_kernel_connects),
	    cmocka_unit_test(test_kernel_is_refused),
	    cmocka_unit_test(test_kernel_under_loss),
	    cmocka_unit_test(test_kernel_resets_what_is_nobodys),
	};

	return cmocka_run_group_tests_name("stackhost", tests, NULL, NULL);
}
