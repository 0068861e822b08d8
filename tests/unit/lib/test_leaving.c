/* What leaves weir of what it knows of a call: each field of each struct, by the doors that
 * leaving.def gives it and by no other; escaped, and bounded where it is a log's. */
#include "unit.h"

#include "config/config.h"
#include "dialect/failure.h"
#include "json/json.h"
#include "ledger/call.h"
#include "lib/result.h"
#include "observe/line.h"
#include "observe/metrics.h"

enum {
    LINE_JSON = 1 << 0,
    LINE_TEXT = 1 << 1,
    METRICS = 1 << 2,
    ERROR = 1 << 3,
    TOLD = 1 << 4,
    RESULT = 1 << 5,
    REFUSAL = 1 << 6,
    EXPLAIN = 1 << 7,
    LEDGER = 1 << 8,
};

typedef enum holds { TEXT, ID, WORD, STRING, OTHER } holds;

typedef struct field {
    const char *of, *name;
    size_t offset, size, align, whole;
    holds holds;
    unsigned doors;
} field;

static const field fields[] = {
#define X(type, name, holds, doors)                                                                \
    {#type,                                                                                        \
     #name,                                                                                        \
     offsetof(type, name),                                                                         \
     sizeof(((type *)0)->name),                                                                    \
     _Alignof(__typeof__(((type *)0)->name)),                                                      \
     sizeof(type),                                                                                 \
     holds,                                                                                        \
     doors},
#include "leaving.def"
#undef X
};

/* ---- the list is whole ---- */

static size_t aligned(size_t at, size_t align) {
    return (at + align - 1) / align * align;
}

/* Nothing lies between two fields of the list, nor behind the last one, that could be a text. */
static void every_field_is_listed(void **state) {
    (void)state;
    size_t end = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const field *f = &fields[i];
        bool first = i == 0 || strcmp(fields[i - 1].of, f->of) != 0;
        bool last = i + 1 == ARRAY_LEN(fields) || strcmp(fields[i + 1].of, f->of) != 0;
        if (f->offset != aligned(first ? 0 : end, f->align))
            fail_msg("%s: what stands before %s is not in leaving.def", f->of, f->name);
        end = f->offset + f->size;
        if (last && f->whole != aligned(end, _Alignof(max_align_t) < 8 ? _Alignof(max_align_t) : 8))
            fail_msg("%s: what stands behind %s is not in leaving.def", f->of, f->name);
        if (f->holds == TEXT) assert_int_equal(f->size, sizeof(span));
    }
}

/* ---- markers ---- */

/* "@call_record.client@", and what would be harm if it stood there as it is. */
static void write_marker(const field *f, bool hostile, buf *out) {
    buf_addf(out, "@%s.%s@", f->of, f->name);
    if (!hostile) return;
    buf_add(out, SPAN_OF("\"'\\\r\n\t\x1b[2J\x07\x7f\xff\xc3\xe2\x80\xae\xc2\x9b"));
    for (size_t i = 0; i < 5000; i++)
        buf_add_char(out, 'x');
}

static bool is_of(const field *f, const char *type) {
    return strcmp(f->of, type) == 0;
}

/* Every text of a struct becomes its marker; the arena keeps them. */
static void fill(const char *type, void *base, bool hostile, arena *a) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const field *f = &fields[i];
        buf text = BUF_EMPTY;
        if (!is_of(f, type)) continue;
        write_marker(f, hostile, &text);
        if (f->holds == TEXT) *(span *)((char *)base + f->offset) = arena_dup(a, buf_span(&text));
        if (f->holds == ID)
            (void)snprintf((char *)base + f->offset, f->size, "%s-%zu-id", f->name, i);
        buf_done(&text);
    }
}

static size_t longest_run(span s, char c) {
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < s.len; i++) {
        run = s.ptr[i] == c ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    return longest;
}

/* Whether what came out by a door has what it may have, and nothing else. hostile: some doors leave
 * out what is no UTF-8, or too long; then only what must not be there is looked for. */
static void check_door(const buf *out, unsigned door, bool hostile) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const field *f = &fields[i];
        buf marker = BUF_EMPTY;
        if (f->holds == TEXT) write_marker(f, false, &marker);
        if (f->holds == ID) buf_addf(&marker, "%s-%zu-id", f->name, i);
        bool there = marker.len && span_find_span(buf_span(out), 0, buf_span(&marker)) < out->len;
        bool may = f->doors & door;
        if (there && !may) fail_msg("%s.%s leaves by door %u", f->of, f->name, door);
        if (marker.len && may && !there && !hostile)
            fail_msg("%s.%s does not leave by door %u: %.*s", f->of, f->name, door,
                     SPAN_ARG(buf_span(out)));
        buf_done(&marker);
    }
}

