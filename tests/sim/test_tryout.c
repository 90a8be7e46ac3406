/* test_tryout: what `doctor` asks a few ports, in virtual time: which answer counts, what this
 * machine refuses, how often it asks, and when it stops waiting. What the answers say is
 * test_doctor's. */
#include "unit/unit.h"

#include <errno.h>

#include "engine/tryout.h"
#include "sim/kernel.h"

enum { SPORT = 42000, OPEN = 80, CLOSED = 81, REJECTED = 82, SILENT = 83, LEFT = 4 };
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

struct lab {
	struct peer peer;
	struct tryout_config c;
	struct doctor_asked out[DOCTOR_ASKS];
	struct addr rejects;  /* who sends the ICMP errors; family ADDR_NONE: the target */
	uint32_t quotes_more; /* of the SEG.SEQ in them */
	struct err e;
	uint64_t took_ns;
};

static void answer(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct lab *l = p->ctx;

	if (!(probe->seg.flags & TCP_SYN))
		return; /* of a connection that stands, or its end */
	switch (probe->seg.dport) {
	case OPEN: peer_rfc(probe, true, out); break;
	case CLOSED: peer_rfc(probe, false, out); break;
	case REJECTED:
		out->icmp = true;
		out->icmp_type = 3;
		out->icmp_code = 13;
		out->icmp_from = l->rejects;
		out->icmp_seq_add = l->quotes_more;
		break;
	}
}

static struct lab *begin_by(peer_fn *fn, uint16_t first, uint16_t second)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	peer_init(&l->peer, fn, l);
	l->peer.wire.conns_max = LEFT;
	l->peer.wire.both_ways = true;
	peer_kernel(&l->peer);
	l->c = (struct tryout_config){
	    .dst = addr_v4(198, 51, 100, 7),
	    .ports = {first, second},
	    .n = second ? 2 : 1,
	    .sport_first = SPORT,
	    .connect = true,
	    .seed = 0xfffffff0U,
	    .patience_ns = 5 * SECOND,
	    .tail_ns = 2 * SECOND,
	};
	return l;
}

static struct lab *begin(uint16_t first, uint16_t second)
{
	return begin_by(answer, first, second);
}

static int run(struct lab *l)
{
	uint64_t from = l->peer.now_ns;
	int rc = tryout_run(&l->peer.wire, &l->c, l->out, &l->e);

	l->took_ns = l->peer.now_ns - from;
	/* nothing is left open behind the caller's back */
	assert_int_equal(kernel_handles(peer_kernel(&l->peer)), 0);
	return rc;
}

static void end(struct lab *l)
{
	peer_free(&l->peer);
	free(l);
}

/* --- one port --------------------------------------------------------------------------------- */

static void test_open(void **state)
{
	struct lab *l = begin(OPEN, 0);

	(void)state;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].port, OPEN);
	assert_int_equal(l->out[0].raw.reply, REPLY_OPEN);
	assert_true(l->out[0].raw.captured);
	assert_int_equal(l->out[0].raw.ttl, 64);
	assert_in_range(l->out[0].raw.rtt_us, 400, 420);
	assert_int_equal(l->out[0].conn.reply, REPLY_OPEN);
	assert_true(l->out[0].conn.captured);
	assert_int_equal(l->out[0].conn.ttl, 64);
	/* our kernel knows nothing of the raw SYN, and was seen to say so */
	assert_true(l->out[0].rst_left);
	assert_int_equal(l->peer.n_sent, 1);
	assert_true(l->took_ns < SECOND);
	end(l);
}

static struct {
	const struct wire_ops *ops;
	struct peer *peer; /* NULL: it has stood still */
} still;

static int stands_still(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
			struct err *e)
{
	if (!still.peer)
		return still.ops->recv(w, deadline_ns, fn, ctx, e);
	still.peer->now_ns += 6 * SECOND;
	still.peer = NULL;
	return 0;
}

/* This process was not let run until all its time was over: the answer has long been there. */
static void test_stood_still(void **state)
{
	struct lab *l = begin(OPEN, 0);
	struct wire_ops ops = *l->peer.wire.ops;

	(void)state;
	still.ops = l->peer.wire.ops;
	still.peer = &l->peer;
	ops.recv = stands_still;
	l->peer.wire.ops = &ops;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_OPEN);
	l->peer.wire.ops = still.ops;
	end(l);
}

/* Where the RST does not leave it is waited for, a second and no longer. */
static void test_no_rst_leaves(void **state)
{
	struct lab *l = begin(OPEN, 0);

	(void)state;
	l->peer.wire.quiet_first = SPORT;
	l->peer.wire.n_quiet = 1;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_OPEN);
	assert_false(l->out[0].rst_left);
	assert_in_range(l->took_ns, SECOND, SECOND + 100 * MS);
	end(l);
}

