"""resets_abort: a socket that is ended by a RST of its own, each way with its nearest neighbour,
and the ways that look like it and send none.

What the wire cannot tell apart (unread data, SO_LINGER 0, a socket destroyed from outside) has the
true cause among the alternatives, and the kernel's own reason beside it.
"""

import socket
import time

from resets import scenario
from resets_play import ESTABLISHED, FIN, FIN_WAIT2, RST, SIOCOUTQ
from resets_truth import ALL, RESET, Reset, anything, at_most, data, nothing, pure_ack

TCP_USER_TIMEOUT = 18
MAYBE_LINGER = ("abort-close", "unread-data-close")
MAYBE_UNREAD = ("abort-close", "abort-linger")
IDLE_S = 10.5


def later(cause="after-reset", **kw):
    """What was in flight when the RST left draws one each; how many is chance."""
    return Reset(cause, take=ALL, least=0, severity="benign", **kw)


def unread(**kw):
    return Reset("unread-data-close", **dict(dict(
        also=MAYBE_UNREAD, after=at_most(data), kernel="TCP_ABORT_ON_CLOSE", app=RESET), **kw))


def linger(cause="abort-linger", **kw):
    return Reset(cause, **dict(dict(
        after=at_most(data), kernel="TCP_STATE", app=RESET), **kw))


# --- unread data ---------------------------------------------------------------------------------

@scenario(unread())
def early_close(p):
    """The server reads 4,096 of the 5,000 octets sent and closes."""
    c, s, _ = p.pair()
    c.sendall(b"q" * 5000)
    p.waiting(s, 5000)
    p.acked(c)
    p.take(s, 4096)
    s.close()
    p.gone(c)
    return p.after(c)


@scenario(unread())
def early_kill(p):
    """The server's process is killed with data that it has not read."""
    c, s, listener = p.pair()
    c.sendall(b"q" * 5000)
    p.waiting(s, 5000)
    p.acked(c)
    p.take(s, 4096)
    p.process(s, listener)()
    p.gone(c)
    return p.after(c)


@scenario(Reset("unread-data-close", also=("abort-close",), after=at_most(data),
                kernel="TCP_ABORT_ON_CLOSE", app=RESET))
def early_close_small_window(p):
    """Requests pile up unread in a small buffer; the window of the RST is open again."""
    c, s, _ = p.pair(listener=p.listen(rcvbuf=40000))
    for i in range(9):
        c.sendall(b"q" * 1400)
        p.waiting(s, 1400 * (i + 1))
        p.acked(c)
    s.close()
    p.gone(c)
    return p.after(c)


@scenario(unread(by="C"), later(by="C", after=None, kernel=None))
def client_stops(p):
    """The client has read a part of the response and closes: the stop button."""
    c, s, _ = p.pair()
    c.sendall(b"q" * 300)
    p.take(s, 300)
    s.sendall(b"r" * 9000)
    p.waiting(c, 9000)
    p.acked(s)
    p.take(c, 1000)
    c.close()
    p.gone(s)
    return p.after(s)


@scenario(unread(severity="problem"), later(after=None, kernel=None))
def early_close_in_flight(p):
    """The server closes upon the first octets of a long upload: the rest draws a RST each."""
    c, s, listener = p.pair()
    listener.close()
    c.sendall(b"q" * 100000)
    p.waiting(s, 1000)
    s.close()
    p.gone(c)
    return p.after(c)


@scenario()
def killed_all_read(p):
    """The server is killed when all was read: FIN, and no RST."""
    c, s, listener = p.pair()
    p.talk(c, s)
    p.process(s, listener)()
    assert p.read(c) == "EOF"


@scenario()
def closed_all_read(p):
    """The client closes, then the server; nothing was left unread."""
    c, s, _ = p.pair()
    p.talk(c, s)
    c.close()
    assert p.read(s) == "EOF"
    s.close()


