/*
 * watch: a run of judge/explain under watch: asserts what must hold of its findings whatever the
 * frames are, and keeps them in short, so that two runs can be compared. It does not know what is
 * right to find.
 */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "judge/explain.h"
#include "judge/record.h"

/* One finding in short. */
struct told {
	uint32_t frame, provoked_by, root;
	uint8_t cause, sure, severity, origin, outcome;
};

struct watch {
	struct explain *x;
	uint32_t last;	/* frame number handed in last */
	uint64_t rsts;	/* handed in: RSTs that could be decoded */
	uint32_t floor; /* findings come in order: the last one's frame */
	struct told *told;
	size_t n, cap;
	size_t n_before_end;		/* told before explain_end */
	const struct record_sink *tell; /* gets them too; NULL */
};

/* Aborts where memory is out. */
void watch_open(struct watch *w, const struct explain_limits *l);
void watch_frame(struct watch *w, const uint8_t *bytes, uint32_t captured, uint32_t len,
		 int linktype, uint64_t wall_ns);
void watch_end(struct watch *w); /* explain_end, and every RST has been told */
void watch_close(struct watch *w);

#endif
