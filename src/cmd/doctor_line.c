/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/doctor_line.h"

#include "base/bytes.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STUN_HEADER = 20, TRIES = 5, TRY_MS = DOCTOR_WAIT_MS / TRIES };

static int fail(struct doctor_line *l, int err, const char *what) {
    snprintf(l->why, sizeof(l->why), "%s", what);
    return err;
}

static bool wait_for(int fd, short events, int ms) {
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, ms) == 1;
}

static int connect_one(struct doctor_line *l, const struct addrinfo *at) {
    int error = 0;
    socklen_t len = sizeof(error);
    l->fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        return fail(l, AURA_EIO, strerror(errno));
    }
    if (connect(l->fd, at->ai_addr, at->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return fail(l, AURA_EIO, strerror(errno));
    }
    if (!wait_for(l->fd, POLLOUT, DOCTOR_WAIT_MS)) {
        return fail(l, AURA_ETIMEDOUT, "no answer: a firewall drops it");
    }
    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return error ? fail(l, AURA_EIO, strerror(error)) : 0;
}

static int connect_any(struct doctor_line *l, const char *host, const char *port) {
    const struct addrinfo hints = {.ai_socktype = l->kind == DOCTOR_UDP ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, port, &hints, &list);
    if (code) {
        return fail(l, AURA_EIO, gai_strerror(code));
    }
    int err = AURA_EIO;
    for (const struct addrinfo *at = list; at && err; at = at->ai_next) {
        if (l->fd >= 0) {
            close(l->fd);
        }
        err = connect_one(l, at);
    }
    freeaddrinfo(list);
    return err;
}

/* One step of OpenSSL's on a socket that does not block. @return true to try again */
static bool tls_again(struct doctor_line *l, int result) {
    int code = SSL_get_error(l->tls, result);
    short events = code == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    bool again = code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE;
    return again && wait_for(l->fd, events, DOCTOR_WAIT_MS);
}

static int start_tls(struct doctor_line *l, const char *host, bool insecure) {
    SSL_CTX *context = l->context = SSL_CTX_new(TLS_client_method());
    SSL *tls = l->tls = context ? SSL_new(context) : NULL;
    if (!tls) {
        return fail(l, AURA_ENOMEM, "out of memory");
    }
    (void)SSL_CTX_set_default_verify_paths(context);
    SSL_set_verify(tls, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_set_tlsext_host_name(tls, host);
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host)) {
        SSL_set1_host(tls, host);
    }
    SSL_set_fd(tls, l->fd);
    int result;
    while ((result = SSL_connect(tls)) != 1) {
        if (!tls_again(l, result)) {
            long verified = SSL_get_verify_result(tls);
            return verified == X509_V_OK
                       ? fail(l, AURA_EIO, "the TLS handshake failed")
                       : fail(l, AURA_EAUTH, X509_verify_cert_error_string(verified));
        }
    }
    return 0;
}

int doctor_line_open(struct doctor_line *l, enum doctor_kind kind, const char *host,
                     const char *port, bool insecure) {
    *l = (struct doctor_line){.kind = kind, .fd = -1};
    int err = connect_any(l, host, port);
    return err || kind != DOCTOR_TLS ? err : start_tls(l, host, insecure);
}

void doctor_line_close(struct doctor_line *l) {
    SSL_free(l->tls);
    SSL_CTX_free(l->context);
    if (l->fd >= 0) {
        close(l->fd);
    }
}

static int put(struct doctor_line *l, const uint8_t *data, size_t len) {
    uint8_t framed[DOCTOR_MESSAGE_MAX + 2];
    if (l->kind == DOCTOR_TCP_FRAMED) {
        aura_put_u16(framed, (uint16_t)len);
        memcpy(framed + 2, data, len);
        data = framed;
        len += 2;
    }
    if (l->tls) {
        int n;
        while ((n = SSL_write(l->tls, data, (int)len)) <= 0) {
            if (!tls_again(l, n)) {
                return fail(l, AURA_EIO, "the TLS connection broke");
            }
        }
        return 0;
    }
    /* Short messages on an idle connection: the socket's buffer has room. */
    return send(l->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len
               ? 0
               : fail(l, AURA_EIO, strerror(errno));
}

static int get_some(struct doctor_line *l, uint8_t *to, size_t len, int ms) {
    if (l->tls) {
        int n;
        while ((n = SSL_read(l->tls, to, (int)len)) <= 0) {
            if (!tls_again(l, n)) {
                return fail(l, AURA_ETIMEDOUT, "no answer");
            }
        }
        return n;
    }
    if (!wait_for(l->fd, POLLIN, ms)) {
        return fail(l, AURA_ETIMEDOUT, "no answer: a firewall drops it");
    }
    ssize_t n = recv(l->fd, to, len, 0);
    return n > 0 ? (int)n : fail(l, AURA_EIO, n ? strerror(errno) : "the connection was closed");
}

static int get_exactly(struct doctor_line *l, uint8_t *to, size_t len) {
    for (size_t have = 0; have < len;) {
        int n = get_some(l, to + have, len - have, DOCTOR_WAIT_MS);
        if (n < 0) {
            return n;
        }
        have += (size_t)n;
    }
    return (int)len;
}

static int get_message(struct doctor_line *l, uint8_t *to, int ms) {
    if (l->kind == DOCTOR_UDP) {
        return get_some(l, to, DOCTOR_MESSAGE_MAX, ms);
    }
    uint8_t frame[2];
    int n = l->kind == DOCTOR_TCP_FRAMED ? get_exactly(l, frame, 2) : 0;
    n = n < 0 ? n : get_exactly(l, to, STUN_HEADER);
    if (n < 0) {
        return n;
    }
    size_t rest = aura_get_u16(to + 2);
    if (rest > DOCTOR_MESSAGE_MAX - STUN_HEADER) {
        return fail(l, AURA_EMALFORMED, "what answers there does not speak STUN");
    }
    n = get_exactly(l, to + STUN_HEADER, rest);
    return n < 0 ? n : n + STUN_HEADER;
}

int doctor_line_ask(struct doctor_line *l, const uint8_t *message, size_t len,
                    uint8_t answer[DOCTOR_MESSAGE_MAX]) {
    int err = AURA_ETIMEDOUT;
    for (int i = 0; i < (l->kind == DOCTOR_UDP ? TRIES : 1); i++) {
        err = put(l, message, len);
        int n = err ? err : get_message(l, answer, TRY_MS);
        if (n >= STUN_HEADER && memcmp(answer + 4, message + 4, 16) == 0) {
            return n;
        }
        err = n < 0 ? n : AURA_EMALFORMED;
    }
    return err;
}
