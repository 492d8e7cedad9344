/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rooms.h  All rooms of a server: who is in them, what they publish and who gets it.
 *
 * Threading: control thread. It speaks LiveKit's signalling as protobuf bytes through a sink that
 * the owner of the WebSocket gives, and drives the SFU; it knows neither HTTP nor sockets.
 */
#ifndef AURA_ROOM_ROOMS_H
#define AURA_ROOM_ROOMS_H

#include "auraid/name.h"
#include "base/buf.h"
#include "fleet/fleet.h"
#include "livekit_room.pb-c.h"
#include "livekit_rtc.pb-c.h"
#include "livekit_webhook.pb-c.h"
#include "net/loop.h"
#include "room/token.h"
#include "room/trace.h"
#include "room/turn.h"
#include "sfu/sfu.h"

struct aura_rooms;
struct aura_session;

/** Something happened that an operator may want to know. The message is borrowed until it returns;
 * events of one room come in their order. */
typedef void(aura_rooms_event_fn)(void *arg, const char *room, const Livekit__WebhookEvent *event);

/** room.room_configurations: a name for how rooms are to be. */
struct aura_room_preset {
    const char *name;
    const Livekit__RoomConfiguration *config;
};

/** Something that a room's configuration wants recorded: one of the three. Borrowed. */
struct aura_rooms_egress {
    const char *room, *room_sid;
    const Livekit__RoomCompositeEgressRequest *composite; /* the room began */
    const Livekit__AutoParticipantEgress *participant; /* `identity` publishes for the first time */
    const char *identity, *participant_sid;            /* not of `composite` */
    const Livekit__AutoTrackEgress *track;             /* `track_sid` was published */
    const char *track_sid;
};
typedef void(aura_rooms_egress_fn)(void *arg, const struct aura_rooms_egress *wish);

struct aura_rooms_conf {
    const struct aura_keys *keys; /* outlives the rooms */
    const char *node_id, *region; /* borrowed for the life of the rooms; region may be "" */
    const char *version;          /* of LiveKit that we speak as: plain semver (trap 5) */
    bool auto_create;             /* rooms come into being when somebody joins */
    bool enable_remote_unmute;
    bool no_data_tracks;               /* nobody may publish any */
    bool no_pause;                     /* videos without room go on; of who does not say */
    bool sync_streams;                 /* in all rooms */
    struct aura_playout_range playout; /* of rooms that don't say */
    uint32_t max_participants;         /* of rooms that don't say; 0 = no limit */
    uint32_t empty_timeout_s, departure_timeout_s;
    uint32_t codecs; /* bit per enum aura_codec; 0 = all that we know */
    size_t max_metadata_bytes, max_attributes_bytes; /* 0 = LiveKit's defaults */
    size_t max_name_length, max_identity_length, max_room_name_length;
    uint32_t max_tracks; /* published by one participant; 0 = 64 */
    /* Of the whole server, 0 = no limit; at the limit joins are refused. */
    uint32_t max_rooms, max_server_participants, max_server_tracks;
    uint32_t max_bytes_per_s; /* of the whole server, in and out; 0 = no limit: as above */
    uint32_t publisher_kbps;  /* that a participant may send; 0 = no limit */
    uint32_t max_sub_video, max_sub_audio; /* subscribed tracks of a participant; 0 = no limit */
    /* Of one participant, messages a second, 0 = no limit: signalling above it ends the connection,
     * data above it is dropped. */
    uint32_t signal_rate, data_rate;
    uint32_t max_audible;    /* microphones forwarded at a time in a room; 0 = all */
    bool aic;                /* media may be compressed by AI Core … */
    bool aic_audio;          /* … sound too */
    bool aic_governs;        /* … is not, but is held at the rate that AI Core recommends */
    bool aic_steers;         /* who can encode AV1 is told to, and governed */
    const char *aic_default; /* "on", "off", "saver": for who says nothing; NULL = on */
    const char *dump_of;     /* identity whose media is dumped; NULL = everybody's */
    const char *const *stun_servers; /* "host:port" or URLs, for JoinResponse.ice_servers */
    size_t stun_server_count;
    const struct aura_turn_server *turn_servers; /* the same; borrowed for the life of the rooms */
    size_t turn_server_count;
    /* Rooms that tokens (roomPreset) and CreateRoom (room_preset) name; borrowed. */
    const struct aura_room_preset *presets;
    size_t preset_count;
    /* May a room be made here? NULL = always. False where another node owns it, or none yet. */
    bool (*may_open)(void *arg, const char *room);
    void *may_open_arg;
    aura_rooms_event_fn *on_event; /* NULL = nobody listens */
    void *on_event_arg;
    bool full_room_in_events;        /* in those about tracks too */
    aura_rooms_egress_fn *on_egress; /* NULL = nothing is recorded */
    void *on_egress_arg;
    struct aura_directory *directory; /* of AuraIDs; NULL = nobody gets one. Borrowed */
    struct aura_rand *rand;
};

