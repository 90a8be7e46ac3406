/*
 * rstscript: the words become packets; two ends are followed only as far as SND.NXT and RCV.NXT. It
 * shares no code with what it tests: numbers are computed once more, and never compared there.
 */
#include "unit.h"

#include "judge/rfc9293.h"
#include "rstscript.h"

enum { CLIENT, SERVER, RING = 256, WORDS = 40, EXPECTED = 512 };

struct end {
	struct addr addr;
	uint16_t port, id, wscale;
	uint32_t isn, nxt, rcv;
	uint8_t ttl;
	bool ts, no_id;
	struct segment last; /* its last segment with length */
};

struct connection {
	bool used;
	struct end end[2];
};

struct frame {
	struct packet p;
	uint8_t payload[64];
	uint32_t number;
	uint64_t ns;
	uint8_t side;
	size_t connection;
};

struct expectation {
	char text[240];
	uint32_t frame;
	uint16_t file;
};

struct play {
	struct explain *e;
	struct script_how how;
	struct connection *c;
	size_t n_c;
	struct frame ring[RING], *last;
	uint32_t n_frames; /* in all */
	uint32_t number;
	uint16_t file;
	uint64_t ns;
	struct expectation want[EXPECTED];
	size_t n_want;
};

#define SECOND_NS 1000000000.0
#define START_NS 1795176000000000000ull

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void bad(const char *what, const char *word)
{
	fail_msg("script: %s: %s", what, word ? word : "(nothing)");
}

static long number(const char *w)
{
	char *end;
	long n;

	if (!w)
		bad("a number is missing", NULL);
	n = strtol(w, &end, 10);
	if (*end || end == w)
		bad("no number", w);
	return n;
}

/* --- ends ---------------------------------------------------------------------------------- */

static struct addr address(const struct play *p, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct addr v6 = {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8}};

	if (!p->how.v6)
		return addr_v4(a, b, c, d);
	v6.b[12] = a;
	v6.b[13] = b;
	v6.b[14] = c;
	v6.b[15] = d;
	return v6;
}

static struct connection *connection(struct play *p, size_t n)
{
	struct connection *c;
	size_t have = p->n_c;

