#include "audit/body.h"

#include "base/mem.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <zstd.h>

enum { NONCE_LEN = 24, IV_LEN = 12, TAG_LEN = 16, LEVEL = 1 };

static const span plain_form = SPAN("zstd"), secret_form = SPAN("zstd+aes-256-gcm");

static void add_base64(buf *out, const unsigned char *bytes, size_t len) {
    char *to = buf_reserve(out, (len + 2) / 3 * 4 + 1);
    buf_grow(out, (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, (int)len));
}

/* false: it is none, or of another length than up to most. */
static bool read_base64(span code, size_t most, buf *ret) {
    const size_t whole = code.len / 4 * 3;
    if (!code.len || code.len % 4 || whole > most + 2) return false;
    unsigned char *to = (unsigned char *)buf_reserve(ret, whole + 1);
    if (EVP_DecodeBlock(to, (const unsigned char *)code.ptr, (int)code.len) != (int)whole)
        return false;
    size_t padding = 0;
    while (padding < 2 && code.ptr[code.len - 1 - padding] == '=')
        padding++;
    buf_grow(ret, whole - padding);
    return ret->len <= most;
}

/* ---- encryption ---- */

typedef struct cipher {
    unsigned char key[SHA256_LEN], nonce[NONCE_LEN];
} cipher;

static void cipher_key(cipher *c, const secret *key) {
    unsigned char of_bodies[HMAC_SECRET_LEN];
    audit_key_for(key, SPAN_OF("weir audit bodies"), of_bodies);
    hmac_sha256(of_bodies, span_from((const char *)c->nonce, sizeof c->nonce), c->key);
    mem_wipe(of_bodies, sizeof of_bodies);
}

/* What OpenSSL cannot do for want of memory is not wanting here. */
static void must(int good) {
    if (good != 1) abort();
}

static EVP_CIPHER_CTX *begin_cipher(const cipher *c, bool encrypts, span place) {
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) abort();
    must(EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, c->key, c->nonce + NONCE_LEN - IV_LEN,
                           encrypts));
    must(EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)place.ptr, (int)place.len));
    return ctx;
}

/* In its own place; the tag goes behind it. */
static void encrypt(const cipher *c, span place, buf *data) {
    int n, rest;
    const size_t len = data->len;
    unsigned char *at = (unsigned char *)buf_reserve(data, TAG_LEN) - len;
    EVP_CIPHER_CTX *ctx = begin_cipher(c, true, place);
    must(EVP_CipherUpdate(ctx, at, &n, at, (int)len));
    must(EVP_CipherFinal_ex(ctx, at + n, &rest));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, at + len));
    EVP_CIPHER_CTX_free(ctx);
    buf_grow(data, TAG_LEN);
}

