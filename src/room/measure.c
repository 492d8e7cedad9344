/* SPDX-License-Identifier: Apache-2.0 */
#include "room/measure.h"

#include "base/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LABELS_MAX = 200, EXPONENTIAL = 15 };

static const double loss_percent[] = {0, 0.1, 0.3, 0.5, 0.7, 1, 5, 10, 40, 100};
static const double jitter_us[] = {1e3, 1e4, 3e4, 5e4, 7e4, 1e5, 3e5, 6e5, 1e6};
static const double rtt_ms[] = {50, 100, 150, 200, 250, 500, 750, 1000, 5000, 10000};
static const double room_s[] = {5, 10, 60, 300, 600, 1800, 3600, 7200, 18000, 36000};
static const double pubsub_ms[] = {100, 200, 500, 700, 1000, 5000, 10000};
static const double rating[] = {0, 1, 2};
static const double score[] = {1, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.25, 4.5};
static const double destinations[] = {1, 2, 3, 4, 5, 10, 15, 25, 50};
static const double stream_bytes[] = {128,    512,    2048,    8192,    32768,
                                      131072, 524288, 2097152, 8388608, 33554432};
/* Filled once, before the first list is made. */
static double join_ms[EXPONENTIAL], start_ms[EXPONENTIAL], duration_ms[EXPONENTIAL];
static pthread_once_t bounds_made = PTHREAD_ONCE_INIT;

static void make_bounds(void) {
    aura_tally_exponential(join_ms, EXPONENTIAL, 10, 10000);
    aura_tally_exponential(start_ms, EXPONENTIAL, 100, 10000);
    aura_tally_exponential(duration_ms, EXPONENTIAL, 100, 4.0 * 60 * 60 * 1000);
}

enum family {
    LOST,
    LOSS,
    REORDERED,
    REORDER,
    JITTER,
    RTT,
    ROOM_DURATION,
    JOIN_LATENCY,
    START_TIME,
    DURATION,
    PUBSUB_TIME,
    PUBLISHES,
    SUBSCRIBES,
    CONNECTIONS,
    OPERATIONS,
    RATING,
    SCORE,
    STREAM_DESTINATIONS,
    STREAM_BYTES,
    FAMILIES
};

#define HISTOGRAM(bounds) (bounds), sizeof(bounds) / sizeof((bounds)[0])
#define COUNTER NULL, 0

static const struct aura_tally_family families[FAMILIES] = {
    [LOST] = {"livekit_packet_loss_total", "Packets lost.", COUNTER},
    [LOSS] = {"livekit_packet_loss_percent", "Share of packets lost, by track and report.",
              HISTOGRAM(loss_percent)},
    [REORDERED] = {"livekit_packet_out_of_order_total", "Packets that came after later ones.",
                   COUNTER},
    [REORDER] = {"livekit_packet_out_of_order_percent", "Their share, by track and report.",
                 HISTOGRAM(loss_percent)},
    [JITTER] = {"livekit_jitter_us", "Interarrival jitter in microseconds, by track and report.",
                HISTOGRAM(jitter_us)},
    [RTT] = {"livekit_rtt_ms", "Round trip in milliseconds, by track and report.",
             HISTOGRAM(rtt_ms)},
    [ROOM_DURATION] = {"livekit_room_duration_seconds", "How long rooms that ended had lasted.",
                       HISTOGRAM(room_s)},
    [JOIN_LATENCY] = {"livekit_session_join_latency_ms", "From a join's request to its response.",
                      HISTOGRAM(join_ms)},
    [START_TIME] = {"livekit_session_start_time_ms", "From a join's request to connected media.",
                    HISTOGRAM(start_ms)},
    [DURATION] = {"livekit_session_duration_ms", "How long participants who left were there.",
                  HISTOGRAM(duration_ms)},
    [PUBSUB_TIME] = {"livekit_pubsubtime_ms",
                     "From asking for a track to having it, or to its first packet.",
                     HISTOGRAM(pubsub_ms)},
    [PUBLISHES] = {"livekit_track_publish_counter", "Tracks to be published, by outcome.", COUNTER},
    [SUBSCRIBES] = {"livekit_track_subscribe_counter", "Subscriptions, by outcome.", COUNTER},
    [CONNECTIONS] = {"livekit_peer_connection_state", "Peer connections that came so far.",
                     COUNTER},
    [OPERATIONS] = {"livekit_node_service_operation", "Operations, by outcome.", COUNTER},
    [RATING] = {"livekit_quality_rating", "Participants' connection: 0 poor, 1 good, 2 excellent.",
                HISTOGRAM(rating)},
    [SCORE] = {"livekit_quality_score", "The score behind it.", HISTOGRAM(score)},
    [STREAM_DESTINATIONS] = {"livekit_datapacket_stream_dest_count",
                             "Whom data streams name as receivers; 0 = everybody.",
                             HISTOGRAM(destinations)},
    [STREAM_BYTES] = {"livekit_datapacket_stream_bytes", "How long data streams say that they are.",
                      HISTOGRAM(stream_bytes)},
};

