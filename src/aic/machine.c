/* SPDX-License-Identifier: Apache-2.0 */
#include "aic/machine.h"

#include "base/clock.h"

static const struct aura_aic_machine_conf defaults = {
    .late_us = 20000,
    .late_row = 3,
    .late_percent = 5,
    .late_least = 3,
    .silent_us = 100000,
    .fresh_us = 1000000,
    .warm_us = 1500000,
    .backoff_min_us = 2000000,
    .backoff_max_us = 60000000,
    .steady_us = 60000000,
};

static uint32_t or_default(uint32_t value, uint32_t standard) {
    return value ? value : standard;
}

void aura_aic_machine_init(struct aura_aic_machine *m, const struct aura_aic_machine_conf *conf) {
    const struct aura_aic_machine_conf *d = &defaults;
    *m = (struct aura_aic_machine){.state = AURA_AIC_OFF};
    m->conf = (struct aura_aic_machine_conf){
        .late_us = or_default(conf->late_us, d->late_us),
        .late_row = or_default(conf->late_row, d->late_row),
        .late_percent = or_default(conf->late_percent, d->late_percent),
        .late_least = or_default(conf->late_least, d->late_least),
        .silent_us = or_default(conf->silent_us, d->silent_us),
        .fresh_us = or_default(conf->fresh_us, d->fresh_us),
        .warm_us = or_default(conf->warm_us, d->warm_us),
        .backoff_min_us = or_default(conf->backoff_min_us, d->backoff_min_us),
        .backoff_max_us = or_default(conf->backoff_max_us, d->backoff_max_us),
        .steady_us = or_default(conf->steady_us, d->steady_us),
        .min_vmaf = conf->min_vmaf,
    };
    m->backoff_us = m->conf.backoff_min_us;
}

static void enter(struct aura_aic_machine *m, enum aura_aic_state state, uint64_t now_us) {
    m->state = state;
    m->since_us = now_us;
    m->row = 0;
    m->second_us = now_us;
    m->second_frames = m->second_late = 0;
}

static void forget_frames(struct aura_aic_machine *m) {
    m->sent_first = m->sent_count = m->key_wait = 0;
    m->warm_since_us = 0;
}

/* Native again: at once if nobody sees AI Core's frames yet, else from the next key frame on. */
static void leave(struct aura_aic_machine *m, enum aura_aic_state to, uint64_t now_us) {
    if (m->state == AURA_AIC_ACTIVE) {
        m->holding = true;
        m->ask_key = true;
    }
    enter(m, to, now_us);
}

static void fall_back(struct aura_aic_machine *m, enum aura_aic_reason reason, uint64_t now_us) {
    if (m->state != AURA_AIC_WARMING && m->state != AURA_AIC_ACTIVE) {
        return;
    }
    if (m->state == AURA_AIC_ACTIVE && now_us >= m->since_us + m->conf.steady_us) {
        m->backoff_us = m->conf.backoff_min_us;
    }
    m->fallbacks[reason]++;
    m->reason = reason;
    m->retry_us = now_us + m->backoff_us;
    uint64_t next = (uint64_t)m->backoff_us * 2;
    m->backoff_us = next < m->conf.backoff_max_us ? (uint32_t)next : m->conf.backoff_max_us;
    forget_frames(m);
    leave(m, AURA_AIC_FALLBACK, now_us);
}

void aura_aic_machine_want(struct aura_aic_machine *m, bool wanted, uint64_t now_us) {
    if (wanted == m->wanted) {
        return;
    }
    m->wanted = wanted;
    if (wanted) {
        m->backoff_us = m->conf.backoff_min_us;
        enter(m, AURA_AIC_WARMING, now_us);
    } else {
        forget_frames(m);
        leave(m, AURA_AIC_OFF, now_us);
    }
}

void aura_aic_machine_stream_up(struct aura_aic_machine *m, uint64_t now_us) {
    m->stream = true;
    m->fresh_end_us = now_us + m->conf.fresh_us;
    forget_frames(m);
    if (m->state == AURA_AIC_WARMING) {
        enter(m, AURA_AIC_WARMING, now_us);
    }
}

void aura_aic_machine_stream_down(struct aura_aic_machine *m, enum aura_aic_reason reason,
                                  uint64_t now_us) {
    m->stream = false;
    forget_frames(m);
    fall_back(m, reason, now_us);
}

bool aura_aic_machine_feeds(const struct aura_aic_machine *m) {
    return m->state == AURA_AIC_WARMING || m->state == AURA_AIC_ACTIVE;
}

bool aura_aic_machine_sent(struct aura_aic_machine *m, uint64_t now_us) {
    if (!m->stream || !aura_aic_machine_feeds(m)) {
        return false;
    }
    if (m->sent_count == AURA_AIC_WAITING_MAX) {
        fall_back(m, AURA_AIC_LATE, now_us);
        return false;
    }
    m->sent_us[(m->sent_first + m->sent_count++) % AURA_AIC_WAITING_MAX] = now_us;
    m->key_wait = aura_aic_machine_wants_key(m, now_us) ? m->sent_count : m->key_wait;
    return true;
}

/* It connects, allocates and makes a key frame: several frames' time, and more on a machine that is
 * busy. Leaving for that would mean to begin again, as cold as before. */
