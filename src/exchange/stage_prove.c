/* prove: that what was asked and answered can be shown later to be what it was. Of a large body
 * another thread makes the sum, where it is parsed (parse_large.c).
 *
 * The second row makes what the trail keeps (audit/trail.h) of it.
 */
#include "exchange/internal.h"
#include "exchange/keep.h"
#include "exchange/proof.h"

stage_result stage_prove(exchange *x) {
    exchange_proof *p = arena_zalloc(&x->arena, sizeof *p);
    p->answer = sha256_stream_new();
    if (!parse_is_large(x)) {
        sha256(x->request->body, p->prompt);
        p->has_prompt = true;
    }
    x->proof = p;
    return STAGE_NEXT;
}

void stage_prove_done(exchange *x) {
    if (x->proof) sha256_stream_free(x->proof->answer);
    x->proof = NULL;
}

stage_result stage_proof(exchange *x) {
    exchange_proof *p = x->proof;
    char prompt[SHA256_HEX_LEN + 1], answer[SHA256_HEX_LEN + 1];
    unsigned char sum[SHA256_LEN];
    if (!p) return STAGE_NEXT;
    const unsigned char *asked = p->has_prompt                  ? p->prompt
                                 : x->large && x->large->proven ? x->large->sha256
                                                                : NULL;
    if (asked) hex_encode(asked, SHA256_LEN, prompt);
    sha256_stream_end(p->answer, sum);
    p->answer = NULL;
    hex_encode(sum, SHA256_LEN, answer);
    buf text = BUF_EMPTY;
    if (asked) buf_addf(&text, "\"prompt_sha256\":\"%s\",", prompt);
    buf_addf(&text, "\"answer_sha256\":\"%s\"", answer);
    if (p->bodies) kept_bodies_write(p->bodies, &text);
    x->record.proof = arena_dup(&x->arena, buf_span(&text));
    buf_done(&text);
    return STAGE_NEXT;
}
