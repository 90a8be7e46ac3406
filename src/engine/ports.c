/*
 * ports: parses port lists and answers port <-> rank in constant time. It decides what -p means
 * and what is scanned without it. It knows no services database: a callback asks it.
 */
#include "engine/ports.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	PORT_MAX = 65535,
	WORDS = (PORT_MAX + 1) / 64,
	SMALL = 8,    /* up to here a look at each port is quicker than, and spares, the index */
	WORD_MAX = 64 /* bytes of one word of a list; service names have 15 (RFC 6335, 5.1) */
};

struct bitmap {
	uint64_t w[WORDS];
};

struct ports_index {
	struct bitmap set;
	uint16_t before[WORDS]; /* ports of the set in the words before this one */
};

struct ports {
	uint32_t n;
	uint32_t hash;
	struct ports_index *index; /* NULL up to SMALL ports */
	uint16_t v[];		   /* ascending */
};

/* What listens on TCP in the world: servers, operating systems, devices. Ascending. */
/* clang-format off */
static const uint16_t common[] = {
	7, 9, 13, 19,			/* echo, discard, daytime, chargen */
	20, 21, 22, 23, 25, 26,		/* ftp-data, ftp, ssh, telnet, smtp and its alternate */
	37, 43, 49, 53, 70, 79,		/* time, whois, tacacs, dns, gopher, finger */
	80, 81, 82, 88,			/* http and alternates; kerberos */
	102, 106, 110, 111, 113, 119,	/* s7, poppassd, pop3, rpcbind, ident, nntp */
	135, 139, 143, 161, 179, 199,	/* msrpc, netbios-ssn, imap, snmp, bgp, smux */
	264, 389, 427, 443, 444, 445,	/* firewall topology, ldap, slp, https, alternate, smb */
	464, 465, 500, 502, 503,	/* kpasswd, smtps, isakmp, modbus */
	512, 513, 514, 515, 523,	/* rexec, rlogin, rsh, printer, db2 */
	541, 548, 554, 563, 587,	/* fortinet, afp, rtsp, nntps, submission */
	593, 623, 631, 636, 646,	/* msrpc over http, ipmi, ipp, ldaps, ldp */
	749, 853, 873, 880, 902,	/* kadmin, dns over tls, rsync, http, vmware */
	989, 990, 992, 993, 995,	/* ftps-data, ftps, telnets, imaps, pop3s */
	1025, 1026, 1027, 1080, 1099,	/* windows rpc before Vista; socks, java rmi */
	1194, 1433, 1434, 1521, 1701,	/* openvpn, ms-sql and its monitor, oracle, l2tp */
	1720, 1723, 1883, 1900, 1935,	/* h.323, pptp, mqtt, upnp, rtmp */
	2000, 2049, 2082, 2083, 2086,	/* cisco sccp, nfs, cpanel, whm */
	2087, 2121, 2181, 2222,		/* whm, ftp, zookeeper, ssh */
	2375, 2376, 2377, 2379, 2380,	/* docker, with tls, swarm; etcd, its peers */
	2404, 2483, 2484, 2638,		/* iec 60870-5-104, oracle, with tls, sybase */
	3000, 3001, 3128, 3260,		/* web applications, squid, iscsi */
	3268, 3269, 3306, 3310, 3389,	/* ldap catalogue, with tls, mysql, clamd, rdp */
	3478, 3632, 3690, 4000, 4369,	/* stun, distcc, svn, http, erlang epmd */
	4443, 4444, 4505, 4506, 4786,	/* https, alternate, salt, cisco smart install */
	4840, 4899, 5000, 5001, 5038,	/* opc-ua, radmin, http and nas, asterisk */
	5060, 5061, 5222, 5269, 5349,	/* sip, sips, xmpp, its servers, turns */
	5357, 5432, 5433, 5555, 5601,	/* wsd, postgresql, alternate, adb, kibana */
	5631, 5666, 5671, 5672, 5800,	/* pcanywhere, nrpe, amqps, amqp, vnc over http */
	5900, 5901, 5984, 5985, 5986,	/* vnc, couchdb, winrm, with tls */
	6000, 6001, 6379, 6443, 6514,	/* x11, redis, kubernetes, syslog over tls */
	6667, 6697, 7000, 7001, 7070,	/* irc, ircs, cassandra, weblogic, rtsp */
	7443, 7474, 7547, 7680, 7687,	/* https, neo4j, cwmp, windows updates, neo4j bolt */
	8000, 8001, 8006, 8008, 8009,	/* http and alternates, proxmox, ajp */
	8080, 8081, 8086, 8088, 8089,	/* http and alternates, influxdb, splunk */
	8123, 8140, 8161, 8181, 8200,	/* clickhouse, puppet, activemq, http, vault */
	8291, 8333, 8443, 8500, 8554,	/* mikrotik, bitcoin, https, consul, rtsp */
	8728, 8834, 8883, 8888, 8983,	/* mikrotik api, nessus, mqtts, http, solr */
	9000, 9001, 9042, 9090, 9092,	/* http and php-fpm, tor, cassandra, prometheus, kafka */
	9093, 9100, 9200, 9300, 9389,	/* kafka tls, jetdirect, elasticsearch, ad web services */
	9418, 9443, 9999, 10000,	/* git, https, http, webmin */
	10050, 10051, 10250, 10255,	/* zabbix, kubelet */
	10257, 10259, 11211, 15672,	/* kubernetes control plane, memcached, rabbitmq */
	16992, 16993, 20000, 25565,	/* intel amt, dnp3, minecraft */
	25672, 26257, 27017, 27018,	/* rabbitmq, cockroachdb, mongodb */
	32768, 34567, 37777, 44818,	/* unix rpc, video recorders, ethernet/ip */
	49152, 49153, 49154, 49155,	/* windows rpc since Vista */
	49664, 49665, 49666, 49667,	/* windows rpc since 10 */
	50000, 50051, 50070, 61616,	/* db2, grpc, hdfs, activemq */
};
/* clang-format on */

