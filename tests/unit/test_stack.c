/* test_stack: the verdict on every live stack and behind every filter that was measured, and each
 * rule of the judge once where it holds and once where it must not. */
#include "unit.h"

#include "judge/origin.h"
#include "packet/segment.h"
#include "unit/stackfacts.h"

static struct stack_facts facts;
static struct stack_verdict verdict;

static void judge(void)
{
	stack_judge(&facts, &verdict);
}

static const struct cell_verdict *cell(enum tcp_state s, const char *form)
{
	int k = battery_find(s, form);

	assert_true(k >= 0);
	return &verdict.cells[k];
}

static bool has_clue(enum clue_id id)
{
	for (size_t i = 0; i < verdict.n_clues; i++)
		if (verdict.clues[i].id == id)
			return true;
	return false;
}

static const char *evidence(const char *what)
{
	for (size_t i = 0; i < verdict.n_evidence; i++)
		if (strcmp(verdict.evidence[i].what, what) == 0)
			return verdict.evidence[i].value;
	return "-";
}

#define ASSERT_UNTESTED(s, form, reason)                                                           \
	do {                                                                                       \
		assert_int_equal(cell(s, form)->conforms, CONFORMS_UNTESTED);                      \
		assert_int_equal(cell(s, form)->why, reason);                                      \
	} while (0)
#define ASSERT_DEVIATES(s, form, words)                                                            \
	do {                                                                                       \
		assert_int_equal(cell(s, form)->conforms, CONFORMS_NO);                            \
		assert_string_equal(cell(s, form)->how, words);                                    \
	} while (0)

/* --- live stacks ------------------------------------------------------------------------------ */

struct expected {
	const struct live *live;
	uint8_t family;
	enum reset_style style;
	enum stack_family is;
	enum firewall firewall;
	enum protection protection;
	bool like;
};

static void test_live_stacks(void **state)
{
	static const struct expected rows[] = {
	    {&live_linux, ADDR_V4, STYLE_RST, FAMILY_LINUX, FIREWALL_NONE, PROTECTION_FULL, false},
	    {&live_linux, ADDR_V6, STYLE_RST, FAMILY_LINUX, FIREWALL_NONE, PROTECTION_FULL, false},
	    {&live_lwip, ADDR_V4, STYLE_RST, FAMILY_EMBEDDED, FIREWALL_NONE, PROTECTION_FULL,
	     false},
	    {&live_lwip, ADDR_V6, STYLE_RST, FAMILY_EMBEDDED, FIREWALL_NONE, PROTECTION_FULL,
	     false},
	    {&live_lwipv6, ADDR_V4, STYLE_RST, FAMILY_EMBEDDED, FIREWALL_NONE, PROTECTION_PARTIAL,
	     false},
	    {&live_gvisor, ADDR_V4, STYLE_RST, FAMILY_EMBEDDED, FIREWALL_NONE, PROTECTION_PARTIAL,
	     false},
	    {&live_gvisor, ADDR_V6, STYLE_RST, FAMILY_LINUX, FIREWALL_NONE, PROTECTION_PARTIAL,
	     true},
	    {&live_slirp, ADDR_V4, STYLE_RST, FAMILY_OTHER, FIREWALL_NONE, PROTECTION_NONE, false},
	    {&live_pasta, ADDR_V4, STYLE_RST, FAMILY_OTHER, FIREWALL_STATEFUL_STRICT,
	     PROTECTION_UNKNOWN, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct expected *e = &rows[i];

		live_facts(e->live, e->family, &facts);
		judge();
		if (verdict.family != e->is || verdict.confidence != CONFIDENCE_HIGH)
			fail_msg("%s, IPv%u: %s %s", e->live->name, e->family,
				 family_name(verdict.family), confidence_name(verdict.confidence));
		assert_int_equal(verdict.style, e->style);
		assert_int_equal(verdict.firewall, e->firewall);
		assert_int_equal(verdict.origin, ORIGIN_ENDPOINT);
		assert_int_equal(verdict.rfc5961, e->protection);
		assert_int_equal(verdict.family_like, e->like);
		assert_false(verdict.suspect);
		assert_int_equal(verdict.n_cells, battery_count);
	}
}

/* Cell for cell, as the column marks it. */
static void test_live_cells(void **state)
{
	static const struct live *const all[] = {&live_linux,  &live_lwip,  &live_lwipv6,
						 &live_gvisor, &live_slirp, &live_pasta};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		live_facts(all[i], ADDR_V4, &facts);
		judge();
		for (size_t k = 0; k < battery_count; k++) {
			const struct cell_verdict *c = &verdict.cells[k];

			if (c->conforms != live_conforms(all[i], k))
				fail_msg("%s, %s, %s: %d (%s)", all[i]->name,
					 tcp_state_name(c->cell->state), c->cell->form->name,
					 c->conforms, c->how ? c->how : cell_why_text(c->why));
			assert_int_equal(c->conforms == CONFORMS_NO, c->how != NULL);
			assert_int_equal(c->conforms == CONFORMS_UNTESTED, c->why != WHY_NONE);
			assert_ptr_equal(c->x, &facts.cells[k]);
		}
	}
}

