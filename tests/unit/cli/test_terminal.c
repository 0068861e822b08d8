/* cli/terminal: before a real pseudo-terminal, before none, and how wide text is. */
#include "cli/terminal.h"
#include "unit.h"

#include <locale.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int master, slave, none[2];

static int set_up(void **state) {
    (void)state;
    setenv("TERM", "xterm-256color", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLUMNS");
    return openpty(&master, &slave, NULL, NULL, NULL) || pipe(none);
}

static int tear_down(void **state) {
    (void)state;
    close(master), close(slave), close(none[0]), close(none[1]);
    return 0;
}

static void resize(unsigned short columns) {
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
}

static void knows_a_terminal(void **state) {
    (void)state;
    assert_true(terminal_can_redraw(slave));
    assert_true(terminal_has_colour(slave));
    assert_false(terminal_can_redraw(none[1]));
    assert_false(terminal_has_colour(none[1]));
    assert_false(terminal_can_redraw(-1));
}

static void a_dumb_terminal_shows_neither(void **state) {
    (void)state;
    setenv("TERM", "dumb", 1);
    assert_false(terminal_can_redraw(slave));
    assert_false(terminal_has_colour(slave));
    setenv("TERM", "", 1);
    assert_false(terminal_can_redraw(slave));
    unsetenv("TERM");
    assert_false(terminal_can_redraw(slave));
    assert_false(terminal_has_colour(slave));
}

static void no_color_leaves_redrawing(void **state) {
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_false(terminal_has_colour(slave));
    assert_true(terminal_can_redraw(slave));
    setenv("NO_COLOR", "", 1); /* no-color.org: present and not an empty string */
    assert_true(terminal_has_colour(slave));
}

static void columns_follow_the_terminal(void **state) {
    (void)state;
    resize(132);
    assert_int_equal(terminal_columns(slave), 132);
    setenv("COLUMNS", "40", 1); /* the terminal knows better */
    resize(61);
    assert_int_equal(terminal_columns(slave), 61);
    resize(0); /* a serial line */
    assert_int_equal(terminal_columns(slave), 40);
    assert_int_equal(terminal_columns(none[1]), 40);
    static const char *const useless[] = {"", "0", "wide", "-3", "10001"};
    for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
        setenv("COLUMNS", useless[i], 1);
        assert_int_equal(terminal_columns(slave), 80);
    }
    unsetenv("COLUMNS");
    assert_int_equal(terminal_columns(none[1]), 80);
}

static void styles_are_nothing_without_colour(void **state) {
    (void)state;
    for (terminal_style s = STYLE_PLAIN; s <= STYLE_CYAN; s++) {
        assert_string_equal(terminal_style_of(false, s), "");
        assert_true(strncmp(terminal_style_of(true, s), "\033[", 2) == 0);
    }
    assert_string_equal(terminal_style_of(true, STYLE_PLAIN), "\033[0m");
    assert_string_equal(terminal_style_of(true, STYLE_BOLD), "\033[1m");
}

static const struct {
    const char *text;
    unsigned width;
} widths[] = {
    {"", 0},
    {"plain", 5},
    {"Grüße", 5},
    {"日本語", 6},
    {"한글 a", 6},
    {"e\xcc\x81t\xc3\xa9", 3}, /* é from two characters, é from one */
    {"🎉!", 3},                 /* beyond the basic plane */
    {"\033[1m", 4},            /* a control byte counts as one */
    {"a\tb\n", 4},             /* */
    {"\xff\xfe", 2},           /* no UTF-8 at all */
    {"\xc3", 1},               /* cut */
    {"\xe6\x97", 2},           /* cut: each broken byte counts */
    {"\xed\xa0\x80", 3},       /* a surrogate */
    {"a\xc2\x85", 2},          /* a C1 control */
};

static void widths_are_those_of_utf8(void **state) {
    (void)state;
    static const char *const locales[] = {"C", "POSIX", "C.UTF-8"};
    for (size_t l = 0; l < ARRAY_LEN(locales); l++) {
        assert_non_null(setlocale(LC_ALL, locales[l]));
        for (size_t i = 0; i < ARRAY_LEN(widths); i++)
            assert_int_equal(terminal_width(widths[i].text, strlen(widths[i].text)),
                             widths[i].width);
    }
    assert_int_equal(terminal_width("a\0b", 3), 3);
    assert_int_equal(terminal_width("日本", 3), 2); /* no byte beyond len is read */
}

static void what_fits_is_whole_characters(void **state) {
    (void)state;
    assert_int_equal(terminal_fit("hello", 5, 3), 3);
    assert_int_equal(terminal_fit("hello", 5, 9), 5);
    assert_int_equal(terminal_fit("hello", 5, 0), 0);
    assert_int_equal(terminal_fit("日本語", 9, 5), 6); /* the third would need a sixth column */
    assert_int_equal(terminal_fit("e\xcc\x81x", 4, 1), 3);
    /* For any text and any room: what fits is no wider, and one character more would be. */
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        size_t len = strlen(widths[i].text);
        for (unsigned room = 0; room <= widths[i].width; room++)
            assert_true(terminal_width(widths[i].text, terminal_fit(widths[i].text, len, room)) <=
                        room);
        assert_int_equal(terminal_fit(widths[i].text, len, widths[i].width), len);
    }
}

#define WITH_TERMINAL(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_TERMINAL(knows_a_terminal),
        WITH_TERMINAL(a_dumb_terminal_shows_neither),
        WITH_TERMINAL(no_color_leaves_redrawing),
        WITH_TERMINAL(columns_follow_the_terminal),
        cmocka_unit_test(styles_are_nothing_without_colour),
        cmocka_unit_test(widths_are_those_of_utf8),
        cmocka_unit_test(what_fits_is_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
