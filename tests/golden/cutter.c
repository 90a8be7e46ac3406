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

enum { SNAP_MAX = 200 };

/* One run over a file, as far as it can be read. */
struct run {
	struct watch w;
	bool opened;
	int end; /* of capfile_next: 0 or -1 */
};

/* All frames of a file, in memory. */
struct frames {
	struct capfile_frame *v;
	size_t n;
};

static void read_frames(const char *path, struct frames *all)
{
	struct err e = {""};
	struct capfile *f = capfile_open(path, &e);
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

static void run_file(struct run *r, const char *path, const struct frames *whole)
{
	const struct explain_limits l = small_table();
	struct err e = {""};
	struct capfile *f = capfile_open(path, &e);
	struct capfile_frame in;

	memset(r, 0, sizeof(*r));
	watch_open(&r->w, &l);
	r->opened = f != NULL;
	if (!f) {
		assert(e.msg[0]);
		return;
	}
	while ((r->end = capfile_next(f, &in, &e)) == 1) {
		assert(in.number == r->w.last + 1 && in.number <= whole->n);
		assert(in.captured == whole->v[in.number - 1].captured);
		assert(memcmp(in.bytes, whole->v[in.number - 1].bytes, in.captured) == 0);
		watch_frame(&r->w, in.bytes, in.captured, in.len, in.linktype, in.wall_ns);
	}
	assert(r->end == 0 || e.msg[0]);
	capfile_close(f);
	watch_end(&r->w);
}

static bool same_told(const struct told *a, const struct told *b)
{
	return a->frame == b->frame && a->provoked_by == b->provoked_by && a->root == b->root &&
	       a->cause == b->cause && a->sure == b->sure && a->severity == b->severity &&
	       a->origin == b->origin && a->outcome == b->outcome;
}

/* What had settled before the cut is as it is in the whole. */
static void check_prefix(const struct run *whole, const struct run *cut)
{
	assert(cut->w.last <= whole->w.last && cut->w.n <= whole->w.n);
	assert(cut->w.n_before_end <= whole->w.n);
	for (size_t i = 0; i < cut->w.n_before_end; i++)
		assert(same_told(&whole->w.told[i], &cut->w.told[i]));
	for (size_t i = 0; i < cut->w.n; i++)
		assert(cut->w.told[i].frame == whole->w.told[i].frame);
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

/* From the end to the start, so that one copy shrinks. How many cuts. */
static size_t cut_everywhere(const char *path, size_t stride, const struct frames *all,
			     const struct run *whole)
{
	char tmp[] = "/tmp/rstprobe-cut-XXXXXX";
	int fd = mkstemp(tmp);
	off_t *edges = record_edges(path, all), size;
	size_t n = 0, frames_before = all->n;
	struct run cut;

	assert(fd >= 0);
	for (size = copy_file(path, fd); size >= 0; size -= (off_t)stride, n++) {
		assert(ftruncate(fd, size) == 0);
		run_file(&cut, tmp, all);
		assert(cut.w.last <= frames_before);
		frames_before = cut.w.last;
		check_prefix(whole, &cut);
		if (edges) {
			uint32_t k = cut.w.last;

			assert(cut.opened || size < (off_t)(24 + 16));
			assert(!cut.opened ||
			       (size >= edges[k] && (k == all->n || size < edges[k + 1])));
			assert(!cut.opened || (cut.end == 0) == (size == edges[k]));
		}
		watch_close(&cut.w);
	}
	close(fd);
	unlink(tmp);
	free(edges);
	return n;
}

/* As if captured with -s: fewer RSTs can be read, and none that were not there. */
static size_t snap_everywhere(const struct frames *all, const struct run *whole)
{
	const struct explain_limits l = small_table();
	uint64_t rsts = 0;

	for (uint32_t snap = 0; snap <= SNAP_MAX; snap++) {
		struct watch w;

		watch_open(&w, &l);
		for (size_t i = 0; i < all->n; i++) {
			const struct capfile_frame *f = &all->v[i];
			uint32_t kept = f->captured < snap ? f->captured : snap;
			uint8_t *exact = malloc(kept ? kept : 1);

			assert(exact);
			memcpy(exact, f->bytes, kept);
			watch_frame(&w, exact, kept, f->len, f->linktype, f->wall_ns);
			free(exact);
		}
		watch_end(&w);
		assert(w.rsts >= rsts && w.rsts <= whole->w.rsts);
		rsts = w.rsts;
		watch_close(&w);
	}
	return SNAP_MAX + 1;
}

int main(int argc, char **argv)
{
	struct frames all = {NULL, 0};
	struct run whole;
	size_t cuts, snaps;

	if (argc != 3 || atoi(argv[1]) < 1) {
		fputs("usage: cutter STRIDE FILE\n", stderr);
		return 2;
	}
	read_frames(argv[2], &all);
	run_file(&whole, argv[2], &all);
	assert(whole.w.last == all.n);
	cuts = cut_everywhere(argv[2], (size_t)atoi(argv[1]), &all, &whole);
	snaps = snap_everywhere(&all, &whole);
	printf("frames %zu resets %zu cuts %zu snaps %zu\n", all.n, whole.w.n, cuts, snaps);
	watch_close(&whole.w);
	free_frames(&all);
	return 0;
}
