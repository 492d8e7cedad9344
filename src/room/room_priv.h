/* SPDX-License-Identifier: Apache-2.0 */
/** @file room_priv.h  The objects of src/room and how its files call each other. */
#ifndef AURA_ROOM_ROOM_PRIV_H
#define AURA_ROOM_ROOM_PRIV_H

#include "auraid/name.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "room/arena.h"
#include "room/negotiation.h"
#include "room/rooms.h"

enum {
    SID_LEN = 16,
    SID_CAP = SID_LEN + 1,
    ROOMS_MAX = 100000,
    PARTICIPANTS_MAX = 10000, /* of one room */
    SERVER_IDS_MAX = 4 << 20,
    PENDING_TRACKS_MAX = 20, /* AddTrack requests without media (LiveKit's number) */
    SIGNAL_OUT_MAX = 4 << 20,
    SIGNAL_IN_MAX = 2 << 20,
    SDP_OUT_MAX = 1 << 20,
    TRACK_REQUEST_BYTES_MAX = 16 * 1024, /* of an AddTrack: it is told to everybody */
    PERMISSION_BYTES_MAX = 256 * 1024,   /* of a SubscriptionPermission */
    TRACK_PERMISSIONS_MAX = 1024,
    SOURCES = LIVEKIT__TRACK_SOURCE__SCREEN_SHARE_AUDIO + 1,
    PACE_BURST_S = 10,          /* a rate that is kept for so long may come at once */
    SIGNAL_WEIGHT_BYTES = 4096, /* a longer request counts as several */
    PING_INTERVAL_S = 5,
    PING_TIMEOUT_S = 15,
    PROTOCOL_VERSION = 17, /* 18 would promise negotiated data channels (trap 6) */
};

struct aura_tally;
struct room;
struct series;
struct participant;
struct track;
struct subscription;
struct player;

/** How far a connection ever came. */
enum aura__reached { AURA__NEW, AURA__STARTED, AURA__ICE_CONNECTED, AURA__CONNECTED };

/** One peer connection of a participant. */
struct transport {
    struct participant *p;
    aura_peer_id peer; /* 0 = not there */
    struct aura_neg *neg;
    Livekit__SignalTarget target;
    struct aura_sfu_peer_stats stats; /* newest; peer 0 = none yet */
    bool connected, dead; /* dead: closed by the client, or without consent for too long */
    uint32_t offer_id;    /* of the client's last offer */
    enum aura__reached reached;
    char ufrag[AURA_ICE_UFRAG_LEN + 1];
};

/** How fast something may come (limits.c). */
struct pace {
    uint64_t free_us; /* when all that has come would have been allowed to come */
};

struct aura_session {
    struct aura_rooms *rooms;
    struct participant *p; /* NULL: nothing to resume */
    struct aura_signal_sink sink;
    void *arg;
    bool started, resumed;
    struct pace pace;              /* of what the client says */
    Livekit__JoinRequest *request; /* until the start */
};

/** What a participant may do; from the token, changed by UpdateParticipant. */
struct permission {
    bool subscribe, publish, publish_data, update_metadata, hidden, recorder, agent, metrics;
    uint32_t sources; /* bits of Livekit__TrackSource, 0 = all */
};

/** "These may subscribe to me" (SubscriptionPermission). */
struct allowed {
    bool everyone;
    Livekit__SubscriptionPermission *list; /* NULL with everyone */
};

/** A section that the client sends on and that no AddTrack has named yet. */
struct unclaimed {
    bool used;
    aura_peer_id peer;
    struct aura_neg_pub pub;
};

