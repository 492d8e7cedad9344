/* SPDX-License-Identifier: Apache-2.0 */
#include "api/peer_ask.h"

#include "base/list.h"
#include "base/mem.h"

#include <curl/curl.h>

#include <stdio.h>
#include <string.h>

enum { URL_BYTES_MAX = 256 * 1024, HEADER_BYTES_MAX = 132 * 1024 };

struct aura_asker {
    struct aura_loop *loop;
    struct aura_timer timer;
    CURLM *multi;
    const char *ca, *certificate, *key;
    struct aura_list questions;
    size_t count;
};

struct aura_question {
    struct aura_node node;
    struct aura_asker *asker;
    CURL *easy;
    struct curl_slist *headers;
    struct aura_buf in;
    char error[CURL_ERROR_SIZE];
    aura_answer_fn *fn;
    void *arg;
};

static void forget(struct aura_question *q) {
    if (aura_node_linked(&q->node)) {
        aura_node_remove(&q->node);
        q->asker->count--;
        (void)curl_multi_remove_handle(q->asker->multi, q->easy);
    }
    curl_easy_cleanup(q->easy);
    curl_slist_free_all(q->headers);
    aura_buf_free(&q->in);
    aura_free(q);
}

/* ---- libcurl in our loop ---- */

static void finish(struct aura_question *q, CURLcode code) {
    struct aura_answer a = {.why = q->error, .body = q->in.data, .len = q->in.len};
    long status = 0;
    char *type = NULL;
    curl_off_t sent = 0, began = 0;
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(q->easy, CURLINFO_CONTENT_TYPE, &type);
        (void)curl_easy_getinfo(q->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
        (void)curl_easy_getinfo(q->easy, CURLINFO_STARTTRANSFER_TIME_T, &began);
    } else if (!q->error[0]) {
        a.why = curl_easy_strerror(code);
    }
    a.status = (int)status;
    a.refused = code == CURLE_COULDNT_CONNECT;
    a.protobuf = type && strncmp(type, "application/protobuf", 20) == 0;
    a.rtt_us = began > sent ? (uint32_t)(began - sent) : 0;
    q->fn(q->arg, &a);
    forget(q);
}

static void look_for_ends(struct aura_asker *a) {
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(a->multi, &left)) != NULL;) {
        struct aura_question *q = NULL;
        CURLcode code = m->data.result;
        if (m->msg == CURLMSG_DONE &&
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&q) == CURLE_OK) {
            finish(q, code);
        }
    }
}

struct socket_watch {
    struct aura_watch watch;
    struct aura_asker *asker;
};

static void on_socket_events(void *arg, struct aura_watch *watch, unsigned events) {
    struct socket_watch *w = arg;
    struct aura_asker *a = w->asker;
    int fd = watch->fd, running, what = 0;
    what |= events & AURA_LOOP_READ ? CURL_CSELECT_IN : 0;
    what |= events & AURA_LOOP_WRITE ? CURL_CSELECT_OUT : 0;
    what |= events & AURA_LOOP_HANGUP ? CURL_CSELECT_ERR : 0;
    (void)curl_multi_socket_action(a->multi, fd, what, &running); /* may free w */
    look_for_ends(a);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    struct aura_asker *a = arg;
    struct socket_watch *w = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            aura_loop_remove_fd(&w->watch);
            aura_free(w);
            (void)curl_multi_assign(a->multi, fd, NULL);
        }
        return 0;
    }
    unsigned events =
        (what & CURL_POLL_IN ? AURA_LOOP_READ : 0u) | (what & CURL_POLL_OUT ? AURA_LOOP_WRITE : 0u);
    if (w) {
        return aura_loop_mod_fd(&w->watch, events) ? -1 : 0;
    }
    w = aura_zalloc(sizeof(*w));
    if (!w || aura_loop_add_fd(a->loop, &w->watch, fd, events, on_socket_events, w)) {
        aura_free(w);
        return -1;
    }
    w->asker = a;
    (void)curl_multi_assign(a->multi, fd, w);
    return 0;
}

