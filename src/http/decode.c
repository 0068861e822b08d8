#include "http/decode.h"

#include "base/mem.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
    PIECE_BYTES = 16 * 1024,
    ZLIB_WINDOW = 15,     /* its largest; bits */
    ZLIB_GZIP = 16,       /* added to the window: gzip's wrapping */
    ZSTD_WINDOW_MAX = 23, /* 8 MB */
    ZSTD_MAGIC_BYTES = 4,
};

/* What one run came to: input was taken off the front, and d->made bytes lie in d->piece. */
typedef enum run_result {
    RUN_ON,  /* there may be more to come, of this input or the next */
    RUN_END, /* a member is complete */
    RUN_BAD,
} run_result;

/* How one coding is undone. */
typedef struct coding_ops {
    run_result (*run)(http_decoder *d, span *input);
    /* A member is complete and more comes: may another follow? */
    bool (*again)(http_decoder *d);
    void (*close)(http_decoder *d);
} coding_ops;

struct http_decoder {
    const coding_ops *ops;
    union {
        z_stream zlib;
        BrotliDecoderState *br;
        struct {
            ZSTD_DStream *stream;
            unsigned char magic[ZSTD_MAGIC_BYTES];
            unsigned magic_len; /* of the frame's, so far */
        } zstd;
    };
    uint64_t in, out;
    size_t made;
    http_decode_result dead; /* DENSE or BAD; MORE: it is not */
    bool open;               /* a member has begun and is not complete */
    bool full;               /* the last piece was full: there may be more without input */
    bool begun;              /* deflate: its wrapping is known */
    char piece[PIECE_BYTES];
};

static void take(span *input, size_t n) {
    *input = span_slice(*input, n, input->len);
}

static bool never_again(http_decoder *d) {
    (void)d;
    return false;
}

/* ---- gzip, deflate ---- */

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return mem_alloc((size_t)items * size);
}

static void zlib_free(voidpf opaque, voidpf memory) {
    (void)opaque;
    free(memory);
}

/* Fails for want of memory alone, which is not wanting here. */
static void zlib_open(http_decoder *d, int window) {
    d->zlib = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
    (void)inflateInit2(&d->zlib, window);
}

static void zlib_close(http_decoder *d) {
    (void)inflateEnd(&d->zlib);
}

static run_result zlib_run(http_decoder *d, span *input) {
    z_stream *z = &d->zlib;
    size_t given = input->len < UINT32_MAX ? input->len : UINT32_MAX;
    z->next_in = (z_const Bytef *)input->ptr;
    z->avail_in = (uInt)given;
    z->next_out = (Bytef *)d->piece;
    z->avail_out = PIECE_BYTES;
    int said = inflate(z, Z_SYNC_FLUSH);
    take(input, given - z->avail_in);
    d->made = PIECE_BYTES - z->avail_out;
    if (said == Z_STREAM_END) return RUN_END;
    return said == Z_OK || said == Z_BUF_ERROR ? RUN_ON : RUN_BAD;
}

static bool gzip_again(http_decoder *d) {
    return inflateReset(&d->zlib) == Z_OK;
}

/* zlib's wrapping begins with a byte whose low half is 8. No writer's bare deflate does: that would
 * be a stored block with junk in the bits that pad its head. */
static run_result deflate_run(http_decoder *d, span *input) {
    if (!d->begun) {
        bool wrapped = (input->ptr[0] & 0x8f) == 8;
        d->begun = true;
        if (!wrapped) (void)inflateReset2(&d->zlib, -ZLIB_WINDOW);
    }
    return zlib_run(d, input);
}

static const coding_ops gzip_ops = {zlib_run, gzip_again, zlib_close};
static const coding_ops deflate_ops = {deflate_run, never_again, zlib_close};

/* ---- br ---- */

static void *br_alloc(void *opaque, size_t size) {
    (void)opaque;
    return mem_alloc(size);
}

static void br_free(void *opaque, void *memory) {
    (void)opaque;
    free(memory);
}

static void br_close(http_decoder *d) {
    BrotliDecoderDestroyInstance(d->br);
}

static run_result br_run(http_decoder *d, span *input) {
    size_t in_left = input->len, out_left = PIECE_BYTES;
    const uint8_t *in = (const uint8_t *)input->ptr;
    uint8_t *out = (uint8_t *)d->piece;
    BrotliDecoderResult said =
        BrotliDecoderDecompressStream(d->br, &in_left, &in, &out_left, &out, NULL);
    take(input, input->len - in_left);
    d->made = PIECE_BYTES - out_left;
    if (said == BROTLI_DECODER_RESULT_SUCCESS) return RUN_END;
    return said == BROTLI_DECODER_RESULT_ERROR ? RUN_BAD : RUN_ON;
}

static const coding_ops br_ops = {br_run, never_again, br_close};

/* ---- zstd ---- */

static void zstd_open(http_decoder *d) {
    d->zstd.stream = ZSTD_createDStream();
    if (!d->zstd.stream) abort(); /* as mem_alloc() */
    (void)ZSTD_DCtx_setParameter(d->zstd.stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_MAX);
}

static void zstd_close(http_decoder *d) {
    (void)ZSTD_freeDStream(d->zstd.stream);
}

static run_result zstd_feed(http_decoder *d, span *input) {
    ZSTD_inBuffer in = {input->ptr, input->len, 0};
    ZSTD_outBuffer out = {d->piece, PIECE_BYTES, 0};
    size_t said = ZSTD_decompressStream(d->zstd.stream, &out, &in);
    take(input, in.pos);
    d->made = out.pos;
    if (ZSTD_isError(said)) return RUN_BAD;
    return said == 0 ? RUN_END : RUN_ON;
}

