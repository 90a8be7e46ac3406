"""resets_handshake: connections that never came to be, each with its nearest neighbour.

Each scenario is a function that plays it and the truth about the RSTs that are seen then.
"""


from resets import scenario
from resets_play import ACK, CLOSE, FIN, PSH, RST, SYN, SYN_OPTIONS, URG, WAIT
from resets_truth import ALL, RESET, Reset, anything, nothing, pure_ack, syn, syn_ack

REFUSED = dict(cause="refused", also=("firewall-reject",), after=syn, app=["ECONNREFUSED"],
               kernel="NO_SOCKET")


@scenario(Reset(**REFUSED))
def refused(p):
    """A SYN to a port where nobody listens."""
    return [p.connected(p.begin())]


@scenario(Reset(**REFUSED))
def refused_killed(p):
    """The service is killed after it has served; the next SYN is refused."""
    listener = p.listen()
    c, s, _ = p.pair(listener=listener)
    p.talk(c, s)
    kill = p.process(s, listener)
    kill()
    assert p.read(c) == "EOF"
    c.close()
    return [p.connected(p.begin())]


@scenario(Reset("refused", also=("firewall-reject",), after=syn, take=3, kernel="NO_SOCKET"))
def refused_asked_again(p):
    """As Windows does: the refused SYN comes again, twice. There after half a second, here as soon
    as the refusal is heard: from 0.75 s on it would be a time-out."""
    hear = p.ear()
    for i in range(3):
        p.forge("client", "C", SYN, seq=71000, win=64240, ip_id=4100 + i, ttl=128,
                options=SYN_OPTIONS, peer=33001)
        hear(lambda seg: seg.sport == p.port and seg.flags & RST)


@scenario(Reset("refused", also=("firewall-reject",), after=syn, kernel="NO_SOCKET", seen="bsy"),
          Reset("rst-lost-repeat", after=syn, take=ALL, kernel="NO_SOCKET", seen="bsy"),
          Reset("refused", also=("rst-lost-repeat", "firewall-reject"), after=syn, seen="ca",
                kernel="NO_SOCKET", app=["ECONNREFUSED"]),
          seconds=4)
def refused_lost(p):
    """A refusal is lost on its way; the kernel's SYN comes again after its RTO of 1 s."""
    lift = p.rules("a", "forward", "tcp sport %d tcp flags & rst == rst drop" % p.port)
    hear = p.ear("a")
    c = p.begin()
    hear(lambda seg: seg.flags & RST)
    lift()
    return [p.connected(c)]


@scenario(Reset("firewall-reject", also=("refused",), after=syn, app=["ECONNREFUSED"], kernel="",
                seen="cay"))
def firewall_syn(p):
    """A router rejects the SYN, and nothing else of the server is known."""
    p.rules("a", "forward", "tcp dport %d reject with tcp reset" % p.port)
    return [p.connected(p.begin())]


@scenario(Reset("firewall-reject", after=syn, app=["ECONNREFUSED"], kernel="", seen="cay",
                origin="middlebox"))
def firewall_syn_known(p):
    """A router rejects the SYN to one port; the distance of the server is known from another."""
    p.rules("a", "forward", "tcp dport %d reject with tcp reset" % p.port)
    c, s, _ = p.pair(1)
    p.talk(c, s)
    return [p.connected(p.begin())]


@scenario(Reset("firewall-reject", also=("refused",), named=("refused",), after=syn, kernel="",
                app=["ECONNREFUSED"]))
def firewall_input(p):
    """The server's own firewall rejects the SYN: bit for bit a refusal."""
    p.listen()
    p.rules("server", "input", "tcp dport %d reject with tcp reset" % p.port)
    return [p.connected(p.begin())]


@scenario(Reset("handshake-abandoned", by="C", after=syn_ack, kernel="NO_SOCKET",
                also=("syn-ack-unexpected",), app=["ETIMEDOUT"]), delay_ms=500)
def abandoned(p):
    """The client gives up after 100 ms, the SYN-ACK takes longer."""
    p.listen()
    hear = p.ear()
    c = p.begin()
    assert p.connected(c, 0.1) == "timeout"
    c.close()
    hear(lambda seg: seg.flags & RST)
    return ["ETIMEDOUT"]


@scenario(Reset("syn-ack-unexpected", by="C", after=syn_ack, kernel="NO_SOCKET",
                severity="suspicious"))
def scanned_bare(p):
    """A half-open scanner: a SYN without options, its own kernel resets the SYN-ACK."""
    p.listen()
    hear = p.ear()
    p.forge("client", "C", SYN, seq=1234567, win=1024, ip_id=54321, df=False, peer=33002)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("synack-unsolicited", by="C", after=syn_ack, kernel="NO_SOCKET",
                severity="suspicious"))
def synack_forged(p):
    """A SYN-ACK to a client that never asked."""
    hear = p.ear()
    p.forge("server", "S", SYN | ACK, seq=500, ack=77001, win=65535, options=SYN_OPTIONS,
            peer=33003)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("syn-ack-unexpected", by="C", take=ALL, least=4, after=syn_ack,
                kernel="NO_SOCKET", severity="suspicious", also=("handshake-abandoned",)))
