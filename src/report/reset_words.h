/*
 * reset_words: what `explain` found of a RST, as a colleague would say it. Pure text from a
 * finding; where it stands on the page is for the renderers, which all say the same.
 */
#ifndef REPORT_RESET_WORDS_H
#define REPORT_RESET_WORDS_H

#include "base/bytes.h"
#include "judge/record.h"
#include "report/report.h"

enum { RESET_WORDS_MAX = 1024 }; /* bytes that any sentence here fits in */

/* One sentence each, with its full stop; "" where there is nothing to say. */
enum reset_sentence {
	SAYS_WHAT,	/* what happened, and why we think so */
	SAYS_EFFECT,	/* what the program at the other end gets, and what is lost */
	SAYS_ALSO,	/* what fits too, and who could tell */
	SAYS_ADVICE,	/* what to look at */
	SAYS_KERNEL,	/* what the sending kernel says of it */
	SAYS_VENDOR,	/* text in the RST */
	SAYS_ORIGIN,	/* a box between, where the cause does not say so itself */
	SAYS_BURST,	/* several connections of one host at once */
	SAYS_FOLLOWERS, /* RSTs that follow from this one */
	RESET_SENTENCES,
};
void reset_words(struct text *t, const struct finding *f, enum reset_sentence which);
/* A clue as a clause: without capital, full stop, or the frame that shows it. */
void reset_words_clue(struct text *t, const struct finding *f, const struct clue *c);
/* Do the sentences say it already, or is it worth no line of its own? */
bool reset_words_told(const struct finding *f, const struct clue *c);

/* "192.0.2.7:80", "[2001:db8::1]:80"; `run` (may be NULL) has the names of zones */
void reset_words_end(struct text *t, const struct run_info *run, const struct addr *a,
		     uint16_t port);
/* "client", "server", "" */
const char *reset_words_role(const struct finding *f, bool of_sender);
void reset_words_time(struct text *t, uint64_t wall_ns); /* "2026-11-20 12:00:00.123456" UTC */
void reset_words_duration(struct text *t, uint64_t ns);	 /* "137 us", "6.8 ms", "63 s", "4 min" */
/* The same in a column: "1.00 s" beside "1.02 s" */
void reset_words_measured(struct text *t, uint64_t ns);
void reset_words_octets(struct text *t, uint64_t n); /* "1 octet", "1,200 octets", "64 kB" */
void reset_words_number(struct text *t, uint64_t n); /* "12,345" */
/* Foreign text: what is not printable ASCII becomes '?'; at most `cap` octets, ends at 0. */
void reset_words_foreign(struct text *t, const char *s, size_t cap);
/* Severities as a reader wants them: what hurts before what only looks odd. */
extern const enum severity reset_words_severities[SEVERITIES];
const char *reset_words_severity(enum severity s,
				 uint64_t n); /* "problem", of several "problems" */
/* What there is of each severity and cause, in that order, then by number; how many rows. */
struct weighed {
	enum severity severity;
	enum cause cause;
	uint64_t n;
};
enum { WEIGHED_MAX = SEVERITIES * CAUSES };
size_t reset_words_weighed(const uint64_t by[SEVERITIES][CAUSES], struct weighed out[WEIGHED_MAX]);
/* Whose default an idle timer of so many seconds is, where its maker documents it; NULL else. */
const char *reset_words_timer(uint32_t seconds);

/*
 * A template with these places, for reset_words_clue and the sentences:
 *   %X %Y    the RST's sender, its receiver ("the server", or an address)
 *   %P       the RST's source port
 *   %T %O    "frame 15": what provoked it; the RST that it follows or repeats
 *   %G %I    the silence of both before it; since X's own last segment; nothing below 1 s
 *   %A %D    from trigger to RST; from the SYN behind the trigger to RST
 *   %N       probes or retransmissions
 *   %a? %b?  the clue's numbers: n number, i identifier, o octets, u us, m ms, s seconds,
 *            p "s" unless it is 1
 * [...] is left out where a place in it has nothing to say. Without a finding X and Y are "the
 * sender" and "the receiver". `c` may be NULL.
 */
void reset_words_fill(struct text *t, const char *template, const struct finding *f,
		      const struct clue *c);

#endif
