/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which declaration belongs to which command. */
#include "switchd/ctl/schema.h"

static const struct schema schema_document = {.kind = SCHEMA_TEXT};
static const struct schema schema_sections = {.kind = SCHEMA_SECTIONS};

static const struct schema *const schemas[COMMAND_COUNT] = {
	[COMMAND_SHOW_VERSION] = &schema_version,
	[COMMAND_SHOW_STATUS] = &schema_status,
	[COMMAND_SHOW_UPTIME] = &schema_uptime,
	[COMMAND_SHOW_CLOCK] = &schema_clock,
	[COMMAND_SHOW_CALLS] = &schema_calls,
	[COMMAND_SHOW_CALL] = &schema_call,
	[COMMAND_SHOW_ADVICE] = &schema_advice,
	[COMMAND_SHOW_REGISTRATIONS] = &schema_registrations,
	[COMMAND_SHOW_REGISTRATIONS_OUTBOUND] = &schema_registrations_outbound,
	[COMMAND_SHOW_PHONES] = &schema_phones,
	[COMMAND_SHOW_MAPPING_GATEWAYS] = &schema_mapping_gateways,
	[COMMAND_SHOW_ROUTING_GATEWAYS] = &schema_routing_gateways,
	[COMMAND_SHOW_GATEWAY_GROUPS] = &schema_gateway_groups,
	[COMMAND_SHOW_NAT_KEEP_ALIVE] = &schema_nat_keep_alive,
	[COMMAND_SHOW_NAT_KEEP_ALIVE_CAPACITY] = &schema_nat_keep_alive_capacity,
	[COMMAND_SHOW_NAT_KEEP_ALIVE_PHONES] = &schema_nat_keep_alive_phones,
	[COMMAND_SHOW_MEDIA_PORTS] = &schema_media_ports,
	[COMMAND_SHOW_MEDIA_FAST_PATH] = &schema_media_fast_path,
	[COMMAND_SHOW_MEDIA_SESSIONS] = &schema_media_sessions,
	[COMMAND_SHOW_MEDIA_DECISION] = &schema_media_decision,
	[COMMAND_SHOW_MEDIA_DECISION_OF_CALL] = &schema_media_decision_of_call,
	[COMMAND_SHOW_ROUTE] = &schema_route,
	[COMMAND_TEST_ROUTE] = &schema_route,
	[COMMAND_TEST_SIP_OPTIONS] = &schema_sip_options,
	[COMMAND_BACKUP_LIST] = &schema_backups,
	[COMMAND_BACKUP_VERIFY] = &schema_backup,
	[COMMAND_TEST_MEDIA] = &schema_media_decision,
	[COMMAND_SHOW_PARAMETERS] = &schema_parameters,
	[COMMAND_SHOW_PARAMETER] = &schema_parameter,
	[COMMAND_SHOW_RUNNING_CONFIG] = &schema_document,
	[COMMAND_SHOW_CONFIGURATION] = &schema_configuration,
	[COMMAND_SHOW_CONFIGURATION_GENERATION] = &schema_document,
	[COMMAND_SHOW_CONFIGURATION_CHANGES] = &schema_differences,
	[COMMAND_SHOW_CONFIGURATION_HISTORY] = &schema_configuration_history,
	[COMMAND_SHOW_CONFIGURATION_DIFF] = &schema_differences,
	[COMMAND_SHOW_SESSIONS] = &schema_sessions,
	[COMMAND_SHOW_AUDIT] = &schema_audit,
	[COMMAND_SHOW_LOGGING] = &schema_logging,
	[COMMAND_MONITOR_LOG] = &schema_logging,
	[COMMAND_MONITOR_COUNTERS] = &schema_monitor_counters,
	[COMMAND_MONITOR_CALLS] = &schema_monitor_calls,
	[COMMAND_SHOW_CAPACITY] = &schema_capacity,
	[COMMAND_SHOW_CAPACITY_FIREWALL] = &schema_document,
	[COMMAND_SHOW_TECH_SUPPORT] = &schema_sections,
	[COMMAND_SHOW_COUNTERS] = &schema_counters,
	[COMMAND_SHOW_SIP_STATISTICS] = &schema_sip_statistics,
	[COMMAND_SHOW_SIP_TRANSPORTS] = &schema_sip_transports,
	[COMMAND_SHOW_SIP_CONNECTIONS] = &schema_sip_connections,
	[COMMAND_SHOW_SIP_TRANSACTIONS] = &schema_sip_transactions,
	[COMMAND_SHOW_SIP_TRANSACTIONS_LIST] = &schema_sip_transactions_list,
	[COMMAND_SHOW_TRACE_CALLS] = &schema_trace_calls,
	[COMMAND_SHOW_TRACE_CALL] = &schema_trace,
	[COMMAND_TRACE_EXPORT] = &schema_trace,
	[COMMAND_TRACE_EXPORT_CALL] = &schema_trace,
	[COMMAND_SHOW_ALARMS] = &schema_alarms,
	[COMMAND_SHOW_SIP_GUARD] = &schema_sip_guard,
	[COMMAND_SHOW_AUTHENTICATION_FIREWALL] = &schema_authentication_firewall,
	[COMMAND_SHOW_AUTHENTICATION_FAILURES] = &schema_authentication,
	[COMMAND_SHOW_AUTHENTICATION_SUSPENDED] = &schema_authentication,
};

const struct schema *schema_of(enum command_id command)
{
	return schemas[command];
}
