/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/sdp_forms.h"

#include "shared/catalog/catalog.h"
#include "switchd/media/sdp_codecs.h"

#define TYPE_G723 4 /* RFC 3551 section 6 */
#define TYPE_G729 18

static const char *const annex_names[] = {[SDP_ANNEX_A] = "annexa", [SDP_ANNEX_B] = "annexb"};

static uint8_t mode_of(uint8_t mode, bool is_denied)
{
	if (mode == WORD_ANNEX_AUTO)
		return is_denied ? WORD_ANNEX_NO : WORD_ANNEX_PASSTHROUGH;
	return mode;
}

static const char *name_of(uint8_t from, uint8_t to)
{
	if (to == WORD_G729_MODE_G729A)
		return "G729a";
	/* What a party is told by another name it may repeat; others do not see that. */
	return to == WORD_G729_MODE_G729 || from != WORD_G729_MODE_AUTO ? "G729" : NULL;
}

struct sdp_forms sdp_forms_for(const struct conf_codecs *from, const struct conf_codecs *to,
			       unsigned denied)
{
	return (struct sdp_forms){
		.annexes =
			{
				[SDP_ANNEX_A] = mode_of(to->annexa, denied >> SDP_ANNEX_A & 1),
				[SDP_ANNEX_B] = mode_of(to->annexb, denied >> SDP_ANNEX_B & 1),
			},
		.g729 = name_of(from->g729_mode, to->g729_mode),
	};
}

bool sdp_forms_are_free(const struct sdp_forms *forms)
{
	return forms->annexes[SDP_ANNEX_A] == WORD_ANNEX_PASSTHROUGH &&
	       forms->annexes[SDP_ANNEX_B] == WORD_ANNEX_PASSTHROUGH && !forms->g729;
}

static bool has(const uint64_t types[SDP_TYPES / 64], uint64_t type)
{
	return types[type / 64] >> (type % 64) & 1;
}

static void add(uint64_t types[SDP_TYPES / 64], uint64_t type)
{
	types[type / 64] |= UINT64_C(1) << (type % 64);
}

/* --- What a stream says. --- */

/* "18 G729/8000" */
static void read_rtpmap(struct span value, struct sdp_formats *out)
{
	struct span format = sdp_word(&value);
	struct span name = sdp_word(&value);
	uint8_t codec = WORD_CODEC_OPUS;
	uint64_t type;

	name.len = span_find(name, '/');
	if (!span_to_u64(format, SDP_TYPES - 1, &type) || has(out->named, type))
		return;
	add(out->named, type);
	if (!sdp_codec_is(name, &codec))
		out->annexes[type] = SDP_ANNEX_NONE;
	else if (codec == WORD_CODEC_G729 || codec == WORD_CODEC_G729A)
		out->annexes[type] = SDP_ANNEX_B;
	else
		out->annexes[type] = codec == WORD_CODEC_G723 ? SDP_ANNEX_A : SDP_ANNEX_NONE;
}

void sdp_formats_read(const struct sdp_stream *stream, struct sdp_formats *out)
{
	struct span lines = stream->lines;
	struct span value;

	*out = (struct sdp_formats){
		.annexes = {[TYPE_G723] = SDP_ANNEX_A, [TYPE_G729] = SDP_ANNEX_B},
	};
	while (sdp_next_attribute(&lines, SPAN_LIT("rtpmap"), &value))
		read_rtpmap(value, out);
}

/* The next parameter of "annexb=no; x=1", its value with the sign; false at the end. */
static bool next_parameter(struct span *rest, struct span *name, struct span *value)
{
	while (rest->len) {
		size_t end = span_find(*rest, ';');
		struct span part = span_trim((struct span){rest->ptr, end});
		size_t equals = span_find(part, '=');

		end += end < rest->len;
		*rest = (struct span){rest->ptr + end, rest->len - end};
		if (!part.len)
			continue;
		*name = span_trim((struct span){part.ptr, equals});
		*value = span_trim((struct span){part.ptr + equals, part.len - equals});
		return true;
	}
	return false;
}

static bool says_no(struct span parameters, enum sdp_annex annex)
{
	struct span name;
	struct span value;

	while (next_parameter(&parameters, &name, &value))
		if (span_ieq(name, span_of(annex_names[annex])))
			return span_ieq(value, SPAN_LIT("=no"));
	return false;
}

/* Takes the format of an a=fmtp off. */
static enum sdp_annex annex_of(const struct sdp_formats *formats, struct span *value,
			       uint64_t *type)
{
	if (!span_to_u64(sdp_word(value), SDP_TYPES - 1, type))
		return SDP_ANNEX_NONE;
	return (enum sdp_annex)formats->annexes[*type];
}

