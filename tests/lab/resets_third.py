"""resets_third: RSTs that neither end sent, forged by a router of the path or by nobody's TCP,
beside real ones that look like them.

Router A forges what the client gets, router B what the server gets: each is two hops nearer than
whom it impersonates.
"""

import time

from resets import scenario
from resets_play import ACK, PSH, RST, SYN, SYN_OPTIONS
from resets_truth import INJECTED, RESET, Reset, data, nothing, syn, syn_ack
from resets_abort import IDLE_S, MAYBE_LINGER, later, linger

MSS = 1448


def forged(cause, **kw):
    """A RST of router A in the server's name; what else the same box could be called."""
    return Reset(cause, **dict(dict(kernel="", seen="cay", origin="middlebox",
                                    also=tuple(i for i in INJECTED if i != cause),
                                    severity="suspicious"), **kw))


def survivor(**kw):
    """The other end knows nothing of it, goes on, and is reset by the end that was deceived."""
    return Reset("half-open", **dict(dict(
        by="C", kernel="NO_SOCKET", after=data, also=("listen-ack",), severity="problem",
        at={"cay": dict(cause="after-reset", severity="benign")}), **kw))


# on a busy machine the survivor sends again before it hears of it
AGAIN = later("after-reset", by="C", also=("rst-lost-repeat", "half-open"), kernel=None)


def ends(p, rounds=2):
    """A connection that has talked: both sockets, the client's port, and the server's numbers."""
    c, s, _ = p.pair()
    p.talk(c, s, rounds)
    return c, s, c.getsockname()[1], p.numbers(s)


# --- a firewall or a balancer that says so -------------------------------------------------------

@scenario(Reset("firewall-reject", after=data, kernel="", seen="cay", origin="middlebox",
                app=RESET), survivor(), AGAIN)
