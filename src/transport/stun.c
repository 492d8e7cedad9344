/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/stun.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    COOKIE = 0x2112A442,
    FINGERPRINT_XOR = 0x5354554e,
    MAC_BYTES = 20,
    ATTR_HEADER = 4,

    ATTR_USERNAME = 0x0006,
    ATTR_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN = 0x000a,
    ATTR_XOR_MAPPED = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_FINGERPRINT = 0x8028,
    ATTR_CONTROLLED = 0x8029,
    ATTR_CONTROLLING = 0x802a,
    ATTR_OPTIONAL = 0x8000, /* types from here up may be ignored */
};

static uint32_t crc32_of(const uint8_t *data, size_t len, uint32_t crc) {
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
        }
    }
    return ~crc;
}

/* Both hashes are made over the header with a length that ends behind their own attribute. */
static void patched_header(uint8_t out[AURA_STUN_HEADER], const uint8_t *raw, size_t body_len) {
    memcpy(out, raw, AURA_STUN_HEADER);
    aura_put_u16(out + 2, (uint16_t)body_len);
}

static uint32_t fingerprint_of(const uint8_t *raw, size_t at) {
    uint8_t header[AURA_STUN_HEADER];
    patched_header(header, raw, at + ATTR_HEADER + 4 - AURA_STUN_HEADER);
    uint32_t crc = crc32_of(header, sizeof(header), 0);
    return crc32_of(raw + AURA_STUN_HEADER, at - AURA_STUN_HEADER, crc) ^ FINGERPRINT_XOR;
}

static int hmac_of(uint8_t mac[MAC_BYTES], const uint8_t *raw, size_t at, const char *pwd) {
    uint8_t copy[AURA_STUN_MAX];
    unsigned n = 0;
    if (at > sizeof(copy)) {
        return AURA_ELIMIT;
    }
    memcpy(copy, raw, at);
    patched_header(copy, raw, at + ATTR_HEADER + MAC_BYTES - AURA_STUN_HEADER);
    const uint8_t *done = HMAC(EVP_sha1(), pwd, (int)strlen(pwd), copy, at, mac, &n);
    return done && n == MAC_BYTES ? 0 : AURA_ENOMEM;
}

static int parse_mapped(struct aura_addr *a, struct aura_cur v, const struct aura_stun_tid *tid) {
    *a = (struct aura_addr){.family = AURA_FAMILY_NONE};
    (void)aura_cur_u8(&v);
    uint8_t family = aura_cur_u8(&v);
    a->port = aura_cur_u16(&v) ^ (COOKIE >> 16);
    size_t n = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (n == 0 || aura_cur_left(&v) != n) {
        return AURA_EMALFORMED;
    }
    uint8_t mask[16];
    aura_put_u32(mask, COOKIE);
    memcpy(mask + 4, tid->b, sizeof(tid->b));
    for (size_t i = 0; i < n; i++) {
        a->ip[i] = aura_cur_u8(&v) ^ mask[i];
    }
    a->family = n == 4 ? AURA_FAMILY_V4 : AURA_FAMILY_V6;
    return 0;
}

static int parse_error(struct aura_stun_msg *m, struct aura_cur v) {
    (void)aura_cur_u16(&v);
    uint8_t hundreds = aura_cur_u8(&v) & 7;
    uint8_t rest = aura_cur_u8(&v);
    if (v.fail || hundreds < 3 || hundreds > 6 || rest > 99) {
        return AURA_EMALFORMED;
    }
    m->error_code = (uint16_t)(hundreds * 100 + rest);
    return 0;
}

static void note_unknown(struct aura_stun_msg *m, uint16_t type) {
    if (m->unknown_count < AURA_STUN_UNKNOWN_MAX) {
        m->unknown[m->unknown_count++] = type;
    }
}

/* Of an attribute that comes twice only the first counts (RFC 8489 section 14). */
static int parse_attr(struct aura_stun_msg *m, uint16_t type, struct aura_cur v) {
    size_t len = aura_cur_left(&v);
    switch (type) {
    case ATTR_USERNAME:
        if (len > AURA_STUN_USERNAME_MAX) {
            return AURA_ELIMIT;
        }
        if (!m->username) {
            m->username = (const char *)v.p;
            m->username_len = len;
        }
        return 0;
    case ATTR_XOR_MAPPED:
        if (m->has_mapped) {
            return 0;
        }
        m->has_mapped = true;
        return parse_mapped(&m->mapped, v, &m->tid);
    case ATTR_PRIORITY:
        if (!m->has_priority) {
            m->has_priority = true;
            m->priority = aura_cur_u32(&v);
        }
        return len == 4 ? 0 : AURA_EMALFORMED;
    case ATTR_USE_CANDIDATE:
        m->use_candidate = true;
        return len == 0 ? 0 : AURA_EMALFORMED;
    case ATTR_CONTROLLED:
    case ATTR_CONTROLLING:
        if (!m->controlled && !m->controlling) {
            m->controlled = type == ATTR_CONTROLLED;
            m->controlling = type == ATTR_CONTROLLING;
            m->tie_breaker = aura_cur_u64(&v);
        }
        return len == 8 ? 0 : AURA_EMALFORMED;
    case ATTR_ERROR_CODE:
        return m->error_code ? 0 : parse_error(m, v);
    case ATTR_UNKNOWN:
        while (m->cls == AURA_STUN_ERROR && aura_cur_left(&v) >= 2) {
            note_unknown(m, aura_cur_u16(&v));
        }
        return 0;
    default:
        if (type < ATTR_OPTIONAL) {
            note_unknown(m, type);
        }
        return 0;
    }
}

