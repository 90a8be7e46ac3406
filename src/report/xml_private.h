/*
 * xml_private: what xml.c (the document), xml_hosts.c (what is known of each host), xml_host.c (one
 * host's element) and xml_carry.c (records of an earlier run) share.
 */
#ifndef REPORT_XML_PRIVATE_H
#define REPORT_XML_PRIVATE_H

#include "report/host.h"
#include "report/portset.h"
#include "report/report.h"
#include "report/xmlout.h"

/* nmap's words for states of ports. */
enum xml_state {
	XML_OPEN,
	XML_CLOSED,
	XML_FILTERED,
	XML_UNFILTERED,
	XML_OPEN_FILTERED,
	XML_UNKNOWN,
	XML_STATES,
};

/* Ports of a host of which the same is to be said. */
struct xml_group {
	uint8_t state; /* enum port_state */
	uint8_t ttl;   /* of the reply; 0: none, or not known */
	uint16_t reason;
	char *from; /* who replied, where that was not the host; NULL */
	struct portset ports;
};

/* All pieces of one host: windows, corrections, an earlier run. */
struct xml_host {
	struct addr addr; /* for the order */
	char *text;	  /* as it is written */
	char *name;	  /* NULL */
	bool up;
	bool pieces; /* a piece of it has ended: the next may repeat a port */
	uint16_t reason;
	uint8_t reason_ttl;
	uint32_t srtt_us;
	struct xml_group *groups;
	size_t n_groups, cap_groups;
};

struct xml_hosts {
	struct xml_host **v;
	size_t n, cap;
	void *tree; /* of the same, by tsearch */
	char **reasons;
	size_t n_reasons, cap_reasons;
	size_t bytes; /* about what all of it takes */
	bool failed;  /* memory ran out */
};

struct xml_port {
	uint16_t port;
	enum port_state state;
	uint8_t ttl;
	const char *reason;
	const char *from; /* NULL */
};

/* `text` is what the host is called in the document. NULL where memory is out. */
struct xml_host *xml_hosts_find(struct xml_hosts *h, const struct addr *addr, const char *text,
				const char *name);
/* What was said of the port before no longer counts. */
void xml_hosts_port(struct xml_hosts *h, struct xml_host *host, const struct xml_port *p);
uint16_t xml_hosts_reason(struct xml_hosts *h, const char *reason);
void xml_hosts_sort(struct xml_hosts *h);
void xml_hosts_clear(struct xml_hosts *h); /* reasons stay */
void xml_hosts_free(struct xml_hosts *h);

struct xml_report {
	struct report report;
	struct xmlout x;
	const struct run_info *run;
	struct report_style style;
	struct xml_hosts hosts;
	struct xml_host *host; /* whose ports come */
	bool ended;	       /* the summary was told */
};

/* A port of the host, as far as it is shown at all. */
void xml_add_port(struct xml_report *r, struct xml_host *host, const struct xml_port *p);
/* Writes the hosts so far where keeping more would take too much memory. */
void xml_bound(struct xml_report *r);
/* A line of JSON of an earlier run. */
void xml_carry(struct report *report, const char *line, size_t len);
/* The element. */
void xml_put_host(struct xml_report *r, const struct xml_host *h);

#endif
