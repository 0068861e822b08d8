#include "http/coded.h"

#include "base/mem.h"

#include <stdlib.h>

/* The clock is asked once a turn has undone what an uncoded read would have brought, or gone
 * through what may take as long as that. Of what is quick, a turn undoes the MOST. */
enum {
    SLICE_BYTES = 64 * 1024,
    SLICE_MOST = 8 * SLICE_BYTES,
    SLICE_INPUT = 8 * 1024,
    SLICE_US = 1000,
    STEP_BYTES = 2 * 1024, /* of input that are gone through without a look */
};

struct http_coded {
    loop *loop;
    http_decoder *decoder;
    int64_t turn_us;  /* by its clock, the turn in which something was undone last */
    int64_t began_us; /* in it */
    size_t taken, made;
    bool enough; /* said: what comes next goes on, by whatever clock */
};

http_coded *http_coded_new(loop *l, http_coding coding) {
    http_coded *c = mem_zalloc(sizeof *c);
    c->loop = l;
    c->decoder = http_decoder_new(coding);
    return c;
}

void http_coded_free(http_coded *c) {
    if (!c) return;
    http_decoder_free(c->decoder);
    free(c);
}

static void begin_turn(http_coded *c) {
    if (c->turn_us == c->loop->now_us) return;
    c->turn_us = c->loop->now_us;
    c->began_us = loop_exact_us(c->loop);
    c->taken = c->made = 0;
}

static bool is_enough(const http_coded *c) {
    if (c->made >= SLICE_MOST) return true;
    return (c->made >= SLICE_BYTES || c->taken >= SLICE_INPUT) &&
           loop_exact_us(c->loop) - c->began_us >= SLICE_US;
}

static http_decode_result step(http_coded *c, span *input, span *ret_piece) {
    span some = span_slice(*input, 0, input->len < STEP_BYTES ? input->len : STEP_BYTES);
    size_t given = some.len;
    http_decode_result got = http_decode(c->decoder, &some, ret_piece);
    size_t took = given - some.len;
    *input = span_slice(*input, took, input->len);
    c->taken += took;
    if (got == HTTP_DECODE_PIECE) c->made += ret_piece->len;
    return got;
}

http_coded_result http_coded_take(http_coded *c, span *input, span *ret_piece) {
    begin_turn(c);
    for (;;) {
        bool left = input->len || http_decoder_is_full(c->decoder);
        c->enough = !c->enough && left && is_enough(c);
        if (c->enough) return HTTP_CODED_ENOUGH;
        switch (step(c, input, ret_piece)) {
        case HTTP_DECODE_PIECE: return HTTP_CODED_PIECE;
        case HTTP_DECODE_DENSE: return HTTP_CODED_DENSE;
        case HTTP_DECODE_BAD: return HTTP_CODED_BAD;
        case HTTP_DECODE_MORE:
            if (!input->len) return HTTP_CODED_MORE;
        }
    }
}

bool http_coded_is_whole(const http_coded *c) {
    return http_decoder_complete(c->decoder);
}
