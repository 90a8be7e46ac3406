"""rows: the work that is judged by time from start to end, and by being right.

It decides what is scanned and which bars it has to meet: one function a row of the table. How
programs are called is in peers.py, what a bar is in contest.py.
"""

import statistics

import peers
from contest import MET, MISSED, Bar, against, best, compete, of, wall
from net import FAR, FIFTY, SLASH16, Line, Pair, laboratory

ALL = "1-65535"
MB_PORTS = 32
FAST_MASSCAN = ("1000000", "100000000")


class Result:
    """What a row shows: tables of series, then its bars."""

    def __init__(self):
        self.tables, self.bars, self.notes = [], [], []

    def table(self, title, series):
        self.tables.append((title, series))

    def bar(self, bar):
        self.bars.append(bar)

    def note(self, text):
        self.notes.append(text)


def exactly(listening, total):
    """A judge: these ports open, all others closed, none missing."""
    def judge(found):
        return found["counts"] == {"open": len(listening), "closed": total - len(listening)} and (
            found.get("open", listening) == listening)
    return judge


def ours(*words, **kw):
    return peers.rstprobe(*words, keep=("open",), **kw)


def only(series, program):
    """That of a program with one setting; None where it is absent."""
    return next(iter(of(series, program)), None)


# --- the ports of one host -----------------------------------------------------------------------

def ports(bench):
    """65,535 ports of one host, 50 open, --rate max"""
    result = Result()
    with Pair() as pair:
        pair.listen(FIFTY)
        entries = [ours(FAR, "-p", "-", "--rate", "max", setting="--rate max")]
        entries += peers.nmap(FAR, ALL) + peers.masscan(pair, FAR, ALL, FAST_MASSCAN)
        series = compete(pair, entries, bench.rounds, exactly(FIFTY, 65535))
    mine = series[0]
    result.table("65,535 ports of one host", series)
    of_nmap, of_masscan = ((2,), (6,)) if bench.cores < 4 else ((3, 4), (8, 10))
    result.bar(against("wall", "nmap", only(series, "nmap"), mine, *of_nmap))
    result.bar(against("wall", "masscan", best(of(series, "masscan")), mine, *of_masscan))
    result.bar(Bar.right("50 open and 65,485 closed", mine))
    result.bar(Bar.at_most("peak memory", max(mine.values("peak_mb")), MB_PORTS, "MB"))
    return result


def defaults(bench):
    """The same at defaults"""
    result = Result()
    with Pair() as pair:
        pair.listen(FIFTY)
        series = compete(pair, [ours(FAR, "-p", "-")] + peers.nmap(FAR, ALL), bench.rounds,
                         exactly(FIFTY, 65535))
    result.table("65,535 ports of one host, defaults", series)
    result.bar(against("wall", "nmap", only(series, "nmap"), series[0], 1))
    result.bar(Bar.right("50 open and 65,485 closed", series[0]))
    return result


def loss(bench):
    """1 %, 5 % and 20 % loss each way"""
    result = Result()
    many = 5 if bench.quick else 20
    # nmap takes 13 s and 75 s
    plan = ((1, 20, 1 if bench.quick else min(3, bench.rounds)),
            (5, 100, 0 if bench.quick else bench.slow), (20, None, 0))
    for percent, factor, of_nmap in plan:
        with Pair() as pair:
            pair.listen(FIFTY)
            pair.lose(percent)
            entries = [ours(FAR, "-p", "-", "--rate", "max", setting="--rate max")]
            entries += peers.nmap(FAR, ALL) if of_nmap else []
            series = compete(pair, entries, many, exactly(FIFTY, 65535), most={"nmap": of_nmap})
        result.table("65,535 ports, %d %% loss each way" % percent, series)
        if factor:
            result.bar(against("wall at %d %% loss" % percent, "nmap", only(series, "nmap"),
                               series[0], factor))
        result.bar(Bar.right("all right at %d %% loss" % percent, series[0]))
    result.note("nmap runs fewer times than rstprobe (column runs): it takes 13 s and 75 s")
    if bench.quick:
        result.note("nmap at 5 % is left out for once")
    return result


