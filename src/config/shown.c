#include "config/shown.h"

#include "config/option.h"

#include <ctype.h>
#include <string.h>

enum {
    TEXT_MAX = 60,        /* of a value that is quoted */
    PATH_BYTES_MAX = 200, /* of an absolute path */
    PROVEN_MAX = 24,      /* of one that is quoted where secrets stand */
    LINE_BYTES_MAX = 160, /* of a line that is shown */
    DIGITS_MAX = 20,      /* of a number */
    UNIT_MAX = 2,         /* "ms", "KB" */
    COUNT_MAX = 4,        /* digits beside a word of the table: "10minutes" */
    COUNTED_MAX = 6,      /* "4o", "v1", "node12" */
    MIXED_COST = 8,       /* as many letters as such a one counts for, */
    SHORT_MAX = 3,        /* but for "v1" */
    WORD_MAX = 12,        /* of a word that is not the table's */
    CAPITALS_MAX = 4,     /* "API" */
    NEAR_MAX = 2,         /* letters that are wrong in a section's name */
    LETTERS_MAX = 20,     /* of all such words of a text together: no passphrase passes */
    LINE_LETTERS = 40,    /* of a line */
};

/* ---- the table's own words ---- */

static bool next_run(span *rest, span *ret) {
    size_t from = 0;
    while (from < rest->len && !isalnum((unsigned char)rest->ptr[from]))
        from++;
    size_t end = from;
    while (end < rest->len && isalnum((unsigned char)rest->ptr[end]))
        end++;
    *ret = span_slice(*rest, from, end);
    *rest = span_slice(*rest, end, rest->len);
    return ret->len > 0;
}

static bool says(const char *text, span word) {
    span rest = span_cstr(text), run;
    while (next_run(&rest, &run))
        if (span_ieq(run, word)) return true;
    return false;
}

static bool option_says(const option *o, span word) {
    const char *const texts[] = {o->path, o->standard, o->min, o->max, o->zero, o->type->expected};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (says(texts[i], word)) return true;
    for (size_t i = 0; o->words && o->words[i]; i++)
        if (says(o->words[i], word)) return true;
    return false;
}

static bool is_table_word(span word) {
    static const char more[] =
        "true false on off yes no null bytes seconds minutes hours days percent "
        "s ms m h d b kb mb gb kib mib gib"
#define X(kind, functions, url, key_env, max_tokens, ids) " " #kind
#include "config/kinds.def"
#undef X
        ;
    if (says(more, word)) return true;
    for (size_t s = 0; option_scopes[s]; s++)
        for (size_t i = 0; i < option_scopes[s]->count; i++)
            if (option_says(&option_scopes[s]->options[i], word)) return true;
    return false;
}

/* ---- one run of letters and digits ---- */

typedef struct run_parts {
    size_t digits_first, letters, digits_last; /* in this order, and nothing behind them */
    size_t capitals;
    bool whole;
} run_parts;

static size_t count(span s, size_t at, int (*is)(int)) {
    size_t end = at;
    while (end < s.len && is((unsigned char)s.ptr[end]))
        end++;
    return end - at;
}

static run_parts parts_of(span run) {
    run_parts p = {.digits_first = count(run, 0, isdigit)};
    p.letters = count(run, p.digits_first, isalpha);
    p.digits_last = count(run, p.digits_first + p.letters, isdigit);
    for (size_t i = 0; i < run.len; i++)
        p.capitals += isupper((unsigned char)run.ptr[i]) != 0;
    p.whole = p.digits_first + p.letters + p.digits_last == run.len;
    return p;
}

/* How a text is judged. The table is only asked where it is needed: that takes longer. */
typedef struct judge {
    bool table;     /* its words are harmless, however long */
    size_t letters; /* that are only likely to be harmless */
} judge;

static bool run_may(judge *j, span run) {
    run_parts p = parts_of(run);
    bool number = p.digits_first && p.letters <= UNIT_MAX && !p.digits_last;
    if (number) return p.whole && run.len <= DIGITS_MAX;
    span word = span_slice(run, p.digits_first, p.digits_first + p.letters);
    if (j->table && p.whole && run.len - word.len <= COUNT_MAX && is_table_word(word)) return true;
    j->letters += word.len < run.len && run.len > SHORT_MAX ? MIXED_COST : p.letters;
    bool one_case = p.capitals == 0 || p.capitals == p.letters ||
                    (p.capitals == 1 && isupper((unsigned char)word.ptr[0]));
    if (!p.whole || !one_case) return false;
    if (word.len < run.len) return run.len <= COUNTED_MAX;
    return run.len <= (p.capitals > 1 ? (size_t)CAPITALS_MAX : (size_t)WORD_MAX);
}

