/* SPDX-License-Identifier: Apache-2.0 */
/** @file config_yaml.h  Parts of the YAML tree in other forms. */
#ifndef AURA_API_CONFIG_YAML_H
#define AURA_API_CONFIG_YAML_H

#include "api/config.h"

#include <yaml.h>

/** A map as JSON text. @return NULL if it is none, is nested too deeply, or without memory; free
 * with free() */
char *aura__config_json(yaml_document_t *doc, const yaml_node_t *node);

#endif
