/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands between the quotes of a challenge goes back as it came; control characters in it, and
 * escapes where a hash is taken of it, are reason enough not to answer. */
#include "switchd/auth/client.h"

#include <stdlib.h>

#include "switchd/auth/answer.h"
#include "switchd/auth/credentials.h"
#include "switchd/auth/params_private.h"

#define REALM_MAX     128
#define NONCE_MAX     512
#define OPAQUE_MAX    256
#define PARAMS_MAX    32
#define CNONCE_BYTES  8
#define CNONCE_DIGITS (2 * CNONCE_BYTES)

/* Allocated with its texts behind it: realm, nonce, opaque. */
struct auth_client_challenge {
	enum digest_algorithm algorithm;
	bool has_qop;
	bool is_auth_int; /* the only quality that is offered */
	bool has_opaque;
	uint32_t nonce_count; /* last one used */
	/* One for all answers to the nonce: -sess ties H(A1) to the first (RFC 7616 3.4.2). */
	char cnonce[CNONCE_DIGITS];
	uint16_t realm_len;
	uint16_t nonce_len;
	uint16_t opaque_len;
	char text[];
};

/* As it was read, values without their quotes. */
struct reading {
	struct span realm;
	struct span nonce;
	struct span opaque;
	struct span algorithm;
	struct span qop;
};

static struct span realm_of(const struct auth_client_challenge *challenge)
{
	return (struct span){challenge->text, challenge->realm_len};
}

static struct span nonce_of(const struct auth_client_challenge *challenge)
{
	return (struct span){challenge->text + challenge->realm_len, challenge->nonce_len};
}

static struct span opaque_of(const struct auth_client_challenge *challenge)
{
	return (struct span){challenge->text + challenge->realm_len + challenge->nonce_len,
			     challenge->opaque_len};
}

/* --- Reading. --- */

static struct span *slot_of(struct reading *reading, struct span name)
{
	const struct {
		struct span name;
		struct span *slot;
	} rows[] = {
		{SPAN_LIT("realm"), &reading->realm},
		{SPAN_LIT("nonce"), &reading->nonce},
		{SPAN_LIT("opaque"), &reading->opaque},
		{SPAN_LIT("algorithm"), &reading->algorithm},
		{SPAN_LIT("qop"), &reading->qop},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_ieq(name, rows[i].name))
			return rows[i].slot;
	return NULL;
}

/* False: no name=value, or a parameter that is known comes twice. */
static bool read_param(struct span *rest, struct reading *out)
{
	struct span name = auth_take_token(rest);
	struct span value = SPAN_NONE;
	struct span *slot;

	auth_skip_blanks(rest);
	if (!name.len || !auth_take_char(rest, '='))
		return false;
	auth_skip_blanks(rest);
	if (auth_take_char(rest, '"')) {
		if (!auth_take_quoted(rest, &value))
			return false;
	} else {
		value = auth_take_token(rest);
		if (!value.len)
			return false;
	}
	auth_skip_blanks(rest);
	slot = slot_of(out, name);
	if (slot && slot->ptr)
		return false;
	if (slot)
		*slot = value;
	return true;
}

/* Also "," between parameters without any: RFC 9110 section 5.6.1.2 has recipients take empty
 * elements. */
