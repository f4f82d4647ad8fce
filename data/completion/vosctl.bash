# shellcheck shell=bash disable=SC2206
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of vosctl's command line for bash, printed by docgen from the grammar; not
# edited by hand.
#
# _vosctl_next sets `next` to what may follow the words of a command, "*" being any
# value: words; @ and where values come from; ! when the line ends with that word.

_vosctl_options='-s -j -J -t -q -y -c -f --keep-going --version --help'
_vosctl_apply_options='--replace --check --diff --confirm --comment'
_vosctl_names='SS_MEDIA_PROXY_MODE
SS_MEDIA_PROXY_BETWEEN_NET
SS_MEDIA_PROXY_BEHIND_NAT
SS_MEDIA_PROXY_SAME_NAT
SS_RTP_PORT_RANGE
SS_RTP_PORT_LAYOUT
SS_RTP_PORT_REST
SS_RTP_PORT_ALARM
SS_AUTHENTICATION_MAX_RETRY
SS_AUTHENTICATION_FAILED_SUSPEND
SS_AUTHENTICATION_LOCK_KEY
SS_AUTHENTICATION_FIREWALL
SS_QOS_SIGNAL
SS_QOS_RTP
SS_ENDPOINT_EXPIRE
SS_ENDPOINT_NAT_EXPIRE
SS_GATEWAY_SWITCH_LIMIT
SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START
SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY
SS_GATEWAY_SWITCH_UNTIL_CONNECT
SS_GATEWAY_ASR_CALCULATE
SS_GATEWAY_ASR_RESERVE_TIME
SS_GATEWAY_ASR_RESERVE_SEPARATE
SS_GATEWAY_ASR_ROUTE_SORT_CONFIG
SS_GATEWAY_FEE_RATE_ROUTE_SORT_CONFIG
SS_GATEWAY_FEE_RATE_ROUTE_BEFORE_ASR
SS_TRY_PROTECT_ROUTE_DELAY
SS_REPLY_UNAUTHORIZED
SS_TCP_CLOSE_RESET
SS_ENDPOINT_REGISTER_REPLACE
SS_ENDPOINT_TIME_TO_LIVE
SS_ENDPOINT_REGISTER_SUSPEND
SS_ENDPOINT_REGISTER_RETRY
SS_ENDPOINT_REGISTER_SUSPEND_TIME
SS_MAX_CALL_DURATION
SS_CALL_REMAIN_TIME
SS_NO_MEDIA_HANGUP_TIME
SS_RTP_INTERRUPT_TIME
SS_RTP_ENCRYPTION_MODE
SS_RTP_ENCRYPTION_KEY
SS_SRTP_TLS_ONLY
SS_MAX_CPS
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_CHECK_INTERVAL
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_LIMIT
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_EXPIRE
SS_BLACK_LIST_NO_ANSWER_PERIOD
SS_BLACK_LIST_NO_ANSWER_LIMIT
SS_BLACK_LIST_NO_ANSWER_EXPIRE
SS_BLACK_LIST_CALLER_CONCURRENT_LIMIT
SS_BLACK_LIST_CALLER_CONCURRENT_EXPIRE
SS_FRAUD_ACTION
SS_FRAUD_DESTINATION_LIMIT
SS_FRAUD_DESTINATION_PERIOD
SS_FRAUD_DESTINATION_DIGITS
SS_FRAUD_DESTINATION_LEARN
SS_FRAUD_SHORT_CALL_LIMIT
SS_FRAUD_SHORT_CALL_PERIOD
SS_FRAUD_SHORT_CALL_TALK
SS_FRAUD_NIGHT_LIMIT
SS_FRAUD_NIGHT_BEGIN
SS_FRAUD_NIGHT_END
SS_FRAUD_NIGHT_RISE
SS_FRAUD_CONCURRENT_LIMIT
SS_CDR_RECORD_TO_FILE
SS_CDR_RECORD_NONCONNECT
SS_CALL_FORWARD_USING_ORIGINAL_CALLER
SS_PHONE_OFFLINE_ROUTING
SS_CALL_TRANSFER_NORMAL_DISPLAY
SS_CALL_TRANSFER_ASK_DISPLAY
FORWARD_SIGNAL_REWRITE_SEQUENCE
SS_MEDIA_THREADS
SS_MEDIA_FAST_PATH
SS_MEDIA_XDP
SS_MEDIA_STEERING
SS_MEDIA_BUSY_POLL
SS_SIP_NAT_KEEP_ALIVE_MESSAGE
SS_SIP_NAT_KEEP_ALIVE_PERIOD
SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL
SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME
SS_SIP_NAT_KEEP_ALIVE_FAIR
SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS
SS_SIP_SESSION_TTL
SS_SIP_SESSION_UPDATE_SEGMENT
SS_SIP_RESEND_INTERVAL
SS_SIP_NO_TIMER_REINVITE_INTERVAL
SS_SIP_AUTHENTICATION_CODE
SS_SIP_AUTHENTICATION_TIMEOUT
SS_SIP_AUTHENTICATION_RETRY
SS_SIP_TIMEOUT_INVITE
SS_SIP_TIMEOUT_TRYING
SS_SIP_TIMEOUT_SESSION_PROGRESS
SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP
SS_SIP_TIMEOUT_RINGING
SS_SIP_STOP_SWITCH_AFTER_SDP
SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT
SS_SIP_USER_AGENT_EXPIRE
SS_SIP_USER_AGENT_RETRY_DELAY
SS_SIP_USER_AGENT_SEND_UNREGISTER
SS_SIP_USER_AGENT_PRIVACY
SS_SIP_PUBLISH_EXPIRE
SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT
SS_SIP_E164_DISPLAY_FROM
SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP
SS_SIP_OPTIONS_CHECK_PERIOD
SS_SIP_AUTHENTICATION_REALM
SS_SIP_AUTHENTICATION_ALGORITHMS
SS_SIP_AUTHENTICATION_QOP
SS_SIP_AUTHENTICATION_NONCE_ADDRESS
SS_SIP_GUARD_RATE
SS_SIP_GUARD_BURST
SS_SIP_OVERLOAD_LAG
SS_SIP_GATHER_TIME
SS_SIP_SIGNALLING_THREADS
SS_SIP_STREAM_CONNECTIONS_MAX
SS_SIP_STREAM_CONNECTIONS_PER_SOURCE
SS_SIP_STREAM_IDLE_TIMEOUT
SS_SIP_STREAM_MESSAGE_TIMEOUT
SS_H245_PORT_RANGE
SS_H323_DTMF_METHOD
SS_H323_TIMEOUT_ALERTING
SS_H323_TIMEOUT_CALLPROCEEDING
SS_H323_TIMEOUT_SETUP
SS_H323_TIMEOUT_CALLPROCEEDING_OLC
SS_H323_Q931_NUMBERING_PLAN
SS_H323_Q931_NUMBER_TYPE
SS_H323_Q931_PRESENTATION_INDICATOR
SS_H323_Q931_SCREENING_INDICATOR
IVR_RTP_PORT
IVR_RING_TONE
IVR_RING_FILE
IVR_CODEC_PRIORITY
IVR_PARSE_DTMF_MODE
IVR_ENABLE_PARSE_INBAND
IVR_ENABLE_PARSE_SECOND_INBAND
IVR_VOICEMAIL_EXPIRE_DAY
IVR_VOICEMAIL_MAX_NUMBER
IVR_VOICEMAIL_MAX_TIME
IVR_VOICEMAIL_WELCOME
IVR_CALLBACK_KEEP_LINE_RING_TIME
IVR_CALLBACK_KEEP_LINE_TIME
IVR_CALL_REPORT_IP
IVR_CALL_REPORT_PORT
IVR_CALL_REPORT_RETRY
IVR_CALL_REPORT_RETRY_INTERVAL
IVR_ALARM_CALLER_E164
IVR_ALARM_CONFIRM_KEY
IVR_ALARM_PERIOD
IVR_ALARM_RETRY
IVR_ALARM_RETRY_INTERVAL
IVR_ALARM_PRE_AUDIO
SERVER_BILLING_HOLD_TIME_PRECISION
SERVER_MAX_CDR_PENDING_LIST_LENGTH
SERVER_CDR_FILE_WRITE_MAX
SERVER_CDR_FILE_WRITE_INTERVAL
SERVER_BILLING_FEE_PRECISION
SERVER_BILLING_FEE_UNIT
SERVER_BILLING_FREE_TIME
SERVER_BILLING_FREE_E164S
SERVER_BILLING_PREVENT_OVERDRAFT_ADVANCE_TIME
SERVER_BILLING_RECORD_ILLEGAL_CALL
SERVER_BILLING_RECORD_ZERO_HOLD_TIME
SERVER_BILLING_RECORD_SERVER_HANG_UP
SERVER_BILLING_GATEWAY_ROUTE_PREFIX
SERVER_GATEWAY_ROUTE_FEE_RATE
SERVER_CDR_REAL_TIME_REPORT_SERVER
SERVER_QUERY_CDR_DENY_TIME
SERVER_QUERY_CDR_MAX_DAY_INTERVAL
SERVER_LOGIN_FAILED_DISABLE_TIME
SERVER_PASSWORD_LENGTH
SERVER_TERMINAL_ADDITIONAL_CHARACTERS
SERVER_PHONE_AS_CALLEE_MONEY_VERIFY
EXTERNAL_WEB_SEND_PHONE_ONLINE
EXTERNAL_SEND_CDR'

