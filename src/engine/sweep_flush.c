/*
 * sweep_flush: the verdicts of a window, host by host in the order of addresses, each port judged
 * once for the host's counts and once for its record, so that nothing but the slab is kept.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/sweep_private.h"

enum {
	ICMP_LIMIT_HINT = 5
}; /* ICMP errors of a host from which on silence may be their limiter's */

/* One port that answered, by its index in the space. */
struct entry {
	uint64_t index;
	uint32_t place;
};

/* What was seen of a port, so far as the verdict rests on it, and the verdict. */
struct sight {
	bool known, cut_short;
	uint8_t family;
	size_t n_replies;
	unsigned tries;
	struct reply reply;
	struct verdict verdict;
};

/* The ports of one host that are to be judged: all of them, or those that answered. */
struct host_job {
	struct sweep *s;
	struct host_record rec;
	struct addr addr;
	const struct span *span;
	const struct host *host; /* NULL: never heard */
	uint64_t number;	 /* of the host */
	bool gives_up;		 /* silent, so that only a handful of ports was asked */
	bool rationed;		 /* its reset limit may be why a port kept silent */
	uint64_t index;		 /* of its lowest port */
	const struct entry *entries;
	size_t n_entries; /* 0: all ports */
	struct stack_facts *facts;
	struct siblings siblings; /* those ports, and what they replied */
	struct sight sight;	  /* the last that was judged */
};

/* --- who was given up --------------------------------------------------------------------------
 */

static bool is_gone(const struct sweep *s, uint64_t host)
{
	const struct host *h = s->n_gone ? hosts_find(&s->hosts, host) : NULL;

	return h && h->gone;
}

static bool kept_silent(const struct sweep *s, const struct point *at)
{
	return at->span->path != PATH_NONE && sweep_gives_up(s, at) && !is_gone(s, at->host);
}

/* In this window. Where that ended before its time, nobody knows who would have answered. */
static bool gave_up(const struct sweep *s, const struct point *at)
{
	return !s->stopped && kept_silent(s, at) && !s->fates[at->span->path].dead;
}

static uint64_t hosts_given_up(const struct sweep *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->c->space->n; i++) {
		const struct span *x = &s->c->space->spans[i];
		struct point at = {.span = x, .host = x->host};

		for (; at.host < x->host + x->count; at.host++)
			n += kept_silent(s, &at);
	}
	return n;
}

/* A host that has a gate is not forgotten before the end. */
static uint64_t hosts_limited(const struct sweep *s)
{
	uint64_t n = 0;

	for (size_t i = 0; gates_any_limited(s->gates) && i < s->hosts.n; i++) {
		struct point at = {.host = s->hosts.v[i].number};

		at.span = space_span_of_host(s->c->space, at.host);
		n += gates_limit(s->gates, &at).limited;
	}
	return n;
}

/* --- a port ------------------------------------------------------------------------------------
 */

typedef void port_fn(struct host_job *j, uint16_t port, const struct observation *o, unsigned tries,
		     struct verdict *v);

static unsigned tries_of(const struct sweep *s, const struct point *at, uint32_t place,
			 unsigned kind, const struct port_acc *acc)
{
	uint64_t slot = (uint64_t)place * s->c->n_kinds + kind;
	unsigned most = 0;

	if (!acc || !bit_get(s->done, slot))
		return sweep_tries_of(s, at, slot);
	for (const struct reply *r = slab_reply(&s->slab, acc->replies); r;
	     r = slab_reply(&s->slab, r->next))
		if (r->kind == kind && r->try < TRIES_MAX && r->try + 1U > most)
			most = r->try + 1U;
	return most ? most : 1;
}

static unsigned min_tries(const struct sweep *s)
{
	return s->c->retries == RETRIES_AUTO ? RETRIES_AUTO_MIN + 1 : (unsigned)s->c->retries + 1;
}

/* What the port's own replies don't tell: why nobody asked, or why silence says nothing. */
static void reconsider(const struct host_job *j, struct verdict *v)
{
	if (j->span->path == PATH_NONE)
		v->reason = "no-route";
	else if (j->host && j->host->gone && !j->host->itself) {
		/* what waited for its address never left */
		v->state = STATE_NOT_PROBED;
		v->reason = "host-unreachable";
	} else if (v->state == STATE_NOT_PROBED && j->host && j->host->gone)
		v->reason = "host-unreachable";
	else if (v->state == STATE_NOT_PROBED && j->gives_up)
		v->reason = "host-silent";
	if (v->state == STATE_FILTERED && j->rationed) {
		v->state = STATE_INDETERMINATE;
		v->reason = "reset-limited";
	}
}

