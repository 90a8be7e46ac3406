/*
 * doctor_rows: what is looked at, what makes it a warning or a failure, and what mends it. The
 * first row of a check that fits decides, so the particular stands before the general.
 */
#include "judge/doctor_private.h"

enum {
	ROOM_NEEDED = 65536, /* a probe at each port of one host */
	TRACKED_PERCENT = 80,
	FILES_SOFT = 256,  /* one a source port: tries x kinds of probes */
	FILES_HARD = 1024, /* and one a connection of stack, trace and provoke */
};
#define YEAR_2020 UINT64_C(1577836800)

/* --- privilege -------------------------------------------------------------------------------- */

static bool always(const struct doctor_facts *f)
{
	(void)f;
	return true;
}

static bool denied(const struct doctor_facts *f)
{
	return !f->raw_opens;
}

static bool denied_by_wsl1(const struct doctor_facts *f)
{
	return !f->raw_opens && f->wsl == 1;
}

static bool denied_though_capable(const struct doctor_facts *f)
{
	return !f->raw_opens && f->has_cap;
}

static bool bounded_container(const struct doctor_facts *f)
{
	return !f->raw_opens && f->bounded && f->container;
}

static bool denied_bounded(const struct doctor_facts *f)
{
	return !f->raw_opens && f->bounded;
}

static bool denied_for_good(const struct doctor_facts *f)
{
	return !f->raw_opens && f->no_new_privs;
}

static bool in_container(const struct doctor_facts *f)
{
	return f->container != CONTAINER_NONE;
}

static bool is_wsl1(const struct doctor_facts *f)
{
	return f->wsl == 1;
}

static bool is_mirrored(const struct doctor_facts *f)
{
	return f->wsl && f->wsl_mirrored;
}

static bool is_wsl(const struct doctor_facts *f)
{
	return f->wsl != 0;
}

/* --- loopback --------------------------------------------------------------------------------- */

static bool at_v4(const struct doctor_facts *f)
{
	return f->at == DOCTOR_V4;
}

static bool at_v6(const struct doctor_facts *f)
{
	return f->at == DOCTOR_V6;
}

static bool lo_down(const struct doctor_facts *f)
{
	return doctor_loop_at(f)->down;
}

static bool no_loop(const struct doctor_facts *f)
{
	return !doctor_loop_at(f)->listens;
}

static bool loop_shut(const struct doctor_facts *f)
{
	return !doctor_loop_at(f)->opened;
}

static enum doctor_reply loop_reply(const struct doctor_facts *f)
{
	return doctor_loop_at(f)->listener.raw.reply;
}

static bool loop_refused(const struct doctor_facts *f)
{
	return loop_reply(f) == REPLY_REFUSED;
}

static bool loop_silent(const struct doctor_facts *f)
{
	return loop_reply(f) <= REPLY_SILENT;
}

static bool loop_odd(const struct doctor_facts *f)
{
	return loop_reply(f) != REPLY_OPEN;
}

#define BOTH(name, a, b)                                                                           \
	static bool name(const struct doctor_facts *f)                                             \
	{                                                                                          \
		return a(f) && b(f);                                                               \
	}
BOTH(lo_down4, at_v4, lo_down)
BOTH(lo_down6, at_v6, lo_down)
BOTH(no_loop4, at_v4, no_loop)
BOTH(no_loop6, at_v6, no_loop)
BOTH(loop_shut4, at_v4, loop_shut)
BOTH(loop_shut6, at_v6, loop_shut)
BOTH(loop_refused4, at_v4, loop_refused)
BOTH(loop_refused6, at_v6, loop_refused)
BOTH(loop_silent4, at_v4, loop_silent)
BOTH(loop_silent6, at_v6, loop_silent)
BOTH(loop_odd4, at_v4, loop_odd)
BOTH(loop_odd6, at_v6, loop_odd)

/* Not even what is closed is reset, so it is not for what the SYN-ACK is. */
static bool no_resets(const struct doctor_facts *f)
{
	unsigned bits = doctor_unreset(f);

	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++)
		if (bits & 1U << i && f->loops[i].closed.raw.reply != REPLY_CLOSED)
			return true;
	return false;
}

