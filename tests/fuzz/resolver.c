/*
 * resolver: what the process that asks for names says on the line, and what it is asked. Whatever
 * comes, it is one message wholly or none: what was taken says the same octets again, and a name
 * that is taken has nothing but the letters of names.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "wire/resolver_words.h"

static uint8_t again[RESOLVER_WORDS_MAX];

static void check_same(size_t n, const uint8_t *data, size_t len)
{
	assert(n == len && memcmp(again, data, len) == 0);
}

static void check_addr(const struct addr *a)
{
	char text[ADDR_TEXT];

	assert(a->family == ADDR_V4 || a->family == ADDR_V6);
	assert(addr_format(a, text)[0]);
}

static void take_question(const uint8_t *data, size_t len)
{
	struct resolver_question q;

	if (!resolver_take_question(data, len, &q))
		return;
	if (q.way == RESOLVER_TO_NAME)
		check_addr(&q.addr);
	else
		assert(q.name[0] && memchr(q.name, '\0', sizeof(q.name)));
	check_same(resolver_put_question(&q, again), data, len);
}

static void take_answer(const uint8_t *data, size_t len)
{
	static struct resolver_answer a;

	if (!resolver_take_answer(data, len, &a))
		return;
	assert(memchr(a.name, '\0', sizeof(a.name)) && a.n <= RESOLVER_ADDRS_MAX);
	for (const char *c = a.name; *c; c++)
		assert((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		       (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_');
	for (size_t i = 0; i < a.n; i++)
		check_addr(&a.addrs[i]);
	check_same(resolver_put_answer(&a, again), data, len);
}

static void take_hello(const uint8_t *data, size_t len)
{
	struct err e = {""};

	if (!resolver_take_hello(data, len, &e))
		assert(e.msg[0] && memchr(e.msg, '\0', sizeof(e.msg)));
}

/* The first octet: what it is taken for. */
int fuzz_resolver(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	switch (data[0] % 3) {
	case 0: take_answer(data + 1, len - 1); break;
	case 1: take_question(data + 1, len - 1); break;
	default: take_hello(data + 1, len - 1); break;
	}
	return 0;
}
