/*
 * Two captures of the same flows: which segment is which, whose clock is how far off, and what
 * follows for a RST. The scene here knows when each segment left and arrived; the two captures get
 * what their ends would have seen.
 */
#include "unit.h"

#include "judge/join.h"

#define MS 1000000LL
#define SECOND (1000 * MS)

static const int64_t begin = 1700000000 * SECOND;

enum { C2S, S2C }; /* directions */

struct scene {
	struct join *j;
	int64_t skew, delay; /* server's clock - client's; one way */
	uint32_t frames[2];  /* per file */
	unsigned hops;
	bool swapped; /* the server's file is given first */
	uint8_t client_host, server_host;
	uint16_t client_port;
	uint32_t at[2]; /* frames of the last segment at the client's and the server's end */
};

/* One segment; what isn't given is 0. */
struct seg {
	unsigned flags;
	uint32_t seq, ack, len;
	uint16_t id;
};

enum lost { ARRIVES, LOST, FORGED /* arrives, and nobody sent it */ };

static struct scene scene(size_t packets_max)
{
	struct scene w = {
	    .j = join_new(packets_max),
	    .skew = 5 * SECOND + 123,
	    .delay = 10 * MS,
	    .client_host = 1,
	    .server_host = 2,
	    .client_port = 40000,
	};

	assert_non_null(w.j);
	return w;
}

static struct packet packet_of(const struct scene *w, int dir, const struct seg *s)
{
	struct packet p = {.kind = PACKET_TCP};
	struct addr client = addr_v4(192, 0, 2, w->client_host);
	struct addr server = addr_v4(192, 0, 2, w->server_host);

	p.seg.src = dir == C2S ? client : server;
	p.seg.dst = dir == C2S ? server : client;
	p.seg.sport = dir == C2S ? w->client_port : 80;
	p.seg.dport = dir == C2S ? 80 : w->client_port;
	p.seg.flags = (uint16_t)s->flags;
	p.seg.seq = s->seq;
	p.seg.ack = s->ack;
	p.seg.payload_len = s->len;
	p.seg.ip_id = s->id;
	return p;
}

/* At the client's end (0) or the server's (1), at a time of the client's clock. */
static uint32_t capture(struct scene *w, int end, int64_t t, int dir, const struct seg *s)
{
	struct packet p = packet_of(w, dir, s);
	bool sender_end = end == dir;
	int file = w->swapped ? !end : end;

	p.seg.ttl = (uint8_t)(64 - (sender_end ? 0 : w->hops));
	join_packet(w->j, file ? JOIN_SERVER : JOIN_CLIENT,
		    (uint64_t)(begin + t + (end ? w->skew : 0)), ++w->frames[file], &p);
	return w->at[end] = w->frames[file];
}

/* Leaves its sender at `t`. */
static void pass(struct scene *w, int64_t t, int dir, struct seg s, enum lost lost)
{
	w->at[0] = w->at[1] = 0;
	if (lost != FORGED)
		capture(w, dir, t, dir, &s);
	if (lost != LOST)
		capture(w, !dir, t + w->delay, dir, &s);
}

static struct finding finding_of(const struct scene *w, int dir)
{
	struct packet p = packet_of(w, dir, &(struct seg){0});
	struct finding f = {
	    .src = p.seg.src,
	    .dst = p.seg.dst,
	    .sport = p.seg.sport,
	    .dport = p.seg.dport,
	    .sender = dir == C2S ? SENDER_CLIENT : SENDER_SERVER,
	};

	return f;
}

static void note(struct scene *w)
{
	struct finding f = finding_of(w, S2C);

	join_note_finding(w->j, &f);
}

static struct joined tell(const struct scene *w, int end, int dir, uint32_t frame)
{
	struct finding f = finding_of(w, dir);
	int file = w->swapped ? !end : end;
	struct joined t;

	assert_int_not_equal(frame, 0);
	f.frame = frame;
	join_tell(w->j, file ? JOIN_SERVER : JOIN_CLIENT, &f, &t);
	return t;
}

