/* trace_words: hops, answers, the sentence of a verdict, and the clues of a walk. */
#include "report/trace_words.h"

#include <string.h>

#include "report/host.h"

/* --- names -------------------------------------------------------------------------------- */

void trace_words_probe(struct text *t, const struct trace_walk *w)
{
	const char *name = w->probe ? w->probe->name : "syn";

	if (w->role == WALK_INSIDE)
		text_putf(t, "data");
	else if (strcmp(name, "syn") == 0)
		text_putf(t, "SYN");
	else if (strcmp(name, "ack") == 0)
		text_putf(t, "ACK");
	else
		text_putf(t, "%s", name);
}

/* The tokens of ICMP begin so, or name what is unreachable. */
static void put_icmp(struct text *t, const struct exchange *x)
{
	static const char prefix[] = "icmp-";
	const char *reason =
	    reaction_reason((enum reaction)x->reaction, x->from.family, x->icmp_type, x->icmp_code);

	if (strncmp(reason, prefix, strlen(prefix)) == 0)
		reason += strlen(prefix);
	text_putf(t, "ICMP %s", reason);
}

static const char *segment_name(enum reaction r)
{
	switch (r) {
	case REACTION_SYN_ACK: return "SYN-ACK";
	case REACTION_CHALLENGE_ACK: return "ACK";
	case REACTION_FIN: return "FIN";
	case REACTION_DATA: return "data";
	default: return "RST";
	}
}

void trace_words_answer(struct text *t, const struct exchange *x, const struct addr *target)
{
	enum reaction r = (enum reaction)x->reaction;

	if (reaction_is_icmp(r)) {
		put_icmp(t, x);
		text_putf(t, "%s", addr_same(&x->from, target) ? " (target)" : "");
	} else {
		/* anybody may write its address into a RST */
		text_putf(t, "%s (%s)", segment_name(r),
			  reaction_is_rst(r) ? "in the target's name" : "target");
	}
}

static const struct addr *expired_by(const struct trace_walk *w, unsigned ttl)
{
	const struct trace_hop *h = ttl <= TRACE_TTL_MAX ? &w->hops[ttl] : NULL;

	return h && h->expired ? &h->expiry.from : NULL;
}

/* The verdict is of the first flow; another may have another router there: it is not asked. */
static const struct addr *hop_of(const struct trace_facts *f, unsigned ttl)
{
	const struct addr *found = NULL;

	for (size_t i = 0; i < f->n_walks && !found; i++)
		if (f->walks[i].flow == 0 || f->walks[i].role != WALK_MAIN)
			found = expired_by(&f->walks[i], ttl);
	return found;
}

/* --- the verdict -------------------------------------------------------------------------- */

struct say {
	struct text *t;
	const struct run_info *run;
	const struct trace_facts *f;
	const struct trace_verdict *v;
};

static void put_hop(const struct say *s, unsigned ttl)
{
	const struct addr *a = hop_of(s->f, ttl);
	char buf[ADDR_TEXT];

	if (!ttl) {
		text_putf(s->t, "this host");
		return;
	}
	text_putf(s->t, "hop %u", ttl);
	if (a)
		text_putf(s->t, " (%s)", host_addr(s->run, a, buf));
}

static void put_between(const struct say *s)
{
	text_putf(s->t, "between ");
	put_hop(s, s->v->between[0]);
	text_putf(s->t, " and ");
	put_hop(s, s->v->between[1]);
}

static void say_open(const struct say *s)
{
	bool inside = s->f->inside.wanted;

	text_putf(s->t, "the target %s%s", inside ? "takes the data" : "answers with ",
		  inside				     ? ""
		  : s->v->reaction == REACTION_CHALLENGE_ACK ? "an ACK"
		  : s->v->reaction == REACTION_DATA	     ? "data"
		  : s->v->reaction == REACTION_FIN	     ? "a FIN"
							     : "a SYN-ACK");
	text_putf(s->t, ", at hop %u", (unsigned)s->v->between[0]);
}

static void say_by_hop(const struct say *s)
{
	char buf[ADDR_TEXT];

	if (s->v->between[0] == s->v->between[1]) {
		put_hop(s, s->v->between[0]);
		text_putf(s->t, " resets it");
	} else {
		text_putf(s->t, "a box ");
		put_between(s);
		text_putf(s->t, " resets it");
	}
	text_putf(s->t, ", in the name of %s", host_addr(s->run, &s->f->addr, buf));
}

static void say_by_target(const struct say *s)
{
	text_putf(s->t, "the target resets it, at hop %u, as far as a walk can tell",
		  (unsigned)s->v->between[0]);
}

static void say_dropped(const struct say *s)
{
	bool nobody = !s->v->between[0];

	if (s->v->between[1]) {
		text_putf(s->t, "it is lost ");
		put_between(s);
		text_putf(s->t, ", or the answers from there are");
		return;
	}
	text_putf(s->t, nobody ? "no hop was heard at all" : "it gets as far as ");
	if (!nobody) {
		put_hop(s, s->v->between[0]);
		text_putf(s->t, ", and nothing was heard from beyond");
	}
}

