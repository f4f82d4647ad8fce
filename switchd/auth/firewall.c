/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each run of commands is one transaction of the kernel: all or nothing. */
#include "switchd/auth/firewall.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/auth/failure.h"
#include "switchd/auth/lockout.h"

#define AGAIN_US  10000000u /* after a refusal */
#define COUNT_US  5000000u  /* between looks at the kernel's counter */
#define BATCH_MAX 4096u     /* elements of one transaction */
#define SET_SIZE  SUSPENSIONS_MAX
#define SECOND_US 1000000u
#define PORTS_MAX 512
#define REQUESTS                                     \
	"{ 0x5245474953544552, 0x4f5054494f4e5320, " \
	"0x5355425343524942, 0x4d45535341474520, 0x5055424c49534820 }"

/* An address in a set of the kernel. */
struct element {
	struct addr source;
	uint64_t until_us;
};

struct elements {
	struct element *items; /* by address */
	size_t count;
};

struct firewall {
	const struct log *log;
	struct auth *auth;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Under the lock. */
	bool is_stopping;
	struct conf *conf; /* NULL: nothing was said yet */
	bool is_changed;
	struct firewall_state state;
	/* The thread's own. */
	struct nft_ctx *nft;
	struct elements mirror;
	uint64_t version; /* of the suspensions that the mirror shows */
	uint64_t again_us;
	uint64_t count_us;
	char ports[PORTS_MAX]; /* that the table was made for */
};

enum vos_err firewall_create(const struct log *log, struct auth *auth, struct firewall **out)
{
	struct firewall *firewall = calloc(1, sizeof(*firewall));
	pthread_condattr_t attributes;

	if (!firewall)
		return VOS_ENOMEM;
	firewall->log = log;
	firewall->auth = auth;
	pthread_mutex_init(&firewall->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&firewall->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = firewall;
	return VOS_OK;
}

/* --- Talking to the kernel. --- */

/* First line of what it says. */
static void note_fault(struct firewall *firewall, const char *text)
{
	size_t len = strcspn(text, "\n");
	bool is_new;

	pthread_mutex_lock(&firewall->lock);
	is_new = firewall->state.fault[0] == '\0';
	snprintf(firewall->state.fault, sizeof(firewall->state.fault), "%.*s", (int)len, text);
	firewall->state.is_active = false;
	firewall->state.elements = 0;
	pthread_mutex_unlock(&firewall->lock);
	firewall->again_us = clock_mono_us() + AGAIN_US;
	if (is_new)
		log_error(firewall->log, "firewall",
			  "nftables: %.*s; suspended sources are dropped by switchd alone (the "
			  "kernel's sets need CAP_NET_ADMIN)",
			  (int)len, text);
}

static bool run_text(struct firewall *firewall, const char *commands)
{
	const char *fault;

	if (!firewall->nft)
		firewall->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!firewall->nft || nft_ctx_buffer_error(firewall->nft) != 0 ||
	    nft_ctx_buffer_output(firewall->nft) != 0) {
		note_fault(firewall, "libnftables cannot be used");
		return false;
	}
	if (nft_run_cmd_from_buffer(firewall->nft, commands) == 0)
		return true;
	fault = nft_ctx_get_error_buffer(firewall->nft);
	note_fault(firewall, fault && *fault ? fault : "refused without a reason");
	return false;
}

static bool run_commands(struct firewall *firewall, struct buf *commands)
{
	bool is_done = !commands->failed && run_text(firewall, buf_cstr(commands));

	buf_reset(commands);
	return is_done;
}

static bool is_active(struct firewall *firewall)
{
	bool is_true;

	pthread_mutex_lock(&firewall->lock);
	is_true = firewall->state.is_active;
	pthread_mutex_unlock(&firewall->lock);
	return is_true;
}

static void set_elements(struct firewall *firewall, size_t count)
{
	pthread_mutex_lock(&firewall->lock);
	firewall->state.elements = count;
	pthread_mutex_unlock(&firewall->lock);
}