_vosctl_next()
{
	case "$1" in
	'')
		next='show trace clear alarm certificates gateway test backup shutdown set commit monitor debug no apply'
		;;
	'show')
		next='version status uptime clock calls call advice registrations phones mapping-gateways routing-gateways gateway-groups number-groups nat-keep-alive media route parameters parameter running-config configuration sessions audit logging capacity statistics report tech-support counters sip authentication trace traces debugging black-list fraud alarms cdr'
		;;
	'show version' | 'show status' | 'show uptime' | 'show clock' | 'show media ports' | \
		'show media fast-path' | 'show media sessions' | 'show media decision *' | \
		'show configuration changes' | 'show sessions' | 'show statistics causes total' | \
		'show tech-support' | 'show sip statistics' | 'show sip transports' | \
		'show sip guard' | 'show authentication firewall' | 'show trace media' | \
		'show trace hep' | 'show traces' | 'show debugging' | 'show fraud' | \
		'show alarms notices' | 'show alarms active' | 'clear calls all' | \
		'clear registration all' | 'clear registration *' | 'clear authentication suspended all' | \
		'clear black-list all' | 'backup list' | 'backup prune' | \
		'set system-parameter rtp-encryption-key *' | 'set hep password *' | \
		'set cdr push-token *' | 'set alarm-hook token *' | 'set phone * password *' | \
		'set mapping-gateway * password *' | 'set routing-gateway * password *' | \
		'set registration * password *' | 'monitor log' | 'monitor counters' | \
		'monitor calls' | 'set SS_RTP_ENCRYPTION_KEY *')
		next=''
		;;
	'show calls')
		next='history active caller callee phone gateway older-than state brief detail'
		;;
	'show calls history')
		next='failed caller callee phone gateway cause since last'
		;;
	'show calls history caller' | 'show calls history callee' | 'show calls history cause' | \
		'show calls history since' | 'show calls history last' | 'show calls caller' | \
		'show calls callee' | 'show calls older-than' | 'show registrations expiring' | \
		'show media decision caller' | 'show route' | 'show route * caller' | \
		'show route * forwarded-by' | 'show statistics window' | 'show report daily last' | \
		'show report monthly last' | 'show trace calls caller' | 'show trace calls callee' | \
		'show trace calls number' | 'show trace calls address' | 'show trace calls method' | \
		'show trace calls status' | 'show trace calls cause' | 'show trace calls call-id' | \
		'show trace calls back' | 'show trace calls latest' | 'show trace registrations address' | \
		'show trace registrations status' | 'show trace registrations back' | \
		'show trace registrations latest' | 'show black-list number' | \
		'trace start' | 'trace start * caller' | 'trace start * callee' | \
		'trace start * number' | 'trace start * address' | 'trace start * method' | \
		'trace start * status' | 'trace start * cause' | 'trace start * call-id' | \
		'trace start * duration' | 'trace start * limit' | 'clear authentication suspended address' | \
		'test route' | 'test route * caller' | 'test route * forwarded-by' | \
		'test media caller' | 'monitor trace caller' | 'monitor trace callee' | \
		'monitor trace number' | 'monitor trace address' | 'monitor trace method' | \
		'monitor trace status' | 'monitor trace cause' | 'monitor trace call-id' | \
		'debug sip messages caller' | 'debug sip messages callee' | \
		'debug sip messages number' | 'debug sip messages address' | \
		'debug sip messages method' | 'debug sip messages status' | \
		'debug sip messages cause' | 'debug sip messages call-id' | \
		'debug sip registrations caller' | 'debug sip registrations callee' | \
		'debug sip registrations number' | 'debug sip registrations address' | \
		'debug sip registrations method' | 'debug sip registrations status' | \
		'debug sip registrations cause' | 'debug sip registrations call-id' | \
		'debug authentication caller' | 'debug authentication callee' | \
		'debug authentication number' | 'debug authentication address' | \
		'debug authentication method' | 'debug authentication status' | \
		'debug authentication cause' | 'debug authentication call-id' | \
		'debug route caller' | 'debug route callee' | 'debug route number' | \
		'debug route address' | 'debug route method' | 'debug route status' | \
		'debug route cause' | 'debug route call-id' | 'debug media caller' | \
		'debug media callee' | 'debug media number' | 'debug media address' | \
		'debug media method' | 'debug media status' | 'debug media cause' | \
		'debug media call-id' | 'debug nat caller' | 'debug nat callee' | \
		'debug nat number' | 'debug nat address' | 'debug nat method' | \
		'debug nat status' | 'debug nat cause' | 'debug nat call-id')
		next='@'
		;;
	'show calls history phone' | 'show calls phone' | 'show registrations phone' | \
		'show nat-keep-alive phones phone' | 'show trace calls phone' | \
		'show trace registrations phone' | 'trace start * phone' | \
		'set phone' | 'monitor trace phone' | 'debug sip messages phone' | \
		'debug sip registrations phone' | 'debug authentication phone' | \
		'debug route phone' | 'debug media phone' | 'debug nat phone')
		next='@phones'
		;;
	'show calls history gateway' | 'show calls gateway' | 'show report daily gateway' | \
		'show report monthly gateway' | 'show trace calls gateway' | \
		'trace start * gateway' | 'gateway' | 'monitor trace gateway' | \
		'debug sip messages gateway' | 'debug sip registrations gateway' | \
		'debug authentication gateway' | 'debug route gateway' | 'debug media gateway' | \
		'debug nat gateway')
		next='@gateways'
		;;
	'show calls state')
		next='@ setup trying ringing connected releasing'
		;;
	'show call' | 'show trace call' | 'trace export call')
		next='@calls'
		;;
	'show advice' | 'trace media start' | 'trace media stop' | 'clear call')
		next='@calls !'
		;;
	'show registrations')
		next='outbound phone gateway nat expiring brief detail'
		;;
	'show registrations outbound')
		next='@keys:registration !'
		;;
	'show registrations gateway' | 'show statistics gateway' | 'set routing-gateway')
		next='@routing-gateways'
		;;
	'show phones')
		next='brief detail capacity @phones'
		;;
	'show mapping-gateways')
		next='brief detail capacity @mapping-gateways'
		;;
	'show routing-gateways')
		next='brief detail capacity @routing-gateways'
		;;
	'show gateway-groups' | 'show nat-keep-alive capacity devices' | 'show configuration history last' | \
		'show audit last' | 'show logging last' | 'show sip transactions list limit' | \
		'show sip connections address' | 'show authentication failures address' | \
		'show authentication suspended address' | 'show alarms history last' | \
		'trace stop' | 'clear authentication suspended address * *' | \
		'clear black-list number' | 'alarm acknowledge * comment' | \
		'test media caller * *' | 'backup create comment' | 'shutdown graceful' | \
		'set system-parameter rtp-port-range' | 'set system-parameter rtp-port-rest' | \
		'set system-parameter rtp-port-alarm' | 'set system-parameter authentication-max-retry' | \
		'set system-parameter authentication-failed-suspend' | 'set system-parameter qos-signal' | \
		'set system-parameter qos-rtp' | 'set system-parameter endpoint-expire' | \
		'set system-parameter endpoint-nat-expire' | 'set system-parameter gateway-switch-limit' | \
		'set system-parameter gateway-asr-reserve-time' | 'set system-parameter gateway-asr-reserve-separate' | \
		'set system-parameter try-protect-route-delay' | 'set system-parameter endpoint-time-to-live' | \
		'set system-parameter endpoint-register-retry' | 'set system-parameter endpoint-register-suspend-time' | \
		'set system-parameter max-call-duration' | 'set system-parameter call-remain-time' | \
		'set system-parameter no-media-hangup-time' | 'set system-parameter rtp-interrupt-time' | \
		'set system-parameter max-cps' | 'set system-parameter black-list-caller-malicious-call-check-interval' | \
		'set system-parameter black-list-caller-malicious-call-limit' | \
		'set system-parameter black-list-caller-malicious-call-expire' | \
		'set system-parameter black-list-no-answer-period' | 'set system-parameter black-list-no-answer-limit' | \
		'set system-parameter black-list-no-answer-expire' | 'set system-parameter black-list-caller-concurrent-limit' | \
		'set system-parameter black-list-caller-concurrent-expire' | \
		'set system-parameter fraud-destination-limit' | 'set system-parameter fraud-destination-period' | \
		'set system-parameter fraud-destination-digits' | 'set system-parameter fraud-destination-learn' | \
		'set system-parameter fraud-short-call-limit' | 'set system-parameter fraud-short-call-period' | \
		'set system-parameter fraud-short-call-talk' | 'set system-parameter fraud-night-limit' | \
		'set system-parameter fraud-night-begin' | 'set system-parameter fraud-night-end' | \
		'set system-parameter fraud-night-rise' | 'set system-parameter fraud-concurrent-limit' | \
		'set system-parameter media-threads' | 'set system-parameter media-busy-poll' | \
		'set sip-parameter nat-keep-alive-message' | 'set sip-parameter nat-keep-alive-period' | \
		'set sip-parameter nat-keep-alive-send-interval' | 'set sip-parameter nat-keep-alive-send-one-time' | \
		'set sip-parameter nat-keep-alive-probe-fails' | 'set sip-parameter session-ttl' | \
		'set sip-parameter session-update-segment' | 'set sip-parameter resend-interval' | \
		'set sip-parameter no-timer-reinvite-interval' | 'set sip-parameter authentication-timeout' | \
		'set sip-parameter authentication-retry' | 'set sip-parameter timeout-invite' | \
		'set sip-parameter timeout-trying' | 'set sip-parameter timeout-session-progress' | \
		'set sip-parameter timeout-session-progress-sdp' | 'set sip-parameter timeout-ringing' | \
		'set sip-parameter user-agent-expire' | 'set sip-parameter user-agent-retry-delay' | \
		'set sip-parameter publish-expire' | 'set sip-parameter session-timeout-early-hangup' | \
		'set sip-parameter options-check-period' | 'set sip-parameter authentication-realm' | \
		'set sip-parameter authentication-algorithms' | 'set sip-parameter guard-rate' | \
		'set sip-parameter guard-burst' | 'set sip-parameter overload-lag' | \
		'set sip-parameter gather-time' | 'set sip-parameter signalling-threads' | \
		'set sip-parameter stream-connections-max' | 'set sip-parameter stream-connections-per-source' | \
		'set sip-parameter stream-idle-timeout' | 'set sip-parameter stream-message-timeout' | \
		'set h323-parameter h245-port-range' | 'set h323-parameter timeout-alerting' | \
		'set h323-parameter timeout-callproceeding' | 'set h323-parameter timeout-setup' | \
		'set h323-parameter timeout-callproceeding-olc' | 'set audio-service-parameter rtp-port' | \
		'set audio-service-parameter ring-file' | 'set audio-service-parameter codec-priority' | \
		'set audio-service-parameter voicemail-expire-day' | 'set audio-service-parameter voicemail-max-number' | \
		'set audio-service-parameter voicemail-max-time' | 'set audio-service-parameter voicemail-welcome' | \
		'set audio-service-parameter callback-keep-line-ring-time' | \
		'set audio-service-parameter callback-keep-line-time' | 'set audio-service-parameter call-report-ip' | \
		'set audio-service-parameter call-report-port' | 'set audio-service-parameter call-report-retry' | \
		'set audio-service-parameter call-report-retry-interval' | \
		'set audio-service-parameter alarm-caller-e164' | 'set audio-service-parameter alarm-confirm-key' | \
		'set audio-service-parameter alarm-period' | 'set audio-service-parameter alarm-retry' | \
		'set audio-service-parameter alarm-retry-interval' | 'set audio-service-parameter alarm-pre-audio' | \
		'set server-parameter billing-hold-time-precision' | 'set server-parameter max-cdr-pending-list-length' | \
		'set server-parameter cdr-file-write-max' | 'set server-parameter cdr-file-write-interval' | \
		'set server-parameter billing-fee-precision' | 'set server-parameter billing-fee-unit' | \
		'set server-parameter billing-free-time' | 'set server-parameter billing-free-e164s' | \
		'set server-parameter billing-prevent-overdraft-advance-time' | \
		'set server-parameter billing-gateway-route-prefix' | 'set server-parameter gateway-route-fee-rate' | \
		'set server-parameter cdr-real-time-report-server' | 'set server-parameter query-cdr-deny-time' | \
		'set server-parameter query-cdr-max-day-interval' | 'set server-parameter login-failed-disable-time' | \
		'set server-parameter password-length' | 'set server-parameter terminal-additional-characters' | \
		'set hostname' | 'set control read-only-socket' | 'set trace ring-size' | \
		'set trace media-ring-size' | 'set trace-media * caller' | \
		'set trace-media * callee' | 'set trace-media * number' | \
		'set trace-media * phone' | 'set trace-media * gateway' | \
		'set hep address' | 'set hep capture-id' | 'set cdr history' | \
		'set cdr illegal-rate' | 'set cdr directory' | 'set cdr push-url' | \
		'set cdr push-timeout' | 'set metrics http' | 'set alarm-hook command' | \
		'set alarm-hook post' | 'set alarm-hook time-limit' | 'set backup directory' | \
		'set backup interval' | 'set backup keep' | 'set network * prefix' | \
		'set network * media-address' | 'set network * advertised-address' | \
		'set network * interface' | 'set listen * udp' | 'set listen * tcp' | \
		'set listen * tls' | 'set listen * media-address' | 'set listen * advertised-address' | \
		'set listen * certificate' | 'set listen * key' | 'set listen * ca' | \
		'set trusted * memo' | 'set number-transform * rule' | 'set number-group * number' | \
		'set number-pool * number' | 'set number-pool * reuse-count' | \
		'set black-list * memo' | 'set phone * name' | 'set phone * memo' | \
		'set phone * capacity' | 'set phone * capacity-in' | 'set phone * capacity-out' | \
		'set phone * did' | 'set phone * display-number' | 'set phone * max-addresses' | \
		'set phone * address' | 'set phone * local-address' | 'set phone * local-ring-delay' | \
		'set phone * dtmf-payload-type' | 'set phone * max-call-duration' | \
		'set phone * max-call-duration-from' | 'set phone * forward-always' | \
		'set phone * forward-in-period' | 'set phone * forward-period' | \
		'set phone * forward-busy' | 'set phone * forward-no-answer' | \
		'set phone * forward-offline' | 'set phone * forward-ring-time' | \
		'set gateway-group * capacity' | 'set mapping-gateway * memo' | \
		'set mapping-gateway * address' | 'set mapping-gateway * capacity' | \
		'set mapping-gateway * rate-limit' | 'set mapping-gateway * priority' | \
		'set mapping-gateway * group-reserve' | 'set mapping-gateway * routing-groups' | \
		'set mapping-gateway * caller-prefixes' | 'set mapping-gateway * caller-lengths' | \
		'set mapping-gateway * callee-prefixes' | 'set mapping-gateway * callee-lengths' | \
		'set mapping-gateway * proceeding-timeout' | 'set mapping-gateway * replace-cause' | \
		'set mapping-gateway * dtmf-payload-type' | 'set mapping-gateway * max-call-duration' | \
		'set mapping-gateway * max-call-duration-from' | 'set mapping-gateway * proportional-prefix' | \
		'set routing-gateway * memo' | 'set routing-gateway * address' | \
		'set routing-gateway * local-address' | 'set routing-gateway * prefixes' | \
		'set routing-gateway * priority' | 'set routing-gateway * capacity' | \
		'set routing-gateway * rate-limit' | 'set routing-gateway * groups' | \
		'set routing-gateway * group-reserve' | 'set routing-gateway * caller-prefixes' | \
		'set routing-gateway * caller-lengths' | 'set routing-gateway * callee-prefixes' | \
		'set routing-gateway * callee-lengths' | 'set routing-gateway * pairs' | \
		'set routing-gateway * forwarded-prefixes' | 'set routing-gateway * period' | \
		'set routing-gateway * timeout-invite' | 'set routing-gateway * timeout-trying' | \
		'set routing-gateway * timeout-session-progress' | 'set routing-gateway * timeout-session-progress-sdp' | \
		'set routing-gateway * timeout-ringing' | 'set routing-gateway * timeout-setup' | \
		'set routing-gateway * timeout-callproceeding' | 'set routing-gateway * timeout-callproceeding-olc' | \
		'set routing-gateway * timeout-alerting' | 'set routing-gateway * stop-codes' | \
		'set routing-gateway * local-ring-delay' | 'set routing-gateway * dtmf-payload-type' | \
		'set routing-gateway * max-call-duration' | 'set routing-gateway * max-call-duration-from' | \
		'set registration * server' | 'set registration * proxy' | \
		'set registration * host' | 'set registration * local-address' | \
		'set registration * user-agent' | 'set registration * capacity' | \
		'set registration * memo' | 'set registration * account' | \
		'set registration * auth-name' | 'set registration * expire' | \
		'set registration * retry-delay' | 'set alarm * lower' | 'set alarm * upper' | \
		'set alarm * hysteresis' | 'set alarm * window' | 'set alarm * attempts' | \
		'set alarm * post' | 'set alarm * mail' | 'set alarm * call' | \
		'set SS_RTP_PORT_RANGE' | 'set SS_RTP_PORT_REST' | 'set SS_RTP_PORT_ALARM' | \
		'set SS_AUTHENTICATION_MAX_RETRY' | 'set SS_AUTHENTICATION_FAILED_SUSPEND' | \
		'set SS_QOS_SIGNAL' | 'set SS_QOS_RTP' | 'set SS_ENDPOINT_EXPIRE' | \
		'set SS_ENDPOINT_NAT_EXPIRE' | 'set SS_GATEWAY_SWITCH_LIMIT' | \
		'set SS_GATEWAY_ASR_RESERVE_TIME' | 'set SS_GATEWAY_ASR_RESERVE_SEPARATE' | \
		'set SS_TRY_PROTECT_ROUTE_DELAY' | 'set SS_ENDPOINT_TIME_TO_LIVE' | \
		'set SS_ENDPOINT_REGISTER_RETRY' | 'set SS_ENDPOINT_REGISTER_SUSPEND_TIME' | \
		'set SS_MAX_CALL_DURATION' | 'set SS_CALL_REMAIN_TIME' | 'set SS_NO_MEDIA_HANGUP_TIME' | \
		'set SS_RTP_INTERRUPT_TIME' | 'set SS_MAX_CPS' | 'set SS_BLACK_LIST_CALLER_MALICIOUS_CALL_CHECK_INTERVAL' | \
		'set SS_BLACK_LIST_CALLER_MALICIOUS_CALL_LIMIT' | 'set SS_BLACK_LIST_CALLER_MALICIOUS_CALL_EXPIRE' | \
		'set SS_BLACK_LIST_NO_ANSWER_PERIOD' | 'set SS_BLACK_LIST_NO_ANSWER_LIMIT' | \
		'set SS_BLACK_LIST_NO_ANSWER_EXPIRE' | 'set SS_BLACK_LIST_CALLER_CONCURRENT_LIMIT' | \
		'set SS_BLACK_LIST_CALLER_CONCURRENT_EXPIRE' | 'set SS_FRAUD_DESTINATION_LIMIT' | \
		'set SS_FRAUD_DESTINATION_PERIOD' | 'set SS_FRAUD_DESTINATION_DIGITS' | \
		'set SS_FRAUD_DESTINATION_LEARN' | 'set SS_FRAUD_SHORT_CALL_LIMIT' | \
		'set SS_FRAUD_SHORT_CALL_PERIOD' | 'set SS_FRAUD_SHORT_CALL_TALK' | \
		'set SS_FRAUD_NIGHT_LIMIT' | 'set SS_FRAUD_NIGHT_BEGIN' | \
		'set SS_FRAUD_NIGHT_END' | 'set SS_FRAUD_NIGHT_RISE' | 'set SS_FRAUD_CONCURRENT_LIMIT' | \
		'set SS_MEDIA_THREADS' | 'set SS_MEDIA_BUSY_POLL' | 'set SS_SIP_NAT_KEEP_ALIVE_MESSAGE' | \
		'set SS_SIP_NAT_KEEP_ALIVE_PERIOD' | 'set SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL' | \
		'set SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME' | 'set SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS' | \
		'set SS_SIP_SESSION_TTL' | 'set SS_SIP_SESSION_UPDATE_SEGMENT' | \
		'set SS_SIP_RESEND_INTERVAL' | 'set SS_SIP_NO_TIMER_REINVITE_INTERVAL' | \
		'set SS_SIP_AUTHENTICATION_TIMEOUT' | 'set SS_SIP_AUTHENTICATION_RETRY' | \
		'set SS_SIP_TIMEOUT_INVITE' | 'set SS_SIP_TIMEOUT_TRYING' | \
		'set SS_SIP_TIMEOUT_SESSION_PROGRESS' | 'set SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP' | \
		'set SS_SIP_TIMEOUT_RINGING' | 'set SS_SIP_USER_AGENT_EXPIRE' | \
		'set SS_SIP_USER_AGENT_RETRY_DELAY' | 'set SS_SIP_PUBLISH_EXPIRE' | \
		'set SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP' | 'set SS_SIP_OPTIONS_CHECK_PERIOD' | \
		'set SS_SIP_AUTHENTICATION_REALM' | 'set SS_SIP_AUTHENTICATION_ALGORITHMS' | \
		'set SS_SIP_GUARD_RATE' | 'set SS_SIP_GUARD_BURST' | 'set SS_SIP_OVERLOAD_LAG' | \
		'set SS_SIP_GATHER_TIME' | 'set SS_SIP_SIGNALLING_THREADS' | \
		'set SS_SIP_STREAM_CONNECTIONS_MAX' | 'set SS_SIP_STREAM_CONNECTIONS_PER_SOURCE' | \
		'set SS_SIP_STREAM_IDLE_TIMEOUT' | 'set SS_SIP_STREAM_MESSAGE_TIMEOUT' | \
		'set SS_H245_PORT_RANGE' | 'set SS_H323_TIMEOUT_ALERTING' | \
		'set SS_H323_TIMEOUT_CALLPROCEEDING' | 'set SS_H323_TIMEOUT_SETUP' | \
		'set SS_H323_TIMEOUT_CALLPROCEEDING_OLC' | 'set IVR_RTP_PORT' | \
		'set IVR_RING_FILE' | 'set IVR_CODEC_PRIORITY' | 'set IVR_VOICEMAIL_EXPIRE_DAY' | \
		'set IVR_VOICEMAIL_MAX_NUMBER' | 'set IVR_VOICEMAIL_MAX_TIME' | \
		'set IVR_VOICEMAIL_WELCOME' | 'set IVR_CALLBACK_KEEP_LINE_RING_TIME' | \
		'set IVR_CALLBACK_KEEP_LINE_TIME' | 'set IVR_CALL_REPORT_IP' | \
		'set IVR_CALL_REPORT_PORT' | 'set IVR_CALL_REPORT_RETRY' | \
		'set IVR_CALL_REPORT_RETRY_INTERVAL' | 'set IVR_ALARM_CALLER_E164' | \
		'set IVR_ALARM_CONFIRM_KEY' | 'set IVR_ALARM_PERIOD' | 'set IVR_ALARM_RETRY' | \
		'set IVR_ALARM_RETRY_INTERVAL' | 'set IVR_ALARM_PRE_AUDIO' | \
		'set SERVER_BILLING_HOLD_TIME_PRECISION' | 'set SERVER_MAX_CDR_PENDING_LIST_LENGTH' | \
		'set SERVER_CDR_FILE_WRITE_MAX' | 'set SERVER_CDR_FILE_WRITE_INTERVAL' | \
		'set SERVER_BILLING_FEE_PRECISION' | 'set SERVER_BILLING_FEE_UNIT' | \
		'set SERVER_BILLING_FREE_TIME' | 'set SERVER_BILLING_FREE_E164S' | \
		'set SERVER_BILLING_PREVENT_OVERDRAFT_ADVANCE_TIME' | 'set SERVER_BILLING_GATEWAY_ROUTE_PREFIX' | \
		'set SERVER_GATEWAY_ROUTE_FEE_RATE' | 'set SERVER_CDR_REAL_TIME_REPORT_SERVER' | \
		'set SERVER_QUERY_CDR_DENY_TIME' | 'set SERVER_QUERY_CDR_MAX_DAY_INTERVAL' | \
		'set SERVER_LOGIN_FAILED_DISABLE_TIME' | 'set SERVER_PASSWORD_LENGTH' | \
		'set SERVER_TERMINAL_ADDITIONAL_CHARACTERS')
		next='@ !'
		;;
	'show number-groups')
		next='number @'
		;;
	'show nat-keep-alive')
		next='capacity phones'
		;;
	'show nat-keep-alive capacity')
		next='devices'
		;;
	'show nat-keep-alive phones')
		next='phone missed unreachable'
		;;
	'show media')
		next='ports fast-path sessions decision'
		;;
	'show media decision')
		next='caller @calls'
		;;
	'show media decision caller *' | 'test media caller *')
		next='@ callee'
		;;
	'show route *' | 'test route *')
		next='caller mapping-gateway forwarded-by'
		;;
	'show route * mapping-gateway' | 'show statistics mapping-gateway' | 'test route * mapping-gateway' | \
		'set mapping-gateway')
		next='@mapping-gateways'
		;;
	'show parameters')
		next='tab changed @names'
		;;
	'show parameters tab')
		next='@ system-parameter sip-parameter h323-parameter audio-service-parameter server-parameter'
		;;
	'show parameter')
		next='@names !'
		;;
	'show running-config')
		next='all names redact system-parameter sip-parameter h323-parameter audio-service-parameter server-parameter logging control trace trace-media hep cdr metrics alarm-hook backup user network listen trusted number-transform number-group number-pool black-list white-list phone gateway-group mapping-gateway routing-gateway registration alarm'
		;;
	'show running-config system-parameter' | 'show running-config sip-parameter' | \
		'show running-config h323-parameter' | 'show running-config audio-service-parameter' | \
		'show running-config server-parameter')
		next='all names redact @'
		;;
	'show running-config logging')
		next='all names redact @keys:logging'
		;;
	'show running-config control')
		next='all names redact @keys:control'
		;;
	'show running-config trace')
		next='all names redact @keys:trace'
		;;
	'show running-config trace-media')
		next='all names redact @keys:trace-media'
		;;
	'show running-config hep')
		next='all names redact @keys:hep'
		;;
	'show running-config cdr')
		next='all names redact @keys:cdr'
		;;
	'show running-config metrics')
		next='all names redact @keys:metrics'
		;;
	'show running-config alarm-hook')
		next='all names redact @keys:alarm-hook'
		;;
	'show running-config backup')
		next='all names redact @keys:backup'
		;;
	'show running-config user')
		next='all names redact @keys:user'
		;;
	'show running-config network')
		next='all names redact @keys:network'
		;;
	'show running-config listen')
		next='all names redact @keys:listen'
		;;
	'show running-config trusted')
		next='all names redact @keys:trusted'
		;;
	'show running-config number-transform')
		next='all names redact @keys:number-transform'
		;;
	'show running-config number-group')
		next='all names redact @keys:number-group'
		;;
	'show running-config number-pool')
		next='all names redact @keys:number-pool'
		;;
	'show running-config black-list')
		next='all names redact @keys:black-list'
		;;
	'show running-config white-list')
		next='all names redact @keys:white-list'
		;;
	'show running-config phone')
		next='all names redact @keys:phone'
		;;
	'show running-config gateway-group')
		next='all names redact @keys:gateway-group'
		;;
	'show running-config mapping-gateway')
		next='all names redact @keys:mapping-gateway'
		;;
	'show running-config routing-gateway')
		next='all names redact @keys:routing-gateway'
		;;
	'show running-config registration')
		next='all names redact @keys:registration'
		;;
	'show running-config alarm')
		next='all names redact @keys:alarm'
		;;
	'show configuration')
		next='changes history diff generation'
		;;
	'show configuration history' | 'show audit' | 'show logging' | 'show alarms history')
		next='last'
		;;
	'show configuration diff')
		next='@generations'
		;;
	'show configuration diff *' | 'show configuration generation')
		next='@generations !'
		;;
	'show capacity')
		next='firewall'
		;;
	'show capacity firewall')
		next='nftables iptables ip6tables !'
		;;
	'show statistics')
		next='causes total mapping-gateway gateway window'
		;;
	'show statistics causes')
		next='total mapping-gateway gateway'
		;;
	'show statistics causes mapping-gateway' | 'set registration * mapping-gateway')
		next='@mapping-gateways !'
		;;
	'show statistics causes gateway' | 'set mapping-gateway * allow-routing-gateways' | \
		'set registration * routing-gateway')
		next='@routing-gateways !'
		;;
	'show report')
		next='growth daily monthly'
		;;
	'show report growth')
		next='gateway'
		;;
	'show report growth gateway' | 'clear calls gateway' | 'test sip options')
		next='@gateways !'
		;;
	'show report daily' | 'show report monthly')
		next='gateway last'
		;;
	'show counters' | 'clear counters')
		next='sip call registration media nat-keep-alive guard authentication firewall gateway !'
		;;
	'show sip')
		next='statistics transactions transports connections guard'
		;;
	'show sip transactions')
		next='list'
		;;
	'show sip transactions list')
		next='limit'
		;;
	'show sip connections')
		next='address'
		;;
	'show authentication')
		next='firewall failures suspended'
		;;
	'show authentication failures' | 'show authentication suspended')
		next='address'
		;;
	'show trace')
		next='calls registrations call media hep'
		;;
	'show trace calls')
		next='caller callee number phone gateway address method status cause call-id failed leg back latest'
		;;
	'show trace calls leg' | 'trace export leg' | 'trace start * leg' | 'monitor trace leg' | \
		'debug sip messages leg' | 'debug sip registrations leg' | \
		'debug authentication leg' | 'debug route leg' | 'debug media leg' | \
		'debug nat leg')
		next='@ a b'
		;;
	'show trace registrations')
		next='phone address status back latest'
		;;
	'show trace call *')
		next='ladder messages summary !'
		;;
	'show black-list')
		next='type number'
		;;
	'show black-list type')
		next='@ malicious concurrent no-answer static'
		;;
	'show alarms')
		next='notices active history'
		;;
	'show cdr')
		next='status @ !'
		;;
	'trace')
		next='export media start stop'
		;;
	'trace export')
		next='call caller callee number phone gateway address method status cause call-id failed leg back file @'
		;;
	'trace media')
		next='start stop'
		;;
	'trace start *')
		next='caller callee number phone gateway address method status cause call-id failed leg duration limit media'
		;;
	'clear')
		next='trace alarm call calls registration authentication black-list counters'
		;;
	'clear trace')
		next='all @ !'
		;;
	'clear alarm')
		next='@alarms !'
		;;
	'clear calls')
		next='all gateway'
		;;
	'clear registration')
		next='outbound all @phones'
		;;
	'clear registration outbound')
		next='all @keys:registration !'
		;;
	'clear authentication')
		next='suspended'
		;;
	'clear authentication suspended')
		next='all address'
		;;
	'clear authentication suspended address *')
		next='@ user'
		;;
	'clear black-list')
		next='all type number'
		;;
	'clear black-list type')
		next='@ malicious concurrent no-answer !'
		;;
	'alarm')
		next='acknowledge'
		;;
	'alarm acknowledge')
		next='@alarms'
		;;
	'alarm acknowledge *')
		next='comment'
		;;
	'certificates')
		next='reload !'
		;;
	'gateway *')
		next='enable disable drain !'
		;;
	'test')
		next='route sip media'
		;;
	'test sip')
		next='options'
		;;
	'test media')
		next='caller'
		;;
	'backup')
		next='create list verify restore prune'
		;;
	'backup create')
		next='comment'
		;;
	'backup verify' | 'backup restore')
		next='@backups !'
		;;
	'shutdown')
		next='graceful'
		;;
	'set')
		next='system-parameter sip-parameter h323-parameter audio-service-parameter server-parameter hostname logging control trace trace-media hep cdr metrics alarm-hook backup user network listen trusted number-transform number-group number-pool black-list white-list phone gateway-group mapping-gateway routing-gateway registration alarm @names'
		;;
	'set system-parameter')
		next='media-proxy-mode media-proxy-between-net media-proxy-behind-nat media-proxy-same-nat rtp-port-range rtp-port-layout rtp-port-rest rtp-port-alarm authentication-max-retry authentication-failed-suspend authentication-lock-key authentication-firewall qos-signal qos-rtp endpoint-expire endpoint-nat-expire gateway-switch-limit gateway-switch-stop-after-rtp-start gateway-switch-stop-after-user-busy gateway-switch-until-connect gateway-asr-calculate gateway-asr-reserve-time gateway-asr-reserve-separate gateway-asr-route-sort-config gateway-fee-rate-route-sort-config gateway-fee-rate-route-before-asr try-protect-route-delay reply-unauthorized tcp-close-reset endpoint-register-replace endpoint-time-to-live endpoint-register-suspend endpoint-register-retry endpoint-register-suspend-time max-call-duration call-remain-time no-media-hangup-time rtp-interrupt-time rtp-encryption-mode rtp-encryption-key srtp-tls-only max-cps black-list-caller-malicious-call-check-interval black-list-caller-malicious-call-limit black-list-caller-malicious-call-expire black-list-no-answer-period black-list-no-answer-limit black-list-no-answer-expire black-list-caller-concurrent-limit black-list-caller-concurrent-expire fraud-action fraud-destination-limit fraud-destination-period fraud-destination-digits fraud-destination-learn fraud-short-call-limit fraud-short-call-period fraud-short-call-talk fraud-night-limit fraud-night-begin fraud-night-end fraud-night-rise fraud-concurrent-limit cdr-record-to-file cdr-record-nonconnect call-forward-using-original-caller phone-offline-routing call-transfer-normal-display call-transfer-ask-display forward-signal-rewrite-sequence media-threads media-fast-path media-xdp media-steering media-busy-poll'
		;;
	'set system-parameter media-proxy-mode' | 'set phone * media-proxy' | 'set mapping-gateway * media-proxy' | \
		'set routing-gateway * media-proxy' | 'set SS_MEDIA_PROXY_MODE')
		next='@ auto on off must-on !'
		;;
	'set system-parameter media-proxy-between-net' | 'set system-parameter media-proxy-behind-nat' | \
		'set system-parameter media-proxy-same-nat' | 'set system-parameter gateway-switch-stop-after-rtp-start' | \
		'set system-parameter gateway-switch-stop-after-user-busy' | \
		'set system-parameter gateway-switch-until-connect' | 'set system-parameter gateway-asr-calculate' | \
		'set system-parameter gateway-fee-rate-route-before-asr' | \
		'set system-parameter reply-unauthorized' | 'set system-parameter tcp-close-reset' | \
		'set system-parameter endpoint-register-replace' | 'set system-parameter endpoint-register-suspend' | \
		'set system-parameter srtp-tls-only' | 'set system-parameter cdr-record-to-file' | \
		'set system-parameter cdr-record-nonconnect' | 'set system-parameter call-forward-using-original-caller' | \
		'set system-parameter phone-offline-routing' | 'set system-parameter media-xdp' | \
		'set sip-parameter nat-keep-alive-fair' | 'set sip-parameter stop-switch-after-sdp' | \
		'set sip-parameter user-agent-stop-switch-after-invite-timeout' | \
		'set sip-parameter user-agent-send-unregister' | 'set sip-parameter routing-gateway-invite-use-contact' | \
		'set sip-parameter authentication-nonce-address' | 'set audio-service-parameter enable-parse-inband' | \
		'set audio-service-parameter enable-parse-second-inband' | \
		'set server-parameter billing-record-illegal-call' | 'set server-parameter billing-record-zero-hold-time' | \
		'set server-parameter billing-record-server-hang-up' | 'set server-parameter phone-as-callee-money-verify' | \
		'set server-parameter external-web-send-phone-online' | 'set server-parameter external-send-cdr' | \
		'set cdr refuse-when-full' | 'set metrics remote' | 'set listen * verify-peer' | \
		'set phone * local-ring' | 'set phone * t38' | 'set phone * session-timer' | \
		'set phone * 100rel' | 'set phone * recognise-privacy' | 'set phone * recognise-identity' | \
		'set phone * remote-party-id' | 'set phone * diversion' | \
		'set phone * dynamic-black-list' | 'set phone * transfer' | \
		'set phone * do-not-disturb' | 'set phone * offline-routing' | \
		'set mapping-gateway * recognise-privacy' | 'set mapping-gateway * dynamic-black-list' | \
		'set mapping-gateway * t38' | 'set mapping-gateway * session-timer' | \
		'set mapping-gateway * 100rel' | 'set mapping-gateway * transfer' | \
		'set routing-gateway * protect' | 'set routing-gateway * switch-after-ring' | \
		'set routing-gateway * switch-after-sdp' | 'set routing-gateway * switch-after-rtp' | \
		'set routing-gateway * switch-after-busy' | 'set routing-gateway * options-check' | \
		'set routing-gateway * allow-publish' | 'set routing-gateway * remote-party-id' | \
		'set routing-gateway * show-display-number' | 'set routing-gateway * diversion' | \
		'set routing-gateway * transfer' | 'set routing-gateway * local-ring' | \
		'set routing-gateway * t38' | 'set routing-gateway * session-timer' | \
		'set routing-gateway * 100rel' | 'set SS_MEDIA_PROXY_BETWEEN_NET' | \
		'set SS_MEDIA_PROXY_BEHIND_NAT' | 'set SS_MEDIA_PROXY_SAME_NAT' | \
		'set SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START' | 'set SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY' | \
		'set SS_GATEWAY_SWITCH_UNTIL_CONNECT' | 'set SS_GATEWAY_ASR_CALCULATE' | \
		'set SS_GATEWAY_FEE_RATE_ROUTE_BEFORE_ASR' | 'set SS_REPLY_UNAUTHORIZED' | \
		'set SS_TCP_CLOSE_RESET' | 'set SS_ENDPOINT_REGISTER_REPLACE' | \
		'set SS_ENDPOINT_REGISTER_SUSPEND' | 'set SS_SRTP_TLS_ONLY' | \
		'set SS_CDR_RECORD_TO_FILE' | 'set SS_CDR_RECORD_NONCONNECT' | \
		'set SS_CALL_FORWARD_USING_ORIGINAL_CALLER' | 'set SS_PHONE_OFFLINE_ROUTING' | \
		'set SS_MEDIA_XDP' | 'set SS_SIP_NAT_KEEP_ALIVE_FAIR' | 'set SS_SIP_STOP_SWITCH_AFTER_SDP' | \
		'set SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT' | \
		'set SS_SIP_USER_AGENT_SEND_UNREGISTER' | 'set SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT' | \
		'set SS_SIP_AUTHENTICATION_NONCE_ADDRESS' | 'set IVR_ENABLE_PARSE_INBAND' | \
		'set IVR_ENABLE_PARSE_SECOND_INBAND' | 'set SERVER_BILLING_RECORD_ILLEGAL_CALL' | \
		'set SERVER_BILLING_RECORD_ZERO_HOLD_TIME' | 'set SERVER_BILLING_RECORD_SERVER_HANG_UP' | \
		'set SERVER_PHONE_AS_CALLEE_MONEY_VERIFY' | 'set EXTERNAL_WEB_SEND_PHONE_ONLINE' | \
		'set EXTERNAL_SEND_CDR')
		next='@ on off !'
		;;
	'set system-parameter rtp-port-layout' | 'set phone * rtp-port-layout' | \
		'set mapping-gateway * rtp-port-layout' | 'set routing-gateway * rtp-port-layout' | \
		'set SS_RTP_PORT_LAYOUT')
		next='@ compact paired !'
		;;
	'set system-parameter authentication-lock-key' | 'set SS_AUTHENTICATION_LOCK_KEY')
		next='@ address address-user !'
		;;
	'set system-parameter authentication-firewall' | 'set SS_AUTHENTICATION_FIREWALL')
		next='@ off nftables !'
		;;
	'set system-parameter gateway-asr-route-sort-config' | 'set system-parameter gateway-fee-rate-route-sort-config' | \
		'set SS_GATEWAY_ASR_ROUTE_SORT_CONFIG' | 'set SS_GATEWAY_FEE_RATE_ROUTE_SORT_CONFIG')
		next='@ none before-priority after-priority after-load !'
		;;
	'set system-parameter rtp-encryption-mode' | 'set SS_RTP_ENCRYPTION_MODE')
		next='@ none xor rc4 aes128 !'
		;;
	'set system-parameter rtp-encryption-key' | 'set hep password' | 'set cdr push-token' | \
		'set alarm-hook token' | 'set phone * password' | 'set mapping-gateway * password' | \
		'set routing-gateway * password' | 'set registration * password' | \
		'set SS_RTP_ENCRYPTION_KEY')
		next='plain sealed @'
		;;
	'set system-parameter fraud-action' | 'set SS_FRAUD_ACTION')
		next='@ alarm black-list !'
		;;
	'set system-parameter call-transfer-normal-display' | 'set system-parameter call-transfer-ask-display' | \
		'set phone * transfer-display' | 'set phone * transfer-ask-display' | \
		'set phone * forward-display' | 'set SS_CALL_TRANSFER_NORMAL_DISPLAY' | \
		'set SS_CALL_TRANSFER_ASK_DISPLAY')
		next='@ original-caller local-number !'
		;;
	'set system-parameter forward-signal-rewrite-sequence' | 'set number-pool * order' | \
		'set FORWARD_SIGNAL_REWRITE_SEQUENCE')
		next='@ random poll !'
		;;
	'set system-parameter media-fast-path' | 'set system-parameter media-steering' | \
		'set SS_MEDIA_FAST_PATH' | 'set SS_MEDIA_STEERING')
		next='@ auto off required !'
		;;
	'set sip-parameter')
		next='nat-keep-alive-message nat-keep-alive-period nat-keep-alive-send-interval nat-keep-alive-send-one-time nat-keep-alive-fair nat-keep-alive-probe-fails session-ttl session-update-segment resend-interval no-timer-reinvite-interval authentication-code authentication-timeout authentication-retry timeout-invite timeout-trying timeout-session-progress timeout-session-progress-sdp timeout-ringing stop-switch-after-sdp user-agent-stop-switch-after-invite-timeout user-agent-expire user-agent-retry-delay user-agent-send-unregister user-agent-privacy publish-expire routing-gateway-invite-use-contact e164-display-from session-timeout-early-hangup options-check-period authentication-realm authentication-algorithms authentication-qop authentication-nonce-address guard-rate guard-burst overload-lag gather-time signalling-threads stream-connections-max stream-connections-per-source stream-idle-timeout stream-message-timeout'
		;;
	'set sip-parameter authentication-code' | 'set SS_SIP_AUTHENTICATION_CODE')
		next='@ unauthorized proxy-authentication-required !'
		;;
	'set sip-parameter user-agent-privacy' | 'set phone * privacy' | 'set routing-gateway * privacy' | \
		'set SS_SIP_USER_AGENT_PRIVACY')
		next='@ ignore passthrough id none !'
		;;
	'set sip-parameter e164-display-from' | 'set phone * display-from' | 'set routing-gateway * display-from' | \
		'set SS_SIP_E164_DISPLAY_FROM')
		next='@ ignore caller passthrough !'
		;;
	'set sip-parameter authentication-qop' | 'set SS_SIP_AUTHENTICATION_QOP')
		next='@ auth auth-or-auth-int auth-int !'
		;;
	'set h323-parameter')
		next='h245-port-range dtmf-method timeout-alerting timeout-callproceeding timeout-setup timeout-callproceeding-olc q931-numbering-plan q931-number-type q931-presentation-indicator q931-screening-indicator'
		;;
	'set h323-parameter dtmf-method' | 'set SS_H323_DTMF_METHOD')
		next='@ auto rfc2833 h245-alphanumeric h245-signal q931-keypad off !'
		;;
	'set h323-parameter q931-numbering-plan' | 'set SS_H323_Q931_NUMBERING_PLAN')
		next='@ unknown isdn data telex national-standard private reserved !'
		;;
	'set h323-parameter q931-number-type' | 'set SS_H323_Q931_NUMBER_TYPE')
		next='@ unknown international national network-specific subscriber abbreviated reserved !'
		;;
	'set h323-parameter q931-presentation-indicator' | 'set SS_H323_Q931_PRESENTATION_INDICATOR')
		next='@ allowed restricted not-available reserved absent !'
		;;
	'set h323-parameter q931-screening-indicator' | 'set SS_H323_Q931_SCREENING_INDICATOR')
		next='@ not-screened verified-passed verified-failed network-provided absent !'
		;;
	'set audio-service-parameter')
		next='rtp-port ring-tone ring-file codec-priority parse-dtmf-mode enable-parse-inband enable-parse-second-inband voicemail-expire-day voicemail-max-number voicemail-max-time voicemail-welcome callback-keep-line-ring-time callback-keep-line-time call-report-ip call-report-port call-report-retry call-report-retry-interval alarm-caller-e164 alarm-confirm-key alarm-period alarm-retry alarm-retry-interval alarm-pre-audio'
		;;
	'set audio-service-parameter ring-tone' | 'set IVR_RING_TONE')
		next='@ itu ar at au be bg br ch cl cn cz de dk ee es fi fr gb gr hk hu id ie il in it jp kr lt mx my nl no nz ph pl pt ru se sg th tr tw us ve vn za !'
		;;
	'set audio-service-parameter parse-dtmf-mode' | 'set IVR_PARSE_DTMF_MODE')
		next='@ auto manual !'
		;;
	'set server-parameter')
		next='billing-hold-time-precision max-cdr-pending-list-length cdr-file-write-max cdr-file-write-interval billing-fee-precision billing-fee-unit billing-free-time billing-free-e164s billing-prevent-overdraft-advance-time billing-record-illegal-call billing-record-zero-hold-time billing-record-server-hang-up billing-gateway-route-prefix gateway-route-fee-rate cdr-real-time-report-server query-cdr-deny-time query-cdr-max-day-interval login-failed-disable-time password-length terminal-additional-characters phone-as-callee-money-verify external-web-send-phone-online external-send-cdr'
		;;
	'set logging')
		next='level'
		;;
	'set logging level')
		next='@ error warning notice info debug !'
		;;
	'set control')
		next='read-only-socket'
		;;
	'set trace')
		next='ring-size media-ring-size'
		;;
	'set trace-media')
		next='@keys:trace-media'
		;;
	'set trace-media *')
		next='caller callee number phone gateway'
		;;
	'set hep')
		next='address capture-id password'
		;;
	'set cdr')
		next='history refuse-when-full illegal-rate format directory push-url push-token push-timeout'
		;;
	'set cdr format')
		next='@ csv json off !'
		;;
	'set metrics')
		next='http remote'
		;;
	'set alarm-hook')
		next='command post token level time-limit'
		;;
	'set alarm-hook level' | 'set alarm * level')
		next='@ low medium high critical !'
		;;
	'set backup')
		next='directory interval keep'
		;;
	'set user')
		next='@keys:user'
		;;
	'set user *')
		next='role'
		;;
	'set user * role')
		next='@ monitor operator admin !'
		;;
	'set network')
		next='@keys:network'
		;;
	'set network *')
		next='prefix media-address advertised-address interface'
		;;
	'set listen')
		next='@keys:listen'
		;;
	'set listen *')
		next='udp tcp tls network media-address advertised-address certificate key ca verify-peer'
		;;
	'set listen * network' | 'set phone * network' | 'set mapping-gateway * network' | \
		'set routing-gateway * network')
		next='@keys:network !'
		;;
	'set trusted')
		next='@keys:trusted'
		;;
	'set trusted *')
		next='memo'
		;;
	'set number-transform')
		next='@keys:number-transform'
		;;
	'set number-transform *')
		next='rule'
		;;
	'set number-group')
		next='@keys:number-group'
		;;
	'set number-group *')
		next='number'
		;;
	'set number-pool')
		next='@keys:number-pool'
		;;
	'set number-pool *')
		next='number number-group order reuse-count'
		;;
	'set number-pool * number-group' | 'set mapping-gateway * caller-number-groups' | \
		'set mapping-gateway * callee-number-groups' | 'set mapping-gateway * forward-signal-rewrite' | \
		'set routing-gateway * caller-number-groups' | 'set routing-gateway * callee-number-groups' | \
		'set routing-gateway * forward-signal-rewrite')
		next='@keys:number-group !'
		;;
	'set black-list')
		next='@keys:black-list'
		;;
	'set black-list *')
		next='listed-as memo'
		;;
	'set black-list * listed-as' | 'set white-list * listed-as')
		next='@ both caller callee !'
		;;
	'set white-list')
		next='@keys:white-list'
		;;
	'set white-list *')
		next='listed-as'
		;;
	'set phone *')
		next='password name memo lock capacity capacity-in capacity-out did display-number registration max-addresses address transport authentication local-address reply-address request-address keepalive ring network media-proxy local-ring local-ring-delay remote-ringing encryption srtp rtp-port-layout rtp-interrupt-detection rtp-learning codecs dtmf dtmf-receive dtmf-payload-type g729-mode g729-annexb g723-annexa t38 session-timer 100rel max-call-duration max-call-duration-from first-route-policy second-route-policy caller-transform callee-transform recognise-privacy recognise-identity privacy asserted-identity preferred-identity remote-party-id display-from redirect diversion dynamic-black-list transfer transfer-display transfer-ask-display do-not-disturb forward-always forward-in-period forward-period forward-busy forward-no-answer forward-offline forward-ring-time forward-order forward-display offline-routing'
		;;
	'set phone * lock' | 'set mapping-gateway * lock' | 'set routing-gateway * lock')
		next='@ none out in all !'
		;;
	'set phone * registration')
		next='@ dynamic static !'
		;;
	'set phone * transport' | 'set routing-gateway * transport' | 'set registration * transport')
		next='@ udp tcp tls !'
		;;
	'set phone * authentication' | 'set mapping-gateway * authentication')
		next='@ ip ip-port password !'
		;;
	'set phone * reply-address' | 'set phone * request-address' | 'set mapping-gateway * reply-address' | \
		'set mapping-gateway * request-address' | 'set routing-gateway * reply-address' | \
		'set routing-gateway * request-address')
		next='@ auto socket port full !'
		;;
	'set phone * keepalive')
		next='@ message options none !'
		;;
	'set phone * ring')
		next='@ in-turn at-once !'
		;;
	'set phone * remote-ringing' | 'set mapping-gateway * remote-ringing')
		next='@ passthrough 183-sdp 180-sdp !'
		;;
	'set phone * encryption' | 'set mapping-gateway * encryption' | 'set routing-gateway * encryption')
		next='@ none xor rc4 aes128 system !'
		;;
	'set phone * srtp' | 'set mapping-gateway * srtp' | 'set routing-gateway * srtp')
		next='@ off optional required !'
		;;
	'set phone * rtp-interrupt-detection' | 'set mapping-gateway * rtp-interrupt-detection' | \
		'set routing-gateway * rtp-interrupt-detection')
		next='@ none server-to-remote remote-to-server both !'
		;;
	'set phone * rtp-learning' | 'set mapping-gateway * rtp-learning' | 'set routing-gateway * rtp-learning')
		next='@ learn-once strict relearn !'
		;;
	'set phone * codecs' | 'set mapping-gateway * codecs' | 'set routing-gateway * codecs')
		next='@ g711a g711u g729 g729a g723 g722 g726 gsm ilbc amr opus !'
		;;
	'set phone * dtmf' | 'set mapping-gateway * dtmf' | 'set routing-gateway * dtmf')
		next='@ auto rfc2833 info off !'
		;;
	'set phone * dtmf-receive' | 'set mapping-gateway * dtmf-receive' | 'set routing-gateway * dtmf-receive')
		next='@ auto all rfc2833 info off !'
		;;
	'set phone * g729-mode' | 'set mapping-gateway * g729-mode' | 'set routing-gateway * g729-mode')
		next='@ auto g729 g729a !'
		;;
	'set phone * g729-annexb' | 'set phone * g723-annexa' | 'set mapping-gateway * g729-annexb' | \
		'set mapping-gateway * g723-annexa' | 'set routing-gateway * g729-annexb' | \
		'set routing-gateway * g723-annexa')
		next='@ passthrough auto yes no absent !'
		;;
	'set phone * first-route-policy' | 'set phone * second-route-policy' | 'set mapping-gateway * first-route-policy' | \
		'set mapping-gateway * second-route-policy')
		next='@ none asr !'
		;;
	'set phone * caller-transform' | 'set phone * callee-transform' | 'set mapping-gateway * caller-transform' | \
		'set mapping-gateway * callee-transform' | 'set routing-gateway * caller-transform' | \
		'set routing-gateway * callee-transform')
		next='@keys:number-transform !'
		;;
	'set phone * asserted-identity' | 'set phone * preferred-identity' | 'set routing-gateway * asserted-identity' | \
		'set routing-gateway * preferred-identity')
		next='@ none passthrough caller !'
		;;
	'set phone * redirect' | 'set routing-gateway * redirect')
		next='@ follow pass fail !'
		;;
	'set phone * forward-order')
		next='@ in-order random all-at-once !'
		;;
	'set gateway-group')
		next='@keys:gateway-group'
		;;
	'set gateway-group *')
		next='capacity'
		;;
	'set mapping-gateway *')
		next='password memo lock authentication address reply-address request-address network capacity rate-limit priority groups group-reserve allow-routing-gateways routing-group-rule routing-groups caller-prefix-rule caller-prefixes caller-lengths caller-number-group-rule caller-number-groups callee-prefix-rule callee-prefixes callee-lengths callee-number-group-rule callee-number-groups callee-restrict forward-signal-rewrite proceeding-timeout remote-ringing caller-from callee-from recognise-privacy replace-cause dynamic-black-list media-proxy encryption srtp rtp-port-layout rtp-interrupt-detection rtp-learning codecs dtmf dtmf-receive dtmf-payload-type g729-mode g729-annexb g723-annexa t38 session-timer 100rel max-call-duration max-call-duration-from first-route-policy second-route-policy proportional-prefix transfer caller-transform callee-transform'
		;;
	'set mapping-gateway * groups')
		next='@keys:gateway-group !'
		;;
	'set mapping-gateway * routing-group-rule' | 'set mapping-gateway * caller-prefix-rule' | \
		'set mapping-gateway * caller-number-group-rule' | 'set mapping-gateway * callee-prefix-rule' | \
		'set mapping-gateway * callee-number-group-rule' | 'set routing-gateway * caller-prefix-rule' | \
		'set routing-gateway * caller-number-group-rule' | 'set routing-gateway * callee-prefix-rule' | \
		'set routing-gateway * callee-number-group-rule' | 'set routing-gateway * pair-rule' | \
		'set routing-gateway * forwarded-prefix-rule')
		next='@ allow deny !'
		;;
	'set mapping-gateway * callee-restrict' | 'set routing-gateway * callee-restrict')
		next='@ none phone no-phone !'
		;;
	'set mapping-gateway * caller-from')
		next='@ from p-asserted p-preferred remote-party-id display !'
		;;
	'set mapping-gateway * callee-from')
		next='@ request-uri to diversion !'
		;;
	'set routing-gateway *')
		next='password memo lock registration address transport local-address reply-address request-address network prefixes prefix-mode priority capacity rate-limit groups group-reserve caller-prefix-rule caller-prefixes caller-lengths caller-number-group-rule caller-number-groups callee-prefix-rule callee-prefixes callee-lengths callee-number-group-rule callee-number-groups callee-restrict pair-rule pairs forwarded-prefix-rule forwarded-prefixes forward-signal-rewrite protect period timeout-invite timeout-trying timeout-session-progress timeout-session-progress-sdp timeout-ringing timeout-setup timeout-callproceeding timeout-callproceeding-olc timeout-alerting switch-after-ring switch-after-sdp switch-after-rtp switch-after-busy stop-codes options-check allow-publish privacy asserted-identity preferred-identity remote-party-id show-display-number display-from redirect diversion transfer number-pool caller-transform callee-transform media-proxy local-ring local-ring-delay encryption srtp rtp-port-layout rtp-interrupt-detection rtp-learning codecs dtmf dtmf-receive dtmf-payload-type g729-mode g729-annexb g723-annexa t38 session-timer 100rel max-call-duration max-call-duration-from'
		;;
	'set routing-gateway * registration')
		next='@ static dynamic register !'
		;;
	'set routing-gateway * prefix-mode')
		next='@ extend terminate !'
		;;
	'set routing-gateway * number-pool')
		next='@keys:number-pool !'
		;;
	'set registration')
		next='@keys:registration'
		;;
	'set registration *')
		next='server proxy host local-address user-agent capacity memo transport account auth-name password expire retry-delay routing-gateway from mapping-gateway'
		;;
	'set registration * from')
		next='@ caller account !'
		;;
	'set alarm')
		next='@ routing-gateway-asr routing-gateway-acd routing-gateway-drop routing-gateway-rise mapping-gateway-asr mapping-gateway-acd mapping-gateway-drop mapping-gateway-rise cpu memory disk pending-cdr packets-in bytes-in packets-out bytes-out call-duration database illegal-call clock-skew nat-keep-alive overload certificate gateway-offline firewall control-socket media-ports one-way-audio foreign-media metrics fraud push process-ended @keys:alarm'
		;;
	'set alarm *')
		next='level lower upper hysteresis window attempts post mail call'
		;;
	'commit')
		next='confirm !'
		;;
	'monitor')
		next='log counters calls trace'
		;;
	'monitor trace')
		next='caller callee number phone gateway address method status cause call-id failed leg messages ladder summary'
		;;
	'debug')
		next='sip authentication route media nat'
		;;
	'debug sip')
		next='messages registrations'
		;;
	'debug sip messages' | 'debug sip registrations' | 'debug authentication' | \
		'debug route' | 'debug media' | 'debug nat')
		next='caller callee number phone gateway address method status cause call-id failed leg'
		;;
	'no')
		next='debug'
		;;
	'no debug')
		next='all sip authentication route media nat !'
		;;
	*) return 1 ;;
	esac
}

