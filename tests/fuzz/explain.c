/*
 * explain: whole captures, and on the way what only a live run has (time that goes by without
 * packets, the kernel's word), through judge/explain. The last octet picks how small its table is,
 * and whether all findings are drawn, as text, JSON and a page.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/memcap.h"
#include "fuzz/telling.h"
#include "fuzz/watch.h"
#include "packet/decode.h"

/* The kernel's word on a RST: the 4-tuple of the TCP segment in these octets, a reason by number.
 */
static void kernel_event(struct explain *x, const struct memcap_item *it)
{
	static const char *const reasons[] = {
	    "NO_SOCKET",	   "TCP_ABORT_ON_CLOSE",    "TCP_STATE",
	    "TCP_FLAGS",	   "INVALID_SYN",	    "",
	    "TCP_TIMEWAIT_SOCKET", "TCP_KEEPALIVE_TIMEOUT", "something-new"};
	struct kernel_reset k = {.wall_ns = it->wall_ns};
	struct packet p;

	if (it->captured < 1 ||
	    decode_frame(it->bytes + 1, it->captured - 1, it->captured - 1, it->linktype, &p) !=
		DECODE_OK ||
	    p.kind != PACKET_TCP)
		return;
	strcpy(k.reason, reasons[it->bytes[0] % (sizeof(reasons) / sizeof(reasons[0]))]);
	strcpy(k.state, it->bytes[0] & 0x80 ? "TCP_LISTEN" : "TCP_ESTABLISHED");
	k.src = p.seg.src;
	k.sport = p.seg.sport;
	k.dport = p.seg.dport;
	if (!(it->bytes[0] & 0x80))
		k.dst = p.seg.dst;
	k.pid = it->bytes[0];
	explain_kernel(x, &k);
}

static void on_item(void *ctx, const struct memcap_item *it)
{
	struct watch *w = ctx;

	switch (it->what) {
	case MEMCAP_FRAME:
		watch_frame(w, it->bytes, it->captured, it->len, it->linktype, it->wall_ns);
		break;
	case MEMCAP_TICK: explain_tick(w->x, it->wall_ns); break;
	case MEMCAP_FORGET: explain_forget(w->x); break;
	case MEMCAP_KERNEL: kernel_event(w->x, it); break;
	}
}

static void run(struct watch *w, const struct explain_limits *l, const uint8_t *data, size_t len,
		struct telling *t)
{
	watch_open(w, l);
	w->tell = t ? &t->tee->sink : NULL;
	memcap_each(data, len, on_item, w);
	watch_end(w);
	if (t) {
		const struct explain_record end = {
		    .sum = explain_summary(w->x), .complete = true, .shown = w->n, .matched = w->n};

		w->tell->explained(w->tell->ctx, &end);
	}
	watch_close(w);
}

int fuzz_explain(const uint8_t *data, size_t len)
{
	struct explain_limits l = explain_limits_file;
	uint8_t how = len ? data[len - 1] : 0;
	struct telling t;
	struct watch w;

	if (len < 1)
		return 0;
	l.flows = how & 1 ? 3 : 64;
	l.settle_ns = how & 2 ? 0 : l.settle_ns;
	if (how & 4) {
		run(&w, &l, data, len, NULL);
		return 0;
	}
	telling_open(&t, "explain", how & 8);
	run(&w, &l, data, len, &t);
	telling_close(&t);
	return 0;
}
