/*
 * resets: one finding a situation, with the packets that would show it. What they mean is said by
 * hand; whether a judge would say the same is not their business.
 */
#include "resets.h"

#include <string.h>

#include "packet/segment.h"

enum { ISN_CLIENT = 1000, ISN_SERVER = 900000 };

static void start(struct reset *r, enum cause cause, enum sender sender)
{
	struct finding *f = &r->f;

	memset(r, 0, sizeof(*r));
	f->src = addr_v4(192, 0, 2, 7);
	f->dst = addr_v4(192, 0, 2, 9);
	f->sport = 80;
	f->dport = 40112;
	f->sender = sender;
	if (sender == SENDER_CLIENT) {
		f->src = addr_v4(192, 0, 2, 9);
		f->dst = addr_v4(192, 0, 2, 7);
		f->sport = 40112;
		f->dport = 80;
	}
	f->wall_ns = RESETS_START_NS;
	f->cause = cause;
	f->severity = cause_infos[cause].severity;
	memcpy(f->sees, cause_infos[cause].sees, sizeof(f->sees));
	f->sees_at_sender = cause_infos[cause].sees_at_sender;
	f->sure = SURE_CERTAIN;
	f->ladder = r->ladder;
	f->rst_at = f->trigger_at = -1;
}

/* The next row: so many us after the first, from the RST's sender or from its receiver. */
static struct seen *row(struct reset *r, uint32_t at_us, bool from_x, uint16_t flags, uint32_t seq,
			uint32_t ack, uint32_t len)
{
	struct seen *s = &r->ladder[r->f.n_ladder++];

	*s = (struct seen){
	    .wall_ns = RESETS_START_NS + (uint64_t)at_us * 1000,
	    .frame = r->f.n_ladder > 1 ? s[-1].frame + 1 : 1,
	    .seq = seq,
	    .ack = ack,
	    .len = len,
	    .flags = flags,
	    .win = 502,
	    .ttl = 64,
	    .from_x = from_x,
	};
	return s;
}

/* The last row is what provoked it; and the RST behind it. */
static void provoked(struct reset *r)
{
	r->f.trigger_at = (int)r->f.n_ladder - 1;
	r->f.provoked_by = r->ladder[r->f.trigger_at].frame;
	fact_set(&r->f.facts, T_FOUND, true);
}

static void is_rst(struct reset *r, const struct seen *s)
{
	r->f.rst_at = (int)(s - r->ladder);
	r->f.frame = s->frame;
	r->f.wall_ns = s->wall_ns;
	r->f.facts.ttl = s->ttl;
	if (r->f.trigger_at >= 0)
		r->f.facts.answer_ns = s->wall_ns - r->ladder[r->f.trigger_at].wall_ns;
}

static void clue(struct reset *r, enum clue_id id, uint32_t a, uint32_t b, uint32_t frame)
{
	r->f.clues[r->f.n_clues++] = (struct clue){.id = id, .a = a, .b = b, .frame = frame};
}

/* SYN, SYN-ACK, ACK; X is the server or the client. */
static void handshake(struct reset *r)
{
	bool x = r->f.sender == SENDER_CLIENT;

	r->f.has_isn_x = r->f.has_isn_y = true;
	r->f.isn_x = x ? ISN_CLIENT : ISN_SERVER;
	r->f.isn_y = x ? ISN_SERVER : ISN_CLIENT;
	row(r, 0, x, TCP_SYN, ISN_CLIENT, 0, 0);
	row(r, 400, !x, TCP_SYN | TCP_ACK, ISN_SERVER, ISN_CLIENT + 1, 0);
	row(r, 450, x, TCP_ACK, ISN_CLIENT + 1, ISN_SERVER + 1, 0);
}

void reset_refused(struct reset *r)
{
	struct seen *s;

	start(r, CAUSE_REFUSED, SENDER_SERVER);
	row(r, 0, false, TCP_SYN, ISN_CLIENT, 0, 0);
	provoked(r);
	s = row(r, 110, true, TCP_RST | TCP_ACK, 0, ISN_CLIENT + 1, 0);
	s->win = 0;
	is_rst(r, s);
	r->f.has_isn_y = true;
	r->f.isn_y = ISN_CLIENT;
	r->f.origin = ORIGIN_ENDPOINT;
	r->f.outcome = OUTCOME_ACCEPTED;
}

