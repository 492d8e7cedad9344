/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tracing.h"

#include "api/tracing_otlp.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/ring.h"

#include <curl/curl.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GATHER_MS = 1000, /* a span waits at most so long for others to go with it */
    FIRST_RETRY_MS = 1000,
    RETRY_AFTER_MAX_S = 30, /* of what a collector asks for */
    ANSWER_BYTES_MAX = 16 * 1024,
    REQUEST_BYTES_MAX = 16 << 20,
    URL_BYTES_MAX = 2048,
    IDLE_MS = 60000,
};

struct aura_tracing {
    struct aura_tracing_conf conf;
    char *url, *node_id, *version;
    struct curl_slist *headers;
    struct aura_ring *ring; /* of char *: spans as JSON */
    pthread_t thread;
    bool started;
    CURLM *multi;
    CURL *flight; /* NULL: none is on its way */
    struct aura_buf body, answer;
    size_t count;       /* spans in `body`; closed once the first request is made */
    bool closed, waits; /* waits: for `due_us`, to try again */
    unsigned attempts;  /* of this batch */
    uint64_t due_us;    /* when the batch goes */
    atomic_bool stopping;
    atomic_uint_least64_t exported, lost, failed, retries;
};

/* ---- from the control thread ---- */

void aura_tracing_span(void *arg, const struct aura_span *span) {
    struct aura_tracing *t = arg;
    char *text = aura__otlp_span(span);
    if (!text) {
        atomic_fetch_add(&t->lost, 1);
    } else if (aura_ring_push(t->ring, &text)) {
        free(text); /* library's memory */
    }
}

void aura_tracing_stats(const struct aura_tracing *t, struct aura_tracing_stats *out) {
    out->exported = atomic_load(&t->exported);
    out->dropped = atomic_load(&t->lost) + aura_ring_overflows(t->ring);
    out->failed = atomic_load(&t->failed);
    out->retries = atomic_load(&t->retries);
}

/* ---- a batch ---- */

static void new_batch(struct aura_tracing *t) {
    aura_buf_clear(&t->body);
    t->count = 0;
    t->attempts = 0;
    t->closed = t->waits = false;
}

static void on_span(void *arg, void *message) {
    struct aura_tracing *t = arg;
    char *text = *(char **)message;
    if (t->count == 0) {
        t->due_us = aura_now_us(t->conf.clock) + GATHER_MS * AURA_US_PER_MS;
        (void)!aura__otlp_begin(&t->body, t->version, t->node_id); /* the buffer keeps the error */
    } else {
        aura_buf_str(&t->body, ",");
    }
    aura_buf_str(&t->body, text);
    t->count++;
    free(text); /* library's memory */
}

static void give_up(struct aura_tracing *t, long status, const char *why) {
    atomic_fetch_add(&t->failed, t->count);
    AURA_LOG_LIMITED("trace", AURA_LOG_WARN, "spans_not_exported", AURA_I("spans", t->count),
                     AURA_I("status", status), AURA_S("why", why));
    new_batch(t);
}

/* ---- a request ---- */

static size_t on_answer(char *data, size_t size, size_t n, void *arg) {
    return aura_buf_add(arg, data, size * n) ? 0 : size * n;
}

static void begin_flight(struct aura_tracing *t) {
    if (!t->closed && aura__otlp_end(&t->body)) {
        give_up(t, 0, aura_err_text(t->body.err));
        return;
    }
    t->closed = true;
    t->waits = false;
    aura_buf_clear(&t->answer);
    CURL *c = curl_easy_init();
    if (!c) {
        give_up(t, 0, "out of memory");
        return;
    }
    curl_easy_setopt(c, CURLOPT_URL, t->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)t->body.data);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)t->body.len);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &t->answer);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(t->conf.timeout_us / AURA_US_PER_MS));
    curl_easy_setopt(c, CURLOPT_USERAGENT, "auralink-server");
    if (curl_multi_add_handle(t->multi, c)) {
        curl_easy_cleanup(c);
        give_up(t, 0, "out of memory");
        return;
    }
    t->attempts++;
    t->flight = c;
}

/* Statuses that OTLP calls retryable; 0 = nobody answered. */
static bool may_retry(long status) {
    return status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
}