/* ---- a text ---- */

bool shown_is_variable(span s) {
    for (size_t i = 0; i < s.len; i++) {
        bool good = isalnum((unsigned char)s.ptr[i]) || s.ptr[i] == '_';
        if (!good || (i == 0 && isdigit((unsigned char)s.ptr[i]))) return false;
    }
    return s.len > 0;
}

/* Letters beyond ASCII are no key's, but may be a password's. */
static bool sign_may(judge *j, unsigned char c) {
    if (c >= 0xC0) j->letters++;
    return c >= 0x80 || isalnum(c) || (c && strchr(" -_./:*,%?[]$'\"", c));
}

/* Without references. */
static bool plain_may(judge *j, span text) {
    if (span_starts(text, SPAN_OF("sk-")) || !span_is_utf8(text)) return false;
    for (size_t i = 0; i < text.len; i++)
        if (!sign_may(j, (unsigned char)text.ptr[i])) return false;
    span rest = text, run;
    while (next_run(&rest, &run))
        if (!run_may(j, run)) return false;
    return true;
}

/* A key may look like a name, as hf_… does; those of variables are mostly capitals. */
bool shown_variable(span name) {
    judge j = {.table = true};
    bool small = false;
    for (size_t i = 0; i < name.len; i++)
        small |= islower((unsigned char)name.ptr[i]) != 0;
    return shown_is_variable(name) && name.len <= TEXT_MAX &&
           (!small || (plain_may(&j, name) && j.letters <= LETTERS_MAX));
}

/* What stands between ${ and }. */
static bool reference_may(judge *j, span inside) {
    size_t at = span_find_span(inside, 0, SPAN_OF(":-"));
    return shown_variable(span_slice(inside, 0, at)) &&
           plain_may(j, span_slice(inside, at < inside.len ? at + 2 : at, inside.len));
}

static bool text_may(judge *j, span text) {
    for (size_t at = 0; at < text.len;) {
        size_t open = span_find_span(text, at, SPAN_OF("${")), close = span_find(text, open, '}');
        if (!plain_may(j, span_slice(text, at, open))) return false;
        if (open == text.len) break;
        if (close == text.len) return false;
        if (!reference_may(j, span_slice(text, open + 2, close))) return false;
        at = close + 1;
    }
    return true;
}

static bool is_path(span text) {
    return span_starts(text, SPAN_OF("/")) || span_starts(text, SPAN_OF("unix:/"));
}

/* Words that blanks part are a sentence, or a passphrase; after a number they are its unit. */
static bool may(judge *j, span text) {
    bool words = span_find(text, 0, ' ') < text.len,
         number = text.len && isdigit((unsigned char)text.ptr[0]);
    size_t most = !words ? LETTERS_MAX : number ? WORD_MAX : 0;
    if (is_path(text)) return text.len <= PATH_BYTES_MAX && !words && text_may(j, text);
    return text.len <= TEXT_MAX && text_may(j, text) && j->letters <= most;
}

bool shown_may(span text) {
    return may(&(judge){.table = false}, text) || may(&(judge){.table = true}, text);
}

bool shown_proven(span text) {
    judge j = {.table = true};
    return text.len <= PROVEN_MAX && text_may(&j, text) && j.letters == 0;
}

/* ---- a line ---- */

static span nearest_section(span name) {
    span best = SPAN_EMPTY;
    size_t best_distance = name.len <= 3 ? NEAR_MAX : NEAR_MAX + 1; /* one less is near enough */
    for (size_t i = 0; i < scope_file.count; i++) {
        span path = span_cstr(scope_file.options[i].path);
        span section = span_slice(path, 0, span_find(path, 0, '.'));
        size_t distance = span_distance(name, section);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = section;
    }
    return best;
}

/* Also `retry.base`, and a name that is misspelt, but not so much that another might be meant. */
static bool is_open_section(span name) {
    span meant = nearest_section(span_slice(name, 0, span_find(name, 0, '.')));
    return meant.len && !span_eq(meant, SPAN_OF("providers")) &&
           !span_eq(meant, SPAN_OF("clients"));
}