static void test_how(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	judge();
	ASSERT_DEVIATES(IN_LISTEN, "syn-fin", "dropped silently");
	ASSERT_DEVIATES(IN_SYN_RECEIVED, "syn-window", "resets it instead of dropping it");
	assert_true(has_clue(CLUE_LISTEN_RST));
	live_facts(&live_lwip, ADDR_V4, &facts);
	judge();
	ASSERT_DEVIATES(IN_LISTEN, "ack", "RST|ACK where a bare RST is asked for");
	ASSERT_DEVIATES(IN_CLOSED, "syn", "seq is our ack, not 0");
	ASSERT_DEVIATES(IN_ESTABLISHED, "data-no-ack", "accepts it");
	ASSERT_DEVIATES(IN_SYN_RECEIVED, "syn-window", "the connection stands");
	assert_true(has_clue(CLUE_RST_ACK_FORM));
	assert_false(has_clue(CLUE_LISTEN_RST));
	live_facts(&live_lwipv6, ADDR_V4, &facts);
	judge();
	ASSERT_DEVIATES(IN_LISTEN, "syn-rst", "answers a RST with a SYN-ACK");
	ASSERT_DEVIATES(IN_LISTEN, "rst-ack", "answers a RST");
	ASSERT_DEVIATES(IN_ESTABLISHED, "rst-window", "reset without a challenge");
	ASSERT_DEVIATES(IN_ESTABLISHED, "ack-unsent", "dropped silently");
	live_facts(&live_slirp, ADDR_V4, &facts);
	judge();
	ASSERT_DEVIATES(IN_CLOSED, "xmas", "the FIN is not counted");
	ASSERT_DEVIATES(IN_CLOSED, "syn-fin", "SYN and FIN are not both counted");
	ASSERT_DEVIATES(IN_CLOSED, "syn-data", "the data are not counted");
	ASSERT_DEVIATES(IN_LISTEN, "null", "resets it instead of dropping it");
	ASSERT_DEVIATES(IN_LISTEN, "syn-fin", "resets it");
	ASSERT_DEVIATES(IN_ESTABLISHED, "syn-window", "resets the connection");
	assert_true(has_clue(CLUE_RESETS_FIN));
	live_facts(&live_pasta, ADDR_V4, &facts);
	judge();
	ASSERT_DEVIATES(IN_CLOSED, "syn", "a bare RST where RST|ACK is asked for");
	ASSERT_UNTESTED(IN_CLOSED, "ack", WHY_STRAY_FILTERED);
}

/* The numbers count, not the token alone. */
static void test_numbers(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	live_set(&live_linux, &facts, IN_CLOSED, "null", "RA,x,n");
	live_set(&live_linux, &facts, IN_CLOSED, "psh", "RA,0,x");
	live_set(&live_linux, &facts, IN_CLOSED, "ack", "R,x,0");
	live_set(&live_linux, &facts, IN_CLOSED, "data", "R,a,x"); /* Windows, and legal */
	live_set(&live_linux, &facts, IN_LISTEN, "syn-ecn", "A");
	live_set(&live_linux, &facts, IN_LISTEN, "ack", "SA");
	facts.cells[battery_find(IN_LISTEN, "syn-bare")].fit = FIT_TUPLE;
	judge();
	ASSERT_DEVIATES(IN_CLOSED, "null", "seq is not 0");
	ASSERT_DEVIATES(IN_CLOSED, "psh", "ack is not SEG.SEQ + SEG.LEN");
	ASSERT_DEVIATES(IN_CLOSED, "ack", "seq is not our ack");
	assert_int_equal(cell(IN_CLOSED, "data")->conforms, CONFORMS_YES);
	ASSERT_DEVIATES(IN_LISTEN, "syn-ecn", "an ACK where nothing is connected");
	ASSERT_DEVIATES(IN_LISTEN, "ack", "accepts it");
	ASSERT_DEVIATES(IN_LISTEN, "syn-bare", "acknowledges another number");
}

