"""contrib: what stands around a nightly audit. The script for cron tells the exit statuses apart and
is silent where all is well; the units, alerts and jobs are what their own programs take.
"""

import os
import re
import shutil
import subprocess

import pytest

from lab import DEADLINE, HERE, RSTPROBE

CONTRIB = os.path.join(HERE, "..", "..", "contrib")
CRON = os.path.join(CONTRIB, "cron", "rstprobe-audit")


def run(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=DEADLINE, **kw)


@pytest.fixture
def night(tmp_path):
    """The script with a program that ends as it is told, in a folder of its own."""
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\necho "$@" >"%s/argv"\necho "192.0.2.7: 1 check failed"\n'
                    'echo "a warning" >&2\nexit "$(cat "%s/status")"\n' % (tmp_path, tmp_path))
    fake.chmod(0o755)
    (tmp_path / "state").mkdir()

    def play(status, *words, program=fake, state=tmp_path / "state"):
        (tmp_path / "status").write_text(str(status))
        return run([CRON, *words], env={"PATH": "/nowhere", "HOME": "/", "RSTPROBE": str(program),
                                        "RSTPROBE_STATE": str(state)})

    play.argv = lambda: (tmp_path / "argv").read_text().split()
    return play


SAYS = {1: "not as the policy says", 2: "the policy or an option is wrong",
        3: "NOT MEASURED to the end", 4: "this machine cannot probe", 143: "ended with status 143"}


def test_a_night_without_findings_writes_nothing(night):
    done = night(0, "/etc/rstprobe/100% of the web.policy", "--deadline", "2h")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    argv = " ".join(night.argv())
    assert argv.startswith("audit ") and argv.endswith("--deadline 2h /etc/rstprobe/100% of the web.policy")
    assert "/state/100% of the web.jsonl" in argv


@pytest.mark.parametrize("status", SAYS)
def test_a_mail_says_in_its_first_line_what_is_wrong(night, status):
    done = night(status, "web.policy")
    first, rest = done.stdout.split("\n", 1)
    assert done.returncode == (status if status < 5 else 3)
    assert SAYS[status] in first and "web" in first and "(status " in first
    assert "1 check failed" in rest and "a warning" in rest
    assert ("NOT MEASURED" in first) == (status != 1)


def test_what_failed_is_said_beside_what_could_not_be_measured(night, tmp_path):
    (tmp_path / "fails").write_text("#!/bin/sh\necho 'FAILED  HOST'\nexit 3\n")
    (tmp_path / "fails").chmod(0o755)
    first = night(3, "web.policy", program=tmp_path / "fails").stdout.split("\n", 1)[0]
    assert "not as the policy says, and NOT MEASURED to the end" in first
    assert "not as" not in night(3, "web.policy").stdout


def test_what_keeps_the_script_from_its_work_is_no_result(night, tmp_path):
    for status, done in ((3, night(0, "web.policy", state=tmp_path / "none")),
                         (4, night(0, "web.policy", program="no-such-program"))):
        assert done.returncode == status and done.stdout.count("NOT MEASURED") == 1, done.stdout


def test_two_at_once(night, tmp_path):
    holder = subprocess.Popen(["flock", str(tmp_path / "state" / "web.lock"), "-c",
                               "echo held; read line"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        done = night(0, "web.policy")
        assert done.returncode == 3 and "still running" in done.stdout
    finally:
        holder.communicate("\n")
    assert night(0, "web.policy").returncode == 0


def test_the_line_of_cron():
    with open(CRON + ".cron", encoding="utf-8") as f:
        lines = [n for n in f.read().split("\n") if n and n[0] != "#" and "=" not in n.split()[0]]
    assert len(lines) == 1
    words = lines[0].split()
    assert re.fullmatch(r"[\d*/,-]+( [\d*/,-]+){4}", " ".join(words[:5]))
    assert words[6] == "/usr/local/bin/rstprobe-audit" and "%" not in lines[0]


def test_units(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    names = []
    for name in os.listdir(os.path.join(CONTRIB, "systemd")):
        with open(os.path.join(CONTRIB, "systemd", name), encoding="utf-8") as f:
            # whether it is installed is no matter of the unit's
            text = f.read().replace("/usr/bin/rstprobe ", "/bin/true ").replace(
                "/usr/sbin/sendmail", "/bin/true")
        if name == "prometheus.conf":
            (tmp_path / "rstprobe-audit@web.service.d").mkdir()
            (tmp_path / "rstprobe-audit@web.service.d" / name).write_text(text)
            continue
        (tmp_path / name).write_text(text)
        (tmp_path / name.replace("@", "@web")).write_text(text)
        names.append(name.replace("@", "@web"))
    assert len(names) == 3
    done = run(["systemd-analyze", "verify", "--man=no"] + sorted(names), cwd=tmp_path,
               env=dict(os.environ, SYSTEMD_UNIT_PATH=str(tmp_path) + ":"))
    # the machine's own units are no matter of ours
    assert not [n for n in done.stderr.split("\n") if "rstprobe" in n], done.stderr


def test_units_have_one_capability():
    with open(os.path.join(CONTRIB, "systemd", "rstprobe-audit@.service"), encoding="utf-8") as f:
        said = dict(n.split("=", 1) for n in f.read().split("\n") if re.match(r"[A-Z]\w+=", n))
    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert said[key] == "CAP_NET_RAW"
    assert said["DynamicUser"] == "yes" and said["ProtectSystem"] == "strict"


def test_alerts():
    if not shutil.which("promtool"):
        pytest.skip("no promtool")
    done = run(["promtool", "test", "rules", "rstprobe.rules.test.yml"],
               cwd=os.path.join(CONTRIB, "prometheus"))
    assert done.returncode == 0, done.stdout + done.stderr


def files_of_contrib():
    for folder, _, names in os.walk(CONTRIB):
        for name in names:
            yield os.path.join(folder, name)


def test_options_in_contrib_are_options_of_the_program():
    """A unit or a job with an option that is no more fails at night."""
    tried = 0
    known = {}
    for path in files_of_contrib():
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read().replace("\\\n", " ")
        for command, words in re.findall(r"\b(audit|scan|explain) ((?:-{1,2}[a-z][^|>&]*?)+)(?:$|[|>&\"])",
                                         text, re.M):
            if command not in known:
                known[command] = run([RSTPROBE, command, "--help"]).stdout
            for option in re.findall(r"(?:^|\s)(--?[a-zA-Z][a-zA-Z-]*)", words):
                assert re.search(r"(?:^|[ ,])%s(?:[ ,]|$)" % re.escape(option), known[command],
                                 re.M), (path, option)
                tried += 1
    assert tried >= 8


def test_every_file_is_in_the_readme():
    with open(os.path.join(CONTRIB, "README"), encoding="utf-8") as f:
        text = f.read()
    for path in files_of_contrib():
        rel = os.path.relpath(path, CONTRIB)
        top = rel.split(os.sep)[0]
        assert rel == "README" or rel in text or top in ("lab", "__pycache__") or \
            "packaging/debian/" in rel and "packaging/debian/" in text, rel + " is not in contrib/README"
