/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones by their further numbers and by where they call from, beside a walk over all of them; and
 * the times at which they forward. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "switchd/conf/conf.h"
#include "tests/support/changes.h"

#define ROUNDS 60
#define PHONES 12
#define DIDS   8
#define PLACES 4

/* What was configured, as the walk has it. */
struct model {
	char number[8];
	bool is_static;
	int place;
	int port;
	int authentication; /* WORD_GATEWAY_AUTHENTICATION_... */
	int did_count;
	char dids[DIDS][8];
};

static unsigned chance(unsigned n)
{
	return (unsigned)(rand() % (int)n);
}

static void add_phone(struct change_list *list, struct model *model, int index, int *next_did)
{
	static const char *const words[] = {"ip", "ip-port", "password"};
	char address[32];

	*model = (struct model){
		.is_static = chance(4) != 0,
		.place = 1 + (int)chance(PLACES),
		.port = 5060 + (int)chance(2),
		.authentication = (int)chance(3),
	};
	snprintf(model->number, sizeof(model->number), "%d", 100 + index);
	changes_create(list, "phone", model->number);
	for (int count = (int)chance(DIDS); model->did_count < count; model->did_count++) {
		char *did = model->dids[model->did_count];

		snprintf(did, sizeof(model->dids[0]), "%d", *next_did);
		*next_did += 1 + (int)chance(3);
		changes_field(list, "phone", model->number, "did", did);
	}
	if (!model->is_static)
		return;
	snprintf(address, sizeof(address), "192.0.2.%d:%d", model->place, model->port);
	changes_field(list, "phone", model->number, "registration", "static");
	changes_field(list, "phone", model->number, "address", address);
	changes_field(list, "phone", model->number, "authentication", words[model->authentication]);
}

static const struct model *called(const struct model *models, const char *number)
{
	for (int i = 0; i < PHONES; i++) {
		if (strcmp(models[i].number, number) == 0)
			return &models[i];
		for (int at = 0; at < models[i].did_count; at++)
			if (strcmp(models[i].dids[at], number) == 0)
				return &models[i];
	}
	return NULL;
}

static const struct model *at(const struct model *models, int place, int port, const char *number)
{
	const struct model *wanted = called(models, number);
	const struct model *only = NULL;
	int count = 0;

	for (int i = 0; i < PHONES; i++) {
		const struct model *model = &models[i];

		if (!model->is_static || model->place != place ||
		    model->authentication == WORD_GATEWAY_AUTHENTICATION_PASSWORD ||
		    (model->authentication == WORD_GATEWAY_AUTHENTICATION_IP_PORT &&
		     model->port != port))
			continue;
		if (model == wanted)
			return wanted;
		only = model;
		count++;
	}
	return count == 1 ? only : NULL;
}

static void expect(const struct conf_phone *found, const struct model *wanted)
{
	if (wanted)
		assert_non_null(found);
	assert_string_equal(found ? found->number : "", wanted ? wanted->number : "");
}

static void ask(const struct conf *conf, const struct model *models, const char *number)
{
	for (int place = 0; place <= PLACES + 1; place++) {
		for (int port = 5059; port <= 5062; port++) {
			char text[32];
			struct addr source;

			snprintf(text, sizeof(text), "192.0.2.%d:%d", place, port);
			assert_true(addr_parse(span_of(text), &source));
			expect(conf_phone_at(conf, &source, span_of(number)),
			       at(models, place, port, number));
		}
	}
	expect(conf_phone_called(conf, span_of(number)), called(models, number));
}

static struct conf *build(struct change_list *list)
{
	static const struct secret_key key = {{1}};
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	if (conf_build(changes_apply(NULL, list), &key, NULL, &conf, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	return conf;
}

static void found_as_by_a_walk(void **state)
{
	(void)state;
	srand(5);
	for (int round = 0; round < ROUNDS; round++) {
		struct change_list list = {0};
		struct model models[PHONES];
		int next_did = 100 + PHONES;
		struct conf *conf;

		for (int i = 0; i < PHONES; i++)
			add_phone(&list, &models[i], i, &next_did);
		conf = build(&list);
		for (int number = 98; number < next_did + 2; number++) {
			char text[16];

			snprintf(text, sizeof(text), "%d", number);
			ask(conf, models, text);
		}
		ask(conf, models, "");
		ask(conf, models, "10");
		ask(conf, models, "1000");
		conf_unref(conf);
	}
}

/* 2024-01-01 was a Monday. */
#define MONDAY_MS INT64_C(1704067200000)
#define MINUTE_MS INT64_C(60000)

static void forwards_at_its_times(void **state)
{
	static const struct {
		int minute; /* of Monday */
		const char *caller;
		enum conf_forward list;
	} cases[] = {
		{8 * 60 - 1, "49", CONF_FORWARD_ALWAYS}, {8 * 60, "49", CONF_FORWARD_PERIOD},
		{9 * 60 - 1, "49", CONF_FORWARD_PERIOD}, {9 * 60, "49", CONF_FORWARD_ALWAYS},
		{8 * 60, "48", CONF_FORWARD_ALWAYS},     {8 * 60, "", CONF_FORWARD_ALWAYS},
		{32 * 60, "49", CONF_FORWARD_ALWAYS}, /* on Tuesday */
	};
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	changes_create(&list, "phone", "1");
	changes_field(&list, "phone", "1", "forward-period", "mon 08:00-09:00 allow caller 49");
	changes_field(&list, "phone", "1", "forward-period", "mon 00:00-24:00 deny caller 48");
	changes_field(&list, "phone", "1", "forward-period", "sun 00:00-01:00 allow");
	changes_field(&list, "phone", "1", "forward-in-period", "2");
	changes_field(&list, "phone", "1", "forward-always", "3");
	changes_create(&list, "phone", "4");
	conf = build(&list);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(conf_phone_forwards(conf_phone_find(conf, SPAN_LIT("1")),
						     MONDAY_MS + cases[i].minute * MINUTE_MS,
						     cases[i].caller),
				 cases[i].list);
	assert_int_equal(conf_phone_forwards(conf_phone_find(conf, SPAN_LIT("4")), MONDAY_MS, "49"),
			 CONF_FORWARDS);
	conf_unref(conf);
}

TEST_MAIN(cmocka_unit_test(found_as_by_a_walk), cmocka_unit_test(forwards_at_its_times))
