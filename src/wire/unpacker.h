/*
 * unpacker: starts the programs that unpack captures, once this process may start none itself. It
 * knows which programs those are, and starts no other.
 */
#ifndef WIRE_UNPACKER_H
#define WIRE_UNPACKER_H

#include "base/err.h"
#include "wire/privilege.h"

struct unpacker;

/* A process for it, which gives up what it has at once. Before privilege is dropped. NULL with
 * `e`. */
struct unpacker *unpacker_start(const struct privilege_user *user, struct err *e);
/* Whatever it has started ends too. Takes NULL. */
void unpacker_end(struct unpacker *u);

/*
 * The program of this name, which is one of them, beside no other. It reads the file `in` itself,
 * from where that stands; or where `in` is -1, what is written to the socket *feed. *out has the
 * plain octets. -1 with `e`: it can't be started.
 */
int unpacker_run(struct unpacker *u, const char *tool, int in, int *out, int *feed, struct err *e);
/* Waits until it has ended by itself: 0 and its status as waitpid has it. */
int unpacker_wait(struct unpacker *u, int *status, struct err *e);
/* It is gone when this returns, ended or not. */
void unpacker_kill(struct unpacker *u);

#endif
