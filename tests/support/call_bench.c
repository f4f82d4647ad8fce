/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/call_bench.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/auth/digest.h"
#include "switchd/call/call.h"
#include "switchd/media/media.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/location.h"
#include "switchd/sip/txn.h"
#include "switchd/sip/worker_private.h"
#include "switchd/trace/recorder.h"
#include "tests/support/changes.h"
#include "tests/support/config.h"
#include "tests/support/test.h"

static void open_peer(struct peer *peer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(peer->fd >= 0);
	assert_int_equal(bind(peer->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&sin, &len), 0);
	peer->port = ntohs(sin.sin_port);
}

static void turn_of(struct bench *bench, struct sip_worker *worker)
{
	worker->now_us = bench->worker->now_us;
	while (worker_io_receive(worker, &worker->sockets[0])) {
	}
	if (bench->shared.worker_count > 1) {
		mailbox_run(&worker->mailbox);
		worker_receive_handover(worker);
	}
	wheel_run(&worker->wheel, worker->now_us);
	worker_io_flush(worker);
}

static void turn(struct bench *bench)
{
	for (int i = 0; !bench->is_running && i < bench->shared.worker_count; i++)
		turn_of(bench, bench->workers[i]);
}

void bench_advance(struct bench *bench, uint64_t ms)
{
	uint64_t until_us = bench->worker->now_us + ms * 1000;

	assert_false(bench->is_running);
	while (bench->worker->now_us < until_us) {
		bench->worker->now_us += 10000;
		turn(bench);
	}
}

void bench_skip(struct bench *bench, uint64_t ms)
{
	uint64_t until_us = bench->worker->now_us + ms * 1000;

	while (bench->worker->now_us < until_us) {
		uint64_t left_ms = (until_us - bench->worker->now_us + 999) / 1000;
		int wait_ms = wheel_wait_ms(&bench->worker->wheel, bench->worker->now_us,
					    left_ms < 60000 ? (int)left_ms : 60000);

		bench->worker->now_us += (uint64_t)(wait_ms > 0 ? wait_ms : 1) * 1000;
		turn(bench);
	}
}

/* What was sent over loopback is there at once, unless the kernel is busy and delivers it later. */
static void wait_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	poll(&pollfd, 1, 20000);
}

/* Next datagram a peer got; NULL when there is none. */
const char *peer_got(struct peer *peer)
{
	ssize_t len = recv(peer->fd, peer->text, sizeof(peer->text) - 1, 0);

	if (len < 0)
		return NULL;
	peer->text[len] = '\0';
	return peer->text;
}

void peer_expect(struct peer *peer, const char *start)
{
	const char *text;

	wait_readable(peer->fd);
	text = peer_got(peer);
	if (!text)
		fail_msg("nothing came, expected %s", start);
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("expected %s, got %s", start, text);
}

void peer_expect_nothing(struct peer *peer)
{
	const char *text = peer_got(peer);

	if (text)
		fail_msg("unexpected %s", text);
}

static void header(const char *message, const char *name, char *out, size_t size)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(message, start);
	if (!at)
		fail_msg("no %s in %s", name, message);
	at += strlen(start);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

void peer_send(struct bench *bench, struct peer *peer, const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(bench->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(
		sendto(peer->fd, text, strlen(text), 0, (struct sockaddr *)&sin, sizeof(sin)),
		(ssize_t)strlen(text));
	if (bench->is_running)
		return;
	wait_readable(bench->worker->sockets[0].fd);
	turn(bench);
}

/* A request of the caller. tag: To tag, "" = none. */
void caller_sends(struct bench *bench, const char *method, int cseq, const char *branch,
		  const char *to_tag, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s sip:%s@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@127.0.0.1>;tag=caller\r\n"
		 "To: <sip:%s@127.0.0.1>%s%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:100@127.0.0.1:%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->called, bench->port, bench->caller.port, branch, bench->called,
		 to_tag[0] ? ";tag=" : "", to_tag, bench->call_id, cseq, method, bench->caller.port,
		 bench->extra, body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body),
		 body);
	peer_send(bench, &bench->caller, text);
}

void peer_answers(struct bench *bench, struct peer *peer, const char *request, const char *status,
		  const char *tag, const char *body)
{
	char via[256], from[256], to[256], call_id[128], cseq[64];
	char text[4096];
	bool has_tag;

	header(request, "Via", via, sizeof(via));
	header(request, "From", from, sizeof(from));
	header(request, "To", to, sizeof(to));
	header(request, "Call-ID", call_id, sizeof(call_id));
	header(request, "CSeq", cseq, sizeof(cseq));
	has_tag = strstr(to, ";tag=") != NULL;
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Contact: <sip:900@127.0.0.1:%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		 status, via, from, to, has_tag ? "" : ";tag=", has_tag ? "" : tag, call_id, cseq,
		 peer->port, bench->extra, body[0] ? "Content-Type: application/sdp\r\n" : "",
		 strlen(body), body);
	peer_send(bench, peer, text);
}

