/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_addresses.h  Which addresses clients are told that media is on. */
#ifndef AURA_CMD_SERVER_ADDRESSES_H
#define AURA_CMD_SERVER_ADDRESSES_H

#include "cmd/server_options.h"

/**
 * Carries out rtc.interfaces, rtc.ips and rtc.use_external_ip: o->node_ip is what they come to. It
 * stays as it is where none of them is given. Asks STUN servers, and waits for them.
 * @return 0; else stderr says why
 */
AURA_NODISCARD int server_addresses(struct server_options *o);
/** Do rtc.ips name networks? For checks without a network. @return 0; else stderr says why */
AURA_NODISCARD int server_addresses_check(const struct aura_config *c);

#endif
