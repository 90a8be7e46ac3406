/*
 * capfile: from a stream of plain octets to frames with their number, link type and time. pcap is
 * libpcap's, in all its variants; pcapng is packet/pcapng's, block by block, because libpcap gives
 * up at interfaces that differ. It refuses to look into frames.
 */
#include "config.h"

#include "wire/capfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "packet/decode.h"
#include "packet/pcapng.h"
#include "wire/unpack.h"

enum {
	NS_PER_S = 1000000000,
	NAME_SHOWN = 120, /* of a path: what is wrong must fit into a struct err too */
	BLOCK_FIRST = 64 << 10,
};

struct capfile {
	struct unpack *packed;
	FILE *in;
	pcap_t *pcap;	   /* it has `in` then */
	struct pcapng *ng; /* either of them */
	uint8_t *block;
	size_t block_cap;
	int linktype;
	uint32_t number; /* of the last frame */
	char name[NAME_SHOWN + 4];
};

static void set_name(struct capfile *f, const char *path)
{
	size_t len = strlen(path);

	if (strcmp(path, "-") == 0)
		path = "standard input";
	else if (len > NAME_SHOWN)
		strcpy(f->name, "...");
	strncat(f->name, len > NAME_SHOWN ? path + len - NAME_SHOWN : path, NAME_SHOWN);
}

/* Raw IP has had other numbers: DLT_RAW of this system, and of OpenBSD. */
static int linktype_of(int dlt)
{
	return dlt == DLT_RAW || dlt == 12 || dlt == 14 ? LINKTYPE_RAW : dlt;
}

/* A refusal at the very beginning; `said` is the reader's own word. */
static int no_capture(struct capfile *f, const char *said, struct err *e)
{
	const char *fault = unpack_fault(f->packed);

	if (fault)
		return err_set(e, "%s: cannot be read: %s", f->name, fault);
	if (f->in && feof(f->in))
		return err_set(e, "%s: cut off inside its header", f->name);
	if (said && !strstr(said, "unknown file format"))
		return err_set(e, "%s: %s", f->name, said);
	return err_set(e, "%s: no capture file (neither pcap nor pcapng, and not gzip, zstd or xz)",
		       f->name);
}

static int open_pcap(struct capfile *f, struct err *e)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";

	f->pcap =
	    pcap_fopen_offline_with_tstamp_precision(f->in, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	if (!f->pcap)
		return no_capture(f, errbuf, e);
	f->linktype = linktype_of(pcap_datalink(f->pcap));
	return 0;
}

static int open_pcapng(struct capfile *f, struct err *e)
{
	f->ng = pcapng_new();
	f->block_cap = BLOCK_FIRST;
	f->block = malloc(f->block_cap);
	if (!f->ng || !f->block)
		return err_sys(e, ENOMEM, "%s", f->name);
	return 0;
}

/* --- opening ------------------------------------------------------------------------------ */

int capfile_hold(const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;
	int fd;

	/* duplicated: closing the file must not close the program's own */
	if (is_stdin)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		/* a FIFO that nobody writes to yet is waited for where a signal can end it */
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (isatty(fd)) {
		close(fd);
		return -ENOTTY;
	}
	if (!is_stdin && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETFL, 0);
	return fd;
}

bool capfile_can_reread(const char *path, int held)
{
	struct stat st;

	return strcmp(path, "-") != 0 && held >= 0 && fstat(held, &st) == 0 && S_ISREG(st.st_mode);
}

