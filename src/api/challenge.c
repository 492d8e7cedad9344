/* SPDX-License-Identifier: Apache-2.0 */
#include "api/challenge.h"

#include "base/clock.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

enum { KEY_BYTES = 32, END_BYTES = 8, RANDOM_BYTES = 24, MARK_BYTES = 16, DIGEST_BYTES = 32 };
_Static_assert(END_BYTES + RANDOM_BYTES + MARK_BYTES == AURA_CHALLENGE_BYTES, "its parts");

struct used {
    uint64_t end_us;
    uint8_t random[RANDOM_BYTES];
};

struct aura_challenges {
    struct aura_rand *rand;
    uint8_t key[KEY_BYTES];
    struct used *used; /* in no order */
    size_t used_count, used_cap;
};

int aura_challenges_new(struct aura_challenges **cp, struct aura_rand *rand) {
    struct aura_challenges *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->rand = rand;
    aura_rand_bytes(rand, c->key, sizeof(c->key));
    *cp = c;
    return 0;
}

struct aura_challenges *aura_challenges_free(struct aura_challenges *c) {
    if (c) {
        aura_wipe(c->key, sizeof(c->key));
        aura_free(c->used);
        aura_free(c);
    }
    return NULL;
}

/* HMAC-SHA-256 over the purpose, a NUL, and the bytes. Purposes are our own, and short. */
static void mark(const struct aura_challenges *c, const char *purpose, const uint8_t *p, size_t len,
                 uint8_t out[DIGEST_BYTES]) {
    uint8_t all[128];
    size_t n = strlen(purpose) + 1;
    unsigned got = DIGEST_BYTES;
    AURA_BUG_ON(n + len > sizeof(all));
    memcpy(all, purpose, n);
    memcpy(all + n, p, len);
    AURA_BUG_ON(!HMAC(EVP_sha256(), c->key, KEY_BYTES, all, n + len, out, &got));
}

static uint64_t end_of(const uint8_t *text) {
    uint64_t end_us = 0;
    for (size_t i = 0; i < END_BYTES; i++) {
        end_us = end_us << 8 | text[i];
    }
    return end_us;
}

void aura_challenge_give(struct aura_challenges *c, const char *purpose, uint64_t now_us,
                         uint8_t out[AURA_CHALLENGE_BYTES]) {
    uint8_t digest[DIGEST_BYTES];
    uint64_t end_us = now_us + AURA_CHALLENGE_TTL_S * AURA_US_PER_S;
    for (size_t i = 0; i < END_BYTES; i++) {
        out[i] = (uint8_t)(end_us >> (8 * (END_BYTES - 1 - i)));
    }
    aura_rand_bytes(c->rand, out + END_BYTES, RANDOM_BYTES);
    mark(c, purpose, out, END_BYTES + RANDOM_BYTES, digest);
    memcpy(out + END_BYTES + RANDOM_BYTES, digest, MARK_BYTES);
}

int aura_challenge_check(const struct aura_challenges *c, const char *purpose, uint64_t now_us,
                         const uint8_t *text, size_t len) {
    uint8_t digest[DIGEST_BYTES];
    if (len != AURA_CHALLENGE_BYTES) {
        return AURA_EAUTH;
    }
    mark(c, purpose, text, END_BYTES + RANDOM_BYTES, digest);
    if (!aura_secret_equal(digest, text + END_BYTES + RANDOM_BYTES, MARK_BYTES)) {
        return AURA_EAUTH;
    }
    if (end_of(text) <= now_us) {
        return AURA_ETIMEDOUT;
    }
    for (size_t i = 0; i < c->used_count; i++) {
        if (memcmp(c->used[i].random, text + END_BYTES, RANDOM_BYTES) == 0) {
            return AURA_ESTALE;
        }
    }
    return 0;
}

static void drop_ended(struct aura_challenges *c, uint64_t now_us) {
    for (size_t i = 0; i < c->used_count;) {
        if (c->used[i].end_us <= now_us) {
            c->used[i] = c->used[--c->used_count];
        } else {
            i++;
        }
    }
}

static int make_room(struct aura_challenges *c, uint64_t now_us) {
    drop_ended(c, now_us);
    if (c->used_count < c->used_cap) {
        return 0;
    }
    if (c->used_cap >= AURA_CHALLENGES_USED_MAX) {
        return AURA_ELIMIT;
    }
    size_t cap = c->used_cap ? c->used_cap * 2 : 64;
    struct used *grown = aura_realloc(c->used, cap * sizeof(*grown));
    if (!grown) {
        return AURA_ENOMEM;
    }
    c->used = grown;
    c->used_cap = cap;
    return 0;
}

int aura_challenge_use(struct aura_challenges *c, const char *purpose, uint64_t now_us,
                       const uint8_t *text, size_t len) {
    int err = aura_challenge_check(c, purpose, now_us, text, len);
    err = err ? err : make_room(c, now_us);
    if (!err) {
        struct used *u = &c->used[c->used_count++];
        u->end_us = end_of(text);
        memcpy(u->random, text + END_BYTES, RANDOM_BYTES);
    }
    return err;
}

void aura_challenge_derive(const struct aura_challenges *c,
                           const uint8_t text[AURA_CHALLENGE_BYTES], uint8_t out[16]) {
    uint8_t digest[DIGEST_BYTES];
    mark(c, "derived", text, AURA_CHALLENGE_BYTES, digest);
    memcpy(out, digest, 16);
}
