/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rtcp.h  RTCP: compound and reduced-size packets (RFC 3550 §6, RFC 4585, RFC 5104, RFC
 * 5506).
 *
 * Parsers read one struct aura_rtcp; writers append one packet and fail with the writer. XR is in
 * rtcp_xr.h, transport-wide feedback in twcc.h.
 */
#ifndef AURA_RTP_RTCP_H
#define AURA_RTP_RTCP_H

#include "base/bytes.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_RTCP_SR = 200,
    AURA_RTCP_RR = 201,
    AURA_RTCP_SDES = 202,
    AURA_RTCP_BYE = 203,
    AURA_RTCP_RTPFB = 205,
    AURA_RTCP_PSFB = 206,
    AURA_RTCP_XR = 207,
};
enum { AURA_RTPFB_NACK = 1, AURA_RTPFB_TWCC = 15 };
enum { AURA_PSFB_PLI = 1, AURA_PSFB_FIR = 4, AURA_PSFB_AFB = 15 };
enum {
    AURA_RTCP_BLOCKS_MAX = 31,
    AURA_RTCP_CNAME_MAX = 255,
    AURA_RTCP_NACKS_MAX = 256,  /* (pid, blp) pairs taken from one packet; own policy */
    AURA_RTCP_FIRS_MAX = 32,    /* own policy */
    AURA_RTCP_SSRCS_MAX = 32,   /* of a REMB; own policy */
    AURA_RTCP_PACKETS_MAX = 64, /* in one compound; own policy */
};

/** RFC 5761 §4: second byte 192..223 (with a version of 2). */
bool aura_rtcp_is_rtcp(const uint8_t *data, size_t len);

/** One packet of a compound. */
struct aura_rtcp {
    uint8_t type, count; /* count: also the feedback format */
    const uint8_t *body; /* behind the 4-byte header; padding removed */
    size_t len;
};
struct aura_rtcp_iter {
    struct aura_cur cur;
    uint8_t walked;
};
struct aura_rtcp_iter aura_rtcp_packets(const uint8_t *data, size_t len);
/** @return 1 with @p out filled, 0 at the end, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT */
AURA_NODISCARD int aura_rtcp_next(struct aura_rtcp_iter *it, struct aura_rtcp *out);

struct aura_rtcp_sender { /* sender info of an SR */
    uint64_t ntp;
    uint32_t rtp, packets, bytes;
};
struct aura_rtcp_block { /* report block */
    uint32_t ssrc;
    uint8_t fraction_lost; /* Q8 */
    int32_t lost;          /* 24-bit signed */
    uint32_t max_eseq;     /* 32-bit extended highest sequence */
    uint32_t jitter;       /* timestamp units */
    uint32_t lsr, dlsr;    /* dlsr: 1/65536 s */
};
struct aura_rtcp_report {
    uint32_t ssrc;
    bool has_sender;
    struct aura_rtcp_sender sender;
    size_t block_count;
    struct aura_rtcp_block blocks[AURA_RTCP_BLOCKS_MAX];
};
/** SR or RR. @return 0, AURA_ETRUNC, AURA_EMALFORMED (another type) */
AURA_NODISCARD int aura_rtcp_parse_report(struct aura_rtcp_report *out, const struct aura_rtcp *p);
/** First CNAME; @p cname points into the packet, no NUL. @return 0, AURA_ENOENT, AURA_ETRUNC … */
AURA_NODISCARD int aura_rtcp_parse_cname(const struct aura_rtcp *p, uint32_t *ssrc,
                                         const char **cname, size_t *len);
/** @return how many SSRCs (≤ 31) were written to @p ssrcs, or an error */
AURA_NODISCARD int aura_rtcp_parse_bye(const struct aura_rtcp *p,
                                       uint32_t ssrcs[AURA_RTCP_BLOCKS_MAX]);

void aura_rtcp_write_sr(struct aura_wr *w, uint32_t ssrc, const struct aura_rtcp_sender *sender,
                        const struct aura_rtcp_block *blocks, size_t count);
void aura_rtcp_write_rr(struct aura_wr *w, uint32_t ssrc, const struct aura_rtcp_block *blocks,
                        size_t count);
void aura_rtcp_write_cname(struct aura_wr *w, uint32_t ssrc, const char *cname);
void aura_rtcp_write_bye(struct aura_wr *w, const uint32_t *ssrcs, size_t count);

struct aura_rtcp_nack {
    uint16_t pid, blp;
};
/** Calls for each lost sequence number, in order. */
#define AURA_RTCP_NACK_EACH(nack, seq_var)                                                         \
    for (uint32_t each_bits_ = 1u | (uint32_t)(nack).blp << 1, each_i_ = 0; each_i_ < 17;          \
         each_i_++)                                                                                \
        if (each_bits_ >> each_i_ & 1)                                                             \
            for (uint16_t seq_var = (uint16_t)((nack).pid + each_i_), each_once_ = 1; each_once_;  \
                 each_once_ = 0)

struct aura_rtcp_fir {
    uint32_t ssrc;
    uint8_t seq;
};
struct aura_rtcp_remb {
    uint64_t bitrate_bps;
    size_t ssrc_count;
    uint32_t ssrcs[AURA_RTCP_SSRCS_MAX];
};
/** Generic NACK. @return pairs written (≤ cap; more are ignored) or an error */
AURA_NODISCARD int aura_rtcp_parse_nack(const struct aura_rtcp *p, uint32_t *sender,
                                        uint32_t *media, struct aura_rtcp_nack *out, size_t cap);
AURA_NODISCARD int aura_rtcp_parse_pli(const struct aura_rtcp *p, uint32_t *sender,
                                       uint32_t *media);
/** @return entries written (≤ cap) or an error */
AURA_NODISCARD int aura_rtcp_parse_fir(const struct aura_rtcp *p, uint32_t *sender,
                                       struct aura_rtcp_fir *out, size_t cap);
/** @return 0, AURA_EUNSUPPORTED (another application-layer feedback), AURA_ETRUNC … */
AURA_NODISCARD int aura_rtcp_parse_remb(const struct aura_rtcp *p, uint32_t *sender,
                                        struct aura_rtcp_remb *out);

void aura_rtcp_write_nack(struct aura_wr *w, uint32_t sender, uint32_t media,
                          const struct aura_rtcp_nack *nacks, size_t count);
void aura_rtcp_write_pli(struct aura_wr *w, uint32_t sender, uint32_t media);
void aura_rtcp_write_fir(struct aura_wr *w, uint32_t sender, const struct aura_rtcp_fir *firs,
                         size_t count);
/** The bitrate is rounded down to 18 significant bits. */
void aura_rtcp_write_remb(struct aura_wr *w, uint32_t sender, const struct aura_rtcp_remb *remb);

#endif
