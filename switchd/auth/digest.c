/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The check itself: suspension, credentials, nonce, password, count, in that order.
 *
 * Whether a user exists decides nothing but which HA1 is compared: the same work is done and the
 * same counters move. MD5 is what phones speak (RFC 2617); the switch stores no more than HA1 in
 * memory. */
#include "switchd/auth/digest.h"

#include <md5.h>
#include <sodium.h>
#include <stdlib.h>

#include "switchd/auth/auth_private.h"
#include "switchd/auth/credentials.h"
#include "switchd/sip/msg.h"

#define USER_MAX 64
#define URI_MAX  512

enum vos_err auth_create(struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	struct buf dummy;
	uint8_t random[CONF_HA1_HEX / 2];

	if (!auth)
		return VOS_ENOMEM;
	if (nonces_create(&auth->nonces) || lockout_create(&auth->lockout)) {
		auth_destroy(auth);
		return VOS_ENOMEM;
	}
	randombytes_buf(random, sizeof(random));
	dummy = buf_over(auth->dummy_ha1, CONF_HA1_HEX);
	buf_add_hex(&dummy, random, sizeof(random));
	*out = auth;
	return VOS_OK;
}

void auth_destroy(struct auth *auth)
{
	if (!auth)
		return;
	nonces_destroy(auth->nonces);
	lockout_destroy(auth->lockout);
	free(auth);
}

void auth_set_log(struct auth *auth, const struct log *log)
{
	auth->log = log;
}

static void md5_span(MD5_CTX *md5, struct span text)
{
	if (text.len)
		MD5Update(md5, (const uint8_t *)text.ptr, text.len);
}

static void md5_hex(MD5_CTX *md5, char out[CONF_HA1_HEX + 1])
{
	uint8_t digest[MD5_DIGEST_LENGTH];
	struct buf hex = buf_over(out, CONF_HA1_HEX);

	MD5Final(digest, md5);
	buf_add_hex(&hex, digest, sizeof(digest));
	out[CONF_HA1_HEX] = '\0';
}

static void md5_join(MD5_CTX *md5, struct span a, struct span b)
{
	md5_span(md5, a);
	md5_span(md5, SPAN_LIT(":"));
	md5_span(md5, b);
}

/* RFC 2617 3.2.2.1, with and without qop. */
static void expected_response(const struct credentials *credentials, const char *method,
			      const char *ha1, char out[CONF_HA1_HEX + 1])
{
	char ha2[CONF_HA1_HEX + 1];
	MD5_CTX md5;

	MD5Init(&md5);
	md5_join(&md5, span_of(method), credentials->uri);
	md5_hex(&md5, ha2);
	MD5Init(&md5);
	md5_join(&md5, (struct span){ha1, CONF_HA1_HEX}, credentials->nonce);
	md5_span(&md5, SPAN_LIT(":"));
	if (credentials->qop.ptr) {
		md5_join(&md5, credentials->nc, credentials->cnonce);
		md5_span(&md5, SPAN_LIT(":"));
		md5_span(&md5, credentials->qop);
		md5_span(&md5, SPAN_LIT(":"));
	}
	md5_span(&md5, (struct span){ha2, CONF_HA1_HEX});
	md5_hex(&md5, out);
}

/* Some clients leave the scheme out of digest-uri. */
static bool parse_digest_uri(struct span text, char scratch[URI_MAX], struct sip_uri *out)
{
	struct buf with_scheme = buf_over(scratch, URI_MAX);

	if (span_istarts_with(text, SPAN_LIT("sip:")) || span_istarts_with(text, SPAN_LIT("sips:")))
		return sip_uri_parse(text, out);
	buf_add_lit(&with_scheme, "sip:");
	buf_add_span(&with_scheme, text);
	return !with_scheme.failed && sip_uri_parse(buf_span(&with_scheme), out);
}

/* Clients differ in what they take for digest-uri: the Request-URI, that without user part (sipp:
 * host and port), that without port. What is named must agree, and the host must be named. */
static bool uri_agrees(struct span digest_uri, struct span request_uri)
{
	char scratch[URI_MAX];
	struct sip_uri digest;
	struct sip_uri request;

	if (span_eq(digest_uri, request_uri))
		return true;
	if (!parse_digest_uri(digest_uri, scratch, &digest) ||
	    !sip_uri_parse(request_uri, &request))
		return false;
	return digest.host.len && span_ieq(digest.host, request.host) &&
	       (!digest.user.len || span_eq(digest.user, request.user)) &&
	       (!digest.port || !request.port || digest.port == request.port);
}

/* The phone when user, uri and answer are right, else NULL after the same work. */
static const struct conf_phone *check_answer(const struct auth *auth, const struct conf *conf,
					     const struct auth_request *request,
					     const struct credentials *credentials)
{
	const struct conf_phone *phone = NULL;
	char expected[CONF_HA1_HEX + 1];
	char given[CONF_HA1_HEX];
	char user[USER_MAX];
	bool has_user = credentials_unquote(credentials->username, user, sizeof(user));
	bool is_right;

	if (has_user)
		phone = conf_phone_find(conf, span_of(user));
	if (phone && !phone->has_password)
		phone = NULL;
	expected_response(credentials, request->method, phone ? phone->ha1 : auth->dummy_ha1,
			  expected);
	for (size_t i = 0; i < CONF_HA1_HEX; i++) {
		char c = credentials->response.ptr[i];

		given[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	}
	is_right = sodium_memcmp(expected, given, CONF_HA1_HEX) == 0;
	is_right &= uri_agrees(credentials->uri, request->request_uri);
	return is_right ? phone : NULL;
}

static bool is_trusted(const struct conf *conf, const struct addr *source)
{
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_TRUSTED);

	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_TRUSTED, i);
		struct prefix prefix;

		if (prefix_parse(span_of(object_key(object)), &prefix) &&
		    prefix_contains(&prefix, source))
			return true;
	}
	return false;
}

