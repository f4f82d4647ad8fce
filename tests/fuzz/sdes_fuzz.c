/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of keys from strangers, SRTP's and the scrambling's: what is taken is printed and taken
 * again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/media/scramble.h"
#include "switchd/media/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = {(const char *)data, size};
	char memory[160];
	struct buf out = buf_over(memory, sizeof(memory));
	struct scramble mark;
	struct scramble mark_again;
	struct sdes sdes;
	struct sdes again;

	if (sdes_parse(value, &sdes)) {
		sdes_print(&sdes, &out);
		require(!out.failed && sdes_parse(buf_span(&out), &again));
		require(again.tag == sdes.tag && again.suite == sdes.suite &&
			memcmp(again.key, sdes.key, sizeof(sdes.key)) == 0);
	}
	buf_reset(&out);
	if (scramble_parse(value, &mark)) {
		scramble_print(&mark, &out);
		require(!out.failed && scramble_parse(buf_span(&out), &mark_again));
		require(memcmp(&mark, &mark_again, sizeof(mark)) == 0);
	}
	return 0;
}
