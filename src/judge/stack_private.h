/* stack_private: what the files of the stack judge share. */
#ifndef JUDGE_STACK_PRIVATE_H
#define JUDGE_STACK_PRIVATE_H

#include "judge/stack.h"

/* What the host's ports were like, counted once. */
struct stack_view {
	const struct stack_facts *f;
	unsigned canaries, canaries_open;		       /* asked; accepted the SYN */
	unsigned ports, ports_open;			       /* all that were asked; accepted */
	unsigned closed_ports_rst, closed_icmp, closed_silent; /* ports whose SYN drew that; silence
							     only after all tries */
	bool sent_rst;	 /* a RST came from the open port, whatever it answered there */
	bool heard;	 /* anything came at all */
	bool stray_icmp; /* a stray segment at the open port was rejected */
	const struct exchange *syn_ack;	   /* of the open port; NULL: none seen */
	const struct exchange *open_rst;   /* a RST to a segment with ACK there */
	const struct exchange *closed_rst; /* the same at the closed port */
	const struct exchange *syn_rst;	   /* a RST to a SYN at a closed port */
	bool stray_passes;  /* ACK, data or FIN-ACK at the open port was answered by the stack */
	bool synack_passes; /* SYN-ACK there was */
	bool stray_silent, synack_silent; /* ... or asked often enough, and silent */
	bool tracked;			  /* the SYN-ACK is lost: what opens nothing is dropped */
	bool synack_syn_ack;		  /* SYN-ACK drew a SYN-ACK: a proxy */
	bool open_boxed; /* the open port's RSTs come from another distance than its SYN-ACK */
	bool limited;	 /* resets are rationed: the silence of a RST says nothing */
};

const struct exchange *stack_seen(const struct stack_facts *f, enum tcp_state s, const char *form);
/* Silent because the host had stopped answering by then. */
bool stack_stopped_before(const struct stack_facts *f, const struct exchange *x);
/* Sent from where the SYN-ACK came from, as far as TTLs tell. */
bool stack_is_from_stack(const struct stack_view *v, const struct exchange *x);
/* The rows that were seen. */
void stack_collect(const struct stack_view *v, const struct stack_verdict *so_far,
		   struct family_sum *sum);
bool stack_is_lwip(const struct stack_view *v);
/* Fills out->cells from the facts and what out says of firewall and controls. */
void stack_judge_cells(const struct stack_view *v, struct stack_verdict *out);

#endif
