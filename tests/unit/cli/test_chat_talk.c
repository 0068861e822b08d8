/* cli/chat_talk: questions, answers, another try, and what is written of them. */
#include "cli/chat_talk.h"
#include "unit.h"

static void ask(chat_talk *t, const char *question) {
    assert_true(chat_talk_ask(t, span_cstr(question)));
}

static void answer(chat_talk *t, const char *text) {
    chat_talk_answer(t, span_cstr(text), CHAT_WHOLE, "m");
}

static void an_answer_makes_a_turn(void **state) {
    (void)state;
    chat_talk t = {0};
    ask(&t, "one?");
    assert_string_equal(t.pending, "one?");
    answer(&t, "one.");
    assert_null(t.pending);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.turns[0].question, "one?");
    assert_string_equal(t.turns[0].answer, "one.");
    assert_int_equal(t.bytes, 8);
    chat_talk_done(&t);
}

static void a_question_without_answer_stays_for_another_try(void **state) {
    (void)state;
    chat_talk t = {0};
    assert_false(chat_talk_retry(&t));
    ask(&t, "one?");
    assert_true(chat_talk_retry(&t));
    assert_string_equal(t.pending, "one?");
    assert_int_equal(chat_talk_before(&t), 0);
    ask(&t, "two?"); /* and goes with the next one */
    answer(&t, "two.");
    assert_int_equal(t.count, 1);
    assert_string_equal(t.turns[0].question, "two?");
    assert_int_equal(t.bytes, 8);
    chat_talk_done(&t);
}

static void another_try_replaces_the_answer_when_one_came(void **state) {
    (void)state;
    chat_talk t = {0};
    ask(&t, "one?"), answer(&t, "one.");
    ask(&t, "two?"), answer(&t, "two.");
    assert_true(chat_talk_retry(&t));
    assert_int_equal(t.count, 2);
    assert_int_equal(chat_talk_before(&t), 1); /* the old answer is not told to the model */
    answer(&t, "TWO.");
    assert_int_equal(t.count, 2);
    assert_string_equal(t.turns[1].question, "two?");
    assert_string_equal(t.turns[1].answer, "TWO.");
    assert_int_equal(t.bytes, 16);
    chat_talk_done(&t);
}

static void a_try_that_failed_leaves_the_old_answer(void **state) {
    (void)state;
    chat_talk t = {0};
    ask(&t, "one?"), answer(&t, "one.");
    assert_true(chat_talk_retry(&t)); /* … no answer comes */
    assert_true(chat_talk_retry(&t));
    assert_int_equal(chat_talk_before(&t), 0);
    ask(&t, "two?");
    assert_int_equal(chat_talk_before(&t), 1);
    answer(&t, "two.");
    assert_int_equal(t.count, 2);
    assert_string_equal(t.turns[0].answer, "one.");
    chat_talk_done(&t);
}

static void undo_takes_the_last_thing_said(void **state) {
    (void)state;
    chat_talk t = {0};
    assert_false(chat_talk_undo(&t));
    ask(&t, "one?"), answer(&t, "one.");
    ask(&t, "two?");
    assert_true(chat_talk_undo(&t));
    assert_null(t.pending);
    assert_int_equal(t.count, 1);
    assert_true(chat_talk_undo(&t));
    assert_int_equal(t.count, 0);
    assert_int_equal(t.bytes, 0);
    assert_false(chat_talk_undo(&t));
    chat_talk_done(&t);
}

static void undo_after_a_failed_try_takes_that_alone(void **state) {
    (void)state;
    chat_talk t = {0};
    ask(&t, "one?"), answer(&t, "one.");
    assert_true(chat_talk_retry(&t));
    assert_true(chat_talk_undo(&t));
    assert_int_equal(t.count, 1);
    assert_int_equal(chat_talk_before(&t), 1);
    chat_talk_done(&t);
}

static void reset_keeps_the_system_message(void **state) {
    (void)state;
    chat_talk t = {0};
    assert_true(chat_talk_set_system(&t, SPAN_OF("Be brief.")));
    ask(&t, "one?"), answer(&t, "one.");
    ask(&t, "two?");
    chat_talk_reset(&t);
    assert_int_equal(t.count, 0);
    assert_null(t.pending);
    assert_string_equal(t.system, "Be brief.");
    assert_int_equal(t.bytes, 9);
    assert_true(chat_talk_set_system(&t, SPAN_EMPTY));
    assert_null(t.system);
    assert_int_equal(t.bytes, 0);
    chat_talk_done(&t);
}

