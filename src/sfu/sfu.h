/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sfu.h  The SFU as the control thread sees it: peers, published tracks, subscribed tracks,
 * data.
 *
 * Threading: every function and every handler runs on the control thread. Calls become messages to
 * the media worker that owns the peer; they are carried out in order. Ids are chosen here, never
 * reused, and stay valid after the object is gone (calls on them then do nothing): so no call can
 * race with an event.
 */
#ifndef AURA_SFU_SFU_H
#define AURA_SFU_SFU_H

#include "aic/machine.h"
#include "auralink/aic.h"
#include "cc/alloc.h"
#include "cc/bwe.h"
#include "net/addr.h"
#include "net/loop.h"
#include "rtp/media.h"
#include "rtp/playout.h"
#include "transport/pc.h"

struct aura_aic_core;
struct aura_dump;
struct aura_sfu;

struct aura_sfu_conf {
    size_t workers;               /* 0 = one per core */
    uint16_t udp_port;            /* worker i binds udp_port + i; 0 = any free ports */
    bool single_port;             /* all workers on udp_port, which hand over what is another's */
    uint16_t tcp_port;            /* ICE-TCP; 0 = off */
    const struct aura_addr *bind; /* addresses to bind (port ignored), v4 and v6; none = all */
    size_t bind_count;
    const struct aura_addr
        *advertise; /* addresses for candidates; none = bound or interface addresses */
    size_t advertise_count;
    bool loopback;                           /* offer loopback addresses as candidates too */
    size_t nack_ring_video, nack_ring_audio; /* packets kept for retransmission; 0 = 512, 256 */
    uint32_t
        pli_throttle_us[AURA_MEDIA_LAYERS_MAX]; /* per layer, low first; 0 = 500 ms, 1 s, 1 s */
    uint32_t audio_update_us;                   /* 0 = 400 ms */
    uint8_t audio_active_level;                 /* -dBov; 0 = 35 */
    uint8_t audio_min_percentile;               /* 0 = 40 */
    const struct aura_clock *clock;
    struct aura_rand *rand;
    struct aura_aic_core *aic; /* AI Core; NULL = none. Borrowed, must outlive the SFU */
    float aic_target_quality;  /* VMAF against what came in; 0 = as AI Core thinks best */
    float aic_saver_quality;   /* … where all who see it want least bytes */
    float aic_min_quality;     /* what AI Core predicts to come out worse stays native; 0 = none */
    struct aura_dump *dump;    /* unencrypted media goes there too (dump.h); NULL = no. Borrowed */
};

typedef uint64_t aura_peer_id; /* 0 is never one */
typedef uint64_t aura_pub_id;
typedef uint64_t aura_sub_id;

/** A stream (simulcast layer) of a published track that has begun to arrive. */
struct aura_sfu_layer {
    enum aura_codec codec;
    uint8_t pt;
    uint32_t ssrc, rtx_ssrc;
    char rid[AURA_MEDIA_RID_MAX + 1]; /* "" where there is only one */
};

struct aura_sfu_level {
    aura_pub_id pub;
    float level; /* linear, 0..1, smoothed */
    bool active;
};

/** Totals since the track began; `interval` values are since the previous report. */
struct aura_sfu_pub_stats {
    aura_pub_id pub;
    uint64_t packets, bytes, packets_lost, packets_repaired, nacks_sent, plis_sent, frames,
        key_frames;
    uint32_t interval_packets, interval_expected, interval_lost, interval_reordered;
    uint32_t jitter_us, rtt_us, bitrate_bps;
    uint8_t layers_active; /* bit per layer */
};
struct aura_sfu_sub_stats {
    aura_sub_id sub;
    uint64_t packets, bytes, retransmits, nacks_received, plis_received;
    uint32_t interval_packets, interval_lost; /* lost: from receiver reports */
    uint32_t jitter_us, rtt_us, bitrate_bps;
    bool aic; /* it gets AI Core's frames now */
};