/*
 * Most ports of a host show one and the same: a single reply of the same form, or the same silence.
 * The verdict on one of them is the verdict on all, but for the reply that it points to.
 */
static bool same_sight(const struct sight *m, const struct observation *o, unsigned tries)
{
	const struct reply *r = o->n_replies ? o->replies[0] : NULL;

	return m->known && o->n_kinds == 1 && o->n_replies == m->n_replies && o->n_replies <= 1 &&
	       tries == m->tries && o->family == m->family && o->cut_short == m->cut_short &&
	       (!r || (r->reaction == m->reply.reaction && r->fit == m->reply.fit &&
		       r->from == m->reply.from && r->icmp_type == m->reply.icmp_type &&
		       r->icmp_code == m->reply.icmp_code && r->flags == m->reply.flags));
}

static void judge(struct sight *m, const struct observation *o, unsigned tries, struct verdict *v)
{
	const struct reply *r = o->n_replies ? o->replies[0] : NULL;

	if (same_sight(m, o, tries)) {
		*v = m->verdict;
		v->decider = v->decider ? r : NULL;
		return;
	}
	verdict_judge(o, v);
	*m = (struct sight){.known = true,
			    .n_replies = o->n_replies,
			    .tries = tries,
			    .family = o->family,
			    .cut_short = o->cut_short,
			    .reply = r ? *r : (struct reply){0},
			    .verdict = *v};
}

/* Judges the port at `place` of the window and hands it on. */
static void judge_place(struct host_job *j, uint32_t place, uint16_t port, port_fn *fn)
{
	const struct sweep *s = j->s;
	const struct port_acc *acc = slab_find(&s->slab, place);
	struct point at = {.span = j->span, .addr = j->addr, .host = j->number, .port = port};
	uint8_t tries[PROBE_KINDS_MAX] = {0};
	struct observation o = {
	    .kinds = s->c->kinds,
	    .n_kinds = s->c->n_kinds,
	    .tries = tries,
	    .family = j->addr.family,
	    .min_tries = (uint8_t)min_tries(s),
	    .cut_short = s->stopped || (j->span->path != PATH_NONE && s->fates[j->span->path].dead),
	};
	struct verdict v;
	unsigned most = 0;

	for (unsigned k = 0; k < s->c->n_kinds; k++) {
		tries[k] = (uint8_t)tries_of(s, &at, place, k, acc);
		most = tries[k] > most ? tries[k] : most;
	}
	for (const struct reply *r = acc ? slab_reply(&s->slab, acc->replies) : NULL; r;
	     r = slab_reply(&s->slab, r->next))
		if (r->fit != FIT_NONE) /* a reset that was no answer */
			o.replies[o.n_replies++] = r;
	judge(&j->sight, &o, most, &v);
	if (!o.n_replies)
		reconsider(j, &v);
	fn(j, port, &o, most, &v);
}

static void each_port(struct host_job *j, port_fn *fn)
{
	const struct sweep *s = j->s;
	uint32_t n = ports_count(j->span->ports);

	if (j->n_entries) {
		for (size_t i = 0; i < j->n_entries; i++)
			judge_place(
			    j, j->entries[i].place,
			    ports_at(j->span->ports, (uint32_t)(j->entries[i].index - j->index)),
			    fn);
		return;
	}
	for (uint32_t rank = 0; rank < n; rank++) {
		uint64_t place = permute_inverse(&s->perm, j->index + rank);

		if (place >= s->first && place < s->first + s->size &&
		    !sweep_is_known(s, j->index + rank))
			judge_place(j, (uint32_t)(place - s->first), ports_at(j->span->ports, rank),
				    fn);
	}
}

static void count_port(struct host_job *j, uint16_t port, const struct observation *o,
		       unsigned tries, struct verdict *v)
{
	(void)tries;
	for (size_t i = 0; i < o->n_replies; i++)
		siblings_add(&j->siblings, o->replies[i]);
	if (j->host)
		sweep_note_port(j->s, j->host, &j->addr, port, o, v, j->facts);
	j->rec.counts[v->state]++;
	j->s->sum.counts[v->state]++;
	if (v->state == STATE_NOT_PROBED && j->gives_up)
		j->s->sum.skipped++;
	else
		j->s->sum.not_probed += v->state == STATE_NOT_PROBED && !(j->host && j->host->gone);
	j->s->sum.unroutable += j->span->path == PATH_NONE;
}

