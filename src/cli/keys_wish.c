/* What a key is to be, from options to the API's object. */
#include "cli/keys_wish.h"

#include "base/clock.h"
#include "json/json.h"

#include <string.h>

/* ---- texts, lists and pairs ---- */

/* Whoever takes all away, and says of the same what there is to be, may mean either. */
static bool is_alone(const cli_args *args, size_t option, const char *shown) {
    const char *value;
    bool none = false;
    size_t count = 0;
    for (; (value = cli_value(args, option, count)); count++)
        none = none || !*value;
    if (none && count > 1) cli_complain("--%s '' takes all of them away; give it alone", shown);
    return !none || count == 1;
}

/* "" takes away what is there. */
static void put_text(json_writer *w, const cli_args *args, size_t option, const char *name) {
    const char *value = args->values[option];
    if (!value) return;
    json_key(w, name);
    if (*value)
        json_put_string(w, span_cstr(value));
    else
        json_put_null(w);
}

static bool put_list(json_writer *w, const cli_args *args, size_t option, const char *name) {
    const char *value = args->values[option];
    if (!value) return true;
    if (!is_alone(args, option, name)) return false;
    json_key(w, name);
    if (!*value) {
        json_put_null(w);
        return true;
    }
    json_open_array(w);
    for (size_t i = 0; (value = cli_value(args, option, i)); i++) {
        span rest = span_cstr(value), part;
        while (span_cut(&rest, ',', &part))
            if (span_trim(part).len) json_put_string(w, span_trim(part));
    }
    json_close_array(w);
    return true;
}

/* NAME=VALUE: false after saying so. */
static bool split(const char *option, const char *text, span *ret_name, span *ret_value) {
    *ret_value = span_cstr(text);
    const bool pair = strchr(text, '=') && span_cut(ret_value, '=', ret_name) && ret_name->len;
    if (!pair) cli_complain("--%s is %s; expected NAME=VALUE", option, text);
    return pair;
}

static void put_name(json_writer *w, span name) {
    if (w->comma) buf_add_char(w->out, ',');
    json_write_string(w->out, name);
    buf_add_char(w->out, ':');
    w->comma = false;
}

/* A later pair of the same name would have to win, or to lose. */
static bool is_new(const cli_args *args, size_t option, const char *shown, size_t at, span name) {
    for (size_t i = 0; i < at; i++) {
        span value = span_cstr(cli_value(args, option, i)), other;
        if (!span_cut(&value, '=', &other) || !span_eq(other, name)) continue;
        cli_complain("--%s says %.*s twice", shown, SPAN_ARG(name));
        return false;
    }
    return true;
}

static bool put_pairs(json_writer *w, const cli_args *args, key_wish_kind kind, size_t option,
                      const char *name, const char *member) {
    const char *text = args->values[option];
    span left, right;
    if (!text) return true;
    if (!is_alone(args, option, name)) return false;
    json_key(w, member);
    if (!*text) {
        json_put_null(w);
        return true;
    }
    json_open_object(w);
    for (size_t i = 0; (text = cli_value(args, option, i)); i++) {
        if (!split(name, text, &left, &right) || !is_new(args, option, name, i, left)) return false;
        put_name(w, left);
        if (kind == WISH_CHANGE && !right.len)
            json_put_null(w);
        else
            json_put_string(w, right);
    }
    json_close_object(w);
    return true;
}

/* ---- any option of an entry of clients ---- */

typedef struct pair {
    span path, value;
} pair;

/* Below prefix: the next name of its path, and whether it ends there. */
static bool is_under(span path, span prefix, span *ret_name, bool *ret_ends) {
    if (prefix.len) {
        if (!span_starts(path, prefix) || path.len == prefix.len || path.ptr[prefix.len] != '.')
            return false;
        path = span_slice(path, prefix.len + 1, path.len);
    }
    *ret_name = span_slice(path, 0, span_find(path, 0, '.'));
    *ret_ends = ret_name->len == path.len;
    return true;
}

typedef struct options {
    pair *items;
    size_t count;
} options;

