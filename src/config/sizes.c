/* limits.request: how large and how complex a request may be. */
#include "config/sizes.h"

#include "config/reader.h"
#include "config/units.h"

const span config_size_names[CONFIG_SIZES] = {
#define X(id, name, most, sentence) SPAN(name),
#include "config/sizes.def"
#undef X
};

bool config_sizes_anything(const config_sizes *s) {
    int64_t any = s->max_tokens | (int64_t)s->body_bytes;
    for (size_t i = 0; i < CONFIG_SIZES; i++)
        any |= s->most[i];
    return any != 0;
}

COLD static void add_member(const char *name, buf *out) {
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_add_cstr(out, name);
    buf_add_cstr(out, ": ");
}

COLD void config_sizes_write(const config_sizes *s, buf *out) {
    buf_add_char(out, '{');
    if (s->body_bytes) {
        add_member("body", out);
        unit_write_size((int64_t)s->body_bytes, out);
    }
    for (size_t i = 0; i < CONFIG_SIZES; i++) {
        if (!s->most[i]) continue;
        add_member(config_size_names[i].ptr, out);
        buf_add_i64(out, s->most[i]);
    }
    if (s->max_tokens) {
        add_member("max_tokens", out);
        buf_addf(out, "{at_most: %lld, over: %s}", (long long)s->max_tokens,
                 s->over == OVER_CAP ? "cap" : "refuse");
    }
    buf_add_char(out, '}');
}

COLD bool sizes_check(reader *r, span prefix, const yaml_node *map) {
    static const span steps[] = {SPAN("limits"), SPAN("request"), SPAN("max_tokens")};
    const yaml_node *node = map;
    for (size_t i = 0; i < ARRAY_LEN(steps) && node; i++)
        node = node->kind == YAML_MAP ? yaml_get(node, steps[i]) : NULL;
    if (!node || node->kind != YAML_MAP || yaml_get(node, SPAN_OF("at_most"))) return true;
    reader_problem(r, node,
                   "%.*slimits.request.max_tokens has no at_most; expected a mapping such as "
                   "{at_most: 1000, over: cap}",
                   SPAN_ARG(prefix));
    return false;
}
