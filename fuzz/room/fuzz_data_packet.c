/* SPDX-License-Identifier: Apache-2.0 */
#include "room/data_packet.h"

#include <string.h>

/* Whatever was read can be written under another handle, and is otherwise the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t copy[65536];
    uint16_t handle, again;
    if (size > sizeof(copy) || aura_data_packet_read(data, size, &handle)) {
        return 0;
    }
    memcpy(copy, data, size);
    aura_data_packet_set_handle(copy, 0x1234);
    if (aura_data_packet_read(copy, size, &again) || again != 0x1234) {
        __builtin_trap();
    }
    aura_data_packet_set_handle(copy, handle);
    if (memcmp(copy, data, size) != 0) {
        __builtin_trap();
    }
    return 0;
}
