/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways of media: what the kernel forwards, and how the rest comes to the media threads; whether
 * there is such a way here, and why not. */
#include "switchd/ctl/handlers.h"

static const struct member media_fast_path_members[] = {
	{"wanted", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_on", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"reason", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"hook", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"interfaces", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"xdp_interfaces", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"xdp_packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"changes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"steering_wanted", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"steering_is_on", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"steering_reason", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"steered_packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"batched_packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_media_fast_path = SCHEMA_OF_ITEM(media_fast_path_members);

static const char *const words[] = {
	[WORD_FAST_PATH_AUTO] = "auto",
	[WORD_FAST_PATH_OFF] = "off",
	[WORD_FAST_PATH_REQUIRED] = "required",
};

static void item_steering(struct request *request, const struct media *media)
{
	struct media_steering steering;

	media_steering(media, &steering);
	item_str(request, NULL, "steering_wanted", words[steering.wanted]);
	item_bool(request, NULL, "steering_is_on", steering.is_on);
	if (!steering.is_on)
		item_str(request, NULL, "steering_reason", steering.reason);
	item_int(request, NULL, "steered_packets", (int64_t)steering.packets);
	item_int(request, NULL, "batched_packets", (int64_t)steering.batched);
}

enum step show_media_fast_path(struct request *request)
{
	struct media *media = request->ctl->context.media;
	struct media_fast_status status;

	if (!media)
		return request_refuse(request, FAULT_STATE, 0, "the media relay is not running");
	media_fast_path(media, &status);
	item_begin(request);
	item_str(request, NULL, "wanted", words[status.wanted]);
	item_bool(request, NULL, "is_on", status.is_on);
	if (!status.is_on) {
		item_str(request, NULL, "reason", status.reason);
	} else {
		item_str(request, NULL, "hook", status.hook);
		item_str(request, NULL, "interfaces", status.devices);
		item_str(request, NULL, "xdp_interfaces", status.xdp_devices);
	}
	item_int(request, NULL, "packets", (int64_t)status.packets);
	item_int(request, NULL, "xdp_packets", (int64_t)status.xdp_packets);
	item_int(request, NULL, "changes", (int64_t)status.changes);
	item_steering(request, media);
	item_end(request);
	return STEP_DONE;
}
