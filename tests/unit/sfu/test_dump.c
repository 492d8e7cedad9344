/* SPDX-License-Identifier: Apache-2.0 */
/* --dump-rtp's file, byte by byte. */
#include "harness.h"

#include "base/bytes.h"
#include "sfu/dump.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 4096, HEAD = 24, RECORD = 16, HEADS_V4 = 28, HEADS_V6 = 48 };

static const struct aura_addr here = {.family = AURA_FAMILY_V4, .ip = {192, 0, 2, 1}, .port = 7882};
static const struct aura_addr there = {
    .family = AURA_FAMILY_V4, .ip = {198, 51, 100, 7}, .port = 50000};
static const struct aura_addr here6 = {
    .family = AURA_FAMILY_V6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 7882};
static const struct aura_addr there6 = {
    .family = AURA_FAMILY_V6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 2}, .port = 50001};

struct rig {
    struct aura_clock_manual clock;
    struct aura_dump *dump;
    char path[40];
};

static int rig_new(struct rig *r, uint64_t bytes_max) {
    snprintf(r->path, sizeof(r->path), "/tmp/aura-dump-XXXXXX");
    int fd = mkstemp(r->path);
    assert_true(fd >= 0);
    close(fd);
    r->dump = NULL;
    aura_clock_manual_init(&r->clock, 1, UINT64_C(1700000000123456));
    int err = aura_dump_new(&r->dump, r->path, bytes_max, 2, &r->clock.clock);
    if (err) {
        unlink(r->path);
    }
    return err;
}

/* Ends the dump and reads its file. @return its bytes */
static size_t take(struct rig *r, uint8_t out[FILE_MAX]) {
    aura_dump_free(r->dump);
    FILE *f = fopen(r->path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, FILE_MAX, f);
    fclose(f);
    unlink(r->path);
    return n;
}

/* The one's complement sum over what a checksum covers is all ones. */
static uint16_t sum(const uint8_t *data, size_t len, uint32_t start) {
    for (size_t i = 0; i < len; i++) {
        start += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    }
    while (start >> 16) {
        start = (start & 0xffff) + (start >> 16);
    }
    return (uint16_t)start;
}

static int both_families(void) {
    static const uint8_t rtp[5] = {0x80, 96, 1, 2, 3};
    uint8_t file[FILE_MAX];
    struct rig r;
    TRY(rig_new(&r, 1 << 20));
    aura_dump_packet(r.dump, 0, &here, &there, rtp, sizeof(rtp));
    aura_dump_packet(r.dump, 0, &there6, &here6, rtp, sizeof(rtp));
    struct aura_dump_stats stats;
    aura_dump_finish(r.dump);
    aura_dump_stats(r.dump, &stats);
    assert_int_equal(stats.packets, 2);
    size_t n = take(&r, file);
    const uint8_t *v4 = file + HEAD, *ip4 = v4 + RECORD;
    const uint8_t *v6 = ip4 + HEADS_V4 + sizeof(rtp), *ip6 = v6 + RECORD;
    assert_int_equal(n, HEAD + 2 * (RECORD + sizeof(rtp)) + HEADS_V4 + HEADS_V6);
    assert_int_equal(aura_get_u32(file), 0xa1b2c3d4);
    assert_int_equal(aura_get_u32(file + 20), 101); /* raw IP */
    assert_int_equal(aura_get_u32(v4), 1700000000);
    assert_int_equal(aura_get_u32(v4 + 4), 123456);
    assert_int_equal(aura_get_u32(v4 + 8), HEADS_V4 + sizeof(rtp));
    assert_int_equal(ip4[0], 0x45);
    assert_int_equal(sum(ip4, 20, 0), 0xffff);
    assert_memory_equal(ip4 + 12, here.ip, 4);
    assert_memory_equal(ip4 + 16, there.ip, 4);
    assert_int_equal(aura_get_u16(ip4 + 20), 7882);
    assert_int_equal(aura_get_u16(ip4 + 22), 50000);
    assert_int_equal(sum(ip4 + 12, 16 + sizeof(rtp), 17 + 8 + sizeof(rtp)), 0xffff);
    assert_memory_equal(ip4 + HEADS_V4, rtp, sizeof(rtp));
    assert_int_equal(ip6[0], 0x60);
    assert_int_equal(aura_get_u16(ip6 + 40), 50001);
    assert_int_equal(sum(ip6 + 8, 40 + sizeof(rtp), 17 + 8 + sizeof(rtp)), 0xffff);
    assert_memory_equal(ip6 + HEADS_V6, rtp, sizeof(rtp));
    return 0;
}

