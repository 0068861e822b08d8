/* The runner: keeps as many calls under way as the client allows, and writes what they come to. */
#include "base/list.h"
#include "base/mem.h"
#include "batch/files.h"
#include "batch/refusals.h"
#include "batch/results.h"
#include "batch/source.h"
#include "batch/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_SHOWN_MAX = 80,                 /* bytes of a custom_id in a note */
    NOTES_MAX = 10,                    /* failures that are told one by one */
    READS_A_STEP = 16,                 /* chunks; so that calls are heard in between */
    PENDING_MAX = 4 * 1024 * 1024,     /* bytes of results that wait for their reader */
    BODIES_MAX = 256 * 1024 * 1024,    /* bytes of requests under way */
    AHEAD_MAX = 1024,                  /* lines that wait while their targets rest … */
    AHEAD_BYTES_MAX = 8 * 1024 * 1024, /* … and others may not */
    OUTPUT_PAUSE_MAX_MS = 64,          /* a pipe that is full is looked at again, ever later */
    BODY_FRAME = 4096,                 /* what a prompt gets around it to be a request */
};

typedef enum batch_state {
    BATCH_RUNS,
    BATCH_STOPPING, /* takes no more lines */
    BATCH_CANCELS,  /* and waits for no answers */
} batch_state;

struct batch {
    weir_client *client;
    unsigned concurrency;
    files files;
    marks marks;
    source source;
    tally tally;
    batch_state state;
    bool restarts;  /* so would the same command */
    bool all_taken; /* the source has ended */
    bool hungry;    /* it wants to be read, and there is room for what comes */
    bool moved;     /* failures stand among the answers, in their places */
    list calls;
    size_t bodies; /* bytes of their requests */
    int64_t output_pause_ms;
    batch_counts counts;
    refusals refusals;
    uint64_t begun;       /* calls of this run */
    unsigned noted;       /* failures that were told */
    unsigned tried_again; /* for what so was told: bits of weir_code */
    buf notes;
    buf why; /* what stopped it; empty: nothing, or its owner */
};

/* A line that is asked. */
typedef struct asked {
    list node;
    batch *batch;
    weir_call *call;
    result_of of;
    uint64_t number; /* of this run's calls, from 1 */
    size_t body_len;
    bool own_model; /* the line names it */
    bool id_made;   /* by weir */
    char custom_id[];
} asked;

/* ---- opening ---- */

void batch_set_options(weir_options *options, unsigned concurrency, unsigned retries,
                       size_t max_line) {
    static const struct {
        const char *path, *value;
    } patient[] = {
        /* One call's patience is the batch's: no budget over all of them, no target left alone. */
        {"retry.budget", "1000%"},
        {"retry.budget_floor", "100000"},
        {"breaker", "off"},
        /* A plain answer says nothing until it is whole, which may take minutes. */
        {"timeouts.first_byte", "10m"},
        {"timeouts.total", "1h"},
    };
    char number[32];
    weir_options_set_concurrency(options, concurrency);
    weir_options_set_adaptive(options, 1);
    for (size_t i = 0; i < ARRAY_LEN(patient); i++)
        weir_options_set(options, patient[i].path, patient[i].value);
    (void)snprintf(number, sizeof number, "%u", retries);
    weir_options_set(options, "retry.retries", number);
    (void)snprintf(number, sizeof number, "%zuB", max_line + BODY_FRAME);
    weir_options_set(options, "limits.body", number);
}

batch *batch_open(const batch_settings *settings, buf *ret_why) {
    batch *b = mem_zalloc(sizeof *b);
    list_init(&b->calls);
    refusals_init(&b->refusals);
    marks_init(&b->marks);
    bool ok = files_open(&b->files, settings, false, &b->marks, ret_why);
    source_init(&b->source, b->files.in, b->files.in_name, &settings->rules, settings->max_line,
                &b->marks);
    b->source.limit = settings->limit;
    tally_init(&b->tally, settings->tally ? b->files.in : -1, b->files.in_name, &settings->rules);
    b->restarts = settings->mode == RESUME_RESTART;
    b->counts.before = b->files.found.answers + b->files.found.failures;
    b->counts.failed_before = b->files.found.failures;
    if (ok) return b;
    batch_free(b);
    return NULL;
}

static void asked_free(asked *a) {
    list_remove(&a->node);
    weir_call_free(a->call);
    free(a);
}

void batch_free(batch *b) {
    if (!b) return;
    LIST_FOREACH(&b->calls, it) asked_free(LIST_ENTRY(it, asked, node));
    tally_done(&b->tally);
    source_done(&b->source);
    marks_done(&b->marks);
    files_done(&b->files);
    refusals_done(&b->refusals);
    buf_done(&b->notes);
    buf_done(&b->why);
    free(b);
}

