/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tones of all countries, G.711, and audio files. */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/catalog.h"
#include "switchd/media/clip.h"
#include "switchd/media/tone.h"
#include "switchd/media/wav.h"

/* Share of the energy at a frequency (Goertzel). */
static double share(const int16_t *samples, size_t count, double frequency_hz)
{
	double turn = 2 * cos(2 * acos(-1) * frequency_hz / G711_RATE);
	double last = 0;
	double before = 0;
	double energy = 0;

	for (size_t i = 0; i < count; i++) {
		double now = samples[i] + turn * last - before;

		before = last;
		last = now;
		energy += (double)samples[i] * samples[i];
	}
	return energy > 0 ? 2 * (last * last + before * before - turn * last * before) /
				    ((double)count * energy)
			  : 0;
}

static double level_dbm0(const int16_t *samples, size_t count)
{
	double energy = 0;

	for (size_t i = 0; i < count; i++)
		energy += (double)samples[i] * samples[i];
	return 10 * log10(2 * energy / (double)count / 32767 / 32767) + 3.14;
}

static void check_sound(const struct tone *tone, const int16_t *samples, size_t count)
{
	/* Away from the ramps, and over whole periods of what beats or modulates. */
	const int16_t *middle = samples + 160;
	size_t len = count - 320;

	if (tone->is_modulated) {
		assert_true(share(middle, len, tone->frequency_hz) > 0.6);
		assert_true(share(middle, len, tone->frequency_hz + tone->second_hz) > 0.05);
	} else if (tone->second_hz) {
		assert_true(share(middle, len, tone->frequency_hz) > 0.35);
		assert_true(share(middle, len, tone->second_hz) > 0.35);
	} else {
		assert_true(share(middle, len, tone->frequency_hz) > 0.97);
	}
	assert_true(fabs(level_dbm0(middle, len) - TONE_LEVEL_DBM0) < 0.7);
}

static void every_country(void **state)
{
	(void)state;
	for (int i = 0; i < tone_count(); i++) {
		const struct tone *tone = tone_of(i);
		size_t count = tone_samples(tone);
		int16_t *samples = calloc(count, sizeof(*samples));
		size_t at = 0;

		assert_non_null(samples);
		assert_int_equal(count % CLIP_PACKET, 0);
		assert_in_range(count, 2 * G711_RATE, 7 * G711_RATE);
		assert_in_range(tone->frequency_hz, 300, 500);
		tone_fill(tone, samples, count);
		for (int part = 0; part < TONE_CADENCE_MAX; part++) {
			size_t len = (size_t)tone->cadence_ms[part] * 8;

			if (part % 2 == 0 && len)
				check_sound(tone, samples + at, len);
			for (size_t j = 0; part % 2 && j < len; j++)
				assert_int_equal(samples[at + j], 0);
			at += len;
		}
		assert_int_equal(at, count);
		free(samples);
	}
	assert_int_equal(tone_of(WORD_RING_TONE_US)->second_hz, 480);
	assert_int_equal(tone_of(WORD_RING_TONE_CN)->frequency_hz, 450);
}

/* ITU-T G.711: each code is what its own level becomes, and a level goes to the nearest code. */
static void laws(void **state)
{
	(void)state;
	for (int law = 0; law < G711_LAWS; law++) {
		for (int code = 0; code < 256; code++) {
			int16_t level = g711_decode((enum g711_law)law, (uint8_t)code);
			uint8_t again = g711_encode((enum g711_law)law, level);

			/* mu-law has two zeros. */
			assert_true(again == code || level == 0);
		}
		for (int level = -32768; level < 32768; level++) {
			uint8_t code = g711_encode((enum g711_law)law, (int16_t)level);
			int back = g711_decode((enum g711_law)law, code);
			int size = abs(level) > 256 ? abs(level) / 16 : 16;

			assert_true(abs(back - level) <= size || abs(level) > 32000);
		}
	}
	/* Table 1a and 2a: the ends of the scale and silence. */
	assert_int_equal(g711_encode(G711_A, 0), 0xd5);
	assert_int_equal(g711_encode(G711_MU, 0), 0xff);
	assert_int_equal(g711_encode(G711_A, 32767), 0xaa);
	assert_int_equal(g711_encode(G711_MU, 32767), 0x80);
	assert_int_equal(g711_encode(G711_MU, -32768), 0x00);
	assert_int_equal(g711_encode(G711_A, -32768), 0x2a);
	assert_int_equal(g711_decode(G711_A, 0xaa), 32256);
	assert_int_equal(g711_decode(G711_MU, 0x80), 32124);
}

