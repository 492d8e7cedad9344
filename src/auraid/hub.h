/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hub.h  Which devices of whom are connected, and telling them things in order.
 *
 * Each message is a JSON object that begins with "seq": 1 for the first one of a connection, then
 * one more each time. So a device that sees a gap has a bug or a broken proxy before it; nothing is
 * ever left out here: a device that cannot be told something is closed, and learns what is so when
 * it comes back. Threading: one thread.
 */
#ifndef AURA_AURAID_HUB_H
#define AURA_AURAID_HUB_H

#include "auraid/calls.h"
#include "base/list.h"

enum {
    AURA_HUB_NAME_MAX = 63,   /* bytes of a device's name: letters, digits, "." "_" "-" */
    AURA_HUB_APP_MAX = 126,   /* bytes of an API key; with "/" and the name a device of a call */
    AURA_HUB_OF_ONE_MAX = 16, /* devices of one person at a time */
    AURA_HUB_QUEUE_BYTES_MAX = 64 * 1024, /* that a device has not read yet; more closes it */
};

/* Codes that a connection is closed with (RFC 6455 §7.4.2: from 4000 on they are ours). */
enum {
    AURA_HUB_REPLACED = 4000,
    AURA_HUB_FORGOTTEN = 4001,
    AURA_HUB_TOO_SLOW = 1008,
    AURA_HUB_NO_MEMORY = 1013
};

struct aura_hub;

/** The way to a device. None of these may call back into the hub. */
struct aura_hub_sink {
    int (*send)(void *arg, const char *text, size_t len); /* @return 0, or why it is lost */
    size_t (*queued)(void *arg);                          /* bytes that wait to be read */
    void (*close)(void *arg, int code, const char *reason);
};

/** One connection; yours until aura_hub_closed(). */
struct aura_hub_device {
    struct aura_node node; /* private, as all below `call_name` */
    struct aura_id who;
    char call_name[AURA_CALL_DEVICE_MAX]; /* "API key/name": what calls know it by */
    char app[AURA_HUB_APP_MAX + 1];
    const char *name; /* in it, behind the slash */
    uint64_t seq;
    const struct aura_hub_sink *sink;
    void *arg;
};

/** Letters, digits, ".", "_" and "-", AURA_HUB_NAME_MAX at most? */
bool aura_hub_is_name(const char *name);
/** "app/name". @return 0 or AURA_EINVAL (too long, empty, signs that are not allowed) */
AURA_NODISCARD int aura_hub_call_name(char out[AURA_CALL_DEVICE_MAX], const char *app,
                                      const char *name);

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_hub_new(struct aura_hub **hp, size_t max_devices);
/** How many of them may be of one app; 0 = all. Who is connected stays. */
void aura_hub_set_share(struct aura_hub *h, size_t max_of_app);
/** All devices must be gone. NULL is fine. Returns NULL. */
struct aura_hub *aura_hub_free(struct aura_hub *h);
size_t aura_hub_count(const struct aura_hub *h);
/** Connections that were closed because they did not read. */
uint64_t aura_hub_slow(const struct aura_hub *h);

/**
 * A device has connected. An older connection of it is closed (AURA_HUB_REPLACED) and told nothing
 * any more.
 * @return 0, AURA_EINVAL (as aura_hub_call_name()), AURA_ELIMIT, AURA_ENOMEM
 */
AURA_NODISCARD int aura_hub_open(struct aura_hub *h, const struct aura_id *who, const char *app,
                                 const char *name, const struct aura_hub_sink *sink, void *arg,
                                 struct aura_hub_device **out);
/** The connection is gone: frees it. */
void aura_hub_closed(struct aura_hub *h, struct aura_hub_device *d);
/** That device of a person, if it is connected; NULL. */
struct aura_hub_device *aura_hub_find(const struct aura_hub *h, const struct aura_id *who,
                                      const char *call_name);
/** Those of a person, the oldest first. @p fn may have the device told something. */
void aura_hub_each(const struct aura_hub *h, const struct aura_id *who,
                   void (*fn)(void *arg, struct aura_hub_device *d), void *arg);
/** Closes it: nobody finds it any more; its memory stays until aura_hub_closed(). */
void aura_hub_shut(struct aura_hub *h, struct aura_hub_device *d, int code, const char *reason);
/** @param members  of the JSON object behind "seq": "\"event\":\"ring\",…}"; NULL = there was no
 * memory for them, so the device is closed */
void aura_hub_tell(struct aura_hub *h, struct aura_hub_device *d, const char *members);

#endif
