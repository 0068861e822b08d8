/* The kinds of value that say who a client is and what it may do: networks, pairs of a name and a
 * text, instants. */
#include "base/clock.h"
#include "config/reader.h"
#include "config/rights.h"
#include "config/write.h"

#include <arpa/inet.h>

/* ---- networks ---- */

typedef struct network_list {
    cidr *items;
    size_t count;
} network_list;

enum { NETWORKS_MAX = 256 };

COLD static bool read_network(reader *r, const option *o, span name, const yaml_node *node,
                              cidr *ret) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    return cidr_parse(text, ret) || reader_expected(r, o, name, node);
}

COLD static bool read_networks(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    network_list list = {0};
    const bool many = node->kind == YAML_LIST;
    if (node->kind == YAML_MAP || yaml_is_null(node) || node->count > NETWORKS_MAX)
        return reader_expected(r, o, name, node);
    list.items = arena_zalloc(r->arena, (node->count + 1) * sizeof *list.items);
    bool ok = true;
    for (const yaml_node *item = many ? node->first : node; item; item = many ? item->next : NULL) {
        span at = many ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), list.count) : name;
        ok &= read_network(r, o, at, item, &list.items[list.count++]);
    }
    if (ok) memcpy(field, &list, sizeof list);
    return ok;
}

COLD static void write_network(const cidr *c, buf *out) {
    enum { V4_FROM = 96, V4_AT = 12 };
    static const unsigned char v4[V4_AT] = {[10] = 0xFF, [11] = 0xFF};
    char text[INET6_ADDRSTRLEN];
    const bool is_v4 = c->bits >= V4_FROM && !memcmp(c->network.bytes, v4, sizeof v4);
    const void *from = c->network.bytes + (is_v4 ? V4_AT : 0);
    inet_ntop(is_v4 ? AF_INET : AF_INET6, from, text, sizeof text);
    buf_addf(out, "\"%s/%d\"", text, c->bits - (is_v4 ? V4_FROM : 0));
}

COLD static void write_networks(const option *o, const void *field, buf *out) {
    (void)o;
    network_list list;
    memcpy(&list, field, sizeof list);
    buf_add_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_network(&list.items[i], out);
    }
    buf_add_char(out, ']');
}

const option_type type_networks = {
    "network or networks",
    "an address or a network such as 10.0.0.0/8 or 2001:db8::/32, or a list of up to 256",
    read_networks, write_networks, TELLS_TEXT};

/* ---- labels ---- */

typedef struct label_list {
    config_header *items;
    size_t count;
} label_list;

enum { LABELS_MAX = 16, LABEL_NAME_MAX = 64, LABEL_VALUE_MAX = 512 };
enum { TAGS_MOST = 8, TAG_NAME_MOST = 32, TAG_VALUE_MOST = 64 }; /* as exchange/tags.h has them */

static bool is_clean(span text, size_t most) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return text.len <= most;
}

typedef bool label_fits_fn(span name, span value);

static bool is_label(span name, span value) {
    return name.len && is_clean(name, LABEL_NAME_MAX) && is_clean(value, LABEL_VALUE_MAX);
}

static bool is_tag(span name, span value) {
    static const char more[] = "_.-";
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i], letter = (char)(c | 32);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && !strchr(more, c))
            return false;
    }
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~' || value.ptr[i] == ',') return false;
    return name.len && name.len <= TAG_NAME_MOST && value.len && value.len <= TAG_VALUE_MOST;
}

COLD static bool read_pairs(reader *r, const option *o, span name, const yaml_node *node,
                            size_t most, label_fits_fn *fits, void *field) {
    label_list list = {0};
    if (node->kind != YAML_MAP || node->count > most) return reader_expected(r, o, name, node);
    list.items = arena_zalloc(r->arena, (node->count + 1) * sizeof *list.items);
    bool ok = true;
    for (const yaml_node *key = node->first; key; key = key->next) {
        span at = reader_member(r, name, node, key), value = SPAN_EMPTY;
        if (!reader_text(r, o, at, key->value, &value)) {
            ok = false;
        } else if (!fits(key->text, value)) {
            ok = reader_expected(r, o, at, key->value);
        } else {
            list.items[list.count++] = (config_header){arena_dup(r->arena, key->text), value};
        }
    }
    if (ok) memcpy(field, &list, sizeof list);
    return ok;
}

COLD static bool read_labels(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return read_pairs(r, o, name, node, LABELS_MAX, is_label, field);
}

COLD static bool read_tags(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    return read_pairs(r, o, name, node, TAGS_MOST, is_tag, field);
}

COLD static void write_labels(const option *o, const void *field, buf *out) {
    (void)o;
    label_list list;
    memcpy(&list, field, sizeof list);
    buf_add_char(out, '{');
    for (size_t i = 0; i < list.count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(list.items[i].name, out);
        buf_add_cstr(out, ": ");
        write_string(list.items[i].value, out);
    }
    buf_add_char(out, '}');
}

const option_type type_labels = {
    "mapping of texts",
    "a mapping of up to 16 names, of up to 64 bytes each, to texts of up to 512", read_labels,
    write_labels, TELLS_TEXT};
const option_type type_tags = {
    "mapping of tags",
    "a mapping of up to 8 names (letters, digits, '_', '.', '-', up to 32) to texts of up to 64 "
    "printable ASCII characters without a comma",
    read_tags, write_labels, TELLS_TEXT};

/* ---- instants ---- */

bool config_instant_parse(span text, int64_t *ret_wall_us) {
    enum { DATE_LEN = 10 };
    char day[CLOCK_RFC3339_LEN + 1] = "YYYY-MM-DDT00:00:00Z";
    if (clock_parse_rfc3339(text, ret_wall_us)) return true;
    if (text.len != DATE_LEN) return false;
    memcpy(day, text.ptr, DATE_LEN);
    return clock_parse_rfc3339(span_cstr(day), ret_wall_us);
}

COLD static bool read_instant(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    span text;
    int64_t at = 0;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!span_eq(text, SPAN_OF("never")) && (!config_instant_parse(text, &at) || at <= 0))
        return reader_expected(r, o, name, node);
    *(int64_t *)field = at;
    return true;
}

COLD static void write_instant(const option *o, const void *field, buf *out) {
    (void)o;
    char text[CLOCK_RFC3339_LEN + 1];
    const int64_t at = *(const int64_t *)field;
    if (at) clock_rfc3339(at, text);
    buf_add_cstr(out, at ? text : "never");
}

const option_type type_instant = {"instant",
                                  "an instant such as 2026-12-31T00:00:00Z, a date, or never",
                                  read_instant, write_instant, TELLS_VALUE};