static size_t indentation(span line) {
    size_t n = 0;
    while (n < line.len && line.ptr[n] == ' ')
        n++;
    return n;
}

/* Nothing, a comment, or what stands before a document. */
static bool is_aside(span line) {
    span text = span_trim(line);
    return text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == '%' ||
           span_eq(text, SPAN_OF("---"));
}

/* "retry" of `retry: …`, also in quotes; empty: the line begins nothing that has a name. */
static span name_of(span line) {
    span name = span_trim(span_slice(line, 0, span_find(line, 0, ':')));
    if (name.len == line.len || name.len < 2 || strchr("{[", name.ptr[0])) return SPAN_EMPTY;
    char quote = name.ptr[0];
    bool quoted = (quote == '"' || quote == '\'') && name.ptr[name.len - 1] == quote;
    return quoted ? span_slice(name, 1, name.len - 1) : name;
}

/* Whose section the line stands in is read off the indentation alone, for the text may be broken in
 * any way. What is not plainly below the name of a section that may be shown is not shown.
 * *ret_name: where the section's own name ends in this line; 0: it stands in another. */
static bool find_line(span source, unsigned line, span *ret, size_t *ret_name) {
    span rest = source, part = SPAN_EMPTY, section = SPAN_EMPTY;
    size_t margin = SIZE_MAX;
    *ret_name = 0;
    for (unsigned i = 1; i <= line; i++) {
        if (!span_cut(&rest, '\n', &part)) return false;
        *ret_name = 0;
        if (is_aside(part)) continue;
        size_t indent = indentation(part);
        if (margin == SIZE_MAX) margin = indent;
        bool item = indent == margin && part.ptr[indent] == '-';
        if (indent > margin || item) continue;
        section = name_of(part);
        *ret_name = span_find(span_slice(part, 0, span_find(part, 0, ':')), 0, '.');
    }
    *ret = part;
    return is_open_section(section);
}

static bool mentions_secret(span line) {
    static const char *const words[] = {"key",    "secret",   "headers: {",    "-token",
                                        "bearer", "password", "authorization", "postgres"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        for (size_t at = 0; at < line.len; at++)
            if (span_istarts(span_slice(line, at, line.len), span_cstr(words[i]))) return true;
    return false;
}

static span without_comment(span line) {
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || strchr(" \t", line.ptr[i - 1])))
            return span_slice(line, 0, i);
    return line;
}

/* Where what begins at `at` ends: a reference with its braces, else up to what parts YAML's words.
 */
static size_t token_end(span line, size_t at) {
    while (at < line.len && !strchr(" \t,[]{}\"'", line.ptr[at])) {
        if (!span_starts(span_slice(line, at, line.len), SPAN_OF("${"))) {
            at++;
            continue;
        }
        at = span_find(line, at, '}');
        if (at < line.len) at++;
    }
    return at;
}

static void cover(buf *out, span token) {
    for (size_t i = 0; i < token.len; i++)
        if (((unsigned char)token.ptr[i] & 0xC0) != 0x80) buf_add_char(out, '*');
}

span shown_line(arena *a, span source, unsigned line) {
    span text;
    size_t name = 0;
    if (!find_line(source, line, &text, &name)) return SPAN_EMPTY;
    if (span_ends(text, SPAN_OF("\r"))) text.len--;
    if (text.len == 0 || text.len > LINE_BYTES_MAX || !span_is_utf8(text) || mentions_secret(text))
        return SPAN_EMPTY;
    text = without_comment(text);
    buf out = BUF_EMPTY;
    judge j = {.table = true};
    buf_add(&out, span_slice(text, 0, name)); /* like a section's, or it would not be shown */
    for (size_t at = name; at < text.len;) {
        size_t end = token_end(text, at);
        span token = span_slice(text, at, end > at ? end : at + 1);
        bool plain = end == at || is_path(token) || text_may(&j, token);
        if (plain && (end == at || shown_may(token)))
            buf_add(&out, token);
        else
            cover(&out, token);
        at += token.len;
    }
    span shown = j.letters <= LINE_LETTERS ? arena_dup(a, buf_span(&out)) : SPAN_EMPTY;
    buf_done(&out);
    return shown;
}
