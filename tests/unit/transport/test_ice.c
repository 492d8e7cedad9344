/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/ice.h"

#include "harness.h"
#include "transport/stun.h"

struct bench {
    struct aura_clock_manual clock;
    struct aura_timers *timers;
    struct aura_ice *ice;
    uint8_t reply[AURA_STUN_MAX];
    size_t reply_len, replies, selections;
    struct aura_path selected;
    enum aura_ice_state state;
};

static void on_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct bench *b = arg;
    (void)path;
    memcpy(b->reply, data, len);
    b->reply_len = len;
    b->replies++;
}
static void on_selected(void *arg, const struct aura_path *path) {
    struct bench *b = arg;
    b->selected = *path;
    b->selections++;
}
static void on_state(void *arg, enum aura_ice_state state) {
    struct bench *b = arg;
    b->state = state;
}
static const struct aura_ice_handlers handlers = {on_send, on_selected, on_state};

static const char pwd[] = "longenoughpasswordhere";

static int start(struct bench *b) {
    memset(b, 0, sizeof(*b));
    aura_clock_manual_init(&b->clock, AURA_US_PER_S, 1);
    TRY(aura_timers_new(&b->timers, &b->clock.clock));
    return aura_ice_new(&b->ice, b->timers, "local", pwd, &handlers, b);
}

static void end(struct bench *b) {
    b->ice = aura_ice_free(b->ice);
    b->timers = aura_timers_free(b->timers);
}

static struct aura_path path_of(uint16_t port) {
    struct aura_path p = {.tcp = 0};
    assert_int_equal(aura_addr_parse(&p.remote, "[2001:db8::7]:1"), 0);
    p.remote.port = port;
    return p;
}

static struct aura_stun_msg request(const char *username, uint32_t priority, bool nominate) {
    return (struct aura_stun_msg){.cls = AURA_STUN_REQUEST,
                                  .method = AURA_STUN_BINDING,
                                  .username = username,
                                  .username_len = username ? strlen(username) : 0,
                                  .has_priority = true,
                                  .priority = priority,
                                  .use_candidate = nominate,
                                  .controlling = true};
}

static size_t deliver(struct bench *b, struct aura_path path, const struct aura_stun_msg *m,
                      const char *password) {
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0, before = b->replies;
    assert_int_equal(aura_stun_build(m, password, out, sizeof(out), &len), 0);
    aura_ice_recv(b->ice, &path, out, len);
    if (b->replies > before && !password) {
        assert_true(b->reply_len <= len); /* never more than the stranger sent */
    }
    return b->replies - before;
}

static void check(struct bench *b, uint16_t port, uint32_t priority, bool nominate) {
    struct aura_stun_msg m = request("local:remote", priority, nominate);
    assert_int_equal(deliver(b, path_of(port), &m, pwd), 1);
}

static uint16_t reply_error(const struct bench *b) {
    struct aura_stun_msg m;
    assert_int_equal(aura_stun_parse(&m, b->reply, b->reply_len), 0);
    return m.error_code;
}

static void pass(struct bench *b, uint32_t ms) {
    for (uint32_t i = 0; i < ms; i += 100) {
        aura_clock_manual_advance(&b->clock, 100 * AURA_US_PER_MS);
        (void)aura_timers_run(b->timers);
    }
}

static int nomination_follows_the_peer(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    check(&b, 1, 100, false);
    assert_int_equal(b.selections, 0);
    assert_null(aura_ice_selected(b.ice));
    struct aura_path one = path_of(1);
    assert_true(aura_ice_path_valid(b.ice, &one));
    check(&b, 1, 100, true);
    if (b.selections == 0) { /* no memory for the timer: the next check does it */
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(b.selected.remote.port, 1);
    assert_int_equal(b.state, AURA_ICE_CONNECTED);
    check(&b, 2, 200, true); /* better: at once */
    assert_int_equal(b.selected.remote.port, 2);
    check(&b, 1, 100, true); /* worse, in turns with the better one: stays */
    check(&b, 2, 200, true);
    pass(&b, 500);
    assert_int_equal(b.selected.remote.port, 2);
    check(&b, 1, 100, true); /* worse, but the other one is not nominated any more */
    pass(&b, 2500);
    assert_int_equal(b.selected.remote.port, 1);
    assert_int_equal(b.selections, 3);
out:
    end(&b);
    return err;
}

static int strangers_get_little(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    struct aura_stun_msg m = request("local:remote", 1, true);
    assert_int_equal(deliver(&b, path_of(1), &m, "wrong"), 1);
    assert_int_equal(reply_error(&b), 401);
    m = request("other:remote", 1, true);
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 401);
    m = request("nocolon", 1, true);
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 401);
    m = request("local:remote", 1, true);
    assert_int_equal(deliver(&b, path_of(1), &m, NULL), 1);
    assert_int_equal(reply_error(&b), 400);
    size_t answers = 0;
    for (int i = 0; i < 1000; i++) {
        answers += deliver(&b, path_of(1), &m, NULL);
    }
    assert_true(answers <= 10);
    assert_int_equal(b.selections, 0);
    struct aura_path one = path_of(1);
    assert_false(aura_ice_path_valid(b.ice, &one));
