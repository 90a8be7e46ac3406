/*
 * kernel_format: reads the tracepoint's samples by the description that the running kernel gives of
 * them, so that no offset and no number of a reason is known here. Two layouts of the addresses:
 * two sockaddrs (Linux 6.10), and fields apart (4.15). It refuses to know where either comes from.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "wire/kernel.h"

enum {
	SYMBOLS_MAX = 96,
	FIELD_MAX = 4096,
	SOCKADDR_V4 = 16,
	/* of common_flags; no header for users has them, every reader of traces knows them */
	IN_HARDIRQ = 0x08,
	IN_SOFTIRQ = 0x10,
};

struct field {
	size_t offset, size; /* size 0: the event has no such field */
};

enum {
	F_FLAGS,
	F_SKB,
	F_STATE,
	F_REASON,
	F_SPORT,
	F_DPORT,
	F_SADDR,
	F_DADDR,
	F_SADDR6,
	F_DADDR6,
	FIELDS,
};

static const char *const field_names[FIELDS] = {
    [F_FLAGS] = "common_flags", [F_SKB] = "skbaddr",	 [F_STATE] = "state", [F_REASON] = "reason",
    [F_SPORT] = "sport",	[F_DPORT] = "dport",	 [F_SADDR] = "saddr", [F_DADDR] = "daddr",
    [F_SADDR6] = "saddr_v6",	[F_DADDR6] = "daddr_v6",
};

struct symbols {
	size_t n;
	struct symbol {
		int64_t value;
		char name[KERNEL_WORD];
	} v[SYMBOLS_MAX];
};

struct kernel_format {
	struct field fields[FIELDS];
	struct symbols states, reasons;
};

/* Some kernels print a state's enumerator for its number. These numbers are ABI (tcp_info). */
static const struct {
	const char *name;
	int64_t value;
} state_numbers[] = {
    {"TCP_ESTABLISHED", TCP_ESTABLISHED},
    {"TCP_SYN_SENT", TCP_SYN_SENT},
    {"TCP_SYN_RECV", TCP_SYN_RECV},
    {"TCP_FIN_WAIT1", TCP_FIN_WAIT1},
    {"TCP_FIN_WAIT2", TCP_FIN_WAIT2},
    {"TCP_TIME_WAIT", TCP_TIME_WAIT},
    {"TCP_CLOSE", TCP_CLOSE},
    {"TCP_CLOSE_WAIT", TCP_CLOSE_WAIT},
    {"TCP_LAST_ACK", TCP_LAST_ACK},
    {"TCP_LISTEN", TCP_LISTEN},
    {"TCP_CLOSING", TCP_CLOSING},
    {"TCP_NEW_SYN_RECV", TCP_CLOSING + 1},
};

/* --- the text ----------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The number behind `key` in the line; -1 where there is none, or none that can be. */
static long number_after(const char *line, const char *end, const char *key)
{
	const char *at = strstr(line, key);
	char *stop;
	unsigned long v;

	if (!at || at >= end)
		return -1;
	at += strlen(key);
	if (!isdigit((unsigned char)*at))
		return -1;
	v = strtoul(at, &stop, 10);
	return *stop == ';' && v <= FIELD_MAX ? (long)v : -1;
}

/* "__u8 saddr[28];\toffset:32;\tsize:28;\tsigned:0;" */
static void take_field(struct kernel_format *f, const char *line, const char *end)
{
	const char *last = memchr(line, ';', (size_t)(end - line));
	const char *first;
	long offset = number_after(line, end, "offset:");
	long size = number_after(line, end, "size:");

	if (!last || offset < 0 || size <= 0)
		return;
	if (last > line && last[-1] == ']')
		while (last > line && *last != '[')
			last--;
	for (first = last; first > line && is_word(first[-1]);)
		first--;
	for (size_t i = 0; i < FIELDS; i++)
		if (strlen(field_names[i]) == (size_t)(last - first) &&
		    memcmp(field_names[i], first, (size_t)(last - first)) == 0)
			f->fields[i] = (struct field){(size_t)offset, (size_t)size};
}

