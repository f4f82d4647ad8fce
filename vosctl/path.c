/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/path.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/buf.h"

/* NULL: nobody knows. `user` may be empty: the one who runs us. */
static const char *home_of(const char *user)
{
	const char *home = *user ? NULL : getenv("HOME");
	const struct passwd *entry;

	if (home && home[0] == '/')
		return home;
	entry = *user ? getpwnam(user) : getpwuid(getuid());
	return entry ? entry->pw_dir : NULL;
}

char *path_expand(struct span name)
{
	size_t slash = span_find(name, '/');
	struct buf path = buf_new();
	const char *home = NULL;
	char user[64];
	char *copy;

	if (name.len && name.ptr[0] == '~' &&
	    span_copy((struct span){name.ptr + 1, slash - 1}, user, sizeof(user)))
		home = home_of(user);
	if (!home)
		return span_dup(name);
	buf_add_str(&path, home);
	buf_add(&path, name.ptr + slash, name.len - slash);
	copy = path.failed ? NULL : span_dup(buf_span(&path));
	buf_free(&path);
	return copy;
}
