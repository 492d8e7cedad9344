/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/fetch.h"

#include "base/mem.h"

#include <curl/curl.h>

#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HOST_MAX = 256,
    RESOLVE_MAX = HOST_MAX + 32 + AURA_FETCH_ADDRESSES_MAX * AURA_ADDR_TEXT_MAX
};

struct flight {
    const struct aura_fetch_conf *conf;
    struct aura_fetched *out;
    CURL *curl;
    CURLU *url;
    struct curl_slist *headers, *resolve;
    size_t header_bytes;
    bool plain;           /* http:// */
    bool refused, opened; /* by the last look at an address; any socket */
    char host[HOST_MAX], port[8];
};

int aura_fetch_begin(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT) ? AURA_ENOMEM : 0;
}

void aura_fetch_end(void) {
    curl_global_cleanup();
}

void aura_fetch_thread(void) {
    if (res_init() == 0) {
        _res.retrans = 1; /* seconds */
        _res.retry = 1;
    }
}

static int fail(struct flight *f, int err, const char *why) {
    f->out->why = why;
    return err;
}

/* ---- what it reaches ---- */

static bool may_dial(const struct flight *f, const struct aura_addr *a) {
    enum aura_vet_verdict reach = aura_vet(&f->conf->vet, a);
    return reach == AURA_VET_LISTED || (reach == AURA_VET_PUBLIC && !f->plain);
}

/* Whatever libcurl believes to connect to, this is where it does. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to) {
    struct flight *f = arg;
    struct aura_addr a;
    if (purpose != CURLSOCKTYPE_IPCXN || aura_addr_from_sockaddr(&a, &to->addr, to->addrlen) ||
        !may_dial(f, &a)) {
        f->refused = true;
        return CURL_SOCKET_BAD;
    }
    f->opened = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* @return how many addresses may be dialled; they are written behind "host:port:" */
static size_t add_addresses(const struct flight *f, const struct addrinfo *list,
                            struct aura_buf *entry) {
    size_t count = 0;
    for (const struct addrinfo *i = list; i && count < AURA_FETCH_ADDRESSES_MAX; i = i->ai_next) {
        struct aura_addr a;
        char text[AURA_ADDR_TEXT_MAX];
        if (aura_addr_from_sockaddr(&a, i->ai_addr, i->ai_addrlen) == 0 && may_dial(f, &a)) {
            aura_buf_printf(entry, a.family == AURA_FAMILY_V6 ? "%s[%s]" : "%s%s", count ? "," : "",
                            aura_addr_ip_text(&a, text));
            count++;
        }
    }
    return count;
}

/* libcurl is given the addresses, so that it asks nobody. */
static int pin_addresses(struct flight *f, const char *dial) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct aura_buf entry = AURA_BUF(RESOLVE_MAX);
    int said = getaddrinfo(dial ? dial : f->host, NULL, &hints, &list);
    if (said) {
        return fail(f, said == EAI_MEMORY ? AURA_ENOMEM : AURA_ENOENT,
                    "its name has no address in DNS");
    }
    aura_buf_printf(&entry, "%s:%s:", f->host, f->port);
    size_t count = add_addresses(f, list, &entry);
    freeaddrinfo(list);
    f->resolve = entry.err ? NULL : curl_slist_append(NULL, aura_buf_text(&entry));
    int err = !count ? AURA_EPOLICY : f->resolve ? 0 : AURA_ENOMEM;
    aura_buf_free(&entry);
    return !err ? 0
                : fail(f, err,
                       count ? "there is no memory for it"
                             : "its addresses are private, and not in matrix.allow_addresses");
}

static bool is_literal(const char *host) {
    struct aura_addr a;
    return host[0] == '[' || aura_addr_parse(&a, host) == 0;
}

static int part_of(CURLU *url, CURLUPart which, unsigned flags, char *out, size_t bytes) {
    char *text = NULL;
    if (curl_url_get(url, which, &text, flags)) {
        return AURA_EINVAL;
    }
    int n = snprintf(out, bytes, "%s", text);
    curl_free(text);
    return n > 0 && (size_t)n < bytes ? 0 : AURA_EINVAL;
}

/* libcurl's own parser reads the URL, so that what is vetted is what it connects to. */
static int read_url(struct flight *f, const char *url) {
    char scheme[8] = "", user[8];
    int err = strlen(url) < AURA_FETCH_URL_BYTES_MAX &&
                      curl_url_set(f->url, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK
                  ? 0
                  : AURA_EINVAL;
    err = err ? err : part_of(f->url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme));
    err = err ? err : part_of(f->url, CURLUPART_HOST, 0, f->host, sizeof(f->host));
    err = err ? err : part_of(f->url, CURLUPART_PORT, CURLU_DEFAULT_PORT, f->port, sizeof(f->port));
    f->plain = strcmp(scheme, "http") == 0;
    bool fine = !err && (f->plain || strcmp(scheme, "https") == 0) &&
                part_of(f->url, CURLUPART_USER, 0, user, sizeof(user));
    return fine ? 0 : fail(f, AURA_EINVAL, "its URL is not one of https");
}

/* ---- what comes back ---- */

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
    struct flight *f = arg;
    return aura_buf_add(&f->out->body, data, size * n) ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg) {
    struct flight *f = arg;
    (void)data;
    f->header_bytes += size * n;
    return f->header_bytes > AURA_FETCH_HEADER_BYTES_MAX ? 0 : size * n;
}

