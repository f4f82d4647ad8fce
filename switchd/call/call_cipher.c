/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_cipher.h"

#include <stdlib.h>

#include "shared/base/secret.h"
#include "switchd/media/scramble.h"
#include "switchd/media/sdes.h"
#include "switchd/media/srtp.h"

/* Profiles of RTP as the relay knows them; the secure ones are the odd ones (RFC 3711 section 12,
 * RFC 5124). */
enum profile { PROFILE_AVP, PROFILE_SAVP, PROFILE_AVPF, PROFILE_SAVPF, PROFILES };

/* What one side and the switch have told each other. */
struct cipher_side {
	enum profile profile;          /* of the last offer, whoever made it */
	bool has_keys;                 /* ours are there */
	bool has_offered;              /* the peer's last offer can be taken: these */
	bool is_offered;               /* ours waits for its answer, or had it */
	bool is_on;                    /* agreed, and in force */
	struct sdes ours[SDES_SUITES]; /* SRTP; tags are those of an offer of ours */
	struct sdes sent;              /* the one of ours in force */
	struct sdes offered;
	struct sdes theirs;
	struct scramble our_mark; /* scrambling */
	struct scramble offered_mark;
	struct scramble their_mark;
};

struct call_cipher {
	struct cipher_side sides[MEDIA_SIDES];
};

static const char *const profiles[PROFILES] = {
	[PROFILE_AVP] = "RTP/AVP",
	[PROFILE_SAVP] = "RTP/SAVP",
	[PROFILE_AVPF] = "RTP/AVPF",
	[PROFILE_SAVPF] = "RTP/SAVPF",
};

static enum profile profile_of(const struct sdp_stream *stream)
{
	for (int i = 0; i < PROFILES; i++)
		if (span_ieq(stream->proto, span_of(profiles[i])))
			return (enum profile)i;
	return PROFILE_AVP;
}

static bool is_secure(const struct sdp_stream *stream)
{
	return profile_of(stream) & 1;
}

void call_cipher_rules(const struct snapshot *config, const struct decide_party *party,
		       bool is_leg_secure, struct call_cipher_rules *out)
{
	*out = (struct call_cipher_rules){
		.srtp = party->srtp,
		.scramble = party->scramble,
		.may_show_keys = is_leg_secure || !snapshot_bool(config, PARAM_SS_SRTP_TLS_ONLY),
	};
}

static enum vos_err need(struct call_cipher **cipher)
{
	if (!*cipher)
		*cipher = calloc(1, sizeof(**cipher));
	return *cipher ? VOS_OK : VOS_ENOMEM;
}

static void make_keys(struct cipher_side *side, const struct call_cipher_rules *rules,
		      struct span key)
{
	if (side->has_keys)
		return;
	for (int i = 0; i < SDES_SUITES; i++) {
		side->ours[i].tag = (uint32_t)i + 1;
		side->ours[i].suite = (enum sdes_suite)i;
		sdes_renew(&side->ours[i]);
	}
	if (rules->scramble)
		scramble_renew(&side->our_mark, (enum scramble_mode)rules->scramble, key);
	side->has_keys = true;
}

/* The peer's order is its preference (RFC 4568 section 5.1.2). */
static bool find_sdes(const struct sdp_stream *stream, struct sdes *out)
{
	struct span lines = stream->lines;
	struct span value;

	while (sdp_next_attribute(&lines, SPAN_LIT("crypto"), &value))
		if (sdes_parse(value, out))
			return true;
	return false;
}

static bool find_mark(const struct sdp_stream *stream, const struct call_cipher_rules *rules,
		      struct span key, struct scramble *out)
{
	struct span lines = stream->lines;
	struct span value;

	while (sdp_next_attribute(&lines, SPAN_LIT(SCRAMBLE_ATTRIBUTE), &value))
		if (scramble_parse(value, out))
			return key.len && out->mode == (enum scramble_mode)rules->scramble &&
			       scramble_check(out, key);
	return false;
}

