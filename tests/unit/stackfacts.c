/* stackfacts: the live columns, and how an answer's notation becomes a packet. */
#include "unit.h"

#include "packet/segment.h"
#include "unit/stackfacts.h"

#define X2(x) x, x
#define X4(x) X2(x), X2(x)
#define X6(x) X4(x), X2(x)

/* Linux 6.18. */
static const struct live_talk linux_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "R,a,0", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "A", AFTER_ALIVE},
    {IN_SYN_RECEIVED, "rst-outside", ".", AFTER_ALIVE},
    {IN_SYN_RECEIVED, "rst-exact", ".", AFTER_GONE},
    {IN_SYN_RECEIVED, "syn-window", "!RA,0,n", AFTER_GONE},
    {IN_ESTABLISHED, "rst-exact", ".", AFTER_GONE},
    {IN_ESTABLISHED, "rst-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "rst-outside", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "syn-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "fin-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "ack-unsent", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-old-ack", "A", AFTER_ALIVE},
    {IN_TIME_WAIT, "rst-exact", ".", AFTER_GONE},
    {IN_TIME_WAIT, "syn-window", "SA", AFTER_GONE},
    {0},
};
const struct live live_linux = {
    "Linux 6.18",
    {65160, 0, 64, true},
    {0, 0, 64, true},
    "MSTNW",
    {X4("SA"), X4("R,a,0"), X6("."), X2("!."), X4(".")},
    {X4("RA,0,n"), X4("R,a,0"), X6("RA,0,n"), X2("RA,0,n"), X4(".")},
    linux_talks,
};

static const struct live_talk lwip_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "!RA,a,n", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "A", AFTER_ALIVE},
    {IN_SYN_RECEIVED, "syn-window", "!.", AFTER_ALIVE},
    {IN_ESTABLISHED, "rst-exact", ".", AFTER_GONE},
    {IN_ESTABLISHED, "rst-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "rst-outside", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "syn-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "fin-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "ack-unsent", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-old-ack", "!A", AFTER_ACCEPTED},
    {0},
};
const struct live live_lwip = {
    "lwIP 2.1.3",
    {65535, 77, 255, false},
    {65407, 78, 255, false},
    "MNW",
    {X4("SA"), X4("!RA,a,n"), X6("."), X2("SA"), X4(".")},
    {X4("!RA,a,n"), X4("!RA,a,n"), X6("!RA,a,n"), X2("!RA,a,s+1"), X4(".")},
    lwip_talks,
};

static const struct live_talk lwipv6_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "!RA,a,n", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "!.", AFTER_GONE},
    {IN_SYN_RECEIVED, "syn-window", "!.", AFTER_ALIVE},
    {IN_ESTABLISHED, "rst-exact", ".", AFTER_GONE},
    {IN_ESTABLISHED, "rst-window", "!.", AFTER_GONE},
    {IN_ESTABLISHED, "rst-outside", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "syn-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "fin-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "ack-unsent", "!.", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-old-ack", "!A", AFTER_ACCEPTED},
    {0},
};
const struct live live_lwipv6 = {
    "LWIPv6 1.5a",
    {32768, 77, 255, true},
    {32768, 78, 255, true},
    "M",
    {X4("SA"), X4("!RA,a+1,n"), X6("."), X2("SA"), ".", "!RA,a+1,n", "!SA", "!RA,a+1,n"},
    {X4("!RA,a,n"), X4("!RA,a,n"), X6("!RA,a,n"), X2("!RA,a,s+1"), X4(".")},
    lwipv6_talks,
};

static const struct live_talk gvisor_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "R,a,0", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "!.", AFTER_GONE},
    {IN_SYN_RECEIVED, "syn-window", "!RA,0,n", AFTER_GONE},
    {IN_ESTABLISHED, "rst-exact", ".", AFTER_GONE},
    {IN_ESTABLISHED, "rst-window", "!.", AFTER_GONE},
    {IN_ESTABLISHED, "rst-outside", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "syn-window", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "fin-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "ack-unsent", "!.", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-old-ack", "!A", AFTER_ACCEPTED},
    {0},
};
const struct live live_gvisor = {
    "gVisor 2022-12",
    {29184, 77, 64, false},
    {0, 78, 64, false},
    "MSTNW",
    {X4("SA"), X4("R,a,0"), X6("."), X2("SA"), ".", ".", ".", "!R,a,0"},
    {X4("RA,0,n"), X4("R,a,0"), X6("RA,0,n"), X2("RA,0,n"), X4(".")},
    gvisor_talks,
};

