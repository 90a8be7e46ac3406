/*
 * scan_options: one small function for each value that `scan` and `stack` take. It checks form and
 * contradiction; it opens nothing (but --data-file) and resolves nothing.
 */
#include "cmd/scan_options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/scan_table.h"
#include "judge/rule.h"

/* What the walk has to remember and the result has not. */
struct parse {
	struct scan_options *o;
	const struct option_table *table;
	const char *said;
	int id;
	bool custom;
};

/* --- words that are kept as they stand -------------------------------------- */

/* Twice would silently drop the first: ports unprobed, or worse, an exclude forgotten. */
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

/* A list can be joined to the one before; a file cannot. */
static int take_list(struct parse *p, const char *value, struct err *e)
{
	return take_once(p, p->id == ID_PORTS ? &p->o->ports : &p->o->exclude, value,
			 "join the lists by a comma", e);
}

static int take_file(struct parse *p, const char *value, struct err *e)
{
	return take_once(p, p->id == ID_TARGETS ? &p->o->targets_file : &p->o->exclude_file, value,
			 "give one file", e);
}

static int take_write_pcap(struct parse *p, const char *value, struct err *e)
{
	size_t len = strlen(value);

	if (len >= 7 && strcmp(value + len - 7, ".pcapng") == 0)
		return err_set(e, "%s %.80s: this version writes pcap; name the file .pcap",
			       p->said, value);
	return take_once(p, &p->o->write_pcap, value, "give one file", e);
}

static int take_resume(struct parse *p, const char *value, struct err *e)
{
	return take_once(p, &p->o->resume, value, "give one file", e);
}

static int take_interface(struct parse *p, const char *value, struct err *e)
{
	enum { NAME_MAX_LEN = 15 }; /* IFNAMSIZ - 1 */

	if (!*value || strlen(value) > NAME_MAX_LEN)
		return err_set(e, "%s '%.80s': takes the name of an interface, 1 to %d letters",
			       p->said, value, NAME_MAX_LEN);
	p->o->ifname = value;
	return 0;
}

/* --- flags ------------------------------------------------------------------- */

static int take_family(struct parse *p, const char *value, struct err *e)
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
	case ID_DRY_RUN: o->dry_run = true; break;
	case ID_NO_PROGRESS: o->no_progress = true; break;
	case ID_VERBOSE: o->verbosity = o->verbosity < 1 ? 1 : 2; break;
	case ID_QUIET: o->verbosity = -1; break;
	case ID_NO_SKIP_DEAD: o->no_skip_dead = true; break;
	default: return false;
	}
	return true;
}

/* --- segments ---------------------------------------------------------------- */

static const char *probe_name_at(size_t i)
{
	return probe_table[i].name;
}

static int add_kind(struct parse *p, const struct probe *kind, struct err *e)
{
	struct scan_options *o = p->o;

	for (size_t i = 0; i < o->n_kinds; i++)
		if (o->kinds[i] == kind)
			return 0;
	if (o->n_kinds == PROBE_KINDS_MAX)
		return err_set(e, "%s: at most %d kinds of probes in one scan", p->said,
			       PROBE_KINDS_MAX);
	o->kinds[o->n_kinds++] = kind;
	return 0;
}

static int add_all_kinds(struct parse *p, struct err *e)
{
	for (size_t i = 0; i < probe_count; i++)
		if (add_kind(p, &probe_table[i], e) < 0)
			return -1;
	return 0;
}

static int take_probe(struct parse *p, const char *value, struct err *e)
{
	char item[40], known[160];
	int ret = 0;

	while (ret == 0 && option_item(&value, item, sizeof(item))) {
		const struct probe *kind = probe_find(item);
		struct text t = text_of(known, sizeof(known));

		option_put_names(&t, probe_count, probe_name_at);
		if (kind)
			ret = add_kind(p, kind, e);
		else if (strcmp(item, "all") == 0)
			ret = add_all_kinds(p, e);
		else
			ret = err_set(e, "%s '%s': no such probe; there are %s, all", p->said, item,
				      known);
	}
	return ret;
}

