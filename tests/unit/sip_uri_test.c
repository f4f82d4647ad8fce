/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URIs, name-addr, Via, parameter and comma lists, escapes: tables of text and what is read from
 * it. */
#include "tests/support/test.h"

#include "switchd/sip/msg.h"

/* NULL expects an empty span. */
static void assert_span(const char *row, const char *field, struct span got, const char *expected)
{
	if (!span_eq(got, span_of(expected)))
		fail_msg("%s: %s is '%.*s', expected '%s'", row, field, SPAN_ARG(got),
			 expected ? expected : "");
}

struct uri_row {
	const char *text;
	const char *scheme; /* NULL: refused */
	const char *user;
	const char *password;
	const char *host;
	int port;
	const char *params;
	const char *headers;
};

static const struct uri_row uris[] = {
	{"sip:example.com", "sip", NULL, NULL, "example.com", 0, NULL, NULL},
	{"sip:1001@192.0.2.1:5070", "sip", "1001", NULL, "192.0.2.1", 5070, NULL, NULL},
	{"SIPS:a:b@h", "SIPS", "a", "b", "h", 0, NULL, NULL},
	{"sip:a:@h", "sip", "a", "", "h", 0, NULL, NULL},
	{"sip:a@h;transport=udp;lr", "sip", "a", NULL, "h", 0, "transport=udp;lr", NULL},
	{"sip:a@h:1;x?b=c&d=e", "sip", "a", NULL, "h", 1, "x", "b=c&d=e"},
	{"sip:a@h?b=c", "sip", "a", NULL, "h", 0, NULL, "b=c"},
	{"sip:a@h:65535", "sip", "a", NULL, "h", 65535, NULL, NULL},
	/* The user part may hold ; ? / = & + $ , (RFC 3261 section 25.1). */
	{"sip:u;p=v%40h.example.net@h", "sip", "u;p=v%40h.example.net", NULL, "h", 0, NULL, NULL},
	{"sip:/crazy?,;x@h;y", "sip", "/crazy?,;x", NULL, "h", 0, "y", NULL},
	{"sip:+15551234;phone-context=+1@h", "sip", "+15551234;phone-context=+1", NULL, "h", 0,
	 NULL, NULL},
	{"sip:[2001:db8::1]", "sip", NULL, NULL, "2001:db8::1", 0, NULL, NULL},
	{"sip:a@[2001:db8::1]:5062;lr", "sip", "a", NULL, "2001:db8::1", 5062, "lr", NULL},
	{"sip:a@host_with_line.example.com", "sip", "a", NULL, "host_with_line.example.com", 0,
	 NULL, NULL},
	{"tel:+1-201-555-0123;phone-context=example.com", "tel", "+1-201-555-0123", NULL, NULL, 0,
	 "phone-context=example.com", NULL},
	{"soap.beep://192.0.2.103:3002", "soap.beep", NULL, NULL, NULL, 0, NULL, NULL},
	{"", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{":a@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"s p:a@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"s@p:a@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip::p@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@b@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h:", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h:0", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h:65536", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h:5060x", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h/x", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a b@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:<a@h>", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:a@h\x7f", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:\xc3\xa9@h", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:[2001:db8::1", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:[]", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:[192.0.2.1]", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:[fe80::1%25eth0]", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"sip:2001:db8::1", NULL, NULL, NULL, NULL, 0, NULL, NULL},
	{"tel:", NULL, NULL, NULL, NULL, 0, NULL, NULL},
};

static void test_uris(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		const struct uri_row *row = &uris[i];
		struct sip_uri uri;
		bool is_uri = sip_uri_parse(span_of(row->text), &uri);

		if (is_uri != (row->scheme != NULL))
			fail_msg("'%s' is %s", row->text, is_uri ? "taken" : "refused");
		if (!is_uri)
			continue;
		assert_span(row->text, "scheme", uri.scheme, row->scheme);
		assert_span(row->text, "user", uri.user, row->user);
		assert_span(row->text, "password", uri.password, row->password);
		assert_span(row->text, "host", uri.host, row->host);
		assert_span(row->text, "params", uri.params, row->params);
		assert_span(row->text, "headers", uri.headers, row->headers);
		if (uri.port != row->port)
			fail_msg("'%s': port %d", row->text, uri.port);
	}
}

struct name_row {
	const char *text;
	const char *uri; /* NULL: refused */
	const char *display;
	const char *params;
};

static const struct name_row names[] = {
	{"sip:a@h", "sip:a@h", NULL, NULL},
	{"sip:a@h;tag=1;x", "sip:a@h", NULL, "tag=1;x"},
	{"<sip:a@h>", "sip:a@h", NULL, NULL},
	{"<sip:a@h;lr>;q=0.5", "sip:a@h;lr", NULL, "q=0.5"},
	{"  Ann  Lee\t<sip:a@h> ; tag=1 ", "sip:a@h", "Ann  Lee", "tag=1"},
	{"\"\" <sip:a@h>", "sip:a@h", "", NULL},
	{"\"a \\\"b\\\" <c>;d\"<sip:a@h>", "sip:a@h", "a \\\"b\\\" <c>;d", NULL},
	{"<sip:a@h?x=y>;expires=60", "sip:a@h?x=y", NULL, "expires=60"},
	{"", NULL, NULL, NULL},
	{"  ", NULL, NULL, NULL},
	{"<>", NULL, NULL, NULL},
	{"<sip:a@h", NULL, NULL, NULL},
	{"sip:a@h>", NULL, NULL, NULL},
	{"\"a\"", NULL, NULL, NULL},
	{"\"a <sip:a@h>", NULL, NULL, NULL},
	{"\"a\\\" <sip:a@h>", NULL, NULL, NULL},
	{"\"a\" b <sip:a@h>", NULL, NULL, NULL},
	{"a, b <sip:a@h>", NULL, NULL, NULL},
	{"<sip:a@h> b", NULL, NULL, NULL},
	{"<sip:a@h>, <sip:b@h>", NULL, NULL, NULL},
	{"sip:a@h?x=y", NULL, NULL, NULL},
	{"< sip:a@h>", NULL, NULL, NULL},
	{"<nothing>", NULL, NULL, NULL},
};

static void test_name_addrs(void **state)
{
	struct sip_name_addr got;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct name_row *row = &names[i];
		bool is_name = sip_name_addr_parse(span_of(row->text), &got);

		if (is_name != (row->uri != NULL))
			fail_msg("'%s' is %s", row->text, is_name ? "taken" : "refused");
		if (!is_name)
			continue;
		assert_span(row->text, "uri", got.uri_text, row->uri);
		assert_span(row->text, "display", got.display, row->display);
		assert_span(row->text, "params", got.params, row->params);
		assert_span(row->text, "host", got.uri.host, "h");
		assert_false(got.is_star);
	}
	assert_true(sip_name_addr_parse(SPAN_LIT(" * "), &got));
	assert_true(got.is_star);
	assert_false(sip_name_addr_parse(SPAN_LIT("*;expires=0"), &got));
	assert_false(sip_name_addr_parse(SPAN_LIT("**"), &got));
}

