/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys in SDP, SRTP under them against the vectors of RFC 3711 and against itself, and the
 * scrambling. */
#include "tests/support/test.h"

#include <string.h>

#include "shared/base/buf.h"
#include "switchd/media/scramble.h"
#include "switchd/media/sdes.h"
#include "switchd/media/srtp.h"

#define KEY  "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define LINE "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY

static void lines_that_are_taken(void **state)
{
	static const struct {
		const char *text;
		uint32_t tag;
		enum sdes_suite suite;
	} good[] = {
		{LINE, 1, SDES_AES_80},
		{LINE "|2^20", 1, SDES_AES_80},
		{LINE "|1048576", 1, SDES_AES_80},
		{LINE "|2^48", 1, SDES_AES_80},
		{LINE " WSH=64", 1, SDES_AES_80},
		{LINE " -UNKNOWN", 1, SDES_AES_80},
		{"  999999999\tAES_CM_128_HMAC_SHA1_32  inline:" KEY, 999999999, SDES_AES_32},
		{"2 aes_cm_128_hmac_sha1_32 INLINE:" KEY, 2, SDES_AES_32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sdes sdes;

		if (!sdes_parse(span_of(good[i].text), &sdes))
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(sdes.tag, good[i].tag);
		assert_int_equal(sdes.suite, good[i].suite);
		assert_memory_equal(sdes.key, "wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#", 30);
	}
}

static void lines_that_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"1",
		"1 AES_CM_128_HMAC_SHA1_80",
		"x AES_CM_128_HMAC_SHA1_80 inline:" KEY,
		"1000000000 AES_CM_128_HMAC_SHA1_80 inline:" KEY,
		"1 AES_CM_256_HMAC_SHA1_80 inline:" KEY,
		"1 F8_128_HMAC_SHA1_80 inline:" KEY,
		"1 AES_CM_128_HMAC_SHA1_80 prompt:" KEY,
		"1 AES_CM_128_HMAC_SHA1_80 inline:",
		"1 AES_CM_128_HMAC_SHA1_80 inline:d0Rm",
		LINE "AA",
		"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo!",
		LINE "|",
		LINE "|2^49",
		LINE "|0",
		LINE "|2^20|1:4",
		LINE "|1:4",
		LINE ";inline:" KEY,
		LINE " UNENCRYPTED_SRTP",
		LINE " WSH=64 KDR=1",
	};
	struct sdes sdes;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sdes_parse(span_of(bad[i]), &sdes))
			fail_msg("taken: %s", bad[i]);
}

static void lines_come_back(void **state)
{
	char memory[128];
	struct buf out = buf_over(memory, sizeof(memory));
	struct sdes sdes = {.tag = 7, .suite = SDES_AES_32};
	struct sdes again;

	(void)state;
	sdes_renew(&sdes);
	sdes_print(&sdes, &out);
	assert_true(sdes_parse(buf_span(&out), &again));
	assert_memory_equal(&again.key, &sdes.key, sizeof(sdes.key));
	assert_int_equal(again.tag, 7);
	assert_int_equal(again.suite, SDES_AES_32);
}

struct packet {
	uint8_t data[256];
	struct relay_packet relay;
};

static struct packet packet_of(uint16_t sequence, uint32_t ssrc, size_t payload)
{
	struct packet packet = {.data = {0x80, 8, (uint8_t)(sequence >> 8), (uint8_t)sequence, 0, 0,
					 0, (uint8_t)sequence, (uint8_t)(ssrc >> 24),
					 (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8),
					 (uint8_t)ssrc}};

	for (size_t i = 0; i < payload; i++)
		packet.data[12 + i] = (uint8_t)(0xab + i);
	packet.relay.len = 12 + payload;
	packet.relay.kind = PACKET_RTP;
	return packet;
}

static bool run(struct relay_work *work, struct packet *packet)
{
	packet->relay.data = packet->data;
	packet->relay.room = sizeof(packet->data);
	return work->ops->packet(work, NULL, NULL, &packet->relay);
}

/* One packet under a master key of RFC 3711's appendix B.3, protected by another implementation
 * (the validation packet that comes with the reference code). */
