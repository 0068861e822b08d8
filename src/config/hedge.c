/* hedge.after: a fixed time, or a percentile of what was measured. */
#include "config/reader.h"
#include "config/units.h"

#include <math.h>

COLD static bool read_percentile(span text, double *ret) {
    double percent;
    if (!span_starts(text, SPAN_OF("p"))) return false;
    if (!unit_number(span_slice(text, 1, text.len), &percent)) return false;
    if (percent < 1 || percent > 99.9) return false;
    *ret = percent / 100;
    return true;
}

COLD static bool read_after(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_hedge *hedge = field;
    span text;
    int64_t ms;
    double quantile;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (read_percentile(text, &quantile)) {
        hedge->after_ms = 0;
        hedge->after_quantile = quantile;
        return true;
    }
    if (!unit_duration(text, &ms)) return reader_expected(r, o, name, node);
    if (ms < 1 || ms > 3600000) {
        span said = reader_number(r, node, "out of range");
        reader_problem(r, node, "%.*s is %.*s; allowed 1ms to 1h, or p1 to p99.9", SPAN_ARG(name),
                       SPAN_ARG(said));
        return false;
    }
    hedge->after_ms = ms;
    hedge->after_quantile = 0;
    return true;
}
COLD static void write_after(const option *o, const void *field, buf *out) {
    (void)o;
    const config_hedge *hedge = field;
    if (hedge->after_ms) {
        unit_write_duration(hedge->after_ms, out);
        return;
    }
    buf_add_char(out, 'p');
    unit_write_number(round(hedge->after_quantile * 1e5) / 1e3, out);
}
const option_type type_after = {"duration or percentile",
                                "a duration such as 800ms or a percentile such as p95", read_after,
                                write_after, TELLS_VALUE};
