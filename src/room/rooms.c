/* SPDX-License-Identifier: Apache-2.0 */
/* The set of all rooms, and the way from the SFU's ids back to tracks and people. */
#include "base/tally.h"
#include "room/measure.h"
#include "room/series.h"

#include "base/log.h"

#include <string.h>

const uint32_t aura_rooms_join_bounds_ms[10] = {10,  25,  50,   100,  200,
                                                400, 800, 2000, 5000, UINT32_MAX};

static void *pb_alloc(void *data, size_t size) {
    (void)data;
    return aura_zalloc(size);
}

static void pb_free(void *data, void *p) {
    (void)data;
    aura_free(p);
}

ProtobufCAllocator *aura_pb_allocator(void) {
    static ProtobufCAllocator allocator = {.alloc = pb_alloc, .free = pb_free};
    return &allocator;
}

void aura__sid(struct aura_rand *r, const char *prefix, char out[SID_CAP]) {
    size_t len = strlen(prefix);
    AURA_BUG_ON(len >= SID_LEN);
    memcpy(out, prefix, len);
    aura_rand_text(r, out + len, SID_LEN - len);
}

ProtobufCMessage *aura_pb_copy(const ProtobufCMessage *m) {
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = aura_zalloc(len);
    if (!bytes) {
        return NULL;
    }
    protobuf_c_message_pack(m, bytes);
    ProtobufCMessage *copy =
        protobuf_c_message_unpack(m->descriptor, aura_pb_allocator(), len, bytes);
    aura_free(bytes);
    return copy;
}

void *aura__pb_copy(const void *message) {
    return aura_pb_copy(message);
}

void aura__pb_free(void *message) {
    if (message) {
        protobuf_c_message_free_unpacked(message, aura_pb_allocator());
    }
}

static void defaults(struct aura_rooms_conf *c) {
    c->max_metadata_bytes = c->max_metadata_bytes ? c->max_metadata_bytes : 512 * 1024;
    c->max_attributes_bytes = c->max_attributes_bytes ? c->max_attributes_bytes : 64 * 1024;
    c->max_name_length = c->max_name_length ? c->max_name_length : 256;
    c->max_identity_length = c->max_identity_length ? c->max_identity_length : 256;
    c->max_room_name_length = c->max_room_name_length ? c->max_room_name_length : 256;
    c->max_tracks = c->max_tracks ? c->max_tracks : 64;
    c->codecs = c->codecs ? c->codecs : (1u << AURA_CODEC_COUNT) - 2;
}

int aura_rooms_new(struct aura_rooms **rp, const struct aura_rooms_conf *conf,
                   struct aura_loop *loop) {
    AURA_REQUIRE(rp && conf->keys && conf->rand && loop, AURA_EINVAL);
    struct aura_rooms *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->conf = *conf;
    defaults(&r->conf);
    r->loop = loop;
    r->timers = aura_loop_timers(loop);
    r->clock = aura_loop_clock(loop);
    r->out = AURA_BUF(SIGNAL_OUT_MAX);
    aura_list_init(&r->rooms);
    aura_list_init(&r->rpcs);
    aura_list_init(&r->workers);
    struct aura_map **maps[] = {&r->by_name, &r->by_sid, &r->by_auraid,
                                &r->peers,   &r->pubs,   &r->sub_ids};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (aura_map_new(maps[i], i == 0 ? ROOMS_MAX : SERVER_IDS_MAX)) {
            aura_rooms_free(r);
            return AURA_ENOMEM;
        }
    }
    if (aura__measure_new(&r->metrics)) {
        aura_rooms_free(r);
        return AURA_ENOMEM;
    }
    *rp = r;
    return 0;
}

struct aura_rooms *aura_rooms_free(struct aura_rooms *r) {
    if (!r) {
        return NULL;
    }
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        aura__room_close(room, LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN);
    }
    aura_timer_stop(r->timers, &r->bytes.timer);
    struct aura_map *maps[] = {r->by_name, r->by_sid, r->by_auraid, r->peers, r->pubs, r->sub_ids};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        aura_map_free(maps[i]);
    }
    aura_tally_free(r->metrics);
    aura_buf_free(&r->out);
    aura_free(r);
    return NULL;
}

void aura_rooms_change(struct aura_rooms *r, const struct aura_rooms_conf *conf) {
    struct aura_rooms_conf *c = &r->conf;
    c->auto_create = conf->auto_create;
    c->enable_remote_unmute = conf->enable_remote_unmute;
    c->no_data_tracks = conf->no_data_tracks;
    c->sync_streams = conf->sync_streams;
    c->playout = conf->playout;
    c->max_participants = conf->max_participants;
    c->empty_timeout_s = conf->empty_timeout_s;
    c->departure_timeout_s = conf->departure_timeout_s;
    c->max_metadata_bytes = conf->max_metadata_bytes;
    c->max_attributes_bytes = conf->max_attributes_bytes;
    c->max_name_length = conf->max_name_length;
    c->max_identity_length = conf->max_identity_length;
    c->max_room_name_length = conf->max_room_name_length;
    c->max_tracks = conf->max_tracks;
    c->max_rooms = conf->max_rooms;
    c->max_server_participants = conf->max_server_participants;
    c->max_server_tracks = conf->max_server_tracks;
    c->max_bytes_per_s = conf->max_bytes_per_s;
    c->publisher_kbps = conf->publisher_kbps;
    c->max_sub_video = conf->max_sub_video;
    c->max_sub_audio = conf->max_sub_audio;
    c->signal_rate = conf->signal_rate;
    c->data_rate = conf->data_rate;
    defaults(c);
    aura__limits_watch(r);
    AURA_LIST_EACH(&r->rooms, struct room, room, node) { /* there may be more places now */
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            aura__waiting_soon(p);
        }
    }
}