static void a_known_packet(void **state)
{
	static const uint8_t plain[28] = {
		0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe, 0xab, 0xab,
		0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab};
	static const uint8_t cipher[38] = {
		0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe, 0x4e,
		0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8, 0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d,
		0x24, 0x02, 0xb7, 0x8d, 0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb};
	static const struct sdes key = {.suite = SDES_AES_80,
					.key = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
						0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39,
						0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb,
						0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6}};
	struct packet packet = {.relay = {.len = sizeof(plain), .kind = PACKET_RTP}};
	struct relay_work *seal;
	struct relay_work *open;

	(void)state;
	srtp_start();
	assert_int_equal(srtp_protect_new(&key, &seal), VOS_OK);
	assert_int_equal(srtp_unprotect_new(&key, NULL, &open), VOS_OK);
	memcpy(packet.data, plain, sizeof(plain));
	assert_true(run(seal, &packet));
	assert_int_equal(packet.relay.len, sizeof(cipher));
	assert_memory_equal(packet.data, cipher, sizeof(cipher));
	assert_true(run(open, &packet));
	assert_int_equal(packet.relay.len, sizeof(plain));
	assert_memory_equal(packet.data, plain, sizeof(plain));
	seal->ops->destroy(seal);
	open->ops->destroy(open);
}

static void altered_and_replayed_packets(void **state)
{
	struct sdes key = {.suite = SDES_AES_32};
	struct packet first = packet_of(1, 9, 160);
	struct packet copy;
	struct packet report = {.data = {0x80, 200, 0, 1, 0, 0, 0, 9},
				.relay = {.len = 8, .kind = PACKET_RTCP}};
	struct relay_work *seal;
	struct relay_work *open;

	(void)state;
	srtp_start();
	sdes_renew(&key);
	assert_int_equal(srtp_protect_new(&key, &seal), VOS_OK);
	assert_int_equal(srtp_unprotect_new(&key, NULL, &open), VOS_OK);
	assert_true(run(seal, &first));
	assert_int_equal(first.relay.len, 12 + 160 + 4);
	copy = first;
	copy.data[100] ^= 1;
	assert_false(run(open, &copy));
	copy = first;
	assert_true(run(open, &copy));
	copy = first;
	assert_false(run(open, &copy));
	/* RTCP has the long tag in either suite, and its index. */
	assert_true(run(seal, &report));
	assert_int_equal(report.relay.len, 8 + 4 + 10);
	assert_true(run(open, &report));
	assert_int_equal(report.relay.len, 8);
	seal->ops->destroy(seal);
	open->ops->destroy(open);
}

/* A new key: packets under the old one pass until the first under the new. */
static void keys_that_change(void **state)
{
	struct sdes before = {.suite = SDES_AES_80};
	struct sdes after = {.suite = SDES_AES_80};
	struct packet late[2] = {packet_of(1, 9, 20), packet_of(2, 9, 20)};
	struct packet fresh = packet_of(3, 9, 20);
	struct relay_work *seal[2];
	struct relay_work *open;

	(void)state;
	srtp_start();
	sdes_renew(&before);
	sdes_renew(&after);
	assert_int_equal(srtp_protect_new(&before, &seal[0]), VOS_OK);
	assert_int_equal(srtp_protect_new(&after, &seal[1]), VOS_OK);
	assert_int_equal(srtp_unprotect_new(&after, &before, &open), VOS_OK);
	assert_true(run(seal[0], &late[0]) && run(seal[0], &late[1]) && run(seal[1], &fresh));
	assert_true(run(open, &late[0]));
	assert_true(run(open, &fresh));
	assert_false(run(open, &late[1]));
	for (int i = 0; i < 2; i++)
		seal[i]->ops->destroy(seal[i]);
	open->ops->destroy(open);
}

/* What is remembered of streams is bounded, and a stream that was forgotten begins anew. */
static void many_streams(void **state)
{
	struct sdes key = {.suite = SDES_AES_80};
	struct relay_work *seal;
	struct relay_work *open;

	(void)state;
	srtp_start();
	sdes_renew(&key);
	assert_int_equal(srtp_protect_new(&key, &seal), VOS_OK);
	assert_int_equal(srtp_unprotect_new(&key, NULL, &open), VOS_OK);
	for (uint32_t i = 0; i < 200; i++) {
		struct packet packet = packet_of(1, i % 50, 20);

		assert_true(run(seal, &packet));
		assert_true(run(open, &packet));
	}
	seal->ops->destroy(seal);
	open->ops->destroy(open);
}

