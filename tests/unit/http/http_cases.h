/* Reads tests/data/http1_requests.txt; see the head of that file for its form. */
#ifndef WEIR_UNIT_HTTP_CASES_H
#define WEIR_UNIT_HTTP_CASES_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define CASE_BODY                                                                                  \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Say hello to everyone.\"}]}"

typedef struct http_case {
    bool accept;
    char name[64];
    int number; /* requests, or the status */
    buf bytes;
} http_case;

typedef struct http_cases {
    http_case *items;
    size_t count;
} http_cases;

static inline bool case_variable(buf *out, span *rest) {
    const span body = SPAN_OF(CASE_BODY);
    struct {
        span name;
        char text[sizeof CASE_BODY];
    } vars[] = {{SPAN("$BODY"), CASE_BODY}, {SPAN("$LEN"), ""},           {SPAN("$HEXB"), ""},
                {SPAN("$HEX"), ""},         {SPAN("$A"), {CASE_BODY[0]}}, {SPAN("$B"), ""}};
    (void)snprintf(vars[1].text, 20, "%zu", body.len);
    (void)snprintf(vars[2].text, 20, "%zx", body.len - 1);
    (void)snprintf(vars[3].text, 20, "%zx", body.len);
    memcpy(vars[5].text, body.ptr + 1, body.len);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
        if (!span_starts(*rest, vars[i].name)) continue;
        buf_add_cstr(out, vars[i].text);
        *rest = span_slice(*rest, vars[i].name.len, rest->len);
        return true;
    }
    return false;
}

static inline void case_line(buf *out, span line) {
    while (line.len) {
        if (line.ptr[0] == '$' && case_variable(out, &line)) continue;
        char c = line.ptr[0];
        size_t used = 1;
        if (c == '\\') {
            used = 2;
            switch (line.ptr[1]) {
            case 'r': c = '\r'; break;
            case 'n': c = '\n'; break;
            case 't': c = '\t'; break;
            case '0': c = '\0'; break;
            case 'x': {
                char hex[3] = {line.ptr[2], line.ptr[3], 0};
                c = (char)strtol(hex, NULL, 16);
                used = 4;
                break;
            }
            default: c = '\\';
            }
        }
        buf_add_char(out, c);
        line = span_slice(line, used, line.len);
    }
}

static inline http_cases http_cases_load(void) {
    char path[1024], line[1024];
    const char *source = getenv("WEIR_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/data/http1_requests.txt", source ? source : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    http_cases cases = {NULL, 0};
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line || *line == '#') continue;
        if (span_starts(span_cstr(line), SPAN_OF("  "))) {
            assert_true(cases.count > 0);
            case_line(&cases.items[cases.count - 1].bytes, span_cstr(line + 2));
            continue;
        }
        cases.items = mem_realloc(cases.items, (cases.count + 1) * sizeof *cases.items);
        http_case *c = &cases.items[cases.count++];
        *c = (http_case){0};
        char verdict[8];
        assert_int_equal(sscanf(line, "%7s %63s %d", verdict, c->name, &c->number), 3);
        c->accept = strcmp(verdict, "accept") == 0;
        if (!c->accept) assert_string_equal(verdict, "refuse");
    }
    (void)fclose(f);
    return cases;
}

static inline void http_cases_free(http_cases *cases) {
    for (size_t i = 0; i < cases->count; i++)
        buf_done(&cases->items[i].bytes);
    free(cases->items);
}

#endif