static bool read_challenge(struct span line, struct reading *out)
{
	struct span rest = line;
	struct span scheme;
	size_t count = 0;

	*out = (struct reading){0};
	auth_skip_blanks(&rest);
	scheme = auth_take_token(&rest);
	if (!span_ieq(scheme, SPAN_LIT("Digest")))
		return false;
	for (;;) {
		do
			auth_skip_blanks(&rest);
		while (auth_take_char(&rest, ','));
		if (!rest.len)
			break;
		if (count++ == PARAMS_MAX || !read_param(&rest, out) ||
		    (rest.len && *rest.ptr != ','))
			return false;
	}
	return out->realm.ptr && out->nonce.len;
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((uint8_t)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return true;
	return false;
}

static bool is_usable_text(const struct reading *reading)
{
	return reading->realm.len <= REALM_MAX && reading->nonce.len <= NONCE_MAX &&
	       reading->opaque.len <= OPAQUE_MAX && !has_control(reading->realm) &&
	       !has_control(reading->nonce) && !has_control(reading->opaque) &&
	       span_find(reading->nonce, '\\') == reading->nonce.len;
}

/* RFC 2617 3.2.1: MD5 when none is named. */
static enum digest_algorithm algorithm_of(const struct reading *reading)
{
	return reading->algorithm.ptr ? digest_algorithm_find(reading->algorithm) : DIGEST_MD5;
}

static bool has_quality(struct span list, struct span wanted)
{
	while (list.len) {
		size_t at = span_find(list, ',');
		struct span word = {list.ptr, at};

		if (span_ieq(span_trim(word), wanted))
			return true;
		at = at < list.len ? at + 1 : at;
		list = (struct span){list.ptr + at, list.len - at};
	}
	return false;
}

/* 0: cannot be answered; more is better. */
static int worth_of(const struct reading *reading)
{
	enum digest_algorithm algorithm = algorithm_of(reading);

	if (algorithm == DIGEST_ALGORITHM_COUNT || !is_usable_text(reading))
		return 0;
	if (reading->qop.ptr && !has_quality(reading->qop, SPAN_LIT("auth")) &&
	    !has_quality(reading->qop, SPAN_LIT("auth-int")))
		return 0;
	/* A1 of these has a cnonce, which without qop has no place to stand (RFC 2617 3.2.2.2). */
	if (!reading->qop.ptr && (algorithm == DIGEST_MD5_SESS || algorithm == DIGEST_SHA256_SESS))
		return 0;
	return DIGEST_ALGORITHM_COUNT - (int)algorithm;
}

static bool choose(const struct auth_client_refusal *refusal, struct reading *best)
{
	int best_worth = 0;

	for (size_t i = 0; i < refusal->count; i++) {
		struct reading reading;
		int worth;

		if (!read_challenge(refusal->lines[i], &reading))
			continue;
		worth = worth_of(&reading);
		if (worth > best_worth) {
			best_worth = worth;
			*best = reading;
		}
	}
	return best_worth > 0;
}

/* --- Keeping. --- */

static struct auth_client_challenge *keep(const struct reading *reading, struct random_pool *random)
{
	size_t size = reading->realm.len + reading->nonce.len + reading->opaque.len;
	struct auth_client_challenge *challenge = calloc(1, sizeof(*challenge) + size);
	uint8_t bytes[CNONCE_BYTES];
	struct buf cnonce;
	struct buf text;

	if (!challenge)
		return NULL;
	challenge->algorithm = algorithm_of(reading);
	challenge->has_qop = reading->qop.ptr != NULL;
	challenge->is_auth_int = challenge->has_qop && !has_quality(reading->qop, SPAN_LIT("auth"));
	challenge->has_opaque = reading->opaque.ptr != NULL;
	random_take(random, bytes, sizeof(bytes));
	cnonce = buf_over(challenge->cnonce, sizeof(challenge->cnonce));
	buf_add_hex(&cnonce, bytes, sizeof(bytes));
	challenge->realm_len = (uint16_t)reading->realm.len;
	challenge->nonce_len = (uint16_t)reading->nonce.len;
	challenge->opaque_len = (uint16_t)reading->opaque.len;
	text = buf_over(challenge->text, size);
	buf_add_span(&text, reading->realm);
	buf_add_span(&text, reading->nonce);
	buf_add_span(&text, reading->opaque);
	return challenge;
}

/* Whether the request carried credentials for that nonce already. */
static bool has_nonce(struct span sent, struct span nonce)
{
	const char *end = sent.ptr ? memmem(sent.ptr, sent.len, "\r\n\r\n", 4) : NULL;
	char memory[NONCE_MAX + 16];
	struct buf wanted = buf_over(memory, sizeof(memory));

	if (end)
		sent.len = (size_t)(end - sent.ptr);
	buf_add_lit(&wanted, " nonce=\"");
	buf_add_span(&wanted, nonce);
	buf_add_char(&wanted, '"');
	return sent.len && memmem(sent.ptr, sent.len, wanted.data, wanted.len);
}

enum auth_client_verdict auth_client_take(struct auth_client *client,
					  const struct auth_client_refusal *refusal,
					  struct random_pool *random)
{
	struct auth_client_challenge **kept = refusal->is_proxy ? &client->proxy : &client->server;
	struct auth_client_challenge *challenge;
	struct reading reading = {0};

	if (!choose(refusal, &reading))
		return AUTH_CLIENT_UNUSABLE;
	if (has_nonce(refusal->sent, reading.nonce))
		return AUTH_CLIENT_ANSWERED;
	if (refusal->keeps_realm && *kept && !span_eq(realm_of(*kept), reading.realm))
		return AUTH_CLIENT_FOREIGN;
	/* Asked of two requests at once: the count goes on. */
	if (*kept && span_eq(realm_of(*kept), reading.realm) &&
	    span_eq(nonce_of(*kept), reading.nonce))
		return AUTH_CLIENT_TAKEN;
	challenge = keep(&reading, random);
	if (!challenge)
		return AUTH_CLIENT_NO_MEMORY;
	free(*kept);
	*kept = challenge;
	return AUTH_CLIENT_TAKEN;
}

void auth_client_forget(struct auth_client *client)
{
	free(client->server);
	free(client->proxy);
	*client = (struct auth_client){0};
}

/* --- Answering. --- */

static void add_quoted(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text.ptr[i]);
	}
}

