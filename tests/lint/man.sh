#!/bin/sh
# man: the manuals and the program say the same. Every option of --help stands in the page and every
# option of the page in --help; every probe, segment of the battery, cause, finding and verdict is
# named, every key of JSON Lines too. That the examples run is tests/lab/test_documents.py's.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

page=$srcdir/man/rstprobe.1
RSTPROBE=${RSTPROBE:-$builddir/rstprobe}
out=$lint_tmp/out
[ -x "$RSTPROBE" ] || {
	echo "Bail out! no program at $RSTPROBE"
	exit 1
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

# Options in the help on stdin: lines that begin with two blanks and a dash, up to the next two.
printed() {
	sed -n 's/^  \(-.*\)/\1/p' | sed 's/  .*//' |
		awk -F ', ' '{ for (i = 1; i <= NF; i++) { split($i, w, " "); print w[1] } }' | sort -u
}

# same SECTION [COMMAND]
same() {
	section=$1
	shift
	documented "$section" >"$lint_tmp/page"
	"$RSTPROBE" "$@" --help | printed >"$lint_tmp/help"
	{
		comm -23 "$lint_tmp/page" "$lint_tmp/help" | sed 's/$/ is in the page, not in --help/'
		comm -13 "$lint_tmp/page" "$lint_tmp/help" | sed 's/$/ is in --help, not in the page/'
		[ -s "$lint_tmp/help" ] || echo "no options found in --help"
	} >"$out"
	tap "options of rstprobe${1:+ $1}" "$out"
}
same DESCRIPTION
same SCAN scan
same STACK stack
same EXPLAIN explain
same TRACE trace
same PROVOKE provoke
same AUDIT audit
same DIFF diff
same PROBES probes
same DOCTOR doctor

# every probe and every reaction of the tables
"$RSTPROBE" probes --format json |
	sed -nE 's/^\{"type":"(probe|reaction)","name":"([^"]*)".*/\1 \2/p' >"$lint_tmp/names"
while read -r what name; do
	case $what in
	probe) grep -q "^\.It Cm $name\$" "$page" ;;
	*) grep -qE "^\.Cm $name( [,.])?\$" "$page" ;;
	esac || echo "$what $name is not in the page"
done <"$lint_tmp/names" >"$out"
[ "$(wc -l <"$lint_tmp/names")" -ge 20 ] || echo "too few names in rstprobe probes" >>"$out"
tap "probes and reactions are named" "$out"

# every segment of the battery: the names of its forms, the first string of each
sed -nE '/^(const|static const) struct form /,/^};|;$/p' "$srcdir/src/judge/battery.c" |
	grep -oE '\{"[a-z-]+", ' | tr -d '{", ' | sort -u >"$lint_tmp/forms"
awk '/^\.Ss The segments/ { inside = 1; next } /^\.S[sh] / { inside = 0 }
	inside && /^\.It Cm / { for (i = 3; i <= NF; i++) if ($i != "Cm" && $i != ",") print $i }' \
	"$page" | sort -u >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/forms" "$lint_tmp/page" | sed 's/$/ is in the battery, not in the page/'
	comm -13 "$lint_tmp/forms" "$lint_tmp/page" | sed 's/$/ is in the page, not in the battery/'
	[ "$(wc -l <"$lint_tmp/forms")" -ge 28 ] || echo "too few names in the battery"
} >"$out"
tap "segments of the battery" "$out"

# every cause with its severity: the first words of each row
tr -d '\n' <"$srcdir/src/judge/cause.c" |
	grep -oE '\{CAUSE_[A-Z_]+,[[:blank:]]*"[a-z-]+",[[:blank:]]*SEVERITY_[A-Z]+' |
	sed -E 's/.*"([a-z-]+)".*SEVERITY_(.*)/\1 \2/' | tr '[:upper:]' '[:lower:]' |
	sort >"$lint_tmp/causes"
awk '/^\.Sh / { inside = ($0 == ".Sh CAUSES") } inside && /^\.It Cm / { print $3, $5 }' "$page" |
	sort >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/causes" "$lint_tmp/page" | sed 's/$/ is in cause.c, not in the page/'
	comm -13 "$lint_tmp/causes" "$lint_tmp/page" | sed 's/$/ is in the page, not in cause.c/'
	[ "$(wc -l <"$lint_tmp/causes")" -ge 40 ] || echo "too few causes in cause.c"
} >"$out"
tap "causes and their severities" "$out"

