/* provoke_dry: what a scenario would do to a service, step by step, in words. */
#ifndef CMD_PROVOKE_DRY_H
#define CMD_PROVOKE_DRY_H

#include <stdio.h>

#include "cmd/request.h"

void provoke_dry(FILE *f, const struct scan_options *o, const struct aim *aim,
		 const struct request *q);

#endif