/* Of those of one name the first stands for all; one that ends there must be alone. */
static bool is_first(const options *all, span prefix, size_t at, bool *ret_first) {
    span name, other;
    bool ends, other_ends;
    (void)is_under(all->items[at].path, prefix, &name, &ends);
    *ret_first = true;
    for (size_t i = 0; i < all->count; i++) {
        if (i == at || !is_under(all->items[i].path, prefix, &other, &other_ends)) continue;
        if (!span_eq(name, other)) continue;
        if (ends || other_ends) {
            cli_complain("--option says %.*s twice", SPAN_ARG(all->items[at].path));
            return false;
        }
        *ret_first = *ret_first && i > at;
    }
    return true;
}

/* As the file would have it: a number, true, false; what is empty takes away. */
static void put_value(json_writer *w, span value) {
    uint64_t number;
    if (!value.len)
        json_put_null(w);
    else if (span_u64(value, &number))
        json_put_u64(w, number);
    else if (span_eq(value, SPAN_OF("true")) || span_eq(value, SPAN_OF("false")))
        json_put_bool(w, value.ptr[0] == 't');
    else
        json_put_string(w, value);
}

/* What stands below prefix; of the outermost all but what is in limits, which have options of their
 * own. */
static bool put_under(json_writer *w, const options *all, span prefix) {
    span name;
    bool ends, first;
    for (size_t i = 0; i < all->count; i++) {
        const pair *p = &all->items[i];
        if (!is_under(p->path, prefix, &name, &ends)) continue;
        if (!prefix.len && !ends && span_eq(name, SPAN_OF("limits"))) continue;
        if (!is_first(all, prefix, i, &first)) return false;
        if (!first) continue;
        put_name(w, name);
        if (ends) {
            put_value(w, p->value);
        } else {
            json_open_object(w);
            const span inner = span_from(p->path.ptr, (size_t)(name.ptr + name.len - p->path.ptr));
            if (!put_under(w, all, inner)) return false;
            json_close_object(w);
        }
        w->comma = true;
    }
    return true;
}

/* What an option of its own says is said there alone. */
static bool is_others(const cli_args *args, span path) {
    static const struct {
        size_t option;
        const char *member, *shown;
    } own[] = {
        {OPT_NAME, "name", "name"},
        {OPT_EXPIRES, "expires", "expires"},
        {OPT_MODELS, "models", "models"},
        {OPT_ENDPOINTS, "endpoints", "endpoints"},
        {OPT_ADDRESSES, "addresses", "addresses"},
        {OPT_OWNER, "owner", "owner"},
        {OPT_ENVIRONMENT, "environment", "environment"},
        {OPT_TAG, "tags", "tag"},
        {OPT_METADATA, "metadata", "metadata"},
    };
    const span outermost = span_slice(path, 0, span_find(path, 0, '.'));
    if (args->values[OPT_LIMIT] && span_eq(path, SPAN_OF("limits"))) {
        cli_complain("--option says limits, and --limit does too; give one of them");
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!span_eq(outermost, span_cstr(own[i].member)) || !args->values[own[i].option]) continue;
        cli_complain("--option says %.*s, and --%s does too; give one of them", SPAN_ARG(path),
                     own[i].shown);
        return true;
    }
    return false;
}

static bool read_options(const cli_args *args, arena *a, options *ret) {
    const char *text;
    *ret = (options){0};
    while (cli_value(args, OPT_OPTION, ret->count))
        ret->count++;
    ret->items = arena_zalloc(a, (ret->count + 1) * sizeof *ret->items);
    for (size_t i = 0; (text = cli_value(args, OPT_OPTION, i)); i++)
        if (!split("option", text, &ret->items[i].path, &ret->items[i].value) ||
            is_others(args, ret->items[i].path))
            return false;
    return true;
}

/* ---- limits ---- */

/* Of limits.request there is more than one, each by its path. */
static bool is_kind(span kind) {
    static const span kinds[] = {SPAN("requests"), SPAN("tokens"), SPAN("spend"), SPAN("parallel")};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (span_eq(kind, kinds[i])) return true;
    cli_complain("--limit has no kind %.*s; expected requests, tokens, spend or parallel",
                 SPAN_ARG(kind));
    return false;
}

