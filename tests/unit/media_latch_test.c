/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The latch, rule by rule as its header numbers them. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "switchd/media/latch.h"
#include "switchd/media/packet.h"

#define LOCAL      "198.51.100.1"
#define SDP        "203.0.113.5:4000"
#define SDP_RTCP   "203.0.113.5:4001"
#define SDP_OTHER  "203.0.113.5:4444"
#define SIGNALLING "203.0.113.77:5060"
#define PRIVATE    "10.1.2.3:4000"
#define NAT_SOURCE "203.0.113.77:61000"
#define STRANGER   "192.0.2.66:4000"
#define SECOND     UINT64_C(1000000)

static struct addr addr(const char *text)
{
	struct addr out = {0};

	if (text && !addr_parse(span_of(text), &out))
		fail_msg("no address: %s", text);
	return out;
}

static struct endpoint from(const char *text)
{
	struct addr address = addr(text);

	return endpoint_of(&address);
}

static struct media_peer peer(const char *rtp, const char *rtcp, const char *signalling,
			      bool may_learn)
{
	return (struct media_peer){.rtp = addr(rtp),
				   .rtcp = addr(rtcp),
				   .signalling = addr(signalling),
				   .may_learn = may_learn};
}

static struct latch latch_for(struct media_peer with)
{
	struct addr local = addr(LOCAL);
	struct latch latch;

	latch_init(&latch, &local);
	assert_int_equal(latch_set_peer(&latch, &with, 0), with.rtp.family != ADDR_NONE);
	return latch;
}

static struct latch plain(void)
{
	return latch_for(peer(SDP, SDP_RTCP, SIGNALLING, false));
}

static struct latch behind_nat(void)
{
	return latch_for(peer(PRIVATE, "10.1.2.3:4001", SIGNALLING, true));
}

static enum latch_verdict rtp_packet(struct latch *latch, const char *source, uint32_t ssrc,
				     uint16_t sequence, uint8_t type, uint64_t now_us)
{
	const struct latch_packet packet = {ssrc, sequence, type};
	struct endpoint endpoint = from(source);

	if (latch_is_stream(latch, &endpoint, &packet, now_us))
		return LATCH_ACCEPT;
	return latch_rtp(latch, &endpoint, &packet, now_us);
}

static enum latch_verdict rtp(struct latch *latch, const char *source, uint64_t now_us)
{
	return rtp_packet(latch, source, 0x1234, 0, 0, now_us);
}

static enum latch_verdict rtcp(struct latch *latch, const char *source, uint32_t ssrc)
{
	struct endpoint endpoint = from(source);

	return latch_rtcp(latch, &endpoint, ssrc);
}

static void goes_to(const struct endpoint *endpoint, const char *want)
{
	struct addr address = endpoint_addr(endpoint);
	char text[ADDR_TEXT_MAX];

	assert_string_equal(endpoint_is_none(endpoint) ? "none" : addr_print(&address, text),
			    want ? want : "none");
}

static void kinds_of_packets(void **state)
{
	uint8_t data[RTP_HEADER_BYTES] = {0x80};

	(void)state;
	for (unsigned second = 0; second < 256; second++) {
		unsigned type = second & 0x7f;
		enum packet_kind want = type >= 64 && type <= 95 ? PACKET_RTCP : PACKET_RTP;

		data[1] = (uint8_t)second;
		assert_int_equal(packet_kind(data, RTP_HEADER_BYTES), want);
		assert_int_equal(packet_kind(data, RTP_HEADER_BYTES - 1),
				 want == PACKET_RTCP ? PACKET_RTCP : PACKET_OTHER);
		for (size_t len = 0; len < RTCP_HEADER_BYTES; len++)
			assert_int_equal(packet_kind(data, len), PACKET_OTHER);
	}
	/* Version 2 only: STUN is 0, DTLS 20 to 63, TURN channels 64 to 79. */
	data[1] = 0;
	for (unsigned first = 0; first < 256; first++) {
		data[0] = (uint8_t)first;
		assert_int_equal(packet_kind(data, RTP_HEADER_BYTES),
				 first >= 128 && first <= 191 ? PACKET_RTP : PACKET_OTHER);
	}
}

