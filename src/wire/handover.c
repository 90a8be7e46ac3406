/*
 * handover: whole messages over a line between two processes of ours, and with a message the
 * descriptors that the other one shall have. What they mean is known at both ends.
 */
#include "config.h"

#include "wire/handover.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union passed {
	struct cmsghdr head;
	char room[CMSG_SPACE(HANDOVER_FDS * sizeof(int))];
};

bool handover_tell(int line, const void *text, size_t len, const int *fds, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = len};
	union passed p = {.room = ""};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	if (n > 0) {
		m.msg_control = &p;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		p.head.cmsg_level = SOL_SOCKET;
		p.head.cmsg_type = SCM_RIGHTS;
		p.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&p.head), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(line, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)len;
}

static void take_descriptors(struct msghdr *m, int *fds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len <= CMSG_LEN(HANDOVER_FDS * sizeof(int)))
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

bool handover_hear(int line, void *text, size_t len, int *fds)
{
	struct iovec iov = {.iov_base = text, .iov_len = len};
	union passed p = {.room = ""};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got;

	if (fds) {
		m.msg_control = &p;
		m.msg_controllen = sizeof(p);
		for (size_t i = 0; i < HANDOVER_FDS; i++)
			fds[i] = -1;
	}
	do
		got = recvmsg(line, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got >= 0 && fds)
		take_descriptors(&m, fds);
	return got == (ssize_t)len;
}

bool handover_begin(int line, const struct privilege_user *u, enum privilege_work work)
{
	struct err e = {""};
	bool dropped = privilege_drop(u, work, &e) >= 0;

	if (dropped)
		e = (struct err){""};
	return handover_tell(line, &e, sizeof(e), NULL, 0) && dropped;
}

static int await(int line, struct err *e)
{
	struct err why = {""};

	if (!handover_hear(line, &why, sizeof(why), NULL))
		return err_set(e, "a process of our own ended at once");
	why.msg[sizeof(why.msg) - 1] = '\0';
	return why.msg[0] ? err_set(e, "%s", why.msg) : 0;
}

int handover_start(struct child *c, const struct child_work *w, struct err *e)
{
	if (child_start(c, w, e) < 0)
		return -1;
	if (await(c->line, e) == 0)
		return 0;
	child_end(c, -1);
	return -1;
}
