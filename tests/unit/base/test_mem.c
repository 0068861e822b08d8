/* Tables are zeros, small or of large pages, whatever was in their memory before. */
#include "unit.h"

#include "base/mem.h"

#include <stdlib.h>

static bool is_zeros(const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i]) return false;
    return true;
}

static void a_table_is_zeros(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 4095, 524287, 524288, 524289, 1500000};
    enum { SIZE = 8 };
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
            const size_t bytes = counts[i] * SIZE;
            unsigned char *table = mem_zalloc_table(counts[i], SIZE);
            assert_true(is_zeros(table, bytes));
            memset(table, 0xff, bytes);
            free(table);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_table_is_zeros)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
