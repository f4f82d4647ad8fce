/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/session_timer.h"

#define SEGMENT_DIVIDER_MAX 10 /* up to here the segment divides, else it is seconds (A2) */
#define INTERVAL_MAX_S      (7 * 24 * 3600u)
#define MARGIN_MAX_S        32u

struct session_rules session_rules_of(const struct snapshot *config, bool is_enabled)
{
	return (struct session_rules){
		.ttl_s = is_enabled ? (uint32_t)snapshot_number(config, PARAM_SS_SIP_SESSION_TTL)
				    : 0,
		.segment = (uint32_t)snapshot_number(config, PARAM_SS_SIP_SESSION_UPDATE_SEGMENT),
		.early_hangup_s = (uint32_t)snapshot_number(
			config, PARAM_SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP),
	};
}

/* "1800;refresher=uac": seconds, and the parameters. An absent header is 0 seconds. */
static bool parse_seconds(const struct sip_msg *msg, enum sip_header_id id, uint32_t *seconds,
			  struct span *params)
{
	const struct sip_header *header = sip_msg_first(msg, id);
	size_t end;
	uint64_t number;

	*seconds = 0;
	*params = SPAN_NONE;
	if (!header)
		return true;
	end = span_find(header->value, ';');
	if (end < header->value.len)
		*params = (struct span){header->value.ptr + end + 1, header->value.len - end - 1};
	/* RFC 3261 25.1: delta-seconds has no bound; one beyond all sense is as good as the most.
	 */
	if (!span_to_u64(span_trim((struct span){header->value.ptr, end}), UINT32_MAX, &number))
		return false;
	*seconds = number > INTERVAL_MAX_S ? INTERVAL_MAX_S : (uint32_t)number;
	return true;
}

static bool names_refresher(struct span params, const char *who)
{
	struct span value;

	return sip_param_get(params, SPAN_LIT("refresher"), &value) &&
	       span_ieq(span_trim(value), span_of(who));
}

static uint32_t at_least(uint32_t value, uint32_t floor)
{
	return value > floor ? value : floor;
}

enum session_verdict session_take_request(const struct session_rules *rules,
					  const struct sip_msg *msg, struct session_timer *out)
{
	bool supports = sip_msg_has_token(msg, SIP_HDR_SUPPORTED, SPAN_LIT("timer")) ||
			sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("timer"));
	struct span params;
	struct span ignored;
	uint32_t asked_s;
	uint32_t min_se_s;

	*out = (struct session_timer){.peer_supports = supports};
	if (!parse_seconds(msg, SIP_HDR_SESSION_EXPIRES, &asked_s, &params) ||
	    !parse_seconds(msg, SIP_HDR_MIN_SE, &min_se_s, &ignored))
		return SESSION_BAD;
	if (rules->ttl_s == 0 || (!supports && asked_s == 0))
		return SESSION_AGREED;
	/* Only who knows the extension can make use of a 422. */
	if (asked_s > 0 && asked_s < SESSION_MIN_SE_S && supports)
		return SESSION_TOO_SMALL;
	out->interval_s = asked_s > 0 && asked_s < rules->ttl_s ? asked_s : rules->ttl_s;
	out->interval_s = at_least(out->interval_s, at_least(min_se_s, SESSION_MIN_SE_S));
	/* Table 2 of section 9: who does not know the extension cannot refresh. */
	out->refresher = supports && names_refresher(params, "uac") ? SESSION_PEER_REFRESHES
								    : SESSION_WE_REFRESH;
	return SESSION_AGREED;
}

void session_take_answer(const struct session_rules *rules, const struct sip_msg *msg,
			 struct session_timer *out)
{
	struct span params;
	uint32_t interval_s;

	*out = (struct session_timer){.peer_supports = true};
	if (!parse_seconds(msg, SIP_HDR_SESSION_EXPIRES, &interval_s, &params) || interval_s == 0 ||
	    rules->ttl_s == 0)
		return;
	out->interval_s = at_least(interval_s, SESSION_MIN_SE_S);
	/* Without a word of who refreshes it is the one who asked: safe in any case. */
	out->refresher =
		names_refresher(params, "uas") ? SESSION_PEER_REFRESHES : SESSION_WE_REFRESH;
}

uint32_t session_after_422(uint32_t proposed_s, const struct sip_msg *msg)
{
	struct span ignored;
	uint32_t min_se_s;

	if (!parse_seconds(msg, SIP_HDR_MIN_SE, &min_se_s, &ignored) || min_se_s <= proposed_s)
		return 0;
	return min_se_s;
}

void session_write_request(struct buf *out, uint32_t interval_s,
			   const struct session_timer *current, uint32_t min_se_s)
{
	buf_add_lit(out, "Supported: timer\r\n");
	if (interval_s == 0)
		return;
	buf_add_lit(out, "Session-Expires: ");
	buf_add_u64(out, interval_s);
	if (current && current->refresher != SESSION_OFF)
		buf_add_str(out, current->refresher == SESSION_WE_REFRESH ? ";refresher=uac"
									  : ";refresher=uas");
	buf_add_lit(out, "\r\n");
	if (min_se_s) {
		buf_add_lit(out, "Min-SE: ");
		buf_add_u64(out, min_se_s);
		buf_add_lit(out, "\r\n");
	}
}

void session_write_answer(struct buf *out, const struct session_timer *timer)
{
	if (timer->refresher == SESSION_OFF)
		return;
	if (timer->peer_supports)
		buf_add_lit(out, "Require: timer\r\n");
	buf_add_lit(out, "Session-Expires: ");
	buf_add_u64(out, timer->interval_s);
	buf_add_str(out, timer->refresher == SESSION_WE_REFRESH ? ";refresher=uas\r\n"
								: ";refresher=uac\r\n");
}

uint32_t session_refresh_after_s(const struct session_rules *rules,
				 const struct session_timer *timer)
{
	uint32_t seconds = rules->segment;

	if (timer->refresher != SESSION_WE_REFRESH)
		return 0;
	if (rules->segment <= SEGMENT_DIVIDER_MAX)
		seconds = rules->segment ? timer->interval_s / rules->segment : 0;
	/* A peer that wants it shorter than our segment: half of it (section 7.2). */
	if (seconds == 0 || seconds > timer->interval_s / 2)
		seconds = timer->interval_s / 2;
	return seconds;
}

uint32_t session_give_up_after_s(const struct session_rules *rules,
				 const struct session_timer *timer)
{
	uint32_t margin_s = rules->early_hangup_s;

	if (timer->refresher == SESSION_OFF)
		return 0;
	if (margin_s == 0)
		margin_s =
			timer->interval_s / 3 < MARGIN_MAX_S ? timer->interval_s / 3 : MARGIN_MAX_S;
	/* Never before the peer had the time in which it has to refresh: half of the interval. */
	if (margin_s > timer->interval_s / 2)
		margin_s = timer->interval_s / 2;
	return timer->interval_s - margin_s;
}
