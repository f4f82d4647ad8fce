/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cross rules: what is refused, what is warned about, at the edges of each. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/checked.h"

static void defaults_are_clean(void **state)
{
	struct snapshot *empty = snapshot_new_empty();
	struct check_facts facts = {
		.nat_device_count = 180000, .ephemeral_low = 32768, .ephemeral_high = 60999};
	struct check_report report;

	(void)state;
	assert_int_equal(snapshot_check(NULL, empty, &facts, &report), VOS_OK);
	assert_int_equal(report.error_count, 0);
	assert_int_equal(report.warning_count, 0);
	assert_int_equal(snapshot_check(empty, empty, NULL, &report), VOS_OK);
	assert_int_equal(report.error_count, 0);
	assert_int_equal(report.warning_count, 0);
	snapshot_unref(empty);
}

static void rtp_and_ivr_ports(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_param(&list, "SS_RTP_PORT_RANGE", "10000,40001");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "param SS_RTP_PORT_RANGE",
		     "SS_RTP_PORT_RANGE 10000,40001 and IVR_RTP_PORT 40000,47999 overlap");
	clear(&checked);

	/* The one that moved is named; touching at one port is overlapping. */
	changes_param(&list, "IVR_RTP_PORT", "39999,40500");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "param IVR_RTP_PORT", "overlap");
	clear(&checked);

	changes_param(&list, "SS_RTP_PORT_RANGE", "48000,50001");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static void ephemeral_ports(void **state)
{
	struct check_facts facts = {.ephemeral_low = 32768, .ephemeral_high = 60999};
	struct change_list list = {0};
	struct snapshot *base;
	struct checked checked;

	(void)state;
	changes_param(&list, "SS_RTP_PORT_RANGE", "20000,32769");
	check(&checked, NULL, &list, &facts);
	EXPECT_WARNING(checked, "param SS_RTP_PORT_RANGE", "ephemeral ports 32768,60999");
	base = snapshot_ref(checked.after);
	clear(&checked);
	/* Not said again for another change. */
	changes_param(&list, "SS_QOS_RTP", "0xb8");
	check(&checked, base, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	snapshot_unref(base);

	changes_param(&list, "SS_RTP_PORT_RANGE", "20000,32767");
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_param(&list, "SS_RTP_PORT_RANGE", "20000,32769");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static void keepalive_against_expiry(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_PERIOD", "60");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_PERIOD", "61");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "param SS_SIP_NAT_KEEP_ALIVE_PERIOD", "60 s or less is safe");
	clear(&checked);
	changes_param(&list, "SS_ENDPOINT_NAT_EXPIRE", "149");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "param SS_SIP_NAT_KEEP_ALIVE_PERIOD",
		       "SS_ENDPOINT_NAT_EXPIRE 149 s");
	clear(&checked);
	/* Off is off. */
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_PERIOD", "86400");
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

/* 30 s in bursts of 3000 each 500 ms reach 180,000 devices. */
static void keepalive_round(void **state)
{
	struct check_facts facts = {.nat_device_count = 180001};
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	check(&checked, NULL, &list, &facts);
	assert_int_equal(checked.report.warning_count, 1);
	EXPECT_WARNING(checked, "param SS_SIP_NAT_KEEP_ALIVE_PERIOD",
		       "a keepalive round of 30 s reaches 180000 of the 180001 devices registered "
		       "now; SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 3001, "
		       "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL 491 or "
		       "SS_SIP_NAT_KEEP_ALIVE_PERIOD 31 would reach all");
	clear(&checked);
	/* What the warning names does reach all. */
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME", "3001");
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_PERIOD", "31");
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL", "491");
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	/* An interval that does not divide the period: 30 s in steps of 7 s are 5 bursts. */
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL", "7000");
	facts.nat_device_count = 15000;
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static void session_timer(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", "901");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "param SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP",
		     "allowed 0..900 s");
	clear(&checked);
	changes_param(&list, "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", "900");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 0);
	clear(&checked);
	changes_param(&list, "SS_SIP_SESSION_UPDATE_SEGMENT", "1800");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "param SS_SIP_SESSION_UPDATE_SEGMENT", "not below");
	clear(&checked);
	/* Ten divides the TTL, whatever that is. */
	changes_param(&list, "SS_SIP_SESSION_UPDATE_SEGMENT", "10");
	changes_param(&list, "SS_SIP_SESSION_TTL", "90");
	check(&checked, NULL, &list, NULL);
	for (size_t i = 0; i < checked.report.warning_count; i++)
		assert_non_null(strstr(checked.report.warnings[i].text, "not in effect yet"));
	clear(&checked);
	/* Off: nothing to compare with. */
	changes_param(&list, "SS_SIP_SESSION_TTL", "0");
	changes_param(&list, "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", "43200");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 0);
	clear(&checked);
}