static void locks_to_the_address_of_the_sdp(void **state)
{
	struct latch latch = plain();

	(void)state;
	goes_to(&latch.rtp_to, SDP);
	goes_to(&latch.rtcp_to, SDP_RTCP);
	assert_int_equal(rtp(&latch, STRANGER, 0), LATCH_FOREIGN);
	/* Where signalling comes from counts only for peers that may be learned. */
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_LEARNED);
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_ACCEPT);
	assert_int_equal(rtp(&latch, SDP_OTHER, 0), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, STRANGER, 0), LATCH_FOREIGN);
	goes_to(&latch.source, SDP);
}

static void locks_to_another_port(void **state)
{
	struct latch latch = plain();

	(void)state;
	assert_int_equal(rtp(&latch, SDP_OTHER, 9 * SECOND), LATCH_LEARNED);
	goes_to(&latch.rtp_to, SDP_OTHER);
	/* RTCP of a phone with its own RTP port is still where the SDP says. */
	goes_to(&latch.rtcp_to, SDP_RTCP);
	assert_int_equal(rtp(&latch, "203.0.113.5:4446", 9 * SECOND), LATCH_FOREIGN);
}

/* A stray stream of the same gateway got the lock: the right port takes it, within the window,
 * once. */
static void sdp_address_takes_over(void **state)
{
	struct latch latch = plain();

	(void)state;
	assert_int_equal(rtp(&latch, SDP_OTHER, SECOND), LATCH_LEARNED);
	assert_int_equal(rtp(&latch, SDP, SECOND + LATCH_WINDOW_US), LATCH_FOREIGN);
	goes_to(&latch.source, SDP_OTHER);
	assert_int_equal(rtcp(&latch, "203.0.113.5:4445", 0x1234), LATCH_ACCEPT);
	goes_to(&latch.rtcp_to, "203.0.113.5:4445");
	assert_int_equal(rtp(&latch, SDP, SECOND + LATCH_WINDOW_US - 1), LATCH_LEARNED);
	assert_int_equal(rtp(&latch, SDP_OTHER, SECOND + LATCH_WINDOW_US), LATCH_FOREIGN);
	goes_to(&latch.rtp_to, SDP);
	/* The reports of the stray go with it. */
	goes_to(&latch.rtcp_to, SDP_RTCP);
	assert_int_equal(rtcp(&latch, "203.0.113.5:4445", 0x9999), LATCH_FOREIGN);
}

static void learns_behind_nat(void **state)
{
	struct latch latch = behind_nat();

	(void)state;
	/* A private address of somebody else's network is not written to. */
	goes_to(&latch.rtp_to, NULL);
	goes_to(&latch.rtcp_to, NULL);
	assert_int_equal(rtp(&latch, STRANGER, 0), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, "192.0.2.66:61000", 0), LATCH_FOREIGN);
	goes_to(&latch.rtp_to, NULL);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 9 * SECOND), LATCH_LEARNED);
	goes_to(&latch.rtp_to, NAT_SOURCE);
	goes_to(&latch.rtcp_to, NULL);
	/* Another phone behind the same NAT comes too late. */
	assert_int_equal(rtp(&latch, "203.0.113.77:61002", 9 * SECOND), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, STRANGER, 9 * SECOND), LATCH_FOREIGN);
}

/* A public address in the SDP of a NAT phone (STUN, port forwarding) is written to at once. */
static void public_address_behind_nat(void **state)
{
	struct latch latch = latch_for(peer("203.0.113.77:4000", NULL, SIGNALLING, true));

	(void)state;
	goes_to(&latch.rtp_to, "203.0.113.77:4000");
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	goes_to(&latch.rtp_to, NAT_SOURCE);
	/* As is a private one that signalling comes from: the same network as ours. */
	latch = latch_for(peer("10.9.9.9:4000", NULL, "10.9.9.9:5060", true));
	goes_to(&latch.rtp_to, "10.9.9.9:4000");
	/* And any private one of a peer that is not behind NAT. */
	latch = latch_for(peer(PRIVATE, NULL, SIGNALLING, false));
	goes_to(&latch.rtp_to, PRIVATE);
}

