/*
 * audit: plays a policy: one sweep over all that it names, a second one of stray ACKs where
 * `listen-rst` and `style` need them, and one more, from other source ports, for whatever failed or
 * was not decided. It knows struct wire, as sweep does, and tells each check to the sink in the
 * order of the policy's lines, then addresses, then ports.
 */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "engine/policy.h"
#include "engine/space.h"
#include "engine/sweep.h"
#include "judge/record.h"

enum {
	AUDIT_PORTS_MAX = 1 << 24,  /* (address, port) pairs of one audit */
	AUDIT_CHECKS_MAX = 1 << 28, /* several lines may check one pair */
};

struct audit_config {
	const struct policy *policy;
	int32_t today;
	/* All that the policy names, routed: audit_targets, space_build, space_route. */
	const struct space *space;
	/* As of a scan: seed, key, sport_first, rate ...; kinds, space, known and want_closed are
	 * audit's. deadline_ns is of the whole. */
	struct sweep_config sweep;
	unsigned retry_failed; /* --retry-failed */
};

/* What the lines in force ask, as targets with their ports. -1 with `e`: memory. */
int audit_targets(const struct policy *p, int32_t today, struct targets *out, struct err *e);
/* No fewer than the checks of the lines in force, and quickly known. */
uint64_t audit_checks_at_most(const struct policy *p, int32_t today);
/* How many consecutive source ports all sweeps need. */
unsigned audit_sports(const struct audit_config *c);
/* How many checks there are: (line, address, port), of hosts (line, address). */
uint64_t audit_checks(const struct policy *p, int32_t today, const struct space *space);

/* 0, with checks and the summary given to the sink, also where the run ended early; -1 with `e`
 * only where it could not begin. `out->audit` is `counts`. */
int audit_run(const struct audit_config *c, struct wire *w, const struct record_sink *sink,
	      struct audit_counts *counts, struct summary_record *out, struct err *e);

#endif