static void add_clue(struct verdict *v, enum clue_id id, uint32_t a)
{
	if (v->n_clues < VERDICT_CLUES_MAX)
		v->clues[v->n_clues++] = (struct clue){.id = id, .a = a};
}

static void render_port(struct host_job *j, uint16_t port, const struct observation *o,
			unsigned tries, struct verdict *v)
{
	const struct record_sink *sink = j->s->sink;
	struct point at = {.span = j->span, .addr = j->addr, .host = j->number, .port = port};
	struct port_record r = {
	    .addr = &j->addr,
	    .name = j->span->name,
	    .port = port,
	    .verdict = v,
	    .seen = o,
	    .tries = tries,
	};

	if (!sink->port)
		return;
	if (v->decider)
		r.from = v->decider->from ? &j->s->responders[v->decider->from - 1] : &j->addr;
	if (v->state == STATE_FILTERED && j->rec.icmp_limited)
		add_clue(v, CLUE_ICMP_LIMIT, j->host->icmp_rejects);
	sweep_judge_origin(j->s, &j->siblings, &at, o, v);
	sink->port(sink->ctx, &j->rec, &r);
}

/* What this scan's own probes tell of the host's resets; the battery of `stack` tells more. */
static enum reset_style style_of(const struct host_job *j)
{
	const uint32_t *n = j->rec.counts;

	if (!j->host)
		return STYLE_UNKNOWN;
	if (n[STATE_CLOSED] && j->host->sent_rst)
		return STYLE_RST;
	if (n[STATE_FILTERED] && j->host->sent_rst && j->host->itself)
		return STYLE_SILENT;
	if (n[STATE_FILTERED] || n[STATE_REJECTED])
		return STYLE_FILTERED;
	return STYLE_UNKNOWN;
}

/* All that was heard of it calls it unreachable: one such answer for one port is a firewall's. */
static bool called_unreachable(const struct host *h)
{
	return h && h->unreachables && h->unreachables == h->answers;
}

static const char *why_down(const struct host_job *j)
{
	if (j->span->path == PATH_NONE)
		return "no-route";
	if (j->host && j->host->gone)
		return "host-unreachable";
	if (called_unreachable(j->host))
		return j->host->unreachable_net ? "net-unreachable" : "host-unreachable";
	if (j->host && j->host->icmp_rejects)
		return "rejected-on-the-path";
	for (int i = 0; i < PORT_STATES; i++)
		if (i != STATE_NOT_PROBED && j->rec.counts[i] && !j->s->stopped)
			return j->gives_up ? "host-silent" : "no-response";
	return "not-probed";
}

static void note_icmp_limit(const struct host_job *j)
{
	char addr[ADDR_TEXT], line[256];

	if (!j->rec.icmp_limited || !j->s->sink->note)
		return;
	snprintf(
	    line, sizeof(line),
	    "%s: %u ports were rejected by ICMP and %u kept silent: an ICMP rate limit may hide "
	    "more rejections",
	    addr_format(&j->addr, addr), j->rec.counts[STATE_REJECTED],
	    j->rec.counts[STATE_FILTERED]);
	j->s->sink->note(j->s->sink->ctx, line);
}

static void fill_limits(struct host_job *j, uint64_t number)
{
	const struct sweep *s = j->s;
	struct point at = {.span = j->span, .addr = j->addr, .host = number};
	struct gate_limit limit = gates_limit(s->gates, &at);

	j->number = number;
	j->gives_up = gave_up(s, &at);
	j->rec.given_up = j->gives_up;
	j->rec.reset_limit = limit.limited ? limit.rate : 0;
	j->rationed = limit.limited && limit.clean < sweep_clean_enough(s);
}

