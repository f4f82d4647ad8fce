/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values: the round trip of every parameter and field at its edges, refusals, other spellings. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/catalog/catalog.h"
#include "shared/catalog/checks.h"

#define SAMPLES_MAX 80
#define SAMPLE_LEN  1100

struct samples {
	char text[SAMPLES_MAX][SAMPLE_LEN];
	int count;
};

static void add(struct samples *samples, const char *text)
{
	assert_true(samples->count < SAMPLES_MAX);
	assert_true(strlen(text) < SAMPLE_LEN);
	strcpy(samples->text[samples->count++], text);
}

static void add_repeated(struct samples *samples, char c, int64_t times)
{
	char text[SAMPLE_LEN] = "";

	assert_true(times < SAMPLE_LEN);
	memset(text, c, (size_t)times);
	add(samples, text);
}

static const struct {
	bool (*check)(const struct value *value);
	const char *good, *bad;
} rules[] = {
	{check_name, "carrier-a", "carrier a"},
	{check_number, "alice.1+2*#", "10 01"},
	{check_digits, "+4930*#1", "12+3"},
	{check_login, "alice_1", "-alice"},
	{check_hostname, "sw1.example.org", "sw1..example"},
	{check_realm, "my realm", "my\"realm"},
	{check_path, "/etc/switchd/key.pem", "etc/key.pem"},
	{check_ip_or_empty, "192.0.2.1", "192.0.2.1:99"},
	{check_host_port, "sip.example.org:5070", "sip.example.org:70000"},
	{check_url, "https://cdr.example.org:8443/take?a=b", "https://user:word@cdr.example.org/"},
	{check_host_port_list, "cdr.example.org:80,[2001:db8::1]:81", "cdr.example.org"},
	{check_amount, "0.001", "0.000"},
	{check_number_list, "110,112*", "110,,112"},
	{check_hours, "0,9,23", "0,24"},
	{check_ivr_codecs, "g711u,g729", "g711u,g711u"},
	{check_dtmf_key, "#", "x"},
	{check_rule, "0049*->$0;1-3", "0049"},
	{check_cause_pair, "486:480", "486-480"},
	{check_period, "mon-fri 08:00-18:00 allow", "mon-fri 08:00-25:00 allow"},
	{check_weighted_prefix, "70:0099", "0:99"},
	{check_times, "sun 00:00-24:00 deny caller 49", "sun 00:00-24:00 capacity 5"},
};

static void add_ruled_text(const struct value_spec *spec, struct samples *samples)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (spec->check != rules[i].check)
			continue;
		add(samples, rules[i].good);
		return;
	}
	fail_msg("no sample for a rule: %s", spec->extra);
}

static void add_number(struct samples *samples, int64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	add(samples, text);
}

static void add_pair(struct samples *samples, int64_t a, char between, int64_t b)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld%c%lld", (long long)a, between, (long long)b);
	add(samples, text);
}

/* Rules first: what they let in has samples of its own. */
static void add_texts(const struct value_spec *spec, struct samples *samples)
{
	if (spec->canonical == canonical_source) {
		add(samples, "192.0.2.1");
		add(samples, "192.0.2.1:5060");
		add(samples, "10.0.0.0/8");
		add(samples, "[2001:db8::1]:5060");
	} else if (spec->canonical == canonical_digest_algorithms) {
		add(samples, "md5");
		add(samples, "sha-256,sha-256-sess,md5,md5-sess");
	} else if (spec->canonical == canonical_pair) {
		add(samples, "49:*");
	} else if (spec->check) {
		add_ruled_text(spec, samples);
	} else {
		add_repeated(samples, 'x', spec->min);
		add_repeated(samples, 'x', spec->max);
	}
}