static void add_param(struct buf *out, const char *name, struct span value)
{
	buf_add_lit(out, ", ");
	buf_add_str(out, name);
	buf_add_lit(out, "=\"");
	buf_add_span(out, value);
	buf_add_char(out, '"');
}

static bool hash_secret(const struct auth_client_challenge *challenge,
			const struct auth_client_secret *secret, struct conf_ha1 *out)
{
	char realm[REALM_MAX + 1];

	if (!credentials_unquote(realm_of(challenge), realm, sizeof(realm)))
		return false;
	conf_ha1(secret->user, span_of(realm), secret->password, out);
	return true;
}

static void add_credentials(const struct auth_client_challenge *challenge,
			    const struct auth_client_secret *secret,
			    const struct auth_client_request *request, struct buf *out)
{
	struct span qop = challenge->is_auth_int ? SPAN_LIT("auth-int") : SPAN_LIT("auth");
	struct span cnonce = {challenge->cnonce, CNONCE_DIGITS};
	char response[DIGEST_HEX_MAX];
	char count_text[8];
	struct buf count = buf_over(count_text, sizeof(count_text));
	uint32_t number = challenge->nonce_count;
	const uint8_t bytes[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
				 (uint8_t)(number >> 8), (uint8_t)number};
	struct conf_ha1 ha1;
	bool is_good;

	buf_add_hex(&count, bytes, sizeof(bytes));
	is_good = hash_secret(challenge, secret, &ha1) &&
		  digest_answer(
			  &(struct digest_input){
				  .algorithm = challenge->algorithm,
				  .ha1 = &ha1,
				  .method = request->method,
				  .uri = request->uri,
				  .nonce = nonce_of(challenge),
				  .qop = challenge->has_qop ? qop : SPAN_NONE,
				  .nc = buf_span(&count),
				  .cnonce = cnonce,
				  .body = request->body,
			  },
			  response);
	secret_wipe(&ha1, sizeof(ha1));
	if (!is_good)
		return;
	buf_add_lit(out, "Digest username=\"");
	add_quoted(out, secret->user);
	buf_add_char(out, '"');
	add_param(out, "realm", realm_of(challenge));
	add_param(out, "nonce", nonce_of(challenge));
	add_param(out, "uri", request->uri);
	add_param(out, "response", (struct span){response, digest_hex_len(challenge->algorithm)});
	buf_add_lit(out, ", algorithm=");
	buf_add_str(out, digest_algorithm_name(challenge->algorithm));
	if (challenge->has_qop) {
		add_param(out, "cnonce", cnonce);
		buf_add_lit(out, ", qop=");
		buf_add_span(out, qop);
		buf_add_lit(out, ", nc=");
		buf_add(out, count_text, sizeof(count_text));
	}
	if (challenge->has_opaque)
		add_param(out, "opaque", opaque_of(challenge));
}

static void add_line(const struct auth_client_challenge *challenge, const char *name,
		     const struct auth_client_secret *secret,
		     const struct auth_client_request *request, struct buf *out)
{
	char memory[CREDENTIALS_BYTES_MAX];
	struct buf value = buf_over(memory, sizeof(memory));

	if (!challenge)
		return;
	add_credentials(challenge, secret, request, &value);
	/* Longer than a server may take: the request goes without, and is refused. */
	if (value.failed || !value.len)
		return;
	buf_add_str(out, name);
	buf_add_span(out, buf_span(&value));
	buf_add_lit(out, "\r\n");
}

bool auth_client_ignores_body(const struct auth_client *client)
{
	return !(client->server && client->server->is_auth_int) &&
	       !(client->proxy && client->proxy->is_auth_int);
}

void auth_client_write(struct auth_client *client, const struct auth_client_secret *secret,
		       const struct auth_client_request *request, struct buf *out)
{
	if (client->server)
		client->server->nonce_count++;
	if (client->proxy)
		client->proxy->nonce_count++;
	add_line(client->server, "Authorization: ", secret, request, out);
	add_line(client->proxy, "Proxy-Authorization: ", secret, request, out);
}