static void handshake(struct scene *w)
{
	pass(w, 0, C2S, (struct seg){TCP_SYN, 1000, 0, 0, 11}, ARRIVES);
	pass(w, 10 * MS, S2C, (struct seg){TCP_SYN | TCP_ACK, 5000, 1001, 0, 0}, ARRIVES);
	pass(w, 20 * MS, C2S, (struct seg){TCP_ACK, 1001, 5001, 0, 12}, ARRIVES);
}

/* Another flow of the two hosts, which proves that both captures went on. */
static void proof(struct scene *w, int64_t t)
{
	w->client_port++;
	note(w);
	pass(w, t, C2S, (struct seg){TCP_SYN, 77, 0, 0, 90}, ARRIVES);
	pass(w, t + 1, S2C, (struct seg){TCP_RST | TCP_ACK, 0, 78, 0, 0}, ARRIVES);
	w->client_port--;
}

static void data(struct scene *w, int64_t t, uint32_t seq, uint32_t len, uint16_t id,
		 enum lost lost)
{
	pass(w, t, C2S, (struct seg){TCP_ACK | TCP_PSH, seq, 5001, len, id}, lost);
}

/* The RST's frame at either end, 0 where it is not there. */
static void rst(struct scene *w, int64_t t, int dir, enum lost lost, uint32_t at[2])
{
	struct seg s = {TCP_RST, dir == S2C ? 5001 : 1001, 0, 0, 0};

	pass(w, t, dir, s, lost);
	at[0] = w->at[0];
	at[1] = w->at[1];
}

/* --- clocks and ends ----------------------------------------------------------------------- */

static void clocks_are_aligned_by_both_directions(void **state)
{
	struct scene w = scene(100);

	(void)state;
	note(&w);
	handshake(&w);
	assert_true(join_align(w.j));
	assert_true(llabs(join_offset_ns(w.j) - w.skew) <= 1);
	join_free(w.j);
}

/* A retransmission that is taken for the first copy is out by a time-out, and moves nothing. */
static void one_wrong_pair_moves_no_clock(void **state)
{
	struct scene w = scene(100);

	(void)state;
	note(&w);
	handshake(&w);
	for (uint32_t i = 0; i < 5; i++)
		data(&w, (30 + i) * MS, 1001 + i, 1, 0, ARRIVES);
	capture(&w, 0, 50 * MS, C2S, &(struct seg){TCP_ACK, 1006, 5001, 1, 0});
	capture(&w, 1, 950 * MS, C2S, &(struct seg){TCP_ACK, 1006, 5001, 1, 0});
	assert_true(join_align(w.j));
	assert_true(llabs(join_offset_ns(w.j) - w.skew) <= 1);
	join_free(w.j);
}

static void sent_and_arrived(void **state)
{
	struct scene w = scene(100);
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	rst(&w, 40 * MS, S2C, ARRIVES, at);
	assert_true(join_align(w.j));
	for (int end = 0; end < 2; end++) {
		struct joined t = tell(&w, end, S2C, at[end]);

		assert_true(t.known && t.sent_here && t.arrived);
		assert_int_equal(t.other_frame, at[!end]);
		assert_int_equal(t.lost_from_x + t.lost_from_y, 0);
	}
	join_free(w.j);
}

/* With the files in the wrong order the ends are told by TTL, or where it is mute by delay. */
static void the_order_of_the_files_is_not_believed(void **state)
{
	(void)state;
	for (unsigned hops = 0; hops < 3; hops++) {
		struct scene w = scene(100);
		uint32_t at[2];
		struct joined t;

		w.swapped = true;
		w.hops = hops;
		note(&w);
		handshake(&w);
		rst(&w, 40 * MS, S2C, FORGED, at);
		proof(&w, 60 * MS);
		assert_true(join_align(w.j));
		t = tell(&w, 0, S2C, at[0]);
		assert_true(t.known && !t.sent_here && t.arrived);
		join_free(w.j);
	}
}

/* One direction alone has no round trip to compare: TTL tells, and not who sent the SYN. */
static void ttl_tells_the_ends_of_one_direction(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	w.swapped = true;
	w.hops = 1;
	note(&w);
	pass(&w, 0, C2S, (struct seg){TCP_SYN, 1000, 0, 0, 11}, ARRIVES);
	rst(&w, 40 * MS, S2C, FORGED, at);
	join_heard(w.j, JOIN_CLIENT, (uint64_t)(begin + w.skew + SECOND)); /* the server's */
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_true(t.known && !t.sent_here && t.arrived);
	join_free(w.j);
}

