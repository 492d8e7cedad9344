/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sr.h  Sender reports (RFC 3550 §6.4.1): time mapping between publisher and subscribers,
 * RTT.
 *
 * NTP values are Q32.32 seconds since 1900.
 */
#ifndef AURA_RTP_SR_H
#define AURA_RTP_SR_H

#include "rtp/rtcp.h"

#define AURA_NTP_UNIX_OFFSET UINT64_C(2208988800)

uint64_t aura_ntp_of_us(uint64_t wall_us);
uint64_t aura_ntp_to_us(uint64_t ntp); /* 0 for times before 1970 */
/** Middle 32 bits, as in LSR. */
static inline uint32_t aura_ntp_mid(uint64_t ntp) {
    return (uint32_t)(ntp >> 16);
}

/** What is known of a published stream's clock. Flat; zero it and set clock_rate. */
struct aura_sr_source {
    uint32_t clock_rate;
    bool has_sr, has_packet;
    uint64_t sr_ntp, sr_arrival_us; /* arrival on our monotonic clock */
    uint32_t sr_rtp;
    uint64_t packet_us; /* arrival of the newest packet */
    uint32_t packet_ts;
};
void aura_sr_source_report(struct aura_sr_source *s, const struct aura_rtcp_sender *sr,
                           uint64_t now_us);
void aura_sr_source_packet(struct aura_sr_source *s, uint32_t ts, uint64_t now_us);
/** The source's RTP timestamp at @p now_us, extrapolated; false if nothing came yet. */
bool aura_sr_source_ts(const struct aura_sr_source *s, uint64_t now_us, uint32_t *ts);
/**
 * Timestamp of @p to that denotes the same moment as @p ts of @p from, by their sender reports
 * (simulcast layers share an NTP clock); by arrival if one has no report yet.
 * @return false if nothing is known
 */
bool aura_sr_source_convert(const struct aura_sr_source *from, uint32_t ts,
                            const struct aura_sr_source *to, uint32_t *out);
/**
 * Sender info of a forwarded stream: the publisher's NTP clock is kept (so its tracks stay in
 * sync), the RTP timestamp is moved by @p ts_offset. Without a report yet: our wall clock.
 * @param packets, bytes  sent to this subscriber
 * @return false if no packet has come yet: send no report
 */
bool aura_sr_make(const struct aura_sr_source *s, uint32_t ts_offset, uint64_t now_us,
                  uint64_t wall_us, uint32_t packets, uint32_t bytes, struct aura_rtcp_sender *out);
/** lsr and dlsr of a report block about this source; 0 before the first report. */
void aura_sr_lsr(const struct aura_sr_source *s, uint64_t now_us, uint32_t *lsr, uint32_t *dlsr);
/**
 * Round trip from a report block. @param sr_ntp, sr_us  NTP value and monotonic time of the report
 * that was sent, as remembered by aura_sr_sent(). @return microseconds, 0 if unknown
 */
struct aura_sr_log { /* the last reports sent, to find what an LSR names. Zero it. */
    struct {
        uint32_t mid;
        uint64_t us;
    } sent[8];
    uint8_t next;
};
void aura_sr_sent(struct aura_sr_log *log, uint64_t ntp, uint64_t now_us);
uint32_t aura_sr_rtt_us(const struct aura_sr_log *log, const struct aura_rtcp_block *block,
                        uint64_t now_us);

#endif
