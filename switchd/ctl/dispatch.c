/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec: a line, parsed by the grammar, checked against the role, handed to the handler of its
 * command. */
#include <stdlib.h>

#include "switchd/ctl/file_load.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/trace_cmds.h"

/* Local to the terminal; over the protocol they are simply done. */
static enum step nothing(struct request *request)
{
	(void)request;
	return STEP_DONE;
}

static step_fn *const handlers[COMMAND_COUNT] = {
	[COMMAND_SHOW_VERSION] = show_version,
	[COMMAND_SHOW_STATUS] = show_status,
	[COMMAND_SHOW_UPTIME] = show_uptime,
	[COMMAND_SHOW_CLOCK] = show_clock,
	[COMMAND_SHOW_CALLS] = show_calls,
	[COMMAND_SHOW_CALLS_HISTORY] = show_calls_history,
	[COMMAND_SHOW_CDR] = show_cdr,
	[COMMAND_SHOW_CDR_STATUS] = show_cdr_status,
	[COMMAND_SHOW_CALL] = show_call,
	[COMMAND_SHOW_ADVICE] = show_advice,
	[COMMAND_SHOW_REGISTRATIONS] = show_registrations,
	[COMMAND_SHOW_REGISTRATIONS_OUTBOUND] = show_registrations_outbound,
	[COMMAND_SHOW_PHONES] = show_phones,
	[COMMAND_SHOW_MAPPING_GATEWAYS] = show_mapping_gateways,
	[COMMAND_SHOW_ROUTING_GATEWAYS] = show_routing_gateways,
	[COMMAND_SHOW_GATEWAY_GROUPS] = show_gateway_groups,
	[COMMAND_SHOW_NUMBER_GROUPS] = show_number_groups,
	[COMMAND_SHOW_NAT_KEEP_ALIVE] = show_nat_keep_alive,
	[COMMAND_SHOW_NAT_KEEP_ALIVE_CAPACITY] = show_nat_keep_alive_capacity,
	[COMMAND_SHOW_NAT_KEEP_ALIVE_PHONES] = show_nat_keep_alive_phones,
	[COMMAND_SHOW_MEDIA_PORTS] = show_media_ports,
	[COMMAND_SHOW_MEDIA_FAST_PATH] = show_media_fast_path,
	[COMMAND_SHOW_MEDIA_SESSIONS] = show_media_sessions,
	[COMMAND_SHOW_MEDIA_DECISION] = show_media_decision,
	[COMMAND_SHOW_MEDIA_DECISION_OF_CALL] = show_media_decision_of_call,
	[COMMAND_SHOW_ROUTE] = show_route,
	[COMMAND_SHOW_PARAMETERS] = show_parameters,
	[COMMAND_SHOW_PARAMETER] = show_parameter,
	[COMMAND_SHOW_RUNNING_CONFIG] = show_running_config,
	[COMMAND_SHOW_CONFIGURATION] = show_configuration,
	[COMMAND_SHOW_CONFIGURATION_GENERATION] = show_configuration_generation,
	[COMMAND_SHOW_CONFIGURATION_CHANGES] = show_configuration_changes,
	[COMMAND_SHOW_CONFIGURATION_HISTORY] = show_configuration_history,
	[COMMAND_SHOW_CONFIGURATION_DIFF] = show_configuration_diff,
	[COMMAND_SHOW_SESSIONS] = show_sessions,
	[COMMAND_SHOW_AUDIT] = show_audit,
	[COMMAND_SHOW_LOGGING] = show_logging,
	[COMMAND_SHOW_CAPACITY] = show_capacity,
	[COMMAND_SHOW_CAPACITY_FIREWALL] = show_capacity_firewall,
	[COMMAND_SHOW_TECH_SUPPORT] = show_tech_support,
	[COMMAND_SHOW_COUNTERS] = show_counters,
	[COMMAND_SHOW_SIP_STATISTICS] = show_sip_statistics,
	[COMMAND_SHOW_SIP_TRANSACTIONS] = show_sip_transactions,
	[COMMAND_SHOW_SIP_TRANSACTIONS_LIST] = show_sip_transactions_list,
	[COMMAND_SHOW_SIP_TRANSPORTS] = show_sip_transports,
	[COMMAND_SHOW_SIP_CONNECTIONS] = show_sip_connections,
	[COMMAND_CERTIFICATES_RELOAD] = cmd_certificates_reload,
	[COMMAND_SHOW_SIP_GUARD] = show_sip_guard,
	[COMMAND_SHOW_AUTHENTICATION_FIREWALL] = show_authentication_firewall,
	[COMMAND_SHOW_AUTHENTICATION_FAILURES] = show_authentication_failures,
	[COMMAND_SHOW_AUTHENTICATION_SUSPENDED] = show_authentication_suspended,
	[COMMAND_SHOW_TRACE_CALLS] = show_trace_calls,
	[COMMAND_SHOW_TRACE_CALL] = show_trace_call,
	[COMMAND_SHOW_TRACE_REGISTRATIONS] = show_trace_registrations,
	[COMMAND_SHOW_TRACES] = show_traces,
	[COMMAND_SHOW_DEBUGGING] = show_debugging,
	[COMMAND_TRACE_START] = cmd_trace_start,
	[COMMAND_TRACE_STOP] = cmd_trace_stop,
	[COMMAND_CLEAR_TRACE] = cmd_clear_trace,
	[COMMAND_MONITOR_TRACE] = cmd_monitor_trace,
	[COMMAND_DEBUG_SIP] = cmd_debug,
	[COMMAND_DEBUG] = cmd_debug,
	[COMMAND_NO_DEBUG] = cmd_no_debug,
	[COMMAND_TRACE_EXPORT] = cmd_trace_export,
	[COMMAND_TRACE_EXPORT_CALL] = cmd_trace_export,
	[COMMAND_SHOW_TRACE_MEDIA] = show_trace_media,
	[COMMAND_SHOW_TRACE_HEP] = show_trace_hep,
	[COMMAND_TRACE_MEDIA] = cmd_trace_media,
	[COMMAND_SHOW_BLACK_LIST] = show_black_list,
	[COMMAND_CLEAR_BLACK_LIST] = cmd_clear_black_list,
	[COMMAND_SHOW_ALARMS] = show_alarms,
	[COMMAND_SHOW_ALARMS_NOTICES] = show_alarms_notices,
	[COMMAND_SHOW_STATISTICS] = show_statistics,
	[COMMAND_SHOW_STATISTICS_CAUSES] = show_statistics_causes,
	[COMMAND_SHOW_REPORT] = show_report,
	[COMMAND_SHOW_FRAUD] = show_fraud,
	[COMMAND_SHOW_REPORT_GROWTH] = show_report_growth,
	[COMMAND_CLEAR_ALARM] = cmd_clear_alarm,
	[COMMAND_ALARM_ACKNOWLEDGE] = cmd_alarm_acknowledge,
	[COMMAND_CLEAR_CALL] = cmd_clear_call,
	[COMMAND_CLEAR_CALLS] = cmd_clear_calls,
	[COMMAND_CLEAR_REGISTRATION] = cmd_clear_registration,
	[COMMAND_CLEAR_REGISTRATION_OUTBOUND] = cmd_clear_registration_outbound,
	[COMMAND_CLEAR_AUTHENTICATION_SUSPENDED] = cmd_clear_authentication_suspended,
	[COMMAND_CLEAR_COUNTERS] = cmd_clear_counters,
	[COMMAND_TEST_ROUTE] = show_route,
	[COMMAND_GATEWAY] = cmd_gateway,
	[COMMAND_TEST_SIP_OPTIONS] = cmd_test_sip_options,
	[COMMAND_BACKUP_CREATE] = cmd_backup_create,
	[COMMAND_BACKUP_LIST] = cmd_backup_list,
	[COMMAND_BACKUP_VERIFY] = cmd_backup_verify,
	[COMMAND_BACKUP_RESTORE] = cmd_backup_restore,
	[COMMAND_BACKUP_PRUNE] = cmd_backup_prune,
	[COMMAND_TEST_MEDIA] = show_media_decision,
	[COMMAND_SHUTDOWN] = cmd_shutdown,
	[COMMAND_CONFIGURE] = cmd_configure,
	[COMMAND_CONFIGURE_REPLACE] = cmd_load,
	[COMMAND_LOAD_MERGE] = cmd_load,
	[COMMAND_SET] = cmd_set,
	[COMMAND_COMMIT] = cmd_commit,
	[COMMAND_COMMIT_CONFIRM] = cmd_commit_confirm,
	[COMMAND_DISCARD] = cmd_discard,
	[COMMAND_REBASE] = cmd_rebase,
	[COMMAND_ROLLBACK] = cmd_rollback,
	[COMMAND_END] = cmd_end,
	[COMMAND_TERMINAL_LENGTH] = nothing,
	[COMMAND_TERMINAL_WIDTH] = nothing,
	[COMMAND_TERMINAL_TIMESTAMPS] = nothing,
	[COMMAND_TERMINAL_MONITOR] = cmd_terminal_monitor,
	[COMMAND_TERMINAL_NO_MONITOR] = cmd_terminal_no_monitor,
	[COMMAND_MONITOR_LOG] = cmd_monitor_log,
	[COMMAND_MONITOR_COUNTERS] = cmd_monitor_counters,
	[COMMAND_MONITOR_CALLS] = cmd_monitor_calls,
	[COMMAND_WATCH] = nothing,
	[COMMAND_HISTORY] = nothing,
	[COMMAND_HELP] = nothing,
	[COMMAND_EXIT] = cmd_exit,
	[COMMAND_PARAM_SET] = cmd_line,
	[COMMAND_PARAM_RESET] = cmd_line,
	[COMMAND_OBJECT_ENTER] = cmd_line,
	[COMMAND_OBJECT_DELETE] = cmd_line,
	[COMMAND_FIELD_SET] = cmd_line,
	[COMMAND_FIELD_RESET] = cmd_line,
	[COMMAND_MODE_ENTER] = cmd_line,
};

