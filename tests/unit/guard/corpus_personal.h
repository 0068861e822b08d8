/* Addresses, cards, accounts, telephones and numbers of states, and what only looks like them. */
#ifndef WEIR_TEST_GUARD_CORPUS_PERSONAL_H
#define WEIR_TEST_GUARD_CORPUS_PERSONAL_H

#include "corpus.h"
#include "guard/check.h"

/* ---- cards ---- */

/* The digit that makes a number good, by the rule itself and not by the code under test. */
static inline char luhn_digit(span digits) {
    unsigned sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned x = (unsigned)(digits.ptr[digits.len - 1 - i] - '0') * (i % 2 ? 1 : 2);
        sum += x / 10 + x % 10;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

static inline void put_parted(buf *b, dice *d, span digits) {
    const char *sep = PICK(d, "", " ", "-", "");
    bool each = roll(d, 12) == 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (i && (each || i % 4 == 0)) buf_add_cstr(b, each ? " " : sep);
        buf_add_char(b, digits.ptr[i]);
    }
}

static inline void put_card(buf *b, dice *d, bool good) {
    static const struct {
        const char *begin;
        size_t len;
    } brands[] = {{"4", 16},  {"51", 16}, {"55", 16}, {"2223", 16}, {"34", 15},
                  {"37", 15}, {"36", 14}, {"35", 16}, {"6011", 16}, {"65", 16}};
    size_t i = roll(d, ARRAY_LEN(brands));
    buf digits = BUF_EMPTY;
    buf_add_cstr(&digits, brands[i].begin);
    put_digits(&digits, d, brands[i].len - 1 - digits.len);
    char last = luhn_digit(buf_span(&digits));
    if (!good) last = (char)('0' + (last - '0' + 1 + (int)roll(d, 9)) % 10);
    buf_add_char(&digits, last);
    put_parted(b, d, buf_span(&digits));
    buf_done(&digits);
}

static inline void card_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    put_card(b, d, true);
    buf_add_cstr(b, closing(d));
}

static inline void card_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 7)) {
    case 0: put_card(b, d, false); break;
    case 1: put_form(b, d, "order 1{d15}"); break;
    case 2: put_form(b, d, "at 17{d8} or 17{d11} ms"); break;
    case 3: put_form(b, d, "4{d11} items"); break;
    case 4: put_form(b, d, "3.14159265358{d4}"); break;
    case 5: put_form(b, d, "{h8}-{h4}-4{h3}-{h4}-{h12}"); break;
    default: put_form(b, d, "tracking 9{d21}"); break;
    }
    buf_add_cstr(b, closing(d));
}

/* ---- e-mail ---- */

static inline void put_name(buf *b, dice *d) {
    buf_add_cstr(b, PICK(d, "anna", "bo", "christopher", "diego", "eva", "fatima", "george", "hiro",
                         "ines", "jonathan", "kim", "lukas", "maria", "nguyen", "olga", "pedro"));
}

static inline void email_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    put_name(b, d);
    buf_add_cstr(b, PICK(d, "", ".", "_", "-", "+"));
    put_name(b, d);
    if (roll(d, 3) == 0) put_digits(b, d, 1 + roll(d, 4));
    buf_add_char(b, '@');
    if (roll(d, 4) == 0) buf_add_cstr(b, PICK(d, "mail.", "eu.", "smtp-in."));
    put_form(b, d, PICK(d, "example", "{c6}", "{c4}-{c5}", "{c3}{d2}"));
    buf_add_cstr(b, PICK(d, ".com", ".org", ".co.uk", ".de", ".example", ".io", ".museum"));
    buf_add_cstr(b, closing(d));
}

static inline void email_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 9)) {
    case 0: put_form(b, d, "@{c8} said hello"); break;
    case 1: put_form(b, d, "{c6}@localhost"); break;
    case 2: put_form(b, d, "{c6}@{d1}.{d2}.{d1} from npm"); break;
    case 3: put_form(b, d, "@app.route(\"/{c5}\")"); break;
    case 4: put_form(b, d, "{c4} @ {c5}.com"); break;
    case 5: put_form(b, d, "{c5}@{c5} -p 22"); break;
    case 6: put_form(b, d, "3 pieces @ {d2}.{d2} each"); break;
    case 7: put_form(b, d, "{c5}.{c4}.com and www.{c6}.org"); break;
    default: put_form(b, d, "{h7}@{{u}}"); break;
    }
    buf_add_cstr(b, closing(d));
}

/* ---- IBAN ---- */

typedef struct iban_form {
    const char *country, *form;
} iban_form;

