/* access/key_text.h: what a key of weir's looks like: "wk-", 43 digits of 256 random bits, and 6
 * digits of the CRC-32 of all before them, in base 62 (0-9, A-Z, a-z). So a slip of the hand is
 * told from a key that nobody knows without asking anybody, and scanners for leaked secrets have
 * something to look for.
 *
 * Pure, but for the random bits. Any thread.
 */
#ifndef WEIR_ACCESS_KEY_TEXT_H
#define WEIR_ACCESS_KEY_TEXT_H

#include "base/span.h"

enum {
    KEY_RANDOM_BYTES = 32,
    KEY_RANDOM_DIGITS = 43,
    KEY_CHECK_DIGITS = 6,
    KEY_TEXT_LEN = 3 + KEY_RANDOM_DIGITS + KEY_CHECK_DIGITS,
};

typedef enum key_form {
    KEY_FOREIGN,  /* not one of weir's at all */
    KEY_MISTYPED, /* meant as one: its length, a digit or its check digits are wrong */
    KEY_WELL_FORMED,
} key_form;

key_form key_text_form(span text);

/* NUL-terminated. */
void key_text_of(const unsigned char random[KEY_RANDOM_BYTES], char ret[KEY_TEXT_LEN + 1]);
/* From the kernel's random bits. The caller wipes it. */
void key_text_new(char ret[KEY_TEXT_LEN + 1]);

#endif
