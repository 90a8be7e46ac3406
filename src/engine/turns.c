/*
 * turns: one turn is: what is due, then frames until the next moment. Everything that ends a run
 * from outside (a signal, the deadline, a dead capture, a dead link) ends it here.
 */
#include "engine/turns.h"

#include <errno.h>
#include <stdio.h>

enum {
	LINGER_NS = 100000000, /* looked again at the latest */
	PROGRESS_NS = 200000000,
};
#define NS_PER_S 1000000000.0

struct loop {
	struct turns t; /* first: actors see only this */
	const struct turns_actor *actor;
	void *ctx;
	uint64_t progress_ns; /* the next */
};

uint32_t turns_random(struct turns *t)
{
	/* SplitMix64 from a secret seed: an answer proves that its sender saw the segment */
	uint64_t z = t->rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

struct turns_ends turns_ends_of(const struct packet *pk)
{
	if (pk->kind == PACKET_ICMP_ERROR)
		return (struct turns_ends){&pk->quoted.dst, pk->quoted.sport, pk->quoted.dport};
	return (struct turns_ends){&pk->seg.src, pk->seg.dport, pk->seg.sport};
}

static void keep(const struct turns *t, uint64_t at_ns, const uint8_t *ip, size_t captured,
		 size_t len)
{
	if (t->c->evidence)
		t->c->evidence(t->c->evidence_ctx, at_ns, ip, captured, len);
}

int turns_post(struct turns *t, uint16_t path, const struct segment *seg, uint64_t *at_ns)
{
	uint8_t room[WIRE_HEADROOM + SEGMENT_MAX], *bytes = room + WIRE_HEADROOM;
	struct wire_out out = {.ip = bytes, .path = path};
	_Atomic uint64_t left_ns = 0;
	struct err e;
	int len = craft_build(t->craft, seg, bytes, SEGMENT_MAX, &e);

	if (len < 0) /* what actors send is bounded: it is memory that lacks */
		return ENOMEM;
	out.len = (uint16_t)len;
	if (t->w->ops->send(t->w, 0, &out, 1, &left_ns) != 1)
		return out.error ? out.error : EIO;
	t->stats->sent++;
	if (at_ns)
		*at_ns = left_ns;
	if (!t->c->frames_only)
		keep(t, left_ns, bytes, (size_t)len, (size_t)len);
	return 0;
}

void turns_unsent(struct turns *t, int errnum)
{
	t->stats->send_errors++;
	if (!t->stats->send_errno)
		t->stats->send_errno = errnum;
}

bool turns_send(struct turns *t, uint16_t path, const struct segment *seg, uint64_t *at_ns)
{
	int error = turns_post(t, path, seg, at_ns);

	if (error && error != EAGAIN) /* it will be sent again */
		turns_unsent(t, error);
	return !error;
}

static void end(struct turns *t, enum run_end how, const char *why)
{
	if (t->stats->end != END_COMPLETE)
		return;
	t->stats->end = how;
	snprintf(t->stats->why, sizeof(t->stats->why), "%s", why);
}

bool turns_path_up(struct turns *t, uint16_t path)
{
	struct err why;

	if (t->w->ops->path_up(t->w, path, &why))
		return true;
	end(t, END_LINK, why.msg);
	return false;
}

static bool must_stop(struct turns *t, uint64_t now)
{
	t->events = t->w->ops->events(t->w);
	if (t->events & WIRE_STOP) {
		end(t, END_INTERRUPTED, "interrupted");
		return true;
	}
	if (t->c->deadline_ns && now - t->began_ns >= t->c->deadline_ns) {
		end(t, END_DEADLINE, "the deadline came first");
		return true;
	}
	return false;
}

/* An error about what somebody else sent, or about so little that it shows no ports. */
static bool is_alien(const struct turns *t, const struct packet *pk)
{
	if (pk->kind != PACKET_ICMP_ERROR)
		return pk->kind == PACKET_NONE;
	for (size_t i = 0; i < t->w->n_paths; i++)
		if (addr_same(&t->w->paths[i].src, &pk->quoted.src))
			return !pk->quoted.has_ports;
	return true;
}

static void on_frame(void *ctx, const struct wire_in *in)
{
	struct loop *l = ctx;
	struct turns *t = &l->t;
	struct packet pk;
	bool taken;

	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &pk) != DECODE_OK)
		return;
	if (is_alien(t, &pk) || match_is_broken(&pk)) {
		t->stats->foreign++;
		return;
	}
	t->in = in;
	taken = l->actor->take(l->ctx, t, &pk, in->at_ns);
	t->in = NULL;
	if (!taken)
		t->stats->foreign++;
	else
		keep(t, in->at_ns, in->frame + pk.l3_offset, in->captured - pk.l3_offset,
		     in->len - pk.l3_offset);
}

static uint64_t soonest(const struct turns *t, uint64_t wish, uint64_t now)
{
	uint64_t until = wish < now + LINGER_NS ? wish : now + LINGER_NS;

	if (t->c->deadline_ns && until > t->began_ns + t->c->deadline_ns)
		until = t->began_ns + t->c->deadline_ns;
	return until;
}

static void tell_progress(struct loop *l, uint64_t now)
{
	bool asked = l->t.events & WIRE_STATUS;

	if (!l->actor->progress || (now < l->progress_ns && !asked))
		return;
	l->progress_ns = now + PROGRESS_NS;
	l->actor->progress(l->ctx, &l->t, asked);
}

/* What left last is evidence as well, where only the capture has it. */
static void last_frames(struct loop *l, uint64_t now)
{
	struct turns *t = &l->t;
	struct err e;

	if (t->c->frames_only)
		t->w->ops->recv(t->w, now, on_frame, l, &e);
}

static void run(struct loop *l)
{
	struct turns *t = &l->t;
	uint64_t now = t->began_ns, wish;
	struct err e;
	int n;

	while (!must_stop(t, now)) {
		wish = l->actor->serve(l->ctx, t, now);
		if (wish == TURNS_OVER) {
			last_frames(l, now);
			return;
		}
		tell_progress(l, now);
		n = t->w->ops->recv(t->w, soonest(t, wish, now), on_frame, l, &e);
		if (n < 0) {
			end(t, END_CAPTURE, e.msg);
			return;
		}
		if (n == 0 && l->actor->idle)
			l->actor->idle(l->ctx, t);
		now = t->w->ops->now(t->w);
	}
}

int turns_run(const struct turns_config *c, struct wire *w, const struct turns_actor *a, void *ctx,
	      struct turns_stats *out, struct err *e)
{
	struct loop l = {
	    .t = {.c = c, .w = w, .stats = out, .rng = c->seed}, .actor = a, .ctx = ctx};

	*out = (struct turns_stats){.end = END_COMPLETE};
	l.t.craft = craft_new(e);
	if (!l.t.craft)
		return -1;
	l.t.began_ns = w->ops->now(w);
	run(&l);
	if (a->over)
		a->over(ctx, &l.t);
	out->elapsed_s = (double)(w->ops->now(w) - l.t.began_ns) / NS_PER_S;
	w->ops->stats(w, &out->wire);
	craft_free(l.t.craft);
	return 0;
}
