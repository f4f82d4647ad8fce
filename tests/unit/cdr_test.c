/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of calls: their stored form, and the spool between two threads. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/hash.h"
#include "switchd/cdr/spool.h"
#include "tests/support/state_folder.h"

/* --- Stored form. --- */

static void fill_field(const struct cdr_field *field, struct cdr *cdr, size_t i)
{
	char *at = (char *)cdr + field->offset;

	if (field->kind == CDR_TEXT) {
		snprintf(at, field->size, "%s-%zu", field->column, i);
	} else if (field->kind == CDR_ADDRESS) {
		struct addr addr = {.family = i % 2 ? ADDR_IP4 : ADDR_IP6,
				    .port = (uint16_t)(i + 1)};

		memset(addr.ip, (int)i, i % 2 ? 4 : 16);
		memcpy(at, &addr, sizeof(addr));
	} else {
		int64_t number = i % 3 ? (int64_t)i * 1000003 : -(int64_t)i;

		memcpy(at, &number, sizeof(number));
	}
}

static void fill_all(struct cdr *cdr, size_t from)
{
	memset(cdr, 0, sizeof(*cdr));
	for (size_t i = 0; i < cdr_field_count; i++)
		fill_field(&cdr_fields[i], cdr, i + from);
	cdr->answer_us = 77;
}

static void assert_same(const struct cdr *a, const struct cdr *b)
{
	for (size_t i = 0; i < cdr_field_count; i++) {
		const struct cdr_field *field = &cdr_fields[i];
		const char *one = (const char *)a + field->offset;
		const char *other = (const char *)b + field->offset;

		if (field->kind == CDR_TEXT)
			assert_string_equal(one, other);
		else
			assert_memory_equal(one, other, field->size);
	}
	assert_int_equal(a->answer_us, b->answer_us);
}

static void test_what_is_stored_is_read(void **state)
{
	struct buf bytes = buf_new();
	struct cdr cdr;
	struct cdr read;

	(void)state;
	fill_all(&cdr, 0);
	cdr_encode(&cdr, &bytes);
	assert_false(bytes.failed);
	assert_true(cdr_decode(buf_span(&bytes), &read));
	assert_same(&cdr, &read);
	/* Cut anywhere it is no record. */
	for (size_t len = 0; len < bytes.len; len++)
		assert_false(cdr_decode((struct span){bytes.data, len}, &read));
	buf_free(&bytes);
}

/* A record of a version with fewer fields. */
static void test_fewer_fields(void **state)
{
	struct buf bytes = buf_new();
	struct cdr cdr;
	struct cdr read;

	(void)state;
	fill_all(&cdr, 0);
	cdr_encode(&cdr, &bytes);
	bytes.data[1] = 3; /* flow, key, caller_received */
	assert_true(cdr_decode(buf_span(&bytes), &read));
	assert_string_equal(read.caller_received, cdr.caller_received);
	assert_string_equal(read.caller, "");
	assert_int_equal(read.stop_ms, 0);
	buf_free(&bytes);
}

static void test_merge(void **state)
{
	struct cdr begin;
	struct cdr close;

	(void)state;
	fill_all(&begin, 0);
	fill_all(&close, 50);
	cdr_merge(&begin, &close);
	assert_int_equal(begin.stop_ms, close.stop_ms);
	assert_string_equal(begin.cause_name, close.cause_name);
	assert_string_not_equal(begin.caller, close.caller);
	assert_int_not_equal(begin.start_ms, close.start_ms);
}

static void test_whole_seconds(void **state)
{
	static const int64_t rows[][3] = {
		/* talk_ms, precision_ms, seconds */
		{0, 50, 0},    {49, 50, 0},   {50, 50, 1},         {999, 50, 1}, {1000, 50, 1},
		{1049, 50, 1}, {1050, 50, 2}, {59999, 1000, 59},   {999, 0, 0},  {1999, 0, 1},
		{1001, 1, 2},  {1000, 1, 1},  {7200000, 50, 7200},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cdr_hold_s(rows[i][0], rows[i][1]), rows[i][2]);
}

/* --- Spool. --- */

static void put(struct cdr_spool *spool, int64_t key)
{
	struct cdr cdr = {.key = key, .start_ms = key * 7};

	snprintf(cdr.caller, sizeof(cdr.caller), "%lld", (long long)key);
	cdr_spool_put(spool, CDR_WHOLE, &cdr);
}

/* Reads all there is; the keys go on from *key. */
static void take(struct cdr_spool *spool, uint64_t *position, int64_t *key)
{
	struct cdr_spooled spooled;

	while (cdr_spool_next(spool, position, &spooled)) {
		struct cdr cdr;
		uint64_t key_alone;
		char text[24];

		(*key)++;
		snprintf(text, sizeof(text), "%lld", (long long)*key);
		assert_int_equal(spooled.event, CDR_WHOLE);
		assert_true(cdr_decode((struct span){spooled.record, spooled.len}, &cdr));
		assert_true(cdr_decode_key((struct span){spooled.record, 27}, &key_alone));
		assert_int_equal(key_alone, *key);
		assert_false(cdr_decode_key((struct span){spooled.record, 26}, &key_alone));
		assert_int_equal(cdr.key, *key);
		assert_int_equal(cdr.start_ms, *key * 7);
		assert_string_equal(cdr.caller, text);
	}
}

static struct cdr_spool *open_spool(const char *path)
{
	struct vos_fault fault = {0};
	struct cdr_spool *spool;

	assert_int_equal(cdr_spool_open(path, &spool, &fault), VOS_OK);
	assert_string_equal(fault.text, "");
	return spool;
}

