"""What the tests of contrib/fleet have alike: a network, and what must hold of a folder of shards."""

import json
import os
import shutil

import pytest

from documents import TOP
from lab import SERVER, command, expand

FLEET = os.path.join(TOP, "contrib", "fleet")
LISTENERS = [80, 443, 700, 1999]
SEED = ["--seed", "7"]


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))


def records(folder):
    """All of a folder's results, in the order of their names."""
    got = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                got.append([json.loads(line) for line in f])
    return got


def asked(result):
    """port -> state, of those that this part has asked"""
    states = {}
    for r in result:
        if r["type"] in ("port", "ports") and r["state"] != "not-probed":
            numbers = [r["port"]] if r["type"] == "port" else expand(r["ports"])
            states.update(dict.fromkeys(numbers, r["state"]))
    return states


def exact(folder, shards, ports):
    """Each port by one shard and no other, and rightly; all shards are whole."""
    results = records(folder)
    assert len(results) == shards, os.listdir(folder)
    together = {}
    for result in results:
        assert result[-1]["type"] == "summary" and result[-1]["complete"] is True, result[-1]
        assert [r["type"] for r in result].count("run") == 1
        mine = asked(result)
        assert not mine.keys() & together.keys(), "asked twice"
        assert abs(len(mine) - ports / shards) <= 1, len(mine)
        together.update(mine)
    assert together == {p: "open" if p in LISTENERS else "closed" for p in range(1, ports + 1)}


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(LISTENERS)
    path3.router.firewall(counters=["syns"], prerouting=[
        "tcp dport 1-4000 ip daddr %s tcp flags & (syn | ack) == syn counter name syns" % SERVER])
    return path3


@pytest.fixture
def folder(lab):
    path = lab.path("sweep")
    os.mkdir(path)
    return path


def slowly(ports, rate):
    return [SERVER, "-p", "1-%d" % ports, "--rate", str(rate), *SEED]


def pids_of(host, name):
    """Of its processes those that run the program."""
    got = []
    for pid in map(int, command(["ip", "netns", "pids", host.ns]).stdout.split()):
        try:
            if os.path.basename(os.readlink("/proc/%d/exe" % pid)).removeprefix("lt-") == name:
                got.append(pid)
        except OSError:
            continue
    return got
