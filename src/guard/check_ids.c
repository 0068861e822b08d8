#include "guard/check_ids.h"

enum { DIGITS_MAX = 20 };

typedef struct digits {
    unsigned char d[DIGITS_MAX];
    size_t n; /* 0: there are none, or too many */
} digits;

static digits digits_of(span value) {
    digits r = {.n = 0};
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < '0' || c > '9') continue;
        if (r.n == DIGITS_MAX) return (digits){.n = 0};
        r.d[r.n++] = (unsigned char)(c - '0');
    }
    return r;
}

/* The sum of the first n, each by its weight. */
static unsigned weighed(const digits *d, const unsigned char *weights, size_t n) {
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned)d->d[i] * weights[i];
    return sum;
}

static uint64_t number(const digits *d, size_t from, size_t to) {
    uint64_t n = 0;
    for (size_t i = from; i < to; i++)
        n = n * 10 + d->d[i];
    return n;
}

static bool all_alike(const digits *d) {
    for (size_t i = 1; i < d->n; i++)
        if (d->d[i] != d->d[0]) return false;
    return true;
}

/* The last letter or digit of value, as a capital; 0: it has none. */
static char last_of(span value) {
    for (size_t i = value.len; i-- > 0;) {
        char c = value.ptr[i];
        if (c >= 'a' && c <= 'z') return (char)(c - 'a' + 'A');
        if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return c;
    }
    return 0;
}

static bool luhn(const digits *d, size_t from) {
    unsigned sum = 0;
    for (size_t i = d->n; i-- > from;) {
        unsigned x = d->d[i];
        if ((d->n - i) % 2 == 0) x = x > 4 ? 2 * x - 9 : 2 * x;
        sum += x;
    }
    return d->n && sum % 10 == 0 && !all_alike(d);
}

bool id_luhn(span value) {
    digits d = digits_of(value);
    return luhn(&d, 0);
}

/* Aadhaar. Source: Verhoeff, Error detecting decimal codes (1969). */
bool id_verhoeff(span value) {
    static const unsigned char flips[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
    digits d = digits_of(value);
    unsigned c = 0;
    for (size_t i = 0; i < d.n; i++) {
        unsigned p = flips[i % 8][d.d[d.n - 1 - i]];
        /* Multiplication in the group of a pentagon's symmetries. */
        if (c < 5)
            c = p < 5 ? (c + p) % 5 : 5 + (c + p - 5) % 5;
        else
            c = p < 5 ? 5 + (c - 5 + 5 - p) % 5 : (c - 5 + 5 - (p - 5)) % 5;
    }
    return d.n && c == 0 && !all_alike(&d);
}

/* ISO 7064, mod 11-10: the tax number of Germany, Croatia's OIB. */
static bool mod_11_10(const digits *d) {
    unsigned p = 10;
    for (size_t i = 0; i + 1 < d->n; i++) {
        unsigned sum = (d->d[i] + p) % 10;
        p = (sum ? sum : 10) * 2 % 11;
    }
    return d->n && (p + d->d[d->n - 1]) % 10 == 1;
}

/* Of the first ten digits of it one comes twice or three times. Source: BZSt, Steuerliches
 * IT-Portal, "Prüfziffernberechnung". */
bool id_de_steuer(span value) {
    digits d = digits_of(value);
    if (d.n != 11 || d.d[0] == 0) return false;
    unsigned counts[10] = {0}, most = 0;
    for (size_t i = 0; i < 10; i++)
        if (++counts[d.d[i]] > most) most = counts[d.d[i]];
    return (most == 2 || most == 3) && mod_11_10(&d);
}

bool id_hr_oib(span value) {
    digits d = digits_of(value);
    return d.n == 11 && mod_11_10(&d);
}

/* DNI and NIE, whose X, Y, Z count as 0, 1, 2. Source: Ministerio del Interior. */
bool id_es_dni(span value) {
    static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    digits d = digits_of(value);
    uint64_t n = number(&d, 0, d.n);
    char first = value.len ? (char)(value.ptr[0] & ~0x20) : 0;
    if (first >= 'X' && first <= 'Z') {
        if (d.n != 7) return false;
        n += (uint64_t)(first - 'X') * 10000000;
    } else if (d.n != 8)
        return false;
    return letters[n % 23] == last_of(value);
}

/* With its key; of Corsica's departments 2A counts as 19, 2B as 18. Source: INSEE. */
bool id_fr_nir(span value) {
    digits d = digits_of(value);
    bool a = span_find(value, 0, 'A') < value.len, b = span_find(value, 0, 'B') < value.len;
    size_t n = a || b ? 12 : 13; /* digits before the key */
    if (d.n != n + 2) return false;
    uint64_t body = number(&d, 0, n);
    if (a || b) /* the 2 is there, the letter not */
        body = number(&d, 0, 5) * 100000000 + (a ? 19 : 18) * UINT64_C(1000000) + number(&d, 6, 12);
    return 97 - body % 97 == number(&d, n, n + 2);
}

/* Source: D.M. 23 dicembre 1976, Ministero delle finanze. */
bool id_it_cf(span value) {
    static const unsigned char odd[26] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                          20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    unsigned sum = 0;
    if (value.len != 16) return false;
    for (size_t i = 0; i < 15; i++) {
        char c = value.ptr[i];
        unsigned x = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c & ~0x20) - 'A');
        if (x > 25) return false;
        sum += i % 2 ? x : odd[x];
    }
    return (unsigned)((value.ptr[15] & ~0x20) - 'A') == sum % 26;
}

