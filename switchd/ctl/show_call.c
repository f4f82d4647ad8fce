/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call, named by its id or the beginning of it: all that is known of it, and its end. */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/call_id.h"
#include "switchd/ctl/call_why.h"
#include "switchd/ctl/call_words.h"
#include "switchd/ctl/handlers.h"

char *call_id_text(uint64_t id, char out[CALL_ID_TEXT])
{
	snprintf(out, CALL_ID_TEXT, "%016llx", (unsigned long long)id);
	return out;
}

static void item_counters(struct request *request, json_t *leg, const struct media_counters *c)
{
	char ssrc[16];

	item_int(request, leg, "packets", (int64_t)c->packets);
	item_int(request, leg, "bytes", (int64_t)c->bytes);
	item_int(request, leg, "rtcp_packets", (int64_t)c->rtcp_packets);
	item_int(request, leg, "dropped_foreign", (int64_t)c->foreign);
	item_int(request, leg, "dropped_unsendable", (int64_t)c->unsendable);
	if (!c->packets)
		return;
	item_int(request, leg, "last_packet_ms", (int64_t)(clock_mono_us() - c->last_us) / 1000);
	item_addr(request, leg, "learned_address", &c->learned);
	item_bool(request, leg, "is_locked", c->is_locked);
	snprintf(ssrc, sizeof(ssrc), "%08x", (unsigned)c->ssrc);
	item_str(request, leg, "ssrc", ssrc);
	item_int(request, leg, "payload_type", c->payload_type);
	item_str(request, leg, "path", c->is_fast ? "kernel" : "switchd");
}

/* Of the stream that the party sends, and what its reports tell of the one that it is sent. */
static void item_quality(struct request *request, json_t *leg, const struct media_quality *quality)
{
	const struct stream_quality *stream = &quality->stream;
	const struct rtcp_quality *reports = &quality->reports;
	char mos[16];

	item_int(request, leg, "dropped_source", stream->refused_source);
	item_int(request, leg, "dropped_ssrc", stream->refused_ssrc);
	item_int(request, leg, "dropped_payload_type", stream->refused_type);
	if (!stream->packets)
		return;
	snprintf(mos, sizeof(mos), "%u.%02u", quality->mos.centi / 100u, quality->mos.centi % 100u);
	item_str(request, leg, "mos", mos);
	item_int(request, leg, "r_factor", (quality->mos.r_tenths + 5) / 10);
	item_int(request, leg, "lost", (int64_t)stream->lost);
	item_int(request, leg, "loss_ppm", stream->loss_ppm);
	item_int(request, leg, "late", (int64_t)stream->late);
	item_int(request, leg, "duplicates", (int64_t)stream->duplicates);
	item_int(request, leg, "jitter_us", stream->jitter_us);
	item_int(request, leg, "jitter_max_us", stream->jitter_max_us);
	item_int(request, leg, "bursts", stream->bursts);
	item_int(request, leg, "burst_loss_ppm", stream->burst_ppm);
	item_int(request, leg, "gap_loss_ppm", stream->gap_ppm);
	item_int(request, leg, "silences", stream->silences);
	item_int(request, leg, "silent_ms", (int64_t)(stream->silent_us / 1000));
	item_int(request, leg, "longest_silence_ms", stream->longest_silence_ms);
	item_int(request, leg, "comfort_noise", stream->comfort_noise);
	item_int(request, leg, "dtmf_events", stream->events);
	item_int(request, leg, "dtmf_packets", stream->event_packets);
	item_int(request, leg, "payload_type_changes", stream->type_changes);
	item_int(request, leg, "stream_restarts", stream->restarts);
	if (reports->round_trip_max_us) {
		item_int(request, leg, "round_trip_us", reports->round_trip_us);
		item_int(request, leg, "round_trip_mean_us", reports->round_trip_mean_us);
		item_int(request, leg, "round_trip_max_us", reports->round_trip_max_us);
	}
	if (reports->reports) {
		item_int(request, leg, "reported_lost", reports->lost);
		item_int(request, leg, "reported_loss_ppm", reports->loss_ppm);
		item_int(request, leg, "reported_jitter_us", reports->jitter_us);
	}
}

