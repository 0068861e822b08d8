/* Where results lie, by their lines and by custom_id. */
#include "unit.h"

#include "batch/places.h"
#include "batch/scratch.h"

#include <unistd.h>

#define RESULT(n, id, status)                                                                      \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":" id ",\"response\":"            \
    "{\"status_code\":" #status ",\"request_id\":\"r\",\"body\":{}},\"error\":null}\n"
#define FAILURE(n, id)                                                                             \
    "{\"id\":\"batch_req_" #n "_00000000000" #n "\",\"custom_id\":" id ",\"response\":null,"       \
    "\"error\":{\"code\":\"timeout\",\"message\":\"\"}}\n"

static buf result, why;

static int put(const char *text) {
    int fd = scratch_open();
    assert_true(fd >= 0 && scratch_write(fd, text, strlen(text), 0));
    return fd;
}

static int tear_down(void **state) {
    (void)state;
    buf_done(&result);
    buf_done(&why);
    return 0;
}

static void tells_results_in_the_input_s_order(void **state) {
    (void)state;
    static const struct {
        const char *answers, *failures, *order;
        bool in_order;
    } rows[] = {
        {RESULT(1, "\"a\"", 200) RESULT(2, "\"b\"", 200), "", "12", true},
        {RESULT(5, "\"a\"", 200) RESULT(2, "\"b\"", 200), "", "25", false},
        {RESULT(1, "\"a\"", 200) RESULT(4, "\"b\"", 200), FAILURE(3, "null"), "134", false},
        {RESULT(1, "\"a\"", 200), FAILURE(3, "null"), "13", true},
        /* A failure that was moved, by a run that did not come to empty its file. */
        {RESULT(1, "\"a\"", 200) FAILURE(3, "null"), FAILURE(3, "null"), "13", true},
        {RESULT(1, "\"a\"", 200) "{\"id\":\"batch_req_2_", "", "1", true}, /* torn */
        {"", "", "", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        places p;
        uint64_t number = 0;
        bool found = true;
        int files[] = {put(rows[i].answers), put(rows[i].failures)};
        places_init(&p, PLACES_BY_LINE);
        assert_true(places_add(&p, files[0], "a", &why) && places_add(&p, files[1], "f", &why));
        for (const char *next = rows[i].order; *next; next++) {
            char begin[32];
            snprintf(begin, sizeof begin, "{\"id\":\"batch_req_%c_", *next);
            assert_true(places_next(&p, &number, &result, &found, &why) && found);
            assert_int_equal(number, *next - '0');
            assert_true(span_starts(buf_span(&result), span_cstr(begin)));
            assert_true(span_ends(buf_span(&result), SPAN_OF("}\n")));
        }
        assert_true(places_next(&p, &number, &result, &found, &why) && !found);
        assert_int_equal(p.results, strlen(rows[i].order));
        assert_int_equal(p.in_order, rows[i].in_order);
        places_done(&p);
        close(files[0]);
        close(files[1]);
    }
}

/* As OpenAI writes them: with blanks, and ids that tell no line. */
#define FOREIGN                                                                                    \
    "{\"id\": \"batch_req_x\", \"custom_id\": \"\\u0062\", \"response\": {\"status_code\": 200, "  \
    "\"body\": {}}, \"error\": null}\n\n"

static void finds_results_by_custom_id(void **state) {
    (void)state;
    places p;
    bool found = false;
    int fd = put(RESULT(9, "\"a\"", 200) FOREIGN RESULT(3, "\"c\"", 400) FAILURE(4, "null")
                     FAILURE(2, "\"a\"") "{\"custom_id\":\"last\",\"response\":{}}");
    places_init(&p, PLACES_BY_ID);
    if (!places_add(&p, fd, "f", &why)) fail_msg("%s", buf_cstr(&why));
    assert_int_equal(p.results, 4);
    static const struct {
        const char *id, *text;
    } rows[] = {{"a", RESULT(9, "\"a\"", 200)},
                {"c", RESULT(3, "\"c\"", 400)},
                {"last", "{\"custom_id\":\"last\",\"response\":{}}\n"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(places_find(&p, span_cstr(rows[i].id), &result, &found, &why) && found);
        assert_string_equal(buf_cstr(&result), rows[i].text);
    }
    assert_true(places_find(&p, SPAN_OF("b"), &result, &found, &why) && found);
    assert_true(places_find(&p, SPAN_OF("d"), &result, &found, &why) && !found);
    places_done(&p);
    close(fd);
}

/* Whichever comes first. */
static void an_answer_stands_in_the_place_of_a_failure(void **state) {
    (void)state;
    static const char *const texts[] = {RESULT(1, "\"a\"", 500) RESULT(7, "\"a\"", 200),
                                        RESULT(7, "\"a\"", 200) RESULT(1, "\"a\"", 500),
                                        FAILURE(1, "\"a\"") FAILURE(2, "\"a\"")
                                            RESULT(7, "\"a\"", 200)};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        places p;
        bool found = false;
        int fd = put(texts[i]);
        places_init(&p, PLACES_BY_ID);
        if (!places_add(&p, fd, "f", &why)) fail_msg("%s", buf_cstr(&why));
        assert_int_equal(p.results, 1);
        assert_true(places_find(&p, SPAN_OF("a"), &result, &found, &why) && found);
        assert_string_equal(buf_cstr(&result), RESULT(7, "\"a\"", 200));
        places_done(&p);
        close(fd);
    }
}

/* As deep as a provider answers, and with members of one name: the other results are found too. */
static void takes_odd_answers(void **state) {
    (void)state;
    enum { DEEP = 300 };
    places p;
    bool found = false;
    buf text = BUF_EMPTY;
    buf_add_cstr(
        &text, RESULT(1, "\"a\"", 200) "{\"custom_id\":\"twice\",\"response\":{\"x\":1,\"x\":2}}\n"
                                       "{\"custom_id\":\"deep\",\"response\":{\"body\":");
    for (int i = 0; i < 2 * DEEP; i++)
        buf_add_char(&text, i < DEEP ? '[' : ']');
    buf_add_cstr(&text, "}}\n" RESULT(2, "\"b\"", 200));
    int fd = put(buf_cstr(&text));
    places_init(&p, PLACES_BY_ID);
    if (!places_add(&p, fd, "f", &why)) fail_msg("%s", buf_cstr(&why));
    static const char *const wanted[] = {"a", "twice", "deep", "b"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_true(places_find(&p, span_cstr(wanted[i]), &result, &found, &why) && found);
    places_done(&p);
    buf_done(&text);
    close(fd);
}

static void refuses(places_key key, const char *text, const char *what) {
    places p;
    int fd = put(text);
    buf_clear(&why);
    places_init(&p, key);
    assert_false(places_add(&p, fd, "f", &why));
    assert_string_equal(buf_cstr(&why), what);
    places_done(&p);
    close(fd);
}

static void refuses_what_is_no_batch(void **state) {
    (void)state;
    refuses(PLACES_BY_LINE, RESULT(1, "\"a\"", 200) "{}\n", "f: line 2 is no result of weir batch");
    refuses(PLACES_BY_LINE, RESULT(1, "\"a\"", 200) RESULT(1, "\"a\"", 200),
            "f: line 2 is a second result of a line of the input");
    refuses(PLACES_BY_ID, "{\"custom_id\":\"a\"}\n", "f: line 1 is no result of a batch");
    refuses(PLACES_BY_ID, "my notes\n", "f: line 1 is no result of a batch");
    refuses(PLACES_BY_ID, FOREIGN FOREIGN, "f: line 3 has the custom_id of another result");
    refuses(PLACES_BY_ID, RESULT(1, "\"a\"", 500) RESULT(2, "\"a\"", 200) RESULT(3, "\"a\"", 200),
            "f: line 3 has the custom_id of another result");
}

/* A line that is longer than what is read at once, before one that is not. */
static void reads_long_results_whole(void **state) {
    (void)state;
    places p;
    bool found = false;
    uint64_t number = 0;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "{\"id\":\"batch_req_2_000000000002\",\"custom_id\":null,\"response\":null,"
                        "\"error\":{\"code\":\"x\",\"message\":\"");
    for (int i = 0; i < 300000; i++)
        buf_add_char(&text, (char)('a' + i % 26));
    buf_add_cstr(&text, "\"}}\n");
    size_t len = text.len;
    buf_add_cstr(&text, RESULT(1, "\"a\"", 200));
    int fd = put(buf_cstr(&text));
    places_init(&p, PLACES_BY_LINE);
    assert_true(places_add(&p, fd, "f", &why));
    assert_true(places_next(&p, &number, &result, &found, &why) && found);
    assert_string_equal(buf_cstr(&result), RESULT(1, "\"a\"", 200));
    assert_true(places_next(&p, &number, &result, &found, &why) && found);
    assert_true(span_eq(buf_span(&result), span_from(text.ptr, len)));
    places_done(&p);
    buf_done(&text);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tells_results_in_the_input_s_order, tear_down),
        cmocka_unit_test_teardown(finds_results_by_custom_id, tear_down),
        cmocka_unit_test_teardown(an_answer_stands_in_the_place_of_a_failure, tear_down),
        cmocka_unit_test_teardown(takes_odd_answers, tear_down),
        cmocka_unit_test_teardown(refuses_what_is_no_batch, tear_down),
        cmocka_unit_test_teardown(reads_long_results_whole, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
