/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of rules, and those that look at the course of the call; doctor_path.c has those that
 * look at addresses. */
#include "switchd/trace/doctor_rules.h"

#include <stdarg.h>
#include <stdio.h>

#include "switchd/call/cause.h"
#include "switchd/call/route.h"

#define SECOND_US INT64_C(1000000)

void doctor_say(struct doctor_finding *finding, const char *format, ...)
{
	size_t len = strlen(finding->evidence);
	va_list args;

	if (len && len + 2 < sizeof(finding->evidence)) {
		memcpy(finding->evidence + len, "; ", 3);
		len += 2;
	}
	va_start(args, format);
	vsnprintf(finding->evidence + len, sizeof(finding->evidence) - len, format, args);
	va_end(args);
}

static const struct trace_event *find_note(const struct doctor_case *what, enum trace_note note)
{
	for (size_t i = 0; i < what->count; i++)
		if (!doctor_is_message(what->items[i]) && what->items[i]->event.note == note)
			return &what->items[i]->event;
	return NULL;
}

static bool ended_with(const struct doctor_case *what, enum cause_id id)
{
	return what->call->end_us && what->call->cause == cause_number(cause_of(id));
}

static bool has_status(const struct doctor_case *what, const int *statuses, size_t count)
{
	for (size_t i = 0; what->call->end_us && i < count; i++)
		if (what->call->cause == statuses[i])
			return true;
	return false;
}

#define HAS_STATUS(what, ...)                          \
	has_status((what), (const int[]){__VA_ARGS__}, \
		   sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static bool say_status(const struct doctor_case *what, struct doctor_finding *finding)
{
	doctor_say(finding, "status=%d", (int)what->call->cause);
	doctor_say(finding, "party=%s", what->call->callee_party);
	return true;
}

/* --- ACK. --- */

#define EXCHANGES_MAX 64 /* INVITEs of one leg that are looked at */

/* The answers to one INVITE, and the ACKs for them: all have its CSeq. */
struct exchange {
	int64_t cseq;
	size_t answers;
	size_t acks;
};

static int64_t cseq_of(const struct trace_item *item)
{
	return doctor_number(doctor_header(item->event.data, "cseq", 0));
}

static void count_exchange(const struct doctor_case *what, uint8_t leg, enum trace_kind answers,
			   struct exchange *out)
{
	enum trace_kind acks = answers == TRACE_SENT ? TRACE_RECEIVED : TRACE_SENT;

	out->answers = 0;
	out->acks = 0;
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_item *item = what->items[i];

		if (item->leg != leg)
			continue;
		if (doctor_is(item, answers, "INVITE", 200))
			out->answers += cseq_of(item) == out->cseq;
		else if (doctor_is(item, acks, "ACK", 0))
			out->acks += cseq_of(item) == out->cseq;
	}
}

/* The next INVITE whose 200 was sent, or received, at least three times: *at is where to look. */
static bool next_repeated(const struct doctor_case *what, uint8_t leg, enum trace_kind answers,
			  size_t *at, struct exchange *out)
{
	int64_t before = -1;
	unsigned looked = 0;

	for (; *at < what->count && looked < EXCHANGES_MAX; ++*at) {
		const struct trace_item *item = what->items[*at];

		if (item->leg != leg || !doctor_is(item, answers, "INVITE", 200) ||
		    cseq_of(item) == before)
			continue;
		before = out->cseq = cseq_of(item);
		looked++;
		count_exchange(what, leg, answers, out);
		if (out->answers < 3)
			continue;
		++*at;
		return true;
	}
	return false;
}

/* Our 200 to the caller was sent over and over. */
static bool lacks_ack(const struct doctor_case *what, struct doctor_finding *finding)
{
	struct exchange exchange;
	size_t at = 0;

	while (next_repeated(what, 0, TRACE_SENT, &at, &exchange)) {
		if (exchange.acks)
			continue;
		doctor_say(finding, "caller: 200 sent=%zu", exchange.answers);
		doctor_say(finding, "ACK received=0");
		return true;
	}
	return false;
}

/* The callee sends its 200 again, whatever we send. */
static bool ack_is_lost(const struct doctor_case *what, struct doctor_finding *finding)
{
	for (uint32_t leg = 1; leg <= what->call->attempts && leg < TRACE_NO_SIDE; leg++) {
		struct exchange exchange;
		size_t at = 0;

		while (next_repeated(what, (uint8_t)leg, TRACE_RECEIVED, &at, &exchange)) {
			if (exchange.acks < 2)
				continue;
			doctor_say(finding, "attempt %u: 200 received=%zu", (unsigned)leg,
				   exchange.answers);
			doctor_say(finding, "ACK sent=%zu", exchange.acks);
			return true;
		}
	}
	return false;
}

