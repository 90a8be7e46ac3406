/*
 * tee: every record to each of several reports, in their order. It looks into none.
 */
#include "report/report.h"

#include <stdlib.h>

struct tee {
	struct report report;
	struct report **v; /* NULL: closed */
	size_t n;
	bool told;
};

#define PASS(ctx, callback, ...)                                                                   \
	do {                                                                                       \
		const struct tee *tee = (ctx);                                                     \
		for (size_t i = 0; i < tee->n; i++) {                                              \
			const struct record_sink *sink = &tee->v[i]->sink;                         \
			if (sink->callback)                                                        \
				sink->callback(sink->ctx, __VA_ARGS__);                            \
		}                                                                                  \
	} while (0)

#define TEE(ctx, callback, ...)                                                                    \
	do {                                                                                       \
		((struct tee *)(ctx))->told = true;                                                \
		PASS(ctx, callback, __VA_ARGS__);                                                  \
	} while (0)

static void tee_open_found(void *ctx, const struct port_record *r)
{
	TEE(ctx, open_found, r);
}

static void tee_host_begin(void *ctx, const struct host_record *h)
{
	TEE(ctx, host_begin, h);
}

static void tee_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	TEE(ctx, port, h, r);
}

static void tee_host_end(void *ctx, const struct host_record *h)
{
	TEE(ctx, host_end, h);
}

static void tee_stack(void *ctx, const struct stack_record *r)
{
	TEE(ctx, stack, r);
}

static void tee_scenario(void *ctx, const struct provoke_record *r)
{
	TEE(ctx, scenario, r);
}

static void tee_provoke(void *ctx, const struct provoke_record *r)
{
	TEE(ctx, provoke, r);
}

static void tee_walk(void *ctx, const struct walk_record *r)
{
	TEE(ctx, walk, r);
}

static void tee_hop(void *ctx, const struct hop_record *r)
{
	TEE(ctx, hop, r);
}

static void tee_trace(void *ctx, const struct trace_record *r)
{
	TEE(ctx, trace, r);
}

static void tee_reset(void *ctx, const struct finding *f)
{
	TEE(ctx, reset, f);
}

static void tee_explained(void *ctx, const struct explain_record *r)
{
	TEE(ctx, explained, r);
}

static void tee_check(void *ctx, const struct check_record *c)
{
	TEE(ctx, check, c);
}

static void tee_change(void *ctx, const struct change_record *c)
{
	TEE(ctx, change, c);
}

static void tee_diffed(void *ctx, const struct diff_record *d)
{
	TEE(ctx, diffed, d);
}

static void tee_vantage(void *ctx, const struct vantage_record *v)
{
	TEE(ctx, vantage, v);
}

static void tee_vantages(void *ctx, const struct vantages_record *v)
{
	TEE(ctx, vantages, v);
}

static void tee_try(void *ctx, const struct try_record *t)
{
	TEE(ctx, try, t);
}

static void tee_tries(void *ctx, const struct tries_record *t)
{
	TEE(ctx, tries, t);
}

static void tee_looked(void *ctx, const struct doctor_record *d)
{
	TEE(ctx, looked, d);
}

static void tee_examined(void *ctx, const struct examined_record *x)
{
	TEE(ctx, examined, x);
}

static void tee_window(void *ctx, const struct window_record *w)
{
	TEE(ctx, window, w);
}

static void tee_progress(void *ctx, const struct progress *p, bool asked)
{
	PASS(ctx, progress, p, asked);
}

static void tee_note(void *ctx, const char *text)
{
	PASS(ctx, note, text);
}

static void tee_summary(void *ctx, const struct summary_record *s)
{
	TEE(ctx, summary, s);
}

static void tee_carry(struct report *r, const char *line, size_t len)
{
	const struct tee *t = r->sink.ctx;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->carry)
			t->v[i]->carry(t->v[i], line, len);
}

int report_tee_close_one(struct report *tee, size_t i, struct err *e)
{
	struct tee *t = tee->sink.ctx;
	struct report *r = t->v[i];

	/* the others keep their places */
	t->v[i] = NULL;
	return r->close(r, e);
}

bool report_tee_told(const struct report *tee)
{
	const struct tee *t = tee->sink.ctx;

	return t->told;
}

static int tee_close(struct report *r, struct err *e)
{
	struct tee *t = r->sink.ctx;
	int rc = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i] && t->v[i]->close(t->v[i], rc ? NULL : e) != 0)
			rc = -1;
	free(t->v);
	free(t);
	return rc;
}

struct report *report_tee_new(struct report **v, size_t n)
{
	struct tee *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->v = calloc(n ? n : 1, sizeof(struct report *));
	if (!t->v) {
		free(t);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		t->v[i] = v[i];
	t->n = n;
	t->report = (struct report){
	    .sink =
		{
		    .ctx = t,
		    .open_found = tee_open_found,
		    .host_begin = tee_host_begin,
		    .port = tee_port,
		    .host_end = tee_host_end,
		    .stack = tee_stack,
		    .scenario = tee_scenario,
		    .provoke = tee_provoke,
		    .walk = tee_walk,
		    .hop = tee_hop,
		    .trace = tee_trace,
		    .reset = tee_reset,
		    .explained = tee_explained,
		    .check = tee_check,
		    .change = tee_change,
		    .diffed = tee_diffed,
		    .vantage = tee_vantage,
		    .vantages = tee_vantages,
		    .try = tee_try,
		    .tries = tee_tries,
		    .looked = tee_looked,
		    .examined = tee_examined,
		    .window = tee_window,
		    .progress = tee_progress,
		    .note = tee_note,
		    .summary = tee_summary,
		},
	    .carry = tee_carry,
	    .close = tee_close,
	};
	return &t->report;
}