static void payload_type_must_fit_to_learn(void **state)
{
	struct media_peer with = peer(PRIVATE, NULL, SIGNALLING, true);
	struct latch latch;

	(void)state;
	with.payload_types[0] = 1u << 8;
	with.payload_types[1] = UINT64_C(1) << (101 - 64);
	latch = latch_for(with);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 0, 0, 0), LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 0, 64 + 8, 0), LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 0, 101, 0), LATCH_LEARNED);
	latch = latch_for(with);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 0, 8, 0), LATCH_LEARNED);
	/* The SDP's own address needs no such proof. */
	latch = latch_for(with);
	assert_int_equal(rtp_packet(&latch, PRIVATE, 1, 0, 0, 0), LATCH_LEARNED);
}

static void rtcp_comes_from_the_peer_only(void **state)
{
	struct latch latch = plain();

	(void)state;
	/* Before any RTP: the addresses of the SDP. */
	assert_int_equal(rtcp(&latch, SDP_RTCP, 1), LATCH_ACCEPT);
	assert_int_equal(rtcp(&latch, SDP, 1), LATCH_ACCEPT);
	assert_int_equal(rtcp(&latch, SDP_OTHER, 1), LATCH_FOREIGN);
	assert_int_equal(rtcp(&latch, STRANGER, 1), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_LEARNED);
	assert_int_equal(rtcp(&latch, SDP_RTCP, 1), LATCH_ACCEPT);
	/* From the stream's own socket: then answers go there, too. */
	assert_int_equal(rtcp(&latch, SDP, 1), LATCH_ACCEPT);
	goes_to(&latch.rtcp_to, SDP);
	assert_int_equal(rtcp(&latch, STRANGER, 0x1234), LATCH_FOREIGN);
}

/* Behind NAT RTCP has a port of its own that nobody can know: its address and the stream's SSRC
 * tell. */
static void rtcp_is_learned_by_ssrc(void **state)
{
	struct latch latch = behind_nat();

	(void)state;
	assert_int_equal(rtcp(&latch, "203.0.113.77:61001", 0x1234), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	assert_int_equal(rtcp(&latch, "203.0.113.77:61001", 0x1235), LATCH_FOREIGN);
	assert_int_equal(rtcp(&latch, "192.0.2.66:61001", 0x1234), LATCH_FOREIGN);
	assert_int_equal(rtcp(&latch, "203.0.113.77:61001", 0x1234), LATCH_ACCEPT);
	goes_to(&latch.rtcp_to, "203.0.113.77:61001");
	assert_int_equal(rtcp(&latch, "203.0.113.77:61009", 0x1234), LATCH_FOREIGN);
	/* Learned is learned: a report without the SSRC is still its own. */
	assert_int_equal(rtcp(&latch, "203.0.113.77:61001", 9), LATCH_ACCEPT);
}

static void rtcp_targets(void **state)
{
	struct latch latch;

	(void)state;
	/* Muxed: follows RTP. */
	latch = latch_for(peer(PRIVATE, PRIVATE, SIGNALLING, true));
	goes_to(&latch.rtcp_to, NULL);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	goes_to(&latch.rtcp_to, NAT_SOURCE);
	/* The NAT kept the RTP port, so it may have kept the other. */
	latch = behind_nat();
	assert_int_equal(rtp(&latch, "203.0.113.77:4000", 0), LATCH_LEARNED);
	goes_to(&latch.rtcp_to, "203.0.113.77:4001");
	latch = latch_for(peer(SDP, NULL, SIGNALLING, false));
	goes_to(&latch.rtcp_to, NULL);
}

static void moved_peer_is_learned_again(void **state)
{
	struct media_peer moved = peer("10.1.2.3:4010", "10.1.2.3:4011", SIGNALLING, true);
	struct latch latch = behind_nat();
	uint64_t now = 100 * SECOND;

	(void)state;
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	assert_true(latch_set_peer(&latch, &moved, now));
	/* The other side is heard on until the new place is known. */
	goes_to(&latch.rtp_to, NAT_SOURCE);
	/* Leftovers pass, but do not lock. */
	assert_int_equal(rtp(&latch, NAT_SOURCE, now), LATCH_ACCEPT);
	assert_int_equal(rtp(&latch, STRANGER, now), LATCH_FOREIGN);
	assert_true(endpoint_is_none(&latch.source));
	assert_int_equal(rtp(&latch, "203.0.113.77:61010", now), LATCH_LEARNED);
	goes_to(&latch.rtp_to, "203.0.113.77:61010");
	assert_int_equal(rtp(&latch, NAT_SOURCE, now), LATCH_FOREIGN);
	/* Still at the old place after the grace: then that is where it is. */
	latch = behind_nat();
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	assert_true(latch_set_peer(&latch, &moved, now));
	assert_int_equal(rtp(&latch, NAT_SOURCE, now + LATCH_GRACE_US - 1), LATCH_ACCEPT);
	assert_int_equal(rtp(&latch, NAT_SOURCE, now + LATCH_GRACE_US), LATCH_LEARNED);
}

static void moved_public_peer(void **state)
{
	struct media_peer moved = peer("203.0.113.9:7000", "203.0.113.9:7001", SIGNALLING, false);
	struct latch latch = plain();

	(void)state;
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_LEARNED);
	assert_true(latch_set_peer(&latch, &moved, SECOND));
	goes_to(&latch.rtp_to, "203.0.113.9:7000");
	goes_to(&latch.rtcp_to, "203.0.113.9:7001");
	/* The old address is no longer the peer's: a leftover at most. */
	assert_int_equal(rtp(&latch, SDP, SECOND + LATCH_GRACE_US), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, "203.0.113.9:7000", SECOND), LATCH_LEARNED);
}

