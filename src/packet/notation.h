/*
 * notation: the one printer of segments, in packetdrill's words, for logs, errors, ladders, dry
 * runs and tests:  "S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>"
 */
#ifndef PACKET_NOTATION_H
#define PACKET_NOTATION_H

#include "base/bytes.h"
#include "packet/decode.h"
#include "packet/segment.h"

/* Flags in packetdrill's order and letters: F S R P . U E W A; "-" where none is set. */
void notation_put_flags(struct text *t, uint16_t flags);
/* Flags, seq:end(len), "ack N" where the ACK bit is set ("ackf N" where only the field is nonzero),
 * win, urg, options in < >. */
void notation_put_segment(struct text *t, const struct segment *s);
void notation_put_options(struct text *t, const uint8_t *p, size_t len);
/* "192.0.2.1.40000 > 192.0.2.7.80: " and the segment; with ttl, DF and IP id behind. */
void notation_put_packet(struct text *t, const struct packet *p);

#endif
