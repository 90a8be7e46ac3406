/*
 * provoke: the scenarios, and from what was measured in one to its finding: numbers become bits
 * here and nowhere else, the first row that they fit decides, and clues say the numbers again.
 */
#include "judge/provoke.h"

#include <string.h>

#include "judge/origin.h"
#include "judge/provoke_bits.h"

/* Columns: name, what is done, what it tells, connections, quiet, writes, hold. */
const struct scenario_info scenario_infos[SCENARIOS] = {
    [SCENARIO_LISTEN_ACK] =
	{"listen-ack",
	 "sends an ACK, data and a SYN-ACK to the listening port, none of which belongs to a "
	 "connection",
	 "does the listener reset stray segments, or what swallows them", 1, false, false, 0},
    [SCENARIO_HALF_OPEN] =
	{"half-open",
	 "connects, goes dumb without FIN or RST as after a power cut, and comes back with a SYN "
	 "on the same ports",
	 "does keep-alive notice, and does the stack challenge the SYN and give way to our RST", 2,
	 true, false, 60000},
    [SCENARIO_EARLY_CLOSE] =
	{"early-close",
	 "connects and sends more than the service may want to read, while it reads the answer "
	 "slowly",
	 "does unread data make it reset, and how much of its answer is lost by that", 1, false,
	 true, 15000},
    [SCENARIO_DATA_AFTER_CLOSE] =
	{"data-after-close", "connects, waits until the service closes, and then sends data",
	 "what a client gets that writes after the end: RST, silence, or acceptance", 1, false,
	 true, 90000},
    [SCENARIO_ABORT] = {"abort",
			"opens two connections, aborts one by a RST in the middle, and tries the "
			"other and a new one",
			"do the service's other connections, and its listener, live on", 3, false,
			true, 0},
    [SCENARIO_SLOW_HANDSHAKE] =
	{"slow-handshake",
	 "sends a SYN, leaves the SYN-ACK unanswered, connects once beside it, and then sends a "
	 "RST, as a client with a short time-out does",
	 "is the SYN-ACK sent again, does it hold up others, does the RST end it", 2, true, false,
	 10000},
    [SCENARIO_IDLE] = {"idle",
		       "opens up to 16 connections at a time, lets each rest for another while, "
		       "and uses it again",
		       "the idle time-out on the way, and whether FIN, RST or silence ends it", 64,
		       false, false, 600000},
    [SCENARIO_LOST_RST] =
	{"lost-rst", "makes the service reset a connection, overlooks the RST, and goes on sending",
	 "does each further segment draw the RST again", 1, true, true, 10000},
    [SCENARIO_CHALLENGE] =
	{"challenge",
	 "connects, and sends on its own connection what a forger might: a SYN in the window, a "
	 "RST off by one, an old ACK, and the exact RST last",
	 "challenge ACKs as RFC 5961 asks, or a connection that anybody can reset", 1, false, false,
	 0},
};

int scenario_parse(const char *word, enum scenario *out)
{
	for (int s = 0; s < SCENARIOS; s++) {
		if (strcmp(scenario_infos[s].name, word) != 0)
			continue;
		*out = (enum scenario)s;
		return 0;
	}
	return -1;
}