static void take_fields(struct kernel_format *f, const char *text)
{
	static const char key[] = "field:";

	for (const char *at = text; (at = strstr(at, key));) {
		const char *end = strchr(at, '\n');

		at += sizeof(key) - 1;
		take_field(f, at, end ? end : at + strlen(at));
	}
}

/* `12`, `0x0c`, `TCP_NEW_SYN_RECV`; false for what is neither. */
static bool value_of(const char *text, size_t len, int64_t *out)
{
	char word[KERNEL_WORD];
	char *stop;

	while (len && text[len - 1] == ' ')
		len--;
	if (!len || len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	*out = strtoll(word, &stop, 0);
	if (!*stop)
		return true;
	for (size_t i = 0; i < sizeof(state_numbers) / sizeof(state_numbers[0]); i++)
		if (strcmp(word, state_numbers[i].name) == 0) {
			*out = state_numbers[i].value;
			return true;
		}
	return false;
}

/* One `{ 9, "TCP_TIMEWAIT_SOCKET" }`; where it ends, or NULL where it is none. */
static const char *take_symbol(struct symbols *s, const char *at)
{
	const char *value = at + 1 + strspn(at + 1, " ");
	const char *comma = value + strcspn(value, ",}");
	const char *name = comma + strspn(comma, ", ");
	const char *end;
	struct symbol *to = &s->v[s->n];

	if (*comma != ',' || *name != '"')
		return NULL;
	name++;
	end =
	    name + strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	if (*end != '"')
		return NULL;
	if (end > name && (size_t)(end - name) < sizeof(to->name) && s->n < SYMBOLS_MAX &&
	    value_of(value, (size_t)(comma - value), &to->value)) {
		memcpy(to->name, name, (size_t)(end - name));
		to->name[end - name] = '\0';
		s->n++;
	}
	end += 1 + strspn(end + 1, " ");
	return *end == '}' ? end + 1 : NULL;
}

/* The list that the event's print format gives for a field. */
static void take_symbols(struct symbols *s, const char *text, const char *opening)
{
	const char *at = strstr(text, opening);

	if (!at)
		return;
	at += strlen(opening);
	while (at) {
		at += strspn(at, ", ");
		if (*at != '{')
			return;
		at = take_symbol(s, at);
	}
}

static bool has(const struct kernel_format *f, int field, size_t size)
{
	return f->fields[field].size >= size;
}

static bool two_sockaddrs(const struct kernel_format *f)
{
	return !has(f, F_SPORT, 1) && has(f, F_SADDR, SOCKADDR_V4) && has(f, F_DADDR, SOCKADDR_V4);
}

static bool fields_apart(const struct kernel_format *f)
{
	return has(f, F_SPORT, 2) && has(f, F_DPORT, 2) &&
	       ((has(f, F_SADDR6, 16) && has(f, F_DADDR6, 16)) ||
		(has(f, F_SADDR, 4) && has(f, F_DADDR, 4)));
}

struct kernel_format *kernel_format_parse(const char *text, struct err *e)
{
	struct kernel_format *f = calloc(1, sizeof(*f));

	if (!f) {
		err_sys(e, ENOMEM, "tcp_send_reset");
		return NULL;
	}
	take_fields(f, text);
	take_symbols(&f->states, text, "__print_symbolic(REC->state,");
	take_symbols(&f->reasons, text, "__print_symbolic(REC->reason,");
	if (two_sockaddrs(f) || fields_apart(f))
		return f;
	err_set(e, "tcp_send_reset: its format names no addresses and ports that are known here");
	kernel_format_free(f);
	return NULL;
}

void kernel_format_free(struct kernel_format *f)
{
	free(f);
}

bool kernel_format_has_reason(const struct kernel_format *f)
{
	return has(f, F_REASON, 1) && f->reasons.n > 0;
}

/* --- a sample ----------------------------------------------------------------------------- */

/* What the field holds; short where the sample ends before it does. */
static struct cursor at_field(const struct kernel_format *f, int field, const uint8_t *raw,
			      size_t len)
{
	struct cursor c = cursor_of(raw, len);

	cursor_skip(&c, f->fields[field].offset);
	return cursor_sub(&c, f->fields[field].size);
}

/* In the order of this machine, as the kernel stores. */
static uint64_t own_order(struct cursor *c, size_t size)
{
	const uint8_t *p = cursor_take(c, size);
	uint64_t v = 0;

	for (size_t i = 0; p && i < size; i++) {
		size_t k = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? i : size - 1 - i;

		v = v << 8 | p[k];
	}
	return v;
}

static uint64_t number(const struct kernel_format *f, int field, const uint8_t *raw, size_t len)
{
	struct cursor c = at_field(f, field, raw, len);

	return f->fields[field].size <= 8 ? own_order(&c, f->fields[field].size) : 0;
}

/* The name of a number; an enumerator is 32 bits, and may be below 0. */
static void put_name(const struct symbols *s, uint64_t value, char out[KERNEL_WORD])
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].value == (int32_t)value) {
			memcpy(out, s->v[i].name, KERNEL_WORD);
			return;
		}
}

