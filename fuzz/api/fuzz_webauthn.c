/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser says of passkeys: client data, a new key's data, and a signature by that key. The
 * first byte says which; of a signature the second one is the length of the client data. */
#include "api/webauthn.h"

#include <string.h>

/* A point of P-256, its generator (SEC 2, 2.4.2): any public key is known to everybody. */
static const uint8_t point[] = {
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static void sign(const uint8_t *data, size_t size) {
    struct aura_webauthn_key key = {.alg = -7, .key_len = sizeof(point)};
    uint32_t count;
    size_t client = size && data[0] < size - 1 ? data[0] : 0;
    size_t rest = client ? size - 1 - client : 0, head = rest < 37 ? rest : 37;
    const uint8_t *p = data + 1;
    memcpy(key.key, point, sizeof(point));
    const struct aura_webauthn_proof proof = {
        {p, client}, {p + client, head}, {p + client + head, rest - head}};
    int err = aura_webauthn_signed(&key, "localhost", &proof, &count);
    if (err == 0) {
        __builtin_trap(); /* nobody has the private key */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_webauthn_client client;
    struct aura_webauthn_key key;
    if (!size) {
        return 0;
    }
    const struct aura_webauthn_bytes rest = {data + 1, size - 1};
    if (data[0] % 3 == 0) {
        if (aura_webauthn_client_read(&client, rest) == 0 &&
            (!memchr(client.origin, 0, sizeof(client.origin)) ||
             client.challenge_len > sizeof(client.challenge))) {
            __builtin_trap();
        }
    } else if (data[0] % 3 == 1) {
        if (aura_webauthn_made(&key, "localhost", rest) == 0 &&
            (!key.id_len || key.id_len > sizeof(key.id) || key.key_len > sizeof(key.key))) {
            __builtin_trap();
        }
    } else {
        sign(data + 1, size - 1);
    }
    return 0;
}
