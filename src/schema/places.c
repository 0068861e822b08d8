/* Which parts of a schema have a name, and what a reference names. */
#include "schema/compile.h"
#include "schema/uri.h"

static span text_of(const schema_value *object, const char *word) {
    const schema_value *v = schema_value_get(object, span_cstr(word));
    return v && v->type == JSON_STRING ? v->text : SPAN_EMPTY;
}

static schema_place *place_of_uri(const schema *s, span uri) {
    for (schema_place *p = s->places; p; p = p->next)
        if (span_eq(p->uri, uri)) return p;
    return NULL;
}

static void add_anchor(schema_compiler *c, schema_place *p, schema_value *v, span name,
                       bool dynamic) {
    if (!name.len) return;
    schema_anchor *a = arena_zalloc(&c->schema->arena, sizeof *a);
    *a = (schema_anchor){p->anchors, name, dynamic, v, NULL};
    p->anchors = a;
}

/* Draft-07 and what was before it; of a dialect that is not known the newest rules hold. */
static bool is_old_dialect(span dialect) {
    static const char *const old[] = {"draft-03", "draft-04", "draft-05", "draft-06", "draft-07"};
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        if (span_find_span(dialect, 0, span_cstr(old[i])) < dialect.len) return true;
    return false;
}

/* In draft-07 what stands beside a $ref is passed over. */
static bool hides_words(const schema_value *v, const schema_place *place) {
    return place->old && schema_value_get(v, SPAN_OF("$ref"));
}

static schema_place *place_new(schema_compiler *c, schema_value *v, span uri, bool old) {
    schema_place *p = arena_zalloc(&c->schema->arena, sizeof *p);
    span dialect = text_of(v, "$schema");
    p->uri = uri;
    p->old = dialect.len ? is_old_dialect(dialect) : old;
    p->root = v;
    p->next = c->schema->places;
    c->schema->places = p;
    return p;
}

schema_place *schema_first_place(schema_compiler *c, schema_value *document) {
    span fragment, id = text_of(document, "$id");
    span uri = schema_uri_resolve(SPAN_EMPTY, id, &c->schema->arena, &fragment);
    return place_new(c, document, uri, false);
}

static bool add_place(schema_compiler *c, schema_value *v, span id, schema_place **place) {
    span fragment;
    span uri = schema_uri_resolve((*place)->uri, id, &c->schema->arena, &fragment);
    if (place_of_uri(c->schema, uri)) return schema_refuse(c, "$id: another part has the same");
    *place = place_new(c, v, uri, (*place)->old);
    return true;
}

static bool name_value(schema_compiler *c, schema_value *v, schema_place **place) {
    span id = text_of(v, "$id");
    bool fragment_alone = span_starts(id, SPAN_OF("#"));
    if (hides_words(v, *place)) return true;
    if (id.len && !fragment_alone && v != (*place)->root && !add_place(c, v, id, place))
        return false;
    if (fragment_alone && (*place)->old) add_anchor(c, *place, v, span_slice(id, 1, id.len), false);
    if (!(*place)->old) {
        add_anchor(c, *place, v, text_of(v, "$anchor"), false);
        add_anchor(c, *place, v, text_of(v, "$dynamicAnchor"), true);
    }
    return true;
}

static bool find_in_children(schema_compiler *c, schema_value *v, schema_place *place) {
    for (size_t i = 0; i < v->count; i++) {
        schema_step step;
        schema_enter(c, &step, v->type == JSON_OBJECT ? v->names[i] : SPAN_EMPTY, i);
        bool ok = schema_find_places(c, &v->items[i], place);
        schema_leave(c);
        if (!ok) return false;
    }
    return true;
}

static bool find_in_word(schema_compiler *c, const schema_word *word, schema_value *v,
                         schema_place *place) {
    bool list = v->type == JSON_ARRAY;
    switch (word->holds) {
    case HOLDS_ONE: return schema_find_places(c, v, place);
    case HOLDS_LIST: return !list || find_in_children(c, v, place);
    case HOLDS_ONE_OR_LIST:
        return list ? find_in_children(c, v, place) : schema_find_places(c, v, place);
    case HOLDS_MAP: return v->type != JSON_OBJECT || find_in_children(c, v, place);
    case HOLDS_NONE: return true;
    }
    return true;
}

/* As deep as a document may be. */
bool schema_find_places(schema_compiler *c, schema_value *v, schema_place *place) {
    if (v->place) return true;
    if (v->type == JSON_OBJECT && !name_value(c, v, &place)) return false;
    v->place = place;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < schema_word_count; i++) {
        schema_value *inner = schema_value_get(v, span_cstr(schema_words[i].name));
        if (!inner) continue;
        schema_step step;
        schema_enter(c, &step, span_cstr(schema_words[i].name), 0);
        bool ok = find_in_word(c, &schema_words[i], inner, place);
        schema_leave(c);
        if (!ok) return false;
    }
    return true;
}

/* ---- references ---- */

/* RFC 6901: ~1 is a slash, ~0 a tilde. */
static span pointer_part(span part, arena *a) {
    char *out = arena_alloc(a, part.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < part.len; i++) {
        bool escape = part.ptr[i] == '~' && i + 1 < part.len;
        if (escape) i++;
        out[n++] = !escape ? part.ptr[i] : part.ptr[i] == '1' ? '/' : '~';
    }
    return span_from(out, n);
}

static schema_value *follow(schema_compiler *c, schema_place *from, span pointer,
                            schema_place **ret_place) {
    schema_value *v = from->root;
    span rest = span_slice(pointer, 1, pointer.len), part;
    *ret_place = from;
    while (span_cut(&rest, '/', &part)) {
        uint64_t index;
        part = pointer_part(part, &c->schema->arena);
        if (v->type == JSON_ARRAY)
            v = span_u64(part, &index) && index < v->count ? &v->items[index] : NULL;
        else
            v = schema_value_get(v, part);
        if (!v) return NULL;
        if (v->place) *ret_place = v->place;
    }
    return v;
}

static const schema_anchor *anchor_of(const schema_place *p, span name) {
    for (const schema_anchor *a = p->anchors; a; a = a->next)
        if (span_eq(a->name, name)) return a;
    return NULL;
}

schema_value *schema_find(schema_compiler *c, const schema_place *from, span reference,
                          schema_place **ret_place, span *ret_anchor) {
    span fragment;
    span uri = schema_uri_resolve(from->uri, reference, &c->schema->arena, &fragment);
    schema_place *place = place_of_uri(c->schema, uri);
    schema_value *v = NULL;
    *ret_anchor = SPAN_EMPTY;
    if (!place) {
        schema_refuse(c, "'%.*s' is not in this schema, and nothing is fetched",
                      SPAN_ARG(span_clip(reference, 200)));
        return NULL;
    }
    if (!fragment.len) {
        *ret_place = place;
        v = place->root;
    } else if (fragment.ptr[0] == '/') {
        v = follow(c, place, fragment, ret_place);
    } else {
        const schema_anchor *a = anchor_of(place, fragment);
        *ret_place = place;
        if (a) v = a->at;
        if (a && a->dynamic) *ret_anchor = a->name;
    }
    if (!v) schema_refuse(c, "'%.*s' leads nowhere", SPAN_ARG(span_clip(reference, 200)));
    return v;
}
