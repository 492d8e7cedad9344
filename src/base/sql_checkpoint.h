/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sql_checkpoint.h  Moves SQLite's write-ahead log into its file on a thread of its own.
 *
 * SQLite does so in the commit that fills a thousand pages of the log, which then waits for the
 * disk two times. Here a thread with a connection of its own does, while commits go on; the log
 * begins anew with the first commit that finds all of it moved, which waits for the disk once:
 * so that is seldom. Where commits never pause the log grows, so at AURA_SQL_LOG_PAGES_MAX the
 * commit moves what is left, which is little by then. (SQLite, "Write-Ahead Logging"; PASSIVE
 * checkpoints wait for nobody, and nobody waits for them)
 *
 * Threading: new and free on the thread of the database.
 */
#ifndef AURA_BASE_SQL_CHECKPOINT_H
#define AURA_BASE_SQL_CHECKPOINT_H

#include "base/err.h"

enum {
    AURA_SQL_LOG_PAGES = 8000,      /* in the log, at which the thread moves them */
    AURA_SQL_LOG_PAGES_MAX = 32000, /* at which the commit does */
};

struct aura_sql_checkpoint;
struct sqlite3;

/** @param db  whose commits are looked at. @return 0, AURA_ENOMEM; where there is no thread to be
 * had SQLite goes on as it was, and it says so */
AURA_NODISCARD int aura_sql_checkpoint_new(struct aura_sql_checkpoint **cp, const char *path,
                                           struct sqlite3 *db);
/** Waits for what is under way. NULL is fine. Returns NULL. */
struct aura_sql_checkpoint *aura_sql_checkpoint_free(struct aura_sql_checkpoint *c);

#endif