static void test_evidence_of_linux(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	judge();
	assert_string_equal(evidence("ack_rst"), "R ack=0");
	assert_string_equal(evidence("null_open"), "silent");
	assert_string_equal(evidence("synfin_open"), "silent");
	assert_string_equal(evidence("fin_closed"), "ack=seq+1");
	assert_string_equal(evidence("syn_closed_seq"), "-");
	assert_string_equal(evidence("rst_win"), "-");
	assert_string_equal(evidence("ttl"), "64");
	assert_string_equal(evidence("df"), "YY");
	assert_string_equal(evidence("sa_ipid"), "0");
	assert_string_equal(evidence("sa_win"), "k*MSS");
	assert_string_equal(evidence("layout"), "MSTNW");
	live_facts(&live_linux, ADDR_V6, &facts);
	judge();
	assert_string_equal(evidence("df"), "-");
	assert_string_equal(evidence("sa_ipid"), "-");
	live_facts(&live_slirp, ADDR_V4, &facts);
	judge();
	assert_string_equal(evidence("ttl"), "mixed");
	assert_string_equal(evidence("rst_win"), "fixed");
	assert_string_equal(evidence("fin_closed"), "ack=seq");
	assert_string_equal(evidence("null_open"), "RST");
	live_facts(&live_pasta, ADDR_V4, &facts);
	judge();
	assert_string_equal(evidence("null_open"), "-"); /* its silence may be a filter's */
	assert_string_equal(evidence("fin_closed"), "-");
	assert_string_equal(evidence("syn_closed_seq"), "other");
}

static void test_windows_and_layouts(void **state)
{
	static const struct {
		uint16_t win, mss;
		const char *value;
	} wins[] = {
	    {16384, 1460, "16384"},    {65535, 1460, "65535"},	   {8192, 1460, "8192"},
	    {5840, 1460, "k*MSS"},     {65160, 1460, "k*MSS"},	   {64800, 1440, "k*MSS"},
	    {65483, 65495, "k*MSS"},   {14480, 1400, "k*MSS"},	   {28800, 1452, "k*MSS"},
	    {29184, 1460, "other"},    {0, 1460, "other"},	   {4128, 536, "other"},
	    {8192 * 2, 8192, "16384"}, {1400 * 10, 1400, "k*MSS"},
	};
	static const struct {
		const char *layout, *value;
	} layouts[] = {
	    {"MSTNW", "MSTNW"},
	    {"", "none"},
	    {"NNTMNWNNS", "TS first"},
	    {"TM", "TS first"},
	    {"MNWNNS", "MNWNNTNNS"},
	    {"MNWNNTNNS", "MNWNNTNNS"},
	    {"MWST", "other"},
	    {"NNM", "other"},
	    {"?", "-"},
	};

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	for (size_t i = 0; i < sizeof(wins) / sizeof(wins[0]); i++) {
		facts.cells[0].win = wins[i].win;
		facts.cells[0].mss = wins[i].mss;
		judge();
		assert_string_equal(evidence("sa_win"), wins[i].value);
	}
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		strcpy(facts.cells[0].layout, layouts[i].layout);
		judge();
		assert_string_equal(evidence("layout"), layouts[i].value);
	}
}

/* --- behind filters --------------------------------------------------------------------------- */

/* The closed ports answer so, to everything. */
static void closed_all(const struct live *l, const char *reply)
{
	live_hush(l, &facts, IN_CLOSED, reply);
	for (size_t i = 0; i < facts.n_ports; i++)
		if (facts.ports[i].canary)
			live_take(l, facts.family, battery[0].form, reply, &facts.ports[i].syn);
}

static void listen_only(const struct live *l, const char *const passing[], size_t n)
{
	for (size_t i = BATTERY_STRAY / 5; i < BATTERY_STRAY; i++) { /* behind the SYNs */
		bool passes = false;

		for (size_t k = 0; k < n; k++)
			passes = passes || strcmp(passing[k], stray_forms[i].name) == 0;
		if (!passes)
			live_set(l, &facts, IN_LISTEN, stray_forms[i].name, ".");
	}
}

