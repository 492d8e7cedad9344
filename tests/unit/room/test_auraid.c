/* SPDX-License-Identifier: Apache-2.0 */
/* Who has which AuraID, who has none, and what rooms make of it. SQLite has its own memory: no case
 * with failing ones. */
#include "room/identity.h"
#include "rooms_rig.h"

struct scene {
    struct world w;
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_directory *d;
};

static void begin(struct scene *s, uint64_t max) {
    struct aura_buf why = AURA_BUF(1000);
    aura_clock_manual_init(&s->clock, 1000000, UINT64_C(1700000000000000));
    aura_rand_seeded_init(&s->rand, 7);
    const struct aura_directory_conf conf = {
        .path = ":memory:", .max_identities = max, .clock = &s->clock.clock, .rand = &s->rand.rand};
    assert_int_equal(aura_directory_open(&s->d, &conf, &why), 0);
    aura_buf_free(&why);
    const struct aura_rooms_conf rooms = {.auto_create = true,
                                          .directory = s->d,
                                          .aic = true,
                                          .aic_steers = true,
                                          .max_attributes_bytes = 100};
    world_start(&s->w, &rooms);
}

static void end(struct scene *s) {
    world_end(&s->w);
    aura_directory_close(s->d);
}

/* What the join response says of oneself. NULL = no such attribute. */
static const char *attribute(const struct client *c, const char *name) {
    const Livekit__ParticipantInfo *info = GOT(c, JOIN)->join->participant;
    for (size_t i = 0; i < info->n_attributes; i++) {
        if (strcmp(info->attributes[i]->key, name) == 0) {
            return info->attributes[i]->value;
        }
    }
    return NULL;
}

static const char *told(const struct client *c, const char *name) {
    const Livekit__ParticipantUpdate *u = GOT(c, UPDATE) ? GOT(c, UPDATE)->update : NULL;
    for (size_t i = 0; u && i < u->n_participants; i++) {
        const Livekit__ParticipantInfo *info = u->participants[i];
        for (size_t k = 0; k < info->n_attributes; k++) {
            if (strcmp(info->attributes[k]->key, name) == 0) {
                return info->attributes[k]->value;
            }
        }
    }
    return NULL;
}

static int joins_show_it_and_count(void) {
    struct scene s;
    struct client a, b;
    begin(&s, 100);
    enter(&s.w, &a, &(struct wish){.identity = "Ann"});
    assert_string_equal(attribute(&a, "auralink.id"), "@ann.aura");
    const struct aura_id ann = {"ann"}, nobody = {"bob"};
    assert_int_equal(aura_rooms_person_count(s.w.rooms, &ann), 1);
    assert_int_equal(aura_rooms_person_count(s.w.rooms, &nobody), 0);
    enter(&s.w, &b, &(struct wish){.identity = "Ann"}); /* replaces the first */
    assert_string_equal(attribute(&b, "auralink.id"), "@ann.aura");
    assert_int_equal(aura_rooms_person_count(s.w.rooms, &ann), 1);
    struct aura_rooms_stats stats;
    aura_rooms_stats(s.w.rooms, &stats);
    assert_int_equal(stats.auraids, 2);
    assert_int_equal(stats.auraids_new, 1);
    client_end(&a);
    client_end(&b);
    pass(&s.w, 60000);
    pass(&s.w, 60000);
    assert_int_equal(aura_rooms_person_count(s.w.rooms, &ann), 0);
    end(&s);
    return 0;
}

static int a_full_directory_keeps_nobody_out(void) {
    struct scene s;
    struct client a, b;
    begin(&s, 1);
    enter(&s.w, &a, &(struct wish){.identity = "ann"});
    enter(&s.w, &b, &(struct wish){.identity = "bob"});
    assert_non_null(attribute(&a, "auralink.id"));
    assert_null(attribute(&b, "auralink.id"));
    client_end(&a);
    client_end(&b);
    end(&s);
    return 0;
}

