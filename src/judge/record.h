/*
 * record: what a run has to tell, as structs, and the sink that takes them. The engine fills them,
 * the renderers of report/ draw them; neither knows the other.
 */
#ifndef JUDGE_RECORD_H
#define JUDGE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/day.h"
#include "base/span.h"
#include "judge/doctor.h"
#include "judge/expect.h"
#include "judge/explain.h"
#include "judge/provoke.h"
#include "judge/reset_style.h"
#include "judge/stack.h"
#include "judge/trace.h"
#include "judge/verdict.h"

/* More ports of a host that are alike than these are told together, as ranges. */
enum { RECORD_LIST_MAX = 100 };

struct port_record {
	const struct addr *addr;
	const char *name; /* as the user typed it, or NULL */
	uint16_t port;
	const struct verdict *verdict;
	const struct observation *seen;
	const struct addr *from; /* who sent the deciding reply; NULL on silence */
	unsigned tries;		 /* most tries of a kind */
};

/* One host within one window: begins with the counts, so that a renderer knows what to list. */
struct host_record {
	const struct addr *addr;
	const char *name;
	bool up;
	/* Down, and somebody said so, or no route: one record stands for all its ports. */
	bool unreachable;
	/* "host-unreachable", "no-route", "no-response" ...; NULL where up */
	const char *down_reason;
	uint32_t counts[PORT_STATES];
	uint32_t srtt_us; /* 0 where no sample */
	enum reset_style style;
	enum stack_family family; /* as far as the scan's own probes tell */
	enum confidence confidence;
	bool icmp_limited;    /* CLUE_ICMP_LIMIT was given to some port */
	uint32_t reset_limit; /* RSTs/s that it sends at most, measured; 0: no such limit seen */
	/* It kept silent, so that only some of its ports were asked; the others are not-probed with
	 * the reason "host-silent". */
	bool given_up;
};

/* What `stack` found of one host. */
struct stack_record {
	const struct addr *addr;
	const char *name; /* as the user typed it, or NULL */
	const struct stack_facts *facts;
	const struct stack_verdict *verdict;
};

/* `trace`: a walk begins; each of its hops in order of TTL; what they come to. */
struct walk_record {
	const struct addr *addr;
	const char *name;
	const struct trace_walk *walk;
	const struct trace_facts *facts; /* it is one of these; may be NULL */
};

struct hop_record {
	const struct addr *addr;
	const struct trace_walk *walk;
	const struct trace_hop *hop;
	const char *name; /* of the hop, by reverse lookup; NULL: none */
};

struct trace_record {
	const struct addr *addr;
	const char *name;
	const struct trace_facts *facts;
	const struct trace_verdict *verdict; /* of all flows */
	const struct trace_verdict *flows;   /* of each, facts->flows of them */
	const char *by_name;		     /* of verdict->by; NULL: none */
};

/* `provoke`: what will be done, and what came of it. */
struct provoke_record {
	const struct addr *addr;
	const char *name;
	uint16_t port;
	const struct scenario_info *info;
	const struct provoke_facts *facts;     /* NULL before it is done */
	const struct provoke_verdict *verdict; /* NULL before it is done */
	/* What explain says of the RST that decided, with its ladder; NULL where none came. */
	const struct finding *finding;
	struct addr us; /* our address towards it; family ADDR_NONE: not known */
	/* Without a finding: the segments that matter, X being the service. */
	const struct seen *ladder;
	size_t n_ladder;
	/* Numbers of the frames that matter, as in the file of -w, ascending. */
	const uint32_t *frames;
	size_t n_frames;
};

/* `audit`: one line of the policy on one address, for one port, or for many that look alike. */
struct check_record {
	const char *policy; /* the file */
	unsigned line;
	const char *group;
	const struct addr *addr; /* NULL: `name` could not be resolved */
	const char *name;	 /* NULL */
	uint16_t port;		 /* 0: of the host, or see spans */
	/* More than RECORD_LIST_MAX ports of one state, as a scan would group them: how many, and
	 * which. 0 where `port` is one, or of the host. */
	uint32_t count;
	const struct port_span *spans; /* ascending */
	size_t n_spans;
	bool rest; /* by an `else` line */
	const struct expectation *expect;
	enum check_outcome outcome;
	const struct measure *seen; /* of a port; NULL: none was measured */
	const struct addr *from;    /* who answered, where it was not the address itself; NULL */
	enum reset_style style;	    /* of EXPECT_STYLE */
	const char *why;	    /* undecided without a measure: why; NULL */
	enum severity_level level;
	const char *owner, *note; /* NULL */
	int32_t until_day;	  /* the last in force; DAY_NEVER: no end */
};

