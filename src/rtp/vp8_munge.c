/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp8_munge.h"

static uint16_t pid_mask(const struct aura_vp8 *v) {
    return v->pid_long ? 0x7fff : 0x7f;
}

/* Extends a 7- or 15-bit picture id next to the newest one; without moving the state. */
static uint64_t extend(const struct aura_vp8_munge *m, const struct aura_vp8 *v) {
    uint32_t range = (uint32_t)pid_mask(v) + 1;
    uint32_t delta = (v->pid - (uint32_t)m->in_pid) & (range - 1);
    return delta < range / 2 ? m->in_pid + delta : m->in_pid + delta - range;
}

void aura_vp8_munge_switch(struct aura_vp8_munge *m, const struct aura_vp8 *v) {
    if (v->has_pid) {
        m->in_pid = (UINT64_C(1) << 16) + v->pid;
        aura_gapmap_start(&m->gaps, m->in_pid);
        /* The very first source passes as it is. */
        m->out_base = m->sent ? m->pid_newest + UINT64_C(1) : v->pid;
    }
    m->tl0_offset = m->sent ? (uint8_t)(m->tl0_newest + 1 - v->tl0) : 0;
    m->key_offset = m->sent ? (uint8_t)(m->key_newest + 1 - v->keyidx) : 0;
    m->started = true;
}

bool aura_vp8_munge_packet(struct aura_vp8_munge *m, struct aura_vp8 *v) {
    if (!m->started) {
        return false;
    }
    bool newest = true;
    if (v->has_pid) {
        uint64_t in = extend(m, v), mapped;
        if (!aura_gapmap_map(&m->gaps, in, &mapped)) {
            return false;
        }
        newest = in >= m->in_pid;
        m->in_pid = newest ? in : m->in_pid;
        v->pid = (uint16_t)((mapped + m->out_base) & pid_mask(v));
    }
    v->tl0 = (uint8_t)(v->tl0 + m->tl0_offset);
    v->keyidx = (uint8_t)((v->keyidx + m->key_offset) & 0x1f);
    if (newest) {
        m->pid_newest = v->has_pid ? v->pid : m->pid_newest;
        m->tl0_newest = v->has_tl0 ? v->tl0 : m->tl0_newest;
        m->key_newest = v->has_keyidx ? v->keyidx : m->key_newest;
        m->sent = true;
    }
    return true;
}

void aura_vp8_munge_drop(struct aura_vp8_munge *m, const struct aura_vp8 *v) {
    if (!m->started || !v->has_pid) {
        return;
    }
    uint64_t in = extend(m, v);
    (void)aura_gapmap_drop(&m->gaps, in);
    m->in_pid = in > m->in_pid ? in : m->in_pid;
}
