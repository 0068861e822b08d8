/* One name for an error, over the whole table: what the client reads in the answer, what the log
 * and the metrics have, and what docs/errors.md says. */
#include "unit.h"

#include "dialect/failure.h"
#include "json/json.h"
#include "observe/line.h"
#include "observe/metrics.h"
#include "observe/records.h"

#include <stdio.h>

/* As the answer has it: its code; where that is null, its type. */
static void answered_word(error_id id, char ret[64]) {
    const weir_error e = error_of(id);
    const failure f = failure_of(&e);
    buf body = BUF_EMPTY;
    json_value root;
    json_fault fault;
    failure_body(&f, &body);
    assert_true(json_scan(buf_span(&body), NULL, &root, &fault));
    json_value error = json_get(root, SPAN_OF("error"));
    json_value word = json_get(error, SPAN_OF("code"));
    if (word.type == JSON_NULL) word = json_get(error, SPAN_OF("type"));
    assert_int_equal(word.type, JSON_STRING);
    snprintf(ret, 64, "%.*s", SPAN_ARG(span_slice(word.raw, 1, word.raw.len - 1)));
    buf_done(&body);
}

static void assert_logged(const call_record *r, const char *word) {
    buf out = BUF_EMPTY;
    line_clock clock = {0};
    char want[128];
    line_json_call(&out, &clock, r);
    snprintf(want, sizeof want, "\"error\":\"%s\"", word);
    if (!strstr(buf_cstr(&out), want)) fail_msg("no %s in %s", want, buf_cstr(&out));
    buf_clear(&out);
    line_text_call(&out, &clock, r, false);
    snprintf(want, sizeof want, "  %s: ", word);
    if (!strstr(buf_cstr(&out), want)) fail_msg("no %s in %s", want, buf_cstr(&out));
    buf_done(&out);
}

static void assert_counted(const call_record *r, const char *word) {
    static const char *const faults[] = {"client", "provider", "weir"};
    metrics *all = metrics_new();
    buf out = BUF_EMPTY;
    char want[160];
    metrics_count_call(metrics_add_shard(all), r);
    metrics_write(all, false, &out);
    snprintf(want, sizeof want, "\nweir_errors_total{code=\"%s\",fault=\"%s\"} 1\n", word,
             faults[error_get(r->error)->fault]);
    if (!strstr(buf_cstr(&out), want)) fail_msg("no %s in %s", want, buf_cstr(&out));
    buf_done(&out);
    metrics_free(all);
}

static void answer_log_metrics_and_page_agree(void **state) {
    (void)state;
    char path[4096];
    buf page = unit_read(unit_source("docs/errors.md", path));
    for (error_id id = ERR_NONE + 1; id < ERR_COUNT; id++) {
        const error_row *row = error_get(id);
        char word[64], want[256];
        answered_word(id, word);
        call_record r = record_of_stream();
        r.error = id;
        r.status = row->status;
        assert_logged(&r, word);
        assert_counted(&r, word);
        snprintf(want, sizeof want,
                 *row->code ? "\n| %d | `%s` | `%s` |" : "\n| %d | null (`%s`) | `%s` |",
                 row->status, word, row->type);
        if (!strstr(page.ptr, want)) fail_msg("docs/errors.md lacks %s", want);
    }
    buf_done(&page);
}

/* Two errors of one name could not be told apart by who reads the log. */
static void each_error_has_a_word_of_its_own(void **state) {
    (void)state;
    assert_int_equal(error_word(ERR_NONE).len, 0);
    for (error_id id = ERR_NONE + 1; id < ERR_COUNT; id++)
        for (error_id other = ERR_NONE + 1; other < id; other++)
            if (span_eq(error_word(id), error_word(other)))
                fail_msg("%s and %s are both %.*s", error_get(id)->name, error_get(other)->name,
                         SPAN_ARG(error_word(id)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_log_metrics_and_page_agree),
        cmocka_unit_test(each_error_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
