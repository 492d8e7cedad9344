/* SPDX-License-Identifier: Apache-2.0 */
/* A player (WHEP): one connection with a place for sound and one for a picture, negotiated once.
 * The room's tracks come and go behind them: those of one publisher, or of who speaks. */
#include "room/player.h"

#include "base/log.h"

#include <string.h>

enum {
    PLACES = 2,
    STAYS_US = 2000000, /* who was chosen is shown so long at least while he is there */
    LOOK_AGAIN_US = 500000,
};

/** One media section of the player's, for as long as it is there. */
struct aura__place {
    enum aura_kind kind;
    struct aura_neg_sub *neg;
    bool ready; /* `media` is what was negotiated */
    struct aura_neg_sub_media media;
    aura_sub_id sub;    /* 0 = nothing has been shown yet */
    struct track *next; /* may take it: only inside put() */
    struct subscription *now;
};

struct player {
    char *publisher; /* identity; NULL = whoever speaks */
    bool counted;    /* in room.players */
    char shown[SID_CAP];
    uint64_t since_us;
    struct aura__place place[PLACES];
};

static uint64_t now_us(const struct room *room) {
    return aura_now_us(room->rooms->clock);
}

static struct aura__place *place_of(const struct subscription *s) {
    return &s->p->player->place[s->t->request->type == LIVEKIT__TRACK_TYPE__AUDIO ? 0 : 1];
}

static int add_place(struct participant *p, struct aura__place *place) {
    bool audio = place->kind == AURA_KIND_AUDIO;
    struct aura_neg_sub_conf conf = {.kind = place->kind,
                                     .participant_sid = p->sid,
                                     .track_sid = audio ? "audio" : "video",
                                     .cname = p->sid,
                                     .any = true,
                                     .user = place};
    return aura_neg_sub_add(p->pub.neg, &place->neg, &conf);
}

int aura__player_open(struct participant *p, const struct aura_play *play) {
    struct player *player = aura_zalloc(sizeof(*player));
    if (!player) {
        return AURA_ENOMEM;
    }
    p->player = player;
    if (play->publisher) {
        player->publisher = aura_strdup(play->publisher);
        if (!player->publisher) {
            return AURA_ENOMEM;
        }
    }
    player->place[0].kind = AURA_KIND_AUDIO;
    player->place[1].kind = AURA_KIND_VIDEO;
    int err = add_place(p, &player->place[0]);
    err = err ? err : add_place(p, &player->place[1]);
    player->counted = !err;
    p->room->players += !err;
    return err;
}

void aura__player_close(struct participant *p) {
    struct player *player = p->player;
    if (!player) {
        return;
    }
    p->room->players -= player->counted;
    aura_free(player->publisher);
    aura_free(player);
    p->player = NULL;
}

/* ---- the places as subscriptions see them ---- */

bool aura__player_admits(const struct participant *p, const struct track *t) {
    return p->player->place[0].next == t || p->player->place[1].next == t;
}

void aura__player_bind(struct subscription *s) {
    struct aura__place *place = place_of(s);
    place->now = s;
    s->media = place->media;
    s->bound = true;
}

int aura__player_start(struct subscription *s, const struct aura_sfu_sub_conf *conf) {
    struct aura__place *place = place_of(s);
    const struct aura_fleet_reach *reach = &s->p->room->rooms->reach;
    if (place->sub) {
        aura_fleet_sub_move(reach, place->sub, conf->pub, &s->settings);
        s->sub = place->sub;
        return 0;
    }
    int err = aura_fleet_sub_new(reach, conf, &s->settings, &s->sub);
    place->sub = err ? 0 : s->sub;
    return err;
}

void aura__player_stop(struct subscription *s) {
    struct aura_sfu_sub_settings nothing = {.paused = true};
    aura_fleet_sub_move(&s->p->room->rooms->reach, s->sub, 0, &nothing);
}

void aura__player_unbind(struct subscription *s) {
    struct aura__place *place = place_of(s);
    if (place->now == s) {
        place->now = NULL;
    }
    aura__player_look(s->p->room);
}

/* ---- the choice ---- */

static bool usable(const struct participant *p, const struct track *t) {
    const struct aura__place *place =
        &p->player->place[t->request->type == LIVEKIT__TRACK_TYPE__AUDIO ? 0 : 1];
    return t->live && place->ready && aura__subscribe_permitted(p, t->p, t->sid) &&
           (aura__media_takes(&place->media.media, t->enc[0].codec) ||
            (t->enc[1].pub && aura__media_takes(&place->media.media, t->enc[1].codec)));
}

static int rank(const struct track *t) {
    switch ((int)t->request->source) {
    case LIVEKIT__TRACK_SOURCE__SCREEN_SHARE:
        return 4;
    case LIVEKIT__TRACK_SOURCE__CAMERA:
    case LIVEKIT__TRACK_SOURCE__MICROPHONE:
        return 3;
    case LIVEKIT__TRACK_SOURCE__SCREEN_SHARE_AUDIO:
        return 2;
    default:
        return 1;
    }
}