static inline void put_iban(buf *b, dice *d, bool good) {
    static const iban_form forms[] = {
        {"DE", "{d18}"},         {"GB", "{C4}{d14}"},      {"FR", "{d10}{U11}{d2}"},
        {"ES", "{d20}"},         {"IT", "{C1}{d10}{U12}"}, {"NL", "{C4}{d10}"},
        {"BE", "{d12}"},         {"AT", "{d16}"},          {"CH", "{d5}{U12}"},
        {"PL", "{d24}"},         {"SE", "{d20}"},          {"NO", "{d11}"},
        {"PT", "{d21}"},         {"IE", "{C4}{d14}"},      {"LT", "{d16}"},
        {"MT", "{C4}{d5}{U18}"},
    };
    const iban_form *f = &forms[roll(d, ARRAY_LEN(forms))];
    buf rest = BUF_EMPTY, all = BUF_EMPTY;
    put_form(&rest, d, f->form);
    unsigned mod = 0;
    buf_add(&all, buf_span(&rest));
    buf_addf(&all, "%s00", f->country);
    for (size_t i = 0; i < all.len; i++) {
        char c = all.ptr[i];
        mod = c <= '9' ? (mod * 10 + (unsigned)(c - '0')) % 97
                       : (mod * 100 + (unsigned)(c - 'A') + 10) % 97;
    }
    unsigned check = 98 - mod;
    if (!good) check = check == 97 ? 12 : check + 1 > 98 ? 3 : check + 1;
    buf_clear(&all);
    buf_addf(&all, "%s%02u%.*s", f->country, check, SPAN_ARG(buf_span(&rest)));
    const char *sep = PICK(d, "", " ", " ");
    for (size_t i = 0; i < all.len; i++) {
        if (i && i % 4 == 0) buf_add_cstr(b, sep);
        buf_add_char(b, all.ptr[i]);
    }
    buf_done(&rest);
    buf_done(&all);
}

static inline void iban_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    put_iban(b, d, true);
    buf_add_cstr(b, closing(d));
}

static inline void iban_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 5)) {
    case 0: put_iban(b, d, false); break;
    case 1: put_form(b, d, "AB12 {c5} and {c7}"); break;
    case 2: put_form(b, d, "part no. {C2}{d2}{d6}"); break;
    case 3: put_form(b, d, "{C2}{d2}{U20}"); break;
    default: put_form(b, d, "flight LH{d4} at gate B{d2}"); break;
    }
    buf_add_cstr(b, closing(d));
}

/* ---- telephones ---- */

static inline void phone_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 9)) {
    case 0: put_form(b, d, "+1 41{d1} 555 {d4}"); break;
    case 1: put_form(b, d, "+49 (0)30 {d7}"); break;
    case 2: put_form(b, d, "+4479{d8}"); break;
    case 3: put_form(b, d, "+33 6 {d2} {d2} {d2} {d2}"); break;
    case 4: put_form(b, d, "(415) 555-{d4}"); break;
    case 5: put_form(b, d, "415-555-{d4}"); break;
    case 6: put_form(b, d, "1.212.555.{d4}"); break;
    case 7: put_form(b, d, "Tel. 030 {d8}"); break;
    default: put_form(b, d, "call me at 0171/{d7}"); break;
    }
    buf_add_cstr(b, closing(d));
}

static inline void phone_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 10)) {
    case 0: put_form(b, d, "2026-11-{d2} at 12:3{d1}"); break;
    case 1: put_form(b, d, "version {d1}.{d2}.{d3}"); break;
    case 2: put_form(b, d, "{d3},{d3},{d3} people"); break;
    case 3: put_form(b, d, "0.{d9}"); break;
    case 4: put_form(b, d, "order {d10}"); break;
    case 5: put_form(b, d, "f(x+{d3}) = {d6}"); break;
    case 6: put_form(b, d, "ISBN 978-3-16-{d6}-0"); break;
    case 7: put_form(b, d, "GMT+{d1} and UTC+0{d1}:00"); break;
    case 8: put_form(b, d, "pages {d3}-{d3}"); break;
    default: put_form(b, d, "(19{d2}) and ({d3})"); break;
    }
    buf_add_cstr(b, closing(d));
}

/* ---- machines ---- */

static inline void put_octet(buf *b, dice *d) {
    buf_add_u64(b, roll(d, 256));
}

static inline void machine_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    if (roll(d, 3)) {
        buf_add_u64(b, 1 + roll(d, 120));
        for (int i = 0; i < 3; i++) {
            buf_add_char(b, '.');
            put_octet(b, d);
        }
    } else {
        put_form(b, d,
                 PICK(d, "{h2}:{h2}:{h2}:{h2}:{h2}:{h2}", "00-1A-{h2}-{h2}-{h2}-{h2}",
                      "2001:db8:{h4}:{h4}:{h4}:{h4}:{h4}:{h4}", "fe80::{d1}{h3}:{h4}:{h4}"));
    }
    buf_add_cstr(b, closing(d));
}

