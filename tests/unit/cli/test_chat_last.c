/* cli/chat_last: a conversation from one run to the next. */
#include "cli/chat_last.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(chat_talk *t, const char *question, const char *answer) {
    assert_true(chat_talk_ask(t, span_cstr(question)));
    chat_talk_answer(t, span_cstr(answer), CHAT_WHOLE, "m");
}

static void it_is_read_as_it_was_written(void **state) {
    (void)state;
    char folder[] = "/tmp/weir-last-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b/last.json", folder);
    chat_talk t = {0}, back = {0};
    buf why = BUF_EMPTY, a = BUF_EMPTY, b = BUF_EMPTY;
    assert_true(chat_talk_set_system(&t, SPAN_OF("Be \"brief\".")));
    say(&t, "one?\n", "\xc3\xa4\\1");
    assert_true(chat_talk_ask(&t, SPAN_OF("two?")));
    assert_true(chat_talk_attach(&t, SPAN_OF("{\"type\":\"image_url\"},{\"x\":[1]}")));
    chat_talk_answer(&t, SPAN_OF("2"), CHAT_WHOLE, "m");
    for (int i = 0; i < 2; i++) /* it replaces the one before */
        assert_true(chat_last_save(&t, path, &why));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(chat_last_load(&back, path, &why));
    assert_int_equal(back.count, 2);
    chat_talk_write_json(&t, &a);
    chat_talk_write_json(&back, &b);
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    assert_int_equal(back.bytes, t.bytes);
    assert_int_equal(why.len, 0);
    chat_talk_done(&t);
    chat_talk_done(&back);
    buf_done(&a);
    buf_done(&b);
    assert_int_equal(unlink(path), 0);

    assert_false(chat_last_load(&back, path, &why));
    assert_string_equal(buf_cstr(&why), "there is no conversation to go on with");
    buf_clear(&why);
    assert_false(chat_last_save(&t, "/dev/null/x", &why));
    assert_non_null(strstr(buf_cstr(&why), "/dev/null/x: Not a directory"));
    buf_done(&why);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

#define SAID(q, a)                                                                                 \
    "{\"role\":\"user\",\"content\":\"" q "\"},{\"role\":\"assistant\",\"content\":\"" a "\"}"

static void what_is_no_conversation_is_none(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t turns;
    } rows[] = {
        {"{\"messages\":[" SAID("a", "b") "]}", 1},
        {"{\"messages\":[" SAID("a", "b") "," SAID("c", "d") "],\"more\":1}", 2},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}," SAID("a", "b") "]}", 1},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}", 0},
        {"{\"messages\":[" SAID("a", "b") ",{\"role\":\"user\",\"content\":\"c\"}]}", 0},
        {"{\"messages\":[" SAID("a", "") "]}", 0},
        {"{\"messages\":[" SAID("a\\u0000", "b") "]}", 0},
        {"{\"messages\":[" SAID("a", "b") ",{\"role\":\"assistant\",\"content\":\"c\"}]}", 0},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[]}]}", 0},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}, {\"b\":[1]} ]},"
         "{\"role\":\"assistant\",\"content\":\"b\"}]}",
         1},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"b\":1},{\"text\":\"a\"}]},"
         "{\"role\":\"assistant\",\"content\":\"b\"}]}",
         0},
        {"{\"messages\":[1]}", 0},
        {"{\"messages\":{}}", 0},
        {"{\"messages\":[]}", 0},
        {"[]", 0},
        {"{\"messages\":[" SAID("a", "b"), 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        chat_talk t = {0};
        if (chat_last_read(&t, span_cstr(rows[i].text)) != (rows[i].turns > 0))
            fail_msg("%s", rows[i].text);
        assert_int_equal(t.count, rows[i].turns);
        if (!rows[i].turns) assert_true(!t.bytes && !t.system && !t.pending);
        chat_talk_done(&t);
    }
}

static void where_it_is_kept(void **state) {
    (void)state;
    static const struct {
        const char *history, *state, *home, *path; /* NULL: not set; nowhere */
    } rows[] = {
        {NULL, "/s", "/h", "/s/weir/chat_last.json"},
        {NULL, NULL, "/h", "/h/.local/state/weir/chat_last.json"},
        {NULL, NULL, NULL, NULL},
        {"", "/s", "/h", NULL},
        {"mine", "/s", "/h", "mine.last.json"},
    };
    static const char *const names[] = {"WEIR_CHAT_HISTORY", "XDG_STATE_HOME", "HOME"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const values[] = {rows[i].history, rows[i].state, rows[i].home};
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            (void)(values[k] ? setenv(names[k], values[k], 1) : unsetenv(names[k]));
        buf path = BUF_EMPTY;
        assert_int_equal(chat_last_path(&path), rows[i].path != NULL);
        if (rows[i].path) assert_string_equal(buf_cstr(&path), rows[i].path);
        buf_done(&path);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_conversation_is_none),
        cmocka_unit_test(where_it_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