static void set_range(struct bitmap *b, uint32_t lo, uint32_t hi)
{
	for (uint32_t p = lo; p <= hi; p++)
		b->w[p / 64] |= UINT64_C(1) << (p % 64);
}

static unsigned bit_count(uint64_t w)
{
	return (unsigned)__builtin_popcountll(w);
}

static void fill(struct ports *p, const struct bitmap *b)
{
	uint32_t k = 0, hash = UINT32_C(2166136261); /* FNV-1a over the ports */

	for (uint32_t i = 0; i < WORDS; i++) {
		if (p->index)
			p->index->before[i] = (uint16_t)k;
		for (uint64_t w = b->w[i]; w; w &= w - 1) {
			p->v[k] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(w));
			hash = (hash ^ p->v[k++]) * UINT32_C(16777619);
		}
	}
	p->hash = hash;
}

static struct ports *from_bitmap(const struct bitmap *b)
{
	struct ports *p;
	uint32_t n = 0;

	for (size_t i = 0; i < WORDS; i++)
		n += bit_count(b->w[i]);
	p = malloc(sizeof(*p) + n * sizeof(p->v[0]));
	if (!p)
		return NULL;
	*p = (struct ports){.n = n};
	if (n > SMALL) {
		p->index = malloc(sizeof(*p->index));
		if (!p->index) {
			free(p);
			return NULL;
		}
		p->index->set = *b;
	}
	fill(p, b);
	return p;
}

/* --- parsing ---------------------------------------------------------------------------- */

struct list {
	const char *what;
	int (*service)(const char *name);
	struct bitmap in, out;
	bool has_in;
};

/* Digits; stops counting above every port, so that no length overflows. */
static const char *read_number(const char *s, uint32_t *n)
{
	for (*n = 0; isdigit((unsigned char)*s); s++)
		if (*n <= PORT_MAX)
			*n = *n * 10 + (uint32_t)(*s - '0');
	return s;
}

/* 1 and the range; 0 where `s` is no number and no range of numbers; -1 with `e`. */
static int parse_range(const struct list *l, const char *s, uint32_t *lo, uint32_t *hi,
		       struct err *e)
{
	const char *first_end = read_number(s, lo), *p = first_end;

