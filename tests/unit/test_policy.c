/* policy: every form of a line, every refusal with its place, and what only several files show. */
#include "unit.h"

#include "base/bytes.h"
#include "engine/policy.h"

/* --- the outside -------------------------------------------------------------------------- */

enum { FILES_MAX = 24 };

struct outside {
	char told[8192]; /* errors and names that are missing, each with its newline */
	struct {
		const char *path, *text;
	} files[FILES_MAX];
	size_t n_files;
	char asked[512]; /* paths that were to be read */
};

static struct outside out;

static void take(const char *what, const char *msg)
{
	size_t n = strlen(out.told);

	snprintf(out.told + n, sizeof(out.told) - n, "%s%s\n", what, msg);
}

static void on_fail(void *ctx, const struct err *e)
{
	assert_ptr_equal(ctx, &out);
	take("", e->msg);
}

static void on_missing(void *ctx, const struct err *e, bool try_again)
{
	assert_ptr_equal(ctx, &out);
	take(try_again ? "again: " : "missing: ", e->msg);
}

static char *on_read(void *ctx, const char *path, struct err *e)
{
	size_t n = strlen(out.asked);

	assert_ptr_equal(ctx, &out);
	snprintf(out.asked + n, sizeof(out.asked) - n, "%s%s", n ? " " : "", path);
	for (size_t i = 0; i < out.n_files; i++)
		if (!strcmp(out.files[i].path, path))
			return strdup(out.files[i].text);
	err_set(e, "%s: No such file or directory", path);
	return NULL;
}

static int on_resolve(void *ctx, const char *name, struct addr *v, size_t max, struct err *e)
{
	(void)ctx;
	assert_true(max > 1);
	if (!strcmp(name, "shop.example")) {
		v[0] = addr_v4(192, 0, 2, 30);
		return addr_parse("2001:db8::30", &v[1]) ? -1 : 2;
	}
	if (!strcmp(name, "busy.example")) {
		err_set(e, "busy.example: the resolver gives no answer for now");
		return TARGET_TRY_AGAIN;
	}
	err_set(e, "%s: no such name", name);
	return TARGET_UNKNOWN;
}

static int on_service(const char *name)
{
	return !strcmp(name, "https") ? 443 : !strcmp(name, "domain") ? 53 : -1;
}

static const struct policy_help help = {
    .targets = {.resolve = on_resolve, .service = on_service},
    .read = on_read,
    .fail = on_fail,
    .missing = on_missing,
    .ctx = &out,
};

static void file(const char *path, const char *text)
{
	assert_true(out.n_files < FILES_MAX);
	out.files[out.n_files].path = path;
	out.files[out.n_files++].text = text;
}

static int reset(void **state)
{
	(void)state;
	out = (struct outside){.n_files = 0};
	return 0;
}

/* What a run does with one file. */
static int read_as(struct policy *p, const char *name, const char *text)
{
	out.told[0] = '\0';
	policy_init(p);
	return policy_read(p, name, text, &help) < 0 ? -1 : policy_settle(p, &help);
}

static struct policy parsed(const char *text)
{
	struct policy p;

	if (read_as(&p, "p", text) < 0)
		fail_msg("refused: %s", out.told);
	return p;
}

/* Refused, with just these lines. */
static void refuse(const char *text, const char *want)
{
	struct policy p;
	int rc = read_as(&p, "p", text);

	if (rc != -1 || strcmp(out.told, want))
		fail_msg("%s\n%d, got\n%swant\n%s", text, rc, out.told, want);
	policy_free(&p);
}

/* As refuse, behind a line that defines `web`. */
static void refuse_line(const char *line, const char *want)
{
	char text[512], all[512];

	snprintf(text, sizeof(text), "group web 192.0.2.7\n%s\n", line);
	snprintf(all, sizeof(all), "p:2:%s\n", want);
	refuse(text, all);
}

/* --- lines as text ------------------------------------------------------------------------ */

static void put_ports(struct text *t, const struct ports *p)
{
	uint32_t n = p ? ports_count(p) : 0;

	for (uint32_t i = 0; i < n && i < 4; i++)
		text_putf(t, "%c%u", i ? ',' : ' ', ports_at(p, i));
	if (n > 4)
		text_putf(t, "..%u(%u)", ports_at(p, n - 1), n);
}

static const char *show(const struct policy *p, size_t i)
{
	static const char *const scopes[] = {"", "else ", "host "};
	static char buf[512];
	struct text t = text_of(buf, sizeof(buf));
	const struct policy_line *l = &p->lines[i];
	char demand[128], day[12];

	text_putf(&t, "%s:%u %s:", p->files[l->file], l->number, p->groups[l->group].name);
	put_ports(&t, l->ports);
	text_putf(&t, " %s%s %s", scopes[l->scope], expect_text(&l->expect, demand, sizeof(demand)),
		  level_name(l->level));
	if (l->owner)
		text_putf(&t, " owner %s", l->owner);
	if (l->until_day != DAY_NEVER)
		text_putf(&t, " until %s", day_text(l->until_day, day));
	if (l->note)
		text_putf(&t, " note %s", l->note);
	return buf;
}

