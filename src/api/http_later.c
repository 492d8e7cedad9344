/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come after the handler has returned. */
#include "api/http_priv.h"
#include "base/mem.h"

struct aura_http_later *aura_http_later(struct aura_http_req *req) {
    AURA_BUG_ON(req->answered || req->later);
    struct aura_http_later *later = aura_zalloc(sizeof(*later));
    if (later) {
        later->req = req;
        req->later = later;
        lws_set_timeout(req->wsi, NO_PENDING_TIMEOUT, 0); /* how long it may take is the caller's */
    }
    return later;
}

bool aura_http_later_wanted(const struct aura_http_later *later) {
    return later->req != NULL;
}

int aura_http_later_header(struct aura_http_later *later, const char *name, const char *value) {
    return later->req ? aura_http_answer_header(later->req, name, value) : 0;
}

void aura_http_later_respond(struct aura_http_later *later, int status, const char *content_type,
                             const void *body, size_t len) {
    struct aura_http_req *req = later->req;
    if (req) {
        req->later = NULL;
        req->due_status = status;
        req->due_type = content_type;
        if (aura_buf_add(&req->due, body, len)) {
            req->due_status = 503;
            aura_buf_clear(&req->due);
        }
        /* lws takes headers only inside its callbacks. */
        lws_callback_on_writable(req->wsi);
    }
    aura_free(later);
}

void aura__http_later_write(struct aura_http_req *req) {
    int status = req->due_status;
    req->due_status = 0;
    aura_http_respond(req, status, req->due_type, aura_buf_text(&req->due), req->due.len);
}

void aura__http_later_drop(struct aura_http_req *req) {
    if (req->later) {
        req->later->req = NULL;
    }
    aura_buf_free(&req->due);
}
