/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines made of the grammar's own words, half of them spoilt: parsing, TAB and ? agree with each
 * other, and a line that is taken is taken again in its full form. VOS_RANDOM_LINES makes more of
 * them. */
#include "shared/grammar/grammar.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/grammar/token.h"
#include "tests/support/test.h"

#define LINES      8000
#define WORDS_MAX  12
#define OFFERS_MAX 64

static const char *const modes[] = {
	"exec",
	"config",
	"config-softswitch-management",
	"config-additional-settings",
	"config-sip-parameter",
	"config-system-parameter",
	"config-server-parameter",
	"config-phone:1001",
	"config-routing-gateway:a",
	"config-registration:a",
	"config-logging",
	"config-alarm:cpu",
};

static const char *const values[] = {
	"0",
	"1",
	"-1",
	"30",
	"99999999999999999999",
	"1001",
	"a b",
	"",
	"x\"y",
	"127.0.0.1",
	"::1",
	"127.0.0.1:5060",
	"on",
	"default",
	"|",
	"!",
	"\xc3\xa9\xe6\xbc\xa2",
	"10.0.0.0/8",
	"plain",
	"sealed",
	"v1:AAAA",
	"SS_SIP_SESSION_TTL",
	"SS_",
	"=",
	"none",
	"00ff",
	"append",
	"a\\b",
	"*",
};

static uint64_t seed;

/* The same everywhere: splitmix64. */
static uint64_t random_number(uint64_t limit)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % limit;
}

/* One of what may stand next, chosen fairly although their number is known only at the end. */
struct offer {
	size_t count;
	bool can_end;
	char word[sizeof(((struct candidate *)0)->word)];
};

static void take_offer(void *context, const struct candidate *candidate)
{
	struct offer *offer = context;

	assert_non_null(memchr(candidate->word, 0, sizeof(candidate->word)));
	assert_non_null(memchr(candidate->type, 0, sizeof(candidate->type)));
	assert_non_null(memchr(candidate->help, 0, sizeof(candidate->help)));
	if (strcmp(candidate->word, "<cr>") == 0)
		offer->can_end = true;
	else if (random_number(++offer->count) == 0)
		memcpy(offer->word, candidate->word, sizeof(offer->word));
}

static void add_spoilt(struct buf *line, const char *word)
{
	size_t len = strlen(word);

	switch (random_number(12)) {
	case 0: /* cut short */
		buf_add(line, word, len ? 1 + random_number(len) : 0);
		break;
	case 1: { /* one byte is another */
		size_t at = line->len;

		buf_add(line, word, len);
		if (len)
			line->data[at + random_number(len)] = (char)random_number(256);
		break;
	}
	case 2:
		token_quote(span_of(word), line);
		break;
	case 3:
		for (size_t i = 0; i < len; i++)
			buf_add_char(line, (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 32
										   : word[i]));
		break;
	case 4: /* open */
		buf_printf(line, "\"%s", word);
		break;
	default:
		buf_add(line, word, len);
		break;
	}
}

/* Adds words that may follow each other, more or less. */
static void make_line(const struct grammar *grammar, const struct mode *mode, struct buf *line)
{
	uint64_t words = 1 + random_number(WORDS_MAX);

	buf_reset(line);
	for (uint64_t i = 0; i < words; i++) {
		struct offer offer = {0};

		grammar_help(grammar, mode, ROLE_ADMIN, buf_span(line), take_offer, &offer);
		if (offer.can_end && random_number(4) == 0)
			break;
		if (!offer.count && random_number(3))
			break;
		if (offer.word[0] && random_number(20))
			add_spoilt(line, offer.word);
		else
			add_spoilt(line, values[random_number(sizeof(values) / sizeof(values[0]))]);
		buf_add_char(line, random_number(30) ? ' ' : '\t');
	}
}

static struct match match;
static struct match again;

/* Whether the line was taken. */
static bool check_match(const struct grammar *grammar, const struct mode *mode, struct span line)
{
	struct vos_fault fault = {0};
	enum vos_err err = grammar_match(grammar, mode, line, &match, &fault);

	if (err == VOS_ENOENT && fault.code == FAULT_NONE)
		return false;
	if (err) {
		assert_int_equal(err, VOS_EINVAL);
		assert_true(fault.code != FAULT_NONE && fault.text[0]);
		assert_true(fault.column >= 1 && fault.column <= GRAMMAR_LINE_MAX + 1);
		return false;
	}
	if (match.has_secret)
		return true;
	if (grammar_match(grammar, mode, span_of(match.full_line), &again, &fault) != VOS_OK)
		fail_msg("\"%.*s\" is \"%s\": %s", SPAN_ARG(line), match.full_line, fault.text);
	assert_int_equal(again.command, match.command);
	assert_int_equal(again.inner, match.inner);
	assert_true(span_eq(again.value_text, match.value_text));
	assert_string_equal(again.full_line, match.full_line);
	assert_false(again.is_abbreviated);
	return true;
}

struct offers {
	size_t count;
	char words[OFFERS_MAX][sizeof(((struct candidate *)0)->word)];
};

static void keep_offer(void *context, const struct candidate *candidate)
{
	struct offers *offers = context;

	if (offers->count < OFFERS_MAX)
		memcpy(offers->words[offers->count++], candidate->word, sizeof(offers->words[0]));
}

/* What TAB offers is never an unknown word when it is taken. */
static void check_complete(const struct grammar *grammar, const struct mode *mode, struct span line)
{
	static struct offers offers;
	struct completion completion;

	offers.count = 0;
	grammar_complete(grammar, mode, ROLE_ADMIN, line, &completion, keep_offer, &offers);
	assert_true(completion.word.len <= line.len);
	for (size_t i = 0; i < offers.count; i++) {
		struct vos_fault fault = {0};
		struct buf longer = buf_new();
		size_t at = line.len - completion.word.len;

		buf_add(&longer, line.ptr, at);
		buf_add_str(&longer, offers.words[i]);
		if (longer.len <= GRAMMAR_LINE_MAX &&
		    grammar_match(grammar, mode, buf_span(&longer), &match, &fault) != VOS_OK &&
		    fault.column == (int)at + 1 && fault.code == FAULT_SYNTAX_UNKNOWN_WORD)
			fail_msg("\"%s\" was offered: %s", buf_cstr(&longer), fault.text);
		buf_free(&longer);
	}
}

static void lines_of_the_grammar(void **state)
{
	const char *wanted = getenv("VOS_RANDOM_LINES");
	long count = wanted ? atol(wanted) : LINES;
	struct grammar *grammar = grammar_create();
	struct buf line = buf_new();
	long taken = 0;

	(void)state;
	assert_non_null(grammar);
	seed = 42;
	for (long i = 0; i < count; i++) {
		struct mode mode;
		char *copy;

		assert_true(mode_parse(
			span_of(modes[random_number(sizeof(modes) / sizeof(modes[0]))]), &mode));
		make_line(grammar, &mode, &line);
		/* Exactly as long as the line, so that a read behind it is seen. */
		copy = malloc(line.len + 1);
		assert_non_null(copy);
		memcpy(copy, line.data, line.len);
		taken += check_match(grammar, &mode, (struct span){copy, line.len});
		if (i % 16 == 0)
			check_complete(grammar, &mode,
				       (struct span){copy, random_number(line.len + 1)});
		free(copy);
	}
	/* Else nothing would have been tried. */
	assert_in_range(taken, count / 10, count - count / 10);
	buf_free(&line);
	grammar_destroy(grammar);
}

TEST_MAIN(cmocka_unit_test(lines_of_the_grammar))
