/* SPDX-License-Identifier: Apache-2.0 */
#include "api/join_request.h"
#include "room/rooms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Livekit__JoinRequest *q = NULL;
    if (aura_join_request_decode(&q, (const char *)data, size) == 0) {
        livekit__join_request__free_unpacked(q, aura_pb_allocator());
    }
    return 0;
}