int aura__measure_new(struct aura_tally **mp) {
    pthread_once(&bounds_made, make_bounds);
    return aura_tally_new(mp, families, FAMILIES);
}

void aura_rooms_write_metrics(const struct aura_rooms *r, const char *common,
                              struct aura_buf *out) {
    aura_tally_write(r->metrics, common, out);
}

/* ---- labels ---- */

/* Peers may send numbers that no enumeration has. */
static const char *name_in(const ProtobufCEnumDescriptor *d, int number, const char *otherwise) {
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, number);
    return v ? v->name : otherwise;
}

static const char *type_of(const struct track *t) {
    return name_in(&livekit__track_type__descriptor, (int)t->request->type, "AUDIO");
}

static bool is_video(const struct track *t) {
    return t->request->type == LIVEKIT__TRACK_TYPE__VIDEO;
}

static void stream_labels(char out[LABELS_MAX], const char *direction, const struct track *t) {
    snprintf(out, LABELS_MAX, "direction=\"%s\",source=\"%s\",type=\"%s\"", direction,
             name_in(&livekit__track_source__descriptor, (int)t->request->source, "UNKNOWN"),
             type_of(t));
}

static void protocol_label(char out[LABELS_MAX], const struct participant *p) {
    int32_t said = p->client ? p->client->protocol : 0;
    int known = said < 0 ? 0 : said > PROTOCOL_VERSION ? PROTOCOL_VERSION : (int)said;
    snprintf(out, LABELS_MAX, "protocol_version=\"%d\"", known);
}

static double ms_since(const struct participant *p, uint64_t since_us) {
    uint64_t us = aura_now_us(p->room->rooms->clock) - since_us;
    return (double)(us / AURA_US_PER_MS);
}

/* ---- reports ---- */

static double percent(uint32_t part, uint32_t whole) {
    return 100.0 * part / whole;
}

void aura__measure_stream(const struct track *t, const struct aura__measured *m) {
    struct aura_tally *to = t->p->room->rooms->metrics;
    char labels[LABELS_MAX];
    if (!m->packets) {
        return; /* nothing flowed: what is known is from before */
    }
    stream_labels(labels, m->outgoing ? "outgoing" : "incoming", t);
    aura_tally_observe(to, LOSS, labels, percent(m->lost, m->packets));
    if (m->lost) {
        aura_tally_add(to, LOST, labels, m->lost);
    }
    if (!m->outgoing) { /* receivers' reports don't tell */
        aura_tally_observe(to, REORDER, labels, percent(m->reordered, m->packets));
        if (m->reordered) {
            aura_tally_add(to, REORDERED, labels, m->reordered);
        }
    }
    if (m->jitter_us) {
        aura_tally_observe(to, JITTER, labels, m->jitter_us);
    }
    if (m->rtt_us) {
        aura_tally_observe(to, RTT, labels, m->rtt_us / 1000.0);
    }
}

void aura__measure_quality(const struct participant *p) {
    struct aura_tally *to = p->room->rooms->metrics;
    aura_tally_observe(to, RATING, "", (double)p->quality);
    aura_tally_observe(to, SCORE, "", (double)p->score);
}

