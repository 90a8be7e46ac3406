"""Large scans: parts that add up, and runs that go on where another was stopped, however it was."""

import collections
import json
import os
import signal

import pytest

from lab import SERVER, SERVER6, SYN, segments, until

LISTENERS = [80, 443, 1500]
NET = "10.210.0.0/22"  # more hosts than get a block each; all of them are the server


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(LISTENERS)
    path3.server.ip("route", "add", "local", NET, "dev", "lo")
    path3.router.route(NET, "via", SERVER)
    return path3


def lines(path):
    """The whole lines of a file that somebody may be writing."""
    with open(path, encoding="utf-8") as f:
        return [json.loads(x) for x in f.read().split("\n")[:-1]]


def states(records):
    """(address, port) -> state; a later record corrects an earlier one."""
    got = {}
    for r in records:
        if r["type"] == "port":
            got[r["addr"], r["port"]] = r["state"]
        elif r["type"] == "ports":
            for part in r["ports"].split(","):
                first, _, last = part.partition("-")
                for port in range(int(first), int(last or first) + 1):
                    got[r["addr"], port] = r["state"]
    return got


def of_hosts(records):
    """Sums of the counts of all host records."""
    total = collections.Counter()
    for r in records:
        if r["type"] == "host":
            total.update(r["counts"])
    return +total


def check_whole(records, expect, complete=True):
    """A result that says all by itself: what was found, and counts that agree with it."""
    assert [r["type"] for r in records].count("run") == 1 and records[0]["type"] == "run"
    assert [r["type"] for r in records].count("summary") == 1
    summary = records[-1]
    assert summary["complete"] is complete, summary
    got = states(records)
    assert got == expect, sorted(set(got.items()) ^ set(expect.items()))[:9]
    count = dict(collections.Counter(expect.values()))
    assert summary["counts"] == count, summary
    assert dict(of_hosts(records)) == count


def asked(path):
    return {(s.dst, s.dport) for s in segments(path) if s.flags & 0x17 == SYN}


def interrupt(net, number, *words, many=200):
    """A run that is ended by a signal once so many answers are there; the file it left."""
    path = net.lab.path("result.jsonl")
    before = net.client.sent_packets("up")
    run = net.client.start("scan", *words, "-oJ", path)
    until("the first probes", lambda: net.client.sent_packets("up") - before >= many)
    if number == signal.SIGKILL:
        run.process.kill()
    else:
        run.signal(number)
    result = run.wait()
    assert result.status == (3 if number == signal.SIGINT else -signal.SIGKILL), result
    return path


def resume(net, path, *words):
    out = net.lab.path("resumed.jsonl")
    result = net.client.rstprobe("scan", "--resume", path, "-oJ", out, *words)
    assert "ports known from" in result.err, result
    return result, lines(out)


# --- shards ----------------------------------------------------------------------------------

def test_shards_add_up(net):
    words = [SERVER, SERVER6, "-p", "1-500", "--seed", "3", "--show", "all"]
    whole = states(net.client.scan(*words).records)
    assert len(whole) == 1000
    parts = {}
    for i in (1, 2, 3):
        result = net.client.scan(*words, "--shard", "%d/3" % i)
        assert result.status == 0, result
        mine = {k: v for k, v in states(result.records).items() if v != "not-probed"}
        assert len(mine) in (333, 334) and not mine.keys() & parts.keys(), len(mine)
        parts.update(mine)
    assert parts == whole


@pytest.mark.parametrize("words,says", [
    (["--shard", "1/2"], "--seed"),
    (["--shard", "3/2", "--seed", "1"], "I/N"),
    (["--shard", "0/2", "--seed", "1"], "I/N"),
    (["--shard", "2", "--seed", "1"], "I/N"),
    (["--shard", "1/", "--seed", "1"], "I/N"),
    (["--threads", "0"], "from 1 to 64"),
    (["--threads", "65"], "from 1 to 64"),
    (["--tx", "pigeon"], "raw, packet or xdp"),
    (["--resume", "/nonexistent"], "/nonexistent"),
])
def test_words_refused(net, words, says):
    result = net.client.rstprobe("scan", SERVER, *words)
    assert result.status == 2 and result.out == "", result
    assert says in result.err and result.err.count("\n") == 1, result


# --- going on --------------------------------------------------------------------------------

PORTS = 2000


