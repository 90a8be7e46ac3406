/*
 * cause_cases: the table. For each cause at least one conversation that has it and one that nearly
 * has it; what is wanted beyond the cause is what a reader would act on.
 */
#include "unit.h"

#include "cause_cases.h"

const struct cause_case cause_cases[] = {
    /* --- of a connection that never was --- */
    {CAUSE_REFUSED, CAUSE_REFUSED, "nobody listens",
     "> S; < answer;"
     "= refused likely also firewall-reject by 1 from server origin unknown outcome accepted"
     "  sees ECONNREFUSED severity problem root none row 2;"},
    {CAUSE_REFUSED, CAUSE_REFUSED, "nobody listens, and the kernel says so",
     "> S; < answer; kernel NO_SOCKET;"
     "= refused certain alone by 1 origin local clue KERNEL row 1;"},
    {CAUSE_REFUSED, CAUSE_REFUSED, "Windows asks three times before it believes it",
     "> S; < answer; = refused likely by 1 root none;"
     "> retry +0.5; < answer; = refused likely by 3 root 2 sees ECONNREFUSED;"
     "> retry +0.5; < answer; = refused likely by 5 root 2;"},
    {CAUSE_REFUSED, CAUSE_FIREWALL_REJECT, "the host is 4 hops away, the RST comes from none",
     OPEN_2 "> S; < answer ttl 64;"
	    "= firewall-reject likely also refused,injected-syn by 4 origin middlebox"
	    "  clue HOPS sees ECONNREFUSED severity problem row 1;"},
    {CAUSE_REFUSED, CAUSE_ABORT_NO_DATA, "a RST+ACK with ACK = ISN+1, but after a SYN-ACK",
     OPEN "< abort; = abort-no-data likely from server sees ECONNRESET,EPIPE by none;"},

    {CAUSE_FIREWALL_REJECT, CAUSE_FIREWALL_REJECT, "to the SYN, in no time",
     "2> S; 2< S. +0.02; 2> .; 2> P. len 9; 2< . +0.02;"
     "2server ttl 60; 3> S; 3< S. +0.02; 3> .; > S; < answer ttl 63 +0.0001;"
     "= firewall-reject likely also refused by 9 clue TOO_FAST clue HOPS row 1;"},
    {CAUSE_FIREWALL_REJECT, CAUSE_FIREWALL_REJECT, "amid a conversation",
     TALKED "> P. len 10 +5; < answer ttl 64 +0.0001;"
	    "= firewall-reject likely also half-open by 8 from server origin middlebox clue HOPS"
	    "  sees ECONNRESET,EPIPE row 2;"
	    "< P. len 20 +0.02;"},
    {CAUSE_FIREWALL_REJECT, CAUSE_FIREWALL_REJECT, "the port accepts others before and after",
     "2client at 198.51.100.1:5000; 3client at 198.51.100.2:5000;" OPEN_2
     "> S; < answer; = firewall-reject possible also refused by 4 clue LISTENER_ON row 3;" OPEN_3},
    {CAUSE_FIREWALL_REJECT, CAUSE_REFUSED, "the port accepts others before and no more",
     "2client at 198.51.100.1:5000;" OPEN_2
     "> S +5; < answer; = refused likely also firewall-reject noclue LISTENER_ON;"},
    {CAUSE_FIREWALL_REJECT, CAUSE_FIREWALL_REJECT, "a tracker lets an out-of-window segment by",
     TALKED "> P. len 100 seq 200000; < answer;"
	    "= firewall-reject likely also half-open by 8 clue TRACKER row 4;"},
    {CAUSE_FIREWALL_REJECT, CAUSE_HALF_OPEN, "from where the host is, in its time",
     TALKED "> P. len 10 +400; < answer; = half-open likely also firewall-reject noclue HOPS;"},

    {CAUSE_HANDSHAKE_ABANDONED, CAUSE_HANDSHAKE_ABANDONED, "it waits 100 ms, the answer takes 110",
     "> S; < S. +0.11; > answer;"
     "= handshake-abandoned likely also syn-ack-unexpected by 2 from client origin endpoint"
     "  sees ETIMEDOUT@ severity problem clue HANDSHAKE noclue RAW_SYN;"},
    {CAUSE_HANDSHAKE_ABANDONED, CAUSE_SYN_ACK_UNEXPECTED, "no kernel sends such a SYN",
     "> S bare nodf id 54321 win 1024; < S.; > answer;"
     "= syn-ack-unexpected likely also handshake-abandoned by 2 from client;"},

    {CAUSE_SYN_ACK_UNEXPECTED, CAUSE_SYN_ACK_UNEXPECTED, "a half-open scanner",
     "client ttl 255; > S bare win 1024; < S.; > answer ttl 64 +0.0001;"
     "= syn-ack-unexpected likely also handshake-abandoned by 2 from client severity suspicious"
     "  sees none clue RAW_SYN noclue MANY_TARGETS;"},
    {CAUSE_SYN_ACK_UNEXPECTED, CAUSE_SYN_ACK_UNEXPECTED, "one oddity, and many ports asked",
     "2server at 192.0.2.7:1; 3server at 192.0.2.7:2; 4server at 192.0.2.7:3;"
     "5server at 192.0.2.7:4; 6server at 192.0.2.7:5; 7server at 192.0.2.7:6;"
     "8server at 192.0.2.7:7; 9server at 192.0.2.7:8;"
     "2> S bare; 3> S bare; 4> S bare; 5> S bare; 6> S bare; 7> S bare; 8> S bare; 9> S bare;"
     "> S bare win 29200; < S.; > answer;"
     "= syn-ack-unexpected likely clue MANY_TARGETS clue RAW_SYN;"},
    {CAUSE_SYN_ACK_UNEXPECTED, CAUSE_HANDSHAKE_ABANDONED, "one oddity alone is none",
     "> S bare win 29200; < S.; > answer; = handshake-abandoned likely;"},

    {CAUSE_SYNACK_UNSOLICITED, CAUSE_SYNACK_UNSOLICITED, "backscatter",
     "< S.; > answer;"
     "= synack-unsolicited likely by 1 from client severity suspicious sees none;"},
    {CAUSE_SYNACK_UNSOLICITED, CAUSE_HANDSHAKE_ABANDONED, "it had asked",
     "> S; < S.; > answer; = handshake-abandoned likely by 2;"},

    {CAUSE_STALE_CONNECTION, CAUSE_STALE_CONNECTION, "an older connection, not in the capture",
     "> S; < . seq 400000 ack 300000; > answer;"
     "= stale-connection likely alone by 2 from client outcome accepted sees ECONNRESET"
     "  severity notice row 2;"
     "> retry +1; < S.; > .;"},
    {CAUSE_STALE_CONNECTION, CAUSE_STALE_CONNECTION, "the client has rebooted",
     TALKED "> S isn 3000000 dropped +60; < .; > answer;"
	    "= stale-connection likely alone by 9 from client clue OLD_LIVED outcome accepted"
	    "  sees ECONNRESET row 1;"
	    "> retry +1; < S. isn 9000000; > .;"},
    {CAUSE_STALE_CONNECTION, CAUSE_BAD_SYNACK, "it is a SYN-ACK that is wrong",
     "> S; < S. ack 300000; > answer; = bad-synack likely;"},

    {CAUSE_BAD_SYNACK, CAUSE_BAD_SYNACK, "acknowledges what was never sent",
     "> S; < S. ack 5; > answer; = bad-synack likely alone by 2 from client severity suspicious;"},
    {CAUSE_BAD_SYNACK, CAUSE_HANDSHAKE_ABANDONED, "acknowledges the SYN",
     "> S; < S. ack 1; > answer; = handshake-abandoned likely;"},

    {CAUSE_SYN_CANCELLED, CAUSE_SYN_CANCELLED, "taken back before any answer",
     "> S; > R +0.05; = syn-cancelled likely by none from client severity benign sees none;"},
    {CAUSE_SYN_CANCELLED, CAUSE_HANDSHAKE_ABANDONED, "taken back at the answer",
     "> S; < S.; > answer; = handshake-abandoned likely;"},
    {CAUSE_SYN_CANCELLED, CAUSE_ABORT_CLOSE, "half of the capture is missing",
     "> S; < S. unseen; > .; > P. len 100; < . unseen; < P. len 9 unseen; > .; > abort;"
     "= abort-close possible fact ONE_SIDED clue ONE_SIDED from client;"},

    {CAUSE_BACKLOG_OVERFLOW, CAUSE_BACKLOG_OVERFLOW, "the ACK of the handshake is reset",
     OPEN "< answer;"
	  "= backlog-overflow likely also half-open,firewall-reject by 3 from server"
	  "  origin endpoint sees ECONNRESET,EPIPE severity problem row 2;"},
    {CAUSE_BACKLOG_OVERFLOW, CAUSE_BACKLOG_OVERFLOW, "the kernel's word, which misleads",
     OPEN "< answer; kernel listener INVALID_SYN TCP_LISTEN;"
	  "= backlog-overflow certain alone by 3 origin local clue KERNEL row 1;"},
    {CAUSE_BACKLOG_OVERFLOW, CAUSE_BACKLOG_OVERFLOW, "the client's first data are quicker",
     OPEN "> P. len 10 +0.0001; < answer; = backlog-overflow possible also half-open row 3;"},
    {CAUSE_BACKLOG_OVERFLOW, CAUSE_HALF_OPEN, "half a minute later it is no handshake any more",
     OPEN "> P. len 10 +30; < answer; = half-open likely by 4 clue GAP;"},

    {CAUSE_LISTEN_ACK, CAUSE_LISTEN_ACK, "an ACK of no connection, to a port that accepts",
     OPEN_2 "> .; < answer;"
	    "= listen-ack likely also half-open by 4 from server clue LISTENER severity notice"
	    "  row 2;"},
    {CAUSE_LISTEN_ACK, CAUSE_LISTEN_ACK, "the kernel says that it was a listener",
     "> .; < answer; kernel listener TCP_FLAGS TCP_LISTEN;"
     "= listen-ack certain alone by 1 from unknown clue KERNEL row 1;"},
    {CAUSE_LISTEN_ACK, CAUSE_HALF_OPEN, "the connection was there; the child died, another listens",
     TALKED OPEN_2 "> P. len 10 +5; < answer;"
		   "= half-open likely also listen-ack by 11 clue LISTENER;"},
    {CAUSE_LISTEN_ACK, CAUSE_NO_CONNECTION, "nothing shows that the port accepts",
     "> .; < answer; = no-connection likely also listen-ack,half-open by 1 noclue LISTENER;"},

    /* --- an endpoint aborts --- */
    {CAUSE_UNREAD_DATA_CLOSE, CAUSE_UNREAD_DATA_CLOSE, "the window grows in the RST",
     OPEN "> P. len 5000; < . win 460; < abort win 502 +0.2;"
	  "= unread-data-close likely also abort-linger by 4 from server origin endpoint"
	  "  outcome accepted sees ECONNRESET,EPIPE severity problem clue WINDOW_GREW"
	  "  clue UNANSWERED row 2;"},
    {CAUSE_UNREAD_DATA_CLOSE, CAUSE_UNREAD_DATA_CLOSE, "the kernel's word",
     ASKED "< abort; kernel TCP_ABORT_ON_CLOSE TCP_CLOSE;"
	   "= unread-data-close certain alone by 4 origin local row 1;"},
    {CAUSE_UNREAD_DATA_CLOSE, CAUSE_ABORT_LINGER, "the window grows; but the kernel says linger",
     OPEN "> P. len 5000; < . win 460; < abort win 502 +0.2; kernel TCP_STATE TCP_CLOSE;"
	  "= abort-linger certain alone;"},
    {CAUSE_UNREAD_DATA_CLOSE, CAUSE_ABORT_CLOSE, "nothing but the number of answers",
     ASKED "< abort; = abort-close likely also unread-data-close,abort-linger by 4"
	   "  noclue WINDOW_GREW clue UNANSWERED;"},

    {CAUSE_ABORT_LINGER, CAUSE_ABORT_LINGER, "the kernel's word",
     TALKED "< abort; kernel TCP_STATE TCP_CLOSE;"
	    "= abort-linger certain alone by none severity notice sees ECONNRESET,EPIPE;"},
    {CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE, "the same packets, another word",
     TALKED "< abort; kernel TCP_ABORT_ON_CLOSE TCP_CLOSE; = unread-data-close certain alone;"},
    {CAUSE_ABORT_LINGER, CAUSE_SOCK_DESTROY, "the same word, in ESTABLISHED",
     TALKED "< abort; kernel TCP_STATE TCP_ESTABLISHED; = sock-destroy likely also abort-linger;"},

    {CAUSE_ABORT_CLOSE, CAUSE_ABORT_CLOSE, "the request was read, or was not",
     ASKED "< abort;"
	   "= abort-close likely also unread-data-close,abort-linger,sock-destroy by 4 from server"
	   "  outcome accepted sees ECONNRESET,EPIPE severity problem row 2;"},
    {CAUSE_ABORT_CLOSE, CAUSE_ABORT_CLOSE, "answered, and aborted",
     TALKED "< abort; = abort-close likely also abort-linger,unread-data-close by none row 3;"},
    {CAUSE_ABORT_CLOSE, CAUSE_ABORT_CLOSE, "the client has its answer, and aborts",
     TALKED "> abort; = abort-close likely also abort-linger,unread-data-close by none from client"
	    "  noclue UNANSWERED row 1;"},
    {CAUSE_ABORT_CLOSE, CAUSE_ABORT_CLOSE, "old stacks abort by a bare RST",
     TALKED "< R +5; = abort-close possible also abort-linger by none row 4;"},
    {CAUSE_ABORT_CLOSE, CAUSE_ABORT_CLOSE, "only the other direction is there",
     "> P. len 10; < . unseen; < P. len 700 unseen; > .; < abort;"
     "= abort-close possible clue ONE_SIDED row 5;"},
    {CAUSE_ABORT_CLOSE, CAUSE_HALF_OPEN, "in the form of an answer",
     TALKED "> P. len 10; < answer; = half-open likely;"},

    {CAUSE_ABORT_PENDING, CAUSE_ABORT_PENDING, "its data were not acknowledged",
     ASKED "< P. len 3000 dropped; < abort +0.5;"
	   "= abort-pending likely also abort-linger from server lost 3000 clue UNACKED"
	   "  severity problem row 1;"},
    {CAUSE_ABORT_PENDING, CAUSE_ABORT_PENDING, "the window was closed",
     ASKED "< P. len 500; > . win 0; < abort +1;"
	   "= abort-pending likely also abort-linger clue ZERO_WINDOW row 2;"},
    {CAUSE_ABORT_PENDING, CAUSE_ABORT_CLOSE, "all was acknowledged",
     ASKED "< P. len 3000; > .; < abort +0.5; = abort-close likely noclue UNACKED lost 0;"},

    {CAUSE_ABORT_NO_DATA, CAUSE_ABORT_NO_DATA, "a health check",
     OPEN "> abort; = abort-no-data likely also abort-linger from client severity benign row 2;"},
    {CAUSE_ABORT_NO_DATA, CAUSE_ABORT_NO_DATA, "the server drops who connects",
     OPEN "< abort;"
	  "= abort-no-data likely also listener-closed from server severity notice by none row 1;"},
    {CAUSE_ABORT_NO_DATA, CAUSE_LISTENER_CLOSED, "three at once",
     OPEN OPEN_2 OPEN_3 "< abort +1; = listener-closed likely;"
			"2< abort; = listener-closed likely; 3< abort; = listener-closed likely;"},
    {CAUSE_ABORT_NO_DATA, CAUSE_ABORT_CLOSE, "one octet was sent",
     OPEN "> P. len 1; < .; < abort; = abort-close likely;"},

    {CAUSE_LISTENER_CLOSED, CAUSE_LISTENER_CLOSED, "three connections in the queue",
     OPEN OPEN_2 OPEN_3
     "< abort +1; = listener-closed likely also abort-no-data from server severity problem"
     "  burst 3 row 1;"
     "2< abort; = listener-closed likely burst 3; 3< abort; = listener-closed likely burst 3;"},
    {CAUSE_LISTENER_CLOSED, CAUSE_LISTENER_CLOSED, "... with requests that nobody read",
     OPEN "> P. len 9; < .;" OPEN_2 "2> P. len 9; 2< .;" OPEN_3 "3> P. len 9; 3< .;"
	  "< abort +1; = listener-closed likely also unread-data-close row 2;"
	  "2< abort; = listener-closed likely; 3< abort; = listener-closed likely;"},
    {CAUSE_LISTENER_CLOSED, CAUSE_ABORT_NO_DATA, "two are no burst",
     OPEN OPEN_2 "< abort +1; = abort-no-data likely also listener-closed;"
		 "2< abort; = abort-no-data likely burst 0;"},
    {CAUSE_LISTENER_CLOSED, CAUSE_ABORT_NO_DATA, "three, a second and more from each other",
     OPEN OPEN_2 OPEN_3 "< abort +1; = abort-no-data likely; 2< abort +1.1;"
			"= abort-no-data likely; 3< abort +1.1; = abort-no-data likely;"},

    {CAUSE_ABORT_IDLE, CAUSE_ABORT_IDLE, "a minute of silence",
     TALKED "< abort +60;"
	    "= abort-idle likely also middlebox-idle,abort-linger by none from server"
	    "  clue GAP clue IDLE_TIMER severity notice;"},
    {CAUSE_ABORT_IDLE, CAUSE_KEEPALIVE_FAIL, "silence that was asked into",
     TALKED "< keepalive +60 dropped; < keepalive +1 dropped; < keepalive +1 dropped;"
	    "< abort +12; = keepalive-fail likely;"},
    {CAUSE_ABORT_IDLE, CAUSE_MIDDLEBOX_IDLE, "not from where the server is",
     TALKED "< abort ttl 255 +240; = middlebox-idle likely;"},

    {CAUSE_ABORT_AFTER_FIN, CAUSE_ABORT_AFTER_FIN, "the client has closed, the server aborts",
     TALKED "> F.; < .; < abort;"
	    "= abort-after-fin likely also unread-data-close by none from server sees none"
	    "  severity benign;"},
    {CAUSE_ABORT_AFTER_FIN, CAUSE_FIN_THEN_ABORT, "it had closed itself",
     TALKED "> F.; < .; < F.; < abort +1; = fin-then-abort likely;"},

    {CAUSE_FIN_THEN_ABORT, CAUSE_FIN_THEN_ABORT, "shutdown, then close with data unread",
     TALKED "< F.; > .; < abort; = fin-then-abort likely alone from server sees EOF"
	    "  severity notice;"},
    {CAUSE_FIN_THEN_ABORT, CAUSE_DATA_AFTER_CLOSE, "data had come in between",
     TALKED "< F.; > .; > P. len 50 +1; < abort; = data-after-close likely;"},
    {CAUSE_FIN_THEN_ABORT, CAUSE_ABORT_AFTER_FIN, "the FIN was the other's",
     TALKED "> F.; < .; < abort; = abort-after-fin likely;"},

    {CAUSE_KEEPALIVE_FAIL, CAUSE_KEEPALIVE_FAIL, "three probes, no answer",
     TALKED "< keepalive +60 dropped; < keepalive +1 dropped; < keepalive +1 dropped; < abort +1;"
	    "= keepalive-fail likely alone from server sees ETIMEDOUT@ clue PROBES"
	    "  severity problem row 2;"},
    {CAUSE_KEEPALIVE_FAIL, CAUSE_KEEPALIVE_FAIL, "its probes are not in the capture",
     TALKED "< abort +63; kernel TCP_KEEPALIVE_TIMEOUT TCP_ESTABLISHED;"
	    "= keepalive-fail certain alone noclue PROBES row 1;"},
    {CAUSE_KEEPALIVE_FAIL, CAUSE_ABORT_IDLE, "its probes were answered",
     TALKED "< keepalive +60; > .; < keepalive +60; > .; < keepalive +60; > .; < abort +60;"
	    "= abort-idle likely noclue PROBES;"},
    {CAUSE_KEEPALIVE_FAIL, CAUSE_RETRANSMIT_GIVEUP, "a request of one octet, sent again",
     TALKED "> P. len 1 dropped; > retry +0.3 dropped; > retry +0.6 dropped; > abort +1.2;"
	    "= retransmit-giveup likely noclue PROBES clue REPEATS;"},

    {CAUSE_RETRANSMIT_GIVEUP, CAUSE_RETRANSMIT_GIVEUP, "three times the same, no answer",
     TALKED "< P. len 100 dropped; < retry +0.3 dropped; < retry +0.6 dropped;"
	    "< retry +1.2 dropped; < abort +2.4;"
	    "= retransmit-giveup likely also abort-pending from server sees ETIMEDOUT@"
	    "  clue REPEATS severity problem lost 100;"},
    {CAUSE_RETRANSMIT_GIVEUP, CAUSE_ABORT_PENDING, "Linux gives up in silence: it was told to",
     TALKED "< P. len 100 dropped; < retry +0.3 dropped; < retry +0.6 dropped; < abort +0.5;"
	    "kernel TCP_STATE TCP_CLOSE; = abort-pending likely;"},
    {CAUSE_RETRANSMIT_GIVEUP, CAUSE_ABORT_CLOSE, "the retransmission was acknowledged",
     TALKED "< P. len 100 dropped; < retry +0.3 dropped; < retry +0.6; > .; < abort;"
	    "= abort-close likely noclue REPEATS;"},

    {CAUSE_SOCK_DESTROY, CAUSE_SOCK_DESTROY, "ss -K",
     TALKED "< abort; kernel TCP_STATE TCP_ESTABLISHED;"
	    "= sock-destroy likely also abort-linger severity notice;"},
    {CAUSE_SOCK_DESTROY, CAUSE_ABORT_LINGER, "closed by its own application",
     TALKED "< abort; kernel TCP_STATE TCP_CLOSE; = abort-linger certain;"},

    {CAUSE_MPTCP_RESET, CAUSE_MPTCP_RESET, "its option is all that there is",
     "< R. tcprst 2; = mptcp-reset likely clue MPTCP_REASON sees none;"},
    {CAUSE_MPTCP_RESET, CAUSE_ABORT_CLOSE, "where more is known it is a clue",
     TALKED "< abort tcprst 2; = abort-close likely clue MPTCP_REASON;"},
    {CAUSE_MPTCP_FASTCLOSE, CAUSE_MPTCP_FASTCLOSE, "its option is all that there is",
     "< R. fastclose; = mptcp-fastclose likely sees ECONNRESET,EPIPE;"},
    {CAUSE_MPTCP_FASTCLOSE, CAUSE_MPTCP_RESET, "the other option",
     "< R. tcprst 0; = mptcp-reset likely;"},

    /* --- an answer to a segment of a connection that is no more --- */
    {CAUSE_DATA_AFTER_CLOSE, CAUSE_DATA_AFTER_CLOSE, "the writer did not see the end",
     TALKED "< F.; > .; > P. len 50 +1; < answer;"
	    "= data-after-close certain alone by 10 from server sees write-ok,EPIPE"
	    "  severity notice noclue CLOSE_NOTIFY row 1;"},
    {CAUSE_DATA_AFTER_CLOSE, CAUSE_DATA_AFTER_CLOSE, "a farewell of TLS to who has left",
     TALKED "< F.; > .; > P. alert +1; < answer;"
	    "= data-after-close certain by 10 severity benign clue CLOSE_NOTIFY;"},
    {CAUSE_DATA_AFTER_CLOSE, CAUSE_DATA_AFTER_CLOSE, "Windows answers by RST+ACK",
     TALKED "< F.; > .; > P. len 50 +1; < abort bare win 0;"
	    "= data-after-close likely also fin-then-abort by 10 sees write-ok,EPIPE row 2;"},
    {CAUSE_DATA_AFTER_CLOSE, CAUSE_LATE_AFTER_CLOSE, "it was but the FIN",
     TALKED "< F.; > .; > F. +90; < answer; = late-after-close likely by 10;"},
    {CAUSE_DATA_AFTER_CLOSE, CAUSE_HALF_OPEN, "there was no FIN",
     TALKED "> P. len 50 +1; < answer; = half-open likely by 8;"},

    {CAUSE_LATE_AFTER_CLOSE, CAUSE_LATE_AFTER_CLOSE, "a keep-alive after the FIN",
     TALKED "< F.; > .; > keepalive +60; < answer;"
	    "= late-after-close likely by 10 severity benign row 1;"},
    {CAUSE_LATE_AFTER_CLOSE, CAUSE_LATE_AFTER_CLOSE, "the ACK of its FIN",
     TALKED "< F.; > .; < answer; = late-after-close likely also fin-then-abort by 9 row 2;"},
    {CAUSE_LATE_AFTER_CLOSE, CAUSE_LATE_AFTER_CLOSE, "the other FIN, too late",
     TALKED "< F.; > .; > F. +90; < answer;"
	    "= late-after-close likely by 10 sees none severity benign row 3;"},
    {CAUSE_LATE_AFTER_CLOSE, CAUSE_TIME_WAIT, "both had closed, and TIME-WAIT speaks",
     TALKED "< F.; > F.; < .; < . +20; > answer; = time-wait likely;"},
    {CAUSE_LATE_AFTER_CLOSE, CAUSE_DATA_AFTER_CLOSE, "one octet of payload",
     TALKED "< F.; > .; > P. len 1 +1; < answer; = data-after-close certain;"},

    {CAUSE_HALF_OPEN, CAUSE_HALF_OPEN, "power loss",
     TALKED "> P. len 80 +350; < answer;"
	    "= half-open likely also listen-ack,firewall-reject by 8 from server origin endpoint"
	    "  outcome accepted sees ECONNRESET,EPIPE severity problem clue GAP clue IDLE_TIMER"
	    "  row 1;"},
    {CAUSE_HALF_OPEN, CAUSE_HALF_OPEN, "it is the client that was forgotten",
     TALKED "< P. len 80 +350; > answer; = half-open likely by 8 from client clue GAP row 2;"},
    {CAUSE_HALF_OPEN, CAUSE_HALF_OPEN, "a keep-alive finds out",
     TALKED "> keepalive +7200; < answer; = half-open likely by 8 fact T_KEEPALIVE;"},
    {CAUSE_HALF_OPEN, CAUSE_LISTEN_ACK, "the connection is not in the capture",
     OPEN_2 "> P. len 80; < answer; = listen-ack likely also half-open by 4;"},
    {CAUSE_HALF_OPEN, CAUSE_BACKLOG_OVERFLOW, "it was never accepted",
     OPEN "< answer; = backlog-overflow likely also half-open;"},

    {CAUSE_RST_LOST_REPEAT, CAUSE_RST_LOST_REPEAT, "the SYN again, a second later",
     "> S; < answer; = refused likely root none followers 1;"
     "> retry +1; < answer; = rst-lost-repeat likely also refused by 3 root 2 row 1;"},
    {CAUSE_RST_LOST_REPEAT, CAUSE_RST_LOST_REPEAT, "data again",
     TALKED "> P. len 10 +400; < answer; = half-open likely root none;"
	    "> retry +0.3; < answer;"
	    "= rst-lost-repeat likely also after-reset by 10 root 9 severity problem"
	    "  clue TRIGGER_REPEAT row 3;"
	    "> retry +0.6; < answer; = rst-lost-repeat likely by 12 root 9;"},
    {CAUSE_RST_LOST_REPEAT, CAUSE_AFTER_RESET, "two segments were in flight",
     TALKED "> P. len 10 +400; > P. len 10 +0.0001; < answer 8; = half-open likely by 8;"
	    "< answer 9 +0.0001; = after-reset certain by 9 root 10;"},
    {CAUSE_RST_LOST_REPEAT, CAUSE_DUP_FRAME, "one RST, captured twice",
     TALKED "> P. len 10 +400; > again; < answer id 7; = half-open likely;"
	    "< again; = dup-frame certain root 10;"},
    {CAUSE_RST_LOST_REPEAT, CAUSE_REFUSED, "Windows, half a second later",
     "> S; < answer; = refused likely; > retry +0.5; < answer; = refused likely root 2;"},

    {CAUSE_RST_LOST_REPEAT, CAUSE_RST_LOST_REPEAT, "a SYN-ACK sent again",
     "> S; < S.; > answer; = handshake-abandoned likely; < retry +1; > answer;"
     "= rst-lost-repeat likely also after-reset by 4 root 3 severity problem row 2;"},
    {CAUSE_AFTER_RESET, CAUSE_AFTER_RESET, "data in flight",
     ASKED "< abort; = abort-close likely followers 1; > P. len 10 +0.0001; < answer;"
	   "= after-reset certain alone by 7 root 6 severity benign sees none row 2;"},
    {CAUSE_AFTER_RESET, CAUSE_AFTER_RESET, "one more, provoked by nothing",
     TALKED "< abort; = abort-close likely; < abort +0.05; = after-reset likely root 8 row 3;"},
    {CAUSE_AFTER_RESET, CAUSE_RST_LOST_REPEAT, "what was reset comes again",
     TALKED "> P. len 10; < answer; = half-open likely; > retry +0.4; < answer;"
	    "= rst-lost-repeat likely;"},

    {CAUSE_TIME_WAIT, CAUSE_TIME_WAIT, "an old duplicate draws an ACK, the ACK a RST",
     TALKED
     "> F.; < F.; > .; > . id 0 +20; < answer;"
     "= time-wait likely also late-after-close by 11 from server severity benign sees none;"},
    {CAUSE_TIME_WAIT, CAUSE_LATE_AFTER_CLOSE, "the ACK that ends the close",
     TALKED "> F.; < F.; > .; < answer; = late-after-close likely by 10;"},

    {CAUSE_NO_CONNECTION, CAUSE_NO_CONNECTION, "a FIN scan of a closed port",
     "> F; < answer; = no-connection certain alone by 1 row 1;"},
    {CAUSE_NO_CONNECTION, CAUSE_NO_CONNECTION, "the capture began later",
     "> P. len 10; < answer;"
     "= no-connection likely also half-open,listen-ack by 1 severity notice clue MID_STREAM row "
     "2;"},
    {CAUSE_NO_CONNECTION, CAUSE_LISTEN_ACK, "the port accepts others",
     OPEN_2 "> P. len 10; < answer; = listen-ack likely;"},
    {CAUSE_NO_CONNECTION, CAUSE_NO_CONTEXT, "what it answers is not there",
     "> P. len 10 unseen; < answer; = no-context possible;"},

    /* --- a third party --- */
    {CAUSE_MIDDLEBOX_IDLE, CAUSE_MIDDLEBOX_IDLE, "from another distance",
     TALKED "< abort ttl 255 +240;"
	    "= middlebox-idle likely also injected-race by none origin middlebox clue HOPS"
	    "  clue IDLE_TIMER severity problem row 1;"},
    {CAUSE_MIDDLEBOX_IDLE, CAUSE_MIDDLEBOX_IDLE, "both directions at once",
     TALKED "< abort bare id 0 +240; = middlebox-idle likely also abort-idle clue BOTH_SIDES row 2;"
	    "> abort bare id 0 +0.0001; = middlebox-idle likely root 8 clue BOTH_SIDES;"},
    {CAUSE_MIDDLEBOX_IDLE, CAUSE_MIDDLEBOX_IDLE, "in another form than all else",
     "v4;" ASKED "< P. len 9; > .; < P. len 9; > .; < P. len 9; > .; < R. win 0 bare id 0 +240;"
     "= middlebox-idle possible also abort-idle clue NO_TS row 3;"},
    {CAUSE_MIDDLEBOX_IDLE, CAUSE_MIDDLEBOX_IDLE, "a hop nearer, and no counter to tell",
     TALKED "server sameid 1; < abort bare ttl 61 id 0 +240;"
	    "= middlebox-idle possible also abort-idle clue HOPS row 4;"},
    {CAUSE_MIDDLEBOX_IDLE, CAUSE_ABORT_IDLE, "from where the server is, in its form",
     TALKED "< abort +240; = abort-idle likely also middlebox-idle;"},

    {CAUSE_INJECTED_SYN, CAUSE_INJECTED_SYN, "the port answers the same SYN, and both go on",
     "> S; < answer;"
     "= injected-syn likely also firewall-reject by 1 from server origin middlebox outcome ignored"
     "  sees none severity suspicious clue SYN_ACK_LATER clue STAGE;"
     "< S. +0.02; > .; > P. len 10; < .;"},
    {CAUSE_INJECTED_SYN, CAUSE_INJECTED_SYN, "the client believed it",
     "> S; < answer; = injected-syn likely by 1 outcome accepted sees ECONNREFUSED;"
     "< S. +0.02; > answer; = after-reset likely by 3 root 2;"},
    {CAUSE_INJECTED_SYN, CAUSE_REFUSED, "a restart: another SYN is answered",
     "> S; < answer; = refused likely; > S isn 90000 +3; < S.; > .;"},
    {CAUSE_INJECTED_SYN, CAUSE_FIREWALL_REJECT, "not the host's distance, and no answer later",
     OPEN_2 "> S; < answer ttl 64; = firewall-reject likely also injected-syn;"},

    {CAUSE_INJECTED_RACE, CAUSE_INJECTED_RACE, "the server's answer comes behind it",
     ASKED "> P. len 10; < abort ttl 57 bare;"
	   "= injected-race likely also firewall-reject from server origin middlebox clue HOPS"
	   "  clue GOES_ON clue STAGE severity suspicious sees ECONNRESET,EPIPE;"
	   "< P. len 700 +0.02;"},
    {CAUSE_INJECTED_RACE, CAUSE_ABORT_CLOSE, "its data were overtaken by it",
     "v4;" ASKED "< P. len 700 lost; < abort; = abort-close likely nofact FOREIGN;"
     "< P. len 700 seq 1 id 20003 +0.00005;"},
    {CAUSE_INJECTED_RACE, CAUSE_FIREWALL_REJECT, "in the form of an answer",
     ASKED "> P. len 10; < answer ttl 64; = firewall-reject likely also injected-race;"
	   "< P. len 700 +0.02;"},

    {CAUSE_INJECTED_MULTI, CAUSE_INJECTED_MULTI, "three guesses",
     TALKED "> P. len 10; < R. ttl 57 bare; = injected-multi likely clue SEQ_SPREAD;"
	    "< R. ttl 57 bare seq ~1460 +0.0001;"
	    "= injected-multi likely also firewall-reject severity suspicious origin middlebox;"
	    "< R. ttl 57 bare seq ~4380 +0.0001; = injected-multi likely;"},
    {CAUSE_INJECTED_MULTI, CAUSE_AFTER_RESET, "two answers around a FIN differ by one",
     TALKED "< F.; > P. len 10 ack 501 +0.0001; < answer; = data-after-close certain by 9;"
	    "> F. ack 502; < answer; = after-reset certain by 11 root 10;"},

    {CAUSE_INJECTED_LATE, CAUSE_INJECTED_LATE, "behind what was sent already",
     TALKED "< P. len 1000; > .; < R. seq ~-1000 ttl 57 bare +0.01;"
	    "= injected-late likely also injected-race by none origin middlebox clue HOPS"
	    "  severity suspicious outcome ignored sees none;"},
    {CAUSE_INJECTED_LATE, CAUSE_DATA_AFTER_CLOSE, "an answer stands where its trigger was",
     TALKED "< P. len 1000; < F.; > P. len 10 ack 501 +0.0001; < answer ;"
	    "= data-after-close certain by 10 fact R_SEQ_BELOW nofact FOREIGN;"},

    {CAUSE_INJECTED_ACK, CAUSE_INJECTED_ACK, "acknowledges 5,000 octets that nobody sent",
     TALKED "< R. ack 5101 ttl 57 bare;"
	    "= injected-ack likely also injected-race origin middlebox clue ACK_BEYOND clue HOPS"
	    "  severity suspicious;"},
    {CAUSE_INJECTED_ACK, CAUSE_ABORT_CLOSE, "the capture lost what it acknowledges",
     TALKED "> P. len 1000 unseen; < abort; = abort-close likely nofact FOREIGN;"},

    {CAUSE_INJECTED_BLIND, CAUSE_INJECTED_BLIND, "in the window, and not exact",
     TALKED "< R. seq ~2000 ttl 50 bare;"
	    "= injected-blind likely also injected-race by none origin middlebox outcome challenged"
	    "  sees none clue IN_WINDOW clue CHALLENGE severity suspicious;"
	    "> .;"},
    {CAUSE_INJECTED_BLIND, CAUSE_ABORT_CLOSE, "data before it were lost before the capture",
     TALKED "< P. len 2000 lost; < abort; = abort-close likely nofact FOREIGN noclue IN_WINDOW;"},

    /* --- the rest --- */
    {CAUSE_VENDOR_REPORTED, CAUSE_VENDOR_REPORTED, "it says so, and nothing else is known",
     "< R. text blocked by policy; = vendor-reported possible clue VENDOR_TEXT;"},
    {CAUSE_VENDOR_REPORTED, CAUSE_VENDOR_REPORTED, "by its window",
     "< R. win 8201; = vendor-reported possible clue WINDOW_CODE;"},
    {CAUSE_VENDOR_REPORTED, CAUSE_ABORT_CLOSE, "where more is known it is a clue",
     ASKED "< abort text Go away, or else; = abort-close likely clue VENDOR_TEXT;"},

    {CAUSE_DUP_FRAME, CAUSE_DUP_FRAME, "a mirror port",
     TALKED "> P. len 9; > again; < .; < abort; = abort-close likely root none followers 0;"
	    "< again; = dup-frame certain alone root 11 severity benign noclue SECOND_POINT;"},
    {CAUSE_DUP_FRAME, CAUSE_DUP_FRAME, "the other side of a router",
     "v4;" TALKED "< abort id 7; = abort-close likely; < again ttl 59;"
     "= dup-frame certain root 8 clue SECOND_POINT;"},
    {CAUSE_DUP_FRAME, CAUSE_AFTER_RESET, "another IP ID is another RST",
     "v4;" TALKED "< abort; = abort-close likely; < abort +0.002; = after-reset likely root 8;"},

    {CAUSE_MALFORMED, CAUSE_MALFORMED, "RST and SYN",
     TALKED "> SR; = malformed certain alone severity suspicious sees none;"},
    {CAUSE_MALFORMED, CAUSE_MALFORMED, "RST and FIN", TALKED "> FR.; = malformed certain;"},
    {CAUSE_MALFORMED, CAUSE_ABORT_CLOSE, "RST and PSH and URG are but odd",
     TALKED "< RPU.; = abort-close likely;"},

    {CAUSE_NO_CONTEXT, CAUSE_NO_CONTEXT, "a RST alone",
     "< R.; = no-context possible alone by none from unknown origin unknown outcome unknown;"},
    {CAUSE_NO_CONTEXT, CAUSE_NO_CONNECTION, "what it answers is there",
     "> .; < answer; = no-connection likely;"},

    {CAUSE_UNKNOWN, CAUSE_UNKNOWN, "packets of the other side, and no relation",
     "> P. len 10; < R seq 77; = unknown possible alone by none severity notice;"},
    {CAUSE_UNKNOWN, CAUSE_NO_CONNECTION, "a relation by its number",
     "> P. len 10 ack 77; < R seq 77; = no-connection likely;"},
};
const size_t cause_case_count = sizeof(cause_cases) / sizeof(cause_cases[0]);
