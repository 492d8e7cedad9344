/* SPDX-License-Identifier: Apache-2.0 */
/* Two SFUs with a link between them, as of two nodes: one dials, and tracks cross. */
#include "env.h"

#include <string.h>

enum { FRAMES = 60, PACKET = 600, LINK_SSRC = 0x71000001, LINK_RTX = 0x71000002 };

/** Both ends of a link. */
struct end {
    struct env *e;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
};

static struct end make_end(struct env *e) {
    struct end end = {.e = e};
    const struct aura_sfu_peer_conf conf = {.node = true};
    assert_int_equal(aura_sfu_peer_new(e->sfu, &conf, 0, &e->node, end.ufrag, end.pwd), 0);
    return end;
}

static void describe(struct end *to, const struct end *other, const struct aura_addr *dial) {
    const struct aura_pc_remote remote = {.ufrag = other->ufrag,
                                          .pwd = other->pwd,
                                          .fingerprints = aura_sfu_fingerprint(other->e->sfu),
                                          .fingerprint_count = 1,
                                          .active = dial != NULL,
                                          .dial = dial};
    assert_int_equal(aura_sfu_peer_set_remote(to->e->sfu, to->e->node, &remote), 0);
}

static void run_both(struct env *a, struct env *b) {
    assert_int_equal(aura_loop_run_once(a->loop, 2000), 0);
    assert_int_equal(aura_loop_run_once(b->loop, 2000), 0);
}

#define WAIT_BOTH(a, b, cond)                                                                      \
    do {                                                                                           \
        uint64_t until_ = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;                   \
        while (!(cond)) {                                                                          \
            if (aura_now_us(aura_clock_system()) > until_) {                                       \
                fail_msg("waited for: %s", #cond);                                                 \
            }                                                                                      \
            run_both(a, b);                                                                        \
        }                                                                                          \
    } while (0)

/* @p dialer checks @p lite. */
static void connect_nodes(struct env *dialer, struct env *lite) {
    struct aura_sfu_candidate candidates[AURA_SFU_CANDIDATES_MAX];
    struct end a = make_end(dialer), b = make_end(lite);
    assert_true(aura_sfu_peer_candidates(lite->sfu, lite->node, candidates) > 0);
    describe(&b, &a, NULL);
    describe(&a, &b, &candidates[0].addr);
    WAIT_BOTH(dialer, lite,
              dialer->node_state == AURA_PC_CONNECTED && lite->node_state == AURA_PC_CONNECTED);
}

static aura_sub_id send_over(struct env *from, aura_pub_id pub, const struct aura_media *media) {
    struct client link = {.peer = from->node, .gives_feedback = true};
    return env_subscribe(from, &link, pub, media, LINK_SSRC, LINK_RTX);
}

static aura_pub_id take_over(struct env *to, const struct aura_media *media) {
    struct client link = {.peer = to->node};
    return env_publish(to, &link, media, LINK_SSRC, LINK_RTX);
}

static void end_both(struct env *a, struct env *b) {
    env_end(b);
    env_end(a);
    assert_int_equal(aura_mem_live(), a->blocks_before);
}

/* A frame each few milliseconds until the viewer has so many more. @return the next frame */
static uint16_t show(struct env *a, struct env *b, struct client *who, struct client *viewer,
                     size_t more, uint16_t frame) {
    size_t wanted = viewer->count + more;
    uint64_t until = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;
    while (viewer->count < wanted) {
        bool key = frame == 0 || who->plis > 0;
        who->plis = 0;
        env_send_vp8(who, 0x1234, frame, frame, key, PACKET);
        frame++;
        for (int i = 0; i < 3; i++) {
            run_both(a, b);
        }
        assert_true(aura_now_us(aura_clock_system()) < until);
    }
    return frame;
}

static int a_video_crosses(void) {
    static struct env a, b;
    static struct client publisher, viewer;
    struct aura_media media = env_video("0");
    env_start(&a, 2, 0);
    env_start(&b, 2, 0);
    memset(&publisher, 0, sizeof(publisher));
    memset(&viewer, 0, sizeof(viewer));
    env_client(&a, &publisher, 1);
    env_client(&b, &viewer, 1);
    connect_nodes(&a, &b);
    aura_pub_id pub = env_publish(&a, &publisher, &media, 0x1234, 0x1235);
    aura_pub_id relayed = take_over(&b, &media);
    env_subscribe(&b, &viewer, relayed, &media, 0x9999, 0x999a);
    aura_sub_id crossing = send_over(&a, pub, &media);
    uint16_t frame = show(&a, &b, &publisher, &viewer, FRAMES, 0);
    for (size_t i = 1; i < viewer.count; i++) {
        assert_int_equal((uint16_t)(viewer.log[i].seq - viewer.log[i - 1].seq), 1);
        assert_int_equal(viewer.log[i].ssrc, 0x9999);
        assert_int_equal(viewer.log[i].payload_len, PACKET);
    }
    /* The viewer's request for a key frame goes back over both hops. */
    client_pli(&viewer, 0x9999);
    WAIT_BOTH(&a, &b, publisher.plis > 0);
    frame = show(&a, &b, &publisher, &viewer, FRAMES, frame);
    /* Nothing crosses any more. */
    aura_sfu_sub_close(a.sfu, crossing);
    aura_sfu_peer_close(b.sfu, b.node);
    b.node = 0;
    WAIT_BOTH(&a, &b, a.node_state != AURA_PC_CONNECTED);
    end_both(&a, &b);
    return 0;
}

static int a_lost_link_is_noticed(void) {
    static struct env a, b;
    env_start(&a, 1, 0);
    env_start(&b, 1, 0);
    connect_nodes(&a, &b);
    b.sfu = aura_sfu_free(b.sfu); /* says so by DTLS */
    WAIT_FOR(a.loop, a.node_state == AURA_PC_FAILED || a.node_state == AURA_PC_DISCONNECTED);
    end_both(&a, &b);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_video_crosses),
        AURA_PLAIN(a_lost_link_is_noticed),
    };
    return RUN_CASES("links between nodes", cases);
}
