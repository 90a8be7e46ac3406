/*
 * journal: a line counts when its newline is there, since a killed run leaves half of one behind;
 * where such a file stands before another (cat), the other's first record ends the half. All else
 * that is no record is refused with its place: guessing would ask ports twice, or never.
 */
#include "cmd/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int journal_open(struct journal *j, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");

	*j = (struct journal){0};
	if (!f)
		return err_sys(e, errno, "cannot read %.150s", path);
	if (fseek(f, 0, SEEK_SET) != 0) {
		fclose(f);
		return err_set(e, "cannot resume from %.150s: it is no file on a disk", path);
	}
	return journal_of(j, f, path, e);
}

int journal_of(struct journal *j, FILE *f, const char *name, struct err *e)
{
	*j = (struct journal){.f = f, .name = name, .tokener = json_tokener_new()};
	if (j->tokener)
		return 0;
	journal_close(j);
	return err_set(e, "out of memory");
}

void journal_close(struct journal *j)
{
	if (j->tokener)
		json_tokener_free(j->tokener);
	if (j->f)
		fclose(j->f);
	free(j->text);
	*j = (struct journal){0};
}

void journal_rewind(struct journal *j)
{
	rewind(j->f);
	j->line = 0;
}

int journal_bad(const struct journal *j, const char *what, struct err *e)
{
	return err_set(e, "%.120s:%lu: %s", j->name, j->line, what);
}

/* Each record has its type in front. */
static int find_type(struct journal *j)
{
	static const char front[] = "{\"type\":\"";
	static const struct {
		const char *name;
		enum journal_type type;
	} types[] = {{"run\"", JOURNAL_RUN},	    {"port\"", JOURNAL_PORT},
		     {"ports\"", JOURNAL_PORTS},    {"host\"", JOURNAL_HOST},
		     {"window\"", JOURNAL_WINDOW},  {"covers\"", JOURNAL_COVERS},
		     {"stack\"", JOURNAL_STACK},    {"check\"", JOURNAL_CHECK},
		     {"summary\"", JOURNAL_SUMMARY}};

	if (strncmp(j->text, front, sizeof(front) - 1) != 0 || strlen(j->text) != j->len)
		return -1;
	j->type = JOURNAL_OTHER;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(j->text + sizeof(front) - 1, types[i].name, strlen(types[i].name)) == 0)
			j->type = types[i].type;
	return 0;
}

/* A line with its newline, or what the file ends in; 0: nothing is left. -1: see errno. getline
 * would take what has no end for a line, and all memory for it. */
static ssize_t read_line(struct journal *j)
{
	size_t n = 0;
	int ch;

	flockfile(j->f);
	while ((ch = getc_unlocked(j->f)) != EOF) {
		if (n + 1 >= j->cap) {
			size_t want = j->cap ? 2 * j->cap : 4096;
			char *more = n < JOURNAL_LINE_MAX ? realloc(j->text, want) : NULL;

			if (!more)
				break;
			j->text = more;
			j->cap = want;
		}
		j->text[n++] = (char)ch;
		if (ch == '\n')
			break;
	}
	funlockfile(j->f);
	if (n)
		j->text[n] = '\0';
	if (ch == '\n' || (ch == EOF && !ferror(j->f)))
		return (ssize_t)n;
	errno = ch == EOF ? errno : n < JOURNAL_LINE_MAX ? ENOMEM : EOVERFLOW;
	return -1;
}

/* A run record begins a line, and no record of ours has one inside. */
static void drop_half(struct journal *j)
{
	static const char begins[] = "{\"type\":\"run\",";
	char *at;

	j->half = false;
	while ((at = strstr(j->text + 1, begins))) {
		j->half = true;
		j->len -= (size_t)(at - j->text);
		memmove(j->text, at, j->len + 1);
	}
}

int journal_next(struct journal *j, struct err *e)
{
	ssize_t n;

	errno = 0;
	n = read_line(j);
	if (n < 0 && errno == EOVERFLOW) {
		j->line++;
		return journal_bad(j, "a line without end", e);
	}
	if (n < 0)
		return err_sys(e, errno ? errno : EIO, "cannot read %.150s", j->name);
	j->cut = n > 0 && j->text[n - 1] != '\n';
	if (n == 0 || j->cut)
		return 0;
	j->len = (size_t)n;
	j->line++;
	drop_half(j);
	return find_type(j) < 0 ? journal_bad(j, "no record of rstprobe stands there", e) : 1;
}

json_object *journal_parse(struct journal *j, struct err *e)
{
	json_object *o;

	json_tokener_reset(j->tokener);
	o = json_tokener_parse_ex(j->tokener, j->text, (int)(j->len < INT32_MAX ? j->len : 0));
	if (json_tokener_get_error(j->tokener) == json_tokener_success &&
	    json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	journal_bad(j, "the record is damaged", e);
	return NULL;
}
