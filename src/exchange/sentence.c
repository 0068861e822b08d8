/* What a failure says to people: the sentences of chat.say.*. */
#include "exchange/internal.h"

static bool is_unreachable(failure_class f) {
    return f == FAIL_CONNECTION || f == FAIL_SILENT || f == FAIL_TLS;
}

static span sentence_for(const exchange *x) {
    const config_chat *say = &exchange_config(x)->chat;
    const failure *f = &x->failure;
    if (f->status == 429) return say->say_rate_limited;
    /* Whoever has read half an answer knows that there is a connection. */
    if (!f->committed && is_unreachable(f->class)) return say->say_unreachable;
    return f->status < 500 ? say->say_invalid : say->say_failed;
}

void sentence_fill(span sentence, span error, buf *out) {
    static const span place = SPAN("{error}");
    size_t at = span_find_span(sentence, 0, place);
    buf_add(out, span_slice(sentence, 0, at));
    if (at == sentence.len) return;
    buf_add(out, error);
    buf_add(out, span_slice(sentence, at + place.len, sentence.len));
}

void exchange_sentence(const exchange *x, buf *out) {
    sentence_fill(sentence_for(x), x->failure.text, out);
}
