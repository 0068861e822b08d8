/* Reading values that were scanned. Skipping trusts the grammar but not the bounds: on bytes that
 * were never scanned it may give nonsense, and stays inside them. */
#include "json/json.h"

#include "json/escape.h"
#include "json/token.h"

/* What every member of every event passes is inlined into the cursor, which hands on its place in
 * registers then. */
#define HOT static inline __attribute__((always_inline))

/* From inside a string on, where no escape has begun: returns the byte behind its closing quote. A
 * quote closes it that an even number of backslashes stands before; none of them is counted for two
 * quotes. */
static __attribute__((noinline)) const char *skip_string_rest(const char *from, const char *end) {
    for (const char *at = from; (at = memchr(at, '"', (size_t)(end - at))) != NULL; at++) {
        const char *slashes = at;
        while (slashes > from && slashes[-1] == '\\')
            slashes--;
        if ((at - slashes) % 2 == 0) return at + 1;
    }
    return end;
}

/* p is the opening quote; returns the byte behind the closing one. */
HOT const char *skip_string(const char *p, const char *end) {
    p = json_skip_text_near(p + 1, end);
    return p < end && *p == '"' ? p + 1 : skip_string_rest(p, end);
}

/* p is the opening bracket; returns the byte behind the closing one. */
static __attribute__((noinline)) const char *skip_container(const char *p, const char *end) {
    size_t depth = 0;
    while (p < end) {
        switch (*p) {
        case '"': p = skip_string(p, end); continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) return p + 1;
            break;
        default: break;
        }
        p++;
    }
    return end;
}

/* A word is as long as its first byte says. */
static const char *skip_word(const char *p, const char *end, ptrdiff_t len) {
    return end - p < len ? end : p + len;
}

static const char *skip_number(const char *p, const char *end) {
    while (p < end && *p != ',' && *p != ']' && *p != '}' && (unsigned char)*p > ' ')
        p++;
    return p;
}

/* Takes the value at *p, if any, and moves *p behind it. */
HOT bool take_value(const char **p, const char *end, json_value *ret) {
    const char *from = *p, *to;
    char first = json_next_byte(&from, end);
    if (from == end) return false;
    json_type type = json_type_of(first);
    switch (type) {
    case JSON_STRING: to = skip_string(from, end); break;
    case JSON_OBJECT:
    case JSON_ARRAY: to = skip_container(from, end); break;
    case JSON_FALSE: to = skip_word(from, end, 5); break;
    case JSON_NULL:
    case JSON_TRUE: to = skip_word(from, end, 4); break;
    default: to = skip_number(from, end); break;
    }
    if (to == from) return false;
    *ret = (json_value){type, span_from(from, (size_t)(to - from))};
    *p = to;
    return true;
}

/* p is the opening quote of a member's name. Returns the byte behind the colon, or NULL. */
HOT const char *take_key(const char *p, const char *end, span *ret_key) {
    if (p == end || *p != '"') return NULL;
    const char *key_end = skip_string(p, end);
    span key = span_from(p + 1, (size_t)(key_end - p - 1));
    if (key.len) key.len--; /* the closing quote */
    if (json_next_byte(&key_end, end) != ':') return NULL;
    *ret_key = key;
    return key_end + 1;
}

/* Moves behind the comma between children. */
static void pass_comma(json_iter *it, const char *p) {
    const char *end = it->rest.ptr + it->rest.len;
    if (json_next_byte(&p, end) == ',') p++;
    it->rest = span_from(p, (size_t)(end - p));
}

json_iter json_iter_of(json_value value) {
    if ((value.type != JSON_ARRAY && value.type != JSON_OBJECT) || value.raw.len < 2)
        return (json_iter){SPAN_OF("")};
    return (json_iter){span_slice(value.raw, 1, value.raw.len - 1)};
}

bool json_next_element(json_iter *it, json_value *ret) {
    const char *p = it->rest.ptr;
    if (!take_value(&p, it->rest.ptr + it->rest.len, ret)) return false;
    pass_comma(it, p);
    return true;
}

bool json_next_member(json_iter *it, json_member *ret) {
    const char *end = it->rest.ptr + it->rest.len;
    span key;
    json_value value;
    const char *p = take_key(json_skip_blanks(it->rest.ptr, end), end, &key);
    if (!p || !take_value(&p, end, &value)) return false;
    *ret = (json_member){.key = key, .value = value};
    pass_comma(it, p);
    return true;
}

/* ---- cursors ---- */

json_cursor json_cursor_of(json_value value) {
    json_iter children = json_iter_of(value);
    return (json_cursor){children.rest.ptr, children.rest.ptr + children.rest.len};
}

/* To the next child's first byte, or behind the closing bracket. */
HOT bool to_child(json_cursor *c) {
    const char *p = c->at;
    if (c->end - p > 1 && p[0] == ',' && p[1] == '"') { /* as nearly all are written */
        c->at = p + 1;
        return true;
    }
    char next = json_next_byte(&p, c->end);
    if (next == ',') {
        p++;
        next = json_next_byte(&p, c->end);
    }
    bool closed = next == '}' || next == ']';
    c->at = closed ? p + 1 : p;
    return !closed && p < c->end;
}