static void test_filters(void **state)
{
	static const char *const loose[] = {"ack", "data"};

	(void)state;
	for (uint8_t family = ADDR_V4; family <= ADDR_V6; family += ADDR_V6 - ADDR_V4) {
		/* policy drop, dport 80 accept */
		live_facts(&live_linux, family, &facts);
		closed_all(&live_linux, ".");
		judge();
		assert_int_equal(verdict.style, STYLE_SILENT);
		assert_int_equal(verdict.firewall, FIREWALL_STATELESS);
		assert_int_equal(verdict.family, FAMILY_LINUX);
		assert_int_equal(verdict.confidence, CONFIDENCE_HIGH);
		assert_string_equal(evidence("null_open"), "silent");
		assert_string_equal(evidence("fin_closed"), "-");
		ASSERT_UNTESTED(IN_CLOSED, "syn", WHY_CLOSED_SILENT);
		ASSERT_UNTESTED(IN_CLOSED, "rst", WHY_CLOSED_SILENT);
		assert_int_equal(cell(IN_LISTEN, "null")->conforms, CONFORMS_YES);

		/* ct invalid drop, SYN-only new */
		live_facts(&live_linux, family, &facts);
		closed_all(&live_linux, ".");
		listen_only(&live_linux, NULL, 0);
		judge();
		assert_int_equal(verdict.style, STYLE_FILTERED);
		assert_int_equal(verdict.firewall, FIREWALL_STATEFUL_STRICT);
		assert_int_equal(verdict.family, FAMILY_LINUX);
		assert_int_equal(verdict.confidence, CONFIDENCE_HIGH);
		assert_string_equal(evidence("null_open"), "-");
		ASSERT_UNTESTED(IN_LISTEN, "ack", WHY_STRAY_FILTERED);
		ASSERT_UNTESTED(IN_LISTEN, "null", WHY_STRAY_FILTERED);
		ASSERT_UNTESTED(IN_LISTEN, "syn-fin", WHY_STRAY_FILTERED);
		ASSERT_UNTESTED(IN_LISTEN, "rst", WHY_STRAY_FILTERED);
		assert_true(has_clue(CLUE_STRAY_FILTERED));

		/* ct invalid drop, ct new: loose pickup */
		live_facts(&live_linux, family, &facts);
		closed_all(&live_linux, ".");
		listen_only(&live_linux, loose, 2);
		judge();
		assert_int_equal(verdict.style, STYLE_SILENT);
		assert_int_equal(verdict.firewall, FIREWALL_STATEFUL_LOOSE);
		assert_int_equal(verdict.family, FAMILY_LINUX);
		assert_false(verdict.synack_control);
		assert_string_equal(evidence("null_open"), "-");
		assert_string_equal(evidence("synfin_open"), "-");
		ASSERT_UNTESTED(IN_LISTEN, "null", WHY_SYNACK_FILTERED);
		ASSERT_UNTESTED(IN_LISTEN, "finack", WHY_SYNACK_FILTERED);
		ASSERT_UNTESTED(IN_LISTEN, "synack", WHY_SYNACK_FILTERED);
		assert_int_equal(cell(IN_LISTEN, "ack")->conforms, CONFORMS_YES);

		/* reject icmpx admin-prohibited */
		live_facts(&live_linux, family, &facts);
		closed_all(&live_linux, family == ADDR_V4 ? "I3/13" : "I1/1");
		judge();
		assert_int_equal(verdict.style, STYLE_FILTERED);
		assert_int_equal(verdict.firewall, FIREWALL_REJECTING);
		assert_int_equal(verdict.family, FAMILY_LINUX);
		assert_int_equal(verdict.confidence, CONFIDENCE_HIGH);
		assert_true(has_clue(CLUE_CLOSED_REJECTED));
		ASSERT_UNTESTED(IN_CLOSED, "syn", WHY_REJECTED);
	}
}

/* The tracker stands before ports that are closed by themselves. */
static void test_strict_with_resets(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	listen_only(&live_linux, NULL, 0);
	for (size_t i = BATTERY_STRAY / 5; i < BATTERY_STRAY; i++)
		live_set(&live_linux, &facts, IN_CLOSED, stray_forms[i].name, ".");
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
	assert_int_equal(verdict.firewall, FIREWALL_STATEFUL_STRICT);
	assert_int_equal(verdict.family, FAMILY_LINUX);
	ASSERT_UNTESTED(IN_CLOSED, "fin", WHY_STRAY_FILTERED);
	ASSERT_UNTESTED(IN_CLOSED, "rst", WHY_STRAY_FILTERED);
	assert_int_equal(cell(IN_CLOSED, "syn")->conforms, CONFORMS_YES);
	/* what a tracker may have eaten on a connection proves nothing; an answer does */
	live_set(&live_linux, &facts, IN_ESTABLISHED, "ack-unsent", ".");
	facts.cells[battery_find(IN_ESTABLISHED, "ack-unsent")].after = AFTER_ALIVE;
	judge();
	ASSERT_UNTESTED(IN_ESTABLISHED, "ack-unsent", WHY_STRAY_FILTERED);
	assert_int_equal(verdict.rfc5961, PROTECTION_FULL);
	live_set(&live_linux, &facts, IN_ESTABLISHED, "rst-window", ".");
	facts.cells[battery_find(IN_ESTABLISHED, "rst-window")].after = AFTER_ALIVE;
	judge();
	assert_int_equal(verdict.rfc5961, PROTECTION_UNKNOWN);
}

/* The open port has a filter of its own: SYN-ACKs reach the closed one. */
static void test_filter_of_one_port(void **state)
{
	static const char *const passing[] = {"ack", "data"};

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	listen_only(&live_linux, passing, 2);
	judge();
	assert_int_equal(verdict.firewall, FIREWALL_NONE);
	assert_string_equal(evidence("null_open"), "-");
	assert_string_equal(evidence("synfin_open"), "-");
	ASSERT_UNTESTED(IN_LISTEN, "null", WHY_SYNACK_FILTERED);
	assert_int_equal(cell(IN_CLOSED, "null")->conforms, CONFORMS_YES);
}

