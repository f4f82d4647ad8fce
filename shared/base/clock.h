/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two clocks. Timers and durations use the monotonic one; only what a person reads or a record
 * stores uses wall time. State machines take `now_us` as an argument, so that tests can set it. */
#pragma once

#include <stdint.h>

uint64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970 */

#define CLOCK_TEXT_MAX 32
/* "2026-11-20T23:59:02Z" */
char *clock_print_utc(int64_t wall_ms, char out[CLOCK_TEXT_MAX]);