@scenario()
def half_closed(p):
    """The client shuts its direction down and reads on to the end."""
    c, s, _ = p.pair()
    p.talk(c, s)
    c.shutdown(socket.SHUT_WR)
    assert p.read(s) == "EOF"
    s.sendall(b"r" * 20000)
    s.close()
    p.take(c, 20000)
    assert p.read(c) == "EOF"
    c.close()


# --- SO_LINGER 0 and its like --------------------------------------------------------------------

@scenario(linger(also=MAYBE_LINGER))
def linger_server(p):
    """All was read and answered; the server closes with SO_LINGER 0."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.abort(s)
    p.gone(c)
    return p.after(c)


@scenario(linger(also=MAYBE_LINGER, by="C"))
def linger_client(p):
    """The client got its response and closes with SO_LINGER 0."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.abort(c)
    p.gone(s)
    return p.after(s)


@scenario(linger(also=MAYBE_LINGER))
def linger_unanswered(p):
    """The server reads a request, answers nothing and closes with SO_LINGER 0: it looks unread."""
    c, s, _ = p.pair()
    p.talk(c, s)
    c.sendall(b"q" * 400)
    p.take(s, 400)
    p.acked(c)
    p.abort(s)
    p.gone(c)
    return p.after(c)


@scenario(linger("sock-destroy", also=MAYBE_LINGER + ("abort-linger",)))
def destroyed(p):
    """ss -K on the server."""
    c, s, _ = p.pair()
    p.talk(c, s)
    done = p.run("server", "ss", "-K", "-%d" % p.family, "state", "established", "sport", "=",
                 ":%d" % p.port)
    assert done.returncode == 0, done.stdout
    p.gone(c)
    return p.after(c)


def fill(s):
    """Send until the socket takes no more."""
    try:
        while True:
            s.send(b"r" * 65536)
    except BlockingIOError:
        pass


@scenario(linger("abort-pending", also=("abort-linger", "abort-close")), later(by="C"))
def pending(p):
    """The client reads nothing, its window is closed, and the server aborts with data unsent."""
    c, s, _ = p.pair()
    c.sendall(b"q" * 300)
    p.take(s, 300)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 60000)
    s.setblocking(False)
    fill(s)
    p.until("a closed window", lambda: p.backoff(s))
    fill(s)
    hear = p.ear("server")
    hear(lambda seg: seg.dport == p.port and not seg.win)  # a probe's answer: nothing is in flight
    p.abort(s)
    p.gone(c)
    got = p.after(c)
    while got == "data":
        got = p.after(c)
    return got


@scenario(linger("abort-no-data", by="C", severity="notice"))
def health_check(p):
    """The client connects and closes with SO_LINGER 0; nothing was said."""
    c, s, _ = p.pair()
    p.in_state(s, ESTABLISHED)
    p.abort(c)
    p.gone(s)
    return p.after(s)


@scenario(linger("listener-closed", take=4, also=("abort-no-data",),
                 named=("abort-no-data",)))
def listener_closes(p):
    """Four connections wait to be accepted when the listener closes."""
    listener = p.listen()
    socks = [p.connect() for _ in range(4)]
    p.until("four to wait", lambda: p.unacked(listener) == 4)
    listener.close()
    for c in socks:
        p.gone(c)
    return p.after(socks[0])


@scenario(linger("abort-idle", also=()), seconds=12)
def idle(p):
    """Nothing is said for longer than ten seconds, then the server aborts."""
    c, s, _ = p.pair()
    p.talk(c, s)
    time.sleep(IDLE_S)
    p.abort(s)
    p.gone(c)
    return p.after(c)


@scenario(linger(also=MAYBE_LINGER), seconds=4)
def idle_briefly(p):
    """Three seconds of silence are no idle timer."""
    c, s, _ = p.pair()
    p.talk(c, s)
    time.sleep(3)
    p.abort(s)
    p.gone(c)
    return p.after(c)


# --- beside a FIN --------------------------------------------------------------------------------

def finish(p, c):
    """The client closes, and the server's ACK of the FIN goes before anything else; the ear that
    heard it."""
    hear = p.ear("server")
    c.close()
    fin = hear(lambda seg: seg.flags & FIN)
    hear(lambda seg: seg.sport == p.port and seg.ack == fin.end)
    return hear


