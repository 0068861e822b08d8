#include "unit.h"

#include "base/hash.h"
#include "heap.h"
#include "observe/trace_context.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

/* ---- traceparent ---- */

static void the_ids_and_flags_are_read(void **state) {
    (void)state;
    static const struct {
        const char *value;
        unsigned flags;
    } rows[] = {
        {"00-" TRACE "-" PARENT "-01", TRACE_SAMPLED},
        {"00-" TRACE "-" PARENT "-00", 0},
        {"00-" TRACE "-" PARENT "-03", TRACE_SAMPLED | TRACE_RANDOM},
        {"00-" TRACE "-" PARENT "-ff", TRACE_SAMPLED | TRACE_RANDOM},
        {"01-" TRACE "-" PARENT "-01", TRACE_SAMPLED}, /* later versions */
        {"fe-" TRACE "-" PARENT "-02-what-the-future-brings", TRACE_RANDOM},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trace_context t = {.span = 7};
        if (!trace_read_parent(span_cstr(rows[i].value), &t)) fail_msg("%s", rows[i].value);
        char hex[TRACE_ID_HEX + 1];
        hex_encode(t.trace_id, TRACE_ID_LEN, hex);
        assert_string_equal(hex, TRACE);
        assert_int_equal(t.parent, 0xb7ad6b7169203331u);
        assert_int_equal(t.flags, rows[i].flags);
        assert_int_equal(t.span, 7);
    }
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "00",
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01 ",
        "00-" TRACE "-" PARENT "-01-more",
        "01-" TRACE "-" PARENT "-01more",
        "ff-" TRACE "-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-0x",
        "00-" TRACE "_" PARENT "-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trace_context t = {.parent = 1, .flags = 7};
        if (trace_read_parent(span_cstr(rows[i]), &t)) fail_msg("'%s' is read", rows[i]);
        assert_int_equal(t.parent, 1);
        assert_int_equal(t.flags, 7);
    }
}

static void it_is_written_as_version_00(void **state) {
    (void)state;
    trace_context t = {0};
    char out[TRACEPARENT_LEN + 1];
    assert_true(trace_read_parent(SPAN_OF("07-" TRACE "-" PARENT "-ff-x"), &t));
    trace_write_parent(&t, 0x0102030405060708u, out);
    assert_string_equal(out, "00-" TRACE "-0102030405060708-03");
}

/* ---- tracestate ---- */

static void states_are_judged(void **state) {
    (void)state;
    static const struct {
        const char *value;
        bool good;
    } rows[] = {
        {"congo=t61rcWkgMzE", true},
        {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true},
        {"a=1 , b=2\t, ,c=3", true},
        {"fw529a3039@dt=FfAEwAAAAAA", true},
        {"1a-2_f@xy*/=a b", true},
        {"", false},
        {",", false},
        {"a", false},
        {"a=", false},
        {"=1", false},
        {"A=1", false},
        {"@a=1", false},
        {"a b=1", false},
        {"a=1=2", false},
        {"a=\x01", false},
        {"a=\xC3\xA9", false},
        {"a=1,b=2,a=3", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (trace_state_is_good(span_cstr(rows[i].value)) != rows[i].good)
            fail_msg("'%s'", rows[i].value);
}

static void a_state_is_bounded(void **state) {
    (void)state;
    for (unsigned members = 32; members <= 33; members++) {
        buf b = BUF_EMPTY;
        for (unsigned i = 0; i < members; i++)
            buf_addf(&b, "%sk%u=v", i ? "," : "", i);
        assert_int_equal(trace_state_is_good(buf_span(&b)), members == 32);
        buf_done(&b);
    }
    for (unsigned len = 256; len <= 257; len++) {
        char text[600];
        memset(text, 'a', sizeof text);
        text[len] = '=';
        assert_int_equal(trace_state_is_good(span_from(text, len + 2)), len == 256);
        text[len] = 'a';
        text[1] = '=';
        assert_int_equal(trace_state_is_good(span_from(text, 2 + len)), len == 256);
    }
}

/* ---- what begins here ---- */

static void a_share_of_new_traces_is_sampled(void **state) {
    (void)state;
    static const double shares[] = {0, 0.25, 1};
    rng r;
    rng_seed(&r, 1);
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        unsigned sampled = 0;
        for (int n = 0; n < 4000; n++) {
            trace_context t = {.parent = 5}, again = {0};
            char text[TRACEPARENT_LEN + 1];
            trace_begin(&r, shares[i], &t);
            assert_int_equal(t.parent, 0);
            assert_true(t.flags & TRACE_RANDOM);
            sampled += trace_is_sampled(&t);
            trace_write_parent(&t, trace_new_span(&r), text);
            assert_true(trace_read_parent(span_cstr(text), &again));
        }
        assert_in_range(sampled, shares[i] * 4000 * 0.9, shares[i] * 4000 * 1.1);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ids_and_flags_are_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(it_is_written_as_version_00),
        cmocka_unit_test(states_are_judged),
        cmocka_unit_test(a_state_is_bounded),
        cmocka_unit_test(a_share_of_new_traces_is_sampled),
    };
    return run_watched(tests);
}