static bool missing_ack(const struct doctor_case *what, struct doctor_finding *finding)
{
	struct span contact;

	if (!lacks_ack(what, finding))
		return false;
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_event *event = &what->items[i]->event;
		char peer[ADDR_TEXT_MAX];

		if (what->items[i]->leg != 0 ||
		    !doctor_is(what->items[i], TRACE_SENT, "INVITE", 200))
			continue;
		contact = doctor_header(event->data, "contact", 'm');
		doctor_say(finding, "to=%s", addr_print(&event->peer, peer));
		doctor_say(finding, "Contact=%.*s", (int)contact.len, contact.ptr);
		break;
	}
	return true;
}

static int64_t talk_us(const struct doctor_case *what)
{
	if (!what->call->answer_us || what->call->end_us < what->call->answer_us)
		return -1;
	return (int64_t)(what->call->end_us - what->call->answer_us);
}

/* 64 * T1 of RFC 3261 is 32 s; some give up at 30. */
static bool cut_without_ack(const struct doctor_case *what, struct doctor_finding *finding)
{
	int64_t talk = talk_us(what);

	if (talk < 29 * SECOND_US || talk > 34 * SECOND_US)
		return false;
	if (!lacks_ack(what, finding) && !ack_is_lost(what, finding))
		return false;
	doctor_say(finding, "talk=%d.%d s", (int)(talk / SECOND_US),
		   (int)(talk / (SECOND_US / 10) % 10));
	return true;
}

/* --- Session timer (RFC 4028). --- */

static bool is_refresh(const struct trace_item *item)
{
	return doctor_is(item, TRACE_SENT, "INVITE", 200) ||
	       doctor_is(item, TRACE_RECEIVED, "INVITE", 200) ||
	       doctor_is(item, TRACE_SENT, "UPDATE", 200) ||
	       doctor_is(item, TRACE_RECEIVED, "UPDATE", 200);
}

/* The leg whose session ran out when the call ended: nothing refreshed it as long as was agreed. */
static bool session_ran_out(const struct doctor_case *what, struct doctor_finding *finding,
			    uint8_t leg)
{
	uint64_t refreshed_us = 0;
	int64_t expires_s = -1;
	int64_t early_s;
	int64_t idle_us;

	for (size_t i = 0; i < what->count; i++) {
		const struct trace_item *item = what->items[i];
		int64_t agreed_s;

		if (item->leg != leg || !is_refresh(item))
			continue;
		agreed_s = doctor_number(doctor_header(item->event.data, "session-expires", 'x'));
		refreshed_us = item->event.time_us;
		expires_s = agreed_s;
	}
	if (expires_s <= 0 || what->call->end_us < refreshed_us)
		return false;
	/* Whoever does not refresh gives up that much before the end (section 10). */
	early_s = expires_s / 3 < 32 ? expires_s / 3 : 32;
	idle_us = (int64_t)(what->call->end_us - refreshed_us);
	if (idle_us < (expires_s - early_s - 2) * SECOND_US ||
	    idle_us > (expires_s + 2) * SECOND_US)
		return false;
	doctor_say(finding, "%s: Session-Expires=%d", leg ? "callee" : "caller", (int)expires_s);
	doctor_say(finding, "last refresh %d s before the end", (int)(idle_us / SECOND_US));
	return true;
}

static bool cut_by_session(const struct doctor_case *what, struct doctor_finding *finding)
{
	bool is_ours = ended_with(what, CAUSE_SESSION_TIMEOUT);
	bool is_found = false;

	if (talk_us(what) < 0)
		return false;
	for (uint32_t leg = 0; !is_found && leg <= what->call->attempts && leg < TRACE_NO_SIDE;
	     leg++)
		is_found = session_ran_out(what, finding, (uint8_t)leg);
	if (is_ours)
		doctor_say(finding, "ended by=switch, session timer");
	return is_found || is_ours;
}

static bool cut_by_limit(const struct doctor_case *what, struct doctor_finding *finding)
{
	const struct trace_event *timer = find_note(what, TRACE_TIMER);

	if (!ended_with(what, CAUSE_MAX_DURATION) && !ended_with(what, CAUSE_NO_TIMER_CEILING))
		return false;
	if (timer)
		doctor_say(finding, "timer=%.*s", (int)timer->data.len, timer->data.ptr);
	doctor_say(finding, "talk=%d s", (int)(talk_us(what) / SECOND_US));
	return true;
}

