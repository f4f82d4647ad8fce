/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gateway ... enable, disable, drain: what an operator says of a gateway beside its configuration.
 * A name may be that of a mapping gateway, of a routing gateway, or of one each: then it is one
 * carrier, and both are meant. */
#include <stdlib.h>

#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"

/* Kinds of gateway, and where the configuration keeps their live part. */
static const enum object_kind kinds[] = {OBJECT_MAPPING_GATEWAY, OBJECT_ROUTING_GATEWAY};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *const admin_words[] = {
	[LIVE_ENABLED] = "enabled",
	[LIVE_DRAINING] = "draining",
	[LIVE_DISABLED] = "disabled",
};

struct live *gateway_live(const struct conf *conf, enum object_kind kind, const char *name)
{
	const struct conf_mapping_gateway *mapping =
		kind == OBJECT_MAPPING_GATEWAY ? conf_mapping_named(conf, span_of(name)) : NULL;
	const struct conf_routing_gateway *routing =
		kind == OBJECT_ROUTING_GATEWAY ? conf_routing_gateway_find(conf, span_of(name))
					       : NULL;

	return mapping ? mapping->live : routing ? routing->live : NULL;
}

enum live_admin gateway_admin(const struct live *live)
{
	return live ? (enum live_admin)atomic_load_explicit(&live->admin, memory_order_relaxed)
		    : LIVE_ENABLED;
}

const char *gateway_admin_word(enum live_admin admin)
{
	return admin_words[admin];
}

static void set_admin(struct live *live, enum live_admin admin)
{
	atomic_store_explicit(&live->admin, (uint32_t)admin, memory_order_relaxed);
}

/* Stored before it is in force: what is said to be so is so after a restart. */
static bool put(struct request *request, const char *name, enum live_admin admin)
{
	const char *word = admin == LIVE_ENABLED ? "" : admin_words[admin];
	const struct conf *conf = request->ctl->conf;
	struct vos_fault fault = {0};

	for (size_t i = 0; i < KINDS; i++) {
		if (!gateway_live(conf, kinds[i], name))
			continue;
		if (store_mark_set(request->ctl->context.store, kinds[i], name, word, &fault) !=
		    VOS_OK) {
			request_fail(request, &fault);
			return false;
		}
	}
	for (size_t i = 0; i < KINDS; i++) {
		struct live *live = gateway_live(conf, kinds[i], name);

		if (!live)
			continue;
		set_admin(live, admin);
		emit_say(request, "%s %s %s", object_type(kinds[i])->keyword, name,
			 admin == LIVE_ENABLED ? "may have new calls" : "has no new calls");
	}
	return true;
}

static unsigned calls_of(const struct request *request, const char *name)
{
	unsigned calls = 0;

	for (size_t i = 0; i < KINDS; i++) {
		const struct live *live = gateway_live(request->ctl->conf, kinds[i], name);

		if (live)
			calls += atomic_load_explicit(&live->calls, memory_order_relaxed);
	}
	return calls;
}

static enum step disable(struct request *request, const char *name)
{
	unsigned calls = calls_of(request, name);

	if (!request->yes)
		return request_ask(request, "disabling %s ends its calls, %u now", name, calls);
	if (!put(request, name, LIVE_DISABLED))
		return STEP_DONE;
	/* The calls that are up go the way of `clear calls gateway`. */
	request->step = cmd_clear_calls;
	return STEP_MORE;
}

enum step cmd_gateway(struct request *request)
{
	const char *name = match_text(&request->match, "gateway");
	const struct conf *conf = request->ctl->conf;
	unsigned calls;

	if (!gateway_live(conf, OBJECT_MAPPING_GATEWAY, name) &&
	    !gateway_live(conf, OBJECT_ROUTING_GATEWAY, name))
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "gateway")->column,
				      "there is no gateway %s", name);
	if (request_has(request, "disable"))
		return disable(request, name);
	if (request_has(request, "enable")) {
		put(request, name, LIVE_ENABLED);
		return STEP_DONE;
	}
	if (!put(request, name, LIVE_DRAINING))
		return STEP_DONE;
	calls = calls_of(request, name);
	emit_say(request, "%u call%s left", calls, calls == 1 ? " is" : "s are");
	return STEP_DONE;
}

/* --- Over a restart, and over the end of a gateway. --- */

struct restore {
	const struct conf *conf;
	const struct log *log;
};

static void restore_mark(void *context, enum object_kind kind, const char *key, const char *word)
{
	const struct restore *restore = context;
	struct live *live = gateway_live(restore->conf, kind, key);

	for (enum live_admin admin = LIVE_DRAINING; live && admin <= LIVE_DISABLED; admin++) {
		if (strcmp(word, admin_words[admin]) != 0)
			continue;
		set_admin(live, admin);
		log_warning(restore->log, "ctl", "%s %s is %s, as an operator has said before",
			    object_type(kind)->keyword, key, word);
	}
}

enum vos_err ctl_restore_gateways(struct store *store, const struct conf *conf,
				  const struct log *log)
{
	struct restore restore = {.conf = conf, .log = log};

	return store_marks(store, restore_mark, &restore);
}

void gateways_forget(struct ctl *ctl, const struct conf *before, const struct change_list *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		struct vos_fault fault = {0};
		struct live *live;

		if (change->op != CHANGE_OBJECT_DELETE)
			continue;
		live = gateway_live(before, change->kind, change->key);
		if (!live || gateway_admin(live) == LIVE_ENABLED)
			continue;
		set_admin(live, LIVE_ENABLED);
		if (store_mark_set(ctl->context.store, change->kind, change->key, "", &fault) !=
		    VOS_OK)
			log_error(ctl->context.log, "ctl", "%s %s: %s",
				  object_type(change->kind)->keyword, change->key, fault.text);
	}
}
