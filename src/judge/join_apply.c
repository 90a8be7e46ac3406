/*
 * join_apply: what a finding becomes when the other end's capture is heard, too. It refuses to
 * weigh segments (join_match did); it knows which causes a third party's RST can have.
 */
#include <string.h>

#include "judge/join.h"

#define MISSING "the capture at its sender's end does not have it"
#define ROW(c, s)                                                                                  \
	{                                                                                          \
		.id = (c), .sure = (s), .because = MISSING                                         \
	}

/* The rule that decides, by cause and by whether the other capture proves it. */
static const struct cause_row rows[][2] = {
    {ROW(CAUSE_FIREWALL_REJECT, SURE_LIKELY), ROW(CAUSE_FIREWALL_REJECT, SURE_CERTAIN)},
    {ROW(CAUSE_MIDDLEBOX_IDLE, SURE_LIKELY), ROW(CAUSE_MIDDLEBOX_IDLE, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_SYN, SURE_LIKELY), ROW(CAUSE_INJECTED_SYN, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_RACE, SURE_LIKELY), ROW(CAUSE_INJECTED_RACE, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_MULTI, SURE_LIKELY), ROW(CAUSE_INJECTED_MULTI, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_LATE, SURE_LIKELY), ROW(CAUSE_INJECTED_LATE, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_ACK, SURE_LIKELY), ROW(CAUSE_INJECTED_ACK, SURE_CERTAIN)},
    {ROW(CAUSE_INJECTED_BLIND, SURE_LIKELY), ROW(CAUSE_INJECTED_BLIND, SURE_CERTAIN)},
};

static const struct cause_row *row_of(enum cause c, bool certain)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i][0].id == c)
			return &rows[i][certain];
	return NULL;
}

/* In the form of an answer; provoked by nothing after silence; else it raced the endpoint. */
static enum cause third_party(const struct finding *f)
{
	const struct facts *k = &f->facts;

	if (f->cause >= CAUSE_INJECTED_SYN && f->cause <= CAUSE_INJECTED_BLIND)
		return f->cause;
	if (fact_has(k, T_FOUND) && (fact_has(k, T_SYN) || !fact_has(k, R_ACK)))
		return CAUSE_FIREWALL_REJECT;
	if (!fact_has(k, T_FOUND) && fact_has(k, QUIET))
		return CAUSE_MIDDLEBOX_IDLE;
	return CAUSE_INJECTED_RACE;
}

/* The newest goes before what else was seen, which may fill the room. */
static void put_first(struct finding *f, enum clue_id id, uint32_t a, uint32_t b, uint32_t frame)
{
	size_t keep = f->n_clues < FINDING_CLUES ? f->n_clues : FINDING_CLUES - 1;

	memmove(f->clues + 1, f->clues, keep * sizeof(f->clues[0]));
	f->clues[0] = (struct clue){.id = id, .a = a, .b = b, .frame = frame};
	f->n_clues = (uint8_t)(keep + 1);
}

/* One frame may be missing from a capture for other reasons: a second sign must agree. */
static bool contradicts(const struct facts *k)
{
	return fact_has(k, FOREIGN) || fact_has(k, C_GOES_ON) || fact_has(k, C_HOPS) ||
	       fact_has(k, C_FAST) || fact_has(k, C_IP_ID);
}

static void blame_the_path(const struct joined *t, struct finding *f)
{
	const struct facts *k = &f->facts;
	const struct cause_row *row = row_of(third_party(f), t->certain && contradicts(k));
	const struct cause_info *info = &cause_infos[row->id];
	enum cause was = f->cause;

	put_first(f, CLUE_NEVER_SENT, 0, 0, 0);
	/* it has what only its socket knows: the capture missed it */
	if (fact_has(k, GENUINE) && !contradicts(k)) {
		f->sure = SURE_POSSIBLE;
		return;
	}
	f->origin = ORIGIN_MIDDLEBOX;
	/* how a frame is formed or copied is so whoever sent it */
	if (f->cause == CAUSE_DUP_FRAME || f->cause == CAUSE_MALFORMED)
		return;
	f->row = row;
	f->cause = row->id;
	f->sure = row->sure;
	memcpy(f->also, row->also, sizeof(f->also));
	if (f->sure != SURE_CERTAIN && was != f->cause)
		f->also[0] = was;
	if (!f->root) /* one that follows another weighs nothing more */
		f->severity = info->severity;
	/* what Y's application sees is so whoever sent it; X's has no part in it */
	if (f->sees_at_sender)
		memcpy(f->sees, info->sees, sizeof(f->sees));
	f->sees_at_sender = false;
}

/* The receiver knows nothing of it. */
static void never_arrived(struct finding *f)
{
	put_first(f, CLUE_NEVER_ARRIVED, 0, 0, 0);
	f->outcome = OUTCOME_UNKNOWN;
	if (!f->sees_at_sender)
		memcpy(f->sees, (enum app_result[APP_SEES_MAX]){APP_NONE}, sizeof(f->sees));
}

void join_apply(const struct joined *t, struct finding *f)
{
	if (!t->known)
		return;
	if (t->lost_from_x || t->lost_from_y)
		put_first(f, CLUE_SEGMENTS_LOST, t->lost_from_x, t->lost_from_y,
			  t->first_lost_frame);
	if (!t->sent_here)
		blame_the_path(t, f);
	else if (!t->arrived)
		never_arrived(f);
}
