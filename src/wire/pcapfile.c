/* pcapfile: the segments of a run as raw IP; all else about the file is capfile's. */
#include "config.h"

#include "wire/pcapfile.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "packet/decode.h"
#include "wire/capfile.h"
#include "wire/clock.h"

struct pcapfile {
	struct capfile_out *out;
};

struct pcapfile *pcapfile_open(const char *path, struct err *e)
{
	struct pcapfile *f = calloc(1, sizeof(*f));

	if (!f) {
		err_sys(e, ENOMEM, "%s", path);
		return NULL;
	}
	f->out = capfile_create(path, LINKTYPE_RAW, e);
	if (!f->out) {
		free(f);
		return NULL;
	}
	return f;
}

void pcapfile_write(struct pcapfile *f, uint64_t at_ns, const uint8_t *ip, size_t captured,
		    size_t len)
{
	struct capfile_frame frame = {
	    .bytes = ip,
	    .captured = (uint32_t)captured,
	    .len = (uint32_t)len,
	    .wall_ns = clock_wall_of_mono(at_ns),
	};

	assert(captured <= len && len <= UINT32_MAX);
	capfile_put(f->out, &frame);
}

int pcapfile_close(struct pcapfile *f, struct err *e)
{
	int rc = f ? capfile_finish(f->out, e) : 0;

	free(f);
	return rc;
}