/* The same again (a refresh, a retransmission) changes nothing; nor does a new RTCP address. */
static void same_peer_keeps_the_lock(void **state)
{
	struct media_peer again = peer(PRIVATE, "10.1.2.3:4009", SIGNALLING, true);
	struct latch latch = behind_nat();

	(void)state;
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	assert_false(latch_set_peer(&latch, &again, SECOND));
	goes_to(&latch.source, NAT_SOURCE);
	again.signalling.port = 9999;
	assert_false(latch_set_peer(&latch, &again, SECOND));
	/* A phone that changed its network signals from elsewhere. */
	again.signalling = addr("203.0.113.88:5060");
	assert_true(latch_set_peer(&latch, &again, SECOND));
	assert_int_equal(rtp(&latch, "203.0.113.88:7", SECOND), LATCH_LEARNED);
}

static void hold_and_resume(void **state)
{
	struct media_peer held = peer(NULL, NULL, SIGNALLING, true);
	struct media_peer resumed = peer(PRIVATE, "10.1.2.3:4001", SIGNALLING, true);
	struct latch latch = behind_nat();

	(void)state;
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_LEARNED);
	assert_false(latch_set_peer(&latch, &held, SECOND));
	goes_to(&latch.rtp_to, NULL);
	goes_to(&latch.rtcp_to, NULL);
	/* Its music on hold is still taken. */
	assert_int_equal(rtp(&latch, NAT_SOURCE, SECOND), LATCH_ACCEPT);
	assert_int_equal(rtp(&latch, PRIVATE, SECOND), LATCH_FOREIGN);
	assert_true(latch_set_peer(&latch, &resumed, 2 * SECOND));
	goes_to(&latch.rtp_to, NAT_SOURCE);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 2 * SECOND), LATCH_LEARNED);
	/* The NAT may have given it another port meanwhile. */
	assert_false(latch_set_peer(&latch, &held, 3 * SECOND));
	assert_true(latch_set_peer(&latch, &resumed, 4 * SECOND));
	assert_int_equal(rtp(&latch, "203.0.113.77:62000", 4 * SECOND), LATCH_LEARNED);
}

