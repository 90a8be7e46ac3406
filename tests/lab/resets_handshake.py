"""resets_handshake: connections that never came to be, each with its nearest neighbour.

Each scenario is a function that plays it and the truth about the RSTs that are seen then.
"""

import time

from resets import scenario
from resets_play import ACK, RST, SYN, SYN_OPTIONS
from resets_truth import ALL, Reset, nothing, pure_ack, syn, syn_ack

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
    """As Windows does: the refused SYN comes again after half a second, twice."""
    for i in range(3):
        p.forge("client", "C", SYN, seq=71000, win=64240, ip_id=4100 + i, ttl=128,
                options=SYN_OPTIONS, peer=33001)
        time.sleep(0.5)


@scenario(Reset("refused", also=("firewall-reject",), after=syn, kernel="NO_SOCKET", seen="bsy"),
          Reset("rst-lost-repeat", after=syn, kernel="NO_SOCKET", app=["ECONNREFUSED"],
                at={"ca": dict(cause="refused", also=("rst-lost-repeat", "firewall-reject"))}),
          seconds=4)
def refused_lost(p):
    """A refusal is lost on its way; the kernel's SYN comes again after its RTO of 1 s."""
    lift = p.rules("a", "forward", "tcp sport %d tcp flags & rst == rst drop" % p.port)
    c = p.begin()
    time.sleep(0.7)
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
                also=("syn-ack-unexpected",), app=["ETIMEDOUT"]), delay_ms=200)
def abandoned(p):
    """The client gives up after 100 ms, the SYN-ACK takes longer."""
    p.listen()
    c = p.begin()
    assert p.connected(c, 0.1) == "timeout"
    c.close()
    time.sleep(0.3)
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
