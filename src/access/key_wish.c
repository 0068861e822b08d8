#include "access/key_wish.h"

#include "access/key_store.h"
#include "base/clock.h"
#include "config/callable.h"
#include "config/rights.h"
#include "config/units.h"
#include "json/json.h"

enum { MEMBERS_MAX = 64, DEPTH_MAX = 8, SHOWN_BYTES = 100 };

/* ---- writing anew: what YAML reads as JSON does has few escapes ---- */

static void put_value(json_value v, buf *out, arena *a);

static void put_members(json_value v, buf *out, arena *a) {
    json_iter it = json_iter_of(v);
    json_member m;
    for (bool first = true; json_next_member(&it, &m); first = false) {
        if (!first) buf_add_cstr(out, ", ");
        json_write_string(out, json_string(json_member_name(&m), a));
        buf_add_cstr(out, ": ");
        put_value(m.value, out, a);
    }
}

static void put_elements(json_value v, buf *out, arena *a) {
    json_iter it = json_iter_of(v);
    json_value item;
    for (bool first = true; json_next_element(&it, &item); first = false) {
        if (!first) buf_add_cstr(out, ", ");
        put_value(item, out, a);
    }
}

static void put_value(json_value v, buf *out, arena *a) {
    if (v.type == JSON_OBJECT) {
        buf_add_char(out, '{');
        put_members(v, out, a);
        buf_add_char(out, '}');
    } else if (v.type == JSON_ARRAY) {
        buf_add_char(out, '[');
        put_elements(v, out, a);
        buf_add_char(out, ']');
    } else if (v.type == JSON_STRING) {
        json_write_string(out, json_string(v, a));
    } else {
        buf_add(out, v.raw);
    }
}

static void add_member(buf *out, span name, json_value v, arena *a) {
    if (out->len > 1) buf_add_cstr(out, ", ");
    json_write_string(out, name);
    buf_add_cstr(out, ": ");
    put_value(v, out, a);
}

static span close_object(buf *out, arena *a) {
    buf_add_char(out, '}');
    span text = arena_dup(a, buf_span(out));
    buf_done(out);
    return text;
}

/* ---- members ---- */

bool key_name_fits(span name) {
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7F) return false;
    return name.len > 0 && name.len <= KEY_NAME_MAX && span_is_utf8(name) &&
           !span_starts(name, SPAN_OF(KEY_ID_PREFIX));
}

bool key_expiry_parse(span text, int64_t now_us, int64_t *ret_us) {
    int64_t ms, at;
    if (span_eq(text, SPAN_OF("never"))) {
        *ret_us = 0;
        return true;
    }
    if (unit_duration(text, &ms)) {
        if (ms <= 0 || ms > (CLOCK_WALL_MAX_US - now_us) / 1000) return false;
        *ret_us = now_us + ms * 1000;
        return true;
    }
    if (!config_instant_parse(text, &at) || at <= 0) return false;
    *ret_us = at;
    return true;
}

bool key_overlap_parse(span text, int64_t *ret_ms) {
    const int64_t most = (int64_t)366 * 24 * 3600 * 1000;
    int64_t ms;
    if (!unit_duration(text, &ms) || ms < 0 || ms > most) return false;
    *ret_ms = ms;
    return true;
}

typedef struct reading {
    key_wish_kind kind;
    int64_t now_us;
    arena *arena;
    key_wish *wish;
    bool named;
    buf rest;
    span param;
    buf *why;
} reading;

static bool blame(reading *r, const char *param, const char *says) {
    r->param = span_cstr(param);
    buf_add_cstr(r->why, says);
    return false;
}

static bool take_name(reading *r, json_value v) {
    if (r->kind == WISH_CHANGE)
        return blame(r, "name", "A key's name stays as it is: records and limits go by it.");
    r->named = true;
    if (v.type == JSON_STRING) r->wish->name = arena_dup(r->arena, json_string(v, r->arena));
    return key_name_fits(r->wish->name) ||
           blame(r, "name",
                 "A key's name has 1 to 64 printable bytes, and does not begin as an id "
                 "(" KEY_ID_PREFIX ").");
}

static bool take_expiry(reading *r, json_value v) {
    r->wish->says_expires = true;
    if (v.type == JSON_NULL) return true;
    if (v.type == JSON_STRING &&
        key_expiry_parse(json_string(v, r->arena), r->now_us, &r->wish->expires_us))
        return true;
    return blame(r, "expires",
                 "expires is a duration such as 30d, an instant such as 2026-12-31T00:00:00Z, a "
                 "date, or never.");
}

static bool take_member(reading *r, const json_member *m) {
    span name = json_string(json_member_name(m), r->arena);
    if (span_eq(name, SPAN_OF("name"))) return take_name(r, m->value);
    if (span_eq(name, SPAN_OF("expires"))) return take_expiry(r, m->value);
    if (r->kind == WISH_NEW && m->value.type == JSON_NULL) return true;
    /* As in the file it would mean all, which who writes it hardly means. */
    if (m->value.type == JSON_ARRAY && json_is_empty(m->value)) {
        r->param = span_clip(name, KEY_NAME_MAX);
        buf_add_cstr(r->why, "An empty list holds a key to nothing: leave it out, or say null.");
        return false;
    }
    add_member(&r->rest, name, m->value, r->arena);
    return true;
}

static bool take_members(reading *r, json_value root) {
    json_iter it = json_iter_of(root);
    for (json_member m; json_next_member(&it, &m);)
        if (!take_member(r, &m)) return false;
    if (r->kind == WISH_CHANGE || r->named) return true;
    return blame(r, "name", "A key needs a name.");
}

