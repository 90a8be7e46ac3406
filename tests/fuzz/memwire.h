/*
 * memwire: a struct wire in virtual time whose other end is a string of octets: they say what comes
 * back for what was sent, when, and what our own socket's calls return. When they are used up, time
 * passes and then the run is told to stop.
 */
#ifndef TESTS_FUZZ_MEMWIRE_H
#define TESTS_FUZZ_MEMWIRE_H

#include "base/bytes.h"
#include "packet/craft.h"
#include "wire/wire.h"

enum { MEMWIRE_SENT = 32, MEMWIRE_CONNS = 16, MEMWIRE_FRAME = 1600 };

struct memwire {
	struct wire wire; /* first */
	struct path path;
	struct cursor script;
	uint64_t now_ns;
	unsigned idle; /* turns since the script ended */
	struct craft *craft;
	/* the last that left, as it left */
	struct memwire_sent {
		uint16_t len;
		uint8_t ip[MEMWIRE_FRAME];
	} sent[MEMWIRE_SENT];
	size_t n_sent;
	bool open[MEMWIRE_CONNS];
	bool answered; /* something was read */
};

void memwire_init(struct memwire *m, const uint8_t *script, size_t len);
void memwire_free(struct memwire *m);

#endif
