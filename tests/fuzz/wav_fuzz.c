/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audio files: the parser ends, stays inside the file, and says why when it refuses. */
#include <stdint.h>
#include <stdlib.h>

#include "switchd/media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = {(const char *)data, size};
	const char *why = NULL;
	struct wav wav;

	if (wav_parse(file, &wav, &why) != VOS_OK) {
		if (!why || !*why)
			abort();
		return 0;
	}
	/* A sample takes a byte of the file at least. */
	if (wav.count == 0 || wav.count > size)
		abort();
	wav_clear(&wav);
	return 0;
}