/** @return 0, AURA_ENOMEM. The SFU is given by aura_rooms_attach() before anybody joins. */
AURA_NODISCARD int aura_rooms_new(struct aura_rooms **rp, const struct aura_rooms_conf *conf,
                                  struct aura_loop *loop);
/** Frees everything; sessions that are still open are forgotten without a word. Returns NULL. */
struct aura_rooms *aura_rooms_free(struct aura_rooms *r);
/** Handlers for aura_sfu_new(), with the rooms as argument. */
const struct aura_sfu_handlers *aura_rooms_sfu_handlers(void);
/**
 * Takes what may change while rooms are open from @p conf: auto_create, enable_remote_unmute,
 * no_data_tracks, and
 * for rooms and joins to come max_participants, the timeouts, sync_streams, playout and
 * the limits.
 */
void aura_rooms_change(struct aura_rooms *r, const struct aura_rooms_conf *conf);
void aura_rooms_attach(struct aura_rooms *r, struct aura_sfu *sfu);
/** Who came in at another node has media there. Before anybody joins; NULL = all media is here. */
void aura_rooms_spread(struct aura_rooms *r, struct aura_fleet *fleet);

/** The same text as a constant if it is a wish for AI compression: "on", "off", "saver"; or NULL.
 */
const char *aura_rooms_aic_says(const char *text);

/** Why a request was refused, as LiveKit answers it. */
struct aura_denial {
    int status; /* HTTP */
    char text[200];
};

/** A player (WHEP) gets the tracks of one publisher, or those of who speaks, in one sound and one
 * picture that its only offer has sections for. */
struct aura_play {
    const char *publisher; /* identity, who may come later; NULL = whoever speaks */
};

struct aura_join {
    const struct aura_play
        *play; /* NULL = an ordinary participant. With it: `single`, offer given */
    const struct aura_claims *claims;
    const Livekit__JoinRequest *request; /* of /rtc/v1, or made from the query of /rtc */
    bool single;                         /* one peer connection (v1) */
    const char *user_agent;              /* of the HTTP request; NULL = none */
    const char *near;                    /* id of the node where it came in; NULL = here */
    /* The token's roomConfig, for a room that this join makes; NULL = none. */
    const Livekit__RoomConfiguration *config;
    /* NULL or a trace of this join, which a new participant takes (then *trace is NULL). */
    struct aura_trace **trace;
};

/** What the token has to say, whatever node the room is on. @return as aura_rooms_check() */
AURA_NODISCARD int aura_rooms_check_claims(const struct aura_rooms *r, const struct aura_join *join,
                                           struct aura_denial *denial);
/** All checks of a join, without joining (/rtc/validate). @return 0 or an error with *denial filled
 */
AURA_NODISCARD int aura_rooms_check(struct aura_rooms *r, const struct aura_join *join,
                                    struct aura_denial *denial);

/** The way back to the client. */
struct aura_signal_sink {
    void (*send)(void *arg, const uint8_t *message, size_t len);
    void (*close)(void *arg, int code, const char *reason); /* after what was sent has left */
};
/** Joins, or resumes (request->reconnect). Nothing is sent before aura_session_start(). */
AURA_NODISCARD int aura_rooms_join(struct aura_rooms *r, const struct aura_join *join,
                                   struct aura_session **session, struct aura_denial *denial);
/** The WebSocket is open: the first message goes out. */
void aura_session_start(struct aura_session *s, const struct aura_signal_sink *sink, void *arg);
/** One binary SignalRequest. @return 0; or AURA_EMALFORMED, AURA_ELIMIT (too many in a second): the
 * connection should be closed */
