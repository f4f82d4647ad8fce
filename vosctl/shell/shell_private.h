/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the shell: one struct that the loop, the helpers at the keys and the local commands
 * share. */
#pragma once

#include "vosctl/shell/edit.h"
#include "vosctl/shell/files.h"
#include "vosctl/shell/history.h"
#include "vosctl/shell/screen.h"
#include "vosctl/shell/shell.h"

struct words {
	char (*items)[sizeof(((struct candidate *)0)->word)];
	size_t count;
	size_t cap;
	size_t left_out;
};

struct shell {
	struct client *client;
	const struct shell_options *options;
	struct grammar *grammar;
	struct input *input;
	struct edit *edit;
	struct screen screen;
	struct shell_history *history;
	struct mode mode;
	struct client_status status;
	struct match match;      /* of the line being run */
	struct words words;      /* what TAB found last */
	struct file_names files; /* the same where a file is named */
	bool is_same_language;   /* the daemon has our grammar */
	bool is_lost;            /* no connection */
	bool is_done;
	uint64_t confirm_until_us; /* the last commit is taken back then; 0 = it holds */
	bool is_dumb;              /* the terminal knows no control sequences */
	bool has_color;
	bool has_timestamps; /* terminal timestamps on */
	bool is_asking;      /* in place of the prompt stands a question */
	bool is_watching;    /* output is not paged */
	bool is_monitoring;  /* terminal monitor: so again after a reconnect */
	bool has_lock;       /* configure exclusive: the same */
	struct buf events;   /* that came and are not printed yet: whole lines */
	uint64_t events_lost;
	int exit_code;
	int retry_ms; /* pause before the next try to connect */
	uint64_t retry_at_us;
};

/* The keys ? and TAB (assist.c). */
void assist_help(void *shell, struct span before);
void assist_complete(void *shell, struct span before, struct edit_completion *out);
void assist_list(void *shell);

/* Commands that need no daemon; false when the match is none of them (local.c). */
bool local_run(struct shell *shell, const struct match *match);

/* Sends one line; match may be NULL. What went wrong has been said when it returns. */
enum vos_err shell_send(struct shell *shell, const char *line, const struct match *match,
			bool is_answered);

/* watch SECONDS SHOW (watch.c). */
void watch_run(struct shell *shell, const struct match *match);

/* Events of the daemon (events.c). They may come in the middle of a request, so they are kept, and
 * printed where a whole line may stand. */
void events_take(void *shell, json_t *params);
bool events_has(const struct shell *shell);
void events_print(struct shell *shell);

/* The connection is gone, or back (link.c). */
void link_lost(struct shell *shell);
/* One try now; says so when it is back. */
bool link_restore(struct shell *shell);
int link_fd(void *shell);
int link_wait_ms(void *shell);
void link_idle(void *shell);

void shell_update_prompt(struct shell *shell);
/* Seconds that are left to confirm the last commit in, as far as we know; 0 = none waits. */
int shell_confirm_s(const struct shell *shell);
void shell_set_confirm(struct shell *shell, int left_s);
