/*
 * resume: which places and ports need nothing more. A complete window needs nothing at all; outside
 * of these a port is known where every kind of probe has had its answer. Silence outside of a
 * complete window is not known: it may have been asked once, or never.
 */
#include "cmd/resume.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/array.h"
#include "base/span.h"
#include "cmd/resume_private.h"
#include "engine/ports.h"

/* --- the same scan ---------------------------------------------------------------------------- */

static void hash_u64(crypto_generichash_state *h, uint64_t v)
{
	uint8_t b[8];

	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(v >> 8 * i);
	crypto_generichash_update(h, b, sizeof(b));
}

static uint64_t ports_digest(const struct ports *p)
{
	uint64_t h = 14695981039346656037U;

	for (uint32_t i = 0; i < ports_count(p); i++)
		h = (h ^ ports_at(p, i)) * 1099511628211U;
	return h;
}

/* Spans may be cut by paths, which are this hour's: neighbours of the same ports are one. */
static void hash_spans(crypto_generichash_state *h, const struct space *s)
{
	const struct ports *ports = NULL;
	uint64_t digest = 0;

	for (size_t i = 0, next; i < s->n; i = next) {
		const struct span *x = &s->spans[i];
		uint64_t count = x->count;

		for (next = i + 1; next < s->n; next++) {
			const struct span *y = &s->spans[next];

			if (y->ports != x->ports || y->first.family != x->first.family ||
			    y->first.zone != x->first.zone ||
			    addr_diff(&x->first, &y->first) != count)
				break;
			count += y->count;
		}
		if (x->ports != ports)
			digest = ports_digest(x->ports);
		ports = x->ports;
		crypto_generichash_update(h, x->first.b, sizeof(x->first.b));
		hash_u64(h, count);
		hash_u64(h, digest);
	}
}

void resume_digest(const struct space *s, uint64_t seed, bool in_order, char text[40])
{
	enum { SAMPLES = 4 };
	crypto_generichash_state h;
	struct permute p;
	uint8_t sum[16];

	permute_init(&p, s->total, seed, in_order);
	crypto_generichash_init(&h, NULL, 0, sizeof(sum));
	hash_spans(&h, s);
	/* not the seed alone: a version with another permutation has other windows */
	for (uint64_t i = 0; i < SAMPLES && i < s->total; i++)
		hash_u64(&h, permute_at(&p, s->total - 1 - i));
	hash_u64(&h, seed);
	crypto_generichash_final(&h, sum, sizeof(sum));
	sodium_bin2hex(text, 40, sum, sizeof(sum));
}

static int check(const struct resume *r, struct err *e)
{
	if (strcmp(r->space, r->scan.digest) == 0)
		return 0;
	return err_set(e,
		       "%.80s: the same words name other targets now (%" PRIu64 " hosts, %" PRIu64
		       " ports in all; then %" PRIu64 " and %" PRIu64
		       "): a name, a file or a route has changed; begin a new scan",
		       r->name, r->scan.space->hosts, r->scan.space->total, r->hosts_then,
		       r->indices_then);
}

/* --- windows ---------------------------------------------------------------------------------- */

static bool same_kinds(const struct resume *r, json_object *o)
{
	json_object *probes = json_object_object_get(o, "probes");

	if (!json_object_is_type(probes, json_type_array) ||
	    json_object_array_length(probes) != r->scan.n_kinds)
		return false;
	for (size_t i = 0; i < r->scan.n_kinds; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(probes, i));

		if (!name || strcmp(name, r->scan.kinds[i]->name) != 0)
			return false;
	}
	return true;
}

static int add_window(struct resume *r, json_object *o, struct err *e)
{
	struct known_window w = {.line = r->journal.line, .complete = member_is(o, "complete")};

	if (!member_u64(o, "first", &w.at.first) || !member_u64(o, "last", &w.at.last) ||
	    w.at.first > w.at.last || w.at.last >= r->scan.space->total)
		return journal_bad(&r->journal, "a window of no such scan", e);
	if (!same_kinds(r, o))
		return journal_bad(&r->journal, "a window of other probes", e);
	if (!array_grow(&r->windows, r->n_windows, &r->cap_windows, sizeof(*r->windows)))
		return err_set(e, "out of memory");
	r->windows[r->n_windows++] = w;
	return 0;
}

