/* test_doctor: each row of each check, both ways: the facts that make it, and those that just
 * don't; what all lines come to; and how they are drawn. */
#include "unit.h"

#include <json-c/json.h>

#include "judge/doctor_private.h"
#include "report/report.h"

enum { LINES_MAX = 64 };

struct told {
	struct doctor_line v[LINES_MAX];
	size_t n;
};

static void hear(void *ctx, const struct doctor_line *line)
{
	struct told *t = ctx;

	assert_true(t->n < LINES_MAX);
	t->v[t->n++] = *line;
}

/* A port that both ways find so. */
static struct doctor_asked port_is(enum doctor_reply raw, enum doctor_reply conn)
{
	return (struct doctor_asked){
	    .port = 443,
	    .raw = {.reply = raw, .captured = true, .ttl = 57, .rtt_us = 900},
	    .conn = {.reply = conn, .captured = true, .ttl = 57},
	    .rst_left = raw == REPLY_OPEN,
	};
}

/* A machine that can do everything, and a target whose port 443 is open. */
static struct doctor_facts healthy(void)
{
	struct doctor_facts f = {
	    .raw_opens = true,
	    .has_cap = true,
	    .setcap = "sudo setcap cap_net_raw+ep /usr/bin/rstprobe",
	    .raw_why = {"raw socket: permission denied (needs CAP_NET_RAW)"},
	    .tracks = true,
	    .tracked = 100,
	    .tracked_max = 262144,
	    .files_soft = 1024,
	    .files_hard = 4096,
	    .ways = 1,
	    .clock_known = true,
	    .clock_synced = true,
	    .clock_error_us = 1500,
	    .wall_s = 1800000000,
	};

	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++) {
		f.loops[i] = (struct doctor_loop){
		    .wanted = true,
		    .listens = true,
		    .opened = true,
		    .why = {"why not"},
		    .listener = port_is(REPLY_OPEN, REPLY_NONE),
		    .closed = port_is(REPLY_CLOSED, REPLY_NONE),
		};
		f.paths[i] = (struct doctor_path){
		    .wanted = true,
		    .targeted = true,
		    .routed = true,
		    .target = "192.0.2.7",
		    .way = "192.0.2.7 by eth0, source 192.0.2.1, on the link",
		    .ifname = "eth0",
		    .family = (uint8_t)i,
		    .mtu = 1500,
		    .ethernet = true,
		    .link = DOCTOR_LINK_UP,
		    .tried = true,
		    .captures = true,
		    .n_asked = 1,
		    .asked = {port_is(REPLY_OPEN, REPLY_OPEN)},
		};
	}
	return f;
}

static const struct doctor_line *line_of(const struct told *t, const char *check)
{
	const struct doctor_line *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->v[i].check, check) != 0)
			continue;
		assert_null(found);
		found = &t->v[i];
	}
	return found;
}

/* The line of `check` in `scope`: its result, and words in its detail and fix. NULL: no line, no
 * fix. */
static void expect(const struct doctor_facts *f, enum doctor_scope scope, const char *check,
		   enum doctor_result result, const char *detail, const char *fix)
{
	struct told told = {0};
	const struct doctor_line *l;

	doctor_judge(f, scope, hear, &told);
	l = line_of(&told, check);
	if (!detail) {
		assert_null(l);
		return;
	}
	assert_non_null(l);
	if (l->result != result || !strstr(l->detail, detail))
		fail_msg("%s: %s %s, not %s ... %s", check, doctor_result_name(l->result),
			 l->detail, doctor_result_name(result), detail);
	if (fix && !strstr(l->fix, fix))
		fail_msg("%s: fix '%s', not ... %s", check, l->fix, fix);
	assert_int_equal(!fix, l->fix[0] == '\0');
}

#define OK(...) expect(__VA_ARGS__, NULL)
#define NO_LINE(f, scope, check) expect(f, scope, check, DOCTOR_OK, NULL, NULL)

/* --- the table -------------------------------------------------------------------------------- */

static void test_healthy(void **state)
{
	struct doctor_facts f = healthy();
	struct told told = {0};

	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (f.at = 0; f.at < DOCTOR_FAMILIES; f.at++)
			doctor_judge(&f, (enum doctor_scope)s, hear, &told);
	assert_true(told.n > 20);
	for (size_t i = 0; i < told.n; i++) {
		if (told.v[i].result != DOCTOR_OK)
			fail_msg("%s: %s", told.v[i].check, told.v[i].detail);
		assert_string_equal(told.v[i].fix, "");
	}
}

