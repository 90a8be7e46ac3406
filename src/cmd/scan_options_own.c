/*
 * scan_options_own: the values that one command alone takes: of trace hops and flows, of provoke
 * scenarios and what is written to a service, of scan how often it tries. It knows no target.
 */
#include "cmd/scan_options_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "engine/repeat.h"

/* --- trace ------------------------------------------------------------------------------------ */

int scan_take_walk(struct scan_parse *p, const char *value, struct err *e)
{
	struct scan_options *o = p->o;
	uint64_t n;

	if (option_number(p->said, value, 1, p->id == ID_FLOWS ? TRACE_FLOWS_MAX : TRACE_TTL_MAX,
			  &n, e) < 0)
		return -1;
	switch (p->id) {
	case ID_FLOWS: o->flows = (unsigned)n; break;
	case ID_FIRST_TTL: o->first_ttl = (uint8_t)n; break;
	default: o->max_ttl = (uint8_t)n;
	}
	return 0;
}

static const char *end_name_at(size_t i)
{
	return trace_end_name((enum trace_end)i);
}

int scan_take_ends(struct scan_parse *p, const char *value, struct err *e)
{
	char item[40], known[160];

	while (option_item(&value, item, sizeof(item))) {
		struct text t = text_of(known, sizeof(known));
		size_t i = 0;

		while (i < TRACE_ENDS && strcmp(item, end_name_at(i)) != 0)
			i++;
		option_put_names(&t, TRACE_ENDS, end_name_at);
		if (i == TRACE_ENDS)
			return err_set(e, "%s '%s': no such verdict; there are %s", p->said, item,
				       known);
		p->o->expect |= UINT32_C(1) << i;
	}
	return 0;
}

/* A payload asks for a connection to carry it, unless the segment is hand-made. */
int scan_settle_trace(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	o->yes = true; /* so few are walked to that each counts */
	if (o->n_kinds == 0)
		o->kinds[o->n_kinds++] = probe_find(o->has_data ? "data" : "syn");
	if (o->n_kinds > 1)
		return err_set(e,
			       "trace walks with one kind of segment, not %zu; run it again for "
			       "the others",
			       o->n_kinds);
	if (o->first_ttl > o->max_ttl)
		return err_set(e, "--first-ttl %u is beyond --max-ttl %u", o->first_ttl,
			       o->max_ttl);
	return scan_settle_data(p, e);
}

/* --- provoke: what is done -------------------------------------------------------------------- */

static const char *scenario_name_at(size_t i)
{
	return scenario_infos[i].name;
}

static int no_such_scenario(const char *value, struct err *e)
{
	struct near near = {.word = value};
	char known[200];
	struct text t = text_of(known, sizeof(known));

	for (size_t i = 0; i < SCENARIOS; i++)
		near_try(&near, scenario_infos[i].name);
	if (near.best)
		return err_set(e, "provoke %.60s: no such scenario; did you mean '%s'?", value,
			       near.best);
	option_put_names(&t, SCENARIOS, scenario_name_at);
	return err_set(e, "provoke %.60s: no such scenario; there are %s", value, known);
}

int scan_take_scenario(struct scan_parse *p, const char *value, struct err *e)
{
	return scenario_parse(value, &p->o->scenario) == 0 ? 0 : no_such_scenario(value, e);
}

void scan_put_scenarios(FILE *f)
{
	fputs("\nScenarios:\n", f);
	for (size_t i = 0; i < SCENARIOS; i++) {
		fprintf(f, "  %-18s", scenario_infos[i].name);
		option_put_wrapped(f, scenario_infos[i].question, 20, 60);
	}
}

/* A request line is one line, and its parts end at blanks. */
int scan_take_http(struct scan_parse *p, const char *value, struct err *e)
{
	if (*value != '/')
		return err_set(e, "%s %.80s: takes the path of a URL, which begins with /", p->said,
			       value);
	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c > '~')
			return err_set(e,
				       "%s %.80s: blanks and letters beyond ASCII are written "
				       "%%20 in a path",
				       p->said, value);
	return scan_take_once(p, &p->o->http, value, "give one path", e);
}