# Sets next for the words given.
_vosctl_walk()
{
	local path='' base='' word

	_vosctl_next ''
	for word in "$@"; do
		if [[ " $next " == *' ! '* ]]; then
			next=''
			return
		elif _vosctl_next "${path:+$path }$word"; then
			path=${path:+$path }$word
		elif _vosctl_next "$path *"; then
			path="$path *"
		elif _vosctl_next "${base:+$base }$word"; then
			path=${base:+$base }$word
		elif [[ $base && ( $next == *@* || " $next " == *" $word "* ) ]]; then
			path=$base
		else
			next=''
			return
		fi
		_vosctl_next "$path"
		[[ $next == '@'* ]] || base=$path
	done
}

# What the switch says in 100 ms, or nothing.
_vosctl_ask()
{
	local answer

	answer=$("${COMP_WORDS[0]}" ${socket:+-s "$socket"} -q -t 0.1 "$1" 2>/dev/null) ||
		return
	printf '%s\n' "$answer"
}

_vosctl_values()
{
	case $1 in
	@keys:*) _vosctl_ask "show running-config ${1#@keys:} | include ^${1#@keys:}" |
		cut -d' ' -f2 ;;
	@generations) _vosctl_ask 'show configuration history | csv' | tail -n +2 | cut -d, -f1 ;;
	@gateways) _vosctl_ask 'show mapping-gateways | csv' | tail -n +2 | cut -d, -f1
		_vosctl_ask 'show routing-gateways | csv' | tail -n +2 | cut -d, -f1 ;;
	@backups) _vosctl_ask 'backup list | csv' | tail -n +2 | cut -d, -f1 ;;
	@?*) _vosctl_ask "show ${1#@} | csv" | tail -n +2 | cut -d, -f1 ;;
	esac
}

_vosctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} socket='' next='' word i=1
	local -a words=()

	COMPREPLY=()
	for (( ; i < COMP_CWORD; i++ )); do
		word=${COMP_WORDS[i]}
		[[ $word == -s ]] && socket=${COMP_WORDS[i + 1]}
		case $word in
		-[sf])
			(( ++i == COMP_CWORD )) && mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return
			;;
		-[tc]) (( ++i == COMP_CWORD )) && return ;;
		-*) ;;
		*) break ;;
		esac
	done
	words=("${COMP_WORDS[@]:i:COMP_CWORD - i}")
	if [[ ${words[0]} == apply ]]; then
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		--comment | --confirm) return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$_vosctl_apply_options" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	fi
	if (( ${#words[@]} == 0 )) && [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$_vosctl_options" -- "$cur")
		return
	fi
	_vosctl_walk "${words[@]}"
	words=()
	for word in $next; do
		case $word in
		'!') ;;
		# Nobody needs all names beside the keywords.
		@names) [[ $cur == [A-Z]* || $next == @* ]] && words+=($_vosctl_names) ;;
		@files) mapfile -t -O "${#words[@]}" words < <(compgen -f -- "$cur") ;;
		@*) mapfile -t -O "${#words[@]}" words < <(_vosctl_values "$word") ;;
		*) words+=("$word") ;;
		esac
	done
	mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
}

complete -F _vosctl vosctl
