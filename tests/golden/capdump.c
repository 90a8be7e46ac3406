/*
 * capdump: what wire/capfile reads of a capture file and what the decoder makes of it, a line a
 * frame: number, time in ns, link type, octets captured and sent, decode status, tunnels, and the
 * packet. tests/golden/test_capfile.py reads it. Ends with 0, with 3 where the file is cut, with 2
 * where it can't be read at all. -w OUT writes the frames again, -x prints their octets instead of
 * the packet. A signal to end ends the wait for a pipe, as in the program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "packet/decode.h"
#include "packet/notation.h"
#include "wire/capfile.h"
#include "wire/signals.h"
#include "wire/unpacker.h"

static void put_packet(const struct capfile_frame *f)
{
	char line[512] = "";
	struct text t = text_of(line, sizeof(line));
	struct packet p;
	enum decode_status st = decode_frame_how(f->bytes, f->captured, f->len, f->linktype,
						 DECODE_TUNNELS | DECODE_SUMS_OF_RSTS, &p);

	printf(" | %s", decode_status_name(st));
	if (st != DECODE_OK)
		return;
	notation_put_packet(&t, &p);
	printf(" | %u %s | %s", p.n_tunnels, p.n_tunnels ? tunnel_name(p.tunnel) : "-", line);
}

static void put_octets(const struct capfile_frame *f)
{
	printf(" | ");
	for (uint32_t i = 0; i < f->captured; i++)
		printf("%02x", f->bytes[i]);
}

int main(int argc, char **argv)
{
	struct capfile_out *copy = NULL;
	struct capfile_frame frame;
	const char *to = NULL;
	struct err e = {""};
	bool octets = false;
	struct privilege_user self = {0};
	struct unpacker *unpacker;
	const char *name;
	struct capfile *f;
	int c, rc, held;

	while ((c = getopt(argc, argv, "w:x")) != -1) {
		if (c == '?')
			return 2;
		if (c == 'w')
			to = optarg;
		octets |= c == 'x';
	}
	unpacker = unpacker_start(&self, &e);
	signals_install();
	setvbuf(stdout, NULL, _IOLBF, 0);
	name = argc > optind ? argv[optind] : "-";
	held = capfile_hold(name);
	f = capfile_open_held(name, held, unpacker, &e);
	if (!f) {
		fprintf(stderr, "%s\n", e.msg);
		unpacker_end(unpacker);
		return 2;
	}
	while ((rc = capfile_next(f, &frame, &e)) == 1) {
		printf("%" PRIu32 " %" PRIu64 " %d %" PRIu32 " %" PRIu32, frame.number,
		       frame.wall_ns, frame.linktype, frame.captured, frame.len);
		(octets ? put_octets : put_packet)(&frame);
		putchar('\n');
		if (to && !copy)
			copy = capfile_create(to, frame.linktype, &e);
		if (copy)
			capfile_put(copy, &frame);
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	capfile_close(f);
	close(held);
	unpacker_end(unpacker);
	if (capfile_finish(copy, &e) < 0 || (to && !copy)) {
		fprintf(stderr, "%s\n", e.msg);
		return 2;
	}
	return rc < 0 ? 3 : 0;
}