/* A RST from the router in front: as Linux sends it, one hop nearer. */
static void test_reject_on_a_router(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	for (size_t i = 0; i < BATTERY_STRAY; i++)
		facts.cells[battery_stray(IN_CLOSED, i)].ttl++;
	for (size_t i = 0; i < facts.n_ports; i++)
		facts.ports[i].syn.ttl += facts.ports[i].canary;
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
	assert_int_equal(verdict.origin, ORIGIN_MIDDLEBOX);
	assert_int_equal(verdict.differs, SIGN_DISTANCE);
	assert_int_equal(verdict.firewall, FIREWALL_REJECTING);
	assert_int_equal(verdict.family, FAMILY_LINUX);
	assert_string_equal(evidence("fin_closed"), "-"); /* the box's */
	assert_true(has_clue(CLUE_OTHER_DISTANCE));
}

/* Distance unseen, shape of another. */
static void test_reject_in_another_shape(void **state)
{
	(void)state;
	live_facts(&live_slirp, ADDR_V4, &facts);
	for (size_t i = 0; i < BATTERY_STRAY; i++)
		live_set(&live_linux, &facts, IN_CLOSED, stray_forms[i].name, live_linux.closed[i]);
	judge();
	assert_int_equal(verdict.origin, ORIGIN_MIDDLEBOX);
	assert_true(verdict.differs & SIGN_INITIAL_TTL);
	assert_int_equal(verdict.firewall, FIREWALL_REJECTING);
	assert_true(has_clue(CLUE_OTHER_SHAPE));
	assert_string_equal(evidence("rst_win"), "-");
}

static void test_synproxy(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	listen_only(&live_linux, NULL, 0);
	live_set(&live_linux, &facts, IN_LISTEN, "synack", "SA");
	facts.cells[0].win = facts.ports[0].syn.win = 0;
	judge(); /* one port only: the others are the host's own */
	assert_int_equal(verdict.style, STYLE_RST);
	assert_int_equal(verdict.firewall, FIREWALL_SYNPROXY);
	assert_int_equal(verdict.family, FAMILY_UNKNOWN);
	assert_true(verdict.suspect);
	assert_true(has_clue(CLUE_WINDOW_ZERO) && has_clue(CLUE_SYNACK_TO_SYNACK));
	ASSERT_UNTESTED(IN_LISTEN, "syn", WHY_PROXIED);
	ASSERT_UNTESTED(IN_ESTABLISHED, "rst-window", WHY_PROXIED);
	assert_int_equal(cell(IN_CLOSED, "syn")->conforms, CONFORMS_YES);

	for (size_t i = 0; i < facts.n_ports; i++)
		facts.ports[i].syn = facts.cells[0];
	live_hush(&live_linux, &facts, IN_CLOSED, ".");
	facts.has_closed = false;
	judge();
	assert_int_equal(verdict.style, STYLE_PROXIED);
	assert_int_equal(verdict.firewall, FIREWALL_SYNPROXY);
	assert_int_equal(verdict.family, FAMILY_UNKNOWN);
	assert_int_equal(verdict.n_evidence, 0);
	assert_true(has_clue(CLUE_CANARIES_OPEN) && has_clue(CLUE_NO_CLOSED_PORT));
}

/* Accepts all, and has no sign of a proxy. */
static void test_tarpit(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	for (size_t i = 0; i < facts.n_ports; i++)
		facts.ports[i].syn = facts.cells[0];
	judge();
	assert_int_equal(verdict.style, STYLE_PROXIED);
	assert_int_equal(verdict.firewall, FIREWALL_UNKNOWN);
	assert_int_equal(verdict.family, FAMILY_UNKNOWN);
	assert_true(verdict.suspect);
	/* one canary that doesn't accept, and it's a host with many services */
	live_take(&live_linux, ADDR_V4, battery[0].form, "RA,0,n", &facts.ports[1].syn);
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
	assert_false(verdict.suspect);
}

/* --- Windows, and silence --------------------------------------------------------------------- */

static const struct live_talk no_talks[] = {{0}};

/* From what others recorded, not measured. */
static const struct live windows = {
    "Windows 10",
    {8192, 77, 128, true},
    {0, 78, 128, true},
    "MNWST",
    {"SA",	"SA",	   "SA",      "SA",	 "R,a,x",   "R,a,x",   "R,a,x",
     "R,a,x",	"!RA,0,n", "!RA,0,n", "!RA,0,n", "!RA,0,n", "!RA,0,n", "!RA,0,n",
     "!RA,0,n", "!RA,0,n", ".",	      ".",	 ".",	    "."},
    {"RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", "R,a,x",  "R,a,x",	 "R,a,x",
     "R,a,x",  "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n", "RA,0,n",
     "RA,0,n", "RA,0,n", ".",	   ".",	     ".",      "."},
    no_talks,
};