/* Source: Rijksdienst voor Identiteitsgegevens, Logisch ontwerp BSN: the test of eleven. */
bool id_nl_bsn(span value) {
    static const unsigned char weights[] = {9, 8, 7, 6, 5, 4, 3, 2};
    digits d = digits_of(value);
    if (d.n != 9 || all_alike(&d)) return false;
    return (weighed(&d, weights, 8) + 10u * d.d[8]) % 11 == 0; /* -1 is 10 */
}

/* Those born since 2000 have a 2 in front. Source: IBZ, Rijksregister. */
bool id_be_nrn(span value) {
    digits d = digits_of(value);
    if (d.n != 11) return false;
    uint64_t n = number(&d, 0, 9), key = number(&d, 9, 11);
    uint64_t month = number(&d, 2, 4) % 20;
    if (month > 12) return false;
    return 97 - n % 97 == key || 97 - (n + UINT64_C(2000000000)) % 97 == key;
}

/* Source: gov.pl, "Czym jest numer PESEL". */
bool id_pl_pesel(span value) {
    static const unsigned char weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
    digits d = digits_of(value);
    uint64_t month = number(&d, 2, 4) % 20, day = number(&d, 4, 6);
    if (d.n != 11 || all_alike(&d) || month < 1 || month > 12 || day < 1 || day > 31) return false;
    return weighed(&d, weights, 11) % 10 == 0;
}

/* Ten digits, or twelve with the century, which does not count. Source: Skatteverket, SKV 704. */
bool id_se_pnr(span value) {
    digits d = digits_of(value);
    if (d.n != 10 && d.n != 12) return false;
    size_t from = d.n - 10;
    uint64_t month = number(&d, from + 2, from + 4), day = number(&d, from + 4, from + 6) % 60;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && luhn(&d, from);
}

