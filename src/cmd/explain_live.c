/*
 * explain_live: an interface, and where it may the kernel's own words, through the explainer until
 * somebody says that it is enough. Asking it to end is a normal end.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/explain_run.h"
#include "packet/decode.h"
#include "wire/capfile.h"
#include "wire/clock.h"
#include "wire/comm.h"
#include "wire/kernel.h"
#include "wire/signals.h"
#include "wire/sniff.h"

enum {
	SNAP_HEADERS = 512, /* tunnels, IPv6, options, and the text that a RST may hold */
	SNAP_ALL = 262144,
	TICK_NS = 100000000, /* what is due is told so late at most */
	STEP_NS = 100000000, /* by which no clock is slewed within a tick: it was set */
};

struct listening {
	struct explain_run *x;
	struct sniff *sniff;
	struct kernel *kernel;	/* NULL: its words are not to be had */
	struct err no_kernel;	/* why */
	struct comm *comm;	/* NULL: its processes have numbers alone */
	struct kernel_reset by; /* the last one that was named in this turn */
	uint32_t number;	/* of the last frame */
	int64_t offset_ns;	/* of the wall clock, as it was last seen */
	int64_t stepped_ns;	/* by which it was set since; 0: it was not, or all is done */
	struct pollfd poll[3];	/* the frames, the reader of stdout, the kernel's words */
};

/* --- opening ---------------------------------------------------------------------------------- */

static int open_sniff(struct listening *l)
{
	struct explain_run *x = l->x;
	const struct sniff_config c = {
	    .ifname = x->o.ifname,
	    .filter = x->o.filter,
	    .snaplen = x->o.write_pcap ? SNAP_ALL : SNAP_HEADERS,
	};
	bool denied = false, usage = false;
	struct err e;

	l->sniff = sniff_open(&c, &denied, &usage, &e);
	if (l->sniff)
		return 0;
	explain_fail(x, usage ? STATUS_USAGE : STATUS_CANNOT, &e);
	if (denied)
		cmd_put_privilege_fix();
	return -1;
}

/* First of all: the rings that are mapped by then would stay so in its process. */
static void start_comm(struct listening *l)
{
	if (l->x->o.kernel != KERNEL_NOT_ASKED)
		l->comm = comm_start(&l->x->user, NULL);
}

/* Who asks for the kernel's words by name gets them or nothing; else they are welcome. */
static int open_kernel(struct listening *l)
{
	struct explain_run *x = l->x;
	enum kernel_access access = KERNEL_OK;

	if (x->o.kernel == KERNEL_NOT_ASKED)
		return 0;
	l->kernel = kernel_open(&access, &l->no_kernel);
	x->end.kernel = "";
	if (l->kernel && access == KERNEL_NO_REASON)
		x->end.kernel = "this kernel gives no reasons (Linux 6.10 and later do)";
	if (!l->kernel)
		x->end.kernel = l->no_kernel.msg;
	if (x->o.kernel == KERNEL_NEEDED && !l->kernel) {
		struct err e;

		err_set(&e, "--kernel: %s", x->end.kernel);
		return explain_fail(x, STATUS_CANNOT, &e);
	}
	return 0;
}

static void watch(struct listening *l)
{
	l->poll[0] = (struct pollfd){.fd = sniff_fd(l->sniff), .events = POLLIN};
	/* no event is asked for: only that nobody reads any more is told */
	l->poll[1].fd = reporting_on_stdout(&l->x->out) ? STDOUT_FILENO : -1;
	l->poll[2].fd = l->kernel ? kernel_fd(l->kernel) : -1;
	l->poll[2].events = POLLIN;
}

/* --- a clock that is set -----------------------------------------------------------------------
 */

static void heed_clock(struct listening *l)
{
	int64_t now, by;

	if (l->stepped_ns || !clock_wall_offset(&now))
		return;
	by = now - l->offset_ns;
	if (l->offset_ns && (by > STEP_NS || by < -STEP_NS))
		l->stepped_ns = by;
	l->offset_ns = now;
}

/* What was seen by the old clock seems an hour idle, or of tomorrow, by the new one: each RST that
 * waits is judged by what is known, and what comes is the beginning. */
static void begin_anew(struct listening *l)
{
	double s = (double)l->stepped_ns / 1e9;
	char text[160];

	snprintf(text, sizeof(text),
		 "the clock was set %s by %.1f s: the connections seen so far are forgotten",
		 s < 0 ? "back" : "forward", s < 0 ? -s : s);
	explain_note(l->x, text);
	explain_forget(l->x->explain);
	l->stepped_ns = 0;
}

