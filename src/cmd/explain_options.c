/*
 * explain_options: one small function for each value that `explain` takes. It checks form and
 * contradiction; it opens nothing.
 */
#include "cmd/explain_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "cmd/explain_table.h"

/* The option that is taken. */
struct parse {
	struct explain_options *o;
	const char *said;
	int id;
};

/* --- words that are kept as they stand -------------------------------------------------------- */

static int take_once(const struct parse *p, const char **slot, const char *value, const char *fix,
		     struct err *e)
{
	if (!*value)
		return err_set(e, "%s '': takes a word that is not empty", p->said);
	if (*slot)
		return err_set(e, "%s given twice (%.60s and %.60s): %s", p->said, *slot, value,
			       fix);
	*slot = value;
	return 0;
}

static int take_read(struct parse *p, const char *value, struct err *e)
{
	struct explain_options *o = p->o;

	if (!*value)
		return err_set(e, "a file has an empty name: give a capture, or - for stdin");
	if (o->n_files == EXPLAIN_FILES_MAX)
		return err_set(e, "more than %d files: explain them in parts", EXPLAIN_FILES_MAX);
	o->files[o->n_files++] = value;
	return 0;
}

static int take_interface(struct parse *p, const char *value, struct err *e)
{
	enum { NAME_MAX_LEN = 15 }; /* IFNAMSIZ - 1 */

	if (!*value || strlen(value) > NAME_MAX_LEN)
		return err_set(e, "%s '%.80s': takes the name of an interface, 1 to %d letters",
			       p->said, value, NAME_MAX_LEN);
	return take_once(p, &p->o->ifname, value, "one interface, or any for all of them", e);
}

static int take_filter(struct parse *p, const char *value, struct err *e)
{
	return take_once(p, &p->o->filter, value, "join the filters by 'and' or 'or'", e);
}

static int take_write_pcap(struct parse *p, const char *value, struct err *e)
{
	size_t len = strlen(value);

	if (len >= 7 && strcmp(value + len - 7, ".pcapng") == 0)
		return err_set(e, "%s %.80s: this version writes pcap; name the file .pcap",
			       p->said, value);
	return take_once(p, &p->o->write_pcap, value, "give one file", e);
}

/* --- flags and numbers ------------------------------------------------------------------------ */

/* False where `id` is no flag. */
static bool set_flag(struct explain_options *o, int id)
{
	switch (id) {
	case EXPLAIN_KERNEL: o->kernel = KERNEL_NEEDED; break;
	case EXPLAIN_NO_KERNEL: o->kernel = KERNEL_NOT_ASKED; break;
	case EXPLAIN_SEPARATE: o->separate = true; break;
	case EXPLAIN_JOIN: o->join = true; break;
	case EXPLAIN_ALL: o->all = true; break;
	case EXPLAIN_SUMMARY: o->summary = true; break;
	case EXPLAIN_NUMERIC: o->numeric = true; break;
	case EXPLAIN_VERBOSE: o->verbosity = o->verbosity < 1 ? 1 : 2; break;
	case EXPLAIN_QUIET: o->verbosity = -1; break;
	case EXPLAIN_NO_PROGRESS: o->no_progress = true; break;
	default: return false;
	}
	return true;
}

/* "500", "10k", "1M" */
static int take_max_flows(struct parse *p, const char *value, struct err *e)
{
	const double most = 100e6;
	double n = 0;
	const char *rest = option_decimal(value, &n);

	if (rest && (*rest == 'k' || *rest == 'M'))
		n *= *rest++ == 'k' ? 1e3 : 1e6;
	if (!rest || *rest || n < 1 || n > most)
		return err_set(
		    e, "%s %.80s: takes a number of flows such as 500, 10k, 1M, at most 100M",
		    p->said, value);
	p->o->max_flows = (uint64_t)n;
	return 0;
}

static int take_count(struct parse *p, const char *value, struct err *e)
{
	return option_number(p->said, value, 1, UINT64_MAX, &p->o->count, e);
}

static int take_time(struct parse *p, const char *value, struct err *e)
{
	return option_duration(
	    p->said, value, p->id == EXPLAIN_DEADLINE ? &p->o->deadline_ns : &p->o->stats_every_ns,
	    e);
}

/* --- causes, severities, flows ---------------------------------------------------------------- */

static bool is_umbrella(const char *word, enum cause c)
{
	return strcmp(word, "injected") == 0 && strncmp(cause_name(c), "injected-", 9) == 0;
}

static bool mark_cause(const char *word, bool marks[CAUSES])
{
	enum cause c;
	bool found = false;

	if (cause_parse(word, &c) == 0)
		return marks[c] = true;
	for (int i = 0; i < CAUSES; i++)
		if (is_umbrella(word, (enum cause)i))
			found = marks[i] = true;
	return found;
}

static bool mark_severity(const char *word, bool marks[SEVERITIES])
{
	for (int i = 0; i < SEVERITIES; i++)
		if (strcmp(word, severity_name((enum severity)i)) == 0)
			return marks[i] = true;
	return false;
}

