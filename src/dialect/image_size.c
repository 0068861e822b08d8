#include "dialect/image_size.h"

/* ---- the file's bytes, one after the other ---- */

typedef struct file {
    json_pieces text; /* base64 */
    span piece;
    uint32_t bits;
    unsigned count; /* of bits */
    size_t read;
    bool over;
} file;

static int next_char(file *f) {
    while (!f->piece.len)
        if (!json_next_piece(&f->text, &f->piece)) return -1;
    unsigned char c = (unsigned char)f->piece.ptr[0];
    f->piece = span_slice(f->piece, 1, f->piece.len);
    return c;
}

/* URLs in either alphabet. */
static int digit_of(int c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* 0 where there are no more, or no base64: then the file is over. */
static unsigned next_byte(file *f) {
    f->over |= f->read++ >= IMAGE_HEAD_MAX;
    while (f->count < 8 && !f->over) {
        int digit = digit_of(next_char(f));
        f->over = digit < 0;
        f->bits = f->bits << 6 | (uint32_t)(digit & 0x3F);
        f->count += 6;
    }
    if (f->over) return 0;
    f->count -= 8;
    return f->bits >> f->count & 0xFF;
}

static void skip(file *f, size_t n) {
    while (n-- && !f->over)
        (void)next_byte(f);
}

static uint32_t big(file *f, int bytes) {
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | next_byte(f);
    return value;
}

static uint32_t little(file *f, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= next_byte(f) << 8 * i;
    return value;
}

/* ---- formats: each from behind the two bytes that tell it; 0 by 0 where there is no size ---- */

typedef struct size {
    uint32_t width, height;
} size;

static size read_png(file *f) {
    skip(f, 14); /* the rest of the signature, IHDR's length and type */
    uint32_t width = big(f, 4);
    return (size){width, big(f, 4)};
}

static size read_gif(file *f) {
    skip(f, 4);
    uint32_t width = little(f, 2);
    return (size){width, little(f, 2)};
}

static bool is_frame(unsigned marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/* Segments, until the one that begins a frame. */
static size read_jpeg(file *f) {
    while (!f->over) {
        unsigned marker = next_byte(f);
        while (marker == 0xFF) /* before a marker, and to fill up */
            marker = next_byte(f);
        uint32_t length = big(f, 2);
        if (marker < 0xC0 || marker == 0xDA || length < 2) break;
        if (!is_frame(marker)) {
            skip(f, length - 2);
            continue;
        }
        skip(f, 1); /* bits of a sample */
        uint32_t height = big(f, 2);
        return (size){big(f, 2), height};
    }
    return (size){0, 0};
}

/* RIFF, of one of three kinds. */
static size read_webp(file *f) {
    enum { WEBP = 0x57454250, VP8 = 0x565038, SIDE = 0x3FFF };
    skip(f, 6);
    if (big(f, 4) != WEBP || big(f, 3) != VP8) return (size){0, 0};
    unsigned kind = next_byte(f);
    skip(f, 4); /* the chunk's length */
    if (kind == ' ') {
        skip(f, 6); /* the frame's tag and start code */
        uint32_t width = little(f, 2) & SIDE;
        return (size){width, little(f, 2) & SIDE};
    }
    if (kind == 'L') {
        skip(f, 1); /* its signature */
        uint32_t bits = little(f, 4);
        return (size){(bits & SIDE) + 1, (bits >> 14 & SIDE) + 1};
    }
    if (kind != 'X') return (size){0, 0};
    skip(f, 4); /* flags */
    uint32_t width = little(f, 3) + 1;
    return (size){width, little(f, 3) + 1};
}

static const struct {
    unsigned begins;
    size (*read)(file *f);
} formats[] = {{0x8950, read_png}, {0x4749, read_gif}, {0xFFD8, read_jpeg}, {0x5249, read_webp}};

/* Behind `data:image/…;base64,`. */
static bool open_file(file *f, json_value url) {
    char head[128];
    size_t n = 0;
    *f = (file){.text = json_pieces_of(url)};
    for (int c; (c = next_char(f)) != ',';) {
        if (c < 0 || n == sizeof head) return false;
        head[n++] = (char)c;
    }
    span said = span_from(head, n);
    return span_istarts(said, SPAN_OF("data:")) && span_ends(said, SPAN_OF(";base64"));
}

bool image_size_read(json_value url, unsigned *ret_width, unsigned *ret_height) {
    file f;
    if (url.type != JSON_STRING || !open_file(&f, url)) return false;
    unsigned begins = big(&f, 2);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].begins != begins) continue;
        size found = formats[i].read(&f);
        if (f.over || !found.width || !found.height) return false;
        *ret_width = found.width;
        *ret_height = found.height;
        return true;
    }
    return false;
}