struct participant {
    struct aura_node node;
    struct room *room;
    char sid[SID_CAP];
    struct aura_claims claims; /* identity, name, metadata and attributes as they are now */
    struct permission may;
    struct allowed allowed;
    Livekit__ParticipantInfo__State state;
    Livekit__ClientInfo *client;
    Livekit__DisconnectReason reason;
    uint64_t joined_wall_us, joined_us, active_us;
    uint32_t version;
    unsigned media_node; /* where it came in, and has its media: of aura_fleet_node() */
    bool plays;          /* nothing but */
    bool pauses;         /* videos for which there is no room */
    bool single, auto_subscribe, announced, closing, counted_join;
    bool was_active;      /* others were told that it joined */
    bool recorded;        /* by the room's wish for everybody who publishes */
    bool dirty;           /* its info changed since the last broadcast */
    bool requirement_out; /* media_sections_requirement sent, no offer yet */
    bool negotiate_queued;
    struct aura_session *session;
    struct transport pub, sub; /* single: only `pub` */
    struct aura_trace *trace;  /* of its join; NULL = none */
    struct aura_list tracks, subs;
    struct aura_list waiting; /* tracks that it has no place for yet (waiting.c), oldest first */
    char auraid[AURA_ID_BYTES_MAX]; /* "" = none */
    struct aura_node same;          /* in the list of those with that AuraID (auraid.c) */
    bool aic_off;                   /* the person has opted out of compression, everywhere */
    size_t track_count;
    struct aura_list data_tracks, data_subs; /* data_track.c */
    size_t data_track_count, data_sub_count;
    struct unclaimed unclaimed[4];
    struct aura_timer join_timer, negotiate_timer, refresh_timer, gone_timer, waiting_timer;
    uint32_t data_seq; /* last reliable message taken from it */
    struct pace data_pace;
    /* Connection quality: what the SFU told since the last look. */
    uint64_t expected, lost, sub_packets, sub_lost;
    uint32_t jitter_us, rtt_us;
    bool measured;
    float score;
    Livekit__ConnectionQuality quality;
    bool quality_sent, quality_dirty, speaker_dirty;
    bool steered;          /* AIC: told to publish AV1 */
    struct player *player; /* NULL = it is none */
    bool native;           /* AIC: neither what it publishes nor what it gets is compressed */
    bool saves;            /* … what weighs least is for it */
    bool hints;            /* AIC: it is told about the tracks that it gets */
};

enum { ENCODINGS_MAX = 2, QUALITY_OFF = -1 };

/** What AI compression does to an encoding (aic_show.c); bytes are sums over all workers. */
struct aic_view {
    bool known; /* `last` is valid */
    struct aura_sfu_aic last, shown;
    uint64_t sent_bytes, native_bytes;
    uint64_t bytes_us;            /* when they were told last */
    char text[AURA_AIC_TEXT_MAX]; /* the attribute's value; "" = none */
};

/** One codec that a track is sent in, on a section of its own. */
struct encoding {
    struct track *t;
    aura_pub_id pub; /* 0 = no media section yet */
    char cid[AURA_NEG_TRACK_ID_MAX + 1];
    char mid[AURA_MEDIA_MID_MAX + 1];
    struct aura_media media;
    size_t stream_count;
    struct aura_sfu_stream streams[AURA_MEDIA_LAYERS_MAX];
    struct aura_sfu_layer layers[AURA_MEDIA_LAYERS_MAX]; /* that have begun */
    size_t layer_count;
    enum aura_codec codec; /* in use, or the most likely one */
    struct aic_view aic;
    uint32_t in_bps;       /* as reported last */
    struct series *series; /* NULL = none yet (series.c) */
};

/** Highest quality that anybody takes of an encoding (dynacast). */
struct wanted {
    bool told;
    int8_t now, said; /* Livekit__VideoQuality or QUALITY_OFF */
};

struct track {
    struct aura_node node;
    struct participant *p;
    char sid[SID_CAP];
    Livekit__AddTrackRequest *request; /* as the client described it */
    bool muted, live;                  /* live: announced and to be had */
    bool told_subscribed;
    struct encoding enc[ENCODINGS_MAX]; /* the main one, and the backup codec */
    bool has_backup;                    /* it was announced (AddTrack with the track's sid) */
    struct wanted wanted[ENCODINGS_MAX];
    struct aura_timer wanted_timer; /* fewer layers are wanted: told when it fires */
    int64_t version_us;
    uint64_t asked_us;     /* when the client wanted to publish it */
    struct aura_list subs; /* struct subscription.track_node */
    struct aura_list waiting;
    float level;
    bool speaking;
    bool hushed;       /* not forwarded: more speak than may be heard */
    uint64_t spoke_us; /* last */
};

