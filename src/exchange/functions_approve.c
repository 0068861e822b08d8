/* Whether the calls of an answer may be made, where their tools want somebody to be asked: an
 * operator's URL, here; whoever asks the run, in functions_pause.c. All of an answer's calls wait
 * until it is known of each, so that a run which has to wait has begun none of them. */
#include "exchange/functions.h"

static bool may_wait(const functions_run *r) {
    return r->x->env->runs && !r->mixed;
}

bool functions_needs_word(const functions_call *c) {
    if (!c->tool || c->said->handed) return false;
    return c->word == WORD_LATER || tool_asks_approval(c->tool);
}

/* A client that was asked has said so already; an answer of "later" is another question. */
static bool must_wait(const functions_run *r) {
    bool wait = false;
    for (size_t i = 0; i < r->call_count; i++) {
        const functions_call *c = &r->calls[i];
        wait |= c->word == WORD_LATER || (!r->resume && functions_needs_word(c));
    }
    return wait && may_wait(r);
}

static void go_on(functions_run *r) {
    if (must_wait(r))
        functions_pause(r);
    else if (r->resume)
        functions_claim(r);
    else
        functions_make_calls(r);
}

/* ---- an operator's URL ---- */

static call_word word_of(const functions_run *r, approval_answer answer) {
    const bool asks = exchange_config(r->x)->functions.approval.failed == APPROVAL_ASKS;
    if (answer == APPROVAL_GIVEN) return WORD_YES;
    const bool later = answer == APPROVAL_LATER || (answer == APPROVAL_FAILED && asks);
    return later && may_wait(r) ? WORD_LATER : WORD_NO;
}

static void on_answer(approval_waiter *w, const approval_result *result) {
    functions_call *c = CONTAINER_OF(w, functions_call, approver);
    functions_run *r = c->run;
    c->asking = NULL;
    approvals_note(r->x, c->tool, result);
    c->word = word_of(r, result->answer);
    if (c->word == WORD_NO) approvals_write_why(result, &c->text);
    if (--r->words_wanted == 0) go_on(r);
}

static bool is_denied(const functions_run *r, const functions_call *c) {
    return r->resume && functions_said(r, c->said->id).type == JSON_FALSE;
}

static bool is_confirmed(const functions_run *r, const functions_call *c) {
    return r->resume && functions_said(r, c->said->id).type == JSON_TRUE;
}

static bool is_wanted(const functions_run *r, const functions_call *c) {
    if (!c->tool || c->said->handed || is_denied(r, c)) return false;
    return approvals_wanted(c->tool, c->said->arguments);
}

void functions_seek_words(functions_run *r) {
    r->words_wanted = 0;
    for (size_t i = 0; i < r->call_count; i++) {
        functions_call *c = &r->calls[i];
        if (!is_wanted(r, c)) continue;
        c->approver.done = on_answer;
        c->asking = approvals_ask(r->x, c->tool, c->said->id, c->said->arguments,
                                  is_confirmed(r, c), r->due_ms, &c->approver);
        r->words_wanted++;
    }
    if (!r->words_wanted) go_on(r);
}

void functions_drop_asking(functions_call *c) {
    if (c->asking) approval_cancel(c->asking);
    c->asking = NULL;
}

/* ---- of one call, when all is known ---- */

/* Arguments that do not fit were asked about with nobody, and are refused where the call begins. */
static bool is_approved(const functions_run *r, const functions_call *c) {
    switch (tool_approval(c->tool)) {
    case CONFIG_APPROVE_OFF: return true;
    case CONFIG_APPROVE_ASK: return is_confirmed(r, c);
    case CONFIG_APPROVE_WEBHOOK:
        return c->word == WORD_YES || (c->word == WORD_NONE && !is_denied(r, c) &&
                                       !tool_would_start(c->tool, c->said->arguments));
    }
    return false;
}

bool functions_may_call(const functions_run *r, functions_call *c) {
    if (is_approved(r, c)) return true;
    if (!c->text.len) buf_add_cstr(&c->text, "the call was not approved");
    return false;
}
