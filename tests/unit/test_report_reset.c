/*
 * test_report_reset: what `explain` says, word for word. Findings are made by hand: a renderer has
 * none of its own, and the judge's are tested elsewhere.
 */
#include "unit.h"

#include "packet/segment.h"
#include "paper.h"
#include "report/ladder.h"
#include "report/reset_words.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
/* 2026-11-20 12:00:00.123456 UTC */
#define NOON UINT64_C(1795176000123456000)

/* --- findings --------------------------------------------------------------------- */

struct made {
	struct seen ladder[LADDER_MAX];
	struct finding f;
};

/* A RST of the server, in frame 17. */
static void make(struct made *m, enum cause cause, enum sureness sure)
{
	const struct cause_info *info = &cause_infos[cause];

	memset(m, 0, sizeof(*m));
	m->f = (struct finding){
	    .frame = 17,
	    .wall_ns = NOON,
	    .src = addr_v4(192, 0, 2, 7),
	    .dst = addr_v4(198, 51, 100, 2),
	    .sport = 80,
	    .dport = 40112,
	    .sender = SENDER_SERVER,
	    .cause = cause,
	    .sure = sure,
	    .severity = info->severity,
	    .sees_at_sender = info->sees_at_sender,
	    .ladder = m->ladder,
	    .rst_at = -1,
	    .trigger_at = -1,
	    .isn_x = 5000,
	    .isn_y = 1000,
	    .has_isn_x = true,
	    .has_isn_y = true,
	};
	memcpy(m->f.sees, info->sees, sizeof(info->sees));
}

static struct seen *row(struct made *m, uint32_t frame, int64_t at_ns, bool from_x, uint16_t flags,
			uint32_t seq, uint32_t ack, uint32_t len)
{
	struct seen *s = &m->ladder[m->f.n_ladder++];

	*s = (struct seen){
	    .frame = frame,
	    .wall_ns = NOON + (uint64_t)at_ns,
	    .from_x = from_x,
	    .flags = flags,
	    .seq = seq + (from_x ? m->f.isn_x : m->f.isn_y),
	    .ack = flags & TCP_ACK ? ack + (from_x ? m->f.isn_y : m->f.isn_x) : 0,
	    .len = len,
	    .win = 501,
	};
	if (frame == m->f.frame) {
		m->f.rst_at = (int)m->f.n_ladder - 1;
		s->win = 0;
	}
	if (frame == m->f.provoked_by)
		m->f.trigger_at = (int)m->f.n_ladder - 1;
	return s;
}

static void clue(struct made *m, enum clue_id id, uint32_t a, uint32_t b, uint32_t frame)
{
	m->f.clues[m->f.n_clues++] = (struct clue){.id = id, .a = a, .b = b, .frame = frame};
}

static void handshake(struct made *m, uint32_t frame, int64_t at_ns)
{
	row(m, frame, at_ns, false, TCP_SYN, 0, 0, 0)->win = 64240;
	row(m, frame + 1, at_ns + 400000, true, TCP_SYN | TCP_ACK, 0, 1, 0)->win = 65160;
	row(m, frame + 2, at_ns + 420000, false, TCP_ACK, 1, 1, 0);
}

static void make_unread(struct made *m)
{
	make(m, CAUSE_UNREAD_DATA_CLOSE, SURE_LIKELY);
	m->f.bytes_lost = 1200;
	m->f.also[0] = CAUSE_ABORT_LINGER;
	m->f.followers = 18;
	m->f.burst_n = 4;
	m->f.burst_ns = 137000;
	m->f.provoked_by = 0;
	clue(m, CLUE_WINDOW_GREW, 4100, 64000, 17);
	clue(m, CLUE_UNANSWERED, 5000, 0, 15);
	clue(m, CLUE_UNACKED, 1200, 0, 0);
	clue(m, CLUE_STAGE, 3, 0, 0);
	clue(m, CLUE_MID_STREAM, 0, 0, 0);
	handshake(m, 12, -2400000);
	row(m, 15, -1900000, false, TCP_PSH | TCP_ACK, 1, 1, 5000);
	row(m, 16, -1200000, true, TCP_ACK, 1, 5001, 0)->win = 32;
	row(m, 17, 0, true, TCP_RST | TCP_ACK, 1, 5001, 0)->win = 501;
	row(m, 18, 90000, false, TCP_PSH | TCP_ACK, 5001, 1, 1200)->after = 1;
}

static void make_refused(struct made *m)
{
	make(m, CAUSE_REFUSED, SURE_CERTAIN);
	m->f.provoked_by = 16;
	m->f.also[0] = CAUSE_FIREWALL_REJECT;
	m->f.has_isn_x = false;
	row(m, 16, -80000, false, TCP_SYN, 0, 0, 0)->win = 64240;
	row(m, 17, 0, true, TCP_RST | TCP_ACK, 0, 1, 0)->seq = 0;
}

static void make_half_open(struct made *m)
{
	make(m, CAUSE_HALF_OPEN, SURE_LIKELY);
	assert_int_equal(addr_parse("2001:db8:85a3:8a2e:1234:5678:9abc:def0", &m->f.src), 0);
	assert_int_equal(addr_parse("2001:db8:85a3:8a2e:1234:5678:9abc:def1", &m->f.dst), 0);
	m->f.provoked_by = 16;
	m->f.facts.x_gap_ns = 3590 * SECOND;
	fact_set(&m->f.facts, T_KEEPALIVE, true);
	clue(m, CLUE_GAP, 3590000, 0, 15);
	clue(m, CLUE_IDLE_TIMER, 3600, 0, 0);
	handshake(m, 12, -3600 * (int64_t)SECOND);
	row(m, 15, -3590 * (int64_t)SECOND, true, TCP_PSH | TCP_ACK, 1, 1, 100);
	row(m, 16, -80000, false, TCP_ACK, 0, 101, 0)->keepalive = 1;
	row(m, 17, 0, true, TCP_RST, 101, 0, 0);
}

