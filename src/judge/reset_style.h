/* reset_style: how a host says no, in one word (rstprobe(1)). */
#ifndef JUDGE_RESET_STYLE_H
#define JUDGE_RESET_STYLE_H

enum reset_style {
	STYLE_UNKNOWN,
	STYLE_RST,	/* closed ports answer with a RST */
	STYLE_SILENT,	/* closed ports are silent, and the host itself sent a RST elsewhere */
	STYLE_FILTERED, /* silence without that proof, or ICMP-prohibited */
	STYLE_PROXIED,	/* every port accepts */
	STYLE_MIXED,	/* some closed ports answer, others don't */
};
const char *style_name(enum reset_style s);

#endif
