/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates: read by whoever commits, asks for it, or sends SIGHUP; put in force by the stream
 * thread, which also watches until when they are valid. A file that cannot be used leaves the
 * certificate before it in force. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/sip/stream_private.h"

#define EXPIRY_WARNING_MS ((int64_t)14 * 24 * 3600 * 1000)
#define EXPIRY_LOOK_US    3600000000u

/* What was read, by number of the listen address. */
struct certificates {
	struct tls_context *contexts[SIP_LISTENS_MAX]; /* NULL: nothing new */
	char faults[SIP_LISTENS_MAX][STREAM_FAULT_MAX];
};

struct certs_mail {
	struct mail mail;
	struct conf *conf; /* NULL: as it is */
	struct certificates read;
};

static void raise_or_clear(struct stream *stream, const struct stream_listen *listen)
{
	int64_t left_ms = listen->tls ? tls_context_expires_ms(listen->tls) - clock_wall_ms() : 0;
	char when[CLOCK_TEXT_MAX];

	if (listen->transport != CONF_TLS)
		return;
	if (listen->tls)
		clock_print_utc(tls_context_expires_ms(listen->tls), when);
	if (listen->tls_fault[0])
		alarms_raise(stream->shared->alarms, WORD_ALARM_KIND_CERTIFICATE, listen->name,
			     "%s; %s", listen->tls_fault,
			     listen->tls ? "the one before stays in force"
					 : "TLS connections are refused");
	else if (left_ms < 0)
		alarms_raise(stream->shared->alarms, WORD_ALARM_KIND_CERTIFICATE, listen->name,
			     "certificate expired at %s", when);
	else if (left_ms < EXPIRY_WARNING_MS)
		alarms_raise(stream->shared->alarms, WORD_ALARM_KIND_CERTIFICATE, listen->name,
			     "certificate expires at %s", when);
	else
		alarms_clear(stream->shared->alarms, WORD_ALARM_KIND_CERTIFICATE, listen->name);
}

static void expiry_fired(struct wheel_timer *timer, void *owner)
{
	struct stream *stream = owner;

	for (int i = 0; i < stream->listen_count; i++)
		raise_or_clear(stream, &stream->listens[i]);
	wheel_start(&stream->wheel, timer, expiry_fired, stream->now_us, EXPIRY_LOOK_US);
}

void stream_certs_watch(struct stream *stream)
{
	wheel_start(&stream->wheel, &stream->expiry, expiry_fired, stream->now_us, EXPIRY_LOOK_US);
}

/* The object of a listen address in that configuration; NULL when it has gone. */
static const struct conf_listen *conf_of(const struct conf *conf,
					 const struct stream_listen *listen)
{
	for (size_t i = 0; i < conf->listen_count; i++)
		if (conf->listens[i].transport == CONF_TLS &&
		    addr_eq(&conf->listens[i].address, &listen->bound))
			return &conf->listens[i];
	return NULL;
}

static enum vos_err load_one(const struct stream_listen *listen, const struct conf_listen *source,
			     struct tls_context **out, char said[STREAM_FAULT_MAX])
{
	struct tls_files files = {
		.certificate = source->certificate,
		.key = source->key,
		.ca = source->ca,
		.verifies_peer = source->verifies_peer,
	};
	struct vos_fault fault = {0};
	enum vos_err err;

	if (!*files.certificate || !*files.key) {
		fault_set(&fault, FAULT_STATE, 0, "no certificate or no key is configured");
		err = VOS_EINVAL;
	} else {
		err = tls_context_load(&files, out, &fault);
	}
	if (err != VOS_OK)
		snprintf(said, STREAM_FAULT_MAX, "listen %.60s: %.120s", listen->name,
			 fault.text[0] ? fault.text : vos_strerror(err));
	return err;
}

/* Only what never changes of the listens is looked at: this is not their thread. The first fault is
 * returned, all are logged. */
static enum vos_err load_all(struct stream *stream, const struct conf *conf,
			     struct certificates *out, struct vos_fault *fault)
{
	enum vos_err err = VOS_OK;

	for (int i = 0; i < stream->listen_count; i++) {
		const struct stream_listen *listen = &stream->listens[i];
		const struct conf_listen *source =
			listen->transport == CONF_TLS ? conf_of(conf, listen) : NULL;
		enum vos_err failure;

		if (!source)
			continue;
		failure = load_one(listen, source, &out->contexts[i], out->faults[i]);
		if (failure == VOS_OK)
			continue;
		log_error(stream->shared->log, "sip", "%s", out->faults[i]);
		if (err == VOS_OK)
			fault_set(fault, FAULT_STATE, 0, "%s", out->faults[i]);
		err = failure;
	}
	return err;
}

static void apply(struct stream *stream, struct certificates *read)
{
	for (int i = 0; i < stream->listen_count; i++) {
		struct stream_listen *listen = &stream->listens[i];

		if (listen->transport != CONF_TLS)
			continue;
		memcpy(listen->tls_fault, read->faults[i], sizeof(listen->tls_fault));
		if (read->contexts[i]) {
			/* Connections that are up hold on to the old one. */
			tls_context_free(listen->tls);
			listen->tls = read->contexts[i];
			read->contexts[i] = NULL;
		}
		raise_or_clear(stream, listen);
	}
}

void stream_certs_load_first(struct stream *stream)
{
	struct certificates *read = calloc(1, sizeof(*read));
	struct vos_fault fault = {0};

	if (!read)
		return;
	(void)load_all(stream, stream->conf, read, &fault);
	apply(stream, read);
	free(read);
}

static void free_certificates(struct certificates *read)
{
	for (int i = 0; i < SIP_LISTENS_MAX; i++) {
		tls_context_free(read->contexts[i]);
		read->contexts[i] = NULL;
	}
}

/* In the stream thread. */
static void certs_arrived(struct mail *mail, void *receiver)
{
	struct certs_mail *letter = (struct certs_mail *)mail;
	struct stream *stream = receiver;

	if (letter->conf)
		stream_apply_conf(stream, letter->conf);
	apply(stream, &letter->read);
	free(letter);
}

/* Under the lock. conf NULL: the configuration stays, and the files of all are taken or of none. */
static enum vos_err reload(struct stream *stream, struct conf *conf, struct vos_fault *fault)
{
	struct certs_mail *letter = calloc(1, sizeof(*letter));
	enum vos_err err;

	if (!letter)
		return VOS_ENOMEM;
	letter->mail.run = certs_arrived;
	letter->conf = conf ? conf_ref(conf) : NULL;
	err = load_all(stream, conf ? conf : stream->control_conf, &letter->read, fault);
	if (err != VOS_OK && !conf)
		free_certificates(&letter->read);
	if (!mailbox_post(&stream->mailbox, &letter->mail)) {
		free_certificates(&letter->read);
		conf_unref(letter->conf);
		free(letter);
	}
	return err;
}

void stream_configure(struct stream *stream, struct conf *conf)
{
	struct vos_fault fault = {0};

	pthread_mutex_lock(&stream->control_lock);
	conf_unref(stream->control_conf);
	stream->control_conf = conf_ref(conf);
	(void)reload(stream, conf, &fault);
	pthread_mutex_unlock(&stream->control_lock);
}

enum vos_err stream_reload_certificates(struct stream *stream, struct vos_fault *fault)
{
	enum vos_err err;

	pthread_mutex_lock(&stream->control_lock);
	err = reload(stream, NULL, fault);
	pthread_mutex_unlock(&stream->control_lock);
	if (err == VOS_OK)
		log_notice(stream->shared->log, "sip", "certificates were read again");
	return err;
}