static int no_such_cause(const struct parse *p, const char *word, struct err *e)
{
	struct near near = {.word = word};
	bool severities = p->id == EXPLAIN_FAIL_ON;

	for (int i = 0; i < CAUSES; i++)
		near_try(&near, cause_name((enum cause)i));
	near_try(&near, "injected");
	for (int i = 0; severities && i < SEVERITIES; i++)
		near_try(&near, severity_name((enum severity)i));
	if (near.best)
		return err_set(e, "%s '%s': no such cause; did you mean %s?", p->said, word,
			       near.best);
	return err_set(e, "%s '%s': no such cause%s; rstprobe(1) lists them under CAUSES", p->said,
		       word, severities ? " or severity" : "");
}

static int take_causes(struct parse *p, const char *value, struct err *e)
{
	bool fails = p->id == EXPLAIN_FAIL_ON;
	struct explain_options *o = p->o;
	char item[40];

	while (option_item(&value, item, sizeof(item)))
		if (!(fails && mark_severity(item, o->fail_severity)) &&
		    !mark_cause(item, fails ? o->fail_cause : o->causes))
			return no_such_cause(p, item, e);
	o->by_cause |= !fails;
	return 0;
}

static int take_flow(struct parse *p, const char *value, struct err *e)
{
	struct explain_options *o = p->o;
	char item[160];

	while (option_item(&value, item, sizeof(item))) {
		if (o->n_flows == EXPLAIN_FLOWS_ASKED)
			return err_set(e, "%s: at most %d flows; a network names more", p->said,
				       EXPLAIN_FLOWS_ASKED);
		if (flow_expr_parse(p->said, item, &o->flows[o->n_flows++], e) < 0)
			return -1;
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int (*const takers[EXPLAIN_IDS])(struct parse *p, const char *value, struct err *e) = {
    [EXPLAIN_READ] = take_read,	       [EXPLAIN_INTERFACE] = take_interface,
    [EXPLAIN_FILTER] = take_filter,    [EXPLAIN_MAX_FLOWS] = take_max_flows,
    [EXPLAIN_COUNT] = take_count,      [EXPLAIN_DEADLINE] = take_time,
    [EXPLAIN_CAUSE] = take_causes,     [EXPLAIN_FLOW] = take_flow,
    [EXPLAIN_FAIL_ON] = take_causes,   [EXPLAIN_WRITE_PCAP] = take_write_pcap,
    [EXPLAIN_STATS_EVERY] = take_time,
};

/* What is of use with an interface alone, and was given with files. */
static int settle_files(const struct explain_options *o, struct err *e)
{
	size_t from_stdin = 0;

	if (o->n_files == 0)
		return err_set(e, "explain: nothing to read; name a capture, - for stdin, or an "
				  "interface by -i (rstprobe explain --help)");
	if (o->filter)
		return err_set(e, "-f says what -i captures; of files choose by --flow");
	if (o->kernel == KERNEL_NEEDED)
		return err_set(e, "--kernel needs -i: no file holds what a kernel said");
	if (o->count)
		return err_set(e, "--count ends a run with -i; files have their own end");
	for (size_t i = 0; i < o->n_files; i++)
		from_stdin += strcmp(o->files[i], "-") == 0;
	if (from_stdin > 1)
		return err_set(e, "stdin (-) can be read but once");
	if (o->join && (o->n_files != 2 || from_stdin))
		return err_set(e, "--join takes two files, the client's end and the server's, and "
				  "reads them more than once");
	if (o->join && o->separate)
		return err_set(e, "--join and --separate contradict each other: give one");
	if (o->join && o->write_pcap)
		return err_set(e, "-w writes the flows of one end: leave --join out for that");
	return 0;
}

static int settle_live(const struct explain_options *o, struct err *e)
{
	if (o->n_files)
		return err_set(
		    e, "-i %s and %.80s: an interface or files, not both (a filter goes behind -f)",
		    o->ifname, o->files[0]);
	if (o->join || o->separate)
		return err_set(e, "--%s is about files; -i has none",
			       o->join ? "join" : "separate");
	return 0;
}

/* What no single option can see. */
static int settle(struct explain_options *o, struct err *e)
{
	if ((o->ifname ? settle_live(o, e) : settle_files(o, e)) < 0)
		return -1;
	if (o->all && o->summary)
		return err_set(e, "--all and --summary contradict each other: give one");
	return outputs_settle(&o->out, o->write_pcap, e);
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	struct parse p = {.o = ctx, .said = said, .id = id};

	if (set_flag(p.o, id))
		return 0;
	if (id == OPTION_USER) {
		p.o->user = value;
		return 0;
	}
	if (id < OPTION_OWN)
		return outputs_take(&p.o->out, id, said, value, e);
	return takers[id == OPTION_WORD ? EXPLAIN_READ : id](&p, value, e);
}

int explain_options_parse(struct explain_options *o, int argc, char **argv, struct err *e)
{
	int rc;

	*o = (struct explain_options){.out.formats = outputs_formats("explain")};
	o->files = calloc((size_t)argc + 1, sizeof(*o->files));
	if (!o->files)
		return err_sys(e, errno, "explain: cannot keep %d words", argc);
	rc = option_parse(&explain_table, argc, argv, take, o, e);
	if (rc == 0)
		rc = settle(o, e);
	if (rc != 0)
		explain_options_free(o);
	return rc;
}

void explain_options_free(struct explain_options *o)
{
	free(o->files);
	o->files = NULL;
	o->n_files = 0;
}