struct subscription {
    struct aura_node track_node, node; /* in track->subs, participant->subs */
    struct participant *p;
    struct track *t;
    struct aura_neg_sub *neg;
    aura_sub_id sub; /* 0 = no section yet */
    unsigned enc;    /* that it gets */
    bool allowed;
    uint64_t asked_us; /* when it began */
    bool measured;     /* how long it took is known */
    bool bound;        /* `media` is what was negotiated last */
    struct aura_neg_sub_media media;
    uint8_t quality; /* highest wished for, Livekit__VideoQuality */
    struct aura_sfu_sub_settings settings;
    struct aura_sfu_sub_state state; /* as the SFU said last */
    bool state_known;
    struct aura_sfu_sub_stats stats;
    struct series *series; /* NULL = none yet */
};

struct room {
    struct aura_node node;
    struct aura_rooms *rooms;
    char sid[SID_CAP];
    char *name, *metadata;
    const char *aic; /* what the metadata says of AI compression; NULL = nothing */
    uint64_t created_wall_us, created_us;
    uint32_t empty_timeout_s, departure_timeout_s, max_participants;
    bool closing, recording, had_participants;
    Livekit__RoomEgress *egress; /* what is recorded by itself; NULL = nothing */
    bool sync_streams; /* subscribers get tracks of one stream of a participant in one msid */
    struct aura_playout_range playout; /* of video in it */
    struct aura_list participants;
    struct aura_list dispatches; /* agents that are wanted (agents_dispatch.c) */
    struct aura_map *by_identity;
    struct aura_list kept; /* reliable messages of the last seconds (replay.c) */
    size_t kept_bytes;
    struct aura_timer close_timer, update_timer, info_timer, quality_timer, audible_timer;
    struct aura_timer player_timer;
    size_t players; /* participants who are */
    size_t data_track_count;
    uint16_t data_handle; /* the last one given to a data track */
    bool info_dirty;
    bool savers;       /* somebody in it wants what weighs least */
    uint32_t spenders; /* … and who sees something and does not; counted to two */
    uint32_t takers;   /* who may see something, and has not opted out; counted to two */
};

struct aura_rooms {
    struct aura_rooms_conf conf;
    struct aura_loop *loop;
    struct aura_timers *timers;
    const struct aura_clock *clock;
    struct aura_sfu *sfu;              /* ours */
    struct aura_fleet_reach reach;     /* … and those of other nodes */
    struct aura_map *by_name, *by_sid; /* rooms; participants */
    struct aura_map *by_auraid;        /* people: auraid.c */
    struct aura_map *peers, *pubs, *sub_ids;
    struct aura_list rooms;
    struct aura_rooms_stats stats;
    struct aura_tally *metrics; /* measure.c */
    struct aura_list workers;   /* struct aura_worker */
    size_t worker_count;
    struct aura_list rpcs; /* that we wait for (rpc.c) */
    size_t rpc_count;
    size_t series_count;
    struct aura_buf out; /* scratch for packing */
    struct {
        struct aura_timer timer;
        uint64_t seen, seen_us; /* by the SFU so far, and when it was asked */
        uint64_t per_s;         /* since the time before */
    } bytes;
    bool draining;
};

/* What a log line is about, under the same names in all of them (docs/operating.md). */
#define LOG_ROOM(r) AURA_S("room", (r)->name), AURA_S("room_sid", (r)->sid)
#define LOG_WHO(p)                                                                                 \
    LOG_ROOM((p)->room), AURA_S("participant", (p)->claims.identity),                              \
        AURA_S("participant_sid", (p)->sid)
#define LOG_TRACK(t) LOG_WHO((t)->p), AURA_S("track_sid", (t)->sid)