@scenario(linger("abort-after-fin", app=["none"], severity="benign", after=at_most(anything)))
def abort_after_fin(p):
    """The client has closed; the server, all read, aborts instead of closing."""
    c, s, _ = p.pair()
    p.talk(c, s)
    hear = finish(p, c)
    assert p.read(s) == "EOF"
    p.abort(s)
    hear(lambda seg: seg.flags & RST)
    return ["none"]


@scenario(linger("abort-after-fin", app=["none"], kernel="TCP_ABORT_ON_CLOSE", severity="benign",
                 after=at_most(anything)))
def unread_after_fin(p):
    """The client sends a request and closes; the server closes and has not read it."""
    c, s, _ = p.pair()
    c.sendall(b"q" * 500)
    p.acked(c)
    hear = finish(p, c)
    s.close()
    hear(lambda seg: seg.flags & RST)
    return ["none"]


@scenario(Reset("fin-then-abort", after=nothing, kernel="TCP_ABORT_ON_CLOSE", app=["EOF", "EPIPE"],
                severity="notice"))
def fin_then_abort(p):
    """The server shuts its direction down, then closes with a request unread."""
    c, s, _ = p.pair()
    c.sendall(b"q" * 500)
    p.waiting(s, 500)
    p.acked(c)
    s.shutdown(socket.SHUT_WR)
    p.in_state(s, FIN_WAIT2)
    s.close()
    p.gone(c)
    return p.after(c)


@scenario(Reset("fin-then-abort", also=("late-after-close",), after=at_most(pure_ack),
                kernel="TCP_ABORT_ON_DATA", app=["EOF", "EPIPE"], severity="notice"))
def fin_then_no_wait(p):
    """The server closes with TCP_LINGER2 below 0: no FIN-WAIT-2, a RST after its FIN's ACK."""
    c, s, _ = p.pair()
    p.talk(c, s)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, -1)
    s.close()
    p.gone(c)
    return p.after(c)


# --- the peer does not answer --------------------------------------------------------------------

def keep_alive(s):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


@scenario(Reset("keepalive-fail", by="C", seen="cay", after=nothing,
                kernel="TCP_KEEPALIVE_TIMEOUT", app=["ETIMEDOUT", "EPIPE"]), seconds=5)
def keepalive(p):
    """The path is cut; the client's keep-alive probes are not answered."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.rules("a", "forward", "tcp dport %d drop" % p.port)
    keep_alive(c)
    p.gone(c)
    return p.after(c)


@scenario(Reset("keepalive-fail", by="C", after=nothing, kernel="TCP_KEEPALIVE_TIMEOUT",
                at={"bs": dict(blind=True, after=at_most(data),
                               also=MAYBE_LINGER + ("abort-linger",))}), seconds=5)
def keepalive_rst_passes(p):
    """The path drops the probes and lets the RST through: beyond it nobody saw them."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.rules("a", "forward", "tcp dport %d tcp flags & rst == 0 drop" % p.port)
    keep_alive(c)
    p.gone(c)
    p.gone(s)


@scenario(linger(by="C", also=MAYBE_LINGER), seconds=4)
def keepalive_answered(p):
    """Keep-alive probes are answered; then the client aborts."""
    c, s, _ = p.pair()
    p.talk(c, s)
    hear = p.ear()
    keep_alive(c)
    for _ in range(2):
        hear(lambda seg: seg.sport == p.port)
    p.abort(c)
    p.gone(s)
    return p.after(s)


@scenario(seconds=4)
def user_timeout(p):
    """TCP_USER_TIMEOUT ends a connection whose data nobody acknowledges: no RST."""
    c, s, _ = p.pair()
    p.talk(c, s)
    p.rules("a", "forward", "tcp dport %d drop" % p.port)
    c.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1000)
    c.sendall(b"q" * 100)
    p.gone(c)
    assert p.read(c) == "ETIMEDOUT"
