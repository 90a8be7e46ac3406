/*
 * test_report_audit_files: checks as a JUnit file (where libxml2 is there) and as metrics, whole:
 * counts that are true, no two series alike, and no run taken for good that is incomplete.
 */
#include "config.h"

#include "audited.h"

#ifdef HAVE_LIBXML2

static void test_junit(void **state)
{
	struct audited a;

	(void)state;
	audited_pick(&a, (const size_t[]){1, 2, 8}, 3);
	/* clang-format off */
	audited_is(&a, report_junit_new, true,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites>\n"
		" <testsuite name=\"web.policy\" id=\"0\" package=\"rstprobe.audit\" "
		"hostname=\"localhost\" timestamp=\"2024-10-04T00:00:00\" tests=\"2\" failures=\"1\" "
		"errors=\"0\" skipped=\"0\" time=\"0.810\">\n"
		"  <properties>\n"
		"   <property name=\"rstprobe.version\" value=\"0.1.0\"/>\n"
		"   <property name=\"complete\" value=\"true\"/>\n"
		"  </properties>\n"
		"  <testcase classname=\"web\" name=\"web1 (192.0.2.7) port 22 closed or blocked\" "
		"time=\"0.000412\">\n"
		"   <failure message=\"expected closed or blocked, is open\" "
		"type=\"critical\">expected: closed or blocked\n"
		"actual: open\n"
		"evidence: SYN drew SYN-ACK (TTL 61, 0.4 ms), 2 probings agree\n"
		"policy: web.policy:2\n"
		"severity: critical\n"
		"owner: ops\n"
		"</failure>\n"
		"  </testcase>\n"
		"  <testcase classname=\"web\" name=\"192.0.2.8 port 22 closed or blocked\" "
		"time=\"0.000052\"/>\n"
		"  <system-out/>\n"
		"  <system-err/>\n"
		" </testsuite>\n"
		" <testsuite name=\"db.policy\" id=\"1\" package=\"rstprobe.audit\" "
		"hostname=\"localhost\" timestamp=\"2024-10-04T00:00:00\" tests=\"1\" failures=\"0\" "
		"errors=\"1\" skipped=\"0\" time=\"0.810\">\n"
		"  <properties>\n"
		"   <property name=\"rstprobe.version\" value=\"0.1.0\"/>\n"
		"   <property name=\"complete\" value=\"true\"/>\n"
		"  </properties>\n"
		"  <testcase classname=\"db\" name=\"db2.example.org port 22 open\" "
		"time=\"0.000000\">\n"
		"   <error message=\"expected open, could not be measured\" "
		"type=\"indeterminate\">expected: open\n"
		"actual: not measured\n"
		"evidence: no address for the name\n"
		"policy: db.policy:9\n"
		"severity: warning\n"
		"</error>\n"
		"  </testcase>\n"
		"  <system-out/>\n"
		"  <system-err/>\n"
		" </testsuite>\n"
		"</testsuites>\n");
	/* clang-format on */
}

static void test_junit_that_is_incomplete(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_PASSED);
	a.sum.complete = false;
	snprintf(a.sum.why, sizeof(a.sum.why), "interrupted & \"late\"");
	/* clang-format off */
	audited_is(&a, report_junit_new, true,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites>\n"
		" <testsuite name=\"web.policy\" id=\"0\" package=\"rstprobe.audit\" "
		"hostname=\"localhost\" timestamp=\"2024-10-04T00:00:00\" tests=\"1\" failures=\"0\" "
		"errors=\"0\" skipped=\"0\" time=\"0.810\">\n"
		"  <properties>\n"
		"   <property name=\"rstprobe.version\" value=\"0.1.0\"/>\n"
		"   <property name=\"complete\" value=\"false\"/>\n"
		"  </properties>\n"
		"  <testcase classname=\"web\" name=\"192.0.2.7 port 22 closed or blocked\" "
		"time=\"0.000052\"/>\n"
		"  <system-out/>\n"
		"  <system-err/>\n"
		" </testsuite>\n"
		" <testsuite name=\"rstprobe audit\" id=\"1\" package=\"rstprobe.audit\" "
		"hostname=\"localhost\" timestamp=\"2024-10-04T00:00:00\" tests=\"1\" failures=\"0\" "
		"errors=\"1\" skipped=\"0\" time=\"0.810\">\n"
		"  <properties>\n"
		"   <property name=\"rstprobe.version\" value=\"0.1.0\"/>\n"
		"   <property name=\"complete\" value=\"false\"/>\n"
		"  </properties>\n"
		"  <testcase classname=\"rstprobe\" name=\"audit ran to its end\" time=\"0\">\n"
		"   <error message=\"incomplete: interrupted &amp; &quot;late&quot;\" "
		"type=\"incomplete\"/>\n"
		"  </testcase>\n"
		"  <system-out/>\n"
		"  <system-err/>\n"
		" </testsuite>\n"
		"</testsuites>\n");
	/* clang-format on */
}

