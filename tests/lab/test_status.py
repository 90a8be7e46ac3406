"""Every exit status of every command: a table of command lines, and what each comes to.

0 as expected, 1 not, 2 the command line or a file is wrong, 3 incomplete, 4 this machine cannot do
it, 128 + n a second signal; and where several apply, the first of 4, 2, 3, 1, 0.
"""

import os
import shutil
import signal

import pytest

from lab import HERE, SERVER, until

CAPTURES = os.path.join(HERE, "..", "golden", "captures")
NO_CAPS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
OPEN, CLOSED, SILENT = "443", "81", "82"

# Files of the table, by the name that its rows give them.
POLICIES = {
    "good.policy": "group web %s\nweb: 443 open\nweb: 81 closed\n" % SERVER,
    "failing.policy": "group web %s\nweb: 443 closed critical\nweb: 81 closed\n" % SERVER,
    "wrong.policy": "group web %s\nweb: 443 opne\n" % SERVER,
    "nowhere.policy": "group far 10.99.0.1\nfar: 443 open\n",
    "mute.policy": "group web %s\nweb: 82 silent\n" % SERVER,
    "slow.policy": "group web %s\nweb: 82 silent\nweb: 443 closed\n" % SERVER,
}

SCAN = ["scan", SERVER, "-p", OPEN]
SLOW = ["-r", "20", "--rate", "5"]
LATE = [*SLOW, "--deadline", "300ms"]

