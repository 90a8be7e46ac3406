/*
 * diff_read: one small function a type of record. A run counts as complete by its summary alone;
 * which runs are parts of one sweep, and whether all of them are there, is diff_parts'.
 */
#include "cmd/diff_read.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "cmd/diff_parts.h"
#include "cmd/journal.h"

enum { WORD_CAP = 256 };

struct reader {
	struct journal journal;
	struct changes *c;
	size_t side;
	struct diff_source *out;
	bool begun; /* a run is open */
	bool ended; /* its summary was there */
	struct changes_end end;
	struct diff_parts parts;
	struct diff_sweep *sweep; /* of which the run is one; NULL: of none */
	uint64_t shard;
	struct port_span *spans;
	size_t n_spans, cap_spans;
};

/* A message of changes or ours, with its place. */
static int bad(struct reader *r, const struct err *why, struct err *e)
{
	struct err copy = *why;

	return journal_bad(&r->journal, copy.msg, e);
}

/* A member without what a terminal would take for a command; NULL where it is no text. */
static const char *take_word(json_object *o, const char *key, char buf[WORD_CAP])
{
	const char *s = member_text(o, key);
	size_t len = 0;

	while (s && *s) {
		size_t n = utf8_len(s);
		bool good = n && !utf8_is_control(s);

		if (len + 4 >= WORD_CAP)
			break;
		if (good)
			memcpy(buf + len, s, n);
		else
			buf[len] = '?';
		len += good ? n : 1;
		s += n ? n : 1;
	}
	buf[len] = '\0';
	return s ? buf : NULL;
}

/* --- ports ------------------------------------------------------------------------------------ */

static bool add_span(struct reader *r, struct port_span x)
{
	if (!array_grow(&r->spans, r->n_spans, &r->cap_spans, sizeof(*r->spans)))
		return false;
	r->spans[r->n_spans++] = x;
	return true;
}

static int read_spans(struct reader *r, const char *list, struct err *e)
{
	struct port_span x;
	int rc = list ? 1 : -1;

	r->n_spans = 0;
	while (rc > 0 && (rc = port_span_next(&list, &x)) > 0)
		if (!add_span(r, x))
			return err_set(e, "out of memory for a list of ports");
	return rc < 0 ? journal_bad(&r->journal, "no list of ports", e) : 0;
}

/* "port" or "ports" of a record; 1: it has neither. */
static int take_spans(struct reader *r, json_object *o, struct err *e)
{
	uint64_t port;

	r->n_spans = 0;
	if (json_object_object_get_ex(o, "ports", NULL))
		return read_spans(r, member_text(o, "ports"), e);
	if (!json_object_object_get_ex(o, "port", NULL))
		return 1;
	if (!member_u64(o, "port", &port) || port > UINT16_MAX)
		return journal_bad(&r->journal, "no port of TCP", e);
	return add_span(r, (struct port_span){(uint16_t)port, (uint16_t)port})
		   ? 0
		   : err_set(e, "out of memory for a list of ports");
}

/* --- hosts ------------------------------------------------------------------------------------ */

static int take_host(struct reader *r, json_object *o, uint32_t *host, struct err *e)
{
	char addr[WORD_CAP], name[WORD_CAP];
	struct err why;

	if (!take_word(o, "addr", addr))
		return journal_bad(&r->journal, "a record without an address", e);
	if (changes_host(r->c, addr, take_word(o, "name", name), host, &why) < 0)
		return bad(r, &why, e);
	return 0;
}

static int add_ports(struct reader *r, json_object *o, uint32_t host, struct err *e)
{
	const char *word = member_text(o, "state"), *reason;
	char buf[WORD_CAP];
	enum port_state state;
	struct err why;

	if (!word || state_parse(word, &state) < 0)
		return journal_bad(&r->journal, "a port in no known state", e);
	if (json_object_object_get_ex(o, "other", NULL))
		state = STATE_INDETERMINATE; /* an audit that saw two faces */
	reason = take_word(o, "reason", buf);
	for (size_t i = 0; i < r->n_spans; i++)
		if (changes_ports(r->c, r->side, host, r->spans[i], state, reason, &why) < 0)
			return bad(r, &why, e);
	return 0;
}

static void add_style(struct reader *r, json_object *o, uint32_t host, enum style_method by)
{
	const char *word = member_text(o, "style");

	for (int s = STYLE_RST; word && s <= STYLE_MIXED; s++)
		if (strcmp(word, style_name((enum reset_style)s)) == 0)
			changes_style(r->c, r->side, host, by, (enum reset_style)s);
}

