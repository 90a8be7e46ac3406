/* turns_sum: counts and times; it knows nothing of what the runs found out. */
#include "cmd/turns_sum.h"

#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "engine/probing.h"

#define NS_PER_S 1e9

/* --- for all ---------------------------------------------------------------------------------- */

void turns_blame(struct summary_record *sum, uint64_t n, const char *what, const char *says)
{
	if (!n)
		return;
	if (sum->complete)
		snprintf(sum->why, sizeof(sum->why), "%llu %s%s %s", (unsigned long long)n, what,
			 n == 1 ? "" : "s", says);
	sum->complete = false;
}

static void blame_unsent(struct summary_record *sum, const struct turns_stats *s)
{
	char says[160];
	struct text t = text_of(says, sizeof(says));

	text_putf(&t, "could not be sent");
	if (s->send_errno)
		text_putf(&t, ": %s%s", strerror(s->send_errno), probing_unsent(s->send_errno));
	turns_blame(sum, s->send_errors, "segment", says);
}

void turns_add_up(struct summary_record *sum, const struct turns_stats *s)
{
	sum->sent += s->sent;
	sum->answered += s->answered;
	sum->retried += s->retried;
	sum->late += s->late;
	sum->foreign += s->foreign;
	sum->send_errors += s->send_errors;
	sum->captured = s->wire.captured; /* the wire counts from its beginning */
	sum->pcap_dropped = s->wire.dropped;
	sum->elapsed_s += s->elapsed_s;
	sum->rate_pps = sum->elapsed_s > 0 ? (double)sum->sent / sum->elapsed_s : 0;
	if (s->end != END_COMPLETE) {
		if (sum->complete) {
			sum->end = s->end;
			memcpy(sum->why, s->why, sizeof(sum->why));
		}
		sum->complete = false;
	}
	turns_blame(sum, s->wire.dropped, "packet", "lost by the capture");
	blame_unsent(sum, s);
}

/* --- one after the other ---------------------------------------------------------------------- */

static uint64_t now_ns(const struct turns_sum *s)
{
	return s->run->wire->ops->now(s->run->wire);
}

void turns_sum_begin(struct turns_sum *s, struct run *r, const struct aims *aims)
{
	*s = (struct turns_sum){.run = r, .aims = aims};
	s->sum = (struct summary_record){.end = END_COMPLETE,
					 .complete = true,
					 .hosts_total = r->ask.space.hosts,
					 .indices = aims->n,
					 .unroutable = aims->unroutable,
					 .loss_estimate = -1};
	s->began_ns = now_ns(s);
}

/* Of the deadline; 0: nothing. */
static uint64_t left_ns(const struct turns_sum *s)
{
	uint64_t spent = now_ns(s) - s->began_ns, all = s->run->o.deadline_ns;

	return all > spent ? all - spent : 0;
}

struct turns_config turns_sum_config(const struct turns_sum *s)
{
	struct run *r = s->run;
	struct turns_config c = {
	    .seed = r->seed + s->done,
	    .deadline_ns = r->o.deadline_ns ? left_ns(s) : 0,
	    .evidence = r->pcap ? run_keep_evidence : NULL,
	    .evidence_ctx = r->pcap,
	};

	if (!r->o.has_seed) /* the run's own is printed, and short */
		randombytes_buf(&c.seed, sizeof(c.seed));
	return c;
}

void turns_sum_progress(const struct turns_sum *s, const char *doing, uint64_t sent,
			uint64_t eta_ns, bool asked)
{
	const struct record_sink *sink = &s->run->report->sink;
	const struct progress p = {
	    .doing = doing,
	    .sent = s->sum.sent + sent,
	    .elapsed_s = (double)(now_ns(s) - s->began_ns) / NS_PER_S,
	    .eta_s = eta_ns ? (double)eta_ns / NS_PER_S : -1,
	};

	if (sink->progress)
		sink->progress(sink->ctx, &p, asked);
}

void turns_sum_add(struct turns_sum *s, const struct turns_stats *stats, bool up)
{
	const struct aim *aim = &s->aims->v[s->done];
	bool same_host = s->done > 0 && addr_equal(&aim[-1].addr, &aim->addr);

	s->sum.hosts_up += up && !(same_host && s->last_up);
	s->last_up = up || (same_host && s->last_up);
	s->done++;
	turns_add_up(&s->sum, stats);
}

bool turns_sum_goes_on(struct turns_sum *s)
{
	struct summary_record *sum = &s->sum;

	if (s->done == s->aims->n || sum->end == END_INTERRUPTED || sum->end == END_DEADLINE ||
	    sum->end == END_CAPTURE)
		return false;
	if (!s->run->o.deadline_ns || left_ns(s))
		return true;
	if (sum->complete) {
		sum->end = END_DEADLINE;
		snprintf(sum->why, sizeof(sum->why), "the deadline came first");
	}
	sum->complete = false;
	return false;
}

void turns_sum_end(struct turns_sum *s)
{
	const struct record_sink *sink = &s->run->report->sink;

	s->sum.not_probed = s->aims->n - s->done;
	if (sink->summary)
		sink->summary(sink->ctx, &s->sum);
	if (!s->sum.complete)
		s->run->status = cmd_worse(s->run->status, STATUS_INCOMPLETE);
}