/* Canonical texts at the edges of a spec: each must come back as it went in. */
static void edge_samples(const struct value_spec *spec, struct samples *samples)
{
	switch (spec->type) {
	case VALUE_NONE:
		break;
	case VALUE_BOOL:
		add(samples, "on");
		add(samples, "off");
		break;
	case VALUE_INT:
	case VALUE_DURATION:
		add_number(samples, spec->min);
		add_number(samples, spec->max);
		if (spec->none_word)
			add(samples, spec->none_word);
		break;
	case VALUE_ENUM:
		for (int i = 0; spec->words[i]; i++)
			add(samples, spec->words[i]);
		break;
	case VALUE_STRING:
		add_texts(spec, samples);
		break;
	case VALUE_SECRET:
		add(samples, "v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_09");
		break;
	case VALUE_PORT_RANGE:
		add_pair(samples, spec->min, ',', spec->max);
		add_pair(samples, spec->max - 1, ',', spec->max);
		break;
	case VALUE_INTERVAL_LIST:
		add(samples, "0.001");
		add(samples, "3600,0.25,1.5,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,0.5");
		break;
	case VALUE_TOS:
		add(samples, "0x00");
		add(samples, "0xfc");
		break;
	case VALUE_DEFAULT_MAX:
		add_pair(samples, spec->min, '/', spec->max);
		add_pair(samples, spec->max, '/', spec->max);
		break;
	case VALUE_ADDRESS:
		add(samples, spec->port == VALUE_PORT_NONE ? "2001:db8::1" : "[2001:db8::1]:65535");
		add(samples, spec->port == VALUE_PORT_REQUIRED ? "192.0.2.1:1" : "192.0.2.1");
		break;
	case VALUE_PREFIX:
		add(samples, "0.0.0.0/0");
		add(samples, "192.0.2.1/32");
		add(samples, "2001:db8::/32");
		break;
	}
}

static void parse_ok(const struct value_spec *spec, const char *label, const char *text,
		     struct value *out)
{
	struct vos_fault fault = {0};

	if (value_parse(spec, label, span_of(text), out, &fault) != VOS_OK)
		fail_msg("%s refuses \"%s\": %s", label, text, fault.text);
}

static void assert_prints(const struct value_spec *spec, const struct value *value,
			  const char *expected)
{
	struct buf buf = buf_new();

	value_print(spec, value, &buf);
	assert_string_equal(buf_cstr(&buf), expected);
	buf_free(&buf);
}

static void assert_round_trip(const struct value_spec *spec, const char *label, const char *text)
{
	struct value first, second, copy;
	struct buf printed = buf_new();

	parse_ok(spec, label, text, &first);
	assert_int_equal(first.type, spec->type);
	value_print(spec, &first, &printed);
	if (strcmp(buf_cstr(&printed), text) != 0)
		fail_msg("%s: \"%s\" came back as \"%s\"", label, text, buf_cstr(&printed));
	parse_ok(spec, label, buf_cstr(&printed), &second);
	assert_true(value_equal(&first, &second));
	assert_int_equal(value_copy(&first, &copy), VOS_OK);
	value_clear(&first);
	assert_int_equal(first.type, VALUE_NONE);
	assert_true(value_equal(&copy, &second));
	assert_false(value_equal(&copy, &first));
	value_clear(&copy);
	value_clear(&second);
	buf_free(&printed);
}

static void assert_edges_round_trip(const struct value_spec *spec, const char *label)
{
	struct samples samples = {.count = 0};

	edge_samples(spec, &samples);
	for (int i = 0; i < samples.count; i++)
		assert_round_trip(spec, label, samples.text[i]);
}

static void every_parameter_comes_back_as_written(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct param *param = param_get((enum param_id)i);

		assert_edges_round_trip(&param->spec, param->name);
		if (param->has_default)
			assert_round_trip(&param->spec, param->name, param->default_text);
	}
}

static void every_field_and_key_comes_back_as_written(void **state)
{
	(void)state;
	for (int i = 0; i < FIELD_COUNT; i++) {
		const struct field *field = field_get((enum field_id)i);

		assert_edges_round_trip(&field->spec, field->keyword);
		if (field->has_default)
			assert_round_trip(&field->spec, field->keyword, field->default_text);
	}
	for (int i = 0; i < OBJECT_COUNT; i++)
		assert_edges_round_trip(&object_type((enum object_kind)i)->key, "key");
}

