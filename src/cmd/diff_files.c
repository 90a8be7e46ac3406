/*
 * diff_files: directories are looked into once, and not below; what ends neither in .json nor in
 * .jsonl is left alone there, as are hidden files.
 */
#include "cmd/diff_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "wire/nofile.h"

static int no_memory(struct err *e)
{
	return err_set(e, "out of memory for the names of files");
}

static int add(struct diff_files *f, const char *path, struct err *e)
{
	char *copy = strdup(path);

	if (copy && array_grow(&f->v, f->n, &f->cap, sizeof(*f->v))) {
		f->v[f->n++] = copy;
		return 0;
	}
	free(copy);
	return no_memory(e);
}

/* How long the name's ending is; 0: it is no result's. */
static size_t ending_of(const char *name)
{
	static const char *const endings[] = {".json", ".jsonl"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t end = strlen(endings[i]);

		if (name[0] != '.' && len > end && strcmp(name + len - end, endings[i]) == 0)
			return end;
	}
	return 0;
}

/* Without slashes at its end. */
static size_t bare_len(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

static int path_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_entries(struct diff_files *f, DIR *d, const char *path, struct err *e)
{
	size_t first = f->n, room = strlen(path) + sizeof(((struct dirent *)0)->d_name) + 2;
	char *buf = malloc(room);
	struct dirent *entry;
	int rc = buf ? 0 : no_memory(e);

	while (rc == 0 && (entry = readdir(d))) {
		if (!ending_of(entry->d_name))
			continue;
		snprintf(buf, room, "%.*s/%s", (int)bare_len(path), path, entry->d_name);
		rc = add(f, buf, e);
	}
	free(buf);
	if (rc == 0 && f->n == first)
		return err_set(e, "%.150s: no file there ends in .json or .jsonl", path);
	if (rc == 0)
		qsort(f->v + first, f->n - first, sizeof(*f->v), path_cmp);
	return rc;
}

static int add_word(struct diff_files *f, const char *word, struct err *e)
{
	struct stat st;
	DIR *d;
	int rc;

	/* what is not there, its reader tells */
	if (strcmp(word, "-") == 0 || stat(word, &st) < 0 || !S_ISDIR(st.st_mode))
		return add(f, word, e);
	d = opendir(word);
	if (!d)
		return err_sys(e, errno, "cannot read %.150s", word);
	rc = add_entries(f, d, word, e);
	closedir(d);
	return rc;
}

int diff_files_find(struct diff_files *f, const char *const *words, size_t n, struct err *e)
{
	const char *first = strcmp(words[0], "-") == 0 ? "stdin" : words[0];
	size_t room = strlen(first) + 40;

	for (size_t i = 0; i < n; i++)
		if (add_word(f, words[i], e) < 0)
			return -1;
	f->name = malloc(room);
	if (!f->name)
		return no_memory(e);
	if (n == 1)
		snprintf(f->name, room, "%s", first);
	else
		snprintf(f->name, room, "%s and %zu more", first, n - 1);
	return 0;
}

/* A FIFO that nobody writes to yet must not hold up the opening of the others. */
static FILE *open_one(const char *path)
{
	struct stat st;
	FILE *f;
	int fd;

	if (strcmp(path, "-") == 0)
		return stdin;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETFL, 0);
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

int diff_files_open(struct diff_files *f, struct err *e)
{
	size_t room = nofile_room(f->n);

	if (room < f->n)
		return err_set(e,
			       "%zu files, of which only %zu may be open at once: allow more by "
			       "ulimit -n %zu, or join them first (cat)",
			       f->n, room, f->n + 2 * NOFILE_SPARE);
	f->in = calloc(f->n, sizeof(FILE *));
	if (!f->in)
		return no_memory(e);
	for (size_t i = 0; i < f->n; i++) {
		f->in[i] = open_one(f->v[i]);
		if (!f->in[i])
			return err_sys(e, errno, "cannot read %.150s", f->v[i]);
	}
	return 0;
}

void diff_files_free(struct diff_files *f)
{
	for (size_t i = 0; f->in && i < f->n; i++)
		if (f->in[i] && f->in[i] != stdin)
			fclose(f->in[i]);
	free(f->in);
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i]);
	free(f->v);
	free(f->name);
	*f = (struct diff_files){0};
}

/* --- headings --------------------------------------------------------------------------------- */

static char *short_name(const char *path)
{
	size_t len = bare_len(path), at = len;
	char *name;

	while (at > 0 && path[at - 1] != '/')
		at--;
	name = strndup(path + at, len - at);
	if (name)
		name[strlen(name) - ending_of(name)] = '\0';
	return name;
}

static bool all_differ(char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(v[i], v[k]) == 0)
				return false;
	return true;
}

int diff_files_shorten(char **const *v, size_t n, struct err *e)
{
	char **names = calloc(n + 1, sizeof(*names));
	bool ok = names != NULL, differ;

	for (size_t i = 0; ok && i < n; i++)
		ok = (names[i] = short_name(*v[i])) != NULL;
	differ = ok && all_differ(names, n);
	for (size_t i = 0; differ && i < n; i++) {
		char *swap = *v[i];

		*v[i] = names[i];
		names[i] = swap;
	}
	for (size_t i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
	return ok ? 0 : no_memory(e);
}

/* --- outputs ---------------------------------------------------------------------------------- */

int diff_files_check(const struct diff_files *f, const struct outputs *out, struct err *e)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < out->n + out->n_to; k++) {
			const char *to = k < out->n ? out->v[k].path : out->to[k - out->n];

			if (strcmp(to, "-") != 0 && strcmp(to, f->v[i]) == 0)
				return err_set(e,
					       "%.150s is compared, and would be written over: "
					       "name another file",
					       to);
		}
	return 0;
}
