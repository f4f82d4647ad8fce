/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The check itself: suspension, credentials, nonce, password, count, in that order.
 *
 * Whether a user exists decides nothing but which HA1 is compared: the same work is done and the
 * same counters move, under every algorithm. */
#include "switchd/auth/digest.h"

#include <sodium.h>
#include <stdlib.h>

#include "shared/base/digest_algorithm.h"
#include "switchd/auth/answer.h"
#include "switchd/auth/auth_private.h"
#include "switchd/auth/credentials.h"
#include "switchd/auth/failure.h"
#include "switchd/sip/msg.h"

#define USER_MAX 64
#define URI_MAX  512

enum vos_err auth_create(struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return VOS_ENOMEM;
	if (nonces_create(&auth->nonces) || lockout_create(&auth->lockout) ||
	    blacklist_create(&auth->blacklist)) {
		auth_destroy(auth);
		return VOS_ENOMEM;
	}
	randombytes_buf(&auth->dummy_ha1, sizeof(auth->dummy_ha1));
	*out = auth;
	return VOS_OK;
}

void auth_destroy(struct auth *auth)
{
	if (!auth)
		return;
	nonces_destroy(auth->nonces);
	lockout_destroy(auth->lockout);
	blacklist_destroy(auth->blacklist);
	free(auth);
}

struct blacklist *auth_blacklist(const struct auth *auth)
{
	return auth->blacklist;
}

void auth_set_location(struct auth *auth, struct location *location)
{
	auth->location = location;
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

/* Somebody with a password, as the check sees him. */
struct candidate {
	struct auth_account account;
	const struct conf_ha1 *ha1; /* NULL: there is nobody */
	const char *name;
};

static struct candidate candidate_of(const struct conf *conf, struct span user, bool is_register,
				     bool phones_only)
{
	const struct conf_phone *phone = conf_phone_find(conf, user);
	const struct conf_routing_gateway *routing;
	const struct conf_mapping_gateway *mapping;

	if (phone && phone->has_password)
		return (struct candidate){{.phone = phone}, &phone->ha1, phone->number};
	if (phones_only)
		return (struct candidate){0};
	if (is_register) {
		routing = conf_routing_gateway_find(conf, user);
		if (routing && routing->has_password && routing->reach == CONF_REACH_DYNAMIC)
			return (struct candidate){
				{.routing = routing}, &routing->ha1, routing->name};
		return (struct candidate){0};
	}
	mapping = conf_mapping_named(conf, user);
	if (mapping && mapping->has_password && mapping->wants_password)
		return (struct candidate){{.mapping = mapping}, &mapping->ha1, mapping->name};
	return (struct candidate){0};
}

/* Who it is when user, uri and answer are right, else nobody after the same work. */
static struct candidate check_answer(const struct auth *auth, const struct conf *conf,
				     const struct auth_request *request,
				     const struct credentials *credentials,
				     enum digest_algorithm algorithm, bool phones_only)
{
	bool is_register = strcmp(request->method, "REGISTER") == 0;
	struct candidate candidate = {0};
	char expected[DIGEST_HEX_MAX];
	char given[DIGEST_HEX_MAX];
	char user[USER_MAX];
	bool has_user = credentials_unquote(credentials->username, user, sizeof(user));
	bool is_right;

	if (has_user)
		candidate = candidate_of(conf, span_of(user), is_register, phones_only);
	is_right = digest_answer(
		&(struct digest_input){
			.algorithm = algorithm,
			.ha1 = candidate.ha1 ? candidate.ha1 : &auth->dummy_ha1,
			.method = request->method,
			.uri = credentials->uri,
			.nonce = credentials->nonce,
			.qop = credentials->qop,
			.nc = credentials->nc,
			.cnonce = credentials->cnonce,
			.body = request->body,
		},
		expected);
	for (size_t i = 0; i < credentials->response.len; i++) {
		char c = credentials->response.ptr[i];

		given[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	}
	is_right = is_right && sodium_memcmp(expected, given, credentials->response.len) == 0;
	is_right &= uri_agrees(credentials->uri, request->request_uri);
	return is_right ? candidate : (struct candidate){0};
}

/* RFC 2617 3.2.1: MD5 when none is named. */
static enum digest_algorithm algorithm_of(const struct credentials *credentials)
{
	return credentials->algorithm.ptr ? digest_algorithm_find(credentials->algorithm)
					  : DIGEST_MD5;
}

static bool is_qop_offered(const struct conf *conf, enum credentials_qop qop)
{
	int64_t offered = snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_QOP);

	switch (qop) {
	case QOP_NONE:
	case QOP_AUTH:
		return offered != WORD_AUTHENTICATION_QOP_AUTH_INT;
	case QOP_AUTH_INT:
		return offered != WORD_AUTHENTICATION_QOP_AUTH;
	case QOP_OTHER:
		break;
	}
	return false;
}

static bool is_our_realm(const struct credentials *credentials, const struct conf *conf)
{
	char realm[sizeof(conf->realm)];

	return credentials_unquote(credentials->realm, realm, sizeof(realm)) &&
	       strcmp(realm, conf->realm) == 0;
}

/* Whether they answer a challenge as we write it; else they are as good as none (RFC 3261 22.3),
 * and a challenge says what is wanted. */
static bool is_offered(const struct credentials *credentials, const struct conf *conf)
{
	enum digest_algorithm algorithm = algorithm_of(credentials);

	return algorithm < DIGEST_ALGORITHM_COUNT &&
	       (conf->digest_algorithms & DIGEST_BIT(algorithm)) &&
	       is_qop_offered(conf, credentials->qop_kind);
}

/* Known only now, because the number of digits is the algorithm's. */
static bool is_well_formed(const struct credentials *credentials)
{
	enum digest_algorithm algorithm = algorithm_of(credentials);
	bool is_sess = algorithm == DIGEST_MD5_SESS || algorithm == DIGEST_SHA256_SESS;

	return credentials->response.len == digest_hex_len(algorithm) &&
	       (!is_sess || credentials->cnonce.ptr);
}

/* Of a header line: 0 is of no use. */
static int worth_of(struct span line, const struct conf *conf)
{
	struct credentials credentials;

	if (credentials_parse(line, &credentials) != CREDENTIALS_OK ||
	    !is_our_realm(&credentials, conf))
		return 0;
	if (!is_offered(&credentials, conf))
		return 1;
	return 1 + DIGEST_ALGORITHM_COUNT - (int)algorithm_of(&credentials);
}

struct span auth_choose(const struct conf *conf, const struct span *lines, size_t count)
{
	size_t best = 0;
	int best_worth = 0;

	/* One line is the rule; it is parsed once, by auth_check. */
	for (size_t i = 0; count > 1 && i < count; i++) {
		int worth = worth_of(lines[i], conf);

		if (worth > best_worth) {
			best = i;
			best_worth = worth;
		}
	}
	return count ? lines[best] : SPAN_NONE;
}

/* Whom a nonce is for: nobody in particular where addresses change between challenge and answer. */
static const struct addr *nonce_home(const struct conf *conf, const struct addr *source)
{
	static const struct addr ANYBODY = {0};

	return snapshot_bool(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_NONCE_ADDRESS) ? source
											: &ANYBODY;
}

static enum auth_result check(struct auth *auth, const struct conf *conf,
			      const struct auth_request *request, bool phones_only,
			      struct auth_account *account)
{
	uint64_t life_s =
		(uint64_t)snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_TIMEOUT);
	struct candidate candidate;
	struct credentials credentials;
	struct nonce nonce;
	struct nonce_use use;

	if (auth_source_is_suspended(auth, conf, &request->source, request->now_us))
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
	if (!is_our_realm(&credentials, conf) || !is_offered(&credentials, conf))
		return AUTH_MISSING;
	if (!is_well_formed(&credentials))
		return AUTH_MALFORMED;
	if (!nonce_read(auth->nonces, credentials.nonce, nonce_home(conf, &request->source),
			request->now_us, life_s, &nonce))
		return AUTH_STALE;
	if (auth_user_is_suspended(auth, conf, request, &credentials))
		return AUTH_SUSPENDED;
	candidate = check_answer(auth, conf, request, &credentials, algorithm_of(&credentials),
				 phones_only);
	if (!candidate.ha1)
		return auth_failed(auth, conf, request, &credentials);
	use = (struct nonce_use){
		.count = credentials.qop.ptr ? credentials.nonce_count : NONCE_ONCE,
		.call_id = request->call_id,
		.cseq = request->cseq,
		.source = &request->source,
		.now_us = request->now_us,
	};
	if (!nonce_take(auth->nonces, &nonce, &use))
		return AUTH_STALE;
	auth_succeeded(auth, request, candidate.name);
	*account = candidate.account;
	return AUTH_OK;
}

