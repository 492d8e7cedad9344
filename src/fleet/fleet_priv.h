/* SPDX-License-Identifier: Apache-2.0 */
/** @file fleet_priv.h  The objects of src/fleet and how its files call each other. */
#ifndef AURA_FLEET_FLEET_PRIV_H
#define AURA_FLEET_FLEET_PRIV_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/timer.h"
#include "fleet.pb-c.h"
#include "fleet/fleet.h"

enum { FLEET_VERSION = 1, FLEET_NODE_SHIFT = 48, FLEET_CODEC_COUNT = 24 };

typedef Auralink__Fleet__Message fleet_message;

/** Worker of a node: how a peer there is reached. */
struct fleet_worker {
    size_t count;
    struct aura_sfu_candidate candidates[AURA_SFU_CANDIDATES_MAX];
};

/** Another node. */
struct aura_fleet_link {
    struct aura_fleet *fleet;
    unsigned slot; /* 1.. */
    char node[AURA_FLEET_NODE_MAX];
    struct aura_fleet_pipe pipe;
    bool greeted, connected, broken; /* it said hello; media has a way; it ends */
    struct aura_fingerprint fingerprint;
    struct fleet_worker *workers;
    size_t worker_count;
    unsigned next_worker;
    struct aura_timer end_timer, silence_timer;
    /* The media link: a peer of our SFU that is the other's. */
    aura_peer_id media;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
    struct aura_list far_peers; /* struct fleet_far_peer: of our rooms, there */
    struct aura_map *guests;    /* struct fleet_guest by the owner's id: of its rooms, here */
    struct aura_list relays;    /* struct fleet_relay.link_node: of our rooms, over this link */
};

struct fleet_far_peer {
    struct aura_node node;
    aura_peer_id id;
};

enum fleet_kind { FLEET_PEER, FLEET_PUB, FLEET_SUB };

/** Something here that belongs to a room of another node. */
struct fleet_guest {
    struct aura_fleet_link *owner;
    enum fleet_kind kind;
    uint64_t theirs, ours; /* ids */
    bool link;             /* it is on the media link: nobody there asks how it goes */
};

/** A published track of our rooms, wherever it is; or the end of a relay here. */
struct fleet_track {
    aura_pub_id id;
    bool encrypted, muted;
    uint32_t width, height;
    struct aura_media media;
    struct aura_list relays; /* struct fleet_relay.track_node */
};

/** What one subscriber wants of a track that crosses. */
struct fleet_wish {
    struct aura_node node; /* in its relay */
    struct fleet_relay *relay;
    struct aura_sfu_sub_settings settings;
};

/** A track that crosses a link: a subscription at one end, a published track at the other. */
struct fleet_relay {
    struct aura_fleet *fleet;
    struct aura_node track_node, link_node;
    struct fleet_track *track;
    struct aura_fleet_link *link;
    unsigned to;      /* node; 0 = here */
    aura_sub_id send; /* at the end where the track is */
    aura_pub_id take; /* at the other */
    struct aura_list wishes;
    struct fleet_wish up; /* where the track itself is the end of another relay here */
    struct aura_sfu_sub_settings settings;
    struct aura_timer linger_timer;
};

/** A subscription whose track crosses. */
struct fleet_viewer {
    aura_sub_id sub;
    struct fleet_wish wish;
};

struct aura_fleet {
    struct aura_fleet_conf conf;
    struct aura_sfu_handlers handlers;
    struct aura_timers *timers;
    struct aura_sfu *sfu;
    struct aura_fleet_link *links[AURA_FLEET_LINKS_MAX + 1]; /* by slot */
    uint64_t last_id;
    struct aura_map *guests;  /* by our SFU's id */
    struct aura_map *tracks;  /* struct fleet_track */
    struct aura_map *viewers; /* struct fleet_viewer */
    struct aura_buf out;      /* scratch */
    struct aura_fleet_stats stats;
};

static inline unsigned fleet_node_of(uint64_t id) {
    return (unsigned)(id >> FLEET_NODE_SHIFT);
}

