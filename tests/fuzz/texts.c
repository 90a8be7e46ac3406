/*
 * texts: small readers of foreign text: the head of an answer of HTTP, the word of --flow, what
 * tracefs says of an event and the samples that come by it.
 */
#include "config.h"

#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/flow_expr.h"
#include "judge/http_head.h"
#include "wire/kernel.h"

/* What is known of a part stays true of the whole. */
int fuzz_http(const uint8_t *data, size_t len)
{
	struct http_head whole, part;

	http_head_parse(data, len, &whole);
	assert(whole.status == 0 || (whole.status >= 100 && whole.status <= 999));
	assert(whole.len <= len);
	assert(!whole.has_length || whole.status);
	if (whole.len) {
		http_head_parse(data, (size_t)whole.len, &part);
		assert(part.len == whole.len && part.status == whole.status);
		assert(part.has_length == whole.has_length && part.length == whole.length);
	}
	return 0;
}

int fuzz_flow(const uint8_t *data, size_t len)
{
	char *word = fuzz_text(data, len);
	struct err e = {""};
	struct flow_expr x;

	if (flow_expr_parse("--flow", word, &x, &e) < 0) {
		assert(e.msg[0]);
	} else {
		const struct addr *a = &x.a.first, *b = &x.b.first, any = addr_v4(192, 0, 2, 1);

		assert(x.a.any_addr || addr_cmp(a, &x.a.last) <= 0);
		assert(x.b.any_addr || addr_cmp(b, &x.b.last) <= 0);
		a = x.a.any_addr ? &any : a;
		b = x.b.any_addr ? &any : b;
		assert(flow_expr_matches(&x, a, x.a.port, b, x.b.port));
		assert(flow_expr_matches(&x, b, x.b.port, a, x.a.port));
	}
	free(word);
	return 0;
}

static void check_word(const char word[KERNEL_WORD])
{
	assert(memchr(word, '\0', KERNEL_WORD));
}

int fuzz_kernel(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\0', len);
	size_t n = end ? (size_t)(end - data) : len, n_raw = end ? len - n - 1 : 0;
	char *text = fuzz_text(data, n), *raw = fuzz_text(end ? end + 1 : data, n_raw);
	struct err e = {""};
	struct kernel_format *f = kernel_format_parse(text, &e);
	struct kernel_reset k = {0};

	if (!f) {
		assert(e.msg[0]);
	} else if (kernel_format_read(f, (const uint8_t *)raw, n_raw, &k) == 0) {
		struct facts facts = {0};

		check_word(k.reason);
		check_word(k.state);
		assert(kernel_format_has_reason(f) || !k.reason[0]);
		kernel_reset_facts(&k, &facts);
		kernel_reset_meaning(&k);
	}
	if (f)
		kernel_format_by_process(f, (const uint8_t *)raw, n_raw);
	kernel_format_free(f);
	free(text);
	free(raw);
	return 0;
}
