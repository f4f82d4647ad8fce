/* SPDX-License-Identifier: GPL-2.0-or-later */
/* G.711 both ways: 16-bit samples, of which A-law keeps 13 bits and mu-law 14. */
#pragma once

#include <stdint.h>

#define G711_RATE 8000

enum g711_law { G711_MU, G711_A, G711_LAWS };

uint8_t g711_encode(enum g711_law law, int16_t sample);
int16_t g711_decode(enum g711_law law, uint8_t code);
