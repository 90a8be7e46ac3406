/*
 * ladder: which segments around a RST are worth a row, what a row says, and which way it goes. How
 * it is drawn is for the renderers. Words of packetdrill, relative numbers where both are known.
 */
#ifndef REPORT_LADDER_H
#define REPORT_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "judge/finding.h"

enum {
	LADDER_SEGMENTS = 12, /* rows of segments, at most */
	LADDER_ROWS = 2 * LADDER_SEGMENTS + 1,
	LADDER_TEXT = 96, /* bytes that any label or time fits in */
};

enum ladder_kind { LADDER_SEGMENT, LADDER_SILENCE, LADDER_LEFT_OUT };

struct ladder_row {
	enum ladder_kind kind;
	size_t at;	     /* LADDER_SEGMENT: index into the finding's ladder */
	uint64_t silence_ns; /* LADDER_SILENCE */
	size_t left_out;     /* LADDER_LEFT_OUT: segments */
};

/* How many rows; 0 where the finding has no ladder. */
size_t ladder_pick(const struct finding *f, struct ladder_row rows[LADDER_ROWS]);

/* Is X drawn at the left: the client, or where that is not known the receiver? */
bool ladder_x_is_left(const struct finding *f);
/* "P. 1:101(100) ack 1", with the window and what kind of segment it is, as far as `room` columns
 * allow; the shortest form may still be longer. */
void ladder_label(struct text *t, const struct finding *f, const struct seen *s, size_t room);
/* "-1.2 ms": seen from the RST; "0" for itself. */
void ladder_time(struct text *t, const struct finding *f, const struct seen *s);

#endif
