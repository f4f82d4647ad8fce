/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP: only the codecs that both parties are allowed. */
#include "tests/support/test.h"

#include "shared/catalog/catalog.h"
#include "switchd/media/sdp_codecs.h"

#define HEAD "v=0\r\no=a 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"
#define MANY                                                                            \
	"m=audio 4000 RTP/AVP 0 8 18 96 97 101\r\na=rtpmap:0 PCMU/8000\r\n"             \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"      \
	"a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtcp-fb:96 nack\r\n" \
	"a=rtpmap:97 G726-32/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"

static const struct conf_codecs all;
static const struct conf_codecs g711 = {.count = 2, .list = {WORD_CODEC_G711A, WORD_CODEC_G711U}};
static const struct conf_codecs g729 = {.count = 1, .list = {WORD_CODEC_G729A}};
static const struct conf_codecs g729_g711u = {.count = 2,
					      .list = {WORD_CODEC_G729, WORD_CODEC_G711U}};
static const struct conf_codecs g726_opus = {.count = 2,
					     .list = {WORD_CODEC_G726, WORD_CODEC_OPUS}};
static const struct conf_codecs gsm = {.count = 1, .list = {WORD_CODEC_GSM}};

static bool write(const char *body, const struct conf_codecs *from, const struct conf_codecs *to,
		  bool is_answer, struct buf *out)
{
	const struct sdp_codecs codecs = {.from = from, .to = to, .is_answer = is_answer};
	struct sdp sdp;
	const char *why;

	assert_true(sdp_scan(span_of(body), &sdp, &why));
	return sdp_codecs_write(span_of(body), &sdp, &codecs, out);
}

static void leaves(const char *body, const struct conf_codecs *from, const struct conf_codecs *to,
		   bool is_answer, const char *want)
{
	struct buf out = buf_new();

	assert_true(write(body, from, to, is_answer, &out));
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void refuses(const char *body, const struct conf_codecs *from, const struct conf_codecs *to)
{
	struct buf out = buf_new();

	assert_false(write(body, from, to, false, &out));
	buf_free(&out);
}

static void without_a_list_nothing_changes(void **state)
{
	(void)state;
	assert_true(sdp_codecs_allow_all(&(struct sdp_codecs){.from = &all, .to = &all}));
	assert_false(sdp_codecs_allow_all(&(struct sdp_codecs){.from = &all, .to = &gsm}));
	assert_false(sdp_codecs_allow_all(&(struct sdp_codecs){.from = &gsm, .to = &all}));
	leaves(HEAD MANY, &all, &all, false, HEAD MANY);
}

/* The receiver's list orders an offer; digits stay behind the codecs. */
static void offers_are_in_the_order_of_who_gets_them(void **state)
{
	(void)state;
	leaves(HEAD MANY, &all, &g711, false,
	       HEAD "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
		    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n");
	leaves(HEAD MANY, &all, &g726_opus, false,
	       HEAD "m=audio 4000 RTP/AVP 97 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
		    "a=fmtp:96 useinbandfec=1\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 G726-32/8000\r\n"
		    "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n");
	/* The sender's own order stands where only the sender has a list. */
	leaves(HEAD MANY, &g711, &all, false,
	       HEAD "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
		    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n");
	leaves(HEAD MANY, &g711, &g729_g711u, false,
	       HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
		    "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n");
}

static void answers_keep_their_order(void **state)
{
	static const char answer[] =
		HEAD "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n";

	(void)state;
	leaves(answer, &all, &g711, true, answer);
}

/* Numbers that RFC 3551 gives need no rtpmap. */
static void static_types_are_known(void **state)
{
	(void)state;
	leaves(HEAD "m=audio 4000 RTP/AVP 0 18 8 13\r\n", &all, &g729, false,
	       HEAD "m=audio 4000 RTP/AVP 18 13\r\n");
	/* What nobody names is no codec of a list. */
	refuses(HEAD "m=audio 4000 RTP/AVP 99 101\r\na=rtpmap:101 telephone-event/8000\r\n", &all,
		&gsm);
}

static void no_codec_in_common(void **state)
{
	(void)state;
	refuses(HEAD MANY, &all, &gsm);
	refuses(HEAD MANY, &g711, &g729);
	refuses(HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 3\r\n", &all, &gsm);
	/* G7221 is not G722, and AMR-WB is not AMR. */
	refuses(HEAD "m=audio 4000 RTP/AVP 98\r\na=rtpmap:98 G7221/16000\r\n", &all,
		&(struct conf_codecs){.count = 1, .list = {WORD_CODEC_G722}});
	refuses(HEAD "m=audio 4000 RTP/AVP 98\r\na=rtpmap:98 AMR-WB/16000\r\n", &all,
		&(struct conf_codecs){.count = 1, .list = {WORD_CODEC_AMR}});
	refuses(HEAD "m=audio 4000 RTP/AVP 98\r\na=rtpmap:98 AMR-WB/16000\r\n", &all,
		&(struct conf_codecs){.count = 1, .list = {WORD_CODEC_OPUS}});
}

/* Video, fax and streams that are off have codecs of their own, with the same numbers. */
static void other_streams_pass(void **state)
{
	(void)state;
	leaves(HEAD "m=video 5000 RTP/AVP 0 99\r\na=rtpmap:99 H264/90000\r\na=rtpmap:0 X/90000\r\n"
		    "m=audio 4000 RTP/AVP 0 3\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n"
		    "m=image 4002 udptl t38\r\na=T38FaxVersion:0\r\nm=audio 0 RTP/AVP 0\r\n"
		    "a=rtpmap:0 PCMU/8000\r\n",
	       &all, &gsm, false,
	       HEAD "m=video 5000 RTP/AVP 0 99\r\na=rtpmap:99 H264/90000\r\na=rtpmap:0 X/90000\r\n"
		    "m=audio 4000 RTP/AVP 3\r\na=rtpmap:3 GSM/8000\r\n"
		    "m=image 4002 udptl t38\r\na=T38FaxVersion:0\r\nm=audio 0 RTP/AVP 0\r\n"
		    "a=rtpmap:0 PCMU/8000\r\n");
}

TEST_MAIN(cmocka_unit_test(without_a_list_nothing_changes),
	  cmocka_unit_test(offers_are_in_the_order_of_who_gets_them),
	  cmocka_unit_test(answers_keep_their_order), cmocka_unit_test(static_types_are_known),
	  cmocka_unit_test(no_codec_in_common), cmocka_unit_test(other_streams_pass))
