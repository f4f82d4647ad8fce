/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The storage thread with the real location table: what it wrote is there after a kill -9, and what
 * it could not write it tries again. */
#include "tests/support/location_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "switchd/alarm/alarm.h"
#include "switchd/store/binding_record.h"
#include "switchd/store/store_private.h"
#include "tests/support/state_folder.h"

static int make_folder(void **state)
{
	return state_folder_make(state) ? -1 : setup(state);
}

static int remove_folder(void **state)
{
	teardown(state);
	return state_folder_remove(state);
}

static void put_one(struct location *location, const char *user, const char *contact,
		    int64_t expires_ms)
{
	struct location_update update = update_of(user, contact, expires_ms);

	update.binding.is_nat = true;
	update.binding.socket_index = 2;
	update.binding.q_thousandths = 500;
	assert_int_equal(location_update(location, span_of(user), &update, 1, NULL, NOW),
			 LOCATION_OK);
}

static size_t find_at(struct location *location, const char *user, struct binding *out)
{
	return location_find(location, span_of(user), NOW, out, LOCATION_CONTACTS_MAX);
}

/* A table filled from the store. */
static struct location *reload(struct fixture *fixture, const struct log *log, size_t wanted)
{
	struct store *store = state_open(log);
	struct location *location = NULL;
	size_t count = 0;

	assert_int_equal(location_create(fixture->keepalive, &location), VOS_OK);
	assert_int_equal(store_load_bindings(store, location, NOW, &count), VOS_OK);
	assert_int_equal(count, wanted);
	store_close(store);
	return location;
}

static void stop_writes_what_is_pending(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	struct binding out[LOCATION_CONTACTS_MAX];
	struct location *again;

	put_one(fixture->location, "1001", "sip:1001@10.0.0.5:5062", NOW + 60000);
	put_one(fixture->location, "1001", "sip:1001@10.0.0.6\ttab", NOW + 50000);
	put_one(fixture->location, "1002", "sip:1002@10.0.0.7", NOW + 1);
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);
	store_thread_stop(store);
	store_close(store);
	again = reload(fixture, &state_quiet, 3);
	assert_int_equal(find_at(again, "1001", out), 2);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(out[i].user, "1001");
		assert_string_equal(out[i].user_agent, "Softphone 1.2.3-45.6");
		assert_true(out[i].is_nat);
		assert_int_equal(out[i].socket_index, 2);
		assert_int_equal(out[i].q_thousandths, 500);
		assert_int_equal(out[i].source.port, 5062);
		assert_int_equal(out[i].local.port, 5060);
		assert_int_equal(out[i].call_id_hash, 7);
		assert_int_equal(out[i].cseq, 1);
	}
	assert_int_equal(find_at(again, "1002", out), 1);
	assert_int_equal(out[0].expires_ms, NOW + 1);
	location_destroy(again);
}

static void removed_and_expired_users_are_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	struct location *again = NULL;
	size_t count;

	put_one(fixture->location, "1001", "sip:1001@10.0.0.5", NOW + 60000);
	put_one(fixture->location, "1002", "sip:1002@10.0.0.5", NOW + 1000);
	put_one(fixture->location, "1003", "sip:1003@10.0.0.5", NOW + 60000);
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);
	location_clear(fixture->location, SPAN_LIT("1003"));
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);

	/* At a time when 1002 is over: only 1001 comes, and the record of 1002 goes. */
	assert_int_equal(location_create(fixture->keepalive, &again), VOS_OK);
	assert_int_equal(store_load_bindings(store, again, NOW + 1000, &count), VOS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(store_thread_start(store, again), VOS_OK);
	store_thread_stop(store);
	location_destroy(again);
	store_close(store);
	again = reload(fixture, &state_quiet, 1);
	location_destroy(again);
}

