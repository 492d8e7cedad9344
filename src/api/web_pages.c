/* SPDX-License-Identifier: Apache-2.0 */
/* GET / and what it loads: the app, with the headers that hold its page to what it is for. */
#include "api/server_priv.h"

#include "api/web.h"

#include <string.h>

/* A page may load from here alone, and run no script that stands in it: what somebody writes into a
 * name or a message stays text, even if the app's own code let it through once. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data: blob:; media-src 'self' blob: mediastream:; worker-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const struct {
    const char *name, *value;
} always[] = {
    {"content-security-policy", policy},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "no-referrer"}, /* rooms' names are in addresses */
    {"permissions-policy", "camera=(self), microphone=(self), display-capture=(self), "
                           "autoplay=(self), geolocation=(), payment=(), usb=()"},
    {"cross-origin-opener-policy", "same-origin"},
    {"vary", "Accept, Accept-Encoding"},
};

/* Load balancers and LiveKit's clients ask "/" whether somebody is there, and are told OK. */
bool aura__web_wanted(const struct aura_server *s, const struct aura_http_req *req) {
    const char *accept = aura_http_header(req, "accept");
    return s->conf.web && accept && strstr(accept, "text/html");
}

bool aura__web(struct aura_server *s, struct aura_http_req *req) {
    struct aura_web_page page;
    if (!s->conf.web ||
        !aura_web_find(s->conf.web, aura_http_path(req), aura_http_header(req, "accept-encoding"),
                       aura_http_header(req, "if-none-match"), &page)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        (void)aura_http_answer_header(req, always[i].name, always[i].value);
    }
    (void)aura_http_answer_header(req, "etag", page.etag);
    (void)aura_http_answer_header(req, "cache-control", page.cache);
    if (page.encoding && !page.unchanged) {
        (void)aura_http_answer_header(req, "content-encoding", page.encoding);
    }
    aura_http_respond(req, page.unchanged ? 304 : 200, page.type, page.body,
                      page.unchanged ? 0 : page.len);
    return true;
}