	while (p->n_c <= n)
		p->n_c = p->n_c ? 2 * p->n_c : 16;
	if (p->n_c != have) {
		p->c = realloc(p->c, p->n_c * sizeof(*p->c));
		assert_non_null(p->c);
		memset(p->c + have, 0, (p->n_c - have) * sizeof(*p->c));
	}
	c = &p->c[n];
	if (c->used)
		return c;
	c->used = true;
	for (int s = 0; s < 2; s++) {
		c->end[s] = (struct end){.isn = p->how.isn[s] + (uint32_t)(n - 1) * 7000,
					 .id = s ? 20000 : 1000,
					 .ttl = s ? 60 : 64,
					 .ts = true,
					 .wscale = 7};
		c->end[s].nxt = c->end[s].isn;
	}
	c->end[CLIENT].rcv = c->end[SERVER].isn;
	c->end[SERVER].rcv = c->end[CLIENT].isn;
	c->end[SERVER].addr = address(p, 192, 0, 2, 7);
	c->end[SERVER].port = 80;
	c->end[CLIENT].addr =
	    n < 1000 ? address(p, 192, 0, 2, 9)
		     : address(p, 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
	c->end[CLIENT].port = (uint16_t)(n < 1000 ? 40000 + n : 40000);
	return c;
}

static void set_end(struct play *p, struct end *e, char **w)
{
	unsigned a[4], port;

	if (!w[0] || !w[1])
		bad("what of the end", w[0]);
	if (is(w[0], "at")) {
		if (sscanf(w[1], "%u.%u.%u.%u:%u", &a[0], &a[1], &a[2], &a[3], &port) != 5)
			bad("no address and port", w[1]);
		e->addr = address(p, (uint8_t)a[0], (uint8_t)a[1], (uint8_t)a[2], (uint8_t)a[3]);
		e->port = (uint16_t)port;
	} else if (is(w[0], "ttl")) {
		e->ttl = (uint8_t)number(w[1]);
	} else if (is(w[0], "ts")) {
		e->ts = number(w[1]);
	} else if (is(w[0], "wscale")) {
		e->wscale = (uint16_t)number(w[1]);
	} else if (is(w[0], "id")) {
		e->id = (uint16_t)number(w[1]);
	} else if (is(w[0], "sameid")) {
		e->no_id = number(w[1]);
	} else {
		bad("unknown word of an end", w[0]);
	}
	if (w[2])
		set_end(p, e, w + 2);
}

/* --- frames -------------------------------------------------------------------------------- */

static uint16_t flags_of(const char *w)
{
	static const char letters[] = "FSRP.UEW";
	uint16_t flags = 0;

	for (; *w; w++) {
		const char *at = strchr(letters, *w);

		if (*w == '-')
			continue;
		if (!at)
			bad("unknown flag", w);
		flags |= (uint16_t)(1 << (at - letters));
	}
	return flags;
}

static void put_option(struct segment *s, const uint8_t *bytes, size_t n)
{
	memcpy(s->options + s->options_len, bytes, n);
	s->options_len = (uint8_t)(s->options_len + n);
}

static void put_timestamps(struct segment *s)
{
	static const uint8_t ts[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};

	put_option(s, ts, sizeof(ts));
}

static void put_syn_options(const struct end *e, struct segment *s)
{
	const uint8_t plain[] = {2, 4, 5, 180, 4, 2, 1, 1}, scale[] = {1, 3, 3, (uint8_t)e->wscale};

	put_option(s, plain, sizeof(plain));
	put_option(s, scale, sizeof(scale));
	if (e->ts)
		put_timestamps(s);
}

static struct frame *frame_of(struct play *p, uint32_t n)
{
	for (size_t i = 0; i < RING; i++)
		if (p->ring[i].number == n && p->ring[i].p.kind == PACKET_TCP)
			return &p->ring[i];
	bad("no such frame", NULL);
	return NULL;
}

static struct frame *last_of_side(struct play *p, size_t connection, uint8_t side)
{
	struct frame *best = NULL;

