/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call as a drawing. Every row is one line on a canvas of fixed width: the lifelines first, then
 * an arrow between two of them, or a decision at switchd's. */
#include <stdlib.h>

#include "vosctl/render/output.h"
#include "vosctl/render/table.h"
#include "vosctl/trace/trace.h"

#define LANES_MAX  10 /* later parties share the last one */
#define PITCH_MAX  34
#define PITCH_MIN  12
#define DELTA      12 /* columns of the time at the left */
#define FIRST      (DELTA + 9)
#define CANVAS     512
#define LOOK_BACK  64 /* rows in which a message is looked for that is sent again */
#define NAME_BYTES 96

struct lane {
	char key[NAME_BYTES]; /* leg, or the address when it belongs to none */
	char party[NAME_BYTES];
	char address[NAME_BYTES];
	int x;
};

struct ladder {
	const struct trace_cells *cells;
	struct lane lanes[LANES_MAX]; /* those at the left first, then switchd */
	int count;
	int middle;
	char canvas[CANVAS];
	int end;           /* columns in use */
	int width;         /* of the screen; 0: no limit */
	int64_t before_us; /* offset of the row above */
	bool is_begun;
	trace_line_fn *line;
	void *context;
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool is_message(const struct ladder *ladder, json_t *row)
{
	return trace_text(ladder->cells, row, "message") != NULL;
}

static const char *lane_key(const struct ladder *ladder, json_t *row)
{
	const char *leg = trace_text(ladder->cells, row, "leg");

	return leg ? leg : or_empty(trace_text(ladder->cells, row, "peer_address"));
}

static int find_lane(const struct ladder *ladder, const char *key)
{
	for (int i = 0; i < ladder->count; i++)
		if (i != ladder->middle && strcmp(ladder->lanes[i].key, key) == 0)
			return i;
	return -1;
}

static void copy_text(const char *text, char out[NAME_BYTES])
{
	struct buf clean = buf_new();

	text_clean(span_of(text), false, &clean);
	snprintf(out, NAME_BYTES, "%s", buf_cstr(&clean));
	buf_free(&clean);
}

/* Whoever called stands at the left of switchd, whoever is called at the right. */
static void add_lane(struct ladder *ladder, json_t *row)
{
	const struct trace_cells *cells = ladder->cells;
	const char *key = lane_key(ladder, row);
	bool is_left = trace_text(cells, row, "leg")
			       ? strcmp(key, "a") == 0
			       : strcmp(or_empty(trace_text(cells, row, "kind")), "received") == 0;
	int at = is_left ? ladder->middle : ladder->count;

	if (ladder->count == LANES_MAX || find_lane(ladder, key) >= 0)
		return;
	memmove(&ladder->lanes[at + 1], &ladder->lanes[at],
		(size_t)(ladder->count - at) * sizeof(ladder->lanes[0]));
	memset(&ladder->lanes[at], 0, sizeof(ladder->lanes[at]));
	snprintf(ladder->lanes[at].key, NAME_BYTES, "%s", key);
	copy_text(or_empty(trace_text(cells, row, "party")), ladder->lanes[at].party);
	copy_text(or_empty(trace_text(cells, row, "peer_address")), ladder->lanes[at].address);
	ladder->count++;
	if (is_left)
		ladder->middle++;
}

/* As far apart as the screen allows. */
static void place_lanes(struct ladder *ladder)
{
	int pitch = PITCH_MAX;

	if (ladder->width && ladder->count > 1)
		pitch = (ladder->width - FIRST - 9) / (ladder->count - 1);
	if (pitch > PITCH_MAX)
		pitch = PITCH_MAX;
	if (pitch < PITCH_MIN)
		pitch = PITCH_MIN;
	for (int lane = 0; lane < ladder->count; lane++)
		ladder->lanes[lane].x = FIRST + lane * pitch;
}

static struct ladder *ladder_new(int width, trace_line_fn *line, void *context)
{
	struct ladder *ladder = calloc(1, sizeof(*ladder));

