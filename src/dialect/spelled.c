#include "dialect/spelled.h"

#include "base/mem.h"

#include <stdlib.h>

static spelled_text *find_text(spelled *s, unsigned choice, unsigned whose) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->texts[i].choice == choice && s->texts[i].whose == whose) return &s->texts[i];
    return NULL;
}

static spelled_text *add_text(spelled *s, unsigned choice, unsigned whose) {
    spelled_text *text;
    if (!s->texts) s->texts = mem_zalloc_array(SPELLED_TEXTS, sizeof *s->texts);
    if (s->count < SPELLED_TEXTS)
        text = &s->texts[s->count++];
    else
        text = &s->texts[s->oldest++ % SPELLED_TEXTS];
    text->choice = choice;
    text->whose = whose;
    buf_clear(&text->begun);
    return text;
}

/* What is said beyond the end that may go on is of no interest. */
static bool go_on(spelled_text *text, const secret_set *secrets) {
    span said = buf_span(&text->begun);
    bool whole = secret_set_found(secrets, said) || secret_set_nearly(secrets, said);
    buf_drop_front(&text->begun, said.len - secret_set_begun(secrets, said));
    return whole;
}

bool spelled_go_on(spelled *s, unsigned choice, unsigned whose, span piece) {
    spelled_text *text = find_text(s, choice, whose);
    if (!text || !text->begun.len) {
        size_t begun = secret_set_begun(s->secrets, piece);
        if (!begun) return false;
        if (!text) text = add_text(s, choice, whose);
        piece = span_slice(piece, piece.len - begun, piece.len);
    }
    buf_add(&text->begun, piece);
    return go_on(text, s->secrets);
}

void spelled_done(spelled *s) {
    for (unsigned i = 0; i < s->count; i++)
        buf_done(&s->texts[i].begun);
    free(s->texts);
    s->texts = NULL;
    s->count = 0;
}