static void test_windows(void **state)
{
	(void)state;
	for (uint8_t family = ADDR_V4; family <= ADDR_V6; family += ADDR_V6 - ADDR_V4) {
		live_facts(&windows, family, &facts);
		judge();
		assert_int_equal(verdict.family, FAMILY_WINDOWS);
		assert_int_equal(verdict.confidence, CONFIDENCE_HIGH);
		assert_int_equal(verdict.style, STYLE_RST);
		assert_int_equal(verdict.firewall, FIREWALL_NONE);
		assert_string_equal(evidence("ack_rst"), "R ack!=0");
		assert_int_equal(cell(IN_CLOSED, "ack")->conforms, CONFORMS_YES); /* legal */

		closed_all(&windows, ".");
		judge();
		assert_int_equal(verdict.family, FAMILY_WINDOWS);
		assert_int_equal(verdict.confidence, CONFIDENCE_HIGH);
		assert_int_equal(verdict.style, STYLE_SILENT);
		assert_int_equal(verdict.firewall, FIREWALL_STEALTH);
	}
}

static void silence_everywhere(void)
{
	live_facts(&windows, ADDR_V4, &facts);
	closed_all(&windows, ".");
	live_hush(&windows, &facts, IN_LISTEN, ".");
	facts.has_open = false;
	facts.ports[0].syn = facts.ports[1].syn;
}

/* iPXE, an EDK2 shell, a host that isn't there. */
static void test_nothing_comes_back(void **state)
{
	(void)state;
	silence_everywhere();
	judge();
	assert_int_equal(verdict.style, STYLE_FILTERED);
	assert_int_equal(verdict.firewall, FIREWALL_UNKNOWN);
	assert_int_equal(verdict.family, FAMILY_UNKNOWN);
	assert_int_equal(verdict.origin, ORIGIN_UNKNOWN);
	assert_int_equal(verdict.n_evidence, 0);
	assert_true(has_clue(CLUE_NO_ANSWER));
	/* not asked is not silent */
	for (size_t i = 0; i < facts.n_ports; i++)
		facts.ports[i].syn = (struct exchange){0};
	judge();
	assert_int_equal(verdict.style, STYLE_UNKNOWN);
	/* asked once, and nothing came: too little */
	for (size_t i = 0; i < facts.n_ports; i++)
		facts.ports[i].syn.tries = 1;
	judge();
	assert_int_equal(verdict.style, STYLE_UNKNOWN);
}

static void test_unreachable(void **state)
{
	(void)state;
	silence_everywhere();
	for (size_t i = 0; i < facts.n_ports; i++)
		live_take(&windows, ADDR_V4, battery[0].form, "I3/1", &facts.ports[i].syn);
	judge();
	assert_int_equal(verdict.firewall, FIREWALL_UNKNOWN);
	assert_int_equal(verdict.family, FAMILY_UNKNOWN);
}

/* Windows is never concluded from silence: only a RST's own numbers say so. */
static void test_silence_is_not_windows(void **state)
{
	(void)state;
	live_facts(&windows, ADDR_V4, &facts);
	closed_all(&windows, ".");
	live_hush(&windows, &facts, IN_LISTEN, ".");
	live_set(&windows, &facts, IN_LISTEN, "syn", "SA");
	facts.cells[0].ttl = 61;
	strcpy(facts.cells[0].layout, "MSTNW");
	facts.cells[0].win = 29200;
	facts.ports[0].syn = facts.cells[0];
	judge();
	assert_int_equal(verdict.style, STYLE_FILTERED);
	assert_int_not_equal(verdict.family, FAMILY_WINDOWS);
	assert_int_equal(verdict.firewall, FIREWALL_STATEFUL_STRICT);
}

/* --- only closed ports ------------------------------------------------------------------------ */

static void only_resets(const struct live *l)
{
	live_facts(l, ADDR_V4, &facts);
	live_hush(l, &facts, IN_LISTEN, ".");
	for (size_t k = 0; k < battery_count; k++)
		if (battery[k].state != IN_CLOSED)
			facts.cells[k] = (struct exchange){0};
	facts.has_open = false;
	facts.ports[0].syn = facts.ports[1].syn;
}

