/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers POST for a token: the first byte chooses the path. What is taken is within its
 * ceilings and has a room and an identity. */
#include "auraid/matrix/rtc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_rtc_request r;
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    const char *why = NULL;
    if (!size) {
        return 0;
    }
    enum aura_rtc_kind kind = (enum aura_rtc_kind)(data[0] % 3);
    int err = aura_rtc_read(&r, kind, data + 1, size - 1, &why);
    AURA_BUG_ON(!why);
    if (!err) {
        AURA_BUG_ON(!r.room[0] || !r.token[0] || !r.server[0] || !r.device[0]);
        AURA_BUG_ON(kind == AURA_RTC_DELEGATE && !r.delay_id[0]);
        AURA_BUG_ON(!r.delay_id[0] != !r.delay_ms);
        AURA_BUG_ON(aura_rtc_room(&r, room) || strlen(room) != AURA_RTC_ROOM_BYTES - 1);
        AURA_BUG_ON(aura_rtc_identity(&r, r.user[0] ? r.user : "@a:b", identity));
    }
    return 0;
}