/* What isn't ok has a fix, what is ok has none; no hole stays open; a check's rows stand together;
 * the words fit. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < doctor_row_count; i++) {
		const struct doctor_row *r = &doctor_rows[i];
		struct doctor_facts f = healthy();
		char buf[DOCTOR_WORDS];

		assert_int_equal(r->result == DOCTOR_OK, r->fix == NULL);
		assert_true(r->result == DOCTOR_FAIL ? r->blocks != BLOCKS_NOTHING
						     : r->blocks == BLOCKS_NOTHING);
		assert_true(!r->minor || r->result == DOCTOR_OK);
		for (int k = 0; k < 2; k++) {
			struct text t = text_of(buf, sizeof(buf));

			doctor_words(&t, &f, k && r->fix ? r->fix : r->says);
			assert_false(t.cut);
			if (strchr(buf, '{'))
				fail_msg("an unknown hole: %s", buf);
		}
		for (size_t j = i + 2; j < doctor_row_count; j++)
			if (strcmp(doctor_rows[j].check, r->check) == 0 &&
			    doctor_rows[j].scope == r->scope)
				assert_string_equal(doctor_rows[j - 1].check, r->check);
	}
}

/* --- privilege -------------------------------------------------------------------------------- */

static void test_cap(void **state)
{
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_OK, "opens");
	f.raw_opens = false;
	expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "not for this network namespace",
	       "--network=host");
	f.has_cap = false;
	expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "needs CAP_NET_RAW",
	       "sudo setcap cap_net_raw+ep /usr/bin/rstprobe");
	f.no_new_privs = true;
	expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "no_new_privs",
	       "AmbientCapabilities=CAP_NET_RAW");
	f.bounded = true;
	expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "bounding set",
	       "CapabilityBoundingSet=CAP_NET_RAW");
	f.wsl = 1;
	expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "WSL1", "--set-version");
}

static void test_container(void **state)
{
	static const struct {
		enum doctor_container container;
		const char *detail, *fix;
	} rows[] = {
	    {CONTAINER_DOCKER, "Docker", "docker run --cap-add=NET_RAW"},
	    {CONTAINER_PODMAN, "Podman", "podman run --cap-add=NET_RAW"},
	    {CONTAINER_KUBERNETES, "Kubernetes", "{capabilities: {add: [NET_RAW]}}"},
	    {CONTAINER_LXC, "LXC", "lxc.cap.drop"},
	    {CONTAINER_NSPAWN, "nspawn", "--capability=CAP_NET_RAW"},
	    {CONTAINER_OTHER, "container", "CAP_NET_RAW"},
	};
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_PRIVILEGE, "container", DOCTOR_OK, "no container");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = healthy();
		f.container = rows[i].container;
		OK(&f, SCOPE_PRIVILEGE, "container", DOCTOR_OK, rows[i].detail);
		f.raw_opens = f.has_cap = false;
		/* as another user, say: the container is not to blame */
		OK(&f, SCOPE_PRIVILEGE, "container", DOCTOR_OK, "may have");
		f.bounded = true;
		expect(&f, SCOPE_PRIVILEGE, "container", DOCTOR_FAIL, rows[i].detail, rows[i].fix);
		expect(&f, SCOPE_PRIVILEGE, "cap-net-raw", DOCTOR_FAIL, "needs", rows[i].fix);
	}
}

static void test_wsl(void **state)
{
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_PRIVILEGE, "wsl2", DOCTOR_OK, "no WSL");
	f.wsl = 2;
	OK(&f, SCOPE_PRIVILEGE, "wsl2", DOCTOR_OK, "NAT");
	f.wsl_mirrored = true;
	expect(&f, SCOPE_PRIVILEGE, "wsl2", DOCTOR_WARN, "mirrored", "networkingMode=nat");
	f.wsl = 0; /* somebody else's loopback0 */
	OK(&f, SCOPE_PRIVILEGE, "wsl2", DOCTOR_OK, "no WSL");
	f.wsl = 1;
	f.wsl_mirrored = false;
	expect(&f, SCOPE_PRIVILEGE, "wsl2", DOCTOR_FAIL, "WSL1", "--set-version");
}

