/* What a store of many calls costs: the importer's work for a call, by thread time, as the table
 * grows, and how long the questions take that are asked of it then.
 *
 *   ninja -C build bench/bench-store && build/bench/bench-store sqlite:/tmp/calls.db 10000000
 *
 * The store is made anew or added to; a run of 200 calls a day and less shows the same on any.
 */
#include "base/clock.h"
#include "ledger/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 512, DAYS = 30, MODELS = 24, CLIENTS = 40, ASKED = 200, PARTS = 10 };

static const int64_t day_us = (int64_t)86400 * 1000000;

static double now_us(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static unsigned draw(unsigned below) {
    static uint64_t seed = 7;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* ---- calls ---- */

typedef struct text {
    char bytes[64];
} text;

typedef struct made {
    rng random;
    int64_t first_us, step_us, at;
    text models[MODELS], targets[MODELS], clients[CLIENTS];
    attempt_record tries[BATCH];
    buf codes[BATCH]; /* of the tries */
    call_record records[BATCH];
    ledger_call calls[BATCH];
    char ids[ASKED][ID_LEN + 1]; /* of some that are in the store */
} made;

static void name_all(made *m) {
    for (int i = 0; i < MODELS; i++) {
        (void)snprintf(m->models[i].bytes, sizeof(text), "model-%d", i);
        (void)snprintf(m->targets[i].bytes, sizeof(text), "openai/model-%d-2026-01-15", i);
    }
    for (int i = 0; i < CLIENTS; i++)
        (void)snprintf(m->clients[i].bytes, sizeof(text), "client-%d", i);
}

static const span usage =
    SPAN("{\"prompt_tokens\":1204,\"completion_tokens\":318,\"total_tokens\":1522,"
         "\"prompt_tokens_details\":{\"cached_tokens\":1024,\"audio_tokens\":0},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":64,\"audio_tokens\":0,"
         "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}");

static void make_call(made *m, int i) {
    const unsigned model = draw(MODELS);
    const span target = span_cstr(m->targets[model].bytes);
    m->tries[i] = (attempt_record){.target = target,
                                   .outcome = "ok",
                                   .status = 200,
                                   .provider_request_id = SPAN("req_4f1c0a2b9d8e47c6"),
                                   .usage = {.prompt = 1204,
                                             .completion = 318,
                                             .total = 1522,
                                             .cached = 1024,
                                             .reasoning = 64},
                                   .began_us = 30,
                                   .sent_us = 60,
                                   .head_us = 400000,
                                   .first_content_us = 400010,
                                   .ended_us = 900000,
                                   .cost_nano = 1201000 + draw(1000)};
    call_record *r = &m->records[i];
    *r = (call_record){.started_wall_us = m->first_us + m->at++ * m->step_us,
                       .started_us = 1,
                       .client = span_cstr(m->clients[draw(CLIENTS)].bytes),
                       .environment = SPAN("prod"),
                       .tags = draw(4) ? SPAN_EMPTY : SPAN_OF("team=search"),
                       .peer = SPAN("10.20.30.40"),
                       .endpoint = SPAN("chat.completions"),
                       .model = span_cstr(m->models[model].bytes),
                       .target = target,
                       .provider_request_id = m->tries[i].provider_request_id,
                       .finish_reason = SPAN("stop"),
                       .attempts = 1,
                       .tries = &m->tries[i],
                       .status = 200,
                       .stream = draw(2),
                       .bytes_in = 5012,
                       .bytes_out = 1730,
                       .usage = m->tries[i].usage,
                       .usage_text = usage,
                       .cost_nano = m->tries[i].cost_nano,
                       .first_byte_us = 400000,
                       .first_token_us = 400010,
                       .own_us = 57,
                       .total_us = 900000};
    id_new(&m->random, r->started_wall_us, r->request_id);
    buf_clear(&m->codes[i]);
    m->calls[i] = ledger_call_of(r, &m->codes[i]);
}

/* ---- the store ---- */

static void give_up(const char *what, span why) {
    fprintf(stderr, "%s: %.*s\n", what, SPAN_ARG(why));
    exit(1);
}

static void import(store *s, made *m, int64_t count) {
    const store_mark mark = {SPAN_OF("bench.journal"), m->at};
    const store_batch b = {.calls = m->calls,
                           .count = (size_t)count,
                           .node = SPAN_OF("bench"),
                           .marks = &mark,
                           .mark_count = 1};
    size_t fresh;
    if (!store_import(s, &b, &fresh)) give_up("cannot import", store_why(s));
    if (fresh != (size_t)count) give_up("cannot import", SPAN_OF("some were there already"));
}

/* Rows are made outside of the time that is told. */
static void fill(store *s, made *m, int64_t rows) {
    const int64_t part = rows / PARTS ? rows / PARTS : 1;
    double busy = 0, wall = 0;
    int64_t batches = 0;
    for (int64_t left = rows, told = 0; left;) {
        const int64_t count = left < BATCH ? left : BATCH;
        for (int i = 0; i < count; i++)
            make_call(m, i);
        const double busy_from = now_us(CLOCK_THREAD_CPUTIME_ID), from = now_us(CLOCK_MONOTONIC);
        import(s, m, count);
        busy += now_us(CLOCK_THREAD_CPUTIME_ID) - busy_from;
        wall += now_us(CLOCK_MONOTONIC) - from;
        /* Of each batch with the same odds one is kept, wherever it stands in the end. */
        const unsigned place = draw((unsigned)batches++ + 1);
        if (place < ASKED)
            memcpy(m->ids[place], m->records[draw((unsigned)count)].request_id, ID_LEN + 1);
        left -= count;
        if (rows - left - told < part && left) continue;
        const double calls = (double)(rows - left - told);
        printf("%10lld rows  %6.2f us a call of the thread, %8.0f calls a second\n",
               (long long)(rows - left), busy / calls, calls / wall * 1e6);
        (void)fflush(stdout);
        told = rows - left;
        busy = wall = 0;
    }
}

/* ---- questions ---- */

static void note_call(void *user, const ledger_call *c) {
    *(int64_t *)user += c->total_tokens;
}

static void ask_day(store *s, const made *m, int64_t shift_us, const char *what) {
    ledger_query q = ledger_query_all;
    q.group = GROUP_MODEL;
    q.to_us = m->first_us + m->at * m->step_us - shift_us;
    q.from_us = q.to_us - day_us;
    const double from = now_us(CLOCK_MONOTONIC);
    ledger_summary answer;
    summary_init(&answer, q.group);
    if (!store_sums(s, &q, &answer)) give_up("cannot add up", store_why(s));
    printf("%-40s %9.2f ms, %lld calls\n", what, (now_us(CLOCK_MONOTONIC) - from) / 1000,
           (long long)answer.total.calls);
    summary_done(&answer);
}

static void ask_calls(store *s, const made *m) {
    const span anybody = {NULL, 0};
    double worst = 0, all = 0;
    int64_t tokens = 0;
    int asked = 0;
    for (int i = 0; i < ASKED; i++) {
        bool found;
        if (!m->ids[i][0]) continue;
        const double from = now_us(CLOCK_MONOTONIC);
        if (!store_call(s, span_cstr(m->ids[i]), anybody, note_call, &tokens, &found))
            give_up("cannot read a call", store_why(s));
        if (!found) give_up("cannot read a call", SPAN_OF("it is not there"));
        const double took = now_us(CLOCK_MONOTONIC) - from;
        all += took;
        worst = took > worst ? took : worst;
        asked++;
    }
    printf("%-40s %9.3f ms, %.3f ms at worst\n", "one call by its id", all / asked / 1000,
           worst / 1000);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench-store STORE ROWS\n");
        return 2;
    }
    const int64_t rows = strtoll(argv[2], NULL, 10);
    sql_sqlite_count_no_memory(); /* as weir does */
    buf name = BUF_EMPTY, why = BUF_EMPTY;
    buf_add_cstr(&name, argv[1]);
    (void)buf_cstr(&name);
    const store_place place = store_place_of(&name);
    store *s;
    if (rows < 1 || store_open(&place, SQL_WRITES, false, &s, &why) != STORE_OPEN)
        give_up("cannot open", buf_span(&why));
    made *m = calloc(1, sizeof *m);
    if (!m) return 1;
    rng_seed(&m->random, 7);
    name_all(m);
    m->step_us = DAYS * day_us / rows;
    m->first_us = clock_wall_us() - DAYS * day_us;
    fill(s, m, rows);
    ask_day(s, m, 0, "a day by model, from now");
    ask_day(s, m, 12345678, "a day by model, between hours");
    ask_calls(s, m);
    store_close(s);
    for (int i = 0; i < BATCH; i++)
        buf_done(&m->codes[i]);
    free(m);
    buf_done(&name);
    buf_done(&why);
    return 0;
}