static bool is_fresh(const struct aura_aic_machine *m, uint64_t now_us) {
    return m->state == AURA_AIC_WARMING && now_us < m->fresh_end_us;
}

static bool too_late(struct aura_aic_machine *m, bool late, uint64_t now_us) {
    bool fresh = is_fresh(m, now_us);
    if (fresh || now_us >= m->second_us + AURA_US_PER_S) {
        m->second_us = now_us;
        m->second_frames = m->second_late = 0;
    }
    m->frames++;
    m->late += late;
    if (fresh) {
        m->row = 0;
        return false;
    }
    m->second_frames++;
    m->second_late += late;
    m->row = late ? m->row + 1 : 0;
    /* A second that has only begun is judged as if the rest of it were on time. */
    unsigned most = m->second_frames < 30 ? 30 : m->second_frames;
    return m->row >= m->conf.late_row || (m->second_late >= m->conf.late_least &&
                                          m->second_late * 100 > most * m->conf.late_percent);
}

uint32_t aura_aic_machine_answer(struct aura_aic_machine *m, bool key_frame, float vmaf,
                                 uint64_t now_us) {
    if (!m->sent_count) {
        return UINT32_MAX;
    }
    uint64_t took_us = now_us - m->sent_us[m->sent_first];
    bool late = took_us > m->conf.late_us;
    m->sent_first = (m->sent_first + 1) % AURA_AIC_WAITING_MAX;
    m->sent_count--;
    /* A key frame is several times the work of others: one that is late is no reason to wait for
     * another one, which would be as late. */
    bool in_time = !late || (key_frame && m->key_wait == 1);
    m->key_wait -= m->key_wait > 0;
    if (too_late(m, late, now_us)) {
        fall_back(m, AURA_AIC_LATE, now_us);
    } else if (m->state == AURA_AIC_WARMING) {
        bool warm = m->warm_since_us && now_us >= m->warm_since_us + m->conf.warm_us;
        m->warm_since_us = late ? 0 : m->warm_since_us ? m->warm_since_us : now_us;
        bool good = vmaf < 0 || vmaf >= m->conf.min_vmaf;
        if (warm && in_time && key_frame && good) {
            m->holding = false;
            enter(m, AURA_AIC_ACTIVE, now_us);
        } else if (warm && in_time && key_frame) {
            fall_back(m, AURA_AIC_QUALITY, now_us); /* it would ask for key frames for ever */
        }
    } else if (vmaf >= 0 && vmaf < m->conf.min_vmaf) {
        fall_back(m, AURA_AIC_QUALITY, now_us);
    }
    return took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX - 1;
}

void aura_aic_machine_native_key(struct aura_aic_machine *m, uint64_t now_us) {
    (void)now_us;
    m->holding = false;
    m->ask_key = false;
}

/* When the oldest frame that is out has been out for too long. */
static uint64_t silent_at_us(const struct aura_aic_machine *m) {
    uint64_t at_us = m->sent_us[m->sent_first] + m->conf.silent_us;
    return m->state == AURA_AIC_WARMING && at_us < m->fresh_end_us ? m->fresh_end_us : at_us;
}

void aura_aic_machine_tick(struct aura_aic_machine *m, uint64_t now_us) {
    if (m->sent_count && now_us >= silent_at_us(m)) {
        fall_back(m, AURA_AIC_SILENT, now_us);
    }
    if (m->state == AURA_AIC_FALLBACK && now_us >= m->retry_us) {
        enter(m, AURA_AIC_WARMING, now_us);
    }
}

uint64_t aura_aic_machine_due_us(const struct aura_aic_machine *m) {
    if (m->state == AURA_AIC_FALLBACK) {
        return m->retry_us;
    }
    return m->sent_count ? silent_at_us(m) : UINT64_MAX;
}

bool aura_aic_machine_wants_key(const struct aura_aic_machine *m, uint64_t now_us) {
    return m->state == AURA_AIC_WARMING && m->warm_since_us && !m->key_wait &&
           now_us >= m->warm_since_us + m->conf.warm_us;
}

bool aura_aic_machine_shows_aic(const struct aura_aic_machine *m) {
    return m->state == AURA_AIC_ACTIVE || m->holding;
}

bool aura_aic_machine_take_pli(struct aura_aic_machine *m) {
    bool ask = m->ask_key;
    m->ask_key = false;
    return ask;
}

const char *aura_aic_state_name(enum aura_aic_state state) {
    static const char *const names[] = {[AURA_AIC_OFF] = "off",
                                        [AURA_AIC_WARMING] = "warming",
                                        [AURA_AIC_ACTIVE] = "active",
                                        [AURA_AIC_FALLBACK] = "fallback"};
    return (unsigned)state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

const char *aura_aic_reason_name(enum aura_aic_reason reason) {
    static const char *const names[] = {
        [AURA_AIC_FINE] = "fine",       [AURA_AIC_LATE] = "late",
        [AURA_AIC_SILENT] = "silent",   [AURA_AIC_BROKEN] = "broken",
        [AURA_AIC_REFUSED] = "refused", [AURA_AIC_DRAINING] = "draining",
        [AURA_AIC_QUALITY] = "quality",
    };
    return (unsigned)reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
}
