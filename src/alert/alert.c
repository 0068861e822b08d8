#include "alert/alert.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>

alert_level alert_kind_level(alert_kind k) {
    static const alert_level levels[] = {
#define X(id, name, level, again, sentence) ALERT_##level,
#include "config/alert_kinds.def"
#undef X
    };
    return levels[k];
}

alert_again alert_kind_again(alert_kind k) {
    static const alert_again when[] = {
#define X(id, name, level, again, sentence) ALERT_##again,
#include "config/alert_kinds.def"
#undef X
    };
    return when[k];
}

const char *alert_level_name(alert_level l) {
    static const char *const names[] = {"info", "warning", "critical"};
    return names[l];
}

alert *alert_new(const alert_finding *f, rng *r, int64_t wall_us, uint64_t passed_over) {
    alert *a = mem_zalloc(sizeof *a);
    *a = (alert){.refs = 1, .kind = f->kind, .at_us = wall_us, .passed_over = passed_over};
    id_new(r, wall_us, a->id);
    buf_add(&a->sentence, f->sentence);
    for (size_t i = 0; i < f->fact_count; i++) {
        const alert_fact *fact = &f->facts[i];
        buf_addf(&a->facts, ",\"%s\":", fact->name);
        if (fact->number)
            buf_add(&a->facts, fact->value);
        else
            json_write_string(&a->facts, fact->value);
    }
    return a;
}

alert *alert_ref(alert *a) {
    a->refs++;
    return a;
}

void alert_unref(alert *a) {
    if (!a || --a->refs) return;
    buf_done(&a->sentence);
    buf_done(&a->facts);
    free(a);
}

/* ---- as JSON ---- */

static void write_json(const alert *a, buf *out) {
    char at[CLOCK_RFC3339_LEN + 1];
    clock_rfc3339(a->at_us, at);
    buf_addf(out,
             "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":{\"id\":\"%s\",\"level\":\"%s\","
             "\"message\":",
             alert_kind_name(a->kind), at, a->id, alert_level_name(alert_kind_level(a->kind)));
    json_write_string(out, buf_span(&a->sentence));
    buf_add(out, buf_span(&a->facts));
    if (a->passed_over) {
        buf_add_cstr(out, ",\"passed_over\":");
        buf_add_u64(out, a->passed_over);
    }
    buf_add_cstr(out, "}}");
}

/* ---- as Slack's text ---- */

/* What begins a link or a mention there. */
static void add_escaped(span s, buf *out) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '&')
            buf_add_cstr(out, "&amp;");
        else if (s.ptr[i] == '<')
            buf_add_cstr(out, "&lt;");
        else if (s.ptr[i] == '>')
            buf_add_cstr(out, "&gt;");
        else
            buf_add_char(out, s.ptr[i]);
    }
}

static void write_slack(const alert *a, buf *out) {
    static const char *const marks[] = {":information_source:", ":warning:", ":rotating_light:"};
    buf text = BUF_EMPTY;
    buf_addf(&text, "%s *weir* `%s` ", marks[alert_kind_level(a->kind)], alert_kind_name(a->kind));
    add_escaped(buf_span(&a->sentence), &text);
    if (a->passed_over) {
        buf_add_cstr(&text, " (and ");
        buf_add_u64(&text, a->passed_over);
        buf_add_cstr(&text, " times more since this was last told)");
    }
    buf_add_cstr(out, "{\"text\":");
    json_write_string(out, buf_span(&text));
    buf_add_char(out, '}');
    buf_done(&text);
}

void alert_write(const alert *a, config_webhook_format format, buf *out) {
    if (format == WEBHOOK_SLACK)
        write_slack(a, out);
    else
        write_json(a, out);
}
