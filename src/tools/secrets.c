#include "tools/secrets.h"

#include "base/hash.h"
#include "base/mem.h"
#include "provider/secrets.h"

static void add(secret_list *all, span text) {
    secret *s = secret_new(text);
    secret_list_add(all, s);
    secret_unref(s);
}

/* ---- header fields and variables ---- */

static void add_pairs(secret_list *all, const config_tool_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        config_header header = {pairs->items[i].name, pairs->items[i].value};
        const config_provider like = {.headers = &header, .header_count = 1};
        provider_secrets(&like, NULL, all);
    }
}

/* ---- the URL ---- */

/* "%2B" is "+", and "+" a blank in a query. */
static void add_decoded(secret_list *all, span text, bool query) {
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte;
        if (text.ptr[i] == '%' && i + 2 < text.len &&
            hex_decode(span_slice(text, i + 1, i + 3), &byte, 1)) {
            buf_add_char(&out, (char)byte);
            i += 2;
        } else {
            buf_add_char(&out, query && text.ptr[i] == '+' ? ' ' : text.ptr[i]);
        }
    }
    if (!span_eq(buf_span(&out), text)) add(all, buf_span(&out));
    if (out.cap) mem_wipe(out.ptr, out.cap);
    buf_done(&out);
}

static void add_both(secret_list *all, span text, bool query) {
    add(all, text);
    add_decoded(all, text, query);
}

static bool has_letters_and_digits(span text) {
    bool letter = false, digit = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        digit |= c >= '0' && c <= '9';
        letter |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    }
    return letter && digit;
}

static void add_url(secret_list *all, span target) {
    const size_t question = span_find(target, 0, '?');
    span path = span_slice(target, 0, question), query = SPAN_EMPTY, piece;
    if (question < target.len) query = span_slice(target, question + 1, target.len);
    while (span_cut(&path, '/', &piece))
        if (piece.len >= SECRET_PIECE_MIN && has_letters_and_digits(piece))
            add_both(all, piece, false);
    while (span_cut(&query, '&', &piece)) {
        const size_t equals = span_find(piece, 0, '=');
        const span value =
            equals < piece.len ? span_slice(piece, equals + 1, piece.len) : SPAN_EMPTY;
        if (provider_header_is_secret(span_slice(piece, 0, equals), value))
            add_both(all, value, true);
    }
}

/* ---- arguments ---- */

static bool ends_with(span name, span word) {
    return name.len >= word.len && span_ieq(span_slice(name, name.len - word.len, name.len), word);
}

/* "--key-file": what it says is where a secret is, and a tool may have to name that. */
static bool names_a_place(span name) {
    static const span words[] = {SPAN("file"), SPAN("path"), SPAN("dir"), SPAN("folder")};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (ends_with(name, words[i])) return true;
    return false;
}

/* Most arguments are none, so here the name has to say it. */
static void add_named(secret_list *all, span name, span value) {
    const config_tool_pair pair = {name, value};
    if (!provider_name_speaks_of_a_secret(name) || names_a_place(name)) return;
    add_pairs(all, &(config_tool_pairs){(config_tool_pair *)&pair, 1});
}

static bool is_name_char(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '-' || c == '.';
}

/* "--token=x", "TOKEN=x", "Authorization: Bearer x" */
static void add_assigned(secret_list *all, span argument) {
    size_t at = 0;
    while (at < argument.len && is_name_char(argument.ptr[at]))
        at++;
    const span rest = span_slice(argument, at, argument.len);
    if (span_starts(rest, SPAN_OF("=")) || span_starts(rest, SPAN_OF(": ")))
        add_named(all, span_slice(argument, 0, at), span_trim(span_slice(rest, 1, rest.len)));
}

/* "postgres://user:x@host/…", "https://host/mcp?key=x" */
static void add_address(secret_list *all, span argument) {
    static const span mark = SPAN("://");
    const size_t at = span_find_span(argument, 0, mark);
    if (at == argument.len) return;
    const span rest = span_slice(argument, at + mark.len, argument.len);
    size_t end = 0, login = 0;
    for (; end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?'; end++)
        if (rest.ptr[end] == '@') login = end;
    const span user = span_slice(rest, 0, login);
    const span password = span_slice(user, span_find(user, 0, ':') + 1, user.len);
    if (password.len) add_both(all, password, false);
    add_url(all, span_slice(rest, end, rest.len));
}

/* What the file has a variable for, and that alone. */
static void add_variable(secret_list *all, span written, span argument) {
    const size_t open = span_find_span(written, 0, SPAN_OF("${"));
    const size_t close = span_find(written, open, '}');
    if (close == written.len) return;
    const span before = span_slice(written, 0, open);
    const span behind = span_slice(written, close + 1, written.len);
    span name = span_slice(written, open + 2, close);
    name = span_slice(name, 0, span_find(name, 0, ':'));
    if (argument.len < before.len + behind.len || !span_starts(argument, before) ||
        !span_eq(span_slice(argument, argument.len - behind.len, argument.len), behind))
        return;
    add_named(all, name, span_slice(argument, before.len, argument.len - behind.len));
}

static void add_arguments(secret_list *all, const config_tool *from) {
    span option = SPAN_EMPTY; /* the last one, without its value */
    for (size_t i = 0; from->argv && from->argv[i]; i++) {
        const span argument = span_cstr(from->argv[i]);
        const bool is_option = span_starts(argument, SPAN_OF("-"));
        if (option.len && !is_option) add_named(all, option, argument);
        option = is_option && span_find(argument, 0, '=') == argument.len ? argument : SPAN_EMPTY;
        add_assigned(all, argument);
        add_address(all, argument);
        if (from->written) add_variable(all, from->written[i], argument);
    }
}

/* ---- all of it ---- */

secret_set *tool_secrets_of(const config_tool *from) {
    secret_list all = {0};
    add_pairs(&all, &from->headers);
    add_pairs(&all, &from->env);
    add_url(&all, from->url.path);
    add_arguments(&all, from);
    secret_set *set = secret_set_new(all.items, all.count);
    secret_list_done(&all);
    return set;
}