static void make_injected(struct made *m)
{
	make(m, CAUSE_INJECTED_RACE, SURE_CERTAIN);
	m->f.origin = ORIGIN_MIDDLEBOX;
	m->f.outcome = OUTCOME_IGNORED;
	m->f.provoked_by = 15;
	snprintf(m->f.vendor, sizeof(m->f.vendor), "\033[31mevil\nFRAME 18 %%s %%n \"x\"");
	clue(m, CLUE_HOPS, 12, 3, 0);
	clue(m, CLUE_TOO_FAST, 90, 6800, 15);
	clue(m, CLUE_GOES_ON, 0, 0, 18);
	clue(m, CLUE_COPIED, 3, 0, 15);
	clue(m, CLUE_STAGE, 3, 0, 0);
	m->f.has_isn_x = m->f.has_isn_y = false;
	m->f.isn_x = 4000000000u;
	m->f.isn_y = 3735928559u;
	m->f.sender = SENDER_UNKNOWN;
	row(m, 15, -90000, false, TCP_PSH | TCP_ACK, 1, 1, 517);
	row(m, 17, 0, true, TCP_RST | TCP_ACK, 1, 518, 0);
	row(m, 18, 6800000, true, TCP_PSH | TCP_ACK, 1, 518, 1448)->after = 1;
}

static void make_keepalive(struct made *m)
{
	make(m, CAUSE_KEEPALIVE_FAIL, SURE_CERTAIN);
	m->f.facts.runs = 18;
	m->f.has_kernel = true;
	m->f.kernel = (struct kernel_reset){.reason = "TCP_KEEPALIVE_TIMEOUT",
					    .state = "TCP_ESTABLISHED",
					    .pid = 123,
					    .comm = "nginx\033[2J"};
	clue(m, CLUE_PROBES, 18, 0, 0);
	handshake(m, 1, -9000 * (int64_t)SECOND);
	row(m, 4, -8999 * (int64_t)SECOND, false, TCP_PSH | TCP_ACK, 1, 1, 100);
	row(m, 5, -8998 * (int64_t)SECOND, true, TCP_ACK, 1, 101, 0);
	m->f.frame = 24;
	for (uint32_t i = 0; i < 18; i++)
		row(m, 6 + i, ((int)i - 18) * 75 * (int64_t)SECOND, true, TCP_ACK, 0, 101, 0)
		    ->keepalive = 1;
	row(m, 24, 0, true, TCP_RST | TCP_ACK, 1, 101, 0);
}

/* The client gave up after 100 ms; the answer took 110. */
static void make_abandoned(struct made *m)
{
	make(m, CAUSE_HANDSHAKE_ABANDONED, SURE_CERTAIN);
	m->f.src = addr_v4(198, 51, 100, 2);
	m->f.dst = addr_v4(192, 0, 2, 7);
	m->f.sport = 40112;
	m->f.dport = 80;
	m->f.sender = SENDER_CLIENT;
	m->f.provoked_by = 16;
	m->f.facts.handshake_ns = 110 * MS - 40000;
	m->f.facts.answer_ns = 40000;
	clue(m, CLUE_HANDSHAKE, 110, 0, 0);
	row(m, 15, -110 * (int64_t)MS, true, TCP_SYN, 0, 0, 0)->win = 64240;
	row(m, 16, -40000, false, TCP_SYN | TCP_ACK, 0, 1, 0)->win = 65160;
	row(m, 17, 0, true, TCP_RST, 1, 0, 0);
}

static void make_middlebox(struct made *m)
{
	make(m, CAUSE_MIDDLEBOX_IDLE, SURE_POSSIBLE);
	m->f.origin = ORIGIN_MIDDLEBOX;
	m->f.facts.gap_ns = 350 * SECOND;
	m->f.tunnel = "VXLAN";
	clue(m, CLUE_GAP, 350000, 0, 0);
	clue(m, CLUE_IDLE_TIMER, 350, 0, 0);
	clue(m, CLUE_BOTH_SIDES, 0, 0, 19);
	clue(m, CLUE_HOPS, 1, 12, 0);
	row(m, 15, -350 * (int64_t)SECOND - 500000, true, TCP_PSH | TCP_ACK, 9000, 801, 1448);
	row(m, 16, -350 * (int64_t)SECOND, false, TCP_ACK, 801, 10448, 0);
	row(m, 17, 0, true, TCP_RST | TCP_ACK, 10448, 801, 0);
}

static void make_after_close(struct made *m)
{
	make(m, CAUSE_DATA_AFTER_CLOSE, SURE_CERTAIN);
	m->f.severity = SEVERITY_PROBLEM;
	m->f.provoked_by = 16;
	m->f.bytes_lost = 1;
	m->f.followers = 1;
	row(m, 14, -1000 * (int64_t)MS, true, TCP_FIN | TCP_ACK, 1, 1, 0);
	row(m, 15, -999 * (int64_t)MS, false, TCP_ACK, 1, 2, 0);
	row(m, 16, -50000, false, TCP_PSH | TCP_ACK, 1, 2, 1);
	row(m, 17, 0, true, TCP_RST, 2, 0, 0);
}

/* Its trigger is not among the segments kept, and both ends have one address. */
static void make_abort(struct made *m)
{
	make(m, CAUSE_ABORT_CLOSE, SURE_POSSIBLE);
	m->f.severity = SEVERITY_PROBLEM;
	m->f.src = m->f.dst = addr_v4(127, 0, 0, 1);
	m->f.sender = SENDER_UNKNOWN;
	m->f.outcome = OUTCOME_CHALLENGED;
	m->f.provoked_by = 3;
	m->f.also[0] = CAUSE_UNREAD_DATA_CLOSE;
	m->f.also[1] = CAUSE_ABORT_LINGER;
	m->f.also[2] = CAUSE_SOCK_DESTROY;
	m->f.row = &cause_rows[0];
	clue(m, CLUE_CHALLENGE, 0, 0, 18);
	row(m, 16, -10 * (int64_t)MS, true, TCP_PSH | TCP_ACK, 1, 1, 10)->repeat = 1;
	row(m, 17, 0, true, TCP_RST | TCP_ACK, 11, 1, 0);
	row(m, 18, 20000, false, TCP_ACK, 1, 11, 0)->after = 1;
}

/* --- pages ------------------------------------------------------------------------ */

static const char *const files[] = {"client.pcap", "server.pcap"};

static void give(struct paper *p, const struct made *m)
{
	p->report->sink.reset(p->report->sink.ctx, &m->f);
}

static const struct run_info run_one = {.command = "explain", .files = files, .n_files = 1};
static const struct run_info run_two = {.command = "explain", .files = files, .n_files = 2};

static void expect_page(void (*make_it)(struct made *), unsigned width, const char *want)
{
	const struct report_style style = {.width = width};
	struct made m;
	struct paper p;

	make_it(&m);
	paper_open(&p, report_text_new, &run_one, &style);
	give(&p, &m);
	assert_string_equal(paper_end(&p), want);
	free(p.text);
}

