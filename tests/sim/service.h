/*
 * service: a scripted service on the peer: a listener with its stack and its application, good or
 * bad in the ways that `provoke` is after. What it does is data: struct service_how.
 */
#ifndef TESTS_SIM_SERVICE_H
#define TESTS_SIM_SERVICE_H

#include "sim/peer.h"

enum { SERVICE_PORT = 80, SERVICE_CONNS = 64 };

struct service_how {
	/* the way there */
	bool closed, silent, rejects; /* RST, nothing, ICMP to all */
	uint8_t ttl;		      /* 0: 64 */
	bool stealthy;		      /* what belongs to no connection draws nothing */
	/* the stack */
	bool syn_kills, near_kills, ignores_rst, takes_old_ack;
	bool no_challenge;	  /* drops a SYN on a connection */
	bool rst_once;		  /* one RST for a connection that is gone, then silence */
	unsigned syn_ack_max;	  /* repeats; 0: 5 */
	bool deaf_when_half_open; /* no other SYN is answered meanwhile */
	uint64_t keepalive_ns;	  /* from then on each second, and a RST after three; 0: none */
	/* the application */
	size_t reads;	    /* so many octets and it answers and closes; 0: reads all, for ever */
	bool drains;	    /* ... reading on until our FIN; else at once, also with more unread */
	bool never_reads;   /* the window closes */
	bool keeps_reading; /* after its FIN: it shut down only its direction */
	const char *answer; /* NULL: none */
	size_t answer_len;  /* 0: strlen; longer: padded */
	uint64_t close_ns;  /* idle so long: FIN */
	uint64_t abort_ns;  /* ... RST */
	uint64_t forget_ns; /* ... forgotten without a word; what comes then is a stray */
	bool dies_by_rst;   /* a RST takes all connections, and the listener */
};

struct service_conn {
	enum { CONN_FREE, CONN_SYN_RCVD, CONN_UP } state;
	uint16_t port;
	uint32_t iss, irs, rcv_nxt, snd_una, snd_nxt, ts_recent, win;
	uint8_t shift, probes;
	bool ts, orphan, wants_fin, fin_sent, peer_fin, answers;
	uint64_t unread, read;
	size_t out_len; /* octets of the answer that were written */
	unsigned tries;
	uint64_t heard_ns, rto_ns, push_ns, probe_ns; /* UINT64_MAX: not due */
};

struct service {
	struct service_how how;
	struct peer *p;
	struct addr addr, client;
	struct service_conn conns[SERVICE_CONNS];
	unsigned resets_sent, accepted, paws; /* paws: segments with an older TSval than before */
	unsigned most;			      /* connections at a time */
	bool listener_dead;
};

void service_init(struct service *s, struct peer *p, const struct service_how *how);
size_t service_conns(const struct service *s); /* that stand, half-open ones too */

#endif
