/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of a thread's call table; what others see of it is in call.h. */
#pragma once

#include "switchd/call/leg.h"

#define CALL_TABLE_MAX 200000u /* calls of one thread; beyond it new ones get 503 */

VOS_CHECK enum vos_err call_table_create(const struct call_env *env, struct call_table **out);
/* Frees what is left without signalling. NULL is allowed. */
void call_table_destroy(struct call_table *table);
/* Ends every call with cause shutdown. */
void call_table_release_all(struct call_table *table);