struct audit_counts {
	uint64_t checks; /* each (line, address, port) */
	uint64_t outcomes[CHECK_OUTCOMES];
	uint64_t failed[LEVELS];
	uint64_t lines, expired; /* in force; no longer */
	uint64_t hosts, confirmed /* failures that a second probing repeated */;
};

/* `diff`: what is another in the new result. */
enum change_kind {
	CHANGE_OPENED,
	CHANGE_CLOSED, /* open before */
	CHANGE_STATE,  /* neither was open */
	CHANGE_REASON,
	CHANGE_STYLE,
	CHANGE_NEWLY_COVERED,
	CHANGE_NO_LONGER_COVERED,
	CHANGES,
};
const char *change_name(enum change_kind c);		   /* "newly-covered" */
int change_parse(const char *word, enum change_kind *out); /* -1 */

struct change_record {
	const char *addr;	 /* with its zone by name */
	const char *addr_last;	 /* silent hosts, alike from addr to this one; NULL: addr alone */
	const struct addr *from; /* the same two; zones are numbered by the diff alone */
	const struct addr *to;
	const char *name; /* NULL */
	bool of_host;	  /* its style, or that it went down or came up: no port */
	uint16_t port;
	uint32_t count; /* as in check_record; of an address */
	const struct port_span *spans;
	size_t n_spans;
	enum change_kind change;
	/* States (also "not-shown": none that the run was to show) or styles; NULL: not covered. Of
	 * a host that went down, or came up (CHANGE_STATE): "up" and "down"; `count` of its ports
	 * go with it and have no record. */
	const char *was, *is;
	const char *was_reason, *is_reason; /* of states; NULL */
};

struct diff_record {
	const char *old_name, *new_name;
	const char *old_started, *new_started; /* as written; NULL */
	bool old_complete, new_complete;
	uint64_t changes[CHANGES];   /* ports, of styles hosts */
	uint64_t compared;	     /* ports that both measured */
	uint64_t ignored;	     /* ports that one of them could not measure */
	uint64_t went_down, came_up; /* hosts */
};

/* `diff --by-vantage`: where one looks from, and what is seen from there. */
struct vantage_point {
	const char *name;
	const char *started; /* as written; NULL */
	bool complete;
};

struct vantage_view {
	/* As in change_record; of a port also "down": its host answers nothing there. NULL: not
	 * asked. */
	const char *state;
	const char *reason; /* NULL */
	bool measured;	    /* else it counts for nothing */
	bool exception;	    /* unlike most */
};

struct vantage_record {
	const char *addr;	 /* with its zone by name */
	const char *addr_last;	 /* as in change_record; NULL */
	const struct addr *host; /* addr; zones are numbered by the diff alone */
	const char *name;	 /* NULL */
	bool of_host; /* up here and down there; `count` ports that are closed or the like where
			 it is up, and so everywhere there, have no record */
	uint16_t port;
	uint32_t count; /* as in change_record */
	const struct port_span *spans;
	size_t n_spans;
	const struct vantage_view *views; /* of each point */
	size_t n_views;
	const char *majority; /* what more than half of those see that measured it; NULL */
};

struct vantages_record {
	const struct vantage_point *points;
	size_t n;
	uint64_t differ;	/* ports, with those of hosts that are down here and up there */
	uint64_t hosts;		/* that these are of */
	uint64_t hosts_down;	/* of these, up here and down there */
	uint64_t compared, all; /* ports that at least two measured; that all did */
	uint64_t ignored;	/* ports that two were to measure, and fewer could */
};

/* `scan --count`: one try of one port, and what all of them come to. */
struct try_record {
	const struct addr *addr;
	const char *name;
	uint16_t port;
	uint64_t n; /* from 1 */
	const struct port_record *result;
	uint32_t rtt_us; /* UINT32_MAX: none */
	uint64_t wall_ns;
	const uint32_t *seqs; /* of its segments, in the order of result->seen->kinds */
};

struct tries_record {
	const struct addr *addr;
	const char *name;
	uint16_t port;
	uint64_t tries, answered; /* answered: by anything but silence */
	uint64_t late;		  /* of the others, those that were answered after their time */
	uint64_t counts[PORT_STATES];
	uint64_t rtts; /* samples; the next are 0 without */
	uint32_t min_us, p50_us, p90_us, p99_us, max_us, mean_us, mdev_us;
};

/* `doctor`: one thing that was looked at, and what all of them come to. */
struct doctor_record {
	const char *check; /* "cap-net-raw" */
	enum doctor_result result;
	const char *detail, *fix; /* fix: NULL where none is needed */
	bool minor;		  /* ok, and hardly of interest */
};

