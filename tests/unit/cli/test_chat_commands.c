/* cli/chat_commands, cli/chat_input, cli/chat_complete: what is typed at the prompt. */
#include "cli/chat_commands.h"
#include "cli/chat_complete.h"
#include "cli/chat_input.h"
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- commands ---- */

static void reads_commands(void **state) {
    (void)state;
    static const struct {
        const char *line;
        chat_verb verb;
        const char *text; /* the argument, or what is wrong */
    } rows[] = {
        {"hello", CHAT_SAY, "hello"},
        {"/help", CHAT_HELP, ""},
        {"/HELP", CHAT_HELP, ""},
        {"/model", CHAT_MODEL, ""},
        {"/model  gpt-4o ", CHAT_MODEL, "gpt-4o"},
        {"/system Be brief.\nBe kind.", CHAT_SYSTEM, "Be brief.\nBe kind."},
        {"/file my notes.txt", CHAT_FILE, "my notes.txt"},
        {"/quit", CHAT_EXIT, ""},
        /* questions that begin with a slash */
        {"/etc/passwd, what is it?", CHAT_SAY, "/etc/passwd, what is it?"},
        {" /help", CHAT_SAY, " /help"},
        {"/", CHAT_SAY, "/"},
        {"/ x", CHAT_SAY, "/ x"},
        {"//comment", CHAT_SAY, "//comment"},
        {"", CHAT_SAY, ""},
        /* wrong ones */
        {"/modle x", CHAT_WRONG, "unknown command /modle; did you mean /model?"},
        {"/frobnicate", CHAT_WRONG,
         "unknown command /frobnicate; /help lists them, and a blank before it makes it a "
         "question"},
        {"/file", CHAT_WRONG, "/file needs a value: /file PATH"},
        {"/undo 2", CHAT_WRONG, "/undo takes nothing behind it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf why = BUF_EMPTY;
        chat_command c = chat_command_read(span_cstr(rows[i].line), &why);
        assert_int_equal(c.verb, rows[i].verb);
        assert_span(c.verb == CHAT_WRONG ? buf_span(&why) : c.argument, rows[i].text);
        buf_done(&why);
    }
}

static void help_fits_the_screen(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    size_t lines = 0;
    chat_commands_write_help(&out);
    span rest = buf_span(&out);
    for (span line; span_cut(&rest, '\n', &line); lines++)
        assert_in_range(line.len, 0, 80);
    assert_in_range(lines, CHAT_VERBS, 23);
    buf_done(&out);
}

/* ---- lines put together ---- */

static void puts_lines_together(void **state) {
    (void)state;
    static const struct {
        const char *lines[5];
        const char *text;
        bool block;
    } rows[] = {
        {{"one"}, "one", false},
        {{""}, "", false},
        {{"one\\", "two"}, "one\ntwo", false},
        {{"one\\", "\\", "three"}, "one\n\nthree", false},
        {{"one\\\\"}, "one\\\\", false},
        {{"one\\", "\"\"\""}, "one\n\"\"\"", false}, /* no fence in the middle */
        {{"\"\"\"", "one", "two", "\"\"\""}, "one\ntwo", true},
        {{"\"\"\"one", "two\"\"\""}, "one\ntwo", true},
        {{"\"\"\"one\"\"\""}, "one", true},
        {{"\"\"\"", "/help\\", "\"\"\""}, "/help\\", true},
        {{"\"\"\"", "\"\"\""}, "", true},
        {{"pasted\nlines"}, "pasted\nlines", false},
        {{"\"\"\"\n/help\nend\n\"\"\""}, "/help\nend", true}, /* from the history */
    };
    chat_input in = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        while (!chat_input_add(&in, span_cstr(rows[i].lines[n]))) {
            assert_true(in.goes_on);
            assert_non_null(rows[i].lines[++n]);
        }
        assert_true(n + 1 == 5 || !rows[i].lines[n + 1]);
        assert_span(buf_span(&in.text), rows[i].text);
        assert_int_equal(in.block, rows[i].block);
        assert_false(in.goes_on);
        chat_input_clear(&in);
    }
    chat_input_done(&in);
}

