/* auth.jwt: whose tokens are taken, and what they say. */
#include "config/auth.h"

#include "base/random.h"
#include "config/address.h"
#include "config/reader.h"
#include "config/write.h"

enum { JWKS_BYTES_MAX = 1 << 20 };

const char *config_jwt_algorithm(unsigned i) {
    static const char *const names[CONFIG_JWT_ALGORITHMS] = {
#define X(name) #name,
#include "config/jwt_algorithms.def"
#undef X
    };
    return names[i];
}

/* ---- the issuer's keys ---- */

COLD static bool read_file(reader *r, span name, const yaml_node *node, span text,
                           config_jwt *ret) {
    buf content = BUF_EMPTY;
    span why;
    const span path = reader_path(r, text);
    reader_watch(r, path);
    bool ok =
        r->sources->read_file(r->sources, path.ptr, JWKS_BYTES_MAX, &content, r->scratch, &why);
    if (ok) {
        ret->file = path;
        ret->text = arena_dup(r->arena, buf_span(&content));
    } else {
        reader_problem(r, node, "%.*s: cannot read the file: %.*s", SPAN_ARG(name), SPAN_ARG(why));
    }
    buf_done(&content);
    return ok;
}

static bool is_here(const config_tool_url *url) {
    return url->unix_path.len || address_is_loopback(url->host) ||
           span_ieq(url->host, SPAN_OF("localhost"));
}

COLD static bool read_jwks(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    config_jwt *jwt = CONTAINER_OF(field, config_jwt, url);
    span text;
    if (yaml_is_null(node)) return true;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!text.len) return true;
    const bool url =
        span_find_span(text, 0, SPAN_OF("://")) < text.len || span_starts(text, SPAN_OF("unix:"));
    jwt->on =
        url ? type_tool_url.read(r, o, name, node, &jwt->url) : read_file(r, name, node, text, jwt);
    if (jwt->on && url && !jwt->url.tls && !is_here(&jwt->url))
        reader_warning(r, node,
                       "%.*s is plain http to another machine: whoever is between can put keys of "
                       "his own there; write https",
                       SPAN_ARG(name));
    return jwt->on;
}
/* Its path is what its issuer tells everybody; a query is not. */
COLD static void write_url(const config_tool_url *url, buf *out) {
    buf text = BUF_EMPTY;
    buf_add(&text, span_slice(url->text, 0, span_find(url->text, 0, '?')));
    if (url->query) buf_add_cstr(&text, "?(set)");
    write_string(buf_span(&text), out);
    buf_done(&text);
}
COLD static void write_jwks(const option *o, const void *field, buf *out) {
    (void)o;
    const config_jwt *jwt = CONTAINER_OF(field, config_jwt, url);
    if (jwt->file.len)
        write_string(jwt->file, out);
    else
        write_url(&jwt->url, out);
}
const option_type type_jwks = {"URL or path",
                               "a URL such as https://example.com/jwks.json, or a path", read_jwks,
                               write_jwks, TELLS_PLACE};

/* ---- algorithms ---- */

COLD static bool read_algorithms(reader *r, const option *o, span name, const yaml_node *node,
                                 void *field) {
    struct {
        span *items;
        size_t count;
    } words = {0};
    unsigned mask = 0;
    if (node->kind == YAML_SCALAR && span_eq(node->text, SPAN_OF("all"))) {
        *(unsigned *)field = (1u << CONFIG_JWT_ALGORITHMS) - 1;
        return true;
    }
    if (!type_texts.read(r, o, name, node, &words)) return false;
    for (size_t i = 0; i < words.count; i++) {
        unsigned k = 0;
        while (k < CONFIG_JWT_ALGORITHMS &&
               !span_eq(words.items[i], span_cstr(config_jwt_algorithm(k))))
            k++;
        if (k == CONFIG_JWT_ALGORITHMS) return reader_expected(r, o, name, node);
        mask |= 1u << k;
    }
    if (!mask) return reader_expected(r, o, name, node);
    *(unsigned *)field = mask;
    return true;
}
COLD static void write_algorithms(const option *o, const void *field, buf *out) {
    (void)o;
    const unsigned mask = *(const unsigned *)field;
    bool more = false;
    if (mask == (1u << CONFIG_JWT_ALGORITHMS) - 1) {
        buf_add_cstr(out, "all");
        return;
    }
    buf_add_char(out, '[');
    for (unsigned k = 0; k < CONFIG_JWT_ALGORITHMS; k++) {
        if (!(mask >> k & 1u)) continue;
        buf_addf(out, "%s%s", more ? ", " : "", config_jwt_algorithm(k));
        more = true;
    }
    buf_add_char(out, ']');
}
const option_type type_jwt_algorithms = {
    "list of words",
    "all, or a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA",
    read_algorithms, write_algorithms, TELLS_VALUE};

/* ---- what no single option can tell ---- */

void auth_check(reader *r, const yaml_node *root) {
    config_jwt *jwt = &r->config->jwt;
    const yaml_node *section = yaml_get(yaml_get(root, SPAN_OF("auth")), SPAN_OF("jwt"));
    const yaml_node *keys = yaml_get(section, SPAN_OF("jwks"));
    if (!jwt->on) {
        if ((jwt->issuer.len || jwt->audience_count) && (!keys || yaml_is_null(keys)))
            reader_problem(r, section, "auth.jwt.jwks is missing: where the issuer's keys are");
        return;
    }
    random_bytes(&jwt->generation, sizeof jwt->generation);
    if (!jwt->issuer.len)
        reader_problem(r, section, "auth.jwt.issuer is missing: whose tokens are taken");
    if (!jwt->audience_count)
        reader_problem(r, section,
                       "auth.jwt.audience is missing: for whom tokens must be, so that one for "
                       "another service is not taken");
    if (!jwt->client.len)
        reader_problem(r, section,
                       "auth.jwt.claims.client is empty: the claim that names a client");
}