/* --- loopback --------------------------------------------------------------------------------- */

static void test_loopback(void **state)
{
	static const char *const checks[] = {"loopback-ipv4", "loopback-ipv6"};

	(void)state;
	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++) {
		struct doctor_facts f = healthy();
		struct doctor_loop *l = &f.loops[i];

		f.at = i;
		NO_LINE(&f, SCOPE_LOOPBACK, checks[!i]);
		OK(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_OK, "seen after 900 us");
		l->listener.raw.reply = REPLY_CLOSED;
		expect(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_FAIL, "somebody else", "nft");
		l->listener.raw.reply = REPLY_SILENT;
		expect(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_FAIL, "no SYN-ACK", "nft");
		l->listener.raw.reply = REPLY_REFUSED;
		l->listener.raw.why = (struct err){"sending: not permitted"};
		expect(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_FAIL, "not permitted", "nft");
		l->opened = false;
		expect(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_FAIL, "why not", "af_packet");
		l->listens = false;
		/* IPv4 alone is well enough */
		expect(&f, SCOPE_LOOPBACK, checks[i], i ? DOCTOR_WARN : DOCTOR_FAIL, "why not",
		       i ? "disable_ipv6=0" : "ip addr add 127.0.0.1/8 dev lo");
		l->down = true;
		expect(&f, SCOPE_LOOPBACK, checks[i], DOCTOR_FAIL, "lo is down",
		       "ip link set dev lo up");
	}
}

static void test_resets(void **state)
{
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_RESETS, "kernel-rst", DOCTOR_OK, "(IPv4, IPv6)");
	f.loops[DOCTOR_V6].listener.rst_left = false;
	expect(&f, SCOPE_RESETS, "kernel-rst", DOCTOR_WARN, "on its way in", "INPUT");
	f.loops[DOCTOR_V6].closed.raw.reply = REPLY_SILENT;
	expect(&f, SCOPE_RESETS, "kernel-rst", DOCTOR_WARN, "do not leave (IPv6)", "OUTPUT");
	f.loops[DOCTOR_V4].listener.rst_left = false;
	expect(&f, SCOPE_RESETS, "kernel-rst", DOCTOR_WARN, "do not leave (IPv4, IPv6)", "OUTPUT");
	/* without a SYN-ACK there is nothing to reset */
	f.loops[DOCTOR_V4].listener.raw.reply = REPLY_SILENT;
	f.loops[DOCTOR_V6] = (struct doctor_loop){.wanted = true};
	NO_LINE(&f, SCOPE_RESETS, "kernel-rst");
}

/* --- the way ---------------------------------------------------------------------------------- */

static void test_route(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V6];
	struct told told = {0};

	(void)state;
	NO_LINE(&f, SCOPE_TARGET, "target");
	f.target_why = (struct err){"nosuch: not known"};
	expect(&f, SCOPE_TARGET, "target", DOCTOR_FAIL, "nosuch", "getent");
	f.at = DOCTOR_V6;
	OK(&f, SCOPE_PATH, "route", DOCTOR_OK, "by eth0");
	p->routed = false;
	p->why = (struct err){"no route"};
	expect(&f, SCOPE_PATH, "route", DOCTOR_FAIL, "192.0.2.7: no route", "ip -6 route add");
	p->why = (struct err){"192.0.2.7: no route"}; /* once is enough */
	doctor_judge(&f, SCOPE_PATH, hear, &told);
	assert_string_equal(line_of(&told, "route")->detail, "192.0.2.7: no route");
	p->targeted = false;
	expect(&f, SCOPE_PATH, "route", DOCTOR_WARN, "no default route", "ip -6 route add");
	p->elsewhere = true;
	OK(&f, SCOPE_PATH, "route", DOCTOR_OK, "no default route for IPv6");
	f.at = DOCTOR_V4;
	f.paths[DOCTOR_V4].routed = false;
	expect(&f, SCOPE_PATH, "route", DOCTOR_FAIL, "192.0.2.7", "ip route add");
}

