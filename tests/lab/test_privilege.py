"""What a run gives up before it reads anything foreign, and what it can do no more: capabilities,
the user, the calls of the kernel. Each way to have the privilege in the first place works."""

import os
import platform
import re
import shutil
import signal
import subprocess

import pytest

from lab import (AS_NOBODY, HERE, RSTPROBE, SERVER, SERVER6, command, give_capability, is_real_root,
                 is_sanitized, until)
from procs import caps, children, is_gone, status_of

KIT = os.path.join(os.environ["builddir"], "tests", "lab", "confinekit")
CAPTURE = os.path.join(HERE, "..", "golden", "captures", "abandoned-4-client.pcap")
POLICY = "group g %s\ng: 80 open\n" % SERVER
# what means files; the process that names results may keep it
OF_FILES = 1 << 1 | 1 << 2 | 1 << 3
SLOW = ["--rate", "20", "--no-progress"]
# what each command does for some seconds at least, so that it can be looked at
WORK = {
    "scan": ["scan", SERVER, SERVER6, "-p", "1-2000", *SLOW],
    "scan --stack": ["scan", SERVER, "-p", "1-2000", "--stack", *SLOW],
    "scan --count": ["scan", SERVER, "-p", "80", "--count", "1000", "--interval", "200ms"],
    "stack": ["stack", SERVER, "-p", "80"],
    "trace": ["trace", SERVER, "-p", "9", "-r", "9"],
    "provoke": ["provoke", "idle", SERVER, "-p", "80"],
    "audit": ["audit", "POLICY"],
    "explain -i": ["explain", "-i", "any"],
    "explain": ["explain", "-"],
    "diff": ["diff", "-", "RESULT"],
    "doctor": ["doctor", SERVER, "-p", "9"],
}
sandboxed = pytest.mark.skipif(is_sanitized(), reason="a sanitizer's own runtime fights seccomp")


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([80])
    path3.server.firewall(input=["tcp dport { 9, 1000-1999 } drop"])
    yield path3
    path3.server.firewall()


def given_up(run):
    """-> the status of its process once it has given up."""
    def look():
        assert run.process.poll() is None, run.text("err")
        status = status_of(run.process.pid)
        last = int(status["Seccomp"]) == 2 or is_sanitized()
        return status if status["NoNewPrivs"] == "1" and last and not any(caps(status)) else None
    return until("privilege to be given up", look)


@pytest.fixture
def doing(net):
    """Starts one of WORK, with what it reads."""
    ends = []

    def start(what, *more, **kw):
        words = list(WORK[what])
        if "POLICY" in words:
            many = POLICY + "g: 1000-1999 silent\n"
            words[words.index("POLICY")] = net.lab.scratch("p", many).name
        if "RESULT" in words:
            words[words.index("RESULT")] = net.lab.scratch("r", "").name
        if "-" in words:
            kw["stdin"], end = os.pipe()
            ends.extend((kw["stdin"], end))
        return net.client.start(*words, *more, **kw)

    yield start
    for fd in ends:
        os.close(fd)


def end(run):
    run.process.kill()
    run.process.wait(10)


# --- what is given up ----------------------------------------------------------------------------

@pytest.mark.parametrize("what", WORK)
def test_nothing_is_left(doing, what):
    run = doing(what)
    status = given_up(run)
    assert caps(status) == [0, 0, 0, 0], status
    assert status["NoNewPrivs"] == "1"
    if not is_sanitized():
        assert status["Seccomp"] == "2"
    if is_real_root():
        assert status["Uid"].split() == ["65534"] * 4, status["Uid"]
        assert status["Gid"].split() == ["65534"] * 4
        assert status["Groups"].split() == ["65534"]
        assert caps(status, "CapBnd") == [0]
    for child in children(run.process.pid):
        theirs = status_of(child)
        assert theirs["NoNewPrivs"] == "1" and not any(caps(theirs)), theirs
    end(run)


def test_who_names_results_has_rights_on_files_alone(doing, net):
    folder = net.lab.path("named")
    os.mkdir(folder)
    run = doing("scan", "-o", os.path.join(folder, "x"))
    given_up(run)
    keeper, = children(run.process.pid)
    status = status_of(keeper)
    assert status["NoNewPrivs"] == "1" and not any(c & ~OF_FILES for c in caps(status)), status
    if not is_sanitized():
        assert status["Seccomp"] == "2"
    end(run)
    until("it has ended too", lambda: is_gone(keeper))


