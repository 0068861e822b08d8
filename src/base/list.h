/* base/list.h: an intrusive doubly linked ring. The head is a node of its own.
 *
 * Not thread-safe. Allocates nothing. A node that is in no list points at itself.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct list {
    struct list *next;
    struct list *prev;
} list;

static inline void list_init(list *node) {
    node->next = node->prev = node;
}

/* Also true for a node that is in no list. */
static inline bool list_empty(const list *head) {
    return head->next == head;
}

/* node must be in no list. */
static inline void list_push_back(list *head, list *node) {
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_push_front(list *head, list *node) {
    list_push_back(head->next, node);
}

/* Does nothing for a node that is in no list. */
static inline void list_remove(list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Removes and returns the first node, or NULL. */
static inline list *list_pop_front(list *head) {
    if (list_empty(head)) return NULL;
    list *node = head->next;
    list_remove(node);
    return node;
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The current node may be removed (and freed) inside the loop; others may not. */
#define LIST_FOREACH(head, it)                                                                     \
    for (list *it = (head)->next, *it##_next = it->next; it != (head);                             \
         it = it##_next, it##_next = it->next)

#endif
