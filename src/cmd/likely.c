/* likely: the order is the user's, or ours; which ports there are is the set's. */
#include "cmd/likely.h"

#include <stdlib.h>

#include "cmd/options.h"
#include "cmd/resolve.h"

/* Where servers, routers, printers and desktops listen, the commonest first. */
static const char common[] = "80,443,22,445,135,3389,53,25,21,8080,139,8443,23,111,5900,3306,5432,"
			     "110,143,993,995,587,465,389,636,88,179,548,631,9100,515,554,2049,"
			     "5985,8000,8888,6443,10250,1433,1723,5060,5357,7,9,13,37,62078";

/* The first of them: where a host that is there at all answers most probably. */
static const uint16_t commonest[] = {80, 443,  22,  445,  135, 3389, 53,   25,
				     21, 8080, 139, 8443, 23,  111,  5900, 3306};

bool likely_commonest(uint16_t port)
{
	for (size_t i = 0; i < sizeof(commonest) / sizeof(commonest[0]); i++)
		if (commonest[i] == port)
			return true;
	return false;
}

struct order {
	const struct ports *set;
	bool *taken; /* by rank */
	uint16_t *v;
	size_t n;
};

static void take(struct order *o, uint16_t port)
{
	int32_t rank = ports_rank(o->set, port);

	if (rank < 0 || o->taken[rank])
		return;
	o->taken[rank] = true;
	o->v[o->n++] = port;
}

/* A word of -p: a port, a name or a range. What it excludes is not in the set. */
static void take_word(struct order *o, const char *word)
{
	struct ports *p = *word == '!' ? NULL : ports_parse(word, resolve_service, NULL);

	for (uint32_t i = 0; p && i < ports_count(p); i++)
		take(o, ports_at(p, i));
	ports_free(p);
}

uint16_t *likely_ports(const struct ports *set, const char *list, size_t *n)
{
	size_t count = ports_count(set);
	struct order o = {.set = set};
	char word[64];

	o.taken = calloc(count, sizeof(*o.taken));
	o.v = calloc(count, sizeof(*o.v));
	if (!o.taken || !o.v) {
		free(o.v);
		o.v = NULL;
		goto out;
	}
	if (!list)
		list = common;
	while (option_item(&list, word, sizeof(word)))
		take_word(&o, word);
	for (size_t i = 0; i < count; i++)
		take(&o, ports_at(set, (uint32_t)i));
	*n = o.n;
out:
	free(o.taken);
	return o.v;
}
