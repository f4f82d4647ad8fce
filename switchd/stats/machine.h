/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine says of itself in /proc. */
#pragma once

#include <stdint.h>

struct machine {
	uint64_t cpu_busy; /* ticks of all cores */
	uint64_t cpu_all;
	uint64_t softirq_us; /* in which the kernel handles packets, of all cores */
	int memory_percent;  /* in use; -1: not known, as with the next one */
	int disk_percent;
	uint64_t packets_in; /* of all interfaces but the loopback */
	uint64_t bytes_in;
	uint64_t packets_out;
	uint64_t bytes_out;
};

/* Processor time as in struct machine, nothing else. */
uint64_t machine_softirq_us(void);
/* folder: the one whose disk is meant; NULL: none. */
void machine_read(const char *folder, struct machine *out);