AURA_NODISCARD int aura_session_recv(struct aura_session *s, const uint8_t *data, size_t len);
/** Whose it is, for the log; all empty without a participant. */
void aura_session_about(const struct aura_session *s, struct aura_sfu_about *out);
/** The WebSocket is gone (or never came up): frees the session; the participant may resume. */
void aura_session_closed(struct aura_session *s);

/** A webhook event about a recording, in order with the room's others; @p room may have ended.
 * @param info  borrowed; NULL = there was no memory for it, the event counts as lost */
void aura_rooms_tell_egress(struct aura_rooms *r, const char *room, const char *event,
                            Livekit__EgressInfo *info);

/** Is there such a room? */
bool aura_rooms_has(const struct aura_rooms *r, const char *room);
/** Another node owns the room now: everybody is told to come back, and it ends. */
void aura_rooms_moved(struct aura_rooms *r, const char *room);
/** Tells everybody to go elsewhere and takes nobody new. */
void aura_rooms_drain(struct aura_rooms *r);
bool aura_rooms_draining(const struct aura_rooms *r);

struct aura_rooms_stats {
    size_t rooms, participants, tracks, subscriptions;
    size_t video_tracks, video_subscriptions; /* of those */
    size_t agent_workers;                     /* connected */
    uint64_t joins, joins_refused, resumes, bad_signals, signals_in, signals_out, data_in,
        data_refused;
    uint64_t joins_canceled, joins_failed; /* that never came to connected media, by whose doing */
    size_t aic_tracks[AURA_AIC_STATES];    /* now, by enum aura_aic_state */
    uint64_t events_lost;                  /* not told for want of memory */
    uint64_t auraids, auraids_new;         /* joins that got one, and for whom it was made */
    uint64_t join_ms_count, join_ms_sum;
    uint64_t join_ms_bucket[10]; /* from join to connected media; see aura_rooms_join_bounds */
};
extern const uint32_t aura_rooms_join_bounds_ms[10]; /* upper bounds; the last one is UINT32_MAX */
void aura_rooms_stats(const struct aura_rooms *r, struct aura_rooms_stats *out);
/** How many participants are that person now, here; an AuraID may be in several rooms. */
size_t aura_rooms_person_count(const struct aura_rooms *r, const struct aura_id *id);
/** The person wants no AI compression, or wants it again: so it is at once. */
void aura_rooms_person_changed(struct aura_rooms *r, const struct aura_id *id, bool aic_off);
/** Who is here goes on without an AuraID. */
void aura_rooms_person_deleted(struct aura_rooms *r, const struct aura_id *id);
/** As configured. Borrowed for the life of the rooms. */
const char *aura_rooms_node_id(const struct aura_rooms *r);
/** LiveKit's histograms and counters of sessions and tracks, see aura_tally_write(). */
void aura_rooms_write_metrics(const struct aura_rooms *r, const char *common, struct aura_buf *out);

/** One subscription as it is now. Strings are borrowed until the callback returns. */
struct aura_rooms_sub_view {
    const char *subscriber, *publisher, *track_sid, *codec; /* identities; MIME type */
    bool video, bound, wished_off;
    int wished_quality;                     /* Livekit__VideoQuality */
    const struct aura_sfu_sub_state *state; /* NULL: nothing is known yet */
    const struct aura_sfu_sub_stats *stats; /* of the last five seconds */
};
/** What one participant's connection can carry. */
struct aura_rooms_link_view {
    const char *identity;
    const struct aura_sfu_peer_stats *stats;
};
/**
 * Shows a room for people who look for the reason of something. Either callback may be NULL.
 * Also has the SFU report anew, for the next look. @return 0 or AURA_ENOENT
 */
AURA_NODISCARD int
aura_rooms_inspect(struct aura_rooms *r, const char *room,
                   void (*link)(void *arg, const struct aura_rooms_link_view *view),
                   void (*sub)(void *arg, const struct aura_rooms_sub_view *view), void *arg);

