#!/bin/sh
# install: make install puts just what is to be installed below DESTDIR, make uninstall takes all of
# it away, and what is installed runs and completes.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

dest=$lint_tmp/dest out=$lint_tmp/out log=$lint_tmp/log
# the make that runs the tests has words for its own children
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# Into /p, whatever configure was told.
make_it() { # TARGET
	make -C "$builddir" "$1" DESTDIR="$dest" prefix=/p exec_prefix=/p bindir=/p/bin \
		datarootdir=/p/share datadir=/p/share mandir=/p/share/man \
		bashcompdir=/p/bash zshcompdir=/p/zsh fishcompdir=/p/fish \
		>"$log" 2>&1 </dev/null || { echo "make $1 failed" && tail -n 20 "$log"; }
}

make_it install >"$out"
tap "make install" "$out"

{
	echo p/bin/rstprobe
	for page in "$srcdir"/man/*.[1-8]; do
		echo "p/share/man/man${page##*.}/${page##*/}"
	done
	if grep -q '^nodist_bashcomp_DATA' "$builddir/Makefile"; then
		printf '%s\n' p/bash/rstprobe p/zsh/_rstprobe p/fish/rstprobe.fish
	fi
} | sort >"$lint_tmp/wanted"
(cd "$dest" && find . ! -type d | sed 's,^\./,,' | sort) >"$lint_tmp/found"
{
	comm -23 "$lint_tmp/wanted" "$lint_tmp/found" | sed 's/$/ is not installed/'
	comm -13 "$lint_tmp/wanted" "$lint_tmp/found" | sed 's/$/ should not be installed/'
} >"$out"
tap "what is installed" "$out"

# nothing of the builder's own: readable by all, writable by the owner, and no bit beyond
{
	find "$dest" -type f ! -perm -444
	find "$dest" ! -type l -perm /7022
	find "$dest/p/share" "$dest"/p/[bfz]*sh -type f -perm /111 2>/dev/null
} >"$out"
tap "modes of what is installed" "$out"

{
	"$dest/p/bin/rstprobe" --version || echo "status $?"
} 2>&1 | grep -v '^rstprobe [0-9.]* (' >"$out"
tap "what is installed runs" "$out"

for shell in bash zsh fish; do
	file=$(find "$dest/p/$shell" -type f 2>/dev/null)
	if [ -z "$file" ]; then
		tap_skip "$shell reads its completion" "configured without"
	elif ! command -v $shell >/dev/null; then
		tap_skip "$shell reads its completion" "no $shell"
	else
		$shell -n "$file" >"$out" 2>&1
		tap "$shell reads its completion" "$out"
	fi
done

make_it uninstall >"$out"
(cd "$dest" && find . ! -type d) >>"$out"
tap "make uninstall leaves nothing" "$out"
tap_done
