/*
 * kernel: a ring a processor that the kernel writes its resets into, read in the order of time.
 * All is opened while there is privilege; reading needs none. It refuses to know what a reason
 * means (judge/kernel_reset) and which frame it belongs to (judge/explain).
 */
#include "config.h"

#include "wire/kernel.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wire/clock.h"
#include "wire/tracefs.h"

enum {
	FORMAT_TEXT = 64 << 10,
	/* With its first page, no more than what the kernel lets anyone lock (516 KiB a
	 * processor); some 1,700 resets between two readings. */
	RING_PAGES = 64,
	RECORD_MAX = 1024, /* ours have some 150 octets */
	SAMPLE_FIXED = 28, /* what comes before the raw data: pid, tid, time, cpu, size */
};

struct ring {
	int fd;
	struct perf_event_mmap_page *page; /* NULL: not mapped */
	uint64_t tail, head; /* what is read now: up to the head of when reading began */
	bool waiting;	     /* `next` is the oldest that was not handed on */
	struct kernel_reset next;
};

struct kernel {
	struct kernel_format *format;
	int poll_fd; /* an epoll of all rings: one descriptor, however many processors */
	size_t page_size, data_size;
	uint64_t lost;
	size_t n;
	struct ring rings[];
};

/* --- opening ------------------------------------------------------------------------------ */

