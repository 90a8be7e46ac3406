/*
 * probe: the table of segments that we send. A row says what the segment carries and what it asks.
 * What a reaction to it means is in rule.h. Adding a probe is a row here; its class has its rules.
 */
#ifndef JUDGE_PROBE_H
#define JUDGE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * RFC 9293, 3.10.7.1 and 3.10.7.2 look at RST, then ACK, then SYN: what a segment of one class
 * draws at LISTEN and at CLOSED is the same whatever else it carries.
 */
enum probe_class {
	PROBE_SYN,     /* SYN; neither RST nor ACK nor FIN: what opens a connection */
	PROBE_ACK,     /* ACK, no RST (a SYN-ACK too): belongs to no connection here */
	PROBE_BARE,    /* neither RST, ACK nor SYN: NULL, FIN, xmas */
	PROBE_SYN_ODD, /* SYN with FIN, no ACK, no RST: stacks differ at LISTEN */
	PROBE_RST,     /* RST: never answered */
	PROBE_CLASSES,
};

enum { PROBE_NAME_MAX = 12, PROBE_KINDS_MAX = 16 };

struct probe {
	const char *name;
	uint16_t flags;	      /* enum tcp_flag */
	uint16_t payload_len; /* octets of the default payload; 0 for none */
	const char *clause;   /* the RFC text that says what must come back */
	const char *help;     /* one line: what it asks */
};

extern const struct probe probe_table[];
extern const size_t probe_count;

const struct probe *probe_find(const char *name); /* NULL where there is none */
enum probe_class probe_class_of(uint16_t flags);
const char *probe_class_name(enum probe_class c);
/* "SAFRPUEC" letters, any order and case, to enum tcp_flag bits; -1 on another letter. */
int probe_parse_flags(const char *letters, uint16_t *out);

#endif
