/* SPDX-License-Identifier: Apache-2.0 */
/* The last minutes of each track and subscription, one sample each few seconds. */
#include "room/series.h"

#include "base/mem.h"

struct series {
    struct aura_rooms *rooms;
    uint64_t taken_us;
    size_t first, count;
    struct aura_rooms_sample samples[AURA_ROOMS_SAMPLES];
};

/* Reports also come sooner, when somebody looks. */
enum { LEAST_US = (AURA_ROOMS_STEP_S - 1) * 1000000 };

/* The next sample to write, or NULL: too early, or there is no room for a series. */
static struct aura_rooms_sample *next(struct aura_rooms *r, struct series **sp) {
    uint64_t now_us = aura_now_us(r->clock);
    if (!*sp && r->series_count < AURA_ROOMS_SERIES_MAX) {
        *sp = aura_zalloc(sizeof(**sp));
        r->series_count += *sp != NULL;
        if (*sp) {
            (*sp)->rooms = r;
        }
    }
    struct series *s = *sp;
    if (!s || (s->count && now_us < s->taken_us + LEAST_US)) {
        return NULL;
    }
    s->taken_us = now_us;
    size_t at = (s->first + s->count) % AURA_ROOMS_SAMPLES;
    if (s->count < AURA_ROOMS_SAMPLES) {
        s->count++;
    } else {
        s->first = (s->first + 1) % AURA_ROOMS_SAMPLES;
    }
    s->samples[at] = (struct aura_rooms_sample){.at_us = aura_wall_us(r->clock)};
    return &s->samples[at];
}

struct series *aura__series_free(struct series *s) {
    if (s) {
        s->rooms->series_count--;
        aura_free(s);
    }
    return NULL;
}

static float share(uint32_t part, uint32_t whole) {
    return !whole ? 0 : part < whole ? (float)part / (float)whole : 1;
}

void aura__series_pub(struct encoding *e, const struct aura_sfu_pub_stats *stats) {
    struct aura_rooms_sample *s = next(e->t->p->room->rooms, &e->series);
    e->in_bps = stats->bitrate_bps;
    if (s) {
        s->bps = stats->bitrate_bps;
        s->jitter_us = stats->jitter_us;
        s->rtt_us = stats->rtt_us;
        s->loss = share(stats->interval_lost, stats->interval_expected);
        s->layers = stats->layers_active;
    }
}

void aura__sub_view(const struct subscription *s, struct aura_rooms_sub_view *view) {
    *view = (struct aura_rooms_sub_view){.subscriber = s->p->claims.identity,
                                         .publisher = s->t->p->claims.identity,
                                         .track_sid = s->t->sid,
                                         .codec = aura_codec_mime(s->t->enc[s->enc].codec),
                                         .video = s->t->request->type == LIVEKIT__TRACK_TYPE__VIDEO,
                                         .bound = s->sub != 0,
                                         .wished_off = s->settings.paused,
                                         .wished_quality = s->quality,
                                         .state = s->state_known ? &s->state : NULL,
                                         .stats = &s->stats};
}

const char *aura_rooms_why(const struct aura_rooms_sub_view *v) {
    if (!v->bound) {
        return "not_negotiated_yet";
    }
    return v->state ? aura_alloc_why_name(v->state->why) : v->video ? "no_media" : "audio_always";
}

void aura__series_sub(struct subscription *sub, const struct aura_sfu_sub_stats *stats) {
    struct aura_rooms_sample *s = next(sub->p->room->rooms, &sub->series);
    if (s) {
        struct aura_rooms_sub_view view;
        aura__sub_view(sub, &view);
        s->bps = stats->bitrate_bps;
        s->jitter_us = stats->jitter_us;
        s->rtt_us = stats->rtt_us;
        s->loss = share(stats->interval_lost, stats->interval_lost + stats->interval_packets);
        s->aic = stats->aic;
        s->why = aura_rooms_why(&view);
        s->spatial = view.state ? view.state->spatial : -1;
        s->temporal = view.state ? view.state->temporal : -1;
        s->paused = view.state && view.state->paused;
    }
}

const struct aura_rooms_sample *aura_rooms_sample_at(const void *series, size_t i) {
    const struct series *s = series;
    return &s->samples[(s->first + i) % AURA_ROOMS_SAMPLES];
}

size_t aura__series_count(const struct series *s) {
    return s ? s->count : 0;
}
