/*
 * The table of cause_rules as a table: which rows come before which others that fit the same facts,
 * so that who adds a row sees what it takes away; and that nothing in it is there in vain.
 */
#include "unit.h"

#include "cause_cases.h"
#include "rstscript.h"

/* What follows from what, however a connection went: by it fewer rows can meet. */
static const struct implied {
	enum fact fact, then;
} implied[] = {
    {T_SYN, T_FOUND},		{T_SYN, R_ACK},
    {T_ACK, T_FOUND},		{T_SYN_ACK, T_ACK},
    {T_SYN_ACK_OK, T_SYN_ACK},	{T_PURE_ACK, T_ACK},
    {T_DATA, T_FOUND},		{T_FIN, T_FOUND},
    {T_KEEPALIVE, T_FOUND},	{T_REPEAT, T_FOUND},
    {T_LATE, T_FOUND},		{T_ACKS_FIN, T_ACK},
    {T_ACKS_FIN, X_FIN},	{X_ONLY_SYN, X_SEEN},
    {X_ONLY_SYNACK, X_SEEN},	{X_FIN, X_SEEN},
    {X_DATA, X_SEEN},		{Y_FIN, Y_SEEN},
    {Y_DATA, Y_SEEN},		{LAST_DATA_Y, Y_DATA},
    {LAST_DATA_Y, X_SEEN},	{Y_DATA_AFTER_FIN, X_FIN},
    {Y_DATA_AFTER_FIN, Y_DATA}, {ESTABLISHED, X_SEEN},
    {ESTABLISHED, Y_SEEN},	{X_INITIATOR, X_SEEN},
    {T_FOUND, Y_SEEN},		{IDLE, QUIET},
    {SYN_ANSWERED_RST, T_SYN},	{C_SYN_ACK_LATER, T_SYN},
    {OWN_OLD_LIVED, T_FOUND},	{RST_SAME_BEFORE, RST_BEFORE},
    {K_ABORT_ON_CLOSE, K_SAID}, {K_STATE, K_SAID},
    {K_KEEPALIVE, K_SAID},	{K_NO_SOCKET, K_SAID},
    {K_LISTEN_FLAGS, K_SAID},	{K_LISTEN_SYN, K_SAID},
    {K_DESTROYED, K_SAID},	{C_BOTH_SIDES, X_SEEN},
};

