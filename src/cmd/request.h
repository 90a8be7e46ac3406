/* request: what `provoke` writes to a service: octets as given, or an HTTP request. */
#ifndef CMD_REQUEST_H
#define CMD_REQUEST_H

#include "cmd/aims.h"

struct request {
	uint8_t *head;
	size_t head_len;
	uint64_t body; /* octets that follow */
};

/* -1 and `e` where memory is out. */
int request_make(struct request *q, const struct scan_options *o, const struct aim *aim,
		 struct err *e);
void request_free(struct request *q);

#endif
