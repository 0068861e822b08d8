/* A whole text is called clean without a lane only where a lane finds nothing in it, by itself and
 * among the JSON that it stands in; and most texts without anything are. */
#include "unit.h"

#include "corpus_personal.h"
#include "corpus_words.h"
#include "json/json.h"
#include "lanes.h"

enum { TEXTS = 300 };

typedef void make_text(buf *b, dice *d);

static make_text *const makes[] = {
    secret_positive,    secret_negative,  card_positive,    card_negative,  email_positive,
    email_negative,     iban_positive,    iban_negative,    phone_positive, phone_negative,
    machine_positive,   machine_negative, id_positive,      id_negative,    injection_positive,
    injection_negative, harmful_positive, harmful_negative,
};

static guard_set *set;
static guard_policy *redact, *flag, *decoding;
static guard_scratch *scratch;

static int set_up(void **state) {
    (void)state;
    set = guard_set_new(true, NULL, 0, NULL, NULL);
    redact = guard_policy_new(set, GUARD_IN, GUARD_REDACT, NULL, 0);
    flag = guard_policy_new(set, GUARD_IN, GUARD_FLAG, NULL, 0);
    decoding = guard_policy_new(set, GUARD_IN, GUARD_REDACT, NULL, 0);
    guard_policy_decode(decoding);
    scratch = guard_scratch_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    guard_policy_free(redact);
    guard_policy_free(flag);
    guard_policy_free(decoding);
    guard_set_unref(set);
    guard_scratch_free(scratch);
    return 0;
}

static bool lane_finds(const guard_policy *p, guard_form form, span text) {
    lane_result r = lane_run(p, scratch, form, text, NULL, NULL);
    const bool finds = r.finds.len || !span_eq(buf_span(&r.text), text);
    lane_result_done(&r);
    return finds;
}

static span within(span quoted) {
    return span_slice(quoted, 1, quoted.len - 1);
}

/* As a message has it, and as the arguments of a call do. */
static void check_within(const guard_policy *p, span text, unsigned json) {
    buf string = BUF_EMPTY, again = BUF_EMPTY, doc = BUF_EMPTY;
    json_write_string(&string, text);
    if (json == 2) {
        buf_add_cstr(&again, "{\"q\":");
        buf_add(&again, buf_span(&string));
        buf_add_char(&again, '}');
        buf_clear(&string);
        json_write_string(&string, buf_span(&again));
    }
    const span inner = within(buf_span(&string));
    buf_addf(&doc, "[{\"role\":\"user\",\"content\":%.*s}]", SPAN_ARG(buf_span(&string)));
    if (lane_finds(p, (guard_form){.json = json, .whole = true}, inner)) {
        if (guard_text_is_clean(p, scratch, inner, json, 0))
            fail_msg("clean: %.*s", SPAN_ARG(inner));
        assert_false(guard_text_is_clean(p, scratch, buf_span(&doc), 1, 0));
    }
    buf_done(&string);
    buf_done(&again);
    buf_done(&doc);
}

static void what_a_lane_finds_is_not_clean(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(makes); i++) {
        dice d = {0x9E3779B97F4A7C15u + i};
        for (unsigned n = 0; n < TEXTS; n++) {
            buf_clear(&text);
            makes[i](&text, &d);
            if (n % 3 == 0) buf_add_cstr(&text, "\n\"and\" so/on");
            for (unsigned k = 0; k < 2; k++) {
                const guard_policy *p = k ? flag : redact;
                const bool finds = lane_finds(p, (guard_form){.whole = true}, buf_span(&text));
                found += finds;
                if (finds) assert_false(guard_text_is_clean(p, scratch, buf_span(&text), 0, 0));
                check_within(p, buf_span(&text), 1);
                check_within(p, buf_span(&text), 2);
            }
        }
    }
    assert_true(found > TEXTS * ARRAY_LEN(makes) / 2);
    buf_done(&text);
}

