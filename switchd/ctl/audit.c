/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One log line for every command that changes something: who, what (secrets masked), with what
 * result. */
#include "switchd/ctl/ctl_private.h"

#include <string.h>

void audit_command(const struct request *request, const char *line, const char *result)
{
	const struct session *session = request->session;
	struct buf clean = buf_new();

	/* What was typed must not be able to write lines of its own into the log. */
	for (const char *c = line; *c && clean.len < 600; c++)
		buf_add_char(&clean, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	log_notice(request->ctl->context.log, "audit",
		   "user=%s session=%llu generation=%llu result=%s command=\"%s\"", session->login,
		   (unsigned long long)session->id,
		   (unsigned long long)snapshot_generation(request->ctl->conf->snapshot), result,
		   buf_cstr(&clean));
	buf_free(&clean);
}
