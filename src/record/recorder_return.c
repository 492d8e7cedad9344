/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder that lost its server joins again: what was missed is a gap in the same files, or new
 * files where the server forgot the room. */
#include "base/mem.h"
#include "record/recorder_priv.h"

#include <stdio.h>
#include <string.h>

static struct aura_timers *timers_of(const struct aura_recorder *r) {
    return aura_loop_timers(r->on.loop);
}

static uint64_t now_us(const struct aura_recorder *r) {
    return aura_now_us(aura_loop_clock(r->on.loop));
}

static void set_connected(struct aura_recorder *r, bool connected) {
    pthread_mutex_lock(&r->lock);
    r->status.connected = connected;
    pthread_mutex_unlock(&r->lock);
}

/* An interruption in the manifest: from when until when (0 = it lasts), and why. */
static void note_lost(struct aura_recorder *r, const char *why) {
    r->lost_us = now_us(r);
    r->dirty = true;
    aura__record_event(r, "connection_lost", NULL, NULL, NULL);
    if (json_array_size(r->interruptions) < AURA_RECORD_INTERRUPTIONS_MAX) {
        json_array_append_new(r->interruptions, json_pack("{s:I, s:I, s:s}", "from_us",
                                                          (json_int_t)aura__record_wall_us(r),
                                                          "until_us", (json_int_t)0, "why", why));
    }
}

static void note_returned(struct aura_recorder *r) {
    size_t n = json_array_size(r->interruptions);
    json_t *last = n ? json_array_get(r->interruptions, n - 1) : NULL;
    if (last && json_integer_value(json_object_get(last, "until_us")) == 0) {
        json_object_set_new(last, "until_us", json_integer(aura__record_wall_us(r)));
    }
    aura__record_event(r, "connection_returned", NULL, NULL, NULL);
}

static void on_connected(void *arg) {
    struct aura_recorder *r = arg;
    if (aura_retry_connected(&r->retry)) {
        note_returned(r);
    }
    set_connected(r, true);
}

/* The first list of a connection says who is there, all of them. */
static void on_participants(void *arg, Livekit__ParticipantInfo *const *list, size_t count) {
    struct aura_recorder *r = arg;
    if (!r->over && r->list_is_due) {
        r->list_is_due = false;
        aura__record_missing(r, list, count);
    }
    aura__record_participants(r, list, count);
}

/* Tokens end; the server sends newer ones in time. */
static void on_token(void *arg, const char *token) {
    struct aura_recorder *r = arg;
    char *copy = aura_strdup(token);
    if (copy) {
        aura_wipe(r->token, strlen(r->token));
        aura_free(r->token);
        r->token = copy;
    }
}

static bool tries_again(struct aura_recorder *r, int err, uint64_t *wait_us) {
    bool again = aura_retry_lost(&r->retry, err, aura_rand_system(), wait_us);
    bool patient = now_us(r) - r->lost_us < r->conf.patience_s * AURA_US_PER_S;
    if (!again && patient && r->retry.tries == AURA_RETRY_MAX) {
        r->retry.tries--; /* at the slowest pace */
        again = aura_retry_lost(&r->retry, err, aura_rand_system(), wait_us);
    }
    return again && patient;
}

static void on_again(void *arg);

static void on_ended(void *arg, int err, const char *why) {
    struct aura_recorder *r = arg;
    char text[AURA__RECORD_WHY_MAX];
    bool been_in = r->retry.been_in, first = !r->retry.away;
    bool sent_away = r->client && aura_client_was_sent_away(r->client);
    uint64_t wait_us = 0;
    if (r->over) {
        return;
    }
    set_connected(r, false);
    snprintf(text, sizeof(text), "%.160s (%s)", why, aura_err_text(err));
    if (been_in && !sent_away && first) {
        r->lost_us = now_us(r);
    }
    if (been_in && !sent_away && tries_again(r, err, &wait_us) &&
        aura_timer_start(timers_of(r), &r->again, wait_us, on_again, r) == 0) {
        if (first) {
            note_lost(r, text);
        }
        return;
    }
    aura__record_end(r,
                     !been_in    ? AURA_RECORD_UNREACHABLE
                     : sent_away ? AURA_RECORD_ROOM_ENDED
                                 : AURA_RECORD_LOST,
                     text);
}

static void on_again(void *arg) {
    struct aura_recorder *r = arg;
    if (r->client && aura_client_was_sent_away(r->client)) { /* it said so after all */
        aura__record_end(r, AURA_RECORD_ROOM_ENDED, "the server ended the session");
        return;
    }
    r->client = aura_client_free(r->client);
    aura__record_join(r);
}

void aura__record_join(struct aura_recorder *r) {
    static const struct aura_client_handlers handlers = {.connected = on_connected,
                                                         .ended = on_ended,
                                                         .participants = on_participants,
                                                         .token = on_token};
    const struct aura_client_conf conf = {.url = &r->url,
                                          .token = r->token,
                                          .subscribe = true,
                                          .quality = AURA_CLIENT_QUALITY_HIGH,
                                          .watch = *aura__record_watch(r)};
    r->list_is_due = true;
    int err = aura_client_new(&r->client, &r->on.env, &conf, &handlers, r);
    if (err) {
        on_ended(r, err, "no connection could be opened");
    }
}