static unsigned denied_by(const struct sdp_stream *stream)
{
	struct span lines = stream->lines;
	struct sdp_formats formats;
	unsigned denied = 0;
	struct span value;
	uint64_t type;

	sdp_formats_read(stream, &formats);
	while (sdp_next_attribute(&lines, SPAN_LIT("fmtp"), &value)) {
		enum sdp_annex annex = annex_of(&formats, &value, &type);

		if (annex != SDP_ANNEX_NONE && says_no(value, annex))
			denied |= 1u << annex;
	}
	return denied;
}

unsigned sdp_forms_denied(const struct sdp *sdp)
{
	unsigned denied = 0;

	for (size_t i = 0; i < sdp->stream_count; i++)
		if (sdp_is_audio(&sdp->streams[i]))
			denied |= denied_by(&sdp->streams[i]);
	return denied;
}

/* --- What is written of it. --- */

static bool is_said(uint8_t mode)
{
	return mode == WORD_ANNEX_YES || mode == WORD_ANNEX_NO;
}

static void write_annex(const char *before, enum sdp_annex annex, uint8_t mode, struct buf *out)
{
	buf_add_str(out, before);
	buf_add_str(out, annex_names[annex]);
	buf_add_str(out, mode == WORD_ANNEX_YES ? "=yes" : "=no");
}

/* The parameters without the annex, which stands behind those of the first line only. A line that
 * has nothing to say goes. */
static void write_fmtp(uint64_t type, struct span parameters, enum sdp_annex annex, uint8_t mode,
		       struct buf *out)
{
	const char *before = " ";
	struct span name;
	struct span value;
	size_t start = out->len;

	buf_printf(out, "a=fmtp:%u", (unsigned)type);
	while (next_parameter(&parameters, &name, &value)) {
		if (span_ieq(name, span_of(annex_names[annex])))
			continue;
		buf_add_str(out, before);
		buf_add_span(out, name);
		buf_add_span(out, value);
		before = ";";
	}
	if (is_said(mode))
		write_annex(before, annex, mode, out);
	else if (before[0] == ' ')
		out->len = start;
	if (out->len > start)
		buf_add_lit(out, "\r\n");
}

static void write_rtpmap(const char *name, struct span value, struct buf *out)
{
	struct span format = sdp_word(&value);
	struct span encoding = sdp_word(&value);
	size_t slash = span_find(encoding, '/');

	buf_add_lit(out, "a=rtpmap:");
	buf_add_span(out, format);
	buf_add_char(out, ' ');
	buf_add_str(out, name);
	buf_add_span(out, (struct span){encoding.ptr + slash, encoding.len - slash});
	buf_add_lit(out, "\r\n");
}

bool sdp_forms_write(const struct sdp_forms *forms, struct sdp_formats *formats,
		     const struct sdp_line *line, struct buf *out)
{
	struct span name;
	struct span value;
	struct span rest;
	enum sdp_annex annex;
	uint64_t type;
	uint8_t mode;

	if (line->type != 'a')
		return false;
	sdp_attribute_split(line->value, &name, &value);
	rest = value;
	annex = annex_of(formats, &rest, &type);
	if (annex == SDP_ANNEX_B && forms->g729 && span_ieq(name, SPAN_LIT("rtpmap"))) {
		write_rtpmap(forms->g729, value, out);
		return true;
	}
	mode = forms->annexes[annex];
	if (annex == SDP_ANNEX_NONE || mode == WORD_ANNEX_PASSTHROUGH ||
	    !span_ieq(name, SPAN_LIT("fmtp")))
		return false;
	write_fmtp(type, rest, annex, has(formats->told, type) ? WORD_ANNEX_ABSENT : mode, out);
	add(formats->told, type);
	return true;
}

static void add_missing(const struct sdp_forms *forms, const struct sdp_formats *formats,
			uint64_t type, struct buf *out)
{
	enum sdp_annex annex = (enum sdp_annex)formats->annexes[type];

	if (annex == SDP_ANNEX_NONE)
		return;
	if (annex == SDP_ANNEX_B && forms->g729 && !has(formats->named, type))
		buf_printf(out, "a=rtpmap:%u %s/8000\r\n", (unsigned)type, forms->g729);
	if (is_said(forms->annexes[annex]) && !has(formats->told, type))
		write_fmtp(type, SPAN_NONE, annex, forms->annexes[annex], out);
}

void sdp_forms_end(const struct sdp_forms *forms, const struct sdp_formats *formats,
		   const struct sdp_stream *stream, const uint64_t dropped[SDP_TYPES / 64],
		   struct buf *out)
{
	uint64_t done[SDP_TYPES / 64] = {dropped[0], dropped[1]};
	struct span rest = stream->formats;
	uint64_t type;

	for (struct span word = sdp_word(&rest); word.len; word = sdp_word(&rest)) {
		if (!span_to_u64(word, SDP_TYPES - 1, &type) || has(done, type))
			continue;
		add(done, type);
		add_missing(forms, formats, type, out);
	}
}
