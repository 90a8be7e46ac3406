"""What `explain` still has once it has given up its privilege: files by descriptors alone, whatever
becomes of their names, and programs that unpack by a process of its own, which ends with it.
"""

import contextlib
import os
import shutil
import signal
import subprocess

import pytest

from lab import until
from procs import caps, children, files_of, is_gone, name_of, state_of, status_of
from test_explain_cli import Made, check_one_line, frames_of, refused, start, told

HANGS = "#!/bin/sh\n/usr/bin/tail -f /dev/null\n"  # a child of its own, which must end with it
ABORT = """
import socket, struct
l = socket.create_server(("127.0.0.1", 4040))
s = socket.create_connection(("127.0.0.1", 4040))
a, _ = l.accept()
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
input()
"""


@pytest.fixture(scope="module")
def made(lab):
    return Made(lab)


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("reader")


@pytest.fixture
def fifo(lab):
    path = lab.path("fifo")
    os.mkfifo(path, 0o644)
    return path


def packed(lab, path, by="zstd"):
    if not shutil.which(by):
        pytest.skip("%s is not installed" % by)
    with open(path, "rb") as f:
        data = subprocess.run([by, "-c"], stdin=f, stdout=subprocess.PIPE, check=True).stdout
    to = lab.path("packed")
    with open(to, "wb") as f:
        f.write(data)
    os.chmod(to, 0o644)
    return to


def at_work(host, *words, **kw):
    """Held up by the pipe that is among its files, or by a program."""
    run = host.start("explain", *words, **kw)
    pid = run.process.pid

    def waits():
        assert run.process.poll() is None, run.wait()
        return status_of(pid).get("NoNewPrivs") == "1" and state_of(pid) == "S"
    until("it to wait", waits)
    return run


def helpers(run, tool):
    """The process that starts programs, and the program."""
    def look():
        for u in children(run.process.pid):
            for t in children(u):
                if name_of(t) == tool:
                    return u, t
        return None
    return until("%s to be started" % tool, look)


# --- files --------------------------------------------------------------------------------------

def test_files_are_those_of_the_start(host, made, fifo):
    """What takes their names later is not read."""
    one, two = made.write("one.pcap", refused(42001)), made.write("two.pcap", refused(42002))
    run = at_work(host, fifo, one, "--format", "json")
    os.replace(made.write("other.pcap", refused(42009)), one)
    with open(fifo, "wb") as to, open(two, "rb") as f:
        to.write(f.read())
    result = run.wait()
    assert result.status == 0 and not result.err, result
    assert [r["dport"] for r in result.of("reset")] == [42002, 42001], result


def test_a_second_reading_needs_no_name(lab, host, made, fifo):
    path, found = made.write("one.pcap", refused(42003)), lab.path("found.pcap")
    run = at_work(host, path, fifo, "-w", found)
    os.unlink(path)
    with open(fifo, "wb") as to, open(made.write("two.pcap", refused(42004)), "rb") as f:
        to.write(f.read())
    result = run.wait()
    assert result.status == 0 and not result.err, result
    assert len(frames_of(found)) == 4


def test_the_limit_of_descriptors(host, made):
    paths = [made.write("ring.pcap", refused(42010))] * 300
    result = host.rstprobe("explain", *paths, "--format", "json",
                           wrap=["prlimit", "--nofile=100:1000"])
    assert result.status == 0 and len(told(result)) == 300, result
    result = host.rstprobe("explain", *paths, wrap=["prlimit", "--nofile=100:100"])
    check_one_line(result, 2, "300 files", "ulimit -n ")
    assert not result.out, result
    enough = result.err.split("ulimit -n ")[1].split()[0].rstrip(",")
    result = host.rstprobe("explain", *paths, wrap=["prlimit", "--nofile=%s:%s" % (enough, enough)])
    assert result.status == 0, result


def test_join_wants_files(host, made, fifo):
    """It reads them three times."""
    check_one_line(host.rstprobe("explain", made.write("one.pcap", refused(42020)), fifo, "--join"),
                   2, "--join", fifo)


