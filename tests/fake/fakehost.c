/*
 * fakehost: plays a stack of stacks.conf in real time on a TUN device, for every address that is
 * routed there: each has its own connections and limits. Addresses and routes are the caller's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fake/icmp.h"
#include "fake/stackfile.h"
#include "fake/stackhost.h"
#include "packet/craft.h"
#include "packet/decode.h"

enum { HOSTS_MAX = 1 << 16, LATER_MAX = 1 << 14, FRAME_MAX = 2048, BATCH = 256 };

struct later {
	uint64_t at_ns;
	uint16_t len;
	uint8_t bytes[256];
};

struct play {
	int fd;
	struct craft *craft;
	struct fake_variant variant;
	struct stackhost_config c;
	struct addr prefix;
	unsigned bits;
	/* by hash of the address, the next free place where it is taken */
	struct stackhost **hosts;
	struct addr *addrs;
	size_t n_hosts;
	struct later *later;
	size_t n_later;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fakehost: %s\n", what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct stackhost *host_of(struct play *p, const struct addr *a)
{
	uint32_t h = 2166136261U;
	size_t i;

	for (size_t n = 0; n < addr_len(a); n++)
		h = (h ^ a->b[n]) * 16777619U;
	for (i = h % HOSTS_MAX; p->hosts[i]; i = (i + 1) % HOSTS_MAX)
		if (addr_equal(&p->addrs[i], a))
			return p->hosts[i];
	if (p->n_hosts == HOSTS_MAX / 2)
		return NULL;
	p->n_hosts++;
	p->c.addr = *a;
	p->c.seed += h;
	p->addrs[i] = *a;
	p->hosts[i] = stackhost_new(&p->c);
	return p->hosts[i];
}

/* --- sending ---------------------------------------------------------------------------------- */

static void put(struct play *p, const uint8_t *bytes, size_t len, uint64_t at_ns)
{
	struct later *l = &p->later[p->n_later];

	if (at_ns <= now()) {
		/* a full queue of the device is loss, as on any wire */
		if (write(p->fd, bytes, len) < 0 && errno != EAGAIN && errno != ENOBUFS)
			die(strerror(errno));
		return;
	}
	if (p->n_later == LATER_MAX || len > sizeof(l->bytes))
		return;
	l->at_ns = at_ns;
	l->len = (uint16_t)len;
	memcpy(l->bytes, bytes, len);
	p->n_later++;
}

static void put_out(struct play *p, const struct stackhost_out *o, const uint8_t *ip, size_t len,
		    uint64_t at_ns)
{
	uint8_t b[SEGMENT_MAX];
	int n;

	if (o->icmp)
		n = (int)icmp_error(&o->icmp_from, o->icmp_ttl, o->icmp_type, o->icmp_code, ip, len,
				    b);
	else
		n = craft_build(p->craft, &o->seg, b, sizeof(b), NULL);
	if (n > 0)
		put(p, b, (size_t)n, at_ns + o->delay_ns);
}

