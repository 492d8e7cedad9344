/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <string.h>

static struct client *client_of(struct env *e, aura_peer_id peer) {
    for (size_t i = 0; i < e->client_count; i++) {
        if (e->clients[i]->peer == peer) {
            return e->clients[i];
        }
    }
    return NULL;
}

static void on_state(void *arg, aura_peer_id peer, enum aura_pc_state state) {
    struct client *c = client_of(arg, peer);
    if (c) {
        c->state = state;
    } else if (peer == ((struct env *)arg)->node) {
        ((struct env *)arg)->node_state = state;
    }
}

static void on_data_open(void *arg, aura_peer_id peer, enum aura_data_channel channel) {
    struct env *e = arg;
    (void)peer;
    (void)channel;
    e->data_opens++;
}

static void on_data(void *arg, aura_peer_id peer, enum aura_data_channel channel,
                    const uint8_t *data, size_t len) {
    struct env *e = arg;
    aura_peer_id others[8];
    size_t n = 0;
    e->data_messages++;
    e->data_bytes += len;
    for (size_t i = 0; i < e->client_count; i++) {
        if (e->clients[i]->peer != peer) {
            others[n++] = e->clients[i]->peer;
        }
    }
    const struct aura_fleet_reach reach = {e->sfu, e->fleet};
    assert_int_equal(aura_fleet_data_send(&reach, others, n, channel, data, len), 0);
}

static void on_layer(void *arg, aura_pub_id pub, const struct aura_sfu_layer *layer) {
    struct env *e = arg;
    (void)pub;
    e->layer[e->layers++ % 8] = *layer;
}

static void on_levels(void *arg, const struct aura_sfu_level *levels, size_t count) {
    struct env *e = arg;
    e->level_reports++;
    for (size_t i = 0; i < count; i++) {
        e->speaking = levels[i].active;
        assert_true(levels[i].active || levels[i].level <= 0);
    }
}

static void on_pub_stats(void *arg, const struct aura_sfu_pub_stats *stats) {
    struct env *e = arg;
    e->pub_stats = *stats;
    e->pub_reports++;
}

static void on_sub_stats(void *arg, const struct aura_sfu_sub_stats *stats) {
    struct env *e = arg;
    e->sub_stats = *stats;
    e->sub_reports++;
}

static void on_started(void *arg, aura_sub_id sub) {
    struct env *e = arg;
    (void)sub;
    e->started++;
}

static void on_sub_state(void *arg, const struct aura_sfu_sub_state *state) {
    struct env *e = arg;
    e->sub_state = *state;
    e->sub_states++;
}

static void on_peer_stats(void *arg, const struct aura_sfu_peer_stats *stats) {
    struct env *e = arg;
    e->peer_stats = *stats;
    e->peer_reports++;
}

static void on_ceiling(void *arg, aura_peer_id peer, bool dropping, uint32_t sent_kbps) {
    struct env *e = arg;
    (void)peer;
    assert_true(sent_kbps > 0 || !dropping);
    e->policed += dropping;
    e->let_alone += !dropping;
}

static const struct aura_sfu_handlers handlers = {.peer_state = on_state,
                                                  .data_open = on_data_open,
                                                  .data = on_data,
                                                  .pub_layer = on_layer,
                                                  .audio_levels = on_levels,
                                                  .pub_stats = on_pub_stats,
                                                  .sub_stats = on_sub_stats,
                                                  .sub_started = on_started,
                                                  .sub_state = on_sub_state,
                                                  .peer_stats = on_peer_stats,
                                                  .peer_ceiling = on_ceiling};

static void start(struct env *e, size_t workers, uint16_t tcp, const char *node) {
    struct aura_addr bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4};
    struct aura_sfu_conf conf = {
        .workers = workers, .bind = &bind, .bind_count = 1, .tcp_port = tcp, .loopback = true};
    memset(e, 0, sizeof(*e));
    e->blocks_before = aura_mem_live();
    assert_int_equal(aura_loop_new(&e->loop, aura_clock_system()), 0);
    if (node) {
        const struct aura_fleet_conf fleet = {
            .node_id = node, .handlers = &handlers, .arg = e, .rand = aura_rand_system()};
        assert_int_equal(aura_fleet_new(&e->fleet, &fleet, e->loop), 0);
    }
    assert_int_equal(aura_sfu_new(&e->sfu, &conf, e->loop,
                                  node ? aura_fleet_sfu_handlers() : &handlers,
                                  node ? (void *)e->fleet : e),
                     0);
    if (node) {
        aura_fleet_attach(e->fleet, e->sfu);
    }
}

void env_start(struct env *e, size_t workers, uint16_t tcp) {
    start(e, workers, tcp, NULL);
}

void env_start_node(struct env *e, size_t workers, const char *node) {
    start(e, workers, 0, node);
}

void env_end(struct env *e) {
    for (size_t i = 0; i < e->client_count; i++) {
        client_stop(e->clients[i]);
    }
    e->sfu = aura_sfu_free(e->sfu);
    e->fleet = aura_fleet_free(e->fleet);
    e->loop = aura_loop_free(e->loop);
}

void env_stop(struct env *e) {
    env_end(e);
    assert_int_equal(aura_mem_live(), e->blocks_before);
}

void env_client(struct env *e, struct client *c, uint32_t affinity) {
    e->clients[e->client_count++] = c;
    client_start(c, e->loop, e->sfu, affinity, c->use_tcp);
    WAIT_FOR(e->loop, c->connected && c->state == AURA_PC_CONNECTED);
}

