/*
 * system: reads facts one by one; what can't be read is left as not known. It refuses to be stopped
 * by any of them.
 */
#include "config.h"

#include "wire/system.h"

#include <cap-ng.h>
#include <ctype.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/clock.h"
#include "wire/privilege.h"

enum { FILE_MAX = 4096 };

/* --- files ------------------------------------------------------------------------------------ */

/* The beginning of a file, 0-terminated; false where there is none to read. */
static bool read_text(const char *path, char buf[FILE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, FILE_MAX - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

static bool number_in(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	*out = n;
	return end != text;
}

static bool read_number(const char *path, uint64_t *out)
{
	char buf[FILE_MAX];

	return read_text(path, buf) && number_in(buf, out);
}

/* Takes the descriptor. */
static bool read_number_of(int fd, uint64_t *out)
{
	char buf[32];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return number_in(buf, out);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- privilege -------------------------------------------------------------------------------- */

static void read_privilege(struct doctor_facts *f)
{
	const char *line = privilege_fix(0);

	f->raw_opens = privilege_can_probe(&f->raw_why);
	if (capng_get_caps_process() == 0) {
		f->has_cap = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
		f->bounded = !f->has_cap && !capng_have_capability(CAPNG_BOUNDING_SET, CAP_NET_RAW);
	}
	f->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	snprintf(f->setcap, sizeof(f->setcap), "%s", line);
}

/* --- where it runs ---------------------------------------------------------------------------- */

static enum doctor_container container_named(const char *text)
{
	static const struct {
		const char *word;
		enum doctor_container container;
	} words[] = {
	    {"kubepods", CONTAINER_KUBERNETES},
	    {"libpod", CONTAINER_PODMAN},
	    {"podman", CONTAINER_PODMAN},
	    {"docker", CONTAINER_DOCKER},
	    {"lxc", CONTAINER_LXC},
	    {"systemd-nspawn", CONTAINER_NSPAWN},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i].word))
			return words[i].container;
	return CONTAINER_NONE;
}

static enum doctor_container read_container(void)
{
	char text[FILE_MAX];
	const char *said;

	if (getenv("KUBERNETES_SERVICE_HOST"))
		return CONTAINER_KUBERNETES;
	if (is_there("/run/.containerenv"))
		return CONTAINER_PODMAN;
	if (is_there("/.dockerenv"))
		return CONTAINER_DOCKER;
	/* what systemd, or whoever started the container, says of it */
	said = getenv("container");
	if (!said && read_text("/run/systemd/container", text))
		said = text;
	if (said && *said)
		return container_named(said) ? container_named(said) : CONTAINER_OTHER;
	return read_text("/proc/1/cgroup", text) ? container_named(text) : CONTAINER_NONE;
}

static void read_wsl(struct doctor_facts *f)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	for (char *p = u.release; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!strstr(u.release, "microsoft"))
		return;
	/* WSL1's is "4.4.0-19041-microsoft"; of WSL2 a kernel of one's own may lack the "wsl2" */
	f->wsl = strncmp(u.release, "4.4.", 4) == 0 ? 1 : 2;
	f->wsl_mirrored = if_nametoindex("loopback0") != 0;
}

/* --- limits ----------------------------------------------------------------------------------- */

void system_open_tracking(struct system_tracking *t)
{
	t->most = open("/proc/sys/net/netfilter/nf_conntrack_max", O_RDONLY | O_CLOEXEC);
	t->now = open("/proc/sys/net/netfilter/nf_conntrack_count", O_RDONLY | O_CLOEXEC);
}

void system_read_tracking(struct system_tracking *t, struct doctor_facts *f)
{
	bool most = read_number_of(t->most, &f->tracked_max);

	f->tracks = read_number_of(t->now, &f->tracked) && most;
}

static void read_files(struct doctor_facts *f)
{
	struct rlimit r;

	f->files_soft = f->files_hard = UINT64_MAX;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	f->files_soft = r.rlim_cur;
	f->files_hard = r.rlim_max;
}

static bool is_way(const struct ifaddrs *a)
{
	return a->ifa_addr && a->ifa_addr->sa_family == AF_INET && (a->ifa_flags & IFF_UP) &&
	       !(a->ifa_flags & IFF_LOOPBACK);
}

/* An interface with two addresses is one way. */
static void read_ways(struct doctor_facts *f)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		bool before = false;

		for (const struct ifaddrs *b = all; b != a; b = b->ifa_next)
			before |= is_way(b) && strcmp(a->ifa_name, b->ifa_name) == 0;
		f->ways += is_way(a) && !before;
	}
	freeifaddrs(all);
}

static void read_clock(struct doctor_facts *f)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	f->wall_s = clock_wall_ns() / 1000000000U;
	f->clock_known = state >= 0;
	f->clock_synced = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
	f->clock_error_us = t.maxerror > 0 ? (uint64_t)t.maxerror : 0;
}

void system_read(struct doctor_facts *f)
{
	read_privilege(f);
	f->container = read_container();
	read_wsl(f);
	read_files(f);
	read_ways(f);
	read_clock(f);
}

/* --- an interface ----------------------------------------------------------------------------- */

/* The value of one of ethtool's settings, -1 where the driver has none. */
static int ethtool_get(int fd, const char *ifname, uint32_t command)
{
	struct ethtool_value v = {.cmd = command};
	struct ifreq r = {.ifr_data = (char *)&v};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
	return fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0 ? (int)v.data : -1;
}

static int rp_filter_of(const char *ifname)
{
	char path[80];
	struct text t = text_of(path, sizeof(path));
	uint64_t mode;

	text_putf(&t, "/proc/sys/net/ipv4/conf/%s/rp_filter", ifname);
	return read_number(path, &mode) ? (int)mode : -1;
}

bool system_is_up(const char *ifname)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};
	bool up;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

void system_read_interface(struct doctor_path *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int own = rp_filter_of(p->ifname), all = rp_filter_of("all");
	int flags = ethtool_get(fd, p->ifname, ETHTOOL_GFLAGS);

	p->gro = ethtool_get(fd, p->ifname, ETHTOOL_GGRO);
	p->tso = ethtool_get(fd, p->ifname, ETHTOOL_GTSO);
	p->lro = flags < 0 ? -1 : !!((uint32_t)flags & ETH_FLAG_LRO);
	/* the stricter rule of the kernel: the larger number */
	p->rp_filter = own > all ? own : all;
	if (fd >= 0)
		close(fd);
}
