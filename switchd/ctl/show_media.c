/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relayed media: ports, streams, and the decision whether a call would be relayed. */
#include <stdio.h>

#include "switchd/ctl/handlers.h"
#include "switchd/media/player.h"
#include "switchd/sip/location.h"

/* Of each local address. used_outside: those of calls from before the range was changed; taken:
 * someone else had a port of the pair when it was wanted. */
static const struct member media_pool_members[] = {
	{"address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_used_outside", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_resting", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_taken", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_free", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_ready", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_high_water", CELL_INT, MEMBER_ALWAYS, NULL},
	{"skipped", CELL_INT, MEMBER_ALWAYS, NULL},
	{"refused", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

/* tone_...: ports of IVR_RTP_PORT, from where ring tones are played, 0 without them. */
static const struct member media_ports_members[] = {
	{"ports_low", CELL_INT, MEMBER_ALWAYS, NULL},
	{"ports_high", CELL_INT, MEMBER_ALWAYS, NULL},
	{"layout", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"rest_s", CELL_INT, MEMBER_ALWAYS, NULL},
	{"sessions", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_resting", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_free", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_high_water", CELL_INT, MEMBER_ALWAYS, NULL},
	{"bind_failures", CELL_INT, MEMBER_ALWAYS, NULL},
	{"refused", CELL_INT, MEMBER_ALWAYS, NULL},
	{"packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"dropped", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_ports_low", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_ports_high", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_pairs_high_water", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_pairs_refused", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tones_playing", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tones_high_water", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tones_started", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"tone_packets_unsendable", CELL_INT, MEMBER_ALWAYS, NULL},
	{"addresses", CELL_TEXT, MEMBER_LIST, media_pool_members},
	{0},
};

const struct schema schema_media_ports = SCHEMA_OF_ITEM(media_ports_members);

static void item_pools(struct request *request, const struct ports_pool_status *pools, size_t count)
{
	json_t *list = item_list(request, NULL, "addresses");

	for (size_t i = 0; i < count; i++) {
		const struct ports_pool_status *pool = &pools[i];
		json_t *item = item_child(list);
		char text[ADDR_TEXT_MAX];

		item_str(request, item, "address", addr_print_ip(&pool->address, text));
		item_int(request, item, "pairs_total", pool->total);
		item_int(request, item, "pairs_used", pool->used);
		item_int(request, item, "pairs_used_outside", pool->used_outside);
		item_int(request, item, "pairs_resting", pool->resting);
		item_int(request, item, "pairs_taken", pool->taken);
		item_int(request, item, "pairs_free", pool->free);
		item_int(request, item, "pairs_ready", pool->ready);
		item_int(request, item, "pairs_high_water", pool->high_water);
		item_int(request, item, "skipped", (int64_t)pool->skipped);
		item_int(request, item, "refused", (int64_t)pool->refused);
	}
}

static void item_tones(struct request *request, struct media *media,
		       const struct media_status *status)
{
	struct player_status tones;

	player_status(media_player(media), &tones);
	item_int(request, NULL, "tone_ports_low", status->own_ports_low);
	item_int(request, NULL, "tone_ports_high", status->own_ports_high);
	item_int(request, NULL, "tone_pairs_used", (int64_t)status->own_pairs_used);
	item_int(request, NULL, "tone_pairs_high_water", (int64_t)status->own_pairs_high_water);
	item_int(request, NULL, "tone_pairs_refused", (int64_t)status->own_refused);
	item_int(request, NULL, "tones_playing", (int64_t)tones.playing);
	item_int(request, NULL, "tones_high_water", (int64_t)tones.high_water);
	item_int(request, NULL, "tones_started", (int64_t)tones.started);
	item_int(request, NULL, "tone_packets", (int64_t)tones.packets);
	item_int(request, NULL, "tone_packets_unsendable", (int64_t)tones.unsendable);
}

enum step show_media_ports(struct request *request)
{
	struct media *media = request->ctl->context.media;
	const struct snapshot *config = request_running(request);
	struct ports_pool_status pools[PORTS_ADDRESSES_MAX];
	struct media_status status;
	int64_t free_pairs = 0;
	size_t count;

	if (!media)
		return request_refuse(request, FAULT_STATE, 0, "the media relay is not running");
	media_status(media, &status);
	count = media_pools(media, pools);
	for (size_t i = 0; i < count; i++)
		free_pairs += pools[i].free;
	item_begin(request);
	item_int(request, NULL, "ports_low", status.ports_low);
	item_int(request, NULL, "ports_high", status.ports_high);
	item_value(request, NULL, "layout", &param_get(PARAM_SS_RTP_PORT_LAYOUT)->spec,
		   snapshot_param(config, PARAM_SS_RTP_PORT_LAYOUT));
	item_int(request, NULL, "rest_s", snapshot_number(config, PARAM_SS_RTP_PORT_REST));
	item_int(request, NULL, "sessions", (int64_t)status.sessions);
	item_int(request, NULL, "pairs_total", (int64_t)status.pairs_total);
	item_int(request, NULL, "pairs_used", (int64_t)status.pairs_used);
	item_int(request, NULL, "pairs_resting", (int64_t)status.pairs_resting);
	item_int(request, NULL, "pairs_free", count ? free_pairs : (int64_t)status.pairs_total);
	item_int(request, NULL, "pairs_high_water", (int64_t)status.pairs_high_water);
	item_int(request, NULL, "bind_failures", (int64_t)status.bind_failures);
	item_int(request, NULL, "refused", (int64_t)status.refused);
	item_int(request, NULL, "packets", (int64_t)status.packets);
	item_int(request, NULL, "dropped", (int64_t)status.dropped);
	item_tones(request, media, &status);
	item_pools(request, pools, count);
	item_end(request);
	return STEP_DONE;
}

static const struct column sessions_columns[] = {
	{"call", CELL_TEXT, "", "CALL", 16},
	{"leg", CELL_TEXT, "", "LEG", 3},
	{"party", CELL_TEXT, "", "PARTY", -16},
	{"relay_port", CELL_INT, "", "PORT", 5},
	{"sdp_address", CELL_TEXT, "", "SDP", 21},
	{"learned_address", CELL_TEXT, "", "LEARNED", 21},
	{"codec", CELL_TEXT, "", "CODEC", 8},
	{"direction", CELL_TEXT, "", "DIRECTION", -9},
	{"path", CELL_TEXT, "", "PATH", 7},
	{"packets", CELL_INT, "", "PACKETS", 9},
	{"rtcp_packets", CELL_INT, "", "RTCP", -6},
	{"dropped", CELL_INT, "", "DROPPED", 7},
};

const struct schema schema_media_sessions = SCHEMA_OF_ROWS(sessions_columns);

static void emit_stream(struct request *request, const struct call_info *call, int side)
{
	const struct call_leg_info *leg = &call->legs[side];
	char id[CALL_ID_TEXT];

	emit_str(request, call_id_text(call->id, id));
	emit_str(request, side ? "b" : "a");
	emit_str(request, leg->party);
	emit_int(request, leg->relay_port);
	emit_addr(request, &leg->media);
	emit_addr(request, &leg->counters.learned);
	emit_str(request, leg->codec);
	emit_str(request, leg->direction);
	emit_str(request, leg->counters.is_fast ? "kernel" : "switchd");
	emit_int(request, (int64_t)leg->counters.packets);
	emit_int(request, (int64_t)leg->counters.rtcp_packets);
	emit_int(request, (int64_t)(leg->counters.foreign + leg->counters.unsendable));
	emit_row_end(request);
}

static void emit_if_relayed(struct request *request, const struct call_info *call)
{
	if (!call->is_relayed)
		return;
	emit_stream(request, call, 0);
	emit_stream(request, call, 1);
}

enum step show_media_sessions(struct request *request)
{
	struct walk_workers *walk = walk_state(request);

	if (!walk)
		return request_no_memory(request);
	if (!walk->started)
		EMIT_TABLE(request, sessions_columns);
	return walk_calls(request, walk, emit_if_relayed);
}

static void take_phone(const struct request *request, const char *name,
		       const struct conf_phone *phone, struct decide_party *out, struct addr *local,
		       struct buf *label)
{
	struct location *location = request->ctl->context.location;
	struct binding binding = {0};

	buf_printf(label, "phone %s", name);
	decide_party_from(&phone->party, out);
	if (phone->is_static) {
		out->source = phone->static_address;
	} else if (location &&
		   location_find(location, span_of(name), location_now_ms(location), &binding, 1)) {
		out->source = binding.source;
		out->is_nat = binding.is_nat;
		*local = binding.local;
	} else {
		buf_add_lit(label, ", not registered");
	}
}

/* Somebody who calls from there, or is called there. */
static bool take_mapping(const struct conf *conf, const char *name, struct decide_party *out,
			 struct buf *label)
{
	const struct conf_mapping_gateway *gateway = conf_mapping_named(conf, span_of(name));

	if (!gateway)
		return false;
	buf_printf(label, "mapping-gateway %s", name);
	decide_party_from(&gateway->party, out);
	/* The first of its sources, which may be a whole network. */
	if (gateway->source_count)
		out->source = gateway->sources[0].base;
	return true;
}

static bool take_routing(const struct conf *conf, const char *name, struct decide_party *out,
			 struct buf *label)
{
	const struct conf_routing_gateway *gateway = conf_routing_gateway_find(conf, span_of(name));

	if (!gateway)
		return false;
	buf_printf(label, "routing-gateway %s", name);
	decide_party_from(&gateway->party, out);
	if (gateway->address_count)
		out->source = gateway->addresses[0];
	return true;
}

/* A phone; else a gateway of that name, one that calls for a caller and one that is called for a
 * callee before the other kind. What is unknown of a phone that is not registered stays empty. */
static bool find_party(const struct request *request, const char *name, bool is_caller,
		       struct decide_party *out, struct buf *label)
{
	const struct conf *conf = request->ctl->conf;
	const struct conf_phone *phone = conf_phone_find(conf, span_of(name));
	struct addr local = {0};

	*out = (struct decide_party){.network = "", .port_layout = -1};
	if (phone)
		take_phone(request, name, phone, out, &local, label);
	else if (is_caller ? !take_mapping(conf, name, out, label) &&
				     !take_routing(conf, name, out, label)
			   : !take_routing(conf, name, out, label) &&
				     !take_mapping(conf, name, out, label))
		return false;
	if (!out->network[0] && out->source.family != ADDR_NONE)
		out->network = conf_network_of(conf, &out->source,
					       local.family != ADDR_NONE ? &local : NULL);
	return true;
}

static void item_party(struct request *request, json_t *item, const char *label,
		       const struct decide_party *party)
{
	static const char *const modes[] = {"auto", "on", "off", "must-on"};

	item_str(request, item, "party", label);
	item_str(request, item, "media_proxy", modes[party->mode]);
	item_bool(request, item, "has_local_ring", party->has_local_ring);
	item_bool(request, item, "has_encryption", party->has_encryption);
	item_bool(request, item, "is_nat", party->is_nat);
	item_addr(request, item, "source_address", &party->source);
	item_str(request, item, "network", party->network);
}

static const struct member party_members[] = {
	{"party", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"media_proxy", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"has_local_ring", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"has_encryption", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"is_nat", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"source_address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"network", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{0},
};

static const struct member media_decision_members[] = {
	{"is_relayed", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"step", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"reason", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"port_layout", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"parties", CELL_TEXT, MEMBER_LIST, party_members},
	{0},
};

const struct schema schema_media_decision = SCHEMA_OF_ITEM(media_decision_members);

/* Its parties are what they were when it was decided. */
static const struct member media_decision_of_call_members[] = {
	{"call", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_relayed", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"step", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"reason", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"port_layout", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"parties", CELL_TEXT, MEMBER_LIST, party_members},
	{0},
};

const struct schema schema_media_decision_of_call = SCHEMA_OF_ITEM(media_decision_of_call_members);

static void item_decision(struct request *request, bool is_relayed, bool is_paired,
			  enum decide_step step, const struct decide_party parties[2])
{
	char memory[256];
	struct buf reason = buf_over(memory, sizeof(memory));

	decide_reason(step, &parties[0], &parties[1], &reason);
	item_bool(request, NULL, "is_relayed", is_relayed);
	item_str(request, NULL, "step", decide_step_name(step));
	item_str(request, NULL, "reason", buf_cstr(&reason));
	item_str(request, NULL, "port_layout",
		 !is_relayed ? NULL
		 : is_paired ? "paired"
			     : "compact");
}

static enum step live_decision(struct request *request)
{
	const struct ask *answer = found_call(request);
	struct decide_party parties[2];
	char id[CALL_ID_TEXT];
	json_t *list;

	if (!answer)
		return STEP_DONE;
	for (int i = 0; i < 2; i++) {
		parties[i] = answer->detail.decided[i].decide;
		parties[i].network = answer->detail.decided[i].network;
	}
	item_begin(request);
	item_str(request, NULL, "call", call_id_text(answer->detail.info.id, id));
	item_decision(request, answer->detail.info.is_relayed, answer->detail.info.is_paired,
		      answer->detail.info.media_step, parties);
	list = item_list(request, NULL, "parties");
	for (int i = 0; i < 2; i++)
		item_party(request, item_child(list), answer->detail.decided[i].party, &parties[i]);
	item_end(request);
	return STEP_DONE;
}

enum step show_media_decision(struct request *request)
{
	static const char *const sides[] = {"caller", "callee"};
	struct decide_party parties[2];
	struct buf labels[2] = {buf_new(), buf_new()};
	struct decide_result result;
	json_t *list;

	for (int i = 0; i < 2; i++) {
		const char *name = match_text(&request->match, sides[i]);

		if (find_party(request, name, i == 0, &parties[i], &labels[i]))
			continue;
		request_refuse(request, FAULT_NOT_FOUND,
			       match_arg(&request->match, sides[i])->column,
			       "there is no phone or gateway %s", name);
		goto out;
	}
	result = media_decide(request_running(request), &parties[0], &parties[1]);
	item_begin(request);
	item_decision(request, result.relay, result.is_paired, result.step, parties);
	list = item_list(request, NULL, "parties");
	for (int i = 0; i < 2; i++)
		item_party(request, item_child(list), buf_cstr(&labels[i]), &parties[i]);
	item_end(request);
out:
	buf_free(&labels[0]);
	buf_free(&labels[1]);
	return STEP_DONE;
}

enum step show_media_decision_of_call(struct request *request)
{
	return find_call(request, live_decision, ask_call_detail);
}
