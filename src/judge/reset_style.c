/* reset_style: the words. */
#include "judge/reset_style.h"

const char *style_name(enum reset_style s)
{
	static const char *const names[] = {
	    [STYLE_UNKNOWN] = "unknown",   [STYLE_RST] = "rst",		[STYLE_SILENT] = "silent",
	    [STYLE_FILTERED] = "filtered", [STYLE_PROXIED] = "proxied", [STYLE_MIXED] = "mixed",
	};

	return names[s];
}
