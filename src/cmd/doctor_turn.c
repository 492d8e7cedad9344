/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/doctor_turn.h"

#include "base/bytes.h"
#include "base/rand.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum {
    COOKIE = 0x2112a442,
    ALLOCATE = 3,
    REFRESH = 4,
    CREATE_PERMISSION = 8,
    USERNAME = 6,
    MESSAGE_INTEGRITY = 8,
    ERROR_CODE = 9,
    LIFETIME = 13,
    XOR_PEER_ADDRESS = 0x12,
    REALM = 0x14,
    NONCE = 0x15,
    REQUESTED_TRANSPORT = 0x19,
    HEADER = 20,
    TEXT_MAX = 256,
};

struct talk {
    struct doctor_line line;
    const struct doctor_turn *turn;
    char realm[TEXT_MAX], nonce[TEXT_MAX];
    unsigned char key[16];
    uint8_t out[DOCTOR_MESSAGE_MAX], in[DOCTOR_MESSAGE_MAX];
    struct aura_wr w;
};

static void take_value(const char *link, const char *name, char *out, size_t cap) {
    const char *at = strstr(link, name);
    int n = at ? (int)strcspn(at + strlen(name), "\"") : 0;
    snprintf(out, cap, "%.*s", n, at ? at + strlen(name) : "");
}

bool doctor_turn_read(struct doctor_turn *t, const char *link) {
    int n = 0;
    char scheme[8] = "", transport[8] = "udp";
    memset(t, 0, sizeof(*t));
    if (sscanf(link, " <%299[^>]>", t->url) != 1 || sscanf(t->url, "%7[a-z]:%n", scheme, &n) != 1 ||
        strncmp(scheme, "turn", 4) != 0) {
        return false;
    }
    const char *rest = t->url + n;
    int got = rest[0] == '[' ? sscanf(rest, "[%255[^]]]:%7[0-9]", t->host, t->port)
                             : sscanf(rest, "%255[^:?]:%7[0-9]", t->host, t->port);
    const char *query = strstr(rest, "transport=");
    if (query) {
        snprintf(transport, sizeof(transport), "%s", query + 10);
    }
    bool tls = strcmp(scheme, "turns") == 0;
    t->kind = tls ? DOCTOR_TLS : strcmp(transport, "tcp") == 0 ? DOCTOR_TCP : DOCTOR_UDP;
    if (got == 1) {
        snprintf(t->port, sizeof(t->port), "%s", tls ? "5349" : "3478");
    }
    take_value(link, "username=\"", t->username, sizeof(t->username));
    take_value(link, "credential=\"", t->credential, sizeof(t->credential));
    return got >= 1;
}

static void attribute(struct talk *k, uint16_t type, const void *value, size_t len) {
    static const uint8_t zero[4];
    aura_wr_u16(&k->w, type);
    aura_wr_u16(&k->w, (uint16_t)len);
    aura_wr_bytes(&k->w, value, len);
    aura_wr_bytes(&k->w, zero, (4 - len % 4) % 4);
}

static void begin(struct talk *k, uint16_t method) {
    uint8_t id[12];
    aura_rand_bytes(aura_rand_system(), id, sizeof(id));
    k->w = aura_wr_of(k->out, sizeof(k->out));
    aura_wr_u16(&k->w, method);
    aura_wr_u16(&k->w, 0);
    aura_wr_u32(&k->w, COOKIE);
    aura_wr_bytes(&k->w, id, sizeof(id));
}

/* RFC 8489 section 9.2: the length counts the integrity before it is computed. */
static void sign(struct talk *k) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    attribute(k, USERNAME, k->turn->username, strlen(k->turn->username));
    attribute(k, REALM, k->realm, strlen(k->realm));
    attribute(k, NONCE, k->nonce, strlen(k->nonce));
    size_t at = aura_wr_len(&k->w);
    aura_put_u16(k->out + 2, (uint16_t)(at - HEADER + 24));
    (void)HMAC(EVP_sha1(), k->key, sizeof(k->key), k->out, at, mac, &len);
    attribute(k, MESSAGE_INTEGRITY, mac, 20);
}

static void keep_text(char out[TEXT_MAX], const uint8_t *value, size_t len) {
    len = len < TEXT_MAX - 1 ? len : TEXT_MAX - 1;
    memcpy(out, value, len);
    out[len] = '\0';
}

