/* memwire: each turn of the run takes one instruction from the script. */
#include "fuzz/memwire.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fake/icmp.h"
#include "packet/decode.h"

#define MS 1000000ULL

enum { IDLE_TURNS = 4000, IDLE_NS = 2000 * 1000000 };

/* What a turn does; the low bits of its first octet. */
enum instruction { REPLY, REPLY_ODD, EXPIRED, ICMP, RAW_FRAME, WAIT, ECHO_OWN, WAIT_LONG };

static void hand_on(struct memwire *m, const uint8_t *ip, size_t len, wire_frame_fn *fn, void *ctx)
{
	struct wire_in in = {ip, (uint32_t)len, (uint32_t)len, LINKTYPE_RAW, 1, m->now_ns};

	fn(ctx, &in);
}

/* One of the last that were sent; NULL before the first. */
static const struct memwire_sent *recall(const struct memwire *m, uint8_t back)
{
	size_t n = m->n_sent < MEMWIRE_SENT ? m->n_sent : MEMWIRE_SENT;

	return n ? &m->sent[(m->n_sent - 1 - back % n) % MEMWIRE_SENT] : NULL;
}

/* A segment back from the target: numbers that fit what we sent, give or take what the script says.
 */
static void reply(struct memwire *m, const struct packet *p, bool odd, wire_frame_fn *fn, void *ctx)
{
	static const uint8_t text[64] = "HTTP/1.1 413 Too Large\r\nContent-Length: 77\r\n\r\nabc";
	uint8_t bytes[256], o = cursor_u8(&m->script);
	struct segment s = {
	    .src = p->seg.dst,
	    .dst = p->seg.src,
	    .sport = p->seg.dport,
	    .dport = p->seg.sport,
	    .flags = cursor_u8(&m->script) & 0x3f,
	    .ttl = cursor_u8(&m->script),
	    .win = cursor_u8(&m->script),
	    .seq = p->seg.flags & TCP_ACK ? p->seg.ack : 0xfffffff0U,
	    .ack = p->seg.seq + segment_len(&p->seg),
	    .payload = text,
	    .payload_len = o & 0x3f,
	};
	int len;

	if (odd) {
		s.seq += (uint32_t)(int8_t)cursor_u8(&m->script);
		s.ack += (uint32_t)(int8_t)cursor_u8(&m->script) << (o & 0x40 ? 24 : 0);
	}
	if (!s.payload_len)
		s.payload = NULL;
	len = craft_build(m->craft, &s, bytes, sizeof(bytes), NULL);
	assert(len > 0);
	hand_on(m, bytes, (size_t)len, fn, ctx);
}

static void icmp(struct memwire *m, const struct memwire_sent *s, const struct packet *p,
		 bool expired, wire_frame_fn *fn, void *ctx)
{
	bool v4 = p->seg.dst.family == ADDR_V4;
	uint8_t bytes[ICMP_ERROR_MAX], type = expired ? (v4 ? 11 : 3) : cursor_u8(&m->script);
	struct addr from = p->seg.dst;

	from.b[v4 ? 3 : 15] = cursor_u8(&m->script);
	hand_on(
	    m, bytes,
	    icmp_error(&from, 60, type, expired ? 0 : cursor_u8(&m->script), s->ip, s->len, bytes),
	    fn, ctx);
}

static void raw_frame(struct memwire *m, wire_frame_fn *fn, void *ctx)
{
	size_t n = cursor_u8(&m->script);
	const uint8_t *p = cursor_take(&m->script, n < m->script.left ? n : m->script.left);

	if (p)
		hand_on(m, p, n < m->script.left ? n : 0, fn, ctx);
}

static void answer(struct memwire *m, enum instruction what, wire_frame_fn *fn, void *ctx)
{
	const struct memwire_sent *s = recall(m, cursor_u8(&m->script));
	struct packet p;

	if (!s || decode_frame(s->ip, s->len, s->len, LINKTYPE_RAW, &p) != DECODE_OK)
		return;
	if (what == ECHO_OWN)
		hand_on(m, s->ip, s->len, fn, ctx);
	else if (what == EXPIRED || what == ICMP)
		icmp(m, s, &p, what == EXPIRED, fn, ctx);
	else
		reply(m, &p, what == REPLY_ODD, fn, ctx);
}

static int mem_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		    struct err *e)
{
	struct memwire *m = (struct memwire *)w;
	enum instruction what;

	(void)e;
	if (!m->script.left) {
		m->idle++;
		m->now_ns = deadline_ns > m->now_ns ? deadline_ns : m->now_ns + 1;
		return 0;
	}
	what = cursor_u8(&m->script) & 7;
	if (what == WAIT)
		m->now_ns += cursor_u8(&m->script) * MS;
	else if (what == WAIT_LONG)
		m->now_ns += cursor_u8(&m->script) * 1000 * MS;
	else if (what == RAW_FRAME)
		raw_frame(m, fn, ctx);
	else
		answer(m, what, fn, ctx);
	m->now_ns += 1000;
	return 1;
}

