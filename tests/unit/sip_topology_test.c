/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology is hidden: no header of what one side of a call is sent has an address, a name, a tag or
 * a Call-ID of the other side's. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/call_bench.h"

/* Headers by which a side could give itself away; %s is its name, %u its port. */
#define EXTRA                                                                                    \
	"User-Agent: %s\r\nServer: %s\r\nOrganization: %s\r\nWarning: 399 %s \"%s\"\r\n"         \
	"P-Asserted-Identity: <sip:1@%s>\r\nP-Preferred-Identity: <sip:1@%s>\r\n"                \
	"Remote-Party-ID: <sip:1@%s>\r\nDiversion: <sip:1@%s>\r\nAlert-Info: <http://%s/>\r\n"   \
	"Reason: SIP;cause=200;text=\"%s\"\r\nX-Own: %s\r\nP-Charging-Vector: icid-value=%s\r\n" \
	"History-Info: <sip:1@%s>;index=1\r\nCall-Info: <http://%s/>\r\n"                        \
	"Geolocation: <cid:1@%s>\r\nIn-Reply-To: 1@%s\r\nReferred-By: <sip:1@%s>\r\n"            \
	"P-Access-Network-Info: ADSL;n=%s\r\nP-Visited-Network-ID: %s\r\n"                       \
	"Record-Route: <sip:127.0.0.1:%u;lr>\r\n"

#define WORDS_MAX 8

struct side {
	struct peer *peer;
	char extra[2048];
	char words[WORDS_MAX][256]; /* that the other side must not see */
	int count;
};

static void keep(struct side *side, const char *word)
{
	assert_true(side->count < WORDS_MAX);
	snprintf(side->words[side->count++], sizeof(side->words[0]), "%s", word);
}

static void open_side(struct side *side, struct peer *peer, const char *name)
{
	char address[32];

	memset(side, 0, sizeof(*side));
	side->peer = peer;
	snprintf(side->extra, sizeof(side->extra), EXTRA, name, name, name, name, name, name, name,
		 name, name, name, name, name, name, name, name, name, name, name, name, name,
		 peer->port);
	keep(side, name);
	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	keep(side, address);
}

/* The value of a header, or of its tag, as something to look for. */
static void keep_value(struct side *side, const char *message, const char *start)
{
	const char *at = strstr(message, start);
	char word[256];

	assert_non_null(at);
	at += strlen(start);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, "\r;"), at);
	assert_true(strlen(word) > 3);
	keep(side, word);
}

/* The next message to `to` has nothing of `from`. Of the SDP another test tells. */
static void expect(struct side *to, const struct side *from, const char *start)
{
	char header[8192];
	const char *end;

	peer_expect(to->peer, start);
	end = strstr(to->peer->text, "\r\n\r\n");
	assert_non_null(end);
	snprintf(header, sizeof(header), "%.*s", (int)(end - to->peer->text), to->peer->text);
	for (int i = 0; i < from->count; i++)
		if (strstr(header, from->words[i]))
			fail_msg("%s is told %s:\n%s", start, from->words[i], header);
}

struct pair {
	struct bench *bench;
	struct side caller;
	struct side callee;
	char invite[8192]; /* as the callee has it */
	char tag[64];      /* ours towards the caller */
};

static void open_pair(struct pair *pair)
{
	pair->bench = bench_open("off");
	open_side(&pair->caller, &pair->bench->caller, "caller.side");
	open_side(&pair->callee, &pair->bench->callee, "callee.side");
	pair->bench->call_id = "id-of-the-caller";
	keep(&pair->caller, pair->bench->call_id);
	keep(&pair->caller, "tag=caller");
	keep(&pair->caller, "z9hG4bKown");
	keep(&pair->callee, "tag=callee");
}

