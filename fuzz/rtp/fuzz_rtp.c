/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtp.h"

#include <string.h>

/* What was parsed is written again with a fresh header, and must read the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_rtp r;
    struct aura_rtp_exts x;
    struct aura_ext_map map;
    if (aura_rtp_parse(&r, data, size)) {
        return 0;
    }
    for (int i = 0; i < AURA_EXT_COUNT; i++) {
        map.id[i] = (uint8_t)(i + 1);
    }
    aura_rtp_ext_parse_all(&r, &map, &x);
    struct aura_rtp_item items[AURA_RTP_ITEMS_MAX], again;
    struct aura_rtp_iter it = aura_rtp_items(&r);
    size_t count = 0;
    while (aura_rtp_next(&it, &items[count])) {
        count += items[count].id != 0;
        if (count == AURA_RTP_ITEMS_MAX) {
            break;
        }
    }
    uint8_t out[2 * AURA_RTP_EXT_BYTES_MAX];
    size_t len;
    struct aura_rtp_header h = {.pt = r.pt, .seq = r.seq, .ts = r.ts, .ssrc = r.ssrc};
    if (aura_rtp_write_header(out, sizeof(out), &len, &h, items, count)) {
        return 0;
    }
    struct aura_rtp r2;
    if (aura_rtp_parse(&r2, out, len) || r2.seq != r.seq) {
        __builtin_trap();
    }
    it = aura_rtp_items(&r2);
    for (size_t i = 0; i < count; i++) {
        if (!aura_rtp_next(&it, &again) || again.id != items[i].id || again.len != items[i].len ||
            memcmp(again.data, items[i].data, again.len) != 0) {
            __builtin_trap();
        }
    }
    return 0;
}
