/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/cli_mint.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 64 << 20, CALL_TIMEOUT_S = 15 };

static size_t collect(char *data, size_t size, size_t n, void *arg) {
    return aura_buf_add(arg, data, size * n) ? 0 : size * n;
}

/* ws:// and wss:// are how SDKs write the same address. */
static void make_url(struct aura_buf *out, const char *url, const char *path) {
    const char *rest = strstr(url, "://");
    bool tls = strncmp(url, "wss:", 4) == 0 || strncmp(url, "https:", 6) == 0;
    rest = rest ? rest + 3 : url;
    size_t len = strlen(rest);
    while (len && rest[len - 1] == '/') {
        len--;
    }
    aura_buf_printf(out, "%s://%.*s/%s", tls ? "https" : "http", (int)len, rest, path);
}

static const char *hint_of(long status, const json_t *parsed) {
    const char *text = cli_text(parsed, "msg");
    return status == 401   ? "Check --api-key and --api-secret against the server's `keys`."
           : !parsed       ? "Is it a LiveKit-compatible server? Name another one with --url."
           : status == 404 ? "Who and what is there: auralink room list, auralink participant list "
                             "ROOM, auralink egress list."
           : status == 501 ? "This server does not offer it; docs/server-api.md says what there is."
           : strstr(text, "not connected")
               ? "The server is not set up for it: recordings want record.folder in its "
                 "configuration (docs/recording.md)."
               : NULL;
}

/* The REST API says itself what to do next: "what is wrong: what to do". */
static bool report_rest(const char *name, long status, const json_t *parsed) {
    const char *text = cli_text(parsed, "message"), *next = strstr(text, ": ");
    if (!text[0]) {
        return false;
    }
    int len = next ? (int)(next - text) : (int)strlen(text);
    cli_error(status == 401 ? hint_of(status, parsed)
              : next        ? next + 2
                            : NULL,
              "%s: %.*s (%s, HTTP %ld)", name, len, text, cli_text(parsed, "code"), status);
    return true;
}

static json_t *report(const char *method, long status, const char *body) {
    json_error_t where;
    json_t *parsed = status == 204 ? json_object() : json_loads(body, 0, &where);
    if (status >= 200 && status < 300 && parsed) {
        return parsed;
    }
    if (report_rest(method, status, parsed)) {
        json_decref(parsed);
        return NULL;
    }
    const char *text = cli_text(parsed, "msg"), *data = "";
    const json_t *meta = json_object_get(parsed, "meta");
    if (json_object_get(meta, "rpc_code")) {
        data = cli_text(meta, "rpc_data");
    }
    cli_error(hint_of(status, parsed), "%s: %s%s%s (%s, HTTP %ld)", method,
              text[0] ? text : "no answer text", data[0] ? ": " : "", data,
              parsed ? cli_text(parsed, "code") : "no Twirp answer", status);
    json_decref(parsed);
    return NULL;
}

/* @param method  NULL: POST where there is a body, else GET */
static int perform(const struct cli *cli, const char *method, const char *url, const char *bearer,
                   const char *body, struct aura_buf *answer, long *status) {
    CURL *curl = curl_easy_init();
    if (!curl) {
        return AURA_ENOMEM;
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, bearer);
    char why[CURL_ERROR_SIZE] = "";
    if (method) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (getenv("SSL_CERT_FILE")) { /* as OpenSSL does for wss://; libcurl has its own way */
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    }
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CALL_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        cli_error(code == CURLE_PEER_FAILED_VERIFICATION
                      ? "Name the file of the authority that its certificate is from with "
                        "--ca-file."
                      : "Is the server running there? Name another one with --url.",
                  "no answer from %s: %s", cli->url, why[0] ? why : curl_easy_strerror(code));
        return AURA_EIO;
    }
    return 0;
}

static json_t *call(const struct cli *cli, const char *method, const char *path, const char *name,
                    const char *room, const char *body) {
    struct aura_buf url = AURA_BUF(2048), bearer = AURA_BUF(16384),
                    answer = AURA_BUF(ANSWER_BYTES_MAX);
    char *token = cli_mint_admin(cli, room);
    json_t *response = NULL;
    long status = 0;
    int err = token ? 0 : AURA_ENOMEM;
    if (!err) {
        make_url(&url, cli->url, path);
        aura_buf_printf(&bearer, "Authorization: Bearer %s", token);
        err = url.err ? url.err : bearer.err;
    }
    if (!err) {
        err = perform(cli, method, aura_buf_text(&url), aura_buf_text(&bearer), body, &answer,
                      &status);
    }
    if (!err) {
        response = report(name, status, aura_buf_text(&answer));
    }
    if (bearer.data) {
        aura_wipe(bearer.data, bearer.len);
    }
    aura_buf_free(&url);
    aura_buf_free(&bearer);
    aura_buf_free(&answer);
    aura_free(token);
    return response;
}

json_t *cli_twirp(const struct cli *cli, const char *service, const char *method, const char *room,
                  json_t *request) {
    char path[128];
    char *body = json_dumps(request, JSON_COMPACT);
    json_t *response = NULL;
    snprintf(path, sizeof(path), "twirp/livekit.%s/%s", service, method);
    if (body) {
        response = call(cli, NULL, path, method, room, body);
    } else {
        cli_error("Texts must be UTF-8.", "%s: what was given cannot be sent", method);
    }
    free(body); /* library's memory */
    json_decref(request);
    return response;
}

json_t *cli_room_service(const struct cli *cli, const char *method, const char *room,
                         json_t *request) {
    return cli_twirp(cli, "RoomService", method, room, request);
}

json_t *cli_get(const struct cli *cli, const char *path, const char *room) {
    return call(cli, NULL, path, path, room, NULL);
}

json_t *cli_post(const struct cli *cli, const char *path) {
    return call(cli, NULL, path, path, NULL, "");
}

json_t *cli_rest(const struct cli *cli, const char *method, const char *path, json_t *request) {
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_t *response = NULL;
    char name[64];
    snprintf(name, sizeof(name), "%s /%.*s", method, (int)strcspn(path, "?"), path);
    if (body || !request) {
        response = call(cli, method, path, name, NULL, body);
    } else {
        cli_error("Texts must be UTF-8.", "%s: what was given cannot be sent", name);
    }
    free(body); /* library's memory */
    json_decref(request);
    return response;
}
