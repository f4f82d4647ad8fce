/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transaction table and retransmission schedule. */
#include "switchd/sip/txn_private.h"

#include <stdlib.h>

static struct txn_waits *waits_new(const struct conf *conf)
{
	struct txn_waits *waits = malloc(sizeof(*waits));

	if (!waits)
		return NULL;
	*waits = (struct txn_waits){.users = 1, .count = conf->resend_count};
	memcpy(waits->ms, conf->resend_ms, sizeof(waits->ms));
	return waits;
}

static void waits_leave(struct txn_waits *waits)
{
	if (--waits->users == 0)
		free(waits);
}

/* Without memory for others, those that were in force before stay so. */
static struct txn_waits *waits_of(struct txn_table *table, const struct conf *conf)
{
	struct txn_waits *waits = table->waits;

	if (waits->count == conf->resend_count &&
	    memcmp(waits->ms, conf->resend_ms, sizeof(waits->ms)) == 0)
		return waits;
	waits = waits_new(conf);
	if (!waits)
		return table->waits;
	waits_leave(table->waits);
	table->waits = waits;
	return waits;
}

void txn_schedule_start(struct sip_worker *worker, struct txn_schedule *schedule)
{
	schedule->waits = waits_of(worker->txns, worker->conf);
	schedule->waits->users++;
	schedule->step = 0;
}

bool txn_schedule_next(struct txn_schedule *schedule, uint64_t *wait_us)
{
	const struct txn_waits *waits = schedule->waits;

	if (!waits || txn_schedule_is_over(schedule))
		return false;
	/* After the last retransmission one more first interval, then failure (behaviour A10). */
	*wait_us = (uint64_t)waits->ms[schedule->step == waits->count ? 0 : schedule->step] * 1000;
	schedule->step++;
	return true;
}

void txn_schedule_end(struct txn_schedule *schedule)
{
	if (schedule->waits)
		waits_leave(schedule->waits);
	schedule->waits = NULL;
}

uint64_t txn_schedule_total_us(const struct conf *conf)
{
	uint64_t total_ms = conf->resend_ms[0];

	for (uint8_t i = 0; i < conf->resend_count; i++)
		total_ms += conf->resend_ms[i];
	return total_ms * 1000;
}

enum vos_err txn_table_create(const struct conf *conf, struct txn_table **out)
{
	struct txn_table *table = calloc(1, sizeof(*table));

	if (!table || !(table->waits = waits_new(conf))) {
		free(table);
		return VOS_ENOMEM;
	}
	table->clients.max = TXN_CLIENT_SLOTS_MAX;
	*out = table;
	return VOS_OK;
}

void txn_stats(const struct txn_table *table, struct txn_stats *out)
{
	out->servers = table->server_count;
	out->clients = table->clients.count;
}

bool txn_walk(const struct txn_table *table, uint64_t *cursor, size_t places, txn_walk_fn *fn,
	      void *context)
{
	uint64_t end = TXN_SERVER_BUCKETS + (uint64_t)table->clients.used;
	struct txn_info info;

	for (; places > 0 && *cursor < end; places--, ++*cursor) {
		const struct txn_server *server;
		const struct txn_client *client;

		if (*cursor < TXN_SERVER_BUCKETS) {
			server = table->buckets[*cursor];
			for (; server; server = txn_server_next(server)) {
				txn_server_describe(server, &info);
				fn(context, &info);
			}
			continue;
		}
		client = table->clients.items[*cursor - TXN_SERVER_BUCKETS];
		if (client) {
			txn_client_describe(client, &info);
			fn(context, &info);
		}
	}
	return *cursor < end;
}

void txn_table_destroy(struct txn_table *table)
{
	txn_servers_destroy(table);
	txn_clients_destroy(table);
	pool_end(&table->pool);
	waits_leave(table->waits);
	free(table);
}
