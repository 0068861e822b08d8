/* shared: a Redis or Valkey, as an address or as a mapping around one. */
#include "config/redis.h"

#include "base/hash.h"
#include "base/mem.h"
#include "config/address.h"
#include "config/keys.h"
#include "config/reader.h"
#include "config/write.h"

#include <string.h>
#include <sys/un.h>

enum { ADDRESS_MAX = 2048, DATABASE_MAX = 65535, PORT_USUAL = 6379, LOGIN_MAX = 512 };

/* ---- an address ---- */

static bool fail(const char *why, const char **ret_why) {
    *ret_why = why;
    return false;
}

static bool read_database(span text, unsigned *ret) {
    uint64_t n;
    if (text.len > 5 || !span_u64(text, &n) || n > DATABASE_MAX) return false;
    *ret = (unsigned)n;
    return true;
}

COLD static bool parse_unix(span text, arena *a, config_redis *to, const char **ret_why) {
    static const span mark = SPAN("?db=");
    span path = span_slice(text, 5, text.len);
    const size_t query = span_find(path, 0, '?');
    if (query < path.len) {
        span rest = span_slice(path, query, path.len);
        if (!span_starts(rest, mark) ||
            !read_database(span_slice(rest, mark.len, rest.len), &to->database))
            return fail("after the path of a Unix socket only ?db= and a number may stand",
                        ret_why);
        path.len = query;
    }
    if (!span_starts(path, SPAN_OF("/")) || path.len < 2)
        return fail("the path of a Unix socket must begin with a slash", ret_why);
    if (path.len >= sizeof((struct sockaddr_un *)0)->sun_path)
        return fail("the path of a Unix socket may have 107 bytes", ret_why);
    to->unix_path = arena_dup(a, path);
    to->host = SPAN_OF("localhost");
    to->shown = arena_printf(a, "unix:%.*s?db=%u", SPAN_ARG(path), to->database);
    return true;
}

/* Percent-encoding undone; the caller wipes out. */
COLD static bool decode(span text, char out[LOGIN_MAX], span *ret) {
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) {
        unsigned char c = (unsigned char)text.ptr[at];
        if (n == LOGIN_MAX) return false;
        if (c == '%') {
            if (!hex_decode(span_slice(text, at + 1, at + 3), &c, 1)) return false;
            at += 2;
        }
        at++;
        out[n] = (char)c;
    }
    *ret = span_from(out, n);
    return true;
}

/* USER, :PASSWORD or USER:PASSWORD. */
COLD static bool parse_login(span login, arena *a, config_redis *to, const char **ret_why) {
    char bytes[LOGIN_MAX];
    span part;
    const size_t colon = span_find(login, 0, ':');
    bool good = decode(span_slice(login, 0, colon), bytes, &part);
    if (good) to->user = arena_dup(a, part);
    good = good && decode(span_slice(login, colon + 1, login.len), bytes, &part);
    if (good && part.len) to->password = secret_new(part);
    mem_wipe(bytes, sizeof bytes);
    return good ||
           fail("user and password hold an escape that is none, or more than 512 bytes", ret_why);
}

static bool has_port(span authority) {
    const size_t colon = span_find(authority, 0, ':');
    if (!span_starts(authority, SPAN_OF("["))) return colon < authority.len;
    return authority.ptr[authority.len - 1] != ']';
}

/* What is left is that of any URL. */
COLD static bool parse_place(span authority, arena *a, config_redis *to, const char **ret_why) {
    config_url url;
    buf text = BUF_EMPTY;
    if (!authority.len) return fail("it names no host", ret_why);
    buf_addf(&text, "http://%.*s", SPAN_ARG(authority));
    if (!has_port(authority)) buf_addf(&text, ":%d", PORT_USUAL);
    bool good = config_url_parse(buf_span(&text), a, &url, ret_why);
    buf_done(&text);
    if (!good) return false;
    const char *form = span_find(url.host, 0, ':') < url.host.len ? "[%.*s]:%u" : "%.*s:%u";
    to->host = url.host;
    to->port = url.port;
    span place = arena_printf(a, form, SPAN_ARG(url.host), url.port);
    to->shown =
        arena_printf(a, "redis%s://%.*s/%u", to->tls ? "s" : "", SPAN_ARG(place), to->database);
    return true;
}

COLD static bool parse_tcp(span rest, arena *a, config_redis *to, const char **ret_why) {
    if (span_find(rest, 0, '?') < rest.len || span_find(rest, 0, '#') < rest.len)
        return fail("the address of a Redis has no query and no fragment", ret_why);
    const size_t at = span_find(rest, 0, '@');
    if (at < rest.len) {
        if (span_find(rest, at + 1, '@') < rest.len || span_find(rest, 0, '/') < at)
            return fail("user and password hold an @ or a slash; write %40 or %2F", ret_why);
        if (!parse_login(span_slice(rest, 0, at), a, to, ret_why)) return false;
        rest = span_slice(rest, at + 1, rest.len);
    }
    const size_t slash = span_find(rest, 0, '/');
    span database = span_slice(rest, slash + 1, rest.len);
    if (database.len && !read_database(database, &to->database))
        return fail("after the slash the number of a database is expected, such as /0", ret_why);
    return parse_place(span_slice(rest, 0, slash), a, to, ret_why);
}