/* More users than one transaction takes, and more bytes than the map begins with. */
static void many_users(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	struct location *again;
	struct binding out[LOCATION_CONTACTS_MAX];

	for (int i = 0; i < 25000; i++) {
		char user[16];

		snprintf(user, sizeof(user), "%d", 100000 + i);
		put_one(fixture->location, user, "sip:someone@198.51.100.7:5062", NOW + 60000);
	}
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);
	store_close(store);
	again = reload(fixture, &state_quiet, 25000);
	assert_int_equal(find_at(again, "124999", out), 1);
	location_destroy(again);
}

/* KiB of the map of the bindings that count as memory of the process. */
static unsigned long resident_map(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long total = 0;
	unsigned long kib;
	bool is_map = false;
	char line[512];

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (strchr(line, '-') && strstr(line, " r--s ") && strstr(line, "data.mdb"))
			is_map = strstr(line, "/bindings/") != NULL;
		else if (is_map && sscanf(line, "Rss: %lu kB", &kib) == 1) {
			total += kib;
			is_map = false;
		}
	}
	fclose(smaps);
	return total;
}

static int touch_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	while (!code && !(code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)))
		*(size_t *)context += ((const char *)record.mv_data)[0];
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

static void pages_of_the_map_are_let_go(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	unsigned long touched;
	size_t sum = 0;

	for (int i = 0; i < 5000; i++) {
		char user[16];

		snprintf(user, sizeof(user), "%d", 100000 + i);
		put_one(fixture->location, user, "sip:someone@198.51.100.7:5062", NOW + 60000);
	}
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);
	assert_int_equal(env_read(&store->bindings, touch_all, &sum, NULL), VOS_OK);
	touched = resident_map();
	assert_true(touched >= 256);
	env_forget_pages(&store->bindings);
	assert_true(resident_map() < touched / 4);
	/* And are there again when they are looked for. */
	sum = 0;
	assert_int_equal(env_read(&store->bindings, touch_all, &sum, NULL), VOS_OK);
	assert_int_equal(sum, 5000);
	store_close(store);
}

struct peek {
	const char *key;
	bool is_there;
};

static int look(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct peek *peek = context;
	MDB_val key = env_val(span_of(peek->key));
	MDB_val record;
	int code = mdb_get(txn, dbi, &key, &record);

	peek->is_there = code == 0;
	return code == MDB_NOTFOUND ? 0 : code;
}

/* Until the storage thread, by itself, has written the user. */
static void await_record(struct store *store, const char *key)
{
	struct peek peek = {.key = key};
	struct timespec pause = {.tv_nsec = 5000000};

	for (;;) {
		if (env_read(&store->bindings, look, &peek, NULL))
			_exit(1);
		if (peek.is_there)
			return;
		nanosleep(&pause, NULL);
	}
}

static void written_bindings_survive_a_kill(void **state)
{
	struct fixture *fixture = *state;
	struct location *again;
	struct binding out[LOCATION_CONTACTS_MAX];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *store = state_open(&state_quiet);

		if (store_thread_start(store, fixture->location))
			_exit(1);
		put_one(fixture->location, "1001", "sip:1001@10.0.0.5", NOW + 60000);
		await_record(store, "b/1001");
		raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	again = reload(fixture, &state_quiet, 1);
	assert_int_equal(find_at(again, "1001", out), 1);
	location_destroy(again);
}

