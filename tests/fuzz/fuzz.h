/*
 * fuzz: the parsers that meet foreign bytes or foreign text, as targets of one form. Each takes any
 * input, returns 0 and fails by crashing; libFuzzer and AFL++ (main.c) and the replay of the corpus
 * call them.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "packet/decode.h"

int fuzz_capture(const uint8_t *data, size_t len); /* a capture file, packed or not */
int fuzz_carry(const uint8_t *data, size_t len);   /* lines of an earlier run */
/* memwire.h; what is run, over which family, then what the peer does */
int fuzz_converse(const uint8_t *data, size_t len);
int fuzz_decode(const uint8_t *data, size_t len);  /* first octet picks the link type */
int fuzz_diff(const uint8_t *data, size_t len);	   /* two results, an empty line between */
int fuzz_explain(const uint8_t *data, size_t len); /* a whole capture (memcap.h) */
int fuzz_flow(const uint8_t *data, size_t len);	   /* the word of --flow */
int fuzz_http(const uint8_t *data, size_t len);	   /* the answer of a service */
int fuzz_judge(const uint8_t *data, size_t len);   /* memwire.h; kinds, then what comes back */
int fuzz_kernel(const uint8_t *data,
		size_t len); /* a tracepoint's format, NUL, one of its samples */
int fuzz_options(const uint8_t *data, size_t len);  /* a block of TCP options */
int fuzz_pcapng(const uint8_t *data, size_t len);   /* a pcapng file */
int fuzz_policy(const uint8_t *data, size_t len);   /* the files of a policy, NUL between them */
int fuzz_ports(const uint8_t *data, size_t len);    /* the text of -p */
int fuzz_resolver(const uint8_t *data, size_t len); /* first octet: answer, question, hello */
int fuzz_resume(const uint8_t *data, size_t len);   /* a result, first octet: with a run record? */
int fuzz_sweep(const uint8_t *data, size_t len);    /* memwire.h; a scan, then what comes back */
int fuzz_targets(const uint8_t *data, size_t len);  /* the text of a target file */

/* What must hold of any packet read out of [data, data + len). */
void fuzz_check_packet(const struct packet *p, const uint8_t *data, size_t len);
/* A copy with a NUL behind it, in a block of exactly that size; the caller's to free. */
char *fuzz_text(const uint8_t *data, size_t len);

#endif