	for (size_t i = 0; i < RING; i++) {
		struct frame *f = &p->ring[i];

		if (f->p.kind == PACKET_TCP && f->connection == connection && f->side == side &&
		    !(f->p.seg.flags & TCP_RST) && (!best || f->ns >= best->ns) &&
		    (!best || f->number > best->number))
			best = f;
	}
	if (!best)
		bad("nothing to answer", NULL);
	return best;
}

/* RFC 9293, 3.5.2, groups 1 and 2. */
static void make_answer(struct segment *s, const struct segment *to)
{
	s->win = s->ip_id = 0;
	s->options_len = 0;
	if (to->flags & TCP_ACK) {
		s->flags = TCP_RST;
		s->seq = to->ack;
		s->ack = 0;
		return;
	}
	s->flags = TCP_RST | TCP_ACK;
	s->seq = 0;
	s->ack = to->seq + segment_len(to);
}

static uint32_t tcp_number(const char *w, uint32_t isn, uint32_t own)
{
	if (w && *w == '=')
		return (uint32_t)strtoul(w + 1, NULL, 0);
	if (w && *w == '~')
		return own + (uint32_t)number(w + 1);
	return isn + (uint32_t)number(w);
}

/* close_notify as TLS 1.3 sends it: an encrypted record of type 21 (RFC 8446, 5.2). */
static void take_alert(struct frame *f)
{
	static const uint8_t alert[24] = {21, 3, 3, 0, 19, 0xd0};

	memcpy(f->payload, alert, sizeof(alert));
	f->p.seg.payload = f->payload;
	f->p.seg.payload_len = f->p.payload_captured = sizeof(alert);
}

/* The words that need no value; whether it was one. */
static bool plain_word(struct frame *f, const char *w)
{
	static const uint8_t fastclose[] = {30, 12, 0x70, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	struct segment *s = &f->p.seg;

	if (is(w, "bare"))
		s->options_len = 0;
	else if (is(w, "opts"))
		put_timestamps(s);
	else if (is(w, "alert"))
		take_alert(f);
	else if (is(w, "nodf"))
		s->df = false;
	else if (is(w, "badsum"))
		f->p.csum_bad = f->p.csum_checked = true;
	else if (is(w, "fastclose"))
		put_option(s, fastclose, sizeof(fastclose));
	else
		return false;
	return true;
}

static void take_text(struct frame *f, char **w)
{
	size_t n = 0;

	for (; *w; w++)
		n += (size_t)snprintf((char *)f->payload + n, sizeof(f->payload) - n, "%s%s",
				      n ? " " : "", *w);
	f->p.seg.payload = f->payload;
	f->p.seg.payload_len = f->p.payload_captured = (uint32_t)n;
}

static void take_value(struct play *p, struct frame *f, const char *w, const char *v)
{
	struct connection *c = &p->c[f->connection];
	struct segment *s = &f->p.seg;
	uint8_t tcprst[] = {30, 4, 0x80, 0};

	if (is(w, "seq")) {
		s->seq = tcp_number(v, c->end[f->side].isn, s->seq);
	} else if (is(w, "ack")) {
		s->ack = tcp_number(v, c->end[!f->side].isn, s->ack);
	} else if (is(w, "len")) {
		s->payload_len = (uint32_t)number(v);
	} else if (is(w, "win")) {
		s->win = (uint16_t)number(v);
	} else if (is(w, "ttl")) {
		s->ttl = (uint8_t)number(v);
	} else if (is(w, "id")) {
		s->ip_id = p->how.v6 ? 0 : (uint16_t)number(v);
	} else if (is(w, "isn")) {
		s->seq = c->end[f->side].isn += (uint32_t)number(v);
		c->end[f->side].nxt = s->seq;
	} else if (is(w, "tcprst")) {
		tcprst[3] = (uint8_t)number(v);
		put_option(s, tcprst, sizeof(tcprst));
	} else {
		bad("unknown word of a frame", w);
	}
}

enum fate { ARRIVES = 1, CAPTURED = 2, FORGED = 4 };

/* The words after the kind of a frame. */
static unsigned take_words(struct play *p, struct frame *f, char **w)
{
	unsigned fate = ARRIVES | CAPTURED;

	for (; *w; w++) {
		if (**w == '+' || **w == '-')
			p->ns += (uint64_t)(int64_t)(strtod(*w, NULL) * SECOND_NS) - 1000000;
		else if (is(*w, "unseen"))
			fate = ARRIVES;
		else if (is(*w, "lost"))
			fate = 0;
		else if (is(*w, "dropped"))
			fate = CAPTURED;
		else if (is(*w, "forged"))
			fate = CAPTURED | FORGED;
		else if (is(*w, "text")) {
			take_text(f, w + 1);
			break;
		} else if (!plain_word(f, *w)) {
			take_value(p, f, w[0], w[1]);
			w++;
		}
	}
	return fate;
}

/* What both ends know after it. */
static void follow(struct connection *c, struct frame *f, unsigned fate)
{
	struct end *from = &c->end[f->side], *to = &c->end[!f->side];
	const struct segment *s = &f->p.seg;
	uint32_t end = s->seq + segment_len(s);

	if (s->flags & TCP_RST || fate & FORGED)
		return;
	if (s->flags & TCP_SYN) {
		from->isn = s->seq;
		from->nxt = end;
		from->ts = f->p.options.has_timestamps && from->ts;
		to->rcv = fate & ARRIVES ? end : to->rcv;
	}
	if ((int32_t)(end - from->nxt) > 0)
		from->nxt = end;
	if (segment_len(s))
		from->last = *s;
	if (fate & ARRIVES && (int32_t)(s->seq - to->rcv) <= 0 && (int32_t)(end - to->rcv) > 0)
		to->rcv = end;
}

/* By its kind: the segment before the words that come after it. */
static char **begin_frame(struct play *p, struct frame *f, char **w)
{
	struct connection *c = &p->c[f->connection];
	struct end *from = &c->end[f->side], *to = &c->end[!f->side];
	struct segment *s = &f->p.seg;

	f->p.kind = PACKET_TCP;
	*s = (struct segment){.src = from->addr,
			      .dst = to->addr,
			      .sport = from->port,
			      .dport = to->port,
			      .seq = from->nxt,
			      .ack = from->rcv,
			      .win = 502,
			      .ttl = from->ttl,
			      .df = true,
			      .flags = TCP_ACK};
	if (!w[0])
		bad("flags are missing", NULL);
	if (is(w[0], "answer")) {
		bool which = w[1] && w[1][0] >= '0' && w[1][0] <= '9';
		struct frame *to_it = which ? frame_of(p, (uint32_t)number(w[1]))
					    : last_of_side(p, f->connection, !f->side);

		make_answer(s, &to_it->p.seg);
		return w + 1 + which;
	}
	if (!p->how.v6 && !from->no_id)
		s->ip_id = ++from->id;
	if (is(w[0], "retry")) {
		s->seq = from->last.seq;
		s->flags = from->last.flags;
		s->payload_len = from->last.payload_len;
		if (s->flags & TCP_SYN) {
			s->win = 64240;
			put_syn_options(from, s);
			return w + 1;
		}
	} else if (is(w[0], "keepalive")) {
		s->seq--;
	} else if (is(w[0], "abort")) {
		s->flags = TCP_RST | TCP_ACK;
	} else {
		s->flags = flags_of(w[0]);
	}
	if (s->flags & TCP_SYN) {
		s->seq = from->isn;
		s->win = 64240;
		if (s->flags & TCP_ACK && !p->how.v6)
			s->ip_id = 0;
		put_syn_options(from, s);
	} else if (from->ts && (!(s->flags & TCP_RST) || is(w[0], "abort"))) {
		put_timestamps(s);
	}
	if (!(s->flags & TCP_ACK))
		s->ack = 0;
	return w + 1;
}

static void take_frame(struct play *p, size_t connection_number, uint8_t side, char **w)
{
	struct frame *f = &p->ring[p->n_frames % RING];
	struct connection *c = connection(p, connection_number);
	unsigned fate;

	if (w[0] && is(w[0], "again")) {
		struct frame copy = *p->last;

		*f = copy;
		p->ns = f->ns + 50000;
		take_words(p, f, w + 1);
		fate = CAPTURED;
	} else {
		memset(f, 0, sizeof(*f));
		f->connection = connection_number;
		f->side = side;
		p->ns += 1000000;
		w = begin_frame(p, f, w);
		fate = take_words(p, f, w);
		options_parse(f->p.seg.options, f->p.seg.options_len, &f->p.options);
		follow(c, f, fate);
	}
	f->ns = p->ns;
	/* what is not captured may be answered all the same, by no number */
	f->number = fate & CAPTURED ? ++p->number : 0;
	p->last = f;
	p->n_frames++;
	if (fate & CAPTURED) {
		struct explain_frame at = {p->ns, f->number, p->file};

		explain_packet(p->e, &at, DECODE_OK, &f->p);
	}
}

/* --- other statements ------------------------------------------------------------------------ */

static void take_kernel(struct play *p, char **w)
{
	const struct segment *s = &p->last->p.seg;
	struct kernel_reset k = {.wall_ns = p->last->ns + 20000,
				 .src = s->src,
				 .dst = s->dst,
				 .sport = s->sport,
				 .dport = s->dport};

	if (w[0] && is(w[0], "listener")) {
		memset(&k.src, 0, sizeof(k.src));
		memset(&k.dst, 0, sizeof(k.dst));
		k.src.family = s->src.family;
		k.dport = 0;
		w++;
	}
	snprintf(k.reason, sizeof(k.reason), "%s", w[0] ? w[0] : "");
	snprintf(k.state, sizeof(k.state), "%s", w[0] && w[1] ? w[1] : "");
	explain_kernel(p->e, &k);
}

static void take_expectation(struct play *p, const char *text)
{
	struct expectation *x = &p->want[p->n_want++];

	assert_true(p->n_want < EXPECTED);
	snprintf(x->text, sizeof(x->text), "%s", text);
	x->frame = p->number;
	x->file = p->file;
}

static void take_statement(struct play *p, char *text)
{
	char copy[400], *w[WORDS] = {0}, *at = copy;
	size_t n = 0, c = 1;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *t = strtok(copy, " \n\t"); t && n < WORDS - 1; t = strtok(NULL, " \n\t"))
		w[n++] = t;
	if (!n)
		return;
	at = w[0];
	if (*at >= '0' && *at <= '9')
		c = strtoul(at, &at, 10);
	if (is(at, ">") || is(at, "<"))
		take_frame(p, c, *at == '<', w + 1);
	else if (is(at, "client") || is(at, "server"))
		set_end(p, &connection(p, c)->end[*at == 's'], w + 1);
	else if (is(at, "kernel"))
		take_kernel(p, w + 1);
	else if (is(at, "tick"))
		explain_tick(p->e, p->ns += (uint64_t)(strtod(w[1], NULL) * SECOND_NS));
	else if (is(at, "forget"))
		explain_forget(p->e);
	else if (is(at, "file"))
		p->file++, p->number = 0;
	else if (is(at, "v4"))
		assert_false(p->how.v6);
	else if (is(at, "="))
		take_expectation(p, strchr(text, '=') + 1);
	else
		bad("unknown statement", text);
}

static void take_script(struct play *p, const char *script)
{
	char one[400];

	while (*script) {
		size_t n = strcspn(script, ";");

		assert_true(n < sizeof(one));
		memcpy(one, script, n);
		one[n] = '\0';
		script += n + (script[n] == ';');
		take_statement(p, one);
	}
}

/* As of a file, but that thousands of plays a test need no room for a day's connections. */
static struct explain_limits limits_of(const struct script_how *how)
{
	struct explain_limits l = how->limits ? *how->limits : explain_limits_file;

