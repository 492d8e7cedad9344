/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file filter.h  Which layers of one stream go to one subscriber, changed only where a decoder can
 * follow. Flat. Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_FILTER_H
#define AURA_SFU_FILTER_H

#include "sfu/packet.h"

struct aura_filter_layers {
    uint8_t spatial, temporal; /* these and all below pass */
};
struct aura_filter {
    struct aura_filter_layers want, now, before;
    uint64_t since; /* source number from which `now` holds; below it `before` does */
};

/** A new run begins with this key frame: everything wished for passes from here on. */
void aura__filter_start(struct aura_filter *f, const struct aura_packet *p);
/** Whether the packet goes; at the beginning of a frame the layers may change first. */
bool aura__filter_pass(struct aura_filter *f, const struct aura_packet *p);
/** The same without changing anything: for packets seen before. */
bool aura__filter_passed(const struct aura_filter *f, const struct aura_packet *p);
/** The packet is the last one of its picture that passes: it carries the marker (RFC 9628 section
 * 4.1, AV1 RTP section 4.2). */
bool aura__filter_ends_picture(const struct aura_filter *f, const struct aura_packet *p);

#endif