/* The one line that stands behind the definition of `web`. */
static void check(const char *line, const char *want)
{
	char text[512], got[512];
	struct policy p;

	snprintf(text, sizeof(text), "group web 192.0.2.7\n%s", line);
	p = parsed(text);
	assert_int_equal(p.n_lines, 1);
	snprintf(got, sizeof(got), "%s", show(&p, 0));
	policy_free(&p);
	assert_string_equal(out.told, "");
	if (strncmp(got, "p:2 web:", 8) || strcmp(got + 8, want))
		fail_msg("%s: got \"%s\", want \"%s\"", line, got + 8, want);
}

static const char *hosts(const struct policy_group *g)
{
	static char buf[512];
	struct text t = text_of(buf, sizeof(buf));
	char a[ADDR_TEXT];

	for (size_t i = 0; i < g->targets.n; i++) {
		const struct target *x = &g->targets.v[i];

		text_putf(&t, "%s%s", i ? " " : "", addr_format(&x->first, a));
		if (!addr_equal(&x->first, &x->last))
			text_putf(&t, "-%s", addr_format(&x->last, a));
		if (x->name)
			text_putf(&t, "(%s)", x->name);
	}
	return buf;
}

/* --- what is right ------------------------------------------------------------------------ */

static void every_demand(void **state)
{
	(void)state;
	check("web: 80,443 open", " 80,443 open warning");
	check("web:80 open", " 80 open warning");
	check("web : 80 open", " 80 open warning");
	check("\t web:\t80\topen \t", " 80 open warning");
	check("web: 80, 443 , 8000 open", " 80,443,8000 open warning");
	check("web: https,domain,22-24 closed", " 22,23,24,53..443(5) closed warning");
	check("web: 1-5,!3 silent", " 1,2,4,5 silent warning");
	check("web: - filtered", " 1,2,3,4..65535(65535) filtered warning");
	check("web: 22 closed or blocked", " 22 closed or blocked warning");
	check("web: 22 open|filtered or unfiltered or inconsistent or suspect",
	      " 22 open|filtered or unfiltered or inconsistent or suspect warning");
	check("web: listen-rst on 443, 80", " 80,443 listen-rst warning");
	check("web: style rst", " host style rst warning");
	check("web: style rst or silent", " host style rst or silent warning");
	check("web: else 1-65535 not-open", " 1,2,3,4..65535(65535) else not-open warning");
	check("web: else https,!443,80 silent or rejected", " 80 else silent or rejected warning");
}

static void else_without_ports_is_the_default_list(void **state)
{
	struct policy p =
	    parsed("group web 192.0.2.7\nweb: else not-open\nweb: else silent or closed");
	struct ports *common = ports_default();

	(void)state;
	assert_non_null(common);
	assert_true(ports_equal(p.lines[0].ports, common));
	assert_ptr_equal(p.lines[0].ports, p.lines[1].ports);
	ports_free(common);
	policy_free(&p);
}

static void attributes_in_any_order(void **state)
{
	(void)state;
	check("web: 80 open within 200ms critical owner ops until 2027-03-01 note \"shop\"",
	      " 80 open within 200ms critical owner ops until 2027-03-01 note shop");
	check("web: 80 open note \"a # b\" until 2027-03-01 info owner ops within 1.5s # c \" d",
	      " 80 open within 1500ms info owner ops until 2027-03-01 note a # b");
	check("web: style rst owner \"team blue\" warning",
	      " host style rst warning owner team blue");
	check("web: 80 open note \"say \\\"hi\\\", C:\\new \\\\\"",
	      " 80 open warning note say \"hi\", C:\\new \\");
	check("web: 80 open note \"Büro, 事務所\"", " 80 open warning note Büro, 事務所");
	check("web: listen-rst on 443 critical", " 443 listen-rst critical");
	check("web: 80 open#no blank", " 80 open warning");
	check("web: 80 open or closed within 2m", " 80 open or closed within 2m warning");
}

static void durations(void **state)
{
	(void)state;
	check("web: 80 open within 1us", " 80 open within 1us warning");
	check("web: 80 open within 1.0000019s", " 80 open within 1000001us warning");
	check("web: 80 open within 0.5ms", " 80 open within 500us warning");
	check("web: 80 open within 1.25s", " 80 open within 1250ms warning");
	check("web: 80 open within 60m", " 80 open within 1h warning");
}

static void files_as_editors_write_them(void **state)
{
	struct policy p = parsed("\xef\xbb\xbfgroup web 192.0.2.7\r\n\r\n# a comment\r\n"
				 "  \t\r\nweb: 80 open note \"x\"\r\nweb: 81 closed");

	(void)state;
	assert_int_equal(p.n_lines, 2);
	assert_string_equal(show(&p, 0), "p:5 web: 80 open warning note x");
	assert_string_equal(show(&p, 1), "p:6 web: 81 closed warning");
	policy_free(&p);
}

