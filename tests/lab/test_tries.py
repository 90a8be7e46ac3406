"""scan --count: a line a try as it ends, and in the end what was lost and how long it took."""

import json
import re
import signal

import pytest

from lab import SERVER, SERVER6, SYN, segments, until

OPEN, LOSSY, CLOSED = 80, 81, 82
NOBODY = "10.201.1.77"


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([OPEN, LOSSY])
    return path3


@pytest.fixture
def lossy(net):
    """Every third SYN is lost, the first one too; our kernel's RSTs to what was opened are not."""
    syn = "iifname down tcp flags & (syn | ack) == syn tcp dport %d " % LOSSY
    net.router.firewall(counters=["syns"], prerouting=[
        syn + "counter name syns", syn + "numgen inc mod 3 == 0 drop"])
    return net


PATIENT = ["-T", "20s"]  # or what a slow machine answers late is lost


def tries(net, *words, **kw):
    patient = [] if "-T" in words else PATIENT
    return net.client.scan(*words, "--interval", "20ms", *patient, **kw)


def test_text(net):
    got = net.client.rstprobe("scan", SERVER, "-p", OPEN, "--count", 12, "--interval", "20ms",
                              *PATIENT)
    assert got.status == 0, got
    *lines, blank, end, rtts = got.out.splitlines()
    one = r"%s port %d  n=%s  open      syn-ack  ttl 63  +\d[\d.]* m?s"
    assert len(lines) == 12
    for n, line in enumerate(lines, 1):
        assert re.fullmatch(one % (re.escape(SERVER), OPEN, "%-2d" % n), line), got
    assert blank == ""
    assert end == "%s: port %d, 12 tries, 12 answered, 0 %% loss; 12 open" % (SERVER, OPEN), got
    assert re.fullmatch(r"  round trip min/p50/p90/p99/max ([\d.]+/){4}[\d.]+ ms, mean [\d.]+, "
                        r"mdev [\d.]+", rtts), got


def test_text_of_several_ports_is_aligned(net):
    """From the first line on: who is asked is known."""
    got = net.client.rstprobe("scan", SERVER, SERVER6, "-p", "%d,8080" % OPEN, "--count", 2,
                              "--interval", "20ms")
    lines = [line for line in got.out.splitlines() if "  n=" in line]
    assert len(lines) == 8 and len({line.index("  n=") for line in lines}) == 1, got


def test_json(net):
    got = tries(net, SERVER, "-p", "%d,%d" % (OPEN, CLOSED), "--count", 6)
    assert got.status == 0, got
    for port, state, reason in (OPEN, "open", "syn-ack"), (CLOSED, "closed", "rst-ack"):
        mine = [t for t in got.of("try") if t["port"] == port]
        assert [t["n"] for t in mine] == list(range(1, 7)), got
        assert {(t["addr"], t["state"], t["reason"], t["ttl"]) for t in mine} == {
            (SERVER, state, reason, 63)}, got
        assert [t["time"] for t in mine] == sorted(t["time"] for t in mine)
        rtts = sorted(t["rtt_us"] for t in mine)
        end, = [t for t in got.of("tries") if t["port"] == port]
        assert (end["tries"], end["answered"], end["late"], end["loss"]) == (6, 6, 0, 0.0)
        assert end["states"] == {state: 6}
        assert [end["rtt_us"][k] for k in ("min", "p50", "p90", "p99", "max")] == [
            rtts[0], rtts[2], rtts[5], rtts[5], rtts[5]]
    assert got.summary["sent"] == got.summary["answered"] == 12, got
    assert got.summary["counts"] == {"open": 6, "closed": 6}
    assert got.summary["complete"] is True


def test_loss_is_what_was_lost(lossy):
    got = tries(lossy, SERVER, "-p", LOSSY, "--count", 9, "-T", "4s")
    assert lossy.router.counter("syns") == 9, got  # no try is sent twice
    end, = got.of("tries")
    assert (end["answered"], end["loss"]) == (6, 0.3333), got
    assert end["states"] == {"open": 6, "filtered": 3}
    lost = [t for t in got.of("try") if t["state"] == "filtered"]
    assert [t["n"] for t in lost] == [1, 4, 7]
    assert {(t["reason"], t["rtt_us"], t["ttl"]) for t in lost} == {("no-response", None, None)}
    assert got.status == 0 and got.summary["loss_estimate"] == 0.3333


@pytest.mark.parametrize("fixed", [(), ("-g", 45678)], ids=["ports", "one-port"])
def test_each_try_is_its_own_connection(net, fixed):
    path = net.lab.path("tries.pcap")
    got = tries(net, SERVER, "-p", OPEN, "--count", 8, "-w", path, *fixed)
    assert {t["state"] for t in got.of("try")} == {"open"}, got
    syns = [s for s in segments(path) if s.flags == SYN]
    assert len(syns) == len({s.seq for s in syns}) == 8
    assert len({s.sport for s in syns}) == (1 if fixed else 8)


