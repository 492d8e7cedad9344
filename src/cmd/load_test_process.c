/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cmd/load_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { STAT_BYTES = 1024, SNMP_BYTES = 8192 };

static int read_path(const char *path, char *out, size_t cap) {
    FILE *f = fopen(path, "re");
    if (!f) {
        return AURA_ENOENT;
    }
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = 0;
    fclose(f);
    return n ? 0 : AURA_ENOENT;
}

static int read_file(uint64_t pid, const char *name, char *out, size_t cap) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%" PRIu64 "/%s", pid, name);
    return read_path(path, out, cap);
}

int load_process_read(struct load_process *out, uint64_t pid) {
    char text[STAT_BYTES];
    unsigned long user, kernel;
    unsigned long long size, resident;
    int err = read_file(pid, "stat", text, sizeof(text));
    if (err) {
        return err;
    }
    /* The name in brackets may hold anything. utime and stime are fields 14 and 15. */
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &kernel) != 2) {
        return AURA_ENOENT;
    }
    long ticks = sysconf(_SC_CLK_TCK);
    out->cpu_us = (uint64_t)(user + kernel) * AURA_US_PER_S / (uint64_t)(ticks > 0 ? ticks : 100);
    err = read_file(pid, "statm", text, sizeof(text));
    if (err || sscanf(text, "%llu %llu", &size, &resident) != 2) {
        return AURA_ENOENT;
    }
    out->rss_bytes = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

/* The second of the two lines that begin with "Udp:" has the values; the fifth is RcvbufErrors. */
uint64_t load_receive_errors(void) {
    char text[SNMP_BYTES];
    unsigned long long errors = 0;
    if (read_path("/proc/net/snmp", text, sizeof(text))) {
        return 0;
    }
    const char *names = strstr(text, "\nUdp: ");
    const char *values = names ? strstr(names + 1, "\nUdp: ") : NULL;
    return values && sscanf(values, "\nUdp: %*u %*u %*u %*u %llu", &errors) == 1 ? errors : 0;
}

uint64_t load_own_cpu_us(void) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0) {
        return 0;
    }
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * AURA_US_PER_S +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

uint64_t load_raise_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : 0;
}
