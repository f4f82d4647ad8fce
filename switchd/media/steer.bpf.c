/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which socket a packet goes to (BPF_PROG_TYPE_SK_LOOKUP): that of the media thread whose stream it
 * is of, when it is of one in the table; else that of its port, as if there were no program. */
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "switchd/media/steer_map.h"

#define FAMILY_IP4 2

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_STREAMS_MAX);
	__type(key, struct steer_key);
	__type(value, uint32_t);
} steer_streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, STEER_INLETS_MAX);
	__type(key, uint32_t);
	__type(value, uint64_t);
} steer_inlets SEC(".maps");

SEC("sk_lookup")
int steer_choose(struct bpf_sk_lookup *context)
{
	struct steer_key key = {.local_port = (uint16_t)context->local_port,
				.remote_port = context->remote_port};
	const uint32_t *inlet;
	struct bpf_sock *socket;

	if (context->protocol != IPPROTO_UDP)
		return SK_PASS;
	if (context->family == FAMILY_IP4) {
		key.local_ip[0] = context->local_ip4;
		key.remote_ip[0] = context->remote_ip4;
	} else {
		key.local_ip[0] = context->local_ip6[0];
		key.local_ip[1] = context->local_ip6[1];
		key.local_ip[2] = context->local_ip6[2];
		key.local_ip[3] = context->local_ip6[3];
		key.remote_ip[0] = context->remote_ip6[0];
		key.remote_ip[1] = context->remote_ip6[1];
		key.remote_ip[2] = context->remote_ip6[2];
		key.remote_ip[3] = context->remote_ip6[3];
	}
	inlet = bpf_map_lookup_elem(&steer_streams, &key);
	if (!inlet)
		return SK_PASS;
	socket = bpf_map_lookup_elem(&steer_inlets, inlet);
	if (!socket)
		return SK_PASS;
	bpf_sk_assign(context, socket, 0);
	bpf_sk_release(socket);
	return SK_PASS;
}

char steer_license[] SEC("license") = "GPL";