static inline void machine_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 8)) {
    case 0: put_form(b, d, "version {d1}.{d2}.{d1}"); break;
    case 1: put_form(b, d, "at 12:3{d1}:{d2}"); break;
    case 2: buf_add_cstr(b, PICK(d, "127.0.0.1", "0.0.0.0", "255.255.255.0", "::1")); break;
    case 3: put_form(b, d, "std::{c6}::{c5}"); break;
    case 4: put_form(b, d, "10.0.19041.{d4}"); break;
    case 5: put_form(b, d, "{h8}-{h4}-{h4}-{h4}-{h12}"); break;
    case 6: put_form(b, d, "2026-11-{d2}T10:00:{d2}Z"); break;
    default: put_form(b, d, "{d3}.{d3}.{d3} and {d1}.{d1}"); break;
    }
    buf_add_cstr(b, closing(d));
}

/* ---- numbers of states ---- */

typedef struct id_form {
    const char *words, *check, *form; /* check: NULL: it has none */
} id_form;

static inline const id_form *id_forms(size_t *ret_count) {
    static const id_form forms[] = {
        {"SSN ", NULL, "1{d1}3-2{d1}-3{d3}"},
        {"", NULL, "AB{d6}C"},
        {"NINO ", NULL, "AB {d2} {d2} {d2} C"},
        {"NHS number ", "uk-nhs", "{d3} {d3} {d4}"},
        {"Steuer-ID ", "de-steuer-id", "5{d10}"},
        {"", "es-dni", "{d8}{C1}"},
        {"", "es-dni", "{d2}.{d3}.{d3}-{C1}"},
        {"", "es-dni", "X{d7}{C1}"},
        {"", "es-dni", "Y-{d7}-{C1}"},
        {"", "fr-nir", "1 84 12 76 {d3} {d3} {d2}"},
        {"", "it-cf", "RSSMRA85T10A{d3}{C1}"},
        {"BSN: ", "nl-bsn", "{d9}"},
        {"", "be-nrn", "85.07.30-{d3}.{d2}"},
        {"PESEL ", "pl-pesel", "8{d1}0{d1}1{d1}{d5}"},
        {"", "se-pnr", "8{d1}0412-{d4}"},
        {"", "fi-hetu", "1310{d2}-{d3}{U1}"},
        {"NIF ", "pt-nif", "1{d8}"},
        {"", "br-cpf", "{d3}.{d3}.{d3}-{d2}"},
        {"CPF ", "br-cpf", "{d11}"},
        {"", "br-cnpj", "{d2}.{d3}.{d3}/0001-{d2}"},
        {"Aadhaar ", "verhoeff", "5{d3} {d4} {d4}"},
        {"PAN: ", NULL, "ABCPK{d4}F"},
        {"", "cn-rin", "110105194912{d2}{d4}"},
        {"kimlik no ", "tr-tckn", "1{d10}"},
        {"TFN ", "au-tfn", "1{d2} {d3} {d3}"},
        {"SIN ", "luhn", "1{d2} {d3} {d3}"},
        {"", "ch-ahv", "756.{d4}.{d4}.{d2}"},
        {"", "cl-rut", "12.{d3}.{d3}-{d1}"},
        {"OIB ", "hr-oib", "9{d10}"},
        {"CNP ", "ro-cnp", "18001{d1}1{d1}{d5}"},
        {"", "cz-rc", "736028/{d4}"},
    };
    *ret_count = ARRAY_LEN(forms);
    return forms;
}

/* Right check digits by trying: that the checks are right themselves is test_check's. */
static inline void put_id(buf *b, dice *d, bool good) {
    size_t count;
    const id_form *forms = id_forms(&count), *f;
    do
        f = &forms[roll(d, count)];
    while (!good && !f->check);
    const guard_check *check = f->check ? guard_check_find(span_cstr(f->check)) : NULL;
    buf value = BUF_EMPTY;
    do {
        buf_clear(&value);
        put_form(&value, d, f->form);
    } while (check && (guard_check_length(check, buf_span(&value)) != 0) != good);
    buf_add_cstr(b, f->words);
    buf_add(b, buf_span(&value));
    buf_done(&value);
}

static inline void id_positive(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    put_id(b, d, true);
    buf_add_cstr(b, closing(d));
}

static inline void id_negative(buf *b, dice *d) {
    buf_add_cstr(b, opening(d));
    switch (roll(d, 6)) {
    case 0:
    case 1: put_id(b, d, false); break;
    case 2: put_form(b, d, "{d9} bytes"); break;
    case 3: put_form(b, d, "article {d5}-{d3}"); break;
    case 4: put_form(b, d, "2026-11-{d2} 10:{d2}"); break;
    default: put_form(b, d, "{C3}{d4} and {C2}-{d3}"); break;
    }
    buf_add_cstr(b, closing(d));
}

#endif
