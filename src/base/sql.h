/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sql.h  A SQLite file with its prepared statements, for the modules that keep something.
 *
 * A module lists its statements once; they are prepared when the file is opened and known by their
 * index. Parameters are numbered from 1, columns from 0. A parameter that could not be bound shows
 * as an error of the step. WAL mode; one thread; blocking.
 */
#ifndef AURA_BASE_SQL_H
#define AURA_BASE_SQL_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct aura_sql;

struct aura_sql_conf {
    const char *path;        /* ":memory:" = none */
    const char *topic;       /* of its log lines */
    const char *schema;      /* is run at each opening: CREATE … IF NOT EXISTS */
    const char *const *text; /* the statements */
    size_t count;
    bool
        durable; /* a commit survives a power cut; else the last moments may be lost, and no more */
    bool shared; /* does not keep others out, nor is it kept out: for a moment beside the owner */
    bool background; /* a thread of its own moves the log into the file, which waits for the disk */
};

/**
 * Makes the folders and the file where they lack, readable by its owner alone, and keeps other
 * processes out. @p conf's strings are borrowed. @param why  what is wrong, for a person
 * @return 0, AURA_EEXISTS (another process has it), AURA_EIO, AURA_ENOMEM
 */
AURA_NODISCARD int aura_sql_open(struct aura_sql **sp, const struct aura_sql_conf *conf,
                                 struct aura_buf *why);
struct aura_sql *aura_sql_close(struct aura_sql *s);

/** Makes a statement ready for parameters; an unfinished one is given up. */
void aura_sql_begin(struct aura_sql *s, size_t which);
void aura_sql_int(struct aura_sql *s, size_t which, int at, int64_t value);
/** NULL binds NULL. @p text must stay until the statement has run. */
void aura_sql_text(struct aura_sql *s, size_t which, int at, const char *text);
/** @p data must stay until the statement has run. */
void aura_sql_blob(struct aura_sql *s, size_t which, int at, const void *data, size_t len);
/** Runs a statement that gives no rows, or of whose rows nothing is wanted. @return 0, AURA_EIO,
 * AURA_EEXISTS (a UNIQUE or PRIMARY KEY is there already) */
AURA_NODISCARD int aura_sql_run(struct aura_sql *s, size_t which);
/** The next row. @return 0, AURA_ENOENT (no more: it is reset), AURA_EIO */
AURA_NODISCARD int aura_sql_row(struct aura_sql *s, size_t which);
int64_t aura_sql_get_int(struct aura_sql *s, size_t which, int column);
/** Never NULL; borrowed until the statement's next step or begin. */
const char *aura_sql_get_text(struct aura_sql *s, size_t which, int column);
/** NULL if it is empty; borrowed as a text is. */
const uint8_t *aura_sql_get_blob(struct aura_sql *s, size_t which, int column, size_t *len);
/** No more rows are wanted: locks go. */
void aura_sql_end(struct aura_sql *s, size_t which);
/** Rows that the last change touched. */
int64_t aura_sql_changes(const struct aura_sql *s);
/** The key of the row that was inserted last. */
int64_t aura_sql_last_row(const struct aura_sql *s);

/**
 * Reads from here on see one state and take SQLite's locks once, not each by itself. That ends with
 * the first change, or with the release: at the latest with the turn of the loop, or the log could
 * not be moved into the file. Not nested: the first release ends it.
 */
void aura_sql_hold(struct aura_sql *s);
void aura_sql_release(struct aura_sql *s);

/** Changes until commit are one. An error of the commit has undone them. */
AURA_NODISCARD int aura_sql_transaction(struct aura_sql *s);
AURA_NODISCARD int aura_sql_commit(struct aura_sql *s);
void aura_sql_rollback(struct aura_sql *s);

#endif
