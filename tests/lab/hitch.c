/*
 * hitch: laid before the C library (LD_PRELOAD), it makes three faults that a test can't make
 * otherwise, or not without harm to the machine: a wall clock that is stepped, for the program and
 * for the stamps of what it captures alike, memory that runs out at the n-th piece, and the program
 * killed while a process of its own begins.
 *
 *   HITCH_CLOCK=FILE   two numbers of 64 bits: from which moment (ns since 1970, by the true clock;
 *                      0: not yet), and by how much. Another process writes them when it likes.
 *   HITCH_PIECE=N      when N pieces of memory have been asked for after main began, 96 KB are
 * left, and nothing that is given back can be had again.
 *   HITCH_FORK=1       it is killed in its first fork.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

/* --- the clock ---------------------------------------------------------------------------- */

struct step {
	_Atomic int64_t at, by;
};

static struct step *step;

static int64_t stepped(int64_t ns)
{
	int64_t at = step ? atomic_load(&step->at) : 0;

	return at && ns >= at ? ns + atomic_load(&step->by) : ns;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		int64_t ns = stepped(ts->tv_sec * NS_PER_S + ts->tv_nsec);

		ts->tv_sec = ns / NS_PER_S;
		ts->tv_nsec = ns % NS_PER_S;
	}
	return rc;
}

struct reader {
	pcap_handler fn;
	u_char *ctx;
};

static void on_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	const struct reader *r = (const void *)user;
	struct pcap_pkthdr as_stepped = *h;
	int64_t ns = stepped(h->ts.tv_sec * NS_PER_S + h->ts.tv_usec); /* they are nanoseconds */

	as_stepped.ts.tv_sec = ns / NS_PER_S;
	as_stepped.ts.tv_usec = ns % NS_PER_S;
	r->fn(r->ctx, &as_stepped, bytes);
}

int pcap_dispatch(pcap_t *p, int n, pcap_handler fn, u_char *ctx)
{
	struct reader r = {fn, ctx};
	int (*next)(pcap_t *, int, pcap_handler, u_char *);

	*(void **)&next = dlsym(RTLD_NEXT, "pcap_dispatch");
	return next(p, n, on_frame, (u_char *)&r);
}

/* --- memory ------------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

enum { LEFT = 96 << 10 };

static _Atomic long pieces, taken;
static long last_piece; /* 0: there is no end */
static int (*real_main)(int argc, char **argv, char **env);

/* What libseccomp needs is looked for before it is asked (base/room): it has that. */
static _Atomic int has_room;

void *seccomp_init(unsigned action)
{
	void *(*next)(unsigned);

	has_room++;
	*(void **)&next = dlsym(RTLD_NEXT, "seccomp_init");
	return next(action);
}

void seccomp_release(void *filter)
{
	void (*next)(void *);

	*(void **)&next = dlsym(RTLD_NEXT, "seccomp_release");
	next(filter);
	has_room--;
}

static int is_out(size_t size)
{
	if (!last_piece || has_room || atomic_fetch_add(&pieces, 1) + 1 < last_piece)
		return 0;
	if (atomic_load(&taken) + (long)size <= LEFT) {
		atomic_fetch_add(&taken, (long)size);
		return 0;
	}
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return is_out(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return is_out(n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return is_out(size) ? NULL : __libc_realloc(old, size);
}

/* --- the end ------------------------------------------------------------------------------ */

static int kills;

pid_t fork(void)
{
	pid_t (*next)(void), pid;

	*(void **)&next = dlsym(RTLD_NEXT, "fork");
	pid = next();
	if (pid > 0 && kills)
		raise(SIGKILL);
	return pid;
}

/* --- the beginning: what comes before main is the loader's and the libraries' ---------------- */

static int begin(int argc, char **argv, char **env)
{
	const char *clock = getenv("HITCH_CLOCK"), *piece = getenv("HITCH_PIECE");

	unsetenv("LD_PRELOAD");
	if (clock) {
		int fd = open(clock, O_RDONLY);
		void *map = mmap(NULL, sizeof(*step), PROT_READ, MAP_SHARED, fd, 0);

		step = map == MAP_FAILED ? NULL : map;
		close(fd);
	}
	last_piece = piece ? atol(piece) : 0;
	kills = getenv("HITCH_FORK") != NULL;
	return real_main(argc, argv, env);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
		    void (*)(void), void *);

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = main;
	return next(begin, argc, argv, init, fini, rtld_fini, stack_end);
}
