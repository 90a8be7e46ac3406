/*
 * way_xdp: refuses, because this rstprobe is built without AF_XDP.
 */
#include "config.h"

#include "wire/way.h"

struct way *way_open_xdp(const struct way_config *c, bool *denied, struct err *e)
{
	(void)c;
	(void)denied;
	err_set(e, "--tx xdp: this rstprobe was built without libxdp");
	return NULL;
}
