/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audio files: RIFF/WAVE with one channel of 8,000 samples a second, as 16-bit PCM, A-law or
 * mu-law. */
#pragma once

#include "shared/base/err.h"
#include "shared/base/span.h"

/* A minute of 16-bit samples with some room for other chunks. */
#define WAV_FILE_MAX    (1024 * 1024)
#define WAV_SECONDS_MAX 60

struct wav {
	int16_t *samples; /* malloc'ed */
	size_t count;
};

/* VOS_EINVAL with *why: it is not such audio. */
VOS_CHECK enum vos_err wav_parse(struct span file, struct wav *out, const char **why);
/* Reads a file; the fault names it and says what is wrong. */
VOS_CHECK enum vos_err wav_load(const char *path, struct wav *out, struct vos_fault *fault);
void wav_clear(struct wav *wav);
