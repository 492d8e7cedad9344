/* SPDX-License-Identifier: Apache-2.0 */
/** @file state_path.h  Where a server keeps what must outlive it. */
#ifndef AURA_CMD_STATE_PATH_H
#define AURA_CMD_STATE_PATH_H

#include "api/config.h"

enum { STATE_PATH_BYTES = 4096 };

/**
 * systemd's StateDirectory, or the place that the XDG base directory specification gives. What a
 * development server leaves may be thrown away, and each port has its own.
 * @param name  of the file, without ".db". @return 0 or AURA_EINVAL (too long)
 */
AURA_NODISCARD int state_path(const struct aura_config *c, const char *name,
                              char out[STATE_PATH_BYTES]);

#endif
