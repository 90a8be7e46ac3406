/*
 * confine: tables of calls, and who keeps which. A filter sees numbers, never what a pointer
 * points to, so what has to be told apart by its memory is kept or refused as a whole.
 */
#include "config.h"

#include "wire/confine.h"

#include <stdio.h>

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/termbits.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include "base/room.h"

#define BIT(work) (1U << (work))

/* Who keeps a row. */
enum {
	SENDS = BIT(PRIVILEGE_SWEEP) | BIT(PRIVILEGE_CONVERSE),
	CONVERSES = BIT(PRIVILEGE_CONVERSE),
	READS = BIT(PRIVILEGE_READ),
	RESOLVES = BIT(PRIVILEGE_RESOLVE),
	NAMES = BIT(PRIVILEGE_NAME),
	TALKS = SENDS | READS | RESOLVES | NAMES, /* to what is open */
	THREADS = SENDS | RESOLVES,
	ALL = TALKS,
};

/* What an argument must be for the call to be kept: (argument & mask) == value. */
struct only {
	unsigned char arg; /* from 1; 0: any will do */
	uint64_t mask, value;
};

enum { ONLY_MAX = 3, FILTER_ROOM = 4 << 20 };

struct kept {
	int call;
	unsigned who;
	struct only only[ONLY_MAX];
};

/* not SCMP_SYS: some names a libc makes other words of, as musl of pread64 */
#define CALL_ONLY(name, works, ...)                                                                \
	{                                                                                          \
		.call = (int)__SNR_##name, .who = (works), .only = __VA_ARGS__                     \
	}
#define CALL(name, works) CALL_ONLY(name, works, {{0, 0, 0}})
#define CALL_IF(name, works, a, m, v) CALL_ONLY(name, works, {{a, m, v}})
#define CALL_IF2(name, works, a, m, v, a2, m2, v2) CALL_ONLY(name, works, {{a, m, v}, {a2, m2, v2}})

/*
 * A socket of the kernel's TCP, and of nothing that looks alike (MPTCP, SCTP). Where a C library
 * may ask by socketcall the arguments are in memory, and capabilities alone keep sockets apart.
 */
#if defined(__i386__) || defined(__s390__)
#define CALL_TCP(family) CALL(socket, CONVERSES)
#define CALL_OPTION(name) CALL(setsockopt, CONVERSES)
#else
#define CALL_TCP(family)                                                                           \
	CALL_ONLY(socket, CONVERSES,                                                               \
		  {{1, INT, family}, {2, 0xf, SOCK_STREAM}, {3, INT, IPPROTO_TCP}})
#define CALL_OPTION(name) CALL_IF2(setsockopt, CONVERSES, 2, INT, SOL_SOCKET, 3, INT, name)
#endif
#define WHOLE UINT64_MAX
#define INT UINT64_C(0xffffffff) /* of an int the upper half of a register is nothing */

/* Which argument of clone is the flags. */
#ifdef __s390__
enum { CLONE_FLAGS = 2 };
#else
enum { CLONE_FLAGS = 1 };
#endif

/* Not who gets a signal, of one's choice, when a file is ready. */
#define CALL_FCNTL(name)                                                                           \
	CALL_IF(name, ALL, 2, INT, F_GETFD), CALL_IF(name, ALL, 2, INT, F_SETFD),                  \
	    CALL_IF(name, ALL, 2, INT, F_GETFL), CALL_IF(name, ALL, 2, INT, F_DUPFD),              \
	    CALL_IF(name, ALL, 2, INT, F_DUPFD_CLOEXEC),                                           \
	    CALL_IF2(name, ALL, 2, INT, F_SETFL, 3, O_ASYNC, 0)

