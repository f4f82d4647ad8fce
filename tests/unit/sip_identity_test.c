/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who calls, as each side is told: numbers from other headers than From, privacy, identities
 * (RFC 3323, RFC 3325), and what of one side never reaches the other. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/sip/identity.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

static void gateway_field(struct change_list *list, const char *what, const char *value)
{
	changes_field(list, "routing-gateway", "out", what, value);
}

static void source_field(struct change_list *list, const char *what, const char *value)
{
	changes_field(list, "mapping-gateway", "in", what, value);
}

static void field_of(const char *message, const char *name, char *out, size_t size)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(message, start);
	out[0] = '\0';
	if (!at)
		return;
	at += strlen(start);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

/* An INVITE with this From, this To and these lines; the callee's copy is left in its text. */
static void call_to(struct bench *bench, const char *from, const char *to, const char *lines)
{
	static int serial;
	char text[4096];

	serial++;
	snprintf(text, sizeof(text),
		 "INVITE sip:900@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKid%d\r\nMax-Forwards: 70\r\n"
		 "From: %s;tag=caller\r\nTo: %s\r\nCall-ID: identity-%d\r\n"
		 "CSeq: 1 INVITE\r\nContact: <sip:100@127.0.0.1:%u>\r\n%s"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		 bench->port, bench->caller.port, serial, from, to, serial, bench->caller.port,
		 lines, strlen(BODY), BODY);
	peer_send(bench, &bench->caller, text);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
}

static void call_with(struct bench *bench, const char *from, const char *lines)
{
	call_to(bench, from, "<sip:900@127.0.0.1>", lines);
}

/* The call ends before it begins. */
static void refuse(struct bench *bench)
{
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
}

#define EXPECT(name, format, ...)                                           \
	do {                                                                \
		char value_[512];                                           \
		char wanted_[512];                                          \
		field_of(bench->callee.text, name, value_, sizeof(value_)); \
		if (strcmp(name, "From") == 0)                              \
			value_[strcspn(value_, ";")] = '\0';                \
		snprintf(wanted_, sizeof(wanted_), format, ##__VA_ARGS__);  \
		assert_string_equal(value_, wanted_);                       \
	} while (0)

#define FROM "\"Ann \\\"A\\\"\" <sip:100@caller.example>"
#define IDS                                                                         \
	"P-Asserted-Identity: \"x\" <sip:+4911@192.0.2.77>, <tel:+4912>\r\n"        \
	"P-Preferred-Identity: <tel:+4922;phone-context=z>\r\nPrivacy: id;user\r\n" \
	"Remote-Party-ID: <sip:+4933@192.0.2.77>;party=calling\r\n"

static void caller_from_each_header(void **state)
{
	static const struct {
		const char *word;
		const char *number;
		const char *without; /* when From is all there is */
	} rows[] = {
		{"from", "100", "100"},          {"p-asserted", "+4911", "100"},
		{"p-preferred", "+4922", "100"}, {"remote-party-id", "+4933", "100"},
		{"display", "555", "100"},
	};
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		source_field(&list, "caller-from", rows[i].word);
		bench_change(bench, &list);
		call_with(bench, "\"555\" <sip:100@caller.example>", IDS);
		EXPECT("From", "<sip:%s@127.0.0.1:%u>", rows[i].number, bench->port);
		refuse(bench);
		call_with(bench, "\"5 5\" <sip:100@caller.example>", "");
		EXPECT("From", "<sip:%s@127.0.0.1:%u>", rows[i].without, bench->port);
		refuse(bench);
	}
	bench_close(bench);
}

static void callee_from_each_header(void **state)
{
	static const struct {
		const char *word;
		const char *to;
		const char *lines;
		const char *number;
	} rows[] = {
		{"request-uri", "<sip:905@x>", "Diversion: <sip:907@x>\r\n", "900"},
		{"to", "<sip:905@x>", "Diversion: <sip:907@x>\r\n", "905"},
		{"to", "<tel:906;phone-context=x>", "", "906"},
		{"to", "<sip:x>", "", "900"},
		{"to", "<sip:9%0d%0a@x>", "", "900"},
		{"diversion", "<sip:905@x>", "Diversion: <sip:907@x>, <sip:908@x>\r\n", "907"},
		{"diversion", "<sip:905@x>", "Diversion: <tel:909;a=b>\r\n", "909"},
		{"diversion", "<sip:905@x>", "", "900"},
	};
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char start[64];

		source_field(&list, "callee-from", rows[i].word);
		bench_change(bench, &list);
		call_to(bench, FROM, rows[i].to, rows[i].lines);
		snprintf(start, sizeof(start), "INVITE sip:%s@", rows[i].number);
		assert_ptr_equal(strstr(bench->callee.text, start), bench->callee.text);
		refuse(bench);
	}
	bench_close(bench);
}

