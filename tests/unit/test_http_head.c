/* test_http_head: the head of an answer, whole, cut off, and not HTTP at all. */
#include "unit.h"

#include "judge/http_head.h"

static struct http_head of(const char *text)
{
	struct http_head h;

	http_head_parse((const uint8_t *)text, strlen(text), &h);
	return h;
}

static void test_whole(void **state)
{
	static const char text[] = "HTTP/1.1 413 Request Entity Too Large\r\nServer: x\r\n"
				   "content-LENGTH:  183 \r\n\r\n<html>";
	struct http_head h = of(text);

	(void)state;
	assert_int_equal(h.status, 413);
	assert_int_equal(h.len, strlen(text) - 6);
	assert_true(h.has_length);
	assert_int_equal(h.length, 183);
}

static void test_bare_newlines_and_no_length(void **state)
{
	struct http_head h = of("HTTP/1.0 200 OK\nX-Content-Length: 5\n\nbody");

	(void)state;
	assert_int_equal(h.status, 200);
	assert_int_equal(h.len, 37);
	assert_false(h.has_length);
}

static void test_cut_off(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < strlen(text); i++) {
		http_head_parse((const uint8_t *)text, i, &h);
		assert_int_equal(h.len, 0);
		assert_int_equal(h.status, i < 17 ? 0 : 200);
		assert_int_equal(h.has_length, i >= 37);
	}
}

static void test_not_http(void **state)
{
	static const char *const texts[] = {"",
					    "\r\n\r\n",
					    "SSH-2.0-x\r\n\r\n",
					    "HTTP/1.1\r\n\r\n",
					    "HTTP/1.",
					    "HTTP/2 200\r\n\r\n",
					    "HTTP/1.1 20\r\n",
					    "HTTP/1.1 x00 OK\r\n\r\n",
					    "HTTP/1.1200 ",
					    "http/1.1 9999 a\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(of(texts[i]).status, 0);
}

static void test_odd_lengths(void **state)
{
	(void)state;
	assert_false(of("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n").has_length);
	assert_false(of("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n").has_length);
	assert_false(of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").has_length);
	assert_false(
	    of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n").has_length);
	/* with the head it would be less than nothing */
	assert_false(
	    of("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551610\r\n\r\n").has_length);
	assert_false(
	    of("HTTP/1.1 200 OK\r\nContent-Length: 1844674407370955161\r\n\r\n").has_length);
	assert_true(of("HTTP/1.1 200 OK\r\nContent-Length: 281474976710656\r\n\r\n").has_length);
	assert_true(of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").has_length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),	cmocka_unit_test(test_bare_newlines_and_no_length),
	    cmocka_unit_test(test_cut_off),	cmocka_unit_test(test_not_http),
	    cmocka_unit_test(test_odd_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
