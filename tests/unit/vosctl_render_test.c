/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vosctl prints, against the files of tests/golden/render; VOS_GOLDEN=write in the environment
 * writes them anew, to be looked at before they are committed. */
#include "tests/support/test.h"

#include <stdio.h>

#include "vosctl/render/output.h"
#include "vosctl/render/table.h"

static struct buf printed;

static void keep(void *context, const char *data, size_t len)
{
	(void)context;
	buf_add(&printed, data, len);
}

static void ignore_warning(void *context, const struct vos_fault *fault, bool is_error)
{
	(void)context;
	(void)fault;
	(void)is_error;
}

static char *read_golden(const char *path)
{
	FILE *file = fopen(path, "r");
	struct buf text = buf_new();
	char piece[4096];
	size_t len;

	if (!file)
		fail_msg("%s is missing", path);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, len);
	fclose(file);
	buf_cstr(&text);
	return text.data;
}

static void assert_golden(const char *name)
{
	const char *root = getenv("VOS_SOURCE_DIR");
	const char *mode = getenv("VOS_GOLDEN");
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/golden/render/%s", root ? root : ".", name);
	if (mode && strcmp(mode, "write") == 0) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fwrite(printed.data, 1, printed.len, file);
		fclose(file);
	} else {
		char *golden = read_golden(path);

		assert_string_equal(buf_cstr(&printed), golden);
		free(golden);
	}
	buf_free(&printed);
}

static const char columns_text[] =
	"[{\"name\":\"phone\",\"type\":\"text\",\"unit\":\"\",\"header\":\"PHONE\",\"width\":8},"
	"{\"name\":\"agent\",\"type\":\"text\",\"unit\":\"\",\"header\":\"AGENT\",\"width\":10},"
	"{\"name\":\"is_nat\",\"type\":\"bool\",\"unit\":\"\",\"header\":\"NAT\",\"width\":3},"
	"{\"name\":\"expires_s\",\"type\":\"int\",\"unit\":\"s\",\"header\":\"EXPIRES\",\"width\":"
	"7},"
	"{\"name\":\"note\",\"type\":\"text\",\"unit\":\"\",\"header\":\"NOTE\",\"width\":20,"
	"\"show\":\"fits\"}]";

static const char rows_text[] =
	"[[\"1001\",\"Acme, \\\"Deluxe\\\" phone of many words\",true,300,\"sealed v1:abc_DEF-9\"],"
	"[\"13800138000\",\"J\xc3\xbcrgen\",false,7,null],"
	"[\"1003\",\"\\u001b[31mred\\u0007 \\u009b2J\",null,3600,\"two\\nlines\"]]";

static const char item_text[] =
	"{\"id\":\"00000000000000ab\",\"is_relayed\":true,\"age_s\":12,\"cause\":null,"
	"\"size_bytes\":42,\"legs\":[{\"leg\":\"a\",\"number\":\"1001\"},{\"leg\":\"b\","
	"\"number\":\"13800138000\"}],\"attempts\":[],\"names\":[\"x\",\"y\"]}";

static const struct client_info info = {.generation = 43};

static struct output_options options(enum output_format format, int width)
{
	return (struct output_options){
		.format = format,
		.width = width,
		.write = keep,
		.warn = ignore_warning,
		.info = &info,
		.now_ms = 1763683142000,
	};
}

static struct match *line_match(const char *line)
{
	struct grammar *grammar = grammar_create();
	struct mode mode = {.kind = MODE_EXEC};
	struct match *match = calloc(1, sizeof(*match));
	struct vos_fault fault = {0};

	assert_non_null(match);
	if (grammar_match(grammar, &mode, span_of(line), match, &fault) != VOS_OK)
		fail_msg("%s: %s", line, fault.text);
	grammar_destroy(grammar);
	return match;
}

static struct output *open_output(const struct output_options *opts, const char *line)
{
	struct match *match = line ? line_match(line) : NULL;
	struct vos_fault fault = {0};
	struct output *output;

