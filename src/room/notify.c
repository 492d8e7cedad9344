/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in rooms, told to whoever listens from outside: LiveKit's webhook events
 * (livekit-protocol §7). */
#include "room/room_priv.h"

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static bool heard(const struct aura_rooms *r) {
    return r->conf.on_event != NULL;
}

static void tell_of(struct aura_rooms *r, const char *room, Livekit__WebhookEvent *e) {
    char id[SID_CAP];
    aura__sid(r->conf.rand, "EV_", id);
    e->id = id;
    e->created_at = (int64_t)(aura_wall_us(r->clock) / AURA_US_PER_S);
    r->conf.on_event(r->conf.on_event_arg, room, e);
}

static void tell(struct room *room, Livekit__WebhookEvent *e) {
    tell_of(room->rooms, room->name, e);
}

/* Events about tracks name their room and no more, unless the operator wants it whole. */
static Livekit__Room *short_room(struct aura__arena *a, const struct room *room) {
    if (room->rooms->conf.full_room_in_events) {
        return aura__room_info(a, room);
    }
    Livekit__Room *info = aura__arena_take(a, sizeof(*info));
    if (info) {
        livekit__room__init(info);
        info->sid = text(room->sid);
        info->name = room->name;
    }
    return info;
}

static void send_whole(struct room *room, Livekit__WebhookEvent *e, struct aura__arena *a) {
    if (!a->fail) {
        tell(room, e);
    } else {
        room->rooms->stats.events_lost++;
    }
    aura__arena_free(a);
}

void aura__notify_room(struct room *room, const char *event, Livekit__RoomEndReason why) {
    if (!heard(room->rooms)) {
        return;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__WebhookEvent e = LIVEKIT__WEBHOOK_EVENT__INIT;
    e.event = text(event);
    e.room = aura__room_info(&a, room);
    e.room_end_reason = why;
    send_whole(room, &e, &a);
}

void aura__notify_participant(struct participant *p, const char *event) {
    if (!heard(p->room->rooms)) {
        return;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__WebhookEvent e = LIVEKIT__WEBHOOK_EVENT__INIT;
    e.event = text(event);
    e.room = aura__room_info(&a, p->room);
    e.participant = aura__participant_info(&a, p);
    send_whole(p->room, &e, &a);
}

void aura__notify_job(struct room *room, const char *event, Livekit__Job *job) {
    if (heard(room->rooms)) {
        Livekit__WebhookEvent e = LIVEKIT__WEBHOOK_EVENT__INIT;
        e.event = text(event);
        e.room = job->room;
        e.job = job;
        tell(room, &e);
    }
}

void aura_rooms_tell_egress(struct aura_rooms *r, const char *room, const char *event,
                            Livekit__EgressInfo *info) {
    Livekit__WebhookEvent e = LIVEKIT__WEBHOOK_EVENT__INIT;
    if (heard(r) && info) {
        e.event = text(event);
        e.egress_info = info;
        tell_of(r, room, &e);
    } else {
        r->stats.events_lost += heard(r);
    }
}

void aura__notify_track(struct track *t, const char *event) {
    struct room *room = t->p->room;
    /* Media may be announced before it is connected: nobody hears of it before they hear of the
     * participant. */
    if (!heard(room->rooms) || !t->p->was_active) {
        return;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__WebhookEvent e = LIVEKIT__WEBHOOK_EVENT__INIT;
    Livekit__ParticipantInfo *who = aura__arena_take(&a, sizeof(*who));
    if (who) {
        livekit__participant_info__init(who);
        who->sid = t->p->sid;
        who->identity = t->p->claims.identity;
    }
    e.event = text(event);
    e.room = short_room(&a, room);
    e.participant = who;
    e.track = aura__track_info(&a, t);
    send_whole(room, &e, &a);
}