/* Nothing of the party before is left: neither what is under way nor where it was. */
static void another_party(void **state)
{
	struct media_peer nobody = {.is_other = true};
	struct media_peer next = peer(SDP_OTHER, SDP_OTHER, SIGNALLING, false);
	struct latch latch = plain();

	(void)state;
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_LEARNED);
	assert_true(latch_set_peer(&latch, &nobody, SECOND));
	assert_int_equal(rtp(&latch, SDP, SECOND), LATCH_FOREIGN);
	goes_to(&latch.rtp_to, NULL);
	goes_to(&latch.rtcp_to, NULL);
	assert_true(latch_set_peer(&latch, &next, SECOND));
	goes_to(&latch.rtp_to, SDP_OTHER);
	assert_int_equal(rtp(&latch, SDP_OTHER, SECOND), LATCH_LEARNED);
	assert_int_equal(rtp(&latch, SDP, SECOND), LATCH_FOREIGN);
	/* In one go, with packets that would have had their second of grace. */
	latch = plain();
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_FOREIGN);
	assert_int_equal(rtp(&latch, SDP, 0), LATCH_LEARNED);
	next = peer(STRANGER, STRANGER, SIGNALLING, false);
	next.is_other = true;
	assert_true(latch_set_peer(&latch, &next, SECOND));
	assert_int_equal(rtp(&latch, SDP, SECOND + 1), LATCH_FOREIGN);
	goes_to(&latch.rtp_to, STRANGER);
}

static void unknown_peer_takes_nothing(void **state)
{
	struct addr local = addr(LOCAL);
	struct latch latch;

	(void)state;
	latch_init(&latch, &local);
	assert_int_equal(rtp(&latch, STRANGER, 0), LATCH_FOREIGN);
	assert_int_equal(rtcp(&latch, STRANGER, 0), LATCH_FOREIGN);
	latch = latch_for(peer(NULL, NULL, SIGNALLING, true));
	assert_int_equal(rtp(&latch, NAT_SOURCE, 0), LATCH_FOREIGN);
	assert_int_equal(rtcp(&latch, NAT_SOURCE, 0), LATCH_FOREIGN);
}

static void never_sends_where_no_phone_is(void **state)
{
	static const struct {
		const char *local;
		const char *rtp;
		bool sends;
	} rows[] = {
		{LOCAL, "224.0.0.1:4000", false},
		{LOCAL, "239.255.255.255:4000", false},
		{LOCAL, "255.255.255.255:4000", false},
		{LOCAL, "240.0.0.1:4000", false},
		{LOCAL, "0.0.0.1:4000", false},
		{LOCAL, "0.0.0.0:4000", false},
		{LOCAL, "127.0.0.1:4000", false},
		{LOCAL, "203.0.113.5", false},
		{LOCAL, "[2001:db8::5]:4000", false},
		{LOCAL, "203.0.113.5:4000", true},
		{"127.0.0.1", "127.0.0.1:4000", true},
		{"0.0.0.0", "127.0.0.1:4000", true},
		{"2001:db8::1", "[ff02::1]:4000", false},
		{"2001:db8::1", "[::1]:4000", false},
		{"2001:db8::1", "[::]:4000", false},
		{"2001:db8::1", "203.0.113.5:4000", false},
		{"2001:db8::1", "[2001:db8::5]:4000", true},
		{"::1", "[::1]:4000", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr local = addr(rows[i].local);
		struct media_peer with = peer(rows[i].rtp, rows[i].rtp, SIGNALLING, false);
		struct latch latch;

		latch_init(&latch, &local);
		latch_set_peer(&latch, &with, 0);
		if (endpoint_is_none(&latch.rtp_to) == rows[i].sends ||
		    endpoint_is_none(&latch.rtcp_to) == rows[i].sends)
			fail_msg("%s from %s", rows[i].rtp, rows[i].local);
	}
}

/* Once the window is over, five in a row. */
static void late_starters_give_proof(void **state)
{
	struct latch latch = behind_nat();
	uint64_t now = LATCH_OPEN_US;

	(void)state;
	for (uint16_t i = 0; i < LATCH_PROOF - 1; i++)
		assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, i, 0, now), LATCH_FOREIGN);
	/* A number too many, another SSRC, another port, too slow: it begins anew. */
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, LATCH_PROOF, 0, now), LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 2, LATCH_PROOF + 1, 0, now), LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, "203.0.113.77:61001", 2, LATCH_PROOF + 2, 0, now),
			 LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 2, 65534, 0, now), LATCH_FOREIGN);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 2, 65535, 0, now + LATCH_PROOF_US),
			 LATCH_FOREIGN);
	now += LATCH_PROOF_US;
	for (uint16_t i = 0; i < LATCH_PROOF - 2; i++)
		assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 2, i, 0, now), LATCH_FOREIGN);
	goes_to(&latch.rtp_to, NULL);
	assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 2, LATCH_PROOF - 2, 0, now), LATCH_LEARNED);
	goes_to(&latch.rtp_to, NAT_SOURCE);
	/* The SDP's own address needs none, and a stranger cannot give any. */
	latch = behind_nat();
	for (uint16_t i = 0; i < 2 * LATCH_PROOF; i++)
		assert_int_equal(rtp_packet(&latch, STRANGER, 1, i, 0, now), LATCH_FOREIGN);
	latch = plain();
	assert_int_equal(rtp(&latch, SDP, 3600 * SECOND), LATCH_LEARNED);
}

