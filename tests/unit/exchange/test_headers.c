/* Errors as clients are told them, and which id a client may name itself. */
#include "unit.h"

#include "exchange/internal.h"

static void errors_have_openais_shape(void **state) {
    (void)state;
    weir_error e = error_of(ERR_BAD_VALUE);
    e.message = SPAN_OF("'n' is \"x\".");
    e.param = SPAN_OF("n");
    buf out = BUF_EMPTY;
    exchange_error_body(&e, &out);
    assert_span(buf_span(&out),
                "{\"error\":{\"message\":\"'n' is \\\"x\\\".\",\"type\":\"invalid_request_error\","
                "\"param\":\"n\",\"code\":\"invalid_value\"}}");
    buf_clear(&out);
    e = error_of(ERR_BAD_REQUEST); /* a row without a code */
    exchange_error_body(&e, &out);
    assert_span(buf_span(&out), "{\"error\":{\"message\":\"The request is invalid.\",\"type\":"
                                "\"invalid_request_error\",\"param\":null,\"code\":null}}");
    buf_done(&out);
}

static void which_id_is_the_clients_own(void **state) {
    (void)state;
    char most[513];
    memset(most, 'i', 513);
    const struct {
        http_header headers[2];
        span id;
    } rows[] = {
        {{{SPAN("x-request-id"), SPAN("mine")}}, SPAN("mine")},
        {{{SPAN("X-Client-Request-ID"), SPAN("mine")}}, SPAN("mine")},
        {{{SPAN("x-request-id"), SPAN("trace")}, {SPAN("x-client-request-id"), SPAN("mine")}},
         SPAN("mine")},
        {{{SPAN("x-request-id"), SPAN("a b~")}}, SPAN("a b~")},
        {{{SPAN("x-request-id"), {most, 512}}}, {most, 512}},
        {{{SPAN("x-request-id"), {most, 513}}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("\xC3\xA9")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("a\tb")}}, SPAN("")},
        {{{SPAN("x-request-id"), SPAN("a\x7F")}}, SPAN("")},
        {{{SPAN("x-weir-request-id"), SPAN("mine")}}, SPAN("")},
        /* what the provider will be sent as it is may not be answered otherwise */
        {{{SPAN("x-request-id"), SPAN("trace")}, {SPAN("x-client-request-id"), SPAN("\xC3")}},
         SPAN("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_headers headers = {rows[i].headers, rows[i].headers[1].name.len ? 2 : 1};
        assert_true(span_eq(exchange_client_id(headers), rows[i].id));
    }
    assert_int_equal(exchange_client_id((http_headers){0}).len, 0);
}

static void errors_say_whether_to_come_again(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    http_header h[4];
    weir_error e = error_of(ERR_UNKNOWN_MODEL);
    assert_int_equal(exchange_error_headers(&e, &a, h), 1);
    assert_span(h[0].name, "x-should-retry");
    assert_span(h[0].value, "false");
    e = error_of(ERR_TOO_BUSY);
    e.retry_after_ms = 1001;
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[0].value, "true");
    assert_span(h[1].value, "1001");
    assert_span(h[2].value, "2"); /* whole seconds, never too early */
    e.retry_after_ms = 1000;
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[2].value, "1");
    e.retry_after_ms = 0; /* at once */
    assert_int_equal(exchange_error_headers(&e, &a, h), 3);
    assert_span(h[1].value, "0");
    assert_span(h[2].value, "0");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_openais_shape),
        cmocka_unit_test(which_id_is_the_clients_own),
        cmocka_unit_test(errors_say_whether_to_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
