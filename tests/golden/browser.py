"""A headless Chromium, driven by its DevTools pipe: opens a file, runs expressions, and collects what
the console said and what was asked of the network. Nothing but Python's own library.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")
DEADLINE_S = 120  # of one answer: a machine under load starts a browser slowly


def find():
    return next((path for path in map(shutil.which, NAMES) if path), None)


class BrowserError(Exception):
    pass


class Browser:
    def __init__(self, program):
        self.dir = tempfile.mkdtemp(prefix="rstprobe-browser-")
        command_r, self.write_fd = os.pipe()
        self.read_fd, answer_w = os.pipe()
        # DevTools wants them as descriptors 3 and 4: out of the way first, then there
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (command_r, answer_w)]
        shim = "import os, sys; [os.dup2(int(f), n) for n, f in enumerate(sys.argv[1:3], 3)]; " \
            "os.execv(sys.argv[3], sys.argv[3:])"
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--hide-scrollbars", "--window-size=1100,900", "--remote-debugging-pipe",
                f"--user-data-dir={self.dir}", "about:blank"]
        with open(os.path.join(self.dir, "stderr"), "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", shim, *map(str, theirs), program, *args],
                pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": self.dir})
        for fd in (command_r, answer_w, *theirs):
            os.close(fd)
        self.buffer = b""
        self.last_id = 0
        self.events = []
        target = self.call("Target.createTarget", url="about:blank", session=None)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True,
                                 session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def log(self):
        with open(os.path.join(self.dir, "stderr"), encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_fd], [], [], max(0, deadline - time.monotonic()))
            octets = os.read(self.read_fd, 1 << 16) if ready else b""
            if not octets:
                raise BrowserError(("ended" if ready else "no answer") + ": " + self.log())
            self.buffer += octets
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session="", **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_fd, data):]
        deadline = time.monotonic() + DEADLINE_S
        while True:
            got = self.receive(deadline)
            if got.get("id") != self.last_id:
                self.events.append(got)
            elif "error" in got:
                raise BrowserError(f"{method}: {got['error']}")
            else:
                return got["result"]

    def wait_event(self, method):
        deadline = time.monotonic() + DEADLINE_S
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.receive(deadline))

    def open(self, path):
        # a document of its own: nothing of the page before lives on
        for url in ("about:blank", "file://" + path):
            self.events.clear()
            self.call("Page.navigate", url=url)
            self.wait_event("Page.loadEventFired")

    def run(self, expression):
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                        awaitPromise=True)
        if "exceptionDetails" in got:
            raise BrowserError(json.dumps(got["exceptionDetails"])[:1000])
        return got["result"].get("value")

    def complaints(self):
        """What the console has: errors, warnings, exceptions, dialogs."""
        self.run("document.body.getBoundingClientRect().height")
        bad = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled",
               "Page.javascriptDialogOpening")
        return [e for e in self.events if e.get("method") in bad]

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events
                if e.get("method") == "Network.requestWillBeSent"]

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def media(self, scheme="light", kind=""):
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def script(self, on):
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self, path):
        """For eyes: the whole page."""
        got = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as f:
            f.write(base64.b64decode(got["data"]))

    def close(self):
        os.close(self.write_fd)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_fd)
        shutil.rmtree(self.dir, ignore_errors=True)
