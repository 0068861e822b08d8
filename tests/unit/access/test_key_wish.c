/* What somebody wants of a key: read, refused with a sentence, and laid over what is there. */
#include "unit.h"

#include "access/key_wish.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)
#define NOW    (20000 * DAY_US)

static void wishes_are_read(void **state) {
    (void)state;
    static const struct {
        const char *json;
        key_wish_kind kind;
        const char *name, *rest;
        bool says_expires;
        int64_t expires_us;
    } rows[] = {
        {"{\"name\":\"app\"}", WISH_NEW, "app", "{}", false, 0},
        {" {\"owner\":\"me\",\"name\":\"a b\"} ", WISH_NEW, "a b", "{\"owner\": \"me\"}", false, 0},
        {"{\"name\":\"app\",\"expires\":\"30d\"}", WISH_NEW, "app", "{}", true, NOW + 30 * DAY_US},
        {"{\"name\":\"app\",\"expires\":\"1970-01-02\"}", WISH_NEW, "app", "{}", true, DAY_US},
        {"{\"name\":\"app\",\"expires\":null}", WISH_NEW, "app", "{}", true, 0},
        {"{\"name\":\"app\",\"owner\":null}", WISH_NEW, "app", "{}", false, 0},
        {"{\"owner\":null,\"models\":[\"a\",\"b\\u0041\"]}", WISH_CHANGE, "",
         "{\"owner\": null, \"models\": [\"a\", \"bA\"]}", false, 0},
        {"{\"limits\":{\"requests\":\"60/m\",\"parallel\":8}}", WISH_CHANGE, "",
         "{\"limits\": {\"requests\": \"60/m\", \"parallel\": 8}}", false, 0},
        {"{\"expires\":\"never\"}", WISH_CHANGE, "", "{}", true, 0},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        key_wish w;
        span param;
        buf why = BUF_EMPTY;
        if (!key_wish_read(span_cstr(rows[i].json), rows[i].kind, NOW, &a, &w, &param, &why))
            fail_msg("%s: %s", rows[i].json, buf_cstr(&why));
        assert_span(w.name, rows[i].name);
        assert_span(w.rest, rows[i].rest);
        assert_int_equal(w.says_expires, rows[i].says_expires);
        assert_int_equal(w.expires_us, rows[i].expires_us);
    }
    arena_done(&a);
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *json;
        key_wish_kind kind;
        const char *param;
    } rows[] = {
        {"", WISH_NEW, ""},
        {"[]", WISH_NEW, ""},
        {"{", WISH_NEW, ""},
        {"{\"name\":\"a\",\"name\":\"b\"}", WISH_NEW, ""},
        {"{}", WISH_NEW, "name"},
        {"{\"name\":\"\"}", WISH_NEW, "name"},
        {"{\"name\":\"a\\nb\"}", WISH_NEW, "name"},
        {"{\"name\":null}", WISH_NEW, "name"},
        {"{\"name\":\"key_1\"}", WISH_NEW, "name"},
        {"{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
         WISH_NEW, "name"},
        {"{\"name\":\"b\"}", WISH_CHANGE, "name"},
        {"{\"models\":[]}", WISH_CHANGE, "models"},
        {"{\"expires\":\"0d\"}", WISH_CHANGE, "expires"},
        {"{\"expires\":\"30\"}", WISH_CHANGE, "expires"},
        {"{\"expires\":30}", WISH_CHANGE, "expires"},
        {"{\"expires\":\"999999999999999d\"}", WISH_CHANGE, "expires"},
        {"{\"expires\":\"8000y\"}", WISH_CHANGE, "expires"}, /* RFC 3339 ends with the year 9999 */
        {"{\"expires\":\"9999-12-31T23:59:59-01:00\"}", WISH_CHANGE, "expires"},
        {"{\"expires\":\"2026-02-30\"}", WISH_CHANGE, "expires"},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        key_wish w;
        span param;
        buf why = BUF_EMPTY;
        if (key_wish_read(span_cstr(rows[i].json), rows[i].kind, NOW, &a, &w, &param, &why))
            fail_msg("%s is taken", rows[i].json);
        assert_span(param, rows[i].param);
        assert_true(why.len > 10);
        buf_done(&why);
    }
    arena_done(&a);
}

