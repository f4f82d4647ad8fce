/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP: G.729 and G.723 in the form that the receiver is to have, and fax that it does without. */
#include "tests/support/test.h"

#include "shared/catalog/catalog.h"
#include "switchd/media/sdp_codecs.h"
#include "switchd/media/sdp_forms.h"

#define HEAD  "v=0\r\no=a 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"
#define AUDIO HEAD "m=audio 4000 RTP/AVP 18 0\r\n"

static const struct conf_codecs all;

/* Written, and written once more: that changes nothing. */
static void becomes(const char *body, const struct sdp_codecs *codecs, const char *want)
{
	struct buf once = buf_new();
	struct buf twice = buf_new();
	struct sdp sdp;
	const char *why;

	assert_true(sdp_scan(span_of(body), &sdp, &why));
	assert_true(sdp_codecs_write(span_of(body), &sdp, codecs, &once));
	assert_string_equal(buf_cstr(&once), want);
	assert_true(sdp_scan(buf_span(&once), &sdp, &why));
	assert_true(sdp_codecs_write(buf_span(&once), &sdp, codecs, &twice));
	assert_string_equal(buf_cstr(&twice), want);
	buf_free(&once);
	buf_free(&twice);
}

static void annexb(uint8_t mode, const char *body, const char *want)
{
	const struct conf_codecs to = {.annexb = mode};

	becomes(body, &(struct sdp_codecs){.from = &all, .to = &to}, want);
}

static void each_mode(void **state)
{
	static const char without[] = AUDIO "a=rtpmap:18 G729/8000\r\na=ptime:20\r\n";
	static const char no[] =
		AUDIO "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=ptime:20\r\n";
	static const char yes[] =
		AUDIO "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=yes\r\na=ptime:20\r\n";

	(void)state;
	annexb(WORD_ANNEX_PASSTHROUGH, no, no);
	annexb(WORD_ANNEX_PASSTHROUGH, without, without);
	annexb(WORD_ANNEX_AUTO, no, no);
	annexb(WORD_ANNEX_AUTO, yes, yes);
	annexb(WORD_ANNEX_YES, no, yes);
	annexb(WORD_ANNEX_NO, yes, no);
	annexb(WORD_ANNEX_NO, no, no);
	annexb(WORD_ANNEX_ABSENT, yes, without);
	annexb(WORD_ANNEX_ABSENT, without, without);
	/* What is not said yet is said behind the rest. */
	annexb(WORD_ANNEX_NO, without,
	       AUDIO "a=rtpmap:18 G729/8000\r\na=ptime:20\r\na=fmtp:18 annexb=no\r\n");
	annexb(WORD_ANNEX_YES, AUDIO, AUDIO "a=fmtp:18 annexb=yes\r\n");
	annexb(WORD_ANNEX_ABSENT, AUDIO, AUDIO);
}