static void is_bounded(void **state) {
    (void)state;
    chat_talk t = {0};
    buf big = BUF_EMPTY;
    memset(buf_reserve(&big, CHAT_TALK_MAX), 'x', CHAT_TALK_MAX);
    buf_grow(&big, CHAT_TALK_MAX);
    ask(&t, "small");
    assert_false(chat_talk_ask(&t, buf_span(&big)));
    assert_string_equal(t.pending, "small");
    assert_false(chat_talk_set_system(&t, buf_span(&big)));
    assert_null(t.system);
    chat_talk_reset(&t);
    assert_true(chat_talk_ask(&t, buf_span(&big)));
    buf_done(&big);
    chat_talk_done(&t);
}

static void writes_transcripts(void **state) {
    (void)state;
    chat_talk t = {0};
    buf out = BUF_EMPTY;
    assert_true(chat_talk_set_system(&t, SPAN_OF("Be brief.")));
    ask(&t, "one \"?\""), answer(&t, "one.");
    ask(&t, "two?"), chat_talk_answer(&t, SPAN_OF("tw"), CHAT_STOPPED, NULL);
    ask(&t, "three?"), chat_talk_answer(&t, SPAN_OF("th"), CHAT_CUT, NULL);
    ask(&t, "never answered?");
    chat_talk_write_markdown(&t, &out);
    assert_string_equal(buf_cstr(&out),
                        "## System\n\nBe brief.\n\n"
                        "## Question\n\none \"?\"\n\n## Answer (m)\n\none.\n\n"
                        "## Question\n\ntwo?\n\n## Answer\n\ntw\n\n*Stopped here.*\n\n"
                        "## Question\n\nthree?\n\n## Answer\n\nth\n\n*Cut off here.*\n");
    buf_clear(&out);
    assert_true(chat_talk_undo(&t) && chat_talk_undo(&t) && chat_talk_undo(&t));
    chat_talk_write_json(&t, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                        "{\"role\":\"user\",\"content\":\"one \\\"?\\\"\"},"
                        "{\"role\":\"assistant\",\"content\":\"one.\"}]}\n");
    buf_done(&out);
    chat_talk_done(&t);
}

/* They go where the question goes: into its turn, and into another try. */
static void pictures_go_with_their_question(void **state) {
    (void)state;
    chat_talk t = {0};
    buf out = BUF_EMPTY;
    ask(&t, "what?");
    assert_true(chat_talk_attach(&t, SPAN_OF("{\"p\":1}")));
    answer(&t, "that.");
    assert_null(t.parts);
    assert_string_equal(t.turns[0].parts, "{\"p\":1}");
    assert_int_equal(t.bytes, 5 + 7 + 5);
    assert_true(chat_talk_retry(&t));
    assert_string_equal(t.parts, "{\"p\":1}");
    answer(&t, "this.");
    assert_int_equal(t.count, 1);
    assert_string_equal(t.turns[0].parts, "{\"p\":1}");
    ask(&t, "more?");
    assert_true(chat_talk_attach(&t, SPAN_OF("{}")));
    ask(&t, "or less?"); /* the picture was the other question's */
    assert_null(t.parts);
    answer(&t, "yes.");
    chat_talk_write_json(&t, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                        "\"text\":\"what?\"},{\"p\":1}]},{\"role\":\"assistant\",\"content\":"
                        "\"this.\"},{\"role\":\"user\",\"content\":\"or less?\"},"
                        "{\"role\":\"assistant\",\"content\":\"yes.\"}]}\n");
    buf_done(&out);
    chat_talk_reset(&t);
    assert_int_equal(t.bytes, 0);
    chat_talk_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_makes_a_turn),
        cmocka_unit_test(a_question_without_answer_stays_for_another_try),
        cmocka_unit_test(another_try_replaces_the_answer_when_one_came),
        cmocka_unit_test(a_try_that_failed_leaves_the_old_answer),
        cmocka_unit_test(undo_takes_the_last_thing_said),
        cmocka_unit_test(undo_after_a_failed_try_takes_that_alone),
        cmocka_unit_test(reset_keeps_the_system_message),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(writes_transcripts),
        cmocka_unit_test(pictures_go_with_their_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
