/*
 * capfile_out: frames into a file by libpcap's own writer, nanosecond time stamps. It refuses to
 * know why a frame is evidence. Errors are collected and told at the end: no frame waits on them.
 */
#include "config.h"

#include "wire/capfile.h"

#include <assert.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packet/decode.h"

enum { NS_PER_S = 1000000000, SNAPLEN = 262144 /* libpcap's largest for all but odd link types */ };

struct capfile_out {
	FILE *stream; /* until the link type is known */
	pcap_t *dead;
	pcap_dumper_t *dumper;
	int first_errno; /* of the first write that failed */
	char path[];
};

/* stdout is duplicated: closing the file must not close the program's own. */
static FILE *open_stream(const char *path)
{
	FILE *f;
	int fd;

	if (strcmp(path, "-") != 0)
		return fopen(path, "wbe");
	fd = dup(STDOUT_FILENO);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "wb");
	if (!f)
		close(fd);
	return f;
}

/* The header, which holds the one link type. Takes the stream. */
static int begin(struct capfile_out *o, int linktype, struct err *e)
{
	/* DLT_RAW alone has another number in files */
	o->dead = pcap_open_dead_with_tstamp_precision(
	    linktype == LINKTYPE_RAW ? DLT_RAW : linktype, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	if (!o->dead)
		return err_sys(e, ENOMEM, "%s", o->path);
	o->dumper = pcap_dump_fopen(o->dead, o->stream);
	if (!o->dumper)
		return err_set(e, "%s: %s", o->path, pcap_geterr(o->dead));
	o->stream = NULL;
	return 0;
}

struct capfile_out *capfile_create(const char *path, int linktype, struct err *e)
{
	struct capfile_out *o = calloc(1, sizeof(*o) + strlen(path) + 1);

	if (!o) {
		err_sys(e, ENOMEM, "%s", path);
		return NULL;
	}
	strcpy(o->path, path);
	o->stream = open_stream(path);
	if (!o->stream) {
		err_sys(e, errno, "%s: cannot write evidence there", path);
		goto out;
	}
	if (linktype != LINKTYPE_OF_FRAME && begin(o, linktype, e) < 0)
		goto out;
	return o;
out:
	capfile_finish(o, NULL);
	return NULL;
}

void capfile_put(struct capfile_out *o, const struct capfile_frame *f)
{
	struct pcap_pkthdr h = {.caplen = f->captured, .len = f->len};

	assert(f->captured <= f->len);
	if (!o->dumper && !o->first_errno && begin(o, f->linktype, NULL) < 0)
		o->first_errno = errno ? errno : EIO;
	if (o->first_errno)
		return;
	h.ts.tv_sec = (time_t)(f->wall_ns / NS_PER_S);
	h.ts.tv_usec = (suseconds_t)(f->wall_ns % NS_PER_S); /* ns, by the file's precision */
	errno = 0;
	pcap_dump((u_char *)o->dumper, &h, f->bytes);
	if (ferror(pcap_dump_file(o->dumper)))
		o->first_errno = errno ? errno : EIO;
}

int capfile_finish(struct capfile_out *o, struct err *e)
{
	int rc = 0;

	if (!o)
		return 0;
	/* without a frame it is an empty capture still */
	if (!o->dumper && o->stream && !o->first_errno && begin(o, LINKTYPE_ETHERNET, NULL) < 0)
		o->first_errno = errno ? errno : EIO;
	if (o->stream)
		fclose(o->stream);
	if (o->dumper) {
		if (pcap_dump_flush(o->dumper) < 0 && !o->first_errno)
			o->first_errno = errno ? errno : EIO;
		pcap_dump_close(o->dumper);
	}
	if (o->first_errno)
		rc = err_sys(e, o->first_errno, "%s: evidence is incomplete", o->path);
	if (o->dead)
		pcap_close(o->dead);
	free(o);
	return rc;
}
