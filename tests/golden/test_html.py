"""The page of `explain --format html`, read by Python's parser and opened in a headless Chromium.

Its findings are made by hand (html_samples): here is asked whether the page stands by itself, stays
readable without script, and whether text from a capture stays text.
"""
import os
import re
import subprocess
from html.parser import HTMLParser

import pytest

import browser as chromium

BUILDDIR = os.environ.get("builddir", ".")
SAMPLES = ("all", "hostile", "many", "none", "broken", "summary", "filtered")
VOID = {"meta", "link", "input", "br", "img", "line", "path", "rect"}
SHAPES = {"line", "path", "rect"}  # of SVG: they close themselves


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    where = tmp_path_factory.mktemp("pages")
    program = os.path.join(BUILDDIR, "tests", "golden", "html_samples")
    made = {}
    for name in SAMPLES:
        made[name] = str(where / (name + ".html"))
        with open(made[name], "wb") as f:
            subprocess.run([program, name], check=True, stdout=f)
    return made


@pytest.fixture(scope="session")
def browser():
    program = chromium.find()
    if not program:
        pytest.skip("no Chromium is installed: none of " + ", ".join(chromium.NAMES))
    b = chromium.Browser(program)
    yield b
    b.close()


@pytest.fixture(autouse=True)
def plain(request):
    """Each test begins with script, light, on a screen."""
    if "browser" in request.fixturenames:
        b = request.getfixturevalue("browser")
        b.script(True)
        b.media()
        b.size(1100, 900)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.ids, self.links, self.text = [], [], [], [], []
        self.tags = {}

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.wrong.append(f"{tag} has an attribute twice: {names}")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} has {name}")
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "action", "xlink:href", "data", "srcset"):
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data):
        self.text.append(data)


def read(path):
    with open(path, encoding="utf-8", errors="strict") as f:
        page = f.read()
    reader = Reader()
    reader.feed(page)
    reader.close()
    return page, reader


@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_well_formed_and_stands_alone(pages, name):
    page, reader = read(pages[name])
    assert not reader.wrong
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))
    # links lead into the page; the icon is none
    for link in reader.links:
        assert link == "data:," or link.startswith("#") and link[1:] in reader.ids, link
    assert reader.tags["script"] == reader.tags["style"] == 1
    assert "default-src 'none'" in page
    for word in ("@import", "url(", "http:", "https:", "(null)"):
        assert word not in page, word


def test_foreign_text_is_escaped(pages):
    page, reader = read(pages["hostile"])
    text = "".join(reader.text)
    for said in ("<script>alert(1)</script> & \"blocked\"", "]]></svg><img src=x onerror=alert(4)>",
                 "<script>alert(5)</script>: cut in frame 9", "<iframe src=//x>", "<b>not</b>",
                 "\" onmouseover=\"alert(3)\ufffd\ufffd&lt;.pcap", "<b>?&\"srv"):
        assert said in text, said
    assert not {"img", "iframe"} & set(reader.tags)
    for raw in ("<script>alert", "<img", "<iframe", "\u202e"):
        assert raw not in page, raw


def test_incomplete_is_said(pages):
    assert "Incomplete: " in read(pages["hostile"])[0]
    assert "The run broke off" in read(pages["broken"])[0]
    for name in ("all", "many", "none"):
        page, _ = read(pages[name])
        assert "Incomplete: " not in page and "broke off" not in page
    assert "No RST was found" in read(pages["none"])[0]
    assert "No RST fits --cause and --flow" in read(pages["filtered"])[0]
    assert "0 of 8 RSTs fit" in read(pages["filtered"])[0]


def test_causes_by_severity(pages):
    """A cause whose RSTs do not weigh alike has a row for each severity, as in the text."""
    row = re.compile(r'<tr><td>(?:<a[^>]*>)?([a-z-]+)(?:</a>)?</td><td class="n">([0-9,]+)</td>'
                     r'<td><span class="badge ([a-z]+)">')
    assert row.findall(read(pages["many"])[0]) == [
        ("refused", "100", "problem"), ("half-open", "1", "problem"),
        ("refused", "2,400", "benign")]
    for name in ("all", "summary"):
        assert ("half-open", "1", "problem") in row.findall(read(pages[name])[0])
    # a run that told no end has what it told
    assert row.findall(read(pages["broken"])[0])


def test_a_page_has_bounds(pages):
    page, _ = read(pages["many"])
    assert page.count('<details class="finding ') == 2001
    assert "500 more are counted and not drawn" in page
    # the rare one, which came when the page was full
    assert 'id="cause-half-open"' in page and page.count('data-cause="half-open"') == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_console_is_silent_and_nothing_is_fetched(browser, pages, name):
    browser.open(pages[name])
    assert browser.complaints() == []
    assert [u for u in browser.requests() if u != "file://" + pages[name] and u != "data:,"] == []
    # the script ran to its end, where there is something to filter
    bare = name in ("none", "summary", "filtered")
    assert browser.run("document.getElementById('filters').hidden") == bare


