"""kill -9 at any moment leaves nothing behind; a signal that can be taken gives what is known."""

import os
import signal
import socket

import pytest

from lab import QUICK, SERVER, SERVER6, command, until

FIFTY = list(range(1000, 51000, 1000))
SILENT = "10.201.2.88"
FAST = ["-p", "-", "--rate", "20k"]
# ten seconds of work, of which a part is waited for: the test may be late, and finds it at work
KILLED = [SERVER, "10.201.2.1", "10.201.1.1", *FAST]
LONG = [SERVER, "-p", "-", "--rate", "8k"]
WAYS = {
    "default": [],
    "raw": ["--tx", "raw"],
    "packet": ["--tx", "packet", "--threads", "4"],
}


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(FIFTY)
    path3.router.firewall(
        counters=["syns"], forward=["ip daddr %s drop" % SILENT],
        prerouting=["iifname down tcp flags & (syn | ack) == syn counter name syns"])
    path3.clean = left(path3.client)
    return path3


def left(host):
    """What a scanner may leave in its namespace. (The raw table's and packet sockets' own lines
    carry inode numbers: their count is what matters.)"""
    got = {"pids": command(["ip", "netns", "pids", host.ns]).stdout.split(),
           "tcp": host.sh("ss", "-Hnatu").stdout,
           "nft": host.sh("nft", "list", "ruleset").stdout}
    for name in ("packet", "raw", "raw6"):
        got[name] = len(host.sh("cat", "/proc/net/" + name).stdout.splitlines())
    got["links"] = host.sh("ip", "-br", "link").stdout
    got["xdp"] = "xdp" in host.sh("ip", "link").stdout
    got["rules"] = host.sh("ip", "rule").stdout + host.sh("ip", "route").stdout
    return got


def started(net, *words, **kw):
    run = net.client.start("scan", *words, "--format", "json", **kw)
    run.before = net.router.counter("syns")
    return run


def sent(net, run, packets):
    def look():
        assert run.process.poll() is None, run.wait()
        return net.router.counter("syns") - run.before >= packets
    until("%d probes" % packets, look)


def half_open(net):
    return net.server.sh("ss", "-Hnt", "state", "syn-recv").stdout.strip()


def bindable(net, addr):
    """Every port of the address that could be a source can be had by the next."""
    code = ("import socket,sys\n"
            "bad = []\n"
            "for p in range(1024, 65536):\n"
            "    s = socket.socket()\n"
            "    try: s.bind((sys.argv[1], p))\n"
            "    except OSError as e: bad.append(p)\n"
            "    s.close()\n"
            "print(bad)\n")
    return net.client.sh("/usr/bin/python3", "-c", code, addr).stdout.strip() == "[]"


MOMENTS = [0, 1, 500] if QUICK else [0, 1, 64, 500, 5000, 30000]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("packets", MOMENTS)
def test_kill_leaves_nothing(net, way, packets):
    run = started(net, *KILLED, *WAYS[way])
    if packets:
        sent(net, run, packets)
    run.process.send_signal(signal.SIGKILL)
    assert run.process.wait(10) == -signal.SIGKILL
    until("nothing left behind", lambda: differs(net) is None, 20)


def differs(net):
    now = left(net.client)
    found = {k: (now[k], net.clean[k]) for k in now if now[k] != net.clean[k]}
    # half-open entries at the target go as soon as it asks again
    return found or half_open(net) or None


def test_kill_while_it_waits(net):
    """All is sent, nobody answers: it sits and listens."""
    run = started(net, SILENT, "-p", "1-50", "-T", "5s", "--rate", "max")
    sent(net, run, 50)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    until("nothing left behind", lambda: differs(net) is None, 20)


def test_kill_ipv6(net):
    run = started(net, SERVER6, *FAST)
    sent(net, run, 1000)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    until("nothing left behind", lambda: differs(net) is None, 20)


def test_ports_are_free_again(net):
    run = started(net, SERVER, *FAST)
    sent(net, run, 1000)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    assert bindable(net, "10.201.1.2")


def test_next_run_is_not_disturbed(net):
    """The same seed and ports right after a kill: what the first left in the target's tables, and
    its late answers, are no answers to the second."""
    run = started(net, *LONG, "--seed", "3")
    sent(net, run, 16000)
    run.process.send_signal(signal.SIGKILL)
    result = net.client.scan(SERVER, "-p", "-", "--rate", "max", "--seed", "3")
    assert result.status == 0, result
    assert result.counts() == {"open": 50, "closed": 65485}, result


def test_output_file_is_whole_or_not_there(net):
    """Killed in mid-scan: no half file under the name that was asked for."""
    path = net.lab.path("killed.json")
    run = started(net, SERVER, *FAST, "-oJ", path)
    sent(net, run, 1000)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert all(line.startswith('{"type":') for line in text.splitlines()), text[-300:]


# --- signals that can be taken ------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", WAYS)
def test_interrupted_says_what_it_knows(net, way, number):
    run = started(net, *LONG, *WAYS[way])
    sent(net, run, 8000)
    run.signal(number)
    result = run.wait()
    assert result.status == 3, result
    assert result.summary["complete"] is False and result.summary["end"] == "interrupted", result
    count = result.count()
    assert sum(count.values()) == 65535, count
    assert count["closed"] > 4000 and count["not-probed"] > 0 and count["filtered"] == 0, count
    assert set(count) <= {"open", "closed", "not-probed", "indeterminate"}, count
    assert all(p in FIFTY for p, s in result.states().items() if s == "open"), result
    until("nothing left behind", lambda: differs(net) is None, 20)


def test_interrupted_among_dead_hosts(net):
    """While silent ones are waited for."""
    run = started(net, "10.201.2.0/25", "--exclude", "10.201.2.1", "-p", "1-500")
    sent(net, run, 300)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 3, result
    assert result.summary["complete"] is False, result
    until("nothing left behind", lambda: differs(net) is None, 20)


@pytest.mark.parametrize("moment", [1, 5000])
def test_second_signal_ends_at_once(net, moment):
    """Threads or not: the second is not waited out."""
    run = started(net, SILENT, "-p", "-", "--rate", "20k", "-T", "5s", "--no-skip-dead")
    sent(net, run, moment)
    run.signal(signal.SIGINT)
    reader, writer = socket.socketpair()
    reader.settimeout(0.2)  # closer together they would be one wish told twice
    with pytest.raises(TimeoutError):
        reader.recv(1)
    writer.close()
    reader.close()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(10) in (130, -signal.SIGINT, 3)