static void put_later(struct play *p, uint64_t at_ns)
{
	for (size_t i = 0; i < p->n_later;) {
		struct later l = p->later[i];

		if (l.at_ns > at_ns) {
			i++;
			continue;
		}
		p->later[i] = p->later[--p->n_later];
		put(p, l.bytes, l.len, 0);
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

/* One packet from the device; false where there is none. */
static bool take(struct play *p)
{
	uint8_t frame[FRAME_MAX];
	struct stackhost_out out[FAKE_OUT];
	struct packet in;
	struct stackhost *h;
	ssize_t len = read(p->fd, frame, sizeof(frame));
	uint64_t at = now();
	size_t n;

	if (len < 0 && errno != EAGAIN && errno != EINTR && errno != EIO)
		die(strerror(errno));
	if (len <= 0)
		return false;
	if (decode_frame(frame, (size_t)len, (size_t)len, LINKTYPE_RAW, &in) != DECODE_OK ||
	    in.kind != PACKET_TCP)
		return true;
	if (p->prefix.family) {
		struct addr first = addr_first(in.seg.dst, p->bits);

		if (in.seg.dst.family != p->prefix.family || !addr_equal(&first, &p->prefix))
			return true;
	}
	h = host_of(p, &in.seg.dst);
	n = h ? stackhost_take(h, &in, at, out) : 0;
	for (size_t i = 0; i < n; i++)
		put_out(p, &out[i], frame, (size_t)len, at);
	return true;
}

static void tick(struct play *p, uint64_t at_ns)
{
	for (size_t i = 0; i < HOSTS_MAX && p->n_hosts; i++)
		while (p->hosts[i] && stackhost_wake(p->hosts[i]) <= at_ns) {
			struct stackhost_out out[FAKE_OUT];
			size_t n = stackhost_tick(p->hosts[i], at_ns, out);

			for (size_t j = 0; j < n; j++)
				put_out(p, &out[j], NULL, 0, at_ns);
		}
	put_later(p, at_ns);
}

static _Noreturn void run(struct play *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

	for (;;) {
		/* timers here are tens of milliseconds and more: a look each 5 ms is near enough */
		if (poll(&pfd, 1, p->n_later ? 1 : 5) < 0 && errno != EINTR)
			die(strerror(errno));
		for (int i = 0; i < BATCH && take(p); i++)
			;
		tick(p, now());
	}
}

/* --- start ------------------------------------------------------------------------------------ */

static int open_tun(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		die("/dev/net/tun can't be opened");
	if (strlen(name) >= sizeof(r.ifr_name))
		die("the device's name is too long");
	strcpy(r.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		die(strerror(errno));
	return fd;
}

static void print_words(const char *key, const char *words)
{
	char copy[FAKE_WORDS], *save = NULL;
	const char *comma = "";

	strcpy(copy, words);
	printf(",\"%s\":[", key);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		printf("%s\"%s\"", comma, w);
		comma = ",";
	}
	printf("]");
}

/* One JSON object a line: the variant, and what is right to say of it; an empty list: anything. */
static int list(const struct stackfile *f)
{
	for (size_t i = 0; i < f->n_variants; i++) {
		const struct fake_variant *v = &f->variants[i];

		printf("{\"variant\":\"%s\",\"stack\":\"%s\",\"env\":\"%s\",\"ip\":%u", v->name,
		       v->stack->name, v->env.name, v->family);
		print_words("style", v->expect.style);
		print_words("family", v->expect.family);
		print_words("firewall", v->expect.firewall);
		print_words("confidence", v->expect.confidence);
		printf("}\n");
	}
	return 0;
}

static void parse_prefix(struct play *p, char *text)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash++ = 0;
	if (addr_parse(text, &p->prefix) < 0)
		die("--prefix ADDRESS/BITS");
	p->bits = slash ? (unsigned)strtoul(slash, NULL, 10) : addr_bits(&p->prefix);
	if (p->bits > addr_bits(&p->prefix))
		die("--prefix: too many bits");
	p->prefix = addr_first(p->prefix, p->bits);
}

static void parse_open(struct play *p, char *text)
{
	char *save = NULL;

	p->c.n_open = 0;
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (p->c.n_open == FAKE_OPEN_MAX)
			die("--open: too many ports");
		p->c.open[p->c.n_open++] = (uint16_t)strtoul(w, NULL, 10);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"tun", required_argument, NULL, 't'},
						{"variant", required_argument, NULL, 'v'},
						{"prefix", required_argument, NULL, 'p'},
						{"open", required_argument, NULL, 'o'},
						{"seed", required_argument, NULL, 's'},
						{"list", no_argument, NULL, 'l'},
						{0}};
	struct play p = {.c = {.open = {80, 22}, .n_open = 2, .seed = 1}};
	const char *tun = NULL, *variant = NULL;
	bool only_list = false;
	struct stackfile *f;
	struct err e;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 't': tun = optarg; break;
		case 'v': variant = optarg; break;
		case 'p': parse_prefix(&p, optarg); break;
		case 'o': parse_open(&p, optarg); break;
		case 's': p.c.seed = strtoull(optarg, NULL, 10); break;
		case 'l': only_list = true; break;
		default: return 2;
		}
	if (optind != argc - 1 || (!only_list && (!tun || !variant)))
		die("fakehost --list FILE, or fakehost --tun NAME --variant NAME [--open PORTS] "
		    "[--prefix ADDRESS/BITS] [--seed N] FILE");
	f = stackfile_read(argv[optind], &e);
	if (!f)
		die(e.msg);
	if (only_list)
		return list(f);
	if (stackfile_variant(f, variant, &p.variant) < 0)
		die("no such variant");
	p.c.stack = p.variant.stack;
	p.c.env = p.variant.env;
	p.craft = craft_new(NULL);
	p.hosts = calloc(HOSTS_MAX, sizeof(struct stackhost *));
	p.addrs = calloc(HOSTS_MAX, sizeof(*p.addrs));
	p.later = calloc(LATER_MAX, sizeof(*p.later));
	if (!p.craft || !p.hosts || !p.addrs || !p.later)
		die("no memory");
	p.fd = open_tun(tun);
	puts("READY");
	fflush(stdout);
	run(&p);
}
