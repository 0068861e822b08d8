#include "tools/run.h"

const run_state run_nothing = {.usage = {.cached = -1,
                                         .reasoning = -1,
                                         .cache_write = -1,
                                         .audio_prompt = -1,
                                         .image_prompt = -1,
                                         .audio_completion = -1}};

/* What is not told adds nothing. */
static void add(int64_t *sum, int64_t more) {
    if (more < 0) return;
    if (*sum < 0) *sum = 0;
    if (__builtin_add_overflow(*sum, more, sum)) *sum = INT64_MAX;
}

void run_count(run_state *r, const token_usage *u, int64_t cost_nano) {
    token_usage *sum = &r->usage;
    add(&sum->prompt, u->prompt);
    add(&sum->completion, u->completion);
    add(&sum->total, u->total);
    add(&sum->cached, u->cached);
    add(&sum->reasoning, u->reasoning);
    add(&sum->cache_write, u->cache_write);
    add(&sum->audio_prompt, u->audio_prompt);
    add(&sum->image_prompt, u->image_prompt);
    add(&sum->audio_completion, u->audio_completion);
    sum->estimated |= u->estimated;
    if (cost_nano < 0)
        r->cost_nano = -1;
    else if (r->cost_nano >= 0)
        add(&r->cost_nano, cost_nano);
}

run_stop run_after_answer(const run_limits *limits, const run_state *r, size_t calls) {
    if (!calls) return RUN_ENDS;
    if (r->steps >= limits->max_steps) return RUN_MAX_STEPS;
    if (limits->max_tokens && r->usage.total >= limits->max_tokens) return RUN_MAX_TOKENS;
    if (limits->max_cost_nano && r->cost_nano >= limits->max_cost_nano) return RUN_MAX_COST;
    return RUN_GOES_ON;
}

bool run_is_last(const run_limits *limits, const run_state *r) {
    return r->steps >= limits->max_steps;
}

/* ---- words ---- */

const char *run_stop_code(run_stop stop) {
    static const char *const codes[RUN_STOPS] = {
        [RUN_GOES_ON] = "",
        [RUN_ENDS] = "",
#define X(id, code, sentence) [RUN_##id] = code,
#include "tools/stops.def"
#undef X
    };
    return codes[stop];
}

span run_stop_sentence(run_stop stop, span limit, arena *a) {
    switch (stop) {
#define X(id, code, sentence)                                                                      \
    case RUN_##id:                                                                                 \
        return arena_printf(a, sentence, limit.ptr);
#include "tools/stops.def"
#undef X
    default: return SPAN_EMPTY;
    }
}

bool run_may_begin(unsigned under_way, bool alone_under_way, bool parallel) {
    if (alone_under_way) return false;
    return parallel ? under_way < RUN_PARALLEL_MAX : !under_way;
}
