/* SPDX-License-Identifier: Apache-2.0 */
/* Any file is a clip or refused; every payload of a clip fits a packet. */
#include "base/mem.h"
#include "client/clip.h"

#include <string.h>

enum { FILE_MAX = 64 * 1024, PACKET_MAX = 1500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_clip *clip = NULL;
    struct aura_clip_vp8 vp8 = {.pid = 1, .tl0 = 2};
    uint8_t out[PACKET_MAX], *bytes = size <= FILE_MAX ? aura_zalloc(size + 1) : NULL;
    if (!bytes) {
        return 0;
    }
    if (size) {
        memcpy(bytes, data, size);
    }
    if (aura_clip_parse(&clip, bytes, size) != 0) {
        return 0;
    }
    for (size_t f = 0; f < clip->frame_count; f++) {
        for (size_t p = 0; p < clip->frames[f].part_count; p++) {
            AURA_BUG_ON(aura_clip_write(clip, f, p, &vp8, 3, out, sizeof(out)) == 0);
        }
        AURA_BUG_ON(aura_clip_next_key(clip, f) >= clip->frame_count);
    }
    aura_clip_free(clip);
    return 0;
}