static const struct implied exclusive[] = {
    {T_ACK, R_ACK},
    {T_PURE_ACK, T_DATA},
    {T_PURE_ACK, T_FIN},
    {X_ONLY_SYN, X_ONLY_SYNACK},
    {X_ONLY_SYN, X_FIN},
    {X_ONLY_SYNACK, X_FIN},
    {X_INITIATOR, X_RESPONDER},
    {R_SEQ_EXACT, R_SEQ_BELOW},
    {R_SEQ_EXACT, R_SEQ_ABOVE},
    {R_SEQ_BELOW, R_SEQ_ABOVE},
    {K_ABORT_ON_CLOSE, K_STATE},
    {K_ABORT_ON_CLOSE, K_DESTROYED},
    {K_ABORT_ON_CLOSE, K_KEEPALIVE},
    {K_ABORT_ON_CLOSE, K_LISTEN_SYN},
    {K_ABORT_ON_CLOSE, K_LISTEN_FLAGS},
    {K_ABORT_ON_CLOSE, K_NO_SOCKET},
    {K_STATE, K_DESTROYED},
    {K_STATE, K_KEEPALIVE},
    {K_STATE, K_LISTEN_SYN},
    {K_STATE, K_LISTEN_FLAGS},
    {K_STATE, K_NO_SOCKET},
    {K_DESTROYED, K_KEEPALIVE},
    {K_DESTROYED, K_LISTEN_SYN},
    {K_DESTROYED, K_LISTEN_FLAGS},
    {K_DESTROYED, K_NO_SOCKET},
    {K_KEEPALIVE, K_LISTEN_SYN},
    {K_KEEPALIVE, K_LISTEN_FLAGS},
    {K_KEEPALIVE, K_NO_SOCKET},
    {K_LISTEN_SYN, K_LISTEN_FLAGS},
    {K_LISTEN_SYN, K_NO_SOCKET},
    {K_LISTEN_FLAGS, K_NO_SOCKET},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void close_under_implication(struct facts *f)
{
	for (size_t round = 0; round < 4; round++)
		for (size_t i = 0; i < COUNT(implied); i++)
			fact_set(f, implied[i].then, fact_has(f, implied[i].fact));
}

static void require(struct facts *f, const struct cause_row *r)
{
	for (size_t i = 0; i < NEED_MAX && r->need[i]; i++)
		fact_set(f, r->need[i], true);
}

static bool allowed(const struct facts *f, const struct cause_row *r)
{
	for (size_t i = 0; i < LACK_MAX && r->lack[i]; i++)
		if (fact_has(f, r->lack[i]))
			return false;
	return true;
}

static bool can_meet(const struct cause_row *a, const struct cause_row *b)
{
	struct facts f = {0};

	require(&f, a);
	require(&f, b);
	close_under_implication(&f);
	for (size_t i = 0; i < COUNT(exclusive); i++)
		if (fact_has(&f, exclusive[i].fact) && fact_has(&f, exclusive[i].then))
			return false;
	return allowed(&f, a) && allowed(&f, b);
}

/* "refused 2": the second row of refused. */
static void row_name(char *buf, size_t cap, const struct cause_row *r)
{
	size_t n = 0;

	for (const struct cause_row *o = cause_rows; o <= r; o++)
		n += o->id == r->id;
	snprintf(buf, cap, "%s %zu", cause_name(r->id), n);
}

static const struct pairs {
	const char *row, *before;
} pairs[] = {
#include "cause_pairs.inc"
};

static void rows_before(char *buf, size_t cap, const struct cause_row *r)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const struct cause_row *o = r + 1; o < cause_rows + cause_row_count; o++) {
		char name[64];

		if (!can_meet(r, o))
			continue;
		row_name(name, sizeof(name), o);
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? ", " : "", name);
		assert_true(n < cap);
	}
}

/* As the list has it, to be looked at and put there. */
static void print_pair(const char *row, const char *before)
{
	size_t column = (size_t)printf("{\"%s\",\n \"", row) - (strlen(row) + 4);

	for (const char *w = before; *w;) {
		size_t n = strcspn(w, ",");

		n += w[n] == ',';
		n += w[n] == ' ';
		if (column + n > 96) {
			printf("\"\n \"");
			column = 2;
		}
		printf("%.*s", (int)n, w);
		column += n;
		w += n;
	}
	printf("\"},\n");
}

/* RSTPROBE_PRINT=1 prints the whole list, for cause_pairs.inc. */
static void the_order_of_rows_that_can_meet_is_as_reviewed(void **state)
{
	char name[64], before[8192];
	bool same = COUNT(pairs) == cause_row_count;

	(void)state;
	for (size_t i = 0; i < cause_row_count; i++) {
		bool this;

		row_name(name, sizeof(name), &cause_rows[i]);
		rows_before(before, sizeof(before), &cause_rows[i]);
		this = i < COUNT(pairs) && strcmp(pairs[i].row, name) == 0 &&
		       strcmp(pairs[i].before, before) == 0;
		same &= this;
		if (!this || getenv("RSTPROBE_PRINT"))
			print_pair(name, before);
	}
	assert_true(same);
}

/* --- nothing in vain -------------------------------------------------------------------------- */

static bool in_rows(enum fact f)
{
	for (size_t i = 0; i < cause_row_count; i++) {
		for (size_t k = 0; k < NEED_MAX; k++)
			if (cause_rows[i].need[k] == f)
				return true;
		for (size_t k = 0; k < LACK_MAX; k++)
			if (cause_rows[i].lack[k] == f)
				return true;
	}
	return false;
}