/* An answer of the callee to a request that it got. */
void callee_answers(struct bench *bench, const char *request, const char *status, const char *body)
{
	peer_answers(bench, &bench->callee, request, status, "callee", body);
}

void peer_requests(struct bench *bench, struct peer *peer, const char *tag, const char *invite,
		   const char *method, int cseq, const char *body)
{
	char from[256], to[256], call_id[128];
	char text[4096];

	header(invite, "From", from, sizeof(from));
	header(invite, "To", to, sizeof(to));
	header(invite, "Call-ID", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "%s sip:100@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s%s%d\r\nMax-Forwards: 70\r\n"
		 "From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:900@127.0.0.1:%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->port, peer->port, tag, method, cseq, to, tag, from, call_id, cseq,
		 method, peer->port, bench->extra,
		 body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	peer_send(bench, peer, text);
}

/* A request of the callee inside the dialog whose INVITE is given. */
void callee_sends(struct bench *bench, const char *invite, const char *method, int cseq,
		  const char *body)
{
	peer_requests(bench, &bench->callee, "callee", invite, method, cseq, body);
}

void message_to_tag(const char *message, char *out, size_t size)
{
	char to[256];

	header(message, "To", to, sizeof(to));
	assert_non_null(strstr(to, ";tag="));
	snprintf(out, size, "%s", strstr(to, ";tag=") + 5);
}

#define PARAMS_MAX 32

/* more: further parameters, name, value, ..., NULL; may be NULL. */
static struct conf *make_conf(const struct bench *bench, const char *const *more)
{
	const char *params[PARAMS_MAX] = {"SS_MEDIA_PROXY_MODE", bench->media_mode,
					  "SS_RTP_PORT_RANGE", "20000,20999"};
	char listen[32], gateway[32];
	const char *const listen_fields[] = {"udp", listen, NULL};
	const char *const in_fields[] = {
		"address",     "127.0.0.1", "session-timer", bench->session_timer, "100rel",
		bench->rel100, NULL};
	const char *const out_fields[] = {"address", gateway,         "prefixes",
					  "9",       "session-timer", bench->session_timer,
					  "100rel",  bench->rel100,   NULL};
	const char *const at_once[] = {"ring", "at-once", NULL};
	const struct test_object objects[] = {
		{OBJECT_LISTEN, "main", listen_fields},
		{OBJECT_MAPPING_GATEWAY, "in", in_fields},
		{OBJECT_ROUTING_GATEWAY, "out", out_fields},
		{OBJECT_PHONE, IN_TURN, NULL},
		{OBJECT_PHONE, AT_ONCE, at_once},
	};

	snprintf(listen, sizeof(listen), "127.0.0.1:%u", bench->port);
	snprintf(gateway, sizeof(gateway), "127.0.0.1:%u", bench->callee.port);
	for (size_t i = 4; more && *more; i++) {
		assert_true(i < PARAMS_MAX - 1);
		params[i] = *more++;
	}
	return test_conf(params, objects, 5);
}

static void swap_conf(struct bench *bench, struct conf *conf)
{
	assert_false(bench->is_running);
	for (int i = 0; i < bench->shared.worker_count; i++)
		worker_swap_conf(bench->workers[i], conf_ref(conf));
}

void bench_configure(struct bench *bench, const char *const *params)
{
	conf_unref(bench->conf);
	bench->conf = make_conf(bench, params);
	swap_conf(bench, bench->conf);
}

/* A port that is free now; another test may be faster to take it. */
static uint16_t free_port(void)
{
	struct peer probe;

	open_peer(&probe);
	close(probe.fd);
	return probe.port;
}

static void start_workers(struct bench *bench)
{
	struct vos_fault fault = {0};

	for (int tries = 0;
	     worker_create(&bench->shared, 0, bench->conf, &bench->workers[0], &fault) != VOS_OK;
	     tries++) {
		if (tries == 20)
			fail_msg("%s", fault.text);
		conf_unref(bench->conf);
		bench->port = free_port();
		bench->conf = make_conf(bench, NULL);
	}
	bench->worker = bench->workers[0];
	for (int i = 1; i < bench->shared.worker_count; i++)
		if (worker_create(&bench->shared, i, bench->conf, &bench->workers[i], &fault) !=
		    VOS_OK)
			fail_msg("%s", fault.text);
}

static struct bench *open_with(const char *media_mode, int workers)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct vos_fault fault = {0};

	assert_non_null(bench);
	open_peer(&bench->caller);
	open_peer(&bench->callee);
	for (int i = 0; i < BENCH_PHONES; i++)
		open_peer(&bench->phones[i]);
	bench->called = "900";
	bench->call_id = "call-1";
	bench->extra = "";
	bench->session_timer = "on";
	bench->rel100 = "on";
	bench->media_mode = media_mode;
	bench->port = free_port();
	bench->conf = make_conf(bench, NULL);
	bench->shared.workers = bench->workers;
	bench->shared.worker_count = workers;
	assert_int_equal(keepalive_create(&bench->shared.keepalive), VOS_OK);
	assert_int_equal(location_create(bench->shared.keepalive, &bench->shared.location), VOS_OK);
	assert_int_equal(auth_create(&bench->shared.auth), VOS_OK);
	assert_int_equal(media_create(NULL, bench->conf, 1, &bench->shared.media, &fault), VOS_OK);
	assert_int_equal(recorder_create(workers, 1 << 20, &bench->shared.recorder), VOS_OK);
	start_workers(bench);
	return bench;
}

