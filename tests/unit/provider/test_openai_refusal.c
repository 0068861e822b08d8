/* The text of a refusal that is no JSON: one line for people, of bounded length. */
#include "unit.h"

#include "provider/openai.h"

#define SAYS    "The provider answered with status 502: "
#define NOTHING "The provider answered with status 502 and no explanation."

enum { LONGEST = 200 };

static void assert_says(span body, const char *message) {
    arena a;
    arena_init(&a, 0);
    provider_refusal r;
    openai_refuse(502, (http_headers){0}, body, NULL, &a, &r);
    assert_span(r.message, message);
    arena_done(&a);
}

static void markup_and_blanks_go(void **state) {
    (void)state;
    static const struct {
        span body;
        const char *message;
    } rows[] = {
        {SPAN("Down"), SAYS "Down"},
        {SPAN("Down \r\n\t"), SAYS "Down"},
        {SPAN("\n Down  for\tnow.\n"), SAYS "Down for now."},
        {SPAN("<html><h1>Bad</h1>\r\n<p class=x>Gateway</p></html>"), SAYS "Bad Gateway"},
        {SPAN("a<b"), SAYS "a"},
        {SPAN("a\x01"
              "b\x7f"
              "c"),
         SAYS "a b c"},
        {SPAN("Geht nicht: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"),
         SAYS "Geht nicht: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {SPAN(""), NOTHING},
        {SPAN("<html></html>"), NOTHING},
        {SPAN("\xff\xfe D\xe9j\xe0 vu"), NOTHING}, /* not UTF-8 */
        {SPAN("\xc3"), NOTHING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_says(rows[i].body, rows[i].message);
}

/* Some ASCII, then one character over and over, past the cut: all that fit whole are there. */
static void the_cut_falls_between_characters(void **state) {
    (void)state;
    static const span characters[] = {SPAN("z"), SPAN("\xc3\xa9"), SPAN("\xe2\x82\xac"),
                                      SPAN("\xf0\x9f\x98\x80")};
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        for (size_t before = LONGEST - 12; before <= LONGEST + 4; before++) {
            for (size_t after = 1; after <= 12; after++) {
                buf body = BUF_EMPTY, message = BUF_EMPTY;
                buf_add_cstr(&message, SAYS);
                for (size_t n = 0; n < before; n++) {
                    buf_add_char(&body, 'a');
                    if (n < LONGEST) buf_add_char(&message, 'a');
                }
                for (size_t n = 1; n <= after; n++) {
                    buf_add(&body, characters[i]);
                    if (before + n * characters[i].len <= LONGEST) buf_add(&message, characters[i]);
                }
                assert_says(buf_span(&body), buf_cstr(&message));
                buf_done(&body);
                buf_done(&message);
            }
        }
    }
}

/* A blank that the cut leaves at the end goes too. */
static void the_cut_leaves_no_blank(void **state) {
    (void)state;
    buf body = BUF_EMPTY, message = BUF_EMPTY;
    buf_add_cstr(&message, SAYS);
    for (int n = 0; n < LONGEST - 1; n++)
        buf_add_char(&body, 'a');
    buf_add(&message, buf_span(&body));
    buf_add_cstr(&body, " more");
    assert_says(buf_span(&body), buf_cstr(&message));
    buf_done(&body);
    buf_done(&message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_and_blanks_go),
        cmocka_unit_test(the_cut_falls_between_characters),
        cmocka_unit_test(the_cut_leaves_no_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
