/* How a webhook is told: the bodies and the signature. */
#include "unit.h"

#include "alert/alert.h"

#include <string.h>

static alert *made(span sentence, uint64_t passed_over) {
    static const alert_fact facts[] = {{"client", SPAN("a\"b"), false}, {"calls", SPAN("3"), true}};
    const alert_finding f = {
        .kind = ALERT_SAME, .sentence = sentence, .facts = facts, .fact_count = ARRAY_LEN(facts)};
    rng r;
    rng_seed(&r, 1);
    return alert_new(&f, &r, 1764400000123456, passed_over);
}

static void the_json_form(void **state) {
    (void)state;
    buf out = BUF_EMPTY, expected = BUF_EMPTY;
    alert *a = made(SPAN_OF("It \"loops\"."), 0);
    alert_write(a, WEBHOOK_JSON, &out);
    buf_addf(&expected,
             "{\"type\":\"loop.prompt\",\"timestamp\":\"2025-11-29T07:06:40.123456Z\",\"data\":{"
             "\"id\":\"%s\",\"level\":\"critical\",\"message\":\"It \\\"loops\\\".\","
             "\"client\":\"a\\\"b\",\"calls\":3}}",
             a->id);
    assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
    alert_unref(a);
    buf_clear(&out);
    a = made(SPAN_OF("It loops."), 7);
    alert_write(a, WEBHOOK_JSON, &out);
    assert_non_null(strstr(buf_cstr(&out), ",\"calls\":3,\"passed_over\":7}}"));
    alert_unref(a);
    buf_done(&out);
    buf_done(&expected);
}

static void slack_s_form(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    alert *a = made(SPAN_OF("<!channel> & \"more\"\n"), 2);
    alert_write(a, WEBHOOK_SLACK, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"text\":\":rotating_light: *weir* `loop.prompt` &lt;!channel&gt; &amp; "
                        "\\\"more\\\"\\n (and 2 times more since this was last told)\"}");
    alert_unref(a);
    buf_done(&out);
}

/* The first is the example of the Standard Webhooks' own libraries. */
static void signatures(void **state) {
    (void)state;
    static const struct {
        const char *secret, *id;
        int64_t seconds;
        const char *body, *signature;
    } rows[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
         "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"a plain text of some length", "msg_1", 1, "",
         "v1,gg3uJjYJvc0kCTCBbyXJu4vat5i8P9b54Q9EqwoPSIQ="},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        alert_sign(span_cstr(rows[i].secret), span_cstr(rows[i].id), rows[i].seconds,
                   span_cstr(rows[i].body), &out);
        assert_string_equal(buf_cstr(&out), rows[i].signature);
        buf_done(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_form),
        cmocka_unit_test(slack_s_form),
        cmocka_unit_test(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
