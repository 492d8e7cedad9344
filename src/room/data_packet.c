/* SPDX-License-Identifier: Apache-2.0 */
#include "room/data_packet.h"

#include "base/bytes.h"

enum { VERSION_SHIFT = 5, EXTENSIONS_BIT = 1 << 2, HANDLE_AT = 2, SIZE_BYTES = 2 };

static int check_extensions(struct aura_cur *c) {
    size_t bytes = (aura_cur_uint(c, SIZE_BYTES) + 1) * 4 - SIZE_BYTES;
    struct aura_cur list = aura_cur_sub(c, bytes);
    while (aura_cur_left(&list)) {
        if (aura_cur_u8(&list) == 0) {
            return 0; /* padding */
        }
        (void)aura_cur_take(&list, aura_cur_u8(&list));
    }
    return list.fail ? AURA_EMALFORMED : 0;
}

int aura_data_packet_read(const uint8_t *data, size_t len, uint16_t *handle) {
    struct aura_cur c = aura_cur_of(data, len);
    uint8_t first = aura_cur_u8(&c);
    (void)aura_cur_u8(&c);
    *handle = (uint16_t)aura_cur_uint(&c, 2);
    (void)aura_cur_take(&c, AURA_DATA_PACKET_HEADER - 4);
    if (c.fail || first >> VERSION_SHIFT) {
        return AURA_EMALFORMED;
    }
    return first & EXTENSIONS_BIT ? check_extensions(&c) : 0;
}

void aura_data_packet_set_handle(uint8_t *data, uint16_t handle) {
    data[HANDLE_AT] = (uint8_t)(handle >> 8);
    data[HANDLE_AT + 1] = (uint8_t)handle;
}