static const struct live_talk slirp_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "R,a,0", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "!.", AFTER_GONE},
    {IN_SYN_RECEIVED, "syn-window", "!RA,0,n", AFTER_GONE},
    {IN_ESTABLISHED, "rst-exact", ".", AFTER_GONE},
    {IN_ESTABLISHED, "rst-window", "!.", AFTER_GONE},
    {IN_ESTABLISHED, "rst-outside", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "syn-window", "!RA,0,n", AFTER_GONE},
    {IN_ESTABLISHED, "data-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "fin-no-ack", ".", AFTER_ALIVE},
    {IN_ESTABLISHED, "ack-unsent", "A", AFTER_ALIVE},
    {IN_ESTABLISHED, "data-old-ack", "!A", AFTER_ACCEPTED},
    {0},
};
const struct live live_slirp = {
    "slirp 4.7",
    {65535, 77, 64, false},
    {0, 78, 255, false},
    "M",
    {X4("SA"), X4("R,a,0"), X6("!RA,0,n-"), X2("!RA,0,n-"), "!RA,0,n", "!R,a,0", "!RA,0,n",
     "!R,a,0"},
    {X2("RA,0,s+1 w65535 t64"), "RA,0,s+1 w65535 t64", "!RA,0,s+1 w65535 t64", X4("R,a,0"),
     X2("RA,0,n"), X2("!RA,0,n-"), X2("RA,0,n"), X2("!RA,0,s+1"), "!RA,0,n", "!R,a,0", "!RA,0,n",
     "!R,a,0"},
    slirp_talks,
};

/* Silent also to the question whether the connection lives. */
static const struct live_talk pasta_talks[] = {
    {IN_SYN_RECEIVED, "ack-unsent", "-.", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "rst-window", "-.", AFTER_UNKNOWN},
    {IN_SYN_RECEIVED, "syn-window", "!R,x,s+1", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "rst-exact", "-.", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "rst-window", "-.", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "rst-outside", "-.", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "syn-window", "-.", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "data-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "fin-no-ack", "!A", AFTER_ACCEPTED},
    {IN_ESTABLISHED, "ack-unsent", "-.", AFTER_UNKNOWN},
    {IN_ESTABLISHED, "data-old-ack", "!A", AFTER_ACCEPTED},
    {0},
};
const struct live live_pasta = {
    "pasta 2023",
    {65535, 0, 255, false},
    {14600, 0, 255, false},
    "MNW",
    {X4("SA"), X4("-."), X6("-."), X2("SA"), "-.", "-.", "!SA", "-."},
    {X4("!R,x,s+1"), X4("-."), X6("-."), X2("!R,x,s+1"), "-.", "-.", "!R,x,s+1", "-."},
    pasta_talks,
};

/* --- from notation to packets ----------------------------------------------------------------- */

enum { OTHER = 0x7a7a7a7a };

static const char *unmarked(const char *reply)
{
	return reply + (*reply == '!' || *reply == '-');
}

static bool is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncmp(p, word, len) == 0;
}

/* The next of the words of FLAGS,SEQ,ACK. */
static size_t word_len(const char *p)
{
	return strcspn(p, ", ");
}

static uint32_t seq_of(const char *p, size_t len, const struct sent *s)
{
	if (is_word(p, len, "a"))
		return s->ack;
	if (is_word(p, len, "a+1"))
		return s->ack + 1;
	return is_word(p, len, "0") ? 0 : OTHER;
}

static uint32_t ack_of(const char *p, size_t len, const struct sent *s)
{
	if (is_word(p, len, "n"))
		return s->seq + s->len;
	if (is_word(p, len, "n-"))
		return s->seq + s->len - !!(s->flags & TCP_FIN);
	if (is_word(p, len, "s"))
		return s->seq;
	if (is_word(p, len, "s+1"))
		return s->seq + 1;
	return is_word(p, len, "0") ? 0 : OTHER;
}

static void put_rst(const char *p, const struct sent *s, struct segment *seg)
{
	size_t len = word_len(p);

	seg->flags = is_word(p, len, "RA") ? TCP_RST | TCP_ACK : TCP_RST;
	assert_int_equal(p[len], ',');
	p += len + 1;
	len = word_len(p);
	seg->seq = seq_of(p, len, s);
	assert_int_equal(p[len], ',');
	p += len + 1;
	len = word_len(p);
	seg->ack = ack_of(p, len, s);
	for (p += len; *p; p += 1 + word_len(p + 1)) {
		if (p[1] == 'w')
			seg->win = (uint16_t)atoi(p + 2);
		else
			seg->ttl = (uint8_t)(atoi(p + 2) - LIVE_HOPS);
	}
}

static void put_shape(const struct live_shape *shape, uint8_t family, struct segment *seg)
{
	seg->win = shape->win;
	seg->ttl = (uint8_t)(shape->ttl - LIVE_HOPS);
	seg->df = family == ADDR_V4 && shape->df;
	seg->ip_id = family == ADDR_V4 ? shape->id : 0;
}

static void put_syn_ack(const struct live *l, const struct form *form, struct packet *p)
{
	p->seg.flags = TCP_SYN | TCP_ACK;
	p->options.has_mss = true;
	p->options.mss = p->seg.src.family == ADDR_V4 ? 1460 : 1440;
	/* an EOL pads what some stacks send; no order to see where our SYN offered none */
	snprintf(p->options.layout, sizeof(p->options.layout), "%s",
		 form->options ? l->layout : "ME");
}

