/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else phones are found by, beside their numbers: by their further numbers (did), and, where
 * an address is proof enough of who calls, by where they call from. */
#include "switchd/conf/conf_private.h"

#include <stdlib.h>

static int compare_did(const void *a, const void *b)
{
	return strcmp(((const struct conf_did *)a)->number, ((const struct conf_did *)b)->number);
}

static enum vos_err index_dids(struct conf *conf)
{
	struct conf_private *private = conf->private;
	size_t total = 0;

	for (size_t i = 0; i < private->phone_count; i++)
		total += object_list_count(snapshot_object_at(conf->snapshot, OBJECT_PHONE, i),
					   FIELD_PHONE_DID);
	if (total == 0)
		return VOS_OK;
	private->dids = calloc(total, sizeof(*private->dids));
	if (!private->dids)
		return VOS_ENOMEM;
	for (size_t i = 0; i < private->phone_count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_PHONE, i);
		size_t count = object_list_count(object, FIELD_PHONE_DID);

		for (size_t at = 0; at < count; at++)
		private->dids[private->did_count++] = (struct conf_did){
			object_list_at(object, FIELD_PHONE_DID, at)->text, (uint32_t)i};
	}
	qsort(private->dids, private->did_count, sizeof(*private->dids), compare_did);
	return VOS_OK;
}

static int compare_ip(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

static int compare_source(const void *a, const void *b)
{
	const struct conf_phone_source *left = a;
	const struct conf_phone_source *right = b;
	int order = compare_ip(&left->address, &right->address);

	if (order != 0)
		return order;
	return left->phone < right->phone ? -1 : left->phone > right->phone;
}

static bool is_known_by_address(const struct conf_phone *phone)
{
	return phone->is_static && phone->static_address.family != ADDR_NONE &&
	       phone->authentication != WORD_GATEWAY_AUTHENTICATION_PASSWORD;
}

static enum vos_err index_sources(struct conf_private *private)
{
	size_t total = 0;

	for (size_t i = 0; i < private->phone_count; i++)
		total += is_known_by_address(&private->phones[i]);
	if (total == 0)
		return VOS_OK;
	private->phone_sources = calloc(total, sizeof(*private->phone_sources));
	if (!private->phone_sources)
		return VOS_ENOMEM;
	for (size_t i = 0; i < private->phone_count; i++) {
		const struct conf_phone *phone = &private->phones[i];

		if (!is_known_by_address(phone))
			continue;
		private->phone_sources[private->phone_source_count++] =
			(struct conf_phone_source){phone->static_address, (uint32_t)i};
	}
	qsort(private->phone_sources, private->phone_source_count, sizeof(*private->phone_sources),
	      compare_source);
	return VOS_OK;
}

enum vos_err conf_build_phone_index(struct conf *conf)
{
	if (index_dids(conf) != VOS_OK)
		return VOS_ENOMEM;
	return index_sources(conf->private);
}

void conf_free_phone_index(struct conf_private *private)
{
	free(private->dids);
	free(private->phone_sources);
}

static const struct conf_phone *by_did(const struct conf_private *private, struct span number)
{
	size_t low = 0;
	size_t high = private->did_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_compare(span_of(private->dids[middle].number), number);

		if (order == 0)
			return &private->phones[private->dids[middle].phone];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct conf_phone *conf_phone_called(const struct conf *conf, struct span number)
{
	const struct conf_phone *phone = conf_phone_find(conf, number);

	return phone ? phone : by_did(conf->private, number);
}

/* First of those at that address, or the count. */
static size_t first_at(const struct conf_private *private, const struct addr *source)
{
	size_t low = 0;
	size_t high = private->phone_source_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_ip(&private->phone_sources[middle].address, source) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_from(const struct conf_phone *phone, const struct addr *source)
{
	return is_known_by_address(phone) && addr_ip_eq(&phone->static_address, source) &&
	       (phone->authentication == WORD_GATEWAY_AUTHENTICATION_IP ||
		phone->static_address.port == source->port);
}

const struct conf_phone *conf_phone_at(const struct conf *conf, const struct addr *source,
				       struct span number)
{
	const struct conf_private *private = conf->private;
	const struct conf_phone *only = NULL;
	const struct conf_phone *wanted;

	if (private->phone_source_count == 0)
		return NULL;
	wanted = conf_phone_called(conf, number);
	if (wanted && is_from(wanted, source))
		return wanted;
	for (size_t i = first_at(private, source); i < private->phone_source_count; i++) {
		const struct conf_phone *phone = &private->phones[private->phone_sources[i].phone];

		if (!addr_ip_eq(&phone->static_address, source))
			break;
		if (!is_from(phone, source))
			continue;
		if (only)
			return NULL;
		only = phone;
	}
	return only;
}
