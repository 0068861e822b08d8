#include "base/span.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static unsigned char lower(char c) {
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* Eight at once. Of ASCII bytes, adding 0x80 - c carries into the top bit from c on. */
static uint64_t lower_word(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t low = word & ~tops;
    uint64_t from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x80 - 'Z' - 1);
    return word | (((from_a ^ behind_z) & ~word & tops) >> 2);
}

static bool ieq_words(const char *a, const char *b) {
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x == y || lower_word(x) == lower_word(y);
}

bool span_ieq_bytes(const char *a, const char *b, size_t len) {
    size_t i = 0;
    for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t))
        if (!ieq_words(a + i, b + i)) return false;
    if (i && i < len) return ieq_words(a + len - 8, b + len - 8); /* some of them once more */
    for (; i < len; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
    return true;
}

bool span_ends(span s, span suffix) {
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

size_t span_find(span s, size_t from, char c) {
    if (from >= s.len) return s.len;
    const char *hit = memchr(s.ptr + from, c, s.len - from);
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

/* ---- control characters ---- */

static const char *find_control_bytes(const char *p, const char *end) {
    while (p < end && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

#ifdef __SSE2__

enum { BLOCK = sizeof(__m128i) };

static __m128i load(const char *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A bit for each byte that is one, from the first on. */
static unsigned controls_of(__m128i bytes) {
    const __m128i last = _mm_set1_epi8(0x1F);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(bytes, last), last));
}

static const char *find_control(const char *p, const char *end) {
    if (end - p < BLOCK) return find_control_bytes(p, end);
    unsigned found;
    for (; end - p >= 4 * BLOCK; p += 4 * BLOCK) { /* the smallest of each four */
        __m128i low = _mm_min_epu8(load(p), load(p + BLOCK));
        __m128i high = _mm_min_epu8(load(p + 2 * BLOCK), load(p + 3 * BLOCK));
        if (controls_of(_mm_min_epu8(low, high))) break;
    }
    for (; end - p >= BLOCK; p += BLOCK)
        if ((found = controls_of(load(p)))) return p + __builtin_ctz(found);
    if (p == end) return end;
    found = controls_of(load(end - BLOCK)); /* some of them once more */
    return found ? end - BLOCK + __builtin_ctz(found) : end;
}

#else

/* Eight at once. Which of them it is shows only up to the first. */
static const char *find_control(const char *p, const char *end) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        if ((word - ones * 0x20) & ~word & tops) break;
    }
    return find_control_bytes(p, end);
}

#endif

size_t span_find_control(span s, size_t from) {
    if (from >= s.len) return s.len;
    return (size_t)(find_control(s.ptr + from, s.ptr + s.len) - s.ptr);
}

size_t span_find_span(span s, size_t from, span needle) {
    if (from >= s.len) return s.len;
    if (needle.len == 0) return from;
    const char *hit = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

span span_slice(span s, size_t from, size_t to) {
    if (to > s.len) to = s.len;
    if (from > to) from = to;
    return span_from(s.len ? s.ptr + from : s.ptr, to - from);
}

span span_trim(span s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool span_cut(span *rest, char sep, span *ret_part) {
    if (!rest->ptr) return false;
    size_t at = span_find(*rest, 0, sep);
    *ret_part = span_from(rest->ptr, at);
    if (at == rest->len)
        *rest = SPAN_EMPTY;
    else
        *rest = span_from(rest->ptr + at + 1, rest->len - at - 1);
    return true;
}

bool span_u64(span s, uint64_t *ret) {
    if (s.len == 0) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, digit, &value)) return false;
    }
    *ret = value;
    return true;
}

