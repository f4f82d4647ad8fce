/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/switchd_trace.h"

#include "switchd/media/media.h"
#include "switchd/trace/hep.h"
#include "switchd/trace/recorder.h"

/* The memory of media is taken as soon as a call may have its own kept, and not by a thread that
 * has packets to relay. */
static void touch(struct switchd *switchd, const struct snapshot *config)
{
	if (snapshot_object_count(config, OBJECT_TRACE_MEDIA))
		recorder_touch(switchd->media_recorder);
}

/* Memory is taken once, so the sizes are those of the start. */
enum vos_err switchd_trace_start(struct switchd *switchd, int threads)
{
	const struct snapshot *config = switchd->conf->snapshot;
	const struct object *trace = snapshot_object_find(config, OBJECT_TRACE, SPAN_LIT(""));
	int media_threads = (int)snapshot_number(config, PARAM_SS_MEDIA_THREADS);
	int64_t media_mib;
	int64_t size_mib;
	enum vos_err err;

	if (!trace)
		trace = object_unset(OBJECT_TRACE);
	size_mib = object_field(trace, FIELD_TRACE_RING_SIZE)->number;
	media_mib = object_field(trace, FIELD_TRACE_MEDIA_RING_SIZE)->number;
	err = recorder_create(threads, (size_t)size_mib << 20, &switchd->recorder);
	if (err == VOS_OK)
		err = recorder_create_unused(media_threads, (size_t)media_mib << 20,
					     &switchd->media_recorder);
	if (err == VOS_OK)
		err = hep_start(&switchd->log, switchd->recorder, store_key(switchd->store), config,
				&switchd->hep);
	if (err != VOS_OK)
		return err;
	media_set_recorder(switchd->media, switchd->media_recorder);
	touch(switchd, config);
	return VOS_OK;
}

void switchd_trace_configure(struct switchd *switchd, const struct snapshot *config)
{
	touch(switchd, config);
	hep_configure(switchd->hep, config);
}

void switchd_trace_stop(struct switchd *switchd)
{
	hep_stop(switchd->hep);
	switchd->hep = NULL;
}

void switchd_trace_free(struct switchd *switchd)
{
	recorder_destroy(switchd->recorder);
	recorder_destroy(switchd->media_recorder);
}
