/* Compresses, for tests of what undoes it (http/decode.h). */
#ifndef WEIR_UNIT_PACK_H
#define WEIR_UNIT_PACK_H

#include "base/buf.h"
#include "http/decode.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

enum { PACK_GZIP = 31, PACK_ZLIB = 15, PACK_BARE = -15 };

/* window: one of the above. ends: where each piece, flushed, ends in the result; NULL: not asked.
 */
static inline buf pack_zlib(int window, const span *pieces, size_t count, size_t *ends) {
    buf out = BUF_EMPTY;
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (size_t i = 0; i < count; i++) {
        z.next_in = (z_const Bytef *)pieces[i].ptr;
        z.avail_in = (uInt)pieces[i].len;
        do {
            z.next_out = (Bytef *)buf_reserve(&out, 4096);
            z.avail_out = 4096;
            (void)deflate(&z, i + 1 < count || ends ? Z_SYNC_FLUSH : Z_FINISH);
            buf_grow(&out, 4096 - z.avail_out);
        } while (!z.avail_out);
        if (ends) ends[i] = out.len;
    }
    z.next_out = (Bytef *)buf_reserve(&out, 4096);
    z.avail_out = 4096;
    (void)deflate(&z, Z_FINISH);
    buf_grow(&out, 4096 - z.avail_out);
    (void)deflateEnd(&z);
    return out;
}

static inline buf pack_br(const span *pieces, size_t count, size_t *ends) {
    buf out = BUF_EMPTY;
    BrotliEncoderState *s = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    (void)BrotliEncoderSetParameter(s, BROTLI_PARAM_QUALITY, 5);
    for (size_t i = 0; i <= count; i++) {
        size_t left = i < count ? pieces[i].len : 0, none = 0;
        const uint8_t *in = i < count ? (const uint8_t *)pieces[i].ptr : NULL;
        BrotliEncoderOperation what = i < count ? BROTLI_OPERATION_FLUSH : BROTLI_OPERATION_FINISH;
        do {
            assert_true(BrotliEncoderCompressStream(s, what, &left, &in, &none, NULL, NULL));
            size_t n = 0;
            const uint8_t *made = BrotliEncoderTakeOutput(s, &n);
            buf_add(&out, span_from((const char *)made, n));
        } while (left || BrotliEncoderHasMoreOutput(s));
        if (ends && i < count) ends[i] = out.len;
    }
    BrotliEncoderDestroyInstance(s);
    return out;
}

static inline buf pack_zstd(const span *pieces, size_t count, size_t *ends) {
    buf out = BUF_EMPTY;
    ZSTD_CCtx *c = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    for (size_t i = 0; i <= count; i++) {
        ZSTD_inBuffer in = {i < count ? pieces[i].ptr : NULL, i < count ? pieces[i].len : 0, 0};
        size_t left;
        do {
            ZSTD_outBuffer made = {buf_reserve(&out, 4096), 4096, 0};
            left = ZSTD_compressStream2(c, &made, &in, i < count ? ZSTD_e_flush : ZSTD_e_end);
            assert_false(ZSTD_isError(left));
            buf_grow(&out, made.pos);
        } while (left);
        if (ends && i < count) ends[i] = out.len;
    }
    (void)ZSTD_freeCCtx(c);
    return out;
}

static inline buf pack_pieces(http_coding coding, const span *pieces, size_t count, size_t *ends) {
    switch (coding) {
    case HTTP_CODING_BR: return pack_br(pieces, count, ends);
    case HTTP_CODING_ZSTD: return pack_zstd(pieces, count, ends);
    case HTTP_CODING_DEFLATE: return pack_zlib(PACK_ZLIB, pieces, count, ends);
    default: return pack_zlib(PACK_GZIP, pieces, count, ends);
    }
}

static inline buf pack(http_coding coding, span text) {
    return pack_pieces(coding, &text, 1, NULL);
}

#endif
