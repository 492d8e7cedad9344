// SPDX-License-Identifier: Apache-2.0
// The client library from C++: counts the frames of a room's first video, for as many seconds as asked.
//
//     receive ws://127.0.0.1:7880 "$(auralink token create --room demo --identity me)" 5
#include <auralink/client.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

struct Seen {
    std::atomic<unsigned> frames{0}, hinted{0};
    std::atomic<bool> ended{false};
};

void on_frame(void *arg, const aura_call_frame *frame) {
    auto *seen = static_cast<Seen *>(arg);
    seen->frames++;
    seen->hinted += frame->has_hints;
}

void on_ended(void *arg, int err, const char *why) {
    std::fprintf(stderr, "ended: %s (%s)\n", why, aura_call_error_text(err));
    static_cast<Seen *>(arg)->ended = true;
}

} // namespace

int main(int argc, char **argv) {
    Seen seen;
    aura_call *call = nullptr;
    aura_call_conf conf = {};
    aura_call_handlers handlers = {};
    if (argc < 4) {
        std::fprintf(stderr, "usage: receive URL TOKEN SECONDS\n");
        return 2;
    }
    conf.url = argv[1];
    conf.token = argv[2];
    conf.watch = true;
    handlers.frame = on_frame;
    handlers.ended = on_ended;
    int err = aura_call_new(&call, &conf, &handlers, &seen);
    err = err ? err : aura_call_connect(call);
    for (int left = err ? 0 : std::atoi(argv[3]) * 10; left > 0 && !seen.ended; left--) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    aura_call_free(call);
    std::printf("%u frames, %u with hints\n", seen.frames.load(), seen.hinted.load());
    return err || seen.ended ? 1 : 0;
}