static void add_ports(struct buf *out, const struct conf *conf, bool is_udp)
{
	bool is_first = true;

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];

		if ((listen->transport == CONF_UDP) != is_udp)
			continue;
		buf_printf(out, "%s%u", is_first ? " elements = { " : ", ",
			   (unsigned)listen->address.port);
		is_first = false;
	}
	if (!is_first)
		buf_add_lit(out, " }");
}

/* The sets of our ports. */
static void write_ports(const struct conf *conf, char text[PORTS_MAX])
{
	struct buf out = buf_over(text, PORTS_MAX - 1);

	buf_add_lit(&out, "set udp_ports { type inet_service;");
	add_ports(&out, conf, true);
	buf_add_lit(&out, " }\nset tcp_ports { type inet_service;");
	add_ports(&out, conf, false);
	buf_add_lit(&out, " }\n");
	text[out.len] = '\0';
}

/* The table as a whole, in the place of one that a switchd before us left. */
static bool make_table(struct firewall *firewall, const struct conf *conf)
{
	struct buf text = buf_new();
	bool is_done;

	buf_printf(&text, "add table %s\ndelete table %s\ntable %s {\ncounter dropped { }\n",
		   FIREWALL_TABLE, FIREWALL_TABLE, FIREWALL_TABLE);
	buf_printf(&text, "set suspended4 { type ipv4_addr; flags timeout; size %u; }\n", SET_SIZE);
	buf_printf(&text, "set suspended6 { type ipv6_addr; flags timeout; size %u; }\n", SET_SIZE);
	write_ports(conf, firewall->ports);
	buf_add_str(&text, firewall->ports);
	/* @th,64,64 are the first eight bytes behind the UDP header. */
	buf_add_lit(
		&text,
		"chain suspended {\n"
		"udp dport @udp_ports @th,64,64 " REQUESTS " counter name dropped drop\n"
		"tcp dport @tcp_ports tcp flags & (syn | ack) == syn counter name dropped drop\n"
		"}\n"
		"chain arriving {\n"
		"type filter hook prerouting priority raw; policy accept;\n"
		"ip saddr @suspended4 goto suspended\n"
		"ip6 saddr & ffff:ffff:ffff:ffff:: @suspended6 goto suspended\n"
		"}\n"
		"}\n");
	is_done = run_commands(firewall, &text);
	buf_free(&text);
	if (!is_done)
		return false;
	pthread_mutex_lock(&firewall->lock);
	if (firewall->state.fault[0])
		log_notice(firewall->log, "firewall", "table " FIREWALL_TABLE " is there now");
	firewall->state.is_active = true;
	firewall->state.fault[0] = '\0';
	firewall->state.packets = 0;
	firewall->state.bytes = 0;
	pthread_mutex_unlock(&firewall->lock);
	firewall->mirror.count = 0;
	firewall->version = UINT64_MAX;
	return true;
}

static void remove_table(struct firewall *firewall)
{
	if (is_active(firewall))
		(void)run_text(firewall, "delete table " FIREWALL_TABLE "\n");
	pthread_mutex_lock(&firewall->lock);
	firewall->state = (struct firewall_state){0};
	pthread_mutex_unlock(&firewall->lock);
	firewall->mirror.count = 0;
}

/* --- The sets. --- */

static int compare_elements(const void *left, const void *right)
{
	const struct element *a = left;
	const struct element *b = right;

	return memcmp(&a->source, &b->source, sizeof(a->source));
}

/* What is to be in the sets; false: out of memory. */
static bool collect(struct firewall *firewall, const struct conf *conf, uint64_t now_us,
		    struct elements *out)
{
	struct suspensions *suspensions = lockout_suspensions(firewall->auth);
	size_t room = suspensions_count(suspensions) + SUSPENSION_WAYS;
	struct suspension *list = calloc(room, sizeof(*list));
	size_t count;

	out->count = 0;
	out->items = calloc(room, sizeof(*out->items));
	if (!list || !out->items) {
		free(list);
		free(out->items);
		return false;
	}
	count = suspensions_list(suspensions, now_us, list, room);
	for (size_t i = 0; i < count; i++)
		if (!list[i].user[0] && auth_is_lockable(conf, &list[i].source) &&
		    !conf_is_gateway(conf, &list[i].source))
			out->items[out->count++] =
				(struct element){list[i].source, list[i].until_us};
	qsort(out->items, out->count, sizeof(*out->items), compare_elements);
	free(list);
	return true;
}

