/*
 * sweep_own: what this machine itself says of a probe, by ICMP errors in its own name: that it has
 * no neighbour for it, or that a firewall of its own let nothing out. No word of the target's.
 */
#include "engine/sweep_private.h"

#include <string.h>

/* Does it say that it found no neighbour for what it was given? */
static bool no_neighbour(const struct reply *r)
{
	return r->reaction == REACTION_ICMP_HOST && r->fit == FIT_EXACT;
}

/* Does a firewall of this machine's say that it refused to send it? */
static bool is_refusal(const struct sweep *s, uint64_t slot, const struct reply *r)
{
	return r->reaction != REACTION_ICMP_HOST || bit_get(s->unsent, slot);
}

static void name_gateway(const struct path *p, struct err *why)
{
	char a[ADDR_TEXT];

	err_set(why,
		"%s: the gateway %s does not answer (no neighbour), or the route by it is gone",
		p->ifname, addr_format_zone(&p->next_hop, p->next_hop.zone ? p->ifname : NULL, a));
}

/* Believed where something came by it before, and else the second time: what asks for it may itself
 * be lost. The packet has not left. */
static void gateway_silent(struct sweep *s, uint16_t path, uint64_t slot, uint64_t now)
{
	struct path_fate *fate = &s->fates[path];
	struct err why;

	sweep_note_failed(s, slot);
	if (s->pass == 0)
		bit_set(s->unsent, slot);
	if (!fate->lost_ns)
		fate->lost_ns = now;
	name_gateway(&s->w->paths[path], &why);
	if (fate->heard || now - fate->lost_ns > GATEWAY_AGAIN_NS)
		sweep_bury_path(s, path, END_LINK, &why);
	else if (!s->sum.why[0])
		memcpy(s->sum.why, why.msg, sizeof(s->sum.why));
}

void sweep_bury_unheard(struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++) {
		struct err why;

		if (!s->fates[i].lost_ns || s->fates[i].heard)
			continue;
		name_gateway(&s->w->paths[i], &why);
		sweep_bury_path(s, (uint16_t)i, END_LINK, &why);
	}
}

/* No answer where it speaks of the gateway. One on the link that was never heard is not there. */
static bool take_no_neighbour(struct sweep *s, const struct point *at, uint64_t slot, uint64_t now)
{
	struct host *h;

	if (s->w->paths[at->span->path].next_hop.family != ADDR_NONE) {
		gateway_silent(s, at->span->path, slot, now);
		return true;
	}
	h = hosts_find(&s->hosts, at->host);
	if (!h || !h->itself)
		sweep_host_gone(s, at);
	else
		h->vanished = true;
	return false;
}

bool sweep_take_own_word(struct sweep *s, const struct packet *p, const struct point *at,
			 uint64_t slot, const struct reply *r, uint64_t now)
{
	if (!probing_is_own_word(&s->w->paths[at->span->path], p))
		return false;
	return is_refusal(s, slot, r) || (no_neighbour(r) && take_no_neighbour(s, at, slot, now));
}
