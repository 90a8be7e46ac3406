"""Names by a process of their own: a real name server asks nothing of it that it may not do; what
it holds; and its end, its silence or ours costs names, never the run.
"""

import os
import re
import signal

import pytest

from lab import (AS_NOBODY, REAL_ROOT, ROUTER, RSTPROBE, SERVER, SERVER6, give_capability, until)
from procs import caps, children, files_of, is_gone, status_of

ZONE = ["service.example=" + SERVER, "service.example=" + SERVER6, "router.example=" + ROUTER,
        "mute.example=10.201.7.7", "\\x1b[31mevil.example=10.201.2.77",
        *("long.example=10.201.2.%d" % i for i in range(100, 200))]


@pytest.fixture(scope="module")
def net(path3):
    if not os.path.exists("/etc/resolv.conf"):
        pytest.skip("no /etc/resolv.conf to lay ours over")
    path3.server.listen([80])
    path3.router.firewall(forward=["tcp dport 82 drop"])
    path3.router.address("lo", "10.201.7.7/32")  # whose name nobody ever says
    path3.client.helper("dns", *ZONE)
    return path3


def files(order="dns", timeout=20):
    """Nobody listens at the last address, so an answer comes from the first or never."""
    return {"/etc/nsswitch.conf": "hosts: %s\nservices: files\n" % order,
            "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:%d attempts:1\n" % timeout}


@pytest.fixture(scope="module")
def capable(net):
    """A copy with the capability, for an ordinary user; None where that doesn't work here."""
    copy = net.client.public(RSTPROBE)
    return copy if REAL_ROOT and not give_capability(copy) else None


@pytest.fixture(params=["as it is", "by file capability"])
def how(request, capable):
    """Who runs it."""
    if request.param == "as it is":
        return {}
    if not capable:
        pytest.skip("file capabilities don't work here")
    return {"binary": capable, "wrap": AS_NOBODY}


# --- what is asked ------------------------------------------------------------------------------

def test_both_ways(net, how):
    result = net.client.rstprobe("trace", "service.example", "-4", "-p", "80", files=files(), **how)
    assert result.status == 0, result
    hops = dict(re.findall(r"^ *(\d+)  (.*)", result.out, re.M))
    assert "router.example" in hops["1"] and ROUTER in hops["1"], result
    assert "service.example" in hops["2"] and SERVER in hops["2"], result


def test_every_address(net, how):
    result = net.client.scan("service.example", "-p", "80,81", files=files(), **how)
    assert result.status == 0, result
    for addr in (SERVER, SERVER6):
        assert result.states(addr) == {80: "open", 81: "closed"}, result


def test_answer_too_long_for_udp(net, how):
    result = net.client.rstprobe("scan", "long.example", "-p", "80", "--dry-run", files=files(),
                                 **how)
    assert result.status == 0, result
    assert len(set(re.findall(r"> 10\.201\.2\.(\d+)\.80:", result.out))) == 100, result


def test_no_such_name(net, how):
    result = net.client.rstprobe("scan", "nosuch.example", "-p", "80", files=files(), **how)
    assert result.status == 2 and "nosuch.example" in result.err, result
    assert len(result.err.splitlines()) == 1, result


def test_name_that_is_none(net):
    """It would turn a terminal red."""
    net.router.address("lo", "10.201.2.77/32")
    result = net.client.rstprobe("trace", "10.201.2.77", "-p", "80", files=files())
    assert "10.201.2.77" in result.out and "evil" not in result.out, result
    assert "\033" not in result.out + result.err, result


# --- the process --------------------------------------------------------------------------------

def child(run):
    """The process for names, as soon as it is no more than that."""
    def look():
        return next((pid for pid in children(run.process.pid)
                     if status_of(pid).get("Threads", "1") != "1"), None)
    return until("a process for names", look)


def long_trace(net, **kw):
    """To where nobody answers, so that it is there for a while."""
    return net.client.start("trace", SERVER, "-p", "82", "--max-ttl", "8", files=files(), **kw)


def test_what_it_holds(net, how):
    run = long_trace(net, **how)
    pid = child(run)
    got, mine = status_of(pid), status_of(run.process.pid)
    assert not any(caps(got)) and got["NoNewPrivs"] == "1", got
    if REAL_ROOT:
        assert "0" not in got["Uid"].split(), got
    assert os.getsid(pid) == pid and os.getsid(run.process.pid) != pid

    def when_idle():
        held = files_of(pid)
        return held if len(held) <= 4 else None
    held = until("its lookups to be over", when_idle)
    assert held[0] == held[1] == "/dev/null" and held[2] == run.err.name, held
    assert len(held) == 4 and max(held) > 2 and "socket" in held[max(held)], held
    assert mine["Name"] == got["Name"], (mine, got)
    run.process.kill()
    run.wait()
    until("its end", lambda: is_gone(pid))


def test_killed(net):
    """Each in the middle of a walk."""
    run = long_trace(net)
    pid = child(run)
    os.kill(pid, signal.SIGKILL)
    result = run.wait()
    assert result.status == 0 and ROUTER in result.out and not result.err, result


def test_stopped(net):
    run = long_trace(net)
    pid = child(run)
    os.kill(pid, signal.SIGSTOP)
    result = run.wait()
    os.kill(pid, signal.SIGCONT)
    assert result.status == 0 and ROUTER in result.out, result
    until("its end", lambda: is_gone(pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_gone_with_the_run(net, number):
    """Though a lookup goes on."""
    run = net.client.start("trace", "10.201.7.7", "-p", "82", "--max-ttl", "8",
                           files=files(timeout=30))
    pid = child(run)
    run.process.send_signal(number)
    run.wait()
    until("its end", lambda: is_gone(pid))


def test_killed_while_a_target_is_asked_for(net):
    """One target is lost, and the next name gets another process."""
    run = net.client.start("scan", "mute.example", "service.example", "-4", "-p", "80", "--format",
                           "json", files=files(timeout=30))
    os.kill(child(run), signal.SIGKILL)
    result = run.wait()
    assert result.status == 3, result
    assert result.states(SERVER) == {80: "open"}, result
    assert len(result.err.splitlines()) == 1 and "mute.example: the resolver" in result.err, result


def test_interrupted_while_a_target_is_asked_for(net):
    run = net.client.start("scan", "mute.example", "-p", "80", files=files(timeout=30))
    pid = child(run)
    run.process.send_signal(signal.SIGINT)
    run.wait()
    until("its end", lambda: is_gone(pid))
