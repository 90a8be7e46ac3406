/*
 * reset_words: names, times, sizes, and the templates that sentences about a RST are made from. It
 * fills in what the finding has and leaves out what it has not; it judges nothing.
 */
#include "report/reset_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/host.h"

/* --- numbers ------------------------------------------------------------------------------ */

void reset_words_number(struct text *t, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++)
		text_putf(t, "%s%c", i && (len - i) % 3 == 0 ? "," : "", digits[i]);
}

/* Three digits are enough for the eye; from 10 kB on nobody counts octets. */
void reset_words_octets(struct text *t, uint64_t n)
{
	static const char *const units[] = {"kB", "MB", "GB"};
	double v = (double)n / 1000;
	size_t unit = 0;

	if (n < 10000) {
		reset_words_number(t, n);
		text_putf(t, n == 1 ? " octet" : " octets");
		return;
	}
	while (v >= 999.5 && unit < 2) {
		v /= 1000;
		unit++;
	}
	text_putf(t, "%.*f %s", v < 9.95, v, units[unit]);
}

static void put_unit(struct text *t, double v, const char *unit, bool zeros)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%.*f", v < 9.95 ? 2 : v < 99.5, v);

	if (!zeros && strchr(digits, '.'))
		while (digits[len - 1] == '0' || digits[len - 1] == '.')
			if (digits[--len] == '.')
				break;
	text_putf(t, "%.*s %s", len, digits, unit);
}

static void put_span(struct text *t, uint64_t ns, bool zeros)
{
	double us = (double)ns / 1000, ms = us / 1000;
	uint64_t s = ns / 1000000000 + (ns % 1000000000 >= 500000000);

	if (us < 999.5)
		put_unit(t, us, "us", false);
	else if (ms < 999.5)
		put_unit(t, ms, "ms", zeros);
	else if (s < 600)
		put_unit(t, ms / 1000, "s", zeros);
	else if (s < 7200 && s % 60)
		text_putf(t, "%u min %u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 7200)
		text_putf(t, "%u min", (unsigned)(s / 60));
	else if (s / 60 % 60)
		text_putf(t, "%llu h %u min", (unsigned long long)(s / 3600),
			  (unsigned)(s / 60 % 60));
	else
		text_putf(t, "%llu h", (unsigned long long)(s / 3600));
}

/* Zeros behind the point are left out: a timer of 60 s is no measurement. */
void reset_words_duration(struct text *t, uint64_t ns)
{
	put_span(t, ns, false);
}

void reset_words_measured(struct text *t, uint64_t ns)
{
	put_span(t, ns, true);
}

void reset_words_time(struct text *t, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / 1000000000U);
	struct tm tm;
	char date[40];

	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm)) {
		text_putf(t, "%llu", (unsigned long long)s);
		return;
	}
	text_putf(t, "%s.%06u", date, (unsigned)(wall_ns / 1000 % 1000000));
}

/* --- names -------------------------------------------------------------------------------- */

void reset_words_foreign(struct text *t, const char *s, size_t cap)
{
	for (size_t i = 0; i < cap && s[i]; i++)
		text_putf(t, "%c", s[i] >= ' ' && s[i] <= '~' ? s[i] : '?');
}

void reset_words_end(struct text *t, const struct run_info *run, const struct addr *a,
		     uint16_t port)
{
	bool v6 = a->family == ADDR_V6;
	char buf[ADDR_TEXT];

	text_putf(t, "%s%s%s:%u", v6 ? "[" : "", run ? host_addr(run, a, buf) : addr_format(a, buf),
		  v6 ? "]" : "", (unsigned)port);
}

const char *reset_words_role(const struct finding *f, bool of_sender)
{
	if (f->sender == SENDER_UNKNOWN)
		return "";
	return (f->sender == SENDER_CLIENT) == of_sender ? "client" : "server";
}

/* Where client and server aren't known, the address; with its port where both have the same. */
static void put_name(struct text *t, const struct finding *f, bool x)
{
	char buf[ADDR_TEXT];

	if (!f)
		text_putf(t, "the %s", x ? "sender" : "receiver");
	else if (f->sender != SENDER_UNKNOWN)
		text_putf(t, "the %s", reset_words_role(f, x));
	else if (addr_equal(&f->src, &f->dst))
		reset_words_end(t, NULL, x ? &f->src : &f->dst, x ? f->sport : f->dport);
	else
		text_putf(t, "%s", addr_format(x ? &f->src : &f->dst, buf));
}

