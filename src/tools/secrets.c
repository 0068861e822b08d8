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

static bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c) {
    return is_capital(c) || (c >= 'a' && c <= 'z');
}

/* The next word of a name, which is cut: "api", "key" of --api-key, API_KEY2 and theAPIKey. */
static bool cut_word(span *name, span *ret) {
    size_t from = 0, to;
    while (from < name->len && !is_letter(name->ptr[from]))
        from++;
    for (to = from; to < name->len && is_letter(name->ptr[to]); to++) {
        const bool small_before = to > from && !is_capital(name->ptr[to - 1]);
        const bool small_behind =
            to + 1 < name->len && is_letter(name->ptr[to + 1]) && !is_capital(name->ptr[to + 1]);
        if (to > from && is_capital(name->ptr[to]) && (small_before || small_behind)) break;
    }
    *ret = span_slice(*name, from, to);
    *name = span_slice(*name, to, name->len);
    return ret->len > 0;
}

static bool is_one_of(span word, const span *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_ieq(word, words[i])) return true;
    return false;
}

static bool is_a_secrets_name(span word) {
    static const span words[] = {
        SPAN("key"),        SPAN("auth"),      SPAN("oauth"),          SPAN("authorization"),
        SPAN("pass"),       SPAN("pwd"),       SPAN("authentication"), SPAN("bearer"),
        SPAN("credential"), SPAN("cred"),      SPAN("cookie"),         SPAN("session"),
        SPAN("signature"),  SPAN("sig"),       SPAN("accesskey"),      SPAN("authkey"),
        SPAN("secretkey"),  SPAN("sshpass"),   SPAN("privatekey"),     SPAN("sessionid"),
        SPAN("appkey"),     SPAN("masterkey"), SPAN("licensekey"),     SPAN("passcode"),
    };
    /* No other word ends so: "authtoken", "PGPASSWORD". */
    static const span ends[] = {SPAN("token"),  SPAN("secret"),     SPAN("password"),
                                SPAN("passwd"), SPAN("passphrase"), SPAN("apikey")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_iends(word, ends[i])) return true;
    return is_one_of(word, words, ARRAY_LEN(words));
}

/* One, or several: "--api-keys". */
static bool word_speaks_of_a_secret(span word) {
    return is_a_secrets_name(word) ||
           (span_iends(word, SPAN_OF("s")) && is_a_secrets_name(span_slice(word, 0, word.len - 1)));
}

/* Arguments say much that is none, so that a name's whole words have to say it: not "--author", not
 * "--no-auth", and not "--key-file", which says where one is: a tool may have to name that. */
static bool name_speaks_of_a_secret(span name) {
    static const span without[] = {SPAN("no"), SPAN("skip"), SPAN("disable"), SPAN("without")};
    static const span places[] = {SPAN("file"), SPAN("path"), SPAN("dir"), SPAN("directory"),
                                  SPAN("folder")};
    bool speaks = false, first = true;
    span word, last = SPAN_EMPTY;
    for (; cut_word(&name, &word); first = false, last = word) {
        if (first && is_one_of(word, without, ARRAY_LEN(without))) return false;
        speaks |= word_speaks_of_a_secret(word);
    }
    return speaks && !is_one_of(last, places, ARRAY_LEN(places));
}

/* Whatever looks like a word, too, as the name has said it. */
static void add_named(secret_list *all, span name, span value) {
    config_tool_pair pair = {SPAN_OF("secret"), value};
    if (name_speaks_of_a_secret(name)) add_pairs(all, &(config_tool_pairs){&pair, 1});
}

/* An option or assignment says so as well of the file that has it. */
static void add_unless_path(secret_list *all, span name, span value) {
    static const span begins[] = {SPAN("/"), SPAN("./"), SPAN("../"), SPAN("~")};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        if (span_starts(value, begins[i])) return;
    add_named(all, name, value);
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
        add_unless_path(all, span_slice(argument, 0, at), span_trim(span_slice(rest, 1, rest.len)));
}

/* "postgres://user:x@host/…", "https://host/mcp?key=x". Of what else is in it, such as
 * "/acme/2024", nothing says that it is one. */
static void add_address(secret_list *all, span argument) {
    static const span mark = SPAN("://");
    const size_t at = span_find_span(argument, 0, mark);
    if (at == argument.len) return;
    span rest = span_slice(argument, at + mark.len, argument.len), piece;
    size_t end = 0, login = 0;
    for (; end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?'; end++)
        if (rest.ptr[end] == '@') login = end;
    const size_t colon = span_find(span_slice(rest, 0, login), 0, ':');
    const span user = span_slice(rest, 0, colon), password = span_slice(rest, colon + 1, login);
    if (!span_eq(user, password)) add_both(all, password, false);
    rest = span_slice(rest, 0, span_find(rest, end, '#'));
    rest = span_slice(rest, span_find(rest, end, '?') + 1, rest.len);
    while (span_cut(&rest, '&', &piece)) {
        const size_t equals = span_find(piece, 0, '=');
        if (name_speaks_of_a_secret(span_slice(piece, 0, equals)))
            add_both(all, span_slice(piece, equals + 1, piece.len), true);
    }
}

static void add_arguments(secret_list *all, const config_tool *from) {
    span option = SPAN_EMPTY; /* the last one, without its value */
    for (size_t i = 0; from->argv && from->argv[i]; i++) {
        const span argument = span_cstr(from->argv[i]);
        const bool is_option = span_starts(argument, SPAN_OF("-"));
        if (option.len && !is_option) add_unless_path(all, option, argument);
        option = is_option && span_find(argument, 0, '=') == argument.len ? argument : SPAN_EMPTY;
        add_assigned(all, argument);
        add_address(all, argument);
    }
    for (size_t i = 0; i < from->variables.count; i++)
        add_named(all, from->variables.items[i].name, from->variables.items[i].value);
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
