/*
 * covers: a scan's space as the few spans that its result names, so that who reads it knows what
 * kept silent (report's run_info.covers).
 */
#ifndef CMD_COVERS_H
#define CMD_COVERS_H

#include "engine/space.h"
#include "report/report.h"

enum { COVERS_MAX = 4096 };

struct covers {
	struct run_cover *v;
	size_t n;
	bool truncated; /* more spans, or longer lists of ports, than a result should begin with */
	/* private: */
	char **lists;
	size_t n_lists;
};

/* False where memory is out. */
bool covers_make(struct covers *c, const struct space *s);
void covers_free(struct covers *c);

#endif
