/*
 * doctor: says whether this machine can probe at all, by trying each step, and the fix where it
 * can't. It refuses to guess from user ids or versions.
 */
#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "cmd/resolve.h"
#include "packet/craft.h"
#include "packet/decode.h"
#include "wire/clock.h"
#include "wire/hold.h"
#include "wire/links.h"
#include "wire/live.h"
#include "wire/privilege.h"
#include "wire/route.h"

enum { ANSWER_NS = 1000000000, ADDRESSES_MAX = 16 };

enum result { RESULT_OK, RESULT_WARN, RESULT_FAIL };

static const char *const result_words[] = {"ok", "warn", "fail"};

struct doctor {
	bool json;
	int family; /* 0, ADDR_V4, ADDR_V6 */
	const char *target;
	bool failed;
};

static const char usage[] =
    "usage: rstprobe doctor [-4|-6] [--format text|json] [TARGET]\n"
    "\n"
    "Tries whether this machine can probe: privilege, capture, a SYN on loopback, and with a\n"
    "TARGET the way there. Each line says ok, warn or fail; what fails is followed by its fix.\n"
    "\n"
    "  -4, -6                 one family only\n"
    "  --format text|json     json is JSON Lines, a record of type \"finding\" a check\n"
    "  -h, --help             this\n"
    "\n"
    "Status 0: nothing failed; 4: something did; 2: the command line is wrong.\n";

static void put_json(const char *check, enum result result, const char *detail, const char *fix)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string("finding"));
	json_object_object_add(o, "check", json_object_new_string(check));
	json_object_object_add(o, "result", json_object_new_string(result_words[result]));
	json_object_object_add(o, "detail", json_object_new_string(detail));
	json_object_object_add(o, "fix", fix ? json_object_new_string(fix) : NULL);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void find(struct doctor *d, const char *check, enum result result, const char *detail,
		 const char *fix)
{
	if (result == RESULT_FAIL)
		d->failed = true;
	if (d->json) {
		put_json(check, result, detail, fix);
		return;
	}
	printf("%-4s  %-13s  %s\n", result_words[result], check, detail);
	if (fix)
		printf("%-21s  fix: %s\n", "", fix);
}

/* --- privilege ---------------------------------------------------------------------------- */

/* The ways to mend a missing privilege, in one line. */
static const char *all_fixes(char *buf, size_t cap)
{
	struct text t = text_of(buf, cap);
	const char *line;

	for (unsigned i = 0; (line = privilege_fix(i)) != NULL; i++)
		text_putf(&t, "%s%s", i ? "; or: " : "", line);
	return buf;
}

static bool check_privilege(struct doctor *d)
{
	char fixes[512];
	struct err e;

	if (privilege_can_probe(&e)) {
		find(d, "cap-net-raw", RESULT_OK, "a raw socket opens", NULL);
		return true;
	}
	find(d, "cap-net-raw", RESULT_FAIL, e.msg, all_fixes(fixes, sizeof(fixes)));
	return false;
}

/* --- a SYN to ourselves ------------------------------------------------------------------- */

struct selftest {
	struct route *route;
	struct hold *hold;
	struct craft *craft;
	struct wire *wire;
	int listener;
	uint16_t path, dport;
	struct addr dst;
	uint32_t seq;
	_Atomic uint64_t sent_ns;
	uint64_t answered_ns;
	bool answered;
};

/* A listener on a free port of `s->dst`. */
static int listen_there(struct selftest *s, struct err *e)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in *v4 = (void *)&ss;
	struct sockaddr_in6 *v6 = (void *)&ss;
	socklen_t len = sizeof(ss);

	ss.ss_family = s->dst.family == ADDR_V4 ? AF_INET : AF_INET6;
	if (s->dst.family == ADDR_V4)
		memcpy(&v4->sin_addr, s->dst.b, 4);
	else
		memcpy(&v6->sin6_addr, s->dst.b, 16);
	s->listener = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0)
		return err_sys(e, errno, "listening: socket");
	if (bind(s->listener, (const void *)&ss, sizeof(ss)) < 0 || listen(s->listener, 1) < 0 ||
	    getsockname(s->listener, (void *)&ss, &len) < 0)
		return err_sys(e, errno, "listening");
	s->dport = ntohs(s->dst.family == ADDR_V4 ? v4->sin_port : v6->sin6_port);
	return 0;
}

