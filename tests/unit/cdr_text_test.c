/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of records in their three forms, against tests/golden/cdr; VOS_GOLDEN=write in the
 * environment writes them anew. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/call/cause.h"
#include "switchd/cdr/text.h"

#define BASE_MS 1763683142123

static void ended(struct cdr *cdr, struct cause cause)
{
	cdr->cause = cause_number(cause);
	cdr->q850 = cause_q850(cause);
	cause_name(cause, cdr->cause_name, sizeof(cdr->cause_name));
}

/* From a gateway to a gateway, with all that there can be to know of it. */
static struct cdr whole(void)
{
	struct cdr cdr = {
		.flow = 1,
		.key = 0x0100000000000001,
		.caller_received = "0049301001",
		.caller = "49301001",
		.caller_sent = "+49301001",
		.callee_received = "9#8612345",
		.callee = "8612345",
		.callee_sent = "00128612345",
		.caller_party = "mapping-gateway retail",
		.callee_party = "routing-gateway carrier-b",
		.caller_address = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, 1}},
		.callee_address = {.family = ADDR_IP6, .port = 5080, .ip = {0x20, 1, 0xd, 0xb8}},
		.caller_media = {.family = ADDR_IP4, .port = 4000, .ip = {192, 0, 2, 9}},
		.caller_codec = "PCMA",
		.callee_codec = "PCMA",
		.caller_call_id = "a@192.0.2.1",
		.callee_call_id = "v1-00ff",
		.caller_protocol = "sip",
		.callee_protocol = "sip",
		.start_ms = BASE_MS,
		.answer_ms = BASE_MS + 4500,
		.stop_ms = BASE_MS + 4500 + 61049,
		.ring_ms = 870,
		.talk_ms = 61049,
		.hold_s = 61,
		.side = CDR_BY_CALLEE,
		.is_relayed = 1,
		.media_step = "mode",
		.attempts = 2,
		.tried = "routing-gateway carrier-a:503, routing-gateway carrier-b:answered",
		.caller_packets = 3052,
		.callee_packets = 3050,
		.callee_lost = 2,
		.caller_jitter_us = 320,
		.caller_mos = 441,
		.callee_mos = 438,
		.reason = "Q.850;cause=16;text=\"Normal, call clearing\"",
	};

	ended(&cdr, cause_of(CAUSE_NORMAL));
	return cdr;
}

/* Of a phone, refused; the callee's name has what would break a line. */
static struct cdr refused(void)
{
	struct cdr cdr = {
		.flow = 2,
		.key = 0x0100000000000002,
		.caller_received = "1001",
		.caller = "1001",
		.callee_received = "1002|\n\"",
		.callee = "1002|\n\"",
		.caller_party = "phone 1001",
		.callee_party = "phone 1002",
		.caller_address = {.family = ADDR_IP4, .port = 40001, .ip = {198, 51, 100, 7}},
		.start_ms = BASE_MS,
		.stop_ms = BASE_MS + 21000,
		.ring_ms = 90,
		.side = CDR_BY_CALLEE,
		.attempts = 1,
		.tried = "phone 1002:486",
		.told = 486,
	};

	ended(&cdr, cause_received(486));
	return cdr;
}

static struct cdr stranger(void)
{
	struct cdr cdr = {
		.flow = 3,
		.caller = "100",
		.callee = "00972595",
		.caller_address = {.family = ADDR_IP4, .port = 5070, .ip = {203, 0, 113, 66}},
		.start_ms = BASE_MS,
		.stop_ms = BASE_MS,
		.side = CDR_BY_SWITCH,
		.told = 401,
		.billing_mode = -1,
	};

	ended(&cdr, cause_of(CAUSE_UNAUTHORIZED));
	return cdr;
}

static struct cdr cut(void)
{
	struct cdr cdr = whole();

	cdr.flow = 4;
	cdr.talk_ms = 9950;
	cdr.hold_s = 10;
	cdr.stop_ms = cdr.answer_ms + cdr.talk_ms;
	cdr.side = CDR_BY_SWITCH;
	cdr.reason[0] = '\0';
	ended(&cdr, cause_of(CAUSE_RESTART));
	return cdr;
}

