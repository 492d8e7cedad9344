/* SPDX-License-Identifier: Apache-2.0 */
/* Active speakers and connection quality, as clients show them. */
#include "room/measure.h"
#include "room/player.h"

enum { QUALITY_MS = 5000 };

static const float good_score = 3.3f, excellent_score = 4.0f;

/* ---- speakers ---- */

static bool hears(const struct participant *p, const struct participant *speaker) {
    if (p == speaker) {
        return true;
    }
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        if (s->t->p == speaker) {
            return true;
        }
    }
    return false;
}

static void speaker_info(const struct participant *p, Livekit__SpeakerInfo *info) {
    livekit__speaker_info__init(info);
    info->sid = (char *)(uintptr_t)p->sid;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        info->level = t->speaking && t->level > info->level ? t->level : info->level;
        info->active = info->active || t->speaking;
    }
}

static void sort_loudest(Livekit__SpeakerInfo **list, size_t n) {
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && list[k]->level > list[k - 1]->level; k--) {
            Livekit__SpeakerInfo *swap = list[k];
            list[k] = list[k - 1];
            list[k - 1] = swap;
        }
    }
}

/* Deltas only, to those who hear the speaker and to himself (livekit-protocol §4.6). */
static void tell_speakers(struct room *room) {
    struct aura__arena a = {.blocks = NULL};
    size_t max = aura_map_count(room->by_identity);
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        Livekit__SpeakerInfo **list = aura__arena_take(&a, (max + 1) * sizeof(*list));
        size_t n = 0;
        AURA_LIST_EACH(&room->participants, struct participant, speaker, node) {
            Livekit__SpeakerInfo *info = speaker->speaker_dirty && hears(p, speaker)
                                             ? aura__arena_take(&a, sizeof(*info))
                                             : NULL;
            if (info && list && n < max) {
                speaker_info(speaker, info);
                list[n++] = info;
            }
        }
        if (n && !a.fail) {
            sort_loudest(list, n);
            Livekit__SpeakersChanged changed = LIVEKIT__SPEAKERS_CHANGED__INIT;
            changed.n_speakers = n;
            changed.speakers = list;
            Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
            m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_SPEAKERS_CHANGED;
            m.speakers_changed = &changed;
            aura__send(p, &m);
        }
    }
    AURA_LIST_EACH(&room->participants, struct participant, speaker, node) {
        speaker->speaker_dirty = false;
    }
    aura__arena_free(&a);
}

void aura__meters_levels(struct aura_rooms *r, const struct aura_sfu_level *levels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct encoding *e = aura__encoding_of(r, levels[i].pub);
        struct track *t = e ? e->t : NULL;
        if (t) {
            t->level = levels[i].level;
            t->speaking = levels[i].active;
            t->p->speaker_dirty = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct encoding *e = aura__encoding_of(r, levels[i].pub);
        if (e && e->t->p->speaker_dirty) {
            aura__audible_update(e->t->p->room);
            aura__player_look(e->t->p->room);
            tell_speakers(e->t->p->room);
        }
    }
}

/* ---- quality ---- */

void aura__meters_pub(struct track *t, const struct aura_sfu_pub_stats *s) {
    struct participant *p = t->p;
    if (!t->muted) {
        p->expected += s->interval_expected;
        p->lost += s->interval_lost;
        p->jitter_us = s->jitter_us > p->jitter_us ? s->jitter_us : p->jitter_us;
    }
    p->rtt_us = s->rtt_us > p->rtt_us ? s->rtt_us : p->rtt_us;
    p->measured = true;
    aura__measure_stream(t, &(struct aura__measured){.packets = s->interval_expected,
                                                     .lost = s->interval_lost,
                                                     .reordered = s->interval_reordered,
                                                     .jitter_us = s->jitter_us,
                                                     .rtt_us = s->rtt_us});
}

void aura__meters_sub(struct subscription *s, const struct aura_sfu_sub_stats *stats) {
    struct participant *p = s->p;
    p->sub_packets += stats->interval_packets;
    p->sub_lost += stats->interval_lost;
    p->rtt_us = stats->rtt_us > p->rtt_us ? stats->rtt_us : p->rtt_us;
    p->measured = true;
    aura__measure_stream(s->t, &(struct aura__measured){.outgoing = true,
                                                        .packets = stats->interval_packets,
                                                        .lost = stats->interval_lost,
                                                        .jitter_us = stats->jitter_us,
                                                        .rtt_us = stats->rtt_us});
}

static float share(uint64_t part, uint64_t whole) {
    return whole ? 100.0f * (float)part / (float)whole : 0;
}