void aura_rooms_attach(struct aura_rooms *r, struct aura_sfu *sfu) {
    r->sfu = r->reach.sfu = sfu;
    aura__limits_watch(r);
}

void aura_rooms_spread(struct aura_rooms *r, struct aura_fleet *fleet) {
    r->reach.fleet = fleet;
}

bool aura_rooms_draining(const struct aura_rooms *r) {
    return r->draining;
}

void aura_rooms_drain(struct aura_rooms *r) {
    r->draining = true;
    AURA_LOG("room", AURA_LOG_INFO, "drain", AURA_I("rooms", r->stats.rooms),
             AURA_I("participants", r->stats.participants));
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            aura__send_leave(p, LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN,
                             LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
        }
    }
}

void aura_rooms_stats(const struct aura_rooms *r, struct aura_rooms_stats *out) {
    *out = r->stats;
    out->agent_workers = r->worker_count;
}

const char *aura_rooms_node_id(const struct aura_rooms *r) {
    return r->conf.node_id ? r->conf.node_id : "";
}

/* ---- events of the SFU: an id that is gone belongs to something that has just ended ---- */

static void on_peer_state(void *arg, aura_peer_id peer, enum aura_pc_state state) {
    struct aura_rooms *r = arg;
    struct transport *t = aura_map_get_u64(r->peers, peer);
    if (t) {
        aura__connect_state(t, state);
    }
}

static void on_data(void *arg, aura_peer_id peer, enum aura_data_channel channel,
                    const uint8_t *data, size_t len) {
    struct aura_rooms *r = arg;
    struct transport *t = aura_map_get_u64(r->peers, peer);
    if (t) {
        r->stats.data_in++;
        aura__data_receive(t->p, channel, data, len);
    }
}

static void on_layer(void *arg, aura_pub_id pub, const struct aura_sfu_layer *layer) {
    struct aura_rooms *r = arg;
    struct encoding *e = aura__encoding_of(r, pub);
    if (e) {
        aura__publish_layer(e, layer);
    }
}

static void on_levels(void *arg, const struct aura_sfu_level *levels, size_t count) {
    aura__meters_levels(arg, levels, count);
}

static void on_pub_stats(void *arg, const struct aura_sfu_pub_stats *stats) {
    struct aura_rooms *r = arg;
    struct encoding *e = aura__encoding_of(r, stats->pub);
    if (e) {
        aura__meters_pub(e->t, stats);
        aura__series_pub(e, stats);
    }
}

static void on_sub_stats(void *arg, const struct aura_sfu_sub_stats *stats) {
    struct aura_rooms *r = arg;
    struct subscription *s = aura_map_get_u64(r->sub_ids, stats->sub);
    if (s) {
        s->stats = *stats;
        aura__meters_sub(s, stats);
        aura__series_sub(s, stats);
    }
}

static void on_sub_started(void *arg, aura_sub_id sub) {
    struct aura_rooms *r = arg;
    struct subscription *s = aura_map_get_u64(r->sub_ids, sub);
    if (s) {
        aura__stream_started(s);
    }
}

static void on_sub_state(void *arg, const struct aura_sfu_sub_state *state) {
    struct aura_rooms *r = arg;
    struct subscription *s = aura_map_get_u64(r->sub_ids, state->sub);
    if (s) {
        aura__stream_state(s, state);
    }
}

static void on_peer_stats(void *arg, const struct aura_sfu_peer_stats *stats) {
    struct aura_rooms *r = arg;
    struct transport *t = aura_map_get_u64(r->peers, stats->peer);
    if (t) {
        t->stats = *stats;
    }
}

static void on_peer_ceiling(void *arg, aura_peer_id peer, bool dropping, uint32_t sent_kbps) {
    struct aura_rooms *r = arg;
    struct transport *t = aura_map_get_u64(r->peers, peer);
    if (t && dropping) {
        AURA_LOG("room", AURA_LOG_WARN, "publisher_over_ceiling", LOG_WHO(t->p),
                 AURA_I("sent_kbps", sent_kbps), AURA_I("ceiling_kbps", r->conf.publisher_kbps),
                 AURA_S("why", "it does not heed REMB: what is above limit.publisher_kbps is "
                               "dropped"));
    } else if (t) {
        AURA_LOG("room", AURA_LOG_INFO, "publisher_keeps_ceiling", LOG_WHO(t->p),
                 AURA_I("sent_kbps", sent_kbps));
    }
}

static void on_aic(void *arg, const struct aura_sfu_aic *report) {
    struct encoding *e = aura__encoding_of(arg, report->pub);
    if (e) {
        aura__aic_report(e, report);
    }
}

const struct aura_sfu_handlers *aura_rooms_sfu_handlers(void) {
    static const struct aura_sfu_handlers handlers = {.peer_state = on_peer_state,
                                                      .data = on_data,
                                                      .pub_layer = on_layer,
                                                      .audio_levels = on_levels,
                                                      .pub_stats = on_pub_stats,
                                                      .sub_stats = on_sub_stats,
                                                      .sub_started = on_sub_started,
                                                      .sub_state = on_sub_state,
                                                      .peer_stats = on_peer_stats,
                                                      .peer_ceiling = on_peer_ceiling,
                                                      .aic = on_aic};
    return &handlers;
}