/* --- word for word ---------------------------------------------------------------- */

static void test_unread_data(void **state)
{
	(void)state;
	expect_page(
	    make_unread, 80,
	    "FRAME 17       problem     unread-data-close (likely)\n"
	    "  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"
	    "  The server closed the connection with data unread: its window jumped from\n"
	    "  4,100 octets to 64 kB in the RST, as when a queue of unread data is purged,\n"
	    "  and the server acknowledged the client's last 5,000 octets of payload and\n"
	    "  never answered them. The client gets ECONNRESET on its next read or write,\n"
	    "  then EPIPE (and SIGPIPE); 1,200 octets were never acknowledged.\n"
	    "  18 more RSTs follow from this one. 4 connections of 192.0.2.7 were reset\n"
	    "  within 137 us: a process that ended, or a failover.\n"
	    "  abort-linger fits too and can't be ruled out from here; to be told apart by\n"
	    "  its sender's host: nstat TcpExtTCPAbortOnClose against TcpExtTCPAbortOnData.\n"
	    "  - the capture began after the connection\n"
	    "  Hint: Read to the end before close(), or shutdown(SHUT_WR) and drain; a crash\n"
	    "  or kill looks the same.\n"
	    "\n"
	    "                client 198.51.100.2:40112       server 192.0.2.7:80\n"
	    "  12  -2.40 ms  |- S 0:0(0) win 64240 --------------------------->|\n"
	    "  13  -2.00 ms  |<- S. 0:0(0) ack 1 win 65160 --------------------|\n"
	    "  14  -1.98 ms  |- . 1:1(0) ack 1 ------------------------------->|\n"
	    "  15  -1.90 ms  |- P. 1:5001(5000) ack 1 ------------------------>|\n"
	    "  16  -1.20 ms  |<- . 1:1(0) ack 5001 win 32 ---------------------|\n"
	    "  17         0  |<- R. 1:1(0) ack 5001 win 501 -------------------|  << RESET\n"
	    "  18    +90 us  |- P. 5001:6201(1200) ack 1 --------------------->|\n");
}

static void test_refused(void **state)
{
	(void)state;
	expect_page(
	    make_refused, 0,
	    "FRAME 17       problem     refused (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"
	    "  The server refuses the connection: no process listens on its port 80, and the\n"
	    "  SYN (frame 16) drew this RST. The client gets ECONNREFUSED from connect().\n"
	    "  firewall-reject fits too and can't be ruled out from here; to be told apart by\n"
	    "  the server: a firewall of its own counts what it rejects (nft list ruleset).\n"
	    "  Hint: Is the service running, on this address and port (ss -ltn)? A container\n"
	    "  or NAT mapping may point elsewhere.\n"
	    "\n"
	    "              client 198.51.100.2:40112         server 192.0.2.7:80\n"
	    "  16  -80 us  |- S 0:0(0) win 64240 ----------------------------->|  << provoked\n"
	    "  17       0  |<- R. 0:0(0) ack 1 --------------------------------|  << RESET\n");
}

static void test_half_open_of_long_addresses_in_60_columns(void **state)
{
	(void)state;
	expect_page(make_half_open, 60,
		    "FRAME 17       problem     half-open (likely)\n"
		    "  2026-11-20 12:00:00.123456Z\n"
		    "  server [2001:db8:85a3:8a2e:1234:5678:9abc:def0]:80 >\n"
		    "  client [2001:db8:85a3:8a2e:1234:5678:9abc:def1]:40112\n"
		    "  The server no longer knows the connection, though it never\n"
		    "  closed it: it resets the client's keep-alive probe (frame\n"
		    "  16), 59 min 50 s after its own last segment. The client\n"
		    "  gets ECONNRESET on its next read or write, then EPIPE (and\n"
		    "  SIGPIPE).\n"
		    "  - the silence fits a timer of 60 min, the default of Cisco\n"
		    "    ASA, Palo Alto, FortiGate\n"
		    "  Hint: It rebooted, its process died unseen, or a load\n"
		    "  balancer, NAT or failover lost the state; compare the\n"
		    "  silence with idle timers.\n"
		    "\n"
		    "                    client                         server\n"
		    "  12       -60 min  |- S 0:0(0) win 64240 ------------->|\n"
		    "  13       -60 min  |<- S. 0:0(0) ack 1 win 65160 ------|\n"
		    "  14       -60 min  |- . 1:1(0) ack 1 ----------------->|\n"
		    "                    |           ... 10 s ...            |\n"
		    "  15  -59 min 50 s  |<- P. 1:101(100) ack 1 ------------|\n"
		    "                    |        ... 59 min 50 s ...        |\n"
		    "  16        -80 us  |- . 0:0(0) ack 101 keep-alive ---->| <<\n"
		    "  17             0  |<- R 101:101(0) -------------------| <<\n");
}

static void test_forged_without_isns_and_with_hostile_text(void **state)
{
	(void)state;
	expect_page(
	    make_injected, 100,
	    "FRAME 17       suspicious  injected-race (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  192.0.2.7:80 > 198.51.100.2:40112\n"
	    "  Somebody else sent it in 192.0.2.7's name: 192.0.2.7 went on sending after it, as "
	    "if nothing had\n"
	    "  been, and it travelled 12 hops, 192.0.2.7's other packets 3. 198.51.100.2 ignored "
	    "it: the\n"
	    "  connection goes on.\n"
	    "  The RST carries text: \"?[31mevil?FRAME 18 %s %n \"x\"\"\n"
	    "  - it came 90 us after what provoked it, and the round trip to 192.0.2.7 takes 6.8 "
	    "ms (frame 15)\n"
	    "  - it copies the IP ID and window of 198.51.100.2's segment (frame 15)\n"
	    "  - it came after the first data\n"
	    "  Hint: Some device on the way forges RSTs: compare TTLs along the path.\n"
	    "\n"
	    "                198.51.100.2:40112                                  192.0.2.7:80\n"
	    "  15    -90 us  |- P. 3735928560:3735929077(517) ack 4000000001 -------------->|  << "
	    "provoked\n"
	    "  17         0  |<- R. 4000000001:4000000001(0) ack 3735929077 ----------------|  << "
	    "RESET\n"
	    "  18  +6.80 ms  |<- P. 4000000001:4000001449(1448) ack 3735929077 -------------|\n");
}

