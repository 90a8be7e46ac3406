/*
 * status: what all commands say alike at their end: which of two exit statuses is the graver, and
 * what mends a want of privilege.
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

void cmd_put_privilege_fix(void)
{
	const char *fix;

	for (unsigned i = 0; (fix = privilege_fix(i)); i++)
		fprintf(stderr, "  %s\n", fix);
}
