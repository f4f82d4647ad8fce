/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/sdp_codecs.h"

#include "switchd/media/sdp_forms.h"

#define FORMATS_MAX 64

/* Encoding names of RFC 3551 and of the registry. G.729 and its annexes have one name there. */
static const char *const encodings[] = {
	[WORD_CODEC_G711A] = "PCMA", [WORD_CODEC_G711U] = "PCMU", [WORD_CODEC_G729] = "G729",
	[WORD_CODEC_G729A] = "G729", [WORD_CODEC_G723] = "G723",  [WORD_CODEC_G722] = "G722",
	[WORD_CODEC_G726] = "G726",  [WORD_CODEC_GSM] = "GSM",    [WORD_CODEC_ILBC] = "iLBC",
	[WORD_CODEC_AMR] = "AMR",    [WORD_CODEC_OPUS] = "opus",
};

/* Said in a stream beside the codecs, and worth nothing without one. */
static const char *const companions[] = {"telephone-event", "CN", "tone"};

struct format {
	struct span word;
	uint8_t type;
	int place;     /* in the order to be written; smaller first */
	bool is_codec; /* no companion of one */
};

/* What stays of a stream. */
struct selection {
	struct format formats[FORMATS_MAX];
	size_t count;
	uint64_t dropped[SDP_TYPES / 64];
	bool has_codec;
};

static bool has_list(const struct sdp_codecs *codecs)
{
	return codecs->from->count || codecs->to->count;
}

bool sdp_codecs_refuse_fax(const struct sdp_codecs *codecs)
{
	return codecs->from->has_no_fax || codecs->to->has_no_fax;
}

bool sdp_codecs_allow_all(const struct sdp_codecs *codecs)
{
	struct sdp_forms forms = sdp_forms_for(codecs->from, codecs->to, codecs->denied);

	return !has_list(codecs) && !sdp_codecs_refuse_fax(codecs) && sdp_forms_are_free(&forms);
}

bool sdp_is_audio(const struct sdp_stream *stream)
{
	return stream->port && span_ieq(stream->media, SPAN_LIT("audio")) &&
	       span_istarts_with(stream->proto, SPAN_LIT("RTP/"));
}

static bool is_fax(const struct sdp_stream *stream)
{
	struct span formats = stream->formats;

	return stream->port && span_ieq(stream->media, SPAN_LIT("image")) &&
	       span_ieq(sdp_word(&formats), SPAN_LIT("t38"));
}

bool sdp_has_fax(const struct sdp *sdp, bool *is_all)
{
	size_t faxes = 0;
	size_t live = 0;

	for (size_t i = 0; i < sdp->stream_count; i++) {
		live += sdp->streams[i].port != 0;
		faxes += is_fax(&sdp->streams[i]);
	}
	*is_all = faxes > 0 && faxes == live;
	return faxes > 0;
}

static struct span encoding_of(const struct sdp_stream *stream, struct span word, uint64_t type)
{
	struct span lines = stream->lines;
	struct span value;

	while (sdp_next_attribute(&lines, SPAN_LIT("rtpmap"), &value)) {
		struct span format = sdp_word(&value);
		struct span name = sdp_word(&value);

		name.len = span_find(name, '/');
		if (span_eq(format, word))
			return name;
	}
	return span_of(sdp_static_codec(type));
}

/* G.726 has its rate in its name: G726-32; G.729 with some its annexes: G729a, G729AB. */
static bool is_encoding(struct span name, const char *encoding)
{
	struct span wanted = span_of(encoding);
	struct span rest;

	if (!span_istarts_with(name, wanted))
		return false;
	rest = (struct span){name.ptr + wanted.len, name.len - wanted.len};
	if (!rest.len)
		return true;
	if (span_ieq(wanted, SPAN_LIT("G729")))
		return span_ieq(rest, SPAN_LIT("a")) || span_ieq(rest, SPAN_LIT("b")) ||
		       span_ieq(rest, SPAN_LIT("ab"));
	return rest.ptr[0] == '-' && span_ieq(wanted, SPAN_LIT("G726"));
}

bool sdp_codec_named(const char *encoding, uint8_t *codec)
{
	return sdp_codec_is(span_of(encoding), codec);
}

bool sdp_codec_is(struct span encoding, uint8_t *codec)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		if (!encodings[i] || !is_encoding(encoding, encodings[i]))
			continue;
		*codec = (uint8_t)i;
		return true;
	}
	return false;
}

/* Where the list has it; the list's length where it has not. */
static size_t place_in(const struct conf_codecs *list, struct span name)
{
	size_t at = 0;

	while (at < list->count && !is_encoding(name, encodings[list->list[at]]))
		at++;
	return at;
}

static bool allows(const struct conf_codecs *list, struct span name)
{
	return list->count == 0 || place_in(list, name) < list->count;
}

static bool is_companion(struct span name)
{
	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++)
		if (span_ieq(name, span_of(companions[i])))
			return true;
	return false;
}

/* False: it is to go. */
static bool judge(const struct sdp_codecs *codecs, struct span name, struct format *format)
{
	format->is_codec = !is_companion(name);
	format->place = CONF_CODECS_MAX;
	if (!format->is_codec)
		return true;
	if (!allows(codecs->from, name) || !allows(codecs->to, name))
		return false;
	format->place = codecs->is_answer ? 0 : (int)place_in(codecs->to, name);
	return true;
}

