/*
 * capture: a whole file as `explain` reads it: unpacked by zlib where it is gzip, pcap by libpcap,
 * pcapng by blocks. Whatever it holds, frames are numbered upwards and lie in what was read, an end
 * that is no end has a reason, and a second reading finds the same. What other programs unpack is
 * not read: there are none here.
 */
#include "config.h"

#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/capfile.h"

enum { FRAMES_MAX = 20000 };

struct read_of {
	int rc;
	uint32_t frames, last;
	uint64_t sum;
	struct err e;
};

static void take(struct read_of *r, const struct capfile_frame *f)
{
	struct packet p;

	assert(f->captured <= f->len && f->number > r->last);
	r->last = f->number;
	r->frames++;
	for (uint32_t i = 0; i < f->captured; i++)
		r->sum = r->sum * 31 + f->bytes[i];
	r->sum += f->wall_ns;
	if (decode_frame_how(f->bytes, f->captured, f->len, f->linktype, DECODE_TUNNELS, &p) ==
	    DECODE_OK)
		fuzz_check_packet(&p, f->bytes - 1, f->captured + 1);
}

static void read_all(int fd, struct read_of *r)
{
	struct capfile *c = capfile_open_held("f", fd, NULL, &r->e);
	struct capfile_frame f;

	r->rc = -2;
	if (!c) {
		assert(r->e.msg[0]);
		return;
	}
	while ((r->rc = capfile_next(c, &f, &r->e)) > 0 && r->frames < FRAMES_MAX)
		take(r, &f);
	assert(r->rc >= 0 || r->e.msg[0]);
	capfile_close(c);
}

int fuzz_capture(const uint8_t *data, size_t len)
{
	struct read_of first = {0}, again = {0};
	int fd;

	fd = memfd_create("f", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	read_all(fd, &first);
	read_all(fd, &again);
	assert(first.rc == again.rc && first.frames == again.frames && first.sum == again.sum);
	assert(strcmp(first.e.msg, again.e.msg) == 0);
	close(fd);
	return 0;
}
