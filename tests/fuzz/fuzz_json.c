/* The scanner, and what may be done with what it accepted: json_scan, json_scan_object, iteration,
 * cursors, json_string, splicing, writing.
 *
 * Holds: the two scans agree; iteration meets the same bytes that the scan accepted, and a cursor
 * meets what iteration does; strings are
 * UTF-8 and survive writing and reading; a splice is as long as its pieces, and one that adds a
 * member or replaces a value gives JSON again.
 */
#include "fuzz.h"

#include "json/json.h"

static bool scans(span doc, json_value *ret_root) {
    json_fault fault;
    return json_scan(doc, NULL, ret_root, &fault);
}

static void check_string(json_value value, arena *a) {
    span text = json_string(value, a);
    HOLDS(span_is_utf8(text));
    HOLDS(json_is(value, text));
    buf written = BUF_EMPTY;
    json_write_string(&written, text);
    json_value again;
    HOLDS(scans(buf_span(&written), &again) && again.type == JSON_STRING);
    HOLDS(json_is(again, text));
    buf_done(&written);
}

/* Only blanks and the marks between values may lie between [from, to). */
static void check_gap(const char *from, const char *to, size_t marks_max) {
    size_t marks = 0;
    for (; from < to; from++) {
        HOLDS(strchr(" \t\r\n,:[]{}\"", *from) != NULL);
        if (!strchr(" \t\r\n", *from)) marks++;
    }
    HOLDS(marks <= marks_max);
}

static void check_value(json_value value, arena *a);

static void check_members(json_value object, arena *a) {
    const char *at = object.raw.ptr;
    size_t count = 0;
    json_member m;
    for (json_iter it = json_iter_of(object); json_next_member(&it, &m); count++) {
        check_gap(at, m.key.ptr, 2);                          /* `{"` or `,"` */
        check_gap(m.key.ptr + m.key.len, m.value.raw.ptr, 2); /* `":` */
        check_value(m.value, a);
        at = m.value.raw.ptr + m.value.raw.len;
        HOLDS(json_get(object, json_string(json_member_name(&m), a)).raw.ptr == m.value.raw.ptr);
    }
    check_gap(at, object.raw.ptr + object.raw.len, count ? 1 : 2);
    HOLDS(json_count(object) == count);
}

static void check_elements(json_value array, arena *a) {
    const char *at = array.raw.ptr;
    size_t count = 0;
    json_value element;
    for (json_iter it = json_iter_of(array); json_next_element(&it, &element); count++) {
        check_gap(at, element.raw.ptr, 1);
        check_value(element, a);
        at = element.raw.ptr + element.raw.len;
    }
    check_gap(at, array.raw.ptr + array.raw.len, count ? 1 : 2);
    HOLDS(json_count(array) == count);
}

static void check_value(json_value value, arena *a) {
    json_value alone;
    int64_t integer;
    double number;
    HOLDS(scans(value.raw, &alone));
    HOLDS(alone.type == value.type && span_eq(alone.raw, value.raw));
    switch (value.type) {
    case JSON_OBJECT: check_members(value, a); break;
    case JSON_ARRAY: check_elements(value, a); break;
    case JSON_STRING: check_string(value, a); break;
    case JSON_NUMBER:
        if (json_i64(value, &integer)) HOLDS(json_double(value, &number));
        break;
    default: break;
    }
}

/* Takes each value by a copy of the cursor, and enters it where it can. */
static void check_cursor(json_cursor *c, json_value value) {
    json_iter it = json_iter_of(value);
    json_cursor taking = *c;
    json_value taken = json_cursor_take(&taking), element;
    json_member m;
    span key = SPAN_EMPTY;
    HOLDS(json_cursor_type(c) == value.type && taken.type == value.type);
    HOLDS(taken.raw.ptr == value.raw.ptr && taken.raw.len == value.raw.len);
    if (value.type == JSON_OBJECT) {
        for (json_cursor_enter(c); json_next_member(&it, &m); check_cursor(c, m.value))
            HOLDS(json_cursor_member(c, &key) && key.ptr == m.key.ptr && key.len == m.key.len);
        HOLDS(!json_cursor_member(c, &key));
    } else if (value.type == JSON_ARRAY) {
        for (json_cursor_enter(c); json_next_element(&it, &element); check_cursor(c, element))
            HOLDS(json_cursor_element(c));
        HOLDS(!json_cursor_element(c));
    } else {
        (void)json_cursor_take(c);
    }
    HOLDS(c->at == value.raw.ptr + value.raw.len);
}

static size_t count_strings(json_value value) {
    size_t count = value.type == JSON_STRING;
    json_iter it = json_iter_of(value);
    json_value element;
    json_member m;
    if (value.type == JSON_OBJECT)
        while (json_next_member(&it, &m))
            count += count_strings(m.value);
    else
        while (json_next_element(&it, &element))
            count += count_strings(element);
    return count;
}

static void check_strings(json_value root, arena *a) {
    size_t count = 0;
    json_value string;
    for (json_iter it = json_strings_of(root); json_next_string(&it, &string); count++)
        check_string(string, a);
    HOLDS(count == count_strings(root));
}

static void check_splice(span doc, json_value root, arena *a) {
    json_splice s;
    json_splice_init(&s, a);
    json_member m;
    for (json_iter it = json_iter_of(root); json_next_member(&it, &m);)
        HOLDS(json_splice_value(&s, doc, m.value, s.count % 2 ? SPAN_OF("[null]") : m.value.raw));
    /* Written, these may still equal a member that is there: then the scan below says so. */
    span unlikely = SPAN_OF("a name that no seed has \xFF\"\n");
    HOLDS(json_splice_member(&s, doc, root, unlikely, SPAN_OF("1")));
    HOLDS(json_splice_member(&s, doc, root, SPAN_OF("another such name"), SPAN_OF("2")));
    size_t count, len = 0;
    const span *pieces = json_splice_pieces(&s, doc, &count);
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    HOLDS(json_splice_len(&s, doc) == len);
    json_value again;
    json_fault fault;
    if (!json_scan(arena_join(a, pieces, count), NULL, &again, &fault))
        HOLDS(fault.kind == JSON_DUPLICATE || fault.kind == JSON_TOO_DEEP);
}

static void check_fault(span doc, const json_fault *fault, arena *a) {
    HOLDS(fault->kind != JSON_OK && fault->offset <= doc.len);
    HOLDS(json_fault_text(a, doc, fault).len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    span doc = span_from((const char *)data, size);
    arena a;
    arena_init(&a, 0);
    json_member members[4];
    size_t count = 0;
    json_value root;
    json_fault fault, object_fault;
    bool ok = json_scan(doc, NULL, &root, &fault);
    bool object = json_scan_object(doc, NULL, members, ARRAY_LEN(members), &count, &object_fault);
    HOLDS(object == (ok && root.type == JSON_OBJECT));
    if (ok)
        check_value(root, &a);
    else
        check_fault(doc, &fault, &a);
    if (ok) check_strings(root, &a);
    if (ok) check_cursor(&(json_cursor){root.raw.ptr, root.raw.ptr + root.raw.len}, root);
    if (object) {
        HOLDS(json_count(root) == count);
        check_splice(doc, root, &a);
    } else {
        check_fault(doc, &object_fault, &a);
    }
    arena_done(&a);
    return 0;
}