static void groups(void **state)
{
	struct policy p = parsed("web: 80 open\n" /* before its group */
				 "group web 192.0.2.10-20, 2001:db8::10 # and\n"
				 "group db_2.x 10.0.0.0/24\n"
				 "group web shop.example,198.51.100.1\n"
				 "db_2.x: 5432 open\nweb: 25 silent\n"
				 "group büro 192.0.2.99\nbüro: else closed\n");

	(void)state;
	assert_int_equal(p.n_groups, 3);
	assert_string_equal(p.groups[0].name, "web");
	assert_int_equal(p.groups[0].line, 2);
	assert_string_equal(hosts(&p.groups[0]),
			    "192.0.2.10-192.0.2.20 2001:db8::10 192.0.2.30(shop.example) "
			    "2001:db8::30(shop.example) 198.51.100.1");
	assert_string_equal(p.groups[1].name, "db_2.x");
	assert_string_equal(hosts(&p.groups[1]), "10.0.0.0-10.0.0.255");
	assert_int_equal(p.n_lines, 4);
	assert_int_equal(p.lines[0].group, 0);
	assert_int_equal(p.lines[1].group, 1);
	assert_int_equal(p.lines[2].group, 0);
	assert_int_equal(p.lines[3].group, 2);
	policy_free(&p);
}

static void names_that_do_not_resolve(void **state)
{
	struct policy p = parsed("group web 192.0.2.7 gone.example busy.example\n"
				 "group mail lost.example\nweb: 80 open\nmail: 25 open\n");

	(void)state;
	assert_string_equal(out.told,
			    "missing: p:1:21: gone.example: no such name\n"
			    "again: p:1:34: busy.example: the resolver gives no answer for now\n"
			    "missing: p:2:12: lost.example: no such name\n");
	assert_string_equal(hosts(&p.groups[0]), "192.0.2.7");
	assert_int_equal(p.groups[0].n_missing, 2);
	assert_string_equal(p.groups[0].missing[0].name, "gone.example");
	assert_string_equal(p.groups[0].missing[0].why, "no such name");
	assert_string_equal(p.groups[0].missing[1].why, "the resolver gives no answer for now");
	assert_int_equal(p.groups[1].missing[0].line, 2);
	policy_free(&p);
}

/* --- what is wrong ------------------------------------------------------------------------ */

static void lines_that_begin_wrongly(void **state)
{
	(void)state;
	refuse_line("gruop db 192.0.2.8", "1: 'gruop' begins no line; did you mean 'group'?");
	refuse_line("Include \"x\"", "1: 'Include' begins no line; did you mean 'include'?");
	refuse_line("web 80 open", "1: a line begins with group, include, or a group's name and a "
				   "colon, as in web: 443 open");
	refuse_line("  \"web\": 80 open", "3: a line begins with group, include, or a group's name "
					  "and a colon, as in web: 443 open");
	refuse_line(": 80 open", "1: the name of a group is missing here");
	refuse_line("192.0.2.7: 80 open", "1: 192.0.2.7 is an address, where a group's name "
					  "belongs; write: group NAME 192.0.2.7");
	refuse_line("we+b: 80 open", "1: 'we+b': a group's name has letters, digits, '-', '_' and "
				     "'.' only");
	refuse_line("group: 80 open", "1: 'group' is a word of the language; name the group "
				      "otherwise");
}

static void groups_that_are_none(void **state)
{
	(void)state;
	refuse_line("group", "6: the name of a group is missing here");
	refuse_line("group include 192.0.2.8",
		    "7: 'include' is a word of the language; name the group otherwise");
	refuse_line("group db: 192.0.2.8",
		    "7: 'db:': a group's name has letters, digits, '-', '_' and '.' only");
	refuse_line("group 2001:db8::1 192.0.2.8",
		    "7: 2001:db8::1 is an address, where a group's name belongs; write: group NAME "
		    "2001:db8::1");
	refuse_line("group db # later", "10: which hosts? write: group db 192.0.2.10-20");
	refuse_line("group db \"192.0.2.8\"", "10: hosts are written without quotes");
	refuse_line("group db 192.0.2.8:443", "10: 192.0.2.8:443: a group holds hosts; its ports "
					      "go into a line such as db: 443 open");
	refuse("group db 10.0.300.1, 192.0.2.1/40 192.0.2.9\ndb: 80 open",
	       "p:1:10: 10.0.300.1: not an IPv4 address, which is four numbers from 0 to 255\n"
	       "p:1:22: 192.0.2.1/40: an IPv4 prefix has 0 to 32 bits\n");
	refuse_line("group x23456789-123456789-123456789-123456789-123456789-123456789-12345 ::1",
		    "7: 'x23456789-123456789-123456789-123456789-1234...': a group's name has at "
		    "most 64 octets");
}

