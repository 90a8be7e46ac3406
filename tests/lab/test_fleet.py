"""contrib/fleet: one sweep over several hosts, by the engines themselves: GNU parallel over sshd, a
Slurm controller with its node, and the command line of the Kubernetes job in the shell that would
run it. A worker dies in the middle, and what comes together in the end is exact all the same.

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

from documents import TOP
from lab import CLIENT, DEADLINE, RSTPROBE, SERVER, command, expand, overlay, until

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


def no_change(a, b, ports):
    done = subprocess.run([RSTPROBE, "diff", a, b], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 0, done
    assert "no change: {:,} ports measured by both\n".format(ports) in done.stdout, done


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


def test_a_shard_goes_on(net, folder):
    before = net.router.counter("syns")
    first = Shard(net.client, "2/2", folder, *slowly(1000, 250))
    until("some of its probes", lambda: net.router.counter("syns") - before > 60)
    for pid in pids_of(net.client, os.path.basename(RSTPROBE)):
        os.kill(pid, signal.SIGINT)
    assert first.end()[0] == 3
    status, said = Shard(net.client, "2/2", folder, *slowly(1000, 2500)).end()
    assert status == 0, said
    sent = net.router.counter("syns") - before
    assert 500 <= sent < 700, "%d probes for 500 ports" % sent
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
            self.passwd = re.sub("^root:.*", "root:x:0:0:root:%s:/bin/sh" % self.dir, f.read(),
                                 flags=re.M)
        for host in self.worker.values():
            self.sshd(host)

    def file(self, name):
        return os.path.join(self.dir, name)

    def sshd(self, host):
        daemon = self.lab.spawn(host.within(overlay(self.lab, {"/etc/passwd": self.passwd}) + [
            "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-o", "HostKey=" + self.file("host"),
            "-o", "AuthorizedKeysFile=" + self.file("keys"), "-o", "StrictModes=no", "-o",
            "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes"]))
        until("sshd", lambda: daemon.poll() is not None or host.sh(
            "ss", "-Hltn", "sport = :22").stdout)
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
            env=dict(os.environ, SSH=ssh, HOME=home, PARALLEL_HOME=home, LC_ALL="C.UTF-8"))
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


def end(process):
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out + err


def test_over_ssh_a_worker_dies(workers, folder):
    sweep = workers.start(folder, "-p", "1-1500", "--rate", "300", *SEED)
    until("the second worker at work", lambda: workers.sent("w2") > 50)
    for pid in command(["ip", "netns", "pids", workers.worker["w2"].ns]).stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    status, said = end(sweep)
    assert status == 0, said
    exact(folder, 5, 1500)
    with open(os.path.join(folder, "joblog"), encoding="utf-8") as f:
        hosts = {line.split("\t")[1] for line in f.readlines()[1:] if line.split("\t")[6] == "0"}
    assert hosts == {"root@" + workers.addr[n] for n in ("w1", "w3")}, hosts
    workers.sshd(workers.worker["w2"])
    # as one host alone would have it
    whole = workers.lab.path("whole.json")
    one = workers.head.rstprobe("scan", workers.addr["target"], "-p", "1-1500", "--rate", "max",
                                "-oJ", whole, "-o", "/dev/null")
    assert one.status == 0, one
    no_change(folder, whole, 1500)
    # nothing is left to ask
    before = [workers.sent(n) for n in workers.NAMES]
    assert end(workers.start(folder, "-p", "1-1500", "--rate", "300", *SEED))[0] == 0
    assert [workers.sent(n) for n in workers.NAMES] == before
    # another sweep does not go into the same folder
    status, said = end(workers.start(folder, "-p", "1-1499", *SEED))
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


def test_vantage_points(workers, folder):
    """The same sweep from each host; a firewall lets one of them see less."""
    workers.server.firewall(input=["ip saddr %s tcp dport 443 drop" % workers.addr["w3"]])
    status, said = end(workers.start(folder, "--each", "-p", "1-800", "--rate", "max", "-T",
                                     "300ms", "-r", "1"))
    workers.server.sh("nft", "flush", "ruleset")
    assert status == 0, said
    names = ["root@%s.jsonl" % workers.addr[n] for n in workers.NAMES]
    assert {n for n in os.listdir(folder) if n.endswith(".jsonl")} == set(names)
    done = subprocess.run([RSTPROBE, "diff", "--by-vantage", *names], cwd=folder, text=True,
                          capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode == 1, done
    assert re.search(r"^  443/tcp +open +open +filtered\*$", done.stdout, re.M), done
    assert "1 port of 1 host depends on where one looks from; 800 ports" in done.stdout, done


# --- Slurm ----------------------------------------------------------------------------------------

SLURM = """\
ClusterName=lab
SlurmctldHost=%(host)s(127.0.0.1)
SlurmUser=root
SlurmctldPort=%(port)d
SlurmdPort=%(port2)d
AuthType=auth/munge
AuthInfo=socket=%(dir)s/munge.socket
CredType=cred/munge
StateSaveLocation=%(dir)s/state
SlurmdSpoolDir=%(dir)s/spool
SlurmctldPidFile=%(dir)s/slurmctld.pid
SlurmdPidFile=%(dir)s/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
MinJobAge=300
NodeName=%(host)s NodeAddr=127.0.0.1 CPUs=4 RealMemory=200 State=UNKNOWN
PartitionName=all Nodes=%(host)s Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A controller and its only node, in the namespace of the client."""

    def __init__(self, net):
        self.lab, self.host = net.lab, net.client
        self.dir = self.lab.path("slurm")
        for d in ("", "state", "spool", "munge"):
            os.mkdir(os.path.join(self.dir, d), 0o755 if not d else 0o700)
        self.file = lambda name: os.path.join(self.dir, name)
        with open(self.file("slurm.conf"), "w", encoding="ascii") as f:
            f.write(SLURM % {"host": os.uname().nodename.split(".")[0], "dir": self.dir,
                             "port": 6817, "port2": 6818})
        with open(self.file("key"), "wb") as f:
            f.write(os.urandom(128))
        os.chmod(self.file("key"), 0o400)
        self.env = dict(os.environ, SLURM_CONF=self.file("slurm.conf"), RSTPROBE=RSTPROBE,
                        SHARD=os.path.join(FLEET, "shard"))
        self.daemon("munged", "--foreground", "--force", "--key-file", self.file("key"), "--socket",
                    self.file("munge.socket"), "--pid-file", self.file("munge/pid"), "--log-file",
                    self.file("munge/log"), "--seed-file", self.file("munge/seed"))
        until("munged", lambda: os.path.exists(self.file("munge.socket")))
        self.daemon("slurmctld", "-D", "-i")
        self.daemon("slurmd", "-D")
        until("an idle node", lambda: "idle" in self.run("sinfo", "-h", "-o", "%T", check=False))

    def daemon(self, *argv):
        self.lab.processes.append(subprocess.Popen(
            self.host.within(argv), stdin=subprocess.DEVNULL, env=self.env,
            stdout=self.lab.scratch(argv[0]), stderr=subprocess.STDOUT))

    def run(self, *argv, check=True):
        done = subprocess.run(self.host.within(argv), capture_output=True, text=True, env=self.env,
                              timeout=DEADLINE, check=False)
        assert done.returncode == 0 or not check, done
        return done.stdout


@pytest.fixture
def slurm(net):
    need("munged", "slurmctld", "slurmd", "sbatch")
    if os.geteuid() or not os.access("/etc/shadow", os.R_OK):
        pytest.skip("Slurm's daemons need real root")
    return Slurm(net)


def test_slurm(net, slurm, folder):
    """One of the tasks is killed; its shard is queued again, and goes on."""
    before = net.router.counter("syns")
    job = slurm.run("sbatch", "--parsable", "--array=1-5%2", "--output", slurm.file("out-%a"),
                    os.path.join(FLEET, "fleet.sbatch"), folder, *slowly(1500, 300)).strip()
    running = until("tasks at work", lambda: pids_of(slurm.host, os.path.basename(RSTPROBE)))
    until("some of their probes", lambda: net.router.counter("syns") - before > 100)
    os.kill(running[0], signal.SIGKILL)
    until("the end of all tasks", lambda: not slurm.run("squeue", "-h", "-j", job, "-t",
                                                        "PENDING,RUNNING,COMPLETING", check=False),
          deadline=2 * DEADLINE)
    exact(folder, 5, 1500)
    text = slurm.run("scontrol", "show", "job", job)
    assert sorted(re.findall(r"Restarts=(\d)", text)) == ["0", "0", "0", "0", "1"], text
    assert set(re.findall(r"JobState=(\w+)", text)) == {"COMPLETED"}, text


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