def scanned_by_rstprobe(p):
    """rstprobe itself: SYNs as a kernel makes them, resets by its own kernel."""
    for n in range(6):
        p.listen(n)
    hear = p.ear()
    done = p.run("client", p.rstprobe, "scan", p.server, "-p",
                 "%d-%d" % (p.port, p.port + 5), "-r", "0")
    assert done.returncode == 0 and "open" in done.stdout, done.stdout
    for _ in range(6):
        hear(lambda seg: seg.flags & RST)


@scenario(Reset("synack-unsolicited", by="C", after=syn_ack, kernel="NO_SOCKET",
                severity="suspicious",
                at={"bs": dict(blind=True, also=("syn-ack-unexpected", "handshake-abandoned"))}))
def synack_backscatter(p):
    """Somebody asks in the client's name: it gets a SYN-ACK for which it never asked."""
    p.listen()
    hear = p.ear()
    p.forge("b", "C", SYN, seq=880088, win=1024, ip_id=54321, df=False, peer=33004)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("stale-connection", by="C", after=pure_ack, kernel="TCP_INVALID_ACK_SEQUENCE",
                app=RESET), seconds=2)
def stale(p):
    """The client has lost its state and comes again from the same port; the server still has it."""
    c, s, listener = p.pair(sport=33005)
    p.talk(c, s)
    p.vanish(c)
    again = p.begin(sport=33005)
    got = p.after(s)
    assert p.connected(again) == "ok"
    p.talk(again, p.accept(listener))
    return got


@scenario(Reset("bad-synack", by="C", after=syn_ack, kernel="TCP_INVALID_ACK_SEQUENCE",
                severity="suspicious",
                at={"bs": dict(cause="no-context", also=("unknown",), after=nothing,
                               sender=False)}), seconds=2)
def synack_bad(p):
    """A SYN-ACK that acknowledges what was never sent; the true one comes later."""
    listener = p.listen()
    lift = p.rules("a", "forward", "tcp dport %d tcp flags == syn drop" % p.port)
    hear = p.ear()
    c = p.begin()
    ask = hear(lambda seg: seg.flags == SYN)
    p.forge("a", "S", SYN | ACK, seq=9000, ack=ask.seq - 5000, win=65535, options=SYN_OPTIONS,
            peer=ask.sport)
    hear(lambda seg: seg.flags & RST)
    lift()
    assert p.connected(c) == "ok"
    p.talk(c, p.accept(listener))


@scenario(Reset("syn-cancelled", by="C", after=nothing, kernel="", severity="notice",
                seen="cay"))
def cancelled(p):
    """A SYN and its cancellation, unanswered: the loser of a race between addresses."""
    p.rules("a", "forward", "tcp dport %d drop" % p.port)
    hear = p.ear("a")
    p.forge("client", "C", SYN, seq=60100, win=64240, options=SYN_OPTIONS, peer=33006)
    hear(lambda seg: seg.flags & SYN)
    p.forge("client", "C", RST | ACK, seq=60101, peer=33006)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("backlog-overflow", after=pure_ack, kernel="INVALID_SYN", also=("listen-ack",),
                app=RESET), delay_ms=150)
def overflow(p):
    """The accept queue has room for one, and two handshakes end; tcp_abort_on_overflow is on. Both
    SYNs are there before the first has ended, or the second would be dropped and not reset."""
    p.listen(backlog=1)
    p.connect()
    both = [p.begin(), p.begin()]
    # the RST may come before anybody asks for the result of connect(), which takes the error away
    p.until("a reset", lambda: CLOSE in map(p.state, both))
    c = next(c for c in both if p.state(c) == CLOSE)
    c.settimeout(WAIT)
    return p.after(c)


@scenario(Reset("listen-ack", after=pure_ack, kernel="TCP_FLAGS", severity="notice"))
def ack_to_listener(p):
    """An ACK without a connection to a port that was seen to accept."""
    c, s, _ = p.pair()
    p.talk(c, s)
    hear = p.ear()
    p.forge("client", "C", ACK, seq=4000, ack=5000, win=1000, peer=33007)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("no-connection", after=pure_ack, kernel="NO_SOCKET", severity="notice",
                also=("half-open", "listen-ack"), sender=False))
def ack_to_closed(p):
    """An ACK without a connection to a port of which nothing is known, and which is closed."""
    hear = p.ear()
    p.forge("client", "C", ACK, seq=4000, ack=5000, win=1000, peer=33008)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("no-connection", take=3, after=anything, kernel="NO_SOCKET",
                severity="notice", sender=False))
def scanned_fin_null_xmas(p):
    """FIN, nothing and FIN-PSH-URG to closed ports: a RST with ACK each time."""
    for n, flags in enumerate((FIN, 0, FIN | PSH | URG)):
        hear = p.ear()
        p.forge("client", "C", flags, seq=8000 + n, win=1024, peer=33009 + n)
        hear(lambda seg: seg.flags & RST)