int scan_take_bytes(struct scan_parse *p, const char *value, struct err *e)
{
	static const struct {
		char letter;
		unsigned shift;
	} units[] = {{'k', 10}, {'M', 20}, {'G', 30}};
	const uint64_t most = UINT64_C(1) << 30;
	char *rest = NULL;
	unsigned long long n = strtoull(value, &rest, 10);
	unsigned shift = 0;

	for (size_t i = 0; *rest && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(rest, (char[]){units[i].letter, 0}) == 0)
			shift = units[i].shift;
	if (!isdigit((unsigned char)*value) || (*rest && !shift) || n > most >> shift)
		return err_set(e, "%s %.80s: takes octets such as 4096, 64k or 10M, at most 1G",
			       p->said, value);
	p->o->has_bytes = true;
	p->o->bytes = n << shift;
	return 0;
}

/* --- provoke: what is expected ---------------------------------------------------------------- */

int scan_take_findings(struct scan_parse *p, const char *value, struct err *e)
{
	return scan_take_once(p, &p->o->expect_findings, value, "join the lists by a comma", e);
}

bool scan_options_expects(const struct scan_options *o, const char *id)
{
	const char *list = o->expect_findings;
	char item[40];

	if (!list)
		return true;
	while (option_item(&list, item, sizeof(item)))
		if (strcmp(item, id) == 0)
			return true;
	return false;
}

static bool is_of(const struct provoke_row *row, enum scenario scenario)
{
	return row->scenario == (int)scenario || row->scenario == SCENARIOS;
}

/* An id may have several rows. */
static bool told_before(size_t i, enum scenario scenario)
{
	for (size_t j = 0; j < i; j++)
		if (is_of(&provoke_rows[j], scenario) &&
		    strcmp(provoke_rows[j].id, provoke_rows[i].id) == 0)
			return true;
	return false;
}

void scan_put_findings(struct text *t, enum scenario scenario, const char *between)
{
	const char *before = "";

	for (size_t i = 0; i < provoke_row_count; i++) {
		if (!is_of(&provoke_rows[i], scenario) || told_before(i, scenario))
			continue;
		text_putf(t, "%s%s", before, provoke_rows[i].id);
		before = between;
	}
}

static int check_findings(const struct scan_options *o, struct err *e)
{
	const char *list = o->expect_findings;
	char item[40], known[400];

	while (list && option_item(&list, item, sizeof(item))) {
		struct text t = text_of(known, sizeof(known));
		size_t i = 0;

		while (i < provoke_row_count && !(is_of(&provoke_rows[i], o->scenario) &&
						  strcmp(item, provoke_rows[i].id) == 0))
			i++;
		if (i < provoke_row_count)
			continue;
		scan_put_findings(&t, o->scenario, ", ");
		return err_set(e, "--expect '%s': %s has no such finding; there are %s", item,
			       scenario_infos[o->scenario].name, known);
	}
	return 0;
}

/* --- provoke: the whole ----------------------------------------------------------------------- */

/* What the scenario can't use is not dropped without a word. */
static int check_uses(const struct scan_options *o, struct err *e)
{
	const struct scenario_info *info = &scenario_infos[o->scenario];

	if (!info->writes && (o->http || o->has_bytes || o->has_data))
		return err_set(e, "provoke %s writes nothing to the service: leave %s out",
			       info->name,
			       o->http	      ? "--http"
			       : o->has_bytes ? "--bytes"
					      : "the payload");
	if (!info->hold_ms && o->hold_ns)
		return err_set(e, "provoke %s does not wait for the service: leave --hold out",
			       info->name);
	if (o->http && o->has_data)
		return err_set(e, "--http and a payload exclude each other; give one");
	return 0;
}

int scan_settle_provoke(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	o->yes = true;
	if (o->n_targets != 1)
		return err_set(e, "provoke acts on one target at a time; %zu are named",
			       o->n_targets);
	if (!o->has_bytes && o->scenario == SCENARIO_EARLY_CLOSE)
		o->bytes = UINT64_C(1) << 20;
	return check_uses(o, e) < 0 ? -1 : check_findings(o, e);
}

