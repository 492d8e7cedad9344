/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtp.h"

#include "base/bytes.h"

int aura_rtp_parse(struct aura_rtp *r, const uint8_t *data, size_t len) {
    *r = (struct aura_rtp){0};
    struct aura_cur c = aura_cur_of(data, len);
    uint8_t first = aura_cur_u8(&c), second = aura_cur_u8(&c);
    r->seq = aura_cur_u16(&c);
    r->ts = aura_cur_u32(&c);
    r->ssrc = aura_cur_u32(&c);
    if (c.fail) {
        return AURA_ETRUNC;
    }
    if (first >> 6 != 2) {
        return AURA_EMALFORMED;
    }
    r->marker = second & 0x80;
    r->pt = second & 0x7f;
    r->csrc_count = first & 0x0f;
    r->csrc = aura_cur_take(&c, (size_t)r->csrc_count * 4);
    if (first & 0x10) {
        r->ext_profile = aura_cur_u16(&c);
        size_t ext_len = (size_t)aura_cur_u16(&c) * 4;
        if (!c.fail && ext_len > AURA_RTP_EXT_BYTES_MAX) {
            return AURA_ELIMIT;
        }
        r->ext = aura_cur_take(&c, ext_len);
        r->ext_len = (uint16_t)ext_len;
    }
    if (c.fail) {
        return AURA_ETRUNC;
    }
    r->header_len = (size_t)(c.p - data);
    r->payload = c.p;
    r->payload_len = aura_cur_left(&c);
    if (first & 0x20) {
        /* The count includes itself, so 0 is as wrong as one that reaches into the header. */
        r->padding_len = r->payload_len ? data[len - 1] : 0;
        if (r->padding_len == 0 || r->padding_len > r->payload_len) {
            return AURA_EMALFORMED;
        }
        r->payload_len -= r->padding_len;
    }
    return 0;
}

struct aura_rtp_iter aura_rtp_items(const struct aura_rtp *r) {
    struct aura_rtp_iter it = {0};
    it.two_byte = (r->ext_profile & 0xfff0) == AURA_RTP_EXT_TWO_BYTE;
    if (r->ext && (it.two_byte || r->ext_profile == AURA_RTP_EXT_ONE_BYTE)) {
        it.p = r->ext;
        it.end = r->ext + r->ext_len;
    }
    return it;
}

bool aura_rtp_next(struct aura_rtp_iter *it, struct aura_rtp_item *item) {
    while (it->p < it->end && *it->p == 0) { /* padding bytes between elements */
        it->p++;
    }
    if (it->p >= it->end || it->walked >= AURA_RTP_ITEMS_MAX) {
        return false;
    }
    struct aura_cur c = aura_cur_of(it->p, (size_t)(it->end - it->p));
    uint8_t id = aura_cur_u8(&c);
    uint8_t len;
    if (it->two_byte) {
        len = aura_cur_u8(&c);
    } else {
        len = (uint8_t)((id & 0x0f) + 1);
        id >>= 4;
        if (id == 15) { /* RFC 8285 §4.2: stop here */
            it->p = it->end;
            return false;
        }
    }
    const uint8_t *data = aura_cur_take(&c, len);
    if (c.fail) {
        it->p = it->end;
        return false;
    }
    it->p = c.p;
    it->walked++;
    *item = (struct aura_rtp_item){.id = id, .len = len, .data = data};
    return true;
}

bool aura_rtp_find(const struct aura_rtp *r, uint8_t id, struct aura_rtp_item *item) {
    struct aura_rtp_iter it = aura_rtp_items(r);
    while (aura_rtp_next(&it, item)) {
        if (item->id == id) {
            return true;
        }
    }
    return false;
}

static bool text_ok(const struct aura_rtp_item *item, size_t max) {
    return item->len > 0 && item->len <= max;
}

