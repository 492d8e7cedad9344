/* SPDX-License-Identifier: Apache-2.0 */
/* A DCEP message by itself, then a script of messages [stream, kind, length, bytes] on one table.
 */
#include "base/bytes.h"
#include "transport/sctp_channels.h"
#include "transport/sctp_dcep.h"

static void run_script(const uint8_t *data, size_t size) {
    static struct aura__channels channels;
    struct aura_cur c = aura_cur_of(data, size);
    memset(&channels, 0, sizeof(channels));
    while (!c.fail && aura_cur_left(&c) > 0) {
        enum aura_data_channel opened;
        uint16_t stream = aura_cur_u8(&c);
        uint8_t kind = aura_cur_u8(&c);
        struct aura_cur body = aura_cur_sub(&c, kind >> 2);
        switch (kind & 3) {
        case 0:
            (void)aura__channels_dcep(&channels, stream, body.p, aura_cur_left(&body), &opened);
            break;
        case 1:
            (void)aura__channels_data(&channels, stream, &opened);
            break;
        case 2:
            (void)aura__channels_reset(&channels, stream);
            break;
        default:
            (void)aura__channels_begin(&channels, AURA_DATA_LOSSY, stream & 1);
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_dcep_open o;
    uint8_t out[AURA_DCEP_MAX];
    size_t len = 0;
    if (aura_dcep_parse_open(&o, data, size) == 0) {
        AURA_BUG_ON(aura_dcep_build_open(&o, out, sizeof(out), &len));
        AURA_BUG_ON(len != size || memcmp(out, data, len) != 0);
    }
    run_script(data, size);
    return 0;
}
