/* SPDX-License-Identifier: Apache-2.0 */
/* The public client library: the sound that is received. All on the call's thread. */
#include "base/clock.h"
#include "client/call_priv.h"

#include <stdio.h>
#include <string.h>

enum { PER_MS = AURA_LISTEN_RATE / 1000 };

static void on_samples(void *arg, const int16_t *samples, uint32_t count) {
    struct aura_call *call = arg;
    struct aura__call_listen *l = &call->listen;
    const struct aura_call_sound sound = {.identity = l->identity,
                                          .track = l->track,
                                          .samples = samples,
                                          .count = count,
                                          .position = l->position};
    l->position += count;
    if (call->handlers.sound) {
        call->handlers.sound(call->arg, &sound);
    }
}

int aura__call_listen_init(struct aura_call *call) {
    return call->conf.listen ? aura_listen_new(&call->listen.line, 2, on_samples, call) : 0;
}

void aura__call_listen_restart(struct aura_call *call) {
    struct aura__call_listen *l = &call->listen;
    l->chosen[0] = 0;
    if (l->line) {
        aura_listen_restart(l->line);
    }
}

void aura__call_listen_end(struct aura_call *call) {
    if (call->listen.line) {
        aura_listen_end(call->listen.line, aura_now_us(aura_clock_system()));
    }
}

void aura__call_listen_roster(struct aura_call *call) {
    struct aura__call_listen *l = &call->listen;
    if (l->chosen[0] && !aura_roster_find(call->watch.roster, l->chosen)) {
        aura__call_listen_restart(call); /* it ended: the next one may come */
    }
}

bool aura__call_listen_wants(struct aura_call *call, const struct aura_roster_track *t) {
    struct aura__call_listen *l = &call->listen;
    if (l->chosen[0] || !aura__call_matches(call, call->listen_track, t->sid, t)) {
        return false;
    }
    snprintf(l->chosen, sizeof(l->chosen), "%s", t->sid);
    snprintf(l->identity, sizeof(l->identity), "%s", t->identity);
    snprintf(l->track, sizeof(l->track), "%s", t->name[0] ? t->name : t->sid);
    return true;
}

void aura__call_sound_in(void *arg, const struct aura_sound *sound) {
    struct aura_call *call = arg;
    struct aura__call_listen *l = &call->listen;
    bool red = sound->codec == AURA_CODEC_RED;
    if (strcmp(sound->track, l->chosen) != 0 || (!red && sound->codec != AURA_CODEC_OPUS)) {
        return;
    }
    l->bytes += sound->len;
    aura_listen_packet(l->line, sound->ts, sound->payload, sound->len, red, sound->arrival_us);
}

void aura__call_listen_stats(const struct aura_call *call, struct aura_call_stats *out) {
    struct aura_listen_stats s;
    if (!call->listen.line) {
        return;
    }
    aura_listen_stats(call->listen.line, &s);
    out->sound_packets = s.packets;
    out->sound_bytes = call->listen.bytes;
    out->sound_ms = s.samples / PER_MS;
    out->sound_recovered_ms = s.recovered / PER_MS;
    out->sound_guessed_ms = s.guessed / PER_MS;
    out->sound_silent_ms = s.silent / PER_MS;
}
