#include "dialect/words.h"

#include "dialect/openai.h"

/* ---- which parts ---- */

typedef struct words {
    const answer_event *event;
    bool all;
    unsigned choice; /* else */
    unsigned kinds;  /* a bit per part_kind */
} words;

static bool has(const words *w, const answer_part *p) {
    return (w->kinds >> p->kind & 1u) && p->item < ITEM_BESIDE && p->value.type == JSON_STRING &&
           (w->all || p->choice == w->choice);
}

/* The next from *at on; NULL: none is left. */
static const answer_part *next(const words *w, size_t *at) {
    const answer_event *e = w->event;
    while (*at < e->part_count) {
        const answer_part *p = &e->parts[(*at)++];
        if (has(w, p)) return p;
    }
    return NULL;
}

static bool any(const words *w) {
    size_t at = 0;
    return next(w, &at) != NULL;
}

/* A stream's chunks may be of any choice; a plain answer whose choices are not numbered as they
 * should be still has a first. */
static unsigned first_choice(const answer_event *e) {
    if (e->kind == ANSWER_STREAM || !e->part_count) return 0;
    for (size_t i = 0; i < e->part_count; i++)
        if (e->parts[i].choice == 0) return 0;
    return e->parts[0].choice;
}

static words words_of(const answer_event *e, bool all_choices) {
    enum { TEXT = 1u << PART_TEXT, REFUSAL = 1u << PART_REFUSAL };
    words w = {.event = e, .all = all_choices, .choice = first_choice(e)};
    if (e->kind == ANSWER_STREAM && (e->sorts & EVENT_FULL)) return w;
    w.kinds = all_choices ? TEXT | REFUSAL : TEXT;
    if (!all_choices && !any(&w)) w.kinds = REFUSAL;
    return w;
}

/* ---- what they say ---- */

static void join(const words *w, arena *a, buf *out) {
    size_t at = 0;
    for (const answer_part *p; (p = next(w, &at));)
        buf_add(out, json_string(p->value, a));
}

/* The only one; NULL: there are more, or none (*ret_any). */
static const answer_part *single(const words *w, bool *ret_any) {
    size_t at = 0;
    const answer_part *first = next(w, &at);
    *ret_any = first != NULL;
    return next(w, &at) ? NULL : first;
}

bool answer_words(const answer_event *e, bool all_choices, arena *a, span *ret) {
    const words w = words_of(e, all_choices);
    bool says;
    const answer_part *only = single(&w, &says);
    if (!says) return false;
    if (only) {
        *ret = json_string(only->value, a);
        return true;
    }
    buf text = BUF_EMPTY;
    join(&w, a, &text);
    *ret = arena_dup(a, buf_span(&text));
    buf_done(&text);
    return true;
}

json_value answer_words_json(const answer_event *e, bool all_choices, arena *a) {
    const words w = words_of(e, all_choices);
    bool says;
    const answer_part *only = single(&w, &says);
    if (only) return only->value;
    if (!says) return (json_value){JSON_NONE, SPAN_EMPTY};
    buf text = BUF_EMPTY, json = BUF_EMPTY;
    join(&w, a, &text);
    json_write_string(&json, buf_span(&text));
    json_value value = {JSON_STRING, arena_dup(a, buf_span(&json))};
    buf_done(&text);
    buf_done(&json);
    return value;
}

/* ---- documents ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

json_value answer_root(span document) {
    while (document.len && is_blank(document.ptr[0]))
        document = span_slice(document, 1, document.len);
    while (document.len && is_blank(document.ptr[document.len - 1]))
        document.len--;
    return (json_value){JSON_OBJECT, document};
}
