#include "alert/note.h"

#include <string.h>

/* What stands before a note's texts. It stays in this process: as the compiler lays it out. */
typedef struct note_head {
    int64_t at_ms, cost_nano, expires_us;
    uint64_t request;
    bool failed, step, refused;
    unsigned char texts[5]; /* their lengths */
    unsigned char budgets;
} note_head;

typedef struct budget_head {
    uint64_t subject;
    int64_t amount;
    unsigned char scope, per, text;
} budget_head;

static unsigned char put_length(span s) {
    return (unsigned char)(s.len < NOTE_TEXT_MAX ? s.len : NOTE_TEXT_MAX);
}

static void put_text(span s, buf *out) {
    buf_add(out, span_slice(s, 0, put_length(s)));
}

void note_put(const alert_note *n, buf *out) {
    const span texts[] = {n->client, n->address, n->model, n->label, n->guard};
    note_head h = {.at_ms = n->at_ms,
                   .cost_nano = n->cost_nano,
                   .expires_us = n->expires_us,
                   .request = n->request,
                   .failed = n->failed,
                   .step = n->step,
                   .refused = n->refused,
                   .budgets = (unsigned char)n->budget_count};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        h.texts[i] = put_length(texts[i]);
    buf_add(out, span_from((const char *)&h, sizeof h));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        put_text(texts[i], out);
    for (unsigned i = 0; i < n->budget_count; i++) {
        const note_budget *b = &n->budgets[i];
        const budget_head bh = {b->subject, b->amount, (unsigned char)b->scope,
                                (unsigned char)b->per, put_length(b->who)};
        buf_add(out, span_from((const char *)&bh, sizeof bh));
        put_text(b->who, out);
    }
}

/* So many bytes off its beginning; the writer is this file's, so they are there. */
static span cut(span *rest, size_t len) {
    const span s = span_slice(*rest, 0, len);
    *rest = span_slice(*rest, len, rest->len);
    return s;
}

bool note_take(span *rest, alert_note *ret) {
    note_head h;
    if (rest->len < sizeof h) return false;
    memcpy(&h, cut(rest, sizeof h).ptr, sizeof h);
    *ret = (alert_note){.at_ms = h.at_ms,
                        .cost_nano = h.cost_nano,
                        .expires_us = h.expires_us,
                        .request = h.request,
                        .failed = h.failed,
                        .step = h.step,
                        .refused = h.refused,
                        .budget_count = h.budgets};
    span *const texts[] = {&ret->client, &ret->address, &ret->model, &ret->label, &ret->guard};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = cut(rest, h.texts[i]);
    for (unsigned i = 0; i < h.budgets; i++) {
        budget_head b;
        memcpy(&b, cut(rest, sizeof b).ptr, sizeof b);
        ret->budgets[i] = (note_budget){.scope = (limit_scope)b.scope,
                                        .per = (config_period)b.per,
                                        .amount = b.amount,
                                        .subject = b.subject,
                                        .who = cut(rest, b.text)};
    }
    return true;
}
