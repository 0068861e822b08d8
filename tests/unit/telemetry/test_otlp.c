/* OTLP's messages: protobuf as it is decoded, JSON as it stands. */
#include "decode.h"

#include "heap.h"
#include "telemetry/otlp.h"

static const trace_context context = {
    .trace_id = "0123456789abcdef", .parent = 2, .span = 3, .flags = TRACE_SAMPLED};

/* ---- the encoding itself ---- */

static void values_are_written_as_the_encoding_says(void **state) {
    (void)state;
    static const struct {
        uint64_t value;
        const char *bytes;
        size_t len;
    } rows[] = {
        {0, "\x08\x00", 2},
        {1, "\x08\x01", 2},
        {127, "\x08\x7F", 2},
        {128, "\x08\x80\x01", 3},
        {150, "\x08\x96\x01", 3}, /* the guide's own example */
        {UINT64_MAX, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b = BUF_EMPTY;
        pb_put_varint(&b, 1, rows[i].value);
        assert_int_equal(b.len, rows[i].len);
        assert_memory_equal(b.ptr, rows[i].bytes, b.len);
        buf_done(&b);
    }
    buf b = BUF_EMPTY;
    pb_put_fixed32(&b, 16, 0x01020304);
    pb_put_double(&b, 1, 1.0);
    assert_int_equal(b.len, 3 + 4 - 1 + 9);
    assert_memory_equal(b.ptr, "\x85\x01\x04\x03\x02\x01\x09\0\0\0\0\0\0\xF0\x3F", b.len);
    buf_done(&b);
}

static void a_message_of_any_length_has_its_length_before_it(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 100000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf b = BUF_EMPTY, text = BUF_EMPTY;
        memset(buf_reserve(&text, lengths[i] + 1), 'x', lengths[i]);
        buf_grow(&text, lengths[i]);
        size_t mark = pb_open(&b, 2);
        buf_add(&b, buf_span(&text));
        pb_close(&b, mark);
        pb_put_varint(&b, 3, 9);
        span rest = buf_span(&b);
        pb_field f;
        bool good;
        assert_true(pb_next(&rest, &f, &good));
        assert_int_equal(f.number, 2);
        assert_true(span_eq(f.bytes, buf_span(&text)));
        assert_true(pb_next(&rest, &f, &good));
        assert_int_equal(f.number, 3);
        assert_int_equal(f.value, 9);
        assert_false(pb_next(&rest, &f, &good));
        assert_true(good);
        buf_done(&b);
        buf_done(&text);
    }
}

static void text_becomes_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"", ""},
        {"caf\xC3\xA9", "caf\xC3\xA9"},
        {"\xFF", "\xEF\xBF\xBD"},
        {"a\xC3", "a\xEF\xBF\xBD"},
        {"a\xC3(b\xE2\x82\xAC\xED\xA0\x80.",
         "a\xEF\xBF\xBD(b\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b = BUF_EMPTY;
        pb_put_text(&b, 1, span_cstr(rows[i].text));
        span rest = buf_span(&b);
        pb_field f;
        bool good;
        assert_true(pb_next(&rest, &f, &good));
        assert_span(f.bytes, rows[i].written);
        buf_done(&b);
    }
}

static void what_is_torn_is_no_message(void **state) {
    (void)state;
    buf b = BUF_EMPTY;
    pb_put_varint(&b, 1, 300);
    pb_put_fixed64(&b, 2, 1);
    pb_put_fixed32(&b, 3, 1);
    pb_put_bytes(&b, 4, SPAN_OF("text"));
    size_t ends[] = {3, 12, 17, b.len};
    for (size_t cut = 0; cut <= b.len; cut++) {
        span rest = span_from(b.ptr, cut);
        pb_field f;
        bool good, whole = cut == 0;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
            whole |= cut == ends[i];
        while (pb_next(&rest, &f, &good)) {}
        if (good != whole) fail_msg("cut at %zu", cut);
    }
    static const char *const bad[] = {"\x02", "\x0B", "\x0C", "\x0F\x01",
                                      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        span rest = span_cstr(bad[i]);
        pb_field f;
        bool good;
        assert_false(pb_next(&rest, &f, &good));
        assert_false(good);
    }
    buf_done(&b);
}

/* ---- spans ---- */

