#include "dialect/tokens.h"

#include "base/marks.h"

#include <string.h>

/* ---- weights ---- */

enum { O200K, CL100K, LLAMA, GEMMA, QWEN, DEEPSEEK, VOCABULARIES };

typedef enum piece {
#define X(piece, ...) PIECE_##piece,
#include "dialect/tokens.def"
#undef X
    PIECES
} piece;

static const uint16_t weights[PIECES][VOCABULARIES] = {
#define X(piece, ...) [PIECE_##piece] = {__VA_ARGS__},
#include "dialect/tokens.def"
#undef X
};

enum { ONE = 100 };

typedef struct chat_form {
    unsigned char user, model, other; /* for each message */
    unsigned char once;
} chat_form;

/* Gemma's and Qwen's were not measured. */
static const struct {
    unsigned char vocabulary;
    unsigned char percent; /* of its figure */
    chat_form chat;
} families[TOKENS_FAMILIES] = {
    [TOKENS_O200K] = {O200K, 100, {4, 4, 4, 3}},
    [TOKENS_CL100K] = {CL100K, 100, {4, 4, 4, 3}},
    [TOKENS_LLAMA] = {LLAMA, 100, {5, 5, 5, 5}},
    [TOKENS_GEMMA] = {GEMMA, 100, {4, 4, 4, 3}},
    [TOKENS_QWEN] = {QWEN, 100, {4, 4, 4, 3}},
    [TOKENS_CLAUDE] = {O200K, 115, {4, 4, 4, 3}},
    [TOKENS_DEEPSEEK] = {DEEPSEEK, 100, {1, 2, 0, 2}},
};

static void count(token_count *c, piece p, size_t n) {
    c->hundredths += n * weights[p][families[c->family].vocabulary];
}

/* ---- families ---- */

/* The first that is found in the name says it: what was made of another model has that one's
 * vocabulary, and is named after both. */
static const struct {
    span word;
    token_family family;
} names[] = {
    {SPAN("gpt-4o"), TOKENS_O200K},       {SPAN("gpt-4."), TOKENS_O200K},
    {SPAN("gpt-4"), TOKENS_CL100K},       {SPAN("gpt-3"), TOKENS_CL100K},
    {SPAN("embedding-3"), TOKENS_CL100K}, {SPAN("embedding-ada"), TOKENS_CL100K},
    {SPAN("llama"), TOKENS_LLAMA},        {SPAN("gemma"), TOKENS_GEMMA},
    {SPAN("gemini"), TOKENS_GEMMA},       {SPAN("qwen"), TOKENS_QWEN},
    {SPAN("deepseek"), TOKENS_DEEPSEEK},  {SPAN("claude"), TOKENS_CLAUDE},
};

static bool has_word(span name, span word) {
    for (size_t i = 0; i + word.len <= name.len; i++)
        if (span_ieq(span_slice(name, i, i + word.len), word)) return true;
    return false;
}

token_family tokens_family(span model) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (has_word(model, names[i].word)) return names[i].family;
    return TOKENS_O200K;
}

/* ---- characters above 7F ---- */

typedef struct block {
    uint32_t to; /* the last of it */
    piece piece;
} block;

