/*
 * doctor_words: fills the holes of a row's sentences. It decides how a fact is written, never
 * whether it matters.
 */
#include <inttypes.h>
#include <string.h>

#include "judge/doctor_private.h"

typedef void put_fn(struct text *t, const struct doctor_facts *f);

/* --- privilege -------------------------------------------------------------------------------- */

static void put_raw_why(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", f->raw_why.msg);
}

static void put_setcap(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", f->setcap);
}

static const struct {
	const char *name, *fix;
} containers[CONTAINERS] = {
    [CONTAINER_NONE] = {"no container", ""},
    [CONTAINER_DOCKER] = {"a Docker container", "docker run --cap-add=NET_RAW ..."},
    [CONTAINER_PODMAN] = {"a Podman container", "podman run --cap-add=NET_RAW ..."},
    [CONTAINER_KUBERNETES] = {"a Kubernetes pod",
			      "securityContext: {capabilities: {add: [NET_RAW]}}"},
    [CONTAINER_LXC] = {"an LXC container", "in its configuration, no net_raw behind lxc.cap.drop"},
    [CONTAINER_NSPAWN] = {"a systemd-nspawn container",
			  "systemd-nspawn --capability=CAP_NET_RAW ..."},
    [CONTAINER_OTHER] = {"a container", "start the container with CAP_NET_RAW"},
};

static void put_container(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", containers[f->container].name);
}

static void put_container_fix(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", containers[f->container].fix);
}

/* --- loopback --------------------------------------------------------------------------------- */

static void put_families(struct text *t, unsigned bits)
{
	text_putf(t, "%s%s%s", bits & 1U << DOCTOR_V4 ? "IPv4" : "",
		  bits == (1U << DOCTOR_V4 | 1U << DOCTOR_V6) ? ", " : "",
		  bits & 1U << DOCTOR_V6 ? "IPv6" : "");
}

static void put_unreset(struct text *t, const struct doctor_facts *f)
{
	put_families(t, doctor_unreset(f));
}

static void put_answered(struct text *t, const struct doctor_facts *f)
{
	put_families(t, doctor_answered(f));
}

static void put_loop_why(struct text *t, const struct doctor_facts *f)
{
	const struct doctor_loop *l = doctor_loop_at(f);

	text_putf(t, "%s", l->opened ? l->listener.raw.why.msg : l->why.msg);
}

static void put_us(struct text *t, uint64_t us)
{
	if (us < 10000)
		text_putf(t, "%" PRIu64 " us", us);
	else if (us < 10000000)
		text_putf(t, "%" PRIu64 " ms", us / 1000);
	else
		text_putf(t, "%" PRIu64 " s", us / 1000000);
}

static void put_loop_rtt(struct text *t, const struct doctor_facts *f)
{
	put_us(t, doctor_loop_at(f)->listener.raw.rtt_us);
}

/* --- the way ---------------------------------------------------------------------------------- */

static void put_target_why(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", f->target_why.msg);
}

static void put_target(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->target);
}

static void put_route_why(struct text *t, const struct doctor_facts *f)
{
	const struct doctor_path *p = doctor_path_at(f);
	size_t len = strlen(p->target);

	/* most name the target, as the line does */
	if (len && strncmp(p->why.msg, p->target, len) == 0 &&
	    strncmp(p->why.msg + len, ": ", 2) == 0)
		text_putf(t, "%s", p->why.msg + len + 2);
	else
		text_putf(t, "%s", p->why.msg);
}

static void put_way(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->way);
}

static void put_iface(struct text *t, const struct doctor_facts *f)
{
	text_put_word(t, doctor_path_at(f)->ifname);
}

static void put_family(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->family == DOCTOR_V6 ? "IPv6" : "IPv4");
}

static void put_arp(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->family == DOCTOR_V6 ? "ND" : "ARP");
}

static void put_six(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->family == DOCTOR_V6 ? " -6" : "");
}

static void put_mtu(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%" PRIu32, doctor_path_at(f)->mtu);
}

static void put_capture_why(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_path_at(f)->capture_why.msg);
}

static void put_ways(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%u", f->ways);
}

/* `form` has a hole for the word before the name: "gro and tso", "gro off tso off". */
static void put_offloads(struct text *t, const struct doctor_facts *f, const char *between,
			 const char *behind)
{
	const struct doctor_path *p = doctor_path_at(f);
	bool gro = p->gro > 0, tso = p->tso > 0;

	text_putf(t, "%s%s%s%s%s", gro ? "gro" : "", gro ? behind : "", gro && tso ? between : "",
		  tso ? "tso" : "", tso ? behind : "");
}

