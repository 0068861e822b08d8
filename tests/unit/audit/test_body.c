/* What a record holds of a body comes out as it went in, with the key that it went in with, in the
 * place that it was made for, and not otherwise. */
#include "unit.h"

#include "audit/body.h"
#include "base/random.h"
#include "heap.h"

static body_packer *packer;
static const span here = SPAN("prompt of 1");

static json_value parsed(const buf *object) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(buf_span(object), NULL, &root, &fault));
    return root;
}

static buf sealed(span text, const secret *key) {
    buf out = BUF_EMPTY;
    body_seal(packer, text, false, key, here, &out);
    return out;
}

static void comes_out_as_it_went_in(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("a key of sixteen or more"));
    static const span texts[] = {SPAN(""), SPAN("x"), SPAN("{\"model\":\"m\"}"),
                                 SPAN("\0\xff\"\\")};
    for (size_t i = 0; i < 2 * ARRAY_LEN(texts); i++) {
        const secret *with = i % 2 ? key : NULL;
        const span text = texts[i / 2];
        buf object = sealed(text, with), again = sealed(text, with);
        body_text body;
        assert_int_equal(body_open(parsed(&object), with, here, &body), BODY_OPEN);
        assert_true(span_eq(buf_span(&body.text), text));
        assert_false(body.cut);
        assert_int_equal(body.key.len, with ? AUDIT_KEY_ID_LEN : 0);
        /* The same text is not seen to be the same. */
        assert_int_equal(span_eq(buf_span(&object), buf_span(&again)), !with);
        buf_done(&body.text);
        buf_done(&object);
        buf_done(&again);
    }
    secret_unref(key);
}

static void needs_its_key_and_its_place(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("a key of sixteen or more"));
    secret *other = secret_new(SPAN_OF("a key of sixteen or morE"));
    buf object = sealed(SPAN_OF("secret"), key), plain = sealed(SPAN_OF("secret"), NULL);
    body_text body;
    assert_int_equal(body_open(parsed(&object), NULL, here, &body), BODY_NO_KEY);
    assert_int_equal(body_open(parsed(&object), other, here, &body), BODY_OTHER_KEY);
    assert_int_equal(body_open(parsed(&object), key, SPAN_OF("answer of 1"), &body), BODY_ALTERED);
    assert_int_equal(body_open((json_value){JSON_TRUE, SPAN("true")}, key, here, &body), BODY_BAD);
    assert_int_equal(body_open(parsed(&plain), other, here, &body), BODY_OPEN);
    buf_done(&body.text);
    buf_done(&object);
    buf_done(&plain);
    secret_unref(key);
    secret_unref(other);
}

/* Each byte, to each of a few others: it is no JSON, or does not open, or says the same (a blank).
 */
static void no_altered_byte_is_taken(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("a key of sixteen or more"));
    const span text = SPAN_OF("what was asked, and what was answered");
    buf object = sealed(text, key);
    unsigned opened = 0;
    for (size_t i = 0; i < 8 * object.len; i++) {
        json_value root;
        json_fault fault;
        body_text body = {.text = BUF_EMPTY};
        object.ptr[i / 8] = (char)(object.ptr[i / 8] ^ 1 << i % 8);
        if (json_scan(buf_span(&object), NULL, &root, &fault) &&
            body_open(root, key, here, &body) == BODY_OPEN) {
            assert_true(span_eq(buf_span(&body.text), text));
            opened++;
        }
        buf_done(&body.text);
        object.ptr[i / 8] = (char)(object.ptr[i / 8] ^ 1 << i % 8);
    }
    /* The last character of a base64 text of 24 bytes has no spare bits; data's may have. */
    assert_true(opened <= 8);
    buf_done(&object);
    secret_unref(key);
}

/* Without a key: what it says of its size does not hold, or is too much. */
static void a_lie_about_its_size_is_told(void **state) {
    (void)state;
    static const char *const lies[] = {"\"bytes\":5,", "\"bytes\":7,", "\"bytes\":-1,",
                                       "\"bytes\":99999999999,", "\"bytes\":true,"};
    buf object = sealed(SPAN_OF("secret"), NULL);
    const span told = SPAN_OF("\"bytes\":6,");
    const size_t at = (size_t)(strstr(buf_cstr(&object), told.ptr) - object.ptr);
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        body_text body;
        buf lie = BUF_EMPTY;
        buf_add(&lie, span_slice(buf_span(&object), 0, at));
        buf_add_cstr(&lie, lies[i]);
        buf_add(&lie, span_slice(buf_span(&object), at + told.len, object.len));
        assert_int_equal(body_open(parsed(&lie), NULL, here, &body), BODY_ALTERED);
        buf_done(&body.text);
        buf_done(&lie);
    }
    buf_done(&object);
}

static void what_is_too_much_is_cut(void **state) {
    (void)state;
    rng r;
    buf text = BUF_EMPTY;
    rng_seed(&r, 7);
    for (size_t i = 0; i < 400 * 1024; i++) /* the second half is as dense as can be */
        buf_add_char(&text, i < 8 * 1024 ? 'x' : (char)(rng_u64(&r) % 255 + 1));
    for (size_t len = 1; len <= text.len; len = len * 2 + 1) {
        const span whole = span_slice(buf_span(&text), 0, len);
        buf object = sealed(whole, NULL);
        body_text body;
        assert_int_equal(body_open(parsed(&object), NULL, here, &body), BODY_OPEN);
        assert_true(span_starts(whole, buf_span(&body.text)));
        assert_int_equal(body.cut, body.text.len < len);
        assert_true(object.len < BODY_DATA_MAX / 3 * 4 + 256);
        if (len > 100 * 1024) assert_true(body.text.len > 30 * 1024);
        buf_done(&body.text);
        buf_done(&object);
    }
    buf_done(&text);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_as_it_went_in),  cmocka_unit_test(needs_its_key_and_its_place),
        cmocka_unit_test(no_altered_byte_is_taken), cmocka_unit_test(a_lie_about_its_size_is_told),
        cmocka_unit_test(what_is_too_much_is_cut),
    };
    packer = body_packer_new();
    const int failed = run_watched(tests);
    body_packer_free(packer);
    return failed;
}
