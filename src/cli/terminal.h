/* cli/terminal.h: what a stream can show: whether it is a terminal, how wide, in colour or not.
 *
 * Source   no-color.org; clig.dev. Colour is off where the stream is no terminal, NO_COLOR is set
 *          and not empty, or TERM is dumb or not set.
 */
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include "base/attr.h"

#include <stdbool.h>

/* fd is a terminal that can move its cursor (TERM is set and not "dumb"): lines may be redrawn. */
bool terminal_can_redraw(int fd);
bool terminal_has_colour(int fd);
/* Columns; asked anew each time, so it is right after a resize. 80 where nobody knows. */
unsigned terminal_columns(int fd);

/* An escape sequence, or "" where the terminal shows no colour. */
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

/* Columns that len bytes of UTF-8 take on a terminal; control and broken bytes count as one. */
unsigned terminal_width(const char *text, unsigned long len);

#endif