static void test_link(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	OK(&f, SCOPE_PATH, "link", DOCTOR_OK, "eth0 is up, MTU 1500");
	p->link = DOCTOR_LINK_NO_CARRIER;
	expect(&f, SCOPE_PATH, "link", DOCTOR_FAIL, "no carrier", "the other end of eth0");
	p->link = DOCTOR_LINK_DOWN;
	expect(&f, SCOPE_PATH, "link", DOCTOR_FAIL, "down", "ip link set dev eth0 up");
	p->link = DOCTOR_LINK_UNKNOWN;
	NO_LINE(&f, SCOPE_PATH, "link");
	p->link = DOCTOR_LINK_UP;
	p->again = true;
	NO_LINE(&f, SCOPE_PATH, "link");
	NO_LINE(&f, SCOPE_PATH, "capture");
	NO_LINE(&f, SCOPE_PATH, "offload");
	p->again = false;
	p->ifname[0] = '\0';
	NO_LINE(&f, SCOPE_PATH, "link");
}

static void test_capture(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	OK(&f, SCOPE_PATH, "capture", DOCTOR_OK, "eth0");
	p->captures = false;
	p->capture_why = (struct err){"capture: eth0: refused"};
	expect(&f, SCOPE_PATH, "capture", DOCTOR_FAIL, "refused", "ip -d link show dev eth0");
	p->denied = true;
	expect(&f, SCOPE_PATH, "capture", DOCTOR_FAIL, "refused", "setcap");
	p->again = true; /* of a failure one is told again */
	expect(&f, SCOPE_PATH, "capture", DOCTOR_FAIL, "refused", "setcap");
	p->tried = false;
	NO_LINE(&f, SCOPE_PATH, "capture");
}

static void test_offload(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	OK(&f, SCOPE_PATH, "offload", DOCTOR_OK, "one by one");
	p->tso = 1;
	OK(&f, SCOPE_PATH, "offload", DOCTOR_OK, "ethtool -K eth0 tso off shows");
	p->gro = 1;
	OK(&f, SCOPE_PATH, "offload", DOCTOR_OK, "gro and tso on eth0");
	p->lro = 1;
	expect(&f, SCOPE_PATH, "offload", DOCTOR_WARN, "lro on eth0", "ethtool -K eth0 lro off");
	p->loopback = true;
	NO_LINE(&f, SCOPE_PATH, "offload");
	p->loopback = false;
	p->gro = p->lro = p->tso = -1;
	NO_LINE(&f, SCOPE_PATH, "offload");
}

static void test_rp_filter(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	OK(&f, SCOPE_PATH, "rp-filter", DOCTOR_OK, "off");
	p->rp_filter = 2;
	OK(&f, SCOPE_PATH, "rp-filter", DOCTOR_OK, "loose");
	p->rp_filter = 1;
	OK(&f, SCOPE_PATH, "rp-filter", DOCTOR_OK, "the only way");
	f.ways = 2;
	expect(&f, SCOPE_PATH, "rp-filter", DOCTOR_WARN, "one of 2 interfaces",
	       "sysctl -w net/ipv4/conf/eth0/rp_filter=2");
	/* a VLAN's name has a dot, which parts the words of sysctl; any name may be laid as bait */
	strcpy(p->ifname, "eth0.100");
	expect(&f, SCOPE_PATH, "rp-filter", DOCTOR_WARN, "strict on eth0.100,",
	       "sysctl -w net/ipv4/conf/eth0.100/rp_filter=2");
	strcpy(p->ifname, "a;$(x)'\033[m");
	expect(&f, SCOPE_PATH, "rp-filter", DOCTOR_WARN, "strict on 'a;$(x)'\\''?[m',",
	       "sysctl -w net/ipv4/conf/'a;$(x)'\\''?[m'/rp_filter=2");
	strcpy(p->ifname, "eth0");
	p->rp_filter = 2;
	OK(&f, SCOPE_PATH, "rp-filter", DOCTOR_OK, "loose");
	p->rp_filter = -1;
	NO_LINE(&f, SCOPE_PATH, "rp-filter");
	f.at = DOCTOR_V6;
	f.paths[DOCTOR_V6].rp_filter = 1; /* there is none in IPv6 */
	NO_LINE(&f, SCOPE_PATH, "rp-filter");
}

/* --- connect() against a raw SYN -------------------------------------------------------------- */

