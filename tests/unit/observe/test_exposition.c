/* The exposition against the rules of Prometheus' own linter, of both text formats, and against the
 * page of the docs. */
#include "unit.h"

#include "base/mem.h"
#include "observe/metrics.h"

#include <ctype.h>
#include <stdio.h>

typedef struct row {
    const char *name, *kind, *scope, *unit, *labels, *help;
} row;

static const row rows[] = {
#define X(id, name, kind, scope, buckets, unit, labels, help)                                      \
    {name, #kind, #scope, unit, labels, help},
#include "observe/metrics.def"
#undef X
};

/* As readers are told it. */
static const char *kind_of(const row *r) {
    static const char *const told[][2] = {{"COUNTER", "counter"},
                                          {"MONEY", "counter"},
                                          {"GAUGE", "gauge"},
                                          {"HISTOGRAM", "histogram"}};
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (strcmp(r->kind, told[i][0]) == 0) return told[i][1];
    fail_msg("%s is of no kind", r->name);
    return "";
}

/* ---- names, as promlint checks them ---- */

static bool has_part(const char *name, const char *part) {
    size_t len = strlen(part);
    for (const char *at = name; (at = strstr(at, part)) != NULL; at += len)
        if ((at == name || at[-1] == '_') && (at[len] == '\0' || at[len] == '_')) return true;
    return false;
}

static void lint_name(const row *r) {
    static const char *const parts[] = {"s",
                                        "ms",
                                        "us",
                                        "ns",
                                        "sec",
                                        "b",
                                        "kb",
                                        "mb",
                                        "gb",
                                        "m",
                                        "h",
                                        "d",
                                        "counter",
                                        "gauge",
                                        "histogram",
                                        "summary",
                                        "milliseconds",
                                        "microseconds",
                                        "minutes",
                                        "hours",
                                        "days",
                                        "kilobytes",
                                        "megabytes",
                                        "percent",
                                        "bucket",
                                        "count",
                                        "sum"};
    bool counter = strcmp(kind_of(r), "counter") == 0;
    for (const char *c = r->name; *c; c++)
        assert_true(islower(*c) || isdigit(*c) || *c == '_');
    assert_int_equal(span_ends(span_cstr(r->name), SPAN_OF("_total")), counter);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (has_part(r->name, parts[i])) fail_msg("%s holds _%s", r->name, parts[i]);
    assert_true(strlen(r->help) > 10 && r->help[strlen(r->help) - 1] == '.');
    if (*r->unit) assert_true(has_part(r->name, r->unit));
    assert_false(has_part(r->labels, "le") || has_part(r->labels, "quantile"));
    unsigned labels = *r->labels != '\0';
    for (const char *c = r->labels; *c; c++)
        labels += *c == ',';
    assert_true(labels <= METRIC_LABELS_MAX);
}

static void names_follow_the_rules(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        lint_name(&rows[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].name, rows[j].name);
    }
}

/* ---- a full exposition ---- */

static metrics *all;

static int fill(void **state) {
    (void)state;
    all = metrics_new();
    metrics_shard *shards[] = {metrics_add_shard(all), metrics_add_shard(all)};
    static char longest[METRIC_VALUE_MAX];
    memset(longest, '"', sizeof longest);
    const span odd[] = {SPAN("plain"),
                        SPAN("with \"quotes\", \\ and\nline"),
                        SPAN("\xE4\xBD\xA0\xE5\xA5\xBD"),
                        SPAN(""),
                        SPAN("\r\t\033[2J\177\xC2\x9B"),
                        SPAN("\n# EOF\nweir_up{} 1\n"),
                        SPAN("\\"),
                        SPAN("\xFF\xC3"),
                        span_from(longest, sizeof longest)};
    for (metric_id id = 0; id < ARRAY_LEN(rows); id++) { /* genai.def is not scraped */
        if (strcmp(rows[id].scope, "READ") == 0) continue;
        for (size_t i = 0; i < 2 * ARRAY_LEN(odd); i++) {
            span labels[METRIC_LABELS_MAX];
            for (size_t l = 0; l < METRIC_LABELS_MAX; l++)
                labels[l] = odd[(i + l) % ARRAY_LEN(odd)];
            metric_series *s = metrics_series(shards[i % 2], id, labels);
            if (strcmp(rows[id].kind, "HISTOGRAM") == 0)
                metric_observe(s, 0.0003 * (double)(1 << i));
            else
                metric_add(s, i);
        }
    }
    return 0;
}