def test_other_kinds_and_families(net):
    got = tries(net, SERVER6, "-p", OPEN, "--count", 3, "--probe", "syn,ack")
    assert {t["state"] for t in got.of("try")} == {"open"} and got.summary["sent"] == 6, got
    got = tries(net, SERVER, "-p", OPEN, "--count", 3, "--probe", "ack")
    assert {t["state"] for t in got.of("try")} == {"unfiltered"}, got
    got = tries(net, SERVER, "-p", OPEN, "--count", 2, "--probe", "fin", "-T", "100ms")
    assert {t["state"] for t in got.of("try")} == {"open|filtered"}, got


def test_nobody_has_the_address(net):
    net.client.sysctl({"net.ipv4.neigh.up.retrans_time_ms": 50})
    got = tries(net, NOBODY, "-p", OPEN, "--count", 1, "-T", "10s")
    one, = got.of("try")
    assert (one["state"], one["reason"]) == ("not-probed", "host-unreachable"), got
    assert got.of("tries")[0]["answered"] == 0


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_come_at_once_and_a_signal_ends_it(net, form):
    run = net.client.start("scan", SERVER, "-p", OPEN, "--count", 100000, "--interval", "50ms",
                           *PATIENT, "--format", form)
    until("two tries", lambda: len(re.findall(r"\bopen\b.*\n", run.text("out"))) >= 2)
    assert run.process.poll() is None
    run.signal(signal.SIGINT)
    got = run.wait()
    assert got.status == 3, got
    if form == "text":
        assert re.search(r"\n\n%s: port %d, \d+ tries, \d+ answered, 0 %% loss; \d+ open\n  round "
                         r"trip .*\nINCOMPLETE: interrupted\n$" % (re.escape(SERVER), OPEN), got.out)
        return
    end, = got.of("tries")
    assert end["tries"] == end["answered"] == len(got.of("try"))
    assert got.summary["complete"] is False and got.summary["end"] == "interrupted"


def test_deadline(net):
    got = net.client.scan(SERVER, "-p", OPEN, "--count", 1000, "--interval", "100ms", "--deadline",
                          "1s")
    assert got.status == 3 and got.summary["end"] == "deadline", got
    assert 1 <= got.of("tries")[0]["tries"] < 1000


def test_expect(lossy):
    asked = ["--count", 3, "--expect", "open"]
    assert tries(lossy, SERVER, "-p", OPEN, *asked).status == 0
    assert tries(lossy, SERVER, "-p", LOSSY, *asked, "-T", "200ms").status == 1
    assert tries(lossy, SERVER, "-p", "%d,%d" % (OPEN, CLOSED), *asked).status == 1


def test_show_lists_what_is_asked_for(lossy):
    got = lossy.client.rstprobe("scan", SERVER, "-p", LOSSY, "--count", 3, "--interval", "20ms",
                                "-T", "3s", "--show", "filtered")
    assert got.out.count("n=") == 1 and "filtered  no-response\n" in got.out, got
    assert "3 tries, 2 answered" in got.out


def test_dry_run(net):
    got = net.client.rstprobe("scan", SERVER, "-p", OPEN, "--count", 3, "--dry-run")
    assert got.status == 0 and got.out.count("> %s.%d: S" % (SERVER, OPEN)) == 1, got


@pytest.mark.parametrize("words, says", [
    (["--interval", "1s"], "--count N"),
    (["--count", 3, "--rate", 5], "--interval"),
    (["--count", 3, "-r", 2], "--retries"),
    (["--count", 3, "--stack"], "rstprobe stack"),
    (["--count", 3, "--shard", "1/2", "--seed", 1], "--shard"),
    (["--count", 3, "--no-skip-dead"], "--no-skip-dead"),
    (["--count", 3, "-oX", "-"], "-oX"),
    (["--count", 3, "--format", "csv"], "-oJ"),
    (["--count", 3, "--interval", "10us"], "1ms"),
    (["--count", 2000, "--interval", "1ms", "-T", "5s"], "-T"),
    (["--count", 3, "-p", "1-65"], "at most 64"),
], ids=lambda v: "_".join(map(str, v)) if isinstance(v, list) else "")
def test_refused(net, words, says):
    ports = [] if "-p" in words else ["-p", OPEN]
    got = net.client.rstprobe("scan", SERVER, *ports, *words)
    assert got.status == 2 and says in got.err and got.err.count("\n") == 1, got
    assert got.out == ""


def test_resume_is_refused(net):
    path = net.lab.path("tries.json")
    tries(net, SERVER, "-p", OPEN, "--count", 2, "-oJ", path)
    with open(path, encoding="utf-8") as f:
        assert [json.loads(line)["type"] for line in f] == ["run", "try", "try", "tries", "summary"]
    got = net.client.rstprobe("scan", "--resume", path)
    assert got.status == 2 and got.err.count("\n") == 1, got


def test_no_port_is_named(net):
    got = net.client.rstprobe("scan", SERVER, "--count", 3)
    assert got.status == 2 and "-p 443" in got.err, got