static bool some_unreset(const struct doctor_facts *f)
{
	return doctor_unreset(f) != 0;
}

static bool some_answered(const struct doctor_facts *f)
{
	return doctor_answered(f) != 0;
}

/* --- the way ---------------------------------------------------------------------------------- */

static bool no_target(const struct doctor_facts *f)
{
	return f->target_why.msg[0] != '\0';
}

static bool no_route_there(const struct doctor_facts *f)
{
	return !doctor_path_at(f)->routed && doctor_path_at(f)->targeted;
}

static bool no_route(const struct doctor_facts *f)
{
	return !doctor_path_at(f)->routed && !doctor_path_at(f)->elsewhere;
}

static bool no_route_of_family(const struct doctor_facts *f)
{
	return !doctor_path_at(f)->routed;
}

/* An interface that no line was told of. */
static bool is_new(const struct doctor_facts *f)
{
	return doctor_path_at(f)->ifname[0] && !doctor_path_at(f)->again;
}

static bool link_down(const struct doctor_facts *f)
{
	return is_new(f) && doctor_path_at(f)->link == DOCTOR_LINK_DOWN;
}

static bool link_bare(const struct doctor_facts *f)
{
	return is_new(f) && doctor_path_at(f)->link == DOCTOR_LINK_NO_CARRIER;
}

static bool link_up(const struct doctor_facts *f)
{
	return is_new(f) && doctor_path_at(f)->link == DOCTOR_LINK_UP;
}

static bool deaf(const struct doctor_facts *f)
{
	const struct doctor_path *p = doctor_path_at(f);

	return p->tried && !p->captures;
}

static bool deaf_by_right(const struct doctor_facts *f)
{
	return deaf(f) && doctor_path_at(f)->denied;
}

static bool hears(const struct doctor_facts *f)
{
	return is_new(f) && doctor_path_at(f)->tried;
}

static bool has_card(const struct doctor_facts *f)
{
	return is_new(f) && !doctor_path_at(f)->loopback && doctor_path_at(f)->gro >= 0;
}

static bool has_lro(const struct doctor_facts *f)
{
	return has_card(f) && doctor_path_at(f)->lro > 0;
}

static bool has_offload(const struct doctor_facts *f)
{
	return has_card(f) && (doctor_path_at(f)->gro > 0 || doctor_path_at(f)->tso > 0);
}

static bool filters(const struct doctor_facts *f, int mode)
{
	const struct doctor_path *p = doctor_path_at(f);

	return p->ifname[0] && p->family == DOCTOR_V4 && !p->loopback && p->rp_filter == mode;
}

static bool strict(const struct doctor_facts *f)
{
	return filters(f, 1);
}

static bool strict_among_many(const struct doctor_facts *f)
{
	return filters(f, 1) && f->ways > 1;
}

static bool loose(const struct doctor_facts *f)
{
	return filters(f, 2);
}

static bool unfiltered(const struct doctor_facts *f)
{
	return filters(f, 0);
}

/* --- connect() against a raw SYN -------------------------------------------------------------- */

static const struct doctor_asked *asked(const struct doctor_facts *f)
{
	static const struct doctor_asked none;
	const struct doctor_asked *a = doctor_best(doctor_path_at(f));

	return a ? a : &none;
}

/* The port itself, or a box on its behalf. */
static bool is_answer(enum doctor_reply r)
{
	return r >= REPLY_REJECTED;
}

static bool raw_refused(const struct doctor_facts *f)
{
	return asked(f)->raw.reply == REPLY_REFUSED;
}

static bool nobody(const struct doctor_facts *f)
{
	return asked(f)->raw.reply == REPLY_NOBODY;
}

static bool only_connect(const struct doctor_facts *f)
{
	return asked(f)->raw.reply == REPLY_SILENT && is_answer(asked(f)->conn.reply);
}

static bool only_connect_unseen(const struct doctor_facts *f)
{
	return only_connect(f) && !asked(f)->conn.captured;
}

