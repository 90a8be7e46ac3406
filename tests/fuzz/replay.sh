#!/bin/sh
# replay: each corpus directory through its target; a file that once broke a parser stays here.
: "${srcdir:=.}" "${builddir:=.}"
replay=$builddir/tests/fuzz/replay
corpus=$srcdir/tests/fuzz/corpus
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
targets=$("$replay" 2>&1 | sed -n '2,$p')
n=0 failed=0

for target in $targets; do
	n=$((n + 1))
	files=$(find "$corpus/$target" -type f 2>/dev/null | wc -l)
	if [ "$files" -gt 0 ] && "$replay" "$target" "$corpus/$target"/* >"$log" 2>&1; then
		echo "ok $n - $target: $files files, and what they begin with"
	else
		echo "not ok $n - $target: $files files"
		tail -n 40 "$log" | sed 's/^/# /'
		failed=1
	fi
done
# none but the targets' own, or what lies there is never replayed
for folder in "$corpus"/*/; do
	folder=$(basename "$folder")
	case " $targets " in *" $folder "*) ;; *) echo "# no target for corpus/$folder" && failed=1 ;; esac
done
n=$((n + 1))
if [ "$failed" = 0 ]; then echo "ok $n - each folder has its target"; else echo "not ok $n - all targets"; fi
echo "1..$n"
exit $failed