	if (*p == '-') {
		const char *second = p + 1;

		p = read_number(second, hi);
		if (first_end == s)
			*lo = 1;
		if (p == second)
			*hi = PORT_MAX;
	} else {
		*hi = *lo;
	}
	if (*p || p == s)
		return 0;
	if (*lo > PORT_MAX || *hi > PORT_MAX)
		return err_set(e, "%s %s: ports go from 0 to 65535", l->what, s);
	if (*lo > *hi)
		return err_set(e, "%s %s: the range runs backwards", l->what, s);
	return 1;
}

static bool has_letter(const char *s)
{
	while (*s && !isalpha((unsigned char)*s))
		s++;
	return *s;
}

static int parse_service(const struct list *l, const char *s, uint32_t *port, struct err *e)
{
	int found;

	if (!has_letter(s))
		return err_set(e, "%s %s: not a port, a range such as 8000-8100, or a service name",
			       l->what, s);
	found = l->service ? l->service(s) : -1;
	if (found < 0 || found > PORT_MAX)
		return err_set(e, "%s %s: no TCP service of that name is known; write its number",
			       l->what, s);
	*port = (uint32_t)found;
	return 0;
}

static int parse_word(struct list *l, const char *s, struct err *e)
{
	bool out;
	uint32_t lo, hi;
	int got;

	if (toupper((unsigned char)s[0]) == 'T' && s[1] == ':')
		s += 2;
	else if (s[0] && s[1] == ':')
		return err_set(e, "%s %s: only TCP is probed, so only T: may stand in front",
			       l->what, s);
	out = *s == '!';
	if (out)
		s++;
	if (!*s)
		return err_set(e, "%s: a word of the port list is empty", l->what);
	got = parse_range(l, s, &lo, &hi, e);
	if (got < 0)
		return -1;
	if (!got) {
		if (parse_service(l, s, &lo, e) < 0)
			return -1;
		hi = lo;
	}
	set_range(out ? &l->out : &l->in, lo, hi);
	l->has_in = l->has_in || !out;
	return 0;
}

/* Copies the word at `s` without the blanks around it; returns where its comma or the end is. */
static const char *next_word(const char *s, char word[WORD_MAX], struct err *e, const char *what)
{
	size_t len;
	const char *end;

	s += strspn(s, " \t");
	end = s + strcspn(s, ",");
	len = (size_t)(end - s);
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	if (len >= WORD_MAX) {
		err_set(e, "%s %.20s...: too long for a port, a range or a service name", what, s);
		return NULL;
	}
	memcpy(word, s, len);
	word[len] = '\0';
	return end;
}

static int parse_list(struct list *l, const char *s, struct err *e)
{
	char word[WORD_MAX];

	for (;;) {
		s = next_word(s, word, e, l->what);
		if (!s || parse_word(l, word, e) < 0)
			return -1;
		if (!*s)
			return 0;
		s++;
	}
}

struct ports *ports_parse_as(const char *what, const char *list, int (*service)(const char *name),
			     struct err *e)
{
	struct list l = {.what = what, .service = service};
	struct ports *p;
	uint64_t any = 0;

	if (!list[strspn(list, " \t,")]) {
		err_set(e, "%s '%.40s': no ports in the list", what, list);
		return NULL;
	}
	if (parse_list(&l, list, e) < 0)
		return NULL;
	if (!l.has_in)
		set_range(&l.in, 1, PORT_MAX);
	for (size_t i = 0; i < WORDS; i++)
		any |= l.in.w[i] &= ~l.out.w[i];
	if (!any) {
		err_set(e, "%s '%.80s': no ports left, every one of them is excluded", what, list);
		return NULL;
	}
	p = from_bitmap(&l.in);
	if (!p)
		err_set(e, "%s: out of memory", what);
	return p;
}

struct ports *ports_parse(const char *list, int (*service)(const char *name), struct err *e)
{
	return ports_parse_as("-p", list, service, e);
}

struct ports *ports_default(void)
{
	struct bitmap b = {0};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		set_range(&b, common[i], common[i]);
	return from_bitmap(&b);
}

