/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/leg_caller.h"

#include "switchd/auth/credentials.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/authorize.h"
#include "switchd/sip/diversion.h"
#include "switchd/sip/identity.h"
#include "switchd/sip/leg_private.h"
#include "switchd/sip/refused.h"

bool leg_text_is_clean(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

void leg_named_read(const struct sip_msg *msg, struct leg_named *out)
{
	*out = (struct leg_named){0};
	(void)sip_uri_parse(msg->request_uri, &out->target);
	(void)sip_name_addr_parse(msg->from, &out->from);
}

void leg_named_read_rest(const struct sip_msg *msg, struct leg_named *named)
{
	(void)sip_name_addr_parse(msg->to, &named->to);
	(void)leg_contact_of(msg, &named->contact);
}

static void number_of_from(const struct sip_name_addr *from, struct leg_caller *out)
{
	size_t len;

	if (!sip_unescape(from->uri.user, out->number, sizeof(out->number) - 1, &len) ||
	    !leg_text_is_clean(out->number))
		out->number[0] = '\0';
	if (!span_copy(from->display, out->display, sizeof(out->display)) ||
	    !leg_text_is_clean(out->display))
		out->display[0] = '\0';
}

/* The contact that we registered is no number that was dialled: To has that, unless it names the
 * account too. */
static void number_of_to(const struct sip_name_addr *to, char *callee, size_t size)
{
	char number[64] = "";
	size_t len = 0;

	if (!sip_unescape(to->uri.user, number, sizeof(number) - 1, &len) || len == 0 ||
	    len >= size)
		return;
	number[len] = '\0';
	if (leg_text_is_clean(number))
		memcpy(callee, number, len + 1);
}

/* As the gateway's `callee-from` has it; it stays what it was where nothing stands there. */
static void number_of_callee(const struct sip_name_addr *to, const struct leg_caller *caller,
			     char *callee, size_t size)
{
	struct span diverted = span_of(caller->identity.diverted.number);

	switch (caller->mapping->callee_from) {
	case WORD_CALLEE_FROM_TO:
		number_of_to(to, callee, size);
		break;
	case WORD_CALLEE_FROM_DIVERSION:
		if (diverted.len && diverted.len < size)
			span_copy(diverted, callee, size);
		break;
	default:
		break;
	}
}

/* CAUSE_NORMAL, or why it may not call. */
static enum cause_id take_gateway(const struct sip_rx *rx,
				  const struct conf_mapping_gateway *gateway,
				  struct leg_caller *out)
{
	identity_of_gateway(rx->msg, gateway, &out->identity, out->number, sizeof(out->number));
	diversion_of(rx->msg, &out->identity.diverted);
	span_join(SPAN_LIT("mapping-gateway "), span_of(gateway->name), out->party,
		  sizeof(out->party));
	out->conf = &gateway->party;
	out->mapping = gateway;
	if (gateway->lock != CONF_LOCK_NONE && gateway->lock != CONF_LOCK_OUT)
		return CAUSE_LOCKED;
	if (atomic_load_explicit(&gateway->live->admin, memory_order_relaxed) != LIVE_ENABLED)
		return CAUSE_DISABLED;
	return CAUSE_NORMAL;
}

static enum cause_id take_phone(const struct sip_rx *rx, const struct conf_phone *phone,
				struct leg_caller *out)
{
	/* The number is the one that the password belongs to, whatever From claims. */
	span_join(span_of(phone->number), SPAN_NONE, out->number, sizeof(out->number));
	identity_of_phone(rx->msg, phone, &out->identity);
	if (phone->display_name[0])
		identity_quote(phone->display_name, out->display, sizeof(out->display));
	span_join(SPAN_LIT("phone "), span_of(phone->number), out->party, sizeof(out->party));
	out->conf = &phone->party;
	out->phone = phone;
	return phone->lock == CONF_LOCK_OUT || phone->lock == CONF_LOCK_ALL ? CAUSE_LOCKED
									    : CAUSE_NORMAL;
}

static bool may_call(struct sip_worker *worker, const struct sip_rx *rx,
		     const struct leg_caller *caller, const char *callee, enum cause_id why_not)
{
	struct sip_rx known = *rx;

	if (why_not == CAUSE_NORMAL)
		return true;
	refused_party(worker, rx, caller, callee, why_not);
	known.reply = caller->conf->reply_address;
	sip_reply_stateless(worker, &known, cause_status(cause_of(why_not)), NULL);
	return false;
}

static void refuse(struct sip_worker *worker, const struct sip_rx *rx,
		   const struct leg_caller *caller, const char *callee, enum auth_result result)
{
	refused_stranger(worker, rx, caller, callee, result,
			 sip_unauthorized_status(worker->conf, result));
	sip_reply_unauthorized(worker, rx, result);
}

/* Who calls by where the INVITE comes from; credentials for our realm say it otherwise. */
static const struct conf_mapping_gateway *gateway_at(const struct conf *conf,
						     const struct sip_rx *rx, const char *callee,
						     const struct conf_registration **registration)
{
	const struct conf_mapping_gateway *gateway;

	*registration = conf_registration_of_caller(conf, span_of(callee), &rx->source);
	gateway = *registration ? (*registration)->mapping
				: conf_mapping_gateway_find(conf, &rx->source);
	if (!*registration && !gateway)
		return NULL;
	if (!credentials_are_for(sip_credentials(rx->msg, conf), span_of(conf->realm)))
		return gateway;
	*registration = NULL;
	return NULL;
}

/* A static phone that its address is proof enough for. */
static const struct conf_phone *phone_at(const struct conf *conf, const struct sip_rx *rx,
					 const char *number)
{
	const struct conf_phone *phone = conf_phone_at(conf, &rx->source, span_of(number));

	if (phone && credentials_are_for(sip_credentials(rx->msg, conf), span_of(conf->realm)))
		return NULL;
	return phone;
}

/* Credentials decide first; then the server of a registration, the address of a static phone and
 * that of a mapping gateway, which may be a whole network's; else a challenge. */
bool leg_identify(struct sip_worker *worker, const struct sip_rx *rx, struct leg_named *named,
		  struct leg_caller *out, char *callee, size_t size)
{
	const struct conf_mapping_gateway *gateway = NULL;
	struct auth_account account = {0};
	enum auth_result result;
	enum cause_id why_not;

	number_of_from(&named->from, out);
	gateway = gateway_at(worker->conf, rx, callee, &out->registration);
	if (out->registration) {
		leg_named_read_rest(rx->msg, named);
		number_of_to(&named->to, callee, size);
	}
	account.phone = out->registration ? NULL : phone_at(worker->conf, rx, out->number);
	if (account.phone)
		gateway = NULL;
	out->matched_by = out->registration          ? "the server of its registration"
			  : gateway || account.phone ? "its address"
						     : "its password";
	if (!gateway && !account.phone) {
		result = sip_authorize_account(
			worker, rx, named->from.uri_text.len ? &named->from : NULL, &account);
		if (result != AUTH_OK) {
			refuse(worker, rx, out, callee, result);
			return false;
		}
		refused_forget(worker, rx->msg->call_id);
		out->is_proven = true;
		gateway = account.mapping;
	}
	if (!out->registration)
		leg_named_read_rest(rx->msg, named);
	why_not = gateway ? take_gateway(rx, gateway, out) : take_phone(rx, account.phone, out);
	if (gateway)
		number_of_callee(&named->to, out, callee, size);
	return may_call(worker, rx, out, callee, why_not);
}