/* What opening it came to, and is told only now. */
static int check_held(const struct capfile *f, const char *path, int held, struct err *e)
{
	if (held == -ENOTTY)
		return err_set(e, "%s: a terminal; name a capture file, or pipe one in", f->name);
	if (held < 0)
		return err_sys(e, -held, "%s: cannot be opened", f->name);
	if (capfile_can_reread(path, held) && lseek(held, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "%s: cannot be read from its beginning", f->name);
	return 0;
}

struct capfile *capfile_open_held(const char *path, int held, struct unpacker *by, struct err *e)
{
	struct capfile *f = calloc(1, sizeof(*f));
	const uint8_t *first;
	size_t n;

	if (!f) {
		err_sys(e, ENOMEM, "%s", path);
		return NULL;
	}
	set_name(f, path);
	if (check_held(f, path, held, e) < 0)
		goto out;
	f->packed = unpack_open(held, f->name, by, e);
	if (!f->packed)
		goto out;
	n = unpack_first(f->packed, &first);
	if (n < 4) {
		no_capture(f, NULL, e);
		goto out;
	}
	f->in = unpack_stream(f->packed);
	if (!f->in) {
		err_sys(e, errno, "%s", f->name);
		goto out;
	}
	if ((pcapng_is(first, n) ? open_pcapng(f, e) : open_pcap(f, e)) < 0)
		goto out;
	return f;
out:
	capfile_close(f);
	return NULL;
}

void capfile_close(struct capfile *f)
{
	if (!f)
		return;
	if (f->pcap)
		pcap_close(f->pcap);
	else if (f->in)
		fclose(f->in);
	pcapng_free(f->ng);
	free(f->block);
	unpack_close(f->packed);
	free(f);
}

/* Why nothing more comes: what broke below is the cause of whatever the reader makes of it. */
static int broken(const struct capfile *f, const char *said, struct err *e)
{
	const char *fault = unpack_fault(f->packed);

	if (fault)
		return err_set(e, "%s: cut off after frame %u (%s)", f->name, f->number, fault);
	if (feof(f->in))
		return err_set(e, "%s: cut off after frame %u (the file ends inside a record)",
			       f->name, f->number);
	return err_set(e, "%s: damaged after frame %u: %s", f->name, f->number, said);
}

static int next_of_pcap(struct capfile *f, struct capfile_frame *out, struct err *e)
{
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int rc = pcap_next_ex(f->pcap, &h, &bytes);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc != 1)
		return broken(f, pcap_geterr(f->pcap), e);
	*out = (struct capfile_frame){
	    .bytes = bytes,
	    .captured = h->caplen,
	    .len = h->len < h->caplen ? h->caplen : h->len,
	    .linktype = f->linktype,
	    .number = ++f->number,
	    /* the file's seconds have no sign (until 2106); libpcap gives them one */
	    .wall_ns = (uint64_t)(uint32_t)h->ts.tv_sec * NS_PER_S,
	};
	/* a damaged one may overflow */
	if (h->ts.tv_usec > 0)
		out->wall_ns += (uint64_t)h->ts.tv_usec;
	return 1;
}

/* The next block whole. 1, 0 at the file's end, -1. */
static int read_block(struct capfile *f, size_t *len, struct err *e)
{
	struct err why = {""};
	size_t got = fread(f->block, 1, PCAPNG_HEADER, f->in);

	if (got == 0 && feof(f->in))
		return 0;
	if (got < PCAPNG_HEADER)
		return broken(f, "cannot be read", e);
	if (pcapng_block_len(f->ng, f->block, len, &why) < 0)
		return broken(f, why.msg, e);
	if (*len > f->block_cap) {
		uint8_t *larger = realloc(f->block, *len);

		if (!larger)
			return err_sys(e, ENOMEM, "%s: a block of %zu octets", f->name, *len);
		f->block = larger;
		f->block_cap = *len;
	}
	got = fread(f->block + PCAPNG_HEADER, 1, *len - PCAPNG_HEADER, f->in);
	return got < *len - PCAPNG_HEADER ? broken(f, "cannot be read", e) : 1;
}

static int next_of_pcapng(struct capfile *f, struct capfile_frame *out, struct err *e)
{
	struct pcapng_frame ng;
	struct err why = {""};
	size_t len;
	int rc;

	do {
		rc = read_block(f, &len, e);
		if (rc <= 0)
			return rc;
		rc = pcapng_block(f->ng, f->block, len, &ng, &why);
		if (rc == PCAPNG_NUMBERED)
			f->number++;
	} while (rc == 0 || rc == PCAPNG_NUMBERED);
	if (rc < 0)
		return broken(f, why.msg, e);
	*out = (struct capfile_frame){
	    .bytes = ng.bytes,
	    .captured = ng.captured,
	    .len = ng.len < ng.captured ? ng.captured : ng.len,
	    .linktype = linktype_of(ng.linktype),
	    .number = ++f->number,
	    .wall_ns = ng.has_time ? ng.wall_ns : 0,
	};
	return 1;
}

int capfile_next(struct capfile *f, struct capfile_frame *out, struct err *e)
{
	return f->ng ? next_of_pcapng(f, out, e) : next_of_pcap(f, out, e);
}
