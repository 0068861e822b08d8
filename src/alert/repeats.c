#include "alert/repeats.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

typedef struct told {
    table_entry entry;
    int64_t at_ms;
    uint64_t passed_over;
} told;

static void free_told(table_entry *e) {
    free(CONTAINER_OF(e, told, entry));
}

void repeats_init(repeats *r) {
    table_init(&r->table, REPEATS_MAX, free_told);
}

void repeats_done(repeats *r) {
    table_done(&r->table);
}

static int64_t rest_ms(alert_kind kind, int64_t again_ms) {
    if (alert_kind_again(kind) == ALERT_DAY) return again_ms > DAY_MS ? again_ms : DAY_MS;
    return again_ms;
}

bool repeats_due(repeats *r, alert_kind kind, span subject, int64_t again_ms, int64_t now_ms,
                 uint64_t *ret_passed_over) {
    *ret_passed_over = 0;
    if (alert_kind_again(kind) == ALERT_EDGE) return true;
    const uint64_t key = hash_span(subject) + (uint64_t)kind;
    table_entry *e = table_find(&r->table, key);
    told *t = e ? CONTAINER_OF(e, told, entry) : NULL;
    if (t && now_ms - t->at_ms < rest_ms(kind, again_ms)) {
        t->passed_over++;
        return false;
    }
    if (!t) {
        t = mem_zalloc(sizeof *t);
        table_put(&r->table, &t->entry, key);
    }
    *ret_passed_over = t->passed_over;
    *t = (told){.entry = t->entry, .at_ms = now_ms};
    return true;
}
