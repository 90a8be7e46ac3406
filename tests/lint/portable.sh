#!/bin/sh
# portable: what only Linux has stands in the files that src/README lists under "On other systems",
# each of which a port replaces; the rooms below the edge are C11 and POSIX.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

out=$lint_tmp/out
bare "$lint_tmp/bare"

# The files of src/README: lines of a table, "    room/file ...".
listed=$(sed -n '/^## On other systems/,/^## /s/^    \([a-z]*\/[a-z_]*\)  .*/\1/p' "$srcdir/src/README")
is_listed() { # FILE
	case " $(echo "$listed" | tr '\n' ' ') " in
	*" ${1%.*} "*) return 0 ;;
	esac
	return 1
}

headers='linux/|libmnl/|cap-ng|seccomp|xdp/|netpacket/|net/if_arp|asm/'
headers="$headers|sys/(prctl|epoll|syscall|timex|eventfd|signalfd|timerfd|inotify|sendfile|auxv|sysinfo)[.]h"
words='[AP]F_(PACKET|NETLINK|XDP)|SOL_(PACKET|NETLINK|XDP)|sockaddr_(ll|nl|xdp)|PACKET_(IGNORE_OUTGOING|[TR]X_RING|[A-Z]+_MEMBERSHIP|QDISC_BYPASS|VERSION|STATISTICS|FANOUT)'
words="$words|SO_(BINDTODEVICE|MARK|ATTACH_FILTER|LOCK_FILTER|(SND|RCV)BUFFORCE|BUSY_POLL|TXTIME)"
words="$words|IP_(MINTTL|RECVERR|FREEBIND|TRANSPARENT)|IPV6_(MINHOPCOUNT|RECVERR)|MSG_(ERRQUEUE|ZEROCOPY)"
words="$words|TCP_(INFO|REPAIR|TIMESTAMP|QUICKACK|USER_TIMEOUT)|SIOC(GIFHWADDR|ETHTOOL|OUTQ)"
words="$words|O_(TMPFILE|PATH)|GRND_[A-Z]+|RENAME_[A-Z]+|PR_[A-Z]+_[A-Z_]+|SYS_[a-z_0-9]+"
words="$words|(syscall|prctl|epoll_[a-z0-9]+|eventfd|signalfd|timerfd_[a-z]+|memfd_create|adjtimex"
words="$words|getrandom|mremap|renameat2|process_[a-z_]+|unshare|setns|gettid) *\("

# file:line of what is Linux's: headers and words in code, paths in strings.
offers() {
	(cd "$srcdir/src" && sources | xargs grep -nE "^[ 	]*#[ 	]*include[ 	]*<($headers)" /dev/null)
	(cd "$lint_tmp/bare" && sources | xargs grep -nE "(^|[^_[:alnum:]])($words)" /dev/null)
	(cd "$srcdir/src" && sources | xargs grep -nE '^[^*]*"(/proc|/sys)/' /dev/null)
}
offers | sort -u >"$lint_tmp/all"

# what completes a command line belongs to shells, which find out themselves where they are
grep -vE '^cmd/completion' "$lint_tmp/all" | while IFS= read -r line; do
	is_listed "${line%%:*}" || echo "src/$line"
done >"$out"
tap "what only Linux has stands in the files listed in src/README" "$out"

grep -E '^[^:]*\.h:' "$lint_tmp/all" | sed 's,^,src/,' >"$out"
tap "no header asks for it" "$out"

for file in $listed; do
	[ -f "$srcdir/src/$file.c" ] || echo "src/README: there is no $file.c"
	grep -q "^${file}[.]c:" "$lint_tmp/all" || echo "src/README: $file has nothing of Linux's"
done >"$out"
[ -n "$listed" ] || echo "src/README: no list" >"$out"
tap "src/README lists no other files" "$out"

# Strictly POSIX: what a libc has beyond it is not declared. libnet's own headers ask for more.
flags="-std=c11 -D_XOPEN_SOURCE=700 -fsyntax-only -Wall -Werror"
pure=$(sources | grep -E '^(base|packet|judge|engine)/.*[.]c$' | grep -v '^packet/craft[.]c$')
# shellcheck disable=SC2086 # lists of words
(cd "$srcdir/src" && ${CC:-cc} $flags -I. -I"$builddir" $pure) >"$out" 2>&1 </dev/null ||
	[ -s "$out" ] || echo "the compiler says no" >"$out"
tap "base/, packet/, judge/ and engine/ are C11 and POSIX.1-2008" "$out"
tap_done