const resume_found *batch_found(const batch *b) {
    return &b->files.found;
}

const char *batch_output_name(const batch *b) {
    return b->files.view.wanted ? b->files.view.path : b->files.out.answers.path;
}

const char *batch_record_name(const batch *b) {
    return b->files.out.answers.path;
}

const char *batch_errors_name(const batch *b) {
    const sink *failures = &b->files.out.failures;
    return failures->fd >= 0 && !b->moved ? failures->path : batch_output_name(b);
}

bool batch_keeps_results(const batch *b) {
    return b->files.out.answers.regular && !b->files.out.answers.unnamed;
}

bool batch_keeps_failures(const batch *b) {
    const sink *failures = &b->files.out.failures;
    return batch_keeps_results(b) && (failures->fd < 0 || failures->regular);
}

const char *batch_how_to_go_on(const batch *b) {
    return b->restarts ? "run the same command without --restart" : "run the same command again";
}

/* ---- results ---- */

/* What the provider answered in its own words, be it a refusal, is handed on so; for the rest the
 * library's words stand. */
static bool is_response(const weir_result *r) {
    return r->code == WEIR_OK || (r->status >= 400 && r->body_len > 0);
}

static void write_result(buf *out, const result_of *of, const weir_result *r) {
    if (!is_response(r)) {
        result_write_error(out, of, span_cstr(weir_code_name(r->code)),
                           span_cstr(r->error_message));
        return;
    }
    const char *id = r->provider_request_id ? r->provider_request_id : r->request_id;
    result_write_response(out, of, r->status, span_cstr(id), span_from(r->body, r->body_len));
}

/* The first failures are told at once: often one word of the provider's explains them all. */
static void note_failure(batch *b, span sentence) {
    b->noted++;
    if (b->noted <= NOTES_MAX) {
        buf_add(&b->notes, sentence);
        buf_add_char(&b->notes, '\n');
    } else if (b->noted == NOTES_MAX + 1) {
        buf_addf(&b->notes, "more failures are not told here, but in %s\n", batch_errors_name(b));
    }
}

static void take_answer(batch *b, const asked *a, const weir_result *r) {
    b->counts.failed +=
        refusals_answered(&b->refusals, a->number, outputs_for(&b->files.out, true));
    write_result(outputs_for(&b->files.out, false), &a->of, r);
    b->counts.answered++;
}

/* As the input has it, which often says more than the number. */
static void note_id(buf *note, span custom_id) {
    buf_add_cstr(note, " (");
    buf_add_excerpt(note, custom_id, ID_SHOWN_MAX);
    buf_add_char(note, ')');
}

static void take_failure(batch *b, const result_of *of, bool id_made, const weir_result *r) {
    buf note = BUF_EMPTY;
    write_result(outputs_for(&b->files.out, true), of, r);
    b->counts.failed++;
    buf_addf(&note, "line %" PRIu64, of->line);
    if (!id_made) note_id(&note, of->custom_id);
    buf_addf(&note, ": %s: ", weir_code_name(r->code));
    buf_add_excerpt(&note, span_cstr(r->error_message), REFUSAL_SHOWN_MAX);
    note_failure(b, buf_span(&note));
    buf_done(&note);
}

static void take_refusal(batch *b, const result_of *of, const weir_result *r) {
    refusals_note(&b->refusals, r, b->begun);
    write_result(&b->refusals.results, of, r);
}

static void take_result(batch *b, const asked *a, const weir_result *r) {
    if (r->total_tokens > 0) b->counts.tokens += r->total_tokens;
    if (r->code == WEIR_CANCELLED) return; /* it stays undone, for the next run */
    if (r->code == WEIR_OK)
        take_answer(b, a, r);
    else if (refusal_is_general(r, a->own_model))
        take_refusal(b, &a->of, r);
    else
        take_failure(b, &a->of, a->id_made, r);
}

static void on_done(void *user, weir_result *result) {
    asked *a = user;
    batch *b = a->batch;
    take_result(b, a, result);
    b->counts.under_way--;
    b->bodies -= a->body_len;
    asked_free(a);
    weir_result_free(result);
}

/* "line 3 ("a"): …" */
static void note_bad_line(batch *b, const result_of *of, const item *it) {
    buf note = BUF_EMPTY;
    size_t colon = span_find(it->message, 0, ':');
    buf_add(&note, span_slice(it->message, 0, colon));
    if (of->custom_id.len && !it->id_made) note_id(&note, of->custom_id);
    buf_add(&note, span_slice(it->message, colon, it->message.len));
    note_failure(b, buf_span(&note));
    buf_done(&note);
}

