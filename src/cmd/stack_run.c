/*
 * stack_run: glue between the program that asks and the judge. What it adds is memory in bounds: a
 * host's facts live from its first question to its record, so only those under way have any.
 */
#include "cmd/stack_run.h"

#include <stdlib.h>

#include <sodium.h>

#include "cmd/dry.h"
#include "cmd/turns_sum.h"
#include "engine/interrogate.h"
#include "report/stack_words.h"

struct battery_run {
	struct run *r;
	const struct stack_job *job;
	double began_s; /* the run's age when this part began */
	uint64_t began_ns;
	uint64_t n_up, n_stopped, n_unasked;
	bool no_memory;
};

/* One host on its way through the script. */
struct visit {
	struct battery_run *run;
	const struct stack_host *host;
	uint64_t seed;
	struct interrogation *i; /* NULL before the first question */
};

/* --- the program, around interrogate's ------------------------------------------------------ */

static uint64_t pace_ns(const struct stack_job *j)
{
	double ns = j->rate > 0 ? 1e9 / j->rate : 0;

	return ns < 1 ? 0 : (uint64_t)ns;
}

static bool begin_visit(struct visit *v)
{
	const struct interrogate_config c = {
	    .family = v->host->addr.family,
	    .candidates = v->host->candidates,
	    .n_candidates = v->host->n_candidates,
	    .closed = v->host->closed,
	    .n_closed = v->host->n_closed,
	    .seed = v->seed,
	    .pace_ns = pace_ns(v->run->job),
	};

	v->i = interrogate_new(&c);
	v->run->no_memory |= !v->i;
	return v->i != NULL;
}

static bool visit_next(void *ctx, uint64_t now_ns, struct talk_wish *out, uint64_t *again_ns,
		       bool *over)
{
	struct visit *v = ctx;

	if (!v->i && !begin_visit(v)) {
		*over = true;
		return false;
	}
	return interrogate_program.next(v->i, now_ns, out, again_ns, over);
}

static void visit_done(void *ctx, uint32_t tag, enum talk_end end, const struct exchange *x,
		       bool late)
{
	struct visit *v = ctx;

	interrogate_program.done(v->i, tag, end, x, late);
}

static void visit_over(void *ctx, enum run_end end)
{
	struct visit *v = ctx;
	struct battery_run *b = v->run;
	const struct record_sink *sink = b->job->sink;
	struct wire_stats seen = {0};
	struct stack_verdict verdict;
	struct stack_record record;

	if (!v->i) {
		b->n_unasked++;
		return;
	}
	interrogate_program.over(v->i, end);
	b->r->wire->ops->stats(b->r->wire, &seen);
	if (seen.dropped)
		interrogate_missed(v->i);
	record = (struct stack_record){
	    .addr = &v->host->addr,
	    .name = v->host->name,
	    .facts = interrogate_facts(v->i),
	    .verdict = &verdict,
	};
	stack_judge(record.facts, &verdict);
	b->n_up += stack_answered(record.facts);
	b->n_stopped += record.facts->stopped;
	if (sink->stack)
		sink->stack(sink->ctx, &record);
	interrogate_free(v->i);
	v->i = NULL;
}

static const struct script_program program = {
    .next = visit_next, .done = visit_done, .over = visit_over};

/* --- the run ---------------------------------------------------------------------------------- */

static void tell_progress(void *ctx, size_t hosts_over, size_t n_hosts, uint64_t sent, bool asked)
{
	const struct battery_run *b = ctx;
	const struct record_sink *sink = b->job->sink;
	uint64_t now = b->r->wire->ops->now(b->r->wire);
	const struct progress p = {
	    .sent = sent,
	    .stack_hosts = n_hosts,
	    .stack_over = hosts_over,
	    .elapsed_s = b->began_s + (double)(now - b->began_ns) / 1e9,
	    .eta_s = -1,
	};

	if (sink->progress)
		sink->progress(sink->ctx, &p, asked);
}

static void add_up(struct summary_record *sum, const struct battery_run *b,
		   const struct turns_stats *s)
{
	turns_add_up(sum, s);
	sum->not_probed += b->n_unasked;
	turns_blame(sum, b->no_memory ? b->n_unasked : 0, "host",
		    "could not be asked: out of memory");
	turns_blame(sum, b->n_stopped, "host", "stopped answering half-way");
}

