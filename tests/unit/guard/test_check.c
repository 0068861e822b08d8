#include "unit.h"

#include "guard/check.h"

static size_t length(const char *check, const char *value) {
    const guard_check *c = guard_check_find(span_cstr(check));
    assert_non_null(c);
    return guard_check_length(c, span_cstr(value));
}

/* Examples that the numbers' own descriptions have; one more digit or another letter is wrong. */
static const struct {
    const char *check, *good, *bad;
} rows[] = {
    {"luhn", "4111 1111 1111 1111", "4111 1111 1111 1112"},
    {"luhn", "5500-0000-0000-0004", "0000 0000 0000 0000"},
    {"luhn", "046 454 286", "046 454 287"},
    {"iban", "DE89 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"},
    {"iban", "gb82west12345698765432", "GB82WEST1234569876543"},
    {"iban", "NO9386011117947", "XX9386011117947"},
    {"verhoeff", "2363", "2364"},
    {"de-steuer-id", "86095742719", "86095742718"},
    {"de-steuer-id", "36574261809", "11111111111"},
    {"es-dni", "12345678Z", "12345678A"},
    {"es-dni", "X1234567L", "X1234567M"},
    {"fr-nir", "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"},
    {"fr-nir", "1 80 03 2A 123 456 52", "1 80 03 2B 123 456 52"},
    {"it-cf", "RSSMRA85T10A562S", "RSSMRA85T10A562T"},
    {"nl-bsn", "111222333", "111222334"},
    {"be-nrn", "85.07.30-033.28", "85.07.30-033.29"},
    {"pl-pesel", "44051401359", "44051401358"},
    {"se-pnr", "811218-9876", "811218-9877"},
    {"se-pnr", "19811218-9876", "811318-9876"},
    {"fi-hetu", "131052-308T", "131052-308U"},
    {"no-fnr", "01010112377", "01010112378"},
    {"pt-nif", "123456789", "123456788"},
    {"br-cpf", "111.444.777-35", "111.444.777-36"},
    {"br-cpf", "529.982.247-25", "111.111.111-11"},
    {"br-cnpj", "11.222.333/0001-81", "11.222.333/0001-82"},
    {"cn-rin", "11010519491231002X", "110105194912310021"},
    {"tr-tckn", "10000000146", "10000000147"},
    {"au-tfn", "123 456 782", "123 456 783"},
    {"uk-nhs", "943 476 5919", "943 476 5918"},
    {"ch-ahv", "756.9217.0769.85", "756.9217.0769.86"},
    {"cl-rut", "12.345.678-5", "12.345.678-6"},
    {"hr-oib", "94577403194", "94577403195"},
    {"ro-cnp", "1800101221144", "1800101221145"},
    {"cz-rc", "736028/5163", "736028/5164"},
};

static void tells_good_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (length(rows[i].check, rows[i].good) != strlen(rows[i].good))
            fail_msg("%s: %s is good", rows[i].check, rows[i].good);
        if (length(rows[i].check, rows[i].bad))
            fail_msg("%s: %s is bad", rows[i].check, rows[i].bad);
        assert_int_equal(length(rows[i].check, ""), 0);
        assert_int_equal(length(rows[i].check, "1"), 0);
    }
    for (size_t i = 0; guard_check_name(i).len; i++) { /* each has a row */
        bool seen = false;
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            seen = seen || span_eq(guard_check_name(i), span_cstr(rows[k].check));
        if (!seen) fail_msg("no row for %.*s", SPAN_ARG(guard_check_name(i)));
    }
}

static void ends_an_iban_where_its_country_says(void **state) {
    (void)state;
    assert_int_equal(length("iban", "DE89 3704 0044 0532 0130 00 and then"), 27);
    assert_int_equal(length("iban", "BE68 5390 0754 7034 BIC"), 19);
    assert_int_equal(length("iban", "BE68539007547034BIC"), 0);
}

static void measures_randomness(void **state) {
    (void)state;
    assert_true(guard_entropy(SPAN_OF("aaaa")) < 0.001);
    assert_true(guard_entropy(SPAN_OF("abab")) > 0.999 && guard_entropy(SPAN_OF("abab")) < 1.001);
    assert_true(guard_entropy(SPAN_OF("abcdefgh")) > 2.999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_good_numbers),
        cmocka_unit_test(ends_an_iban_where_its_country_says),
        cmocka_unit_test(measures_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
