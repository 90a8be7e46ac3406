/*
 * targets: decides what a target word means, and refuses whatever looks like an address and is
 * none: it must never reach a resolver, which reads 10.0.300 or 0x7f.1 as addresses of its own.
 * It does not know what may be probed (engine/space.c) nor where names come from.
 */
#include "engine/targets.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
	HOST_MAX = 320,	     /* two IPv6 addresses with zones, or a name */
	NAME_LEN = 253,	     /* RFC 1035, 2.3.4, without the root's dot */
	ADDRS_OF_NAME = 256, /* more than a DNS answer over TCP usefully holds */
};

/* One word taken apart; `host` is cut up further where it stands. */
struct word {
	const char *text; /* as typed, for messages */
	char host[HOST_MAX];
	const char *ports; /* behind the colon, into text; NULL: none */
	bool v6;	   /* by its form */
};

static enum target_error bad(const struct word *w, struct err *e, const char *why)
{
	err_set(e, "%.100s: %s", w->text, why);
	return TARGET_BAD;
}

/* --- taking the word apart --------------------------------------------------------------- */

static enum target_error copy_host(struct word *w, const char *s, size_t len, struct err *e)
{
	if (!len)
		return bad(w, e, "no host in front of the port");
	if (len >= sizeof(w->host))
		return bad(w, e, "too long for an address or a name");
	memcpy(w->host, s, len);
	w->host[len] = '\0';
	return TARGET_OK;
}

static enum target_error split_bracketed(struct word *w, struct err *e)
{
	const char *close = strchr(w->text, ']');

	if (!close)
		return bad(w, e, "the closing bracket is missing: write [2001:db8::1]:443");
	if (close[1] && close[1] != ':')
		return bad(w, e, "behind the bracket only :PORTS may stand: [2001:db8::1]:443");
	if (close[1])
		w->ports = close + 2;
	w->v6 = true;
	if (!memchr(w->text, ':', (size_t)(close - w->text)))
		return bad(w, e, "brackets hold an IPv6 address: write 192.0.2.7:80 without them");
	return copy_host(w, w->text + 1, (size_t)(close - w->text) - 1, e);
}

/* "192.0.2.7,192.0.2.8", "web1,web2"; but not "192.0.2.7,8", nor "web1:80,443" */
static bool is_list(const char *text)
{
	size_t len = strcspn(text, ",");
	char first[HOST_MAX];
	struct addr a;

	if (!text[len] || !text[len + 1] || len >= sizeof(first))
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	if (addr_parse(first, &a) == 0)
		return strpbrk(text + len, ".:") || isalpha((unsigned char)text[len + 1]);
	return len && !strchr(first, ':') && first[strspn(first, "0123456789./-*")];
}

static enum target_error split_word(struct word *w, struct err *e)
{
	const char *colon = strchr(w->text, ':');

	if (!*w->text) {
		err_set(e, "'': an empty word is no target");
		return TARGET_BAD;
	}
	if (strstr(w->text, "://"))
		return bad(w, e, "a URL is no target: write its host, as in www.example.com:443");
	if (*w->text == '[')
		return split_bracketed(w, e);
	if (is_list(w->text))
		return bad(w, e, "one target a word: put a blank there, not a comma");
	w->v6 = colon && strchr(colon + 1, ':');
	if (!colon || w->v6)
		return copy_host(w, w->text, strlen(w->text), e);
	w->ports = colon + 1;
	return copy_host(w, w->text, (size_t)(colon - w->text), e);
}

/* --- addresses --------------------------------------------------------------------------- */

static bool read_small(const char *s, unsigned max, unsigned *n)
{
	*n = 0;
	if (!*s || strlen(s) > 3)
		return false;
	for (; isdigit((unsigned char)*s); s++)
		*n = *n * 10 + (unsigned)(*s - '0');
	return !*s && *n <= max;
}

/* Numbers as inet_aton(3) takes them, between the signs of addresses, blocks and ranges. */
static bool looks_like_v4(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "./-,*"), digits = strspn(s, "0123456789");

		if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
			digits = 2 + strspn(s + 2, "0123456789abcdefABCDEF");
		if (digits < len)
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static enum target_error to_block(const struct word *w, const char *bits_text, struct target *out,
				  struct err *e)
{
	unsigned bits, max = addr_bits(&out->first);

	if (!read_small(bits_text, max, &bits))
		return bad(w, e,
			   max == 32 ? "an IPv4 prefix has 0 to 32 bits"
				     : "an IPv6 prefix has 0 to 128 bits");
	out->last = addr_last(out->first, bits);
	out->first = addr_first(out->first, bits);
	return TARGET_OK;
}

