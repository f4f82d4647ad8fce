/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relayed media: ports, streams, and the decision whether a call would be relayed. */
#include <stdio.h>

#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

static const struct member media_ports_members[] = {
	{"ports_low", CELL_INT, MEMBER_ALWAYS, NULL},
	{"ports_high", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_total", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_used", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_resting", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_free", CELL_INT, MEMBER_ALWAYS, NULL},
	{"pairs_high_water", CELL_INT, MEMBER_ALWAYS, NULL},
	{"bind_failures", CELL_INT, MEMBER_ALWAYS, NULL},
	{"packets", CELL_INT, MEMBER_ALWAYS, NULL},
	{"dropped", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_media_ports = SCHEMA_OF_ITEM(media_ports_members);

enum step show_media_ports(struct request *request)
{
	struct media_status status = {0};
	uint64_t used;

	if (!request->ctl->context.media)
		return request_refuse(request, FAULT_STATE, 0, "the media relay is not running");
	media_status(request->ctl->context.media, &status);
	used = status.pairs_used + status.pairs_resting;
	item_begin(request);
	item_int(request, NULL, "ports_low", status.ports_low);
	item_int(request, NULL, "ports_high", status.ports_high);
	item_int(request, NULL, "pairs_total", (int64_t)status.pairs_total);
	item_int(request, NULL, "pairs_used", (int64_t)status.pairs_used);
	item_int(request, NULL, "pairs_resting", (int64_t)status.pairs_resting);
	item_int(request, NULL, "pairs_free",
		 status.pairs_total > used ? (int64_t)(status.pairs_total - used) : 0);
	item_int(request, NULL, "pairs_high_water", (int64_t)status.pairs_high_water);
	item_int(request, NULL, "bind_failures", (int64_t)status.bind_failures);
	item_int(request, NULL, "packets", (int64_t)status.packets);
	item_int(request, NULL, "dropped", (int64_t)status.dropped);
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

/* A phone, else a gateway of that name. What is unknown of a phone that is not registered stays
 * empty. */
static bool find_party(const struct request *request, const char *name, struct decide_party *out,
		       struct buf *label)
{
	const struct conf *conf = request->ctl->conf;
	struct location *location = request->ctl->context.location;
	const struct conf_phone *phone = conf_phone_find(conf, span_of(name));
	const struct conf_routing_gateway *gateway;
	struct binding binding = {0};

	*out = (struct decide_party){.network = ""};
	if (phone) {
		buf_printf(label, "phone %s", name);
		decide_party_from(&phone->party, out);
		if (phone->is_static) {
			out->source = phone->static_address;
		} else if (location && location_find(location, span_of(name),
						     location_now_ms(location), &binding, 1)) {
			out->source = binding.source;
			out->is_nat = binding.is_nat;
		} else {
			buf_add_lit(label, ", not registered");
		}
	} else {
		gateway = conf_routing_gateway_find(conf, span_of(name));
		if (!gateway)
			return false;
		buf_printf(label, "routing-gateway %s", name);
		decide_party_from(&gateway->party, out);
		if (gateway->address_count)
			out->source = gateway->addresses[0];
	}
	if (!out->network[0] && out->source.family != ADDR_NONE)
		out->network = conf_network_of(conf, &out->source,
					       binding.local.family ? &binding.local : NULL);
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
	{"parties", CELL_TEXT, MEMBER_LIST, party_members},
	{0},
};

const struct schema schema_media_decision_of_call = SCHEMA_OF_ITEM(media_decision_of_call_members);

static void item_decision(struct request *request, bool is_relayed, enum decide_step step)
{
	item_bool(request, NULL, "is_relayed", is_relayed);
	item_str(request, NULL, "step", decide_step_name(step));
	item_str(request, NULL, "reason", decide_step_text(step));
}

static enum step live_decision(struct request *request)
{
	const struct ask *answer = found_call(request);
	char id[CALL_ID_TEXT];
	json_t *list;

	if (!answer)
		return STEP_DONE;
	item_begin(request);
	item_str(request, NULL, "call", call_id_text(answer->detail.info.id, id));
	item_decision(request, answer->detail.info.is_relayed, answer->detail.info.media_step);
	list = item_list(request, NULL, "parties");
	for (int i = 0; i < 2; i++) {
		const struct call_party_info *party = &answer->detail.decided[i];
		struct decide_party decide = party->decide;

		decide.network = party->network;
		item_party(request, item_child(list), party->party, &decide);
	}
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

		if (find_party(request, name, &parties[i], &labels[i]))
			continue;
		request_refuse(request, FAULT_NOT_FOUND,
			       match_arg(&request->match, sides[i])->column,
			       "there is no phone or routing-gateway %s", name);
		goto out;
	}
	result = media_decide(request_running(request), &parties[0], &parties[1]);
	item_begin(request);
	item_decision(request, result.relay, result.step);
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
