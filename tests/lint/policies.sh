#!/bin/sh
# policies: the manual of policies and the program say the same. Every word of the tables and of the
# grammar stands in the page; every example of the page, and every policy of contrib/, is one.
# Nothing is sent.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

page=$srcdir/man/rstprobe-policy.5
RSTPROBE=${RSTPROBE:-$builddir/rstprobe}
out=$lint_tmp/out
[ -x "$RSTPROBE" ] || {
	echo "Bail out! no program at $RSTPROBE"
	exit 1
}

# The words of a table: the strings between two lines of a source.
words() { # FILE FROM TO
	sed -n "/$2/,/$3/p" "$srcdir/src/$1" | grep -oE '"[a-z|-]+"' | tr -d '"'
}

# The words of the page that are .It of a list, all of one line.
sed -nE 's/^\.It (Cm|Ar name : Cm) //p' "$page" | tr ' ' '\n' | grep -vE '^(,|Ar|Op|Oo|Qq|.*\.\.\.)$' |
	sort -u >"$lint_tmp/listed"
{
	words judge/expect.c 'state_words\[\] = ' '^};'
	words judge/expect.c 'level_names\[LEVELS\]' '^};'
	words judge/reset_style.c 'names\[\] = ' '};'
	words engine/policy_demand.c '^static int take_attribute' '^}'
	words engine/policy_demand.c '^static int take_demand' '^}'
	words engine/policy.c '^static int read_line' '^}'
} | sort -u >"$lint_tmp/known"
comm -23 "$lint_tmp/known" "$lint_tmp/listed" | sed 's/$/ is known, and not in the page/' >"$out"
[ "$(wc -l <"$lint_tmp/known")" -ge 25 ] || echo "too few words in the sources" >>"$out"
tap "every word is explained" "$out"

# Each display of the page into a file, by the name in its first line, else by its number.
mkdir "$lint_tmp/examples"
awk -v dir="$lint_tmp/examples" '
	/^\.Bd -literal/ { inside = 1; n++; name = ""; next }
	/^\.Ed/ { inside = 0; if (name) close(name) }
	!inside { next }
	/^\.\\" no policy/ { inside = 0; next }
	!name {
		name = $0 ~ /^# [a-z]+\.policy$/ ? dir "/" $2 : dir "/display-" n ".policy"
		if ($0 !~ /^#/) {
			print "group web 192.0.2.7\ngroup db 192.0.2.8" >name
		}
	}
	{ gsub(/\\e/, "\\"); gsub(/\\\(dq/, "\""); print >name }' "$page"

# check NAME FILE: the program takes it, without a word of complaint.
check() {
	: >"$out"
	(cd "$(dirname "$2")" && timeout 60 "$RSTPROBE" audit --check "$(basename "$2")") \
		>"$lint_tmp/said" 2>"$out" || echo "status $?" >>"$out"
	[ -s "$lint_tmp/said" ] || echo "wrote nothing" >>"$out"
	tap "$1" "$out"
}
for file in "$lint_tmp"/examples/*.policy "$srcdir"/contrib/policy/*.policy; do
	case $file in
	*/hosts.policy) continue ;; # for others to include
	"$lint_tmp"/*) check "example $(basename "$file")" "$file" ;;
	*) check "contrib/policy/$(basename "$file")" "$file" ;;
	esac
done
: >"$out"
for name in shop mail web hosts db windows display-2; do
	[ -s "$lint_tmp/examples/$name.policy" ] || echo "no $name.policy in the page" >>"$out"
done
tap "the examples were found" "$out"

# a policy with an error is refused, or all of the above says nothing
printf 'group web 192.0.2.7\nweb: 80 opn\n' >"$lint_tmp/wrong.policy"
"$RSTPROBE" audit --check "$lint_tmp/wrong.policy" >"$lint_tmp/said" 2>&1
{
	[ $? = 2 ] || echo "not refused"
	grep -q "wrong.policy:2:9: 'opn' is no state" "$lint_tmp/said" || cat "$lint_tmp/said"
} >"$out"
tap "an error is refused with its place" "$out"

if command -v mandoc >/dev/null; then
	# whether a neighbour's page is installed is no matter of ours
	mandoc -Tlint -Wstyle "$page" 2>&1 | grep '^mandoc: .*:[0-9]*:[0-9]*: ' |
		grep -v 'referenced manual not found' >"$out"
	tap "mandoc -Tlint" "$out"
else
	tap_skip "mandoc -Tlint" "mandoc is not installed"
fi
tap_done
