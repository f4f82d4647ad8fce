/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS 1.2 and 1.3 for SIP connections, by OpenSSL, whose headers only tls.c includes.
 *
 * A context is what a listen address has: certificate chain, key, and whom it trusts. It serves
 * both ends, as the same address takes connections and opens them. A session holds on to its
 * context, so that one can be replaced under connections that are up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"

struct tls_context;
struct tls_session;

struct tls_files {
	const char *certificate; /* PEM, chain, our own first */
	const char *key;         /* PEM, without a password */
	const char *ca;          /* PEM; "" = none */
	bool verifies_peer;
};

/* Reads the files. The fault names the one that cannot be used, and why. */
VOS_CHECK enum vos_err tls_context_load(const struct tls_files *files, struct tls_context **out,
					struct vos_fault *fault);
void tls_context_free(struct tls_context *context);
/* Wall time until which the certificate is valid. */
int64_t tls_context_expires_ms(const struct tls_context *context);

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,  /* try again when the socket is readable */
	TLS_WANT_WRITE, /* ... writable */
	TLS_ENDED,      /* the peer has closed */
	TLS_FAILED,
};

/* On a non-blocking socket, which stays the caller's. NULL: out of memory. */
struct tls_session *tls_session_new(const struct tls_context *context, int fd, bool is_client);
void tls_session_free(struct tls_session *tls);
enum tls_result tls_session_handshake(struct tls_session *tls);
/* DONE: *got bytes, at least one. */
enum tls_result tls_session_read(struct tls_session *tls, char *data, size_t size, size_t *got);
enum tls_result tls_session_write(struct tls_session *tls, const char *data, size_t len,
				  size_t *sent);
/* Tells the peer that nothing more comes, if that can be done without waiting. */
void tls_session_say_end(struct tls_session *tls);
/* Static texts, "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; "" before the handshake is done. */
const char *tls_session_version(const struct tls_session *tls);
const char *tls_session_cipher(const struct tls_session *tls);
/* Why this thread's last call said FAILED. */
const char *tls_failure(void);