/* --- Media. --- */

static bool one_way_audio(const struct doctor_case *what, struct doctor_finding *finding)
{
	static const char *const deaf[] = {"callee", "caller"};
	const struct trace_event *note = find_note(what, TRACE_MEDIA_SILENT);
	const struct call_quality *quality = what->live ? &what->live->quality : NULL;

	if (note)
		doctor_say(finding, "%s heard nothing for %d s", deaf[note->a == 1], (int)note->b);
	for (int side = 0; !note && quality && quality->is_relayed && side < 2; side++)
		if (quality->deaf_since_ms[side])
			doctor_say(finding, "%s heard nothing for %u s", deaf[side == 0],
				   (unsigned)quality->deaf_s[side]);
	for (int side = 0; finding->evidence[0] && quality && side < 2; side++)
		doctor_say(finding, "packets from %s=%llu", side ? "callee" : "caller",
			   (unsigned long long)quality->sides[side].stream.packets);
	return finding->evidence[0] != '\0';
}

static bool no_media(const struct doctor_case *what, struct doctor_finding *finding)
{
	if (!ended_with(what, CAUSE_NO_MEDIA) && !ended_with(what, CAUSE_RTP_INTERRUPTED))
		return false;
	doctor_say(finding, "cause=%d", (int)what->call->cause);
	return true;
}

/* Of the last message in that direction that names codecs. */
static void say_codecs(const struct doctor_case *what, struct doctor_finding *finding,
		       enum trace_kind kind, const char *name)
{
	for (size_t i = what->count; i > 0; i--) {
		const struct trace_event *event = &what->items[i - 1]->event;
		struct span media;

		if (event->kind != kind)
			continue;
		media = doctor_sdp_line(event->data, "m=audio ");
		if (!media.len)
			continue;
		doctor_say(finding, "%s m=audio %.*s", name, (int)(media.len < 80 ? media.len : 80),
			   media.ptr);
		return;
	}
}

static bool is_codec_refusal(int64_t cause)
{
	return cause == 488 || cause == 606 || cause == 415 ||
	       cause == cause_number(cause_of(CAUSE_BAD_SDP)) ||
	       cause == cause_number(cause_of(CAUSE_NO_CIPHER));
}

static bool codec_mismatch(const struct doctor_case *what, struct doctor_finding *finding)
{
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_event *event = &what->items[i]->event;

		if (event->kind != TRACE_NOTE ||
		    (event->note != TRACE_ATTEMPT_OVER && event->note != TRACE_CALL_END) ||
		    !is_codec_refusal(event->a))
			continue;
		doctor_say(finding, "cause=%d", (int)event->a);
		say_codecs(what, finding, TRACE_SENT, "offered");
		return true;
	}
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_item *item = what->items[i];
		struct span media;

		if (!doctor_is(item, TRACE_RECEIVED, "INVITE", 200))
			continue;
		media = doctor_sdp_line(item->event.data, "m=audio ");
		/* It may have gone over to fax. */
		if (doctor_number(media) != 0 || doctor_sdp_line(item->event.data, "m=image ").len)
			continue;
		doctor_say(finding, "answered m=audio %.*s", (int)(media.len < 80 ? media.len : 80),
			   media.ptr);
		say_codecs(what, finding, TRACE_SENT, "offered");
		return true;
	}
	return false;
}

/* --- Refusals. --- */

static bool busy(const struct doctor_case *what, struct doctor_finding *finding)
{
	return HAS_STATUS(what, 486, 600) && say_status(what, finding);
}

static bool refused(const struct doctor_case *what, struct doctor_finding *finding)
{
	return HAS_STATUS(what, 603, 480, 404, 484, 604) && say_status(what, finding);
}

static bool refused_us(const struct doctor_case *what, struct doctor_finding *finding)
{
	return HAS_STATUS(what, 401, 403, 407) && say_status(what, finding);
}

static bool no_answer(const struct doctor_case *what, struct doctor_finding *finding)
{
	const struct trace_event *timer = find_note(what, TRACE_TIMER);

	if (!ended_with(what, CAUSE_NO_ANSWER))
		return false;
	doctor_say(finding, "party=%s", what->call->callee_party);
	if (timer)
		doctor_say(finding, "rang=%d s", (int)timer->a);
	return true;
}

