/* A recording says what was said, to whoever reads it whenever. */
#include "heap.h"
#include "unit.h"

#include "base/random.h"
#include "cache/recording.h"

#include <pthread.h>

/* The events of a stream, as they are: nearly the same, and now and then another. */
static void make_event(rng *r, unsigned i, buf *name, buf *data) {
    buf_clear(name);
    buf_clear(data);
    if (i % 7 == 3) buf_addf(name, "event.%u", i % 3);
    if (i % 11 == 5) return; /* nothing in it */
    buf_addf(data, "{\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"");
    for (uint64_t n = rng_u64(r) % (i % 13 == 12 ? 5000 : 9); n > 0; n--)
        buf_add_char(data, (char)('a' + rng_u64(r) % 3));
    buf_add_cstr(data, "\"}}]}");
}

static void add_all(recording *rec, unsigned count, uint64_t seed) {
    rng r;
    buf name = BUF_EMPTY, data = BUF_EMPTY;
    rng_seed(&r, seed);
    for (unsigned i = 0; i < count; i++) {
        make_event(&r, i, &name, &data);
        recording_add(rec, buf_span(&name), buf_span(&data), i);
    }
    buf_done(&name);
    buf_done(&data);
}

/* Those from the reader's place on that are there; how many. */
static unsigned check_next(recording_reader *at, rng *r, unsigned from) {
    buf name = BUF_EMPTY, data = BUF_EMPTY;
    recorded_event e;
    unsigned i = from;
    for (; recording_next(at, &e); i++) {
        make_event(r, i, &name, &data);
        assert_true(span_eq(e.name, buf_span(&name)));
        assert_true(span_eq(e.data, buf_span(&data)));
        assert_int_equal(e.at_ms, i);
    }
    buf_done(&name);
    buf_done(&data);
    return i - from;
}

static void each_event_comes_back(void **state) {
    (void)state;
    cache_room room = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        recording *rec = recording_new(&room);
        recording_reader before, after;
        rng r;
        assert_true(recording_read(rec, &before));
        assert_false(recording_next(&before, &(recorded_event){0}));
        add_all(rec, 1000, seed);
        if (seed % 2) recording_end(rec);
        assert_true(recording_read(rec, &after));
        rng_seed(&r, seed);
        assert_int_equal(check_next(&before, &r, 0), 1000);
        rng_seed(&r, seed);
        assert_int_equal(check_next(&after, &r, 0), 1000);
        assert_int_equal(after.bytes, recording_bytes(rec));
        recording_reader_done(&before);
        recording_reader_done(&after);
        recording_reader_done(&after);
        recording_unref(rec);
    }
    assert_int_equal(room.used, 0);
}

static void nothing_and_one_large_thing(void **state) {
    (void)state;
    cache_room room = {0};
    recording *rec = recording_new(&room);
    buf large = BUF_EMPTY;
    for (int i = 0; i < 200000; i++)
        buf_add_char(&large, (char)('a' + i % 26));
    recording_add(rec, SPAN_EMPTY, buf_span(&large), 0);
    recording_end(rec);
    assert_true(recording_ended(rec));
    assert_true(room.used < large.len + 1000); /* nothing is kept beside it */
    recording_reader at;
    recorded_event e;
    assert_true(recording_read(rec, &at));
    assert_true(recording_next(&at, &e));
    assert_true(span_eq(e.data, buf_span(&large)));
    assert_false(recording_next(&at, &e));
    recording_reader_done(&at);
    recording_unref(rec);
    buf_done(&large);
    assert_int_equal(room.used, 0);
}

/* What differs is kept, and not each chunk anew. */
/* In one piece of memory, which is there as long as somebody holds the recording, whether or not
 * anybody can still begin; and what follows all the same is heard behind it. */
