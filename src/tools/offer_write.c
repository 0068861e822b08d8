/* An offer in a request, and in words: what gateway and library have in common. */
#include "tools/offer.h"

const tool *offer_find(const offer *o, span name) {
    for (size_t i = 0; i < o->count; i++)
        if (span_eq(o->tools[i]->name, name)) return o->tools[i];
    return NULL;
}

/* The first so many characters. */
static span first_chars(span text, size_t most) {
    size_t at = 0;
    for (size_t chars = 0; at < text.len; at++) {
        bool begins = ((unsigned char)text.ptr[at] & 0xC0) != 0x80;
        if (begins && chars++ == most) break;
    }
    return span_slice(text, 0, at);
}

static void put_description(json_writer *w, span text) {
    if (!text.len) return;
    json_key(w, "description");
    if (span_utf8_len(text) <= OFFER_DESCRIPTION_MAX) {
        json_put_string(w, text);
        return;
    }
    static const span end = SPAN("…");
    buf cut = BUF_EMPTY;
    buf_add(&cut, first_chars(text, OFFER_DESCRIPTION_MAX - 1));
    buf_add(&cut, end);
    json_put_string(w, buf_span(&cut));
    buf_done(&cut);
}

static void put_function(const tool *t, bool flat, json_writer *w) {
    json_key(w, "name");
    json_put_string(w, t->name);
    put_description(w, t->description);
    json_key(w, "parameters");
    json_put_raw(w, t->strict.len ? t->strict : t->parameters);
    if (!flat && !t->strict.len) return;
    json_key(w, "strict");
    json_put_bool(w, t->strict.len > 0);
}

void offer_write_items(const offer *o, bool flat, json_writer *w) {
    for (size_t i = 0; i < o->count; i++) {
        json_open_object(w);
        json_key(w, "type");
        json_put_string(w, SPAN_OF("function"));
        if (!flat) {
            json_key(w, "function");
            json_open_object(w);
        }
        put_function(o->tools[i], flat, w);
        if (!flat) json_close_object(w);
        json_close_object(w);
    }
}

void offer_write(const offer *o, json_writer *w) {
    json_open_array(w);
    offer_write_items(o, false, w);
    json_close_array(w);
}

void offer_write_names(const offer *o, buf *out) {
    enum { NAMES_MAX = 20 };
    size_t most = o->count < NAMES_MAX ? o->count : NAMES_MAX;
    for (size_t i = 0; i < most; i++) {
        const char *before = !i ? "" : i + 1 < o->count ? ", " : " and ";
        buf_add_cstr(out, before);
        buf_add(out, o->tools[i]->name);
    }
    if (o->count > most) buf_addf(out, " and %zu more", o->count - most);
}

void offer_write_unknown(const offer *o, span name, buf *out) {
    buf_addf(out, "there is no tool of the name '%.*s' here", SPAN_ARG(span_clip(name, 64)));
    if (o->count) buf_add_cstr(out, "; those that there are: ");
    offer_write_names(o, out);
}