static void test_keepalives_with_the_middle_left_out(void **state)
{
	(void)state;
	expect_page(
	    make_keepalive, 80,
	    "FRAME 24       problem     keepalive-fail (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"
	    "  The server gave the connection up: 18 keep-alive probes to the client stayed\n"
	    "  unanswered. The server gets ETIMEDOUT.\n"
	    "  The kernel of the server says TCP_KEEPALIVE_TIMEOUT in state TCP_ESTABLISHED\n"
	    "  (pid 123, nginx?[2J).\n"
	    "  Hint: The peer is dead, or a NAT or firewall between has forgotten the\n"
	    "  connection.\n"
	    "\n"
	    "                   client 198.51.100.2:40112    server 192.0.2.7:80\n"
	    "   1  -2 h 30 min  |- S 0:0(0) win 64240 ------------------------>|\n"
	    "   2  -2 h 30 min  |<- S. 0:0(0) ack 1 win 65160 -----------------|\n"
	    "   3  -2 h 30 min  |- . 1:1(0) ack 1 ---------------------------->|\n"
	    "                   |             ... 12 segments ...              |\n"
	    "  16      -10 min  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  17       -525 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  18       -450 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  19       -375 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  20       -300 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  21       -225 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  22       -150 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "  23      -75.0 s  |<- . 0:0(0) ack 101 keep-alive ---------------|\n"
	    "                   |                 ... 75 s ...                 |\n"
	    "  24            0  |<- R. 1:1(0) ack 101 -------------------------|  << RESET\n");
}

static void test_a_client_is_drawn_left(void **state)
{
	(void)state;
	expect_page(
	    make_abandoned, 80,
	    "FRAME 17       problem     handshake-abandoned (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  client 198.51.100.2:40112 > server 192.0.2.7:80\n"
	    "  The client gave up connecting: it reset the server's SYN-ACK (frame 16) 110 ms\n"
	    "  after its SYN, when nobody waited for it any more. The client gets ETIMEDOUT.\n"
	    "  Hint: Raise the client's connect time-out, or find what delays or loses the\n"
	    "  handshake.\n"
	    "\n"
	    "               client 198.51.100.2:40112        server 192.0.2.7:80\n"
	    "  15  -110 ms  |- S 0:0(0) win 64240 ---------------------------->|\n"
	    "  16   -40 us  |<- S. 0:0(0) ack 1 win 65160 ---------------------|  << provoked\n"
	    "  17        0  |- R 1:1(0) -------------------------------------->|  << RESET\n");
}

static void test_a_timer_of_a_box(void **state)
{
	(void)state;
	expect_page(
	    make_middlebox, 80,
	    "FRAME 17       problem     middlebox-idle (possible)\n"
	    "  2026-11-20 12:00:00.123456Z\n"
	    "  server 192.0.2.7:80 > client 198.51.100.2:40112 in VXLAN\n"
	    "  Perhaps a box between reset the idle connection in the server's name after\n"
	    "  350 s of silence: the silence fits a timer of 350 s, the default of AWS NLB\n"
	    "  and NAT gateway, and the other direction was reset within a second, too. The\n"
	    "  client gets ECONNRESET on its next read or write, then EPIPE (and SIGPIPE).\n"
	    "  - it travelled 1 hop, the server's other packets 12\n"
	    "  Hint: Raise its idle timer or send keep-alives more often than that.\n"
	    "\n"
	    "              client 198.51.100.2:40112         server 192.0.2.7:80\n"
	    "  15  -350 s  |<- P. 9000:10448(1448) ack 801 --------------------|\n"
	    "  16  -350 s  |- . 801:801(0) ack 10448 ------------------------->|\n"
	    "              |                   ... 350 s ...                   |\n"
	    "  17       0  |<- R. 10448:10448(0) ack 801 ----------------------|  << RESET\n");
}

static void test_data_after_close(void **state)
{
	(void)state;
	expect_page(
	    make_after_close, 80,
	    "FRAME 17       problem     data-after-close (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"
	    "  The server had closed the connection, but the client went on writing (frame\n"
	    "  16): nobody is there to read it. The client writes once more without an error,\n"
	    "  then gets EPIPE (and SIGPIPE); 1 octet was never acknowledged.\n"
	    "  1 more RST follows from this one.\n"
	    "  Hint: The writer overlooked the end of file: read() gave 0 before. A TLS\n"
	    "  close_notify here is harmless.\n"
	    "\n"
	    "               client 198.51.100.2:40112        server 192.0.2.7:80\n"
	    "  14  -1.00 s  |<- F. 1:1(0) ack 1 -------------------------------|\n"
	    "  15  -999 ms  |- . 1:1(0) ack 2 -------------------------------->|\n"
	    "  16   -50 us  |- P. 1:2(1) ack 2 ------------------------------->|  << provoked\n"
	    "  17        0  |<- R 2:2(0) --------------------------------------|  << RESET\n");
}

static void test_what_cannot_be_told_and_a_trigger_out_of_sight(void **state)
{
	(void)state;
	expect_page(
	    make_abort, 80,
	    "FRAME 17       problem     abort-close (possible)\n"
	    "  2026-11-20 12:00:00.123456Z  127.0.0.1:80 > 127.0.0.1:40112\n"
	    "  127.0.0.1:80 aborted the connection instead of closing it: by close() with\n"
	    "  data unread, or with SO_LINGER 0. 127.0.0.1:40112 does not take it as it is\n"
	    "  and challenges it (RFC 5961).\n"
	    "  unread-data-close, abort-linger and sock-destroy fit equally well from here;\n"
	    "  to be told apart by its sender's host: nstat TcpExtTCPAbortOnClose (unread)\n"
	    "  against TcpExtTCPAbortOnData.\n"
	    "  Hint: Why does it not close in order: data left unread, SO_LINGER 0, a crash?\n"
	    "\n"
	    "                127.0.0.1:40112                        127.0.0.1:80\n"
	    "  16  -10.0 ms  |<- P. 1:11(10) ack 1 again ----------------------|\n"
	    "  17         0  |<- R. 11:11(0) ack 1 ----------------------------|  << RESET\n"
	    "  18    +20 us  |- . 1:1(0) ack 11 ------------------------------>|\n");
}

/* --- what is shown ------------------------------------------------------------------ */

static bool fits(const char *text, size_t width)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > width)
			return false;
	return true;
}

static void (*const makers[])(struct made *) = {make_unread,	make_refused,	  make_half_open,
						make_injected,	make_keepalive,	  make_abandoned,
						make_middlebox, make_after_close, make_abort};

