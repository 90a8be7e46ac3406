/*
 * privilege: tries whether a raw socket opens, says what would help, and gives up what was needed
 * to get this far. Whether it may probe it never asks the user id: a capability without root does,
 * and root without it not.
 */
#include "config.h"

#include "wire/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/confine.h"

enum { NOBODY = 65534 };

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

/* --- whom to become --------------------------------------------------------------------------- */

/* A whole number of a user, as sudo leaves it in the environment. */
static bool number(const char *word, unsigned long *n)
{
	char *end;

	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	*n = strtoul(word, &end, 10);
	return errno == 0 && *end == '\0' && *n < UINT32_MAX;
}

static void take_entry(struct privilege_user *u, const struct passwd *p)
{
	u->uid = p->pw_uid;
	u->gid = p->pw_gid;
	snprintf(u->name, sizeof(u->name), "%.60s", p->pw_name);
}

static int find_asked(const char *asked, struct privilege_user *u, struct err *e)
{
	const struct passwd *p = getpwnam(asked);
	unsigned long n;

	if (!p && number(asked, &n)) {
		p = getpwuid((uid_t)n);
		if (!p) {
			u->uid = (uid_t)n;
			u->gid = (gid_t)n;
			snprintf(u->name, sizeof(u->name), "%lu", n);
			return 0;
		}
	}
	if (!p)
		return err_set(e, "--user %.60s: no such user", asked);
	take_entry(u, p);
	return 0;
}

static void find_nobody(struct privilege_user *u)
{
	const struct passwd *p = getpwnam("nobody");

	if (p) {
		take_entry(u, p);
		return;
	}
	u->uid = u->gid = NOBODY;
	snprintf(u->name, sizeof(u->name), "nobody");
}

/* Who called sudo or doas, and nobody where root itself is meant. */
static void find_invoking(struct privilege_user *u)
{
	const char *doas = getenv("DOAS_USER");
	const struct passwd *p = doas ? getpwnam(doas) : NULL;
	unsigned long uid, gid;

	if (number(getenv("SUDO_UID"), &uid) && number(getenv("SUDO_GID"), &gid) && uid > 0) {
		u->uid = (uid_t)uid;
		u->gid = (gid_t)gid;
		snprintf(u->name, sizeof(u->name), "uid %lu", uid);
		return;
	}
	if (p && p->pw_uid != 0)
		take_entry(u, p);
	else
		find_nobody(u);
}

/*
 * Is root here an ordinary user who has a user namespace to himself (`unshare -r`)? Nobody else is
 * in it whom he could become. A rootless container has that user and, in lines of their own,
 * others.
 */
static bool is_alone(void)
{
	unsigned long inside, outside, n;
	char map[128] = "", more;
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, map, sizeof(map) - 1);

	if (fd >= 0)
		close(fd);
	return len > 0 && sscanf(map, "%lu %lu %lu %c", &inside, &outside, &n, &more) == 3 &&
	       n == 1 && outside != 0;
}

int privilege_find_user(const char *asked, struct privilege_user *u, struct err *e)
{
	*u = (struct privilege_user){.asked = asked != NULL};
	if (asked && find_asked(asked, u, e) < 0)
		return -1;
	if (!asked && (geteuid() != 0 || is_alone()))
		return 0;
	if (!asked)
		find_invoking(u);
	u->change = u->uid != getuid() || u->uid != geteuid();
	if (u->change && asked && geteuid() != 0)
		return err_set(e, "--user %.60s: only root may become another user", asked);
	return 0;
}

struct privilege_user privilege_least(const struct privilege_user *u)
{
	struct privilege_user least = *u;

	if (u->change && !u->asked)
		find_nobody(&least);
	return least;
}

/* --- giving up -------------------------------------------------------------------------------- */

/* By all that the kernel asks for; it is the C library that was told to become. */
static bool is_all(const struct privilege_user *u)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && r == u->uid && e == u->uid && s == u->uid &&
	       getresgid(&rg, &eg, &sg) == 0 && rg == u->gid && eg == u->gid && sg == u->gid;
}

/*
 * The groups first, while it may. 1 with `e` where a container or user namespace knows no such
 * user, or forbids to change: root there is what its maker made of it.
 */
static int become(const struct privilege_user *u, struct err *e)
{
	bool no_groups = setgroups(1, &u->gid) < 0;
	int why = errno;

	if (setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0) {
		why = errno;
		if ((why != EPERM && why != EINVAL) || getuid() == u->uid)
			return err_sys(e, why, "becoming %s", u->name);
		if (u->asked)
			return err_set(e, "--user %s: this container lets root become nobody else",
				       u->name);
		err_set(e,
			"this container does not let root become %s: going on as root without "
			"capabilities (--user root if that is meant)",
			u->name);
		return 1;
	}
	/* without CAP_SETGID in a user namespace, which took root's other groups when it was made
	 */
	if (no_groups && why != EPERM)
		return err_sys(e, why, "becoming %s: groups", u->name);
	if (!is_all(u) || setuid(0) == 0)
		return err_set(e, "becoming %s: the kernel keeps another user", u->name);
	return 0;
}

static int drop_capabilities(struct err *e)
{
	if (capng_get_caps_process() < 0)
		return err_set(e, "dropping privilege: cannot read the capabilities");
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(e, "dropping privilege: the kernel refuses to take capabilities");
	if (capng_get_caps_process() < 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return err_set(e, "dropping privilege: capabilities are left");
	return 0;
}

/* It can only be cut with CAP_SETPCAP; without, no_new_privs makes it moot. */
static void cut_bounding_set(void)
{
	if (capng_get_caps_process() < 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return;
	capng_clear(CAPNG_SELECT_BOUNDS);
	(void)!capng_apply(CAPNG_SELECT_BOUNDS);
}

/*
 * Who names files needs the rights on folders that there were when they were opened, so stays who
 * it is; but of root's capabilities only those that mean files.
 */
static int keep_files_only(struct err *e)
{
	static const unsigned of_files[] = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER};
	bool had[sizeof(of_files) / sizeof(of_files[0])];

	if (capng_get_caps_process() < 0)
		return err_set(e, "dropping privilege: cannot read the capabilities");
	for (size_t i = 0; i < sizeof(had) / sizeof(had[0]); i++)
		had[i] = capng_have_capability(CAPNG_EFFECTIVE, of_files[i]);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < sizeof(had) / sizeof(had[0]); i++)
		if (had[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, of_files[i]);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(e, "dropping privilege: the kernel refuses to take capabilities");
	return 0;
}

static int give_up_rights(const struct privilege_user *u, struct err *e)
{
	int rc = u->change ? become(u, e) : 0;

	return rc < 0 || drop_capabilities(e) < 0 ? -1 : rc;
}

int privilege_drop(const struct privilege_user *u, enum privilege_work work, struct err *e)
{
	enum confined c;
	struct err no_filter;
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "dropping privilege: no_new_privs");
	cut_bounding_set();
	rc = work == PRIVILEGE_NAME ? keep_files_only(e) : give_up_rights(u, e);
	if (rc < 0)
		return -1;
	/* nobody of the same user looks into its memory or takes its sockets, and no core is left.
	 * After the change of users, which sets it to what the system wants. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, errno, "dropping privilege: dumpable");
	c = confine(work, &no_filter);
	if (c == CONFINED || (c == CONFINED_NOT && rc > 0))
		return rc;
	*e = no_filter;
	return c == CONFINED_NOT ? 1 : -1;
}
