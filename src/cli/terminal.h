/* cli/terminal.h: what a stream can show: whether it is a terminal, how wide, in colour or not.
 *
 * Any thread. Allocates nothing. Works in any locale: text is UTF-8.
 * Source   no-color.org; clig.dev. Colour is off where the stream is no terminal, NO_COLOR is set
 *          and not empty, or TERM is dumb or not set.
 */
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* fd is a terminal that can move its cursor (TERM is set and not "dumb"): lines may be redrawn. */
bool terminal_can_redraw(int fd);
bool terminal_has_colour(int fd);
/* Columns; asked anew each time, so it is right after a resize. Where the terminal does not know:
 * $COLUMNS, else 80. Never 0. */
unsigned terminal_columns(int fd);

/* An escape sequence, or "" where the terminal shows no colour. A style adds to those before it;
 * STYLE_PLAIN ends them all. */
typedef enum terminal_style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_CYAN
} terminal_style;
const char *terminal_style_of(bool colour, terminal_style style);

/* Columns that len bytes of UTF-8 take on a terminal; control and broken bytes count as one, so
 * escape sequences are to be left out. */
unsigned terminal_width(const char *text, size_t len);
/* Bytes of the longest beginning of text that takes at most so many columns; whole characters, with
 * the combining ones that follow them. */
size_t terminal_fit(const char *text, size_t len, unsigned columns);

#endif
