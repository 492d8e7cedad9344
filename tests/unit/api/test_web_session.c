/* SPDX-License-Identifier: Apache-2.0 */
#include "api/web_session.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

enum { MAX = 40, IDLE_S = 600, ALL_S = 3600 };

static struct aura_clock_manual now;
static struct aura_rand_seeded random_;
static uint64_t ended[64];
static size_t ended_count;

static void on_ended(void *arg, const struct aura_web_session *session) {
    (void)arg;
    if (ended_count < 64) {
        ended[ended_count++] = session->id;
    }
}

static int fresh(struct aura_web_sessions **sp) {
    const struct aura_web_sessions_conf conf = {.kind = "operator",
                                                .idle_us = IDLE_S * AURA_US_PER_S,
                                                .all_us = ALL_S * AURA_US_PER_S,
                                                .max = MAX,
                                                .clock = &now.clock,
                                                .rand = &random_.rand,
                                                .ended = on_ended};
    aura_clock_manual_init(&now, AURA_US_PER_S, AURA_US_PER_S);
    aura_rand_seeded_init(&random_, 11);
    ended_count = 0;
    return aura_web_sessions_new(sp, &conf);
}

/* What a browser would send back. */
static int sign_in(struct aura_web_sessions *s, const char *who, bool secure, char cookie[128],
                   uint64_t *id) {
    char set[AURA_WEB_SESSION_COOKIE_MAX];
    const struct aura_web_session *session;
    int err = aura_web_session_begin(s, who, secure, set, &session);
    if (!err) {
        (void)snprintf(cookie, 128, "%.*s", (int)strcspn(set, ";"), set);
        *id = session->id;
    }
    return err;
}

static void after_s(uint64_t s) {
    aura_clock_manual_advance(&now, s * AURA_US_PER_S);
}

static int cookies(void) {
    struct aura_web_sessions *s = NULL;
    char set[AURA_WEB_SESSION_COOKIE_MAX], text[512], mine[128], safe[128];
    const struct aura_web_session *got;
    uint64_t id, safe_id;
    int err;
    TRY(fresh(&s));
    TRY_OUT(aura_web_session_begin(s, "ann", false, set, &got));
    assert_int_equal(strncmp(set, "aura_operator=", 14), 0);
    assert_string_equal(strchr(set, ';'), "; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict");
    TRY_OUT(sign_in(s, "ann", false, mine, &id));
    TRY_OUT(sign_in(s, "bob", true, safe, &safe_id));
    assert_int_equal(strncmp(safe, "__Host-aura_operator=", 21), 0);
    got = aura_web_session_find(s, mine, false);
    assert_non_null(got);
    assert_int_equal(got->id, id);
    assert_string_equal(got->who, "ann");
    assert_string_equal(aura_web_session_find(s, safe, true)->who, "bob");
    /* Another way of coming, another name: what was set without TLS is nothing with it. */
    assert_null(aura_web_session_find(s, mine, true));
    assert_null(aura_web_session_find(s, safe, false));
    (void)snprintf(text, sizeof(text), "theme=dark; aura_account=x; %s; z=1", mine);
    assert_non_null(aura_web_session_find(s, text, false));
    (void)snprintf(text, sizeof(text), "xaura_operator=%s", strchr(mine, '=') + 1);
    assert_null(aura_web_session_find(s, text, false));
    mine[20] ^= 1;
    assert_null(aura_web_session_find(s, mine, false));
    assert_null(aura_web_session_find(s, NULL, false));
    assert_null(aura_web_session_find(s, "", false));
    assert_null(aura_web_session_find(s, "aura_operator=", false));
    assert_null(aura_web_session_find(s, ";;; ; aura_operator", false));
    aura_web_session_end(s, safe_id, true, set);
    assert_string_equal(set, "__Host-aura_operator=; Path=/; Max-Age=0; HttpOnly; "
                             "SameSite=Strict; Secure");
    assert_null(aura_web_session_find(s, safe, true));
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0], safe_id);
out:
    aura_web_sessions_free(s);
    return err;
}

