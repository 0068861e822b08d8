/* cli/chat_files, cli/chat_history: what is read from files, and kept in one. */
#include "cli/chat_files.h"
#include "cli/chat_history.h"
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/weir-chat-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f) {
    (void)s, (void)type, (void)f;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return chdir("/") || nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *name, span text) {
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    close(fd);
}

/* ---- files ---- */

static void marks_files_by_name(void **state) {
    (void)state;
    chat_files files = {0};
    buf out = BUF_EMPTY, why = BUF_EMPTY;
    write_file("a.txt", SPAN_OF("\xef\xbb\xbf"
                                "alpha\r\n"));
    write_file("b \"c\".txt", SPAN_OF("beta"));
    assert_true(chat_files_add(&files, "a.txt", &why));
    assert_true(chat_files_add_regular(&files, "b \"c\".txt", &why));
    chat_files_write(&files, SPAN_OF("Which?"), &out);
    assert_string_equal(buf_cstr(&out), "<file name=\"a.txt\">\nalpha\n</file>\n"
                                        "<file name=\"b &quot;c&quot;.txt\">\nbeta\n</file>\n"
                                        "\nWhich?");
    buf_done(&out);
    chat_files_done(&files);
}

static void a_lone_input_is_the_question(void **state) {
    (void)state;
    chat_files files = {0};
    buf out = BUF_EMPTY, why = BUF_EMPTY;
    write_file("in", SPAN_OF("Why?\n\n"));
    int fd = open("in", O_RDONLY);
    assert_true(chat_files_add_input(&files, fd, &why));
    assert_true(chat_files_add_input(&files, fd, &why)); /* at its end: nothing */
    close(fd);
    assert_int_equal(files.count, 1);
    chat_files_write(&files, SPAN_EMPTY, &out);
    assert_span(buf_span(&out), "Why?");
    buf_clear(&out);
    chat_files_write(&files, SPAN_OF("Translate."), &out);
    assert_span(buf_span(&out), "<file name=\"standard input\">\nWhy?\n</file>\n\nTranslate.");
    buf_done(&out);
    chat_files_done(&files);
}

static void refuses(const char *path, bool regular, const char *message) {
    chat_files files = {0};
    buf why = BUF_EMPTY;
    assert_false(regular ? chat_files_add_regular(&files, path, &why)
                         : chat_files_add(&files, path, &why));
    assert_string_equal(buf_cstr(&why), message);
    assert_int_equal(files.count, 0);
    buf_done(&why);
    chat_files_done(&files);
}

static void refuses_what_is_no_text(void **state) {
    (void)state;
    write_file("nul", SPAN_OF("a\0b"));
    write_file("latin1", SPAN_OF("one\ntwo\nGr\xfc\xdf"
                                 "e\n"));
    write_file("cut", SPAN_OF("one \xe2\x82"));
    assert_int_equal(mkfifo("pipe", 0600), 0);
    refuses("nul", false, "nul is no text: it holds a NUL byte");
    refuses("latin1", false, "latin1 is no text in UTF-8: line 3 is not; iconv can convert it");
    refuses("cut", false, "cut is no text in UTF-8: line 1 is not; iconv can convert it");
    refuses("nowhere", false, "cannot open nowhere: No such file or directory");
    refuses(".", false, ". is a folder");
    refuses("pipe", true, "pipe is no regular file");
}

static void is_bounded(void **state) {
    (void)state;
    chat_files files = {0};
    buf big = BUF_EMPTY, why = BUF_EMPTY;
    memset(buf_reserve(&big, CHAT_FILE_MAX + 1), 'x', CHAT_FILE_MAX + 1);
    write_file("over", span_from(big.ptr, CHAT_FILE_MAX + 1));
    refuses("over", false, "over is longer than 1048576 bytes, the most that one file may have");
    write_file("most", span_from(big.ptr, CHAT_FILE_MAX));
    for (int i = 0; i < CHAT_FILES_MAX / CHAT_FILE_MAX; i++)
        assert_true(chat_files_add(&files, "most", &why));
    write_file("one", SPAN_OF("1"));
    assert_false(chat_files_add(&files, "one", &why));
    assert_string_equal(buf_cstr(&why),
                        "with one the files are longer than 4194304 bytes, the most "
                        "for one question");
    buf_done(&big);
    buf_done(&why);
    chat_files_done(&files);
}

/* ---- history ---- */

static void add(chat_history *h, const char *entry) {
    buf why = BUF_EMPTY;
    assert_true(chat_history_add(h, span_cstr(entry), &why));
    buf_done(&why);
}

static void open_at(chat_history *h, const char *path) {
    buf why = BUF_EMPTY;
    assert_true(chat_history_open(h, path, &why));
    buf_done(&why);
}