static void test_only_resets(void **state)
{
	static const struct {
		const struct live *live;
		enum stack_family is;
	} rows[] = {
	    {&live_linux, FAMILY_LINUX}, {&windows, FAMILY_WINDOWS}, {&live_lwip, FAMILY_EMBEDDED}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		only_resets(rows[i].live);
		judge();
		assert_int_equal(verdict.family, rows[i].is);
		assert_int_equal(verdict.style, STYLE_RST);
		assert_int_equal(verdict.firewall, FIREWALL_NONE);
		assert_true(has_clue(CLUE_NO_OPEN_PORT));
		ASSERT_UNTESTED(IN_LISTEN, "syn", WHY_NO_OPEN_PORT);
	}
	/* Solaris, or Linux behind a filter: the FIN gets no answer */
	only_resets(&live_linux);
	live_set(&live_linux, &facts, IN_CLOSED, "xmas", ".");
	live_set(&live_linux, &facts, IN_CLOSED, "fin", ".");
	judge();
	assert_int_equal(verdict.family, FAMILY_LINUX);
	assert_int_equal(verdict.confidence, CONFIDENCE_LOW);
	/* only SYNs pass */
	only_resets(&live_linux);
	for (size_t i = BATTERY_STRAY / 5; i < BATTERY_STRAY; i++)
		live_set(&live_linux, &facts, IN_CLOSED, stray_forms[i].name, ".");
	judge();
	assert_int_equal(verdict.family, FAMILY_LINUX);
	assert_int_equal(verdict.confidence, CONFIDENCE_LOW);
	assert_int_equal(verdict.firewall, FIREWALL_STATEFUL_STRICT);
}

/* --- loss, limits, ends ----------------------------------------------------------------------- */

static void test_mixed(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	live_take(&live_linux, ADDR_V4, battery[0].form, ".", &facts.ports[3].syn);
	judge();
	assert_int_equal(verdict.style, STYLE_MIXED);
	/* one fifth of all was lost: so may that have been */
	facts.rst_cells = facts.other_cells = 20;
	facts.rst_retried = facts.other_retried = 5;
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
	/* but not all of nine tries */
	facts.ports[3].syn.tries = 9;
	judge();
	assert_int_equal(verdict.style, STYLE_MIXED);
	facts.ports[3].syn.tries = 2;
	facts.rst_retried = facts.other_retried = 0;
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
}

/* What our capture may have lost is held against nobody; what was heard is. */
static void test_deaf(void **state)
{
	const struct cell_verdict *c = verdict.cells;

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	facts.deaf = true;
	judge();
	ASSERT_DEVIATES(IN_SYN_RECEIVED, "syn-window", "resets it instead of dropping it");
	while (c->cell->state != IN_LISTEN || strcmp(c->cell->form->name, "syn-fin") != 0)
		c++;
	assert_int_equal(c->conforms, CONFORMS_UNTESTED);
	assert_int_equal(c->why, WHY_NOT_HEARD);
	assert_null(c->how);
}

static void test_reset_limit(void **state)
{
	static const struct {
		unsigned rst, rst_again, other, other_again;
		bool limited;
	} rows[] = {
	    {24, 8, 10, 2, true}, {24, 7, 10, 2, false}, {24, 8, 10, 3, false},
	    {7, 7, 10, 2, false}, {24, 3, 10, 0, true},	 {24, 2, 10, 0, false},
	    {24, 3, 4, 0, false},
	};

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		facts.rst_cells = rows[i].rst;
		facts.rst_retried = rows[i].rst_again;
		facts.other_cells = rows[i].other;
		facts.other_retried = rows[i].other_again;
		judge();
		assert_int_equal(verdict.reset_limited, rows[i].limited);
		assert_int_equal(has_clue(CLUE_RESET_LIMIT), rows[i].limited);
	}
	/* a limited host's silent port is the limiter's */
	facts.rst_cells = 24;
	facts.rst_retried = 3;
	facts.other_cells = 10;
	live_take(&live_linux, ADDR_V4, battery[0].form, ".", &facts.ports[3].syn);
	judge();
	assert_int_equal(verdict.style, STYLE_RST);
	facts.rst_retried = 2;
	judge();
	assert_int_equal(verdict.style, STYLE_MIXED);
}

/* It died while LISTEN's bare segments were asked. */
static void test_stopped(void **state)
{
	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	facts.stopped = true;
	facts.stopped_ns = 5000;
	for (size_t k = 0; k < battery_count; k++)
		if (!exchange_answered(&facts.cells[k]))
			facts.cells[k].asked_ns = 6000;
	live_set(&live_linux, &facts, IN_CLOSED, "xmas", ".");
	facts.cells[battery_find(IN_CLOSED, "xmas")].asked_ns = 6000;
	facts.ports[3].syn = facts.cells[battery_find(IN_CLOSED, "xmas")];
	judge();
	ASSERT_UNTESTED(IN_LISTEN, "null", WHY_STOPPED);
	ASSERT_UNTESTED(IN_CLOSED, "xmas", WHY_STOPPED);
	assert_int_equal(cell(IN_LISTEN, "ack")->conforms, CONFORMS_YES);
	assert_int_equal(verdict.style, STYLE_RST); /* not mixed */
	assert_string_equal(evidence("null_open"), "-");
	assert_string_equal(evidence("fin_closed"), "ack=seq+1"); /* of the FIN alone */
	assert_true(has_clue(CLUE_STOPPED));
	/* silence from before it died stands */
	facts.cells[battery_find(IN_LISTEN, "null")].asked_ns = 4000;
	judge();
	assert_int_equal(cell(IN_LISTEN, "null")->conforms, CONFORMS_YES);
}

