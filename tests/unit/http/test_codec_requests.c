#include "unit.h"

#include "http_cases.h"
#include "codec_log.h"

static http_cases cases;

static void check_accepted(const http_case *c) {
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    log_feed(&l, buf_span(&c->bytes));
    if (l.bad || l.ends != (unsigned)c->number) fail_msg("%s: %s", c->name, buf_cstr(&l.text));
    assert_int_equal(l.consumed, c->bytes.len);
    assert_false(http_codec_in_message(l.codec));
    bool post = span_find_span(buf_span(&c->bytes), 0, SPAN_OF("POST")) < c->bytes.len;
    if (post) {
        const span end = SPAN_OF("end=" CASE_BODY "\n");
        assert_true(span_find_span(buf_span(&l.text), 0, end) < l.text.len);
    }
    log_close(&l);
}

/* Refused before its head is reported, unless it is the chunks that are wrong. */
static void check_refused(const http_case *c) {
    codec_log l;
    log_open(&l, HTTP_CODEC_REQUEST, NULL);
    log_feed(&l, buf_span(&c->bytes));
    bool in_body = strstr(c->name, "chunk-") || strncmp(c->name, "trailer-", 8) == 0;
    if (!l.bad) fail_msg("%s passed: %s", c->name, buf_cstr(&l.text));
    const char *why = NULL;
    error_id id = http_codec_error(l.codec, &why);
    if (error_get(id)->status != c->number) fail_msg("%s: %s", c->name, error_get(id)->name);
    if (l.heads != (in_body ? 1u : 0u)) fail_msg("%s: %u heads", c->name, l.heads);
    assert_int_equal(l.ends, 0);
    size_t used = 1;
    assert_int_equal(http_codec_feed(l.codec, SPAN_OF("GET / HTTP/1.1\r\n"), &used), HTTP_FEED_BAD);
    assert_int_equal(used, 0);
    log_close(&l);
}

static void every_case_has_its_verdict(void **state) {
    (void)state;
    assert_true(cases.count > 120);
    for (size_t i = 0; i < cases.count; i++)
        (cases.items[i].accept ? check_accepted : check_refused)(&cases.items[i]);
}

static void cuts_and_pauses_change_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < cases.count; i++) {
        span bytes = buf_span(&cases.items[i].bytes);
        char *whole = log_of(HTTP_CODEC_REQUEST, bytes, CUT_NONE, false, NULL);
        for (int cut = CUT_EVERYWHERE; cut <= (int)bytes.len; cut++) {
            char *pieces = log_of(HTTP_CODEC_REQUEST, bytes, cut, cut % 2 == 0, NULL);
            if (strcmp(whole, pieces) != 0)
                fail_msg("%s cut at %d:\n%s\nbut whole:\n%s", cases.items[i].name, cut, pieces,
                         whole);
            free(pieces);
        }
        free(whole);
    }
}

static void what_speaks_tls_is_told_so(void **state) {
    (void)state;
    static const struct {
        span bytes;
        const char *why;
    } rows[] = {
        {SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
         "This is TLS and no HTTP: one side speaks https, the other http."},
        {SPAN("\x15\x03\x01\x00\x02\x02\x46"),
         "This is TLS and no HTTP: one side speaks https, the other http."},
        {SPAN("\x01 / HTTP/1.1\r\n"), "The head contains a control byte."},
        {SPAN("GET \x16 HTTP/1.1\r\n"), "The head contains a control byte."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t cut = 0; cut < 2; cut++) {
            codec_log l;
            const char *why = NULL;
            log_open(&l, HTTP_CODEC_REQUEST, NULL);
            if (cut) log_feed(&l, span_slice(rows[i].bytes, 0, 1));
            if (!l.bad) log_feed(&l, span_slice(rows[i].bytes, cut, rows[i].bytes.len));
            assert_true(l.bad);
            assert_int_equal(http_codec_error(l.codec, &why), ERR_BAD_HTTP);
            assert_string_equal(why, rows[i].why);
            log_close(&l);
        }
}

int main(void) {
    cases = http_cases_load();
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_has_its_verdict),
                                       cmocka_unit_test(cuts_and_pauses_change_nothing),
                                       cmocka_unit_test(what_speaks_tls_is_told_so)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_cases_free(&cases);
    return failed;
}