/* Does it decide on FOREIGN, with some other? */
static bool in_combinations(enum fact f)
{
	for (int g = 1; g < FACTS; g++) {
		struct facts with = {0}, without = {0};

		if (g == FOREIGN || f == FOREIGN)
			continue;
		fact_set(&without, (enum fact)g, true);
		fact_set(&with, (enum fact)g, true);
		fact_set(&with, f, true);
		facts_derive(&with);
		facts_derive(&without);
		if (fact_has(&with, FOREIGN) != fact_has(&without, FOREIGN))
			return true;
	}
	return false;
}

/* Those that neither rows nor combinations ask for, and who does. */
static const struct used {
	enum fact fact;
	const char *by;
} used_elsewhere[] = {
    {R_SEQ_ABOVE, "explain: RSTs with several numbers"},
    {BURST, "tests, and who reads facts"},
    {K_ABORT_ON_DATA, "the clue of the kernel's word"},
    {K_TIME_WAIT, "the clue of the kernel's word"},
    {K_BAD_ACK, "the clue of the kernel's word"},
};

static void each_fact_has_a_name_and_a_use(void **state)
{
	(void)state;
	for (int f = 1; f < FACTS; f++) {
		bool used = in_rows((enum fact)f) || in_combinations((enum fact)f), told = false;

		if (!fact_name((enum fact)f))
			fail_msg("fact %d has no name", f);
		for (size_t i = 0; i < COUNT(used_elsewhere); i++)
			told |= (int)used_elsewhere[i].fact == f;
		if (used == told)
			fail_msg("%s: %s", fact_name((enum fact)f),
				 used ? "is used after all" : "is used by no row or combination");
	}
}

static void rows_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < cause_row_count; i++) {
		const struct cause_row *r = &cause_rows[i];

		assert_true(r->because && *r->because);
		for (size_t k = 0; k < ALSO_MAX && r->also[k]; k++)
			assert_int_not_equal(r->also[k], r->id);
		if (!can_meet(r, r))
			fail_msg("%s: no facts can fit it", r->because);
		if (r->sure == SURE_CERTAIN && r->also[0])
			fail_msg("%s: certain, and something else fits too", r->because);
	}
}

static void no_row_hides_behind_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < cause_row_count; i++) {
		struct facts f = {0};

		/* with what it needs and nothing more it decides; unknown is what is left */
		if (cause_rows[i].id == CAUSE_UNKNOWN)
			continue;
		require(&f, &cause_rows[i]);
		close_under_implication(&f);
		if (cause_decide(&f)->id != cause_rows[i].id)
			fail_msg("%s: \"%s\" comes before", cause_rows[i].because,
				 cause_decide(&f)->because);
	}
}

/* --- the implications hold -------------------------------------------------------------------- */

static void check_facts(void *ctx, const struct finding *f)
{
	(void)ctx;
	for (size_t i = 0; i < COUNT(implied); i++)
		if (fact_has(&f->facts, implied[i].fact) && !fact_has(&f->facts, implied[i].then))
			fail_msg("%s without %s (%s)", fact_name(implied[i].fact),
				 fact_name(implied[i].then), f->row->because);
	for (size_t i = 0; i < COUNT(exclusive); i++)
		if (fact_has(&f->facts, exclusive[i].fact) &&
		    fact_has(&f->facts, exclusive[i].then))
			fail_msg("%s with %s (%s)", fact_name(exclusive[i].fact),
				 fact_name(exclusive[i].then), f->row->because);
}

static void what_follows_from_what_holds(void **state)
{
	const struct script_how how = {.v6 = false};
	char why[512];

	(void)state;
	for (size_t i = 0; i < cause_case_count; i++)
		script_check(cause_cases[i].script, &how, why, check_facts, NULL);
	for (size_t i = 0; i < pitfall_count; i++)
		script_check(pitfalls[i].script, &how, why, check_facts, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_order_of_rows_that_can_meet_is_as_reviewed),
	    cmocka_unit_test(each_fact_has_a_name_and_a_use),
	    cmocka_unit_test(rows_are_well_formed),
	    cmocka_unit_test(no_row_hides_behind_another),
	    cmocka_unit_test(what_follows_from_what_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
