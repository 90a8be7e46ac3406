# netlab: hosts out of network namespaces, for contrib/demo and contrib/lab, which source it and set
# `me` for its messages. All lives in a private mount namespace with its own /run, so that nothing
# of it can be seen outside, and nothing is left, however it ends. It knows no topology.
# shellcheck shell=sh

# Are we in the namespaces that enter made?
inside() {
	# enter noted the mount namespace that it left
	[ -n "${RSTPROBE_NETLAB:-}" ] && [ "$RSTPROBE_NETLAB" != "$(readlink /proc/self/ns/mnt)" ]
}

# Begins again as WORDS (a program and its arguments) in namespaces of our own; no return.
enter() { # WORDS...
	for tool in unshare nsenter ip nft python3; do
		command -v $tool >/dev/null || {
			echo "$me: $tool: not found; ./bootstrap demo installs what is needed" >&2
			exit 4
		}
	done
	# root makes the namespaces itself; anybody else becomes root of a user namespace
	flags=-mn
	[ "$(id -u)" = 0 ] || flags=-mrun
	if ! why=$(unshare $flags true 2>&1); then
		echo "$me: cannot make namespaces: $why" >&2
		echo "$me: run it as root (sudo $*); in a container add --privileged" >&2
		exit 4
	fi
	RSTPROBE_NETLAB=$(readlink /proc/self/ns/mnt)
	export RSTPROBE_NETLAB
	exec unshare $flags -- "$@"
}

# The path of the program, made absolute; ends where it is none.
program() { # PATH
	if [ ! -f "$1" ] || [ ! -x "$1" ]; then
		echo "$me: $1: not there; build it by ./bootstrap build" >&2
		exit 2
	fi
	echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
}

# Hides /run behind one of our own. The program $bin may itself live below it: it is held open.
hide_run() {
	exec 3<"$bin"
	mount -t tmpfs "$me" /run
	mkdir /run/netns
	case $bin in
	/run/* | /var/run/*)
		cat <&3 >/run/rstprobe
		chmod 755 /run/rstprobe
		bin=/run/rstprobe
		;;
	esac
	exec 3<&-
}

in_ns() { # NAMESPACE COMMAND...
	ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

sysctl_in() { # NAMESPACE NAME VALUE
	# shellcheck disable=SC2016 # $1 and $2 are the inner shell's
	in_ns "$1" sh -c 'echo "$2" >"/proc/sys/net/$1"' - "$2" "$3"
}

host() { # NAMESPACE
	ip netns add "$1"
	# While a new link-local address is tried for duplicates, a neighbour goes unasked:
	# for a second or two the IPv6 hosts behind the router would be silent.
	sysctl_in "$1" ipv6/conf/default/accept_dad 0
	sysctl_in "$1" ipv6/conf/default/dad_transmits 0
	ip -n "$1" link set dev lo up
}

forwards() { # NAMESPACE
	sysctl_in "$1" ipv4/ip_forward 1
	sysctl_in "$1" ipv6/conf/all/forwarding 1
}

# Joins a host to the router: a veth pair, both families, default routes by the router.
join() { # HOST ROUTER ROUTER-DEVICE IPV4-PREFIX IPV6-PREFIX
	ip -n "$1" link add dev eth0 type veth peer name "$3" netns "$2"
	ip -n "$1" link set dev eth0 up
	ip -n "$2" link set dev "$3" up
	ip -n "$1" addr add "$4.2/24" dev eth0
	ip -n "$2" addr add "$4.1/24" dev "$3"
	ip -n "$1" addr add "$5::2/64" dev eth0 nodad
	ip -n "$2" addr add "$5::1/64" dev "$3" nodad
	ip -n "$1" route add default via "$4.1"
	ip -n "$1" -6 route add default via "$5::1"
}

# The queue of a new veth drops everything until the kernel has seen its carrier.
wait_up() { # NAMESPACE DEVICE
	tries=0
	until ip -n "$1" -o link show dev "$2" | grep -q 'state UP'; do
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || {
			echo "$me: $1: $2 does not come up" >&2
			exit 1
		}
	done
}
