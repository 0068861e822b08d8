/* http_form_read() and what writes fields into a form.
 *
 * The first byte chooses the type. Holds: values stand in the body; a text that is put in the place
 * of a model's, or as a further field, is what is read then. */
#include "fuzz.h"

#include "http/form.h"

static const span types[] = {
    SPAN("multipart/form-data; boundary=b"),
    SPAN("multipart/form-data; boundary=\"-=-\"; charset=utf-8"),
    SPAN("application/x-www-form-urlencoded"),
};
static const span names[] = {SPAN("model"), SPAN("stream")};
enum { MODEL, STREAM, NAMES };

/* With `by` in the place of [from, from + len) it is a form in which the model is that text. */
static void check_changed(span type, span body, size_t from, size_t len, span by, span text) {
    http_form form;
    http_form_field fields[NAMES];
    http_form_fault fault;
    arena a;
    arena_init(&a, 0);
    buf changed = BUF_EMPTY;
    buf_add(&changed, span_slice(body, 0, from));
    buf_add(&changed, by);
    buf_add(&changed, span_slice(body, from + len, body.len));
    HOLDS(http_form_read(type, buf_span(&changed), names, NAMES, &a, &form, fields, &fault));
    HOLDS(fields[MODEL].raw.ptr && span_eq(fields[MODEL].text, text));
    buf_done(&changed);
    arena_done(&a);
}

static void check_form(span type, span body, const http_form *form, const http_form_field *fields) {
    static const span texts[] = {SPAN("gpt-4o"), SPAN("a&b=c;%41+"), SPAN("--b")};
    for (size_t i = 0; i < NAMES; i++) {
        const span raw = fields[i].raw;
        HOLDS(!raw.ptr || (raw.ptr >= body.ptr && raw.ptr + raw.len <= body.ptr + body.len));
        HOLDS(span_is_utf8(fields[i].text));
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const span raw = fields[MODEL].raw;
        buf by = BUF_EMPTY;
        if (!http_form_takes(form, texts[i])) continue;
        if (raw.ptr)
            http_form_put_value(form, texts[i], &by);
        else
            http_form_put_field(form, names[MODEL], texts[i], &by);
        const size_t from = raw.ptr ? (size_t)(raw.ptr - body.ptr) : form->begins;
        check_changed(type, body, from, raw.len, buf_span(&by), texts[i]);
        buf_done(&by);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const span type = types[data[0] % ARRAY_LEN(types)];
    const span body = span_from((const char *)data + 1, size - 1);
    http_form form;
    http_form_field fields[NAMES];
    http_form_fault fault;
    arena a;
    arena_init(&a, 0);
    if (http_form_read(type, body, names, NAMES, &a, &form, fields, &fault))
        check_form(type, body, &form, fields);
    else
        HOLDS(fault.what && fault.offset <= body.len);
    arena_done(&a);
    return 0;
}
