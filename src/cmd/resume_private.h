/*
 * resume_private: what resume_words.c (the command line), resume.c (what is known) and
 * resume_carry.c (the new result) share.
 */
#ifndef CMD_RESUME_PRIVATE_H
#define CMD_RESUME_PRIVATE_H

#include "cmd/journal.h"
#include "cmd/resume.h"
#include "engine/permute.h"

/*
 * States from the strongest to the weakest: of several records about one port the strongest counts,
 * since a correction only ever adds evidence. The first stands for what must be asked again.
 */
enum rank {
	RANK_DOUBT,
	RANK_INCONSISTENT,
	RANK_SUSPECT,
	RANK_OPEN,
	RANK_CLOSED,
	RANK_REJECTED,
	RANK_UNFILTERED,
	RANK_OPEN_FILTERED,
	RANK_FILTERED,
	RANK_INDETERMINATE,
	RANK_SKIPPED, /* not probed: its host kept silent */
	RANK_NOT_PROBED,
	RANKS,
};
enum { RANK_BITS = 4 };

struct known_host {
	uint64_t number;
	bool up;      /* in the file */
	bool carried; /* its counts outside complete windows were handed on */
	bool again;   /* up in this run, too */
};

/* A window record, in the order of the file. */
struct known_window {
	struct place_range at;
	unsigned long line;
	bool complete;
};

struct resume {
	struct journal journal;
	/* resume_words.c */
	char *name; /* of the file */
	char **words;
	size_t n_words, cap_words;
	char space[40];
	uint64_t hosts_then, indices_then;
	/* resume.c */
	struct resume_scan scan;
	struct permute perm;
	struct known_window *windows;
	size_t n_windows, cap_windows;
	struct place_range *ranges; /* of complete windows, sorted and joined */
	size_t n_ranges;
	uint64_t *ports; /* index << RANK_BITS | rank, sorted, once each */
	size_t n_ports, cap_ports;
	struct known_host *hosts; /* by number */
	size_t n_hosts, cap_hosts;
	uint64_t *indices;
	struct sweep_known known;
	uint64_t counts[PORT_STATES], silent, skipped;
	/* resume_carry.c */
	const struct record_sink *to;
	struct record_sink sink;
};

/* A port or host of a record, found in the space. */
struct named {
	struct addr addr;
	uint64_t host;
};

enum port_state resume_state_of(enum rank rank);
/* What a `port` or `ports` record says: a state, and whether anything is left to ask there. */
struct told {
	enum rank rank;
	bool answered; /* by all kinds, firmly */
	bool doubtful; /* what is said of it elsewhere must not be believed either */
};
int resume_rank(const struct resume *r, json_object *o, struct told *out, struct err *e);
int resume_find_host(const struct resume *r, json_object *o, struct named *out, struct err *e);
/* Is the line that the journal stands at followed by a complete window? */
bool resume_in_complete(const struct resume *r);
bool resume_place_known(const struct resume *r, uint64_t index);
/* The first entry of `ports` at or behind an index. */
size_t resume_ports_from(const struct resume *r, uint64_t index);
struct known_host *resume_host(const struct resume *r, uint64_t number);

#endif