/* ---- about.c ---- */
/** @param t  NULL = of no track */
void aura__about(const struct participant *p, const struct track *t, struct aura_sfu_about *out);

/* ---- ids.c, arena use ---- */
void aura__sid(struct aura_rand *r, const char *prefix, char out[SID_CAP]);
/** A deep copy of a message. @return NULL without memory */
void *aura__pb_copy(const void *message);
void aura__pb_free(void *message);

/* ---- limits.c ---- */
/** May somebody join who is not there yet? If not, *d says why. */
bool aura__limits_admit(const struct aura_rooms *r, bool new_room, struct aura_denial *d);
/** Measures the server's bytes a second while there is a limit of them. */
void aura__limits_watch(struct aura_rooms *r);
/** Something of that weight has come. @param rate  a second, 0 = any. @return false if too much */
bool aura__pace_take(struct pace *p, uint32_t rate, uint32_t weight, uint64_t now_us);

/* ---- room.c ---- */
AURA_NODISCARD int aura__room_get(struct aura_rooms *r, const char *name, bool create,
                                  const Livekit__CreateRoomRequest *wish, struct room **out);
struct room *aura__room_find(const struct aura_rooms *r, const char *name);
/** Everybody out, then freed. */
void aura__room_close(struct room *room, Livekit__DisconnectReason reason);
/** Starts or stops the timer that ends an empty room. */
void aura__room_check_empty(struct room *room);
Livekit__Room *aura__room_info(struct aura__arena *a, const struct room *room);
struct participant *aura__room_participant(const struct room *room, const char *identity);
size_t aura__room_count(const struct room *room, bool publishers);

/* ---- auto_egress.c ---- */
/** Of what the room shall be like. @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura__auto_egress_keep(struct room *room,
                                          const Livekit__CreateRoomRequest *wish);
void aura__auto_egress_forget(struct room *room);
/** The room began; a track was published. */
void aura__auto_egress_room(const struct room *room);
void aura__auto_egress_track(struct track *t);

/* ---- participant.c ---- */
AURA_NODISCARD int aura__participant_new(struct room *room, const struct aura_join *join,
                                         struct participant **out);
/** Leaves the room: tells the others, closes its connections and its session, frees it. */
void aura__participant_leave(struct participant *p, Livekit__DisconnectReason reason,
                             Livekit__LeaveRequest__Action action);
Livekit__ParticipantInfo *aura__participant_info(struct aura__arena *a,
                                                 const struct participant *p);
Livekit__ParticipantPermission *aura__permission_info(struct aura__arena *a,
                                                      const struct participant *p);
/** Livekit__ParticipantInfo__Kind. */
int aura__participant_kind(const struct participant *p);
Livekit__TrackInfo *aura__track_info(struct aura__arena *a, const struct track *t);
void aura__send(struct participant *p, const Livekit__SignalResponse *m);
void aura__send_leave(struct participant *p, Livekit__DisconnectReason reason,
                      Livekit__LeaveRequest__Action action);
void aura__send_refresh_token(struct participant *p);
void aura__participant_active(struct participant *p);
/** Metadata, name and attributes; NULL or "" = unchanged. @return 0 or AURA_ELIMIT, AURA_ENOMEM,
 * AURA_EPOLICY (attributes that only the server gives); then nothing is changed */
struct aura__change {
    const char *name, *metadata;
    size_t attribute_count;
    const char *const *keys, *const *values;
};
AURA_NODISCARD int aura__participant_change(struct participant *p, const struct aura__change *c);
void aura__participant_permit(struct participant *p, const struct permission *may);

/* ---- connect.c ---- */
AURA_NODISCARD int aura__connect_open(struct participant *p);
/** It may subscribe now, and joined without that right: the second connection is made. */
void aura__connect_subscriber(struct participant *p);
void aura__connect_close(struct participant *p);
void aura__connect_offer(struct participant *p, const Livekit__SessionDescription *d);
void aura__connect_answer(struct participant *p, const Livekit__SessionDescription *d);
void aura__connect_trickle(struct participant *p, struct transport *t);
/** Subscriptions changed: negotiates once, at the end of this turn. */
void aura__connect_negotiate(struct participant *p);
void aura__connect_resume(struct participant *p);
void aura__connect_state(struct transport *t, enum aura_pc_state state);
struct transport *
aura__connect_down(struct participant *p); /* that carries subscriptions and data */

