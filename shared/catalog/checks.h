/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of single values that a range cannot say; rows of the tables name them. */
#pragma once

#include "shared/catalog/value.h"

#define NAME_RULE   "no blank, quote, \\, | or ?"
#define DIGITS_RULE "digits, * # or a leading +"
#define URL_RULE    "http:// or https://, host and path; a password has no place in it"
#define PERIOD_RULE                                                                                \
	"as \"mon-fri 08:00-18:00 allow\", \"... deny caller 49 callee 00\", \"... capacity 20\" " \
	"or "                                                                                      \
	"\"... callee-transform NAME\""
#define TIMES_RULE "as \"mon-fri 08:00-18:00 allow\" or \"... deny caller 49 callee 00\""
#define PAIR_RULE \
	"caller:callee, of digits, * # or a leading +; * alone or nothing is any, not for both"

bool check_session_segment(const struct value *value);
bool check_even_pair(const struct value *value);

bool check_name(const struct value *value);
bool check_number(const struct value *value);
bool check_digits(const struct value *value);
bool check_login(const struct value *value);
bool check_hostname(const struct value *value);
bool check_realm(const struct value *value);
bool check_path(const struct value *value);
bool check_ip_or_empty(const struct value *value);
bool check_host_port(const struct value *value);
bool check_url(const struct value *value);
bool check_host_port_list(const struct value *value);
bool check_amount(const struct value *value);
bool check_number_list(const struct value *value);
bool check_hours(const struct value *value);
bool check_ivr_codecs(const struct value *value);
bool check_dtmf_key(const struct value *value);
bool check_rule(const struct value *value);
bool check_cause_pair(const struct value *value);
bool check_period(const struct value *value);
/* A period that allows or denies, where there is nothing else for it to set. */
bool check_times(const struct value *value);
bool check_weighted_prefix(const struct value *value);

bool canonical_source(struct span text, struct buf *out);
bool canonical_pair(struct span text, struct buf *out);
bool canonical_digest_algorithms(struct span text, struct buf *out);
