/*
 * rule: what a reaction to a class of probes leaves possible. A port is {open, closed}; the path
 * for this kind of probe {passes, drops, rejects}: six worlds, one bit each. Every pair (class,
 * reaction) has exactly one row.
 */
#ifndef JUDGE_RULE_H
#define JUDGE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/probe.h"
#include "judge/reaction.h"

enum world {
	WORLD_OPEN_PASSES = 0x01,
	WORLD_OPEN_DROPS = 0x02,
	WORLD_OPEN_REJECTS = 0x04,
	WORLD_CLOSED_PASSES = 0x08,
	WORLD_CLOSED_DROPS = 0x10,
	WORLD_CLOSED_REJECTS = 0x20,
	WORLD_OPEN = 0x07,
	WORLD_CLOSED = 0x38,
	WORLD_PASSES = 0x09,
	WORLD_DROPS = 0x12,
	WORLD_REJECTS = 0x24,
	WORLD_ANY = 0x3f,
};

struct rule {
	enum probe_class cls;
	enum reaction reaction;
	uint8_t worlds; /* enum world bits that remain */
	bool firm;	/* weak evidence never contradicts firm; silence is weak */
	const char *because;
	const char *clause;
};

extern const struct rule rule_table[];
extern const size_t rule_count;

const struct rule *rule_find(enum probe_class cls, enum reaction r); /* never NULL */

#endif
