#include "cli/prices_text.h"

#include "config/write.h"
#include "json/json.h"

#include <string.h>

static void add_comma(buf *out) {
    if (!strchr("{[", out->ptr[out->len - 1])) buf_add_cstr(out, ", ");
}

/* Its numbers, but for those of `below`, which it has by itself. */
static void add_rates(json_value price, json_value below, buf *out) {
    json_iter it = json_iter_of(price);
    for (json_member m; json_next_member(&it, &m);) {
        if (m.value.type != JSON_NUMBER) continue;
        if (span_eq(json_get(below, m.key).raw, m.value.raw)) continue;
        add_comma(out);
        write_string(m.key, out);
        buf_addf(out, ": %.*s", SPAN_ARG(m.value.raw));
    }
}

static void add_tiers(json_value price, buf *out) {
    json_value tiers = json_get(price, SPAN_OF("tiers")), below = price, tier;
    if (tiers.type != JSON_ARRAY || !json_count(tiers)) return;
    add_comma(out);
    buf_add_cstr(out, "tiers: [");
    json_iter it = json_iter_of(tiers);
    while (json_next_element(&it, &tier)) {
        if (tier.type != JSON_OBJECT) continue;
        add_comma(out);
        buf_add_char(out, '{');
        add_rates(tier, below, out);
        buf_add_char(out, '}');
        below = tier;
    }
    buf_add_char(out, ']');
}

static void add_services(json_value price, buf *out) {
    json_value services = json_get(price, SPAN_OF("service_tiers"));
    bool any = false;
    if (services.type != JSON_OBJECT) return;
    json_iter it = json_iter_of(services);
    for (json_member m; json_next_member(&it, &m); any = true) {
        if (m.value.type != JSON_OBJECT) continue;
        if (!any) add_comma(out);
        buf_add_cstr(out, any ? ", " : "service_tiers: {");
        write_string(m.key, out);
        buf_add_cstr(out, ": {");
        add_rates(m.value, price, out);
        add_tiers(m.value, out);
        buf_add_char(out, '}');
    }
    if (any) buf_add_char(out, '}');
}

static void add_hours(json_value price, buf *out) {
    json_value hours = json_get(price, SPAN_OF("hours")), one;
    if (hours.type != JSON_ARRAY || !json_count(hours)) return;
    add_comma(out);
    buf_add_cstr(out, "hours: [");
    json_iter it = json_iter_of(hours);
    while (json_next_element(&it, &one)) {
        const json_value from = json_get(one, SPAN_OF("from")), to = json_get(one, SPAN_OF("to"));
        if (from.type != JSON_STRING || to.type != JSON_STRING) continue;
        add_comma(out);
        buf_addf(out, "{from: %.*s, to: %.*s", SPAN_ARG(from.raw), SPAN_ARG(to.raw));
        add_rates(one, price, out);
        add_tiers(one, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static bool add_line(json_value price, buf *out) {
    const json_value pattern = json_get(price, SPAN_OF("pattern"));
    const json_value from = json_get(price, SPAN_OF("from")), none = {JSON_NONE, SPAN_EMPTY};
    if (pattern.type != JSON_STRING || from.type != JSON_STRING) return false;
    arena texts;
    arena_init(&texts, 0);
    write_string(json_string(pattern, &texts), out);
    buf_add_cstr(out, ": {");
    add_rates(price, none, out);
    add_tiers(price, out);
    add_services(price, out);
    add_hours(price, out);
    buf_add_cstr(out, "}  # ");
    buf_add_excerpt(out, json_string(from, &texts), 256);
    buf_add_char(out, '\n');
    arena_done(&texts);
    return true;
}

prices_said prices_write(span list, buf *out) {
    json_value root, price;
    json_fault fault;
    size_t count = 0;
    if (!json_scan(list, NULL, &root, &fault) || root.type != JSON_ARRAY) return PRICES_NO_LIST;
    json_iter it = json_iter_of(root);
    for (; json_next_element(&it, &price); count++)
        if (price.type != JSON_OBJECT || !add_line(price, out)) return PRICES_NO_LIST;
    return count ? PRICES_SOME : PRICES_NONE;
}
