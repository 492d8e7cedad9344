/* SPDX-License-Identifier: Apache-2.0 */
/* Sound that AI Core compresses: which of its layers this subscriber gets. */
#include "sfu/subscribed.h"

enum {
    SAMPLES_ASSUMED = 960, /* 20 ms: what a packet of sound stands for if nobody looked */
    REPLAY_MAX = 16,       /* native packets that AI Core had not given back yet … */
    REPLAY_US = 400000,    /* … and how old they may be */
};

uint8_t aura__subscribed_sound_target(const struct aura_subscribed *sub) {
    uint8_t aic = sub->source->aic;
    bool saver = sub->settings.saver && aic & 2 &&
                 aura__sound_switch_is_clean(&sub->sound, aura__now(sub->peer->worker));
    if (!aic || sub->settings.native || sub->sound.lossy ||
        !aura__subscribed_takes(sub, AURA_CODEC_OPUS)) {
        return 0;
    }
    return saver ? AURA_LAYER_AIC + 1 : aic & 1 ? AURA_LAYER_AIC : 0;
}

bool aura__subscribed_hears(struct aura_subscribed *sub, unsigned layer,
                            const struct aura_packet *p) {
    bool mark = p->aic && p->payload_len == 0; /* a publisher's may be all padding */
    return aura__sound_switch(&sub->sound, (uint8_t)layer, sub->target, p->ts,
                              p->samples ? p->samples : SAMPLES_ASSUMED, mark);
}

/* The first kept packet behind what was heard. */
static uint64_t first_unheard(const struct aura_subscribed *sub) {
    const struct aura_source_layer *l = &sub->source->layer[0];
    uint64_t now_us = aura__now(sub->peer->worker), first = l->newest_eseq + 1;
    for (uint64_t back = 0; back < REPLAY_MAX && back < l->newest_eseq; back++) {
        const struct aura_packet *p = aura__source_kept(sub->source, 0, l->newest_eseq - back);
        if (!p) {
            continue;
        }
        if ((int32_t)(p->ts - sub->sound.end) < 0 || p->epoch != l->epoch ||
            now_us > p->arrival_us + REPLAY_US) {
            break;
        }
        first = p->eseq;
    }
    return first;
}

void aura__subscribed_sound_native(struct aura_subscribed *sub) {
    uint64_t newest = sub->source->layer[0].newest_eseq;
    uint64_t from = sub->sound.begun ? first_unheard(sub) : newest + 1;
    sub->sound.layer = 0;
    for (uint64_t eseq = from; eseq <= newest; eseq++) {
        const struct aura_packet *p = aura__source_kept(sub->source, 0, eseq);
        if (p && !aura__source_waits(sub->source, p)) {
            aura__subscribed_packet(sub, 0, p, 0);
        }
    }
}

void aura__subscribed_sound_report(struct aura_subscribed *sub, uint8_t fraction_lost) {
    if (sub->source && sub->source->kind == AURA_KIND_AUDIO) {
        (void)aura__sound_switch_report(&sub->sound, fraction_lost, aura__now(sub->peer->worker));
        aura__source_flush(sub->source);
        aura__subscribed_retarget(sub);
    }
}
