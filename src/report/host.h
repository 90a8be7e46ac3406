/*
 * host: what every renderer of a host's ports must decide alike: which states are listed port by
 * port, and how the ports of a large state fall into groups that need only one line.
 */
#ifndef REPORT_HOST_H
#define REPORT_HOST_H

#include "report/ranges.h"
#include "report/report.h"

/* Ports that a reader need not tell apart: one state, reason, firmness and ICMP sender. */
struct port_group {
	enum port_state state;
	const char *reason;
	bool weak;
	bool icmp;
	uint8_t icmp_type, icmp_code;
	struct addr from;	 /* family 0 where not ICMP */
	const struct rule *rule; /* NULL where not all ports have the same */
	uint8_t n_clues;	 /* those that all ports have */
	struct clue clues[VERDICT_CLUES_MAX];
	struct ranges ports;
};

struct port_groups {
	struct port_group *v;
	size_t n, cap;
};

bool host_lists(const struct host_record *h, const struct report_style *style, enum port_state s);
bool host_shows(const struct report_style *style, enum port_state s);
/* False where memory is out. */
bool host_group_add(struct port_groups *g, const struct port_record *r);
void host_groups_clear(struct port_groups *g); /* keeps the array */
void host_groups_free(struct port_groups *g);

bool clue_same(const struct clue *a, const struct clue *b);
/* The address with its zone by name. */
const char *host_addr(const struct run_info *run, const struct addr *a, char buf[ADDR_TEXT]);

#endif
