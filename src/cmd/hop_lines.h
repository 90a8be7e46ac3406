/*
 * hop_lines: the walks and hops of a trace as records, in an order that can be read: walk after
 * walk, though flows go side by side, each hop as soon as it is settled and its name is there, or
 * was given its time, and again if it hears more later. What a hop means it doesn't know.
 */
#ifndef CMD_HOP_LINES_H
#define CMD_HOP_LINES_H

#include "cmd/aims.h"
#include "cmd/names.h"

struct hop_lines {
	const struct record_sink *sink;
	const struct aim *aim;
	const struct trace_facts *facts;
	struct names *names; /* NULL: without */
	/* private: */
	uint8_t settled[TRACE_WALKS_MAX];		  /* up to which TTL; 0: nothing yet */
	size_t walk;					  /* the one that is told */
	bool begun;					  /* its walk record is out */
	uint8_t told;					  /* its last hop that is out */
	uint8_t said[TRACE_WALKS_MAX][TRACE_TTL_MAX + 1]; /* bits: what each had heard then */
};

/* A hop is settled, and all before it in its walk. */
void hop_lines_add(struct hop_lines *l, const struct trace_walk *w, const struct trace_hop *h);
/* Tells what can be told now. */
void hop_lines_tell(struct hop_lines *l);
/* The walks are over: tells all the rest, and waits for names as long as that is worth it. */
void hop_lines_end(struct hop_lines *l);

#endif