static void scrambled_and_back(void **state)
{
	struct span key = SPAN_LIT("the shared key");

	(void)state;
	for (int mode = SCRAMBLE_XOR; mode < SCRAMBLE_MODES; mode++) {
		struct packet plain = packet_of(65535, 0xdeadbeef, 160);
		struct packet packet = plain;
		struct scramble ours;
		struct scramble theirs;
		struct relay_work *there;
		struct relay_work *back;
		char memory[128];
		struct buf text = buf_over(memory, sizeof(memory));

		scramble_renew(&ours, (enum scramble_mode)mode, key);
		scramble_print(&ours, &text);
		assert_true(scramble_parse(buf_span(&text), &theirs));
		assert_memory_equal(&ours, &theirs, sizeof(ours));
		assert_true(scramble_check(&theirs, key));
		assert_false(scramble_check(&theirs, SPAN_LIT("another key")));
		assert_int_equal(scramble_new(&ours, key, &there), VOS_OK);
		assert_int_equal(scramble_new(&theirs, key, &back), VOS_OK);
		assert_true(run(there, &packet));
		assert_int_equal(packet.relay.len, plain.relay.len);
		assert_memory_equal(packet.data, plain.data, 12);
		assert_memory_not_equal(packet.data + 12, plain.data + 12, 16);
		assert_true(run(back, &packet));
		assert_memory_equal(packet.data, plain.data, plain.relay.len);
		there->ops->destroy(there);
		back->ops->destroy(back);
	}
}

/* The header with its CSRC list and extension stays; one that goes beyond the packet is refused. */
static void headers_stay(void **state)
{
	struct span key = SPAN_LIT("k");
	struct scramble ours;
	struct packet plain = packet_of(1, 2, 40);
	struct packet packet;
	struct relay_work *work;

	(void)state;
	scramble_renew(&ours, SCRAMBLE_AES128, key);
	assert_int_equal(scramble_new(&ours, key, &work), VOS_OK);
	plain.data[0] = 0x92; /* two CSRC, an extension of one word */
	plain.data[22] = 0;
	plain.data[23] = 1;
	packet = plain;
	assert_true(run(work, &packet));
	assert_memory_equal(packet.data, plain.data, 12 + 8 + 4 + 4);
	assert_memory_not_equal(packet.data + 28, plain.data + 28, 16);
	packet = plain;
	packet.data[23] = 9;
	assert_false(run(work, &packet));
	packet = plain;
	packet.data[0] = 0x8f;
	assert_false(run(work, &packet));
	packet = plain;
	packet.relay.kind = PACKET_RTCP;
	assert_true(run(work, &packet));
	assert_memory_equal(packet.data, plain.data, plain.relay.len);
	work->ops->destroy(work);
}

static void marks_that_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"none AAAAAAAAAAAAAAAAAAAAAA 00000000",
		"des AAAAAAAAAAAAAAAAAAAAAA 00000000",
		"aes128 AAAAAAAAAAAAAAAAAAAAA 00000000",
		"aes128 AAAAAAAAAAAAAAAAAAAAAA 0000000",
		"aes128 AAAAAAAAAAAAAAAAAAAAAA 0000000g",
		"aes128 AAAAAAAAAAAAAAAAAAAAAA 00000000 ",
		"aes128  AAAAAAAAAAAAAAAAAAAAAA 00000000",
		"aes128 AAAAAAAAAAAAAAAAAAAA+A 00000000",
	};
	struct scramble mark;

	(void)state;
	assert_true(scramble_parse(SPAN_LIT("aes128 AAAAAAAAAAAAAAAAAAAAAA 00000000"), &mark));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (scramble_parse(span_of(bad[i]), &mark))
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_are_taken),
		cmocka_unit_test(lines_that_are_refused),
		cmocka_unit_test(lines_come_back),
		cmocka_unit_test(a_known_packet),
		cmocka_unit_test(altered_and_replayed_packets),
		cmocka_unit_test(keys_that_change),
		cmocka_unit_test(many_streams),
		cmocka_unit_test(scrambled_and_back),
		cmocka_unit_test(headers_stay),
		cmocka_unit_test(marks_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
