/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of a line: splitting, quotes, refused bytes, and quoting back. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/grammar/grammar.h"
#include "shared/grammar/token.h"

/* The words of a line joined with "/", quoted ones in <>; on a fault "column: ...". */
static const char *words_of(struct span line, char *out, size_t size)
{
	struct buf text = buf_over(out, size - 1);
	struct token token;
	size_t pos = 0;

	while (token_next(line, &pos, &token)) {
		struct vos_fault fault = {0};

		if (text.len)
			buf_add_char(&text, '/');
		buf_add_str(&text, token.is_quoted ? "<" : "");
		if (token_text(&token, &text, &fault) != VOS_OK) {
			text.len = 0;
			buf_printf(&text, "%d: %s", fault.column, fault_code_name(fault.code));
			break;
		}
		buf_add_str(&text, token.is_quoted ? ">" : "");
	}
	out[text.len] = 0;
	return out;
}

static void splits_lines(void **state)
{
	static const struct {
		const char *line;
		const char *words;
	} rows[] = {
		{"", ""},
		{"   \t ", ""},
		{"show calls", "show/calls"},
		{"\tshow   calls  ", "show/calls"},
		{"name \"Front desk\"", "name/<Front desk>"},
		{"name \"\"", "name/<>"},
		{"a\"b c", "a\"b/c"},
		{"\"a\\\"b\" c", "<a\"b>/c"},
		{"\"a\\\\\"", "<a\\>"},
		{"\"a\\nb\"", "<a\nb>"},
		{"\"\\x41\\x7a\\xC3\\xa9\"", "<Az\xc3\xa9>"},
		{"show | include x", "show/|/include/x"},
		{"show |include a|b", "show/|/include/a|b"},
		{"include \"| x\"", "include/<| x>"},
		{"||", "|/|"},
		{"\"open", "1: syntax.incomplete"},
		{"a \"open\\\"", "3: syntax.incomplete"},
		{"a \"", "3: syntax.incomplete"},
		{"a \"\\", "3: syntax.incomplete"},
		{"\"a\"b", "4: value.format"},
		{"\"a\\q\"", "3: value.format"},
		{"\"\\x4\"", "2: value.format"},
		{"\"\\x00\"", "2: value.format"},
		{"\"\\xff\"", "1: value.format"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[256];

		assert_string_equal(words_of(span_of(rows[i].line), out, sizeof(out)),
				    rows[i].words);
	}
}

static void columns_count_bytes(void **state)
{
	struct span line = span_of("\xc3\xa9t\xc3\xa9 b");
	struct token token;
	size_t pos = 0;

	(void)state;
	assert_true(token_next(line, &pos, &token));
	assert_int_equal(token.column, 1);
	assert_true(token_next(line, &pos, &token));
	assert_int_equal(token.column, 7);
	assert_false(token_next(line, &pos, &token));
}

static void refuses_bytes(void **state)
{
	static const struct {
		const char *line;
		int column; /* 0: allowed */
	} rows[] = {
		{"plain", 0},
		{"tab\tis fine", 0},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x9e", 0},
		{"\xf4\x8f\xbf\xbf", 0},
		{"bell\a", 5},
		{"del\x7f", 4},
		{"line\nbreak", 5},
		{"\x80", 1},
		{"a\xc0\xaf", 2},
		{"a\xc1\xbf", 2},
		{"\xe0\x9f\xbf", 1},
		{"\xed\xa0\x80", 1},
		{"\xf0\x8f\xbf\xbf", 1},
		{"\xf4\x90\x80\x80", 1},
		{"\xf5\x80\x80\x80", 1},
		{"cut \xe2\x82", 5},
	};
	struct vos_fault fault = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum vos_err err = token_check_line(span_of(rows[i].line), &fault);

		assert_int_equal(err, rows[i].column ? VOS_EINVAL : VOS_OK);
		if (rows[i].column)
			assert_int_equal(fault.column, rows[i].column);
	}
	assert_int_equal(token_check_line((struct span){"a\0b", 3}, &fault), VOS_EINVAL);
	assert_int_equal(fault.column, 2);
}

static void bounds_length(void **state)
{
	char line[GRAMMAR_LINE_MAX + 1];
	struct vos_fault fault = {0};

	(void)state;
	memset(line, 'a', sizeof(line));
	assert_int_equal(token_check_line((struct span){line, GRAMMAR_LINE_MAX}, &fault), VOS_OK);
	assert_int_equal(token_check_line((struct span){line, GRAMMAR_LINE_MAX + 1}, &fault),
			 VOS_EINVAL);
	assert_int_equal(fault.column, GRAMMAR_LINE_MAX + 1);
}

static void knows_comments(void **state)
{
	(void)state;
	assert_true(token_line_is_comment(span_of("")));
	assert_true(token_line_is_comment(span_of("  ! note")));
	assert_true(token_line_is_comment(span_of("#note")));
	assert_false(token_line_is_comment(span_of("a ! note")));
}

/* What token_quote writes is read back as one word with the same text. */
static void quotes_back(void **state)
{
	static const char *const texts[] = {
		"",      "plain",     "two words",    "\"",    "back\\slash",
		"a\\nb", "new\nline", "\x01\x1f\x7f", "| x",   "|",
		"!",     "#1",        "a|b!#",        "tab\t", "\xc3\xa9t\xc3\xa9",
		"\\",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf quoted = buf_new();
		struct buf back = buf_new();
		struct token token;
		size_t pos = 0;

		token_quote(span_of(texts[i]), &quoted);
		assert_int_equal(token_check_line(buf_span(&quoted), NULL), VOS_OK);
		assert_true(token_next(buf_span(&quoted), &pos, &token));
		assert_int_equal(token_text(&token, &back, NULL), VOS_OK);
		assert_string_equal(buf_cstr(&back), texts[i]);
		assert_false(token_next(buf_span(&quoted), &pos, &token));
		assert_false(token_is_pipe(&token));
		buf_free(&quoted);
		buf_free(&back);
	}
}

TEST_MAIN(cmocka_unit_test(splits_lines), cmocka_unit_test(columns_count_bytes),
	  cmocka_unit_test(refuses_bytes), cmocka_unit_test(bounds_length),
	  cmocka_unit_test(knows_comments), cmocka_unit_test(quotes_back))