/* A whole line of the log, which the thread writes to a pipe. */
static void await_line(int fd, const char *wanted)
{
	char line[1024];
	size_t len = 0;

	while (len < sizeof(line) - 1 && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
	if (!strstr(line, wanted))
		fail_msg("\"%s\" is not in \"%s\"", wanted, line);
}

/* How many users the test of a full disk has: VOS_TEST_BINDINGS, for those who want to see it at
 * size. */
static unsigned many(void)
{
	const char *text = getenv("VOS_TEST_BINDINGS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 12000;
}

/* While the file may not grow over a size that is reached halfway, what does not fit is not
 * written, which is said once; then all of it is. */
static void failed_writes_are_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct log log = {.threshold = LOG_LEVEL_NOTICE};
	struct location *again;
	struct rlimit old;
	struct rlimit small;
	struct store *store;
	unsigned users = many();
	struct alarms *alarms;
	struct alarm alarm;
	int fds[2];

	assert_int_equal(alarms_create(&state_quiet, &alarms), VOS_OK);
	assert_int_equal(pipe(fds), 0);
	log.fd = fds[1];
	store = state_open(&log);
	store_set_alarms(store, alarms);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = users * 150;
	for (unsigned i = 0; i < users; i++) {
		char user[16];

		snprintf(user, sizeof(user), "%u", 1000000 + i);
		put_one(fixture->location, user, "sip:someone@198.51.100.7:5062", NOW + 60000);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	await_line(fds[0], "bindings are not being stored");
	assert_int_equal(alarms_list(alarms, true, &alarm, 1), 1);
	assert_int_equal(alarm.kind, WORD_ALARM_KIND_DISK);
	assert_non_null(strstr(alarm.text, "registrations are not being stored"));
	/* Meanwhile phones come and go. */
	put_one(fixture->location, "late", "sip:late@198.51.100.7:5062", NOW + 60000);
	location_clear(fixture->location, SPAN_LIT("1000000"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	await_line(fds[0], "bindings are being stored again");
	assert_int_equal(alarms_list(alarms, true, &alarm, 1), 0);
	store_thread_stop(store);
	store_close(store);
	alarms_destroy(alarms);
	close(fds[1]);
	assert_int_equal(read(fds[0], &fds[1], 1), 0); /* no third line */
	close(fds[0]);
	signal(SIGXFSZ, SIG_DFL);
	again = reload(fixture, &state_quiet, users);
	location_destroy(again);
}

/* A record that fails its check sum costs that user, not the start. */
static void a_damaged_record_is_passed_over(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	struct location *again;
	struct binding out[LOCATION_CONTACTS_MAX];
	char bytes[65536];
	size_t len;
	FILE *file;
	char *hit;

	put_one(fixture->location, "1001", "sip:1001@10.0.0.5", NOW + 60000);
	put_one(fixture->location, "1002", "sip:quixote@10.0.0.5", NOW + 60000);
	assert_int_equal(store_thread_start(store, fixture->location), VOS_OK);
	store_thread_stop(store);
	store_close(store);
	file = fopen(state_path("state/bindings/data.mdb"), "r+b");
	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	hit = memmem(bytes, len, "quixote", 7);
	assert_non_null(hit);
	assert_int_equal(fseek(file, hit - bytes, SEEK_SET), 0);
	assert_int_equal(fputc('Q', file), 'Q');
	assert_int_equal(fclose(file), 0);
	again = reload(fixture, &state_quiet, 1);
	assert_int_equal(find_at(again, "1001", out), 1);
	assert_int_equal(find_at(again, "1002", out), 0);
	location_destroy(again);
}

struct put {
	struct span key;
	struct span record;
};

static int put_one_record(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct put *put = context;
	MDB_val key = env_val(put->key);
	MDB_val record = env_val(put->record);

	return mdb_put(txn, dbi, &key, &record, 0);
}

static void put_record(struct store *store, struct span key, struct span record)
{
	struct put put = {key, record};

	assert_int_equal(env_write(&store->bindings, put_one_record, &put, NULL), VOS_OK);
}

/* Every cut of a line is refused, but for those after which an earlier version would have ended. */
static void lines_that_are_cut_are_refused(void **state)
{
	struct location_update update = update_of("1001", "sip:\\a\tb\nc@10.0.0.5", NOW);
	struct buf record = buf_new();
	struct buf word = buf_new();
	unsigned accepted = 0;
	struct binding out;
	struct span line;

	(void)state;
	update.binding.is_stream = true;
	update.binding.reg_id = 7;
	snprintf(update.binding.instance, sizeof(update.binding.instance), "urn:uuid:1");
	snprintf(update.binding.path, sizeof(update.binding.path), "<sip:edge;lr>,\t<sip:b>");
	binding_write(&record, &update.binding, 5000);
	line = (struct span){record.data, record.len - 1};
	assert_int_equal(binding_parse(line, SPAN_LIT("1001"), &word, &out), VOS_OK);
	assert_string_equal(out.contact, update.binding.contact);
	assert_int_equal(out.registered_ms, NOW + 5000);
	assert_int_equal(out.expires_ms, NOW + 5000);
	assert_true(out.is_stream);
	assert_string_equal(out.instance, update.binding.instance);
	assert_string_equal(out.path, update.binding.path);
	assert_int_equal(out.reg_id, 7);
	/* Up to the last tab every cut lacks a word. */
	while (line.len > 0 && line.ptr[line.len - 1] != '\t')
		line.len--;
	for (line.len--; line.len > 0; line.len--) {
		bool is_whole_word = line.ptr[line.len] == '\t';
		enum vos_err err = binding_parse(line, SPAN_LIT("1001"), &word, &out);

		/* Inside the last number that an earlier version wrote a cut is a smaller number:
		 * the check sum of the record is for that. */
		if (err == VOS_OK && is_whole_word) {
			accepted++;
			assert_string_equal(out.path, "");
		}
	}
	assert_int_equal(accepted, 2);
	assert_int_equal(binding_parse(SPAN_NONE, SPAN_LIT("1001"), &word, &out), VOS_EINVAL);
	buf_free(&record);
	buf_free(&word);
}

static void a_plain_binding_writes_nothing_rare(void **state)
{
	struct location_update update = update_of("1001", "sip:a@h", NOW);
	struct buf record = buf_new();
	size_t tabs = 0;

	(void)state;
	binding_write(&record, &update.binding, 0);
	for (size_t i = 0; i < record.len; i++)
		tabs += record.data[i] == '\t';
	assert_int_equal(tabs, 11);
	assert_int_equal(record.data[record.len - 1], '\n');
	buf_free(&record);
}

/* An earlier version took these for two. */
static void equal_contacts_become_one_at_start(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = state_open(&state_quiet);
	struct location *again = NULL;
	struct buf record = buf_new();
	struct buf key = buf_new();
	struct binding out[LOCATION_CONTACTS_MAX];
	size_t count;
	struct location_update update = update_of("1001", "sip:a@h", NOW + 60000);

	record_begin(&record);
	binding_write(&record, &update.binding, 0);
	snprintf(update.binding.contact, sizeof(update.binding.contact), "SIP:a@H");
	binding_write(&record, &update.binding, 0);
	snprintf(update.binding.contact, sizeof(update.binding.contact), "sip:b@h");
	binding_write(&record, &update.binding, 0);
	assert_int_equal(key_of_user("1001", &key), VOS_OK);
	record_seal(&record, &store->sum_key, buf_span(&key));
	put_record(store, buf_span(&key), buf_span(&record));
	assert_int_equal(location_create(fixture->keepalive, &again), VOS_OK);
	assert_int_equal(store_load_bindings(store, again, NOW, &count), VOS_OK);
	assert_int_equal(count, 2);
	assert_int_equal(find_at(again, "1001", out), 2);
	assert_int_equal(store_thread_start(store, again), VOS_OK);
	store_thread_stop(store);
	location_destroy(again);
	store_close(store);
	again = reload(fixture, &state_quiet, 2);
	location_destroy(again);
	buf_free(&record);
	buf_free(&key);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

TEST_MAIN(STORE_TEST(stop_writes_what_is_pending),
	  STORE_TEST(removed_and_expired_users_are_forgotten), STORE_TEST(many_users),
	  STORE_TEST(pages_of_the_map_are_let_go), STORE_TEST(written_bindings_survive_a_kill),
	  STORE_TEST(failed_writes_are_tried_again), STORE_TEST(a_damaged_record_is_passed_over),
	  STORE_TEST(equal_contacts_become_one_at_start),
	  cmocka_unit_test(lines_that_are_cut_are_refused),
	  cmocka_unit_test(a_plain_binding_writes_nothing_rare))