/** Layers that a subscriber gets of a video now, and why not more. */
struct aura_sfu_sub_state {
    aura_sub_id sub;
    bool paused;              /* for want of bandwidth; not by wish */
    int8_t spatial, temporal; /* -1 = none */
    enum aura_alloc_why why;
    uint32_t bps;          /* of these layers */
    uint32_t estimate_bps; /* of the peer; 0 = none is made */
};
/** What goes to a peer with subscribed video; every 5 s and with aura_sfu_poll_stats(). */
struct aura_sfu_peer_stats {
    aura_peer_id peer;
    struct aura_bwe_info bwe;
    uint32_t given_bps, wanted_bps, audio_bps;
    uint32_t queued_packets, queue_drops;
};

enum { AURA_SFU_AIC_BUCKETS = 12, AURA_SFU_AIC_MODEL_MAX = 32 };
/** Upper bounds of the latency histogram, µs; the last one is UINT32_MAX. */
extern const uint32_t aura_sfu_aic_bounds_us[AURA_SFU_AIC_BUCKETS];

/**
 * A track that AI Core compresses. Each worker tells what left there; the publisher's also tells
 * how it goes (`owner`). Bytes are since that worker's last report, on the wire with UDP, IP and
 * SRTP's tag; each is counted for each subscriber who got AI Core's frames.
 */
struct aura_sfu_aic {
    aura_pub_id pub;
    bool bytes; /* the next two are valid */
    uint64_t sent_bytes;
    uint64_t native_bytes; /* that the same frames had cost the same subscribers */
    bool owner;            /* the rest is valid */
    enum aura_aic_state state;
    enum aura_aic_reason reason; /* of the newest fallback */
    struct aura_aic_hints hints; /* of the newest answer */
    uint32_t cap_kbps;           /* mode governed: that the publisher is held at; 0 = not */
    char model[AURA_SFU_AIC_MODEL_MAX + 1];
    uint32_t p50_us, p95_us; /* of the last 128 answers: from the native frame's end to there */
    uint64_t frames, late, fallbacks[AURA_AIC_REASONS];
};

struct aura_sfu_handlers {
    void (*peer_state)(void *arg, aura_peer_id peer, enum aura_pc_state state);
    void (*data_open)(void *arg, aura_peer_id peer, enum aura_data_channel channel);
    void (*data)(void *arg, aura_peer_id peer, enum aura_data_channel channel, const uint8_t *data,
                 size_t len);
    void (*pub_layer)(void *arg, aura_pub_id pub, const struct aura_sfu_layer *layer);
    /* Every audio_update_us, only tracks whose level or activity changed. */
    void (*audio_levels)(void *arg, const struct aura_sfu_level *levels, size_t count);
    /* Every 5 s for each track (or sooner after aura_sfu_poll_stats). */
    void (*pub_stats)(void *arg, const struct aura_sfu_pub_stats *stats);
    void (*sub_stats)(void *arg, const struct aura_sfu_sub_stats *stats);
    /* First media packet went out to a subscriber (for "time to first packet" and TrackSubscribed).
     */
    void (*sub_started)(void *arg, aura_sub_id sub);
    /* The layers of a subscribed video, or the reason for them, changed. */
    void (*sub_state)(void *arg, const struct aura_sfu_sub_state *state);
    void (*peer_stats)(void *arg, const struct aura_sfu_peer_stats *stats);
    /* It does not keep its ceiling, so packets are dropped (or it does again, and none are). */
    void (*peer_ceiling)(void *arg, aura_peer_id peer, bool dropping, uint32_t sent_kbps);
    /* Each second, when the track's state changes, and (with bytes) with the statistics. */
    void (*aic)(void *arg, const struct aura_sfu_aic *report);
};

/** Starts the workers. @param loop  the control thread's loop, on which handlers run. */
AURA_NODISCARD int aura_sfu_new(struct aura_sfu **sfup, const struct aura_sfu_conf *conf,
                                struct aura_loop *loop, const struct aura_sfu_handlers *handlers,
                                void *arg);