static void put_offloads_on(struct text *t, const struct doctor_facts *f)
{
	put_offloads(t, f, " and ", "");
}

static void put_offloads_off(struct text *t, const struct doctor_facts *f)
{
	put_offloads(t, f, " ", " off");
}

/* --- one port, asked both ways ---------------------------------------------------------------- */

static const struct doctor_asked *best(const struct doctor_facts *f)
{
	static const struct doctor_asked none;
	const struct doctor_asked *a = doctor_best(doctor_path_at(f));

	return a ? a : &none;
}

static void put_port(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%u", (unsigned)best(f)->port);
}

static void put_ports(struct text *t, const struct doctor_facts *f)
{
	const struct doctor_path *p = doctor_path_at(f);

	text_putf(t, "port%s", p->n_asked == 1 ? "" : "s");
	for (size_t i = 0; i < p->n_asked; i++)
		text_putf(t, "%s%u", i ? ", " : " ", (unsigned)p->asked[i].port);
}

static void put_raw(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", doctor_reply_name(best(f)->raw.reply));
}

static void put_conn(struct text *t, const struct doctor_facts *f)
{
	const struct doctor_try *c = &best(f)->conn;

	text_putf(t, "%s", c->reply == REPLY_REFUSED ? c->why.msg : doctor_reply_name(c->reply));
}

static void put_send_why(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", best(f)->raw.why.msg);
}

static void put_raw_ttl(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%u", (unsigned)best(f)->raw.ttl);
}

static void put_conn_ttl(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%u", (unsigned)best(f)->conn.ttl);
}

static void put_rtt(struct text *t, const struct doctor_facts *f)
{
	put_us(t, best(f)->raw.rtt_us);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void put_tracked(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%" PRIu64 " of %" PRIu64, f->tracked, f->tracked_max);
}

static void put_room(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%" PRIu64, doctor_room(f));
}

static void put_more_tracked(struct text *t, const struct doctor_facts *f)
{
	enum { GOOD = 262144 };
	uint64_t more = f->tracked_max * 4;

	text_putf(t, "%" PRIu64, more > GOOD ? more : GOOD);
}

static void put_files(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%" PRIu64 " descriptors, at most %" PRIu64, f->files_soft, f->files_hard);
}

static void put_clock_error(struct text *t, const struct doctor_facts *f)
{
	put_us(t, f->clock_error_us);
}

static void put_on_host(struct text *t, const struct doctor_facts *f)
{
	text_putf(t, "%s", f->container ? "on the host: " : "");
}

/* --- holes ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	put_fn *put;
} holes[] = {
    {"answered", put_answered},
    {"arp", put_arp},
    {"capture-why", put_capture_why},
    {"clock-error", put_clock_error},
    {"conn", put_conn},
    {"conn-ttl", put_conn_ttl},
    {"container", put_container},
    {"container-fix", put_container_fix},
    {"family", put_family},
    {"files", put_files},
    {"iface", put_iface},
    {"loop-rtt", put_loop_rtt},
    {"loop-why", put_loop_why},
    {"more-tracked", put_more_tracked},
    {"mtu", put_mtu},
    {"offloads", put_offloads_on},
    {"offloads-off", put_offloads_off},
    {"on-host", put_on_host},
    {"port", put_port},
    {"ports", put_ports},
    {"raw", put_raw},
    {"raw-ttl", put_raw_ttl},
    {"raw-why", put_raw_why},
    {"room", put_room},
    {"route-why", put_route_why},
    {"rtt", put_rtt},
    {"send-why", put_send_why},
    {"setcap", put_setcap},
    {"six", put_six},
    {"target", put_target},
    {"target-why", put_target_why},
    {"tracked", put_tracked},
    {"unreset", put_unreset},
    {"way", put_way},
    {"ways", put_ways},
};

/* A brace that begins no hole stands for itself. */
static bool put_hole(struct text *t, const struct doctor_facts *f, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		if (strlen(holes[i].name) != len || memcmp(holes[i].name, name, len) != 0)
			continue;
		holes[i].put(t, f);
		return true;
	}
	return false;
}

void doctor_words(struct text *t, const struct doctor_facts *f, const char *form)
{
	while (*form) {
		size_t plain = strcspn(form, "{"), len;

		text_putf(t, "%.*s", (int)plain, form);
		form += plain;
		if (!*form)
			return;
		len = strcspn(form + 1, "}");
		if (form[1 + len] && put_hole(t, f, form + 1, len)) {
			form += len + 2;
		} else {
			text_putf(t, "{");
			form++;
		}
	}
}
