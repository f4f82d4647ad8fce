/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/auth_client.h"

#include <md5.h>
#include <sha2.h>
#include <stdio.h>

/* H of the client's algorithm, as hex. */
static void hash_text(const struct client *client, const char *text, char out[65])
{
	if (client->algorithm && strncasecmp(client->algorithm, "SHA-256", 7) == 0)
		SHA256Data((const uint8_t *)text, strlen(text), out);
	else
		MD5Data((const uint8_t *)text, strlen(text), out);
}

static void hash_a1(const struct client *client, char out[65])
{
	char text[AUTH_CLIENT_TEXT];

	snprintf(text, sizeof(text), "%s:%s:%s", client->user, client->realm, client->password);
	hash_text(client, text, out);
	if (!client->algorithm || !strcasestr(client->algorithm, "-sess"))
		return;
	snprintf(text, sizeof(text), "%s:%s:cn1", out, client->nonce);
	hash_text(client, text, out);
}

static void hash_a2(const struct client *client, char out[65])
{
	char text[AUTH_CLIENT_TEXT];
	char body[65];

	snprintf(text, sizeof(text), "%s:%s", client->method, client->uri);
	if (client->qop && strcmp(client->qop, "auth-int") == 0) {
		hash_text(client, client->body, body);
		snprintf(text, sizeof(text), "%s:%s:%s", client->method, client->uri, body);
	}
	hash_text(client, text, out);
}

void write_credentials(const struct client *client, char out[AUTH_CLIENT_TEXT])
{
	const char *qop = client->qop ? client->qop : "auth";
	char text[AUTH_CLIENT_TEXT];
	char ha1[65];
	char ha2[65];
	char response[65];
	char tail[128] = "";
	char algorithm[64] = "";

	hash_a1(client, ha1);
	hash_a2(client, ha2);
	if (client->count) {
		snprintf(text, sizeof(text), "%s:%s:%08x:cn1:%s:%s", ha1, client->nonce,
			 client->count, qop, ha2);
		snprintf(tail, sizeof(tail), ", qop=%s, nc=%08x, cnonce=\"cn1\"", qop,
			 client->count);
	} else {
		snprintf(text, sizeof(text), "%s:%s:%s", ha1, client->nonce, ha2);
	}
	hash_text(client, text, response);
	if (client->algorithm)
		snprintf(algorithm, sizeof(algorithm), ", algorithm=%s", client->algorithm);
	snprintf(out, AUTH_CLIENT_TEXT,
		 "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
		 "response=\"%s\"%s%s%s",
		 client->user, client->realm, client->nonce, client->uri, response, algorithm, tail,
		 client->extra);
}