/** What AI compression does to one track. Strings are borrowed until the callback returns. */
struct aura_rooms_aic_view {
    const char *room, *publisher, *track_sid, *codec; /* MIME type as published */
    const char *publisher_sid;
    uint64_t sent_bytes, native_bytes; /* on the wire since it began, see struct aura_sfu_aic */
    uint64_t bytes_us;                 /* when that was counted */
    unsigned viewers;                  /* that get AI Core's frames */
    const struct aura_sfu_aic *last;
};
typedef void(aura_rooms_aic_fn)(void *arg, const struct aura_rooms_aic_view *view);
/** All tracks that AI Core has to do with, of one room or (NULL) of all. Also has the SFU report
 * anew, for the next look. @return 0 or AURA_ENOENT */
AURA_NODISCARD int aura_rooms_inspect_aic(struct aura_rooms *r, const char *room,
                                          aura_rooms_aic_fn *fn, void *arg);

/*
 * RoomService. Grants are the caller's to check. Answers are allocated with aura_pb_allocator() and
 * freed with protobuf_c_message_free_unpacked(); @return 0 or an error that aura_err_twirp() names.
 */
ProtobufCAllocator *aura_pb_allocator(void);
/** A deep copy with that allocator. @return NULL without memory */
ProtobufCMessage *aura_pb_copy(const ProtobufCMessage *message);
AURA_NODISCARD int aura_rooms_create_room(struct aura_rooms *r, const Livekit__CreateRoomRequest *q,
                                          Livekit__Room **out);
AURA_NODISCARD int aura_rooms_list_rooms(struct aura_rooms *r, const Livekit__ListRoomsRequest *q,
                                         Livekit__ListRoomsResponse **out);
AURA_NODISCARD int aura_rooms_delete_room(struct aura_rooms *r, const char *name);
AURA_NODISCARD int aura_rooms_list_participants(struct aura_rooms *r, const char *room,
                                                Livekit__ListParticipantsResponse **out);
/** Without the information, and without allocating. */
bool aura_rooms_is_in(const struct aura_rooms *r, const char *room, const char *identity);
AURA_NODISCARD int aura_rooms_get_participant(struct aura_rooms *r, const char *room,
                                              const char *identity, Livekit__ParticipantInfo **out);
AURA_NODISCARD int aura_rooms_remove_participant(struct aura_rooms *r, const char *room,
                                                 const char *identity);
AURA_NODISCARD int aura_rooms_mute_track(struct aura_rooms *r,
                                         const Livekit__MuteRoomTrackRequest *q,
                                         Livekit__TrackInfo **out);
AURA_NODISCARD int aura_rooms_update_participant(struct aura_rooms *r,
                                                 const Livekit__UpdateParticipantRequest *q,
                                                 Livekit__ParticipantInfo **out);
AURA_NODISCARD int aura_rooms_update_subscriptions(struct aura_rooms *r,
                                                   const Livekit__UpdateSubscriptionsRequest *q);
AURA_NODISCARD int aura_rooms_send_data(struct aura_rooms *r, const Livekit__SendDataRequest *q);
enum {
    AURA_RPC_APPLICATION_ERROR = 1500, /* LiveKit's built-in codes */
    AURA_RPC_CONNECTION_TIMEOUT = 1501,
    AURA_RPC_RESPONSE_TIMEOUT = 1502,
    AURA_RPC_RECIPIENT_DISCONNECTED = 1503,
};
/** How a call ended. Strings are borrowed until the callback returns. */
struct aura_rpc_result {
    int err; /* 0: see payload */
    const char *payload;
    uint32_t code; /* of the error, as RPC counts them */
    const char *message, *data;
};
typedef void(aura_rooms_rpc_fn)(void *arg, const struct aura_rpc_result *result);
/** Calls a method of a participant. @return 0: @p fn will be called once; or AURA_ENOENT,
 * AURA_EINVAL (no method, payload too long), AURA_ELIMIT, AURA_ENOMEM: it will not */
AURA_NODISCARD int aura_rooms_perform_rpc(struct aura_rooms *r, const Livekit__PerformRpcRequest *q,
                                          aura_rooms_rpc_fn *fn, void *arg);
AURA_NODISCARD int aura_rooms_update_metadata(struct aura_rooms *r, const char *room,
                                              const char *metadata, Livekit__Room **out);

#endif
