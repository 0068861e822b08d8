#include "dialect/tokens.h"

#include "dialect/tokens_blocks.h"

/* ---- weights ---- */

enum { O200K, CL100K, LLAMA, GEMMA, QWEN, DEEPSEEK, VOCABULARIES };

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

static void count(token_count *c, token_piece p, size_t n) {
    c->hundredths += n * weights[p][families[c->family].vocabulary];
}

/* ---- families ---- */

/* Of those that are found in the name the first of this list says it: what was made of another
 * model has that one's vocabulary, and is named after both. */
static const struct {
    span word;
    token_family family;
} names[] = {
    /* begins_word() knows their first letters. */
    {SPAN("gpt-4o"), TOKENS_O200K},       {SPAN("gpt-4."), TOKENS_O200K},
    {SPAN("gpt-4"), TOKENS_CL100K},       {SPAN("gpt-3"), TOKENS_CL100K},
    {SPAN("embedding-3"), TOKENS_CL100K}, {SPAN("embedding-ada"), TOKENS_CL100K},
    {SPAN("llama"), TOKENS_LLAMA},        {SPAN("gemma"), TOKENS_GEMMA},
    {SPAN("gemini"), TOKENS_GEMMA},       {SPAN("qwen"), TOKENS_QWEN},
    {SPAN("deepseek"), TOKENS_DEEPSEEK},  {SPAN("claude"), TOKENS_CLAUDE},
};

/* Most places of a name begin none of the words. */
static bool begins_word(char c) {
    switch (c | 0x20) {
    case 'g':
    case 'e':
    case 'l':
    case 'q':
    case 'd':
    case 'c': return true;
    default: return false;
    }
}

token_family tokens_family(span model) {
    size_t first = ARRAY_LEN(names);
    for (size_t at = 0; at < model.len; at++) {
        if (!begins_word(model.ptr[at])) continue;
        const span rest = span_slice(model, at, model.len);
        for (size_t i = 0; i < first; i++)
            if (span_istarts(rest, names[i].word)) first = i;
    }
    return first < ARRAY_LEN(names) ? names[first].family : TOKENS_O200K;
}

/* ---- characters above 7F ---- */

typedef struct block {
    uint32_t to; /* the last of it */
    token_piece piece;
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

static token_piece piece_of(uint32_t code) {
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

static void begin_word(token_count *c) {
    count(c, PIECE_WORD, 1);
    if (c->run == RUN_SMALL || c->run == RUN_CAPITALS || c->run == RUN_DIGITS)
        count(c, PIECE_GLUED, 1);
}

/* The first of a run. */
static void begin_run(token_count *c, token_run r) {
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
    [RUN_SMALL] = {LETTERS_FREE, 1, PIECE_LETTER},
    [RUN_CAPITALS] = {LETTERS_FREE, 1, PIECE_LETTER},
    [RUN_DIGITS] = {1, DIGITS_EACH, PIECE_DIGITS},
    [RUN_BLANKS] = {2, 80, PIECE_MORE},
    [RUN_NEWLINES] = {1, NEWLINES_EACH, PIECE_MORE},
    [RUN_SIGNS] = {1, SIGNS_EACH, PIECE_MORE},
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
static void take(token_count *c, token_run r, size_t n) {
    if (r != (token_run)c->run) {
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
    token_piece p = piece_of(c->code);
    count(c, p, 1);
    if (p == PIECE_VIETNAMESE)
        take(c, RUN_SMALL, 1);
    else
        c->run = RUN_WIDE;
}

/* ---- texts ---- */

/* As many runs as can be told of at once. */
static size_t take_blocks(token_count *c, const unsigned char *p, size_t n, bool wide) {
    token_blocks b = {.run = c->run, .length = c->length};
    const size_t taken = token_blocks_take(&b, p, n, wide);
    if (!taken) return 0;
    for (token_piece i = 0; i < PIECES_OF_ASCII; i++)
        count(c, i, b.pieces[i]);
    c->run = b.run;
    c->length = b.length;
    c->left = 0;
    return taken;
}

void tokens_add(token_count *c, span text) {
    if (!text.len) return; /* it may have no address */
    const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len, *plain = p;
    const bool wide = token_blocks_can_be_wide();
    while (p < end) {
        const token_run r = token_runs[*p];
        if (p >= plain && end - p >= BLOCK_WORTH && r != (token_run)c->run && r != RUN_WIDE) {
            const size_t taken = take_blocks(c, p, (size_t)(end - p), wide);
            p += taken;
            /* What stands here is another script, or one long run. */
            plain = end - p > BLOCK_BYTES ? p + BLOCK_BYTES : end;
            if (taken) continue;
        }
        if (r == RUN_WIDE) {
            take_wide(c, *p++);
            continue;
        }
        const unsigned char *from = p++;
        while (p < end && token_runs[*p] == r)
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

void tokens_add_value(token_count *c, json_value v) {
    if (v.type == JSON_STRING)
        tokens_add_json(c, v);
    else
        tokens_add(c, v.raw);
}

void tokens_break(token_count *c) {
    c->run = RUN_NONE;
    c->left = 0;
}

void tokens_add_fixed(token_count *c, uint64_t tokens) {
    c->hundredths += tokens * ONE;
}

void tokens_add_counted(token_count *c, uint64_t hundredths) {
    c->hundredths += hundredths;
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
