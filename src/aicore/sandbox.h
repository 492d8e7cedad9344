/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sandbox.h  Takes away what a process needs no more once it serves.
 *
 * AI Core runs decoders and models on what strangers send. After this no thread of it can open a
 * file or a socket, start a program or a process, connect anywhere, look into other processes, or
 * get rights back (seccomp(2), no_new_privs). It answers on connections that others open, and
 * computes. A datagram socket that was open before could still send: AI Core has none.
 */
#ifndef AURA_AICORE_SANDBOX_H
#define AURA_AICORE_SANDBOX_H

#include "base/err.h"

/**
 * For all threads of the process, and for good. What is forbidden fails with EPERM, so that a
 * library that tries its luck goes on.
 * @return 0, AURA_EUNSUPPORTED (the kernel has no seccomp filters), AURA_ENOMEM
 */
AURA_NODISCARD int aura_sandbox_enter(void);

#endif