def firewall_mid_stream(p):
    """A router begins to reject in the middle of a connection; the server goes on."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.rules("a", "forward", "tcp dport %d tcp flags & rst == 0 reject with tcp reset" % p.port)
    c.sendall(b"q" * 300)
    p.gone(c)
    got = p.after(c)
    s.sendall(b"r" * 300)
    p.gone(s)
    return got


@scenario(Reset("middlebox-idle", by="S", kernel="", seen="cay", after=nothing, app=RESET,
                origin="middlebox", at={"y": dict(also=("abort-idle",), origin=None)}),
          Reset("middlebox-idle", by="C", kernel="", seen="bs", after=nothing,
                origin="middlebox"), seconds=12)
def balancer_idle(p):
    """A box in the path resets both sides after ten idle seconds."""
    c, s, sport, (send, receive) = ends(p)
    time.sleep(IDLE_S)
    p.forge("a", "S", RST | ACK, seq=send, ack=receive, peer=sport)
    p.forge("b", "C", RST | ACK, seq=receive, ack=send, peer=sport)
    p.gone(c)
    p.gone(s)
    return p.after(c)


@scenario(Reset("middlebox-idle", by="S", kernel="", seen="cay", after=nothing, origin="middlebox",
                also=("injected-race",), app=RESET,
                at={"y": dict(blind=True, origin=None,
                              also=MAYBE_LINGER + ("abort-linger",))}), seconds=4)
def balancer_idle_short(p):
    """The same towards the client alone, after three seconds."""
    c, s, sport, (send, receive) = ends(p)
    time.sleep(3)
    p.forge("a", "S", RST | ACK, seq=send, ack=receive, peer=sport)
    p.gone(c)
    p.vanish(s)
    return p.after(c)


@scenario(Reset("firewall-reject", by="C", kernel="NO_SOCKET", seen="bs", after=data, sender=False,
                app=RESET, also=("half-open",)),
          later("after-reset", by="C", kernel=None, seen="bs", also=("firewall-reject",)))
def nat_invalid(p):
    """A NAT takes a segment far outside the window for invalid, does not translate it, and its own
    kernel resets what seems to be meant for it."""
    p.rules("b", "postrouting", "tcp dport %d masquerade" % p.port)
    c, s, _ = p.pair()
    p.talk(c, s)
    send, receive = p.numbers(s)
    peer = s.getpeername()
    hear = p.ear("server")
    p.client, was = peer[0], p.client
    p.forge("server", "S", ACK | PSH, seq=send + 0x20000000, ack=receive, win=500,
            payload=b"z" * 100, peer=peer[1])
    p.client = was
    hear(lambda seg: seg.flags & RST)
    p.gone(s)
    return p.after(s)


# --- injected ------------------------------------------------------------------------------------

@scenario(forged("injected-syn", after=syn), delay_ms=150)
def injected_syn(p):
    """A box answers the SYN by a RST that no stack would send; the SYN-ACK comes after it."""
    listener = p.listen()
    hear = p.ear("a")
    c = p.begin()
    ask = hear(lambda seg: seg.flags == SYN)
    p.forge("a", "S", RST | ACK, seq=0, ack=ask.seq, win=ask.win, ip_id=ask.ip_id,
            peer=ask.sport)
    assert p.connected(c) == "ok"
    p.talk(c, p.accept(listener))


@scenario(forged("injected-syn", after=syn, app=["ECONNREFUSED"],
                 also=INJECTED + ("firewall-reject",)),
          Reset("after-reset", by="C", after=syn_ack, kernel="NO_SOCKET", severity="benign",
                seen="cay"),
          Reset("handshake-abandoned", by="C", after=syn_ack, kernel="NO_SOCKET", seen="bs"),
          delay_ms=150)
def injected_syn_believed(p):
    """The same with a number that the client believes; the SYN-ACK comes to a closed socket."""
    p.listen()
    hear = p.ear("a")
    c = p.begin()
    ask = hear(lambda seg: seg.flags == SYN)
    p.forge("a", "S", RST | ACK, seq=0, ack=ask.seq + 1, peer=ask.sport)
    got = p.connected(c)
    hear(lambda seg: seg.flags == RST)
    return [got]


def request_and_forge(p, *forgeries):
    """The client asks; before the server answers, router A resets: (seq, ack, ...) each."""
    c, s, sport, (send, receive) = ends(p)
    c.sendall(b"q" * 400)
    p.take(s, 400)
    p.acked(c)
    for f in forgeries:
        p.forge("a", "S", **dict(f, seq=send + f.get("seq", 0), ack=receive + f.get("ack", 0)
                                 if f.get("flags", RST) & ACK else 0), peer=sport)
    p.gone(c)
    got = p.after(c)
    s.sendall(b"r" * 900)
    p.gone(s)
    return got


@scenario(forged("injected-race", app=RESET), survivor(), AGAIN)
def injected_race(p):
    """A box resets the client after its request; the true response comes after it."""
    return request_and_forge(p, dict(flags=RST | ACK, ack=400))


@scenario(forged("injected-multi", take=3, app=RESET,
                 also=INJECTED + ("after-reset",)), survivor(), AGAIN)
def injected_multi(p):
    """A box that does not trust its aim sends three RSTs, further ahead each time."""
    return request_and_forge(p, dict(seq=0), dict(seq=MSS), dict(seq=4 * MSS))


@scenario(forged("injected-ack", app=RESET), survivor(), AGAIN)
def injected_ack(p):
    """A RST that acknowledges what the client never sent."""
    return request_and_forge(p, dict(flags=RST | ACK, ack=9000))


@scenario(forged("injected-late"))
def injected_late(p):
    """A RST with a number that the server had left behind: the client ignores it."""
    c, s, sport, (send, receive) = ends(p)
    hear = p.ear()
    p.forge("a", "S", RST | ACK, seq=send - 700, ack=receive, peer=sport)
    hear(lambda seg: seg.flags & RST)
    p.talk(c, s, 1)


@scenario(forged("injected-blind"))
def injected_blind(p):
    """A blind guess lands in the window: the client challenges it and lives."""
    c, s, sport, (send, _) = ends(p)
    hear = p.ear()
    p.forge("a", "S", RST, seq=send + 5000, peer=sport)
    hear(lambda seg: seg.sport == sport and seg.flags == ACK)
    p.talk(c, s, 1)


@scenario(Reset("injected-race", by="S", kernel="", app=RESET, severity="suspicious",
                also=INJECTED + MAYBE_LINGER + ("abort-linger",), blind=True),
          survivor(at={"cabsy": dict(cause="after-reset", severity="benign")}))
def injected_perfectly(p):
    """Forged at the server's own place with all numbers right: what it says cannot be told from an
    abort, until the server goes on."""
    c, s, sport, (send, receive) = ends(p)
    p.forge("server", "S", RST | ACK, seq=send, ack=receive, win=509, peer=sport)
    p.gone(c)
    got = p.after(c)
    s.sendall(b"r" * 900)
    p.gone(s)
    return got


# --- options, words and nonsense -----------------------------------------------------------------

@scenario(Reset("vendor-reported", kernel="", after=None, also=("no-context",), severity="notice",
                sender=False))
def words_alone(p):
    """A RST with a text in it, of a connection of which nothing was captured."""
    hear = p.ear()
    p.forge("server", "S", RST | ACK, seq=4711, ack=815, peer=33040,
            payload=b"[F5] no route to host\0")
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("malformed", kernel="", severity="suspicious", sender=False))
def malformed(p):
    """RST and SYN in one segment."""
    hear = p.ear()
    p.forge("server", "S", RST | SYN, seq=4711, peer=33041)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("retransmit-giveup", by="C", seen="cay", kernel="", after=nothing), seconds=4)
def giveup(p):
    """As Windows and BSD do: data is sent again and again in vain, then a RST. The path is cut, and
    the client's segments are forged: Linux sends none."""
    c, s, _ = p.pair()
    p.talk(c, s)
    sport, (send, receive) = c.getsockname()[1], p.numbers(c)
    p.rules("a", "forward", "tcp dport %d drop" % p.port)
    p.vanish(c)
    for i in range(4):
        p.forge("client", "C", ACK | PSH, seq=send, ack=receive, win=500, payload=b"q" * 200,
                ip_id=100 + i, peer=sport)
        time.sleep(0.3 * 2 ** i if i < 3 else 0.6)
    p.forge("client", "C", RST | ACK, seq=send + 200, ack=receive, ip_id=104, peer=sport)


