"""contrib/fleet: one sweep over several hosts: the script of one shard, GNU parallel over sshd, and
the command line of the Kubernetes job in the shell that would run it. A worker dies in the middle,
and what comes together in the end is exact all the same. Slurm is in test_fleet_slurm.

Whether the job's manifest is one, a cluster alone can tell; here are its facts that the rest hangs on.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from fleet import (FLEET, LISTENERS, SEED, exact, folder, need, net, pids_of,  # noqa: F401
                   records, slowly)
from lab import CLIENT, DEADLINE, RSTPROBE, SERVER, command, overlay, until

# --- the script of one shard ----------------------------------------------------------------------

class Shard:
    def __init__(self, host, part, folder, *words, env=None):
        self.process = subprocess.Popen(
            host.within(["sh", os.path.join(FLEET, "shard"), part, folder, *words]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, RSTPROBE=RSTPROBE, **(env or {})))
        host.lab.processes.append(self.process)

    def end(self):
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out + err


def test_a_shard_goes_on(net, folder):
    before = net.router.counter("syns")
    first = Shard(net.client, "2/2", folder, *slowly(1000, 150))
    until("many of its probes", lambda: net.router.counter("syns") - before > 150, DEADLINE)
    first.process.terminate()  # the shell, which hands it on
    assert first.end()[0] == 3
    sent = net.router.counter("syns") - before
    status, said = Shard(net.client, "2/2", folder, *slowly(1000, 2500)).end()
    assert status == 0, said
    more = net.router.counter("syns") - before - sent
    # some were under way, and a slow machine asks some again
    assert 500 - sent <= more < 500 - sent / 2, "%d and %d probes for 500 ports" % (sent, more)
    assert Shard(net.client, "1/2", folder, *slowly(1000, 2500)).end()[0] == 0
    exact(folder, 2, 1000)
    # what is whole is left alone
    sent = net.router.counter("syns")
    assert Shard(net.client, "2/2", folder, *slowly(1000, 2500)).end() == (0, "")
    assert net.router.counter("syns") == sent


def test_a_shard_is_had_once_at_a_time(net, folder):
    with open(os.path.join(folder, "shard-2-of-2.jsonl.lock"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        status, said = Shard(net.client, "2/2", folder, *slowly(10, 100)).end()
    assert status == 3 and "another try of it is still running" in said, said


def test_a_shard_that_was_cut_within_its_first_line(net, folder):
    with open(os.path.join(folder, "shard-1-of-1.jsonl"), "w", encoding="utf-8") as f:
        f.write('{"type":"run","sche')
    assert Shard(net.client, "1/1", folder, *slowly(300, 3000)).end()[0] == 0
    exact(folder, 1, 300)


@pytest.mark.parametrize("part,status", [("3", 2), ("/2", 2), ("1/2/3", 2), ("a/2", 2), ("3/2", 2)])
def test_a_shard_that_is_none(net, folder, part, status):
    got = Shard(net.client, part, folder, *slowly(10, 100)).end()
    assert got[0] == status and part in got[1], got


# --- GNU parallel over ssh ------------------------------------------------------------------------

class Workers:
    """Three hosts with sshd, and one that reaches them; all see the server behind a router."""

    NAMES = ["w1", "w2", "w3"]

    def __init__(self, lab):
        self.lab = lab
        self.head, self.router, self.server = lab.host("head"), lab.router("hub"), lab.host("target")
        self.worker = {n: lab.host(n) for n in self.NAMES}
        self.addr = {}
        for i, (name, host) in enumerate([("head", self.head), *self.worker.items(),
                                          ("target", self.server)]):
            net = "10.203.%d." % i
            lab.link(host, "up", self.router, "to-" + name, [net + "2/24"], [net + "1/24"])
            host.route("default", "via", net + "1")
            self.addr[name] = net + "2"
        self.server.listen(LISTENERS)
        self.router.firewall(counters=["of_" + n for n in self.NAMES], forward=[
            "ip saddr %s ip daddr %s tcp flags & (syn | ack) == syn counter name of_%s" % (
                self.addr[n], self.addr["target"], n) for n in self.NAMES])
        self.dir = lab.path("ssh")
        os.mkdir(self.dir, 0o700)
        for name in ("host", "user"):
            command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.file(name)])
        shutil.copyfile(self.file("user.pub"), self.file("keys"))
        os.makedirs("/run/sshd", exist_ok=True)  # a /run of our own
        # what this machine's root has in his files is no part of the test, and may take its time
        with open("/etc/passwd", encoding="utf-8") as f:
            passwd = re.sub("^root:.*", "root:x:0:0:root:%s:/bin/sh" % self.dir, f.read(),
                            flags=re.M)
        # an account may be locked for whoever has no password; sshd then lets nobody in at all
        self.accounts = {"/etc/passwd": passwd, "/etc/shadow": "root:*:20000:0:99999:7:::\n"}
        for host in self.worker.values():
            self.sshd(host)

    def file(self, name):
        return os.path.join(self.dir, name)

    def sshd(self, host):
        daemon = self.lab.spawn(host.within(overlay(self.lab, self.accounts) + [
            "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-o", "HostKey=" + self.file("host"),
            "-o", "AuthorizedKeysFile=" + self.file("keys"), "-o", "StrictModes=no", "-o",
            "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes"]))
        until("sshd", lambda: daemon.poll() is not None or host.sh(
            "ss", "-Hltn", "sport = :22").stdout, DEADLINE)
        assert daemon.poll() is None, "sshd did not start"

    def start(self, folder, *words, hosts=NAMES):
        lines = self.lab.scratch("hosts", "# the fleet\n" + "".join(
            "root@%s\n" % self.addr[n] for n in hosts))
        ssh = ("ssh -i %s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
               "-o LogLevel=ERROR -o BatchMode=yes" % self.file("user"))
        each, words = [w for w in words if w == "--each"], [w for w in words if w != "--each"]
        home = self.lab.path("home")
        os.mkdir(home)
        process = subprocess.Popen(
            self.head.within([os.path.join(FLEET, "over-ssh"), *each, "-b", RSTPROBE, "-n", "5",
                              lines.name, folder, self.addr["target"], *words]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, SSH=ssh, HOME=home, PARALLEL_HOME=home, LC_ALL="C.UTF-8"),
            start_new_session=True)
        self.lab.processes.append(process)
        return process

    def sent(self, name):
        return self.router.counter("of_" + name)


@pytest.fixture(scope="module")
def workers(lab, real_sshd):
    return Workers(lab)


@pytest.fixture(scope="module")
def real_sshd():
    need("parallel", "sshd", "ssh", "ssh-keygen")
    if os.geteuid() or not os.access("/etc/shadow", os.R_OK):
        pytest.skip("sshd needs real root")


def no_change(a, b, ports):
    done = subprocess.run([RSTPROBE, "diff", a, b], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 0, done
    assert "no change: {:,} ports measured by both\n".format(ports) in done.stdout, done


def end(process):
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out + err


def test_over_ssh_a_worker_dies(workers, folder):
    sweep = workers.start(folder, "-p", "1-1000", "--rate", "120", *SEED)
    until("the second worker at work", lambda: workers.sent("w2") > 30, DEADLINE)
    for pid in command(["ip", "netns", "pids", workers.worker["w2"].ns]).stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    status, said = end(sweep)
    assert status == 0, said
    exact(folder, 5, 1000)
    with open(os.path.join(folder, "joblog"), encoding="utf-8") as f:
        hosts = {line.split("\t")[1] for line in f.readlines()[1:] if line.split("\t")[6] == "0"}
    assert hosts == {"root@" + workers.addr[n] for n in ("w1", "w3")}, hosts
    workers.sshd(workers.worker["w2"])
    # as one host alone would have it
    whole = workers.lab.path("whole.json")
    one = workers.head.rstprobe("scan", workers.addr["target"], "-p", "1-1000", "--rate", "max",
                                "-oJ", whole, "-o", "/dev/null")
    assert one.status == 0, one
    no_change(folder, whole, 1000)
    # nothing is left to ask
    before = [workers.sent(n) for n in workers.NAMES]
    assert end(workers.start(folder, "-p", "1-1000", "--rate", "120", *SEED))[0] == 0
    assert [workers.sent(n) for n in workers.NAMES] == before
    # another sweep does not go into the same folder
    status, said = end(workers.start(folder, "-p", "1-999", *SEED))
    assert status == 2 and "holds another sweep" in said, said


def test_over_ssh_again(workers, folder):
    """With nobody to take over, the rest is asked when the host is back."""
    firewall = ["ip saddr %s tcp dport 22 reject with tcp reset" % workers.addr["head"]]
    workers.worker["w1"].firewall(input=firewall)
    status, said = end(workers.start(folder, "-p", "1-700", "--rate", "max", hosts=["w1"]))
    assert status == 3 and "run it again with the same words" in said, said
    workers.worker["w1"].sh("nft", "flush", "ruleset")
    status, said = end(workers.start(folder, "-p", "1-700", "--rate", "max", hosts=["w1"]))
    assert status == 0, said
    exact(folder, 5, 700)


@pytest.mark.parametrize("each", [[], ["--each"]], ids=["shards", "each"])
def test_over_ssh_broken_off(workers, folder, each):
    """Ctrl-C here ends what runs there."""
    before = [workers.sent(n) for n in workers.NAMES]
    sweep = workers.start(folder, *each, "-p", "1-4000", "--rate", "20", *SEED)
    until("all at work", lambda: all(
        workers.sent(n) - b > 2 for n, b in zip(workers.NAMES, before)), DEADLINE)
    os.killpg(sweep.pid, signal.SIGINT)
    assert end(sweep)[0] != 0
    until("nobody at work", lambda: not any(
        pids_of(workers.worker[n], os.path.basename(RSTPROBE)) for n in workers.NAMES), DEADLINE)


@pytest.mark.parametrize("each", [[], ["--each"]], ids=["shards", "each"])
def test_over_ssh_with_wrong_words(workers, folder, each):
    """No more tries would mend them; the right ones may go into the same folder."""
    status, said = end(workers.start(folder, *each, "-p", "1-10", "--nonsense"))
    assert status == 2 and "--nonsense" in said and "run it again" not in said, said
    assert end(workers.start(folder, *each, "-p", "1-10", "--rate", "max"))[0] == 0


def test_vantage_points(workers, folder):
    """The same sweep from each host; a firewall lets one of them see less."""
    workers.server.firewall(input=["ip saddr %s tcp dport 443 drop" % workers.addr["w3"]])
    status, said = end(workers.start(folder, "--each", "-p", "1-800", "--rate", "max", "-T",
                                     "1s", "-r", "1"))
    workers.server.sh("nft", "flush", "ruleset")
    assert status == 0, said
    names = ["root@%s.jsonl" % workers.addr[n] for n in workers.NAMES]
    assert {n for n in os.listdir(folder) if n.endswith(".jsonl")} == set(names)
    done = subprocess.run([RSTPROBE, "diff", "--by-vantage", *names], cwd=folder, text=True,
                          capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode == 1, done
    assert re.search(r"^  443/tcp +open +open +filtered\*$", done.stdout, re.M), done
    assert "1 port of 1 host depends on where one looks from; 800 ports" in done.stdout, done


# --- Kubernetes -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def job():
    yaml = pytest.importorskip("yaml", reason="not installed: python3-yaml")
    with open(os.path.join(FLEET, "job.yaml"), encoding="utf-8") as f:
        documents = list(yaml.safe_load_all(f))
    assert [d["kind"] for d in documents] == ["PersistentVolumeClaim", "Job"]
    return documents[1]


def test_the_manifest(job):
    """What the rest hangs on. That it is a Job at all was checked by the schema of batch/v1."""
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["apiVersion"] == "batch/v1" and spec["completionMode"] == "Indexed"
    # podFailurePolicy and backoffLimitPerIndex are refused with anything else
    assert pod["restartPolicy"] == "Never"
    assert {"name": "SHARDS", "value": str(spec["completions"])} in container["env"]
    rights = container["securityContext"]
    assert rights["capabilities"] == {"drop": ["ALL"], "add": ["NET_RAW"]}
    assert rights["allowPrivilegeEscalation"] is True  # else the file's capability is void
    assert pod["securityContext"]["runAsNonRoot"] is True
    mounts = {m["name"] for m in container["volumeMounts"]}
    assert mounts == {v["name"] for v in pod["volumes"]}
    (codes,) = [r["onExitCodes"] for r in spec["podFailurePolicy"]["rules"] if "onExitCodes" in r]
    assert codes["containerName"] == container["name"] and codes["values"] == [2, 4]


def test_the_command_of_a_pod(job, net, folder):
    """In a shell as the container's, with the names of the volumes put in place."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/bin/sh", "-c"]
    (line,) = container["args"]
    for was, is_ in (("/fleet/", FLEET + "/"), (" /sweep ", " %s " % folder),
                     ("198.51.100.0/24 -p 443", SERVER + " -p 1-900 --rate max")):
        assert was in line
        line = line.replace(was, is_)
    for index in range(3):
        net.client.sh("sh", "-c", line, env=dict(
            os.environ, RSTPROBE=RSTPROBE, JOB_COMPLETION_INDEX=str(index), SHARDS="3"))
    exact(folder, 3, 900)
    assert CLIENT in json.dumps(records(folder)[0][0]["source"])