static void ports_that_are_none(void **state)
{
	(void)state;
	refuse_line("web:", "5: ports are missing: numbers, ranges or names, as in 80,443");
	refuse_line("web: # none", "6: ports are missing: numbers, ranges or names, as in 80,443");
	refuse_line("web: open", "6: ports are missing in front of 'open': 80,443 open, or else "
				 "open for all others");
	refuse_line("web: 80,70000 open", "9: port 70000: ports go from 0 to 65535");
	refuse_line("web: 80, 90-70000 open", "10: port 90-70000: ports go from 0 to 65535");
	refuse_line("web: 80,90-81 open", "9: port 90-81: the range runs backwards");
	refuse_line("web: 80,htps open",
		    "9: port htps: no TCP service of that name is known; write its number");
	refuse_line("web: 80,, open", "9: port: a word of the port list is empty");
	refuse_line("web: 80,!80 open",
		    "6: port '80,!80': no ports left, every one of them is excluded");
	refuse_line("web: \"80\" open", "6: ports are written without quotes");
	refuse_line("web: esle closed",
		    "6: 'esle' is neither a port nor a service; did you mean 'else'?");
	refuse_line("web: listen_rst on 443",
		    "6: 'listen_rst' is neither a port nor a service; did you mean 'listen-rst'?");
	refuse_line("web: listen-rst 443", "17: behind listen-rst stand 'on' and its ports: "
					   "listen-rst on 443");
	refuse_line("web: listen-rst on",
		    "19: ports are missing: numbers, ranges or names, as in 80,443");
	refuse_line("web: else 1-70000 closed", "11: port 1-70000: ports go from 0 to 65535");
}

static void states_that_are_none(void **state)
{
	(void)state;
	refuse_line("web: 80", "8: what are they to be? such as open, closed or silent");
	refuse_line("web: else", "10: what are they to be? such as open, closed or silent");
	refuse_line("web: 80 clsoed", "9: 'clsoed' is no state; did you mean 'closed'?");
	refuse_line("web: else OPEN", "11: 'OPEN' is no state; did you mean 'open'?");
	refuse_line("web: 80 vanished",
		    "9: 'vanished' is no state: open, closed, rejected, filtered, silent, blocked, "
		    "not-open, suspect ...");
	refuse_line("web: 80 open or indeterminate",
		    "17: 'indeterminate' says that a measurement failed and can't be demanded; "
		    "demand a state, such as closed or silent");
	refuse_line("web: 80 not-probed", "9: 'not-probed' says that a measurement failed and "
					  "can't be demanded; demand a state, such as closed or "
					  "silent");
	refuse_line("web: 80 open or", "16: a word is missing behind 'or'");
	refuse_line("web: 80 open or open", "17: 'open' stands there already");
	refuse_line("web: 80 open closed", "14: 'or' joins states: open or closed");
	refuse_line("web: 80 closed,silent",
		    "9: 'closed,silent' is no state; 'or' joins several: closed or silent");
	refuse_line("web: 80 open or closed or rejected or filtered or unfiltered or suspect or "
		    "silent",
		    "76: at most 6 words can be joined by 'or'");
	refuse_line("web: 443 listen-rst",
		    "10: listen-rst stands in front of its ports: listen-rst on 443");
	refuse_line("web: 443 style rst", "10: a style is of a host, not of ports: style rst");
	refuse_line("web: 80 \"open\"", "9: what are they to be? such as open, closed or silent");
	refuse_line("web: style", "11: which style? such as rst or silent");
	refuse_line("web: style rts", "12: 'rts' is no style; did you mean 'rst'?");
	refuse_line("web: style weird", "12: 'weird' is no style: rst, silent, filtered, proxied, "
					"mixed or unknown");
}

static void attributes_that_are_none(void **state)
{
	(void)state;
	refuse_line("web: 80 open critcal", "14: 'critcal' is not known here; did you mean "
					    "'critical'?");
	refuse_line("web: 80 open please",
		    "14: 'please' is not known here; what may follow: within, critical, warning, "
		    "info, owner, until, note");
	refuse_line("web: 80 open \"shop\"", "14: a text in quotes belongs behind note or owner");
	refuse_line("web: 80 open info critical", "19: 'critical' behind 'info'; one of them is "
						  "enough");
	refuse_line("web: 80 open owner a owner b", "22: a second 'owner'; one is enough");
	refuse_line("web: 80 open note \"a\" note \"b\"", "23: a second 'note'; one is enough");
	refuse_line("web: 80 open within 1s within 2s", "24: a second 'within'; one is enough");
	refuse_line("web: 80 open until 2027-01-01 until 2027-01-02",
		    "31: a second 'until'; one is enough");
	refuse_line("web: 80 open owner",
		    "19: whose? write a word behind owner, or a text in quotes");
	refuse_line("web: 80 open note mail",
		    "19: note takes a text in quotes: note \"mail moves in March\"");
	refuse_line("web: 80 open note \"\"",
		    "19: note takes a text in quotes: note \"mail moves in March\"");
	refuse_line("web: 80 open until", "19: until takes a date, the last day: until 2027-03-31");
	refuse_line("web: 80 open until March",
		    "20: 'March' is no date; write year, month and day: 2027-03-31");
	refuse_line("web: 80 open until 2027-02-29",
		    "20: there is no day 2027-02-29; write the last day, such as 2027-03-31");
	refuse_line("web: 80 open within", "20: within takes a time with its unit: within 200ms");
	refuse_line("web: 80 open within 200", "21: within 200 needs a unit: 200ms or 200s");
	refuse_line("web: 80 open within soon", "21: within takes a time such as 200ms or 1.5s "
						"(us, ms, s, m; up to 60m), not 'soon'");
	refuse_line("web: 80 open within 0s", "21: within takes a time such as 200ms or 1.5s (us, "
					      "ms, s, m; up to 60m), not '0s'");
	refuse_line(
	    "web: 80 open within 0.9us",
	    "21: within takes a time such as 200ms or 1.5s (us, ms, s, m; up to 60m), not '0.9us'");
	refuse_line("web: 80 open within 61m", "21: within takes a time such as 200ms or 1.5s (us, "
					       "ms, s, m; up to 60m), not '61m'");
	refuse_line("web: 80 closed within 1s", "16: within limits the round trip of a SYN-ACK, so "
						"it belongs to open");
	refuse_line("web: style rst within 1s", "16: within limits the round trip of a SYN-ACK, so "
						"it belongs to open");
	refuse_line("web: listen-rst on 443 within 1s",
		    "24: within limits the round trip of a SYN-ACK, so it belongs to open");
}

