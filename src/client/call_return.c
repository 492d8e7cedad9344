/* SPDX-License-Identifier: Apache-2.0 */
/* The public client library: a call that lost its server joins anew, with the tracks it had. All on
 * the call's thread. */
#include "client/call_priv.h"

#include "base/mem.h"

#include <string.h>

static const struct aura_client_handlers handlers = {
    .connected = aura__call_connected,
    .ended = aura__call_lost,
    .participants = aura__call_participants,
    .token = aura__call_token,
};

static struct aura_timers *timers_of(struct aura_call *call) {
    return aura_loop_timers(call->on.loop);
}

void aura__call_join(struct aura_call *call) {
    int err = aura_client_new(&call->client, &call->on.env, &call->client_conf, &handlers, call);
    if (err) {
        aura__call_lost(call, err, "no connection could be opened");
    }
}

void aura__call_leave(struct aura_call *call) {
    aura_timer_stop(timers_of(call), &call->again);
    call->client = aura_client_free(call->client);
}

void aura__call_connected(void *arg) {
    struct aura_call *call = arg;
    if (aura_retry_connected(&call->retry)) {
        if (call->handlers.reconnected) {
            call->handlers.reconnected(call->arg);
        }
    } else if (call->handlers.connected) {
        call->handlers.connected(call->arg);
    }
}

/* Tokens end; the server sends newer ones in time. */
void aura__call_token(void *arg, const char *token) {
    struct aura_call *call = arg;
    char *copy = aura_strdup(token);
    if (copy) {
        aura_wipe(call->token, strlen(call->token));
        aura_free(call->token);
        call->token = copy;
        call->client_conf.token = copy;
    }
}

static void on_again(void *arg) {
    struct aura_call *call = arg;
    if (call->client && aura_client_was_sent_away(call->client)) {
        aura__call_over(call, AURA_ECLOSED, "the server ended the session");
        return;
    }
    call->client = aura_client_free(call->client);
    int err = aura__call_watch_restart(call);
    if (err) {
        aura__call_over(call, err, "no memory to join again");
        return;
    }
    aura__call_join(call);
}

void aura__call_over(struct aura_call *call, int err, const char *why) {
    if (call->handlers.ended) {
        call->handlers.ended(call->arg, err, why);
    }
}

void aura__call_lost(void *arg, int err, const char *why) {
    struct aura_call *call = arg;
    bool sent_away = call->client && aura_client_was_sent_away(call->client);
    bool first = !call->retry.away;
    uint64_t wait_us = 0;
    for (size_t i = 0; i < call->track_count; i++) {
        atomic_store(&call->tracks[i].started, false);
    }
    if (call->conf.once || sent_away ||
        !aura_retry_lost(&call->retry, err, aura_rand_system(), &wait_us) ||
        aura_timer_start(timers_of(call), &call->again, wait_us, on_again, call)) {
        aura__call_over(call, err, why);
    } else if (first && call->handlers.reconnecting) {
        call->handlers.reconnecting(call->arg, err, why);
    }
}
