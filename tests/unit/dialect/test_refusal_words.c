/* The tables of wordings themselves: each row fits what it is made for, with each of its statuses,
 * and none stands behind another that takes its words for something else. */
#include "unit.h"

#include "dialect/refusal.h"
#include "dialect/refusal_text.h"

typedef enum kind { CODE, NUMBER, TEXT } kind;

enum {
    ASKED = 1,
    DENIED = 2,
    LIMITED = 4,
    BROKEN = 8,
    OTHER = 16,
    WORDED = ASKED | BROKEN,
    ANY = ASKED | DENIED | LIMITED | BROKEN | OTHER,
};

static const int statuses[][4] = {{400, 413, 422}, {401, 402, 403}, {429}, {500, 503, 529}, {404}};

static const struct row {
    failure_class class;
    unsigned statuses;
    kind kind;
    const char *words, *source;
} rows[] = {
#define ROW(class_, statuses_, kind_, words_, source_)                                             \
    {.class = FAIL_##class_,                                                                       \
     .statuses = (statuses_),                                                                      \
     .kind = kind_,                                                                                \
     .words = words_,                                                                              \
     .source = source_},
#define CAN(word)
#include "dialect/refusal_words.def"

#include "dialect/refusal_too_long.def"
#undef ROW
#undef CAN
};

/* Something that a provider could have written. */
static void write_instance(const char *words, buf *out) {
    buf_add_cstr(out, "Error: ");
    for (const char *c = words; *c; c++) {
        switch (*c) {
        case '#': buf_add_cstr(out, "131,072"); break;
        case '@': buf_add_cstr(out, "acme/model-4o"); break;
        case '*': buf_add_cstr(out, "acme/model-4o in organization o"); break;
        case '%': buf_add_cstr(out, "tools"); break;
        default: buf_add_char(out, *c);
        }
    }
    buf_add_cstr(out, ". Try again.");
}

static failure_class class_of(int status, const char *code, span text) {
    arena a;
    arena_init(&a, 0);
    refusal_said said = {.codes = {span_cstr(code)},
                         .code_count = code != NULL,
                         .texts = {text},
                         .text_count = text.len > 0};
    failure_class class = refusal_classify(status, &said, &a);
    arena_done(&a);
    return class;
}

static failure_class class_of_number(int status, const char *number) {
    arena a;
    arena_init(&a, 0);
    refusal_said said = {.number = span_cstr(number)};
    failure_class class = refusal_classify(status, &said, &a);
    arena_done(&a);
    return class;
}

static void check(const struct row *row, int status) {
    if (row->kind == NUMBER) {
        assert_int_equal(class_of_number(status, row->words), row->class);
        assert_int_equal(class_of(status, row->words, span_cstr(row->words)),
                         class_of(status, NULL, SPAN_EMPTY)); /* anywhere else */
        return;
    }
    buf text = BUF_EMPTY;
    write_instance(row->words, &text);
    failure_class class = class_of(status, NULL, buf_span(&text));
    if (class != row->class) fail_msg("%d '%s': %s", status, buf_cstr(&text), failure_name(class));
    buf_done(&text);
    if (row->kind == TEXT) return;
    class = class_of(status, row->words, SPAN_EMPTY);
    if (class != row->class) fail_msg("%d '%s': %s", status, row->words, failure_name(class));
}

static void each_row_decides(void **state) {
    (void)state;
    assert_true(ARRAY_LEN(rows) > 150);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t bit = 0; bit < ARRAY_LEN(statuses); bit++)
            for (size_t n = 0; rows[i].statuses & 1U << bit && statuses[bit][n]; n++)
                check(&rows[i], statuses[bit][n]);
}

/* With any other status its words are not what decides. */
static void no_row_decides_elsewhere(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].kind != TEXT) continue;
        buf text = BUF_EMPTY;
        write_instance(rows[i].words, &text);
        for (size_t bit = 0; bit < ARRAY_LEN(statuses); bit++) {
            int status = statuses[bit][0];
            if (rows[i].statuses & 1U << bit) continue;
            failure_class class = class_of(status, NULL, buf_span(&text));
            if (class == rows[i].class && class != class_of(status, NULL, SPAN_EMPTY))
                fail_msg("%d '%s'", status, buf_cstr(&text));
        }
        buf_done(&text);
    }
}

/* A wording fits within what is compared, tells its source, and stands there once. */
static void rows_are_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_in_range(strlen(rows[i].words), 4, REFUSAL_WORDING_MAX - 1);
        assert_true(strlen(rows[i].source) > 2);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(rows[i].words, rows[j].words)) fail_msg("twice: '%s'", rows[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_decides),
        cmocka_unit_test(no_row_decides_elsewhere),
        cmocka_unit_test(rows_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
