#include "unit.h"

#include "call/redirect.h"

#define TO(place)                                                                                  \
    "The url of provider p redirects to " place                                                    \
    " (status 308). weir follows no redirects; the configuration must name the place itself."
#define ELSEWHERE                                                                                  \
    "The url of provider p redirects elsewhere (status 308). weir follows no redirects; the "      \
    "configuration must name the place itself."
#define NOWHERE "The url of provider p is answered with status 308, which is none of a model API's."

static void of_the_location_the_host_alone_is_told(void **state) {
    (void)state;
    static const struct {
        const char *location, *says;
    } rows[] = {
        {"https://api.test/v1/chat/completions?key=s3cret", TO("https://api.test")},
        {"https://api.test?key=s3cret", TO("https://api.test")},
        {"https://api.test#s3cret", TO("https://api.test")},
        {"HTTP://API.test:8080", TO("HTTP://API.test:8080")},
        {"http://[::1]:8080/x", TO("http://[::1]:8080")},
        {"//api.test/s3cret", TO("//api.test")},
        {"https://user:s3cret@api.test/", ELSEWHERE},
        {"https:///s3cret", ELSEWHERE},
        {"https://", ELSEWHERE},
        {"javascript://api.test/s3cret", ELSEWHERE},
        {"/v1/s3cret", ELSEWHERE},
        {"/v1/next=https://api.test", ELSEWHERE},
        {"s3cret", ELSEWHERE},
        {"https://a\xFF.test/", ELSEWHERE},
        {"https://"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaa"
         "/",
         ELSEWHERE},
        {"", NOWHERE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        assert_span(redirect_text(SPAN_OF("p"), 308, span_cstr(rows[i].location), &a),
                    rows[i].says);
        arena_done(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_the_location_the_host_alone_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
