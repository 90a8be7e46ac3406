/*
 * pcaphow: turns libpcap's return values into sentences with a fix in them. It refuses to know
 * what is captured, and for whom.
 */
#include "config.h"

#include "wire/pcaphow.h"

#include <errno.h>

#include "base/room.h"
#include "packet/decode.h"

static int no_memory(const char *ifname, struct err *e)
{
	return err_set(e, "capture: %s: out of memory for its buffers (see ulimit -v)", ifname);
}

static int tell_activate(int rc, pcap_t *p, const char *ifname, bool *denied, struct err *e)
{
	switch (rc) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		if (denied)
			*denied = true;
		return err_set(e, "capture: %s: permission denied (needs CAP_NET_RAW)", ifname);
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return err_set(e, "capture: %s: no such interface (`ip link` lists them)", ifname);
	case PCAP_ERROR_IFACE_NOT_UP:
		return err_set(e, "capture: %s: the interface is down (ip link set dev %s up)",
			       ifname, ifname);
	default:
		return err_set(e, "capture: %s: %s: %s", ifname, pcap_statustostr(rc),
			       pcap_geterr(p));
	}
}

int pcaphow_activate(pcap_t *p, const char *ifname, bool *denied, struct err *e)
{
	int rc;

	errno = 0;
	rc = pcap_activate(p);
	if (rc == PCAP_ERROR && errno == ENOMEM)
		return no_memory(ifname, e);
	return rc < 0 ? tell_activate(rc, p, ifname, denied, e) : 0;
}

int pcaphow_filter(pcap_t *p, const char *ifname, const char *text, bool *wrong, struct err *e)
{
	struct bpf_program prog;
	int rc;

	if (!room_at_hand()) /* libpcap's lexer ends the process without */
		return no_memory(ifname, e);
	if (pcap_compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		if (wrong)
			*wrong = true;
		return err_set(e, "capture: %s: filter: %s", ifname, pcap_geterr(p));
	}
	rc = pcap_setfilter(p, &prog);
	pcap_freecode(&prog);
	if (rc < 0)
		return err_set(e, "capture: %s: filter: %s", ifname, pcap_geterr(p));
	return 0;
}

int pcaphow_linktype(pcap_t *p)
{
	int dlt = pcap_datalink(p);

	/* DLT_RAW has another number in files, where numbers must be the same everywhere */
	return dlt == DLT_RAW ? LINKTYPE_RAW : dlt;
}
