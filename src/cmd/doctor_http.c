/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/doctor_http.h"

#include "base/mem.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_BYTES_MAX = 1 << 20, TIMEOUT_S = 10 };

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
    struct doctor_answer *a = arg;
    return aura_buf_add(&a->body, data, size * n) ? 0 : size * n;
}

static const char *value_of(const char *line, size_t len, const char *name, int *value_len) {
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
        return NULL;
    }
    const char *at = line + n + 1, *end = line + len;
    while (at < end && *at == ' ') {
        at++;
    }
    while (end > at && strchr("\r\n ", end[-1])) {
        end--;
    }
    *value_len = (int)(end - at);
    return at;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg) {
    struct doctor_answer *a = arg;
    size_t len = size * n;
    char text[64];
    int value;
    const char *at = value_of(data, len, "date", &value);
    if (at) {
        snprintf(text, sizeof(text), "%.*s", value, at);
        time_t when = curl_getdate(text, NULL);
        a->date_s = when > 0 ? (int64_t)when : 0;
    }
    at = value_of(data, len, "location", &value);
    if (at) {
        snprintf(a->location, sizeof(a->location), "%.*s", value, at);
    }
    at = value_of(data, len, "link", &value);
    if (at && a->link_count < DOCTOR_LINKS_MAX) {
        snprintf(a->links[a->link_count++], DOCTOR_LINK_BYTES, "%.*s", value, at);
    }
    return len;
}

static enum doctor_trouble trouble_of(CURLcode code) {
    switch ((int)code) {
    case CURLE_OK:
        return DOCTOR_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return DOCTOR_NAME;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        return DOCTOR_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return DOCTOR_CERTIFICATE;
    default:
        return DOCTOR_OTHER;
    }
}

static struct curl_slist *headers_of(const struct doctor_request *q, struct aura_buf *bearer) {
    struct curl_slist *list = NULL;
    if (q->token) {
        aura_buf_printf(bearer, "Authorization: Bearer %s", q->token);
        list = curl_slist_append(list, aura_buf_text(bearer));
    }
    if (q->type) {
        char type[80];
        snprintf(type, sizeof(type), "Content-Type: %s", q->type);
        list = curl_slist_append(list, type);
    }
    return list;
}

void doctor_http(const char *base, const struct doctor_request *q, struct doctor_answer *out) {
    struct aura_buf url = AURA_BUF(2048), bearer = AURA_BUF(16384);
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    memset(out, 0, sizeof(*out));
    out->body = AURA_BUF(BODY_BYTES_MAX);
    aura_buf_printf(&url, "%s%s", base, q->path);
    struct curl_slist *headers = headers_of(q, &bearer);
    if (!curl || url.err || bearer.err) {
        out->trouble = DOCTOR_OTHER;
        snprintf(out->why, sizeof(out->why), "the URL or the token is too long");
    } else {
        curl_easy_setopt(curl, CURLOPT_URL, aura_buf_text(&url));
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, out);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
        if (q->body) {
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body);
        }
        if (getenv("SSL_CERT_FILE")) { /* as OpenSSL does for TURN; libcurl has its own way */
            curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
        }
        if (q->insecure) {
            curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
            curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        CURLcode code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
        out->trouble = trouble_of(code);
        snprintf(out->why, sizeof(out->why), "%s", why[0] ? why : curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (bearer.data) {
        aura_wipe(bearer.data, bearer.len);
    }
    aura_buf_free(&bearer);
    aura_buf_free(&url);
}
