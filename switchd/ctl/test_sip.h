/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

struct ctl;

/* Calls back every OPTIONS that is out; at the end of the control thread. */
void test_sip_cancel_all(struct ctl *ctl);
