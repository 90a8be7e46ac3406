/*
 * test_resolver: what goes over the line to the process for names, whole, cut and lying; and the
 * process itself: what it holds, and that neither its end nor its silence, nor ours, leaves anybody
 * waiting.
 */
#include "unit/unit.h"

#include <dirent.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire/resolver.h"

/* --- words ------------------------------------------------------------------------------------ */

static const char *const long_name =
    "a23456789012345678901234567890123456789012345678901234567890123."
    "b23456789012345678901234567890123456789012345678901234567890123."
    "c23456789012345678901234567890123456789012345678901234567890123."
    "d23456789012345678901234567890123456789012345678901234567890123";

static struct addr v6_of(uint8_t last)
{
	struct addr a = {.family = ADDR_V6, .b = {0xfe, 0x80}, .zone = 7};

	a.b[15] = last;
	return a;
}

static void same_question(const struct resolver_question *a, const struct resolver_question *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->way, b->way);
	assert_string_equal(a->name, b->name);
	assert_true(addr_equal(&a->addr, &b->addr));
}

static void test_questions(void **state)
{
	struct resolver_question q = {.id = 0x01020304, .way = RESOLVER_TO_ADDRS}, got;
	uint8_t words[RESOLVER_WORDS_MAX];
	size_t len;

	(void)state;
	assert_int_equal(resolver_put_question(&q, words), 0); /* no name */
	memcpy(q.name, long_name, strlen(long_name) + 1);
	len = resolver_put_question(&q, words);
	assert_true(resolver_take_question(words, len, &got));
	same_question(&got, &q);
	words[len] = 'x';
	assert_false(resolver_take_question(words, len + 1, &got)); /* one more is too long */
	q = (struct resolver_question){.id = 9, .way = RESOLVER_TO_NAME, .addr = v6_of(1)};
	len = resolver_put_question(&q, words);
	assert_true(resolver_take_question(words, len, &got));
	same_question(&got, &q);
	assert_false(resolver_take_question(words, len + 1, &got));
	q.addr.family = ADDR_NONE;
	assert_int_equal(resolver_put_question(&q, words), 0);
}

static void fill(struct resolver_answer *a, size_t n)
{
	*a = (struct resolver_answer){.id = 77, .way = RESOLVER_TO_ADDRS, .n = n};
	for (size_t i = 0; i < n; i++)
		a->addrs[i] = i % 3 ? v6_of((uint8_t)i) : addr_v4(10, 0, 0, (uint8_t)i);
}

static void test_answers(void **state)
{
	static struct resolver_answer a, got;
	uint8_t words[RESOLVER_WORDS_MAX];

	(void)state;
	for (size_t n = 0; n <= RESOLVER_ADDRS_MAX; n += 128) {
		fill(&a, n);
		assert_true(resolver_take_answer(words, resolver_put_answer(&a, words), &got));
		assert_int_equal(got.id, 77);
		assert_int_equal(got.n, n);
		for (size_t i = 0; i < n; i++)
			assert_true(addr_equal(&got.addrs[i], &a.addrs[i]));
	}
	a = (struct resolver_answer){.way = RESOLVER_TO_ADDRS, .failure = EAI_SYSTEM, .errnum = 13};
	assert_true(resolver_take_answer(words, resolver_put_answer(&a, words), &got));
	assert_int_equal(got.failure, EAI_SYSTEM);
	assert_int_equal(got.errnum, 13);
	a = (struct resolver_answer){.id = 5, .way = RESOLVER_TO_NAME, .name = "r1.example"};
	assert_true(resolver_take_answer(words, resolver_put_answer(&a, words), &got));
	assert_int_equal(got.way, RESOLVER_TO_NAME);
	assert_string_equal(got.name, "r1.example");
	a.name[0] = '\0';
	assert_true(resolver_take_answer(words, resolver_put_answer(&a, words), &got));
	assert_string_equal(got.name, "");
}

