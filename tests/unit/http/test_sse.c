/* Server-sent events: every input is fed whole, byte by byte and cut in two at each offset, each
 * piece from memory of its own that is gone afterwards; the events must be the same. */
#include "unit.h"

#include "http/sse.h"

#include "base/mem.h"

/* What a reader told, as text: "name=data;" for each event, then "!" where it found one too large.
 */
typedef struct told {
    buf text;
} told;

static void tell(told *t, sse_result result, const sse_event *event) {
    if (result == SSE_EVENT) {
        buf_add(&t->text, event->name);
        buf_add_char(&t->text, '=');
        buf_add(&t->text, event->data);
        buf_add_char(&t->text, ';');
    } else if (result == SSE_TOO_LARGE) {
        buf_add_char(&t->text, '!');
    }
}

static sse_result feed(sse_reader *r, span bytes, told *t) {
    char *piece = mem_alloc(bytes.len); /* to the byte, so that sanitizers see one too many */
    memcpy(piece, bytes.ptr, bytes.len);
    span input = span_from(piece, bytes.len);
    sse_event event;
    sse_result result;
    while ((result = sse_read(r, &input, &event)) == SSE_EVENT)
        tell(t, result, &event);
    if (result == SSE_MORE) assert_int_equal(input.len, 0);
    free(piece);
    return result;
}

static void end(sse_reader *r, sse_result last, told *t) {
    sse_event event;
    sse_result result = last;
    if (last == SSE_MORE && (result = sse_read_end(r, &event)) == SSE_EVENT) {
        tell(t, result, &event);
        result = sse_read_end(r, &event);
        assert_int_equal(result, SSE_MORE);
    }
    tell(t, result, NULL);
    sse_reader_done(r);
}

/* In pieces of `step` bytes, the first one of `first`. */
static void read_in_pieces(span doc, size_t limit, size_t first, size_t step, told *t) {
    sse_reader r;
    sse_reader_init(&r, limit);
    sse_result last = SSE_MORE;
    for (size_t at = 0; at < doc.len && last == SSE_MORE;) {
        size_t len = at == 0 ? first : step;
        last = feed(&r, span_slice(doc, at, at + len), t);
        at += len;
    }
    end(&r, last, t);
}

static void assert_told(span doc, size_t limit, size_t first, size_t step, span expected) {
    told t = {BUF_EMPTY};
    read_in_pieces(doc, limit, first, step, &t);
    if (!span_eq(buf_span(&t.text), expected))
        fail_msg("%.*s\ncut at %zu by %zu gives %.*s, expected %.*s", SPAN_ARG(doc), first, step,
                 SPAN_ARG(buf_span(&t.text)), SPAN_ARG(expected));
    buf_done(&t.text);
}

static void assert_events(span doc, size_t limit, span expected) {
    assert_told(doc, limit, doc.len, doc.len, expected);
    for (size_t step = 1; step <= 3; step++)
        assert_told(doc, limit, step, step, expected);
    for (size_t at = 1; at < doc.len; at++) {
        assert_told(doc, limit, at, doc.len, expected);
        assert_told(doc, limit, at, 1, expected);
    }
}