enum auth_result auth_check_account(struct auth *auth, const struct conf *conf,
				    const struct auth_request *request,
				    struct auth_account *account)
{
	return check(auth, conf, request, false, account);
}

enum auth_result auth_check(struct auth *auth, const struct conf *conf,
			    const struct auth_request *request, const struct conf_phone **phone)
{
	struct auth_account account;
	enum auth_result result = check(auth, conf, request, true, &account);

	if (result == AUTH_OK)
		*phone = account.phone;
	return result;
}

int auth_challenge_status(const struct conf *conf)
{
	int64_t code = snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_CODE);

	return code == WORD_AUTHENTICATION_CODE_407 ? 407 : 401;
}

static const char *const QOP_TEXT[] = {
	[WORD_AUTHENTICATION_QOP_AUTH] = "auth",
	[WORD_AUTHENTICATION_QOP_EITHER] = "auth,auth-int",
	[WORD_AUTHENTICATION_QOP_AUTH_INT] = "auth-int",
};

void auth_write_challenge(struct auth *auth, const struct conf *conf, const struct addr *source,
			  bool is_stale, uint64_t now_us, struct buf *out)
{
	const char *qop =
		QOP_TEXT[snapshot_number(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_QOP)];
	bool is_401 = auth_challenge_status(conf) == 401;
	char nonce[NONCE_TEXT_LEN + 1];

	nonce_write(auth->nonces, nonce_home(conf, source), now_us, nonce);
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		if (!(conf->digest_algorithms & DIGEST_BIT(i)))
			continue;
		if (is_401)
			buf_add_lit(out, "WWW-Authenticate: Digest realm=\"");
		else
			buf_add_lit(out, "Proxy-Authenticate: Digest realm=\"");
		buf_add_str(out, conf->realm);
		buf_add_lit(out, "\", nonce=\"");
		buf_add(out, nonce, NONCE_TEXT_LEN);
		buf_add_lit(out, "\", qop=\"");
		buf_add_str(out, qop);
		buf_add_lit(out, "\", algorithm=");
		buf_add_str(out, digest_algorithm_name((enum digest_algorithm)i));
		if (is_stale)
			buf_add_lit(out, ", stale=true");
		buf_add_lit(out, "\r\n");
	}
}
