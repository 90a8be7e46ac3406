/*
 * options: a list of options is walked once, each by its own length, never past the block. An
 * option whose length is wrong for its kind counts as unknown: stacks skip it too.
 */
#include "packet/options.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/segment.h"

enum { MP_FASTCLOSE = 7, MP_TCPRST = 8 }; /* RFC 8684, 8.2 */

static char parse_mptcp(struct cursor *c, struct tcp_options *out)
{
	size_t len = c->left;
	uint8_t subtype;

	if (len < 1)
		return '?';
	subtype = cursor_u8(c) >> 4;
	if (subtype == MP_TCPRST && len == 2) {
		out->has_mp_tcprst = true;
		out->mp_tcprst_reason = cursor_u8(c);
	} else if (subtype == MP_FASTCLOSE && len == 10) {
		out->has_mp_fastclose = true;
	}
	return 'P';
}

static char parse_sack(struct cursor *c, struct tcp_options *out)
{
	size_t n = c->left / 8;

	if (n < 1 || n > 4 || c->left % 8)
		return '?';
	out->n_sack = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		out->sack[i].left = cursor_be32(c);
		out->sack[i].right = cursor_be32(c);
	}
	return 'K';
}

/* The value of one option, `c` holding just that; returns its letter. */
static char parse_value(uint8_t kind, struct cursor *c, struct tcp_options *out)
{
	if (kind == TCP_OPT_MSS && c->left == 2) {
		out->has_mss = true;
		out->mss = cursor_be16(c);
		return 'M';
	}
	if (kind == TCP_OPT_WSCALE && c->left == 1) {
		out->has_wscale = true;
		out->wscale = cursor_u8(c);
		return 'W';
	}
	if (kind == TCP_OPT_SACK_OK && c->left == 0) {
		out->sack_ok = true;
		return 'S';
	}
	if (kind == TCP_OPT_TIMESTAMPS && c->left == 8) {
		out->has_timestamps = true;
		out->tsval = cursor_be32(c);
		out->tsecr = cursor_be32(c);
		return 'T';
	}
	if (kind == TCP_OPT_SACK)
		return parse_sack(c, out);
	if (kind == TCP_OPT_MPTCP)
		return parse_mptcp(c, out);
	return '?';
}

void options_parse(const uint8_t *p, size_t len, struct tcp_options *out)
{
	struct cursor c = cursor_of(p, len > TCP_OPTIONS_MAX ? TCP_OPTIONS_MAX : len);
	size_t n = 0;

	*out = (struct tcp_options){0};
	while (c.left) {
		uint8_t kind = cursor_u8(&c), opt_len;
		struct cursor value;

		if (kind == TCP_OPT_NOP || kind == TCP_OPT_EOL) {
			out->layout[n++] = kind == TCP_OPT_NOP ? 'N' : 'E';
			if (kind == TCP_OPT_EOL)
				break;
			continue;
		}
		opt_len = cursor_u8(&c);
		if (opt_len < 2 || opt_len - 2U > c.left) {
			out->malformed = true;
			break;
		}
		value = cursor_sub(&c, opt_len - 2U);
		out->layout[n++] = parse_value(kind, &value, out);
	}
	out->layout[n] = '\0';
}

struct syn_form {
	const char *word;
	const char *layout; /* letters as in struct tcp_options */
	uint16_t win;
	uint8_t wscale;
};

/* Windows and Linux as recorded in SYNs of Linux 6 and of Windows 10 with an MSS of 1460. */
static const struct syn_form syn_forms[] = {
    [SYN_LAYOUT_NONE] = {"none", "", 65535, 0},
    [SYN_LAYOUT_MSS] = {"mss", "M", 65535, 0},
    [SYN_LAYOUT_LINUX] = {"linux", "MSTNW", 64240, 7},
    [SYN_LAYOUT_WINDOWS] = {"windows", "MNWNNS", 64240, 8},
};

enum { N_SYN_FORMS = sizeof(syn_forms) / sizeof(syn_forms[0]) };

int syn_layout_parse(const char *word, enum syn_layout *out)
{
	for (unsigned i = 0; i < N_SYN_FORMS; i++) {
		if (strcmp(word, syn_forms[i].word) == 0) {
			*out = (enum syn_layout)i;
			return 0;
		}
	}
	return -1;
}

const char *syn_layout_word(size_t i)
{
	return i < N_SYN_FORMS ? syn_forms[i].word : NULL;
}

uint16_t syn_layout_win(enum syn_layout layout)
{
	return syn_forms[layout].win;
}

size_t options_build_syn(enum syn_layout layout, uint16_t mss, uint32_t tsval, uint8_t out[40])
{
	const struct syn_form *form = &syn_forms[layout];
	uint8_t *p = out;

	for (const char *l = form->layout; *l; l++) {
		switch (*l) {
		case 'M':
			*p++ = TCP_OPT_MSS;
			*p++ = 4;
			bytes_put_be16(p, mss);
			p += 2;
			break;
		case 'S':
			*p++ = TCP_OPT_SACK_OK;
			*p++ = 2;
			break;
		case 'T':
			*p++ = TCP_OPT_TIMESTAMPS;
			*p++ = 10;
			bytes_put_be32(p, tsval);
			bytes_put_be32(p + 4, 0);
			p += 8;
			break;
		case 'W':
			*p++ = TCP_OPT_WSCALE;
			*p++ = 3;
			*p++ = form->wscale;
			break;
		default: /* N */ *p++ = TCP_OPT_NOP; break;
		}
	}
	return (size_t)(p - out);
}
