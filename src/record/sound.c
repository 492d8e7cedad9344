/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sound.h"

#include "base/mem.h"
#include "rtp/opus.h"
#include "rtp/red.h"

#include <string.h>

enum { SLACK_US = 1000, US_PER_TICK_NUMERATOR = 125, US_PER_TICK_DENOMINATOR = 6 /* 48 kHz */ };

struct waiting {
    int64_t time_us, duration_us;
    size_t len;
    uint8_t data[AURA_SOUND_PACKET_MAX];
};

struct aura_sound_order {
    aura_sound_fn *fn;
    void *arg;
    bool began;
    int64_t next_us, newest_us; /* next: the end of what went out */
    size_t count;
    struct waiting *order[AURA_SOUND_PACKETS_MAX]; /* oldest first; behind them free ones */
    struct waiting packets[AURA_SOUND_PACKETS_MAX];
};

int aura_sound_new(struct aura_sound_order **out, aura_sound_fn *fn, void *arg) {
    struct aura_sound_order *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->fn = fn;
    s->arg = arg;
    for (size_t i = 0; i < AURA_SOUND_PACKETS_MAX; i++) {
        s->order[i] = &s->packets[i];
    }
    *out = s;
    return 0;
}

struct aura_sound_order *aura_sound_free(struct aura_sound_order *s) {
    aura_free(s);
    return NULL;
}

static void let_out(struct aura_sound_order *s) {
    struct waiting *w = s->order[0];
    memmove(s->order, s->order + 1, (AURA_SOUND_PACKETS_MAX - 1) * sizeof(s->order[0]));
    s->order[AURA_SOUND_PACKETS_MAX - 1] = w;
    s->count--;
    s->began = true;
    s->next_us = w->time_us + w->duration_us;
    s->fn(s->arg, w->time_us, w->duration_us, w->data, w->len);
}

static void put(struct aura_sound_order *s, int64_t time_us, const uint8_t *data, size_t len) {
    struct aura_opus opus;
    if (len > AURA_SOUND_PACKET_MAX || aura_opus_parse(&opus, data, len) ||
        (s->began && time_us < s->next_us - SLACK_US)) {
        return;
    }
    size_t at = s->count;
    while (at > 0 && s->order[at - 1]->time_us > time_us - SLACK_US) {
        at--;
    }
    if (at < s->count && s->order[at]->time_us < time_us + SLACK_US) {
        return; /* known already */
    }
    struct waiting *w = s->order[s->count];
    memmove(s->order + at + 1, s->order + at, (s->count - at) * sizeof(s->order[0]));
    s->order[at] = w;
    s->count++;
    w->time_us = time_us;
    w->duration_us = opus.duration_us;
    w->len = len;
    memcpy(w->data, data, len);
    s->newest_us = time_us > s->newest_us ? time_us : s->newest_us;
}

static void pump(struct aura_sound_order *s) {
    while (s->count > 0) {
        const struct waiting *w = s->order[0];
        bool follows = s->began && w->time_us <= s->next_us + SLACK_US;
        bool waited = s->newest_us - w->time_us >= AURA_SOUND_WAIT_MS * 1000;
        if (!follows && !waited && s->count < AURA_SOUND_PACKETS_MAX) {
            return;
        }
        let_out(s);
    }
}

void aura_sound_add(struct aura_sound_order *s, int64_t time_us, const uint8_t *payload, size_t len,
                    bool red) {
    struct aura_red_block blocks[AURA_RED_BLOCKS_MAX];
    int n = red ? aura_red_parse(payload, len, blocks) : 0;
    for (int i = 0; i < n; i++) {
        if (s->count == AURA_SOUND_PACKETS_MAX) {
            let_out(s);
        }
        put(s,
            time_us -
                blocks[i].ts_offset * (int64_t)US_PER_TICK_NUMERATOR / US_PER_TICK_DENOMINATOR,
            blocks[i].data, blocks[i].len);
    }
    if (!red) {
        put(s, time_us, payload, len);
    }
    pump(s);
}

void aura_sound_flush(struct aura_sound_order *s) {
    while (s->count > 0) {
        let_out(s);
    }
}