/* Those of one place keep the order that they came in. */
static void insert(struct selection *selection, const struct format *format)
{
	size_t at = selection->count++;

	for (; at > 0 && selection->formats[at - 1].place > format->place; at--)
		selection->formats[at] = selection->formats[at - 1];
	selection->formats[at] = *format;
	selection->has_codec |= format->is_codec;
}

static bool select_formats(const struct sdp_stream *stream, const struct sdp_codecs *codecs,
			   struct selection *out)
{
	struct span rest = stream->formats;

	memset(out, 0, sizeof(*out));
	for (struct span word = sdp_word(&rest); word.len; word = sdp_word(&rest)) {
		struct format format = {.word = word};
		uint64_t type;

		if (!span_to_u64(word, SDP_TYPES - 1, &type) || out->count == FORMATS_MAX)
			return false;
		if (judge(codecs, encoding_of(stream, word, type), &format))
			insert(out, &format);
		else
			out->dropped[type / 64] |= UINT64_C(1) << (type % 64);
	}
	return out->has_codec;
}

static void write_media(struct span value, const struct sdp_stream *stream,
			const struct selection *selection, struct buf *out)
{
	size_t head = (size_t)(stream->formats.ptr - value.ptr);

	buf_add_lit(out, "m=");
	buf_add_span(out, (struct span){value.ptr, head});
	for (size_t i = 0; i < selection->count; i++) {
		if (i)
			buf_add_char(out, ' ');
		buf_add_span(out, selection->formats[i].word);
	}
	buf_add_lit(out, "\r\n");
}

/* a=rtpmap, a=fmtp and a=rtcp-fb begin with the format that they speak of. */
static bool speaks_of_dropped(const struct sdp_line *line, const struct selection *selection)
{
	struct span name;
	struct span value;
	uint64_t type;

	if (line->type != 'a')
		return false;
	sdp_attribute_split(line->value, &name, &value);
	return (span_eq(name, SPAN_LIT("rtpmap")) || span_eq(name, SPAN_LIT("fmtp")) ||
		span_eq(name, SPAN_LIT("rtcp-fb"))) &&
	       span_to_u64(sdp_word(&value), SDP_TYPES - 1, &type) &&
	       selection->dropped[type / 64] >> (type % 64) & 1;
}

/* Port 0: refused, or not offered (RFC 3264 sections 5.1 and 6). */
static void write_refused(struct span value, struct buf *out)
{
	struct sdp_media_line media;

	if (!sdp_media_parse(value, &media))
		return;
	buf_add_lit(out, "m=");
	buf_add_span(out, media.media);
	buf_add_lit(out, " 0 ");
	buf_add_span(out, media.rest);
	buf_add_lit(out, "\r\n");
}

static void write_line(const struct sdp_line *line, struct buf *out)
{
	buf_add_char(out, line->type);
	buf_add_char(out, '=');
	buf_add_span(out, line->value);
	buf_add_lit(out, "\r\n");
}

/* A body on its way. */
struct writing {
	const struct sdp_codecs *codecs;
	struct sdp_forms forms;
	const struct sdp_stream *stream; /* an audio stream in which forms are asked for; or NULL */
	struct sdp_formats formats;      /* of that one */
	struct selection selection;
	struct buf *out;
};

static void end_stream(struct writing *writing)
{
	if (writing->stream)
		sdp_forms_end(&writing->forms, &writing->formats, writing->stream,
			      writing->selection.dropped, writing->out);
	writing->stream = NULL;
	memset(&writing->selection, 0, sizeof(writing->selection));
}

static bool begin_stream(struct writing *writing, const struct sdp_stream *stream,
			 const struct sdp_line *line)
{
	end_stream(writing);
	if (is_fax(stream) && sdp_codecs_refuse_fax(writing->codecs)) {
		write_refused(line->value, writing->out);
		return true;
	}
	if (!sdp_is_audio(stream)) {
		write_line(line, writing->out);
		return true;
	}
	if (!sdp_forms_are_free(&writing->forms)) {
		writing->stream = stream;
		sdp_formats_read(stream, &writing->formats);
	}
	if (!has_list(writing->codecs)) {
		write_line(line, writing->out);
		return true;
	}
	if (!select_formats(stream, writing->codecs, &writing->selection))
		return false;
	write_media(line->value, stream, &writing->selection, writing->out);
	return true;
}

/* A line of the stream, or of the session. */
static void write_inside(struct writing *writing, const struct sdp_line *line)
{
	if (speaks_of_dropped(line, &writing->selection))
		return;
	if (!writing->stream ||
	    !sdp_forms_write(&writing->forms, &writing->formats, line, writing->out))
		write_line(line, writing->out);
}

bool sdp_codecs_write(struct span body, const struct sdp *sdp, const struct sdp_codecs *codecs,
		      struct buf *out)
{
	struct writing writing = {
		.codecs = codecs,
		.forms = sdp_forms_for(codecs->from, codecs->to, codecs->denied),
		.out = out,
	};
	struct sdp_lines lines = {.rest = body};
	struct sdp_line line;
	size_t begun = 0;

	while (sdp_lines_next(&lines, &line)) {
		if (line.type != 'm')
			write_inside(&writing, &line);
		else if (begun == sdp->stream_count ||
			 !begin_stream(&writing, &sdp->streams[begun++], &line))
			return false;
	}
	end_stream(&writing);
	return !lines.why && !out->failed;
}
