/*
 * kernel_reset: what this host's kernel says of a RST that it sends (Linux's tracepoint
 * tcp:tcp_send_reset). Pure: who reads the ring is wire/kernel.
 */
#ifndef JUDGE_KERNEL_RESET_H
#define JUDGE_KERNEL_RESET_H

#include <stdint.h>

#include "base/addr.h"
#include "judge/facts.h"

enum { KERNEL_WORD = 40, KERNEL_COMM = 16 };

struct kernel_reset {
	uint64_t wall_ns;
	/* As the RST on the wire goes; where a listener was matched `dst` is of family ADDR_NONE
	 * and `src` may be unspecified: then only sport holds. */
	struct addr src, dst;
	uint16_t sport, dport;
	char reason[KERNEL_WORD]; /* "TCP_ABORT_ON_CLOSE"; "" where the kernel gives none */
	char state[KERNEL_WORD];  /* "TCP_ESTABLISHED" */
	uint32_t pid;		  /* who was running: the closer of an active reset; 0 else */
	char comm[KERNEL_COMM];
};

/* Sets the K_* facts that the words stand for; by name, never by number. */
void kernel_reset_facts(const struct kernel_reset *k, struct facts *f);
/* What a misleading name means, or NULL: INVALID_SYN is a full accept queue ... */
const char *kernel_reset_meaning(const struct kernel_reset *k);

#endif