static int take_ports(struct reader *r, json_object *o, struct err *e)
{
	uint32_t host;
	int rc = take_spans(r, o, e);

	if (rc > 0)
		return journal_bad(&r->journal, "a record without a port", e);
	if (rc < 0 || take_host(r, o, &host, e) < 0)
		return -1;
	return add_ports(r, o, host, e);
}

static int take_host_record(struct reader *r, json_object *o, struct err *e)
{
	uint32_t host;
	struct err why;

	if (take_host(r, o, &host, e) < 0)
		return -1;
	if (changes_up(r->c, r->side, host, member_is(o, "up"), member_text(o, "reason"), &why) < 0)
		return bad(r, &why, e);
	add_style(r, o, host, STYLE_BY_SCAN);
	return 0;
}

static int take_stack(struct reader *r, json_object *o, struct err *e)
{
	uint32_t host;

	if (take_host(r, o, &host, e) < 0)
		return -1;
	add_style(r, o, host, STYLE_BY_STACK);
	return 0;
}

/* A check of a name that has no address was of nothing; one without a state, of the host. */
static int take_check(struct reader *r, json_object *o, struct err *e)
{
	uint32_t host;
	int rc;

	if (!member_text(o, "addr"))
		return 0;
	if (take_host(r, o, &host, e) < 0)
		return -1;
	add_style(r, o, host, STYLE_BY_AUDIT);
	rc = member_text(o, "state") ? take_spans(r, o, e) : 1;
	return rc == 0 ? add_ports(r, o, host, e) : rc > 0 ? 0 : -1;
}

/* --- what was asked --------------------------------------------------------------------------- */

static int take_covers(struct reader *r, json_object *o, struct err *e)
{
	char first[WORD_CAP], last[WORD_CAP];
	struct addr a, b;
	struct err why;

	if (member_is(o, "truncated")) {
		r->out->vague = true;
		return 0;
	}
	if (!take_word(o, "first", first) || !take_word(o, "last", last))
		return journal_bad(&r->journal, "a span without its addresses", e);
	if (read_spans(r, member_text(o, "ports"), e) < 0)
		return -1;
	if (changes_addr(r->c, first, &a, &why) < 0 || changes_addr(r->c, last, &b, &why) < 0 ||
	    changes_cover(r->c, r->side, &a, &b, r->spans, r->n_spans, &why) < 0)
		return bad(r, &why, e);
	return 0;
}

static void take_window(struct reader *r, json_object *o)
{
	json_object *probes = json_object_object_get(o, "probes");

	if (!r->out->probes[0] && json_object_is_type(probes, json_type_array))
		snprintf(r->out->probes, sizeof(r->out->probes), "%s",
			 json_object_to_json_string_ext(probes, JSON_C_TO_STRING_PLAIN));
}

