/*
 * keep: -w, the frames of chosen flows as one pcap. Which flows is known only after all has been
 * read, so what can't be read twice lies meanwhile in an unlinked temporary file.
 */
#ifndef CMD_KEEP_H
#define CMD_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "judge/finding.h"
#include "packet/decode.h"
#include "wire/capfile.h"

struct keep;

/* Opens the file, with the rights of who calls, and where it `spools` the temporary one. */
struct keep *keep_open(const char *path, bool spools, struct err *e);
/* A frame of the first reading, decoded to `p`: notes its link type, and with `spool` its octets.
 * -1 with `e` where the temporary file can't take it: said once, then nothing is spooled. */
int keep_see(struct keep *k, const struct capfile_frame *f, bool spool, struct err *e);
/* This flow is one of them. -1 where memory is out. */
int keep_flow(struct keep *k, const struct finding *f);
bool keep_wants(const struct keep *k, const struct packet *p);
/* Second reading. Where the first saw several link types only the IP packets are written. */
void keep_put(struct keep *k, const struct capfile_frame *f, const struct packet *p);
/* What was spooled, in order, from where the last call stopped to the next mark or the end; `fn`
 * is called for each. */
typedef void keep_frame_fn(void *ctx, const struct capfile_frame *f);
int keep_unspool(struct keep *k, keep_frame_fn *fn, void *ctx, struct err *e);
/* The spool of one source ends here. */
int keep_mark(struct keep *k, struct err *e);
uint64_t keep_written(const struct keep *k);
/* Takes it, and NULL. */
int keep_close(struct keep *k, struct err *e);

#endif
