/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/media_steer.h"

#include <stdio.h>

#include "switchd/media/relay_inlet.h"

static enum vos_err use(struct media_steer *own, struct media_thread *threads, int thread_count,
			struct vos_fault *fault)
{
	struct relay_inlet *inlets[MEDIA_THREADS_MAX] = {0};
	enum vos_err err = steer_create(&own->steer, fault);

	for (int i = 0; i < thread_count && err == VOS_OK; i++)
		err = relay_inlet_new(own->steer, i, &inlets[i], fault);
	for (int i = 0; i < thread_count; i++) {
		if (err == VOS_OK)
			relay_thread_use_inlet(&threads[i], inlets[i]);
		else
			relay_inlet_free(inlets[i]);
	}
	return err;
}

void media_steer_init(struct media_steer *own, const struct log *log)
{
	*own = (struct media_steer){.log = log, .wanted = WORD_FAST_PATH_OFF};
	snprintf(own->reason, sizeof(own->reason), "off");
}

enum vos_err media_steer_use(struct media_steer *own, struct media_thread *threads,
			     int thread_count, struct vos_fault *fault)
{
	enum vos_err err = use(own, threads, thread_count, fault);

	if (err == VOS_OK)
		return VOS_OK;
	media_steer_destroy(own);
	snprintf(own->reason, sizeof(own->reason), "%s",
		 fault->text[0] ? fault->text : vos_strerror(err));
	return err;
}

enum vos_err media_steer_start(struct media_steer *own, const struct conf *conf,
			       struct media_thread *threads, int thread_count,
			       struct vos_fault *fault)
{
	long long mode = snapshot_number(conf->snapshot, PARAM_SS_MEDIA_STEERING);
	struct vos_fault why = {0};
	enum vos_err err;

	own->wanted = (int)mode;
	if (mode == WORD_FAST_PATH_OFF)
		return VOS_OK;
	err = media_steer_use(own, threads, thread_count, &why);
	if (err == VOS_OK)
		return VOS_OK;
	if (mode == WORD_FAST_PATH_REQUIRED) {
		fault_set(fault, FAULT_STATE, 0,
			  "SS_MEDIA_STEERING is required, and nothing can be steered: %s",
			  own->reason);
		return err;
	}
	if (own->log)
		log_info(own->log, "media", "media comes to the sockets of ports: %s", own->reason);
	return VOS_OK;
}

void media_steer_destroy(struct media_steer *own)
{
	steer_destroy(own->steer);
	own->steer = NULL;
}