/* Whoever else is on the machine must not read calls. */
static int is_for_the_owner_only(void) {
    struct rig r;
    struct stat st;
    uint8_t file[FILE_MAX];
    char fresh[48];
    TRY(rig_new(&r, 1 << 20));
    (void)take(&r, file);
    snprintf(fresh, sizeof(fresh), "%s.pcap", r.path);
    int err = aura_dump_new(&r.dump, fresh, 1 << 20, 1, &r.clock.clock);
    if (!err) {
        assert_int_equal(stat(fresh, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        aura_dump_free(r.dump);
    }
    unlink(fresh);
    return err;
}

static void wait_for(const struct rig *r, uint64_t packets, struct aura_dump_stats *stats) {
    do {
        sched_yield();
        aura_dump_stats(r->dump, stats);
    } while (stats->packets + stats->dropped < packets);
}

static int stops_at_its_limit(void) {
    static const uint8_t rtp[100] = {0x80};
    uint8_t file[FILE_MAX];
    struct aura_dump_stats stats;
    struct rig r;
    const uint64_t one = RECORD + HEADS_V4 + sizeof(rtp);
    TRY(rig_new(&r, HEAD + 2 * one + 1));
    for (unsigned i = 0; i < 3; i++) {
        aura_dump_packet(r.dump, i % 2, &here, &there, rtp, sizeof(rtp));
    }
    wait_for(&r, 3, &stats);
    aura_dump_packet(r.dump, 0, &here, &there, rtp, sizeof(rtp)); /* not even into the ring */
    wait_for(&r, 4, &stats);
    assert_int_equal(stats.packets, 2);
    assert_int_equal(stats.dropped, 2);
    assert_int_equal(stats.bytes, HEAD + 2 * one);
    assert_int_equal(take(&r, file), HEAD + 2 * one);
    return 0;
}

/* More than the ring holds before the thread looks: counted, never blocked, never torn. */
static int a_full_ring_drops(void) {
    enum { PACKETS = 4 * AURA_DUMP_SLOTS };
    static uint8_t rtp[AURA_DUMP_PACKET_BYTES + 100] = {0x80};
    struct aura_dump_stats stats;
    struct rig r;
    TRY(rig_new(&r, 64 << 20));
    for (unsigned i = 0; i < PACKETS; i++) {
        aura_dump_packet(r.dump, 1, &here, &there, rtp, sizeof(rtp));
    }
    wait_for(&r, PACKETS, &stats);
    assert_int_equal(stats.packets + stats.dropped, PACKETS);
    assert_true(stats.packets >= AURA_DUMP_SLOTS);
    assert_int_equal(stats.bytes,
                     HEAD + stats.packets * (RECORD + HEADS_V4 + (uint64_t)AURA_DUMP_PACKET_BYTES));
    aura_dump_free(r.dump);
    unlink(r.path);
    return 0;
}

static int wants_a_file_and_lanes(void) {
    struct aura_dump *d = NULL;
    int err = aura_dump_new(&d, "/nonexistent/x.pcap", 1 << 20, 1, aura_clock_system());
    if (err == AURA_ENOMEM) {
        return err;
    }
    assert_int_equal(err, AURA_EIO);
    assert_int_equal(aura_dump_new(&d, "/tmp/x", 1 << 20, 0, aura_clock_system()), AURA_ELIMIT);
    assert_null(d);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(both_families),          AURA_CASE(is_for_the_owner_only),
        AURA_PLAIN(stops_at_its_limit),    AURA_PLAIN(a_full_ring_drops),
        AURA_CASE(wants_a_file_and_lanes),
    };
    return RUN_CASES("sfu/dump", cases);
}
