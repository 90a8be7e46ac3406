/*
 * request: a POST whose body has the length that it promises, so that a service which closes early
 * leaves octets unread; a GET where there is no body.
 */
#include "config.h"

#include "cmd/request.h"

#include <stdlib.h>
#include <string.h>

enum { HTTP_PORT = 80, AROUND = 512 /* octets of the head beside path and host */ };

/* "www.example.org", "192.0.2.7:8080", "[2001:db8::1]" (RFC 9110, 7.2). */
static void put_host(struct text *t, const struct aim *aim)
{
	char word[ADDR_TEXT];
	struct addr bare = aim->addr;

	bare.zone = 0;
	if (aim->name)
		text_putf(t, "%s", aim->name);
	else if (bare.family == ADDR_V6)
		text_putf(t, "[%s]", addr_format(&bare, word));
	else
		text_putf(t, "%s", addr_format(&bare, word));
	if (aim->port != HTTP_PORT)
		text_putf(t, ":%u", aim->port);
}

static void put_http(struct text *t, const struct scan_options *o, const struct aim *aim)
{
	text_putf(t, "%s %s HTTP/1.1\r\nHost: ", o->bytes ? "POST" : "GET", o->http);
	put_host(t, aim);
	text_putf(t, "\r\nUser-Agent: rstprobe/" PACKAGE_VERSION "\r\nAccept: */*\r\n");
	if (o->bytes)
		text_putf(t, "Content-Type: application/octet-stream\r\nContent-Length: %llu\r\n",
			  (unsigned long long)o->bytes);
	text_putf(t, "Connection: close\r\n\r\n");
}

int request_make(struct request *q, const struct scan_options *o, const struct aim *aim,
		 struct err *e)
{
	size_t cap = o->http ? strlen(o->http) + (aim->name ? strlen(aim->name) : 0) + AROUND
			     : (size_t)o->data_len + 1;
	struct text t;

	*q = (struct request){.head = malloc(cap), .body = o->bytes};
	if (!q->head)
		return err_set(e, "out of memory for the request");
	if (!o->http) {
		memcpy(q->head, o->data, o->data_len);
		q->head_len = o->data_len;
		return 0;
	}
	t = text_of((char *)q->head, cap);
	put_http(&t, o, aim);
	q->head_len = t.len;
	return 0;
}

void request_free(struct request *q)
{
	free(q->head);
	q->head = NULL;
}