static void retry(struct aura_tracing *t, curl_off_t after_s) {
    uint64_t us = (uint64_t)FIRST_RETRY_MS * AURA_US_PER_MS << (t->attempts - 1);
    if (after_s > 0 && after_s <= RETRY_AFTER_MAX_S) {
        us = (uint64_t)after_s * AURA_US_PER_S;
    }
    atomic_fetch_add(&t->retries, 1);
    t->waits = true;
    t->due_us = aura_now_us(t->conf.clock) + us;
}

static void end_flight(struct aura_tracing *t, CURLcode code) {
    long status = 0;
    curl_off_t after_s = 0;
    curl_easy_getinfo(t->flight, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->flight, CURLINFO_RETRY_AFTER, &after_s);
    status = code ? 0 : status;
    curl_multi_remove_handle(t->multi, t->flight);
    curl_easy_cleanup(t->flight);
    t->flight = NULL;
    if (status >= 200 && status < 300) {
        uint64_t refused = aura__otlp_rejected((const char *)t->answer.data, t->answer.len);
        refused = refused < t->count ? refused : t->count;
        atomic_fetch_add(&t->failed, refused);
        atomic_fetch_add(&t->exported, t->count - refused);
        new_batch(t);
    } else if (may_retry(status) && t->attempts < AURA_TRACING_ATTEMPTS_MAX &&
               !atomic_load(&t->stopping)) {
        retry(t, after_s);
    } else {
        give_up(t, status, code ? curl_easy_strerror(code) : "the collector refuses them");
    }
}

/* ---- the thread ---- */

static void turn(struct aura_tracing *t) {
    int running, left;
    if (!t->flight && !t->closed) {
        aura_ring_drain(t->ring, AURA_TRACING_BATCH_MAX - t->count, on_span, t);
    }
    bool due = t->count == AURA_TRACING_BATCH_MAX || atomic_load(&t->stopping) ||
               aura_now_us(t->conf.clock) >= t->due_us;
    if (!t->flight && t->count && due) {
        begin_flight(t);
    }
    curl_multi_perform(t->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left));) {
        if (m->msg == CURLMSG_DONE) {
            end_flight(t, m->data.result);
        }
    }
}

/* While a batch is closed the ring is left alone: what does not fit there is what is dropped. */
static void wait_for_work(struct aura_tracing *t, uint64_t limit_us) {
    struct curl_waitfd ring = {.fd = aura_ring_fd(t->ring), .events = CURL_WAIT_POLLIN};
    uint64_t now = aura_now_us(t->conf.clock), us = IDLE_MS * AURA_US_PER_MS;
    bool open = !t->flight && !t->closed;
    if (!t->flight && t->count) {
        us = t->due_us > now ? t->due_us - now : 0;
    }
    us = us < limit_us ? us : limit_us;
    curl_multi_poll(t->multi, &ring, open ? 1 : 0, (int)((us + 999) / AURA_US_PER_MS), NULL);
}

static void finish(struct aura_tracing *t) {
    uint64_t until = aura_now_us(t->conf.clock) + t->conf.grace_us;
    for (;;) {
        turn(t);
        uint64_t now = aura_now_us(t->conf.clock);
        if ((!t->flight && !t->count) || now >= until) {
            break;
        }
        wait_for_work(t, until - now);
    }
}

static void *run(void *arg) {
    struct aura_tracing *t = arg;
    while (!atomic_load(&t->stopping)) {
        turn(t);
        if (!atomic_load(&t->stopping)) {
            wait_for_work(t, UINT64_MAX);
        }
    }
    finish(t);
    return NULL;
}

/* ---- open and close ---- */