/* In their order, each from behind the one before (Unicode 15's blocks, small ones left out). */
static const block blocks[] = {
    {0x00BF, PIECE_OTHER},     {0x019F, PIECE_LATIN},      {0x01B0, PIECE_VIETNAMESE},
    {0x024F, PIECE_LATIN},     {0x036F, PIECE_OTHER},      {0x03FF, PIECE_GREEK},
    {0x052F, PIECE_CYRILLIC},  {0x058F, PIECE_ARMENIAN},   {0x05FF, PIECE_HEBREW},
    {0x06FF, PIECE_ARABIC},    {0x074F, PIECE_OTHER},      {0x077F, PIECE_ARABIC},
    {0x089F, PIECE_OTHER},     {0x08FF, PIECE_ARABIC},     {0x0DFF, PIECE_INDIC},
    {0x0EFF, PIECE_THAI},      {0x109F, PIECE_OTHER},      {0x10FF, PIECE_GEORGIAN},
    {0x11FF, PIECE_HANGUL},    {0x177F, PIECE_OTHER},      {0x17FF, PIECE_KHMER},
    {0x1C8F, PIECE_OTHER},     {0x1CBF, PIECE_GEORGIAN},   {0x1DFF, PIECE_OTHER},
    {0x1E9F, PIECE_LATIN},     {0x1EFF, PIECE_VIETNAMESE}, {0x1FFF, PIECE_GREEK},
    {0x25FF, PIECE_OTHER},     {0x27BF, PIECE_EMOJI},      {0x2FFF, PIECE_OTHER},
    {0x303F, PIECE_CJK_SIGNS}, {0x30FF, PIECE_KANA},       {0x312F, PIECE_OTHER},
    {0x318F, PIECE_HANGUL},    {0x31EF, PIECE_OTHER},      {0x31FF, PIECE_KANA},
    {0x33FF, PIECE_OTHER},     {0x9FFF, PIECE_HAN},        {0xABFF, PIECE_OTHER},
    {0xD7FF, PIECE_HANGUL},    {0xF8FF, PIECE_OTHER},      {0xFAFF, PIECE_HAN},
    {0xFB4F, PIECE_OTHER},     {0xFDFF, PIECE_ARABIC},     {0xFE6F, PIECE_OTHER},
    {0xFEFF, PIECE_ARABIC},    {0xFF65, PIECE_CJK_SIGNS},  {0xFF9F, PIECE_KANA},
    {0x1EFFF, PIECE_OTHER},    {0x1FAFF, PIECE_EMOJI},     {0x1FFFF, PIECE_OTHER},
    {0x3FFFF, PIECE_HAN},      {UINT32_MAX, PIECE_OTHER},
};

static piece piece_of(uint32_t code) {
    size_t low = 0, high = ARRAY_LEN(blocks) - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code <= blocks[middle].to)
            high = middle;
        else
            low = middle + 1;
    }
    return blocks[low].piece;
}

/* ---- runs ---- */

typedef enum run {
    RUN_NONE,
    RUN_SMALL,    /* small letters, perhaps behind a capital */
    RUN_CAPITALS, /* alone */
    RUN_DIGITS,
    RUN_BLANKS,
    RUN_NEWLINES,
    RUN_SIGNS,
    RUN_WIDE, /* above 7F */
} run;

#define RANGE(from, to, run) [(from)...(to)] = (run)
static const unsigned char runs[256] = {
    RANGE(0x00, 0x08, RUN_SIGNS), ['\t'] = RUN_BLANKS,           ['\n'] = RUN_NEWLINES,
    RANGE(0x0B, 0x0C, RUN_SIGNS), ['\r'] = RUN_NEWLINES,         RANGE(0x0E, 0x1F, RUN_SIGNS),
    [' '] = RUN_BLANKS,           RANGE('!', '/', RUN_SIGNS),    RANGE('0', '9', RUN_DIGITS),
    RANGE(':', '@', RUN_SIGNS),   RANGE('A', 'Z', RUN_CAPITALS), RANGE('[', '`', RUN_SIGNS),
    RANGE('a', 'z', RUN_SMALL),   RANGE('{', 0x7F, RUN_SIGNS),   RANGE(0x80, 0xFF, RUN_WIDE),
};

static void begin_word(token_count *c) {
    count(c, PIECE_WORD, 1);
    if (c->run == RUN_SMALL || c->run == RUN_CAPITALS || c->run == RUN_DIGITS)
        count(c, PIECE_GLUED, 1);
}

/* The first of a run. */
static void begin_run(token_count *c, run r) {
    switch (r) {
    case RUN_SMALL:
        if (c->run == RUN_CAPITALS && c->length == 1) { /* its capital was the last */
            c->run = RUN_SMALL;
            c->length = 2;
            return;
        }
        begin_word(c);
        break;
    case RUN_CAPITALS: begin_word(c); break;
    case RUN_DIGITS:
        if (c->run == RUN_BLANKS) count(c, PIECE_BLANK, 1);
        count(c, PIECE_DIGITS, 1);
        break;
    case RUN_NEWLINES: count(c, PIECE_NEWLINES, 1); break;
    case RUN_SIGNS: count(c, PIECE_SIGNS, 1); break;
    case RUN_BLANKS:
    case RUN_WIDE:
    case RUN_NONE: break;
    }
    c->run = (unsigned char)r;
    c->length = 1;
}

/* What a run counts by its length: behind the first so many each so many more. */
static const struct {
    unsigned char first, each;
    unsigned char piece;
} lengths[] = {
    [RUN_SMALL] = {7, 1, PIECE_LETTER},   [RUN_CAPITALS] = {7, 1, PIECE_LETTER},
    [RUN_DIGITS] = {1, 3, PIECE_DIGITS},  [RUN_BLANKS] = {2, 80, PIECE_MORE},
    [RUN_NEWLINES] = {1, 16, PIECE_MORE}, [RUN_SIGNS] = {1, 3, PIECE_MORE},
};

