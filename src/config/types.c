/* The plain types of options: one value, one field. */
#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

#include <string.h>

/* ---- whole numbers with and without units ---- */

typedef bool parse_int(span text, int64_t *ret);

static bool in_range(parse_int *parse, const option *o, int64_t value) {
    int64_t limit;
    if (o->min && (!parse(span_cstr(o->min), &limit) || value < limit)) return false;
    if (o->max && (!parse(span_cstr(o->max), &limit) || value > limit)) return false;
    return true;
}

static bool out_of_range(reader *r, const option *o, span name, const yaml_node *node) {
    span said = reader_number(r, node, "out of range");
    reader_problem(r, node, "%.*s is %.*s; allowed %s%s%s to %s", SPAN_ARG(name), SPAN_ARG(said),
                   o->zero ? o->zero : "", o->zero ? ", or " : "", o->min, o->max);
    return false;
}

COLD static bool read_int(reader *r, const option *o, span name, const yaml_node *node,
                          parse_int *parse, int64_t *ret) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (o->zero && span_eq(text, span_cstr(o->zero))) {
        *ret = 0;
        return true;
    }
    int64_t value;
    if (!parse(text, &value)) {
        /* A number alone is the usual slip: then the unit is all that is missing. */
        int64_t bare;
        if (parse == unit_count || !unit_count(text, &bare) || bare > INT32_MAX)
            return reader_expected(r, o, name, node);
        span said = reader_number(r, node, "a number");
        reader_problem(r, node, "%.*s is %.*s without a unit; expected %s", SPAN_ARG(name),
                       SPAN_ARG(said), o->type->expected);
        return false;
    }
    if (!in_range(parse, o, value)) return out_of_range(r, o, name, node);
    *ret = value;
    return true;
}

COLD static bool write_zero(const option *o, bool zero, buf *out) {
    if (zero && o->zero) buf_add_cstr(out, o->zero);
    return zero && o->zero;
}

COLD static bool read_duration(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    return read_int(r, o, name, node, unit_duration, field);
}
COLD static void write_duration(const option *o, const void *field, buf *out) {
    int64_t ms = *(const int64_t *)field;
    if (!write_zero(o, ms == 0, out)) unit_write_duration(ms, out);
}
const option_type type_duration = {"duration", "a duration such as 250ms, 5s or 10m", read_duration,
                                   write_duration, TELLS_VALUE};

COLD static bool read_size(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    int64_t bytes = 0;
    if (!read_int(r, o, name, node, unit_size, &bytes)) return false;
    *(size_t *)field = (size_t)bytes;
    return true;
}
COLD static void write_size(const option *o, const void *field, buf *out) {
    size_t bytes = *(const size_t *)field;
    if (!write_zero(o, bytes == 0, out)) unit_write_size((int64_t)bytes, out);
}
const option_type type_size = {"size", "a size such as 64KB, 20MB or 1GB", read_size, write_size,
                               TELLS_VALUE};

COLD static bool read_count(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    int64_t value = 0;
    if (!read_int(r, o, name, node, unit_count, &value)) return false;
    *(unsigned *)field = (unsigned)value;
    return true;
}
COLD static void write_count(const option *o, const void *field, buf *out) {
    unsigned value = *(const unsigned *)field;
    if (!write_zero(o, value == 0, out)) buf_add_u64(out, value);
}
const option_type type_count = {"count", "a whole number", read_count, write_count, TELLS_VALUE};

COLD static bool read_integer(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    return read_int(r, o, name, node, unit_count, field);
}
COLD static void write_integer(const option *o, const void *field, buf *out) {
    const int64_t value = *(const int64_t *)field;
    if (!write_zero(o, value == 0, out)) buf_add_i64(out, value);
}
const option_type type_integer = {"count", "a whole number", read_integer, write_integer,
                                  TELLS_VALUE};

/* ---- numbers with a fraction ---- */

typedef bool parse_double(span text, double *ret);

COLD static bool read_double(reader *r, const option *o, span name, const yaml_node *node,
                             parse_double *parse, double *ret) {
    span text;
    double value, limit;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!parse(text, &value)) return reader_expected(r, o, name, node);
    if ((o->min && (!parse(span_cstr(o->min), &limit) || value < limit)) ||
        (o->max && (!parse(span_cstr(o->max), &limit) || value > limit)))
        return out_of_range(r, o, name, node);
    *ret = value;
    return true;
}

COLD static bool read_ratio(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    return read_double(r, o, name, node, unit_ratio, field);
}
COLD static void write_ratio(const option *o, const void *field, buf *out) {
    (void)o;
    unit_write_ratio(*(const double *)field, out);
}
const option_type type_ratio = {"percentage", "a percentage such as 20%", read_ratio, write_ratio,
                                TELLS_VALUE};

