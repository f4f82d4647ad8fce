/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a packet filter that let in what the configuration listens for: signalling at each
 * listen address, media in the port ranges. A chain of its own, to be jumped to from the
 * operator's: what else the machine lets in is not ours to say. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

#define CHAIN "switchd"

enum filter { FILTER_NFT, FILTER_IPTABLES, FILTER_IP6TABLES };

struct rule {
	const struct addr *address; /* port ignored; any: no match on the address */
	bool is_tcp;
	uint16_t low;
	uint16_t high;
	char comment[80];
};

static void write_nft(const struct rule *rule, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "add rule inet filter " CHAIN " ");
	if (!addr_is_any(rule->address))
		buf_printf(out, "%s daddr %s ", rule->address->family == ADDR_IP6 ? "ip6" : "ip",
			   addr_print_ip(rule->address, text));
	else if (rule->address->family == ADDR_IP4)
		buf_printf(out, "meta nfproto ipv4 ");
	buf_printf(out, "%s dport %u", rule->is_tcp ? "tcp" : "udp", rule->low);
	if (rule->high != rule->low)
		buf_printf(out, "-%u", rule->high);
	buf_printf(out, " accept comment \"%s\"\n", rule->comment);
}

static void write_iptables(const struct rule *rule, struct buf *out)
{
	const char *protocol = rule->is_tcp ? "tcp" : "udp";
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "-A " CHAIN " ");
	if (!addr_is_any(rule->address))
		buf_printf(out, "-d %s/%d ", addr_print_ip(rule->address, text),
			   rule->address->family == ADDR_IP6 ? 128 : 32);
	buf_printf(out, "-p %s -m %s --dport %u", protocol, protocol, rule->low);
	if (rule->high != rule->low)
		buf_printf(out, ":%u", rule->high);
	buf_printf(out, " -m comment --comment \"%s\" -j ACCEPT\n", rule->comment);
}

static void write_rule(enum filter filter, const struct rule *rule, struct buf *out)
{
	bool is_ip6 = rule->address->family == ADDR_IP6;

	if (filter == FILTER_NFT)
		write_nft(rule, out);
	else if (is_ip6 == (filter == FILTER_IP6TABLES))
		write_iptables(rule, out);
	/* A socket at [::] takes IPv6 only (IPV6_V6ONLY), so IPv4 needs no rule of it. */
}

static void write_signalling(const struct conf *conf, enum filter filter, struct buf *out)
{
	static const char *const transports[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];
		struct rule rule = {
			.address = &listen->address,
			.is_tcp = listen->transport != CONF_UDP,
			.low = listen->address.port,
			.high = listen->address.port,
		};

		if (listen->address.family == ADDR_NONE)
			continue;
		snprintf(rule.comment, sizeof(rule.comment), "SIP over %s, listen %s",
			 transports[listen->transport], listen->name);
		write_rule(filter, &rule, out);
	}
}

static void write_media(const struct conf *conf, enum param_id param, const char *what,
			enum filter filter, struct buf *out)
{
	const struct value *range = snapshot_param(conf->snapshot, param);
	struct addr addresses[CONF_MEDIA_ADDRESSES_MAX];
	size_t count = conf_media_addresses(conf, addresses);

	for (size_t i = 0; i < count; i++) {
		struct rule rule = {
			.address = &addresses[i],
			.low = range->ports.low,
			.high = range->ports.high,
		};

		snprintf(rule.comment, sizeof(rule.comment), "%s", what);
		write_rule(filter, &rule, out);
	}
}

static void write_head(enum filter filter, uint64_t generation, struct buf *out)
{
	buf_printf(out, "# What switchd listens for, by configuration generation %llu.\n",
		   (unsigned long long)generation);
	switch (filter) {
	case FILTER_NFT:
		buf_printf(out, "# Load with nft -f, then once: "
				"nft add rule inet filter input jump " CHAIN "\n"
				"add table inet filter\n"
				"add chain inet filter " CHAIN "\n"
				"flush chain inet filter " CHAIN "\n");
		break;
	case FILTER_IPTABLES:
	case FILTER_IP6TABLES:
		buf_printf(out,
			   "# Load with %s-restore --noflush, then once: "
			   "%s -A INPUT -j " CHAIN "\n"
			   "*filter\n:" CHAIN " - [0:0]\n",
			   filter == FILTER_IPTABLES ? "iptables" : "ip6tables",
			   filter == FILTER_IPTABLES ? "iptables" : "ip6tables");
		break;
	}
}

enum step show_capacity_firewall(struct request *request)
{
	const struct conf *conf = request->ctl->conf;
	enum filter filter = request_has(request, "iptables")    ? FILTER_IPTABLES
			     : request_has(request, "ip6tables") ? FILTER_IP6TABLES
								 : FILTER_NFT;
	struct buf text = buf_new();

	write_head(filter, snapshot_generation(conf->snapshot), &text);
	write_signalling(conf, filter, &text);
	write_media(conf, PARAM_SS_RTP_PORT_RANGE, "relayed media", filter, &text);
	write_media(conf, PARAM_IVR_RTP_PORT, "audio that ends at the switch", filter, &text);
	if (filter != FILTER_NFT)
		buf_printf(&text, "COMMIT\n");
	if (text.failed) {
		buf_free(&text);
		return request_no_memory(request);
	}
	emit_document(request, buf_span(&text));
	buf_free(&text);
	return STEP_DONE;
}
