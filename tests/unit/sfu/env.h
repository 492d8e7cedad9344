/* SPDX-License-Identifier: Apache-2.0 */
/** @file env.h  An SFU on loopback with what its handlers reported, and media sections to use. */
#ifndef AURA_TESTS_SFU_ENV_H
#define AURA_TESTS_SFU_ENV_H

#include "client.h"

enum {
    PT_OPUS = 111,
    PT_RED = 63,
    PT_VP8 = 96,
    PT_VP8_RTX = 97,
    EXT_MID = 4,
    EXT_RID = 10,
    EXT_RRID = 11,
    EXT_LEVEL = 1,
    EXT_TWCC = 3,
    EXT_ABS_SEND = 2,
};

struct env {
    struct aura_loop *loop;
    struct aura_sfu *sfu;
    struct aura_fleet *fleet; /* NULL = none */
    int64_t blocks_before;
    struct client *clients[8];
    size_t client_count;
    size_t layers, started, data_opens, data_messages, level_reports, pub_reports, sub_reports;
    size_t data_bytes;
    bool speaking;
    struct aura_sfu_layer layer[8];
    struct aura_sfu_pub_stats pub_stats;
    struct aura_sfu_sub_stats sub_stats;
    struct aura_sfu_sub_state sub_state;
    struct aura_sfu_peer_stats peer_stats;
    unsigned sub_states, peer_reports, policed, let_alone;
    aura_peer_id node; /* a link to another SFU; 0 = none */
    enum aura_pc_state node_state;
};

/** @param workers  media threads. @param tcp  0 = no ICE-TCP */
void env_start(struct env *e, size_t workers, uint16_t tcp);
/** The same as a node among others. */
void env_start_node(struct env *e, size_t workers, const char *node);
void env_stop(struct env *e);
/** The same without a look at what memory is left, where there is another one. */
void env_end(struct env *e);
/** Starts a client that env_stop() ends, and waits until it is connected. */
void env_client(struct env *e, struct client *c, uint32_t affinity);

struct aura_media env_audio(const char *mid, bool red);
struct aura_media env_video(const char *mid);
aura_pub_id env_publish(struct env *e, struct client *c, const struct aura_media *media,
                        uint32_t ssrc, uint32_t rtx_ssrc);
aura_sub_id env_subscribe(struct env *e, struct client *c, aura_pub_id pub,
                          const struct aura_media *media, uint32_t ssrc, uint32_t rtx_ssrc);

/** An Opus packet with mid and audio level. */
void env_send_audio(struct client *c, const char *mid, uint32_t ssrc, uint16_t seq, uint8_t level);
/** A VP8 packet of one frame: picture id and TL0PICIDX follow `frame`. */
void env_send_vp8(struct client *c, uint32_t ssrc, uint16_t seq, uint16_t frame, bool key,
                  size_t len);
/** The same bytes as a payload. @return its length */
size_t env_vp8_payload(uint8_t *out, uint16_t frame, bool key, uint16_t seq, size_t len);

#endif