/* The end of 10.0.0.1-20 or 10.0.0.1-10.0.0.20, its begin being read. */
static enum target_error to_v4_range(const struct word *w, const char *end, struct target *out,
				     struct err *e)
{
	unsigned octet;

	if (read_small(end, 255, &octet)) {
		out->last = out->first;
		out->last.b[3] = (uint8_t)octet;
	} else if (addr_parse(end, &out->last) < 0) {
		return bad(w, e, "the end of the range is neither an IPv4 address nor 0 to 255");
	}
	return TARGET_OK;
}

static enum target_error parse_v4(struct word *w, struct target *out, struct err *e)
{
	char *cut = w->host + strcspn(w->host, "/-");
	char sign = *cut;

	*cut = '\0';
	if (addr_parse(w->host, &out->first) < 0) {
		if (sign == '-' || strpbrk(w->host, "*,"))
			return bad(w, e,
				   "only the last number takes a range: write 10.0.0.1-20, "
				   "10.0.0.1-10.0.3.20 or 10.0.0.0/22");
		if (strlen(w->host) <= 5 && !w->host[strspn(w->host, "0123456789")])
			return bad(w, e, "not an address; a port goes behind -p");
		return bad(w, e, "not an IPv4 address, which is four numbers from 0 to 255");
	}
	out->last = out->first;
	if (sign == '/')
		return to_block(w, cut + 1, out, e);
	return sign ? to_v4_range(w, cut + 1, out, e) : TARGET_OK;
}

