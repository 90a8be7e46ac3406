/*
 * test_report_reset: what `explain` says, word for word. Findings are made by hand: a renderer has
 * none of its own, and the judge's are tested elsewhere.
 */
#include "unit.h"

#include "packet/segment.h"
#include "report/ladder.h"
#include "report/report.h"
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
	m->f.src = m->f.dst = (struct addr){.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, 0x85, 0xa3, 0x8a, 0x2e, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0}};
	m->f.dst.b[15] = 0xf1;
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
	m->f.kernel = (struct kernel_reset){.reason = "TCP_KEEPALIVE_TIMEOUT", .state = "TCP_ESTABLISHED", .pid = 123, .comm = "nginx"};
	clue(m, CLUE_PROBES, 18, 0, 0);
	handshake(m, 1, -9000 * (int64_t)SECOND);
	row(m, 4, -8999 * (int64_t)SECOND, false, TCP_PSH | TCP_ACK, 1, 1, 100);
	row(m, 5, -8998 * (int64_t)SECOND, true, TCP_ACK, 1, 101, 0);
	m->f.frame = 24;
	for (uint32_t i = 0; i < 18; i++)
		row(m, 6 + i, ((int)i - 18) * 75 * (int64_t)SECOND, true, TCP_ACK, 0, 101, 0)->keepalive = 1;
	row(m, 24, 0, true, TCP_RST | TCP_ACK, 1, 101, 0);
}

const char *kernel_reset_meaning(const struct kernel_reset *k)
{
	(void)k;
	return NULL;
}
int main(int argc, char **argv)
{
	static void (*const all[])(struct made *) = {make_unread, make_refused, make_half_open, make_injected, make_keepalive};
	static const char *files[] = {"client.pcap", "server.pcap"};
	struct run_info run = {.command = "explain", .files = files, .n_files = argc > 3 ? 2 : 1};
	struct report_style style = {.width = argc > 1 ? (unsigned)atoi(argv[1]) : 0, .verbose = argc > 2, .all=argc>2};
	struct report *r = report_text_new(stdout, &run, &style);
	struct explain_summary sum = {.frames=12345,.tcp=12000,.flows=420,.resets=23,.first_ns=NOON,.last_ns=NOON+300*SECOND,.idle={{350,3},{60,12},{61,1},{7200,1}}, .undecoded={[DECODE_LINKTYPE]=3,[DECODE_TRUNCATED]=1},.unknown_linktype=127,.evicted=12,.kernel_events=3,.kernel_joined=2};
	struct explain_record rec = {.sum=&sum,.complete=false,.why="client.pcap: cut off in frame 12346",.kernel="",.shown=3,.matched=23};
	struct err e;
	for (size_t i = 0; i < 5; i++) {
		struct made m;
		all[i](&m);
		sum.by_cause[m.f.cause]++;
		sum.by_severity[m.f.severity]++;
		r->sink.reset(r->sink.ctx, &m.f);
		if (!i) for (int k=0;k<2;k++) {
			struct made n;
			make(&n, CAUSE_AFTER_RESET, SURE_CERTAIN);
			n.f.frame=19+k;
			n.f.root=17;
			r->sink.reset(r->sink.ctx, &n.f);
			}
	}
	sum.by_cause[CAUSE_AFTER_RESET]=18;
	r->sink.explained(r->sink.ctx, &rec);
	r->close(r, &e);
	return 0;
}