static void put_span(config_telemetry_protocol p, buf *out) {
    static const span reasons[] = {SPAN("stop"), SPAN("length")};
    otlp_attributes a = {0};
    otlp_add_word(&a, "name", "m");
    otlp_add_text(&a, "nothing", SPAN_EMPTY);
    otlp_add_count(&a, "unknown", -1);
    otlp_add_flag(&a, "no", false);
    otlp_add_integer(&a, "n", -2);
    otlp_add_flag(&a, "yes", true);
    otlp_add_texts(&a, "why", reasons, 2);
    otlp_add_double(&a, "s", 0.5);
    const otlp_span s = {.trace = &context,
                         .id = 0x0102030405060708,
                         .parent = context.span,
                         .name = SPAN("chat m"),
                         .kind = OTLP_CLIENT,
                         .start_ns = 1000,
                         .end_ns = UINT64_C(1796126400000000000),
                         .attributes = &a,
                         .link = 9,
                         .failed = true,
                         .why = SPAN("it is \"late\"")};
    otlp_put_span(p, &s, out);
}

static void a_span_is_whole_in_protobuf(void **state) {
    (void)state;
    buf spans = BUF_EMPTY, out = BUF_EMPTY;
    otlp_attributes resource = {0};
    otlp_add_word(&resource, "service.name", "weir");
    put_span(TELEMETRY_PROTOBUF, &spans);
    otlp_wrap_spans(TELEMETRY_PROTOBUF, &resource, buf_span(&spans), &out);
    assert_message(
        buf_span(&out),
        " 1 1.1 1.1.1 1.1.1.2 1.2 1.2.1 1.2.2 1.2.2.9 1.2.2.9.2 1.2.2.9.2.5 1.2.2.9.2.5.1 1.2.2.13 "
        "1.2.2.15 ",
        "1{1{1{1='service.name' 2{1='weir'}}} 2{1{1='weir' 2='" WEIR_VERSION "'} "
        "2{1='0123456789abcdef' 2=0102030405060708 4=0000000000000003 5='chat m' 6=3 7=1000 "
        "8=1796126400000000000 9{1='name' 2{1='m'}} 9{1='n' 2{3=18446744073709551614}} "
        "9{1='yes' 2{2=1}} 9{1='why' 2{5{1{1='stop'} 1{1='length'}}}} "
        "9{1='s' 2{4=4602678819172646912}} "
        "13{1='0123456789abcdef' 2=0000000000000009 6=257} 15{2='it is \"late\"' 3=2} 16=257} "
        "3='https://opentelemetry.io/schemas/1.37.0'}}");
    buf_done(&spans);
    buf_done(&out);
}

#define JSON_SPAN                                                                                  \
    "{\"traceId\":\"30313233343536373839616263646566\",\"spanId\":\"0102030405060708\","           \
    "\"parentSpanId\":\"0000000000000003\",\"name\":\"chat m\",\"kind\":3,"                        \
    "\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"1796126400000000000\",\"attributes\":["  \
    "{\"key\":\"name\",\"value\":{\"stringValue\":\"m\"}},"                                        \
    "{\"key\":\"n\",\"value\":{\"intValue\":\"-2\"}},"                                             \
    "{\"key\":\"yes\",\"value\":{\"boolValue\":true}},"                                            \
    "{\"key\":\"why\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"stop\"},"          \
    "{\"stringValue\":\"length\"}]}}},{\"key\":\"s\",\"value\":{\"doubleValue\":0.5}}],"           \
    "\"links\":[{\"traceId\":\"30313233343536373839616263646566\",\"spanId\":"                     \
    "\"0000000000000009\",\"flags\":257}],\"status\":{\"message\":\"it is \\\"late\\\"\","         \
    "\"code\":2},\"flags\":257}"

static void spans_are_whole_in_json(void **state) {
    (void)state;
    buf spans = BUF_EMPTY, out = BUF_EMPTY;
    otlp_attributes resource = {0};
    otlp_add_word(&resource, "service.name", "weir");
    put_span(TELEMETRY_JSON, &spans);
    put_span(TELEMETRY_JSON, &spans);
    otlp_wrap_spans(TELEMETRY_JSON, &resource, buf_span(&spans), &out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
        "\"value\":{\"stringValue\":\"weir\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"weir\","
        "\"version\":\"" WEIR_VERSION "\"},\"spans\":[" JSON_SPAN "," JSON_SPAN
        "],\"schemaUrl\":\"https://opentelemetry.io/schemas/1.37.0\"}]}]}");
    buf_done(&spans);
    buf_done(&out);
}

static void what_is_not_there_is_left_out(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    const otlp_span s = {.trace = &context, .id = 1, .name = SPAN("a"), .kind = OTLP_SERVER};
    otlp_put_span(TELEMETRY_JSON, &s, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"traceId\":\"30313233343536373839616263646566\",\"spanId\":"
                        "\"0000000000000001\",\"name\":\"a\",\"kind\":2,\"startTimeUnixNano\":"
                        "\"0\",\"endTimeUnixNano\":\"0\",\"flags\":257},");
    buf_done(&out);
}