static const struct kept kept[] = {
    /* what is open */
    CALL(read, ALL),
    CALL(write, ALL),
    CALL(readv, ALL),
    CALL(writev, ALL),
    CALL(pread64, ALL),
    CALL(pwrite64, ALL),
    CALL(lseek, ALL),
    CALL(_llseek, ALL),
    CALL(close, ALL),
    CALL(close_range, ALL),
    CALL(fstat, ALL),
    CALL(fstat64, ALL),
    CALL(newfstatat, ALL),
    CALL(fstatat64, ALL),
    CALL(statx, ALL),
    CALL_FCNTL(fcntl),
    CALL_FCNTL(fcntl64),
    CALL(ftruncate, ALL),
    CALL(ftruncate64, ALL),
    CALL(fsync, ALL),
    CALL(fdatasync, ALL),
    CALL(fadvise64, ALL),
    CALL(flock, ALL),
    CALL(poll, ALL),
    CALL(ppoll, ALL),
    CALL(ppoll_time64, ALL),
    CALL(select, ALL),
    CALL(_newselect, ALL),
    CALL(pselect6, ALL),
    CALL(pselect6_time64, ALL),
    CALL_IF(ioctl, ALL, 2, INT, TCGETS),
#ifdef TCGETS2
    CALL_IF(ioctl, ALL, 2, INT, TCGETS2),
#endif
    CALL_IF(ioctl, ALL, 2, INT, TIOCGWINSZ),
    CALL_IF(ioctl, ALL, 2, INT, FIONREAD),
    /* sockets that are open */
    CALL(sendto, TALKS),
    CALL(send, TALKS),
    CALL(sendmsg, TALKS),
    CALL(sendmmsg, TALKS),
    CALL(recvfrom, TALKS),
    CALL(recv, TALKS),
    CALL(recvmsg, TALKS),
    CALL(recvmmsg, TALKS),
    CALL(recvmmsg_time64, TALKS),
    CALL(shutdown, TALKS),
    CALL(getsockopt, TALKS),
    CALL(getsockname, TALKS),
    CALL(getpeername, TALKS),
    CALL_IF(ioctl, SENDS | READS, 2, INT, SIOCGIFFLAGS), /* libpcap, of an interface that is gone */
    CALL_IF(ioctl, READS, 2, INT, SIOCGIFNAME),		 /* which may have another name by now */
    /* connections of the kernel's */
    CALL_TCP(AF_INET),
    CALL_TCP(AF_INET6),
    CALL_OPTION(SO_REUSEADDR),
    CALL_OPTION(SO_REUSEPORT),
    CALL_OPTION(SO_BINDTODEVICE),
    CALL_OPTION(SO_RCVBUF),
    CALL_OPTION(SO_LINGER),
    CALL(bind, CONVERSES | RESOLVES),
    CALL(connect, CONVERSES | RESOLVES),
    CALL(accept, CONVERSES),
    CALL(accept4, CONVERSES),
    CALL_IF(ioctl, CONVERSES, 2, INT, SIOCOUTQ),
    /* the resolver's own */
    CALL(setsockopt, RESOLVES),
    CALL_IF(socket, RESOLVES, 1, INT, AF_UNIX),
    CALL_IF(socket, RESOLVES, 1, INT, AF_NETLINK),
    CALL_IF2(socket, RESOLVES, 1, INT, AF_INET, 2, 0xf, SOCK_DGRAM),
    CALL_IF2(socket, RESOLVES, 1, INT, AF_INET6, 2, 0xf, SOCK_DGRAM),
    CALL_IF2(socket, RESOLVES, 1, INT, AF_INET, 2, 0xf, SOCK_STREAM),
    CALL_IF2(socket, RESOLVES, 1, INT, AF_INET6, 2, 0xf, SOCK_STREAM),
    CALL_IF(openat, RESOLVES, 3, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
    CALL_IF(open, RESOLVES, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
    CALL(access, RESOLVES),
    CALL(faccessat, RESOLVES),
    CALL(faccessat2, RESOLVES),
    CALL(stat, RESOLVES),
    CALL(stat64, RESOLVES),
    CALL(lstat, RESOLVES),
    CALL(readlink, RESOLVES),
    CALL(readlinkat, RESOLVES),
    CALL(getdents64, RESOLVES),
    CALL(uname, RESOLVES),
    CALL_IF(ioctl, RESOLVES, 2, INT, SIOCGIFFLAGS),
    CALL(epoll_create1, RESOLVES),
    CALL(epoll_ctl, RESOLVES),
    CALL(epoll_wait, RESOLVES),
    CALL(epoll_pwait, RESOLVES),
    CALL(eventfd2, RESOLVES),
    /* the keeper's own */
    CALL(linkat, NAMES),
    CALL(renameat, NAMES),
    CALL(renameat2, NAMES),
    CALL(unlinkat, NAMES),
    /* memory: none that is made executable; the resolver loads libraries */
    CALL(brk, ALL),
#ifdef __s390__
    CALL(mmap, ALL),	 /* whose arguments are in memory */
#elif !defined(__i386__) /* whose mmap has them there too, but nobody needs it */
    CALL_IF(mmap, ALL, 3, PROT_EXEC, 0),
    CALL(mmap, RESOLVES),
#endif
    CALL_IF(mmap2, ALL, 3, PROT_EXEC, 0),
    CALL_IF(mprotect, ALL, 3, PROT_EXEC, 0),
    CALL(mmap2, RESOLVES),
    CALL(munmap, ALL),
    CALL(mremap, ALL),
    CALL(madvise, ALL),
    CALL(membarrier, ALL),
    /* time */
    CALL(clock_gettime, ALL),
    CALL(clock_gettime64, ALL),
    CALL(clock_getres, ALL),
    CALL(clock_getres_time64, ALL),
    CALL(clock_nanosleep, ALL),
    CALL(clock_nanosleep_time64, ALL),
    CALL(nanosleep, ALL),
    CALL(gettimeofday, ALL),
    CALL(time, ALL),
    /* threads: not processes, whose flags clone3 has in memory; glibc then falls back to clone */
    CALL_IF(clone, THREADS, CLONE_FLAGS, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM),
    CALL(futex, ALL),
    CALL(futex_time64, ALL),
    CALL(set_robust_list, ALL),
    CALL(rseq, ALL),
    CALL(sched_yield, ALL),
    CALL(sched_getaffinity, ALL),
    CALL(gettid, ALL),
    CALL(getpid, ALL),
    CALL(getppid, ALL),
    CALL(getuid, ALL),
    CALL(geteuid, ALL),
    CALL(getgid, ALL),
    CALL(getegid, ALL),
    CALL(getuid32, ALL),
    CALL(geteuid32, ALL),
    CALL(getgid32, ALL),
    CALL(getegid32, ALL),
    CALL(getrandom, ALL),
    CALL(getrusage, ALL),
    CALL(sysinfo, ALL),
    CALL_IF2(prlimit64, ALL, 1, INT, 0, 3, WHOLE, 0), /* asks; changes nothing */
    CALL(getrlimit, ALL),
    CALL(ugetrlimit, ALL),
    CALL(wait4, ALL),
    CALL(waitid, ALL),
    /* signals */
    CALL(rt_sigaction, ALL),
    CALL(rt_sigprocmask, ALL),
    CALL(rt_sigpending, ALL),
    CALL(rt_sigtimedwait, ALL),
    CALL(rt_sigtimedwait_time64, ALL),
    CALL(rt_sigreturn, ALL),
    CALL(sigreturn, ALL),
    CALL(sigaltstack, ALL),
    CALL(restart_syscall, ALL),
    CALL(pause, ALL),
    CALL(exit, ALL),
    CALL(exit_group, ALL),
};

/* Nothing of ours, nor of a library's that has nothing to do with starting programs. What ends in
 * 32 is what a machine of 32 bits has for users beyond 16. */
static const int never[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setuid32),
    SCMP_SYS(setgid32),
    SCMP_SYS(setreuid32),
    SCMP_SYS(setregid32),
    SCMP_SYS(setresuid32),
    SCMP_SYS(setresgid32),
    SCMP_SYS(setgroups32),
    SCMP_SYS(setfsuid32),
    SCMP_SYS(setfsgid32),
    SCMP_SYS(capset),
    SCMP_SYS(chroot),
    SCMP_SYS(pivot_root),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(fsopen),
    SCMP_SYS(move_mount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(personality),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
};

/* A program that unpacks opens nothing but what it is given; it may not talk to anybody. */
static const int not_for_tools[] = {
    SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(sendmmsg),
};

enum { N_KEPT = sizeof(kept) / sizeof(kept[0]), N_NEVER = sizeof(never) / sizeof(never[0]) };

static int keep(scmp_filter_ctx f, const struct kept *k)
{
	struct scmp_arg_cmp v[ONLY_MAX];
	unsigned n = 0;
	int rc;

	for (; n < ONLY_MAX && k->only[n].arg; n++)
		v[n] = (struct scmp_arg_cmp){k->only[n].arg - 1U, SCMP_CMP_MASKED_EQ,
					     k->only[n].mask, k->only[n].value};
	rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, k->call, n, v);
	/* a call that this machine's architecture has not, or has by another number */
	return rc == -EDOM ? 0 : rc;
}

static int deny(scmp_filter_ctx f, const int *v, size_t n, uint32_t how)
{
	int rc = 0;

	for (size_t i = 0; i < n && (rc == 0 || rc == -EDOM); i++)
		rc = seccomp_rule_add_array(f, how, v[i], 0, NULL);
	return rc == -EDOM ? 0 : rc;
}

/*
 * A second request by the same signal ends the run, by a signal of its own; nobody else is sent
 * one. musl says tkill, of the thread; it is the first that hears signals, and its number is the
 * process's.
 */
static int keep_raise(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp self = {0, SCMP_CMP_MASKED_EQ, INT, (uint32_t)getpid()};
	int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

	return rc ? rc : seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(tkill), 1, &self);
}