# every finding of provoke with its severity, under its scenario (in the table ANY is all of them)
tr -d '\n' <"$srcdir/src/judge/provoke_rows.c" |
	grep -oE '\{"[a-z-]+",[[:blank:]]*(ANY|SCENARIO_[A-Z_]+),[^"]*SEVERITY_[A-Z]+' |
	sed -E 's/\{"([a-z-]+)",[[:blank:]]*(ANY|SCENARIO_([A-Z_]+)),.*SEVERITY_(.*)/\2 \1 \4/' |
	sed 's/^SCENARIO_//' | tr 'A-Z_' 'a-z-' | sort -u >"$lint_tmp/findings"
awk '/^\.S[hs] / { scenario = "" }
	/^\.Ss Scenario / { scenario = $3 }
	/^\.Ss Findings of all scenarios$/ { scenario = "any" }
	scenario != "" && /^\.It Cm / { print scenario, $3, $5 }' "$page" | sort >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/findings" "$lint_tmp/page" | sed 's/$/ is in provoke_rows.c, not in the page/'
	comm -13 "$lint_tmp/findings" "$lint_tmp/page" | sed 's/$/ is in the page, not in provoke_rows.c/'
	[ "$(wc -l <"$lint_tmp/findings")" -ge 40 ] || echo "too few findings in provoke_rows.c"
} >"$out"
tap "findings and their severities" "$out"

# every verdict of trace
sed -n '/^const char \*trace_end_name/,/^}/p' "$srcdir/src/judge/trace.c" |
	grep -oE '"[a-z-]+"' | tr -d '"' | sort >"$lint_tmp/verdicts"
awk '/^\.Ss The verdict$/ { inside = 1; next } /^\.S[hs] / { inside = 0 }
	inside && /^\.It Cm / { print $3 }' "$page" | sort >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/verdicts" "$lint_tmp/page" | sed 's/$/ is in trace.c, not in the page/'
	comm -13 "$lint_tmp/verdicts" "$lint_tmp/page" | sed 's/$/ is in the page, not in trace.c/'
	[ -s "$lint_tmp/verdicts" ] || echo "no verdicts in trace.c"
} >"$out"
tap "verdicts of trace" "$out"

# Keys and types of records: what the sources give to whoever adds a key, or begins a record. Which
# key is of which record is tests/lab/test_json_page.py's.
json=$srcdir/man/rstprobe-json.5
written() { # FUNCTIONS-BEFORE-THE-NAME
	cat "$srcdir"/src/report/json*.c "$srcdir"/src/cmd/probes.c | tr -s '\n\t' '  ' |
		grep -oE "\\b($1)\\((&?[a-z]+(->[a-z]+)*, )?\"[a-z][a-z0-9_]*\"" |
		sed 's/.*"\(.*\)"/\1/' | sort -u
}
written 'json_new_record|json_begin|line_begin' >"$lint_tmp/types"
sed -n 's/^\.Ss Record //p' "$json" | sort >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/types" "$lint_tmp/page" | sed 's/$/ is a record, and not in the page/'
	comm -13 "$lint_tmp/types" "$lint_tmp/page" | sed 's/$/ is in the page, and no record/'
	[ "$(wc -l <"$lint_tmp/types")" -ge 16 ] || echo "too few records in the sources"
} >"$out"
tap "types of records" "$out"

{
	written '(json_)?(add|put)(_[a-z0-9]+)*|json_set|json_object_object_add|line_(bool|[ac-z][a-z0-9_]*)' |
		grep -vx type
	# not written as a word of their own: made of names of outcomes and levels, a real number, and
	# second keys of a call
	printf '%s\n' passed failed indeterminate failed_critical failed_warning failed_info \
		within_ms old_reason new_reason
} | sort -u >"$lint_tmp/keys"
awk '/^\.Sh / { inside = ($0 == ".Sh RECORD TYPES") } inside && /^\.It Cm / { print $3 }' "$json" |
	sed 's/.*\.//; s/\[\]$//' | grep -v "^\*\$" | sort -u >"$lint_tmp/page"
{
	comm -23 "$lint_tmp/keys" "$lint_tmp/page" | sed 's/$/ is written, and not in the page/'
	comm -13 "$lint_tmp/keys" "$lint_tmp/page" | sed 's/$/ is in the page, and never written/'
	[ "$(wc -l <"$lint_tmp/keys")" -ge 150 ] || echo "too few keys in the sources"
} >"$out"
tap "keys of records" "$out"

if command -v mandoc >/dev/null; then
	for page in "$srcdir"/man/*.[1-8]; do
		# whether a neighbour's page is installed is no matter of ours
		mandoc -Tlint -Wstyle "$page" 2>&1 | grep '^mandoc: .*:[0-9]*:[0-9]*: ' |
			grep -v 'referenced manual not found' >"$out"
		tap "mandoc -Tlint ${page##*/}" "$out"
	done
else
	tap_skip "mandoc -Tlint" "mandoc is not installed"
fi
tap_done