/* @return 0 for success, the error's code, or a negative error */
static int ask(struct talk *k) {
    size_t len = aura_wr_len(&k->w);
    aura_put_u16(k->out + 2, (uint16_t)(len - HEADER));
    int n = k->w.fail ? AURA_ELIMIT : doctor_line_ask(&k->line, k->out, len, k->in);
    if (n < 0) {
        return n;
    }
    struct aura_cur c = aura_cur_of(k->in, (size_t)n);
    unsigned cls = aura_get_u16(k->in) & 0x0110u;
    bool failed = cls == 0x0110;
    int code = cls == 0x0100 ? 0 : AURA_EMALFORMED;
    (void)aura_cur_take(&c, HEADER);
    while (aura_cur_left(&c) >= 4) {
        uint16_t type = aura_cur_u16(&c), size = aura_cur_u16(&c);
        const uint8_t *value = aura_cur_take(&c, size);
        if (!value) {
            return AURA_EMALFORMED;
        }
        if (type == ERROR_CODE && size >= 4 && failed) {
            code = (value[2] & 7) * 100 + value[3];
        } else if (type == REALM) {
            keep_text(k->realm, value, size);
        } else if (type == NONCE) {
            keep_text(k->nonce, value, size);
        }
        size_t pad = (4 - size % 4) % 4;
        (void)(aura_cur_left(&c) >= pad && aura_cur_take(&c, pad));
    }
    return failed && code == 0 ? AURA_EMALFORMED : code;
}

static void make_key(struct talk *k) {
    char text[3 * TEXT_MAX];
    int n =
        snprintf(text, sizeof(text), "%s:%s:%s", k->turn->username, k->realm, k->turn->credential);
    (void)EVP_Digest(text, (size_t)n, k->key, NULL, EVP_md5(), NULL);
}

static int allocate(struct talk *k) {
    static const uint8_t udp[4] = {17};
    begin(k, ALLOCATE);
    attribute(k, REQUESTED_TRANSPORT, udp, sizeof(udp));
    int code = ask(k);
    if (code != 401) {
        return code; /* also 0: a relay for everybody */
    }
    make_key(k);
    begin(k, ALLOCATE);
    attribute(k, REQUESTED_TRANSPORT, udp, sizeof(udp));
    sign(k);
    return ask(k);
}

static int permit(struct talk *k, const struct aura_addr *peer) {
    uint8_t value[20];
    bool v6 = peer->family == AURA_FAMILY_V6;
    size_t bytes = v6 ? 16 : 4;
    begin(k, CREATE_PERMISSION);
    aura_put_u16(value, v6 ? 2 : 1);
    aura_put_u16(value + 2, (uint16_t)(peer->port ^ (COOKIE >> 16)));
    for (size_t i = 0; i < bytes; i++) {
        value[4 + i] = peer->ip[i] ^ k->out[4 + i]; /* RFC 8489 section 14.2: cookie and id */
    }
    attribute(k, XOR_PEER_ADDRESS, value, 4 + bytes);
    sign(k);
    return ask(k);
}

static void give_back(struct talk *k) {
    static const uint8_t now[4];
    begin(k, REFRESH);
    attribute(k, LIFETIME, now, sizeof(now));
    sign(k);
    (void)ask(k);
}

static int explain(int code, const char *step, char *why, size_t cap) {
    snprintf(why, cap, "%s was refused with error %d", step, code);
    return code == 401 || code == 441 ? AURA_EAUTH : code == 403 ? AURA_EPOLICY : AURA_EIO;
}

int doctor_turn_try(const struct doctor_turn *t, const struct aura_addr *peer, bool insecure,
                    char *why, size_t cap) {
    struct talk k = {.turn = t};
    int err = doctor_line_open(&k.line, t->kind, t->host, t->port, insecure);
    int code = err ? err : allocate(&k);
    if (code > 0) {
        err = explain(code, "a relay", why, cap);
    } else if (code == 0 && peer) {
        code = permit(&k, peer);
        err = code > 0 ? explain(code, "reaching the server's media", why, cap) : code;
        give_back(&k);
    } else {
        err = code;
    }
    if (code < 0) {
        snprintf(why, cap, "%s", k.line.why[0] ? k.line.why : aura_err_text(code));
    }
    doctor_line_close(&k.line);
    return err;
}