/* n more of the same. */
static void go_on(token_count *c, size_t n) {
    size_t length = c->length + n, first = lengths[c->run].first, each = lengths[c->run].each;
    if (c->run == RUN_BLANKS && c->length < 2 && length >= 2) count(c, PIECE_BLANKS, 1);
    if (length <= first) {
        c->length = (unsigned char)length;
        return;
    }
    c->length = (unsigned char)(first + (length - first) % each);
    count(c, lengths[c->run].piece, (length - first) / each);
}

/* n characters of one kind; what is left of a group is kept for those that follow. */
static void take(token_count *c, run r, size_t n) {
    if (r != (run)c->run) {
        begin_run(c, r);
        n--;
    }
    if (n) go_on(c, n);
}

/* Its lead says how many bytes follow; what has none is one character by itself. */
static bool take_byte(token_count *c, unsigned char b) {
    if (b < 0xC0 && c->left) {
        c->code = c->code << 6 | (b & 0x3F);
        c->left--;
    } else {
        c->left = b >= 0xF8 ? 0 : b >= 0xF0 ? 3 : b >= 0xE0 ? 2 : b >= 0xC0 ? 1 : 0;
        c->code = c->left ? b & (0x3Fu >> c->left) : 0xFFFD;
    }
    return !c->left;
}

/* Vietnamese has a mark on every third letter, and its words in the vocabularies. */
static void take_wide(token_count *c, unsigned char b) {
    if (!take_byte(c, b)) return;
    piece p = piece_of(c->code);
    count(c, p, 1);
    if (p == PIECE_VIETNAMESE)
        take(c, RUN_SMALL, 1);
    else
        c->run = RUN_WIDE;
}

/* ---- many runs at once ---- */

enum { BLOCK = 64, VECTOR = 16, WORTH = 16 /* bytes, below which runs one by one cost less */ };

/* A bit for each byte of a block, by what it is one of. */
typedef struct classes {
    uint64_t small, capitals, digits, blanks, newlines, wide;
} classes;

static inline classes classes_of(const unsigned char *p) {
    classes all = {0};
    for (unsigned i = 0; i < BLOCK; i += VECTOR) {
        bytes16 b;
        memcpy(&b, p + i, sizeof b);
        all.small |= marks((bytes16)(b - 'a' < 26)) << i;
        all.capitals |= marks((bytes16)(b - 'A' < 26)) << i;
        all.digits |= marks((bytes16)(b - '0' < 10)) << i;
        all.blanks |= marks((bytes16)((b == ' ') | (b == '\t'))) << i;
        all.newlines |= marks((bytes16)((b == '\n') | (b == '\r'))) << i;
        all.wide |= marks((bytes16)(b > 0x7F)) << i;
    }
    return all;
}