static void texts_and_octets(void **state)
{
	static char longest[POLICY_LINE_MAX + 64];

	(void)state;
	refuse_line("web: 80 open note \"shop", "19: the quote that closes this text is missing");
	refuse_line("web: 80 open note\"shop\"", "18: a blank is missing in front of the quote");
	refuse_line("web: 80 open note \"shop\"info",
		    "25: a blank is missing behind the closing quote");
	refuse_line("web: 80 open note \"a\tb\"", "21: a tab within a text; write blanks");
	refuse_line("web: 80 open # \x1b[31m", "16: a control character, U+001B; delete it");
	refuse_line("web: 80 \r open", "9: a control character, U+000D; delete it");
	refuse_line("web: 80 open # \xe2\x80\xae", "16: a control character, U+202E; delete it");
	refuse_line("web: 80 open note \"\xe2\x81\xa6",
		    "20: a control character, U+2066; delete it");
	refuse_line("web: 80 open note \"\x7f\"", "20: a control character, U+007F; delete it");
	refuse_line("web: 80 open note \"é\xc2\x85\"",
		    "21: a control character, U+0085; delete it");
	refuse_line("web: 80 open note \"B\xfcro\"",
		    "21: octet 0xfc is no UTF-8; save the file as UTF-8");
	refuse_line("web: 80 open note \"\xc3\"",
		    "20: octet 0xc3 is no UTF-8; save the file as UTF-8");
	refuse_line("web: 80 open note \"\xed\xa0\x80\"",
		    "20: octet 0xed is no UTF-8; save the file as UTF-8");
	/* columns are characters, not octets */
	refuse_line(
	    "web: 80 open note \"Büro\" pls",
	    "26: 'pls' is not known here; what may follow: within, critical, warning, info, "
	    "owner, until, note");
	memset(longest, ' ', sizeof(longest) - 1);
	refuse(longest, "p:1:65537: the line has more than 65536 octets; make several of it\n");
	memcpy(longest, "group a ::1\na: 1 open\n", 22);
	longest[22 + POLICY_LINE_MAX] = '\0';
	refuse(longest + 12, "p:1:1: no group is called 'a'; define it: group a 192.0.2.10-20\n");
	memcpy(longest + 22, "#", 1);
	{
		struct policy p = parsed(longest);

		policy_free(&p);
	}
}

static void all_errors_are_told(void **state)
{
	char text[1024] = "", *s = text;
	size_t n = 0;
	struct policy p;

	(void)state;
	refuse("group web 192.0.2.7\nweb: 80 opn\n\nweb: 81 open within 3\ngrup x\nweb: 82 open\n",
	       "p:2:9: 'opn' is no state; did you mean 'open'?\n"
	       "p:4:21: within 3 needs a unit: 3ms or 3s\n"
	       "p:5:1: 'grup' begins no line; did you mean 'group'?\n");
	refuse("{\"type\":\"run\"}\n{\"type\":\"summary\"}\n",
	       "p:1:1: this is JSON, no policy; two results are compared by rstprobe diff\n");
	for (int i = 0; i < 50; i++)
		s += sprintf(s, "grup x\n");
	assert_int_equal(read_as(&p, "p", text), -1);
	for (s = out.told; (s = strchr(s, '\n')); s++)
		n++;
	assert_int_equal(n, 21);
	assert_non_null(strstr(out.told, "p:20:1: 'grup'"));
	assert_non_null(
	    strstr(out.told, "p:21:1: and more errors from here on; mend those above first\n"));
	policy_free(&p);
}

static void long_names_are_cut_in_front(void **state)
{
	char name[200];
	struct policy p;

	(void)state;
	memset(name, 'n', sizeof(name));
	strcpy(name + 190, "/a.policy");
	assert_int_equal(read_as(&p, name, "x"), -1);
	assert_int_equal(strncmp(out.told, "...nnn", 6), 0);
	assert_non_null(strstr(out.told, "n/a.policy:1:1: a line begins with"));
	policy_free(&p);
}

