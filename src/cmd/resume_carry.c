/*
 * resume_carry: the new result is whole by itself: what stays true of the old one stands in it too,
 * line for line. Of a window that was not complete only the answers stay: its silence, and the
 * counts of its hosts, are this run's to find.
 */
#include <inttypes.h>
#include <string.h>

#include "base/room.h"
#include "cmd/resume_private.h"
#include "engine/ports.h"

/* --- lines ------------------------------------------------------------------------------------ */

static void carry_line(const struct resume *r, struct report *to)
{
	if (to->carry)
		to->carry(to, r->journal.text, r->journal.len);
}

static bool port_stays(const struct resume *r, json_object *o, const struct named *who)
{
	uint64_t port = 0, index = 0;
	size_t at;

	if (!member_u64(o, "port", &port) ||
	    !space_find(r->scan.space, &who->addr, (uint16_t)port, &index, NULL))
		return false;
	at = resume_ports_from(r, index);
	return at < r->n_ports && r->ports[at] >> RANK_BITS == index;
}

/* Counts of the host's ports that are known outside of the complete windows. */
static uint64_t count_known(const struct resume *r, uint64_t host, uint64_t counts[PORT_STATES])
{
	const struct span *span = space_span_of_host(r->scan.space, host);
	uint64_t first = space_host_index(r->scan.space, host);
	uint64_t end = first + ports_count(span->ports), n = 0;

	for (size_t i = resume_ports_from(r, first); i < r->n_ports; i++) {
		uint64_t index = r->ports[i] >> RANK_BITS;

		if (index >= end)
			break;
		if (resume_place_known(r, index))
			continue;
		counts[resume_state_of((enum rank)(r->ports[i] & ((1U << RANK_BITS) - 1)))]++;
		n++;
	}
	return n;
}

/* The host's record with the counts of what stays, once. */
static int carry_host(struct resume *r, json_object *o, struct known_host *host, struct report *to,
		      struct err *e)
{
	uint64_t counts[PORT_STATES] = {0};
	json_object *now;
	const char *text;

	if (!host || host->carried || !count_known(r, host->number, counts))
		return 0;
	host->carried = true;
	if (!room_at_hand()) /* json-c aborts without */
		return err_set(e, "out of memory");
	now = json_object_new_object();
	for (int s = 0; s < PORT_STATES; s++)
		if (counts[s])
			json_object_object_add(now, state_name((enum port_state)s),
					       json_object_new_int64((int64_t)counts[s]));
	json_object_object_add(o, "counts", now);
	json_object_object_del(o, "given_up");
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						     JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return err_set(e, "out of memory");
	if (to->carry) {
		to->carry(to, text, strlen(text));
		to->carry(to, "\n", 1);
	}
	return 0;
}

/* A host of which a killed run had told open ports, and nothing else yet. NULL: no memory. */
static json_object *new_host(const struct resume *r, const struct known_host *host)
{
	struct addr a = space_host_addr(r->scan.space, host->number);
	const char *name = space_span_of_host(r->scan.space, host->number)->name;
	json_object *o = room_at_hand() ? json_object_new_object() : NULL;
	char text[ADDR_TEXT], zone[16];

	if (!o)
		return NULL;
	addr_format_zone(&a, a.zone && r->scan.zone_name ? r->scan.zone_name(a.zone, zone) : NULL,
			 text);
	json_object_object_add(o, "type", json_object_new_string("host"));
	json_object_object_add(o, "addr", json_object_new_string(text));
	if (name)
		json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "up", json_object_new_boolean(true));
	json_object_object_add(o, "counts", NULL); /* its place */
	json_object_object_add(o, "style", json_object_new_string("unknown"));
	json_object_object_add(o, "family", json_object_new_string("unknown"));
	json_object_object_add(o, "confidence", json_object_new_string("low"));
	return o;
}

static int carry_untold_hosts(struct resume *r, struct report *to, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n_hosts; i++) {
		struct known_host *host = &r->hosts[i];
		json_object *o;

		if (host->carried || !host->up)
			continue;
		o = new_host(r, host);
		rc = o ? carry_host(r, o, host, to, e) : err_set(e, "out of memory");
		json_object_put(o);
	}
	return rc;
}