static void on_timer(void *arg) {
    struct aura_asker *a = arg;
    int running;
    (void)curl_multi_socket_action(a->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_ends(a);
}

static int on_timeout(CURLM *multi, long ms, void *arg) {
    struct aura_asker *a = arg;
    (void)multi;
    if (ms < 0) {
        aura_timer_stop(aura_loop_timers(a->loop), &a->timer);
        return 0;
    }
    return aura_timer_start(aura_loop_timers(a->loop), &a->timer, (uint64_t)ms * AURA_US_PER_MS,
                            on_timer, a)
               ? -1
               : 0;
}

/* ---- asking ---- */

static size_t on_data(char *data, size_t size, size_t n, void *arg) {
    struct aura_question *q = arg;
    return aura_buf_add(&q->in, data, size * n) ? 0 : size * n;
}

static void add_header(struct aura_question *q, const char *name, const char *value, int *err) {
    struct aura_buf line = AURA_BUF(HEADER_BYTES_MAX);
    if (*err || !*value) {
        return;
    }
    *err = aura_buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *more = *err ? NULL : curl_slist_append(q->headers, aura_buf_text(&line));
    *err = *err ? *err : more ? 0 : AURA_ENOMEM;
    q->headers = more ? more : q->headers;
    if (line.data) {
        aura_wipe(line.data, line.len); /* the token */
    }
    aura_buf_free(&line);
}

static int set_up(struct aura_question *q, const struct aura_ask_conf *conf) {
    const struct aura_asker *a = q->asker;
    struct aura_buf url = AURA_BUF(URL_BYTES_MAX), bearer = AURA_BUF(HEADER_BYTES_MAX);
    bool tls = *a->ca;
    int err =
        aura_buf_printf(&url, "%s://%s%s", tls ? "https" : "http", conf->address, conf->target);
    if (!err && *conf->bearer) {
        err = aura_buf_printf(&bearer, "Bearer %s", conf->bearer);
    }
    add_header(q, "authorization", aura_buf_text(&bearer), &err);
    add_header(q, "x-forwarded-for", conf->forwarded, &err);
    add_header(q, "content-type", conf->type ? conf->type : "", &err);
    CURL *e = q->easy;
    bool fine =
        !err && curl_easy_setopt(e, CURLOPT_URL, aura_buf_text(&url)) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_HTTPHEADER, q->headers) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_WRITEDATA, q) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_PRIVATE, q) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_ERRORBUFFER, q->error) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)AURA_ASK_CONNECT_MS) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)conf->timeout_ms) == CURLE_OK;
    if (fine && conf->type) {
        fine = curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)conf->len) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, conf->len ? conf->body : "") == CURLE_OK;
    }
    if (fine && tls) { /* its authority signs nodes and nobody else: no names */
        fine = curl_easy_setopt(e, CURLOPT_CAINFO, a->ca) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SSLCERT, a->certificate) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SSLKEY, a->key) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
    }
    if (bearer.data) {
        aura_wipe(bearer.data, bearer.len);
    }
    aura_buf_free(&bearer);
    aura_buf_free(&url);
    return fine ? 0 : AURA_ENOMEM;
}

int aura_ask(struct aura_asker *a, const struct aura_ask_conf *conf, aura_answer_fn *fn,
             void *arg) {
    struct aura_question *q = a->count < AURA_ASK_TOTAL_MAX ? aura_zalloc(sizeof(*q)) : NULL;
    if (!q) {
        return a->count < AURA_ASK_TOTAL_MAX ? AURA_ENOMEM : AURA_ELIMIT;
    }
    *q = (struct aura_question){.asker = a,
                                .easy = curl_easy_init(),
                                .in = AURA_BUF(AURA_ASK_ANSWER_BYTES_MAX),
                                .fn = fn,
                                .arg = arg};
    int err = q->easy ? set_up(q, conf) : AURA_ENOMEM;
    if (!err && curl_multi_add_handle(a->multi, q->easy) != CURLM_OK) {
        err = AURA_ENOMEM;
    }
    if (err) {
        forget(q);
        return err;
    }
    aura_list_add(&a->questions, &q->node);
    a->count++;
    return 0;
}

/* ---- life ---- */

int aura_asker_new(struct aura_asker **out, struct aura_loop *loop, const char *ca,
                   const char *certificate, const char *key) {
    struct aura_asker *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    *a = (struct aura_asker){.loop = loop, .ca = ca, .certificate = certificate, .key = key};
    aura_list_init(&a->questions);
    a->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    bool fine = a->multi &&
                curl_multi_setopt(a->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
                curl_multi_setopt(a->multi, CURLMOPT_SOCKETDATA, a) == CURLM_OK &&
                curl_multi_setopt(a->multi, CURLMOPT_TIMERFUNCTION, on_timeout) == CURLM_OK &&
                curl_multi_setopt(a->multi, CURLMOPT_TIMERDATA, a) == CURLM_OK;
    if (!fine) {
        aura_asker_free(a);
        return AURA_ENOMEM;
    }
    *out = a;
    return 0;
}

struct aura_asker *aura_asker_free(struct aura_asker *a) {
    if (!a) {
        return NULL;
    }
    AURA_LIST_EACH(&a->questions, struct aura_question, q, node) {
        const struct aura_answer none = {.why = "this server is ending"};
        q->fn(q->arg, &none);
        forget(q);
    }
    if (a->multi) {
        (void)curl_multi_cleanup(a->multi); /* closes kept connections, and says so */
    }
    aura_timer_stop(aura_loop_timers(a->loop), &a->timer);
    aura_free(a);
    return NULL;
}