static void missing_reference(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "network", "lan");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "phone 1001 network",
		     "phone 1001 network: network lan does not exist");
	clear(&checked);
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "network", "lan");
	changes_create(&list, "network", "lan");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static void object_in_use(void **state)
{
	struct change_list list = {0};
	struct snapshot *base;
	struct checked checked;
	char key[16];

	(void)state;
	changes_create(&list, "network", "lan");
	for (int i = 0; i < 8; i++) {
		snprintf(key, sizeof(key), "100%d", i);
		changes_create(&list, "phone", key);
		changes_field(&list, "phone", key, "network", "lan");
	}
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "udp", "127.0.0.1:5060");
	changes_field(&list, "listen", "a", "network", "lan");
	base = changes_apply(NULL, &list);
	changes_delete(&list, "network", "lan");
	check(&checked, base, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_REF_IN_USE, "network lan",
		     "network lan is used by listen a (network), phone 1000 (network), phone 1001 "
		     "(network), phone 1002 (network), phone 1003 (network), and others");
	clear(&checked);

	for (int i = 0; i < 8; i++) {
		snprintf(key, sizeof(key), "100%d", i);
		changes_field_reset(&list, "phone", key, "network", NULL);
	}
	changes_delete(&list, "listen", "a");
	changes_delete(&list, "network", "lan");
	check(&checked, base, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
	snapshot_unref(base);
}

static void media_proxy_off(void **state)
{
	struct change_list list = {0};
	struct snapshot *base;
	struct checked checked;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "media-proxy", "off");
	changes_field(&list, "phone", "1001", "local-ring", "on");
	changes_create(&list, "mapping-gateway", "in");
	changes_field(&list, "mapping-gateway", "in", "media-proxy", "off");
	changes_field(&list, "mapping-gateway", "in", "encryption", "rc4");
	changes_create(&list, "routing-gateway", "out");
	changes_field(&list, "routing-gateway", "out", "address", "192.0.2.9");
	changes_field(&list, "routing-gateway", "out", "media-proxy", "off");
	changes_field(&list, "routing-gateway", "out", "dtmf-receive", "all");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "routing-gateway out media-proxy", "holds back INFO only");
	EXPECT_WARNING(checked, "phone 1001 media-proxy", "its local-ring cannot work");
	EXPECT_WARNING(checked, "mapping-gateway in media-proxy", "its encryption cannot work");
	base = snapshot_ref(checked.after);
	clear(&checked);
	/* Another change does not bring it up again. */
	changes_create(&list, "phone", "1002");
	check(&checked, base, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
	snapshot_unref(base);

	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "media-proxy", "auto");
	changes_field(&list, "phone", "1001", "local-ring", "on");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static bool only_1002(void *context, const char *phone)
{
	*(int *)context += 1;
	return strcmp(phone, "1002") == 0;
}

static void media_proxy_off_behind_nat(void **state)
{
	struct change_list list = {0};
	struct checked checked;
	int asked = 0;
	struct check_facts facts = {.is_behind_nat = only_1002, .context = &asked};

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "media-proxy", "off");
	changes_create(&list, "phone", "1002");
	changes_field(&list, "phone", "1002", "media-proxy", "off");
	changes_create(&list, "phone", "1003");
	changes_create(&list, "routing-gateway", "1002");
	changes_field(&list, "routing-gateway", "1002", "media-proxy", "off");
	check(&checked, NULL, &list, &facts);
	EXPECT_WARNING(checked, "phone 1002 media-proxy", "registered through NAT now");
	assert_int_equal(checked.report.warning_count, 1);
	/* Only where it matters. */
	assert_int_equal(asked, 2);
	clear(&checked);
}

static bool only_eth0(const char *name)
{
	return strcmp(name, "eth0") == 0;
}

static void interfaces_of_networks(void **state)
{
	struct change_list list = {0};
	struct checked checked;
	struct check_facts facts = {.has_interface = only_eth0};

	(void)state;
	changes_create(&list, "network", "near");
	changes_field(&list, "network", "near", "interface", "eth0");
	changes_create(&list, "network", "far");
	changes_field(&list, "network", "far", "interface", "eth1");
	changes_create(&list, "network", "plain");
	check(&checked, NULL, &list, &facts);
	EXPECT_WARNING(checked, "network far interface", "the machine has no eth1 now");
	assert_int_equal(checked.report.warning_count, 1);
	clear(&checked);
}

