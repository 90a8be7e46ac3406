/*
 * formed: a form of the battery and the numbers of a connection become a segment. It knows neither
 * who sends it nor why.
 */
#ifndef ENGINE_FORMED_H
#define ENGINE_FORMED_H

#include "judge/battery.h"
#include "packet/segment.h"
#include "wire/wire.h"

/* Where a connection stands, for who sends beside it. */
struct numbers {
	uint32_t nxt, peer_nxt; /* what the peer expects next from us, and sends next itself */
	bool has_ts;
	uint32_t tsval, tsecr;
};

/* seq, ack, flags, payload and time stamps; `random_seq` and `random_ack` where the form wants
 * them so. A SYN's options are the caller's. */
void formed_fill(struct segment *seg, const struct form *f, const struct numbers *n,
		 uint32_t random_seq, uint32_t random_ack);
/* For an octet that the peer has acknowledged already: it asks for an ACK and changes nothing. */
extern const uint8_t formed_old_octet[1];
/* Each segment of a connection with time stamps must carry them (RFC 7323, 3.2). */
void formed_timestamps(struct segment *seg, const struct numbers *n);
/* Linux' options and window, as a SYN on that path has them. */
void formed_syn_options(struct segment *seg, const struct path *path, uint32_t tsval);
/* Largest payload of a segment without options. */
uint16_t formed_mss(const struct path *path, uint8_t family);

#endif