struct via_row {
	const char *text;
	const char *host; /* NULL: refused */
	const char *transport;
	int port;
	const char *branch;
	bool has_rport;
	int rport;
	const char *received;
};

static const struct via_row vias[] = {
	{"SIP/2.0/UDP h", "h", "UDP", 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP h:5061;branch=z9hG4bKa", "h", "UDP", 5061, "z9hG4bKa", false, 0, NULL},
	{"SIP / 2.0 / TCP  h : 5061 ; branch = b", "h", "TCP", 5061, "b", false, 0, NULL},
	{"sip/2.0/tls h;rport", "h", "tls", 0, NULL, true, 0, NULL},
	{"SIP/2.0/UDP h;rport=5099;received=192.0.2.9", "h", "UDP", 0, NULL, true, 5099,
	 "192.0.2.9"},
	{"SIP/2.0/UDP h;RPORT;Branch=x;Received=1.2.3.4", "h", "UDP", 0, "x", true, 0, "1.2.3.4"},
	{"SIP/2.0/UDP [2001:db8::9]:5060;received=[2001:db8::1]", "2001:db8::9", "UDP", 5060, NULL,
	 false, 0, "2001:db8::1"},
	{"SIP/2.0/UDP [2001:db8::9];received=2001:db8::1", "2001:db8::9", "UDP", 0, NULL, false, 0,
	 "2001:db8::1"},
	{"SIP/7.0/UDP h;branch=b", "h", "UDP", 0, "b", false, 0, NULL},
	{"SIP/2.0/UDP h;x=\"a;branch=no\";branch=b", "h", "UDP", 0, "b", false, 0, NULL},
	{"", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP ", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP ;branch=b", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP h:", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP h:0", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP h:70000", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP h x", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP/2.0/UDP 2001:db8::9", NULL, NULL, 0, NULL, false, 0, NULL},
	{"SIP//UDP h", NULL, NULL, 0, NULL, false, 0, NULL},
	{"HTTP/1.1/TCP h", NULL, NULL, 0, NULL, false, 0, NULL},
};

static void test_vias(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		const struct via_row *row = &vias[i];
		struct sip_via via;
		bool is_via = sip_via_parse(span_of(row->text), &via);

		if (is_via != (row->host != NULL))
			fail_msg("'%s' is %s", row->text, is_via ? "taken" : "refused");
		if (!is_via)
			continue;
		assert_span(row->text, "host", via.host, row->host);
		assert_span(row->text, "transport", via.transport, row->transport);
		assert_span(row->text, "branch", via.branch, row->branch);
		assert_span(row->text, "received", via.received, row->received);
		if (via.port != row->port || via.has_rport != row->has_rport ||
		    via.rport != row->rport)
			fail_msg("'%s': port %d, rport %d %d", row->text, via.port, via.has_rport,
				 via.rport);
	}
}

static void test_params(void **state)
{
	static const struct {
		const char *params;
		const char *name;
		const char *value; /* NULL: absent */
	} cases[] = {
		{"a=1;b;c=2", "a", "1"},
		{"a=1;b;c=2", "b", ""},
		{"a=1;b;c=2", "C", "2"},
		{"a=1;b;c=2", "d", NULL},
		{" a = 1 ; b ", "a", "1"},
		{" a = 1 ; b ", "b", ""},
		{"x=\"a;y=1\";y=2", "y", "2"},
		{"x=\"a;y=1\";y=2", "x", "a;y=1"},
		{"x=\"a\\\";y=1\";y=2", "y", "2"},
		{";;a=1;", "a", "1"},
		{"aa=1;a=2", "a", "2"},
		{"", "a", NULL},
		{"x=\"open;a=1", "a", NULL},
		{"a=1 2;a=3", "a", "3"},
	};
	struct span value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_there =
			sip_param_get(span_of(cases[i].params), span_of(cases[i].name), &value);

		if (is_there != (cases[i].value != NULL))
			fail_msg("'%s' in '%s' is %s", cases[i].name, cases[i].params,
				 is_there ? "there" : "absent");
		if (is_there)
			assert_span(cases[i].params, cases[i].name, value, cases[i].value);
	}
	assert_false(sip_param_get(SPAN_NONE, SPAN_LIT("a"), &value));
}

