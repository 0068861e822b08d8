/* What a reader gathers takes its room from an account, or is refused. */
#include "told.h"

#include "base/memory.h"

enum { LARGE = 100000, PIECE = 4096 };

#define CHAT DIALECT_OPENAI_CHAT

/* {"choices":[{"index":0,"member":{"content":"aaa…"},"finish_reason":"stop"}]} */
static buf answer_of(size_t bytes, const char *member, const char *before, const char *after) {
    buf b = BUF_EMPTY;
    buf_addf(&b, "%s{\"choices\":[{\"index\":0,\"%s\":{\"content\":\"", before, member);
    memset(buf_reserve(&b, bytes), 'a', bytes);
    buf_grow(&b, bytes);
    buf_addf(&b, "\"},\"finish_reason\":\"stop\"}]}%s", after);
    return b;
}

static buf document(size_t bytes) {
    return answer_of(bytes, "message", "", "");
}

static buf event(size_t bytes) {
    return answer_of(bytes, "delta", "data: ", "\n\ndata: [DONE]\n\n");
}

typedef struct room {
    memory_bound bound;
    memory_account account;
    uint64_t peak;
} room;

static void room_init(room *m, uint64_t bytes) {
    *m = (room){.account.bound = &m->bound};
    memory_bound_init(&m->bound, bytes, bytes);
}

/* Nothing is left. */
static void room_done(room *m) {
    assert_int_equal(m->account.used, 0);
    memory_account_done(&m->account);
    assert_int_equal(m->bound.lent, 0);
    assert_int_equal(m->bound.holders.count, 0);
    memory_bound_done(&m->bound);
}

static void look(room *m) {
    if (m->account.used > m->peak) m->peak = m->account.used;
}

static reader_result read_in(room *m, reader_asked asked, const char *type, span body) {
    reader_spec spec = told_spec(CHAT, asked);
    spec.event_bytes = spec.answer_bytes = 1 << 20;
    spec.memory = &m->account;
    spec.holder = 1;
    reader r;
    answer_event e;
    reader_result got = READER_MORE;
    reader_init(&r, &spec, span_cstr(type), -1);
    for (size_t at = 0; at < body.len && got == READER_MORE; at += PIECE) {
        span rest = span_slice(body, at, at + PIECE);
        while ((got = reader_next(&r, &rest, &e)) == READER_EVENT)
            look(m);
        look(m);
    }
    if (got == READER_MORE)
        while ((got = reader_end(&r, true, &e)) == READER_EVENT)
            look(m);
    reader_done(&r);
    return got;
}

typedef struct form {
    reader_asked asked;
    const char *type;
    buf (*make)(size_t bytes);
} form;

static const form forms[] = {
    {ASKED_DOCUMENT, "application/json", document},
    {ASKED_STREAM, "text/event-stream", event},
    {ASKED_DOCUMENT, "text/event-stream", event}, /* put together */
    {ASKED_STREAM, "application/json", document}, /* taken apart */
};

static void what_is_gathered_is_counted(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        room m;
        buf body = forms[i].make(LARGE);
        room_init(&m, 8 * LARGE);
        assert_int_equal(read_in(&m, forms[i].asked, forms[i].type, buf_span(&body)), READER_END);
        assert_in_range(m.peak, LARGE, 8 * LARGE);
        room_done(&m);
        buf_done(&body);
    }
}

static void and_refused_without_room(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        room m;
        buf body = forms[i].make(LARGE);
        room_init(&m, LARGE / 2);
        assert_int_equal(read_in(&m, forms[i].asked, forms[i].type, buf_span(&body)),
                         READER_NO_ROOM);
        assert_in_range(m.peak, 0, LARGE / 2);
        room_done(&m);
        buf_done(&body);
    }
}

/* What a document becomes in the other form takes room as well. */
static void what_is_made_is_counted(void **state) {
    (void)state;
    room m;
    buf body = document(LARGE);
    room_init(&m, LARGE + LARGE / 2);
    assert_int_equal(read_in(&m, ASKED_STREAM, "application/json", buf_span(&body)),
                     READER_NO_ROOM);
    room_done(&m);
    buf_done(&body);
}

/* Events that come whole, or are small, ask for nothing. */
static void a_stream_that_flows_takes_none(void **state) {
    (void)state;
    room m;
    room_init(&m, 1);
    buf body = BUF_EMPTY, one = answer_of(2000, "delta", "data: ", "\n\n");
    for (int i = 0; i < 200; i++)
        buf_add(&body, buf_span(&one));
    buf_add_cstr(&body, "data: [DONE]\n\n");
    assert_int_equal(read_in(&m, ASKED_STREAM, "text/event-stream", buf_span(&body)), READER_END);
    assert_int_equal(m.peak, 0);
    room_done(&m);
    buf_done(&one);
    buf_done(&body);
}

/* And a large one gives back what it took when it has been told. */
static void a_large_event_gives_its_room_back(void **state) {
    (void)state;
    room m;
    room_init(&m, 8 * LARGE);
    reader_spec spec = told_spec(CHAT, ASKED_STREAM);
    spec.event_bytes = 1 << 20;
    spec.memory = &m.account;
    reader r;
    answer_event e;
    buf body = answer_of(LARGE, "delta", "data: ", "\n\n");
    reader_init(&r, &spec, SPAN_OF("text/event-stream"), -1);
    for (size_t at = 0; at < body.len; at += PIECE) {
        span rest = span_slice(buf_span(&body), at, at + PIECE);
        while (reader_next(&r, &rest, &e) == READER_EVENT)
            look(&m);
        look(&m);
    }
    assert_in_range(m.peak, LARGE, 4 * LARGE);
    span next = SPAN_OF("data: {}\n\ndata: {}\n\n");
    while (reader_next(&r, &next, &e) == READER_EVENT) {}
    assert_int_equal(m.account.used, 0);
    reader_done(&r);
    room_done(&m);
    buf_done(&body);
}

/* A length that is told is taken at once, in one piece of memory. */
static void a_told_length_is_taken_at_once(void **state) {
    (void)state;
    room m;
    room_init(&m, 2 * LARGE);
    reader_spec spec = told_spec(CHAT, ASKED_DOCUMENT);
    spec.answer_bytes = 1 << 20;
    spec.memory = &m.account;
    reader r;
    answer_event e;
    span piece = SPAN_OF("{");
    reader_init(&r, &spec, SPAN_OF("application/json"), LARGE);
    assert_int_equal(reader_next(&r, &piece, &e), READER_MORE);
    assert_int_equal(m.account.used, LARGE);
    assert_int_equal(r.body.cap, LARGE);
    reader_done(&r);
    room_done(&m);
    room_init(&m, LARGE - 1);
    spec.memory = &m.account;
    piece = SPAN_OF("{");
    reader_init(&r, &spec, SPAN_OF("application/json"), LARGE);
    assert_int_equal(reader_next(&r, &piece, &e), READER_NO_ROOM);
    assert_null(r.body.ptr);
    reader_done(&r);
    room_done(&m);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_gathered_is_counted),
        cmocka_unit_test(and_refused_without_room),
        cmocka_unit_test(what_is_made_is_counted),
        cmocka_unit_test(a_stream_that_flows_takes_none),
        cmocka_unit_test(a_large_event_gives_its_room_back),
        cmocka_unit_test(a_told_length_is_taken_at_once),
    };
    return run_watched(tests);
}
