/*
 * status: what all commands do alike: which of two exit statuses is the graver, and how privilege
 * is given up, or its want mended.
 */
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "wire/privilege.h"

int cmd_worse(int a, int b)
{
	static const int gravity[] = {STATUS_CANNOT, STATUS_USAGE, STATUS_INCOMPLETE,
				      STATUS_UNEXPECTED};

	for (size_t i = 0; i < sizeof(gravity) / sizeof(gravity[0]); i++)
		if (a == gravity[i] || b == gravity[i])
			return gravity[i];
	return STATUS_OK;
}

int cmd_fail(int *status, int why, const struct err *e)
{
	log_error("%s", e->msg);
	*status = cmd_worse(*status, why);
	return -1;
}

int cmd_find_user(int *status, const char *asked, struct privilege_user *u)
{
	struct err e;

	return privilege_find_user(asked, u, &e) < 0 ? cmd_fail(status, STATUS_USAGE, &e) : 0;
}

int cmd_drop_privilege(int *status, const struct privilege_user *u, enum privilege_work work)
{
	struct err e;
	int rc = privilege_drop(u, work, &e);

	if (rc < 0)
		return cmd_fail(status, STATUS_CANNOT, &e);
	if (rc > 0)
		log_warn("%s", e.msg);
	return 0;
}

void cmd_put_privilege_fix(void)
{
	const char *fix;

	for (unsigned i = 0; (fix = privilege_fix(i)); i++)
		fprintf(stderr, "  %s\n", fix);
}
