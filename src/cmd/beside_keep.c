/*
 * beside_keep: gives files their names, or takes them away; and the keeper, a process that still
 * may when this one has given up its privilege, or is no more. Between fork and end it calls the
 * kernel alone, and reads nothing but which file is meant.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "cmd/beside_private.h"
#include "wire/handover.h"
#include "wire/privilege.h"

enum wish { WISH_NAME, WISH_REMOVE };

struct asked {
	uint8_t wish, file;
};

/* --- by whoever may --------------------------------------------------------------------------- */

/* "/proc/self/fd/N", without stdio. */
static const char *path_of(int fd, char buf[32])
{
	static const char root[] = "/proc/self/fd/";
	char digits[12];
	size_t n = 0, at = 0;

	for (; root[at]; at++)
		buf[at] = root[at];
	do
		digits[n++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (n > 0)
		buf[at++] = digits[--n];
	buf[at] = '\0';
	return buf;
}

/* Only a name can be renamed over another, so what has none gets one for a moment. */
static int put_temp(const struct beside_file *f)
{
	char self[32];

	path_of(f->fd, self);
	if (linkat(AT_FDCWD, self, f->dir, f->temp, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	/* of a process that had our number before us */
	unlinkat(f->dir, f->temp, 0);
	return linkat(AT_FDCWD, self, f->dir, f->temp, AT_SYMLINK_FOLLOW);
}

static int give_name(const struct beside_file *f)
{
	int rc;

	if (f->fd >= 0 && put_temp(f) < 0)
		return errno;
	if (renameat(f->dir, f->temp, f->dir, f->place) == 0)
		return 0;
	rc = errno;
	unlinkat(f->dir, f->temp, 0);
	return rc;
}

void beside_remove(const struct beside_file *f)
{
	if (f->fd < 0)
		unlinkat(f->dir, f->temp, 0);
}

/* --- the keeper ------------------------------------------------------------------------------- */

/* Until nobody asks any more. */
static void keep(struct beside *b, int line)
{
	struct asked a;

	while (handover_hear(line, &a, sizeof(a), NULL)) {
		struct beside_file *f = a.file < b->n ? &b->v[a.file] : NULL;
		int rc = EBADF;

		if (f && f->dir >= 0) {
			rc = a.wish == WISH_NAME ? give_name(f) : 0;
			if (a.wish == WISH_REMOVE)
				beside_remove(f);
			f->dir = -1;
		}
		if (!handover_tell(line, &rc, sizeof(rc), NULL, 0))
			break;
	}
}

/* Who is killed before it was told that there is a keeper leaves the files to it as well. */
static void become_keeper(void *ctx, int line)
{
	struct beside *b = ctx;

	if (handover_begin(line, NULL, PRIVILEGE_NAME))
		keep(b, line);
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].dir >= 0)
			beside_remove(&b->v[i]);
}

int beside_keep(struct beside *b, struct err *e)
{
	int kept[2 * BESIDE_MAX];
	struct child_work work = {.work = become_keeper, .ctx = b, .kept = kept};
	struct err why;
	bool any = false;

	for (size_t i = 0; i < b->n; i++) {
		any |= b->v[i].dir >= 0;
		if (b->v[i].dir >= 0)
			kept[work.n_kept++] = b->v[i].dir;
		if (b->v[i].fd >= 0)
			kept[work.n_kept++] = b->v[i].fd;
	}
	if (!any || b->keeper.pid)
		return 0;
	if (handover_start(&b->keeper, &work, &why) == 0)
		return 0;
	return err_set(e, "no process that names the results: %s", why.msg);
}

/* --- asking it -------------------------------------------------------------------------------- */

/* False where it gives no answer. */
static bool ask(const struct beside_file *f, enum wish wish, int *rc)
{
	const struct beside *b = f->of;
	const struct asked a = {(uint8_t)wish, (uint8_t)(f - b->v)};

	return b->keeper.pid && handover_tell(b->keeper.line, &a, sizeof(a), NULL, 0) &&
	       handover_hear(b->keeper.line, rc, sizeof(*rc), NULL);
}

int beside_ask_name(const struct beside_file *f)
{
	int rc;

	return ask(f, WISH_NAME, &rc) ? rc : give_name(f);
}

void beside_ask_remove(const struct beside_file *f)
{
	int rc;

	if (!ask(f, WISH_REMOVE, &rc))
		beside_remove(f);
}

void beside_end(struct beside *b)
{
	for (size_t i = 0; i < b->n; i++)
		beside_abandon(&b->v[i]);
	b->n = 0;
	child_end(&b->keeper, -1);
}
