/* SPDX-License-Identifier: Apache-2.0 */
/** @file descriptors.h  Compiled schemas of AI Core's services, made by embed.py. */
#ifndef AURA_PROTO_DESCRIPTORS_H
#define AURA_PROTO_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

struct aura_descriptor {
    const char *file, *package;
    const char *service;  /* full name, NULL = none in the file */
    const uint8_t *bytes; /* FileDescriptorProto */
    size_t len;
};

/** Ends with a row without file. */
extern const struct aura_descriptor aura_descriptors[];

#endif