static int parse_header(struct aura_stun_msg *m, struct aura_cur *c) {
    uint16_t type = aura_cur_u16(c);
    uint16_t body = aura_cur_u16(c);
    uint32_t cookie = aura_cur_u32(c);
    const uint8_t *tid = aura_cur_take(c, sizeof(m->tid.b));
    if (c->fail) {
        return AURA_ETRUNC;
    }
    if (type & 0xC000 || cookie != COOKIE || body % 4 != 0 || body != aura_cur_left(c)) {
        return AURA_EMALFORMED;
    }
    memcpy(m->tid.b, tid, sizeof(m->tid.b));
    /* RFC 8489 figure 3: the two class bits lie inside the method. */
    m->cls = (enum aura_stun_class)((type >> 4 & 1) | (type >> 7 & 2));
    m->method = (uint16_t)((type & 0x000F) | (type & 0x00E0) >> 1 | (type & 0x3E00) >> 2);
    return 0;
}

int aura_stun_parse(struct aura_stun_msg *m, const uint8_t *data, size_t len) {
    *m = (struct aura_stun_msg){.raw = data, .raw_len = len};
    if (len > AURA_STUN_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_cur c = aura_cur_of(data, len);
    int err = parse_header(m, &c);
    while (!err && aura_cur_left(&c) > 0) {
        size_t at = (size_t)(c.p - data);
        uint16_t type = aura_cur_u16(&c);
        uint16_t attr_len = aura_cur_u16(&c);
        struct aura_cur value = aura_cur_sub(&c, attr_len);
        (void)aura_cur_take(&c, (4 - attr_len % 4) % 4);
        if (c.fail) {
            return AURA_ETRUNC;
        }
        if (type == ATTR_FINGERPRINT) {
            /* It must be the last one (section 14.7). */
            if (attr_len != 4 || aura_cur_left(&c) > 0 ||
                aura_cur_u32(&value) != fingerprint_of(data, at)) {
                return AURA_EMALFORMED;
            }
            m->has_fingerprint = true;
        } else if (m->integrity_at) {
            continue; /* not covered by the hash: ignored (section 14.5) */
        } else if (type == ATTR_INTEGRITY) {
            if (attr_len != MAC_BYTES) {
                return AURA_EMALFORMED;
            }
            m->integrity_at = at;
        } else {
            err = parse_attr(m, type, value);
        }
    }
    return err;
}

int aura_stun_check_integrity(const struct aura_stun_msg *m, const char *pwd) {
    uint8_t mac[MAC_BYTES];
    if (!m->integrity_at || hmac_of(mac, m->raw, m->integrity_at, pwd)) {
        return AURA_EAUTH;
    }
    const uint8_t *theirs = m->raw + m->integrity_at + ATTR_HEADER;
    return aura_secret_equal(mac, theirs, MAC_BYTES) ? 0 : AURA_EAUTH;
}

static void put_attr(struct aura_wr *w, uint16_t type, const void *value, size_t len) {
    static const uint8_t zeros[4];
    aura_wr_u16(w, type);
    aura_wr_u16(w, (uint16_t)len);
    aura_wr_bytes(w, value, len);
    aura_wr_bytes(w, zeros, (4 - len % 4) % 4);
}

static void put_u32_attr(struct aura_wr *w, uint16_t type, uint32_t v) {
    uint8_t b[4];
    aura_put_u32(b, v);
    put_attr(w, type, b, sizeof(b));
}

static int put_mapped(struct aura_wr *w, const struct aura_addr *a,
                      const struct aura_stun_tid *tid) {
    uint8_t b[20] = {0};
    if (a->family != AURA_FAMILY_V4 && a->family != AURA_FAMILY_V6) {
        return AURA_EINVAL;
    }
    size_t n = a->family == AURA_FAMILY_V4 ? 4 : 16;
    b[1] = a->family == AURA_FAMILY_V4 ? 1 : 2;
    aura_put_u16(b + 2, a->port ^ (COOKIE >> 16));
    aura_put_u32(b + 4, COOKIE);
    if (n == 16) {
        memcpy(b + 8, tid->b, sizeof(tid->b));
    }
    for (size_t i = 0; i < n; i++) {
        b[4 + i] ^= a->ip[i];
    }
    put_attr(w, ATTR_XOR_MAPPED, b, 4 + n);
    return 0;
}

static void put_error(struct aura_wr *w, const struct aura_stun_msg *m) {
    uint8_t b[4 + AURA_STUN_TEXT_MAX] = {0};
    size_t n = m->reason ? strnlen(m->reason, AURA_STUN_TEXT_MAX) : 0;
    b[2] = (uint8_t)(m->error_code / 100);
    b[3] = (uint8_t)(m->error_code % 100);
    if (n) {
        memcpy(b + 4, m->reason, n);
    }
    put_attr(w, ATTR_ERROR_CODE, b, 4 + n);
}

static void put_unknown(struct aura_wr *w, const struct aura_stun_msg *m) {
    uint8_t b[2 * AURA_STUN_UNKNOWN_MAX];
    for (size_t i = 0; i < m->unknown_count; i++) {
        aura_put_u16(b + 2 * i, m->unknown[i]);
    }
    put_attr(w, ATTR_UNKNOWN, b, 2 * m->unknown_count);
}

static int put_body(struct aura_wr *w, const struct aura_stun_msg *m) {
    if (m->error_code) {
        put_error(w, m);
    }
    if (m->cls == AURA_STUN_ERROR && m->unknown_count) {
        put_unknown(w, m);
    }
    if (m->username) {
        put_attr(w, ATTR_USERNAME, m->username, m->username_len);
    }
    if (m->has_priority) {
        put_u32_attr(w, ATTR_PRIORITY, m->priority);
    }
    if (m->use_candidate) {
        put_attr(w, ATTR_USE_CANDIDATE, "", 0);
    }
    if (m->controlling || m->controlled) {
        uint8_t b[8];
        struct aura_wr t = aura_wr_of(b, sizeof(b));
        aura_wr_u64(&t, m->tie_breaker);
        put_attr(w, m->controlling ? ATTR_CONTROLLING : ATTR_CONTROLLED, b, sizeof(b));
    }
    return m->has_mapped ? put_mapped(w, &m->mapped, &m->tid) : 0;
}

int aura_stun_build(const struct aura_stun_msg *m, const char *pwd, uint8_t *out, size_t cap,
                    size_t *len) {
    uint8_t mac[MAC_BYTES];
    struct aura_wr w = aura_wr_of(out, cap < AURA_STUN_MAX ? cap : AURA_STUN_MAX);
    if (m->username_len > AURA_STUN_USERNAME_MAX || m->method > 0xFFF ||
        m->unknown_count > AURA_STUN_UNKNOWN_MAX) {
        return AURA_EINVAL;
    }
    unsigned cls = (unsigned)m->cls;
    aura_wr_u16(&w, (uint16_t)((m->method & 0xF) | (m->method & 0x70) << 1 |
                               (m->method & 0xF80) << 2 | (cls & 1) << 4 | (cls & 2) << 7));
    aura_wr_u16(&w, 0);
    aura_wr_u32(&w, COOKIE);
    aura_wr_bytes(&w, m->tid.b, sizeof(m->tid.b));
    int err = put_body(&w, m);
    if (!err && !w.fail && pwd) {
        err = hmac_of(mac, out, aura_wr_len(&w), pwd);
        put_attr(&w, ATTR_INTEGRITY, mac, sizeof(mac));
    }
    if (err) {
        return err;
    }
    if (!w.fail) {
        put_u32_attr(&w, ATTR_FINGERPRINT, fingerprint_of(out, aura_wr_len(&w)));
    }
    if (w.fail) {
        return AURA_ELIMIT;
    }
    *len = aura_wr_len(&w);
    aura_put_u16(out + 2, (uint16_t)(*len - AURA_STUN_HEADER));
    return 0;
}

int aura_stun_peek_ufrag(const uint8_t *data, size_t len, const char **ufrag, size_t *ufrag_len) {
    struct aura_stun_msg m = {0};
    struct aura_cur c = aura_cur_of(data, len);
    if (len > AURA_STUN_MAX || parse_header(&m, &c)) {
        return AURA_EMALFORMED;
    }
    if (m.cls != AURA_STUN_REQUEST || m.method != AURA_STUN_BINDING) {
        return AURA_ENOENT;
    }
    while (aura_cur_left(&c) > 0) {
        uint16_t type = aura_cur_u16(&c);
        uint16_t attr_len = aura_cur_u16(&c);
        const uint8_t *value = aura_cur_take(&c, attr_len);
        (void)aura_cur_take(&c, (4 - attr_len % 4) % 4);
        if (c.fail || type == ATTR_INTEGRITY) {
            break;
        }
        if (type == ATTR_USERNAME) {
            const uint8_t *colon = attr_len ? memchr(value, ':', attr_len) : NULL;
            if (!colon) {
                return AURA_EMALFORMED;
            }
            *ufrag = (const char *)value;
            *ufrag_len = (size_t)(colon - value);
            return 0;
        }
    }
    return c.fail ? AURA_EMALFORMED : AURA_ENOENT;
}
