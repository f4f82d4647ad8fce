/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nanoseconds of digest authentication under each algorithm: writing a challenge, and checking
 * credentials that are right, wrong, or of a user that does not exist.
 *
 * auth_bench [rounds] - the best of seven runs counts, since what disturbs a run only ever makes it
 * slower. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/config/change.h"
#include "switchd/auth/answer.h"
#include "switchd/auth/digest.h"

#define RUNS   7
#define PHONES 1000
#define NOW    UINT64_C(5000000000)
#define URI    "sip:pbx.example.com"

enum kind { CHALLENGE, RIGHT, WRONG, UNKNOWN, KINDS };

static double now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "auth_bench: %s\n", what);
	exit(1);
}

static void add(struct change_list *list, struct change change, const char *key)
{
	change.key = strdup(key);
	if (!change.key || change_list_add(list, &change))
		die("out of memory");
}

static void add_text(struct change_list *list, enum param_id param, const char *text)
{
	struct change change = {.op = CHANGE_PARAM_SET, .param = param};

	if (value_parse(&param_get(param)->spec, "", span_of(text), &change.value, NULL))
		die("value");
	add(list, change, "");
}

static void add_phone(struct change_list *list, const char *number, const struct secret_key *key)
{
	struct change change = {.op = CHANGE_FIELD_SET,
				.kind = OBJECT_PHONE,
				.field = FIELD_PHONE_PASSWORD,
				.value = {.type = VALUE_SECRET}};
	char sealed[SECRET_SEALED_MAX];

	if (secret_seal(key, SPAN_LIT("secret"), sealed))
		die("seal");
	change.value.text = strdup(sealed);
	add(list, (struct change){.op = CHANGE_OBJECT_CREATE, .kind = OBJECT_PHONE}, number);
	add(list, change, number);
}

static struct conf *make_conf(enum digest_algorithm algorithm)
{
	struct change_list list = {0};
	struct snapshot *empty = snapshot_new_empty();
	struct snapshot *snapshot = NULL;
	struct secret_key key;
	struct conf *conf = NULL;

	secret_key_random(&key);
	add_text(&list, PARAM_SS_AUTHENTICATION_MAX_RETRY, "0");
	add_text(&list, PARAM_SS_SIP_AUTHENTICATION_ALGORITHMS, digest_algorithm_name(algorithm));
	for (int i = 0; i < PHONES; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", 1000 + i);
		add_phone(&list, number, &key);
	}
	if (!empty || snapshot_apply(empty, &list, 1, &snapshot, NULL) ||
	    conf_build(snapshot, &key, NULL, &conf, NULL))
		die("configuration");
	change_list_clear(&list);
	snapshot_unref(empty);
	return conf;
}

static void sign(const struct conf *conf, enum digest_algorithm algorithm, enum kind kind,
		 const char *challenge, char *out, size_t size)
{
	const char *user = kind == UNKNOWN ? "9999" : "1500";
	const char *nonce = strstr(challenge, "nonce=\"") + 7;
	char hex[DIGEST_HEX_MAX];
	struct conf_ha1 ha1;
	struct digest_input input = {
		.algorithm = algorithm,
		.ha1 = &ha1,
		.method = "REGISTER",
		.uri = SPAN_LIT(URI),
		.nonce = {nonce, strcspn(nonce, "\"")},
		.qop = SPAN_LIT("auth"),
		.nc = SPAN_LIT("00000001"),
		.cnonce = SPAN_LIT("0a4f113b9c1d2e3f"),
	};

	conf_ha1(span_of(user), span_of(conf->realm), span_of(kind == RIGHT ? "secret" : "wrong"),
		 &ha1);
	if (!digest_answer(&input, hex))
		die("answer");
	snprintf(out, size,
		 "Digest username=\"%s\", realm=\"%s\", nonce=\"%.*s\", uri=\"" URI
		 "\", response=\"%.*s\", algorithm=%s, qop=auth, nc=00000001, "
		 "cnonce=\"0a4f113b9c1d2e3f\"",
		 user, conf->realm, SPAN_ARG(input.nonce), (int)digest_hex_len(algorithm), hex,
		 digest_algorithm_name(algorithm));
}

static double measure(struct auth *auth, const struct conf *conf, enum digest_algorithm algorithm,
		      enum kind kind, long rounds)
{
	struct auth_request request = {
		.method = "REGISTER",
		.request_uri = SPAN_LIT(URI),
		.call_id = SPAN_LIT("0b6e2d914c@192.0.2.10"),
		.cseq = 2,
		.source = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, 1}},
		.now_us = NOW,
	};
	const struct conf_phone *phone;
	char memory[2048];
	char credentials[1024];
	struct buf out = buf_over(memory, sizeof(memory) - 1);
	double start;

	auth_write_challenge(auth, conf, &request.source, false, NOW, &out);
	sign(conf, algorithm, kind, buf_cstr(&out), credentials, sizeof(credentials));
	request.credentials = span_of(credentials);
	start = now_ns();
	for (long i = 0; i < rounds; i++) {
		enum auth_result result;

		if (kind == CHALLENGE) {
			buf_reset(&out);
			auth_write_challenge(auth, conf, &request.source, false, NOW, &out);
			continue;
		}
		result = auth_check(auth, conf, &request, &phone);
		if ((result == AUTH_OK) != (kind == RIGHT) || result == AUTH_STALE ||
		    result == AUTH_MISSING || result == AUTH_MALFORMED)
			die("not the result that was to be measured");
	}
	return (now_ns() - start) / (double)rounds;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 200000;

	printf("%-14s %10s %10s %10s %10s   ns\n", "", "challenge", "right", "wrong", "unknown");
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		enum digest_algorithm algorithm = (enum digest_algorithm)i;
		struct conf *conf = make_conf(algorithm);
		struct auth *auth;

		if (auth_create(&auth))
			die("out of memory");
		printf("%-14s", digest_algorithm_name(algorithm));
		for (int kind = 0; kind < KINDS; kind++) {
			double best = 1e18;

			for (int run = 0; run < RUNS; run++) {
				double ns = measure(auth, conf, algorithm, (enum kind)kind, rounds);

				best = ns < best ? ns : best;
			}
			printf(" %10.0f", best);
		}
		printf("\n");
		auth_destroy(auth);
		conf_unref(conf);
	}
	return 0;
}
