/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates that outlive their connection, and switchd itself: in memory among `kept`, and in a
 * journal of the state folder from the first line on. Control thread only. */
#pragma once

#include <stdbool.h>

struct ctl;
struct request;
struct session;

/* The session's candidate, which has just been opened, is kept in a file from now on. */
void resume_begin(struct session *session);
/* What has been done to the candidate is in its file when the reply is sent. */
void resume_flush(struct request *request);
/* The connection is lost: its candidate is kept for a while, or ends with it. */
void resume_lost(struct session *session);
/* Takes what is kept; false: there is nothing. */
bool resume_take(struct session *session);
/* What a start finds, before the thread runs; and what it leaves when it stops. */
void resume_load(struct ctl *ctl);
void resume_leave(struct ctl *ctl);
