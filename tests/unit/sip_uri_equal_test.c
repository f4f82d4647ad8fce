/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equality of URIs: the examples of RFC 3261 section 19.1.4, and what phones do. */
#include "tests/support/test.h"

#include "switchd/sip/uri_equal.h"

struct row {
	const char *a, *b;
	bool is_equal;
};

static const struct row rfc[] = {
	{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
	{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
	{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
	 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
	{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
	 "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
	{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
	{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
	{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
	{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
};

static const struct row others[] = {
	{"sip:a@h", "sips:a@h", false},
	{"SIP:a@h", "sip:a@h", true},
	{"sip:a@h", "sip:h", false},
	{"sip:a@h", "sip:a:secret@h", false},
	{"sip:a:secret@h", "sip:a:Secret@h", false},
	{"sip:a:secret@h", "sip:a:%73ecret@H", true},
	{"sip:a%2Bb@h", "sip:a+b@h", false},
	{"sip:a%2bb@h", "sip:a%2Bb@h", true},
	{"sip:a%00@h", "sip:a@h", false},
	{"sip:a@h;line=1", "sip:a@h;line=2", false},
	{"sip:a@h;line=AB", "sip:a@h;LINE=ab", true},
	{"sip:a@h;ob", "sip:a@h", true},
	{"sip:a@h;user=phone", "sip:a@h", false},
	{"sip:a@h;ttl=1", "sip:a@h", false},
	{"sip:a@h;maddr=192.0.2.1", "sip:a@h", false},
	{"sip:a@h?x=1", "sip:a@h?x=1&y=2", false},
	{"sip:a@h?x=1", "sip:a@h?X=1", true},
	{"sip:a@h?x=a", "sip:a@h?x=A", false},
	{"sip:a@[2001:db8::1]:5060", "sip:a@[2001:DB8:0::1]:5060", true},
	{"sip:a@[2001:db8::1]:5060", "sip:a@[2001:db8::2]:5060", false},
	{"tel:+1-201", "tel:+1-201", true},
	{"tel:+1-201", "tel:+1201", false},
	{"sip:<", "sip:<", true},
	{"sip:<", "sip:a@h", false},
	{"", "", true},
	{"", "sip:a@h", false},
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sip_uri_equal(span_of(rows[i].a), span_of(rows[i].b)) != rows[i].is_equal ||
		    sip_uri_equal(span_of(rows[i].b), span_of(rows[i].a)) != rows[i].is_equal)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void examples_of_the_rfc(void **state)
{
	(void)state;
	check(rfc, sizeof(rfc) / sizeof(rfc[0]));
}

static void other_pairs(void **state)
{
	(void)state;
	check(others, sizeof(others) / sizeof(others[0]));
}

TEST_MAIN(cmocka_unit_test(examples_of_the_rfc), cmocka_unit_test(other_pairs))
