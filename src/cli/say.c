#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What an argument or a file holds may not steer the terminal: control characters become '?', those
 * of C1 too, which are two bytes in UTF-8. Lines and tabs stay. */
void cli_disarm(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80;
        if (c1) text[i + 1] = '?';
        if (c1 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) text[i] = '?';
    }
}

void cli_tell(buf *text) {
    cli_disarm(text->ptr, text->len);
    fwrite(buf_cstr(text), 1, text->len, stderr);
    buf_done(text);
}

void cli_complain(const char *fmt, ...) {
    buf text = BUF_EMPTY;
    va_list args;
    va_start(args, fmt);
    buf_add_cstr(&text, "weir: ");
    buf_vaddf(&text, fmt, args);
    va_end(args);
    buf_add_char(&text, '\n');
    cli_tell(&text);
}

bool cli_print(const buf *text) {
    bool ok = fwrite(text->ptr ? text->ptr : "", 1, text->len, stdout) == text->len &&
              fflush(stdout) == 0;
    /* A reader that has read enough is no trouble: where it is no signal it is no message either.
     */
    if (!ok && errno != EPIPE) cli_complain("cannot write to standard output: %m");
    return ok;
}

const char *cli_nearest(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t best_distance = strlen(word) <= 3 ? 2 : 3;
    for (size_t i = 0; i < count; i++) {
        size_t distance = span_distance(span_cstr(word), span_cstr(names[i]));
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = names[i];
    }
    return best;
}