def test_results_belong_to_who_started_it(net):
    """Opened and named by root in a folder that is root's alone, written by nobody."""
    folder = net.lab.path("own")
    os.mkdir(folder, 0o700)
    names = [os.path.join(folder, n) for n in ("x.json", "x.csv", "x.pcapng", "x.txt")]
    result = net.client.rstprobe("scan", SERVER, "-p", "80", "-oJ", names[0], "-oC", names[1],
                                 "-w", names[2], "-o", names[3])
    assert result.status == 0, result
    assert sorted(os.listdir(folder)) == sorted(os.path.basename(n) for n in names)
    for name in names:
        assert os.stat(name).st_uid == os.geteuid() and os.path.getsize(name) > 0, name


def test_its_memory_is_its_own(net, real_root):
    """Nobody of the same user looks into it, or takes its sockets: /proc has it as root's."""
    stdin, keep = os.pipe()
    run = net.client.start("explain", "-", wrap=AS_NOBODY, binary=net.client.public(RSTPROBE),
                           stdin=stdin)
    given_up(run)
    theirs = [os.stat("/proc/%s/fd" % pid).st_uid for pid in
              [run.process.pid, *children(run.process.pid)]]
    assert len(theirs) > 1 and set(theirs) == {0}, theirs
    end(run)
    os.close(stdin)
    os.close(keep)


# --- calls of the kernel -------------------------------------------------------------------------

KILLED = -signal.SIGSYS
EVERYBODY = {"write": "ok", "become-root": KILLED, "trace-other": KILLED, "bpf": KILLED,
             "signal-self": "ok", "own-namespace": "EPERM", "make-nonblocking": "ok"}
if platform.machine() == "x86_64":
    # the other doors into the same kernel
    EVERYBODY.update({"x32": KILLED, "i386": KILLED})
MAIN = {**EVERYBODY, "exec": KILLED, "fork": "EPERM", "raw-socket": "EPERM",
        "packet-socket": "EPERM", "udp-socket": "EPERM", "open-read": "EPERM",
        "open-write": "EPERM", "remove": "EPERM", "map-code": "EPERM", "make-code": "EPERM",
        "signal-other": "EPERM", "tcp-socket": "EPERM", "thread": "EPERM",
        "signal-thread": "EPERM", "own-file": "EPERM", "make-async": "EPERM",
        "mptcp-socket": "EPERM", "set-option": "EPERM", "early-open": "EPERM"}
ALLOWED = {
    "sweep": {**MAIN, "thread": "ok"},
    "converse": {**MAIN, "thread": "ok", "tcp-socket": "ok"},
    "read": MAIN,
    "resolve": {**MAIN, "thread": "ok", "tcp-socket": "ok", "udp-socket": "ok", "open-read": "ok",
                "map-code": "ok", "mptcp-socket": "*", "set-option": "ok", "early-open": "ok"},
    "name": {**MAIN, "remove": "ok"},
    "unpack": {**EVERYBODY, "exec": "", "fork": "ok", "raw-socket": "EPERM",
               "packet-socket": "EPERM", "udp-socket": "EPERM", "tcp-socket": "EPERM"},
}


if platform.machine() in ("i386", "i586", "i686", "s390x"):
    # socketcall has its arguments in memory
    ALLOWED["converse"].update({"udp-socket": "*", "mptcp-socket": "*", "set-option": "*"})


@sandboxed
@pytest.mark.parametrize("work", ALLOWED)
def test_a_forbidden_call(net, work):
    """Refused where a library may try it, the end of the process where only an intruder would."""
    kit = net.client.public(KIT)
    wrong = {}
    for call, wanted in ALLOWED[work].items():
        done = subprocess.run([kit, work, call], capture_output=True, text=True, check=False,
                              cwd="/")
        got = done.returncode if done.returncode else done.stdout.strip()
        if wanted not in (got, "*"):
            wrong[call] = (wanted, got, done.stderr)
    assert not wrong


