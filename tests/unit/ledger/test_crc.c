/* The CRC of journals' frames: zlib's, whichever way it is computed. */
#include "unit.h"

#include "base/mem.h"
#include "ledger/crc.h"

#include <zlib.h>

enum { LEN_MAX = 300, PLACES = 16 };

static void known_sums(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t sum;
    } rows[] = {
        {"", 0},
        {"a", 0xe8b7be43},
        {"123456789", 0xcbf43926}, /* the "check" of catalogues of CRCs */
        {"The quick brown fox jumps over the lazy dog", 0x414fa339},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         0x7ca94a72}, /* RFC 1321's longest text */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(crc_add(0, span_cstr(rows[i].text)), rows[i].sum);
}

/* Each from memory of exactly that length, at each distance from where a block would begin. */
static void every_length_at_every_place(void **state) {
    (void)state;
    uint32_t before = 0;
    for (size_t place = 0; place < PLACES; place++)
        for (size_t len = 0; len <= LEN_MAX; len++) {
            char *bytes = mem_alloc(place + len + 1);
            for (size_t i = 0; i < len; i++)
                bytes[place + i] = (char)(i * 167 + len * 31 + (i >> 3));
            bytes = mem_realloc(bytes, place + len ? place + len : 1);
            uint32_t sum = crc_add(before, span_from(bytes + place, len));
            assert_int_equal(sum, crc32_z(before, (const Bytef *)bytes + place, len));
            before = sum;
            free(bytes);
        }
}

static void pieces_are_the_whole(void **state) {
    (void)state;
    char bytes[LEN_MAX];
    for (size_t i = 0; i < LEN_MAX; i++)
        bytes[i] = (char)(i * i + 7);
    uint32_t whole = crc_add(0, span_from(bytes, LEN_MAX));
    for (size_t cut = 0; cut <= LEN_MAX; cut++) {
        uint32_t sum = crc_add(0, span_from(bytes, cut));
        assert_int_equal(crc_add(sum, span_from(bytes + cut, LEN_MAX - cut)), whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sums),
        cmocka_unit_test(every_length_at_every_place),
        cmocka_unit_test(pieces_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
