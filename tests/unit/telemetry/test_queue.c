#include "unit.h"

#include "heap.h"
#include "telemetry/queue.h"

static bool put(span_queue *q, config_telemetry_protocol p, unsigned count, const char *text) {
    buf b = BUF_EMPTY;
    buf_add_cstr(&b, text);
    bool first = span_queue_put(q, p, count, &b);
    assert_null(b.ptr);
    return first;
}

static void take(span_queue *q, size_t most, unsigned count, config_telemetry_protocol p,
                 const char *text) {
    config_telemetry_protocol got = TELEMETRY_PROTOBUF;
    buf b = BUF_EMPTY;
    assert_int_equal(span_queue_take(q, most, &got, &b), count);
    assert_string_equal(buf_cstr(&b), text);
    if (count) assert_int_equal(got, p);
    buf_done(&b);
}

static void batches_come_out_in_their_order(void **state) {
    (void)state;
    span_queue q;
    span_queue_init(&q);
    assert_true(put(&q, TELEMETRY_PROTOBUF, 2, "aa"));
    assert_false(put(&q, TELEMETRY_PROTOBUF, 1, "bbb"));
    assert_false(put(&q, TELEMETRY_JSON, 3, "c"));
    assert_false(put(&q, TELEMETRY_JSON, 4, "dd"));
    assert_int_equal(span_queue_bytes(&q), 8);
    take(&q, 100, 3, TELEMETRY_PROTOBUF, "aabbb"); /* never two encodings */
    take(&q, 2, 3, TELEMETRY_JSON, "c");           /* c and dd would be more */
    take(&q, 1, 4, TELEMETRY_JSON, "dd");          /* one at least */
    take(&q, 100, 0, 0, "");
    assert_int_equal(span_queue_bytes(&q), 8); /* it may have to be sent again */
    span_queue_settle(&q);
    assert_int_equal(span_queue_bytes(&q), 0);
    assert_true(put(&q, TELEMETRY_JSON, 1, "e"));
    assert_int_equal(span_queue_dropped(&q), 0);
    span_queue_done(&q);
}

static void what_does_not_fit_is_dropped_and_counted(void **state) {
    (void)state;
    span_queue q;
    span_queue_init(&q);
    span_queue_bound(&q, 5);
    assert_true(put(&q, TELEMETRY_JSON, 1, "aaa"));
    assert_false(put(&q, TELEMETRY_JSON, 20, "bbb"));
    assert_false(put(&q, TELEMETRY_JSON, 3, "cc"));
    assert_false(put(&q, TELEMETRY_JSON, 400, "ffffff"));
    assert_int_equal(span_queue_bytes(&q), 5);
    assert_int_equal(span_queue_dropped(&q), 420);
    assert_int_equal(span_queue_dropped(&q), 0);
    span_queue_bound(&q, 2); /* what is there stays */
    assert_false(put(&q, TELEMETRY_JSON, 5, "g"));
    assert_int_equal(span_queue_dropped(&q), 5);
    span_queue_clear(&q);
    assert_int_equal(span_queue_dropped(&q), 4);
    assert_int_equal(span_queue_bytes(&q), 0);
    take(&q, 100, 0, 0, "");
    span_queue_done(&q);
}

/* A request that is sent again and again holds its spans, as those that wait behind it are held. */
static void what_was_taken_takes_up_room_until_it_is_settled(void **state) {
    (void)state;
    span_queue q;
    span_queue_init(&q);
    span_queue_bound(&q, 5);
    assert_true(put(&q, TELEMETRY_JSON, 1, "aaa"));
    take(&q, 100, 1, TELEMETRY_JSON, "aaa");
    (void)put(&q, TELEMETRY_JSON, 2, "bbb");
    assert_int_equal(span_queue_dropped(&q), 2);
    assert_true(put(&q, TELEMETRY_JSON, 4, "cc"));
    assert_int_equal(span_queue_bytes(&q), 5);
    span_queue_clear(&q);
    assert_int_equal(span_queue_dropped(&q), 4);
    assert_int_equal(span_queue_bytes(&q), 3);
    span_queue_settle(&q);
    span_queue_settle(&q);
    assert_int_equal(span_queue_bytes(&q), 0);
    span_queue_done(&q);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_come_out_in_their_order),
        cmocka_unit_test(what_does_not_fit_is_dropped_and_counted),
        cmocka_unit_test(what_was_taken_takes_up_room_until_it_is_settled),
    };
    return run_watched(tests);
}