static void test_every_page_fits_its_width(void **state)
{
	static const unsigned widths[] = {60, 80, 100, 200};

	(void)state;
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
			const struct report_style style = {.width = widths[w]};
			struct made m;
			struct paper p;

			makers[i](&m);
			paper_open(&p, report_text_new, &run_one, &style);
			give(&p, &m);
			assert_true(fits(paper_end(&p), widths[w]));
			for (const char *s = p.text; *s; s++)
				assert_true(*s == '\n' || (*s >= ' ' && *s <= '~'));
			free(p.text);
		}
	}
}

static void test_colour_adds_nothing_but_colour(void **state)
{
	struct report_style style = {.color = true};
	struct paper p, plain;
	struct made m;
	char *to;

	(void)state;
	make_refused(&m);
	paper_open(&p, report_text_new, &run_one, &style);
	give(&p, &m);
	paper_end(&p);
	assert_non_null(strstr(p.text, "\033[31mproblem\033[0m     \033[1mrefused\033[0m (cert"));
	assert_non_null(strstr(p.text, "\n  \033[31m17       0  |<- R."));
	assert_non_null(strstr(p.text, "  << RESET\033[0m\n"));
	assert_non_null(strstr(p.text, "\n  \033[33m16  -80 us  |- S "));
	style.color = false;
	paper_open(&plain, report_text_new, &run_one, &style);
	give(&plain, &m);
	paper_end(&plain);
	to = p.text;
	for (const char *s = p.text; *s; s++) {
		if (*s == '\033')
			s = strchr(s, 'm');
		else
			*to++ = *s;
	}
	*to = 0;
	assert_string_equal(p.text, plain.text);
	free(p.text);
	free(plain.text);
}

static void make_follower(struct made *m, uint32_t frame)
{
	make(m, CAUSE_AFTER_RESET, SURE_CERTAIN);
	m->f.frame = frame;
	m->f.root = 17;
}

static const char *page_of_all(const struct run_info *run, const struct report_style *style,
			       struct paper *p)
{
	struct made m;

	paper_open(p, report_text_new, run, style);
	make_refused(&m);
	m.f.n_ladder = 0;
	m.f.also[0] = CAUSE_UNKNOWN;
	give(p, &m);
	make_follower(&m, 18);
	give(p, &m);
	make_follower(&m, 19);
	m.f.cause = CAUSE_DUP_FRAME;
	m.f.file = 1;
	give(p, &m);
	make(&m, CAUSE_LATE_AFTER_CLOSE, SURE_CERTAIN);
	m.f.frame = 20;
	m.f.file = 1;
	give(p, &m);
	return paper_end(p);
}

#define REFUSED_PAGE                                                                               \
	"  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"         \
	"  The server refuses the connection: no process listens on its port 80, and the\n"        \
	"  SYN (frame 16) drew this RST. The client gets ECONNREFUSED from connect().\n"           \
	"  Hint: Is the service running, on this address and port (ss -ltn)? A container\n"        \
	"  or NAT mapping may point elsewhere.\n"

/* The harmless is only counted, and what follows from another is a line at most. */
static void test_what_is_shown(void **state)
{
	struct report_style style = {.width = 80};
	struct paper p;

	struct made m;

	(void)state;
	make(&m, CAUSE_ABORT_IDLE, SURE_CERTAIN);
	assert_int_equal(m.f.severity, SEVERITY_NOTICE);
	paper_open(&p, report_text_new, &run_one, &style);
	give(&p, &m);
	assert_string_equal(paper_end(&p), "");
	free(p.text);
	assert_string_equal(page_of_all(&run_one, &style, &p),
			    "FRAME 17       problem     refused (certain)\n" REFUSED_PAGE);
	free(p.text);
	style.all = true;
	assert_string_equal(
	    page_of_all(&run_two, &style, &p),
	    "FRAME client.pcap:17      problem     refused (certain)\n" REFUSED_PAGE "\n"
	    "FRAME client.pcap:18      benign      after-reset (certain), follows frame 17\n"
	    "FRAME server.pcap:19      benign      dup-frame (certain), of frame client.pcap:17\n"
	    "\n"
	    "FRAME server.pcap:20      benign      late-after-close (certain)\n"
	    "  2026-11-20 12:00:00.123456Z  server 192.0.2.7:80 > client 198.51.100.2:40112\n"
	    "  The server had closed and forgotten the connection when the client's last\n"
	    "  segment came. The client notices nothing.\n"
	    "  Hint: Harmless.\n");
	free(p.text);
	style.summary_only = true;
	assert_string_equal(page_of_all(&run_two, &style, &p), "");
	free(p.text);
}

static void test_verbose_names_the_rule(void **state)
{
	const struct report_style style = {.verbose = true, .width = 200};
	struct cause_row because = {.because = "the reason"};
	struct paper p;
	struct made m;

	(void)state;
	make_refused(&m);
	m.f.row = &because;
	paper_open(&p, report_text_new, &run_one, &style);
	give(&p, &m);
	assert_non_null(strstr(paper_end(&p), "\n  Rule: the reason (RFC 9293, 3.10.7.1)\n\n"));
	free(p.text);
}

/* --- words ------------------------------------------------------------------------ */

static void expect_sentence(const struct made *m, enum reset_sentence which, const char *want)
{
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	reset_words(&t, &m->f, which);
	assert_string_equal(buf, want);
}

/* Whatever is known or not: a whole sentence, or none. */
static void check_sentences(const struct made *m)
{
	for (int which = 0; which < RESET_SENTENCES; which++) {
		char buf[RESET_WORDS_MAX];
		struct text t = text_of(buf, sizeof(buf));

		reset_words(&t, &m->f, (enum reset_sentence)which);
		assert_false(t.cut);
		assert_null(strpbrk(buf, "[]%\n"));
		assert_null(strstr(buf, "(null)"));
		assert_null(strstr(buf, "  "));
		if (which == SAYS_WHAT || which == SAYS_ADVICE)
			assert_true(t.len > 8);
		if (t.len)
			assert_non_null(strchr(".?\"", buf[t.len - 1]));
	}
}

static void test_every_cause_has_sentences(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		for (int sender = SENDER_UNKNOWN; sender <= SENDER_SERVER; sender++) {
			struct made m;

			make(&m, (enum cause)c, SURE_POSSIBLE);
			m.f.sender = (enum sender)sender;
			check_sentences(&m);
			m.f.facts.bits[0] = m.f.facts.bits[1] = UINT64_MAX;
			m.f.facts.gap_ns = m.f.facts.x_gap_ns = 60 * SECOND;
			m.f.facts.answer_ns = m.f.facts.handshake_ns = 110 * MS;
			m.f.facts.runs = 3;
			m.f.provoked_by = 16;
			m.f.root = 15;
			m.f.bytes_lost = 70000;
			m.f.also[0] = CAUSE_REFUSED;
			check_sentences(&m);
		}
	}
}

