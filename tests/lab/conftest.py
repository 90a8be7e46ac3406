"""What every lab test needs before it begins: namespaces of its own, and a program to drive."""

import os
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as laboratory  # noqa: E402

WHY_NOT = pytest.StashKey()
WAS_ROOT = pytest.StashKey()


def pytest_configure(config):
    # SIGTERM must unwind the fixtures, as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.stash[WAS_ROOT] = os.geteuid() == 0
    # whoever started the tests by sudo: the program becomes whom a test says
    for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER", "DOAS_USER"):
        os.environ.pop(name, None)
    missing = [t for t in ("ip", "nft", "setpriv") if not shutil.which(t)]
    if missing:
        config.stash[WHY_NOT] = "the lab needs " + ", ".join(missing)
        return
    config.stash[WHY_NOT] = laboratory.enter()
    # a careful umask or a closed home is the caller's: what is laid out here others are to read
    os.umask(0o022)
    if not config.stash[WHY_NOT] and os.access(laboratory.RSTPROBE, os.X_OK):
        laboratory.RSTPROBE = laboratory.for_anybody(laboratory.RSTPROBE)
        os.environ["RSTPROBE"] = laboratory.RSTPROBE
    # pytest's own name for it is one for all who are root of a user namespace
    if not config.option.basetemp:
        config.option.basetemp = tempfile.mkdtemp(prefix="rstprobe-lab-")
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture(scope="session", autouse=True)
def allowed(request):
    why = request.config.stash[WHY_NOT]
    # a container's root may lack CAP_SYS_ADMIN; who tests for others must not skip unseen
    strict = os.environ.get("CI", "") not in ("", "0", "false")
    if why and strict and request.config.stash[WAS_ROOT]:
        pytest.fail(why + " (for root with CI set this is a failure, not a skip)", pytrace=False)
    elif why:
        pytest.skip(why)
    if not os.access(laboratory.RSTPROBE, os.X_OK):
        pytest.fail("RSTPROBE=%r names no program" % laboratory.RSTPROBE, pytrace=False)


@pytest.fixture(scope="module")
def lab(allowed):
    with laboratory.Lab() as built:
        yield built


@pytest.fixture(scope="module")
def path3(lab):
    return laboratory.Path3(lab)


@pytest.fixture(scope="session")
def xml(allowed):
    """For what writes XML."""
    if not laboratory.writes_xml():
        pytest.skip("built without libxml2")


@pytest.fixture
def real_root():
    if not laboratory.REAL_ROOT:
        pytest.skip("needs real root")
