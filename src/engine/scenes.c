/*
 * scenes: the nine scenarios as lists of acts. What they tell is judge/provoke's; how an act is
 * done, stage's. An index in a jump is the place in its list, so the places are written beside.
 */
#include "engine/stage.h"
#include "packet/segment.h"

/* Who looks for a neighbour gives up after three seconds: its word is waited for. */
enum { SYNS = 4 };
#define A TCP_ACK
#define ANSWER (SEES_ACK | SEES_DATA | SEES_FIN | SEES_SYN_ACK | SEES_RST | SEES_ICMP)
#define FAILS (SEES_RST | SEES_SILENCE | SEES_ICMP)

static const struct form syn = {"syn", TCP_SYN, 0, true, FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form stray_ack = {"ack", A, 0, false, FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form stray_data = {"data", TCP_PSH | A,	5,
				       false,  FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form stray_syn_ack = {"synack", TCP_SYN | A,     0,
					  false,    FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form rst_exact = {"rst-exact", TCP_RST, 0, false, FORM_SEQ_NXT, FORM_ACK_NXT};
static const struct form rst_near = {"rst-window", TCP_RST,	    0,
				     false,	   FORM_SEQ_WINDOW, FORM_ACK_NXT};
static const struct form syn_window = {"syn-window", TCP_SYN,	      0,
				       true,	     FORM_SEQ_WINDOW, FORM_ACK_NXT};
static const struct form old_ack = {"data-old-ack", TCP_PSH | A,  1,
				    false,	    FORM_SEQ_NXT, FORM_ACK_OLD};
static const struct form ack = {"ack", A, 0, false, FORM_SEQ_NXT, FORM_ACK_NXT};
static const struct form data = {"data", TCP_PSH | A, 8, false, FORM_SEQ_NXT, FORM_ACK_NXT};

/* clang-format off */

/* Each from a port of its own: none may look like the answer to another's answer. */
static const struct act listen_ack[] = {
    /* 0 */ {ACT_SEND, 0, MARK_SYN, SYNS, .form = &syn, .jump = {{SEES_RST | SEES_ICMP, 4}}},
    /* 1 */ {ACT_SEND, 1, MARK_ACK, 3, .form = &stray_ack},
    /* 2 */ {ACT_SEND, 2, MARK_DATA, 3, .form = &stray_data},
    /* 3 */ {ACT_SEND, 3, MARK_SYN_ACK, 3, .form = &stray_syn_ack},
    /* 4 */ {.op = ACT_END},
};

/* The RST goes out twice, as nothing says that it came. */
static const struct act half_open[] = {
    /* 0 */ {ACT_RAW_CONNECT, 0, MARK_SYN, .tries = SYNS},
    /* 1 */ {ACT_REST, 0, .wait_ms = ACT_HOLD, .until = SEES_RST},
    /* 2 */ {ACT_REST, 0, .wait_ms = 100},
    /* 3 */ {ACT_SEND, 0, MARK_RETURN, 3, .form = &syn, .jump = {{FAILS | SEES_SYN_ACK, 6}}},
    /* 4 */ {ACT_SEND, 0, MARK_RETURN_RST, 2, .form = &rst_exact, .wait_ms = 100},
    /* 5 */ {ACT_SEND, 0, MARK_RETURN_2, 3, .form = &syn},
    /* 6 */ {ACT_ABORT, .line = 0},
    /* 7 */ {.op = ACT_END},
};

static const struct act early_close[] = {
    /* 0 */ {ACT_CONNECT, 0, MARK_SYN, .arg = 4096},
    /* 1 */ {ACT_WRITE, 0, .wait_ms = 3000},
    /* 2 */ {ACT_READ, 0, .wait_ms = 1000, .arg = 2048},
    /* 3 */ {ACT_READ, 0, .wait_ms = ACT_HOLD},
    /* 4 */ {ACT_CLOSE, .line = 0},
    /* 5 */ {.op = ACT_END},
};

/* Where the octets drew nothing, a FIN would draw nothing either, and linger. */
static const struct act data_after_close[] = {
    /* 0 */ {ACT_CONNECT, 0, .mark = MARK_SYN},
    /* 1 */ {ACT_WRITE, .line = 0},
    /* 2 */ {ACT_READ, 0, .wait_ms = ACT_HOLD, .jump = {{SEES_RST | SEES_SILENCE, 6}}},
    /* 3 */ {ACT_WRITE, 0, MARK_AFTER_FIN, .wait_ms = 2000, .arg = 16},
    /* 4 */ {ACT_WRITE, 0, .wait_ms = 500, .arg = 16, .jump = {{SEES_BLOCKED, 7}}},
    /* 5 */ {ACT_READ, 0, .wait_ms = 200},
    /* 6 */ {ACT_CLOSE, .line = 0},
    /* 7 */ {ACT_ABORT, .line = 0},
    /* 8 */ {.op = ACT_END},
};

/* A service that falls over takes its time to; and one that resets whoever comes, a moment. */
static const struct act abort_one[] = {
    /* 0 */ {ACT_CONNECT, 0, .mark = MARK_SYN},
    /* 1 */ {ACT_CONNECT, 1, .mark = MARK_SYN},
    /* 2 */ {ACT_WRITE, 1, .wait_ms = 100},
    /* 3 */ {ACT_REST, 0, .wait_ms = 200, .until = SEES_RST, .jump = {{SEES_RST, 11}}},
    /* 4 */ {ACT_ABORT, .line = 1},
    /* 5 */ {ACT_REST, 0, .wait_ms = 200, .until = SEES_RST},
    /* 6 */ {ACT_LIVE, 0, MARK_OTHER, 3, .jump = {{SEES_RST, 9}}},
    /* 7 */ {ACT_REST, 0, .wait_ms = 1000, .until = SEES_RST},
    /* 8 */ {ACT_LIVE, 0, MARK_OTHER, .tries = 3},
    /* 9 */ {ACT_CONNECT, 2, .mark = MARK_NEW},
    /* 10 */ {ACT_CLOSE, .line = 2},
    /* 11 */ {ACT_CLOSE, .line = 0},
    /* 12 */ {.op = ACT_END},
};

/* SYN-ACKs come at doubling distances: after the RST it is watched for as long as before. */
static const struct act slow_handshake[] = {
    /* 0 */ {ACT_RAW_SYN, 0, MARK_SYN, .tries = SYNS},
    /* 1 */ {ACT_REST, 0, .wait_ms = 1000},
    /* 2 */ {ACT_SEND, 1, MARK_NEW, 3, .form = &syn},
    /* 3 */ {ACT_REST, 0, .wait_ms = ACT_HOLD},
    /* 4 */ {ACT_SEND, 0, MARK_EXACT_RST, 2, .form = &rst_exact, .wait_ms = 100},
    /* 5 */ {ACT_REST, 0, .wait_ms = ACT_HOLD},
    /* 6 */ {ACT_SEND, 0, MARK_LATE_ACK, 3, .form = &ack},
    /* 7 */ {ACT_ABORT, .line = 0},
    /* 8 */ {.op = ACT_END},
};

/* Who is gone without a word would leave our FIN unanswered: a RST then. */
static const struct act idle[] = {
    /* 0 */ {ACT_CONNECT, 0, .mark = MARK_SYN},
    /* 1 */ {ACT_REST, 0, .wait_ms = ACT_HOLD, .until = SEES_FIN | SEES_RST,
	     .jump = {{SEES_RST, 4}, {SEES_FIN, 3}}},
    /* 2 */ {ACT_LIVE, 0, MARK_USE, 3, .jump = {{FAILS, 4}}},
    /* 3 */ {ACT_CLOSE, .line = 0},
    /* 4 */ {ACT_ABORT, .line = 0},
    /* 5 */ {.op = ACT_END},
};

/* A RST that was lost looks like silence: more data draw it again, unless all of the tries are lost.
 */
static const struct act lost_rst[] = {
    /* 0 */ {ACT_RAW_CONNECT, 0, MARK_SYN, .tries = SYNS},
    /* 1 */ {ACT_ANSWER, 0, .arg = 1},
    /* 2 */ {ACT_WRITE, 0, .tries = 3, .jump = {{SEES_RST, 6}}},
    /* 3 */ {ACT_AWAIT, 0, .wait_ms = ACT_HOLD, .until = SEES_FIN | SEES_RST,
	     .jump = {{SEES_RST, 6}}},
    /* 4 */ {ACT_SEND, 0, MARK_MORE, 5, .form = &data, .jump = {{SEES_RST, 6}}},
    /* 5 */ {ACT_AWAIT, 0, .until = SEES_RST, .jump = {{SEES_SILENCE, 9}}},
    /* 6 */ {ACT_SEND, 0, MARK_ON_1, 5, .form = &data},
    /* 7 */ {ACT_SEND, 0, MARK_ON_2, 5, .form = &data},
    /* 8 */ {ACT_SEND, 0, MARK_ON_3, 5, .form = &data},
    /* 9 */ {ACT_ABORT, .line = 0},
    /* 10 */ {.op = ACT_END},
};

/* A segment that may end the connection is sent once, and again only where the connection stands
 * and nothing came back: six acts from `at` on. Linux challenges once in 500 ms. */
#define FORGE(at, mark, f)                                                                      \
    {ACT_REST, 0, .wait_ms = 600},                                                                 \
    {ACT_SEND, 0, mark, 1, .form = &(f), .jump = {{ANSWER, (at) + 5}}},                                 \
    {ACT_LIVE, 0, mark, 3, .jump = {{SEES_RST, 24}, {SEES_SILENCE, (at) + 6}}},                    \
    {ACT_REST, 0, .wait_ms = 600},                                                                 \
    {ACT_SEND, 0, mark, 1, .form = &(f)},                                                               \
    {ACT_LIVE, 0, mark, 3, .jump = {{SEES_RST, 24}}}

static const struct act challenge[] = {
    /* 0 */ {ACT_CONNECT, 0, .mark = MARK_SYN},
    /* 1 */ FORGE(1, MARK_WINDOW_SYN, syn_window),
    /* 7 */ FORGE(7, MARK_NEAR_RST, rst_near),
    /* 13 */ FORGE(13, MARK_OLD_ACK, old_ack),
    /* 19 */ {ACT_REST, 0, .wait_ms = 600},
    /* 20 */ {ACT_SEND, 0, MARK_EXACT_RST, 1, .form = &rst_exact, .wait_ms = 200},
    /* 21 */ {ACT_LIVE, 0, MARK_EXACT_RST, 3, .jump = {{SEES_RST, 24}}},
    /* 22 */ {ACT_SEND, 0, MARK_EXACT_RST, 1, .form = &rst_exact, .wait_ms = 200},
    /* 23 */ {ACT_LIVE, 0, MARK_EXACT_RST, .tries = 3},
    /* 24 */ {ACT_ABORT, .line = 0},
    /* 25 */ {.op = ACT_END},
};

const struct scene scenes[SCENARIOS] = {
    [SCENARIO_LISTEN_ACK] = {listen_ack, 4, false},
    [SCENARIO_HALF_OPEN] = {half_open, 1, false},
    [SCENARIO_EARLY_CLOSE] = {early_close, 1, false},
    [SCENARIO_DATA_AFTER_CLOSE] = {data_after_close, 1, false},
    [SCENARIO_ABORT] = {abort_one, 3, false},
    [SCENARIO_SLOW_HANDSHAKE] = {slow_handshake, 2, false},
    [SCENARIO_IDLE] = {idle, 1, true},
    [SCENARIO_LOST_RST] = {lost_rst, 1, false},
    [SCENARIO_CHALLENGE] = {challenge, 1, false},
};
/* clang-format on */
