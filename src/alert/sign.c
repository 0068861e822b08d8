/* The signature of Standard Webhooks. */
#include "alert/alert.h"
#include "base/hash.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { KEY_MAX = 256 };

/* What signs. The configuration has looked at its form (config/alerts.c). */
static size_t key_of(span key_text, unsigned char ret[KEY_MAX]) {
    static const span prefix = SPAN("whsec_");
    if (!span_starts(key_text, prefix)) return 0;
    const span code = span_slice(key_text, prefix.len, key_text.len);
    if (code.len % 4 || code.len > KEY_MAX) return 0;
    int n = EVP_DecodeBlock(ret, (const unsigned char *)code.ptr, (int)code.len);
    for (size_t i = 1; n > 0 && i <= 2 && code.ptr[code.len - i] == '='; i++)
        n--;
    return n > 0 ? (size_t)n : 0;
}

void alert_sign(span key_text, span id, int64_t seconds, span body, buf *out) {
    unsigned char key[KEY_MAX], mac[SHA256_LEN];
    char text[(SHA256_LEN + 2) / 3 * 4 + 1];
    const size_t len = key_of(key_text, key);
    const void *with = len ? (const void *)key : key_text.ptr;
    buf signed_text = BUF_EMPTY;
    buf_addf(&signed_text, "%.*s.", SPAN_ARG(id));
    buf_add_i64(&signed_text, seconds);
    buf_add_char(&signed_text, '.');
    buf_add(&signed_text, body);
    HMAC(EVP_sha256(), with, (int)(len ? len : key_text.len),
         (const unsigned char *)signed_text.ptr, signed_text.len, mac, NULL);
    (void)EVP_EncodeBlock((unsigned char *)text, mac, sizeof mac);
    buf_addf(out, "v1,%s", text);
    mem_wipe(key, sizeof key);
    buf_done(&signed_text);
}