static void flush_host(struct sweep *s, uint64_t number, const struct entry *entries, size_t n)
{
	struct stack_facts facts = {0};
	struct host_job j = {
	    .s = s,
	    .facts = &facts,
	    .addr = space_host_addr(s->c->space, number),
	    .span = space_span_of_host(s->c->space, number),
	    .host = hosts_find(&s->hosts, number),
	    .index = space_host_index(s->c->space, number),
	    .entries = entries,
	    .n_entries = n,
	};

	fill_limits(&j, number);
	j.rec.addr = &j.addr;
	j.rec.name = j.span->name;
	j.rec.up = j.host && j.host->itself;
	j.rec.srtt_us = j.host ? j.host->rtt.srtt_us : 0;
	each_port(&j, count_port);
	j.rec.down_reason = j.rec.up ? NULL : why_down(&j);
	j.rec.unreachable = !j.rec.up && (j.span->path == PATH_NONE || called_unreachable(j.host) ||
					  (j.host && j.host->gone));
	j.rec.style = style_of(&j);
	if (j.rec.up)
		sweep_judge_family(s, &facts, &j.rec);
	j.rec.icmp_limited = j.host && j.host->icmp_rejects >= ICMP_LIMIT_HINT &&
			     j.rec.counts[STATE_FILTERED] && !called_unreachable(j.host) &&
			     !j.host->gone && !j.host->vanished;
	note_icmp_limit(&j);
	if (s->sink->host_begin)
		s->sink->host_begin(s->sink->ctx, &j.rec);
	each_port(&j, render_port);
	if (s->sink->host_end)
		s->sink->host_end(s->sink->ctx, &j.rec);
}

static int entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static struct entry *sorted_entries(const struct sweep *s)
{
	struct entry *v = calloc(s->slab.n_accs + 1, sizeof(*v));

	for (size_t i = 0; v && i < s->slab.n_accs; i++) {
		v[i].place = s->slab.accs[i].place;
		v[i].index = permute_at(&s->perm, s->first + v[i].place);
	}
	if (v)
		qsort(v, s->slab.n_accs, sizeof(*v), entry_cmp);
	return v;
}

/* Hosts that answered: all their ports where the window is the whole run, else those that did. */
static void flush_heard(struct sweep *s)
{
	bool whole = s->size == s->c->space->total;
	struct entry *v = sorted_entries(s);
	size_t end;

	if (!v) {
		snprintf(s->sum.why, sizeof(s->sum.why), "out of memory for the window's results");
		return;
	}
	for (size_t i = 0; i < s->slab.n_accs; i = end) {
		struct point at;

		space_at(s->c->space, v[i].index, &at);
		for (end = i + 1; end < s->slab.n_accs; end++)
			if (v[end].index >=
			    space_host_index(s->c->space, at.host) + ports_count(at.span->ports))
				break;
		flush_host(s, at.host, &v[i], whole ? 0 : end - i);
	}
	free(v);
}

static uint64_t judged(const struct sweep *s)
{
	uint64_t n = 0;

	for (int i = 0; i < PORT_STATES; i++)
		n += s->sum.counts[i];
	return n;
}

/* Places of the window of which no probe left, known ones left out: of hosts that were given up,
 * and for other reasons. */
static uint64_t never_asked(struct sweep *s, uint64_t *given_up)
{
	unsigned kinds = (unsigned)s->c->n_kinds;
	uint64_t n = 0;

	*given_up = 0;
	for (uint64_t place = 0; place < s->size; place++) {
		uint64_t index;
		struct point at;
		unsigned k = 0;

		while (k < kinds && bit_get(s->unsent, place * kinds + k))
			k++;
		if (k < kinds)
			continue;
		index = permute_at(&s->perm, s->first + place);
		if (s->known && sweep_is_known(s, index))
			continue;
		space_at(s->c->space, index, &at);
		if (gave_up(s, &at))
			++*given_up;
		else
			n += !is_gone(s, at.host);
	}
	return n;
}

/* What no host's records have counted is silent, unless it was never asked. */
static void count_rest(struct sweep *s, uint64_t rest, uint64_t not_probed, uint64_t unroutable)
{
	uint64_t given_up, never = never_asked(s, &given_up);

	given_up = given_up < rest ? given_up : rest;
	s->sum.skipped += given_up;
	rest -= given_up;
	never -= never < not_probed ? never : not_probed;
	never = never < rest ? never : rest;
	s->sum.not_probed += never;
	s->sum.silent += rest - never;
	s->sum.unroutable += s->pathless - (s->pathless < unroutable ? s->pathless : unroutable);
}

