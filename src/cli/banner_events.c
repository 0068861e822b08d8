/* The banner for who reads JSON: the same as events of the log. A command to paste is for people
 * alone. */
#include "cli/banner.h"

#include "observe/log.h"

static void write_warning(const config_problem *p, buf *out) {
    char line[LOG_NUMBER_MAX], column[LOG_NUMBER_MAX];
    const log_field fields[] = {{.key = "file", .value = p->file},
                                log_number("line", p->line, line),
                                log_number("column", p->column, column)};
    log_write_json(LEVEL_WARN, "config_warning", p->text, fields,
                   p->line ? 3 : (p->file.len ? 1 : 0), out);
}

static void write_listening(const char *address, unsigned workers, buf *out) {
    buf sentence = BUF_EMPTY;
    const log_field field = {.key = "address", .value = span_cstr(address)};
    buf_addf(&sentence, "listening on %s with %u worker%s", address, workers,
             workers == 1 ? "" : "s");
    log_write_json(LEVEL_INFO, "listening", buf_span(&sentence), &field, 1, out);
    buf_done(&sentence);
}

static void add_name(buf *names, span name) {
    if (names->len) buf_add_cstr(names, ", ");
    buf_add(names, name);
}

static void write_serving(const config *c, const char *note, buf *out) {
    buf providers = BUF_EMPTY, models = BUF_EMPTY;
    char clients[LOG_NUMBER_MAX], memory[LOG_NUMBER_MAX];
    for (size_t i = 0; i < c->provider_count; i++)
        add_name(&providers, c->providers[i].name);
    for (size_t i = 0; i < c->model_count; i++)
        add_name(&models, c->models[i].name);
    const log_field fields[] = {{.key = "file", .value = c->path},
                                {.key = "providers", .value = buf_span(&providers)},
                                {.key = "models", .value = buf_span(&models)},
                                log_number("clients", c->client_count, clients),
                                log_number("memory_limit_bytes", c->limits.memory_bytes, memory)};
    log_write_json(LEVEL_INFO, "serving",
                   note ? span_cstr(note) : SPAN_OF("serving as the configuration says"), fields,
                   ARRAY_LEN(fields), out);
    buf_done(&providers);
    buf_done(&models);
}

void banner_write_events(const config *c, const char *note, const gateway *g, buf *out) {
    static const log_field version = {.key = "version", .value = SPAN(WEIR_VERSION)};
    log_write_json(LEVEL_INFO, "starting", SPAN_OF("weir " WEIR_VERSION), &version, 1, out);
    for (size_t i = 0; i < c->warning_count; i++)
        write_warning(&c->warnings[i], out);
    for (size_t i = 0; gateway_address(g, i); i++)
        write_listening(gateway_address(g, i), c->server.workers, out);
    write_serving(c, note, out);
}
