/*
 * evidence: the temporary file of frames, and the pcapng that comes of it in the end. What stands
 * beside a frame is remarks' to say, and which probe it answers judge/pairs'.
 */
#include "config.h"

#include "cmd/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/nameless.h"
#include "cmd/remarks.h"
#include "judge/pairs.h"
#include "packet/pcapng_write.h"
#include "wire/clock.h"
#include "wire/pcapfile.h"

enum { FRAME_MAX = 1 << 18 /* no IP packet is as long */ };

struct evidence {
	struct pcapfile *pcap; /* NULL: pcapng */
	FILE *out, *spool;
	struct beside_file *named;
	int first_errno; /* of the first frame that could not be kept */
	struct remarks *remarks;
	uint16_t first_port;
	unsigned n_ports;
	uint64_t frames, first_ns, last_ns;
	char path[];
};

/* What stands before a frame in the temporary file. */
struct spooled {
	uint64_t wall_ns;
	uint32_t captured, len;
};

static bool is_pcapng(const char *path)
{
	static const char end[] = ".pcapng";
	size_t len = strlen(path);

	return len >= strlen(end) && strcmp(path + len - strlen(end), end) == 0;
}

static int open_pcapng(struct evidence *v, struct beside *beside, struct err *e)
{
	v->remarks = remarks_new();
	if (!v->remarks)
		return err_sys(e, ENOMEM, "%s", v->path);
	v->spool = nameless_open(e);
	if (!v->spool)
		return -1;
	v->out = beside_open(beside, v->path, &v->named, e);
	return v->out ? 0 : -1;
}

struct evidence *evidence_open(const char *path, struct beside *beside, uint16_t first_port,
			       unsigned n_ports, struct err *e)
{
	struct evidence *v = calloc(1, sizeof(*v) + strlen(path) + 1);
	int rc;

	if (!v) {
		err_sys(e, ENOMEM, "%s", path);
		return NULL;
	}
	strcpy(v->path, path);
	v->first_port = first_port;
	v->n_ports = n_ports;
	if (is_pcapng(path)) {
		rc = open_pcapng(v, beside, e);
	} else {
		v->pcap = pcapfile_open(path, e);
		rc = v->pcap ? 0 : -1;
	}
	if (rc == 0)
		return v;
	evidence_free(v);
	return NULL;
}

struct report *evidence_report(struct evidence *v)
{
	return v->remarks ? remarks_report(v->remarks) : NULL;
}

void evidence_keep(void *evidence, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	struct evidence *v = evidence;
	const struct spooled head = {clock_wall_of_mono(at_ns), (uint32_t)captured, (uint32_t)len};

	if (v->pcap) {
		pcapfile_write(v->pcap, at_ns, ip, captured, len);
		return;
	}
	if (v->first_errno)
		return;
	errno = 0;
	if (captured <= FRAME_MAX && fwrite(&head, sizeof(head), 1, v->spool) == 1 &&
	    fwrite(ip, 1, captured, v->spool) == captured)
		return;
	v->first_errno = errno ? errno : EIO;
}

/* --- the pcapng ------------------------------------------------------------------------------- */

/* "probe 12: open (syn-ack)", "reply to probe 12: open (syn-ack)" */
static enum pcapng_direction describe(const struct evidence *v, struct pairs *pairs,
				      const struct pcapng_written *f, struct text *to)
{
	struct packet pk;
	struct paired p;
	char known[REMARK_TEXT];
	struct text remark = text_of(known, sizeof(known));

	if (decode_frame(f->bytes, f->captured, f->len, LINKTYPE_RAW, &pk) != DECODE_OK ||
	    !pairs_take(pairs, &pk, &p))
		return PCAPNG_DIRECTION_UNKNOWN;
	remarks_put(v->remarks, &p, v->frames, &remark);
	if (p.number)
		text_putf(to, "%sprobe %llu", p.ours ? "" : "reply to ",
			  (unsigned long long)p.number);
	if (remark.len)
		text_putf(to, "%s%s", to->len ? ": " : "", known);
	return p.ours ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;
}

static bool put_octets(struct evidence *v, const uint8_t *octets, size_t len)
{
	return fwrite(octets, 1, len, v->out) == len;
}

static bool put_frame(struct evidence *v, struct pairs *pairs, const struct spooled *head,
		      const uint8_t *bytes, uint8_t *room)
{
	char comment[PCAPNG_TEXT_MAX];
	struct text t = text_of(comment, sizeof(comment));
	struct pcapng_written f = {
	    .bytes = bytes,
	    .captured = head->captured,
	    .len = head->len,
	    .wall_ns = head->wall_ns,
	    .comment = comment,
	};

	v->first_ns = v->frames ? v->first_ns : head->wall_ns;
	v->last_ns = head->wall_ns > v->last_ns ? head->wall_ns : v->last_ns;
	v->frames++;
	f.direction = describe(v, pairs, &f, &t);
	return put_octets(v, room, pcapng_write_frame(room, &f));
}

/* False and errno where anything can't be read or written. */
static bool put_frames(struct evidence *v, struct pairs *pairs, uint8_t *bytes, uint8_t *room)
{
	struct spooled head;

	if (fflush(v->spool) != 0 || fseek(v->spool, 0, SEEK_SET) != 0)
		return false;
	while (fread(&head, sizeof(head), 1, v->spool) == 1)
		if (fread(bytes, 1, head.captured, v->spool) != head.captured ||
		    !put_frame(v, pairs, &head, bytes, room))
			return false;
	return !ferror(v->spool);
}

static bool put_all(struct evidence *v)
{
	struct pairs *pairs = pairs_new(v->first_port, v->n_ports);
	uint8_t *bytes = malloc(FRAME_MAX), *room = malloc(pcapng_frame_room(FRAME_MAX));
	uint8_t ends[PCAPNG_ENDS_MAX];
	bool done = false;

	errno = ENOMEM;
	if (!pairs || !bytes || !room)
		goto out;
	errno = 0;
	done = put_octets(v, ends,
			  pcapng_write_head(ends, LINKTYPE_RAW, PACKAGE_NAME " " PACKAGE_VERSION,
					    "segments sent and replies matched")) &&
	       put_frames(v, pairs, bytes, room) &&
	       put_octets(v, ends, pcapng_write_tail(ends, v->first_ns, v->last_ns, v->frames)) &&
	       fflush(v->out) == 0;
out:
	pairs_free(pairs);
	free(bytes);
	free(room);
	return done;
}

static int close_pcapng(struct evidence *v, bool whole, struct err *e)
{
	int rc = 0;

	if (v->first_errno)
		rc = err_sys(e, v->first_errno,
			     "%s: the temporary file of -w (TMPDIR) cannot take more", v->path);
	else if (whole && !put_all(v))
		rc = err_sys(e, errno ? errno : EIO, "cannot write %s", v->path);
	if (fclose(v->out) != 0 && rc == 0)
		rc = err_sys(e, errno, "cannot write %s", v->path);
	if (whole && rc == 0)
		return beside_commit(v->named, e);
	beside_abandon(v->named);
	return rc;
}

int evidence_finish(struct evidence *v, bool whole, struct err *e)
{
	int rc = 0;

	if (!v)
		return 0;
	if (v->pcap)
		rc = pcapfile_close(v->pcap, e);
	else if (v->out)
		rc = close_pcapng(v, whole, e);
	v->pcap = NULL;
	v->out = NULL;
	return rc;
}

void evidence_free(struct evidence *v)
{
	if (!v)
		return;
	evidence_finish(v, false, NULL);
	if (v->spool)
		fclose(v->spool);
	remarks_free(v->remarks);
	free(v);
}
