#include "alert/note.h"

#include <string.h>

/* What stands before a note's texts. It stays in this process: as the compiler lays it out. */
typedef struct note_head {
    int64_t at_ms, cost_nano, expires_us;
    uint64_t request;
    uint16_t texts[5]; /* their lengths */
    bool failed, step, refused;
    unsigned char budgets, verdict;
} note_head;

typedef struct budget_head {
    uint64_t subject, since;
    int64_t amount;
    unsigned char scope, per, text;
} budget_head;

static span cut_text(span s, size_t most) {
    return span_slice(s, 0, s.len < most ? s.len : most);
}

void note_put(const alert_note *n, buf *out) {
    const span texts[] = {cut_text(n->client, NOTE_TEXT_MAX), cut_text(n->address, NOTE_TEXT_MAX),
                          cut_text(n->model, NOTE_TEXT_MAX), cut_text(n->label, NOTE_TEXT_MAX),
                          cut_text(n->guard, NOTE_GUARD_MAX)};
    note_head h = {.at_ms = n->at_ms,
                   .cost_nano = n->cost_nano,
                   .expires_us = n->expires_us,
                   .request = n->request,
                   .failed = n->failed,
                   .step = n->step,
                   .refused = n->refused,
                   .verdict = (unsigned char)n->verdict,
                   .budgets = (unsigned char)n->budget_count};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        h.texts[i] = (uint16_t)texts[i].len;
    buf_add(out, span_from((const char *)&h, sizeof h));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_add(out, texts[i]);
    for (unsigned i = 0; i < n->budget_count; i++) {
        const note_budget *b = &n->budgets[i];
        const span who = cut_text(b->who, NOTE_TEXT_MAX);
        const budget_head bh = {b->subject,
                                b->since,
                                b->amount,
                                (unsigned char)b->scope,
                                (unsigned char)b->per,
                                (unsigned char)who.len};
        buf_add(out, span_from((const char *)&bh, sizeof bh));
        buf_add(out, who);
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
                        .verdict = (config_alert_guard)h.verdict,
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
                                        .since = b.since,
                                        .who = cut(rest, b.text)};
    }
    return true;
}
