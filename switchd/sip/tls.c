/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

/* No key exchange without forward secrecy but RSA's, which old phones have; nothing broken. */
#define CIPHERS_1_2 "HIGH:!aNULL:!eNULL:!MD5:!RC4:!3DES:!PSK:!SRP:!CAMELLIA:!ARIA"

/* Sessions are taken up again by tickets, so that the switch holds nothing for them. */
static const unsigned char SESSION_CONTEXT[] = "switchd";

struct tls_context {
	SSL_CTX *ssl;
	int64_t expires_ms;
};

struct tls_session {
	SSL *ssl;
};

/* Text of the oldest error of this thread; the others are its consequences. */
static const char *take_reason(void)
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	return reason ? reason : "unknown error";
}

static enum vos_err refuse(struct vos_fault *fault, const char *what, const char *path,
			   const char *why)
{
	fault_set(fault, FAULT_VALUE_RANGE, 0, "%s %s: %s", what, path, why);
	return VOS_EINVAL;
}

/* OpenSSL's own words for a file that cannot be opened name its source lines. */
static enum vos_err check_readable(const char *what, const char *path, struct vos_fault *fault)
{
	FILE *file = fopen(path, "re");
	int c;

	if (!file)
		return refuse(fault, what, path, strerror(errno));
	errno = 0;
	c = fgetc(file);
	fclose(file);
	return c == EOF ? refuse(fault, what, path, errno ? strerror(errno) : "it is empty")
			: VOS_OK;
}

/* An encrypted key would ask for its password at the terminal. */
static int no_password(char *out, int size, int is_writing, void *context)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)context;
	return 0;
}

static void describe(struct tls_context *context)
{
	X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
	int days = 0;
	int seconds = 0;

	/* From now, which is what the other time is not given for. */
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
		context->expires_ms =
			clock_wall_ms() + ((int64_t)days * 86400 + (int64_t)seconds) * 1000;
}

static enum vos_err load_own(SSL_CTX *ssl, const struct tls_files *files, struct vos_fault *fault)
{
	enum vos_err err = check_readable("certificate", files->certificate, fault);

	if (!err)
		err = check_readable("key", files->key, fault);
	if (err)
		return err;
	SSL_CTX_set_default_passwd_cb(ssl, no_password);
	if (SSL_CTX_use_certificate_chain_file(ssl, files->certificate) != 1)
		return refuse(fault, "certificate", files->certificate, take_reason());
	if (SSL_CTX_use_PrivateKey_file(ssl, files->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ssl) != 1)
		return refuse(fault, "key", files->key, take_reason());
	return VOS_OK;
}

static enum vos_err load_authorities(SSL_CTX *ssl, const struct tls_files *files,
				     struct vos_fault *fault)
{
	enum vos_err err;

	if (!files->verifies_peer)
		return VOS_OK;
	err = check_readable("ca", files->ca, fault);
	if (err)
		return err;
	if (SSL_CTX_load_verify_file(ssl, files->ca) != 1)
		return refuse(fault, "ca", files->ca, take_reason());
	SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(files->ca));
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return VOS_OK;
}

enum vos_err tls_context_load(const struct tls_files *files, struct tls_context **out,
			      struct vos_fault *fault)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	enum vos_err err = VOS_ENOMEM;

	if (!context)
		return VOS_ENOMEM;
	context->ssl = SSL_CTX_new(TLS_method());
	if (!context->ssl || !SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(context->ssl, CIPHERS_1_2) ||
	    !SSL_CTX_set_session_id_context(context->ssl, SESSION_CONTEXT, sizeof(SESSION_CONTEXT)))
		goto out;
	SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
						  SSL_OP_CIPHER_SERVER_PREFERENCE |
						  SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle connection keeps no buffers. */
	SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
					       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context->ssl, 1);
	err = load_own(context->ssl, files, fault);
	if (!err)
		err = load_authorities(context->ssl, files, fault);
	if (!err)
		describe(context);
out:
	ERR_clear_error();
	if (err) {
		tls_context_free(context);
		return err;
	}
	*out = context;
	return VOS_OK;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl);
	free(context);
}

int64_t tls_context_expires_ms(const struct tls_context *context)
{
	return context->expires_ms;
}

struct tls_session *tls_session_new(const struct tls_context *context, int fd, bool is_client)
{
	struct tls_session *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->ssl = SSL_new(context->ssl);
	if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1) {
		tls_session_free(tls);
		ERR_clear_error();
		return NULL;
	}
	if (is_client)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	return tls;
}

void tls_session_free(struct tls_session *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

/* What a call that returned `result` means. The error queue, which is the thread's and not the
 * session's, was empty before it. */
static enum tls_result judge(struct tls_session *tls, int result)
{
	if (result > 0)
		return TLS_DONE;
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	case SSL_ERROR_SYSCALL:
		/* The connection was reset, or ended in the middle of the handshake. */
		return ERR_peek_error() ? TLS_FAILED : TLS_ENDED;
	default:
		return TLS_FAILED;
	}
}

enum tls_result tls_session_handshake(struct tls_session *tls)
{
	ERR_clear_error();
	return judge(tls, SSL_do_handshake(tls->ssl));
}

enum tls_result tls_session_read(struct tls_session *tls, char *data, size_t size, size_t *got)
{
	ERR_clear_error();
	return judge(tls, SSL_read_ex(tls->ssl, data, size, got));
}

enum tls_result tls_session_write(struct tls_session *tls, const char *data, size_t len,
				  size_t *sent)
{
	ERR_clear_error();
	return judge(tls, SSL_write_ex(tls->ssl, data, len, sent));
}

void tls_session_say_end(struct tls_session *tls)
{
	ERR_clear_error();
	if (SSL_is_init_finished(tls->ssl))
		SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

const char *tls_session_version(const struct tls_session *tls)
{
	return SSL_is_init_finished(tls->ssl) ? SSL_get_version(tls->ssl) : "";
}

const char *tls_session_cipher(const struct tls_session *tls)
{
	const char *name = SSL_get_cipher_name(tls->ssl);

	return SSL_is_init_finished(tls->ssl) && name ? name : "";
}

const char *tls_failure(void)
{
	return take_reason();
}
