/*
 * pcapfile: evidence written by libpcap's own writer, nanosecond time stamps. It refuses to know
 * why a packet is evidence. Errors are collected and told at the close: no packet waits on them.
 */
#include "config.h"

#include "wire/pcapfile.h"

#include <assert.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/clock.h"

struct pcapfile {
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

struct pcapfile *pcapfile_open(const char *path, struct err *e)
{
	struct pcapfile *f = calloc(1, sizeof(*f) + strlen(path) + 1);
	FILE *stream = NULL;

	if (!f) {
		err_sys(e, ENOMEM, "%s", path);
		return NULL;
	}
	strcpy(f->path, path);
	f->dead = pcap_open_dead_with_tstamp_precision(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_NANO);
	if (!f->dead) {
		err_sys(e, ENOMEM, "%s", path);
		goto out;
	}
	stream = open_stream(path);
	if (!stream) {
		err_sys(e, errno, "%s: cannot write evidence there", path);
		goto out;
	}
	f->dumper = pcap_dump_fopen(f->dead, stream);
	if (!f->dumper) {
		err_set(e, "%s: %s", path, pcap_geterr(f->dead));
		fclose(stream);
		goto out;
	}
	return f;
out:
	pcapfile_close(f, NULL);
	return NULL;
}

void pcapfile_write(struct pcapfile *f, uint64_t at_ns, const uint8_t *ip, size_t captured,
		    size_t len)
{
	uint64_t wall = clock_wall_of_mono(at_ns);
	struct pcap_pkthdr h = {0};

	assert(captured <= len && len <= UINT32_MAX);
	if (f->first_errno)
		return;
	h.ts.tv_sec = (time_t)(wall / 1000000000u);
	h.ts.tv_usec = (suseconds_t)(wall % 1000000000u); /* ns, by the file's precision */
	h.caplen = (bpf_u_int32)captured;
	h.len = (bpf_u_int32)len;
	errno = 0;
	pcap_dump((u_char *)f->dumper, &h, ip);
	if (ferror(pcap_dump_file(f->dumper)))
		f->first_errno = errno ? errno : EIO;
}

int pcapfile_close(struct pcapfile *f, struct err *e)
{
	int rc = 0;

	if (!f)
		return 0;
	if (f->dumper) {
		if (pcap_dump_flush(f->dumper) < 0 && !f->first_errno)
			f->first_errno = errno ? errno : EIO;
		pcap_dump_close(f->dumper);
	}
	if (f->first_errno)
		rc = err_sys(e, f->first_errno, "%s: evidence is incomplete", f->path);
	if (f->dead)
		pcap_close(f->dead);
	free(f);
	return rc;
}