/* ---- publish.c ---- */
void aura__publish_request(struct participant *p, const Livekit__AddTrackRequest *q);
void aura__publish_options(struct participant *p, const struct aura_neg_offered *offered,
                           struct aura_neg_pub_options *out);
/** What the SFU has to know of it changed. */
void aura__publish_renew(struct track *t);
/** The room's metadata is new. */
void aura__aic_room_changed(struct room *room);
/** AI compression (aic.c): "on", "off" or "saver", of who said it first: the participant's
 * attribute, the room's metadata, the configuration. */
const char *aura__aic_says(const struct participant *p);
/** May it touch this participant's media, either way? */
bool aura__aic_wanted(const struct participant *p);
/** What weighs least is to be made for it. */
bool aura__aic_saves(const struct participant *p);
/** Do all others who see what it publishes want what weighs least? */
bool aura__aic_all_save(const struct participant *p);
/** Is there anybody else to whom compressed media of it may go? */
bool aura__aic_has_takers(const struct participant *p);
/** Participants came, went, or think otherwise now. */
void aura__aic_count(struct room *room);
/** Is what it sends in this codec held at a rate rather than compressed? */
bool aura__aic_governs(const struct participant *p, enum aura_codec codec);
/** Is it to publish AV1 (JoinResponse.enabled_publish_codecs)? Asked once, when it joins. */
bool aura__aic_steers(const struct participant *p, const struct aura_join *join);
/** The participant's attributes may say something else now. */
void aura__aic_changed(struct participant *p);
/** It asked for messages about compression (aic_show.c). */
bool aura__aic_hints_wanted(const struct participant *p);
void aura__aic_report(struct encoding *e, const struct aura_sfu_aic *report);
/** The encoding ends. */
void aura__aic_forget(struct encoding *e);
/**
 * Attributes that show the compression of its tracks, at most one for each track.
 * @param room_bytes  that they may take
 * @return how many were put into @p list
 */
size_t aura__aic_attributes(struct aura__arena *a, const struct participant *p, size_t room_bytes,
                            Livekit__ParticipantInfo__AttributesEntry **list);
/** An attribute by which a participant says what it wants of AI compression. */
bool aura__aic_attribute_is_wish(const char *key);

/* ---- auraid.c ---- */
/** Gives it its AuraID, made now if it has none. Without one it joins all the same. */
void aura__auraid_take(struct participant *p, struct aura_trace *trace);
/** It has none any more. */
void aura__auraid_forget(struct participant *p);
/** Its attribute, if it has one that fits. @return 0 or 1 put into @p list */
size_t aura__auraid_attributes(struct aura__arena *a, const struct participant *p,
                               size_t room_bytes, Livekit__ParticipantInfo__AttributesEntry **list);

/* ---- publish.c ---- */
void aura__publish_section(struct participant *p, aura_peer_id peer,
                           const struct aura_neg_pub *pub);
/** A new track takes a section that was offered before. */
void aura__publish_claim(struct participant *p, struct track *t);
void aura__publish_section_gone(struct participant *p, const char *mid);
void aura__publish_layer(struct encoding *e, const struct aura_sfu_layer *layer);
void aura__publish_mute(struct track *t, bool muted);
void aura__publish_end(struct track *t, bool announce);
/** A list of sources as bits, 0 = all. Numbers that we do not know count as UNKNOWN, as in tokens:
 * a list of nothing else must not become one that allows all. */
uint32_t aura__publish_sources(const Livekit__TrackSource *list, size_t n);
bool aura__publish_allowed(const struct participant *p, Livekit__TrackSource source);
/** Its stream, "camera" or "screen" as a rule. */
const char *aura__track_stream(const struct track *t);
struct track *aura__track_by_sid(const struct participant *p, const char *sid);
/** The encoding that an SFU id belongs to, or NULL. */
struct encoding *aura__encoding_of(const struct aura_rooms *r, aura_pub_id pub);

