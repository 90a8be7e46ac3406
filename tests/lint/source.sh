#!/bin/sh
# source: habits of the house that a compiler does not check (src/README): who may end the
# program or print, sizes, whitespace, sequence arithmetic, and no mutable globals.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

out=$lint_tmp/out
bare "$lint_tmp/bare"
cd "$lint_tmp/bare" || exit 1
MAX_FUNCTION=80 MAX_FILE=600

# offences PATTERN FILE...: lines of the bare sources that match, with their place.
offences() {
	pattern=$1
	shift
	grep -nE "$pattern" /dev/null "$@" | sed 's,^,src/,'
}
word() {
	echo "(^|[^_[:alnum:]])($1)"
}

offences "$(word 'exit|_exit|_Exit|quick_exit|abort|perror|die|errx?|warnx?') *\(" \
	base/*.[ch] packet/*.[ch] judge/*.[ch] engine/*.[ch] wire/*.[ch] report/*.[ch] |
	grep -v '^src/wire/child\.c:' >"$out"
tap "nobody below cmd/ ends the program, but wire/child.c its own fork" "$out"

offences "$(word 'v?f?printf|v?dprintf|f?puts|f?putc|putchar|fwrite') *\(" \
	base/*.[ch] packet/*.[ch] judge/*.[ch] engine/*.[ch] wire/*.[ch] |
	grep -v '^src/base/log\.c:' >"$out"
tap "nobody below report/ prints, but base/log.c" "$out"

offences "$(word '(stdout|stderr)([^_[:alnum:]]|$)|(v?printf|puts|putchar) *\(')" report/*.[ch] >"$out"
tap "report/ writes to the FILE it gets" "$out"

# A heuristic: comparisons with a space after, so that shifts and arrows pass.
# shellcheck disable=SC2046 # file names of ours, without blanks
offences '((\.|->)(seq|ack) *[<>]=? )|( [<>]=? *[a-z_>.-]*(\.|->)(seq|ack)($|[^_[:alnum:]]))' \
	$(sources | grep -v '^base/seq\.h$') >"$out"
tap "sequence numbers are compared by base/seq.h only" "$out"

# shellcheck disable=SC2046
offences "$(word goto) +[a-z_]+" $(sources) | grep -v 'goto out;' >"$out"
tap "goto out and no other goto" "$out"

# Functions begin and end by a brace in the first column (.clang-format).
# shellcheck disable=SC2046
awk -v max=$MAX_FUNCTION '
	FNR == 1 { start = 0 }
	/^[a-z].*[a-z_0-9]\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ && start {
		if (FNR - start + 1 > max)
			print "src/" FILENAME ":" start ": " name " has " FNR - start + 1 " lines"
		start = 0
	}
' $(sources) >"$out"
tap "no function over $MAX_FUNCTION lines" "$out"

cd "$srcdir/src" || exit 1
# shellcheck disable=SC2046
awk -v max=$MAX_FILE 'FNR == max + 1 { print "src/" FILENAME ": over " max " lines" }' $(sources) >"$out"
tap "no file over $MAX_FILE lines" "$out"

blank=$(printf '[ \t]')
tab=$(printf '\t')
cr=$(printf '\r')
# shellcheck disable=SC2046
{
	grep -nE "$blank\$| $tab|$cr" /dev/null $(sources) | sed 's,^,src/,'
	for f in $(sources); do
		[ -z "$(tail -c 1 "$f")" ] || echo "src/$f: no newline at the end"
		[ -n "$(tail -n 1 "$f")" ] || echo "src/$f: an empty line at the end"
	done
} >"$out"
tap "no stray whitespace" "$out"

# shellcheck disable=SC2046
grep -nwE 'TODO|FIXME|XXX|HACK|placeholder' /dev/null $(sources) | sed 's,^,src/,' >"$out"
tap "no unfinished words" "$out"

for f in $(sources); do
	case $(head -c 2 "$f") in
	'/*') ;;
	*) echo "src/$f: opens without saying what it decides" ;;
	esac
done >"$out"
tap "each file opens by saying what it decides" "$out"

# Mutable globals are bytes in .data or .bss; constants that hold pointers are in .data.rel.ro.
name="no mutable globals in base/, packet/, judge/ and engine/, but the log's verbosity"
if ! command -v size >/dev/null; then
	tap_skip "$name" "no size(1)"
elif [ ! -f "$builddir/libengine.a" ]; then
	tap_skip "$name" "not built in $builddir"
elif grep -q '^SAN_CFLAGS *= *[^ ]' "$builddir/Makefile"; then
	tap_skip "$name" "instrumented build"
else
	for lib in base packet judge engine; do
		size -A "$builddir/lib$lib.a" | awk -v lib=$lib '
			/ \(ex / { object = $1 }
			/^\.(data|bss|tdata|tbss)/ && !/^\.data\.rel\.ro/ && $2 > 0 {
				if (object ~ /log\.o$/ && $2 <= 4) next
				print "lib" lib ".a: " object ": " $2 " bytes in " $1
			}'
	done >"$out"
	tap "$name" "$out"
fi
tap_done
