#include "cli/terminal.h"

#include "base/span.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <threads.h>
#include <unistd.h>
#include <wchar.h>

enum { COLUMNS_DEFAULT = 80, COLUMNS_MAX = 10000 };

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

bool terminal_can_redraw(int fd) {
    return is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0 && isatty(fd);
}

bool terminal_has_colour(int fd) {
    return !is_set("NO_COLOR") && terminal_can_redraw(fd);
}

unsigned terminal_columns(int fd) {
    struct winsize size;
    uint64_t told;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col) return size.ws_col;
    if (span_u64(span_cstr(getenv("COLUMNS")), &told) && told >= 1 && told <= COLUMNS_MAX)
        return (unsigned)told;
    return COLUMNS_DEFAULT;
}

const char *terminal_style_of(bool colour, terminal_style style) {
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",
        [STYLE_RED] = "\033[31m",  [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
        [STYLE_CYAN] = "\033[36m",
    };
    return colour ? sequences[style] : "";
}

/* ---- how wide a text is ---- */

/* libc goes by the locale, and weir runs in whatever locale there is: so it is asked in one of its
 * own. On a system without C.UTF-8 every character counts as one column. */
static locale_t utf8_locale;
static once_flag utf8_locale_made = ONCE_FLAG_INIT;

static void make_utf8_locale(void) {
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Of the character at p, of which len bytes may be read. */
static size_t measure(const char *p, size_t len, unsigned *ret_columns) {
    wchar_t c;
    mbstate_t state = {0};
    size_t bytes = mbrtowc(&c, p, len, &state);
    bool broken = bytes == (size_t)-1 || bytes == (size_t)-2;
    int columns = broken ? 1 : wcwidth(c);
    *ret_columns = columns < 0 || bytes == 0 ? 1 : (unsigned)columns;
    return broken || bytes == 0 ? 1 : bytes;
}

static size_t measure_bare(const char *p, size_t len, unsigned *ret_columns) {
    size_t bytes = 1;
    while (bytes < len && ((unsigned char)p[bytes] & 0xc0) == 0x80)
        bytes++;
    *ret_columns = 1;
    return bytes;
}

/* The beginning of text that fits into so many columns: its bytes, and the columns it takes. */
static size_t walk(const char *text, size_t len, unsigned columns, unsigned *ret_taken) {
    call_once(&utf8_locale_made, make_utf8_locale);
    locale_t before = utf8_locale ? uselocale(utf8_locale) : (locale_t)0;
    size_t at = 0;
    unsigned taken = 0;
    while (at < len) {
        unsigned width;
        size_t bytes = utf8_locale ? measure(text + at, len - at, &width)
                                   : measure_bare(text + at, len - at, &width);
        if (width > columns - taken) break;
        taken += width;
        at += bytes;
    }
    if (utf8_locale) uselocale(before);
    *ret_taken = taken;
    return at;
}

unsigned terminal_width(const char *text, size_t len) {
    unsigned taken;
    (void)walk(text, len, UINT_MAX, &taken);
    return taken;
}

size_t terminal_fit(const char *text, size_t len, unsigned columns) {
    unsigned taken;
    return walk(text, len, columns, &taken);
}
