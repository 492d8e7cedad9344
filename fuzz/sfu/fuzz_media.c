/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that sends whatever it likes: decrypted RTP and RTCP into a worker with three published
 * tracks (audio, video in four codecs, simulcast) that are subscribed by the same peer, with time
 * passing. Everything is done but the encryption.
 *
 * Input: records of kind (0 RTP, 1 RTCP, 2 time, 3 settings), a 16-bit length, and that many bytes.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "sfu/peer.h"
#include "sfu/published.h"
#include "sfu/subscribed.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEER = 1, PUB = 10, SUB = 20, TRACKS = 3, RECORDS_MAX = 200 };

static struct aura_sfu_shared shared;
static struct aura_clock_manual clock_manual;
static struct aura_rand_seeded seeded;
static struct aura_worker *worker;
static struct aura_sfu_path path;

static void must(int err) {
    AURA_BUG_ON(err != 0);
}

static void set_up(void) {
    struct aura_addr bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4};
    aura_clock_manual_init(&clock_manual, 1000000, 1700000000u * UINT64_C(1000000));
    aura_rand_seeded_init(&seeded, 1);
    shared.clock = &clock_manual.clock;
    shared.rand = &seeded.rand;
    shared.conf.nack_ring_video = shared.conf.nack_ring_audio = 64;
    shared.conf.audio_update_us = 400000;
    shared.conf.audio_active_level = 35;
    shared.conf.audio_min_percentile = 40;
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        shared.conf.pli_throttle_us[i] = 500000;
    }
    must(aura_dtls_identity_new(&shared.identity));
    must(aura_ring_new(&shared.events, 4096, sizeof(struct aura_msg)));
    must(aura__worker_new(&worker, &shared, 0, &bind, 1));
    shared.workers[0] = worker;
    shared.worker_count = 1;
    aura__worker_connect(worker);
    path.udp = worker->sockets[0].udp;
    path.path.remote = *aura_udp_local(path.udp);
    path.local = path.path.remote;
}

static void add_codec(struct aura_media *m, enum aura_codec codec, uint8_t pt, uint8_t rtx_pt) {
    m->codecs[m->codec_count++] =
        (struct aura_media_codec){.codec = codec,
                                  .pt = pt,
                                  .rtx_pt = rtx_pt,
                                  .clock_rate = m->kind == AURA_KIND_AUDIO ? 48000 : 90000,
                                  .feedback = AURA_FB_NACK | AURA_FB_PLI | AURA_FB_TWCC};
}

static struct aura_media media(size_t track) {
    struct aura_media m = {.kind = track == 0 ? AURA_KIND_AUDIO : AURA_KIND_VIDEO};
    m.mid[0] = (char)('0' + track);
    if (track == 0) {
        add_codec(&m, AURA_CODEC_RED, 63, 0);
        add_codec(&m, AURA_CODEC_OPUS, 111, 0);
    } else {
        add_codec(&m, AURA_CODEC_VP8, 96, 97);
        add_codec(&m, AURA_CODEC_VP9, 98, 99);
        add_codec(&m, AURA_CODEC_H264, 102, 103);
        add_codec(&m, AURA_CODEC_AV1, 45, 46);
    }
    for (size_t i = 0; i < AURA_EXT_COUNT; i++) {
        m.ext.id[i] = (uint8_t)(i + 1);
    }
    return m;
}

static struct aura_peer *make_peer(bool encrypted) {
    struct aura_msg_peer conf = {.ufrag = "0fuzz", .pwd = "passwordpasswordpassword"};
    must(aura__peer_new(worker, PEER, &conf));
    struct aura_peer *peer = aura__peer_find(worker, PEER);
    peer->connected = true;
    peer->out = &path;
    for (size_t i = 0; i < TRACKS; i++) {
        struct aura_sfu_pub_conf pub = {.peer = PEER, .media = media(i), .encrypted = encrypted};
        struct aura_msg_sub sub = {.conf = {.peer = PEER, .pub = (PUB + i) << 8, .media = media(i)},
                                   .settings = {.max_layer = 2}};
        if (i == 2) {
            pub.stream_count = 3;
            pub.streams[0].rid[0] = 'q';
            pub.streams[1].rid[0] = 'h';
            pub.streams[2].rid[0] = 'f';
        }
        sub.conf.ssrc = (uint32_t)(100 + i);
        sub.conf.rtx_ssrc = i ? (uint32_t)(200 + i) : 0;
        sub.conf.send_mid = true;
        if (i == 0) {
            sub.conf.media.codecs[0] = sub.conf.media.codecs[1]; /* Opus only: RED is unpacked */
            sub.conf.media.codec_count = 1;
        }
        must(aura__published_new(peer, (PUB + i) << 8, &pub));
        must(aura__subscribed_new(peer, (SUB + i) << 8, &sub));
    }
    return peer;
}

static void let_time_pass(uint64_t us) {
    aura_clock_manual_advance(&clock_manual, us);
    (void)aura_loop_run_once(worker->loop, 0);
    struct aura_msg m;
    while (aura_ring_pop(shared.events, &m)) {
        aura__msg_discard(&m);
    }
}

static void settings(const struct aura_cur *c) {
    size_t track = c->p[0] % TRACKS;
    struct aura_sfu_sub_settings s = {.paused = c->p[0] >> 7, .max_layer = (c->p[0] >> 4) & 3};
    if (c->p[0] & 8) {
        aura__published_set_muted(aura__published_find(worker, (PUB + track) << 8), c->p[0] >> 7);
    } else {
        aura__subscribed_set(aura__subscribed_find(worker, (SUB + track) << 8), &s);
    }
}

static void record(struct aura_peer *peer, uint8_t kind, struct aura_cur *c) {
    uint8_t copy[2000];
    size_t len = aura_cur_left(c);
    if (len == 0 || len > sizeof(copy)) {
        return;
    }
    memcpy(copy, c->p, len);
    switch (kind % 4) {
    case 0:
        aura__published_receive(peer, copy, len);
        break;
    case 1:
        aura__rtcp_receive(peer, copy, len);
        break;
    case 2:
        let_time_pass((uint64_t)copy[0] * 10000 + 1);
        break;
    default:
        settings(c);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!worker) {
        set_up();
    }
    if (size == 0) {
        return 0;
    }
    struct aura_cur c = aura_cur_of(data + 1, size - 1);
    struct aura_peer *peer = make_peer(data[0] & 1);
    for (unsigned i = 0; i < RECORDS_MAX && aura_cur_left(&c) && !c.fail; i++) {
        uint8_t kind = aura_cur_u8(&c);
        uint16_t len = aura_cur_u16(&c);
        struct aura_cur sub = aura_cur_sub(&c, len);
        if (!sub.fail) {
            record(peer, kind, &sub);
        }
    }
    peer->out = NULL;
    aura__peer_close(peer);
    let_time_pass(1000000);
    AURA_BUG_ON(aura__packet_pool_out(worker->pool) != 0);
    return 0;
}