/* A phone that waits for its callee's answer is not late. */
static void window_begins_with_the_other_side(void **state)
{
	static const uint64_t none[2] = {0, 0};
	struct latch latch = behind_nat();

	(void)state;
	latch_other_spoke(&latch, none, 100 * SECOND);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 100 * SECOND + LATCH_OPEN_US - 1), LATCH_LEARNED);
	latch = behind_nat();
	latch_other_spoke(&latch, none, 100 * SECOND);
	assert_int_equal(rtp(&latch, NAT_SOURCE, 100 * SECOND + LATCH_OPEN_US), LATCH_FOREIGN);
}

static struct latch audio_latch(enum media_learning learning)
{
	struct media_peer with = peer(SDP, SDP_RTCP, SIGNALLING, true);

	with.is_audio = true;
	with.learning = learning;
	with.payload_types[0] = 1;
	with.payload_types[1] = UINT64_C(1) << (101 - 64);
	return latch_for(with);
}

static void another_ssrc_waits_for_quiet(void **state)
{
	struct latch latch = audio_latch(MEDIA_LEARN_ONCE);
	static const uint64_t none[2] = {0, 0};
	uint64_t now = SECOND;

	(void)state;
	assert_int_equal(rtp_packet(&latch, SDP, 1, 10, 0, now), LATCH_LEARNED);
	assert_int_equal(rtp_packet(&latch, SDP, 2, 7, 0, now), LATCH_WRONG_SSRC);
	/* Those that are refused do not count as quiet or as noise. */
	for (int i = 0; i < 20; i++) {
		now += 20000;
		assert_int_equal(rtp_packet(&latch, SDP, 1, (uint16_t)(11 + i), 0, now),
				 LATCH_ACCEPT);
		assert_int_equal(rtp_packet(&latch, SDP, 2, (uint16_t)(8 + i), 0, now + 10000),
				 LATCH_WRONG_SSRC);
	}
	assert_int_equal(rtp_packet(&latch, SDP, 2, 1, 0, now + LATCH_SSRC_QUIET_US - 1),
			 LATCH_WRONG_SSRC);
	assert_int_equal(rtp_packet(&latch, SDP, 2, 2, 0, now + LATCH_SSRC_QUIET_US), LATCH_ACCEPT);
	now += LATCH_SSRC_QUIET_US;
	assert_int_equal(rtp_packet(&latch, SDP, 1, 99, 0, now), LATCH_WRONG_SSRC);
	/* A re-INVITE of either side: what comes next is the stream. */
	latch_other_spoke(&latch, none, now);
	assert_int_equal(rtp_packet(&latch, SDP, 3, 1, 0, now), LATCH_ACCEPT);
	assert_int_equal(rtp_packet(&latch, SDP, 2, 3, 0, now), LATCH_WRONG_SSRC);
	/* What passed by elsewhere was heard, too. */
	latch.heard_us = now + SECOND;
	assert_int_equal(rtp_packet(&latch, SDP, 2, 4, 0, now + SECOND + 1), LATCH_WRONG_SSRC);
}