struct aura_media env_audio(const char *mid, bool red) {
    struct aura_media m = {.kind = AURA_KIND_AUDIO};
    strncpy(m.mid, mid, sizeof(m.mid) - 1);
    if (red) {
        m.codecs[m.codec_count++] =
            (struct aura_media_codec){.codec = AURA_CODEC_RED, .pt = PT_RED, .clock_rate = 48000};
    }
    m.codecs[m.codec_count++] = (struct aura_media_codec){
        .codec = AURA_CODEC_OPUS, .pt = PT_OPUS, .clock_rate = 48000, .feedback = AURA_FB_TWCC};
    m.ext.id[AURA_EXT_MID] = EXT_MID;
    m.ext.id[AURA_EXT_AUDIO_LEVEL] = EXT_LEVEL;
    m.ext.id[AURA_EXT_TWCC] = EXT_TWCC;
    return m;
}

struct aura_media env_video(const char *mid) {
    struct aura_media m = {.kind = AURA_KIND_VIDEO};
    strncpy(m.mid, mid, sizeof(m.mid) - 1);
    m.codecs[m.codec_count++] = (struct aura_media_codec){.codec = AURA_CODEC_VP8,
                                                          .pt = PT_VP8,
                                                          .rtx_pt = PT_VP8_RTX,
                                                          .clock_rate = 90000,
                                                          .feedback = AURA_FB_NACK | AURA_FB_PLI |
                                                                      AURA_FB_FIR | AURA_FB_TWCC};
    m.ext.id[AURA_EXT_MID] = EXT_MID;
    m.ext.id[AURA_EXT_RID] = EXT_RID;
    m.ext.id[AURA_EXT_REPAIRED_RID] = EXT_RRID;
    m.ext.id[AURA_EXT_TWCC] = EXT_TWCC;
    m.ext.id[AURA_EXT_ABS_SEND_TIME] = EXT_ABS_SEND;
    return m;
}

aura_pub_id env_publish(struct env *e, struct client *c, const struct aura_media *media,
                        uint32_t ssrc, uint32_t rtx_ssrc) {
    aura_pub_id id = 0;
    struct aura_sfu_pub_conf conf = {.peer = c->peer, .media = *media, .stream_count = 1};
    conf.streams[0].ssrc = ssrc;
    conf.streams[0].rtx_ssrc = rtx_ssrc;
    const struct aura_fleet_reach reach = {e->sfu, e->fleet};
    assert_int_equal(aura_fleet_pub_new(&reach, &conf, &id), 0);
    return id;
}

aura_sub_id env_subscribe(struct env *e, struct client *c, aura_pub_id pub,
                          const struct aura_media *media, uint32_t ssrc, uint32_t rtx_ssrc) {
    aura_sub_id id = 0;
    struct aura_sfu_sub_settings settings = {.max_layer = 2};
    struct aura_sfu_sub_conf conf = {.peer = c->peer,
                                     .pub = pub,
                                     .media = *media,
                                     .ssrc = ssrc,
                                     .rtx_ssrc = rtx_ssrc,
                                     .cname = "publisher",
                                     .send_mid = true};
    for (size_t i = 0; i < conf.media.codec_count && !c->gives_feedback; i++) {
        conf.media.codecs[i].feedback &= (uint8_t)~AURA_FB_TWCC;
    }
    const struct aura_fleet_reach reach = {e->sfu, e->fleet};
    assert_int_equal(aura_fleet_sub_new(&reach, &conf, &settings, &id), 0);
    return id;
}

void env_send_audio(struct client *c, const char *mid, uint32_t ssrc, uint16_t seq, uint8_t level) {
    uint8_t level_byte = 0x80 | level;
    static uint16_t twcc;
    uint8_t twcc_bytes[2];
    aura_put_u16(twcc_bytes, twcc++);
    struct aura_rtp_item items[] = {
        {.id = EXT_MID, .len = (uint8_t)strlen(mid), .data = (const uint8_t *)mid},
        {.id = EXT_LEVEL, .len = 1, .data = &level_byte},
        {.id = EXT_TWCC, .len = 2, .data = twcc_bytes},
    };
    uint8_t payload[80] = {0xfc, (uint8_t)(seq >> 8), (uint8_t)seq};
    client_rtp(c, PT_OPUS, seq, (uint32_t)seq * 960, ssrc, false, items, 3, payload,
               sizeof(payload));
}

size_t env_vp8_payload(uint8_t *out, uint16_t frame, bool key, uint16_t seq, size_t len) {
    memset(out, 0xab, len);
    out[0] = 0x90; /* X, S */
    out[1] = 0xc0; /* I, L */
    aura_put_u16(out + 2, (uint16_t)(0x8000 | (frame & 0x7fff)));
    out[4] = (uint8_t)frame;
    out[5] = key ? 0x10 : 0x11; /* P, show_frame */
    out[6] = 0;
    out[7] = 0;
    if (key) {
        static const uint8_t start[] = {0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
        memcpy(out + 8, start, sizeof(start));
    }
    aura_put_u16(out + 16, seq);
    return len;
}

void env_send_vp8(struct client *c, uint32_t ssrc, uint16_t seq, uint16_t frame, bool key,
                  size_t len) {
    uint8_t payload[1400];
    env_vp8_payload(payload, frame, key, seq, len);
    client_rtp(c, PT_VP8, seq, 3000u * frame, ssrc, true, NULL, 0, payload, len);
}