static void refuse(batch *b, const result_of *of, const item *it) {
    b->counts.failed++;
    result_write_bad_line(outputs_for(&b->files.out, true), of,
                          span_cstr(item_problem_code(it->problem)), it->message);
    note_bad_line(b, of, it);
}

/* NULL: the progress says enough of it, "slowed to 2 at a time". */
static const char *why_again(weir_code code) {
    switch (code) {
    case WEIR_UNREACHABLE: return "there is no connection";
    case WEIR_PROVIDER: return "the provider fails";
    default: return NULL;
    }
}

/* With so much patience nothing is seen to happen for minutes: the first time it is said why. */
static int on_wait(void *user, const weir_wait *wait) {
    batch *b = user;
    const char *why = why_again(wait->code);
    if (!why || b->tried_again >> wait->code & 1u) return 0;
    b->tried_again |= 1u << wait->code;
    buf_add_excerpt(&b->notes, span_cstr(wait->target), REFUSAL_SHOWN_MAX);
    buf_addf(&b->notes, ": %s", why);
    if (wait->status) buf_addf(&b->notes, " (status %d)", wait->status);
    buf_add_cstr(&b->notes, "; each line is asked again, ever later (--retries)\n");
    return 0;
}

static void ask(batch *b, const result_of *of, const item *it) {
    asked *a = mem_alloc(sizeof *a + of->custom_id.len);
    *a = (asked){.batch = b,
                 .of = *of,
                 .body_len = it->body.len,
                 .own_model = it->model.len,
                 .id_made = it->id_made,
                 .number = ++b->begun};
    memcpy(a->custom_id, of->custom_id.ptr, of->custom_id.len);
    a->of.custom_id = span_from(a->custom_id, of->custom_id.len);
    weir_request *request = weir_request_new();
    weir_request_set_path(request, it->path);
    weir_request_set_body(request, it->body.ptr, it->body.len);
    weir_request_set_on_wait(request, on_wait, b);
    list_push_back(&b->calls, &a->node);
    b->counts.under_way++;
    b->bodies += a->body_len;
    a->call = weir_start(b->client, request, NULL, on_done, a);
    weir_request_free(request);
}

static void take_line(batch *b) {
    const source *s = &b->source;
    result_of of = {s->line.number, s->line.mark, s->item.custom_id};
    if (s->item.problem == ITEM_GOOD)
        ask(b, &of, &s->item);
    else
        refuse(b, &of, &s->item);
}

/* ---- running ---- */

void batch_start(batch *b, weir_client *client, unsigned concurrency) {
    b->client = client;
    b->concurrency = concurrency;
    b->hungry = true;
    if (!resume_cut(&b->files.out, &b->files.found, &b->why)) batch_stop(b);
}

static void fail(batch *b) {
    if (b->state < BATCH_CANCELS) batch_cancel(b);
}

/* A target that is at its limit, or away, holds its own lines back, in the client. Others may stand
 * behind them. */
static bool may_look_ahead(const batch *b, unsigned waiting) {
    if (!waiting) return b->bodies < BODIES_MAX;
    return waiting < AHEAD_MAX && b->bodies < AHEAD_BYTES_MAX;
}

/* Where lines meet what every line would meet, no more are taken than may be asked. */
static unsigned count_waiting(const batch *b) {
    unsigned waiting = weir_client_waiting(b->client);
    if (b->refusals.count) return 0;
    return waiting < b->counts.under_way ? waiting : b->counts.under_way;
}

static bool has_room(const batch *b) {
    unsigned waiting = count_waiting(b);
    return b->counts.under_way - waiting < b->concurrency && may_look_ahead(b, waiting) &&
           !refusals_full(&b->refusals) && outputs_pending(&b->files.out) < PENDING_MAX;
}

/* Takes lines while there is room for them. */
static void take_lines(batch *b, bool readable) {
    b->hungry = false;
    for (unsigned reads = 0; has_room(b);) {
        switch (source_next(&b->source)) {
        case SOURCE_LINE: take_line(b); break;
        case SOURCE_MORE:
            b->hungry = true;
            if (!readable || reads++ == READS_A_STEP) return;
            source_read(&b->source);
            b->hungry = false;
            readable = b->files.in_regular; /* a file always is; a pipe is asked anew */
            break;
        case SOURCE_END: b->all_taken = true; return;
        case SOURCE_FAILED:
            buf_add(&b->why, buf_span(&b->source.why));
            batch_stop(b); /* what is under way may still come to something */
            return;
        }
    }
}

static void tell_write_error(batch *b, const sink *s) {
    if (!s->error || b->why.len) return;
    buf_addf(&b->why, "cannot write %s: %s", s->path, strerror(s->error));
    if (s->regular)
        buf_addf(&b->why, "; free some space and %s: it goes on where it stopped",
                 batch_how_to_go_on(b));
}

