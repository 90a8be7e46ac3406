/*
 * kernel: the local kernel of the scripted peer, as far as wire.conn_* and raw segments beside it
 * show it: connects with Linux' options, acknowledges, closes, and resets what is nobody's, unless
 * it came to a quiet port.
 */
#ifndef TESTS_SIM_KERNEL_H
#define TESTS_SIM_KERNEL_H

#include <sys/types.h>

#include "sim/peer.h"

struct kernel;

struct kernel *kernel_new(struct peer *p);
void kernel_free(struct kernel *k);
int kernel_open(struct kernel *k, const struct wire_conn_to *to, bool *full, struct err *e);
void kernel_shutdown(struct kernel *k, int conn);
/* As wire.conn_write and conn_read: Linux' errors in Linux' order. */
ssize_t kernel_write(struct kernel *k, int conn, const void *octets, size_t len);
ssize_t kernel_read(struct kernel *k, int conn, void *octets, size_t cap);
uint32_t kernel_tsval(const struct kernel *k);
void kernel_close(struct kernel *k, int conn, bool reset);
/* A frame has come in. */
void kernel_take(struct kernel *k, const uint8_t *ip, size_t len);
uint64_t kernel_wake(const struct kernel *k);
void kernel_tick(struct kernel *k);
/* Connections that are not yet closed, in TIME-WAIT included; handles that are still open. */
size_t kernel_conns(const struct kernel *k);
size_t kernel_handles(const struct kernel *k);

#endif
