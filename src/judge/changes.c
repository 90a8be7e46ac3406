/*
 * changes: what two results say, kept as hosts, ranges of ports and spans of addresses. Within a
 * result the later run corrects the earlier; what a run never measured corrects nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "judge/changes_private.h"

enum {
	WORDS_MAX = 1024, /* reasons, zones: no honest result has more */
	WORD_MAX = 255,
	COVERS_MAX = 1 << 20, /* of a result */
};

static const char *const fixed_reasons[REASONS_FIXED] = {
    [REASON_NONE] = "",
    [REASON_NO_RESPONSE] = "no-response",
    [REASON_HOST_SILENT] = "host-silent",
    [REASON_HOST_UNREACHABLE] = "host-unreachable",
    [REASON_NET_UNREACHABLE] = "net-unreachable",
    [REASON_CUT] = "cut-short",
};

static const char *const names[CHANGES] = {
    [CHANGE_OPENED] = "opened",
    [CHANGE_CLOSED] = "closed",
    [CHANGE_STATE] = "state",
    [CHANGE_REASON] = "reason",
    [CHANGE_STYLE] = "style",
    [CHANGE_NEWLY_COVERED] = "newly-covered",
    [CHANGE_NO_LONGER_COVERED] = "no-longer-covered",
};

const char *change_name(enum change_kind c)
{
	return names[c];
}

int change_parse(const char *word, enum change_kind *out)
{
	for (int i = 0; i < CHANGES; i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*out = (enum change_kind)i;
		return 0;
	}
	return -1;
}

/* --- memory ----------------------------------------------------------------------------------- */

int changes_no_memory(struct err *e)
{
	return err_set(e, "out of memory for the results to compare");
}

enum { TOO_MANY_WORDS = -1, NO_MEMORY_FOR_WORD = -2 };

/* The word's place among `w`, or one of these two. */
static int intern(struct words *w, const char *text, size_t len)
{
	char *copy;

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->v[i], text, len) == 0 && !w->v[i][len])
			return (int)i;
	if (w->n == WORDS_MAX || len > WORD_MAX)
		return TOO_MANY_WORDS;
	if (!array_grow(&w->v, w->n, &w->cap, sizeof(*w->v)))
		return NO_MEMORY_FOR_WORD;
	copy = malloc(len + 1);
	if (!copy)
		return NO_MEMORY_FOR_WORD;
	memcpy(copy, text, len);
	copy[len] = '\0';
	w->v[w->n] = copy;
	return (int)w->n++;
}

static int not_kept(int number, const char *words, struct err *e)
{
	return number == NO_MEMORY_FOR_WORD ? changes_no_memory(e)
					    : err_set(e, "too many different %s", words);
}

static void free_words(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
}

const char *changes_reason(const struct changes *c, unsigned id)
{
	return id == REASON_NONE || id >= c->reasons.n ? NULL : c->reasons.v[id];
}

struct changes *changes_new_of(size_t sides)
{
	struct changes *c = calloc(1, sizeof(*c));

	assert(sides > 0 && sides <= CHANGES_SIDES_MAX);
	if (c)
		c->side = calloc(sides, sizeof(*c->side));
	if (c && !c->side) {
		free(c);
		return NULL;
	}
	if (c)
		c->sides = sides;
	for (size_t i = 0; c && i < REASONS_FIXED; i++) {
		if (intern(&c->reasons, fixed_reasons[i], strlen(fixed_reasons[i])) == (int)i)
			continue;
		changes_free(c);
		return NULL;
	}
	return c;
}

struct changes *changes_new(void)
{
	return changes_new_of(SIDES);
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	for (size_t s = 0; s < c->sides; s++) {
		free(c->side[s].all.v);
		free(c->side[s].now.v);
		free(c->side[s].covers);
		free(c->side[s].spans);
	}
	free_words(&c->reasons);
	free_words(&c->zones);
	free(c->side);
	free(c->names);
	free(c->faces);
	free(c->hosts);
	free(c->slots);
	free(c);
}

