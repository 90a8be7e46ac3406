/*
 * privilege: tries whether a raw socket opens, says what would help, and gives every capability
 * up. It refuses to look at the user id: a capability without root does, and root without it not.
 */
#include "config.h"

#include "wire/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

bool privilege_can_probe(struct err *e)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno == EPERM || errno == EACCES)
		err_set(e, "raw socket: permission denied (needs CAP_NET_RAW)");
	else
		err_sys(e, errno, "raw socket");
	return false;
}

/* Where this program lies, for a line that can be pasted. */
static const char *own_path(char *buf, size_t cap)
{
	ssize_t n = readlink("/proc/self/exe", buf, cap - 1);

	if (n <= 0)
		return "/usr/bin/rstprobe";
	buf[n] = '\0';
	return buf;
}

const char *privilege_fix(unsigned n)
{
	static char line[256];
	struct text t = text_of(line, sizeof(line));
	char path[160];

	switch (n) {
	case 0:
		text_putf(&t, "sudo setcap cap_net_raw+ep ");
		text_put_word(&t, own_path(path, sizeof(path)));
		return line;
	case 1: return "sudo rstprobe ...";
	case 2: return "docker run --cap-add NET_RAW ...";
	default: return NULL;
	}
}

int privilege_find_user(const char *asked, struct privilege_user *u, struct err *e)
{
	(void)e;
	*u = (struct privilege_user){.asked = asked != NULL};
	return 0;
}

static int drop_capabilities(struct err *e)
{
	capng_select_t set = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process() < 0)
		return err_set(e, "dropping privilege: cannot read the capabilities");
	/* the bounding set can only be cut with CAP_SETPCAP; no_new_privs makes it moot */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		set = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(set) < 0 &&
	    (set == CAPNG_SELECT_CAPS || capng_apply(CAPNG_SELECT_CAPS) < 0))
		return err_set(e, "dropping privilege: the kernel refuses to take capabilities");
	if (capng_get_caps_process() < 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return err_set(e, "dropping privilege: capabilities are left");
	return 0;
}

int privilege_drop(const struct privilege_user *u, enum privilege_work work, struct err *e)
{
	(void)u;
	(void)work;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "dropping privilege: no_new_privs");
	return drop_capabilities(e);
}
