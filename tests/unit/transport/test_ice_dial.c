/* SPDX-License-Identifier: Apache-2.0 */
/* One that dials and a lite one that answers, with a wire between them that may be cut. */
#include "transport/ice.h"

#include "harness.h"
#include "transport/stun.h"

enum { WIRE_MS = 20, FLYING_MAX = 64 };

struct side {
    struct bench *b;
    struct aura_ice *ice;
    struct aura_path own; /* that the other one sends to */
    size_t sent, selections;
    enum aura_ice_state state;
};

struct bench {
    struct aura_clock_manual clock;
    struct aura_timers *timers;
    struct aura_rand_seeded rand;
    struct side dialer, lite;
    bool cut;
    struct {
        struct side *to;
        uint64_t at_us; /* 0 = free */
        size_t len;
        uint8_t data[AURA_STUN_MAX];
    } flying[FLYING_MAX];
};

static const char pwd[] = "longenoughpasswordhere", other_pwd[] = "anotherpasswordanother";

static struct aura_path path_of(uint16_t port) {
    struct aura_path p = {.tcp = 0};
    assert_int_equal(aura_addr_parse(&p.remote, "10.0.0.7"), 0);
    p.remote.port = port;
    return p;
}

static void on_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct side *s = arg;
    struct bench *b = s->b;
    struct side *to = s == &b->dialer ? &b->lite : &b->dialer;
    s->sent++;
    assert_true(aura_path_equal(path, &to->own));
    for (size_t i = 0; i < FLYING_MAX && !b->cut; i++) {
        if (!b->flying[i].at_us) {
            b->flying[i].to = to;
            b->flying[i].at_us = aura_now_us(&b->clock.clock) + WIRE_MS * AURA_US_PER_MS;
            b->flying[i].len = len;
            memcpy(b->flying[i].data, data, len);
            return;
        }
    }
}

static void on_selected(void *arg, const struct aura_path *path) {
    struct side *s = arg;
    struct side *other = s == &s->b->dialer ? &s->b->lite : &s->b->dialer;
    assert_true(aura_path_equal(path, &other->own));
    s->selections++;
}

static void on_state(void *arg, enum aura_ice_state state) {
    struct side *s = arg;
    s->state = state;
}

static void arrive(struct bench *b) {
    for (size_t i = 0; i < FLYING_MAX; i++) {
        if (b->flying[i].at_us && b->flying[i].at_us <= aura_now_us(&b->clock.clock)) {
            struct side *to = b->flying[i].to;
            struct side *from = to == &b->dialer ? &b->lite : &b->dialer;
            b->flying[i].at_us = 0;
            aura_ice_recv(to->ice, &from->own, b->flying[i].data, b->flying[i].len);
        }
    }
}

static void pass(struct bench *b, uint32_t ms) {
    for (uint32_t i = 0; i < ms; i += 10) {
        aura_clock_manual_advance(&b->clock, 10 * AURA_US_PER_MS);
        arrive(b);
        (void)aura_timers_run(b->timers);
    }
}

static int start(struct bench *b) {
    static const struct aura_ice_handlers handlers = {on_send, on_selected, on_state};
    memset(b, 0, sizeof(*b));
    aura_clock_manual_init(&b->clock, AURA_US_PER_S, 1);
    aura_rand_seeded_init(&b->rand, 7);
    b->dialer = (struct side){.b = b, .own = path_of(1)};
    b->lite = (struct side){.b = b, .own = path_of(2)};
    TRY(aura_timers_new(&b->timers, &b->clock.clock));
    TRY(aura_ice_new(&b->lite.ice, b->timers, "lite", pwd, &handlers, &b->lite));
    TRY(aura_ice_set_remote(b->lite.ice, "dialer"));
    TRY(aura_ice_new(&b->dialer.ice, b->timers, "dialer", other_pwd, &handlers, &b->dialer));
    aura_ice_set_patience(b->lite.ice, 1000);
    aura_ice_set_patience(b->dialer.ice, 1000);
    return 0;
}

static void end(struct bench *b) {
    b->dialer.ice = aura_ice_free(b->dialer.ice);
    b->lite.ice = aura_ice_free(b->lite.ice);
    b->timers = aura_timers_free(b->timers);
}

static int dial(struct bench *b, const char *password) {
    return aura_ice_dial(b->dialer.ice, &b->lite.own, "lite", password, &b->rand.rand);
}