/** Stops and joins the workers; no handler runs after it. Returns NULL. */
struct aura_sfu *aura_sfu_free(struct aura_sfu *sfu);

/** Our certificate's SHA-256 fingerprint (one for the process). */
const struct aura_fingerprint *aura_sfu_fingerprint(const struct aura_sfu *sfu);

/** UDP ports in use, one a worker. @return how many were written */
size_t aura_sfu_udp_ports(const struct aura_sfu *sfu, uint16_t *out, size_t max);

struct aura_sfu_candidate {
    struct aura_addr addr;
    bool tcp; /* tcptype passive */
    uint32_t priority;
};
enum { AURA_SFU_CANDIDATES_MAX = 16, AURA_ICE_UFRAG_LEN = 16, AURA_ICE_PWD_LEN = 32 };

enum { AURA_SFU_NAME_MAX = 256, AURA_SFU_SID_MAX = 23 };
/** Whose something is, for lines of the log; "" = not known. Longer names are cut. */
struct aura_sfu_about {
    char room[AURA_SFU_NAME_MAX + 1], room_sid[AURA_SFU_SID_MAX + 1];
    char participant[AURA_SFU_NAME_MAX + 1], participant_sid[AURA_SFU_SID_MAX + 1]; /* identity */
    char track_sid[AURA_SFU_SID_MAX + 1];
};

struct aura_sfu_peer_conf {
    struct aura_sfu_about about;
    bool offerer; /* see struct aura_pc_conf */
    bool open_data_channels;
    bool negotiated_channels;
    bool dump;             /* what it sends and gets goes into the dump, where there is one */
    uint32_t ceiling_kbps; /* of what it sends; 0 = none */
    bool node;             /* another node of the cluster: its silence is noticed within a second */
};
/**
 * A new peer connection, on the worker that `affinity` names (peers of one room and participant may
 * share one: pass the same number) or on the least loaded one for UINT32_MAX.
 * @param ufrag, pwd  out: our ICE credentials (NUL-terminated)
 * @return 0, AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_sfu_peer_new(struct aura_sfu *sfu, const struct aura_sfu_peer_conf *conf,
                                     uint32_t affinity, aura_peer_id *peer,
                                     char ufrag[AURA_ICE_UFRAG_LEN + 1],
                                     char pwd[AURA_ICE_PWD_LEN + 1]);
/** The same with credentials that another node has made by aura_sfu_credentials() for the worker
 * `affinity`. @return also AURA_EINVAL: they are none for that worker */
AURA_NODISCARD int aura_sfu_peer_new_as(struct aura_sfu *sfu, const struct aura_sfu_peer_conf *conf,
                                        uint32_t affinity, const char *ufrag, const char *pwd,
                                        aura_peer_id *peer);
/** Credentials for a peer on a worker, ours or another node's. */
void aura_sfu_credentials(struct aura_sfu *sfu, unsigned worker, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                          char pwd[AURA_ICE_PWD_LEN + 1]);
/** What places another peer on the same worker. */
uint32_t aura_sfu_peer_affinity(aura_peer_id peer);
size_t aura_sfu_peer_candidates(const struct aura_sfu *sfu, aura_peer_id peer,
                                struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]);
/** What @p remote points at is copied. */
AURA_NODISCARD int aura_sfu_peer_set_remote(struct aura_sfu *sfu, aura_peer_id peer,
                                            const struct aura_pc_remote *remote);
/** New local credentials for an ICE restart. */
AURA_NODISCARD int aura_sfu_peer_restart_ice(struct aura_sfu *sfu, aura_peer_id peer,
                                             char ufrag[AURA_ICE_UFRAG_LEN + 1],
                                             char pwd[AURA_ICE_PWD_LEN + 1]);