static void test_closed(void **state)
{
	struct lab *l = begin(CLOSED, 0);

	(void)state;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_CLOSED);
	assert_int_equal(l->out[0].raw.ttl, 64);
	assert_int_equal(l->out[0].conn.reply, REPLY_CLOSED);
	assert_false(l->out[0].rst_left);
	assert_true(l->took_ns < SECOND);
	end(l);
}

/* The kernel goes on with its SYNs: it is the error that ends the wait for its connection. */
static void test_rejected(void **state)
{
	struct lab *l = begin(REJECTED, 0);

	(void)state;
	l->rejects = addr_v4(203, 0, 113, 9);
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_REJECTED);
	assert_true(l->out[0].raw.captured);
	assert_int_equal(l->out[0].raw.ttl, 0); /* of a segment, and there was none */
	assert_int_equal(l->out[0].conn.reply, REPLY_REJECTED);
	assert_true(l->took_ns < SECOND);
	end(l);
}

/* An ICMP error of our own means that nobody has the address; but not where we are the target. */
static void test_nobody(void **state)
{
	struct lab *l = begin(REJECTED, 0);

	(void)state;
	l->rejects = l->peer.path[0].src;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_NOBODY);
	l->peer.path[0].loopback = true;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_REJECTED);
	end(l);
}

static void test_silent(void **state)
{
	struct lab *l = begin(SILENT, 0);

	(void)state;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_SILENT);
	assert_false(l->out[0].raw.captured);
	assert_int_equal(l->out[0].conn.reply, REPLY_SILENT);
	assert_false(l->out[0].conn.captured);
	/* as often and as far apart as a kernel does, and all with the number that answers name */
	assert_int_equal(l->peer.n_sent, 3);
	for (int i = 1; i < 3; i++) {
		assert_in_range(l->peer.sent[i].at_ns - l->peer.sent[i - 1].at_ns, SECOND,
				SECOND + 100 * MS);
		assert_int_equal(l->peer.sent[i].seq, l->peer.sent[0].seq);
	}
	assert_in_range(l->took_ns, 5 * SECOND, 5 * SECOND + 100 * MS);
	end(l);
}

/* --- whose answer, and which ------------------------------------------------------------------ */

/* Another host's SYN-ACK, an ACK as of a connection that lingers, and then the answer. */
static void lies_first(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	if (!(probe->seg.flags & TCP_SYN) || probe->seg.dport == SILENT)
		return;
	s.src = addr_v4(198, 51, 100, 8);
	s.flags = TCP_SYN | TCP_ACK;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 0);
	s.src = probe->seg.dst;
	s.flags = TCP_ACK;
	peer_put(out, &s, MS);
	s.flags = TCP_RST | TCP_ACK;
	peer_put(out, &s, 20 * MS);
	s.flags = TCP_SYN | TCP_ACK; /* the first counts, even if the second says more */
	peer_put(out, &s, 30 * MS);
}

static void test_whose_answer(void **state)
{
	struct lab *l = begin_by(lies_first, OPEN, CLOSED);

	(void)state;
	l->c.connect = false;
	l->c.ports[l->c.n++] = SILENT; /* for which all wait */
	assert_int_equal(run(l), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(l->out[i].raw.reply, REPLY_CLOSED);
		assert_in_range(l->out[i].raw.rtt_us, 20000, 21000);
		assert_int_equal(l->out[i].conn.reply, REPLY_NONE); /* not asked */
	}
	end(l);
}

/* It quotes a number that we never sent. */
static void test_forged_error(void **state)
{
	struct lab *l = begin(REJECTED, 0);

	(void)state;
	l->c.connect = false;
	l->rejects = addr_v4(203, 0, 113, 9);
	l->quotes_more = 77;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_SILENT);
	assert_false(l->out[0].raw.captured);
	end(l);
}

/* --- several ports ---------------------------------------------------------------------------- */

static void test_tail(void **state)
{
	struct lab *l = begin(CLOSED, SILENT);

	(void)state;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_CLOSED);
	assert_int_equal(l->out[1].raw.reply, REPLY_SILENT);
	assert_in_range(l->took_ns, 2 * SECOND, 2 * SECOND + 100 * MS);
	end(l);
}

/* Where connections are compared, one open port says all there is; else each port has its own say.
 */
static void test_open_is_enough(void **state)
{
	struct lab *l = begin(SILENT, OPEN);

	(void)state;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].conn.reply, REPLY_SILENT);
	assert_int_equal(l->out[1].raw.reply, REPLY_OPEN);
	assert_int_equal(l->out[1].conn.reply, REPLY_OPEN);
	assert_true(l->took_ns < SECOND);
	l->c.connect = false;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[1].raw.reply, REPLY_OPEN);
	assert_in_range(l->took_ns, 2 * SECOND, 2 * SECOND + 100 * MS);
	end(l);
}

