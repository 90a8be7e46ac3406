/*
 * decode_link: link headers of every link type, and what may stand between them and IP: VLAN tags,
 * LLC with SNAP, PPPoE, MPLS. It refuses to look at addresses: who is who is IP's to say.
 */
#include "packet/decode_private.h"

enum ethertype {
	ETHERTYPE_MIN = 0x0600, /* below it is a length (IEEE 802.3), and LLC follows */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum {
	VLAN_MAX = 4,
	LABEL_MAX = 8, /* of MPLS; bounds the walk */
	ETHERNET_HEADER = 14,
	FDDI_HEADER = 13,
	PPPOE_HEADER = 6,
};
/* --- link layers: each leaves the span at the IP header and its family in *family ---------- */

/* Nothing but the IP header itself tells its version. */
enum decode_status decode_version(const struct span *s, uint8_t *family)
{
	struct span peek = *s;
	const uint8_t *p;
	enum decode_status st = take(&peek, 1, &p);

	if (st != DECODE_OK)
		return st;
	*family = p[0] >> 4;
	return *family == ADDR_V4 || *family == ADDR_V6 ? DECODE_OK : DECODE_OTHER;
}

/* RFC 1042: SNAP carries an EtherType where its organisation is 0. */
static enum decode_status llc(struct span *s, uint16_t *type)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, 3, &c);

	if (st != DECODE_OK)
		return st;
	if (cursor_be16(&c) != 0xaaaa || cursor_u8(&c) != 0x03)
		return DECODE_OTHER;
	st = take_cursor(s, 5, &c);
	if (st != DECODE_OK)
		return st;
	if (cursor_be16(&c) != 0 || cursor_u8(&c) != 0)
		return DECODE_OTHER;
	*type = cursor_be16(&c);
	return DECODE_OK;
}

/* RFC 2516, 4, and the PPP protocol behind it. */
static enum decode_status pppoe(struct span *s, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, PPPOE_HEADER + 2, &c);

	if (st != DECODE_OK)
		return st;
	if (cursor_be16(&c) != 0x1100) /* version, type, and the code of a session */
		return DECODE_OTHER;
	cursor_skip(&c, 4);
	switch (cursor_be16(&c)) {
	case 0x0021: *family = ADDR_V4; return DECODE_OK;
	case 0x0057: *family = ADDR_V6; return DECODE_OK;
	default: return DECODE_OTHER;
	}
}

static enum decode_status mpls(struct span *s, uint8_t *family)
{
	for (int i = 0; i < LABEL_MAX; i++) {
		struct cursor c;
		enum decode_status st = take_cursor(s, 4, &c);

		if (st != DECODE_OK)
			return st;
		if (cursor_be32(&c) & 0x100) /* RFC 3032, 2.1: bottom of stack */
			return decode_version(s, family);
	}
	return DECODE_OTHER;
}

enum decode_status decode_ethertype(struct span *s, uint16_t type, struct packet *out,
				    uint8_t *family)
{
	struct cursor c;
	enum decode_status st;

	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		if (out->n_vlan == VLAN_MAX)
			return DECODE_OTHER;
		st = take_cursor(s, 4, &c);
		if (st != DECODE_OK)
			return st;
		out->vlan[out->n_vlan++] = cursor_be16(&c) & 0x0fff;
		type = cursor_be16(&c);
	}
	if (type < ETHERTYPE_MIN) {
		st = llc(s, &type);
		if (st != DECODE_OK)
			return st;
	}
	switch (type) {
	case ETHERTYPE_IPV4: *family = ADDR_V4; return DECODE_OK;
	case ETHERTYPE_IPV6: *family = ADDR_V6; return DECODE_OK;
	case ETHERTYPE_PPPOE_SESSION: return pppoe(s, family);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST: return mpls(s, family);
	default: return DECODE_OTHER;
	}
}

/* A link header of `len` octets with an EtherType at `type_at`. */
static enum decode_status typed_link(struct span *s, size_t len, size_t type_at, struct packet *out,
				     uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, len, &c);

	if (st != DECODE_OK)
		return st;
	cursor_skip(&c, type_at);
	return decode_ethertype(s, cursor_be16(&c), out, family);
}

/* LINKTYPE_NULL and _LOOP: an AF_ number, in the byte order of the host that captured. */
static enum decode_status null_link(struct span *s, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, 4, &c);
	struct cursor again = c;
	uint32_t af;

	if (st != DECODE_OK)
		return st;
	af = cursor_be32(&c);
	if (af > 0xffff)
		af = cursor_le32(&again);
	switch (af) {
	case 2: *family = ADDR_V4; return DECODE_OK;
	case 10:				      /* Linux */
	case 24:				      /* NetBSD, OpenBSD */
	case 28:				      /* FreeBSD */
	case 30: *family = ADDR_V6; return DECODE_OK; /* macOS */
	default: return DECODE_OTHER;
	}
}

/* Frame control, the two addresses, and LLC where frame control says so. */
static enum decode_status fddi_link(struct span *s, struct packet *out, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, FDDI_HEADER, &c);

	if (st != DECODE_OK)
		return st;
	/* ISO 9314-2: 48-bit addresses, frame format LLC; class and priority are all the same */
	if ((cursor_u8(&c) & 0x70) != 0x50)
		return DECODE_OTHER;
	return decode_ethertype(s, 0, out, family);
}

enum decode_status decode_ethernet(struct span *s, struct packet *out, uint8_t *family)
{
	return typed_link(s, ETHERNET_HEADER, 12, out, family);
}

enum decode_status decode_link(struct span *s, int linktype, struct packet *out, uint8_t *family)
{
	switch (linktype) {
	case LINKTYPE_ETHERNET: return decode_ethernet(s, out, family);
	case LINKTYPE_FDDI: return fddi_link(s, out, family);
	case LINKTYPE_LINUX_SLL: return typed_link(s, 16, 14, out, family);
	case LINKTYPE_LINUX_SLL2: return typed_link(s, 20, 0, out, family);
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP: return null_link(s, family);
	case LINKTYPE_RAW: return decode_version(s, family);
	case LINKTYPE_IPV4: *family = ADDR_V4; return DECODE_OK;
	case LINKTYPE_IPV6: *family = ADDR_V6; return DECODE_OK;
	default: return DECODE_LINKTYPE;
	}
}