static struct addr addr_from(struct cursor *c, uint8_t family)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct addr a = {.family = family};
	size_t n = addr_len(&a);
	const uint8_t *p = cursor_take(c, n);

	if (!p)
		return (struct addr){0};
	/* a dual-stack socket speaks IPv4 on the wire */
	if (family == ADDR_V6 && memcmp(p, mapped, sizeof(mapped)) == 0)
		return addr_v4(p[12], p[13], p[14], p[15]);
	memcpy(a.b, p, n);
	return a;
}

static struct addr read_sockaddr(struct cursor c, uint16_t *port)
{
	uint64_t family = own_order(&c, 2);

	*port = cursor_be16(&c);
	if (family == AF_INET)
		return addr_from(&c, ADDR_V4);
	if (family != AF_INET6)
		return (struct addr){0};
	cursor_skip(&c, 4); /* flow label */
	return addr_from(&c, ADDR_V6);
}

/* The IPv6 fields hold IPv4's too, mapped; without them the kernel has no IPv6. */
static struct addr read_addr(const struct kernel_format *f, int v4, int v6, const uint8_t *raw,
			     size_t len)
{
	bool six = has(f, F_SADDR6, 16) && has(f, F_DADDR6, 16);
	struct cursor c = at_field(f, six ? v6 : v4, raw, len);

	return addr_from(&c, six ? ADDR_V6 : ADDR_V4);
}

/* Octets that a sample needs for all fields that are read. */
static size_t needed(const struct kernel_format *f)
{
	size_t most = 0;

	for (size_t i = 0; i < FIELDS; i++) {
		size_t end = f->fields[i].offset + f->fields[i].size;

		if (f->fields[i].size && end > most)
			most = end;
	}
	return most;
}

int kernel_format_read(const struct kernel_format *f, const uint8_t *raw, size_t len,
		       struct kernel_reset *out)
{
	*out = (struct kernel_reset){0};
	if (len < needed(f))
		return -1;
	if (two_sockaddrs(f)) {
		out->src = read_sockaddr(at_field(f, F_SADDR, raw, len), &out->sport);
		out->dst = read_sockaddr(at_field(f, F_DADDR, raw, len), &out->dport);
	} else {
		out->src = read_addr(f, F_SADDR, F_SADDR6, raw, len);
		out->dst = read_addr(f, F_DADDR, F_DADDR6, raw, len);
		out->sport = (uint16_t)number(f, F_SPORT, raw, len);
		out->dport = (uint16_t)number(f, F_DPORT, raw, len);
	}
	/* a listener has no other end */
	if (!out->dport && addr_is_unspecified(&out->dst))
		out->dst = (struct addr){0};
	if (has(f, F_STATE, 1))
		put_name(&f->states, number(f, F_STATE, raw, len), out->state);
	if (has(f, F_REASON, 1))
		put_name(&f->reasons, number(f, F_REASON, raw, len), out->reason);
	return 0;
}

bool kernel_format_by_process(const struct kernel_format *f, const uint8_t *raw, size_t len)
{
	if (len < needed(f) || !has(f, F_SKB, 1) || !has(f, F_FLAGS, 1))
		return false;
	/* an answer has the segment that it answers; a timer runs in an interrupt */
	return number(f, F_SKB, raw, len) == 0 &&
	       !(number(f, F_FLAGS, raw, len) & (IN_SOFTIRQ | IN_HARDIRQ));
}
