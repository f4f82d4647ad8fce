/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fields of phones ask of each other, and of other phones: numbers that reach one phone only,
 * times for the numbers that depend on them, lines within its capacity, an address where one is to
 * prove who calls. */
#include "shared/config/check_private.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Further numbers. --- */

struct did {
	const char *number;
	const char *phone;
};

static int compare_did(const void *a, const void *b)
{
	const struct did *left = a;
	const struct did *right = b;
	int order = strcmp(left->number, right->number);

	return order != 0 ? order : strcmp(left->phone, right->phone);
}

static void report_did(struct check *check, const struct did *did, const char *owner,
		       const char *as)
{
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "phone %s did", did->phone);
	check_error(check, FAULT_VALUE_RANGE, path,
		    "%s: %s is %s phone %s already; a number reaches one phone", path, did->number,
		    as, owner);
}

static size_t count_dids(const struct snapshot *snapshot)
{
	size_t phones = snapshot_object_count(snapshot, OBJECT_PHONE);
	size_t count = 0;

	for (size_t i = 0; i < phones; i++)
		count += object_list_count(snapshot_object_at(snapshot, OBJECT_PHONE, i),
					   FIELD_PHONE_DID);
	return count;
}

static void take_dids(const struct snapshot *snapshot, struct did *out)
{
	size_t phones = snapshot_object_count(snapshot, OBJECT_PHONE);

	for (size_t i = 0; i < phones; i++) {
		const struct object *object = snapshot_object_at(snapshot, OBJECT_PHONE, i);
		size_t count = object_list_count(object, FIELD_PHONE_DID);

		for (size_t at = 0; at < count; at++)
			*out++ = (struct did){object_list_at(object, FIELD_PHONE_DID, at)->text,
					      object->key};
	}
}

static void check_dids(struct check *check)
{
	size_t count = count_dids(check->after);
	struct did *dids;

	if (count == 0 || (check->before &&
			   check->before->sets[OBJECT_PHONE] == check->after->sets[OBJECT_PHONE]))
		return;
	dids = calloc(count, sizeof(*dids));
	if (!dids) {
		check->failed = true;
		return;
	}
	take_dids(check->after, dids);
	qsort(dids, count, sizeof(*dids), compare_did);
	for (size_t i = 0; i < count; i++) {
		if (snapshot_object_find(check->after, OBJECT_PHONE, span_of(dids[i].number)))
			report_did(check, &dids[i], dids[i].number, "the number of");
		else if (i > 0 && strcmp(dids[i - 1].number, dids[i].number) == 0)
			report_did(check, &dids[i], dids[i - 1].phone, "a did of");
	}
	free(dids);
}

/* --- One phone. --- */

static void check_periods(struct check *check, const struct object *object)
{
	bool has_numbers = object_list_count(object, FIELD_PHONE_FORWARD_IN_PERIOD) > 0;
	bool has_times = object_list_count(object, FIELD_PHONE_FORWARD_PERIOD) > 0;
	char path[FAULT_PATH_MAX];

	if (has_numbers == has_times)
		return;
	snprintf(path, sizeof(path), "phone %s %s", object->key,
		 has_numbers ? "forward-in-period" : "forward-period");
	if (has_numbers)
		check_error(check, FAULT_REF_MISSING, path,
			    "%s: at which times? set phone %s forward-period", path, object->key);
	else
		check_warning(check, path, "%s: without forward-in-period it forwards nowhere",
			      path);
}

static bool is_own_number(const struct object *object, const char *number)
{
	size_t count = object_list_count(object, FIELD_PHONE_DID);

	if (strcmp(object->key, number) == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(object_list_at(object, FIELD_PHONE_DID, i)->text, number) == 0)
			return true;
	return false;
}