/* Simplified E-model (ITU-T G.107): delay and loss reduce a rating R, which maps to an opinion
 * score. */
static float score_of(const struct participant *p) {
    float loss = share(p->lost, p->expected), down = share(p->sub_lost, p->sub_packets);
    loss = down > loss ? down : loss;
    float delay_ms = (float)p->rtt_us / 2000 + (float)p->jitter_us / 500 + 10;
    float r = 93.2f - (delay_ms < 160 ? delay_ms / 40 : (delay_ms - 120) / 10) - 2.5f * loss;
    if (r <= 0) {
        return 1;
    }
    float mos = 1 + 0.035f * r + 7e-6f * r * (r - 60) * (100 - r);
    return mos < 1 ? 1 : mos > 4.5f ? 4.5f : mos;
}

/* What he does not get for want of bandwidth is worse than what he hears of losses. */
static Livekit__ConnectionQuality held_down_to(const struct participant *p) {
    Livekit__ConnectionQuality most = LIVEKIT__CONNECTION_QUALITY__EXCELLENT;
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        if (s->state_known && s->state.paused) {
            return LIVEKIT__CONNECTION_QUALITY__POOR;
        }
        if (s->state_known && s->state.why == AURA_ALLOC_BANDWIDTH) {
            most = LIVEKIT__CONNECTION_QUALITY__GOOD;
        }
    }
    return most;
}

static Livekit__ConnectionQuality quality_of(const struct participant *p) {
    const struct transport *primary = p->single || !p->sub.peer ? &p->pub : &p->sub;
    if (!primary->connected) {
        return LIVEKIT__CONNECTION_QUALITY__LOST;
    }
    Livekit__ConnectionQuality q = p->score >= excellent_score
                                       ? LIVEKIT__CONNECTION_QUALITY__EXCELLENT
                                   : p->score >= good_score ? LIVEKIT__CONNECTION_QUALITY__GOOD
                                                            : LIVEKIT__CONNECTION_QUALITY__POOR;
    Livekit__ConnectionQuality most = held_down_to(p);
    return q < most ? q : most; /* POOR 0, GOOD 1, EXCELLENT 2 */
}

static bool update_score(struct participant *p) {
    if (p->measured) {
        float now = score_of(p), weight = now > p->score ? 0.4f : 0.8f;
        p->score += weight * (now - p->score);
    }
    p->expected = p->lost = p->sub_packets = p->sub_lost = 0;
    p->jitter_us = p->rtt_us = 0;
    p->measured = false;
    Livekit__ConnectionQuality q = quality_of(p);
    bool changed = q != p->quality || !p->quality_sent;
    p->quality = q;
    aura__measure_quality(p);
    return changed;
}

static void tell_quality(struct room *room) {
    struct aura__arena a = {.blocks = NULL};
    size_t max = aura_map_count(room->by_identity);
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        Livekit__ConnectionQualityInfo **list = aura__arena_take(&a, (max + 1) * sizeof(*list));
        size_t n = 0;
        AURA_LIST_EACH(&room->participants, struct participant, other, node) {
            Livekit__ConnectionQualityInfo *info = other->quality_dirty && hears(p, other)
                                                       ? aura__arena_take(&a, sizeof(*info))
                                                       : NULL;
            if (info && list && n < max) {
                livekit__connection_quality_info__init(info);
                info->participant_sid = other->sid;
                info->quality = other->quality;
                info->score = other->score;
                list[n++] = info;
            }
        }
        if (n && !a.fail) {
            Livekit__ConnectionQualityUpdate update = LIVEKIT__CONNECTION_QUALITY_UPDATE__INIT;
            update.n_updates = n;
            update.updates = list;
            Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
            m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_CONNECTION_QUALITY;
            m.connection_quality = &update;
            aura__send(p, &m);
        }
    }
    aura__arena_free(&a);
}

static void on_quality(void *arg) {
    struct room *room = arg;
    bool any = false;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        bool active = p->state == LIVEKIT__PARTICIPANT_INFO__STATE__ACTIVE;
        p->quality_dirty = active && update_score(p);
        any = any || p->quality_dirty;
    }
    if (any) {
        tell_quality(room);
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        p->quality_sent = p->quality_sent || p->quality_dirty;
    }
    aura__meters_start(room);
}

void aura__meters_start(struct room *room) {
    /* Without memory for it there is simply no quality shown. */
    (void)!aura_timer_start(room->rooms->timers, &room->quality_timer, QUALITY_MS * AURA_US_PER_MS,
                            on_quality, room);
}