static int times(void) {
    struct aura_web_sessions *s = NULL;
    char used[128], unused[128];
    uint64_t id, idle_id;
    int err;
    TRY(fresh(&s));
    TRY_OUT(sign_in(s, "ann", false, used, &id));
    TRY_OUT(sign_in(s, "ann", false, unused, &idle_id));
    for (int i = 0; i < 5; i++) {
        after_s(IDLE_S - 1);
        assert_non_null(aura_web_session_find(s, used, false));
    }
    assert_null(aura_web_session_find(s, unused, false)); /* for that it was not used */
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0], idle_id);
    after_s(IDLE_S - 1);
    assert_non_null(aura_web_session_by_id(s, id));
    assert_non_null(aura_web_session_find(s, used, false));
    after_s(ALL_S - 6 * (IDLE_S - 1)); /* all that it may last */
    assert_null(aura_web_session_by_id(s, id));
    assert_null(aura_web_session_find(s, used, false));
    assert_int_equal(aura_web_sessions_count(s), 0);
out:
    aura_web_sessions_free(s);
    return err;
}

static int ceilings(void) {
    struct aura_web_sessions *s = NULL;
    char first[128], cookie[128], who[16], longest[AURA_WEB_SESSION_WHO_MAX + 2];
    uint64_t id, first_id;
    int err;
    TRY(fresh(&s));
    TRY_OUT(sign_in(s, "ann", false, first, &first_id));
    for (int i = 1; i < AURA_WEB_SESSIONS_OF_ONE_MAX; i++) {
        TRY_OUT(sign_in(s, "ann", false, cookie, &id));
    }
    assert_int_equal(aura_web_sessions_count(s), AURA_WEB_SESSIONS_OF_ONE_MAX);
    TRY_OUT(sign_in(s, "ann", false, cookie, &id));
    assert_int_equal(aura_web_sessions_count(s), AURA_WEB_SESSIONS_OF_ONE_MAX);
    assert_null(aura_web_session_find(s, first, false));
    for (int i = 0; i < 2 * MAX; i++) {
        (void)snprintf(who, sizeof(who), "p%d", i);
        TRY_OUT(sign_in(s, who, false, cookie, &id));
    }
    assert_int_equal(aura_web_sessions_count(s), MAX);
    assert_non_null(aura_web_session_find(s, cookie, false));
    memset(longest, 'x', sizeof(longest));
    longest[AURA_WEB_SESSION_WHO_MAX + 1] = 0;
    assert_int_equal(sign_in(s, longest, false, cookie, &id), AURA_EINVAL);
    assert_int_equal(sign_in(s, "", false, cookie, &id), AURA_EINVAL);
out:
    aura_web_sessions_free(s);
    return err;
}

static int of_one(void) {
    struct aura_web_sessions *s = NULL;
    char a[128], b[128], c[128];
    uint64_t a_id, b_id, c_id;
    int err;
    TRY(fresh(&s));
    TRY_OUT(sign_in(s, "ann", false, a, &a_id));
    TRY_OUT(sign_in(s, "ann", false, b, &b_id));
    TRY_OUT(sign_in(s, "bob", false, c, &c_id));
    assert_int_equal(aura_web_sessions_count_of(s, "ann"), 2);
    aura_web_sessions_end_of(s, "ann", b_id);
    assert_int_equal(aura_web_sessions_count_of(s, "ann"), 1);
    assert_null(aura_web_session_find(s, a, false));
    assert_non_null(aura_web_session_find(s, b, false));
    aura_web_sessions_end_of(s, "ann", 0);
    assert_null(aura_web_session_find(s, b, false));
    assert_non_null(aura_web_session_find(s, c, false));
    aura_web_session_end(s, a_id, false, NULL); /* it has ended: nothing */
    assert_int_equal(aura_web_sessions_count(s), 1);
out:
    aura_web_sessions_free(s);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(cookies), AURA_CASE(times), AURA_CASE(ceilings),
                                       AURA_CASE(of_one)};
    return RUN_CASES("api/web_session", cases);
}