/* --- scan --count ----------------------------------------------------------------------------- */

int scan_take_count(struct scan_parse *p, const char *value, struct err *e)
{
	return option_number(p->said, value, 1, 1000000000, &p->o->count, e);
}

/* Results that have no place for tries. */
static const char *unfit_output(const struct outputs *out)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].format != FORMAT_JSON && out->v[i].format != FORMAT_TEXT)
			return out->v[i].format == FORMAT_XML ? "-oX" : "-oC";
	if (out->format_given && out->format != FORMAT_JSON && out->format != FORMAT_TEXT)
		return out->format == FORMAT_XML ? "--format xml" : "--format csv";
	return NULL;
}

/* What else was asked for that says nothing about tries, or the opposite. */
static int check_beside_count(const struct scan_options *o, struct err *e)
{
	const struct {
		bool given;
		const char *option, *why;
	} rows[] = {
	    {o->resume, "--resume", "tries are not gone on with"},
	    {o->shards > 1, "--shard", "all ports that are named are tried"},
	    {o->stack, "--stack", "run rstprobe stack for that"},
	    {o->retries >= 0, "--retries", "a try is sent once, and what is lost is counted"},
	    {o->rate > 0, "--rate", "--interval says how often each port is tried"},
	    {o->no_skip_dead, "--no-skip-dead", "no host is given up"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given)
			return err_set(e, "%s and --count exclude each other: %s", rows[i].option,
				       rows[i].why);
	return 0;
}

static int check_interval(const struct scan_options *o, struct err *e)
{
	if (o->interval_ns < REPEAT_LEAST_NS)
		return err_set(e, "--interval: at least 1ms between two tries of a port");
	if (o->count > REPEAT_FLYING_MAX && o->timeout_ns / o->interval_ns > REPEAT_FLYING_MAX)
		return err_set(e,
			       "-T is more than %d times the --interval: too many tries would wait "
			       "for their answers at once; shorten -T",
			       REPEAT_FLYING_MAX);
	return 0;
}

int scan_settle_count(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;
	const char *unfit;

	if (!o->count && o->interval_ns)
		return err_set(e, "--interval says how often --count N tries a port: give both");
	if (!o->count)
		return 0;
	if (!o->interval_ns)
		o->interval_ns = UINT64_C(1000000000);
	unfit = unfit_output(&o->out);
	if (unfit)
		return err_set(e, "%s has no form for the tries of --count: use -oJ, or text",
			       unfit);
	return check_beside_count(o, e) < 0 ? -1 : check_interval(o, e);
}

/* --- audit ------------------------------------------------------------------------------------ */

int scan_take_retry_failed(struct scan_parse *p, const char *value, struct err *e)
{
	uint64_t n;

	if (option_number(p->said, value, 0, RETRY_FAILED_MAX, &n, e) < 0)
		return -1;
	p->o->retry_failed = (unsigned)n;
	return 0;
}

int scan_take_record(struct scan_parse *p, const char *value, struct err *e)
{
	(void)e;
	p->o->record[p->o->n_record++] = value;
	return 0;
}

int scan_settle_audit(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	if (o->n_record && o->check_only)
		return err_set(e,
			       "audit: --record writes a policy and reads none: leave --check out");
	if (o->n_record && o->n_targets)
		return err_set(e,
			       "audit: --record writes a policy and reads none: leave %s out, or "
			       "write --record %s",
			       o->targets[0], o->targets[0]);
	if (!o->n_record && !o->n_targets)
		return err_set(e, "audit: no policy; name a file, or write one by --record TARGET "
				  "(rstprobe audit --help)");
	if (!o->n_record && o->ports)
		return err_set(e, "audit: the policy says which ports; -p goes with --record");
	o->kinds[o->n_kinds++] = probe_find("syn");
	if (!o->n_record)
		return 0;
	if (o->out.n || o->out.format != FORMAT_TEXT)
		return err_set(e, "audit: --record writes a policy, which is text: name its file "
				  "by -o FILE");
	return 0;
}
