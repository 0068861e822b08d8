#include "cli/banner.h"

enum { NAMES_SHOWN = 8 };

static void write_names(const char *what, const span *names, size_t count, buf *out) {
    buf_addf(out, "weir: %s: ", what);
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
        buf_addf(out, "%s%.*s", i ? ", " : "", SPAN_ARG(names[i]));
    if (count > NAMES_SHOWN) buf_addf(out, " and %zu more", count - NAMES_SHOWN);
    buf_add_char(out, '\n');
}

/* Any of these opens the door. */
static void write_needs(const config *c, buf *out) {
    const char *before = "weir: calls need ";
    if (c->client_count) {
        buf_addf(out, "%sthe key of one of %zu client%s", before, c->client_count,
                 c->client_count == 1 ? "" : "s");
        before = ", or ";
    }
    if (c->jwt.on) {
        buf_addf(out, "%sa token of the issuer that auth.jwt names", before);
        before = ", or ";
    }
    if (config_takes_store_keys(c)) buf_addf(out, "%sa key of the store (weir keys list)", before);
    buf_add_char(out, '\n');
}

void banner_write_served(const config *c, const char *note, buf *out) {
    span providers[NAMES_SHOWN], models[NAMES_SHOWN];
    for (size_t i = 0; i < c->provider_count && i < NAMES_SHOWN; i++)
        providers[i] = c->providers[i].name;
    for (size_t i = 0; i < c->model_count && i < NAMES_SHOWN; i++)
        models[i] = c->models[i].name;
    if (note)
        buf_addf(out, "weir: %s\n", note);
    else
        buf_addf(out, "weir: configuration: %.*s\n", SPAN_ARG(c->path));
    if (!note) {
        write_names("providers", providers, c->provider_count, out);
        write_names("models", models, c->model_count, out);
    }
    if (config_asks_keys(c))
        write_needs(c, out);
    else if (c->server.open)
        buf_add_cstr(
            out, "weir: no key is asked for, and server.open lets anyone call who reaches this\n");
    else
        buf_add_cstr(out, "weir: no clients are configured: no key is asked for, and only this "
                          "machine can call\n");
}

/* A name that clients may send as it is, and that leads somewhere. */
static span first_name(const config *c) {
    for (size_t i = 0; i < c->model_count; i++)
        if (!span_ends(c->models[i].name, SPAN_OF("*"))) return c->models[i].name;
    return SPAN_EMPTY;
}

static void write_url(span address, const char *path, buf *out) {
    if (span_starts(address, SPAN_OF("unix:"))) {
        buf_addf(out, "--unix-socket %.*s http://localhost%s",
                 SPAN_ARG(span_slice(address, 5, address.len)), path);
        return;
    }
    bool tls = span_starts(address, SPAN_OF("https://"));
    span host = tls ? span_slice(address, 8, address.len) : address;
    size_t bare = host.len && host.ptr[0] == '[' ? span_find(host, 0, ']') : 0;
    span port = span_slice(host, span_find(host, bare, ':'), host.len);
    /* The certificate names the public host, not this address. */
    buf_add_cstr(out, tls ? "--insecure https://" : "http://");
    if (span_starts(host, SPAN_OF("0.0.0.0:")))
        buf_addf(out, "127.0.0.1%.*s%s", SPAN_ARG(port), path);
    else if (span_starts(host, SPAN_OF("[::]:")))
        buf_addf(out, "[::1]%.*s%s", SPAN_ARG(port), path);
    else
        buf_addf(out, "%.*s%s", SPAN_ARG(host), path);
}

void banner_write_curl(const config *c, const char *address, buf *out) {
    span name = first_name(c);
    bool chat = config_find_model(c, c->chat.model) != NULL;
    buf_add_cstr(out, "curl ");
    if (!chat && !name.len) {
        write_url(span_cstr(address), "/health", out);
        return;
    }
    write_url(span_cstr(address), chat ? "/chat" : "/v1/chat/completions", out);
    if (config_asks_keys(c)) buf_add_cstr(out, " -H \"authorization: Bearer $WEIR_KEY\"");
    buf_add_cstr(out, " -H 'content-type: application/json' -d '");
    if (chat)
        buf_add_cstr(out, "{\"message\": \"Hello\"}");
    else
        buf_addf(
            out,
            "{\"model\": \"%.*s\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}",
            SPAN_ARG(name));
    buf_add_char(out, '\'');
}