/* Refused with a fault that starts with the label and ends with what is allowed. */
static void assert_refused(const struct value_spec *spec, const char *label, const char *text,
			   enum fault_code code)
{
	struct vos_fault fault = {.column = 7};
	struct value value = {.type = VALUE_BOOL, .boolean = true};
	char start[128];

	if (value_parse(spec, label, span_of(text), &value, &fault) != VOS_EINVAL)
		fail_msg("%s takes \"%s\"", label, text);
	assert_int_equal(value.type, VALUE_BOOL); /* untouched */
	if (fault.code != code)
		fail_msg("%s \"%s\": code %s: %s", label, text, fault_code_name(fault.code),
			 fault.text);
	snprintf(start, sizeof(start), "%s: ", label);
	assert_int_equal(strncmp(fault.text, start, strlen(start)), 0);
	assert_non_null(strstr(fault.text, "; allowed "));
	assert_int_equal(fault.column, 0);
	assert_int_equal(value_parse(spec, label, span_of(text), &value, NULL), VOS_EINVAL);
}

static void assert_beyond_refused(const struct value_spec *spec, const char *label)
{
	struct samples beyond = {.count = 0};
	char allowed[64];
	struct vos_fault fault;
	struct value value;

	switch (spec->type) {
	case VALUE_INT:
	case VALUE_DURATION:
		add_number(&beyond, spec->min - 1);
		if (spec->none_word && strtoll(beyond.text[0], NULL, 10) == spec->none_number &&
		    spec->none_word[0] == '0')
			beyond.count = 0;
		add_number(&beyond, spec->max + 1);
		break;
	case VALUE_PORT_RANGE:
		add_pair(&beyond, spec->min - 2, ',', spec->max);
		add_pair(&beyond, spec->min, ',', spec->max + 1);
		break;
	case VALUE_DEFAULT_MAX:
		add_pair(&beyond, spec->min - 1, '/', spec->max);
		add_pair(&beyond, spec->min, '/', spec->max + 1);
		break;
	case VALUE_STRING:
	case VALUE_SECRET:
		if (spec->min > 0)
			add_repeated(&beyond, '1', spec->min - 1);
		add_repeated(&beyond, '1', spec->max + 1);
		break;
	default:
		return;
	}
	snprintf(allowed, sizeof(allowed), "%lld..%lld", (long long)spec->min,
		 (long long)spec->max);
	for (int i = 0; i < beyond.count; i++) {
		assert_refused(spec, label, beyond.text[i], FAULT_VALUE_RANGE);
		memset(&fault, 0, sizeof(fault));
		assert_int_equal(value_parse(spec, label, span_of(beyond.text[i]), &value, &fault),
				 VOS_EINVAL);
		if (!strstr(fault.text, allowed))
			fail_msg("no range %s in: %s", allowed, fault.text);
	}
}

static void beyond_the_edges_is_refused_naming_the_range(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++)
		assert_beyond_refused(&param_get((enum param_id)i)->spec,
				      param_get((enum param_id)i)->keyword);
	for (int i = 0; i < FIELD_COUNT; i++)
		assert_beyond_refused(&field_get((enum field_id)i)->spec,
				      field_get((enum field_id)i)->keyword);
}

static void every_word_is_found_in_any_spelling(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct value_spec *spec = &param_get((enum param_id)i)->spec;

		if (spec->type != VALUE_ENUM)
			continue;
		for (int w = 0; spec->words[w]; w++) {
			char text[64];
			struct value value;

			snprintf(text, sizeof(text), "%s", spec->words[w]);
			for (char *c = text; *c; c++)
				*c = (char)(*c == '-'                ? ' '
					    : *c >= 'a' && *c <= 'z' ? *c - 32
								     : *c);
			parse_ok(spec, "word", text, &value);
			assert_int_equal(value.number, w);
			assert_string_equal(value_word(spec, &value), spec->words[w]);
		}
		assert_refused(spec, "word", "nonsense", FAULT_VALUE_FORMAT);
		assert_refused(spec, "word", "", FAULT_VALUE_FORMAT);
	}
}

