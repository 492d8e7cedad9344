/* SPDX-License-Identifier: Apache-2.0 */
/* Names for lines of the log that others write: media workers, who know only numbers, and src/api.
 */
#include "room/room_priv.h"

#include <stdio.h>

void aura__about(const struct participant *p, const struct track *t, struct aura_sfu_about *out) {
    snprintf(out->room, sizeof(out->room), "%s", p->room->name);
    snprintf(out->room_sid, sizeof(out->room_sid), "%s", p->room->sid);
    snprintf(out->participant, sizeof(out->participant), "%s", p->claims.identity);
    snprintf(out->participant_sid, sizeof(out->participant_sid), "%s", p->sid);
    snprintf(out->track_sid, sizeof(out->track_sid), "%s", t ? t->sid : "");
}

void aura_session_about(const struct aura_session *s, struct aura_sfu_about *out) {
    *out = (struct aura_sfu_about){.room = ""};
    if (s->p) {
        aura__about(s->p, NULL, out);
    }
}