BOTH(only_connect_mirrored, only_connect_unseen, is_mirrored)

static bool only_raw(const struct doctor_facts *f)
{
	return is_answer(asked(f)->raw.reply) && !is_answer(asked(f)->conn.reply) &&
	       asked(f)->conn.reply != REPLY_NONE;
}

/* connect() calls ICMP's "port unreachable" a refusal, as if the port had reset it. */
static bool answers_differ(const struct doctor_facts *f)
{
	const struct doctor_asked *a = asked(f);
	enum doctor_reply conn = a->conn.reply;

	if (conn == REPLY_CLOSED && !a->conn.captured && a->raw.reply == REPLY_REJECTED)
		conn = REPLY_REJECTED;
	return is_answer(a->raw.reply) && is_answer(conn) && a->raw.reply != conn;
}

static bool distances_differ(const struct doctor_facts *f)
{
	const struct doctor_asked *a = asked(f);

	return a->raw.reply == a->conn.reply && a->raw.ttl && a->conn.ttl &&
	       a->raw.ttl != a->conn.ttl;
}

static bool both_silent(const struct doctor_facts *f)
{
	return asked(f)->raw.reply == REPLY_SILENT;
}

static bool both_answer(const struct doctor_facts *f)
{
	return is_answer(asked(f)->raw.reply);
}

/* Where connect() was asked, too: what a box resets in our place is no matter of our kernel. */
static bool unreset_there(const struct doctor_facts *f)
{
	const struct doctor_asked *a = asked(f);

	return a->raw.reply == REPLY_OPEN && !a->rst_left && !doctor_unreset(f);
}

static bool reset_there(const struct doctor_facts *f)
{
	return asked(f)->raw.reply == REPLY_OPEN && asked(f)->rst_left;
}

/* --- limits ----------------------------------------------------------------------------------- */

static bool no_tracking(const struct doctor_facts *f)
{
	return !f->tracks || !f->tracked_max;
}

/* Our own probes on loopback would be in the table. */
static bool tracks_nothing(const struct doctor_facts *f)
{
	return f->tracked == 0 && doctor_answered(f);
}

static bool tracks_much(const struct doctor_facts *f)
{
	return f->tracked >= f->tracked_max / 100 * TRACKED_PERCENT;
}

/* Many probes go as frames where the way is Ethernet, and pass no tracking. */
static bool tracks_too_little(const struct doctor_facts *f)
{
	bool frames = true;

	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++)
		frames &= !f->paths[i].routed || f->paths[i].ethernet;
	return !frames && doctor_room(f) < ROOM_NEEDED;
}

static bool few_files(const struct doctor_facts *f)
{
	return f->files_soft < FILES_SOFT || f->files_hard < FILES_HARD;
}

static bool long_ago(const struct doctor_facts *f)
{
	return f->wall_s < YEAR_2020;
}

static bool unsynced(const struct doctor_facts *f)
{
	return f->clock_known && !f->clock_synced;
}

static bool synced(const struct doctor_facts *f)
{
	return f->clock_known && f->clock_synced;
}

/* --- the table -------------------------------------------------------------------------------- */

#define FIND_RULE "find the rule and delete it: nft -a list ruleset; iptables -S OUTPUT"
#define FIND_RULE_IN "find the rule and delete it: nft -a list ruleset; iptables -S INPUT"

#define ROW(scope, check, result, blocks, when, ...)                                               \
	{                                                                                          \
		SCOPE_##scope, check, DOCTOR_##result, BLOCKS_##blocks, false, when, __VA_ARGS__   \
	}
#define MINOR(scope, check, when, says)                                                            \
	{                                                                                          \
		SCOPE_##scope, check, DOCTOR_OK, BLOCKS_NOTHING, true, when, says, NULL            \
	}
