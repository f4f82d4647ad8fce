/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of RFC 4475 against gate and full check. They are not part of this source: the test
 * reads <name>.dat files from $VOS_TORTURE_DIR, and is skipped where that is not set. */
#include "tests/support/test.h"

#include "switchd/sip/msg.h"

#include <stdio.h>

#define FILE_MAX 65536

enum expect {
	TAKEN,   /* passes both, or at least parses so far that a handler gives the answer */
	REFUSED, /* 400 from the gate or the full check */
	VERSION, /* 505 */
	DROPPED, /* a response that is not used */
};

struct sample {
	const char *name;
	enum expect expect;
};

static const struct sample samples[] = {
	/* 3.1.1: valid. */
	{"wsinv", TAKEN},
	{"intmeth", TAKEN},
	{"esc01", TAKEN},
	{"escnull", TAKEN},
	{"esc02", TAKEN},
	{"lwsdisp", TAKEN},
	{"longreq", TAKEN},
	{"dblreq", TAKEN},
	{"semiuri", TAKEN},
	{"transports", TAKEN},
	{"mpart01", TAKEN},
	{"unreason", TAKEN},
	{"noreason", TAKEN},
	/* 3.1.2: invalid. */
	{"badinv01", REFUSED},
	{"clerr", REFUSED},
	{"ncl", REFUSED},
	{"scalar02", REFUSED},
	{"scalarlg", DROPPED},
	{"quotbal", REFUSED},
	{"ltgtruri", REFUSED},
	{"lwsruri", REFUSED},
	{"lwsstart", REFUSED},
	{"trws", REFUSED},
	{"escruri", REFUSED},
	{"baddate", REFUSED},
	{"regbadct", REFUSED},
	{"badaspec", REFUSED},
	{"baddn", REFUSED},
	{"badvers", VERSION},
	{"mismatch01", REFUSED},
	{"mismatch02", REFUSED},
	{"bigcode", DROPPED},
	/* 3.2: transaction layer. */
	{"badbranch", TAKEN},
	/* 3.3: application layer; the answers that are due are the handlers'. */
	{"insuf", REFUSED},
	{"unkscm", TAKEN},
	{"novelsc", TAKEN},
	{"unksm2", TAKEN},
	{"bext01", TAKEN},
	{"invut", TAKEN},
	{"regaut01", TAKEN},
	{"multi01", REFUSED},
	{"mcl01", REFUSED},
	{"bcast", TAKEN},
	{"zeromf", TAKEN},
	{"cparam01", TAKEN},
	{"cparam02", TAKEN},
	{"regescrt", TAKEN},
	{"sdp01", TAKEN},
	/* 3.4: old clients. */
	{"inv2543", TAKEN},
};

static size_t read_sample(const char *name, char *out)
{
	char path[512];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.dat", getenv("VOS_TORTURE_DIR"), name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s", path);
	len = fread(out, 1, FILE_MAX, file);
	fclose(file);
	assert_in_range(len, SIP_MSG_MIN, FILE_MAX - 1);
	return len;
}

static enum expect judge(const char *name, struct sip_msg *msg, char *data, size_t len)
{
	struct span call_id = sip_scan_call_id(data, len);
	const char *why = NULL;
	const char *what;
	int status = 0;

	switch (sip_msg_parse(msg, data, len, &status, &why)) {
	case SIP_VERDICT_IGNORE:
		return DROPPED;
	case SIP_VERDICT_REJECT:
		assert_non_null(why);
		return status == 505 ? VERSION : REFUSED;
	case SIP_VERDICT_OK:
		break;
	}
	assert_true(span_eq(call_id, msg->call_id));
	if (!sip_msg_agrees(msg, &what))
		fail_msg("%s: index and full parse differ in %s", name, what);
	return sip_msg_check_full(msg, &why) ? TAKEN : REFUSED;
}

static void test_torture(void **state)
{
	static char file[FILE_MAX];
	struct sip_msg *msg = malloc(sizeof(*msg));

	(void)state;
	if (!getenv("VOS_TORTURE_DIR")) {
		free(msg);
		skip();
	}
	assert_non_null(msg);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t len = read_sample(samples[i].name, file);
		char *data = malloc(len);
		enum expect got;

		assert_non_null(data);
		memcpy(data, file, len);
		got = judge(samples[i].name, msg, data, len);
		if (got != samples[i].expect)
			fail_msg("%s: class %d, expected %d", samples[i].name, got,
				 samples[i].expect);
		free(data);
	}
	free(msg);
}

/* Every message cut at every length: no crash, and the cut one is never taken with a body it lacks.
 */
static void test_cut_torture(void **state)
{
	static char file[FILE_MAX];
	struct sip_msg *msg = malloc(sizeof(*msg));

	(void)state;
	if (!getenv("VOS_TORTURE_DIR")) {
		free(msg);
		skip();
	}
	assert_non_null(msg);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t whole = read_sample(samples[i].name, file);

		for (size_t len = 0; len < whole; len++) {
			char *data = malloc(len + !len);
			const char *why;
			int status;

			assert_non_null(data);
			memcpy(data, file, len);
			if (sip_msg_parse(msg, data, len, &status, &why) == SIP_VERDICT_OK)
				assert_true(msg->body.ptr + msg->body.len <= data + len);
			free(data);
		}
	}
	free(msg);
}

TEST_MAIN(cmocka_unit_test(test_torture), cmocka_unit_test(test_cut_torture))
