/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtx.h"

#include "base/bytes.h"
#include "rtp/rtp.h"

#include <string.h>

static void set_pt(uint8_t *packet, uint8_t pt) {
    packet[1] = (uint8_t)((packet[1] & 0x80) | (pt & 0x7f));
}

int aura_rtx_unwrap(uint8_t **packet, size_t *len, uint8_t pt, uint32_t ssrc) {
    struct aura_rtp r;
    int err = aura_rtp_parse(&r, *packet, *len);
    if (err) {
        return err;
    }
    if (r.payload_len == 0) {
        return AURA_EIGNORED;
    }
    if (r.payload_len < AURA_RTX_OSN_LEN) {
        return AURA_ETRUNC;
    }
    uint16_t osn = aura_get_u16(r.payload);
    uint8_t *at = *packet + AURA_RTX_OSN_LEN;
    memmove(at, *packet, r.header_len);
    *len -= AURA_RTX_OSN_LEN;
    set_pt(at, pt);
    aura_put_u16(at + 2, osn);
    aura_put_u32(at + 8, ssrc);
    *packet = at;
    return 0;
}

int aura_rtx_wrap(uint8_t **packet, size_t *len, uint8_t pt, uint32_t ssrc, uint16_t seq) {
    struct aura_rtp r;
    int err = aura_rtp_parse(&r, *packet, *len);
    if (err) {
        return err;
    }
    uint8_t *at = *packet - AURA_RTX_OSN_LEN;
    memmove(at, *packet, r.header_len);
    aura_put_u16(at + r.header_len, r.seq);
    set_pt(at, pt);
    aura_put_u16(at + 2, seq);
    aura_put_u32(at + 8, ssrc);
    *packet = at;
    *len += AURA_RTX_OSN_LEN;
    return 0;
}