static void test_compare(void **state)
{
	static const struct {
		enum doctor_reply raw, conn;
		enum doctor_result result;
		const char *detail, *fix;
	} rows[] = {
	    {REPLY_OPEN, REPLY_OPEN, DOCTOR_OK, "443 is open either way", NULL},
	    {REPLY_CLOSED, REPLY_CLOSED, DOCTOR_OK, "443 is closed either way", NULL},
	    {REPLY_REJECTED, REPLY_REJECTED, DOCTOR_OK, "443 is rejected either way", NULL},
	    {REPLY_SILENT, REPLY_SILENT, DOCTOR_WARN, "nothing to compare", "-p PORT"},
	    {REPLY_NOBODY, REPLY_REJECTED, DOCTOR_WARN, "nobody on eth0", "ip neigh"},
	    {REPLY_SILENT, REPLY_OPEN, DOCTOR_FAIL, "443 open, a raw SYN draws nothing",
	     "--tx packet"},
	    {REPLY_SILENT, REPLY_CLOSED, DOCTOR_FAIL, "443 closed, a raw SYN", "--tx packet"},
	    {REPLY_CLOSED, REPLY_OPEN, DOCTOR_FAIL, "closed to a raw SYN and open", "trace"},
	    {REPLY_OPEN, REPLY_CLOSED, DOCTOR_FAIL, "open to a raw SYN and closed", "trace"},
	    {REPLY_OPEN, REPLY_SILENT, DOCTOR_WARN, "connect() fails (silent)", "nft"},
	    {REPLY_OPEN, REPLY_REFUSED, DOCTOR_WARN, "connect() fails (not permitted)", "nft"},
	    {REPLY_REFUSED, REPLY_OPEN, DOCTOR_FAIL, "sending: no", "nft"},
	    {REPLY_REFUSED, REPLY_SILENT, DOCTOR_FAIL, "sending: no", "nft"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doctor_facts f = healthy();
		struct doctor_asked *a = &f.paths[0].asked[0];

		*a = port_is(rows[i].raw, rows[i].conn);
		a->conn.why = (struct err){"not permitted"};
		a->raw.why = (struct err){"sending: no"};
		expect(&f, SCOPE_PATH, "connect-vs-raw", rows[i].result, rows[i].detail,
		       rows[i].fix);
	}
}

static void test_compare_more(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	p->asked[0].conn.ttl = 64;
	expect(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_WARN, "TTL 57 to the raw SYN, 64", "trace");
	p->asked[0].conn.ttl = 0; /* not seen */
	OK(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_OK, "either way");
	p->asked[0] = port_is(REPLY_SILENT, REPLY_OPEN);
	p->asked[0].conn.captured = false;
	expect(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_FAIL, "no frame of it was captured on eth0",
	       "tcpdump");
	f.wsl = 2;
	f.wsl_mirrored = true;
	expect(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_FAIL, "mirrored", "networkingMode=nat");
	p->n_asked = 0;
	NO_LINE(&f, SCOPE_PATH, "connect-vs-raw");
	NO_LINE(&f, SCOPE_PATH, "kernel-rst");
	/* ICMP's "port unreachable" is ECONNREFUSED to who connects */
	p->n_asked = 1;
	p->asked[0] = port_is(REPLY_REJECTED, REPLY_CLOSED);
	p->asked[0].conn.captured = false;
	OK(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_OK, "rejected");
}

static void test_best(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	p->n_asked = 3;
	p->asked[0] = port_is(REPLY_SILENT, REPLY_SILENT);
	p->asked[1] = port_is(REPLY_CLOSED, REPLY_CLOSED);
	p->asked[2] = port_is(REPLY_SILENT, REPLY_OPEN);
	p->asked[1].port = 80;
	p->asked[2].port = 22;
	assert_int_equal(doctor_best(p)->port, 22);
	p->asked[2] = p->asked[0];
	assert_int_equal(doctor_best(p)->port, 80);
	p->asked[1] = p->asked[0];
	p->asked[1].port = 80;
	p->asked[2].port = 22;
	expect(&f, SCOPE_PATH, "connect-vs-raw", DOCTOR_WARN, "from ports 443, 80, 22:", "-p PORT");
	p->n_asked = 0;
	assert_null(doctor_best(p));
}

static void test_resets_there(void **state)
{
	struct doctor_facts f = healthy();
	struct doctor_path *p = &f.paths[DOCTOR_V4];

	(void)state;
	OK(&f, SCOPE_PATH, "kernel-rst", DOCTOR_OK, "reset");
	p->asked[0].rst_left = false;
	expect(&f, SCOPE_PATH, "kernel-rst", DOCTOR_WARN, "by eth0", "nft");
	f.loops[DOCTOR_V4].listener.rst_left = false; /* said already */
	NO_LINE(&f, SCOPE_PATH, "kernel-rst");
	f = healthy();
	f.paths[0].asked[0] = port_is(REPLY_CLOSED, REPLY_CLOSED);
	NO_LINE(&f, SCOPE_PATH, "kernel-rst");
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_conntrack(void **state)
{
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "100 of 262144");
	f.tracked = 262144 / 100 * 80 - 1;
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "of 262144");
	f.tracked++;
	expect(&f, SCOPE_LIMITS, "conntrack", DOCTOR_WARN, "are taken: what",
	       "nf_conntrack_max=1048576");
	f.tracked = 100;
	f.tracked_max = 65000;
	/* by Ethernet many probes go as frames */
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "100 of 65000");
	f.paths[DOCTOR_V6].ethernet = false;
	expect(&f, SCOPE_LIMITS, "conntrack", DOCTOR_WARN, "room for 64900 more",
	       "nf_conntrack_max=262144");
	f.paths[DOCTOR_V6].routed = false;
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "100 of 65000");
	f.tracked = 0;
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "no probe was tracked");
	f.tracks = false;
	OK(&f, SCOPE_LIMITS, "conntrack", DOCTOR_OK, "not tracked here");
}

