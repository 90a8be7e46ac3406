/*
 * scan_options: one small function for each value that the commands that send take (those of
 * segments: scan_options_segments; of trace and provoke alone: scan_options_own). It checks form
 * and contradiction; it opens and resolves nothing.
 */
#include "cmd/scan_options_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- words that are kept as they stand -------------------------------------- */

/* Twice would silently drop the first: ports unprobed, or worse, an exclude forgotten. */
int scan_take_once(const struct scan_parse *p, const char **slot, const char *value,
		   const char *fix, struct err *e)
{
	if (!*value)
		return err_set(e, "%s '': takes a word that is not empty", p->said);
	if (*slot)
		return err_set(e, "%s given twice (%.60s and %.60s): %s", p->said, *slot, value,
			       fix);
	*slot = value;
	return 0;
}

/* A list can be joined to the one before; a file cannot. */
static int take_list(struct scan_parse *p, const char *value, struct err *e)
{
	return scan_take_once(p, p->id == ID_PORTS ? &p->o->ports : &p->o->exclude, value,
			      "join the lists by a comma", e);
}

static int take_file(struct scan_parse *p, const char *value, struct err *e)
{
	return scan_take_once(p, p->id == ID_TARGETS ? &p->o->targets_file : &p->o->exclude_file,
			      value, "give one file", e);
}

static int take_write_pcap(struct scan_parse *p, const char *value, struct err *e)
{
	return scan_take_once(p, &p->o->write_pcap, value, "give one file", e);
}

static int take_resume(struct scan_parse *p, const char *value, struct err *e)
{
	return scan_take_once(p, &p->o->resume, value, "give one file", e);
}

static int take_interface(struct scan_parse *p, const char *value, struct err *e)
{
	enum { NAME_MAX_LEN = 15 }; /* IFNAMSIZ - 1 */

	if (!*value || strlen(value) > NAME_MAX_LEN)
		return err_set(e, "%s '%.80s': takes the name of an interface, 1 to %d letters",
			       p->said, value, NAME_MAX_LEN);
	p->o->ifname = value;
	return 0;
}

/* --- flags ------------------------------------------------------------------- */

static int take_family(struct scan_parse *p, const char *value, struct err *e)
{
	int family = value[0] == '4' ? ADDR_V4 : ADDR_V6;

	if (p->o->family && p->o->family != family)
		return err_set(
		    e, "-4 and -6 exclude each other; without them both families are probed");
	p->o->family = family;
	return 0;
}

/* False where `id` is no flag. */
static bool set_flag(struct scan_options *o, int id)
{
	switch (id) {
	case ID_FIRST: o->first_only = true; break;
	case ID_NUMERIC: o->numeric = true; break;
	case ID_YES: o->yes = true; break;
	case ID_STACK: o->stack = true; break;
	case ID_IN_ORDER: o->in_order = true; break;
	case ID_CHECK: o->check_only = true; break;
	case ID_DRY_RUN: o->dry_run = true; break;
	case ID_NO_PROGRESS: o->no_progress = true; break;
	case ID_VERBOSE: o->verbosity = o->verbosity < 1 ? 1 : 2; break;
	case ID_QUIET: o->verbosity = -1; break;
	case ID_NO_SKIP_DEAD: o->no_skip_dead = true; break;
	default: return false;
	}
	return true;
}

/* --- speed ------------------------------------------------------------------- */

/* "500", "10k", "1M"; false where it is no such number. */
static bool read_rate(const char *value, double *out)
{
	const double most = 1e9;
	double n = 0;
	const char *rest = option_decimal(value, &n);

	if (rest && (*rest == 'k' || *rest == 'M'))
		n *= *rest++ == 'k' ? 1e3 : 1e6;
	*out = n;
	return rest && !*rest && n > 0 && n <= most;
}

static int take_rate(struct scan_parse *p, const char *value, struct err *e)
{
	bool stack = p->table == &stack_table;

	if (!stack && (strcmp(value, "auto") == 0 || strcmp(value, "max") == 0)) {
		p->o->rate = value[0] == 'm' ? INFINITY : 0;
		return 0;
	}
	if (read_rate(value, &p->o->rate))
		return 0;
	if (stack)
		return err_set(e, "%s %.80s: takes segments per second to one host, above 0, as 20",
			       p->said, value);
	return err_set(
	    e,
	    "%s %.80s: takes packets per second above 0 such as 500, 10k, 1M, or auto, or "
	    "max",
	    p->said, value);
}

static int take_retries(struct scan_parse *p, const char *value, struct err *e)
{
	uint64_t n;

	if (strcmp(value, "auto") == 0) {
		p->o->retries = -1;
		return 0;
	}
	if (option_number(p->said, value, 0, 20, &n, e) < 0)
		return err_set(
		    e,
		    "%s %.80s: takes a number from 0 to 20, or auto; to probe in order use "
		    "--in-order",
		    p->said, value);
	p->o->retries = (int)n;
	return 0;
}