static void lasts(void **state) {
    (void)state;
    chat_history h;
    struct stat s;
    open_at(&h, "new/folder/history");
    add(&h, "one");
    add(&h, "two\nlines, C:\\new");
    add(&h, "");
    add(&h, "one");
    assert_int_equal(h.count, 2);
    chat_history_done(&h);
    assert_int_equal(stat("new/folder/history", &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(stat("new/folder", &s), 0);
    assert_int_equal(s.st_mode & 0777, 0700);
    open_at(&h, "new/folder/history");
    assert_int_equal(h.count, 2);
    assert_string_equal(h.entries[0], "two\nlines, C:\\new");
    assert_string_equal(h.entries[1], "one");
    chat_history_done(&h);
}

static void two_at_a_time_lose_nothing(void **state) {
    (void)state;
    chat_history a, b;
    open_at(&a, "shared"), open_at(&b, "shared");
    add(&a, "from a"), add(&b, "from b"), add(&a, "from a again");
    chat_history_done(&a), chat_history_done(&b);
    open_at(&a, "shared");
    assert_int_equal(a.count, 3);
    assert_string_equal(a.entries[1], "from b");
    chat_history_done(&a);
}

static size_t count_lines(const char *path) {
    buf text = unit_read(path);
    span rest = buf_span(&text);
    size_t lines = 0;
    for (span line; span_cut(&rest, '\n', &line); lines++) {}
    buf_done(&text);
    return lines - 1;
}

static void is_bounded_too(void **state) {
    (void)state;
    chat_history h;
    char entry[CHAT_HISTORY_ENTRY_MAX + 2];
    open_at(&h, "long");
    for (int i = 0; i < 3 * CHAT_HISTORY_MAX; i++) {
        snprintf(entry, sizeof entry, "entry %d", i);
        add(&h, entry);
    }
    memset(entry, 'x', sizeof entry - 1), entry[sizeof entry - 1] = '\0';
    add(&h, entry); /* one byte too long */
    assert_int_equal(h.count, CHAT_HISTORY_MAX);
    assert_string_equal(h.entries[0], "entry 2000");
    chat_history_done(&h);
    assert_int_equal(count_lines("long"), 3 * CHAT_HISTORY_MAX);
    open_at(&h, "long"); /* and is written anew */
    assert_int_equal(h.count, CHAT_HISTORY_MAX);
    assert_string_equal(h.entries[CHAT_HISTORY_MAX - 1], "entry 2999");
    chat_history_done(&h);
    assert_int_equal(count_lines("long"), CHAT_HISTORY_MAX);
}

static void says_once_why_it_is_not_kept(void **state) {
    (void)state;
    chat_history h;
    buf why = BUF_EMPTY;
    write_file("in-the-way", SPAN_OF(""));
    assert_false(chat_history_open(&h, "in-the-way/history", &why));
    assert_string_equal(buf_cstr(&why), "cannot open in-the-way/history: Not a directory; the "
                                        "history of this conversation is not kept");
    add(&h, "still here");
    assert_int_equal(h.count, 1);
    chat_history_done(&h);
    buf_clear(&why);
    assert_int_equal(mkfifo("history-pipe", 0600), 0);
    assert_false(chat_history_open(&h, "history-pipe", &why));
    chat_history_done(&h);
    buf_done(&why);
}

static void takes_any_file(void **state) {
    (void)state;
    chat_history h;
    write_file("odd", SPAN_OF("a\0b\n\xff\n\n\\\nplain\\q"));
    open_at(&h, "odd");
    assert_int_equal(h.count, 2);
    assert_string_equal(h.entries[0], "\\");
    assert_string_equal(h.entries[1], "plainq");
    chat_history_done(&h);
}

static void knows_its_place(void **state) {
    (void)state;
    buf path = BUF_EMPTY;
    setenv("HOME", "/home/x", 1);
    setenv("XDG_STATE_HOME", "/state", 1);
    assert_true(chat_history_path(&path));
    assert_span(buf_span(&path), "/state/weir/chat_history");
    buf_clear(&path);
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_true(chat_history_path(&path));
    assert_span(buf_span(&path), "/home/x/.local/state/weir/chat_history");
    unsetenv("HOME");
    assert_false(chat_history_path(&path));
    buf_done(&path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_files_by_name),
        cmocka_unit_test(a_lone_input_is_the_question),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(lasts),
        cmocka_unit_test(two_at_a_time_lose_nothing),
        cmocka_unit_test(is_bounded_too),
        cmocka_unit_test(says_once_why_it_is_not_kept),
        cmocka_unit_test(takes_any_file),
        cmocka_unit_test(knows_its_place),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
