/*
 * kernel_reset: what the kernel's words for a RST stand for, as rows; the first that fits counts.
 * Measured with real sockets on Linux 6.18. It refuses to know numbers, and what the wire shows.
 */
#include "judge/kernel_reset.h"

#include <string.h>

static const struct row {
	const char *reason;
	const char *state; /* NULL: any */
	enum fact fact;	   /* FACT_NONE: no rule needs it */
	const char *meaning;
} rows[] = {
    {"NO_SOCKET", NULL, K_NO_SOCKET, NULL},
    {"INVALID_SYN", "TCP_LISTEN", K_LISTEN_SYN,
     "the listener's accept queue was full; nothing was wrong with a SYN"},
    {"TCP_FLAGS", "TCP_LISTEN", K_LISTEN_FLAGS,
     "a listener got a segment of a connection that it does not have"},
    {"TCP_ABORT_ON_CLOSE", NULL, K_ABORT_ON_CLOSE,
     "the socket was closed while received data were still unread"},
    {"TCP_STATE", "TCP_ESTABLISHED", K_DESTROYED,
     "the socket was destroyed from outside, as by ss -K"},
    {"TCP_STATE", NULL, K_STATE,
     "aborted with nothing unread: SO_LINGER 0, or a listener closed before accept"},
    {"TCP_ABORT_ON_LINGER", NULL, FACT_NONE,
     "TCP_LINGER2 below 0: gone without waiting for the peer's FIN; SO_LINGER 0 it is not"},
    {"TCP_ABORT_ON_DATA", NULL, K_ABORT_ON_DATA, "data came after this end had closed"},
    {"TCP_TIMEWAIT_SOCKET", NULL, K_TIME_WAIT,
     "a segment came after this end had closed, in FIN-WAIT-2 or TIME-WAIT"},
    {"TCP_KEEPALIVE_TIMEOUT", NULL, K_KEEPALIVE, NULL},
    {"TCP_INVALID_ACK_SEQUENCE", "TCP_SYN_SENT", K_BAD_ACK,
     "what answered the SYN acknowledges something else: an older connection's"},
    {"TCP_INVALID_ACK_SEQUENCE", NULL, K_BAD_ACK, NULL},
    {"TCP_ABORT_ON_MEMORY", NULL, FACT_NONE,
     "too many orphaned sockets, or no memory left for TCP"},
};

static const struct row *row_of(const struct kernel_reset *k)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(k->reason, rows[i].reason) == 0 &&
		    (!rows[i].state || strcmp(k->state, rows[i].state) == 0))
			return &rows[i];
	return NULL;
}

/* Also a kernel that gives no reason says that it was itself that sent the RST. */
void kernel_reset_facts(const struct kernel_reset *k, struct facts *f)
{
	const struct row *row = row_of(k);

	fact_set(f, K_SAID, true);
	if (row && row->fact)
		fact_set(f, row->fact, true);
}

const char *kernel_reset_meaning(const struct kernel_reset *k)
{
	const struct row *row = row_of(k);

	return row ? row->meaning : NULL;
}