/* To add one that is there changes nothing, and to delete one that is not refuses the whole run: so
 * a deletion adds first. */
static void write_change(struct buf *out, const struct element *element, bool is_added,
			 uint64_t now_us)
{
	const char *set = element->source.family == ADDR_IP6 ? "suspended6" : "suspended4";
	uint64_t left_s = element->until_us > now_us ? (element->until_us - now_us) / SECOND_US : 0;
	char address[ADDR_TEXT_MAX];

	addr_print_ip(&element->source, address);
	/* The last part of a second is the guard's. */
	if (is_added && left_s)
		buf_printf(out, "add element " FIREWALL_TABLE " %s { %s timeout %llus }\n", set,
			   address, (unsigned long long)left_s);
	if (!is_added && left_s)
		buf_printf(out,
			   "add element " FIREWALL_TABLE " %s { %s }\n"
			   "delete element " FIREWALL_TABLE " %s { %s }\n",
			   set, address, set, address);
}

/* One step of the comparison of two sorted lists: -1 only in the mirror, 1 only wanted, 0 both. */
static int compare_heads(const struct elements *mirror, size_t at, const struct elements *wanted,
			 size_t wanted_at)
{
	if (at == mirror->count)
		return 1;
	if (wanted_at == wanted->count)
		return -1;
	return compare_elements(&mirror->items[at], &wanted->items[wanted_at]);
}

static bool apply_changes(struct firewall *firewall, const struct elements *wanted, uint64_t now_us)
{
	const struct elements *mirror = &firewall->mirror;
	struct buf commands = buf_new();
	bool is_done = true;
	size_t batch = 0;
	size_t at = 0;
	size_t wanted_at = 0;

	while (is_done && (at < mirror->count || wanted_at < wanted->count)) {
		int order = compare_heads(mirror, at, wanted, wanted_at);
		bool is_same = order == 0 &&
			       mirror->items[at].until_us == wanted->items[wanted_at].until_us;

		if (order <= 0 && !is_same)
			write_change(&commands, &mirror->items[at], false, now_us);
		if (order >= 0 && !is_same)
			write_change(&commands, &wanted->items[wanted_at], true, now_us);
		at += order <= 0;
		wanted_at += order >= 0;
		if (++batch % BATCH_MAX == 0 && commands.len)
			is_done = run_commands(firewall, &commands);
	}
	if (is_done && commands.len)
		is_done = run_commands(firewall, &commands);
	buf_free(&commands);
	return is_done;
}

static void sync_sets(struct firewall *firewall, const struct conf *conf, uint64_t now_us)
{
	uint64_t version = suspensions_version(lockout_suspensions(firewall->auth));
	struct elements wanted;

	if (version == firewall->version || !collect(firewall, conf, now_us, &wanted))
		return;
	if (!apply_changes(firewall, &wanted, now_us)) {
		free(wanted.items);
		return;
	}
	free(firewall->mirror.items);
	firewall->mirror = wanted;
	firewall->version = version;
	set_elements(firewall, wanted.count);
}

/* Also finds out whether the table is still there. */
static void read_counter(struct firewall *firewall, uint64_t now_us)
{
	const char *text;
	const char *packets;
	unsigned long long count[2];

	if (now_us < firewall->count_us)
		return;
	firewall->count_us = now_us + COUNT_US;
	if (!run_text(firewall, "list counter " FIREWALL_TABLE " dropped\n"))
		return;
	text = nft_ctx_get_output_buffer(firewall->nft);
	packets = text ? strstr(text, "packets ") : NULL;
	if (!packets || sscanf(packets, "packets %llu bytes %llu", &count[0], &count[1]) != 2) {
		note_fault(firewall, "table " FIREWALL_TABLE " is no longer there");
		return;
	}
	pthread_mutex_lock(&firewall->lock);
	firewall->state.packets = count[0];
	firewall->state.bytes = count[1];
	pthread_mutex_unlock(&firewall->lock);
}

