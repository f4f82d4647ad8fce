/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libedit behind a narrow door.
 *
 * Found by trying (libedit 3.1-20221030): EL_SIGNAL is not used, its handlers signal the whole
 * process group; ISIG is off while a line is edited, so Ctrl-C and Ctrl-Z are keys; EL_REFRESH
 * forgets where the line was drawn and draws it anew at the cursor, so whoever prints first moves
 * the cursor out of the line; the wide calls are used throughout, the narrow EL_ADDFN leaks. */
#include "vosctl/shell/edit.h"

#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shared/grammar/token.h"

#define HISTORY_MAX 2000
#define PROMPT_MAX  256
/* Ctrl-^ is not a key of anyone; getc returns it when pasted text is ready. */
#define KEY_PASTE      0x1e
#define KEY_PASTE_BIND L"^^"
#define PASTE_MODE_ON  "\033[?2004h"
#define PASTE_MODE_OFF "\033[?2004l"

struct edit {
	EditLine *el;
	HistoryW *history;
	struct input *input;
	struct edit_hooks hooks;
	wchar_t prompt[PROMPT_MAX];
	wchar_t right[PROMPT_MAX];
	bool is_dumb;
	bool is_reading;
	enum edit_result end; /* why getc ended the line */
};

static struct edit *edit_of(EditLine *el)
{
	void *edit = NULL;

	el_wget(el, EL_CLIENTDATA, &edit);
	return edit;
}

static wchar_t *prompt_of(EditLine *el)
{
	return edit_of(el)->prompt;
}

static wchar_t *right_prompt_of(EditLine *el)
{
	return edit_of(el)->right;
}

static void add_wide(struct buf *out, const wchar_t *from, const wchar_t *to)
{
	mbstate_t state = {0};

	for (; from < to; from++) {
		char bytes[16];
		size_t len = wcrtomb(bytes, *from, &state);

		if (len != (size_t)-1)
			buf_add(out, bytes, len);
	}
}

static int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* Columns that libedit draws a character in, in that column of a row. */
static int char_width(wchar_t c, int column)
{
	int width = wcwidth(c);

	if (c == L'\t')
		return 8 - column % 8;
	if (width >= 0)
		return width;
	if (c < 0xa0)
		return 2;          /* ^A */
	return c > 0xffff ? 8 : 7; /* \U+2028 */
}

/* Columns behind `column`, counted over all rows, once the text is on the screen. */
static int width_from(int column, int columns, const wchar_t *from, const wchar_t *to)
{
	for (; from < to; from++) {
		int left = columns - column % columns;
		int width = char_width(*from, column % columns);

		/* A wide character does not begin in the last column; a tab ends with its row. */
		if (*from == L'\t' && width > left)
			width = left;
		else if (width > left && wcwidth(*from) == 2)
			width += left;
		column += width;
	}
	return column;
}

int edit_prompt_width(const struct edit *edit)
{
	return width_from(0, terminal_columns(), edit->prompt, edit->prompt + wcslen(edit->prompt));
}

/* Rows of the line before the cursor and behind it. */
static void measure(const struct edit *edit, int *above, int *below)
{
	const LineInfoW *line = el_wline(edit->el);
	int columns = terminal_columns();
	int cursor = width_from(edit_prompt_width(edit), columns, line->buffer, line->cursor);
	int end = width_from(cursor, columns, line->cursor, line->lastchar);

	*above = cursor / columns;
	*below = end / columns - *above;
}

/* Moves to the start of the row under the line. */
static void move_below(struct edit *edit)
{
	int above;
	int below;

	measure(edit, &above, &below);
	for (int i = 0; i <= below; i++)
		putchar('\n');
	fflush(stdout);
}

/* Takes the line off the screen; the cursor is where its first row was. */
static void erase(struct edit *edit)
{
	int above;
	int below;

	if (edit->is_dumb) {
		putchar('\n');
		return;
	}
	measure(edit, &above, &below);
	putchar('\r');
	if (above)
		printf("\033[%dA", above);
	fputs("\033[J", stdout);
}

void edit_redraw(struct edit *edit)
{
	if (!edit->is_reading)
		return;
	erase(edit);
	fflush(stdout);
	el_wset(edit->el, EL_REFRESH);
}

void edit_print_above(struct edit *edit, const char *text)
{
	if (edit->is_reading)
		erase(edit);
	fputs(text, stdout);
	fflush(stdout);
	if (edit->is_reading)
		el_wset(edit->el, EL_REFRESH);
}

static int read_char(EditLine *el, wchar_t *out)
{
	struct edit *edit = edit_of(el);
	const struct edit_hooks *hooks = &edit->hooks;

	for (;;) {
		switch (input_wait(edit->input, hooks->daemon_fd(hooks->context),
				   hooks->wait_ms(hooks->context), out)) {
		case INPUT_CHAR:
			return 1;
		case INPUT_PASTE:
			*out = KEY_PASTE;
			return 1;
		case INPUT_EOF:
			edit->end = EDIT_EOF;
			return 0;
		case INPUT_HANGUP:
			edit->end = EDIT_HANGUP;
			return 0;
		case INPUT_RESIZE:
			el_resize(el);
			edit_redraw(edit);
			break;
		case INPUT_DAEMON:
		case INPUT_TIMEOUT:
			hooks->idle(hooks->context);
			break;
		}
	}
}