static int take_flags(struct parse *p, const char *value, struct err *e)
{
	struct probe *kind = &p->o->custom;
	uint16_t flags;

	if (p->custom)
		return err_set(e, "%s given twice: one scan has one kind of your own", p->said);
	if (probe_parse_flags(value, &flags) < 0)
		return err_set(
		    e, "%s %.80s: takes letters of SAFRPUEC (SYN ACK FIN RST PSH URG ECE CWR)",
		    p->said, value);
	p->custom = true;
	*kind = (struct probe){.name = "custom", .flags = flags, .help = "made by --flags"};
	kind->clause = rule_find(probe_class_of(flags), REACTION_NONE)->clause;
	return add_kind(p, kind, e);
}

/* The payload, of whatever of the three options it came. */
static int set_data(struct parse *p, const char *value, const uint8_t *data, size_t len,
		    struct err *e)
{
	struct scan_options *o = p->o;

	if (o->has_data)
		return err_set(
		    e, "%s: --data, --data-string and --data-file exclude each other; give one",
		    p->said);
	if (len > sizeof(o->data))
		return err_set(e, "%s %.40s: takes at most %zu octets", p->said, value,
			       sizeof(o->data));
	memcpy(o->data, data, len);
	o->has_data = true;
	o->data_len = (uint16_t)len;
	return 0;
}

