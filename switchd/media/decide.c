/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy decision: behaviour A8 steps 1 to 5, then C1, then what is technically required.
 */
#include "switchd/media/decide.h"

#include <string.h>

#include "switchd/media/decide_private.h"

static bool either_is(const struct decide_party *caller, const struct decide_party *callee,
		      enum conf_media_mode mode)
{
	return caller->mode == mode || callee->mode == mode;
}

static struct decide_result relay_at(enum decide_step step)
{
	return (struct decide_result){.relay = true, .step = step};
}

static struct decide_result direct_at(enum decide_step step)
{
	return (struct decide_result){.relay = false, .step = step};
}

/* A scrambled stream needs the relay only at a party that registers here: a static one is a peer
 * switch that unscrambles by itself. */
static bool is_encrypted(const struct decide_party *party)
{
	return party->is_dynamic && party->has_encryption;
}

/* No name stands for everything outside the networks that have one, so it differs from each of
 * them. */
static bool is_between_networks(const struct decide_party *caller,
				const struct decide_party *callee)
{
	return strcmp(caller->network ? caller->network : "",
		      callee->network ? callee->network : "") != 0;
}

static bool shares_nat(const struct decide_party *caller, const struct decide_party *callee)
{
	return caller->is_nat && callee->is_nat && addr_ip_eq(&caller->source, &callee->source);
}

/* C1: global Auto, and both parties Auto. */
static struct decide_result decide_auto(const struct decide_global *global,
					const struct decide_party *caller,
					const struct decide_party *callee)
{
	if (callee->has_local_ring)
		return relay_at(DECIDE_LOCAL_RING);
	if (is_encrypted(caller) || is_encrypted(callee))
		return relay_at(DECIDE_ENCRYPTION);
	if (global->between_net && is_between_networks(caller, callee))
		return relay_at(DECIDE_BETWEEN_NET);
	if (global->behind_nat) {
		if (shares_nat(caller, callee)) {
			if (global->same_nat)
				return relay_at(DECIDE_SAME_NAT);
		} else if (caller->is_nat || callee->is_nat) {
			return relay_at(DECIDE_BEHIND_NAT);
		}
	}
	return direct_at(DECIDE_DIRECT);
}

static struct decide_result decide_policy(const struct decide_global *global,
					  const struct decide_party *caller,
					  const struct decide_party *callee)
{
	if (global->mode == CONF_MEDIA_MUST_ON)
		return relay_at(DECIDE_GLOBAL_MUST_ON);
	if (either_is(caller, callee, CONF_MEDIA_MUST_ON))
		return relay_at(DECIDE_PARTY_MUST_ON);
	if (either_is(caller, callee, CONF_MEDIA_OFF))
		return direct_at(DECIDE_PARTY_OFF);
	if (either_is(caller, callee, CONF_MEDIA_ON))
		return relay_at(DECIDE_PARTY_ON);
	if (global->mode == CONF_MEDIA_ON)
		return relay_at(DECIDE_GLOBAL_ON);
	if (global->mode == CONF_MEDIA_OFF)
		return direct_at(DECIDE_GLOBAL_OFF);
	return decide_auto(global, caller, callee);
}

static bool wants_paired(const struct decide_global *global, const struct decide_party *party)
{
	return party->port_layout < 0 ? global->is_paired
				      : party->port_layout == WORD_PORT_LAYOUT_PAIRED;
}

static bool has_cipher(const struct decide_party *party)
{
	return party->srtp || party->scramble;
}

struct decide_result decide_by(const struct decide_global *global,
			       const struct decide_party *caller, const struct decide_party *callee)
{
	struct decide_result result = decide_policy(global, caller, callee);
	uint8_t from = caller->source.family;
	uint8_t to = callee->source.family;

	/* A8: parties that do not speak the same version of IP cannot do without, whatever was
	 * asked. */
	if (!result.relay && from != ADDR_NONE && to != ADDR_NONE && from != to)
		result = relay_at(DECIDE_ADDRESS_FAMILY);
	/* Encryption is done in the relay. A party's or the global Off stands, and it is refused
	 * then where it is required. */
	if (result.step == DECIDE_DIRECT && (has_cipher(caller) || has_cipher(callee)))
		result = relay_at(DECIDE_CIPHER);
	/* A5: for peers that insist, so one is enough. */
	result.is_paired = wants_paired(global, caller) || wants_paired(global, callee);
	return result;
}

void decide_party_from(const struct conf_party *conf, struct decide_party *out)
{
	*out = (struct decide_party){
		.mode = conf->media_mode,
		.has_local_ring = conf->has_local_ring,
		.has_encryption = conf->has_encryption,
		.srtp = conf->srtp,
		.scramble = conf->scramble,
		.is_dynamic = conf->is_dynamic,
		.dtmf = conf->dtmf,
		.port_layout = conf->port_layout,
		.learning = conf->learning,
		.rtp_detection = conf->rtp_detection,
		.codecs = conf->codecs,
		.local_ring_delay_s = conf->local_ring_delay_s,
		.remote_ringing = conf->remote_ringing,
		.network = conf->network ? conf->network : "",
	};
}

