/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/alarm/notices.h"

#include <stdlib.h>

#include "switchd/alarm/alarm.h"
#include "switchd/alarm/hook.h"
#include "switchd/alarm/post.h"
#include "switchd/conf/conf.h"

struct alarm_notices {
	struct alarm_hook *hook;
	struct alarm_post *post;
};

enum vos_err alarm_notices_start(const struct log *log, struct alarms *alarms,
				 const struct conf *conf, uint64_t identity,
				 struct alarm_notices **out)
{
	struct alarm_notices *notices = calloc(1, sizeof(*notices));
	enum vos_err err = VOS_ENOMEM;

	*out = NULL;
	if (notices)
		err = alarm_hook_start(log, alarms, conf->snapshot, &notices->hook);
	if (!err)
		err = alarm_post_start(log, alarms, conf, identity, &notices->post);
	if (err) {
		alarm_notices_stop(notices);
		return err;
	}
	alarms_tell_crash(alarms);
	*out = notices;
	return VOS_OK;
}

void alarm_notices_configure(struct alarm_notices *notices, const struct conf *conf)
{
	if (!notices)
		return;
	alarm_hook_configure(notices->hook, conf->snapshot);
	alarm_post_configure(notices->post, conf);
}

void alarm_notices_stop(struct alarm_notices *notices)
{
	if (!notices)
		return;
	alarm_post_stop(notices->post);
	alarm_hook_stop(notices->hook);
	free(notices);
}

void alarm_notices_status(struct alarm_notices *notices, enum alarm_notice_way way,
			  struct alarm_notice_status *out)
{
	*out = (struct alarm_notice_status){0};
	if (notices && way == ALARM_BY_COMMAND)
		alarm_hook_status(notices->hook, out);
	else if (notices && way == ALARM_BY_POST)
		alarm_post_status(notices->post, out);
}
