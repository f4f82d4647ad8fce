/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder: what is kept over a restart, a kill -9, damage and a full file system. */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "switchd/store/store.h"
#include "tests/support/changes.h"

static const struct log quiet = {.fd = -1, .threshold = LOG_LEVEL_ERROR};

static char root[64];

/* A folder in memory where there is one: what is tested is the order of writes, not the disk. */
static int make_root(void **state)
{
	(void)state;
	strcpy(root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/store-test-XXXXXX"
						   : "/tmp/store-test-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_root(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static struct store *open_state(void)
{
	struct vos_fault fault = {0};
	struct store *store = NULL;

	if (store_open(&quiet, in_root("state"), &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

static enum vos_err try_open(struct vos_fault *fault)
{
	struct store *store = NULL;
	enum vos_err err = store_open(&quiet, in_root("state"), &store, fault);

	store_close(store);
	return err;
}

static struct snapshot *load(struct store *store)
{
	struct vos_fault fault = {0};
	struct snapshot *snapshot = NULL;

	if (store_load_config(store, &snapshot, &fault))
		fail_msg("%s", fault.text);
	return snapshot;
}

/* Commits the list (which is then empty) on the snapshot, which is replaced. */
static void commit(struct store *store, struct snapshot **current, struct change_list *list)
{
	struct vos_fault fault = {0};
	struct snapshot *after = NULL;

	if (snapshot_apply(*current, list, snapshot_generation(*current) + 1, &after, &fault))
		fail_msg("%s", fault.text);
	if (store_commit(store, list, *current, after, "alice", "try\tthis\nout", 1795219142000,
			 &fault))
		fail_msg("%s", fault.text);
	change_list_clear(list);
	snapshot_unref(*current);
	*current = after;
}

static void fill(struct change_list *list)
{
	changes_create(list, "network", "lan");
	changes_field(list, "network", "lan", "prefix", "10.0.0.0/8");
	for (int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "1%03d", i);
		changes_create(list, "phone", key);
		changes_field(list, "phone", key, "name", "back\\slash \\n Z\xc3\xbcrich");
		changes_field(list, "phone", key, "network", "lan");
	}
	changes_create(list, "routing-gateway", "a/b");
	changes_field(list, "routing-gateway", "a/b", "address", "192.0.2.1:5070");
	changes_field(list, "routing-gateway", "a/b", "address", "[2001:db8::1]:5060");
	changes_field(list, "", "", "hostname", "sw1");
	changes_field(list, "logging", "", "level", "debug");
	changes_param(list, "SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "");
	changes_param(list, "SS_SIP_SESSION_TTL", "600");
	changes_param(list, "SS_SIP_RESEND_INTERVAL", "0.25,1,2.5");
	changes_param(list, "SS_ENDPOINT_EXPIRE", "60/120");
	changes_param(list, "SS_RTP_PORT_RANGE", "20000,20999");
}

static void a_new_folder_is_made(void **state)
{
	struct store *store = open_state();
	struct snapshot *snapshot = load(store);
	struct generation_info info;
	struct stat st;

	(void)state;
	assert_int_equal(snapshot_generation(snapshot), 0);
	assert_int_equal(store_generations(store, &info, 1), 0);
	assert_int_equal(stat(in_root("state"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(in_root("state/host.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, SECRET_KEY_BYTES);
	snapshot_unref(snapshot);
	store_close(store);
}

static void the_key_stays(void **state)
{
	struct store *store = open_state();
	struct secret_key key = *store_key(store);

	(void)state;
	store_close(store);
	assert_int_equal(chmod(in_root("state/host.key"), 0644), 0);
	store = open_state();
	assert_memory_equal(store_key(store)->bytes, key.bytes, sizeof(key.bytes));
	store_close(store);
	{
		struct stat st;

		assert_int_equal(stat(in_root("state/host.key"), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void wrong_folders_are_refused(void **state)
{
	struct vos_fault fault = {0};
	struct store *store = NULL;
	int fd;

	(void)state;
	assert_int_equal(store_open(&quiet, in_root("no/state"), &store, &fault), VOS_ENOENT);
	assert_non_null(strstr(fault.text, "parent folder does not exist"));
	assert_int_not_equal(access(in_root("no"), F_OK), 0);
	fd = open(in_root("file"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(store_open(&quiet, in_root("file"), &store, &fault), VOS_ENOENT);
	assert_null(store);
}

static void a_second_switchd_is_refused(void **state)
{
	struct store *store = open_state();
	struct vos_fault fault = {0};
	char wanted[512];

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "state folder %s is in use by switchd pid %ld; stop it or give another --state",
		 in_root("state"), (long)getpid());
	assert_int_equal(try_open(&fault), VOS_EINUSE);
	assert_string_equal(fault.text, wanted);
	store_close(store);
	assert_int_equal(try_open(&fault), VOS_OK);
}

static void what_was_committed_is_loaded(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *again;
	struct change_list list = {0};
	struct change_list diff = {0};
	struct generation_info info[3];
	char *wanted;
	char *got;

	(void)state;
	fill(&list);
	commit(store, &current, &list);
	changes_delete(&list, "phone", "1005");
	changes_param_reset(&list, "SS_SIP_SESSION_TTL");
	changes_field_reset(&list, "logging", "", "level", NULL);
	commit(store, &current, &list);
	store_close(store);

	store = open_state();
	again = load(store);
	assert_int_equal(snapshot_generation(again), 2);
	wanted = changes_text(current);
	got = changes_text(again);
	assert_string_equal(got, wanted);
	assert_int_equal(snapshot_diff(current, again, &diff), VOS_OK);
	assert_int_equal(diff.count, 0);
	assert_int_equal(store_generations(store, info, 3), 2);
	assert_int_equal(info[0].number, 2);
	assert_int_equal(info[0].change_count, 3);
	assert_int_equal(info[1].number, 1);
	assert_string_equal(info[1].author, "alice");
	assert_string_equal(info[1].comment, "try\tthis\nout");
	assert_int_equal(info[1].time_ms, 1795219142000);
	free(wanted);
	free(got);
	snapshot_unref(current);
	snapshot_unref(again);
	store_close(store);
}

/* Every value the catalogue can print is read back: each enum word, each bound, each default. */
static void every_parameter_is_read_back(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *again;
	struct change_list list = {0};

	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct param *param = param_get((enum param_id)i);
		struct change change = {.op = CHANGE_PARAM_SET, .param = (enum param_id)i};
		struct buf text = buf_new();

		switch (param->spec.type) {
		case VALUE_BOOL:
			buf_add_str(&text, strcmp(param->default_text, "on") ? "on" : "off");
			break;
		case VALUE_ENUM:
			buf_add_str(&text, param->spec.words[param->spec.max]);
			break;
		case VALUE_INT:
		case VALUE_DURATION:
			buf_printf(&text, "%lld", (long long)param->spec.max);
			break;
		default:
			buf_add_str(&text, param->default_text);
			break;
		}
		if (value_parse(&param->spec, param->name, buf_span(&text), &change.value, NULL) ==
		    VOS_OK) {
			change.key = strdup("");
			assert_int_equal(change_list_add(&list, &change), VOS_OK);
		}
		buf_free(&text);
	}
	assert_true(list.count > 100);
	commit(store, &current, &list);
	again = load(store);
	assert_int_equal(snapshot_diff(current, again, &list), VOS_OK);
	assert_int_equal(list.count, 0);
	snapshot_unref(current);
	snapshot_unref(again);
	store_close(store);
}

static void fifty_generations_are_kept(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *before = NULL;
	struct generation_info info[60];
	struct change_list list = {0};
	struct snapshot *back;
	char *wanted;
	char *got;

	(void)state;
	for (int i = 1; i <= 200; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", 1000 + i % 7);
		if (i % 3 == 0 && snapshot_object_find(current, OBJECT_PHONE, span_of(key))) {
			changes_delete(&list, "phone", key);
		} else {
			changes_create(&list, "phone", key);
			changes_field(&list, "phone", key, "name", key);
			changes_field(&list, "phone", key, "forward-always", key);
		}
		snprintf(key, sizeof(key), "%d", 100 + i);
		changes_param(&list, "SS_SIP_SESSION_TTL", key);
		if (i == 200)
			before = snapshot_ref(current);
		commit(store, &current, &list);
	}
	assert_int_equal(store_generations(store, info, 60), 50);
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(info[i].number, 200 - i);
	assert_int_equal(store_generations(store, info, 3), 3);
	assert_int_equal(store_generation_changes(store, 150, true, &list), VOS_ENOENT);
	assert_int_equal(store_generation_changes(store, 201, false, &list), VOS_ENOENT);
	assert_int_equal(store_generation_changes(store, 151, true, &list), VOS_OK);
	change_list_clear(&list);

	/* Taking back the last one gives the one before, and doing it again the last one. */
	assert_int_equal(store_generation_changes(store, 200, true, &list), VOS_OK);
	back = changes_apply(current, &list);
	wanted = changes_text(before);
	got = changes_text(back);
	assert_string_equal(got, wanted);
	free(wanted);
	free(got);
	assert_int_equal(store_generation_changes(store, 200, false, &list), VOS_OK);
	snapshot_unref(before);
	before = changes_apply(back, &list);
	assert_int_equal(snapshot_diff(before, current, &list), VOS_OK);
	assert_int_equal(list.count, 0);
	snapshot_unref(before);
	snapshot_unref(back);
	snapshot_unref(current);
	store_close(store);
}

static void a_stale_base_is_refused(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *old = snapshot_ref(current);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct snapshot *after;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	commit(store, &current, &list);
	changes_param(&list, "SS_SIP_SESSION_TTL", "700");
	assert_int_equal(snapshot_apply(old, &list, 2, &after, NULL), VOS_OK);
	assert_int_equal(store_commit(store, &list, old, after, "bob", "", 1, &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_CONFLICT_GENERATION);
	change_list_clear(&list);
	snapshot_unref(after);
	snapshot_unref(old);
	old = load(store);
	assert_int_equal(snapshot_generation(old), 1);
	assert_int_equal(snapshot_number(old, PARAM_SS_SIP_SESSION_TTL), 600);
	snapshot_unref(old);
	snapshot_unref(current);
	store_close(store);
}

/* Far more than the map begins with, in one commit. */
static void the_map_grows(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *again;
	struct change_list list = {0};
	struct stat st;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", 100000 + i);
		changes_create(&list, "phone", key);
		changes_field(&list, "phone", key, "name", "a name of some length, to fill pages");
	}
	commit(store, &current, &list);
	assert_int_equal(stat(in_root("state/config/data.mdb"), &st), 0);
	assert_true(st.st_size > 2 << 20);
	store_close(store);
	store = open_state();
	again = load(store);
	assert_int_equal(snapshot_object_count(again, OBJECT_PHONE), 20000);
	snapshot_unref(again);
	snapshot_unref(current);
	store_close(store);
}

/* Commits for ever; each is told to the parent when store_commit has returned. */
static void commit_for_ever(int out)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct change_list list = {0};

	for (;;) {
		uint64_t number = snapshot_generation(current) + 1;
		char key[32];

		snprintf(key, sizeof(key), "%llu", (unsigned long long)number);
		changes_create(&list, "phone", key);
		changes_param(&list, "SERVER_CDR_FILE_WRITE_MAX", key);
		commit(store, &current, &list);
		if (write(out, &number, sizeof(number)) != (ssize_t)sizeof(number))
			_exit(1);
	}
}

static void acknowledged_commits_survive_a_kill(void **state)
{
	uint64_t acknowledged = 0;

	(void)state;
	for (int round = 0; round < 8; round++) {
		uint64_t number = 0;
		struct snapshot *snapshot;
		struct generation_info info;
		struct store *store;
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			commit_for_ever(fds[1]);
		}
		close(fds[1]);
		for (int i = 0; i < 3 + round * 5; i++)
			assert_int_equal(read(fds[0], &number, sizeof(number)), sizeof(number));
		kill(pid, SIGKILL);
		while (read(fds[0], &number, sizeof(number)) == (ssize_t)sizeof(number))
			acknowledged = number;
		close(fds[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (number > acknowledged)
			acknowledged = number;

		store = open_state();
		snapshot = load(store);
		assert_true(snapshot_generation(snapshot) >= acknowledged);
		assert_true(snapshot_generation(snapshot) <= acknowledged + 1);
		assert_int_equal(snapshot_object_count(snapshot, OBJECT_PHONE),
				 snapshot_generation(snapshot));
		assert_int_equal(store_generations(store, &info, 1), 1);
		assert_int_equal(info.number, snapshot_generation(snapshot));
		snapshot_unref(snapshot);
		store_close(store);
	}
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t)size + 1);
	assert_non_null(bytes);
	*len = fread(bytes, 1, (size_t)size, file);
	fclose(file);
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

#define DATA "state/config/data.mdb"

/* Opens and loads, and commits when that worked. True when the file was taken; the text is then
 * that of one of two generations. */
static bool try_damaged(const char *newest, const char *before)
{
	struct vos_fault fault = {0};
	struct snapshot *snapshot = NULL;
	struct store *store = NULL;
	enum vos_err err = store_open(&quiet, in_root("state"), &store, &fault);
	bool is_known;
	char *text;

	if (!err)
		err = store_load_config(store, &snapshot, &fault);
	if (err) {
		assert_int_equal(err, VOS_ECORRUPT);
		assert_true(strlen(fault.text) > 20);
		store_close(store);
		return false;
	}
	text = changes_text(snapshot);
	is_known = strcmp(text, newest) == 0 || strcmp(text, before) == 0;
	if (!is_known)
		print_message("read as:\n%s", text);
	assert_true(is_known);
	free(text);
	{
		struct change_list list = {0};

		changes_param(&list, "SS_SIP_SESSION_TTL", "777");
		changes_create(&list, "phone", "2000");
		commit(store, &snapshot, &list);
	}
	snapshot_unref(snapshot);
	store_close(store);
	return true;
}

/* One byte anywhere: refused, or of no account; never a crash, never other values. */
static void flipped_bytes_are_found(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct change_list list = {0};
	uint64_t random = 88172645463325252u;
	char *texts[2];
	size_t refused = 0;
	size_t len;
	char *bytes;

	(void)state;
	fill(&list);
	commit(store, &current, &list);
	texts[1] = changes_text(current);
	changes_delete(&list, "phone", "1001");
	commit(store, &current, &list);
	texts[0] = changes_text(current);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(in_root(DATA), &len);

	for (int i = 0; i < 600; i++) {
		size_t at;
		uint8_t bits;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = random % len;
		/* A third of them into the meta pages and the heads of pages. */
		if (i % 3 == 0)
			at = random % (len / 4096) * 4096 + random / 4096 % 152;
		bits = (uint8_t)(1u << (random >> 61));
		bytes[at] ^= (char)bits;
		write_file(in_root(DATA), bytes, len);
		bytes[at] ^= (char)bits;
		refused += !try_damaged(texts[0], texts[1]);
	}
	assert_true(refused > 50);
	free(bytes);
	free(texts[0]);
	free(texts[1]);
}

static void a_record_that_was_altered_is_named(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	size_t len;
	char *bytes;
	char *hit;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "Quixote");
	commit(store, &current, &list);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(in_root(DATA), &len);
	/* The object's record, not the generation's line about it. */
	hit = memmem(bytes, len, "name\tQuixote\n", 13);
	while (hit && memmem(hit - 40, 40, "o/phone/1001", 12) == NULL)
		hit = memmem(hit + 1, len - (size_t)(hit + 1 - bytes), "name\tQuixote\n", 13);
	assert_non_null(hit);
	hit[5] = 'X';
	write_file(in_root(DATA), bytes, len);
	free(bytes);
	store = open_state();
	current = NULL;
	assert_int_equal(store_load_config(store, &current, &fault), VOS_ECORRUPT);
	assert_null(current);
	assert_non_null(strstr(fault.text, "record o/phone/1001 fails its check sum"));
	assert_non_null(strstr(fault.text, "backup"));
	store_close(store);
}

static void garbage_and_short_files_are_refused(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	char *texts[2];
	size_t len;
	char *bytes;

	(void)state;
	texts[1] = changes_text(current);
	fill(&list);
	commit(store, &current, &list);
	texts[0] = changes_text(current);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(in_root(DATA), &len);
	for (size_t size = 1; size < len; size += 1021) {
		write_file(in_root(DATA), bytes, size);
		try_damaged(texts[0], texts[1]);
	}
	write_file(in_root(DATA), bytes, 8192);
	assert_int_equal(try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "config/data.mdb is damaged"));
	memset(bytes, 'x', len);
	write_file(in_root(DATA), bytes, len);
	assert_int_equal(try_open(&fault), VOS_ECORRUPT);
	memset(bytes, 0, len);
	write_file(in_root(DATA), bytes, len);
	assert_int_equal(try_open(&fault), VOS_ECORRUPT);
	/* Nothing in it is as good as no file: LMDB makes it, and may be killed before it writes.
	 */
	write_file(in_root(DATA), bytes, 0);
	assert_int_equal(try_open(&fault), VOS_OK);
	free(bytes);
	free(texts[0]);
	free(texts[1]);
}

static void a_lost_key_is_refused(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	commit(store, &current, &list);
	snapshot_unref(current);
	store_close(store);
	write_file(in_root("state/host.key"), "short", 5);
	assert_int_equal(try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "is not 32 bytes long"));
	assert_int_equal(remove(in_root("state/host.key")), 0);
	assert_int_equal(try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "host.key is missing"));
	/* Another host's key opens the folder, and no record. */
	write_file(in_root("state/host.key"), "0123456789abcdef0123456789abcdef", 32);
	store = open_state();
	assert_int_equal(store_load_config(store, &current, &fault), VOS_ECORRUPT);
	store_close(store);
}

/* In a child without root's rights; exits with the error's number. */
static int open_unprivileged(void)
{
	struct vos_fault fault = {0};

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 100;
	return -(int)try_open(&fault);
}

static int in_child(int (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void folders_that_cannot_be_written(void **state)
{
	(void)state;
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(mkdir(in_root("state"), 0700), 0);
	assert_int_equal(chmod(in_root("state"), 0555), 0);
	assert_int_equal(in_child(open_unprivileged), -VOS_EPERM);
	/* One level up. */
	assert_int_equal(remove(in_root("state")), 0);
	assert_int_equal(chmod(root, 0555), 0);
	assert_int_equal(in_child(open_unprivileged), -VOS_EPERM);
	assert_int_equal(chmod(root, 0700), 0);
}

/* No file may grow beyond some pages: what a full file system does, without one. */
static void a_failed_write_changes_nothing(void **state)
{
	struct store *store = open_state();
	struct snapshot *current = load(store);
	struct snapshot *after = NULL;
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct rlimit old;
	struct rlimit small;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	commit(store, &current, &list);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 32768;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill(&list);
	for (int i = 0; i < 500; i++) {
		char key[16];

		snprintf(key, sizeof(key), "3%03d", i);
		changes_create(&list, "phone", key);
	}
	assert_int_equal(snapshot_apply(current, &list, 2, &after, NULL), VOS_OK);
	assert_int_not_equal(store_commit(store, &list, current, after, "a", "", 1, &fault),
			     VOS_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(strlen(fault.text) > 0);
	snapshot_unref(after);
	after = load(store);
	assert_int_equal(snapshot_generation(after), 1);
	snapshot_unref(after);
	/* The same process goes on once there is room. */
	commit(store, &current, &list);
	store_close(store);
	store = open_state();
	after = load(store);
	assert_int_equal(snapshot_generation(after), 2);
	assert_int_equal(snapshot_object_count(after, OBJECT_PHONE), 540);
	snapshot_unref(after);
	snapshot_unref(current);
	store_close(store);
	signal(SIGXFSZ, SIG_DFL);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

TEST_MAIN(STORE_TEST(a_new_folder_is_made), STORE_TEST(the_key_stays),
	  STORE_TEST(wrong_folders_are_refused), STORE_TEST(a_second_switchd_is_refused),
	  STORE_TEST(what_was_committed_is_loaded), STORE_TEST(every_parameter_is_read_back),
	  STORE_TEST(fifty_generations_are_kept), STORE_TEST(a_stale_base_is_refused),
	  STORE_TEST(the_map_grows), STORE_TEST(acknowledged_commits_survive_a_kill),
	  STORE_TEST(flipped_bytes_are_found), STORE_TEST(a_record_that_was_altered_is_named),
	  STORE_TEST(garbage_and_short_files_are_refused), STORE_TEST(a_lost_key_is_refused),
	  STORE_TEST(folders_that_cannot_be_written), STORE_TEST(a_failed_write_changes_nothing))
