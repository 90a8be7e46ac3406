/* live_private: what the parts of live share: the state of an open wire. */
#ifndef WIRE_LIVE_PRIVATE_H
#define WIRE_LIVE_PRIVATE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/aside.h"
#include "wire/capture.h"
#include "wire/conns.h"
#include "wire/links.h"
#include "wire/live.h"
#include "wire/neigh.h"
#include "wire/quiet.h"
#include "wire/way.h"

/* One interface that is listened to. */
struct nic {
	char ifname[16];
	uint32_t ifindex;
	struct capture *capture;
	bool extra; /* lo, for the kernel's own ICMP errors alone: no path's */
	bool dead, no_carrier;
	struct err why;
};

/* One path: by which way it goes out, and what is known of its gateway. */
struct door {
	enum tx tx;	 /* never TX_AUTO */
	struct way *way; /* may be `raw` */
	struct way *raw;
	bool shares_raw; /* another door's, which closes it */
	size_t nic;	 /* by which of nics its answers come in */
	bool was_known, lost;
	bool bereft;	   /* our address, to which answers would come, is no more */
	unsigned failures; /* when it was last known, of neigh.failures */
};

/* What takes the kernel a while to take back: a capture, or all ways. */
struct release {
	struct live *live;
	size_t what; /* n_nics: the ways */
};

struct live {
	struct wire wire;   /* first: the ops get a pointer to it */
	struct door *doors; /* one a path */
	struct nic *nics;
	size_t n_nics;
	struct links *links;
	struct neighs *neighs; /* NULL where no way needs them */
	struct quiet *quiet;
	struct conns *conns;
	struct pollfd *poll; /* one a nic, then the links and the neighbours */
	uint64_t looked_ns;  /* when those two were last read */
	bool news;	     /* a path went down since recv last returned */
	unsigned told;	     /* events that the caller knows of */
	struct release *releases;
	bool resting;
	struct aside *releasing;
	struct wire_stats kept; /* of the captures, once resting */
};

extern const struct wire_ops live_ops;

/* Reads what links and neighbours have to tell. */
void live_read_news(struct live *l);
void live_close(struct wire *w); /* takes one that was opened in part, and NULL */

#endif
