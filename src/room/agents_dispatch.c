/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatches: which agents a room wants, by its configuration or by AgentDispatchService. */
#include "room/agents_priv.h"

#include <string.h>

static int dispatch_new(struct room *room, const Livekit__RoomAgentDispatch *wish,
                        struct dispatch **out) {
    struct aura_rooms *r = room->rooms;
    size_t count = 0;
    AURA_LIST_EACH(&room->dispatches, struct dispatch, other, node) {
        count += other->room != NULL;
    }
    if (count >= AURA_AGENT_DISPATCHES_MAX) {
        return AURA_ELIMIT;
    }
    if (livekit__room_agent_dispatch__get_packed_size(wish) >
        r->conf.max_metadata_bytes + r->conf.max_attributes_bytes) {
        return AURA_EINVAL;
    }
    struct dispatch *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->wish = aura__pb_copy(wish);
    if (!d->wish) {
        aura_free(d);
        return AURA_ENOMEM;
    }
    d->room = room;
    d->created_us = aura_wall_us(r->clock);
    aura_list_init(&d->jobs);
    aura__sid(r->conf.rand, "AD_", d->id);
    aura_list_add(&room->dispatches, &d->node);
    *out = d;
    return 0;
}

void aura__dispatch_free(struct dispatch *d, Livekit__JobStateReason reason) {
    AURA_LIST_EACH(&d->jobs, struct job, j, node) {
        aura__job_cancel(j, reason);
        aura__job_free(j);
    }
    aura_node_remove(&d->node);
    aura__pb_free(d->wish);
    aura_free(d->identity);
    aura_free(d);
}

int aura__agents_room_started(struct room *room, const Livekit__CreateRoomRequest *wish) {
    struct dispatch *d;
    int err = 0;
    for (size_t i = 0; !err && wish && i < wish->n_agents; i++) {
        err = dispatch_new(room, wish->agents[i], &d);
    }
    if (!err && aura_list_empty(&room->dispatches)) {
        /* One without a name starts the workers that registered without one. */
        Livekit__RoomAgentDispatch all = LIVEKIT__ROOM_AGENT_DISPATCH__INIT;
        err = dispatch_new(room, &all, &d);
    }
    return err;
}

void aura__agents_changed(struct room *room) {
    aura__jobs_consider(room);
}

void aura__agents_room_ends(struct room *room) {
    AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
        aura__dispatch_free(d, LIVEKIT__JOB_STATE_REASON__JSR_ROOM_CLOSED);
    }
}

/* ---- AgentDispatchService ---- */

static void put_attributes(struct aura__arena *a, const struct dispatch *d,
                           Livekit__AgentDispatch *info) {
    info->attributes = aura__arena_take(a, (d->wish->n_attributes + 1) * sizeof(*info->attributes));
    for (size_t i = 0; i < d->wish->n_attributes && !a->fail; i++) {
        Livekit__AgentDispatch__AttributesEntry *e = aura__arena_take(a, sizeof(*e));
        if (e) {
            livekit__agent_dispatch__attributes_entry__init(e);
            e->key = d->wish->attributes[i]->key;
            e->value = d->wish->attributes[i]->value;
            info->attributes[info->n_attributes++] = e;
        }
    }
}

static Livekit__AgentDispatch *dispatch_info(struct aura__arena *a, const struct dispatch *d,
                                             uint64_t deleted_us) {
    Livekit__AgentDispatch *info = aura__arena_take(a, sizeof(*info));
    Livekit__AgentDispatchState *state = aura__arena_take(a, sizeof(*state));
    Livekit__Job **jobs = aura__arena_take(a, (d->job_count + 1) * sizeof(*jobs));
    if (a->fail) {
        return NULL;
    }
    livekit__agent_dispatch__init(info);
    livekit__agent_dispatch_state__init(state);
    info->id = (char *)(uintptr_t)d->id;
    info->agent_name = d->wish->agent_name;
    info->room = d->room->name;
    info->metadata = d->wish->metadata;
    info->deployment = d->wish->deployment;
    info->restart_policy = d->wish->restart_policy;
    info->state = state;
    put_attributes(a, d, info);
    state->created_at = (int64_t)d->created_us * 1000;
    state->deleted_at = (int64_t)deleted_us * 1000;
    state->jobs = jobs;
    AURA_LIST_EACH(&d->jobs, struct job, j, node) {
        if (!a->fail) {
            jobs[state->n_jobs++] = aura__job_info(a, j);
        }
    }
    return a->fail ? NULL : info;
}

static struct dispatch *find(const struct room *room, const char *id) {
    AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
        if (strcmp(d->id, id) == 0) {
            return d;
        }
    }
    return NULL;
}

static int give(const struct dispatch *d, uint64_t deleted_us, Livekit__AgentDispatch **out) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__AgentDispatch *info = dispatch_info(&a, d, deleted_us);
    *out = info ? aura__pb_copy(info) : NULL;
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

