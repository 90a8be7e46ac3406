"""kernel: what Linux itself says of each RST that it sends, by its tracepoint tcp:tcp_send_reset.

The tracepoint is one for the whole machine, so only its root may read it, and it does not tell
namespaces apart: who asks gives the connections that are his. A ring of our own is made below
instances/ and taken away at the end; one that a killed run has left goes at the next.
"""

import os
import re
import subprocess

TRACEFS = "/sys/kernel/tracing"
EVENT = "events/tcp/tcp_send_reset"
LINE = re.compile(r"tcp_send_reset: .*?\bsrc=(\S+) dest=(\S+) state=(\w+)(?: reason=(\w+))?")
PREFIX = "rstprobe-lab-"
RING_KB = 8192  # a processor

MEANS = {  # the kernel names where in its code it was, which is not always why
    "NO_SOCKET": "no socket has this port",
    "TCP_ABORT_ON_CLOSE": "closed with data unread",
    "TCP_STATE": "ended on purpose with nothing unread",
    "TCP_ABORT_ON_DATA": "data came to a socket that was closed",
    "TCP_TIMEWAIT_SOCKET": "data came to a socket that was closed",
    "TCP_FLAGS": "a listener got a segment that is no SYN",
}


def in_words(said):
    state = "" if said["state"] == "UNKNOWN" else " in " + said["state"]
    means = MEANS.get(said["reason"])
    return said["reason"] + state + (": " + means if means else "")


def _is_root_of_machine():
    """And not of a user namespace, where there is but one uid."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        return os.geteuid() == 0 and f.read().split() == ["0", "0", "4294967295"]


class Ear:
    """Listens from its making; `why` says what is missing where it can't."""

    def __init__(self):
        self.dir = None
        self.why = self._missing() or self._begin()

    @staticmethod
    def _missing():
        if not os.path.isdir(TRACEFS + "/instances"):
            # seen in our own mount namespace only
            done = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS],
                                  stderr=subprocess.PIPE, text=True)
            if done.returncode and not _is_root_of_machine():
                return "only root of this machine may read its tracepoints (sudo)"
            if done.returncode:
                return "no tracefs: " + done.stderr.strip()
        try:
            with open(os.path.join(TRACEFS, EVENT, "format"), encoding="ascii") as f:
                text = f.read()
        except FileNotFoundError:
            return "no tracepoint tcp:tcp_send_reset (reasons need Linux 6.10)"
        except OSError as e:
            return "tcp:tcp_send_reset: %s" % e.strerror
        return None if " reason;" in text else "no reason in tcp:tcp_send_reset before Linux 6.10"

    def _begin(self):
        try:
            for old in os.listdir(TRACEFS + "/instances"):
                pid = old[len(PREFIX):]
                if old.startswith(PREFIX) and not os.path.exists("/proc/" + pid):
                    self._remove(os.path.join(TRACEFS, "instances", old))
            self.dir = os.path.join(TRACEFS, "instances", PREFIX + str(os.getpid()))
            os.mkdir(self.dir)
            # the RSTs of the whole machine must not push ours out
            self._write(self.dir, "buffer_size_kb", str(RING_KB))
            self._write(self.dir, EVENT + "/enable", "1")
        except OSError as e:
            self.close()
            return "%s: %s" % (e.filename, e.strerror)
        return None

    @staticmethod
    def _write(where, name, text):
        with open(os.path.join(where, name), "w", encoding="ascii") as f:
            f.write(text)

    @classmethod
    def _remove(cls, where):
        try:
            cls._write(where, EVENT + "/enable", "0")
            os.rmdir(where)
        except OSError:
            pass  # it never was, or another run takes it away

    def listen(self, no_socket):
        """Forget what was said before. RSTs of ports that nobody holds, which a scan on this
        machine draws by the hundred thousand, only where they are asked for."""
        if not self.dir:
            return
        with open(os.path.join(self.dir, EVENT, "format"), encoding="ascii") as f:
            number = re.search(r'(\d+), "NO_SOCKET"', f.read())
        some = number and not no_socket
        self._write(self.dir, EVENT + "/filter", "reason != " + number.group(1) if some else "0")
        self._write(self.dir, "trace", "")

    def said(self):
        """[{"src", "dst", "state", "reason"}] since then; addresses as "address:port"."""
        if not self.dir:
            return []
        with open(os.path.join(self.dir, "trace"), encoding="ascii") as f:
            found = [LINE.search(line) for line in f]
        return [dict(zip(("src", "dst", "state", "reason"), m.groups())) for m in found if m]

    def close(self):
        if self.dir:
            self._remove(self.dir)
            self.dir = None