/* --- hosts ------------------------------------------------------------------------------------ */

int changes_addr(struct changes *c, const char *text, struct addr *out, struct err *e)
{
	const char *zone = strchr(text, '%');
	size_t len = zone ? (size_t)(zone - text) : strlen(text);
	char bare[ADDR_TEXT];
	int number;

	if (len >= sizeof(bare))
		return err_set(e, "no address stands there");
	memcpy(bare, text, len);
	bare[len] = '\0';
	if (addr_parse(bare, out) < 0)
		return err_set(e, "'%s' is no address", bare);
	if (!zone)
		return 0;
	number = intern(&c->zones, zone + 1, strlen(zone + 1));
	if (number < 0)
		return not_kept(number, "zones", e);
	out->zone = (uint32_t)number + 1;
	return 0;
}

static size_t slot_of(const struct changes *c, const struct addr *a)
{
	uint64_t h = 14695981039346656037U ^ a->family ^ (uint64_t)a->zone << 8;
	size_t i;

	for (i = 0; i < sizeof(a->b); i++)
		h = (h ^ a->b[i]) * 1099511628211U;
	h ^= h >> 29;
	for (i = (size_t)h & (c->n_slots - 1); c->slots[i]; i = (i + 1) & (c->n_slots - 1))
		if (addr_equal(&c->hosts[c->slots[i] - 1].addr, a))
			break;
	return i;
}

static bool grow_slots(struct changes *c)
{
	enum { FIRST = 64 };
	size_t n = c->n_slots ? 2 * c->n_slots : FIRST;
	uint32_t *slots;

	if (c->n_hosts + 1 < c->n_slots / 4 * 3)
		return true;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	free(c->slots);
	c->slots = slots;
	c->n_slots = n;
	for (size_t i = 0; i < c->n_hosts; i++)
		c->slots[slot_of(c, &c->hosts[i].addr)] = (uint32_t)i + 1;
	return true;
}

/* The last name given counts: the new result is read last. */
static bool set_name(struct changes *c, struct host *h, const char *name)
{
	size_t len = strlen(name) + 1;

	if (len > WORD_MAX || (h->name && strcmp(c->names + h->name - 1, name) == 0))
		return true;
	if (c->n_names + len > UINT32_MAX - 1)
		return true;
	while (c->cap_names - c->n_names < len)
		if (!array_grow(&c->names, c->cap_names, &c->cap_names, 1))
			return false;
	memcpy(c->names + c->n_names, name, len);
	h->name = (uint32_t)c->n_names + 1;
	c->n_names += len;
	return true;
}

/* Faces of one more host, cleared. */
static bool grow_faces(struct changes *c)
{
	size_t at = c->n_hosts * c->sides;

	while (c->cap_faces < at + c->sides)
		if (!array_grow(&c->faces, c->cap_faces, &c->cap_faces, sizeof(*c->faces)))
			return false;
	memset(c->faces + at, 0, c->sides * sizeof(*c->faces));
	return true;
}

int changes_host(struct changes *c, const char *addr, const char *name, uint32_t *host,
		 struct err *e)
{
	struct addr a;
	size_t slot;

	if (changes_addr(c, addr, &a, e) < 0)
		return -1;
	if (!grow_slots(c))
		return changes_no_memory(e);
	slot = slot_of(c, &a);
	if (!c->slots[slot]) {
		if (c->n_hosts == UINT32_MAX - 1 ||
		    !array_grow(&c->hosts, c->n_hosts, &c->cap_hosts, sizeof(*c->hosts)) ||
		    !grow_faces(c))
			return changes_no_memory(e);
		c->hosts[c->n_hosts++] = (struct host){.addr = a};
		c->slots[slot] = (uint32_t)c->n_hosts;
	}
	*host = c->slots[slot] - 1;
	if (name && *name && !set_name(c, &c->hosts[*host], name))
		return changes_no_memory(e);
	return 0;
}

