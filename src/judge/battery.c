/* battery: the cells as data. */
#include "judge/battery.h"

#include <string.h>

#include "packet/segment.h"

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST
#define P TCP_PSH
#define U TCP_URG
#define EC (TCP_ECE | TCP_CWR)
#define RANDOM FORM_SEQ_RANDOM, FORM_ACK_RANDOM

const struct form stray_forms[BATTERY_STRAY] = {
    {"syn", S, 0, true, RANDOM},	  {"syn-bare", S, 0, false, RANDOM},
    {"syn-ecn", S | EC, 0, true, RANDOM}, {"syn-data", S, 8, true, RANDOM},
    {"ack", A, 0, false, RANDOM},	  {"data", P | A, 5, false, RANDOM},
    {"finack", F | A, 0, false, RANDOM},  {"synack", S | A, 0, false, RANDOM},
    {"null", 0, 0, false, RANDOM},	  {"null-data", 0, 5, false, RANDOM},
    {"fin", F, 0, false, RANDOM},	  {"xmas", F | P | U, 0, false, RANDOM},
    {"psh", P, 0, false, RANDOM},	  {"urg", U, 0, false, RANDOM},
    {"syn-fin", S | F, 0, true, RANDOM},  {"syn-fin-psh-urg", S | F | P | U, 0, true, RANDOM},
    {"rst", R, 0, false, RANDOM},	  {"rst-ack", R | A, 0, false, RANDOM},
    {"syn-rst", S | R, 0, false, RANDOM}, {"all", S | A | F | R | P | U | EC, 0, false, RANDOM},
};

/* On connections: a RST carries the right ACK in its field, as a stack's own would. */
static const struct form rst_exact = {"rst-exact", R, 0, false, FORM_SEQ_NXT, FORM_ACK_NXT};
static const struct form rst_window = {"rst-window", R, 0, false, FORM_SEQ_WINDOW, FORM_ACK_NXT};
static const struct form rst_outside = {"rst-outside", R, 0, false, FORM_SEQ_OUTSIDE, FORM_ACK_NXT};
static const struct form syn_window = {"syn-window", S, 0, true, FORM_SEQ_WINDOW, FORM_ACK_NXT};
static const struct form ack_unsent = {"ack-unsent", A, 0, false, FORM_SEQ_NXT, FORM_ACK_UNSENT};
static const struct form data_old_ack = {"data-old-ack", P | A,	       5,
					 false,		 FORM_SEQ_NXT, FORM_ACK_OLD};
static const struct form data_no_ack = {"data-no-ack", P, 5, false, FORM_SEQ_NXT, FORM_ACK_NXT};
static const struct form fin_no_ack = {"fin-no-ack", F, 0, false, FORM_SEQ_NXT, FORM_ACK_NXT};
/* A second SYN of the half-open connection: SEG.SEQ = RCV.NXT. */
static const struct form syn_again = {"syn-window", S, 0, true, FORM_SEQ_NXT, FORM_ACK_NXT};

#define STRAY(state)                                                                               \
	{state, &stray_forms[0], RFC_SYN}, {state, &stray_forms[1], RFC_SYN},                      \
	    {state, &stray_forms[2], RFC_SYN}, {state, &stray_forms[3], RFC_SYN},                  \
	    {state, &stray_forms[4], RFC_ACK}, {state, &stray_forms[5], RFC_ACK},                  \
	    {state, &stray_forms[6], RFC_ACK}, {state, &stray_forms[7], RFC_ACK},                  \
	    {state, &stray_forms[8], RFC_BARE}, {state, &stray_forms[9], RFC_BARE},                \
	    {state, &stray_forms[10], RFC_BARE}, {state, &stray_forms[11], RFC_BARE},              \
	    {state, &stray_forms[12], RFC_BARE}, {state, &stray_forms[13], RFC_BARE},              \
	    {state, &stray_forms[14], RFC_SYN_FIN}, {state, &stray_forms[15], RFC_SYN_FIN},        \
	    {state, &stray_forms[16], RFC_RST}, {state, &stray_forms[17], RFC_RST},                \
	    {state, &stray_forms[18], RFC_RST},                                                    \
	{                                                                                          \
		state, &stray_forms[19], RFC_RST                                                   \
	}

/* What the gentlest reset protection decides comes first; the exact RST ends a connection. */
#define BLIND(state)                                                                               \
	{state, &rst_window, RFC_RST_IN_WINDOW}, {state, &rst_outside, RFC_RST_OUTSIDE},           \
	    {state, &syn_window, RFC_SYN_IN_WINDOW}, {state, &ack_unsent, RFC_ACK_UNSENT},         \
	{                                                                                          \
		state, &rst_exact, RFC_RST_EXACT                                                   \
	}

const struct cell battery[] = {
    STRAY(IN_LISTEN),
    STRAY(IN_CLOSED),
    {IN_SYN_RECEIVED, &ack_unsent, RFC_ACK_UNSENT},
    {IN_SYN_RECEIVED, &rst_window, RFC_RST_IN_WINDOW},
    {IN_SYN_RECEIVED, &rst_outside, RFC_RST_OUTSIDE},
    {IN_SYN_RECEIVED, &syn_again, RFC_SYN_IN_WINDOW},
    {IN_SYN_RECEIVED, &rst_exact, RFC_RST_EXACT},
    {IN_SYN_RECEIVED, &data_no_ack, RFC_NO_ACK},
    {IN_SYN_RECEIVED, &fin_no_ack, RFC_NO_ACK},
    BLIND(IN_ESTABLISHED),
    {IN_ESTABLISHED, &data_old_ack, RFC_DATA_OLD_ACK},
    {IN_ESTABLISHED, &data_no_ack, RFC_NO_ACK},
    {IN_ESTABLISHED, &fin_no_ack, RFC_NO_ACK},
    BLIND(IN_CLOSE_WAIT),
    BLIND(IN_FIN_WAIT_2),
    BLIND(IN_TIME_WAIT),
};
const size_t battery_count = sizeof(battery) / sizeof(battery[0]);

_Static_assert(sizeof(battery) / sizeof(battery[0]) <= BATTERY_MAX, "facts have a place for each");

int battery_find(enum tcp_state state, const char *form)
{
	for (size_t i = 0; i < battery_count; i++)
		if (battery[i].state == state && battery[i].form->name[0] == *form &&
		    strcmp(battery[i].form->name, form) == 0) /* mostly the first letter tells */
			return (int)i;
	return -1;
}
