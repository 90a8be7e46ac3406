/* unpack_private: what the ways of unpacking share: the packed octets, and how one waits. */
#ifndef WIRE_UNPACK_PRIVATE_H
#define WIRE_UNPACK_PRIVATE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/unpacker.h"

enum { PACKED_HEAD = 6 }; /* octets that tell one kind from the other */

/* The file as it is. What was read to know it is given once more. */
struct packed {
	int fd;			   /* borrowed */
	struct unpacker *unpacker; /* NULL: none */
	bool waits; /* not a regular file: reading it may take as long as its writer likes */
	uint8_t head[PACKED_HEAD];
	size_t n_head, head_at;
};

/* Octets read, 0 at the end, -1 with `fault`. */
ssize_t packed_read(struct packed *in, void *buf, size_t n, struct err *fault);
/* Until one of them is ready, or the user asks for an end: -1 with `fault`. */
int packed_wait(struct pollfd *v, size_t n, struct err *fault);

struct unpack_way {
	const char *name;
	uint8_t magic[PACKED_HEAD];
	size_t magic_len;
	/* The state, or NULL with `e`. */
	void *(*open)(struct packed *in, const char *tool, struct err *e);
	/* As packed_read. */
	ssize_t (*read)(void *state, struct packed *in, void *buf, size_t n, struct err *fault);
	void (*close)(void *state);
};

/* gzip by zlib (where it was built with it) */
void *gunzip_open(struct packed *in, const char *tool, struct err *e);
ssize_t gunzip_read(void *state, struct packed *in, void *buf, size_t n, struct err *fault);
void gunzip_close(void *state);
/* anything by the program of its name */
void *unpack_tool_open(struct packed *in, const char *tool, struct err *e);
ssize_t unpack_tool_read(void *state, struct packed *in, void *buf, size_t n, struct err *fault);
void unpack_tool_close(void *state);

#endif
