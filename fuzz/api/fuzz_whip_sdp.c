/* SPDX-License-Identifier: Apache-2.0 */
/* A fragment, an offer and an answer are all text from outside for these. */
#include "api/whip_sdp.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_whip_ice ice;
    struct aura_sdp *sdp;
    char *text = aura_zalloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    int err = aura_whip_ice_read(&ice, text, size);
    if (!err) {
        struct aura_buf out = AURA_BUF(AURA_SDP_BYTES_MAX);
        aura_whip_ice_replace(&out, text, &ice);
        aura_buf_clear(&out);
        aura_whip_fragment(&out, text);
        aura_buf_free(&out);
    }
    if (aura_sdp_parse(&sdp, text, size) == 0) {
        struct aura_whip_tracks *tracks = aura_zalloc(sizeof(*tracks));
        if (tracks && aura_whip_tracks_read(tracks, sdp) == 0) {
            AURA_BUG_ON(tracks->count > AURA_WHIP_TRACKS_MAX);
        }
        aura_free(tracks);
        aura_sdp_free(sdp);
    }
    aura_free(text);
    return 0;
}