struct file {
	char bytes[256];
	size_t len;
};

static void put(struct file *file, const char *text, size_t len)
{
	memcpy(file->bytes + file->len, text, len);
	file->len += len;
}

static void put_number(struct file *file, uint32_t number, int bytes)
{
	for (int i = 0; i < bytes; i++)
		file->bytes[file->len++] = (char)(number >> (8 * i));
}

static struct file wav_file(unsigned format, unsigned channels, uint32_t rate, unsigned bits,
			    uint32_t data_len)
{
	struct file file = {.len = 0};

	put(&file, "RIFF\xff\xff\xff\xffWAVE", 12);
	put(&file, "LIST\x03\0\0\0abc\0", 12); /* of odd length */
	put(&file, "fmt \x10\0\0\0", 8);
	put_number(&file, format, 2);
	put_number(&file, channels, 2);
	put_number(&file, rate, 4);
	put_number(&file, rate * channels * bits / 8, 4);
	put_number(&file, channels * bits / 8, 2);
	put_number(&file, bits, 2);
	put(&file, "data", 4);
	put_number(&file, data_len, 4);
	put(&file, "\x01\x02\x03\x04\xd5\xff", 6);
	return file;
}

static enum vos_err parse(const struct file *file, struct wav *wav, const char **why)
{
	return wav_parse((struct span){file->bytes, file->len}, wav, why);
}

static void files(void **state)
{
	struct file file = wav_file(1, 1, 8000, 16, 6);
	struct wav wav;
	const char *why;

	(void)state;
	assert_int_equal(parse(&file, &wav, &why), VOS_OK);
	assert_int_equal(wav.count, 3);
	assert_int_equal(wav.samples[0], 0x0201);
	assert_int_equal(wav.samples[2], (int16_t)0xffd5);
	wav_clear(&wav);
	file = wav_file(6, 1, 8000, 8, 6);
	assert_int_equal(parse(&file, &wav, &why), VOS_OK);
	assert_int_equal(wav.count, 6);
	assert_int_equal(wav.samples[4], g711_decode(G711_A, 0xd5));
	wav_clear(&wav);
	/* Cut off: what is there counts. */
	file = wav_file(7, 1, 8000, 8, 600);
	assert_int_equal(parse(&file, &wav, &why), VOS_OK);
	assert_int_equal(wav.count, 6);
	assert_int_equal(wav.samples[5], 0);
	wav_clear(&wav);
}

static void files_that_are_refused(void **state)
{
	const struct {
		struct file file;
		const char *why;
	} bad[] = {
		{{"", 0}, "RIFF"},
		{wav_file(1, 2, 8000, 16, 4), "mono"},
		{wav_file(1, 1, 16000, 16, 4), "8000"},
		{wav_file(1, 1, 8000, 8, 4), "16 bits"},
		{wav_file(6, 1, 8000, 16, 4), "8 bits"},
		{wav_file(85, 1, 8000, 16, 4), "neither"},
		{wav_file(1, 1, 8000, 16, 0), "no samples"},
	};
	struct file cut = wav_file(1, 1, 8000, 16, 6);
	struct wav wav;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&bad[i].file, &wav, &why), VOS_EINVAL);
		assert_non_null(strstr(why, bad[i].why));
	}
	/* Wherever it ends before its data. */
	for (cut.len = 0; cut.len < 56; cut.len++)
		assert_int_equal(parse(&cut, &wav, &why), VOS_EINVAL);
}

static void clips(void **state)
{
	int16_t samples[CLIP_PACKET + 1] = {0};
	struct clip *clip;

	(void)state;
	samples[CLIP_PACKET] = 32767;
	assert_int_equal(clip_new(samples, CLIP_PACKET + 1, &clip), VOS_OK);
	assert_int_equal(clip_packets(clip), 2);
	assert_int_equal(clip_packet(clip, G711_A, 0)[0], 0xd5);
	assert_int_equal(clip_packet(clip, G711_A, 1)[0], 0xaa);
	assert_int_equal(clip_packet(clip, G711_A, 1)[1], 0xd5);
	assert_int_equal(clip_packet(clip, G711_MU, 1)[0], 0x80);
	assert_int_equal(clip_packet(clip, G711_MU, 1)[CLIP_PACKET - 1], 0xff);
	clip_put(clip_get(clip));
	clip_put(clip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_country), cmocka_unit_test(laws),
		cmocka_unit_test(files),         cmocka_unit_test(files_that_are_refused),
		cmocka_unit_test(clips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
