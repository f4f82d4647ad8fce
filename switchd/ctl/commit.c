/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/commit.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "switchd/media/wav.h"
#include "switchd/sip/location.h"
#include "switchd/sip/tls.h"

enum vos_err commit_plan_make(struct snapshot *running, const struct change_list *changes,
			      bool replace, const struct check_facts *facts,
			      struct commit_plan *out, struct vos_fault *fault)
{
	struct commit_plan plan = {0};
	struct snapshot *base = replace ? snapshot_new_empty() : snapshot_ref(running);
	enum vos_err err = VOS_ENOMEM;

	if (base)
		err = snapshot_apply(base, changes, snapshot_generation(running) + 1, &plan.after,
				     fault);
	if (!err)
		err = snapshot_diff(running, plan.after, &plan.diff);
	if (!err && plan.diff.count)
		err = snapshot_check(running, plan.after, facts, &plan.report);
	if (base)
		snapshot_unref(base);
	if (err) {
		commit_plan_clear(&plan);
		if (fault && fault->code == FAULT_NONE)
			fault_set(fault, FAULT_INTERNAL, 0, "%s", vos_strerror(err));
		return err;
	}
	if (!plan.diff.count) {
		snapshot_unref(plan.after);
		plan.after = NULL;
	}
	*out = plan;
	return VOS_OK;
}

void commit_plan_clear(struct commit_plan *plan)
{
	if (plan->after)
		snapshot_unref(plan->after);
	change_list_clear(&plan->diff);
	check_report_clear(&plan->report);
	*plan = (struct commit_plan){0};
}

static bool is_behind_nat(void *context, const char *phone)
{
	struct binding binding;

	return location_find(context, span_of(phone), location_now_ms(context), &binding, 1) &&
	       binding.is_nat;
}

static bool is_certificate_good(const char *certificate, const char *key, const char *ca,
				struct vos_fault *fault)
{
	struct tls_files files = {
		.certificate = certificate, .key = key, .ca = ca, .verifies_peer = *ca != '\0'};
	struct tls_context *tls = NULL;
	enum vos_err err = tls_context_load(&files, &tls, fault);

	if (err == VOS_ENOMEM)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	tls_context_free(tls);
	return err == VOS_OK;
}

static bool is_ring_file_good(const char *path, struct vos_fault *fault)
{
	struct wav wav;

	if (wav_load(path, &wav, fault) != VOS_OK)
		return false;
	wav_clear(&wav);
	return true;
}

static bool has_interface(const char *name)
{
	return if_nametoindex(name) != 0;
}

void commit_facts(struct location *location, struct check_facts *out)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned low;
	unsigned high;

	*out = (struct check_facts){.is_certificate_good = is_certificate_good,
				    .is_ring_file_good = is_ring_file_good,
				    .has_interface = has_interface};
	if (location) {
		out->nat_device_count = location_kept_count(location);
		out->is_behind_nat = is_behind_nat;
		out->context = location;
	}
	if (!file)
		return;
	if (fscanf(file, "%u %u", &low, &high) == 2 && low <= 65535 && high <= 65535) {
		out->ephemeral_low = (uint16_t)low;
		out->ephemeral_high = (uint16_t)high;
	}
	fclose(file);
}

/* A path that a newer generation changed. */
struct newer_path {
	UT_hash_handle hh;
	uint64_t generation;
	bool is_deletion;
	char author[64];
	char path[FAULT_PATH_MAX];
};

static enum vos_err remember(struct newer_path **table, const struct change_list *changes,
			     uint64_t generation, const char *author)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		char path[FAULT_PATH_MAX];
		struct newer_path *entry;

		change_path(change, path);
		HASH_FIND_STR(*table, path, entry);
		if (!entry) {
			entry = calloc(1, sizeof(*entry));
			if (!entry)
				return VOS_ENOMEM;
			snprintf(entry->path, sizeof(entry->path), "%s", path);
			HASH_ADD_STR(*table, path, entry);
		}
		entry->generation = generation;
		entry->is_deletion = change->op == CHANGE_OBJECT_DELETE;
		snprintf(entry->author, sizeof(entry->author), "%s", author);
	}
	return VOS_OK;
}

/* Paths of the generations after base; of the plain difference when one of them is not kept any
 * more. */