static void other_flows_cannot_be_joined(void **state)
{
	struct scene w = scene(100);

	(void)state;
	note(&w);
	capture(&w, 0, 0, C2S, &(struct seg){TCP_SYN, 1000, 0, 0, 1});
	capture(&w, 1, 0, C2S, &(struct seg){TCP_SYN, 2000, 0, 0, 1});
	assert_false(join_align(w.j));
	join_free(w.j);
	w = scene(100);
	assert_false(join_align(w.j));
	join_free(w.j);
}

/* --- RSTs of nobody, and lost ones ----------------------------------------------------------- */

static void a_rst_that_nobody_sent(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	rst(&w, 40 * MS, S2C, FORGED, at);
	proof(&w, 60 * MS);
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_true(t.known && !t.sent_here && t.arrived && t.certain);
	assert_int_equal(t.other_frame, 0);
	join_free(w.j);
}

/* Without a later packet nothing proves that the other capture was still running. */
static void the_end_of_a_capture_proves_little(void **state)
{
	static const struct {
		int64_t t;
		bool known;
	} cases[] = {{40 * MS, true}, {9 * SECOND, true}, {11 * SECOND, false}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene w = scene(100);
		struct joined t;
		uint32_t at[2];

		note(&w);
		handshake(&w);
		rst(&w, cases[i].t, S2C, FORGED, at);
		assert_true(join_align(w.j));
		t = tell(&w, 0, S2C, at[0]);
		assert_int_equal(t.known, cases[i].known);
		assert_false(t.certain);
		join_free(w.j);
	}
}

/* Frames of other flows count, too. */
static void what_is_heard_proves_that_it_ran(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	rst(&w, 300 * SECOND, S2C, FORGED, at);
	join_heard(w.j, JOIN_SERVER, (uint64_t)(begin + w.skew + 301 * SECOND));
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_true(t.known && !t.sent_here && t.certain);
	join_free(w.j);
}

/* Where that capture missed other segments, it may have missed this one. */
static void a_capture_with_holes_is_no_proof(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	pass(&w, 30 * MS, S2C, (struct seg){TCP_ACK, 5001, 1001, 100, 0}, FORGED);
	rst(&w, 40 * MS, S2C, FORGED, at);
	proof(&w, 60 * MS);
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_true(t.known && !t.sent_here && !t.certain);
	join_free(w.j);
}

static void a_rst_that_was_lost(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	rst(&w, 40 * MS, S2C, LOST, at);
	proof(&w, 60 * MS);
	assert_true(join_align(w.j));
	t = tell(&w, 1, S2C, at[1]);
	assert_true(t.known && t.sent_here && !t.arrived);
	assert_int_equal(t.other_frame, 0);
	join_free(w.j);
}

/* Three alike, the last of which arrives: the first two are the lost ones. */
static void of_repeated_rsts_the_one_in_time_arrived(void **state)
{
	struct scene w = scene(100);
	uint32_t at[3][2];

	(void)state;
	note(&w);
	handshake(&w);
	for (int i = 0; i < 3; i++)
		rst(&w, 40 * MS + i * 200 * MS, S2C, i < 2 ? LOST : ARRIVES, at[i]);
	assert_true(join_align(w.j));
	for (int i = 0; i < 3; i++) {
		struct joined t = tell(&w, 1, S2C, at[i][1]);

		assert_true(t.known && t.sent_here);
		assert_int_equal(t.arrived, i == 2);
		assert_int_equal(t.other_frame, at[i][0]);
	}
	join_free(w.j);
}

static struct seg rst_with(uint16_t id)
{
	return (struct seg){TCP_RST | TCP_ACK, 5001, 1001, 0, id};
}

