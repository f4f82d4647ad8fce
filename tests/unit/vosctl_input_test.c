/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys from a pipe in place of the terminal: characters, pastes, signals, wherever the bytes are
 * cut. */
#include "tests/support/test.h"

#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vosctl/shell/input.h"

struct fixture {
	int read_fd;
	int write_fd;
	struct input *input;
};

static int make_input(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fds[2];

	setlocale(LC_CTYPE, "C.UTF-8");
	if (pipe(fds) != 0)
		return -1;
	fixture->read_fd = fds[0];
	fixture->write_fd = fds[1];
	fixture->input = input_create(fds[0]);
	*state = fixture;
	return fixture->input ? 0 : -1;
}

static int free_input(void **state)
{
	struct fixture *fixture = *state;

	input_destroy(fixture->input);
	close(fixture->read_fd);
	if (fixture->write_fd >= 0)
		close(fixture->write_fd);
	free(fixture);
	return 0;
}

static void keys(const struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->write_fd, text, strlen(text)), strlen(text));
}

static void end(struct fixture *fixture)
{
	close(fixture->write_fd);
	fixture->write_fd = -1;
}

static void expect_chars(const struct fixture *fixture, const wchar_t *text)
{
	for (; *text; text++) {
		wchar_t c;

		assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_CHAR);
		assert_int_equal(c, *text);
	}
}

static void expect_paste_line(const struct fixture *fixture, const wchar_t *text, bool is_ended)
{
	const wchar_t *line;
	bool ended;

	assert_true(input_paste_line(fixture->input, &line, &ended));
	assert_int_equal(wcscmp(line, text), 0);
	assert_int_equal(ended, is_ended);
}

static void decodes_characters(void **state)
{
	struct fixture *fixture = *state;
	wchar_t c;

	keys(fixture, "a\xc3\xa9\xe2\x82\xac");
	expect_chars(fixture, L"a\u00e9\u20ac");
	/* A character whose bytes arrive one by one, then bytes that are none. */
	keys(fixture, "\xe2");
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_TIMEOUT);
	keys(fixture, "\x82");
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_TIMEOUT);
	keys(fixture, "\xac\xff\x80z");
	expect_chars(fixture, L"\u20acz");
	/* Half of one costs nothing of what follows it. */
	keys(fixture, "\xe6\xbcq\xc3\xe2\x82\xacr");
	expect_chars(fixture, L"q\u20acr");
	end(fixture);
	assert_int_equal(input_wait(fixture->input, -1, -1, &c), INPUT_EOF);
}

static void passes_other_escapes(void **state)
{
	struct fixture *fixture = *state;

	keys(fixture, "\033[A\033[200x\033");
	expect_chars(fixture, L"\033[A\033[200x\033");
}

static void collects_a_paste(void **state)
{
	struct fixture *fixture = *state;
	wchar_t c;

	keys(fixture, "x\033[200~one?\ttwo\nthree\r\n\n\xe2\x82\xac\033[201~y");
	expect_chars(fixture, L"x");
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_PASTE);
	expect_paste_line(fixture, L"one?\ttwo", true);
	expect_paste_line(fixture, L"three", true);
	expect_paste_line(fixture, L"", true);
	assert_true(input_has_paste(fixture->input));
	expect_paste_line(fixture, L"\u20ac", false);
	assert_false(input_has_paste(fixture->input));
	expect_chars(fixture, L"y");
}

/* Every place where the bytes of a paste can be cut in two reads, except behind an ESC that may be
 * a key. */
static void paste_is_whole_wherever_cut(void **state)
{
	static const char text[] = "\033[200~a\xc3\xa9\033[Kb\n\033[201~c";
	struct fixture *fixture = *state;

	for (size_t cut = 3; cut < sizeof(text) - 1; cut++) {
		wchar_t c;
		pid_t child = fork();

		if (child == 0) {
			int left = 1;
			ssize_t done = write(fixture->write_fd, text, cut);

			/* The rest follows once the first part has been read. */
			while (done > 0 && left > 0 &&
			       ioctl(fixture->read_fd, FIONREAD, &left) == 0)
				sched_yield();
			done = write(fixture->write_fd, text + cut, sizeof(text) - 1 - cut);
			_exit(done < 0);
		}
		assert_int_equal(input_wait(fixture->input, -1, 10000, &c), INPUT_PASTE);
		expect_paste_line(fixture, L"a\u00e9\033[Kb", true);
		assert_int_equal(input_wait(fixture->input, -1, 10000, &c), INPUT_CHAR);
		assert_int_equal(c, L'c');
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
}

static void ctrl_c_ends_a_lost_paste(void **state)
{
	struct fixture *fixture = *state;

	keys(fixture, "\033[200~never ends\003z");
	expect_chars(fixture, L"z");
	assert_false(input_has_paste(fixture->input));
}

static void tells_signals(void **state)
{
	struct fixture *fixture = *state;
	wchar_t c;

	raise(SIGWINCH);
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_RESIZE);
	raise(SIGINT);
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_TIMEOUT);
	assert_int_equal(input_signal(fixture->input), 0);
	raise(SIGTERM);
	assert_int_equal(input_wait(fixture->input, -1, 0, &c), INPUT_HANGUP);
	assert_int_equal(input_signal(fixture->input), SIGTERM);
}

static void interrupts_a_command(void **state)
{
	struct fixture *fixture = *state;

	input_unblock(fixture->input);
	assert_false(input_is_interrupted(fixture->input));
	raise(SIGINT);
	assert_true(input_is_interrupted(fixture->input));
	input_block(fixture->input);
	input_unblock(fixture->input);
	assert_false(input_is_interrupted(fixture->input));
	input_block(fixture->input);
}

static void wakes_for_the_daemon(void **state)
{
	struct fixture *fixture = *state;
	int fds[2];
	wchar_t c;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(input_wait(fixture->input, fds[0], 0, &c), INPUT_TIMEOUT);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(input_wait(fixture->input, fds[0], -1, &c), INPUT_DAEMON);
	close(fds[0]);
	close(fds[1]);
}

#define WITH_INPUT(test) cmocka_unit_test_setup_teardown(test, make_input, free_input)

TEST_MAIN(WITH_INPUT(decodes_characters), WITH_INPUT(passes_other_escapes),
	  WITH_INPUT(collects_a_paste), WITH_INPUT(paste_is_whole_wherever_cut),
	  WITH_INPUT(ctrl_c_ends_a_lost_paste), WITH_INPUT(tells_signals),
	  WITH_INPUT(interrupts_a_command), WITH_INPUT(wakes_for_the_daemon))
