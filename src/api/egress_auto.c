/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that begin by themselves, as a room's configuration wants (CreateRoom, roomConfig). */
#include "api/egress_priv.h"

#include "base/log.h"

static int ask_composite(struct aura__egress_ask *a, const char *room,
                         const Livekit__RoomCompositeEgressRequest *q,
                         Livekit__RoomCompositeEgressRequest *filled) {
    *filled = *q;
    filled->room_name = (char *)(uintptr_t)room;
    return aura__egress_ask_room(a, filled);
}

static int ask_participant(struct aura__egress_ask *a, const char *room, const char *identity,
                           const Livekit__AutoParticipantEgress *q,
                           Livekit__ParticipantEgressRequest *filled) {
    livekit__participant_egress_request__init(filled);
    filled->room_name = (char *)(uintptr_t)room;
    filled->identity = (char *)(uintptr_t)identity;
    filled->file_outputs = q->file_outputs;
    filled->n_file_outputs = q->n_file_outputs;
    filled->segment_outputs = q->segment_outputs;
    filled->n_segment_outputs = q->n_segment_outputs;
    if (q->options_case == LIVEKIT__AUTO_PARTICIPANT_EGRESS__OPTIONS_PRESET) {
        filled->options_case = LIVEKIT__PARTICIPANT_EGRESS_REQUEST__OPTIONS_PRESET;
        filled->preset = q->preset;
    } else if (q->options_case == LIVEKIT__AUTO_PARTICIPANT_EGRESS__OPTIONS_ADVANCED) {
        filled->options_case = LIVEKIT__PARTICIPANT_EGRESS_REQUEST__OPTIONS_ADVANCED;
        filled->advanced = q->advanced;
    }
    return aura__egress_ask_participant(a, filled);
}

struct track_request {
    Livekit__TrackEgressRequest q;
    Livekit__DirectFileOutput file;
};

static int ask_track(struct aura__egress_ask *a, const char *room, const char *sid,
                     const Livekit__AutoTrackEgress *q, struct track_request *filled) {
    livekit__track_egress_request__init(&filled->q);
    livekit__direct_file_output__init(&filled->file);
    filled->file.filepath = q->filepath;
    filled->file.disable_manifest = q->disable_manifest;
    if (q->output_case != LIVEKIT__AUTO_TRACK_EGRESS__OUTPUT__NOT_SET) {
        return aura__egress_refuse(a, "egress.tracks: only files on the server's own disk are "
                                      "supported, no uploads");
    }
    filled->q.room_name = (char *)(uintptr_t)room;
    filled->q.track_id = (char *)(uintptr_t)sid;
    filled->q.output_case = LIVEKIT__TRACK_EGRESS_REQUEST__OUTPUT_FILE;
    filled->q.file = &filled->file;
    return aura__egress_ask_track(a, &filled->q);
}

void aura_egress_begin(void *arg, const struct aura_rooms_egress *wish) {
    struct aura__egress_ask a = {.egress = arg};
    Livekit__RoomCompositeEgressRequest composite;
    Livekit__ParticipantEgressRequest participant;
    struct track_request track;
    const struct aura_recording *e;
    if (!a.egress->recordings) {
        return;
    }
    int err = wish->composite ? ask_composite(&a, wish->room, wish->composite, &composite)
              : wish->participant
                  ? ask_participant(&a, wish->room, wish->identity, wish->participant, &participant)
                  : ask_track(&a, wish->room, wish->track_sid, wish->track, &track);
    err = err ? err : aura__egress_start(&a, &e);
    if (err) {
        AURA_LOG("record", AURA_LOG_WARN, "egress_refused", AURA_S("room", wish->room),
                 AURA_S("room_sid", wish->room_sid), AURA_S("participant", wish->identity),
                 AURA_S("participant_sid", wish->participant_sid),
                 AURA_S("track_sid", wish->track_sid),
                 AURA_S("why", a.why ? a.why : aura_err_text(err)));
    }
}

/* The room is not there yet, nor anybody in it: that alone is no reason. */
static bool refused(int err) {
    return err && err != AURA_ENOENT;
}

int aura_egress_check(const struct aura_egress *g, const char *room,
                      const Livekit__RoomEgress *egress, const char **why) {
    struct aura__egress_ask a = {.egress = g}, b = a, c = a;
    Livekit__RoomCompositeEgressRequest composite;
    Livekit__ParticipantEgressRequest participant;
    struct track_request track;
    int err = egress->room ? ask_composite(&a, room, egress->room, &composite) : 0;
    *why = a.why;
    if (!refused(err) && egress->participant) {
        err = ask_participant(&b, room, "somebody", egress->participant, &participant);
        *why = b.why;
    }
    if (!refused(err) && egress->tracks) {
        err = ask_track(&c, room, "TR_some", egress->tracks, &track);
        *why = c.why;
    }
    return refused(err) ? err : 0;
}