/* Source: Digi- ja väestötietovirasto. */
bool id_fi_hetu(span value) {
    static const char letters[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
    if (value.len != 11) return false;
    digits d = digits_of(span_slice(value, 0, 10));
    uint64_t day = number(&d, 0, 2), month = number(&d, 2, 4);
    if (d.n != 9 || day < 1 || day > 31 || month < 1 || month > 12) return false;
    return letters[number(&d, 0, 9) % 31] == last_of(value);
}

/* Source: Skatteetaten, fødselsnummer. */
bool id_no_fnr(span value) {
    static const unsigned char first[] = {3, 7, 6, 1, 8, 9, 4, 5, 2, 1};
    static const unsigned char second[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1};
    digits d = digits_of(value);
    uint64_t day = number(&d, 0, 2) % 40, month = number(&d, 2, 4) % 40;
    if (d.n != 11 || day < 1 || day > 31 || month < 1 || month > 12) return false;
    return weighed(&d, first, 10) % 11 == 0 && weighed(&d, second, 11) % 11 == 0;
}

/* Weights from n down to 2 and the digit itself, which is 0 where 11 or 10 would be said. */
static bool mod_11_down(const digits *d, size_t n, unsigned from) {
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += d->d[i] * (from - (unsigned)i);
    unsigned rest = sum % 11;
    return d->d[n] == (rest < 2 ? 0 : 11 - rest);
}

/* Source: Autoridade Tributária, Decreto-Lei n.º 14/2013. */
bool id_pt_nif(span value) {
    digits d = digits_of(value);
    return d.n == 9 && mod_11_down(&d, 8, 9);
}

/* Source: Receita Federal, Instrução Normativa RFB n.º 1548. */
bool id_br_cpf(span value) {
    digits d = digits_of(value);
    return d.n == 11 && !all_alike(&d) && mod_11_down(&d, 9, 10) && mod_11_down(&d, 10, 11);
}

static bool cnpj_digit(const digits *d, size_t n) {
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += d->d[n - 1 - i] * (unsigned)(2 + i % 8);
    unsigned rest = sum % 11;
    return d->d[n] == (rest < 2 ? 0 : 11 - rest);
}

bool id_br_cnpj(span value) {
    digits d = digits_of(value);
    return d.n == 14 && !all_alike(&d) && cnpj_digit(&d, 12) && cnpj_digit(&d, 13);
}

/* ISO 7064, mod 11-2. Source: GB 11643-1999. */
bool id_cn_rin(span value) {
    static const unsigned char weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char letters[] = "10X98765432";
    digits d = digits_of(value);
    if (d.n < 17 || d.n > 18) return false;
    uint64_t month = number(&d, 10, 12), day = number(&d, 12, 14);
    if (month < 1 || month > 12 || day < 1 || day > 31) return false;
    return letters[weighed(&d, weights, 17) % 11] == last_of(value);
}

/* Source: Nüfus ve Vatandaşlık İşleri, T.C. kimlik numarası. */
bool id_tr_tckn(span value) {
    digits d = digits_of(value);
    if (d.n != 11 || d.d[0] == 0) return false;
    unsigned odd = 0, even = 0, all = 0;
    for (size_t i = 0; i < 9; i++)
        *(i % 2 ? &even : &odd) += d.d[i];
    for (size_t i = 0; i < 10; i++)
        all += d.d[i];
    return (7 * odd + 90 - even) % 10 == d.d[9] && all % 10 == d.d[10];
}

/* Source: Australian Taxation Office, TFN declaration specification. */
bool id_au_tfn(span value) {
    static const unsigned char weights[] = {1, 4, 3, 7, 5, 8, 6, 9, 10};
    digits d = digits_of(value);
    return d.n == 9 && !all_alike(&d) && weighed(&d, weights, 9) % 11 == 0;
}

/* Source: NHS Data Dictionary, NHS NUMBER. */
bool id_uk_nhs(span value) {
    digits d = digits_of(value);
    if (d.n != 10 || all_alike(&d)) return false;
    unsigned sum = 0;
    for (size_t i = 0; i < 9; i++)
        sum += d.d[i] * (10 - (unsigned)i);
    unsigned digit = 11 - sum % 11;
    return digit != 10 && digit % 11 == d.d[9];
}

/* EAN-13 under the prefix of Switzerland. Source: ZAS, AHV-Nummer. */
bool id_ch_ahv(span value) {
    digits d = digits_of(value);
    unsigned sum = 0;
    for (size_t i = 0; i < d.n; i++)
        sum += d.d[i] * (i % 2 ? 3u : 1u);
    return d.n == 13 && number(&d, 0, 3) == 756 && sum % 10 == 0;
}

/* Source: Servicio de Registro Civil. */
bool id_cl_rut(span value) {
    static const char letters[] = "0123456789K";
    char last = last_of(value);
    digits d = digits_of(value);
    size_t n = last == 'K' ? d.n : d.n - 1;
    if (d.n < 8 || n > 8) return false;
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += d.d[n - 1 - i] * (unsigned)(2 + i % 6);
    return letters[(11 - sum % 11) % 11] == last;
}

/* Source: Legea 105/1996, codul numeric personal. */
bool id_ro_cnp(span value) {
    static const unsigned char weights[] = {2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9};
    digits d = digits_of(value);
    uint64_t month = number(&d, 3, 5), day = number(&d, 5, 7);
    if (d.n != 13 || d.d[0] == 0 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    unsigned rest = weighed(&d, weights, 12) % 11;
    return (rest == 10 ? 1 : rest) == d.d[12];
}

/* Source: zákon č. 133/2000 Sb., rodné číslo. */
bool id_cz_rc(span value) {
    digits d = digits_of(value);
    uint64_t month = number(&d, 2, 4) % 50 % 20, day = number(&d, 4, 6);
    if (d.n != 10 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    return number(&d, 0, 10) % 11 == 0 || (number(&d, 0, 9) % 11 == 10 && d.d[9] == 0);
}