static void set_attributes(struct client *c, const char *const (*pairs)[2], size_t n) {
    Livekit__UpdateParticipantMetadata q = LIVEKIT__UPDATE_PARTICIPANT_METADATA__INIT;
    Livekit__UpdateParticipantMetadata__AttributesEntry entries[4], *list[4];
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    for (size_t i = 0; i < n; i++) {
        livekit__update_participant_metadata__attributes_entry__init(&entries[i]);
        entries[i].key = (char *)(uintptr_t)pairs[i][0];
        entries[i].value = (char *)(uintptr_t)pairs[i][1];
        list[i] = &entries[i];
    }
    q.attributes = list;
    q.n_attributes = n;
    q.request_id = 3;
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_METADATA;
    m.update_metadata = &q;
    client_clear(c);
    say(c, &m);
}

/* SDKs send back what they were told: that is no attempt at anything, and counts for nothing. */
static int what_is_the_servers_is_passed_over(void) {
    static const char *const echo[][2] = {{"auralink.id", "@boss.aura"},
                                          {"auralink.aic.TR_x", "ratio:1.00"},
                                          {"auralink.later", "x"},
                                          {"a", "1"}};
    struct scene s;
    struct client a;
    char text[100];
    begin(&s, 100);
    enter(&s.w, &a, &(struct wish){.identity = "ann", .metadata = true});
    set_attributes(&a, echo, 4);
    assert_int_equal(GOT(&a, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__OK);
    assert_string_equal(told(&a, "auralink.id"), "@ann.aura");
    assert_string_equal(told(&a, "a"), "1");
    assert_null(told(&a, "auralink.aic.TR_x"));
    assert_null(told(&a, "auralink.later"));
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    const char *const large[][2] = {{"auralink.id", text}, {"auralink.aic", "off"}};
    set_attributes(&a, large, 2);
    assert_int_equal(GOT(&a, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__OK);
    assert_string_equal(told(&a, "auralink.aic"), "off"); /* a wish, which is the participant's */
    client_end(&a);
    end(&s);
    return 0;
}

static int who_is_deleted_goes_on_without(void) {
    struct scene s;
    struct client a;
    begin(&s, 100);
    enter(&s.w, &a, &(struct wish){.identity = "ann", .metadata = true});
    const struct aura_id ann = {"ann"};
    static const char *const own[][2] = {{"a", "1"}};
    set_attributes(&a, own, 1);
    client_clear(&a);
    aura_rooms_person_deleted(s.w.rooms, &ann);
    assert_null(told(&a, "auralink.id"));
    assert_string_equal(told(&a, "a"), "1");
    assert_int_equal(aura_rooms_person_count(s.w.rooms, &ann), 0);
    client_end(&a);
    end(&s);
    return 0;
}

/* Who would be compressed is told to publish AV1 (docs/aic-protocol.md section 9). */
static bool is_to_be_compressed(struct scene *s) {
    static const struct wish wish = {.identity = "ann",
                                     .user_agent = "Mozilla/5.0 (X11; Linux x86_64) "
                                                   "AppleWebKit/537.36 (KHTML, like Gecko) "
                                                   "Chrome/156.0.0.0 Safari/537.36",
                                     .aic = "on"};
    struct client c;
    bool av1 = false, vp8 = false;
    enter(&s->w, &c, &wish);
    const Livekit__JoinResponse *j = GOT(&c, JOIN)->join;
    for (size_t i = 0; i < j->n_enabled_publish_codecs; i++) {
        av1 |= strcmp(j->enabled_publish_codecs[i]->mime, "video/AV1") == 0;
        vp8 |= strcmp(j->enabled_publish_codecs[i]->mime, "video/VP8") == 0;
    }
    client_end(&c);
    return av1 && !vp8;
}

static int a_person_opts_out_whatever_the_app_says(void) {
    struct scene s;
    struct aura_identity who;
    const struct aura_id ann = {"ann"};
    begin(&s, 100);
    assert_true(is_to_be_compressed(&s));
    for (int off = 1; off >= 0; off--) {
        assert_int_equal(aura_directory_get(s.d, &ann, &who), 0);
        who.aic_off = off;
        assert_int_equal(aura_directory_update(s.d, &who), 0);
        assert_int_equal(is_to_be_compressed(&s), !off);
    }
    end(&s);
    return 0;
}

/* ---- whose a token is ---- */

static struct aura_claims claims_of(const char *identity, const char *kind) {
    struct aura_claims c;
    aura_claims_init(&c);
    c.api_key = (char *)(uintptr_t) "key";
    c.identity = (char *)(uintptr_t)identity;
    c.kind = (char *)(uintptr_t)kind;
    c.has_video = true;
    return c;
}

static int tokens_are_somebodys_or_nobodys(void) {
    struct scene s;
    struct aura_identity who;
    bool created;
    begin(&s, 100);
    struct aura_claims c = claims_of("ann", NULL);
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), 0);
    assert_true(created && strcmp(who.id.name, "ann") == 0 && who.kind == AURA_ID_USER);
    c = claims_of("ann", "standard");
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), 0);
    assert_false(created);
    c.video.hidden = true;
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), AURA_EPOLICY);
    c.video.hidden = false;
    c.video.recorder = true;
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), AURA_EPOLICY);
    static const char *const others[] = {"egress", "ingress", "sip", "agent"};
    for (size_t i = 0; i < 4; i++) {
        c = claims_of("ann", others[i]);
        assert_int_equal(aura_identity_of(s.d, &c, &who, &created), AURA_EPOLICY);
    }
    c = claims_of(NULL, NULL);
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), AURA_EPOLICY);
    assert_int_equal(aura_directory_count(s.d), 1);
    end(&s);
    return 0;
}