void reset_unread(struct reset *r)
{
	struct seen *s;

	start(r, CAUSE_UNREAD_DATA_CLOSE, SENDER_SERVER);
	handshake(r);
	row(r, 600, false, TCP_PSH | TCP_ACK, ISN_CLIENT + 1, ISN_SERVER + 1, 5000);
	row(r, 700, true, TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 5001, 0)->win = 462;
	for (size_t i = 0; i < r->f.n_ladder; i++)
		r->ladder[i].frame += 11;
	s = row(r, 901, true, TCP_RST | TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 5001, 0);
	is_rst(r, s);
	r->f.sure = SURE_LIKELY;
	r->f.also[0] = CAUSE_ABORT_LINGER;
	r->f.origin = ORIGIN_ENDPOINT;
	r->f.outcome = OUTCOME_ACCEPTED;
	r->f.bytes_lost = 904;
	r->f.facts.gap_ns = 201000;
	r->f.facts.rtt_ns = 400000;
	clue(r, CLUE_WINDOW_GREW, 462, 502, 16);
	clue(r, CLUE_UNANSWERED, 5000, 0, 15);
	clue(r, CLUE_KERNEL, 0, 0, 0);
	clue(r, CLUE_STAGE, 3, 0, 0);
	r->f.has_kernel = true;
	strcpy(r->f.kernel.reason, "TCP_ABORT_ON_CLOSE");
	strcpy(r->f.kernel.state, "TCP_CLOSE");
	r->f.kernel.pid = 4242;
	/* a process may call itself anything */
	strcpy(r->f.kernel.comm, "<b>\xff&\"srv");
}

void reset_half_open(struct reset *r)
{
	const struct addr server = {ADDR_V6, {0x20, 1, 0xd, 0xb8, [15] = 7}, 0};
	const struct addr client = {ADDR_V6, {0x20, 1, 0xd, 0xb8, [15] = 9}, 0};
	struct seen *s;

	start(r, CAUSE_HALF_OPEN, SENDER_SERVER);
	r->f.src = server;
	r->f.dst = client;
	handshake(r);
	row(r, 600, false, TCP_PSH | TCP_ACK, ISN_CLIENT + 1, ISN_SERVER + 1, 100);
	row(r, 800, true, TCP_PSH | TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 101, 1448);
	row(r, 850, false, TCP_ACK, ISN_CLIENT + 101, ISN_SERVER + 1449, 0);
	row(r, 350000850, false, TCP_PSH | TCP_ACK, ISN_CLIENT + 101, ISN_SERVER + 1449, 80);
	row(r, 350200850, false, TCP_PSH | TCP_ACK, ISN_CLIENT + 101, ISN_SERVER + 1449, 80)
	    ->repeat = true;
	provoked(r);
	s = row(r, 350201200, true, TCP_RST, ISN_SERVER + 1449, 0, 0);
	s->win = 0;
	is_rst(r, s);
	r->f.sure = SURE_LIKELY;
	r->f.also[0] = CAUSE_LISTEN_ACK;
	r->f.origin = ORIGIN_ENDPOINT;
	r->f.outcome = OUTCOME_ACCEPTED;
	r->f.bytes_lost = 80;
	r->f.facts.gap_ns = 350000000000U;
	r->f.burst_n = 4;
	r->f.burst_ns = 137000;
	clue(r, CLUE_GAP, 350000, 0, 6);
	clue(r, CLUE_IDLE_TIMER, 350, 0, 0);
	clue(r, CLUE_STAGE, 4, 0, 0);
}

void reset_abandoned(struct reset *r)
{
	struct seen *s;

	start(r, CAUSE_HANDSHAKE_ABANDONED, SENDER_CLIENT);
	row(r, 0, true, TCP_SYN, ISN_CLIENT, 0, 0);
	row(r, 110000, false, TCP_SYN | TCP_ACK, ISN_SERVER, ISN_CLIENT + 1, 0);
	provoked(r);
	s = row(r, 110040, true, TCP_RST, ISN_CLIENT + 1, 0, 0);
	s->win = 0;
	is_rst(r, s);
	r->f.has_isn_x = r->f.has_isn_y = true;
	r->f.isn_x = ISN_CLIENT;
	r->f.isn_y = ISN_SERVER;
	r->f.origin = ORIGIN_ENDPOINT;
	r->f.facts.handshake_ns = 110000000;
	clue(r, CLUE_HANDSHAKE, 110, 0, 2);
}