/* Other parameters stay, as the annex of other codecs does, and G.729 may have any number. */
static void only_what_is_meant(void **state)
{
	const struct conf_codecs to = {.annexa = WORD_ANNEX_NO, .annexb = WORD_ANNEX_ABSENT};

	(void)state;
	annexb(WORD_ANNEX_NO,
	       AUDIO "a=fmtp:18 ANNEXB = yes ; x=1;; y\r\na=fmtp:18 z;annexb=yes\r\n",
	       AUDIO "a=fmtp:18 x=1;y;annexb=no\r\na=fmtp:18 z\r\n");
	annexb(WORD_ANNEX_ABSENT, AUDIO "a=fmtp:18 annexb=yes;x=1\r\n", AUDIO "a=fmtp:18 x=1\r\n");
	annexb(WORD_ANNEX_NO,
	       HEAD "m=audio 4000 RTP/AVP 96 18\r\na=rtpmap:96 G729AB/8000\r\n"
		    "a=rtpmap:18 X/8000\r\na=fmtp:18 annexb=yes\r\na=fmtp:0 annexb=yes\r\n",
	       HEAD "m=audio 4000 RTP/AVP 96 18\r\na=rtpmap:96 G729AB/8000\r\n"
		    "a=rtpmap:18 X/8000\r\na=fmtp:18 annexb=yes\r\na=fmtp:0 annexb=yes\r\n"
		    "a=fmtp:96 annexb=no\r\n");
	becomes(HEAD "m=audio 4000 RTP/AVP 4 18\r\na=fmtp:4 bitrate=5.3;annexa=yes\r\n"
		     "a=fmtp:18 annexb=no\r\n",
		&(struct sdp_codecs){.from = &all, .to = &to},
		HEAD "m=audio 4000 RTP/AVP 4 18\r\na=fmtp:4 bitrate=5.3;annexa=no\r\n");
	/* The other streams, on either side of it. */
	annexb(WORD_ANNEX_NO,
	       HEAD "m=audio 0 RTP/AVP 18\r\na=fmtp:18 annexb=yes\r\nm=audio 4000 RTP/AVP 18\r\n"
		    "m=video 5000 RTP/AVP 18\r\na=fmtp:18 annexb=yes\r\n",
	       HEAD "m=audio 0 RTP/AVP 18\r\na=fmtp:18 annexb=yes\r\nm=audio 4000 RTP/AVP 18\r\n"
		    "a=fmtp:18 annexb=no\r\nm=video 5000 RTP/AVP 18\r\na=fmtp:18 annexb=yes\r\n");
}

/* A codec that is taken out leaves no parameters. */
static void with_a_list(void **state)
{
	const struct conf_codecs pcmu = {
		.count = 1, .list = {WORD_CODEC_G711U}, .annexb = WORD_ANNEX_NO};
	const struct conf_codecs g729 = {
		.count = 1, .list = {WORD_CODEC_G729}, .annexb = WORD_ANNEX_NO};

	(void)state;
	becomes(AUDIO "a=rtpmap:18 G729/8000\r\n", &(struct sdp_codecs){.from = &all, .to = &pcmu},
		HEAD "m=audio 4000 RTP/AVP 0\r\n");
	becomes(AUDIO, &(struct sdp_codecs){.from = &all, .to = &g729},
		HEAD "m=audio 4000 RTP/AVP 18\r\na=fmtp:18 annexb=no\r\n");
}

static unsigned denied(const char *body)
{
	struct sdp sdp;
	const char *why;

	assert_true(sdp_scan(span_of(body), &sdp, &why));
	return sdp_forms_denied(&sdp);
}

/* RFC 7261: who offers annexb=no is answered no. */
static void answers_to_who_said_no(void **state)
{
	const struct conf_codecs to = {.annexb = WORD_ANNEX_AUTO, .annexa = WORD_ANNEX_AUTO};
	const unsigned b = 1u << SDP_ANNEX_B;
	const unsigned a = 1u << SDP_ANNEX_A;

	(void)state;
	assert_int_equal(denied(AUDIO), 0);
	assert_int_equal(denied(AUDIO "a=fmtp:18 annexb=yes\r\n"), 0);
	assert_int_equal(denied(AUDIO "a=fmtp:0 annexb=no\r\n"), 0);
	assert_int_equal(denied(AUDIO "a=fmtp:18 x; AnnexB = no\r\n"), 0);
	assert_int_equal(denied(AUDIO "a=fmtp:18 x; AnnexB=NO\r\n"), b);
	assert_int_equal(denied(HEAD "m=audio 0 RTP/AVP 18\r\na=fmtp:18 annexb=no\r\n"), 0);
	assert_int_equal(denied(HEAD "m=audio 4 RTP/AVP 4 18\r\na=fmtp:4 annexa=no\r\n"
				     "a=fmtp:18 annexb=no\r\n"),
			 a | b);
	becomes(AUDIO, &(struct sdp_codecs){&all, &to, true, b}, AUDIO "a=fmtp:18 annexb=no\r\n");
	becomes(AUDIO, &(struct sdp_codecs){&all, &to, true, a}, AUDIO);
	becomes(AUDIO "a=fmtp:18 annexb=yes\r\n", &(struct sdp_codecs){&all, &to, true, 0},
		AUDIO "a=fmtp:18 annexb=yes\r\n");
}

