/* cli/status_text: what people read of a weir's /health. */
#include "cli/status_text.h"
#include "unit.h"

#define HEAD "\"service\":\"weir\",\"version\":\"1.2.3\""

static void writes(const char *page, bool colour, const char *wanted) {
    buf out = BUF_EMPTY;
    status_write(span_cstr(page), SPAN_OF("http://here:1"), colour, &out);
    assert_string_equal(buf_cstr(&out), wanted);
    buf_done(&out);
}

static void whose_page_it_is(void **state) {
    (void)state;
    static const struct {
        const char *page;
        bool weirs, ready;
    } rows[] = {
        {"{\"status\":\"healthy\"," HEAD "}", true, true},
        {"{" HEAD ",\"status\":\"draining\"}", true, false},
        {"{" HEAD ",\"status\":\"starting\"}", true, false},
        {"{" HEAD "}", true, false},
        {"{\"status\":\"healthy\",\"service\":\"other\"}", false, true},
        {"{\"status\":\"healthy\"}", false, true},
        {"[\"weir\"]", false, false},
        {"\"healthy\"", false, false},
        {"<html>", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(status_is_weirs(span_cstr(rows[i].page)), rows[i].weirs);
        if (rows[i].weirs)
            assert_int_equal(status_is_ready(span_cstr(rows[i].page)), rows[i].ready);
    }
}

static void all_is_well(void **state) {
    (void)state;
    writes("{\"status\":\"healthy\"," HEAD ",\"uptime_seconds\":11100,"
           "\"open\":{\"calls\":3,\"streams\":1,\"connections\":12},"
           "\"reloads\":{\"ok\":2,\"failed\":0,\"last\":\"ok\",\"last_seconds_ago\":59},"
           "\"targets\":[{\"name\":\"openai/gpt\",\"breaker\":\"closed\","
           "\"last_minute\":{\"calls\":120,\"extra\":3}},"
           "{\"name\":\"b\",\"breaker\":\"half_open\",\"open_for_clients\":1,"
           "\"last_minute\":{\"calls\":0,\"extra\":0}}],\"refused_keys\":[],\"resting_keys\":[]}",
           false,
           "weir 1.2.3 at http://here:1: healthy, up 3 h 5 min\n"
           "open: 3 calls, 1 stream; 12 connections\n"
           "reloads: 2 ok, 0 failed; the last 59 s ago\n"
           "\n"
           "  target      breaker  calls/min    extra\n"
           "  openai/gpt  closed         120        3\n"
           "  b           half_open        0        0  open for 1 client\n");
}

static void what_is_not_well_is_told(void **state) {
    (void)state;
    writes("{\"status\":\"draining\"," HEAD ",\"uptime_seconds\":90000,"
           "\"reloads\":{\"ok\":0,\"failed\":1,\"last\":\"failed\",\"last_seconds_ago\":60},"
           "\"refused_keys\":[{\"provider\":\"p\",\"key\":2,\"status\":401,\"code\":\"invalid\"},"
           "{\"provider\":\"q\",\"key\":1,\"status\":402,\"code\":null}],"
           "\"resting_keys\":[{\"target\":\"p/m\",\"key\":1,\"seconds\":20}]}",
           false,
           "weir 1.2.3 at http://here:1: draining, up 1 d 1 h\n"
           "reloads: 0 ok, 1 failed; the last 1 min ago: it failed, the file is not what is in "
           "force\n"
           "\n"
           "  key 2 of p: refused (401 invalid)\n"
           "  key 1 of q: refused (402)\n"
           "  key 1 for p/m: rate limited, again in 20 s\n");
}

/* Of another version, or of somebody else's making. */
static void what_is_missing_or_of_another_kind_is_passed_over(void **state) {
    (void)state;
    writes("{\"status\":\"healthy\"," HEAD "}", false,
           "weir 1.2.3 at http://here:1: healthy, up 0 s\n");
    writes("{\"status\":\"healthy\"," HEAD ",\"open\":1,\"reloads\":[],\"targets\":{},"
           "\"refused_keys\":\"x\",\"resting_keys\":null,\"uptime_seconds\":\"1\"}",
           false, "weir 1.2.3 at http://here:1: healthy, up 0 s\n");
    writes("{\"status\":7," HEAD ",\"targets\":[1,{\"name\":[]}]}", false,
           "weir 1.2.3 at http://here:1: , up 0 s\n\n"
           "  target  breaker  calls/min    extra\n"
           "                           0        0\n"
           "                           0        0\n");
    writes("nothing of the kind", false, "");
}

static void names_do_not_steer_the_terminal(void **state) {
    (void)state;
    writes("{\"status\":\"healthy\",\"service\":\"weir\",\"version\":\"\\u001b[2J\\n9\\u009b1\"}",
           false, "weir ?[2J 9??1 at http://here:1: healthy, up 0 s\n");
}

static void colours(void **state) {
    (void)state;
    writes("{\"status\":\"healthy\"," HEAD "}", true,
           "weir 1.2.3 at http://here:1: \033[32mhealthy\033[0m, up 0 s\n");
    writes("{\"status\":\"draining\"," HEAD "}", true,
           "weir 1.2.3 at http://here:1: \033[31mdraining\033[0m, up 0 s\n");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_page_it_is),
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(what_is_not_well_is_told),
        cmocka_unit_test(what_is_missing_or_of_another_kind_is_passed_over),
        cmocka_unit_test(names_do_not_steer_the_terminal),
        cmocka_unit_test(colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