static uint32_t max_retry_of(const struct conf *conf, const struct addr *source)
{
	uint32_t max_retry =
		(uint32_t)snapshot_number(conf->snapshot, PARAM_SS_AUTHENTICATION_MAX_RETRY);

	return max_retry && is_trusted(conf, source) ? 0 : max_retry;
}

static enum auth_result count_failure(struct auth *auth, const struct conf *conf,
				      const struct auth_request *request)
{
	const struct snapshot *config = conf->snapshot;
	struct lockout_rules rules = {
		.max_retry = max_retry_of(conf, &request->source),
		.suspend_s =
			(uint32_t)snapshot_number(config, PARAM_SS_AUTHENTICATION_FAILED_SUSPEND),
		.call_retry = (uint32_t)snapshot_number(config, PARAM_SS_SIP_AUTHENTICATION_RETRY),
	};
	char source[ADDR_TEXT_MAX];

	switch (lockout_fail(auth->lockout, &rules, &request->source, request->call_id,
			     request->now_us)) {
	case LOCKOUT_SUSPENDED:
		if (auth->log)
			log_notice(
				auth->log, "auth",
				"%s is suspended for %u s: more than %u wrong passwords in a row",
				addr_print_ip(&request->source, source), rules.suspend_s,
				rules.max_retry);
		return AUTH_SUSPENDED;
	case LOCKOUT_CALL_SPENT:
		return AUTH_FORBIDDEN;
	case LOCKOUT_COUNTED:
		break;
	}
	return AUTH_WRONG;
}

/* For our realm and in our algorithm; else they are as good as none (RFC 3261 22.3). */
static bool is_ours(const struct credentials *credentials, const struct conf *conf)
{
	char realm[sizeof(conf->realm)];

	if (credentials->algorithm.ptr && !span_ieq(credentials->algorithm, SPAN_LIT("MD5")))
		return false;
	return credentials_unquote(credentials->realm, realm, sizeof(realm)) &&
	       strcmp(realm, conf->realm) == 0;
}

enum auth_result auth_check(struct auth *auth, const struct conf *conf,
			    const struct auth_request *request, const struct conf_phone **phone)
{
	uint64_t life_s =
		(uint64_t)snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_TIMEOUT);
	const struct conf_phone *candidate;
	struct credentials credentials;
	struct nonce nonce;
	struct nonce_use use;

	if (lockout_is_suspended(auth->lockout, &request->source, request->now_us) &&
	    max_retry_of(conf, &request->source))
		return AUTH_SUSPENDED;
	if (!request->credentials.len)
		return AUTH_MISSING;
	switch (credentials_parse(request->credentials, &credentials)) {
	case CREDENTIALS_MALFORMED:
		return AUTH_MALFORMED;
	case CREDENTIALS_OTHER_SCHEME:
		return AUTH_MISSING;
	case CREDENTIALS_OK:
		break;
	}
	if (!is_ours(&credentials, conf))
		return AUTH_MISSING;
	if (!nonce_read(auth->nonces, credentials.nonce, request->now_us, life_s, &nonce))
		return AUTH_STALE;
	candidate = check_answer(auth, conf, request, &credentials);
	if (!candidate)
		return count_failure(auth, conf, request);
	use = (struct nonce_use){
		.count = credentials.qop.ptr ? credentials.nonce_count : NONCE_ONCE,
		.call_id = request->call_id,
		.cseq = request->cseq,
		.source = &request->source,
	};
	if (!nonce_take(auth->nonces, &nonce, &use))
		return AUTH_STALE;
	lockout_succeed(auth->lockout, &request->source, request->call_id);
	*phone = candidate;
	return AUTH_OK;
}

int auth_challenge_status(const struct conf *conf)
{
	int64_t code = snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_CODE);

	return code == WORD_AUTHENTICATION_CODE_407 ? 407 : 401;
}

void auth_write_challenge(struct auth *auth, const struct conf *conf, bool is_stale,
			  uint64_t now_us, struct buf *out)
{
	char nonce[NONCE_TEXT_LEN + 1];

	nonce_write(auth->nonces, now_us, nonce);
	if (auth_challenge_status(conf) == 401)
		buf_add_lit(out, "WWW-Authenticate: Digest realm=\"");
	else
		buf_add_lit(out, "Proxy-Authenticate: Digest realm=\"");
	buf_add_str(out, conf->realm);
	buf_add_lit(out, "\", nonce=\"");
	buf_add(out, nonce, NONCE_TEXT_LEN);
	buf_add_lit(out, "\", qop=\"auth\", algorithm=MD5");
	if (is_stale)
		buf_add_lit(out, ", stale=true");
	buf_add_lit(out, "\r\n");
}