/* The same numbers from two senders: where IP IDs cross unchanged they are two segments. */
static void a_forged_twin_of_a_lost_rst(void **state)
{
	struct scene w = scene(100);
	struct joined lost, forged;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	pass(&w, 30 * MS, S2C, (struct seg){TCP_ACK, 5001, 1001, 0, 21}, ARRIVES);
	pass(&w, 40 * MS, S2C, rst_with(22), LOST);
	at[1] = w.at[1];
	pass(&w, 45 * MS, S2C, rst_with(4711), FORGED);
	at[0] = w.at[0];
	proof(&w, 60 * MS);
	assert_true(join_align(w.j));
	lost = tell(&w, 1, S2C, at[1]);
	forged = tell(&w, 0, S2C, at[0]);
	assert_true(lost.known && lost.sent_here && !lost.arrived);
	assert_true(forged.known && !forged.sent_here && forged.arrived);
	join_free(w.j);
}

static void a_rst_whose_id_was_rewritten_arrived(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	frame = capture(&w, 1, 40 * MS, S2C, &(struct seg){TCP_RST, 5001, 0, 0, 22});
	capture(&w, 0, 50 * MS, S2C, &(struct seg){TCP_RST, 5001, 0, 0, 4711});
	assert_true(join_align(w.j));
	t = tell(&w, 1, S2C, frame);
	assert_true(t.known && t.sent_here && t.arrived);
	join_free(w.j);
}

static void a_second_capture_of_a_rst_is_not_judged(void **state)
{
	struct scene w = scene(100);
	struct seg s = rst_with(22);
	struct joined first, second;
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	frame = capture(&w, 1, 40 * MS, S2C, &s);
	capture(&w, 1, 40 * MS + 1000, S2C, &s);
	capture(&w, 0, 50 * MS, S2C, &s);
	assert_true(join_align(w.j));
	first = tell(&w, 1, S2C, frame);
	second = tell(&w, 1, S2C, frame + 1);
	assert_true(first.known && first.arrived);
	assert_false(second.known);
	join_free(w.j);
}

/* Somebody sets the server's clock back: what is the same stays the same. */
static void a_clock_that_is_set(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	for (uint32_t i = 0; i < 5; i++)
		handshake(&w);
	w.skew -= 2 * SECOND;
	rst(&w, 2100 * MS, C2S, ARRIVES, at);
	assert_true(join_align(w.j));
	t = tell(&w, 1, C2S, at[1]);
	assert_true(t.known && t.sent_here && t.arrived);
	join_free(w.j);
}

/* A SYN that a firewall rejects: the other end has nothing at all of that flow. */
static void a_flow_that_one_end_never_saw(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t frame;

	(void)state;
	proof(&w, 0);
	note(&w);
	pass(&w, 20 * MS, C2S, (struct seg){TCP_SYN, 1000, 0, 0, 11}, LOST);
	capture(&w, 0, 21 * MS, S2C, &(struct seg){TCP_RST | TCP_ACK, 0, 1001, 0, 0});
	frame = w.at[0];
	w.client_port += 10;
	proof(&w, 60 * MS);
	w.client_port -= 10;
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, frame);
	assert_true(t.known && !t.sent_here && t.arrived && t.certain);
	assert_int_equal(t.lost_from_y, 1);
	join_free(w.j);
}

/* The client's flow with a third host: neither capture is that host's. */
static void a_third_host_is_not_judged(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t frame;

	(void)state;
	proof(&w, 0);
	w.server_host = 3;
	note(&w);
	capture(&w, 0, 20 * MS, C2S, &(struct seg){TCP_SYN, 1000, 0, 0, 11});
	frame = capture(&w, 0, 21 * MS, S2C, &(struct seg){TCP_RST | TCP_ACK, 0, 1001, 0, 0});
	w.server_host = 2;
	w.client_port += 10;
	proof(&w, 60 * MS);
	w.client_port -= 10;
	w.server_host = 3;
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, frame);
	assert_false(t.known);
	join_free(w.j);
}

/* --- lost segments -------------------------------------------------------------------------- */

