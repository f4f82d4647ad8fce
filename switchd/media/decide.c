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

struct decide_result decide_by(const struct decide_global *global,
			       const struct decide_party *caller, const struct decide_party *callee)
{
	struct decide_result result = decide_policy(global, caller, callee);
	uint8_t from = caller->source.family;
	uint8_t to = callee->source.family;

	/* A8: parties that do not speak the same version of IP cannot do without, whatever was
	 * asked. */
	if (!result.relay && from != ADDR_NONE && to != ADDR_NONE && from != to)
		return relay_at(DECIDE_ADDRESS_FAMILY);
	return result;
}

void decide_party_from(const struct conf_party *conf, struct decide_party *out)
{
	*out = (struct decide_party){
		.mode = conf->media_mode,
		.has_local_ring = conf->has_local_ring,
		.has_encryption = conf->has_encryption,
		.is_dynamic = conf->is_dynamic,
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
};

const char *decide_step_name(enum decide_step step)
{
	return steps[step].name;
}

const char *decide_step_text(enum decide_step step)
{
	return steps[step].text;
}
