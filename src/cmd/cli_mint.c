/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli_mint.h"

#include "base/clock.h"
#include "base/mem.h"
#include "room/token.h"

enum { CALL_TTL_S = 60 };

/* The claims only borrow their strings here, so they are not cleared. */
static char *mint(const struct aura_claims *claims, const char *key, const char *secret,
                  uint64_t seconds) {
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    int64_t now_s = (int64_t)(aura_wall_us(aura_clock_system()) / AURA_US_PER_S);
    if (aura_token_mint(&token, claims, key, secret, now_s, (int64_t)seconds)) {
        cli_error(NULL, "cannot make a token: out of memory");
        aura_buf_free(&token);
        return NULL;
    }
    return (char *)token.data;
}

char *cli_mint_admin(const struct cli *cli, const char *room) {
    struct aura_claims claims;
    unsigned grants = cli->grants;
    aura_claims_init(&claims);
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)room;
    claims.video.destination_room = (char *)(uintptr_t)cli->destination;
    claims.video.room_record = grants & CLI_GRANT_ROOM_RECORD;
    claims.video.room_list = grants & CLI_GRANT_ROOM_LIST;
    claims.video.room_create = grants & CLI_GRANT_ROOM_CREATE;
    claims.video.room_admin = grants & CLI_GRANT_ROOM_ADMIN;
    return mint(&claims, cli->api_key, cli->api_secret, CALL_TTL_S);
}

char *cli_mint_join(const struct aura_claims *claims, const char *key, const char *secret,
                    uint64_t seconds) {
    return mint(claims, key, secret, seconds);
}
