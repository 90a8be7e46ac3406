"""resets_answer: a segment arrives where there is no connection for it any more, and draws a RST;
each case with its nearest neighbour.
"""

import socket
import time

from resets import scenario
from resets_play import ACK, CLOSE_WAIT, PSH, RST
from resets_truth import ALL, RESET, Reset, data, fin, one_of, pure_ack
from resets_abort import keep_alive, later

CLOSE_NOTIFY = b"\x15\x03\x03\x00\x1a" + bytes(range(26))


# --- after the sender's own FIN ------------------------------------------------------------------

def server_closes(p, listening=True):
    """All read and answered; the server has closed, and the client knows."""
    c, s, listener = p.pair()
    p.talk(c, s)
    if not listening:
        listener.close()
    s.close()
    p.in_state(c, CLOSE_WAIT)
    return c


AFTER_CLOSE = dict(cause="data-after-close", after=data, app=["write-ok", "EPIPE"],
                   severity="notice")


def write_twice(p, c, octets):
    first = p.write(c, octets)
    p.gone(c)
    return [first, p.write(c, octets)]


@scenario(Reset(**AFTER_CLOSE, kernel="TCP_TIMEWAIT_SOCKET"), seconds=2)
def write_after_close(p):
    """The server has closed; the client writes again a second later."""
    c = server_closes(p)
    time.sleep(1)
    return write_twice(p, c, b"w" * 200)


@scenario(Reset(**AFTER_CLOSE, kernel=("TCP_ABORT_ON_DATA", "TCP_TIMEWAIT_SOCKET")))
def close_notify_after_close(p):
    """What the client still writes is a TLS close_notify: nothing is lost."""
    return write_twice(p, server_closes(p), CLOSE_NOTIFY)


@scenario(Reset(**dict(AFTER_CLOSE, app=None, after=one_of(data)), kernel=None),
          later("after-reset", also=("data-after-close", "late-after-close"), kernel=None))
def close_crosses_data(p):
    """The server closes while the client's next request is on its way."""
    c, s, _ = p.pair()
    p.talk(c, s)
    s.close()
    c.sendall(b"q" * 3000)
    p.gone(c)


@scenario(Reset("late-after-close", after=fin, kernel="TCP_FLAGS", severity="benign"), seconds=2)
def late_fin(p):
    """The server closed long ago and has forgotten FIN-WAIT-2 when the client closes too."""
    c, s, _ = p.pair()
    p.talk(c, s)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1)
    s.close()
    p.in_state(c, CLOSE_WAIT)
    time.sleep(1.6)
    hear = p.ear("server")
    c.close()
    hear(lambda seg: seg.flags & RST)


@scenario()
def fin_in_time(p):
    """The server has closed, and the client closes in time: no RST."""
    c = server_closes(p)
    c.close()


@scenario(Reset("time-wait", also=("late-after-close",), after=pure_ack, kernel="TCP_FLAGS",
                severity="benign"))
def time_wait(p):
    """Both have closed; an old duplicate comes out of TIME-WAIT as an ACK, which nobody knows."""
    c, s, _ = p.pair()
    p.talk(c, s)
    sport = c.getsockname()[1]
    send, receive = p.numbers(s)
    hear = p.ear("server")
    c.close()
    assert p.read(s) == "EOF"
    s.close()
    hear(lambda seg: seg.sport == sport and seg.ack == send + 1)  # the FIN's ACK
    p.forge("server", "S", ACK | PSH, seq=send - 200, ack=receive, win=500, payload=b"o" * 200,
            peer=sport)
    hear(lambda seg: seg.flags & RST)


# --- the other end has lost its state ------------------------------------------------------------

HALF = dict(cause="half-open", also=("listen-ack",), after=data, app=RESET)


def lost_server(p, listening=True, pause=2.5):
    """The server has forgotten the connection, and nobody told the client."""
    c, s, listener = p.pair()
    p.talk(c, s)
    p.vanish(s)
    if not listening:
        listener.close()
    time.sleep(pause)
    return c


@scenario(Reset(**HALF, named=("listen-ack",), kernel="TCP_FLAGS"), seconds=4)
def child_died(p):
    """The connection's process is gone, its parent still listens; the client sends data."""
    c = lost_server(p)
    c.sendall(b"q" * 300)
    p.gone(c)
    return p.after(c)


@scenario(Reset(**HALF, kernel="NO_SOCKET"), seconds=4)
def power_loss(p):
    """The server has come back without the connection and without a listener."""
    c = lost_server(p, listening=False)
    c.sendall(b"q" * 300)
    p.gone(c)
    return p.after(c)


@scenario(Reset(**dict(HALF, after=pure_ack), kernel="NO_SOCKET"), seconds=4)
def power_loss_keepalive(p):
    """What meets the host that has forgotten is a keep-alive probe."""
    c = lost_server(p, listening=False, pause=0)
    keep_alive(c)
    p.gone(c)
    return p.after(c)


@scenario(Reset(**dict(HALF, by="C"), kernel="NO_SOCKET"), seconds=4)
def client_power_loss(p):
    """It is the client that has forgotten; the server sends data."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.vanish(c)
    time.sleep(2.5)
    s.sendall(b"r" * 300)
    p.gone(s)
    return p.after(s)


@scenario(Reset(**dict(HALF, app=None), seen="bsy", kernel="NO_SOCKET"),
          Reset("rst-lost-repeat", after=data, take=ALL, least=2, seen="bsy", kernel="NO_SOCKET"),
          Reset("half-open", also=("rst-lost-repeat", "listen-ack"), after=data, seen="ca",
                kernel="NO_SOCKET", app=RESET),
          seconds=4)
def rst_lost(p):
    """The RSTs of a host that has forgotten are lost; the client sends its data again and again."""
    c = lost_server(p, listening=False, pause=0)
    lift = p.rules("a", "forward", "tcp sport %d tcp flags & rst == rst drop" % p.port)
    hear = p.ear("server")
    c.sendall(b"q" * 300)
    for _ in range(3):
        hear(lambda seg: seg.flags & RST)
    lift()
    p.gone(c)
    return p.after(c)


# --- no connection ever was ----------------------------------------------------------------------

@scenario(Reset("no-connection", by="S", after=data, kernel="NO_SOCKET", severity="notice",
                also=("half-open",), sender=False))
def mid_stream(p):
    """The capture begins after the connection: data to a host that has forgotten it."""
    hear = p.ear()
    p.forge("client", "C", ACK | PSH, seq=990000, ack=880000, win=500, payload=b"q" * 99,
            peer=33020)
    hear(lambda seg: seg.flags & RST)


@scenario(Reset("no-context", after=None, kernel="", severity="notice", sender=False))
def lone_rst(p):
    """A RST alone: nothing else of that connection was captured."""
    hear = p.ear()
    p.forge("server", "S", RST | ACK, seq=123456, ack=654321, peer=33021)
    hear(lambda seg: seg.flags & RST)