/* Over many rounds of the ring, and over what finds it full. */
static void test_spool_order(void **state)
{
	struct cdr_spool *spool = open_spool(NULL);
	uint64_t position = 0;
	int64_t put_key = 0;
	int64_t took_key = 0;

	(void)state;
	for (int round = 0; round < 30; round++) {
		int count = round % 3 == 0 ? 30000 : 777;

		for (int i = 0; i < count; i++)
			put(spool, ++put_key);
		assert_int_equal(cdr_spool_is_full(spool), count == 30000);
		while (took_key < put_key) {
			take(spool, &position, &took_key);
			cdr_spool_done(spool, position);
			cdr_spool_flush(spool);
		}
		assert_false(cdr_spool_is_full(spool));
		assert_int_equal(cdr_spool_backlog(spool), 0);
	}
	cdr_spool_close(spool);
}

static void test_spool_outlives_its_process(void **state)
{
	void *folder;
	struct cdr_spool *spool;
	uint64_t position = 0;
	int64_t key = 0;
	char path[512];
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(state_folder_make(&folder), 0);
	snprintf(path, sizeof(path), "%s", state_path("a.spool"));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct vos_fault fault = {0};

		if (cdr_spool_open(path, &spool, &fault) != VOS_OK)
			_exit(1);
		for (int64_t i = 1; i <= 1000; i++)
			put(spool, i);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	spool = open_spool(path);
	take(spool, &position, &key);
	assert_int_equal(key, 1000);
	/* Not done: it is there once more. */
	cdr_spool_close(spool);
	spool = open_spool(path);
	position = 0;
	key = 0;
	take(spool, &position, &key);
	assert_int_equal(key, 1000);
	cdr_spool_done(spool, position);
	cdr_spool_close(spool);
	spool = open_spool(path);
	position = 0;
	take(spool, &position, &key);
	assert_int_equal(key, 1000);
	cdr_spool_close(spool);
	state_folder_remove(&folder);
}

/* A torn record ends it; nothing is made up, and it can be used again. */
static void test_spool_damaged(void **state)
{
	void *folder;
	struct cdr_spool *spool;
	uint64_t position = 0;
	int64_t key = 0;
	char path[512];
	int fd;

	(void)state;
	assert_int_equal(state_folder_make(&folder), 0);
	snprintf(path, sizeof(path), "%s", state_path("a.spool"));
	spool = open_spool(path);
	for (int64_t i = 1; i <= 100; i++)
		put(spool, i);
	cdr_spool_close(spool);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "damage", 6, 4096 + 9000), 6);
	close(fd);
	spool = open_spool(path);
	take(spool, &position, &key);
	assert_in_range(key, 5, 99);
	assert_int_equal(cdr_spool_backlog(spool), 0);
	put(spool, ++key);
	key--;
	take(spool, &position, &key);
	cdr_spool_close(spool);
	state_folder_remove(&folder);
}

/* Whichever byte of it a power cut has spoilt. */
static void test_spool_tells_each_byte(void **state)
{
	void *folder;
	struct cdr_spool *spool;
	uint64_t position = 0;
	char path[512];
	int fd;

	(void)state;
	assert_int_equal(state_folder_make(&folder), 0);
	snprintf(path, sizeof(path), "%s", state_path("a.spool"));
	spool = open_spool(path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0, len = 1; i < len; i++) {
		off_t at = 4096 + (off_t)(position + i);
		struct cdr_spooled spooled;
		char byte;

		put(spool, 1);
		len = cdr_spool_backlog(spool);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= (char)(1 << i % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_false(cdr_spool_next(spool, &position, &spooled));
		assert_int_equal(cdr_spool_backlog(spool), 0);
		assert_false(cdr_spool_next(spool, &position, &spooled));
		assert_true(len > 100);
	}
	close(fd);
	cdr_spool_close(spool);
	state_folder_remove(&folder);
}

/* What an earlier version has put has another sum. */
static void test_spool_of_an_earlier_version(void **state)
{
	struct {
		uint32_t len;
		uint32_t event;
		uint64_t sum;
	} frame;
	const struct hash_key none = {0};
	void *folder;
	struct cdr_spool *spool;
	uint64_t position = 0;
	int64_t key = 0;
	char data[CDR_BYTES_MAX];
	char path[512];
	int fd;

	(void)state;
	assert_int_equal(state_folder_make(&folder), 0);
	snprintf(path, sizeof(path), "%s", state_path("a.spool"));
	spool = open_spool(path);
	put(spool, 1);
	put(spool, 2);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &frame, sizeof(frame), 4096), sizeof(frame));
	assert_int_equal(pread(fd, data, frame.len, 4096 + sizeof(frame)), frame.len);
	frame.event = CDR_WHOLE;
	frame.sum = hash_bytes(&none, data, frame.len);
	assert_int_equal(pwrite(fd, &frame, sizeof(frame), 4096), sizeof(frame));
	close(fd);
	take(spool, &position, &key);
	assert_int_equal(key, 2);
	cdr_spool_close(spool);
	state_folder_remove(&folder);
}

TEST_MAIN(cmocka_unit_test(test_what_is_stored_is_read), cmocka_unit_test(test_fewer_fields),
	  cmocka_unit_test(test_merge), cmocka_unit_test(test_whole_seconds),
	  cmocka_unit_test(test_spool_order), cmocka_unit_test(test_spool_outlives_its_process),
	  cmocka_unit_test(test_spool_damaged), cmocka_unit_test(test_spool_tells_each_byte),
	  cmocka_unit_test(test_spool_of_an_earlier_version))
