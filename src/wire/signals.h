/*
 * signals: SIGINT, SIGTERM and SIGHUP ask for an end, SIGUSR1 for the progress; a second signal to
 * end ends at once with 128+n. SIGPIPE is ignored: writing fails instead. The flags are the
 * program's one mutable global beside the log's verbosity.
 */
#ifndef WIRE_SIGNALS_H
#define WIRE_SIGNALS_H

#include <signal.h>

void signals_install(void);
unsigned
signals_take(void); /* enum wire_event bits; WIRE_STATUS is cleared by it, WIRE_STOP stays */
unsigned signals_pending(void); /* the same, nothing cleared */
/* The signals handled here: blocked by whoever looks before he sleeps, and by every thread that
 * does not sleep in wire.recv. */
void signals_set(sigset_t *set);

#endif