	if (!how->limits)
		l.flows = 4096;
	return l;
}

struct play *play_new(const struct script_how *how, finding_fn *fn, void *ctx)
{
	const struct explain_limits limits = limits_of(how);
	struct play *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->how = *how;
	if (!p->how.isn[0] && !p->how.isn[1]) {
		p->how.isn[CLIENT] = 1000000;
		p->how.isn[SERVER] = 5000000;
	}
	p->ns = START_NS;
	p->e = explain_new(&limits, fn, ctx);
	assert_non_null(p->e);
	return p;
}

void play(struct play *p, const char *format, ...)
{
	char script[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(script, sizeof(script), format, ap);
	va_end(ap);
	take_script(p, script);
}

struct explain *play_explain(struct play *p)
{
	return p->e;
}

uint32_t play_frame(const struct play *p)
{
	return p->number;
}

void play_free(struct play *p)
{
	explain_free(p->e);
	free(p->c);
	free(p);
}

/* --- what is expected ------------------------------------------------------------------------ */

#define NAME(c)                                                                                    \
	{                                                                                          \
#c, CLUE_##c                                                                       \
	}
static const struct clue_name {
	const char *name;
	enum clue_id id;
} clue_names[] = {
    NAME(HOPS),		NAME(INITIAL_TTL),    NAME(TOO_FAST),	   NAME(IP_ID),
    NAME(COPIED),	NAME(GOES_ON),	      NAME(SYN_ACK_LATER), NAME(SEQ_SPREAD),
    NAME(ACK_BEYOND),	NAME(IN_WINDOW),      NAME(NO_TS),	   NAME(BOTH_SIDES),
    NAME(WINDOW_GREW),	NAME(UNANSWERED),     NAME(UNACKED),	   NAME(ZERO_WINDOW),
    NAME(GAP),		NAME(IDLE_TIMER),     NAME(PROBES),	   NAME(REPEATS),
    NAME(HANDSHAKE),	NAME(TRIGGER_REPEAT), NAME(LISTENER),	   NAME(LISTENER_ON),
    NAME(RAW_SYN),	NAME(MANY_TARGETS),   NAME(WINDOW_CODE),   NAME(VENDOR_TEXT),
    NAME(MPTCP_REASON), NAME(KERNEL),	      NAME(BAD_CHECKSUM),  NAME(SECOND_POINT),
    NAME(ONE_SIDED),	NAME(MID_STREAM),     NAME(CLOSE_NOTIFY),  NAME(TRACKER),
    NAME(OLD_LIVED),	NAME(STAGE),	      NAME(CHALLENGE),
};

struct found {
	struct finding f[EXPECTED];
	bool expected[EXPECTED];
	size_t n;
	char *why;
	script_row_fn *each;
	void *ctx;
};

static void complain(char why[512], const struct finding *f, const char *what, const char *wanted,
		     const char *got)
{
	if (!*why)
		snprintf(why, 512, "frame %u: %s: wanted %s, got %s (%s, by rule: %s)", f->frame,
			 what, wanted, got, cause_name(f->cause), f->row->because);
}

static const struct clue *clue_of(const struct finding *f, const char *name)
{
	for (size_t i = 0; i < sizeof(clue_names) / sizeof(clue_names[0]); i++) {
		if (!is(clue_names[i].name, name))
			continue;
		for (size_t k = 0; k < f->n_clues; k++)
			if (f->clues[k].id == clue_names[i].id)
				return &f->clues[k];
		return NULL;
	}
	bad("unknown clue", name);
	return NULL;
}

static bool has_fact(const struct finding *f, const char *name)
{
	for (int i = 1; i < FACTS; i++)
		if (is(fact_name((enum fact)i), name))
			return fact_has(&f->facts, (enum fact)i);
	bad("unknown fact", name);
	return false;
}

static void want_word(char *why, const struct finding *f, const char *what, const char *wanted,
		      const char *got)
{
	if (!is(wanted, got))
		complain(why, f, what, wanted, got);
}

static void want_number(char *why, const struct finding *f, const char *what, const char *wanted,
			uint64_t got)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)got);
	want_word(why, f, what, is(wanted, "none") ? "0" : wanted, text);
}