static uint64_t between(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

static bool is_of_new_clock(const struct listening *l, uint64_t wall_ns)
{
	uint64_t now = clock_wall_ns(), as_it_was = now - (uint64_t)l->stepped_ns;

	return between(wall_ns, now) < between(wall_ns, as_it_was);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct listening *l = ctx;
	struct explain_run *x = l->x;
	const struct capfile_frame f = {.bytes = in->frame,
					.captured = in->captured,
					.len = in->len,
					.linktype = in->linktype,
					.wall_ns = in->at_ns,
					.number = ++l->number};
	struct packet p;
	struct err e;

	if (l->stepped_ns && is_of_new_clock(l, in->at_ns))
		begin_anew(l);
	if (explain_decoded(x, x->explain, &f, 0, &p) == DECODE_OK && x->keep &&
	    keep_see(x->keep, &f, true, &e) < 0)
		explain_cut(x, &e);
}

static void on_kernel(void *ctx, const struct kernel_reset *k)
{
	struct listening *l = ctx;
	struct kernel_reset named = *k;

	if (k->pid && k->pid != l->by.pid) {
		comm_of(l->comm, k->pid, l->by.comm);
		l->by.pid = k->pid;
	}
	if (k->pid)
		memcpy(named.comm, l->by.comm, sizeof(named.comm));
	explain_kernel(l->x->explain, &named);
}

/* What is there now. -1 where the interface is gone, which is said. */
static int read_all(struct listening *l)
{
	struct err e;

	l->by.pid = 0; /* a number may have another name by now */
	if (l->kernel)
		kernel_read(l->kernel, on_kernel, l);
	return sniff_read(l->sniff, on_frame, l, &e) < 0 ? explain_cut(l->x, &e) : 0;
}

/* The signals are blocked from the look at them to the sleep, so that none slips in between. */
static void sleep_a_tick(struct listening *l)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	sigset_t block, old;

	signals_set(&block);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	if (!signals_pending() && ppoll(l->poll, 3, &tick, &old) < 0)
		l->poll[1].revents = 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static bool is_over(const struct listening *l)
{
	return (signals_pending() & WIRE_STOP) || l->x->over || explain_deadline_over(l->x) ||
	       (l->poll[1].revents & POLLERR);
}

static void listen_on(struct listening *l)
{
	while (!is_over(l)) {
		sleep_a_tick(l);
		heed_clock(l);
		if (read_all(l) < 0)
			return;
		if (l->stepped_ns)
			begin_anew(l);
		explain_tick(l->x->explain, clock_wall_ns());
		reporting_flush(&l->x->out);
		explain_progress(l->x);
	}
	read_all(l);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void count_losses(struct listening *l)
{
	struct wire_stats stats = {0};
	uint64_t unheard = l->kernel ? kernel_lost(l->kernel) : 0;
	struct err e;

	sniff_stats(l->sniff, &stats);
	l->x->end.dropped = stats.dropped;
	if (stats.dropped) {
		err_set(&e,
			"the capture lost %llu of %llu frames: what they held was not judged "
			"(-f takes fewer)",
			(unsigned long long)stats.dropped,
			(unsigned long long)(stats.captured + stats.dropped));
		explain_cut(l->x, &e);
	}
	if (unheard) {
		err_set(&e, "the kernel's reason of %llu resets was lost",
			(unsigned long long)unheard);
		explain_note(l->x, e.msg);
	}
}

static void write_flows(struct listening *l)
{
	struct err e;

	if (l->x->keep && keep_unspool(l->x->keep, explain_spooled, l->x, &e) < 0)
		explain_cut(l->x, &e);
}

static void say_hello(struct listening *l)
{
	char text[400];

	snprintf(text, sizeof(text), "listening on %s; Ctrl-C ends it", l->x->o.ifname);
	explain_note(l->x, text);
	if (l->x->end.kernel && *l->x->end.kernel) {
		snprintf(text, sizeof(text), "without the kernel's own reasons: %s",
			 l->x->end.kernel);
		explain_note(l->x, text);
	}
}

static void run(struct listening *l)
{
	watch(l);
	say_hello(l);
	listen_on(l);
	explain_end(l->x->explain);
	count_losses(l);
	write_flows(l);
	explain_sum_up(l->x);
}

void explain_live(struct explain_run *x)
{
	struct listening l = {.x = x};

	start_comm(&l);
	if (open_sniff(&l) == 0 && open_kernel(&l) == 0 && explain_open_outputs(x, true) == 0 &&
	    explain_drop_privilege(x) == 0 && explain_report(x) == 0)
		run(&l);
	kernel_close(l.kernel);
	comm_end(l.comm);
	sniff_close(l.sniff);
}
