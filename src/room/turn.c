/* SPDX-License-Identifier: Apache-2.0 */
#include "room/turn.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

int aura_turn_url(const struct aura_turn_server *server, char *out, size_t cap) {
    bool tls = strcmp(server->protocol, "tls") == 0, tcp = strcmp(server->protocol, "tcp") == 0;
    if (!tls && !tcp && strcmp(server->protocol, "udp") != 0) {
        return AURA_EINVAL;
    }
    bool v6 = strchr(server->host, ':') && server->host[0] != '[';
    int n = snprintf(out, cap, "%s:%s%s%s:%" PRIu32 "?transport=%s", tls ? "turns" : "turn",
                     v6 ? "[" : "", server->host, v6 ? "]" : "", server->port,
                     tls || tcp ? "tcp" : "udp");
    return n > 0 && (size_t)n < cap ? 0 : AURA_ELIMIT;
}

int aura_turn_credentials(const struct aura_turn_server *server, const char *name, int64_t now_s,
                          char username[AURA_TURN_USER_MAX],
                          char password[AURA_TURN_PASSWORD_MAX]) {
    unsigned char mac[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int n = snprintf(username, AURA_TURN_USER_MAX, "%" PRId64 ":%s", now_s + server->ttl_s, name);
    if (n <= 0 || n >= AURA_TURN_USER_MAX) {
        return AURA_ELIMIT;
    }
    if (!HMAC(EVP_sha1(), server->secret, (int)strlen(server->secret),
              (const unsigned char *)username, (size_t)n, mac, &len)) {
        return AURA_ENOMEM;
    }
    n = EVP_EncodeBlock(text, mac, (int)len);
    AURA_BUG_ON(n < 0 || n >= AURA_TURN_PASSWORD_MAX);
    memcpy(password, text, (size_t)n);
    password[n] = '\0';
    return 0;
}