static const struct {
    span doc;
    span events;
} legal[] = {
    /* line ends */
    {SPAN("data: a\n\ndata: b\n\n"), SPAN("=a;=b;")},
    {SPAN("data: a\r\n\r\ndata: b\r\n\r\n"), SPAN("=a;=b;")},
    {SPAN("data: a\r\rdata: b\r\r"), SPAN("=a;=b;")},
    {SPAN("data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r"), SPAN("=a;=b;=c;=d;")},
    {SPAN("data: a\r\ndata: b\rdata: c\ndata: d\r\n\r"), SPAN("=a\nb\nc\nd;")},
    {SPAN("\n\n\r\r\n\r\ndata: a\n\n\n\n\r\r\ndata: b\n\n"), SPAN("=a;=b;")},
    /* a byte order mark, only at the very start; what merely begins like one is an unknown field */
    {SPAN("\xEF\xBB\xBF"
          "data: a\n\n"),
     SPAN("=a;")},
    {SPAN("\xEF\xBB\xBF\n\ndata: a\n\n"), SPAN("=a;")},
    {SPAN("\xEF\xBB\xBF\xEF\xBB\xBF"
          "data: a\n\ndata: b\n\n"),
     SPAN("=b;")},
    {SPAN("data: a\n\n\xEF\xBB\xBF"
          "data: b\n\n"),
     SPAN("=a;")},
    {SPAN("\xEF\xBB"
          "data: a\n\ndata: b\n\n"),
     SPAN("=b;")},
    {SPAN("\xEF\ndata: a\n\n"), SPAN("=a;")},
    {SPAN("\xEF\xBB\xBF"), SPAN("")},
    {SPAN("\xEF\xBB"), SPAN("")},
    /* comments */
    {SPAN(": keep-alive\n\ndata: a\n\n"), SPAN("=a;")},
    {SPAN(":\n:\n\ndata: a\n:in between\ndata: b\n\n"), SPAN("=a\nb;")},
    {SPAN(": data: x\n\n"), SPAN("")},
    {SPAN(": OPENROUTER PROCESSING\r\n\r\ndata: {}\r\n\r\n"), SPAN("={};")},
    /* data: several lines, blanks, empty lines, colons */
    {SPAN("data: a\ndata: b\ndata:  c\n\n"), SPAN("=a\nb\n c;")},
    {SPAN("data:a\ndata:b\n\n"), SPAN("=a\nb;")},
    {SPAN("data:\ta\n\n"), SPAN("=\ta;")},
    {SPAN("data\n\n"), SPAN("=;")},
    {SPAN("data:\n\n"), SPAN("=;")},
    {SPAN("data: \n\n"), SPAN("=;")},
    {SPAN("data\ndata\n\n"), SPAN("=\n;")},
    {SPAN("data:\ndata: a\ndata:\n\n"), SPAN("=\na\n;")},
    {SPAN("data: a:b: c\n\n"), SPAN("=a:b: c;")},
    {SPAN("data: {\"a\":\"\xC3\xA9\xF0\x9F\x98\x80\"}\n\n"),
     SPAN("={\"a\":\"\xC3\xA9\xF0\x9F\x98\x80\"};")},
    {SPAN("data: a\0b\xFF\n\n"), SPAN("=a\0b\xFF;")},
    {SPAN("data: {\"x\":1}\n\ndata: [DONE]\n\n"), SPAN("={\"x\":1};=[DONE];")},
    {SPAN("data:[DONE]\n\n"), SPAN("=[DONE];")},
    /* names: the last one counts, and for its own event alone */
    {SPAN("event: m\ndata: a\n\ndata: b\n\n"), SPAN("m=a;=b;")},
    {SPAN("data: a\nevent:m\n\n"), SPAN("m=a;")},
    {SPAN("event: m\nevent: longer name\ndata: a\n\n"), SPAN("longer name=a;")},
    {SPAN("event: m\nevent\ndata: a\n\n"), SPAN("=a;")},
    {SPAN("event:  m \ndata: a\n\n"), SPAN(" m =a;")},
    /* events without data are dropped, with their names */
    {SPAN("event: m\n\ndata: a\n\n"), SPAN("=a;")},
    {SPAN("event: ping\n\n"), SPAN("")},
    {SPAN("id: 1\n\nretry: 10\n\n"), SPAN("")},
    /* fields that are passed over */
    {SPAN("id: 7\nretry: 100\ndata: a\nid\n\n"), SPAN("=a;")},
    {SPAN("foo: x\nDATA: y\n data: z\ndata : w\ndatab: v\ndat: u\ndata: a\n\n"), SPAN("=a;")},
    /* the end: no final blank line, no line end, half a line */
    {SPAN("data: a\n\ndata: b\n"), SPAN("=a;=b;")},
    {SPAN("data: a\n\ndata: b\r"), SPAN("=a;=b;")},
    {SPAN("data: a\n\ndata: b"), SPAN("=a;=b;")},
    {SPAN("data: a\ndata: b"), SPAN("=a\nb;")},
    {SPAN("event: m\ndata:a"), SPAN("m=a;")},
    {SPAN("data: a\nevent: m"), SPAN("=a;")},
    {SPAN("data: a\nda"), SPAN("=a;")},
    {SPAN("data: a\n\ndata"), SPAN("=a;")},
    {SPAN("data: a\n\ndata:"), SPAN("=a;")},
    {SPAN("data: a\n\ndata: "), SPAN("=a;")},
    {SPAN("data: a\n\nevent: m"), SPAN("=a;")},
    {SPAN("data: a\n\n: comm"), SPAN("=a;")},
    {SPAN(""), SPAN("")},
    {SPAN("\n"), SPAN("")},
};

