/* SPDX-License-Identifier: Apache-2.0 */
/* Dynacast: publishers learn which layers of which codec anybody takes (SubscribedQualityUpdate).
 * More is told at once, less after a while: viewers come and go. */
#include "room/room_priv.h"

#include <string.h>

enum { LESS_AFTER_MS = 5000, QUALITIES = 3 };

static int8_t taken(const struct track *t, unsigned enc) {
    int8_t most = QUALITY_OFF;
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        if (s->allowed && s->enc == enc && !s->settings.paused && (int8_t)s->quality > most) {
            most = (int8_t)s->quality;
        }
    }
    return most;
}

/* "video/VP8" is called "vp8" here. */
static void codec_name(enum aura_codec codec, char out[16]) {
    const char *mime = aura_codec_mime(codec), *slash = strchr(mime, '/');
    size_t n = 0;
    for (const char *c = slash ? slash + 1 : ""; *c && n < 15; c++) {
        out[n++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    out[n] = '\0';
}

struct codec_message {
    char name[16];
    Livekit__SubscribedQuality q[QUALITIES], *list[QUALITIES];
    Livekit__SubscribedCodec codec;
};

static void fill(struct codec_message *m, enum aura_codec codec, int8_t up_to) {
    codec_name(codec, m->name);
    for (int8_t i = 0; i < QUALITIES; i++) {
        livekit__subscribed_quality__init(&m->q[i]);
        m->q[i].quality = (Livekit__VideoQuality)i;
        m->q[i].enabled = i <= up_to;
        m->list[i] = &m->q[i];
    }
    livekit__subscribed_codec__init(&m->codec);
    m->codec.codec = m->name;
    m->codec.n_qualities = QUALITIES;
    m->codec.qualities = m->list;
}

static void tell(struct track *t) {
    struct codec_message messages[ENCODINGS_MAX];
    Livekit__SubscribedCodec *codecs[ENCODINGS_MAX];
    enum aura_codec of[ENCODINGS_MAX] = {t->enc[0].codec, aura__backup_codec(t)};
    Livekit__SubscribedQualityUpdate update = LIVEKIT__SUBSCRIBED_QUALITY_UPDATE__INIT;
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        /* A backup codec that nobody ever needed is not named: naming it makes clients send it. */
        if (of[i] == AURA_CODEC_NONE || (i > 0 && t->wanted[i].said < 0 && !t->wanted[i].told)) {
            continue;
        }
        fill(&messages[i], of[i], t->wanted[i].said);
        codecs[update.n_subscribed_codecs++] = &messages[i].codec;
        t->wanted[i].told = true;
    }
    update.track_sid = t->sid;
    update.n_subscribed_qualities = QUALITIES;
    update.subscribed_qualities = messages[0].list;
    update.subscribed_codecs = codecs;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_SUBSCRIBED_QUALITY_UPDATE;
    m.subscribed_quality_update = &update;
    aura__send(t->p, &m);
}

static void tell_less(void *arg) {
    struct track *t = arg;
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        t->wanted[i].said = t->wanted[i].now;
    }
    tell(t);
}

static bool applies(const struct track *t) {
    return t->request->type == LIVEKIT__TRACK_TYPE__VIDEO && t->live;
}

void aura__dynacast(struct track *t) {
    bool more = false, less = false;
    if (!applies(t)) {
        return;
    }
    for (unsigned i = 0; i < ENCODINGS_MAX; i++) {
        struct wanted *w = &t->wanted[i];
        w->now = taken(t, i);
        more |= w->now > w->said;
        less |= w->now < w->said;
        w->said = w->now > w->said ? w->now : w->said;
    }
    if (more) {
        tell(t);
    }
    struct aura_timers *timers = t->p->room->rooms->timers;
    if (!less) {
        aura_timer_stop(timers, &t->wanted_timer);
    } else if (!aura_timer_running(&t->wanted_timer)) {
        /* Without memory for it the publisher goes on sending more than is needed. */
        (void)!aura_timer_start(timers, &t->wanted_timer, LESS_AFTER_MS * AURA_US_PER_MS, tell_less,
                                t);
    }
}

void aura__dynacast_repeat(struct track *t) {
    if (applies(t)) {
        if (!t->wanted[0].told) {
            /* Everything, until it is known that nobody takes it. */
            t->wanted[0].said = LIVEKIT__VIDEO_QUALITY__HIGH;
        }
        tell(t);
        aura__dynacast(t);
    }
}
