/* walks: what each TTL drew, as the engine would note it. */
#include "walks.h"

#include "packet/segment.h"

void walks_make(struct walks *s)
{
	*s = (struct walks){0};
	s->facts.walks = s->v;
	s->facts.addr = addr_v4(192, 0, 2, 7);
	s->facts.port = 443;
	s->facts.probe = probe_find("syn");
	s->facts.max_ttl = WALKS_MAX_TTL;
	s->facts.flows = 1;
}

struct addr walks_router(unsigned hop)
{
	return addr_v4(10, 0, (uint8_t)hop, 1);
}

struct trace_walk *walks_add(struct walks *s, enum trace_role role, const char *probe)
{
	struct trace_walk *w = &s->v[s->facts.n_walks++];

	*w = (struct trace_walk){.role = role,
				 .probe = probe_find(probe),
				 .sport = 40000,
				 .dport = role == WALK_CANARY ? 54321 : 443,
				 .first = 1,
				 .last = WALKS_MAX_TTL,
				 .over = true};
	for (unsigned ttl = 1; ttl <= TRACE_TTL_MAX; ttl++) {
		w->hops[ttl].ttl = (uint8_t)ttl;
		w->hops[ttl].tries = ttl <= WALKS_MAX_TTL ? 1 : 0;
		w->hops[ttl].settled = ttl <= WALKS_MAX_TTL;
	}
	return w;
}

void walks_expire(struct trace_walk *w, unsigned first, unsigned last)
{
	for (unsigned ttl = first; ttl <= last; ttl++) {
		w->hops[ttl].expired = true;
		w->hops[ttl].expiry = (struct exchange){.tries = 1,
							.answered_by = 1,
							.reaction = REACTION_ICMP_OTHER,
							.rtt_us = 1000 * ttl,
							.icmp_type = 11,
							.ttl = (uint8_t)(65 - ttl),
							.from = walks_router(ttl)};
	}
}

struct exchange walks_exchange(const struct walks *s, enum reaction r, unsigned back)
{
	struct exchange x = {.tries = 1,
			     .answered_by = 1,
			     .reaction = (uint8_t)r,
			     .rtt_us = 1000 * (back + 1),
			     .port = 443,
			     .sent = {.seq = 1000, .ack = 5000, .flags = TCP_SYN, .len = 1},
			     .sent_win = 1024,
			     .ttl = (uint8_t)(64 - back),
			     .df = true,
			     .from = s->facts.addr};

	if (reaction_is_rst(r)) {
		x.flags = TCP_RST | TCP_ACK;
		x.ack = 1001;
	}
	return x;
}

void walks_answer(struct walks *s, struct trace_walk *w, unsigned ttl, enum reaction r,
		  unsigned back)
{
	for (; ttl <= w->last; ttl++) {
		w->hops[ttl].replied = true;
		w->hops[ttl].reply = walks_exchange(s, r, back);
		w->hops[ttl].resets = reaction_is_rst(r);
	}
}

void walks_answer_too(struct walks *s, struct trace_walk *w, unsigned ttl, enum reaction r,
		      unsigned back)
{
	for (; ttl <= w->last; ttl++) {
		w->hops[ttl].replied_otherwise = true;
		w->hops[ttl].other = walks_exchange(s, r, back);
		w->hops[ttl].resets = (uint8_t)(w->hops[ttl].resets + reaction_is_rst(r));
	}
}

void walks_reject(struct trace_walk *w, unsigned ttl, struct addr by)
{
	for (; ttl <= w->last; ttl++) {
		w->hops[ttl].replied = true;
		w->hops[ttl].reply = (struct exchange){.tries = 1,
						       .answered_by = 1,
						       .reaction = REACTION_ICMP_ADMIN,
						       .rtt_us = 3000,
						       .icmp_type = 3,
						       .icmp_code = 13,
						       .ttl = 62,
						       .from = by};
	}
}

struct trace_walk *walks_chain(struct walks *s, unsigned ttl, enum reaction r, unsigned back)
{
	struct trace_walk *w;

	walks_make(s);
	w = walks_add(s, WALK_MAIN, "syn");
	walks_expire(w, 1, ttl - 1 < 5 ? ttl - 1 : 5);
	walks_answer(s, w, ttl, r, back);
	return w;
}
