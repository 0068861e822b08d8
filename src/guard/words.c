#include "guard/words.h"

#include "base/marks.h"

static void add_first(guard_words *w, unsigned char c) {
    w->firsts[c >> 6] |= UINT64_C(1) << (c & 63);
}

static bool is_letter(unsigned char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

guard_words guard_words_of(const span *words, size_t count, arena *a) {
    span *copy = arena_alloc(a, (count ? count : 1) * sizeof *copy);
    guard_words w = {.items = copy, .count = count};
    for (size_t i = 0; i < count; i++) {
        copy[i] = arena_dup(a, words[i]);
        if (!words[i].len) continue;
        const unsigned char first = (unsigned char)words[i].ptr[0];
        add_first(&w, first);
        w.signs |= first < 0x80 && !is_letter(first);
        if (is_letter(first)) add_first(&w, first ^ 0x20);
    }
    return w;
}

static bool is_capital(unsigned char c) {
    return c >= 'A' && c <= 'Z';
}

/* Of a name whose parts have capitals it is a part. */
static bool ends_at(span text, size_t at) {
    if (at == text.len || !is_letter((unsigned char)text.ptr[at])) return true;
    return is_capital((unsigned char)text.ptr[at]) && !is_capital((unsigned char)text.ptr[at - 1]);
}

static bool is_word(span word, span text, bool near) {
    const bool whole = near && word.len > 1 && word.ptr[word.len - 1] == '$';
    word.len -= whole;
    return word.len && span_istarts(text, word) && (!whole || ends_at(text, word.len));
}

static bool stands_at(const guard_words *w, span text, size_t at, bool near) {
    const unsigned char c = (unsigned char)text.ptr[at];
    if (!(w->firsts[c >> 6] >> (c & 63) & 1)) return false;
    const span rest = span_slice(text, at, text.len);
    for (size_t i = 0; i < w->count; i++)
        if (is_word(w->items[i], rest, near)) return true;
    return false;
}

uint64_t guard_words_places(const guard_words *w, span text) {
    unsigned char block[WORDS_BLOCK] = {0};
    if (!text.len) return 0;
    const size_t len = text.len < sizeof block ? text.len : sizeof block;
    memcpy(block, text.ptr, len);
    uint64_t letters = 0, high = 0;
    for (size_t i = 0; i < sizeof block; i += sizeof(bytes16)) {
        bytes16 b;
        memcpy(&b, block + i, sizeof b);
        letters |= marks((bytes16)((b | 0x20) - 'a' < 26)) << i;
        high |= marks((bytes16)(b > 0x7F)) << i;
    }
    const uint64_t places = ~(letters << 1) & ~UINT64_C(0) >> (WORDS_BLOCK - len);
    return w->signs ? places : places & (letters | high);
}

bool guard_words_near(const guard_words *w, span text) {
    for (uint64_t places = guard_words_places(w, text); places; places &= places - 1)
        if (stands_at(w, text, (size_t)__builtin_ctzll(places), true)) return true;
    return false;
}

bool guard_words_within(const guard_words *w, span text) {
    for (size_t i = 0; w->count && i < text.len; i++)
        if (stands_at(w, text, i, false)) return true;
    return false;
}
