#!/bin/sh
# layers: includes point down only (src/README): cmd -> report, engine, wire -> judge -> packet ->
# base, and each library from outside has its one room. Reads #include lines, nothing else.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# The rooms that a room may include, itself among them.
below() {
	case $1 in
	base) echo base ;;
	packet) echo base packet ;;
	judge) echo base packet judge ;;
	engine) echo base packet judge engine ;;
	wire) echo base packet judge wire ;;
	report) echo base packet judge report ;;
	cmd) echo base packet judge engine wire report cmd ;;
	main.c) echo base cmd wire ;;
	esac
}

# file, line number, header for each include of the kind: '"' or '<'
includes() {
	(cd "$srcdir/src" && sources | xargs grep -n "^[ 	]*#[ 	]*include[ 	]*$1" /dev/null) |
		sed 's/^\([^:]*\):\([0-9]*\):[^"<]*["<]\([^">]*\)[">].*/\1 \2 \3/'
}

out=$lint_tmp/out
includes '"' >"$lint_tmp/own"
includes '<' >"$lint_tmp/system"

while read -r file line header; do
	room=${file%%/*} to=${header%%/*}
	[ "$header" != config.h ] || continue
	case $header in
	*/*) ;;
	*)
		echo "src/$file:$line: \"$header\": say the room"
		continue
		;;
	esac
	[ -n "$(below "$room")" ] || echo "src/$file: no such room in the plan"
	# the engine sees the edge through one header
	[ "$room $header" != "engine wire/wire.h" ] || continue
	case " $(below "$room") " in
	*" $to "*) ;;
	*) echo "src/$file:$line: $room/ may not include $header" ;;
	esac
done <"$lint_tmp/own" >"$out"
tap "includes point down" "$out"

# The same for headers that a header of the engine's one door brings along.
while read -r file line header; do
	[ "$file" = wire/wire.h ] || continue
	case $header in
	base/*) ;;
	*) echo "src/$file:$line: $header would reach the engine" ;;
	esac
done <"$lint_tmp/own" >"$out"
tap "wire/wire.h brings only base/ along" "$out"

# LIBRARY-HEADERS (a case pattern as grep -E) and the files that may include them.
owned() { # NAME HEADERS FILES
	awk -v headers="$2" -v files="$3" '
		$3 ~ headers && $1 !~ files { print "src/" $1 ":" $2 ": <" $3 ">" }
	' "$lint_tmp/system" >"$out"
	tap "$1" "$out"
}
owned "libnet only in wire/ and packet/craft.c" '^libnet' '^(wire/.*|packet/craft[.]c)$'
owned "libpcap only in wire/" '^pcap' '^wire/'
owned "libmnl and netlink only in wire/" '^(libmnl/|linux/(rt)?netlink)' '^wire/'
owned "libcap-ng only in wire/" '^cap-ng' '^wire/'
owned "json-c only in report/ and cmd/" '^json' '^(report|cmd)/'
owned "sockets only in wire/ and cmd/" '^(sys/socket|netdb|poll|sys/epoll|sys/ioctl)[.]h$' \
	'^(wire|cmd)/'
owned "no stdio in the headers of judge/, packet/ and engine/" '^stdio[.]h$' \
	'^((base|wire|report|cmd)/.*|main[.]c|.*[.]c)$'

bare "$lint_tmp/bare"
(cd "$lint_tmp/bare" && grep -nE \
	'(^|[^_[:alnum:]])((FILE|stdin|stdout|stderr)([^_[:alnum:]]|$)|(v?f?printf|f?puts|f?putc|putchar|fwrite|fopen) *\()' \
	packet/*.[ch] judge/*.[ch] engine/*.[ch]) | sed 's,^,src/,' >"$out"
tap "no FILE and no printing in packet/, judge/ and engine/" "$out"

tap_done