/* Calls that would come back to it. */
static void check_forwards(struct check *check, const struct object *object)
{
	static const enum field_id lists[] = {
		FIELD_PHONE_FORWARD_ALWAYS,  FIELD_PHONE_FORWARD_IN_PERIOD,
		FIELD_PHONE_FORWARD_BUSY,    FIELD_PHONE_FORWARD_NO_ANSWER,
		FIELD_PHONE_FORWARD_OFFLINE,
	};
	char path[FAULT_PATH_MAX];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t count = object_list_count(object, lists[i]);

		snprintf(path, sizeof(path), "phone %s %s", object->key,
			 field_get(lists[i])->keyword);
		for (size_t at = 0; at < count; at++) {
			const char *number = object_list_at(object, lists[i], at)->text;

			if (is_own_number(object, number))
				check_warning(check, path,
					      "%s: %s is its own number, never forwarded to", path,
					      number);
		}
	}
}

static void check_lines(struct check *check, const struct object *object)
{
	static const enum field_id ways[] = {FIELD_PHONE_CAPACITY_IN, FIELD_PHONE_CAPACITY_OUT};
	int64_t capacity = object_field(object, FIELD_PHONE_CAPACITY)->number;
	char path[FAULT_PATH_MAX];

	for (size_t i = 0; capacity && i < sizeof(ways) / sizeof(ways[0]); i++) {
		int64_t lines = object_field(object, ways[i])->number;

		if (lines <= capacity)
			continue;
		snprintf(path, sizeof(path), "phone %s %s", object->key,
			 field_get(ways[i])->keyword);
		check_warning(check, path, "%s %lld is above capacity %lld, which comes first",
			      path, (long long)lines, (long long)capacity);
	}
}

/* What a phone's calls are known by has to be known itself. */
static void check_authentication(struct check *check, const struct object *object)
{
	bool is_static = object_field(object, FIELD_PHONE_REGISTRATION)->number ==
			 WORD_PHONE_REGISTRATION_STATIC;
	char path[FAULT_PATH_MAX];

	if (object_field(object, FIELD_PHONE_AUTHENTICATION)->number ==
		    WORD_GATEWAY_AUTHENTICATION_PASSWORD ||
	    (is_static && object_field_is_set(object, FIELD_PHONE_ADDRESS)))
		return;
	snprintf(path, sizeof(path), "phone %s authentication", object->key);
	check_error(check, FAULT_REF_MISSING, path,
		    "%s: only a static phone is known by its address; set %s, or authentication "
		    "password",
		    path, is_static ? "address" : "registration static and address");
}

static void check_transport(struct check *check, const struct object *object)
{
	static const enum field_id listens[] = {
		[WORD_TRANSPORT_UDP] = FIELD_LISTEN_UDP,
		[WORD_TRANSPORT_TCP] = FIELD_LISTEN_TCP,
		[WORD_TRANSPORT_TLS] = FIELD_LISTEN_TLS,
	};
	const char *name;
	enum field_id listen;
	char path[FAULT_PATH_MAX];

	if (!object_field_is_set(object, FIELD_PHONE_TRANSPORT))
		return;
	listen = listens[object_field(object, FIELD_PHONE_TRANSPORT)->number];
	name = field_get(listen)->keyword;
	snprintf(path, sizeof(path), "phone %s transport", object->key);
	if (object_field(object, FIELD_PHONE_REGISTRATION)->number !=
	    WORD_PHONE_REGISTRATION_STATIC)
		check_warning(check, path, "%s %s: it registers, and is reached as it registered",
			      path, name);
	else if (!check_has_listen(check, listen))
		check_warning(check, path,
			      "%s %s: no listen address has %s, so that no call can go there", path,
			      name, name);
}

void check_phones(struct check *check)
{
	struct check_walk walk = check_walk_start(check, OBJECT_PHONE);
	const struct object *before;
	const struct object *object;

	check_dids(check);
	while ((object = check_walk_next(&walk, &before)) != NULL) {
		check_periods(check, object);
		check_forwards(check, object);
		check_lines(check, object);
		check_authentication(check, object);
		check_transport(check, object);
	}
}