static void assert_golden(enum cdr_form form, const char *name)
{
	const struct cdr cdrs[] = {whole(), refused(), stranger(), cut()};
	const char *root = getenv("VOS_SOURCE_DIR");
	const char *mode = getenv("VOS_GOLDEN");
	bool is_written = mode && strcmp(mode, "write") == 0;
	struct buf text = buf_new();
	char golden[16384];
	char path[512];
	size_t len;
	FILE *file;

	if (form == CDR_CSV)
		cdr_text_heading(&text);
	for (size_t i = 0; i < sizeof(cdrs) / sizeof(cdrs[0]); i++)
		cdr_text_line(form, &cdrs[i], &text);
	assert_false(text.failed);
	snprintf(path, sizeof(path), "%s/tests/golden/cdr/%s", root ? root : ".", name);
	file = fopen(path, is_written ? "w" : "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	if (is_written)
		fwrite(text.data, 1, text.len, file);
	len = is_written ? 0 : fread(golden, 1, sizeof(golden) - 1, file);
	fclose(file);
	golden[len] = '\0';
	if (!is_written)
		assert_string_equal(buf_cstr(&text), golden);
	buf_free(&text);
}

static void hourly(void **state)
{
	(void)state;
	assert_golden(CDR_BARS, "2025112023.txt");
}

static void csv(void **state)
{
	(void)state;
	assert_golden(CDR_CSV, "records.csv");
}

static void json(void **state)
{
	(void)state;
	assert_golden(CDR_JSON, "records.json");
}

static void assert_time(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char expected[64];
	char utc[CLOCK_TEXT_MAX];
	char text[CDR_TIME_TEXT];
	struct tm parts;

	assert_non_null(gmtime_r(&seconds, &parts));
	strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &parts);
	assert_string_equal(clock_print_utc(wall_ms, utc), expected);
	snprintf(expected + strlen(expected) - 1, 8, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
	assert_string_equal(cdr_time_text(wall_ms, text), expected);
}

/* As the C library has them: each day of 400 years and more, and the ends of what there is. */
static void times(void **state)
{
	static const int64_t ends_ms[] = {0,
					  1,
					  999,
					  86399999,
					  86400000,
					  951782399999,
					  951782400000,
					  253402300799999,
					  253402300800000,
					  -1,
					  -1000,
					  -62135596800000};

	(void)state;
	for (size_t i = 0; i < sizeof(ends_ms) / sizeof(ends_ms[0]); i++)
		assert_time(ends_ms[i]);
	for (int64_t day = 0; day < 150000; day++)
		assert_time(day * 86400000 + day * 577 % 86400000);
	assert_time(BASE_MS);
}

/* Whatever came over the network: in the middle, at the ends, alone. */
static void odd_texts(void **state)
{
	static const struct {
		const char *text;
		const char *csv;
		const char *json;
		const char *bars;
	} rows[] = {
		{"", ",", "null", "|"},
		{"a b~", "a b~,", "\"a b~\"", "a b~|"},
		{"a,b", "\"a,b\",", "\"a,b\"", "a,b|"},
		{"\"", "\"\"\"\",", "\"\\\"\"", "\"|"},
		{"a\\b", "a\\b,", "\"a\\\\b\"", "a\\b|"},
		{"a|b|", "a|b|,", "\"a|b|\"", "a_b_|"},
		{"\na\x7f", "?a?,", "\"?a?\"", "?a?|"},
		{"\xff,\xc3\xa9\"", "\"?,??\"\"\",", "\"?,??\\\"\"", "?,??\"|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const char *const head[] = {
			[CDR_CSV] = "0,0,", [CDR_JSON] = "\"caller_received\":", [CDR_BARS] = ""};
		const char *const parts[] = {[CDR_CSV] = rows[i].csv,
					     [CDR_JSON] = rows[i].json,
					     [CDR_BARS] = rows[i].bars};
		struct cdr cdr = {0};

		snprintf(cdr.caller_received, sizeof(cdr.caller_received), "%s", rows[i].text);
		snprintf(cdr.caller, sizeof(cdr.caller), "%s", rows[i].text);
		for (int form = CDR_CSV; form <= CDR_BARS; form++) {
			struct buf line = buf_new();
			char expected[128];

			snprintf(expected, sizeof(expected), "%s%s", head[form], parts[form]);
			cdr_text_line((enum cdr_form)form, &cdr, &line);
			assert_non_null(strstr(buf_cstr(&line), expected));
			buf_free(&line);
		}
	}
}

TEST_MAIN(cmocka_unit_test(times), cmocka_unit_test(odd_texts), cmocka_unit_test(hourly),
	  cmocka_unit_test(csv), cmocka_unit_test(json))
