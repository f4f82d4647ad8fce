/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of the socket, and what they may do: the kernel's word for uid and
 * groups, the configuration's user objects for the rest. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/ctl/ctl_private.h"

/* From linux/socket.h; glibc of Debian 12 has both. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define GROUPS_MAX 256

static bool has_group(int fd, gid_t own, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (own == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

void peer_identify(struct session *session, gid_t socket_gid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct passwd entry;
	struct passwd *found = NULL;
	char memory[4096];

	session->uid = (uid_t)-1;
	if (getsockopt(session->conn.fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return;
	session->uid = peer.uid;
	session->pid = peer.pid;
	session->is_group_member = has_group(session->conn.fd, peer.gid, socket_gid);
	if (getpwuid_r(peer.uid, &entry, memory, sizeof(memory), &found) == 0 && found)
		snprintf(session->login, sizeof(session->login), "%s", entry.pw_name);
	else
		snprintf(session->login, sizeof(session->login), "uid %u", (unsigned)peer.uid);
}

bool session_is_owner(const struct session *session)
{
	return !session->is_read_only && (session->uid == 0 || session->uid == geteuid());
}

enum role session_role(const struct session *session)
{
	const struct object *user;

	if (session->is_read_only)
		return ROLE_MONITOR;
	if (session_is_owner(session))
		return ROLE_ADMIN;
	user = snapshot_object_find(session->ctl->conf->snapshot, OBJECT_USER,
				    span_of(session->login));
	if (user) {
		const struct value *role = object_field(user, FIELD_USER_ROLE);

		/* The words of the field stand in the order of enum role. */
		return role->type == VALUE_ENUM ? (enum role)role->number : ROLE_MONITOR;
	}
	return session->is_group_member ? ROLE_OPERATOR : ROLE_MONITOR;
}

const char *role_name(enum role role)
{
	static const char *const names[] = {"monitor", "operator", "admin"};

	return names[role];
}