void reset_injected(struct reset *r)
{
	struct seen *s;

	start(r, CAUSE_INJECTED_RACE, SENDER_SERVER);
	handshake(r);
	row(r, 600, false, TCP_PSH | TCP_ACK, ISN_CLIENT + 1, ISN_SERVER + 1, 78);
	provoked(r);
	s = row(r, 690, true, TCP_RST | TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 79, 0);
	s->ttl = 57;
	is_rst(r, s);
	row(r, 7600, true, TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 79, 0)->after = true;
	row(r, 7900, true, TCP_PSH | TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 79, 1448)->after = true;
	r->f.origin = ORIGIN_MIDDLEBOX;
	r->f.outcome = OUTCOME_ACCEPTED;
	r->f.sure = SURE_CERTAIN;
	r->f.facts.hops = 7;
	r->f.facts.x_ttl = 52;
	r->f.facts.x_hops = 12;
	strcpy(r->f.vendor, "<script>alert(1)</script> & \"blocked\"");
	r->f.tunnel = "GRE";
	r->f.bad_checksum = true;
	clue(r, CLUE_HOPS, 7, 12, 2);
	clue(r, CLUE_TOO_FAST, 90, 6900, 0);
	clue(r, CLUE_GOES_ON, 0, 0, 6);
	clue(r, CLUE_VENDOR_TEXT, 0, 0, 0);
}

void reset_benign(struct reset *r)
{
	struct seen *s;

	start(r, CAUSE_LATE_AFTER_CLOSE, SENDER_CLIENT);
	handshake(r);
	row(r, 500, true, TCP_FIN | TCP_ACK, ISN_CLIENT + 1, ISN_SERVER + 1, 0);
	row(r, 600, false, TCP_FIN | TCP_ACK, ISN_SERVER + 1, ISN_CLIENT + 2, 0);
	provoked(r);
	s = row(r, 640, true, TCP_RST, ISN_CLIENT + 2, 0, 0);
	is_rst(r, s);
	r->f.origin = ORIGIN_ENDPOINT;
}

void reset_shift(struct reset *r, uint32_t frames)
{
	struct finding *f = &r->f;

	f->frame += frames;
	if (f->provoked_by)
		f->provoked_by += frames;
	for (size_t i = 0; i < f->n_ladder; i++)
		r->ladder[i].frame += frames;
	for (size_t i = 0; i < f->n_clues; i++)
		if (f->clues[i].frame)
			f->clues[i].frame += frames;
}

void reset_follower(struct reset *r, const struct reset *root, enum cause cause)
{
	struct seen *s;

	start(r, cause, root->f.sender);
	s = row(r, 1000, true, TCP_RST, ISN_SERVER + 1, 0, 0);
	s->frame = root->f.frame + 1;
	is_rst(r, s);
	r->f.root = root->f.frame;
	r->f.root_file = root->f.file;
}

void resets_summary(struct explain_summary *s, struct explain_record *e)
{
	*s = (struct explain_summary){
	    .frames = 4000,
	    .tcp = 3900,
	    .resets = 8,
	    .by_cause = {[CAUSE_REFUSED] = 1,
			 [CAUSE_UNREAD_DATA_CLOSE] = 1,
			 [CAUSE_HALF_OPEN] = 1,
			 [CAUSE_HANDSHAKE_ABANDONED] = 1,
			 [CAUSE_INJECTED_RACE] = 1,
			 [CAUSE_LATE_AFTER_CLOSE] = 1,
			 [CAUSE_AFTER_RESET] = 1,
			 [CAUSE_DUP_FRAME] = 1},
	    .by_severity =
		{[SEVERITY_BENIGN] = 1, [SEVERITY_PROBLEM] = 4, [SEVERITY_SUSPICIOUS] = 1},
	    .flows = 1200,
	    .expired = 3,
	    .duplicates = 1,
	    .bad_checksums = 1,
	    .undecoded = {[DECODE_OTHER] = 90, [DECODE_TRUNCATED] = 10},
	    .tunnelled = 6,
	    .unknown_linktype = -1,
	    .first_ns = RESETS_START_NS,
	    .last_ns = RESETS_START_NS + 351000000000U,
	    .idle = {{240, 3}, {350, 12}, {60, 1}},
	    .kernel_events = 5,
	    .kernel_joined = 1,
	};
	for (int c = 0; c < CAUSES; c++)
		s->weighed[cause_infos[c].severity][c] = s->by_cause[c];
	*e = (struct explain_record){
	    .sum = s, .complete = true, .elapsed_s = 0.25, .shown = 8, .matched = 8};
}