static void test_limits(void **state)
{
	struct doctor_facts f = healthy();

	(void)state;
	OK(&f, SCOPE_LIMITS, "open-files", DOCTOR_OK, "1024 descriptors, at most 4096");
	f.files_soft = 255;
	expect(&f, SCOPE_LIMITS, "open-files", DOCTOR_WARN, "255", "ulimit -n");
	f.files_soft = 256;
	f.files_hard = 1024;
	OK(&f, SCOPE_LIMITS, "open-files", DOCTOR_OK, "256");
	f.files_hard = 1023;
	expect(&f, SCOPE_LIMITS, "open-files", DOCTOR_WARN, "at most 1023", "ulimit -n");

	OK(&f, SCOPE_LIMITS, "clock", DOCTOR_OK, "within 1500 us");
	f.clock_synced = false;
	expect(&f, SCOPE_LIMITS, "clock", DOCTOR_WARN, "not synchronised", "timedatectl");
	f.container = CONTAINER_DOCKER;
	expect(&f, SCOPE_LIMITS, "clock", DOCTOR_WARN, "not synchronised", "on the host: timed");
	f.clock_known = false;
	NO_LINE(&f, SCOPE_LIMITS, "clock");
	f.wall_s = 1000;
	expect(&f, SCOPE_LIMITS, "clock", DOCTOR_WARN, "before 2020", "timedatectl");
}

/* --- the end ---------------------------------------------------------------------------------- */

static const char *said(const struct doctor_sum *s, const char *target, char buf[256])
{
	struct text t = text_of(buf, 256);

	doctor_sum_put(&t, s, target);
	return buf;
}

static void test_sum(void **state)
{
	const struct doctor_line ok = {.check = "link"};
	const struct doctor_line warn = {.check = "clock", .result = DOCTOR_WARN};
	const struct doctor_line there = {
	    .check = "route", .result = DOCTOR_FAIL, .blocks = BLOCKS_WAY};
	const struct doctor_line all = {
	    .check = "cap-net-raw", .result = DOCTOR_FAIL, .blocks = BLOCKS_ALL};
	struct doctor_sum s = {0};
	char buf[256];

	(void)state;
	doctor_sum_add(&s, &ok);
	assert_string_equal(said(&s, NULL, buf), "This machine can probe.");
	doctor_sum_add(&s, &warn);
	assert_string_equal(said(&s, NULL, buf), "This machine can probe, with 1 warning: clock.");
	doctor_sum_add(&s, &warn);
	assert_string_equal(said(&s, NULL, buf), "This machine can probe, with 2 warnings: clock.");
	doctor_sum_add(&s, &there);
	assert_string_equal(said(&s, "web1", buf), "This machine can probe, but not web1: route.");
	assert_string_equal(said(&s, NULL, buf),
			    "This machine can probe, but not by its default route: route.");
	doctor_sum_add(&s, &all);
	assert_string_equal(said(&s, "web1", buf),
			    "This machine cannot probe: route, cap-net-raw.");
	assert_int_equal(s.n[DOCTOR_OK], 1);
	assert_int_equal(s.n[DOCTOR_WARN], 2);
	assert_int_equal(s.n[DOCTOR_FAIL], 2);
}

