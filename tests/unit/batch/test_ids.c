/* The set of custom_ids, and the marks of lines that are done: in memory and in a file. */
#include "unit.h"

#include "batch/ids.h"
#include "batch/marks.h"

static span name_of(uint64_t n, char text[32]) {
    return span_from(text, (size_t)snprintf(text, 32, "id-%llu", (unsigned long long)n));
}

/* Each is new once and known ever after, with its own line, across all growths. */
static void check_ids(uint64_t front, uint64_t count) {
    ids set;
    char text[32];
    uint64_t line = 0;
    ids_init(&set, front);
    for (uint64_t n = 1; n <= count; n++) {
        assert_int_equal(ids_add(&set, name_of(n, text), n, &line), IDS_NEW);
        uint64_t earlier = 1 + n / 2;
        assert_int_equal(ids_add(&set, name_of(earlier, text), 999999, &line), IDS_KNOWN);
        assert_int_equal(line, earlier);
    }
    for (uint64_t n = 1; n <= count; n++) {
        assert_int_equal(ids_add(&set, name_of(n, text), 999999, &line), IDS_KNOWN);
        assert_int_equal(line, n);
    }
    for (uint64_t n = 1; n <= count; n += 7) {
        assert_true(ids_replace(&set, name_of(n, text), 2 * n));
        assert_int_equal(ids_find(&set, name_of(n, text), &line), IDS_KNOWN);
        assert_int_equal(line, 2 * n);
        assert_int_equal(ids_find(&set, name_of(n + 1, text), &line),
                         n < count ? IDS_KNOWN : IDS_NEW);
        if (n < count) assert_int_equal(line, n + 1);
    }
    assert_int_equal(set.count, count);
    assert_true((set.fd >= 0) == (count > 2 * front));
    ids_done(&set);
}

static void finds_ids_in_memory(void **state) {
    (void)state;
    check_ids(IDS_IN_MEMORY, 36990); /* just before it grows: some pages are full */
}

static void finds_ids_in_a_file(void **state) {
    (void)state;
    check_ids(300, 36990);
}

static void tells_when_there_is_no_file(void **state) {
    (void)state;
    ids set;
    char text[32];
    uint64_t line, n = 1;
    ids_verdict verdict;
    setenv("TMPDIR", "/nowhere/at/all", 1);
    ids_init(&set, 300);
    while ((verdict = ids_add(&set, name_of(n, text), n, &line)) == IDS_NEW)
        n++;
    unsetenv("TMPDIR");
    assert_int_equal(verdict, IDS_FAILED);
    assert_true(n > 300);
    ids_done(&set);
}

static void remembers_marks(void **state) {
    (void)state;
    static marks m;
    bool known;
    uint64_t mark = 0;
    marks_init(&m);
    assert_true(marks_get(&m, 5, &known, &mark)); /* nothing is known, and no file is needed */
    assert_false(known);
    assert_int_equal(m.fd, -1);
    static const uint64_t lines[] = {3, 100000, 1, 4096, 4095, 8192, 2};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_true(marks_set(&m, lines[i], lines[i] * 1000, &known));
        assert_false(known);
    }
    assert_true(marks_set(&m, 4096, 5, &known));
    assert_true(known);
    assert_int_equal(m.last, 100000);
    for (uint64_t n = 1; n <= 100005; n++) {
        bool expected = false;
        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
            expected = expected || lines[i] == n;
        assert_true(marks_get(&m, n, &known, &mark));
        assert_int_equal(known, expected);
        if (known) assert_int_equal(mark, n == 4096 ? 5 : n * 1000);
    }
    marks_done(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_ids_in_memory),
        cmocka_unit_test(finds_ids_in_a_file),
        cmocka_unit_test(tells_when_there_is_no_file),
        cmocka_unit_test(remembers_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