static void test_cut_short(void **state)
{
	int k = battery_find(IN_LISTEN, "null");

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	facts.complete = false;
	facts.cells[k].tries = 1;
	facts.cells[k + 1] = (struct exchange){0};
	judge();
	ASSERT_UNTESTED(IN_LISTEN, "null", WHY_NOT_REACHED);
	ASSERT_UNTESTED(IN_LISTEN, "null-data", WHY_NOT_REACHED);
	facts.why[k] = WHY_NO_CONNECTION; /* who asked knows best */
	judge();
	ASSERT_UNTESTED(IN_LISTEN, "null", WHY_NO_CONNECTION);
}

/* What a connection says of itself is no answer to the segment beside it. */
static void test_on_connections(void **state)
{
	int k = battery_find(IN_ESTABLISHED, "rst-outside"), again, data;

	(void)state;
	live_facts(&live_linux, ADDR_V4, &facts);
	live_take(&live_linux, ADDR_V4, battery[k].form, "A", &facts.cells[k]);
	facts.cells[k].reaction = REACTION_DATA; /* a banner */
	facts.cells[k].after = AFTER_ALIVE;
	again = battery_find(IN_SYN_RECEIVED, "rst-outside");
	live_take(&live_linux, ADDR_V4, battery[again].form, "SA", &facts.cells[again]);
	facts.cells[again].fit = FIT_TUPLE; /* the first one's SYN-ACK once more */
	facts.cells[again].after = AFTER_ALIVE;
	data = battery_find(IN_ESTABLISHED, "data-old-ack");
	facts.cells[data].ack = facts.cells[data].sent.seq + facts.cells[data].sent.len;
	judge();
	assert_int_equal(cell(IN_ESTABLISHED, "rst-outside")->conforms, CONFORMS_YES);
	assert_int_equal(cell(IN_SYN_RECEIVED, "rst-outside")->conforms, CONFORMS_YES);
	ASSERT_DEVIATES(IN_ESTABLISHED, "data-old-ack", "accepts it"); /* its ack says so */

	/* silent, and nobody knows what became of it */
	facts.cells[k] = (struct exchange){.tries = 3};
	judge();
	ASSERT_UNTESTED(IN_ESTABLISHED, "rst-outside", WHY_NO_LIVE_ANSWER);
	/* RFC 1337 or RFC 9293: both are right */
	k = battery_find(IN_TIME_WAIT, "rst-exact");
	facts.cells[k].after = AFTER_ALIVE;
	judge();
	assert_int_equal(cell(IN_TIME_WAIT, "rst-exact")->conforms, CONFORMS_YES);
	/* CLOSE-WAIT speaks where ESTABLISHED can't */
	live_facts(&live_linux, ADDR_V4, &facts);
	facts.cells[battery_find(IN_ESTABLISHED, "rst-window")] = (struct exchange){.tries = 3};
	judge();
	assert_int_equal(verdict.rfc5961, PROTECTION_UNKNOWN);
	facts.cells[battery_find(IN_CLOSE_WAIT, "rst-window")].after = AFTER_GONE;
	facts.cells[battery_find(IN_CLOSE_WAIT, "syn-window")].after = AFTER_GONE;
	facts.why[battery_find(IN_CLOSE_WAIT, "rst-window")] = WHY_NONE;
	facts.why[battery_find(IN_CLOSE_WAIT, "syn-window")] = WHY_NONE;
	judge();
	assert_int_equal(verdict.rfc5961, PROTECTION_NONE);
}

static void test_names(void **state)
{
	(void)state;
	for (int a = 0; a < FIREWALLS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(firewall_name((enum firewall)a),
						firewall_name((enum firewall)b));
	for (int a = WHY_NONE + 1; a < CELL_WHYS; a++)
		assert_true(strlen(cell_why_text((enum cell_why)a)) > 10);
	assert_string_equal(firewall_name(FIREWALL_STATEFUL_STRICT), "stateful-strict");
	assert_string_equal(style_name(STYLE_SILENT), "silent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_live_stacks),
	    cmocka_unit_test(test_live_cells),
	    cmocka_unit_test(test_how),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_evidence_of_linux),
	    cmocka_unit_test(test_windows_and_layouts),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_strict_with_resets),
	    cmocka_unit_test(test_filter_of_one_port),
	    cmocka_unit_test(test_reject_on_a_router),
	    cmocka_unit_test(test_reject_in_another_shape),
	    cmocka_unit_test(test_synproxy),
	    cmocka_unit_test(test_tarpit),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_nothing_comes_back),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_silence_is_not_windows),
	    cmocka_unit_test(test_only_resets),
	    cmocka_unit_test(test_mixed),
	    cmocka_unit_test(test_deaf),
	    cmocka_unit_test(test_reset_limit),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_cut_short),
	    cmocka_unit_test(test_on_connections),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