/* Only max-age matters; "no-store" and its like count as none at all. (RFC 9111 5.2) */
static int64_t read_max_age(CURL *c) {
    static const char name[] = "max-age=";
    struct curl_header *h;
    if (curl_easy_header(c, "cache-control", 0, CURLH_HEADER, -1, &h) != CURLHE_OK) {
        return -1;
    }
    if (strstr(h->value, "no-store") || strstr(h->value, "no-cache")) {
        return 0;
    }
    const char *at = strstr(h->value, name);
    int64_t seconds = 0;
    for (at = at ? at + sizeof(name) - 1 : NULL; at && *at >= '0' && *at <= '9'; at++) {
        seconds = seconds < INT32_MAX ? seconds * 10 + (*at - '0') : seconds;
    }
    return at ? seconds : -1;
}

static void take_answer(struct flight *f) {
    long status = 0;
    const char *to = NULL;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(f->curl, CURLINFO_REDIRECT_URL, &to);
    f->out->status = (int)status;
    f->out->max_age_s = read_max_age(f->curl);
    if (to && strlen(to) < sizeof(f->out->location)) {
        memcpy(f->out->location, to, strlen(to) + 1);
    }
}

static int judge(struct flight *f, CURLcode code) {
    switch ((int)code) {
    case CURLE_OK:
        take_answer(f);
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return fail(f, AURA_ETIMEDOUT, "it does not answer in time");
    case CURLE_OUT_OF_MEMORY:
        return fail(f, AURA_ENOMEM, "there is no memory for it");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return fail(f, AURA_EIO, "its TLS certificate is not valid for its name");
    case CURLE_WRITE_ERROR:
        return f->out->body.err == AURA_ENOMEM
                   ? fail(f, AURA_ENOMEM, "there is no memory for it")
                   : fail(f, AURA_ELIMIT, "its answer is longer than 64 KiB");
    case CURLE_COULDNT_CONNECT:
        return f->refused && !f->opened
                   ? fail(f, AURA_EPOLICY,
                          "its addresses are private, and not in matrix.allow_addresses")
                   : fail(f, AURA_EIO, "it cannot be connected to");
    case CURLE_SSL_CACERT_BADFILE:
        return fail(f, AURA_EIO, "matrix.ca_file cannot be read");
    default:
        return fail(f, AURA_EIO, "its answer is not HTTP");
    }
}

/* ---- the request ---- */

static int add_header(struct flight *f, const char *text) {
    struct curl_slist *more = curl_slist_append(f->headers, text);
    f->headers = more ? more : f->headers;
    return more ? 0 : AURA_ENOMEM;
}

static int set_headers(struct flight *f, const struct aura_fetch *q) {
    char host[HOST_MAX + 16];
    int err = add_header(f, "Accept: application/json");
    if (!err && q->host_header) {
        int n = snprintf(host, sizeof(host), "Host: %s", q->host_header);
        err = n > 0 && (size_t)n < sizeof(host) ? add_header(f, host) : AURA_EINVAL;
    }
    if (!err && q->bearer) {
        struct aura_buf text = AURA_BUF(AURA_FETCH_HEADER_BYTES_MAX);
        err = aura_buf_printf(&text, "Authorization: Bearer %s", q->bearer);
        err = err ? err : add_header(f, aura_buf_text(&text));
        if (text.data) {
            aura_wipe(text.data, text.len);
        }
        aura_buf_free(&text);
    }
    if (!err && q->body) {
        err = add_header(f, "Content-Type: application/json");
        err = err ? err : add_header(f, "Expect:"); /* no question before the body */
        curl_easy_setopt(f->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
        curl_easy_setopt(f->curl, CURLOPT_POSTFIELDS, q->body);
    }
    if (q->method) {
        curl_easy_setopt(f->curl, CURLOPT_CUSTOMREQUEST, q->method);
    }
    curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, f->headers);
    return err;
}

static int set_up(struct flight *f, const struct aura_fetch *q) {
    CURL *c = f->curl;
    uint64_t now = aura_now_us(f->conf->clock);
    if (now + AURA_US_PER_MS >= q->until_us) {
        return fail(f, AURA_ETIMEDOUT, "it does not answer in time");
    }
    curl_easy_setopt(c, CURLOPT_CURLU, f->url);
    curl_easy_setopt(c, CURLOPT_RESOLVE, f->resolve);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)((q->until_us - now) / AURA_US_PER_MS));
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* not the environment's either: it would dial for us */
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, f);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "auralink");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    if (f->conf->ca_file && f->conf->ca_file[0] &&
        curl_easy_setopt(c, CURLOPT_CAINFO, f->conf->ca_file)) {
        return AURA_ENOMEM;
    }
    return set_headers(f, q);
}

int aura_fetch(const struct aura_fetch_conf *conf, const struct aura_fetch *q,
               struct aura_fetched *out) {
    struct flight f = {.conf = conf, .out = out, .curl = curl_easy_init(), .url = curl_url()};
    out->status = 0;
    out->location[0] = 0;
    out->max_age_s = -1;
    out->why = "there is no memory for it";
    aura_buf_clear(&out->body);
    int err = f.curl && f.url ? 0 : AURA_ENOMEM;
    err = err ? err : read_url(&f, q->url);
    if (!err && (q->dial || !is_literal(f.host))) {
        err = pin_addresses(&f, q->dial);
    }
    err = err ? err : set_up(&f, q);
    err = err ? err : judge(&f, curl_easy_perform(f.curl));
    curl_easy_cleanup(f.curl);
    curl_url_cleanup(f.url);
    curl_slist_free_all(f.headers);
    curl_slist_free_all(f.resolve);
    return err;
}