/* Names that a terminal should not see, and counts that lie. */
static void test_answers_that_lie(void **state)
{
	static const char *const bad[] = {"\033[31mevil", "a b", "a\nb", "\xc3\xa4.example",
					  "a/b",	  "<b>", "$(x)", "a\"b"};
	static struct resolver_answer a, got;
	uint8_t words[RESOLVER_WORDS_MAX] = {0};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		a = (struct resolver_answer){.way = RESOLVER_TO_NAME};
		snprintf(a.name, sizeof(a.name), "%s", bad[i]);
		assert_false(resolver_take_answer(words, resolver_put_answer(&a, words), &got));
	}
	/* the NUL within, and one letter more than a name has */
	assert_false(resolver_take_answer((const uint8_t *)"\2\0\0\0\0ab\0c", 9, &got));
	memset(words, 'a', sizeof(words));
	memcpy(words, "\2\0\0\0", 5);
	assert_true(resolver_take_answer(words, 5 + RESOLVER_NAME - 1, &got));
	assert_false(resolver_take_answer(words, 5 + RESOLVER_NAME, &got));
	/* more addresses than there is room for: all there, each as the first */
	fill(&a, 1);
	len = resolver_put_answer(&a, words);
	for (size_t i = 1; i <= RESOLVER_ADDRS_MAX; i++)
		memcpy(words + 15 + 9 * i, words + 15, 9);
	words[13] = 1;
	assert_false(resolver_take_answer(words, len + (size_t)9 * RESOLVER_ADDRS_MAX, &got));
	words[13] = 0;
	assert_true(resolver_take_answer(words, len, &got));
	words[14] = 2; /* one that is not there */
	assert_false(resolver_take_answer(words, len, &got));
	words[14] = 1;
	words[15] = 5; /* no family */
	assert_false(resolver_take_answer(words, len, &got));
	words[15] = ADDR_V4;
	words[0] = 3; /* no way */
	assert_false(resolver_take_answer(words, len, &got));
	words[0] = RESOLVER_TO_ADDRS;
	words[8] = 1; /* a failure, and addresses */
	assert_false(resolver_take_answer(words, len, &got));
}

/* Each prefix ends where nothing can be read. */
static void test_cut(void **state)
{
	static struct resolver_answer a, got;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len;
	uint8_t words[RESOLVER_WORDS_MAX];
	struct resolver_question q;
	struct err e;
	uint8_t *wall =
	    mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(wall, MAP_FAILED);
	wall += page;
	assert_int_equal(mprotect(wall, page, PROT_NONE), 0);
	fill(&a, 20);
	len = resolver_put_answer(&a, words);
	for (size_t cut = 0; cut < len; cut++) {
		memcpy(wall - cut, words, cut);
		assert_false(resolver_take_answer(wall - cut, cut, &got));
		resolver_take_question(wall - cut, cut, &q);
		resolver_take_hello(wall - cut, cut, &e);
	}
	munmap(wall - page, 2 * page);
}

static void test_hello(void **state)
{
	struct err e = {"dropping privilege: no"}, got;
	uint8_t words[RESOLVER_WORDS_MAX];

	(void)state;
	assert_true(resolver_take_hello(words, resolver_put_hello(NULL, words), &got));
	assert_false(resolver_take_hello(words, resolver_put_hello(&e, words), &got));
	assert_string_equal(got.msg, e.msg);
	assert_false(resolver_take_hello(words, 0, &got));
	assert_non_null(strstr(got.msg, "ended"));
}

/* --- the process ------------------------------------------------------------------------------ */

static const struct privilege_user nobody_else;

/* "pid": its own number, as an address; "mute": nothing, ever; "twin": two. */
static void fake_addrs(const char *name, struct resolver_answer *a)
{
	unsigned pid = (unsigned)getpid();

	if (strcmp(name, "mute") == 0)
		poll(NULL, 0, -1);
	if (strcmp(name, "pid") == 0) {
		a->addrs[a->n++] = addr_v4((uint8_t)(pid >> 24), (uint8_t)(pid >> 16),
					   (uint8_t)(pid >> 8), (uint8_t)pid);
	} else if (strcmp(name, "twin") == 0) {
		a->addrs[a->n++] = addr_v4(10, 0, 0, 1);
		a->addrs[a->n++] = v6_of(1);
	} else {
		a->failure = EAI_NONAME;
	}
}

/* Of 10.0.0.0/16; 10.1.0.0/16 is never answered; 10.2.0.0/16 lies. */
static bool fake_name(const struct addr *addr, char name[RESOLVER_NAME])
{
	if (addr->b[1] == 1)
		poll(NULL, 0, -1);
	snprintf(name, RESOLVER_NAME, addr->b[1] == 2 ? "\033[2J" : "r%u.example", addr->b[3]);
	return true;
}

static const struct resolver_lookups fakes = {fake_addrs, fake_name};

static struct resolver *started(void)
{
	struct err e = {""};
	struct resolver *r = resolver_start(&nobody_else, &fakes, &e);

