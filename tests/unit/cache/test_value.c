/* What was recorded comes back from the bytes that several weirs keep; what was altered, cut off or
 * put under another key does not. */
#include "heap.h"
#include "unit.h"

#include "base/mem.h"
#include "base/random.h"
#include "cache/value.h"

static cache_room room = {.most = SIZE_MAX};

static cache_key key_of(const char *text) {
    cache_key key;
    sha256(span_cstr(text), key.bytes);
    return key;
}

static void make_event(rng *r, unsigned i, buf *name, buf *data) {
    buf_clear(name);
    buf_clear(data);
    if (i % 5 == 3) buf_addf(name, "event.%u", i % 3);
    if (i % 11 == 5) return; /* nothing in it */
    buf_add_cstr(data, "{\"choices\":[{\"delta\":{\"content\":\"");
    for (uint64_t n = rng_u64(r) % (i % 13 == 12 ? 3000 : 9); n > 0; n--)
        buf_add_char(data, (char)('a' + rng_u64(r) % 26));
    buf_add_cstr(data, "\"}}]}");
}

static recording *record(unsigned count, uint64_t seed) {
    recording *said = recording_new(&room);
    buf name = BUF_EMPTY, data = BUF_EMPTY;
    rng r;
    rng_seed(&r, seed);
    for (unsigned i = 0; i < count; i++) {
        make_event(&r, i, &name, &data);
        recording_add(said, buf_span(&name), buf_span(&data), i * i);
    }
    recording_end(said);
    buf_done(&name);
    buf_done(&data);
    return said;
}

static void check_events(recording *said, unsigned count, uint64_t seed) {
    buf name = BUF_EMPTY, data = BUF_EMPTY;
    recording_reader at;
    recorded_event e;
    unsigned i = 0;
    rng r;
    rng_seed(&r, seed);
    assert_true(recording_ended(said) && recording_read(said, &at));
    for (; recording_next(&at, &e); i++) {
        make_event(&r, i, &name, &data);
        assert_true(span_eq(e.name, buf_span(&name)) && span_eq(e.data, buf_span(&data)));
        assert_int_equal(e.at_ms, i * i);
    }
    assert_int_equal(i, count);
    recording_reader_done(&at);
    buf_done(&name);
    buf_done(&data);
}

static void write(const char *key, bool stream, recording *said, buf *out) {
    const cache_key k = key_of(key);
    const cache_value v = {.stream = stream,
                           .usage_asked = true,
                           .model = SPAN_OF("gpt"),
                           .client = SPAN_OF("app"),
                           .target = SPAN_OF("openai/gpt"),
                           .asked_ms = 1795867100123,
                           .stored_ms = 1795867200123,
                           .expires_ms = 1795870800123,
                           .said = said};
    assert_true(cache_value_write(&k, &v, out));
}

static bool read(const char *key, span bytes, size_t most, cache_value *ret) {
    const cache_key k = key_of(key);
    return cache_value_read(bytes, &k, &room, most, ret);
}

static void streams_come_back(void **state) {
    (void)state;
    static const unsigned counts[] = {1, 2, 7, 100, 2000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        recording *said = record(counts[i], i);
        buf bytes = BUF_EMPTY;
        cache_value v;
        write("a", true, said, &bytes);
        assert_true(read("a", buf_span(&bytes), SIZE_MAX, &v));
        assert_true(v.stream && v.usage_asked);
        assert_span(v.model, "gpt");
        assert_span(v.client, "app");
        assert_span(v.target, "openai/gpt");
        assert_int_equal(v.asked_ms, 1795867100123);
        assert_int_equal(v.stored_ms, 1795867200123);
        assert_int_equal(v.expires_ms, 1795870800123);
        check_events(v.said, counts[i], i);
        recording_unref(v.said);
        recording_unref(said);
        buf_done(&bytes);
    }
    assert_int_equal(atomic_load(&room.used), 0);
}

