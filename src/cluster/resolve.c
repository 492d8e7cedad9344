/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/resolve.h"

#include "base/mem.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct aura_resolve {
    struct aura_loop *loop;
    struct aura_timer timer; /* of a host that is a number */
    struct aura_watch watch;
    int done; /* eventfd that the thread writes to */
    aura_resolve_fn *fn;
    void *arg;
    char *host;
    pthread_t thread;
    bool threaded, found;
    char ip[AURA_ADDR_TEXT_MAX];
};

static void on_done(void *arg) {
    struct aura_resolve *r = arg;
    r->fn(r->arg, r->found ? r->ip : NULL);
}

static void on_readable(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_resolve *r = arg;
    (void)events;
    aura_loop_remove_fd(watch);
    (void)pthread_join(r->thread, NULL); /* it has nothing left to do */
    r->threaded = false;
    on_done(r);
}

static void *look(void *arg) {
    struct aura_resolve *r = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const uint64_t one = 1;
    struct addrinfo *list = NULL;
    struct aura_addr a;
    if (getaddrinfo(r->host, NULL, &hints, &list) == 0) {
        if (aura_addr_from_sockaddr(&a, list->ai_addr, list->ai_addrlen) == 0) {
            aura_addr_ip_text(&a, r->ip);
            r->found = true;
        }
        freeaddrinfo(list);
    }
    AURA_BUG_ON(write(r->done, &one, sizeof(one)) != (ssize_t)sizeof(one));
    return NULL;
}

static int start_thread(struct aura_resolve *r) {
    r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = r->done < 0 ? AURA_EAGAIN : 0;
    err = err ? err : aura_loop_add_fd(r->loop, &r->watch, r->done, AURA_LOOP_READ, on_readable, r);
    r->threaded = !err && pthread_create(&r->thread, NULL, look, r) == 0;
    return err ? err : r->threaded ? 0 : AURA_EAGAIN;
}

int aura_resolve_start(struct aura_resolve **out, struct aura_loop *loop, const char *host,
                       aura_resolve_fn *fn, void *arg) {
    struct aura_addr a;
    struct aura_resolve *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    *r = (struct aura_resolve){
        .loop = loop, .done = -1, .fn = fn, .arg = arg, .host = aura_strdup(host)};
    int err = r->host ? 0 : AURA_ENOMEM;
    if (!err && aura_addr_parse(&a, host) == 0) {
        aura_addr_ip_text(&a, r->ip);
        r->found = true;
        err = aura_timer_start(aura_loop_timers(loop), &r->timer, 0, on_done, r);
    } else if (!err) {
        err = start_thread(r);
    }
    if (err) {
        aura_resolve_free(r);
        return err;
    }
    *out = r;
    return 0;
}

struct aura_resolve *aura_resolve_free(struct aura_resolve *r) {
    if (!r) {
        return NULL;
    }
    aura_timer_stop(aura_loop_timers(r->loop), &r->timer);
    if (r->threaded) {
        (void)pthread_join(r->thread, NULL);
    }
    aura_loop_remove_fd(&r->watch);
    if (r->done >= 0) {
        close(r->done);
    }
    aura_free(r->host);
    aura_free(r);
    return NULL;
}
