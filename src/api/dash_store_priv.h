/* SPDX-License-Identifier: Apache-2.0 */
/** @file dash_store_priv.h  Shared by dash_store.c (operators, the file) and dash_store_keys.c. */
#ifndef AURA_API_DASH_STORE_PRIV_H
#define AURA_API_DASH_STORE_PRIV_H

#include "api/dash_store.h"
#include "base/sql.h"

enum aura__dash_statement {
    ST_ADD,
    ST_ADD_FIRST,
    ST_GET,
    ST_SET_ROLE,
    ST_SET_HASH,
    ST_REMOVE,
    ST_SEEN,
    ST_LIST,
    ST_COUNT,
    ST_ADMINS,
    ST_SETUP_SET,
    ST_SETUP_GET,
    ST_SETUP_END,
    ST_KEY_ADD,
    ST_KEY_GET,
    ST_KEY_RENAME,
    ST_KEY_ROTATE,
    ST_KEY_REVOKE,
    ST_KEY_LIST,
    ST_KEY_COUNT,
    ST_KEY_TRIM,
    ST_AUDIT_ADD,
    ST_AUDIT_TRIM,
    ST_AUDIT_LIST,
    ST_STATEMENTS
};

struct aura_dash_store {
    struct aura_dash_store_conf conf;
    struct aura_sql *sql;
};

#endif
