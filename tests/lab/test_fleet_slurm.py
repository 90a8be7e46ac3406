"""contrib/fleet/fleet.sbatch under a Slurm controller and its node: a task is killed in the middle,
queued again, and goes on with its shard.
"""

import os
import re
import signal
import subprocess

import pytest

from fleet import FLEET, exact, folder, need, net, pids_of, slowly  # noqa: F401
from lab import DEADLINE, RSTPROBE, until

SLURM = """\
ClusterName=lab
SlurmctldHost=%(host)s(127.0.0.1)
SlurmUser=root
SlurmctldPort=%(port)d
SlurmdPort=%(port2)d
AuthType=auth/munge
AuthInfo=socket=%(dir)s/munge.socket,cred_expire=5
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
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
MinJobAge=300
KillWait=2
CompleteWait=0
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
        # of cgroups none is used, nor mounted within a namespace; the older plugin asks for none
        with open(self.file("cgroup.conf"), "w", encoding="ascii") as f:
            f.write("CgroupPlugin=cgroup/v1\n")
        with open(self.file("key"), "wb") as f:
            f.write(os.urandom(128))
        os.chmod(self.file("key"), 0o400)
        self.env = dict(os.environ, SLURM_CONF=self.file("slurm.conf"), RSTPROBE=RSTPROBE)
        self.daemon("munged", "--foreground", "--force", "--key-file", self.file("key"), "--socket",
                    self.file("munge.socket"), "--pid-file", self.file("munge/pid"), "--log-file",
                    self.file("munge/log"), "--seed-file", self.file("munge/seed"))
        until("munged", lambda: os.path.exists(self.file("munge.socket")), DEADLINE)
        self.daemon("slurmctld", "-D", "-i")
        self.daemon("slurmd", "-D")
        until("an idle node", lambda: "idle" in self.run("sinfo", "-h", "-o", "%T", check=False),
              DEADLINE)

    def daemon(self, *argv):
        self.lab.processes.append(subprocess.Popen(
            self.host.within(argv), stdin=subprocess.DEVNULL, env=self.env,
            stdout=self.lab.scratch(argv[0]), stderr=subprocess.STDOUT))

    def run(self, *argv, check=True):
        # where `shard` is, as the README has it
        done = subprocess.run(self.host.within(argv), capture_output=True, text=True, env=self.env,
                              cwd=FLEET, timeout=DEADLINE, check=False)
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
    job = slurm.run("sbatch", "--parsable", "--array=1-3", "--output", slurm.file("out-%a"),
                    os.path.join(FLEET, "fleet.sbatch"), folder, *slowly(900, 75)).strip()
    running = until("tasks at work", lambda: pids_of(slurm.host, os.path.basename(RSTPROBE)),
                    DEADLINE)
    until("some of their probes", lambda: net.router.counter("syns") - before > 100, DEADLINE)
    os.kill(running[0], signal.SIGKILL)
    until("the end of all tasks", lambda: not slurm.run("squeue", "-h", "-j", job, "-t",
                                                        "PENDING,RUNNING,COMPLETING", check=False),
          deadline=2 * DEADLINE)
    exact(folder, 3, 900)
    text = slurm.run("scontrol", "show", "job", job)
    assert sorted(re.findall(r"Restarts=(\d)", text)) == ["0", "0", "1"], text
    assert set(re.findall(r"JobState=(\w+)", text)) == {"COMPLETED"}, text
