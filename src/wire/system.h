/*
 * system: what this machine says of itself in /proc, /sys and by system calls: facts for `doctor`.
 * It sends nothing, needs no privilege, and refuses to weigh.
 */
#ifndef WIRE_SYSTEM_H
#define WIRE_SYSTEM_H

#include "judge/doctor.h"

/* Privilege, container, WSL, limits, clock. Tries a raw socket: before privilege is dropped. */
void system_read(struct doctor_facts *f);
/* How full the table of tracked connections is: opened before privilege is dropped, read (and
 * closed) after the probes. */
struct system_tracking {
	int most, now;
};
void system_open_tracking(struct system_tracking *t);
void system_read_tracking(struct system_tracking *t, struct doctor_facts *f);
bool system_is_up(const char *ifname);
/* What is set at the interface p->ifname. */
void system_read_interface(struct doctor_path *p);

#endif