static void nobody_listens(void **state)
{
	struct policy_help deaf = {.targets = help.targets};
	struct policy p;

	(void)state;
	policy_init(&p);
	assert_int_equal(policy_read(&p, "p", "bad\ngroup a gone.example\na: 1 open", &deaf), -1);
	policy_free(&p);
}

/* --- what the end tells ------------------------------------------------------------------- */

static void groups_that_nobody_defined(void **state)
{
	(void)state;
	refuse("group web 192.0.2.7\nweb: 80 open\n wbe: 81 open\nwbe: 82 open\nmail: 25 open\n",
	       "p:3:2: no group is called 'wbe'; did you mean 'web'?\n"
	       "p:5:1: no group is called 'mail'; define it: group mail 192.0.2.10-20\n");
}

static void nothing_to_check(void **state)
{
	(void)state;
	refuse("", "p:1:1: nothing is demanded; add a line such as web: 443 open\n");
	refuse("# nothing\ngroup web 192.0.2.7\n",
	       "p:1:1: nothing is demanded; add a line such as web: 443 open\n");
}

static void contradictions(void **state)
{
	(void)state;
	refuse("group web 192.0.2.7\nweb: 80,443 open\nweb: 22 closed\nweb: 440-450 closed\n",
	       "p:4:6: port 443: 'closed' contradicts 'open' of p:2; drop one, or end one with "
	       "until\n");
	refuse("group web 192.0.2.7\nweb: 443 blocked\nweb: listen-rst on 443\n",
	       "p:3:6: port 443: 'listen-rst' contradicts 'blocked' of p:2; drop one, or end one "
	       "with until\n");
	refuse("group web 192.0.2.7\nweb: style rst\nweb: 1 open\nweb: style silent or filtered\n",
	       "p:4:6: the style: 'style silent or filtered' contradicts 'style rst' of p:2; drop "
	       "one, or end one with until\n");
	refuse("group web 192.0.2.7\nweb: else closed\nweb: else 80 open\n",
	       "p:3:6: port 80: 'open' contradicts 'closed' of p:2; drop one, or end one with "
	       "until\n");
	/* the culprit is the line that says the contrary, not the first of that port */
	refuse("group web 192.0.2.7\nweb: 80 not-open\nweb: 80 closed\nweb: 80 silent\n",
	       "p:4:6: port 80: 'silent' contradicts 'closed' of p:3; drop one, or end one with "
	       "until\n");
	/* no two of three */
	refuse("group web 192.0.2.7\nweb: 80 open or closed\nweb: 80 closed or silent\n"
	       "web: 80 silent or open\n",
	       "p:4:6: port 80: 'silent or open' contradicts 'open or closed' of p:2; drop one, or "
	       "end one with until\n");
}

static void what_is_no_contradiction(void **state)
{
	struct policy p =
	    parsed("group web 192.0.2.7\ngroup db 192.0.2.7\n"
		   "web: 80 open\nweb: 80 open within 20ms critical\nweb: listen-rst on 80\n"
		   "db: 80 closed\n" /* another group */
		   "web: else closed\nweb: else closed or silent\n"
		   "web: 25 open\nweb: 25 silent until 2027-03-01\n" /* an exception */
		   "web: else open until 2027-03-01\n"
		   "web: 22 closed or blocked\nweb: 22 silent\n");

	(void)state;
	assert_int_equal(p.n_lines, 11);
	policy_free(&p);
}

/* --- several files ------------------------------------------------------------------------ */

static void includes(void **state)
{
	struct policy p;

	(void)state;
	file("etc/common/hosts.policy", "group web 192.0.2.7\ninclude \"more.policy\"\n");
	file("etc/common/more.policy", "include \"/srv/all.policy\"\nweb: 22 closed\n");
	file("/srv/all.policy", "web: 23 closed\n");
	assert_int_equal(read_as(&p, "etc/main.policy",
				 "web: 80 open\ninclude \"common/hosts.policy\" # all\n"
				 "include \"./common/more.policy\"\nweb: 81 open\n"),
			 0);
	assert_string_equal(out.asked,
			    "etc/common/hosts.policy etc/common/more.policy /srv/all.policy");
	assert_int_equal(p.n_files, 4);
	assert_int_equal(p.n_lines, 4);
	assert_string_equal(show(&p, 0), "etc/main.policy:1 web: 80 open warning");
	assert_string_equal(show(&p, 1), "/srv/all.policy:1 web: 23 closed warning");
	assert_string_equal(show(&p, 2), "etc/common/more.policy:2 web: 22 closed warning");
	assert_string_equal(show(&p, 3), "etc/main.policy:4 web: 81 open warning");
	policy_free(&p);
}

static void two_files_are_one_policy(void **state)
{
	struct policy p;

	(void)state;
	policy_init(&p);
	assert_int_equal(policy_read(&p, "a", "group web 192.0.2.7\nweb: 80 open", &help), 0);
	assert_int_equal(policy_read(&p, "b", "group web 192.0.2.8\nweb: 80 closed", &help), 0);
	assert_int_equal(policy_read(&p, "a", "what was read already", &help), 0);
	assert_int_equal(policy_settle(&p, &help), -1);
	assert_string_equal(out.told, "b:2:6: port 80: 'closed' contradicts 'open' of a:2; drop "
				      "one, or end one with until\n");
	assert_int_equal(p.groups[0].targets.n, 2);
	policy_free(&p);
}