	if (!ladder)
		return NULL;
	ladder->width = width;
	ladder->line = line;
	ladder->context = context;
	snprintf(ladder->lanes[0].party, NAME_BYTES, "switchd");
	ladder->count = 1;
	return ladder;
}

static void find_lanes(struct ladder *ladder, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (is_message(ladder, row))
			add_lane(ladder, row);
	place_lanes(ladder);
}

/* --- The canvas. --- */

static void put(struct ladder *ladder, int x, const char *text, size_t len)
{
	if (x < 0)
		x = 0;
	if (x >= CANVAS)
		return;
	if (len > (size_t)(CANVAS - x))
		len = (size_t)(CANVAS - x);
	memcpy(ladder->canvas + x, text, len);
	if (x + (int)len > ladder->end)
		ladder->end = x + (int)len;
}

static void clear(struct ladder *ladder, bool has_lines)
{
	memset(ladder->canvas, ' ', CANVAS);
	ladder->end = 0;
	for (int i = 0; has_lines && i < ladder->count; i++)
		put(ladder, ladder->lanes[i].x, "|", 1);
}

static void line_out(struct ladder *ladder, bool is_heading)
{
	struct span line = {ladder->canvas, (size_t)ladder->end};

	/* What is folded at the edge of the screen is no drawing any more. */
	if (ladder->width)
		line.len = render_prefix(line, ladder->width);
	while (line.len && line.ptr[line.len - 1] == ' ')
		line.len--;
	ladder->line(ladder->context, line, is_heading);
}

static void put_centred(struct ladder *ladder, int x, const char *text, int room)
{
	size_t len = render_prefix(span_of(text), room);

	put(ladder, x - (int)len / 2, text, len);
}

static void headings(struct ladder *ladder)
{
	int room = ladder->count > 1 ? ladder->lanes[1].x - ladder->lanes[0].x - 2 : PITCH_MAX;
	int room_left = 2 * (FIRST - DELTA) + 6;

	clear(ladder, false);
	for (int i = 0; i < ladder->count; i++)
		put_centred(ladder, ladder->lanes[i].x, ladder->lanes[i].party,
			    i || room < room_left ? room : room_left);
	line_out(ladder, true);
	clear(ladder, false);
	for (int i = 0; i < ladder->count; i++)
		put_centred(ladder, ladder->lanes[i].x, ladder->lanes[i].address,
			    i || room < room_left ? room : room_left);
	line_out(ladder, true);
}

static void put_delta(struct ladder *ladder, int64_t delta_us)
{
	char text[32];

	if (delta_us < 1000000)
		snprintf(text, sizeof(text), "%+.1f ms", (double)delta_us / 1e3);
	else
		snprintf(text, sizeof(text), "%+.3f s", (double)delta_us / 1e6);
	put(ladder, DELTA - 1 - (int)strlen(text), text, strlen(text));
}

/* --- Rows. --- */

static bool is_repeated(const struct ladder *ladder, json_t *rows, size_t at)
{
	json_t *row = json_array_get(rows, at);
	const char *message = trace_text(ladder->cells, row, "message");
	const char *kind = or_empty(trace_text(ladder->cells, row, "kind"));

	for (size_t back = 1; back <= LOOK_BACK && back <= at; back++) {
		json_t *other = json_array_get(rows, at - back);
		const char *text = trace_text(ladder->cells, other, "message");

		if (text && strcmp(text, message) == 0 &&
		    strcmp(or_empty(trace_text(ladder->cells, other, "kind")), kind) == 0)
			return true;
	}
	return false;
}

/* "180 Ringing", "INVITE", with what is not usual about it. */
static void label_of(const struct ladder *ladder, json_t *rows, size_t at, struct buf *out)
{
	json_t *row = json_array_get(rows, at);
	const char *name = or_empty(trace_text(ladder->cells, row, "name"));
	const char *text = or_empty(trace_text(ladder->cells, row, "text"));
	const char *via = or_empty(trace_text(ladder->cells, row, "transport"));

	buf_add_char(out, ' ');
	text_clean(span_of(name[0] >= '1' && name[0] <= '6' ? text : name), false, out);
	if (*via && strcmp(via, "udp") != 0)
		buf_printf(out, " (%s)", via);
	if (is_repeated(ladder, rows, at))
		buf_add_lit(out, " again");
	buf_add_char(out, ' ');
}

static void arrow(struct ladder *ladder, int from, int to, struct span label)
{
	int low = (from < to ? from : to) + 1;
	int high = (from < to ? to : from) - 1;
	size_t len = render_prefix(label, high - low - 3);

	for (int x = low; x <= high; x++)
		put(ladder, x, "-", 1);
	put(ladder, from < to ? high : low, from < to ? ">" : "<", 1);
	put(ladder, low + (high - low + 1 - (int)len) / 2, label.ptr, len);
}

static void message_row(struct ladder *ladder, json_t *rows, size_t at)
{
	json_t *row = json_array_get(rows, at);
	const char *kind = or_empty(trace_text(ladder->cells, row, "kind"));
	const char *sdp = trace_text(ladder->cells, row, "sdp");
	int lane = find_lane(ladder, lane_key(ladder, row));
	int peer_x = ladder->lanes[lane < 0 ? ladder->count - 1 : lane].x;
	int own_x = ladder->lanes[ladder->middle].x;
	struct buf text = buf_new();

	label_of(ladder, rows, at, &text);
	if (strcmp(kind, "received") == 0)
		arrow(ladder, peer_x, own_x, buf_span(&text));
	else
		arrow(ladder, own_x, peer_x, buf_span(&text));
	line_out(ladder, false);
	buf_reset(&text);
	if (sdp) {
		text_clean(span_of(sdp), false, &text);
		clear(ladder, true);
		put(ladder, (peer_x < own_x ? peer_x : own_x) + 2, text.data, text.len);
		line_out(ladder, false);
	}
	buf_free(&text);
}

static void note_row(struct ladder *ladder, json_t *row)
{
	struct buf text = buf_new();

	buf_add_lit(&text, "* ");
	text_clean(span_of(or_empty(trace_text(ladder->cells, row, "text"))), false, &text);
	if (!text.failed)
		put(ladder, ladder->lanes[ladder->middle].x, text.data, text.len);
	line_out(ladder, false);
	buf_free(&text);
}

/* The row at that place, after all in front of it. */
static void draw(struct ladder *ladder, json_t *rows, size_t at)
{
	json_t *row = json_array_get(rows, at);
	int64_t offset_us = trace_number(ladder->cells, row, "offset_us");

	clear(ladder, true);
	put_delta(ladder, ladder->is_begun ? offset_us - ladder->before_us : 0);
	ladder->before_us = offset_us;
	ladder->is_begun = true;
	if (is_message(ladder, row))
		message_row(ladder, rows, at);
	else
		note_row(ladder, row);
}

void trace_ladder(const struct trace_cells *cells, json_t *rows, int width, trace_line_fn *line,
		  void *context)
{
	struct ladder *ladder = ladder_new(width, line, context);

	if (!ladder)
		return;
	ladder->cells = cells;
	find_lanes(ladder, rows);
	headings(ladder);
	for (size_t i = 0; i < json_array_size(rows); i++)
		draw(ladder, rows, i);
	free(ladder);
}

/* --- While it happens. --- */

#define LIVE_MAX 32 /* drawings at a time; the one that had no row for longest is given up */

struct live {
	char key[NAME_BYTES]; /* of the call, or the peer when it is none */
	struct ladder *ladder;
	json_t *rows; /* the newest LOOK_BACK */
	uint64_t used;
};

struct trace_ladders {
	struct live live[LIVE_MAX];
	const struct live *newest; /* whose row was drawn last */
	uint64_t uses;
	int width;
	trace_line_fn *line;
	void *context;
};

struct trace_ladders *trace_ladders_create(int width, trace_line_fn *line, void *context)
{
	struct trace_ladders *ladders = calloc(1, sizeof(*ladders));