static void changes_are_laid_over(void **state) {
    (void)state;
    static const struct {
        const char *there, *changes, *comes;
        bool by_name;
    } rows[] = {
        {"{}", "{}", "{}", false},
        {"{\"a\": 1}", "{}", "{\"a\": 1}", false},
        {"{\"a\": 1, \"b\": {\"c\": 2}}", "{\"b\": {\"d\": 3}}", "{\"a\": 1, \"b\": {\"d\": 3}}",
         false},
        {"{\"a\": 1, \"b\": 2}", "{\"a\": null, \"c\": 3}", "{\"b\": 2, \"c\": 3}", false},
        {"{\"a\": 1}", "{\"x\": null}", "{\"a\": 1}", false},
        {"{\"limits\": {\"c\": 2}}", "{\"limits\": {\"d\": 3}}", "{\"limits\": {\"d\": 3}}", false},
        {"{\"limits\": {\"c\": 2, \"d\": 1}}", "{\"limits\": {\"d\": [3, 4]}}",
         "{\"limits\": {\"c\": 2, \"d\": [3, 4]}}", true},
        {"{\"tags\": {\"c\": \"2\", \"d\": \"1\"}}", "{\"tags\": {\"c\": null, \"e\": \"\"}}",
         "{\"tags\": {\"d\": \"1\", \"e\": \"\"}}", true},
        {"{\"metadata\": {\"c\": 2}, \"a\": 1}", "{\"metadata\": {\"c\": null}}", "{\"a\": 1}",
         true},
        {"{\"a\": 1}", "{\"limits\": {\"c\": 2}}", "{\"a\": 1, \"limits\": {\"c\": 2}}", true},
        {"{\"limits\": {\"c\": 2}, \"a\": 1}", "{\"limits\": null}", "{\"a\": 1}", true},
        {"{\"guard\": {\"c\": 2}}", "{\"guard\": {\"d\": 3}}", "{\"guard\": {\"d\": 3}}", true},
        {"{\"limits\": {\"request\": {\"n\": 2, \"body\": \"1KB\"}}}",
         "{\"limits\": {\"request\": {\"n\": 3}}}",
         "{\"limits\": {\"request\": {\"body\": \"1KB\", \"n\": 3}}}", true},
        {"{\"limits\": {\"request\": {\"n\": 2, \"body\": \"1KB\"}}}",
         "{\"limits\": {\"request\": {\"n\": null}}}",
         "{\"limits\": {\"request\": {\"body\": \"1KB\"}}}", true},
        {"{\"limits\": {\"request\": {\"n\": 2}, \"spend\": \"5/d\"}}",
         "{\"limits\": {\"request\": {\"n\": null}}}", "{\"limits\": {\"spend\": \"5/d\"}}", true},
        {"{\"limits\": {\"request\": {\"n\": 2}, \"spend\": \"5/d\"}}",
         "{\"limits\": {\"request\": null}}", "{\"limits\": {\"spend\": \"5/d\"}}", true},
        {"{\"limits\": {\"request\": 1}}", "{\"limits\": {\"request\": {\"n\": 3}}}",
         "{\"limits\": {\"request\": {\"n\": 3}}}", true},
        {"{\"metadata\": {\"request\": {\"c\": 2}}}", "{\"metadata\": {\"request\": {\"d\": 3}}}",
         "{\"metadata\": {\"request\": {\"d\": 3}}}", true},
        {"{\"limits\": {\"request\": {\"n\": 2, \"body\": \"1KB\"}}}",
         "{\"limits\": {\"request\": {\"n\": 3}}}", "{\"limits\": {\"request\": {\"n\": 3}}}",
         false},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const key_wish w = {.rest = span_cstr(rows[i].changes), .by_name = rows[i].by_name};
        assert_span(key_options_merge(span_cstr(rows[i].there), &w, &a), rows[i].comes);
    }
    arena_done(&a);
}

/* "": all that is taken away can be there, or is. */
static void what_no_key_has_is_not_taken_away(void **state) {
    (void)state;
    static const struct {
        const char *there, *changes, *why;
        bool by_name;
    } rows[] = {
        {"{}", "{}", "", true},
        {"{}", "{\"limits\": null, \"owner\": null, \"guard\": null, \"tags\": null}", "", true},
        {"{}", "{\"limits\": {\"spend\": null, \"request\": null}}", "", true},
        {"{}", "{\"limits\": {\"request\": {\"n\": null, \"body\": null}}}", "", true},
        {"{}", "{\"tags\": {\"x\": null}, \"metadata\": {\"a.b\": null}}", "", true},
        {"{}", "{\"limits\": {\"spent\": null}}",
         "unknown option 'limits.spent'; did you mean 'limits.spend'?", true},
        {"{\"limits\": {\"spend\": \"5/d\"}}",
         "{\"limits\": {\"requests\": \"5/m\", \"spent\": null}}",
         "unknown option 'limits.spent'; did you mean 'limits.spend'?", true},
        {"{}", "{\"limits\": {\"request\": {\"m\": null}}}",
         "unknown option 'limits.request.m'; did you mean 'limits.request.n'?", true},
        {"{}", "{\"limits\": {\"request.n\": null}}", "limits", true},
        {"{}", "{\"limits.spend\": null}", "limits", false},
        {"{}", "{\"limit\": null}", "unknown option 'limit'; did you mean 'limits'?", false},
        {"{}", "{\"key\": null}", "unknown option", false},
        {"{}", "{\"\": null}", "expected the name of an option", false},
        {"{\"limits\": {\"spent\": 1}}", "{\"limits\": {\"spent\": null}}", "", true},
        {"{\"limit\": 1}", "{\"limit\": null}", "", false},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const key_wish w = {.rest = span_cstr(rows[i].changes), .by_name = rows[i].by_name};
        buf why = BUF_EMPTY;
        const bool fits = key_options_take_known(span_cstr(rows[i].there), &w, &a, &why);
        if (fits != !*rows[i].why || !strstr(buf_cstr(&why), rows[i].why))
            fail_msg("%s: %s", rows[i].changes, buf_cstr(&why));
        buf_done(&why);
    }
    arena_done(&a);
}

static void an_overlap_has_a_unit_and_an_end(void **state) {
    (void)state;
    int64_t ms;
    assert_true(key_overlap_parse(SPAN_OF("1h"), &ms) && ms == 3600000);
    assert_true(key_overlap_parse(SPAN_OF("0s"), &ms) && ms == 0);
    assert_true(key_overlap_parse(SPAN_OF("366d"), &ms));
    static const char *const bad[] = {"", "1", "h", "-1h", "367d", "soon"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(key_overlap_parse(span_cstr(bad[i]), &ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(changes_are_laid_over),
        cmocka_unit_test(what_no_key_has_is_not_taken_away),
        cmocka_unit_test(an_overlap_has_a_unit_and_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