/* How many of the client's segments are said to be lost, and the first one's frame. */
static void expect_lost(struct scene *w, uint32_t n, uint32_t frame)
{
	uint32_t at[2];
	struct joined t;

	rst(w, 5 * SECOND, S2C, ARRIVES, at);
	proof(w, 6 * SECOND);
	assert_true(join_align(w->j));
	t = tell(w, 0, S2C, at[0]);
	assert_true(t.known);
	assert_int_equal(t.lost_from_x, 0);
	assert_int_equal(t.lost_from_y, n);
	assert_int_equal(t.first_lost_frame, frame);
	join_free(w->j);
}

static void a_segment_that_never_arrived(void **state)
{
	struct scene w = scene(100);
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	data(&w, 30 * MS, 1001, 100, 0, ARRIVES);
	data(&w, 31 * MS, 1101, 100, 0, LOST);
	frame = w.at[0];
	data(&w, 32 * MS, 1201, 100, 0, ARRIVES);
	expect_lost(&w, 1, frame);
}

/* Copies without IP IDs: which one was lost is a matter of time. */
static void the_first_copy_was_lost(void **state)
{
	for (int ids = 0; ids < 2; ids++) {
		struct scene w = scene(100);
		uint32_t frame;

		(void)state;
		note(&w);
		handshake(&w);
		data(&w, 30 * MS, 1001, 100, ids ? 13 : 0, LOST);
		frame = w.at[0];
		data(&w, 230 * MS, 1001, 100, ids ? 14 : 0, LOST);
		data(&w, 630 * MS, 1001, 100, ids ? 15 : 0, ARRIVES);
		expect_lost(&w, 2, frame);
	}
}

/* So close together that time can't tell, and no other segment that shows what IDs are worth. */
static void an_id_tells_which_copy_was_lost(void **state)
{
	struct scene w = scene(100);
	uint32_t frame;

	(void)state;
	note(&w);
	pass(&w, 0, S2C, (struct seg){TCP_ACK, 5001, 1001, 0, 0}, ARRIVES);
	data(&w, 30 * MS, 1001, 100, 13, ARRIVES);
	data(&w, 35 * MS, 1001, 100, 14, LOST);
	frame = w.at[0];
	expect_lost(&w, 1, frame);
}

static void the_second_copy_was_lost(void **state)
{
	struct scene w = scene(100);
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	data(&w, 30 * MS, 1001, 100, 0, ARRIVES);
	data(&w, 230 * MS, 1001, 100, 0, LOST);
	frame = w.at[0];
	expect_lost(&w, 1, frame);
}

/* Where the path writes IP IDs anew they say nothing. */
static void rewritten_ids_are_no_difference(void **state)
{
	struct scene w = scene(100);

	(void)state;
	note(&w);
	for (uint32_t i = 0; i < 4; i++) {
		struct seg s = {TCP_ACK, 1000 + i, 5001, 1, (uint16_t)(100 + i)};

		capture(&w, 0, i * MS, C2S, &s);
		s.id = (uint16_t)(7000 + 13 * i);
		capture(&w, 1, i * MS + w.delay, C2S, &s);
	}
	pass(&w, 20 * MS, S2C, (struct seg){TCP_ACK, 5001, 1004, 0, 0}, ARRIVES);
	expect_lost(&w, 0, 0);
}

/* Offloading cuts on its way what was one segment at the sender's end. */
static void offloading_loses_nothing(void **state)
{
	struct scene w = scene(200);

	(void)state;
	note(&w);
	handshake(&w);
	capture(&w, 0, 30 * MS, C2S, &(struct seg){TCP_ACK, 1001, 5001, 14480, 0});
	for (uint32_t i = 0; i < 10; i++)
		capture(&w, 1, 40 * MS, C2S,
			&(struct seg){TCP_ACK, 1001 + i * 1448, 5001, 1448, 0});
	for (uint32_t i = 0; i < 10; i++)
		capture(&w, 0, 50 * MS, C2S,
			&(struct seg){TCP_ACK, 15481 + i * 1448, 5001, 1448, 0});
	for (uint32_t i = 0; i < 2; i++)
		capture(&w, 1, 60 * MS, C2S,
			&(struct seg){TCP_ACK, 15481 + i * 7240, 5001, 7240, 0});
	expect_lost(&w, 0, 0);
}

