#include "cache/memo.h"

#include "base/mem.h"

#include <stdlib.h>

typedef struct slot {
    size_t len; /* of text; 0: empty */
    char *text; /* each part of a question with its length before it */
    cache_key key;
} slot;

struct key_memo {
    slot slots[MEMO_SLOTS];
};

key_memo *key_memo_new(void) {
    return mem_zalloc(sizeof(key_memo));
}

void key_memo_free(key_memo *m) {
    if (!m) return;
    for (size_t i = 0; i < MEMO_SLOTS; i++)
        free(m->slots[i].text);
    free(m);
}

/* ---- the parts of a question ---- */

enum { FIXED = 7 };

static size_t count_of(const cache_question *q) {
    return FIXED + q->target_count + q->more_count;
}

static span part(const cache_question *q, size_t i) {
    switch (i) {
    case 0: return q->body.raw;
    case 1: return q->scope;
    case 2: return q->endpoint;
    case 3: return q->query;
    case 4: return q->model;
    case 5: return q->entry;
    case 6: return q->rules;
    default: i -= FIXED;
    }
    return i < q->target_count ? q->targets[i] : q->more[i - q->target_count];
}

typedef struct counts {
    size_t targets, more;
} counts;

static size_t length(const cache_question *q) {
    size_t n = sizeof(counts);
    for (size_t i = 0; i < count_of(q); i++)
        n += sizeof(size_t) + part(q, i).len;
    return n;
}

static bool is_same(const slot *s, const cache_question *q) {
    const counts c = {q->target_count, q->more_count};
    const char *at = s->text;
    if (memcmp(at, &c, sizeof c) != 0) return false;
    at += sizeof c;
    for (size_t i = 0; i < count_of(q); i++) {
        const span p = part(q, i);
        if (memcmp(at, &p.len, sizeof p.len) != 0) return false;
        at += sizeof p.len;
        if (p.len && memcmp(at, p.ptr, p.len) != 0) return false;
        at += p.len;
    }
    return true;
}

/* ---- slots ---- */

/* By how it ends, where questions differ. */
static size_t slot_of(const cache_question *q) {
    enum { END = 192 };
    const span raw = q->body.raw;
    const size_t from = raw.len > END ? raw.len - END : 0;
    return (hash_span(span_slice(raw, from, raw.len)) ^ raw.len) % MEMO_SLOTS;
}

bool key_memo_find(const key_memo *m, const cache_question *q, cache_key *ret) {
    if (q->body.raw.len > MEMO_BYTES) return false;
    const slot *s = &m->slots[slot_of(q)];
    if (!s->len || s->len != length(q) || !is_same(s, q)) return false;
    *ret = s->key;
    return true;
}

static char *put(char *at, const void *bytes, size_t len) {
    if (len) memcpy(at, bytes, len);
    return at + len;
}

void key_memo_add(key_memo *m, const cache_question *q, const cache_key *key) {
    const size_t len = length(q);
    if (len > 2 * MEMO_BYTES || q->body.raw.len > MEMO_BYTES) return;
    slot *s = &m->slots[slot_of(q)];
    const counts c = {q->target_count, q->more_count};
    s->text = mem_realloc(s->text, len);
    s->len = len;
    s->key = *key;
    char *at = put(s->text, &c, sizeof c);
    for (size_t i = 0; i < count_of(q); i++) {
        const span p = part(q, i);
        at = put(at, &p.len, sizeof p.len);
        at = put(at, p.ptr, p.len);
    }
}