static int take_data(struct parse *p, const char *value, struct err *e)
{
	uint8_t data[sizeof(p->o->data) + 1];
	size_t digits = strspn(value, "0123456789abcdefABCDEF"), len = 0;

	if (value[digits] || digits % 2)
		return err_set(e, "%s %.80s: takes pairs of hex digits such as 0d0a", p->said,
			       value);
	for (; len < sizeof(data) && 2 * len < digits; len++) {
		const char pair[3] = {value[2 * len], value[2 * len + 1], 0};

		data[len] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return set_data(p, value, data, len, e);
}

static int take_data_string(struct parse *p, const char *value, struct err *e)
{
	return set_data(p, value, (const uint8_t *)value, strlen(value), e);
}

static int take_data_file(struct parse *p, const char *value, struct err *e)
{
	uint8_t data[sizeof(p->o->data) + 1];
	FILE *f = fopen(value, "rb");
	size_t len;
	int ret;

	if (!f)
		return err_sys(e, errno, "%s %.80s: cannot open it", p->said, value);
	len = fread(data, 1, sizeof(data), f);
	ret = ferror(f) ? err_sys(e, errno, "%s %.80s: cannot read it", p->said, value)
			: set_data(p, value, data, len, e);
	fclose(f);
	return ret;
}

static int take_number(struct parse *p, const char *value, struct err *e)
{
	static const struct {
		uint64_t min, max;
	} bounds[IDS] = {
	    [ID_SEQ] = {0, UINT32_MAX},		[ID_ACK] = {0, UINT32_MAX},
	    [ID_WIN] = {0, UINT16_MAX},		[ID_TTL] = {1, UINT8_MAX},
	    [ID_SOURCE_PORT] = {1, UINT16_MAX}, [ID_SEED] = {0, UINT64_MAX},
	    [ID_THREADS] = {1, THREADS_MAX},
	};
	struct scan_options *o = p->o;
	uint64_t n;

	if (option_number(p->said, value, bounds[p->id].min, bounds[p->id].max, &n, e) < 0)
		return -1;
	switch (p->id) {
	case ID_SEQ:
		o->has_seq = true;
		o->seq = (uint32_t)n;
		break;
	case ID_ACK:
		o->has_ack = true;
		o->ack = (uint32_t)n;
		break;
	case ID_WIN:
		o->has_win = true;
		o->win = (uint16_t)n;
		break;
	case ID_SEED:
		o->has_seed = true;
		o->seed = n;
		break;
	case ID_TTL: o->ttl = (uint8_t)n; break;
	case ID_THREADS: o->threads = (unsigned)n; break;
	case ID_SOURCE_PORT: o->source_port = (uint16_t)n; break;
	default: assert(!"a number has its place");
	}
	return 0;
}

static int take_syn_options(struct parse *p, const char *value, struct err *e)
{
	if (syn_layout_parse(value, &p->o->syn_layout) < 0)
		return err_set(e, "%s %.80s: takes none, mss, linux or windows", p->said, value);
	return 0;
}

static int take_source(struct parse *p, const char *value, struct err *e)
{
	struct addr *a = &p->o->source;

	if (strchr(value, '%'))
		return err_set(e, "%s %.80s: takes the address alone; name the interface by -i",
			       p->said, value);
	if (addr_parse(value, a) < 0)
		return err_set(e, "%s %.80s: takes an address such as 192.0.2.1 or 2001:db8::1",
			       p->said, value);
	if (addr_is_multicast(a) || addr_is_unspecified(a) || addr_is_broadcast(a))
		return err_set(e, "%s %.80s: takes the address of one host", p->said, value);
	p->o->has_source = true;
	return 0;
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

static int take_rate(struct parse *p, const char *value, struct err *e)
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

static int take_retries(struct parse *p, const char *value, struct err *e)
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

static int take_time(struct parse *p, const char *value, struct err *e)
{
	uint64_t *slot = p->id == ID_TIMEOUT	? &p->o->timeout_ns
			 : p->id == ID_DEADLINE ? &p->o->deadline_ns
						: &p->o->stats_every_ns;

	return option_duration(p->said, value, slot, e);
}

/* "2/4" */
static int take_shard(struct parse *p, const char *value, struct err *e)
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

static int take_tx(struct parse *p, const char *value, struct err *e)
{
	static const char *const words[] = {
	    [TX_AUTO] = "auto", [TX_RAW] = "raw", [TX_PACKET] = "packet", [TX_XDP] = "xdp"};
	int tx;

	if (option_choice(p->said, value, words, 4, &tx, e) < 0)
		return -1;
	p->o->tx = (enum tx)tx;
	return 0;
}

/* --- output ------------------------------------------------------------------ */

static const char *state_name_at(size_t i)
{
	return state_name((enum port_state)i);
}

static int take_states(struct parse *p, const char *value, struct err *e)
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

static int take_format(struct parse *p, const char *value, struct err *e)
{
	return outputs_take_format(&p->o->out, p->said, value, false, e);
}

static int take_color(struct parse *p, const char *value, struct err *e)
{
	return outputs_take_color(&p->o->out, p->said, value, e);
}

static int take_output(struct parse *p, const char *value, struct err *e)
{
	return outputs_take_file(&p->o->out, p->said, value, e);
}

static int take_output_json(struct parse *p, const char *value, struct err *e)
{
	return outputs_take_json(&p->o->out, value, e);
}

/* --- the whole --------------------------------------------------------------- */

static int (*const takers[IDS])(struct parse *p, const char *value,
				struct err *e) = {[ID_PORTS] = take_list,
						  [ID_TARGETS] = take_file,
						  [ID_EXCLUDE] = take_list,
						  [ID_EXCLUDE_FILE] = take_file,
						  [ID_FAMILY] = take_family,
						  [ID_PROBE] = take_probe,
						  [ID_FLAGS] = take_flags,
						  [ID_SEQ] = take_number,
						  [ID_ACK] = take_number,
						  [ID_WIN] = take_number,
						  [ID_DATA] = take_data,
						  [ID_DATA_STRING] = take_data_string,
						  [ID_DATA_FILE] = take_data_file,
						  [ID_SYN_OPTIONS] = take_syn_options,
						  [ID_INTERFACE] = take_interface,
						  [ID_SOURCE] = take_source,
						  [ID_SOURCE_PORT] = take_number,
						  [ID_TTL] = take_number,
						  [ID_RATE] = take_rate,
						  [ID_RETRIES] = take_retries,
						  [ID_TIMEOUT] = take_time,
						  [ID_DEADLINE] = take_time,
						  [ID_SEED] = take_number,
						  [ID_SHARD] = take_shard,
						  [ID_RESUME] = take_resume,
						  [ID_THREADS] = take_number,
						  [ID_TX] = take_tx,
						  [ID_EXPECT] = take_states,
						  [ID_SHOW] = take_states,
						  [ID_FORMAT] = take_format,
						  [ID_OUTPUT] = take_output,
						  [ID_OUTPUT_JSON] = take_output_json,
						  [ID_WRITE_PCAP] = take_write_pcap,
						  [ID_COLOR] = take_color,
						  [ID_STATS_EVERY] = take_time};

/* The payload is that of the custom kind, and of the kinds that have one by themselves. */
static int settle_data(struct parse *p, struct err *e)
{
	struct scan_options *o = p->o;
	bool used = p->custom || !o->has_data;

	o->custom.payload_len = o->data_len;
	for (size_t i = 0; i < o->n_kinds; i++)
		used |= o->kinds[i]->payload_len > 0;
	if (!used)
		return err_set(e,
			       "no kind of probe here carries the payload given: add --flags, or "
			       "--probe data, syn-data or null-data");
	return 0;
}

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* What no single option can see. */
static int settle(struct parse *p, struct err *e)
{
	struct scan_options *o = p->o;

	if (o->n_targets == 0 && !o->targets_file)
		return err_set(e,
			       "%s: no targets; name a host, an address or a network "
			       "(rstprobe %s --help)",
			       p->table->command, p->table->command);
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
	if (o->family && o->has_source && o->source.family != o->family)
		return err_set(e, "the source address is not IPv%d, which -%d asks for", o->family,
			       o->family);
	if (o->n_kinds == 0)
		o->kinds[o->n_kinds++] = probe_find("syn");
	o->out.old = o->resume;
	if (!o->threads)
		o->threads = cores();
	if (!o->show || o->show_all)
		o->show = (UINT32_C(1) << PORT_STATES) - 1;
	return settle_data(p, e) < 0 ? -1 : outputs_settle(&o->out, o->write_pcap, e);
}

int scan_options_parse(struct scan_options *o, const struct option_table *table, int argc,
		       char **argv, struct err *e)
{
	struct parse p = {.o = o, .table = table};
	struct option_walk w;
	const char *value;
	int id, ret = 0;

	*o = (struct scan_options){
	    .syn_layout = SYN_LAYOUT_LINUX,
	    .retries = -1,
	    .timeout_ns = UINT64_C(1000000000),
	    .shard = 1,
	    .shards = 1,
	    .stack = table == &stack_table,
	};
	o->targets = calloc((size_t)argc, sizeof(*o->targets));
	if (!o->targets)
		return err_sys(e, errno, "%s: cannot keep %d words", table->command, argc);
	option_begin(&w, table, argc, argv);
	p.said = w.said;
	while (ret == 0 && (id = option_next(&w, &value, e)) != OPTION_END) {
		if (id == OPTION_BAD) {
			ret = -1;
		} else if (id == OPTION_WORD) {
			o->targets[o->n_targets++] = value;
		} else if (id == ID_HELP) {
			option_help(stdout, table);
			ret = 1;
		} else if (!set_flag(o, id)) {
			p.id = id;
			ret = takers[id](&p, value, e);
		}
	}
	if (ret == 0)
		ret = settle(&p, e);
	if (ret != 0)
		scan_options_free(o);
	return ret;
}

void scan_options_free(struct scan_options *o)
{
	free(o->targets);
	o->targets = NULL;
	o->n_targets = 0;
}
