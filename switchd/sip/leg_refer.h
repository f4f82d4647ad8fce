/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REFER and Replaces of a SIP leg (leg_refer.c). */
#pragma once

#include "switchd/sip/leg_private.h"

void leg_refer_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx);
void leg_op_referred(struct leg *base, int status);
/* The dialog ends: its sender learns no more. */
void leg_refer_end(struct sip_leg *leg);
void leg_refer_stop(struct sip_leg *leg);

/* The Replaces of an INVITE; false: it has none. More than one is an error. */
bool leg_invite_replaces(const struct sip_msg *msg, struct span *value, int *count);
/* leg_table.c: the leg of a dialog; NULL: none is ours. */
struct sip_leg *leg_find_dialog(struct sip_worker *worker, struct span call_id,
				struct span local_tag, struct span remote_tag);
/* The leg of the dialog that a Replaces names; NULL: this thread has none. */
struct sip_leg *leg_of_replaces(struct sip_worker *worker, struct span value, bool *early_only);
/* leg_far.c: that dialog is another thread's, as far as this one knows. */
bool leg_is_far(struct sip_worker *worker, struct span replaces, int *thread);
/* leg_far.c: an INVITE with Replaces of such a dialog goes to that thread. False: it is none. */
struct leg_caller;
bool leg_invite_far(struct sip_worker *worker, const struct sip_rx *rx,
		    const struct leg_caller *caller, const char *callee);
/* leg_incoming.c: there it is taken. NULL: refused. */
struct sip_leg *leg_invite_take(struct sip_worker *worker, const struct sip_rx *rx,
				const struct leg_caller *caller, const char *callee);
/* Letters of attended transfers between threads: call_env.send_far. */
bool leg_send_far(void *context, enum call_far_letter letter, struct call_far *far);
/* The leg that it names; NULL: *status says why it cannot be replaced. */
struct sip_leg *leg_replaced(struct sip_worker *worker, struct span value, int *status);
