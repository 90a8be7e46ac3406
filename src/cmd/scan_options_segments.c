/*
 * scan_options_segments: the values that say what a segment carries: its kind, numbers, options,
 * payload, source. It reads --data-file and opens nothing else.
 */
#include "cmd/scan_options_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/rule.h"

static const char *probe_name_at(size_t i)
{
	return probe_table[i].name;
}

static int add_kind(struct scan_parse *p, const struct probe *kind, struct err *e)
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

static int add_all_kinds(struct scan_parse *p, struct err *e)
{
	for (size_t i = 0; i < probe_count; i++)
		if (add_kind(p, &probe_table[i], e) < 0)
			return -1;
	return 0;
}

int scan_take_probe(struct scan_parse *p, const char *value, struct err *e)
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

int scan_take_flags(struct scan_parse *p, const char *value, struct err *e)
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
static int set_data(struct scan_parse *p, const char *value, const uint8_t *data, size_t len,
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

int scan_take_data(struct scan_parse *p, const char *value, struct err *e)
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

int scan_take_data_string(struct scan_parse *p, const char *value, struct err *e)
{
	return set_data(p, value, (const uint8_t *)value, strlen(value), e);
}

int scan_take_data_file(struct scan_parse *p, const char *value, struct err *e)
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

int scan_take_number(struct scan_parse *p, const char *value, struct err *e)
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

int scan_take_syn_options(struct scan_parse *p, const char *value, struct err *e)
{
	if (syn_layout_parse(value, &p->o->syn_layout) < 0)
		return err_set(e, "%s %.80s: takes none, mss, linux or windows", p->said, value);
	return 0;
}

int scan_take_source(struct scan_parse *p, const char *value, struct err *e)
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

/* The payload is that of the custom kind, and of the kinds that have one by themselves. */
int scan_settle_data(struct scan_parse *p, struct err *e)
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