/* @return false if the element has a size that it cannot have */
static bool take_value(struct aura_rtp_exts *out, enum aura_ext ext,
                       const struct aura_rtp_item *item) {
    struct aura_cur c = aura_cur_of(item->data, item->len);
    uint32_t v;
    switch (ext) {
    case AURA_EXT_MID:
        return text_ok(item, AURA_MEDIA_MID_MAX);
    case AURA_EXT_RID:
    case AURA_EXT_REPAIRED_RID:
        return text_ok(item, AURA_MEDIA_RID_MAX);
    case AURA_EXT_AUDIO_LEVEL:
        v = aura_cur_u8(&c);
        out->voice = v & 0x80;
        out->audio_level_dbov = v & 0x7f;
        return !c.fail;
    case AURA_EXT_TWCC:
        out->twcc_seq = aura_cur_u16(&c);
        return !c.fail;
    case AURA_EXT_ABS_SEND_TIME:
        out->abs_send_time = aura_cur_u24(&c);
        return item->len == 3;
    case AURA_EXT_ABS_CAPTURE_TIME:
        out->abs_capture_ntp = aura_cur_u64(&c);
        out->abs_capture_offset_q32 = item->len == 16 ? (int64_t)aura_cur_u64(&c) : 0;
        return item->len == 8 || item->len == 16;
    case AURA_EXT_VIDEO_ORIENTATION:
        v = aura_cur_u8(&c);
        out->camera_back = v & 8;
        out->flip = v & 4;
        out->rotation = v & 3;
        return item->len == 1;
    case AURA_EXT_PLAYOUT_DELAY:
        v = aura_cur_u24(&c);
        out->playout_min_ms = (uint16_t)((v >> 12) * 10);
        out->playout_max_ms = (uint16_t)((v & 0xfff) * 10);
        return item->len == 3;
    case AURA_EXT_DEPENDENCY_DESCRIPTOR:
        return item->len >= 3;
    case AURA_EXT_COLOR_SPACE:
    case AURA_EXT_VIDEO_CONTENT_TYPE:
    case AURA_EXT_VIDEO_TIMING:
    case AURA_EXT_TOFFSET:
    case AURA_EXT_VIDEO_LAYERS_ALLOCATION:
    case AURA_EXT_AIC:
        return item->len > 0;
    case AURA_EXT_COUNT:
        break;
    }
    return false;
}

void aura_rtp_ext_parse_all(const struct aura_rtp *r, const struct aura_ext_map *map,
                            struct aura_rtp_exts *out) {
    *out = (struct aura_rtp_exts){0};
    struct aura_rtp_iter it = aura_rtp_items(r);
    struct aura_rtp_item item;
    while (aura_rtp_next(&it, &item)) {
        for (int e = 0; e < AURA_EXT_COUNT; e++) {
            if (map->id[e] != item.id || aura_rtp_has(out, (enum aura_ext)e)) {
                continue;
            }
            if (take_value(out, (enum aura_ext)e, &item)) {
                out->present |= UINT32_C(1) << e;
                out->at[e].data = item.data;
                out->at[e].len = item.len;
            }
            break;
        }
    }
}

/* Bytes of the elements without padding, or SIZE_MAX. */
static size_t items_size(const struct aura_rtp_item *items, size_t count, bool *two_byte) {
    size_t used = 0, bytes = 0;
    *two_byte = false;
    for (size_t i = 0; i < count; i++) {
        if (items[i].id == 0) {
            continue;
        }
        used++;
        bytes += items[i].len;
        *two_byte |= items[i].id > 14 || items[i].len == 0 || items[i].len > 16;
    }
    bytes += used * (*two_byte ? 2 : 1);
    return used > AURA_RTP_ITEMS_MAX || bytes > AURA_RTP_EXT_BYTES_MAX ? SIZE_MAX : bytes;
}

size_t aura_rtp_header_size(const struct aura_rtp_item *items, size_t count) {
    bool two_byte;
    size_t bytes = items_size(items, count, &two_byte);
    if (bytes == SIZE_MAX) {
        return 0;
    }
    return AURA_RTP_HEADER_LEN + (bytes ? 4 + (bytes + 3) / 4 * 4 : 0);
}

int aura_rtp_write_header(uint8_t *out, size_t cap, size_t *len, const struct aura_rtp_header *h,
                          const struct aura_rtp_item *items, size_t count) {
    bool two_byte;
    size_t bytes = items_size(items, count, &two_byte);
    if (bytes == SIZE_MAX || h->pt > 127) {
        return AURA_EINVAL;
    }
    struct aura_wr w = aura_wr_of(out, cap);
    aura_wr_u8(&w, (uint8_t)(0x80 | (h->padding ? 0x20 : 0) | (bytes ? 0x10 : 0)));
    aura_wr_u8(&w, (uint8_t)((h->marker ? 0x80 : 0) | h->pt));
    aura_wr_u16(&w, h->seq);
    aura_wr_u32(&w, h->ts);
    aura_wr_u32(&w, h->ssrc);
    if (bytes) {
        aura_wr_u16(&w, two_byte ? AURA_RTP_EXT_TWO_BYTE : AURA_RTP_EXT_ONE_BYTE);
        aura_wr_u16(&w, (uint16_t)((bytes + 3) / 4));
        for (size_t i = 0; i < count; i++) {
            if (items[i].id == 0) {
                continue;
            }
            if (two_byte) {
                aura_wr_u8(&w, items[i].id);
                aura_wr_u8(&w, items[i].len);
            } else {
                aura_wr_u8(&w, (uint8_t)(items[i].id << 4 | (items[i].len - 1)));
            }
            aura_wr_bytes(&w, items[i].data, items[i].len);
        }
        aura_wr_uint(&w, 0, (4 - bytes % 4) % 4);
    }
    if (w.fail) {
        return AURA_ELIMIT;
    }
    *len = aura_wr_len(&w);
    return 0;
}