static void say_rejected(const struct say *s)
{
	const struct exchange x = {.reaction = (uint8_t)s->v->reaction, .from = s->v->by};
	bool local = addr_same(&s->v->by, &s->f->src);
	bool exact = s->v->between[0] == s->v->between[1];
	char buf[ADDR_TEXT];

	if (addr_same(&s->v->by, &s->f->addr))
		text_putf(s->t, "the target itself");
	else if (local)
		text_putf(s->t, "this host itself (%s)", host_addr(s->run, &s->v->by, buf));
	else
		text_putf(s->t, "%s", host_addr(s->run, &s->v->by, buf));
	if (exact)
		text_putf(s->t, ", hop %u,", (unsigned)s->v->between[0]);
	text_putf(s->t, " rejects it: ");
	put_icmp(s->t, &x);
	if (!exact && !local) {
		text_putf(s->t, ", ");
		put_between(s);
	}
}

static bool has_clue(const struct trace_verdict *v, enum clue_id id)
{
	for (size_t i = 0; i < v->n_clues; i++)
		if (v->clues[i].id == id)
			return true;
	return false;
}

static void say_undecided(const struct say *s)
{
	text_putf(s->t, "%s",
		  has_clue(s->v, CLUE_TRACE_OUT_OF_TTL)
		      ? "the target is farther away than that, or nowhere"
		  : has_clue(s->v, CLUE_TRACE_NOT_CONNECTED)
		      ? "there was no connection to send data on"
		      : "the walk did not come to its end");
}

void trace_words_verdict(struct text *t, const struct run_info *run, const struct trace_facts *f,
			 const struct trace_verdict *v)
{
	const struct say s = {t, run, f, v};

	switch (v->end) {
	case TRACE_OPEN: say_open(&s); break;
	case TRACE_RESET_BY_HOP: say_by_hop(&s); break;
	case TRACE_RESET_BY_TARGET: say_by_target(&s); break;
	case TRACE_DROPPED_AFTER_HOP: say_dropped(&s); break;
	case TRACE_REJECTED_BY: say_rejected(&s); break;
	default: say_undecided(&s); break;
	}
}

/* --- clues -------------------------------------------------------------------------------- */

static const char *class_word(uint32_t asked)
{
	static const char *const words[PROBE_CLASSES] = {
	    [PROBE_SYN] = "SYN",
	    [PROBE_ACK] = "ACK",
	    [PROBE_BARE] = "segment without SYN or ACK",
	    [PROBE_SYN_ODD] = "SYN with FIN",
	    [PROBE_RST] = "RST",
	};
	uint32_t class = asked & ASKED_CLASS;

	return asked & ASKED_INSIDE ? "data" : class < PROBE_CLASSES ? words[class] : "segment";
}

/* "an ACK to the same port", "a SYN to another port" */
static void put_asked(struct text *t, uint32_t asked)
{
	text_putf(t, "%s %s to %s port", (asked & ASKED_CLASS) == PROBE_ACK ? "an" : "a",
		  class_word(asked), asked & ASKED_CANARY ? "another" : "the same");
}

static void put_differ(struct text *t, const struct clue *c)
{
	text_putf(t, "the hop that answers differs: TTL %u for the %s, TTL %u for the %s",
		  (unsigned)(c->a & 0xff), class_word(c->a >> 16), (unsigned)(c->b & 0xff),
		  class_word(c->b >> 16));
}

static void put_went_on(struct text *t, const struct clue *c)
{
	text_putf(t, "the segment goes on past who resets it: TTL %u draws the RST, ",
		  (unsigned)c->a);
	if (c->a == c->b)
		text_putf(t, "and time exceeded, too");
	else
		text_putf(t, "and TTL %u time exceeded", (unsigned)c->b);
}

void trace_words_clue(struct text *t, const struct clue *c)
{
	unsigned ttl = c->a;

	switch (c->id) {
	case CLUE_TRACE_DIFFER: put_differ(t, c); return;
	case CLUE_TRACE_WENT_ON: put_went_on(t, c); return;
	case CLUE_TRACE_ANSWERED_TOO:
		text_putf(t, "TTL %u draws the target's own answer (%s) as well", ttl,
			  c->b < REACTIONS ? segment_name(c->b) : "?");
		return;
	case CLUE_TRACE_OTHERS_FARTHER:
	case CLUE_TRACE_OTHERS_EXPIRE:
	case CLUE_TRACE_OTHERS_HERE:
	case CLUE_TRACE_OTHERS_NEARER:
	case CLUE_TRACE_TARGET_SILENT: put_asked(t, c->b); break;
	default: return;
	}
	switch (c->id) {
	case CLUE_TRACE_OTHERS_FARTHER:
		text_putf(t, " gets farther: hop %u answers it", ttl);
		break;
	case CLUE_TRACE_OTHERS_EXPIRE:
		text_putf(t, " gets farther: hop %u still answers with time exceeded", ttl);
		break;
	case CLUE_TRACE_OTHERS_HERE: text_putf(t, " is answered by hop %u, too", ttl); break;
	case CLUE_TRACE_OTHERS_NEARER: text_putf(t, " is answered by hop %u already", ttl); break;
	default: text_putf(t, " draws no answer at all"); break;
	}
}
