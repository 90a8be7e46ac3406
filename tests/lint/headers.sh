#!/bin/sh
# headers: each header compiles alone, by itself and twice. CC is the compiler of the build.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

out=$lint_tmp/out
flags="-std=gnu11 -Wall -Wextra -Werror -fsyntax-only"
for header in $(sources | grep '\.h$'); do
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" >"$lint_tmp/alone.c"
	# shellcheck disable=SC2086 # CC and flags are lists of words
	${CC:-cc} $flags -I"$srcdir/src" -I"$builddir" "$lint_tmp/alone.c" >"$out" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || [ -s "$out" ] || echo "the compiler says $status" >"$out"
	tap "$header compiles alone" "$out"
done
tap_done