/* What is large takes less than it is. */
static void documents_come_back(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 100, CACHE_VALUE_PACKED_MIN - 1, 100000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        buf text = BUF_EMPTY, bytes = BUF_EMPTY;
        cache_value v;
        recording_reader at;
        recorded_event e;
        recording *said = recording_new(&room);
        while (text.len < sizes[i])
            buf_add_char(&text, "all work and no play "[text.len % 21]);
        recording_add_whole(said, buf_span(&text));
        recording_end(said);
        write("a", false, said, &bytes);
        if (sizes[i] > 50000) assert_true(bytes.len < sizes[i] / 10);
        assert_true(read("a", buf_span(&bytes), SIZE_MAX, &v));
        assert_true(!v.stream && recording_read(v.said, &at) && recording_next(&at, &e));
        assert_true(span_eq(e.data, buf_span(&text)));
        assert_false(recording_next(&at, &e));
        recording_reader_done(&at);
        recording_unref(v.said);
        recording_unref(said);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void what_was_harmed_is_none(void **state) {
    (void)state;
    recording *said = record(40, 9);
    buf bytes = BUF_EMPTY;
    cache_value v;
    write("a", true, said, &bytes);
    const span whole = buf_span(&bytes);
    for (size_t len = 0; len < whole.len; len++) {
        char *cut = mem_strndup(whole.ptr, len); /* so that reading behind it is seen */
        assert_false(read("a", span_from(cut, len), SIZE_MAX, &v));
        free(cut);
    }
    for (size_t i = 0; i < whole.len; i++) {
        bytes.ptr[i] ^= 1;
        assert_false(read("a", whole, SIZE_MAX, &v));
        bytes.ptr[i] ^= 1;
    }
    assert_false(read("b", whole, SIZE_MAX, &v));
    assert_true(read("a", whole, SIZE_MAX, &v));
    recording_unref(v.said);
    buf_add_char(&bytes, 'x');
    assert_false(read("a", buf_span(&bytes), SIZE_MAX, &v));
    recording_unref(said);
    buf_done(&bytes);
    assert_int_equal(atomic_load(&room.used), 0);
}

static void what_is_too_large_is_none(void **state) {
    (void)state;
    recording *said = record(100, 3);
    const size_t most = recording_bytes(said);
    buf bytes = BUF_EMPTY;
    cache_value v;
    write("a", true, said, &bytes);
    assert_false(read("a", buf_span(&bytes), most / 2, &v));
    assert_false(read("a", buf_span(&bytes), most - 1, &v));
    assert_true(read("a", buf_span(&bytes), most, &v));
    recording_unref(v.said);
    recording_unref(said);
    buf_done(&bytes);
}

/* Of the beginning alone; and texts that it could not hold are not written. */
static void texts_stand_at_the_beginning(void **state) {
    (void)state;
    char text[CACHE_VALUE_TEXTS_MAX + 1];
    memset(text, 'm', sizeof text);
    recording *said = record(500, 1);
    buf bytes = BUF_EMPTY;
    const cache_key key = key_of("a");
    cache_value v = {.stream = true, .said = said, .model = span_from(text, sizeof text)}, got;
    assert_false(cache_value_write(&key, &v, &bytes));
    v.model.len--;
    assert_true(cache_value_write(&key, &v, &bytes));
    assert_true(cache_value_peek(span_slice(buf_span(&bytes), 0, CACHE_VALUE_BEGINNING), &got));
    assert_true(span_eq(got.model, v.model));
    assert_false(cache_value_peek(span_slice(buf_span(&bytes), 0, 500), &got));
    bytes.ptr[4]++; /* a later version */
    assert_false(cache_value_peek(buf_span(&bytes), &got));
    recording_unref(said);
    buf_done(&bytes);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_back),
        cmocka_unit_test(documents_come_back),
        cmocka_unit_test(what_was_harmed_is_none),
        cmocka_unit_test(what_is_too_large_is_none),
        cmocka_unit_test(texts_stand_at_the_beginning),
    };
    return run_watched(tests);
}