@scenario(linger("abort-linger", by="C", also=MAYBE_LINGER + ("abort-pending",)), seconds=3)
def not_given_up(p):
    """Data goes again once, is acknowledged then, and the client aborts later."""
    c, s, _ = p.pair()
    p.talk(c, s)
    lift = p.rules("a", "forward", "tcp dport %d drop" % p.port)
    hear = p.ear("a")
    c.sendall(b"q" * 200)
    hear(lambda seg: seg.payload)
    lift()
    p.take(s, 200)
    s.sendall(b"r" * 100)
    p.take(c, 100)
    p.acked(s)
    p.abort(c)
    p.gone(s)
    return p.after(s)


MPTCP = 262
FASTCLOSE = bytes((30, 12, 0x70, 0)) + b"the  key"
TCPRST = bytes((30, 4, 0x80, 3))


@scenario(Reset("unread-data-close", by="C", kernel="TCP_ABORT_ON_CLOSE", after=None,
                also=("mptcp-fastclose", "abort-close", "abort-linger")))
def mptcp_close(p):
    """A real connection of Multipath TCP is closed with data unread: MP_FASTCLOSE in the RST."""
    listener = p.listen(proto=MPTCP)
    c = p.connect(proto=MPTCP)
    s = p.accept(listener)
    s.sendall(b"r" * 5000)
    p.waiting(c, 5000)
    c.recv(100)
    c.close()
    p.until("a reset", lambda: p.read(s) in ("ECONNRESET", "EOF"))


@scenario(Reset("mptcp-fastclose", kernel="", after=None, also=("no-context",), sender=False))
def mptcp_fastclose_alone(p):
    """A RST with MP_FASTCLOSE, of a connection of which nothing was captured."""
    hear = p.ear()
    p.forge("server", "S", RST | ACK, seq=4711, ack=815, peer=33042, options=FASTCLOSE)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("mptcp-reset", kernel="", after=None, also=("no-context",), severity="notice",
                sender=False))
def mptcp_reset_alone(p):
    """A RST with MP_TCPRST, of a connection of which nothing was captured."""
    hear = p.ear()
    p.forge("server", "S", RST | ACK, seq=4711, ack=815, peer=33043, options=TCPRST)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("refused", after=syn, kernel=None, also=("mptcp-reset", "firewall-reject")))
def mptcp_join_unknown(p):
    """A subflow asks to join a connection that the server does not know: its RST says so."""
    p.listen(proto=MPTCP)
    hear = p.ear()
    p.forge("client", "C", SYN, seq=5150, win=64240, peer=33044,
            options=SYN_OPTIONS + bytes((30, 12, 0x10, 0)) + b"nokeynon")
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("unknown", kernel="", after=nothing, also=("no-context", "injected-race"),
                severity="suspicious", sender=False, blind=True,
                at={"bs": dict(cause="no-context", blind=False)}))
def riddle(p):
    """A RST whose number fits nothing that is there: the middle of a connection, one side of it."""
    p.rules("b", "forward", "tcp dport %d drop" % p.port)
    hear, there = p.ear(), p.ear("b")
    p.forge("client", "C", ACK | PSH, seq=31000, ack=41000, win=500, payload=b"q" * 50, peer=33045)
    there(lambda seg: seg.flags & PSH)
    p.forge("server", "S", RST, seq=99000000, peer=33045)
    hear(lambda seg: seg.flags & RST)
