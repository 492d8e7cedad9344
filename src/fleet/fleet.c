/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet_priv.h"

int aura_fleet_new(struct aura_fleet **out, const struct aura_fleet_conf *conf,
                   struct aura_loop *loop) {
    struct aura_fleet *f = aura_zalloc(sizeof(*f));
    if (!f) {
        return AURA_ENOMEM;
    }
    f->conf = *conf;
    f->handlers = *conf->handlers;
    f->timers = aura_loop_timers(loop);
    f->out = AURA_BUF(AURA_FLEET_MESSAGE_BYTES_MAX + 1024);
    if (aura_map_new(&f->guests, AURA_FLEET_FARS_MAX) ||
        aura_map_new(&f->tracks, AURA_FLEET_TRACKS_MAX) ||
        aura_map_new(&f->viewers, AURA_FLEET_TRACKS_MAX)) {
        aura_fleet_free(f);
        return AURA_ENOMEM;
    }
    *out = f;
    return 0;
}

struct aura_fleet *aura_fleet_free(struct aura_fleet *f) {
    if (f) {
        aura_map_free(f->guests);
        aura_map_free(f->tracks);
        aura_map_free(f->viewers);
        aura_buf_free(&f->out);
        aura_free(f);
    }
    return NULL;
}

void aura_fleet_attach(struct aura_fleet *f, struct aura_sfu *sfu) {
    f->sfu = sfu;
}

void aura_fleet_stats(const struct aura_fleet *f, struct aura_fleet_stats *out) {
    *out = f->stats;
}
