/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface that what a socket sends leaves by, whatever address it is for. */
#pragma once

#include "shared/base/addr.h"

/* 0: as routes say. A kernel that refuses it leaves it to the routes. */
void device_set(int fd, enum addr_family family, unsigned device);
unsigned device_of(int fd, enum addr_family family);
