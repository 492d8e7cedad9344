/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a say in AI compression: the operator (aic.enabled), the room by its metadata, and each
 * participant by an attribute, which holds for what it publishes and for what it gets
 * (docs/aic-protocol.md section 6). */
#include "room/room_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    COUNT_MAX = 2, /* each needs to know of another one */
    CHROME_WITH_SVC = 113
}; /* from there on it takes scalabilityMode for AV1 */

static const char attribute[] = AURA_TOKEN_AIC; /* of participants, and in rooms' metadata */

const char *aura_rooms_aic_says(const char *text) {
    static const char *const all[] = {"on", "off", "saver"};
    for (size_t i = 0; text && i < sizeof(all) / sizeof(*all); i++) {
        if (strcmp(text, all[i]) == 0) {
            return all[i];
        }
    }
    return NULL;
}

const char *aura__aic_says(const struct participant *p) {
    const struct aura_claims *c = &p->claims;
    const char *says = NULL;
    for (size_t i = 0; i < c->attribute_count && !says; i++) {
        says = strcmp(c->attributes[i].key, attribute) == 0
                   ? aura_rooms_aic_says(c->attributes[i].value)
                   : NULL;
    }
    says = p->aic_off ? "off" : says ? says : p->room->aic; /* the person goes before the app */
    says = says ? says : aura_rooms_aic_says(p->room->rooms->conf.aic_default);
    return says ? says : "on";
}

bool aura__aic_wanted(const struct participant *p) {
    return p->room->rooms->conf.aic && strcmp(aura__aic_says(p), "off") != 0;
}

/* {"auralink.aic": "off"} among whatever else an application keeps there. */
static const char *of_metadata(const char *metadata) {
    if (!strstr(metadata, attribute)) {
        return NULL; /* most are no JSON at all */
    }
    json_t *all = json_loads(metadata, 0, NULL);
    const char *says = aura_rooms_aic_says(json_string_value(json_object_get(all, attribute)));
    json_decref(all);
    return says;
}

void aura__aic_room_changed(struct room *room) {
    const char *says = of_metadata(room->metadata);
    if (says != room->aic) {
        room->aic = says;
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            aura__aic_changed(p);
        }
    }
}

bool aura__aic_saves(const struct participant *p) {
    return p->room->rooms->conf.aic && strcmp(aura__aic_says(p), "saver") == 0;
}

/* Who sees nothing has no say in how it looks. */
static bool spends(const struct participant *p) {
    return !p->saves && p->may.subscribe;
}

bool aura__aic_all_save(const struct participant *p) {
    return p->room->savers && p->room->spenders == spends(p);
}

static bool takes(const struct participant *p) {
    return !p->native && p->may.subscribe;
}

bool aura__aic_has_takers(const struct participant *p) {
    return p->room->takers > takes(p);
}

void aura__aic_count(struct room *room) {
    bool savers = false;
    uint32_t spenders = 0, takers = 0;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        savers |= p->saves;
        spenders += spends(p) && spenders < COUNT_MAX;
        takers += takes(p) && takers < COUNT_MAX;
    }
    if (room->savers == savers && room->spenders == spenders && room->takers == takers) {
        return;
    }
    room->savers = savers;
    room->spenders = spenders;
    room->takers = takers;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->tracks, struct track, t, node) {
            aura__publish_renew(t);
        }
    }
}

bool aura__aic_governs(const struct participant *p, enum aura_codec codec) {
    return aura__aic_wanted(p) &&
           (p->room->rooms->conf.aic_governs || (p->steered && codec == AURA_CODEC_AV1));
}

/* Chromium, and what is made of it, encodes AV1 in real time with the layers that livekit-client
 * asks for. Firefox encodes no such layers, Safari no AV1 on most machines, and phones cannot
 * afford it. */
static bool encodes_av1(const struct aura_join *join) {
    const Livekit__ClientInfo *info = join->request->client_info;
    const char *agent = join->user_agent ? join->user_agent : "";
    const char *chrome = strstr(agent, "Chrome/");
    if (!info || info->sdk != LIVEKIT__CLIENT_INFO__SDK__JS || !chrome) {
        return false;
    }
    bool small = strstr(agent, "Mobile") || strstr(agent, "Android") || info->os[0];
    return !small && strtoul(chrome + strlen("Chrome/"), NULL, 10) >= CHROME_WITH_SVC;
}

bool aura__aic_steers(const struct participant *p, const struct aura_join *join) {
    const struct aura_rooms_conf *conf = &p->room->rooms->conf;
    return conf->aic_steers && aura__aic_wanted(p) && (conf->codecs & 1u << AURA_CODEC_AV1) &&
           encodes_av1(join);
}

void aura__aic_changed(struct participant *p) {
    bool native = !aura__aic_wanted(p), saves = aura__aic_saves(p);
    p->hints = aura__aic_hints_wanted(p);
    if (p->native == native && p->saves == saves) {
        return;
    }
    p->native = native;
    p->saves = saves;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        aura__publish_renew(t);
    }
    aura__aic_count(p->room);
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        s->settings.native = native;
        s->settings.saver = saves;
        if (s->sub) {
            aura_fleet_sub_set(&p->room->rooms->reach, s->sub, &s->settings);
        }
    }
}