static int open_selftest(struct selftest *s, struct err *e)
{
	struct live_config c = {.expected_replies = 1, .lanes = 1};
	uint64_t run;
	bool denied;

	if (listen_there(s, e) < 0)
		return -1;
	s->hold = hold_ports(1, 0, e);
	s->route = s->hold ? route_open(NULL, e) : NULL;
	if (!s->route || route_piece(s->route, &s->dst, 1, &run, &s->path, e) < 0 ||
	    s->path == PATH_NONE)
		return -1;
	c.paths = route_paths(s->route, &c.n_paths);
	c.sport_first = c.sport_last = hold_first(s->hold);
	s->craft = craft_new(e);
	s->wire = s->craft ? live_open(&c, &denied, e) : NULL;
	return s->wire ? 0 : -1;
}

static void close_selftest(struct selftest *s)
{
	if (s->wire)
		s->wire->ops->close(s->wire);
	craft_free(s->craft);
	route_close(s->route);
	hold_free(s->hold);
	if (s->listener >= 0)
		close(s->listener);
}

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct selftest *s = ctx;
	struct packet p;

	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK ||
	    p.kind != PACKET_TCP)
		return;
	if (p.seg.sport != s->dport || p.seg.dport != hold_first(s->hold) ||
	    p.seg.flags != (TCP_SYN | TCP_ACK) || p.seg.ack != s->seq + 1)
		return;
	s->answered = true;
	s->answered_ns = in->at_ns;
}

static int send_syn(struct selftest *s, struct err *e)
{
	uint8_t room[WIRE_HEADROOM + SEGMENT_MAX];
	uint8_t *bytes = room + WIRE_HEADROOM;
	struct segment seg = {
	    .src = s->wire->paths[s->path].src,
	    .dst = s->dst,
	    .sport = hold_first(s->hold),
	    .dport = s->dport,
	    .flags = TCP_SYN,
	    .win = 1024,
	    .ttl = 64,
	};
	struct wire_out out = {.ip = bytes, .path = s->path};
	int len;

	if (getrandom(&s->seq, sizeof(s->seq), 0) != sizeof(s->seq))
		return err_sys(e, errno, "no randomness");
	seg.seq = s->seq;
	len = craft_build(s->craft, &seg, bytes, SEGMENT_MAX, e);
	if (len < 0)
		return -1;
	out.len = (uint16_t)len;
	if (s->wire->ops->send(s->wire, 0, &out, 1, &s->sent_ns) != 1)
		return err_sys(e, out.error, "sending a SYN to our own listener");
	return 0;
}

/* 1 answered, 0 not within a second, -1 with `e`. */
static int run_selftest(struct selftest *s, struct err *e)
{
	uint64_t deadline;

	if (send_syn(s, e) < 0)
		return -1;
	deadline = s->sent_ns + ANSWER_NS;
	while (!s->answered && clock_mono_ns() < deadline) {
		if (s->wire->ops->recv(s->wire, deadline, on_frame, s, e) < 0)
			return -1;
	}
	return s->answered;
}

static void check_loopback(struct doctor *d, const char *check, const char *address)
{
	struct selftest s = {.listener = -1};
	char text[128];
	struct err e;
	int rc;

	addr_parse(address, &s.dst);
	if (open_selftest(&s, &e) < 0) {
		/* a machine without IPv6 can probe well enough */
		enum result r = s.dst.family == ADDR_V6 && s.dport == 0 ? RESULT_WARN : RESULT_FAIL;

		find(d, check, r, e.msg,
		     r == RESULT_WARN ? NULL : "ip link set dev lo up; see also the lines above");
		goto out;
	}
	rc = run_selftest(&s, &e);
	if (rc < 0) {
		find(d, check, RESULT_FAIL, e.msg,
		     "look for a rule of the firewall on output (nft list ruleset)");
	} else if (rc == 0) {
		find(d, check, RESULT_FAIL,
		     "no SYN-ACK of our own listener was seen within 1 s of a raw SYN",
		     "look for a firewall (nft list ruleset), or a kernel that hides packets from "
		     "raw capture (gVisor, WSL1)");
	} else {
		snprintf(text, sizeof(text), "SYN-ACK from %s seen after %.0f us", address,
			 (double)(s.answered_ns - s.sent_ns) / 1000.0);
		find(d, check, RESULT_OK, text, NULL);
	}
out:
	close_selftest(&s);
}