static inline unsigned ones_in(uint64_t bits) {
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* Ends of n ones in a row; n is 3, 7 or 16. */
static inline uint64_t rows_of(uint64_t ones, unsigned n) {
    for (unsigned have = 1; have < n;) {
        const unsigned more = n - have < have ? n - have : have;
        ones &= ones << more;
        have += more;
    }
    return ones;
}

/* Of runs that begin there and go on, every so many after the first. */
static inline unsigned groups(uint64_t begun, uint64_t on, unsigned each) {
    unsigned n = 0;
    on = rows_of(on, each);
    while (on && (begun = begun << each & on) != 0)
        n += ones_in(begun);
    return n;
}

/* All runs but the last of n bytes, the first of which begins one. They are in p[0 … BLOCK - 1].
 * Returns how many bytes that were: none where one run takes all, or what stands there is wide. */
static size_t take_block(token_count *c, const unsigned char *p, size_t n) {
    const classes is = classes_of(p);
    if (is.wide) {
        const size_t plain = (size_t)__builtin_ctzll(is.wide);
        if (plain < n) n = plain;
    }
    if (!n) return 0;
    const uint64_t in = ~UINT64_C(0) >> (BLOCK - n);
    const uint64_t signs = ~(is.small | is.capitals | is.digits | is.blanks | is.newlines);
    const uint64_t small = is.small & ~(is.small << 1),
                   capitals = is.capitals & ~(is.capitals << 1),
                   digits = is.digits & ~(is.digits << 1), blanks = is.blanks & ~(is.blanks << 1),
                   newlines = is.newlines & ~(is.newlines << 1), sign = signs & ~(signs << 1);
    const uint64_t begun = (small | capitals | digits | blanks | newlines | sign) & in;
    const unsigned last = BLOCK - 1 - (unsigned)__builtin_clzll(begun);
    if (!last) return 0;
    const uint64_t counted = (UINT64_C(1) << last) - 1;

    /* A capital by itself begins the word of the small letters behind it. */
    const uint64_t initial = capitals & ~(is.capitals >> 1);
    const uint64_t before = c->run == RUN_CAPITALS && c->length == 1;
    const uint64_t behind = small & (initial << 1 | before);
    const uint64_t words = ((small & ~behind) | capitals) & counted;
    const uint64_t on = ((is.small | is.capitals) & ~words) & counted;
    const uint64_t glue = (is.small | is.capitals | is.digits) << 1 |
                          (c->run == RUN_SMALL || c->run == RUN_CAPITALS || c->run == RUN_DIGITS);
    count(c, PIECE_WORD, ones_in(words));
    count(c, PIECE_GLUED, ones_in(words & glue));
    count(c, PIECE_LETTER, ones_in(rows_of(on, lengths[RUN_SMALL].first)));

    const uint64_t numbers = digits & counted, spaced = is.blanks << 1 | (c->run == RUN_BLANKS);
    if (numbers) {
        count(c, PIECE_BLANK, ones_in(numbers & spaced));
        count(c, PIECE_DIGITS,
              ones_in(numbers) + groups(numbers, is.digits & counted, lengths[RUN_DIGITS].each));
    }
    count(c, PIECE_SIGNS, ones_in(sign & counted));
    count(c, PIECE_BLANKS, ones_in(blanks << 1 & is.blanks & counted));
    count(c, PIECE_NEWLINES, ones_in(newlines & counted));
    count(c, PIECE_MORE,
          groups(sign, signs & counted, lengths[RUN_SIGNS].each) +
              groups(newlines, is.newlines & counted, lengths[RUN_NEWLINES].each));

    c->run = runs[p[last - 1]];
    c->length = initial >> (last - 1) & 1 ? 1 : 2; /* nobody asks for more of a run that is over */
    c->left = 0;
    return last;
}

void tokens_add(token_count *c, span text) {
    if (!text.len) return; /* it may have no address */
    const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len, *plain = p;
    while (p < end) {
        run r = runs[*p];
        if (p >= plain && end - p >= WORTH && r != (run)c->run && r != RUN_WIDE) {
            unsigned char copy[BLOCK] = {0};
            const size_t left = (size_t)(end - p), n = left < BLOCK ? left : BLOCK;
            if (n < BLOCK) memcpy(copy, p, n);
            const size_t taken = take_block(c, n < BLOCK ? copy : p, n);
            if (taken < WORTH)
                plain =
                    left > BLOCK ? p + BLOCK : end; /* another script, or one long run: not here */
            p += taken;
            if (taken) continue;
        }
        if (r == RUN_WIDE) {
            take_wide(c, *p++);
            continue;
        }
        const unsigned char *from = p++;
        while (p < end && runs[*p] == r)
            p++;
        c->left = 0; /* what had begun was none */
        take(c, r, (size_t)(p - from));
    }
}

/* ---- counting ---- */

token_count tokens_begin(token_family family) {
    return (token_count){.family = (unsigned char)family};
}

void tokens_add_json(token_count *c, json_value string) {
    json_pieces it = json_pieces_of(string);
    for (span text; json_next_piece(&it, &text);)
        tokens_add(c, text);
}

void tokens_break(token_count *c) {
    c->run = RUN_NONE;
    c->left = 0;
}

void tokens_add_fixed(token_count *c, uint64_t tokens) {
    c->hundredths += tokens * ONE;
}

int64_t tokens_total(const token_count *c) {
    uint64_t percent = families[c->family].percent;
    uint64_t total = (c->hundredths * percent / 100 + ONE / 2) / ONE;
    return c->hundredths && !total ? 1 : (int64_t)total;
}

unsigned tokens_of_message(token_family family, token_speaker from) {
    const chat_form *f = &families[family].chat;
    return from == TOKENS_FROM_USER ? f->user : from == TOKENS_FROM_MODEL ? f->model : f->other;
}

unsigned tokens_of_chat(token_family family) {
    return families[family].chat.once;
}
