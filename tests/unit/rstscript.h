/*
 * rstscript: a conversation in a few words becomes packets for explain, in virtual time, and what
 * explain should say stands beside them. The scripts are the specification of its rules.
 *
 * Statements end with ';'. One that begins with '>' or '<' is a frame, numbered from 1: from the
 * client to the server, or back. A number before it ("3>") is the connection, 1 where none is
 * given.
 *
 *   > S;                        a SYN; the flags are tcpdump's letters: S. . P. F. R R. SR ... -
 *   < S. +0.02;                 20 ms after the frame before; +0.001 where nothing is said; -0.9
 *   > P. len 100;               payload; SEQ and ACK go on by themselves from what was received
 *   > P. len 9 seq 1 ack 1;     numbers relative to the ISNs, "=7" absolute, "seq ~3" 3 off its own
 *   > S isn 5000;               a new connection on the same ports, its ISN so much further
 *   < answer;                   the RST of RFC 9293, 3.5.2, to the last segment of the other side:
 *                               bare, SEQ of its ACK, window 0, no options, IP ID 0
 *   < answer 4;                 ... to frame 4
 *   < abort;                    RST+ACK with SND.NXT and RCV.NXT, window and options of its sender
 *   > retry;                    its last segment with payload, SYN or FIN, by a new IP ID
 *   > keepalive;                SND.NXT - 1, no payload
 *   > again ttl 61;             the last frame once more, captured 50 us later
 *
 * More words of a frame: win ttl id tcprst N; len N, text ABC (to the end), alert (of TLS); bare
 * (no options), opts (time stamps), nodf, badsum, fastclose. Where it went: unseen (arrived, but is
 * not captured), lost (neither), dropped (captured, and never arrived), forged (dropped, and its
 * sender knows nothing).
 *
 * Other statements: client, server WORD N: ttl N, ts 0 (without time stamps), wscale N, id N,
 * sameid 1 (IP ID always 0); "client at A:PORT" (IPv4; over IPv6 it becomes 2001:db8::A).
 * kernel REASON STATE: what the sender's kernel says of the last frame; "kernel listener ..." that
 * it matched a listener. tick S: time goes by. forget: explain_forget. file: a new file begins.
 *
 *   = refused likely also firewall-reject by 1;
 *
 * is what must be said of the last frame, a RST: cause, how sure, then any of: also A,B (each among
 * the alternatives), alone, by N|none, from client|server|unknown, origin W, outcome W, sees A,B
 * ("@" behind: at the sender), severity W, clue NAME (CLUE_ without its beginning), noclue NAME,
 * root N|none, followers N, lost N, burst N, fact NAME, nofact NAME, row N (the Nth row of its
 * cause).
 */
#ifndef TESTS_RSTSCRIPT_H
#define TESTS_RSTSCRIPT_H

#include "judge/explain.h"

struct script_how {
	bool v6;
	uint32_t isn[2];		     /* client, server */
	const struct explain_limits *limits; /* NULL: of files, for few flows */
};

/* Plays `script` to its end, and compares. "" in why where all holds and every finding was
 * expected; script_row is told of each finding. */
typedef void script_row_fn(void *ctx, const struct finding *f);
bool script_is_v4(const char *script);
void script_check(const char *script, const struct script_how *how, char why[512],
		  script_row_fn *each, void *ctx);

/* Step by step, for loops; nothing is compared. */
struct play;
struct play *play_new(const struct script_how *how, finding_fn *fn, void *ctx);
void play(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct explain *play_explain(struct play *p);
uint32_t play_frame(const struct play *p); /* the last frame's number */
void play_free(struct play *p);

#endif