static void test_lists(void **state)
{
	static const struct {
		const char *list;
		const char *elements[4];
	} cases[] = {
		{"a", {"a"}},
		{"a,b , c", {"a", "b", "c"}},
		{" ,a,,b, ", {"a", "b"}},
		{"\"a,b\" <sip:x>,c", {"\"a,b\" <sip:x>", "c"}},
		{"\"a\\\",b\",c", {"\"a\\\",b\"", "c"}},
		{"<sip:a,b@h>,c", {"<sip:a,b@h>", "c"}},
		{"\"open,b", {"\"open,b"}},
		{"<open,b", {"<open,b"}},
		{"", {NULL}},
		{" , ", {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span rest = span_of(cases[i].list);
		struct span element;
		size_t count = 0;

		while (sip_list_next(&rest, &element)) {
			assert_true(count < 4);
			assert_non_null(cases[i].elements[count]);
			assert_span(cases[i].list, "element", element, cases[i].elements[count++]);
		}
		assert_null(cases[i].elements[count]);
	}
}

static void test_unescape(void **state)
{
	char out[8];
	size_t len = 99;

	(void)state;
	assert_true(sip_unescape(SPAN_LIT("%41b%6A"), out, sizeof(out), &len));
	assert_int_equal(len, 3);
	assert_memory_equal(out, "Abj", 3);
	assert_true(sip_unescape(SPAN_LIT("%2541"), out, sizeof(out), &len)); /* once only */
	assert_int_equal(len, 3);
	assert_memory_equal(out, "%41", 3);
	assert_true(sip_unescape(SPAN_LIT("12345678"), out, sizeof(out), &len));
	assert_int_equal(len, 8);
	assert_true(sip_unescape(SPAN_LIT(""), out, sizeof(out), &len));
	assert_int_equal(len, 0);
	assert_false(sip_unescape(SPAN_LIT("123456789"), out, sizeof(out), &len));
	assert_false(sip_unescape(SPAN_LIT("%00"), out, sizeof(out), &len));
	assert_false(sip_unescape(SPAN_LIT("%4"), out, sizeof(out), &len));
	assert_false(sip_unescape(SPAN_LIT("%"), out, sizeof(out), &len));
	assert_false(sip_unescape(SPAN_LIT("%4g"), out, sizeof(out), &len));
	assert_false(sip_unescape(SPAN_LIT("a\0b"), out, sizeof(out), &len));
	assert_int_equal(len, 0);
}

TEST_MAIN(cmocka_unit_test(test_uris), cmocka_unit_test(test_name_addrs),
	  cmocka_unit_test(test_vias), cmocka_unit_test(test_params), cmocka_unit_test(test_lists),
	  cmocka_unit_test(test_unescape))
