"""services: small servers on real sockets, each of which ends its connections in its own way, well
or badly; what `provoke` is to find out. All stand behind one listener for both families.

  services.py PORT:KIND[:ARG...] ...     one process a service; prints READY when all listen

They know nothing of who asks them, nor of what is right to say of it.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import time

from targets import die_with_parent, ready

TCP_REPAIR = 19
LINGER_0 = struct.pack("ii", 1, 0)
LETTERS = bytes(range(33, 127)) * 700


def listen(port, backlog=256):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(backlog)
    return s


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    s.close()


def answer(octets):
    """A body of so many octets, with the head that HTTP wants before it."""
    body = LETTERS[:octets] + bytes(max(0, octets - len(LETTERS)))
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % octets + body


def until_eof(s):
    """What an application reads that wants no more than to be polite."""
    with contextlib.suppress(ConnectionResetError):
        while s.recv(65536):
            pass


def until_taken(s):
    """Until the peer has acknowledged all that was sent to it."""
    end = time.monotonic() + 10
    while struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]:
        if time.monotonic() > end:
            raise TimeoutError("the peer takes nothing")
        select.select([], [], [], 0.005)


def each(listener, serve):
    """A process a connection, as the servers of old; what it raises ends that process alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        s, _ = listener.accept()
        if os.fork() == 0:
            die_with_parent()
            listener.close()
            with contextlib.suppress(OSError):
                serve(s)
            os._exit(0)
        s.close()


# --- that stay -----------------------------------------------------------------------------------

def stays(listener):
    """Accepts, and neither reads nor says a word."""
    kept = []
    while True:
        kept.append(listener.accept())


def sink(listener):
    """Reads to the end, silently, and closes after the client."""
    each(listener, until_eof)


def narrow(listener):
    """As `sink`, with the smallest backlog, which one half-open connection fills (no cookies)."""
    sink(listener)


def echo(listener):
    def serve(s):
        while data := s.recv(65536):
            s.sendall(data)
    each(listener, serve)


def full(listener, *_):
    """Never accepts, and its backlog is full of connections of its own."""
    signal.pause()


def fill(listener):
    kept = []
    while True:
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.settimeout(0.3)
        if s.connect_ex(("::1", listener.getsockname()[1])):
            return kept
        kept.append(s)


