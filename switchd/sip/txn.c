/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transaction table and retransmission schedule. */
#include "switchd/sip/txn_private.h"

#include <stdlib.h>

void txn_schedule_start(struct txn_schedule *schedule, struct conf *conf)
{
	schedule->conf = conf_ref(conf);
	schedule->step = 0;
}

bool txn_schedule_next(struct txn_schedule *schedule, uint64_t *wait_us)
{
	const struct conf *conf = schedule->conf;

	if (!conf || schedule->step > conf->resend_count)
		return false;
	/* After the last retransmission one more first interval, then failure (behaviour A10). */
	*wait_us =
		(uint64_t)
			conf->resend_ms[schedule->step == conf->resend_count ? 0 : schedule->step] *
		1000;
	schedule->step++;
	return true;
}

void txn_schedule_end(struct txn_schedule *schedule)
{
	if (schedule->conf)
		conf_unref(schedule->conf);
	schedule->conf = NULL;
}

uint64_t txn_schedule_total_us(const struct conf *conf)
{
	uint64_t total_ms = conf->resend_ms[0];

	for (uint8_t i = 0; i < conf->resend_count; i++)
		total_ms += conf->resend_ms[i];
	return total_ms * 1000;
}

enum vos_err txn_table_create(struct txn_table **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VOS_ENOMEM;
	(*out)->clients.max = TXN_CLIENT_SLOTS_MAX;
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
	free(table);
}