# status: {what: (words, what is different about the run)}
TABLE = {
    0: {
        "no words but help": ["--help"],
        "version": ["--version"],
        "help of a command": ["audit", "--help"],
        "a scan": SCAN,
        "a scan that found nothing open": ["scan", SERVER, "-p", CLOSED],
        "a scan as expected": [*SCAN, "--expect", "open"],
        "a target and no command": [SERVER, "-p", OPEN],
        "a few tries": [*SCAN, "--count", "2", "--interval", "10ms"],
        "segments printed": [*SCAN, "--dry-run"],
        "a stack": ["stack", SERVER, "-p", OPEN, "--rate", "400"],
        "a trace as expected": ["trace", SERVER, "-p", OPEN, "--expect", "open"],
        "a scenario as expected": ["provoke", "listen-ack", SERVER, "-p", OPEN, "--expect",
                                   "listen-rst"],
        "a capture with problems": ["explain", "refused.pcap"],
        "a capture that must lack what it lacks": ["explain", "refused.pcap", "--fail-on",
                                                   "injected"],
        "a policy that holds": ["audit", "good.policy"],
        "a policy that is only read": ["audit", "--check", "failing.policy"],
        "two results that are the same": ["diff", "old.json", "old.json"],
        "the tables": ["probes"],
        "a machine in order": ["doctor", SERVER],
    },
    1: {
        "a state that was not expected": [*SCAN, "--expect", "closed,filtered"],
        "a verdict that was not expected": ["trace", SERVER, "-p", OPEN, "--expect",
                                            "reset-by-hop"],
        "a finding that was not expected": ["provoke", "listen-ack", SERVER, "-p", OPEN,
                                            "--expect", "listen-silent"],
        "a reset that must not be": ["explain", "refused.pcap", "--fail-on", "problem"],
        "a policy that does not hold": ["audit", "failing.policy"],
        "two results that differ": ["diff", "old.json", "new.json"],
    },
    2: {
        "nothing at all": [],
        "no such command": ["scna"],
        "no such option": [*SCAN, "--nosuch"],
        "a wrong value": [*SCAN, "--rate", "fast"],
        "a name that does not resolve": ["scan", "nosuchname.invalid", "-p", OPEN],
        "stack without a target": ["stack"],
        "trace without a port": ["trace", SERVER],
        "no such scenario": ["provoke", "early-clsoe", SERVER, "-p", OPEN],
        "a format of another command": [*SCAN, "--format", "junit"],
        "no such capture": ["explain", "nosuch.pcap"],
        "no capture": ["explain", "good.policy"],
        "no such policy": ["audit", "nosuch.policy"],
        "a policy with a word that is none": ["audit", "wrong.policy"],
        "the same, only read": ["audit", "--check", "wrong.policy"],
        "no policy": ["audit"],
        "one result alone": ["diff", "old.json"],
        "no such result": ["diff", "old.json", "nosuch.json"],
        "what is no result": ["diff", "old.json", "good.policy"],
        "no such probe": ["probes", "nosuch"],
        "doctor with two targets": ["doctor", SERVER, SERVER],
        "a result of another scan": ["scan", SERVER, "-p", CLOSED, "--resume", "old.json"],
    },
    3: {
        "a scan that ends early": ["scan", SERVER, "-p", SILENT, *LATE],
        "a stack that ends early": ["stack", SERVER, "-p", OPEN, "--deadline", "100ms"],
        "a trace that ends early": ["trace", SERVER, "-p", SILENT, "--deadline", "300ms"],
        "a scenario that ends early": ["provoke", "half-open", SERVER, "-p", OPEN, "--deadline",
                                       "300ms"],
        "an audit that ends early": ["audit", "slow.policy", *LATE],
        "a capture that is cut off": ["explain", "cut.pcap"],
        "a result that is cut off": ["diff", "old.json", "cut.json"],
        "a full disk": [*SCAN, "-o", "/dev/full"],
        "a full disk, audit": ["audit", "good.policy", "-o", "/dev/full"],
        "a full disk, diff": ["diff", "old.json", "old.json", "-o", "/dev/full"],
        "a full disk, explain": ["explain", "refused.pcap", "-o", "/dev/full"],
    },
    4: {
        "no route": ["scan", "10.99.0.1", "-p", OPEN],
        "no interface": [*SCAN, "-i", "nosuch0"],
        "no interface to listen to": ["explain", "-i", "nosuch0"],
        "no route, audit": ["audit", "nowhere.policy"],
        "no route, trace": ["trace", "10.99.0.1", "-p", OPEN],
        "no route, doctor": ["doctor", "10.99.0.1"],
    },
}
# Without any privilege.
UNPRIVILEGED = {
    0: {
        "a capture": ["explain", "refused.pcap"],
        "the tables": ["probes"],
        "segments printed": [*SCAN, "--dry-run"],
        "a policy that is only read": ["audit", "--check", "good.policy"],
        "two results that are the same": ["diff", "old.json", "old.json"],
    },
    4: {
        "scan": SCAN,
        "stack": ["stack", SERVER, "-p", OPEN],
        "trace": ["trace", SERVER, "-p", OPEN],
        "provoke": ["provoke", "listen-ack", SERVER, "-p", OPEN],
        "audit": ["audit", "failing.policy"],
        "explain": ["explain", "-i", "eth0"],
        "doctor": ["doctor"],
    },
}
# Where two apply: both, and which it is.
BOTH = {
    "2 before 3: no file, and one cut off": (["explain", "cut.pcap", "nosuch.pcap"], 2),
    "2 before 1: no file, and one with a problem":
        (["explain", "refused.pcap", "nosuch.pcap", "--fail-on", "problem"], 2),
    "3 before 1: cut off behind a problem": (["explain", "cut.pcap", "--fail-on", "problem"], 3),
    "3 before 1: changes, and a result cut off": (["diff", "new.json", "cut.json"], 3),
    "3 before 1: unexpected, and ended early":
        (["scan", SERVER, "-p", OPEN + "," + SILENT, *LATE, "--expect", "closed"], 3),
    "3 before 1: a check failed, and the end came early": (["audit", "slow.policy", *LATE], 3),
    "3 before 1: a check failed, and the disk is full":
        (["audit", "failing.policy", "-o", "/dev/full"], 3),
    "3 before 1: changes, and the disk is full":
        (["diff", "old.json", "new.json", "-o", "/dev/full"], 3),
}