static const struct value_spec *spec_of(const char *name)
{
	int id = param_find_name(span_of(name));

	if (id < 0)
		fail_msg("no parameter %s", name);
	return &param_get((enum param_id)id)->spec;
}

/* The text is taken and prints as expected. */
static void assert_becomes(const char *name, const char *text, const char *expected)
{
	struct value value;

	parse_ok(spec_of(name), name, text, &value);
	assert_prints(spec_of(name), &value, expected);
	value_clear(&value);
}

static void assert_fault(const char *name, const char *text, const char *expected)
{
	struct vos_fault fault = {0};
	struct value value;

	assert_int_equal(value_parse(spec_of(name), "p", span_of(text), &value, &fault),
			 VOS_EINVAL);
	assert_string_equal(fault.text, expected);
}

static void spellings_of_the_product_are_taken(void **state)
{
	(void)state;
	assert_becomes("SS_MEDIA_PROXY_MODE", "Must On", "must-on");
	assert_becomes("SS_MEDIA_PROXY_MODE", "MUST_ON", "must-on");
	assert_becomes("SS_MEDIA_PROXY_MODE", "Auto", "auto");
	assert_becomes("SS_MEDIAPROXYBETWEENNET", "Off", "off");
	assert_becomes("ss_media_proxy_between_net", "Yes", "on");
	assert_becomes("SS_SIP_AUTHENTICATION_CODE", "Unauthorized(401)", "unauthorized");
	assert_becomes("SS_SIP_AUTHENTICATION_CODE", "401", "unauthorized");
	assert_becomes("SS_AUTHCHALLENGEMODE", "Proxy Authentication Required(407)",
		       "proxy-authentication-required");
	assert_becomes("SS_SIP_AUTHENTICATION_CODE", "407", "proxy-authentication-required");
	assert_becomes("SS_H323_DTMF_METHOD", "H.245 alphanumeric", "h245-alphanumeric");
	assert_becomes("SS_H323_Q931_NUMBERING_PLAN", "ISDNPlan(1)", "isdn");
	assert_becomes("SS_H323_Q931_SCREENING_INDICATOR", "User-provided not screened",
		       "not-screened");
	assert_becomes("SS_SIP_USER_AGENT_PRIVACY", "Ignore", "ignore");
	assert_becomes("SS_SIP_USER_AGENT_EXPIRE", "Auto", "auto");
	assert_becomes("SS_SIP_USER_AGENT_EXPIRE", "Auto Negotiation", "auto");
	assert_becomes("SS_GATEWAY_SWITCH_LIMIT", "None", "none");
	assert_becomes("SS_ENDPOINT_EXPIRE", "300 / 3600", "300/3600");
	assert_becomes("SERVER_BILLING_FEE_PRECISTION", "3", "3");
}

static void durations_take_a_unit(void **state)
{
	(void)state;
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "20s", "20");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "2 m", "120");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "24h", "86400");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "30000 ms", "30");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL", "1s", "1000");
	assert_becomes("SS_SIP_SESSION_TTL", "0 s", "0");
	assert_refused(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "p", "30500ms", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "p", "30 x", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "p", "30.5", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "p", "s", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "p", "99999999999999999999h",
		       FAULT_VALUE_RANGE);
	assert_becomes("SERVER_BILLING_HOLD_TIME_PRECISION", "50 ms", "50");
	assert_refused(spec_of("SS_AUTHENTICATION_MAX_RETRY"), "p", "6 s", FAULT_VALUE_FORMAT);
}

