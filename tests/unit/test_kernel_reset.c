/* What the kernel's words become: facts for the rules, a clause for people; by name alone. */
#include "unit.h"

#include "judge/kernel_reset.h"

static struct kernel_reset said(const char *reason, const char *state)
{
	struct kernel_reset k = {0};

	snprintf(k.reason, sizeof(k.reason), "%s", reason);
	snprintf(k.state, sizeof(k.state), "%s", state);
	return k;
}

/* Exactly these: the bits of K_SAID and of `want`, FACT_NONE for none besides. */
static void expect(const char *reason, const char *state, enum fact want)
{
	struct kernel_reset k = said(reason, state);
	struct facts f = {0}, wanted = {0};

	fact_set(&wanted, K_SAID, true);
	if (want)
		fact_set(&wanted, want, true);
	kernel_reset_facts(&k, &f);
	if (memcmp(f.bits, wanted.bits, sizeof(f.bits)) != 0)
		fail_msg("%s in %s: not %d alone", reason, state, want);
}

static void each_name_is_its_fact(void **state)
{
	(void)state;
	expect("NO_SOCKET", "", K_NO_SOCKET);
	expect("TCP_FLAGS", "TCP_LISTEN", K_LISTEN_FLAGS);
	expect("INVALID_SYN", "TCP_LISTEN", K_LISTEN_SYN);
	expect("TCP_ABORT_ON_CLOSE", "TCP_CLOSE", K_ABORT_ON_CLOSE);
	expect("TCP_STATE", "TCP_CLOSE", K_STATE);
	expect("TCP_STATE", "TCP_ESTABLISHED", K_DESTROYED);
	expect("TCP_ABORT_ON_DATA", "TCP_FIN_WAIT2", K_ABORT_ON_DATA);
	expect("TCP_TIMEWAIT_SOCKET", "TCP_TIME_WAIT", K_TIME_WAIT);
	expect("TCP_KEEPALIVE_TIMEOUT", "TCP_ESTABLISHED", K_KEEPALIVE);
	expect("TCP_INVALID_ACK_SEQUENCE", "TCP_SYN_SENT", K_BAD_ACK);
	expect("TCP_INVALID_ACK_SEQUENCE", "TCP_SYN_RECV", K_BAD_ACK);
}

/* TCP_FLAGS and INVALID_SYN mean the listener only where one was matched. */
static void other_words_say_only_that_it_was_the_kernel(void **state)
{
	(void)state;
	expect("", "", FACT_NONE);
	expect("", "TCP_ESTABLISHED", FACT_NONE);
	expect("NOT_SPECIFIED", "", FACT_NONE);
	expect("TCP_FLAGS", "TCP_SYN_RECV", FACT_NONE);
	expect("INVALID_SYN", "TCP_ESTABLISHED", FACT_NONE);
	expect("TCP_ABORT_ON_LINGER", "TCP_FIN_WAIT2", FACT_NONE);
	expect("TCP_STATE_OF_A_KERNEL_TO_COME", "TCP_CLOSE", FACT_NONE);
}

static void misleading_names_are_explained(void **state)
{
	static const struct {
		const char *reason, *state, *word;
	} cases[] = {
	    {"INVALID_SYN", "TCP_LISTEN", "accept queue"},
	    {"TCP_STATE", "TCP_CLOSE", "SO_LINGER 0"},
	    {"TCP_STATE", "TCP_ESTABLISHED", "from outside"},
	    {"TCP_TIMEWAIT_SOCKET", "TCP_TIME_WAIT", "FIN-WAIT-2"},
	    {"TCP_ABORT_ON_LINGER", "TCP_FIN_WAIT2", "TCP_LINGER2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kernel_reset k = said(cases[i].reason, cases[i].state);
		const char *meaning = kernel_reset_meaning(&k);

		assert_non_null(meaning);
		assert_non_null(strstr(meaning, cases[i].word));
	}
}

static void plain_names_need_no_words(void **state)
{
	struct kernel_reset plain = said("NO_SOCKET", "");
	struct kernel_reset none = said("", "");
	struct kernel_reset new = said("TCP_SOMETHING_NEW", "TCP_CLOSE");

	(void)state;
	assert_null(kernel_reset_meaning(&plain));
	assert_null(kernel_reset_meaning(&none));
	assert_null(kernel_reset_meaning(&new));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_name_is_its_fact),
	    cmocka_unit_test(other_words_say_only_that_it_was_the_kernel),
	    cmocka_unit_test(misleading_names_are_explained),
	    cmocka_unit_test(plain_names_need_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