static char *make_url(const char *endpoint) {
    struct aura_buf url = AURA_BUF(URL_BYTES_MAX);
    const char *host = strstr(endpoint, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    bool bare = !path || path[1] == 0;
    int len = path && bare ? (int)(path - endpoint) : (int)strlen(endpoint);
    aura_buf_printf(&url, "%.*s%s", len, endpoint, bare ? "/v1/traces" : "");
    char *text = url.err ? NULL : aura_strdup(aura_buf_text(&url));
    aura_buf_free(&url);
    return text;
}

static int add_header(struct aura_tracing *t, const char *line) {
    struct curl_slist *more = curl_slist_append(t->headers, line);
    t->headers = more ? more : t->headers;
    return more ? 0 : AURA_ENOMEM;
}

static int read_headers(struct aura_tracing *t, const char *text, const char **why) {
    char line[AURA_TRACING_HEADER_LEN_MAX + 1];
    size_t count = 0;
    int err = add_header(t, "Content-Type: application/json");
    while (!err && text && *text) {
        size_t len = strcspn(text, "\r\n");
        const char *next = text + len + strspn(text + len, "\r\n");
        if (len && *text != '#') {
            bool fits = len <= AURA_TRACING_HEADER_LEN_MAX && count++ < AURA_TRACING_HEADERS_MAX;
            memcpy(line, text, fits ? len : 0);
            line[fits ? len : 0] = 0;
            const char *colon = strchr(line, ':');
            if (!colon || colon == line) {
                *why = fits ? "each line of tracing.headers_file reads NAME: VALUE"
                            : "tracing.headers_file: at most 16 lines of 8192 bytes";
                err = AURA_EINVAL;
            }
            err = err ? err : add_header(t, line);
        }
        text = next;
    }
    aura_wipe(line, sizeof(line));
    return err;
}

static int check_endpoint(const char *endpoint, const char **why) {
    bool http = strncmp(endpoint, "http://", 7) == 0, https = strncmp(endpoint, "https://", 8) == 0;
    if ((!http && !https) || !endpoint[http ? 7 : 8] || strlen(endpoint) > URL_BYTES_MAX / 2) {
        *why = "tracing.otlp_endpoint wants a URL such as http://127.0.0.1:4318";
        return AURA_EINVAL;
    }
    return 0;
}

static int start(struct aura_tracing *t, const char **why) {
    const struct aura_tracing_conf *c = &t->conf;
    int err = check_endpoint(c->endpoint, why);
    err = err ? err : read_headers(t, c->headers, why);
    if (!err) {
        t->url = make_url(c->endpoint);
        t->node_id = aura_strdup(c->node_id);
        t->version = aura_strdup(c->version);
        t->multi = curl_multi_init();
        err = t->url && t->node_id && t->version && t->multi ? 0 : AURA_ENOMEM;
    }
    err = err ? err : aura_ring_new(&t->ring, AURA_TRACING_QUEUE_MAX, sizeof(char *));
    if (!err) {
        err = pthread_create(&t->thread, NULL, run, t) ? AURA_EIO : 0;
        t->started = err == 0;
    }
    return err;
}

int aura_tracing_new(struct aura_tracing **tp, const struct aura_tracing_conf *conf,
                     const char **why) {
    struct aura_tracing *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    t->conf = *conf;
    t->body = AURA_BUF(REQUEST_BYTES_MAX);
    t->answer = AURA_BUF(ANSWER_BYTES_MAX);
    int err = start(t, why);
    if (err) {
        aura_tracing_free(t);
        return err;
    }
    *tp = t;
    return 0;
}

static void end_thread(struct aura_tracing *t) {
    char *text;
    atomic_store(&t->stopping, true);
    curl_multi_wakeup(t->multi);
    pthread_join(t->thread, NULL);
    while (aura_ring_pop(t->ring, &text)) {
        free(text); /* library's memory */
    }
}

struct aura_tracing *aura_tracing_free(struct aura_tracing *t) {
    if (!t) {
        return NULL;
    }
    if (t->started) {
        end_thread(t);
    }
    if (t->flight) {
        curl_multi_remove_handle(t->multi, t->flight);
        curl_easy_cleanup(t->flight);
    }
    for (struct curl_slist *h = t->headers; h; h = h->next) {
        aura_wipe(h->data, strlen(h->data)); /* a token as a rule */
    }
    curl_slist_free_all(t->headers);
    if (t->multi) {
        curl_multi_cleanup(t->multi);
    }
    curl_global_cleanup();
    aura_ring_free(t->ring);
    aura_buf_free(&t->body);
    aura_buf_free(&t->answer);
    aura_free(t->url);
    aura_free(t->node_id);
    aura_free(t->version);
    aura_free(t);
    return NULL;
}