/* The end of a leg's media that is ours. */
static void item_place(struct request *request, json_t *leg, const struct conf_media_place *place)
{
	char interface[IF_NAMESIZE];
	char text[ADDR_TEXT_MAX];

	item_str(request, leg, "relay_address", addr_print_ip(&place->local, text));
	if (!addr_ip_eq(&place->shown, &place->local))
		item_str(request, leg, "advertised_address", addr_print_ip(&place->shown, text));
	if (place->device && if_indextoname(place->device, interface))
		item_str(request, leg, "relay_interface", interface);
}

static void item_leg(struct request *request, json_t *leg, const char *side,
		     const struct call_leg_info *info, bool is_relayed)
{
	item_str(request, leg, "leg", side);
	item_str(request, leg, "number", info->number);
	item_str(request, leg, "party", info->party);
	item_str(request, leg, "state", info->state);
	if (info->stage_s)
		item_int(request, leg, "state_left_s", info->stage_s);
	item_str(request, leg, "call_id", info->call_id);
	item_addr(request, leg, "signalling_address", &info->signalling);
	item_addr(request, leg, "request_address", &info->requests);
	item_addr(request, leg, "local_address", &info->local);
	item_bool(request, leg, "is_nat", info->is_nat);
	item_addr(request, leg, "media_address", &info->media);
	item_str(request, leg, "codec", info->codec);
	item_str(request, leg, "direction", info->direction);
	item_media_words(request, leg, info);
	if (!is_relayed)
		return;
	item_place(request, leg, &info->relay);
	item_int(request, leg, "relay_port", info->relay_port);
	item_str(request, leg, "encryption", info->cipher);
	item_counters(request, leg, &info->counters);
}

/* state_left_s only while an answer is waited for, codecs_allowed and so on once somebody is
 * called, dtmf_payload_type of a relayed call with such events. From relay_address on only of a
 * relayed call, from last_packet_ms on only once RTP came. */
