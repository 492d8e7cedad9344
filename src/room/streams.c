/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribers learn whether a video flows or is paused for want of bandwidth (StreamStateUpdate),
 * operators learn why. */
#include "room/measure.h"

#include "base/log.h"

static void send_state(struct subscription *s, Livekit__StreamState state) {
    Livekit__StreamStateInfo info = LIVEKIT__STREAM_STATE_INFO__INIT, *list[] = {&info};
    info.participant_sid = s->t->p->sid;
    info.track_sid = s->t->sid;
    info.state = state;
    Livekit__StreamStateUpdate update = LIVEKIT__STREAM_STATE_UPDATE__INIT;
    update.n_stream_states = 1;
    update.stream_states = list;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_STREAM_STATE_UPDATE;
    m.stream_state_update = &update;
    aura__send(s->p, &m);
}

void aura__stream_started(struct subscription *s) {
    aura_trace_stop(s->p->trace, AURA_TRACE_MEDIA, AURA_TRACE_SUBSCRIBER);
    aura__measure_stream_started(s);
    if (s->t->request->type == LIVEKIT__TRACK_TYPE__VIDEO) {
        send_state(s, LIVEKIT__STREAM_STATE__ACTIVE);
    }
}

void aura__stream_state(struct subscription *s, const struct aura_sfu_sub_state *state) {
    bool was_paused = s->state_known && s->state.paused;
    AURA_LOG("room", AURA_LOG_DEBUG, "layer", LOG_WHO(s->p), AURA_S("track_sid", s->t->sid),
             AURA_I("spatial", state->spatial), AURA_I("temporal", state->temporal),
             AURA_S("why", aura_alloc_why_name(state->why)), AURA_I("bps", state->bps),
             AURA_I("estimate_bps", state->estimate_bps));
    s->state = *state;
    s->state_known = true;
    if (state->paused != was_paused) {
        send_state(s,
                   state->paused ? LIVEKIT__STREAM_STATE__PAUSED : LIVEKIT__STREAM_STATE__ACTIVE);
    }
}