def resets(bench):
    """A target limited to 1,000 resets/s"""
    result = Result()
    total = 10000 if bench.quick else 65535
    listening = [p for p in FIFTY if p <= total]
    floor = (total - len(listening)) / 1000
    with Pair() as pair:
        pair.listen(FIFTY)
        pair.limit_resets(1000)
        words = (FAR, "-p", "1-%d" % total)
        whole = compete(pair, [ours(*words)], 1 if bench.quick else bench.slow,
                        exactly(listening, total), limit=4 * floor)
        is_open = compete(pair, [ours(*words, "--open", setting="--open")], bench.rounds,
                          lambda found: found["open"] == listening, limit=30)
    result.table("%d ports, at most 1,000 resets/s" % total, whole + is_open)
    result.bar(Bar.right("all right, none called filtered", whole[0]))
    result.bar(wall("wall (the floor is %.1f s)" % floor, whole[0], round(floor * 1.1, 1)))
    result.bar(Bar.right("--open: the open ones", is_open[0]))
    result.bar(wall("--open: wall", is_open[0], 10))
    return result


# --- one port of many hosts ----------------------------------------------------------------------

def slash16(bench):
    """One open port on a /16 that all answers, and one closed port"""
    result = Result()

    def all_found(found):
        return sum(found["counts"].values()) == 65536 and len(found["counts"]) == 1

    for state, port in (("open", 80), ("closed", 81)):
        with Pair() as pair:
            pair.listen([80])
            pair.answer_all()
            entries = [peers.rstprobe(SLASH16, "-p", port, "--rate", "max", setting="--rate max")]
            entries += peers.zmap(pair, SLASH16, port, (1, 2, 3))
            series = compete(pair, entries, bench.rounds, all_found)
        mine, theirs = series[0], of(series, "zmap")
        result.table("one %s port on 65,536 addresses" % state, series)
        peer = best(theirs, fits=lambda s: s.usual_finds() >= 65536 * 0.999)
        if theirs and not peer:
            peer = max(theirs, key=lambda s: s.usual_finds())
            result.note("no setting of zmap found 99.9 %% of the %s ones: the best of them" % state)
        result.bar(against("wall, %s" % state, "zmap", peer, mine, 4 if bench.cores >= 4 else None))
        result.bar(Bar.right("65,536 %s" % state, mine))
    result.note("zmap: the fastest of -T 1, 2, 3 whose median run found 99.9 %")
    return result


# --- a long line ---------------------------------------------------------------------------------

def rtt(bench):
    """1,000 ports at 50 ms round trip, 1 % loss each way"""
    result = Result()
    listening = list(range(20, 1001, 20))
    with Line(25, 1) as line:
        line.listen(listening)
        entries = [ours(FAR, "-p", "1-1000")] + peers.nmap(FAR, "1-1000")
        series = compete(line, entries, bench.rounds, exactly(listening, 1000))
        ways = line.relayed()
    result.table("1,000 ports, 50 ms away, 1 % loss each way", series)
    result.bar(against("wall", "nmap", only(series, "nmap"), series[0], 1))
    result.bar(Bar.right("50 open and 950 closed", series[0]))
    for way in ways:
        result.note("the relay: " + way)
    return result


# --- one probe -----------------------------------------------------------------------------------

class Probe:
    """One probe on loopback: the process, and what the scan says of its own time."""

    def __init__(self, wall_s, records):
        port = next((r for r in records if r["type"] == "port"), {})
        self.wall_ms = wall_s * 1000
        self.rtt_ms = port.get("rtt_us", 0) / 1000
        self.verdict_ms = records[-1].get("elapsed_s", 9) * 1000 if records else 9000
        self.right = port.get("state") == "open"


def one(bench):
    """One probe on loopback"""
    result = Result()
    argv = [laboratory.RSTPROBE, "scan", "127.0.0.1", "-p", "80", "--format", "json"]
    probes = []
    with Pair() as pair:
        pair.near.listen([80])
        for _ in range(max(bench.rounds, 5)):
            m = pair.measure(argv)
            with open(m.out, encoding="utf-8") as f:
                records = [laboratory.json.loads(line) for line in f]
            probes.append(Probe(m.figures["wall_s"], records))

    def median(key):
        return statistics.median(getattr(p, key) for p in probes)

    result.bar(Bar.shown("round trip", median("rtt_ms"), "ms"))
    result.bar(Bar.at_most("send to verdict", median("verdict_ms"), 20, "ms"))
    result.bar(Bar.at_most("whole process", median("wall_ms"), 100, "ms"))
    right = sum(p.right for p in probes)
    result.bar(Bar("verdict", "%d of %d" % (right, len(probes)),
                   MET if right == len(probes) else MISSED, "every run"))
    return result
