"""rates: the work that is judged by what arrives at the far end, and by what it costs.

It decides what is sent where, and which bars it has to meet: one function a row of the table. SYNs
are counted where they arrive, and a rate is that between 1 % and 99 % of all frames: neither how
long a program waits at its end nor what else it sends plays a part.
"""

import peers
from contest import MET, MISSED, Bar, against, best, compete, of
from net import FAR, FIFTY, SLASH112, SLASH12, SLASH16, SLASH8, Pair
from rows import MB_PORTS, Result, exactly, ours

BLAST = ("--rate", "max", "-r", "0")
MB_SLASH8 = 64
CLOSED = 81


def all_answered(total):
    """A judge: that many, all in one state; `bare` says nothing and is believed."""
    def judge(found):
        return not found or (len(found["counts"]) == 1 and sum(found["counts"].values()) == total)
    return judge


def all_silent(found):
    """Nothing answers in a sink, and whoever says otherwise is wrong."""
    return not set(found.get("counts", {})) - {"filtered"}


def sink_size(bench):
    """Addresses: as many as the bar says, a quarter when in haste."""
    return ("10.96.0.0/14", 1 << 18) if bench.quick else (SLASH12, 1 << 20)


def blast(target, port, *words, setting=""):
    return peers.rstprobe(target, "-p", port, *BLAST, *words,
                          setting=("-r 0 " + setting).strip())


def threads(bench):
    """As many as there are cores, said to be sure; one where the program has no such option."""
    if peers.has("--threads"):
        return bench.cores, ("--threads", bench.cores)
    return 1, ()


def sink(bench):
    """1,048,576 targets into a sink: SYN/s where they arrive"""
    result = Result()
    target, total = sink_size(bench)
    with Pair() as pair:
        pair.watch(sink=True)
        entries = [blast(target, 80)]
        if peers.has("--tx"):
            entries.append(blast(target, 80, "--tx", "xdp", setting="--tx xdp"))
        entries += peers.zmap(pair, target, 80, (1, 4) if bench.quick else (1, 2, 3, 4))
        entries += peers.masscan(pair, target, "80", ("100000000",) if bench.quick else
                                 ("1000000", "100000000"))
        series = compete(pair, entries, bench.rounds, all_silent, watched=True)
    result.table("%d addresses, all silent" % total, series)
    mine = series[0]
    xdp = next((s for s in series if s.entry.setting.endswith("xdp")), None)
    zmap = best(of(series, "zmap"), "pps", most=True)
    masscan = best(of(series, "masscan"), "pps", most=True)
    result.bar(against("SYN/s", "zmap", zmap, mine, 1.3, 1.5, key="pps", more=True))
    result.bar(against("SYN/s", "masscan", masscan, mine, 4, 4.5, key="pps", more=True))
    if xdp and xdp.always_right:
        result.bar(against("SYN/s by --tx xdp", "zmap", zmap, xdp, 2, key="pps", more=True))
    else:
        result.bar(Bar.ratio("SYN/s by --tx xdp (this build can't)", None, 2))
    result.bar(every_syn(mine, total))
    return result


def every_syn(series, total):
    """With no retries each target gets one SYN, no more and no fewer."""
    sent = sum(n == total for n in series.values("syns"))
    return Bar("one SYN for each target", "%d of %d" % (sent, len(series.runs)),
               MET if sent == len(series.runs) else MISSED, "every run")


def v6(bench):
    """A /112 on one port, beside the same of IPv4"""
    result = Result()
    for state, port in (("open", 80), ("closed", CLOSED)):
        with Pair() as pair:
            pair.listen([80])
            pair.answer_all()
            pair.watch()
            words = ("-p", port, "--rate", "max")
            four, six = compete(pair, [peers.rstprobe(SLASH16, *words, setting="IPv4"),
                                       peers.rstprobe(SLASH112, *words, setting="IPv6")],
                                bench.rounds, all_answered(65536), watched=True)
        result.table("65,536 addresses, %s" % state, [four, six])
        result.bar(against("SYN/s of IPv6, %s" % state, "IPv4", four, six, 0.9, key="pps",
                           more=True))
        result.bar(Bar.right("65,536 of IPv6 %s" % state, six))
    return result


def efficiency(bench):
    """Beside a bare sendmmsg loop with as many threads"""
    result = Result()
    n, words = threads(bench)
    target, total = sink_size(bench)
    with Pair() as pair:
        pair.watch(sink=True)
        mine, bare = compete(pair, [
            blast(target, 80, *words, setting="threads %d" % n),
            peers.bare(pair, target.split("/")[0], total, 80, 1, n)],
            bench.rounds, all_silent, watched=True)
    result.table("into a sink", [mine, bare])
    result.bar(against("SYN/s into a sink", "bare", bare, mine, 0.9, key="pps", more=True))
    with Pair() as pair:
        pair.answer_all()
        pair.watch()
        mine, bare = compete(pair, [
            peers.rstprobe(SLASH16, "-p", "81-84", "--rate", "max", *words,
                           setting="threads %d" % n),
            peers.bare(pair, SLASH16.split("/")[0], 1 << 16, CLOSED, 4, n)],
            bench.rounds, all_answered(1 << 18), watched=True)
    result.table("four closed ports of a /16", [mine, bare])
    result.bar(against("SYN/s against answers", "bare", bare, mine, 0.9, key="pps", more=True))
    return result


def memory(bench):
    """Peak memory, and that it doesn't grow"""
    result = Result()
    with Pair() as pair:
        pair.listen(FIFTY)
        series = compete(pair, [ours(FAR, "-p", "-", "--rate", "max", setting="65,535 ports")], 1,
                         exactly(FIFTY, 65535))
    with Pair() as pair:
        pair.watch(sink=True)
        wide = SLASH12 if bench.quick else SLASH8
        series += compete(pair, [
            blast(wide, 80, setting="a " + wide[wide.index("/"):]),
            blast(wide, "80,81", setting="a %s, two ports" % wide[wide.index("/"):])],
            1, all_silent, watched=True, limit=400)
    result.table("peak memory", series)
    peak = [max(s.values("peak_mb")) for s in series]
    result.bar(Bar.at_most("65,535 ports", peak[0], MB_PORTS, "MB"))
    result.bar(Bar.at_most("a " + wide[wide.index("/"):], peak[1], MB_SLASH8, "MB"))
    result.bar(Bar.at_most("flat: twice as many probes", peak[2], round(peak[1] * 1.05 + 1), "MB"))
    for s in series:
        result.bar(Bar.right("ran to its end: " + s.entry.setting, s))
    return result


def cpu(bench):
    """Processor time of a probe, beside zmap"""
    result = Result()
    target, _ = sink_size(bench)

    def judge(what, series):
        mine, peer = series[0], best(of(series, "zmap"), "cpu_us")
        result.table(what, series)
        result.bar(against("CPU/SYN, %s" % what, "zmap", peer, mine, 1, key="cpu_us"))

    with Pair() as pair:
        pair.watch(sink=True)
        judge("into a sink", compete(pair, [blast(target, 80)] + peers.zmap(
            pair, target, 80, (1, 4)), bench.rounds, all_silent, watched=True))
    with Pair() as pair:
        pair.answer_all()
        pair.watch()
        judge("against answers", compete(pair, [
            peers.rstprobe(SLASH16, "-p", CLOSED, "--rate", "max", setting="--rate max")] +
            peers.zmap(pair, SLASH16, CLOSED, (1, 3)), bench.rounds, all_answered(65536),
            watched=True))
    return result
