/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dump.h  Writes unencrypted RTP and RTCP into a pcap file, as UDP over IP: for looking at
 * what is on the wire with Wireshark. Breaks the confidentiality of calls: off unless asked for.
 *
 * Packets are copied into a ring for each worker and written by a thread of its own; what does not
 * fit is dropped and counted. Threading: aura_dump_packet() by one thread for each lane, the rest
 * by the owner.
 */
#ifndef AURA_SFU_DUMP_H
#define AURA_SFU_DUMP_H

#include "base/clock.h"
#include "net/addr.h"

enum {
    AURA_DUMP_LANES_MAX = 32,
    AURA_DUMP_SLOTS = 512,         /* packets of one lane that wait for the file */
    AURA_DUMP_PACKET_BYTES = 1600, /* longer ones are cut */
};

struct aura_dump;

/**
 * Creates the file, for its owner only, and starts the thread.
 * @param bytes_max  of the file; nothing is written beyond that
 * @return 0, AURA_ENOMEM, AURA_EIO (errno says why), AURA_ELIMIT (lanes)
 */
AURA_NODISCARD int aura_dump_new(struct aura_dump **dp, const char *path, uint64_t bytes_max,
                                 unsigned lanes, const struct aura_clock *clock);
/** Writes what waits and ends the thread: the figures are final then. No packet may come any more.
 */
void aura_dump_finish(struct aura_dump *d);
/** As aura_dump_finish(), and frees it. NULL is fine. Returns NULL. */
struct aura_dump *aura_dump_free(struct aura_dump *d);
/** Notes one packet. Never blocks. */
void aura_dump_packet(struct aura_dump *d, unsigned lane, const struct aura_addr *from,
                      const struct aura_addr *to, const uint8_t *data, size_t len);

struct aura_dump_stats {
    uint64_t packets, bytes; /* in the file */
    uint64_t dropped;        /* the ring or the file was full */
};
/** Any thread. */
void aura_dump_stats(const struct aura_dump *d, struct aura_dump_stats *out);

#endif
