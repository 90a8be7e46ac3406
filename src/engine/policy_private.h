/*
 * policy_private: what the files of the policy's reader share. policy.c reads files and lines,
 * policy_lex tokens, policy_demand what a group is to look like; policy_words has the words with
 * numbers in them, policy_store the memory, policy_settle what only the end can tell.
 */
#ifndef ENGINE_POLICY_PRIVATE_H
#define ENGINE_POLICY_PRIVATE_H

#include "engine/policy.h"

enum {
	POLICY_ERRORS_MAX = 20,	      /* of a file */
	POLICY_FILES_MAX = 1000,      /* of all: links give a file more names than can be read */
	POLICY_DEMANDS_MAX = 1 << 28, /* ports of all lines: what can be held against each other */
	POLICY_NAME_MAX = 64,	      /* octets of a group's name */
	POLICY_SHOWN = 48,	      /* octets of a user's word in a message */
	POLICY_WITHIN_MAX = 3600      /* s */
};

struct policy_place {
	unsigned file, line, column;
};

/* A line that has `until`. */
struct policy_exception {
	size_t line, group;
	size_t other; /* place of the next that demands something else */
	enum policy_scope scope;
	uint32_t bits;
};

struct policy_store {
	char **strings;
	size_t n_strings, cap_strings;
	size_t cap_files, cap_groups, cap_lines;
	struct ports_pool ports;
	const struct ports *common;	     /* of `else` without ports; NULL: not asked for yet */
	struct policy_place *mentions;	     /* by group: its first demand; line 0: none */
	unsigned *columns;		     /* by line: where its demand begins */
	struct policy_exception *exceptions; /* by group, then by what they demand */
	size_t n_exceptions;
	bool *has_exception; /* by line; NULL: none has */
	size_t last_group;   /* found last: lines of a group stand together */
	uint32_t *slots;     /* 1 + group, by its name; 0: free */
	size_t n_slots;
};

/* --- policy_store: false, -1 or NULL where memory is out ---------------------------------------
 */

struct policy_store *policy_store_new(void);
void policy_store_free(struct policy_store *s);
const char *policy_keep(struct policy *p, const char *text);
bool policy_has_file(const struct policy *p, const char *name);
int policy_add_file(struct policy *p, const char *name, unsigned *file);
/* The group of that name, made where there is none. */
int policy_group_of(struct policy *p, const char *name, size_t *group);
int policy_add_missing(struct policy *p, struct policy_group *g, const struct policy_missing *m);
int policy_add_line(struct policy *p, const struct policy_line *l, unsigned column);
/* The set that ports_parse made, held once. */
const struct ports *policy_own_ports(struct policy *p, struct ports *ports);
const struct ports *policy_common_ports(struct policy *p);

/* --- telling ---------------------------------------------------------------------------------- */

struct policy_reading {
	struct policy *p;
	const struct policy_help *h;
	struct policy_reading *includer; /* NULL: named on the command line */
	unsigned file, line, errors, depth;
	bool failed; /* also by what it includes */
};

/* Tells it, and returns -1. Behind POLICY_ERRORS_MAX nothing more is told. */
int policy_fail(struct policy_reading *r, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int policy_no_memory(struct policy_reading *r);
/* "FILE:LINE:COLUMN: ", a long name cut in front. */
void policy_put_place(char *buf, size_t cap, const struct policy *p, struct policy_place at);

/* --- tokens ----------------------------------------------------------------------------------- */

enum policy_token { TOKEN_END, TOKEN_WORD, TOKEN_TEXT /* was quoted */ };

/* One line, without its end. `text` lives as long as the lexer. */
struct policy_lexer {
	const char *line, *s; /* s: behind the token */
	char *room;	      /* for the texts of tokens: twice the line's length, and 2 */
	const char *stop;     /* signs that end a word, too */
	enum policy_token token;
	const char *at; /* into line */
	const char *text;
};

/* The line has nothing that is no text: control characters, what is not UTF-8. */
int policy_check_line(struct policy_reading *r, const char *line);
/* The next token; -1 where it was told that there can be none. */
int policy_next(struct policy_reading *r, struct policy_lexer *x);
/* The token that is a word becomes a list: what commas join, blanks beside them or not. */
void policy_widen(struct policy_lexer *x);
unsigned policy_column(const struct policy_lexer *x, const char *at);
static inline bool policy_is(const struct policy_lexer *x, const char *word)
{
	return x->token == TOKEN_WORD && __builtin_strcmp(x->text, word) == 0;
}
/* policy_fail at the token. */
#define policy_fail_here(r, x, ...) policy_fail(r, policy_column(x, (x)->at), __VA_ARGS__)

/* A user's word for a message: not too long, and whole characters. */
const char *policy_shown(const char *word, char buf[POLICY_SHOWN]);

/* --- the parts of a line ---------------------------------------------------------------------- */

bool policy_is_name_sign(char c);
int policy_check_name(struct policy_reading *r, const struct policy_lexer *x);
/* What stands behind "NAME:"; the token is the name. */
int policy_demand(struct policy_reading *r, struct policy_lexer *x, const char *name);

/* "200ms", 1.5s"; -1 with the reason. */
int policy_duration(const char *text, uint64_t *ns, struct err *e);

#endif
