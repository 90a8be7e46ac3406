"""documents: the commands that the manuals and the README show, as they stand there.

It knows how each of these marks a command, and the few that cannot be run as they stand, with the
reason. What must come of them is in test_documents.py.
"""

import collections
import os
import re

from lab import HERE

TOP = os.path.join(HERE, "..", "..")
PAGES = ("rstprobe.1", "rstprobe-json.5", "rstprobe-policy.5")

# `makes`: files that the command writes, `takes`: files that it names, whoever makes them.
Example = collections.namedtuple("Example", "document line text makes takes")

# Which words, what is run in their place (None: nothing), and why.
INSTEAD = (
    (r"^(rstprobe explain -i eth0\b.*)", r"\1 --deadline 1s", "listens until Ctrl-C"),
    (r"--deadline 10m", "--deadline 1s", "takes ten minutes where nothing is reset"),
    (r"--count 20$", "--count 20 --interval 50ms", "takes twenty seconds"),
    (r"(idle HOST.*)", r"\1 --hold 2s", "takes ten minutes"),
    (r"HOST", "192.0.2.7", "is whose service it is"),
    (r"--hold 20m", "--hold 2s", "takes twenty minutes"),
    (r"^\./bootstrap |^sudo (make|install) |^sudoedit ", None,
     "would write to this machine, outside the lab"),
)
# Commands whose status says something of the machine or of the far end, and what it may be.
STATUS = (
    (r"--kernel", (0, 3, 4), "needs the tracepoint's reasons: Linux 6.10, root"),
    (r"explain -i", (0, 3), "the kernel tells of the whole machine, which may be too much"),
    (r"# status 1|: status 1", (1,), "is shown because it fails"),
)

ANSWER = re.compile(r" {4}[A-Z].*\S  +((?:scan|stack|explain|trace|provoke|audit|diff|probes|"
                    r"doctor) .*)$")


def unescape(text):
    return text.replace("\\e", "\\").replace("\\ ", " ").replace("\\-", "-").replace("\\&", "")


def of_page(name):
    """Lines of .Dl in EXAMPLES; one that ends with | or \\ goes on in the next."""
    got, inside, whole, began = [], False, "", 0
    path = os.path.join(TOP, "man", name)
    if not os.path.exists(path):
        return got
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith(".Sh "):
                inside = line.strip() == ".Sh EXAMPLES"
            if not inside or not line.startswith(".Dl "):
                continue
            began = began if whole else number
            whole += unescape(line[4:].rstrip("\n"))
            if not whole.endswith("|"):
                got.append((name, began, whole))
                whole = ""
    return got


def of_readme():
    """Lines that a prompt begins; a backslash at the end goes on in the next. Of the table of
    questions what stands behind each."""
    got, whole, began = [], "", 0
    with open(os.path.join(TOP, "README"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            answer = ANSWER.match(line)
            if answer:
                got.append(("README", number, "rstprobe " + answer.group(1)))
                continue
            if whole:
                whole += line.strip()
            elif re.match(r" {4}(\$|# rstprobe) ", line + " "):
                whole, began = line[6:], number
            else:
                continue
            if whole.endswith("\\"):
                whole = whole[:-1]
                continue
            got.append(("README", began, whole))
            whole = ""
    return got


def parsed(document, line, text):
    makes = set(re.findall(r"(?:-o[JXC]?|-w|>) ([\w./-]+\.\w+)", text))
    return Example(document, line, text, makes, set(re.findall(r"[\w./-]+\.\w+", text)) - makes)


def examples():
    raw = [e for page in PAGES for e in of_page(page)] + of_readme()
    return [parsed(*e) for e in raw]


def to_run(example):
    """What is run, or None, with the reason for any difference."""
    text, why = example.text, []
    for pattern, instead, reason in INSTEAD:
        if re.search(pattern, text):
            why.append(reason)
            if instead is None:
                return None, reason
            text = re.sub(pattern, instead, text)
    return text, ", ".join(why)


def statuses(example):
    for pattern, good, _ in STATUS:
        if re.search(pattern, example.text):
            return good
    return (0,)
