/* Options are kept as they are given; what they mean together is decided in one place,
 * options_config(). */
#include "lib/options.h"

#include "base/mem.h"
#include "config/write.h"
#include "lib/simulated.h"

#include <stdlib.h>
#include <string.h>

static const char default_url[] = "https://api.openai.com/v1";

/* ---- keeping ---- */

static char *copy_text(const char *text) {
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

static void set_text(char **at, const char *text) {
    char *fresh = copy_text(text);
    free(*at);
    *at = fresh;
}

static secret *copy_key(const char *key) {
    return key ? secret_new(span_cstr(key)) : NULL;
}

weir_options *weir_options_new(void) {
    weir_options *o = mem_zalloc(sizeof *o);
    o->concurrency = LIB_CONCURRENCY;
    return o;
}

void weir_options_free(weir_options *o) {
    if (!o) return;
    for (size_t i = 0; i < o->fallback_count; i++) {
        free(o->fallbacks[i].url);
        secret_unref(o->fallbacks[i].key);
        free(o->fallbacks[i].model);
    }
    for (size_t i = 0; i < o->setting_count; i++) {
        /* A setting may hold a key. */
        mem_wipe(o->settings[i].value, strlen(o->settings[i].value));
        free(o->settings[i].path);
        free(o->settings[i].value);
    }
    if (o->yaml) mem_wipe(o->yaml, strlen(o->yaml));
    free(o->fallbacks);
    free(o->settings);
    free(o->file);
    free(o->yaml);
    free(o->url);
    free(o->model);
    free(o->simulator);
    secret_unref(o->key);
    free(o);
}

void weir_options_set_file(weir_options *o, const char *path) {
    set_text(&o->file, path);
}

void weir_options_set_yaml(weir_options *o, const char *text) {
    if (o->yaml) mem_wipe(o->yaml, strlen(o->yaml));
    set_text(&o->yaml, text);
}

void weir_options_set_url(weir_options *o, const char *url) {
    set_text(&o->url, url);
}

void weir_options_set_key(weir_options *o, const char *key) {
    secret *fresh = copy_key(key);
    secret_unref(o->key);
    o->key = fresh;
}

static void add_fallback(weir_options *o, lib_fallback f) {
    o->fallbacks = mem_realloc(o->fallbacks, (o->fallback_count + 1) * sizeof *o->fallbacks);
    o->fallbacks[o->fallback_count++] = f;
}

void weir_options_add_fallback(weir_options *o, const char *url, const char *key,
                               const char *model) {
    add_fallback(o, (lib_fallback){copy_text(url ? url : ""), copy_key(key), copy_text(model)});
}

void weir_options_set_model(weir_options *o, const char *model) {
    set_text(&o->model, model);
}

void weir_options_set_concurrency(weir_options *o, unsigned calls) {
    o->concurrency = calls;
}

void weir_options_set_adaptive(weir_options *o, int on) {
    o->adaptive = on;
}

void weir_options_set(weir_options *o, const char *path, const char *value) {
    o->settings = mem_realloc(o->settings, (o->setting_count + 1) * sizeof *o->settings);
    o->settings[o->setting_count++] =
        (lib_setting){copy_text(path ? path : ""), copy_text(value ? value : "")};
}

void weir_options_set_foreign_loop(weir_options *o) {
    o->foreign_loop = true;
}

weir_options *options_copy(const weir_options *o) {
    weir_options *copy = weir_options_new();
    copy->file = copy_text(o->file);
    copy->yaml = copy_text(o->yaml);
    copy->url = copy_text(o->url);
    copy->model = copy_text(o->model);
    copy->simulator = copy_text(o->simulator);
    if (o->key) copy->key = secret_ref(o->key);
    copy->key_of_environment = o->key_of_environment;
    for (size_t i = 0; i < o->fallback_count; i++) {
        const lib_fallback *f = &o->fallbacks[i];
        add_fallback(copy, (lib_fallback){copy_text(f->url), f->key ? secret_ref(f->key) : NULL,
                                          copy_text(f->model)});
    }
    for (size_t i = 0; i < o->setting_count; i++)
        weir_options_set(copy, o->settings[i].path, o->settings[i].value);
    copy->concurrency = o->concurrency;
    copy->adaptive = o->adaptive;
    copy->foreign_loop = o->foreign_loop;
    copy->plan = o->plan;
    copy->parts = o->parts;
    copy->part_count = o->part_count;
    return copy;
}

/* ---- the configuration of a client that was told URLs ---- */

typedef struct endpoint_wish {
    const char *url;
    span key;
    const char *model; /* NULL: the request's own word */
    bool simulated;
    unsigned url_line, key_line; /* of the YAML that is made of it; 0: none */
} endpoint_wish;

/* The first, and the fallbacks. */
typedef struct endpoint_wishes {
    endpoint_wish *items;
    size_t count;
} endpoint_wishes;

/* Names stand in weir_result.target, so they tell who it is: "openai", or the host. The same host
 * once more gets a number. */
static void write_name(const endpoint_wish *wishes, size_t at, buf *out) {
    enum { NAME_MAX_BYTES = 56 };
    config_url url;
    const char *why;
    arena a;
    arena_init(&a, 0);
    size_t same = 1;
    if (wishes[at].simulated) {
        buf_add_cstr(out, SIMULATED_NAME);
        for (size_t i = 0; i < at; i++)
            same += wishes[i].simulated;
    } else if (config_url_parse(span_cstr(wishes[at].url), &a, &url, &why) && url.host.len) {
        if (span_eq(url.host, SPAN_OF("api.openai.com")))
            buf_add_cstr(out, "openai");
        else
            for (size_t i = 0; i < url.host.len && i < NAME_MAX_BYTES; i++) {
                char c = url.host.ptr[i];
                bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.';
                buf_add_char(out, plain ? c : '-');
            }
        for (size_t i = 0; i < at; i++) {
            config_url other;
            same += config_url_parse(span_cstr(wishes[i].url), &a, &other, &why) &&
                    span_ieq(other.host, url.host);
        }
    } else {
        buf_add_cstr(out, "provider");
        same = at + 1;
    }
    if (same > 1) buf_addf(out, "-%zu", same);
    arena_done(&a);
}

static void write_quoted_name(const endpoint_wish *wishes, size_t at, const char *model, buf *out) {
    buf name = BUF_EMPTY;
    write_name(wishes, at, &name);
    if (model) {
        buf_add_char(&name, '/');
        buf_add_cstr(&name, model);
    }
    write_string(buf_span(&name), out);
    buf_done(&name);
}

/* Notes what stands in which line. */
static void write_endpoints(endpoint_wish *wishes, size_t count, buf *out) {
    unsigned line = 2;
    buf_add_cstr(out, "providers:\n");
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(out, "  ");
        write_quoted_name(wishes, i, NULL, out);
        buf_add_cstr(out, ":\n    kind: openai\n    url: ");
        write_string(span_cstr(wishes[i].url), out); /* in one line, whatever is in it */
        wishes[i].url_line = line += 2;
        if (wishes[i].key.len) {
            buf_add_cstr(out, "\n    key: ");
            write_string(wishes[i].key, out);
            wishes[i].key_line = ++line;
        }
        buf_add_cstr(out, "\n");
        line++;
    }
    buf_add_cstr(out, "models:\n  \"*\": [");
    for (size_t i = 0; i < count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_quoted_name(wishes, i, wishes[i].model, out);
    }
    buf_add_cstr(out, "]\n");
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static span key_of(const secret *key) {
    return key ? secret_reveal(key) : SPAN_EMPTY;
}

/* A setting of its own says who is asked. */
static bool sets_providers(const weir_options *o) {
    for (size_t i = 0; i < o->setting_count; i++)
        if (span_starts(span_cstr(o->settings[i].path), SPAN_OF("providers"))) return true;
    return false;
}

const char *options_first_url(const weir_options *o) {
    return o->url ? o->url : variable("OPENAI_BASE_URL");
}

/* The simulator's own address in the place of its name. */
static endpoint_wish wish_of(const weir_options *o, const char *url, span key, const char *model) {
    bool is_it = simulated_is_named(url) && o->simulator;
    return (endpoint_wish){
        .url = is_it ? o->simulator : url, .key = key, .model = model, .simulated = is_it};
}

static span first_key(const weir_options *o) {
    const char *found = variable("OPENAI_API_KEY");
    const bool is_meant = !o->key && (!o->url || o->key_of_environment);
    return is_meant && found ? span_cstr(found) : key_of(o->key);
}

/* The caller frees ret->items. */
static bool write_yaml(const weir_options *o, endpoint_wishes *ret, buf *out, buf *ret_why) {
    const char *url = options_first_url(o);
    const span key = first_key(o);
    if (!url && !key.len && !o->fallback_count && sets_providers(o)) return true;
    if (!url && !key.len) {
        buf_add_cstr(ret_why, "nobody to ask is known: set OPENAI_API_KEY, or a key "
                              "(weir_options_set_key), a URL (weir_options_set_url; "
                              "\"simulator\": the built-in one) or a "
                              "configuration file (weir_options_set_file)");
        return false;
    }
    endpoint_wish *wishes = mem_alloc((o->fallback_count + 1) * sizeof *wishes);
    wishes[0] = wish_of(o, url ? url : default_url, key, NULL);
    for (size_t i = 0; i < o->fallback_count; i++)
        wishes[i + 1] =
            wish_of(o, o->fallbacks[i].url, key_of(o->fallbacks[i].key), o->fallbacks[i].model);
    *ret = (endpoint_wishes){wishes, o->fallback_count + 1};
    write_endpoints(wishes, ret->count, out);
    return true;
}

/* ---- what is wrong with it ---- */

/* What the caller knows the URL of wish `at` by, or its key. */
static void write_origin(const weir_options *o, size_t at, bool is_key, buf *out) {
    const char *what = is_key ? "key" : "URL";
    if (at)
        buf_addf(out, "the %s of fallback %zu (weir_options_add_fallback)", what, at);
    else if (is_key)
        buf_add_cstr(out, o->key ? "the key (weir_options_set_key)" : "OPENAI_API_KEY");
    else
        buf_add_cstr(out, o->url ? "the URL (weir_options_set_url)" : "OPENAI_BASE_URL");
}

/* Whether the line has what the caller has given: whose, and what. */
static bool find_origin(const endpoint_wishes *w, unsigned line, size_t *ret_at, bool *ret_key) {
    for (size_t i = 0; i < w->count; i++) {
        *ret_at = i;
        *ret_key = line == w->items[i].key_line;
        if (line && (*ret_key || line == w->items[i].url_line)) return true;
    }
    return false;
}

/* Nobody has seen the YAML that was made of options: its lines are told as what they came from. */
static void print_problem(const weir_options *o, const endpoint_wishes *w, const config_problem *p,
                          buf *out) {
    size_t at;
    bool is_key;
    const size_t colon = span_find(p->text, 0, ':'), blank = span_find(p->text, 0, ' ');
    const size_t name_len = colon < blank ? colon : blank; /* no name made here has either */
    if (p->setting || name_len == p->text.len || !find_origin(w, p->line, &at, &is_key)) {
        config_problem_print(p, out);
        return;
    }
    write_origin(o, at, is_key, out);
    buf_add(out, span_slice(p->text, name_len, p->text.len));
    buf_add_char(out, '\n');
}

/* ---- any configuration ---- */

static bool check(const weir_options *o, buf *ret_why) {
    bool told_urls = o->url || o->key || o->fallback_count;
    if ((o->file && o->yaml) || (o->file && told_urls) || (o->yaml && told_urls)) {
        buf_add_cstr(ret_why,
                     "a client is made from a configuration file, from the text of one, or "
                     "from a URL, a key and fallbacks; this one was given more than one "
                     "of these");
        return false;
    }
    if (o->concurrency < 1 || o->concurrency > LIB_CONCURRENCY_MAX) {
        buf_addf(ret_why, "the concurrency is %u; allowed 1 to %d", o->concurrency,
                 LIB_CONCURRENCY_MAX);
        return false;
    }
    return true;
}

static config *parse(const weir_options *o, const config_setting *settings, size_t count,
                     buf *ret_why) {
    buf text = BUF_EMPTY;
    endpoint_wishes wishes = {NULL, 0};
    config_problems problems;
    config *c = NULL;
    if (o->file) {
        c = config_load_with(o->file, settings, count, &problems);
    } else {
        if (o->yaml)
            buf_add_cstr(&text, o->yaml);
        else if (!write_yaml(o, &wishes, &text, ret_why)) {
            buf_done(&text);
            return NULL;
        }
        c = config_parse_with(buf_span(&text), o->yaml ? "yaml" : "options", settings, count,
                              &problems);
        if (text.ptr) mem_wipe(text.ptr, text.cap);
        buf_done(&text);
    }
    for (size_t i = 0; i < problems.count; i++)
        print_problem(o, &wishes, &problems.items[i], ret_why);
    config_problems_done(&problems);
    free(wishes.items);
    return c;
}

config *options_config(const weir_options *o, buf *ret_why) {
    if (!check(o, ret_why)) return NULL;
    buf model = BUF_EMPTY;
    size_t count = 0;
    config_setting *settings = mem_alloc((o->setting_count + 1) * sizeof *settings);
    for (; count < o->setting_count; count++)
        settings[count] = (config_setting){o->settings[count].path, o->settings[count].value};
    if (o->model) {
        write_string(span_cstr(o->model), &model);
        settings[count++] = (config_setting){"chat.model", buf_cstr(&model)};
    }
    config *c = parse(o, settings, count, ret_why);
    free(settings);
    buf_done(&model);
    if (c && !c->provider_count) {
        buf_add_cstr(ret_why, "the configuration has no provider; add providers, or set "
                              "OPENAI_API_KEY");
        config_unref(c);
        c = NULL;
    }
    if (c) config_allow_calls(c, o->concurrency);
    while (ret_why->len && ret_why->ptr[ret_why->len - 1] == '\n')
        ret_why->len--;
    return c;
}
