#include "unit.h"

#include "base/hash.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void sha256_is_fips_180(void **state) {
    (void)state;
    unsigned char digest[SHA256_LEN], back[SHA256_LEN];
    char hex[SHA256_HEX_LEN + 1];
    sha256(SPAN_OF("abc"), digest);
    hex_encode(digest, sizeof digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(hex_decode(span_cstr(hex), back, sizeof back));
    assert_memory_equal(back, digest, sizeof back);
    assert_false(hex_decode(SPAN_OF("zz"), back, 1));
    assert_false(hex_decode(SPAN_OF("abc"), back, 1));
}

/* Against OpenSSL's; RFC 4231 has no secret of 32 bytes. */
static void hmac_is_rfc_2104(void **state) {
    (void)state;
    unsigned char secret[HMAC_SECRET_LEN], ours[SHA256_LEN], theirs[SHA256_LEN];
    char text[HMAC_TEXT_MAX];
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (unsigned char)(i * 7 + 200);
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        unsigned n = sizeof theirs;
        assert_non_null(HMAC(EVP_sha256(), secret, sizeof secret, (const unsigned char *)text, len,
                             theirs, &n));
        hmac_sha256(secret, span_from(len ? text : NULL, len), ours);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    char longer[HMAC_TEXT_MAX + 1] = {0};
    unsigned char digest[SHA256_LEN];
    sha256(span_from(longer, sizeof longer), digest);
    hmac_sha256(secret, span_from((const char *)digest, sizeof digest), theirs);
    hmac_sha256(secret, span_from(longer, sizeof longer), ours);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void sha256_in_pieces_is_the_same(void **state) {
    (void)state;
    span text = SPAN_OF("a text of some length, so that it is cut at every place");
    unsigned char whole[SHA256_LEN], pieces[SHA256_LEN];
    sha256(text, whole);
    for (size_t at = 0; at <= text.len; at++) {
        sha256_stream *s = sha256_stream_new();
        sha256_stream_add(s, span_slice(text, 0, at));
        sha256_stream_add(s, span_slice(text, at, text.len));
        sha256_stream_end(s, pieces);
        assert_memory_equal(pieces, whole, sizeof whole);
    }
    sha256_stream_free(sha256_stream_new());
    sha256_stream_free(NULL);
}

static void hashes_differ(void **state) {
    (void)state;
    assert_true(hash_span(SPAN_OF("model")) == hash_span(span_cstr("model")));
    assert_true(hash_span(SPAN_OF("model")) != hash_span(SPAN_OF("modem")));
    assert_true(hash_span(SPAN_OF("")) != hash_span(span_from("\0", 1)));
}

static void ids_are_version_7(void **state) {
    (void)state;
    rng r;
    rng_init(&r);
    char a[ID_LEN + 1], b[ID_LEN + 1];
    id_new(&r, 1700000000000000, a);
    id_new(&r, 1700000000001000, b);
    assert_int_equal(strlen(a), ID_LEN);
    assert_int_equal(a[14], '7');
    assert_non_null(strchr("89ab", a[19]));
    assert_true(strcmp(a, b) < 0);
    for (int i = 0; i < 1000; i++) {
        double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_fips_180), cmocka_unit_test(hmac_is_rfc_2104),
        cmocka_unit_test(sha256_in_pieces_is_the_same), cmocka_unit_test(hashes_differ),
        cmocka_unit_test(ids_are_version_7)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