static void want_also(char *why, const struct finding *f, const char *list)
{
	char copy[120], got[120] = "", *save;

	snprintf(copy, sizeof(copy), "%s", list);
	for (size_t i = 0; i < ALSO_MAX && f->also[i]; i++) {
		strcat(got, i ? "," : "");
		strcat(got, cause_name(f->also[i]));
	}
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		enum cause id = CAUSE_UNKNOWN;
		bool there = false;

		if (cause_parse(w, &id) != 0)
			bad("unknown cause", w);
		for (size_t i = 0; i < ALSO_MAX && f->also[i]; i++)
			there |= f->also[i] == id;
		if (!there)
			complain(why, f, "an alternative", w, got);
	}
}

static void want_sees(char *why, const struct finding *f, const char *wanted)
{
	char got[80] = "";

	for (size_t i = 0; i < APP_SEES_MAX && f->sees[i]; i++) {
		strcat(got, i ? "," : "");
		strcat(got, app_result_name(f->sees[i]));
	}
	strcat(got, f->sees_at_sender ? "@" : "");
	want_word(why, f, "what the application sees", wanted, got);
}

static void want_row(char *why, const struct finding *f, const char *wanted)
{
	size_t n = 0;

	for (const struct cause_row *r = cause_rows; r <= f->row; r++)
		n += r->id == f->cause;
	want_number(why, f, "the row of its cause", wanted, n);
}

