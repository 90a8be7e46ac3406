/*
 * beside: where a file really is, whether another can take its place, and the file without a name
 * that will. Who renames it is beside_keep's.
 */
#include "config.h"

#include "cmd/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/beside_private.h"

enum { LINKS_MAX = 40, TRIES = 100 };

/* --- where it is ------------------------------------------------------------------------------ */

/* DIR/NAME, or NAME alone where that begins at the root; the caller's to free. */
static char *join(const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	char *path = malloc(len);

	if (path && *name == '/')
		snprintf(path, len, "%s", name);
	else if (path)
		snprintf(path, len, "%s/%s", dir, name);
	return path;
}

/* The folder of `path` without links, and in `name` what is behind it. It is the kernel that
 * follows them, since it knows whose it should not (fs.protected_symlinks). */
static char *folder_of(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char self[40], *dir, *real = NULL;
	int fd;

	*name = slash ? slash + 1 : path;
	dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		real = realpath(access(self, F_OK) == 0 ? self : dir, NULL);
		close(fd);
	}
	free(dir);
	return real;
}

/* As /tmp is: who may make names there may not be who we write for. */
static bool is_shared(const struct stat *folder)
{
	return (folder->st_mode & S_ISVTX) && (folder->st_mode & (S_IWOTH | S_IWGRP));
}

/* A name that somebody else has laid into such a folder, maybe to have us write elsewhere, or into
 * what is his. The kernel may refuse to open it, and shall be asked. */
static bool is_laid(const char *dir, const struct stat *st)
{
	struct stat folder;

	return stat(dir, &folder) == 0 && is_shared(&folder) && st->st_uid != geteuid() &&
	       st->st_uid != folder.st_uid;
}

/* Where a file of this name is, or would be made, without links. NULL and errno. */
static char *place_of(const char *path)
{
	char *at = strdup(path);

	for (unsigned i = 0; at && i < LINKS_MAX; i++) {
		char target[PATH_MAX], *dir, *next;
		struct stat st = {0};
		const char *name;
		bool laid;
		ssize_t n;

		dir = folder_of(at, &name);
		next = dir ? join(dir, name) : NULL;
		free(at);
		laid = next && lstat(next, &st) == 0 && is_laid(dir, &st);
		n = next && !laid ? readlink(next, target, sizeof(target) - 1) : -1;
		if (laid) {
			free(next);
			next = NULL;
			errno = EACCES;
		}
		if (n < 0) { /* no link */
			free(dir);
			return next;
		}
		target[n] = '\0';
		at = join(dir, target);
		free(dir);
		free(next);
	}
	free(at);
	errno = ELOOP;
	return NULL;
}

/* --- can another take its place? -------------------------------------------------------------- */

static bool is_descriptor(const char *path)
{
	static const char *const roots[] = {"/proc/", "/dev/fd/", "/dev/std"};

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (strncmp(path, roots[i], strlen(roots[i])) == 0)
			return true;
	return false;
}

/* What the shell has opened for us (> FILE) goes on being that file. */
static bool is_ours(const struct stat *st)
{
	struct stat own;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
			return true;
	return false;
}

/* As a single file in a container often is. */
static bool is_mount(const char *place)
{
#ifdef STATX_ATTR_MOUNT_ROOT
	struct statx x;

	return statx(AT_FDCWD, place, AT_SYMLINK_NOFOLLOW, 0, &x) == 0 &&
	       (x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
	(void)place;
	return false;
#endif
}

static bool may_replace(int dir, const char *place, const struct stat *old)
{
	struct stat folder;

	if (is_ours(old) || is_mount(place) || fstat(dir, &folder) < 0)
		return false;
	return !(folder.st_mode & S_ISVTX) || folder.st_uid == geteuid() ||
	       old->st_uid == geteuid();
}

/* --- the file that will ----------------------------------------------------------------------- */

/* Nobody can foresee it, and lay something else there; without its random part it is good enough.
 */
static void name_temp(struct beside_file *f, unsigned again)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = again;
	snprintf(f->temp, sizeof(f->temp), ".rstprobe-%ld-%zu-%08" PRIx32, (long)getpid(), f->of->n,
		 random);
}