static int empty(void **state) {
    (void)state;
    metrics_free(all);
    return 0;
}

static buf exposition(bool open_metrics) {
    buf out = BUF_EMPTY;
    metrics_write(all, open_metrics, &out);
    return out;
}

/* Cuts name{labels} value; checks the form of the labels. */
static void split_sample(span line, span *ret_name, span *ret_labels, double *ret_value) {
    size_t at = 0;
    while (at < line.len && line.ptr[at] != '{' && line.ptr[at] != ' ')
        at++;
    *ret_name = span_slice(line, 0, at);
    size_t from = at;
    if (line.ptr[at] == '{') {
        do {
            at++; /* '{' or ',' */
            while (islower((unsigned char)line.ptr[at]) || line.ptr[at] == '_')
                at++;
            assert_int_equal(line.ptr[at++], '=');
            assert_int_equal(line.ptr[at++], '"');
            for (; line.ptr[at] != '"'; at++) {
                if (line.ptr[at] != '\\') continue;
                at++;
                assert_non_null(strchr("\\\"n", line.ptr[at]));
            }
            at++;
        } while (line.ptr[at] == ',');
        assert_int_equal(line.ptr[at++], '}');
    }
    *ret_labels = span_slice(line, from, at);
    assert_int_equal(line.ptr[at++], ' ');
    char value[64] = "";
    assert_true(line.len - at < sizeof value);
    memcpy(value, line.ptr + at, line.len - at);
    char *end;
    *ret_value = strtod(value, &end);
    assert_true(end != value && *end == '\0');
}

static const row *row_of(span name, bool open_metrics) {
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span full = span_cstr(rows[i].name);
        if (open_metrics && span_ends(full, SPAN_OF("_total"))) full.len -= 6;
        if (open_metrics && span_ends(full, SPAN_OF("_info"))) full.len -= 5;
        if (span_eq(full, name)) return &rows[i];
    }
    fail_msg("no family has the name %.*s", SPAN_ARG(name));
    return NULL;
}

/* Every family once and in one piece, HELP and TYPE before its samples, every sample once, buckets
 * that never go down and end in the count. */
