/* SPDX-License-Identifier: Apache-2.0 */
/** @file candidates.h  Our host candidates (RFC 8839 section 5.1), from sockets and addresses. */
#ifndef AURA_SFU_CANDIDATES_H
#define AURA_SFU_CANDIDATES_H

#include "sfu/worker.h"

enum { AURA_SFU_BASE_ADDRS_MAX = 64 };

/**
 * The addresses that candidates may name, without port: those advertised or bound by
 * configuration, else the interfaces' (loopback only if asked for, or if there is nothing else).
 * @return 0 or AURA_EIO
 */
AURA_NODISCARD int aura__candidates_collect(struct aura_addr out[AURA_SFU_BASE_ADDRS_MAX],
                                            size_t *count, const struct aura_sfu_conf *conf);
/** UDP candidates of the worker's sockets, then TCP ones of the listeners. @return how many */
size_t aura__candidates_of(const struct aura_worker *worker, const struct aura_worker *listening,
                           const struct aura_addr *base, size_t base_count,
                           struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]);

/** The character that a ufrag begins with, and back; -1 for characters that name no worker. */
char aura__ufrag_char(unsigned worker);
int aura__ufrag_worker(char c);

#endif
