/*
 * changes: two results of the same hosts held against each other, or several from as many places.
 * It counts only what all that it compares really measured: what was not asked, not reached or not
 * decided on one side is never a change. It knows no file and no clock; ports stay ranges as long
 * as they are alike.
 */
#ifndef JUDGE_CHANGES_H
#define JUDGE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "judge/record.h"

enum change_side { SIDE_OLD, SIDE_NEW, SIDES };
/* Vantage points, of which each is a side. */
enum { CHANGES_SIDES_MAX = 32 };

/* By what a reset style was found: only styles found alike are compared. */
enum style_method { STYLE_BY_SCAN, STYLE_BY_AUDIT, STYLE_BY_STACK, STYLE_METHODS };

/* The end of one run of a result. */
struct changes_end {
	/* What its covers name and no record of it does was asked, and kept silent. */
	bool complete;
	bool skipped;	/* hosts that answered nothing were asked a few of their ports only */
	bool part;	/* one of several shards: what others say stays, where it is silent */
	uint32_t shown; /* bits by enum port_state: others have no record; 0: all have */
};

struct changes;

/* Of two sides, or of so many; NULL: no memory. */
struct changes *changes_new(void);
struct changes *changes_new_of(size_t sides);
void changes_free(struct changes *c);

/* Each is -1 with `e` where memory is out, or the words are none of a result. */
int changes_addr(struct changes *c, const char *text, struct addr *out, struct err *e);
/* The host's number; `name` may be NULL. */
int changes_host(struct changes *c, const char *addr, const char *name, uint32_t *host,
		 struct err *e);

/*
 * A result is one run or several, each between begin and end; a later one corrects the earlier. One
 * that is a part of the same sweep as an earlier goes on with it, by the number that began that:
 * then what the two say of a host is one. The number; `goes_on` 0: a new one.
 */
uint32_t changes_begin(struct changes *c, size_t side, uint32_t goes_on);
/* All of these ports were to be asked of all addresses from first to last. */
int changes_cover(struct changes *c, size_t side, const struct addr *first, const struct addr *last,
		  const struct port_span *ports, size_t n, struct err *e);
int changes_ports(struct changes *c, size_t side, uint32_t host, struct port_span ports,
		  enum port_state state, const char *reason, struct err *e);
int changes_up(struct changes *c, size_t side, uint32_t host, bool up, const char *reason,
	       struct err *e);
void changes_style(struct changes *c, size_t side, uint32_t host, enum style_method by,
		   enum reset_style style);
int changes_end(struct changes *c, size_t side, const struct changes_end *end, struct err *e);

/*
 * Tells the sink each change whose kind is in `only` (bits by enum change_kind), by address, then
 * port, what is of the host first; more ports of a host than RECORD_LIST_MAX that change alike are
 * one record. Adds to the counts of `sum`.
 */
int changes_compare(struct changes *c, unsigned only, const struct record_sink *sink,
		    struct diff_record *sum, struct err *e);

/*
 * Tells the sink what depends on where one looks from, each side being one vantage point: by
 * address, what is of the host first, then the ports whose states are alike. Fills the counts of
 * `sum`, and takes the names of the sides from it.
 */
int changes_by_vantage(const struct changes *c, const struct record_sink *sink,
		       struct vantages_record *sum, struct err *e);

#endif