struct decide_result media_decide(const struct snapshot *config, const struct decide_party *caller,
				  const struct decide_party *callee)
{
	/* The words of the catalogue stand in the order of enum conf_media_mode. */
	const struct decide_global global = {
		.mode = (enum conf_media_mode)snapshot_number(config, PARAM_SS_MEDIA_PROXY_MODE),
		.between_net = snapshot_bool(config, PARAM_SS_MEDIA_PROXY_BETWEEN_NET),
		.behind_nat = snapshot_bool(config, PARAM_SS_MEDIA_PROXY_BEHIND_NAT),
		.same_nat = snapshot_bool(config, PARAM_SS_MEDIA_PROXY_SAME_NAT),
		.is_paired = snapshot_number(config, PARAM_SS_RTP_PORT_LAYOUT) ==
			     WORD_PORT_LAYOUT_PAIRED,
	};

	return decide_by(&global, caller, callee);
}

static const struct {
	const char *name;
	const char *text;
} steps[] = {
	[DECIDE_GLOBAL_MUST_ON] = {"global-must-on", "the switch's media-proxy-mode is must-on"},
	[DECIDE_PARTY_MUST_ON] = {"party-must-on", "one party's media-proxy is must-on"},
	[DECIDE_PARTY_OFF] = {"party-off", "one party's media-proxy is off"},
	[DECIDE_PARTY_ON] = {"party-on", "one party's media-proxy is on"},
	[DECIDE_GLOBAL_ON] = {"global-on", "both parties are auto and media-proxy-mode is on"},
	[DECIDE_GLOBAL_OFF] = {"global-off", "both parties are auto and media-proxy-mode is off"},
	[DECIDE_LOCAL_RING] = {"local-ring",
			       "the callee's local ring tone is played by the switch"},
	[DECIDE_ENCRYPTION] = {"encryption", "a registered party scrambles its media"},
	[DECIDE_BETWEEN_NET] = {"between-net", "the parties are in different networks"},
	[DECIDE_SAME_NAT] = {"same-nat", "both parties are behind the same NAT"},
	[DECIDE_BEHIND_NAT] = {"behind-nat", "a party is behind NAT"},
	[DECIDE_DIRECT] = {"direct", "nothing asks for the relay"},
	[DECIDE_ADDRESS_FAMILY] = {"address-family", "one party has IPv4, the other IPv6"},
	[DECIDE_CIPHER] = {"cipher", "the switch encrypts a party's media"},
};

const char *decide_step_name(enum decide_step step)
{
	return steps[step].name;
}

const char *decide_step_text(enum decide_step step)
{
	return steps[step].text;
}

/* "the caller's", "both parties'", by whom of the two it holds of. */
static const char *whose(bool caller, bool callee)
{
	return caller && callee ? "both parties'" : caller ? "the caller's" : "the callee's";
}

static const char *who_is(bool caller, bool callee)
{
	return caller && callee ? "both parties are" : caller ? "the caller is" : "the callee is";
}

static void add_modes(const struct decide_party *caller, const struct decide_party *callee,
		      enum conf_media_mode mode, const char *word, struct buf *out)
{
	buf_printf(out, "%s media-proxy is %s", whose(caller->mode == mode, callee->mode == mode),
		   word);
}

static const char *network_of(const struct decide_party *party)
{
	return party->network && party->network[0] ? party->network : "none";
}

static const char *ip_version(const struct decide_party *party)
{
	return party->source.family == ADDR_IP6 ? "IPv6" : "IPv4";
}

void decide_reason(enum decide_step step, const struct decide_party *caller,
		   const struct decide_party *callee, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	switch (step) {
	case DECIDE_PARTY_MUST_ON:
		add_modes(caller, callee, CONF_MEDIA_MUST_ON, "must-on", out);
		break;
	case DECIDE_PARTY_OFF:
		add_modes(caller, callee, CONF_MEDIA_OFF, "off", out);
		break;
	case DECIDE_PARTY_ON:
		add_modes(caller, callee, CONF_MEDIA_ON, "on", out);
		break;
	case DECIDE_ENCRYPTION:
		buf_printf(out, "%s registered here, with media encryption",
			   who_is(is_encrypted(caller), is_encrypted(callee)));
		break;
	case DECIDE_BETWEEN_NET:
		buf_printf(out, "the caller is in network %s, the callee in %s", network_of(caller),
			   network_of(callee));
		break;
	case DECIDE_SAME_NAT:
		buf_printf(out, "both parties are behind the NAT %s",
			   addr_print_ip(&caller->source, text));
		break;
	case DECIDE_BEHIND_NAT:
		buf_printf(out, "%s behind NAT", who_is(caller->is_nat, callee->is_nat));
		break;
	case DECIDE_ADDRESS_FAMILY:
		buf_printf(out, "the caller has %s, the callee %s", ip_version(caller),
			   ip_version(callee));
		break;
	default:
		buf_printf(out, "%s", decide_step_text(step));
		break;
	}
}
