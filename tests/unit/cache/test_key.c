/* The key: nobody is given what was answered to another, nor what was asked otherwise. */
#include "unit.h"

#include "base/random.h"
#include "cache/key.h"

static const span one_target[] = {SPAN("p/m")};
static const span more[] = {SPAN("")};

static cache_question question(const char *body) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(span_cstr(body), NULL, &root, &fault));
    return (cache_question){.scope = SPAN("client a"),
                            .endpoint = SPAN("chat.completions"),
                            .entry = SPAN("*"),
                            .targets = one_target,
                            .target_count = 1,
                            .more = more,
                            .more_count = 1,
                            .body = root};
}

static bool same(const cache_question *a, const cache_question *b) {
    static buf scratch;
    const cache_key x = cache_key_of(a, &scratch), y = cache_key_of(b, &scratch);
    return cache_key_eq(&x, &y);
}

#define ASKED "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}"

static void what_makes_no_difference(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"seed\":1.0,\"messages\":[{\"content\":\"h\\u0069\",\"role\":\"user\"}],\"model\":"
        "\"m\"}",
        " {\"model\" :\"m\", \"messages\":[ "
        "{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":10e-1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,"
        "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"user\":\"u\","
        "\"safety_identifier\":\"s\",\"metadata\":{\"a\":\"b\"},\"prompt_cache_key\":\"k\"}",
    };
    const cache_question asked = question(ASKED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cache_question q = question(rows[i]);
        assert_true(same(&asked, &q));
    }
}

static void what_does(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":2}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":\"1\"}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \"}],\"seed\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,\"n\":"
        "1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\",\"user\":1}],"
        "\"seed\":1}",
        "{\"model\":\"n\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":null}",
    };
    const cache_question asked = question(ASKED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cache_question q = question(rows[i]);
        assert_false(same(&asked, &q));
    }
    const cache_question a = question("{\"seed\":9007199254740992}"),
                         b = question("{\"seed\":9007199254740993}");
    assert_false(same(&a, &b));
}

static void who_asks_and_who_answers(void **state) {
    (void)state;
    static const span two[] = {SPAN("p/m"), SPAN("q/m")};
    static const span beta[] = {SPAN("assistants=v2")};
    const cache_question asked = question(ASKED);
    cache_question others[8];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = asked;
    others[0].scope = SPAN_OF("client b");
    others[1].scope = SPAN_EMPTY;
    others[2].endpoint = SPAN_OF("responses");
    others[3].entry = SPAN_OF("m");
    others[4].targets = two, others[4].target_count = 2;
    others[5].query = SPAN_OF("api-version=1");
    others[6].model = SPAN_OF("m");
    others[7].more = beta;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(same(&asked, &others[i]));
    /* No way to say in one text what stands in two. */
    cache_question a = asked, b = asked;
    a.scope = SPAN_OF("x"), a.endpoint = SPAN_OF("yz");
    b.scope = SPAN_OF("xy"), b.endpoint = SPAN_OF("z");
    assert_false(same(&a, &b));
}

/* Two clients that ask the very same, whatever that is. */
static void no_two_clients_have_one_key(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 16);
    for (int i = 0; i < 100000; i++) {
        char body[160], one[24], other[24];
        const uint64_t n = rng_u64(&r);
        snprintf(body, sizeof body, "{\"model\":\"m%u\",\"input\":\"%llx\",\"%c\":%u}",
                 (unsigned)(n % 7), (unsigned long long)n, (char)('a' + n % 26), (unsigned)n);
        snprintf(one, sizeof one, "%u", (unsigned)(rng_u64(&r) % 1000));
        do
            snprintf(other, sizeof other, "%u", (unsigned)(rng_u64(&r) % 1000));
        while (!strcmp(one, other));
        cache_question a = question(body), b = a;
        a.scope = span_cstr(one);
        b.scope = span_cstr(other);
        assert_false(same(&a, &b));
        b.scope = a.scope;
        assert_true(same(&a, &b));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_difference),
        cmocka_unit_test(what_does),
        cmocka_unit_test(who_asks_and_who_answers),
        cmocka_unit_test(no_two_clients_have_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