/* One line of UTF-8 that moves no cursor. */
static void check_line(const buf *out) {
    enum { TEXTS = 16 };
    assert_true(out->len > 0 && out->ptr[out->len - 1] == '\n');
    span line = span_from(out->ptr, out->len - 1);
    assert_true(span_is_utf8(line));
    for (size_t i = 0; i < line.len; i++)
        assert_true((unsigned char)line.ptr[i] >= ' ' && line.ptr[i] != 0x7F);
    assert_true(longest_run(line, 'x') <= LINE_TEXT_MAX);
    assert_true(line.len < TEXTS * LINE_TEXT_MAX);
}

static json_value object_of(const buf *out) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(buf_span(out), NULL, &root, &fault));
    assert_int_equal(root.type, JSON_OBJECT);
    return root;
}

/* ---- the doors ---- */

/* The text for people tells of tries where there was more than one. */
enum { TRIES = 2 };

static call_record filled_record(attempt_record tries[TRIES], bool hostile, arena *a) {
    call_record r = {.tries = tries,
                     .attempts = TRIES,
                     .hedges = 1,
                     .status = 502,
                     .error = ERR_CONNECTION_LOST,
                     .stream = true,
                     .skipped_events = 1,
                     .usage = {1, 2, 3, 0, 0, .estimated = true}};
    for (int i = 0; i < TRIES; i++) {
        tries[i] = (attempt_record){.outcome = "overload"};
        fill("attempt_record", &tries[i], hostile, a);
    }
    fill("call_record", &r, hostile, a);
    return r;
}

static void the_log(void **state) {
    (void)state;
    for (int hostile = 0; hostile < 2; hostile++)
        for (int form = 0; form < 3; form++) {
            arena a;
            attempt_record tries[TRIES];
            buf out = BUF_EMPTY;
            line_clock clock = {0};
            arena_init(&a, 0);
            call_record r = filled_record(tries, hostile, &a);
            if (form == 0) line_json_call(&out, &clock, &r);
            if (form == 1) line_text_call(&out, &clock, &r, false);
            if (form == 0) (void)object_of(&out);
            if (form < 2) check_line(&out);
            if (form == 2) line_text_call(&out, &clock, &r, true); /* colours are weir's own */
            check_door(&out, form == 0 ? LINE_JSON : LINE_TEXT, hostile);
            buf_done(&out);
            arena_done(&a);
        }
}

static void the_metrics(void **state) {
    (void)state;
    for (int hostile = 0; hostile < 2; hostile++) {
        arena a;
        attempt_record tries[TRIES];
        buf out = BUF_EMPTY;
        arena_init(&a, 0);
        metrics *m = metrics_new();
        call_record r = filled_record(tries, hostile, &a);
        metrics_count_call(metrics_add_shard(m), &r);
        metrics_write(m, false, &out);
        check_door(&out, METRICS, hostile);
        assert_true(span_is_utf8(buf_span(&out)));
        assert_true(longest_run(buf_span(&out), 'x') <= METRIC_VALUE_MAX);
        span rest = buf_span(&out), line;
        while (span_cut(&rest, '\n', &line)) {
            bool good = line.len == 0 || line.ptr[0] == '#' ||
                        span_starts(line, SPAN_OF("weir_")) ||
                        span_starts(line, SPAN_OF("process_"));
            if (!good) fail_msg("a line begins with a label's text: %.*s", SPAN_ARG(line));
        }
        metrics_free(m);
        buf_done(&out);
        arena_done(&a);
    }
}

/* What stays: a record's texts, and those of its tries. */
static void the_ledger(void **state) {
    (void)state;
    for (int hostile = 0; hostile < 2; hostile++) {
        arena a;
        attempt_record tries[TRIES];
        buf out = BUF_EMPTY, code = BUF_EMPTY;
        arena_init(&a, 0);
        call_record r = filled_record(tries, hostile, &a);
        ledger_call c = ledger_call_of(&r, &code);
        ledger_call_write(&c, &out);
        check_door(&out, LEDGER, hostile);
        buf_clear(&out);
        c = ledger_call_begun(&r);
        ledger_call_write(&c, &out);
        check_door(&out, LEDGER, true); /* what is known by then, and nothing else */
        buf_done(&out);
        buf_done(&code);
        arena_done(&a);
    }
}