static void listen_addresses(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "udp", "192.0.2.1:5060");
	changes_create(&list, "listen", "b");
	changes_field(&list, "listen", "b", "udp", "192.0.2.1:5060");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "listen b udp",
		     "listen b udp: 192.0.2.1:5060 is the address of listen a udp already");
	clear(&checked);

	/* UDP and TCP are apart, TCP and TLS are not. */
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "udp", "192.0.2.1:5060");
	changes_field(&list, "listen", "a", "tcp", "192.0.2.1:5060");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "tcp", "192.0.2.1:5060");
	changes_field(&list, "listen", "a", "tls", "192.0.2.1:5060");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "listen a tls", "listen a tcp already");
	clear(&checked);

	changes_create(&list, "listen", "a");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "listen a", "has no address");
	clear(&checked);
}

/* Stands for TLS: a file is good when its name says so. */
static bool is_good(const char *certificate, const char *key, const char *ca,
		    struct vos_fault *fault)
{
	if (strstr(certificate, "good") && strstr(key, "good") && (!*ca || strstr(ca, "good")))
		return true;
	fault_set(fault, FAULT_VALUE_RANGE, 0, "certificate %s: broken", certificate);
	return false;
}

static void listen_tls(struct change_list *list, const char *certificate, const char *key,
		       const char *ca, bool verifies)
{
	changes_create(list, "listen", "a");
	changes_field(list, "listen", "a", "tls", "192.0.2.1:5061");
	if (*certificate)
		changes_field(list, "listen", "a", "certificate", certificate);
	if (*key)
		changes_field(list, "listen", "a", "key", key);
	if (*ca)
		changes_field(list, "listen", "a", "ca", ca);
	if (verifies)
		changes_field(list, "listen", "a", "verify-peer", "on");
}

static void tls_needs_its_files(void **state)
{
	const struct check_facts facts = {.is_certificate_good = is_good};
	struct change_list list = {0};
	struct checked checked;
	struct snapshot *base;

	(void)state;
	listen_tls(&list, "", "", "", false);
	check(&checked, NULL, &list, &facts);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "listen a tls", "set listen a certificate");
	clear(&checked);
	listen_tls(&list, "/good", "", "", false);
	check(&checked, NULL, &list, &facts);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "listen a tls", "set listen a key");
	clear(&checked);
	listen_tls(&list, "/good", "/good", "", true);
	check(&checked, NULL, &list, &facts);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "listen a verify-peer", "set listen a ca");
	clear(&checked);
	listen_tls(&list, "/good", "/good", "/bad", false); /* nobody reads ca then */
	check(&checked, NULL, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	listen_tls(&list, "/good", "/good", "/bad", true);
	check(&checked, NULL, &list, &facts);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "listen a tls", "broken");
	clear(&checked);
	listen_tls(&list, "/bad", "/good", "", false);
	check(&checked, NULL, &list, NULL); /* nobody can look */
	EXPECT_CLEAN(checked);
	/* What has gone bad since holds up no other change, but a change of its own. */
	base = snapshot_ref(checked.after);
	clear(&checked);
	changes_param(&list, "SS_QOS_SIGNAL", "0xb8");
	check(&checked, base, &list, &facts);
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_field(&list, "listen", "a", "network", "lan");
	changes_create(&list, "network", "lan");
	check(&checked, base, &list, &facts);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "listen a tls", "broken");
	clear(&checked);
	snapshot_unref(base);
}

static void gateways_need_a_listen_address_of_their_kind(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "routing-gateway", "out");
	changes_field(&list, "routing-gateway", "out", "transport", "tcp");
	check(&checked, NULL, &list, NULL); /* loopback has TCP */
	EXPECT_CLEAN(checked);
	clear(&checked);
	changes_create(&list, "routing-gateway", "out");
	changes_field(&list, "routing-gateway", "out", "transport", "tls");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "routing-gateway out transport", "no listen address has tls");
	clear(&checked);
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "tcp", "192.0.2.1:5060");
	changes_create(&list, "routing-gateway", "out");
	changes_field(&list, "routing-gateway", "out", "address", "192.0.2.9");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "routing-gateway out transport", "no listen address has udp");
	clear(&checked);
}

