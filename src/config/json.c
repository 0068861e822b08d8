/* JSON that stands in the file: as YAML, or as a text that holds it. It means what it says: ${…}
 * and
 * $$ are not replaced in it. */
#include "config/reader.h"
#include "config/write.h"

#include "json/json.h"

#include <stdlib.h>

enum { JSON_BYTES_MAX = 1 << 20 };

static bool is_one_of(span text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(text, span_cstr(words[i]))) return true;
    return false;
}

static bool is_json_number(span text) {
    json_value value;
    json_fault fault;
    return json_scan(text, NULL, &value, &fault) && value.type == JSON_NUMBER;
}

/* YAML's core schema as far as JSON has the same; whatever else is a text. Source: YAML 1.2.2
 * section 10.3.2. */
static void write_scalar(const yaml_node *node, json_writer *w) {
    static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {"false", "False",
                                                                              "FALSE"};
    if (yaml_is_null(node))
        json_put_null(w);
    else if (node->plain && is_one_of(node->text, yes, ARRAY_LEN(yes)))
        json_put_bool(w, true);
    else if (node->plain && is_one_of(node->text, no, ARRAY_LEN(no)))
        json_put_bool(w, false);
    else if (node->plain && is_json_number(node->text))
        json_put_raw(w, node->text);
    else
        json_put_string(w, node->text);
}

static void write_key(span key, json_writer *w) {
    json_put_string(w, key);
    buf_add_char(w->out, ':');
    w->comma = false;
}

/* As deep as a file may be. */
static void write_node(const yaml_node *node, json_writer *w) {
    if (node->kind == YAML_SCALAR) {
        write_scalar(node, w);
    } else if (node->kind == YAML_LIST) {
        json_open_array(w);
        for (const yaml_node *item = node->first; item; item = item->next)
            write_node(item, w);
        json_close_array(w);
    } else {
        json_open_object(w);
        for (const yaml_node *key = node->first; key; key = key->next) {
            write_key(key->text, w);
            write_node(key->value, w);
        }
        json_close_object(w);
    }
}

COLD static bool read_written(reader *r, span name, const yaml_node *node, span *ret) {
    json_value value;
    json_fault fault;
    if (!json_scan(node->text, NULL, &value, &fault)) {
        reader_problem(r, node, "%.*s is no JSON: %.*s", SPAN_ARG(name),
                       SPAN_ARG(json_fault_text(r->scratch, node->text, &fault)));
        return false;
    }
    if (value.type != JSON_OBJECT) {
        reader_problem(r, node, "%.*s is JSON, but no object", SPAN_ARG(name));
        return false;
    }
    *ret = arena_dup(r->arena, value.raw);
    return true;
}

COLD static bool read_json(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    if (yaml_is_null(node) || node->kind == YAML_LIST) return reader_expected(r, o, name, node);
    if (node->kind == YAML_SCALAR) return read_written(r, name, node, field);
    buf text = BUF_EMPTY;
    json_writer w = json_writer_of(&text);
    write_node(node, &w);
    bool ok = text.len <= JSON_BYTES_MAX;
    if (ok)
        *(span *)field = arena_dup(r->arena, buf_span(&text));
    else
        reader_problem(r, node, "%.*s has %zu bytes as JSON; allowed up to %d", SPAN_ARG(name),
                       text.len, JSON_BYTES_MAX);
    buf_done(&text);
    return ok;
}

COLD static void write_json(const option *o, const void *field, buf *out) {
    (void)o;
    span text = *(const span *)field;
    buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') buf_add_char(out, '\'');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '\'');
}
const option_type type_json = {"mapping", "a mapping, or JSON of an object in a text", read_json,
                               write_json, TELLS_VALUE};
