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

/** The Application Service, with the registration's secrets; nothing moves once it is read. */
struct server_appservice {
    struct aura_registration registration;
    char service[AURA_AS_TEXT_MAX];
    char url[AURA_AS_TEXT_MAX];
    struct aura_appservice_conf conf;
};
/** Reads the registration. @param out  NULL: there is none. @return 0, or an error after a message
 * on standard error */
AURA_NODISCARD int server_appservice_start(struct server_appservice *s, const struct aura_config *c,
                                           const struct aura_appservice_conf **out);

#endif
