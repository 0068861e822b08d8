/* What somebody outside says: what counts as a verdict, and what as none. */
#include "unit.h"

#include "exchange/verdict.h"

static void is_read(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        verdict_result is;
    } rows[] = {
        {"{\"flagged\":false}", VERDICT_GOOD},
        {" {\"flagged\" : true, \"why\": 1}\n", VERDICT_BAD},
        {"{\"results\":[{\"flagged\":false},{\"flagged\":false}]}", VERDICT_GOOD},
        {"{\"results\":[{\"flagged\":false},{\"flagged\":true}]}", VERDICT_BAD},
        {"{\"results\":[{\"flagged\":true},{}]}", VERDICT_NONE},
        {"{\"results\":[{\"flagged\":\"true\"}]}", VERDICT_NONE},
        {"{\"results\":[true]}", VERDICT_NONE},
        {"{\"results\":[]}", VERDICT_NONE},
        {"{\"results\":{\"flagged\":false}}", VERDICT_NONE},
        {"{\"flagged\":null,\"results\":[{\"flagged\":false}]}", VERDICT_GOOD},
        {"{\"flagged\":0}", VERDICT_NONE},
        {"[{\"flagged\":false}]", VERDICT_NONE},
        {"false", VERDICT_NONE},
        {"{}", VERDICT_NONE},
        {"", VERDICT_NONE},
        {"{\"flagged\":false} x", VERDICT_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (verdict_read(span_cstr(rows[i].answer)) != rows[i].is) fail_msg("%s", rows[i].answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
