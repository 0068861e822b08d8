#include "lib/usage.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void usage_init(usage *u) {
    *u = (usage){0};
    pthread_mutex_init(&u->lock, NULL);
}

void usage_done(usage *u) {
    for (size_t i = 0; i < u->model_count; i++)
        free(u->models[i]);
    free(u->models);
    pthread_mutex_destroy(&u->lock);
}

/* The newest first: a program asks one model for a while. */
static void note_model(usage *u, const char *model) {
    if (strlen(model) > USAGE_MODEL_BYTES_MAX) return;
    for (size_t i = u->model_count; i-- > 0;)
        if (strcmp(u->models[i], model) == 0) return;
    if (u->model_count == USAGE_MODELS_MAX) return;
    u->models = mem_realloc(u->models, (u->model_count + 1) * sizeof *u->models);
    u->models[u->model_count++] = mem_strndup(model, strlen(model));
}

static void count_tokens(weir_summary *c, const weir_result *r) {
    if (r->total_tokens > 0) c->total_tokens += r->total_tokens;
    if (r->prompt_tokens > 0) c->prompt_tokens += r->prompt_tokens;
    if (r->completion_tokens > 0) c->completion_tokens += r->completion_tokens;
    if (r->total_tokens > 0 && r->tokens_estimated) c->estimated_tokens += r->total_tokens;
}

static void count_success(usage *u, const weir_result *r) {
    u->counts.successful_calls++;
    u->seconds += r->response_seconds;
    count_tokens(&u->counts, r);
    if (r->model) note_model(u, r->model);
}

/* What came of a call that was stopped was made, and is paid. */
static void count_failure(usage *u, const weir_result *r) {
    u->counts.failed_calls++;
    if (r->code != WEIR_CANCELLED) return;
    u->counts.cancelled_calls++;
    count_tokens(&u->counts, r);
}

void usage_count(usage *u, const weir_result *r) {
    pthread_mutex_lock(&u->lock);
    u->counts.total_calls++;
    if (r->code == WEIR_OK)
        count_success(u, r);
    else
        count_failure(u, r);
    if (r->attempts > 1) u->counts.retries += r->attempts - 1;
    pthread_mutex_unlock(&u->lock);
}

/* ---- the summary: one piece of memory, names behind pointers behind figures ---- */

typedef struct summary {
    weir_summary is; /* first: what the caller holds */
    const char *names[];
} summary;

static summary *copy_models(const usage *u) {
    size_t bytes = 0;
    for (size_t i = 0; i < u->model_count; i++)
        bytes += strlen(u->models[i]) + 1;
    summary *s = mem_zalloc(sizeof *s + u->model_count * sizeof *s->names + bytes);
    char *at = (char *)&s->names[u->model_count];
    for (size_t i = 0; i < u->model_count; i++) {
        s->names[i] = at;
        at = stpcpy(at, u->models[i]) + 1;
    }
    return s;
}

weir_summary *usage_summary(usage *u) {
    pthread_mutex_lock(&u->lock);
    summary *s = copy_models(u);
    s->is = u->counts;
    if (s->is.total_calls)
        s->is.success_rate = 100.0 * (double)s->is.successful_calls / (double)s->is.total_calls;
    if (s->is.successful_calls)
        s->is.average_response_time = u->seconds / (double)s->is.successful_calls;
    s->is.models_used = s->names;
    s->is.models_used_count = u->model_count;
    pthread_mutex_unlock(&u->lock);
    return &s->is;
}

void weir_summary_free(weir_summary *s) {
    free(s);
}
