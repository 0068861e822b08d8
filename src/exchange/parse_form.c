#include "exchange/parse_form.h"

#include <limits.h>

enum { MODEL, STREAM, USER, SAFETY, CHOICES, FIELDS };
static const span names[FIELDS] = {
    [MODEL] = SPAN("model"), [STREAM] = SPAN("stream"),
    [USER] = SPAN("user"),   [SAFETY] = SPAN("safety_identifier"),
    [CHOICES] = SPAN("n"),
};

static stage_result refuse_unread(exchange *x, const http_form_fault *fault) {
    const span where =
        fault->offset ? arena_printf(&x->arena, ", at byte %zu", fault->offset) : SPAN_EMPTY;
    return exchange_refuse(x, ERR_BAD_FORM, NULL,
                           "The request body is not acceptable as a form: %s%.*s. It is not taken "
                           "here, because nobody could be sure what it asks for.",
                           fault->what, SPAN_ARG(where));
}

/* As servers written in Python take it, which most are. */
static bool is_true(span text) {
    static const span words[] = {SPAN("true"), SPAN("1"), SPAN("on"),
                                 SPAN("yes"),  SPAN("t"), SPAN("y")};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_ieq(text, words[i])) return true;
    return false;
}

/* false: some may read a number in it. */
static bool read_choices(span text, int64_t *ret) {
    uint64_t value = 1;
    text = span_trim(text);
    if (text.len && !span_u64(text, &value)) return false;
    *ret = value < 1 ? 1 : value < INT_MAX ? (int64_t)value : INT_MAX;
    return true;
}

/* Which model's bound it is will be known when that is. */
static bool choices_matter(const exchange *x) {
    const config *c = exchange_config(x);
    if (c->limits.sizes.most[SIZE_OF_N]) return true;
    if (x->client && x->client->sizes.most[SIZE_OF_N]) return true;
    for (size_t i = 0; i < c->model_count; i++)
        if (c->models[i].sizes.most[SIZE_OF_N]) return true;
    return false;
}

/* A form that readers may read differently. */
static stage_result judge(exchange *x, const http_form_fault *fault) {
    const bool matters = parse_model_matters(x) || choices_matter(x);
    return matters ? refuse_unread(x, fault) : STAGE_NEXT;
}

static void note_user(exchange *x, const http_form_field *fields) {
    static const int order[] = {SAFETY, USER};
    for (size_t i = 0; i < ARRAY_LEN(order) && !x->record.user.len; i++)
        x->record.user = span_clip(fields[order[i]].text, RECORD_USER_MAX);
}

stage_result parse_form(exchange *x, span type, span body, bool is_json) {
    request_form form;
    http_form_field fields[FIELDS];
    http_form_fault fault;
    if (!body.len || http_form_kind_of(type) == HTTP_FORM_NONE) return STAGE_NEXT;
    if (!http_form_read(type, body, names, FIELDS, &x->arena, &form.frame, fields, &fault))
        return judge(x, &fault);
    if (is_json && fields[MODEL].raw.ptr) {
        fault = (http_form_fault){"it is JSON, too, and has a field 'model'", 0};
        return judge(x, &fault);
    }
    if (is_json) return STAGE_NEXT;
    form.model = fields[MODEL];
    if (!read_choices(fields[CHOICES].text, &form.choices)) {
        fault = (http_form_fault){"its field 'n' is no plain number, or too large", 0};
        if (choices_matter(x)) return refuse_unread(x, &fault);
        form.choices = 1;
    }
    request_form *kept = arena_alloc(&x->arena, sizeof *kept);
    *kept = form;
    x->facts.form = kept;
    x->facts.stream = is_true(fields[STREAM].text);
    note_user(x, fields);
    return STAGE_NEXT;
}