/* A record of a window that was not complete. */
static int carry_parsed(struct resume *r, json_object *o, struct report *to, struct err *e)
{
	struct named who = {0};
	struct told t;

	if (r->journal.type == JOURNAL_WINDOW)
		return 0;
	if (resume_find_host(r, o, &who, e) < 0)
		return -1;
	if (r->journal.type == JOURNAL_HOST)
		return carry_host(r, o, resume_host(r, who.host), to, e);
	if (resume_rank(r, o, &t, e) < 0)
		return -1;
	if (r->journal.type == JOURNAL_PORT ? port_stays(r, o, &who) : t.answered)
		carry_line(r, to);
	return 0;
}

int resume_carry(struct resume *r, struct report *to, struct err *e)
{
	int rc;

	journal_rewind(&r->journal);
	while ((rc = journal_next(&r->journal, e)) > 0) {
		json_object *o;

		if (r->journal.type == JOURNAL_OTHER || r->journal.type == JOURNAL_RUN ||
		    r->journal.type > JOURNAL_WINDOW)
			continue;
		if (resume_in_complete(r)) {
			carry_line(r, to);
			continue;
		}
		o = journal_parse(&r->journal, e);
		rc = o ? carry_parsed(r, o, to, e) : -1;
		json_object_put(o);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = carry_untold_hosts(r, to, e);
	journal_close(&r->journal);
	return rc;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static uint64_t known_ports(const struct resume *r)
{
	uint64_t n = r->silent;

	for (int s = 0; s < PORT_STATES; s++)
		n += r->counts[s];
	return n;
}

void resume_say(const struct resume *r, char *buf, size_t cap)
{
	snprintf(buf, cap, "%" PRIu64 " ports known from %.200s", known_ports(r), r->name);
}

void resume_add(const struct resume *r, struct summary_record *sum)
{
	for (int s = 0; s < PORT_STATES; s++)
		sum->counts[s] += r->counts[s];
	for (size_t i = 0; i < r->n_hosts; i++)
		sum->hosts_up += r->hosts[i].up && !r->hosts[i].again;
	sum->silent += r->silent;
	sum->skipped += r->skipped;
	sum->known = known_ports(r);
}

/* --- hosts that are up in both runs count once ------------------------------------------------ */

static void watch_open_found(void *ctx, const struct port_record *p)
{
	const struct resume *r = ctx;

	if (r->to->open_found)
		r->to->open_found(r->to->ctx, p);
}

static void watch_host_begin(void *ctx, const struct host_record *h)
{
	const struct resume *r = ctx;

	if (r->to->host_begin)
		r->to->host_begin(r->to->ctx, h);
}

static void watch_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	const struct resume *r = ctx;

	if (r->to->port)
		r->to->port(r->to->ctx, h, p);
}

static void watch_host_end(void *ctx, const struct host_record *h)
{
	const struct resume *r = ctx;
	struct known_host *host;
	uint64_t number;

	if (h->up && space_find_host(r->scan.space, h->addr, &number)) {
		host = resume_host(r, number);
		if (host)
			host->again = true;
	}
	if (r->to->host_end)
		r->to->host_end(r->to->ctx, h);
}

static void watch_window(void *ctx, const struct window_record *w)
{
	const struct resume *r = ctx;

	if (r->to->window)
		r->to->window(r->to->ctx, w);
}

static void watch_progress(void *ctx, const struct progress *p, bool asked)
{
	const struct resume *r = ctx;

	if (r->to->progress)
		r->to->progress(r->to->ctx, p, asked);
}

static void watch_note(void *ctx, const char *text)
{
	const struct resume *r = ctx;

	if (r->to->note)
		r->to->note(r->to->ctx, text);
}

const struct record_sink *resume_watch(struct resume *r, const struct record_sink *to)
{
	r->to = to;
	r->sink = (struct record_sink){
	    .ctx = r,
	    .open_found = watch_open_found,
	    .host_begin = watch_host_begin,
	    .port = watch_port,
	    .host_end = watch_host_end,
	    .window = watch_window,
	    .progress = watch_progress,
	    .note = watch_note,
	};
	return &r->sink;
}