static void take_summary(struct reader *r, json_object *o)
{
	uint64_t skipped = 0;

	r->ended = true;
	r->end.complete = member_is(o, "complete");
	member_u64(o, "skipped", &skipped);
	r->end.skipped = skipped > 0;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Every scan is a part of its sweep, if only the first of one. */
static int begin_part(struct reader *r, json_object *o, struct err *e)
{
	const char *space = member_text(o, "space");
	uint64_t shards = 1;

	r->shard = 1;
	r->sweep = NULL;
	if (!space)
		return 0;
	if (member_u64(o, "shards", &shards) && !member_u64(o, "shard", &r->shard))
		r->shard = 0;
	if (r->shard < 1 || r->shard > shards)
		return journal_bad(&r->journal, "no such shard", e);
	r->sweep = diff_parts_sweep(&r->parts, space, shards);
	r->end.part = shards > 1;
	return r->sweep ? 0 : err_set(e, "out of memory for shards");
}

static void begin_run(struct reader *r)
{
	uint32_t goes_on = r->end.part ? r->sweep->number : 0;
	uint32_t number = changes_begin(r->c, r->side, goes_on);

	if (r->end.part)
		r->sweep->number = number;
	r->begun = true;
	r->ended = false;
}

/* What a sweep's parts left out is known where all of them are there, and in no other way. */
static int end_part(struct reader *r, struct err *e)
{
	enum part_end how = r->ended ? r->end.complete ? PART_WHOLE : PART_EARLY : PART_CUT;

	if (!diff_parts_note(r->sweep, r->shard, how, &r->end))
		return err_set(e, "out of memory for shards");
	return 0;
}

static int end_run(struct reader *r, struct err *e)
{
	if (!r->begun)
		return 0;
	r->begun = false;
	if (r->sweep) {
		if (end_part(r, e) < 0)
			return -1;
	} else {
		r->out->complete &= r->ended && r->end.complete;
		r->out->unended = !r->ended;
	}
	return changes_end(r->c, r->side, &r->end, e);
}

static uint32_t read_shown(json_object *o)
{
	json_object *shown = json_object_object_get(o, "shown");
	uint32_t bits = 0;

	if (!json_object_is_type(shown, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(shown); i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(shown, i));
		enum port_state state;

		if (word && state_parse(word, &state) == 0)
			bits |= 1U << state;
	}
	return bits;
}

static int take_run(struct reader *r, json_object *o, struct err *e)
{
	static const char *const comparable[] = {"scan", "stack", "audit"};
	const char *tool = member_text(o, "tool"), *command = member_text(o, "command");
	const char *started = member_text(o, "started");
	char why[120];
	size_t i = 0;

	if (!tool || strcmp(tool, "rstprobe") != 0 || !command)
		return journal_bad(&r->journal, "no run record of rstprobe", e);
	while (i < 3 && strcmp(command, comparable[i]) != 0)
		i++;
	if (i == 3) {
		snprintf(why, sizeof(why),
			 "a result of %.20s: diff compares those of scan, stack and audit",
			 command);
		return journal_bad(&r->journal, why, e);
	}
	if (end_run(r, e) < 0)
		return -1;
	r->end = (struct changes_end){.shown = read_shown(o)};
	if (started && strspn(started, "0123456789-:.TZ") == strlen(started))
		snprintf(r->out->started, sizeof(r->out->started), "%s", started);
	if (begin_part(r, o, e) < 0)
		return -1;
	begin_run(r);
	return 0;
}

static int take(struct reader *r, json_object *o, struct err *e)
{
	if (!r->begun && r->journal.type != JOURNAL_RUN)
		return journal_bad(&r->journal, "a result begins with a run record", e);
	switch (r->journal.type) {
	case JOURNAL_RUN: return take_run(r, o, e);
	case JOURNAL_COVERS: return take_covers(r, o, e);
	case JOURNAL_PORT:
	case JOURNAL_PORTS: return take_ports(r, o, e);
	case JOURNAL_HOST: return take_host_record(r, o, e);
	case JOURNAL_STACK: return take_stack(r, o, e);
	case JOURNAL_CHECK: return take_check(r, o, e);
	case JOURNAL_WINDOW: take_window(r, o); return 0;
	case JOURNAL_SUMMARY: take_summary(r, o); return 0;
	case JOURNAL_OTHER: break;
	}
	return 0;
}

static int read_all(struct reader *r, struct err *e)
{
	bool any = false;
	int rc;

	while ((rc = journal_next(&r->journal, e)) > 0) {
		json_object *o = journal_parse(&r->journal, e);

		rc = o ? take(r, o, e) : -1;
		json_object_put(o);
		if (rc < 0)
			return -1;
		any = true;
	}
	if (rc < 0)
		return -1;
	r->out->cut |= r->journal.cut;
	if (!any)
		return err_set(e, "%.150s: empty: no result stands there", r->journal.name);
	return end_run(r, e);
}

static void settle(struct reader *r)
{
	struct diff_missing *m = &r->out->missing;

	diff_parts_missing(&r->parts, m);
	r->out->complete &= m->complete;
	r->out->unended |= m->cut || m->shards;
	diff_parts_free(&r->parts);
	free(r->spans);
}

static int read_file(struct reader *r, FILE *f, const char *name, struct err *e)
{
	int rc = journal_of(&r->journal, f, name, e);

	if (rc == 0)
		rc = read_all(r, e);
	journal_close(&r->journal);
	return rc;
}

/* Takes the file. A FIFO has no end before somebody has begun to write. */
static int read_held(struct reader *r, struct diff_files *files, size_t i, struct err *e)
{
	const char *path = files->v[i];
	FILE *f = files->in[i];
	struct pollfd begun = {.fd = fileno(f), .events = POLLIN};

	files->in[i] = NULL;
	poll(&begun, 1, -1);
	return read_file(r, f, strcmp(path, "-") == 0 ? "stdin" : path, e);
}

int diff_read_of(struct changes *c, size_t side, FILE *f, const char *name, struct diff_source *out,
		 struct err *e)
{
	struct reader r = {.c = c, .side = side, .out = out};
	int rc;

	*out = (struct diff_source){.complete = true};
	rc = read_file(&r, f, name, e);
	settle(&r);
	return rc;
}

int diff_read(struct changes *c, size_t side, struct diff_files *files, struct diff_source *out,
	      struct err *e)
{
	struct reader r = {.c = c, .side = side, .out = out};
	int rc = 0;

	*out = (struct diff_source){.complete = true};
	for (size_t i = 0; i < files->n && rc == 0; i++)
		rc = read_held(&r, files, i, e);
	settle(&r);
	return rc;
}