step_fn *dispatch_handler(enum command_id command)
{
	return handlers[command];
}

/* Commands that work on the candidate. */
static bool needs_candidate(enum command_id command)
{
	switch ((int)command) {
	case COMMAND_COMMIT:
	case COMMAND_DISCARD:
	case COMMAND_REBASE:
	case COMMAND_ROLLBACK:
	case COMMAND_LOAD_MERGE:
	case COMMAND_SHOW_CONFIGURATION_CHANGES:
		return true;
	default:
		return handlers[command] == cmd_line;
	}
}

static enum step refuse_line(struct request *request, struct vos_fault *fault)
{
	struct config_candidate fresh = {0};
	const struct config_candidate *candidate = &request->session->candidate;

	if (!candidate->base) {
		candidate_open(&fresh, request_running(request));
		candidate = &fresh;
	}
	candidate_explain_range(candidate, &request->match, fault);
	candidate_close(&fresh);
	return request_fail(request, fault);
}

enum step dispatch_exec(struct request *request)
{
	const char *line = json_string_value(json_object_get(request->params, "line"));
	struct match *match = &request->match;
	struct vos_fault fault = {0};
	enum vos_err err;

	if (!line)
		return request_refuse(request, FAULT_SYNTAX_INCOMPLETE, 0, "exec needs a line");
	request->file = json_string_value(json_object_get(request->params, "file"));
	err = file_match(request->ctl->grammar, &request->mode, span_of(line), match, &fault);
	if (err == VOS_ENOENT && fault.code == FAULT_NONE)
		return STEP_DONE; /* blank or comment */
	if (err)
		return refuse_line(request, &fault);
	if (session_role(request->session) < command_role(match->command)) {
		request->is_audited = true;
		return request_refuse(
			request, FAULT_AUTH_ROLE, 0, "%s needs the role %s, you are %s",
			command_name(match->command), role_name(command_role(match->command)),
			role_name(session_role(request->session)));
	}
	request->is_audited = command_role(match->command) > ROLE_MONITOR;
	if (needs_candidate(match->command) && !request->session->candidate.base)
		return request_refuse(request, FAULT_STATE, 0,
				      "no candidate is open; enter configure");
	request->mode_after = match->target;
	if (!handlers[match->command])
		return request_refuse(request, FAULT_STATE, 0, "%s is not available",
				      command_name(match->command));
	request->step = handlers[match->command];
	return request->step(request);
}