static const struct member leg_members[] = {
	{"leg", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"number", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"party", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"state", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"state_left_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"call_id", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"signalling_address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"request_address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"local_address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_nat", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"media_address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"codec", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"direction", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"codecs_allowed", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"g729_mode", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"g729_annexb", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"g723_annexa", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"t38", CELL_BOOL, MEMBER_AT_TIMES, NULL},
	{"dtmf", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"dtmf_receive", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"dtmf_payload_type", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"relay_address", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"advertised_address", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"relay_interface", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"relay_port", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"encryption", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"packets", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"bytes", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"rtcp_packets", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dropped_foreign", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dropped_unsendable", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"last_packet_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"learned_address", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"is_locked", CELL_BOOL, MEMBER_AT_TIMES, NULL},
	{"ssrc", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"payload_type", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"path", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"dropped_source", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dropped_ssrc", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dropped_payload_type", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"mos", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"r_factor", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"lost", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"loss_ppm", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"late", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"duplicates", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"jitter_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"jitter_max_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"bursts", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"burst_loss_ppm", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"gap_loss_ppm", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"silences", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"silent_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"longest_silence_ms", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"comfort_noise", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dtmf_events", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"dtmf_packets", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"payload_type_changes", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"stream_restarts", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"round_trip_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"round_trip_mean_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"round_trip_max_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"reported_lost", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"reported_loss_ppm", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"reported_jitter_us", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"last_heard_time", CELL_TIME, MEMBER_AT_TIMES, NULL},
	{"heard_nothing_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{0},
};

/* Times since the call's start; null is never. */
static const struct member attempt_members[] = {
	{"party", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"state", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"outcome", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"start_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"ring_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"end_ms", CELL_INT, MEMBER_ALWAYS, NULL},
	{"state_left_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{0},
};

static const struct member call_members[] = {
	{"id", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"state", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"caller", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"callee", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"start_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"answer_time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"age_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"talk_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"is_relayed", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"media_step", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"media_reason", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"audio", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"cause", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"timers", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"attempts", CELL_TEXT, MEMBER_LIST, attempt_members},
	{"legs", CELL_TEXT, MEMBER_LIST, leg_members},
	{"why", CELL_TEXT, MEMBER_LIST, why_members},
	{0},
};

const struct schema schema_call = SCHEMA_OF_ITEM(call_members);

static void item_ms(struct request *request, json_t *item, const char *name, int64_t ms)
{
	if (ms >= 0)
		item_int(request, item, name, ms);
	else
		item_str(request, item, name, NULL);
}

static void item_attempts(struct request *request, const struct call_detail *detail)
{
	json_t *list = item_list(request, NULL, "attempts");

	for (size_t i = 0; i < detail->attempt_count && i < CALL_ATTEMPTS_SHOWN; i++) {
		const struct call_attempt_info *attempt = &detail->attempts[i];
		json_t *item = item_child(list);

		item_str(request, item, "party", attempt->party);
		item_addr(request, item, "address", &attempt->address);
		item_str(request, item, "state", attempt->state);
		item_str(request, item, "outcome", attempt->outcome);
		item_int(request, item, "start_ms", attempt->start_ms);
		item_ms(request, item, "ring_ms", attempt->ring_ms);
		item_ms(request, item, "end_ms", attempt->end_ms);
		if (attempt->stage_s)
			item_int(request, item, "state_left_s", attempt->stage_s);
	}
}

static void item_reason(struct request *request, const struct call_detail *detail)
{
	struct decide_party caller = detail->decided[0].decide;
	struct decide_party callee = detail->decided[1].decide;
	char memory[256];
	struct buf reason = buf_over(memory, sizeof(memory));

	caller.network = detail->decided[0].network;
	callee.network = detail->decided[1].network;
	decide_reason(detail->info.media_step, &caller, &callee, &reason);
	item_str(request, NULL, "media_reason", buf_cstr(&reason));
}

/* Who hears whom, of a relayed call. */
static void item_audio(struct request *request, const struct call_quality *quality)
{
	char text[CALL_DEAF_TEXT];
	bool has_come[2];

	if (!quality->is_relayed)
		return;
	for (int side = 0; side < 2; side++) {
		has_come[side] = quality->sides[side].stream.packets > 0;
		if (!quality->deaf_since_ms[side])
			continue;
		item_str(
			request, NULL, "audio",
			call_watch_text((enum media_side)side, quality->deaf_since_ms[side], text));
		return;
	}
	item_str(request, NULL, "audio",
		 has_come[0] && has_come[1] ? "both ways"
		 : has_come[0]              ? "from the caller only"
		 : has_come[1]              ? "from the callee only"
					    : "none yet");
}

static void item_heard(struct request *request, json_t *leg, const struct call_quality *quality,
		       int side)
{
	if (!quality->is_relayed)
		return;
	item_quality(request, leg, &quality->sides[side]);
	if (quality->deaf_since_ms[side])
		item_time(request, leg, "last_heard_time", quality->deaf_since_ms[side]);
	if (quality->deaf_s[side])
		item_int(request, leg, "heard_nothing_s", quality->deaf_s[side]);
}

static void emit_call_item(struct request *request, const struct call_detail *detail, int worker)
{
	const struct call_info *call = &detail->info;
	char id[CALL_ID_TEXT];
	json_t *legs;

	item_begin(request);
	item_str(request, NULL, "id", call_id_text(call->id, id));
	item_str(request, NULL, "state", call->state);
	item_str(request, NULL, "caller", call->caller);
	item_str(request, NULL, "callee", call->callee);
	item_time(request, NULL, "start_time", call->start_ms);
	item_time(request, NULL, "answer_time", call->answer_ms);
	item_int(request, NULL, "age_s", call->age_s);
	item_int(request, NULL, "talk_s", call->talk_s);
	item_bool(request, NULL, "is_relayed", call->is_relayed);
	item_str(request, NULL, "media_step", decide_step_name(call->media_step));
	item_reason(request, detail);
	item_audio(request, &detail->quality);
	item_str(request, NULL, "cause", call->cause);
	item_str(request, NULL, "timers", call->timers);
	item_attempts(request, detail);
	legs = item_list(request, NULL, "legs");
	for (int side = 0; side < 2; side++) {
		json_t *leg = item_child(legs);

		item_leg(request, leg, side ? "b" : "a", &call->legs[side], call->is_relayed);
		item_heard(request, leg, &detail->quality, side);
	}
	item_why(request, call->id, worker);
	item_end(request);
}

/* What is known of the one call that is looked for. */
struct found_call {
	int count;
	int worker;
	uint64_t id;
};

bool call_id_range(const char *text, uint64_t *low, uint64_t *high)
{
	size_t len = strlen(text);
	uint64_t id = 0;

	if (len == 0 || len > 16)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = text[i] >= '0' && text[i] <= '9'   ? text[i] - '0'
			    : text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10
			    : text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 10
							       : -1;

		if (digit < 0)
			return false;
		id = id << 4 | (uint64_t)digit;
	}
	*low = len == 16 ? id : id << (64 - 4 * len);
	*high = len == 16 ? id : *low | (UINT64_MAX >> (4 * len));
	return true;
}

/* Asks every worker for calls of that range; at most two are needed to know that it is not one. */
static enum step look_for(struct request *request, struct walk_workers *walk,
			  struct found_call *found)
{
	uint64_t low;
	uint64_t high;

	if (!call_id_range(match_text(&request->match, "id"), &low, &high))
		return request_refuse(request, FAULT_VALUE_FORMAT,
				      match_arg(&request->match, "id")->column,
				      "a call id has up to 16 hexadecimal digits");
	if (walk->started) {
		const struct ask *reply = walk->reply;

		for (size_t i = 0; reply && i < reply->count; i++) {
			found->count++;
			found->worker = walk->worker;
			found->id = reply->infos[i].id;
		}
		walk->worker++;
	}
	walk->started = true;
	if (walk->worker < request->ctl->context.worker_count)
		return walk_ask(request, walk, ask_list_calls, low ? low - 1 : 0, high, 2);
	/* One that is over has left its notes. */
	if (found->count == 0 && request->match.command == COMMAND_SHOW_CALL)
		return show_call_over(request, low, high);
	if (found->count == 0)
		return request_refuse(request, FAULT_NOT_FOUND, 0, "there is no call %s",
				      match_text(&request->match, "id"));
	if (found->count > 1)
		return request_refuse(
			request, FAULT_SYNTAX_AMBIGUOUS, match_arg(&request->match, "id")->column,
			"several calls begin with %s", match_text(&request->match, "id"));
	return STEP_DONE;
}

static struct found_call *found_state(struct walk_workers *walk)
{
	if (walk && !walk->more)
		walk->more = calloc(1, sizeof(struct found_call));
	return walk ? walk->more : NULL;
}

enum step find_call(struct request *request, step_fn *then,
		    void (*work)(struct ask *, struct sip_worker *))
{
	struct walk_workers *walk = walk_state(request);
	struct found_call *found = found_state(walk);
	enum step step;

	if (!found)
		return request_no_memory(request);
	step = look_for(request, walk, found);
	if (step != STEP_DONE || request->has_fault || !found->count)
		return step;
	request->step = then;
	walk->worker = found->worker;
	return walk_ask(request, walk, work, found->id, 0, 1);
}

const struct ask *found_call(struct request *request)
{
	const struct walk_workers *walk = request->state;

	if (walk->reply && walk->reply->is_found)
		return walk->reply;
	request_refuse(request, FAULT_NOT_FOUND, 0, "the call has just ended");
	return NULL;
}

static enum step call_described(struct request *request)
{
	const struct walk_workers *walk = request->state;
	const struct ask *answer = found_call(request);

	if (answer)
		emit_call_item(request, &answer->detail, walk->worker);
	return STEP_DONE;
}

enum step show_call(struct request *request)
{
	if (request_has(request, "advice"))
		return show_advice(request);
	return find_call(request, call_described, ask_call_detail);
}

static enum step call_cleared(struct request *request)
{
	if (found_call(request))
		emit_say(request, "call is being ended");
	return STEP_DONE;
}

enum step cmd_clear_call(struct request *request)
{
	return find_call(request, call_cleared, ask_clear_call);
}
