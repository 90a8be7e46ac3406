/* exchange: what a reply is made of, in terms of what was sent. It concludes nothing. */
#include "judge/exchange.h"

#include <string.h>

#include "base/seq.h"

/* Padding differs with the box that rebuilt the header, the order of options doesn't. */
static void take_layout(struct exchange *x, const struct tcp_options *o)
{
	size_t len = strlen(o->layout);

	while (len > 0 && o->layout[len - 1] == 'E')
		len--;
	if (len >= sizeof(x->layout))
		len = sizeof(x->layout) - 1;
	memcpy(x->layout, o->layout, len);
	x->layout[len] = '\0';
}

enum fit exchange_take(struct exchange *x, const struct packet *p)
{
	enum reaction reaction;
	enum fit fit = match_reply(&x->sent, p, &reaction);

	if (fit == FIT_NONE)
		return fit;
	x->reaction = (uint8_t)reaction;
	x->fit = (uint8_t)fit;
	x->from = p->seg.src;
	x->ttl = p->seg.ttl;
	x->df = p->seg.df;
	x->ip_id = p->seg.ip_id;
	if (p->kind == PACKET_ICMP_ERROR) {
		x->icmp_type = p->icmp_type;
		x->icmp_code = p->icmp_code;
		return fit;
	}
	x->icmp_type = x->icmp_code = 0;
	x->seq = p->seg.seq;
	x->ack = p->seg.ack;
	x->payload_len = p->seg.payload_len;
	x->flags = p->seg.flags;
	x->win = p->seg.win;
	x->mss = p->options.has_mss ? p->options.mss : 0;
	take_layout(x, &p->options);
	return fit;
}

enum rst_seq exchange_rst_seq(const struct exchange *x)
{
	if (x->seq == 0)
		return RST_SEQ_ZERO;
	return x->seq == x->sent.ack ? RST_SEQ_OUR_ACK : RST_SEQ_OTHER;
}

enum rst_ack exchange_rst_ack(const struct exchange *x)
{
	if (x->ack == 0)
		return RST_ACK_ZERO;
	if (x->ack == x->sent.seq + x->sent.len)
		return RST_ACK_SEQ_LEN;
	return seq_in_window(x->ack, x->sent.seq, x->sent.len) ? RST_ACK_SEQ_SHORT : RST_ACK_OTHER;
}

enum rst_win exchange_rst_win(const struct exchange *x)
{
	if (x->win == 0)
		return RST_WIN_ZERO;
	return x->win == x->sent_win ? RST_WIN_ECHO : RST_WIN_FIXED;
}

const char *rst_seq_name(enum rst_seq v)
{
	static const char *const names[] = {
	    [RST_SEQ_ZERO] = "0", [RST_SEQ_OUR_ACK] = "ack", [RST_SEQ_OTHER] = "other"};

	return names[v];
}

const char *rst_ack_name(enum rst_ack v)
{
	static const char *const names[] = {[RST_ACK_ZERO] = "0",
					    [RST_ACK_SEQ_LEN] = "seq+len",
					    [RST_ACK_SEQ_SHORT] = "seq+short",
					    [RST_ACK_OTHER] = "other"};

	return names[v];
}

uint8_t exchange_initial_ttl(uint8_t ttl)
{
	return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

uint8_t exchange_hops(uint8_t ttl)
{
	return (uint8_t)(exchange_initial_ttl(ttl) - ttl);
}