@pytest.fixture(scope="module")
def client(lab, path3):
    path3.server.listen([int(OPEN)])
    path3.router.firewall(forward=["tcp dport %s drop" % SILENT])
    path3.client.ip("route", "del", "default")
    path3.client.route("10.201.2.0/24", "via", "10.201.1.1")
    return path3.client


@pytest.fixture(scope="module")
def files(lab, client):
    """name -> path of what the table calls by name"""
    folder = lab.path("files")
    os.mkdir(folder)
    got = {}

    def path(name):
        return got.setdefault(name, os.path.join(folder, name))
    for name, text in POLICIES.items():
        with open(path(name), "w", encoding="utf-8") as f:
            f.write(text)
    shutil.copy(os.path.join(CAPTURES, "refused-4-client.pcap"), path("refused.pcap"))
    with open(path("refused.pcap"), "rb") as whole, open(path("cut.pcap"), "wb") as f:
        f.write(whole.read()[:-4])
    for name, ports in (("old.json", "443,81"), ("new.json", "443,81,83")):
        run = client.rstprobe("scan", SERVER, "-p", ports, "-oJ", path(name))
        assert run.status == 0, run
    with open(path("old.json"), "rb") as whole, open(path("cut.json"), "wb") as f:
        f.write(whole.read()[:-4])
    path("nosuch.pcap"), path("nosuch.policy"), path("nosuch.json")
    return got


def named(words, files):
    return [files.get(w, w) for w in words]


def rows(table):
    return [pytest.param(words, status, id="%d %s" % (status, what))
            for status, lines in table.items() for what, words in lines.items()]


def check(run, status):
    assert run.status == status, run
    if status in (2, 4):
        # the message names the culprit; what doctor finds is its result
        assert run.err.strip() or "doctor" in run.argv and "fail" in run.out, run


@pytest.mark.parametrize("words,status", rows(TABLE))
def test_status(client, files, words, status):
    check(client.rstprobe(*named(words, files)), status)


@pytest.mark.parametrize("words,status", rows(UNPRIVILEGED))
def test_status_without_privilege(client, files, words, status):
    check(client.rstprobe(*named(words, files), wrap=NO_CAPS), status)


@pytest.mark.parametrize("words,status", BOTH.values(), ids=BOTH)
def test_the_graver_status_wins(client, files, words, status):
    check(client.rstprobe(*named(words, files)), status)


# Where nothing answers, so that what is under way is waited for behind the first signal.
SLOWLY = {
    "scan": ["scan", SERVER, "-p", SILENT, *SLOW, "-T", "5s"],
    "stack": ["stack", SERVER, "-p", SILENT, "-T", "5s"],
    "trace": ["trace", SERVER, "-p", SILENT, "-r", "20", "-T", "5s"],
    "provoke": ["provoke", "half-open", SERVER, "-p", OPEN, "-T", "5s"],
    "audit": ["audit", "mute.policy", *SLOW, "-T", "5s"],
    "explain": ["explain", "-i", "any"],
}


def begun(client, files, words, *more):
    run = client.start(*named(words, files), "--stats-every", "10ms", *more)
    until("its first line of progress", lambda: run.text().count("\n") > 1)
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", ["scan", "audit"])
def test_a_second_signal_ends_at_once(client, files, what, number):
    run = begun(client, files, SLOWLY[what])

    def ended():
        # soon after the first it is the same wish told again, as `timeout` tells it
        run.signal(number)
        return run.process.poll() is not None
    until("the end", ended)
    done = run.wait()
    assert done.status in (128 + number, -number), done


@pytest.mark.parametrize("words", SLOWLY.values(), ids=SLOWLY)
def test_the_first_signal_drains(client, files, words):
    """Incomplete, and said so; only the capture of an interface has no other end."""
    run = begun(client, files, words, "--format", "json")
    run.signal(signal.SIGINT)
    done = run.wait()
    check(done, 0 if words[0] == "explain" else 3)
    assert done.summary["complete"] is (words[0] == "explain"), done