/* The visits and the driver's hosts, side by side; NULL: no memory. */
static struct visit *make_visits(struct battery_run *b, struct script_host **hosts)
{
	const struct stack_job *j = b->job;
	struct visit *visits = calloc(j->n + 1, sizeof(*visits));

	*hosts = calloc(j->n + 1, sizeof(**hosts));
	if (!visits || !*hosts) {
		free(visits);
		free(*hosts);
		*hosts = NULL;
		return NULL;
	}
	for (size_t i = 0; i < j->n; i++) {
		visits[i] = (struct visit){.run = b, .host = &j->hosts[i], .seed = b->r->seed + i};
		(*hosts)[i] = (struct script_host){
		    .addr = j->hosts[i].addr, .path = j->hosts[i].path, .ctx = &visits[i]};
	}
	return visits;
}

static struct script_config config_of(const struct run *r, const struct stack_job *j)
{
	return (struct script_config){
	    .n_hosts = j->n,
	    .sport_first = j->sport_first,
	    .ttl = r->o.ttl,
	    .pace_ns = pace_ns(j),
	    .wait_ns = r->o.timeout_ns,
	    .deadline_ns = j->deadline_ns,
	    .rest_ns = j->rest_ns,
	    .evidence = r->pcap ? run_keep_evidence : NULL,
	    .evidence_ctx = r->pcap,
	};
}

int stack_run(struct run *r, const struct stack_job *j, struct summary_record *sum, uint64_t *n_up,
	      struct err *e)
{
	struct battery_run b = {
	    .r = r, .job = j, .began_s = sum->elapsed_s, .began_ns = r->wire->ops->now(r->wire)};
	struct script_config c = config_of(r, j);
	struct script_host *hosts;
	struct visit *visits = make_visits(&b, &hosts);
	struct turns_stats stats;
	int rc = -1;

	if (!visits)
		return err_set(e, "out of memory for %zu hosts", j->n);
	c.program = &program;
	c.hosts = hosts;
	c.conns_max = r->wire->conns_max;
	c.progress = tell_progress;
	c.progress_ctx = &b;
	randombytes_buf(&c.seed, sizeof(c.seed));
	if (script_run(&c, r->wire, &stats, e) < 0)
		goto out;
	add_up(sum, &b, &stats);
	*n_up = b.n_up;
	rc = 0;
out:
	free(hosts);
	free(visits);
	return rc;
}

/* --- the dry run ------------------------------------------------------------------------------ */

/* Each form once, to one port; nothing answers. */
struct rehearsal {
	uint16_t port;
	size_t asked, done;
};

static bool rehearse_next(void *ctx, uint64_t now_ns, struct talk_wish *out, uint64_t *again_ns,
			  bool *over)
{
	static const struct step steps[] = {{STEP_SEND, 1, 1}, {STEP_END, 0, 0}};
	struct rehearsal *h = ctx;

	(void)now_ns;
	*again_ns = UINT64_MAX;
	*over = h->done == BATTERY_STRAY;
	if (h->asked == BATTERY_STRAY)
		return false;
	*out = (struct talk_wish){
	    .steps = steps, .form = &stray_forms[h->asked], .dport = h->port, .tag = 0};
	h->asked++;
	return true;
}

static void rehearse_done(void *ctx, uint32_t tag, enum talk_end end, const struct exchange *x,
			  bool late)
{
	struct rehearsal *h = ctx;

	(void)tag;
	(void)end;
	(void)x;
	h->done += !late;
}

static void rehearse_over(void *ctx, enum run_end end)
{
	(void)ctx;
	(void)end;
}

int stack_dry_run(struct run *r, const struct stack_job *j, struct err *e)
{
	static const struct script_program rehearsal = {
	    .next = rehearse_next, .done = rehearse_done, .over = rehearse_over};
	struct script_config c = config_of(r, j);
	struct turns_stats stats;
	struct dry_wire dry;

	c.program = &rehearsal;
	c.sport_first = DRY_SPORT;
	c.seed = r->seed;
	c.n_hosts = 1;
	dry_init(&dry, stdout, r->paths, r->n_paths);
	for (size_t i = 0; i < j->n; i++) { /* one after the other, so that lines stand together */
		struct rehearsal one = {.port = j->hosts[i].candidates[0]};
		const struct script_host host = {
		    .addr = j->hosts[i].addr, .path = j->hosts[i].path, .ctx = &one};

		c.hosts = &host;
		if (script_run(&c, &dry.wire, &stats, e) < 0)
			return -1;
	}
	return 0;
}