	assert_string_equal(e.msg, "");
	assert_non_null(r);
	return r;
}

static pid_t pid_of(struct resolver *r)
{
	struct resolver_answer a;
	struct err e;

	assert_true(resolver_addrs(r, "pid", 60000, &a, &e));
	assert_int_equal(a.n, 1);
	return (pid_t)((unsigned)a.addrs[0].b[0] << 24 | (unsigned)a.addrs[0].b[1] << 16 |
		       (unsigned)a.addrs[0].b[2] << 8 | a.addrs[0].b[3]);
}

static void nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

/* The line of /proc/PID/status, behind its word. */
static bool status_of(pid_t pid, const char *word, char *to, size_t cap)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		size_t n = strlen(word);

		found = strncmp(line, word, n) == 0 && line[n] == ':';
		if (found)
			snprintf(to, cap, "%s", line + n + 1 + strspn(line + n + 1, " \t"));
	}
	if (f)
		fclose(f);
	return found;
}

/* Nobody may have waited for it yet. */
static bool is_gone(pid_t pid)
{
	char state[64] = "";

	return !status_of(pid, "State", state, sizeof(state)) || state[0] == 'Z' || state[0] == 'X';
}

/* It has its time to end in; a machine that is slow takes longer. */
static bool ends(pid_t pid)
{
	for (int i = 0; i < 60000 && !is_gone(pid); i++)
		nap();
	return is_gone(pid);
}

static void test_both_ways(void **state)
{
	struct resolver *r = started();
	struct resolver_answer a;
	bool seen[100] = {false};
	struct err e;

	(void)state;
	assert_true(resolver_addrs(r, "twin", 60000, &a, &e));
	assert_int_equal(a.n, 2);
	assert_int_equal(a.addrs[1].zone, 7);
	assert_true(resolver_addrs(r, "nosuch", 60000, &a, &e));
	assert_int_equal(a.failure, EAI_NONAME);
	assert_true(resolver_addrs(r, long_name, 60000, &a, &e));
	for (uint32_t i = 0; i < 100; i++) {
		const struct addr addr = addr_v4(10, i == 50 ? 2 : 0, 0, (uint8_t)i);

		assert_int_equal(resolver_ask_name(r, i, &addr), 1);
	}
	for (int left = 100; left > 0;) {
		int rc = resolver_take_name(r, &a);
		char right[32];

		assert_true(rc >= 0);
		if (rc == 0) {
			resolver_wait(r, 100000000);
			continue;
		}
		assert_true(a.id < 100 && !seen[a.id]);
		seen[a.id] = true;
		snprintf(right, sizeof(right), "r%u.example", (unsigned)a.id);
		assert_string_equal(a.name, a.id == 50 ? "" : right);
		left--;
	}
	resolver_end(r);
	resolver_end(NULL);
}

/* A longer name than goes over the line is one that nobody has. */
static void test_name_too_long(void **state)
{
	struct resolver *r = started();
	struct resolver_answer a;
	char name[600];
	struct err e;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_true(resolver_addrs(r, name, 60000, &a, &e));
	assert_int_equal(a.failure, EAI_NONAME);
	resolver_end(r);
}

/* Its line, stderr, and nothing in place of stdin and stdout. */
static void check_descriptors(pid_t pid)
{
	char path[64], file[400], to[128];
	unsigned sockets = 0;
	const struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((d = readdir(dir))) {
		ssize_t n;

		if (d->d_name[0] == '.' || strcmp(d->d_name, "2") == 0)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, d->d_name);
		n = readlink(file, to, sizeof(to) - 1);
		assert_true(n > 0);
		to[n] = '\0';
		sockets += strncmp(to, "socket:", 7) == 0;
		if (strncmp(to, "socket:", 7) != 0)
			assert_string_equal(to, "/dev/null");
	}
	closedir(dir);
	assert_int_equal(sockets, 1);
}