/* Linux before 4.14 ends but the thread. */
static uint32_t deadly(void)
{
	return seccomp_api_get() < 3 ? SCMP_ACT_KILL_THREAD : SCMP_ACT_KILL_PROCESS;
}

static int fill(scmp_filter_ctx f, enum privilege_work work)
{
	int rc = deny(f, never, N_NEVER, deadly());

	if (rc == 0)
		rc = deny(f, (const int[]){SCMP_SYS(clone3)}, 1, SCMP_ACT_ERRNO(ENOSYS));
	if (rc == 0)
		rc = keep_raise(f);
	for (size_t i = 0; i < N_KEPT && rc == 0; i++)
		if (kept[i].who & BIT(work))
			rc = keep(f, &kept[i]);
	return rc;
}

/* Beside a program of 32 bits the system's own may have 64. */
static int add_wider(scmp_filter_ctx f)
{
	uint32_t wider = 0;

	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86: wider = SCMP_ARCH_X86_64; break;
	case SCMP_ARCH_ARM: wider = SCMP_ARCH_AARCH64; break;
	case SCMP_ARCH_PPC: wider = SCMP_ARCH_PPC64; break;
	case SCMP_ARCH_S390: wider = SCMP_ARCH_S390X; break;
	default: break;
	}
	return wider ? seccomp_arch_add(f, wider) : 0;
}

