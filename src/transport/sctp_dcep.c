/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sctp_dcep.h"

#include "base/bytes.h"

enum { UNORDERED = 0x80 };

int aura_dcep_type(const uint8_t *data, size_t len) {
    if (len == 0) {
        return 0;
    }
    return data[0] == AURA_DCEP_ACK || data[0] == AURA_DCEP_OPEN ? data[0] : 0;
}

int aura_dcep_parse_open(struct aura_dcep_open *o, const uint8_t *data, size_t len) {
    struct aura_cur c = aura_cur_of(data, len);
    *o = (struct aura_dcep_open){0};
    uint8_t type = aura_cur_u8(&c);
    uint8_t channel = aura_cur_u8(&c);
    o->priority = aura_cur_u16(&c);
    o->parameter = aura_cur_u32(&c);
    o->label_len = aura_cur_u16(&c);
    o->protocol_len = aura_cur_u16(&c);
    o->label = (const char *)aura_cur_take(&c, o->label_len);
    o->protocol = (const char *)aura_cur_take(&c, o->protocol_len);
    if (c.fail) {
        return AURA_ETRUNC;
    }
    if (o->label_len > AURA_DCEP_LABEL_MAX || o->protocol_len > AURA_DCEP_LABEL_MAX) {
        return AURA_ELIMIT;
    }
    if (type != AURA_DCEP_OPEN || (channel & ~UNORDERED) > AURA_DCEP_TIMED ||
        aura_cur_left(&c) > 0) {
        return AURA_EMALFORMED;
    }
    o->unordered = channel & UNORDERED;
    o->reliability = (enum aura_dcep_reliability)(channel & ~UNORDERED);
    return 0;
}

int aura_dcep_build_open(const struct aura_dcep_open *o, uint8_t *out, size_t cap, size_t *len) {
    struct aura_wr w = aura_wr_of(out, cap);
    if (o->label_len > AURA_DCEP_LABEL_MAX || o->protocol_len > AURA_DCEP_LABEL_MAX) {
        return AURA_ELIMIT;
    }
    aura_wr_u8(&w, AURA_DCEP_OPEN);
    aura_wr_u8(&w, (uint8_t)((unsigned)o->reliability | (o->unordered ? UNORDERED : 0)));
    aura_wr_u16(&w, o->priority);
    aura_wr_u32(&w, o->parameter);
    aura_wr_u16(&w, (uint16_t)o->label_len);
    aura_wr_u16(&w, (uint16_t)o->protocol_len);
    aura_wr_bytes(&w, o->label, o->label_len);
    aura_wr_bytes(&w, o->protocol, o->protocol_len);
    if (w.fail) {
        return AURA_ELIMIT;
    }
    *len = aura_wr_len(&w);
    return 0;
}