static void flush(batch *b) {
    size_t before = outputs_pending(&b->files.out);
    bool ok = outputs_flush(&b->files.out);
    if (outputs_pending(&b->files.out) < before || b->output_pause_ms == 0) b->output_pause_ms = 1;
    if (ok) return;
    tell_write_error(b, &b->files.out.answers);
    tell_write_error(b, &b->files.out.failures);
    fail(b);
}

/* All that were under way have ended, and some were refused as all would be. */
static bool is_unsettled(const batch *b) {
    return b->state == BATCH_RUNS && b->counts.under_way == 0 && b->refusals.count &&
           (b->all_taken || refusals_full(&b->refusals));
}

static void settle_refusals(batch *b) {
    if (b->counts.answered && !refusals_full(&b->refusals)) {
        b->counts.failed += refusals_release(&b->refusals, outputs_for(&b->files.out, true));
        return;
    }
    refusals_end(&b->refusals, batch_how_to_go_on(b), &b->why);
    batch_stop(b);
}

void batch_step(batch *b, bool readable) {
    if (b->output_pause_ms < OUTPUT_PAUSE_MAX_MS) b->output_pause_ms *= 2;
    flush(b); /* first: where nothing can be written, nothing more is asked */
    if (b->state == BATCH_RUNS && !b->all_taken) take_lines(b, readable);
    if (is_unsettled(b)) settle_refusals(b);
    flush(b);
    if (tally_wanted(&b->tally)) tally_step(&b->tally);
}

int batch_input(const batch *b) {
    return b->state == BATCH_RUNS && b->hungry ? b->files.in : -1;
}

static bool output_waits(const batch *b) {
    return outputs_pending(&b->files.out) > 0 && !b->files.out.answers.error &&
           !b->files.out.failures.error;
}

int64_t batch_timeout_ms(const batch *b) {
    /* A line was refused, or has been answered at once: there may be room again. */
    bool more = b->state == BATCH_RUNS && !b->all_taken && !b->hungry && has_room(b);
    if (more || is_unsettled(b) || tally_wanted(&b->tally) || batch_ended(b)) return 0;
    return output_waits(b) ? b->output_pause_ms : -1;
}

/* What was only taken beforehand is left to the next run. */
void batch_stop(batch *b) {
    if (b->state != BATCH_RUNS) return;
    b->state = BATCH_STOPPING;
    LIST_FOREACH(&b->calls, it) {
        weir_call *call = LIST_ENTRY(it, asked, node)->call;
        if (!weir_call_begun(call)) weir_call_cancel(call);
    }
}

void batch_cancel(batch *b) {
    b->state = BATCH_CANCELS;
    LIST_FOREACH(&b->calls, it) weir_call_cancel(LIST_ENTRY(it, asked, node)->call);
}

bool batch_ended(const batch *b) {
    if ((b->state == BATCH_RUNS && !b->all_taken) || is_unsettled(b)) return false;
    return b->counts.under_way == 0 && (b->state == BATCH_CANCELS || !output_waits(b));
}

/* ---- the account ---- */

batch_counts batch_count(const batch *b) {
    batch_counts counts = b->counts;
    LIST_FOREACH(&b->calls, it)
    counts.under_way -= !weir_call_begun(LIST_ENTRY(it, asked, node)->call);
    if (b->source.finished)
        counts.lines = b->source.seen;
    else if (b->tally.finished)
        counts.lines = b->tally.count;
    return counts;
}

bool batch_complete(const batch *b) {
    return b->all_taken && b->why.len == 0 &&
           b->counts.answered + b->counts.failed == b->source.told;
}

buf *batch_notes(batch *b) {
    return &b->notes;
}

/* A file is there when it is whole. Who reads a pipe gets what there is: nothing else has it. */
static bool shows_now(const batch *b) {
    if (!b->files.view.wanted) return false;
    return b->files.view.fd < 0 ? batch_complete(b) : !b->files.out.answers.error;
}

static void show(batch *b) {
    const view *v = &b->files.view;
    buf why = BUF_EMPTY;
    bool ok = view_write(v, &b->files.out, &why);
    b->moved = ok && v->to_record && !v->apart;
    if (!ok && !b->why.len) {
        buf_add(&b->why, buf_span(&why));
        if (batch_keeps_results(b))
            buf_addf(&b->why, "; the results are in %s", batch_record_name(b));
    }
    buf_done(&why);
}

bool batch_finish(batch *b, buf *ret_why) {
    flush(b);
    if (!outputs_sync(&b->files.out)) {
        tell_write_error(b, &b->files.out.answers);
        tell_write_error(b, &b->files.out.failures);
    }
    if (shows_now(b)) show(b);
    buf_add(ret_why, buf_span(&b->why));
    return b->why.len == 0;
}
