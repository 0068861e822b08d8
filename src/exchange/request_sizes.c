#include "exchange/request_sizes.h"

#include "dialect/dialect_ops.h"

#include <string.h>

/* As json_limits.depth counts. */
static int64_t depth_of(span json) {
    int64_t depth = 0, most = 0;
    bool text = false;
    for (size_t i = 0; i < json.len; i++) {
        const char c = json.ptr[i];
        if (c == '"')
            text = !text;
        else if (text)
            i += c == '\\';
        else if (c == '[' || c == '{')
            most = ++depth > most ? depth : most;
        else
            depth -= c == ']' || c == '}';
    }
    return most;
}

static const int64_t too_many = (int64_t)1e15;

/* Between quotes. Some servers read a number in a text: one that they may read otherwise than weir,
 * as "+10", "1_0" or one with escapes, is too many. */
static int64_t number_in(span text) {
    uint64_t n;
    bool odd = false; /* escapes, and digits and blanks of other scripts */
    for (size_t i = 0; i < text.len; i++)
        odd |= text.ptr[i] == '\\' || (unsigned char)text.ptr[i] >= 0x80;
    for (size_t i = 0; i < text.len && !odd; i++)
        if (!memchr("0123456789+-_.eE ", text.ptr[i], 17)) return 1;
    if (odd || !span_u64(span_trim(text), &n)) return text.len ? too_many : 1;
    return n < 1 ? 1 : n < (uint64_t)too_many ? (int64_t)n : too_many;
}

static int64_t number_of(json_value v) {
    double n;
    if (v.type == JSON_STRING) return number_in(span_slice(v.raw, 1, v.raw.len - 1));
    if (v.type != JSON_NUMBER || !json_double(v, &n) || n < 1) return 1;
    return n < 1e15 ? (int64_t)n : too_many;
}

static int64_t choices_of(const request_facts *f, bool *ret_best) {
    static const span names[] = {SPAN("n"), SPAN("best_of")};
    json_value values[ARRAY_LEN(names)];
    *ret_best = false;
    if (f->form) return f->form->choices;
    json_get_each(f->root, names, ARRAY_LEN(names), values);
    const int64_t n = number_of(values[0]), best = number_of(values[1]);
    *ret_best = best > n;
    return *ret_best ? best : n;
}

const char *request_sizes_n_member(const request_facts *f) {
    bool best;
    (void)choices_of(f, &best);
    return best ? "best_of" : "n";
}

static int64_t items_of(json_value root, span name) {
    const json_value v = json_get(root, name);
    return v.type == JSON_ARRAY ? (int64_t)json_count(v) : 0;
}

/* What else `input` may be a list of has no turns. */
static int64_t messages_of(const request_facts *f) {
    return items_of(f->root, f->endpoint == EP_RESPONSES ? SPAN_OF("input") : SPAN_OF("messages"));
}

static int64_t tools_of(const request_facts *f) {
    return items_of(f->root, SPAN_OF("tools")) + items_of(f->root, SPAN_OF("functions"));
}

static bool add_text(void *user, const outline_text *text) {
    int64_t *n = user;
    json_pieces it = json_pieces_of(text->value);
    for (span piece; json_next_piece(&it, &piece);)
        *n += (int64_t)span_utf8_len(piece);
    return true;
}

static void count_outline(const request_facts *f, unsigned wanted, int64_t *ret) {
    arena own;
    arena_init(&own, 0);
    outline_slot slot = f->outline;
    const request_outline *o =
        outline_ask(&slot, endpoint_get(f->endpoint)->dialect, f->root, &own);
    if (wanted & 1u << SIZE_OF_CHARACTERS) {
        ret[SIZE_OF_CHARACTERS] = o ? 0 : SIZE_UNCOUNTED;
        if (o) (void)outline_each_text(o, add_text, &ret[SIZE_OF_CHARACTERS]);
    }
    if (wanted & 1u << SIZE_OF_IMAGES)
        ret[SIZE_OF_IMAGES] = o ? (int64_t)outline_count(o, OUTLINE_IMAGE) : SIZE_UNCOUNTED;
    arena_done(&own);
}

void request_sizes_count(const request_facts *f, unsigned wanted, int64_t ret[CONFIG_SIZES]) {
    bool best;
    if (wanted & 1u << SIZE_OF_MESSAGES) ret[SIZE_OF_MESSAGES] = messages_of(f);
    if (wanted & 1u << SIZE_OF_TOOLS) ret[SIZE_OF_TOOLS] = tools_of(f);
    if (wanted & 1u << SIZE_OF_DEPTH) ret[SIZE_OF_DEPTH] = depth_of(f->root.raw);
    if (wanted & 1u << SIZE_OF_N) ret[SIZE_OF_N] = choices_of(f, &best);
    if (wanted & (1u << SIZE_OF_CHARACTERS | 1u << SIZE_OF_IMAGES)) count_outline(f, wanted, ret);
}
