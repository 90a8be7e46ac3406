/*
 * main: the dispatch to the table of commands, nothing else. A first word that is no command is a
 * target, and the command is scan.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/near.h"
#include "base/room.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/resolve.h"
#include "wire/live.h"

static void usage(FILE *f)
{
	fputs("usage: rstprobe COMMAND [options] ...\n"
	      "       rstprobe TARGET... [options]   (scan)\n\n",
	      f);
	for (size_t i = 0; i < command_count; i++)
		fprintf(f, "  %-9s%s\n", commands[i].name, commands[i].question);
	fputs("\n  -h, --help     this text; after a command, its options\n"
	      "  -V, --version  the versions of rstprobe and of its libraries\n"
	      "  --completion SHELL\n"
	      "                 what bash, zsh or fish read to complete a command line\n\n"
	      "The manual is rstprobe(1).\n",
	      f);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static bool resolves(const char *name)
{
	struct privilege_user user;
	struct addr any;
	bool found;

	if (privilege_find_user(NULL, &user, NULL) < 0)
		return false;
	resolve_as(&user);
	found = resolve_name(NULL, name, &any, 1, NULL) > 0;
	resolve_end();
	return found;
}

/* The command that `word` was meant to be, or NULL where it may well be a target. */
static const char *mistyped(const char *word)
{
	struct near near = {.word = word};

	for (size_t i = 0; i < command_count && strlen(word) >= 3; i++)
		near_try(&near, commands[i].name);
	return near.best && !resolves(word) ? near.best : NULL;
}

/* Runs a command over the words behind argv[skip - 1]; its argv[0] is its name. */
static int run(const struct command *c, char **argv, int argc, int skip)
{
	struct cmd_line l = {.argc = argc - skip + 1, .full = argv};
	char name[16];
	int status;

	if (room_at_hand())
		l.argv = calloc((size_t)l.argc + 1, sizeof(*l.argv));
	if (!l.argv) {
		log_error("out of memory before anything was begun (see ulimit -v)");
		return STATUS_CANNOT;
	}
	snprintf(name, sizeof(name), "%s", c->name);
	l.argv[0] = name;
	memcpy(l.argv + 1, argv + skip, (size_t)(argc - skip) * sizeof(*argv));
	status = c->run(&l);
	free(l.argv);
	return status;
}

static int complete(const char *shell)
{
	char known[40];
	struct text t = text_of(known, sizeof(known));

	if (shell && completion_print(stdout, shell) == 0)
		return STATUS_OK;
	option_put_names(&t, COMPLETION_SHELLS, completion_shell);
	log_error("--completion %.40s: takes a shell: %s", shell ? shell : "", known);
	return STATUS_USAGE;
}

static int dispatch(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL, *meant;

	if (!word) {
		log_error(
		    "usage: rstprobe COMMAND|TARGET... [options] (rstprobe --help says more)");
		return STATUS_USAGE;
	}
	if (is_one_of(word, "-h", "--help", "help")) {
		usage(stdout);
		return STATUS_OK;
	}
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (is_one_of(argv[i], "-V", "--version", "--version")) {
			char libraries[160];

			printf("rstprobe " PACKAGE_VERSION " (%s)\n",
			       live_versions(libraries, sizeof(libraries)));
			return STATUS_OK;
		}
	}
	if (strcmp(word, "--completion") == 0)
		return complete(argc == 3 ? argv[2] : NULL);
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(word, commands[i].name) == 0)
			return run(&commands[i], argv, argc, 2);
	meant = word[0] == '-' ? NULL : mistyped(word);
	if (meant) {
		log_error("unknown command '%s'; did you mean '%s'?", word, meant);
		return STATUS_USAGE;
	}
	return run(&commands[0], argv, argc, 1);
}

/*
 * A descriptor closed by the caller would be given to the first socket, and results written into
 * it. /dev/null takes the place, opened so that using it fails: nothing is lost without a word.
 */
static void hold_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_CANNOT);
}

int main(int argc, char **argv)
{
	int status;

	hold_standard_files();
	if (geteuid() != getuid() || getegid() != getgid()) {
		log_error("it must not run setuid or setgid, by rights on files that are not yours "
			  "(chmod ug-s; setcap cap_net_raw+ep is enough)");
		return STATUS_CANNOT;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a write that fails */
	signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow (ulimit -f) */
	status = dispatch(argc, argv);
	/* a command that has told it itself has one of these */
	if (status == STATUS_INCOMPLETE || status == STATUS_CANNOT)
		return status;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("stdout: the output could not be written whole");
		status = cmd_worse(status, STATUS_INCOMPLETE);
	}
	return status;
}