/* --- The thread. --- */

static void turn(struct firewall *firewall, const struct conf *conf, bool is_changed)
{
	uint64_t now_us = clock_mono_us();
	bool is_wanted = snapshot_number(conf->snapshot, PARAM_SS_AUTHENTICATION_FIREWALL) ==
			 WORD_FIREWALL_NFTABLES;
	char ports[PORTS_MAX];

	if (!is_wanted) {
		remove_table(firewall);
		return;
	}
	pthread_mutex_lock(&firewall->lock);
	firewall->state.is_wanted = true;
	pthread_mutex_unlock(&firewall->lock);
	write_ports(conf, ports);
	if (is_changed)
		firewall->version = UINT64_MAX; /* who is exempt may be another */
	if ((is_changed && strcmp(ports, firewall->ports) != 0) ||
	    (!is_active(firewall) && (is_changed || now_us >= firewall->again_us)))
		if (!make_table(firewall, conf))
			return;
	if (!is_active(firewall))
		return;
	sync_sets(firewall, conf, now_us);
	if (is_active(firewall))
		read_counter(firewall, now_us);
}

/* Waits for a change of the configuration, or a second while there is something to keep. Returns
 * the conf to go by, referenced; NULL: stop. */
static struct conf *wait_turn(struct firewall *firewall, bool *is_changed)
{
	struct conf *conf = NULL;
	struct timespec until;
	int code = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	pthread_mutex_lock(&firewall->lock);
	while (!firewall->is_stopping && !firewall->is_changed && code != ETIMEDOUT)
		code = firewall->state.is_wanted
			       ? pthread_cond_timedwait(&firewall->wake, &firewall->lock, &until)
			       : pthread_cond_wait(&firewall->wake, &firewall->lock);
	*is_changed = firewall->is_changed;
	firewall->is_changed = false;
	if (!firewall->is_stopping)
		conf = conf_ref(firewall->conf);
	pthread_mutex_unlock(&firewall->lock);
	return conf;
}

static void *run(void *context)
{
	struct firewall *firewall = context;
	struct conf *conf;
	bool is_changed;

	while ((conf = wait_turn(firewall, &is_changed))) {
		turn(firewall, conf, is_changed);
		conf_unref(conf);
	}
	remove_table(firewall);
	return NULL;
}

void firewall_configure(struct firewall *firewall, struct conf *conf)
{
	bool is_wanted = snapshot_number(conf->snapshot, PARAM_SS_AUTHENTICATION_FIREWALL) ==
			 WORD_FIREWALL_NFTABLES;
	struct conf *before;

	if (!is_wanted && !firewall->is_started)
		return;
	pthread_mutex_lock(&firewall->lock);
	before = firewall->conf;
	firewall->conf = conf_ref(conf);
	firewall->is_changed = true;
	pthread_cond_signal(&firewall->wake);
	pthread_mutex_unlock(&firewall->lock);
	if (before)
		conf_unref(before);
	if (!firewall->is_started)
		firewall->is_started =
			thread_start(&firewall->thread, NULL, "firewall", run, firewall) == 0;
	if (!firewall->is_started)
		log_error(firewall->log, "firewall", "cannot start its thread");
}

void firewall_read(struct firewall *firewall, struct firewall_state *out)
{
	pthread_mutex_lock(&firewall->lock);
	*out = firewall->state;
	pthread_mutex_unlock(&firewall->lock);
}

void firewall_destroy(struct firewall *firewall)
{
	if (!firewall)
		return;
	pthread_mutex_lock(&firewall->lock);
	firewall->is_stopping = true;
	pthread_cond_signal(&firewall->wake);
	pthread_mutex_unlock(&firewall->lock);
	if (firewall->is_started)
		pthread_join(firewall->thread, NULL);
	if (firewall->conf)
		conf_unref(firewall->conf);
	if (firewall->nft)
		nft_ctx_free(firewall->nft);
	free(firewall->mirror.items);
	pthread_cond_destroy(&firewall->wake);
	pthread_mutex_destroy(&firewall->lock);
	free(firewall);
}
