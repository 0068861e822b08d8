#include "call/secrets.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct provider_row {
    list link;
    char *name;
    secret_list known; /* first what was in force last */
    secret_set *set;
} provider_row;

/* A few providers, looked for once per loop and reload: a list will do. */
struct secret_table {
    pthread_mutex_t lock;
    list rows;
};

secret_table *secret_table_new(void) {
    secret_table *t = mem_zalloc(sizeof *t);
    (void)pthread_mutex_init(&t->lock, NULL);
    list_init(&t->rows);
    return t;
}

void secret_table_free(secret_table *t) {
    if (!t) return;
    for (list *node; (node = list_pop_front(&t->rows));) {
        provider_row *row = LIST_ENTRY(node, provider_row, link);
        secret_list_done(&row->known);
        secret_set_unref(row->set);
        free(row->name);
        free(row);
    }
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

static provider_row *row_of(secret_table *t, span name) {
    LIST_FOREACH(&t->rows, it) {
        provider_row *row = LIST_ENTRY(it, provider_row, link);
        if (span_eq(span_cstr(row->name), name)) return row;
    }
    provider_row *row = mem_zalloc(sizeof *row);
    row->name = mem_strndup(name.ptr, name.len);
    list_push_back(&t->rows, &row->link);
    return row;
}

static bool knows_all(const provider_row *row, const secret_list *in_force) {
    for (size_t i = 0; i < in_force->count; i++)
        if (!secret_list_has(&row->known, in_force->items[i])) return false;
    return true;
}

static void add_new(secret_list *to, const secret_list *from, size_t most) {
    size_t room = to->count + most;
    for (size_t i = 0; i < from->count && to->count < room; i++)
        if (!secret_list_has(to, from->items[i])) secret_list_add(to, from->items[i]);
}

static void learn(provider_row *row, const secret_list *in_force) {
    secret_list all = {0};
    add_new(&all, in_force, in_force->count);
    add_new(&all, &row->known, SECRETS_FORMER_MAX);
    secret_list_done(&row->known);
    secret_set_unref(row->set);
    row->known = all;
    row->set = secret_set_new(all.items, all.count);
}

secret_set *secret_table_get(secret_table *t, span provider, const secret_list *in_force) {
    (void)pthread_mutex_lock(&t->lock);
    provider_row *row = row_of(t, provider);
    if (!knows_all(row, in_force)) learn(row, in_force);
    secret_set *set = secret_set_ref(row->set);
    (void)pthread_mutex_unlock(&t->lock);
    return set;
}