static int take_time(struct scan_parse *p, const char *value, struct err *e)
{
	uint64_t *slot = p->id == ID_TIMEOUT	? &p->o->timeout_ns
			 : p->id == ID_DEADLINE ? &p->o->deadline_ns
			 : p->id == ID_HOLD	? &p->o->hold_ns
			 : p->id == ID_INTERVAL ? &p->o->interval_ns
						: &p->o->stats_every_ns;

	return option_duration(p->said, value, slot, e);
}

/* "2/4" */
static int take_shard(struct scan_parse *p, const char *value, struct err *e)
{
	size_t slash = strcspn(value, "/");
	char part[24];

	snprintf(part, sizeof(part), "%.*s", (int)(slash < sizeof(part) ? slash : sizeof(part)),
		 value);
	if (!value[slash] ||
	    option_number(p->said, value + slash + 1, 1, UINT32_MAX, &p->o->shards, NULL) < 0 ||
	    option_number(p->said, part, 1, p->o->shards, &p->o->shard, NULL) < 0)
		return err_set(e, "%s %.80s: takes I/N, the I-th of N parts, such as 1/4", p->said,
			       value);
	return 0;
}

static const char *const tx_words[] = {
    [TX_AUTO] = "auto", [TX_RAW] = "raw", [TX_PACKET] = "packet", [TX_XDP] = "xdp"};
enum { TX_WORDS = sizeof(tx_words) / sizeof(tx_words[0]) };

const char *scan_tx_word(size_t i)
{
	return i < TX_WORDS ? tx_words[i] : NULL;
}

static int take_tx(struct scan_parse *p, const char *value, struct err *e)
{
	int tx = 0;

	if (option_choice(p->said, value, tx_words, TX_WORDS, &tx, e) < 0)
		return -1;
	p->o->tx = (enum tx)tx;
	return 0;
}

/* --- output ------------------------------------------------------------------ */

static const char *state_name_at(size_t i)
{
	return state_name((enum port_state)i);
}

static int take_states(struct scan_parse *p, const char *value, struct err *e)
{
	bool shows = p->id == ID_SHOW;
	uint32_t *bits = shows ? &p->o->show : &p->o->expect;
	char item[40], known[180];

	p->o->show_given |= shows;
	while (option_item(&value, item, sizeof(item))) {
		struct text t = text_of(known, sizeof(known));
		enum port_state state;

		if (shows && strcmp(item, "all") == 0) {
			p->o->show_all = true;
			continue;
		}
		option_put_names(&t, PORT_STATES, state_name_at);
		if (state_parse(item, &state) < 0)
			return err_set(e, "%s '%s': no such state; there are %s%s", p->said, item,
				       known, shows ? ", all" : "");
		*bits |= UINT32_C(1) << state;
	}
	return 0;
}

/* --expect: of scan states, of trace verdicts, of provoke findings. */
static int take_expected(struct scan_parse *p, const char *value, struct err *e)
{
	if (p->table == &trace_table)
		return scan_take_ends(p, value, e);
	if (p->table == &provoke_table)
		return scan_take_findings(p, value, e);
	return take_states(p, value, e);
}

/* --- the whole --------------------------------------------------------------- */

static int (*const takers[IDS])(struct scan_parse *p, const char *value,
				struct err *e) = {[ID_PORTS] = take_list,
						  [ID_TARGETS] = take_file,
						  [ID_EXCLUDE] = take_list,
						  [ID_EXCLUDE_FILE] = take_file,
						  [ID_FAMILY] = take_family,
						  [ID_PROBE] = scan_take_probe,
						  [ID_FLAGS] = scan_take_flags,
						  [ID_SEQ] = scan_take_number,
						  [ID_ACK] = scan_take_number,
						  [ID_WIN] = scan_take_number,
						  [ID_DATA] = scan_take_data,
						  [ID_DATA_STRING] = scan_take_data_string,
						  [ID_DATA_FILE] = scan_take_data_file,
						  [ID_SYN_OPTIONS] = scan_take_syn_options,
						  [ID_INTERFACE] = take_interface,
						  [ID_SOURCE] = scan_take_source,
						  [ID_SOURCE_PORT] = scan_take_number,
						  [ID_TTL] = scan_take_number,
						  [ID_RATE] = take_rate,
						  [ID_RETRIES] = take_retries,
						  [ID_TIMEOUT] = take_time,
						  [ID_DEADLINE] = take_time,
						  [ID_SEED] = scan_take_number,
						  [ID_SHARD] = take_shard,
						  [ID_RESUME] = take_resume,
						  [ID_THREADS] = scan_take_number,
						  [ID_TX] = take_tx,
						  [ID_EXPECT] = take_expected,
						  [ID_FLOWS] = scan_take_walk,
						  [ID_FIRST_TTL] = scan_take_walk,
						  [ID_MAX_TTL] = scan_take_walk,
						  [ID_HTTP] = scan_take_http,
						  [ID_BYTES] = scan_take_bytes,
						  [ID_HOLD] = take_time,
						  [ID_SHOW] = take_states,
						  [ID_COUNT] = scan_take_count,
						  [ID_INTERVAL] = take_time,
						  [ID_RECORD] = scan_take_record,
						  [ID_RETRY_FAILED] = scan_take_retry_failed,
						  [ID_WRITE_PCAP] = take_write_pcap,
						  [ID_STATS_EVERY] = take_time};

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* What no single option can see, of scan and stack. */
static int settle_scan(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	if (p->table == &scan_table && o->stack && o->source_port)
		return err_set(e, "--stack needs source ports of its own choice: leave -g out");
	if (o->shards > 1 && !o->has_seed && !o->in_order)
		return err_set(e,
			       "--shard %llu/%llu needs --seed N, the same one for all parts: it "
			       "makes the order that they share",
			       (unsigned long long)o->shard, (unsigned long long)o->shards);
	if (o->resume && o->stack)
		return err_set(e, "--stack and --resume exclude each other: resume the scan, then "
				  "run rstprobe stack on what it found");
	if (scan_settle_count(p, e) < 0)
		return -1;
	if (o->n_kinds == 0)
		o->kinds[o->n_kinds++] = probe_find("syn");
	o->out.old = o->resume;
	return scan_settle_data(p, e);
}