out:
    end(&b);
    return err;
}

static int remote_name_is_checked(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    TRY_OUT(aura_ice_set_remote(b.ice, "else"));
    struct aura_stun_msg m = request("local:remote", 1, true);
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 401);
    m = request("local:else", 1, false);
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 0);
    char longname[AURA_ICE_UFRAG_MAX + 2];
    memset(longname, 'a', sizeof(longname) - 1);
    longname[sizeof(longname) - 1] = '\0';
    assert_int_equal(aura_ice_set_remote(b.ice, longname), AURA_EINVAL);
    assert_int_equal(aura_ice_set_remote(b.ice, ""), AURA_EINVAL);
out:
    end(&b);
    return err;
}

static int conflicts_and_other_messages(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    struct aura_stun_msg m = request("local:remote", 1, true);
    m.controlling = false;
    m.controlled = true;
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 487);
    m = request("local:remote", 1, true);
    m.cls = AURA_STUN_INDICATION;
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 0);
    m.cls = AURA_STUN_SUCCESS;
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 0);
    m.cls = AURA_STUN_REQUEST;
    m.method = 3; /* TURN allocate */
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 0);
    assert_int_equal(b.selections, 0);
out:
    end(&b);
    return err;
}

static int paths_are_bounded(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    check(&b, 1, 100, true);
    if (b.selections == 0) {
        err = AURA_ENOMEM;
        goto out;
    }
    for (uint16_t port = 2; port < 100; port++) {
        pass(&b, 100);
        check(&b, port, 100, false);
    }
    struct aura_path first = path_of(1), last = path_of(99), old = path_of(50);
    struct aura_path kept = path_of(100 - (AURA_ICE_PATHS_MAX - 1));
    assert_true(aura_ice_path_valid(b.ice, &first)); /* selected: never evicted */
    assert_true(aura_ice_path_valid(b.ice, &last));
    assert_true(aura_ice_path_valid(b.ice, &kept));
    assert_false(aura_ice_path_valid(b.ice, &old));
    last.tcp = 9; /* the same address over a connection is another path */
    assert_false(aura_ice_path_valid(b.ice, &last));
out:
    end(&b);
    return err;
}

static int consent_runs_out(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    assert_false(aura_ice_consent(b.ice));
    check(&b, 1, 100, true);
    if (b.selections == 0) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_true(aura_ice_consent(b.ice));
    pass(&b, 9000);
    check(&b, 2, 1, false); /* another path does not count */
    pass(&b, 2500);
    assert_int_equal(b.state, AURA_ICE_DISCONNECTED);
    assert_true(aura_ice_consent(b.ice));
    pass(&b, 20000);
    assert_int_equal(b.state, AURA_ICE_FAILED);
    assert_false(aura_ice_consent(b.ice));
    check(&b, 1, 100, false);
    assert_int_equal(b.state, AURA_ICE_CONNECTED);
out:
    end(&b);
    return err;
}

static int old_credentials_live_until_the_new_are_used(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    TRY_OUT(aura_ice_restart(b.ice, "fresh", "anotherpasswordanother"));
    check(&b, 1, 100, false);
    struct aura_stun_msg m = request("fresh:remote", 1, false);
    assert_int_equal(deliver(&b, path_of(1), &m, "anotherpasswordanother"), 1);
    assert_int_equal(reply_error(&b), 0);
    m = request("local:remote", 1, false);
    assert_int_equal(deliver(&b, path_of(1), &m, pwd), 1);
    assert_int_equal(reply_error(&b), 401);
    assert_int_equal(aura_ice_restart(b.ice, "", "x"), AURA_EINVAL);
out:
    end(&b);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(nomination_follows_the_peer),
        AURA_CASE(strangers_get_little),
        AURA_CASE(remote_name_is_checked),
        AURA_CASE(conflicts_and_other_messages),
        AURA_CASE(paths_are_bounded),
        AURA_CASE(consent_runs_out),
        AURA_CASE(old_credentials_live_until_the_new_are_used),
    };
    return RUN_CASES("ice", cases);
}
