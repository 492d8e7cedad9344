/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file timeline.h  From RTP timestamps of one stream to its media time, and from there to the wall
 * clock (RFC 3550 section 6.4.1).
 *
 * Media time is in µs, begins with 0 at the first packet and goes on over gaps. Pure. Threading:
 * one at a time.
 */
#ifndef AURA_RECORD_TIMELINE_H
#define AURA_RECORD_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Timestamps that run off from arrival by more are a new beginning of the sender's. */
    AURA_TIMELINE_JUMP_MS = 5000,
};

/** Zero it and set `rate`. */
struct aura_timeline {
    uint32_t rate; /* timestamps a second */
    bool started, has_report, has_offset;
    uint32_t last_ts;
    int64_t ext, base_ext, base_us; /* media time = base_us + (ext - base_ext) / rate */
    int64_t arrival_us;             /* of the newest packet */
    int64_t report_us, ntp_us;      /* media time of the last report; the publisher's clock then */
    int64_t offset_us; /* our wall clock minus the publisher's, with the shortest way seen */
    unsigned jumps;
};

/** Media time of a packet. @param arrival_us  on any clock that only goes forward */
int64_t aura_timeline_packet(struct aura_timeline *t, uint32_t ts, int64_t arrival_us);
/** A sender report. @param ntp  Q32.32 seconds since 1900 */
void aura_timeline_report(struct aura_timeline *t, uint32_t ts, uint64_t ntp);
/** A packet of media time @p media_us came when our wall clock was @p wall_us (since 1970). */
void aura_timeline_seen(struct aura_timeline *t, int64_t media_us, int64_t wall_us);
/** When it was captured, on the publisher's clock (µs since 1970). @return false: no report yet */
bool aura_timeline_captured(const struct aura_timeline *t, int64_t media_us, int64_t *out_us);

#endif
