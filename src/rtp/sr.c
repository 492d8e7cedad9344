/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/sr.h"

#include "rtp/seq.h"

enum { LOG_SIZE = 8 };
#define US_PER_S UINT64_C(1000000)

uint64_t aura_ntp_of_us(uint64_t wall_us) {
    return (wall_us / US_PER_S + AURA_NTP_UNIX_OFFSET) << 32 |
           ((wall_us % US_PER_S) << 32) / US_PER_S;
}

/* A Q32 fraction to microseconds, rounded, so that of_us and to_us are inverse. */
static uint64_t fraction_us(uint64_t q32) {
    return (q32 * US_PER_S + (UINT64_C(1) << 31)) >> 32;
}

uint64_t aura_ntp_to_us(uint64_t ntp) {
    uint64_t s = ntp >> 32;
    return s < AURA_NTP_UNIX_OFFSET
               ? 0
               : (s - AURA_NTP_UNIX_OFFSET) * US_PER_S + fraction_us(ntp & UINT32_MAX);
}

static uint32_t ticks(uint64_t us, uint32_t clock_rate) {
    return (uint32_t)(us / US_PER_S * clock_rate + us % US_PER_S * clock_rate / US_PER_S);
}

void aura_sr_source_report(struct aura_sr_source *s, const struct aura_rtcp_sender *sr,
                           uint64_t now_us) {
    if (s->has_sr && (int64_t)(sr->ntp - s->sr_ntp) < 0 &&
        s->sr_ntp - sr->ntp < UINT64_C(60) << 32) {
        return; /* overtaken on the way; a bigger step back is a clock that was set */
    }
    s->has_sr = true;
    s->sr_ntp = sr->ntp;
    s->sr_rtp = sr->rtp;
    s->sr_arrival_us = now_us;
}

void aura_sr_source_packet(struct aura_sr_source *s, uint32_t ts, uint64_t now_us) {
    if (!s->has_packet || aura_ts_newer(ts, s->packet_ts) || now_us - s->packet_us > US_PER_S) {
        s->has_packet = true;
        s->packet_ts = ts;
        s->packet_us = now_us;
    }
}

bool aura_sr_source_ts(const struct aura_sr_source *s, uint64_t now_us, uint32_t *ts) {
    if (s->has_sr) {
        *ts = s->sr_rtp + ticks(now_us - s->sr_arrival_us, s->clock_rate);
        return true;
    }
    if (s->has_packet) {
        *ts = s->packet_ts + ticks(now_us - s->packet_us, s->clock_rate);
        return true;
    }
    return false;
}

bool aura_sr_source_convert(const struct aura_sr_source *from, uint32_t ts,
                            const struct aura_sr_source *to, uint32_t *out) {
    int64_t apart_us; /* of the two reference points: to − from */
    uint32_t from_ref, to_ref;
    if (from->has_sr && to->has_sr) {
        int64_t apart = (int64_t)(to->sr_ntp - from->sr_ntp);
        uint64_t size = apart < 0 ? (uint64_t)-apart : (uint64_t)apart;
        uint64_t us = (size >> 32) * US_PER_S + fraction_us(size & UINT32_MAX);
        apart_us = apart < 0 ? -(int64_t)us : (int64_t)us;
        from_ref = from->sr_rtp;
        to_ref = to->sr_rtp;
    } else if (from->has_packet && to->has_packet) {
        apart_us = (int64_t)(to->packet_us - from->packet_us);
        from_ref = from->packet_ts;
        to_ref = to->packet_ts;
    } else {
        return false;
    }
    if (!from->clock_rate || !to->clock_rate) {
        return false;
    }
    int64_t since = (int64_t)aura_ts_diff(ts, from_ref) * to->clock_rate / from->clock_rate;
    uint64_t size_us = apart_us < 0 ? (uint64_t)-apart_us : (uint64_t)apart_us;
    uint32_t apart_ticks = ticks(size_us, to->clock_rate);
    *out = to_ref + (uint32_t)since + (apart_us < 0 ? apart_ticks : 0 - apart_ticks);
    return true;
}

bool aura_sr_make(const struct aura_sr_source *s, uint32_t ts_offset, uint64_t now_us,
                  uint64_t wall_us, uint32_t packets, uint32_t bytes,
                  struct aura_rtcp_sender *out) {
    uint32_t ts;
    if (!s->has_packet || !aura_sr_source_ts(s, now_us, &ts)) {
        return false;
    }
    uint64_t ntp = aura_ntp_of_us(wall_us);
    if (s->has_sr) {
        uint64_t since = now_us - s->sr_arrival_us;
        ntp = s->sr_ntp + (since / US_PER_S << 32) + ((since % US_PER_S) << 32) / US_PER_S;
    }
    *out = (struct aura_rtcp_sender){
        .ntp = ntp, .rtp = ts + ts_offset, .packets = packets, .bytes = bytes};
    return true;
}

void aura_sr_lsr(const struct aura_sr_source *s, uint64_t now_us, uint32_t *lsr, uint32_t *dlsr) {
    *lsr = s->has_sr ? aura_ntp_mid(s->sr_ntp) : 0;
    uint64_t since = now_us - s->sr_arrival_us;
    uint64_t q16 = since / US_PER_S * 65536 + since % US_PER_S * 65536 / US_PER_S;
    *dlsr = !s->has_sr ? 0 : q16 > UINT32_MAX ? UINT32_MAX : (uint32_t)q16;
}

void aura_sr_sent(struct aura_sr_log *log, uint64_t ntp, uint64_t now_us) {
    log->sent[log->next].mid = aura_ntp_mid(ntp);
    log->sent[log->next].us = now_us;
    log->next = (uint8_t)((log->next + 1) % LOG_SIZE);
}

uint32_t aura_sr_rtt_us(const struct aura_sr_log *log, const struct aura_rtcp_block *block,
                        uint64_t now_us) {
    if (!block->lsr) {
        return 0;
    }
    for (unsigned i = 0; i < LOG_SIZE; i++) {
        if (log->sent[i].us && log->sent[i].mid == block->lsr) {
            uint64_t since = now_us - log->sent[i].us;
            uint64_t held = (uint64_t)block->dlsr * US_PER_S / 65536;
            /* A held time that is a little too long by rounding must not look like "unknown". */
            uint64_t rtt = since > held ? since - held : 1;
            return rtt > 10 * US_PER_S ? 0 : (uint32_t)rtt;
        }
    }
    return 0;
}
