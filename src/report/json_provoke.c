/*
 * json_provoke: the record of one scenario with one service. It decides which keys are there, never
 * what they say: the contract's are always there, null where nothing is known, numbers only where
 * they were measured.
 */
#include "report/json_private.h"

static json_object *new_frames(const struct provoke_record *p)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < p->n_frames; i++)
		json_push(a, json_new_u64(p->frames[i]));
	return a;
}

static json_object *new_sees(const struct provoke_facts *f)
{
	json_object *a = json_object_new_array();
	enum app_result sees[PROVOKE_SEES_MAX];
	size_t n = provoke_sees(f, sees);

	for (size_t i = 0; i < n; i++)
		json_push(a, json_new_text(app_result_name(sees[i])));
	return a;
}

/* --- numbers ------------------------------------------------------------------------------ */

static uint64_t begin_of(const struct line_facts *l)
{
	return l->stands_ns ? l->stands_ns : l->opened_ns;
}

/* Milliseconds since the connection stood. */
static json_object *new_ms(const struct line_facts *l, uint64_t at_ns)
{
	uint64_t from = begin_of(l);

	return json_new_u64(at_ns > from ? (at_ns - from) / 1000000 : 0);
}

static void add_ms_if(json_object *o, const char *key, const struct line_facts *l, uint64_t at_ns)
{
	if (at_ns)
		json_set(o, key, new_ms(l, at_ns));
}

static void add_ms_list(json_object *o, const char *key, const struct line_facts *l,
			const uint64_t at_ns[LINE_TIMES], unsigned n)
{
	json_object *a;

	if (!n || !begin_of(l))
		return; /* strays have no beginning */
	a = json_object_new_array();
	for (unsigned i = 0; i < n && i < LINE_TIMES; i++)
		json_push(a, new_ms(l, at_ns[i]));
	json_set(o, key, a);
}

static void add_line(json_object *o, const struct line_facts *l)
{
	json_add_u64_if(o, "written", l->written);
	json_add_u64_if(o, "taken", l->acked_octets);
	json_add_u64_if(o, "answered", l->sent_octets);
	json_add_u64_if(o, "read", l->read);
	json_add_u64_if(o, "syn_acks", l->syn_acks);
	if (l->syn_acks > 1)
		add_ms_list(o, "syn_acks_ms", l, l->syn_ack_ns, l->syn_acks);
	json_add_u64_if(o, "syn_acks_after_rst", l->syn_acks_after_rst);
	json_add_u64_if(o, "keepalives", l->keepalives);
	add_ms_if(o, "keepalive_ms", l, l->keepalive_ns[0]);
	add_ms_if(o, "fin_ms", l, l->fin_ns);
	json_add_u64_if(o, "resets", l->resets);
	add_ms_list(o, "resets_ms", l, l->reset_ns, l->resets);
	json_add_u64_if(o, "strangers", l->strangers);
}

static const struct line_facts *line_of(const struct provoke_record *p)
{
	const struct provoke_facts *f = p->facts;
	const struct line_facts *l = provoke_line(f);

	for (size_t i = 0; l->sport != p->verdict->sport && i < f->n_lines; i++)
		l = &f->lines[i];
	return l;
}

static void add_rejection(json_object *o, const struct json_report *r, const struct line_facts *l)
{
	const struct exchange *x = &l->at[MARK_SYN];

	if (!reaction_is_icmp((enum reaction)x->reaction))
		return;
	json_add_addr(o, "from", r, &x->from);
	json_add_u64(o, "icmp_type", x->icmp_type);
	json_add_u64(o, "icmp_code", x->icmp_code);
}

static void add_numbers(json_object *o, const struct provoke_record *p)
{
	const struct provoke_facts *f = p->facts;
	const struct provoke_verdict *v = p->verdict;

	json_add_u64_if(o, "sport", v->sport);
	add_line(o, line_of(p));
	json_add_u64_if(o, "http_status", f->http_status);
	if (v->idle_lives_ns)
		json_add_real(o, "idle_lives_s", (double)v->idle_lives_ns / 1e9, 3);
	if (v->idle_dies_ns)
		json_add_real(o, "idle_dies_s", (double)v->idle_dies_ns / 1e9, 3);
	if (f->hold_ns)
		json_add_real(o, "hold_s", (double)f->hold_ns / 1e9, 3);
	if (f->ended_ns > f->began_ns)
		json_add_real(o, "elapsed_s", (double)(f->ended_ns - f->began_ns) / 1e9, 6);
}

static void add_reset(json_object *o, const struct finding *f)
{
	json_add_text_or_null(o, "confidence", f ? sureness_name(f->sure) : NULL);
	json_set(o, "alternatives", f ? json_new_alternatives(f) : json_object_new_array());
	json_add_text_or_null(o, "origin", f ? origin_name(f->origin) : NULL);
	if (!f)
		return;
	json_add_u64(o, "frame", f->frame);
	json_add_u64_if(o, "provoked_by", f->provoked_by);
	json_set(o, "reset_clues", json_new_reset_clues(f));
}

void json_provoke(void *ctx, const struct provoke_record *p)
{
	struct json_report *r = ctx;
	const struct provoke_verdict *v = p->verdict;
	json_object *o = json_new_record("provoke");

	json_add_text(o, "scenario", p->info->name);
	json_add_who(o, r, p->addr, p->name);
	json_add_u64(o, "port", p->port);
	json_add_text(o, "finding", v->row->id);
	json_add_text_or_null(o, "cause", p->finding ? cause_name(p->finding->cause) : NULL);
	json_set(o, "frames", new_frames(p));
	json_add_u64(o, "bytes_lost", v->bytes_lost);
	json_set(o, "clues", json_new_clues(v->clues, v->n_clues));
	json_add_text(o, "severity", severity_name(v->row->severity));
	json_add_text(o, "says", v->row->says);
	add_reset(o, p->finding);
	json_set(o, "app_sees", new_sees(p->facts));
	json_add_text(o, "advice", v->row->advice);
	add_rejection(o, r, provoke_line(p->facts));
	add_numbers(o, p);
	json_put_record(r, o);
	out_flush(&r->out);
}
