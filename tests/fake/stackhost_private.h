/* stackhost_private: what the three files of stackhost share, and nobody else sees. */
#ifndef TESTS_FAKE_STACKHOST_PRIVATE_H
#define TESTS_FAKE_STACKHOST_PRIVATE_H

#include "fake/stackhost.h"

/* HOST_FREE is no connection at all; HOST_GONE one that was, which a tracker still remembers. */
enum host_state {
	HOST_FREE,
	HOST_GONE,
	HOST_SYN_RECEIVED,
	HOST_ESTABLISHED,
	HOST_FIN_WAIT_1,
	HOST_FIN_WAIT_2,
	HOST_CLOSE_WAIT,
	HOST_CLOSING,
	HOST_LAST_ACK,
	HOST_TIME_WAIT,
};

enum { OFFERED_WSCALE = 1, OFFERED_SACK = 2, OFFERED_TS = 4 };

struct conn {
	uint8_t state;	 /* enum host_state */
	uint8_t offered; /* options of the SYN */
	bool ecn, ts, said, fin_sent;
	uint8_t retries;
	uint16_t ip_id;
	struct addr peer;
	uint16_t sport, dport; /* theirs, ours */
	uint32_t iss, snd_una, snd_nxt, irs, rcv_nxt, ts_recent;
	uint64_t challenge_ns;		      /* before this, no other challenge ACK */
	uint64_t resend_ns, close_ns, end_ns; /* UINT64_MAX: not */
	uint64_t used_ns;
};

enum { CONNS = 192 };

struct stackhost {
	struct stackhost_config c;
	uint64_t rng, wake_ns;
	uint32_t taken, ip_id;
	uint64_t rst_second;
	unsigned rst_count;
	struct conn conns[CONNS];
};

/* What is being put together while one packet is looked at. */
struct reply_to {
	struct stackhost *h;
	const struct packet *p; /* NULL in a tick */
	uint64_t now_ns;
	struct stackhost_out *out;
	size_t n;
};

/* stackhost.c */
uint32_t host_random(struct stackhost *h);
bool host_is_open(const struct stackhost *h, uint16_t port);
/* A segment back to who sent the packet, shaped as `ip` says, numbers zero. */
struct segment host_back(struct reply_to *r, const struct fake_ip *ip);
void host_put(struct reply_to *r, const struct segment *s, uint8_t hops_less);
void host_put_form(struct reply_to *r, const struct fake_form *f);
void host_put_options(const struct stackhost *h, const struct conn *c, struct segment *s);

/* stackhost_conn.c */
struct conn *conn_find(struct stackhost *h, const struct packet *p);
struct conn *conn_new(struct reply_to *r, uint32_t iss);
void conn_put_syn_ack(struct reply_to *r, struct conn *c);
void conn_establish(struct reply_to *r, struct conn *c);
/* The segment belongs to `c`. False where the connection has just made room for a new one, and the
 * segment wants to be looked at as a stray one. */
bool conn_take(struct reply_to *r, struct conn *c);
void conn_tick(struct reply_to *r);
uint64_t conn_wake(const struct stackhost *h);

/* stackhost_path.c: false where the packet ends there, answered or not. */
bool path_passes(struct reply_to *r);

#endif