/** Closes it with all its published and subscribed tracks. */
void aura_sfu_peer_close(struct aura_sfu *sfu, aura_peer_id peer);
/** As aura_sfu_peer_restart_ice(), with credentials as of aura_sfu_peer_new_as(). */
AURA_NODISCARD int aura_sfu_peer_restart_as(struct aura_sfu *sfu, aura_peer_id peer,
                                            const char *ufrag, const char *pwd);

struct aura_sfu_stream {
    uint32_t ssrc, rtx_ssrc;          /* 0 = not signalled: bound by mid and rid */
    char rid[AURA_MEDIA_RID_MAX + 1]; /* "" = none */
};
struct aura_sfu_pub_conf {
    aura_peer_id peer;
    struct aura_sfu_about about;
    struct aura_media media; /* what the peer sends: its payload types and extension ids */
    size_t stream_count;     /* 0 = one stream, bound by mid or by its payload type */
    struct aura_sfu_stream streams[AURA_MEDIA_LAYERS_MAX]; /* low layer first */
    bool aic;                                              /* may be compressed by AI Core */
    bool savers;             /* sound: some who hear it want least bytes */
    bool frugal;             /* pictures: all who see it do */
    uint32_t width, height;  /* of the picture as announced; 0 = unknown */
    uint32_t spatial_layers; /* in one stream, as announced; 0 = unknown */
    bool govern;             /* … but is rather held at the rate that AI Core recommends */
    bool encrypted; /* payload is opaque (E2EE): nothing may look into it but clear codec headers */
};
AURA_NODISCARD int aura_sfu_pub_new(struct aura_sfu *sfu, const struct aura_sfu_pub_conf *conf,
                                    aura_pub_id *pub);
/** After a renegotiation. */
AURA_NODISCARD int aura_sfu_pub_update(struct aura_sfu *sfu, aura_pub_id pub,
                                       const struct aura_sfu_pub_conf *conf);
/** Muted tracks are expected to be silent: no loss or missing-layer accounting, no key frame
 * requests. */
void aura_sfu_pub_set_muted(struct aura_sfu *sfu, aura_pub_id pub, bool muted);
/** A hushed track is measured (audio levels) but not forwarded. */
void aura_sfu_pub_set_hushed(struct aura_sfu *sfu, aura_pub_id pub, bool hushed);
/** Ends the track and detaches its subscribers (their ids stay until aura_sfu_sub_close). */
void aura_sfu_pub_close(struct aura_sfu *sfu, aura_pub_id pub);

struct aura_sfu_sub_conf {
    aura_peer_id peer;
    aura_pub_id pub;
    struct aura_media media; /* what the subscriber takes: its payload types and extension ids */
    uint32_t ssrc, rtx_ssrc; /* as signalled in our description; rtx 0 = none */
    char cname[40];          /* same for tracks that must play in sync */
    bool send_mid;           /* write the mid extension where it is negotiated */
    struct aura_playout_range playout; /* of a video, told where that extension is negotiated */
};
struct aura_sfu_sub_settings {
    bool paused;       /* disabled by the subscriber, or not permitted */
    bool native;       /* never what AI Core made of it */
    bool essential;    /* a video never paused for want of bandwidth */
    bool saver;        /* of sound, what weighs least */
    bool screen;       /* a screen share: comes before cameras, sharpness before motion */
    uint8_t max_layer; /* 0..2: highest simulcast / spatial layer wanted */
    uint8_t max_fps;   /* pictures a second that suffice; 0 = all */
    uint8_t priority;  /* 0 = default; higher comes first */
    uint32_t pixels;   /* visible size, 0 = unknown: larger comes first */
};
AURA_NODISCARD int aura_sfu_sub_new(struct aura_sfu *sfu, const struct aura_sfu_sub_conf *conf,
                                    const struct aura_sfu_sub_settings *settings, aura_sub_id *sub);
void aura_sfu_sub_set(struct aura_sfu *sfu, aura_sub_id sub,
                      const struct aura_sfu_sub_settings *settings);
/** Another track of the same kind on the same source identifier: the peer sees one stream that goes
 * on. @param pub  0 = nothing for now */