struct bench *bench_open(const char *media_mode)
{
	return open_with(media_mode, 1);
}

struct bench *bench_open_two(const char *media_mode)
{
	return open_with(media_mode, BENCH_WORKERS);
}

void bench_run(struct bench *bench)
{
	for (int i = 0; i < bench->shared.worker_count; i++)
		assert_int_equal(worker_start(bench->workers[i]), VOS_OK);
	bench->is_running = true;
}

/* From here on they are turned by the test. */
static void stop_threads(struct bench *bench)
{
	for (int i = 0; i < bench->shared.worker_count; i++)
		worker_stop(bench->workers[i], 0);
	for (int i = 0; i < bench->shared.worker_count; i++)
		worker_join(bench->workers[i]);
	bench->is_running = false;
}

void bench_change(struct bench *bench, struct change_list *list)
{
	static const struct secret_key key = {{1}};
	struct vos_fault fault = {0};
	struct conf *conf;

	if (conf_build(changes_apply(bench->conf->snapshot, list), &key, bench->conf, &conf,
		       &fault) != VOS_OK)
		fail_msg("%s: %s", fault.path, fault.text);
	swap_conf(bench, conf);
	media_configure(bench->shared.media, conf);
	conf_unref(bench->conf);
	bench->conf = conf;
}

void bench_register(struct bench *bench, const char *number, int index, unsigned q_thousandths)
{
	struct location_update update = {0};
	struct binding *binding = &update.binding;
	const struct peer *peer = &bench->phones[index];

	snprintf(binding->user, sizeof(binding->user), "%s", number);
	snprintf(binding->contact, sizeof(binding->contact), "sip:%s@127.0.0.1:%u", number,
		 peer->port);
	assert_true(addr_parse(SPAN_LIT("127.0.0.1"), &binding->source));
	binding->source.port = peer->port;
	binding->local = bench->worker->sockets[0].local;
	binding->q_thousandths = (uint16_t)q_thousandths;
	binding->call_id_hash = (uint64_t)index + 1;
	binding->cseq = 1;
	binding->registered_ms = location_now_ms(bench->shared.location);
	binding->expires_ms = binding->registered_ms + 3600000;
	assert_int_equal(location_update(bench->shared.location, span_of(number), &update, 1, NULL,
					 binding->registered_ms),
			 LOCATION_OK);
}

static void nothing_is_left(const struct sip_worker *worker)
{
	struct txn_stats stats;

	txn_stats(worker->txns, &stats);
	assert_int_equal(call_table_count(worker->calls), 0);
	assert_true(leg_table_is_quiet(worker));
	assert_null(worker->routes);
	assert_null(worker->guests);
	assert_int_equal(stats.servers, 0);
	assert_int_equal(stats.clients, 0);
	assert_int_equal(worker->wheel.count, 0);
}

/* After everything has run out nothing may be left: no call, leg, transaction, timer or port. */
void bench_close(struct bench *bench)
{
	struct media_status media;
	uint64_t give_up_us;

	if (bench->is_running)
		stop_threads(bench);
	bench_advance(bench, 70000);
	for (int i = 0; i < bench->shared.worker_count; i++)
		nothing_is_left(bench->workers[i]);
	/* The relay's own thread gives them back. */
	give_up_us = clock_mono_us() + 20000000;
	do
		media_status(bench->shared.media, &media);
	while (media.pairs_used && clock_mono_us() < give_up_us && poll(NULL, 0, 1) == 0);
	assert_int_equal(media.pairs_used, 0);
	for (int i = 0; i < BENCH_WORKERS; i++)
		worker_destroy(bench->workers[i]);
	recorder_destroy(bench->shared.recorder);
	media_destroy(bench->shared.media);
	location_destroy(bench->shared.location);
	keepalive_destroy(bench->shared.keepalive);
	auth_destroy(bench->shared.auth);
	conf_unref(bench->conf);
	close(bench->caller.fd);
	close(bench->callee.fd);
	for (int i = 0; i < BENCH_PHONES; i++)
		close(bench->phones[i].fd);
	free(bench);
}

/* INVITE, 180, 200, ACK; the callee's INVITE and the switch's To tag come back. */
void bench_set_up(struct bench *bench, char invite[8192], char tag[64])
{
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE sip:900@127.0.0.1:");
	snprintf(invite, 8192, "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK sip:900@127.0.0.1:");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, 64);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	peer_expect_nothing(&bench->caller);
	peer_expect_nothing(&bench->callee);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
}