static void test_every_clue_of_a_reset_has_its_clause(void **state)
{
	struct made m;

	(void)state;
	make(&m, CAUSE_UNKNOWN, SURE_POSSIBLE);
	for (int id = CLUE_HOPS; id <= CLUE_SEGMENTS_LOST; id++) {
		const struct clue c = {.id = (enum clue_id)id, .a = 3, .b = 13};
		char told[RESET_WORDS_MAX], alone[RESET_WORDS_MAX];
		struct text t = text_of(told, sizeof(told));

		reset_words_clue(&t, &m.f, &c);
		assert_true(t.len > 5);
		assert_null(strpbrk(told, "%[]\n"));
		assert_int_not_equal(told[t.len - 1], '.');
		assert_null(strstr(told, "the sender"));
		report_clue(alone, sizeof(alone), &c);
		assert_true(strlen(alone) > 5);
		assert_null(strstr(alone, "the server"));
	}
}

static void expect_clue(enum clue_id id, uint32_t a, uint32_t b, const char *want)
{
	char buf[256];

	report_clue(buf, sizeof(buf), &(struct clue){.id = id, .a = a, .b = b});
	assert_string_equal(buf, want);
}

static void test_clues_with_numbers(void **state)
{
	(void)state;
	expect_clue(CLUE_HOPS, 1, 12, "it travelled 1 hop, the sender's other packets 12");
	expect_clue(CLUE_TOO_FAST, 90, 6800,
		    "it came 90 us after what provoked it, and the round trip to the sender takes "
		    "6.8 ms");
	expect_clue(CLUE_IP_ID, 54321, 7,
		    "its IP ID 54321 is out of the sender's counter, which stood at 7");
	expect_clue(CLUE_IDLE_TIMER, 350, 0,
		    "the silence fits a timer of 350 s, the default of AWS NLB and NAT gateway");
	expect_clue(CLUE_IDLE_TIMER, 111, 0, "the silence fits a timer of 111 s");
	expect_clue(CLUE_COPIED, 2, 0, "it copies the window of the receiver's segment");
	expect_clue(CLUE_RAW_SYN, 1 | 4 | 16, 0,
		    "no kernel sends such a SYN as the sender's: no options, a fixed IP ID and a "
		    "RST of another shape");
	expect_clue(CLUE_MPTCP_REASON, 6, 0,
		    "its MPTCP option gives reason 6 (a middlebox interferes)");
	expect_clue(CLUE_MPTCP_REASON, 200, 0, "its MPTCP option gives reason 200");
	expect_clue(CLUE_PROBES, 1, 0, "1 keep-alive probe stayed unanswered");
	expect_clue(CLUE_GAP, 7200000, 0, "2 h of silence before");
}

static void test_effects(void **state)
{
	struct made m;

	(void)state;
	make(&m, CAUSE_HALF_OPEN, SURE_LIKELY);
	m.f.outcome = OUTCOME_IGNORED;
	m.f.bytes_lost = 9;
	expect_sentence(&m, SAYS_EFFECT,
			"The client ignored it: the connection goes on; 9 octets were never "
			"acknowledged.");
	make(&m, CAUSE_HALF_OPEN, SURE_LIKELY);
	memset(m.f.sees, 0, sizeof(m.f.sees));
	expect_sentence(&m, SAYS_EFFECT, "");
	m.f.bytes_lost = 64000;
	expect_sentence(&m, SAYS_EFFECT, "64 kB were never acknowledged.");
	m.f.origin = ORIGIN_MIDDLEBOX;
	expect_sentence(&m, SAYS_ORIGIN,
			"It was not the server that sent it, but a box between in its name.");
	m.f.cause = CAUSE_INJECTED_RACE;
	expect_sentence(&m, SAYS_ORIGIN, "");
}

static void test_kernel(void **state)
{
	struct made m;

	(void)state;
	make(&m, CAUSE_HALF_OPEN, SURE_LIKELY);
	expect_sentence(&m, SAYS_KERNEL, "");
	m.f.has_kernel = true;
	memset(m.f.kernel.reason, 'R', sizeof(m.f.kernel.reason)); /* no 0 behind it */
	memset(m.f.kernel.comm, '\n', sizeof(m.f.kernel.comm));
	m.f.kernel.pid = 7;
	expect_sentence(
	    &m, SAYS_KERNEL,
	    "The kernel of the server says RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR (pid "
	    "7, ???????????????\?).");
	m.f.kernel = (struct kernel_reset){.reason = "TCP_ABORT_ON_CLOSE", .state = "TCP_CLOSE"};
	expect_sentence(&m, SAYS_KERNEL,
			"The kernel of the server says TCP_ABORT_ON_CLOSE in state TCP_CLOSE: the "
			"socket was closed while received data were still unread.");
	m.f.kernel = (struct kernel_reset){.state = "TCP_CLOSE"};
	expect_sentence(&m, SAYS_KERNEL,
			"The kernel of the server gives no reason in state TCP_CLOSE.");
}

static void expect_duration(uint64_t ns, const char *want)
{
	char buf[40];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_duration(&t, ns);
	assert_string_equal(buf, want);
}

static void test_durations(void **state)
{
	(void)state;
	expect_duration(0, "0 us");
	expect_duration(400, "0.4 us");
	expect_duration(137000, "137 us");
	expect_duration(999600, "1 ms");
	expect_duration(6800000, "6.8 ms");
	expect_duration(110 * MS, "110 ms");
	expect_duration(999600000, "1 s");
	expect_duration(63024 * MS, "63 s");
	expect_duration(100 * SECOND, "100 s");
	expect_duration(599600 * MS, "10 min");
	expect_duration(605 * SECOND, "10 min 5 s");
	expect_duration(7200 * SECOND, "2 h");
	expect_duration(7860 * SECOND, "2 h 11 min");
	expect_duration(UINT64_MAX, "5124095 h 34 min");
}

static void expect_octets(uint64_t n, const char *want)
{
	char buf[40];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_octets(&t, n);
	assert_string_equal(buf, want);
}