static void a_document_is_there_from_the_beginning(void **state) {
    (void)state;
    cache_room room = {0};
    for (int more = 0; more < 2; more++) {
        recording *rec = recording_of_whole(&room, SPAN_OF("{\"a\":1}"));
        recording_reader at, late;
        recorded_event e;
        assert_int_equal(recording_events(rec), 1);
        assert_false(recording_ended(rec));
        assert_true(recording_read(rec, &at));
        if (more) recording_add_whole(rec, SPAN_OF("{\"a\":2}"));
        recording_end(rec);
        assert_true(recording_ended(rec));
        recording_let_go(rec);
        assert_false(recording_read(rec, &late));
        recording_unref(rec);
        assert_true(recording_next(&at, &e));
        assert_true(span_eq(e.data, SPAN_OF("{\"a\":1}")));
        assert_int_equal(recording_next(&at, &e), more);
        if (more) assert_true(span_eq(e.data, SPAN_OF("{\"a\":2}")));
        assert_true(room.used > 0);
        recording_reader_done(&at);
        assert_int_equal(room.used, 0);
    }
}

static void chunks_of_one_answer_take_little(void **state) {
    (void)state;
    cache_room room = {0};
    recording *rec = recording_new(&room);
    size_t said = 0;
    for (int i = 0; i < 500; i++) {
        char data[256];
        said += (size_t)snprintf(data, sizeof data,
                                 "{\"id\":\"chatcmpl-abcdefghijklmnopqrstuvwxyz\",\"object\":"
                                 "\"chat.completion.chunk\",\"created\":1700000000,\"model\":"
                                 "\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":"
                                 "{\"content\":\" w%d\"},\"finish_reason\":null}]}",
                                 i);
        recording_add(rec, SPAN_EMPTY, span_cstr(data), 0);
    }
    recording_end(rec);
    assert_true(recording_bytes(rec) * 8 < said);
    recording_unref(rec);
    assert_int_equal(room.used, 0);
}

/* Let go, it keeps what its readers have still to hear and no more. */
static void what_nobody_will_hear_is_freed(void **state) {
    (void)state;
    cache_room room = {0};
    recording *rec = recording_new(&room);
    recording_reader at, late;
    rng r;
    add_all(rec, 3000, 5);
    assert_true(recording_read(rec, &at));
    recording_let_go(rec);
    assert_false(recording_read(rec, &late));
    const size_t all = room.used;
    rng_seed(&r, 5);
    assert_int_equal(check_next(&at, &r, 0), 3000);
    assert_true(room.used * 2 < all);
    recording_reader_done(&at);
    add_all(rec, 3000, 5);
    assert_true(room.used * 2 < all);
    recording_unref(rec);
    assert_int_equal(room.used, 0);
}

typedef struct job {
    recording *rec;
    unsigned heard;
} job;

static void *hear(void *arg) {
    job *j = arg;
    recording_reader at;
    rng r;
    rng_seed(&r, 9);
    if (!recording_read(j->rec, &at)) return NULL;
    while (j->heard < 20000)
        j->heard += check_next(&at, &r, j->heard);
    recording_reader_done(&at);
    return NULL;
}

/* Others read while it is written, each on its own thread. */
static void it_is_heard_while_it_is_written(void **state) {
    (void)state;
    cache_room room = {0};
    recording *rec = recording_new(&room);
    job jobs[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (job){rec, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, hear, &jobs[i]), 0);
    }
    add_all(rec, 20000, 9);
    recording_end(rec);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].heard, 20000);
    }
    recording_unref(rec);
    assert_int_equal(room.used, 0);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_comes_back),
        cmocka_unit_test(nothing_and_one_large_thing),
        cmocka_unit_test(a_document_is_there_from_the_beginning),
        cmocka_unit_test(chunks_of_one_answer_take_little),
        cmocka_unit_test(what_nobody_will_hear_is_freed),
        cmocka_unit_test(it_is_heard_while_it_is_written),
    };
    return run_watched(tests);
}
