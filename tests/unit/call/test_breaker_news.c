/* What each class of failure says to the breaker, with a head and without. */
#include "unit.h"

#include "call/breaker_news.h"

static void each_class_says_one_thing(void **state) {
    (void)state;
    static const struct {
        failure_class failure;
        breaker_news answered, unanswered;
    } rows[] = {
        {FAIL_NONE, NEWS_NONE, NEWS_NONE},
        {FAIL_CONNECTION, NEWS_FAILED, NEWS_FAILED},
        {FAIL_SILENT, NEWS_FAILED, NEWS_FAILED},
        {FAIL_MALFORMED, NEWS_FAILED, NEWS_FAILED},
        {FAIL_OVERLOAD, NEWS_FAILED, NEWS_FAILED},
        {FAIL_LIMIT, NEWS_ALIVE, NEWS_NONE},
        {FAIL_KEY, NEWS_ALIVE, NEWS_NONE},
        {FAIL_CONTEXT_LENGTH, NEWS_ALIVE, NEWS_NONE},
        {FAIL_CONTENT_POLICY, NEWS_ALIVE, NEWS_NONE},
        {FAIL_TARGET, NEWS_ALIVE, NEWS_NONE},
        {FAIL_REQUEST, NEWS_ALIVE, NEWS_NONE},
        {FAIL_OUR_LIMIT, NEWS_ALIVE, NEWS_NONE},
        {FAIL_OUR_SHORTAGE, NEWS_NONE, NEWS_NONE},
        {FAIL_OUR_WAY, NEWS_NONE, NEWS_NONE},
        {FAIL_TLS, NEWS_FAILED, NEWS_FAILED},
        {FAIL_GONE, NEWS_NONE, NEWS_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(breaker_news_of(rows[i].failure, 400), rows[i].answered);
        assert_int_equal(breaker_news_of(rows[i].failure, 0), rows[i].unanswered);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_class_says_one_thing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
