#include "dialect/merge.h"

/* More than any answer has; an object's are few enough to be looked through. */
enum { NODES_MAX = 16384, CHILDREN_MAX = 512 };

#define TEXT_ELEMENT     "{\"type\":\"text\",\"text\":\""
#define TEXT_ELEMENT_END "\"}"

void merge_init(merge *m, size_t most) {
    *m = (merge){.root.kind = MERGE_OBJECT, .most = most};
    arena_init(&m->arena, 0);
}

void merge_done(merge *m) {
    for (merge_node *n = m->newest; n; n = n->older)
        buf_done(&n->bytes);
    arena_done(&m->arena);
    m->newest = NULL;
}

bool merge_full(const merge *m) {
    return m->full;
}

static void count(merge *m, size_t bytes) {
    m->bytes += bytes;
    if (m->bytes > m->most) m->full = true;
}

/* ---- nodes ---- */

static merge_node *new_node(merge *m, merge_node *parent) {
    if (++parent->children > CHILDREN_MAX || ++m->nodes > NODES_MAX) m->full = true;
    merge_node *n = arena_zalloc(&m->arena, sizeof *n);
    n->older = m->newest;
    m->newest = n;
    return n;
}

void merge_become(merge_node *n, merge_kind kind) {
    if (n->kind == kind) return;
    n->kind = kind;
    n->open_text = false;
    n->whole = (whole_text){0};
    n->first = NULL;
    n->children = 0;
    buf_clear(&n->bytes);
}

merge_node *merge_find(const merge_node *object, span name) {
    if (object->kind != MERGE_OBJECT) return NULL;
    for (merge_node *n = object->first; n; n = n->next)
        if (span_eq(n->name, name)) return n;
    return NULL;
}

merge_node *merge_member(merge *m, merge_node *object, span name) {
    if (m->full) return &m->spilt;
    merge_become(object, MERGE_OBJECT);
    merge_node **at = &object->first;
    for (; *at; at = &(*at)->next)
        if (span_eq((*at)->name, name)) return *at;
    merge_node *n = new_node(m, object);
    n->name = arena_dup(&m->arena, name);
    count(m, name.len);
    *at = n;
    return n;
}

/* Behind all whose number is not greater. */
static merge_node **place_of(merge_node *entries, unsigned number, merge_node **ret_same) {
    merge_node **at = &entries->first;
    for (; *at && (*at)->number <= number; at = &(*at)->next)
        if ((*at)->number == number) *ret_same = *at;
    return at;
}

merge_node *merge_new_entry(merge *m, merge_node *entries, unsigned number) {
    if (m->full) return &m->spilt;
    merge_become(entries, MERGE_ENTRIES);
    merge_node *same = NULL, **at = place_of(entries, number, &same);
    merge_node *n = new_node(m, entries);
    n->kind = MERGE_OBJECT;
    n->number = number;
    n->next = *at;
    *at = n;
    return n;
}

merge_node *merge_entry(merge *m, merge_node *entries, unsigned number) {
    if (m->full) return &m->spilt;
    merge_become(entries, MERGE_ENTRIES);
    merge_node *same = NULL;
    (void)place_of(entries, number, &same);
    return same ? same : merge_new_entry(m, entries, number);
}

/* ---- values ---- */

static void add(merge *m, merge_node *n, span bytes) {
    count(m, bytes.len);
    if (!m->full) buf_add(&n->bytes, bytes);
}

/* Between the brackets or quotes. */
static span inner(json_value v) {
    return span_trim(span_slice(v.raw, 1, v.raw.len - 1));
}

static span text_of(json_value v) {
    return span_slice(v.raw, 1, v.raw.len - 1);
}

void merge_put(merge *m, merge_node *n, json_value v) {
    merge_become(n, MERGE_RAW);
    m->bytes -= n->bytes.len;
    buf_clear(&n->bytes);
    add(m, n, v.raw);
}

static void add_text_element(merge *m, merge_node *list, span text) {
    if (!text.len) return;
    if (m->full) return;
    if (list->open_text)
        list->bytes.len -= strlen(TEXT_ELEMENT_END);
    else if (list->bytes.len)
        add(m, list, SPAN_OF(","));
    if (!list->open_text) add(m, list, SPAN_OF(TEXT_ELEMENT));
    add(m, list, text);
    add(m, list, SPAN_OF(TEXT_ELEMENT_END));
    list->open_text = true;
}

/* The text so far is the first of the list's. */
static void become_list(merge *m, merge_node *n) {
    if (n->kind == MERGE_LIST) return;
    buf text = BUF_EMPTY;
    if (n->kind == MERGE_TEXT) {
        text = n->bytes;
        n->bytes = BUF_EMPTY;
    }
    merge_become(n, MERGE_LIST);
    add_text_element(m, n, buf_span(&text));
    buf_done(&text);
}

static void append_array(merge *m, merge_node *n, json_value v) {
    span elements = inner(v);
    become_list(m, n);
    if (!elements.len) return;
    if (n->bytes.len) add(m, n, SPAN_OF(","));
    add(m, n, elements);
    n->open_text = false;
}

static void append_string(merge *m, merge_node *n, json_value v) {
    if (n->kind == MERGE_LIST) {
        add_text_element(m, n, text_of(v));
        return;
    }
    merge_become(n, MERGE_TEXT);
    add(m, n, text_of(v));
}

void merge_append(merge *m, merge_node *n, json_value v) {
    switch (v.type) {
    case JSON_NONE: return;
    case JSON_NULL:
        if (n->kind == MERGE_NOTHING) merge_put(m, n, v);
        return;
    case JSON_STRING: append_string(m, n, v); return;
    case JSON_ARRAY: append_array(m, n, v); return;
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
    case JSON_OBJECT: merge_put(m, n, v); return;
    }
}

/* ---- the whole ---- */

static void write_children(const merge_node *n, bool named, buf *out) {
    for (const merge_node *child = n->first; child; child = child->next) {
        if (child != n->first) buf_add_char(out, ',');
        if (named) {
            buf_add_char(out, '"');
            buf_add(out, child->name);
            buf_add(out, SPAN_OF("\":"));
        }
        merge_write(child, out);
    }
}

static void write_between(char open, span bytes, char close, buf *out) {
    buf_add_char(out, open);
    buf_add(out, bytes);
    buf_add_char(out, close);
}

void merge_write(const merge_node *n, buf *out) {
    switch (n->kind) {
    case MERGE_NOTHING: buf_add(out, SPAN_OF("null")); return;
    case MERGE_RAW: buf_add(out, buf_span(&n->bytes)); return;
    case MERGE_TEXT: write_between('"', buf_span(&n->bytes), '"', out); return;
    case MERGE_LIST: write_between('[', buf_span(&n->bytes), ']', out); return;
    case MERGE_OBJECT:
        buf_add_char(out, '{');
        write_children(n, true, out);
        buf_add_char(out, '}');
        return;
    case MERGE_ENTRIES:
        buf_add_char(out, '[');
        write_children(n, false, out);
        buf_add_char(out, ']');
        return;
    }
}
