/*
 * cause: what is known of each cause: its name, its weight, what an application sees of it and what
 * to look at. Which one it was is decided in cause_rules.
 */
#include "judge/cause.h"

#include <string.h>

#define SEES(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define AT_RECEIVER false
#define AT_SENDER true

/* Columns: id, name, severity, what is seen, by whom, summary, clause, advice, who could tell. */
const struct cause_info cause_infos[CAUSES] = {
    [CAUSE_UNKNOWN] = {CAUSE_UNKNOWN, "unknown", SEVERITY_NOTICE, SEES(APP_END), AT_RECEIVER,
		       "packets of the connection are there, and no rule fits them", "",
		       "Capture at both ends, from before the connection on.", ""},
    [CAUSE_REFUSED] =
	{CAUSE_REFUSED, "refused", SEVERITY_PROBLEM, SEES(APP_ECONNREFUSED), AT_RECEIVER,
	 "nobody listens on the port", "9293 3.10.7.1",
	 "Is the service running, on this address and port (ss -ltn)? A container or "
	 "NAT mapping may point elsewhere.",
	 "the server: a firewall of its own counts what it rejects (nft list ruleset)"},
    [CAUSE_FIREWALL_REJECT] =
	{CAUSE_FIREWALL_REJECT, "firewall-reject", SEVERITY_PROBLEM,
	 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
	 "a box in the path reset it in the name of the endpoint", "",
	 "Look for a reject rule or a security appliance on the way (nft list ruleset).",
	 "a capture at the endpoint that the RST claims to come from: it never sent it"},
    [CAUSE_HANDSHAKE_ABANDONED] =
	{CAUSE_HANDSHAKE_ABANDONED, "handshake-abandoned", SEVERITY_PROBLEM, SEES(APP_ETIMEDOUT),
	 AT_SENDER, "the client had given up before the SYN-ACK came", "9293 3.10.7.1",
	 "Raise the client's connect time-out, or find what delays or loses the handshake.", ""},
    [CAUSE_SYN_ACK_UNEXPECTED] =
	{CAUSE_SYN_ACK_UNEXPECTED, "syn-ack-unexpected", SEVERITY_SUSPICIOUS, SEES(APP_NONE),
	 AT_RECEIVER, "a half-open scan: the SYN was hand-made, and its kernel knew nothing of it",
	 "9293 3.10.7.1", "Who scans here? rstprobe, nmap -sS, masscan and zmap look like this.",
	 "the client: was there a socket?"},
    [CAUSE_SYNACK_UNSOLICITED] =
	{CAUSE_SYNACK_UNSOLICITED, "synack-unsolicited", SEVERITY_SUSPICIOUS, SEES(APP_NONE),
	 AT_RECEIVER, "a SYN-ACK came to a host that had sent no SYN", "9293 3.10.7.1",
	 "Backscatter of SYNs with a forged source, or the SYN took a way that is not captured.",
	 "a capture on all ways out of the host"},
    [CAUSE_STALE_CONNECTION] =
	{CAUSE_STALE_CONNECTION, "stale-connection", SEVERITY_NOTICE, SEES(APP_ECONNRESET),
	 AT_RECEIVER, "the other end still held an older connection on the same ports",
	 "9293 3.5.1 figure 9",
	 "The client rebooted, or it or a NAT reuses ports too fast; the next SYN succeeds.", ""},
    [CAUSE_BAD_SYNACK] =
	{CAUSE_BAD_SYNACK, "bad-synack", SEVERITY_SUSPICIOUS, SEES(APP_NONE), AT_RECEIVER,
	 "the SYN-ACK acknowledges a number that was never sent", "9293 3.10.7.3",
	 "A forged answer, a broken proxy or load balancer, or a duplicate address.", ""},
    [CAUSE_SYN_CANCELLED] = {CAUSE_SYN_CANCELLED, "syn-cancelled", SEVERITY_BENIGN, SEES(APP_NONE),
			     AT_RECEIVER, "the client took its SYN back before any answer", "",
			     "Happy eyeballs' slower half, or a scanner.", ""},
    [CAUSE_BACKLOG_OVERFLOW] =
	{CAUSE_BACKLOG_OVERFLOW, "backlog-overflow", SEVERITY_PROBLEM,
	 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
	 "the listener's accept queue was full when the handshake ended", "",
	 "The service accepts too slowly: nstat TcpExtListenOverflows, ss -ltn (Recv-Q against "
	 "Send-Q), somaxconn, the backlog, net.ipv4.tcp_abort_on_overflow.",
	 "the server: nstat TcpExtListenOverflows"},
    [CAUSE_LISTEN_ACK] =
	{CAUSE_LISTEN_ACK, "listen-ack", SEVERITY_NOTICE, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "a segment came to a port in LISTEN, of a connection that is not known there",
	 "9293 3.10.7.2 second",
	 "The process that had the connection died and another listens, a SYN cookie expired, or "
	 "it "
	 "was an ACK scan.",
	 "the server's kernel: tcp:tcp_send_reset says TCP_FLAGS for a listener"},
    [CAUSE_UNREAD_DATA_CLOSE] =
	{CAUSE_UNREAD_DATA_CLOSE, "unread-data-close", SEVERITY_PROBLEM,
	 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER, "it closed with received data unread",
	 "9293 3.6.1",
	 "Read to the end before close(), or shutdown(SHUT_WR) and drain; a crash or kill looks "
	 "the "
	 "same.",
	 "its sender's host: nstat TcpExtTCPAbortOnClose against TcpExtTCPAbortOnData"},
    [CAUSE_ABORT_LINGER] =
	{CAUSE_ABORT_LINGER, "abort-linger", SEVERITY_NOTICE, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "it aborted on purpose (SO_LINGER with time 0)", "9293 3.10.5",
	 "Look for SO_LINGER {1,0}, an abortive close, or a proxy that aborts.",
	 "its sender's host: nstat TcpExtTCPAbortOnData against TcpExtTCPAbortOnClose"},
    [CAUSE_ABORT_CLOSE] =
	{CAUSE_ABORT_CLOSE, "abort-close", SEVERITY_NOTICE, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "the application, or its end, aborted the connection", "9293 3.6.1",
	 "Why does it not close in order: data left unread, SO_LINGER 0, a crash?",
	 "its sender's host: nstat TcpExtTCPAbortOnClose (unread) against TcpExtTCPAbortOnData"},
    [CAUSE_ABORT_PENDING] =
	{CAUSE_ABORT_PENDING, "abort-pending", SEVERITY_PROBLEM, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "it aborted while data of its own were not delivered yet", "9293 3.10.5",
	 "Data are lost. Was the receiver too slow, or a time-out of the sender's too short?", ""},
    [CAUSE_ABORT_NO_DATA] =
	{CAUSE_ABORT_NO_DATA, "abort-no-data", SEVERITY_BENIGN, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "connected and aborted without an octet", "9293 3.10.5",
	 "A health check or a connect() scan; from the server, a service that went down.", ""},
    [CAUSE_LISTENER_CLOSED] =
	{CAUSE_LISTENER_CLOSED, "listener-closed", SEVERITY_PROBLEM,
	 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
	 "the listener was closed with connections that nobody had accepted", "",
	 "The service stopped or restarted: let it accept and close what waits first.",
	 "the server: when did the process end?"},
    [CAUSE_ABORT_IDLE] =
	{CAUSE_ABORT_IDLE, "abort-idle", SEVERITY_NOTICE, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "it aborted a connection that had been silent", "",
	 "Compare the silence with the idle timers of the application, its pool and the proxies "
	 "between.",
	 "captures at both ends: did the sender's own host send it?"},
    [CAUSE_ABORT_AFTER_FIN] =
	{CAUSE_ABORT_AFTER_FIN, "abort-after-fin", SEVERITY_BENIGN, SEES(APP_NONE), AT_RECEIVER,
	 "it aborted after the other end had closed", "9293 3.10.5",
	 "Usual for browsers and for Windows services; harmless unless its data were still wanted.",
	 ""},
    [CAUSE_FIN_THEN_ABORT] =
	{CAUSE_FIN_THEN_ABORT, "fin-then-abort", SEVERITY_NOTICE, SEES(APP_EOF), AT_RECEIVER,
	 "it closed its direction first and aborted then", "9293 3.6.1",
	 "shutdown(SHUT_WR), then close() with data unread or a linger time over: drain first.",
	 ""},
    [CAUSE_KEEPALIVE_FAIL] =
	{CAUSE_KEEPALIVE_FAIL, "keepalive-fail", SEVERITY_PROBLEM, SEES(APP_ETIMEDOUT), AT_SENDER,
	 "keep-alive probes were not answered", "9293 3.8.4",
	 "The peer is dead, or a NAT or firewall between has forgotten the connection.", ""},
    [CAUSE_RETRANSMIT_GIVEUP] =
	{CAUSE_RETRANSMIT_GIVEUP, "retransmit-giveup", SEVERITY_PROBLEM, SEES(APP_ETIMEDOUT),
	 AT_SENDER, "it gave up after retransmissions that nobody acknowledged", "9293 3.8.3",
	 "A black hole on the way, an MTU problem, or a dead peer. (Linux gives up in silence.)",
	 ""},
    [CAUSE_SOCK_DESTROY] =
	{CAUSE_SOCK_DESTROY, "sock-destroy", SEVERITY_NOTICE, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "the socket was destroyed from outside", "",
	 "ss -K, tcpkill or an orchestrator: its own application got ECONNABORTED.", ""},
    [CAUSE_MPTCP_RESET] = {CAUSE_MPTCP_RESET, "mptcp-reset", SEVERITY_NOTICE, SEES(APP_NONE),
			   AT_RECEIVER, "a subflow of Multipath TCP was closed", "8684 3.6",
			   "The connection may live on by its other subflows; the option says why.",
			   ""},
    [CAUSE_MPTCP_FASTCLOSE] = {CAUSE_MPTCP_FASTCLOSE, "mptcp-fastclose", SEVERITY_NOTICE,
			       SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			       "a whole connection of Multipath TCP was aborted", "8684 3.5",
			       "What an abort is on one path, for all of its subflows.", ""},
    [CAUSE_DATA_AFTER_CLOSE] =
	{CAUSE_DATA_AFTER_CLOSE, "data-after-close", SEVERITY_NOTICE, SEES(APP_WRITE_OK, APP_EPIPE),
	 AT_RECEIVER, "data came to an end that had closed already", "9293 3.6.1",
	 "The writer overlooked the end of file: read() gave 0 before. A TLS close_notify here is "
	 "harmless.",
	 ""},
    [CAUSE_LATE_AFTER_CLOSE] = {CAUSE_LATE_AFTER_CLOSE, "late-after-close", SEVERITY_BENIGN,
				SEES(APP_NONE), AT_RECEIVER,
				"an ACK or FIN came after both had finished", "9293 3.10.7.1",
				"Harmless.", ""},
    [CAUSE_HALF_OPEN] = {CAUSE_HALF_OPEN, "half-open", SEVERITY_PROBLEM,
			 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			 "the other end no longer knows the connection, and nobody had said so",
			 "9293 3.5.1 figure 10",
			 "It rebooted, its process died unseen, or a load balancer, NAT or "
			 "failover lost the state; "
			 "compare the silence with idle timers.",
			 "captures at both ends; the host's uptime and the process's start"},
    [CAUSE_RST_LOST_REPEAT] =
	{CAUSE_RST_LOST_REPEAT, "rst-lost-repeat", SEVERITY_PROBLEM,
	 SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
	 "a RST was lost, and the retransmission drew it again", "9293 3.10.7.1",
	 "RSTs are lost or filtered on the way back: the application waits in vain.", ""},
    [CAUSE_AFTER_RESET] = {CAUSE_AFTER_RESET, "after-reset", SEVERITY_BENIGN, SEES(APP_NONE),
			   AT_RECEIVER, "an answer to what was in flight when it was reset",
			   "9293 3.10.7.1", "Belongs to the RST before it.", ""},
    [CAUSE_TIME_WAIT] = {CAUSE_TIME_WAIT, "time-wait", SEVERITY_BENIGN, SEES(APP_NONE), AT_RECEIVER,
			 "an ACK out of TIME-WAIT was reset", "1337",
			 "Harmless unless ports are reused at once (RFC 1337).", ""},
    [CAUSE_NO_CONNECTION] = {CAUSE_NO_CONNECTION, "no-connection", SEVERITY_NOTICE,
			     SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			     "a segment of a connection that is not known there", "9293 3.10.7.1",
			     "The capture began later, packets took another way, or it was a scan.",
			     "a capture from before the connection on"},
    [CAUSE_MIDDLEBOX_IDLE] = {CAUSE_MIDDLEBOX_IDLE, "middlebox-idle", SEVERITY_PROBLEM,
			      SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			      "a box between ended a silent connection", "",
			      "Raise its idle timer or send keep-alives more often than that.",
			      "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_SYN] = {CAUSE_INJECTED_SYN, "injected-syn", SEVERITY_SUSPICIOUS,
			    SEES(APP_ECONNREFUSED), AT_RECEIVER,
			    "a third party answered the SYN by a RST; the real answer followed", "",
			    "Some device on the way forges RSTs: compare TTLs along the path.",
			    "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_RACE] =
	{CAUSE_INJECTED_RACE, "injected-race", SEVERITY_SUSPICIOUS, SEES(APP_ECONNRESET, APP_EPIPE),
	 AT_RECEIVER, "a third party sent it in the endpoint's name, and the endpoint went on", "",
	 "Some device on the way forges RSTs: compare TTLs along the path.",
	 "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_MULTI] = {CAUSE_INJECTED_MULTI, "injected-multi", SEVERITY_SUSPICIOUS,
			      SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			      "a third party sent several, guessing at the sequence number", "",
			      "Some device on the way forges RSTs: compare TTLs along the path.",
			      "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_LATE] =
	{CAUSE_INJECTED_LATE, "injected-late", SEVERITY_SUSPICIOUS, SEES(APP_NONE), AT_RECEIVER,
	 "a third party sent it, too late: its sequence number was used already", "",
	 "Some device on the way forges RSTs: compare TTLs along the path.",
	 "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_ACK] = {CAUSE_INJECTED_ACK, "injected-ack", SEVERITY_SUSPICIOUS,
			    SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			    "a third party sent it: it acknowledges what was never sent", "",
			    "Some device on the way forges RSTs: compare TTLs along the path.",
			    "captures at both ends: neither sent it"},
    [CAUSE_INJECTED_BLIND] =
	{CAUSE_INJECTED_BLIND, "injected-blind", SEVERITY_SUSPICIOUS, SEES(APP_NONE), AT_RECEIVER,
	 "a third party guessed a sequence number in the window", "5961 3.2",
	 "Somebody tries to reset connections blindly; a stack of today challenges it.",
	 "captures at both ends: neither sent it"},
    [CAUSE_VENDOR_REPORTED] = {CAUSE_VENDOR_REPORTED, "vendor-reported", SEVERITY_NOTICE,
			       SEES(APP_ECONNRESET, APP_EPIPE), AT_RECEIVER,
			       "a device says itself why it reset", "1122 4.2.2.12",
			       "Read what it says: nothing else in the capture tells more.", ""},
    [CAUSE_DUP_FRAME] = {CAUSE_DUP_FRAME, "dup-frame", SEVERITY_BENIGN, SEES(APP_NONE), AT_RECEIVER,
			 "the same frame, captured twice", "", "No second RST.", ""},
    [CAUSE_MALFORMED] = {CAUSE_MALFORMED, "malformed", SEVERITY_SUSPICIOUS, SEES(APP_NONE),
			 AT_RECEIVER, "RST together with SYN or FIN: no stack sends that", "",
			 "A scanner, a fuzzer, or damage.", ""},
    [CAUSE_NO_CONTEXT] = {CAUSE_NO_CONTEXT, "no-context", SEVERITY_NOTICE, SEES(APP_END),
			  AT_RECEIVER, "no other packet of this connection is in the capture", "",
			  "Begin the capture earlier, or raise --max-flows if flows were evicted.",
			  "a capture from before the connection on"},
};

const char *cause_name(enum cause c)
{
	return cause_infos[c].name;
}

bool cause_is_third_party(enum cause c)
{
	return c == CAUSE_FIREWALL_REJECT ||
	       (c >= CAUSE_MIDDLEBOX_IDLE && c <= CAUSE_INJECTED_BLIND);
}

int cause_parse(const char *word, enum cause *out)
{
	for (size_t i = 0; i < CAUSES; i++) {
		if (strcmp(cause_infos[i].name, word) == 0) {
			*out = (enum cause)i;
			return 0;
		}
	}
	return -1;
}

const char *severity_name(enum severity s)
{
	static const char *const names[] = {"benign", "notice", "problem", "suspicious"};

	return names[s];
}

const char *sureness_name(enum sureness s)
{
	static const char *const names[] = {"possible", "likely", "certain"};

	return names[s];
}

const char *app_result_name(enum app_result a)
{
	static const char *const names[APP_RESULTS] = {
	    "", "none", "write-ok", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EOF"};

	return names[a];
}
