/*
 * evidence: -w of a run: every segment sent and every reply matched. A name in .pcapng carries
 * beside each what was found out of it in the end, so the frames lie in a temporary file until
 * then, and the file has its name when it is whole; any other name is a pcap, written as it comes.
 */
#ifndef CMD_EVIDENCE_H
#define CMD_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/beside.h"
#include "report/report.h"

struct evidence;

/* Before privilege is dropped, and before beside_keep. Ours is what comes from these ports. */
struct evidence *evidence_open(const char *path, struct beside *beside, uint16_t first_port,
			       unsigned n_ports, struct err *e);
/* `at_ns` is on the clock of wire.now. */
void evidence_keep(void *evidence, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len);
/* What must hear the records of the run; NULL where none need be heard. Borrowed. */
struct report *evidence_report(struct evidence *v);
/* Nothing more comes. -1 and `e` where anything could not be written. Not `whole`: the run failed
 * before it measured anything, and what was there stays. Takes NULL. */
int evidence_finish(struct evidence *v, bool whole, struct err *e);
/* After who tells its report records. Takes NULL. */
void evidence_free(struct evidence *v);

#endif