struct examined_record {
	unsigned counts[DOCTOR_RESULTS];
	const char *says; /* "This machine can probe." */
	double elapsed_s;
};

struct window_record {
	uint64_t first, last; /* indices of the seeded permutation, inclusive */
	const struct probe *const *kinds;
	size_t n_kinds;
	bool complete;
};

struct progress {
	uint64_t sent, total_first; /* probes sent so far; indices x kinds */
	uint64_t answered, open;
	unsigned pass;			  /* 1 is the first try */
	double rate_pps;		  /* measured over the last second */
	double elapsed_s, eta_s;	  /* eta < 0: not known */
	uint64_t stack_hosts, stack_over; /* of `stack`: to ask, asked to the end; 0: a sweep */
	bool explain;			  /* of `explain`: the next two, and elapsed_s */
	const char *doing; /* of `trace` and `provoke`: a few words; elapsed_s, eta_s too */
	uint64_t frames, resets;
};

enum run_end { END_COMPLETE, END_INTERRUPTED, END_DEADLINE, END_LINK, END_SEND, END_CAPTURE };

/* The end of `explain`. */
struct explain_record {
	const struct explain_summary *sum;
	bool live;
	bool complete; /* false: cut-off file, drops, damage */
	char why[256];
	double elapsed_s;
	uint64_t dropped;   /* live: frames that the capture lost */
	const char *kernel; /* live: "" joined, else why the kernel's word is missing; NULL: n/a */
	uint64_t shown, matched; /* findings told after --cause and --flow; of all */
};

struct summary_record {
	enum run_end end;
	bool complete; /* every index had all its tries, and nothing was lost on our side */
	uint64_t hosts_total, hosts_up, indices, not_probed, unroutable;
	uint64_t sent, answered, retried, late, duplicates, foreign;
	uint64_t captured, pcap_dropped, send_errors;
	double loss_estimate; /* of the round trip; < 0 where there is no estimate */
	double rate_pps, elapsed_s;
	uint64_t counts[PORT_STATES];
	uint64_t silent; /* indices that answered nothing and are in no record */
	/* Indices never asked because their hosts kept silent to a handful of others, and how many
	 * hosts those are; without --no-skip-dead they leave the run complete. */
	uint64_t skipped, hosts_given_up;
	uint64_t hosts_limited; /* hosts with a reset limit */
	uint64_t known;		/* --resume: of the above, what an earlier run found out */
	char why[256];		/* the cause where not complete, one line; "" else */
	const struct audit_counts *audit; /* of `audit`; NULL */
};

/* Callbacks may be NULL. Pointers are borrowed for the call. Order: per window: host_begin, port...
 * by ascending port, host_end, ..., window; `open_found` at any time; summary last. */
struct record_sink {
	void *ctx;
	/* At the moment a listener answers: for a line at once in large sweeps. */
	void (*open_found)(void *ctx, const struct port_record *r);
	void (*host_begin)(void *ctx, const struct host_record *h);
	void (*port)(void *ctx, const struct host_record *h, const struct port_record *r);
	void (*host_end)(void *ctx, const struct host_record *h);
	void (*stack)(void *ctx, const struct stack_record *r); /* after all host_end */
	void (*walk)(void *ctx, const struct walk_record *r);
	void (*hop)(void *ctx, const struct hop_record *r);
	void (*trace)(void *ctx, const struct trace_record *r);
	void (*scenario)(void *ctx, const struct provoke_record *r); /* before it is done */
	void (*provoke)(void *ctx, const struct provoke_record *r);
	void (*reset)(void *ctx, const struct finding *f); /* explain: every RST, by frame */
	void (*explained)(void *ctx, const struct explain_record *r); /* explain's summary, last */
	void (*check)(void *ctx, const struct check_record *c);
	void (*change)(void *ctx, const struct change_record *c);
	void (*diffed)(void *ctx, const struct diff_record *d); /* diff's summary, last */
	void (*vantage)(void *ctx, const struct vantage_record *v);
	void (*vantages)(void *ctx, const struct vantages_record *v); /* their summary, last */
	void (*try)(void *ctx, const struct try_record *t);
	void (*tries)(void *ctx, const struct tries_record *t);
	void (*looked)(void *ctx, const struct doctor_record *d);
	void (*examined)(void *ctx, const struct examined_record *x); /* doctor's summary, last */
	void (*window)(void *ctx, const struct window_record *w);
	void (*progress)(void *ctx, const struct progress *p, bool asked /* by SIGUSR1 */);
	void (*note)(void *ctx, const char *text); /* one line for people, without newline */
	void (*summary)(void *ctx, const struct summary_record *s);
};

#endif