static void faults_say_what_is_allowed(void **state)
{
	(void)state;
	assert_fault("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "5",
		     "p: 5 s is below the minimum; allowed 10..86400 s");
	assert_fault("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "86401",
		     "p: 86401 s is above the maximum; allowed 10..86400 s");
	assert_fault("SS_SIP_NAT_KEEP_ALIVE_PERIOD", "soon",
		     "p: \"soon\" is not a whole number; allowed 10..86400 s");
	assert_fault("SS_AUTHENTICATION_MAX_RETRY", "99999999999999999999999",
		     "p: \"99999999999999999999999\" is above the maximum; allowed 0..999");
	assert_fault("SS_SIP_USER_AGENT_EXPIRE", "-1",
		     "p: -1 s is below the minimum; allowed auto or 20..7200 s");
	assert_fault("SS_SIP_SESSION_TTL", "89",
		     "p: 89 s is below the minimum; allowed 0 or 90..86400 s");
	assert_fault("SS_MEDIA_PROXY_MODE", "maybe",
		     "p: \"maybe\" is not one of the words; allowed auto|on|off|must-on");
	assert_fault("SS_REPLY_UNAUTHORIZED", "perhaps",
		     "p: \"perhaps\" is neither on nor off; allowed on|off");
	assert_fault("SS_RTP_PORT_RANGE", "10001,20000",
		     "p: \"10001,20000\" is not allowed; allowed low,high 1024..65535, "
		     "low even and below high");
	assert_fault("SS_SIP_SESSION_UPDATE_SEGMENT", "11",
		     "p: \"11\" is not allowed; allowed 2..86400, "
		     "2..10 divides the TTL, from 30 it is seconds");
	assert_fault("SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "a\tb",
		     "p: text has control characters or is not UTF-8; allowed text 0..64 bytes");
}

static void numbers_with_two_readings_keep_them_apart(void **state)
{
	static const char *const refused[] = {"0", "1", "11", "29", "86401", "-5"};

	(void)state;
	assert_becomes("SS_SIP_SESSION_UPDATE_SEGMENT", "2", "2");
	assert_becomes("SS_SIP_SESSION_UPDATE_SEGMENT", "10", "10");
	assert_becomes("SS_SIP_SESSION_UPDATE_SEGMENT", "30", "30");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(spec_of("SS_SIP_SESSION_UPDATE_SEGMENT"), "p", refused[i],
			       FAULT_VALUE_RANGE);
	assert_becomes("SS_SIP_SESSION_TTL", "0", "0");
	assert_refused(spec_of("SS_SIP_SESSION_TTL"), "p", "1", FAULT_VALUE_RANGE);
	assert_becomes("SS_GATEWAY_SWITCH_LIMIT", "0", "0");
	assert_refused(spec_of("SS_GATEWAY_SWITCH_LIMIT"), "p", "-1", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_SIP_USER_AGENT_EXPIRE"), "p", "0", FAULT_VALUE_RANGE);
}

static void port_ranges(void **state)
{
	(void)state;
	assert_becomes("SS_RTP_PORT_RANGE", "10000-39999", "10000,39999");
	assert_becomes("SS_RTP_PORT_RANGE", "10000 , 10001", "10000,10001");
	assert_becomes("SS_H245_PORT_RANGE", "10001,10001", "10001,10001");
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "10000,10000", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "20000,10000", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "10000", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "10000,", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "10000,2,3", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_RTP_PORT_RANGE"), "p", "", FAULT_VALUE_FORMAT);
}

static void interval_lists(void **state)
{
	struct value value;

	(void)state;
	parse_ok(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "0.5, 1,2.250", &value);
	assert_int_equal(value.intervals.count, 3);
	assert_int_equal(value.intervals.ms[0], 500);
	assert_int_equal(value.intervals.ms[1], 1000);
	assert_int_equal(value.intervals.ms[2], 2250);
	assert_prints(spec_of("SS_SIP_RESEND_INTERVAL"), &value, "0.5,1,2.25");
	assert_becomes("SS_SIP_RESEND_INTERVAL", "0.05", "0.05");
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "0", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "1,,2", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "1,", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "1.", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", ".5", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "0.0001", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "3600.5", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p", "-1", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_SIP_RESEND_INTERVAL"), "p",
		       "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", FAULT_VALUE_RANGE);
}