bool key_wish_read(span json, key_wish_kind kind, int64_t now_us, arena *a, key_wish *ret,
                   span *ret_param, buf *ret_why) {
    static const json_limits limits = {.depth = DEPTH_MAX, .members = MEMBERS_MAX};
    reading r = {.kind = kind, .now_us = now_us, .arena = a, .wish = ret, .why = ret_why};
    json_value root;
    json_fault fault;
    *ret = (key_wish){0};
    bool good = json.len <= KEY_OPTIONS_MAX || blame(&r, "", "What a key may have takes 64 KiB.");
    if (good && !json_scan(json, &limits, &root, &fault)) {
        buf_addf(ret_why, "The body is not valid JSON: %.*s.",
                 SPAN_ARG(json_fault_text(a, json, &fault)));
        good = false;
    }
    if (good && root.type != JSON_OBJECT) good = blame(&r, "", "A JSON object is expected.");
    buf_add_char(&r.rest, '{');
    good = good && take_members(&r, root);
    ret->rest = close_object(&r.rest, a);
    *ret_param = r.param;
    return good;
}

/* ---- what it names ---- */

static json_value object_of(span text) {
    json_value v;
    json_fault fault;
    const bool good = json_scan(text, NULL, &v, &fault) && v.type == JSON_OBJECT;
    return good ? v : (json_value){JSON_OBJECT, SPAN_OF("{}")};
}

static bool endpoint_fits(json_value v, const config *c, arena *a, buf *ret_why) {
    if (v.type != JSON_STRING || callable_is_any(c, json_string(v, a))) return true;
    buf_addf(ret_why, "endpoints has %.*s; expected ", SPAN_ARG(span_clip(v.raw, SHOWN_BYTES)));
    callable_add_expected(ret_why);
    buf_add_char(ret_why, '.');
    return false;
}

bool key_wish_fits(const key_wish *w, const config *c, arena *a, span *ret_param, buf *ret_why) {
    const json_value endpoints = json_get(object_of(w->rest), SPAN_OF("endpoints"));
    json_value item;
    *ret_param = SPAN_OF("endpoints");
    if (endpoints.type != JSON_ARRAY) return endpoint_fits(endpoints, c, a, ret_why);
    for (json_iter it = json_iter_of(endpoints); json_next_element(&it, &item);)
        if (!endpoint_fits(item, c, a, ret_why)) return false;
    return true;
}

/* ---- changing ---- */

/* A mapping, and whether what is in it changes by name. */
typedef struct level {
    span path; /* empty: the outermost */
    bool by_name;
} level;

static level level_in(level l, span name, arena *a) {
    l.path = l.path.len ? arena_printf(a, "%.*s.%.*s", SPAN_ARG(l.path), SPAN_ARG(name)) : name;
    return l;
}

/* Whoever changes one limit of a key means to keep its budget. */
static bool is_by_name(level l, span name, json_value v, arena *a) {
    static const span paths[] = {SPAN("limits"), SPAN("limits.request"), SPAN("tags"),
                                 SPAN("metadata")};
    const span path = level_in(l, name, a).path;
    if (!l.by_name || v.type != JSON_OBJECT) return false;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (span_eq(path, paths[i])) return true;
    return false;
}

static json_value mapping_of(json_value there, span name) {
    const json_value v = json_get(there, name);
    return v.type == JSON_OBJECT ? v : object_of(SPAN_EMPTY);
}

static bool takes_known(json_value there, json_value changes, level l, arena *a, buf *ret_why) {
    json_member m;
    for (json_iter it = json_iter_of(changes); json_next_member(&it, &m);) {
        span name = json_string(json_member_name(&m), a);
        if (m.value.type == JSON_NULL) {
            if (json_get(there, name).type == JSON_NONE &&
                !config_rights_has(l.path, name, ret_why))
                return false;
        } else if (is_by_name(l, name, m.value, a) &&
                   !takes_known(mapping_of(there, name), m.value, level_in(l, name, a), a,
                                ret_why)) {
            return false;
        }
    }
    return true;
}

bool key_options_take_known(span there, const key_wish *changes, arena *a, buf *ret_why) {
    const level outermost = {.by_name = changes->by_name};
    return takes_known(object_of(there), object_of(changes->rest), outermost, a, ret_why);
}

/* Members of there, and over them those of changes; null takes one away. */
static void merge(json_value there, json_value changes, level l, buf *out, arena *a);

static void merge_member(span name, json_value old, json_value new, level l, buf *out, arena *a) {
    buf inner = BUF_EMPTY;
    json_value v;
    json_fault fault;
    buf_add_char(&inner, '{');
    merge(old, new, l, &inner, a);
    const span text = close_object(&inner, a);
    if (json_scan(text, NULL, &v, &fault) && !json_is_empty(v)) add_member(out, name, v, a);
}

static void merge(json_value there, json_value changes, level l, buf *out, arena *a) {
    json_member m;
    for (json_iter it = json_iter_of(there); json_next_member(&it, &m);) {
        span name = json_string(json_member_name(&m), a);
        if (json_get(changes, name).type == JSON_NONE) add_member(out, name, m.value, a);
    }
    for (json_iter it = json_iter_of(changes); json_next_member(&it, &m);) {
        span name = json_string(json_member_name(&m), a);
        if (m.value.type == JSON_NULL) continue;
        if (is_by_name(l, name, m.value, a))
            merge_member(name, mapping_of(there, name), m.value, level_in(l, name, a), out, a);
        else
            add_member(out, name, m.value, a);
    }
}

span key_options_merge(span there, const key_wish *changes, arena *a) {
    const level outermost = {.by_name = changes->by_name};
    buf out = BUF_EMPTY;
    buf_add_char(&out, '{');
    merge(object_of(there), object_of(changes->rest), outermost, &out, a);
    return close_object(&out, a);
}
