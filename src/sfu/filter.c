/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/filter.h"

void aura__filter_start(struct aura_filter *f, const struct aura_packet *p) {
    f->now = f->before = f->want;
    f->since = p->eseq;
}

static struct aura_filter_layers next_layers(const struct aura_filter *f,
                                             const struct aura_packet *p) {
    struct aura_filter_layers x = f->now;
    bool picture_start = p->spatial == 0;
    if (p->key_frame) {
        return f->want;
    }
    if (f->want.spatial < x.spatial && picture_start) {
        x.spatial = f->want.spatial;
    }
    while (x.spatial < f->want.spatial && p->up_spatial && p->up_to[x.spatial + 1] >= 0) {
        x.spatial++;
    }
    int8_t up_to = p->up_to[x.spatial < AURA_MEDIA_LAYERS_MAX ? x.spatial : 0];
    up_to = p->spatial == 0 && p->up_to[0] > up_to ? p->up_to[0] : up_to;
    if (f->want.temporal < x.temporal && picture_start) {
        x.temporal = f->want.temporal;
    } else if (f->want.temporal > x.temporal && up_to > x.temporal && x.temporal >= p->up_from) {
        x.temporal = up_to < f->want.temporal ? (uint8_t)up_to : f->want.temporal;
    }
    return x;
}

static bool passes(struct aura_filter_layers x, const struct aura_packet *p) {
    return p->spatial <= x.spatial && p->temporal <= x.temporal;
}

bool aura__filter_pass(struct aura_filter *f, const struct aura_packet *p) {
    if (p->frame_start && p->eseq >= f->since) {
        struct aura_filter_layers x = next_layers(f, p);
        if (x.spatial != f->now.spatial || x.temporal != f->now.temporal) {
            f->before = f->now;
            f->now = x;
            f->since = p->eseq;
        }
    }
    return aura__filter_passed(f, p);
}

bool aura__filter_passed(const struct aura_filter *f, const struct aura_packet *p) {
    return passes(p->eseq >= f->since ? f->now : f->before, p);
}

bool aura__filter_ends_picture(const struct aura_filter *f, const struct aura_packet *p) {
    const struct aura_filter_layers *x = p->eseq >= f->since ? &f->now : &f->before;
    return p->marker || (p->frame_end && p->spatial == x->spatial);
}