/* --- what this machine refuses ---------------------------------------------------------------- */

static void test_sending_is_refused(void **state)
{
	struct lab *l = begin(OPEN, 0);

	(void)state;
	l->c.connect = false;
	l->peer.send_error = EPERM;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_REFUSED);
	assert_non_null(strstr(l->out[0].raw.why.msg, "sending a raw SYN"));
	assert_int_equal(l->out[0].raw.captured, false);
	/* it was tried twice, and not for as long as one waits for an answer */
	assert_in_range(l->took_ns, SECOND, SECOND + 100 * MS);
	end(l);
}

static int refused_once(struct peer *p, const struct packet *probe)
{
	(void)probe;
	return p->now_ns < 5 * SECOND + 500 * MS ? ENOBUFS : 0;
}

static void test_refused_once(void **state)
{
	struct lab *l = begin(OPEN, 0);

	(void)state;
	l->c.connect = false;
	l->peer.refuse = refused_once;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_OPEN);
	end(l);
}

/* The wire of `begin`, but for what a test puts in its place. */
static struct wire_ops changed;

static struct wire_ops *change(struct lab *l)
{
	changed = *l->peer.wire.ops;
	l->peer.wire.ops = &changed;
	return &changed;
}

static int no_conn(struct wire *w, const struct wire_conn_to *to, bool *full, struct err *e)
{
	(void)w;
	*full = false;
	/* behind the ports of the raw SYNs */
	assert_int_equal(to->sport, SPORT + 1);
	return err_sys(e, EADDRNOTAVAIL, "connect");
}

static void test_connect_is_refused(void **state)
{
	struct lab *l = begin(OPEN, 0);

	(void)state;
	change(l)->conn_open = no_conn;
	assert_int_equal(run(l), 0);
	assert_int_equal(l->out[0].raw.reply, REPLY_OPEN);
	assert_int_equal(l->out[0].conn.reply, REPLY_REFUSED);
	assert_non_null(strstr(l->out[0].conn.why.msg, "connect"));
	end(l);
}

static int write_error;

static ssize_t write_fails(struct wire *w, int conn, const void *octets, size_t len)
{
	(void)w;
	(void)conn;
	(void)octets;
	assert_int_equal(len, 0); /* the service is told nothing */
	return -write_error;
}

/* Each errno of a connection, and what it comes to. */
static void test_what_the_kernel_says(void **state)
{
	static const struct {
		int error;
		enum doctor_reply reply;
	} rows[] = {
	    {ECONNREFUSED, REPLY_CLOSED},   {ECONNRESET, REPLY_CLOSED},	   {EPIPE, REPLY_CLOSED},
	    {EHOSTUNREACH, REPLY_REJECTED}, {ENETUNREACH, REPLY_REJECTED}, {EAGAIN, REPLY_SILENT},
	    {ETIMEDOUT, REPLY_SILENT},	    {EPERM, REPLY_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab *l = begin(SILENT, 0);

		change(l)->conn_write = write_fails;
		write_error = rows[i].error;
		assert_int_equal(run(l), 0);
		assert_int_equal(l->out[0].conn.reply, rows[i].reply);
		assert_int_equal(l->out[0].conn.why.msg[0] != '\0', rows[i].reply == REPLY_REFUSED);
		end(l);
	}
}

static int capture_dies(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
			struct err *e)
{
	(void)w;
	(void)deadline_ns;
	(void)fn;
	(void)ctx;
	return err_set(e, "veth0: gone");
}

/* Then nothing can be said of any port, and silence least of all. */
static void test_capture_dies(void **state)
{
	struct lab *l = begin(OPEN, CLOSED);

	(void)state;
	change(l)->recv = capture_dies;
	assert_int_equal(run(l), -1);
	assert_string_equal(l->e.msg, "veth0: gone");
	end(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_stood_still),
	    cmocka_unit_test(test_no_rst_leaves),
	    cmocka_unit_test(test_closed),
	    cmocka_unit_test(test_rejected),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_whose_answer),
	    cmocka_unit_test(test_forged_error),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_open_is_enough),
	    cmocka_unit_test(test_sending_is_refused),
	    cmocka_unit_test(test_refused_once),
	    cmocka_unit_test(test_connect_is_refused),
	    cmocka_unit_test(test_what_the_kernel_says),
	    cmocka_unit_test(test_capture_dies),
	};

	return cmocka_run_group_tests_name("tryout", tests, NULL, NULL);
}