static void set_up(struct pair *pair)
{
	struct bench *bench = pair->bench;
	char early_tag[64];

	bench->extra = pair->caller.extra;
	caller_sends(bench, "INVITE", 1, "own1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	expect(&pair->callee, &pair->caller, "INVITE ");
	snprintf(pair->invite, sizeof(pair->invite), "%s", bench->callee.text);
	keep_value(&pair->callee, pair->invite, "\r\nCall-ID: ");
	keep_value(&pair->callee, strstr(pair->invite, "\r\nFrom: "), ";tag=");
	bench->extra = pair->callee.extra;
	callee_answers(bench, pair->invite, "180 Ringing", "");
	expect(&pair->caller, &pair->callee, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	keep(&pair->caller, early_tag);
	callee_answers(bench, pair->invite, "183 Session Progress", BODY);
	expect(&pair->caller, &pair->callee, "SIP/2.0 183 ");
	callee_answers(bench, pair->invite, "200 OK", BODY);
	expect(&pair->caller, &pair->callee, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, pair->tag, sizeof(pair->tag));
	expect(&pair->callee, &pair->caller, "ACK ");
	bench->extra = pair->caller.extra;
	caller_sends(bench, "ACK", 1, "own2", pair->tag, "");
}

static void caller_offers(struct pair *pair)
{
	struct bench *bench = pair->bench;
	char offer[8192];

	bench->extra = pair->caller.extra;
	caller_sends(bench, "INVITE", 2, "own3", pair->tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	expect(&pair->callee, &pair->caller, "INVITE ");
	snprintf(offer, sizeof(offer), "%s", bench->callee.text);
	bench->extra = pair->callee.extra;
	callee_answers(bench, offer, "200 OK", BODY);
	expect(&pair->caller, &pair->callee, "SIP/2.0 200 ");
	expect(&pair->callee, &pair->caller, "ACK ");
	bench->extra = pair->caller.extra;
	caller_sends(bench, "ACK", 2, "own4", pair->tag, "");
}

static void callee_offers(struct pair *pair)
{
	struct bench *bench = pair->bench;
	char offer[8192];

	bench->extra = pair->callee.extra;
	callee_sends(bench, pair->invite, "INVITE", 7, BODY);
	peer_expect(&bench->callee, "SIP/2.0 100 ");
	expect(&pair->caller, &pair->callee, "INVITE ");
	snprintf(offer, sizeof(offer), "%s", bench->caller.text);
	bench->extra = pair->caller.extra;
	peer_answers(bench, &bench->caller, offer, "200 OK", "caller", BODY);
	expect(&pair->callee, &pair->caller, "SIP/2.0 200 ");
	expect(&pair->caller, &pair->callee, "ACK ");
	bench->extra = pair->callee.extra;
	callee_sends(bench, pair->invite, "ACK", 7, "");
}

static void nothing_crosses(void **state)
{
	struct pair pair;
	struct bench *bench;

	(void)state;
	open_pair(&pair);
	bench = pair.bench;
	set_up(&pair);
	caller_offers(&pair);
	callee_offers(&pair);
	callee_sends(bench, pair.invite, "BYE", 8, "");
	expect(&pair.callee, &pair.caller, "SIP/2.0 200 ");
	expect(&pair.caller, &pair.callee, "BYE ");
	bench->extra = "";
	peer_answers(bench, &bench->caller, bench->caller.text, "200 OK", "caller", "");
	bench_close(bench);
}

/* A refusal, and the caller's BYE and CANCEL. */
static void nor_when_it_ends(void **state)
{
	struct bench *bench = bench_open("off");
	struct side caller;
	struct side callee;
	char invite[8192];
	char tag[64];

	(void)state;
	open_side(&caller, &bench->caller, "caller.side");
	open_side(&callee, &bench->callee, "callee.side");
	keep(&caller, "tag=caller");
	keep(&callee, "tag=callee");
	bench->extra = caller.extra;
	bench->call_id = "refused-of-the-caller";
	keep(&caller, bench->call_id);
	caller_sends(bench, "INVITE", 1, "r1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	expect(&callee, &caller, "INVITE ");
	bench->extra = callee.extra;
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	expect(&callee, &caller, "ACK ");
	expect(&caller, &callee, "SIP/2.0 486 ");

	bench->extra = caller.extra;
	bench->call_id = "given-up-of-the-caller";
	keep(&caller, bench->call_id);
	caller_sends(bench, "INVITE", 1, "r2", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	expect(&callee, &caller, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	expect(&caller, &callee, "SIP/2.0 180 ");
	caller_sends(bench, "CANCEL", 1, "r2", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	expect(&callee, &caller, "CANCEL ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	callee_answers(bench, invite, "487 Gone", "");
	expect(&callee, &caller, "ACK ");

	bench->extra = "";
	bench->call_id = "ended-by-the-caller";
	keep(&caller, bench->call_id);
	bench_set_up(bench, invite, tag);
	bench->extra = caller.extra;
	caller_sends(bench, "BYE", 2, "r3", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect(&callee, &caller, "BYE ");
	bench->extra = callee.extra;
	callee_answers(bench, bench->callee.text, "200 OK", "");
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_crosses),
		cmocka_unit_test(nor_when_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
