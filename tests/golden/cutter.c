/*
 * cutter: a capture explained whole, then cut short at every octet, then with every frame cut to
 * every length: no crash, no frame told of that is not there, no finding made before the cut that
 * the cut changes. What is right to find is test_explain.py's business.
 */
#include "config.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/watch.h"
#include "wire/capfile.h"

enum { SNAP_MAX = 140 }; /* all headers; behind them only payload is cut */

/* All frames of a file, in memory. */
struct frames {
	struct capfile_frame *v;
	size_t n;
};

/* How far a cut file can be read. */
struct reading {
	bool opened;
	int end; /* of capfile_next: 0 or -1 */
	size_t n;
};

static void read_frames(const char *path, struct frames *all)
{
	struct err e = {""};
	int held = capfile_hold(path);
	struct capfile *f = capfile_open_held(path, held, NULL, &e);
	struct capfile_frame in;

	if (!f) {
		fprintf(stderr, "cutter: %s: %s\n", path, e.msg);
		exit(2);
	}
	while (capfile_next(f, &in, &e) == 1) {
		uint8_t *copy = malloc(in.captured ? in.captured : 1);

		all->v = realloc(all->v, (all->n + 1) * sizeof(*all->v));
		assert(all->v && copy);
		memcpy(copy, in.bytes, in.captured);
		in.bytes = copy;
		all->v[all->n++] = in;
		assert(in.number == all->n);
	}
	capfile_close(f);
	close(held);
}

static void free_frames(struct frames *all)
{
	while (all->n)
		free((void *)(uintptr_t)all->v[--all->n].bytes);
	free(all->v);
}

static struct explain_limits small_table(void)
{
	struct explain_limits l = explain_limits_file;

	l.flows = 1024;
	return l;
}

/* The frames of a cut file are those of the whole, and where it ends too soon, that is said. */
static struct reading read_cut(const char *path, const struct frames *all)
{
	struct err e = {""};
	int held = capfile_hold(path);
	struct capfile *f = capfile_open_held(path, held, NULL, &e);
	struct reading r = {f != NULL, 0, 0};
	struct capfile_frame in;

	if (!f) {
		assert(e.msg[0]);
		if (held >= 0)
			close(held);
		return r;
	}
	while ((r.end = capfile_next(f, &in, &e)) == 1) {
		assert(in.number == ++r.n && r.n <= all->n);
		assert(in.captured == all->v[r.n - 1].captured);
		assert(memcmp(in.bytes, all->v[r.n - 1].bytes, in.captured) == 0);
	}
	assert(r.end == 0 || e.msg[0]);
	capfile_close(f);
	close(held);
	return r;
}

/* Explains the first n frames, each cut to `snap` octets at most, in a block of its length. */
static void explain_first(struct watch *w, const struct frames *all, size_t n, uint32_t snap)
{
	const struct explain_limits l = small_table();

	watch_open(w, &l);
	for (size_t i = 0; i < n; i++) {
		const struct capfile_frame *f = &all->v[i];
		uint32_t kept = f->captured < snap ? f->captured : snap;
		uint8_t *exact = malloc(kept ? kept : 1);

		assert(exact);
		memcpy(exact, f->bytes, kept);
		watch_frame(w, exact, kept, f->len, f->linktype, f->wall_ns);
		free(exact);
	}
	watch_end(w);
}

static bool same_told(const struct told *a, const struct told *b)
{
	return a->frame == b->frame && a->provoked_by == b->provoked_by && a->root == b->root &&
	       a->cause == b->cause && a->sure == b->sure && a->severity == b->severity &&
	       a->origin == b->origin && a->outcome == b->outcome;
}

/* What had settled before the cut is as it is in the whole. */
static void check_prefix(const struct watch *whole, const struct frames *all, size_t n)
{
	struct watch cut;

	explain_first(&cut, all, n, UINT32_MAX);
	assert(cut.n <= whole->n && cut.n_before_end <= whole->n);
	for (size_t i = 0; i < cut.n_before_end; i++)
		assert(same_told(&whole->told[i], &cut.told[i]));
	for (size_t i = 0; i < cut.n; i++)
		assert(cut.told[i].frame == whole->told[i].frame);
	watch_close(&cut);
}

/* A plain pcap file ends well only between two records; `edges` has their offsets. */
static off_t *record_edges(const char *path, const struct frames *all)
{
	off_t *edges = calloc(all->n + 1, sizeof(*edges)), at = 24;
	struct stat st;

	assert(edges && stat(path, &st) == 0);
	for (size_t i = 0; i < all->n; i++) {
		edges[i] = at;
		at += 16 + (off_t)all->v[i].captured;
	}
	edges[all->n] = at;
	if (at != st.st_size) { /* another form, or cut itself: nothing to hold it to */
		free(edges);
		return NULL;
	}
	return edges;
}

static off_t copy_file(const char *path, int to)
{
	char buf[65536];
	int from = open(path, O_RDONLY);
	ssize_t n;
	off_t size = 0;

	assert(from >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		assert(write(to, buf, (size_t)n) == n);
		size += n;
	}
	assert(n == 0);
	close(from);
	return size;
}

static void check_edges(const struct reading *r, const off_t *edges, off_t size, size_t n)
{
	assert(r->opened || size < edges[0] + 16);
	if (!r->opened)
		return;
	assert(size >= edges[r->n] && (r->n == n || size < edges[r->n + 1]));
	assert((r->end == 0) == (size == edges[r->n]));
}

/* From the end to the start, so that one copy shrinks. How many cuts. */
static size_t cut_everywhere(const char *path, size_t stride, const struct frames *all,
			     const struct watch *whole)
{
	char tmp[] = "/tmp/rstprobe-cut-XXXXXX";
	off_t *edges = record_edges(path, all), size;
	size_t cuts = 0, before = all->n + 1;
	int fd = mkstemp(tmp);

	assert(fd >= 0);
	for (size = copy_file(path, fd); size >= 0; size -= (off_t)stride, cuts++) {
		struct reading r;

		assert(ftruncate(fd, size) == 0);
		r = read_cut(tmp, all);
		assert(r.n <= before);
		if (edges)
			check_edges(&r, edges, size, all->n);
		if (r.n != before)
			check_prefix(whole, all, r.n);
		before = r.n;
	}
	close(fd);
	unlink(tmp);
	free(edges);
	return cuts;
}

/* As if captured with a snap length: fewer RSTs can be read, and none that were not there. */
static size_t snap_everywhere(const struct frames *all, const struct watch *whole)
{
	uint64_t rsts = 0;

	for (uint32_t snap = 0; snap <= SNAP_MAX; snap++) {
		struct watch w;

		explain_first(&w, all, all->n, snap);
		assert(w.rsts >= rsts && w.rsts <= whole->rsts);
		rsts = w.rsts;
		watch_close(&w);
	}
	return SNAP_MAX + 1;
}

int main(int argc, char **argv)
{
	struct frames all = {NULL, 0};
	struct watch whole;
	size_t cuts, snaps;

	if (argc != 3 || atoi(argv[1]) < 1) {
		fputs("usage: cutter STRIDE FILE\n", stderr);
		return 2;
	}
	read_frames(argv[2], &all);
	explain_first(&whole, &all, all.n, UINT32_MAX);
	cuts = cut_everywhere(argv[2], (size_t)atoi(argv[1]), &all, &whole);
	snaps = snap_everywhere(&all, &whole);
	printf("frames %zu resets %zu cuts %zu snaps %zu\n", all.n, whole.n, cuts, snaps);
	watch_close(&whole);
	free_frames(&all);
	return 0;
}
