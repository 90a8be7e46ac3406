/*
 * unpack_gzip: gzip by zlib's inflate, member after member as gzip itself reads them. An end inside
 * a member is a fault, so that a cut file is never taken for a short one.
 */
#include "config.h"

#include "wire/unpack_private.h"

#ifdef HAVE_ZLIB

#include <stdlib.h>
#include <zlib.h>

enum { PACKED = 64 << 10, GZIP_ONLY = 15 + 16 /* window bits; see inflateInit2 */ };

struct gunzip {
	z_stream z;
	bool inside; /* a member has begun and not ended */
	bool over;
	uint8_t packed[PACKED];
};

void *gunzip_open(struct packed *in, const char *tool, struct err *e)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	(void)in;
	(void)tool;
	if (!g || inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		err_set(e, "gzip: no memory");
		free(g);
		return NULL;
	}
	g->inside = true;
	return g;
}

void gunzip_close(void *state)
{
	struct gunzip *g = state;

	inflateEnd(&g->z);
	free(g);
}

/* More packed octets; 0 at the file's end. */
static int refill(struct gunzip *g, struct packed *in, struct err *fault)
{
	ssize_t got = packed_read(in, g->packed, sizeof(g->packed), fault);

	if (got < 0)
		return -1;
	if (got == 0 && g->inside)
		return err_set(fault, "the gzip data ends early");
	g->z.next_in = g->packed;
	g->z.avail_in = (uInt)got;
	return got > 0;
}

/* Behind a member another may follow; what doesn't begin as one (padding) is no part of it. */
static void next_member(struct gunzip *g)
{
	g->over = *g->z.next_in != 0x1f || inflateReset(&g->z) != Z_OK;
	g->inside = !g->over;
}

ssize_t gunzip_read(void *state, struct packed *in, void *buf, size_t n, struct err *fault)
{
	struct gunzip *g = state;
	bool damaged = false;

	g->z.next_out = buf;
	g->z.avail_out = (uInt)n;
	while (!g->over && !damaged && g->z.avail_out == n) {
		int rc;

		if (g->z.avail_in == 0) {
			int more = refill(g, in, fault);

			if (more <= 0)
				return more;
		}
		if (!g->inside) {
			next_member(g);
			continue;
		}
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->inside = false;
		else
			damaged = rc != Z_OK && rc != Z_BUF_ERROR;
	}
	/* what was unpacked before the damage comes first; it is told by the next call */
	if (damaged && g->z.avail_out == n)
		return err_set(fault, "the gzip data is damaged: %s",
			       g->z.msg ? g->z.msg : "not to be unpacked");
	return (ssize_t)(n - g->z.avail_out);
}

#endif
