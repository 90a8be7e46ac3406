/*
 * options: the TCP option block, both ways. Building gives the layouts that real stacks send;
 * parsing never fails, it says `malformed` and keeps what came before.
 */
#ifndef PACKET_OPTIONS_H
#define PACKET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcp_option {
	TCP_OPT_EOL = 0,
	TCP_OPT_NOP = 1,
	TCP_OPT_MSS = 2,     /* RFC 9293, 3.7.1 */
	TCP_OPT_WSCALE = 3,  /* RFC 7323 */
	TCP_OPT_SACK_OK = 4, /* RFC 2018 */
	TCP_OPT_SACK = 5,
	TCP_OPT_TIMESTAMPS = 8, /* RFC 7323 */
	TCP_OPT_MPTCP = 30,	/* RFC 8684 */
};

struct tcp_sack_block {
	uint32_t left, right;
};

struct tcp_options {
	bool has_mss, has_wscale, sack_ok, has_timestamps, has_mp_tcprst, has_mp_fastclose;
	bool malformed; /* a length ran past the block or was below 2; what came before stands */
	uint16_t mss;
	uint8_t wscale;
	uint8_t mp_tcprst_reason; /* RFC 8684, 3.6 */
	uint32_t tsval, tsecr;
	uint8_t n_sack;
	struct tcp_sack_block sack[4];
	/* The order of options as letters, values left out: M mss, N nop, W wscale, S sackOK,
	 * K sack, T timestamps, P mptcp, E eol (once), ? any other. 0-terminated. */
	char layout[44];
};

void options_parse(const uint8_t *p, size_t len, struct tcp_options *out);

/* The option layout of a SYN of ours (--syn-options). */
enum syn_layout {
	SYN_LAYOUT_NONE,
	SYN_LAYOUT_MSS,
	SYN_LAYOUT_LINUX,   /* mss, sackOK, TS, nop, wscale: as Linux 6 sends them */
	SYN_LAYOUT_WINDOWS, /* mss, nop, wscale, nop, nop, sackOK: as Windows 10 sends them */
};

/* By its word (none, mss, linux, windows); -1 where there is none such. */
int syn_layout_parse(const char *word, enum syn_layout *out);
/* The words, from 0; NULL behind the last. */
const char *syn_layout_word(size_t i);
/* The window that goes with the layout, so that a SYN is of one piece. */
uint16_t syn_layout_win(enum syn_layout layout);
/* Writes at most 40 bytes, a multiple of 4; returns how many. `tsval` is used where the layout has
 * TS. */
size_t options_build_syn(enum syn_layout layout, uint16_t mss, uint32_t tsval, uint8_t out[40]);

#endif