@sandboxed
def test_the_filter_is_on_every_thread(net):
    """The senders begin behind it."""
    run = net.client.start("scan", SERVER, "-p-", "--no-progress", "--threads", "3", "--rate",
                           "max", "--probe", "all", "--deadline", "60s")
    given_up(run)
    tasks = "/proc/%d/task" % run.process.pid
    until("its threads", lambda: len(os.listdir(tasks)) > 1)
    for task in os.listdir(tasks):
        with open(os.path.join(tasks, task, "status"), encoding="ascii") as f:
            assert "Seccomp:\t2" in f.read()
    end(run)


# --- whom it becomes -----------------------------------------------------------------------------

def uid_of(doing, *more, **kw):
    run = doing("scan", *more, **kw)
    status = given_up(run)
    end(run)
    return status["Uid"].split()[0], status["Gid"].split()[0]


def test_root_becomes_who_called_it(doing, real_root):
    assert uid_of(doing) == ("65534", "65534")
    assert uid_of(doing, env={"SUDO_UID": "1234", "SUDO_GID": "2345"}) == ("1234", "2345")
    assert uid_of(doing, env={"DOAS_USER": "daemon"}) == ("1", "1")
    # no user at all, and root itself
    for bad in ("", "-1", "x", "0", "4294967295", "99999999999"):
        assert uid_of(doing, env={"SUDO_UID": bad, "SUDO_GID": "7"})[0] == "65534", bad


@pytest.mark.parametrize("more, uid", [((), "65534"), (("--user", "1234"), "1234")])
def test_who_needs_nothing_of_the_user_is_nobody(doing, real_root, more, uid):
    """Who called sudo has files, which who unpacks, and who asks for names, need not see."""
    run = doing("explain", *more, env={"SUDO_UID": "1234", "SUDO_GID": "2345"})
    assert given_up(run)["Uid"].split() == ["1234"] * 4
    unpacker, = children(run.process.pid)
    assert status_of(unpacker)["Uid"].split() == [uid] * 4
    end(run)


def test_user_says_whom(doing, real_root):
    assert uid_of(doing, "--user", "daemon") == ("1", "1")
    assert uid_of(doing, "--user", "4321") == ("4321", "4321")
    assert uid_of(doing, "--user", "root") == ("0", "0")


def test_what_user_cannot_be(net, real_root):
    for command_ in (["scan", SERVER], ["explain", CAPTURE], ["doctor"], ["audit", "/dev/null"]):
        result = net.client.rstprobe(*command_, "--user", "no-such-user")
        assert result.status == 2 and result.out == "", result
        assert result.err == "rstprobe: --user no-such-user: no such user\n", result
    result = net.client.rstprobe("scan", SERVER, "--user", "daemon", wrap=AS_NOBODY,
                                 binary=net.client.public(RSTPROBE))
    assert result.status == 2 and "only root" in result.err, result


# --- where the privilege comes from --------------------------------------------------------------

def probes(net, **kw):
    result = net.client.scan(SERVER, SERVER6, "-p", "80,81", **kw)
    assert result.status == 0 and result.err == "", result
    assert result.states(SERVER) == {80: "open", 81: "closed"}, result
    assert result.states(SERVER6) == {80: "open", 81: "closed"}, result


def test_file_capability(net, real_root):
    copy = net.client.public(RSTPROBE)
    why = give_capability(copy)
    if why:
        pytest.skip(why)
    probes(net, binary=copy, wrap=AS_NOBODY)


def test_ambient_capability(net, real_root):
    probes(net, binary=net.client.public(RSTPROBE),
           wrap=AS_NOBODY + ["--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw",
                             "--bounding-set=-all,+net_raw"])


def test_container_with_one_capability(net, real_root):
    """Root, but all that docker leaves with --cap-drop ALL --cap-add NET_RAW: it can become nobody,
    and says so once; --user root says that it is meant."""
    few = ["setpriv", "--inh-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"]
    result = net.client.scan(SERVER, "-p", "80", wrap=few)
    assert result.status == 0 and result.states() == {80: "open"}, result
    assert re.fullmatch("rstprobe: this container .*--user root.*\n", result.err), result
    probes_root = net.client.scan(SERVER, "-p", "80", "--user", "root", wrap=few)
    assert probes_root.status == 0 and probes_root.err == "", probes_root
    refused = net.client.scan(SERVER, "-p", "80", "--user", "daemon", wrap=few)
    assert refused.status == 4 and "daemon" in refused.err, refused


