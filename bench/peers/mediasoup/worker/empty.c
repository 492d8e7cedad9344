/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries are Debian's and shared; mediasoup's meson.build wants a static one by name. */
typedef int aura_bench_empty;
