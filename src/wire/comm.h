/*
 * comm: what the process of a number is called, asked for when this process may open no file more.
 */
#ifndef WIRE_COMM_H
#define WIRE_COMM_H

#include <stdint.h>

#include "base/err.h"
#include "wire/privilege.h"

enum { COMM_CAP = 16 };

struct comm;

/* A process that reads such names, and has no other right. Before privilege is dropped. NULL with
 * `e`. */
struct comm *comm_start(const struct privilege_user *user, struct err *e);
/* "" where it has ended since, or `c` is NULL. */
void comm_of(struct comm *c, uint32_t pid, char name[COMM_CAP]);
void comm_end(struct comm *c); /* takes NULL */

#endif
