/* Deadlines: the file has all of them, a provider and a model may have some of their own. */
#include "config/reader.h"

#include <stddef.h>

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    [TIMEOUT_CONNECT] = {"connect", offsetof(config_timeouts, connect_ms)},
    [TIMEOUT_FIRST_BYTE] = {"first_byte", offsetof(config_timeouts, first_byte_ms)},
    [TIMEOUT_FIRST_TOKEN] = {"first_token", offsetof(config_timeouts, first_token_ms)},
    [TIMEOUT_BETWEEN_EVENTS] = {"between_events", offsetof(config_timeouts, between_events_ms)},
    [TIMEOUT_TOTAL] = {"total", offsetof(config_timeouts, total_ms)},
};

static int64_t length_of(const config_timeouts *t, config_timeout which) {
    return *(const int64_t *)(const void *)((const char *)t + fields[which].offset);
}

/* The narrowest scope that says something. */
static int64_t in_force(const config *c, const config_model *m, const config_provider *p,
                        config_timeout which) {
    int64_t ms = m ? length_of(&m->timeouts, which) : 0;
    if (!ms && p) ms = length_of(&p->timeouts, which);
    return ms ? ms : length_of(&c->timeouts, which);
}

void config_target_settle(const config *c, const config_model *m, config_target *t) {
    t->of = m;
    t->timeouts =
        (config_timeouts){.connect_ms = in_force(c, m, t->provider, TIMEOUT_CONNECT),
                          .first_byte_ms = in_force(c, m, t->provider, TIMEOUT_FIRST_BYTE),
                          .first_token_ms = in_force(c, m, t->provider, TIMEOUT_FIRST_TOKEN),
                          .between_events_ms = in_force(c, m, t->provider, TIMEOUT_BETWEEN_EVENTS),
                          .total_ms = in_force(c, m, NULL, TIMEOUT_TOTAL)};
}

void timeouts_settle(config *c) {
    for (size_t i = 0; i < c->model_count; i++)
        for (size_t k = 0; k < c->models[i].target_count; k++)
            config_target_settle(c, &c->models[i], &c->models[i].targets[k]);
}

span config_timeout_name(const config_model *model, const config_provider *provider,
                         config_timeout which, arena *a) {
    const char *name = fields[which].name;
    if (model && length_of(&model->timeouts, which))
        return arena_printf(a, "models.%.*s.timeouts.%s", SPAN_ARG(model->name), name);
    if (provider && length_of(&provider->timeouts, which))
        return arena_printf(a, "providers.%.*s.timeouts.%s", SPAN_ARG(provider->name), name);
    return arena_printf(a, "timeouts.%s", name);
}

span config_timeout_text(const config *c, const config_model *model,
                         const config_provider *provider, config_timeout which, arena *a) {
    span name = config_timeout_name(model, provider, which, a);
    int64_t ms = in_force(c, model, provider, which);
    bool even = ms % 1000 == 0;
    return arena_printf(a, "%.*s (%lld %s)", SPAN_ARG(name), (long long)(even ? ms / 1000 : ms),
                        even ? "s" : "ms");
}
