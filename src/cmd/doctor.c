/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink doctor`: tries from the client's side all that a call needs, and says what to fix. The
 * way in is WHEP: one request gives our media's addresses and the TURN servers. */
#include "api/whip_sdp.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cmd/cli.h"
#include "cmd/cli_mint.h"
#include "cmd/doctor_http.h"
#include "cmd/doctor_turn.h"
#include "transport/stun.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CANDIDATES_MAX = 32, SKEW_S = 60, TOKEN_S = 300 };

struct candidate {
    bool tcp;
    struct aura_addr addr;
};

struct doctor {
    struct cli cli;
    const char *token, *room;
    bool insecure, failed;
    char base[512];
    json_t *checks;
    struct aura_whip_ice ice; /* the server's */
    struct candidate candidates[CANDIDATES_MAX];
    size_t candidate_count;
};

static const char offer[] =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=%s\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:doct\r\na=ice-pwd:doctordoctordoctordoctor\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:"
    "17:18:19:1A:1B:1C:1D:1E:1F\r\na=rtpmap:111 opus/48000/2\r\n";

/* ---- findings ---- */

__attribute__((format(printf, 5, 6))) static void found(struct doctor *d, const char *check,
                                                        const char *status, const char *fix,
                                                        const char *fmt, ...) {
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    d->failed = d->failed || strcmp(status, "fail") == 0;
    json_array_append_new(d->checks, json_pack("{s:s, s:s, s:s, s:s}", "check", check, "status",
                                               status, "found", text, "fix", fix));
    if (!d->cli.json) {
        printf("%-5s %-9s %s\n", status, check, text);
        if (fix[0]) {
            printf("      %-9s → %s\n", "", fix);
        }
        fflush(stdout);
    }
}

/* ---- HTTP, TLS, clock ---- */

static bool is_near(const struct doctor *d) {
    const char *host = strstr(d->base, "://") + 3;
    return strncmp(host, "localhost", 9) == 0 || strncmp(host, "127.", 4) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

static bool report_trouble(struct doctor *d, const struct doctor_answer *a) {
    switch (a->trouble) {
    case DOCTOR_NONE:
        return false;
    case DOCTOR_NAME:
        found(d, "http", "fail", "Check the URL's host name, and its DNS record.", "%s", a->why);
        break;
    case DOCTOR_UNREACHABLE:
        found(d, "http", "fail",
              "Start the server, or open its TCP port in the firewall; the URL must have the port "
              "of the server or of the proxy in front of it.",
              "%s", a->why);
        break;
    case DOCTOR_CERTIFICATE:
        found(d, "tls", "fail",
              "Give the server or its proxy a certificate for this host name from an authority "
              "that clients trust, with the whole chain, and renew it before it ends.",
              "%s", a->why);
        break;
    case DOCTOR_OTHER:
        found(d, "http", "fail", "Is the URL that of a LiveKit server? https:// needs TLS there.",
              "%s", a->why);
        break;
    }
    return true;
}

static void check_clock(struct doctor *d, int64_t server_s) {
    int64_t ahead = (int64_t)time(NULL) - server_s;
    if (!server_s) {
        found(d, "clock", "warn", "Compare the clocks by hand.", "the server tells no time");
    } else if (ahead > SKEW_S || ahead < -SKEW_S) {
        found(d, "clock", "fail",
              "Set both clocks by NTP: tokens made by a wrong clock are refused.",
              "this clock is %lld s %s the server's", (long long)(ahead > 0 ? ahead : -ahead),
              ahead > 0 ? "ahead of" : "behind");
    } else {
        found(d, "clock", "ok", "", "within %lld s of the server's",
              (long long)(ahead > 0 ? ahead : -ahead));
    }
}

static bool check_http(struct doctor *d) {
    struct doctor_answer a;
    const struct doctor_request q = {.method = "GET", .path = "/", .insecure = d->insecure};
    doctor_http(d->base, &q, &a);
    bool bad = report_trouble(d, &a);
    if (!bad && a.status != 200) {
        found(d, "http", "fail", "Is the URL that of a LiveKit server, without a path?",
              "GET / is answered with %ld", a.status);
        bad = true;
    } else if (!bad) {
        found(d, "http", "ok", "", "the server answers");
        bool tls = strncmp(d->base, "https:", 6) == 0;
        if (tls || is_near(d)) {
            found(d, "tls", "ok", "", "%s",
                  tls ? d->insecure ? "not checked (--insecure)" : "the certificate is trusted"
                      : "not needed on this machine");
        } else {
            found(d, "tls", "warn",
                  "Put a proxy with a certificate in front of the server: browsers give camera and "
                  "microphone to https pages only, and tokens can be read on the way.",
                  "signalling is not encrypted");
        }
        check_clock(d, a.date_s);
    }
    aura_buf_free(&a.body);
    return !bad;
}

/* ---- token ---- */

static const char *fix_of_refusal(const char *text) {
    if (strstr(text, "expired")) {
        return "Make a new token; if it is new, set the clock of who made it.";
    }
    if (strstr(text, "not valid yet")) {
        return "Set the clock of who made the token: it begins in the server's future.";
    }
    if (strstr(text, "no such key")) {
        return "Use an API key that the server's `keys` has.";
    }
    if (strstr(text, "signature")) {
        return "The API secret differs from the server's for this key: copy it anew.";
    }
    if (strstr(text, "does not exist")) {
        return "Create the room, or switch on room.auto_create.";
    }
    return "Make the token with roomJoin, room and an identity.";
}

static bool check_token(struct doctor *d) {
    struct doctor_answer a;
    const struct doctor_request q = {
        .method = "GET", .path = "/rtc/validate", .token = d->token, .insecure = d->insecure};
    doctor_http(d->base, &q, &a);
    bool good = !report_trouble(d, &a) && a.status == 200;
    const char *text = aura_buf_text(&a.body);
    if (good) {
        found(d, "token", "ok", "", "the server takes it");
    } else if (a.trouble == DOCTOR_NONE) {
        found(d, "token", "fail", fix_of_refusal(text), "refused with %ld: %s", a.status, text);
    }
    aura_buf_free(&a.body);
    return good;
}

/* ---- media ---- */

static void read_candidates(struct doctor *d, const char *sdp) {
    for (const char *at = sdp; (at = strstr(at, "a=candidate:")); at++) {
        char protocol[8], ip[64];
        unsigned port;
        struct candidate c;
        if (d->candidate_count < CANDIDATES_MAX &&
            sscanf(at, "a=candidate:%*s %*u %7s %*u %63s %u typ host", protocol, ip, &port) == 3 &&
            port <= UINT16_MAX && aura_addr_parse(&c.addr, ip) == 0) {
            c.tcp = strcmp(protocol, "tcp") == 0;
            c.addr.port = (uint16_t)port;
            d->candidates[d->candidate_count++] = c;
        }
    }
}

static int ask_media(const struct doctor *d, const struct candidate *c, char why[256]) {
    char user[AURA_WHIP_CREDENTIAL_MAX + 16], ip[AURA_ADDR_TEXT_MAX], port[8];
    uint8_t message[AURA_STUN_MAX], answer[DOCTOR_MESSAGE_MAX];
    size_t len = 0;
    struct doctor_line line;
    snprintf(user, sizeof(user), "%s:doct", d->ice.ufrag);
    snprintf(port, sizeof(port), "%u", c->addr.port);
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = user,
                              .username_len = strlen(user),
                              .has_priority = true,
                              .priority = 1,
                              .controlling = true,
                              .tie_breaker = 1};
    aura_rand_bytes(aura_rand_system(), m.tid.b, sizeof(m.tid.b));
    int err = aura_stun_build(&m, d->ice.pwd, message, sizeof(message), &len);
    if (err) {
        return err;
    }
    err = doctor_line_open(&line, c->tcp ? DOCTOR_TCP_FRAMED : DOCTOR_UDP,
                           aura_addr_ip_text(&c->addr, ip), port, true);
    int n = err ? err : doctor_line_ask(&line, message, len, answer);
    snprintf(why, 256, "%s", n < 0 && line.why[0] ? line.why : "what answers is not the server");
    doctor_line_close(&line);
    if (n < 0) {
        return n;
    }
    bool ours = aura_stun_parse(&m, answer, (size_t)n) == 0 && m.cls == AURA_STUN_SUCCESS;
    return ours ? 0 : AURA_EMALFORMED;
}

static void check_media(struct doctor *d, bool tcp) {
    char tried[400] = "", text[AURA_ADDR_TEXT_MAX], why[256] = "", fix[300];
    size_t used = 0;
    for (size_t i = 0; i < d->candidate_count; i++) {
        const struct candidate *c = &d->candidates[i];
        if (c->tcp != tcp) {
            continue;
        }
        aura_addr_text(&c->addr, text);
        if (ask_media(d, c, why) == 0) {
            found(d, tcp ? "tcp" : "udp", "ok", "", "media at %s answers", text);
            return;
        }
        int n = snprintf(tried + used, sizeof(tried) - used, "%s%s", used ? ", " : "", text);
        used += n > 0 && (size_t)n < sizeof(tried) - used ? (size_t)n : 0;
    }
    if (!used) {
        found(d, tcp ? "tcp" : "udp", "warn",
              tcp ? "Set rtc.tcp_port: clients whose networks block UDP need it."
                  : "Give the server an address that clients can reach: rtc.node_ip.",
              "the server offers no media over %s", tcp ? "TCP" : "UDP");
        return;
    }
    snprintf(fix, sizeof(fix),
             "Open the %s port of the server in all firewalls on the way; the address must be the "
             "one that clients reach (rtc.node_ip).",
             tcp ? "TCP" : "UDP");
    found(d, tcp ? "tcp" : "udp", "fail", fix, "no media at %s: %s", tried, why);
}

static void check_turn(struct doctor *d, const struct doctor_answer *a) {
    static const char *const names[] = {"turn-udp", "turn-tcp", "turn-tcp", "turn-tls"};
    const struct aura_addr *peer = NULL;
    bool any = false;
    for (size_t i = 0; i < d->candidate_count && !peer; i++) {
        peer = d->candidates[i].tcp ? NULL : &d->candidates[i].addr;
    }
    for (size_t i = 0; i < a->link_count; i++) {
        struct doctor_turn turn;
        char why[256] = "";
        if (!doctor_turn_read(&turn, a->links[i])) {
            continue;
        }
        any = true;
        int err = doctor_turn_try(&turn, peer, d->insecure, why, sizeof(why));
        const char *fix =
            err == AURA_EAUTH ? "turn.secret and coturn's static-auth-secret must be the same, the "
                                "clocks too; its certificate must be trusted."
            : err == AURA_EPOLICY
                ? "coturn may not reach the media: write its file anew with `auralink turn config`."
                : "Start coturn, and open its port in the firewall; turn.domain must lead to it.";
        if (err) {
            found(d, names[turn.kind], "fail", fix, "%s: %s", turn.url, why);
        } else {
            found(d, names[turn.kind], "ok", "", "%s relays to the server", turn.url);
        }
    }
    if (!any) {
        found(d, "turn", "warn",
              "Set up coturn (docs/connectivity.md): clients behind strict firewalls have no other "
              "way.",
              "the server tells of no TURN server");
    }
}

static void post(struct doctor *d, const char *path, const char *direction,
                 struct doctor_answer *a) {
    char body[sizeof(offer) + 16];
    snprintf(body, sizeof(body), offer, direction);
    const struct doctor_request q = {.method = "POST",
                                     .path = path,
                                     .token = d->token,
                                     .body = body,
                                     .type = "application/sdp",
                                     .insecure = d->insecure};
    doctor_http(d->base, &q, a);
}

static void check_session(struct doctor *d) {
    struct doctor_answer a, gone;
    post(d, "/whep/v1", "recvonly", &a);
    if (a.status == 403) { /* may publish only */
        aura_buf_free(&a.body);
        post(d, "/whip/v1", "sendonly", &a);
    }
    const char *sdp = aura_buf_text(&a.body);
    if (a.trouble != DOCTOR_NONE || a.status != 201 ||
        aura_whip_ice_read(&d->ice, sdp, strlen(sdp))) {
        found(d, "media", "fail",
              a.status == 404 ? "This is not AuraLink: UDP, TCP and TURN cannot be checked here."
                              : "See the server's log.",
              "no session: %ld %s", a.status, a.trouble ? a.why : sdp);
    } else {
        read_candidates(d, sdp);
        check_media(d, false);
        check_media(d, true);
        check_turn(d, &a);
        const struct doctor_request q = {
            .method = "DELETE", .path = a.location, .token = d->token, .insecure = d->insecure};
        doctor_http(d->base, &q, &gone);
        aura_buf_free(&gone.body);
    }
    aura_buf_free(&a.body);
}

/* ---- the command ---- */

static char *own_token(const struct doctor *d) {
    struct aura_claims claims;
    char name[24] = "doctor-";
    aura_claims_init(&claims);
    aura_rand_text(aura_rand_system(), name + 7, 8);
    name[15] = '\0';
    claims.identity = aura_strdup(name);
    claims.video.room = aura_strdup(d->room);
    claims.has_video = claims.video.room_join = claims.video.hidden = true;
    char *token = claims.identity && claims.video.room
                      ? cli_mint_join(&claims, d->cli.api_key, d->cli.api_secret, TOKEN_S)
                      : NULL;
    aura_claims_clear(&claims);
    return token;
}

static bool take_url(struct doctor *d, const char *url) {
    const char *rest = strstr(url, "://");
    bool tls = strncmp(url, "wss:", 4) == 0 || strncmp(url, "https:", 6) == 0;
    rest = rest ? rest + 3 : url;
    size_t len = strlen(rest);
    while (len && rest[len - 1] == '/') {
        len--;
    }
    int n = snprintf(d->base, sizeof(d->base), "%s://%.*s", tls ? "https" : "http", (int)len, rest);
    return len && n > 0 && (size_t)n < sizeof(d->base);
}

static int examine(struct doctor *d, const char *given) {
    char *minted = given ? NULL : own_token(d);
    d->token = given ? given : minted;
    if (!d->token) {
        return CLI_FAILED;
    }
    d->checks = json_array();
    if (check_http(d) && check_token(d)) {
        check_session(d);
    }
    int status = d->failed ? CLI_FAILED : CLI_OK;
    if (d->cli.json) {
        json_t *all =
            json_pack("{s:s, s:b, s:O}", "url", d->base, "ok", !d->failed, "checks", d->checks);
        (void)cli_print_json(all);
        json_decref(all);
    }
    json_decref(d->checks);
    if (minted) {
        aura_wipe(minted, strlen(minted));
    }
    aura_free(minted);
    return status;
}

static struct doctor doctor = {.room = "doctor"};
static const char *given_token;

static const struct aura_arg options[] = {
    {"token", AURA_ARG_STR, &given_token, "JWT",
     "a client's token (default: one is made with key and secret). Whoever is in the room under "
     "its identity is thrown out",
     "LIVEKIT_TOKEN", 0},
    {"room", AURA_ARG_STR, &doctor.room, "NAME", "room to join without --token (default doctor)",
     NULL, 0},
    {"insecure", AURA_ARG_FLAG, &doctor.insecure, NULL, "take any certificate", NULL, 0},
};

static int run(struct cli *cli, const char *const *words, size_t count) {
    const char *url = count ? words[0] : cli->url;
    doctor.cli = *cli;
    if (!take_url(&doctor, url)) {
        cli_error("Such as wss://media.example.com", "%s is no URL", url);
        return CLI_USAGE;
    }
    return examine(&doctor, given_token);
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "[URL]",
     .operands_max = 1,
     .summary = "check from here that calls can get through",
     .about = "Checks from here that calls can get through: HTTP, TLS, clock, token, media over "
              "UDP and\nTCP, TURN; says what to fix. Ends with 1 if something fails.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER | CLI_REPORTS,
     .run = run},
};

CLI_GROUP(cli_group_doctor, "doctor", "check from here that calls can get through", commands);