struct ports *ports_of(const uint16_t *v, size_t n)
{
	struct bitmap b = {0};

	assert(n > 0);
	for (size_t i = 0; i < n; i++)
		set_range(&b, v[i], v[i]);
	return from_bitmap(&b);
}

struct ports *ports_join(const struct ports *const *v, size_t n)
{
	struct bitmap b = {0};

	assert(n > 0);
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < v[i]->n; k++)
			set_range(&b, v[i]->v[k], v[i]->v[k]);
	return from_bitmap(&b);
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	free(p->index);
	free(p);
}

/* --- asking ----------------------------------------------------------------------------- */

uint32_t ports_count(const struct ports *p)
{
	return p->n;
}

uint16_t ports_at(const struct ports *p, uint32_t rank)
{
	assert(rank < p->n);
	return p->v[rank];
}

int32_t ports_rank(const struct ports *p, uint16_t port)
{
	const struct ports_index *x = p->index;
	uint64_t bit = UINT64_C(1) << (port % 64);

	if (x) {
		if (!(x->set.w[port / 64] & bit))
			return -1;
		return (int32_t)(x->before[port / 64] + bit_count(x->set.w[port / 64] & (bit - 1)));
	}
	for (uint32_t i = 0; i < p->n; i++)
		if (p->v[i] == port)
			return (int32_t)i;
	return -1;
}

bool ports_equal(const struct ports *a, const struct ports *b)
{
	if (a == b)
		return true;
	return a->hash == b->hash && a->n == b->n && !memcmp(a->v, b->v, a->n * sizeof(a->v[0]));
}

bool ports_contains(const struct ports *a, const struct ports *b)
{
	if (b->n > a->n)
		return false;
	for (uint32_t i = 0; i < b->n; i++)
		if (ports_rank(a, b->v[i]) < 0)
			return false;
	return true;
}

/* --- pool ------------------------------------------------------------------------------- */

struct ports_held {
	const struct ports *p;
	struct ports *owned; /* NULL where borrowed */
};

/* The slot of the set that equals p, or the free one where it would go. */
static size_t find_slot(const struct ports_pool *pool, const struct ports *p)
{
	size_t i = p->hash & (pool->n_slots - 1);

	while (pool->slots[i] && !ports_equal(pool->held[pool->slots[i] - 1].p, p))
		i = (i + 1) & (pool->n_slots - 1);
	return i;
}

static int grow_pool(struct ports_pool *pool)
{
	size_t cap = pool->cap ? 2 * pool->cap : 8;
	struct ports_held *held = realloc(pool->held, cap * sizeof(*held));
	uint32_t *slots;

	if (!held)
		return -1;
	pool->held = held;
	slots = calloc(2 * cap, sizeof(*slots));
	if (!slots)
		return -1;
	free(pool->slots);
	pool->slots = slots;
	pool->n_slots = 2 * cap;
	pool->cap = cap;
	for (size_t i = 0; i < pool->n; i++)
		pool->slots[find_slot(pool, held[i].p)] = (uint32_t)(i + 1);
	return 0;
}

static const struct ports *pool_add(struct ports_pool *pool, const struct ports *p,
				    struct ports *owned)
{
	size_t slot;

	if (pool->n == pool->cap && grow_pool(pool) < 0)
		return NULL;
	slot = find_slot(pool, p);
	if (!pool->slots[slot]) {
		pool->held[pool->n++] = (struct ports_held){.p = p, .owned = owned};
		pool->slots[slot] = (uint32_t)pool->n;
	}
	return pool->held[pool->slots[slot] - 1].p;
}

const struct ports *ports_pool_own(struct ports_pool *pool, struct ports *p)
{
	const struct ports *held = p ? pool_add(pool, p, p) : NULL;

	if (held != p)
		ports_free(p);
	return held;
}

const struct ports *ports_pool_borrow(struct ports_pool *pool, const struct ports *p)
{
	return pool_add(pool, p, NULL);
}

void ports_pool_free(struct ports_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		ports_free(pool->held[i].owned);
	free(pool->held);
	free(pool->slots);
	*pool = (struct ports_pool){0};
}