static void delete_line(EditLine *el)
{
	const LineInfoW *line = el_wline(el);

	el_cursor(el, (int)(line->lastchar - line->cursor));
	line = el_wline(el);
	el_wdeletestr(el, (int)(line->lastchar - line->buffer));
}

static unsigned char key_interrupt(EditLine *el, wint_t key)
{
	(void)key;
	move_below(edit_of(el));
	/* The abandoned line stays in sight, as on any terminal. */
	delete_line(el);
	el_wset(el, EL_REFRESH);
	return CC_NORM;
}

static unsigned char key_escape(EditLine *el, wint_t key)
{
	struct edit *edit = edit_of(el);
	const char *line = edit->hooks.escape(edit->hooks.context);
	wchar_t wide[64];

	(void)key;
	if (!line || mbstowcs(wide, line, 64) >= 64)
		return CC_ERROR;
	delete_line(el);
	el_winsertstr(el, wide);
	el_wpush(el, L"\n");
	return CC_REFRESH;
}

static unsigned char key_help(EditLine *el, wint_t key)
{
	struct edit *edit = edit_of(el);
	const LineInfoW *line = el_wline(el);
	wchar_t typed[2] = {(wchar_t)key, 0};
	struct buf before = buf_new();
	struct token token = {.is_quoted = false};
	size_t pos = 0;

	add_wide(&before, line->buffer, line->cursor);
	while (token_next(buf_span(&before), &pos, &token))
		;
	if (token.is_quoted && !token.is_closed) {
		el_winsertstr(el, typed);
		buf_free(&before);
		return CC_REFRESH;
	}
	if (line->cursor == line->lastchar)
		putchar('?');
	move_below(edit);
	edit->hooks.help(edit->hooks.context, buf_span(&before));
	fflush(stdout);
	buf_free(&before);
	el_wset(el, EL_REFRESH);
	return CC_NORM;
}

static int characters(struct span text)
{
	int count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

static unsigned char key_complete(EditLine *el, wint_t key)
{
	struct edit *edit = edit_of(el);
	const LineInfoW *line = el_wline(el);
	struct edit_completion completion = {0};
	struct buf before = buf_new();
	wchar_t wide[sizeof(completion.insert)];
	unsigned char result = CC_ERROR;

	(void)key;
	add_wide(&before, line->buffer, line->cursor);
	edit->hooks.complete(edit->hooks.context, buf_span(&before), &completion);
	if (completion.insert[0] && completion.replace <= before.len &&
	    mbstowcs(wide, completion.insert, sizeof(completion.insert)) != (size_t)-1) {
		struct span old = {before.data + before.len - completion.replace,
				   completion.replace};

		el_wdeletestr(el, characters(old));
		el_winsertstr(el, wide);
		result = CC_REFRESH;
	} else if (completion.is_listing) {
		move_below(edit);
		edit->hooks.list(edit->hooks.context);
		fflush(stdout);
		el_wset(el, EL_REFRESH);
		result = CC_NORM;
	}
	buf_free(&before);
	return result;
}

/* One line of pasted text: as typed, but no key acts in it. */
static unsigned char key_paste(EditLine *el, wint_t key)
{
	struct edit *edit = edit_of(el);
	const wchar_t *text;
	bool is_ended;

	(void)key;
	if (!input_paste_line(edit->input, &text, &is_ended))
		return CC_ERROR;
	if (text[0] && el_winsertstr(el, text) != 0) {
		input_paste_drop(edit->input);
		return CC_ERROR;
	}
	if (is_ended)
		el_wpush(el, L"\n");
	return CC_REFRESH;
}

/* libedit complains on stderr about a terminal type that nobody knows; so it is asked before. */
static bool has_terminfo(const char *type)
{
	static const char *const folders[] = {"/etc/terminfo", "/lib/terminfo",
					      "/usr/share/terminfo"};
	const char *home = getenv("HOME");
	const char *own = getenv("TERMINFO");
	char path[512];

	if (!type || !type[0] || strchr(type, '/'))
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%c/%s", folders[i], type[0], type);
		if (access(path, R_OK) == 0)
			return true;
	}
	snprintf(path, sizeof(path), "%s/.terminfo/%c/%s", home ? home : "", type[0], type);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "%s/%c/%s", own ? own : "", type[0], type);
	return own && access(path, R_OK) == 0;
}