/* What should be there is not: the document was never scanned. */
static bool give_up(json_cursor *c) {
    c->at = c->end;
    return false;
}

bool json_cursor_member(json_cursor *c, span *ret_key) {
    if (!to_child(c)) return false;
    const char *p = take_key(c->at, c->end, ret_key);
    if (!p) return give_up(c);
    c->at = p;
    (void)json_next_byte(&c->at, c->end);
    return c->at < c->end;
}

bool json_cursor_element(json_cursor *c) {
    return to_child(c);
}

json_type json_cursor_type(const json_cursor *c) {
    return c->at < c->end ? json_type_of(*c->at) : JSON_NONE;
}

json_value json_cursor_take(json_cursor *c) {
    json_value value = {JSON_NONE, SPAN_EMPTY};
    if (!take_value(&c->at, c->end, &value)) (void)give_up(c);
    return value;
}

void json_cursor_enter(json_cursor *c) {
    if (c->at < c->end) c->at++;
}

/* ---- what is looked for ---- */

json_iter json_strings_of(json_value value) {
    return (json_iter){value.raw};
}

bool json_next_string(json_iter *it, json_value *ret) {
    for (;;) {
        size_t at = span_find(it->rest, 0, '"');
        if (at == it->rest.len) return false;
        const char *quote = it->rest.ptr + at, *end = it->rest.ptr + it->rest.len;
        const char *p = skip_string(quote, end);
        it->rest = span_from(p, (size_t)(end - p));
        p = json_skip_blanks(p, end);
        if (p < end && *p == ':') continue; /* a name */
        *ret = (json_value){JSON_STRING, span_from(quote, (size_t)(it->rest.ptr - quote))};
        return true;
    }
}

json_value json_get(json_value object, span key) {
    json_member member;
    if (object.type == JSON_OBJECT)
        for (json_iter it = json_iter_of(object); json_next_member(&it, &member);)
            if (json_text_eq(member.key, key)) return member.value;
    return (json_value){JSON_NONE, SPAN_EMPTY};
}

/* Of a name, in 64 kinds. */
static unsigned first_byte(span name) {
    return name.len ? (unsigned char)name.ptr[0] & 63u : 0;
}

/* With which kinds a member may begin that has one of these names; an escape may hide any. */
static uint64_t first_bytes(const span *names, size_t count) {
    uint64_t kinds = UINT64_C(1) << ('\\' & 63);
    for (size_t i = 0; i < count; i++)
        kinds |= UINT64_C(1) << first_byte(names[i]);
    return kinds;
}

void json_get_each(json_value object, const span *keys, size_t count, json_value *ret) {
    for (size_t i = 0; i < count; i++)
        ret[i] = (json_value){JSON_NONE, SPAN_EMPTY};
    if (object.type != JSON_OBJECT) return;
    const uint64_t firsts = first_bytes(keys, count);
    json_member member;
    for (json_iter it = json_iter_of(object); json_next_member(&it, &member);) {
        if (!(firsts >> first_byte(member.key) & 1)) continue;
        for (size_t i = 0; i < count; i++)
            if (ret[i].type == JSON_NONE && json_text_eq(member.key, keys[i]))
                ret[i] = member.value;
    }
}

json_value json_find(const json_member *members, size_t count, span key) {
    for (const json_member *m = members; m < members + count; m++)
        if (m->escaped ? json_text_eq(m->key, key) : span_eq(m->key, key)) return m->value;
    return (json_value){JSON_NONE, SPAN_EMPTY};
}

size_t json_count(json_value value) {
    size_t count = 0;
    json_iter it = json_iter_of(value);
    if (value.type == JSON_OBJECT)
        for (json_member member; json_next_member(&it, &member);)
            count++;
    else
        for (json_value element; json_next_element(&it, &element);)
            count++;
    return count;
}

bool json_is_empty(json_value value) {
    span inner = json_iter_of(value).rest;
    const char *end = inner.ptr + inner.len;
    return json_skip_blanks_far(inner.ptr, end) == end;
}

static span inner_of(json_value string) {
    if (string.type != JSON_STRING || string.raw.len < 2) return SPAN_OF("");
    return span_slice(string.raw, 1, string.raw.len - 1);
}

span json_string(json_value value, arena *a) {
    span inner = inner_of(value);
    if (span_find(inner, 0, '\\') == inner.len) return inner;
    char *text = arena_alloc(a, inner.len);
    return span_from(text, json_unescape(inner, text));
}

json_pieces json_pieces_of(json_value string) {
    return (json_pieces){.rest = inner_of(string)};
}

bool json_next_piece(json_pieces *it, span *ret) {
    if (!it->rest.len) return false;
    size_t plain = span_find(it->rest, 0, '\\');
    if (plain) {
        *ret = span_slice(it->rest, 0, plain);
        it->rest = span_slice(it->rest, plain, it->rest.len);
        return true;
    }
    const char *p = it->rest.ptr, *end = p + it->rest.len;
    *ret = span_from(it->one, json_unescape_one(&p, end, it->one));
    it->rest = span_from(p, (size_t)(end - p));
    return true;
}

bool json_is_whole(json_value string, span text) {
    return json_text_eq_whole(inner_of(string), text);
}