static void reads_every_legal_form(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(legal); i++)
        assert_events(legal[i].doc, 1 << 20, legal[i].events);
}

static void bounds_events(void **state) {
    (void)state;
    static const struct {
        size_t limit;
        span doc;
        span events;
    } rows[] = {
        /* a line counts whole while it is read, its value alone once it was */
        {10, SPAN("data: 1234\n\n"), SPAN("=1234;")},
        {9, SPAN("data: 1234\n\n"), SPAN("!")},
        {9, SPAN("data: ab\n\ndata: 1234\n\ndata: ab\n\n"), SPAN("=ab;!")},
        {9, SPAN("data: 1234"), SPAN("!")},
        {14, SPAN("data: 1234\ndata: 1234\n\n"), SPAN("=1234\n1234;")},
        {13, SPAN("data: 1234\ndata: 1234\n\n"), SPAN("!")},
        {13, SPAN("event: 123\ndata: 1234\n\n"), SPAN("123=1234;")},
        {12, SPAN("event: 123\ndata: 1234\n\n"), SPAN("!")},
        {9, SPAN("ignored: 1234\n\n"), SPAN("!")},
        {9, SPAN(": a comment that is too long\n\n"), SPAN("!")},
        /* what was passed over does not add up */
        {9, SPAN(": c\n: c\n: c\n: c\n: c\nid: 1\nid: 2\nid: 3\ndata: a\n\n"), SPAN("=a;")},
        {9, SPAN("event: a\nevent: b\nevent: c\ndata: a\n\n"), SPAN("c=a;")},
        {0, SPAN("\n\r\n"), SPAN("")},
        {0, SPAN("d"), SPAN("!")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_events(rows[i].doc, rows[i].limit, rows[i].events);
}

static void stays_dead(void **state) {
    (void)state;
    sse_reader r;
    sse_reader_init(&r, 8);
    sse_event event;
    span input = SPAN_OF("data: too long\n\ndata: a\n\n");
    assert_int_equal(sse_read(&r, &input, &event), SSE_TOO_LARGE);
    input = SPAN_OF("data: a\n\n");
    assert_int_equal(sse_read(&r, &input, &event), SSE_TOO_LARGE);
    assert_int_equal(sse_read_end(&r, &event), SSE_TOO_LARGE);
    sse_reader_done(&r);
}

static void tells_ids_and_waits_to_who_wants_them(void **state) {
    (void)state;
    static const struct {
        span doc, id;
        int64_t retry_ms;
    } rows[] = {
        {SPAN("id: 7\nretry: 1500\ndata:\n\n"), SPAN("7"), 1500},
        {SPAN("retry:0\r\n\r\n"), SPAN(""), 0},
        {SPAN("retry: 10\nretry: 20\n\n"), SPAN(""), 20},
        {SPAN("retry: 10\nretry: 1e3\nretry: -5\nretry: 5s\nretry:\nretry\n\n"), SPAN(""), 10},
        {SPAN("retry: 999999999\nretry: 1000000000\n\n"), SPAN(""), 999999999},
        {SPAN("data: retry: 5\n\n"), SPAN(""), -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sse_reader r;
        sse_event event;
        buf id = BUF_EMPTY;
        int64_t retry_ms = -1;
        span input = rows[i].doc;
        sse_reader_init(&r, 1024);
        r.ids = &id;
        r.retry_ms = &retry_ms;
        while (sse_read(&r, &input, &event) != SSE_MORE) {}
        assert_true(span_eq(buf_span(&id), rows[i].id));
        assert_int_equal(retry_ms, rows[i].retry_ms);
        sse_reader_done(&r);
        buf_done(&id);
    }
}

/* As llama.cpp's server has told them. */
static void tells_fields_that_are_errors_to_who_wants_them(void **state) {
    (void)state;
    static const struct {
        const char *in, *wanted, *unwanted;
    } rows[] = {
        {"error: {\"code\":400}\n\ndata: [DONE]\n\n", "error={\"code\":400};=[DONE];", "=[DONE];"},
        {"event: late\r\nerror:it broke\r\n\r\n", "error=it broke;", ""},
        {"error: a\nerror: b\n\n", "error=a\nb;", ""},
        {"errors: a\n\nerror\n\n", "error=;", ""},
        {"error: {\"code\":429}", "error={\"code\":429};", ""}, /* no line end */
        {"data: a\n\nerror:b", "=a;error=b;", "=a;"},
        {"data: a\n\nerror: ", "=a;", "=a;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span in = span_cstr(rows[i].in);
        for (size_t cut = 0; cut <= in.len; cut++) {
            for (int wants = 0; wants < 2; wants++) {
                told t = {0};
                sse_reader r;
                sse_reader_init(&r, 1000);
                r.errors = wants;
                (void)feed(&r, span_slice(in, 0, cut), &t);
                end(&r, feed(&r, span_slice(in, cut, in.len), &t), &t);
                assert_span(buf_span(&t.text), wants ? rows[i].wanted : rows[i].unwanted);
                buf_done(&t.text);
            }
        }
    }
}

/* The usual case costs no copy: name and data point into the input. */
static void lends_what_one_piece_holds(void **state) {
    (void)state;
    sse_reader r;
    sse_reader_init(&r, 1024);
    sse_event event;
    span piece = SPAN_OF("event: m\ndata: one\n\ndata: two\r\n\r\ndata: th");
    span input = piece;
    assert_int_equal(sse_read(&r, &input, &event), SSE_EVENT);
    assert_ptr_equal(event.name.ptr, piece.ptr + 7);
    assert_ptr_equal(event.data.ptr, piece.ptr + 15);
    assert_int_equal(sse_read(&r, &input, &event), SSE_EVENT);
    assert_ptr_equal(event.data.ptr, piece.ptr + 26);
    assert_span(event.data, "two");
    assert_ptr_equal(r.line.ptr, NULL);
    assert_ptr_equal(r.data.held.ptr, NULL);
    assert_int_equal(sse_read(&r, &input, &event), SSE_MORE);
    input = SPAN_OF("ree\n\n");
    assert_int_equal(sse_read(&r, &input, &event), SSE_EVENT);
    assert_span(event.data, "three");
    sse_reader_done(&r);
}

static void bears_a_megabyte(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    buf doc = BUF_EMPTY, expected = BUF_EMPTY;
    buf_add_cstr(&doc, "data: a\n\nevent: big\ndata: ");
    buf_add_cstr(&expected, "=a;big=");
    memset(buf_reserve(&doc, SIZE), 'x', SIZE);
    buf_grow(&doc, SIZE);
    memset(buf_reserve(&expected, SIZE), 'x', SIZE);
    buf_grow(&expected, SIZE);
    buf_add_cstr(&doc, "\n\ndata: b\n\n");
    buf_add_cstr(&expected, ";=b;");
    static const size_t steps[] = {1, 1000, 16384, SIZE * 2};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_told(buf_span(&doc), SIZE + 10, steps[i], steps[i], buf_span(&expected));
        assert_told(buf_span(&doc), SIZE, steps[i], steps[i], SPAN_OF("=a;!"));
    }
    buf_done(&doc);
    buf_done(&expected);
}

/* A large event's memory goes when the next one comes. */
static void gives_memory_back(void **state) {
    (void)state;
    sse_reader r;
    sse_reader_init(&r, 1 << 20);
    sse_event event;
    char *big = malloc(100000);
    memset(big, 'x', 100000);
    for (int i = 0; i < 2; i++) {
        span input = SPAN_OF("data: ");
        assert_int_equal(sse_read(&r, &input, &event), SSE_MORE);
        input = span_from(big, 100000);
        assert_int_equal(sse_read(&r, &input, &event), SSE_MORE);
        input = SPAN_OF("\n\nda");
        assert_int_equal(sse_read(&r, &input, &event), SSE_EVENT);
        assert_int_equal(event.data.len, 100000);
        assert_int_equal(sse_read(&r, &input, &event), SSE_MORE);
        input = SPAN_OF("ta: a\n\n");
        assert_int_equal(sse_read(&r, &input, &event), SSE_EVENT);
        assert_span(event.data, "a");
        assert_int_equal(sse_read(&r, &input, &event), SSE_MORE);
        assert_true(r.line.cap + r.data.held.cap + r.name.held.cap <= 3 * 8192);
    }
    sse_reader_done(&r);
    free(big);
}

static void writes(void **state) {
    (void)state;
    static const struct {
        sse_event event;
        const char *written;
        const char *read; /* the data as a reader gets it */
    } rows[] = {
        {{SPAN(""), SPAN("{}")}, "data: {}\n\n", "={};"},
        {{SPAN("error"), SPAN("{}")}, "event: error\ndata: {}\n\n", "error={};"},
        {{SPAN(""), SPAN("")}, "data: \n\n", "=;"},
        {{SPAN(""), SPAN("a\nb")}, "data: a\ndata: b\n\n", "=a\nb;"},
        {{SPAN(""), SPAN("a\r\nb\rc\n\nd")},
         "data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n",
         "=a\nb\nc\n\nd;"},
        {{SPAN(""), SPAN("a\n")}, "data: a\ndata: \n\n", "=a\n;"},
        {{SPAN(""), SPAN("\r")}, "data: \ndata: \n\n", "=\n;"},
        {{SPAN(""), SPAN(" a")}, "data:  a\n\n", "= a;"},
        {{SPAN(""), SPAN("a\n\nevent: forged\ndata: b")},
         "data: a\ndata: \ndata: event: forged\ndata: data: b\n\n",
         "=a\n\nevent: forged\ndata: b;"},
        {{SPAN("m\ndata: forged"), SPAN("a")}, "event: m\ndata: a\n\n", "m=a;"},
        {{SPAN("\rx"), SPAN("a")}, "data: a\n\n", "=a;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        sse_write(&out, &rows[i].event);
        assert_span(buf_span(&out), rows[i].written);
        if (sse_is_line(rows[i].event.data)) { /* the same from where it lies */
            buf parts = BUF_EMPTY;
            sse_write_before(&parts, &rows[i].event);
            buf_add(&parts, rows[i].event.data);
            buf_add_cstr(&parts, "\n\n");
            assert_span(buf_span(&parts), rows[i].written);
            buf_done(&parts);
        }
        assert_events(buf_span(&out), 1024, span_cstr(rows[i].read));
        buf_done(&out);
    }
}

static void writes_comments(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    sse_write_comment(&out, SPAN_OF("keep-alive"));
    assert_span(buf_span(&out), ": keep-alive\n\n");
    buf_clear(&out);
    sse_write_comment(&out, SPAN_OF("a\ndata: forged\r\n\r\nb"));
    assert_span(buf_span(&out), ": a\n: data: forged\n: \n: b\n\n");
    assert_events(buf_span(&out), 1024, SPAN_OF(""));
    buf_done(&out);
}

/* Of what is cut in two the first half is read, and the second looked through. */
static void finds_where_an_event_ends(void **state) {
    (void)state;
    static const struct {
        span doc;
        size_t len; /* with the end; 0: it has none */
    } rows[] = {
        {SPAN("data: a\n\nb"), 9},
        {SPAN("data: a\r\n\r\nb"), 10},
        {SPAN("data: a\r\rb"), 9},
        {SPAN("data: a\n\rb"), 9},
        {SPAN("data: a\r\n\nb"), 10},
        {SPAN("data: a\ndata: b\n: c\n\nb"), 21},
        {SPAN("data: a\ndata: b\r\n: c\r\nb"), 0},
        {SPAN("data: a\n"), 0},
        {SPAN("data: a\r\n"), 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span doc = rows[i].doc;
        for (size_t cut = 1; cut < (rows[i].len ? rows[i].len : doc.len); cut++) {
            sse_reader r;
            told t = {BUF_EMPTY};
            sse_reader_init(&r, 1024);
            (void)feed(&r, span_slice(doc, 0, cut), &t);
            sse_end whole = sse_end_after(&r), bytes = whole;
            bool found = sse_end_find(&whole, span_slice(doc, cut, doc.len));
            size_t at = cut;
            while (at < doc.len && !sse_end_find(&bytes, span_slice(doc, at, at + 1)))
                at++;
            size_t len = at < doc.len ? at + 1 : 0;
            if (len != rows[i].len || found != (len > 0))
                fail_msg("%.*s cut at %zu: %zu", SPAN_ARG(doc), cut, len);
            buf_done(&t.text);
            sse_reader_done(&r);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_legal_form),
        cmocka_unit_test(bounds_events),
        cmocka_unit_test(stays_dead),
        cmocka_unit_test(tells_ids_and_waits_to_who_wants_them),
        cmocka_unit_test(tells_fields_that_are_errors_to_who_wants_them),
        cmocka_unit_test(lends_what_one_piece_holds),
        cmocka_unit_test(bears_a_megabyte),
        cmocka_unit_test(gives_memory_back),
        cmocka_unit_test(finds_where_an_event_ends),
        cmocka_unit_test(writes),
        cmocka_unit_test(writes_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
