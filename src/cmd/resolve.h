/*
 * resolve: the outside of target parsing: names by a process of their own, zones by interface,
 * services by the services database. Used before privilege is dropped; what is still wanted after
 * that, of zones and services, is in memory by then.
 */
#ifndef CMD_RESOLVE_H
#define CMD_RESOLVE_H

#include "engine/targets.h"
#include "wire/privilege.h"

struct names;

/* Whom the process that asks for names becomes, from now on. Before the first name. */
void resolve_as(const struct privilege_user *u);
/* That process, to ask it for names of addresses: begun, where no name was asked for yet. Before
 * there is anything open that it must not hold. NULL: there is none. */
struct names *resolve_names(void);
/* Before privilege is dropped: reads what may be asked for after that (`service_names`: those too),
 * and is done with names. */
void resolve_prepare(bool service_names);
void resolve_end(void); /* where a process was begun */

/* For struct target_help; every address of the name, both families unless narrowed, duplicates out.
 */
int resolve_name(void *ctx, const char *name, struct addr *out, size_t max, struct err *e);
uint32_t resolve_zone(void *ctx, const char *name);
int resolve_service(const char *name);			       /* TCP port or -1 */
const char *resolve_service_name(uint16_t port, char buf[32]); /* NULL where there is none */
const char *resolve_zone_name(uint32_t zone, char buf[16]);    /* the same */

#endif
