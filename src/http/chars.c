#include "http/chars.h"

#include <endian.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TCHAR = 1, HOSTCHAR = 2, IPV6CHAR = 4 };

#define T  TCHAR
#define H  (TCHAR | HOSTCHAR)
#define X  (TCHAR | HOSTCHAR | IPV6CHAR)
#define V6 IPV6CHAR

static const unsigned char classes[256] = {
    ['!'] = T, ['#'] = T, ['$'] = T, ['%'] = T, ['&'] = T, ['\''] = T, ['*'] = T, ['+'] = T,
    ['-'] = H, ['.'] = X, ['^'] = T, ['_'] = H, ['`'] = T, ['|'] = T,  ['~'] = H, [':'] = V6,
    ['0'] = X, ['1'] = X, ['2'] = X, ['3'] = X, ['4'] = X, ['5'] = X,  ['6'] = X, ['7'] = X,
    ['8'] = X, ['9'] = X, ['a'] = X, ['b'] = X, ['c'] = X, ['d'] = X,  ['e'] = X, ['f'] = X,
    ['A'] = X, ['B'] = X, ['C'] = X, ['D'] = X, ['E'] = X, ['F'] = X,  ['g'] = H, ['h'] = H,
    ['i'] = H, ['j'] = H, ['k'] = H, ['l'] = H, ['m'] = H, ['n'] = H,  ['o'] = H, ['p'] = H,
    ['q'] = H, ['r'] = H, ['s'] = H, ['t'] = H, ['u'] = H, ['v'] = H,  ['w'] = H, ['x'] = H,
    ['y'] = H, ['z'] = H, ['G'] = H, ['H'] = H, ['I'] = H, ['J'] = H,  ['K'] = H, ['L'] = H,
    ['M'] = H, ['N'] = H, ['O'] = H, ['P'] = H, ['Q'] = H, ['R'] = H,  ['S'] = H, ['T'] = H,
    ['U'] = H, ['V'] = H, ['W'] = H, ['X'] = H, ['Y'] = H, ['Z'] = H,
};

#undef T
#undef H
#undef X
#undef V6

static bool all_of(span s, unsigned char class) {
    for (size_t i = 0; i < s.len; i++)
        if (!(classes[(unsigned char)s.ptr[i]] & class)) return false;
    return s.len > 0;
}

bool http_is_tchar(char c) {
    return classes[(unsigned char)c] & TCHAR;
}

/* The small letters, digits and '-' of eight bytes: whether there is nothing else. Those are what
 * names of fields mostly have. */
static bool is_small_name(const char *at) {
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    /* No sum of two bytes below 0x80 carries into the next. */
    const uint64_t low = word & ~tops;
    const uint64_t from_a = low + ones * (0x80 - 'a'), behind_z = low + ones * (0x7f - 'z');
    const uint64_t from_0 = low + ones * (0x80 - '0'), behind_9 = low + ones * (0x7f - '9');
    const uint64_t other = (low ^ ones * '-') + ones * 0x7f;
    const uint64_t good = (from_a & ~behind_z) | (from_0 & ~behind_9) | ~other;
    return !((~good | word) & tops);
}

bool http_is_token(span s) {
    if (s.len < sizeof(uint64_t)) return all_of(s, TCHAR);
    size_t i = 0;
    while (s.len - i >= sizeof(uint64_t) && is_small_name(s.ptr + i))
        i += sizeof(uint64_t);
    if (i == s.len) return true;
    if (s.len - i < sizeof(uint64_t) && is_small_name(s.ptr + s.len - sizeof(uint64_t)))
        return true; /* some of them once more */
    return all_of(span_slice(s, i, s.len), TCHAR);
}

bool http_is_field_value(span s) {
    for (size_t at = 0; (at = http_find_control(s, at)) < s.len; at++)
        if (s.ptr[at] != '\t') return false;
    return true;
}

bool http_is_target(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] == 0x7f || s.ptr[i] == '#') return false;
    return s.len > 0;
}

static bool is_port(span s) {
    uint64_t port;
    return s.len <= 5 && span_u64(s, &port) && port >= 1 && port <= 65535;
}

bool http_is_authority(span s) {
    size_t host_end;
    bool host_ok;
    if (s.len && s.ptr[0] == '[') {
        size_t close = span_find(s, 1, ']');
        if (close == s.len) return false;
        host_ok = all_of(span_slice(s, 1, close), IPV6CHAR) && span_find(s, 1, ':') < close;
        host_end = close + 1;
    } else {
        host_end = span_find(s, 0, ':');
        host_ok = all_of(span_slice(s, 0, host_end), HOSTCHAR);
    }
    if (!host_ok) return false;
    if (host_end == s.len) return true;
    return s.ptr[host_end] == ':' && is_port(span_slice(s, host_end + 1, s.len));
}

static size_t find_control_bytes(span s, size_t from) {
    size_t i = from;
    for (; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f) break;
    }
    return i;
}

#ifdef __SSE2__

enum { BLOCK = sizeof(__m128i) };

/* A bit for each of 16 bytes that is one, from the first on. */
static unsigned control_marks(const char *at) {
    const __m128i last = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last), last);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del)));
}

size_t http_find_control(span s, size_t from) {
    size_t i = from;
    if (s.len - i < BLOCK) return find_control_bytes(s, i);
    for (; s.len - i >= BLOCK; i += BLOCK) {
        unsigned marks = control_marks(s.ptr + i);
        if (marks) return i + (size_t)__builtin_ctz(marks);
    }
    if (i == s.len) return i;
    unsigned marks = control_marks(s.ptr + s.len - BLOCK); /* some of them once more */
    return marks ? s.len - BLOCK + (size_t)__builtin_ctz(marks) : s.len;
}

#else

/* Eight bytes at a time, in memory order from the low end of the word. A byte is below 0x20 when
 * subtracting 0x20 borrows into its top bit while that bit was clear, and is 0x7f when its
 * difference to 0x7f is zero. Borrows make both tests inexact above the first hit, and only there.
 */
static uint64_t control_marks(const char *at) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    uint64_t del = word ^ (ones * 0x7f);
    return (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & tops;
}

size_t http_find_control(span s, size_t from) {
    size_t i = from;
    for (; s.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t marks = control_marks(s.ptr + i);
        if (marks) return i + (size_t)__builtin_ctzll(marks) / 8;
    }
    return find_control_bytes(s, i);
}

#endif
