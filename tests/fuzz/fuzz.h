/*
 * fuzz: the parsers that meet foreign bytes or foreign text, as targets of one form. Each takes any
 * input, returns 0 and fails by crashing; libFuzzer (main.c) and the replay of the corpus call
 * them.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* memwire.h; what is run, over which family, then what the peer does */
int fuzz_converse(const uint8_t *data, size_t len);
int fuzz_carry(const uint8_t *data, size_t len);   /* lines of an earlier run */
int fuzz_explain(const uint8_t *data, size_t len); /* a whole capture (memcap.h) */
int fuzz_decode(const uint8_t *data, size_t len);  /* first octet picks the link type */
int fuzz_diff(const uint8_t *data, size_t len);	   /* two results, an empty line between */
int fuzz_options(const uint8_t *data, size_t len); /* a block of TCP options */
int fuzz_pcapng(const uint8_t *data, size_t len);  /* a pcapng file */
int fuzz_policy(const uint8_t *data, size_t len);  /* the files of a policy, NUL between them */
int fuzz_ports(const uint8_t *data, size_t len);   /* the text of -p */
int fuzz_resume(const uint8_t *data, size_t len);  /* a result, first octet: with a run record? */
int fuzz_targets(const uint8_t *data, size_t len); /* the text of a target file */

#endif
