/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AURA_BENCH_SRTP3_H
#define AURA_BENCH_SRTP3_H

/*
 * What mediasoup calls of libSRTP 3, on top of Debian's libSRTP 2. The ciphers are the same
 * (OpenSSL's); version 3 writes into a second buffer where version 2 works in place, so that
 * encrypting costs one memcpy of the packet more here (about 0.03 us).
 */
#include <srtp2/srtp.h>
#include <string.h>

/* Statuses that version 3 added; version 2 never returns them. */
#define srtp_err_status_buffer_small ((srtp_err_status_t)1001)
#define srtp_err_status_cryptex_err ((srtp_err_status_t)1002)

static inline srtp_err_status_t bench_srtp_protect(srtp_t session, const uint8_t *rtp,
                                                   size_t rtp_len, uint8_t *srtp, size_t *srtp_len,
                                                   size_t mki_index) {
    int length = (int)rtp_len;

    (void)mki_index;
    if (rtp_len + SRTP_MAX_TRAILER_LEN > *srtp_len)
        return srtp_err_status_buffer_small;
    if (srtp != rtp)
        memcpy(srtp, rtp, rtp_len);
    srtp_err_status_t status = srtp_protect(session, srtp, &length);
    *srtp_len = (size_t)length;
    return status;
}

static inline srtp_err_status_t bench_srtp_unprotect(srtp_t session, const uint8_t *srtp,
                                                     size_t srtp_len, uint8_t *rtp,
                                                     size_t *rtp_len) {
    int length = (int)srtp_len;

    if (srtp != rtp)
        memcpy(rtp, srtp, srtp_len);
    srtp_err_status_t status = srtp_unprotect(session, rtp, &length);
    *rtp_len = (size_t)length;
    return status;
}

static inline srtp_err_status_t bench_srtp_protect_rtcp(srtp_t session, const uint8_t *rtcp,
                                                        size_t rtcp_len, uint8_t *srtcp,
                                                        size_t *srtcp_len, size_t mki_index) {
    int length = (int)rtcp_len;

    (void)mki_index;
    if (rtcp_len + (SRTP_MAX_TRAILER_LEN + 4) > *srtcp_len)
        return srtp_err_status_buffer_small;
    if (srtcp != rtcp)
        memcpy(srtcp, rtcp, rtcp_len);
    srtp_err_status_t status = srtp_protect_rtcp(session, srtcp, &length);
    *srtcp_len = (size_t)length;
    return status;
}

static inline srtp_err_status_t bench_srtp_unprotect_rtcp(srtp_t session, const uint8_t *srtcp,
                                                          size_t srtcp_len, uint8_t *rtcp,
                                                          size_t *rtcp_len) {
    int length = (int)srtcp_len;

    if (srtcp != rtcp)
        memcpy(rtcp, srtcp, srtcp_len);
    srtp_err_status_t status = srtp_unprotect_rtcp(session, rtcp, &length);
    *rtcp_len = (size_t)length;
    return status;
}

/* Version 3 takes host order away: its stream_remove is 2's remove_stream. */
#define srtp_stream_remove srtp_remove_stream
#define srtp_protect bench_srtp_protect
#define srtp_unprotect bench_srtp_unprotect
#define srtp_protect_rtcp bench_srtp_protect_rtcp
#define srtp_unprotect_rtcp bench_srtp_unprotect_rtcp

#endif