static void tos_bytes_lose_the_ecn_bits(void **state)
{
	(void)state;
	assert_becomes("SS_QOS_RTP", "0xB8", "0xb8");
	assert_becomes("SS_QOS_RTP", "184", "0xb8");
	assert_becomes("SS_QOS_RTP", "0xbb", "0xb8");
	assert_becomes("SS_QOS_RTP", "0xff", "0xfc");
	assert_becomes("SS_QOS_RTP", "0", "0x00");
	assert_refused(spec_of("SS_QOS_RTP"), "p", "0x100", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_QOS_RTP"), "p", "256", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_QOS_RTP"), "p", "0xfffffffffffffffff", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_QOS_RTP"), "p", "0x", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_QOS_RTP"), "p", "0xg0", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_QOS_RTP"), "p", "EF", FAULT_VALUE_FORMAT);
}

static void default_and_maximum(void **state)
{
	(void)state;
	assert_becomes("SS_ENDPOINT_EXPIRE", "3600", "3600/3600");
	assert_refused(spec_of("SS_ENDPOINT_EXPIRE"), "p", "3600/300", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_ENDPOINT_EXPIRE"), "p", "19/300", FAULT_VALUE_RANGE);
	assert_refused(spec_of("SS_ENDPOINT_EXPIRE"), "p", "300/", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_ENDPOINT_EXPIRE"), "p", "/300", FAULT_VALUE_FORMAT);
	assert_refused(spec_of("SS_ENDPOINT_EXPIRE"), "p", "300/3600/1", FAULT_VALUE_FORMAT);
}

static void texts_are_utf8_without_controls(void **state)
{
	const struct value_spec *spec = spec_of("SS_SIP_NAT_KEEP_ALIVE_MESSAGE");
	static const char *const refused[] = {
		"a\nb",
		"\x7f",
		"\xc2\x85",
		"\xff",
		"\xc3",
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xe2\x82",
		"\xf5\x80\x80\x80",
	};
	struct value value;

	(void)state;
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "", "");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_MESSAGE",
		       " caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x93\x9e ",
		       " caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x93\x9e ");
	assert_becomes("SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "\xc2\xa0", "\xc2\xa0");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(spec, "p", refused[i], FAULT_VALUE_FORMAT);
	assert_int_equal(value_parse(spec, "p", (struct span){"a\0b", 3}, &value, NULL),
			 VOS_EINVAL);
	parse_ok(spec, "p", "", &value);
	assert_string_equal(value.text, "");
	value_clear(&value);
}

static void rules_refuse_what_breaks_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct value_spec spec = {.type = VALUE_STRING,
					  .max = 64,
					  .check = rules[i].check,
					  .extra = "as the rule says"};

		assert_refused(&spec, "rule", rules[i].bad, FAULT_VALUE_FORMAT);
	}
}

