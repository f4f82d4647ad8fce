/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that makes, checks and removes copies (backup.h): those that somebody asks for, and
 * one by itself each `backup interval`, after which the oldest beyond `backup keep` go.
 *
 * It is a thread of its own because a copy of many bindings takes seconds, in which the storage
 * thread has to go on writing. A copy that fails raises the alarm `disk`, which the next one that
 * succeeds ends. */
#pragma once

#include "switchd/store/backup.h"

struct alarms;
struct backups;

enum backup_action { BACKUP_CREATE, BACKUP_LIST, BACKUP_VERIFY, BACKUP_LOAD, BACKUP_PRUNE };

/* One order; the thread has it until it calls done, which takes it over. */
struct backup_job {
	struct backup_job *next;
	enum backup_action action;
	char name[BACKUP_NAME_MAX]; /* of VERIFY and LOAD */
	char author[BACKUP_AUTHOR_MAX];
	char comment[BACKUP_COMMENT_MAX];
	void (*done)(struct backup_job *job); /* in the thread */
	/* The answer. */
	enum vos_err err;
	struct vos_fault fault;
	struct backup_report report; /* CREATE and LOAD: its info */
	struct backup_info *list;    /* LIST */
	size_t count;                /* LIST; PRUNE: how many went */
	struct snapshot *snapshot;   /* LOAD: a reference */
};

/* alarms may be NULL; store and log have to outlive it. */
VOS_CHECK enum vos_err backups_start(struct store *store, const struct log *log,
				     struct alarms *alarms, const struct snapshot *config,
				     struct backups **out);
/* Ends what is under way and answers no more; NULL is allowed. */
void backups_stop(struct backups *backups);
/* Takes over folder, interval and keep. Any thread. */
void backups_configure(struct backups *backups, const struct snapshot *config);
/* False when it stops: the job stays the caller's. Any thread. */
bool backups_order(struct backups *backups, struct backup_job *job);
/* Frees the job with its answer. */
void backup_job_free(struct backup_job *job);

/* Names in the folder, for completion: up to max, in no order. Returns how many. */
size_t backups_names(struct backups *backups, char (*out)[BACKUP_NAME_MAX], size_t max);
