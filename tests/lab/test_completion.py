"""What bash, zsh and fish offer for a command line of rstprobe: the real shells, asked for it.

What is right to offer is what --help and the parser say: each option of a command, and no value that
would be refused.
"""

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess

import pytest

from lab import DEADLINE, REAL_ROOT, RSTPROBE, until, writes_xml

SHELLS = ["bash", "zsh", "fish"]
COMMANDS = re.findall(r"^  ([a-z]+) +\w", subprocess.run(
    [RSTPROBE, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout, re.M)

# Bash is asked by what it does itself on TAB: its words, with "=" and ":" for words of their own.
ASK_BASH = r"""
source "$1"
while IFS= read -r COMP_LINE; do
	words=${COMP_LINE//=/ = }
	read -ra COMP_WORDS <<<"${words//:/ : }"
	[[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMPREPLY=()
	_rstprobe
	[[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
	echo END
done
"""
ASK_FISH = r"""
source $argv[1]
while read -l line
	complete -C "$line" | string replace -r '\t.*' ''
	echo END
end
"""
# Zsh completes only while it edits a line: on a terminal, with what is offered written to a file.
ZSHRC = r"""
PS1='READY '
fpath=($ZDOTDIR/functions $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
	local -a hits
	[[ ${@[1,(i)(-|--)]} == *-[ODA]* ]] ||
		{ builtin compadd -O hits "$@"; print -rl -- $hits >>$ZDOTDIR/offered }
	builtin compadd "$@"
}
ask() {
	zle complete-word
	print -r -- "LINE $BUFFER" >>$ZDOTDIR/offered
	BUFFER=
}
zle -N ask
bindkey '^T' ask
"""
BASHRC = r"""
PS1='READY '
bind 'set bell-style none'
ask() { printf 'LINE %s\n' "$READLINE_LINE" >>"$HOME/offered"; READLINE_LINE=; }
bind -x '"\C-t": ask'
"""


def need(shell):
    if not shutil.which(shell):
        pytest.skip("no " + shell)


def script(shell):
    return subprocess.run([RSTPROBE, "--completion", shell], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


class Terminal:
    """A shell that believes a person types."""

    def __init__(self, argv, home, **environment):
        self.offered = os.path.join(home, "offered")
        self.said = b""
        os.mkdir(os.path.join(home, "policies of ours"))
        env = dict(PATH=os.environ["PATH"], HOME=str(home), ZDOTDIR=str(home), TERM="dumb",
                   LC_ALL="C.UTF-8", **environment)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execvpe(argv[0], argv, env)
        until("the prompt of " + argv[0], lambda: b"READY " in self.read(), DEADLINE)

    def read(self):
        """Whoever does not read what a shell echoes stops it."""
        if select.select([self.fd], [], [], 0)[0]:
            try:
                self.said += os.read(self.fd, 65536)
            except OSError:
                pass
        return self.said

    def ask(self, line, keys=b"\x14"):
        with open(self.offered, "w", encoding="utf-8"):
            pass
        os.write(self.fd, line.encode() + keys)

        def answer():
            self.read()
            with open(self.offered, encoding="utf-8") as f:
                text = f.read()
            return text if re.search(r"^LINE .*\n", text, re.M) else None

        offered, _, line = until("what is offered for " + line, answer, DEADLINE).rpartition("LINE ")
        return offered.split(), line.rstrip("\n")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(scope="module")
def zsh(tmp_path_factory):
    need("zsh")
    home = tmp_path_factory.mktemp("zsh")
    (home / "functions").mkdir()
    (home / "functions" / "_rstprobe").write_text(script("zsh"))
    (home / ".zshrc").write_text(ZSHRC)
    terminal = Terminal(["zsh", "-d", "-i"], home)
    yield terminal
    terminal.close()


@pytest.fixture
def offers(request, tmp_path):
    """A function from a list of lines to what the shell offers for each of them."""
    def ask(shell, lines):
        need(shell)
        if shell == "zsh":
            terminal = request.getfixturevalue("zsh")
            return [terminal.ask(line)[0] for line in lines]
        path = tmp_path / shell
        path.write_text(script(shell))
        argv = {"bash": ["bash", "--norc", "-c", ASK_BASH, "ask", str(path)],
                "fish": ["fish", "--no-config", "-c", ASK_FISH, str(path)]}[shell]
        done = subprocess.run(argv, input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE,
                              env=dict(os.environ, HOME=str(tmp_path)))
        assert done.returncode == 0 and not done.stderr, done.stderr
        answers = [a.split() for a in done.stdout.split("END\n")][:-1]
        assert len(answers) == len(lines)
        return answers

    return ask


def spellings(command):
    """Of each option of --help: its spellings, and whether it takes a value."""
    text = subprocess.run([RSTPROBE, command, "--help"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    found = []
    for line in re.findall(r"^  (-.*)", text, re.M):
        words = [w.split() for w in re.split(r"  ", line)[0].split(", ")]
        found.append(([w[0] for w in words], len(words[-1]) > 1))
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_are_offered_first(shell, offers):
    assert set(COMMANDS) <= set(offers(shell, ["rstprobe "])[0])


@pytest.mark.parametrize("shell", SHELLS)
def test_each_option_is_offered_where_it_is_taken(shell, offers):
    # the findings that provoke may expect are those of its scenario
    lines = ["rstprobe " + (c + " idle " if c == "provoke" else c + " ") for c in COMMANDS]
    got = offers(shell, [line + dash for line in lines for dash in ("-", "--")])
    for i, command in enumerate(COMMANDS):
        wanted = {word for words, _ in spellings(command) for word in words}
        if shell == "zsh":
            wanted -= {"-p-"}  # _arguments has another meaning for a dash at the end
        offered = {w for w in got[2 * i] + got[2 * i + 1] if w.startswith("-")}
        assert offered == wanted, command


# A line, what must be offered, and what must not.
CASES = [
    ("rstprobe stack --fo", {"--format"}, {"--first", "--flags"}),
    ("rstprobe scan --format ", {"text", "json", "xml", "csv"}, {"html", "junit"}),
    ("rstprobe scan -p 80 --format ", {"xml"}, set()),
    ("rstprobe explain --format ", {"text", "json", "html"}, {"xml"}),
    ("rstprobe audit --format ", {"junit", "tap", "prometheus", "csv"}, {"xml"}),
    ("rstprobe 192.0.2.7 --tx ", {"auto", "raw", "packet", "xdp"}, set()),
    ("rstprobe scan --syn-options ", {"none", "mss", "linux", "windows"}, set()),
    ("rstprobe scan --color ", {"auto", "always", "never"}, set()),
    ("rstprobe scan --probe ", {"syn", "xmas", "all"}, set()),
    ("rstprobe trace --probe ", {"syn", "data"}, {"all"}),
    ("rstprobe provoke ", {"early-close", "idle"}, set()),
    ("rstprobe provoke early-close --expect ", {"answer-lost"}, {"forgotten"}),
    ("rstprobe trace --expect ", {"reset-by-hop"}, {"closed"}),
    ("rstprobe explain --cause half", {"half-open"}, {"refused"}),
    ("rstprobe explain --cause ", {"injected"}, {"problem"}),
    ("rstprobe explain --fail-on ", {"problem", "half-open"}, set()),
    ("rstprobe probes ", {"syn", "xmas"}, set()),
    ("rstprobe scan -i ", {"lo"}, {"any"}),
    ("rstprobe explain -i ", {"lo", "any"}, set()),
    ("rstprobe scan --rate ", {"auto", "max"}, set()),
    ("rstprobe diff --only ", {"opened", "newly-covered"}, {"syn"}),
    ("rstprobe doctor --format ", {"text", "json"}, {"xml"}),
    ("rstprobe --completion ", {"bash", "zsh", "fish"}, {"scan"}),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_values(shell, offers):
    wrong = []
    unbuilt = set() if writes_xml() else {"xml", "junit"}
    for (line, wanted, unwanted), got in zip(CASES, offers(shell, [c[0] for c in CASES])):
        if not wanted - unbuilt <= set(got) or unwanted & set(got):
            wrong.append((line, got))
    assert not wrong


@pytest.mark.parametrize("shell", SHELLS)
def test_states_with_a_bar_are_quoted_where_that_is_needed(shell, offers):
    offered = offers(shell, ["rstprobe scan --show open"])[0]
    assert {"open", {"bash": "open\\|filtered"}.get(shell, "open|filtered")} <= set(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_items_of_a_list_once(shell, offers):
    whole, part = offers(shell, ["rstprobe scan --probe syn,", "rstprobe scan --probe syn,xm"])
    assert {w.rpartition(",")[2] for w in part} == {"xmas"}
    rest = {w.rpartition(",")[2] for w in whole}
    assert "xmas" in rest and "syn" not in rest


@pytest.mark.parametrize("shell", SHELLS)
def test_files(shell, offers, tmp_path):
    (tmp_path / "night.policy").write_text("")
    (tmp_path / "new results").mkdir()
    lines = ["rstprobe audit %s/ni", "rstprobe scan -iL %s/ni", "rstprobe explain %s/ni",
             "rstprobe scan -o %s/ni", "rstprobe scan --resume %s/ni"]
    for line, got in zip(lines, offers(shell, [n % tmp_path for n in lines])):
        assert [os.path.basename(g) for g in got] == ["night.policy"], line


def test_no_value_is_offered_that_is_refused(offers):
    """Lists that parser and completion read are the same; this holds for all who read others."""
    asked = [(c, words[0]) for c in COMMANDS for words, takes in spellings(c) if takes]
    got = offers("bash", ["rstprobe %s %s " % a for a in asked])
    tried = 0
    for (command, option), words in zip(asked, got):
        if option == "--user" and not REAL_ROOT:
            continue  # there is nobody else to become
        if option in ("-i", "--interface") or any("/" in w or "." in w for w in words):
            continue
        for word in words:
            word = shlex.split(word)[0]
            if os.path.exists(word):
                continue
            scenario = ["idle"] if command == "provoke" else []
            done = subprocess.run([RSTPROBE, command] + scenario + [option, word],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  stdin=subprocess.DEVNULL, timeout=DEADLINE)
            # a refused value is named first of all, with its option
            assert not done.stderr.startswith("rstprobe: %s " % option), done.stderr
            tried += 1
    assert tried > 100


def test_findings_are_those_of_the_scenario(offers):
    scenarios = offers("bash", ["rstprobe provoke "])[0]
    got = offers("bash", ["rstprobe provoke %s --expect " % s for s in scenarios])
    for scenario, words in zip(scenarios, got):
        done = subprocess.run([RSTPROBE, "provoke", scenario, "127.0.0.1", "-p", "80", "--dry-run",
                               "--expect", ",".join(words)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        assert words and "no such finding" not in done.stderr, done.stderr


# What stands on the line after TAB, as a person sees it.
TYPED = [
    ("rstprobe exp", "rstprobe explain "),
    ("rstprobe scan --form", "rstprobe scan --format"),
    ("rstprobe scan --format=js", "rstprobe scan --format=json"),
    ("rstprobe scan --format js", "rstprobe scan --format json"),
    ("rstprobe scan --show closed,inc", "rstprobe scan --show closed,inconsistent"),
    ("rstprobe scan --probe=syn,xm", "rstprobe scan --probe=syn,xmas"),
    ("rstprobe provoke early-close --expect answer-l",
     "rstprobe provoke early-close --expect answer-lost"),
    ("rstprobe audit pol", "rstprobe audit policies\\ of\\ ours/"),
]


def check_typed(terminal, keys=b"\x14"):
    wrong = []
    for line, wanted in TYPED:
        after = terminal.ask(line, keys)[1]
        if after.rstrip(" ,=") != wanted.rstrip():
            wrong.append((line, after))
    assert not wrong


def test_typed_in_zsh(zsh):
    check_typed(zsh)


@pytest.mark.parametrize("loader", ["alone", "bash-completion"])
def test_typed_in_bash(loader, tmp_path):
    """By bash-completion's own search for a file of the program's name, or sourced."""
    main = "/usr/share/bash-completion/bash_completion"
    home, place = tmp_path / "home", tmp_path / "share" / "bash-completion" / "completions"
    home.mkdir()
    place.mkdir(parents=True)
    (place / "rstprobe").write_text(script("bash"))
    if loader == "alone":
        first = "source " + shlex.quote(str(place / "rstprobe"))
    elif os.path.exists(main):
        first = "source " + main
    else:
        pytest.skip("no bash-completion")
    (tmp_path / "bashrc").write_text(first + "\n" + BASHRC)
    terminal = Terminal(["bash", "--rcfile", str(tmp_path / "bashrc"), "-i"], home,
                        XDG_DATA_DIRS=str(tmp_path / "share"))
    try:
        check_typed(terminal, b"\t\x14")
    finally:
        terminal.close()
