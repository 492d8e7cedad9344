/* SPDX-License-Identifier: Apache-2.0 */
/* Prints nanoseconds per 1200-byte packet for each SRTP profile; the best of several rounds. */
#include "base/bytes.h"
#include "base/clock.h"
#include "transport/srtp.h"

#include <stdio.h>
#include <string.h>

enum { PACKETS = 20000, BYTES = 1200, ROUNDS = 5 };

static uint8_t data[PACKETS][BYTES + AURA_SRTP_TAIL];
static size_t lens[PACKETS];

static void fill(uint16_t first) {
    for (size_t i = 0; i < PACKETS; i++) {
        memset(data[i], 0, 12);
        data[i][0] = 0x80;
        data[i][1] = 96;
        aura_put_u16(data[i] + 2, (uint16_t)(first + i));
        aura_put_u32(data[i] + 8, 77);
        lens[i] = BYTES;
    }
}

static int measure(const char *name, enum aura_srtp_profile profile) {
    struct aura_srtp_keys keys = {.profile = profile};
    struct aura_srtp *s = NULL;
    double best_out = 1e9, best_in = 1e9;
    memset(&keys.local, 1, sizeof(keys.local));
    keys.remote = keys.local; /* it opens its own packets */
    int err = aura_srtp_new(&s, &keys);
    if (err) {
        return err;
    }
    for (int round = 0; round < ROUNDS && !err; round++) {
        fill((uint16_t)(round * PACKETS));
        uint64_t t0 = aura_now_us(aura_clock_system());
        for (size_t i = 0; i < PACKETS && !err; i++) {
            err = aura_srtp_protect(s, data[i], &lens[i], sizeof(data[i]));
        }
        uint64_t t1 = aura_now_us(aura_clock_system());
        for (size_t i = 0; i < PACKETS && !err; i++) {
            err = aura_srtp_unprotect(s, data[i], &lens[i]);
        }
        uint64_t t2 = aura_now_us(aura_clock_system());
        double out = (double)(t1 - t0) * 1000 / PACKETS, in = (double)(t2 - t1) * 1000 / PACKETS;
        best_out = out < best_out ? out : best_out;
        best_in = in < best_in ? in : best_in;
    }
    printf("%-24s protect %6.0f ns  unprotect %6.0f ns\n", name, best_out, best_in);
    aura_srtp_free(s);
    return err;
}

int main(void) {
    printf("AES-GCM by %s, %d bytes\n", aura_srtp_engine(), BYTES);
    int err = measure("AEAD_AES_128_GCM", AURA_SRTP_AEAD_AES_128_GCM);
    err = err ? err : measure("AEAD_AES_256_GCM", AURA_SRTP_AEAD_AES_256_GCM);
    err = err ? err : measure("AES128_CM_SHA1_80", AURA_SRTP_AES128_CM_SHA1_80);
    return err ? 1 : 0;
}
