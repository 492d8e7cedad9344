/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/levels.h"

#include "base/mem.h"
#include "sfu/published.h"

enum { CHANGES_MAX = 64 }; /* in one message; what does not fit comes with the next one */

static void report(void *arg, uint64_t now_us);

static void arm(struct aura_worker *w) {
    aura__wheel_ensure(&w->wheel, &w->levels_due, w->shared->conf.audio_update_us, report, w);
}

/* @return true if the track's state is news */
static bool look(struct aura_published *pub, uint64_t now_us, struct aura_sfu_level *out) {
    bool active = false;
    float level = aura_audio_level_get(&pub->level, now_us, &active);
    bool silent = now_us > pub->level_seen_us + pub->peer->worker->shared->conf.audio_update_us;
    if (!active || pub->source.muted || silent) {
        active = false;
        level = 0;
    }
    if (silent) {
        aura_node_remove(&pub->level_node);
    }
    if (active == pub->level_told_active && !(level > pub->level_told) &&
        !(level < pub->level_told)) {
        return false;
    }
    pub->level_told_active = active;
    pub->level_told = level;
    *out = (struct aura_sfu_level){.pub = pub->source.id, .level = level, .active = active};
    return true;
}

static void report(void *arg, uint64_t now_us) {
    struct aura_worker *w = arg;
    struct aura_sfu_level changed[CHANGES_MAX];
    size_t n = 0;
    AURA_LIST_EACH(&w->speaking, struct aura_published, pub, level_node) {
        if (n < CHANGES_MAX) {
            n += look(pub, now_us, &changed[n]);
        }
    }
    if (n) {
        struct aura_sfu_level *copy = aura_calloc(n, sizeof(*copy));
        if (copy) {
            for (size_t i = 0; i < n; i++) {
                copy[i] = changed[i];
            }
            struct aura_msg m = {.type = AURA_MSG_LEVELS, .ptr = copy, .n = (uint32_t)n};
            aura__worker_tell(w, &m);
        }
    }
    if (!aura_list_empty(&w->speaking)) {
        arm(w);
    }
}

void aura__levels_observed(struct aura_published *pub) {
    struct aura_worker *w = pub->peer->worker;
    if (!aura_node_linked(&pub->level_node)) {
        aura_list_add(&w->speaking, &pub->level_node);
    }
    arm(w);
}