/* One of the words behind cause and sureness that take a value. */
static void want_value(char *why, const struct finding *f, const char *k, const char *v)
{
	if (is(k, "also"))
		want_also(why, f, v);
	else if (is(k, "by"))
		want_number(why, f, "provoked by frame", v, f->provoked_by);
	else if (is(k, "from"))
		want_word(why, f, "sender", v, sender_name(f->sender));
	else if (is(k, "origin"))
		want_word(why, f, "origin", v, origin_name(f->origin));
	else if (is(k, "outcome"))
		want_word(why, f, "outcome", v, outcome_name(f->outcome));
	else if (is(k, "sees"))
		want_sees(why, f, v);
	else if (is(k, "severity"))
		want_word(why, f, "severity", v, severity_name(f->severity));
	else if (is(k, "clue") || is(k, "noclue"))
		want_word(why, f, v, *k == 'c' ? "the clue" : "no clue",
			  clue_of(f, v) ? "the clue" : "no clue");
	else if (is(k, "fact") || is(k, "nofact"))
		want_word(why, f, v, *k == 'f' ? "the fact" : "no fact",
			  has_fact(f, v) ? "the fact" : "no fact");
	else if (is(k, "root"))
		want_number(why, f, "root", v, f->root);
	else if (is(k, "followers"))
		want_number(why, f, "followers", v, f->followers);
	else if (is(k, "lost"))
		want_number(why, f, "octets lost", v, f->bytes_lost);
	else if (is(k, "burst"))
		want_number(why, f, "burst", v, f->burst_n);
	else if (is(k, "row"))
		want_row(why, f, v);
	else
		bad("unknown word of an expectation", k);
}

