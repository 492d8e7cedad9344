/* SPDX-License-Identifier: Apache-2.0 */
/* What the Application Service of Matrix keeps in the directory: events that it has acted on, and
 * the rooms that ghosts are in. */
#include "auraid/directory_priv.h"

#include <stdio.h>
#include <string.h>

int aura_directory_event(struct aura_directory *d, const char *event) {
    aura_sql_begin(d->sql, ST_EVENT);
    aura_sql_text(d->sql, ST_EVENT, 1, event);
    int err = aura_sql_run(d->sql, ST_EVENT);
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_EVENT_TRIM);
    aura_sql_int(d->sql, ST_EVENT_TRIM, 1, aura_sql_last_row(d->sql) - AURA_DIRECTORY_EVENTS_MAX);
    return aura_sql_run(d->sql, ST_EVENT_TRIM);
}

static int rooms_of(struct aura_directory *d, const struct aura_id *id, int64_t *count) {
    aura_sql_begin(d->sql, ST_ROOM_COUNT);
    aura_sql_text(d->sql, ST_ROOM_COUNT, 1, id->name);
    int err = aura_sql_row(d->sql, ST_ROOM_COUNT);
    *count = err ? 0 : aura_sql_get_int(d->sql, ST_ROOM_COUNT, 0);
    aura_sql_end(d->sql, ST_ROOM_COUNT);
    return err;
}

int aura_directory_enter_room(struct aura_directory *d, const struct aura_id *id, const char *room,
                              const char *peer) {
    struct aura_identity who;
    int64_t count;
    int err = aura_directory_get(d, id, &who);
    aura_sql_end(d->sql, ST_BY_ID); /* a row that is lent holds a read transaction */
    err = err ? err : rooms_of(d, id, &count);
    if (err || count >= AURA_DIRECTORY_ROOMS_MAX) {
        return err ? err : AURA_ELIMIT;
    }
    aura_sql_begin(d->sql, ST_ROOM);
    aura_sql_text(d->sql, ST_ROOM, 1, room);
    aura_sql_text(d->sql, ST_ROOM, 2, id->name);
    aura_sql_text(d->sql, ST_ROOM, 3, peer);
    return aura_sql_run(d->sql, ST_ROOM);
}

int aura_directory_leave_room(struct aura_directory *d, const struct aura_id *id,
                              const char *room) {
    aura_sql_begin(d->sql, ST_ROOM_LEAVE);
    aura_sql_text(d->sql, ST_ROOM_LEAVE, 1, room);
    aura_sql_text(d->sql, ST_ROOM_LEAVE, 2, id->name);
    return aura_sql_run(d->sql, ST_ROOM_LEAVE);
}

int aura_directory_in_room(struct aura_directory *d, const char *room,
                           struct aura_id out[AURA_DIRECTORY_ROOM_PEOPLE_MAX], size_t *count) {
    int err;
    *count = 0;
    aura_sql_begin(d->sql, ST_ROOM_PEOPLE);
    aura_sql_text(d->sql, ST_ROOM_PEOPLE, 1, room);
    aura_sql_int(d->sql, ST_ROOM_PEOPLE, 2, AURA_DIRECTORY_ROOM_PEOPLE_MAX);
    while ((err = aura_sql_row(d->sql, ST_ROOM_PEOPLE)) == 0) {
        struct aura_id *id = &out[(*count)++];
        (void)snprintf(id->name, sizeof(id->name), "%s",
                       aura_sql_get_text(d->sql, ST_ROOM_PEOPLE, 0));
    }
    return err == AURA_ENOENT ? 0 : err;
}

int aura_directory_direct_room(struct aura_directory *d, const struct aura_id *id, const char *peer,
                               char out[AURA_DIRECTORY_TEXT_MAX + 1]) {
    aura_sql_begin(d->sql, ST_ROOM_DIRECT);
    aura_sql_text(d->sql, ST_ROOM_DIRECT, 1, id->name);
    aura_sql_text(d->sql, ST_ROOM_DIRECT, 2, peer);
    int err = aura_sql_row(d->sql, ST_ROOM_DIRECT);
    if (!err) {
        (void)snprintf(out, AURA_DIRECTORY_TEXT_MAX + 1, "%s",
                       aura_sql_get_text(d->sql, ST_ROOM_DIRECT, 0));
        aura_sql_end(d->sql, ST_ROOM_DIRECT);
    }
    return err;
}

static int run_gone(struct aura_directory *d, size_t which, const struct aura_id *id) {
    aura_sql_begin(d->sql, which);
    aura_sql_text(d->sql, which, 1, id->name);
    return aura_sql_run(d->sql, which);
}

int aura_directory_add_gone(struct aura_directory *d, const struct aura_id *id) {
    return run_gone(d, ST_GONE_ADD, id);
}

int aura_directory_drop_gone(struct aura_directory *d, const struct aura_id *id) {
    return run_gone(d, ST_GONE_DROP, id);
}

int aura_directory_gone(struct aura_directory *d, struct aura_id *out) {
    aura_sql_begin(d->sql, ST_GONE);
    int err = aura_sql_row(d->sql, ST_GONE);
    if (!err) {
        (void)snprintf(out->name, sizeof(out->name), "%s", aura_sql_get_text(d->sql, ST_GONE, 0));
        aura_sql_end(d->sql, ST_GONE);
    }
    return err;
}