static struct track *best_track(const struct participant *p, const struct participant *of,
                                enum aura_kind kind) {
    struct track *best = NULL;
    bool audio = kind == AURA_KIND_AUDIO;
    AURA_LIST_EACH(&of->tracks, struct track, t, node) {
        bool fits = (t->request->type == LIVEKIT__TRACK_TYPE__AUDIO) == audio && usable(p, t);
        /* A muted track is worse than any other, and better than none. */
        int value = rank(t) - (t->muted ? 8 : 0);
        if (fits && (!best || value > rank(best) - (best->muted ? 8 : 0))) {
            best = t;
        }
    }
    return best;
}

static float loudness(const struct participant *of) {
    float level = -1;
    AURA_LIST_EACH(&of->tracks, struct track, t, node) {
        level = t->speaking && !t->muted && t->level > level ? t->level : level;
    }
    return level;
}

static bool may_be_shown(const struct participant *p, const struct participant *other) {
    return other != p && !other->closing && !other->player && !other->may.recorder &&
           (best_track(p, other, AURA_KIND_AUDIO) || best_track(p, other, AURA_KIND_VIDEO));
}

static struct participant *fixed(const struct participant *p) {
    struct participant *of = aura__room_participant(p->room, p->player->publisher);
    return of && may_be_shown(p, of) ? of : NULL;
}

/* Who speaks; else who was shown before; else the first with a picture, else the first at all. */
static struct participant *choose(const struct participant *p, bool *again) {
    struct participant *now = NULL, *loudest = NULL, *first = NULL, *seen = NULL;
    const struct player *player = p->player;
    if (player->publisher) {
        return fixed(p);
    }
    AURA_LIST_EACH(&p->room->participants, struct participant, other, node) {
        if (!may_be_shown(p, other)) {
            continue;
        }
        now = strcmp(other->sid, player->shown) == 0 ? other : now;
        first = first ? first : other;
        seen = !seen && best_track(p, other, AURA_KIND_VIDEO) ? other : seen;
        if (loudness(other) >= 0 && (!loudest || loudness(other) > loudness(loudest))) {
            loudest = other;
        }
    }
    if (!now) {
        return loudest ? loudest : seen ? seen : first;
    }
    if (!loudest || loudest == now || loudness(now) >= 0) {
        *again = loudest && loudest != now;
        return now;
    }
    if (now_us(p->room) < player->since_us + STAYS_US) {
        *again = true;
        return now;
    }
    return loudest;
}

static void put(struct participant *p, struct aura__place *place, struct track *t) {
    if (place->now && place->now->t == t) {
        return;
    }
    if (place->now) {
        aura__unsubscribe(place->now);
    }
    if (t) {
        place->next = t;
        aura__subscribe(p, t);
        place->next = NULL;
    }
}

static void update(struct participant *p, bool *again) {
    struct player *player = p->player;
    struct participant *of = choose(p, again);
    if (of && strcmp(of->sid, player->shown) != 0) {
        memcpy(player->shown, of->sid, sizeof(player->shown));
        player->since_us = now_us(p->room);
        AURA_LOG("room", AURA_LOG_INFO, "player_shows", LOG_WHO(p),
                 AURA_S("publisher", of->claims.identity));
    }
    for (size_t i = 0; i < PLACES; i++) {
        struct aura__place *place = &player->place[i];
        put(p, place, of ? best_track(p, of, place->kind) : NULL);
    }
}

static void look_in(struct room *room, uint64_t us);

static void on_look(void *arg) {
    struct room *room = arg;
    bool again = false;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (p->player && !p->closing) {
            update(p, &again);
        }
    }
    if (again) {
        look_in(room, LOOK_AGAIN_US);
    }
}

static void look_in(struct room *room, uint64_t us) {
    struct aura_timers *timers = room->rooms->timers;
    aura_timer_stop(timers, &room->player_timer);
    if (aura_timer_start(timers, &room->player_timer, us, on_look, room)) {
        AURA_LOG_LIMITED("room", AURA_LOG_WARN, "no_memory_for_timer", LOG_ROOM(room));
    }
}

void aura__player_look(struct room *room) {
    if (room->players && !room->closing) {
        look_in(room, 0);
    }
}

/* ---- from the negotiation ---- */

void aura__player_ready(struct participant *p, struct aura_neg_sub *neg,
                        const struct aura_neg_sub_media *media) {
    struct aura__place *place = aura_neg_sub_user(neg);
    if (place->now) {
        aura__unsubscribe(place->now);
    }
    if (place->sub) { /* it was bound to other parameters before */
        aura_fleet_sub_close(&p->room->rooms->reach, place->sub);
        place->sub = 0;
    }
    place->media = *media;
    place->ready = true;
    aura__player_look(p->room);
}

void aura__player_lost(struct aura_neg_sub *neg) {
    struct aura__place *place = aura_neg_sub_user(neg);
    place->ready = false;
    if (place->now) {
        aura__unsubscribe(place->now);
    }
}
