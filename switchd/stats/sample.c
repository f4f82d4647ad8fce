/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/sample.h"

#include "switchd/conf/conf.h"

#define US_PER_S UINT64_C(1000000)

struct sampling {
	struct stats *stats;
	uint64_t passed_us; /* since the sample before; 0: there was none */
	uint64_t now_us;
};

static void sample_total(const struct sampling *sampling, struct sampler *sampler,
			 const struct metrics_sources *sources)
{
	uint64_t begun = metrics_calls_begun(sources);
	struct stats_sample sample = {
		.scope = STATS_TOTAL,
		.name = "",
		.calls = metrics_calls(sources),
		.up_ms = sampling->passed_us / 1000,
	};

	if (sampling->passed_us)
		sample.cps = ((begun - sampler->begun) * US_PER_S + sampling->passed_us / 2) /
			     sampling->passed_us;
	sampler->begun = begun;
	stats_sample(sampling->stats, &sample);
}

static void sample_gateway(const struct sampling *sampling, enum stats_scope scope,
			   const char *name, const struct live *live)
{
	bool is_up = !atomic_load_explicit(&live->is_offline, memory_order_relaxed) &&
		     atomic_load_explicit(&live->admin, memory_order_relaxed) == LIVE_ENABLED;
	const struct stats_sample sample = {
		.scope = scope,
		.name = name,
		.calls = atomic_load_explicit(&live->calls, memory_order_relaxed),
		.cps = live_rate(live, sampling->now_us),
		.up_ms = is_up ? sampling->passed_us / 1000 : 0,
	};

	stats_sample(sampling->stats, &sample);
}

void sample_look(struct sampler *sampler, const struct metrics_sources *sources,
		 const struct conf *conf, uint64_t now_us)
{
	const struct snapshot *snapshot = conf->snapshot;
	const struct sampling sampling = {
		.stats = sources->stats,
		.passed_us = sampler->before_us ? now_us - sampler->before_us : 0,
		.now_us = now_us,
	};
	size_t mappings = snapshot_object_count(snapshot, OBJECT_MAPPING_GATEWAY);
	size_t routings = snapshot_object_count(snapshot, OBJECT_ROUTING_GATEWAY);

	sampler->before_us = now_us;
	sample_total(&sampling, sampler, sources);
	for (size_t i = 0; i < mappings; i++) {
		const struct conf_mapping_gateway *gateway =
			conf_mapping_named(conf, span_of(object_key(snapshot_object_at(
							 snapshot, OBJECT_MAPPING_GATEWAY, i))));

		if (gateway && gateway->live)
			sample_gateway(&sampling, STATS_MAPPING, gateway->name, gateway->live);
	}
	for (size_t i = 0; i < routings; i++) {
		const struct conf_routing_gateway *gateway = conf_routing_gateway_find(
			conf, span_of(object_key(
				      snapshot_object_at(snapshot, OBJECT_ROUTING_GATEWAY, i))));

		if (gateway && gateway->live)
			sample_gateway(&sampling, STATS_ROUTING, gateway->name, gateway->live);
	}
}
