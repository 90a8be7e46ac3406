/*
 * resolve: the outside of target parsing: names by getaddrinfo, zones by interface, services by
 * the services database. Used before privilege is dropped.
 */
#ifndef CMD_RESOLVE_H
#define CMD_RESOLVE_H

#include "engine/targets.h"

/* For struct target_help; every address of the name, both families unless narrowed, duplicates out.
 */
int resolve_name(void *ctx, const char *name, struct addr *out, size_t max, struct err *e);
uint32_t resolve_zone(void *ctx, const char *name);
int resolve_service(const char *name); /* TCP port or -1 */
/* Reads the database that resolve_service_name looks into: for who may open no file later. */
void resolve_services(void);
const char *resolve_service_name(uint16_t port, char buf[32]); /* NULL where there is none */
const char *resolve_zone_name(uint32_t zone, char buf[16]);

#endif
