/* doctor_private: what doctor (which row fits), doctor_rows (the table) and doctor_words (the holes
 * of its sentences) share. */
#ifndef JUDGE_DOCTOR_PRIVATE_H
#define JUDGE_DOCTOR_PRIVATE_H

#include "base/bytes.h"
#include "judge/doctor.h"

/* `says` and `fix` have holes as {iface}, which doctor_words fills. Rows of one check stand
 * together: the first that fits decides. */
struct doctor_row {
	enum doctor_scope scope;
	const char *check;
	enum doctor_result result;
	enum doctor_blocks blocks;
	bool minor;
	bool (*when)(const struct doctor_facts *f);
	const char *says, *fix; /* fix NULL: none is needed */
};

extern const struct doctor_row doctor_rows[];
extern const size_t doctor_row_count;

void doctor_words(struct text *t, const struct doctor_facts *f, const char *form);
const char *doctor_reply_name(enum doctor_reply r); /* "open" */

static inline const struct doctor_path *doctor_path_at(const struct doctor_facts *f)
{
	return &f->paths[f->at];
}

static inline const struct doctor_loop *doctor_loop_at(const struct doctor_facts *f)
{
	return &f->loops[f->at];
}

static inline uint64_t doctor_room(const struct doctor_facts *f)
{
	return f->tracked_max > f->tracked ? f->tracked_max - f->tracked : 0;
}

/* Bits by family: loops whose SYN-ACK our kernel did not reset. */
unsigned doctor_unreset(const struct doctor_facts *f);
/* Bits by family: loops where a SYN-ACK came. */
unsigned doctor_answered(const struct doctor_facts *f);

#endif