static bool locked_out(const struct doctor_case *what, struct doctor_finding *finding)
{
	const struct trace_event *note = find_note(what, TRACE_AUTH_SUSPENDED);

	if (note)
		doctor_say(finding, "suspended=%.*s", (int)note->data.len, note->data.ptr);
	else if (ended_with(what, CAUSE_LOCKED))
		doctor_say(finding, "cause=%d, the party's lock", (int)what->call->cause);
	return finding->evidence[0] != '\0';
}

static bool wrong_password(const struct doctor_case *what, struct doctor_finding *finding)
{
	const struct trace_event *note = find_note(what, TRACE_AUTH_FAILED);

	if (!note)
		return false;
	doctor_say(finding, "user=%.*s", (int)note->data.len, note->data.ptr);
	return true;
}

static bool no_route(const struct doctor_case *what, struct doctor_finding *finding)
{
	if (!ended_with(what, CAUSE_NOT_FOUND) && !ended_with(what, CAUSE_NO_ROUTE) &&
	    !ended_with(what, CAUSE_GATEWAYS_FULL) && !ended_with(what, CAUSE_GATEWAYS_OFFLINE))
		return false;
	doctor_say(finding, "called=%s", what->call->callee);
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_event *event = &what->items[i]->event;

		if (event->kind == TRACE_NOTE && event->note == TRACE_CANDIDATE_OUT &&
		    event->a >= 0 && event->a < ROUTE_VERDICT_COUNT)
			doctor_say(finding, "%.*s: %s", (int)event->data.len, event->data.ptr,
				   route_verdict_text((enum route_verdict)event->a));
	}
	return true;
}

/* --- The table. --- */

static const struct {
	const char *name;
	doctor_rule_fn *look;
	const char *sentence;
} rules[] = {
	{"missing-ack", missing_ack,
	 "The caller's ACK does not arrive: it cannot reach the address in Contact, or something "
	 "on "
	 "the way drops it."},
	{"cut-without-ack", cut_without_ack,
	 "The call was cut after the 30 or 32 s that a 200 waits for its ACK: the ACK was lost on "
	 "the way."},
	{"cut-by-session-timer", cut_by_session,
	 "The call was cut at its session time because nobody refreshed it: the refresh did not "
	 "get "
	 "through, or the refresher does not refresh."},
	{"cut-by-limit", cut_by_limit,
	 "The call reached a limit of this switch: max-call-duration, or the ceiling of a caller "
	 "without session timer."},
	{"private-media-address", doctor_private_media,
	 "A private address was offered for media to somebody outside of that network, and media "
	 "does not pass by the switch: no audio. Turn media-proxy on or auto for the party."},
	{"nat-binding-lost", doctor_nat_binding,
	 "The way through the phone's NAT is closed: it does not hear the INVITE. A shorter "
	 "keepalive or registration period keeps it open."},
	{"no-response", doctor_no_response,
	 "Nobody answers at that address: down, a wrong address, or a firewall between."},
	{"sip-alg", doctor_sip_alg,
	 "Something between the phone and the switch rewrites SIP (an ALG of its router): turn "
	 "that "
	 "off, or use another port, TCP or TLS."},
	{"one-way-audio", one_way_audio,
	 "One party heard nothing while it was heard: a firewall or NAT at the other one's media, "
	 "or its address was not learned."},
	{"no-media", no_media,
	 "Media stopped or never came: see the media addresses and firewalls of both parties."},
	{"codec-mismatch", codec_mismatch,
	 "The parties share no codec or media encryption: compare what was offered with what the "
	 "other one can."},
	{"locked-out", locked_out,
	 "The party is locked, or suspended after wrong passwords: see show lockouts."},
	{"wrong-password", wrong_password, "The password was wrong, at least at first."},
	{"no-route", no_route,
	 "No gateway could be used for the number: see each one's reason, and show route."},
	{"busy", busy, "The called party is busy."},
	{"refused-by-callee", refused,
	 "The called side refused: unavailable, declined, or it does not know the number."},
	{"credentials-refused", refused_us,
	 "The called side does not accept calls from us: wrong credentials, or our address is not "
	 "allowed there."},
	{"no-answer", no_answer, "It rang, and nobody answered in time."},
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) <= DOCTOR_FINDINGS_MAX, "room for all findings");

size_t doctor_look(const struct doctor_case *what,
		   struct doctor_finding findings[DOCTOR_FINDINGS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct doctor_finding *finding = &findings[count];

		finding->name = rules[i].name;
		finding->sentence = rules[i].sentence;
		finding->evidence[0] = '\0';
		count += rules[i].look(what, finding);
	}
	return count;
}
