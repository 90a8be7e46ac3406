/*
 * facts: the names of the facts, and the one that follows from others: that a third party sent the
 * RST. How a fact is read off packets is facts_read's.
 */
#include "judge/facts.h"

#include <stddef.h>

#define NAME(f) [f] = #f
static const char *const names[FACTS] = {
    NAME(R_ACK),
    NAME(R_MALFORMED),
    NAME(R_VENDOR),
    NAME(R_MP_TCPRST),
    NAME(R_MP_FASTCLOSE),
    NAME(R_DUPLICATE),
    NAME(R_SEQ_EXACT),
    NAME(R_SEQ_BELOW),
    NAME(R_SEQ_ABOVE),
    NAME(R_WIN_GREW),
    NAME(T_FOUND),
    NAME(T_SYN),
    NAME(T_SYN_ACK),
    NAME(T_SYN_ACK_OK),
    NAME(T_ACK),
    NAME(T_DATA),
    NAME(T_FIN),
    NAME(T_PURE_ACK),
    NAME(T_KEEPALIVE),
    NAME(T_REPEAT),
    NAME(T_LATE),
    NAME(T_ACKS_FIN),
    NAME(X_SEEN),
    NAME(Y_SEEN),
    NAME(X_ONLY_SYN),
    NAME(X_ONLY_SYNACK),
    NAME(X_INITIATOR),
    NAME(X_RESPONDER),
    NAME(ESTABLISHED),
    NAME(X_FIN),
    NAME(Y_FIN),
    NAME(X_DATA),
    NAME(Y_DATA),
    NAME(LAST_DATA_Y),
    NAME(HANDSHAKE),
    NAME(HANDSHAKE_NOW),
    NAME(Y_DATA_AFTER_FIN),
    NAME(X_UNACKED),
    NAME(Y_ZERO_WINDOW),
    NAME(QUIET),
    NAME(IDLE),
    NAME(KEEPALIVES),
    NAME(RETRANSMITS),
    NAME(ONE_SIDED),
    NAME(SYN_RAW),
    NAME(SYN_ANSWERED_RST),
    NAME(SYN_REPEAT_FAST),
    NAME(RST_BEFORE),
    NAME(FORGOTTEN),
    NAME(RST_SAME_BEFORE),
    NAME(LISTENER),
    NAME(LISTENER_ON),
    NAME(BURST),
    NAME(BURST_PORT),
    NAME(OWN_OLD_LIVED),
    NAME(C_GOES_ON),
    NAME(C_MULTI),
    NAME(C_HOPS),
    NAME(C_HOPS_WEAK),
    NAME(C_FAST),
    NAME(C_IP_ID),
    NAME(C_ACK_BEYOND),
    NAME(C_NO_TS),
    NAME(C_SYN_ACK_LATER),
    NAME(C_COPIED),
    NAME(C_IN_WINDOW),
    NAME(C_BOTH_SIDES),
    NAME(GENUINE),
    NAME(FOREIGN),
    NAME(TRACKER),
    NAME(K_SAID),
    NAME(K_ABORT_ON_CLOSE),
    NAME(K_STATE),
    NAME(K_ABORT_ON_DATA),
    NAME(K_KEEPALIVE),
    NAME(K_NO_SOCKET),
    NAME(K_LISTEN_FLAGS),
    NAME(K_LISTEN_SYN),
    NAME(K_TIME_WAIT),
    NAME(K_BAD_ACK),
    NAME(K_DESTROYED),
};

const char *fact_name(enum fact f)
{
	return names[f];
}

/*
 * Two signs that have nothing to do with each other, or one and the RST's form: routes change,
 * counters jump, captures reorder. Alone count only several guesses at the number (C_MULTI), and 2
 * hops or more where nothing provoked the RST, or where it is a bare answer or one to a SYN: a RST
 * that took another path alone is mistaken there, unless it is GENUINE.
 */
static const struct combination {
	enum fact need[3], lack[3];
} foreign[] = {
    {{C_MULTI, FACT_NONE}, {C_BOTH_SIDES}},
    {{C_GOES_ON, C_HOPS}, {FACT_NONE}},
    {{C_GOES_ON, C_HOPS_WEAK}, {FACT_NONE}},
    {{C_GOES_ON, C_FAST}, {FACT_NONE}},
    {{C_GOES_ON, C_IP_ID}, {FACT_NONE}},
    {{C_GOES_ON, C_ACK_BEYOND}, {FACT_NONE}},
    {{C_GOES_ON, C_NO_TS}, {FACT_NONE}},
    {{C_GOES_ON, C_IN_WINDOW}, {FACT_NONE}},
    {{C_GOES_ON, X_SEEN}, {T_FOUND, ONE_SIDED}},
    {{C_HOPS, C_FAST}, {GENUINE}},
    {{C_HOPS_WEAK, C_FAST}, {GENUINE}},
    {{C_HOPS, C_IP_ID}, {GENUINE}},
    {{C_HOPS, C_COPIED}, {GENUINE}},
    {{C_HOPS, X_SEEN}, {T_FOUND, ONE_SIDED, GENUINE}},
    {{C_HOPS, T_FOUND}, {R_ACK, GENUINE}},
    {{C_HOPS, T_SYN}, {GENUINE}},
    {{C_ACK_BEYOND, C_HOPS_WEAK}, {GENUINE}},
    {{C_ACK_BEYOND, C_IP_ID}, {GENUINE}},
    {{C_ACK_BEYOND, C_NO_TS}, {GENUINE}},
};

void facts_derive(struct facts *f)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const struct combination *c = &foreign[i];
		bool all = true;

		for (size_t k = 0; k < 3 && c->need[k]; k++)
			all = all && fact_has(f, c->need[k]);
		for (size_t k = 0; k < 3 && c->lack[k]; k++)
			all = all && !fact_has(f, c->lack[k]);
		fact_set(f, FOREIGN, all);
	}
}