static void bind_keys(EditLine *el)
{
	el_wset(el, EL_ADDFN, L"vos-help", L"what may follow", key_help);
	el_wset(el, EL_ADDFN, L"vos-complete", L"complete the word", key_complete);
	el_wset(el, EL_ADDFN, L"vos-interrupt", L"abandon the line", key_interrupt);
	el_wset(el, EL_ADDFN, L"vos-escape", L"leave configuration", key_escape);
	el_wset(el, EL_ADDFN, L"vos-paste", L"take pasted text", key_paste);
	el_wset(el, EL_BIND, L"?", L"vos-help", NULL);
	el_wset(el, EL_BIND, L"^I", L"vos-complete", NULL);
	el_wset(el, EL_BIND, L"^C", L"vos-interrupt", NULL);
	el_wset(el, EL_BIND, L"^Z", L"vos-escape", NULL);
	el_wset(el, EL_BIND, KEY_PASTE_BIND, L"vos-paste", NULL);
	/* libedit's own command line: an open quote in it ends the program. */
	el_wset(el, EL_BIND, L"^[x", L"ed-unassigned", NULL);
	el_wset(el, EL_BIND, L"^[X", L"ed-unassigned", NULL);
	el_wset(el, EL_BIND, L"-a", L":", L"ed-unassigned", NULL);
	el_wset(el, EL_BIND, L"^R", L"em-inc-search-prev", NULL);
	el_wset(el, EL_BIND, L"^W", L"ed-delete-prev-word", NULL);
	el_wset(el, EL_SETTY, L"-d", L"-isig", NULL);
	/* While a command runs Ctrl-Z waits to be a key; it does not stop us. */
	el_wset(el, EL_SETTY, L"-x", L"susp=", NULL);
}

struct edit *edit_open(struct input *input, const struct edit_hooks *hooks)
{
	struct edit *edit = calloc(1, sizeof(*edit));
	const char *type = getenv("TERM");
	HistEventW event;

	if (!edit)
		return NULL;
	if (!has_terminfo(type)) {
		setenv("TERM", "dumb", 1);
		type = "dumb";
	}
	edit->is_dumb = strcmp(type, "dumb") == 0;
	edit->input = input;
	edit->hooks = *hooks;
	edit->el = el_init("vosctl", stdin, stdout, stderr);
	edit->history = history_winit();
	if (!edit->el || !edit->history) {
		edit_close(edit);
		return NULL;
	}
	el_wset(edit->el, EL_CLIENTDATA, edit);
	el_wset(edit->el, EL_PROMPT, prompt_of);
	if (!edit->is_dumb)
		el_wset(edit->el, EL_RPROMPT, right_prompt_of);
	el_wset(edit->el, EL_EDITOR, L"emacs");
	el_wset(edit->el, EL_GETCFN, read_char);
	history_w(edit->history, &event, H_SETSIZE, HISTORY_MAX);
	history_w(edit->history, &event, H_SETUNIQUE, 1);
	el_wset(edit->el, EL_HIST, history_w, edit->history);
	/* The user's own bindings first: ours are part of what the shell promises. */
	if (geteuid() == getuid())
		el_source(edit->el, NULL);
	bind_keys(edit->el);
	return edit;
}

void edit_close(struct edit *edit)
{
	if (!edit)
		return;
	if (edit->el)
		el_end(edit->el);
	if (edit->history)
		history_wend(edit->history);
	free(edit);
}

void edit_set_prompt(struct edit *edit, const char *prompt, const char *right)
{
	if (mbstowcs(edit->prompt, prompt, PROMPT_MAX - 1) == (size_t)-1)
		wcscpy(edit->prompt, L"> ");
	if (mbstowcs(edit->right, right, PROMPT_MAX - 1) == (size_t)-1)
		edit->right[0] = 0;
}

static void set_paste_mode(const struct edit *edit, bool is_on)
{
	if (edit->is_dumb)
		return;
	fputs(is_on ? PASTE_MODE_ON : PASTE_MODE_OFF, stdout);
	fflush(stdout);
}

enum edit_result edit_read(struct edit *edit, struct buf *out)
{
	const wchar_t *line;
	int len = 0;

	edit->end = EDIT_EOF;
	set_paste_mode(edit, true);
	/* The rest of a pasted block: its lines run one after the other, each with its own prompt.
	 */
	if (input_has_paste(edit->input)) {
		const wchar_t keys[2] = {KEY_PASTE, 0};

		el_wpush(edit->el, keys);
	}
	/* By itself libedit prints the prompt first and goes to raw mode then: a key in between
	 * would be echoed by the terminal, and Ctrl-Z stop us. */
	el_wset(edit->el, EL_PREP_TERM, 1);
	edit->is_reading = true;
	line = el_wgets(edit->el, &len);
	edit->is_reading = false;
	set_paste_mode(edit, false);
	if (!line || len <= 0)
		return edit->end;
	while (len && (line[len - 1] == L'\n' || line[len - 1] == L'\r'))
		len--;
	add_wide(out, line, line + len);
	return EDIT_LINE;
}

void edit_remember(struct edit *edit, const char *line)
{
	size_t size = strlen(line) + 1;
	wchar_t *wide = malloc(size * sizeof(*wide));
	HistEventW event;

	if (wide && mbstowcs(wide, line, size) != (size_t)-1)
		history_w(edit->history, &event, H_ENTER, wide);
	free(wide);
}
