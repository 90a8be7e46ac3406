"""contest: programs that run in turn, their medians, and the bars that hold or don't.

It decides what a median, the best setting of a program and a met bar are. It knows nothing of
networks, nor of what the programs do.
"""

import collections
import statistics

# program: who; setting: how; argv: with @OUT where it writes; read: (path) -> what it found
Entry = collections.namedtuple("Entry", "program setting argv read")

MET, MISSED, SKIPPED = "met", "MISSED", "skipped"


class Run:
    """One command, once."""

    def __init__(self, figures, found, right, said):
        self.wall_s = figures["wall_s"]
        self.cpu_s = figures["user_s"] + figures["sys_s"]
        self.peak_mb = figures["peak_kb"] / 1024
        self.status, self.late = figures["status"], figures["late"]
        self.syns, self.pps = figures.get("syns"), None
        if figures.get("frames"):
            # resets of what is open, and of masscan, run among the SYNs: their share is taken off
            self.pps = figures["pps"] * self.syns / figures["frames"]
        self.found, self.right = found, right and self.status == 0 and not self.late
        self.said = said if self.status else ""

    @property
    def cpu_us(self):
        """Processor time of a probe."""
        return self.cpu_s / self.syns * 1e6 if self.syns else None


class Series:
    """All runs of one program with one setting."""

    def __init__(self, entry):
        self.entry, self.runs = entry, []

    @property
    def program(self):
        return self.entry.program

    @property
    def name(self):
        return (self.entry.program + " " + self.entry.setting).strip()

    def values(self, key):
        return [v for v in (getattr(r, key) for r in self.runs) if v is not None]

    def median(self, key="wall_s"):
        values = self.values(key)
        return statistics.median(values) if values else None

    def usual_finds(self):
        """How many answers the median run found."""
        return statistics.median(sum(r.found.get("counts", {}).values()) for r in self.runs)

    @property
    def right(self):
        return sum(r.right for r in self.runs)

    @property
    def always_right(self):
        return bool(self.runs) and self.right == len(self.runs)

    def as_json(self):
        return {"program": self.program, "setting": self.entry.setting,
                "argv": [str(a) for a in self.entry.argv], "runs": [vars(r) for r in self.runs]}


def last_line(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return (f.read().strip().splitlines() or [""])[-1]


def compete(net, entries, rounds, judge, watched=False, limit=180, most=None):
    """The entries in turn, each round beginning with another, so that a busy moment hits all.

    judge(found) tells whether a run was right; most: a smaller number of rounds, by program.
    """
    series = [Series(e) for e in entries]
    for n in range(rounds):
        turn = n % max(len(series), 1)
        for s in series[turn:] + series[:turn]:
            if n >= (most or {}).get(s.program, rounds):
                continue
            m = net.measure(s.entry.argv, watched, limit)
            try:
                found = s.entry.read(m.out)
                right = judge(found)
            except (ValueError, KeyError, IndexError) as e:
                found, right = {"unreadable": str(e)}, False
            s.runs.append(Run(m.figures, found, right, last_line(m.err)))
    return series


def of(series, program):
    return [s for s in series if s.program == program]


def best(series, key="wall_s", most=False, fits=lambda s: True):
    """The setting with the best median of those that fit; None where none does."""
    fitting = [s for s in series if s.median(key) is not None and fits(s)]
    return (max if most else min)(fitting, key=lambda s: s.median(key), default=None)


class Bar:
    """One line of the table: a figure, and what it must be."""

    def __init__(self, what, value, verdict, bar="", goal=""):
        self.what, self.value, self.verdict, self.bar, self.goal = what, value, verdict, bar, goal

    @classmethod
    def ratio(cls, what, value, bar, goal=None):
        """A ratio that must be at least the bar; None: its peer is absent; no bar: only shown."""
        shown = "at least %.3g" % bar if bar else ""
        if value is None:
            return cls(what, "", SKIPPED, shown)
        verdict = "" if not bar else MET if value >= bar else MISSED
        reached = "" if goal is None else "goal %.3g %s" % (
            goal, "reached" if value >= goal else "not reached")
        return cls(what, "%.2f" % value, verdict, shown, reached)

    @classmethod
    def at_most(cls, what, value, bar, unit):
        if value is None:
            return cls(what, "", SKIPPED, "at most %g %s" % (bar, unit))
        return cls(what, "%.1f %s" % (value, unit), MET if value <= bar else MISSED,
                   "at most %g %s" % (bar, unit))

    def unless_wrong(self, series):
        """A fast run that isn't right counts for nothing."""
        if not series.always_right:
            self.goal = "not right in every run"
            self.verdict = self.verdict and MISSED
        return self

    @classmethod
    def shown(cls, what, value, unit):
        return cls(what, "%.1f %s" % (value, unit), "")

    @classmethod
    def right(cls, what, series):
        return cls(what, "%d of %d" % (series.right, len(series.runs)),
                   MET if series.always_right else MISSED, "every run")


def ratio(a, b):
    return a / b if a is not None and b else None


def against(what, program, peer, ours, bar, goal=None, key="wall_s", more=False):
    """How many times better our median is than the peer's (a Series of program's, or None)."""
    if peer is None:
        return Bar.ratio("%s, against %s" % (what, program), None, bar)
    theirs, mine = peer.median(key), ours.median(key)
    value = ratio(mine, theirs) if more else ratio(theirs, mine)
    return Bar.ratio("%s, against %s" % (what, peer.name), value, bar, goal).unless_wrong(ours)


def wall(what, ours, bar):
    """Our median time, in seconds."""
    return Bar.at_most(what, ours.median(), bar, "s").unless_wrong(ours)