/* All that is said of one kind, which several options may do: each for a period. */
static bool put_limits_of(json_writer *w, const cli_args *args, span kind, size_t first) {
    span name, value;
    const char *text;
    put_name(w, kind);
    size_t count = 0;
    for (size_t i = first; (text = cli_value(args, OPT_LIMIT, i)); i++) {
        if (!split("limit", text, &name, &value)) return false;
        count += span_eq(name, kind);
    }
    if (count > 1) json_open_array(w);
    for (size_t i = first; (text = cli_value(args, OPT_LIMIT, i)); i++)
        if (split("limit", text, &name, &value) && span_eq(name, kind)) put_value(w, value);
    if (count > 1) json_close_array(w);
    w->comma = true;
    return true;
}

static bool was_before(const cli_args *args, span kind, size_t at) {
    span name, value;
    for (size_t i = 0; i < at; i++)
        if (split("limit", cli_value(args, OPT_LIMIT, i), &name, &value) && span_eq(name, kind))
            return true;
    return false;
}

static bool names_limits(const options *all) {
    span name;
    bool ends;
    for (size_t i = 0; i < all->count; i++)
        if (is_under(all->items[i].path, SPAN_OF("limits"), &name, &ends)) return true;
    return false;
}

static bool put_limits(json_writer *w, const cli_args *args, const options *all) {
    const char *text = args->values[OPT_LIMIT];
    const bool others = names_limits(all);
    span kind, value;
    if (!text && !others) return true;
    if (!is_alone(args, OPT_LIMIT, "limit")) return false;
    if (text && !*text && others) {
        cli_complain("--limit '' takes all of them away, and --option says limits too; give one "
                     "of them");
        return false;
    }
    json_key(w, "limits");
    if (text && !*text) {
        json_put_null(w);
        return true;
    }
    json_open_object(w);
    for (size_t i = 0; (text = cli_value(args, OPT_LIMIT, i)); i++) {
        if (!split("limit", text, &kind, &value) || !is_kind(kind)) return false;
        if (!was_before(args, kind, i) && !put_limits_of(w, args, kind, i)) return false;
    }
    if (!put_under(w, all, SPAN_OF("limits"))) return false;
    json_close_object(w);
    return true;
}

/* ---- all of it ---- */

static bool put_rights(json_writer *w, const cli_args *args, key_wish_kind kind, arena *a) {
    options others;
    if (!read_options(args, a, &others)) return false;
    put_text(w, args, OPT_EXPIRES, "expires");
    put_text(w, args, OPT_OWNER, "owner");
    put_text(w, args, OPT_ENVIRONMENT, "environment");
    return put_list(w, args, OPT_MODELS, "models") &&
           put_list(w, args, OPT_ENDPOINTS, "endpoints") &&
           put_list(w, args, OPT_ADDRESSES, "addresses") && put_limits(w, args, &others) &&
           put_pairs(w, args, kind, OPT_TAG, "tag", "tags") &&
           put_pairs(w, args, kind, OPT_METADATA, "metadata", "metadata") &&
           put_under(w, &others, SPAN_EMPTY);
}

int keys_read_wish(const cli_args *args, key_wish_kind kind, arena *a, key_wish *ret) {
    buf json = BUF_EMPTY, why = BUF_EMPTY;
    span param;
    json_writer w = json_writer_of(&json);
    json_open_object(&w);
    if (kind == WISH_NEW) {
        json_key(&w, "name");
        json_put_string(&w, span_cstr(args->values[OPT_NAME]));
    }
    bool good = put_rights(&w, args, kind, a);
    json_close_object(&w);
    if (good && !key_wish_read(buf_span(&json), kind, clock_wall_us(), a, ret, &param, &why)) {
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
        good = false;
    }
    ret->by_name = true;
    buf_done(&json);
    buf_done(&why);
    return good ? CLI_OK : CLI_USAGE;
}