def test_policy_lets_nothing_else_run(browser, pages):
    browser.open(pages["hostile"])
    assert browser.run("""
        const s = document.createElement("script");
        s.textContent = "window.ran = true";
        document.body.append(s);
        const b = document.createElement("b");
        b.setAttribute("onclick", "window.ran = true");
        document.body.append(b);
        b.click();
        const i = new Image();
        new Promise((done) => {
            i.onload = i.onerror = (e) => done([window.ran === undefined, e.type]);
            i.src = "https://192.0.2.1/x.png";
        })""") == [True, "error"]
    # refused by the policy, not by the network
    assert not any(e["method"] == "Network.responseReceived" for e in browser.events[-3:])
    assert "Content Security Policy" in str(browser.complaints())


def shown(browser):
    return browser.run("""[...document.querySelectorAll("details.finding")]
        .filter((f) => f.checkVisibility({contentVisibilityAuto: true})
                       || f.parentNode.matches("details:not([hidden])") && !f.hidden)
        .map((f) => f.dataset.cause)""")


def use(browser, name, value):
    browser.run(f"""
        const form = document.getElementById("filters");
        const field = form.elements[{name!r}];
        if (typeof {value!r} === "string") field.value = {value!r};
        field.dispatchEvent(new Event("input", {{bubbles: true}}));""".replace("const", "var"))


def test_filters(browser, pages):
    browser.open(pages["all"])
    every = ["refused", "handshake-abandoned", "half-open", "unread-data-close", "injected-race",
             "late-after-close"]
    assert sorted(shown(browser)) == sorted(every)
    use(browser, "text", "2001:DB8::7")
    assert shown(browser) == ["half-open"]
    assert browser.run("document.querySelector('output').value") == "1 of 6 shown"
    use(browser, "text", "192.0.2.7:80 nothing")
    assert shown(browser) == []
    use(browser, "text", "")
    use(browser, "cause", "refused")
    assert shown(browser) == ["refused"]
    use(browser, "cause", "")
    browser.run("document.querySelector('[value=problem]').click()")
    assert sorted(shown(browser)) == ["injected-race", "late-after-close"]
    assert browser.complaints() == []


def test_order(browser, pages):
    browser.open(pages["all"])
    use(browser, "order", "n")
    assert shown(browser) == ["refused", "handshake-abandoned", "half-open", "unread-data-close",
                              "injected-race", "late-after-close"]
    use(browser, "order", "lost")
    assert shown(browser)[:2] == ["unread-data-close", "half-open"]
    use(browser, "order", "idle")
    assert shown(browser)[0] == "half-open"
    # a link to a cause goes back to the groups
    browser.run("location.hash = '#cause-late-after-close'")
    browser.run("new Promise((done) => setTimeout(done))")
    assert browser.run("document.getElementById('findings').hidden") is False
    assert browser.run("document.getElementById('cause-late-after-close').open") is True
    assert browser.complaints() == []


def test_readable_without_script(browser, pages):
    browser.script(False)
    browser.open(pages["all"])
    assert browser.complaints() == []
    text = browser.run("document.body.innerText")
    assert "The server refuses the connection" in text
    assert "server 192.0.2.7:80 \u2192 client 192.0.2.9:40112" in text
    assert "R. 0:0(0) ack 1" in browser.run(
        "document.querySelector('#cause-refused svg').textContent")
    assert browser.run("document.querySelector('#cause-refused .finding').open") is True
    assert browser.run("document.querySelector('#cause-late-after-close').open") is False
    assert browser.run("document.getElementById('filters').checkVisibility()") is False


def test_dark_and_print(browser, pages):
    colour = "getComputedStyle(document.body).backgroundColor"
    browser.open(pages["all"])
    light = browser.run(colour)
    browser.media("dark")
    dark = browser.run(colour)
    browser.media("dark", "print")
    paper = browser.run(colour)
    assert len({light, dark, paper}) == 3 and paper == "rgb(255, 255, 255)"
    assert browser.run("document.getElementById('filters').checkVisibility()") is False


@pytest.mark.parametrize("width", [1100, 390])
def test_nothing_overflows(browser, pages, width):
    browser.size(width, 900)
    browser.open(pages["hostile"])
    assert browser.run("document.documentElement.scrollWidth") <= width
    # no text of a ladder leaves its drawing
    assert browser.run("""[...document.querySelectorAll("svg")].filter((svg) => {
        const box = svg.getBoundingClientRect();
        return svg.checkVisibility() && [...svg.querySelectorAll("text")].some((t) => {
            const b = t.getBoundingClientRect();
            return b.width && (b.left < box.left - 1 || b.right > box.right + 1 ||
                               b.bottom > box.bottom + 1);
        });
    }).length""") == 0


def test_drawings_say_what_they_show(browser, pages):
    browser.open(pages["all"])
    assert browser.run("""[...document.querySelectorAll("svg")].every((s) =>
        s.getAttribute("role") === "img" && s.querySelector("title").textContent &&
        document.getElementById(s.getAttribute("aria-labelledby")) === s.querySelector("title") &&
        s.querySelector("desc").textContent)""") is True
    said = browser.run("document.querySelector('#cause-half-open desc').textContent")
    assert "350 s of silence." in said
    assert "from the right" in said and "provoked it" in said and "the reset" in said
