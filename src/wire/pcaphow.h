/*
 * pcaphow: what each of our captures asks of libpcap in the same way: activation and its refusals
 * in words, a kernel filter, the link type by the number that files use.
 */
#ifndef WIRE_PCAPHOW_H
#define WIRE_PCAPHOW_H

#include <pcap/pcap.h>
#include <stdbool.h>

#include "base/err.h"

/* pcap_activate. `*denied` (may be NULL) is set where it was for want of privilege. */
int pcaphow_activate(pcap_t *p, const char *ifname, bool *denied, struct err *e);
/* `*wrong` (may be NULL) is set where the filter itself is: then `e` has libpcap's own words. */
int pcaphow_filter(pcap_t *p, const char *ifname, const char *text, bool *wrong, struct err *e);
int pcaphow_linktype(pcap_t *p); /* LINKTYPE_ number */

#endif
