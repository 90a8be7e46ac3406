/*
 * flow_expr: reads "192.0.2.7:443-198.51.100.0/24" and its kin. A dash stands in no address, so it
 * parts the ends; a colon parts port from address where the address is IPv4 or in brackets.
 */
#include "cmd/flow_expr.h"

#include <string.h>

enum { END_TEXT = 64 };

/* All digits, at most `max`; -1 else. */
static long number(const char *text, long max)
{
	long n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > max)
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n <= max ? n : -1;
}

/* An address or a network; `text` is cut at its slash. */
static int parse_addr(char *text, struct flow_end *out)
{
	char *slash = strchr(text, '/');
	struct addr a;
	long bits;

	if (slash)
		*slash = '\0';
	if (addr_parse(text, &a) < 0)
		return -1;
	bits = slash ? number(slash + 1, addr_bits(&a)) : (long)addr_bits(&a);
	if (bits < 0)
		return -1;
	out->first = addr_first(a, (unsigned)bits);
	out->last = addr_last(a, (unsigned)bits);
	out->any_addr = false;
	return 0;
}

static int parse_port(const char *text, struct flow_end *out)
{
	long port = number(text, UINT16_MAX);

	out->port = (uint16_t)port;
	out->any_port = false;
	return port < 0 ? -1 : 0;
}

/* [ADDR] or [ADDR]:PORT */
static int parse_bracketed(char *text, struct flow_end *out)
{
	char *close = strchr(text, ']');

	if (!close)
		return -1;
	*close = '\0';
	if (parse_addr(text + 1, out) < 0)
		return -1;
	if (!close[1])
		return 0;
	return close[1] == ':' ? parse_port(close + 2, out) : -1;
}

static int parse_end(const char *word, size_t len, struct flow_end *out)
{
	char text[END_TEXT], *colon;

	*out = (struct flow_end){.any_addr = true, .any_port = true};
	if (len == 0 || len >= sizeof(text))
		return -1;
	memcpy(text, word, len);
	text[len] = '\0';
	if (text[0] == '[')
		return parse_bracketed(text, out);
	colon = strchr(text, ':');
	if (!colon || strchr(colon + 1, ':')) /* without, or IPv6 */
		return parse_addr(text, out);
	*colon = '\0';
	if (colon > text && parse_addr(text, out) < 0)
		return -1;
	return parse_port(colon + 1, out);
}

int flow_expr_parse(const char *said, const char *word, struct flow_expr *out, struct err *e)
{
	size_t len = strcspn(word, "-");

	*out = (struct flow_expr){.b = {.any_addr = true, .any_port = true}};
	if (parse_end(word, len, &out->a) == 0 &&
	    (!word[len] || parse_end(word + len + 1, strlen(word + len + 1), &out->b) == 0))
		return 0;
	return err_set(e,
		       "%s '%.60s': takes 192.0.2.7, 192.0.2.0/24, :443, 192.0.2.7:443, "
		       "2001:db8::1, [2001:db8::1]:443, or two ends with a dash between",
		       said, word);
}

static bool end_matches(const struct flow_end *x, const struct addr *addr, uint16_t port)
{
	struct addr a = *addr;

	if (!x->any_port && x->port != port)
		return false;
	a.zone = 0;
	return x->any_addr || (addr_cmp(&x->first, &a) <= 0 && addr_cmp(&a, &x->last) <= 0);
}

bool flow_expr_matches(const struct flow_expr *x, const struct addr *src, uint16_t sport,
		       const struct addr *dst, uint16_t dport)
{
	return (end_matches(&x->a, src, sport) && end_matches(&x->b, dst, dport)) ||
	       (end_matches(&x->a, dst, dport) && end_matches(&x->b, src, sport));
}