static void test_what_it_holds(void **state)
{
	static const char *const caps[] = {"CapEff", "CapPrm", "CapInh", "CapAmb"};
	struct resolver *r;
	char text[256];
	pid_t pid;
	int held[2];

	(void)state;
	assert_int_equal(pipe(held), 0); /* inherited, if it were for exec alone */
	r = started();
	pid = pid_of(r);
	assert_int_not_equal(pid, getpid());
	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		if (!status_of(pid, caps[i], text, sizeof(text)))
			skip();
		assert_int_equal(strtoull(text, NULL, 16), 0);
	}
	assert_true(status_of(pid, "NoNewPrivs", text, sizeof(text)));
	assert_string_equal(text, "1\n");
	assert_int_not_equal(getsid(pid), getsid(0)); /* ^C is not for it */
	/* who changed his user may not be looked at */
	if (geteuid() == 0 || access("/proc/self/fd", R_OK) == 0)
		check_descriptors(pid);
	resolver_end(r);
	assert_true(ends(pid));
	close(held[0]);
	close(held[1]);
}

static void test_killed(void **state)
{
	const struct addr mute = addr_v4(10, 1, 0, 1), known = addr_v4(10, 0, 0, 1);
	struct resolver *r = started();
	struct resolver_answer a;
	struct err e = {""};

	(void)state;
	assert_int_equal(resolver_ask_name(r, 0, &mute), 1);
	kill(pid_of(r), SIGKILL);
	for (int i = 0; i < 600 && resolver_take_name(r, &a) == 0; i++)
		resolver_wait(r, 100000000);
	assert_int_equal(resolver_take_name(r, &a), -1);
	assert_int_equal(resolver_ask_name(r, 1, &known), -1);
	assert_false(resolver_addrs(r, "twin", 60000, &a, &e));
	assert_non_null(strstr(e.msg, "gone"));
	resolver_end(r);
}

/* Lookups that never end leave room for others, and are no reason to wait in the end. */
static void test_mute(void **state)
{
	struct resolver *r = started();
	pid_t pid = pid_of(r);
	struct resolver_answer a;
	struct err e = {""};

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		const struct addr mute = addr_v4(10, 1, 0, (uint8_t)i);

		assert_int_equal(resolver_ask_name(r, i, &mute), 1);
	}
	assert_true(resolver_addrs(r, "twin", 60000, &a, &e));
	assert_false(resolver_addrs(r, "mute", 50, &a, &e));
	assert_non_null(strstr(e.msg, "in time"));
	assert_true(resolver_addrs(r, "twin", 60000, &a, &e));
	resolver_end(r);
	assert_true(ends(pid));
}

static pid_t stopped;

/* However the test ends: nothing that is stopped stays behind. */
static int go_on(void **state)
{
	(void)state;
	return stopped ? kill(stopped, SIGCONT) : 0;
}

static void test_stopped(void **state)
{
	struct resolver *r = started();
	struct resolver_answer a;
	struct err e = {""};
	pid_t pid = pid_of(r);
	int how;

	(void)state;
	stopped = pid;
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &how, WUNTRACED), pid); /* all of its threads */
	assert_true(WIFSTOPPED(how));
	assert_false(resolver_addrs(r, "twin", 50, &a, &e));
	resolver_end(r); /* leaves it behind */
	kill(pid, SIGCONT);
	assert_true(ends(pid));
	stopped = 0;
	waitpid(pid, NULL, 0);
}

/* Whoever began it is killed in the middle of a lookup. */
static void test_parent_killed(void **state)
{
	int line[2];
	pid_t parent, pid = 0;

	(void)state;
	assert_int_equal(pipe(line), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		const struct addr mute = addr_v4(10, 1, 0, 1);
		struct resolver *r = resolver_start(&nobody_else, &fakes, NULL);

		if (!r || resolver_ask_name(r, 0, &mute) != 1)
			_exit(1);
		pid = pid_of(r);
		if (write(line[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	close(line[1]);
	assert_int_equal(read(line[0], &pid, sizeof(pid)), sizeof(pid));
	close(line[0]);
	assert_true(pid > 0 && !is_gone(pid));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_true(ends(pid));
}

/* The system's own lookups, where they need no name server. */
static void test_by_system(void **state)
{
	struct err e = {""};
	struct resolver *r = resolver_start(&nobody_else, NULL, &e);
	struct resolver_answer a;

	(void)state;
	assert_non_null(r);
	assert_true(resolver_addrs(r, "127.0.0.9", 60000, &a, &e));
	assert_int_equal(a.failure, 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.addrs[0].b[3], 9);
	resolver_end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_questions),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_answers_that_lie),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_both_ways),
	    cmocka_unit_test(test_name_too_long),
	    cmocka_unit_test(test_what_it_holds),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_mute),
	    cmocka_unit_test_teardown(test_stopped, go_on),
	    cmocka_unit_test(test_parent_killed),
	    cmocka_unit_test(test_by_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