static void an_error(void **state) {
    (void)state;
    for (int hostile = 0; hostile < 2; hostile++)
        for (int told = 0; told < 2; told++) {
            arena a;
            buf out = BUF_EMPTY;
            arena_init(&a, 0);
            failure f = {.error = ERR_BAD_ANSWER, .status = 502, .refused_with = 401};
            fill("failure", &f, hostile, &a);
            (told ? failure_body_told : failure_body)(&f, &out);
            check_door(&out, told ? TOLD : ERROR, hostile);
            json_value error = json_get(object_of(&out), SPAN_OF("error"));
            assert_int_equal(error.type, JSON_OBJECT);
            assert_true(span_is_utf8(buf_span(&out)));
            assert_int_equal(longest_run(buf_span(&out), '\n'), 0); /* an event is a line */
            buf_done(&out);
            arena_done(&a);
        }
}

/* A provider's own error goes on as it was read: one object, in one line, and nothing beside it. */
static void an_error_of_the_providers_own(void **state) {
    (void)state;
    static const char own[] = "{\"error\":{\"message\":\"@own@\",\"code\":\"@code@\",\"x\":1}}";
    for (int told = 0; told < 2; told++) {
        arena a;
        buf out = BUF_EMPTY;
        arena_init(&a, 0);
        failure f = {.error = ERR_PROVIDER_ERROR, .status = 400};
        fill("failure", &f, true, &a);
        f.body = span_cstr(own);
        (told ? failure_body_told : failure_body)(&f, &out);
        check_door(&out, 0, true); /* none of the fields beside it */
        assert_non_null(strstr(buf_cstr(&out), "@own@"));
        (void)object_of(&out);
        buf_done(&out);
        arena_done(&a);
    }
}

/* All that a program can read of a result. */
static void gather(const weir_result *r, buf *out) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const field *f = &fields[i];
        if (!is_of(f, "weir_result") || f->holds != STRING) continue;
        const char *text = *(const char *const *)((const char *)r + f->offset);
        buf_addf(out, "%s: %s\n", f->name, text ? text : "NULL");
    }
}

static void a_result(void **state) {
    (void)state;
    for (int hostile = 0; hostile < 2; hostile++)
        for (int failed = 0; failed < 2; failed++) {
            arena a;
            attempt_record tries[TRIES];
            buf out = BUF_EMPTY, error = BUF_EMPTY;
            arena_init(&a, 0);
            call_record record = filled_record(tries, hostile, &a);
            failure f = {.error = ERR_BAD_ANSWER, .status = 502};
            fill("failure", &f, hostile, &a);
            failure_body(&f, &error);
            result_facts facts = {.code = failed ? WEIR_PROVIDER : WEIR_OK,
                                  .has_text = true,
                                  .has_body = !failed,
                                  .record = &record,
                                  .request_id = "weir-s-own-id"};
            fill("result_facts", &facts, hostile, &a);
            facts.failure = buf_span(&error);
            weir_result *r = result_new(&facts);
            gather(r, &out);
            check_door(&out, failed ? REFUSAL : RESULT, hostile);
            assert_non_null(strstr(buf_cstr(&out), "weir-s-own-id"));
            weir_result_free(r);
            buf_done(&out);
            buf_done(&error);
            arena_done(&a);
        }
}

/* Keys and the values of headers are told as (set), whatever they are. */
static void the_configuration(void **state) {
    (void)state;
    static const char yaml[] = "providers:\n  p:\n    url: https://h.example\n"
                               "    key: ['@one.key@', '@other.key@']\n"
                               "    headers: {x-a: '@header.value@'}\n"
                               "clients: [{name: ci, key: '@client.key@'}]\n";
    for (int hostile = 0; hostile < 2; hostile++) {
        arena a;
        config_problems problems;
        buf out = BUF_EMPTY;
        arena_init(&a, 0);
        config *c = config_parse(span_cstr(yaml), "weir.yaml", &problems);
        assert_non_null(c);
        config_explain(c, &out);
        config_provider *p = c->providers;
        fill("config_listener", c->listeners, hostile, &a);
        fill("config_client", c->clients, hostile, &a);
        fill("config_provider", p, hostile, &a);
        fill("config_url", &p->url, hostile, &a);
        fill("config_health", &p->health, hostile, &a);
        fill("config_header", p->headers, hostile, &a);
        config_explain(c, &out);
        check_door(&out, EXPLAIN, hostile);
        assert_null(strstr(buf_cstr(&out), ".key@"));
        assert_null(strstr(buf_cstr(&out), ".value@"));
        for (size_t i = 0; i < out.len; i++)
            assert_true((unsigned char)out.ptr[i] >= ' ' || out.ptr[i] == '\n');
        config_unref(c);
        config_problems_done(&problems);
        buf_done(&out);
        arena_done(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_listed),
        cmocka_unit_test(the_log),
        cmocka_unit_test(the_metrics),
        cmocka_unit_test(the_ledger),
        cmocka_unit_test(an_error),
        cmocka_unit_test(an_error_of_the_providers_own),
        cmocka_unit_test(a_result),
        cmocka_unit_test(the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