static int create(struct aura_rooms *r, const Livekit__CreateAgentDispatchRequest *q,
                  struct dispatch **out) {
    struct room *room;
    if (!q->room[0] || strlen(q->room) > r->conf.max_room_name_length) {
        return AURA_EINVAL;
    }
    int err = aura__room_get(r, q->room, r->conf.auto_create, NULL, &room);
    if (err) {
        return err;
    }
    Livekit__RoomAgentDispatch wish = LIVEKIT__ROOM_AGENT_DISPATCH__INIT;
    wish.agent_name = q->agent_name;
    wish.metadata = q->metadata;
    wish.deployment = q->deployment;
    wish.restart_policy = q->restart_policy;
    wish.n_attributes = q->n_attributes;
    /* The entries of both maps have the same two fields. */
    Livekit__RoomAgentDispatch__AttributesEntry *list = aura_calloc(q->n_attributes, sizeof(*list));
    Livekit__RoomAgentDispatch__AttributesEntry **entries =
        aura_calloc(q->n_attributes, sizeof(*entries));
    err = list && entries ? 0 : AURA_ENOMEM;
    for (size_t i = 0; !err && i < q->n_attributes; i++) {
        livekit__room_agent_dispatch__attributes_entry__init(&list[i]);
        list[i].key = q->attributes[i]->key;
        list[i].value = q->attributes[i]->value;
        entries[i] = &list[i];
    }
    wish.attributes = entries;
    err = err ? err : dispatch_new(room, &wish, out);
    aura_free(list);
    aura_free(entries);
    return err;
}

int aura_rooms_create_dispatch(struct aura_rooms *r, const Livekit__CreateAgentDispatchRequest *q,
                               Livekit__AgentDispatch **out) {
    struct dispatch *d;
    int err = create(r, q, &d);
    if (err) {
        return err;
    }
    aura__jobs_consider(d->room);
    return give(d, 0, out);
}

int aura_rooms_dispatch_as(struct aura_rooms *r, const Livekit__CreateAgentDispatchRequest *q,
                           const char *identity) {
    struct dispatch *d;
    aura_rooms_end_dispatch_as(r, q->room, identity);
    int err = create(r, q, &d);
    if (err) {
        return err;
    }
    d->identity = aura_strdup(identity);
    if (!d->identity) {
        aura__dispatch_free(d, LIVEKIT__JOB_STATE_REASON__JSR_DISPATCH_DELETED);
        return AURA_ENOMEM;
    }
    aura__jobs_consider(d->room);
    return 0;
}

void aura_rooms_end_dispatch_as(struct aura_rooms *r, const char *name, const char *identity) {
    struct room *room = aura__room_find(r, name);
    if (room) {
        AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
            if (d->identity && strcmp(d->identity, identity) == 0) {
                aura__dispatch_free(d, LIVEKIT__JOB_STATE_REASON__JSR_DISPATCH_DELETED);
            }
        }
    }
}

int aura_rooms_delete_dispatch(struct aura_rooms *r, const Livekit__DeleteAgentDispatchRequest *q,
                               Livekit__AgentDispatch **out) {
    struct room *room = aura__room_find(r, q->room);
    struct dispatch *d = room ? find(room, q->dispatch_id) : NULL;
    if (!d) {
        return AURA_ENOENT;
    }
    AURA_LIST_EACH(&d->jobs, struct job, j, node) {
        aura__job_cancel(j, LIVEKIT__JOB_STATE_REASON__JSR_DISPATCH_DELETED);
    }
    int err = give(d, aura_wall_us(r->clock), out);
    aura__dispatch_free(d, LIVEKIT__JOB_STATE_REASON__JSR_DISPATCH_DELETED);
    return err;
}

int aura_rooms_list_dispatch(struct aura_rooms *r, const Livekit__ListAgentDispatchRequest *q,
                             Livekit__ListAgentDispatchResponse **out) {
    struct room *room = aura__room_find(r, q->room);
    if (!room) {
        return AURA_ENOENT;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__ListAgentDispatchResponse list = LIVEKIT__LIST_AGENT_DISPATCH_RESPONSE__INIT;
    list.agent_dispatches =
        aura__arena_take(&a, AURA_AGENT_DISPATCHES_MAX * sizeof(*list.agent_dispatches));
    AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
        bool wanted = !q->dispatch_id[0] || strcmp(q->dispatch_id, d->id) == 0;
        if (wanted && !a.fail && list.n_agent_dispatches < AURA_AGENT_DISPATCHES_MAX) {
            list.agent_dispatches[list.n_agent_dispatches++] = dispatch_info(&a, d, 0);
        }
    }
    *out = a.fail ? NULL : aura__pb_copy(&list);
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}