static bool decrypt(const cipher *c, span place, buf *data) {
    int n, rest;
    if (data->len < TAG_LEN) return false;
    data->len -= TAG_LEN;
    unsigned char *at = (unsigned char *)data->ptr;
    EVP_CIPHER_CTX *ctx = begin_cipher(c, false, place);
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, at + data->len));
    bool good = EVP_CipherUpdate(ctx, at, &n, at, (int)data->len) == 1 &&
                EVP_CipherFinal_ex(ctx, at + n, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

/* ---- sealing ---- */

struct body_packer {
    ZSTD_CCtx *zstd;
};

body_packer *body_packer_new(void) {
    body_packer *p = mem_alloc(sizeof *p);
    p->zstd = ZSTD_createCCtx();
    if (!p->zstd) abort();
    return p;
}

void body_packer_free(body_packer *p) {
    if (!p) return;
    ZSTD_freeCCtx(p->zstd);
    free(p);
}

/* Of as much of the text as becomes small enough; *text is cut to that. */
static void compress_some(body_packer *p, span *text, buf *ret) {
    for (;;) {
        const size_t cap = ZSTD_compressBound(text->len);
        buf_clear(ret);
        const size_t n =
            ZSTD_compressCCtx(p->zstd, buf_reserve(ret, cap), cap, text->ptr, text->len, LEVEL);
        if (ZSTD_isError(n)) abort(); /* for want of memory alone */
        buf_grow(ret, n);
        if (n <= BODY_DATA_MAX - TAG_LEN) return;
        /* What is left is as dense, or nearly: mostly once. */
        *text = span_clip(*text, (size_t)((double)text->len * BODY_DATA_MAX / (double)n * 0.95));
    }
}

void body_seal(body_packer *p, span text, bool cut, const secret *key, span place, buf *out) {
    buf data = BUF_EMPTY;
    span kept = span_clip(text, BODY_TEXT_MAX);
    compress_some(p, &kept, &data);
    const span form = key ? secret_form : plain_form;
    buf_addf(out, "{\"form\":\"%.*s\",", SPAN_ARG(form));
    if (key) {
        cipher c;
        char id[AUDIT_KEY_ID_LEN + 1];
        random_bytes(c.nonce, sizeof c.nonce);
        cipher_key(&c, key);
        encrypt(&c, place, &data);
        audit_key_id(key, id);
        buf_addf(out, "\"key\":\"%s\",\"nonce\":\"", id);
        add_base64(out, c.nonce, sizeof c.nonce);
        buf_add_cstr(out, "\",");
        mem_wipe(&c, sizeof c);
    }
    buf_addf(out, "\"bytes\":%zu,%s\"data\":\"", kept.len,
             cut || kept.len < text.len ? "\"cut\":true," : "");
    add_base64(out, (const unsigned char *)data.ptr, data.len);
    buf_add_cstr(out, "\"}");
    buf_done(&data);
}

/* ---- opening ---- */

static span inner(json_value v) {
    return v.type == JSON_STRING ? span_slice(v.raw, 1, v.raw.len - 1) : SPAN_EMPTY;
}

static bool read_nonce(span code, cipher *c) {
    buf nonce = BUF_EMPTY;
    const bool good = read_base64(code, NONCE_LEN, &nonce) && nonce.len == NONCE_LEN;
    if (good) memcpy(c->nonce, nonce.ptr, NONCE_LEN);
    buf_done(&nonce);
    return good;
}

static body_result undo_cipher(span nonce, span told_key, const secret *key, span place,
                               buf *data) {
    cipher c;
    char id[AUDIT_KEY_ID_LEN + 1];
    if (!key) return BODY_NO_KEY;
    audit_key_id(key, id);
    if (!span_eq(told_key, span_cstr(id))) return BODY_OTHER_KEY;
    if (!read_nonce(nonce, &c)) return BODY_ALTERED;
    cipher_key(&c, key);
    const bool good = decrypt(&c, place, data);
    mem_wipe(&c, sizeof c);
    return good ? BODY_OPEN : BODY_ALTERED;
}

static bool expand(const buf *data, size_t bytes, buf *ret) {
    char *to = buf_reserve(ret, bytes + 1);
    const size_t n = ZSTD_decompress(to, bytes, data->ptr, data->len);
    if (ZSTD_isError(n) || n != bytes) return false;
    buf_grow(ret, n);
    return true;
}

body_result body_open(json_value object, const secret *key, span place, body_text *ret) {
    static const span names[] = {SPAN("form"),  SPAN("key"), SPAN("nonce"),
                                 SPAN("bytes"), SPAN("cut"), SPAN("data")};
    json_value v[ARRAY_LEN(names)];
    buf data = BUF_EMPTY;
    int64_t bytes;
    *ret = (body_text){.text = BUF_EMPTY};
    if (object.type != JSON_OBJECT) return BODY_BAD;
    json_get_each(object, names, ARRAY_LEN(names), v);
    const bool hidden = json_is(v[0], secret_form);
    if (!hidden && !json_is(v[0], plain_form)) return BODY_BAD;
    ret->key = inner(v[1]);
    ret->cut = v[4].type == JSON_TRUE;
    body_result r = BODY_ALTERED;
    if (json_i64(v[3], &bytes) && bytes >= 0 && bytes <= BODY_TEXT_MAX &&
        read_base64(inner(v[5]), BODY_DATA_MAX, &data))
        r = hidden ? undo_cipher(inner(v[2]), ret->key, key, place, &data) : BODY_OPEN;
    if (r == BODY_OPEN && !expand(&data, (size_t)bytes, &ret->text)) r = BODY_ALTERED;
    buf_done(&data);
    return r;
}
