/* probe: the segments we send, as data. What comes back is judged in match, rule and verdict. */
#include "judge/probe.h"

#include <string.h>

#include "packet/segment.h"

const struct probe probe_table[] = {
    {"syn", TCP_SYN, 0, "RFC 9293, 3.10.7.2, third; 3.10.7.1",
     "does a listener accept a connection? SYN-ACK is open, RST closed"},
    {"ack", TCP_ACK, 0, "RFC 9293, 3.10.7.2, second; 3.10.7.1",
     "do stray segments reach the stack? LISTEN and CLOSED both answer with a RST"},
    {"data", TCP_PSH | TCP_ACK, 5, "RFC 9293, 3.10.7.2, second; 3.10.7.1",
     "as ack, with payload: data to a port where no connection is"},
    {"finack", TCP_FIN | TCP_ACK, 0, "RFC 9293, 3.10.7.2, second; 3.10.7.1",
     "as ack, with FIN: the end of a connection that is not there"},
    {"synack", TCP_SYN | TCP_ACK, 0, "RFC 9293, 3.10.7.2, second; 3.10.7.1",
     "as ack, with SYN: passes filters that drop only SYNs; a connection tracker drops it"},
    {"null", 0, 0, "RFC 9293, 3.10.7.2, fourth; 3.10.7.1",
     "no flags: LISTEN must ignore it, CLOSED must reset it"},
    {"null-data", 0, 5, "RFC 9293, 3.10.7.2, fourth; 3.10.7.1",
     "no flags, with payload: does the RST count the data?"},
    {"fin", TCP_FIN, 0, "RFC 9293, 3.10.7.2, fourth; 3.10.7.1",
     "FIN alone: LISTEN must ignore it, CLOSED must reset it"},
    {"xmas", TCP_FIN | TCP_PSH | TCP_URG, 0, "RFC 9293, 3.10.7.2, fourth; 3.10.7.1",
     "FIN, PSH and URG: as fin"},
    {"syn-data", TCP_SYN, 8, "RFC 9293, 3.10.7.2, third; 3.10.7.1",
     "SYN with payload: accepted, with or without the data; the RST shows whether they count"},
    {"syn-fin", TCP_SYN | TCP_FIN, 0, "RFC 9293, 3.10.7.2, third; 3.10.7.1",
     "SYN with FIN: stacks differ at LISTEN; CLOSED must reset it"},
};
const size_t probe_count = sizeof(probe_table) / sizeof(probe_table[0]);

const struct probe *probe_find(const char *name)
{
	for (size_t i = 0; i < probe_count; i++)
		if (strcmp(probe_table[i].name, name) == 0)
			return &probe_table[i];
	return NULL;
}

enum probe_class probe_class_of(uint16_t flags)
{
	if (flags & TCP_RST)
		return PROBE_RST;
	if (flags & TCP_ACK)
		return PROBE_ACK;
	if (!(flags & TCP_SYN))
		return PROBE_BARE;
	return flags & TCP_FIN ? PROBE_SYN_ODD : PROBE_SYN;
}

const char *probe_class_name(enum probe_class c)
{
	static const char *const names[PROBE_CLASSES] = {
	    [PROBE_SYN] = "SYN",
	    [PROBE_ACK] = "with ACK",
	    [PROBE_BARE] = "no RST, ACK or SYN",
	    [PROBE_SYN_ODD] = "SYN with FIN",
	    [PROBE_RST] = "RST",
	};

	return names[c];
}

int probe_parse_flags(const char *letters, uint16_t *out)
{
	static const struct {
		char letter;
		uint16_t flag;
	} table[] = {{'S', TCP_SYN}, {'A', TCP_ACK}, {'F', TCP_FIN}, {'R', TCP_RST},
		     {'P', TCP_PSH}, {'U', TCP_URG}, {'E', TCP_ECE}, {'C', TCP_CWR}};
	uint16_t flags = 0;

	for (; *letters; letters++) {
		char upper = (char)(*letters & ~0x20);
		size_t i = 0;

		while (i < sizeof(table) / sizeof(table[0]) && table[i].letter != upper)
			i++;
		if (i == sizeof(table) / sizeof(table[0]))
			return -1;
		flags |= table[i].flag;
	}
	*out = flags;
	return 0;
}