static void attributes_beyond_the_bound_are_counted(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    otlp_attributes a = {0};
    for (int i = 0; i < OTLP_ATTRIBUTES_MAX + 3; i++)
        otlp_add_integer(&a, "k", i);
    assert_int_equal(a.count, OTLP_ATTRIBUTES_MAX);
    const otlp_span s = {
        .trace = &context, .id = 1, .name = SPAN("a"), .kind = OTLP_SERVER, .attributes = &a};
    otlp_put_span(TELEMETRY_JSON, &s, &out);
    assert_non_null(strstr(buf_cstr(&out), "\"droppedAttributesCount\":3"));
    buf_done(&out);
}

/* ---- metrics ---- */

static void put_metrics(config_telemetry_protocol p, buf *out) {
    static const double bounds[] = {0.01, 0.02};
    static const uint64_t counts[] = {1, 0, 2};
    static const otlp_metric counter = {SPAN("weir.calls"), SPAN("Calls."), SPAN("{call}"),
                                        OTLP_COUNTER,       NULL,           0};
    static const otlp_metric gauge = {SPAN("weir.open"), SPAN_EMPTY, SPAN_EMPTY,
                                      OTLP_GAUGE,        NULL,       0};
    static const otlp_metric histogram = {SPAN("d"),      SPAN_EMPTY, SPAN("s"),
                                          OTLP_HISTOGRAM, bounds,     2};
    otlp_attributes labels = {0}, resource = {0};
    otlp_add_word(&labels, "k", "v");
    otlp_metrics m;
    otlp_metrics_begin(&m, p, &resource, 5, 9, out);
    otlp_open_metric(&m, &counter);
    otlp_put_point(&m, &(otlp_point){.attributes = &labels, .integer = 7});
    otlp_put_point(&m, &(otlp_point){.integer = 8});
    otlp_close_metric(&m);
    otlp_open_metric(&m, &gauge);
    otlp_put_point(&m, &(otlp_point){.is_double = true, .number = 1.0});
    otlp_close_metric(&m);
    otlp_open_metric(&m, &histogram);
    otlp_put_point(&m, &(otlp_point){.attributes = &labels, .sum = 2.0, .counts = counts});
    otlp_close_metric(&m);
    otlp_metrics_end(&m);
}

static void metrics_are_whole_in_protobuf(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    put_metrics(TELEMETRY_PROTOBUF, &out);
    assert_message(
        buf_span(&out),
        " 1 1.1 1.2 1.2.1 1.2.2 1.2.2.5 1.2.2.5.1 1.2.2.7 1.2.2.7.1 1.2.2.7.1.7 1.2.2.7.1.7.2 "
        "1.2.2.9 1.2.2.9.1 1.2.2.9.1.9 1.2.2.9.1.9.2 ",
        "1{1{} 2{1{1='weir' 2='" WEIR_VERSION "'} "
        "2{1='weir.calls' 2='Calls.' 3='{call}' 7{2=2 3=1 1{7{1='k' 2{1='v'}} 2=5 3=9 6=7} "
        "1{2=5 3=9 6=8}}} "
        "2{1='weir.open' 5{1{3=9 4=4607182418800017408}}} "
        "2{1='d' 3='s' 9{2=2 1{9{1='k' 2{1='v'}} 2=5 3=9 4=3 5=4611686018427387904 "
        "6=010000000000000000000000000000000200000000000000 "
        "7=7b14ae47e17a843f7b14ae47e17a943f}}} "
        "3='https://opentelemetry.io/schemas/1.37.0'}}");
    buf_done(&out);
}