static void too_long_an_input_is_cut(void **state) {
    (void)state;
    chat_input in = {0};
    char line[1001];
    memset(line, 'x', 1000);
    line[1000] = '\\';
    for (int i = 0; i < 1050; i++)
        assert_false(chat_input_add(&in, span_from(line, sizeof line)));
    assert_true(chat_input_add(&in, SPAN_OF("end")));
    assert_true(in.too_long);
    assert_in_range(in.text.len, 1000000, CHAT_INPUT_MAX);
    chat_input_clear(&in);
    assert_false(in.too_long);
    chat_input_done(&in);
}

/* ---- completion ---- */

static char folder[] = "/tmp/weir-complete-XXXXXX";

static void touch(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static int make_folder(void **state) {
    (void)state;
    char sub[128];
    if (!mkdtemp(folder)) return -1;
    snprintf(sub, sizeof sub, "%s/notes", folder);
    touch("note.txt"), touch("größe-a"), touch("größer-b"), touch(".hidden"), touch("evil\033[31m");
    touch("evil\xc2\x9b"
          "2J"),
        touch("evil\xe2\x80\xae"
              "txt"),
        touch("evil\nmore"), touch("two words");
    return mkdir(sub, 0700) || setenv("HOME", folder, 1);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f) {
    (void)s, (void)type, (void)f;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* names: the candidates with blanks between; NULL: not looked at. */
static void completes(const char *line, const char *add, const char *names) {
    chat_complete c;
    buf found = BUF_EMPTY, whole = BUF_EMPTY;
    for (const char *p = line; *p; p++)
        *p == '@' ? buf_add_cstr(&whole, folder) : buf_add_char(&whole, *p);
    chat_complete_line(buf_span(&whole), &c);
    assert_span(buf_span(&c.add), add);
    for (size_t i = 0; i < c.count; i++)
        buf_addf(&found, "%s%s", i ? "|" : "", c.names[i]);
    if (names) assert_string_equal(buf_cstr(&found), names);
    buf_done(&found);
    buf_done(&whole);
    chat_complete_done(&c);
}

static void completes_commands(void **state) {
    (void)state;
    completes("/mo", "del ", "model ");
    completes("/sy", "stem ", NULL);
    completes("/und", "o", "undo");
    completes("/re", "", "reset|retry");
    completes("/s", "", "save |system ");
    completes("/zzz", "", "");
    completes("mo", "", "");
    completes("", "", "");
    completes("/model gp", "", "");
}

static void completes_file_names(void **state) {
    (void)state;
    completes("/file @/no", "te", "note.txt|notes/");
    completes("/file @/notes", "/", "notes/");
    completes("/save @/note.", "txt", NULL);
    completes("/file @/g", "röße", "größe-a|größer-b");
    completes("/file @/two w", "ords", NULL);
    completes("/file @/", "", "größe-a|größer-b|note.txt|notes/|two words");
    completes("/file @/.h", "idden", NULL);
    completes("/file @/evil", "", "");
    completes("/file ~/note.", "txt", NULL);
    completes("/file @/nowhere/", "", "");
    completes("/help @/no", "", "");
}

static void expands_the_home_folder(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    chat_expand_path(SPAN_OF("~/x"), &out);
    assert_true(span_starts(buf_span(&out), span_cstr(folder)) &&
                span_ends(buf_span(&out), SPAN_OF("/x")));
    buf_clear(&out);
    chat_expand_path(SPAN_OF("~other/x"), &out);
    assert_span(buf_span(&out), "~other/x");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_commands),          cmocka_unit_test(help_fits_the_screen),
        cmocka_unit_test(puts_lines_together),     cmocka_unit_test(too_long_an_input_is_cut),
        cmocka_unit_test(completes_commands),      cmocka_unit_test(completes_file_names),
        cmocka_unit_test(expands_the_home_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
