"""Fake hosts on TUN devices, in real time: a dozen of the variants that tests/sim judges by the
hundred in virtual time, here with the program's own sockets, captures and kernel between; and a
thousand of them at once. What is right to say of each comes from tests/fake/stacks.conf.
"""

import itertools
import json
import os

import pytest

from lab import HERE, QUICK, command
from stacks import OUR_LIMIT

BUILD = os.environ.get("builddir", os.path.join(HERE, "..", "..", "build"))
FAKEHOST = os.path.join(BUILD, "tests", "fake", "fakehost")
CONF = os.path.join(HERE, "..", "fake", "stacks.conf")
RANKS = ["low", "medium", "high"]
AT_ONCE = 20
OPEN = "80"

NAMES = ["linux6/none", "linux6/none/v6", "windows-10/stealth", "windows-10/stealth/v6",
         "freebsd/none", "macos/none", "lwip/none", "cisco-ios/none", "solaris/none",
         "linux6/strict", "windows-xp/loose", "linux6/reject-router", "windows-10/reject-icmp",
         "windows-10/reject-icmp/v6", "linux6/synproxy", "linux6/tarpit/v6",
         "linux6/hops-9+loss-10", "freebsd/rst-limit-10", "windows-10/ttl-64", "linux6/closes"]
if QUICK:
    NAMES = NAMES[:4]


def expected():
    """variant -> what is right to say of it"""
    lines = command([FAKEHOST, "--list", CONF]).stdout.splitlines()
    return {v["variant"]: v for v in map(json.loads, lines)}


class Fakes:
    """A namespace, and TUN devices in it behind which hosts are played."""

    def __init__(self, lab):
        self.lab, self.client, self.serial = lab, lab.host("client"), itertools.count(1)
        self.client.sysctl(OUR_LIMIT)

    def play(self, variant, *words):
        """Start one; its IPv4 and IPv6 address."""
        n = next(self.serial)
        dev = "fake%d" % n
        self.lab.helper(self.client.within([FAKEHOST, "--tun", dev, "--variant", variant, "--open",
                                            OPEN, *words, CONF]))
        self.client.address(dev, "10.205.%d.1/24" % n, "fd05:%d::1/64" % n)
        return {4: "10.205.%d.2" % n, 6: "fd05:%d::2" % n}


@pytest.fixture(scope="module")
def fakes(lab):
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as why:
        pytest.skip("/dev/net/tun: %s" % why.strerror)
    return Fakes(lab)


def test_played_as_listed():
    listed = expected()
    assert len(listed) >= 120
    assert not set(NAMES) - set(listed)


@pytest.mark.parametrize("family", [4, 6])
def test_plain_ports(fakes, family):
    """The hosts are there: what `scan` says of them needs no judge of stacks."""
    addr = fakes.play("linux6/none")[family]
    assert fakes.client.scan(addr, "-p", "80,81").states() == {80: "open", 81: "closed"}
    addr = fakes.play("windows-10/stealth")[family]
    assert fakes.client.scan(addr, "-p", "80,81").states() == {80: "open", 81: "filtered"}
    addr = fakes.play("linux6/reject-icmp")[family]
    assert fakes.client.scan(addr, "-p", "80,81").states() == {80: "open", 81: "rejected"}


@pytest.mark.parametrize("family", [4, 6])
def test_kernel_connects(fakes, family):
    """A connection of the kernel's own stands, and the peer's service ends it."""
    addr = fakes.play("linux6/closes")[family]
    script = ("import socket; s = socket.create_connection((%r, 80), 30); "
              "print(s.recv(1)); s.close()" % addr)
    assert fakes.client.sh("/usr/bin/python3", "-c", script).stdout.strip() == "b''"


@pytest.fixture(scope="module")
def thousand(fakes):
    """Each address of the prefix is a host of its own; they are asked side by side."""
    if QUICK:
        return None
    dev, prefix = "fakes", "10.206.0.0/22"
    fakes.lab.helper(fakes.client.within([FAKEHOST, "--tun", dev, "--variant", "linux6/none",
                                          "--prefix", prefix, "--open", OPEN, CONF]))
    fakes.client.address(dev, "10.207.0.1/32")
    fakes.client.route(prefix, "dev", dev, "src", "10.207.0.1")
    return fakes.client.start("scan", "10.206.0.1-10.206.3.232", "-p", "80,81", "--stack",
                              "--format", "json")


@pytest.fixture(scope="module")
def asked(fakes, thousand):
    """variant -> its stack record. A battery mostly waits, so that several run side by side."""
    got, left = {}, list(NAMES)
    while left:
        batch, left = left[:AT_ONCE], left[AT_ONCE:]
        runs = []
        for name in batch:
            addr = fakes.play(name)[6 if name.endswith("/v6") else 4]
            runs.append((name, fakes.client.start("stack", addr, "-p", OPEN, "--format", "json")))
        for name, run in runs:
            got[name] = run.wait()
    return got


@pytest.mark.parametrize("name", NAMES)
def test_judged(asked, name):
    want, result = expected()[name], asked[name]
    assert result.status == 0, result
    (record,) = result.of("stack")
    for key in ("style", "family", "firewall"):
        assert not want[key] or record[key] in want[key], (key, want[key], result)
    if want["confidence"]:
        assert RANKS.index(record["confidence"]) >= min(map(RANKS.index, want["confidence"])), \
            result


@pytest.mark.skipif(QUICK, reason="RSTPROBE_QUICK")
def test_a_thousand_at_once(thousand):
    # a battery alone takes seconds: one after the other they would take more than an hour
    result = thousand.wait(300)
    records = result.of("stack")
    assert len(records) == 1000, result
    said = {(r["style"], r["family"], r["firewall"]) for r in records}
    assert said == {("rst", "linux", "none")}, said