/* ---- dynacast.c ---- */
/** Who takes what of the track may have changed: tells the publisher. */
void aura__dynacast(struct track *t);
/** Its sections were answered anew, or it went live: tells again what is wanted. */
void aura__dynacast_repeat(struct track *t);

/* ---- streams.c ---- */
void aura__stream_started(struct subscription *s);
void aura__stream_state(struct subscription *s, const struct aura_sfu_sub_state *state);

/* ---- subscribe.c ---- */
/** All live tracks of the room, for one that subscribes by itself. */
void aura__subscribe_all(struct participant *p);
/** A track became live: everybody who subscribes by himself gets it. */
void aura__subscribe_everybody(struct track *t);
void aura__subscribe(struct participant *p, struct track *t);
void aura__unsubscribe(struct subscription *s);
void aura__subscribe_request(struct participant *p, const Livekit__UpdateSubscription *q);
void aura__subscribe_settings(struct participant *p, const Livekit__UpdateTrackSettings *q);
void aura__subscribe_permission(struct participant *p, const Livekit__SubscriptionPermission *q);
/** May it get this track of the publisher, a data track too? */
bool aura__subscribe_permitted(const struct participant *p, const struct participant *publisher,
                               const char *track_sid);
void aura__subscribe_recheck(struct participant *publisher);
void aura__subscribe_ready(struct subscription *s, const struct aura_neg_sub_media *m);
void aura__subscribe_lost(struct subscription *s);
/** What the track is also sent in, or is once somebody needs it; AURA_CODEC_NONE = nothing. */
enum aura_codec aura__backup_codec(const struct track *t);
/** A backup codec has arrived: whoever waits for it gets it. */
void aura__subscribe_backup(struct track *t);
void aura__subscribe_backup_gone(struct track *t);
void aura__subscribe_unsupported(struct subscription *s);
struct subscription *aura__subscription_find(const struct participant *p, const struct track *t);
/** Can it be sent to whoever negotiated this? RED can be where Opus is. */
bool aura__media_takes(const struct aura_media *m, enum aura_codec codec);

/* ---- waiting.c ---- */
/** It has as many tracks of the kind as it may have at a time; what it may not see takes no place.
 */
bool aura__waiting_full(const struct participant *p, const struct track *t);
/** It gets the track when it has a place, unless it waits already. */
void aura__waiting_add(struct participant *p, struct track *t);
bool aura__waiting_is(const struct participant *p, const struct track *t);
void aura__waiting_drop(struct participant *p, const struct track *t);
/** It leaves, or may not subscribe any more. */
void aura__waiting_forget(struct participant *p);
void aura__waiting_track_ends(struct track *t);
/** A place may be free: whoever has waited longest gets it, in a moment. */
void aura__waiting_soon(struct participant *p);

/* ---- broadcast.c ---- */
/** Its info changed. @param now  to all at once; else with the next batch */
void aura__broadcast(struct participant *p, bool now);
/** Others learn that it left. */
void aura__broadcast_gone(struct participant *p);
/** It is hidden from now on: to others, who must not learn why, it has left. */
void aura__broadcast_hidden(struct participant *p);
/** All participants to one (resume). */
void aura__broadcast_all_to(struct participant *to);
void aura__broadcast_room(struct room *room, bool now);

/* ---- meters.c ---- */
void aura__meters_levels(struct aura_rooms *r, const struct aura_sfu_level *levels, size_t count);
void aura__meters_pub(struct track *t, const struct aura_sfu_pub_stats *s);
void aura__meters_sub(struct subscription *s, const struct aura_sfu_sub_stats *stats);
void aura__meters_start(struct room *room);

/* ---- data.c ---- */
void aura__data_receive(struct participant *p, enum aura_data_channel channel, const uint8_t *data,
                        size_t len);
