/* doctor_private: what doctor (options, order, lines), doctor_paths (which ways there are) and
 * doctor_trial (what is opened and tried) share. */
#ifndef CMD_DOCTOR_PRIVATE_H
#define CMD_DOCTOR_PRIVATE_H

#include "cmd/outputs.h"
#include "engine/tryout.h"
#include "judge/doctor.h"
#include "wire/privilege.h"
#include "wire/route.h"

struct hold;

struct doctor_options {
	const char *target; /* NULL: nothing leaves this machine */
	const char *ifname; /* NULL: as the route goes */
	const char *user;   /* --user; NULL: the usual one */
	int family;	    /* 0, ADDR_V4, ADDR_V6 */
	uint16_t port;	    /* 0: the usual ones */
	struct outputs out;
	bool verbose, quiet;
};

/* One address, all that it takes to ask it, opened before privilege is dropped. */
struct trial {
	struct path path;
	struct tryout_config c;
	struct hold *hold;
	struct wire *wire;		   /* NULL: could not be opened */
	int listener;			   /* of a loopback trial; -1 */
	const struct privilege_user *user; /* whom it is asked as; NULL: who runs it */
};

/* A SYN to a listener of our own, and one to a port that is held and closed. */
void trial_open_loop(struct trial *t, struct doctor_loop *l, unsigned family);
void trial_run_loop(struct trial *t, struct doctor_loop *l);
/* Without a target `ask` is false: it is opened and then closed. */
void trial_open_path(struct trial *t, struct doctor_path *p, const struct addr *dst, uint16_t port,
		     bool ask);
void trial_run_path(struct trial *t, struct doctor_path *p);
void trial_close(struct trial *t);

/* The paths to the target's first address of each family, or to the world: facts and `trials`
 * (trials[i].path, and dst[i], family ADDR_NONE where there is none to ask). -1 with `e` where the
 * words are wrong. */
int doctor_find_paths(struct doctor_facts *f, const struct doctor_options *o, struct trial *trials,
		      struct addr dst[DOCTOR_FAMILIES], struct err *e);

#endif
