/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes in one process, with a pipe for the control link and loopback for media. */
#include "env.h"

#include <string.h>

enum { FRAMES = 30, PACKET = 600 };

/** One direction of the pipe: bytes arrive with the next turn, in order. */
struct way {
    struct way *back;
    struct aura_fleet_link *link; /* at the end that it leads to */
    struct letter {
        struct letter *next;
        size_t len;
        uint8_t bytes[];
    } * first, **end;
    size_t queued, closed;
};

struct pair {
    struct env a, b; /* the owner, and a node where others come in */
    struct way to_a, to_b;
};

static int pipe_send(void *arg, const uint8_t *data, size_t len) {
    struct way *w = arg;
    struct letter *l = aura_zalloc(sizeof(*l) + len);
    if (!l) {
        return AURA_ENOMEM;
    }
    l->len = len;
    memcpy(l->bytes, data, len);
    *w->end = l;
    w->end = &l->next;
    w->queued += len;
    return 0;
}

static size_t pipe_queued(void *arg) {
    return ((struct way *)arg)->queued;
}

static void pipe_close(void *arg) {
    struct way *w = arg;
    w->back->link = NULL;
    w->closed++;
}

static void deliver(struct way *w) {
    struct letter *l;
    while ((l = w->first) != NULL) {
        w->first = l->next;
        w->end = w->first ? w->end : &w->first;
        w->queued -= l->len;
        if (w->link) {
            aura_fleet_recv(w->link, l->bytes, l->len);
        }
        aura_free(l);
    }
}

static void turn(struct pair *p) {
    deliver(&p->to_a);
    deliver(&p->to_b);
    assert_int_equal(aura_loop_run_once(p->a.loop, 2000), 0);
    assert_int_equal(aura_loop_run_once(p->b.loop, 2000), 0);
}

