/* The hash tells every text from every other, and nobody knows it beforehand. */
#include "unit.h"

#include "base/buf.h"
#include "base/text_hash.h"

static buf text_of(size_t len) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < len; i++)
        buf_add_char(&text, "the water is measured, "[i % 23]);
    return text;
}

static const size_t lengths[] = {1, 15, 16, 17, 1023, 1024, 1025, 4096, 10000, TEXT_HASH_MOST};

static void each_bit_counts(void **state) {
    (void)state;
    text_secret *s = text_secret_new();
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf text = text_of(lengths[i]);
        const text_hash whole = text_hash_of(s, buf_span(&text));
        const size_t step = lengths[i] > 20000 ? 1021 : 1;
        for (size_t at = 0; at < text.len; at += step)
            for (unsigned bit = 1; bit < 256; bit *= 16) {
                text.ptr[at] = (char)(text.ptr[at] ^ (char)bit);
                if (text_hash_eq(whole, text_hash_of(s, buf_span(&text))))
                    fail_msg("of %zu: byte %zu, bit %u", text.len, at, bit);
                text.ptr[at] = (char)(text.ptr[at] ^ (char)bit);
            }
        assert_true(text_hash_eq(whole, text_hash_of(s, buf_span(&text))));
        buf_done(&text);
    }
    text_secret_free(s);
}

/* What is filled up with zeros is not what ends with them, and blocks in another order are another
 * text. */
static void so_do_the_end_and_the_order(void **state) {
    (void)state;
    text_secret *s = text_secret_new();
    buf text = text_of(2048);
    memset(text.ptr + 2048 - 40, 0, 40);
    const text_hash shorter = text_hash_of(s, span_from(text.ptr, 2048 - 20));
    for (size_t len = 2048 - 40; len <= 2048; len++)
        assert_true(text_hash_eq(shorter, text_hash_of(s, span_from(text.ptr, len))) ==
                    (len == 2048 - 20));
    buf turned = BUF_EMPTY;
    buf_add(&turned, span_from(text.ptr + 1024, 1024));
    buf_add(&turned, span_from(text.ptr, 1024));
    assert_false(
        text_hash_eq(text_hash_of(s, buf_span(&text)), text_hash_of(s, buf_span(&turned))));
    buf_done(&turned);
    buf_done(&text);
    text_secret_free(s);
}

static void each_secret_has_its_own(void **state) {
    (void)state;
    text_secret *here = text_secret_new(), *there = text_secret_new();
    buf text = text_of(5000);
    const text_hash a = text_hash_of(here, buf_span(&text)),
                    b = text_hash_of(there, buf_span(&text));
    assert_true(a.high != b.high && a.low != b.low);
    buf_done(&text);
    text_secret_free(here);
    text_secret_free(there);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_counts),
        cmocka_unit_test(so_do_the_end_and_the_order),
        cmocka_unit_test(each_secret_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