/* Some phones offer keys with the plain profile and mean "if you can"; what they get in the answer
 * decides. */
static enum vos_err take_offer(struct cipher_side *side, const struct call_cipher_rules *rules,
			       struct span key, const struct sdp_stream *stream)
{
	side->profile = profile_of(stream);
	side->is_offered = false;
	side->has_offered = false;
	if (rules->scramble) {
		side->has_offered =
			!is_secure(stream) && find_mark(stream, rules, key, &side->offered_mark);
		return side->has_offered ? VOS_OK : VOS_EPERM;
	}
	if (rules->srtp && rules->may_show_keys)
		side->has_offered = find_sdes(stream, &side->offered);
	if (!side->has_offered && (is_secure(stream) || rules->srtp == WORD_PARTY_SRTP_REQUIRED))
		return VOS_EPERM;
	return VOS_OK;
}

static void add_sdes(const struct sdes *sdes, struct buf *text)
{
	buf_add_lit(text, "a=crypto:");
	sdes_print(sdes, text);
	buf_add_lit(text, "\r\n");
}

static void add_mark(const struct scramble *mark, struct buf *text)
{
	buf_add_lit(text, "a=" SCRAMBLE_ATTRIBUTE ":");
	scramble_print(mark, text);
	buf_add_lit(text, "\r\n");
}

/* Our offer to a side. A stream that runs keeps what it has, so that its keys go on (RFC 4568
 * section 7.1.4). */
static enum vos_err write_offer(struct cipher_side *side, const struct call_cipher_rules *rules,
				struct span key, const struct sdp_stream *stream,
				struct sdp_anchor *anchor, struct buf *text)
{
	bool has_feedback = profile_of(stream) >= PROFILE_AVPF;
	bool is_secure_profile =
		rules->srtp == WORD_PARTY_SRTP_REQUIRED || (side->is_on && (side->profile & 1));

	if (rules->scramble && key.len == 0)
		return VOS_EPERM;
	if (rules->srtp && !rules->may_show_keys) {
		if (rules->srtp == WORD_PARTY_SRTP_REQUIRED)
			return VOS_EPERM;
		is_secure_profile = false;
	}
	make_keys(side, rules, key);
	side->is_offered = rules->scramble || (rules->srtp && rules->may_show_keys);
	side->profile = (enum profile)((has_feedback ? 2 : 0) + is_secure_profile);
	anchor->proto = profiles[side->profile];
	if (rules->scramble)
		add_mark(&side->our_mark, text);
	else if (side->is_offered && side->is_on)
		add_sdes(&side->sent, text);
	else if (side->is_offered)
		for (int i = 0; i < SDES_SUITES; i++)
			add_sdes(&side->ours[i], text);
	return VOS_OK;
}

