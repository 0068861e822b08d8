/* What an attempt tells about the key that it was made with, and what a key's failure is to the
 * call: a reason to ask with another one, a wait, or weir's own trouble with its provider.
 */
#include "call/internal.h"
#include "call/pick_key.h"

static upstream_key *key_of(const lane *l) {
    return &lane_slot(l)->upstream->keys[l->key];
}

static bool is_of_key(const failure *f) {
    return f->class == FAIL_LIMIT || f->class == FAIL_KEY;
}

/* ---- what is known of it ---- */

static void log_key(const lane *l, config_log_level level, const char *event, span text,
                    const failure *f) {
    call *c = l->call;
    arena *a = c->spec.arena;
    const log_field fields[] = {{"target", lane_slot(l)->name},
                                {"key", arena_printf(a, "%zu", l->key + 1)},
                                {"status", f ? arena_printf(a, "%d", f->status) : SPAN_EMPTY},
                                {"code", f ? f->code : SPAN_EMPTY}};
    log_event(c->spec.log, level, event, text, fields, f ? ARRAY_LEN(fields) : 2);
}

/* The call itself asks with it no more until it has waited, whatever others may do. */
static void spend(const lane *l) {
    slot *s = lane_slot(l);
    size_t count = s->upstream->key_count;
    if (count == 1) return;
    if (!s->spent) s->spent = arena_zalloc(l->call->spec.arena, count * sizeof *s->spent);
    s->spent[l->key] = true;
}

void lane_report_key(const lane *l, const failure *f) {
    if (!is_of_key(f)) return;
    int64_t now_ms = call_now_ms(l->call);
    key_state *k = key_of(l)->state;
    spend(l);
    if (f->class == FAIL_LIMIT)
        target_limit(lane_slot(l)->state, k, f->hint.after_ms, now_ms);
    else if (key_refused(k, f->status, f->code, l->call->spec.client, now_ms))
        log_key(l, LEVEL_WARN, "provider_refused",
                SPAN_OF("The provider refuses a key; other keys and targets are asked first."), f);
}

void lane_report_key_taken(const lane *l) {
    if (key_accepted(key_of(l)->state))
        log_key(l, LEVEL_INFO, "provider_accepted",
                SPAN_OF("The provider takes a key again that it has refused."), NULL);
}

/* ---- what follows ---- */

bool lane_turns_key(const lane *l, const failure *f) {
    slot *s = lane_slot(l);
    if (!is_of_key(f) || s->keys + 1 >= s->upstream->key_count) return false;
    key_outlook left = keys_look(s->upstream, s->spent, s->state, call_now_ms(l->call));
    if (left.readiness != KEY_FREE) return false;
    s->keys++;
    return true;
}

/* 402, 429 and an exhausted quota are about money, and no secret. */
static bool is_of_money(const failure *f) {
    return f->status == 402 || f->status == 429 || span_eq(f->code, SPAN_OF("insufficient_quota"));
}

/* That the provider refuses weir's key is no affair of the client's, and the provider's words about
 * it may quote it. */
static failure refused(const lane *l, const failure *f) {
    weir_error e = error_of(ERR_PROVIDER_REFUSED);
    e.message =
        arena_printf(l->call->spec.arena, "The provider %.*s %s (status %d).",
                     SPAN_ARG(lane_slot(l)->upstream->provider->name),
                     key_of(l)->credential ? "refuses the key that it is sent"
                                           : "asks for a key, and none is configured for it",
                     f->status);
    failure ours = failure_of(&e);
    ours.class = f->class;
    ours.refused_with = f->status;
    ours.request_id = f->request_id;
    ours.hint = f->hint;
    return ours;
}

failure lane_told(const lane *l, const failure *f) {
    if (!is_of_key(f)) return *f;
    const slot *s = lane_slot(l);
    int64_t wait_ms = keys_wait_ms(s->upstream, l->key, s->state, call_now_ms(l->call));
    if (f->class == FAIL_LIMIT) {
        failure limited = *f;
        if (wait_ms < f->hint.after_ms) limited.hint.after_ms = wait_ms;
        return limited;
    }
    /* Another key is only at its limit: that is what the call has met. */
    if (wait_ms != KEY_NEVER) return lane_limited(wait_ms);
    if (is_of_money(f) || f->error != ERR_PROVIDER_ERROR) return *f;
    return refused(l, f);
}
