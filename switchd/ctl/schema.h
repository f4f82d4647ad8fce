/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each show command prints: a table by its columns, a thing by its members, or text. Declared
 * once beside the handler; headers of tables, JSON, CSV and the schema files come from it. */
#pragma once

#include <stddef.h>

#include "shared/grammar/grammar.h"

/* CELL_VALUE is a value of the configuration: a number where it is one, else its text. */
enum cell_type { CELL_TEXT, CELL_INT, CELL_BOOL, CELL_TIME, CELL_VALUE };

/* One column of a table, declared beside its command. An empty header: the table prints none. */
struct column {
	const char *name; /* JSON key, with the unit in the name: expires_s */
	enum cell_type type;
	const char *unit;
	const char *header;
	int width; /* usual width, 0 = as wide as its header; < 0: of that width, and only in a
		    * text table that has the room */
};

/* Whether a member is always there. A list always is, empty or not. */
enum member_rule { MEMBER_ALWAYS, MEMBER_AT_TIMES, MEMBER_LIST };

/* One member of an item; the last of an array has no name. A value that is not known is null. */
struct member {
	const char *name; /* JSON key, with the unit in the name: uptime_s */
	enum cell_type type;
	enum member_rule rule;
	const struct member *members; /* MEMBER_LIST: of these things; NULL: of values */
};

/* What `detail` adds to a list of objects: columns, most of them fields of the configuration. */
struct field_columns {
	struct column *columns;
	enum field_id *fields; /* one a column; FIELD_COUNT: it is none of the configuration */
	size_t count;
};

enum schema_kind {
	SCHEMA_ROWS,
	SCHEMA_ITEM,
	SCHEMA_TEXT,
	SCHEMA_SECTIONS, /* outputs of other commands, each with its own schema */
};

struct schema {
	enum schema_kind kind;
	const struct column *columns;
	size_t column_count;
	const struct member *members;
	/* Rows with `detail` have these besides, behind the others; NULL = there are none. */
	const struct field_columns *(*detail)(void);
};

#define SCHEMA_OF_ROWS(columns_)                                         \
	{                                                                \
		.kind = SCHEMA_ROWS, .columns = (columns_),              \
		.column_count = sizeof(columns_) / sizeof((columns_)[0]) \
	}
#define SCHEMA_OF_ITEM(members_)                           \
	{                                                  \
		.kind = SCHEMA_ITEM, .members = (members_) \
	}

/* NULL: the command prints nothing that has a schema. */
const struct schema *schema_of(enum command_id command);

/* --- show_system.c --- */
extern const struct schema schema_version, schema_status, schema_uptime, schema_clock,
	schema_sessions, schema_counters, schema_sip_statistics;
/* --- show_log.c, show_capacity.c --- */
extern const struct schema schema_audit, schema_logging, schema_capacity;
/* --- monitor_counters.c --- */
extern const struct schema schema_monitor_counters, schema_monitor_calls;
/* --- show_calls.c, show_advice.c --- */
extern const struct schema schema_calls, schema_call, schema_advice;
/* --- show_cdr.c, show_history.c --- */
extern const struct schema schema_cdr, schema_cdr_status, schema_calls_history;
/* --- show_transactions.c --- */
extern const struct schema schema_sip_transactions, schema_sip_transactions_list;
/* --- show_registrations.c --- */
extern const struct schema schema_registrations;
/* --- show_outbound.c --- */
extern const struct schema schema_registrations_outbound;
/* --- show_phones.c --- */
extern const struct schema schema_phones;
/* --- show_gateways.c, show_route.c --- */
extern const struct schema schema_mapping_gateways, schema_routing_gateways, schema_route;
/* --- show_groups.c --- */
extern const struct schema schema_gateway_groups;
/* --- show_number_groups.c --- */
extern const struct schema schema_number_groups;
/* --- backup_cmds.c --- */
extern const struct schema schema_backups, schema_backup;
/* --- test_sip.c --- */
extern const struct schema schema_sip_options;
/* --- show_media_path.c --- */
extern const struct schema schema_media_fast_path;

/* --- show_media.c --- */
extern const struct schema schema_media_ports, schema_media_sessions, schema_media_decision,
	schema_media_decision_of_call;
/* --- show_nat.c --- */
extern const struct schema schema_nat_keep_alive, schema_nat_keep_alive_capacity,
	schema_nat_keep_alive_phones;
/* --- show_sip.c --- */
extern const struct schema schema_sip_transports, schema_sip_connections;
/* --- show_auth.c --- */
extern const struct schema schema_authentication, schema_black_list;
/* --- show_guard.c --- */
extern const struct schema schema_sip_guard, schema_authentication_firewall;
/* --- show_trace.c, trace_rows.c --- */
extern const struct schema schema_trace_calls, schema_trace_media, schema_trace_hep, schema_trace,
	schema_trace_registrations;
/* --- named_trace_cmds.c, debug.c --- */
extern const struct schema schema_traces, schema_debugging;
/* --- show_statistics.c, show_report.c, show_growth.c --- */
extern const struct schema schema_statistics, schema_statistics_causes, schema_report,
	schema_report_growth;
/* --- show_fraud.c --- */
extern const struct schema schema_fraud;
/* --- show_alarms.c --- */
extern const struct schema schema_alarms, schema_alarms_notices;
/* --- show_parameters.c --- */
extern const struct schema schema_parameters, schema_parameter;
/* --- show_config.c --- */
extern const struct schema schema_differences, schema_configuration_history;
/* --- show_configuration.c --- */
extern const struct schema schema_configuration;