/* --- what a run says -------------------------------------------------------------------------- */

uint32_t changes_begin(struct changes *c, size_t side, uint32_t goes_on)
{
	struct side *s = &c->side[side];

	s->section = goes_on ? goes_on : ++s->sections;
	s->first_cover = s->n_covers;
	return s->section;
}

int changes_cover(struct changes *c, size_t side, const struct addr *first, const struct addr *last,
		  const struct port_span *ports, size_t n, struct err *e)
{
	struct side *s = &c->side[side];

	if (first->family != last->family || first->zone != last->zone || addr_cmp(first, last) > 0)
		return err_set(e, "the last address stands before the first");
	if (s->n_covers == COVERS_MAX)
		return err_set(e, "more than %d spans of addresses", COVERS_MAX);
	if (!array_grow(&s->covers, s->n_covers, &s->cap_covers, sizeof(*s->covers)))
		return changes_no_memory(e);
	s->covers[s->n_covers++] =
	    (struct cover){.first = *first, .last = *last, .at = s->n_spans, .n = (uint32_t)n};
	for (size_t i = 0; i < n; i++) {
		if (!array_grow(&s->spans, s->n_spans, &s->cap_spans, sizeof(*s->spans)))
			return changes_no_memory(e);
		s->spans[s->n_spans++] = ports[i];
	}
	return 0;
}

/* The host's face on that side, cleared where another run spoke of it last. */
static struct face *face_of(struct changes *c, size_t side, uint32_t host)
{
	struct face *f = face_at(c, host, side);

	if (f->section != c->side[side].section) {
		f->section = c->side[side].section;
		f->up = UP_UNKNOWN;
		f->reason = REASON_NONE;
		f->style[STYLE_BY_SCAN] = STYLE_UNKNOWN;
	}
	return f;
}

int changes_ports(struct changes *c, size_t side, uint32_t host, struct port_span ports,
		  enum port_state state, const char *reason, struct err *e)
{
	struct run x = {ports.first, ports.last, REASON_NONE, (uint8_t)state};
	int id = reason ? intern(&c->reasons, reason, strlen(reason)) : REASON_NONE;

	if (id < 0)
		return not_kept(id, "reasons", e);
	x.reason = (uint16_t)id;
	face_of(c, side, host);
	return sheet_add(&c->side[side].now, host, x, c->n_hosts) ? 0 : changes_no_memory(e);
}

/* Is this why a host does not answer, or only why nobody knows? */
static bool proves_down(const char *reason)
{
	static const char *const proofs[] = {"host-unreachable", "net-unreachable", "no-response",
					     "host-silent", "rejected-on-the-path"};

	for (size_t i = 0; reason && i < sizeof(proofs) / sizeof(proofs[0]); i++)
		if (strcmp(reason, proofs[i]) == 0)
			return true;
	return false;
}

int changes_up(struct changes *c, size_t side, uint32_t host, bool up, const char *reason,
	       struct err *e)
{
	struct face *f = face_of(c, side, host);
	int id = proves_down(reason) ? intern(&c->reasons, reason, strlen(reason)) : REASON_NONE;

	if (id < 0)
		return not_kept(id, "reasons", e);
	if (up) {
		f->up = UP_YES;
	} else if (f->up != UP_YES && id != REASON_NONE) { /* windows see it by turns */
		f->up = UP_NO;
		f->reason = (uint16_t)id;
	}
	return 0;
}

/* Each window of a scan sees some ports only: what rests on most evidence counts. */
static unsigned weight(enum reset_style s)
{
	static const unsigned weights[] = {
	    [STYLE_UNKNOWN] = 0, [STYLE_FILTERED] = 1, [STYLE_SILENT] = 2,
	    [STYLE_RST] = 3,	 [STYLE_MIXED] = 4,    [STYLE_PROXIED] = 5,
	};

	return weights[s];
}

