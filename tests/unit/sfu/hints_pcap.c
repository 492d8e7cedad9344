/* SPDX-License-Identifier: Apache-2.0 */
/* hints_pcap FILE: a capture with AIC hints in every form that the Wireshark dissector must know
 * (tests/interop/test_wireshark.py). All bytes come from the code that the server uses. */
#include "auralink/aic.h"
#include "rtp/rtp.h"
#include "sfu/dump.h"

#include <stdio.h>
#include <string.h>

enum { ID = 8, ID_TWO_BYTE = 20, PAYLOAD = 40, FILE_BYTES = 1 << 20 };

static const struct aura_aic_hints all = {
    .mode = AURA_AIC_ENHANCED,
    .flags = AURA_AIC_SWITCHED | AURA_AIC_FACES,
    .model = 7,
    .saved = 0.8F,
    .vmaf = 91,
    .latency_us = 6200,
    .latency_known = true,
    .scale_q4 = 24,
    .restore = 40,
};
static const struct aura_aic_hints nothing = {.vmaf = -1};

static int put(struct aura_dump *d, uint16_t seq, uint8_t id, const uint8_t *hints, size_t n) {
    static const struct aura_addr from = {
        .family = AURA_FAMILY_V4, .ip = {192, 0, 2, 1}, .port = 7882};
    static const struct aura_addr to = {
        .family = AURA_FAMILY_V4, .ip = {192, 0, 2, 2}, .port = 40000};
    const struct aura_rtp_header h = {.pt = 96, .seq = seq, .ts = 3000, .ssrc = 0xa1c};
    const struct aura_rtp_item item = {.id = id, .len = (uint8_t)n, .data = hints};
    uint8_t packet[256] = {0};
    size_t len = 0;
    int err = aura_rtp_write_header(packet, sizeof(packet), &len, &h, &item, 1);
    if (!err) {
        aura_dump_packet(d, 0, &from, &to, packet, len + PAYLOAD);
    }
    return err;
}

static int put_all(struct aura_dump *d) {
    uint8_t known[16] = {0}, bare[16] = {0}, other[16];
    size_t n = aura_aic_hints_write(&all, known, sizeof(known));
    size_t m = aura_aic_hints_write(&nothing, bare, sizeof(bare));
    memcpy(other, known, sizeof(other));
    other[0] = 0x22; /* version 2 */
    int err = put(d, 1, ID, known, n);
    err = err ? err : put(d, 2, ID, bare, m);
    err = err ? err : put(d, 3, ID, known, n - 1); /* too short */
    err = err ? err : put(d, 4, ID, other, n);
    err = err ? err : put(d, 5, ID, known, AURA_AIC_HINTS_BYTES_MAX); /* of a later version */
    return err ? err : put(d, 6, ID_TWO_BYTE, known, n);
}

int main(int argc, char **argv) {
    struct aura_dump *d = NULL;
    int err =
        argc == 2 ? aura_dump_new(&d, argv[1], FILE_BYTES, 1, aura_clock_system()) : AURA_EINVAL;
    err = err ? err : put_all(d);
    aura_dump_free(d);
    if (err) {
        fprintf(stderr, "hints_pcap FILE: %s\n", aura_err_text(err));
    }
    return err != 0;
}
