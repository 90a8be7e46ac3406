# common: what the lints share: TAP, and C without its comments and strings. Sourced, not run.
# shellcheck shell=sh
# shellcheck disable=SC2034 # lint_failed is for those who source this

srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
tap_count=0
lint_tmp=$(mktemp -d)
trap 'rm -rf "$lint_tmp"' EXIT
trap 'exit 1' INT TERM HUP

# tap NAME FILE: ok where FILE, the list of offences, is empty.
tap() {
	tap_count=$((tap_count + 1))
	if [ -s "$2" ]; then
		echo "not ok $tap_count - $1"
		sed 's/^/# /' "$2"
	else
		echo "ok $tap_count - $1"
	fi
}

tap_skip() { # NAME REASON
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_count"
	exit 0
}

# All sources below src, as room/file.
sources() {
	(cd "$srcdir/src" && find . -name '*.[ch]' | sed 's,^\./,,' | sort)
}

# bare DIR: every source into DIR with comments blanked and strings emptied, lines kept.
bare() {
	sources | while read -r f; do
		mkdir -p "$1/$(dirname "$f")"
		awk '
		{
			out = ""; n = length($0)
			for (i = 1; i <= n; i++) {
				c = substr($0, i, 1); two = substr($0, i, 2)
				if (comment) {
					if (two == "*/") { comment = 0; i++ }
				} else if (quote != "") {
					if (c == "\\") i++
					else if (c == quote) { quote = ""; out = out c }
				} else if (two == "/*") { comment = 1; i++ }
				else if (two == "//") break
				else {
					if (c == "\"" || c == "\047") quote = c
					out = out c
				}
			}
			quote = ""
			print out
		}' "$srcdir/src/$f" >"$1/$f"
	done
}

# A lint that finds nothing to read must not pass.
[ -f "$srcdir/src/main.c" ] || {
	echo "Bail out! no sources below $srcdir/src"
	exit 1
}
