/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the terminal: UTF-8 to characters, bracketed paste, signals. */
#include "vosctl/shell/input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shared/base/buf.h"

#define READ_SIZE      4096
#define PASTE_MAX      (8u * 1024u * 1024u)
#define ESCAPE_WAIT_MS 50   /* behind a first ESC: it may have been the key */
#define MARK_WAIT_MS   1000 /* behind what nobody types: the rest is on its way */
#define MARK_SURE      3    /* bytes of a mark after which it can hardly be anything else */
#define KEY_INTERRUPT  3

static const char paste_begin[] = "\033[200~";
static const char paste_end[] = "\033[201~";

struct input {
	int fd;
	int signal_fd;
	sigset_t signals;
	sigset_t old_mask;
	struct sigaction old_actions[4];
	mbstate_t state;
	unsigned char bytes[READ_SIZE];
	size_t pos;
	size_t len;
	bool is_eof;
	int ended_by; /* SIGTERM or SIGHUP read from signal_fd */
	wchar_t *paste;
	size_t paste_len;
	size_t paste_pos;
};

/* A handler has no other way to tell: set by on_signal, read by the one shell of the process. */
static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t ended;

static const int handled[4] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};

static void on_signal(int number)
{
	if (number == SIGINT)
		interrupted = 1;
	else if (number != SIGALRM)
		ended = number;
	if (interrupted || ended)
		alarm(1);
}

struct input *input_create(int fd)
{
	struct input *input = calloc(1, sizeof(*input));

	if (!input)
		return NULL;
	input->fd = fd;
	sigemptyset(&input->signals);
	sigaddset(&input->signals, SIGINT);
	sigaddset(&input->signals, SIGWINCH);
	sigaddset(&input->signals, SIGTERM);
	sigaddset(&input->signals, SIGHUP);
	input->signal_fd = signalfd(-1, &input->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (input->signal_fd < 0) {
		free(input);
		return NULL;
	}
	for (int i = 0; i < 4; i++) {
		struct sigaction action = {.sa_handler = on_signal};

		sigemptyset(&action.sa_mask);
		sigaction(handled[i], &action, &input->old_actions[i]);
	}
	pthread_sigmask(SIG_BLOCK, &input->signals, &input->old_mask);
	interrupted = 0;
	ended = 0;
	return input;
}

void input_destroy(struct input *input)
{
	if (!input)
		return;
	alarm(0);
	for (int i = 0; i < 4; i++)
		sigaction(handled[i], &input->old_actions[i], NULL);
	pthread_sigmask(SIG_SETMASK, &input->old_mask, NULL);
	close(input->signal_fd);
	free(input->paste);
	free(input);
}

void input_unblock(struct input *input)
{
	interrupted = 0;
	pthread_sigmask(SIG_UNBLOCK, &input->signals, NULL);
}

void input_block(struct input *input)
{
	pthread_sigmask(SIG_BLOCK, &input->signals, NULL);
	alarm(0);
}

bool input_is_interrupted(const struct input *input)
{
	(void)input;
	return interrupted || ended;
}

int input_signal(const struct input *input)
{
	return input->ended_by ? input->ended_by : (int)ended;
}

/* Waits up to timeout_ms for keys and reads a block of them; false when there is nothing. */
static bool read_block(struct input *input, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
	ssize_t got;

	if (input->pos) {
		memmove(input->bytes, input->bytes + input->pos, input->len - input->pos);
		input->len -= input->pos;
		input->pos = 0;
	}
	if (input->is_eof || input->len == READ_SIZE || poll(&poll_fd, 1, timeout_ms) <= 0)
		return false;
	got = read(input->fd, input->bytes + input->len, READ_SIZE - input->len);
	if (got > 0)
		input->len += (size_t)got;
	else if (got == 0 || (errno != EINTR && errno != EAGAIN))
		input->is_eof = true;
	return got > 0;
}

/* Next character of the bytes that are there. Bytes that are no UTF-8 are dropped; one that ends
 * another's sequence too early is looked at again by itself. */
static bool next_char(struct input *input, wchar_t *out)
{
	while (input->pos < input->len) {
		char byte = (char)input->bytes[input->pos++];
		bool was_within = !mbsinit(&input->state);
		size_t result = mbrtowc(out, &byte, 1, &input->state);

		if (result == (size_t)-1) {
			memset(&input->state, 0, sizeof(input->state));
			input->pos -= was_within;
		} else if (result != (size_t)-2) {
			return true;
		}
	}
	return false;
}

/* Whether the bytes at pos start with mark; waits for the rest of a mark that has begun. */
static bool at_mark(struct input *input, const char *mark, size_t sure)
{
	size_t size = strlen(mark);

	for (;;) {
		size_t have = input->len - input->pos;

		if (memcmp(input->bytes + input->pos, mark, have < size ? have : size) != 0)
			return false;
		if (have >= size)
			return true;
		if (!read_block(input, have >= sure ? MARK_WAIT_MS : ESCAPE_WAIT_MS))
			return false;
	}
}

static bool paste_add(struct input *input, wchar_t c)
{
	/* Doubled whenever the length is a power of two. */
	if ((input->paste_len & (input->paste_len - 1)) == 0) {
		size_t cap = input->paste_len ? input->paste_len * 2 : 1;
		wchar_t *more = realloc(input->paste, cap * sizeof(*more));

		if (!more)
			return false;
		input->paste = more;
	}
	input->paste[input->paste_len++] = c;
	return true;
}

/* Everything up to the end mark. Ctrl-C, which no terminal lets through in a paste, ends one whose
 * end mark was lost, and drops it. */
static bool read_paste(struct input *input)
{
	input_paste_drop(input);
	for (;;) {
		wchar_t c;

		if (input->pos == input->len && !read_block(input, -1)) {
			if (input->is_eof)
				return false;
			continue;
		}
		if (input->bytes[input->pos] == '\033' && at_mark(input, paste_end, 1)) {
			input->pos += sizeof(paste_end) - 1;
			return input->paste_len > 0;
		}
		if (!next_char(input, &c))
			continue;
		if (c == KEY_INTERRUPT) {
			input_paste_drop(input);
			return false;
		}
		if (c != 0 && input->paste_len < PASTE_MAX && !paste_add(input, c))
			return false;
	}
}

bool input_has_paste(const struct input *input)
{
	return input->paste_pos < input->paste_len;
}

void input_paste_drop(struct input *input)
{
	free(input->paste);
	input->paste = NULL;
	input->paste_len = 0;
	input->paste_pos = 0;
}

/* The line break is overwritten with the NUL that ends the text; paste_add left room for one behind
 * the last line, or the text gets a copy. */
bool input_paste_line(struct input *input, const wchar_t **text, bool *is_ended)
{
	size_t start = input->paste_pos;
	size_t end = start;

	if (!input_has_paste(input))
		return false;
	while (end < input->paste_len && input->paste[end] != L'\n' && input->paste[end] != L'\r')
		end++;
	*is_ended = end < input->paste_len;
	if (*is_ended) {
		bool is_crlf = input->paste[end] == L'\r' && end + 1 < input->paste_len &&
			       input->paste[end + 1] == L'\n';

		input->paste_pos = end + (is_crlf ? 2 : 1);
		input->paste[end] = 0;
	} else {
		if (!paste_add(input, 0))
			return false;
		input->paste_pos = input->paste_len;
	}
	*text = input->paste + start;
	return true;
}

static enum input_event signal_event(struct input *input)
{
	struct signalfd_siginfo info;

