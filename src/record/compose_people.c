/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the recorded room, with which tracks: the manifest's events, as time goes by. */
#include "record/compose_priv.h"

#include "base/mem.h"
#include "record/recorder.h"

#include <string.h>

enum turn { TURN_BEGINS, TURN_ENDS, TURN_MUTED, TURN_UNMUTED };

/* What happens to a track. */
struct aura__turn {
    int64_t us; /* since the beginning */
    size_t lane;
    enum turn what;
    bool muted; /* of the beginning */
};

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* A number by a word of the manifest, counted up. @return SIZE_MAX: out of memory */
static size_t index_of(json_t *words, const char *word, size_t next) {
    const json_t *known = json_object_get(words, word);
    if (known) {
        return (size_t)json_integer_value(known);
    }
    return json_object_set_new(words, word, json_integer((json_int_t)next)) ? SIZE_MAX : next;
}

static int add_lane(struct aura__people *p, const json_t *track, json_t *identities, json_t *sids) {
    const char *identity = text_of(track, "identity"), *source = text_of(track, "source");
    size_t person = index_of(identities, identity, p->count);
    if (person == SIZE_MAX || index_of(sids, text_of(track, "sid"), p->lane_count) == SIZE_MAX) {
        return AURA_ENOMEM;
    }
    if (person == p->count) {
        p->list[p->count++] = (struct aura__person){.identity = identity, .name = ""};
    }
    p->lanes[p->lane_count++] =
        (struct aura__lane){.person = person,
                            .video = strcmp(text_of(track, "kind"), "video") == 0,
                            .screen = strncmp(source, "screen_share", strlen("screen_share")) == 0,
                            .microphone = strcmp(source, "microphone") == 0};
    return 0;
}

/* Who came again has the name that they came with last. */
static void name_them(struct aura__people *p, const json_t *participants,
                      const json_t *identities) {
    size_t i;
    json_t *one;
    json_array_foreach(participants, i, one) {
        const json_t *known = json_object_get(identities, text_of(one, "identity"));
        if (known && text_of(one, "name")[0]) {
            p->list[json_integer_value(known)].name = text_of(one, "name");
        }
    }
}

static void add_turns(struct aura__people *p, const json_t *events, const json_t *sids,
                      int64_t first_us) {
    static const char *const types[] = {[TURN_BEGINS] = "track_published",
                                        [TURN_ENDS] = "track_unpublished",
                                        [TURN_MUTED] = "track_muted",
                                        [TURN_UNMUTED] = "track_unmuted"};
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        const json_t *lane = json_object_get(sids, text_of(event, "track"));
        for (size_t k = 0; lane && i < AURA_RECORD_EVENTS_MAX && k < 4; k++) {
            if (strcmp(text_of(event, "type"), types[k]) == 0) {
                struct aura__turn *t = &p->turns[p->turn_count++];
                t->us = json_integer_value(json_object_get(event, "at_us")) - first_us;
                t->lane = (size_t)json_integer_value(lane);
                t->what = (enum turn)k;
                t->muted = json_is_true(json_object_get(event, "muted"));
            }
        }
    }
}

static int read_all(struct aura__people *p, const json_t *manifest, int64_t first_us,
                    json_t *identities, json_t *sids) {
    const json_t *tracks = json_object_get(manifest, "tracks");
    const json_t *events = json_object_get(manifest, "events");
    size_t i, n = json_array_size(tracks), turns = json_array_size(events);
    json_t *track;
    p->list = aura_calloc(n + 1, sizeof(*p->list));
    p->lanes = aura_calloc(n + 1, sizeof(*p->lanes));
    p->turns = aura_calloc(turns < AURA_RECORD_EVENTS_MAX ? turns + 1 : AURA_RECORD_EVENTS_MAX,
                           sizeof(*p->turns));
    int err = p->list && p->lanes && p->turns && identities && sids ? 0 : AURA_ENOMEM;
    json_array_foreach(tracks, i, track) {
        err = err ? err : add_lane(p, track, identities, sids);
    }
    if (!err) {
        name_them(p, json_object_get(manifest, "participants"), identities);
        add_turns(p, events, sids, first_us);
    }
    return err;
}

int aura__people_open(struct aura__people *p, const json_t *manifest, int64_t first_us) {
    json_t *identities = json_object(), *sids = json_object();
    int err = read_all(p, manifest, first_us, identities, sids);
    json_decref(identities);
    json_decref(sids);
    return err;
}

void aura__people_close(struct aura__people *p) {
    for (size_t i = 0; i < p->count; i++) {
        (void)aura_sticker_free(p->list[i].tag.sticker);
        (void)aura_sticker_free(p->list[i].screen_tag.sticker);
        (void)aura_sticker_free(p->list[i].initials.sticker);
    }
    aura_free(p->list);
    aura_free(p->lanes);
    aura_free(p->turns);
}

static void apply(struct aura__lane *lane, const struct aura__turn *t) {
    switch (t->what) {
    case TURN_BEGINS:
        lane->here = true;
        lane->muted = t->muted;
        break;
    case TURN_ENDS:
        lane->here = false;
        break;
    case TURN_MUTED:
    case TURN_UNMUTED:
        lane->muted = t->what == TURN_MUTED;
    }
    lane->muted_us = t->us;
}

/* From their tracks. One microphone that is on is enough to be heard. */
static void sum_up(struct aura__people *p) {
    for (size_t i = 0; i < p->count; i++) {
        p->list[i].here = p->list[i].silent = false;
    }
    for (int on = 0; on < 2; on++) {
        for (size_t i = 0; i < p->lane_count; i++) {
            const struct aura__lane *lane = &p->lanes[i];
            struct aura__person *who = &p->list[lane->person];
            who->here = who->here || (lane->here && !lane->screen);
            if (lane->here && lane->microphone && lane->muted == !on) {
                who->silent = lane->muted;
            }
        }
    }
}

void aura__people_at(struct aura__people *p, int64_t us) {
    size_t before = p->turn;
    for (; p->turn < p->turn_count && p->turns[p->turn].us <= us; p->turn++) {
        apply(&p->lanes[p->turns[p->turn].lane], &p->turns[p->turn]);
    }
    if (p->turn != before) {
        sum_up(p);
    }
}