@pytest.fixture(scope="module")
def user_namespaces(net):
    """Some systems let nobody but root make one, or do nothing in it."""
    user = AS_NOBODY if is_real_root() else []
    done = command([*user, "unshare", "-rn", "ip", "link", "set", "lo", "up"], check=False)
    if done.returncode:
        pytest.skip("user namespaces are of no use here: " + done.stderr.strip())


# as `unshare --map-users` has it, and as podman: its caller is root inside, the others are beside
@pytest.mark.parametrize("uids", ["0 100000 65536\n", "0 100000 1\n1 200000 65536\n"])
def test_rootless_container(net, real_root, user_namespaces, uids):
    """A user namespace that has other users: root there becomes nobody, as outside."""
    made = "echo ready; read go; ip link set lo up && exec \"$@\""
    argv = net.client.within(["setpriv", "--reuid=100000", "--regid=100000", "--clear-groups",
                              "unshare", "--user", "--net", "sh", "-c", made, "sh",
                              net.client.public(RSTPROBE), "explain", "-i", "lo", "--no-kernel"])
    run = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    net.lab.processes.append(run)
    assert run.stdout.readline() == "ready\n", run.stderr.read()
    for name in ("uid_map", "gid_map"):
        with open("/proc/%d/%s" % (run.pid, name), "w", encoding="ascii") as f:
            f.write(uids)
    run.stdin.write("go\n")
    run.stdin.flush()

    def given_up_there():
        assert run.poll() is None, run.communicate()
        status = status_of(run.pid)
        return status if status["NoNewPrivs"] == "1" and not any(caps(status)) else None
    status = until("privilege to be given up", given_up_there)
    beside = len(uids.splitlines()) > 1
    assert status["Uid"].split() == [str(200000 + 65533 if beside else 100000 + 65534)] * 4, status
    end_of(run)


def end_of(process):
    process.kill()
    process.communicate(timeout=10)


def test_user_namespace_of_ones_own(net, user_namespaces):
    """`unshare -r`: root is the user who made it, and nobody else is there."""
    user = AS_NOBODY if is_real_root() else []
    argv = net.client.within([*user, "unshare", "-rn", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh",
                              net.client.public(RSTPROBE), "scan", "127.0.0.1", "-p", "80"])
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr == "" and "closed" in done.stdout, done


def test_it_refuses_to_run_setuid(net, real_root):
    copy = net.client.public(RSTPROBE)
    os.chmod(copy, 0o4755)
    for words in (["scan", SERVER], ["-V"]):
        result = net.client.rstprobe(*words, binary=copy, wrap=AS_NOBODY)
        assert result.status == 4 and result.out == "" and "setuid" in result.err, result


# --- what fails ----------------------------------------------------------------------------------

SHIM = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/types.h>

%s
"""
FAULTS = {
    "another user": "int setresuid(uid_t a, uid_t b, uid_t c) { errno = EAGAIN; return -1; }",
    "another user, who lies": "int setresuid(uid_t a, uid_t b, uid_t c) { return 0; }",
    "groups": "int setgroups(size_t n, const gid_t *g) { errno = ENOMEM; return -1; }",
    "no_new_privs": "int prctl(int what, ...) { errno = ENOMEM; return -1; }",
}


@sandboxed
@pytest.mark.parametrize("fault", FAULTS)
def test_it_fails_closed(net, real_root, fault):
    """Nothing is sent, and nothing read, where privilege can't be given up."""
    if not shutil.which(os.environ.get("CC", "cc").split()[0]):
        pytest.skip("needs a compiler")
    source = net.lab.scratch("c", SHIM % FAULTS[fault])
    shim = net.lab.path("shim.so")
    command([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-x", "c", source.name,
             "-o", shim])
    net.router.firewall(counters=["out"], forward=["meta l4proto tcp counter name out"])
    result = net.client.scan(SERVER, "-p", "80", env={"LD_PRELOAD": shim})
    assert result.status == 4 and not result.of("port"), result
    assert len(result.err.splitlines()) == 1, result
    result = net.client.rstprobe("explain", CAPTURE, env={"LD_PRELOAD": shim})
    assert result.status == 4 and result.out == "", result
    assert net.router.counter("out") == 0
    net.router.firewall()