void changes_style(struct changes *c, size_t side, uint32_t host, enum style_method by,
		   enum reset_style style)
{
	struct face *f = by == STYLE_BY_SCAN ? face_of(c, side, host) : face_at(c, host, side);

	if (by == STYLE_BY_SCAN && weight(style) < weight((enum reset_style)f->style[by]))
		return;
	if (style != STYLE_UNKNOWN)
		f->style[by] = (uint8_t)style;
}

/* --- the end of a run ------------------------------------------------------------------------- */

static int cover_cmp(const void *a, const void *b)
{
	const struct cover *x = a, *y = b;

	return addr_cmp(&x->first, &y->first);
}

/* This run's cover that has the address; NULL: none. */
static const struct cover *cover_of(const struct side *s, const struct addr *a)
{
	size_t lo = s->first_cover, hi = s->n_covers;

	while (lo < hi) { /* the first that begins behind it */
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&s->covers[mid].first, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->first_cover || addr_cmp(&s->covers[lo - 1].last, a) < 0)
		return NULL;
	return &s->covers[lo - 1];
}

/* A port that an earlier run saw, and of which this one says nothing, has become silent. */
static bool silence(struct changes *c, struct side *s, size_t side, uint32_t host,
		    const struct changes_end *end)
{
	const struct cover *cover = cover_of(s, &c->hosts[host].addr);
	struct face *f = face_at(c, host, side);
	bool named = f->section == s->section;
	struct run x = {.state = STATE_FILTERED, .reason = REASON_NO_RESPONSE};

	if (!cover)
		return true;
	if (!named) {
		f->up = UP_NO;
		f->reason = end->skipped ? REASON_HOST_SILENT : REASON_NO_RESPONSE;
		f->style[STYLE_BY_SCAN] = STYLE_UNKNOWN;
	}
	if (end->skipped && !named)
		x.reason = REASON_HOST_SILENT;
	else if (end->shown)
		x = (struct run){.state = STATE_HIDDEN, .reason = (uint16_t)end->shown};
	for (size_t i = 0; i < cover->n; i++) {
		x.first = s->spans[cover->at + i].first;
		x.last = s->spans[cover->at + i].last;
		if (!sheet_add(&s->all, host, x, c->n_hosts))
			return false;
	}
	return true;
}

static bool silence_all(struct changes *c, struct side *s, size_t side,
			const struct changes_end *end)
{
	size_t n = s->all.n;
	uint32_t *seen = malloc((n + 1) * sizeof(*seen));
	size_t hosts = 0;
	bool ok = seen != NULL;

	for (size_t i = 0; ok && i < n; i++) /* settled: each host's stand together */
		if (!hosts || seen[hosts - 1] != s->all.v[i].host)
			seen[hosts++] = s->all.v[i].host;
	for (size_t i = 0; ok && i < hosts; i++)
		ok = silence(c, s, side, seen[i], end);
	free(seen);
	return ok;
}

static bool join(struct changes *c, struct side *s)
{
	if (!s->all.n) {
		struct sheet empty = s->all;

		s->all = s->now;
		s->now = empty;
	}
	for (size_t i = 0; i < s->now.n; i++)
		if (!sheet_add(&s->all, s->now.v[i].host, s->now.v[i].run, c->n_hosts))
			return false;
	s->now.n = 0;
	return sheet_settle(&s->all, c->n_hosts);
}

int changes_end(struct changes *c, size_t side, const struct changes_end *end, struct err *e)
{
	struct side *s = &c->side[side];
	size_t n = s->n_covers - s->first_cover;

	for (size_t i = s->first_cover; i < s->n_covers; i++) {
		s->covers[i].complete = end->complete;
		s->covers[i].skipped = end->skipped;
		s->covers[i].shown = (uint16_t)end->shown;
	}
	if (n)
		qsort(s->covers + s->first_cover, n, sizeof(*s->covers), cover_cmp);
	if (end->complete && !end->part && n && !silence_all(c, s, side, end))
		return changes_no_memory(e);
	return join(c, s) ? 0 : changes_no_memory(e);
}