/* A frame, or one to be skipped. The library may know forms from before the standard as well, whose
 * readers nobody has looked at since. */
static bool is_standard(const unsigned char magic[ZSTD_MAGIC_BYTES]) {
    static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd}, skipped[] = {0x2a, 0x4d, 0x18};
    return memcmp(magic, frame, sizeof frame) == 0 ||
           ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, skipped, sizeof skipped) == 0);
}

static run_result zstd_run(http_decoder *d, span *input) {
    if (d->zstd.magic_len < ZSTD_MAGIC_BYTES) {
        for (; input->len && d->zstd.magic_len < ZSTD_MAGIC_BYTES; take(input, 1))
            d->zstd.magic[d->zstd.magic_len++] = (unsigned char)input->ptr[0];
        if (d->zstd.magic_len < ZSTD_MAGIC_BYTES) return RUN_ON;
        span magic = span_from((const char *)d->zstd.magic, ZSTD_MAGIC_BYTES);
        if (!is_standard(d->zstd.magic) || zstd_feed(d, &magic) != RUN_ON) return RUN_BAD;
    }
    return zstd_feed(d, input);
}

static bool zstd_again(http_decoder *d) {
    d->zstd.magic_len = 0;
    return true;
}

static const coding_ops zstd_ops = {zstd_run, zstd_again, zstd_close};

/* ---- any of them ---- */

static const struct {
    span name;
    http_coding coding;
} names[] = {
    {SPAN("gzip"), HTTP_CODING_GZIP}, {SPAN("x-gzip"), HTTP_CODING_GZIP},
    {SPAN("br"), HTTP_CODING_BR},     {SPAN("deflate"), HTTP_CODING_DEFLATE},
    {SPAN("zstd"), HTTP_CODING_ZSTD}, {SPAN("identity"), HTTP_CODING_NONE},
};

static http_coding coding_named(span name) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_ieq(name, names[i].name)) return names[i].coding;
    return HTTP_CODING_UNKNOWN;
}

const char *http_coding_name(http_coding coding) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].coding == coding) return names[i].name.ptr;
    return "unknown";
}

http_coding http_coding_of(http_headers headers) {
    http_coding found = HTTP_CODING_NONE;
    for (size_t i = 0; i < headers.count; i++) {
        if (!span_ieq(headers.items[i].name, SPAN_OF("content-encoding"))) continue;
        span rest = headers.items[i].value;
        for (span item; span_cut(&rest, ',', &item);) {
            item = span_trim(item);
            http_coding one = item.len ? coding_named(item) : HTTP_CODING_NONE;
            if (one == HTTP_CODING_NONE) continue;
            found = found == HTTP_CODING_NONE ? one : HTTP_CODING_UNKNOWN;
        }
    }
    return found;
}

http_decoder *http_decoder_new(http_coding coding) {
    http_decoder *d = mem_alloc(sizeof *d);
    memset(d, 0, offsetof(http_decoder, piece));
    switch (coding) {
    case HTTP_CODING_BR:
        d->ops = &br_ops;
        d->br = BrotliDecoderCreateInstance(br_alloc, br_free, NULL);
        break;
    case HTTP_CODING_ZSTD:
        d->ops = &zstd_ops;
        zstd_open(d);
        break;
    case HTTP_CODING_DEFLATE:
        d->ops = &deflate_ops;
        zlib_open(d, ZLIB_WINDOW);
        break;
    default: d->ops = &gzip_ops; zlib_open(d, ZLIB_WINDOW + ZLIB_GZIP);
    }
    return d;
}

void http_decoder_free(http_decoder *d) {
    if (!d) return;
    d->ops->close(d);
    free(d);
}

static bool is_dense(const http_decoder *d) {
    return d->out > HTTP_DECODE_SLACK && (d->out - HTTP_DECODE_SLACK) / HTTP_DECODE_RATIO > d->in;
}

static http_decode_result die(http_decoder *d, http_decode_result how) {
    return d->dead = how;
}

/* A run that neither takes nor makes anything although it could would be made for ever. */
static bool is_stuck(const http_decoder *d, size_t before, size_t after) {
    return before && before == after && !d->made && d->open;
}

http_decode_result http_decode(http_decoder *d, span *input, span *ret_piece) {
    while (d->dead == HTTP_DECODE_MORE && (input->len || d->full)) {
        if (!d->open && d->in && !d->ops->again(d)) return die(d, HTTP_DECODE_BAD);
        size_t before = input->len;
        d->made = 0;
        run_result ran = d->ops->run(d, input);
        d->in += before - input->len;
        d->out += d->made;
        d->open = ran == RUN_ON;
        d->full = d->open && d->made == PIECE_BYTES;
        if (ran == RUN_BAD || is_stuck(d, before, input->len)) return die(d, HTTP_DECODE_BAD);
        if (is_dense(d)) return die(d, HTTP_DECODE_DENSE);
        if (d->made) {
            *ret_piece = span_from(d->piece, d->made);
            return HTTP_DECODE_PIECE;
        }
    }
    return d->dead;
}

bool http_decoder_is_full(const http_decoder *d) {
    return d->dead == HTTP_DECODE_MORE && d->full;
}

bool http_decoder_complete(const http_decoder *d) {
    return d->dead == HTTP_DECODE_MORE && !d->open;
}