static void check_form(bool open_metrics) {
    buf out = exposition(open_metrics);
    assert_true(span_is_utf8(buf_span(&out)));
    const row *family = NULL;
    bool seen[ARRAY_LEN(rows)] = {0}, ended = false;
    double bucket = 0;
    buf samples = BUF_EMPTY;
    span rest = buf_span(&out), line;
    while (span_cut(&rest, '\n', &line)) {
        if (line.len == 0) {
            assert_null(rest.ptr); /* behind the last line feed alone */
        } else if (span_eq(line, SPAN_OF("# EOF"))) {
            ended = true;
        } else if (span_starts(line, SPAN_OF("# HELP "))) {
            span name = span_slice(line, 7, span_find(line, 7, ' '));
            family = row_of(name, open_metrics);
            assert_false(seen[family - rows]);
            seen[family - rows] = true;
        } else if (line.ptr[0] == '#') {
            assert_true(span_starts(line, SPAN_OF("# TYPE ")) ||
                        (open_metrics && span_starts(line, SPAN_OF("# UNIT "))));
            span name = span_slice(line, 7, span_find(line, 7, ' '));
            assert_ptr_equal(row_of(name, open_metrics), family);
        } else {
            span name, labels;
            double value;
            split_sample(line, &name, &labels, &value);
            assert_true(span_starts(name, span_cstr(family->name)));
            span suffix = span_slice(name, strlen(family->name), name.len);
            bool histogram = strcmp(family->kind, "HISTOGRAM") == 0;
            assert_int_equal(suffix.len != 0, histogram);
            if (span_eq(suffix, SPAN_OF("_bucket"))) {
                assert_true(value >= bucket);
                bucket = value;
            }
            if (span_eq(suffix, SPAN_OF("_count"))) {
                assert_true(value == bucket && value > 0);
                bucket = 0;
            }
            buf key = BUF_EMPTY;
            buf_addf(&key, "\n%.*s%.*s\n", SPAN_ARG(name), SPAN_ARG(labels));
            assert_int_equal(span_find_span(buf_span(&samples), 0, buf_span(&key)), samples.len);
            buf_add(&samples, buf_span(&key));
            buf_done(&key);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(seen[i]);
    assert_int_equal(ended, open_metrics);
    buf_done(&samples);
    buf_done(&out);
}

static void the_text_format_is_kept(void **state) {
    (void)state;
    check_form(false);
}

static void open_metrics_is_kept(void **state) {
    (void)state;
    check_form(true);
    buf out = exposition(true);
    static const char *const lines[] = {"# TYPE weir_calls counter\n",
                                        "\nweir_calls_total{",
                                        "# TYPE weir_build info\n",
                                        "\nweir_build_info{version=\"" WEIR_VERSION "\"} 1\n",
                                        "# UNIT weir_call_duration_seconds seconds\n",
                                        "# TYPE process_cpu_seconds counter\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (!strstr(buf_cstr(&out), lines[i])) fail_msg("OpenMetrics lacks %s", lines[i]);
    buf_done(&out);
}

static void the_process_has_figures(void **state) {
    (void)state;
    static const char *const names[] = {
        "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_open_fds",          "process_virtual_memory_bytes",
        "process_max_fds",           "process_start_time_seconds"};
    buf out = exposition(false);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char want[64];
        (void)snprintf(want, sizeof want, "\n%s ", names[i]);
        const char *at = strstr(buf_cstr(&out), want);
        assert_non_null(at);
        assert_true(strtod(at + strlen(want), NULL) > 0);
    }
    buf_done(&out);
}

/* Prometheus' own linter reads it too, where it is installed or tools/deps has unpacked it. */
#define WITH_PROMTOOL "export PATH=\"$PATH:$WEIR_SOURCE/deps/prometheus/usr/bin\"; "
static void promtool_has_no_complaint(void **state) {
    (void)state;
    if (system(WITH_PROMTOOL "command -v promtool >/dev/null 2>&1") != 0) {
        print_message("promtool is not installed\n");
        skip();
    }
    FILE *tool = popen(WITH_PROMTOOL "promtool check metrics", "w");
    assert_non_null(tool);
    buf out = exposition(false);
    assert_int_equal(fwrite(out.ptr, 1, out.len, tool), out.len);
    assert_int_equal(pclose(tool), 0);
    buf_done(&out);
}

static void accept_chooses_the_format(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        bool open;
    } cases[] = {
        {"application/openmetrics-text;version=1.0.0;q=0.5,application/"
         "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         true},
        {"text/plain, Application/OpenMetrics-Text", true},
        {"application/openmetrics-text ; q=0.001", true},
        {"application/openmetrics-text; q=0", false},
        {"application/openmetrics-text;q=0.0, text/plain", false},
        {"application/openmetrics-textual", false},
        {"text/plain;version=0.0.4", false},
        {"*/*", false},
        {",;,", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (metrics_wants_open(span_cstr(cases[i].accept)) != cases[i].open)
            fail_msg("Accept: %s", cases[i].accept);
    assert_false(metrics_wants_open(SPAN_EMPTY));
}

/* ---- docs/metrics.md ---- */

static void doc_line(buf *out, const row *r) {
    buf_addf(out, "| `%s` | %s | ", r->name, kind_of(r));
    span rest = span_cstr(r->labels), label;
    const char *between = "";
    while (rest.len && span_cut(&rest, ',', &label)) {
        buf_addf(out, "%s`%.*s`", between, SPAN_ARG(label));
        between = ", ";
    }
    buf_addf(out, " | %s |\n", r->help);
}

static void the_page_of_the_docs_is_complete(void **state) {
    (void)state;
    char path[4096];
    buf page = unit_read(unit_source("docs/metrics.md", path)), expected = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        doc_line(&expected, &rows[i]);
    if (!strstr(buf_cstr(&page), buf_cstr(&expected))) {
        (void)fputs(buf_cstr(&expected), stderr); /* longer than a message of cmocka may be */
        fail_msg("docs/metrics.md must hold the table above");
    }
    buf_done(&page);
    buf_done(&expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(the_text_format_is_kept),
        cmocka_unit_test(open_metrics_is_kept),
        cmocka_unit_test(the_process_has_figures),
        cmocka_unit_test(promtool_has_no_complaint),
        cmocka_unit_test(accept_chooses_the_format),
        cmocka_unit_test(the_page_of_the_docs_is_complete),
    };
    return cmocka_run_group_tests(tests, fill, empty);
}