static bool is_same_key(const struct sdes *a, const struct sdes *b)
{
	return a->suite == b->suite && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* Puts keys in force; those that are already stay, with their counts of packets. */
static enum vos_err start_srtp(struct cipher_side *side, struct media_session *session,
			       enum media_side which, const struct sdes *ours,
			       const struct sdes *theirs)
{
	const struct sdes *before = side->is_on ? &side->theirs : NULL;
	struct relay_work *work;
	enum vos_err err;

	if (!side->is_on || !is_same_key(ours, &side->sent)) {
		err = srtp_protect_new(ours, &work);
		if (err != VOS_OK)
			return err;
		media_set_work(session, which, RELAY_PROTECT, work);
	}
	if (!side->is_on || !is_same_key(theirs, &side->theirs)) {
		err = srtp_unprotect_new(theirs, before, &work);
		if (err != VOS_OK)
			return err;
		media_set_work(session, which, RELAY_UNPROTECT, work);
	}
	side->sent = *ours;
	side->theirs = *theirs;
	side->is_on = true;
	return VOS_OK;
}

static enum vos_err start_scramble(struct cipher_side *side, struct media_session *session,
				   enum media_side which, struct span key,
				   const struct scramble *theirs)
{
	struct relay_work *work;
	enum vos_err err;

	if (!side->is_on) {
		err = scramble_new(&side->our_mark, key, &work);
		if (err != VOS_OK)
			return err;
		media_set_work(session, which, RELAY_PROTECT, work);
	}
	if (!side->is_on || memcmp(&side->their_mark, theirs, sizeof(*theirs)) != 0) {
		err = scramble_new(theirs, key, &work);
		if (err != VOS_OK)
			return err;
		media_set_work(session, which, RELAY_UNPROTECT, work);
	}
	side->their_mark = *theirs;
	side->is_on = true;
	return VOS_OK;
}

static void stop(struct cipher_side *side, struct media_session *session, enum media_side which)
{
	if (!side->is_on)
		return;
	media_set_work(session, which, RELAY_PROTECT, NULL);
	media_set_work(session, which, RELAY_UNPROTECT, NULL);
	side->is_on = false;
}

/* Whether it answers one of our lines: its tag, with its suite. */
static const struct sdes *answered(const struct cipher_side *side, const struct sdes *theirs)
{
	if (side->is_on && theirs->tag == side->sent.tag && theirs->suite == side->sent.suite)
		return &side->sent;
	for (int i = 0; i < SDES_SUITES && !side->is_on; i++)
		if (theirs->tag == side->ours[i].tag && theirs->suite == side->ours[i].suite)
			return &side->ours[i];
	return NULL;
}

static enum vos_err take_answer(struct call_cipher *cipher, const struct call_cipher_step *step,
				const struct sdp_stream *stream)
{
	struct cipher_side *side = &cipher->sides[step->from];
	const struct call_cipher_rules *rules = &step->rules[step->from];
	const struct sdes *ours;
	struct scramble mark;
	struct sdes theirs;

	if (rules->scramble) {
		if (!find_mark(stream, rules, step->key, &mark))
			return VOS_EPERM;
		return start_scramble(side, step->session, step->from, step->key, &mark);
	}
	if (side->is_offered && find_sdes(stream, &theirs)) {
		ours = answered(side, &theirs);
		return ours ? start_srtp(side, step->session, step->from, ours, &theirs)
			    : VOS_EPERM;
	}
	if (is_secure(stream) || rules->srtp == WORD_PARTY_SRTP_REQUIRED)
		return VOS_EPERM;
	stop(side, step->session, step->from);
	return VOS_OK;
}

/* Our answer to what a side offered, which is in force from here on. */
static enum vos_err write_answer(struct call_cipher *cipher, const struct call_cipher_step *step,
				 enum media_side to, struct sdp_anchor *anchor, struct buf *text)
{
	struct cipher_side *side = &cipher->sides[to];
	const struct call_cipher_rules *rules = &step->rules[to];
	struct sdes ours;

	anchor->proto = profiles[side->profile];
	if (!side->has_offered) {
		stop(side, step->session, to);
		return VOS_OK;
	}
	make_keys(side, rules, step->key);
	if (rules->scramble) {
		add_mark(&side->our_mark, text);
		return start_scramble(side, step->session, to, step->key, &side->offered_mark);
	}
	ours = side->ours[side->offered.suite];
	ours.tag = side->offered.tag;
	add_sdes(&ours, text);
	return start_srtp(side, step->session, to, &ours, &side->offered);
}

static bool is_plain(const struct call_cipher_rules *rules)
{
	return !rules->srtp && !rules->scramble;
}

enum vos_err call_cipher_pass(struct call_cipher **cipher, const struct call_cipher_step *step,
			      const struct sdp_stream *stream, struct sdp_anchor *anchor,
			      struct buf *text)
{
	enum media_side to = step->from == MEDIA_A ? MEDIA_B : MEDIA_A;
	size_t begin = text->len;
	enum vos_err err;

	/* Most calls: nobody asks for any of it. */
	if (!*cipher && is_plain(&step->rules[MEDIA_A]) && is_plain(&step->rules[MEDIA_B]))
		return is_secure(stream) ? VOS_EPERM : VOS_OK;
	err = need(cipher);
	if (err != VOS_OK)
		return err;
	if (step->is_answer) {
		err = take_answer(*cipher, step, stream);
		if (err == VOS_OK)
			err = write_answer(*cipher, step, to, anchor, text);
	} else {
		err = take_offer(&(*cipher)->sides[step->from], &step->rules[step->from], step->key,
				 stream);
		if (err == VOS_OK)
			err = write_offer(&(*cipher)->sides[to], &step->rules[to], step->key,
					  stream, anchor, text);
	}
	anchor->attributes = (struct span){text->data + begin, text->len - begin};
	return text->failed ? VOS_ENOMEM : err;
}

enum vos_err call_cipher_answer(struct call_cipher *cipher, const struct call_cipher_step *step,
				struct sdp_anchor *anchor, struct buf *text)
{
	size_t begin = text->len;
	enum vos_err err;

	if (!cipher)
		return VOS_OK;
	err = write_answer(cipher, step, MEDIA_A, anchor, text);
	anchor->attributes = (struct span){text->data + begin, text->len - begin};
	return text->failed ? VOS_ENOMEM : err;
}

bool call_cipher_is_required(const struct call_cipher_rules *rules)
{
	return rules[MEDIA_A].srtp == WORD_PARTY_SRTP_REQUIRED ||
	       rules[MEDIA_B].srtp == WORD_PARTY_SRTP_REQUIRED;
}

enum vos_err call_cipher_check_direct(const struct call_cipher_rules *rules, const struct sdp *sdp)
{
	bool is_required = call_cipher_is_required(rules);

	for (size_t i = 0; is_required && i < sdp->stream_count; i++)
		if (sdp->streams[i].port && !is_secure(&sdp->streams[i]) &&
		    span_istarts_with(sdp->streams[i].proto, SPAN_LIT("RTP/")))
			return VOS_EPERM;
	return VOS_OK;
}

void call_cipher_refresh(struct call_cipher *cipher, const struct call_cipher_step *step,
			 const struct sdp_stream *stream)
{
	if (!cipher || !cipher->sides[step->from].is_on)
		return;
	cipher->sides[step->from].is_offered = true;
	/* What cannot be taken leaves the keys as they are; its media says so soon enough. */
	if (take_answer(cipher, step, stream) != VOS_OK)
		return;
}

void call_cipher_forget(struct call_cipher *cipher, struct media_session *session,
			enum media_side side)
{
	if (!cipher)
		return;
	stop(&cipher->sides[side], session, side);
	secret_wipe(&cipher->sides[side], sizeof(cipher->sides[side]));
}

void call_cipher_free(struct call_cipher *cipher)
{
	if (!cipher)
		return;
	secret_wipe(cipher, sizeof(*cipher));
	free(cipher);
}

const char *call_cipher_text(const struct call_cipher *cipher, enum media_side side)
{
	static const char *const suites[SDES_SUITES] = {
		[SDES_AES_80] = "srtp AES_CM_128_HMAC_SHA1_80",
		[SDES_AES_32] = "srtp AES_CM_128_HMAC_SHA1_32",
	};
	static const char *const modes[SCRAMBLE_MODES] = {
		[SCRAMBLE_NONE] = "",
		[SCRAMBLE_XOR] = "xor",
		[SCRAMBLE_RC4] = "rc4",
		[SCRAMBLE_AES128] = "aes128",
	};
	const struct cipher_side *of = cipher ? &cipher->sides[side] : NULL;

	if (!of || !of->is_on)
		return "";
	return of->our_mark.mode ? modes[of->our_mark.mode] : suites[of->sent.suite];
}