static size_t mem_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns)
{
	struct memwire *m = (struct memwire *)w;

	(void)lane;
	*at_ns = m->now_ns;
	for (size_t i = 0; i < n; i++) {
		struct memwire_sent *s = &m->sent[m->n_sent++ % MEMWIRE_SENT];

		assert(v[i].len <= MEMWIRE_FRAME && v[i].path == 0);
		s->len = v[i].len;
		memcpy(s->ip, v[i].ip, v[i].len);
		v[i].error = 0;
	}
	return n;
}

static uint64_t mem_now(struct wire *w)
{
	return ((struct memwire *)w)->now_ns;
}

static unsigned mem_events(struct wire *w)
{
	return ((struct memwire *)w)->idle > IDLE_TURNS ? WIRE_STOP : 0;
}

static void mem_stats(struct wire *w, struct wire_stats *out)
{
	(void)w;
	*out = (struct wire_stats){0};
}

static bool mem_path_up(struct wire *w, uint16_t path, struct err *why)
{
	(void)w;
	(void)path;
	(void)why;
	return true;
}

/* The kernel's SYN, so that the script can answer it. */
static int mem_conn_open(struct wire *w, const struct wire_conn_to *to, bool *full, struct err *e)
{
	struct memwire *m = (struct memwire *)w;
	struct memwire_sent *s;
	struct segment syn = {.src = m->path.src,
			      .dst = to->dst,
			      .sport = to->sport,
			      .dport = to->dport,
			      .seq = (uint32_t)m->now_ns,
			      .flags = TCP_SYN,
			      .ttl = 64};
	int conn = 0, len;

	*full = false;
	while (conn < MEMWIRE_CONNS && m->open[conn])
		conn++;
	if (conn == MEMWIRE_CONNS) {
		*full = true;
		return err_set(e, "full");
	}
	m->open[conn] = true;
	s = &m->sent[m->n_sent++ % MEMWIRE_SENT];
	len = craft_build(m->craft, &syn, s->ip, sizeof(s->ip), NULL);
	assert(len > 0);
	s->len = (uint16_t)len;
	return conn;
}

static void check_conn(struct wire *w, int conn)
{
	assert(conn >= 0 && conn < MEMWIRE_CONNS && ((struct memwire *)w)->open[conn]);
}

static void mem_conn_shutdown(struct wire *w, int conn)
{
	check_conn(w, conn);
}

static bool mem_conn_tsval(struct wire *w, int conn, uint32_t *tsval)
{
	check_conn(w, conn);
	*tsval = (uint32_t)(mem_now(w) / MS);
	return true;
}

static ssize_t what_call_says(struct memwire *m, size_t len)
{
	static const int errors[] = {EAGAIN, ECONNRESET, EPIPE, ETIMEDOUT};
	uint8_t o = cursor_u8(&m->script);

	if (!m->script.left || o < 64)
		return -EAGAIN;
	if (o < 80)
		return -errors[o & 3];
	return (ssize_t)(len < o - 80U ? len : o - 80U); /* 0: the end */
}

static ssize_t mem_conn_write(struct wire *w, int conn, const void *octets, size_t len)
{
	ssize_t n = what_call_says((struct memwire *)w, len);

	check_conn(w, conn);
	assert(octets && len);
	return n ? n : -EAGAIN;
}

/* What is read first begins as an answer of HTTP does, and ends as the script goes on. */
static ssize_t mem_conn_read(struct wire *w, int conn, void *octets, size_t cap)
{
	static const uint8_t head[] = "HTTP/1.1 413 Too Large\r\ncontent-LENGTH: ";
	struct memwire *m = (struct memwire *)w;
	ssize_t n = what_call_says(m, cap);
	size_t fixed = m->answered ? 0 : sizeof(head) - 1;

	check_conn(w, conn);
	for (ssize_t i = 0; i < n; i++) {
		size_t at = (size_t)i;

		if (at < fixed)
			((uint8_t *)octets)[i] = head[at];
		else
			((uint8_t *)octets)[i] =
			    m->script.left ? m->script.p[(at - fixed) % m->script.left] : 0;
	}
	m->answered |= n > 0;
	return n;
}

static void mem_conn_close(struct wire *w, int conn, bool reset)
{
	(void)reset;
	check_conn(w, conn);
	((struct memwire *)w)->open[conn] = false;
}

void memwire_init(struct memwire *m, const uint8_t *script, size_t len)
{
	static const struct wire_ops ops = {
	    .send = mem_send,
	    .recv = mem_recv,
	    .now = mem_now,
	    .events = mem_events,
	    .stats = mem_stats,
	    .path_up = mem_path_up,
	    .conn_open = mem_conn_open,
	    .conn_shutdown = mem_conn_shutdown,
	    .conn_write = mem_conn_write,
	    .conn_read = mem_conn_read,
	    .conn_tsval = mem_conn_tsval,
	    .conn_close = mem_conn_close,
	};

	memset(m, 0, sizeof(*m));
	m->script = cursor_of(script, len);
	m->now_ns = 5000 * MS;
	m->craft = craft_new(NULL);
	assert(m->craft);
	m->path = (struct path){.ifname = "mem0", .ifindex = 1, .mtu = 1500};
	m->wire = (struct wire){.ops = &ops,
				.paths = &m->path,
				.n_paths = 1,
				.lanes = 1,
				.conns_max = MEMWIRE_CONNS,
				.both_ways = true};
}

void memwire_free(struct memwire *m)
{
	craft_free(m->craft);
}