static void test_octets(void **state)
{
	(void)state;
	expect_octets(0, "0 octets");
	expect_octets(1, "1 octet");
	expect_octets(9999, "9,999 octets");
	expect_octets(10000, "10 kB");
	expect_octets(999499, "999 kB");
	expect_octets(999500, "1.0 MB");
	expect_octets(UINT32_MAX, "4.3 GB");
}

/* --- the ladder --------------------------------------------------------------------- */

static void expect_label(struct made *m, size_t at, size_t room, const char *want)
{
	char buf[LADDER_TEXT];
	struct text t = text_of(buf, sizeof(buf));

	ladder_label(&t, &m->f, &m->ladder[at], room);
	assert_string_equal(buf, want);
}

static void test_labels(void **state)
{
	struct made m;
	struct seen *s;

	(void)state;
	make(&m, CAUSE_HALF_OPEN, SURE_LIKELY);
	s = row(&m, 1, -1, true, TCP_PSH | TCP_ACK, 4294967295u, 5, 1);
	s->win = 0;
	s->repeat = 1;
	expect_label(&m, 0, 80, "P. -1:0(1) ack 5 win 0 again");
	expect_label(&m, 0, 27, "P. -1:0(1) ack 5 again");
	expect_label(&m, 0, 21, "P. -1:0(1) ack 5");
	expect_label(&m, 0, 15, "P. -1(1) ack 5");
	expect_label(&m, 0, 3, "P. -1(1) ack 5");
	/* before the ISN by far: another connection's number, as it is on the wire */
	s->seq = 5000u - 2000000u;
	expect_label(&m, 0, 80, "P. 4292972296:4292972297(1) ack 5 win 0 again");
	m.f.has_isn_x = false;
	s->seq = 7;
	expect_label(&m, 0, 80, "P. 7:8(1) ack 5 win 0 again");
	s->win = 5;
	s->repeat = 0;
	expect_label(&m, 0, 80, "P. 7:8(1) ack 5");
	clue(&m, CLUE_WINDOW_GREW, 1, 2, 0);
	expect_label(&m, 0, 80, "P. 7:8(1) ack 5 win 5");
}

/* The guilty pair is there, however far apart, and what is not shown is counted. */
static void test_rows(void **state)
{
	for (size_t n = 0; n <= LADDER_MAX; n++) {
		for (size_t rst = 0; rst < n; rst++) {
			struct ladder_row rows[LADDER_ROWS];
			size_t shown = 0, hidden = 0, n_rows;
			bool has_rst = false, has_trigger = false;
			struct made m;

			make(&m, CAUSE_HALF_OPEN, SURE_LIKELY);
			for (size_t i = 0; i < n; i++)
				row(&m, (uint32_t)i + 100, (int64_t)i * 3 * (int64_t)SECOND, false,
				    TCP_ACK, 1, 1, 0);
			m.f.rst_at = (int)rst;
			m.f.trigger_at = (int)(rst / 2);
			n_rows = ladder_pick(&m.f, rows);
			assert_true(n_rows <= LADDER_ROWS);
			for (size_t i = 0; i < n_rows; i++) {
				shown += rows[i].kind == LADDER_SEGMENT;
				hidden += rows[i].kind == LADDER_LEFT_OUT ? rows[i].left_out : 0;
				if (rows[i].kind != LADDER_SEGMENT)
					continue;
				has_rst |= rows[i].at == rst;
				has_trigger |= rows[i].at == rst / 2;
			}
			assert_true(has_rst && has_trigger);
			assert_true(shown <= LADDER_SEGMENTS);
			assert_int_equal(shown + hidden, n);
		}
	}
	(void)state;
}

/* --- the end ------------------------------------------------------------------------ */

static struct explain_summary summary_make(void)
{
	return (struct explain_summary){
	    .frames = 12345,
	    .tcp = 12000,
	    .flows = 420,
	    .first_ns = NOON,
	    .last_ns = NOON + 300 * SECOND,
	    .unknown_linktype = -1,
	};
}

static const char *page_of_end(struct paper *p, const struct explain_record *r,
			       const struct report_style *style)
{
	paper_open(p, report_text_new, &run_one, style);
	p->report->sink.explained(p->report->sink.ctx, r);
	return paper_end(p);
}

static void test_no_reset_at_all(void **state)
{
	const struct report_style style = {0};
	struct explain_summary sum = summary_make();
	const struct explain_record r = {.sum = &sum, .complete = true, .kernel = ""};
	struct paper p;

	(void)state;
	assert_string_equal(
	    page_of_end(&p, &r, &style),
	    "No RST in 12,345 frames (12,000 of TCP, 420 connections) over 300 s.\n");
	free(p.text);
	sum.tcp = sum.flows = 0;
	sum.frames = 1;
	sum.last_ns = sum.first_ns;
	assert_string_equal(page_of_end(&p, &r, &style),
			    "No TCP, and so no RST, in 1 frame (0 of TCP, 0 connections).\n");
	free(p.text);
}

static struct explain_summary summary_full(void)
{
	struct explain_summary sum = summary_make();

	sum.resets = 1030;
	sum.by_cause[CAUSE_REFUSED] = 1;
	sum.weighed[SEVERITY_PROBLEM][CAUSE_REFUSED] = 1;
	sum.by_cause[CAUSE_HALF_OPEN] = 3;
	sum.weighed[SEVERITY_PROBLEM][CAUSE_HALF_OPEN] = 3;
	sum.by_cause[CAUSE_INJECTED_RACE] = 1;
	sum.weighed[SEVERITY_SUSPICIOUS][CAUSE_INJECTED_RACE] = 1;
	sum.by_cause[CAUSE_ABORT_IDLE] = 1000;
	sum.weighed[SEVERITY_NOTICE][CAUSE_ABORT_IDLE] = 1000;
	sum.by_cause[CAUSE_LATE_AFTER_CLOSE] = 2;
	sum.weighed[SEVERITY_BENIGN][CAUSE_LATE_AFTER_CLOSE] = 2;
	sum.by_cause[CAUSE_AFTER_RESET] = 23;
	sum.weighed[SEVERITY_BENIGN][CAUSE_AFTER_RESET] = 23;
	sum.by_severity[SEVERITY_PROBLEM] = 4;
	sum.by_severity[SEVERITY_SUSPICIOUS] = 1;
	sum.by_severity[SEVERITY_NOTICE] = 1000;
	sum.by_severity[SEVERITY_BENIGN] = 2;
	sum.idle[0].seconds = 350;
	sum.idle[0].n = 1;
	sum.idle[1].seconds = 60;
	sum.idle[1].n = 900;
	sum.idle[2].seconds = 111;
	sum.idle[2].n = 90;
	return sum;
}

