/*
 * comm: a process between the one that reads foreign octets and /proc. It is asked by number alone
 * and answers with a name, whatever it is.
 */
#include "config.h"

#include "wire/comm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/child.h"
#include "wire/handover.h"

struct comm {
	struct child child;
};

static void read_name(uint32_t pid, char name[COMM_CAP])
{
	char path[32];
	struct text t = text_of(path, sizeof(path));
	ssize_t n;
	int fd;

	text_putf(&t, "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, name, COMM_CAP - 1);
	close(fd);
	name[n < 0 ? 0 : n] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static void work(void *ctx, int line)
{
	uint32_t pid;

	if (!handover_begin(line, ctx, PRIVILEGE_RESOLVE))
		return;
	while (handover_hear(line, &pid, sizeof(pid), NULL)) {
		char name[COMM_CAP] = "";

		read_name(pid, name);
		if (!handover_tell(line, name, sizeof(name), NULL, 0))
			break;
	}
}

struct comm *comm_start(const struct privilege_user *user, struct err *e)
{
	struct comm *c = calloc(1, sizeof(*c));
	const struct child_work w = {.work = work, .ctx = (void *)(uintptr_t)user};

	if (!c)
		err_sys(e, ENOMEM, "names of processes");
	else if (handover_start(&c->child, &w, e) == 0)
		return c;
	comm_end(c);
	return NULL;
}

void comm_of(struct comm *c, uint32_t pid, char name[COMM_CAP])
{
	name[0] = '\0';
	if (!c || !handover_tell(c->child.line, &pid, sizeof(pid), NULL, 0) ||
	    !handover_hear(c->child.line, name, COMM_CAP, NULL))
		name[0] = '\0';
	name[COMM_CAP - 1] = '\0';
}

void comm_end(struct comm *c)
{
	if (!c)
		return;
	child_end(&c->child, -1);
	free(c);
}
