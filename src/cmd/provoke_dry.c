/* provoke_dry: reads the lists of steps that the stage plays, so that both say the same. */
#include "cmd/provoke_dry.h"

#include "engine/stage.h"
#include "packet/notation.h"

#define NS_PER_MS UINT64_C(1000000)

static void put_time(struct text *t, uint64_t ms)
{
	if (ms % 1000)
		text_putf(t, "%llu ms", (unsigned long long)ms);
	else if (ms < 120000)
		text_putf(t, "%llu s", (unsigned long long)ms / 1000);
	else
		text_putf(t, "%llu min", (unsigned long long)ms / 60000);
}

static void put_wait(struct text *t, const struct scan_options *o, const struct act *a)
{
	const struct scenario_info *info = &scenario_infos[o->scenario];

	if (a->wait_ms == ACT_HOLD && scenes[o->scenario].rounds)
		text_putf(t, "the time it is to rest");
	else if (a->wait_ms == ACT_HOLD)
		put_time(t, o->hold_ns ? o->hold_ns / NS_PER_MS : info->hold_ms);
	else
		put_time(t, a->wait_ms ? a->wait_ms : o->timeout_ns / NS_PER_MS);
}

enum { SEES_ANSWER = SEES_SYN_ACK | SEES_ACK | SEES_DATA | SEES_FIN | SEES_RST | SEES_ICMP };

static void put_seen(struct text *t, uint32_t bits)
{
	static const char *const words[] = {"another SYN-ACK",
					    "an ACK",
					    "data",
					    "a FIN",
					    "a RST",
					    "an ICMP error",
					    "that all is acknowledged",
					    "silence",
					    "that the service stops reading"};
	const char *between = "";

	if ((bits & SEES_ANSWER) == SEES_ANSWER) {
		text_putf(t, "any answer");
		between = " or ";
		bits &= ~(uint32_t)SEES_ANSWER;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(bits >> i & 1))
			continue;
		text_putf(t, "%s%s", between, words[i]);
		between = " or ";
	}
}

static void put_octets(struct text *t, unsigned long long n)
{
	text_putf(t, "write %llu octet%s", n, n == 1 ? "" : "s");
}

static void put_write(struct text *t, const struct scan_options *o, const struct act *a,
		      const struct request *q)
{
	if (a->arg)
		put_octets(t, a->arg);
	else if (q->head_len + q->body)
		put_octets(t, q->head_len + q->body);
	else if (scenario_infos[o->scenario].quiet)
		text_putf(t, "write a line of text");
	else
		text_putf(t, "write nothing, as no payload is given");
}

static void put_send(struct text *t, const struct act *a)
{
	text_putf(t, "send %s (", a->form->name);
	notation_put_flags(t, a->form->flags);
	if (a->form->payload_len)
		text_putf(t, " +%u", a->form->payload_len);
	text_putf(t, ") past the kernel");
	if (a->tries > 1)
		text_putf(t, ", up to %u times", a->tries);
}

static void put_read(struct text *t, const struct act *a)
{
	text_putf(t, "read until the end");
	if (a->arg)
		text_putf(t, ", %lu octets a second", (unsigned long)a->arg);
	text_putf(t, ", for at most ");
}

static const char *plain_word(const struct act *a)
{
	switch (a->op) {
	case ACT_CONNECT: return "connect";
	case ACT_RAW_CONNECT: return "connect past the kernel: SYN, and the ACK to the SYN-ACK";
	case ACT_RAW_SYN: return "send a SYN and nothing more, past the kernel";
	case ACT_LIVE: return "ask for a sign of life: one old octet";
	case ACT_ANSWER: return a->arg ? "acknowledge what comes" : "go dumb: no ACK any more";
	case ACT_SHUTDOWN: return "shut down: FIN";
	case ACT_CLOSE: return "close";
	case ACT_ABORT: return "abort: RST";
	default: return NULL;
	}
}

static void put_act(struct text *t, const struct scan_options *o, const struct act *a,
		    const struct request *q)
{
	const char *word = plain_word(a);

	if (word)
		text_putf(t, "%s", word);
	else if (a->op == ACT_SEND)
		put_send(t, a);
	else if (a->op == ACT_WRITE)
		put_write(t, o, a, q);
	else if (a->op == ACT_READ)
		put_read(t, a);
	else if (a->op == ACT_AWAIT)
		text_putf(t, "wait for ");
	else
		text_putf(t, "rest for ");
	if (a->op == ACT_AWAIT) {
		put_seen(t, a->until);
		text_putf(t, ", at most ");
	}
	if (a->op == ACT_READ || a->op == ACT_AWAIT || a->op == ACT_REST)
		put_wait(t, o, a);
	if (a->op == ACT_REST && a->until) {
		text_putf(t, ", or until ");
		put_seen(t, a->until);
	}
}

static void put_jumps(struct text *t, const struct act *a, const struct act *all)
{
	for (size_t i = 0; i < ACT_JUMPS; i++) {
		if (!a->jump[i].on)
			continue;
		text_putf(t, "; at ");
		put_seen(t, a->jump[i].on);
		if (all[a->jump[i].to].op == ACT_END)
			text_putf(t, " end");
		else
			text_putf(t, " go on with %u", a->jump[i].to + 1U);
	}
}

void provoke_dry(FILE *f, const struct scan_options *o, const struct aim *aim,
		 const struct request *q)
{
	const struct scenario_info *info = &scenario_infos[o->scenario];
	const struct scene *scene = &scenes[o->scenario];
	char word[ADDR_TEXT], line[400];

	snprintf(line, sizeof(line), "%s: %s", info->name, info->does);
	option_put_wrapped(f, line, 0, 80);
	fprintf(f, "With %s port %u, step by step:\n", addr_format(&aim->addr, word), aim->port);
	for (size_t i = 0; scene->acts[i].op != ACT_END; i++) {
		const struct act *a = &scene->acts[i];
		struct text t = text_of(line, sizeof(line));

		put_act(&t, o, a, q);
		put_jumps(&t, a, scene->acts);
		fprintf(f, "%3zu  ", i + 1);
		if (scene->lines > 1)
			fprintf(f, "connection %u: ", a->line + 1U);
		fprintf(f, "%s\n", line);
	}
	if (scene->rounds)
		fprintf(f, "     side by side, each with a rest twice as long as the one before, "
			   "then in between\n");
}
