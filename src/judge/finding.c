/* finding: the words of what is told of a RST. */
#include "judge/finding.h"

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {"unknown", "accepted", "challenged", "ignored"};

	return names[o];
}

const char *sender_name(enum sender s)
{
	static const char *const names[] = {"unknown", "client", "server"};

	return names[s];
}
