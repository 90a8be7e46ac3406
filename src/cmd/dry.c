/* dry: prints what would leave, and answers nothing; its clock moves when it is waited for. */
#include "cmd/dry.h"

#include "base/bytes.h"
#include "packet/decode.h"
#include "packet/notation.h"

static size_t dry_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns)
{
	struct dry_wire *d = (struct dry_wire *)w;

	(void)lane;
	*at_ns = d->now_ns;
	for (size_t i = 0; i < n; i++) {
		char line[512];
		struct text t = text_of(line, sizeof(line));
		struct packet p;

		v[i].error = 0;
		if (decode_frame(v[i].ip, v[i].len, v[i].len, LINKTYPE_RAW, &p) == DECODE_OK)
			notation_put_packet(&t, &p);
		fprintf(d->out, "%s\n", line);
	}
	return n;
}

static int dry_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		    struct err *e)
{
	struct dry_wire *d = (struct dry_wire *)w;

	(void)fn;
	(void)ctx;
	(void)e;
	d->now_ns = deadline_ns > d->now_ns ? deadline_ns : d->now_ns + 1;
	return 0;
}

static uint64_t dry_now(struct wire *w)
{
	return ((struct dry_wire *)w)->now_ns;
}

static unsigned dry_events(struct wire *w)
{
	(void)w;
	return 0;
}

static void dry_stats(struct wire *w, struct wire_stats *out)
{
	(void)w;
	*out = (struct wire_stats){0};
}

static bool dry_path_up(struct wire *w, uint16_t path, struct err *why)
{
	(void)w;
	(void)path;
	(void)why;
	return true;
}

static void dry_close(struct wire *w)
{
	(void)w;
}

void dry_init(struct dry_wire *d, FILE *out, const struct path *paths, size_t n_paths)
{
	static const struct wire_ops ops = {
	    .send = dry_send,
	    .recv = dry_recv,
	    .now = dry_now,
	    .events = dry_events,
	    .stats = dry_stats,
	    .path_up = dry_path_up,
	    .close = dry_close,
	};

	*d =
	    (struct dry_wire){.wire = {.ops = &ops, .paths = paths, .n_paths = n_paths, .lanes = 1},
			      .out = out,
			      .now_ns = 1};
}