static void test_summary(void **state)
{
	const struct report_style style = {0};
	const struct explain_summary sum = summary_full();
	const struct explain_record r = {
	    .sum = &sum, .complete = true, .shown = 1030, .matched = 1030};
	struct paper p;

	(void)state;
	assert_string_equal(
	    page_of_end(&p, &r, &style),
	    "1,030 RSTs in 12,345 frames (12,000 of TCP, 420 connections) over 300 s: 4\n"
	    "  problems, 1 suspicious, 1,000 notices, 2 benign, 23 that follow from others or\n"
	    "  are their copies.\n"
	    "1,002 RSTs are only counted (notices and benign): --all shows them.\n"
	    "\n"
	    "SEVERITY    RSTS  CAUSE                WHAT HAPPENED\n"
	    "problem        3  half-open            the other end no longer knows the\n"
	    "                                       connection, and nobody had said so\n"
	    "problem        1  refused              nobody listens on the port\n"
	    "suspicious     1  injected-race        a third party sent it in the endpoint's\n"
	    "                                       name, and the endpoint went on\n"
	    "notice      1000  abort-idle           it aborted a connection that had been\n"
	    "                                       silent\n"
	    "benign        23  after-reset          an answer to what was in flight when it\n"
	    "                                       was reset\n"
	    "benign         2  late-after-close     an ACK or FIN came after both had\n"
	    "                                       finished\n"
	    "\n"
	    "Silence before RSTs, as an idle timer would leave it:\n"
	    "          60 s     900  ############################## (default of AWS ALB)\n"
	    "         111 s      90  ###\n"
	    "         350 s       1  # (default of AWS NLB and NAT gateway)\n");
	free(p.text);
}

static void test_summary_names_what_is_missing(void **state)
{
	const struct report_style style = {.summary_only = true, .width = 200};
	struct explain_summary sum = summary_full();
	struct explain_record r = {.sum = &sum,
				   .kernel = "permission denied (needs CAP_PERFMON)",
				   .dropped = 1,
				   .shown = 3,
				   .matched = 1030,
				   .why = "client.pcap: cut off in frame 12346"};
	const char *text;
	struct paper p;

	(void)state;
	memset(sum.idle, 0, sizeof(sum.idle));
	sum.evicted = 12;
	sum.expired = 1;
	sum.cut = 2;
	sum.bad_checksums = 5000;
	sum.duplicates = 3;
	sum.backwards = 4;
	sum.tunnelled = 6;
	sum.unknown_linktype = 127;
	sum.undecoded[DECODE_LINKTYPE] = 7;
	sum.undecoded[DECODE_TRUNCATED] = 8;
	sum.undecoded[DECODE_MALFORMED] = 1;
	sum.undecoded[DECODE_FRAGMENT] = 9;
	sum.undecoded[DECODE_OTHER] = 10;
	text = page_of_end(&p, &r, &style);
	assert_non_null(strstr(text, "copies.\n3 of 1,030 RSTs fit --cause and --flow; the table "
				     "counts all of them.\n\nSEVERITY"));
	assert_string_equal(
	    strstr(text, "finished\n"),
	    "finished\n"
	    "\n"
	    "The kernel's own word is missing: permission denied (needs CAP_PERFMON).\n"
	    "6 frames came in tunnels: the innermost TCP was read.\n"
	    "3 frames were captured twice and count once.\n"
	    "5,000 segments have a wrong checksum and were used all the same (offloading?).\n"
	    "4 time stamps ran backwards: the order of the frames counts.\n"
	    "8 frames were captured too short to be read: a larger snap length is needed.\n"
	    "1 frame contradicts itself and was not read.\n"
	    "9 fragments without a TCP header were passed over.\n"
	    "7 frames could not be read: unknown link type 127.\n"
	    "1 frame was lost by the capture: a RST may be missing.\n"
	    "12 connections were forgotten for want of room (--max-flows): their RSTs say "
	    "no-context.\n"
	    "1 connection was silent for so long that it was forgotten.\n"
	    "2 RSTs were judged before all that follows them was seen.\n"
	    "INCOMPLETE: client.pcap: cut off in frame 12346\n");
	free(p.text);
	r.kernel = "";
	sum.kernel_events = 3;
	sum.kernel_joined = 2;
	text = page_of_end(&p, &r, &style);
	assert_non_null(strstr(text,
			       "\nThe kernel told of 3 RSTs sent on this machine; 2 of them are "
			       "in this capture.\n"));
	free(p.text);
}

/* Found live, told live: nothing waits in a buffer for the end. */
static void test_findings_are_flushed(void **state)
{
	const struct report_style style = {0};
	struct explain_summary sum = summary_make();
	const struct explain_record r = {.sum = &sum, .complete = true};
	struct paper p;
	struct made m;
	size_t len;

	(void)state;
	make_refused(&m);
	paper_open(&p, report_text_new, &run_one, &style);
	give(&p, &m);
	len = p.len; /* open_memstream tells it at a flush */
	assert_true(len > 300);
	p.report->sink.explained(p.report->sink.ctx, &r);
	paper_end(&p);
	assert_int_equal(strncmp(p.text + len, "\nNo RST in", 10), 0);
	free(p.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unread_data),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_half_open_of_long_addresses_in_60_columns),
	    cmocka_unit_test(test_forged_without_isns_and_with_hostile_text),
	    cmocka_unit_test(test_keepalives_with_the_middle_left_out),
	    cmocka_unit_test(test_a_client_is_drawn_left),
	    cmocka_unit_test(test_a_timer_of_a_box),
	    cmocka_unit_test(test_data_after_close),
	    cmocka_unit_test(test_what_cannot_be_told_and_a_trigger_out_of_sight),
	    cmocka_unit_test(test_every_page_fits_its_width),
	    cmocka_unit_test(test_colour_adds_nothing_but_colour),
	    cmocka_unit_test(test_what_is_shown),
	    cmocka_unit_test(test_verbose_names_the_rule),
	    cmocka_unit_test(test_every_cause_has_sentences),
	    cmocka_unit_test(test_every_clue_of_a_reset_has_its_clause),
	    cmocka_unit_test(test_clues_with_numbers),
	    cmocka_unit_test(test_effects),
	    cmocka_unit_test(test_kernel),
	    cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_octets),
	    cmocka_unit_test(test_labels),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_no_reset_at_all),
	    cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_summary_names_what_is_missing),
	    cmocka_unit_test(test_findings_are_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