	if (output_open(opts, match, &output, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	free(match);
	return output;
}

static void close_output(struct output *output, const struct vos_fault *fault)
{
	const struct client_status status = {.mode = "config", .pending = 2};

	assert_int_equal(output_close(output, &status, fault, NULL), VOS_OK);
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* The sample table through a format and the pipes of a line. */
static void print_table(enum output_format format, int width, const char *line,
			const struct vos_fault *fault)
{
	const struct output_options opts = options(format, width);
	struct output *output = open_output(&opts, line);
	const struct client_sink *sink = output_sink(output);
	json_t *columns = parse(columns_text);
	json_t *rows = parse(rows_text);

	sink->columns(sink->context, "registrations/1", columns);
	sink->rows(sink->context, rows);
	json_decref(columns);
	json_decref(rows);
	close_output(output, fault);
}

static void print_item_in(enum output_format format, int width, const char *line)
{
	const struct output_options opts = options(format, width);
	struct output *output = open_output(&opts, line);
	const struct client_sink *sink = output_sink(output);
	json_t *item = parse(item_text);

	sink->item(sink->context, "call/1", item);
	json_decref(item);
	close_output(output, NULL);
}

static void print_item(enum output_format format, const char *line)
{
	print_item_in(format, 0, line);
}

static void print_text(enum output_format format, const char *line)
{
	const struct output_options opts = options(format, 0);
	struct output *output = open_output(&opts, line);
	const struct client_sink *sink = output_sink(output);

	sink->text(sink->context, "phone 1001\n name \"x\"\n pass");
	sink->text(sink->context, "word sealed v1:abc\n exit\nphone 13800138000\n exit\nend\n");
	close_output(output, NULL);
}

static void tables(void **state)
{
	(void)state;
	print_table(OUTPUT_TEXT, 0, NULL, NULL);
	assert_golden("table.txt");
	print_table(OUTPUT_TEXT, 80, NULL, NULL);
	assert_golden("table-80.txt");
	print_table(OUTPUT_TEXT, 40, NULL, NULL);
	assert_golden("table-40.txt");
	/* Not even cut do the columns fit: a record a row, which filters still take as one. */
	print_table(OUTPUT_TEXT, 20, NULL, NULL);
	assert_golden("records-20.txt");
	print_table(OUTPUT_TEXT, 16, "show registrations | include Jürgen", NULL);
	assert_golden("records-16.txt");
	print_table(OUTPUT_TEXT, 16, "show registrations | count", NULL);
	assert_golden("records-count.txt");
	print_table(OUTPUT_CSV, 0, NULL, NULL);
	assert_golden("table.csv");
	print_table(OUTPUT_TEXT, 0, "show registrations | redact", NULL);
	assert_golden("table-redact.txt");
}

static void documents(void **state)
{
	struct vos_fault fault = {.line = 1};

	(void)state;
	print_table(OUTPUT_JSON, 0, NULL, NULL);
	assert_golden("table.json");
	print_table(OUTPUT_NDJSON, 0, NULL, NULL);
	assert_golden("table.ndjson");
	print_table(OUTPUT_TEXT, 0, "show registrations | include 1001 | json", NULL);
	assert_golden("table-include.json");
	print_table(OUTPUT_TEXT, 0, "show registrations | count | json", NULL);
	assert_golden("table-count.json");
	fault_set(&fault, FAULT_CONN_LOST, 3, "the connection was lost");
	print_table(OUTPUT_JSON, 0, NULL, &fault);
	assert_golden("table-broken.json");
	print_item(OUTPUT_JSON, NULL);
	assert_golden("item.json");
	print_item(OUTPUT_NDJSON, NULL);
	assert_golden("item.ndjson");
	print_text(OUTPUT_JSON, "show running-config");
	assert_golden("text.json");
}

static void lines_are_folded(void **state)
{
	static const struct {
		const char *text;
		int width;
		const char *folded;
	} cases[] = {
		{"short", 5, "short"},
		{"a long name of it", 12, "a long name\n  of it"},
		{"name: aaaaaaaaaaaaaaaaaaaa", 12, "name: aaaaaa\n  aaaaaaaaaa\n  aaaa"},
		{"x 漢字漢字漢字漢字漢字", 12, "x 漢字漢字漢\n  字漢字漢字"},
		{"name: SS_SIP_NAT_KEEP_ALIVE", 24, "name:\n  SS_SIP_NAT_KEEP_ALIVE"},
		{"too narrow to fold", 9, "too narrow to fold"},
		{"ends in blanks          ", 14, "ends in blanks"},
		{"", 10, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = buf_new();

		fold_line(span_of(cases[i].text), cases[i].width, 0, &out);
		assert_string_equal(buf_cstr(&out), cases[i].folded);
		buf_free(&out);
	}
}

static void empty_documents(void **state)
{
	const struct output_options opts = options(OUTPUT_JSON, 0);
	struct vos_fault fault = {.line = 1, .path = "phone 1"};
	struct output *output = open_output(&opts, NULL);
	json_t *columns = parse(columns_text);

	(void)state;
	output_sink(output)->columns(output_sink(output)->context, "registrations/1", columns);
	json_decref(columns);
	close_output(output, NULL);
	assert_golden("empty.json");
	close_output(open_output(&opts, NULL), NULL);
	assert_golden("done.json");
	fault_set(&fault, FAULT_NOT_FOUND, 6, "there is no phone 1");
	close_output(open_output(&opts, NULL), &fault);
	assert_golden("error.json");
}

static void items(void **state)
{
	(void)state;
	print_item(OUTPUT_TEXT, NULL);
	assert_golden("item.txt");
	print_item(OUTPUT_CSV, NULL);
	assert_golden("item.csv");
	print_item(OUTPUT_TEXT, "show call 1 | redact");
	assert_golden("item-redact.txt");
	print_item_in(OUTPUT_TEXT, 20, NULL);
	assert_golden("item-20.txt");
	/* Too narrow for the table of the legs. */
	print_item_in(OUTPUT_TEXT, 12, NULL);
	assert_golden("item-12.txt");
}

static void filters(void **state)
{
	static const char *const lines[][2] = {
		{"show running-config | include phone", "include.txt"},
		{"show running-config | exclude exit|end", "exclude.txt"},
		{"show running-config | begin 138", "begin.txt"},
		{"show running-config | section \"^phone 1001\"", "section.txt"},
		{"show running-config | include phone | count", "count.txt"},
		{"show running-config | last 2", "last.txt"},
		{"show running-config | last 4 | include exit | count", "chain.txt"},
		{"show running-config | redact", "redact.txt"},
		{"show running-config | exclude . | count", "count-none.txt"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_text(OUTPUT_TEXT, lines[i][0]);
		assert_golden(lines[i][1]);
	}
	print_table(OUTPUT_TEXT, 0, "show registrations | count", NULL);
	assert_string_equal(buf_cstr(&printed), "3\n");
	buf_free(&printed);
	print_table(OUTPUT_TEXT, 0, "show registrations | last 1", NULL);
	assert_golden("table-last.txt");
}

static void a_bad_expression_is_refused(void **state)
{
	const struct output_options opts = options(OUTPUT_TEXT, 0);
	struct match *match = line_match("show calls | include \"(\"");
	struct vos_fault fault = {0};
	struct output *output;

	(void)state;
	assert_int_equal(output_open(&opts, match, &output, &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_VALUE_FORMAT);
	free(match);
}

static void save_writes_and_appends(void **state)
{
	char path[] = "/tmp/render-test-XXXXXX";
	char line[128];
	char text[64] = "";
	int fd = mkstemp(path);
	FILE *file;

	(void)state;
	assert_true(fd >= 0);
	snprintf(line, sizeof(line), "show running-config | last 1 | save %s", path);
	print_text(OUTPUT_TEXT, line);
	snprintf(line, sizeof(line), "show running-config | count | save %s append", path);
	print_text(OUTPUT_TEXT, line);
	assert_int_equal(printed.len, 0);
	file = fdopen(fd, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	assert_string_equal(text, "end\n7\n");
	fclose(file);
	remove(path);
}

static void a_full_disk_is_told(void **state)
{
	const struct output_options opts = options(OUTPUT_TEXT, 0);
	struct output *output = open_output(&opts, "show running-config | save /dev/full");
	struct vos_fault fault = {0};

	(void)state;
	output_sink(output)->text(output_sink(output)->context, "a line\n");
	assert_int_equal(output_close(output, NULL, NULL, &fault), VOS_EIO);
	assert_non_null(strstr(fault.text, "/dev/full"));
}

/* Rows beyond the ones that size the columns pass straight through. */
static void long_lists_stream(void **state)
{
	const struct output_options opts = options(OUTPUT_TEXT, 0);
	struct output *output = open_output(&opts, NULL);
	const struct client_sink *sink = output_sink(output);
	json_t *columns = parse(columns_text);
	json_t *rows = parse("[[\"1001\",\"a\",true,1,null]]");
	size_t before;

	(void)state;
	sink->columns(sink->context, "registrations/1", columns);
	for (int i = 0; i < 1000; i++)
		sink->rows(sink->context, rows);
	before = printed.len;
	sink->rows(sink->context, rows);
	assert_true(printed.len > before);
	json_decref(columns);
	json_decref(rows);
	close_output(output, NULL);
	buf_free(&printed);
}

static void faults(void **state)
{
	struct vos_fault fault = {.line = 7};

	(void)state;
	fault_set(&fault, FAULT_VALUE_RANGE, 23, "5 s is below the minimum");
	render_fault_batch("a.conf", &fault, true, &printed);
	assert_string_equal(buf_cstr(&printed), "a.conf:7:23: error: 5 s is below the minimum\n");
	buf_free(&printed);
	fault.column = 0;
	render_fault_batch("a.conf", &fault, false, &printed);
	assert_string_equal(buf_cstr(&printed), "a.conf:7:1: warning: 5 s is below the minimum\n");
	buf_free(&printed);
	fault.column = 4;
	render_fault_caret(5, "\xc3\xa4 xyz", &fault, &printed);
	assert_string_equal(buf_cstr(&printed), "       ^\n% 5 s is below the minimum\n");
	buf_free(&printed);
}

static void widths(void **state)
{
	static const struct {
		const char *text;
		int width;
		int columns;   /* of a terminal */
		size_t prefix; /* bytes that fit */
	} cases[] = {
		{"", 0, 4, 0},
		{"abc", 3, 2, 2},
		{"\xc3\xa9t\xc3\xa9", 3, 2, 3},
		{"\xe4\xb8\xad\xe6\x96\x87", 4, 3, 3}, /* half of a wide one does not fit */
		{"\xe4\xb8\xad\xe6\x96\x87", 4, 4, 6},
		{"e\xcc\x81x", 2, 1, 3}, /* an accent stays with its letter */
		{"\xf0\x9f\x98\x80", 2, 1, 0},
		{"a\x80", 2, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span text = span_of(cases[i].text);

		assert_int_equal(render_width(text), cases[i].width);
		assert_int_equal(render_prefix(text, cases[i].columns), cases[i].prefix);
	}
}

TEST_MAIN(cmocka_unit_test(tables), cmocka_unit_test(lines_are_folded), cmocka_unit_test(widths),
	  cmocka_unit_test(documents), cmocka_unit_test(empty_documents), cmocka_unit_test(items),
	  cmocka_unit_test(filters), cmocka_unit_test(a_bad_expression_is_refused),
	  cmocka_unit_test(save_writes_and_appends), cmocka_unit_test(a_full_disk_is_told),
	  cmocka_unit_test(long_lists_stream), cmocka_unit_test(faults))
