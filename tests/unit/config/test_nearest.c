/* What somebody meant: values in other spellings, and the signs that YAML stumbles over. */
#include "unit.h"

#include "config/nearest.h"
#include "config/yaml_slip.h"

static void values(void **state) {
    (void)state;
    static const struct {
        const option_type *type;
        const char *text, *meant; /* NULL: nobody can tell */
    } rows[] = {
        {&type_duration, "1min", "1m"},
        {&type_duration, "5 seconds", "5s"},
        {&type_duration, "5S", "5s"},
        {&type_duration, "30 Sec", "30s"},
        {&type_duration, "1.5hours", "1.5h"},
        {&type_duration, "2,5h", "2.5h"},
        {&type_duration, "200 MS", "200ms"},
        {&type_duration, "200 milliseconds", "200ms"},
        {&type_duration, "7days", "7d"},
        {&type_duration, "1M", NULL}, /* minutes, or months? */
        {&type_duration, "1,500s", NULL},
        {&type_duration, "1.5 msec", NULL}, /* what is meant is none that weir reads */
        {&type_duration, "5", NULL},
        {&type_duration, "5 weeks", NULL},
        {&type_duration, "s", NULL},
        {&type_duration, "soon", NULL},
        {&type_duration, "1h30m", NULL},
        {&type_size, "20M", "20MB"},
        {&type_size, "64 k", "64KB"},
        {&type_size, "1Gi", "1GB"},
        {&type_size, "100 bytes", "100B"},
        {&type_size, "2.5 MBytes", "2.5MB"},
        {&type_size, "1_000 KB", "1000KB"},
        {&type_size, "2TB", NULL},
        {&type_size, "M", NULL},
        {&type_ratio, "0.2", "20%"},
        {&type_ratio, "0.005", "0.5%"},
        {&type_ratio, "20", "20%"},
        {&type_ratio, "20 %", "20%"},
        {&type_ratio, "50percent", "50%"},
        {&type_ratio, "0,5", "50%"},
        {&type_ratio, "half", NULL},
        {&type_bool, "True", "true"},
        {&type_bool, "YES", "true"},
        {&type_bool, "enabled", "true"},
        {&type_bool, "1", "true"},
        {&type_bool, "FALSE", "false"},
        {&type_bool, "Off", "false"},
        {&type_bool, "maybe", NULL},
        {&type_section, "False", "false"},
        {&type_count, "1_000", "1000"},
        {&type_count, "16'384", "16384"},
        {&type_count, " 5 ", "5"},
        {&type_count, "1.5", NULL},
        {&type_count, "1,000", NULL},
        {&type_count, "-1", NULL},
        {&type_text, "True", NULL},
        {&type_word, "1", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        buf_add_char(&out, '>');
        bool found = nearest_value(rows[i].type, span_cstr(rows[i].text), &out);
        if (found != (rows[i].meant != NULL) ||
            (found && strcmp(buf_cstr(&out) + 1, rows[i].meant) != 0))
            fail_msg("%s: %s %s", rows[i].text, rows[i].type->name, buf_cstr(&out));
        if (!found) assert_int_equal(out.len, 1);
        buf_done(&out);
    }
}

static void signs(void **state) {
    (void)state;
    static const struct {
        const char *source;
        unsigned line, column;
        unsigned at; /* column; 0: no slip */
        char sign;
    } rows[] = {
        {"*: a", 1, 1, 1, '*'},
        {"*: a", 1, 2, 1, '*'}, /* one behind */
        {"*: a", 1, 3, 0, 0},
        {"a: *", 1, 4, 4, '*'},
        {"a: *\r\nb: c", 1, 4, 4, '*'},
        {"a: *name", 1, 4, 0, 0},
        {"x\n[*, b]", 2, 2, 2, '*'},
        {"x\n[*, b]", 1, 2, 0, 0},
        {"\xc3\xbc\xc3\xbc: [*]", 1, 7, 6, '*'}, /* columns are characters */
        {"{k: ${A}}", 1, 6, 5, '$'},
        {"{k: ${A}}", 1, 5, 5, '$'},
        {"{k: $A}", 1, 5, 0, 0},
        {"a", 9, 9, 0, 0},
        {"", 1, 1, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        yaml_slip slip = {0};
        bool found = slip_find(span_cstr(rows[i].source), rows[i].line, rows[i].column, &slip);
        if (found != (rows[i].at > 0) || slip.column != rows[i].at)
            fail_msg("row %zu: column %u", i, slip.column);
        if (!found) continue;
        assert_int_equal(slip.line, rows[i].line);
        assert_non_null(strchr(slip.text, rows[i].sign));
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
