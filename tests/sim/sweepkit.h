/*
 * sweepkit: a scan as a test makes it, what it told, kept for the asserts, and what must hold of
 * every scan whatever the peer does. What is right of one scan is the test's to say.
 */
#ifndef TESTS_SIM_SWEEPKIT_H
#define TESTS_SIM_SWEEPKIT_H

#include "engine/sweep.h"
#include "sim/peer.h"

/* --- what a run tells ------------------------------------------------------------------------- */

enum { KEPT_MAX = 400000 };

struct kept_port {
	uint8_t host; /* last octet of its address */
	uint16_t port;
	enum port_state state;
	bool weak;
	char reason[32];
	unsigned tries;
	uint32_t rtt_us;
	uint32_t clues;	    /* bit per enum clue_id, of the first 32 */
	uint32_t rst_clues; /* bit per enum clue_id from CLUE_RST_NEARER on */
	enum origin origin;
	bool against;
	unsigned window; /* how many were over when it was told */
};

struct kept {
	struct kept_port *v;
	size_t n;
	unsigned windows, complete_windows, found;
	uint64_t covered; /* places of the windows */
	struct summary_record sum;
	struct host_record host;       /* the last */
	struct host_record hosts[256]; /* by the last octet, the last of each; addr NULL: none */
};

/* --- a scan ----------------------------------------------------------------------------------- */

struct trial {
	struct targets targets;
	struct ports *ports;
	struct space space;
	const struct probe *kinds[4];
	struct sweep_config c;
	struct kept kept;
};

void trial_init(struct trial *t, const char *target, const char *ports, const char *kinds);
void trial_run(struct trial *t, struct peer *p);
void trial_run_on(struct trial *t, struct wire *w);
void trial_free(struct trial *t);
/* Of SYNs, and a peer without a context beside it. */
void trial_begin(struct trial *t, struct peer *p, const char *target, const char *ports,
		 peer_fn *fn);
void trial_end(struct trial *t, struct peer *p);

peer_fn fifty; /* every twentieth port listens, the others are closed */

/* The last record of the port, of whichever host: a later one corrects an earlier one. */
const struct kept_port *port_of(const struct trial *t, uint16_t port);
const struct kept_port *port_at(const struct trial *t, uint8_t host, uint16_t port);
uint64_t count_state(const struct trial *t, enum port_state s);
uint64_t count_state_of(const struct trial *t, uint8_t host, enum port_state s);

bool is_canary(const struct trial *t, const struct peer_sent *sent);
/* Probes that left for the host, canaries left out. */
uint64_t sent_to(const struct trial *t, const struct peer *p, uint8_t host);

/*
 * Of every scan: no port is told twice, every index is in the summary once, and a silent port's
 * tries are those that left.
 */
void trial_check(const struct trial *t, const struct peer *p);

#endif
