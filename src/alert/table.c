#include "alert/table.h"

static list *bucket(table *t, uint64_t key) {
    return &t->buckets[key % TABLE_BUCKETS];
}

void table_init(table *t, size_t most, void (*free)(table_entry *e)) {
    for (size_t i = 0; i < TABLE_BUCKETS; i++)
        list_init(&t->buckets[i]);
    list_init(&t->ages);
    t->count = 0;
    t->most = most;
    t->free = free;
}

static void drop(table *t, table_entry *e) {
    list_remove(&e->chain);
    list_remove(&e->age);
    t->count--;
    t->free(e);
}

void table_done(table *t) {
    while (!list_empty(&t->ages))
        drop(t, LIST_ENTRY(t->ages.next, table_entry, age));
}

table_entry *table_find(table *t, uint64_t key) {
    LIST_FOREACH(bucket(t, key), node) {
        table_entry *e = LIST_ENTRY(node, table_entry, chain);
        if (e->key != key) continue;
        list_remove(&e->age);
        list_push_back(&t->ages, &e->age);
        return e;
    }
    return NULL;
}

void table_put(table *t, table_entry *e, uint64_t key) {
    if (t->count == t->most) drop(t, LIST_ENTRY(t->ages.next, table_entry, age));
    e->key = key;
    list_push_front(bucket(t, key), &e->chain);
    list_push_back(&t->ages, &e->age);
    t->count++;
}
