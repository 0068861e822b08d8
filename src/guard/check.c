#include "guard/check.h"

#include "guard/check_ids.h"

#include <math.h>

struct guard_check {
    span name;
    bool (*passes)(span value); /* NULL: part says */
    size_t (*part)(span value);
};

enum { IBAN_MAX = 34, MOD_97_REST = 1 };

/* ISO 13616's register: how long a country's are. */
typedef struct iban_country {
    char code[3];
    uint8_t len;
} iban_country;

static const iban_country iban_countries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
    {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20},
    {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27},
    {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15},
    {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24},
    {"SC", 31}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28}, {"TL", 23},
    {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20},
};

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t iban_length(const char *code) {
    for (size_t i = 0; i < ARRAY_LEN(iban_countries); i++)
        if (memcmp(iban_countries[i].code, code, 2) == 0) return iban_countries[i].len;
    return 0;
}

/* The first four characters count last; letters count as two digits, A as 10. */
static unsigned rest_of_97(const char *text, size_t len) {
    unsigned rest = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[(i + 4) % len];
        rest = c <= '9' ? (rest * 10 + (unsigned)(c - '0')) % 97
                        : (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
    }
    return rest;
}

/* Words may follow that look like a part of it. */
static size_t iban_part(span value) {
    char text[IBAN_MAX];
    size_t n = 0, most = IBAN_MAX;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (!is_word(c)) continue;
        if (n == most) return 0;
        text[n++] = (char)(c >= 'a' ? c - 'a' + 'A' : c);
        if (n == 2 && !(most = iban_length(text))) return 0;
        if (n < most) continue;
        bool ends = i + 1 == value.len || !is_word(value.ptr[i + 1]);
        return ends && rest_of_97(text, n) == MOD_97_REST ? i + 1 : 0;
    }
    return 0;
}

static const guard_check checks[] = {
    {SPAN("luhn"), id_luhn},         {SPAN("iban"), NULL, iban_part},
    {SPAN("verhoeff"), id_verhoeff}, {SPAN("de-steuer-id"), id_de_steuer},
    {SPAN("es-dni"), id_es_dni},     {SPAN("fr-nir"), id_fr_nir},
    {SPAN("it-cf"), id_it_cf},       {SPAN("nl-bsn"), id_nl_bsn},
    {SPAN("be-nrn"), id_be_nrn},     {SPAN("pl-pesel"), id_pl_pesel},
    {SPAN("se-pnr"), id_se_pnr},     {SPAN("fi-hetu"), id_fi_hetu},
    {SPAN("no-fnr"), id_no_fnr},     {SPAN("pt-nif"), id_pt_nif},
    {SPAN("br-cpf"), id_br_cpf},     {SPAN("br-cnpj"), id_br_cnpj},
    {SPAN("cn-rin"), id_cn_rin},     {SPAN("tr-tckn"), id_tr_tckn},
    {SPAN("au-tfn"), id_au_tfn},     {SPAN("uk-nhs"), id_uk_nhs},
    {SPAN("ch-ahv"), id_ch_ahv},     {SPAN("cl-rut"), id_cl_rut},
    {SPAN("hr-oib"), id_hr_oib},     {SPAN("ro-cnp"), id_ro_cnp},
    {SPAN("cz-rc"), id_cz_rc},
};

const guard_check *guard_check_find(span name) {
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (span_eq(checks[i].name, name)) return &checks[i];
    return NULL;
}

size_t guard_check_length(const guard_check *check, span value) {
    if (check->part) return check->part(value);
    return check->passes(value) ? value.len : 0;
}

span guard_check_name(size_t i) {
    return i < ARRAY_LEN(checks) ? checks[i].name : SPAN_EMPTY;
}

double guard_entropy(span value) {
    unsigned counts[256] = {0};
    for (size_t i = 0; i < value.len; i++)
        counts[(unsigned char)value.ptr[i]]++;
    double sum = 0, len = (double)value.len;
    for (unsigned c = 0; c < 256; c++)
        if (counts[c]) sum -= counts[c] / len * log2(counts[c] / len);
    return sum;
}
