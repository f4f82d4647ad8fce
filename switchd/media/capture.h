/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of what a session relays, for capture files: RTP, RTCP and fax, as they come from either
 * party and as they go out to it, in clear where the line is encrypted.
 *
 * They go into a ring of the flight recorder that is the media thread's own (trace/recorder.h): a
 * packet is one copy, no lock, no allocation, no formatting. While a session is captured its
 * packets do not pass within the kernel (fast.h). What the relay drops is not copied. */
#pragma once

#include "switchd/media/media.h"

/* Signalling. Copies bear that call's key; event.a is the enum packet_kind. A session that is
 * captured already goes on under the new key. False: there is no ring, or no memory. */
bool media_capture_start(struct media_session *session, uint64_t key);
void media_capture_stop(struct media_session *session);