/* Defaults in their makers' own documents; several where they share one. */
const char *reset_words_timer(uint32_t seconds)
{
	static const struct {
		uint32_t seconds;
		const char *whose;
	} timers[] = {
	    {60, "AWS ALB"},
	    {75, "nginx keepalive_timeout"},
	    {120, "IIS"},
	    {240, "Azure Load Balancer"},
	    {300, "F5 BIG-IP"},
	    {350, "AWS NLB and NAT gateway"},
	    {600, "Google Cloud's connection tracking"},
	    {1800, "Juniper SRX"},
	    {3600, "Cisco ASA, Palo Alto, FortiGate"},
	    {7200, "TCP keep-alive"},
	    {432000, "Linux connection tracking"},
	};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		uint32_t slack = 1 + timers[i].seconds / 200;

		if (seconds + slack >= timers[i].seconds && seconds <= timers[i].seconds + slack)
			return timers[i].whose;
	}
	return NULL;
}

/* --- severities --------------------------------------------------------------------------- */

const enum severity reset_words_severities[SEVERITIES] = {SEVERITY_PROBLEM, SEVERITY_SUSPICIOUS,
							  SEVERITY_NOTICE, SEVERITY_BENIGN};

const char *reset_words_severity(enum severity s, uint64_t n)
{
	static const char *const many[SEVERITIES] = {"benign", "notices", "problems", "suspicious"};

	return n == 1 ? severity_name(s) : many[s];
}

static int by_number(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return (int)x->cause - (int)y->cause;
}

size_t reset_words_weighed(const uint64_t by[SEVERITIES][CAUSES], struct weighed out[WEIGHED_MAX])
{
	size_t n = 0;

	for (int i = 0; i < SEVERITIES; i++) {
		enum severity s = reset_words_severities[i];
		size_t first = n;

		for (int c = 0; c < CAUSES; c++)
			if (by[s][c])
				out[n++] = (struct weighed){s, (enum cause)c, by[s][c]};
		qsort(out + first, n - first, sizeof(*out), by_number);
	}
	return n;
}

/* --- templates ---------------------------------------------------------------------------- */

static bool put_frame(struct text *t, uint32_t frame)
{
	if (frame)
		text_putf(t, "frame %u", (unsigned)frame);
	return frame != 0;
}

static bool put_duration(struct text *t, uint64_t ns)
{
	if (ns)
		reset_words_duration(t, ns);
	return ns != 0;
}

static bool put_clue_number(struct text *t, char unit, uint32_t v)
{
	switch (unit) {
	case 'i': text_putf(t, "%u", (unsigned)v); break;
	case 'o': reset_words_octets(t, v); break;
	case 'u': reset_words_duration(t, v * UINT64_C(1000)); break;
	case 'm':
		if (v)
			reset_words_duration(t, v * UINT64_C(1000000));
		else
			text_putf(t, "less than 1 ms");
		break;
	case 's': reset_words_duration(t, v * UINT64_C(1000000000)); break;
	case 'p': text_putf(t, "%s", v == 1 ? "" : "s"); break;
	default: reset_words_number(t, v); break;
	}
	return true;
}

/* Of the RST; false where there is nothing to say. */
static bool put_fact(struct text *t, char what, const struct finding *f)
{
	const struct facts *k = &f->facts;

	switch (what) {
	case 'P': text_putf(t, "%u", (unsigned)f->sport); return true;
	case 'T': return put_frame(t, f->provoked_by);
	case 'O': return put_frame(t, f->root);
	case 'G': return k->gap_ns >= 1000000000U && put_duration(t, k->gap_ns);
	case 'I': return k->x_gap_ns >= 1000000000U && put_duration(t, k->x_gap_ns);
	case 'A': return put_duration(t, k->answer_ns);
	/* SYN to RST is the same at both ends: at the server's the SYN-ACK is not late yet */
	case 'D': return k->handshake_ns && put_duration(t, k->handshake_ns + k->answer_ns);
	case 'N':
		if (k->runs)
			reset_words_number(t, k->runs);
		return k->runs != 0;
	default: return false;
	}
}

/* The place behind a '%'; *s moves behind it. */
static bool put_place(struct text *t, const char **s, const struct finding *f, const struct clue *c)
{
	char what = *(*s)++;

	switch (what) {
	case 'X':
	case 'Y': put_name(t, f, what == 'X'); return true;
	case 'a':
	case 'b': return put_clue_number(t, *(*s)++, !c ? 0 : what == 'a' ? c->a : c->b);
	default: return f && put_fact(t, what, f);
	}
}

void reset_words_fill(struct text *t, const char *template, const struct finding *f,
		      const struct clue *c)
{
	size_t group = 0;
	bool empty = false;

	for (const char *s = template; *s;) {
		char here = *s++;

		if (here == '%') {
			empty |= !put_place(t, &s, f, c);
		} else if (here == '[') {
			group = t->len;
			empty = false;
		} else if (here == ']') {
			if (empty)
				t->len = group;
		} else {
			text_putf(t, "%c", here);
		}
	}
	if (t->cap)
		t->buf[t->len] = 0;
}
