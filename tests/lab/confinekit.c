/*
 * confinekit: gives up privilege for one kind of work, then makes one call that is asked for and
 * prints what came of it. tests/lab/test_privilege.py says what should.
 *
 * confinekit WORK CALL  ->  "ok" or the name of an errno; a call that ends the process prints
 * nothing
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/privilege.h"

static const char *const works[PRIVILEGE_WORKS] = {
    [PRIVILEGE_SWEEP] = "sweep",     [PRIVILEGE_CONVERSE] = "converse", [PRIVILEGE_READ] = "read",
    [PRIVILEGE_RESOLVE] = "resolve", [PRIVILEGE_UNPACK] = "unpack",	[PRIVILEGE_NAME] = "name",
};

static int raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
}

static int packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int udp_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int tcp_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
}

static int open_read(void)
{
	return open("/etc/hosts", O_RDONLY | O_CLOEXEC);
}

static int open_write(void)
{
	return open("written-by-confinekit", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static int remove_file(void)
{
	return unlinkat(AT_FDCWD, "no-such-file", 0) == 0 || errno == ENOENT ? 0 : -1;
}

static int start_program(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t t;

	errno = pthread_create(&t, NULL, nothing, NULL);
	return errno ? -1 : pthread_join(t, NULL);
}

static int map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int signal_other(void)
{
	return kill(getppid(), 0);
}

static int trace_other(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int become_root(void)
{
	return setuid(0);
}

static int mptcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 262);
}

/* As who wants more of a packet socket than it has been given. */
static int set_option(void)
{
	return setsockopt(STDOUT_FILENO, SOL_PACKET, PACKET_RX_RING, NULL, 0) == 0 || errno != EPERM
		   ? 0
		   : -1;
}

/* A file that is ready sends a signal, of one's choice, to whom one names. */
static int own_file(void)
{
	return fcntl(STDOUT_FILENO, F_SETOWN, getppid());
}

static int make_async(void)
{
	return fcntl(STDOUT_FILENO, F_SETFL, O_ASYNC);
}

static int make_nonblocking(void)
{
	return fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
}

static int signal_self(void)
{
	return (int)syscall(SYS_tkill, syscall(SYS_gettid), 0);
}

static int signal_thread(void)
{
	return (int)syscall(SYS_tkill, getppid(), 0);
}

static int own_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return (int)pid;
}

/* The kernel's other doors on one machine: numbers of x32, and of i386. */
static int by_x32(void)
{
#ifdef __x86_64__
	return (int)syscall(0x40000000L + SYS_getpid);
#else
	raise(SIGKILL);
	return 0;
#endif
}

static int by_i386(void)
{
	long rc = 20; /* getpid */

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
#endif
	return (int)rc;
}

/* One that a library has begun. */
static int early_pipe[2];

static void *early_thread(void *arg)
{
	char go;

	if (read(early_pipe[0], &go, 1) == 1 && open("/etc/hosts", O_RDONLY | O_CLOEXEC) >= 0)
		*(bool *)arg = true;
	return NULL;
}

static pthread_t early;
static bool early_opened;

static void start_early(void)
{
	if (pipe(early_pipe) < 0 || pthread_create(&early, NULL, early_thread, &early_opened) != 0)
		_exit(2);
}

static int early_open(void)
{
	if (write(early_pipe[1], "", 1) != 1 || pthread_join(early, NULL) != 0)
		return -1;
	errno = EPERM;
	return early_opened ? 0 : -1;
}

static int load_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int write_out(void)
{
	return write(STDOUT_FILENO, "", 0) == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
    {"raw-socket", raw_socket},
    {"packet-socket", packet_socket},
    {"udp-socket", udp_socket},
    {"tcp-socket", tcp_socket},
    {"open-read", open_read},
    {"open-write", open_write},
    {"remove", remove_file},
    {"exec", start_program},
    {"fork", fork_child},
    {"thread", start_thread},
    {"map-code", map_code},
    {"make-code", make_code},
    {"signal-other", signal_other},
    {"trace-other", trace_other},
    {"become-root", become_root},
    {"bpf", load_bpf},
    {"write", write_out},
    {"mptcp-socket", mptcp_socket},
    {"set-option", set_option},
    {"own-file", own_file},
    {"make-async", make_async},
    {"make-nonblocking", make_nonblocking},
    {"signal-self", signal_self},
    {"signal-thread", signal_thread},
    {"own-namespace", own_namespace},
    {"x32", by_x32},
    {"i386", by_i386},
    {"early-open", early_open},
};

static int work_of(const char *word)
{
	for (int i = 0; i < PRIVILEGE_WORKS; i++)
		if (strcmp(works[i], word) == 0)
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	struct privilege_user u;
	int work = argc == 3 ? work_of(argv[1]) : -1;
	struct err e;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && strcmp(argv[2], "early-open") == 0)
		start_early();
	if (work < 0 || privilege_find_user(NULL, &u, &e) < 0 ||
	    privilege_drop(&u, (enum privilege_work)work, &e) != 0)
		return 2;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, argv[2]) != 0)
			continue;
		errno = 0;
		puts(calls[i].call() >= 0 ? "ok" : strerrorname_np(errno));
		return 0;
	}
	return 2;
}
