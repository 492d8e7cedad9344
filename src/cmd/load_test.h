/* SPDX-License-Identifier: Apache-2.0 */
/** @file load_test.h  Shared by the parts of `auralink load-test`. */
#ifndef AURA_CMD_LOAD_TEST_H
#define AURA_CMD_LOAD_TEST_H

#include "client/client.h"
#include "cmd/cli.h"

enum {
    LOAD_THREADS_MAX = 64,
    LOAD_ROOMS_MAX = 10000,
    LOAD_PARTICIPANTS_MAX = 50000,
    LOAD_WHY_MAX = 160,
    LOAD_LAYERS_MAX = AURA_MEDIA_LAYERS_MAX,
};

/** What the user asked for. */
struct load_options {
    struct cli cli;
    struct aura_client_url url;
    const char *room, *resolution, *codec_name, *quality_name;
    enum aura_client_quality quality;
    enum aura_codec codec;
    uint64_t rooms, publishers, subscribers; /* the last two in each room */
    uint64_t warmup_s, duration_s, ramp, threads, seed, server_pid, sharing;
    bool audio, video, no_simulcast, simulcast, meeting, dynacast, insecure, gro;
    struct aura_arg_list clips;
};

/** Encoded media that all publishers share. */
struct load_media {
    struct aura_clip *audio, *video[LOAD_LAYERS_MAX];
    size_t layers;
};

/** Loads --clip files, or makes and keeps clips with ffmpeg. Says on stderr what is wrong. */
AURA_NODISCARD int load_media_open(struct load_media *m, const struct load_options *o);
void load_media_close(struct load_media *m);

/** What the kernel knows of a process. */
struct load_process {
    uint64_t cpu_us, rss_bytes;
};
/** @return 0 or AURA_ENOENT */
AURA_NODISCARD int load_process_read(struct load_process *out, uint64_t pid);
/** UDP packets that found a socket's buffer full, on the whole machine since it started. */
uint64_t load_receive_errors(void);
/** CPU time of this process. */
uint64_t load_own_cpu_us(void);
/** Raises the limit of open files as far as it goes. @return the limit now */
uint64_t load_raise_files(void);

/** One participant; `state` and below are written by its thread, once, before `state`. */
struct load_participant {
    struct load_thread *thread;
    struct aura_client *client;
    struct aura_client_conf conf;
    struct aura_task start;
    char *token;
    bool subscriber; /* counts for the times of subscribers */
    uint64_t expected_streams;
    aura_count state; /* enum load_state */
    int err;
    char why[LOAD_WHY_MAX];
    aura_count started, joined, connected, first_audio, first_video, flowing;
};

enum load_state { LOAD_WAITING, LOAD_STARTED, LOAD_CONNECTED, LOAD_ENDED };

/** What a thread wrote before it set a state is seen by who reads that state. */
static inline void load_set_state(struct load_participant *p, enum load_state state) {
    atomic_store_explicit(&p->state, (uint64_t)state, memory_order_release);
}
static inline enum load_state load_state_of(const struct load_participant *p) {
    return (enum load_state)atomic_load_explicit(&p->state, memory_order_acquire);
}

struct load_thread;

/** All threads and participants. */
struct load {
    const struct load_options *options;
    struct load_media media;
    struct load_thread *threads;
    size_t thread_count;
    struct load_participant *participants; /* publishers first */
    size_t count, publisher_count;
    struct aura_dtls_identity *identity;
};

AURA_NODISCARD int load_new(struct load *l, const struct load_options *o);
void load_free(struct load *l);
/** Lets one participant begin. */
void load_start(struct load_participant *p);
/** Sum of what all threads counted up to now. */
void load_meter(const struct load *l, struct aura_meter *sum);
/** Copies the times of all clients into their participants. Waits for the threads. */
void load_poll(struct load *l);
/** Everybody leaves; the threads end. */
void load_stop(struct load *l);

struct load_percentiles {
    double p50, p95;
    size_t count;
};

/** What came out. Times in milliseconds, latencies in microseconds. */
struct load_result {
    size_t joined, connected, failed, flowing, expected_flowing;
    const char *first_failure;
    struct load_percentiles join_ms, connect_ms, audio_ms, video_ms;
    double seconds; /* of the measuring window */
    struct aura_meter window;
    double sent_pps, received_pps, received_kbps, loss_before, loss_after; /* shares: 0..1 */
    double audio_us[3], video_us[3];                                       /* p50, p95, p99 */
    bool has_server;
    double cpu_us_per_packet, cpu_ms_per_join, rss_kb_per_subscriber, server_cpu;
    uint64_t rss_bytes;
    double own_cpu;
    uint64_t receive_errors; /* UDP packets that this machine dropped: a socket's buffer was full */
};

/** Runs the whole test. @return 0, or an error after a message */
AURA_NODISCARD int load_run(struct load *l, struct load_result *r);
/** Prints the table or the object. @return an exit status */
int load_report(const struct load_options *o, const struct load_result *r);

#endif