static void metrics_are_whole_in_json(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    put_metrics(TELEMETRY_JSON, &out);
    const char *expected =
        "\"metrics\":[{\"name\":\"weir.calls\",\"description\":\"Calls.\",\"unit\":\"{call}\","
        "\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":["
        "{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}],"
        "\"startTimeUnixNano\":\"5\",\"timeUnixNano\":\"9\",\"asInt\":\"7\"},"
        "{\"startTimeUnixNano\":\"5\",\"timeUnixNano\":\"9\",\"asInt\":\"8\"}]}},"
        "{\"name\":\"weir.open\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"9\","
        "\"asDouble\":1}]}},"
        "{\"name\":\"d\",\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,"
        "\"dataPoints\":[{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}],"
        "\"startTimeUnixNano\":\"5\",\"timeUnixNano\":\"9\",\"count\":\"3\",\"sum\":2,"
        "\"bucketCounts\":[\"1\",\"0\",\"2\"],\"explicitBounds\":[0.01,0.02]}]}}],"
        "\"schemaUrl\":\"https://opentelemetry.io/schemas/1.37.0\"}]}]}";
    if (!strstr(buf_cstr(&out), expected)) fail_msg("%s", buf_cstr(&out));
    buf_done(&out);
}

/* ---- what a receiver answers ---- */

static void a_receiver_s_refusals_are_read(void **state) {
    (void)state;
    static const struct {
        config_telemetry_protocol protocol;
        span body;
        uint64_t rejected;
        const char *message;
    } rows[] = {
        {TELEMETRY_PROTOBUF, SPAN(""), 0, ""},
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x00"), 0, ""},
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x06\x08\x05\x12\x02no"), 5, "no"},
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x04\x12\x02no"), 0, "no"}, /* a warning */
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x03\x08\xAC\x02"), 300, ""},
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x06\x08\x05\x12\x02n"), 0, ""}, /* torn */
        {TELEMETRY_PROTOBUF, SPAN("\x0A\x0B\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), 0, ""},
        {TELEMETRY_PROTOBUF, SPAN("<html>"), 0, ""},
        {TELEMETRY_JSON, SPAN("{}"), 0, ""},
        {TELEMETRY_JSON, SPAN("{\"partialSuccess\":{}}"), 0, ""},
        {TELEMETRY_JSON,
         SPAN("{\"partialSuccess\":{\"rejectedSpans\":\"5\",\"errorMessage\":\"n\\u006f\"}}"), 5,
         "no"},
        {TELEMETRY_JSON, SPAN("{\"partialSuccess\":{\"rejectedDataPoints\":7}}"), 7, ""},
        {TELEMETRY_JSON, SPAN("{\"partialSuccess\":{\"rejectedSpans\":-7}}"), 0, ""},
        {TELEMETRY_JSON, SPAN("{\"partialSuccess\":[1]}"), 0, ""},
        {TELEMETRY_JSON, SPAN("[]"), 0, ""},
        {TELEMETRY_JSON, SPAN("<html>"), 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        span message = SPAN_OF("untouched");
        arena_init(&a, 0);
        uint64_t rejected = otlp_read_rejected(rows[i].protocol, rows[i].body, &a, &message);
        if (rejected != rows[i].rejected)
            fail_msg("row %zu: %llu", i, (unsigned long long)rejected);
        assert_span(message, rows[i].message);
        arena_done(&a);
    }
}

static void a_receiver_s_words_are_read(void **state) {
    (void)state;
    static const struct {
        config_telemetry_protocol protocol;
        span body;
        const char *words;
    } rows[] = {
        {TELEMETRY_PROTOBUF, SPAN(""), ""},
        {TELEMETRY_PROTOBUF, SPAN("\x08\x03\x12\x04late"), "late"},
        {TELEMETRY_PROTOBUF, SPAN("no such key\r\n"), "no such key"},
        {TELEMETRY_PROTOBUF, SPAN("a\0b"), ""},
        {TELEMETRY_PROTOBUF, SPAN("a\x1B[31m"), ""},
        {TELEMETRY_PROTOBUF, SPAN("a\xFF"), ""},
        {TELEMETRY_JSON, SPAN("{\"code\":3,\"message\":\"b\\u0061d\"}"), "bad"},
        {TELEMETRY_JSON, SPAN("{\"error\":\"bad\"}"), "{\"error\":\"bad\"}"},
        {TELEMETRY_JSON, SPAN("not found"), "not found"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        assert_span(otlp_read_error(rows[i].protocol, rows[i].body, &a), rows[i].words);
        arena_done(&a);
    }
    char text[1000];
    arena a;
    arena_init(&a, 0);
    memset(text, 'x', sizeof text);
    assert_int_equal(otlp_read_error(TELEMETRY_JSON, span_from(text, sizeof text), &a).len,
                     OTLP_ERROR_MAX);
    arena_done(&a);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_the_encoding_says),
        cmocka_unit_test(a_message_of_any_length_has_its_length_before_it),
        cmocka_unit_test(text_becomes_utf8),
        cmocka_unit_test(what_is_torn_is_no_message),
        cmocka_unit_test(a_span_is_whole_in_protobuf),
        cmocka_unit_test(spans_are_whole_in_json),
        cmocka_unit_test(what_is_not_there_is_left_out),
        cmocka_unit_test(attributes_beyond_the_bound_are_counted),
        cmocka_unit_test(metrics_are_whole_in_protobuf),
        cmocka_unit_test(metrics_are_whole_in_json),
        cmocka_unit_test(a_receiver_s_refusals_are_read),
        cmocka_unit_test(a_receiver_s_words_are_read),
    };
    return run_watched(tests);
}
