#include "unit.h"

#include "call/redirect.h"

static void where_it_leads_is_not_told(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    assert_span(redirect_text(SPAN_OF("p"), 308, true, &a),
                "The url of provider p redirects elsewhere (status 308). weir follows no "
                "redirects; the configuration must name the place itself.");
    assert_span(
        redirect_text(SPAN_OF("p"), 304, false, &a),
        "The url of provider p is answered with status 304, which is none of a model API's.");
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(where_it_leads_is_not_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