	if (!ladders)
		return NULL;
	ladders->width = width;
	ladders->line = line;
	ladders->context = context;
	return ladders;
}

static void give_up(struct live *live)
{
	free(live->ladder);
	json_decref(live->rows);
	*live = (struct live){0};
}

void trace_ladders_free(struct trace_ladders *ladders)
{
	for (int i = 0; ladders && i < LIVE_MAX; i++)
		give_up(&ladders->live[i]);
	free(ladders);
}

static struct live *find_live(struct trace_ladders *ladders, const char *key)
{
	struct live *oldest = &ladders->live[0];

	for (int i = 0; i < LIVE_MAX; i++) {
		struct live *live = &ladders->live[i];

		if (live->ladder && strcmp(live->key, key) == 0)
			return live;
		if (live->used < oldest->used)
			oldest = live;
	}
	give_up(oldest);
	if (ladders->newest == oldest)
		ladders->newest = NULL;
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	oldest->ladder = ladder_new(ladders->width, ladders->line, ladders->context);
	oldest->rows = json_array();
	if (oldest->ladder && oldest->rows)
		return oldest;
	give_up(oldest);
	return NULL;
}

static void say(struct trace_ladders *ladders, const char *what, const char *text, bool is_heading)
{
	struct buf line = buf_new();

	buf_add_str(&line, what);
	text_clean(span_of(text), false, &line);
	if (!line.failed)
		ladders->line(ladders->context, buf_span(&line), is_heading);
	buf_free(&line);
}

void trace_ladders_row(struct trace_ladders *ladders, const struct trace_cells *cells, json_t *row)
{
	const char *call = trace_text(cells, row, "call");
	const char *key = call ? call : or_empty(trace_text(cells, row, "peer_address"));
	struct live *live;
	int lanes;

	if (strcmp(or_empty(trace_text(cells, row, "kind")), "lost") == 0) {
		say(ladders, "% ", or_empty(trace_text(cells, row, "text")), false);
		return;
	}
	live = find_live(ladders, key);
	if (!live)
		return;
	live->used = ++ladders->uses;
	live->ladder->cells = cells;
	lanes = live->ladder->count;
	if (is_message(live->ladder, row))
		add_lane(live->ladder, row);
	place_lanes(live->ladder);
	if (ladders->newest != live || lanes != live->ladder->count) {
		say(ladders, call ? "call " : "no call, ", key, true);
		headings(live->ladder);
	}
	ladders->newest = live;
	json_array_append(live->rows, row);
	if (json_array_size(live->rows) > LOOK_BACK + 1)
		json_array_remove(live->rows, 0);
	draw(live->ladder, live->rows, json_array_size(live->rows) - 1);
}