/* ---- link.c ---- */
/** The link to a node; NULL if there is none any more, or it is broken. */
struct aura_fleet_link *fleet_link_of(const struct aura_fleet *f, uint64_t id);
/** Sends. An error also ends the link, soon. */
int fleet_send(struct aura_fleet_link *l, const fleet_message *m);
void fleet_link_break(struct aura_fleet_link *l, const char *why);
/** @return true if it is a link's own peer */
bool fleet_link_state(struct aura_fleet *f, aura_peer_id peer, enum aura_pc_state state);

/* ---- relay.c ---- */
/** Makes the track reach that node. @param use  out: its id there. @param wish  out: its relay, or
 * none. @return 0, AURA_ENOENT (no such track or node), AURA_ENOMEM */
AURA_NODISCARD int fleet_relay_want(struct aura_fleet *f, aura_pub_id pub, unsigned to,
                                    const struct aura_sfu_sub_settings *settings,
                                    struct fleet_wish *wish, aura_pub_id *use);
/** The wish is another now. */
void fleet_relay_wish(struct fleet_wish *wish, const struct aura_sfu_sub_settings *settings);
/** It is none any more; fine if it was none. */
void fleet_relay_unwant(struct fleet_wish *wish);
/** The track ends, and all its relays do. */
void fleet_track_free(struct aura_fleet *f, struct fleet_track *t);
AURA_NODISCARD int fleet_track_new(struct aura_fleet *f, aura_pub_id id,
                                   const struct aura_sfu_pub_conf *conf, struct fleet_track **out);
void fleet_track_update(struct fleet_track *t, const struct aura_sfu_pub_conf *conf);
void fleet_track_muted(struct fleet_track *t, bool muted);
void fleet_relay_free(struct fleet_relay *r);

/* ---- calls.c: one thing here or there, and nothing of relays ---- */
AURA_NODISCARD int fleet_put_pub(struct aura_fleet *f, unsigned node,
                                 const struct aura_sfu_pub_conf *conf, bool update,
                                 aura_pub_id *pub);
AURA_NODISCARD int fleet_put_sub(struct aura_fleet *f, unsigned node,
                                 const struct aura_sfu_sub_conf *conf,
                                 const struct aura_sfu_sub_settings *settings, aura_sub_id *sub);
void fleet_put_muted(struct aura_fleet *f, aura_pub_id pub, bool muted);
void fleet_put_settings(struct aura_fleet *f, aura_sub_id sub,
                        const struct aura_sfu_sub_settings *settings);
void fleet_drop_pub(struct aura_fleet *f, aura_pub_id pub);
void fleet_drop_sub(struct aura_fleet *f, aura_sub_id sub);

/* ---- guest.c: the owner's calls, carried out here ---- */
void fleet_guest_call(struct aura_fleet_link *l, const fleet_message *m);
void fleet_guests_end(struct aura_fleet_link *l);

/* ---- report.c: what the SFU says, to the room's owner ---- */
void fleet_report(struct aura_fleet_link *l, const fleet_message *m);

/* ---- wire.c ---- */
struct fleet_wire_media {
    Auralink__Fleet__Media m;
    Auralink__Fleet__Codec codecs[FLEET_CODEC_COUNT];
    Auralink__Fleet__Codec *list[FLEET_CODEC_COUNT];
};
/** Out: @p out points into @p in, which must stay. */
void fleet_wire_media(struct fleet_wire_media *out, const struct aura_media *in);
/** @return 0 or AURA_EMALFORMED */
AURA_NODISCARD int fleet_read_media(struct aura_media *out, const Auralink__Fleet__Media *in);
void fleet_wire_settings(Auralink__Fleet__Settings *out, const struct aura_sfu_sub_settings *in);
void fleet_read_settings(struct aura_sfu_sub_settings *out, const Auralink__Fleet__Settings *in);
void fleet_wire_about(Auralink__Fleet__About *out, const struct aura_sfu_about *in);
void fleet_read_about(struct aura_sfu_about *out, const Auralink__Fleet__About *in);
/** A text that fits, cut if it must be. */
void fleet_read_text(char *out, size_t cap, const char *in);
static inline char *fleet_text(const char *s) {
    return (char *)(uintptr_t)s;
}
ProtobufCAllocator *fleet_allocator(void);

#endif
