/*
 * cause_pitfalls: what deceives: numbers, clocks and captures that are not what one expects, and
 * connections that meet on the same ports. No cause in particular is at stake.
 */
#include "unit.h"

#include "cause_cases.h"

const struct pitfall pitfalls[] = {
    {"a close in order says nothing", TALKED "> F.; < F.; > .;"},

    /* --- where it came from --- */
    {"TTL 59 and 123 are both five hops: another initial TTL, the same distance",
     "server ttl 123;" TALKED "> P. len 10 +400; < answer ttl 59;"
     "= half-open likely origin endpoint clue INITIAL_TTL noclue HOPS;"},
    {"a proxy that shakes hands for the server: a RST with the SYN-ACK's TTL is not the server's",
     "server ttl 52; > S; < S. ttl 251; > .; > P. len 9; < .; < P. len 9; > .;"
     "> P. len 9 +5; < answer ttl 251; = firewall-reject likely origin middlebox clue HOPS;"},
    {"the window of a RST without options, as macOS and BSD send it, is not scaled",
     TALKED "> P. len 10; < . win 500; < abort bare win 2048; = abort-close likely"
	    "  nofact R_WIN_GREW noclue WINDOW_GREW;"},
    {"a proxy's own ACK of the handshake is no second path",
     "client ttl 52; > S ttl 251; < S.; > . ttl 251; > P. len 9; < P. len 9; > .;"
     "> abort ttl 251 +181; = middlebox-idle likely origin middlebox clue HOPS;"},
    {"segments by two paths: the RST comes by one of them",
     TALKED "< . ttl 62; < .; > P. len 10 +5; < answer ttl 62;"
	    "= half-open likely origin endpoint nofact FOREIGN noclue HOPS;"},
    {"a third path is none of them", TALKED "< . ttl 62; < .; > P. len 10 +5; < answer ttl 40;"
					    "= firewall-reject likely origin middlebox clue HOPS;"},
    {"one hop nearer, and nothing else: no box for that, and no word for the host either",
     TALKED "> P. len 10 +400; < answer ttl 61; = half-open likely origin unknown clue HOPS;"},
    {"a forged RST ends nothing: the true one that comes later is no follower",
     ASKED "> P. len 10; < abort ttl 57 bare; = injected-race likely root none followers 0;"
	   "< P. len 700 +0.02; > .; > P. len 10; < .;"
	   "< abort +1; = abort-close likely root none;"},
    {"a device forgets to count the SYN: no client takes that",
     "> S; < answer ack 0; = refused likely by 1 outcome ignored sees none;"},
    {"ACK numbers of RSTs without the ACK bit are garbage",
     TALKED "> P. len 10; < answer ack =0xdeadbeef; = half-open likely nofact C_ACK_BEYOND;"},

    /* --- clocks --- */
    {"the answer is stamped 0.9 s before what it answers",
     TALKED "> P. len 10 +400; < answer -0.9; = half-open likely by 8;"},
    {"one direction's clock is late throughout",
     "> S; < S. -0.9; > . +0.9; > P. len 10; < . -0.9; > P. len 10 +0.9; < abort -0.9;"
     "= abort-close likely from server;"},

    /* --- what is not in the capture --- */
    {"only the client's side", "> S; < S. unseen; > .; > P. len 9; < . unseen; < P. len 500 unseen;"
			       "> .; > abort; = abort-close possible clue ONE_SIDED from client;"},
    {"only the server's side",
     "> S unseen; < S.; > . unseen; > P. len 9 unseen; < .; < P. len 500; < abort;"
     "= abort-close possible clue ONE_SIDED from server;"},
    {"only the server's side: what drew the bare RST after its FIN is unseen",
     "> S unseen; < S.; > . unseen; > P. len 9 unseen; < .; < P. len 500; > . unseen; < F.;"
     "> . unseen; > P. len 9 unseen +1; < R bare win 0;"
     "= data-after-close possible also fin-then-abort,late-after-close clue ONE_SIDED;"},
    {"... and without a FIN",
     "> S unseen; < S.; > . unseen; > P. len 9 unseen; < .; < P. len 500; > . unseen;"
     "> P. len 9 unseen +60; < R bare win 0; = half-open possible also abort-close clue "
     "ONE_SIDED;"},
    {"the middle of a conversation",
     "> P. len 9; < P. len 500; > .; > P. len 9; < abort;"
     "= abort-close likely from unknown clue MID_STREAM noclue ONE_SIDED;"},
    {"the capture lost a segment before the abort: no guess at a number",
     TALKED "< P. len 700 unseen; > .; < abort; = abort-close likely outcome accepted;"},

    /* --- segments that look like others --- */
    {"requests of one octet are no keep-alive probes",
     OPEN "> P. len 1; < .; > P. len 1; < .; > P. len 1; < .; > abort;"
	  "= abort-close likely nofact KEEPALIVES noclue PROBES;"},
    {"one lost request of one octet is none either",
     OPEN "> P. len 1 dropped; > retry +0.3 dropped; > abort +1;"
	  "= abort-pending likely nofact KEEPALIVES;"},
    {"segments of 64,000 octets, half acknowledged",
     OPEN "> P. len 64000; < . ack 30001; < abort;"
	  "= abort-close likely lost 34000 nofact C_ACK_BEYOND;"},
    {"a SYN with data, refused", "> S len 20; < answer; = refused likely by 1 outcome accepted;"},
    {"both ask at once: nobody is the client",
     "> S; < S; > S.; < S.; > .; < .; < abort; = abort-close likely from unknown;"},
    {"the second keep-alive finds out, the first was answered",
     TALKED "> keepalive +60; < .; > keepalive +60; < answer; = half-open likely by 10;"},
    {"only the retransmission drew a RST: it is no repeat",
     TALKED "> P. len 10 +400 dropped; > retry +0.3; < answer;"
	    "= half-open likely by 9 root none clue TRIGGER_REPEAT;"},
    {"the answer to a FIN that raced stands one before SND.NXT",
     TALKED "< F. +0.1; > P. len 10 ack 501 +0.0001; < answer;"
	    "= data-after-close certain by 9 fact R_SEQ_BELOW nofact FOREIGN;"},

    /* --- outcome --- */
    {"in the window and not exact: challenged, and the answer to that is exact",
     TALKED "< P. len 1000 lost; < abort +0.05; = abort-close likely outcome challenged"
	    "  sees ECONNRESET,EPIPE;"
	    "> .; < answer; = after-reset certain by 9 root 8 outcome accepted;"},
    {"behind what the receiver has acknowledged: ignored",
     TALKED "< R. seq ~-200; = abort-close likely outcome ignored sees none;"},
    {"the receiver had closed: it sees nothing of it",
     TALKED "> F.; < .; < abort; = abort-after-fin likely outcome accepted sees none;"},

    /* --- frames captured twice --- */
    {"every frame twice, as a mirror of two ports shows them",
     "> S; > again; < S.; < again; > .; > again; > P. len 9; > again; < .; < again;"
     "< abort; = abort-close likely row 2 root none followers 0; < again;"
     "= dup-frame certain root 11;"},
    {"every frame once more behind a router",
     "> S; > again ttl 63; < S.; < again ttl 59; > .; > again ttl 63; > P. len 9;"
     "> again ttl 63; < .; < again ttl 59; < abort; = abort-close likely nofact FOREIGN;"
     "< again ttl 59; = dup-frame certain root 11 clue SECOND_POINT;"},
    {"two answers to two segments in flight are no copies, though alike but for the IP ID of 0",
     TALKED "> P. len 9 +99; > P. len 9 +0.0001; > P. len 9 +0.0001; < answer 8;"
	    "= half-open likely by 8 followers 2; < answer 9 +0.0001; = after-reset certain by 9;"
	    "< answer 10 +0.0001; = after-reset certain by 10 root 11;"},

    /* --- the same ports again --- */
    {"after a RST", TALKED "< abort; = abort-close likely; > S isn 100000 +1; < S. isn 100000; > .;"
			   "> abort; = abort-no-data likely root none from client;"},
    {"after two FINs",
     TALKED "> F.; < F.; > .; > S isn 100000 +1; < answer; = refused likely by 11 root none;"},
    {"without a SYN, hours after the end",
     TALKED "< abort; = abort-close likely; > P. len 9 seq =3000000000 ack =1000000000 +7200;"
	    "< answer; = no-connection likely root none;"},
    {"a blind SYN upon a living connection (RFC 5961, 4.2): it lives on",
     TALKED "> S seq =777 ttl 50 forged; < .; > P. len 10; < .; < abort;"
	    "= abort-close likely from server root none row 2;"},
    {"the RST that a reboot draws out of the old end is not the new connection's",
     TALKED "> S isn 3000000 dropped +60; < .; > answer; = stale-connection likely root none;"
	    "> retry +1; < S. isn 9000000; > .; > P. len 9; < .; < abort;"
	    "= abort-close likely root none from server;"},

    /* --- around --- */
    {"four connections of a host at once, on two ports",
     "2server at 192.0.2.7:81;" TALKED OPEN_2 "2> P. len 9; 2< .; 2< P. len 9; 2> .;"
     "3> S; 3< S.; 3> .; 3> P. len 9; 3< .; 3< P. len 9; 3> .;"
     "4> S; 4< S.; 4> .; 4> P. len 9; 4< .; 4< P. len 9; 4> .;"
     "< abort +1; = abort-close likely burst 4; 2< abort +0.00005; = abort-close likely burst 4;"
     "3< abort +0.00005; = abort-close likely burst 4; 4< abort +0.00005;"
     "= abort-close likely burst 4 fact BURST nofact BURST_PORT;"},
    {"three idle connections of one age: each has its own timer, or the listener goes",
     OPEN OPEN_2 OPEN_3 "< abort +5; = abort-no-data likely also listener-closed burst 3;"
			"2< abort +0.0001; = abort-no-data likely; 3< abort +0.0001; = "
			"abort-no-data likely fact BURST nofact "
			"BURST_PORT;"},
    {"a port that takes connections between the resets has not been closed",
     OPEN "< abort; = abort-no-data likely;" OPEN_2 "2< abort; = abort-no-data likely;" OPEN_3
	  "3< abort; = abort-no-data likely burst 0;"},
    {"the kernel's word before its frame, and of another connection",
     TALKED OPEN_2 "< abort; kernel TCP_STATE TCP_CLOSE; = abort-linger certain;"
		   "2< abort; = abort-no-data likely;"},
    {"a word that no rule needs says who it was, and no more",
     TALKED "< abort; kernel TCP_SOMETHING_NEW TCP_CLOSE; = abort-close likely origin local;"},
    {"a bad checksum is used, and said",
     TALKED "< abort badsum; = abort-close likely clue BAD_CHECKSUM;"},
    {"a bad checksum of what the kernel owns to have sent was offloaded, and says nothing",
     TALKED "< abort badsum; kernel TCP_STATE TCP_CLOSE;"
	    "= abort-linger certain clue KERNEL noclue BAD_CHECKSUM;"},

    /* --- either side of a threshold --- */
    {"one hop off and sooner than a round trip allows",
     "> S; < S. +0.03; > .; > P. len 9; < . +0.03; > P. len 9; < answer ttl 61 +0.002;"
     "= firewall-reject likely by 6 clue TOO_FAST clue HOPS;"},
    {"one hop off, in its time: routes change",
     "> S; < S. +0.03; > .; > P. len 9; < . +0.03; > P. len 9; < answer ttl 61 +0.02;"
     "= half-open likely by 6 clue HOPS noclue TOO_FAST;"},
    {"where a round trip takes less than 2 ms nothing comes too soon",
     "> S; < S. +0.0019; > .; > P. len 9; < . +0.0019; > P. len 9; < answer ttl 61 +0.0002;"
     "= half-open likely noclue TOO_FAST;"},
    {"four hops off and out of the counter",
     "v4;" ASKED "< P. len 9; > .; < P. len 9; > .; < P. len 9; > .; < abort bare ttl 56 id 40000;"
     "= injected-race likely also abort-close clue IP_ID clue HOPS;"},
    {"... a little further on in the counter, and near",
     "v4;" ASKED "< P. len 9; > .; < P. len 9; > .; < P. len 9; > .; < abort ttl 61 id 21500;"
     "= abort-close likely noclue IP_ID;"},
    {"another path, and what only the socket knows: no accusation",
     TALKED "< abort ttl 57; = abort-close likely fact GENUINE nofact FOREIGN clue HOPS;"},
    {"a counter of two steps is none",
     "v4;" ASKED "< P. len 9; > .; < abort ttl 61 id 40000; = abort-close likely noclue IP_ID;"},
    {"it copies the IP ID of what it answers",
     "v4;" TALKED "> P. len 9 id 777; < answer ttl 64 id 777;"
     "= firewall-reject likely clue COPIED;"},
    {"data sent just before are on their way, and not pending",
     ASKED "< P. len 700 dropped; < abort; = abort-close likely lost 700;"},
    {"the same IP ID again, 8 ms later: another RST",
     "v4;" TALKED "< abort id 7; = abort-close likely; < abort id 7 +0.008;"
     "= after-reset likely root 8;"},
    {"both ends give up, 2 s apart",
     TALKED "< abort +60; = abort-idle likely noclue BOTH_SIDES; > abort +2;"
	    "= after-reset likely root 8;"},
    {"an ACK 1.5 s later challenges nothing",
     TALKED "< R. seq ~2000; = abort-close likely noclue CHALLENGE; > . +1.5;"},
    {"one oddity, and three others asked",
     "2server at 192.0.2.7:1; 3server at 192.0.2.7:2; 4server at 192.0.2.7:3;"
     "2> S bare; 3> S bare; 4> S bare; > S bare win 29200; < S.; > answer;"
     "= handshake-abandoned likely noclue MANY_TARGETS;"},
    {"zmap's IP ID, and a small window",
     "v4; > S id 54321 win 4000; < S.; > answer; = syn-ack-unexpected likely clue RAW_SYN;"},
    {"another IP ID, and the same window",
     "v4; > S id 54320 win 4000; < S.; > answer; = handshake-abandoned likely;"},
    {"a small window is one of 4,096 at most",
     "> S bare win 5000; < S.; > answer; = handshake-abandoned likely;"},
    {"the window grows by one unit: so it does by rounding",
     OPEN "> P. len 5000; < . win 501; < abort win 502; = abort-close likely noclue WINDOW_GREW;"},
    {"the other code of that vendor's",
     "< R. win 9300; = vendor-reported possible clue WINDOW_CODE;"},
    {"strange numbers half a minute after the end are of no new connection",
     TALKED "< abort; = abort-close likely; > P. len 9 seq =3000000000 ack =1000000000 +30;"
	    "< answer; = after-reset certain root 8;"},
    {"time runs back by minutes: another capture, and no answer to that one",
     TALKED "< abort; = abort-close likely followers 0; 2> S -100; 2< answer; = refused likely;"},
};
const size_t pitfall_count = sizeof(pitfalls) / sizeof(pitfalls[0]);
