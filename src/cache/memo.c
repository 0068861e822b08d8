#include "cache/memo.h"

#include "base/mem.h"

#include <stdlib.h>

typedef struct slot {
    size_t len; /* of text; 0: empty */
    char *text; /* each part of a question with its length before it */
    cache_key key;
    memo_reading how;
    json_member *members; /* of the body that is in text; NULL: they are not noted */
    size_t member_count;
} slot;

struct key_memo {
    slot slots[MEMO_SLOTS];
    span asked; /* the last body whose members were asked for; only its place may be looked at */
    size_t at;  /* its slot */
};

key_memo *key_memo_new(void) {
    return mem_zalloc(sizeof(key_memo));
}

void key_memo_free(key_memo *m) {
    if (!m) return;
    for (size_t i = 0; i < MEMO_SLOTS; i++)
        free(m->slots[i].text), free(m->slots[i].members);
    free(m);
}

/* ---- the parts of a question ---- */

typedef struct counts {
    size_t targets, more;
} counts;

typedef bool part_fn(void *to, span part);

/* Each of them in its order, until one is refused. */
static inline __attribute__((always_inline)) bool each_part(const cache_question *q, part_fn *fn,
                                                            void *to) {
    const counts c = {q->target_count, q->more_count};
    const span fixed[] = {span_from((const char *)&c, sizeof c),
                          q->body.raw,
                          q->scope,
                          q->endpoint,
                          q->query,
                          q->model,
                          q->entry,
                          q->rules};
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (!fn(to, fixed[i])) return false;
    for (size_t i = 0; i < q->target_count; i++)
        if (!fn(to, q->targets[i])) return false;
    for (size_t i = 0; i < q->more_count; i++)
        if (!fn(to, q->more[i])) return false;
    return true;
}

static inline bool add_length(void *to, span part) {
    *(size_t *)to += sizeof part.len + part.len;
    return true;
}

/* *to: what is left of a slot's text. */
static inline bool is_next(void *to, span part) {
    span *left = to;
    size_t len;
    if (left->len < sizeof len + part.len) return false;
    memcpy(&len, left->ptr, sizeof len);
    if (len != part.len || (len && memcmp(left->ptr + sizeof len, part.ptr, len) != 0))
        return false;
    *left = span_slice(*left, sizeof len + len, left->len);
    return true;
}

static inline bool put(void *to, span part) {
    char **at = to;
    memcpy(*at, &part.len, sizeof part.len);
    if (part.len) memcpy(*at + sizeof part.len, part.ptr, part.len);
    *at += sizeof part.len + part.len;
    return true;
}

/* ---- slots ---- */

/* By how it ends, where questions differ. */
static size_t slot_of(span body) {
    enum { END = 192 };
    const size_t from = body.len > END ? body.len - END : 0;
    return (hash_span(span_slice(body, from, body.len)) ^ body.len) % MEMO_SLOTS;
}

/* The body is the second part. */
static span body_in(const slot *s) {
    enum { BEFORE = 2 * sizeof(size_t) + sizeof(counts) };
    size_t len;
    memcpy(&len, s->text + BEFORE - sizeof len, sizeof len);
    return span_from(s->text + BEFORE, len);
}

static span moved(span s, const char *from, const char *to) {
    return span_from(to + (s.ptr - from), s.len);
}

static bool are_same(const memo_reading *a, const memo_reading *b) {
    const json_limits *x = &a->limits, *y = &b->limits;
    return a->owner == b->owner && x->depth == y->depth && x->repeats == y->repeats &&
           x->members == y->members;
}

bool key_memo_members(key_memo *m, span body, const memo_reading *how, json_member *ret_members,
                      size_t *ret_count) {
    if (body.len > MEMO_BYTES) return false;
    m->asked = body;
    m->at = slot_of(body);
    const slot *s = &m->slots[m->at];
    if (!s->members || !are_same(&s->how, how) || !span_eq(body_in(s), body)) return false;
    const char *from = body_in(s).ptr;
    for (size_t i = 0; i < s->member_count; i++) {
        json_member *one = &ret_members[i];
        *one = s->members[i];
        one->key = moved(one->key, from, body.ptr);
        one->value.raw = moved(one->value.raw, from, body.ptr);
    }
    *ret_count = s->member_count;
    return true;
}

bool key_memo_find(const key_memo *m, const cache_question *q, cache_key *ret) {
    const span body = q->body.raw;
    if (body.len > MEMO_BYTES) return false;
    const bool asked = body.ptr == m->asked.ptr && body.len == m->asked.len;
    const slot *s = &m->slots[asked ? m->at : slot_of(body)];
    span left = span_from(s->text, s->len);
    if (!each_part(q, is_next, &left) || left.len) return false;
    *ret = s->key;
    return true;
}

static void note_members(slot *s, const memo_reading *how) {
    json_member members[MEMO_MEMBERS];
    json_fault fault;
    free(s->members);
    s->members = NULL;
    s->how = *how;
    if (!json_scan_object(body_in(s), &how->limits, members, MEMO_MEMBERS, &s->member_count,
                          &fault) ||
        s->member_count > MEMO_MEMBERS)
        return;
    s->members = mem_alloc(s->member_count * sizeof *members);
    if (s->member_count) memcpy(s->members, members, s->member_count * sizeof *members);
}

void key_memo_add(key_memo *m, const cache_question *q, const cache_key *key,
                  const memo_reading *how) {
    size_t len = 0;
    (void)each_part(q, add_length, &len);
    if (len > 2 * MEMO_BYTES || q->body.raw.len > MEMO_BYTES) return;
    slot *s = &m->slots[slot_of(q->body.raw)];
    s->text = mem_realloc(s->text, len);
    s->len = len;
    s->key = *key;
    char *at = s->text;
    (void)each_part(q, put, &at);
    note_members(s, how);
}