#define WAIT_PAIR(p, cond)                                                                         \
    do {                                                                                           \
        uint64_t until_ = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;                   \
        while (!(cond)) {                                                                          \
            if (aura_now_us(aura_clock_system()) > until_) {                                       \
                fail_msg("waited for: %s", #cond);                                                 \
            }                                                                                      \
            turn(p);                                                                               \
        }                                                                                          \
    } while (0)

static void link_both(struct pair *p) {
    const struct aura_fleet_pipe at_a = {pipe_send, pipe_queued, pipe_close, &p->to_b};
    const struct aura_fleet_pipe at_b = {pipe_send, pipe_queued, pipe_close, &p->to_a};
    assert_int_equal(aura_fleet_link_up(&p->to_a.link, p->a.fleet, "node-b", &at_a), 0);
    assert_int_equal(aura_fleet_link_up(&p->to_b.link, p->b.fleet, "node-a", &at_b), 0);
    WAIT_PAIR(p, aura_fleet_node(p->a.fleet, "node-b") && aura_fleet_node(p->b.fleet, "node-a"));
}

static void start(struct pair *p) {
    memset(p, 0, sizeof(*p));
    p->to_a.end = &p->to_a.first;
    p->to_b.end = &p->to_b.first;
    p->to_a.back = &p->to_b;
    p->to_b.back = &p->to_a;
    env_start_node(&p->a, 2, "node-a");
    env_start_node(&p->b, 2, "node-b");
    link_both(p);
}

static void cut(struct pair *p) {
    struct way *ways[] = {&p->to_a, &p->to_b};
    for (size_t i = 0; i < 2; i++) {
        struct aura_fleet_link *l = ways[i]->link;
        ways[i]->link = NULL;
        if (l) {
            aura_fleet_link_down(l);
        }
    }
    deliver(&p->to_a);
    deliver(&p->to_b);
}

static void end(struct pair *p) {
    cut(p);
    env_end(&p->b);
    env_end(&p->a);
    assert_int_equal(aura_mem_live(), p->a.blocks_before);
}

static struct aura_fleet_stats stats_of(const struct env *e) {
    struct aura_fleet_stats s;
    aura_fleet_stats(e->fleet, &s);
    return s;
}

/* A participant of a's room. @param far  who comes in at b */
static void come(struct pair *p, struct client *c, bool far) {
    memset(c, 0, sizeof(*c));
    c->fleet = p->a.fleet;
    c->node = far ? aura_fleet_node(p->a.fleet, "node-b") : 0;
    p->a.clients[p->a.client_count++] = c;
    client_start(c, p->a.loop, p->a.sfu, 1, false);
    WAIT_PAIR(p, c->connected && c->state == AURA_PC_CONNECTED);
}

/* Frames until each viewer has so many more. @return the next frame */
static uint16_t show(struct pair *p, struct client *who, struct client *const *viewers, size_t n,
                     uint16_t frame) {
    size_t wanted[4] = {0};
    uint64_t until = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;
    for (size_t i = 0; i < n; i++) {
        wanted[i] = viewers[i]->count + FRAMES;
    }
    for (size_t done = 0; done < n;) {
        bool key = frame == 0 || who->plis > 0;
        who->plis = 0;
        env_send_vp8(who, 0x1234, frame, frame, key, PACKET);
        frame++;
        for (int i = 0; i < 3; i++) {
            turn(p);
        }
        done = 0;
        for (size_t i = 0; i < n; i++) {
            done += viewers[i]->count >= wanted[i];
        }
        assert_true(aura_now_us(aura_clock_system()) < until);
    }
    return frame;
}

static struct aura_sfu_counters counters(const struct env *e) {
    struct aura_sfu_counters c;
    aura_sfu_peek(e->sfu, &c);
    return c;
}

static int a_track_crosses_once(void) {
    static struct pair p;
    static struct client publisher, one, two;
    struct client *const viewers[] = {&one, &two};
    struct aura_media media = env_video("0");
    start(&p);
    const struct aura_fleet_reach reach = {p.a.sfu, p.a.fleet};
    come(&p, &publisher, false);
    come(&p, &one, true);
    come(&p, &two, true);
    assert_int_equal(stats_of(&p.a).far_peers, 2);
    assert_int_equal(stats_of(&p.b).guests, 2);
    aura_pub_id pub = env_publish(&p.a, &publisher, &media, 0x1234, 0x1235);
    aura_sub_id first = env_subscribe(&p.a, &one, pub, &media, 0x9999, 0x999a);
    aura_sub_id second = env_subscribe(&p.a, &two, pub, &media, 0x8888, 0x888a);
    assert_int_equal(stats_of(&p.a).relays, 1);
    uint16_t frame = show(&p, &publisher, viewers, 2, 0);
    for (size_t i = 1; i < one.count; i++) {
        assert_int_equal((uint16_t)(one.log[i].seq - one.log[i - 1].seq), 1);
        assert_int_equal(one.log[i].ssrc, 0x9999);
    }
    WAIT_PAIR(&p, p.a.started >= 2); /* told by the other node */
    /* One goes to b for both. */
    WAIT_PAIR(&p, counters(&p.a).subs == 1 && counters(&p.b).pubs == 1 && counters(&p.b).subs == 2);
    /* A request goes back over both hops, each of which takes one in half a second. */
    WAIT_PAIR(&p, (client_pli(&two, 0x8888), publisher.plis > 0));
    frame = show(&p, &publisher, viewers, 2, frame);
    /* Nobody wants it: nothing more crosses, though the relay stands for a while. */
    const struct aura_sfu_sub_settings off = {.paused = true}, on = {.max_layer = 2};
    aura_fleet_sub_set(&reach, first, &off);
    assert_int_equal(stats_of(&p.a).relays_wanted, 1);
    aura_fleet_sub_set(&reach, second, &off);
    assert_int_equal(stats_of(&p.a).relays_wanted, 0);
    for (int i = 0; i < 50; i++) {
        turn(&p);
    }
    uint64_t before = counters(&p.b).packets_in;
    for (int i = 0; i < 20; i++) {
        env_send_vp8(&publisher, 0x1234, frame, frame, false, PACKET);
        frame++;
        turn(&p);
    }
    assert_true(counters(&p.b).packets_in - before < 10); /* probes at most */
    aura_fleet_sub_set(&reach, first, &on);
    frame = show(&p, &publisher, viewers, 1, frame);
    aura_fleet_sub_close(&reach, first);
    aura_fleet_sub_close(&reach, second);
    assert_int_equal(stats_of(&p.a).relays, 1);
    WAIT_PAIR(&p, stats_of(&p.a).relays == 0);
    aura_fleet_pub_close(&reach, pub);
    end(&p);
    return 0;
}

static int a_track_comes_from_the_other_node(void) {
    static struct pair p;
    static struct client publisher, beside, viewer;
    struct client *const viewers[] = {&beside, &viewer};
    struct aura_media media = env_video("0");
    start(&p);
    const struct aura_fleet_reach reach = {p.a.sfu, p.a.fleet};
    come(&p, &publisher, true);
    come(&p, &beside, true);
    come(&p, &viewer, false);
    aura_pub_id pub = env_publish(&p.a, &publisher, &media, 0x1234, 0x1235);
    aura_sub_id subs[] = {env_subscribe(&p.a, &beside, pub, &media, 0x9999, 0x999a),
                          env_subscribe(&p.a, &viewer, pub, &media, 0x8888, 0x888a)};
    assert_int_equal(stats_of(&p.a).relays, 1); /* who is beside it needs none */
    (void)show(&p, &publisher, viewers, 2, 0);
    WAIT_PAIR(&p, p.a.layers > 0);
    aura_fleet_poll_stats(&reach);
    WAIT_PAIR(&p, p.a.pub_stats.pub == pub && p.a.pub_stats.packets > 0);
    aura_fleet_sub_close(&reach, subs[0]);
    aura_fleet_pub_close(&reach, pub);
    assert_int_equal(stats_of(&p.a).relays, 0);
    aura_fleet_sub_close(&reach, subs[1]);
    aura_fleet_peer_close(&reach, publisher.peer);
    WAIT_PAIR(&p, stats_of(&p.b).guests == 1);
    end(&p);
    return 0;
}

static int data_goes_both_ways_in_order(void) {
    static struct pair p;
    static struct client near, far;
    start(&p);
    come(&p, &near, false);
    come(&p, &far, true);
    WAIT_PAIR(&p, near.opened[AURA_DATA_RELIABLE] && far.opened[AURA_DATA_RELIABLE]);
    for (int i = 0; i < 50; i++) {
        client_data(&far, AURA_DATA_RELIABLE, "from afar", 9);
        client_data(&near, AURA_DATA_RELIABLE, "to afar", 7);
        turn(&p);
    }
    WAIT_PAIR(&p,
              near.messages[AURA_DATA_RELIABLE] == 50 && far.messages[AURA_DATA_RELIABLE] == 50);
    assert_int_equal(near.bytes[AURA_DATA_RELIABLE], 50 * 9);
    assert_int_equal(far.bytes[AURA_DATA_RELIABLE], 50 * 7);
    end(&p);
    return 0;
}

static int a_cut_link_fails_its_peers(void) {
    static struct pair p;
    static struct client publisher, viewer;
    struct client *const viewers[] = {&viewer};
    struct aura_media media = env_video("0");
    start(&p);
    const struct aura_fleet_reach reach = {p.a.sfu, p.a.fleet};
    come(&p, &publisher, false);
    come(&p, &viewer, true);
    aura_pub_id pub = env_publish(&p.a, &publisher, &media, 0x1234, 0x1235);
    aura_sub_id sub = env_subscribe(&p.a, &viewer, pub, &media, 0x9999, 0x999a);
    uint16_t frame = show(&p, &publisher, viewers, 1, 0);
    cut(&p);
    assert_int_equal(viewer.state, AURA_PC_FAILED);
    assert_int_equal(publisher.state, AURA_PC_CONNECTED);
    assert_int_equal(stats_of(&p.a).relays, 0);
    assert_int_equal(stats_of(&p.b).guests, 0);
    assert_int_equal(aura_fleet_node(p.a.fleet, "node-b"), 0);
    /* What is said of it means nothing any more. */
    const struct aura_sfu_sub_settings on = {.max_layer = 2};
    aura_fleet_sub_set(&reach, sub, &on);
    aura_fleet_sub_close(&reach, sub);
    aura_fleet_peer_close(&reach, viewer.peer);
    /* The node is there again, and so is whoever comes in there. */
    static struct client again;
    struct client *const others[] = {&again};
    link_both(&p);
    come(&p, &again, true);
    sub = env_subscribe(&p.a, &again, pub, &media, 0x7777, 0x777a);
    (void)show(&p, &publisher, others, 1, frame);
    aura_fleet_sub_close(&reach, sub);
    aura_fleet_pub_close(&reach, pub);
    end(&p);
    return 0;
}

static int nonsense_ends_a_link(void) {
    static struct pair p;
    static const uint8_t nonsense[] = {0xff, 0xff, 0xff};
    start(&p);
    aura_fleet_recv(p.to_a.link, nonsense, sizeof(nonsense));
    WAIT_PAIR(&p, p.to_b.closed == 1); /* by a's end, whose pipe leads to b */
    assert_int_equal(stats_of(&p.a).links, 0);
    end(&p);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_track_crosses_once),         AURA_PLAIN(a_track_comes_from_the_other_node),
        AURA_PLAIN(data_goes_both_ways_in_order), AURA_PLAIN(a_cut_link_fails_its_peers),
        AURA_PLAIN(nonsense_ends_a_link),
    };
    return RUN_CASES("the SFUs of several nodes", cases);
}
