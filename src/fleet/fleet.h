/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fleet.h  The SFUs of several nodes, used as one: src/sfu/sfu.h's calls, with a choice of
 * the node for a new peer.
 *
 * The node that owns a room keeps all that is known of it and decides. Where somebody came in at
 * another node, that node has the peer, and gets the owner's calls over a control link; what the
 * SFU there reports comes back. A track crosses the media link between two nodes once, however many
 * want it behind it, and not while nobody does. docs/cluster.md has the rules.
 *
 * Ids of what is at another node have that node's place in their upper 16 bits, which ids of our
 * own SFU never have. Bytes between nodes go through a pipe that who opens it gives.
 *
 * Threading: control thread.
 */
#ifndef AURA_FLEET_FLEET_H
#define AURA_FLEET_FLEET_H

#include "sfu/sfu.h"

struct aura_fleet;
struct aura_fleet_link;

enum {
    AURA_FLEET_LINKS_MAX = 255,             /* other nodes at a time */
    AURA_FLEET_NODE_MAX = 64,               /* a node's id, with its NUL */
    AURA_FLEET_MESSAGE_BYTES_MAX = 1 << 20, /* between two nodes */
    AURA_FLEET_LOSSY_BYTES_MAX = 1 << 20,   /* lossy data is dropped while so much waits */
    AURA_FLEET_FARS_MAX = 1 << 20,          /* peers and tracks here that belong to other nodes */
    AURA_FLEET_TRACKS_MAX = 4 << 20,        /* tracks and subscriptions that an owner looks after */
    AURA_FLEET_LINGER_S = 5,   /* a track crosses no more; then what it came by is taken down */
    AURA_FLEET_PATIENCE_S = 4, /* a media link is silent; then the node is given up */
};

/** Where media is: our own SFU, and those of other nodes. */
struct aura_fleet_reach {
    struct aura_sfu *sfu;
    struct aura_fleet *fleet; /* NULL = there are no others: then it is as good as absent */
};

struct aura_fleet_conf {
    const char *node_id; /* borrowed for its life */
    const struct aura_sfu_handlers *handlers;
    void *arg;
    struct aura_rand *rand;
};
/** @return 0, AURA_ENOMEM. The SFU is made with aura_fleet_sfu_handlers() and then attached. */
AURA_NODISCARD int aura_fleet_new(struct aura_fleet **out, const struct aura_fleet_conf *conf,
                                  struct aura_loop *loop);
/** After all links have ended, before the SFU does. NULL is fine. Returns NULL. */
struct aura_fleet *aura_fleet_free(struct aura_fleet *f);
/** For aura_sfu_new(), with the fleet as argument. */
const struct aura_sfu_handlers *aura_fleet_sfu_handlers(void);
void aura_fleet_attach(struct aura_fleet *f, struct aura_sfu *sfu);

/* ---- links ---- */

/** How bytes go to another node: whole messages, in order. */
struct aura_fleet_pipe {
    /** Copies. @return 0 or an error: then the link is given up */
    int (*send)(void *arg, const uint8_t *data, size_t len);
    size_t (*queued)(void *arg); /* bytes that wait */
    /** The fleet gives it up, and has forgotten it when this is called. */
    void (*close)(void *arg);
    void *arg;
};
/** A pipe is open. Says hello. @return 0, AURA_ENOMEM, AURA_ELIMIT, AURA_EEXISTS (there is one) */
AURA_NODISCARD int aura_fleet_link_up(struct aura_fleet_link **out, struct aura_fleet *f,
                                      const char *node, const struct aura_fleet_pipe *pipe);
/** One message came. What cannot be read ends the link (soon, by `close`). */
void aura_fleet_recv(struct aura_fleet_link *l, const uint8_t *data, size_t len);
/** The pipe broke: its peers here are closed, ours there have failed. Frees it. */
void aura_fleet_link_down(struct aura_fleet_link *l);

/** Where a new peer may be. 0 = here; also if media cannot go to and from that node now. */
unsigned aura_fleet_node(const struct aura_fleet *f, const char *node);

struct aura_fleet_stats {
    size_t links, ready;  /* ready: media can go there */
    size_t far_peers;     /* of our rooms at other nodes */
    size_t guests;        /* peers here that belong to rooms of other nodes */
    size_t relays;        /* tracks that cross a link, of our rooms */
    size_t relays_wanted; /* … that somebody wants now */
    uint64_t relays_made, links_lost, refused, lossy_dropped;
};
void aura_fleet_stats(const struct aura_fleet *f, struct aura_fleet_stats *out);

/* ---- the calls of sfu.h ---- */

/** @param node  of aura_fleet_node() */
AURA_NODISCARD int aura_fleet_peer_new(const struct aura_fleet_reach *r, unsigned node,
                                       const struct aura_sfu_peer_conf *conf, uint32_t affinity,
                                       aura_peer_id *peer, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                                       char pwd[AURA_ICE_PWD_LEN + 1]);
size_t aura_fleet_peer_candidates(const struct aura_fleet_reach *r, aura_peer_id peer,
                                  struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]);
/** Of the node where the peer is. */
const struct aura_fingerprint *aura_fleet_peer_fingerprint(const struct aura_fleet_reach *r,
                                                           aura_peer_id peer);
AURA_NODISCARD int aura_fleet_peer_set_remote(const struct aura_fleet_reach *r, aura_peer_id peer,
                                              const struct aura_pc_remote *remote);
AURA_NODISCARD int aura_fleet_peer_restart_ice(const struct aura_fleet_reach *r, aura_peer_id peer,
                                               char ufrag[AURA_ICE_UFRAG_LEN + 1],
                                               char pwd[AURA_ICE_PWD_LEN + 1]);
/** Its tracks and subscriptions must be closed before. */
void aura_fleet_peer_close(const struct aura_fleet_reach *r, aura_peer_id peer);
AURA_NODISCARD int aura_fleet_pub_new(const struct aura_fleet_reach *r,
                                      const struct aura_sfu_pub_conf *conf, aura_pub_id *pub);
AURA_NODISCARD int aura_fleet_pub_update(const struct aura_fleet_reach *r, aura_pub_id pub,
                                         const struct aura_sfu_pub_conf *conf);
void aura_fleet_pub_set_muted(const struct aura_fleet_reach *r, aura_pub_id pub, bool muted);
void aura_fleet_pub_set_hushed(const struct aura_fleet_reach *r, aura_pub_id pub, bool hushed);
void aura_fleet_pub_close(const struct aura_fleet_reach *r, aura_pub_id pub);
AURA_NODISCARD int aura_fleet_sub_new(const struct aura_fleet_reach *r,
                                      const struct aura_sfu_sub_conf *conf,
                                      const struct aura_sfu_sub_settings *settings,
                                      aura_sub_id *sub);
void aura_fleet_sub_set(const struct aura_fleet_reach *r, aura_sub_id sub,
                        const struct aura_sfu_sub_settings *settings);
void aura_fleet_sub_move(const struct aura_fleet_reach *r, aura_sub_id sub, aura_pub_id pub,
                         const struct aura_sfu_sub_settings *settings);
void aura_fleet_sub_close(const struct aura_fleet_reach *r, aura_sub_id sub);
AURA_NODISCARD int aura_fleet_data_send(const struct aura_fleet_reach *r, const aura_peer_id *peers,
                                        size_t count, enum aura_data_channel channel,
                                        const uint8_t *data, size_t len);
void aura_fleet_poll_stats(const struct aura_fleet_reach *r);

#endif