static void a_hole_in_what_was_cut_is_a_loss(void **state)
{
	struct scene w = scene(200);
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	frame = capture(&w, 0, 30 * MS, C2S, &(struct seg){TCP_ACK, 1001, 5001, 14480, 0});
	for (uint32_t i = 0; i < 10; i++)
		if (i != 4)
			capture(&w, 1, 40 * MS, C2S,
				&(struct seg){TCP_ACK, 1001 + i * 1448, 5001, 1448, 0});
	data(&w, 240 * MS, 1001 + 4 * 1448, 1448, 0, ARRIVES);
	expect_lost(&w, 1, frame);
}

static void a_frame_captured_twice_is_one(void **state)
{
	struct scene w = scene(100);
	struct seg s = {TCP_ACK, 1001, 5001, 100, 13};

	(void)state;
	note(&w);
	handshake(&w);
	capture(&w, 0, 30 * MS, C2S, &s);
	capture(&w, 0, 30 * MS + 1000, C2S, &s);
	capture(&w, 1, 40 * MS, C2S, &s);
	expect_lost(&w, 0, 0);
}

static void sequence_numbers_wrap(void **state)
{
	struct scene w = scene(100);
	uint32_t frame;

	(void)state;
	note(&w);
	handshake(&w);
	w.client_port += 100;
	note(&w);
	pass(&w, 25 * MS, C2S, (struct seg){TCP_SYN, 0xfffffff0u, 0, 0, 0}, ARRIVES);
	pass(&w, 26 * MS, S2C, (struct seg){TCP_SYN | TCP_ACK, 5000, 0xfffffff1u, 0, 0}, ARRIVES);
	capture(&w, 0, 30 * MS, C2S, &(struct seg){TCP_ACK, 0xfffffff1u, 5001, 200, 0});
	capture(&w, 1, 40 * MS, C2S, &(struct seg){TCP_ACK, 0xfffffff1u, 5001, 100, 0});
	capture(&w, 1, 40 * MS, C2S, &(struct seg){TCP_ACK, 0x55u, 5001, 100, 0});
	data(&w, 31 * MS, 0xb9u, 100, 0, LOST);
	frame = w.at[0];
	expect_lost(&w, 1, frame);
}

