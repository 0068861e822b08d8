/* A talk that waits as text. */
#include "unit.h"

#include "tools/talk_kept.h"

static const char answer[] =
    "{\"model\":\"m\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Let me.\","
    "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"add\","
    "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":"
    "\"s\\u00e4y\",\"arguments\":\"no json\"}}]},\"finish_reason\":\"tool_calls\"}]}";

static void say(talk *t, arena *a, model_said *said) {
    model_said_read(span_cstr(answer), a, said);
    talk_add_said(t, said, a);
}

static void answer_all(talk *t, const model_said *said) {
    for (size_t i = 0; i < said->call_count; i++)
        talk_add_result(t, &said->calls[i],
                        &(talk_result){.failed = i == 1, .text = SPAN("so \"it\" is"), .ms = 7});
}

static void show(talk *t, buf *out) {
    json_writer w = json_writer_of(out);
    buf_clear(out);
    talk_write_steps(t, &w);
    buf_add(out, talk_body(t, SPAN_OF("]}")));
}

static json_value kept(const talk *t, const model_said *said, arena *a) {
    buf out = BUF_EMPTY;
    json_value root;
    json_fault fault;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    talk_keep(t, said, &w);
    json_close_object(&w);
    assert_true(json_scan(arena_dup(a, buf_span(&out)), NULL, &root, &fault));
    buf_done(&out);
    return root;
}

/* The one that was kept goes on as the one that was not. */
static void a_talk_comes_back_as_it_was(void **state) {
    (void)state;
    talk before = {0}, after = {0};
    model_said said, again;
    arena a;
    buf want = BUF_EMPTY, got = BUF_EMPTY;
    arena_init(&a, 0);
    talk_begin(&before, SPAN_OF("{\"model\":\"m\""), "messages",
               SPAN_OF("{\"role\":\"user\",\"content\":\"x\"}"));
    say(&before, &a, &said);
    answer_all(&before, &said);
    say(&before, &a, &said); /* ids that are taken get others */
    assert_true(talk_take(kept(&before, &said, &a), &a, &after, &again));
    assert_int_equal(again.call_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(span_eq(again.calls[i].id, said.calls[i].id));
        assert_true(span_eq(again.calls[i].name, said.calls[i].name));
        assert_true(span_eq(again.calls[i].arguments, said.calls[i].arguments));
        assert_int_equal(again.calls[i].is_object, said.calls[i].is_object);
    }
    answer_all(&before, &said);
    answer_all(&after, &again);
    say(&before, &a, &said);
    say(&after, &a, &again);
    answer_all(&before, &said);
    answer_all(&after, &again);
    show(&before, &want);
    show(&after, &got);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    buf_done(&want);
    buf_done(&got);
    talk_done(&before);
    talk_done(&after);
    arena_done(&a);
}

static void what_does_not_fit_together_is_refused(void **state) {
    (void)state;
#define TALK(numbers, steps)                                                                       \
    "{\"talk\":{\"body\":\"0123456789\",\"odd\":\"abc\",\"numbers\":" numbers ",\"steps\":" steps  \
    "},\"calls\":[[\"c\",\"n\",\"{}\",true]]}"
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {TALK("[2,0,0]", "[[1,2,3,4,0,0,0,0,0]]"), true},
        {TALK("[2,0,0]", "[[1,2,0,3,0,0,0,1,0]]"), true},
        {TALK("[2,0,0]", "[[1,2,0,4,0,0,0,1,0]]"), false},  /* beyond what is odd */
        {TALK("[2,0,0]", "[[1,11,3,4,0,0,0,0,0]]"), false}, /* beyond the body */
        {TALK("[2,0,0]", "[[2,1,3,4,0,0,0,0,0]]"), false},
        {TALK("[2,0,0]", "[[1,2,3,4,0,0,0,0]]"), false},
        {TALK("[2,0,0]", "[[1,2,3,4,0,0,0,0,\"0\"]]"), false},
        {TALK("[2,0,0]", "[[1,2,3,4,0,0,0,0,-1]]"), false},
        {TALK("[11,0,0]", "[[1,2,3,4,0,0,0,0,0]]"), false},
        {TALK("[2,1,0]", "[[1,2,3,4,0,0,0,0,0]]"), false}, /* its call is answered already */
        {TALK("[2,0]", "[[1,2,3,4,0,0,0,0,0]]"), false},
        {TALK("[2,0,0]", "{}"), false},
        {"{\"talk\":{\"body\":7}}", false},
        {"{}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        talk t = {0};
        model_said said;
        json_value root;
        json_fault fault;
        arena a;
        arena_init(&a, 0);
        assert_true(json_scan(span_cstr(rows[i].text), NULL, &root, &fault));
        assert_int_equal(talk_take(root, &a, &t, &said), rows[i].good);
        talk_done(&t);
        arena_done(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_talk_comes_back_as_it_was),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
