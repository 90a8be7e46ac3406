/*
 * text_tries: the tries of `scan --count` for a person: a line each, in columns that grow where
 * more comes into them than was foreseen, and in the end loss and round trips, as ping tells them.
 */
#include "report/text_private.h"

enum { STATE_WIDTH = 8 /* "filtered" */, REASON_WIDTH = 7 /* "syn-ack" */ };

/* As wide as its widest yet; returns what is missing. */
static size_t missing(size_t *width, size_t len)
{
	if (*width < len)
		*width = len;
	return *width - len;
}

static void put_who(struct text_report *t, const struct try_record *r)
{
	struct string *to = &t->line;
	char addr[ADDR_TEXT], n[24];
	int most = snprintf(n, sizeof(n), "%llu", (unsigned long long)t->run->tries);

	string_putf(to, "%s port %u", host_addr(t->run, r->addr, addr), r->port);
	string_pad(to, missing(&t->tries.who, to->len));
	string_putf(to, "  n=%-*llu", most, (unsigned long long)r->n);
}

void text_try_put(struct text_report *t, const struct try_record *r)
{
	const struct verdict *v = r->result->verdict;
	struct string *to = &t->line;
	char rtt[TEXT_RTT];
	size_t from;

	if (!t->tries.any)
		t->tries = (struct try_columns){
		    .who = t->run->tries_who, .state = STATE_WIDTH, .reason = REASON_WIDTH};
	t->tries.any = true;
	if (!host_shows(&t->style, v->state))
		return;
	put_who(t, r);
	string_putf(to, "  ");
	text_put_state(t, to, v->state, v->weak);
	string_pad(to, missing(&t->tries.state,
			       strlen(state_name(v->state)) + (v->weak ? strlen(" (weak)") : 0)));
	string_putf(to, "  ");
	from = to->len;
	text_put_reason(t, to, v->reason, text_icmp_from(r->result));
	if (v->decider) {
		string_pad(to, missing(&t->tries.reason, to->len - from));
		string_putf(to, "  ttl %-3u", v->decider->ttl);
	}
	if (r->rtt_us != UINT32_MAX)
		string_putf(to, "  %9s", text_rtt(r->rtt_us, rtt));
	string_putf(to, "\n");
}

/* All in the unit and to the digits that fit the largest. */
static void put_rtts(struct string *to, const struct tries_record *r)
{
	const uint32_t v[] = {r->min_us, r->p50_us, r->p90_us, r->p99_us, r->max_us};
	int decimals = r->max_us < 10000 ? 3 : r->max_us < 100000 ? 2 : 1;

	string_putf(to, "  round trip min/p50/p90/p99/max ");
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		string_putf(to, "%s%.*f", i ? "/" : "", decimals, v[i] / 1000.0);
	string_putf(to, " ms, mean %.*f, mdev %.*f\n", decimals, r->mean_us / 1000.0, decimals,
		    r->mdev_us / 1000.0);
}

void text_tries_put(struct text_report *t, const struct tries_record *r)
{
	struct string *to = &t->line;
	double lost = (double)(r->tries - r->answered);
	bool first = true;

	t->tries.any = true;
	if (t->last != BLOCK)
		string_putf(to, "\n");
	t->last = BLOCK;
	text_put_name(t, r->addr, r->name);
	string_putf(to, "port %u, %llu tr%s, %llu answered", r->port, (unsigned long long)r->tries,
		    r->tries == 1 ? "y" : "ies", (unsigned long long)r->answered);
	if (r->late)
		string_putf(to, " (%llu more too late)", (unsigned long long)r->late);
	text_put_loss(to, r->tries ? lost / (double)r->tries : -1);
	if (r->tries) {
		string_putf(to, "; ");
		text_put_counts(to, r->counts, &first);
	}
	string_putf(to, "\n");
	if (r->rtts)
		put_rtts(to, r);
}