/* In a namespace of one's own one has every capability, by unshare or by this. */
static int deny_namespaces(scmp_filter_ctx f)
{
	static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS,    CLONE_NEWPID,
					 CLONE_NEWIPC,	CLONE_NEWUTS, CLONE_NEWCGROUP};
	int rc = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && rc == 0; i++) {
		const struct scmp_arg_cmp has = {CLONE_FLAGS - 1, SCMP_CMP_MASKED_EQ, flags[i],
						 flags[i]};

		rc = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &has);
	}
	return rc ? rc : deny(f, (const int[]){SCMP_SYS(clone3)}, 1, SCMP_ACT_ERRNO(ENOSYS));
}

/* All but what becomes somebody else: the programs know what they need. */
static int fill_for_tools(scmp_filter_ctx f)
{
	enum { FIRST = 2 }; /* starting programs is what it is for */
	int rc = add_wider(f);

	if (rc == 0)
		rc = deny(f, never + FIRST, N_NEVER - FIRST, deadly());
	if (rc == 0)
		rc = deny_namespaces(f);
	return rc ? rc
		  : deny(f, not_for_tools, sizeof(not_for_tools) / sizeof(not_for_tools[0]),
			 SCMP_ACT_ERRNO(EPERM));
}

/* Is it the kernel, or who runs us, that has no filters? */
static bool is_not_to_be_had(int rc)
{
	return rc == -ENOSYS || rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ECANCELED;
}

/* Not one older than the actions, one built without, nor who emulates one (valgrind). */
static bool kernel_has_filters(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 ||
	       (errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP);
}

enum confined confine(enum privilege_work work, struct err *e)
{
	bool tools = work == PRIVILEGE_UNPACK;
	/* libseccomp reads what it could not get */
	scmp_filter_ctx f = room_for(FILTER_ROOM)
				? seccomp_init(tools ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM))
				: NULL;
	enum confined done = CONFINED;
	int rc = f ? 0 : -ENOMEM;

	if (f && !kernel_has_filters()) {
		err_set(e, "no filter of system calls here (seccomp: this kernel has none): the "
			   "run goes on without");
		done = CONFINED_NOT;
		goto out;
	}
	if (rc == 0)
		rc = tools ? fill_for_tools(f) : fill(f, work);
	if (rc < 0) {
		err_sys(e, -rc, "seccomp: the filter cannot be made");
		done = CONFINED_FAILED;
		goto out;
	}
	/* a library may have begun a thread; where this can't be had, it is Linux before 3.17 */
	(void)!seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	rc = seccomp_load(f);
	if (rc < 0) {
		err_set(e, "no filter of system calls here (seccomp: %s): the run goes on without",
			strerror(-rc));
		done = is_not_to_be_had(rc) ? CONFINED_NOT : CONFINED_FAILED;
	}
out:
	seccomp_release(f);
	return done;
}

const char *confine_version(char *buf, size_t cap)
{
	const struct scmp_version *v = seccomp_version();

	snprintf(buf, cap, "libseccomp %u.%u.%u", v->major, v->minor, v->micro);
	return buf;
}

#else

enum confined confine(enum privilege_work work, struct err *e)
{
	(void)work;
	(void)e;
	return CONFINED;
}

const char *confine_version(char *buf, size_t cap)
{
	(void)buf;
	(void)cap;
	return NULL;
}

#endif
