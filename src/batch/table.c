#include "batch/table.h"

#include "batch/csv.h"

#include <string.h>

enum { NAMES_SHOWN = 12, NAME_SHOWN_MAX = 40 };

char table_separator_of(span path) {
    if (span_iends(path, SPAN_OF(".csv"))) return ',';
    return span_iends(path, SPAN_OF(".tsv")) ? '\t' : 0;
}

static void add_names(const span *names, size_t count, buf *out) {
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        buf_add_cstr(out, i ? ", " : "");
        buf_add_excerpt(out, names[i], NAME_SHOWN_MAX);
    }
    if (count > NAMES_SHOWN) buf_add_cstr(out, " …");
}

/* How many columns have the name; *ret_at: the first. */
static size_t find(const span *names, size_t count, span name, size_t *ret_at) {
    size_t found = 0;
    for (size_t i = count; i-- > 0;) {
        if (!span_eq(span_trim(names[i]), name)) continue;
        *ret_at = i;
        found++;
    }
    return found;
}

static bool miss(const span *names, size_t count, span name, size_t found, const char *option,
                 buf *ret_why) {
    buf_addf(ret_why, "%s column is called '", found ? "more than one" : "no");
    buf_add_excerpt(ret_why, name, NAME_SHOWN_MAX);
    buf_addf(ret_why, "' (%s); the header has: ", option);
    add_names(names, count, ret_why);
    return false;
}

/* The only column, unless its name is a whole header that another sign separates, or a whole file
 * whose lines end in CR: each record would be asked as it stands. */
static bool is_one_column(const table *t, span name, buf *ret_why) {
    const char others[] = {';', '\r', t->separator == ',' ? '\t' : ',', '\0'};
    bool one = true;
    for (const char *c = others; *c; c++)
        one = one && span_find(name, 0, *c) == name.len;
    if (one) return true;
    buf_addf(ret_why, "the header has one column, '");
    buf_add_excerpt(ret_why, name, NAME_SHOWN_MAX);
    buf_addf(ret_why,
             "': columns are separated by %s here, and lines end in LF or CRLF; --prompt-column "
             "asks it as it stands",
             t->separator == ',' ? "commas" : "tabs");
    return false;
}

static bool find_prompt(table *t, const span *names, span wish, buf *ret_why) {
    span name = wish.len ? wish : SPAN_OF("prompt");
    size_t found = find(names, t->columns, name, &t->prompt);
    if (found == 1) return true;
    if (!found && !wish.len && t->columns == 1) return is_one_column(t, names[0], ret_why);
    return miss(names, t->columns, name, found, "--prompt-column", ret_why);
}

static bool find_id(table *t, const span *names, span wish, buf *ret_why) {
    span name = wish.len ? wish : SPAN_OF("custom_id");
    size_t at, found = find(names, t->columns, name, &at);
    t->id = found ? (long)at : TABLE_NO_COLUMN;
    if (found == 1 || (!found && !wish.len)) return true;
    return miss(names, t->columns, name, found, "--id-column", ret_why);
}

bool table_read_header(table *t, span record, const table_wish *wish, buf *ret_why) {
    arena a;
    span *names;
    arena_init(&a, 0);
    t->prompt = 0;
    csv_fault fault = csv_read(record, t->separator, &a, &names, &t->columns);
    if (fault != CSV_GOOD) buf_addf(ret_why, "the header has %s", csv_fault_text(fault));
    bool ok = fault == CSV_GOOD &&
              (wish->no_prompt || find_prompt(t, names, wish->prompt, ret_why)) &&
              find_id(t, names, wish->id, ret_why);
    t->headed = ok;
    arena_done(&a);
    return ok;
}
