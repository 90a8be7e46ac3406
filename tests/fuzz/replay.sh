#!/bin/sh
# replay: each corpus directory through its target; a file that once broke a parser stays here.
: "${srcdir:=.}" "${builddir:=.}"
replay=$builddir/tests/fuzz/replay
corpus=$srcdir/tests/fuzz/corpus
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
n=0 failed=0

echo "1..11"
for target in carry converse decode diff explain options pcapng policy ports resume targets; do
	n=$((n + 1))
	files=$(find "$corpus/$target" -type f | wc -l)
	if [ "$files" -gt 0 ] && "$replay" "$target" "$corpus/$target"/* >"$log" 2>&1; then
		echo "ok $n - $target: $files files"
	else
		echo "not ok $n - $target: $files files"
		sed 's/^/# /' "$log"
		failed=1
	fi
done
exit $failed
