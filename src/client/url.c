/* SPDX-License-Identifier: Apache-2.0 */
#include "client/url.h"

#include <string.h>

static const char *scheme(struct aura_client_url *u, const char *text) {
    static const struct {
        const char *name;
        bool tls;
    } known[] = {{"ws://", false}, {"http://", false}, {"wss://", true}, {"https://", true}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t len = strlen(known[i].name);
        if (strncmp(text, known[i].name, len) == 0) {
            u->tls = known[i].tls;
            return text + len;
        }
    }
    return NULL;
}

static int put_host(struct aura_client_url *u, const char *from, size_t len) {
    if (len == 0 || len > AURA_CLIENT_HOST_MAX) {
        return AURA_EINVAL;
    }
    memcpy(u->host, from, len);
    return 0;
}

/* @return what stands behind the port, or NULL */
static const char *put_port(struct aura_client_url *u, const char *p) {
    uint32_t port = 0;
    u->port = u->tls ? 443 : 80;
    if (*p != ':') {
        return p;
    }
    const char *begin = ++p;
    for (; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++) {
        port = port * 10 + (uint32_t)(*p - '0');
    }
    u->port = (uint16_t)port;
    return p > begin && port > 0 && port <= UINT16_MAX ? p : NULL;
}

int aura_client_url_parse(struct aura_client_url *out, const char *text) {
    memset(out, 0, sizeof(*out));
    const char *p = scheme(out, text);
    if (!p) {
        return AURA_EINVAL;
    }
    const char *end = *p == '[' ? strchr(p, ']') : p + strcspn(p, ":/?#");
    if (!end || put_host(out, *p == '[' ? p + 1 : p, (size_t)(end - p) - (*p == '['))) {
        return AURA_EINVAL;
    }
    p = put_port(out, *p == '[' ? end + 1 : end);
    if (!p || (*p && *p != '/')) {
        return AURA_EINVAL;
    }
    size_t len = strcspn(p, "?#");
    while (len && p[len - 1] == '/') {
        len--;
    }
    if (len > AURA_CLIENT_PREFIX_MAX) {
        return AURA_EINVAL;
    }
    memcpy(out->prefix, p, len);
    return 0;
}