def alert(listener, probes="2"):
    """Keep-alive after a second of silence, and given up after so many probes."""
    def serve(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
            s.setsockopt(socket.IPPROTO_TCP, option, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, int(probes))
        until_eof(s)
    each(listener, serve)


def forgets(listener):
    """Loses each connection without a word, as by a crash that the listener outlives."""
    while True:
        s, _ = listener.accept()
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        s.close()


# --- that close ----------------------------------------------------------------------------------

def closes(listener):
    """Accepts and closes at once."""
    while True:
        listener.accept()[0].close()


def says(listener, octets="300"):
    """Says its word and closes, and has nothing to do with what comes."""
    def serve(s):
        s.sendall(LETTERS[:int(octets)])
    each(listener, serve)


def half(listener, seconds="30"):
    """Closes its own direction and goes on reading for a while."""
    def serve(s):
        s.shutdown(socket.SHUT_WR)
        s.settimeout(float(seconds))
        until_eof(s)
    each(listener, serve)


def goes(listener):
    """Closes its own direction, and for good as soon as something comes, without reading it."""
    def serve(s):
        s.shutdown(socket.SHUT_WR)
        select.select([s], [], [], 30)
    each(listener, serve)


def rude(listener):
    """Aborts what it has accepted."""
    while True:
        reset(listener.accept()[0])


def aborts(listener):
    """Reads a word and aborts."""
    def serve(s):
        s.recv(4096)
        reset(s)
    each(listener, serve)


def idle(listener, seconds, way="fin"):
    """A server with its own idea of how long a connection may rest; what it reads is echoed."""
    def serve(s):
        while select.select([s], [], [], float(seconds))[0]:
            data = s.recv(65536)
            if not data:
                return
            s.sendall(data)
        if way == "rst":
            reset(s)
    each(listener, serve)


# --- that answer a request -----------------------------------------------------------------------

def hasty(listener, octets="100000", reads="4096"):
    """Reads so many octets, answers and exits: what it left unread makes its kernel reset, while
    most of the answer is in its own buffer still."""
    def serve(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        s.recv(int(reads))
        s.sendall(answer(int(octets)))
    each(listener, serve)


def dumb(listener, reads="4096"):
    """Reads so many octets and exits without an answer."""
    def serve(s):
        s.recv(int(reads))
    each(listener, serve)


def brief(listener, octets="500"):
    """Reads, answers in one segment, waits until the client has acknowledged it, and exits with
    octets unread."""
    def serve(s):
        s.recv(4096)
        s.sendall(answer(int(octets)))
        until_taken(s)
    each(listener, serve)


def drains(listener, octets="200000"):
    """Reads some, answers, closes its own direction, and reads the rest away before it closes."""
    def serve(s):
        s.recv(4096)
        s.sendall(answer(int(octets)))
        s.shutdown(socket.SHUT_WR)
        until_eof(s)
    each(listener, serve)


def courteous(listener, octets="20000"):
    """Reads all that comes until nothing comes for a moment, answers and closes."""
    def serve(s):
        while select.select([s], [], [], 1.0)[0]:
            if not s.recv(65536):
                break
        s.sendall(answer(int(octets)))
    each(listener, serve)


def refuses(listener, octets="500"):
    """Reads some, answers, aborts: as `hasty`, but by SO_LINGER 0."""
    def serve(s):
        s.recv(4096)
        s.sendall(answer(int(octets)))
        reset(s)
    each(listener, serve)


def stalls(listener):
    """Reads some, and neither reads on nor answers."""
    def serve(s):
        s.recv(4096)
        signal.pause()
    each(listener, serve)


# --- that have more than one client ---------------------------------------------------------------

def together(listener, way="lives"):
    """All clients in one process. `lives`: takes a reset as the end of one connection; `dies`: as
    an error that nobody catches; `leaves`: closes all others because of it; `shuts`: listens no
    more but serves those who are there."""
    clients = []
    while True:
        for s in select.select([*([listener] if listener else []), *clients], [], [])[0]:
            if s is listener:
                clients.append(s.accept()[0])
                continue
            try:
                data = s.recv(65536)
                if data:
                    s.sendall(data)
                    continue
            except ConnectionError:
                if way == "dies":
                    os._exit(1)
                if way == "leaves":
                    for other in clients:
                        if other is not s:
                            reset(other)
                    clients = [s]
                if way == "shuts":
                    listener.close()
                    listener = None
            if s in clients:
                clients.remove(s)
            s.close()
            break  # the list that select gave is not true any more


def once(listener):
    """Serves one client, and listens no more."""
    s, _ = listener.accept()
    listener.close()
    until_eof(s)
    signal.pause()


KINDS = {f.__name__: f for f in (
    stays, sink, narrow, echo, full, alert, forgets, closes, says, half, goes, rude,
    aborts, idle, hasty, dumb, brief, drains, courteous, refuses, stalls, together, once)}
BACKLOG = {"full": 0, "narrow": 0}


def start(word):
    port, kind, *args = word.split(":")
    mine, theirs = os.pipe()
    if os.fork() == 0:
        die_with_parent()
        os.close(mine)
        listener = listen(int(port), BACKLOG.get(kind, 256))
        kept = fill(listener) if kind == "full" else []
        os.write(theirs, b"r")
        os.close(theirs)
        KINDS[kind](listener, *args, *kept)
        os._exit(1)
    os.close(theirs)
    return mine


def main():
    die_with_parent()
    for end in [start(word) for word in sys.argv[1:]]:
        if os.read(end, 1) != b"r":
            sys.exit("a service did not start")
        os.close(end)
    ready()
    signal.pause()


if __name__ == "__main__":
    main()
