/* pcapfile: -w, every segment sent and every reply matched as raw IP in a pcap file (LINKTYPE_RAW).
 */
#ifndef WIRE_PCAPFILE_H
#define WIRE_PCAPFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pcapfile;

struct pcapfile *pcapfile_open(const char *path, struct err *e); /* "-" is stdout */
/* `at_ns` is on the clock of wire.now; it is turned into wall time here. */
void pcapfile_write(struct pcapfile *f, uint64_t at_ns, const uint8_t *ip, size_t captured,
		    size_t len);
/* Flushes and closes; -1 and `e` where anything could not be written. Takes NULL. */
int pcapfile_close(struct pcapfile *f, struct err *e);

#endif