def one_host(target):
    return {(target, p): "open" if p in LISTENERS else "closed" for p in range(1, PORTS + 1)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("target", [SERVER, SERVER6])
def test_one_host_goes_on(net, target, number):
    path = interrupt(net, number, target, "-p", "1-%d" % PORTS, "--rate", "500")
    known = {k for k, v in states(lines(path)).items() if v in ("open", "closed")}
    assert bool(known) == (number == signal.SIGINT)
    pcap = net.lab.path("resumed.pcap")
    result, records = resume(net, path, "--rate", "5k", "-w", pcap)
    assert result.status == 0, result
    check_whole(records, one_host(target))
    assert records[-1]["known"] == len(known)
    assert len(asked(pcap)) == PORTS - len(known)
    assert "%d open, %d closed on 1 host " % (3, PORTS - 3) in result.out, result


def test_twice_and_under_its_own_name(net):
    words = ["-p", "1-%d" % PORTS, "--rate", "250"]
    path = interrupt(net, signal.SIGINT, SERVER, *words)
    known = []
    for _ in range(2):
        result = net.client.rstprobe("scan", "--resume", path, "-oJ", path, "--deadline", "1500ms")
        assert result.status == 3, result
        assert lines(path)[-1]["type"] == "summary"
        known.append(lines(path)[-1]["known"])
        assert sum(v in ("open", "closed") for v in states(lines(path)).values()) > known[-1]
    assert 0 < known[0] < known[1]
    result = net.client.rstprobe("scan", "--resume", path, "-oJ", path, "--rate", "max")
    assert result.status == 0, result
    check_whole(lines(path), one_host(SERVER))
    assert not os.path.exists(path + ".new")
    # and nothing is left to ask
    result = net.client.rstprobe("scan", "--resume", path, "-oJ", path)
    assert result.status == 0, result
    check_whole(lines(path), one_host(SERVER))
    assert lines(path)[-1]["sent"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_many_hosts_go_on(net, number):
    """Open ports are on the disk while the run goes on; a killed one has them."""
    path = net.lab.path("result.jsonl")
    run = net.client.start("scan", NET, "-p", "80,81", "--rate", "500", "-oJ", path)

    def found():
        return sum(r["type"] == "port" for r in lines(path)) if os.path.exists(path) else 0
    until("open ports in the file", lambda: found() >= 100)
    assert run.process.poll() is None
    run.process.send_signal(number)
    run.wait()
    known = {k for k, v in states(lines(path)).items() if v == "open"}
    assert len(known) >= 100
    pcap = net.lab.path("resumed.pcap")
    result, records = resume(net, path, "--rate", "5k", "-w", pcap)
    assert result.status == 0, result
    want = {("10.210.%d.%d" % (i >> 8, i & 255), port): "open" if port == 80 else "closed"
            for i in range(1024) for port in (80, 81)}
    got = states(records)
    assert got == want, sorted(set(got.items()) ^ set(want.items()))[:9]
    assert records[-1]["counts"] == {"open": 1024, "closed": 1024}
    assert records[-1]["hosts_up"] == 1024
    assert dict(of_hosts(records)) == {"open": 1024, "closed": 1024}
    again = {(".".join(map(str, dst)), port) for dst, port in asked(pcap)}
    assert not again & known and len(again) <= 2048 - len(known)


def test_two_kinds_go_on(net):
    words = ["-p", "1-%d" % PORTS, "--probe", "syn,ack", "--rate", "500"]
    path = interrupt(net, signal.SIGINT, SERVER, *words)
    result, records = resume(net, path, "--rate", "5k")
    assert result.status == 0, result
    check_whole(records, one_host(SERVER))
    for r in records:
        if r["type"] == "port" and r["state"] == "open":
            assert set(r["probes"]) == {"syn", "ack"}, r


def test_shard_goes_on(net):
    words = [SERVER, "-p", "1-%d" % PORTS, "--seed", "8", "--shard", "2/2"]
    whole = states(net.client.scan(*words, "--show", "all").records)
    path = interrupt(net, signal.SIGINT, *words, "--rate", "300")
    result, records = resume(net, path, "--rate", "5k")
    assert result.status == 0, result
    got = states(records)
    assert {k: v for k, v in got.items() if v != "not-probed"} == \
        {k: v for k, v in whole.items() if v != "not-probed"}


def test_refused(net):
    path = interrupt(net, signal.SIGINT, SERVER, "-p", "1-%d" % PORTS, "--rate", "500")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    first, rest = text.split("\n", 1)
    other = json.loads(first)
    other["argv"][other["argv"].index(SERVER)] = SERVER + "-3"
    files = {
        "": "not one whole line",
        "PORT STATE\n": ":1: no record",
        rest: ":1: no run record",
        first.replace('"command":"scan"', '"command":"stack"') + "\n" + rest: "only scans",
        json.dumps(other, separators=(",", ":")) + "\n" + rest: "other targets now",
        first + "\n{\"type\":\"port\",\n" + rest: ":2: ",
        first + "\n{\"type\":\"port\",\"addr\":\"192.0.2.9\",\"port\":1,\"state\":\"open\"}\n":
            ":2: a host that is not scanned",
    }
    for content, says in files.items():
        file = net.lab.scratch("old", content).name
        result = net.client.rstprobe("scan", "--resume", file, "-oJ", file)
        assert result.status == 2 and result.out == "", result
        assert says in result.err and result.err.count("\n") == 1, (says, result)
        with open(file, encoding="utf-8") as f:
            assert f.read() == content, "a refused file is left as it was"
        assert not os.path.exists(file + ".new")
    for words, says in ((["-p", "80"], "--ports"), ([SERVER6], "targets"), (["--stack"], "--stack"),
                        (["-o", path], path), (["-w", path], path), (["--seed", "1"], "--seed")):
        result = net.client.rstprobe("scan", "--resume", path, *words)
        assert result.status == 2 and says in result.err, result
    # the same words again are no contradiction; a dry run prints what is left
    result = net.client.rstprobe("scan", SERVER, "-p", "1-%d" % PORTS, "--resume", path,
                                 "--dry-run")
    known = sum(v == "closed" or v == "open" for v in states(lines(path)).values())
    assert result.status == 0 and result.out.count("\n") == PORTS - known, result