/* Nothing of a caller's identity headers goes on unless the gateway says so. */
static void nothing_by_itself(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	call_with(bench, FROM, IDS);
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	assert_null(strstr(bench->callee.text, "P-Asserted"));
	assert_null(strstr(bench->callee.text, "P-Preferred"));
	assert_null(strstr(bench->callee.text, "Remote-Party"));
	assert_null(strstr(bench->callee.text, "Privacy"));
	refuse(bench);
	bench_close(bench);
}

static void privacy_of_a_gateway(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	/* No identity elsewhere, so From keeps its number. */
	gateway_field(&list, "privacy", "id");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	EXPECT("Privacy", "id");
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	gateway_field(&list, "asserted-identity", "caller");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	EXPECT("Privacy", "id");
	EXPECT("P-Asserted-Identity", "<sip:100@127.0.0.1:%u>", bench->port);
	EXPECT("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	EXPECT("Contact", "<sip:127.0.0.1:%u>", bench->port);
	refuse(bench);
	gateway_field(&list, "privacy", "none");
	bench_change(bench, &list);
	call_with(bench, FROM, IDS);
	EXPECT("Privacy", "none");
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	gateway_field(&list, "privacy", "ignore");
	bench_change(bench, &list);
	call_with(bench, FROM, IDS);
	EXPECT("Privacy", "%s", "");
	refuse(bench);
	bench_close(bench);
}

static void privacy_that_passes(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	gateway_field(&list, "privacy", "passthrough");
	gateway_field(&list, "preferred-identity", "passthrough");
	bench_change(bench, &list);
	call_with(bench, FROM, IDS);
	EXPECT("Privacy", "user;id");
	EXPECT("P-Preferred-Identity", "<sip:+4922@127.0.0.1:%u>", bench->port);
	EXPECT("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	refuse(bench);
	/* Asked for, but no identity to tell the callee: it stays in From. */
	call_with(bench, FROM, "Privacy: ID; bogus;critical\r\n");
	EXPECT("Privacy", "id;critical");
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	call_with(bench, FROM, "");
	EXPECT("Privacy", "%s", "");
	refuse(bench);
	source_field(&list, "recognise-privacy", "off");
	bench_change(bench, &list);
	call_with(bench, FROM, IDS);
	EXPECT("Privacy", "%s", "");
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	bench_close(bench);
}

static void identities_pass(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	gateway_field(&list, "asserted-identity", "passthrough");
	gateway_field(&list, "preferred-identity", "caller");
	gateway_field(&list, "remote-party-id", "on");
	gateway_field(&list, "privacy", "passthrough");
	bench_change(bench, &list);
	call_with(bench, FROM, IDS);
	EXPECT("P-Asserted-Identity", "<sip:+4911@127.0.0.1:%u>", bench->port);
	EXPECT("P-Preferred-Identity", "<sip:100@127.0.0.1:%u>", bench->port);
	EXPECT("Remote-Party-ID", "<sip:100@127.0.0.1:%u>;party=calling;screen=yes;privacy=full",
	       bench->port);
	refuse(bench);
	call_with(bench, FROM, "");
	EXPECT("P-Asserted-Identity", "%s", "");
	EXPECT("Remote-Party-ID", "<sip:100@127.0.0.1:%u>;party=calling;screen=yes;privacy=off",
	       bench->port);
	refuse(bench);
	/* What could break out of a header of ours is no number. */
	call_with(bench, FROM, "P-Asserted-Identity: <sip:1%0d%0aX@h>\r\n");
	EXPECT("P-Asserted-Identity", "%s", "");
	refuse(bench);
	bench_close(bench);
}

static void display_names(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	changes_param(&list, "SS_SIP_E164_DISPLAY_FROM", "passthrough");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	EXPECT("From", "\"Ann \\\"A\\\"\" <sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	gateway_field(&list, "display-from", "caller");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	EXPECT("From", "\"100\" <sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	gateway_field(&list, "display-from", "ignore");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	EXPECT("From", "<sip:100@127.0.0.1:%u>", bench->port);
	refuse(bench);
	bench_close(bench);
}

/* A phone is shown the caller's name, and nobody when that is the caller's wish. */
static void towards_a_phone(void **state)
{
	struct bench *bench = bench_open("off");
	char text[4096];

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	for (int hidden = 0; hidden < 2; hidden++) {
		char from[256];

		snprintf(text, sizeof(text),
			 "INVITE sip:300@127.0.0.1:%u SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKph%d\r\nMax-Forwards: 70\r\n"
			 "From: Ann <sip:100@h.example>;tag=a\r\nTo: <sip:300@127.0.0.1>\r\n"
			 "Call-ID: phone-%d\r\nCSeq: 1 INVITE\r\n"
			 "Contact: <sip:100@127.0.0.1:%u>\r\n%s"
			 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
			 bench->port, bench->caller.port, hidden, hidden, bench->caller.port,
			 hidden ? "Privacy: id\r\n" : "", strlen(BODY), BODY);
		peer_send(bench, &bench->caller, text);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->phones[0], "INVITE ");
		field_of(bench->phones[0].text, "From", from, sizeof(from));
		if (hidden) {
			assert_ptr_equal(
				strstr(from, "\"Anonymous\" <sip:anonymous@anonymous.invalid>"),
				from);
			assert_null(strstr(bench->phones[0].text, "sip:100@"));
		} else {
			assert_ptr_equal(strstr(from, "\"Ann\" <sip:100@127.0.0.1:"), from);
		}
		peer_answers(bench, &bench->phones[0], bench->phones[0].text, "486 Busy", "p", "");
		peer_expect(&bench->phones[0], "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 486 ");
	}
	bench_close(bench);
}

static void phone_field(struct change_list *list, const char *what, const char *value)
{
	changes_field(list, "phone", IN_TURN, what, value);
}

/* An INVITE to a phone; what it gets is left in bench->callee.text, where EXPECT looks, and is
 * refused. */
static void call_phone(struct bench *bench, const char *lines)
{
	static int serial;
	struct peer *phone = &bench->phones[0];
	char text[4096];

	serial++;
	snprintf(text, sizeof(text),
		 "INVITE sip:300@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKtp%d\r\nMax-Forwards: 70\r\n"
		 "From: Ann <sip:100@h.example>;tag=a\r\nTo: <sip:300@127.0.0.1>\r\n"
		 "Call-ID: to-phone-%d\r\nCSeq: 1 INVITE\r\n"
		 "Contact: <sip:100@127.0.0.1:%u>\r\n%s"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		 bench->port, bench->caller.port, serial, serial, bench->caller.port, lines,
		 strlen(BODY), BODY);
	peer_send(bench, &bench->caller, text);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(phone, "INVITE ");
	memcpy(bench->callee.text, phone->text, sizeof(phone->text));
	peer_answers(bench, phone, phone->text, "486 Busy", "p", "");
	peer_expect(phone, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
}

#define HIDDEN "\"Anonymous\" <sip:anonymous@anonymous.invalid>"

/* The settings of a phone that is called. One that is not trusted gets nothing of a hidden caller,
 * whatever else is set. */
static void phone_settings(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	phone_field(&list, "asserted-identity", "passthrough");
	phone_field(&list, "preferred-identity", "caller");
	phone_field(&list, "remote-party-id", "on");
	phone_field(&list, "display-from", "caller");
	bench_change(bench, &list);
	call_phone(bench, "P-Asserted-Identity: <tel:+4911>\r\n");
	EXPECT("From", "\"100\" <sip:100@127.0.0.1:%u>", bench->port);
	EXPECT("P-Asserted-Identity", "<sip:+4911@127.0.0.1:%u>", bench->port);
	EXPECT("P-Preferred-Identity", "<sip:100@127.0.0.1:%u>", bench->port);
	EXPECT("Remote-Party-ID", "<sip:100@127.0.0.1:%u>;party=calling;screen=yes;privacy=off",
	       bench->port);
	for (int i = 0; i < 2; i++) {
		call_phone(bench, IDS);
		EXPECT("From", HIDDEN);
		EXPECT("Privacy", "%s", "");
		EXPECT("P-Asserted-Identity", "%s", "");
		EXPECT("P-Preferred-Identity", "%s", "");
		EXPECT("Remote-Party-ID", "%s", "");
		phone_field(&list, "privacy", "none");
		bench_change(bench, &list);
	}
	call_phone(bench, "");
	EXPECT("Privacy", "none");
	EXPECT("From", "\"100\" <sip:100@127.0.0.1:%u>", bench->port);
	bench_close(bench);
}

static void trusted_phone(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	phone_field(&list, "asserted-identity", "passthrough");
	phone_field(&list, "privacy", "passthrough");
	bench_change(bench, &list);
	call_phone(bench, IDS);
	EXPECT("From", HIDDEN);
	EXPECT("Privacy", "user;id");
	EXPECT("P-Asserted-Identity", "<sip:+4911@127.0.0.1:%u>", bench->port);
	call_phone(bench, "");
	EXPECT("From", "\"Ann\" <sip:100@127.0.0.1:%u>", bench->port);
	EXPECT("Privacy", "%s", "");
	phone_field(&list, "privacy", "id");
	bench_change(bench, &list);
	call_phone(bench, "");
	EXPECT("From", HIDDEN);
	EXPECT("Privacy", "id");
	bench_close(bench);
}

/* What a phone claims counts when it is trusted with it; its wish counts unless that is off. */
static void phone_as_caller(void **state)
{
	char text[] =
		"INVITE sip:900@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		"From: <sip:300@h>;tag=a\r\nTo: <sip:900@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n" IDS
		"Content-Length: 0\r\n\r\n";
	struct conf_phone phone = {.recognises_privacy = true};
	struct call_identity identity;
	struct sip_msg msg;
	const char *why;
	int status;

	(void)state;
	assert_int_equal(sip_msg_parse(&msg, text, strlen(text), &status, &why), SIP_VERDICT_OK);
	identity_of_phone(&msg, &phone, &identity);
	assert_int_equal(identity.privacy, CALL_PRIVACY_ID | CALL_PRIVACY_USER);
	assert_string_equal(identity.asserted, "");
	assert_string_equal(identity.preferred, "");
	phone.recognises_identity = true;
	phone.recognises_privacy = false;
	identity_of_phone(&msg, &phone, &identity);
	assert_int_equal(identity.privacy, 0);
	assert_string_equal(identity.asserted, "+4911");
	assert_string_equal(identity.preferred, "+4922");
}

static void to_as_dialled(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	(void)state;
	changes_create(&list, "number-transform", "t");
	changes_field(&list, "number-transform", "t", "rule", "900->4400");
	gateway_field(&list, "callee-transform", "t");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	assert_ptr_equal(strstr(bench->callee.text, "INVITE sip:4400@"), bench->callee.text);
	EXPECT("To", "<sip:4400@127.0.0.1:%u>", bench->callee.port);
	refuse(bench);
	changes_param(&list, "SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT", "on");
	bench_change(bench, &list);
	call_with(bench, FROM, "");
	assert_ptr_equal(strstr(bench->callee.text, "INVITE sip:4400@"), bench->callee.text);
	EXPECT("To", "<sip:900@127.0.0.1:%u>", bench->callee.port);
	refuse(bench);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_from_each_header),
		cmocka_unit_test(callee_from_each_header),
		cmocka_unit_test(nothing_by_itself),
		cmocka_unit_test(privacy_of_a_gateway),
		cmocka_unit_test(privacy_that_passes),
		cmocka_unit_test(identities_pass),
		cmocka_unit_test(display_names),
		cmocka_unit_test(towards_a_phone),
		cmocka_unit_test(to_as_dialled),
		cmocka_unit_test(phone_settings),
		cmocka_unit_test(trusted_phone),
		cmocka_unit_test(phone_as_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
