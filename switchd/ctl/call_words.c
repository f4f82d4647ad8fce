/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/call_words.h"

#include "shared/catalog/catalog.h"

/* The three kinds of parties have the same words. */
static const char *word(enum field_id field, uint8_t number)
{
	return field_get(field)->spec.words[number];
}

static void item_codecs(struct request *request, json_t *leg, const struct conf_codecs *codecs)
{
	char memory[256];
	struct buf text = buf_over(memory, sizeof(memory));

	for (uint8_t i = 0; i < codecs->count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", word(FIELD_PHONE_CODECS, codecs->list[i]));
	item_str(request, leg, "codecs_allowed", codecs->count ? buf_cstr(&text) : "all");
}

void item_media_words(struct request *request, json_t *leg, const struct call_leg_info *info)
{
	const struct conf_codecs *codecs = &info->allowed;

	if (!info->has_words)
		return;
	item_codecs(request, leg, codecs);
	item_str(request, leg, "g729_mode", word(FIELD_PHONE_G729_MODE, codecs->g729_mode));
	item_str(request, leg, "g729_annexb", word(FIELD_PHONE_G729_ANNEXB, codecs->annexb));
	item_str(request, leg, "g723_annexa", word(FIELD_PHONE_G723_ANNEXA, codecs->annexa));
	item_bool(request, leg, "t38", !codecs->has_no_fax);
	item_str(request, leg, "dtmf", word(FIELD_PHONE_DTMF, info->dtmf.send));
	item_str(request, leg, "dtmf_receive", word(FIELD_PHONE_DTMF_RECEIVE, info->dtmf.receive));
	if (info->event_type)
		item_int(request, leg, "dtmf_payload_type", info->event_type);
}