COLD bool config_redis_parse(span text, arena *a, config_redis *ret, const char **ret_why) {
    static const span plain = SPAN("redis://"), secure = SPAN("rediss://");
    if (text.len > ADDRESS_MAX) return fail("an address may have 2048 bytes", ret_why);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7F)
            return fail("an address holds no spaces, control characters or letters beyond ASCII",
                        ret_why);
    config_redis found = {.on = true, .tls = span_istarts(text, secure)};
    bool good;
    if (span_starts(text, SPAN_OF("unix:")))
        good = parse_unix(text, a, &found, ret_why);
    else if (found.tls || span_istarts(text, plain))
        good = parse_tcp(span_slice(text, plain.len + found.tls, text.len), a, &found, ret_why);
    else
        return fail("an address begins with redis://, rediss:// or unix:/", ret_why);
    if (!good) {
        secret_unref(found.password);
        return false;
    }
    found.timeout_ms = ret->timeout_ms;
    found.ca_file = ret->ca_file;
    *ret = found;
    return true;
}

COLD bool config_redis_same(const config_redis *a, const config_redis *b) {
    return a->on == b->on && span_eq(a->shown, b->shown) && span_eq(a->user, b->user) &&
           a->timeout_ms == b->timeout_ms && span_eq(a->ca_file, b->ca_file) &&
           secret_eq(a->password, b->password);
}

/* ---- as an option ---- */

/* Who the file names may stand before an @, and what the environment holds may be a secret. */
static bool may_be_secret(const yaml_node *node) {
    static const span marks[] = {SPAN("@"), SPAN("${")};
    for (size_t i = 0; node->kind == YAML_SCALAR && i < ARRAY_LEN(marks); i++)
        if (span_find_span(node->text, 0, marks[i]) < node->text.len) return true;
    return false;
}

COLD static void warn_exposed(reader *r, span name, const yaml_node *node) {
    bool literal = span_find_span(node->text, 0, SPAN_OF("${")) == node->text.len;
    if (literal && r->exposed && !node->setting)
        reader_warning(r, node,
                       "%.*s holds a password in a file that others on this machine may read; "
                       "write \"${NAME}\", or take their right away (chmod 600)",
                       SPAN_ARG(name));
}

COLD static bool read_address(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_redis *to = CONTAINER_OF(field, config_redis, on);
    config_redis found = {.timeout_ms = to->timeout_ms, .ca_file = to->ca_file};
    span text;
    const char *why;
    const bool hidden = r->hidden;
    r->hidden = hidden || may_be_secret(node);
    bool ok = reader_text(r, o, name, node, &text);
    if (ok && !config_redis_parse(text, r->arena, &found, &why)) {
        reader_problem(r, node, "%.*s: %s; expected %s", SPAN_ARG(name), why, o->type->expected);
        ok = false;
    }
    r->hidden = hidden;
    if (!ok) return false;
    if (found.password) warn_exposed(r, name, node);
    if (found.password)
        secret_unref(to->password);
    else
        found.password = to->password;
    *to = found;
    return true;
}
COLD static void write_address(const option *o, const void *field, buf *out) {
    (void)o;
    const config_redis *c = CONTAINER_OF(field, config_redis, on);
    if (c->user.len || c->password)
        buf_add_cstr(out, "(set)");
    else
        write_string(c->shown, out);
}
const option_type type_redis_address = {
    "address", "redis://HOST:PORT, rediss://USER:PASSWORD@HOST/DATABASE or unix:/path",
    read_address, write_address, TELLS_PLACE};

COLD static bool read_password(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    return keys_read_one(r, o, name, node, NULL, field);
}
const option_type type_redis_password = {"key", KEYS_ONE_EXPECTED, read_password, keys_write_one,
                                         TELLS_SECRET};

/* What no part of it can tell. */
COLD bool redis_check(reader *r, span name, const yaml_node *node, const config_redis *c) {
    if (c->user.len && !c->password) {
        reader_problem(r, node, "%.*s names a user and no password; write USER:PASSWORD@",
                       SPAN_ARG(name));
        return false;
    }
    if (c->ca_file.len && !c->tls) {
        reader_problem(r, node,
                       "%.*s.ca_file is set, and the address asks for no TLS; write rediss://",
                       SPAN_ARG(name));
        return false;
    }
    const bool here =
        c->unix_path.len || address_is_loopback(c->host) || span_ieq(c->host, SPAN_OF("localhost"));
    if (c->password && !c->tls && !here)
        reader_warning(r, node,
                       "%.*s is another machine without TLS: the password crosses the network for "
                       "anyone to read; write rediss://",
                       SPAN_ARG(name));
    return true;
}

COLD bool redis_read(reader *r, const option_scope *scope, const option *o, span name,
                     const yaml_node *node, config_redis *to) {
    const option *url = option_find(scope, SPAN_OF("url"));
    if (node->kind == YAML_SCALAR && span_eq(node->text, SPAN_OF("off"))) return true;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_SCALAR && node->kind != YAML_MAP)
        return reader_expected(r, o, name, node);
    reader_defaults(r, scope, to);
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    bool ok = node->kind == YAML_MAP ? reader_scope(r, scope, prefix, node, to)
                                     : read_address(r, url, name, node, &to->on);
    if (ok && node->kind == YAML_SCALAR) reader_written(r, url, &to->on, node);
    if (ok && (!to->on || redis_check(r, name, node, to))) return true;
    secret_unref(to->password);
    *to = (config_redis){0};
    return false;
}
COLD static bool read_redis(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    return redis_read(r, &scope_redis, o, name, node, field);
}
const option_type type_redis = {
    "address or mapping",
    "redis://HOST:PORT, rediss://USER:PASSWORD@HOST/DATABASE, unix:/path, a "
    "mapping {url, timeout}, or off",
    read_redis, NULL, TELLS_PARTS};
