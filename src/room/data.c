/* SPDX-License-Identifier: Apache-2.0 */
/* Data messages between participants: who said it is stamped here, who gets it is decided here. */
#include "room/measure.h"

#include "base/log.h"

#include <string.h>

enum { DATA_BYTES_MAX = 65535, DESTINATIONS_MAX = 1024 };

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

/* Only agents may speak for somebody else, and only in chat and text streams (livekit-protocol
 * §5.1). */
static bool keeps_identity(const struct participant *p, const Livekit__DataPacket *d) {
    bool speech = d->value_case == LIVEKIT__DATA_PACKET__VALUE_CHAT_MESSAGE ||
                  d->value_case == LIVEKIT__DATA_PACKET__VALUE_STREAM_HEADER ||
                  d->value_case == LIVEKIT__DATA_PACKET__VALUE_STREAM_CHUNK ||
                  d->value_case == LIVEKIT__DATA_PACKET__VALUE_STREAM_TRAILER ||
                  d->value_case == LIVEKIT__DATA_PACKET__VALUE_TRANSCRIPTION;
    return p->claims.kind && strcmp(p->claims.kind, "agent") == 0 && speech &&
           d->participant_identity[0];
}

static bool allowed(const struct participant *p, const Livekit__DataPacket *d) {
    bool agent = p->claims.kind && strcmp(p->claims.kind, "agent") == 0;
    return p->may.publish_data &&
           (d->value_case != LIVEKIT__DATA_PACKET__VALUE_TRANSCRIPTION || agent) &&
           d->value_case != LIVEKIT__DATA_PACKET__VALUE_SPEAKER;
}

static bool in_list(char *const *list, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], what) == 0) {
            return true;
        }
    }
    return false;
}

bool aura__data_wanted(const struct participant *p, const Livekit__DataPacket *d) {
    if (p->state < LIVEKIT__PARTICIPANT_INFO__STATE__JOINED) {
        return false;
    }
    if (d->value_case == LIVEKIT__DATA_PACKET__VALUE_METRICS && !p->may.metrics) {
        return false;
    }
    const Livekit__UserPacket *u =
        d->value_case == LIVEKIT__DATA_PACKET__VALUE_USER ? d->user : NULL;
    bool everyone = d->n_destination_identities == 0 &&
                    (!u || (u->n_destination_sids == 0 && u->n_destination_identities == 0));
    return everyone ||
           in_list(d->destination_identities, d->n_destination_identities, p->claims.identity) ||
           (u &&
            (in_list(u->destination_identities, u->n_destination_identities, p->claims.identity) ||
             in_list(u->destination_sids, u->n_destination_sids, p->sid)));
}

/* Packs once, sends to all in the room that want it. @param from  not to this one; may be NULL */
static int send_packet(struct room *room, const struct participant *from,
                       enum aura_data_channel channel, const Livekit__DataPacket *d) {
    size_t count = 0, max = aura_map_count(room->by_identity);
    size_t len = livekit__data_packet__get_packed_size(d);
    aura_peer_id *peers = aura_calloc(max, sizeof(*peers));
    uint8_t *bytes = aura_zalloc(len);
    int err = peers && bytes ? 0 : AURA_ENOMEM;
    if (!err) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            if (p != from && count < max && aura__data_wanted(p, d)) {
                peers[count++] = aura__connect_down(p)->peer;
            }
        }
        livekit__data_packet__pack(d, bytes);
        err = count ? aura_fleet_data_send(&room->rooms->reach, peers, count, channel, bytes, len)
                    : 0;
    }
    if (!err && from && channel == AURA_DATA_RELIABLE && d->sequence) {
        aura__replay_keep(room, from->sid, d->sequence, bytes, len);
    }
    aura_free(peers);
    aura_free(bytes);
    return err;
}

/* Reliable messages are numbered by their sender; after a resume some come twice (§5.2). */
static bool seen_before(struct participant *p, enum aura_data_channel channel,
                        const Livekit__DataPacket *d) {
    if (channel != AURA_DATA_RELIABLE || d->sequence == 0) {
        return false;
    }
    if (d->sequence <= p->data_seq) {
        return true;
    }
    p->data_seq = d->sequence;
    return false;
}