static void compare(char *why, const struct finding *f, const char *text)
{
	char copy[240], *w[WORDS] = {0}, *save;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *t = strtok_r(copy, " \n\t", &save); t && n < WORDS - 2;
	     t = strtok_r(NULL, " \n\t", &save))
		w[n++] = t;
	if (n < 2)
		bad("cause and sureness are wanted", text);
	want_word(why, f, "cause", w[0], cause_name(f->cause));
	want_word(why, f, "sureness", w[1], sureness_name(f->sure));
	for (size_t i = 2; i < n; i += 2) {
		if (is(w[i], "alone")) {
			want_word(why, f, "alternatives", "unknown", cause_name(f->also[0]));
			i--;
			continue;
		}
		want_value(why, f, w[i], w[i + 1] ? w[i + 1] : "");
	}
}

/* The ladder is borrowed, so it is looked at now: one RST, in its place, and what provoked it. */
static void check_ladder(char *why, const struct finding *f)
{
	if (f->n_ladder > LADDER_MAX || f->rst_at < 0 || f->ladder[f->rst_at].frame != f->frame)
		complain(why, f, "the ladder", "the RST in it", "not there");
	else if (f->trigger_at >= 0 && f->ladder[f->trigger_at].frame != f->provoked_by)
		complain(why, f, "the ladder", "what provoked it", "another");
	for (size_t i = 0; i < f->n_ladder; i++)
		if (f->ladder[i].after != ((int)i > f->rst_at))
			complain(why, f, "the ladder", "after behind the RST", "not so");
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct found *found = ctx;

	assert_true(found->n < EXPECTED);
	check_ladder(found->why, f);
	found->f[found->n] = *f;
	found->f[found->n++].ladder = NULL;
	if (found->each)
		found->each(found->ctx, f);
}

bool script_is_v4(const char *script)
{
	return strncmp(script, "v4;", 3) == 0;
}

void script_check(const char *script, const struct script_how *how, char why[512],
		  script_row_fn *each, void *ctx)
{
	struct found *found = calloc(1, sizeof(*found));
	struct play *p;

	assert_non_null(found);
	why[0] = '\0';
	found->why = why;
	found->each = each;
	found->ctx = ctx;
	p = play_new(how, on_finding, found);
	take_script(p, script);
	explain_end(p->e);
	for (size_t i = 0; i < p->n_want; i++) {
		size_t k = 0;

		while (k < found->n && (found->f[k].frame != p->want[i].frame ||
					found->f[k].file != p->want[i].file))
			k++;
		if (k == found->n) {
			snprintf(why, 512, "frame %u: nothing was said", p->want[i].frame);
			break;
		}
		found->expected[k] = true;
		compare(why, &found->f[k], p->want[i].text);
	}
	for (size_t k = 0; k < found->n; k++)
		if (!found->expected[k])
			complain(why, &found->f[k], "a finding", "none", "one");
	play_free(p);
	free(found);
}
