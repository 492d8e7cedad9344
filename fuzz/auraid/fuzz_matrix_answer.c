/* SPDX-License-Identifier: Apache-2.0 */
/* What homeservers and name servers answer: .well-known, userinfo, SRV. */
#include "auraid/matrix/find.h"
#include "auraid/matrix/openid.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char server[AURA_SERVER_BYTES_MAX] = "", user[AURA_MXID_BYTES_MAX] = "";
    struct aura_server_name name;
    uint16_t port = 0;
    if (aura__find_well_known(data, size, server) == 0) {
        AURA_BUG_ON(aura_server_name_parse(&name, server, strlen(server)));
    }
    if (aura__openid_user(data, size, "example.org", user) == 0) {
        AURA_BUG_ON(user[0] != '@' || !strstr(user, ":example.org"));
    }
    if (aura__find_srv(data, size, server, &port) == 0) {
        AURA_BUG_ON(aura_server_name_parse(&name, server, strlen(server)) || !port);
        AURA_BUG_ON(name.kind != AURA_HOST_DNS);
    }
    return 0;
}
