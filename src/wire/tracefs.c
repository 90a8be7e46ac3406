/*
 * tracefs: finds the kernel's descriptions of its tracepoints: where they are mounted, else in a
 * mount of our own that is attached nowhere and gone with its descriptor. `ip netns exec` puts a
 * fresh /sys over the mounted one, so that this is no rare case.
 */
#include "config.h"

#include "wire/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

/* The last one is the first process's view, which root may look into. */
static const char *const places[] = {
    "/sys/kernel/tracing",
    "/sys/kernel/debug/tracing",
    "/proc/1/root/sys/kernel/tracing",
};

/* A place is tracefs where it has events. A descriptor, or -1 with errno. */
static int open_events(int at, const char *place)
{
	int dir = openat(at, place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int events;

	if (dir < 0)
		return -1;
	events = openat(dir, "events", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(dir);
	return events;
}

static int mounted_events(bool *denied)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int events = open_events(AT_FDCWD, places[i]);

		if (events >= 0)
			return events;
		/* the last is closed to others than root, mounted or not */
		if (errno == EACCES && i + 1 < sizeof(places) / sizeof(places[0]))
			*denied = true;
	}
	return -1;
}

/* The mount API of Linux 5.2; by number, since a C library may be older. */
static int private_events(void)
{
	int events = -1;
#if defined(SYS_fsopen) && defined(FSMOUNT_CLOEXEC)
	int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int mount = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (mount >= 0) {
		events = open_events(mount, ".");
		close(mount);
	}
	close(fs);
#endif
	return events;
}

static int read_all(int fd, char *text, size_t cap)
{
	size_t len = 0;

	while (len + 1 < cap) {
		ssize_t n = read(fd, text + len, cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return 0;
}

static enum tracefs_found read_format(int events, const char *event, char *text, size_t cap,
				      struct err *e)
{
	enum tracefs_found found = TRACEFS_NO_EVENT;
	char name[128];
	struct text t = text_of(name, sizeof(name));
	int fd;

	text_putf(&t, "%s/format", event);
	fd = openat(events, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read_all(fd, text, cap) == 0) {
		found = TRACEFS_OK;
	} else if (errno == EACCES || errno == EPERM) {
		found = TRACEFS_DENIED;
		err_set(e, "tracepoint %s: permission denied (needs root)", event);
	} else {
		err_sys(e, errno, "tracepoint %s: this kernel has none", event);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

enum tracefs_found tracefs_format(const char *event, char *text, size_t cap, struct err *e)
{
	enum tracefs_found found;
	bool denied = false;
	int events = mounted_events(&denied);

	text[0] = '\0';
	if (events < 0)
		events = private_events();
	if (events < 0 && denied) {
		err_set(e, "tracefs: permission denied (needs root)");
		return TRACEFS_DENIED;
	}
	if (events < 0) {
		err_set(e, "no tracefs is mounted (as root: mount -t tracefs tracefs %s)",
			places[0]);
		return TRACEFS_NONE;
	}
	found = read_format(events, event, text, cap, e);
	close(events);
	return found;
}