/* What was sent before the other capture began, or after its end, may well have arrived. */
static void outside_the_other_capture_nothing_is_lost(void **state)
{
	struct scene w = scene(100);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	capture(&w, 0, 0, C2S, &(struct seg){TCP_SYN, 1000, 0, 0, 0});
	capture(&w, 0, 20 * MS, S2C, &(struct seg){TCP_SYN | TCP_ACK, 5000, 1001, 0, 0});
	data(&w, 2 * SECOND, 1001, 100, 0, ARRIVES);
	pass(&w, 2 * SECOND + 1, S2C, (struct seg){TCP_ACK, 5001, 1101, 0, 0}, ARRIVES);
	rst(&w, 3 * SECOND, S2C, ARRIVES, at);
	data(&w, 30 * SECOND, 1101, 100, 0, LOST);
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_true(t.known);
	assert_int_equal(t.lost_from_x + t.lost_from_y, 0);
	join_free(w.j);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void only_flows_with_findings_are_wanted(void **state)
{
	struct scene w = scene(100);
	struct seg s = {TCP_SYN, 1000, 0, 0, 0};
	struct packet there = packet_of(&w, C2S, &s), back = packet_of(&w, S2C, &s), other = there;
	struct packet icmp = {.kind = PACKET_ICMP_ERROR, .seg = there.seg};

	(void)state;
	other.seg.sport++;
	assert_false(join_wants(w.j, &there));
	note(&w);
	assert_true(join_wants(w.j, &there));
	assert_true(join_wants(w.j, &back));
	assert_false(join_wants(w.j, &other));
	assert_false(join_wants(w.j, &icmp));
	join_packet(w.j, JOIN_CLIENT, 1, 1, &other); /* passed over */
	join_free(w.j);
}

/* A flow whose packets had no room is not judged: what is missing may only be forgotten. */
static void without_room_nothing_is_said(void **state)
{
	struct scene w = scene(7);
	struct joined t;
	uint32_t at[2];

	(void)state;
	note(&w);
	handshake(&w);
	rst(&w, 40 * MS, S2C, ARRIVES, at);
	assert_true(join_align(w.j));
	t = tell(&w, 0, S2C, at[0]);
	assert_false(t.known);
	assert_false(tell(&w, 1, S2C, at[1]).known);
	assert_false(tell(&w, 0, S2C, 999).known);
	join_free(w.j);
}

static void more_flows_than_room(void **state)
{
	struct scene w = scene(8); /* two flows */
	struct packet p;

	(void)state;
	for (int i = 0; i < 100; i++) {
		w.client_port++;
		note(&w);
	}
	p = packet_of(&w, C2S, &(struct seg){0});
	assert_false(join_wants(w.j, &p));
	w.client_port = 40001;
	p = packet_of(&w, C2S, &(struct seg){0});
	assert_true(join_wants(w.j, &p));
	join_free(w.j);
}

/* --- what follows --------------------------------------------------------------------------- */

static struct finding with(enum cause c, size_t n, const enum fact *facts)
{
	struct finding f = {.cause = c,
			    .sure = SURE_LIKELY,
			    .also = {CAUSE_ABORT_LINGER},
			    .origin = ORIGIN_ENDPOINT,
			    .outcome = OUTCOME_ACCEPTED,
			    .sees = {APP_ECONNRESET, APP_EPIPE}};

	for (size_t i = 0; i < n; i++)
		fact_set(&f.facts, facts[i], true);
	return f;
}

static void a_third_partys_rst_has_a_third_partys_cause(void **state)
{
	static const struct {
		enum cause before;
		enum fact facts[3];
		size_t n;
		enum cause after;
	} cases[] = {
	    {CAUSE_HALF_OPEN, {T_FOUND, T_ACK, T_DATA}, 3, CAUSE_FIREWALL_REJECT},
	    {CAUSE_REFUSED, {T_FOUND, T_SYN, R_ACK}, 3, CAUSE_FIREWALL_REJECT},
	    {CAUSE_ABORT_IDLE, {QUIET, IDLE, R_ACK}, 3, CAUSE_MIDDLEBOX_IDLE},
	    {CAUSE_ABORT_CLOSE, {R_ACK}, 1, CAUSE_INJECTED_RACE},
	    {CAUSE_ABORT_CLOSE, {R_ACK, T_FOUND, T_ACK}, 3, CAUSE_INJECTED_RACE},
	    {CAUSE_INJECTED_BLIND, {T_FOUND, FOREIGN}, 2, CAUSE_INJECTED_BLIND},
	    {CAUSE_INJECTED_SYN, {T_FOUND, T_SYN}, 2, CAUSE_INJECTED_SYN},
	    {CAUSE_MIDDLEBOX_IDLE, {QUIET, FOREIGN}, 2, CAUSE_MIDDLEBOX_IDLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int certain = 0; certain < 2; certain++) {
			struct joined t = {.known = true, .arrived = true, .certain = certain};
			struct finding f = with(cases[i].before, cases[i].n, cases[i].facts);

			join_apply(&t, &f);
			assert_string_equal(cause_name(f.cause), cause_name(cases[i].after));
			assert_int_equal(f.row->id, f.cause);
			bool second = fact_has(&f.facts, FOREIGN);

			assert_int_equal(f.sure, certain && second ? SURE_CERTAIN : SURE_LIKELY);
			assert_int_equal(f.also[0],
					 f.sure == SURE_CERTAIN || f.cause == cases[i].before
					     ? CAUSE_UNKNOWN
					     : cases[i].before);
			assert_int_equal(f.origin, ORIGIN_MIDDLEBOX);
			assert_int_equal(f.severity, cause_infos[f.cause].severity);
			assert_int_equal(f.clues[0].id, CLUE_NEVER_SENT);
			assert_int_equal(f.outcome, OUTCOME_ACCEPTED);
		}
	}
}

static void a_copy_of_a_frame_stays_one(void **state)
{
	struct joined t = {.known = true, .arrived = true, .certain = true};
	struct finding f = with(CAUSE_DUP_FRAME, 0, NULL);

	(void)state;
	join_apply(&t, &f);
	assert_int_equal(f.cause, CAUSE_DUP_FRAME);
}

static void a_lost_rst_was_seen_by_nobody(void **state)
{
	struct joined t = {.known = true, .sent_here = true};
	struct finding f = with(CAUSE_ABORT_LINGER, 0, NULL);

	(void)state;
	join_apply(&t, &f);
	assert_int_equal(f.cause, CAUSE_ABORT_LINGER);
	assert_int_equal(f.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(f.sees[0], APP_NONE);
	assert_int_equal(f.clues[0].id, CLUE_NEVER_ARRIVED);
}

static void losses_are_a_clue(void **state)
{
	struct joined t = {.known = true,
			   .sent_here = true,
			   .arrived = true,
			   .lost_from_x = 2,
			   .lost_from_y = 3,
			   .first_lost_frame = 17};
	struct finding f = with(CAUSE_ABORT_LINGER, 0, NULL);

	(void)state;
	f.n_clues = FINDING_CLUES;
	join_apply(&t, &f);
	assert_int_equal(f.n_clues, FINDING_CLUES);
	assert_int_equal(f.clues[0].id, CLUE_SEGMENTS_LOST);
	assert_int_equal(f.clues[0].a, 2);
	assert_int_equal(f.clues[0].b, 3);
	assert_int_equal(f.clues[0].frame, 17);
	assert_int_equal(f.outcome, OUTCOME_ACCEPTED);
}

static void what_is_not_known_changes_nothing(void **state)
{
	struct joined t = {.lost_from_x = 5};
	struct finding f = with(CAUSE_ABORT_LINGER, 0, NULL), before = f;

	(void)state;
	join_apply(&t, &f);
	assert_memory_equal(&f, &before, sizeof(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clocks_are_aligned_by_both_directions),
	    cmocka_unit_test(one_wrong_pair_moves_no_clock),
	    cmocka_unit_test(sent_and_arrived),
	    cmocka_unit_test(the_order_of_the_files_is_not_believed),
	    cmocka_unit_test(other_flows_cannot_be_joined),
	    cmocka_unit_test(a_rst_that_nobody_sent),
	    cmocka_unit_test(the_end_of_a_capture_proves_little),
	    cmocka_unit_test(what_is_heard_proves_that_it_ran),
	    cmocka_unit_test(a_capture_with_holes_is_no_proof),
	    cmocka_unit_test(a_rst_that_was_lost),
	    cmocka_unit_test(of_repeated_rsts_the_one_in_time_arrived),
	    cmocka_unit_test(ttl_tells_the_ends_of_one_direction),
	    cmocka_unit_test(a_forged_twin_of_a_lost_rst),
	    cmocka_unit_test(a_rst_whose_id_was_rewritten_arrived),
	    cmocka_unit_test(a_second_capture_of_a_rst_is_not_judged),
	    cmocka_unit_test(a_clock_that_is_set),
	    cmocka_unit_test(an_id_tells_which_copy_was_lost),
	    cmocka_unit_test(a_flow_that_one_end_never_saw),
	    cmocka_unit_test(a_third_host_is_not_judged),
	    cmocka_unit_test(a_segment_that_never_arrived),
	    cmocka_unit_test(the_first_copy_was_lost),
	    cmocka_unit_test(the_second_copy_was_lost),
	    cmocka_unit_test(rewritten_ids_are_no_difference),
	    cmocka_unit_test(offloading_loses_nothing),
	    cmocka_unit_test(a_hole_in_what_was_cut_is_a_loss),
	    cmocka_unit_test(a_frame_captured_twice_is_one),
	    cmocka_unit_test(sequence_numbers_wrap),
	    cmocka_unit_test(outside_the_other_capture_nothing_is_lost),
	    cmocka_unit_test(only_flows_with_findings_are_wanted),
	    cmocka_unit_test(without_room_nothing_is_said),
	    cmocka_unit_test(more_flows_than_room),
	    cmocka_unit_test(a_third_partys_rst_has_a_third_partys_cause),
	    cmocka_unit_test(a_copy_of_a_frame_stays_one),
	    cmocka_unit_test(a_lost_rst_was_seen_by_nobody),
	    cmocka_unit_test(losses_are_a_clue),
	    cmocka_unit_test(what_is_not_known_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