static void includes_that_fail(void **state)
{
	struct policy_help alone = help;
	struct policy p;

	(void)state;
	file("self", "include \"other\"\n");
	file("other", "web: 80 opn\ninclude \"./self\"\n");
	refuse_line("include other.policy",
		    "9: include takes a path in quotes: include \"other.policy\"");
	refuse_line("include \"\"", "9: include takes a path in quotes: include \"other.policy\"");
	refuse_line("include", "8: include takes a path in quotes: include \"other.policy\"");
	refuse_line("include \"a\" \"b\"",
		    "13: nothing may stand behind the path; give each include a line");
	refuse_line("include \".//\"", "9: .//: No such file or directory");
	refuse_line("include \"gone\"", "9: gone: No such file or directory");
	refuse("include \"p\"", "p:1:9: p includes itself; take out one of the includes\n");
	refuse("group web ::1\ninclude \"self\"",
	       "other:1:9: 'opn' is no state; did you mean 'open'?\n"
	       "other:2:9: self includes itself; take out one of the includes\n");
	alone.read = NULL;
	out.told[0] = '\0';
	policy_init(&p);
	assert_int_equal(policy_read(&p, "p", "include \"self\"", &alone), -1);
	assert_string_equal(out.told, "p:1:9: include is not allowed here\n");
	policy_free(&p);
}

/* As links to folders make them: each file by ever more names. */
static char *read_any(void *ctx, const char *path, struct err *e)
{
	static const char text[] = "include \"a/p\"\ninclude \"b/p\"\ninclude \"c/p\"\n";

	(void)path;
	(void)e;
	++*(unsigned *)ctx;
	return strdup(text);
}

static void includes_are_so_many(void **state)
{
	unsigned n = 0;
	const struct policy_help h = {.targets = help.targets, .read = read_any, .ctx = &n};
	struct policy p;

	(void)state;
	policy_init(&p);
	assert_int_equal(policy_read(&p, "p", "include \"a/p\"\ninclude \"b/p\"\n", &h), -1);
	assert_in_range(n, 100, 1000);
	policy_free(&p);
}

/* A reader that held each line against each other would sit here for many minutes. */
static void a_long_policy(void **state)
{
	enum { LINES = 200000, MOST = 40 };
	char *text = malloc((size_t)LINES * MOST), *at = text;
	struct policy p;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, "g%d: 80 open\n", i);
	policy_init(&p);
	out.told[0] = '\0';
	assert_int_equal(policy_read(&p, "p", text, &help), 0);
	assert_int_equal(policy_settle(&p, &help), -1);
	assert_int_equal(p.n_groups, LINES);
	policy_free(&p);
	at = text + sprintf(text, "group w ::1\n");
	for (int i = 0; i < LINES; i++)
		at +=
		    sprintf(at, "w: %d open%s\n", i % 60000 + 1, i % 2 ? "" : " until 2027-01-01");
	assert_int_equal(policy_read(&p, "p", text, &help), 0);
	assert_int_equal(policy_settle(&p, &help), 0);
	assert_false(policy_stands_aside(&p, &p.lines[1], 2, 0));
	policy_free(&p);
	at = text + sprintf(text, "group w ::1\n");
	for (int i = 0; i < 5000; i++)
		at += sprintf(at, "w: 1-65535 open\n");
	out.told[0] = '\0';
	assert_int_equal(policy_read(&p, "p", text, &help), 0);
	assert_int_equal(policy_settle(&p, &help), -1);
	assert_non_null(strstr(out.told, "p:4098:4: the lines up to here demand more than"));
	policy_free(&p);
	free(text);
}

static void includes_go_so_deep(void **state)
{
	static char names[20][8], texts[20][32];
	struct policy p;

	(void)state;
	for (int i = 0; i < 20; i++) {
		sprintf(names[i], "f%d", i);
		sprintf(texts[i], i < 19 ? "include \"f%d\"\n" : "# %d\n", i + 1);
		file(names[i], texts[i]);
	}
	refuse("include \"f0\"", "f15:1:9: includes within includes go 16 deep at most\n");
	assert_int_equal(read_as(&p, "p", "group w ::1\nw: 1 open\ninclude \"f4\""), 0);
	assert_int_equal(p.n_files, 17);
	policy_free(&p);
}

/* --- days --------------------------------------------------------------------------------- */