/* The answer to x->sent; false: silence. */
static bool put_reply(const struct live *l, uint8_t family, const struct form *form,
		      const char *reply, enum rfc_after after, const struct sent *s,
		      struct packet *p)
{
	*p = (struct packet){.kind = PACKET_TCP};
	p->seg.src = family == ADDR_V4 ? addr_v4(192, 0, 2, 7)
				       : (struct addr){ADDR_V6, {0x20, 1, 13, 184, [15] = 7}, 0};
	if (*reply == '.')
		return false;
	put_shape(*reply == 'R' ? &l->rst : &l->sa, family, &p->seg);
	if (*reply == 'I') {
		p->kind = PACKET_ICMP_ERROR;
		p->icmp_type = (uint8_t)atoi(reply + 1);
		p->icmp_code = (uint8_t)atoi(strchr(reply, '/') + 1);
		p->quoted.has_seq = true;
		p->quoted.seq = s->seq;
	} else if (*reply == 'R') {
		put_rst(reply, s, &p->seg);
	} else if (*reply == 'S') {
		put_syn_ack(l, form, p);
		p->seg.seq = OTHER;
		p->seg.ack = s->seq + 1;
	} else {
		p->seg.flags = TCP_ACK;
		p->seg.seq = s->ack;
		p->seg.ack = after == AFTER_ACCEPTED ? s->seq + s->len : s->seq;
	}
	return true;
}

static void take(const struct live *l, uint8_t family, const struct form *form, const char *reply,
		 enum rfc_after after, struct exchange *x)
{
	struct packet p;

	*x = (struct exchange){.tries = LIVE_TRIES, .asked_ns = 1000, .after = (uint8_t)after};
	x->sent = (struct sent){
	    .seq = 0x1000, .ack = 0x50000, .flags = form->flags, .len = form->payload_len};
	x->sent.len += !!(form->flags & TCP_SYN) + !!(form->flags & TCP_FIN);
	x->sent_win = 1021;
	if (!put_reply(l, family, form, unmarked(reply), after, &x->sent, &p))
		return;
	assert_int_not_equal(exchange_take(x, &p), FIT_NONE);
	x->tries = x->answered_by = 1;
	x->answered_ns = 2000;
}

void live_take(const struct live *l, uint8_t family, const struct form *form, const char *reply,
	       struct exchange *x)
{
	take(l, family, form, reply, AFTER_UNKNOWN, x);
}

void live_set(const struct live *l, struct stack_facts *f, enum tcp_state s, const char *form,
	      const char *reply)
{
	int k = battery_find(s, form);

	assert_true(k >= 0);
	live_take(l, f->family, battery[k].form, reply, &f->cells[k]);
	f->why[k] = WHY_NONE;
}

void live_port(const struct live *l, struct stack_facts *f, uint16_t port, bool canary,
	       const char *reply)
{
	struct stack_port *p = &f->ports[f->n_ports++];

	assert_true(f->n_ports <= STACK_PORTS_MAX);
	p->port = port;
	p->canary = canary;
	live_take(l, f->family, battery[0].form, reply, &p->syn);
}

void live_hush(const struct live *l, struct stack_facts *f, enum tcp_state s, const char *reply)
{
	for (size_t k = 0; k < battery_count; k++)
		if (battery[k].state == s)
			live_take(l, f->family, battery[k].form, reply, &f->cells[k]);
}

void live_facts(const struct live *l, uint8_t family, struct stack_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->family = family;
	f->complete = f->has_open = f->has_closed = true;
	f->open_port = 80;
	f->closed_port = 40000;
	live_port(l, f, f->open_port, false, l->open[0]);
	for (int i = 0; i < STACK_CANARIES; i++)
		live_port(l, f, (uint16_t)(f->closed_port + i), true, l->closed[0]);
	for (size_t i = 0; i < BATTERY_STRAY; i++) {
		const char *form = stray_forms[i].name;

		live_set(l, f, IN_LISTEN, form, l->open[i]);
		live_set(l, f, IN_CLOSED, form, l->closed[i]);
	}
	for (size_t k = 2 * (size_t)BATTERY_STRAY; k < battery_count; k++)
		f->why[k] = WHY_NO_CONNECTION;
	for (const struct live_talk *t = l->talks; t->form; t++) {
		int k = battery_find(t->state, t->form);

		assert_true(k >= 0);
		f->why[k] = WHY_NONE;
		take(l, family, battery[k].form, t->reply, t->after, &f->cells[k]);
	}
}

enum conforms live_conforms(const struct live *l, size_t cell)
{
	const char *reply = NULL;

	if (cell < 2 * (size_t)BATTERY_STRAY) {
		reply = battery[cell].state == IN_LISTEN ? l->open[cell]
							 : l->closed[cell - BATTERY_STRAY];
	} else {
		for (const struct live_talk *t = l->talks; t->form; t++)
			if (t->state == battery[cell].state &&
			    strcmp(t->form, battery[cell].form->name) == 0)
				reply = t->reply;
	}
	if (!reply || *reply == '-')
		return CONFORMS_UNTESTED;
	return *reply == '!' ? CONFORMS_NO : CONFORMS_YES;
}
