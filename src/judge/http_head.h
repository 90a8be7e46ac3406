/*
 * http_head: what the first octets of an answer say as HTTP/1 (RFC 9112): the status, and how long
 * the whole is to be. Pure; of the header fields it knows one.
 */
#ifndef JUDGE_HTTP_HEAD_H
#define JUDGE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 8192 }; /* a longer head is not looked at to its end */

struct http_head {
	unsigned status; /* 0: no HTTP */
	uint64_t len;	 /* octets of the head, the empty line included; 0: its end isn't there */
	bool has_length;
	uint64_t length; /* Content-Length */
};

void http_head_parse(const uint8_t *octets, size_t len, struct http_head *out);

#endif