size_t span_common_head(span a, span b) {
    const size_t most = a.len < b.len ? a.len : b.len;
    size_t n = 0;
    while (n < most && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

size_t span_common_tail(span a, span b, size_t head) {
    const size_t most = (a.len < b.len ? a.len : b.len) - head;
    size_t n = 0;
    while (n < most && a.ptr[a.len - 1 - n] == b.ptr[b.len - 1 - n])
        n++;
    return n;
}

bool span_eq_secret(span a, span b) {
    volatile unsigned char diff = a.len != b.len;
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++)
        diff |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return diff == 0;
}

size_t span_distance(span a, span b) {
    enum { LONGEST = 64 };
    if (a.len > LONGEST || b.len > LONGEST) return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = diagonal + (lower(a.ptr[i]) != lower(b.ptr[j]));
            diagonal = row[j + 1];
            size_t best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            row[j + 1] = change < best ? change : best;
        }
    }
    return row[b.len];
}

bool span_is_utf8(span s) {
    if (s.len == 0) return true; /* ptr may be NULL */
    const unsigned char *p = (const unsigned char *)s.ptr;
    const unsigned char *end = p + s.len;
    while (p < end) {
        unsigned c = *p;
        size_t more;
        unsigned low = 0x80, high = 0xBF;
        if (c < 0x80) {
            p++;
            continue;
        }
        if (c >= 0xC2 && c <= 0xDF) {
            more = 1;
        } else if (c >= 0xE0 && c <= 0xEF) {
            more = 2;
            if (c == 0xE0) low = 0xA0;
            if (c == 0xED) high = 0x9F;
        } else if (c >= 0xF0 && c <= 0xF4) {
            more = 3;
            if (c == 0xF0) low = 0x90;
            if (c == 0xF4) high = 0x8F;
        } else {
            return false;
        }
        if ((size_t)(end - p) <= more) return false;
        if (p[1] < low || p[1] > high) return false;
        for (size_t i = 2; i <= more; i++)
            if ((p[i] & 0xC0) != 0x80) return false;
        p += more + 1;
    }
    return true;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t span_utf8_len(span s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !is_continuation(s.ptr[i]);
    return n;
}

size_t span_utf8_at(span s, size_t at, uint32_t *ret_code) {
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > s.len - at || !span_is_utf8(span_from(s.ptr + at, len))) return 0;
    uint32_t code = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3F);
    *ret_code = code;
    return len;
}

bool utf8_is_unsafe(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* Unicode's White_Space: all bytes of a character but the last, and what that may be. */
static const struct {
    char lead[3];
    unsigned char from, to;
} blanks[] = {
    {"", '\t', '\r'},         {"", ' ', ' '},           {"\xC2", 0x85, 0x85},
    {"\xC2", 0xA0, 0xA0},     {"\xE1\x9A", 0x80, 0x80}, {"\xE2\x80", 0x80, 0x8A},
    {"\xE2\x80", 0xA8, 0xA9}, {"\xE2\x80", 0xAF, 0xAF}, {"\xE2\x81", 0x9F, 0x9F},
    {"\xE3\x80", 0x80, 0x80},
};

/* The length of the blank that s begins with, or ends in; 0: there is none. */
static size_t blank_len(span s, bool at_end) {
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        span lead = span_cstr(blanks[i].lead);
        if (s.len <= lead.len) continue;
        span found = at_end ? span_slice(s, s.len - lead.len - 1, s.len) : s;
        unsigned char last = (unsigned char)found.ptr[lead.len];
        if (span_starts(found, lead) && last >= blanks[i].from && last <= blanks[i].to)
            return lead.len + 1;
    }
    return 0;
}

span span_strip(span s) {
    for (size_t n; (n = blank_len(s, false));)
        s = span_slice(s, n, s.len);
    for (size_t n; (n = blank_len(s, true));)
        s.len -= n;
    return s;
}

span span_clip(span s, size_t max) {
    enum { LONGEST_TAIL = 3 }; /* of a character; what has more is no UTF-8 */
    if (s.len <= max) return s;
    size_t end = max;
    while (end && max - end < LONGEST_TAIL && is_continuation(s.ptr[end]))
        end--;
    return span_from(s.ptr, end);
}
