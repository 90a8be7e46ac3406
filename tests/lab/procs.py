"""procs: what the kernel says of a process that runs, by its number: its status, its children, the
files that it holds. It knows nothing of what they should be."""

import os

GONE = "ZX"


def _read(pid, name):
    with open("/proc/%s/%s" % (pid, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def status_of(pid):
    """Word -> value; nothing of one that is gone, or of which only its end is left."""
    try:
        lines = _read(pid, "status").splitlines()
    except OSError:
        return {}
    got = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {} if got.get("State", GONE)[0] in GONE else got


def state_of(pid):
    """A letter, as ps has it; "" of one that is gone."""
    return status_of(pid).get("State", "")[:1]


def is_gone(pid):
    return not status_of(pid)


def caps(status, *sets):
    return [int(status[s], 16) for s in sets or ("CapEff", "CapPrm", "CapInh", "CapAmb")]


def name_of(pid):
    try:
        return _read(pid, "comm").strip()
    except OSError:
        return ""


def children(pid):
    try:
        return [int(n) for n in _read(pid, "task/%s/children" % pid).split()]
    except OSError:
        return []


def files_of(pid):
    """Descriptor -> what it is, of those that stay open while they are looked at."""
    got = {}
    try:
        names = os.listdir("/proc/%s/fd" % pid)
    except OSError:
        return got
    for fd in names:
        try:
            got[int(fd)] = os.readlink("/proc/%s/fd/%s" % (pid, fd))
        except OSError:
            pass
    return got