static void test_junit_of_nothing(void **state)
{
	struct audited a;
	char *text;

	(void)state;
	audited_init(&a);
	audited_is(&a, report_junit_new, true,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites/>\n");
	text = audited_write(&a, report_junit_new, false);
	assert_non_null(strstr(text, "tests=\"1\" failures=\"0\" errors=\"1\""));
	assert_non_null(strstr(text, "<error message=\"incomplete: the run ended early\""));
	free(text);
}

/* Lines of an included file stand between those of its includer. */
static void test_junit_has_one_suite_a_file(void **state)
{
	struct audited a;
	char *text, *first, *second;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_PASSED);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_UNDECIDED)->policy = "b.policy";
	audited_add(&a, &a.closed, &a.is_open, CHECK_FAILED);
	text = audited_write(&a, report_junit_new, true);
	first = strstr(text, "<testsuite name=\"web.policy\" id=\"0\"");
	second = strstr(text, "<testsuite name=\"b.policy\" id=\"1\"");
	assert_true(first && second && first < second);
	assert_non_null(strstr(first, "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""));
	assert_non_null(strstr(second, "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""));
	assert_null(strstr(second + 1, "<testsuite "));
	free(text);
}

static void test_junit_takes_any_name(void **state)
{
	struct audited a;
	struct check_record *c;
	char *text;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
	c->policy = c->group = "<a & \"b\">\xff";
	c->name = c->owner = c->note = "]]>\x01\x1b\n<x/>";
	text = audited_write(&a, report_junit_new, true);
	assert_null(strstr(text, "<x/>"));
	assert_null(strchr(text, '\x01'));
	assert_null(strchr(text, '\xff'));
	assert_non_null(strstr(text, "classname=\"&lt;a &amp; &quot;b&quot;&gt;\xef\xbf\xbd\""));
	free(text);
}

#endif

/* --- metrics ------------------------------------------------------------------------------ */

static void test_metrics(void **state)
{
	struct audited a;

	(void)state;
	audited_pick(&a, (const size_t[]){1, 2, 8, 6}, 4);
	a.counts.expired = 1;
	/* clang-format off */
	audited_is(&a, report_prometheus_new, true,
		"# HELP rstprobe_audit_check_failed 1 for each check that failed.\n"
		"# TYPE rstprobe_audit_check_failed gauge\n"
		"rstprobe_audit_check_failed{audit=\"web.policy,db.policy\",policy=\"web.policy\",line=\"2\",group=\"web\",address="
		"\"192.0.2.7\",name=\"web1\",port=\"22\",expect=\"closed or "
		"blocked\",severity=\"critical\",owner=\"ops\"} 1\n"
		"rstprobe_audit_check_failed{audit=\"web.policy,db.policy\",policy=\"web.policy\",line=\"7\",group=\"web\",address="
		"\"192.0.2.7\",name=\"\",port=\"20-25,80,1000-1112\",expect=\"not-open\",severity=\"w"
		"arning\",owner=\"\"} 1\n"
		"# HELP rstprobe_audit_check_undecided 1 for each check that could not be decided.\n"
		"# TYPE rstprobe_audit_check_undecided gauge\n"
		"rstprobe_audit_check_undecided{audit=\"web.policy,db.policy\",policy=\"db.policy\",line=\"9\",group=\"db\",address="
		"\"\",name=\"db2.example.org\",port=\"22\",expect=\"open\",severity=\"warning\",owner"
		"=\"\"} 1\n"
		"# HELP rstprobe_audit_series_left_out Failed and undecided checks without a series "
		"of their own.\n"
		"# TYPE rstprobe_audit_series_left_out gauge\n"
		"rstprobe_audit_series_left_out{audit=\"web.policy,db.policy\"} 0\n"
		"# HELP rstprobe_audit_checks Checks of the last audit by result.\n"
		"# TYPE rstprobe_audit_checks gauge\n"
		"rstprobe_audit_checks{audit=\"web.policy,db.policy\",result=\"passed\"} 1\n"
		"rstprobe_audit_checks{audit=\"web.policy,db.policy\",result=\"failed\"} 121\n"
		"rstprobe_audit_checks{audit=\"web.policy,db.policy\",result=\"indeterminate\"} 1\n"
		"# HELP rstprobe_audit_failures Checks that failed, by severity.\n"
		"# TYPE rstprobe_audit_failures gauge\n"
		"rstprobe_audit_failures{audit=\"web.policy,db.policy\",severity=\"critical\"} 1\n"
		"rstprobe_audit_failures{audit=\"web.policy,db.policy\",severity=\"warning\"} 120\n"
		"rstprobe_audit_failures{audit=\"web.policy,db.policy\",severity=\"info\"} 0\n"
		"# HELP rstprobe_audit_policy_lines Lines of the policy, in force and ended.\n"
		"# TYPE rstprobe_audit_policy_lines gauge\n"
		"rstprobe_audit_policy_lines{audit=\"web.policy,db.policy\",state=\"in-force\"} 9\n"
		"rstprobe_audit_policy_lines{audit=\"web.policy,db.policy\",state=\"ended\"} 1\n"
		"# HELP rstprobe_audit_complete 1 where the last audit ran to its end.\n"
		"# TYPE rstprobe_audit_complete gauge\n"
		"rstprobe_audit_complete{audit=\"web.policy,db.policy\"} 1\n"
		"# HELP rstprobe_audit_last_run_timestamp_seconds When the last audit ended.\n"
		"# TYPE rstprobe_audit_last_run_timestamp_seconds gauge\n"
		"rstprobe_audit_last_run_timestamp_seconds{audit=\"web.policy,db.policy\"} 1728000000.810\n"
		"# HELP rstprobe_audit_duration_seconds How long the last audit took.\n"
		"# TYPE rstprobe_audit_duration_seconds gauge\n"
		"rstprobe_audit_duration_seconds{audit=\"web.policy,db.policy\"} 0.810\n");
	/* clang-format on */
}

static void test_metrics_without_a_summary(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	/* clang-format off */
	audited_is(&a, report_prometheus_new, false,
		"# HELP rstprobe_audit_check_failed 1 for each check that failed.\n"
		"# TYPE rstprobe_audit_check_failed gauge\n"
		"# HELP rstprobe_audit_check_undecided 1 for each check that could not be decided.\n"
		"# TYPE rstprobe_audit_check_undecided gauge\n"
		"# HELP rstprobe_audit_series_left_out Failed and undecided checks without a series "
		"of their own.\n"
		"# TYPE rstprobe_audit_series_left_out gauge\n"
		"rstprobe_audit_series_left_out{audit=\"web.policy,db.policy\"} 0\n"
		"# HELP rstprobe_audit_complete 1 where the last audit ran to its end.\n"
		"# TYPE rstprobe_audit_complete gauge\n"
		"rstprobe_audit_complete{audit=\"web.policy,db.policy\"} 0\n"
		"# HELP rstprobe_audit_last_run_timestamp_seconds When the last audit ended.\n"
		"# TYPE rstprobe_audit_last_run_timestamp_seconds gauge\n"
		"rstprobe_audit_last_run_timestamp_seconds{audit=\"web.policy,db.policy\"} 1728000000.000\n");
	/* clang-format on */
	a.sum.complete = false;
	{
		char *text = audited_write(&a, report_prometheus_new, true);

		assert_non_null(
		    strstr(text, "\nrstprobe_audit_complete{audit=\"web.policy,db.policy\"} 0\n"));
		free(text);
	}
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* A collector refuses a file in which two series are the same. */
static void test_metrics_have_no_series_twice(void **state)
{
	struct audited a;
	char *text;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED)->name = "\xff";
	audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED)->name = "\xfe";
	audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED)->name = "a\\b\"c\nd";
	for (size_t i = 0; i < a.n; i++)
		a.v[i].line = 1;
	text = audited_write(&a, report_prometheus_new, true);
	assert_int_equal(count_of(text, "check_failed{"), 2);
	assert_int_equal(count_of(text, "name=\"\xef\xbf\xbd\""), 1);
	assert_int_equal(count_of(text, "name=\"a\\\\b\\\"c\\nd\""), 1);
	free(text);
}

static void test_metrics_are_so_many_at_most(void **state)
{
	const struct record_sink *sink;
	struct audited a;
	struct check_record *c;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
	paper_open(&a.paper, report_prometheus_new, &a.run, &a.style);
	sink = &a.paper.report->sink;
	for (unsigned i = 1; i <= 10007; i++) {
		c->outcome = i % 2 ? CHECK_FAILED : CHECK_UNDECIDED;
		c->port = (uint16_t)i;
		sink->check(sink->ctx, c);
	}
	sink->summary(sink->ctx, &a.sum);
	paper_end(&a.paper);
	assert_int_equal(count_of(a.paper.text, "check_failed{"), 5000);
	assert_int_equal(count_of(a.paper.text, "check_undecided{"), 5000);
	assert_non_null(strstr(
	    a.paper.text, "\nrstprobe_audit_series_left_out{audit=\"web.policy,db.policy\"} 7\n"));
	free(a.paper.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBXML2
	    cmocka_unit_test(test_junit),
	    cmocka_unit_test(test_junit_that_is_incomplete),
	    cmocka_unit_test(test_junit_of_nothing),
	    cmocka_unit_test(test_junit_has_one_suite_a_file),
	    cmocka_unit_test(test_junit_takes_any_name),
#endif
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_metrics_without_a_summary),
	    cmocka_unit_test(test_metrics_have_no_series_twice),
	    cmocka_unit_test(test_metrics_are_so_many_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