/* ---- rooms and sessions ---- */

void aura__measure_room_ends(const struct room *room) {
    const struct aura_rooms *r = room->rooms;
    uint64_t us = aura_now_us(r->clock) - room->created_us;
    aura_tally_observe(r->metrics, ROOM_DURATION, "", (double)us / AURA_US_PER_S);
}

void aura__measure_joined(const struct participant *p) {
    char labels[LABELS_MAX];
    protocol_label(labels, p);
    aura_tally_observe(p->room->rooms->metrics, JOIN_LATENCY, labels, ms_since(p, p->joined_us));
    aura__measure_operation(p->room->rooms, "participant_join", NULL);
}

void aura__measure_active(const struct participant *p) {
    char labels[LABELS_MAX];
    protocol_label(labels, p);
    size_t len = strlen(labels);
    snprintf(labels + len, sizeof(labels) - len, ",warp=\"false\"");
    aura_tally_observe(p->room->rooms->metrics, START_TIME, labels, ms_since(p, p->joined_us));
}

/* LiveKit tells who gave up from who could not be served. */
static bool failed(Livekit__DisconnectReason reason) {
    return reason == LIVEKIT__DISCONNECT_REASON__JOIN_FAILURE ||
           reason == LIVEKIT__DISCONNECT_REASON__CONNECTION_TIMEOUT ||
           reason == LIVEKIT__DISCONNECT_REASON__MEDIA_FAILURE ||
           reason == LIVEKIT__DISCONNECT_REASON__STATE_MISMATCH;
}

void aura__measure_left(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    char labels[LABELS_MAX];
    if (p->was_active) {
        protocol_label(labels, p);
        aura_tally_observe(r->metrics, DURATION, labels, ms_since(p, p->active_us));
    } else if (failed(p->reason)) {
        r->stats.joins_failed++;
    } else {
        r->stats.joins_canceled++;
    }
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (!t->live) {
            snprintf(labels, sizeof(labels), "kind=\"%s\",state=\"cancel\"", type_of(t));
            aura_tally_add(r->metrics, PUBLISHES, labels, 1);
        }
    }
}

/* ---- tracks ---- */

static void pubsub_time(const struct participant *p, const struct track *t, const char *direction,
                        uint64_t since_us) {
    char labels[LABELS_MAX];
    stream_labels(labels, direction, t);
    size_t len = strlen(labels);
    snprintf(labels + len, sizeof(labels) - len, ",sdk=\"%s\",kind=\"%s\",count=\"1\"",
             name_in(&livekit__client_info__sdk__descriptor, p->client ? (int)p->client->sdk : 0,
                     "UNKNOWN"),
             name_in(&livekit__participant_info__kind__descriptor, aura__participant_kind(p),
                     "STANDARD"));
    aura_tally_observe(p->room->rooms->metrics, PUBSUB_TIME, labels, ms_since(p, since_us));
}

void aura__measure_publish(struct track *t) {
    char labels[LABELS_MAX];
    t->asked_us = aura_now_us(t->p->room->rooms->clock);
    snprintf(labels, sizeof(labels), "kind=\"%s\",state=\"attempt\"", type_of(t));
    aura_tally_add(t->p->room->rooms->metrics, PUBLISHES, labels, 1);
}

void aura__measure_published(const struct track *t) {
    char labels[LABELS_MAX];
    snprintf(labels, sizeof(labels), "kind=\"%s\",state=\"success\"", type_of(t));
    aura_tally_add(t->p->room->rooms->metrics, PUBLISHES, labels, 1);
    pubsub_time(t->p, t, "publish", t->asked_us);
    t->p->room->rooms->stats.tracks++;
    t->p->room->rooms->stats.video_tracks += is_video(t);
}

void aura__measure_unpublish(const struct track *t) {
    if (t->live) {
        t->p->room->rooms->stats.tracks--;
        t->p->room->rooms->stats.video_tracks -= is_video(t);
    }
}

