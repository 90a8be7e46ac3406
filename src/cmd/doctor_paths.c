/*
 * doctor_paths: how the target is reached, or the world where none was named: route, interface,
 * link. The kernel is asked; nothing is sent.
 */
#include "config.h"

#include "cmd/doctor_private.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "cmd/resolve.h"
#include "wire/links.h"
#include "wire/system.h"
#include "wire/way.h"

enum { ADDRESSES_MAX = 64 };

/* --- the target ------------------------------------------------------------------------------- */

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

/* The first of each family. -1 with `e`: it can't be one; else what is wrong is a fact. */
static int find_target(struct doctor_facts *f, const struct doctor_options *o,
		       struct addr dst[DOCTOR_FAMILIES], struct err *e)
{
	struct addr v[ADDRESSES_MAX];
	int n = read_target(o->target, v, &f->target_why);
	bool any = false;

	for (int i = 0; i < n; i++) {
		struct addr *to = &dst[v[i].family == ADDR_V4 ? DOCTOR_V4 : DOCTOR_V6];

		if (addr_is_multicast(&v[i]) || addr_is_unspecified(&v[i]) ||
		    addr_is_broadcast(&v[i]))
			return err_set(e, "%s: no address of one host", o->target);
		if (to->family || (o->family && v[i].family != o->family))
			continue;
		*to = v[i];
		any = true;
	}
	if (n >= 0 && !any)
		err_set(&f->target_why, "%s: no IPv%d address", o->target, o->family);
	return 0;
}

/* --- the way ---------------------------------------------------------------------------------- */

static const char *name(const struct addr *a, char buf[ADDR_TEXT])
{
	char zone[16];

	return addr_format_zone(a, a->zone ? resolve_zone_name(a->zone, zone) : NULL, buf);
}

static void describe(struct doctor_path *p, const struct path *path)
{
	struct text t = text_of(p->way, sizeof(p->way));
	char a[ADDR_TEXT];

	text_putf(&t, "%s by %s", p->target[0] ? p->target : "default", path->ifname);
	text_putf(&t, ", source %s", name(&path->src, a));
	if (path->next_hop.family)
		text_putf(&t, ", next hop %s", name(&path->next_hop, a));
	else
		text_putf(&t, "%s", path->loopback ? ", our own address" : ", on the link");
}

struct link_wanted {
	uint32_t ifindex;
	enum doctor_link link;
};

static void on_link(void *ctx, uint32_t ifindex, enum link_state state)
{
	struct link_wanted *w = ctx;

	if (ifindex != w->ifindex)
		return;
	w->link = state == LINK_UP	     ? DOCTOR_LINK_UP
		  : state == LINK_NO_CARRIER ? DOCTOR_LINK_NO_CARRIER
		  : state == LINK_DOWN	     ? DOCTOR_LINK_DOWN
					     : DOCTOR_LINK_UNKNOWN;
}

static enum doctor_link read_link(uint32_t ifindex)
{
	struct link_wanted w = {.ifindex = ifindex};
	struct links *l = links_open(NULL);

	if (!l)
		return DOCTOR_LINK_UNKNOWN;
	links_read(l, on_link, NULL, &w);
	links_close(l);
	return w.link;
}

static void take_path(struct doctor_path *p, const struct path *path)
{
	memcpy(p->ifname, path->ifname, sizeof(p->ifname));
	p->mtu = path->mtu;
	p->loopback = path->loopback;
	p->ethernet = way_is_ethernet(path);
	p->link = read_link(path->ifindex);
	system_read_interface(p);
}

/* Only asked how it would go: an address of the world for each family, of a root name server. */
static struct addr anywhere(unsigned family)
{
	struct addr a;

	addr_parse(family == DOCTOR_V4 ? "198.41.0.4" : "2001:503:ba3e::2:30", &a);
	return a;
}

/* What -i names can be looked at and listened to without a route. */
static void take_interface(struct doctor_path *p, struct trial *t, const char *ifname)
{
	t->path = (struct path){
	    .ifindex = route_ifindex(ifname),
	    .src.family = p->family == DOCTOR_V4 ? ADDR_V4 : ADDR_V6,
	};
	snprintf(t->path.ifname, sizeof(t->path.ifname), "%s", ifname);
	take_path(p, &t->path);
}

static void find_path(struct doctor_path *p, struct trial *t, struct route *r,
		      const struct addr *dst, const char *ifname)
{
	if (r && route_to(r, dst, &t->path, &p->why) > 0) {
		p->routed = true;
		describe(p, &t->path);
		take_path(p, &t->path);
	} else if (ifname) {
		take_interface(p, t, ifname);
	}
}

/* Which lines would say what was said already. */
static void compare(struct doctor_facts *f)
{
	struct doctor_path *v4 = &f->paths[DOCTOR_V4], *v6 = &f->paths[DOCTOR_V6];

	v6->again = v4->wanted && v4->ifname[0] && strcmp(v4->ifname, v6->ifname) == 0;
	v4->elsewhere = v6->routed;
	v6->elsewhere = v4->wanted;
}

int doctor_find_paths(struct doctor_facts *f, const struct doctor_options *o, struct trial *trials,
		      struct addr dst[DOCTOR_FAMILIES], struct err *e)
{
	struct route_wish wish = {0};
	struct route *r;
	struct err why = {""};

	if (o->ifname)
		snprintf(wish.ifname, sizeof(wish.ifname), "%s", o->ifname);
	if (o->target && find_target(f, o, dst, e) < 0)
		return -1;
	r = route_open(&wish, &why);
	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++) {
		struct doctor_path *p = &f->paths[i];
		struct addr to = o->target ? dst[i] : anywhere(i);
		char text[ADDR_TEXT];

		p->family = (uint8_t)i;
		p->rp_filter = p->gro = p->lro = p->tso = -1;
		if (!to.family || (o->family && to.family != o->family))
			continue;
		p->wanted = true;
		p->targeted = o->target != NULL;
		p->why = why;
		if (o->target)
			snprintf(p->target, sizeof(p->target), "%s", name(&to, text));
		find_path(p, &trials[i], r, &to, o->ifname);
	}
	compare(f);
	route_close(r);
	return 0;
}
