/* SPDX-License-Identifier: Apache-2.0 */
/* Who has which track, as updates come. */
#include "client/roster.h"
#include "harness.h"

#include <string.h>

static int updates(void) {
    struct aura_roster *r = NULL;
    Livekit__TrackInfo cam = LIVEKIT__TRACK_INFO__INIT, mic = LIVEKIT__TRACK_INFO__INIT;
    Livekit__TrackInfo *tracks[] = {&cam, &mic};
    Livekit__ParticipantInfo a = LIVEKIT__PARTICIPANT_INFO__INIT,
                             b = LIVEKIT__PARTICIPANT_INFO__INIT;
    Livekit__ParticipantInfo *both[] = {&a, &b};
    char long_name[400];
    int err;
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = 0;
    cam.sid = "TR_cam";
    cam.name = long_name;
    cam.type = LIVEKIT__TRACK_TYPE__VIDEO;
    mic.sid = "TR_mic";
    a.sid = "PA_a";
    a.identity = "anna";
    a.tracks = tracks;
    a.n_tracks = 2;
    b.sid = "PA_b";
    TRY_OUT(aura_roster_new(&r));
    TRY_OUT(aura_roster_update(r, both, 2));
    const struct aura_roster_track *t = aura_roster_find(r, "TR_cam");
    assert_non_null(t);
    assert_string_equal(t->identity, "anna");
    assert_true(t->video);
    assert_int_equal(strlen(t->name), AURA_ROSTER_TEXT_MAX);
    assert_false(aura_roster_find(r, "TR_mic")->video);
    a.n_tracks = 1; /* the microphone was unpublished */
    TRY_OUT(aura_roster_update(r, both, 1));
    assert_null(aura_roster_find(r, "TR_mic"));
    assert_non_null(aura_roster_find(r, "TR_cam"));
    a.state = LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    TRY_OUT(aura_roster_update(r, both, 1));
    assert_null(aura_roster_find(r, "TR_cam"));
out:
    aura_roster_free(r);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(updates)};
    return RUN_CASES("client/roster", cases);
}