def test_an_interface_that_goes_down(host):
    host.ip("link", "add", "down0", "type", "veth", "peer", "name", "down1")
    for name in ("down0", "down1"):
        host.ip("link", "set", name, "up")
    run = start(host, "-i", "down0", "--no-kernel", "--format", "json")
    host.ip("link", "set", "down0", "down")
    result = run.wait()
    host.ip("link", "del", "down0")
    assert result.status == 3 and "down0: the interface went down" in result.err, result
    assert result.summary["pcap_dropped"] == 0, result


def test_the_process_that_aborts_has_its_name(lab, host, real_root):
    run = start(host, "-i", "lo", "--format", "json", "--all", "--count", "1")
    if "without the kernel" in run.text("err"):
        run.signal(signal.SIGINT)
        run.wait()
        pytest.skip(run.text("err"))
    with subprocess.Popen(host.within(["/usr/bin/python3", "-c", ABORT]),
                          stdin=subprocess.PIPE) as p:
        name = until("it to be python", lambda: name_of(p.pid) if "python" in name_of(p.pid) else "")
        result = run.wait()
        p.communicate(b"\n")
    (reset,) = result.of("reset")
    if "kernel_reason" not in reset:
        pytest.skip("this kernel does not say by which call a RST was sent")
    assert (reset["kernel"]["pid"], reset["kernel"]["comm"]) == (p.pid, name), result


def few(names):
    return names if 3 <= len(names) <= 4 else None


# --- programs -----------------------------------------------------------------------------------

def test_what_starts_programs_has_nothing(lab, host, made, fifo):
    path = packed(lab, made.write("one.pcap", refused(42030)))
    with open(path, "rb") as f:
        data = f.read()
    run = at_work(host, fifo, "--format", "json")
    with open(fifo, "wb") as to:
        to.write(data[:-4])
        to.flush()
        pids = helpers(run, "zstd")
        for pid in pids:
            is_now = status_of(pid)
            assert not any(caps(is_now)) and is_now["NoNewPrivs"] == "1", is_now
            assert is_now["Uid"] == status_of(run.process.pid)["Uid"], is_now
            names = until("what it started to have its own", lambda p=pid: few(list(files_of(p).values())))
            assert fifo not in names and sum(n.startswith("socket:") for n in names) == 1, names
        to.write(data[-4:])
    result = run.wait()
    assert result.status == 0 and told(result) == [(2, "refused")], result
    until("all of them to end", lambda: all(is_gone(pid) for pid in pids))


def kill(*pids):
    """One may end by the end of another before its turn comes."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def stuck(lab, made, host):
    """Waits for a program that neither reads nor writes, and has one of its own."""
    bin_ = lab.path("bin")
    os.mkdir(bin_, 0o755)
    with open(bin_ + "/zstd", "w", encoding="ascii") as f:
        f.write(HANGS)
    os.chmod(bin_ + "/zstd", 0o755)
    path = packed(lab, made.write("one.pcap", refused(42040)))
    run = at_work(host, path, env={"PATH": bin_ + ":" + os.environ["PATH"]})
    u, tool = helpers(run, "zstd")
    (own,) = until("its own program", lambda: children(tool))
    yield run, (u, tool, own)
    kill(u, tool, own)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_programs_end_with_the_run(stuck, number):
    run, pids = stuck
    if number == signal.SIGKILL:
        run.process.kill()
    else:
        run.signal(number)
    result = run.wait()
    if number == signal.SIGINT:
        check_one_line(result, 3, "interrupted")
    until("all of them to end", lambda: all(is_gone(pid) for pid in pids))


def test_the_end_of_what_starts_programs_is_said(stuck):
    run, pids = stuck
    kill(*pids)
    result = run.wait()
    check_one_line(result, 2, "zstd", "is gone")


def test_a_program_that_is_missing(lab, host, made):
    path = packed(lab, made.write("one.pcap", refused(42050)), "xz")
    env = shutil.which("env")
    result = host.rstprobe("explain", path, wrap=[env, "PATH=/nonexistent"])
    check_one_line(result, 2, path, "install xz")
