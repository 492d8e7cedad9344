/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AURA_BENCH_LIBURING_H
#define AURA_BENCH_LIBURING_H

/* Debian's liburing 2.3, with the three functions that mediasoup uses of later ones. */
#include_next <liburing.h>

static inline int io_uring_major_version(void) {
    return 2;
}

static inline int io_uring_minor_version(void) {
    return 3;
}

static inline void io_uring_prep_sendto(struct io_uring_sqe *sqe, int fd, const void *buffer,
                                        size_t length, int flags, const struct sockaddr *to,
                                        socklen_t to_length) {
    io_uring_prep_send(sqe, fd, buffer, length, flags);
    io_uring_prep_send_set_addr(sqe, to, (__u16)to_length);
}

#endif