/* Of one family, by its condition and its name. */
#define LOOP(check, n, absent, blocks, ...)                                                        \
	ROW(LOOPBACK, check, FAIL, ALL, lo_down##n, "lo is down", "ip link set dev lo up"),        \
	    ROW(LOOPBACK, check, absent, blocks, no_loop##n, __VA_ARGS__),                         \
	    ROW(LOOPBACK, check, FAIL, ALL, loop_shut##n, "{loop-why}",                            \
		"a kernel with packet sockets: modprobe af_packet"),                               \
	    ROW(LOOPBACK, check, FAIL, ALL, loop_refused##n, "{loop-why}", FIND_RULE),             \
	    ROW(LOOPBACK, check, FAIL, ALL, loop_silent##n,                                        \
		"no SYN-ACK of our own listener was seen after a raw SYN: a rule drops the one "   \
		"or the other, or this kernel hides packets from capture (gVisor, WSL1)",          \
		FIND_RULE),                                                                        \
	    ROW(LOOPBACK, check, FAIL, ALL, loop_odd##n,                                           \
		"our own listener is reset or rejected by somebody else", FIND_RULE_IN)

const struct doctor_row doctor_rows[] = {
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, denied_by_wsl1,
	"{raw-why}; WSL1 has no raw sockets at all",
	"in PowerShell: wsl --set-version DISTRIBUTION 2"),
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, denied_though_capable,
	"{raw-why}; the capability is there, but not for this network namespace",
	"give it a network namespace of its own (podman run without --network=host), or real root"),
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, bounded_container,
	"{raw-why}; nothing within the container can bring it back", "{container-fix}"),
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, denied_bounded,
	"{raw-why}; it is not in the bounding set, so neither setcap nor sudo helps",
	"start it where it may have it; in a systemd unit: CapabilityBoundingSet=CAP_NET_RAW"),
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, denied_for_good,
	"{raw-why}; no_new_privs is set, so neither setcap nor sudo helps",
	"in a systemd unit: AmbientCapabilities=CAP_NET_RAW; "
	"of Docker: no --security-opt no-new-privileges"),
    ROW(PRIVILEGE, "cap-net-raw", FAIL, ALL, denied, "{raw-why}", "{setcap}"),
    ROW(PRIVILEGE, "cap-net-raw", OK, NOTHING, always, "a raw socket opens", NULL),

    ROW(PRIVILEGE, "container", FAIL, ALL, bounded_container,
	"{container} that was started without CAP_NET_RAW", "{container-fix}"),
    ROW(PRIVILEGE, "container", OK, NOTHING, in_container, "{container} that may have CAP_NET_RAW",
	NULL),
    MINOR(PRIVILEGE, "container", always, "no container"),

    ROW(PRIVILEGE, "wsl2", FAIL, ALL, is_wsl1, "WSL1, which sends and captures nothing raw",
	"in PowerShell: wsl --set-version DISTRIBUTION 2"),
    ROW(PRIVILEGE, "wsl2", WARN, NOTHING, is_mirrored,
	"mirrored networking (interface loopback0) hides answers from raw sockets and capture",
	"in %UserProfile%\\.wslconfig, under [wsl2]: networkingMode=nat; then: wsl --shutdown"),
    ROW(PRIVILEGE, "wsl2", OK, NOTHING, is_wsl,
	"WSL2 behind the NAT of Windows, which rewrites TTLs and may rewrite RSTs", NULL),
    MINOR(PRIVILEGE, "wsl2", always, "no WSL"),

    LOOP("loopback-ipv4", 4, FAIL, ALL, "127.0.0.1: {loop-why}", "ip addr add 127.0.0.1/8 dev lo"),
    ROW(LOOPBACK, "loopback-ipv4", OK, NOTHING, at_v4,
	"SYN-ACK from 127.0.0.1 seen after {loop-rtt}", NULL),
    /* a machine without IPv6 can probe well enough */
    LOOP("loopback-ipv6", 6, WARN, NOTHING, "::1: {loop-why}; IPv6 cannot be probed",
	 "sysctl -w net.ipv6.conf.all.disable_ipv6=0"),
    ROW(LOOPBACK, "loopback-ipv6", OK, NOTHING, at_v6, "SYN-ACK from ::1 seen after {loop-rtt}",
	NULL),

    ROW(RESETS, "kernel-rst", WARN, NOTHING, no_resets,
	"RSTs of this kernel do not leave ({unreset}): a rule drops them. Each open port that is "
	"probed stays half-open at the target, and its SYN-ACKs come again and again",
	"find the rule and delete it: nft -a list ruleset | grep -w rst; iptables -S OUTPUT | grep "
	"RST"),
    ROW(RESETS, "kernel-rst", WARN, NOTHING, some_unreset,
	"a SYN-ACK to a raw SYN draws no RST of this kernel ({unreset}): a rule drops it on its "
	"way in. Each open port that is probed stays half-open at the target",
	FIND_RULE_IN),
    ROW(RESETS, "kernel-rst", OK, NOTHING, some_answered,
	"SYN-ACKs that the kernel did not ask for are reset ({answered})", NULL),

    ROW(TARGET, "target", FAIL, WAY, no_target, "{target-why}",
	"give an address, or mend the name service: getent ahosts NAME"),

    ROW(PATH, "route", FAIL, WAY, no_route_there, "{target}: {route-why}",
	"is an interface down? ip -br link; ip{six} route add default via GATEWAY"),
    ROW(PATH, "route", WARN, NOTHING, no_route,
	"no default route: only networks on the link can be probed",
	"ip{six} route add default via GATEWAY"),
    MINOR(PATH, "route", no_route_of_family, "no default route for {family}"),
    ROW(PATH, "route", OK, NOTHING, always, "{way}", NULL),

    ROW(PATH, "link", FAIL, WAY, link_down, "{iface} is down", "ip link set dev {iface} up"),
    ROW(PATH, "link", FAIL, WAY, link_bare, "{iface} has no carrier",
	"plug the cable in, or bring up the other end of {iface}"),
    ROW(PATH, "link", OK, NOTHING, link_up, "{iface} is up, MTU {mtu}", NULL),

    ROW(PATH, "capture", FAIL, WAY, deaf_by_right, "{capture-why}", "{setcap}"),
    ROW(PATH, "capture", FAIL, WAY, deaf, "{capture-why}",
	"see what {iface} is: ip -d link show dev {iface}"),
    ROW(PATH, "capture", OK, NOTHING, hears, "sends and captures on {iface}", NULL),

    ROW(PATH, "offload", WARN, NOTHING, has_lro,
	"lro on {iface}: the card glues segments together before anybody sees them, and explain -i "
	"counts fewer, larger ones",
	"ethtool -K {iface} lro off"),
    ROW(PATH, "offload", OK, NOTHING, has_offload,
	"{offloads} on {iface}: explain -i may see segments glued together; ethtool -K {iface} "
	"{offloads-off} shows each",
	NULL),
    ROW(PATH, "offload", OK, NOTHING, has_card, "segments on {iface} are seen one by one", NULL),

    ROW(PATH, "rp-filter", WARN, NOTHING, strict_among_many,
	"strict on {iface}, one of {ways} interfaces with addresses: what comes back by another "
	"way never reaches this kernel, and stack, trace and provoke wait in vain",
	"sysctl -w net/ipv4/conf/{iface}/rp_filter=2"),
    ROW(PATH, "rp-filter", OK, NOTHING, strict, "strict on {iface}, the only way", NULL),
    ROW(PATH, "rp-filter", OK, NOTHING, loose, "loose on {iface}", NULL),
    ROW(PATH, "rp-filter", OK, NOTHING, unfiltered, "off on {iface}", NULL),

    ROW(PATH, "connect-vs-raw", FAIL, WAY, raw_refused, "port {port}: {send-why}", FIND_RULE),
    ROW(PATH, "connect-vs-raw", WARN, NOTHING, nobody,
	"nobody on {iface} answers for the way to {target}: {arp} finds no next hop",
	"is it up, and the address right? ip neigh show dev {iface}"),
    ROW(PATH, "connect-vs-raw", FAIL, WAY, only_connect_mirrored,
	"connect() finds port {port} {conn}, and no frame of it was captured: WSL2's mirrored "
	"networking hides them",
	"in %UserProfile%\\.wslconfig, under [wsl2]: networkingMode=nat; then: wsl --shutdown"),
    ROW(PATH, "connect-vs-raw", FAIL, WAY, only_connect_unseen,
	"connect() finds port {port} {conn}, and no frame of it was captured on {iface}: "
	"connections go another way than packets (a proxy or redirect of this machine)",
	"see which way it goes: tcpdump -ni any tcp port {port}"),
    ROW(PATH, "connect-vs-raw", FAIL, WAY, only_connect,
	"connect() finds port {port} {conn}, a raw SYN draws nothing: something on the way out "
	"drops raw segments (a rule of this machine, a VPN, NAT of a hypervisor or cloud)",
	"try rstprobe scan --tx packet, which goes round this machine's rules; else scan from "
	"another network"),
    ROW(PATH, "connect-vs-raw", FAIL, WAY, answers_differ,
	"port {port} is {raw} to a raw SYN and {conn} to connect(): somebody else answers one of "
	"them",
	"see who: rstprobe trace {target} -p {port}"),
    ROW(PATH, "connect-vs-raw", WARN, NOTHING, only_raw,
	"port {port} is {raw} to a raw SYN, and connect() fails ({conn}): stack, trace and provoke "
	"need connections",
	FIND_RULE_IN),
    ROW(PATH, "connect-vs-raw", WARN, NOTHING, distances_differ,
	"port {port} is {raw} by both, but from two distances (TTL {raw-ttl} to the raw SYN, "
	"{conn-ttl} to connect()): a proxy, or several servers behind one address",
	"see who answers: rstprobe trace {target} -p {port}"),
    ROW(PATH, "connect-vs-raw", WARN, NOTHING, both_silent,
	"neither a raw SYN nor connect() drew an answer from {ports}: nothing to compare",
	"name a port that answers: rstprobe doctor {target} -p PORT"),
    ROW(PATH, "connect-vs-raw", OK, NOTHING, both_answer,
	"port {port} is {raw} either way, after {rtt}", NULL),

    ROW(PATH, "kernel-rst", WARN, NOTHING, unreset_there,
	"no RST of this kernel left by {iface} for the SYN-ACK of port {port}: it stays half-open "
	"at the target",
	FIND_RULE),
    MINOR(PATH, "kernel-rst", reset_there, "the kernel reset the SYN-ACK of port {port}"),

    MINOR(LIMITS, "conntrack", no_tracking, "connections are not tracked here"),
    MINOR(LIMITS, "conntrack", tracks_nothing, "no probe was tracked"),
    ROW(LIMITS, "conntrack", WARN, NOTHING, tracks_much,
	"{tracked} entries are taken: what finds no room is dropped, probes and answers first",
	"sysctl -w net.netfilter.nf_conntrack_max={more-tracked}"),
    ROW(LIMITS, "conntrack", WARN, NOTHING, tracks_too_little,
	"room for {room} more, and each unanswered probe takes one for minutes",
	"sysctl -w net.netfilter.nf_conntrack_max={more-tracked}"),
    ROW(LIMITS, "conntrack", OK, NOTHING, always, "{tracked} entries are taken", NULL),

    ROW(LIMITS, "open-files", WARN, NOTHING, few_files,
	"{files}: each source port and each connection takes one", "ulimit -n 4096"),
    ROW(LIMITS, "open-files", OK, NOTHING, always, "{files}", NULL),

    ROW(LIMITS, "clock", WARN, NOTHING, long_ago,
	"it says a year before 2020: times in results are wrong",
	"{on-host}timedatectl set-ntp true"),
    ROW(LIMITS, "clock", WARN, NOTHING, unsynced, "not synchronised: times in results may be off",
	"{on-host}timedatectl set-ntp true"),
    ROW(LIMITS, "clock", OK, NOTHING, synced, "synchronised, within {clock-error}", NULL),
};

const size_t doctor_row_count = sizeof(doctor_rows) / sizeof(doctor_rows[0]);