static void not_in_effect(void **state)
{
	struct change_list list = {0};
	struct snapshot *base;
	struct checked checked;
	char key[32];

	(void)state;
	/* When one of these is in effect, another takes its place here. */
	assert_false(param_get(PARAM_IVR_CALL_REPORT_PORT)->in_effect);
	assert_false(field_get(FIELD_TRUSTED_MEMO)->in_effect);
	changes_param(&list, "IVR_CALL_REPORT_PORT", "9000");
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "10.0.%d.%d", i / 256, i % 256);
		changes_create(&list, "trusted", key);
		changes_field(&list, "trusted", key, "memo", "a wholesaler");
	}
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.warning_count, 2);
	EXPECT_WARNING(checked, "param IVR_CALL_REPORT_PORT",
		       "IVR_CALL_REPORT_PORT: not in effect yet");
	EXPECT_WARNING(checked, "trusted 10.0.0.0 memo",
		       "trusted 10.0.0.0 memo: not in effect yet (and 299 more)");
	base = snapshot_ref(checked.after);
	clear(&checked);
	changes_field(&list, "trusted", "10.0.0.1", "memo", "another");
	changes_param(&list, "SS_QOS_RTP", "0xb8");
	check(&checked, base, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
	snapshot_unref(base);
}

/* What cannot work as it is, and what can. */
static void registrations_that_lack_something(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "registration", "register");
	changes_create(&list, "routing-gateway", "b");
	changes_field(&list, "routing-gateway", "b", "registration", "dynamic");
	changes_create(&list, "routing-gateway", "c");
	changes_create(&list, "mapping-gateway", "d");
	changes_field(&list, "mapping-gateway", "d", "authentication", "password");
	changes_create(&list, "registration", "r");
	changes_field(&list, "registration", "r", "transport", "tls");
	changes_field(&list, "registration", "r", "routing-gateway", "c");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 0);
	assert_int_equal(checked.report.warning_count, 7);
	EXPECT_WARNING(checked, "registration r server", "without it nothing is registered");
	EXPECT_WARNING(checked, "registration r account", "without it nothing is registered");
	EXPECT_WARNING(checked, "registration r transport", "no listen address has it");
	EXPECT_WARNING(checked, "registration r routing-gateway", "its calls do not use it");
	EXPECT_WARNING(checked, "routing-gateway a registration", "cannot be called");
	EXPECT_WARNING(checked, "routing-gateway b registration", "it cannot register");
	EXPECT_WARNING(checked, "mapping-gateway d authentication", "no call can be from it");
	clear(&checked);

	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "registration", "register");
	changes_create(&list, "registration", "r");
	changes_field(&list, "registration", "r", "server", "sip.example.net:5070");
	changes_field(&list, "registration", "r", "account", "alice");
	changes_field(&list, "registration", "r", "transport", "tcp");
	changes_field(&list, "registration", "r", "routing-gateway", "a");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	clear(&checked);
}

static void bounds_of_gateways(void **state)
{
	struct change_list list = {0};
	struct checked checked;
	char text[32];

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	for (int i = 0; i < CHECK_GATEWAY_ADDRESSES_MAX; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i + 1);
		changes_field(&list, "routing-gateway", "a", "address", text);
	}
	for (int i = 0; i < CHECK_GATEWAY_PREFIXES_MAX; i++) {
		snprintf(text, sizeof(text), "%d", 100 + i);
		changes_field(&list, "routing-gateway", "a", "prefixes", text);
	}
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	changes_field(&list, "routing-gateway", "a", "address", "192.0.2.100");
	changes_field(&list, "routing-gateway", "a", "prefixes", "999");
	{
		struct checked more;

		check(&more, checked.after, &list, NULL);
		assert_int_equal(more.report.error_count, 2);
		EXPECT_ERROR(more, FAULT_VALUE_RANGE, "routing-gateway a address",
			     "9 values; at most 8");
		EXPECT_ERROR(more, FAULT_VALUE_RANGE, "routing-gateway a prefixes",
			     "65 values; at most 64");
		clear(&more);
	}
	clear(&checked);
}

