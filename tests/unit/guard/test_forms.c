/* Forms by which somebody may try to get something past a guard: what docs/guard-rules.md says of
 * them. */
#include "unit.h"

#include "guard/lane.h"
#include "lanes.h"

#define ZERO    "\xe2\x80\x8b" /* zero width space */
#define DOT     "\xe2\x80\xa4" /* one dot leader */
#define FULL(c) "\xef\xbc" c   /* full width */

static const struct {
    const char *what;
    unsigned json;
    const char *in, *out; /* out: NULL: as it came */
} rows[] = {
    {"plain", 0, "mail anna.b@example.com", "mail [EMAIL_1]"},
    {"zero width inside", 0, "an" ZERO "na" ZERO ".b@exam" ZERO "ple.com", "[EMAIL_1]"},
    {"zero width in a key", 0, "sk-pr" ZERO "oj-aB3dE6gH9j" ZERO "K2mN5pQ8sT1vW4yZ7",
     "[OPENAI_KEY_1]"},
    {"soft hyphen", 0,
     "4111 1111 11\xc2\xad"
     "11 1111",
     "[CARD_1]"},
    {"full-width digits", 0, FULL("\x94") FULL("\x91") FULL("\x91") FULL("\x91") " 1111 1111 1111",
     "[CARD_1]"},
    {"full-width letters and @", 0, "\xef\xbd\x81nna" FULL("\xa0") "example.com", "[EMAIL_1]"},
    {"Cyrillic letters", 0, "\xd0\xb0nn\xd0\xb0@\xd0\xb5x\xd0\xb0mple.com", "[EMAIL_1]"},
    {"Greek letters", 0, "\xce\xbfnna@example.com", "[EMAIL_1]"},
    {"mathematical letters", 0, "\xf0\x9d\x90\x9anna@example.com", "[EMAIL_1]"},
    {"another dot", 0, "anna@example" DOT "com", "[EMAIL_1]"},
    {"Arabic digits", 0, "\xd9\xa4\xd9\xa1\xd9\xa1\xd9\xa1 1111 1111 1111", "[CARD_1]"},
    {"blanks between digits", 0, "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[CARD_1]"},
    {"no-break blanks", 0,
     "4111\xc2\xa0"
     "1111\xc2\xa0"
     "1111\xc2\xa0"
     "1111",
     "[CARD_1]"},
    {"mixed case", 0, "AnNa@ExAmPlE.CoM", "[EMAIL_1]"},
    {"escapes of JSON", 1, "ann\\u0061\\u0040example.com", "[EMAIL_1]"},
    {"a pair of escapes", 1, "\\ud835\\udc9anna@example.com", "[EMAIL_1]"},
    {"JSON in a string of JSON", 2, "{\\\"to\\\": \\\"ann\\\\u0061@example.com\\\"}",
     "{\\\"to\\\": \\\"[EMAIL_1]\\\"}"},
    {"escapes of both", 2, "ann\\u005c\\u0075006\\u0031@example.com", "[EMAIL_1]"},
    /* what is not caught */
    {"words for signs", 0, "anna at example dot com", NULL},
    {"blanks between letters", 0, "a n n a @ e x a m p l e . c o m", NULL},
    {"a key in another case", 0, "SK-PROJ-AB3DE6GH9JK2MN5PQ8ST1VW4YZ7", NULL},
    {"blanks in a key", 0, "sk-proj- aB3dE6gH 9jK2mN5p Q8sT1vW4", NULL},
    /* the first two are where guard.encoded says so: test_coded.c */
    {"base64", 0, "YW5uYUBleGFtcGxlLmNvbQ==", NULL},
    {"percent escapes", 0, "anna%40example.com", NULL},
    {"backwards", 0, "moc.elpmaxe@anna", NULL},
    {"escapes where none are undone", 0, "ann\\u0061\\u0040example.com", NULL},
    {"two blanks between digits", 0, "4111  1111  1111  1111", NULL},
    {"two lines", 0, "4111 1111\n1111 1111", NULL},
    {"words for digits", 0, "four one one one 1111 1111 1111", NULL},
};

static void hides_them_or_not_as_the_page_says(void **state) {
    (void)state;
    guard_set *s = guard_set_new(true, NULL, 0, NULL, NULL);
    guard_override off[] = {{SPAN("unicode"), GUARD_OFF}};
    guard_policy *p = guard_policy_new(s, GUARD_IN, GUARD_REDACT, off, 1);
    guard_scratch *scratch = guard_scratch_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        guard_form form = {rows[i].json, true};
        lane_result r = lane_run(p, scratch, form, span_cstr(rows[i].in), NULL, NULL);
        const char *out = rows[i].out ? rows[i].out : rows[i].in;
        if (strcmp(buf_cstr(&r.text), out) != 0) fail_msg("%s: %s", rows[i].what, r.text.ptr);
        lane_result_done(&r);
        /* and in a stream, wherever it is cut, as whole */
        form.whole = false;
        lane_result whole = lane_run(p, scratch, form, span_cstr(rows[i].in), NULL, NULL);
        for (size_t n = 1; n < strlen(rows[i].in); n++) {
            lane_result cut = lane_run(p, scratch, form, span_cstr(rows[i].in), lane_cut_once, &n);
            if (!lane_results_same(&whole, &cut))
                fail_msg("%s cut at %zu: %s", rows[i].what, n, buf_cstr(&cut.text));
            lane_result_done(&cut);
        }
        lane_result_done(&whole);
    }
    guard_scratch_free(scratch);
    guard_policy_free(p);
    guard_set_unref(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hides_them_or_not_as_the_page_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
