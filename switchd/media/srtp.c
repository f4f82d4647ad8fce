/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/srtp.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/secret.h"

/* Streams of one direction that are remembered: one each for the audio, for who comes by a transfer
 * and for the ring tone before. More than a party needs, and a bound on what one can make us keep.
 */
#define STREAMS_MAX 16

/* The long tag, and the index of SRTCP. */
#define TRAILER_BYTES 14

/* libsrtp keeps a context for each SSRC that it meets. */
struct keyed {
	srtp_t session; /* NULL: none */
	uint32_t ssrcs[STREAMS_MAX];
	unsigned count;
	unsigned oldest;
};

struct srtp_work {
	struct relay_work base; /* first */
	struct keyed now;
	struct keyed before;
};

static void start_library(void)
{
	/* Where it fails, so does everything that is asked of it later. */
	(void)srtp_init();
}

void srtp_start(void)
{
	/* libsrtp has one state a process, and fails when it is started again. */
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_library);
}

static enum vos_err keyed_open(struct keyed *keyed, const struct sdes *sdes, srtp_ssrc_type_t type)
{
	uint8_t key[SDES_KEY_BYTES];
	srtp_policy_t policy = {.ssrc = {.type = type}, .key = key, .window_size = 128};
	srtp_err_status_t status;

	memcpy(key, sdes->key, sizeof(key));
	if (sdes->suite == SDES_AES_32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
	/* RFC 4568 section 6.2.2: the short tag is for RTP only. */
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	/* The relay passes on what it gets, a packet that the far side sends twice included: under
	 * the same key and index that is the same packet again. */
	policy.allow_repeat_tx = type == ssrc_any_outbound;
	status = srtp_create(&keyed->session, &policy);
	secret_wipe(key, sizeof(key));
	if (status == srtp_err_status_ok)
		return VOS_OK;
	keyed->session = NULL;
	return status == srtp_err_status_alloc_fail ? VOS_ENOMEM : VOS_EINVAL;
}

static void keyed_close(struct keyed *keyed)
{
	if (keyed->session)
		srtp_dealloc(keyed->session);
	keyed->session = NULL;
}

/* Notes a stream that libsrtp has made a context for, at the cost of the oldest one. */
static void note_stream(struct keyed *keyed, uint32_t ssrc)
{
	for (unsigned i = 0; i < keyed->count; i++)
		if (keyed->ssrcs[i] == ssrc)
			return;
	if (keyed->count < STREAMS_MAX) {
		keyed->ssrcs[keyed->count++] = ssrc;
		return;
	}
	(void)srtp_remove_stream(keyed->session, htonl(keyed->ssrcs[keyed->oldest]));
	keyed->ssrcs[keyed->oldest] = ssrc;
	keyed->oldest = (keyed->oldest + 1) % STREAMS_MAX;
}

typedef srtp_err_status_t srtp_step_fn(srtp_t session, void *data, int *len);

static bool run(struct keyed *keyed, srtp_step_fn *step, struct relay_packet *packet)
{
	uint32_t ssrc = packet->kind == PACKET_RTCP ? packet_rtcp_ssrc(packet->data)
						    : packet_rtp_ssrc(packet->data);
	int len = (int)packet->len;

	if (!keyed->session || step(keyed->session, packet->data, &len) != srtp_err_status_ok)
		return false;
	packet->len = (size_t)len;
	note_stream(keyed, ssrc);
	return true;
}

static bool unprotect(struct relay_work *base, struct media_thread *thread, struct relay_side *side,
		      struct relay_packet *packet)
{
	struct srtp_work *work = (struct srtp_work *)base;
	srtp_step_fn *step = packet->kind == PACKET_RTCP ? srtp_unprotect_rtcp : srtp_unprotect;

	(void)thread;
	(void)side;
	/* What fails its check is left as it came, so that the key before can be tried. */
	if (!run(&work->now, step, packet))
		return run(&work->before, step, packet);
	keyed_close(&work->before);
	return true;
}

static bool protect(struct relay_work *base, struct media_thread *thread, struct relay_side *side,
		    struct relay_packet *packet)
{
	struct srtp_work *work = (struct srtp_work *)base;

	(void)thread;
	(void)side;
	return packet->room >= packet->len + TRAILER_BYTES &&
	       run(&work->now, packet->kind == PACKET_RTCP ? srtp_protect_rtcp : srtp_protect,
		   packet);
}

static void destroy(struct relay_work *base)
{
	struct srtp_work *work = (struct srtp_work *)base;

	keyed_close(&work->now);
	keyed_close(&work->before);
	free(work);
}

static const struct relay_work_ops unprotect_ops = {.packet = unprotect, .destroy = destroy};
static const struct relay_work_ops protect_ops = {.packet = protect, .destroy = destroy};

static enum vos_err work_new(const struct relay_work_ops *ops, const struct sdes *now,
			     const struct sdes *before, srtp_ssrc_type_t type,
			     struct relay_work **out)
{
	struct srtp_work *work = calloc(1, sizeof(*work));
	enum vos_err err;

	if (!work)
		return VOS_ENOMEM;
	work->base.ops = ops;
	err = keyed_open(&work->now, now, type);
	if (err == VOS_OK && before)
		err = keyed_open(&work->before, before, type);
	if (err != VOS_OK) {
		destroy(&work->base);
		return err;
	}
	*out = &work->base;
	return VOS_OK;
}

enum vos_err srtp_protect_new(const struct sdes *ours, struct relay_work **out)
{
	return work_new(&protect_ops, ours, NULL, ssrc_any_outbound, out);
}

enum vos_err srtp_unprotect_new(const struct sdes *theirs, const struct sdes *before,
				struct relay_work **out)
{
	return work_new(&unprotect_ops, theirs, before, ssrc_any_inbound, out);
}
