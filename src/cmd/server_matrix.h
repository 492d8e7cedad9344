/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_matrix.h  The MatrixRTC authorisation service as the configuration wants it. */
#ifndef AURA_CMD_SERVER_MATRIX_H
#define AURA_CMD_SERVER_MATRIX_H

#include "api/config.h"
#include "api/matrix.h"

/** What is wrong with `matrix`, for people; NULL = nothing. */
const char *server_matrix_problem(const struct aura_config *c);
/** Fills @p conf, which borrows from @p c. @return @p conf, or NULL: it is off */
const struct aura_matrix_conf *server_matrix_conf(struct aura_matrix_conf *conf,
                                                  const struct aura_config *c);

#endif