/* A name that nobody has: what is looked for in a folder by pattern begins with no dot. */
static int make_named(struct beside_file *f)
{
	int fd = -1;

	for (unsigned i = 0; i < TRIES; i++) {
		fd = openat(f->dir, f->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			break;
		name_temp(f, i);
	}
	return fd;
}

/* Without a name nothing can be left behind, even where the keeper is killed, too. Not every file
 * system knows such files; and it takes /proc to give them one. */
static int make_nameless(struct beside_file *f)
{
	char self[40];
	int fd = openat(f->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);

	if (fd < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	f->fd = access(self, F_OK) == 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (f->fd >= 0)
		return fd;
	close(fd);
	return -1;
}

static void forget(struct beside_file *f)
{
	if (f->dir >= 0)
		close(f->dir);
	if (f->fd >= 0)
		close(f->fd);
	f->dir = f->fd = -1;
}

/* -1: it can't be; errno says why. */
static int make(struct beside_file *f, const struct stat *old)
{
	int fd = make_nameless(f);

	if (fd < 0)
		fd = make_named(f);
	if (fd < 0 || !old)
		return fd;
	if ((old->st_uid == geteuid() && old->st_gid == getegid()) ||
	    fchown(fd, old->st_uid, old->st_gid) == 0) {
		if (fchmod(fd, old->st_mode & 07777) == 0)
			return fd;
	}
	beside_remove(f);
	close(fd);
	return -1;
}

/* --- open ------------------------------------------------------------------------------------- */

/* -1: in place, if at all. */
static int open_at(struct beside_file *f, const char *place)
{
	const char *name;
	char *dir = folder_of(place, &name);
	struct stat old;
	bool there = lstat(place, &old) == 0;
	int fd = -1;

	if (!dir || !*name || strlen(name) > NAME_MAX)
		goto out;
	if (there && (!S_ISREG(old.st_mode) || faccessat(AT_FDCWD, place, W_OK, AT_EACCESS) < 0))
		goto out;
	strcpy(f->place, name);
	f->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->dir >= 0 && (!there || may_replace(f->dir, place, &old)))
		fd = make(f, there ? &old : NULL);
	if (fd < 0)
		forget(f);
out:
	free(dir);
	return fd;
}

/* NULL: not beside; errno says why. */
static FILE *begin(struct beside *b, const char *path, struct beside_file **out)
{
	struct beside_file *f = &b->v[b->n];
	char *place = is_descriptor(path) || b->n == BESIDE_MAX ? NULL : place_of(path);
	FILE *stream = NULL;
	int fd = -1;

	*out = NULL;
	if (place && !is_descriptor(place)) {
		*f = (struct beside_file){.of = b, .dir = -1, .fd = -1};
		snprintf(f->said, sizeof(f->said), "%s", path);
		name_temp(f, 0);
		fd = open_at(f, place);
	}
	free(place);
	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "w");
	if (stream) {
		*out = f;
		b->n++;
		return stream;
	}
	beside_remove(f);
	forget(f);
	close(fd);
	return NULL;
}

FILE *beside_open(struct beside *b, const char *path, struct beside_file **out, struct err *e)
{
	FILE *f = begin(b, path, out);

	if (!f)
		f = fopen(path, "we");
	if (!f)
		err_sys(e, errno, "cannot write %s", path);
	return f;
}

FILE *beside_open_only(struct beside *b, const char *path, struct beside_file **out, struct err *e)
{
	FILE *f;

	errno = 0;
	f = begin(b, path, out);
	if (!f)
		err_sys(e, errno ? errno : EBUSY, "cannot write a new %s beside the old", path);
	return f;
}

bool beside_same(const struct beside_file *a, const struct beside_file *b)
{
	struct stat x, y;

	return a && b && strcmp(a->place, b->place) == 0 && fstat(a->dir, &x) == 0 &&
	       fstat(b->dir, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* --- the end ---------------------------------------------------------------------------------- */

int beside_commit(struct beside_file *f, struct err *e)
{
	int rc = f && f->dir >= 0 ? beside_ask_name(f) : 0;

	if (rc == 0) {
		if (f)
			forget(f);
		return 0;
	}
	beside_abandon(f);
	return err_sys(e, rc, "%s: the result cannot take its name", f->said);
}

void beside_abandon(struct beside_file *f)
{
	if (!f || f->dir < 0)
		return;
	beside_ask_remove(f);
	forget(f);
}