static enum vos_err collect(struct store *store, const struct snapshot *base,
			    const struct snapshot *running, struct newer_path **table)
{
	struct generation_info *infos = calloc(GENERATIONS_KEPT, sizeof(*infos));
	struct change_list list = {0};
	uint64_t first = snapshot_generation(base) + 1;
	uint64_t last = snapshot_generation(running);
	enum vos_err err = VOS_OK;
	size_t known;

	if (!infos)
		return VOS_ENOMEM;
	known = store_generations(store, infos, GENERATIONS_KEPT);
	for (uint64_t g = first; g <= last && !err; g++) {
		const char *author = "";

		for (size_t i = 0; i < known; i++)
			if (infos[i].number == g)
				author = infos[i].author;
		err = store_generation_changes(store, g, false, &list);
		if (!err)
			err = remember(table, &list, g, author);
		change_list_clear(&list);
	}
	free(infos);
	if (err != VOS_ENOENT)
		return err;
	err = snapshot_diff(base, running, &list);
	if (!err)
		err = remember(table, &list, last, "");
	change_list_clear(&list);
	return err;
}

struct conflicts {
	struct newer_path *table;
	conflict_fn *fn;
	void *context;
	size_t count;
};

static void found(struct conflicts *conflicts, const struct change *ours, const char *path,
		  const struct newer_path *newer)
{
	if (conflicts->fn)
		conflicts->fn(conflicts->context, ours, path, newer->generation, newer->author);
	conflicts->count++;
}

static void find_conflicts(struct conflicts *conflicts, const struct change *change)
{
	struct change whole = {
		.op = CHANGE_OBJECT_DELETE, .kind = change->kind, .key = change->key};
	char path[FAULT_PATH_MAX];
	char object[FAULT_PATH_MAX];
	struct newer_path *entry;

	HASH_FIND_STR(conflicts->table, change_path(change, path), entry);
	/* Two who delete the same object agree. */
	if (entry && entry->is_deletion && change->op == CHANGE_OBJECT_DELETE)
		return;
	/* Two who create the same object do not disagree; what they put into it may. */
	if (entry && (change->op != CHANGE_OBJECT_CREATE || entry->is_deletion)) {
		found(conflicts, change, path, entry);
		return;
	}
	if (change->op == CHANGE_FIELD_SET || change->op == CHANGE_FIELD_RESET) {
		HASH_FIND_STR(conflicts->table, change_path(&whole, object), entry);
		if (entry && entry->is_deletion)
			found(conflicts, change, path, entry);
	} else if (change->op == CHANGE_OBJECT_DELETE) {
		size_t len = strlen(path);

		/* Somebody wrote fields of what we delete. */
		for (entry = conflicts->table; entry; entry = entry->hh.next)
			if (strncmp(entry->path, path, len) == 0 && entry->path[len] == ' ')
				found(conflicts, change, entry->path, entry);
	}
}

enum vos_err commit_conflicts(struct store *store, const struct snapshot *base,
			      const struct snapshot *running, const struct change_list *changes,
			      conflict_fn *fn, void *context, size_t *count)
{
	struct conflicts conflicts = {.fn = fn, .context = context};
	struct newer_path *entry;
	struct newer_path *next;
	enum vos_err err;

	*count = 0;
	if (snapshot_generation(base) >= snapshot_generation(running))
		return VOS_OK;
	err = collect(store, base, running, &conflicts.table);
	for (size_t i = 0; i < changes->count && !err; i++)
		find_conflicts(&conflicts, &changes->items[i]);
	HASH_ITER (hh, conflicts.table, entry, next) {
		HASH_DEL(conflicts.table, entry);
		free(entry);
	}
	*count = conflicts.count;
	return err;
}

enum vos_err commit_snapshot_at(struct store *store, struct snapshot *running, uint64_t generation,
				struct snapshot **out)
{
	struct snapshot *at = snapshot_ref(running);
	enum vos_err err = VOS_OK;

	for (uint64_t g = snapshot_generation(at); g > generation && !err; g--) {
		struct change_list inverse = {0};
		struct snapshot *older = NULL;

		err = store_generation_changes(store, g, true, &inverse);
		if (!err)
			err = snapshot_apply(at, &inverse, g - 1, &older, NULL);
		change_list_clear(&inverse);
		if (err)
			break;
		snapshot_unref(at);
		at = older;
	}
	if (err) {
		snapshot_unref(at);
		return err;
	}
	*out = at;
	return VOS_OK;
}
