/* functions: how far a run of a model with tools may go. Its options are plain, but for the money.
 */
#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

COLD static bool read_amount(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    span text;
    int64_t nano;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (span_eq(text, span_cstr(o->zero))) {
        *(int64_t *)field = 0;
        return true;
    }
    if (!unit_money(text, &nano) || !nano) return reader_expected(r, o, name, node);
    *(int64_t *)field = nano;
    return true;
}

COLD static void write_amount(const option *o, const void *field, buf *out) {
    int64_t nano = *(const int64_t *)field;
    if (nano)
        unit_write_money(nano, out);
    else
        buf_add_cstr(out, o->zero);
}

const option_type type_amount = {"amount", "an amount of money above 0 such as 0.25", read_amount,
                                 write_amount, TELLS_VALUE};