static int long_names_are_cut_between_characters(void) {
    struct scene s;
    struct aura_identity who;
    char name[400];
    bool created;
    begin(&s, 100);
    memset(name, 'x', sizeof(name));
    memcpy(name + AURA_DIRECTORY_TEXT_MAX - 1, "\xc3\xa4", 3); /* half of it would fit */
    struct aura_claims c = claims_of("ann", NULL);
    c.name = name;
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), 0);
    assert_int_equal(strlen(who.display), AURA_DIRECTORY_TEXT_MAX - 1);
    assert_int_equal(who.display[AURA_DIRECTORY_TEXT_MAX - 2], 'x');
    end(&s);
    return 0;
}

/* An agent's identity in a room is of one job; the agent is who it is dispatched as. */
static int jobs_of_one_agent_are_one(void) {
    struct scene s;
    struct aura_identity who;
    bool created;
    struct aura_pair named[] = {{(char *)(uintptr_t) "lk.agent_name", (char *)(uintptr_t) "else"},
                                {(char *)(uintptr_t) "lk.agent_name", (char *)(uintptr_t) "echo"}};
    static const char *const jobs[] = {"agent-AJ_1", "agent-AJ_2"};
    begin(&s, 100);
    for (size_t i = 0; i < 2; i++) {
        struct aura_claims c = claims_of(jobs[i], "agent");
        c.attributes = named;
        c.attribute_count = 2;
        assert_int_equal(aura_identity_of(s.d, &c, &who, &created), 0);
        assert_int_equal(created, i == 0);
        assert_string_equal(who.id.name, "echo");
        assert_int_equal(who.kind, AURA_ID_AGENT);
    }
    /* A person of that name is somebody else. */
    struct aura_claims c = claims_of("echo", NULL);
    assert_int_equal(aura_identity_of(s.d, &c, &who, &created), 0);
    assert_true(created && who.kind == AURA_ID_USER && strcmp(who.id.name, "echo") != 0);
    end(&s);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(joins_show_it_and_count),
        AURA_PLAIN(a_full_directory_keeps_nobody_out),
        AURA_PLAIN(what_is_the_servers_is_passed_over),
        AURA_PLAIN(who_is_deleted_goes_on_without),
        AURA_PLAIN(a_person_opts_out_whatever_the_app_says),
        AURA_PLAIN(tokens_are_somebodys_or_nobodys),
        AURA_PLAIN(long_names_are_cut_between_characters),
        AURA_PLAIN(jobs_of_one_agent_are_one),
    };
    return RUN_CASES("auraid", cases);
}