/* --- the way to a target ------------------------------------------------------------------ */

struct link_wanted {
	uint32_t ifindex;
	bool seen;
	enum link_state state;
};

static void on_link(void *ctx, uint32_t ifindex, enum link_state state)
{
	struct link_wanted *w = ctx;

	if (ifindex != w->ifindex)
		return;
	w->seen = true;
	w->state = state;
}

static void check_link(struct doctor *d, const struct path *p)
{
	struct link_wanted w = {.ifindex = p->ifindex};
	char text[160], fix[64];
	struct err e;
	struct links *l = links_open(&e);

	if (!l) {
		find(d, "link", RESULT_WARN, e.msg, NULL);
		return;
	}
	links_read(l, on_link, &w);
	links_close(l);
	if (w.seen && w.state == LINK_UP) {
		snprintf(text, sizeof(text), "%s is up, MTU %u", p->ifname, p->mtu);
		find(d, "link", RESULT_OK, text, NULL);
	} else if (w.seen && w.state == LINK_NO_CARRIER) {
		snprintf(text, sizeof(text), "%s has no carrier", p->ifname);
		find(d, "link", RESULT_FAIL, text, "the cable, or the other end of the link");
	} else {
		snprintf(text, sizeof(text), "%s is down", p->ifname);
		snprintf(fix, sizeof(fix), "ip link set dev %s up", p->ifname);
		find(d, "link", RESULT_FAIL, text, fix);
	}
}

/* Can it be listened to? Opens the wire as a scan would. */
static void check_capture(struct doctor *d, const struct path *p)
{
	struct live_config c = {
	    .paths = p, .n_paths = 1, .sport_first = 1, .sport_last = 1, .lanes = 1};
	char text[64], fixes[512];
	bool denied;
	struct err e;
	struct wire *w = live_open(&c, &denied, &e);

	if (!w) {
		find(d, "capture", RESULT_FAIL, e.msg,
		     denied ? all_fixes(fixes, sizeof(fixes)) : NULL);
		return;
	}
	snprintf(text, sizeof(text), "sends and captures on %s", p->ifname);
	find(d, "capture", RESULT_OK, text, NULL);
	w->ops->close(w);
}

static const char *describe(const struct addr *dst, const struct path *p, char *buf, size_t cap)
{
	struct text t = text_of(buf, cap);
	char a[ADDR_TEXT], zone[16];

	text_putf(&t, "%s by %s",
		  addr_format_zone(dst, dst->zone ? resolve_zone_name(dst->zone, zone) : NULL, a),
		  p->ifname);
	text_putf(&t, ", source %s",
		  addr_format_zone(&p->src,
				   p->src.zone ? resolve_zone_name(p->src.zone, zone) : NULL, a));
	if (p->next_hop.family)
		text_putf(&t, ", next hop %s",
			  addr_format_zone(
			      &p->next_hop,
			      p->next_hop.zone ? resolve_zone_name(p->next_hop.zone, zone) : NULL,
			      a));
	else
		text_putf(&t, "%s", p->loopback ? ", our own address" : ", on the link");
	return buf;
}

static void check_route(struct doctor *d, const struct addr *dst, bool privileged)
{
	char text[256];
	struct err e;
	struct route *r = route_open(NULL, &e);
	const struct path *paths;
	uint64_t run;
	uint16_t path;
	size_t n;

	if (!r || route_piece(r, dst, 1, &run, &path, &e) < 0 || path == PATH_NONE) {
		find(d, "route", RESULT_FAIL, e.msg, NULL);
		goto out;
	}
	paths = route_paths(r, &n);
	find(d, "route", RESULT_OK, describe(dst, &paths[path], text, sizeof(text)), NULL);
	check_link(d, &paths[path]);
	if (privileged)
		check_capture(d, &paths[path]);
out:
	route_close(r);
}

