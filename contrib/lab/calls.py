"""calls: the system calls of a TCP program, each one told with what it returned.

The programs beside this file are written with it. Each method of Socket is one call of the kernel,
by the name that C gives it. By hand, on two terminals or two machines:

    contrib/lab/3-early-close.py server 0.0.0.0 8080
    contrib/lab/3-early-close.py client 192.0.2.7 8080
"""

import array
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import time

DEADLINE = 20.0  # s: a lab that takes longer is broken
TCP_REPAIR = 19  # linux/tcp.h

role = "?"
_serial = 0


def _tell(record):
    """A line to the lab's log, or a line to read."""
    log = os.environ.get("RSTLAB_LOG")
    if log:
        # one write to a file opened for appending: lines of several processes do not mix
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(fd, (json.dumps(record) + "\n").encode())
        os.close(fd)
    elif "end" in record:
        print("%-7s %-26s %s" % (role, record["call"], outcome(record)), flush=True)


def outcome(record):
    """"= -1 EPIPE, and SIGPIPE", for people."""
    if record.get("end") is None:
        return "never returned"
    text = "= %s" % record["result"] if record["result"] is not None else ""
    for word, lead in (("errno", " "), ("signal", ", and "), ("note", "  ")):
        if record.get(word):
            text += lead + record[word]
    return text.strip()


def call(name, function, socket_number=0, note=None, result=lambda value: 0):
    """Make the call; tell when it began and what it gave. An error is told and returned as None."""
    global _serial
    _serial += 1
    record = {"who": role, "pid": os.getpid(), "n": _serial, "socket": socket_number, "call": name,
              "begin": time.time()}
    if os.environ.get("RSTLAB_LOG"):
        _tell(record)
    value = failed = None
    try:
        value = function()
    except OSError as e:
        failed = errno.errorcode.get(e.errno, str(e))
    record.update(end=time.time(), result=-1 if failed else result(value), errno=failed,
                  signal="SIGPIPE" if _sigpipe() else None, note=note(value) if note else None)
    _tell(record)
    return value


def _sigpipe():
    """Has this call drawn a SIGPIPE? It is blocked, or it would have ended the program."""
    return signal.sigtimedwait([signal.SIGPIPE], 0) is not None


class Socket:
    """A TCP socket. What fails is told, and returns None: the next call is part of the story."""

    number = 0

    def __init__(self, family, fd=None):
        Socket.number += 1
        self.number = Socket.number
        self.s = socket.socket(family, socket.SOCK_STREAM, fileno=fd)

    def _call(self, name, function, **how):
        return call(name, function, self.number, **how)

    # --- the calls of every TCP program

    def listen(self, where):
        """socket(), bind() and listen() in one."""
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind(where)
        self._call("listen(port %d)" % where[1], lambda: self.s.listen(16))

    def accept(self):
        got = self._call("accept()", self.s.accept, result=lambda v: "a connection")
        return Socket(self.s.family, got[0].detach())

    def connect(self, where):
        return self._call("connect(port %d)" % where[1], lambda: self.s.connect(where))

    def write(self, n):
        return self._call("write(%d bytes)" % n, lambda: os.write(self.s.fileno(), b"x" * n),
                          result=int)

    def read(self, n=65536):
        """0 is the end: the peer has sent its FIN."""
        return self._call("read(%d)" % n, lambda: os.read(self.s.fileno(), n), result=len,
                          note=lambda got: "(end of file)" if got == b"" else None)

    def close(self, note=None):
        self._call("close()", self.s.close, note=lambda _: note)

    def linger(self, seconds):
        """SO_LINGER: what close() does with what is not delivered yet. 0 s: throw it away, RST."""
        how = struct.pack("ii", 1, seconds)
        self._call("setsockopt(SO_LINGER, %d s)" % seconds,
                   lambda: self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how))

    def nonblocking(self):
        self.s.setblocking(False)

    # --- to wait for the network instead of sleeping

    def poll(self, events=0, ms=int(DEADLINE * 1000)):
        """Errors and the end are polled for in any case: POLLERR is how a RST's arrival shows."""
        asked = select.poll()
        asked.register(self.s.fileno(), events)

        def names(got):
            bits = got[0][1] if got else 0
            words = [w for w in ("POLLOUT", "POLLERR", "POLLHUP") if bits & getattr(select, w)]
            return "(%s)" % " ".join(words or ["time-out"])
        return self._call("poll(%d ms)" % ms, lambda: asked.poll(ms), result=len, note=names)

    def unread(self, n):
        """Wait until n bytes lie in the receive buffer."""
        self._count("FIONREAD", lambda got: got >= n, "(bytes not yet read)")

    def delivered(self):
        """Wait until the peer has acknowledged all that was written."""
        self._count("SIOCOUTQ", lambda got: got == 0, "(bytes not yet acknowledged)")

    def _count(self, name, enough, note):
        request = {"FIONREAD": termios.FIONREAD, "SIOCOUTQ": termios.TIOCOUTQ}[name]
        got = array.array("i", [0])

        def count():
            end = time.monotonic() + DEADLINE
            fcntl.ioctl(self.s.fileno(), request, got)
            while not enough(got[0]) and time.monotonic() < end:
                fcntl.ioctl(self.s.fileno(), request, got)
            return got[0]
        self._call("ioctl(%s)" % name, count, result=int, note=lambda _: note)

    # --- and what no program should do

    def vanish(self):
        """As if the power had failed: the kernel forgets the connection, and tells nobody.

        TCP_REPAIR was made to move connections between machines; it needs CAP_NET_ADMIN.
        """
        def forget():
            self.s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            self.s.close()
        self._call("(the state is lost)", forget, result=lambda v: None)


def listen(where):
    made = Socket(family_of(where))
    made.listen(where)
    say("ready")
    return made


def connect(where):
    made = Socket(family_of(where))
    made.connect(where)
    return made


def family_of(where):
    return socket.AF_INET6 if ":" in where[0] else socket.AF_INET


def fork():
    """True in the child, as a server sees it that makes one for each connection."""
    global role
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for it
    if os.fork():
        return False
    role = "child"
    return True


# --- what the two programs tell each other beside the network -----------------------------------

def say(word):
    where = os.environ.get("RSTLAB_DIR")
    if where:
        open(os.path.join(where, word), "w", encoding="ascii").close()
    else:
        print("%-7s *** %s" % (role, word), flush=True)


def hear(word):
    """Wait until the other has said so."""
    where = os.environ.get("RSTLAB_DIR")
    if not where:
        input("%-7s press Enter when the other side says *** %s " % (role, word))
        return
    end = time.monotonic() + DEADLINE
    while not os.path.exists(os.path.join(where, word)):
        if time.monotonic() > end:
            sys.exit("%s: waited in vain for %r" % (role, word))
        time.sleep(0.001)


def play(server, client):
    """The end of each program: python3 FILE server|client ADDRESS PORT."""
    global role
    if len(sys.argv) != 4 or sys.argv[1] not in ("server", "client"):
        sys.exit("usage: %s server|client ADDRESS PORT" % sys.argv[0])
    role = sys.argv[1]
    # Python ignores SIGPIPE, C programs die of it; here it waits, and is told with its call
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
    {"server": server, "client": client}[role]((sys.argv[2], int(sys.argv[3])))