static int open_event(uint64_t id, int cpu)
{
	struct perf_event_attr attr = {
	    .type = PERF_TYPE_TRACEPOINT,
	    .size = sizeof(attr),
	    .config = id,
	    .sample_period = 1,
	    .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW,
	    .use_clockid = 1,
	    .clockid = CLOCK_MONOTONIC,
	    .wakeup_events = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int open_ring(struct kernel *k, uint64_t id, int cpu)
{
	struct ring *r = &k->rings[k->n];
	struct epoll_event on = {.events = EPOLLIN};
	void *page;

	r->fd = open_event(id, cpu);
	if (r->fd < 0)
		return -1;
	k->n++;
	page =
	    mmap(NULL, k->page_size + k->data_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (page == MAP_FAILED)
		return -1;
	r->page = page;
	return epoll_ctl(k->poll_fd, EPOLL_CTL_ADD, r->fd, &on);
}

static int open_rings(struct kernel *k, uint64_t id, long cpus, enum kernel_access *access,
		      struct err *e)
{
	for (long cpu = 0; cpu < cpus; cpu++) {
		/* ENODEV: a processor that is switched off */
		if (open_ring(k, id, (int)cpu) == 0 || errno == ENODEV)
			continue;
		*access = KERNEL_DENIED;
		if (errno == EACCES || errno == EPERM)
			return err_set(e, "tracepoint tcp_send_reset: permission denied (needs "
					  "root or CAP_PERFMON)");
		return err_sys(e, errno, "tracepoint tcp_send_reset: processor %ld", cpu);
	}
	if (k->n)
		return 0;
	*access = KERNEL_DENIED;
	return err_set(e, "tracepoint tcp_send_reset: no processor lets itself be watched");
}

/* The line "ID: 2280". */
static bool event_id(const char *text, uint64_t *id)
{
	const char *at = strstr(text, "\nID: ");

	*id = at ? strtoull(at + 5, NULL, 10) : 0;
	return *id != 0;
}

static struct kernel_format *find_format(uint64_t *id, enum kernel_access *access, struct err *e)
{
	static const enum kernel_access as[] = {
	    [TRACEFS_OK] = KERNEL_OK,
	    [TRACEFS_NONE] = KERNEL_NO_TRACEFS,
	    [TRACEFS_DENIED] = KERNEL_DENIED,
	    [TRACEFS_NO_EVENT] = KERNEL_NO_TRACEPOINT,
	};
	struct kernel_format *f = NULL;
	char *text = malloc(FORMAT_TEXT);

	if (!text) {
		*access = KERNEL_NO_TRACEPOINT;
		err_sys(e, ENOMEM, "tracepoint tcp_send_reset");
		goto out;
	}
	*access = as[tracefs_format("tcp/tcp_send_reset", text, FORMAT_TEXT, e)];
	if (*access != KERNEL_OK)
		goto out;
	*access = KERNEL_NO_TRACEPOINT;
	if (!event_id(text, id)) {
		err_set(e, "tracepoint tcp_send_reset: its format has no ID");
		goto out;
	}
	f = kernel_format_parse(text, e);
	if (f)
		*access = kernel_format_has_reason(f) ? KERNEL_OK : KERNEL_NO_REASON;
out:
	free(text);
	return f;
}

struct kernel *kernel_open(enum kernel_access *access, struct err *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct kernel_format *format;
	struct kernel *k = NULL;
	uint64_t id;

	format = find_format(&id, access, e);
	if (!format)
		return NULL;
	if (cpus < 1)
		cpus = 1;
	k = calloc(1, sizeof(*k) + (size_t)cpus * sizeof(k->rings[0]));
	if (!k) {
		kernel_format_free(format);
		*access = KERNEL_DENIED;
		err_sys(e, ENOMEM, "tracepoint tcp_send_reset");
		return NULL;
	}
	k->format = format;
	k->page_size = (size_t)sysconf(_SC_PAGESIZE);
	k->data_size = RING_PAGES * k->page_size;
	k->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (k->poll_fd < 0) {
		*access = KERNEL_DENIED;
		err_sys(e, errno, "tracepoint tcp_send_reset");
	} else if (open_rings(k, id, cpus, access, e) == 0) {
		return k;
	}
	kernel_close(k);
	return NULL;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		if (k->rings[i].page)
			munmap(k->rings[i].page, k->page_size + k->data_size);
		close(k->rings[i].fd);
	}
	if (k->poll_fd >= 0)
		close(k->poll_fd);
	kernel_format_free(k->format);
	free(k);
}

int kernel_fd(const struct kernel *k)
{
	return k->poll_fd;
}

/* --- reading ------------------------------------------------------------------------------ */

/* A record may go round the end of the ring. */
static void copy_out(const struct kernel *k, const struct ring *r, uint64_t at, void *to,
		     size_t len)
{
	const uint8_t *data = (const uint8_t *)r->page + k->page_size;
	size_t from = (size_t)(at & (k->data_size - 1));
	size_t first = k->data_size - from;

	if (first > len)
		first = len;
	memcpy(to, data + from, first);
	memcpy((uint8_t *)to + first, data, len - first);
}

static bool take_sample(const struct kernel *k, const uint8_t *body, size_t len,
			struct kernel_reset *out)
{
	struct {
		uint32_t pid, tid;
		uint64_t time;
		uint32_t cpu, reserved, size;
	} __attribute__((packed)) s;

	_Static_assert(sizeof(s) == SAMPLE_FIXED, "as the sample type asks");
	if (len < sizeof(s))
		return false;
	memcpy(&s, body, sizeof(s));
	if (s.size > len - sizeof(s))
		return false;
	body += sizeof(s);
	if (kernel_format_read(k->format, body, s.size, out) < 0)
		return false;
	out->wall_ns = s.time; /* not yet */
	if (kernel_format_by_process(k->format, body, s.size))
		out->pid = s.pid;
	return true;
}

static void take_record(struct kernel *k, struct ring *r, const struct perf_event_header *h)
{
	uint8_t body[RECORD_MAX];
	size_t len = h->size - sizeof(*h);
	uint64_t lost[2]; /* id, how many */

	if (len > sizeof(body))
		return;
	copy_out(k, r, r->tail + sizeof(*h), body, len);
	if (h->type == PERF_RECORD_LOST && len >= sizeof(lost)) {
		memcpy(lost, body, sizeof(lost));
		k->lost += lost[1];
	} else if (h->type == PERF_RECORD_SAMPLE) {
		r->waiting = take_sample(k, body, len, &r->next);
	}
}

/* Goes on to the ring's next reset; false where it has none now. */
static bool advance(struct kernel *k, struct ring *r)
{
	while (!r->waiting && r->tail < r->head) {
		struct perf_event_header h;

		copy_out(k, r, r->tail, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > r->head - r->tail) {
			r->tail = r->head; /* can't be */
			break;
		}
		take_record(k, r, &h);
		r->tail += h.size;
	}
	return r->waiting;
}

static struct ring *oldest(struct kernel *k)
{
	struct ring *best = NULL;

	for (size_t i = 0; i < k->n; i++) {
		struct ring *r = &k->rings[i];

		if (advance(k, r) && (!best || r->next.wall_ns < best->next.wall_ns))
			best = r;
	}
	return best;
}

size_t kernel_read(struct kernel *k, kernel_reset_fn *fn, void *ctx)
{
	uint64_t wall_less_mono = clock_wall_of_mono(0);
	struct ring *r;
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct perf_event_mmap_page *page = k->rings[i].page;

		k->rings[i].head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	}
	while ((r = oldest(k))) {
		r->next.wall_ns += wall_less_mono;
		fn(ctx, &r->next);
		r->waiting = false;
		n++;
	}
	for (size_t i = 0; i < k->n; i++)
		__atomic_store_n(&k->rings[i].page->data_tail, k->rings[i].tail, __ATOMIC_RELEASE);
	return n;
}

uint64_t kernel_lost(const struct kernel *k)
{
	return k->lost;
}