static void subscribe_state(const struct participant *p, const char *state, const char *error) {
    char labels[LABELS_MAX];
    snprintf(labels, sizeof(labels), "state=\"%s\",error=\"%s\"", state, error);
    aura_tally_add(p->room->rooms->metrics, SUBSCRIBES, labels, 1);
}

void aura__measure_subscribe(struct subscription *s) {
    struct aura_rooms *r = s->p->room->rooms;
    s->asked_us = aura_now_us(r->clock);
    r->stats.subscriptions++;
    r->stats.video_subscriptions += is_video(s->t);
    subscribe_state(s->p, "attempt", "");
}

void aura__measure_subscribed(struct subscription *s) {
    if (!s->measured) {
        s->measured = true;
        subscribe_state(s->p, "success", "");
        pubsub_time(s->p, s->t, "subscribe", s->asked_us);
    }
}

void aura__measure_stream_started(const struct subscription *s) {
    pubsub_time(s->p, s->t, "subscribe-stream-start", s->asked_us);
}

void aura__measure_unsubscribe(const struct subscription *s) {
    struct aura_rooms *r = s->p->room->rooms;
    r->stats.subscriptions--;
    r->stats.video_subscriptions -= is_video(s->t);
    if (!s->measured) {
        subscribe_state(s->p, "cancel", "");
    }
}

void aura__measure_subscribe_failed(const struct participant *p, const char *why) {
    subscribe_state(p, "failure", why);
}

/* ---- connections and data ---- */

void aura__measure_connection(struct transport *t, enum aura__reached reached) {
    static const char *const names[] = {"", "started", "ice_connected", "connected"};
    const struct aura_rooms *r = t->p->room->rooms;
    while (t->reached < reached) {
        char labels[LABELS_MAX];
        t->reached++;
        snprintf(labels, sizeof(labels), "transport=\"%s\",state=\"%s\"",
                 t->target == LIVEKIT__SIGNAL_TARGET__SUBSCRIBER ? "SUBSCRIBER" : "PUBLISHER",
                 names[t->reached]);
        aura_tally_add(r->metrics, CONNECTIONS, labels, 1);
        if (t->reached == AURA__CONNECTED) {
            aura__measure_operation(r, "peer_connection", NULL);
        }
    }
}

void aura__measure_operation(const struct aura_rooms *r, const char *what, const char *error) {
    char labels[LABELS_MAX];
    snprintf(labels, sizeof(labels), "type=\"%s\",status=\"%s\",error_type=\"%s\"", what,
             error ? "error" : "success", error ? error : "");
    aura_tally_add(r->metrics, OPERATIONS, labels, 1);
}

/* The first part of a MIME type, if it is one that LiveKit counts. */
static const char *class_of(const char *mime) {
    static const char *const known[] = {"text", "image", "application", "audio", "video"};
    size_t len = strcspn(mime, "/");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i]) == len && strncasecmp(known[i], mime, len) == 0) {
            return known[i];
        }
    }
    return "unknown";
}

void aura__measure_data_stream(const struct aura_rooms *r, const Livekit__DataPacket *d) {
    const Livekit__DataStream__Header *h = d->stream_header;
    char labels[LABELS_MAX];
    if (d->value_case != LIVEKIT__DATA_PACKET__VALUE_STREAM_HEADER || !h) {
        return;
    }
    const char *type =
        h->content_header_case == LIVEKIT__DATA_STREAM__HEADER__CONTENT_HEADER_TEXT_HEADER ? "text"
        : h->content_header_case == LIVEKIT__DATA_STREAM__HEADER__CONTENT_HEADER_BYTE_HEADER
            ? "bytes"
            : "unknown";
    snprintf(labels, sizeof(labels), "type=\"%s\",mime_type=\"%s\"", type, class_of(h->mime_type));
    aura_tally_observe(r->metrics, STREAM_DESTINATIONS, labels,
                       (double)d->n_destination_identities);
    if (h->_total_length_case == LIVEKIT__DATA_STREAM__HEADER___TOTAL_LENGTH_TOTAL_LENGTH) {
        aura_tally_observe(r->metrics, STREAM_BYTES, labels, (double)h->total_length);
    }
}
