/*
 * kernel: the kernel's own word on each RST that this host sends, from the tracepoint
 * tcp:tcp_send_reset by perf_event_open: a ring of this process's own, gone with it however it
 * ends.
 */
#ifndef WIRE_KERNEL_H
#define WIRE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "judge/kernel_reset.h"

enum kernel_access {
	KERNEL_OK,
	KERNEL_NO_REASON,     /* it works, without `reason` (before Linux 6.10) */
	KERNEL_NO_TRACEPOINT, /* before Linux 4.15, or not built */
	KERNEL_NO_TRACEFS,    /* not mounted, or not to be read */
	KERNEL_DENIED,
};

struct kernel;
typedef void kernel_reset_fn(void *ctx, const struct kernel_reset *k);

/* NULL with `e` and *access where it cannot be had; else KERNEL_OK or KERNEL_NO_REASON. */
struct kernel *kernel_open(enum kernel_access *access, struct err *e);
void kernel_close(struct kernel *k);
/* To poll, then kernel_read. */
int kernel_fd(const struct kernel *k);
/* Hands on what is there, in time order across processors, and never waits; `comm` is left empty,
 * since it is not in the ring. Events handed on. */
size_t kernel_read(struct kernel *k, kernel_reset_fn *fn, void *ctx);
uint64_t kernel_lost(const struct kernel *k); /* events that the ring had no room for */

/* One sample of the ring as the kernel writes it, by the event's `format` text; pure, for tests.
 * -1 where the text lacks what is needed. */
struct kernel_format;
struct kernel_format *kernel_format_parse(const char *text, struct err *e);
void kernel_format_free(struct kernel_format *f);
bool kernel_format_has_reason(const struct kernel_format *f);
/* Fills all but wall_ns, pid and comm; -1 where `len` is too short for the format. */
int kernel_format_read(const struct kernel_format *f, const uint8_t *raw, size_t len,
		       struct kernel_reset *out);
/* Was it sent by the call of a process, so that who was running is who did it? */
bool kernel_format_by_process(const struct kernel_format *f, const uint8_t *raw, size_t len);

#endif