static int range_cmp(const void *a, const void *b)
{
	const struct place_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int join_windows(struct resume *r, struct err *e)
{
	size_t n = 0, kept = 0;

	r->ranges = calloc(r->n_windows + 1, sizeof(*r->ranges));
	if (!r->ranges)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < r->n_windows; i++)
		if (r->windows[i].complete)
			r->ranges[n++] = r->windows[i].at;
	if (n)
		qsort(r->ranges, n, sizeof(*r->ranges), range_cmp);
	for (size_t i = 0; i < n; i++) {
		struct place_range *last = kept ? &r->ranges[kept - 1] : NULL;

		if (!last || r->ranges[i].first > last->last + 1)
			r->ranges[kept++] = r->ranges[i];
		else if (r->ranges[i].last > last->last)
			last->last = r->ranges[i].last;
	}
	r->n_ranges = kept;
	for (size_t i = 0; i < kept; i++)
		r->silent += r->ranges[i].last - r->ranges[i].first + 1;
	return 0;
}

static int read_windows(struct resume *r, struct err *e)
{
	int rc;

	journal_rewind(&r->journal);
	while ((rc = journal_next(&r->journal, e)) > 0) {
		json_object *o;

		if (r->journal.type == JOURNAL_RUN && r->journal.line > 1)
			return journal_bad(&r->journal,
					   "another run begins here: resume from the result of one",
					   e);
		if (r->journal.type != JOURNAL_WINDOW)
			continue;
		o = journal_parse(&r->journal, e);
		rc = o ? add_window(r, o, e) : -1;
		json_object_put(o);
		if (rc < 0)
			return -1;
	}
	return rc < 0 ? -1 : join_windows(r, e);
}

bool resume_place_known(const struct resume *r, uint64_t index)
{
	uint64_t place = permute_inverse(&r->perm, index);
	const struct place_range *v = r->ranges;
	size_t n = r->n_ranges;

	if (!n)
		return false;
	while (n > 1) {
		size_t half = n / 2;

		if (v[half].first <= place)
			v += half;
		n -= half;
	}
	return v->first <= place && place <= v->last;
}

