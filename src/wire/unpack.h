/*
 * unpack: the plain octets of a file or of stdin, whatever packed them: nothing, gzip, zstd or xz,
 * known by their first octets. It opens no file, and starts no program itself.
 */
#ifndef WIRE_UNPACK_H
#define WIRE_UNPACK_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "wire/unpacker.h"

struct unpack;

/* Of an open file, borrowed, from where it stands; `name` is how messages call it. Without an
 * unpacker what takes a program is not read. NULL with `e` where it can't be read at all, or holds
 * nothing. */
struct unpack *unpack_open(int fd, const char *name, struct unpacker *by, struct err *e);
/* Takes NULL. The stream is the reader's to close, before. */
void unpack_close(struct unpack *u);
/* How many of the first plain octets are known (at most 4), at *first. */
size_t unpack_first(const struct unpack *u, const uint8_t **first);
/* All plain octets, the first ones too; asked for once. NULL with errno. A stream that fails has
 * its reason in unpack_fault: packed data that ends early is an error of the stream, never its end.
 */
FILE *unpack_stream(struct unpack *u);
const char *unpack_fault(const struct unpack *u); /* NULL: none so far */

#endif
