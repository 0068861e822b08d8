#include "access/key_text.h"

#include "base/mem.h"
#include "base/random.h"

#include <zlib.h>

enum { BASE = 62, PREFIX_LEN = 3, CHECKED_LEN = PREFIX_LEN + KEY_RANDOM_DIGITS };

static const span prefix = SPAN("wk-");
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void write_check(const char *text, char *ret) {
    uLong crc = crc32(0, (const Bytef *)text, CHECKED_LEN);
    for (int i = KEY_CHECK_DIGITS; i-- > 0; crc /= BASE)
        ret[i] = digits[crc % BASE];
}

static bool is_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

key_form key_text_form(span text) {
    if (!span_starts(text, prefix)) return KEY_FOREIGN;
    if (text.len != KEY_TEXT_LEN) return KEY_MISTYPED;
    for (size_t i = PREFIX_LEN; i < text.len; i++)
        if (!is_digit(text.ptr[i])) return KEY_MISTYPED;
    char check[KEY_CHECK_DIGITS];
    write_check(text.ptr, check);
    return memcmp(check, text.ptr + CHECKED_LEN, sizeof check) ? KEY_MISTYPED : KEY_WELL_FORMED;
}

/* Divides the big-endian number and returns the rest. */
static unsigned divide(unsigned char number[KEY_RANDOM_BYTES]) {
    unsigned rest = 0;
    for (size_t i = 0; i < KEY_RANDOM_BYTES; i++) {
        rest = rest << 8 | number[i];
        number[i] = (unsigned char)(rest / BASE);
        rest %= BASE;
    }
    return rest;
}

void key_text_of(const unsigned char random[KEY_RANDOM_BYTES], char ret[KEY_TEXT_LEN + 1]) {
    unsigned char number[KEY_RANDOM_BYTES];
    memcpy(number, random, sizeof number);
    memcpy(ret, prefix.ptr, PREFIX_LEN);
    for (size_t i = CHECKED_LEN; i-- > PREFIX_LEN;)
        ret[i] = digits[divide(number)];
    write_check(ret, ret + CHECKED_LEN);
    ret[KEY_TEXT_LEN] = '\0';
    mem_wipe(number, sizeof number);
}

void key_text_new(char ret[KEY_TEXT_LEN + 1]) {
    unsigned char random[KEY_RANDOM_BYTES];
    random_bytes(random, sizeof random);
    key_text_of(random, ret);
    mem_wipe(random, sizeof random);
}
