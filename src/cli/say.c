#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What an argument or a file holds may not steer the terminal. Each byte of such a character
 * becomes a '?': the text keeps its length. */
void cli_disarm(char *text, size_t len) {
    size_t n;
    for (size_t i = 0; i < len; i += n) {
        uint32_t code = 0;
        n = span_utf8_at(span_from(text, len), i, &code);
        if (n == 0 && ((unsigned char)text[i] & 0xe0) == 0x80)
            text[i] = '?'; /* C1 of a terminal without UTF-8 */
        if (n == 0)
            n = 1;
        else if (utf8_is_unsafe(code) && code != '\n' && code != '\t')
            memset(text + i, '?', n);
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