static int both_are_connected(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    TRY_OUT(dial(&b, pwd));
    assert_int_equal(dial(&b, pwd), AURA_ESTATE);
    pass(&b, 100);
    if (!b.lite.selections) { /* no memory for its timer: with the next check */
        pass(&b, 300);
    }
    assert_int_equal(b.dialer.state, AURA_ICE_CONNECTED);
    assert_int_equal(b.lite.state, AURA_ICE_CONNECTED);
    assert_int_equal(b.dialer.selections, 1);
    assert_true(aura_ice_path_valid(b.dialer.ice, &b.lite.own));
    assert_int_equal(aura_ice_rtt_us(b.dialer.ice), 2 * WIRE_MS * AURA_US_PER_MS);
    assert_int_equal(aura_ice_rtt_us(b.lite.ice), 0);
    size_t sent = b.dialer.sent;
    pass(&b, 60000);
    assert_int_equal(b.dialer.sent - sent, 240);
    assert_int_equal(b.dialer.selections, 1);
    assert_int_equal(b.lite.state, AURA_ICE_CONNECTED);
    assert_true(aura_ice_consent(b.dialer.ice) && aura_ice_consent(b.lite.ice));
out:
    end(&b);
    return err;
}

static int a_cut_is_noticed_within_a_second_or_so(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    TRY_OUT(dial(&b, pwd));
    pass(&b, 1000);
    b.cut = true;
    pass(&b, 700);
    assert_int_equal(b.dialer.state, AURA_ICE_CONNECTED);
    pass(&b, 700);
    assert_int_equal(b.dialer.state, AURA_ICE_DISCONNECTED);
    assert_int_equal(b.lite.state, AURA_ICE_DISCONNECTED);
    b.cut = false;
    pass(&b, 400);
    assert_int_equal(b.dialer.state, AURA_ICE_CONNECTED);
    assert_int_equal(b.lite.state, AURA_ICE_CONNECTED);
    b.cut = true;
    pass(&b, 31000);
    assert_int_equal(b.dialer.state, AURA_ICE_FAILED);
    assert_int_equal(b.lite.state, AURA_ICE_FAILED);
    b.cut = false;
    pass(&b, 400);
    assert_int_equal(b.dialer.state, AURA_ICE_CONNECTED);
out:
    end(&b);
    return err;
}

static int who_cannot_prove_itself_is_not_heard(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    assert_int_equal(dial(&b, ""), AURA_EINVAL);
    TRY_OUT(dial(&b, other_pwd));
    pass(&b, 3000);
    assert_true(b.lite.sent > 0); /* 401, a few */
    assert_int_equal(b.dialer.selections + b.lite.selections, 0);
    assert_int_equal(b.dialer.state, AURA_ICE_NEW);
out:
    end(&b);
    return err;
}

/* The newest check's answer, made by somebody else: without the password, or from elsewhere. */
static int forged_answers(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    TRY_OUT(dial(&b, pwd));
    pass(&b, 10);
    struct aura_stun_msg check;
    assert_int_equal(b.dialer.sent, 1);
    assert_int_equal(aura_stun_parse(&check, b.flying[0].data, b.flying[0].len), 0);
    assert_true(check.use_candidate && check.controlling);
    struct aura_stun_msg ok = {.cls = AURA_STUN_SUCCESS,
                               .method = AURA_STUN_BINDING,
                               .tid = check.tid,
                               .has_mapped = true,
                               .mapped = b.dialer.own.remote};
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    assert_int_equal(aura_stun_build(&ok, other_pwd, out, sizeof(out), &len), 0);
    aura_ice_recv(b.dialer.ice, &b.lite.own, out, len);
    assert_int_equal(aura_stun_build(&ok, pwd, out, sizeof(out), &len), 0);
    struct aura_path elsewhere = path_of(3);
    aura_ice_recv(b.dialer.ice, &elsewhere, out, len);
    ok.tid.b[0] ^= 1;
    assert_int_equal(aura_stun_build(&ok, pwd, out, sizeof(out), &len), 0);
    aura_ice_recv(b.dialer.ice, &b.lite.own, out, len);
    assert_int_equal(b.dialer.selections, 0);
    ok.tid.b[0] ^= 1;
    assert_int_equal(aura_stun_build(&ok, pwd, out, sizeof(out), &len), 0);
    aura_ice_recv(b.dialer.ice, &b.lite.own, out, len);
    assert_int_equal(b.dialer.selections, 1);
    assert_int_equal(aura_ice_rtt_us(b.dialer.ice), 0); /* at the same moment */
out:
    end(&b);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(both_are_connected),
        AURA_CASE(a_cut_is_noticed_within_a_second_or_so),
        AURA_CASE(who_cannot_prove_itself_is_not_heard),
        AURA_CASE(forged_answers),
    };
    return RUN_CASES("ice_dial", cases);
}
