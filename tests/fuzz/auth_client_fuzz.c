/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any challenge: what is answered to it is a pair of well-formed lines, or nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "switchd/auth/client.h"
#include "switchd/auth/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span text)
{
	const struct span names[] = {SPAN_LIT("Authorization: "),
				     SPAN_LIT("Proxy-Authorization: ")};

	for (size_t i = 0; i < 2 && text.len; i++) {
		struct credentials credentials;
		size_t end;

		if (!span_starts_with(text, names[i]))
			continue;
		text = (struct span){text.ptr + names[i].len, text.len - names[i].len};
		end = span_find(text, '\r');
		if (end + 2 > text.len || text.ptr[end + 1] != '\n' ||
		    credentials_parse((struct span){text.ptr, end}, &credentials) != CREDENTIALS_OK)
			abort();
		text = (struct span){text.ptr + end + 2, text.len - end - 2};
	}
	if (text.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct auth_client_secret secret = {SPAN_LIT("al\"ice"), SPAN_LIT("secret")};
	const struct auth_client_request request = {"INVITE", SPAN_LIT("sip:1@192.0.2.1"),
						    SPAN_LIT("v=0")};
	struct random_pool pool = {0};
	struct auth_client client = {0};
	struct span lines[2];
	struct auth_client_refusal refusal = {.lines = lines, .count = 2};
	char memory[8192];
	struct buf out = buf_over(memory, sizeof(memory));

	/* Two challenges, parted by a line feed; of a server, then of a proxy. */
	lines[0] = (struct span){(const char *)data,
				 span_find((struct span){(const char *)data, size}, '\n')};
	lines[1] = (struct span){lines[0].ptr + lines[0].len, size - lines[0].len};
	(void)auth_client_take(&client, &refusal, &pool);
	refusal.is_proxy = true;
	(void)auth_client_take(&client, &refusal, &pool);
	auth_client_write(&client, &secret, &request, &out);
	if (out.failed)
		abort();
	check(buf_span(&out));
	refusal.is_proxy = false;
	refusal.sent = buf_span(&out);
	(void)auth_client_take(&client, &refusal, &pool);
	auth_client_forget(&client);
	return 0;
}
