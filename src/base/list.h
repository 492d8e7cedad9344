/* SPDX-License-Identifier: Apache-2.0 */
/** @file list.h  Intrusive doubly linked list. A node is in at most one list; zeroed nodes are in
 * none. */
#ifndef AURA_BASE_LIST_H
#define AURA_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct aura_node {
    struct aura_node *next, *prev;
};

/** The head is a node of its own; aura_list_init() it before use. */
struct aura_list {
    struct aura_node head;
};

static inline void aura_list_init(struct aura_list *l) {
    l->head.next = l->head.prev = &l->head;
}
static inline bool aura_list_empty(const struct aura_list *l) {
    return l->head.next == &l->head;
}
static inline bool aura_node_linked(const struct aura_node *n) {
    return n->next != NULL;
}

static inline void aura_list_add(struct aura_list *l, struct aura_node *n) {
    n->prev = l->head.prev;
    n->next = &l->head;
    l->head.prev->next = n;
    l->head.prev = n;
}

static inline void aura_node_remove(struct aura_node *n) {
    if (n->next) {
        n->prev->next = n->next;
        n->next->prev = n->prev;
        n->next = n->prev = NULL;
    }
}

#define AURA_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** The first element, or NULL. */
#define AURA_LIST_FIRST(list, type, member)                                                        \
    (aura_list_empty(list) ? NULL : AURA_CONTAINER((list)->head.next, type, member))

/** Walks a list; the current element may be removed (but no other). */
#define AURA_LIST_EACH(list, type, var, member)                                                    \
    for (struct aura_node *n_##var = (list)->head.next, *t_##var = n_##var->next;                  \
         n_##var != &(list)->head; n_##var = t_##var, t_##var = n_##var->next)                     \
        for (type *var = AURA_CONTAINER(n_##var, type, member); var; var = NULL)

#endif