static void most_texts_are_clean(void **state) {
    (void)state;
    static const struct {
        span text;
        bool json, clean;
    } rows[] = {
        {SPAN(""), true, true},
        {SPAN("no"), true, true},
        {SPAN("the water is measured as it passes over the weir, in 2024 by 12 people"), true,
         true},
        {SPAN("one\\nand\\ttwo\\r\\nof \\\"these\\\" and\\/or those, which are some more"), true,
         true},
        {SPAN("[{\"role\":\"system\",\"content\":\"You are brief.\"},{\"role\":\"user\","
              "\"content\":\"What is the\\nthing?\"}]"),
         true, false}, /* "what is" is how a rule begins */
        {SPAN("[{\"role\":\"user\",\"content\":\"So far\\nso good\"}]"), true, true},
        {SPAN("a backslash \\ here"), false, true},
        {SPAN("a backslash \\\\ here"), true, false},
        {SPAN("\\u0061 letter"), true, false},
        {SPAN("cut \\"), true, false},
        {SPAN("na\xC3\xAFve"), true, false},
        {SPAN("4111 1111 1111 1111"), true, false},
        {SPAN("4111\\n1111"), true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (guard_text_is_clean(redact, scratch, rows[i].text, rows[i].json, 0) != rows[i].clean)
            fail_msg("row %zu: %.*s", i, SPAN_ARG(rows[i].text));
        assert_false(guard_text_is_clean(decoding, scratch, rows[i].text, rows[i].json, 0));
    }
}

/* Escapes are undone of so much, and no more. */
static void long_texts_need_a_lane_where_they_have_escapes(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    while (text.len < 70000)
        buf_add_cstr(&text, "the water is measured as it passes over the weir, ");
    assert_true(guard_text_is_clean(redact, scratch, buf_span(&text), 1, 0));
    buf_add_cstr(&text, "\\n");
    assert_false(guard_text_is_clean(redact, scratch, buf_span(&text), 1, 0));
    assert_true(guard_text_is_clean(redact, scratch,
                                    span_slice(buf_span(&text), text.len - 60000, text.len), 1, 0));
    buf_done(&text);
}

/* By the same rules, read the same way, for the same owner. */
static void what_a_lane_found_nothing_in_is_clean(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    while (text.len < 1500)
        buf_add_cstr(&text, "write a poem of what is the water, ");
    const span all = buf_span(&text), most = span_slice(all, 0, all.len - 1);
    assert_false(lane_finds(redact, (guard_form){.json = 1, .whole = true}, all));
    for (unsigned i = 0; i < 2; i++)
        assert_false(guard_text_is_clean(redact, scratch, all, 1, 5));
    guard_text_was_clean(redact, scratch, all, 1, 5);
    assert_true(guard_text_is_clean(redact, scratch, all, 1, 5));
    assert_false(guard_text_is_clean(redact, scratch, all, 1, 6));
    assert_false(guard_text_is_clean(redact, scratch, all, 1, 0));
    assert_false(guard_text_is_clean(redact, scratch, all, 2, 5));
    assert_false(guard_text_is_clean(redact, scratch, all, 0, 5));
    assert_false(guard_text_is_clean(flag, scratch, all, 1, 5));
    assert_false(guard_text_is_clean(decoding, scratch, all, 1, 5));
    assert_false(guard_text_is_clean(redact, scratch, most, 1, 5));
    guard_text_was_clean(decoding, scratch, all, 1, 5);
    assert_true(guard_text_is_clean(decoding, scratch, all, 1, 5));

    const span few = span_slice(all, 0, 100);
    guard_text_was_clean(redact, scratch, few, 1, 5);
    assert_false(guard_text_is_clean(redact, scratch, few, 1, 5));
    guard_text_was_clean(redact, scratch, most, 1, 0);
    assert_false(guard_text_is_clean(redact, scratch, most, 1, 0));
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_lane_finds_is_not_clean),
        cmocka_unit_test(most_texts_are_clean),
        cmocka_unit_test(long_texts_need_a_lane_where_they_have_escapes),
        cmocka_unit_test(what_a_lane_found_nothing_in_is_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
