#!/bin/sh
# The man page and the program say the same: every option of --help stands in the page and every
# option of the page in --help; every probe is named; every example runs. Nothing is sent: scans are
# dry runs, other commands that could send only print their help.
set -u

page=$srcdir/man/rstprobe.1
n=0
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# result STATUS NAME: one TAP line; what is in $tmp/why says why not
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$tmp/why"
	fi
}

# Options that a section documents: every word behind .It Fl up to the argument, one a line.
documented() {
	awk -v section="$1" '
		/^\.Sh / { inside = ($0 == ".Sh " section) }
		inside && /^\.It Fl / {
			for (i = 3; i <= NF && $i !~ /^(Ar|Cm|Ns)$/; i++)
				if ($i != "," && $i != "Fl")
					print "-" $i
		}' "$page" | sort -u
}

# Options that --help prints: lines that begin with two blanks and a dash, up to the next two blanks.
printed() {
	"$RSTPROBE" $1 --help | sed -n 's/^  \(-.*\)/\1/p' | sed 's/  .*//' |
		awk -F ', ' '{ for (i = 1; i <= NF; i++) { split($i, w, " "); print w[1] } }' | sort -u
}

# same SECTION COMMAND
same() {
	documented "$1" >"$tmp/page"
	printed "$2" >"$tmp/help"
	{
		comm -23 "$tmp/page" "$tmp/help" | sed 's/$/ is in the page, not in --help/'
		comm -13 "$tmp/page" "$tmp/help" | sed 's/$/ is in --help, not in the page/'
		[ -s "$tmp/help" ] || echo "no options found in --help"
	} >"$tmp/why"
	[ ! -s "$tmp/why" ]
	result $? "options of rstprobe $2"
}

same DESCRIPTION ''
same SCAN scan
same PROBES probes
same DOCTOR doctor

# every probe and every reaction of the tables
"$RSTPROBE" probes --format json |
	sed -n 's/^{"type":"\(probe\|reaction\)","name":"\([^"]*\)".*/\1 \2/p' >"$tmp/names"
while read -r what name; do
	grep -q -e "^\.It Cm $name\$" -e "^\.Cm $name\( ,\)\{0,1\}\( \.\)\{0,1\}\$" "$page" ||
		echo "$what $name is not in the page"
done <"$tmp/names" >"$tmp/why"
[ "$(wc -l <"$tmp/names")" -ge 20 ] || echo "too few names in rstprobe probes" >>"$tmp/why"
[ ! -s "$tmp/why" ]
result $? "probes and reactions are named"

# Each example runs where it cannot do harm, and status 0 is its success.
sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl rstprobe //p' "$page" >"$tmp/examples"
while read -r line; do
	eval "set -- $line"
	case $1 in
	probes) ;;
	doctor) set -- "$@" --help ;;
	*) set -- "$@" --dry-run ;;
	esac
	(cd "$tmp" && timeout 60 "$RSTPROBE" "$@") >"$tmp/out" 2>"$tmp/why" && [ -s "$tmp/out" ]
	result $? "example: rstprobe $line"
done <"$tmp/examples"
[ -s "$tmp/examples" ]
echo "no examples in the page" >"$tmp/why"
result $? "the page has examples"

if command -v mandoc >/dev/null; then
	# whether a neighbour's page is installed is no matter of ours
	mandoc -Tlint -Wstyle "$page" | grep -v 'referenced manual not found' >"$tmp/why"
	[ ! -s "$tmp/why" ]
	result $? "mandoc -Tlint"
else
	n=$((n + 1))
	echo "ok $n - mandoc -Tlint # SKIP mandoc is not installed"
fi

echo "1..$n"