	if (read(input->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return INPUT_TIMEOUT;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) {
		input->ended_by = (int)info.ssi_signo;
		return INPUT_HANGUP;
	}
	/* In raw mode Ctrl-C is a key; a SIGINT from elsewhere does not end the shell either. */
	return info.ssi_signo == SIGWINCH ? INPUT_RESIZE : INPUT_TIMEOUT;
}

enum input_event input_wait(struct input *input, int daemon_fd, int timeout_ms, wchar_t *out)
{
	for (;;) {
		struct pollfd fds[3] = {{.fd = input->fd, .events = POLLIN},
					{.fd = input->signal_fd, .events = POLLIN},
					{.fd = daemon_fd, .events = POLLIN}};
		int ready;

		if (input->pos < input->len) {
			if (input->bytes[input->pos] == '\033' &&
			    at_mark(input, paste_begin, MARK_SURE)) {
				input->pos += sizeof(paste_begin) - 1;
				if (read_paste(input))
					return INPUT_PASTE;
				continue;
			}
			if (next_char(input, out))
				return INPUT_CHAR;
			continue;
		}
		if (input->is_eof)
			return INPUT_EOF;
		ready = poll(fds, 3, timeout_ms);
		if (ready == 0)
			return INPUT_TIMEOUT;
		if (ready < 0 && errno != EINTR)
			return INPUT_EOF;
		if (ready < 0)
			continue;
		if (fds[1].revents)
			return signal_event(input);
		if (fds[0].revents)
			read_block(input, 0);
		else if (fds[2].revents)
			return INPUT_DAEMON;
	}
}
