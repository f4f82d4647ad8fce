/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The algorithms of digest authentication (RFC 7616 section 3.3, RFC 8760) by name. What they do
 * is in switchd/auth. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/span.h"

/* In the order in which challenges offer them, strongest first. */
enum digest_algorithm {
	DIGEST_SHA256,
	DIGEST_SHA256_SESS,
	DIGEST_MD5,
	DIGEST_MD5_SESS,
	DIGEST_ALGORITHM_COUNT, /* also: none that is known */
};

#define DIGEST_BIT(algorithm) (1u << (algorithm))

/* As it stands in a header: "SHA-256-sess". */
const char *digest_algorithm_name(enum digest_algorithm algorithm);
/* Case-insensitive. */
enum digest_algorithm digest_algorithm_find(struct span name);

/* "sha-256,md5" in any case and order, commas or blanks between: a set of DIGEST_BITs. False for an
 * unknown name, one that comes twice, and for none. */
bool digest_algorithms_parse(struct span text, unsigned *set);
/* The canonical spelling: lower case, strongest first, commas. */
void digest_algorithms_print(unsigned set, struct buf *out);
