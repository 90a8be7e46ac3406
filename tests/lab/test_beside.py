"""Where an output goes that is written beside and renamed: links, devices, folders, and what is
kept of the file that it replaces."""

import os
import signal
import stat
import subprocess

import pytest

from lab import AS_NOBODY, HERE, RSTPROBE, SERVER, give_capability, until
from procs import caps, children, files_of, is_gone, status_of

CAPTURE = os.path.join(HERE, "..", "golden", "captures", "abandoned-4-client.pcap")
# writes text to files, and needs no privilege
EXPLAIN = ["explain", CAPTURE, "--no-progress"]
OLD = "old\n"


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([80])
    return path3


@pytest.fixture
def folder(path3):
    path = path3.lab.path("folder")
    os.mkdir(path)
    os.chmod(path, 0o755)
    return path


def put(path, text=OLD):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def said(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def explain(net, path, status=0, **kw):
    """-> what was there before, as a stat, or None."""
    old = os.stat(path) if os.path.exists(path) else None
    words = ["explain", net.client.public(CAPTURE), *EXPLAIN[2:]]  # where nobody can read it, too
    result = net.client.rstprobe(*words, "-o", path, **kw)
    assert result.status == status, result
    return old, result


def written(path):
    return "abandon" in said(path) or "RST" in said(path)


def test_a_new_file_follows_the_umask(net, folder):
    path = os.path.join(folder, "new")
    explain(net, path, wrap=["sh", "-c", 'umask 037 && exec "$@"', "sh"])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640 and written(path)
    assert os.listdir(folder) == ["new"]


def test_mode_and_owner_stay(net, folder, real_root):
    path = put(os.path.join(folder, "kept"))
    os.chmod(path, 0o604)
    os.chown(path, 12, 34)
    old, _ = explain(net, path)
    now = os.stat(path)
    assert (now.st_mode, now.st_uid, now.st_gid) == (old.st_mode, 12, 34) and written(path)
    assert now.st_ino != old.st_ino, "written beside"


def test_a_link_stays_one(net, folder):
    """To a file in another folder, by a relative path, and to one that is not there yet."""
    os.mkdir(os.path.join(folder, "there"))
    put(os.path.join(folder, "there", "file"))
    for name in ("file", "new"):
        link = os.path.join(folder, "to-" + name)
        os.symlink(os.path.join("there", name), link)
        explain(net, link)
        assert os.path.islink(link) and written(os.path.join(folder, "there", name))
    assert sorted(os.listdir(os.path.join(folder, "there"))) == ["file", "new"]


def test_links_in_a_circle(net, folder):
    path = os.path.join(folder, "a")
    os.symlink("b", path)
    os.symlink("a", os.path.join(folder, "b"))
    _, result = explain(net, path, status=2)
    assert len(result.err.splitlines()) == 1 and path in result.err, result


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"])
def test_descriptors_and_devices(net, path):
    """What the shell has opened is written, and goes on being that file."""
    shell = net.lab.scratch("shell", "before\n")
    shell.seek(0, os.SEEK_END)
    before = os.fstat(shell.fileno())
    result = net.client.rstprobe(*EXPLAIN, "-o", path, stdout=shell)
    assert result.status == 0, result
    now = os.stat(shell.name)
    assert now.st_ino == before.st_ino
    assert path == "/dev/null" or written(shell.name), said(shell.name)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_fifo(net, folder):
    path = os.path.join(folder, "fifo")
    os.mkfifo(path)
    reader = subprocess.Popen(["cat", path], stdout=subprocess.PIPE, text=True)
    explain(net, path)
    assert "RST" in reader.communicate(timeout=20)[0]
    assert stat.S_ISFIFO(os.stat(path).st_mode) and os.listdir(folder) == ["fifo"]


def test_a_folder_that_is_not_there(net, folder):
    path = os.path.join(folder, "no", "file")
    _, result = explain(net, path, status=2)
    assert result.err == "rstprobe: cannot write %s: No such file or directory\n" % path, result


@pytest.mark.parametrize("lay", ["mkdir", "touch"])
def test_nobody_can_lay_something_where_the_file_will_be_named(net, folder, lay):
    """By the number of a process, which anyone can foresee."""
    script = 'cd %s && %s .rstprobe-$$-0 .rstprobe-$$-1 && exec "$@"' % (folder, lay)
    path = os.path.join(folder, "file")
    explain(net, path, wrap=["sh", "-c", script, "sh"])
    assert written(path) and len(os.listdir(folder)) == 3, os.listdir(folder)


@pytest.mark.parametrize("words", [[], ["--format", "json"]])
def test_a_file_that_may_not_grow(net, folder, words):
    """A write that fails, and not a signal that kills; the lab's own files are limited, too."""
    path = os.path.join(folder, "file")
    limited = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    result = net.client.rstprobe(*EXPLAIN, *words, "-o", path, wrap=limited)
    assert result.status == 3 and (words or not os.listdir(folder)), result


def test_a_folder(net, folder):
    _, result = explain(net, folder, status=2)
    assert len(result.err.splitlines()) == 1 and folder in result.err, result


def test_two_names_of_one_file(net, folder, xml):
    """Neither is written; what was there stays."""
    path = put(os.path.join(folder, "file"))
    os.symlink("file", path + ".link")
    result = net.client.rstprobe("scan", SERVER, "-p", "80", "-o", path, "-oX", path + ".link")
    assert result.status == 2 and "two outputs go to " + path in result.err, result
    assert said(path) == OLD and sorted(os.listdir(folder)) == ["file", "file.link"]


@pytest.fixture
def public(folder, real_root):
    """A folder that nobody may look into, and that belongs to root."""
    return folder


def test_a_file_of_ones_own_in_a_folder_of_others(net, public):
    """It cannot be replaced: it is written in place."""
    path = put(os.path.join(public, "mine"))
    os.chown(path, 65534, 65534)
    old, _ = explain(net, path, wrap=AS_NOBODY)
    assert os.stat(path).st_ino == old.st_ino and written(path)


def test_a_file_of_others(net, public):
    os.chmod(public, 0o777)
    path = put(os.path.join(public, "theirs"))
    os.chmod(path, 0o644)
    _, result = explain(net, path, status=2, wrap=AS_NOBODY)
    assert said(path) == OLD and "Permission denied" in result.err, result


def test_a_writable_file_of_others(net, public):
    """Replaced, it would be another's: it is written in place, as in a sticky folder."""
    for mode in (0o777, 0o1777):
        os.chmod(public, mode)
        path = put(os.path.join(public, "all-%o" % mode))
        os.chmod(path, 0o666)
        old, _ = explain(net, path, wrap=AS_NOBODY)
        now = os.stat(path)
        assert (now.st_ino, now.st_uid) == (old.st_ino, 0) and written(path)
    assert not [n for n in os.listdir(public) if n.startswith(".")]


def test_what_others_have_laid_into_a_shared_folder(net, public):
    """As in /tmp: whether root may open it is for the kernel to say (fs.protected_symlinks and
    protected_regular). Replaced, it would have been written past all that the kernel refuses."""
    aim = put(os.path.join(public, "aim"))
    shared = os.path.join(public, "shared")
    os.mkdir(shared)
    os.chmod(shared, 0o1777)
    link, file = os.path.join(shared, "link"), put(os.path.join(shared, "file"))
    os.symlink(aim, link)
    for path in (link, file):
        os.chown(path, 65534, 65534, follow_symlinks=False)
        real = os.path.realpath(path)
        old = os.stat(real)
        result = net.client.rstprobe(*EXPLAIN, "-o", path)
        assert os.stat(real).st_ino == old.st_ino, "replaced"
        assert said(real) == OLD if result.status == 2 else written(real), result
    assert sorted(os.listdir(shared)) == ["file", "link"]


def test_a_mounted_file(net, folder, real_root):
    """As a container has it: there is nothing to rename over."""
    path, real = put(os.path.join(folder, "mount")), put(os.path.join(folder, "real"))
    mount = 'mount --bind %s %s && exec "$@"' % (real, path)
    explain(net, path, wrap=["sh", "-c", mount, "sh"])
    assert written(real) and said(path) == OLD


# --- after privilege is dropped ------------------------------------------------------------------

def test_root_in_a_folder_of_a_user(net, folder, xml, real_root):
    """Without CAP_DAC_OVERRIDE, which is given up, root may not write there: the keeper may."""
    path = put(os.path.join(folder, "scan.xml"))
    os.chown(folder, 1000, 1000)
    os.chown(path, 1000, 1000)
    os.chmod(path, 0o600)
    result = net.client.rstprobe("scan", SERVER, "-p", "80", "-oX", path, "-o", path + ".txt")
    assert result.status == 0, result
    assert "<runstats>" in said(path) and "1 open" in said(path + ".txt")
    assert os.stat(path).st_uid == 1000
    assert sorted(os.listdir(folder)) == ["scan.xml", "scan.xml.txt"]


def test_an_ordinary_user_with_the_file_capability(net, folder, xml, real_root):
    """In a folder of his own, and killed on the way."""
    copy = net.client.public(RSTPROBE)
    why = give_capability(copy)
    if why:
        pytest.skip(why)
    os.chown(folder, 65534, 65534)
    words = ["scan", SERVER, "-p", "1-3000"]
    words += ["-oX", os.path.join(folder, "scan.xml")]
    run = net.client.start(*words, "--rate", "100", binary=copy, wrap=AS_NOBODY)
    keeper, = until("the keeper", lambda: children(run.process.pid))
    run.process.kill()
    run.process.wait()
    until("its end", lambda: is_gone(keeper))
    assert not os.listdir(folder)
    result = net.client.rstprobe(*words, binary=copy, wrap=AS_NOBODY)
    assert result.status == 0, result
    assert os.listdir(folder) == ["scan.xml"] and "<runstats>" in said(words[-1])


def holds(pid, n):
    kinds = list(files_of(pid).values())
    return kinds if len(kinds) == n else None


def test_the_keeper_holds_nothing(net, folder, xml):
    """Neither sockets nor the pipe of who reads our output; and where there is no file, none is."""
    def started(*words):
        run = net.client.start("scan", SERVER, "-p", "1-3000", "--rate", "100", *words)
        until("privilege to be dropped",
              lambda: not any(caps(status_of(run.process.pid), "CapEff")))
        return run

    run = started("-oX", os.path.join(folder, "a.xml"), "-o", os.path.join(folder, "a"))
    keeper, = children(run.process.pid)
    blocked = status_of(keeper)["SigBlk"]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        assert int(blocked, 16) >> (number - 1) & 1, number
    # a line, two folders, two files
    kinds = until("few descriptors", lambda: holds(keeper, 5))
    assert sum(k.startswith("socket:") for k in kinds) == 1, kinds
    assert all(folder in k or k.startswith("socket:") for k in kinds), kinds
    run.process.kill()
    run.process.wait(10)
    until("it has ended", lambda: is_gone(keeper))
    run = started("-oJ", os.path.join(folder, "b.json"))
    assert not children(run.process.pid)
    run.process.kill()
    run.process.wait(10)
