/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/media_fast.h"

#include <stdio.h>
#include <string.h>

#include "switchd/media/relay.h"

void media_fast_init(struct media_fast *own, const struct log *log)
{
	*own = (struct media_fast){.log = log, .wanted = WORD_FAST_PATH_OFF};
	pthread_mutex_init(&own->lock, NULL);
	snprintf(own->reason, sizeof(own->reason), "off");
}

/* Under the lock. */
static void drop(struct media_fast *own)
{
	struct fast_status status;

	if (!own->fast)
		return;
	fast_stop(own->fast);
	fast_status(own->fast, &status);
	own->packets_before += status.packets;
	own->xdp_before += status.xdp_packets;
	fast_unref(own->fast);
	own->fast = NULL;
}

void media_fast_destroy(struct media_fast *own)
{
	drop(own);
	pthread_mutex_destroy(&own->lock);
}

enum vos_err media_fast_use(struct media_fast *own, const struct fast_options *options,
			    struct vos_fault *fault)
{
	enum vos_err err = VOS_OK;

	pthread_mutex_lock(&own->lock);
	if (!own->fast || !fast_is_for(own->fast, options)) {
		/* One at a time: two would stand in each other's way. */
		drop(own);
		err = fast_create(own->log, options, &own->fast, fault);
		own->reason[0] = '\0';
		if (err != VOS_OK)
			snprintf(own->reason, sizeof(own->reason), "%s",
				 fault->text[0] ? fault->text : vos_strerror(err));
	}
	pthread_mutex_unlock(&own->lock);
	return err;
}

static struct fast_options options_of(const struct media_fast *own, const struct conf *conf)
{
	const struct value *range = snapshot_param(conf->snapshot, PARAM_SS_RTP_PORT_RANGE);
	struct fast_options options = {
		.low = range->ports.low, .high = range->ports.high, .use_xdp = own->wants_xdp};
	struct addr addresses[CONF_MEDIA_ADDRESSES_MAX];
	size_t count = conf_media_addresses(conf, addresses);

	/* Calls on more addresses than the table has room for go through switchd. */
	options.local_count = count < FAST_LOCALS_MAX ? count : FAST_LOCALS_MAX;
	memcpy(options.locals, addresses, options.local_count * sizeof(*addresses));
	return options;
}

enum vos_err media_fast_start(struct media_fast *own, const struct conf *conf,
			      struct vos_fault *fault)
{
	long long mode = snapshot_number(conf->snapshot, PARAM_SS_MEDIA_FAST_PATH);
	struct fast_options options;
	struct vos_fault why = {0};
	struct media_fast_status status;
	enum vos_err err;

	own->wanted = (int)mode;
	own->wants_xdp = snapshot_bool(conf->snapshot, PARAM_SS_MEDIA_XDP);
	if (mode == WORD_FAST_PATH_OFF)
		return VOS_OK;
	options = options_of(own, conf);
	err = media_fast_use(own, &options, &why);
	media_fast_status(own, &status);
	if (err == VOS_OK) {
		if (own->log)
			log_info(own->log, "media", "fast path by %s at %s, in the driver of %s",
				 status.hook,
				 status.devices[0] ? status.devices : "no interface yet",
				 status.xdp_devices[0] ? status.xdp_devices : "none");
		return VOS_OK;
	}
	if (mode == WORD_FAST_PATH_REQUIRED) {
		fault_set(fault, FAULT_STATE, 0,
			  "SS_MEDIA_FAST_PATH is required, and there is no fast path: %s",
			  status.reason);
		return err;
	}
	if (own->log)
		log_info(own->log, "media", "no fast path, media passes through switchd: %s",
			 status.reason);
	return VOS_OK;
}

void media_fast_configure(struct media_fast *own, const struct conf *conf)
{
	struct fast_options options = options_of(own, conf);
	struct vos_fault fault = {0};

	if (own->wanted == WORD_FAST_PATH_OFF)
		return;
	if (media_fast_use(own, &options, &fault) != VOS_OK && own->log)
		log_info(own->log, "media", "no fast path, media passes through switchd: %s",
			 fault.text);
}

uint64_t media_fast_packets(struct media_fast *own)
{
	struct fast_status status = {0};
	uint64_t packets;

	pthread_mutex_lock(&own->lock);
	if (own->fast)
		fast_status(own->fast, &status);
	packets = own->packets_before + status.packets;
	pthread_mutex_unlock(&own->lock);
	return packets;
}

void media_fast_bind(struct media_fast *own, struct media_session *session,
		     const struct addr locals[MEDIA_SIDES])
{
	pthread_mutex_lock(&own->lock);
	if (own->fast)
		session->fast = fast_ref(own->fast);
	pthread_mutex_unlock(&own->lock);
	for (int i = 0; session->fast && i < MEDIA_SIDES; i++)
		session->sides[i].entry = fast_take(session->fast, &locals[i],
						    media_port(session, (enum media_side)i));
}

void media_fast_status(struct media_fast *own, struct media_fast_status *out)
{
	struct fast_status status = {0};

	*out = (struct media_fast_status){0};
	pthread_mutex_lock(&own->lock);
	out->is_on = own->fast != NULL;
	out->wanted = own->wanted;
	if (own->fast)
		fast_status(own->fast, &status);
	out->packets = own->packets_before + status.packets;
	out->xdp_packets = own->xdp_before + status.xdp_packets;
	snprintf(out->reason, sizeof(out->reason), "%s", own->reason);
	pthread_mutex_unlock(&own->lock);
	memcpy(out->hook, status.hook, sizeof(out->hook));
	snprintf(out->devices, sizeof(out->devices), "%s", status.devices);
	snprintf(out->xdp_devices, sizeof(out->xdp_devices), "%s", status.xdp_devices);
	out->changes = status.epoch ? status.epoch - 1 : 0;
}
