/* Frames: whatever is cut off or altered, no more than that record is lost. */
#include "unit.h"

#include "base/mem.h"
#include "ledger/frame.h"

enum { FRAMES = 5 };

static const char *const payloads[FRAMES] = {"first", "", "\xF5W", "the fourth is longer", "last"};

static buf written(void) {
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < FRAMES; i++) {
        size_t at = frame_begin(&out);
        buf_add_cstr(&out, payloads[i]);
        frame_end(&out, at, i % 2 ? FRAME_SETTLE : FRAME_RESERVE);
    }
    return out;
}

typedef struct seen {
    bool payload[FRAMES];
    size_t found, bad, left;
} seen;

/* All there is, from memory of exactly that length. */
static seen read_all(span bytes, bool whole) {
    char *exact = mem_alloc(bytes.len ? bytes.len : 1);
    if (bytes.len) memcpy(exact, bytes.ptr, bytes.len);
    span rest = span_from(exact, bytes.len);
    seen s = {0};
    for (;;) {
        frame f;
        size_t bad = 0;
        frame_result r = frame_take(&rest, whole, &f, &bad);
        if (r == FRAME_CUT) break;
        s.bad += bad;
        if (r != FRAME_FOUND) continue;
        s.found++;
        for (size_t i = 0; i < FRAMES; i++)
            if (span_eq(f.payload, span_cstr(payloads[i])) &&
                f.kind == (i % 2 ? FRAME_SETTLE : FRAME_RESERVE))
                s.payload[i] = true;
    }
    s.left = rest.len;
    free(exact);
    return s;
}

static void all_come_back(void **state) {
    (void)state;
    buf out = written();
    seen s = read_all(buf_span(&out), true);
    assert_int_equal(s.found, FRAMES);
    assert_int_equal(s.bad + s.left, 0);
    for (size_t i = 0; i < FRAMES; i++)
        assert_true(s.payload[i]);
    buf_done(&out);
}

static void each_length_loses_the_torn_one_alone(void **state) {
    (void)state;
    buf out = written();
    size_t ends[FRAMES], at = 0;
    for (size_t i = 0; i < FRAMES; i++)
        ends[i] = at += FRAME_OVERHEAD + strlen(payloads[i]);
    for (int whole = 0; whole < 2; whole++)
        for (size_t len = 0; len <= out.len; len++) {
            seen s = read_all(span_from(out.ptr, len), whole);
            size_t wanted = 0;
            while (wanted < FRAMES && ends[wanted] <= len)
                wanted++;
            assert_int_equal(s.found, wanted);
            assert_int_equal(s.bad, 0);
            assert_int_equal(s.left, len - (wanted ? ends[wanted - 1] : 0));
        }
    buf_done(&out);
}

static void each_flipped_byte_loses_that_record_alone(void **state) {
    (void)state;
    buf out = written();
    for (size_t at = 0; at < out.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            out.ptr[at] = (char)(out.ptr[at] ^ (1 << bit));
            seen s = read_all(buf_span(&out), true);
            assert_int_equal(s.found, FRAMES - 1);
            assert_true(s.bad + s.left >= FRAME_OVERHEAD);
            out.ptr[at] = (char)(out.ptr[at] ^ (1 << bit));
        }
    buf_done(&out);
}

/* What another wrote into the middle is passed over. */
static void strange_bytes_are_passed_over(void **state) {
    (void)state;
    buf one = written(), out = BUF_EMPTY;
    buf_add(&out, buf_span(&one));
    buf_add(&out, SPAN_OF("\xF5W\x01\xff\xff\xff\xff"
                          "nonsense \xF5 \xF5W"));
    buf_add(&out, buf_span(&one));
    seen s = read_all(buf_span(&out), true);
    assert_int_equal(s.found, 2 * FRAMES);
    buf_done(&one);
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_back),
        cmocka_unit_test(each_length_loses_the_torn_one_alone),
        cmocka_unit_test(each_flipped_byte_loses_that_record_alone),
        cmocka_unit_test(strange_bytes_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