/* An address with or without zone and brackets, or a name. How many, or -1 with `e`. */
static int read_target(const char *word, struct addr *out, struct err *e)
{
	char plain[256];
	char *zone;
	size_t len = strlen(word);

	if (len >= 2 && word[0] == '[' && word[len - 1] == ']')
		snprintf(plain, sizeof(plain), "%.*s", (int)(len - 2), word + 1);
	else
		snprintf(plain, sizeof(plain), "%s", word);
	zone = strchr(plain, '%');
	if (zone)
		*zone++ = '\0';
	if (addr_parse(plain, out) == 0) {
		out->zone = zone ? resolve_zone(NULL, zone) : 0;
		if (zone && !out->zone)
			return err_set(e, "%s: no such interface: %s", word, zone);
		return 1;
	}
	return resolve_name(NULL, word, out, ADDRESSES_MAX, e);
}

static void check_target(struct doctor *d, bool privileged)
{
	struct addr v[ADDRESSES_MAX];
	struct err e;
	int n = read_target(d->target, v, &e);
	bool any = false;

	if (n < 0) {
		find(d, "target", RESULT_FAIL, e.msg, NULL);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (d->family && v[i].family != d->family)
			continue;
		any = true;
		check_route(d, &v[i], privileged);
	}
	if (!any) {
		err_set(&e, "%s: no IPv%d address", d->target, d->family);
		find(d, "target", RESULT_FAIL, e.msg, NULL);
	}
}

/* --- the command line --------------------------------------------------------------------- */

static int refuse(const char *what, const char *word)
{
	log_error("doctor: %s: %s (rstprobe doctor --help)", word, what);
	return -1;
}

static int set_format(struct doctor *d, const char *word)
{
	if (!word)
		return refuse("needs text or json", "--format");
	if (strcmp(word, "text") != 0 && strcmp(word, "json") != 0)
		return refuse("no such format: text or json", word);
	d->json = strcmp(word, "json") == 0;
	return 0;
}

/* 0; 1 help was asked for; -1 told. */
static int parse(struct doctor *d, int argc, char **argv)
{
	bool words_only = false;

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (words_only || a[0] != '-') {
			if (d->target)
				return refuse("one target at a time", a);
			d->target = a;
		} else if (strcmp(a, "--") == 0) {
			words_only = true;
		} else if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0) {
			return 1;
		} else if (strcmp(a, "-4") == 0 || strcmp(a, "-6") == 0) {
			d->family = a[1] == '4' ? ADDR_V4 : ADDR_V6;
		} else if (strcmp(a, "--format") == 0) {
			if (set_format(d, i + 1 < argc ? argv[++i] : NULL) < 0)
				return -1;
		} else if (strncmp(a, "--format=", 9) == 0) {
			if (set_format(d, a + 9) < 0)
				return -1;
		} else {
			return refuse("no such option", a);
		}
	}
	return 0;
}

int cmd_doctor(const struct cmd_line *l)
{
	struct doctor d = {0};
	int rc = parse(&d, l->argc, l->argv);
	bool privileged;

	if (rc < 0)
		return STATUS_USAGE;
	if (rc > 0) {
		fputs(usage, stdout);
		return STATUS_OK;
	}
	privileged = check_privilege(&d);
	if (privileged && d.family != ADDR_V6)
		check_loopback(&d, "loopback-ipv4", "127.0.0.1");
	if (privileged && d.family != ADDR_V4)
		check_loopback(&d, "loopback-ipv6", "::1");
	if (d.target)
		check_target(&d, privileged);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("doctor: standard output: cannot be written");
		return d.failed ? STATUS_CANNOT : STATUS_INCOMPLETE;
	}
	return d.failed ? STATUS_CANNOT : STATUS_OK;
}
