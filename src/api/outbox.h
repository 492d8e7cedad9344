/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file outbox.h  Events that wait to be delivered, and those that were, in a SQLite file.
 *
 * An event gets a sequence number that no other event of the file ever has. For each URL it is
 * waiting, delivered, refused or given up. The file is in WAL mode and every commit reaches the
 * disk: what aura_outbox_commit() has taken survives the end of the process and of the machine.
 *
 * Threading: one thread; a second process is kept out by a lock. Blocking.
 */
#ifndef AURA_API_OUTBOX_H
#define AURA_API_OUTBOX_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_OUTBOX_URLS_MAX = 16,
    AURA_OUTBOX_LIST_MAX = 1000, /* events of one answer */
};

struct aura_outbox;

struct aura_outbox_conf {
    const char *path;
    const char *const *urls;
    size_t url_count;
    uint64_t max_events, max_bytes; /* the oldest go, delivered ones first */
};

enum aura_outbox_state {
    AURA_OUTBOX_WAITING,
    AURA_OUTBOX_DELIVERED,
    AURA_OUTBOX_REFUSED, /* the receiver said that it does not want it */
    AURA_OUTBOX_EXPIRED, /* too old, or its URL is configured no more */
};

/** Strings are borrowed until the next call. */
struct aura_outbox_event {
    uint64_t seq, room_seq; /* in all, and in its room; both begin at 1 */
    const char *id, *name, *room;
    uint64_t created_us; /* since the Unix epoch */
    const uint8_t *body;
    size_t len;
};

/**
 * Opens or makes the file. URLs are known by their text: deliveries to others that still wait are
 * given up. @param why  text of what is wrong, for a person
 * @return 0, AURA_EEXISTS (another process has it), AURA_EIO, AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_outbox_open(struct aura_outbox **op, const struct aura_outbox_conf *conf,
                                    struct aura_buf *why);
struct aura_outbox *aura_outbox_close(struct aura_outbox *o);

/** Changes between begin and commit are one write. @return 0 or AURA_EIO (nothing was changed) */
AURA_NODISCARD int aura_outbox_begin(struct aura_outbox *o);
AURA_NODISCARD int aura_outbox_commit(struct aura_outbox *o);
void aura_outbox_rollback(struct aura_outbox *o);

/** Adds an event that waits for every URL; its numbers are set. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_add(struct aura_outbox *o, struct aura_outbox_event *e);
/** Removes what is above the ceilings, waiting events last. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_trim(struct aura_outbox *o);
/** The oldest event of a room that waits for a URL. @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_outbox_head(struct aura_outbox *o, size_t url, const char *room,
                                    struct aura_outbox_event *out);
/** Rooms with events that wait for a URL. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_rooms(struct aura_outbox *o, size_t url,
                                     void (*fn)(void *arg, const char *room), void *arg);
/** What became of one attempt. @param status  of HTTP, 0 = none came. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_result(struct aura_outbox *o, size_t url, uint64_t seq,
                                      enum aura_outbox_state state, long status);

struct aura_outbox_query {
    uint64_t from, to; /* sequence numbers, both included */
    const char *room;  /* NULL = all */
    size_t limit;
    bool open_only; /* that some URL has not got */
    bool newest;    /* … first, in a list */
    bool bodies;
};
struct aura_outbox_delivery {
    const char *url;
    enum aura_outbox_state state;
    uint32_t attempts;
    long status; /* of the last attempt */
};
/** Oldest first, or as @p q says. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_list(struct aura_outbox *o, const struct aura_outbox_query *q,
                                    void (*fn)(void *arg, const struct aura_outbox_event *e,
                                               const struct aura_outbox_delivery *d, size_t n),
                                    void *arg);
/** Makes events wait again for all URLs. @param count  out. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_outbox_replay(struct aura_outbox *o, const struct aura_outbox_query *q,
                                      uint64_t *count);

struct aura_outbox_stats {
    uint64_t events, bytes, waiting; /* waiting: pairs of event and URL */
    uint64_t dropped;                /* events removed while they waited, since it was opened */
};
void aura_outbox_stats(const struct aura_outbox *o, struct aura_outbox_stats *out);
const char *aura_outbox_state_name(enum aura_outbox_state s);

#endif
