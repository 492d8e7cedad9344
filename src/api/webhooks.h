/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file webhooks.h  What happens in rooms, POSTed to the operator's URLs as LiveKit does it: in
 * order for each room, at least once.
 *
 * The control thread makes the body and hands it to a thread of our own, which first stores it
 * (outbox.h) and then delivers it with libcurl. Nothing here makes a room wait.
 */
#ifndef AURA_API_WEBHOOKS_H
#define AURA_API_WEBHOOKS_H

#include "api/outbox.h"
#include "net/loop.h"
#include "room/rooms.h"

#include <jansson.h>

enum {
    AURA_WEBHOOK_BODY_BYTES_MAX = 4 << 20,
    AURA_WEBHOOK_QUEUE_MAX = 8192, /* events on their way to the file */
    AURA_WEBHOOK_ASKS_MAX = 16,    /* lists and replays at a time */
    AURA_WEBHOOK_FLIGHTS_MAX = 16, /* requests at a time to one URL */
};

struct aura_webhooks;

struct aura_webhooks_conf {
    struct aura_outbox_conf outbox;
    const char *key, *secret; /* of the API key that signs; copied */
    const char *const *include, *const *exclude;
    size_t include_count, exclude_count; /* no include: all */
    uint64_t max_age_us, timeout_us;
    uint64_t grace_us; /* for what is on its way at the end */
    const struct aura_clock *clock;
    struct aura_rand *rand; /* thread-safe */
};

/** The texts of @p conf outlive it, key and secret apart. @param why  for a person
 * @return 0, AURA_EINVAL (a URL), or as aura_outbox_open() */
AURA_NODISCARD int aura_webhooks_new(struct aura_webhooks **wp,
                                     const struct aura_webhooks_conf *conf, struct aura_loop *loop,
                                     struct aura_buf *why);
/** Stores all that was told, tries for a moment to deliver it. What is left goes next time. */
struct aura_webhooks *aura_webhooks_free(struct aura_webhooks *w);

/** An aura_rooms_event_fn; @p arg is the struct aura_webhooks. */
void aura_webhooks_event(void *arg, const char *room, const Livekit__WebhookEvent *event);

/**
 * An event that is none of LiveKit's: {"event", "id", "createdAt"} and @p about under its name.
 * @param lane  events of one lane are told in their order. @param about  borrowed
 */
void aura_webhooks_tell(struct aura_webhooks *w, const char *lane, const char *event,
                        const char *name, const json_t *about);

/** On the loop. @param answer  borrowed; NULL with an error */
typedef void(aura_webhooks_answer_fn)(void *arg, int err, const json_t *answer);
/**
 * Lists what is stored, or makes it wait again. @p fn is called once, also when it all ends.
 * @return 0; AURA_EAGAIN, AURA_ENOMEM (then fn is not called)
 */
AURA_NODISCARD int aura_webhooks_ask(struct aura_webhooks *w, const struct aura_outbox_query *q,
                                     bool replay, aura_webhooks_answer_fn *fn, void *arg);

struct aura_webhooks_stats {
    uint64_t delivered, refused, expired, failed; /* failed: attempts */
    uint64_t lost;                                /* not stored: no memory, or the queue was full */
    struct aura_outbox_stats outbox;
};
void aura_webhooks_stats(const struct aura_webhooks *w, struct aura_webhooks_stats *out);

#endif
