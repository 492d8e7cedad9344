/* SPDX-License-Identifier: Apache-2.0 */
/* The client library in a page: five seconds of a grey picture that brightens, into a room.
 *
 *     publish ws://127.0.0.1:7880 "$(auralink token create --room demo --identity me)" [AI_CORE]
 */
#include <auralink/client.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WIDTH = 640, HEIGHT = 360, FPS = 30, SECONDS = 5 };

static void on_ended(void *arg, int err, const char *why) {
    (void)arg;
    fprintf(stderr, "ended: %s (%s)\n", why, aura_call_error_text(err));
}

static void send(struct aura_call_track *track) {
    static uint8_t luma[WIDTH * HEIGHT], chroma[WIDTH * HEIGHT / 4];
    const struct timespec pause = {.tv_nsec = 1000000000 / FPS};
    const struct aura_call_picture picture = {.plane = {luma, chroma, chroma},
                                              .stride = {WIDTH, WIDTH / 2, WIDTH / 2},
                                              .width = WIDTH,
                                              .height = HEIGHT};
    memset(chroma, 128, sizeof(chroma));
    for (int n = 0; n < SECONDS * FPS; n++) {
        memset(luma, 40 + n, sizeof(luma));
        (void)aura_call_video_push(track, &picture, (uint64_t)n * 1000000 / FPS);
        (void)nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv) {
    const struct aura_call_handlers handlers = {.ended = on_ended};
    struct aura_call_video_conf video = {.width = WIDTH, .height = HEIGHT, .fps = FPS};
    struct aura_call_conf conf = {0};
    struct aura_call_track *track;
    struct aura_call *call;
    struct aura_call_stats stats;
    if (argc < 3) {
        fprintf(stderr, "usage: publish URL TOKEN [AI_CORE]\n");
        return 2;
    }
    conf.url = argv[1];
    conf.token = argv[2];
    conf.ai_core = argc > 3 ? argv[3] : NULL;
    video.aic = conf.ai_core != NULL;
    int err = aura_call_new(&call, &conf, &handlers, NULL);
    if (err) {
        fprintf(stderr, "%s\n", aura_call_error_text(err));
        return 1;
    }
    err = aura_call_add_video(call, &video, &track);
    err = err ? err : aura_call_connect(call);
    if (!err) {
        send(track);
        aura_call_stats(call, &stats);
        printf("%llu frames, %llu of them by AI Core\n",
               (unsigned long long)(stats.native_frames + stats.aic_frames),
               (unsigned long long)stats.aic_frames);
    }
    aura_call_free(call);
    return err ? 1 : 0;
}