/* Video has several, and who relearns takes what comes. */
static void streams_that_may_change(void **state)
{
	struct latch latch = audio_latch(MEDIA_RELEARN);

	(void)state;
	assert_int_equal(rtp_packet(&latch, SDP, 1, 10, 0, 0), LATCH_LEARNED);
	assert_int_equal(rtp_packet(&latch, SDP, 2, 7, 0, 0), LATCH_ACCEPT);
	latch = plain();
	assert_int_equal(rtp_packet(&latch, SDP, 1, 10, 120, 0), LATCH_LEARNED);
	assert_int_equal(rtp_packet(&latch, SDP, 2, 7, 121, 0), LATCH_ACCEPT);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 11, 120, 0), LATCH_ACCEPT);
}

static void payload_type_must_fit_to_pass(void **state)
{
	struct latch latch = audio_latch(MEDIA_LEARN_ONCE);
	static const uint64_t other[2] = {0, UINT64_C(1) << (111 - 64)};

	(void)state;
	assert_int_equal(rtp_packet(&latch, SDP, 1, 1, 102, 0), LATCH_WRONG_TYPE);
	assert_true(endpoint_is_none(&latch.source));
	assert_int_equal(rtp_packet(&latch, SDP, 1, 1, 0, 0), LATCH_LEARNED);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 2, 101, 0), LATCH_ACCEPT);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 3, 102, 0), LATCH_WRONG_TYPE);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 3, LATCH_TYPES_STATIC, 0), LATCH_WRONG_TYPE);
	/* Comfort noise that nobody has named, and what has its meaning anyway. */
	assert_int_equal(rtp_packet(&latch, SDP, 1, 3, 13, 0), LATCH_ACCEPT);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 4, LATCH_TYPES_STATIC - 1, 0), LATCH_ACCEPT);
	/* The other side's numbers are those that this one has to send (RFC 3264 5.1). */
	assert_int_equal(rtp_packet(&latch, SDP, 1, 5, 111, 0), LATCH_WRONG_TYPE);
	latch_other_spoke(&latch, other, 0);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 5, 111, 0), LATCH_ACCEPT);
	assert_int_equal(rtp_packet(&latch, SDP, 1, 6, 101, 0), LATCH_ACCEPT);
}

static void strict_learns_nothing(void **state)
{
	struct latch latch = audio_latch(MEDIA_STRICT);

	(void)state;
	for (uint16_t i = 0; i < 2 * LATCH_PROOF; i++) {
		assert_int_equal(rtp_packet(&latch, SDP_OTHER, 1, i, 0, 0), LATCH_FOREIGN);
		assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, i, 0, 0), LATCH_FOREIGN);
	}
	assert_int_equal(rtp_packet(&latch, SDP, 1, 1, 0, 0), LATCH_LEARNED);
	assert_int_equal(rtcp(&latch, SDP_RTCP, 9), LATCH_ACCEPT);
	assert_int_equal(rtcp(&latch, "203.0.113.5:4445", 1), LATCH_FOREIGN);
	for (uint16_t i = 0; i < 2 * LATCH_PROOF; i++)
		assert_int_equal(rtp_packet(&latch, SDP_OTHER, 1, i, 0, 99 * SECOND),
				 LATCH_FOREIGN);
}

