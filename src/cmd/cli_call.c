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

static int report(const struct cli *cli, const char *method, long status, const char *body,
                  json_t **response) {
    json_error_t where;
    json_t *parsed = json_loads(body, 0, &where);
    if (status == 200 && parsed) {
        *response = parsed;
        return 0;
    }
    const char *text = cli_text(parsed, "msg");
    fprintf(stderr, "auralink: %s: %s (%s, HTTP %ld)\n", method, text[0] ? text : "no answer text",
            parsed ? cli_text(parsed, "code") : "no Twirp answer", status);
    if (status == 401) {
        fprintf(stderr, "Check --api-key and --api-secret against the server's `keys`.\n");
    } else if (!parsed) {
        fprintf(stderr, "Is %s a LiveKit-compatible server?\n", cli->url);
    }
    json_decref(parsed);
    return status == 401 ? AURA_EAUTH : status == 404 ? AURA_ENOENT : AURA_EIO;
}

static int perform(const struct cli *cli, const char *url, const char *bearer, const char *body,
                   struct aura_buf *answer, long *status) {
    CURL *curl = curl_easy_init();
    if (!curl) {
        return AURA_ENOMEM;
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, bearer);
    char why[CURL_ERROR_SIZE] = "";
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
        fprintf(stderr, "auralink: no answer from %s: %s\n", cli->url,
                why[0] ? why : curl_easy_strerror(code));
        fprintf(stderr, code == CURLE_PEER_FAILED_VERIFICATION
                            ? "Name the file of the authority that its certificate is from with "
                              "--ca-file.\n"
                            : "Is the server running there? Name another one with --url.\n");
        return AURA_EIO;
    }
    return 0;
}

/* @param body  NULL: a GET */
static int call(const struct cli *cli, const char *path, const char *name, unsigned grants,
                const char *room, const char *body, json_t **response) {
    struct aura_buf url = AURA_BUF(2048), bearer = AURA_BUF(16384),
                    answer = AURA_BUF(ANSWER_BYTES_MAX);
    char *token = cli_mint_admin(cli, grants, room);
    long status = 0;
    int err = token ? 0 : AURA_ENOMEM;
    if (!err) {
        make_url(&url, cli->url, path);
        aura_buf_printf(&bearer, "Authorization: Bearer %s", token);
        err = url.err ? url.err : bearer.err;
    }
    if (!err) {
        err = perform(cli, aura_buf_text(&url), aura_buf_text(&bearer), body, &answer, &status);
    }
    if (!err) {
        err = report(cli, name, status, aura_buf_text(&answer), response);
    }
    if (bearer.data) {
        aura_wipe(bearer.data, bearer.len);
    }
    aura_buf_free(&url);
    aura_buf_free(&bearer);
    aura_buf_free(&answer);
    aura_free(token);
    return err;
}

int cli_twirp(const struct cli *cli, const char *service, const char *method, unsigned grants,
              const char *room, json_t *request, json_t **response) {
    *response = NULL;
    char path[128];
    char *body = json_dumps(request, JSON_COMPACT);
    snprintf(path, sizeof(path), "twirp/livekit.%s/%s", service, method);
    int err = body ? call(cli, path, method, grants, room, body, response) : AURA_ENOMEM;
    free(body); /* library's memory */
    json_decref(request);
    return err;
}

int cli_room_service(const struct cli *cli, const char *method, unsigned grants, const char *room,
                     json_t *request, json_t **response) {
    return cli_twirp(cli, "RoomService", method, grants, room, request, response);
}

int cli_get(const struct cli *cli, const char *path, unsigned grants, json_t **response) {
    *response = NULL;
    return call(cli, path, path, grants, NULL, NULL, response);
}

int cli_post(const struct cli *cli, const char *path, unsigned grants, json_t **response) {
    *response = NULL;
    return call(cli, path, path, grants, NULL, "", response);
}
