/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ring whom: each combination of privacy, stance and policy across apps. */
#include "auraid/reach.h"
#include "harness.h"

#include <string.h>

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_directory *d;
    struct aura_id caller, callee;
};

static struct aura_id join(struct world *w, const char *provider, const char *name) {
    const struct aura_proof proof = {provider, name};
    struct aura_identity who;
    bool created;
    assert_int_equal(aura_directory_join(w->d, &proof, name, "", AURA_ID_USER, &who, &created), 0);
    return who.id;
}

static void begin(struct world *w, const char *provider) {
    struct aura_buf why = AURA_BUF(1000);
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    const struct aura_directory_conf conf = {
        .path = ":memory:", .max_identities = 100, .clock = &w->clock.clock, .rand = &w->rand.rand};
    assert_int_equal(aura_directory_open(&w->d, &conf, &why), 0);
    aura_buf_free(&why);
    w->caller = join(w, "livekit/one", "caller");
    w->callee = join(w, provider, "callee");
}

static int ask(struct world *w, const struct aura_reach *r) {
    enum aura_stance stance;
    return aura_reach_person(r, &w->caller, "one", &w->callee, &stance);
}

/* The answer is yes only if the person says so and one of the apps does. */
static void all_combinations(struct world *w, const char *const *allow, size_t allow_count,
                             bool same_app) {
    struct aura_identity who;
    for (int stance = AURA_STANCE_NONE; stance <= AURA_STANCE_BLOCK; stance++) {
        assert_int_equal(
            aura_directory_set_stance(w->d, &w->callee, &w->caller, (enum aura_stance)stance), 0);
        for (int privacy = AURA_PRIVACY_EVERYONE; privacy <= AURA_PRIVACY_NOBODY; privacy++) {
            assert_int_equal(aura_directory_get(w->d, &w->callee, &who), 0);
            who.privacy = (enum aura_privacy)privacy;
            assert_int_equal(aura_directory_update(w->d, &who), 0);
            for (int cross = AURA_PRIVACY_EVERYONE; cross <= AURA_PRIVACY_NOBODY; cross++) {
                const struct aura_reach r = {w->d, (enum aura_privacy)cross, allow, allow_count};
                bool contact = stance == AURA_STANCE_ALLOW;
                bool person =
                    stance != AURA_STANCE_BLOCK && (privacy == AURA_PRIVACY_EVERYONE ||
                                                    (contact && privacy == AURA_PRIVACY_CONTACTS));
                bool app = same_app || allow_count || cross == AURA_PRIVACY_EVERYONE ||
                           (contact && cross == AURA_PRIVACY_CONTACTS);
                assert_int_equal(ask(w, &r), person && app ? 0 : AURA_ENOENT);
            }
        }
    }
}

static int callees_decide(void) {
    static const char *const list[] = {"x>y", "one>two"};
    struct world w;
    begin(&w, "livekit/one");
    all_combinations(&w, NULL, 0, true);
    aura_directory_close(w.d);
    begin(&w, "livekit/two");
    all_combinations(&w, NULL, 0, false);
    all_combinations(&w, list, 2, false);
    aura_directory_close(w.d);
    begin(&w, "matrix"); /* in no app: as in another one */
    all_combinations(&w, NULL, 0, false);
    aura_directory_close(w.d);
    return 0;
}

static int one_of_the_apps_will_do(void) {
    struct world w;
    begin(&w, "livekit/two");
    const struct aura_reach r = {w.d, AURA_PRIVACY_NOBODY, NULL, 0};
    const struct aura_proof agent = {"livekit-agent/one", "bot"};
    assert_int_equal(ask(&w, &r), AURA_ENOENT);
    assert_int_equal(aura_directory_link(w.d, &w.callee, &agent), 0);
    assert_int_equal(ask(&w, &r), 0);
    const struct aura_id nobody = {"nobody"};
    w.callee = nobody;
    assert_int_equal(ask(&w, &r), AURA_ENOENT);
    aura_directory_close(w.d);
    return 0;
}

static int pairs_are_read_as_they_stand(void) {
    static const char *const list[] = {"a>b", "*>c", "d>*"};
    const struct aura_reach r = {NULL, AURA_PRIVACY_NOBODY, list, 3};
    assert_true(aura_reach_app(&r, "a", "b", AURA_STANCE_NONE));
    assert_false(aura_reach_app(&r, "b", "a", AURA_STANCE_NONE)); /* one way only */
    assert_false(aura_reach_app(&r, "aa", "b", AURA_STANCE_NONE));
    assert_false(aura_reach_app(&r, "a", "", AURA_STANCE_NONE));
    assert_true(aura_reach_app(&r, "x", "c", AURA_STANCE_NONE));
    assert_true(aura_reach_app(&r, "d", "x", AURA_STANCE_NONE));
    assert_null(aura_reach_problem("a>b"));
    assert_null(aura_reach_problem("*>*"));
    const char *bad[] = {"", "a", ">", "a>", ">b", "a>b>c"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_non_null(aura_reach_problem(bad[i]));
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(callees_decide),
        AURA_PLAIN(one_of_the_apps_will_do),
        AURA_PLAIN(pairs_are_read_as_they_stand),
    };
    return RUN_CASES("auraid/reach", cases);
}