static void days(void **state)
{
	static const struct {
		const char *text;
		int32_t day;
	} rows[] = {{"1970-01-01", 0},	    {"1969-12-31", -1},	   {"2000-02-29", 11016},
		    {"2027-03-01", 20878},  {"2100-03-01", 47541}, {"0001-01-01", -719162},
		    {"9999-12-31", 2932896}};
	static const char *const none[] = {"2027-02-29",  "2100-02-29",
					   "2027-13-01",  "2027-00-10",
					   "2027-04-31",  "2027-04-00",
					   "0000-01-01",  "2027-4-1",
					   "2027/04/01",  "20270401",
					   "2027-04-01 ", "-027-04-01",
					   "2027-04-+1",  ""};
	char buf[12], again[12];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t day = 7;

		assert_int_equal(day_parse(rows[i].text, &day), 0);
		assert_int_equal(day, rows[i].day);
		assert_string_equal(day_text(day, buf), rows[i].text);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		int32_t day;

		if (day_parse(none[i], &day) != -1)
			fail_msg("%s is no day", none[i]);
	}
	assert_string_equal(day_text(DAY_NEVER, buf), "never");
	assert_string_equal(day_text(INT32_MIN, buf), "never");
	for (int32_t day = -719162; day <= 2932896; day++) {
		int32_t got = 0;

		if (day_parse(day_text(day, buf), &got) || got != day)
			fail_msg("%d is %s and %d", day, buf, got);
		if (day > -719162 && strcmp(again, buf) >= 0)
			fail_msg("%s follows %s", buf, again);
		memcpy(again, buf, sizeof(again));
	}
}

static void lines_end(void **state)
{
	struct policy_line l = {.until_day = 20878};

	(void)state;
	assert_true(policy_in_force(&l, 20877));
	assert_true(policy_in_force(&l, 20878)); /* its last day counts */
	assert_false(policy_in_force(&l, 20879));
	l.until_day = DAY_NEVER;
	assert_true(policy_in_force(&l, INT32_MAX));
}

static void exceptions_stand_in_for_what_they_contradict(void **state)
{
	struct policy p = parsed("group web 192.0.2.7\ngroup db 192.0.2.7\n"
				 "web: 20-30 closed\nweb: 25 open until 1970-01-10\n"
				 "web: 26 closed or silent until 1970-01-10\n" /* no contrary */
				 "web: style rst\nweb: style silent until 1970-01-10\n"
				 "web: else closed\nweb: else 7 open until 1970-01-10\n"
				 "db: 25 closed\nweb: listen-rst on 443\n"
				 "web: 443 closed until 1970-01-10\n");
	const struct policy_line *v = p.lines;

	(void)state;
	assert_true(policy_stands_aside(&p, &v[0], 25, 9));
	assert_false(policy_stands_aside(&p, &v[0], 25, 10));
	assert_false(policy_stands_aside(&p, &v[0], 24, 9));
	assert_false(policy_stands_aside(&p, &v[0], 26, 9));
	assert_false(policy_stands_aside(&p, &v[1], 25, 9));
	assert_true(policy_stands_aside(&p, &v[3], 0, 9));
	assert_false(policy_stands_aside(&p, &v[3], 0, 10));
	assert_true(policy_stands_aside(&p, &v[5], 7, 9));
	assert_false(policy_stands_aside(&p, &v[5], 25, 9));
	assert_false(policy_stands_aside(&p, &v[7], 25, 9)); /* another group */
	assert_true(policy_stands_aside(&p, &v[8], 443, 9));
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(every_demand, reset),
	    cmocka_unit_test_setup(else_without_ports_is_the_default_list, reset),
	    cmocka_unit_test_setup(attributes_in_any_order, reset),
	    cmocka_unit_test_setup(durations, reset),
	    cmocka_unit_test_setup(files_as_editors_write_them, reset),
	    cmocka_unit_test_setup(groups, reset),
	    cmocka_unit_test_setup(names_that_do_not_resolve, reset),
	    cmocka_unit_test_setup(lines_that_begin_wrongly, reset),
	    cmocka_unit_test_setup(groups_that_are_none, reset),
	    cmocka_unit_test_setup(ports_that_are_none, reset),
	    cmocka_unit_test_setup(states_that_are_none, reset),
	    cmocka_unit_test_setup(attributes_that_are_none, reset),
	    cmocka_unit_test_setup(texts_and_octets, reset),
	    cmocka_unit_test_setup(all_errors_are_told, reset),
	    cmocka_unit_test_setup(long_names_are_cut_in_front, reset),
	    cmocka_unit_test_setup(nobody_listens, reset),
	    cmocka_unit_test_setup(groups_that_nobody_defined, reset),
	    cmocka_unit_test_setup(nothing_to_check, reset),
	    cmocka_unit_test_setup(contradictions, reset),
	    cmocka_unit_test_setup(what_is_no_contradiction, reset),
	    cmocka_unit_test_setup(includes, reset),
	    cmocka_unit_test_setup(two_files_are_one_policy, reset),
	    cmocka_unit_test_setup(includes_that_fail, reset),
	    cmocka_unit_test_setup(includes_go_so_deep, reset),
	    cmocka_unit_test_setup(includes_are_so_many, reset),
	    cmocka_unit_test_setup(a_long_policy, reset),
	    cmocka_unit_test_setup(days, reset),
	    cmocka_unit_test_setup(lines_end, reset),
	    cmocka_unit_test_setup(exceptions_stand_in_for_what_they_contradict, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