/* The lower bound of call durations needs an upper one; policies need what they order by. */
static void calls_of_a_party(void **state)
{
	static const char *const rows[][2] = {
		{"59", "above max-call-duration 59 s"},
		{"0", "no limit"},
		{"60", NULL},
	};
	const char *path = "mapping-gateway a max-call-duration-from";
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		changes_create(&list, "mapping-gateway", "a");
		changes_field(&list, "mapping-gateway", "a", "max-call-duration-from", "60");
		changes_field(&list, "mapping-gateway", "a", "max-call-duration", rows[i][0]);
		check(&checked, NULL, &list, NULL);
		assert_int_equal(checked.report.error_count, rows[i][1] != NULL);
		if (rows[i][1])
			EXPECT_ERROR(checked, FAULT_VALUE_RANGE, path, rows[i][1]);
		clear(&checked);
	}
	changes_create(&list, "mapping-gateway", "a");
	changes_field(&list, "mapping-gateway", "a", "max-call-duration-from", "60");
	changes_field(&list, "mapping-gateway", "a", "second-route-policy", "asr");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, path, "set max-call-duration as well");
	EXPECT_WARNING(checked, "mapping-gateway a second-route-policy", "ASR_CALCULATE On");
	clear(&checked);
}

/* A dial plan that a period rule names is there, and stays. */
static void plans_of_periods(void **state)
{
	struct change_list list = {0};
	struct snapshot *base;
	struct checked checked;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "period", "sun 00:00-24:00 deny");
	changes_field(&list, "routing-gateway", "a", "period",
		      "sun 00:00-24:00 callee-transform t callee 00");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "routing-gateway a period",
		     "number-transform t does not exist");
	base = snapshot_ref(checked.after);
	clear(&checked);
	changes_create(&list, "number-transform", "t");
	check(&checked, base, &list, NULL);
	EXPECT_CLEAN(checked);
	snapshot_unref(base);
	base = snapshot_ref(checked.after);
	clear(&checked);
	changes_delete(&list, "number-transform", "t");
	check(&checked, base, &list, NULL);
	EXPECT_ERROR(checked, FAULT_REF_IN_USE, "number-transform t",
		     "number-transform t is used by routing-gateway a (period)");
	clear(&checked);
	snapshot_unref(base);
}

static void report_is_bounded(void **state)
{
	struct change_list list = {0};
	struct checked checked;
	char key[16];

	(void)state;
	for (int i = 0; i < CHECK_REPORT_MAX + 50; i++) {
		snprintf(key, sizeof(key), "1%03d", i);
		changes_create(&list, "phone", key);
		changes_field(&list, "phone", key, "network", "nowhere");
	}
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, CHECK_REPORT_MAX);
	clear(&checked);
}

static void static_phone_without_address(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "registration", "static");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "phone 1001 registration", "it has no address");
	clear(&checked);
}

static void numbers_that_come_to_nothing(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "number-group", "empty");
	changes_create(&list, "number-group", "full");
	changes_field(&list, "number-group", "full", "number", "1");
	changes_create(&list, "number-pool", "bare");
	changes_create(&list, "number-pool", "by-group");
	changes_field(&list, "number-pool", "by-group", "number-group", "full");
	for (const char *const *key = (const char *const[]){"silent", "telling", NULL}; *key;
	     key++) {
		changes_create(&list, "routing-gateway", *key);
		changes_field(&list, "routing-gateway", *key, "forward-signal-rewrite", "full");
	}
	changes_field(&list, "routing-gateway", "silent", "diversion", "off");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 0);
	assert_int_equal(checked.report.warning_count, 3);
	EXPECT_WARNING(checked, "number-group empty", "has no number");
	EXPECT_WARNING(checked, "number-pool bare", "has no number");
	EXPECT_WARNING(checked, "routing-gateway silent forward-signal-rewrite",
		       "its diversion is off");
	clear(&checked);
}

TEST_MAIN(cmocka_unit_test(calls_of_a_party), cmocka_unit_test(plans_of_periods),
	  cmocka_unit_test(defaults_are_clean), cmocka_unit_test(rtp_and_ivr_ports),
	  cmocka_unit_test(ephemeral_ports), cmocka_unit_test(keepalive_against_expiry),
	  cmocka_unit_test(keepalive_round), cmocka_unit_test(session_timer),
	  cmocka_unit_test(missing_reference), cmocka_unit_test(object_in_use),
	  cmocka_unit_test(media_proxy_off), cmocka_unit_test(media_proxy_off_behind_nat),
	  cmocka_unit_test(interfaces_of_networks), cmocka_unit_test(listen_addresses),
	  cmocka_unit_test(tls_needs_its_files),
	  cmocka_unit_test(gateways_need_a_listen_address_of_their_kind),
	  cmocka_unit_test(not_in_effect), cmocka_unit_test(registrations_that_lack_something),
	  cmocka_unit_test(bounds_of_gateways), cmocka_unit_test(report_is_bounded),
	  cmocka_unit_test(static_phone_without_address),
	  cmocka_unit_test(numbers_that_come_to_nothing))