/* The NAT has given the phone another port. */
static void relearn_follows_a_silent_source(void **state)
{
	static const enum media_learning modes[] = {MEDIA_RELEARN, MEDIA_LEARN_ONCE};
	const char *moved = "203.0.113.77:61002";
	uint64_t now = 100 * SECOND;

	(void)state;
	for (int m = 0; m < 2; m++) {
		struct media_peer with = peer(PRIVATE, NULL, SIGNALLING, true);
		struct latch latch;

		with.learning = modes[m];
		latch = latch_for(with);
		assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 1, 0, 0), LATCH_LEARNED);
		assert_int_equal(rtp_packet(&latch, NAT_SOURCE, 1, 1, 0, now), LATCH_ACCEPT);
		for (uint16_t i = 0; i < 2 * LATCH_PROOF; i++)
			assert_int_equal(
				rtp_packet(&latch, moved, 1, i, 0, now + LATCH_QUIET_US - 1),
				LATCH_FOREIGN);
		for (uint16_t i = 0; i < LATCH_PROOF - 1; i++)
			assert_int_equal(rtp_packet(&latch, moved, 1, i, 0, now + LATCH_QUIET_US),
					 LATCH_FOREIGN);
		/* Strangers give no proof, and do not spoil it. */
		assert_int_equal(rtp_packet(&latch, STRANGER, 1, 9, 0, now + LATCH_QUIET_US),
				 LATCH_FOREIGN);
		assert_int_equal(
			rtp_packet(&latch, moved, 1, LATCH_PROOF - 1, 0, now + LATCH_QUIET_US),
			modes[m] == MEDIA_RELEARN ? LATCH_LEARNED : LATCH_FOREIGN);
		goes_to(&latch.rtp_to, modes[m] == MEDIA_RELEARN ? moved : NAT_SOURCE);
	}
}

/* Whatever someone sends who is neither the peer nor behind its address: before the first packet,
 * in the call, as RTP and as RTCP, nothing passes and nothing goes to it. */
static void sprays(void **state)
{
	static const enum media_learning modes[] = {MEDIA_LEARN_ONCE, MEDIA_STRICT, MEDIA_RELEARN};

	(void)state;
	srand(20);
	for (int round = 0; round < 300; round++) {
		struct media_peer with = peer(SDP, SDP_RTCP, SIGNALLING, round & 1);
		struct latch latch;
		uint64_t now = 0;

		with.learning = modes[round % 3];
		with.is_audio = true;
		latch = latch_for(with);
		for (int i = 0; i < 500; i++) {
			struct addr address = addr(STRANGER);
			struct endpoint source;
			struct latch_packet packet = {(uint32_t)rand() % 3, (uint16_t)i, 0};

			now += (uint64_t)rand() % 100000;
			if (round & 2 && i % 100 == 50)
				assert_true(rtp(&latch, SDP, now) <= LATCH_LEARNED);
			address.ip[3] = (uint8_t)rand();
			address.port = (uint16_t)rand();
			source = endpoint_of(&address);
			assert_false(latch_is_stream(&latch, &source, &packet, now));
			assert_int_equal(latch_rtp(&latch, &source, &packet, now), LATCH_FOREIGN);
			assert_int_equal(latch_rtcp(&latch, &source, packet.ssrc), LATCH_FOREIGN);
			goes_to(&latch.rtp_to, SDP);
			goes_to(&latch.rtcp_to, SDP_RTCP);
		}
	}
}

TEST_MAIN(cmocka_unit_test(kinds_of_packets), cmocka_unit_test(locks_to_the_address_of_the_sdp),
	  cmocka_unit_test(locks_to_another_port), cmocka_unit_test(sdp_address_takes_over),
	  cmocka_unit_test(learns_behind_nat), cmocka_unit_test(public_address_behind_nat),
	  cmocka_unit_test(payload_type_must_fit_to_learn),
	  cmocka_unit_test(late_starters_give_proof),
	  cmocka_unit_test(window_begins_with_the_other_side),
	  cmocka_unit_test(another_ssrc_waits_for_quiet), cmocka_unit_test(streams_that_may_change),
	  cmocka_unit_test(payload_type_must_fit_to_pass), cmocka_unit_test(strict_learns_nothing),
	  cmocka_unit_test(relearn_follows_a_silent_source), cmocka_unit_test(sprays),
	  cmocka_unit_test(rtcp_comes_from_the_peer_only),
	  cmocka_unit_test(rtcp_is_learned_by_ssrc), cmocka_unit_test(rtcp_targets),
	  cmocka_unit_test(moved_peer_is_learned_again), cmocka_unit_test(moved_public_peer),
	  cmocka_unit_test(same_peer_keeps_the_lock), cmocka_unit_test(hold_and_resume),
	  cmocka_unit_test(another_party), cmocka_unit_test(unknown_peer_takes_nothing),
	  cmocka_unit_test(never_sends_where_no_phone_is))