static void more_of_the_rules(void **state)
{
	static const struct {
		bool (*check)(const struct value *value);
		const char *text;
		bool expected;
	} cases[] = {
		{check_hours, "None", true},
		{check_hours, "1,", false},
		{check_digits, "+", false},
		{check_digits, "", true},
		{check_amount, "1", true},
		{check_amount, "1.", false},
		{check_amount, ".5", false},
		{check_amount, "-1", false},
		{check_rule, "->", true},
		{check_rule, "12->a", false},
		{check_rule, "1$->2", false},
		{check_period, "sun 00:00-24:00 deny", true},
		{check_period, "sun 00:00-24:01 deny", false},
		{check_period, "sun 00:00-24:00", false},
		{check_period, "sun 00:00-24:00 deny now", false},
		{check_period, "mon-wed-fri 00:00-24:00 deny", false},
		{check_period, "day 00:00-24:00 deny", false},
		{check_cause_pair, "700:1", false},
		{check_hostname, "-a", false},
		{check_hostname, "a-", false},
		{check_hostname, "a.b-c.d1", true},
		{check_hostname, "a_b", false},
		{check_host_port, "192.0.2.1", true},
		{check_host_port, "2001:db8::1", true},
		{check_host_port, "host:", false},
		{check_host_port, "host:0", false},
		{check_ip_or_empty, "", true},
		{check_ip_or_empty, "host", false},
		{check_name, "a|b", false},
		{check_ivr_codecs, "g729a,opus", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct value value = {.type = VALUE_STRING,
				      .text = (char *)(uintptr_t)cases[i].text};

		if (cases[i].check(&value) != cases[i].expected)
			fail_msg("\"%s\" should be %s", cases[i].text,
				 cases[i].expected ? "taken" : "refused");
	}
}

static void secrets_are_never_shown(void **state)
{
	const struct value_spec *spec = &field_get(FIELD_PHONE_PASSWORD)->spec;
	struct vos_fault fault = {0};
	struct value value;
	char text[200];

	(void)state;
	parse_ok(spec, "password", "s3cret word", &value);
	assert_string_equal(value.text, "s3cret word");
	assert_prints(spec, &value, "<redacted>");
	value_clear(&value);
	parse_ok(spec, "password", "v1:short", &value); /* plain, whatever it looks like */
	assert_prints(spec, &value, "<redacted>");
	value_clear(&value);
	assert_int_equal(value_parse(spec, "password", SPAN_LIT("hush\x01"), &value, &fault),
			 VOS_EINVAL);
	assert_null(strstr(fault.text, "hush"));
	memset(text, 'h', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(value_parse(spec, "password", span_of(text), &value, &fault), VOS_EINVAL);
	assert_null(strstr(fault.text, "hhhh"));
}

static void addresses_and_prefixes(void **state)
{
	const struct value_spec *udp = &field_get(FIELD_LISTEN_UDP)->spec;
	const struct value_spec *media = &field_get(FIELD_LISTEN_MEDIA_ADDRESS)->spec;
	const struct value_spec *phone = &field_get(FIELD_PHONE_ADDRESS)->spec;
	const struct value_spec *prefix = &field_get(FIELD_NETWORK_PREFIX)->spec;
	struct value value;

	(void)state;
	assert_refused(udp, "udp", "192.0.2.1", FAULT_VALUE_FORMAT);
	assert_refused(udp, "udp", "192.0.2.1:0", FAULT_VALUE_FORMAT);
	assert_refused(udp, "udp", "", FAULT_VALUE_FORMAT);
	assert_refused(media, "media-address", "192.0.2.1:5060", FAULT_VALUE_FORMAT);
	assert_refused(phone, "address", "host.example.org", FAULT_VALUE_FORMAT);
	assert_refused(prefix, "prefix", "10.0.0.1/8", FAULT_VALUE_FORMAT);
	assert_refused(prefix, "prefix", "", FAULT_VALUE_FORMAT);
	parse_ok(prefix, "prefix", "10.1.2.3", &value);
	assert_prints(prefix, &value, "10.1.2.3/32");
	parse_ok(phone, "address", " [2001:DB8::1]:5060 ", &value);
	assert_prints(phone, &value, "[2001:db8::1]:5060");
}

static void sources_of_calls_have_one_spelling(void **state)
{
	const struct value_spec *spec = &field_get(FIELD_MAPPING_GATEWAY_ADDRESS)->spec;
	static const struct {
		const char *text;
		const char *canonical;
		uint16_t port;
		uint8_t bits;
	} cases[] = {
		{"192.0.2.1/32", "192.0.2.1", 0, 32},
		{"192.0.2.1:5060", "192.0.2.1:5060", 5060, 32},
		{"2001:DB8:0::/48", "2001:db8::/48", 0, 48},
		{"[2001:db8::1]:5070", "[2001:db8::1]:5070", 5070, 128},
		{"2001:db8::1", "2001:db8::1", 0, 128},
	};
	static const char *const refused[] = {
		"", "host", "192.0.2.1/24", "192.0.2.0/24:5060", "192.0.2.1:0", "192.0.2.1:70000"};
	struct prefix prefix;
	struct value value;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse_ok(spec, "address", cases[i].text, &value);
		assert_prints(spec, &value, cases[i].canonical);
		assert_true(source_parse(span_of(value.text), &prefix, &port));
		assert_int_equal(port, cases[i].port);
		assert_int_equal(prefix.bits, cases[i].bits);
		assert_int_equal(prefix.base.port, 0);
		value_clear(&value);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(value_parse(spec, "address", span_of(refused[i]), &value, NULL),
				 VOS_EINVAL);
}

static void assert_type(const struct value_spec *spec, const char *expected)
{
	struct buf buf = buf_new();

	value_print_type(spec, &buf);
	assert_string_equal(buf_cstr(&buf), expected);
	buf_free(&buf);
}

static void types_as_help_shows_them(void **state)
{
	(void)state;
	assert_type(spec_of("SS_SIP_NAT_KEEP_ALIVE_MESSAGE"), "<text 0..64>");
	assert_type(spec_of("SS_SIP_NAT_KEEP_ALIVE_PERIOD"), "<10..86400 s>");
	assert_type(spec_of("SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL"), "<1..60000 ms>");
	assert_type(spec_of("SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME"), "<1..1000000>");
	assert_type(spec_of("SS_MEDIA_PROXY_MODE"), "{auto|on|off|must-on}");
	assert_type(spec_of("SS_REPLY_UNAUTHORIZED"), "{on|off}");
	assert_type(spec_of("SS_SIP_USER_AGENT_EXPIRE"), "{auto|<20..7200 s>}");
	assert_type(spec_of("SS_RTP_PORT_RANGE"), "<low,high 1024..65535>");
	assert_type(spec_of("SS_QOS_RTP"), "<0x00..0xff>");
	assert_type(spec_of("SS_ENDPOINT_EXPIRE"), "<default/max 20..86400 s>");
	assert_type(spec_of("SS_RTP_ENCRYPTION_KEY"), "<secret 1..64>");
	assert_type(&field_get(FIELD_LISTEN_UDP)->spec, "<ip:port>");
	assert_type(&field_get(FIELD_PHONE_ADDRESS)->spec, "<ip[:port]>");
	assert_type(&field_get(FIELD_NETWORK_PREFIX)->spec, "<ip[/bits]>");
	assert_type(&object_type(OBJECT_LOGGING)->key, "");
}

TEST_MAIN(cmocka_unit_test(every_parameter_comes_back_as_written),
	  cmocka_unit_test(every_field_and_key_comes_back_as_written),
	  cmocka_unit_test(beyond_the_edges_is_refused_naming_the_range),
	  cmocka_unit_test(every_word_is_found_in_any_spelling),
	  cmocka_unit_test(spellings_of_the_product_are_taken),
	  cmocka_unit_test(durations_take_a_unit), cmocka_unit_test(faults_say_what_is_allowed),
	  cmocka_unit_test(numbers_with_two_readings_keep_them_apart),
	  cmocka_unit_test(port_ranges), cmocka_unit_test(interval_lists),
	  cmocka_unit_test(tos_bytes_lose_the_ecn_bits), cmocka_unit_test(default_and_maximum),
	  cmocka_unit_test(texts_are_utf8_without_controls),
	  cmocka_unit_test(rules_refuse_what_breaks_them), cmocka_unit_test(more_of_the_rules),
	  cmocka_unit_test(secrets_are_never_shown), cmocka_unit_test(addresses_and_prefixes),
	  cmocka_unit_test(sources_of_calls_have_one_spelling),
	  cmocka_unit_test(types_as_help_shows_them))