void aura_sfu_sub_move(struct aura_sfu *sfu, aura_sub_id sub, aura_pub_id pub,
                       const struct aura_sfu_sub_settings *settings);
void aura_sfu_sub_close(struct aura_sfu *sfu, aura_sub_id sub);

/** Sends one message to many peers (bytes are copied once). Peers whose channel is not open yet get
 * it when it opens (reliable only, bounded); peers that are too slow lose lossy messages. */
AURA_NODISCARD int aura_sfu_data_send(struct aura_sfu *sfu, const aura_peer_id *peers, size_t count,
                                      enum aura_data_channel channel, const uint8_t *data,
                                      size_t len);

/** From a packet's arrival until it is made ready to leave to one subscriber. Of all first sends.
 */
enum { AURA_SFU_FORWARD_BUCKETS = 11 };
struct aura_sfu_forward {
    uint64_t count, us, us2; /* sums of the times and of their squares */
    uint64_t bucket[AURA_SFU_FORWARD_BUCKETS];
};
/** Upper bounds in µs, LiveKit's; the last one is UINT32_MAX. */
extern const uint32_t aura_sfu_forward_bounds_us[AURA_SFU_FORWARD_BUCKETS];

/** Sums over all workers, read without stopping them. */
struct aura_sfu_counters {
    uint64_t packets_in, packets_out, bytes_in, bytes_out, retransmits_out, data_in, data_out;
    uint64_t retransmit_bytes_out;
    uint64_t nack_in, nack_out, pli_in, pli_out, fir_in;
    uint64_t drops[16]; /* by enum aura_sfu_drop */
    struct aura_sfu_forward forward;
    uint64_t aic_sent, aic_native, aic_frames, aic_late, aic_latency_us;
    uint64_t aic_latency[AURA_SFU_AIC_BUCKETS], aic_fallbacks[AURA_AIC_REASONS];
    uint64_t syscalls_in, syscalls_out;
    uint64_t handed_over; /* datagrams that came to another worker than their peer's */
    uint64_t peers, pubs, subs;
    uint64_t allocations;     /* by the workers' threads: stands still while only media flows */
    uint64_t loop_lag_us_max; /* since the last read */
};
enum aura_sfu_drop {
    AURA_DROP_UNKNOWN_PEER, /* no 5-tuple, no ufrag */
    AURA_DROP_BAD_STUN,
    AURA_DROP_BAD_DTLS, /* media before the handshake was done */
    AURA_DROP_SRTP_AUTH,
    AURA_DROP_SRTP_REPLAY,
    AURA_DROP_BAD_RTP,
    AURA_DROP_BAD_RTCP,
    AURA_DROP_UNKNOWN_SSRC,
    AURA_DROP_UNKNOWN_PT,
    AURA_DROP_STALE, /* duplicate or too old */
    AURA_DROP_NO_CONSENT,
    AURA_DROP_SEND_QUEUE, /* the socket would block */
    AURA_DROP_RING_FULL,  /* between threads */
    AURA_DROP_LIMIT,
    AURA_DROP_DATA_SLOW, /* lossy data to a slow reader */
    AURA_DROP_CEILING,   /* of a publisher that does not keep its ceiling */
    AURA_DROP_COUNT
};
const char *aura_sfu_drop_name(enum aura_sfu_drop drop);
void aura_sfu_counters(struct aura_sfu *sfu, struct aura_sfu_counters *out);
/** The same, but loop_lag_us_max goes on for the next aura_sfu_counters(). */
void aura_sfu_peek(struct aura_sfu *sfu, struct aura_sfu_counters *out);
/** Bytes that came and went so far. */
uint64_t aura_sfu_bytes(const struct aura_sfu *sfu);
/** Media packets so far, in and out. */
uint64_t aura_sfu_packets(const struct aura_sfu *sfu);
/** Has all statistics reported now (through the handlers, from the loop). */
void aura_sfu_poll_stats(struct aura_sfu *sfu);

#endif