static uint32_t zone_of(const char *name, const struct target_help *h)
{
	uint32_t zone = h->zone ? h->zone(h->ctx, name) : 0;
	char *end;
	unsigned long n;

	if (zone || !isdigit((unsigned char)*name))
		return zone;
	n = strtoul(name, &end, 10);
	return *end || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static enum target_error parse_v6(const struct word *w, char *s, const struct target_help *h,
				  struct addr *out, struct err *e)
{
	char *zone = strchr(s, '%');

	if (zone)
		*zone++ = '\0';
	if (addr_parse(s, out) < 0 || out->family != ADDR_V6)
		return bad(w, e,
			   "not an IPv6 address (a range is written 2001:db8::1-2001:db8::9, a "
			   "port [2001:db8::1]:443)");
	if (!zone)
		return TARGET_OK;
	if (!addr_is_link_local(out) && !addr_is_multicast(out))
		return bad(w, e, "only a link-local address (fe80::/10) takes a zone");
	if (strchr(zone, ':'))
		return bad(w, e, "a port goes behind brackets: write [fe80::1%eth0]:22");
	out->zone = zone_of(zone, h);
	if (!out->zone) {
		err_set(e, "%.100s: there is no interface %.40s; see `ip link`", w->text, zone);
		return TARGET_BAD;
	}
	return TARGET_OK;
}

/* The dash of a range, not one of a zone's name (fe80::1%br-lan): an address follows it. */
static char *range_dash(char *host)
{
	for (char *dash = strchr(host, '-'); dash; dash = strchr(dash + 1, '-')) {
		char end[HOST_MAX];
		struct addr ignored;

		snprintf(end, sizeof(end), "%s", dash + 1);
		end[strcspn(end, "%/")] = '\0';
		if (strchr(end, ':') && !addr_parse(end, &ignored))
			return dash;
	}
	return NULL;
}

static enum target_error check_zones(const struct word *w, struct target *x, struct err *e)
{
	char buf[ADDR_TEXT];

	if (!x->last.zone)
		x->last.zone = x->first.zone;
	if (!x->first.zone)
		x->first.zone = x->last.zone;
	if (x->first.zone != x->last.zone)
		return bad(w, e, "a range stays on one interface");
	if (addr_is_link_local(&x->first) != addr_is_link_local(&x->last))
		return bad(w, e, "a range is link-local (fe80::/10) as a whole or not at all");
	if (addr_is_link_local(&x->first) && !x->first.zone) {
		err_set(e, "%.100s: a link-local address needs its interface: write %s%%eth0",
			w->text, addr_format(&x->first, buf));
		return TARGET_BAD;
	}
	return TARGET_OK;
}

static enum target_error parse_v6_word(struct word *w, const struct target_help *h,
				       struct target *out, struct err *e)
{
	char *slash = strchr(w->host, '/'), *dash = range_dash(w->host);
	enum target_error rc;

	if (slash && dash)
		return bad(w, e, "write a range or a prefix, not both");
	if (slash)
		*slash = '\0';
	if (dash)
		*dash = '\0';
	rc = parse_v6(w, w->host, h, &out->first, e);
	if (rc)
		return rc;
	out->last = out->first;
	if (dash)
		rc = parse_v6(w, dash + 1, h, &out->last, e);
	else if (slash)
		rc = to_block(w, slash + 1, out, e);
	return rc ? rc : check_zones(w, out, e);
}

/* k for the smallest 2^k that is at least the number of addresses. */
static unsigned log2_count(const struct target *x)
{
	uint8_t diff[16] = {0};
	unsigned len = (unsigned)addr_len(&x->first), borrow = 0, i;

	for (i = len; i-- > 0;) {
		unsigned d = 256U + x->last.b[i] - x->first.b[i] - borrow;

		diff[i] = (uint8_t)d;
		borrow = d < 256;
	}
	for (i = 0; i < len && !diff[i]; i++)
		;
	return i == len ? 0 : 8 * (len - i) - (unsigned)__builtin_clz(diff[i]) + 24;
}

static enum target_error check_interval(const struct word *w, const struct target *x,
					const struct target_help *h, struct err *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	bool v6 = x->first.family == ADDR_V6;
	unsigned k;

	if (h->family && h->family != x->first.family)
		return bad(w, e,
			   v6 ? "an IPv6 address, where -4 asks for IPv4 alone"
			      : "an IPv4 address, where -6 asks for IPv6 alone");
	if (addr_cmp(&x->first, &x->last) > 0)
		return bad(w, e, "the range runs backwards");
	if (v6 && !memcmp(x->first.b, mapped, sizeof(mapped)))
		return bad(w, e,
			   "an IPv4 address in IPv6 clothes, which no wire carries: write "
			   "it as 192.0.2.7");
	k = log2_count(x);
	if (k > TARGET_MAX_LOG2 && !h->any_size) {
		err_set(e,
			"%.100s: 2^%u addresses are more than one word may name, which is 2^%d "
			"(an IPv6 /96)",
			w->text, k, TARGET_MAX_LOG2);
		return TARGET_BAD;
	}
	return TARGET_OK;
}

/* --- names ------------------------------------------------------------------------------- */

static bool valid_name(const char *s)
{
	size_t len = strlen(s);

	if (len && s[len - 1] == '.')
		len--;
	if (!len || len > NAME_LEN || *s == '-' || *s == '.' || strstr(s, ".."))
		return false;
	for (; *s; s++) /* above 0x7f: the resolver may know international names */
		if (!isalnum((unsigned char)*s) && !strchr("-._", *s) && (unsigned char)*s < 0x80)
			return false;
	return true;
}

static bool holds(const struct addr *v, size_t n, const struct addr *a)
{
	size_t i = 0;

	while (i < n && !addr_equal(&v[i], a))
		i++;
	return i < n;
}

/* Keeps of got[0..n) what -4, -6 and --first leave, each once; returns how many, -1 with `e`. */
static int narrow(const struct word *w, struct addr *got, size_t n, const struct target_help *h,
		  struct err *e)
{
	size_t kept = 0;
	char buf[ADDR_TEXT];

	for (size_t i = 0; i < n; i++) {
		if ((h->family && h->family != got[i].family) || holds(got, kept, &got[i]))
			continue;
		if (addr_is_link_local(&got[i]) && !got[i].zone)
			return err_set(e,
				       "%.100s: stands for %s, which needs its interface: write "
				       "the address with it, as fe80::1%%eth0",
				       w->text, addr_format(&got[i], buf));
		got[kept++] = got[i];
		if (h->first_only)
			break;
	}
	return (int)kept;
}

static enum target_error resolve_name(const struct word *w, const struct target_help *h,
				      struct addr *out, size_t *n, struct err *e)
{
	int got;

	if (strchr(w->host, '/'))
		return bad(w, e, "a name takes no prefix: write the address of the block");
	if (!valid_name(w->host))
		return bad(w, e,
			   "not a target: write an address, a range, a block such as "
			   "192.0.2.0/24, or a name");
	if (!h->resolve) {
		err_set(e, "%.100s: names can't be asked for here: write an address", w->text);
		return TARGET_UNKNOWN;
	}
	got = h->resolve(h->ctx, w->host, out, ADDRS_OF_NAME, e);
	if (got < 0)
		return (enum target_error)got;
	got = narrow(w, out, (size_t)got < ADDRS_OF_NAME ? (size_t)got : ADDRS_OF_NAME, h, e);
	if (got < 0)
		return TARGET_BAD;
	*n = (size_t)got;
	if (got)
		return TARGET_OK;
	err_set(e, "%.100s: the name has no %s", w->text,
		h->family == ADDR_V4   ? "IPv4 address (-4)"
		: h->family == ADDR_V6 ? "IPv6 address (-6)"
				       : "address");
	return TARGET_UNKNOWN;
}

/* --- the set ----------------------------------------------------------------------------- */

void targets_init(struct targets *t)
{
	*t = (struct targets){0};
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	free(t->v);
	ports_pool_free(&t->ports);
	targets_init(t);
}

static enum target_error no_memory(const struct word *w, struct err *e)
{
	return bad(w, e, "out of memory");
}

static int reserve(struct targets *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 16;
	struct target *v;

	while (cap < t->n + more)
		cap *= 2;
	if (cap == t->cap)
		return 0;
	v = realloc(t->v, cap * sizeof(*v));
	if (!v)
		return -1;
	t->v = v;
	t->cap = cap;
	return 0;
}

static const char *keep_name(struct targets *t, const char *name)
{
	char *copy;

	if (!array_grow(&t->names, t->n_names, &t->cap_names, sizeof(*t->names)))
		return NULL;
	copy = strdup(name);
	if (copy)
		t->names[t->n_names++] = copy;
	return copy;
}

static enum target_error add_name(struct targets *t, const struct word *w,
				  const struct ports *ports, const struct target_help *h,
				  struct err *e)
{
	struct addr got[ADDRS_OF_NAME];
	size_t n = 0;
	const char *name;
	enum target_error rc = resolve_name(w, h, got, &n, e);

	if (rc)
		return rc;
	name = reserve(t, n) < 0 ? NULL : keep_name(t, w->host);
	if (!name)
		return no_memory(w, e);
	for (size_t i = 0; i < n; i++)
		t->v[t->n++] =
		    (struct target){.first = got[i], .last = got[i], .name = name, .ports = ports};
	return TARGET_OK;
}

static enum target_error parse_ports(struct targets *t, const struct word *w,
				     const struct target_help *h, const struct ports **out,
				     struct err *e)
{
	struct err why = {""};
	struct ports *p = ports_parse_as("port", w->ports, h->service, &why);

	if (!p) {
		err_set(e, "%.100s: %s", w->text, why.msg);
		return TARGET_BAD;
	}
	*out = ports_pool_own(&t->ports, p);
	return *out ? TARGET_OK : no_memory(w, e);
}

enum target_error targets_add(struct targets *t, const char *word, const struct target_help *h,
			      struct err *e)
{
	struct word w = {.text = word};
	struct target x = {.name = NULL};
	enum target_error rc = split_word(&w, e);

	if (!rc && w.ports)
		rc = parse_ports(t, &w, h, &x.ports, e);
	if (rc)
		return rc;
	if (w.v6)
		rc = parse_v6_word(&w, h, &x, e);
	else if (looks_like_v4(w.host))
		rc = parse_v4(&w, &x, e);
	else
		return add_name(t, &w, x.ports, h, e);
	if (!rc)
		rc = check_interval(&w, &x, h, e);
	if (rc)
		return rc;
	if (reserve(t, 1) < 0)
		return no_memory(&w, e);
	t->v[t->n++] = x;
	return TARGET_OK;
}

int targets_put(struct targets *t, const struct target *x)
{
	struct target own = *x;

	if (own.name)
		own.name = keep_name(t, own.name);
	if ((x->name && !own.name) || reserve(t, 1) < 0)
		return -1;
	t->v[t->n++] = own;
	return 0;
}

/* --- files ------------------------------------------------------------------------------- */

static const char blanks[] = " \t\r\n\v\f";

static const char *skip_between(const char *s, unsigned *line)
{
	for (;; s++) {
		if (*s == '#')
			s += strcspn(s, "\n");
		if (*s == '\n')
			++*line;
		else if (!*s || (!strchr(blanks, *s) && *s != ','))
			return s;
	}
}

/* Does the comma at `end` of a word go on with its ports? "192.0.2.7:22,80" */
static bool ports_go_on(const char *word, const char *end)
{
	size_t len = (size_t)(end - word);
	const char *host_end = *word == '[' ? memchr(word, ']', len) : word;
	const char *colon = host_end ? memchr(host_end, ':', (size_t)(end - host_end)) : NULL;
	const char *next = end + 1;

	if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
		return false;
	next += strspn(next, "0123456789-!");
	return next > end + 1 && (!*next || *next == ',' || *next == '#' || strchr(blanks, *next));
}

bool targets_next_word(const char **text, char *word, size_t cap, unsigned *line)
{
	const char *s = skip_between(*text, line), *end = s;
	int len;

	*text = s;
	if (!*s)
		return false;
	for (;; end++) {
		end += strcspn(end, " \t\r\n\v\f,#");
		if (*end != ',' || !ports_go_on(s, end))
			break;
	}
	*text = end;
	len = end - s < (ptrdiff_t)cap ? (int)(end - s) : (int)cap - 4;
	snprintf(word, cap, "%.*s%s", len, s, s + len < end ? "..." : "");
	return true;
}