COLD static bool read_number(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return read_double(r, o, name, node, unit_number, field);
}
COLD static void write_number(const option *o, const void *field, buf *out) {
    (void)o;
    unit_write_number(*(const double *)field, out);
}
const option_type type_number = {"number", "a number such as 0.7", read_number, write_number,
                                 TELLS_VALUE};

/* ---- yes or no ---- */

COLD static bool read_bool(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    static const char *const yes[] = {"true", "on", "yes"}, *const no[] = {"false", "off", "no"};
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool is_yes = span_eq(text, span_cstr(yes[i]));
        if (!is_yes && !span_eq(text, span_cstr(no[i]))) continue;
        *(bool *)field = is_yes;
        return true;
    }
    return reader_expected(r, o, name, node);
}
COLD static void write_bool(const option *o, const void *field, buf *out) {
    (void)o;
    buf_add_cstr(out, *(const bool *)field ? "true" : "false");
}
const option_type type_bool = {"true or false", "true or false", read_bool, write_bool,
                               TELLS_VALUE};

COLD static bool read_switch(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return yaml_is_null(node) || read_bool(r, o, name, node, field);
}
COLD static void write_switch(const option *o, const void *field, buf *out) {
    (void)o;
    buf_add_cstr(out, *(const bool *)field ? "on" : "off");
}
const option_type type_section = {"mapping, on or off", "a mapping of options, on or off",
                                  read_switch, write_switch, TELLS_VALUE};

/* ---- words ---- */

COLD static bool read_text(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    return reader_text(r, o, name, node, field);
}
COLD static void write_text(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(*(const span *)field, out);
}
const option_type type_text = {"text", "a text", read_text, write_text, TELLS_TEXT};

static span word_at(const void *list, size_t i) {
    return span_cstr(((const char *const *)list)[i]);
}

COLD static bool read_word(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    const bool is_text = node->kind == YAML_SCALAR && !yaml_is_null(node);
    span text = SPAN_EMPTY;
    if (is_text && !reader_text(r, o, name, node, &text)) return false;
    const size_t first = !o->words[0][0]; /* what cannot be written has no word */
    size_t count = first;
    buf all = BUF_EMPTY;
    for (; o->words[count]; count++) {
        if (!is_text || !span_eq(text, span_cstr(o->words[count]))) {
            buf_addf(&all, "%s%s", count > first ? ", " : "", o->words[count]);
            continue;
        }
        int value = (int)count;
        memcpy(field, &value, sizeof value);
        buf_done(&all);
        return true;
    }
    span said = reader_said(r, node, "another word");
    span near = reader_nearest(text, word_at, o->words + first, count - first);
    if (near.len)
        reader_problem(r, node, "%.*s is %.*s; did you mean '%.*s'? Allowed: %.*s", SPAN_ARG(name),
                       SPAN_ARG(said), SPAN_ARG(near), SPAN_ARG(buf_span(&all)));
    else
        reader_problem(r, node, "%.*s is %.*s; allowed: %.*s", SPAN_ARG(name), SPAN_ARG(said),
                       SPAN_ARG(buf_span(&all)));
    buf_done(&all);
    return false;
}
COLD static void write_word(const option *o, const void *field, buf *out) {
    int value;
    memcpy(&value, field, sizeof value);
    buf_add_cstr(out, o->words[value]);
}
const option_type type_word = {"one of", "one word", read_word, write_word, TELLS_VALUE};

/* ---- lists of texts ---- */

typedef struct text_list {
    span *items;
    size_t count;
} text_list;

COLD static bool read_texts(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    text_list list = {0};
    if (node->kind == YAML_MAP || yaml_is_null(node)) return reader_expected(r, o, name, node);
    const yaml_node *first = node->kind == YAML_LIST ? node->first : node;
    list.items = arena_zalloc(r->arena, (node->count + 1) * sizeof *list.items);
    bool ok = true;
    for (const yaml_node *item = first; item; item = node->kind == YAML_LIST ? item->next : NULL) {
        span at = reader_name(r, "%.*s[%zu]", SPAN_ARG(name), list.count);
        ok &=
            reader_text(r, o, node->kind == YAML_LIST ? at : name, item, &list.items[list.count++]);
    }
    if (ok) memcpy(field, &list, sizeof list);
    return ok;
}
COLD static void write_texts(const option *o, const void *field, buf *out) {
    (void)o;
    text_list list;
    memcpy(&list, field, sizeof list);
    buf_add_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(list.items[i], out);
    }
    buf_add_char(out, ']');
}
const option_type type_texts = {"list of texts", "a text or a list of texts", read_texts,
                                write_texts, TELLS_TEXT};
