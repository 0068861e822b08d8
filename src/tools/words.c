#include "tools/words.h"

#include <string.h>

enum {
    WORDS_KEPT = 8192,
    WORDS_MAX = 500, /* that are told of it */
};

void last_words_add(last_words *w, span piece) {
    buf_add(&w->said, piece);
    if (w->said.len > 2 * WORDS_KEPT) buf_drop_front(&w->said, w->said.len - WORDS_KEPT);
}

static void add_end(span said, buf *out) {
    while (said.len && strchr(" \t\r\n", said.ptr[said.len - 1]))
        said.len--;
    size_t from = said.len > WORDS_MAX ? said.len - WORDS_MAX : 0;
    while (from && from < said.len && (said.ptr[from] & 0xC0) == 0x80)
        from++;
    if (said.len) buf_add_cstr(out, from ? ": …" : ": ");
    buf_add_excerpt(out, span_slice(said, from, said.len), WORDS_MAX);
}

void last_words_tell(const last_words *w, const secret_set *secrets, buf *out) {
    arena a;
    arena_init(&a, 0);
    /* Before it is cut: half a secret would not be found. */
    add_end(secret_set_without(secrets, buf_span(&w->said), &a), out);
    arena_done(&a);
}

void last_words_done(last_words *w) {
    buf_done(&w->said);
}