static void names(void **state)
{
	const struct conf_codecs g729 = {.g729_mode = WORD_G729_MODE_G729};
	const struct conf_codecs g729a = {.g729_mode = WORD_G729_MODE_G729A};
	static const char usual[] = AUDIO "a=rtpmap:18 G729/8000/1\r\na=rtpmap:0 PCMU/8000\r\n";
	static const char other[] = AUDIO "a=rtpmap:18 G729a/8000/1\r\na=rtpmap:0 PCMU/8000\r\n";

	(void)state;
	becomes(usual, &(struct sdp_codecs){.from = &all, .to = &g729a}, other);
	becomes(other, &(struct sdp_codecs){.from = &all, .to = &g729}, usual);
	becomes(other, &(struct sdp_codecs){.from = &all, .to = &all}, other);
	becomes(AUDIO, &(struct sdp_codecs){.from = &all, .to = &g729a},
		AUDIO "a=rtpmap:18 G729a/8000\r\n");
	/* One that is told another name is not repeated to the others. */
	becomes(other, &(struct sdp_codecs){.from = &g729a, .to = &all}, usual);
}

static void fax(const char *body, bool has, bool is_all)
{
	struct sdp sdp;
	const char *why;
	bool found = !is_all;

	assert_true(sdp_scan(span_of(body), &sdp, &why));
	assert_int_equal(sdp_has_fax(&sdp, &found), has);
	assert_int_equal(found, is_all);
}

static void fax_is_switched_off(void **state)
{
	const struct conf_codecs none = {.has_no_fax = true};
	static const char offer[] = HEAD "m=image 4002 udptl t38\r\na=T38FaxVersion:0\r\n"
					 "m=audio 4000 RTP/AVP 0\r\nm=image 4004/2 TCP T38\r\n"
					 "m=image 4006 udptl other\r\n";
	static const char want[] = HEAD "m=image 0 udptl t38\r\na=T38FaxVersion:0\r\n"
					"m=audio 4000 RTP/AVP 0\r\nm=image 0 TCP T38\r\n"
					"m=image 4006 udptl other\r\n";

	(void)state;
	becomes(offer, &(struct sdp_codecs){.from = &all, .to = &none}, want);
	becomes(offer, &(struct sdp_codecs){.from = &none, .to = &all, .is_answer = true}, want);
	becomes(offer, &(struct sdp_codecs){.from = &all, .to = &all}, offer);
	fax(offer, true, false);
	fax(HEAD "m=audio 4000 RTP/AVP 0\r\n", false, false);
	fax(HEAD "m=audio 0 RTP/AVP 0\r\nm=image 4002 udptl t38\r\n", true, true);
	fax(HEAD "m=image 0 udptl t38\r\n", false, false);
}

static void nothing_is_asked_for(void **state)
{
	static const struct conf_codecs some[] = {{.annexa = WORD_ANNEX_YES},
						  {.annexb = WORD_ANNEX_ABSENT},
						  {.g729_mode = WORD_G729_MODE_G729},
						  {.has_no_fax = true}};
	const struct conf_codecs automatic = {.annexb = WORD_ANNEX_AUTO};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_false(
			sdp_codecs_allow_all(&(struct sdp_codecs){.from = &all, .to = &some[i]}));
	/* The form is the receiver's, and auto asks for nothing until somebody said no. */
	assert_true(sdp_codecs_allow_all(&(struct sdp_codecs){.from = &some[0], .to = &all}));
	assert_true(sdp_codecs_allow_all(&(struct sdp_codecs){.from = &all, .to = &automatic}));
	assert_false(sdp_codecs_allow_all(
		&(struct sdp_codecs){&all, &automatic, true, 1u << SDP_ANNEX_B}));
}

TEST_MAIN(cmocka_unit_test(each_mode), cmocka_unit_test(only_what_is_meant),
	  cmocka_unit_test(with_a_list), cmocka_unit_test(answers_to_who_said_no),
	  cmocka_unit_test(names), cmocka_unit_test(fax_is_switched_off),
	  cmocka_unit_test(nothing_is_asked_for))