/* --- drawing ---------------------------------------------------------------------------------- */

typedef struct report *new_fn(FILE *f, const struct run_info *run,
			      const struct report_style *style);

static char *drawn(new_fn *make, const struct report_style *style)
{
	static const struct doctor_record records[] = {
	    {"cap-net-raw", DOCTOR_OK, "a raw socket opens", NULL, false},
	    {"wsl2", DOCTOR_OK, "no WSL\033[m", NULL, true},
	    {"clock", DOCTOR_WARN, "a sentence that is longer than the forty columns there are",
	     "sysctl -w net.netfilter.nf_conntrack_max=1048576", false},
	    {"connect-vs-raw", DOCTOR_FAIL, "differs", "see", false},
	};
	static const struct examined_record end = {{2, 1, 1}, "This machine can probe.", 0.25};
	const struct run_info run = {.command = "doctor", .version = "0"};
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);
	struct report *r = make(f, &run, style);

	assert_non_null(r);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		r->sink.looked(r->sink.ctx, &records[i]);
	r->sink.examined(r->sink.ctx, &end);
	assert_int_equal(r->close(r, NULL), 0);
	fclose(f);
	return buf;
}

static void test_text(void **state)
{
	const struct report_style narrow = {.width = 40}, all = {.width = 80, .verbose = true},
				  colored = {.color = true};
	char *s = drawn(report_text_new, &narrow);

	(void)state;
	assert_string_equal(s, "ok    cap-net-raw     a raw socket opens\n"
			       "warn  clock           a sentence that is\n"
			       "                      longer than the\n"
			       "                      forty columns\n"
			       "                      there are\n"
			       "      fix: sysctl -w net.netfilter.nf_conntrack_max=1048576\n"
			       "fail  connect-vs-raw  differs\n"
			       "      fix: see\n"
			       "\n"
			       "This machine can probe.\n");
	free(s);
	s = drawn(report_text_new, &all);
	assert_non_null(strstr(s, "ok    wsl2            no WSL\xef\xbf\xbd[m\n"));
	free(s);
	s = drawn(report_text_new, &colored);
	assert_non_null(strstr(s, "\033[31mfail\033[0m  connect-vs-raw  differs\n"));
	free(s);
}

static void test_json(void **state)
{
	const struct report_style style = {0};
	char *s = drawn(report_json_new, &style), *save = NULL;
	const char *types[] = {"run", "finding", "finding", "finding", "finding", "summary"};
	size_t n = 0;

	(void)state;
	assert_non_null(strstr(s,
			       "{\"type\":\"finding\",\"check\":\"cap-net-raw\",\"result\":\"ok\","
			       "\"detail\":\"a raw socket opens\",\"fix\":null}\n"));
	assert_non_null(strstr(s, "\"result\":\"fail\",\"detail\":\"differs\",\"fix\":\"see\"}\n"));
	assert_non_null(strstr(s, "\"counts\":{\"ok\":2,\"warn\":1,\"fail\":1}}\n"));
	for (char *line = strtok_r(s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct json_object *o = json_tokener_parse(line), *type;

		assert_true(n < 6);
		assert_true(json_object_object_get_ex(o, "type", &type));
		assert_string_equal(json_object_get_string(type), types[n++]);
		json_object_put(o);
	}
	assert_int_equal(n, 6);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_healthy),   cmocka_unit_test(test_table),
	    cmocka_unit_test(test_cap),	      cmocka_unit_test(test_container),
	    cmocka_unit_test(test_wsl),	      cmocka_unit_test(test_loopback),
	    cmocka_unit_test(test_resets),    cmocka_unit_test(test_route),
	    cmocka_unit_test(test_link),      cmocka_unit_test(test_capture),
	    cmocka_unit_test(test_offload),   cmocka_unit_test(test_rp_filter),
	    cmocka_unit_test(test_compare),   cmocka_unit_test(test_compare_more),
	    cmocka_unit_test(test_best),      cmocka_unit_test(test_resets_there),
	    cmocka_unit_test(test_conntrack), cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_sum),	      cmocka_unit_test(test_text),
	    cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