bool resume_in_complete(const struct resume *r)
{
	size_t lo = 0, hi = r->n_windows;

	while (lo < hi) { /* the first window at or behind this line */
		size_t mid = lo + (hi - lo) / 2;

		if (r->windows[mid].line < r->journal.line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n_windows && r->windows[lo].complete;
}

/* --- ports ------------------------------------------------------------------------------------ */

static const enum port_state states[RANKS] = {
    [RANK_DOUBT] = STATE_INDETERMINATE,	  [RANK_INCONSISTENT] = STATE_INCONSISTENT,
    [RANK_SUSPECT] = STATE_SUSPECT,	  [RANK_OPEN] = STATE_OPEN,
    [RANK_CLOSED] = STATE_CLOSED,	  [RANK_REJECTED] = STATE_REJECTED,
    [RANK_UNFILTERED] = STATE_UNFILTERED, [RANK_OPEN_FILTERED] = STATE_OPEN_FILTERED,
    [RANK_FILTERED] = STATE_FILTERED,	  [RANK_INDETERMINATE] = STATE_INDETERMINATE,
    [RANK_SKIPPED] = STATE_NOT_PROBED,	  [RANK_NOT_PROBED] = STATE_NOT_PROBED,
};

enum port_state resume_state_of(enum rank rank)
{
	return states[rank];
}

/* Did every kind draw an answer? A `ports` record does not say; with one kind its state does. */
static bool all_answered(const struct resume *r, json_object *o)
{
	json_object *probes = json_object_object_get(o, "probes");

	if (!probes)
		return r->scan.n_kinds == 1;
	for (size_t i = 0; i < r->scan.n_kinds; i++) {
		const char *saw = member_text(probes, r->scan.kinds[i]->name);

		if (!saw || strcmp(saw, "none") == 0)
			return false;
	}
	return true;
}

int resume_rank(const struct resume *r, json_object *o, struct told *out, struct err *e)
{
	const char *word = member_text(o, "state"), *reason = member_text(o, "reason");
	bool weak = member_is(o, "weak");
	enum port_state state;
	int i = RANK_INCONSISTENT;

	if (!word || state_parse(word, &state) < 0)
		return journal_bad(&r->journal, "a port in no known state", e);
	while (states[i] != state)
		i++;
	if (state == STATE_NOT_PROBED && !(reason && strcmp(reason, "host-silent") == 0))
		i = RANK_NOT_PROBED;
	out->rank = (enum rank)i;
	out->answered = i >= RANK_OPEN && i <= RANK_UNFILTERED && !weak && all_answered(r, o);
	out->doubtful = weak || i < RANK_OPEN;
	return 0;
}

static int entry_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One entry a port, that of the strongest state. */
static void sort_ports(struct resume *r)
{
	size_t kept = 0;

	if (r->n_ports)
		qsort(r->ports, r->n_ports, sizeof(*r->ports), entry_cmp);
	for (size_t i = 0; i < r->n_ports; i++)
		if (!kept || r->ports[i] >> RANK_BITS != r->ports[kept - 1] >> RANK_BITS)
			r->ports[kept++] = r->ports[i];
	r->n_ports = kept;
}

/* Only what outlasts a sorting makes the array grow: a file that says all twice costs no more. */
static int add_port(struct resume *r, uint64_t index, const struct told *t, struct err *e)
{
	enum rank rank = t->rank;

	if (!t->answered && !resume_place_known(r, index)) {
		if (!t->doubtful)
			return 0; /* silence, or half an answer: as if it had not been asked */
		rank = RANK_DOUBT;
	}
	if (r->n_ports == r->cap_ports) {
		sort_ports(r);
		if (r->n_ports >= r->cap_ports / 2 &&
		    !array_grow(&r->ports, r->cap_ports, &r->cap_ports, sizeof(*r->ports)))
			return err_set(e, "out of memory for the ports known");
	}
	r->ports[r->n_ports++] = index << RANK_BITS | (unsigned)rank;
	return 0;
}

static bool find_port(const struct resume *r, const struct addr *a, uint64_t port, uint64_t *index)
{
	return port <= UINT16_MAX && space_find(r->scan.space, a, (uint16_t)port, index, NULL);
}

static int add_one(struct resume *r, const struct named *who, json_object *o, const struct told *t,
		   struct err *e)
{
	uint64_t port, index;

	if (!member_u64(o, "port", &port) || !find_port(r, &who->addr, port, &index))
		return journal_bad(&r->journal, "a port that is not scanned", e);
	return add_port(r, index, t, e);
}

static int add_ranges(struct resume *r, const struct named *who, json_object *o,
		      const struct told *t, struct err *e)
{
	const char *list = member_text(o, "ports");
	struct port_span x;
	int rc = list ? 1 : -1;

	while (rc > 0 && (rc = port_span_next(&list, &x)) > 0) {
		for (uint32_t port = x.first; port <= x.last; port++) {
			uint64_t index;

			if (!find_port(r, &who->addr, port, &index))
				return journal_bad(&r->journal, "ports that are not scanned", e);
			if (add_port(r, index, t, e) < 0)
				return -1;
		}
	}
	return rc < 0 ? journal_bad(&r->journal, "no list of ports", e) : 0;
}

/* --- hosts ------------------------------------------------------------------------------------ */

int resume_find_host(const struct resume *r, json_object *o, struct named *out, struct err *e)
{
	const char *text = member_text(o, "addr"), *zone = text ? strchr(text, '%') : NULL;
	char bare[ADDR_TEXT];

	if (!text || strlen(text) >= ADDR_TEXT)
		return journal_bad(&r->journal, "a record without an address", e);
	snprintf(bare, sizeof(bare), "%.*s", zone ? (int)(zone - text) : ADDR_TEXT - 1, text);
	if (addr_parse(bare, &out->addr) < 0)
		return journal_bad(&r->journal, "a record without an address", e);
	if (zone && r->scan.zone)
		out->addr.zone = r->scan.zone(NULL, zone + 1);
	if (!space_find_host(r->scan.space, &out->addr, &out->host))
		return journal_bad(&r->journal, "a host that is not scanned", e);
	return 0;
}

static int host_cmp(const void *a, const void *b)
{
	const struct known_host *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void join_hosts(struct resume *r)
{
	size_t kept = 0;

	if (r->n_hosts)
		qsort(r->hosts, r->n_hosts, sizeof(*r->hosts), host_cmp);
	for (size_t i = 0; i < r->n_hosts; i++) {
		if (kept && r->hosts[kept - 1].number == r->hosts[i].number)
			r->hosts[kept - 1].up |= r->hosts[i].up;
		else
			r->hosts[kept++] = r->hosts[i];
	}
	r->n_hosts = kept;
}

/* As with ports, only different ones make the array grow. */
static int add_host(struct resume *r, const struct named *who, bool up, struct err *e)
{
	if (r->n_hosts == r->cap_hosts) {
		join_hosts(r);
		if (r->n_hosts >= r->cap_hosts / 2 &&
		    !array_grow(&r->hosts, r->cap_hosts, &r->cap_hosts, sizeof(*r->hosts)))
			return err_set(e, "out of memory for the hosts known");
	}
	r->hosts[r->n_hosts++] = (struct known_host){.number = who->host, .up = up};
	return 0;
}

/* The port answered for itself, so its host is up, whether or not it has a record yet. */
static bool answers_itself(json_object *o)
{
	const char *addr = member_text(o, "addr"), *from = member_text(o, "from");

	return addr && from && strcmp(addr, from) == 0;
}

struct known_host *resume_host(const struct resume *r, uint64_t number)
{
	const struct known_host key = {.number = number};

	return r->n_hosts ? bsearch(&key, r->hosts, r->n_hosts, sizeof(key), host_cmp) : NULL;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int read_record(struct resume *r, json_object *o, struct err *e)
{
	struct named who = {0};
	struct told t;

	if (resume_find_host(r, o, &who, e) < 0)
		return -1;
	if (r->journal.type == JOURNAL_HOST)
		return add_host(r, &who, member_is(o, "up"), e);
	if (resume_rank(r, o, &t, e) < 0)
		return -1;
	if (answers_itself(o) && add_host(r, &who, true, e) < 0)
		return -1;
	return (r->journal.type == JOURNAL_PORT ? add_one : add_ranges)(r, &who, o, &t, e);
}

static int read_records(struct resume *r, struct err *e)
{
	int rc;

	journal_rewind(&r->journal);
	while ((rc = journal_next(&r->journal, e)) > 0) {
		json_object *o;

		if (r->journal.type != JOURNAL_PORT && r->journal.type != JOURNAL_PORTS &&
		    r->journal.type != JOURNAL_HOST)
			continue;
		o = journal_parse(&r->journal, e);
		rc = o ? read_record(r, o, e) : -1;
		json_object_put(o);
		if (rc < 0)
			return -1;
	}
	return rc;
}

/* What is in doubt goes; the rest is counted, and outside of the windows told to the sweep. */
static int settle(struct resume *r, struct err *e)
{
	size_t kept = 0, n = 0;

	sort_ports(r);
	join_hosts(r);
	r->indices = malloc((r->n_ports + 1) * sizeof(*r->indices));
	if (!r->indices)
		return err_set(e, "out of memory for the ports known");
	for (size_t i = 0; i < r->n_ports; i++) {
		uint64_t index = r->ports[i] >> RANK_BITS;
		enum rank rank = (enum rank)(r->ports[i] & ((1U << RANK_BITS) - 1));

		if (rank == RANK_DOUBT)
			continue;
		r->ports[kept++] = r->ports[i];
		r->counts[states[rank]]++;
		r->skipped += rank == RANK_SKIPPED;
		if (resume_place_known(r, index))
			r->silent--;
		else
			r->indices[n++] = index;
	}
	r->n_ports = kept;
	r->known = (struct sweep_known){
	    .windows = r->ranges,
	    .n_windows = r->n_ranges,
	    .indices = r->indices,
	    .n_indices = n,
	};
	return 0;
}

int resume_read(struct resume *r, const struct resume_scan *scan, struct err *e)
{
	r->scan = *scan;
	permute_init(&r->perm, scan->space->total, scan->seed, scan->in_order);
	if (check(r, e) < 0 || read_windows(r, e) < 0 || read_records(r, e) < 0)
		return -1;
	return settle(r, e);
}

const struct sweep_known *resume_known(const struct resume *r)
{
	return &r->known;
}

size_t resume_ports_from(const struct resume *r, uint64_t index)
{
	size_t lo = 0, hi = r->n_ports;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->ports[mid] >> RANK_BITS < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