void sweep_flush(struct sweep *s)
{
	struct window_record w = {
	    .first = s->first,
	    .last = s->first + s->size - 1,
	    .kinds = s->c->kinds,
	    .n_kinds = s->c->n_kinds,
	};
	uint64_t before = judged(s), rest;
	uint64_t not_probed = s->sum.not_probed, unroutable = s->sum.unroutable;

	if (s->c->enumerate_silent)
		for (uint64_t h = 0; h < s->c->space->hosts; h++)
			flush_host(s, h, NULL, 0);
	else
		flush_heard(s);
	rest = s->size - s->known - (judged(s) - before);
	if (rest)
		count_rest(s, rest, s->sum.not_probed - not_probed, s->sum.unroutable - unroutable);
	w.complete = !s->stopped && s->sum.end == END_COMPLETE && !s->spoilt &&
		     s->sum.not_probed == not_probed;
	if (s->sink->window)
		s->sink->window(s->sink->ctx, &w);
	slab_clear(&s->slab);
}

/* A record on one reply alone; `fn` gets what sink->port or sink->open_found would. */
static void record_alone(struct sweep *s, uint64_t index, const struct reply *r,
			 void (*fn)(struct sweep *, struct host_record *, struct port_record *))
{
	uint8_t tries[PROBE_KINDS_MAX] = {0};
	struct observation o = {.kinds = s->c->kinds, .n_kinds = s->c->n_kinds, .tries = tries};
	struct point at;
	struct verdict v;
	struct host_record h = {.up = r->from == 0};
	struct port_record rec = {.verdict = &v, .seen = &o};

	space_at(s->c->space, index, &at);
	rec.tries = tries[r->kind] = (uint8_t)(r->try < TRIES_MAX ? r->try + 1U : 1U);
	o.family = at.addr.family;
	o.replies[o.n_replies++] = r;
	verdict_judge(&o, &v);
	h.addr = rec.addr = &at.addr;
	h.name = rec.name = at.span->name;
	h.counts[v.state] = 1;
	rec.port = at.port;
	rec.from = r->from ? &s->responders[r->from - 1] : &at.addr;
	fn(s, &h, &rec);
}

static void tell_corrected(struct sweep *s, struct host_record *h, struct port_record *r)
{
	if (s->sink->host_begin)
		s->sink->host_begin(s->sink->ctx, h);
	if (s->sink->port)
		s->sink->port(s->sink->ctx, h, r);
	if (s->sink->host_end)
		s->sink->host_end(s->sink->ctx, h);
}

static void tell_found(struct sweep *s, struct host_record *h, struct port_record *r)
{
	(void)h;
	if (s->sink->open_found)
		s->sink->open_found(s->sink->ctx, r);
}

void sweep_correct(struct sweep *s, uint64_t index, const struct reply *r)
{
	record_alone(s, index, r, tell_corrected);
}

void sweep_found(struct sweep *s, uint64_t index, const struct reply *r)
{
	record_alone(s, index, r, tell_found);
}

static void set_why(struct sweep *s, const char *why)
{
	snprintf(s->sum.why, sizeof(s->sum.why), "%s", why);
}

void sweep_summarize(struct sweep *s)
{
	struct summary_record *sum = &s->sum;
	struct wire_stats stats = {0};

	s->w->ops->stats(s->w, &stats);
	sum->captured = stats.captured;
	sum->pcap_dropped = stats.dropped;
	sum->hosts_total = s->c->space->hosts;
	sum->indices = sweep_end(s) - s->c->first_place;
	sum->hosts_limited = hosts_limited(s);
	if (sum->skipped)
		sum->hosts_given_up = hosts_given_up(s);
	sum->loss_estimate = sweep_loss(s);
	sum->elapsed_s = (double)(s->w->ops->now(s->w) - s->start_ns) / 1e9;
	sum->rate_pps = sum->elapsed_s > 0 ? (double)sum->sent / sum->elapsed_s : 0;
	if (sum->end == END_COMPLETE && s->no_room)
		set_why(s, "more ports answered than there was room for");
	else if (sum->end == END_COMPLETE && s->too_lossy)
		set_why(s, "too much loss: 20 retries leave open or closed ports unheard");
	else if (sum->end == END_COMPLETE && s->drops_unheard)
		set_why(s, "the capture dropped frames in the last pass");
	else if (sum->end == END_COMPLETE && !sum->not_probed && !s->send_failed)
		sum->why[0] = '\0'; /* a later try went out where an earlier one failed */
	if (sum->end == END_COMPLETE && (s->send_failed || sum->not_probed > sum->unroutable))
		sum->end = END_SEND;
	if (sum->unroutable && !sum->why[0])
		set_why(s, "some targets have no route");
	sum->complete = sum->end == END_COMPLETE && !sum->not_probed && !sum->why[0];
	if (s->sink->summary)
		s->sink->summary(s->sink->ctx, sum);
}