AURA_NODISCARD int aura__data_from_server(struct room *room, const Livekit__SendDataRequest *q);

bool aura__data_wanted(const struct participant *p, const Livekit__DataPacket *d);

/* ---- data_track.c ---- */
void aura__data_track_publish(struct participant *p, const Livekit__PublishDataTrackRequest *q);
void aura__data_track_unpublish(struct participant *p, const Livekit__UnpublishDataTrackRequest *q);
void aura__data_track_subscribe(struct participant *p, const Livekit__UpdateDataSubscription *q);
/** A publisher allows others than before. */
void aura__data_track_recheck(struct participant *publisher);
/** It leaves or may not publish data any more. Others learn of it by the next broadcast. */
void aura__data_tracks_end(struct participant *p);
/** It leaves or may not subscribe any more. */
void aura__data_subs_end(struct participant *p);
void aura__data_tracks_info(struct aura__arena *a, const struct participant *p,
                            Livekit__ParticipantInfo *info);
/** @return false: it could not be read, belongs to no track of its, or was too much */
bool aura__data_track_packet(struct participant *p, const uint8_t *data, size_t len);

/* ---- rpc.c ---- */
/** @return true if it answers a call of ours, and is nobody else's business */
bool aura__rpc_receive(struct participant *p, const Livekit__DataPacket *d);
/** It leaves: calls to it end. */
void aura__rpc_gone(struct participant *p);

/* ---- wishes.c ---- */
const Livekit__RoomConfiguration *aura__wish_preset(const struct aura_rooms *r, const char *name);
/**
 * What a room shall be like: the request's own values, then those of its preset.
 * @return NULL with *err AURA_EINVAL (no such preset) or AURA_ENOMEM; free with aura__pb_free()
 */
Livekit__CreateRoomRequest *aura__wish_of_request(const struct aura_rooms *r,
                                                  const Livekit__CreateRoomRequest *q, int *err);
/** The same from a token. */
Livekit__CreateRoomRequest *aura__wish_of_join(const struct aura_rooms *r,
                                               const struct aura_join *join, int *err);
/** The playout delay of a new room. @param wish  NULL = none */
struct aura_playout_range aura__wish_playout(const struct aura_rooms *r,
                                             const Livekit__CreateRoomRequest *wish);
/** The API asks again for a room that is there: what it says is taken. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura__wish_renew(struct room *room, const Livekit__CreateRoomRequest *q);

/* ---- replay.c ---- */
/** @param bytes  the packed message; copied */
void aura__replay_keep(struct room *room, const char *sender_sid, uint32_t sequence,
                       const uint8_t *bytes, size_t len);
/** Sends what a participant has missed, as it says on resuming. */
void aura__replay_to(struct participant *p, const Livekit__SyncState *q);
void aura__replay_clear(struct room *room);

/* ---- audible.c ---- */
/** Levels of the room's tracks changed: lets those be heard who speak. */
void aura__audible_update(struct room *room);
/** A track went live: heard if there is a place. */
void aura__audible_add(struct track *t);

/* ---- notify.c ---- */
void aura__notify_room(struct room *room, const char *event, Livekit__RoomEndReason why);
void aura__notify_participant(struct participant *p, const char *event);
void aura__notify_track(struct track *t, const char *event);

void aura__notify_job(struct room *room, const char *event, Livekit__Job *job);

/* ---- agents_*.c ---- */
/** The room's dispatches, as it was wished or the usual one. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura__agents_room_started(struct room *room,
                                             const Livekit__CreateRoomRequest *wish);
/** Somebody is active or publishes now: jobs may be missing. */
void aura__agents_changed(struct room *room);
/** Somebody leaves: jobs about them end; an agent whose worker is gone too is replaced. */
void aura__agents_left(struct participant *p);
/** All jobs end. */
void aura__agents_room_ends(struct room *room);

/* ---- session.c ---- */
void aura__respond(struct participant *p, uint32_t request_id,
                   Livekit__RequestResponse__Reason reason, const char *text);

#endif