static int settle_command(struct scan_parse *p, struct err *e)
{
	if (p->table == &provoke_table)
		return scan_settle_provoke(p, e);
	if (p->table == &audit_table)
		return scan_settle_audit(p, e);
	return p->table == &trace_table ? scan_settle_trace(p, e) : settle_scan(p, e);
}

static int settle(struct scan_parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	if (p->table == &provoke_table && o->scenario == SCENARIOS)
		return err_set(e, "provoke: no scenario; rstprobe provoke --help lists them");
	if (o->n_targets == 0 && !o->targets_file && p->table != &audit_table)
		return err_set(e,
			       "%s: no targets; name a host, an address or a network "
			       "(rstprobe %s --help)",
			       p->table->command, p->table->command);
	if (o->family && o->has_source && o->source.family != o->family)
		return err_set(e, "the source address is not IPv%d, which -%d asks for", o->family,
			       o->family);
	if (settle_command(p, e) < 0)
		return -1;
	if (!o->threads)
		o->threads = cores();
	if (!o->show || o->show_all)
		o->show = (UINT32_C(1) << PORT_STATES) - 1;
	return outputs_settle(&o->out, o->write_pcap, e);
}

/* A word that is no option: a target, but of provoke the first is the scenario. */
static int take_word(struct scan_parse *p, const char *value, struct err *e)
{
	if (p->table == &provoke_table && p->o->scenario == SCENARIOS)
		return scan_take_scenario(p, value, e);
	p->o->targets[p->o->n_targets++] = value;
	return 0;
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	struct scan_parse *p = ctx;

	if (id == OPTION_WORD)
		return take_word(p, value, e);
	if (set_flag(p->o, id))
		return 0;
	if (id == OPTION_USER) {
		p->o->user = value;
		return 0;
	}
	if (id < OPTION_OWN || id >= IDS)
		return outputs_take(&p->o->out, id, said, value, e);
	p->said = said;
	p->id = id;
	return takers[id](p, value, e);
}

int scan_options_parse(struct scan_options *o, const struct option_table *table, int argc,
		       char **argv, struct err *e)
{
	struct scan_parse p = {.o = o, .table = table};
	int rc;

	*o = (struct scan_options){
	    .syn_layout = SYN_LAYOUT_LINUX,
	    .retries = -1,
	    .timeout_ns = UINT64_C(1000000000),
	    .shard = 1,
	    .shards = 1,
	    .stack = table == &stack_table,
	    .retry_failed = 1,
	    .out.formats = outputs_formats(table->command),
	    .flows = 1,
	    .first_ttl = 1,
	    .max_ttl = 30,
	    .scenario = SCENARIOS,
	};
	o->targets = calloc((size_t)argc, sizeof(*o->targets));
	o->record = calloc((size_t)argc, sizeof(*o->record));
	if (!o->targets || !o->record) {
		scan_options_free(o);
		return err_sys(e, ENOMEM, "%s: cannot keep %d words", table->command, argc);
	}
	rc = option_parse(table, argc, argv, take, &p, e);
	if (rc == 0)
		rc = settle(&p, e);
	if (rc != 0)
		scan_options_free(o);
	return rc;
}

void scan_options_free(struct scan_options *o)
{
	free(o->targets);
	free(o->record);
	o->targets = o->record = NULL;
	o->n_targets = o->n_record = 0;
}