static void stamp(const struct participant *p, enum aura_data_channel channel,
                  Livekit__DataPacket *d) {
    bool hidden = p->may.hidden;
    const char *identity = hidden ? "" : p->claims.identity, *sid = hidden ? "" : p->sid;
    Livekit__UserPacket *u = d->value_case == LIVEKIT__DATA_PACKET__VALUE_USER ? d->user : NULL;
    /* The channel is the truth; livekit-client tells its user what this field says. */
    d->kind = channel == AURA_DATA_LOSSY ? LIVEKIT__DATA_PACKET__KIND__LOSSY
                                         : LIVEKIT__DATA_PACKET__KIND__RELIABLE;
    if (!keeps_identity(p, d)) {
        d->participant_identity = text(identity);
        d->participant_sid = text(sid);
    }
    if (u) {
        u->participant_identity = text(identity);
        u->participant_sid = text(sid);
    }
}

void aura__data_receive(struct participant *p, enum aura_data_channel channel, const uint8_t *data,
                        size_t len) {
    struct aura_rooms *r = p->room->rooms;
    if (!aura__pace_take(&p->data_pace, r->conf.data_rate, 1, aura_now_us(r->clock))) {
        r->stats.data_refused++;
        AURA_LOG_LIMITED("room", AURA_LOG_INFO, "too_much_data", LOG_WHO(p));
        return;
    }
    if (channel == AURA_DATA_TRACK) { /* not protobuf */
        r->stats.data_refused += !aura__data_track_packet(p, data, len);
        return;
    }
    Livekit__DataPacket *d =
        len <= DATA_BYTES_MAX ? livekit__data_packet__unpack(aura_pb_allocator(), len, data) : NULL;
    if (!d || !allowed(p, d) || d->n_destination_identities > DESTINATIONS_MAX) {
        r->stats.data_refused++;
        aura__pb_free(d);
        return;
    }
    if (!seen_before(p, channel, d) && !aura__rpc_receive(p, d)) {
        /* The stamped strings are ours: put theirs back before it is freed. */
        Livekit__DataPacket theirs = *d;
        Livekit__UserPacket user = LIVEKIT__USER_PACKET__INIT;
        bool is_user = d->value_case == LIVEKIT__DATA_PACKET__VALUE_USER && d->user;
        if (is_user) {
            user = *d->user;
        }
        aura__measure_data_stream(r, d);
        stamp(p, channel, d);
        if (send_packet(p->room, p, channel, d)) {
            r->stats.data_refused++;
        }
        d->participant_identity = theirs.participant_identity;
        d->participant_sid = theirs.participant_sid;
        if (is_user) {
            d->user->participant_identity = user.participant_identity;
            d->user->participant_sid = user.participant_sid;
        }
    }
    aura__pb_free(d);
}

int aura__data_from_server(struct room *room, const Livekit__SendDataRequest *q) {
    Livekit__UserPacket user = LIVEKIT__USER_PACKET__INIT;
    Livekit__DataPacket d = LIVEKIT__DATA_PACKET__INIT;
    if (q->nonce.len != 0 && q->nonce.len != 16) {
        return AURA_EINVAL;
    }
    user.payload = q->data;
    user.nonce = q->nonce;
    user.n_destination_sids = q->n_destination_sids;
    user.destination_sids = q->destination_sids;
    user.n_destination_identities = q->n_destination_identities;
    user.destination_identities = q->destination_identities;
    if (q->_topic_case == LIVEKIT__SEND_DATA_REQUEST___TOPIC_TOPIC) {
        user._topic_case = LIVEKIT__USER_PACKET___TOPIC_TOPIC;
        user.topic = q->topic;
    }
    d.kind = q->kind;
    d.n_destination_identities = q->n_destination_identities;
    d.destination_identities = q->destination_identities;
    d.value_case = LIVEKIT__DATA_PACKET__VALUE_USER;
    d.user = &user;
    bool lossy = q->kind == LIVEKIT__DATA_PACKET__KIND__LOSSY;
    return send_packet(room, NULL, lossy ? AURA_DATA_LOSSY : AURA_DATA_RELIABLE, &d);
}
