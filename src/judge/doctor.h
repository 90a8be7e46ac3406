/*
 * doctor: what is known of this machine becomes lines: ok, warn or fail, why, and what mends it.
 * The facts are numbers and yes or no, read and measured by others; what they mean is a const
 * table.
 */
#ifndef JUDGE_DOCTOR_H
#define JUDGE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct text;

/* --- facts ------------------------------------------------------------------------------------ */

enum doctor_reply {
	REPLY_NONE,    /* not asked */
	REPLY_REFUSED, /* never left: this machine said no */
	REPLY_SILENT,
	REPLY_NOBODY,	/* this machine itself says so: ARP or ND found none */
	REPLY_REJECTED, /* an ICMP error */
	REPLY_CLOSED,
	REPLY_OPEN,
};

/* One port asked one way. */
struct doctor_try {
	enum doctor_reply reply;
	bool captured; /* a segment that answers it was seen */
	uint8_t ttl;   /* of that segment; 0: none seen */
	uint32_t rtt_us;
	struct err why; /* refused */
};

/* A port asked by a raw SYN, and by connect() where that was wanted. */
struct doctor_asked {
	uint16_t port;
	struct doctor_try raw, conn;
	/* A RST of our kernel's left, which knows nothing of the raw SYN that drew the SYN-ACK. */
	bool rst_left;
};

enum { DOCTOR_V4, DOCTOR_V6, DOCTOR_FAMILIES, DOCTOR_ASKS = 3 };

/* Of one family. */
struct doctor_loop {
	bool wanted;
	bool down;    /* lo is */
	bool listens; /* a listener of ours has loopback's address */
	bool opened;  /* what it takes to send there and to capture */
	struct err why;
	struct doctor_asked listener, closed;
};

enum doctor_link { DOCTOR_LINK_UNKNOWN, DOCTOR_LINK_UP, DOCTOR_LINK_NO_CARRIER, DOCTOR_LINK_DOWN };

/* How one address is reached, or any where no target was named. */
struct doctor_path {
	bool wanted, targeted;
	bool routed;
	bool elsewhere; /* without a target: the other family has its route, or has told of none */
	bool again;	/* its interface was looked at before */
	struct err why; /* no route */
	char target[80];
	char way[200]; /* "192.0.2.7 by eth0, source 192.0.2.1, on the link" */
	char ifname[16];
	uint8_t family; /* DOCTOR_V4, DOCTOR_V6 */
	uint32_t mtu;
	bool loopback, ethernet;
	enum doctor_link link;
	bool tried, captures, denied; /* sending and capturing there */
	struct err capture_why;
	int rp_filter;	   /* in force there; -1: not known */
	int gro, lro, tso; /* 0, 1; -1: not known */
	struct doctor_asked asked[DOCTOR_ASKS];
	size_t n_asked;
};

enum doctor_container {
	CONTAINER_NONE,
	CONTAINER_DOCKER,
	CONTAINER_PODMAN,
	CONTAINER_KUBERNETES,
	CONTAINER_LXC,
	CONTAINER_NSPAWN,
	CONTAINER_OTHER,
	CONTAINERS,
};

struct doctor_facts {
	/* privilege */
	bool raw_opens, has_cap; /* a raw socket; CAP_NET_RAW in effect */
	bool bounded;		 /* it isn't in the bounding set: nothing brings it back */
	bool no_new_privs;
	struct err raw_why;
	char setcap[256]; /* the line that gives this program the capability */
	enum doctor_container container;
	unsigned wsl; /* 1, 2; 0: none */
	bool wsl_mirrored;
	/* what is tried */
	struct doctor_loop loops[DOCTOR_FAMILIES];
	struct doctor_path paths[DOCTOR_FAMILIES];
	struct err target_why; /* a target that is no address, nor a name of one; "" */
	/* limits */
	bool tracks; /* nf_conntrack is there */
	uint64_t tracked, tracked_max;
	uint64_t files_soft, files_hard;
	unsigned ways; /* interfaces, but lo, that are up and have an IPv4 address */
	bool clock_known, clock_synced;
	uint64_t clock_error_us;
	uint64_t wall_s;
	/* which of the loops and paths is looked at */
	unsigned at;
};

/* --- lines ------------------------------------------------------------------------------------ */

enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_RESULTS };
const char *doctor_result_name(enum doctor_result r);

/* In the order of telling. */
enum doctor_scope {
	SCOPE_PRIVILEGE,
	SCOPE_LOOPBACK, /* of facts.loops[at] */
	SCOPE_RESETS,	/* of all loops */
	SCOPE_TARGET,
	SCOPE_PATH, /* of facts.paths[at] */
	SCOPE_LIMITS,
	SCOPES,
};

/* What a failure stands in the way of. */
enum doctor_blocks { BLOCKS_NOTHING, BLOCKS_WAY, BLOCKS_ALL };

enum { DOCTOR_WORDS = 400 };

struct doctor_line {
	const char *check;
	enum doctor_result result;
	enum doctor_blocks blocks;
	bool minor; /* ok, and hardly of interest: most machines have nothing of it */
	char detail[DOCTOR_WORDS], fix[DOCTOR_WORDS]; /* fix "": none is needed */
};

typedef void doctor_fn(void *ctx, const struct doctor_line *line);
/* The lines of a scope, each check's first row that fits; a check without one has no line. */
void doctor_judge(const struct doctor_facts *f, enum doctor_scope scope, doctor_fn *fn, void *ctx);

/* Which of the ports asked says most: open before closed before rejected before silence. NULL: none
 * was. */
const struct doctor_asked *doctor_best(const struct doctor_path *p);

/* --- the end ---------------------------------------------------------------------------------- */

enum { DOCTOR_CHECKS_MAX = 24 };

struct doctor_sum {
	unsigned n[DOCTOR_RESULTS];
	enum doctor_blocks blocks;			      /* the worst */
	const char *named[DOCTOR_RESULTS][DOCTOR_CHECKS_MAX]; /* each once, by what it came to */
	size_t n_named[DOCTOR_RESULTS];
};

void doctor_sum_add(struct doctor_sum *s, const struct doctor_line *line);
/* "This machine can probe." or what it can't; `target` may be NULL. */
void doctor_sum_put(struct text *t, const struct doctor_sum *s, const char *target);

#endif
